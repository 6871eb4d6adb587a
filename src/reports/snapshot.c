/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was written. */
#include "reports/parts.h"

#include "base/text.h"

static void print_snapshot(const hc_snapshot *snapshot, const char *path, uint64_t size, hc_output *output)
{
	g_autofree char *name = hc_text_escape(path, -1),
			*title = hc_process_title(&snapshot->process, snapshot->thread_count);
	char bytes[HC_TEXT_SIZE_LENGTH], core[HC_TEXT_SIZE_LENGTH];

	hc_output_printf(output, "%s: %s, of a core of %s: %s\n", name, hc_text_size(bytes, size),
		hc_text_size(core, snapshot->core_size), title);
	hc_output_printf(output, "%u place%s in the program's data, %u kind%s of lost blocks; %s\n",
		snapshot->owners->len, snapshot->owners->len == 1 ? "" : "s", snapshot->lost->len,
		snapshot->lost->len == 1 ? "" : "s",
		snapshot->has_content ? "texts of keys and lost blocks are in it (--no-content leaves them out)" :
					"nothing that blocks contain is in it");
	hc_output_text(output, "compare later: heapcore diff ");
	hc_output_printf(output, "%s CORE\n", name);
}

bool hc_report_snapshot(
	const hc_snapshot *snapshot, const char *path, uint64_t size, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	if (options->format == HC_REPORT_JSON) {
		json_t *report = hc_json_report("snapshot");

		hc_json_set(report, "path", hc_json_text(path));
		hc_json_set(report, "bytes", hc_json_number(size));
		hc_json_set(report, "format", json_integer(HC_SNAPSHOT_FORMAT));
		hc_json_set(report, "content", json_boolean(snapshot->has_content));
		hc_json_set(report, "owners", json_integer(snapshot->owners->len));
		hc_json_set(report, "owners_left_out", hc_json_number(snapshot->owners_left_out));
		hc_json_set(report, "process",
			hc_process_json(
				&snapshot->process, snapshot->thread_count, snapshot->path, snapshot->core_size));
		hc_json_set(report, "diagnostics", hc_diagnostics_json(snapshot->diagnostics));
		hc_json_set(report, "status", hc_status_json(hc_diagnostics_partial(snapshot->diagnostics)));
		hc_json_write(output, report);
	} else {
		print_snapshot(snapshot, path, size, output);
	}
	return hc_output_finish(output, error);
}
