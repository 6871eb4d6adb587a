/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reports over an analysis made of plain tables (fake_analysis.h): text for people, JSON with those tables' figures. */
#include "fake_analysis.h"
#include "unit.h"

#include <jansson.h>
#include <string.h>

static bool append(const char *text, size_t length, void *data)
{
	g_string_append_len(data, text, length);
	return true;
}

typedef bool (*report_function)(const hc_analysis *analysis, const hc_report_options *options, GError **error);

static char *report(report_function write_report, const hc_analysis *analysis, hc_report_format format, unsigned width)
{
	GString *text = g_string_new(NULL);
	hc_report_options options = { .format = format, .width = width, .write = append, .write_data = text };

	CU_ASSERT_TRUE(write_report(analysis, &options, NULL));
	return g_string_free(text, FALSE);
}

/* NULL, and a failed assert, if it is no JSON or not what every report begins with. */
static json_t *parse(const char *text, const char *command)
{
	json_error_t error;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	CU_ASSERT_PTR_NOT_NULL(json);
	if (!json)
		return NULL;
	UNIT_ASSERT_TEXT(json_string_value(json_object_get(json, "command")), command);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(json, "schema")), HC_REPORT_SCHEMA);
	UNIT_ASSERT_TEXT(json_string_value(json_object_get(json, "heapcore")), hc_version());
	return json;
}

/* The number at "a.b.c"; -1 if there is none. Parts that are numbers are indices. */
static json_int_t number_at(const json_t *json, const char *path)
{
	g_auto(GStrv) keys = g_strsplit(path, ".", -1);

	for (char **key = keys; *key; key++)
		json = json_is_array(json) ? json_array_get(json, atoi(*key)) : json_object_get(json, *key);
	return json_is_integer(json) ? json_integer_value(json) : -1;
}

static void test_first_screen(void)
{
	hc_analysis *fake = fake_create();
	g_autofree char *text = report(hc_report_analysis, fake, HC_REPORT_TEXT, 100);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	static const char *const parts[] = {
		"logic_worker, pid 8901, 2 threads, written by gcore",
		"glibc 2.36, malloc layout from debug info",
		"files: 1 of 2 build-ids agree; debug info for 1 (missing: libc.so.6)",
		"another build here, not used: libc.so.6",
		"in use by the program",
		"  of which lost: nothing points to it     140 B   0.0%  2 blocks  -> 1\n",
		"  of the free, in whole pages           4.0 KiB   0.4%  0 B zero; trimming gives 4.0 KiB\n",
		"mapped address space",
		"8902; INCONSISTENT",
		"1  lost  140 B  2 blocks that nothing points to",
		"heapcore chunks core.8901 --lost",
		"not read: 4.0 KiB of memory are missing",
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++)
		UNIT_ASSERT_CONTAINS(text, parts[i]);
	CU_ASSERT_TRUE(g_strv_length(lines) <= 50);
	CU_ASSERT_PTR_NULL(strchr(text, '\033'));
	for (char **line = lines; *line; line++)
		CU_ASSERT_TRUE(strlen(*line) <= 100);
	/* the order: table, arenas, findings */
	CU_ASSERT_TRUE(strstr(text, "WHERE THE MEMORY IS") < strstr(text, "ARENA"));
	CU_ASSERT_TRUE(strstr(text, "ARENA") < strstr(text, "FINDINGS"));
	fake_destroy(fake);
}

static void test_analysis_json(void)
{
	hc_analysis *fake = fake_create();
	g_autofree char *text = report(hc_report_analysis, fake, HC_REPORT_JSON, 0);
	json_t *json = parse(text, "analyze");
	static const struct {
		const char *path;
		json_int_t value;
	} figures[] = {
		{ "process.pid", 8901 },
		{ "files.total", 2 },
		{ "files.differ", 1 },
		{ "allocator.mmapped_bytes", 1 << 20 },
		{ "memory.total", 1123364 },
		{ "memory.parts.0.bytes", 140 },
		{ "in_use.program.blocks", 4 },
		{ "in_use.runtime.bytes", 648 },
		{ "in_use.mmapped.blocks", 1 },
		{ "references.directly_lost.blocks", 1 },
		{ "references.indirectly_lost.bytes", 100 },
		{ "free.large.bytes", 2048 },
		{ "free.bytes", 48 + 2048 + 5008 },
		{ "arenas.0.in_use.blocks", 3 },
		{ "arenas.0.free.top.bytes", 5008 },
		{ "arenas.0.free.bytes", 48 + 2048 + 5008 },
		{ "arenas.1.threads.0", 8902 },
		{ "findings.0.bytes", 140 },
		{ "diagnostics.0.count", 1 },
	};
	json_int_t sum = 0;
	json_t *row;
	size_t i;

	if (!json)
		return;
	for (i = 0; i < G_N_ELEMENTS(figures); i++) {
		if (number_at(json, figures[i].path) != figures[i].value)
			printf("\n%s is %lld\n", figures[i].path, (long long)number_at(json, figures[i].path));
		CU_ASSERT_EQUAL(number_at(json, figures[i].path), figures[i].value);
	}
	json_array_foreach(json_object_get(json_object_get(json, "memory"), "rows"), i, row)
		sum += number_at(row, "bytes");
	CU_ASSERT_EQUAL(sum, number_at(json, "memory.total"));
	UNIT_ASSERT_TEXT(json_string_value(json_object_get(json, "status")), "partial");
	json_decref(json);
	fake_destroy(fake);
}

/* Many arenas: the ten largest, and how to see the rest. */
static void test_many_arenas(void)
{
	hc_analysis *fake = fake_create();
	g_autofree char *text = NULL;

	for (unsigned i = 1; i < 30; i++) {
		fake->blocks.arenas[i] = fake->blocks.arenas[1];
		fake->blocks.arenas[i].index = i;
		fake->blocks.arenas[i].system_memory = 4096 * i;
	}
	fake->blocks.arena_count = 30;
	text = report(hc_report_analysis, fake, HC_REPORT_TEXT, 100);
	UNIT_ASSERT_CONTAINS(text, "20 smaller ones more: heapcore arenas core.8901");
	UNIT_ASSERT_CONTAINS(text, "\n29     116.0 KiB");
	CU_ASSERT_PTR_NULL(strstr(text, "\n5 "));
	fake_destroy(fake);
}

/* Names from the dump are escaped in text and valid in JSON. */
static void test_hostile_names(void)
{
	static const report_function functions[] = { hc_report_analysis, hc_report_arenas, hc_report_mappings,
		hc_report_threads };
	hc_analysis *fake = fake_create();
	const char *hostile = "ev\x1b[31mil\xff\n\xe2\x80\xae\"\\";

	fake->core.process.name = hostile;
	fake->core.process.arguments = hostile;
	fake->core.process.executable = hostile;
	fake->core.mappings[0].path = hostile;
	fake->modules.list[1].path = hostile;
	fake->modules.list[1].name = hostile;
	fake->blocks.list[0].label = hostile;
	fake->core.path = hostile;
	for (unsigned i = 0; i < G_N_ELEMENTS(functions); i++) {
		g_autofree char *text = report(functions[i], fake, HC_REPORT_TEXT, 100);
		g_autofree char *json_text = report(functions[i], fake, HC_REPORT_JSON, 100);
		json_t *json = json_loads(json_text, 0, NULL);

		CU_ASSERT_PTR_NULL(strchr(text, '\033'));
		CU_ASSERT_PTR_NULL(strstr(text, "\xe2\x80\xae"));
		CU_ASSERT_TRUE(g_utf8_validate(text, -1, NULL));
		CU_ASSERT_PTR_NOT_NULL(json);
		json_decref(json);
	}
	fake_destroy(fake);
}

static char *list_chunks(const hc_analysis *analysis, const hc_chunks_filter *filter, hc_report_format format)
{
	GString *text = g_string_new(NULL);
	hc_report_options options = { .format = format, .write = append, .write_data = text };

	CU_ASSERT_TRUE(hc_report_chunks(analysis, filter, &options, NULL));
	return g_string_free(text, FALSE);
}

/* The addresses of the lines of FILTER's list, as "102a0 102c0". */
static char *listed(const hc_analysis *analysis, const hc_chunks_filter *filter)
{
	g_autofree char *text = list_chunks(analysis, filter, HC_REPORT_JSON);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	GString *addresses = g_string_new(NULL);

	for (char **line = lines; *line && **line; line++) {
		json_t *json = json_loads(*line, JSON_REJECT_DUPLICATES, NULL);
		const char *address = json_string_value(json_object_get(json, "address"));

		CU_ASSERT_EQUAL(json_object_size(json), 5);
		g_string_append_printf(addresses, "%s%s", addresses->len ? " " : "", address ? address + 2 : "?");
		json_decref(json);
	}
	return g_string_free(addresses, FALSE);
}

static void test_chunks_json(void)
{
	hc_analysis *fake = fake_create();
	hc_chunks_filter filter = HC_CHUNKS_FILTER_INIT;
	g_autofree char *text = NULL;

	fake->blocks.list[0].label = "libc: \"x\"\x01\xff";
	fake->blocks.list[8].address = UINT64_MAX;
	fake->blocks.list[8].size = UINT64_MAX;
	filter.states = 1u << HC_BLOCK_IN_USE;
	text = list_chunks(fake, &filter, HC_REPORT_JSON);
	UNIT_ASSERT_TEXT(text,
		"{\"address\":\"0x10010\",\"size\":648,\"state\":\"in use\",\"arena\":0,"
		"\"label\":\"libc: \\\"x\\\"\\u0001\\\\xff\"}\n"
		"{\"address\":\"0x102a0\",\"size\":24,\"state\":\"in use\",\"arena\":0,\"label\":null}\n"
		"{\"address\":\"0x102f0\",\"size\":40,\"state\":\"in use\",\"arena\":0,\"label\":null}\n"
		"{\"address\":\"0x20010\",\"size\":100,\"state\":\"in use\",\"arena\":1,\"label\":null}\n"
		"{\"address\":\"0xffffffffffffffff\",\"size\":18446744073709551615,\"state\":\"in use\","
		"\"arena\":null,\"label\":null}\n");
	fake_destroy(fake);
}

static void test_chunks_filters(void)
{
	const struct {
		hc_chunks_filter filter;
		const char *expected;
	} examples[] = {
		{ { .arena = HC_ARENA_ALL, .maximum = UINT64_MAX }, "10010 102a0 102c0 102f0 10320 10b20 20010 30010" },
		{ { .arena = HC_ARENA_ALL, .maximum = UINT64_MAX, .states = 1u << HC_BLOCK_FENCEPOST }, "11ee0" },
		{ { .arena = HC_ARENA_ALL, .maximum = UINT64_MAX, .labelled = true }, "10010" },
		{ { .arena = HC_ARENA_ALL, .maximum = UINT64_MAX, .lost = true }, "102f0 20010" },
		{ { .arena = HC_ARENA_NONE, .maximum = UINT64_MAX }, "30010" },
		{ { .arena = 1, .maximum = UINT64_MAX }, "20010" },
		{ { .arena = HC_ARENA_ALL, .minimum = 40, .maximum = 100 }, "102c0 102f0 20010" },
		{ { .arena = HC_ARENA_ALL, .maximum = UINT64_MAX, .limit = 2 }, "10010 102a0" },
		{ { .arena = HC_ARENA_ALL, .maximum = UINT64_MAX, .order = HC_CHUNKS_BY_SIZE, .limit = 3 },
			"30010 10b20 10320" },
		{ { .arena = HC_ARENA_ALL, .maximum = 100, .order = HC_CHUNKS_BY_SIZE }, "20010 102c0 102f0 102a0" },
	};
	hc_analysis *fake = fake_create();

	for (unsigned i = 0; i < G_N_ELEMENTS(examples); i++) {
		g_autofree char *addresses = listed(fake, &examples[i].filter);

		UNIT_ASSERT_TEXT(addresses, examples[i].expected);
	}
	fake_destroy(fake);
}

/* Many more blocks than are kept at a time: the largest are found among all of them, in order. */
static void test_chunks_by_size(void)
{
	hc_analysis *fake = fake_create();
	hc_chunks_filter filter = HC_CHUNKS_FILTER_INIT;
	GString *expected = g_string_new(NULL);
	g_autofree char *addresses = NULL;
	enum {
		COUNT = 50000,
		SHOWN = 50
	};

	g_free(fake->blocks.list);
	fake->blocks.list = g_new0(hc_block, COUNT);
	fake->blocks.count = COUNT;
	for (unsigned i = 0; i < COUNT; i++) /* 7919 is prime: every size occurs once */
		fake->blocks.list[i] =
			(hc_block){ .number = i, .address = 0x1000 + 16 * i, .size = (uint64_t)i * 7919 % COUNT };
	for (unsigned size = COUNT; size-- > COUNT - SHOWN;) {
		for (unsigned i = 0; i < COUNT; i++) {
			if (fake->blocks.list[i].size == size)
				g_string_append_printf(expected, "%s%x", expected->len ? " " : "", 0x1000 + 16 * i);
		}
	}
	filter.order = HC_CHUNKS_BY_SIZE;
	filter.limit = SHOWN;
	addresses = listed(fake, &filter);
	UNIT_ASSERT_TEXT(addresses, expected->str);
	g_string_free(expected, TRUE);
	fake_destroy(fake);
}

static void test_chunks_text(void)
{
	hc_analysis *fake = fake_create();
	hc_chunks_filter filter = HC_CHUNKS_FILTER_INIT;
	g_autofree char *text = NULL;
	static uint8_t const bytes[0x2000] = { [0x2f0] = 'L', 'O', 'G', '/', '1', '\n', [0x2a2] = 0x40 };

	fake->core.mappings[0].bytes = bytes;
	filter.limit = 4;
	text = list_chunks(fake, &filter, HC_REPORT_TEXT);
	UNIT_ASSERT_CONTAINS(text, "libc: tcache of thread 8901");
	UNIT_ASSERT_CONTAINS(text, "main     -> logic_worker+0x0\n");
	UNIT_ASSERT_CONTAINS(text, "\"LOG/1\\n\"\n");
	UNIT_ASSERT_CONTAINS(text, "tcache      main\n");
	UNIT_ASSERT_CONTAINS(text, "8 blocks, 1.0 MiB; the first 4 shown (--limit 0 for all)");
	fake_destroy(fake);
}

static void test_block(void)
{
	hc_analysis *fake = fake_create();
	GString *text = g_string_new(NULL);
	hc_report_options options = { .write = append, .write_data = text };
	g_autoptr(GError) error = NULL;
	json_t *json;

	CU_ASSERT_TRUE(hc_report_block(fake, 0x102f4, &options, NULL));
	UNIT_ASSERT_CONTAINS(text->str, "0x102f4 is 4 bytes into a block in use\n");
	UNIT_ASSERT_CONTAINS(text->str, "allocation site: not in a core");
	UNIT_ASSERT_CONTAINS(text->str, "directly lost");
	UNIT_ASSERT_CONTAINS(text->str, "0x102a8  to +4  block 0x102a0+8");
	UNIT_ASSERT_CONTAINS(text->str, "g_sessions[]");
	UNIT_ASSERT_CONTAINS(text->str, ", deduced");
	CU_ASSERT_PTR_NULL(strchr(text->str, '\033'));
	g_string_truncate(text, 0);
	options.format = HC_REPORT_JSON;
	CU_ASSERT_TRUE(hc_report_block(fake, 0x102f4, &options, NULL));
	json = parse(text->str, "block");
	CU_ASSERT_EQUAL(number_at(json, "block.offset"), 4);
	CU_ASSERT_EQUAL(number_at(json, "references.total"), 1);
	UNIT_ASSERT_TEXT(json_string_value(json_object_get(json_object_get(json, "type"), "certainty")), "deduced");
	json_decref(json);
	g_string_truncate(text, 0);
	CU_ASSERT_TRUE(hc_report_block(fake, 0x400010, &options, NULL)); /* in no block */
	json = parse(text->str, "block");
	CU_ASSERT_TRUE(json_is_null(json_object_get(json, "block")));
	UNIT_ASSERT_TEXT(json_string_value(json_object_get(json, "symbol")), "logic_worker+0x10");
	json_decref(json);
	CU_ASSERT_FALSE(hc_report_block(fake, 0x10, &options, &error));
	CU_ASSERT_TRUE(g_error_matches(error, HC_ERROR, HC_ERROR_NOT_MAPPED));
	g_string_free(text, TRUE);
	fake_destroy(fake);
}

static void test_roots(void)
{
	hc_analysis *fake = fake_create();
	GString *text = g_string_new(NULL);
	hc_report_options options = { .write = append, .write_data = text };
	json_t *json;

	CU_ASSERT_TRUE(hc_report_roots(fake, &options, NULL));
	UNIT_ASSERT_CONTAINS(text->str, "NOT SEARCHED 4.0 KiB\n");
	UNIT_ASSERT_CONTAINS(text->str, "registers");
	UNIT_ASSERT_CONTAINS(text->str, "1,000 words were looked at");
	g_string_truncate(text, 0);
	options.format = HC_REPORT_JSON;
	CU_ASSERT_TRUE(hc_report_roots(fake, &options, NULL));
	json = parse(text->str, "roots");
	CU_ASSERT_EQUAL(number_at(json, "totals.used_bytes"), 4096);
	CU_ASSERT_EQUAL(number_at(json, "totals.unused_bytes"), 4096);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "roots")), 3);
	json_decref(json);
	g_string_free(text, TRUE);
	fake_destroy(fake);
}

/* A long path: its ends are shown, and how many blocks are between. */
static void test_path(void)
{
	hc_analysis *fake = fake_create();
	GString *text = g_string_new(NULL);
	hc_report_options options = { .write = append, .write_data = text };
	g_autoptr(GError) error = NULL;
	json_t *json, *path;

	CU_ASSERT_TRUE(hc_report_path(fake, 0x102f4, 1, &options, NULL));
	UNIT_ASSERT_CONTAINS(text->str, "No path leads to it.\n");
	g_string_truncate(text, 0);
	fake->references.path_length = 1000;
	CU_ASSERT_TRUE(hc_report_path(fake, 0x102f4, 1, &options, NULL));
	UNIT_ASSERT_CONTAINS(text->str, "PATH 1: 1,000 blocks\n");
	UNIT_ASSERT_CONTAINS(text->str, "rbx of thread 8901");
	UNIT_ASSERT_CONTAINS(text->str, "  +8 ");
	UNIT_ASSERT_CONTAINS(text->str, "... 980 blocks more");
	g_string_truncate(text, 0);
	options.format = HC_REPORT_JSON;
	CU_ASSERT_TRUE(hc_report_path(fake, 0x102f4, 1, &options, NULL));
	json = parse(text->str, "path");
	path = json_array_get(json_object_get(json, "paths"), 0);
	CU_ASSERT_EQUAL(number_at(path, "length"), 1000);
	CU_ASSERT_EQUAL(number_at(path, "omitted"), 800);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(path, "steps")), 200);
	json_decref(json);
	CU_ASSERT_FALSE(hc_report_path(fake, 0x400010, 1, &options, &error)); /* in no block */
	CU_ASSERT_TRUE(g_error_matches(error, HC_ERROR, HC_ERROR_NOT_MAPPED));
	g_string_free(text, TRUE);
	fake_destroy(fake);
}

/* Commands are shown as one types them. */
static void test_commands(void)
{
	hc_analysis *fake = fake_create();
	GString *text = g_string_new(NULL);
	hc_report_options options = {
		.write = append, .write_data = text, .binary = "./my worker", .repeated_options = "--sysroot /mnt"
	};

	CU_ASSERT_TRUE(hc_report_analysis(fake, &options, NULL));
	UNIT_ASSERT_CONTAINS(text->str, "heapcore chunks core.8901 './my worker' --lost --sysroot /mnt\n");
	g_string_free(text, TRUE);
	fake_destroy(fake);
}

static void test_threads_and_mappings(void)
{
	hc_analysis *fake = fake_create();
	g_autofree char *threads = report(hc_report_threads, fake, HC_REPORT_JSON, 0);
	g_autofree char *mappings = report(hc_report_mappings, fake, HC_REPORT_JSON, 0);
	json_t *json = parse(threads, "threads");

	CU_ASSERT_EQUAL(number_at(json, "threads.0.id"), 8901);
	CU_ASSERT_EQUAL(number_at(json, "threads.0.stack_bytes"), 4096);
	CU_ASSERT_EQUAL(number_at(json, "threads.1.arena"), 1);
	json_decref(json);
	json = parse(mappings, "mappings");
	CU_ASSERT_EQUAL(number_at(json, "total"), 0x2000 + 0x1000 + 0x1000);
	CU_ASSERT_EQUAL(number_at(json, "mappings.0.size"), 0x2000);
	CU_ASSERT_EQUAL(number_at(json, "mappings.2.owner.thread"), 8901);
	json_decref(json);
	fake_destroy(fake);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "first screen", test_first_screen },
		{ "analyze as JSON", test_analysis_json },
		{ "many arenas", test_many_arenas },
		{ "hostile names", test_hostile_names },
		{ "chunks as JSON", test_chunks_json },
		{ "filters of chunks", test_chunks_filters },
		{ "the largest of many", test_chunks_by_size },
		{ "chunks as text", test_chunks_text },
		{ "block", test_block },
		{ "roots", test_roots },
		{ "path", test_path },
		{ "commands of findings", test_commands },
		{ "threads and mappings", test_threads_and_mappings },
	};

	return unit_main("reports", cases, G_N_ELEMENTS(cases));
}
