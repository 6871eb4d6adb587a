/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A page is the reports that a person would ask for one after the other, in one file. Each is written as JSON, as the command with --json
 * writes it, with a limit of rows; read again; made to fit; and written between the style sheet and the script that draws it.
 *
 * Nothing from outside: the Content-Security-Policy has the hashes of the style sheet and of the script, and forbids all else. The data are no
 * script to a browser. Where scripts are not run, the text report stands.
 */
#include "reports/page.h"

#include "analysis/analysis.h"
#include "base/output_file.h"
#include "base/text.h"
#include "leaks/leaks.h"
#include "reports/parts.h"

#include <string.h>

enum {
	OWNER_ROWS = 400, /* of level 0 */
	OWNER_DEPTH = 8,
	OWNER_SHARES = 4000, /* rows of at least one in so many bytes */
	ROWS = 1000,	     /* of the other lists */
	TEXT_MAX = 1 << 16   /* of the report as text */
};

/* ---- reports, as the commands write them ---- */

static bool append(const char *text, size_t length, void *data)
{
	g_string_append_len(data, text, (gssize)length);
	return true;
}

/* As OPTIONS, but written to TEXT. */
static hc_report_options options_into(const hc_report_options *options, hc_report_format format, GString *text)
{
	return (hc_report_options){
		.format = format,
		.binary = options->binary,
		.repeated_options = options->repeated_options,
		.write = append,
		.write_data = text,
	};
}

/* What a report wrote to TEXT, a new reference; NULL if it FAILED. TEXT is emptied. */
static json_t *take(GString *text, bool failed)
{
	json_t *report = failed ? NULL : json_loadb(text->str, text->len, 0, NULL);

	g_string_truncate(text, 0);
	return report;
}

/* Sets PAGE's NAME to REPORT, whose reference is taken (NULL: there is none), at most BUDGET bytes of it. */
static void set_part(json_t *page, const char *name, json_t *report, const hc_page_list *lists, uint64_t budget)
{
	if (report && !hc_page_fit(report, lists, budget)) {
		json_decref(report);
		report = NULL;
	}
	hc_json_set(page, name, report ? report : json_null());
}

/* ---- the parts of an analysis, each with the bytes that it may take: about 2.7 MB in all ---- */

static void add_summary(json_t *page, const hc_analysis *analysis, const hc_report_options *options, GString *text)
{
	static const hc_page_list lists[] = { { "files.list", NULL }, { "findings", NULL }, { "arenas", "system_mem" },
		{ "references.missing", NULL }, { "memory.runtimes", "bytes" }, { "diagnostics", NULL },
		{ NULL, NULL } };

	set_part(page, "analyze", take(text, !hc_report_analysis(analysis, options, NULL)), lists, 450000);
}

/* Without what is retained where that cannot be told. */
static hc_ownership *find_owners(const hc_analysis *analysis, unsigned jobs)
{
	hc_ownership_options options = { .with_shared = true, .jobs = jobs };
	hc_ownership *ownership = hc_analysis_find_owners(analysis, &options, NULL);

	if (ownership)
		return ownership;
	options.no_retained = true;
	options.with_shared = false;
	return hc_analysis_find_owners(analysis, &options, NULL);
}

static void add_owners(
	json_t *page, const hc_analysis *analysis, unsigned jobs, const hc_report_options *options, GString *text)
{
	static const hc_page_list lists[] = { { "rows", "bytes" }, { "debug_info_gaps", NULL }, { NULL, NULL } };
	g_autoptr(hc_ownership) ownership = hc_analysis_types(analysis) ? find_owners(analysis, jobs) : NULL;
	uint64_t total = ownership ? hc_ownership_total(ownership).bytes + hc_ownership_outside(ownership) : 0;
	const hc_owners_view view = { .depth = OWNER_DEPTH, .limit = OWNER_ROWS, .minimum = total / OWNER_SHARES };
	bool failed = !ownership || !hc_report_owners(analysis, ownership, &view, options, NULL);

	set_part(page, "owners", take(text, failed), lists, 650000);
}

static void add_leaks(json_t *page, const hc_analysis *analysis, const hc_report_options *options, GString *text)
{
	static const hc_page_list lists[] = { { "groups", "bytes" }, { "mappings", "size" }, { "missing", NULL },
		{ NULL, NULL } };
	g_autoptr(hc_leaks) leaks = hc_analysis_find_leaks(analysis, NULL, NULL);
	const hc_leaks_view view = { .limit = ROWS };
	bool failed = !leaks || !hc_report_leaks(analysis, leaks, &view, options, NULL);

	set_part(page, "leaks", take(text, failed), lists, 400000);
}

static void add_tables(json_t *page, const hc_analysis *analysis, const hc_report_options *options, GString *text)
{
	static const hc_page_list containers[] = { { "containers", "bytes_below" }, { "debug_info_gaps", NULL },
		{ NULL, NULL } };
	static const hc_page_list types[] = { { "types", "bytes" }, { "debug_info_gaps", NULL }, { NULL, NULL } };
	static const hc_page_list mappings[] = { { "mappings", "size" }, { NULL, NULL } };
	static const hc_page_list pins[] = { { "runs", "whole_pages" }, { "holders", "pinned" },
		{ "debug_info_gaps", NULL }, { NULL, NULL } };
	static const hc_page_list map[] = { { "regions", "size" }, { NULL, NULL } };
	const hc_containers_view view = { .limit = ROWS };
	bool has_types = hc_analysis_types(analysis) != NULL;
	g_autoptr(hc_pins) found =
		hc_pins_create(hc_analysis_core(analysis), hc_analysis_blocks(analysis), hc_analysis_types(analysis));

	set_part(page, "containers", take(text, !has_types || !hc_report_containers(analysis, &view, options, NULL)),
		containers, 350000);
	set_part(page, "types", take(text, !has_types || !hc_report_types(analysis, ROWS, options, NULL)), types,
		250000);
	set_part(page, "pins", take(text, !hc_report_found_pins(analysis, found, ROWS, options, NULL)), pins, 120000);
	set_part(page, "mappings", take(text, !hc_report_mappings(analysis, options, NULL)), mappings, 300000);
	set_part(page, "map", hc_page_map(analysis, found), map, 220000);
}

/* ---- the file ---- */

static char *hash_of(const char *bytes, size_t length)
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	guint8 digest[32];
	gsize size = sizeof digest;
	g_autofree char *text = NULL;

	g_checksum_update(checksum, (const guchar *)bytes, (gssize)length);
	g_checksum_get_digest(checksum, digest, &size);
	text = g_base64_encode(digest, size);
	return g_strdup_printf("'sha256-%s'", text);
}

static void write_head(const char *title, hc_output *output)
{
	g_autofree char *style = hash_of(hc_page_style, hc_page_style_length),
			*script = hash_of(hc_page_script, hc_page_script_length),
			*escaped = g_markup_escape_text(title, -1);

	hc_output_printf(output,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src %s; script-src %s; "
		"img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
		"<meta name=\"generator\" content=\"heapcore %s\">\n<link rel=\"icon\" href=\"data:,\">\n<title>%s</title>\n<style>",
		style, script, hc_version(), escaped);
	hc_output_bytes(output, hc_page_style, hc_page_style_length);
	hc_output_text(output, "</style>\n</head>\n<body>\n");
}

/* The report as text, for who runs no scripts: whole lines, up to a size. */
static void write_text(GString *text, hc_output *output)
{
	g_autofree char *escaped = NULL;
	bool is_cut = text->len > TEXT_MAX;

	if (is_cut)
		g_string_truncate(text, TEXT_MAX);
	if (is_cut && strrchr(text->str, '\n'))
		g_string_truncate(text, (size_t)(strrchr(text->str, '\n') - text->str) + 1);
	escaped = g_markup_escape_text(text->str, -1);
	hc_output_printf(output,
		"<noscript>\n<p>This page is drawn by a script, which is not run here. The report as text:</p>\n"
		"<pre>%s%s</pre>\n</noscript>\n",
		escaped, is_cut ? "..." : "");
}

/* PAGE is taken. */
static bool write_page(json_t *page, const char *title, GString *text, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	write_head(title, output);
	write_text(text, output);
	hc_output_text(output, "<main id=\"page\"></main>\n<script type=\"application/json\" id=\"data\">");
	hc_page_write_json(output, page);
	hc_output_text(output, "</script>\n<script>");
	hc_output_bytes(output, hc_page_script, hc_page_script_length);
	hc_output_text(output, "</script>\n</body>\n</html>\n");
	json_decref(page);
	return hc_output_finish(output, error);
}

static json_t *begin_page(const char *title, const hc_report_options *json)
{
	json_t *page;

	hc_output_destroy(hc_output_create(json)); /* from here on jansson has its memory as in any report */
	page = hc_json_report("page");
	hc_json_set(page, "title", hc_json_text(title));
	return page;
}

/* What to type for more, without what comes behind: {"owners": "heapcore owners core.1 ./worker"}. */
static json_t *commands_json(const char *core_path, const hc_report_options *options)
{
	static const char *const names[] = { "owners", "leaks", "containers", "types", "arenas", "pins", "mappings",
		"chunks", "block", "path", "duplicates", "check", "threads" };
	json_t *commands = json_object();

	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *command = g_strdup_printf("%s CORE", names[i]),
				*line = hc_command_line(command, core_path, options);

		hc_json_set(commands, names[i], hc_json_text(line));
	}
	return commands;
}

bool hc_report_analysis_page(
	const hc_analysis *analysis, unsigned jobs, const hc_report_options *options, GError **error)
{
	const hc_core *core = hc_analysis_core(analysis);
	g_autoptr(GString) text = g_string_new(NULL);
	hc_report_options json = options_into(options, HC_REPORT_JSON, text),
			  plain = options_into(options, HC_REPORT_TEXT, text);
	g_autofree char *process = hc_process_title(hc_core_process(core), hc_core_thread_count(core));
	json_t *page = begin_page(process, &json);

	hc_json_set(page, "commands", commands_json(hc_core_name(core), options));
	add_summary(page, analysis, &json, text);
	add_owners(page, analysis, jobs, &json, text);
	add_leaks(page, analysis, &json, text);
	add_tables(page, analysis, &json, text);
	if (!hc_report_analysis(analysis, &plain, error)) {
		json_decref(page);
		return false;
	}
	return write_page(page, process, text, options, error);
}

bool hc_report_diff_page(const hc_diff *diff, const hc_report_options *options, GError **error)
{
	static const hc_page_list lists[] = { { "attribution", "bytes" }, { "sizes", "growth" }, { "steady", "after" },
		{ "sentences", NULL }, { "snapshots", NULL }, { "retained.holders", "pinned" }, { NULL, NULL } };
	const hc_snapshot *last = hc_diff_last(diff);
	g_autoptr(GString) text = g_string_new(NULL);
	hc_report_options json = options_into(options, HC_REPORT_JSON, text),
			  plain = options_into(options, HC_REPORT_TEXT, text);
	g_autofree char *process = hc_process_title(&last->process, last->thread_count),
			*title = g_strdup_printf("%s: %u snapshots", process, hc_diff_snapshot_count(diff));
	json_t *page = begin_page(title, &json);

	hc_json_set(page, "commands", commands_json(last->path, options));
	set_part(page, "diff", take(text, !hc_report_diff(diff, &json, NULL)), lists, 2500000);
	if (!hc_report_diff(diff, &plain, error)) {
		json_decref(page);
		return false;
	}
	return write_page(page, title, text, options, error);
}

/* ---- files ---- */

bool hc_report_may_write(const char *path, bool replace, GError **error)
{
	return hc_output_file_check(path, replace, error);
}

bool hc_report_write_file(const char *path, const char *bytes, size_t length, bool replace, GError **error)
{
	return hc_output_file_write(path, bytes, length, replace, error);
}
