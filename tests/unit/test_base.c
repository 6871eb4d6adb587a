/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* base/: words in both byte orders, text made safe, sizes for people, counting what went wrong, running in parallel. */
#include "base/bytes.h"
#include "base/diagnostics.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/text.h"
#include "base/word.h"
#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_words(void)
{
	static const uint8_t bytes[] = { 0x80, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07 };
	bool little = G_BYTE_ORDER == G_LITTLE_ENDIAN;
	/* Swapping gives what the other kind of machine would read. */
	bool swap_for_big = little, swap_for_little = !little;

	CU_ASSERT_EQUAL(hc_load_u16(bytes, swap_for_big), 0x8001);
	CU_ASSERT_EQUAL(hc_load_u16(bytes, swap_for_little), 0x0180);
	CU_ASSERT_EQUAL(hc_load_u32(bytes, swap_for_big), 0x80010203);
	CU_ASSERT_EQUAL(hc_load_u32(bytes, swap_for_little), 0x03020180);
	CU_ASSERT_EQUAL(hc_load_u64(bytes, swap_for_big), 0x8001020304050607);
	CU_ASSERT_EQUAL(hc_load_u64(bytes, swap_for_little), 0x0706050403020180);
	CU_ASSERT_EQUAL(hc_load_word(bytes, (hc_word_format){ 4, swap_for_big }), 0x80010203);
	CU_ASSERT_EQUAL(hc_load_word(bytes, (hc_word_format){ 8, swap_for_big }), 0x8001020304050607);
	CU_ASSERT_EQUAL(hc_load_unsigned(bytes, 1, true), 0x80);
	CU_ASSERT_EQUAL(hc_load_unsigned(bytes, 2, swap_for_big), 0x8001);
	CU_ASSERT_EQUAL(hc_load_unsigned(bytes, 4, swap_for_big), 0x80010203);
	CU_ASSERT_EQUAL(hc_load_unsigned(bytes, 8, swap_for_big), 0x8001020304050607);
	/* At odd addresses too: words in notes and in registers are not aligned. */
	CU_ASSERT_EQUAL(hc_load_u32(bytes + 1, swap_for_big), 0x01020304);
}

static void test_alignment(void)
{
	CU_ASSERT_EQUAL(hc_align_down(0, 16), 0);
	CU_ASSERT_EQUAL(hc_align_down(31, 16), 16);
	CU_ASSERT_EQUAL(hc_align_down(UINT64_MAX, 4096), 0xfffffffffffff000);
	CU_ASSERT_EQUAL(hc_align_up(0, 16), 0);
	CU_ASSERT_EQUAL(hc_align_up(1, 16), 16);
	CU_ASSERT_EQUAL(hc_align_up(16, 16), 16);
	CU_ASSERT_EQUAL(hc_align_up(17, 1), 17);
	CU_ASSERT_EQUAL(hc_align_up(0xfffffffffffff000, 4096), 0xfffffffffffff000);
	CU_ASSERT_EQUAL(hc_align_up(0xfffffffffffff001, 4096), 0xfffffffffffff000);
	CU_ASSERT_EQUAL(hc_align_up(UINT64_MAX, 16), 0xfffffffffffffff0);
}

static void check_escape(const char *bytes, gssize length, const char *expected)
{
	g_autofree char *text = hc_text_escape(bytes, length);

	UNIT_ASSERT_TEXT(text, expected);
	CU_ASSERT_TRUE(g_utf8_validate(text, -1, NULL));
}

static void test_escape(void)
{
	check_escape("", -1, "");
	check_escape("plain text", -1, "plain text");
	check_escape("plain text", 5, "plain");
	check_escape("a\nb\tc\rd", -1, "a\\nb\\tc\\rd");
	check_escape("\033[31mred\007", -1, "\\x1b[31mred\\x07");
	check_escape("\177", -1, "\\x7f");
	check_escape("a\0b", 3, "a\\x00b");
	check_escape("C:\\dir", -1, "C:\\\\dir");
	check_escape("gr\303\274\303\237e \344\270\255", -1, "gr\303\274\303\237e \344\270\255");
	check_escape("\302\205", -1, "\\x85");		   /* U+0085, next line: a control character of two bytes */
	check_escape("a\342\200\256b", -1, "a\\u{202e}b"); /* right-to-left override */
	check_escape("a\342\201\246b", -1, "a\\u{2066}b"); /* left-to-right isolate */
	check_escape("\342\200\250", -1, "\\u{2028}");	   /* line separator */
	check_escape("\357\273\277", -1, "\\u{feff}");	   /* byte order mark */
}

static void test_escape_invalid(void)
{
	check_escape("\377", -1, "\\xff");
	check_escape("a\200b", -1, "a\\x80b");
	check_escape("\303", -1, "\\xc3"); /* cut in the middle */
	check_escape("\344\270\255", 2, "\\xe4\\xb8");
	check_escape("\300\200", -1, "\\xc0\\x80");		      /* NUL in a longer form than needed */
	check_escape("\355\240\200", -1, "\\xed\\xa0\\x80");	      /* half of a surrogate pair */
	check_escape("\364\220\200\200", -1, "\\xf4\\x90\\x80\\x80"); /* beyond U+10FFFF */
}

static void test_utf8(void)
{
	g_autofree char *controls = hc_text_utf8("a\n\033\\b", -1), *invalid = hc_text_utf8("x\377y", -1),
			*nul = hc_text_utf8("x\0y", 3);

	UNIT_ASSERT_TEXT(controls, "a\n\033\\b"); /* JSON escapes these itself */
	UNIT_ASSERT_TEXT(invalid, "x\\xffy");
	UNIT_ASSERT_TEXT(nul, "x\\x00y");
}

/* As GLib has it of ASCII, for all patterns and texts of so few letters; and of bytes that are no UTF-8, on which GLib aborts. */
static void test_matches(void)
{
	static const char pattern_letters[] = "ab*?", text_letters[] = "ab";
	unsigned wrong = 0;

	for (unsigned p = 0; p < 1024; p++) {
		for (unsigned t = 0; t < 256; t++) {
			char pattern[6] = "", text[9] = "";

			for (unsigned i = 0; i < p % 6; i++)
				pattern[i] = pattern_letters[p >> 2 * i & 3];
			for (unsigned i = 0; i < t % 9; i++)
				text[i] = text_letters[t >> i & 1];
			wrong += hc_text_matches(pattern, text) != g_pattern_match_simple(pattern, text);
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_TRUE(hc_text_matches("*_map", "\xff\xf0_map"));
	CU_ASSERT_FALSE(hc_text_matches("*_map", "my_map\xf0"));
	CU_ASSERT_TRUE(hc_text_matches("a?c*", "a\u00e9cd"));
	CU_ASSERT_FALSE(hc_text_matches("a??c", "a\u00e9c"));
}

static void test_sizes(void)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {
		{ 0, "0 B" },
		{ 1, "1 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ 10240, "10.0 KiB" },
		{ 1048524, "1023.9 KiB" }, /* 1023.949 KiB */
		{ 1048525, "1.0 MiB" },	   /* 1023.9502 KiB would round to 1024.0 */
		{ 1048575, "1.0 MiB" },
		{ 1048576, "1.0 MiB" },
		{ UINT64_C(90911539), "86.7 MiB" },
		{ UINT64_C(1) << 30, "1.0 GiB" },
		{ UINT64_C(1) << 40, "1.0 TiB" },
		{ UINT64_C(1) << 50, "1.0 PiB" },
		{ UINT64_C(1) << 60, "1.0 EiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	char buffer[HC_TEXT_SIZE_LENGTH];

	for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++)
		UNIT_ASSERT_TEXT(hc_text_size(buffer, sizes[i].bytes), sizes[i].text);
}

static void test_growth(void)
{
	char buffer[HC_TEXT_GROWTH_LENGTH];

	UNIT_ASSERT_TEXT(hc_text_growth(buffer, 0), "0 B");
	UNIT_ASSERT_TEXT(hc_text_growth(buffer, 2048), "+2.0 KiB");
	UNIT_ASSERT_TEXT(hc_text_growth(buffer, -300), "-300 B");
	UNIT_ASSERT_TEXT(hc_text_growth(buffer, INT64_MIN), "-8.0 EiB");
}

static void test_counts(void)
{
	char buffer[HC_TEXT_COUNT_LENGTH];

	UNIT_ASSERT_TEXT(hc_text_count(buffer, 0), "0");
	UNIT_ASSERT_TEXT(hc_text_count(buffer, 999), "999");
	UNIT_ASSERT_TEXT(hc_text_count(buffer, 1000), "1,000");
	UNIT_ASSERT_TEXT(hc_text_count(buffer, 25573), "25,573");
	UNIT_ASSERT_TEXT(hc_text_count(buffer, 100000), "100,000");
	UNIT_ASSERT_TEXT(hc_text_count(buffer, 1234567), "1,234,567");
	UNIT_ASSERT_TEXT(hc_text_count(buffer, UINT64_MAX), "18,446,744,073,709,551,615");
}

static void test_units(void)
{
	static const struct {
		uint64_t count;
		const char *unit, *text;
	} units[] = {
		{ 0, "blocks", "0 blocks" },
		{ 1, "blocks", "1 block" },
		{ 1, "cached blocks", "1 cached block" },
		{ 1, "", "1 " },
		{ 25573, "runs", "25,573 runs" },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(units); i++) {
		g_autofree char *text = hc_unit_text(units[i].count, units[i].unit);

		UNIT_ASSERT_TEXT(text, units[i].text);
	}
}

static void test_zero_bytes(void)
{
	g_autofree uint8_t *bytes = g_malloc0(300);

	CU_ASSERT_TRUE(hc_bytes_are_zero(bytes, 0));
	for (unsigned size = 1; size < 200; size++) {
		bytes[size + 1] = 1; /* the byte behind does not matter */
		CU_ASSERT_TRUE(hc_bytes_are_zero(bytes + 1, size));
		bytes[size + 1] = 0;
		bytes[size] = 0x80; /* the last one does */
		CU_ASSERT_FALSE(hc_bytes_are_zero(bytes + 1, size));
		bytes[size] = 0;
		bytes[1] = 1; /* and the first */
		CU_ASSERT_FALSE(hc_bytes_are_zero(bytes + 1, size));
		bytes[1] = 0;
	}
}

static const hc_diagnostic_kind note = { "a-note", HC_SEVERITY_NOTE, "things" };
static const hc_diagnostic_kind partial = { "a-part", HC_SEVERITY_PARTIAL, "other things" };
static const hc_diagnostic_kind of_heap = { "a-part-of-the-heap", HC_SEVERITY_HEAP_PARTIAL, "blocks" };

static void test_diagnostics(void)
{
	g_autoptr(hc_diagnostics) diagnostics = hc_diagnostics_create();

	CU_ASSERT_EQUAL(hc_diagnostics_count(diagnostics), 0);
	CU_ASSERT_PTR_NULL(hc_diagnostics_get(diagnostics, 0));
	CU_ASSERT_FALSE(hc_diagnostics_partial(diagnostics));
	hc_diagnostics_add(diagnostics, &note, 5, "first %d", 1);
	hc_diagnostics_add(diagnostics, &note, 7, "second %d", 2);
	CU_ASSERT_FALSE(hc_diagnostics_partial(diagnostics));
	hc_diagnostics_add(diagnostics, &partial, 0, NULL);
	CU_ASSERT_TRUE(hc_diagnostics_partial(diagnostics));
	hc_diagnostics_add(diagnostics, &note, 1, NULL);
	if (hc_diagnostics_count(diagnostics) != 2) {
		CU_FAIL("two kinds were told");
		return;
	}
	CU_ASSERT_PTR_EQUAL(hc_diagnostics_get(diagnostics, 0)->kind, &note);
	CU_ASSERT_EQUAL(hc_diagnostics_get(diagnostics, 0)->count, 3);
	CU_ASSERT_EQUAL(hc_diagnostics_get(diagnostics, 0)->bytes, 13);
	UNIT_ASSERT_TEXT(hc_diagnostics_get(diagnostics, 0)->example, "first 1");
	CU_ASSERT_PTR_EQUAL(hc_diagnostics_get(diagnostics, 1)->kind, &partial);
	CU_ASSERT_EQUAL(hc_diagnostics_get(diagnostics, 1)->count, 1);
	CU_ASSERT_PTR_NULL(hc_diagnostics_get(diagnostics, 1)->example);
	CU_ASSERT_PTR_NULL(hc_diagnostics_get(diagnostics, 2));
	CU_ASSERT_FALSE(hc_diagnostics_heap_partial(diagnostics));
	hc_diagnostics_add(diagnostics, &of_heap, 0, NULL);
	CU_ASSERT_TRUE(hc_diagnostics_partial(diagnostics) && hc_diagnostics_heap_partial(diagnostics));
	hc_diagnostics_destroy(NULL);
}

enum {
	EVENTS = 10000
};

static void add_many(void *data, unsigned worker)
{
	for (unsigned i = 0; i < EVENTS; i++)
		hc_diagnostics_add(data, i % 2 ? &note : &partial, 2, "worker %u", worker);
}

static void test_diagnostics_threads(void)
{
	g_autoptr(hc_diagnostics) diagnostics = hc_diagnostics_create();

	hc_parallel_run(4, add_many, diagnostics);
	CU_ASSERT_EQUAL(hc_diagnostics_count(diagnostics), 2);
	for (unsigned i = 0; i < hc_diagnostics_count(diagnostics); i++) {
		CU_ASSERT_EQUAL(hc_diagnostics_get(diagnostics, i)->count, 4 * EVENTS / 2);
		CU_ASSERT_EQUAL(hc_diagnostics_get(diagnostics, i)->bytes, 4 * EVENTS);
		UNIT_ASSERT_CONTAINS(hc_diagnostics_get(diagnostics, i)->example, "worker ");
	}
}

static void note_worker(void *data, unsigned worker)
{
	int *calls = data;

	g_atomic_int_inc(&calls[worker]);
}

static void test_parallel(void)
{
	int calls[66] = { 0 };

	hc_parallel_run(0, note_worker, calls); /* at least one */
	CU_ASSERT_EQUAL(calls[0], 1);
	hc_parallel_run(3, note_worker, calls);
	CU_ASSERT_EQUAL(calls[0], 2);
	CU_ASSERT_EQUAL(calls[1], 1);
	CU_ASSERT_EQUAL(calls[2], 1);
	CU_ASSERT_EQUAL(calls[3], 0);
	hc_parallel_run(1000, note_worker, calls); /* at most 64 */
	CU_ASSERT_EQUAL(calls[63], 1);
	CU_ASSERT_EQUAL(calls[64], 0);
	CU_ASSERT_EQUAL(hc_parallel_workers(7), 7);
	CU_ASSERT_EQUAL(hc_parallel_workers(1000), 64);
	CU_ASSERT_TRUE(hc_parallel_workers(0) >= 1 && hc_parallel_workers(0) <= 64);
}

static void test_error_domain(void)
{
	g_autoptr(GError) error = NULL;

	g_set_error(&error, HC_ERROR, HC_ERROR_TRUNCATED, "short");
	CU_ASSERT_TRUE(g_error_matches(error, HC_ERROR, HC_ERROR_TRUNCATED));
	UNIT_ASSERT_TEXT(g_quark_to_string(HC_ERROR), "heapcore-error-quark");
}

/* ---- memory.h: a folder like /proc, made here ---- */

static void write_proc(const char *folder, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(folder, name, NULL), *parent = g_path_get_dirname(path);

	CU_ASSERT_EQUAL(g_mkdir_with_parents(parent, 0700), 0);
	CU_ASSERT_TRUE(g_file_set_contents(path, text, -1, NULL));
}

static void remove_proc(const char *folder)
{
	static const char *const names[] = { "meminfo", "self/cgroup", "self/mountinfo", "self/limits", "self/status",
		"self", "group/a/memory.max", "group/a/memory.current", "group/a/memory.stat", "group/a",
		"group/memory.max", "group/memory.current", "group", "old/a/memory.limit_in_bytes",
		"old/a/memory.usage_in_bytes", "old/a/memory.stat", "old/a", "old", "" };

	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(folder, names[i], NULL);

		remove(path);
	}
}

static void test_memory(void)
{
	g_autofree char *folder = g_dir_make_tmp("heapcore-memory-XXXXXX", NULL);
	g_autofree char *mounts = g_strdup_printf("30 1 0:26 / %s/group rw - cgroup2 cgroup2 rw\n"
						  "31 1 0:27 /box %s/old rw - cgroup cgroup rw,memory\n",
		folder, folder);

	CU_ASSERT_EQUAL(hc_memory_available(folder, "self"), UINT64_MAX);
	write_proc(folder, "meminfo", "MemTotal:  9000 kB\nMemFree:  10 kB\nMemAvailable:    8000 kB\n");
	CU_ASSERT_EQUAL(hc_memory_available(folder, "self"), 8000 * 1024);
	/* The limit of addresses, less what is taken: as /proc writes both. */
	write_proc(folder, "self/status", "Name:\theapcore\nVmPeak:\t    4000 kB\nVmSize:\t    1000 kB\n");
	CU_ASSERT_EQUAL(hc_memory_available(folder, "self"), 8000 * 1024);
	write_proc(
		folder, "self/limits", "Max address space         3072000              9216000              bytes\n");
	CU_ASSERT_EQUAL(hc_memory_available(folder, "self"), 2000 * 1024);
	write_proc(
		folder, "self/limits", "Max address space         1000                 unlimited            bytes\n");
	CU_ASSERT_EQUAL(hc_memory_available(folder, "self"), 0);
	write_proc(folder, "self/limits",
		"Max cpu time              unlimited            unlimited            seconds\n"
		"Max address space         unlimited            unlimited            bytes\n");
	CU_ASSERT_EQUAL(hc_memory_available(folder, "self"), 8000 * 1024);
	write_proc(folder, "self/cgroup", "5:cpu:/\n4:memory:/box/a\n0::/a\n");
	write_proc(folder, "self/mountinfo", mounts);
	CU_ASSERT_EQUAL(hc_memory_available(folder, "self"), 8000 * 1024); /* no limits */
	write_proc(folder, "group/a/memory.max", "max\n");
	write_proc(folder, "group/a/memory.current", "700\n");
	CU_ASSERT_EQUAL(hc_memory_available(folder, "self"), 8000 * 1024);
	write_proc(folder, "group/a/memory.max", "5000\n");
	CU_ASSERT_EQUAL(hc_memory_available(folder, "self"), 4300);
	write_proc(folder, "group/a/memory.stat", "anon 100\nfile 600\ninactive_file 400\nactive_file 150\n");
	CU_ASSERT_EQUAL(hc_memory_available(folder, "self"), 4850);
	/* The group that it is in has less. */
	write_proc(folder, "group/memory.max", "3000\n");
	write_proc(folder, "group/memory.current", "1000\n");
	CU_ASSERT_EQUAL(hc_memory_available(folder, "self"), 2000);
	/* Version 1; what is told of the groups below is in it. */
	write_proc(folder, "old/a/memory.limit_in_bytes", "2500\n");
	write_proc(folder, "old/a/memory.usage_in_bytes", "2000\n");
	write_proc(folder, "old/a/memory.stat",
		"inactive_file 1\nactive_file 2\ntotal_inactive_file 300\ntotal_active_file 200\n");
	CU_ASSERT_EQUAL(hc_memory_available(folder, "self"), 1000);
	write_proc(folder, "old/a/memory.usage_in_bytes", "9000\n"); /* more than there may be */
	CU_ASSERT_EQUAL(hc_memory_available(folder, "self"), 0);
	remove_proc(folder);
}

/* ---- file.h ---- */

static void check_file_refused(const char *path, size_t limit, const char *part)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *contents = hc_file_read(path, limit, NULL, &error);

	CU_ASSERT_PTR_NULL(contents);
	UNIT_ASSERT_CONTAINS(error ? error->message : "", part);
}

/* A pipe that nobody writes to must not be waited for. */
static void test_files(void)
{
	g_autofree char *folder = g_dir_make_tmp("heapcore-base-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "file", NULL), *pipe = g_build_filename(folder, "pipe", NULL);
	g_autofree char *text = g_strnfill(100000, 'x'), *contents = NULL, *proc = NULL;
	size_t length = 0;

	CU_ASSERT_TRUE(g_file_set_contents(path, text, 100000, NULL));
	CU_ASSERT_EQUAL(mkfifo(pipe, 0600), 0);
	contents = hc_file_read(path, 100000, &length, NULL);
	CU_ASSERT_EQUAL(length, 100000);
	CU_ASSERT_EQUAL(g_strcmp0(contents, text), 0);
	proc = hc_file_read("/proc/self/status", 1 << 20, NULL, NULL);
	UNIT_ASSERT_CONTAINS(proc ? proc : "", "VmRSS:");
	check_file_refused(path, 99999, "more than 99999 bytes");
	check_file_refused(pipe, 100, "not a regular file");
	check_file_refused(folder, 100, "directory");
	unlink(path);
	check_file_refused(path, 100, "No such file");
	unlink(pipe);
	rmdir(folder);
}

static void check_below(const char *root, const char *path, const char *expected)
{
	g_autofree char *found = hc_file_below(root, path), *whole = g_strconcat(root, expected, NULL);

	UNIT_ASSERT_TEXT(found, whole);
}

/* As chroot() would have it. */
static void test_file_below(void)
{
	static const struct {
		const char *name, *target;
	} links[] = { { "absolute", "/real/file" }, { "up", "../../../../real" }, { "relative", "real/./deep/../file" },
		{ "real/back", "../absolute" }, { "circle", "ring" }, { "ring", "/circle" }, { "gone", "/not/here" } };
	g_autofree char *root = g_dir_make_tmp("heapcore-base-XXXXXX", NULL);
	g_autofree char *real = g_build_filename(root, "real", NULL), *deep = g_build_filename(real, "deep", NULL);

	g_assert(!g_mkdir_with_parents(deep, 0700));
	for (unsigned i = 0; i < G_N_ELEMENTS(links); i++) {
		g_autofree char *path = g_build_filename(root, links[i].name, NULL);

		g_assert(!symlink(links[i].target, path));
	}
	check_below(root, "/absolute", "/real/file");
	check_below(root, "/up/file", "/real/file");
	check_below(root, "/relative", "/real/file");
	check_below(root, "/up/back", "/real/file");
	check_below(root, "/real/deep/../../absolute", "/real/file");
	check_below(root, "/../..//real/./none", "/real/none");
	check_below(root, "/gone/x", "/not/here/x");
	check_below(root, "/circle/x", "/circle/x");
	check_below("", "/proc/self/../x", "/proc/self/../x");
	for (unsigned i = 0; i < G_N_ELEMENTS(links); i++) {
		g_autofree char *path = g_build_filename(root, links[i].name, NULL);

		g_assert(!unlink(path));
	}
	g_assert(!rmdir(deep) && !rmdir(real) && !rmdir(root));
}

int main(void)
{
	static const unit_case cases[] = {
		{ "words in both byte orders", test_words },
		{ "alignment saturates", test_alignment },
		{ "text from the dump is safe on a terminal", test_escape },
		{ "bytes that are not UTF-8", test_escape_invalid },
		{ "text for JSON", test_utf8 },
		{ "matches", test_matches },
		{ "sizes for people", test_sizes },
		{ "growth for people", test_growth },
		{ "counts for people", test_counts },
		{ "counts with a unit", test_units },
		{ "zero bytes", test_zero_bytes },
		{ "diagnostics are counted, the first example is kept", test_diagnostics },
		{ "diagnostics from several threads", test_diagnostics_threads },
		{ "every worker runs once", test_parallel },
		{ "memory that is available", test_memory },
		{ "the error domain", test_error_domain },
		{ "files", test_files },
		{ "files below another root", test_file_below },
	};

	return unit_main("base", cases, G_N_ELEMENTS(cases));
}
