/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* core/large_pages.c: the same bytes at the same place, within what memory there is. The truth is what the test wrote to the file. */
#include "core/core.h"
#include "core_builder.h"
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB	((uint64_t)1 << 20)
#define ADDRESS ((hc_address)0x7f0000000000)

enum {
	FULL = 48,  /* MiB of memory that is not zero, */
	EMPTY = 24, /* then so much that is a hole in the file, */
	REST = 24,  /* and so much that is none */
	ALL = FULL + EMPTY + REST,
	LOOKS = 100000,
};

typedef struct fixture {
	core_builder *builder;
	hc_diagnostics *diagnostics;
	hc_core *core;
	const uint8_t *truth;	/* of ADDRESS on; the builder's */
	const uint8_t *pointer; /* to the same in the core, from before anything was enlarged */
	GError *error;
} fixture;

static void stop(fixture *f)
{
	hc_core_close(f->core);
	hc_diagnostics_destroy(f->diagnostics);
	core_builder_destroy(f->builder);
	g_clear_error(&f->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(fixture, stop)

static void fill(uint8_t *bytes, uint64_t size, uint64_t seed)
{
	for (uint64_t i = 0; i + 8 <= size; i += 8) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		memcpy(bytes + i, &seed, 8);
	}
}

static fixture start(void)
{
	fixture f = { core_builder_create(8, false), hc_diagnostics_create(), NULL, NULL, NULL, NULL };
	uint8_t *memory = core_builder_add_memory(f.builder, ADDRESS, ALL * MIB, PF_R | PF_W);
	uint64_t available;

	fill(memory, FULL * MIB, 1);
	fill(memory + (FULL + EMPTY) * MIB, REST * MIB, 2);
	f.truth = memory;
	f.core = hc_core_open(core_builder_path(f.builder), f.diagnostics, &f.error);
	if (f.core)
		f.pointer = hc_core_bytes(f.core, ADDRESS, &available);
	if (!f.pointer)
		CU_FAIL("the core opens");
	return f;
}

static uint64_t enlarge(fixture *f, uint64_t memory, unsigned jobs)
{
	const hc_range ranges[] = { { ADDRESS, ADDRESS + FULL / 2 * MIB },
		{ ADDRESS + FULL / 2 * MIB, ADDRESS + ALL * MIB } };
	const hc_paging_options options = { jobs, memory, UINT64_MAX };

	CU_ASSERT_TRUE(hc_core_enlarge_pages(f->core, ranges, G_N_ELEMENTS(ranges), &options, &f->error));
	return hc_core_copied_bytes(f->core);
}

/* At random addresses: what the file has, by the core's functions and by a pointer from before. */
static bool is_true(const fixture *f, uint64_t end)
{
	uint64_t seed = 7, available;

	for (unsigned i = 0; i < LOOKS; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		uint64_t at = (seed >> 20) % (end - 8);

		if (hc_core_bytes(f->core, ADDRESS + at, &available) != f->pointer + at ||
			memcmp(f->pointer + at, f->truth + at, 8))
			return false;
	}
	return !memcmp(f->pointer, f->truth, end);
}

static bool has_large_pages(void)
{
	g_autofree char *setting = NULL;

	return g_file_get_contents("/sys/kernel/mm/transparent_hugepage/enabled", &setting, NULL, NULL) &&
	       !strstr(setting, "[never]");
}

static uint64_t blocks_of_file(const fixture *f)
{
	struct stat status;

	return fstat(f->builder->descriptor, &status) ? 0 : status.st_blocks;
}

static void test_same_bytes(void)
{
	for (unsigned jobs = 1; jobs <= 3; jobs++) {
		g_auto(fixture) f = start();
		uint64_t copied = f.pointer ? enlarge(&f, UINT64_MAX, jobs) : 0;

		if (!f.pointer)
			return;
		if (has_large_pages()) /* but for a page at each end that is shared with something else */
			CU_ASSERT_TRUE(copied >= (FULL + REST - 6) * MIB);
		CU_ASSERT_TRUE(is_true(&f, ALL * MIB));
		CU_ASSERT_EQUAL(enlarge(&f, UINT64_MAX, jobs), copied); /* once is enough */
	}
}

/* Reading a hole of a file in memory by its mapping would fill it. */
static void test_holes(void)
{
	g_auto(fixture) f = start();
	uint64_t blocks = blocks_of_file(&f);

	if (!f.pointer)
		return;
	CU_ASSERT_TRUE(enlarge(&f, UINT64_MAX, 2) <= (FULL + REST) * MIB + 4 * MIB);
	CU_ASSERT_EQUAL(blocks_of_file(&f), blocks);
	CU_ASSERT_TRUE(is_true(&f, ALL * MIB));
}

static void test_memory(void)
{
	static const struct {
		uint64_t free, least, most; /* MiB of memory beside the core, and that copies may take */
	} cases[] = {
		{ 0, 0, 0 },
		{ 1, 0, 0 },
		{ 11, 10, 10 },
		{ 40, 40, 40 },
		{ 10 * ALL, FULL + REST - 6, FULL + REST + 4 },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(fixture) f = start();

		if (!f.pointer)
			return;
		uint64_t copied = enlarge(&f, hc_core_file_size(f.core) + cases[i].free * MIB, 2);

		CU_ASSERT_TRUE(copied <= cases[i].most * MIB);
		CU_ASSERT_TRUE(!has_large_pages() || copied >= cases[i].least * MIB);
		CU_ASSERT_TRUE(is_true(&f, ALL * MIB));
	}
	g_auto(fixture) f = start();

	if (f.pointer)
		CU_ASSERT_EQUAL(enlarge(&f, 1, 2), 0);
}

static void test_small(void)
{
	const hc_range range = { ADDRESS, ADDRESS + 8 * MIB };
	const hc_paging_options options = { 2, UINT64_MAX, UINT64_MAX };
	g_auto(fixture) f = start();

	if (!f.pointer)
		return;
	CU_ASSERT_TRUE(hc_core_enlarge_pages(f.core, &range, 1, &options, &f.error));
	CU_ASSERT_EQUAL(hc_core_copied_bytes(f.core), 0);
	CU_ASSERT_TRUE(is_true(&f, ALL * MIB));
}

/* Nothing behind the end that the file has now may stand for bytes: reading there is to fail as it does without copies. */
static void test_cut(void)
{
	enum {
		LEFT = 39
	};
	g_auto(fixture) f = start();

	if (!f.pointer)
		return;
	CU_ASSERT_EQUAL(ftruncate(f.builder->descriptor, LEFT * MIB), 0);
	CU_ASSERT_TRUE(enlarge(&f, UINT64_MAX, 2) <= LEFT * MIB);
	CU_ASSERT_TRUE(is_true(&f, (LEFT - 1) * MIB));
	/* The kernel tells without a signal whether there is something to read: a write from there fails. */
	int pipes[2];

	if (pipe(pipes))
		return;
	CU_ASSERT_EQUAL(write(pipes[1], f.pointer + (LEFT - 1) * MIB, 8), 8);
	CU_ASSERT_EQUAL(write(pipes[1], f.pointer + (LEFT + 1) * MIB, 8), -1);
	close(pipes[0]);
	close(pipes[1]);
}

/* A copy that costs too much is made a few times only. */
static void test_dear(void)
{
	const hc_range range = { ADDRESS, ADDRESS + ALL * MIB };
	const hc_paging_options options = { 1, UINT64_MAX, 0 };
	g_auto(fixture) f = start();

	if (!f.pointer)
		return;
	CU_ASSERT_TRUE(hc_core_enlarge_pages(f.core, &range, 1, &options, &f.error));
	CU_ASSERT_TRUE(hc_core_copied_bytes(f.core) <= 16 * MIB);
	CU_ASSERT_TRUE(is_true(&f, ALL * MIB));
}

int main(void)
{
	static const unit_case cases[] = {
		{ "the same bytes at the same place", test_same_bytes },
		{ "holes are not read", test_holes },
		{ "no more than there is room for", test_memory },
		{ "little is left as it is", test_small },
		{ "a file that was cut", test_cut },
		{ "copies that cost too much", test_dear },
	};

	return unit_main("large pages", cases, G_N_ELEMENTS(cases));
}
