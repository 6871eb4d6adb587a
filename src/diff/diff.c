/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/internal.h"

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

static hc_diff_row make_row(const hc_memory_row *a, const hc_memory_row *b)
{
	const hc_memory_row *any = b ? b : a;

	return (hc_diff_row){
		.id = any->id,
		.title = any->title,
		.of = any->of,
		.is_memory = any->is_memory,
		.bytes_a = a ? a->bytes : 0,
		.bytes_b = b ? b->bytes : 0,
		.count_a = a ? a->count : 0,
		.count_b = b ? b->count : 0,
		.unit = any->unit,
		.growth = (int64_t)((b ? b->bytes : 0) - (a ? a->bytes : 0)),
	};
}

/* B's rows in their order, then those that only A has. */
static void join_rows(hc_diff *diff)
{
	const hc_memory *a = hc_analysis_memory(diff->a), *b = hc_analysis_memory(diff->b);

	diff->rows = g_array_new(FALSE, FALSE, sizeof(hc_diff_row));
	for (unsigned i = 0; i < hc_memory_row_count(b); i++) {
		const hc_memory_row *row = hc_memory_row_get(b, i);
		hc_diff_row joined = make_row(hc_memory_row_find(a, row->id), row);

		g_array_append_val(diff->rows, joined);
	}
	for (unsigned i = 0; i < hc_memory_row_count(a); i++) {
		const hc_memory_row *row = hc_memory_row_get(a, i);
		hc_diff_row joined = make_row(row, NULL);

		if (!hc_memory_row_find(b, row->id))
			g_array_append_val(diff->rows, joined);
	}
	for (unsigned i = 0; i < diff->rows->len; i++) {
		const hc_diff_row *row = hc_diff_row_get(diff, i);

		if (!row->of && row->is_memory)
			diff->memory_growth += row->growth;
	}
	diff->growth = (int64_t)(hc_memory_total(b) - hc_memory_total(a));
}

hc_diff *hc_diff_create(const hc_analysis *a, const hc_analysis *b)
{
	hc_diff *diff = g_new0(hc_diff, 1);

	diff->a = a;
	diff->b = b;
	diff->sameness = hc_sameness_compare(a, b, &diff->sameness_text);
	join_rows(diff);
	diff->sizes = hc_diff_count_sizes(a, b);
	hc_diff_find(diff);
	hc_diff_read_side_facts(diff);
	return diff;
}

void hc_diff_destroy(hc_diff *diff)
{
	if (!diff)
		return;
	g_free(diff->sameness_text);
	g_free(diff->verdict);
	g_array_unref(diff->rows);
	g_array_unref(diff->sizes);
	hc_findings_free(diff->findings);
	hc_side_facts_free(diff->facts_a);
	hc_side_facts_free(diff->facts_b);
	g_free(diff);
}

hc_sameness hc_diff_sameness(const hc_diff *diff)
{
	return diff->sameness;
}

const char *hc_diff_sameness_text(const hc_diff *diff)
{
	return diff->sameness_text;
}

const char *hc_diff_verdict(const hc_diff *diff)
{
	return diff->verdict;
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

const hc_findings *hc_diff_findings(const hc_diff *diff)
{
	return diff->findings;
}
