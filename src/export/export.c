/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export/export_parts.h"

#include <string.h>

static const struct {
	const char *name;
	bool is_text;
	bool is_table; /* it has rows, of a table or of a fleet */
	bool is_of_snapshot;
} formats[HC_EXPORT_FORMAT_COUNT] = {
	[HC_EXPORT_PPROF] = { "pprof" },
	[HC_EXPORT_FOLDED] = { "folded", .is_text = true },
	[HC_EXPORT_DOT] = { "dot", .is_text = true },
	[HC_EXPORT_SQLITE] = { "sqlite" },
	[HC_EXPORT_NDJSON] = { "ndjson", .is_text = true, .is_table = true },
	[HC_EXPORT_CSV] = { "csv", .is_text = true, .is_table = true },
	[HC_EXPORT_OPENMETRICS] = { "openmetrics", .is_text = true, .is_of_snapshot = true },
};

const char *hc_export_format_name(hc_export_format format)
{
	return formats[format].name;
}

bool hc_export_format_is_text(hc_export_format format)
{
	return formats[format].is_text;
}

bool hc_export_is_label(const char *text)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text || g_ascii_isdigit(*text) || g_str_has_prefix(text, "__") ||
		!g_utf8_validate(text, -1, NULL))
		return false;
	for (; text < equals; text++)
		if (!g_ascii_isalnum(*text) && *text != '_')
			return false;
	return true;
}

static bool refuse(GError **error, const char *what, const char *why)
{
	g_set_error(error, HC_ERROR, HC_ERROR_USAGE, "%s: %s", what, why);
	return false;
}

static bool check_labels(const hc_export_options *options, GError **error)
{
	bool is_metrics = options->format == HC_EXPORT_OPENMETRICS;

	for (const char *const *label = options->labels; label && *label; label++) {
		if (!hc_export_is_label(*label))
			return refuse(
				error, *label, "it is no label KEY=VALUE, or KEY is no name of letters, digits and _");
		if (is_metrics && hc_metrics_has_label(*label))
			return refuse(error, *label, "a metric has a label of that name already");
	}
	return true;
}

static bool check(const hc_export_options *options, GError **error)
{
	const char *name = formats[options->format].name;
	bool is_table = formats[options->format].is_table;

	if (options->format == HC_EXPORT_SQLITE && !options->path)
		return refuse(error, name, "it is written to a file only");
	if (!is_table && (options->table || options->fleet))
		return refuse(error, name, "only csv and ndjson are of one table, or of a fleet");
	if (is_table && !options->table == !options->fleet)
		return refuse(error, name, "it takes the rows of a table, or those of a fleet");
	if (options->table && !hc_export_table_called(options->table))
		return refuse(error, options->table, "there is no such table");
	return check_labels(options, error);
}

static bool write_out(const char *bytes, size_t length, void *data)
{
	hc_export *export = data;
	const hc_export_options *options = export->options;

	if (export->file)
		return hc_output_file_append(export->file, bytes, length, &export->error);
	if (options->write(bytes, length, options->write_data))
		return true;
	g_set_error_literal(&export->error, HC_ERROR, HC_ERROR_IO, "the export could not be written");
	return false;
}

/* FALSE if this or any write before failed; of the first that did the error is told once. */
static bool flush(hc_export *export, GError **error)
{
	if (hc_sink_flush(&export->sink))
		return true;
	if (export->error)
		g_propagate_error(error, g_steal_pointer(&export->error));
	else
		g_set_error_literal(error, HC_ERROR, HC_ERROR_IO, "the export could not be written");
	return false;
}

hc_export *hc_export_begin(const hc_export_options *options, GError **error)
{
	g_autoptr(hc_export) export = NULL;

	if (!check(options, error))
		return NULL;
	export = g_new0(hc_export, 1);
	export->options = options;
	hc_sink_init(&export->sink, write_out, export);
	if (options->path) {
		export->file = hc_output_file_create(options->path, options->replace, error);
		if (!export->file)
			return NULL;
	}
	return g_steal_pointer(&export);
}

void hc_export_destroy(hc_export *export)
{
	if (!export)
		return;
	hc_output_file_destroy(export->file);
	g_clear_error(&export->error);
	g_free(export);
}

static bool write_table(hc_export *export, hc_table_source *source, GError **error)
{
	const hc_export_table *table = hc_export_table_called(export->options->table);
	hc_line_writer writer = export->options->format == HC_EXPORT_CSV ? hc_csv_writer(export, table) :
									   hc_ndjson_writer(export, table);

	return table->each(source, &writer.writer, error);
}

static bool write_analysis(hc_export *export, hc_table_source *source, GError **error)
{
	switch (export->options->format) {
	case HC_EXPORT_PPROF:
		return hc_profile_write(export, source, error);
	case HC_EXPORT_FOLDED:
		return hc_folded_write(export, source, error);
	case HC_EXPORT_DOT:
		return hc_dot_write(export, source, error);
	case HC_EXPORT_SQLITE:
		return hc_sqlite_write(export, source, error);
	default:
		return write_table(export, source, error);
	}
}

bool hc_export_analysis(hc_export *export, const hc_analysis *analysis, GError **error)
{
	const hc_export_options *options = export->options;
	g_auto(hc_table_source) source = { .analysis = analysis, .options = options };

	if (options->fleet || formats[options->format].is_of_snapshot || export->is_begun)
		return refuse(error, formats[options->format].name, "it is not of one analysis");
	if (!write_analysis(export, &source, error))
		return false;
	export->is_begun = true;
	return flush(export, error);
}

bool hc_export_snapshot(hc_export *export, const hc_snapshot *snapshot, GError **error)
{
	const hc_export_options *options = export->options;

	if (!options->fleet && (!formats[options->format].is_of_snapshot || export->is_begun))
		return refuse(error, formats[options->format].name, "it is not of snapshots, or of one only");
	if (!options->fleet)
		hc_metrics_write(export, snapshot);
	else if (!hc_fleet_write(export, snapshot, error))
		return false;
	export->is_begun = true;
	return flush(export, error);
}

bool hc_export_finish(hc_export *export, GError **error)
{
	return flush(export, error) && (!export->file || hc_output_file_finish(export->file, error));
}
