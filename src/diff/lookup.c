/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a snapshot and a comparison tell, and the names of kinds. */
#include "diff/diff_state.h"

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
		[HC_GROWTH_UNJOINED] = "unjoined",
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

/* ---- a snapshot ---- */

const hc_memory_row *hc_snapshot_row(const hc_snapshot *snapshot, hc_row_id id)
{
	for (unsigned i = 0; i < snapshot->memory->len; i++) {
		const hc_memory_row *row = &g_array_index(snapshot->memory, hc_memory_row, i);

		if (row->id == id)
			return row;
	}
	return NULL;
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

/* ---- a comparison ---- */

bool hc_diff_is_torn(const hc_diff *diff)
{
	return diff->is_torn;
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

bool hc_diff_knows_resident(const hc_diff *diff)
{
	return diff->knows_resident;
}

int64_t hc_diff_resident_growth(const hc_diff *diff)
{
	return diff->resident_growth;
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
