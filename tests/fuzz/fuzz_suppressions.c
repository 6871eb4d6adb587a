/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* leaks/suppressions.c: a file of suppressions, and leaks that are held against it. */
#include "process.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(hc_suppressions) suppressions = hc_suppressions_create();
	g_autoptr(GError) error = NULL;
	const hc_leaks_options options = { .suppressions = suppressions };
	const hc_leaks_view view = { .suppressions = suppressions };

	if (!hc_suppressions_add_file(suppressions, fuzz_file(data, size), &error)) {
		fuzz_expect(error != NULL, "no suppressions, and no error");
		fuzz_see_text(error->message);
		return 0;
	}
	g_autoptr(hc_leaks) leaks = hc_analysis_find_leaks(fuzz_analysis(), &options, NULL);

	fuzz_expect(leaks != NULL, "no leaks");
	for (unsigned i = 0; i < hc_suppressions_count(suppressions); i++)
		fuzz_see_text(hc_suppressions_name(suppressions, i));
	hc_report_leaks(fuzz_analysis(), leaks, &view, &fuzz_report_text, NULL);
	hc_report_leaks(fuzz_analysis(), leaks, &view, &fuzz_report_json, NULL);
	return 0;
}
