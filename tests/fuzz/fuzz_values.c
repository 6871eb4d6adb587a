/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* values/: expressions that name an object of the process, and what it says. Each line of the input is one. */
#include "process.h"

#include <heapcore/values.h>

static void evaluate(const hc_types *types, const char *text)
{
	const hc_show_view view = { .frame = -1, .limit = 20 };
	g_autoptr(GError) error = NULL;
	hc_object object;

	if (!hc_types_evaluate(types, text, 0, -1, &object, &error)) {
		fuzz_expect(error != NULL, "no object, and no error");
		fuzz_see_text(error->message);
		return;
	}
	g_autofree char *value = hc_types_format_object(types, &object, 8);

	fuzz_expect(!value || g_utf8_validate(value, -1, NULL), "the value is no UTF-8");
	hc_report_show(fuzz_analysis(), text, &view, &fuzz_report_text, NULL);
	hc_report_show(fuzz_analysis(), text, &view, &fuzz_report_json, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const hc_types *types = hc_analysis_types(fuzz_analysis());
	fuzz_input input = { data, size };

	while (input.left) {
		fuzz_input line = fuzz_part_before(&input, '\n');
		g_autofree char *text = fuzz_text(&line);

		evaluate(types, text);
	}
	return 0;
}
