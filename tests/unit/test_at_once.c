/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many cores are analysed at the same time: by their sizes on disk, the threads and the memory that there are. */
#include "unit.h"

#include "analysis/analysis.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

static void test_sizes(void)
{
	const uint64_t alike[] = { 100 * MIB, 100 * MIB }, unlike[] = { 100 * MIB, 70 * MIB },
		       one_large[] = { 30 * MIB, 100 * MIB, 30 * MIB, 30 * MIB };

	CU_ASSERT_EQUAL(hc_at_once_of_sizes(alike, 2, 2, UINT64_MAX), 2);
	CU_ASSERT_EQUAL(hc_at_once_of_sizes(alike, 2, 64, UINT64_MAX), 2);
	CU_ASSERT_EQUAL(hc_at_once_of_sizes(alike, 2, 1, UINT64_MAX), 1);
	CU_ASSERT_EQUAL(hc_at_once_of_sizes(alike, 1, 2, UINT64_MAX), 1);
	CU_ASSERT_EQUAL(hc_at_once_of_sizes(alike, 0, 2, UINT64_MAX), 1);
	CU_ASSERT_EQUAL(hc_at_once_of_sizes(unlike, 2, 2, UINT64_MAX), 1);
	CU_ASSERT_EQUAL(hc_at_once_of_sizes(one_large, 4, 2, UINT64_MAX), 2);
	CU_ASSERT_EQUAL(hc_at_once_of_sizes(one_large, 3, 2, UINT64_MAX), 1);
}

/* The two largest, twice: whichever come together, they fit. */
static void test_memory(void)
{
	const uint64_t sizes[] = { 10 * MIB, 90 * MIB, 80 * MIB };

	CU_ASSERT_EQUAL(hc_at_once_of_sizes(sizes, 3, 2, 2 * 170 * MIB), 2);
	CU_ASSERT_EQUAL(hc_at_once_of_sizes(sizes, 3, 2, 2 * 170 * MIB - 2), 1);
}

static char *make_file(const char *folder, const char *name, uint64_t written, uint64_t size)
{
	char *path = g_build_filename(folder, name, NULL);
	g_autofree char *bytes = g_malloc0(written);
	int descriptor = open(path, O_CREAT | O_WRONLY, 0600);

	memset(bytes, 'x', written);
	CU_ASSERT_TRUE(descriptor >= 0 && write(descriptor, bytes, written) == (ssize_t)written);
	CU_ASSERT_EQUAL(ftruncate(descriptor, (off_t)size), 0);
	CU_ASSERT_EQUAL(fsync(descriptor), 0);
	close(descriptor);
	return path;
}

/* Holes are no memory: by the size that it seems to have, the second would be a thousand times as large. */
static void test_files(void)
{
	g_autofree char *folder = g_dir_make_tmp("heapcore-test-XXXXXX", NULL);
	g_autofree char *whole = make_file(folder, "whole", 4 * MIB, 4 * MIB),
			*holes = make_file(folder, "holes", 4 * MIB, 4096 * MIB),
			*small = make_file(folder, "small", 1 * MIB, 1 * MIB);
	const char *const both[] = { whole, holes }, *const unlike[] = { whole, small };
	const hc_analysis_options two = { .jobs = 2 }, one = { .jobs = 1 }, little = { .jobs = 2, .memory = 15 * MIB };

	CU_ASSERT_EQUAL(hc_analyses_at_once(both, 2, &two), 2);
	CU_ASSERT_EQUAL(hc_analyses_at_once(both, 2, &one), 1);
	CU_ASSERT_EQUAL(hc_analyses_at_once(both, 2, &little), 1);
	CU_ASSERT_EQUAL(hc_analyses_at_once(both, 1, &two), 1);
	CU_ASSERT_EQUAL(hc_analyses_at_once(unlike, 2, &two), 1);
	g_unlink(whole);
	g_unlink(holes);
	g_unlink(small);
	g_rmdir(folder);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "by sizes", test_sizes },
		{ "by memory", test_memory },
		{ "by what of a file is on disk", test_files },
	};

	return unit_main("at_once", cases, G_N_ELEMENTS(cases));
}
