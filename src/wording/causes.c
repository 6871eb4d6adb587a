/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Causes of growth in words: a clause for each. */
#include "wording/wording.h"

#include "base/text.h"
#include "snapshot/snapshot.h"

#include <inttypes.h>
#include <string.h>

enum {
	NAMED_MAX = 3, /* kinds of lost blocks, sizes */
	APART_SHARE = 10,
	APART_LEAST = 1 << 16,	 /* bytes */
	LEAST_KEPT = 1 << 20,	 /* free bytes; of less there is no advice */
	LEAST_SHARE_NAMED = 100, /* of what grew: a size with less than one in so many is not named */
};

/* Whether RESIDENT, growth of what is in memory, is so much more or less than that of what is mapped that it is another figure. */
static bool is_apart(int64_t resident, int64_t mapped)
{
	return (resident > 0 && mapped <= 0) || ABS(resident - mapped) > MAX(mapped, 0) / APART_SHARE + APART_LEAST;
}

/* "40.6 MiB of resident memory (99.8 % of its growth), 3.1 MiB mapped" */
static char *resident_text(const hc_diff *diff, const hc_cause *cause)
{
	int64_t growth = hc_diff_resident_growth(diff);
	char resident[HC_TEXT_SIZE_LENGTH], mapped[HC_TEXT_SIZE_LENGTH];
	bool is_other = cause->bytes > 0 && is_apart(cause->resident, cause->bytes);
	g_autofree char *share = growth >= cause->resident ?
					 g_strdup_printf(" (%.1f %% of its growth)", 100.0 * cause->resident / growth) :
					 g_strdup("");

	return g_strdup_printf("%s of resident memory%s%s%s%s", hc_text_size(resident, (uint64_t)cause->resident),
		share, is_other ? ", " : "", is_other ? hc_text_size(mapped, (uint64_t)cause->bytes) : "",
		is_other ? " mapped" : "");
}

/* "1.2 MiB (34.5 % of the growth)" */
static char *bytes_text(const hc_diff *diff, const hc_cause *cause)
{
	int64_t growth = hc_diff_memory_growth(diff), bytes = cause->bytes;
	char size[HC_TEXT_SIZE_LENGTH];

	/* Shares are of one growth only: of resident memory's, if that is another. */
	if (cause->resident > 0 && cause->kind != HC_CAUSE_SOCKETS && cause->kind != HC_CAUSE_PAGE_TABLES &&
		(is_apart(cause->resident, bytes) || is_apart(hc_diff_resident_growth(diff), growth)))
		return resident_text(diff, cause);

	hc_text_size(size, (uint64_t)bytes);
	if (growth <= 0)
		return g_strdup(size);
	if (bytes > growth + growth / 50)
		return g_strdup_printf("%s (more than memory grew: something else shrank)", size);
	return g_strdup_printf("%s (%.1f %% of the growth)", size, 100.0 * bytes / growth);
}

/* What more than two snapshots tell. */
static void append_trend(GString *text, const hc_diff *diff, const hc_cause *cause)
{
	char step[HC_TEXT_SIZE_LENGTH];

	switch (cause->trend) {
	case HC_TREND_GROWING:
		g_string_append_printf(text, "; it grew at every step, by about %s",
			hc_text_size(step, (uint64_t)cause->bytes / (hc_diff_snapshot_count(diff) - 1)));
		return;
	case HC_TREND_STOPPED:
		g_string_append(text, "; it did not grow in the last step: warm-up, by the looks of it");
		return;
	case HC_TREND_UNSTEADY:
		g_string_append(text, "; growth was uneven");
		return;
	default:
		return;
	}
}

/* ---- lost blocks ---- */

/* "5,250 objects of demo::Session", "12,000 with text like "ORDER..."", "objects of Shape and what they lead to (900 blocks)" */
static void append_kind(GString *text, const hc_leak_kind *lost, uint64_t blocks)
{
	g_autofree char *what = hc_word_lost(lost);
	char count[HC_TEXT_COUNT_LENGTH];

	hc_text_count(count, blocks);
	if (!blocks)
		g_string_append(text, what);
	else if (lost->trees < lost->amount.blocks)
		/* Not every one is an object of the kind. */
		g_string_append_printf(text, "%s (%s blocks)", what, count);
	else
		g_string_append_printf(text, "%s %s%s", count, g_str_has_prefix(what, "text ") ? "with " : "", what);
}

/*
 * " (each holds itself)": by references that are counted, and that are all in what hangs on it. Else that pointers lead back is all that is
 * known; parents are pointed to by their children everywhere, so that is said of the largest kind only.
 */
static void append_rings(GString *text, const hc_leak_kind *lost, bool is_largest)
{
	bool holds = lost->holding_themselves > 0;
	uint64_t heads = holds ? lost->holding_themselves : lost->rings;
	char count[HC_TEXT_COUNT_LENGTH];

	if (!holds && !is_largest)
		return;
	if (heads && heads == lost->trees)
		g_string_append(text, holds ? " (each holds itself)" : " (each leads back to itself)");
	else if (heads == 1)
		g_string_append(text, holds ? " (one of them holds itself)" : " (one of them leads back to itself)");
	else if (heads)
		g_string_append_printf(text, " (%s of them %s)", hc_text_count(count, heads),
			holds ? "hold themselves" : "lead back to themselves");
}

/* "a library that was unloaded", or the module's name; NULL: nobody's. */
static const char *owner_of_leak(const hc_cause *leak)
{
	static const hc_leak_kind unloaded = { .is_unloaded = true };

	return leak->is_unloaded ? hc_word_lost_owner(&unloaded) : leak->module;
}

/* The class of two layouts that most of what was lost hangs on, if more does than before; FALSE: there is none. */
static bool find_layouts(const hc_diff *diff, hc_diff_layouts *ret_layouts)
{
	if (!hc_diff_layouts_count(diff))
		return false;
	*ret_layouts = hc_diff_layouts_get(diff, 0);
	hc_amount lost = hc_abi_all_lost(&ret_layouts->layouts->difference);

	return lost.bytes > ret_layouts->before.bytes;
}

/*
 * Where most of what was lost hangs on a class that two modules see differently, that is the reason, and as probable as the rest of it.
 */
static void append_layouts(GString *text, const hc_diff *diff)
{
	hc_diff_layouts layouts;

	if (!find_layouts(diff, &layouts))
		return;
	g_autofree char *sentence = hc_word_diff_layouts(&layouts);

	g_string_append_printf(text, "%s %s", g_str_has_suffix(text->str, ".") ? "" : ".", sentence);
}

/* Whether the class of two layouts is to be told with the same call as ROW. */
static bool is_told_with_layouts(const hc_diff *diff, const char *site)
{
	hc_diff_layouts layouts;
	g_autofree char *told = find_layouts(diff, &layouts) && layouts.layouts->has_site ?
					hc_word_site_in_short(&layouts.layouts->site) :
					NULL;

	/* One may be surer of it. */
	return told && !strcmp(strchr(told, ' '), strchr(site, ' '));
}

/* " (probably allocated at ...)" */
static void append_site(GString *text, const hc_diff *diff, const hc_growth *row)
{
	const hc_site_answer *answer = hc_diff_site(diff, row);
	g_autofree char *site = answer ? hc_word_site_in_short(answer) : NULL;

	if (site && !is_told_with_layouts(diff, site))
		g_string_append_printf(text, " (%s)", site);
}

/* What the largest kinds are: ": 5,250 objects of demo::Session, ..." */
static void append_kinds(GString *text, const hc_diff *diff, const hc_cause *leak)
{
	unsigned said = 0;

	for (unsigned i = 0; i < hc_diff_attribution_count(diff) && said < NAMED_MAX; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);

		if (row->kind != HC_GROWTH_LOST || row->bytes <= 0)
			continue;
		g_string_append(text, said++ ? ", " : ": ");
		append_kind(text, row->lost,
			leak->rows > 1 && row->blocks_after > row->blocks_before ?
				row->blocks_after - row->blocks_before :
				0);
		append_rings(text, row->lost, said == 1);
		if (hc_word_lost_owner(row->lost) && g_strcmp0(hc_word_lost_owner(row->lost), owner_of_leak(leak)))
			g_string_append_printf(text, " (%s)", hc_word_lost_owner(row->lost));
		append_site(text, diff, row);
	}
	if (leak->rows > said)
		g_string_append(text, ", ...");
}

static void append_leak(GString *text, const hc_diff *diff, const hc_cause *cause, const char *bytes)
{
	g_autofree char *evidence = hc_word_evidence(&cause->row->lost->evidence);
	char count[HC_TEXT_COUNT_LENGTH];

	g_string_append_printf(text,
		cause->is_bound ? "at most a leak: blocks that nothing in these cores points to grew by %s" :
				  "a leak: blocks that nothing points to grew by %s",
		bytes);
	if (cause->blocks > 0)
		g_string_append_printf(text, ", %s more of them", hc_text_count(count, (uint64_t)cause->blocks));
	if (owner_of_leak(cause))
		g_string_append_printf(text, ", from %s", owner_of_leak(cause));
	append_kinds(text, diff, cause);
	if (evidence)
		g_string_append_printf(text, "; %s", evidence);
	if (cause->is_bound)
		g_string_append(text, "; memory that is not in the cores may point to them (heapcore leaks names it)");
}

/* ---- containers and other paths ---- */

/* "frames (std::vector<Frame>, run_session() frame 2 of thread 4711)"; of one that the path names well enough without where. */
static char *owner_text(const hc_growth *row)
{
	bool has_type = row->type && *row->type && strcmp(row->type, "?");
	bool says_where = row->owner->function || row->owner->thread || row->owner->count > 1;
	g_autofree char *where = says_where ? hc_word_where(&row->where, row->threads) : NULL;
	const char *parts[4] = { NULL };
	unsigned count = 0;

	if (has_type || (row->type && *row->type && !row->owner->by_words))
		parts[count++] = row->type;
	else if (row->owner->by_words)
		parts[count++] = "by its pointers alone: type not known";
	if (!row->owner->kind && hc_snapshot_owner_is_mostly_untyped(row->owner))
		parts[has_type ? count++ : 0] = "most of it by pointers of unknown type";
	if (where)
		parts[count++] = where;
	g_autofree char *said = g_strjoinv(", ", (char **)parts);

	return count ? g_strdup_printf("%s (%s)", row->name, said) : g_strdup(row->name);
}

/* "g_index (...)"; of what others lead to as well "g_index (...) and g_lru". */
static char *owners_text(const hc_growth *row)
{
	g_autofree char *owner = owner_text(row);

	if (!hc_growth_is_shared(row))
		return g_steal_pointer(&owner);
	g_autofree char *sharers = hc_word_sharers(row->shared);

	return g_strdup_printf("%s%s %s", owner, row->shared->others ? "," : " and", sharers);
}

/* What a container has may be in others, too. */
static void append_shared(GString *text, const hc_growth *row)
{
	g_autofree char *sharers = hc_growth_is_shared(row) ? hc_word_sharers(row->shared) : NULL;
	char bytes[HC_TEXT_SIZE_LENGTH];

	if (sharers)
		g_string_append_printf(
			text, ", %s of it shared with %s", hc_text_size(bytes, row->shared_after), sharers);
}

/* ", 2.0 MiB of it in memory that is not malloc's", ", all of it in Go's heap" */
static void append_outside(GString *text, const hc_diff *diff, const hc_growth *row)
{
	char bytes[HC_TEXT_SIZE_LENGTH];
	uint64_t more = row->outside_after - row->outside_before;
	bool is_all = false;

	if (!hc_growth_is_outside(row))
		return;
	const hc_runtime_use *use = hc_growth_outside_use(diff, row, &is_all);
	g_autofree char *whose = use ? hc_word_runtime_memory(use) : NULL;

	g_string_append_printf(text, ", %s of it in %s",
		more == (uint64_t)row->bytes ? "all" : hc_text_size(bytes, more),
		is_all && whose ? whose : "memory that is not malloc's");
	if (whose && !is_all)
		g_string_append_printf(text, ", most of that in %s", whose);
}

static void append_elements(GString *text, const hc_growth *row)
{
	const char *bound = row->is_at_most ? "at most " : "";
	char before[HC_TEXT_COUNT_LENGTH], after[HC_TEXT_COUNT_LENGTH];

	if (hc_growth_is_unused_capacity(row))
		g_string_append_printf(text, ", unused capacity: %s of these, all empty, have room for %s elements",
			hc_text_count(before, row->owner->count), hc_text_count(after, row->owner->capacity));
	else if (row->elements_before == row->elements_after)
		g_string_append_printf(
			text, ", with %s%s elements as before", bound, hc_text_count(after, row->elements_after));
	else
		g_string_append_printf(text, ", from %s%s to %s%s elements", bound,
			hc_text_count(before, row->elements_before), bound, hc_text_count(after, row->elements_after));
}

static void append_keys(GString *text, const hc_cause *cause)
{
	const hc_snapshot_owner *owner = cause->row->owner;

	if (owner->key)
		g_string_append_printf(text, "; keys like \"%s\"", owner->key);
	if (owner->key_shape && cause->kind == HC_CAUSE_UNBOUNDED_KEYS)
		g_string_append_printf(text, "%s differ in their numbers only (\"%s\"): nothing seems to bound them",
			owner->key ? "" : "; its keys", owner->key_shape);
}

static void append_counters(GString *text, const hc_counters *counters)
{
	char came[HC_TEXT_COUNT_LENGTH], went[HC_TEXT_COUNT_LENGTH];

	g_string_append_printf(text, "; a backlog: %s more went in (%s), %s%s came out (%s)",
		hc_text_count(came, (uint64_t)(counters->in_after - counters->in_before)), counters->in,
		counters->out_after > counters->out_before ? "only " : "",
		hc_text_count(went, (uint64_t)(counters->out_after - counters->out_before)), counters->out);
}

static void append_container(GString *text, const hc_diff *diff, const hc_cause *cause, const char *bytes)
{
	const hc_growth *row = cause->row;
	g_autofree char *owner = owner_text(row);
	char size[HC_TEXT_SIZE_LENGTH];

	g_string_append_printf(text, "%s grew by %s", owner, bytes);
	append_elements(text, row);
	g_string_append_printf(text, "; it holds %s now", hc_text_size(size, row->after));
	append_outside(text, diff, row);
	append_shared(text, row);
	if (cause->kind == HC_CAUSE_BACKLOG)
		append_counters(text, &cause->counters);
	else if (cause->kind == HC_CAUSE_CONTAINER && row->owner->is_queue &&
		 row->elements_after > row->elements_before)
		g_string_append(text, "; if it is a queue, its consumer falls behind");
	append_keys(text, cause);
}

/* Who reads the sentence does not see its confidence. */
static void append_hedge(GString *text, const hc_cause *cause)
{
	if (cause->confidence == HC_CONFIDENCE_POSSIBLE)
		g_string_append(text, "; this is a guess");
}

/* "from 10 to 12 blocks"; of as many as before what they grew by: "one block, from 132.0 KiB to 4.0 MiB". */
static void append_blocks(GString *text, const hc_growth *row)
{
	char before[HC_TEXT_COUNT_LENGTH], after[HC_TEXT_COUNT_LENGTH], small[HC_TEXT_SIZE_LENGTH],
		large[HC_TEXT_SIZE_LENGTH];
	bool is_one = row->blocks_after == 1;

	hc_text_count(after, row->blocks_after);
	if (!row->blocks_before && !row->blocks_after)
		g_string_append_printf(
			text, "from %s to %s", hc_text_size(small, row->before), hc_text_size(large, row->after));
	else if (row->blocks_before != row->blocks_after)
		g_string_append_printf(text, "from %s to %s block%s", hc_text_count(before, row->blocks_before), after,
			is_one ? "" : "s");
	else
		g_string_append_printf(text, "%s%s, from %s to %s", is_one ? "one" : after,
			is_one ? " block" : " blocks as before", hc_text_size(small, row->before),
			hc_text_size(large, row->after));
}

static void append_owner(GString *text, const hc_diff *diff, const hc_growth *row, const char *bytes)
{
	g_autofree char *owners = owners_text(row);

	g_string_append_printf(text, "what %s %s to grew by %s, ", owners,
		!hc_growth_is_shared(row) ? "leads" :
		row->shared->others	  ? "lead" :
					    "both lead",
		bytes);
	append_blocks(text, row);
	append_outside(text, diff, row);
}

static void append_buffer(GString *text, const hc_growth *row, const char *bytes)
{
	g_autofree char *owner = row->owner ? owner_text(row) : hc_word_growth(row);
	bool is_one = row->blocks_before <= 1 && row->blocks_after == 1;

	g_string_append_printf(text, "%s of its own: %s: grew by %s, ",
		is_one ? "a big buffer in a mapping" : "big buffers, each in a mapping", owner, bytes);
	append_blocks(text, row);
}

/* ---- what nothing known holds ---- */

/* Which sizes or types, the largest first. */
static void append_sizes(GString *text, const hc_diff *diff, const hc_cause *held)
{
	unsigned said = 0;

	for (unsigned i = 0; i < hc_diff_attribution_count(diff) && said < NAMED_MAX; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);
		uint64_t more = row->blocks_after - row->blocks_before;
		char count[HC_TEXT_COUNT_LENGTH], size[HC_TEXT_COUNT_LENGTH];

		if (row->kind != HC_GROWTH_HELD || row->bytes <= held->bytes / LEAST_SHARE_NAMED ||
			row->blocks_after <= row->blocks_before)
			continue;
		g_string_append_printf(text, "%s%s more of ", said++ ? ", " : ": ", hc_text_count(count, more));
		if (row->owner)
			g_string_append(text, row->name);
		else
			g_string_append_printf(text, "%s bytes", hc_text_count(size, (uint64_t)row->bytes / more));
		append_site(text, diff, row);
	}
}

static void append_held(GString *text, const hc_diff *diff, const hc_cause *cause, const char *bytes)
{
	char before[HC_TEXT_COUNT_LENGTH], after[HC_TEXT_COUNT_LENGTH];

	g_string_append_printf(
		text, "blocks that something points to, but whose owner is not known, grew by %s", bytes);
	append_sizes(text, diff, cause);
	if (cause->broken) {
		g_autofree char *owner = owner_text(cause->broken);

		g_string_append_printf(text,
			"; perhaps they are of %s, which says that it grew from %s to %s elements, but could be read only in part",
			owner, hc_text_count(before, cause->broken->elements_before),
			hc_text_count(after, cause->broken->elements_after));
	}
}

/* ---- free memory ---- */

static void append_retained(GString *text, const hc_diff *diff, const hc_cause *cause, const char *bytes)
{
	g_autofree char *advice = hc_word_snapshot_advice(hc_diff_last(diff));
	char all[HC_TEXT_SIZE_LENGTH];

	g_string_append_printf(
		text, "free memory that malloc keeps grew by %s, to %s", bytes, hc_text_size(all, cause->after));
	if (cause->between) {
		g_autofree char *owner = owner_text(cause->between);
		uint64_t more = cause->between->free_between_after - cause->between->free_between_before;

		g_string_append_printf(text, ", %s of it between blocks of %s", hc_text_size(all, more), owner);
	}
	if (cause->after >= LEAST_KEPT && *advice)
		g_string_append_printf(text, ": %s", advice);
	if (g_str_has_suffix(text->str, "."))
		g_string_truncate(text, text->len - 1);
}

/* ---- not this heap ---- */

static void append_mapping(GString *text, const hc_diff *diff, const hc_growth *row, const char *bytes)
{
	bool is_known = hc_snapshot_knows_heap(hc_diff_first(diff)) && hc_snapshot_knows_heap(hc_diff_last(diff));

	if (row->runtime) {
		g_autofree char *whose = hc_word_runtime_memory(row->runtime);

		g_string_append_printf(text, "%s grew by %s: not malloc's", whose, bytes);
		return;
	}
	g_string_append_printf(text, "%s grew by %s: %s", hc_word_row(row->row, row->is_bound), bytes,
		!is_known ? "the heap may be among it, for it was not found" :
		row->row == HC_ROW_ANONYMOUS ?
			    "not this heap, but what the program, a library or an allocator of its own got by mmap()" :
			    "not this heap");
}

/* "8 UDP sockets hold", "8 UDP and 1 TCP sockets hold": those that have anything unread, kinds with most of it first. */
static void append_waiting(GString *text, const hc_side_facts *facts)
{
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
		g_string_append_printf(text, "%s%" PRIu64 " %s", count ? " and " : "", facts->sockets[most].waiting,
			hc_socket_kind_name(most));
		said[most] = true;
		count += facts->sockets[most].waiting;
	}
	g_string_append(text, count == 1 ? " socket holds" : " sockets hold");
}

static void append_sockets(GString *text, const hc_diff *diff, const hc_cause *cause)
{
	const hc_side_facts *facts = hc_diff_last(diff)->side_facts;
	int64_t growth = cause->heap_growth;
	char unread[HC_TEXT_SIZE_LENGTH], more[HC_TEXT_SIZE_LENGTH], heap[HC_TEXT_SIZE_LENGTH];

	/* How much the heap of a torn core grew is not known. */
	if (!hc_diff_is_torn(diff))
		g_string_append_printf(text, "heap %c%s; ", growth < 0 ? '-' : '+',
			hc_text_size(heap, growth < 0 ? -(uint64_t)growth : (uint64_t)growth));
	append_waiting(text, facts);
	g_string_append_printf(text, " %s unread, %s more than before: kernel memory, not this heap",
		hc_text_size(unread, facts->unread), hc_text_size(more, (uint64_t)cause->bytes));
}

char *hc_word_unjoined_routine(const hc_unjoined *unjoined)
{
	char count[HC_TEXT_COUNT_LENGTH];

	if (!unjoined->routine)
		return g_strdup("");
	if (unjoined->routine_threads == unjoined->threads)
		return g_strdup_printf("all began in %s; ", unjoined->routine);
	return g_strdup_printf(
		"%s of them began in %s; ", hc_text_count(count, unjoined->routine_threads), unjoined->routine);
}

static void append_page_tables(GString *text, const hc_diff *diff, const hc_cause *cause)
{
	char more[HC_TEXT_SIZE_LENGTH], now[HC_TEXT_SIZE_LENGTH];

	g_string_append_printf(text,
		"the kernel's page tables of the process grew by %s, to %s: they grow with what is touched, and are kernel memory, not this heap",
		hc_text_size(more, (uint64_t)cause->bytes),
		hc_text_size(now, hc_diff_last(diff)->side_facts->page_tables));
}

static void append_unjoined(GString *text, const hc_diff *diff, const hc_cause *cause)
{
	const hc_unjoined *a = &hc_diff_first(diff)->unjoined, *b = &hc_diff_last(diff)->unjoined;
	char more[HC_TEXT_COUNT_LENGTH], now[HC_TEXT_COUNT_LENGTH], size[HC_TEXT_SIZE_LENGTH];
	g_autofree char *routine = hc_word_unjoined_routine(b);

	g_string_append_printf(text,
		"%s more threads ended and were not joined (%s now): %stheir stacks keep %s more of address space",
		hc_text_count(more, b->threads - a->threads), hc_text_count(now, b->threads), routine,
		hc_text_size(size, b->bytes - a->bytes));
	if (a->is_resident == b->is_resident)
		g_string_append_printf(text, ", %s more of it %s", hc_text_size(size, (uint64_t)cause->bytes),
			b->is_resident ? "resident" : "touched");
	g_string_append(text, ": not this heap");
}

/* ---- the whole ---- */

static void append_cause(GString *text, const hc_diff *diff, const hc_cause *cause)
{
	g_autofree char *bytes = bytes_text(diff, cause);

	switch (cause->kind) {
	case HC_CAUSE_LEAK:
		return append_leak(text, diff, cause, bytes);
	case HC_CAUSE_CONTAINER:
	case HC_CAUSE_BACKLOG:
	case HC_CAUSE_UNBOUNDED_KEYS:
		append_container(text, diff, cause, bytes);
		return append_hedge(text, cause);
	case HC_CAUSE_OWNER:
		append_owner(text, diff, cause->row, bytes);
		return append_hedge(text, cause);
	case HC_CAUSE_BUFFER:
		return append_buffer(text, cause->row, bytes);
	case HC_CAUSE_HELD:
		return append_held(text, diff, cause, bytes);
	case HC_CAUSE_RETAINED:
		return append_retained(text, diff, cause, bytes);
	case HC_CAUSE_OVERHEAD:
		g_string_append_printf(
			text, "%s grew by %s", hc_word_row(cause->row->row, cause->row->is_bound), bytes);
		return;
	case HC_CAUSE_NOT_HEAP:
		return append_mapping(text, diff, cause->row, bytes);
	case HC_CAUSE_SOCKETS:
		return append_sockets(text, diff, cause);
	case HC_CAUSE_UNJOINED:
		return append_unjoined(text, diff, cause);
	case HC_CAUSE_PAGE_TABLES:
		return append_page_tables(text, diff, cause);
	default:
		return;
	}
}

char *hc_word_cause(const hc_diff *diff, const hc_cause *cause)
{
	GString *text = g_string_new(NULL);

	append_cause(text, diff, cause);
	append_trend(text, diff, cause);
	if (cause->kind == HC_CAUSE_LEAK)
		append_layouts(text, diff);
	return g_string_free(text, FALSE);
}

char *hc_word_cause_name(const hc_cause *cause)
{
	switch (cause->kind) {
	case HC_CAUSE_LEAK:
		return owner_of_leak(cause) ? g_strdup(owner_of_leak(cause)) : hc_word_growth(cause->row);
	case HC_CAUSE_OVERHEAD:
		return g_strdup("");
	case HC_CAUSE_SOCKETS:
		return g_strdup("sockets");
	case HC_CAUSE_UNJOINED:
		return g_strdup("unjoined");
	case HC_CAUSE_PAGE_TABLES:
		return g_strdup("page-tables");
	default:
		return cause->row ? hc_word_growth(cause->row) : g_strdup("");
	}
}

char *hc_word_cause_command(const hc_cause *cause)
{
	static const char *const commands[HC_CAUSE_KIND_COUNT] = {
		[HC_CAUSE_LEAK] = "leaks CORE",
		[HC_CAUSE_OWNER] = "types CORE",
		[HC_CAUSE_BUFFER] = "chunks CORE --state in-use --arena mmapped",
		[HC_CAUSE_HELD] = "types CORE",
		[HC_CAUSE_RETAINED] = "pins CORE",
		[HC_CAUSE_OVERHEAD] = "arenas CORE",
		[HC_CAUSE_NOT_HEAP] = "mappings CORE",
		[HC_CAUSE_UNJOINED] = "mappings CORE",
	};

	if (cause->kind >= HC_CAUSE_CONTAINER && cause->kind <= HC_CAUSE_UNBOUNDED_KEYS) {
		g_autofree char *quoted = g_shell_quote(cause->row->name);

		return g_strdup_printf("containers CORE --variable %s", quoted);
	}
	return g_strdup(commands[cause->kind]);
}
