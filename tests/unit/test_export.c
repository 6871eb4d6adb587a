/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exports of a process whose names mean something to whoever reads them: each format has them as text, and nothing else. */
#include "export/export_parts.h"
#include "report_process.h"
#include "unit.h"

#include <jansson.h>
#include <string.h>

/* A formula, a quote, a separator, a line break, what is no UTF-8, and what Graphviz takes for an escape. */
static const report_names hostile = {
	.process = "=1+\"a\";\nb\\N\xff",
	.session = "@Session;\"x\"\n\\N\xff,y",
};

/* What is written of ANALYSIS, or with SNAPSHOT of that; NULL, and the test has failed, if nothing is. */
static GString *export(hc_export_options options, const hc_analysis *analysis, const hc_snapshot *snapshot)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	bool done;

	options.write = unit_append;
	options.write_data = text;
	g_autoptr(hc_export) export = hc_export_begin(&options, &error);

	done = export &&
	       (snapshot ? hc_export_snapshot(export, snapshot, &error) :
			   hc_export_analysis(export, analysis, &error)) &&
	       hc_export_finish(export, &error);
	CU_ASSERT_TRUE(done);
	if (error)
		UNIT_ASSERT_TEXT(error->message, NULL);
	return done ? g_steal_pointer(&text) : NULL;
}

static char *of_table(const report_process *process, hc_export_format format, const char *table)
{
	GString *text = export((hc_export_options){ .format = format, .table = table }, process->analysis, NULL);

	return text ? g_string_free(text, FALSE) : g_strdup("");
}

static void test_csv(void)
{
	g_auto(report_process) process = report_process_create(&hostile);

	if (!report_process_run(&process))
		return;
	g_autofree char *text = of_table(&process, HC_EXPORT_CSV, "process"),
			*types = of_table(&process, HC_EXPORT_CSV, "types");

	CU_ASSERT_TRUE(g_str_has_prefix(text, "name,pid,"));
	UNIT_ASSERT_CONTAINS(text, "\r\n\"'=1+\"\"a\"\";\nb\\N\\xff\",");
	CU_ASSERT_TRUE(g_utf8_validate(text, -1, NULL));
	UNIT_ASSERT_CONTAINS(types, ",\"'@Session;\"\"x\"\"\n\\N\\xff,y\",");
	CU_ASSERT_TRUE(g_utf8_validate(types, -1, NULL));
}

static void test_ndjson(void)
{
	g_auto(report_process) process = report_process_create(&hostile);

	if (!report_process_run(&process))
		return;
	for (unsigned i = 0; hc_export_table_name(i); i++) {
		g_autofree char *text = of_table(&process, HC_EXPORT_NDJSON, hc_export_table_name(i));
		g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

		for (char **line = lines; *line && **line; line++) {
			json_t *object = json_loads(*line, JSON_REJECT_DUPLICATES, NULL);

			CU_ASSERT_TRUE(json_is_object(object));
			if (!strcmp(hc_export_table_name(i), "process"))
				UNIT_ASSERT_TEXT(
					json_string_value(json_object_get(object, "name")), "=1+\"a\";\nb\\N\\xff");
			json_decref(object);
		}
	}
}

/* Lines that have a figure at their end, and frames with ";" between only. */
static void test_folded(void)
{
	g_auto(report_process) process = report_process_create(&hostile);

	if (!report_process_run(&process))
		return;
	GString *text = export((hc_export_options){ .format = HC_EXPORT_FOLDED }, process.analysis, NULL);
	g_auto(GStrv) lines = g_strsplit(text ? text->str : "", "\n", -1);
	unsigned count = g_strv_length(lines);
	uint64_t sum = 0;

	for (unsigned i = 0; i + 1 < count; i++) {
		const char *space = strrchr(lines[i], ' ');

		CU_ASSERT_PTR_NOT_NULL(space);
		sum += space ? g_ascii_strtoull(space + 1, NULL, 10) : 0;
	}
	CU_ASSERT_EQUAL(
		sum, hc_blocks_amount(hc_analysis_blocks(process.analysis), HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes);
	if (text)
		g_string_free(text, TRUE);
}

static void test_dot(void)
{
	g_auto(report_process) process = report_process_create(&hostile);

	if (!report_process_run(&process))
		return;
	GString *text = export((hc_export_options){ .format = HC_EXPORT_DOT }, process.analysis, NULL);

	if (!text)
		return;
	/* What is escaped for people ("\n") stands there with each backslash doubled, and quotes escaped. */
	UNIT_ASSERT_CONTAINS(text->str, "@Session;\\\"x\\\"\\\\n\\\\\\\\N\\\\xff,y");
	g_string_free(text, TRUE);
}

static void test_metrics(void)
{
	static const char *const labels[] = { "a=b\n\"\\", NULL };
	g_auto(report_process) process = report_process_create(&hostile);

	if (!report_process_run(&process))
		return;
	g_autoptr(hc_snapshot) snapshot = hc_snapshot_create(process.analysis, NULL);

	if (!snapshot)
		return;
	GString *text =
		export((hc_export_options){ .format = HC_EXPORT_OPENMETRICS, .labels = labels }, NULL, snapshot);

	if (!text)
		return;
	UNIT_ASSERT_CONTAINS(text->str, "heapcore_memory_bytes{a=\"b\\n\\\"\\\\\",row=\"in-use\"} ");
	CU_ASSERT_TRUE(g_str_has_suffix(text->str, "\n# EOF\n"));
	CU_ASSERT_TRUE(g_utf8_validate(text->str, -1, NULL));
	g_string_free(text, TRUE);
}

/* Names that are too long are cut, and stay apart. */
static void test_long_names(void)
{
	g_auto(report_process) process = report_process_create(NULL);

	if (!report_process_run(&process))
		return;
	g_autoptr(hc_snapshot) snapshot = hc_snapshot_create(process.analysis, NULL);
	g_autofree char *first = g_strnfill(3000, 'x'), *second = g_strconcat(first, "y", NULL);

	g_array_set_size(snapshot->owners, 0);
	for (unsigned i = 0; i < 4; i++) {
		hc_snapshot_owner owner = {
			.parent = HC_SNAPSHOT_NONE,
			.path = i % 2 ? second : first,
			.own = { 1, 100 + i },
		};

		g_array_append_val(snapshot->owners, owner);
	}
	GString *text = export((hc_export_options){ .format = HC_EXPORT_OPENMETRICS }, NULL, snapshot);

	if (!text)
		return;
	g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
	unsigned count = 0;

	for (char **line = lines; *line; line++) {
		CU_ASSERT_TRUE(strlen(*line) < 250);
		count += g_str_has_prefix(*line, "heapcore_owner_bytes{owner=\"xxx");
	}
	CU_ASSERT_EQUAL(count, 2);
	UNIT_ASSERT_CONTAINS(text->str, "\"} 202\n");
	UNIT_ASSERT_CONTAINS(text->str, "\"} 204\n");
	g_string_free(text, TRUE);
}

static void test_labels(void)
{
	CU_ASSERT_TRUE(hc_export_is_label("team=a"));
	CU_ASSERT_TRUE(hc_export_is_label("_2="));
	CU_ASSERT_FALSE(hc_export_is_label("team"));
	CU_ASSERT_FALSE(hc_export_is_label("=a"));
	CU_ASSERT_FALSE(hc_export_is_label("2a=b"));
	CU_ASSERT_FALSE(hc_export_is_label("__a=b"));
	CU_ASSERT_FALSE(hc_export_is_label("a b=c"));
	CU_ASSERT_FALSE(hc_export_is_label("a\"=c"));
	CU_ASSERT_FALSE(hc_export_is_label("a=\xff"));
}

int main(void)
{
	static const unit_case cases[] = {
		{ "CSV", test_csv },
		{ "NDJSON", test_ndjson },
		{ "folded stacks", test_folded },
		{ "Graphviz", test_dot },
		{ "metrics", test_metrics },
		{ "long names", test_long_names },
		{ "labels", test_labels },
	};

	return unit_main("export", cases, G_N_ELEMENTS(cases));
}
