/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that the core lacks, and that may point to what looks lost. */
#include "reports/parts.h"

#include "base/text.h"

enum {
	RANGES_SHOWN = 5
};

json_t *hc_missing_json(const hc_references *references)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < hc_references_missing_count(references); i++) {
		const hc_missing *missing = hc_references_missing(references, i);
		json_t *object = json_object();

		hc_json_set(object, "start", hc_json_address(missing->start));
		hc_json_set(object, "end",
			missing->why == HC_MISSING_UNKNOWN ? json_null() : hc_json_address(missing->end));
		hc_json_set(object, "why", json_string(hc_missing_why_name(missing->why)));
		hc_json_set(object, "path", hc_json_text(missing->path));
		hc_json_set(object, "pointers", hc_json_number(missing->pointers));
		json_array_append_new(array, object);
	}
	return array;
}

static const hc_column columns[] = {
	{ NULL, "START", HC_CELL_ADDRESS },
	{ NULL, "END", HC_CELL_ADDRESS },
	{ NULL, "SIZE", HC_CELL_SIZE },
	{ NULL, "WHY", HC_CELL_TEXT },
};

void hc_missing_print(const hc_references *references, hc_output *output)
{
	unsigned count = hc_references_missing_count(references),
		 shown = output->options->verbose ? count : MIN(count, RANGES_SHOWN);
	g_autoptr(hc_table) table = hc_table_create(columns, G_N_ELEMENTS(columns));

	for (unsigned i = 0; i < shown; i++) {
		const hc_missing *missing = hc_references_missing(references, i);
		g_autofree char *why = g_strdup_printf("%s%s%s", hc_missing_why_text(missing->why),
			missing->path ? ": " : "", missing->path ? missing->path : "");

		hc_table_add_row(table);
		hc_table_set_number(table, 0, missing->start);
		if (missing->why != HC_MISSING_UNKNOWN) {
			hc_table_set_number(table, 1, missing->end);
			hc_table_set_number(table, 2, missing->end - missing->start);
		}
		hc_table_set_text(table, 3, why);
	}
	if (!count)
		return;
	hc_output_styled(output, HC_STYLE_BAD, "at most");
	hc_output_text(output, " ");
	hc_output_wrapped(output, 8, 0,
		"this is lost: memory that may point to what looks lost is not in the core, and what it points to is no leak:");
	hc_table_print(table, output);
	if (shown < count)
		hc_output_printf(output, "the first %u of %u ranges (-v lists them)\n", shown, count);
	hc_output_text(output, "\n");
}
