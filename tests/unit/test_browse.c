/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Browsing, without a terminal: pages, and what another core's snapshot held. */
#include "cli/browse.h"
#include "snapshot_builder.h"
#include "unit.h"

static void test_lines(void)
{
	g_autoptr(browse_page) page = browse_page_new("title", "one\n\nthree 0xzz 0x55e0 0x1\n");
	g_autoptr(browse_page) empty = browse_page_new("", "");
	hc_address address = 0;

	CU_ASSERT_EQUAL(page->lines->len, 3);
	CU_ASSERT_EQUAL(empty->lines->len, 0);
	CU_ASSERT_FALSE(browse_page_address(page, &address));
	CU_ASSERT_FALSE(browse_page_address(empty, &address));
	page->cursor = 2;
	CU_ASSERT_TRUE(browse_page_address(page, &address));
	CU_ASSERT_EQUAL(address, 0x55e0);
}

/* Both ways, around the ends, in upper or lower case; a line that is the only one is found again. */
static void test_find(void)
{
	g_autoptr(browse_page) page = browse_page_new("", "Alpha\nbeta\nALPHABET\n");
	g_autoptr(browse_page) empty = browse_page_new("", "");

	CU_ASSERT_TRUE(browse_page_find(page, "alpha", true));
	CU_ASSERT_EQUAL(page->cursor, 2);
	CU_ASSERT_TRUE(browse_page_find(page, "alpha", true));
	CU_ASSERT_EQUAL(page->cursor, 0);
	CU_ASSERT_TRUE(browse_page_find(page, "alpha", false));
	CU_ASSERT_EQUAL(page->cursor, 2);
	CU_ASSERT_TRUE(browse_page_find(page, "BETA", false));
	CU_ASSERT_EQUAL(page->cursor, 1);
	CU_ASSERT_TRUE(browse_page_find(page, "beta", true));
	CU_ASSERT_EQUAL(page->cursor, 1);
	CU_ASSERT_FALSE(browse_page_find(page, "gamma", true));
	CU_ASSERT_EQUAL(page->cursor, 1);
	CU_ASSERT_FALSE(browse_page_find(empty, "a", false));
}

static uint64_t held(GHashTable *table, const char *path)
{
	const uint64_t *bytes = g_hash_table_lookup(table, path);

	return bytes ? *bytes : UINT64_MAX;
}

/* Each path holds what is below it too; paths of one name, as of several threads, together. */
static void test_before(void)
{
	hc_snapshot *snapshot = snapshot_create();
	uint32_t top = snapshot_add_owner(snapshot, HC_SNAPSHOT_NONE, "g_a", "A", 1, 100);
	uint32_t middle = snapshot_add_owner(snapshot, top, "g_a->b", "B", 2, 20);

	snapshot_add_owner(snapshot, middle, "g_a->b->c", "C", 1, 3);
	snapshot_add_owner(snapshot, HC_SNAPSHOT_NONE, "local", "L", 1, 1000);
	snapshot_add_owner(snapshot, HC_SNAPSHOT_NONE, "local", "L", 1, 2000);
	snapshot_finish(snapshot);
	g_autoptr(GHashTable) table = browse_rows_of_snapshot(snapshot);

	CU_ASSERT_EQUAL(held(table, "g_a"), 123);
	CU_ASSERT_EQUAL(held(table, "g_a->b"), 23);
	CU_ASSERT_EQUAL(held(table, "g_a->b->c"), 3);
	CU_ASSERT_EQUAL(held(table, "local"), 3000);
	CU_ASSERT_EQUAL(held(table, "g_z"), UINT64_MAX);
	hc_snapshot_destroy(snapshot);
}

static void test_counts(void)
{
	static const struct {
		uint64_t count;
		const char *text;
	} examples[] = { { 0, "0" }, { 999, "999" }, { 1000, "1,000" }, { 25573, "25,573" },
		{ 123456789, "123,456,789" } };

	for (unsigned i = 0; i < G_N_ELEMENTS(examples); i++) {
		g_autofree char *text = browse_count_text(examples[i].count);

		UNIT_ASSERT_TEXT(text, examples[i].text);
	}
}

int main(void)
{
	static const unit_case cases[] = {
		{ "counts", test_counts },
		{ "lines", test_lines },
		{ "searching in lines", test_find },
		{ "what another core's snapshot held", test_before },
	};

	return unit_main("browse", cases, G_N_ELEMENTS(cases));
}
