/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of the memory tables side by side; the steps of a comparison, in order. */
#include "diff/diff_state.h"

/* ---- the memory table ---- */

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
	if (diff->knows_resident) {
		row.resident_a = a ? a->resident.resident : 0;
		row.resident_b = b ? b->resident.resident : 0;
		row.resident_growth = (int64_t)(row.resident_b - row.resident_a);
	}
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
		diff->resident_growth += row->of ? 0 : row->resident_growth;
	}
	diff->growth = (int64_t)(diff->last->total - diff->first->total);
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
	diff->knows_resident = diff->knows_lost_resident = true;
	for (unsigned i = 0; i < count; i++) {
		diff->is_torn |= hc_snapshot_is_torn(snapshots[i]);
		diff->knows_resident &= snapshots[i]->knows_resident;
		diff->knows_lost_resident &= snapshots[i]->knows_lost_resident;
	}
	diff->knows_resident &= !diff->is_torn;
	diff->knows_lost_resident &= diff->knows_resident;
	compare_all(diff);
	join_rows(diff);
	if (diff->is_torn)
		diff->memory_growth = 0;
	diff->sizes = diff->is_torn ? g_array_new(FALSE, FALSE, sizeof(hc_diff_size)) :
				      hc_diff_count_sizes(diff->first, diff->last);
	diff->paths = hc_diff_merge_paths(snapshots, count, diff->sameness == HC_SAME_PROCESS);
	hc_diff_attribute(diff);
	hc_diff_find_steady(diff);
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
