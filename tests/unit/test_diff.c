/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The diff of analyses made of plain tables (fake_analysis.h). */
#include "fake_analysis.h"
#include "unit.h"

#include <string.h>

/* Two cores of one process; a test changes B (or A). */
typedef struct core_pair {
	hc_analysis *a, *b;
} core_pair;

static core_pair pair_create(void)
{
	return (core_pair){ fake_create(), fake_create() };
}

static void pair_destroy(core_pair *pair)
{
	fake_destroy(pair->a);
	fake_destroy(pair->b);
}

static const hc_finding *finding_of_kind(const hc_diff *diff, const char *kind)
{
	const hc_findings *findings = hc_diff_findings(diff);

	for (unsigned i = 0; i < hc_findings_count(findings); i++) {
		if (!strcmp(hc_findings_get(findings, i)->kind, kind))
			return hc_findings_get(findings, i);
	}
	return NULL;
}

static void test_nothing(void)
{
	core_pair pair = pair_create();
	g_autoptr(hc_diff) diff = hc_diff_create(pair.a, pair.b);

	CU_ASSERT_EQUAL(hc_diff_sameness(diff), HC_SAME_PROCESS);
	CU_ASSERT_EQUAL(hc_diff_growth(diff), 0);
	CU_ASSERT_EQUAL(hc_diff_memory_growth(diff), 0);
	CU_ASSERT_EQUAL(hc_diff_size_count(diff), 0);
	CU_ASSERT_EQUAL(hc_findings_count(hc_diff_findings(diff)), 0);
	CU_ASSERT_EQUAL(hc_diff_row_count(diff), 5);
	UNIT_ASSERT_TEXT(hc_diff_verdict(diff), "Memory did not grow.");
	pair_destroy(&pair);
}

/* Block 3 (lost) is larger by 1 MiB, and the table says so. */
static void test_lost(void)
{
	core_pair pair = pair_create();
	g_autoptr(hc_diff) diff = NULL;
	const hc_finding *finding;

	pair.b->blocks.list[3].size += 1 << 20;
	pair.b->references.totals.directly_lost.bytes += 1 << 20;
	pair.b->memory.rows[0].bytes += 1 << 20;
	pair.b->memory.rows[1].bytes += 1 << 20;
	diff = hc_diff_create(pair.a, pair.b);
	CU_ASSERT_EQUAL(hc_diff_growth(diff), 1 << 20);
	CU_ASSERT_EQUAL(hc_diff_size_count(diff), 2);
	CU_ASSERT_EQUAL(hc_diff_size_get(diff, 0)->size, 40 + (1 << 20));
	CU_ASSERT_EQUAL(hc_diff_size_get(diff, 0)->lost_b, 1);
	CU_ASSERT_EQUAL(hc_diff_size_get(diff, 0)->growth, 40 + (1 << 20));
	CU_ASSERT_EQUAL(hc_diff_size_get(diff, 1)->growth, -40);
	CU_ASSERT_EQUAL(hc_findings_count(hc_diff_findings(diff)), 1);
	finding = finding_of_kind(diff, "lost");
	CU_ASSERT_PTR_NOT_NULL(finding);
	if (finding) {
		CU_ASSERT_EQUAL(finding->bytes, 1 << 20);
		UNIT_ASSERT_CONTAINS(finding->text, "1 more block of 1,048,616 B");
	}
	UNIT_ASSERT_CONTAINS(hc_diff_verdict(diff),
		"Memory grew by 1.0 MiB: 100.0 % are lost blocks, which nothing points to any more. Trimming");
	UNIT_ASSERT_CONTAINS(hc_diff_verdict(diff), "Trimming would not help");
	pair_destroy(&pair);
}

/* Each other part of the memory has its finding; reserved address space has none. */
static void test_parts(void)
{
	core_pair pair = pair_create();
	g_autoptr(hc_diff) diff = NULL;

	pair.b->memory.rows[0].bytes += 10000;	 /* in use, not lost */
	pair.b->memory.rows[2].bytes += 30000;	 /* free */
	pair.b->memory.rows[3].bytes += 20000;	 /* files */
	pair.b->memory.rows[4].bytes += 1 << 26; /* reserved */
	diff = hc_diff_create(pair.a, pair.b);
	CU_ASSERT_EQUAL(hc_diff_growth(diff), 60000 + (1 << 26));
	CU_ASSERT_EQUAL(hc_diff_memory_growth(diff), 60000);
	CU_ASSERT_EQUAL(hc_findings_count(hc_diff_findings(diff)), 3);
	if (hc_findings_count(hc_diff_findings(diff)) == 3) {
		UNIT_ASSERT_TEXT(hc_findings_get(hc_diff_findings(diff), 0)->kind, "retained");
		UNIT_ASSERT_TEXT(hc_findings_get(hc_diff_findings(diff), 1)->kind, "not-heap");
		UNIT_ASSERT_TEXT(hc_findings_get(hc_diff_findings(diff), 2)->kind, "held");
	}
	UNIT_ASSERT_CONTAINS(hc_diff_verdict(diff),
		"Memory grew by 58.6 KiB: 50.0 % are free memory that malloc keeps, 33.3 % memory outside malloc's "
		"heap, 16.7 % blocks that the program still holds. ");
	pair_destroy(&pair);
}

static void test_shrunk(void)
{
	core_pair pair = pair_create();
	g_autoptr(hc_diff) diff = NULL;

	pair.b->memory.rows[0].bytes -= 1 << 19;
	diff = hc_diff_create(pair.a, pair.b);
	CU_ASSERT_EQUAL(hc_diff_growth(diff), -(1 << 19));
	UNIT_ASSERT_TEXT(hc_diff_verdict(diff), "Memory shrank by 512.0 KiB.");
	pair_destroy(&pair);
}

/* A row that only one of the tables has. */
static void test_rows_of_one(void)
{
	core_pair pair = pair_create();
	g_autoptr(hc_diff) diff = NULL;
	const hc_diff_row *row;

	pair.a->memory.count = 6;
	pair.a->memory.rows[5] = (hc_memory_row){ "shared", "shared memory", 4096, 1, "mappings", NULL, true, NULL };
	diff = hc_diff_create(pair.a, pair.b);
	CU_ASSERT_EQUAL(hc_diff_row_count(diff), 6);
	row = hc_diff_row_get(diff, 5);
	UNIT_ASSERT_TEXT(row->id, "shared");
	CU_ASSERT_EQUAL(row->bytes_a, 4096);
	CU_ASSERT_EQUAL(row->bytes_b, 0);
	CU_ASSERT_EQUAL(row->growth, -4096);
	pair_destroy(&pair);
}

static hc_sameness sameness(const core_pair *pair)
{
	g_autoptr(hc_diff) diff = hc_diff_create(pair->a, pair->b);

	CU_ASSERT_PTR_NOT_NULL(hc_diff_sameness_text(diff));
	return hc_diff_sameness(diff);
}

static void test_sameness(void)
{
	core_pair pair = pair_create();

	pair.b->modules.list[0].start += 4096; /* the pid again, but loaded elsewhere */
	CU_ASSERT_EQUAL(sameness(&pair), HC_SAME_PROGRAM);
	pair.b->modules.list[0].start -= 4096;
	pair.b->modules.list[1].start += 4096; /* libc */
	CU_ASSERT_EQUAL(sameness(&pair), HC_SAME_PROGRAM);
	pair.b->modules.list[1].start -= 4096;
	pair.b->core.process.pid = 8902;
	CU_ASSERT_EQUAL(sameness(&pair), HC_SAME_PROGRAM);
	pair.b->modules.list[0].build_id = "dd44";
	CU_ASSERT_EQUAL(sameness(&pair), HC_OTHER_BUILD);
	pair.b->modules.list[0].name = "python3";
	CU_ASSERT_EQUAL(sameness(&pair), HC_OTHER_PROGRAM);
	pair.b->modules.list[0].build_id = NULL;
	CU_ASSERT_EQUAL(sameness(&pair), HC_OTHER_PROGRAM);
	pair.b->modules.list[0].name = "logic_worker";
	CU_ASSERT_EQUAL(sameness(&pair), HC_SAME_UNKNOWN);
	pair.b->modules.count = pair.a->modules.count = 0; /* not even an executable */
	CU_ASSERT_EQUAL(sameness(&pair), HC_SAME_UNKNOWN);
	pair_destroy(&pair);
}

static bool append(const char *text, size_t length, void *data)
{
	g_string_append_len(data, text, length);
	return true;
}

static void test_report(void)
{
	core_pair pair = pair_create();
	g_autoptr(hc_diff) diff = NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	hc_report_options options = { .write = append, .write_data = text };

	pair.b->memory.rows[0].bytes += 1 << 20;
	diff = hc_diff_create(pair.a, pair.b);
	CU_ASSERT_TRUE(hc_report_diff(diff, pair.a, pair.b, &options, NULL));
	UNIT_ASSERT_CONTAINS(
		text->str, "VERDICT  Memory grew by 1.0 MiB: 100.0 % are blocks that the program still holds.");
	UNIT_ASSERT_CONTAINS(text->str, "+1.0 MiB  100.0%");
	UNIT_ASSERT_CONTAINS(text->str, "1  held  1.0 MiB");
	pair_destroy(&pair);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "a core with itself", test_nothing },
		{ "lost blocks", test_lost },
		{ "other parts", test_parts },
		{ "shrinking", test_shrunk },
		{ "rows of one table", test_rows_of_one },
		{ "sameness", test_sameness },
		{ "as text", test_report },
	};

	return unit_main("diff", cases, G_N_ELEMENTS(cases));
}
