/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that the core lacks, and that may point to what looks lost. */
#include "reports/parts.h"

#include "wording/wording.h"

enum {
	RANGES_SHOWN = 5
};

static hc_records *make_records(const hc_references *references, unsigned shown)
{
	hc_records *records = hc_records_create();

	for (unsigned i = 0; i < shown; i++) {
		const hc_missing *missing = hc_references_missing(references, i);
		bool has_end = missing->why != HC_MISSING_UNKNOWN;
		const hc_fact facts[] = {
			{ "start", "START", hc_value_address(missing->start) },
			{ "end", "END", hc_value_if(has_end, hc_value_address(missing->end)) },
			{ NULL, "SIZE", hc_value_if(has_end, hc_value_size(missing->end - missing->start)) },
			{ "why", NULL, hc_value_plain(hc_missing_why_name(missing->why)) },
			{ NULL, "WHY", hc_value_take_text(hc_word_missing_range(missing)) },
			{ "path", NULL, hc_value_text(missing->path) },
			{ "pointers", NULL, hc_value_count(missing->pointers) },
		};

		hc_records_add(records, facts);
	}
	return records;
}

json_t *hc_missing_json(const hc_references *references)
{
	g_autoptr(hc_records) records = make_records(references, hc_references_missing_count(references));

	return hc_records_json(records);
}

void hc_missing_print(const hc_references *references, hc_output *output)
{
	unsigned count = hc_references_missing_count(references),
		 shown = output->options->verbose ? count : MIN(count, RANGES_SHOWN);
	g_autoptr(hc_records) records = make_records(references, shown);

	if (!count)
		return;
	hc_output_styled(output, HC_STYLE_BAD, "at most");
	hc_output_text(output, " ");
	hc_output_wrapped(output, 8, 0, hc_word_at_most_lost());
	hc_records_print(records, output);
	if (shown < count) {
		g_autofree char *text = hc_word_missing_shown(shown, count);

		hc_output_printf(output, "%s\n", text);
	}
	hc_output_text(output, "\n");
}
