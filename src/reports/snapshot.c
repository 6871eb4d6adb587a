/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was written. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

static void print_snapshot(const hc_snapshot *snapshot, const char *path, uint64_t size, hc_output *output)
{
	g_autofree char *name = hc_text_escape(path, -1),
			*title = hc_process_title(&snapshot->process, snapshot->thread_count),
			*what = hc_word_snapshot(snapshot);
	char bytes[HC_TEXT_SIZE_LENGTH], core[HC_TEXT_SIZE_LENGTH];

	hc_output_printf(output, "%s: %s, of a core of %s: %s\n", name, hc_text_size(bytes, size),
		hc_text_size(core, snapshot->core_size), title);
	hc_output_printf(output, "%s\n", what);
	hc_output_printf(output, "compare later: heapcore diff %s CORE\n", name);
}

bool hc_report_snapshot(
	const hc_snapshot *snapshot, const char *path, uint64_t size, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	if (options->format == HC_REPORT_JSON) {
		json_t *process = hc_process_json(
			&snapshot->process, snapshot->thread_count, snapshot->path, snapshot->core_size);
		const hc_fact facts[] = {
			{ "path", NULL, hc_value_text(path) },
			{ "bytes", NULL, hc_value_size(size) },
			{ "format", NULL, hc_value_count(HC_SNAPSHOT_FORMAT) },
			{ "content", NULL, hc_value_flag(snapshot->has_content) },
			{ "owners", NULL, hc_value_count(snapshot->owners->len) },
			{ "owners_left_out", NULL, hc_value_count(snapshot->owners_left_out) },
			{ "process", NULL, hc_value_json(process) },
		};

		hc_json_write(output, hc_report_json("snapshot", facts, snapshot->diagnostics));
	} else {
		print_snapshot(snapshot, path, size, output);
	}
	return hc_output_finish(output, error);
}
