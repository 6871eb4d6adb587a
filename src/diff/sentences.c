/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Causes in words: one sentence for each thing that grew and that somebody would do something about.
 */
#include "diff/internal.h"

#include "base/text.h"

#include <string.h>

enum {
	NAMED_MAX = 3, /* kinds of lost blocks, sizes, pins */
	LEAST_OVERHEAD = 10,
	MANY_KEYS = 1000,
	FEW_SHAPES = 3,
	LEAST_QUEUE_GROWTH = 1 << 20, /* bytes in sockets */
	LEAST_UNJOINED = 10,	      /* threads; fewer may well be joined yet */
	LEAST_KEPT = 1 << 20,	      /* free bytes; of less there is no advice */
	LEAST_SHARE_NAMED = 100,      /* of what grew: a size with less than one in so many is not named */
};

/* "1.2 MiB (34.5 % of the growth)" */
static char *describe_bytes(const hc_diff *diff, int64_t bytes)
{
	char size[HC_TEXT_SIZE_LENGTH];

	hc_text_size(size, (uint64_t)bytes);
	if (diff->memory_growth <= 0)
		return g_strdup(size);
	if (bytes > diff->memory_growth + diff->memory_growth / 50)
		return g_strdup_printf("%s (more than memory grew: something else shrank)", size);
	return g_strdup_printf("%s (%.1f %% of the growth)", size, 100.0 * bytes / diff->memory_growth);
}

/* What more than two snapshots tell; "" of two. */
static char *describe_trend(const hc_diff *diff, hc_trend trend, int64_t bytes)
{
	char step[HC_TEXT_SIZE_LENGTH];

	switch (trend) {
	case HC_TREND_GROWING:
		return g_strdup_printf("; it grew at every step, by about %s",
			hc_text_size(step, (uint64_t)bytes / (diff->count - 1)));
	case HC_TREND_STOPPED:
		return g_strdup("; it did not grow in the last step: warm-up, by the looks of it");
	case HC_TREND_UNSTEADY:
		return g_strdup("; growth was uneven");
	default:
		return g_strdup("");
	}
}

bool hc_diff_is_partial(const hc_diff *diff)
{
	return hc_diagnostics_partial(diff->first->diagnostics) || hc_diagnostics_partial(diff->last->diagnostics);
}

/* Takes TEXT and COMMAND over. */
static void add(hc_diff *diff, const char *kind, const char *name, int64_t bytes, hc_confidence confidence,
	hc_trend trend, char *text, char *command)
{
	g_autofree char *trend_text = describe_trend(diff, trend, bytes), *own = text;
	hc_sentence sentence = {
		.kind = kind,
		.name = g_strdup(name ? name : ""),
		.bytes = bytes,
		.confidence = confidence == HC_CONFIDENCE_CERTAIN && hc_diff_is_partial(diff) ? HC_CONFIDENCE_LIKELY :
												confidence,
		.trend = trend,
		.text = g_strconcat(own, trend_text, NULL),
		.command = command,
	};

	g_array_append_val(diff->sentences, sentence);
}

/* ---- sums over rows of a kind ---- */

typedef struct growth_sum {
	int64_t bytes;
	int64_t blocks;
	uint64_t after;
	uint64_t *steps;
	unsigned rows; /* that grew */
} growth_sum;

static growth_sum sum_up(const hc_diff *diff, hc_growth_kind kind)
{
	growth_sum sum = { .steps = g_new0(uint64_t, diff->count) };

	for (unsigned i = 0; i < diff->attribution->len; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);

		if (row->kind != kind)
			continue;
		sum.bytes += row->bytes;
		sum.blocks += (int64_t)(row->blocks_after - row->blocks_before);
		sum.after += row->after;
		sum.rows += row->bytes > 0;
		for (unsigned step = 0; step < diff->count; step++)
			sum.steps[step] += row->steps[step];
	}
	return sum;
}

/* ---- lost blocks ---- */

/* The library that most of what was lost is of, by bytes grown; NULL: none is. */
static const char *common_module(const hc_diff *diff, int64_t lost)
{
	g_autoptr(GHashTable) bytes = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);

	for (unsigned i = 0; i < diff->attribution->len; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);
		const char *owner = row->kind == HC_GROWTH_LOST ? hc_diff_owner_of_lost(row->lost) : NULL;
		int64_t *sum;

		if (!owner)
			continue;
		sum = g_hash_table_lookup(bytes, owner);
		if (!sum) {
			sum = g_new0(int64_t, 1);
			g_hash_table_insert(bytes, (gpointer)owner, sum);
		}
		*sum += row->bytes;
		if (*sum > lost / 2)
			return owner;
	}
	return NULL;
}

/* "5,250 objects of demo::Session", "12,000 with text like "ORDER..."", "objects of Shape and what they lead to (900 blocks)" */
static void append_kind(GString *text, const hc_snapshot_lost *lost, uint64_t blocks)
{
	g_autofree char *what = hc_diff_describe_lost(lost), *escaped = hc_text_escape(what, -1);
	char count[HC_TEXT_COUNT_LENGTH];

	hc_text_count(count, blocks);
	if (!blocks)
		g_string_append(text, escaped);
	else if (lost->trees < lost->amount.blocks)
		/* Not every one is an object of the kind. */
		g_string_append_printf(text, "%s (%s blocks)", escaped, count);
	else
		g_string_append_printf(text, "%s %s%s", count, g_str_has_prefix(what, "text ") ? "with " : "", escaped);
}

/* " (each holds itself)": by references that are counted, and that are all in what hangs on it. Else that pointers lead back is all. */
static void append_rings(GString *text, const hc_snapshot_lost *lost)
{
	bool holds = lost->holding_themselves > 0;
	uint64_t heads = holds ? lost->holding_themselves : lost->rings;
	char count[HC_TEXT_COUNT_LENGTH];

	if (heads && heads == lost->trees)
		g_string_append(text, holds ? " (each holds itself)" : " (each leads back to itself)");
	else if (heads == 1)
		g_string_append(text, holds ? " (one of them holds itself)" : " (one of them leads back to itself)");
	else if (heads)
		g_string_append_printf(text, " (%s of them %s)", hc_text_count(count, heads),
			holds ? "hold themselves" : "lead back to themselves");
}

/* What the largest kinds are: ": 5,250 objects of demo::Session, ..." */
static void append_kinds(GString *text, const hc_diff *diff, const char *module, unsigned kinds)
{
	unsigned said = 0;

	for (unsigned i = 0; i < diff->attribution->len && said < NAMED_MAX; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);

		if (row->kind != HC_GROWTH_LOST || row->bytes <= 0)
			continue;
		g_string_append(text, said++ ? ", " : ": ");
		append_kind(text, row->lost,
			kinds > 1 && row->blocks_after > row->blocks_before ? row->blocks_after - row->blocks_before :
									      0);
		append_rings(text, row->lost);
		if (hc_diff_owner_of_lost(row->lost) && g_strcmp0(hc_diff_owner_of_lost(row->lost), module))
			g_string_append_printf(text, " (%s)", hc_diff_owner_of_lost(row->lost));
	}
	if (kinds > said)
		g_string_append(text, ", ...");
}

static const char *first_evidence(const hc_diff *diff)
{
	for (unsigned i = 0; i < diff->attribution->len; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);

		if (row->kind == HC_GROWTH_LOST && row->bytes > 0)
			return row->lost->evidence;
	}
	return NULL;
}

static const char *largest_lost(const hc_diff *diff)
{
	for (unsigned i = 0; i < diff->attribution->len; i++)
		if (hc_diff_attribution(diff, i)->kind == HC_GROWTH_LOST)
			return hc_diff_attribution(diff, i)->name;
	return NULL;
}

/* Whether what looks lost may be held from memory that the core lacks: what references/ said of it. */
static bool may_be_held(const hc_snapshot *snapshot)
{
	static const char *const kinds[] = { "lost-is-bound", "pointers-to-nowhere", "roots-missing", NULL };

	for (unsigned i = 0; i < hc_diagnostics_count(snapshot->diagnostics); i++)
		if (g_strv_contains(kinds, hc_diagnostics_get(snapshot->diagnostics, i)->kind->id))
			return true;
	return false;
}

static void tell_lost(hc_diff *diff)
{
	growth_sum sum = sum_up(diff, HC_GROWTH_LOST);
	g_autofree uint64_t *steps = sum.steps;
	GString *text = g_string_new(NULL);
	char count[HC_TEXT_COUNT_LENGTH];
	const char *module, *evidence = first_evidence(diff);
	bool is_bound;

	if (sum.bytes <= 0) {
		g_string_free(text, TRUE);
		return;
	}
	g_autofree char *bytes = describe_bytes(diff, sum.bytes);

	module = common_module(diff, sum.bytes);
	is_bound = may_be_held(diff->first) || may_be_held(diff->last);
	g_string_append_printf(text,
		is_bound ? "at most a leak: blocks that nothing in these cores points to grew by %s" :
			   "a leak: blocks that nothing points to grew by %s",
		bytes);
	if (sum.blocks > 0)
		g_string_append_printf(text, ", %s more of them", hc_text_count(count, (uint64_t)sum.blocks));
	if (module) {
		g_autofree char *escaped = hc_text_escape(module, -1);

		g_string_append_printf(text, ", from %s", escaped);
	}
	append_kinds(text, diff, module, sum.rows);
	if (evidence) {
		g_autofree char *escaped = hc_text_escape(evidence, -1);

		g_string_append_printf(text, "; %s", escaped);
	}
	if (is_bound)
		g_string_append(text, "; memory that is not in the cores may point to them (heapcore leaks names it)");
	add(diff, "leak", module ? module : largest_lost(diff), sum.bytes,
		is_bound ? HC_CONFIDENCE_POSSIBLE : HC_CONFIDENCE_CERTAIN, hc_diff_trend(steps, diff->count),
		g_string_free(text, FALSE), g_strdup("leaks CORE"));
}

/* ---- containers and other paths ---- */

static hc_confidence confidence_of(const hc_growth *row)
{
	switch (row->owner->certainty) {
	case HC_CERTAINTY_CERTAIN:
		return row->owner->kind && row->owner->grade != HC_GRADE_EXACT ? HC_CONFIDENCE_LIKELY :
										 HC_CONFIDENCE_CERTAIN;
	case HC_CERTAINTY_DEDUCED:
		return HC_CONFIDENCE_LIKELY;
	default:
		return HC_CONFIDENCE_POSSIBLE;
	}
}

/* Who reads the sentence does not see its confidence. */
static const char *hedge(const hc_growth *row)
{
	return confidence_of(row) == HC_CONFIDENCE_POSSIBLE ? "; this is a guess" : "";
}

/* "frames (std::vector<Frame>, run_session() frame 2 of thread 4711)"; of one that the path names well enough without where. */
static char *describe_owner(const hc_growth *row)
{
	g_autofree char *path = hc_text_escape(row->name, -1), *type = hc_text_escape(row->type, -1),
			*where = hc_text_escape(row->where, -1);
	bool says_where = row->owner->function || row->owner->thread || row->owner->count > 1;

	if (!*type && !says_where)
		return g_steal_pointer(&path);
	return g_strdup_printf("%s (%s%s%s)", path, type, *type && says_where ? ", " : "", says_where ? where : "");
}

static char *show_command(const char *command, const char *option, const char *path)
{
	g_autofree char *quoted = g_shell_quote(path);

	return g_strdup_printf("%s CORE %s%s%s", command, option, *option ? " " : "", quoted);
}

static bool has_unbounded_keys(const hc_growth *row)
{
	return row->trend != HC_TREND_STOPPED && row->owner->is_keyed && row->owner->keys_looked_at >= MANY_KEYS &&
	       row->owner->key_shapes <= FEW_SHAPES && row->elements_after > row->elements_before;
}

static void append_keys(GString *text, const hc_growth *row)
{
	g_autofree char *key = row->owner->key ? hc_text_escape(row->owner->key, -1) : NULL;
	g_autofree char *shape = row->owner->key_shape ? hc_text_escape(row->owner->key_shape, -1) : NULL;

	if (key)
		g_string_append_printf(text, "; keys like \"%s\"", key);
	if (shape && has_unbounded_keys(row))
		g_string_append_printf(text, "%s differ in their numbers only (\"%s\"): nothing seems to bound them",
			key ? "" : "; its keys", shape);
}

static void append_counters(GString *text, const hc_counters *counters)
{
	g_autofree char *in = hc_text_escape(counters->in, -1), *out = hc_text_escape(counters->out, -1);
	char came[HC_TEXT_COUNT_LENGTH], went[HC_TEXT_COUNT_LENGTH];

	g_string_append_printf(text, ": %s more went in (%s), %s%s came out (%s)",
		hc_text_count(came, (uint64_t)(counters->in_after - counters->in_before)), in,
		counters->out_after > counters->out_before ? "only " : "",
		hc_text_count(went, (uint64_t)(counters->out_after - counters->out_before)), out);
}

static void tell_container(hc_diff *diff, const hc_growth *row)
{
	g_autofree char *owner = describe_owner(row), *bytes = describe_bytes(diff, row->bytes);
	GString *text = g_string_new(NULL);
	const char *kind = "container-growth";
	char before[HC_TEXT_COUNT_LENGTH], after[HC_TEXT_COUNT_LENGTH], size[HC_TEXT_SIZE_LENGTH];
	hc_counters counters;

	g_string_append_printf(text, "%s grew by %s", owner, bytes);
	if (hc_growth_is_unused_capacity(row))
		g_string_append_printf(text, ", unused capacity: %s of these, all empty, have room for %s elements",
			hc_text_count(before, row->owner->count), hc_text_count(after, row->owner->capacity));
	else if (row->elements_before == row->elements_after)
		g_string_append_printf(text, ", with %s elements as before", hc_text_count(after, row->elements_after));
	else
		g_string_append_printf(text, ", from %s to %s elements", hc_text_count(before, row->elements_before),
			hc_text_count(after, row->elements_after));
	g_string_append_printf(text, "; it holds %s now", hc_text_size(size, row->after));
	if (row->elements_after > row->elements_before && !row->owner->is_keyed &&
		hc_diff_find_counters(diff, row->name, row->elements_before, row->elements_after, &counters)) {
		kind = "backlog";
		g_string_append(text, "; a backlog");
		append_counters(text, &counters);
	} else if (has_unbounded_keys(row)) {
		kind = "unbounded-keys";
	} else if (row->owner->is_queue && row->elements_after > row->elements_before) {
		g_string_append(text, "; if it is a queue, its consumer falls behind");
	}
	append_keys(text, row);
	g_string_append(text, hedge(row));
	add(diff, kind, row->name, row->bytes, confidence_of(row), row->trend, g_string_free(text, FALSE),
		show_command("containers", "--variable", row->name));
}

/* "from 10 to 12 blocks"; of as many as before what they grew by: "one block, from 132.0 KiB to 4.0 MiB". */
static char *describe_blocks(const hc_growth *row)
{
	char before[HC_TEXT_COUNT_LENGTH], after[HC_TEXT_COUNT_LENGTH], small[HC_TEXT_SIZE_LENGTH],
		large[HC_TEXT_SIZE_LENGTH];

	hc_text_count(after, row->blocks_after);
	if (row->blocks_before != row->blocks_after)
		return g_strdup_printf("from %s to %s block%s", hc_text_count(before, row->blocks_before), after,
			row->blocks_after == 1 ? "" : "s");
	return g_strdup_printf("%s%s, from %s to %s", row->blocks_after == 1 ? "one" : after,
		row->blocks_after == 1 ? " block" : " blocks as before", hc_text_size(small, row->before),
		hc_text_size(large, row->after));
}

static void tell_owner(hc_diff *diff, const hc_growth *row)
{
	g_autofree char *owner = describe_owner(row), *bytes = describe_bytes(diff, row->bytes),
			*blocks = describe_blocks(row);

	add(diff, "owner-growth", row->name, row->bytes, confidence_of(row), row->trend,
		g_strdup_printf("what %s leads to grew by %s, %s%s", owner, bytes, blocks, hedge(row)),
		g_strdup("types CORE"));
}

static void tell_buffer(hc_diff *diff, const hc_growth *row)
{
	g_autofree char *owner = row->owner ? describe_owner(row) : hc_text_escape(row->name, -1),
			*bytes = describe_bytes(diff, row->bytes), *blocks = describe_blocks(row);
	bool is_one = row->blocks_before <= 1 && row->blocks_after == 1;

	add(diff, "big-buffers", row->name, row->bytes, row->owner ? confidence_of(row) : HC_CONFIDENCE_CERTAIN,
		row->trend,
		g_strdup_printf("%s of its own: %s: grew by %s, %s",
			is_one ? "a big buffer in a mapping" : "big buffers, each in a mapping", owner, bytes, blocks),
		g_strdup("chunks CORE --state in-use --arena mmapped"));
}

/* ---- what nothing known holds ---- */

const hc_growth *hc_diff_find_broken(const hc_diff *diff)
{
	const hc_growth *most = NULL;
	uint64_t most_elements = 0;

	for (unsigned i = 0; i < diff->attribution->len; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);

		if (row->kind != HC_GROWTH_CONTAINER || row->owner->grade != HC_GRADE_TRUNCATED ||
			row->elements_after <= row->elements_before ||
			row->elements_after - row->elements_before <= most_elements ||
			/* Nor is it what a damaged counter says. */
			row->elements_after > diff->last->in_use.bytes)
			continue;
		most = row;
		most_elements = row->elements_after - row->elements_before;
	}
	return most;
}

/* The blocks of a container whose links are broken stand among those without an owner. */
static void append_broken(GString *text, const hc_diff *diff)
{
	const hc_growth *row = hc_diff_find_broken(diff);
	char before[HC_TEXT_COUNT_LENGTH], after[HC_TEXT_COUNT_LENGTH];
	g_autofree char *owner = row ? describe_owner(row) : NULL;

	if (row)
		g_string_append_printf(text,
			"; perhaps they are of %s, which says that it grew from %s to %s elements, but could be read only in part",
			owner, hc_text_count(before, row->elements_before), hc_text_count(after, row->elements_after));
}

static void tell_held(hc_diff *diff)
{
	growth_sum sum = sum_up(diff, HC_GROWTH_HELD);
	g_autofree uint64_t *steps = sum.steps;
	GString *text;
	unsigned said = 0;

	if (sum.bytes <= 0)
		return;
	g_autofree char *bytes = describe_bytes(diff, sum.bytes);

	text = g_string_new(NULL);
	g_string_append_printf(
		text, "blocks that something points to, but whose owner is not known, grew by %s", bytes);
	for (unsigned i = 0; i < diff->attribution->len && said < NAMED_MAX; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);
		uint64_t more = row->blocks_after - row->blocks_before;
		char count[HC_TEXT_COUNT_LENGTH], size[HC_TEXT_COUNT_LENGTH];

		if (row->kind != HC_GROWTH_HELD || row->bytes <= sum.bytes / LEAST_SHARE_NAMED ||
			row->blocks_after <= row->blocks_before)
			continue;
		g_string_append_printf(text, "%s%s more of ", said++ ? ", " : ": ", hc_text_count(count, more));
		if (row->owner) {
			g_autofree char *name = hc_text_escape(row->name, -1);

			g_string_append(text, name);
		} else {
			g_string_append_printf(text, "%s bytes", hc_text_count(size, (uint64_t)row->bytes / more));
		}
	}
	append_broken(text, diff);
	add(diff, "held", NULL, sum.bytes, HC_CONFIDENCE_CERTAIN, hc_diff_trend(steps, diff->count),
		g_string_free(text, FALSE), g_strdup("types CORE"));
}

/* ---- free memory ---- */

static void tell_retained(hc_diff *diff)
{
	growth_sum sum = sum_up(diff, HC_GROWTH_FREE);
	g_autofree uint64_t *steps = sum.steps;
	char all[HC_TEXT_SIZE_LENGTH];
	GString *text;

	if (sum.bytes <= 0)
		return;
	g_autofree char *bytes = describe_bytes(diff, sum.bytes);

	text = g_string_new(NULL);
	g_string_append_printf(
		text, "free memory that malloc keeps grew by %s, to %s", bytes, hc_text_size(all, sum.after));
	if (sum.after >= LEAST_KEPT && diff->last->pins_advice && *diff->last->pins_advice)
		g_string_append_printf(text, ": %s", diff->last->pins_advice);
	if (g_str_has_suffix(text->str, "."))
		g_string_truncate(text, text->len - 1);
	add(diff, "retained", NULL, sum.bytes, HC_CONFIDENCE_CERTAIN, hc_diff_trend(steps, diff->count),
		g_string_free(text, FALSE), g_strdup("pins CORE"));
}

static void tell_overhead(hc_diff *diff, const hc_growth *row)
{
	g_autofree char *bytes = describe_bytes(diff, row->bytes), *name = hc_text_escape(row->name, -1);

	add(diff, "overhead", NULL, row->bytes, HC_CONFIDENCE_CERTAIN, row->trend,
		g_strdup_printf("%s grew by %s", name, bytes), g_strdup("arenas CORE"));
}

/* ---- not this heap ---- */

static void tell_mapping(hc_diff *diff, const hc_growth *row)
{
	g_autofree char *bytes = describe_bytes(diff, row->bytes), *name = hc_text_escape(row->name, -1);

	bool is_known = hc_snapshot_knows_heap(diff->first) && hc_snapshot_knows_heap(diff->last);
	const char *what = !is_known ? "the heap may be among it, for it was not found" :
			   !g_strcmp0(row->row, "anonymous") ?
				       "not this heap, but what the program, a library or an allocator of "
				       "its own got by mmap()" :
				       "not this heap";

	/* Of a core that was cut the heap may be one of these. */
	add(diff, "not-heap", row->name, row->bytes, is_known ? HC_CONFIDENCE_CERTAIN : HC_CONFIDENCE_POSSIBLE,
		row->trend, g_strdup_printf("%s grew by %s: %s", name, bytes, what), g_strdup("mappings CORE"));
}

static int64_t heap_growth(const hc_diff *diff)
{
	int64_t growth = 0;

	for (unsigned i = 0; i < diff->rows->len; i++) {
		const hc_diff_row *row = hc_diff_row_get(diff, i);

		growth += hc_diff_is_books_row(row) ? row->growth : 0;
	}
	return growth;
}

/* "8 UDP sockets hold", "8 UDP and 1 TCP sockets hold": those that have anything unread, kinds with most of it first. */
static char *describe_sockets(const hc_side_facts *facts)
{
	GString *text = g_string_new(NULL);
	bool said[HC_SOCKET_KIND_COUNT] = { 0 };
	uint64_t count = 0;

	for (unsigned turn = 0; turn < HC_SOCKET_KIND_COUNT; turn++) {
		unsigned most = HC_SOCKET_KIND_COUNT;

		for (unsigned kind = 0; kind < HC_SOCKET_KIND_COUNT; kind++) {
			if (!said[kind] && facts->sockets[kind].waiting &&
				(most == HC_SOCKET_KIND_COUNT ||
					facts->sockets[kind].unread > facts->sockets[most].unread))
				most = kind;
		}
		if (most == HC_SOCKET_KIND_COUNT)
			break;
		said[most] = true;
		count += facts->sockets[most].waiting;
		g_string_append_printf(text, "%s%" G_GUINT64_FORMAT " %s", text->len ? " and " : "",
			facts->sockets[most].waiting, hc_socket_kind_name(most));
	}
	g_string_append(text, count == 1 ? " socket holds" : " sockets hold");
	return g_string_free(text, FALSE);
}

/*
 * Unread datagrams are memory that grew because of this process and is in none of its mappings: who looks for it in the heap looks in
 * vain.
 */
static void tell_sockets(hc_diff *diff)
{
	const hc_side_facts *a = diff->first->side_facts, *b = diff->last->side_facts;
	char unread[HC_TEXT_SIZE_LENGTH], more[HC_TEXT_SIZE_LENGTH], heap[HC_TEXT_SIZE_LENGTH];
	int64_t growth = heap_growth(diff);
	g_autofree char *sockets = NULL, *known = NULL;

	if (!a || !b || a->unread == HC_FACT_UNKNOWN || b->unread == HC_FACT_UNKNOWN || b->unread < a->unread ||
		b->unread - a->unread < LEAST_QUEUE_GROWTH)
		return;
	sockets = describe_sockets(b);
	/* How much the heap of a torn core grew is not known. */
	known = diff->is_torn ? g_strdup("") :
				g_strdup_printf("heap %c%s; ", growth < 0 ? '-' : '+',
					hc_text_size(heap, growth < 0 ? -(uint64_t)growth : (uint64_t)growth));
	diff->kernel_growth = b->unread - a->unread;
	add(diff, "not-heap", "sockets", (int64_t)diff->kernel_growth, HC_CONFIDENCE_CERTAIN, HC_TREND_UNKNOWN,
		g_strdup_printf("%s%s %s unread, %s more than before: kernel memory, not this heap", known, sockets,
			hc_text_size(unread, b->unread), hc_text_size(more, diff->kernel_growth)),
		NULL);
}

/* The same for stacks that nobody joined: address space, of which the memory table has nothing, and some memory in it. */
static void tell_unjoined(hc_diff *diff)
{
	const hc_snapshot_unjoined *a = &diff->first->unjoined, *b = &diff->last->unjoined;
	g_autofree uint64_t *steps = g_new0(uint64_t, diff->count);
	char more[HC_TEXT_COUNT_LENGTH], now[HC_TEXT_COUNT_LENGTH], space[HC_TEXT_SIZE_LENGTH],
		memory[HC_TEXT_SIZE_LENGTH];
	int64_t grown = b->memory > a->memory ? (int64_t)(b->memory - a->memory) : 0;

	if (!a->is_known || !b->is_known || b->threads < a->threads + LEAST_UNJOINED || b->bytes <= a->bytes)
		return;
	for (unsigned i = 0; i < diff->count; i++)
		steps[i] = diff->snapshots[i]->unjoined.bytes;
	diff->has_unjoined = true;
	add(diff, "not-heap", "unjoined", a->is_resident == b->is_resident ? grown : 0, HC_CONFIDENCE_CERTAIN,
		hc_diff_trend(steps, diff->count),
		g_strdup_printf(
			"%s more threads ended and were not joined (%s now): their stacks keep %s more of address "
			"space%s%s%s: not this heap",
			hc_text_count(more, b->threads - a->threads), hc_text_count(now, b->threads),
			hc_text_size(space, b->bytes - a->bytes), a->is_resident == b->is_resident ? ", " : "",
			a->is_resident == b->is_resident ? hc_text_size(memory, (uint64_t)grown) : "",
			a->is_resident != b->is_resident ? "" :
			b->is_resident			 ? " more of it resident" :
							   " more of it touched"),
		g_strdup("mappings CORE"));
}

static void tell_row(hc_diff *diff, const hc_growth *row)
{
	switch (row->kind) {
	case HC_GROWTH_CONTAINER:
		return tell_container(diff, row);
	case HC_GROWTH_OWNER:
		return tell_owner(diff, row);
	case HC_GROWTH_BUFFER:
		return tell_buffer(diff, row);
	case HC_GROWTH_OVERHEAD:
	case HC_GROWTH_RUNTIME:
		/* A few per cent come with every block. */
		if (row->bytes > hc_diff_share_base(diff) / LEAST_OVERHEAD)
			tell_overhead(diff, row);
		return;
	case HC_GROWTH_STACKS:
	case HC_GROWTH_DATA:
	case HC_GROWTH_MAPPING:
		return tell_mapping(diff, row);
	default:
		return;
	}
}

void hc_diff_make_sentences(hc_diff *diff)
{
	tell_lost(diff);
	tell_held(diff);
	tell_retained(diff);
	tell_sockets(diff);
	tell_unjoined(diff);
	for (unsigned i = 0; i < diff->attribution->len; i++)
		if (hc_diff_attribution(diff, i)->bytes > 0)
			tell_row(diff, hc_diff_attribution(diff, i));
}
