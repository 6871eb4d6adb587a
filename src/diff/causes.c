/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is behind the growth: one cause for each thing that grew and that somebody would do something about; the most bytes first, and what
 * goes on growing before what stopped. And what is not behind it, so that nobody looks there.
 */
#include "diff/diff_state.h"

#include "areas/areas.h"
#include "snapshot/snapshot.h"
#include "values/values.h"

#include <string.h>

enum {
	LEAST_GROWTH = 4096, /* bytes; less is no cause */
	LEAST_SHARE = 100,   /* nor is less than one in so many of the growth; of lost blocks what is less than both */
	LEAST_OVERHEAD = 10,	      /* of malloc's own: a few per cent come with every block */
	LITTLE_KEPT = 10,	      /* free memory that is less than a tenth of the growth */
	LITTLE_UNTOUCHED = 10,	      /* mappings that nobody touched are no cause if they are less than a tenth of the growth */
	LITTLE_UNOWNED = 10,	      /* blocks without a known owner that are less than a tenth of all */
	LEAST_QUEUE_GROWTH = 1 << 20, /* bytes in sockets */
	LEAST_TABLE_GROWTH = 1 << 20, /* bytes of page tables */
	LEAST_RESIDENT =
		1 << 16, /* resident bytes of what else did not grow: a touched page here and there is no cause */
};

const char *hc_cause_name(hc_cause_kind kind)
{
	static const char *const names[HC_CAUSE_KIND_COUNT] = {
		[HC_CAUSE_LEAK] = "leak",
		[HC_CAUSE_CONTAINER] = "container-growth",
		[HC_CAUSE_BACKLOG] = "backlog",
		[HC_CAUSE_UNBOUNDED_KEYS] = "unbounded-keys",
		[HC_CAUSE_OWNER] = "owner-growth",
		[HC_CAUSE_BUFFER] = "big-buffers",
		[HC_CAUSE_HELD] = "held",
		[HC_CAUSE_RETAINED] = "retained",
		[HC_CAUSE_OVERHEAD] = "overhead",
		[HC_CAUSE_NOT_HEAP] = "not-heap",
		[HC_CAUSE_SOCKETS] = "not-heap",
		[HC_CAUSE_UNJOINED] = "not-heap",
		[HC_CAUSE_PAGE_TABLES] = "not-heap",
	};

	return names[kind];
}

int64_t hc_diff_share_base(const hc_diff *diff)
{
	int64_t grown = 0;

	if (diff->memory_growth > 0)
		return diff->memory_growth;
	for (unsigned i = 0; i < diff->attribution->len; i++)
		grown += MAX(hc_diff_attribution(diff, i)->bytes, 0);
	return grown;
}

/* Of a cause, in bytes. */
static int64_t least_growth(const hc_diff *diff)
{
	return MAX(LEAST_GROWTH, hc_diff_share_base(diff) / LEAST_SHARE);
}

static void add(hc_diff *diff, hc_cause cause)
{
	if (cause.confidence == HC_CONFIDENCE_CERTAIN && hc_diff_is_partial(diff))
		cause.confidence = HC_CONFIDENCE_LIKELY;
	g_array_append_val(diff->causes, cause);
}

/* ---- sums over rows of a kind ---- */

static hc_cause sum_up(const hc_diff *diff, hc_growth_kind kind, hc_cause_kind cause)
{
	g_autofree uint64_t *steps = g_new0(uint64_t, diff->count);
	hc_cause sum = { .kind = cause, .confidence = HC_CONFIDENCE_CERTAIN };

	for (unsigned i = 0; i < diff->attribution->len; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);

		if (row->kind != kind)
			continue;
		sum.bytes += row->bytes;
		sum.resident += row->resident;
		sum.blocks += (int64_t)(row->blocks_after - row->blocks_before);
		sum.after += row->after;
		sum.rows += row->bytes > 0;
		for (unsigned step = 0; step < diff->count; step++)
			steps[step] += row->steps[step];
	}
	sum.trend = hc_diff_trend(steps, diff->count);
	return sum;
}

/* ---- lost blocks ---- */

/* The row of lost blocks that has the owner of most of what was lost, by bytes grown; NULL: none has. */
static const hc_growth *row_of_common_owner(const hc_diff *diff, int64_t lost)
{
	g_autoptr(GHashTable) bytes = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);

	for (unsigned i = 0; i < diff->attribution->len; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);
		/* No module is called "". */
		const char *owner = !row->lost ? NULL : row->lost->is_unloaded ? "" : row->lost->module;
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
			return row;
	}
	return NULL;
}

static const hc_growth *largest_lost(const hc_diff *diff)
{
	for (unsigned i = 0; i < diff->attribution->len; i++)
		if (hc_diff_attribution(diff, i)->kind == HC_GROWTH_LOST)
			return hc_diff_attribution(diff, i);
	return NULL;
}

static void find_leak(hc_diff *diff)
{
	hc_cause cause = sum_up(diff, HC_GROWTH_LOST, HC_CAUSE_LEAK);

	if (cause.bytes <= 0)
		return;
	/* Where it is not known of each kind, of all together the memory table tells. */
	for (unsigned i = 0; !diff->knows_lost_resident && i < diff->rows->len; i++)
		if (hc_row_is_lost(hc_diff_row_get(diff, i)->id))
			cause.resident += hc_diff_row_get(diff, i)->resident_growth;
	cause.row = largest_lost(diff);
	const hc_growth *owned = row_of_common_owner(diff, cause.bytes);

	cause.is_unloaded = owned && owned->lost->is_unloaded;
	cause.module = owned && !cause.is_unloaded ? owned->lost->module : NULL;
	cause.is_bound = hc_snapshot_lost_is_bound(diff->first) || hc_snapshot_lost_is_bound(diff->last);
	if (cause.is_bound)
		cause.confidence = HC_CONFIDENCE_POSSIBLE;
	add(diff, cause);
}

/* ---- containers and other paths ---- */

static hc_confidence confidence_of(const hc_growth *row)
{
	/* That these words lead there is certain; that the blocks are there for their sake is not. */
	if (row->owner->by_words || (hc_snapshot_owner_is_mostly_untyped(row->owner) && !row->owner->kind))
		return HC_CONFIDENCE_LIKELY;
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

static bool has_unbounded_keys(const hc_growth *row)
{
	return row->trend != HC_TREND_STOPPED && row->owner->is_keyed &&
	       hc_keys_are_alike(row->owner->keys_looked_at, row->owner->key_shapes) &&
	       row->elements_after > row->elements_before;
}

static hc_cause cause_of_row(const hc_growth *row, hc_cause_kind kind)
{
	return (hc_cause){
		.kind = kind,
		.row = row,
		.bytes = row->bytes,
		.resident = row->resident,
		.confidence = row->owner ? confidence_of(row) : HC_CONFIDENCE_CERTAIN,
		.trend = row->trend,
	};
}

static hc_cause cause_of_container(const hc_diff *diff, const hc_growth *row)
{
	hc_cause cause = cause_of_row(row, HC_CAUSE_CONTAINER);

	if (row->elements_after > row->elements_before && !row->owner->is_keyed &&
		hc_diff_find_counters(diff, row->name, row->elements_before, row->elements_after, &cause.counters))
		cause.kind = HC_CAUSE_BACKLOG;
	else if (has_unbounded_keys(row))
		cause.kind = HC_CAUSE_UNBOUNDED_KEYS;
	return cause;
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
static void find_held(hc_diff *diff)
{
	hc_cause cause = sum_up(diff, HC_GROWTH_HELD, HC_CAUSE_HELD);

	cause.broken = hc_diff_find_broken(diff);
	if (cause.bytes > 0 || cause.resident > 0)
		add(diff, cause);
}

static int64_t free_between(const hc_growth *row)
{
	return (int64_t)(row->free_between_after - row->free_between_before);
}

/*
 * The row whose blocks most of the free memory that came stands between, if it grew by half as much itself; else NULL. Aligned blocks leave
 * such gaps: the memory is free because of who asks for blocks so, and it is he who grows. If much less than half is in use, it was freed by
 * somebody, and that comes first.
 */
static const hc_growth *find_between(const hc_diff *diff, int64_t grown)
{
	for (unsigned i = 0; i < diff->attribution->len; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);

		if ((row->kind == HC_GROWTH_CONTAINER || row->kind == HC_GROWTH_OWNER) &&
			free_between(row) > grown / 2 && row->bytes >= free_between(row) / 2)
			return row;
	}
	return NULL;
}

static void find_retained(hc_diff *diff)
{
	hc_cause cause = sum_up(diff, HC_GROWTH_FREE, HC_CAUSE_RETAINED);

	cause.between = cause.bytes > 0 ? find_between(diff, cause.bytes) : NULL;

	if (cause.bytes > 0 || cause.resident > 0)
		add(diff, cause);
}

/* ---- not this heap ---- */

static hc_cause cause_of_mapping(const hc_diff *diff, const hc_growth *row)
{
	hc_cause cause = cause_of_row(row, HC_CAUSE_NOT_HEAP);

	if (row->runtime) {
		cause.confidence = row->runtime->is_proved ? HC_CONFIDENCE_CERTAIN : HC_CONFIDENCE_LIKELY;
		return cause;
	}
	/* Of a core that was cut the heap may be one of these. */
	if (!hc_snapshot_knows_heap(diff->first) || !hc_snapshot_knows_heap(diff->last))
		cause.confidence = HC_CONFIDENCE_POSSIBLE;
	return cause;
}

static int64_t heap_growth(const hc_diff *diff)
{
	int64_t growth = 0;

	for (unsigned i = 0; i < diff->rows->len; i++) {
		const hc_diff_row *row = hc_diff_row_get(diff, i);

		growth += hc_row_is_mallocs(row->id) ? row->growth : 0;
	}
	return growth;
}

/*
 * Unread datagrams are memory that grew because of this process and is in none of its mappings: who looks for it in the heap looks in
 * vain.
 */
static void find_sockets(hc_diff *diff)
{
	const hc_side_facts *a = diff->first->side_facts, *b = diff->last->side_facts;
	hc_cause cause = { .kind = HC_CAUSE_SOCKETS, .heap_growth = heap_growth(diff) };

	if (!a || !b || a->unread == HC_FACT_UNKNOWN || b->unread == HC_FACT_UNKNOWN || b->unread < a->unread ||
		b->unread - a->unread < LEAST_QUEUE_GROWTH)
		return;
	diff->kernel_growth = b->unread - a->unread;
	cause.bytes = cause.resident = (int64_t)diff->kernel_growth;
	add(diff, cause);
}

/* Page tables are memory of the process that none of its mappings has, and that the kernel does not count as resident. */
static void find_page_tables(hc_diff *diff)
{
	const hc_side_facts *a = diff->first->side_facts, *b = diff->last->side_facts;
	hc_cause cause = { .kind = HC_CAUSE_PAGE_TABLES };

	if (!a || !b || a->page_tables == HC_FACT_UNKNOWN || b->page_tables == HC_FACT_UNKNOWN ||
		b->page_tables < a->page_tables || b->page_tables - a->page_tables < LEAST_TABLE_GROWTH)
		return;
	cause.bytes = cause.resident = (int64_t)(b->page_tables - a->page_tables);
	add(diff, cause);
}

/* The same for stacks that nobody joined: address space, of which the memory table has nothing, and some memory in it. */
static void find_unjoined(hc_diff *diff)
{
	const hc_unjoined *a = &diff->first->unjoined, *b = &diff->last->unjoined;
	g_autofree uint64_t *steps = g_new0(uint64_t, diff->count);
	hc_cause cause = { .kind = HC_CAUSE_UNJOINED };

	if (!diff->first->knows_unjoined || !diff->last->knows_unjoined ||
		b->threads < a->threads + HC_UNJOINED_LEAST || b->bytes <= a->bytes)
		return;
	for (unsigned i = 0; i < diff->count; i++)
		steps[i] = diff->snapshots[i]->unjoined.bytes;
	if (a->is_resident == b->is_resident && b->memory > a->memory)
		cause.bytes = (int64_t)(b->memory - a->memory);
	cause.resident = b->is_resident ? cause.bytes : 0;
	cause.trend = hc_diff_trend(steps, diff->count);
	add(diff, cause);
}

static void find_cause_of_row(hc_diff *diff, const hc_growth *row)
{
	switch (row->kind) {
	case HC_GROWTH_CONTAINER:
		return add(diff, cause_of_container(diff, row));
	case HC_GROWTH_OWNER:
		return add(diff, cause_of_row(row, HC_CAUSE_OWNER));
	case HC_GROWTH_BUFFER:
		return add(diff, cause_of_row(row, HC_CAUSE_BUFFER));
	case HC_GROWTH_OVERHEAD:
	case HC_GROWTH_RUNTIME:
		if (row->bytes > hc_diff_share_base(diff) / LEAST_OVERHEAD)
			add(diff, cause_of_row(row, HC_CAUSE_OVERHEAD));
		return;
	case HC_GROWTH_STACKS:
	case HC_GROWTH_DATA:
	case HC_GROWTH_MAPPING:
		return add(diff, cause_of_mapping(diff, row));
	default:
		return;
	}
}

/* What goes on growing comes first; of all that the most resident bytes, which are all 0 where they are not known. */
static int most_bytes_first(const void *a, const void *b)
{
	const hc_cause *x = a, *y = b;
	bool stopped = x->trend == HC_TREND_STOPPED;

	if (stopped != (y->trend == HC_TREND_STOPPED))
		return stopped ? 1 : -1;
	if (x->resident != y->resident)
		return x->resident < y->resident ? 1 : -1;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	if (x->kind != y->kind)
		return (int)x->kind - (int)y->kind;
	if (!x->row || !y->row)
		return !y->row - !x->row;
	return x->row->row != y->row->row ? (int)x->row->row - (int)y->row->row : g_strcmp0(x->row->name, y->row->name);
}

/* Whether CAUSE is a mapping of which hardly anything came into memory, where that is known, and that is not much of what was mapped. */
static bool is_untouched(const hc_diff *diff, const hc_cause *cause, int64_t least_resident)
{
	return cause->kind == HC_CAUSE_NOT_HEAP && diff->resident_growth > 0 && cause->resident < least_resident &&
	       cause->bytes < hc_diff_share_base(diff) / LITTLE_UNTOUCHED;
}

static void sort_causes(hc_diff *diff)
{
	/* What shrank by much, too, makes little of what grew by little. */
	int64_t least_resident = MAX(LEAST_RESIDENT, ABS(diff->resident_growth) / LEAST_SHARE),
		least = MAX(least_growth(diff), diff->resident_growth / LEAST_SHARE);

	for (unsigned i = diff->causes->len; i-- > 0;) {
		const hc_cause *cause = hc_diff_cause(diff, i);
		bool is_little = cause->bytes < least && cause->resident < least_resident;

		/* What is lost goes on being lost; but a few bytes explain no megabytes. */
		if (cause->kind == HC_CAUSE_LEAK)
			is_little &= cause->bytes < LEAST_GROWTH && least > LEAST_GROWTH;
		if ((is_little && cause->kind != HC_CAUSE_UNJOINED) || is_untouched(diff, cause, least_resident))
			g_array_remove_index(diff->causes, i);
	}
	g_array_sort(diff->causes, most_bytes_first);
}

/* Whose blocks free memory stands between comes in front of that memory. */
static void move_free_behind(hc_diff *diff)
{
	for (unsigned i = 0; i + 1 < diff->causes->len; i++) {
		const hc_growth *row = hc_diff_cause(diff, i)->between;
		hc_cause moved;

		for (unsigned j = i + 1; row && j < diff->causes->len; j++) {
			if (hc_diff_cause(diff, j)->row != row)
				continue;
			moved = *hc_diff_cause(diff, j);
			g_array_remove_index(diff->causes, j);
			g_array_insert_val(diff->causes, i, moved);
			return;
		}
	}
}

void hc_diff_find_causes(hc_diff *diff)
{
	find_leak(diff);
	find_held(diff);
	find_retained(diff);
	find_sockets(diff);
	find_page_tables(diff);
	find_unjoined(diff);
	for (unsigned i = 0; i < diff->attribution->len; i++)
		if (hc_diff_attribution(diff, i)->bytes > 0 || hc_diff_attribution(diff, i)->resident > 0)
			find_cause_of_row(diff, hc_diff_attribution(diff, i));
	sort_causes(diff);
	move_free_behind(diff);
}

/* ---- what is not the cause ---- */

const char *hc_containers_state_name(hc_containers_state state)
{
	static const char *const names[HC_CONTAINERS_COUNT] = {
		[HC_CONTAINERS_ARE_CAUSES] = "causes",
		[HC_CONTAINERS_NOT_LOOKED_AT] = "not-looked-at",
		[HC_CONTAINERS_NOT_READ] = "not-read",
		[HC_CONTAINERS_BROKEN] = "broken",
		[HC_CONTAINERS_GREW_LITTLE] = "grew-little",
		[HC_CONTAINERS_UNKNOWN] = "unknown",
		[HC_CONTAINERS_DID_NOT_GROW] = "did-not-grow",
	};

	return names[state];
}

static bool has_cause(const hc_diff *diff, hc_cause_kind first, hc_cause_kind last)
{
	for (unsigned i = 0; i < diff->causes->len; i++) {
		hc_cause_kind kind = hc_diff_cause(diff, i)->kind;

		if (kind >= first && kind <= last)
			return true;
	}
	return false;
}

/* Whether a container is a cause, be it deduced from its words alone, or what is known not to be one. */
static bool has_typed_cause(const hc_diff *diff)
{
	for (unsigned i = 0; i < diff->causes->len; i++) {
		const hc_cause *cause = hc_diff_cause(diff, i);

		if ((cause->kind >= HC_CAUSE_CONTAINER && cause->kind < HC_CAUSE_OWNER) ||
			(cause->kind == HC_CAUSE_OWNER && !cause->row->owner->by_words))
			return true;
	}
	return false;
}

/* What grew of all that hangs on known paths, each too little for a sentence. */
static int64_t known_growth(const hc_diff *diff)
{
	int64_t growth = 0;

	for (unsigned i = 0; i < diff->attribution->len; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);

		if (row->kind == HC_GROWTH_CONTAINER || (row->kind == HC_GROWTH_OWNER && !row->owner->by_words))
			growth += MAX(row->bytes, 0);
	}
	return growth;
}

/* Whether containers may be among what grew, or in use, and nothing knows them: debug info is missing, as a rule. */
static bool may_hide_containers(const hc_diff *diff)
{
	const GArray *sizes = diff->last->sizes;
	uint64_t all = 0, unowned = 0;
	int64_t growth = 0;

	for (unsigned i = 0; i < sizes->len; i++) {
		const hc_snapshot_size *size = &g_array_index(sizes, hc_snapshot_size, i);

		all += size->size * size->blocks;
		unowned += size->size * size->unowned;
	}
	for (unsigned i = 0; i < diff->attribution->len; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);

		if (row->owner ? row->owner->by_words : row->kind == HC_GROWTH_HELD || row->kind == HC_GROWTH_BUFFER)
			growth += MAX(row->bytes, 0);
	}
	return unowned > all / LITTLE_UNOWNED || growth > hc_diff_share_base(diff) / LITTLE_UNOWNED;
}

hc_containers_state hc_diff_containers(const hc_diff *diff, int64_t *ret_growth)
{
	*ret_growth = known_growth(diff);
	if (!hc_snapshot_knows_heap(diff->first) || !hc_snapshot_knows_heap(diff->last) || diff->last->heap.foreign)
		return HC_CONTAINERS_NOT_READ;
	if (!diff->first->has_types || !diff->last->has_types)
		return HC_CONTAINERS_NOT_LOOKED_AT;
	if (has_typed_cause(diff))
		return HC_CONTAINERS_ARE_CAUSES;
	if (hc_diff_find_broken(diff))
		return HC_CONTAINERS_BROKEN;
	if (*ret_growth >= least_growth(diff))
		return HC_CONTAINERS_GREW_LITTLE;
	return may_hide_containers(diff) ? HC_CONTAINERS_UNKNOWN : HC_CONTAINERS_DID_NOT_GROW;
}

bool hc_diff_keeps_little(const hc_diff *diff)
{
	return !diff->last->heap.foreign && diff->last->heap.found &&
	       !has_cause(diff, HC_CAUSE_RETAINED, HC_CAUSE_RETAINED) &&
	       diff->last->free.bytes < (uint64_t)hc_diff_share_base(diff) / LITTLE_KEPT;
}
