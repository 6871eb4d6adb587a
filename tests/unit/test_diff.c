/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The diff of snapshots made by hand (snapshot_builder.h). Every diff here must add up: see make_diff(). */
#include "snapshot_builder.h"
#include "unit.h"

#include "capture/capture_parts.h"
#include "diff/diff_state.h"
#include "wording/wording.h"

#include <heapcore/reports.h>

#include <stdio.h>
#include <string.h>

enum {
	STEPS_MAX = 4,
	MIB = 1 << 20,
};

/* Some snapshots of one process; those that a test does not fill are empty. */
typedef struct snapshot_series {
	unsigned count;
	hc_snapshot *list[STEPS_MAX];
	hc_diff *diff;
} snapshot_series;

static snapshot_series series_create(unsigned count)
{
	snapshot_series series = { .count = count };

	for (unsigned i = 0; i < count; i++)
		series.list[i] = snapshot_create();
	return series;
}

static void series_clear(snapshot_series *series)
{
	hc_diff_destroy(series->diff);
	for (unsigned i = 0; i < series->count; i++)
		hc_snapshot_destroy(series->list[i]);
}

static uint64_t memory_of(const hc_snapshot *snapshot)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < snapshot->memory->len; i++) {
		const hc_memory_row *row = &g_array_index(snapshot->memory, hc_memory_row, i);

		bytes += row->of || !row->is_memory ? 0 : row->bytes;
	}
	return bytes;
}

/* Rows have all of the memory, in each snapshot, and nothing is left for the last one, "rest". */
static void assert_adds_up(const snapshot_series *series)
{
	int64_t growth = 0;

	for (unsigned step = 0; step < series->count; step++) {
		uint64_t bytes = 0;

		for (unsigned i = 0; i < hc_diff_attribution_count(series->diff); i++)
			bytes += hc_diff_attribution(series->diff, i)->steps[step];
		CU_ASSERT_EQUAL(bytes, memory_of(series->list[step]));
	}
	for (unsigned i = 0; i < hc_diff_attribution_count(series->diff); i++) {
		const hc_growth *row = hc_diff_attribution(series->diff, i);

		growth += row->bytes;
		CU_ASSERT_EQUAL(row->before, row->steps[0]);
		CU_ASSERT_EQUAL(row->after, row->steps[series->count - 1]);
		CU_ASSERT_EQUAL(row->bytes, (int64_t)(row->after - row->before));
		if (row->kind == HC_GROWTH_REST)
			CU_ASSERT(!row->bytes && !row->after);
	}
	CU_ASSERT_EQUAL(growth, hc_diff_memory_growth(series->diff));
}

static void make_diff(snapshot_series *series)
{
	for (unsigned i = 0; i < series->count; i++)
		snapshot_finish(series->list[i]);
	series->diff = hc_diff_create((const hc_snapshot *const *)series->list, series->count);
	if (!hc_diff_is_torn(series->diff)) /* else nobody knows the whole */
		assert_adds_up(series);
}

static const char *intern(char *text)
{
	const char *interned = text ? g_intern_string(text) : NULL;

	g_free(text);
	return interned;
}

static bool append(const char *text, size_t length, void *data)
{
	g_string_append_len(data, text, length);
	return true;
}

/* The report as text; free with g_free(). */
static char *report(const hc_diff *diff)
{
	GString *text = g_string_new(NULL);
	hc_report_options options = { .write = append, .write_data = text };

	CU_ASSERT_TRUE(hc_report_diff(diff, &options, NULL));
	return g_string_free(text, FALSE);
}

/* The N-th row of that name; NULL: there is none. */
static const hc_growth *nth_row(const hc_diff *diff, hc_growth_kind kind, const char *name, unsigned n)
{
	for (unsigned i = 0; i < hc_diff_attribution_count(diff); i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);

		if (row->kind == kind && !strcmp(intern(hc_word_growth(row)), name) && !n--)
			return row;
	}
	return NULL;
}

static const hc_growth *row_of(const hc_diff *diff, hc_growth_kind kind, const char *name)
{
	static const hc_growth none = { .bytes = INT64_MIN };
	const hc_growth *row = nth_row(diff, kind, name, 0);

	if (!row)
		printf("\nno row \"%s\" of kind %s\n", name, hc_growth_kind_name(kind));
	return row ? row : &none;
}

/* A cause with its words; the strings are interned. */
struct told {
	const char *kind, *name, *text, *command;
	int64_t bytes;
	hc_confidence confidence;
	hc_trend trend;
};

static struct told told_cause(const hc_diff *diff, unsigned index)
{
	const hc_cause *cause = hc_diff_cause(diff, index);

	return (struct told){
		.kind = hc_cause_name(cause->kind),
		.name = intern(hc_word_cause_name(cause)),
		.text = intern(hc_word_cause(diff, cause)),
		.command = intern(hc_word_cause_command(cause)),
		.bytes = cause->bytes,
		.confidence = cause->confidence,
		.trend = cause->trend,
	};
}

static struct told cause_of(const hc_diff *diff, const char *kind)
{
	for (unsigned i = 0; i < hc_diff_cause_count(diff); i++) {
		struct told told = told_cause(diff, i);

		if (!strcmp(told.kind, kind))
			return told;
	}
	return (struct told){ .bytes = INT64_MIN };
}

/* The lines of the verdict, interned. */
static const char *verdict_of(const hc_diff *diff)
{
	g_auto(GStrv) lines = hc_word_verdict(diff);

	return intern(g_strjoinv("\n", lines));
}

static bool is_steady(const hc_diff *diff, const char *name)
{
	for (unsigned i = 0; i < hc_diff_steady_count(diff); i++)
		if (!g_strcmp0(hc_diff_steady(diff, i)->name, name))
			return true;
	return false;
}

static void test_nothing(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		snapshot_add_container(series.list[i], HC_SNAPSHOT_NONE, "g_peers", "libstdc++ map", 100, 100, 6400);
		snapshot_add_lost(series.list[i], "size 40", NULL, 3, 120);
		snapshot_add_unowned(series.list[i], 24, 10, 0);
	}
	make_diff(&series);
	CU_ASSERT_EQUAL(hc_diff_sameness(series.diff), HC_SAME_PROCESS);
	CU_ASSERT_EQUAL(hc_diff_growth(series.diff), 0);
	CU_ASSERT_EQUAL(hc_diff_memory_growth(series.diff), 0);
	CU_ASSERT_EQUAL(hc_diff_size_count(series.diff), 0);
	CU_ASSERT_EQUAL(hc_diff_cause_count(series.diff), 0);
	CU_ASSERT_TRUE(is_steady(series.diff, "g_peers"));
	UNIT_ASSERT_TEXT(verdict_of(series.diff), "Memory did not grow.");
	series_clear(&series);
}

/* ---- lost blocks ---- */

/* Kinds are matched by key; each of them has its row, the sentence has the sum. */
static void test_lost(void)
{
	snapshot_series series = series_create(2);
	hc_leak_kind *lost;

	snapshot_add_lost(series.list[0], "size 40", NULL, 10, 400);
	snapshot_add_lost(series.list[0], "type Gone", "Gone", 5, 500);
	lost = snapshot_add_lost(series.list[1], "text LOGICPKT", NULL, 1000, 2 * MIB);
	lost->beginning = "LOGICPKT/1.0 uin=";
	lost->module = "libcodec.so";
	lost->evidence = (hc_leak_kind_evidence){ .module = "libcodec.so", .size = 48 };
	snapshot_add_lost(series.list[1], "size 40", NULL, 20, 800);
	make_diff(&series);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_LOST, "blocks of 40 bytes")->bytes, 400);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_LOST, "blocks of 40 bytes")->blocks_after, 20);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_LOST, "objects of Gone")->bytes, -500);
	CU_ASSERT_EQUAL(
		row_of(series.diff, HC_GROWTH_LOST, "libcodec.so: text like \"LOGICPKT/1.0 uin=\"")->bytes, 2 * MIB);
	CU_ASSERT_EQUAL(hc_diff_cause_count(series.diff), 1);
	CU_ASSERT_EQUAL(cause_of(series.diff, "leak").bytes, 2 * MIB - 100);
	CU_ASSERT_EQUAL(cause_of(series.diff, "leak").confidence, HC_CONFIDENCE_CERTAIN);
	UNIT_ASSERT_TEXT(cause_of(series.diff, "leak").name, "libcodec.so");
	UNIT_ASSERT_TEXT(cause_of(series.diff, "leak").command, "leaks CORE");
	UNIT_ASSERT_CONTAINS(verdict_of(series.diff),
		"Memory grew by 2.0 MiB: a leak: blocks that nothing points to grew by 2.0 MiB (100.0 % of the growth), "
		"1,005 more of them, from libcodec.so: 1,000 with text like \"LOGICPKT/1.0 uin=\"");
	UNIT_ASSERT_CONTAINS(verdict_of(series.diff), "; last pointed to from freed blocks of 48 bytes");
	UNIT_ASSERT_CONTAINS(verdict_of(series.diff), "\nContainers did not grow.");
	series_clear(&series);
}

/* An object that leads to others of its own is one object, however many blocks that makes. */
static void test_lost_trees(void)
{
	snapshot_series series = series_create(2);

	snapshot_add_lost(series.list[1], "type Circle", "Circle", 60000, 4 * MIB)->trees = 30000;
	snapshot_add_lost(series.list[1], "type Square", "Square", 500, 50000);
	make_diff(&series);
	UNIT_ASSERT_CONTAINS(cause_of(series.diff, "leak").text,
		": objects of Circle and what they lead to (60,000 blocks), 500 objects of Square");
	series_clear(&series);
}

static const char *leak_text(uint64_t trees, uint64_t rings, uint64_t holding, bool is_unloaded)
{
	snapshot_series series = series_create(2);
	hc_leak_kind *lost = snapshot_add_lost(series.list[1], "type Circle", "Circle", 60000, 4 * MIB);
	const char *text;

	lost->trees = trees;
	lost->rings = rings;
	lost->holding_themselves = holding;
	lost->is_unloaded = is_unloaded;
	make_diff(&series);
	text = cause_of(series.diff, "leak").text;
	series_clear(&series);
	return text;
}

/* That pointers lead back is said as such; that it is why they were not freed, only where references are counted. */
static void test_lost_rings(void)
{
	UNIT_ASSERT_CONTAINS(
		leak_text(300, 300, 300, false), "objects of Circle and what they lead to (each holds itself)");
	UNIT_ASSERT_CONTAINS(leak_text(300, 300, 12, false), " (12 of them hold themselves)");
	UNIT_ASSERT_CONTAINS(leak_text(300, 300, 0, false), " (each leads back to itself)");
	UNIT_ASSERT_CONTAINS(leak_text(300, 201, 0, false), " (201 of them lead back to themselves)");
	UNIT_ASSERT_CONTAINS(leak_text(300, 1, 0, false), " (one of them leads back to itself)");
	CU_ASSERT_PTR_NULL(strstr(leak_text(300, 0, 0, false), "itself"));
	UNIT_ASSERT_CONTAINS(
		leak_text(300, 0, 0, true), "more of them, from a library that was unloaded: objects of Circle");
}

/* What only a snapshot in the middle lost is of no importance, but its bytes are in that step. */
static void test_lost_in_between(void)
{
	snapshot_series series = series_create(3);

	snapshot_add_lost(series.list[1], "type Frame", "Frame", 10, MIB);
	make_diff(&series);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_LOST, "objects of Frame")->bytes, 0);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_LOST, "objects of Frame")->steps[1], MIB);
	CU_ASSERT_EQUAL(hc_diff_cause_count(series.diff), 0);
	series_clear(&series);
}

/* ---- how the tree of paths is cut into rows ---- */

/* A map that doubled is the reason why what hangs on its elements did: one row. */
static void test_container_explains(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		uint64_t elements = i ? 20000 : 10000;
		uint32_t map = snapshot_add_container(series.list[i], HC_SNAPSHOT_NONE, "g_players", "libstdc++ map",
			elements, elements, elements * 64);
		uint32_t name = snapshot_add_owner(
			series.list[i], map, "g_players[].name", "std::string", elements, elements * 32);

		snapshot_add_owner(series.list[i], name, "*g_players[].name", "char", elements, elements * 16);
		snapshot_add_container(series.list[i], HC_SNAPSHOT_NONE, "g_zones", "libstdc++ list", 10, 10, 400);
	}
	make_diff(&series);
	const hc_growth *row = row_of(series.diff, HC_GROWTH_CONTAINER, "g_players");

	CU_ASSERT_EQUAL(row->bytes, 10000 * (64 + 32 + 16));
	CU_ASSERT_EQUAL(row->blocks_before, 30000);
	CU_ASSERT_EQUAL(row->blocks_after, 60000);
	CU_ASSERT_EQUAL(row->elements_before, 10000);
	CU_ASSERT_EQUAL(row->elements_after, 20000);
	CU_ASSERT_PTR_NULL(nth_row(series.diff, HC_GROWTH_OWNER, "g_players[].name", 0));
	CU_ASSERT_FALSE(is_steady(series.diff, "g_players"));
	CU_ASSERT_TRUE(is_steady(series.diff, "g_zones"));
	UNIT_ASSERT_CONTAINS(cause_of(series.diff, "container-growth").text,
		"g_players (std::something<int>) grew by 1.1 MiB (100.0 % of the growth), from 10,000 to "
		"20,000 elements; it holds 2.1 MiB now");
	UNIT_ASSERT_TEXT(cause_of(series.diff, "container-growth").command, "containers CORE --variable 'g_players'");
	series_clear(&series);
}

/* "from at most 8 to at most 16 elements", where neither snapshot knows better; GRADES: of both. */
static void check_at_most(hc_grade first, hc_grade last, const char *expected)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		uint64_t elements = i ? 20000 : 10000;
		uint32_t pairs = snapshot_add_container(series.list[i], HC_SNAPSHOT_NONE, "server .bss+0x40",
			"vector-like", elements, 1, elements * 64);

		snapshot_owner(series.list[i], pairs)->grade = i ? last : first;
		pairs = snapshot_add_container(
			series.list[i], HC_SNAPSHOT_NONE, "server .bss+0x80", "vector-like", 700, 1, 44800);
		snapshot_owner(series.list[i], pairs)->grade = i ? last : first;
	}
	make_diff(&series);
	const hc_growth *row = row_of(series.diff, HC_GROWTH_CONTAINER, "server .bss+0x40");
	g_autofree char *text = hc_word_growth_row(row);

	CU_ASSERT_EQUAL(row->is_at_most, strstr(expected, "at most") != NULL);
	UNIT_ASSERT_CONTAINS(cause_of(series.diff, "container-growth").text, expected);
	UNIT_ASSERT_CONTAINS(
		text, row->is_at_most ? ", at most 10,000 -> 20,000 elements" : ", 10,000 -> 20,000 elements");
	for (unsigned i = 0; i < hc_diff_steady_count(series.diff); i++) {
		g_autofree char *steady = hc_word_steady(hc_diff_steady(series.diff, i));

		if (strstr(steady, "+0x80"))
			UNIT_ASSERT_CONTAINS(steady, row->is_at_most ? " at most 700 -> 700" : " 700 -> 700");
	}
	series_clear(&series);
}

/* What was counted may be parts of elements. One snapshot in which nothing is a part tells of all. */
static void test_at_most(void)
{
	check_at_most(HC_GRADE_BOUND, HC_GRADE_BOUND, ", from at most 10,000 to at most 20,000 elements;");
	check_at_most(HC_GRADE_EXACT, HC_GRADE_BOUND, ", from 10,000 to 20,000 elements;");
	check_at_most(HC_GRADE_BOUND, HC_GRADE_EXACT, ", from 10,000 to 20,000 elements;");
	check_at_most(HC_GRADE_EXACT, HC_GRADE_EXACT, ", from 10,000 to 20,000 elements;");
}

/* New entries that are larger than the old ones are the map's growth; buffers in entries that were there are not. */
static void test_larger_elements(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		uint32_t map = snapshot_add_container(series.list[i], HC_SNAPSHOT_NONE, "g_map", "libstdc++ map",
			i ? 200 : 10, i ? 200 : 10, i ? 20000 : 1000);
		uint32_t blob = snapshot_add_container(series.list[i], map, "g_map[].second->blob", "libstdc++ vector",
			i ? 9500000 : 0, i ? 190 : 0, i ? 9500000 : 0);

		snapshot_owner(series.list[i], blob)->count = i ? 190 : 0;
	}
	make_diff(&series);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_CONTAINER, "g_map")->bytes, 9500000 + 19000);
	series_clear(&series);
}

/* A table of ten sessions holds all of what grew and did not grow itself: the queue that each of them has did. */
static void test_table_explains_nothing(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		uint32_t table = snapshot_add_container(
			series.list[i], HC_SNAPSHOT_NONE, "g_sessions", "libstdc++ unordered_map", 10, 11, 2000);
		uint32_t object = snapshot_add_owner(series.list[i], table, "*g_sessions[]", "Session", 10, 5000);
		uint32_t queue = snapshot_add_container(series.list[i], object, "g_sessions[]->queue", "libstdc++ list",
			i ? 50000 : 100, i ? 50000 : 100, i ? 3200000 : 6400);

		snapshot_owner(series.list[i], queue)->is_queue = true;
		snapshot_owner(series.list[i], queue)->count = 10;
	}
	make_diff(&series);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_CONTAINER, "g_sessions")->bytes, 0);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_OWNER, "*g_sessions[]")->bytes, 0);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_CONTAINER, "g_sessions[]->queue")->bytes, 3200000 - 6400);
	CU_ASSERT_EQUAL(hc_diff_cause_count(series.diff), 1);
	UNIT_ASSERT_TEXT(cause_of(series.diff, "container-growth").name, "g_sessions[]->queue");
	UNIT_ASSERT_CONTAINS(
		cause_of(series.diff, "container-growth").text, "if it is a queue, its consumer falls behind");
	series_clear(&series);
}

/* A path that is gone shrank; one that is new grew. */
static void test_paths_of_one(void)
{
	snapshot_series series = series_create(2);

	snapshot_add_container(series.list[0], HC_SNAPSHOT_NONE, "g_old", "libstdc++ deque", 5, 5, 5000);
	snapshot_add_container(series.list[1], HC_SNAPSHOT_NONE, "g_new", "libstdc++ deque", 7, 7, 70000);
	make_diff(&series);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_CONTAINER, "g_old")->bytes, -5000);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_CONTAINER, "g_old")->elements_after, 0);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_CONTAINER, "g_new")->bytes, 70000);
	CU_ASSERT_EQUAL(hc_diff_cause_count(series.diff), 1);
	UNIT_ASSERT_CONTAINS(
		cause_of(series.diff, "container-growth").text, "(more than memory grew: something else shrank)");
	series_clear(&series);
}

/* How many elements a container has that has memory is not known any more: then nothing is said of that, least of all that it has none. */
static void test_not_counted(void)
{
	snapshot_series series = series_create(2);
	const hc_growth *row;

	snapshot_add_container(series.list[0], HC_SNAPSHOT_NONE, "g_scene", "vector-like", 3000, 3000, 300000);
	snapshot_add_owner(series.list[1], HC_SNAPSHOT_NONE, "g_scene", "?", 3000, 60000000);
	make_diff(&series);
	row = row_of(series.diff, HC_GROWTH_OWNER, "g_scene");
	CU_ASSERT_EQUAL(row->bytes, 60000000 - 300000);
	CU_ASSERT_EQUAL(row->elements_before, UINT64_MAX);
	CU_ASSERT_EQUAL(row->elements_after, UINT64_MAX);
	series_clear(&series);
}

/* Of other paths mmapped blocks are apart: big buffers. Containers are one row, with all they own. */
static void test_buffers(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		uint32_t owner = snapshot_add_owner(
			series.list[i], HC_SNAPSHOT_NONE, "g_frame", "uint8_t", 3 + i, 1000 + (uint64_t)i * 4 * MIB);
		uint32_t vector = snapshot_add_container(
			series.list[i], HC_SNAPSHOT_NONE, "g_samples", "libstdc++ vector", 1000, 1, 4 * MIB);

		snapshot_owner(series.list[i], owner)->mapped = (hc_amount){ i, (uint64_t)i * 4 * MIB };
		snapshot_owner(series.list[i], vector)->mapped = (hc_amount){ 1, 4 * MIB };
	}
	make_diff(&series);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_OWNER, "g_frame")->bytes, 0);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_OWNER, "g_frame")->blocks_after, 3);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_BUFFER, "g_frame")->bytes, 4 * MIB);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_BUFFER, "g_frame")->blocks_after, 1);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_CONTAINER, "g_samples")->after, 4 * MIB);
	CU_ASSERT_PTR_NULL(nth_row(series.diff, HC_GROWTH_BUFFER, "g_samples", 0));
	UNIT_ASSERT_CONTAINS(cause_of(series.diff, "big-buffers").text, "g_frame");
	series_clear(&series);
}

/* One block that malloc took out of the heap as it grew, and one that it took back: neither shrank. */
static void test_moved(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		uint32_t out = snapshot_add_owner(
			series.list[i], HC_SNAPSHOT_NONE, "g_out", "Image", 1, 100 * 1024 + (uint64_t)i * MIB);
		uint32_t back = snapshot_add_owner(
			series.list[i], HC_SNAPSHOT_NONE, "g_back", "Image", 1, 200 * 1024 + (uint64_t)i * MIB);

		snapshot_owner(series.list[i], i ? out : back)->mapped =
			snapshot_owner(series.list[i], i ? out : back)->own;
	}
	make_diff(&series);
	for (unsigned i = 0; i < 2; i++) {
		const char *name = i ? "g_out" : "g_back";

		CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_OWNER, name)->bytes, MIB);
		CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_OWNER, name)->blocks_before, 1);
		CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_OWNER, name)->blocks_after, 1);
		CU_ASSERT_PTR_NULL(nth_row(series.diff, HC_GROWTH_BUFFER, name, 0));
	}
	CU_ASSERT_PTR_NULL(strstr(verdict_of(series.diff), "shrank"));
	series_clear(&series);
}

/* ---- blocks that were there before, on another path ---- */

/* COUNT blocks of OWNER, of SIZE bytes each, from ADDRESS on, in the sample as it is without a limit. */
static void add_sample(hc_snapshot *snapshot, uint32_t owner, hc_address address, unsigned count, uint64_t size)
{
	for (unsigned i = 0; i < count; i++) {
		hc_snapshot_block block = { address + i * 2 * size, size, owner };

		if (hc_snapshot_is_sampled(&block, snapshot->sample_shift, snapshot->sample_large))
			g_array_append_val(snapshot->sample, block);
	}
}

/* A path with COUNT blocks that only words lead to. */
static uint32_t add_by_words(hc_snapshot *snapshot, const char *path, hc_address address, unsigned count, uint64_t size)
{
	uint32_t owner = snapshot_add_owner(snapshot, HC_SNAPSHOT_NONE, path, NULL, count, count * size);

	snapshot_owner(snapshot, owner)->by_words = true;
	add_sample(snapshot, owner, address, count, size);
	return owner;
}

/* Words led to 4,000 blocks from one place, and lead there from another now; 200 came, of which 100 are that place's. */
static void changed_hands(snapshot_series *series, unsigned shift)
{
	for (unsigned i = 0; i < 2; i++) {
		hc_snapshot *snapshot = series->list[i];

		snapshot->sample_shift = shift;
		snapshot->sample_large = MIB;
		if (!i)
			add_by_words(snapshot, "server .bss+0x10", 0x100000, 4000, 1024);
		uint32_t new = add_by_words(snapshot, "server .bss+0x90", 0x10000000, i ? 200 : 100, 1024);

		if (i) {
			snapshot_owner(snapshot, new)->own = (hc_amount){ 4200, UINT64_C(4200) * 1024 };
			g_array_set_size(snapshot->sample, 0);
			add_sample(snapshot, new, 0x100000, 4000, 1024);
			add_sample(snapshot, new, 0x10000000, 200, 1024);
		}
	}
	make_diff(series);
}

static void test_changed_hands(void)
{
	for (unsigned shift = 0; shift <= 8; shift += 4) {
		snapshot_series series = series_create(2);

		changed_hands(&series, shift);
		CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_OWNER, "server .bss+0x90")->bytes, 100 * 1024);
		CU_ASSERT_PTR_NULL(nth_row(series.diff, HC_GROWTH_OWNER, "server .bss+0x10", 0));
		CU_ASSERT_EQUAL(cause_of(series.diff, "owner-growth").bytes, 100 * 1024);
		series_clear(&series);
	}
}

/* The first COUNT blocks of SIZE bytes from ADDRESS on that the sample has, each of many that it does not have. */
static void add_sampled(hc_snapshot *snapshot, uint32_t owner, hc_address address, unsigned count, uint64_t size)
{
	while (count) {
		hc_snapshot_block block = { address, size, owner };

		address += 2 * size;
		if (!hc_snapshot_is_sampled(&block, snapshot->sample_shift, snapshot->sample_large))
			continue;
		g_array_append_val(snapshot->sample, block);
		count--;
	}
}

/* A place lost 4,000 blocks and another has as many more; of the sample COUNT went. Returns what the second is said to have grown by. */
static int64_t growth_after(unsigned count)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		hc_snapshot *snapshot = series.list[i];

		snapshot->sample_shift = 10;
		snapshot->sample_large = MIB;
		uint32_t old = snapshot_add_owner(snapshot, HC_SNAPSHOT_NONE, "server .bss+0x10", NULL, i ? 0 : 4000,
				 i ? 0 : UINT64_C(4000) * 1024),
			 new = snapshot_add_owner(snapshot, HC_SNAPSHOT_NONE, "server .bss+0x90", NULL, i ? 4200 : 100,
				 UINT64_C(1024) * (i ? 4200 : 100));

		snapshot_owner(snapshot, old)->by_words = snapshot_owner(snapshot, new)->by_words = true;
		add_sampled(snapshot, i ? new : old, 0x100000, count, 1024);
	}
	make_diff(&series);
	const hc_growth *row = nth_row(series.diff, HC_GROWTH_OWNER, "server .bss+0x90", 0);
	int64_t bytes = row ? row->bytes : 0;

	series_clear(&series);
	return bytes;
}

/* Three blocks of the sample stand for more than half of the growth, but they are chance; four are not. */
static void test_few_changed_hands(void)
{
	CU_ASSERT_EQUAL(growth_after(3), 4100 * 1024);
	CU_ASSERT_EQUAL(growth_after(4), 100 * 1024);
}

/* Of another process blocks at the same addresses are others. */
static void test_changed_process(void)
{
	snapshot_series series = series_create(2);

	snapshot_be_process(series.list[1], 4711);
	changed_hands(&series, 0);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_OWNER, "server .bss+0x90")->bytes, 4100 * 1024);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_OWNER, "server .bss+0x10")->bytes, -4000 * 1024);
	series_clear(&series);
}

/* One large block is enough, whatever the sample has of the others. */
static void test_changed_buffer(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		hc_snapshot *snapshot = series.list[i];

		snapshot->sample_shift = 20;
		snapshot->sample_large = MIB;
		uint32_t owner = add_by_words(
			snapshot, i ? "server .bss+0x90" : "server .bss+0x10", 0x100000, 1, UINT64_C(4) * MIB);

		snapshot_owner(snapshot, owner)->mapped = snapshot_owner(snapshot, owner)->own;
		add_by_words(snapshot, "server .bss+0xd0", 0x10000000, i ? 40 : 20, 1024);
	}
	make_diff(&series);
	CU_ASSERT_EQUAL(hc_diff_cause_count(series.diff), 1);
	CU_ASSERT_EQUAL(cause_of(series.diff, "owner-growth").bytes, 20 * 1024);
	series_clear(&series);
}

/*
 * What one frame's variable has of memory that is not malloc's another one has now, and twice as much more: a type leads to both, and only words
 * from there on. With UNTYPED no longer true of it, types prove both.
 */
static void change_frames(snapshot_series *series, bool untyped)
{
	for (unsigned i = 0; i < 2; i++) {
		hc_snapshot *snapshot = series->list[i];
		uint32_t from = snapshot_add_owner(snapshot, HC_SNAPSHOT_NONE, "globals", "Object", 0, 0),
			 to = snapshot_add_owner(snapshot, HC_SNAPSHOT_NONE, "frame", "Frame", 0, 0),
			 has = i ? to : from;
		hc_memory_row anonymous = { .id = HC_ROW_ANONYMOUS,
			.bytes = (i ? UINT64_C(3000) : 1000) * 64,
			.count = 1,
			.unit = "mappings",
			.is_memory = true };

		snapshot->sample_large = MIB;
		snapshot_owner(snapshot, has)->outside = anonymous.bytes;
		g_array_append_val(snapshot->memory, anonymous);
		snapshot_owner(snapshot, has)->untyped = untyped ? snapshot_owner(snapshot, has)->outside : 0;
		add_sample(snapshot, has, 0x100000, i ? 3000 : 1000, 64);
	}
	make_diff(series);
}

static void test_changed_frames(void)
{
	for (unsigned untyped = 0; untyped < 2; untyped++) {
		snapshot_series series = series_create(2);

		change_frames(&series, untyped);
		const hc_growth *to = row_of(series.diff, HC_GROWTH_OWNER, "frame");

		CU_ASSERT_EQUAL(to->bytes, (untyped ? 2000 : 3000) * 64);
		CU_ASSERT_EQUAL(!nth_row(series.diff, HC_GROWTH_OWNER, "globals", 0), untyped);
		CU_ASSERT_EQUAL(cause_of(series.diff, "owner-growth").confidence,
			untyped ? HC_CONFIDENCE_LIKELY : HC_CONFIDENCE_CERTAIN);
		series_clear(&series);
	}
}

/* From a queue to what is done: types prove both, or containers hold them; or others came, and few of these went. */
static void test_not_changed_hands(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		hc_snapshot *snapshot = series.list[i];
		unsigned first = i ? 0 : 1000, second = i ? 1000 : 0;

		snapshot->sample_large = MIB;
		uint32_t from = snapshot_add_owner(snapshot, HC_SNAPSHOT_NONE, "g_next", "Job", first, first * 64),
			 to = snapshot_add_owner(snapshot, HC_SNAPSHOT_NONE, "g_last", "Job", second, second * 64);

		add_sample(snapshot, i ? to : from, 0x100000, 1000, 64);
		from = snapshot_add_container(
			snapshot, HC_SNAPSHOT_NONE, "g_queue", "libstdc++ list", first, first, first * 64);
		to = snapshot_add_container(
			snapshot, HC_SNAPSHOT_NONE, "g_done", "libstdc++ list", second, second, second * 64);
		snapshot_owner(snapshot, from)->certainty = snapshot_owner(snapshot, to)->certainty =
			HC_CERTAINTY_GUESS;
		add_sample(snapshot, i ? to : from, 0x200000, 1000, 64);
		to = add_by_words(snapshot, "server .bss+0x90", 0x280000, i ? 1000 : 0, 64);
		add_by_words(snapshot, "server .bss+0x10", 0x300000, i ? 600 : 1000, 64);
		if (i) {
			snapshot_owner(snapshot, to)->own = (hc_amount){ 1400, 1400 * 64 };
			add_sample(snapshot, to, 0x300000 + 600 * 128, 400, 64);
		}
	}
	make_diff(&series);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_OWNER, "g_last")->bytes, 1000 * 64);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_OWNER, "g_next")->bytes, -1000 * 64);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_CONTAINER, "g_done")->bytes, 1000 * 64);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_CONTAINER, "g_queue")->bytes, -1000 * 64);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_OWNER, "server .bss+0x90")->bytes, 1400 * 64);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_OWNER, "server .bss+0x10")->bytes, -400 * 64);
	series_clear(&series);
}

/* A block that is as before in number: what grew is its size. */
static void test_grown_in_place(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		uint32_t one = snapshot_add_owner(
			series.list[i], HC_SNAPSHOT_NONE, "g_stream", "Stream", 1, 128 * 1024 + (uint64_t)i * 4 * MIB);

		snapshot_owner(series.list[i], one)->mapped = snapshot_owner(series.list[i], one)->own;
		snapshot_add_owner(series.list[i], HC_SNAPSHOT_NONE, "g_pages", "Page", 7, MIB + (uint64_t)i * MIB);
		snapshot_add_owner(
			series.list[i], HC_SNAPSHOT_NONE, "g_nodes", "Node", 10 + i, MIB + (uint64_t)i * MIB);
	}
	make_diff(&series);
	UNIT_ASSERT_CONTAINS(
		cause_of(series.diff, "big-buffers").text, "a big buffer in a mapping of its own: g_stream");
	UNIT_ASSERT_CONTAINS(cause_of(series.diff, "big-buffers").text, ", one block, from 128.0 KiB to 4.1 MiB");
	UNIT_ASSERT_CONTAINS(verdict_of(series.diff), ", 7 blocks as before, from 1.0 MiB to 2.0 MiB");
	UNIT_ASSERT_CONTAINS(verdict_of(series.diff), ", from 10 to 11 blocks");
	series_clear(&series);
}

/* What objects say of themselves alone, without a variable that leads there: held, not an owner's. */
static void test_found(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		uint32_t owner = snapshot_add_owner(
			series.list[i], HC_SNAPSHOT_NONE, "Session", "Session", 1 + i * 1000u, 1000 + i * 1000000u);

		snapshot_owner(series.list[i], owner)->is_found = true;
		snapshot_owner(series.list[i], owner)->certainty = HC_CERTAINTY_DEDUCED;
	}
	make_diff(&series);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_HELD, "Session")->bytes, 1000000);
	UNIT_ASSERT_CONTAINS(cause_of(series.diff, "held").text, "1,000 more of Session");
	series_clear(&series);
}

/* An owner whose type nothing tells. */
static void test_no_type(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		snapshot_add_owner(
			series.list[i], HC_SNAPSHOT_NONE, "g_buffer", "", 1 + i * 1000u, 1000 + i * 1000000u);
		snapshot_add_lost(series.list[i], "size 40", NULL, 10 + i * 10u, 400 + i * 400u);
	}
	make_diff(&series);
	UNIT_ASSERT_CONTAINS(cause_of(series.diff, "owner-growth").text, "what g_buffer leads to grew by");
	series_clear(&series);
}

/* ---- which paths are one ---- */

/* Two statics of one name, in two files or in two functions, and one of them grows. */
static void test_statics_of_one_name(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		for (unsigned ordinal = 0; ordinal < 2; ordinal++) {
			uint32_t index = snapshot_add_container(series.list[i], HC_SNAPSHOT_NONE, "cache",
				"libstdc++ map", 10 + (i && ordinal ? 90 : 0), 10, 1000 + (i && ordinal ? 90000 : 0));

			snapshot_owner(series.list[i], index)->ordinal = ordinal;
		}
		for (unsigned function = 0; function < 2; function++) {
			uint32_t index = snapshot_add_container(series.list[i], HC_SNAPSHOT_NONE, "table",
				"libstdc++ map", 10 + (i && function ? 70 : 0), 10, 1000 + (i && function ? 70000 : 0));

			snapshot_owner(series.list[i], index)->function = function ? "load()" : "store()";
		}
	}
	make_diff(&series);
	CU_ASSERT_EQUAL(nth_row(series.diff, HC_GROWTH_CONTAINER, "cache", 0)->bytes, 90000);
	CU_ASSERT_PTR_NOT_NULL(nth_row(series.diff, HC_GROWTH_CONTAINER, "cache", 1));
	CU_ASSERT_EQUAL(nth_row(series.diff, HC_GROWTH_CONTAINER, "table", 0)->bytes, 70000);
	UNIT_ASSERT_TEXT(nth_row(series.diff, HC_GROWTH_CONTAINER, "table", 0)->owner->function, "load()");
	CU_ASSERT_PTR_NOT_NULL(nth_row(series.diff, HC_GROWTH_CONTAINER, "table", 1));
	series_clear(&series);
}

static void add_local(hc_snapshot *snapshot, int64_t thread, uint64_t bytes)
{
	uint32_t index =
		snapshot_add_container(snapshot, HC_SNAPSHOT_NONE, "frames", "libstdc++ vector", bytes, 1, bytes);

	snapshot_owner(snapshot, index)->thread = thread;
	snapshot_owner(snapshot, index)->function = "run()";
}

/* In another process the second thread's local is compared with the second thread's. */
static void test_threads_of_other_process(void)
{
	snapshot_series series = series_create(2);

	add_local(series.list[0], 8902, 1000);
	add_local(series.list[0], 8903, 5000);
	snapshot_be_process(series.list[1], 100);
	add_local(series.list[1], 102, 5000); /* the order in a snapshot does not matter */
	add_local(series.list[1], 101, 91000);
	make_diff(&series);
	CU_ASSERT_EQUAL(hc_diff_sameness(series.diff), HC_SAME_PROGRAM);
	CU_ASSERT_EQUAL(nth_row(series.diff, HC_GROWTH_CONTAINER, "frames", 0)->bytes, 90000);
	CU_ASSERT_EQUAL(nth_row(series.diff, HC_GROWTH_CONTAINER, "frames", 1)->bytes, 0);
	CU_ASSERT_PTR_NULL(nth_row(series.diff, HC_GROWTH_CONTAINER, "frames", 2));
	series_clear(&series);
}

/* In one process a thread is its id, also one that came after the first snapshot while another one ended. */
static void test_threads_of_one_process(void)
{
	snapshot_series series = series_create(3);
	int64_t late = 8950;

	for (unsigned i = 0; i < 3; i++)
		add_local(series.list[i], 8901, 1000);
	for (unsigned i = 1; i < 3; i++) {
		g_array_append_val(series.list[i]->threads, late);
		add_local(series.list[i], late, i * 50000);
	}
	g_array_remove_index(series.list[2]->threads, 1);
	make_diff(&series);
	const hc_growth *row = nth_row(series.diff, HC_GROWTH_CONTAINER, "frames", 0);

	CU_ASSERT_EQUAL(row->steps[0], 0);
	CU_ASSERT_EQUAL(row->steps[1], 50000);
	CU_ASSERT_EQUAL(row->steps[2], 100000);
	CU_ASSERT_EQUAL(nth_row(series.diff, HC_GROWTH_CONTAINER, "frames", 1)->bytes, 0);
	CU_ASSERT_PTR_NULL(nth_row(series.diff, HC_GROWTH_CONTAINER, "frames", 2));
	series_clear(&series);
}

/* Each is too little to be a cause, and all together are all of it. */
static void test_threads_alike(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++)
		for (unsigned thread = 0; thread < 200; thread++)
			add_local(series.list[i], 9000 + thread, 1000 + i * 500000);
	make_diff(&series);
	const hc_growth *row = nth_row(series.diff, HC_GROWTH_CONTAINER, "frames", 0);

	CU_ASSERT_EQUAL(row->bytes, 200 * 500000);
	CU_ASSERT_EQUAL(row->elements_after, 200 * 501000);
	CU_ASSERT_EQUAL(row->blocks_after, 200);
	CU_ASSERT_EQUAL(row->threads, 200);
	CU_ASSERT_PTR_NULL(nth_row(series.diff, HC_GROWTH_CONTAINER, "frames", 1));
	CU_ASSERT_EQUAL(cause_of(series.diff, "container-growth").bytes, 200 * 500000);
	UNIT_ASSERT_CONTAINS(cause_of(series.diff, "container-growth").text, "in 200 threads) grew by 95.4 MiB");
	CU_ASSERT_PTR_NULL(strstr(verdict_of(series.diff), "did not grow"));
	CU_ASSERT_FALSE(is_steady(series.diff, "frames"));
	series_clear(&series);
}

/* One of many grew: which one is what matters. */
static void test_threads_not_alike(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++)
		for (unsigned thread = 0; thread < 20; thread++)
			add_local(series.list[i], 9000 + thread, 1000 + (i && thread == 7 ? 500000 : i));
	make_diff(&series);
	const hc_growth *row = nth_row(series.diff, HC_GROWTH_CONTAINER, "frames", 0);

	CU_ASSERT_EQUAL(row->bytes, 500000);
	CU_ASSERT_EQUAL(row->owner->thread, 9007);
	CU_ASSERT_EQUAL(row->threads, 0);
	CU_ASSERT_PTR_NOT_NULL(nth_row(series.diff, HC_GROWTH_CONTAINER, "frames", 19));
	series_clear(&series);
}

/* Many members of many things grew, none of them by a hundredth. */
static void test_many_little(void)
{
	snapshot_series series = series_create(2);

	for (unsigned path = 0; path < 200; path++)
		for (unsigned i = 0; i < 2; i++) {
			g_autofree char *name = g_strdup_printf("g_table_%u", path);

			snapshot_add_container(series.list[i], HC_SNAPSHOT_NONE,
				g_string_chunk_insert(series.list[i]->texts, name), "libstdc++ map", 10 + i * 100, 10,
				1000 + i * 100000);
		}
	snapshot_add_lost(series.list[1], "size 40", NULL, 10, 400);
	make_diff(&series);
	UNIT_ASSERT_CONTAINS(
		verdict_of(series.diff), "\nContainers and other variables grew by 19.1 MiB, each by little.");
	CU_ASSERT_PTR_NULL(strstr(verdict_of(series.diff), "did not grow"));
	series_clear(&series);
}

/* Of what was lost a few bytes are no cause where megabytes came; alone, or if they are kilobytes, they are. */
static void test_little_lost(void)
{
	static const struct {
		uint64_t lost, other;
		bool is_told;
	} cases[] = { { 400, 2 * MIB, false }, { 400, 0, true }, { 400, 3000, true }, { 5000, 2 * MIB, true },
		{ 100000, 2 * MIB, true } };

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		snapshot_series series = series_create(2);

		if (cases[i].other)
			for (unsigned step = 0; step < 2; step++)
				snapshot_add_container(series.list[step], HC_SNAPSHOT_NONE, "g_table", "libstdc++ map",
					10 + step * 100, 10, 1000 + step * cases[i].other);
		snapshot_add_lost(series.list[1], "size 40", NULL, cases[i].lost / 40, cases[i].lost);
		make_diff(&series);
		CU_ASSERT_EQUAL(strstr(verdict_of(series.diff), "leak") != NULL, cases[i].is_told);
		CU_ASSERT_PTR_NOT_NULL(nth_row(series.diff, HC_GROWTH_LOST, "blocks of 40 bytes", 0));
		series_clear(&series);
	}
}

/* A container that its words alone tell is the cause: then it is not said that all grew by little. */
static void test_container_by_words(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		uint32_t ring = snapshot_add_container(series.list[i], HC_SNAPSHOT_NONE, "last_driver->{408}+0xf0",
			"ring-like", 20000 + i * 60000, 20000, (20000 + i * 60000) * 632);

		snapshot_owner(series.list[i], ring)->by_words = true;
	}
	make_diff(&series);
	UNIT_ASSERT_CONTAINS(verdict_of(series.diff), "last_driver->{408}+0xf0");
	CU_ASSERT_PTR_NULL(strstr(verdict_of(series.diff), "each by little"));
	CU_ASSERT_PTR_NULL(strstr(verdict_of(series.diff), "did not grow"));
	series_clear(&series);
}

/* ---- blocks whose owner is not known ---- */

static void test_unowned(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		for (uint64_t size = 16; size <= 16 * 20; size += 16)
			snapshot_add_unowned(series.list[i], size, 10 + i * size, 0);
		snapshot_add_unowned(series.list[i], 5000, 7, 0);
		snapshot_add_unowned(series.list[i], MIB, 1 + 2 * i, 1 + i);
	}
	make_diff(&series);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_HELD, "blocks of 320 bytes, owner not known")->bytes, 320 * 320);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_HELD, "blocks of 320 bytes, owner not known")->blocks_after, 330);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_HELD, "blocks of 1,048,576 bytes, owner not known")->bytes, MIB);
	CU_ASSERT_EQUAL(
		row_of(series.diff, HC_GROWTH_BUFFER, "blocks of 1,048,576 bytes, owner not known")->bytes, MIB);
	CU_ASSERT_TRUE(row_of(series.diff, HC_GROWTH_HELD, "other blocks, owner not known")->before >= 35000);
	UNIT_ASSERT_CONTAINS(cause_of(series.diff, "held").text,
		"blocks that something points to, but whose owner is not known, grew by");
	UNIT_ASSERT_CONTAINS(cause_of(series.diff, "held").text, "1 more of 1,048,576 bytes, 320 more of 320 bytes");
	CU_ASSERT_EQUAL(cause_of(series.diff, "big-buffers").bytes, MIB);
	CU_ASSERT_EQUAL(hc_diff_size_count(series.diff), 21);
	CU_ASSERT_EQUAL(hc_diff_size_get(series.diff, 0)->size, MIB);
	CU_ASSERT_EQUAL(hc_diff_size_get(series.diff, 0)->growth, 2 * MIB);
	series_clear(&series);
}

/* ---- three snapshots and more ---- */

static void test_trend(void)
{
	static const struct {
		uint64_t steps[5];
		unsigned count;
		hc_trend trend;
	} examples[] = {
		{ { 0, 100 }, 2, HC_TREND_UNKNOWN },
		{ { 7, 7, 7 }, 3, HC_TREND_STEADY },
		{ { 0, 0, 0 }, 3, HC_TREND_STEADY },
		{ { 0, 100, 200, 300 }, 4, HC_TREND_GROWING },
		{ { 1000, 1090, 1205, 1300 }, 4, HC_TREND_GROWING },
		{ { 0, 1000, 1000, 1000 }, 4, HC_TREND_STOPPED },
		{ { 0, 600, 1000, 1010 }, 4, HC_TREND_STOPPED },
		{ { 0, 1000, 1200, 1100 }, 4, HC_TREND_STOPPED },
		{ { 0, 0, 0, 1000 }, 4, HC_TREND_UNSTEADY },
		{ { 0, 500, 400, 1000 }, 4, HC_TREND_UNSTEADY },
		{ { 1000, 500, 400 }, 3, HC_TREND_UNSTEADY },
		{ { 5, 9, 5 }, 3, HC_TREND_UNSTEADY },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(examples); i++) {
		hc_trend trend = hc_diff_trend(examples[i].steps, examples[i].count);

		if (trend != examples[i].trend)
			printf("\nexample %u is %s\n", i, hc_trend_name(trend));
		CU_ASSERT_EQUAL(trend, examples[i].trend);
	}
}

/* Twice the same growth, and what goes on comes first although it is less. */
static void test_warm_up(void)
{
	snapshot_series series = series_create(4);

	for (unsigned i = 0; i < 4; i++) {
		uint64_t warm = i ? 50000 : 100, goes_on = 10000 * (i + 1);

		snapshot_add_container(
			series.list[i], HC_SNAPSHOT_NONE, "g_cache", "libstdc++ map", warm, warm, warm * 64);
		snapshot_add_container(
			series.list[i], HC_SNAPSHOT_NONE, "g_log", "libstdc++ list", goes_on, goes_on, goes_on * 64);
	}
	make_diff(&series);
	CU_ASSERT_EQUAL(hc_diff_cause_count(series.diff), 2);
	UNIT_ASSERT_TEXT(told_cause(series.diff, 0).name, "g_log");
	CU_ASSERT_EQUAL(told_cause(series.diff, 0).trend, HC_TREND_GROWING);
	UNIT_ASSERT_CONTAINS(told_cause(series.diff, 0).text, "; it grew at every step, by about 625.0 KiB");
	CU_ASSERT_EQUAL(told_cause(series.diff, 1).trend, HC_TREND_STOPPED);
	UNIT_ASSERT_CONTAINS(told_cause(series.diff, 1).text, "it did not grow in the last step");
	series_clear(&series);
}

/* ---- sentences ---- */

/* Each part of the memory has its own; most bytes first; reserved address space and what is less than a hundredth have none. */
static void test_order(void)
{
	snapshot_series series = series_create(2);

	snapshot_add_container(series.list[1], HC_SNAPSHOT_NONE, "g_log", "libstdc++ list", 10, 10, 5 * MIB);
	snapshot_add_container(series.list[1], HC_SNAPSHOT_NONE, "g_little", "libstdc++ list", 10, 10, 50000);
	snapshot_add_owner(series.list[1], HC_SNAPSHOT_NONE, "g_config", "Config", 3, 3 * MIB);
	snapshot_add_lost(series.list[1], "size 40", NULL, 200, 8000);
	snapshot_add_memory(series.list[1], HC_ROW_FILES, 2 * MIB);
	snapshot_add_memory(series.list[1], HC_ROW_FREE_TOP, 4 * MIB);
	snapshot_add_memory(series.list[1], HC_ROW_RESERVED, 64 * MIB);
	series.list[1]->pinning = (hc_pins_summary){ .heap_found = true, .free = 4 * MIB, .trim = 3 * MIB };
	make_diff(&series);
	static const char *const order[] = { "container-growth", "retained", "owner-growth", "not-heap", "leak" };

	CU_ASSERT_EQUAL(hc_diff_cause_count(series.diff), G_N_ELEMENTS(order));
	for (unsigned i = 0; i < MIN(hc_diff_cause_count(series.diff), G_N_ELEMENTS(order)); i++)
		UNIT_ASSERT_TEXT(told_cause(series.diff, i).kind, order[i]);
	UNIT_ASSERT_CONTAINS(cause_of(series.diff, "retained").text,
		"free memory that malloc keeps grew by 4.0 MiB (28.5 % of the growth), to 4.0 MiB: malloc_trim(0) would give back 3.0 MiB of the 4.0 MiB that are free");
	CU_ASSERT_EQUAL(hc_diff_growth(series.diff), hc_diff_memory_growth(series.diff) + 64 * MIB);
	g_auto(GStrv) lines = g_strsplit(verdict_of(series.diff), "\n", -1);

	CU_ASSERT_EQUAL(g_strv_length(lines), 4); /* three causes, and what it is not */
	UNIT_ASSERT_CONTAINS(lines[3], "2 smaller causes are in the table.");
	series_clear(&series);
}

/* Blocks that stand apart leave free memory between them: who has these comes first, unless he has little of what grew. */
static void test_free_between(void)
{
	static const struct {
		uint64_t own, between;
		const char *first;
	} cases[] = { { 3 * MIB, 3 * MIB, "owner-growth" }, { 3 * MIB, 2 * MIB, "retained" },
		{ MIB, 3 * MIB, "retained" }, { 5 * MIB, 3 * MIB, "owner-growth" } };

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		snapshot_series series = series_create(2);
		uint32_t lines =
			snapshot_add_owner(series.list[1], HC_SNAPSHOT_NONE, "g_lines", "line *", 3, cases[i].own);

		snapshot_owner(series.list[1], lines)->free_between = cases[i].between;
		snapshot_add_owner(series.list[1], HC_SNAPSHOT_NONE, "g_config", "Config", 3, 2 * MIB);
		snapshot_add_memory(series.list[1], HC_ROW_FREE_TOP, 4 * MIB);
		make_diff(&series);
		const hc_growth *row = row_of(series.diff, HC_GROWTH_OWNER, "g_lines");
		const char *text = cause_of(series.diff, "retained").text;
		bool is_told = cases[i].own > MIB && cases[i].between == 3 * MIB;

		UNIT_ASSERT_TEXT(told_cause(series.diff, 0).kind, cases[i].first);
		CU_ASSERT_EQUAL(strstr(text, "3.0 MiB of it between blocks of g_lines") != NULL, is_told);
		CU_ASSERT(row && row->free_between_after == cases[i].between && !row->free_between_before);
		series_clear(&series);
	}
}

static void test_shrunk(void)
{
	snapshot_series series = series_create(2);

	snapshot_add_container(series.list[0], HC_SNAPSHOT_NONE, "g_log", "libstdc++ list", 10, 10, 5 * MIB);
	snapshot_add_owner(series.list[1], HC_SNAPSHOT_NONE, "g_config", "Config", 3, MIB);
	make_diff(&series);
	CU_ASSERT_EQUAL(hc_diff_memory_growth(series.diff), -4 * MIB);
	CU_ASSERT_TRUE(g_str_has_prefix(verdict_of(series.diff),
		"Memory shrank by 4.0 MiB; within it, though, what g_config (Config) leads to grew by 1.0 MiB, from 0 to 3 blocks."));
	series_clear(&series);
}

/* Malloc's own and libc's part come with every block, and are a cause only where they are much. */
static void test_overhead(void)
{
	snapshot_series series = series_create(2);

	snapshot_add_memory(series.list[1], HC_ROW_OVERHEAD, MIB);
	make_diff(&series);
	CU_ASSERT_EQUAL(
		row_of(series.diff, HC_GROWTH_OVERHEAD, "malloc's own (headers, arenas, end marks)")->bytes, MIB);
	UNIT_ASSERT_TEXT(cause_of(series.diff, "overhead").text,
		"malloc's own (headers, arenas, end marks) grew by 1.0 MiB (100.0 % of the growth)");
	series_clear(&series);
}

/* The program's own counters tell that a queue's consumer falls behind. */
static void test_backlog(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		uint64_t waiting = i ? 30000 : 200;
		uint32_t queue = snapshot_add_container(
			series.list[i], HC_SNAPSHOT_NONE, "g_jobs", "libstdc++ deque", waiting, waiting, waiting * 64);

		snapshot_owner(series.list[i], queue)->is_queue = true;
		snapshot_add_number(series.list[i], "g_other", 5);
		snapshot_add_number(series.list[i], "g_jobs_put", i ? 31000 : 1000);
		snapshot_add_number(series.list[i], "g_jobs_taken", i ? 1000 : 800);
		snapshot_add_number(series.list[i], "g_lowest", INT64_MIN);
		snapshot_add_number(series.list[i], "g_highest", INT64_MAX);
	}
	make_diff(&series);
	UNIT_ASSERT_CONTAINS(cause_of(series.diff, "backlog").text,
		"; a backlog: 30,000 more went in (g_jobs_put), only 200 came out (g_jobs_taken)");
	series_clear(&series);
}

/* A number that was the lowest of all, and is now what a counter would be. */
static void test_backlog_overflow(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		snapshot_add_container(series.list[i], HC_SNAPSHOT_NONE, "g_jobs", "libstdc++ deque",
			i ? 30000 : UINT64_MAX, 1, i ? MIB : 64);
		snapshot_add_number(series.list[i], "g_in", i ? 31000 : INT64_MIN);
		snapshot_add_number(series.list[i], "g_out", i ? 1000 : INT64_MAX);
	}
	make_diff(&series);
	CU_ASSERT_EQUAL(cause_of(series.diff, "backlog").bytes, INT64_MIN);
	series_clear(&series);
}

static void test_keys(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		uint64_t elements = i ? 60000 : 2000;
		hc_snapshot_owner *owner = snapshot_owner(
			series.list[i], snapshot_add_container(series.list[i], HC_SNAPSHOT_NONE, "g_labels",
						"libstdc++ map", elements, elements, elements * 64));

		owner->is_keyed = true;
		owner->keys_looked_at = 2000;
		owner->key_shapes = 1;
		owner->key = "/user/4711\033[1m";
		owner->key_shape = "/user/#";
	}
	make_diff(&series);
	g_autofree char *text = report(series.diff);

	/* As it is in the words, escaped where they are written out. */
	UNIT_ASSERT_CONTAINS(cause_of(series.diff, "unbounded-keys").text,
		"keys like \"/user/4711\033[1m\" differ in their numbers only (\"/user/#\")");
	UNIT_ASSERT_CONTAINS(text, "\"/user/4711\\x1b[1m\"");
	CU_ASSERT_PTR_NULL(strchr(text, '\033'));
	series_clear(&series);
}

/* How sure a sentence is follows from how the path was found, and from whether the core could be read. */
static void test_confidence(void)
{
	static const hc_diagnostic_kind missing = { "test-missing", HC_SEVERITY_PARTIAL, "of memory are missing" };
	static const struct {
		hc_certainty certainty;
		hc_grade grade;
		bool is_partial;
		hc_confidence confidence;
	} examples[] = {
		{ HC_CERTAINTY_CERTAIN, HC_GRADE_EXACT, false, HC_CONFIDENCE_CERTAIN },
		{ HC_CERTAINTY_CERTAIN, HC_GRADE_EXACT, true, HC_CONFIDENCE_LIKELY },
		{ HC_CERTAINTY_CERTAIN, HC_GRADE_TRUNCATED, false, HC_CONFIDENCE_LIKELY },
		{ HC_CERTAINTY_DEDUCED, HC_GRADE_EXACT, false, HC_CONFIDENCE_LIKELY },
		{ HC_CERTAINTY_GUESS, HC_GRADE_EXACT, true, HC_CONFIDENCE_POSSIBLE },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(examples); i++) {
		snapshot_series series = series_create(2);
		hc_snapshot_owner *owner =
			snapshot_owner(series.list[1], snapshot_add_container(series.list[1], HC_SNAPSHOT_NONE, "g_log",
							       "libstdc++ list", 10, 10, 5 * MIB));

		owner->certainty = examples[i].certainty;
		owner->grade = examples[i].grade;
		if (examples[i].is_partial)
			hc_diagnostics_add(series.list[0]->diagnostics, &missing, 4096, NULL);
		make_diff(&series);
		CU_ASSERT_EQUAL(cause_of(series.diff, "container-growth").confidence, examples[i].confidence);
		CU_ASSERT_EQUAL(strstr(cause_of(series.diff, "container-growth").text, "; this is a guess") != NULL,
			examples[i].confidence == HC_CONFIDENCE_POSSIBLE);
		series_clear(&series);
	}
}

/* A core in the middle counts too: whether growth is steady is told from it. */
static void test_partial(void)
{
	static const hc_diagnostic_kind missing = { "test-missing", HC_SEVERITY_PARTIAL, "of memory are missing" };
	snapshot_series series = series_create(3);

	make_diff(&series);
	CU_ASSERT_FALSE(hc_diff_is_partial(series.diff));
	hc_diagnostics_add(series.list[1]->diagnostics, &missing, 4096, NULL);
	CU_ASSERT_TRUE(hc_diff_is_partial(series.diff));
	series_clear(&series);
}

/* Memory of which the table has nothing; where a snapshot does not know, or few more threads wait, nothing is said of them. */
static void test_unjoined(void)
{
	for (unsigned variant = 0; variant < 3; variant++) {
		snapshot_series series = series_create(2);
		const char *verdict;

		series.list[0]->knows_unjoined = variant != 1;
		series.list[0]->unjoined = (hc_unjoined){ 20, 20 * MIB, MIB / 2, true, "play", 20 };
		series.list[1]->knows_unjoined = true;
		series.list[1]->unjoined =
			(hc_unjoined){ variant == 2 ? 29 : 420, 420 * MIB, 10 * MIB, true, "play", 400 };
		series.list[1]->total += 400 * MIB;
		make_diff(&series);
		verdict = verdict_of(series.diff);
		CU_ASSERT_EQUAL(hc_diff_cause_count(series.diff), variant ? 0 : 1);
		if (variant) {
			UNIT_ASSERT_TEXT(verdict, "Memory did not grow, but address space grew by 400.0 MiB.");
		} else {
			CU_ASSERT_EQUAL(cause_of(series.diff, "not-heap").bytes, 10 * MIB - MIB / 2);
			UNIT_ASSERT_CONTAINS(verdict,
				"Memory did not grow, but address space grew by 400.0 MiB: 400 more threads ended and were "
				"not joined (420 now): 400 of them began in play; their stacks keep 400.0 MiB more of "
				"address space, 9.5 MiB more of it resident: not this heap.");
		}
		series_clear(&series);
	}
}

/* What waits in sockets is beside the memory table. */
static void test_sockets(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		hc_side_facts *facts = hc_side_facts_new();

		facts->unread = i ? 9 * MIB : 1000;
		facts->sockets[HC_SOCKET_UDP] = (hc_socket_sum){ 8, 8, facts->unread, 0 };
		facts->time = 1000 + i * 600;
		series.list[i]->side_facts = facts;
	}
	make_diff(&series);
	CU_ASSERT_EQUAL(hc_diff_memory_growth(series.diff), 0);
	CU_ASSERT_EQUAL(hc_diff_kernel_growth(series.diff), 9 * MIB - 1000);
	UNIT_ASSERT_TEXT(cause_of(series.diff, "not-heap").name, "sockets");
	UNIT_ASSERT_CONTAINS(cause_of(series.diff, "not-heap").text,
		"heap +0 B; 8 UDP sockets hold 9.0 MiB unread, 9.0 MiB more than before: kernel memory, not this heap");
	UNIT_ASSERT_CONTAINS(intern(hc_word_sameness(series.diff)), "10 minutes apart");
	series_clear(&series);
}

static void test_no_types(void)
{
	snapshot_series series = series_create(2);

	series.list[1]->has_types = false;
	snapshot_add_unowned(series.list[1], 40, 100000, 0);
	make_diff(&series);
	UNIT_ASSERT_CONTAINS(verdict_of(series.diff), "Containers were not looked at (--no-types).");
	series_clear(&series);
}

/* Where owners are not known, containers may well have grown. */
static void test_containers_not_known(void)
{
	snapshot_series series = series_create(2);

	snapshot_add_unowned(series.list[1], 40, 100000, 0);
	make_diff(&series);
	UNIT_ASSERT_CONTAINS(verdict_of(series.diff),
		"\nNo container that is known grew, but of much that is held the type is not known: debug info may tell more.");
	series_clear(&series);
}

/* A container with a broken link has few blocks, and says how many elements it has. */
static void test_broken_container(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		uint32_t index = snapshot_add_container(
			series.list[i], HC_SNAPSHOT_NONE, "g_jobs", "libstdc++ map", 1000 + i * 49000, 1000, 72000);

		snapshot_owner(series.list[i], index)->grade = i ? HC_GRADE_TRUNCATED : HC_GRADE_EXACT;
		snapshot_add_unowned(series.list[i], 72, 10 + i * 49000, 0);
	}
	make_diff(&series);
	UNIT_ASSERT_CONTAINS(cause_of(series.diff, "held").text, "; perhaps they are of g_jobs");
	UNIT_ASSERT_CONTAINS(
		cause_of(series.diff, "held").text, "which says that it grew from 1,000 to 50,000 elements");
	UNIT_ASSERT_CONTAINS(verdict_of(series.diff), "No container that could be read whole grew.");
	series_clear(&series);
}

/* No heap, but malloc's state is there and says that there was none yet: nothing is unknown. */
static void test_unused_heap(void)
{
	snapshot_series series = series_create(2);

	series.list[0]->heap.found = false;
	series.list[0]->heap.state = HC_HEAP_UNUSED;
	snapshot_add_memory(series.list[1], HC_ROW_FILES, MIB);
	make_diff(&series);
	UNIT_ASSERT_CONTAINS(verdict_of(series.diff), "malloc had not been used yet in the first core. ");
	CU_ASSERT_PTR_NULL(strstr(verdict_of(series.diff), "not known"));
	CU_ASSERT_EQUAL(cause_of(series.diff, "not-heap").confidence, HC_CONFIDENCE_CERTAIN);
	series_clear(&series);
}

/* A core that was cut has no heap to be found: then nothing is said of containers and of free memory. */
static void test_no_heap(void)
{
	snapshot_series series = series_create(2);

	series.list[1]->heap.found = false;
	series.list[1]->libc_start = 0;
	snapshot_add_memory(series.list[1], HC_ROW_FILES, MIB);
	make_diff(&series);
	CU_ASSERT_EQUAL(hc_diff_sameness(series.diff), HC_SAME_PROCESS);
	UNIT_ASSERT_CONTAINS(verdict_of(series.diff), "No heap was found in the last core");
	CU_ASSERT_EQUAL(cause_of(series.diff, "not-heap").confidence, HC_CONFIDENCE_POSSIBLE);
	UNIT_ASSERT_CONTAINS(cause_of(series.diff, "not-heap").text, ": the heap may be among it");
	CU_ASSERT_PTR_NULL(strstr(verdict_of(series.diff), "Containers"));
	CU_ASSERT_PTR_NULL(strstr(verdict_of(series.diff), "won't help"));
	series_clear(&series);
}

/* Adds what was cut off of a core to its memory table. */
static void tear(hc_snapshot *snapshot)
{
	hc_memory_row row = { .id = HC_ROW_TRUNCATED, .bytes = MIB };

	g_array_append_val(snapshot->memory, row);
}

/* Of a torn core only what was read whole in every one is told: no lost blocks, no unknown owners, no container that ends early. */
static void test_torn(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		hc_snapshot *snapshot = series.list[i];
		uint64_t more = i * 1000;

		snapshot_add_container(snapshot, HC_SNAPSHOT_NONE, "g_whole", "libstdc++ map", 1000 + more, 1000 + more,
			(1000 + more) * 1000);
		snapshot_add_container(snapshot, HC_SNAPSHOT_NONE, "g_early", "libstdc++ list", 1000, 1000 - more,
			(1000 - more) * 1000);
		snapshot_add_container(snapshot, HC_SNAPSHOT_NONE, "g_same", "libstdc++ set", 50, 50, 5000);
		if (!i)
			snapshot_add_container(snapshot, HC_SNAPSHOT_NONE, "g_gone", "libstdc++ deque", 10, 10, 100000);
		snapshot_add_lost(snapshot, "k", NULL, 10 + more, 1000 + 1000 * more);
		snapshot_add_unowned(snapshot, 64, 100 + 100 * more, 0);
	}
	snapshot_owner(series.list[1], 1)->grade = HC_GRADE_TRUNCATED;
	tear(series.list[1]);
	make_diff(&series);
	CU_ASSERT_TRUE(hc_diff_is_torn(series.diff));
	for (unsigned i = 0; i < hc_diff_attribution_count(series.diff); i++) {
		const hc_growth *row = hc_diff_attribution(series.diff, i);

		CU_ASSERT_NOT_EQUAL(row->kind, HC_GROWTH_LOST);
		CU_ASSERT_NOT_EQUAL(row->kind, HC_GROWTH_HELD);
		CU_ASSERT_TRUE(g_strcmp0(row->name, "g_early"));
		CU_ASSERT_TRUE(g_strcmp0(row->name, "g_gone"));
	}
	CU_ASSERT_EQUAL(cause_of(series.diff, "container-growth").bytes, 1000000);
	CU_ASSERT_EQUAL(hc_diff_cause_count(series.diff), 1);
	CU_ASSERT_TRUE(is_steady(series.diff, "g_same"));
	CU_ASSERT_FALSE(is_steady(series.diff, "g_early"));
	UNIT_ASSERT_CONTAINS(verdict_of(series.diff), "Core B was cut: 1.0 MiB of its memory are missing.");
	UNIT_ASSERT_CONTAINS(verdict_of(series.diff), "What could be read whole: g_whole");
	CU_ASSERT_PTR_NULL(strstr(verdict_of(series.diff), "Memory grew"));
	series_clear(&series);
}

/* What fell to nothing did not grow; steady it is not. */
static void test_fallen(void)
{
	snapshot_series series = series_create(2);

	snapshot_add_container(series.list[0], HC_SNAPSHOT_NONE, "g_fallen", "libstdc++ map", 1000, 1000, 100000);
	snapshot_add_container(series.list[1], HC_SNAPSHOT_NONE, "g_fallen", "libstdc++ map", 0, 0, 0);
	make_diff(&series);
	CU_ASSERT_FALSE(is_steady(series.diff, "g_fallen"));
	series_clear(&series);
}

/* Of another allocator's memory glibc's books say nothing, neither of containers nor of what is free. */
static void test_foreign(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++)
		series.list[i]->heap.foreign = "jemalloc";
	snapshot_add_memory(series.list[1], HC_ROW_FILES, MIB);
	make_diff(&series);
	UNIT_ASSERT_CONTAINS(
		verdict_of(series.diff), "The program's allocator is jemalloc: of its blocks nothing is known");
	CU_ASSERT_PTR_NULL(strstr(verdict_of(series.diff), "Containers"));
	CU_ASSERT_PTR_NULL(strstr(verdict_of(series.diff), "won't help"));
	series_clear(&series);
}

/* ---- the whole ---- */

/* A row that only one of the tables has. */
static void test_rows_of_one(void)
{
	snapshot_series series = series_create(2);
	hc_memory_row shared = {
		.id = HC_ROW_SHARED, .bytes = 40960, .count = 1, .unit = "mappings", .is_memory = true
	};

	g_array_append_val(series.list[0]->memory, shared);
	make_diff(&series);
	const hc_diff_row *row = hc_diff_row_get(series.diff, hc_diff_row_count(series.diff) - 1);

	CU_ASSERT_EQUAL(row->id, HC_ROW_SHARED);
	CU_ASSERT_EQUAL(row->bytes_a, 40960);
	CU_ASSERT_EQUAL(row->bytes_b, 0);
	CU_ASSERT_EQUAL(row->growth, -40960);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_MAPPING, "shared memory")->bytes, -40960);
	series_clear(&series);
}

/* 100 MiB of mappings, of which so many were in memory; 50 MiB of free memory likewise. */
static void make_resident(hc_snapshot *snapshot, uint64_t mapped, uint64_t kept)
{
	hc_memory_row row = {
		.id = HC_ROW_ANONYMOUS, .bytes = 100 << 20, .count = 1, .unit = "mappings", .is_memory = true
	};

	row.resident.resident = mapped;
	g_array_append_val(snapshot->memory, row);
	snapshot_add_memory(snapshot, HC_ROW_FREE_TOP, 50 << 20);
	snapshot_row(snapshot, HC_ROW_FREE_TOP)->resident.resident = kept;
	snapshot->knows_resident = true;
}

static bool is_steady_row(const hc_diff *diff, hc_row_id id)
{
	for (unsigned i = 0; i < hc_diff_steady_count(diff); i++)
		if (hc_diff_steady(diff, i)->row == id)
			return true;
	return false;
}

/* Not a byte more is mapped, but 40 MiB of it were touched. */
static void test_resident(void)
{
	snapshot_series series = series_create(2);

	make_resident(series.list[0], 10 << 20, 50 << 20);
	make_resident(series.list[1], 50 << 20, 50 << 20);
	make_diff(&series);
	CU_ASSERT_TRUE(hc_diff_knows_resident(series.diff));
	CU_ASSERT_EQUAL(hc_diff_resident_growth(series.diff), 40 << 20);
	CU_ASSERT_EQUAL(hc_diff_memory_growth(series.diff), 0);
	CU_ASSERT_EQUAL(hc_diff_cause_count(series.diff), 1);
	CU_ASSERT_EQUAL(hc_diff_cause(series.diff, 0)->resident, 40 << 20);
	CU_ASSERT_FALSE(is_steady_row(series.diff, HC_ROW_ANONYMOUS));
	UNIT_ASSERT_CONTAINS(verdict_of(series.diff),
		"Resident memory grew by 40.0 MiB, memory did not change: other anonymous mappings grew by 40.0 MiB of "
		"resident memory (100.0 % of its growth): not this heap");
	g_autofree char *text = report(series.diff);

	UNIT_ASSERT_CONTAINS(text, "+40.0 MiB");
	series_clear(&series);
}

/* 8 of 12 MiB that were lost are in memory: by kind where snapshots have that, else by the memory table, and never by both. */
static void test_resident_lost(void)
{
	for (unsigned by_kind = 0; by_kind < 2; by_kind++) {
		snapshot_series series = series_create(2);

		for (unsigned i = 0; i < 2; i++) {
			make_resident(series.list[i], 10 << 20, 50 << 20);
			snapshot_add_memory(series.list[i], HC_ROW_LOST, i * 12 << 20);
			snapshot_row(series.list[i], HC_ROW_LOST)->resident.resident = i * 8 << 20;
			series.list[i]->knows_lost_resident = by_kind;
		}
		snapshot_add_lost(series.list[1], "size 40", NULL, 300000, 12 << 20)->resident = by_kind ? 8 << 20 : 0;
		make_diff(&series);
		CU_ASSERT_EQUAL(hc_diff_cause(series.diff, 0)->kind, HC_CAUSE_LEAK);
		CU_ASSERT_EQUAL(hc_diff_cause(series.diff, 0)->bytes, 12 << 20);
		CU_ASSERT_EQUAL(hc_diff_cause(series.diff, 0)->resident, 8 << 20);
		series_clear(&series);
	}
}

/* After malloc_trim(): what is mapped is the same. */
static void test_resident_shrank(void)
{
	snapshot_series series = series_create(2);

	make_resident(series.list[0], 10 << 20, 50 << 20);
	make_resident(series.list[1], 10 << 20, 2 << 20);
	make_diff(&series);
	CU_ASSERT_EQUAL(hc_diff_resident_growth(series.diff), -(48 << 20));
	CU_ASSERT_TRUE(is_steady_row(series.diff, HC_ROW_ANONYMOUS));
	UNIT_ASSERT_TEXT(verdict_of(series.diff),
		"Resident memory shrank by 48.0 MiB, memory did not change (malloc gave 48.0 MiB back to the system and keeps them mapped).");
	series_clear(&series);
}

/* Why less is resident than is mapped: of each kind of memory so much as is neither in memory nor swapped out. */
static void test_absent(void)
{
	snapshot_series series = series_create(2);
	hc_absent absent[HC_ABSENT_COUNT];

	make_resident(series.list[0], 80 << 20, 50 << 20);
	make_resident(series.list[1], 10 << 20, 50 << 20);
	snapshot_row(series.list[1], HC_ROW_ANONYMOUS)->bytes += 5 << 20;
	snapshot_row(series.list[1], HC_ROW_ANONYMOUS)->resident.swapped = 20 << 20;
	snapshot_row(series.list[1], HC_ROW_FREE_TOP)->resident = (hc_resident){ 20 << 20, 30 << 20 };
	make_diff(&series);
	CU_ASSERT_EQUAL(hc_diff_absent(series.diff, absent), 2);
	CU_ASSERT_EQUAL(absent[0].kind, HC_ABSENT_ANONYMOUS);
	CU_ASSERT_EQUAL(absent[0].bytes, 55 << 20);
	CU_ASSERT_FALSE(absent[0].is_given_back);
	CU_ASSERT_EQUAL(absent[1].kind, HC_ABSENT_SWAPPED);
	CU_ASSERT_EQUAL(absent[1].bytes, 50 << 20);
	UNIT_ASSERT_CONTAINS(verdict_of(series.diff),
		"Resident memory shrank by 100.0 MiB, but memory grew by 5.0 MiB (55.0 MiB more of anonymous mappings are "
		"mapped, but not in memory: not touched, or given back; 50.0 MiB more are swapped out)");
	series_clear(&series);
}

/* What is resident moved as what is mapped did: there is nothing to explain. */
static void test_nothing_absent(void)
{
	snapshot_series series = series_create(2);
	hc_absent absent[HC_ABSENT_COUNT];

	make_resident(series.list[0], 10 << 20, 50 << 20);
	make_resident(series.list[1], 30 << 20, 50 << 20);
	snapshot_row(series.list[1], HC_ROW_ANONYMOUS)->bytes += 30 << 20;
	make_diff(&series);
	CU_ASSERT_EQUAL(hc_diff_absent(series.diff, absent), 0);
	series_clear(&series);
}

/* What a runtime has of a row grows by itself; what paths have of it is theirs. */
static void test_runtimes(void)
{
	snapshot_series series = series_create(2);

	for (unsigned i = 0; i < 2; i++) {
		hc_snapshot_use use = { .part = { .row = HC_ROW_ANONYMOUS,
						.use = { HC_RUNTIME_JAVA, NULL, true },
						.bytes = 60 << 20,
						.resident = { (10 + 30 * i) << 20, 0 } },
			.outside = 0 };
		hc_snapshot_use other = { .part = { .row = HC_ROW_ANONYMOUS,
						  .use = { HC_RUNTIME_ALLOCATOR, "mimalloc", false },
						  .bytes = 20 << 20,
						  .resident = { 8 << 20, 0 } },
			.outside = (2 + 2 * i) << 20,
			.outside_resident = (2 + 2 * i) << 20 };
		uint32_t path = snapshot_add_owner(series.list[i], HC_SNAPSHOT_NONE, "g_kept", NULL, 0, 0);

		snapshot_owner(series.list[i], path)->outside = other.outside;
		snapshot_owner(series.list[i], path)->outside_resident = other.outside;
		make_resident(series.list[i], (20 + 30 * i) << 20, 50 << 20);
		series.list[i]->knows_uses = true;
		g_array_append_val(series.list[i]->uses, use);
		g_array_append_val(series.list[i]->uses, other);
	}
	make_diff(&series);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_MAPPING, "the Java heap")->resident, 30 << 20);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_MAPPING, "the Java heap")->before, 60 << 20);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_MAPPING, "probably memory of mimalloc")->before, 18 << 20);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_MAPPING, "probably memory of mimalloc")->bytes, -(2 << 20));
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_MAPPING, "other anonymous mappings")->before, 20 << 20);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_MAPPING, "other anonymous mappings")->resident, 0);
	CU_ASSERT_EQUAL(hc_diff_cause(series.diff, 0)->confidence, HC_CONFIDENCE_CERTAIN);
	UNIT_ASSERT_CONTAINS(verdict_of(series.diff),
		"Resident memory grew by 30.0 MiB, memory did not change: the Java heap grew by 30.0 MiB of resident memory "
		"(100.0 % of its growth): not malloc's");
	series_clear(&series);
}

/* One side does not know: then nothing is said of it. */
static void test_resident_not_known(void)
{
	snapshot_series series = series_create(2);

	make_resident(series.list[0], 10 << 20, 50 << 20);
	make_resident(series.list[1], 50 << 20, 50 << 20);
	series.list[0]->knows_resident = false;
	make_diff(&series);
	CU_ASSERT_FALSE(hc_diff_knows_resident(series.diff));
	CU_ASSERT_EQUAL(hc_diff_resident_growth(series.diff), 0);
	CU_ASSERT_EQUAL(hc_diff_cause_count(series.diff), 0);
	CU_ASSERT_TRUE(is_steady_row(series.diff, HC_ROW_ANONYMOUS));
	UNIT_ASSERT_TEXT(verdict_of(series.diff), "Memory did not grow.");
	series_clear(&series);
}

/* What does not add up stays visible: the memory table has 5000 bytes that no table of blocks has. */
static void test_rest(void)
{
	snapshot_series series = series_create(2);

	snapshot_row(series.list[1], HC_ROW_IN_USE)->bytes += 5000;
	series.diff = hc_diff_create((const hc_snapshot *const *)series.list, series.count);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_REST, "rest, not attributed")->bytes, 5000);
	series_clear(&series);
}

static hc_sameness sameness(snapshot_series *series)
{
	g_autoptr(hc_diff) diff = hc_diff_create((const hc_snapshot *const *)series->list, series->count);

	CU_ASSERT_PTR_NOT_NULL(intern(hc_word_sameness(diff)));
	return hc_diff_sameness(diff);
}

static void test_sameness(void)
{
	snapshot_series series = series_create(3);
	hc_snapshot *last = series.list[2];

	CU_ASSERT_EQUAL(sameness(&series), HC_SAME_PROCESS);
	last->program_start += 4096; /* the pid again, but loaded elsewhere */
	CU_ASSERT_EQUAL(sameness(&series), HC_SAME_PROGRAM);
	last->program_start -= 4096;
	last->libc_start += 4096;
	CU_ASSERT_EQUAL(sameness(&series), HC_SAME_PROGRAM);
	last->libc_start -= 4096;
	last->random = "00"; /* executed anew, without randomised addresses */
	CU_ASSERT_EQUAL(sameness(&series), HC_SAME_PROGRAM);
	last->random = NULL;
	CU_ASSERT_EQUAL(sameness(&series), HC_SAME_PROCESS);
	snapshot_be_process(last, 100);
	CU_ASSERT_EQUAL(sameness(&series), HC_SAME_PROGRAM);
	last->build_id = "dd44";
	CU_ASSERT_EQUAL(sameness(&series), HC_OTHER_BUILD);
	last->program = "python3";
	CU_ASSERT_EQUAL(sameness(&series), HC_OTHER_PROGRAM);
	last->build_id = NULL;
	CU_ASSERT_EQUAL(sameness(&series), HC_OTHER_PROGRAM);
	last->program = "logic_worker";
	CU_ASSERT_EQUAL(sameness(&series), HC_SAME_UNKNOWN);
	series_clear(&series);
}

/* Of two builds everything that has a name is compared all the same; that they are two is said first. */
static void test_builds(void)
{
	snapshot_series series = series_create(2);

	snapshot_add_container(series.list[0], HC_SNAPSHOT_NONE, "g_log", "libstdc++ list", 10, 10, 1000);
	snapshot_be_process(series.list[1], 100);
	series.list[1]->build_id = "dd44";
	snapshot_add_container(series.list[1], HC_SNAPSHOT_NONE, "g_log", "libstdc++ list", 1000, 1000, 100000);
	make_diff(&series);
	CU_ASSERT_EQUAL(row_of(series.diff, HC_GROWTH_CONTAINER, "g_log")->bytes, 99000);
	CU_ASSERT_TRUE(g_str_has_prefix(
		verdict_of(series.diff), "These are different builds. Memory grew by 96.7 KiB: g_log"));
	series_clear(&series);
}

static void test_figures(void)
{
	snapshot_series series = series_create(2);
	int64_t growth;

	for (unsigned i = 0; i < 2; i++) {
		uint32_t table =
			snapshot_add_container(series.list[i], HC_SNAPSHOT_NONE, "a->b", "libstdc++ map", 10, 1, 100);

		snapshot_add_container(
			series.list[i], table, "a->b[].list", "libstdc++ list", 5 + i * 95, 1, 50 + i * 9000);
	}
	snapshot_add_lost(series.list[1], "size 40", NULL, 10, 400);
	make_diff(&series);
	CU_ASSERT_TRUE(hc_diff_figure(series.diff, "container:a->b.elements", &growth) && growth == 0);
	CU_ASSERT_TRUE(hc_diff_figure(series.diff, "container:a->b.bytes", &growth) && growth == 9000);
	CU_ASSERT_TRUE(hc_diff_figure(series.diff, "container:a->b.count", &growth) && growth == 0);
	CU_ASSERT_TRUE(hc_diff_figure(series.diff, "container:a->b[].list.elements", &growth) && growth == 95);
	CU_ASSERT_TRUE(hc_diff_figure(series.diff, "lost", &growth) && growth == 10);
	CU_ASSERT_TRUE(hc_diff_figure(series.diff, "lost-bytes", &growth) && growth == 400);
	CU_ASSERT_TRUE(hc_diff_figure(series.diff, "in-use-bytes", &growth) && growth == 9400);
	CU_ASSERT_TRUE(hc_diff_figure(series.diff, "files-bytes", &growth) && growth == 0);
	CU_ASSERT_FALSE(hc_diff_figure(series.diff, "container:a.elements", &growth));
	CU_ASSERT_FALSE(hc_diff_figure(series.diff, "container:a->b", &growth));
	CU_ASSERT_FALSE(hc_diff_figure(series.diff, "container:a->b.size", &growth));
	CU_ASSERT_FALSE(hc_diff_figure(series.diff, "container:", &growth));
	CU_ASSERT_FALSE(hc_diff_figure(series.diff, "files", &growth));
	series_clear(&series);
}

static void test_report(void)
{
	snapshot_series series = series_create(3);
	g_autoptr(GString) text = g_string_new(NULL);
	hc_report_options options = { .write = unit_append, .write_data = text };

	for (unsigned i = 0; i < 3; i++) {
		snapshot_add_container(series.list[i], HC_SNAPSHOT_NONE, "g_log\033", "libstdc++ list", 10 + i * 1000,
			10, 1000 + (uint64_t)i * MIB);
		snapshot_add_container(series.list[i], HC_SNAPSHOT_NONE, "g_zones", "libstdc++ list", 10, 10, 400);
	}
	make_diff(&series);
	CU_ASSERT_TRUE(hc_report_diff(series.diff, &options, NULL));
	UNIT_ASSERT_CONTAINS(text->str, "A  core.8901: ");
	UNIT_ASSERT_CONTAINS(text->str, "C  core.8901: ");
	UNIT_ASSERT_CONTAINS(text->str, "VERDICT  Memory grew by 2.0 MiB: g_log\\x1b (");
	UNIT_ASSERT_CONTAINS(text->str, "+2.0 MiB  100.0%");
	UNIT_ASSERT_CONTAINS(text->str, "g_zones 10 -> 10");
	CU_ASSERT_PTR_NULL(strchr(text->str, '\033'));
	series_clear(&series);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "a snapshot with its like", test_nothing },
		{ "lost blocks by kind", test_lost },
		{ "lost objects with what they lead to", test_lost_trees },
		{ "lost in rings, and of no library", test_lost_rings },
		{ "lost for a while", test_lost_in_between },
		{ "a container that explains what is below", test_container_explains },
		{ "elements that are larger than before", test_larger_elements },
		{ "elements that may be fewer", test_at_most },
		{ "a table that explains nothing", test_table_explains_nothing },
		{ "paths of one snapshot", test_paths_of_one },
		{ "elements that are not counted any more", test_not_counted },
		{ "big buffers", test_buffers },
		{ "moved between heap and mapping", test_moved },
		{ "there before, on another path", test_changed_hands },
		{ "another process", test_changed_process },
		{ "a large block on another path", test_changed_buffer },
		{ "outside of the heap, by words behind a type", test_changed_frames },
		{ "elements that moved, and few that did", test_not_changed_hands },
		{ "few blocks of the sample that moved", test_few_changed_hands },
		{ "grown in place", test_grown_in_place },
		{ "found by themselves", test_found },
		{ "no type", test_no_type },
		{ "statics of one name", test_statics_of_one_name },
		{ "threads of another process", test_threads_of_other_process },
		{ "threads of one process", test_threads_of_one_process },
		{ "threads that grow alike", test_threads_alike },
		{ "one thread of many", test_threads_not_alike },
		{ "many that grow by little", test_many_little },
		{ "little that was lost", test_little_lost },
		{ "a container that its words tell", test_container_by_words },
		{ "owner not known", test_unowned },
		{ "trends", test_trend },
		{ "warm-up", test_warm_up },
		{ "sentences in order", test_order },
		{ "free memory between blocks", test_free_between },
		{ "shrinking", test_shrunk },
		{ "malloc's own", test_overhead },
		{ "a backlog by the program's counters", test_backlog },
		{ "counters at their limits", test_backlog_overflow },
		{ "keys", test_keys },
		{ "confidence", test_confidence },
		{ "a core that was not read whole", test_partial },
		{ "sockets", test_sockets },
		{ "threads that nobody joined", test_unjoined },
		{ "no types", test_no_types },
		{ "containers not known", test_containers_not_known },
		{ "a container that could not be read whole", test_broken_container },
		{ "no heap", test_no_heap },
		{ "a heap not used yet", test_unused_heap },
		{ "torn", test_torn },
		{ "fallen", test_fallen },
		{ "another allocator", test_foreign },
		{ "rows of one table", test_rows_of_one },
		{ "resident memory", test_resident },
		{ "resident memory of what was lost", test_resident_lost },
		{ "resident memory shrank", test_resident_shrank },
		{ "resident memory of one", test_resident_not_known },
		{ "why less is resident", test_absent },
		{ "nothing to explain", test_nothing_absent },
		{ "runtimes", test_runtimes },
		{ "rest", test_rest },
		{ "sameness", test_sameness },
		{ "two builds", test_builds },
		{ "figures by name", test_figures },
		{ "as text", test_report },
	};

	return unit_main("diff", cases, G_N_ELEMENTS(cases));
}
