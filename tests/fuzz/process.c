/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process.h"

#include "../unit/report_process.h"

const hc_report_options fuzz_report_text = { .format = HC_REPORT_TEXT, .verbose = true, .write = fuzz_write },
			fuzz_report_json = { .format = HC_REPORT_JSON, .write = fuzz_write };

const hc_analysis *fuzz_analysis(void)
{
	static report_process process;

	if (!process.analysis) {
		process = report_process_create(NULL);
		g_assert(report_process_run(&process));
		report_process_remove_files(&process);
	}
	return process.analysis;
}
