/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What grew, in sentences, and the verdict: what explains most of the growth.
 *
 * The growth of memory (reserved address space aside) is shared out without rest among
 *	lost	blocks that nothing points to
 *	held	blocks of the program that something points to
 *	kept	free memory that malloc keeps
 *	heap	malloc's own, libc's and the runtime's
 *	beside	every other row of the memory table: stacks, data, files, shared memory, other mappings
 * which is what one would do about it: find the leak, the container, the trim, or look elsewhere.
 */
#include "diff/internal.h"

#include "base/text.h"

#include <string.h>

enum {
	LEAST_GROWTH = 4096, /* bytes; less is no finding, lost blocks aside */
	LEAST_SHARE = 100,   /* nor is less than one in so many of the growth */
	SIZES_NAMED = 4,
};

typedef struct growth_parts {
	int64_t lost, held, kept, heap, beside;
} growth_parts;

static uint64_t lost_bytes(const hc_analysis *analysis)
{
	const hc_references_totals *totals = hc_references_get_totals(hc_analysis_references(analysis));

	return totals->directly_lost.bytes + totals->indirectly_lost.bytes;
}

static bool is_program_row(const char *id)
{
	return !strcmp(id, "in-use") || !strcmp(id, "mmapped");
}

static bool is_kept_row(const char *id)
{
	return g_str_has_prefix(id, "free-");
}

static bool is_heap_row(const char *id)
{
	return !strcmp(id, "runtime") || !strcmp(id, "malloc-overhead");
}

static growth_parts share_out(const hc_diff *diff)
{
	growth_parts parts = { .lost = (int64_t)(lost_bytes(diff->b) - lost_bytes(diff->a)) };

	for (unsigned i = 0; i < diff->rows->len; i++) {
		const hc_diff_row *row = hc_diff_row_get(diff, i);

		if (row->of || !row->is_memory)
			continue;
		if (is_program_row(row->id))
			parts.held += row->growth;
		else if (is_kept_row(row->id))
			parts.kept += row->growth;
		else if (is_heap_row(row->id))
			parts.heap += row->growth;
		else
			parts.beside += row->growth;
	}
	parts.held -= parts.lost;
	return parts;
}

/* The blocks of SIZE that came on top, lost or held ones. */
static int64_t new_blocks(const hc_diff_size *size, bool lost)
{
	int64_t new_lost = (int64_t)(size->lost_b - size->lost_a);

	return lost ? new_lost : (int64_t)(size->blocks_b - size->blocks_a) - new_lost;
}

typedef struct named_size {
	uint64_t size;
	int64_t blocks;
} named_size;

static int most_bytes_first(const void *a, const void *b)
{
	const named_size *first = a, *second = b;
	uint64_t bytes_first = first->size * first->blocks, bytes_second = second->size * second->blocks;

	return bytes_first < bytes_second ? 1 : bytes_first > bytes_second ? -1 : first->size < second->size ? -1 : 1;
}

/* ": 20,580 more blocks of 4 sizes, 5,250 x 300 B, ..."; "" if no size has more; their number in *RET_BLOCKS. */
static char *describe_sizes(const hc_diff *diff, bool lost, uint64_t *ret_blocks)
{
	g_autoptr(GArray) grown = g_array_new(FALSE, FALSE, sizeof(named_size));
	GString *text = g_string_new(NULL);
	char count[HC_TEXT_COUNT_LENGTH], size_text[HC_TEXT_COUNT_LENGTH];
	uint64_t blocks = 0;

	for (unsigned i = 0; i < diff->sizes->len; i++) {
		const hc_diff_size *size = hc_diff_size_get(diff, i);
		named_size named = { size->size, new_blocks(size, lost) };

		if (named.blocks <= 0)
			continue;
		blocks += named.blocks;
		g_array_append_val(grown, named);
	}
	g_array_sort(grown, most_bytes_first);
	*ret_blocks = blocks;
	if (!grown->len)
		return g_string_free(text, FALSE);
	g_string_append_printf(text, ": %s more block%s of ", hc_text_count(count, blocks), blocks == 1 ? "" : "s");
	if (grown->len == 1)
		g_string_append_printf(
			text, "%s B", hc_text_count(size_text, g_array_index(grown, named_size, 0).size));
	else
		g_string_append_printf(text, "%s sizes", hc_text_count(count, grown->len));
	for (unsigned i = 0; i < MIN(grown->len, SIZES_NAMED) && grown->len > 1; i++) {
		const named_size *named = &g_array_index(grown, named_size, i);

		g_string_append_printf(text, ", %s x %s B", hc_text_count(count, named->blocks),
			hc_text_count(size_text, named->size));
	}
	if (grown->len > SIZES_NAMED)
		g_string_append(text, ", ...");
	return g_string_free(text, FALSE);
}

static void find_lost(hc_diff *diff, const growth_parts *parts)
{
	char size[HC_TEXT_SIZE_LENGTH];
	g_autofree char *sizes = NULL, *content = NULL;
	uint64_t blocks;
	double share;

	if (parts->lost <= 0)
		return;
	sizes = describe_sizes(diff, true, &blocks);
	content = hc_lost_content(hc_analysis_core(diff->b), hc_analysis_references(diff->b), &share);
	hc_findings_add(diff->findings, "lost", parts->lost, blocks,
		g_strdup_printf("lost blocks, which nothing points to, grew by %s%s%s%s",
			hc_text_size(size, parts->lost), sizes, content ? "; most of what is lost now begins " : "",
			content ? content : ""),
		g_strdup("leaks CORE"));
}

/* Growth that is worth a finding. */
static bool is_worth_saying(const hc_diff *diff, int64_t growth)
{
	return growth >= MAX(LEAST_GROWTH, diff->memory_growth / LEAST_SHARE);
}

static void find_held(hc_diff *diff, const growth_parts *parts)
{
	char size[HC_TEXT_SIZE_LENGTH];
	g_autofree char *sizes = NULL;
	uint64_t blocks;

	if (!is_worth_saying(diff, parts->held))
		return;
	sizes = describe_sizes(diff, false, &blocks);
	hc_findings_add(diff->findings, "held", parts->held, blocks,
		g_strdup_printf(
			"blocks that the program still holds grew by %s%s", hc_text_size(size, parts->held), sizes),
		g_strdup("chunks CORE --state in-use"));
}

static void find_kept(hc_diff *diff, const growth_parts *parts)
{
	char size[HC_TEXT_SIZE_LENGTH], trim[HC_TEXT_SIZE_LENGTH];
	hc_free_pages pages;

	if (!is_worth_saying(diff, parts->kept))
		return;
	hc_blocks_free_pages(hc_analysis_blocks(diff->b), HC_ARENA_ALL, &pages);
	hc_findings_add(diff->findings, "retained", parts->kept, 0,
		g_strdup_printf("free memory that malloc keeps grew by %s; malloc_trim(0) would return %s of all "
				"that is free",
			hc_text_size(size, parts->kept), hc_text_size(trim, pages.trim - pages.trim_zero)),
		g_strdup("arenas CORE"));
}

static void find_beside(hc_diff *diff)
{
	for (unsigned i = 0; i < diff->rows->len; i++) {
		const hc_diff_row *row = hc_diff_row_get(diff, i);
		char size[HC_TEXT_SIZE_LENGTH];

		if (row->of || !row->is_memory || !is_worth_saying(diff, row->growth) || is_program_row(row->id) ||
			is_kept_row(row->id) || is_heap_row(row->id))
			continue;
		hc_findings_add(diff->findings, "not-heap", row->growth, 0,
			g_strdup_printf("%s grew by %s: not this heap", row->title, hc_text_size(size, row->growth)),
			g_strdup("mappings CORE"));
	}
}

/* One of the parts, as a clause of the verdict. */
typedef struct growth_clause {
	int64_t bytes;
	const char *text;
} growth_clause;

enum {
	CLAUSE_COUNT = 5,
	CLAUSE_LEAST_SHARE = 10
};

static int most_grown_first(const void *a, const void *b)
{
	const growth_clause *first = a, *second = b;

	return first->bytes < second->bytes ? 1 : first->bytes > second->bytes ? -1 : 0;
}

/* "Memory grew by 31.6 MiB: 91.5 % of it is blocks that nothing points to any more, ..." */
static void append_growth(GString *verdict, int64_t growth, const growth_parts *parts)
{
	growth_clause clauses[CLAUSE_COUNT] = {
		{ parts->lost, "lost blocks, which nothing points to any more" },
		{ parts->held, "blocks that the program still holds" },
		{ parts->kept, "free memory that malloc keeps" },
		{ parts->heap, "malloc's own and the runtime's" },
		{ parts->beside, "memory outside malloc's heap" },
	};
	char size[HC_TEXT_SIZE_LENGTH];
	unsigned said = 0;

	qsort(clauses, CLAUSE_COUNT, sizeof clauses[0], most_grown_first);
	g_string_append_printf(verdict, "Memory grew by %s:", hc_text_size(size, growth));
	for (unsigned i = 0; i < CLAUSE_COUNT && (!i || clauses[i].bytes * CLAUSE_LEAST_SHARE > growth); i++) {
		if (clauses[i].bytes > growth) /* something else shrank */
			g_string_append_printf(verdict, " +%s", hc_text_size(size, clauses[i].bytes));
		else
			g_string_append_printf(
				verdict, "%s %.1f %%", said ? "," : "", 100.0 * clauses[i].bytes / growth);
		g_string_append_printf(verdict, "%s%s", said++ ? " " : " are ", clauses[i].text);
	}
	g_string_append_c(verdict, '.');
}

/* What to expect of malloc_trim() and other allocators. */
static void append_advice(GString *verdict, const hc_diff *diff, const growth_parts *parts)
{
	char size[HC_TEXT_SIZE_LENGTH];
	hc_free_pages pages;
	uint64_t gain;

	hc_blocks_free_pages(hc_analysis_blocks(diff->b), HC_ARENA_ALL, &pages);
	gain = pages.trim > pages.trim_zero ? pages.trim - pages.trim_zero : 0;
	if (parts->kept * 2 > diff->memory_growth)
		g_string_append_printf(verdict, " malloc_trim(0) would return %s.", hc_text_size(size, gain));
	else if (parts->beside * 2 > diff->memory_growth)
		g_string_append(verdict, " Look at the mappings, not at malloc.");
	else
		g_string_append_printf(
			verdict, " Trimming would not help: malloc_trim(0) would return %s.", hc_text_size(size, gain));
}

static char *make_verdict(const hc_diff *diff, const growth_parts *parts)
{
	GString *verdict = g_string_new(NULL);
	char size[HC_TEXT_SIZE_LENGTH], lost[HC_TEXT_SIZE_LENGTH];
	int64_t growth = diff->memory_growth;

	if (diff->sameness == HC_OTHER_PROGRAM)
		g_string_append(verdict, "These are different programs; a comparison means little. ");
	else if (diff->sameness == HC_OTHER_BUILD)
		g_string_append(verdict, "These are different builds. ");
	if (growth > 0) {
		append_growth(verdict, growth, parts);
		append_advice(verdict, diff, parts);
	} else if (growth < 0) {
		g_string_append_printf(verdict, "Memory shrank by %s.", hc_text_size(size, -(uint64_t)growth));
	} else {
		g_string_append(verdict, "Memory did not grow.");
	}
	if (growth <= 0 && parts->lost > 0)
		g_string_append_printf(verdict, " But lost blocks grew by %s.", hc_text_size(lost, parts->lost));
	return g_string_free(verdict, FALSE);
}

void hc_diff_find(hc_diff *diff)
{
	growth_parts parts = share_out(diff);

	diff->findings = hc_findings_new();
	find_lost(diff, &parts);
	find_held(diff, &parts);
	find_kept(diff, &parts);
	find_beside(diff);
	hc_findings_sort(diff->findings);
	diff->verdict = make_verdict(diff, &parts);
}
