/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reports over the process of report_process.h: text for people, JSON with the figures of what
 * was put there.
 */
#include "report_process.h"
#include "reports/parts.h"
#include "unit.h"

#include <glib/gstdio.h>
#include <inttypes.h>
#include <string.h>

/* In use by the program, outside of mmapped chunks: what report_process.h lists. */
enum {
	IN_USE_MAIN = 24 + 40 + 40 + 24 + 24 + 56 + 3000,
	IN_USE = IN_USE_MAIN + 104 + 1688,
	LOST = 40 + 104,
	/* Chunks, each with a header of 8 bytes, to a multiple of 16. */
	TOP = REPORT_MAIN_SIZE - 656 - 3 * 32 - 3 * 48 - 2048 - 64 - 3008,
	SECOND_TOP = REPORT_HEAP_SIZE - 48,
	STACK_LIVE = 0x2000 + 128, /* of each of both threads, with the red zone */
	MAPPED = 0x100000 - 16,
};

static hc_report_options report_to(GString *text, hc_report_format format)
{
	return (hc_report_options){ .format = format, .width = 100, .write = unit_append, .write_data = text };
}

typedef bool (*report_function)(const hc_analysis *analysis, const hc_report_options *options, GError **error);

static char *report(report_function write_report, const report_process *process, hc_report_format format)
{
	GString *text = g_string_new(NULL);
	hc_report_options options = report_to(text, format);

	CU_ASSERT_TRUE(write_report(process->analysis, &options, NULL));
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
	unit_keep_json(text);
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

typedef struct figure {
	const char *path;
	json_int_t value;
} figure;

static void check_figures(const json_t *json, const figure *figures, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		json_int_t value = number_at(json, figures[i].path);

		if (value != figures[i].value)
			printf("\n%s is %lld, should be %lld\n", figures[i].path, (long long)value,
				(long long)figures[i].value);
		CU_ASSERT_EQUAL(value, figures[i].value);
	}
}

/* All that is mapped, in the core or not. */
static uint64_t mapped_bytes(const report_process *process)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < process->core->segments->len; i++)
		sum += g_array_index(process->core->segments, core_segment, i).size;
	return sum;
}

/* ---- analyze ---- */

static void test_first_screen(void)
{
	g_auto(report_process) process = report_process_create(NULL);
	static const char *const parts[] = {
		"logic_worker, pid 8901, 2 threads, ended by SIGABRT, written by gcore",
		"glibc 2.36, malloc layout from built-in table",
		"files: 1 of 2 build-ids agree; debug info for 1 (missing: libc.so.6)",
		"another build here, not used: libc.so.6",
		"in use by the program",
		"  of which lost: nothing points to it          144 B   0.0%  2 blocks  -> 2\n",
		"  of the free, in whole pages                8.0 KiB   0.7%  4.0 KiB zero; trimming gives 4.0 KiB\n",
		"mapped address space",
		"8902; INCONSISTENT",
		"1  owner  1.0 MiB  libc.so.6+0x3018: 1 block, found by its pointers alone",
		"2  lost     144 B  2 blocks that nothing points to",
		"heapcore leaks /",
		"not read: 4.0 KiB of ",
	};

	if (!report_process_run(&process))
		return;
	g_autofree char *text = report(hc_report_analysis, &process, HC_REPORT_TEXT);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++)
		UNIT_ASSERT_CONTAINS(text, parts[i]);
	CU_ASSERT_TRUE(g_strv_length(lines) <= 50);
	CU_ASSERT_PTR_NULL(strchr(text, '\033'));
	for (char **line = lines; *line; line++)
		CU_ASSERT_TRUE(strlen(*line) <= 100);
	/* the order: table, arenas, findings */
	CU_ASSERT_TRUE(strstr(text, "WHERE THE MEMORY IS") < strstr(text, "ARENA"));
	CU_ASSERT_TRUE(strstr(text, "ARENA") < strstr(text, "FINDINGS"));
}

static void test_analysis_json(void)
{
	g_auto(report_process) process = report_process_create(NULL);
	json_int_t sum = 0;
	json_t *row;
	size_t i;

	if (!report_process_run(&process))
		return;
	const figure figures[] = {
		{ "process.pid", 8901 },
		{ "process.signal_number", 6 },
		{ "files.total", 2 },
		{ "files.agree", 1 },
		{ "files.differ", 1 },
		{ "allocator.mmapped_bytes", 1 << 20 },
		{ "memory.total", (json_int_t)mapped_bytes(&process) },
		{ "memory.parts.0.bytes", LOST },
		{ "in_use.program.blocks", 10 },
		{ "in_use.program.bytes", IN_USE + MAPPED },
		{ "in_use.runtime.bytes", 648 },
		{ "in_use.mmapped.blocks", 1 },
		{ "references.directly_lost.blocks", 1 },
		{ "references.indirectly_lost.bytes", 104 },
		{ "free.large.bytes", 2048 },
		{ "free.bytes", 48 + 2048 + TOP + SECOND_TOP },
		{ "free.trim", 0x2000 },
		{ "free.trim_zero", 0x1000 },
		{ "arenas.0.in_use.blocks", 8 },
		{ "arenas.0.free.top.bytes", TOP },
		{ "arenas.0.free.bytes", 48 + 2048 + TOP },
		{ "arenas.1.threads.0", 8902 },
		{ "findings.0.bytes", MAPPED },
		{ "findings.1.bytes", LOST },
		{ "diagnostics.0.count", 1 },
	};
	g_autofree char *text = report(hc_report_analysis, &process, HC_REPORT_JSON);
	json_t *json = parse(text, "analyze");

	check_figures(json, figures, G_N_ELEMENTS(figures));
	json_array_foreach(json_object_get(json_object_get(json, "memory"), "rows"), i, row)
		sum += number_at(row, "bytes");
	CU_ASSERT_EQUAL(sum, (json_int_t)mapped_bytes(&process));
	UNIT_ASSERT_TEXT(json_string_value(json_object_get(json, "status")), "partial");
	json_decref(json);
}

/* What the first line says of the allocator, for heaps that the process has not. */
static void test_allocator_titles(void)
{
	static const struct {
		hc_heap_info heap;
		const char *title;
	} examples[] = {
		{ { .found = true, .version = "2.36", .layout_from_debug_info = true },
			"glibc 2.36, malloc layout from debug info" },
		{ { .found = true }, "glibc (version unknown), malloc layout from built-in table" },
		{ { .found = true, .version = "2.\033[2J", .foreign = "je\033malloc" },
			"glibc 2.\\x1b[2J, malloc layout from built-in table; beside it je\\x1bmalloc" },
		{ { .foreign = "tcmalloc" }, "heap: tcmalloc (not read)" },
		{ { .state = HC_HEAP_MISSING }, "heap: missing in the core" },
		{ { .state = HC_HEAP_ABSENT }, "no glibc heap found" },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(examples); i++) {
		g_autofree char *title = hc_allocator_title(&examples[i].heap);

		UNIT_ASSERT_TEXT(title, examples[i].title);
	}
}

/* Many arenas: the ten largest, and how to see the rest. */
static void test_many_arenas(void)
{
	g_auto(report_process) process = report_process_create(NULL);

	/*
	 * Each new one is the second in the ring, so the last of them is arena 1. The process has
	 * two.
	 */
	for (unsigned i = 29; i >= 2; i--)
		heap_add_arena(process.heap, 0x7fff00000000 + i * 0x4000000, 4096 * (i - 1));
	if (!report_process_run(&process))
		return;
	g_autofree char *text = report(hc_report_analysis, &process, HC_REPORT_TEXT);
	g_autofree char *rest = g_strdup_printf("20 smaller ones more: heapcore arenas %s", process.core_path);

	UNIT_ASSERT_CONTAINS(text, rest);
	UNIT_ASSERT_CONTAINS(text, "\n28     112.0 KiB");
	CU_ASSERT_PTR_NULL(strstr(text, "\n5 "));
}

/* Commands are shown as one types them. */
static void test_commands(void)
{
	g_auto(report_process) process = report_process_create(NULL);
	g_autoptr(GString) text = g_string_new(NULL);
	hc_report_options options = report_to(text, HC_REPORT_TEXT);

	options.binary = "./my worker";
	options.repeated_options = "--sysroot /mnt";
	if (!report_process_run(&process))
		return;
	g_autofree char *command =
		g_strdup_printf("heapcore leaks %s './my worker' --sysroot /mnt\n", process.core_path);

	options.width = 0;
	CU_ASSERT_TRUE(hc_report_analysis(process.analysis, &options, NULL));
	UNIT_ASSERT_CONTAINS(text->str, command);
}

/* ---- what is hostile ---- */

#define HOSTILE "ev\x1b[31mil\xff\n\xe2\x80\xae\"\\"

static void check_hostile(const report_process *process)
{
	static const report_function functions[] = { hc_report_analysis, hc_report_arenas, hc_report_mappings,
		hc_report_threads };

	for (unsigned i = 0; i < G_N_ELEMENTS(functions); i++) {
		g_autofree char *text = report(functions[i], process, HC_REPORT_TEXT);
		g_autofree char *json_text = report(functions[i], process, HC_REPORT_JSON);
		json_t *json = json_loads(json_text, 0, NULL);

		CU_ASSERT_PTR_NULL(strchr(text, '\033'));
		CU_ASSERT_PTR_NULL(strstr(text, "\xe2\x80\xae"));
		CU_ASSERT_TRUE(g_utf8_validate(text, -1, NULL));
		CU_ASSERT_PTR_NOT_NULL(json);
		unit_keep_json(json_text);
		json_decref(json);
	}
}

/*
 * Names from the dump are escaped in text and valid in JSON: of processes, files that are here and
 * that are not, types, cores.
 */
static void test_hostile_names(void)
{
	static const report_names names = {
		.process = HOSTILE,
		.arguments = HOSTILE,
		.session = HOSTILE,
		.program = "/srv/" HOSTILE,
		.core = HOSTILE,
	};

	for (unsigned here = 0; here < 2; here++) {
		g_auto(report_process) process = report_process_create(&names);
		g_autofree char *file = g_strconcat(process.folder, names.program, NULL);

		if (!here)
			g_unlink(file);
		if (!report_process_run(&process))
			return;
		check_hostile(&process);
		g_autofree char *text = report(hc_report_mappings, &process, HC_REPORT_TEXT);

		UNIT_ASSERT_CONTAINS(text, "/srv/ev\\x1b[31mil");
	}
}

/* ---- chunks ---- */

static char *list_chunks(const report_process *process, const hc_chunks_filter *filter, hc_report_format format)
{
	GString *text = g_string_new(NULL);
	hc_report_options options = report_to(text, format);

	CU_ASSERT_TRUE(hc_report_chunks(process->analysis, filter, &options, NULL));
	return g_string_free(text, FALSE);
}

/* The addresses of the lines of FILTER's list, as "102a0 102c0". */
static char *listed(const report_process *process, const hc_chunks_filter *filter)
{
	g_autofree char *text = list_chunks(process, filter, HC_REPORT_JSON);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	GString *addresses = g_string_new(NULL);

	for (char **line = lines; *line && **line; line++) {
		json_t *json = json_loads(*line, JSON_REJECT_DUPLICATES, NULL);
		const char *address = json_string_value(json_object_get(json, "address"));

		CU_ASSERT_EQUAL(json_object_size(json), 5);
		unit_keep_json(*line);
		g_string_append_printf(addresses, "%s%s", addresses->len ? " " : "", address ? address + 2 : "?");
		json_decref(json);
	}
	return g_string_free(addresses, FALSE);
}

/* With a block at the end of the address space: no digit is lost. */
static void test_chunks_json(void)
{
	g_auto(report_process) process = report_process_create(NULL);
	hc_chunks_filter filter = { .arena = HC_ARENA_NONE, .maximum = UINT64_MAX };
	const hc_address last = 0xffffffffffff0000;

	core_builder_add_memory(process.core, last, 0xf000, PF_R | PF_W);
	heap_mmap(process.heap, last, 0xf000, 0);
	if (!report_process_run(&process))
		return;
	g_autofree char *text = list_chunks(&process, &filter, HC_REPORT_JSON);

	UNIT_ASSERT_TEXT(text,
		"{\"address\":\"0x7fffd0000010\",\"size\":1048560,\"state\":\"in use\",\"arena\":null,\"label\":null}\n"
		"{\"address\":\"0xffffffffffff0010\",\"size\":61424,\"state\":\"in use\",\"arena\":null,\"label\":null}\n");
	filter = (hc_chunks_filter){ .arena = 0, .maximum = UINT64_MAX, .limit = 3 };
	g_autofree char *first_lines = list_chunks(&process, &filter, HC_REPORT_JSON);
	g_autofree char *expected = g_strdup_printf(
		"{\"address\":\"%#" PRIx64 "\",\"size\":648,\"state\":\"in use\",\"arena\":0,"
		"\"label\":\"libc: tcache of thread 8901\"}\n"
		"{\"address\":\"%#" PRIx64 "\",\"size\":24,\"state\":\"in use\",\"arena\":0,\"label\":null}\n"
		"{\"address\":\"%#" PRIx64 "\",\"size\":40,\"state\":\"tcache\",\"arena\":0,\"label\":null}\n",
		process.cache, process.small, process.cached);

	UNIT_ASSERT_TEXT(first_lines, expected);
}

/* "small lost" as addresses. */
static char *addresses_of(const report_process *process, const char *names)
{
	const struct {
		const char *name;
		hc_address address;
	} blocks[] = {
		{ "cache", process->cache },
		{ "small", process->small },
		{ "cached", process->cached },
		{ "lost", process->lost },
		{ "session", process->session },
		{ "large", process->large },
		{ "app", process->app },
		{ "state", process->state },
		{ "array", process->array },
		{ "filler", process->filler },
		{ "top", process->top },
		{ "child", process->child },
		{ "keeper", process->keeper },
		{ "fencepost", process->fencepost },
		{ "second_top", process->second_top },
		{ "mapped", process->mapped },
	};
	g_auto(GStrv) words = g_strsplit(names, " ", -1);
	GString *text = g_string_new(NULL);

	for (char **word = words; *word; word++)
		for (unsigned i = 0; i < G_N_ELEMENTS(blocks); i++)
			if (!strcmp(*word, blocks[i].name))
				g_string_append_printf(text, "%s%" PRIx64, text->len ? " " : "", blocks[i].address);
	return g_string_free(text, FALSE);
}

static void test_chunks_filters(void)
{
	const struct {
		hc_chunks_filter filter;
		const char *expected;
	} examples[] = {
		{ { .arena = HC_ARENA_ALL, .maximum = UINT64_MAX },
			"cache small cached lost session large app state array filler top mapped child keeper second_top" },
		{ { .arena = HC_ARENA_ALL, .maximum = UINT64_MAX, .states = 1u << HC_BLOCK_FENCEPOST }, "fencepost" },
		{ { .arena = HC_ARENA_ALL, .maximum = UINT64_MAX, .labelled = true }, "cache" },
		{ { .arena = HC_ARENA_ALL, .maximum = UINT64_MAX, .lost = true }, "lost child" },
		{ { .arena = HC_ARENA_NONE, .maximum = UINT64_MAX }, "mapped" },
		{ { .arena = 1, .maximum = UINT64_MAX }, "child keeper second_top" },
		{ { .arena = HC_ARENA_ALL, .minimum = 40, .maximum = 104 }, "cached lost session array child" },
		{ { .arena = HC_ARENA_ALL, .maximum = UINT64_MAX, .limit = 2 }, "cache small" },
		{ { .arena = HC_ARENA_ALL, .maximum = UINT64_MAX, .order = HC_CHUNKS_BY_SIZE, .limit = 3 },
			"mapped top second_top" },
		{ { .arena = HC_ARENA_ALL, .maximum = 100, .order = HC_CHUNKS_BY_SIZE },
			"array cached lost session small app state" },
	};
	g_auto(report_process) process = report_process_create(NULL);

	if (!report_process_run(&process))
		return;
	for (unsigned i = 0; i < G_N_ELEMENTS(examples); i++) {
		g_autofree char *actual = listed(&process, &examples[i].filter);
		g_autofree char *expected = addresses_of(&process, examples[i].expected);

		UNIT_ASSERT_TEXT(actual, expected);
	}
}

enum {
	MANY = 50000,
	LARGE = 1000, /* of them, each of a size of its own */
	SHOWN = 50
};

/* Of the block that is the RANK-th by size; the small ones have a few sizes in common. */
static uint64_t size_of_rank(unsigned rank)
{
	return 24 + 16 * (rank < MANY - LARGE ? rank % 8 : 8 + rank - (MANY - LARGE));
}

/* Many more blocks than are kept at a time: the largest are found among all of them, in order. */
static void test_chunks_by_size(void)
{
	g_auto(report_process) process = report_process_create(NULL);
	unsigned arena = heap_add_arena(process.heap, 0x7fff00000000, 0x2000000);
	hc_chunks_filter filter = { .arena = heap_arena_index(process.heap, arena),
		.maximum = UINT64_MAX,
		.states = 1u << HC_BLOCK_IN_USE,
		.order = HC_CHUNKS_BY_SIZE,
		.limit = SHOWN };
	g_autofree hc_address *largest = g_new0(hc_address, SHOWN);
	g_autoptr(GString) expected = g_string_new(NULL);

	for (unsigned i = 0; i < MANY; i++) {
		unsigned rank = i * 7919u % MANY; /* 7919 is prime: every rank occurs once */
		hc_address block = heap_malloc(process.heap, arena, size_of_rank(rank));

		if (rank >= MANY - SHOWN)
			largest[MANY - 1 - rank] = block;
	}
	for (unsigned i = 0; i < SHOWN; i++)
		g_string_append_printf(expected, "%s%" PRIx64, i ? " " : "", largest[i]);
	if (!report_process_run(&process))
		return;
	g_autofree char *addresses = listed(&process, &filter);

	UNIT_ASSERT_TEXT(addresses, expected->str);
}

static void test_chunks_text(void)
{
	g_auto(report_process) process = report_process_create(NULL);
	hc_chunks_filter filter = HC_CHUNKS_FILTER_INIT;

	filter.limit = 4;
	if (!report_process_run(&process))
		return;
	g_autofree char *text = list_chunks(&process, &filter, HC_REPORT_TEXT);

	UNIT_ASSERT_CONTAINS(text, "libc: tcache of thread 8901");
	UNIT_ASSERT_CONTAINS(text, "main     -> logic_worker+0\n");
	UNIT_ASSERT_CONTAINS(text, "\"LOG/1\\n\"\n");
	UNIT_ASSERT_CONTAINS(text, "tcache      main\n");
	UNIT_ASSERT_CONTAINS(text, "15 blocks, 1.0 MiB; the first 4 shown (--limit 0 for all)");
}

/* ---- single blocks ---- */

static void check_block_text(const report_process *process)
{
	g_autoptr(GString) text = g_string_new(NULL);
	hc_report_options options = report_to(text, HC_REPORT_TEXT);
	g_autofree char *title = g_strdup_printf("%#" PRIx64 " is 4 bytes into a block in use\n", process->lost + 4),
			*holder = g_strdup_printf(
				"%#" PRIx64 "  to +4  block %#" PRIx64 "+8", process->child + 8, process->child);

	CU_ASSERT_TRUE(hc_report_block(process->analysis, process->lost + 4, NULL, &options, NULL));
	UNIT_ASSERT_CONTAINS(text->str, title);
	UNIT_ASSERT_CONTAINS(text->str, "allocation site: not in a core");
	UNIT_ASSERT_CONTAINS(text->str, "directly lost");
	UNIT_ASSERT_CONTAINS(text->str, holder);
	g_string_truncate(text, 0);
	CU_ASSERT_TRUE(hc_report_block(process->analysis, process->session, NULL, &options, NULL));
	UNIT_ASSERT_CONTAINS(text->str, "session\\x1b[2J, deduced"); /* a block of 40 bytes for a type of 16 */
	UNIT_ASSERT_CONTAINS(text->str, "g_sessions[]");
	CU_ASSERT_PTR_NULL(strchr(text->str, '\033'));
}

static void check_block_json(const report_process *process)
{
	g_autoptr(GString) text = g_string_new(NULL);
	hc_report_options options = report_to(text, HC_REPORT_JSON);
	g_autoptr(GError) error = NULL;
	json_t *json;

	CU_ASSERT_TRUE(hc_report_block(process->analysis, process->lost + 4, NULL, &options, NULL));
	json = parse(text->str, "block");
	CU_ASSERT_EQUAL(number_at(json, "block.offset"), 4);
	CU_ASSERT_EQUAL(number_at(json, "block.size"), 40);
	CU_ASSERT_EQUAL(number_at(json, "references.total"), 1);
	json_decref(json);
	g_string_truncate(text, 0);
	CU_ASSERT_TRUE(hc_report_block(process->analysis, process->session, NULL, &options, NULL));
	json = parse(text->str, "block");
	UNIT_ASSERT_TEXT(json_string_value(json_object_get(json_object_get(json, "type"), "certainty")), "deduced");
	json_decref(json);
	g_string_truncate(text, 0);
	CU_ASSERT_TRUE(
		hc_report_block(process->analysis, program_start + 0x10, NULL, &options, NULL)); /* in no block */
	json = parse(text->str, "block");
	CU_ASSERT_TRUE(json_is_null(json_object_get(json, "block")));
	UNIT_ASSERT_TEXT(json_string_value(json_object_get(json, "symbol")), "logic_worker+0x10");
	json_decref(json);
	CU_ASSERT_FALSE(hc_report_block(process->analysis, 0x10, NULL, &options, &error));
	CU_ASSERT_TRUE(g_error_matches(error, HC_ERROR, HC_ERROR_NOT_MAPPED));
}

static void test_block(void)
{
	static const report_names names = { .session = "session\033[2J" };
	g_auto(report_process) process = report_process_create(&names);

	if (!report_process_run(&process))
		return;
	check_block_text(&process);
	check_block_json(&process);
}

/* A long path: its ends are shown, and how many blocks are between. */
static void test_path(void)
{
	g_auto(report_process) process = report_process_create(NULL);
	g_autoptr(GString) text = g_string_new(NULL);
	hc_report_options options = report_to(text, HC_REPORT_TEXT);
	g_autoptr(GError) error = NULL;
	unsigned arena = heap_add_arena(process.heap, 0x7fff00000000, 0x100000);
	hc_address last = heap_malloc(process.heap, arena, 40);
	json_t *json, *path;

	heap_thread_at(process.heap, 0)->rbx = last;
	for (unsigned i = 1; i < 1000; i++) {
		hc_address next = heap_malloc(process.heap, arena, 40);

		core_builder_put_word(process.core, last + 8, next);
		last = next;
	}
	if (!report_process_run(&process))
		return;
	CU_ASSERT_TRUE(hc_report_path(process.analysis, process.cached, 1, &options, NULL));
	UNIT_ASSERT_CONTAINS(text->str, "No path leads to it.\n");
	g_string_truncate(text, 0);
	CU_ASSERT_TRUE(hc_report_path(process.analysis, last + 4, 1, &options, NULL));
	UNIT_ASSERT_CONTAINS(text->str, "PATH 1: 1,000 blocks\n");
	UNIT_ASSERT_CONTAINS(text->str, "rbx of thread 8901");
	UNIT_ASSERT_CONTAINS(text->str, "  +8 ");
	UNIT_ASSERT_CONTAINS(text->str, "... 980 blocks more");
	g_string_truncate(text, 0);
	options.format = HC_REPORT_JSON;
	CU_ASSERT_TRUE(hc_report_path(process.analysis, last + 4, 1, &options, NULL));
	json = parse(text->str, "path");
	path = json_array_get(json_object_get(json, "paths"), 0);
	CU_ASSERT_EQUAL(number_at(path, "length"), 1000);
	CU_ASSERT_EQUAL(number_at(path, "omitted"), 800);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(path, "steps")), 200);
	json_decref(json);
	CU_ASSERT_FALSE(hc_report_path(process.analysis, program_start + 0x10, 1, &options, &error)); /* in no block */
	CU_ASSERT_TRUE(g_error_matches(error, HC_ERROR, HC_ERROR_NOT_MAPPED));
}

/* ---- the address space ---- */

static void test_roots(void)
{
	enum {
		REGISTERS = 2 * 27 * 8,
		MALLOC_STATE = 2200 + 136, /* main_arena and mp_ of 2.36 */
		/*
		 * Both stacks, data of libc and of the program, the main thread's control block,
		 * what was not cut off.
		 */
		USED = REGISTERS + 2 * STACK_LIVE + 0x3000 - MALLOC_STATE + 0x1000 + 0x2000 + REPORT_CUT,
		/*
		 * Tails of heaps and a guard; the rest of both stacks; what is not there; the first
		 * pages of both files.
		 */
		UNUSED = 2 * ((64 << 20) - REPORT_HEAP_SIZE) + HEAP_GUARD_SIZE + 2 * (0x4000 - STACK_LIVE) +
			 REPORT_LEFT_OUT + REPORT_CUT + 0x2000 + MALLOC_STATE,
		/*
		 * And in blocks that these lead to: all that are in use, but for the lost ones and
		 * the cache.
		 */
		WORDS = (USED + MAPPED + IN_USE - LOST) / 8,
	};
	g_auto(report_process) process = report_process_create(NULL);

	if (!report_process_run(&process))
		return;
	g_autofree char *text = report(hc_report_roots, &process, HC_REPORT_TEXT);
	g_autofree char *json_text = report(hc_report_roots, &process, HC_REPORT_JSON);
	json_t *json = parse(json_text, "roots");
	g_autofree char *words = g_strdup_printf("%d,%03d words were looked at", WORDS / 1000, WORDS % 1000);

	UNIT_ASSERT_CONTAINS(text, "NOT SEARCHED 128.0 MiB\n");
	UNIT_ASSERT_CONTAINS(text, "registers");
	UNIT_ASSERT_CONTAINS(text, words);
	CU_ASSERT_EQUAL(number_at(json, "totals.used_bytes"), USED);
	CU_ASSERT_EQUAL(number_at(json, "totals.unused_bytes"), UNUSED);
	/*
	 * Two threads' registers, stacks used and not; 3 + 1 pieces of data; anonymous, cut, left
	 * out; 2 + 2 + 3.
	 */
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "roots")), 2 + 4 + 4 + 2 + 1 + 1 + 2 + 2 + 3);
	json_decref(json);
}

static void test_threads_and_mappings(void)
{
	g_auto(report_process) process = report_process_create(NULL);
	json_t *mapping;
	unsigned stacks = 0;
	size_t i;

	if (!report_process_run(&process))
		return;
	g_autofree char *threads = report(hc_report_threads, &process, HC_REPORT_JSON);
	g_autofree char *mappings = report(hc_report_mappings, &process, HC_REPORT_JSON);
	json_t *json = parse(threads, "threads");

	CU_ASSERT_EQUAL(number_at(json, "threads.0.id"), 8901);
	CU_ASSERT_EQUAL(number_at(json, "threads.0.stack_bytes"), STACK_LIVE);
	CU_ASSERT_EQUAL(number_at(json, "threads.1.arena"), 1);
	json_decref(json);
	json = parse(mappings, "mappings");
	CU_ASSERT_EQUAL(number_at(json, "total"), (json_int_t)mapped_bytes(&process));
	CU_ASSERT_EQUAL(number_at(json, "mappings.0.size"), 0x1000); /* the program's first page */
	json_array_foreach(json_object_get(json, "mappings"), i, mapping)
		stacks += number_at(mapping, "owner.thread") == 8901 && number_at(mapping, "size") == STACK_LIVE;
	CU_ASSERT_EQUAL(stacks, 1);
	json_decref(json);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "first screen", test_first_screen },
		{ "analyze as JSON", test_analysis_json },
		{ "titles of allocators", test_allocator_titles },
		{ "many arenas", test_many_arenas },
		{ "commands of findings", test_commands },
		{ "hostile names", test_hostile_names },
		{ "chunks as JSON", test_chunks_json },
		{ "filters of chunks", test_chunks_filters },
		{ "the largest of many", test_chunks_by_size },
		{ "chunks as text", test_chunks_text },
		{ "block", test_block },
		{ "path", test_path },
		{ "roots", test_roots },
		{ "threads and mappings", test_threads_and_mappings },
	};

	return unit_main("reports", cases, G_N_ELEMENTS(cases));
}
