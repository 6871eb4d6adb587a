/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/diff_state.h"

#include <string.h>

const char *hc_sameness_name(hc_sameness sameness)
{
	static const char *const names[] = {
		[HC_SAME_PROCESS] = "same-process",
		[HC_SAME_PROGRAM] = "same-program",
		[HC_OTHER_BUILD] = "other-build",
		[HC_OTHER_PROGRAM] = "other-program",
		[HC_SAME_UNKNOWN] = "unknown",
	};

	return names[sameness];
}

const char *hc_growth_kind_name(hc_growth_kind kind)
{
	static const char *const names[HC_GROWTH_KIND_COUNT] = {
		[HC_GROWTH_LOST] = "lost",
		[HC_GROWTH_CONTAINER] = "container",
		[HC_GROWTH_OWNER] = "owner",
		[HC_GROWTH_BUFFER] = "buffer",
		[HC_GROWTH_HELD] = "held",
		[HC_GROWTH_FREE] = "free",
		[HC_GROWTH_RUNTIME] = "runtime",
		[HC_GROWTH_OVERHEAD] = "overhead",
		[HC_GROWTH_STACKS] = "stacks",
		[HC_GROWTH_DATA] = "data",
		[HC_GROWTH_MAPPING] = "mapping",
		[HC_GROWTH_REST] = "rest",
	};

	return names[kind];
}

const char *hc_trend_name(hc_trend trend)
{
	static const char *const names[HC_TREND_COUNT] = {
		[HC_TREND_UNKNOWN] = "unknown",
		[HC_TREND_STEADY] = "steady",
		[HC_TREND_GROWING] = "growing",
		[HC_TREND_STOPPED] = "stopped",
		[HC_TREND_UNSTEADY] = "unsteady",
	};

	return names[trend];
}

const char *hc_confidence_name(hc_confidence confidence)
{
	return confidence == HC_CONFIDENCE_CERTAIN ? "certain" :
	       confidence == HC_CONFIDENCE_LIKELY  ? "likely" :
						     "possible";
}

/* ---- the memory table ---- */

const hc_memory_row *hc_snapshot_row(const hc_snapshot *snapshot, hc_row_id id)
{
	for (unsigned i = 0; i < snapshot->memory->len; i++) {
		const hc_memory_row *row = &g_array_index(snapshot->memory, hc_memory_row, i);

		if (row->id == id)
			return row;
	}
	return NULL;
}

static bool has_row(const hc_diff *diff, hc_row_id id)
{
	for (unsigned i = 0; i < diff->rows->len; i++)
		if (hc_diff_row_get(diff, i)->id == id)
			return true;
	return false;
}

static void add_row(hc_diff *diff, const hc_memory_row *any)
{
	const hc_memory_row *a = hc_snapshot_row(diff->first, any->id), *b = hc_snapshot_row(diff->last, any->id);
	hc_diff_row row = {
		.id = any->id,
		.of = any->of,
		.is_memory = any->is_memory,
		.is_bound = any->is_bound,
		.bytes_a = a ? a->bytes : 0,
		.bytes_b = b ? b->bytes : 0,
		.count_a = a ? a->count : 0,
		.count_b = b ? b->count : 0,
		.unit = any->unit,
	};

	row.growth = (int64_t)(row.bytes_b - row.bytes_a);
	g_array_append_val(diff->rows, row);
}

/* The last snapshot's rows in their order, then those that only others have. */
static void join_rows(hc_diff *diff)
{
	for (unsigned i = diff->count; i-- > 0;)
		for (unsigned j = 0; j < diff->snapshots[i]->memory->len; j++) {
			const hc_memory_row *row = &g_array_index(diff->snapshots[i]->memory, hc_memory_row, j);

			if (!has_row(diff, row->id))
				add_row(diff, row);
		}
	for (unsigned i = 0; i < diff->rows->len; i++) {
		const hc_diff_row *row = hc_diff_row_get(diff, i);

		if (!row->of && row->is_memory)
			diff->memory_growth += row->growth;
	}
	diff->growth = (int64_t)(diff->last->total - diff->first->total);
}

static uint64_t row_bytes(const hc_snapshot *snapshot, hc_row_id id)
{
	const hc_memory_row *row = hc_snapshot_row(snapshot, id);

	return row ? row->bytes : 0;
}

bool hc_snapshot_is_torn(const hc_snapshot *snapshot)
{
	return row_bytes(snapshot, HC_ROW_TRUNCATED) || snapshot->heap.state == HC_HEAP_MISSING;
}

bool hc_snapshot_has_whole_heap(const hc_snapshot *snapshot)
{
	return snapshot->heap.found && !row_bytes(snapshot, HC_ROW_HEAP_UNREADABLE);
}

bool hc_snapshot_knows_heap(const hc_snapshot *snapshot)
{
	return snapshot->heap.found || (snapshot->heap.state == HC_HEAP_UNUSED && !snapshot->heap.foreign);
}

bool hc_diff_is_torn(const hc_diff *diff)
{
	return diff->is_torn;
}

/* ---- the whole ---- */

/* The worst of each with the first. */
static void compare_all(hc_diff *diff)
{
	for (unsigned i = 1; i < diff->count; i++) {
		hc_sameness sameness = hc_sameness_compare(diff->first, diff->snapshots[i]);

		if (i > 1 && sameness < diff->sameness)
			continue;
		diff->sameness = sameness;
		diff->compared = diff->snapshots[i];
	}
}

hc_diff *hc_diff_create(const hc_snapshot *const *snapshots, unsigned count)
{
	hc_diff *diff = g_new0(hc_diff, 1);

	g_return_val_if_fail(count >= 2 && count <= HC_DIFF_SNAPSHOTS_MAX, NULL);
	diff->snapshots = g_memdup2(snapshots, count * sizeof *snapshots);
	diff->count = count;
	diff->first = snapshots[0];
	diff->last = snapshots[count - 1];
	diff->texts = g_string_chunk_new(4096);
	diff->steps = g_ptr_array_new_with_free_func(g_free);
	diff->rows = g_array_new(FALSE, FALSE, sizeof(hc_diff_row));
	diff->attribution = g_array_new(FALSE, FALSE, sizeof(hc_growth));
	diff->steady = g_array_new(FALSE, FALSE, sizeof(hc_growth));
	diff->causes = g_array_new(FALSE, FALSE, sizeof(hc_cause));
	for (unsigned i = 0; i < count; i++)
		diff->is_torn |= hc_snapshot_is_torn(snapshots[i]);
	compare_all(diff);
	join_rows(diff);
	if (diff->is_torn)
		diff->memory_growth = 0;
	diff->sizes = diff->is_torn ? g_array_new(FALSE, FALSE, sizeof(hc_diff_size)) :
				      hc_diff_count_sizes(diff->first, diff->last);
	diff->paths = hc_diff_merge_paths(snapshots, count, diff->sameness == HC_SAME_PROCESS);
	hc_diff_attribute(diff);
	hc_diff_find_causes(diff);
	return diff;
}

void hc_diff_destroy(hc_diff *diff)
{
	if (!diff)
		return;
	g_free(diff->snapshots);
	g_array_unref(diff->rows);
	g_array_unref(diff->sizes);
	hc_merged_paths_free(diff->paths);
	g_array_unref(diff->attribution);
	g_array_unref(diff->steady);
	g_array_unref(diff->causes);
	g_string_chunk_free(diff->texts);
	g_ptr_array_unref(diff->steps);
	g_free(diff);
}

unsigned hc_diff_snapshot_count(const hc_diff *diff)
{
	return diff->count;
}

const hc_snapshot *hc_diff_snapshot(const hc_diff *diff, unsigned index)
{
	return index < diff->count ? diff->snapshots[index] : NULL;
}

const hc_snapshot *hc_diff_first(const hc_diff *diff)
{
	return diff->first;
}

const hc_snapshot *hc_diff_last(const hc_diff *diff)
{
	return diff->last;
}

char *hc_diff_snapshot_name(unsigned index)
{
	return index < 26 ? g_strdup_printf("%c", 'A' + (int)index) : g_strdup_printf("%u", index + 1);
}

hc_sameness hc_diff_sameness(const hc_diff *diff)
{
	return diff->sameness;
}

const hc_snapshot *hc_diff_compared(const hc_diff *diff)
{
	return diff->compared;
}

bool hc_diff_is_partial(const hc_diff *diff)
{
	for (unsigned i = 0; i < diff->count; i++)
		if (hc_diagnostics_partial(hc_diff_snapshot(diff, i)->diagnostics))
			return true;
	return false;
}

int64_t hc_diff_growth(const hc_diff *diff)
{
	return diff->growth;
}

int64_t hc_diff_memory_growth(const hc_diff *diff)
{
	return diff->memory_growth;
}

unsigned hc_diff_row_count(const hc_diff *diff)
{
	return diff->rows->len;
}

const hc_diff_row *hc_diff_row_get(const hc_diff *diff, unsigned index)
{
	return &g_array_index(diff->rows, hc_diff_row, index);
}

unsigned hc_diff_size_count(const hc_diff *diff)
{
	return diff->sizes->len;
}

const hc_diff_size *hc_diff_size_get(const hc_diff *diff, unsigned index)
{
	return &g_array_index(diff->sizes, hc_diff_size, index);
}

unsigned hc_diff_attribution_count(const hc_diff *diff)
{
	return diff->attribution->len;
}

const hc_growth *hc_diff_attribution(const hc_diff *diff, unsigned index)
{
	return &g_array_index(diff->attribution, hc_growth, index);
}

unsigned hc_diff_steady_count(const hc_diff *diff)
{
	return diff->steady->len;
}

const hc_growth *hc_diff_steady(const hc_diff *diff, unsigned index)
{
	return &g_array_index(diff->steady, hc_growth, index);
}

unsigned hc_diff_cause_count(const hc_diff *diff)
{
	return diff->causes->len;
}

const hc_cause *hc_diff_cause(const hc_diff *diff, unsigned index)
{
	return &g_array_index(diff->causes, hc_cause, index);
}

uint64_t hc_diff_kernel_growth(const hc_diff *diff)
{
	return diff->kernel_growth;
}
