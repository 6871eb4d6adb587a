/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* leaks/: trees, groups and evidence on small heaps built in memory. The only module is the builder's libc.so.6. */
#include "test_process.h"
#include "unit.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static test_process start(uint64_t size)
{
	test_process test = process_start("2.36", size, size);

	heap_add_cache(test.heap, 0, 0);
	return test;
}

static bool find(test_process *test, const hc_leaks_options *options)
{
	test->leaks = hc_analysis_find_leaks(test->stages.analysis, options, NULL);
	CU_ASSERT_PTR_NOT_NULL(test->leaks);
	return test->leaks;
}

static bool run(test_process *test, const hc_leaks_options *options)
{
	return process_run(test, 1) && find(test, options);
}

/* A block of SIZE bytes whose word WORD is VALUE (WORD < 0: none); the others are zero. */
static hc_address make(test_process *test, uint64_t size, int word, uint64_t value)
{
	hc_address block = heap_malloc(test->heap, 0, size);

	if (word >= 0)
		core_builder_put_word(test->core, block + 8 * word, value);
	return block;
}

static void make_text(test_process *test, uint64_t size, const char *text)
{
	core_builder_put_bytes(test->core, make(test, size, -1, 0), text, strlen(text) + 1);
}

/* "2 heads, 3 blocks; 1 head, 1 block", in the order of the list, with (n) for rings and P for possibly lost. */
static char *describe(const hc_leaks *leaks)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < hc_leaks_group_count(leaks); i++) {
		const hc_leak_group *group = hc_leaks_group(leaks, i);

		g_string_append_printf(text, "%s%u/%u", i ? " " : "", (unsigned)group->trees,
			(unsigned)(group->heads.blocks + group->others.blocks));
		if (group->rings)
			g_string_append_printf(text, "(%u)", (unsigned)group->rings);
		if (group->class == HC_LEAK_POSSIBLE)
			g_string_append(text, "P");
		if (group->suppression)
			g_string_append(text, "S");
	}
	return g_string_free(text, FALSE);
}

#define CHECK_GROUPS(test, expected) \
	do { \
		g_autofree char *told = describe((test)->leaks); \
		UNIT_ASSERT_TEXT(told, expected); \
	} while (0)

/* ---- trees ---- */

static void test_shared_child(void)
{
	g_auto(test_process) test = start(0x4000);
	hc_address child = make(&test, 104, -1, 0);

	make(&test, 200, 3, child);
	make(&test, 300, 0, child + 8); /* also by an interior pointer: there is a better one */
	if (!run(&test, NULL))
		return;
	CHECK_GROUPS(&test, "1/1 1/2"); /* the first head has it, though the second is the larger one */
	CU_ASSERT_EQUAL(hc_leaks_group(test.leaks, 0)->heads.bytes, 312);
	CU_ASSERT_EQUAL(hc_leaks_get_totals(test.leaks)->indirectly_lost.blocks, 1);
}

static void test_ring(void)
{
	g_auto(test_process) test = start(0x4000);
	hc_address a = make(&test, 40, -1, 0), b = make(&test, 56, 0, a), c = make(&test, 72, 1, b);

	core_builder_put_word(test.core, a, c);
	core_builder_put_word(test.core, b + 16, make(&test, 24, -1, 0)); /* hangs on the ring */
	core_builder_put_word(test.core, make(&test, 500, -1, 0) + 8, 0);
	a = make(&test, 120, -1, 0);
	core_builder_put_word(test.core, a, a); /* to itself: no ring */
	if (!run(&test, NULL))
		return;
	CHECK_GROUPS(&test, "1/1 1/4(1) 1/1");
}

/* The end mark of a list in the head: its last element leads back into the middle of the head, which is no ring. */
static void test_end_mark(void)
{
	g_auto(test_process) test = start(0x4000);
	hc_address head = make(&test, 72, -1, 0), element = make(&test, 40, 0, head + 16);

	core_builder_put_word(test.core, head + 16, element);
	if (!run(&test, NULL))
		return;
	CHECK_GROUPS(&test, "1/2");
}

enum {
	LONG = 20000
};

static bool count_block(const hc_block *block, hc_reach reach, hc_address head, const hc_leak_group *group, void *data)
{
	unsigned *count = data;

	CU_ASSERT_EQUAL(reach, block->address == head ? HC_REACH_DIRECTLY_LOST : HC_REACH_INDIRECTLY_LOST);
	CU_ASSERT_PTR_NOT_NULL(group);
	(*count)++;
	return true;
}

static void test_long_list(void)
{
	g_auto(test_process) test = start(0x1000 + LONG * 32);
	hc_address head = 0;
	unsigned count = 0;

	for (unsigned i = 0; i < LONG; i++)
		head = make(&test, 24, 0, head);
	if (!run(&test, NULL))
		return;
	g_autofree char *expected = g_strdup_printf("1/%u", (unsigned)LONG);

	CHECK_GROUPS(&test, expected);
	CU_ASSERT_TRUE(hc_leaks_each_block(test.leaks, count_block, &count));
	CU_ASSERT_EQUAL(count, LONG);
	CU_ASSERT_EQUAL(hc_leaks_group(test.leaks, 0)->size_count, 1);
}

static void test_possibly_lost(void)
{
	g_auto(test_process) test = start(0x4000);
	hc_address child = make(&test, 104, -1, 0), head = make(&test, 200, 3, child);

	make(&test, 56, -1, 0); /* lost for certain: first in the list, though smaller */
	heap_keep(test.heap, head + 100);
	if (!run(&test, NULL))
		return;
	CHECK_GROUPS(&test, "1/1 1/2P");
	CU_ASSERT_EQUAL(hc_leaks_get_totals(test.leaks)->possibly_lost.blocks, 2);
	CU_ASSERT_EQUAL(hc_leaks_get_totals(test.leaks)->definitely_lost.blocks, 1);
}

/* ---- groups ---- */

static void test_texts(void)
{
	g_auto(test_process) test = start(0x4000);

	make_text(&test, 100, "order 7 of 12");
	make_text(&test, 300, "order 12345 of 9, with more behind it");
	make_text(&test, 24, "order 1");
	make_text(&test, 100, "something else");
	if (!run(&test, NULL))
		return;
	CHECK_GROUPS(&test, "3/3 1/1");
	UNIT_ASSERT_TEXT(hc_leaks_group(test.leaks, 0)->beginning, "order #");
	UNIT_ASSERT_TEXT(hc_leaks_group(test.leaks, 0)->sample, "order 7 of 12");
	CU_ASSERT_EQUAL(hc_leaks_group(test.leaks, 0)->size_count, 3);
}

static void test_rare_texts(void)
{
	g_auto(test_process) test = start(0x8000);

	for (unsigned i = 0; i < 40; i++) {
		char text[16] = "word ........";

		text[2] = 'a' + i % 26;
		text[3] = 'a' + i / 26;
		make_text(&test, 40, text);
	}
	for (unsigned i = 0; i < 10; i++)
		make_text(&test, 40, "the same");
	if (!run(&test, NULL))
		return;
	CHECK_GROUPS(&test, "40/40 10/10");
}

static void test_no_content(void)
{
	static const hc_analysis_options options = {
		.sysroot = "/nonexistent", .until = HC_STAGE_MEMORY, .jobs = 1, .no_content = true
	};
	g_auto(test_process) test = start(0x4000);

	make_text(&test, 100, "a secret");
	heap_write_threads(test.heap);
	if (!stages_run_path(&test.stages, core_builder_path(test.core), &options) || !find(&test, NULL))
		return;
	CHECK_GROUPS(&test, "1/1");
	CU_ASSERT_PTR_NULL(hc_leaks_group(test.leaks, 0)->sample);
	CU_ASSERT_PTR_NULL(hc_leaks_group(test.leaks, 0)->beginning);
}

static void test_layouts(void)
{
	g_auto(test_process) test = start(0x4000);
	hc_address data = heap_kept_at(test.heap, 0);

	make(&test, 40, 1, data);
	make(&test, 40, 1, data + 64);
	make(&test, 40, -1, 0);	  /* NULL in place of that pointer: the same kind */
	make(&test, 40, 2, 1234); /* a number elsewhere */
	make(&test, 72, 1, data);
	make(&test, 72, 1, 99); /* a number there: another kind */
	make(&test, 56, 1, data);
	if (!run(&test, NULL))
		return;
	CHECK_GROUPS(&test, "4/4 1/1 1/1 1/1");
	const hc_leak_group *group = hc_leaks_group(test.leaks, 0);

	CU_ASSERT_EQUAL(group->word_count, 5);
	CU_ASSERT_EQUAL(group->words[0].kind, HC_WORD_ZERO);
	CU_ASSERT_EQUAL(group->words[1].kind, HC_WORD_MODULE);
	CU_ASSERT_EQUAL(group->module_count, 1);
	if (!group->module_count)
		return;
	UNIT_ASSERT_TEXT(group->modules[0].module->name, "libc.so.6");
	CU_ASSERT_EQUAL(group->modules[0].words, 2);
}

/* What malloc left in a block that was free before says nothing of whose it is. */
static void test_malloc_state(void)
{
	g_auto(test_process) test = start(0x4000);

	make(&test, 40, 1, test.heap->main_arena + 96);
	if (!run(&test, NULL))
		return;
	CHECK_GROUPS(&test, "1/1");
	CU_ASSERT_EQUAL(hc_leaks_group(test.leaks, 0)->module_count, 0);
}

/* The bytes of an address in a mapping can all be printable; those of the same number that leads nowhere are text. */
static void test_pointer_is_no_text(void)
{
	const hc_address mapping = UINT64_C(0x7e4142434000), pointer = mapping + 0x445;

	for (unsigned is_mapped = 0; is_mapped < 2; is_mapped++) {
		g_auto(test_process) test = start(0x4000);

		if (is_mapped)
			core_builder_add_memory(test.core, mapping, 0x1000, PF_R | PF_W);
		make(&test, 40, 0, pointer);
		if (!run(&test, NULL))
			continue;
		const hc_leak_group *group = hc_leaks_group(test.leaks, 0);

		CU_ASSERT_EQUAL(group->words[0].kind, is_mapped ? HC_WORD_OTHER : HC_WORD_TEXT);
		if (is_mapped)
			CU_ASSERT_PTR_NULL(group->sample);
		UNIT_ASSERT_TEXT(group->beginning, is_mapped ? NULL : "EDCBA~");
	}
}

static void test_groupings(void)
{
	static const struct {
		hc_leaks_grouping grouping;
		const char *expected;
	} cases[] = {
		{ HC_LEAKS_BY_SHAPE, "2/2 1/1 1/1" },
		{ HC_LEAKS_BY_SIZE, "1/1 3/3" },
		{ HC_LEAKS_BY_TYPE, "4/4" },
		{ HC_LEAKS_BY_MODULE, "3/3 1/1" },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		hc_leaks_options options = { .grouping = cases[i].grouping };
		g_auto(test_process) test = start(0x4000);

		make_text(&test, 40, "hello 1");
		make_text(&test, 200, "hello 2");
		make(&test, 40, 1, 5);
		make(&test, 40, 1, heap_kept_at(test.heap, 0));
		if (run(&test, &options))
			CHECK_GROUPS(&test, cases[i].expected);
	}
}

/* ---- evidence ---- */

static void test_freed_owner(void)
{
	g_auto(test_process) test = start(0x4000);
	hc_address buffer = make(&test, 1000, -1, 0), owner = make(&test, 72, 5, buffer),
		   other = make(&test, 500, -1, 0);

	core_builder_put_word(test.core, owner + 24, heap_kept_at(test.heap, 0));
	heap_free_to_cache(test.heap, heap_thread_at(test.heap, 0)->cache, owner);
	(void)other;
	if (!run(&test, NULL))
		return;
	CHECK_GROUPS(&test, "1/1 1/1");
	const hc_leak_group *group = hc_leaks_group(test.leaks, 0);

	CU_ASSERT_EQUAL(group->evidence_count, 1);
	CU_ASSERT_EQUAL(hc_leaks_group(test.leaks, 1)->evidence_count, 0);
	if (group->evidence_count != 1 || !group->evidence[0].module)
		return;
	CU_ASSERT_EQUAL(group->evidence[0].size, 72);
	CU_ASSERT_EQUAL(group->evidence[0].offset, 40);
	CU_ASSERT_FALSE(group->evidence[0].by_others);
	UNIT_ASSERT_TEXT(group->evidence[0].module->name, "libc.so.6");
	CU_ASSERT_EQUAL(group->module_count, 1);
	if (!group->module_count)
		return;
	CU_ASSERT_EQUAL(group->modules[0].evidence, 1);
	CU_ASSERT_EQUAL(group->modules[0].words, 0);
}

/* Its first word, which free() overwrote, was all that told: live blocks of that size have it still. */
static void test_owner_by_others(void)
{
	g_auto(test_process) test = start(0x4000);
	hc_address buffer = make(&test, 1000, -1, 0), owner = make(&test, 72, 5, buffer), live;

	heap_free_to_cache(test.heap, heap_thread_at(test.heap, 0)->cache, owner);
	for (unsigned i = 0; i < 3; i++) {
		live = make(&test, 72, 5, make(&test, 1000, -1, 0));
		core_builder_put_word(test.core, live, heap_kept_at(test.heap, 0));
		core_builder_put_word(test.core, test.heap->data + 0x2800 + 8 * i, live);
	}
	if (!run(&test, NULL))
		return;
	CHECK_GROUPS(&test, "1/1");
	const hc_leak_group *group = hc_leaks_group(test.leaks, 0);

	CU_ASSERT_EQUAL(group->evidence_count, 1);
	CU_ASSERT_TRUE(group->evidence_count && group->evidence[0].by_others && group->evidence[0].module);
}

/* ---- suppressions ---- */

static void test_suppressions(void)
{
	g_autofree char *path = NULL;
	g_autoptr(hc_suppressions) suppressions = hc_suppressions_create();
	hc_leaks_options options = { .suppressions = suppressions };
	g_auto(test_process) test = start(0x4000);
	int file = g_file_open_tmp(NULL, &path, NULL);

	CU_ASSERT_TRUE(file >= 0);
	if (file < 0)
		return;
	close(file);
	CU_ASSERT_TRUE(
		g_file_set_contents(path, "[small]\nsize=..64\n[greeting]\ncontent=hello*\nsize=100..\n", -1, NULL));
	CU_ASSERT_TRUE(hc_suppressions_add_file(suppressions, path, NULL));
	g_unlink(path);
	make(&test, 40, 0, make(&test, 600, -1, 0)); /* with all that hangs on it */
	make_text(&test, 24, "hello");		     /* the first that fits counts */
	make_text(&test, 120, "hello there");
	make_text(&test, 120, "good bye");
	if (!run(&test, &options))
		return;
	CHECK_GROUPS(&test, "1/1 1/2S 1/1S 1/1S");
	CU_ASSERT_EQUAL(hc_suppressions_used(suppressions, 0).blocks, 3);
	CU_ASSERT_EQUAL(hc_suppressions_used(suppressions, 1).blocks, 1);
	CU_ASSERT_EQUAL(hc_leaks_get_totals(test.leaks)->suppressed.blocks, 4);
	CU_ASSERT_EQUAL(hc_leaks_get_totals(test.leaks)->definitely_lost.blocks, 1);
	CU_ASSERT_EQUAL(hc_leaks_get_totals(test.leaks)->indirectly_lost.blocks, 0);
}

static const unit_case cases[] = {
	{ "two heads share a child", test_shared_child },
	{ "a ring, and what hangs on it", test_ring },
	{ "an end mark is no ring", test_end_mark },
	{ "a long list", test_long_list },
	{ "possibly lost", test_possibly_lost },
	{ "texts that begin alike", test_texts },
	{ "texts that do not", test_rare_texts },
	{ "no content", test_no_content },
	{ "layouts", test_layouts },
	{ "malloc's own pointers", test_malloc_state },
	{ "a pointer's bytes are no text", test_pointer_is_no_text },
	{ "other groupings", test_groupings },
	{ "a freed owner", test_freed_owner },
	{ "an owner known by its like", test_owner_by_others },
	{ "suppressions", test_suppressions },
};

int main(void)
{
	return unit_main("leaks", cases, G_N_ELEMENTS(cases));
}
