/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was learned of how the program keeps its pointers, and what that saves from being called lost. */
#include "reports/parts.h"

#include "base/text.h"

static json_t *class_json(hc_amount amount, char *learned)
{
	json_t *object = hc_json_amount(amount);

	hc_json_set(object, "learned", hc_json_text(learned));
	g_free(learned);
	return object;
}

void hc_learned_json(const hc_references *references, json_t *object)
{
	const hc_references_totals *totals = hc_references_get_totals(references);

	hc_json_set(object, "held_inside", class_json(totals->held_inside, hc_references_inner_text(references)));
	hc_json_set(object, "encoded", class_json(totals->encoded, hc_references_encodings_text(references)));
}

static void print_class(hc_output *output, hc_amount amount, char *learned, const char *how)
{
	g_autofree char *blocks = hc_unit_text(amount.blocks, "blocks");
	char size[HC_TEXT_SIZE_LENGTH];
	g_autofree char *text = g_strdup_printf("%s (%s) %s %s (deduced: %s).", blocks,
		hc_text_size(size, amount.bytes), amount.blocks == 1 ? "is" : "are", how, learned ? learned : "");

	if (learned)
		hc_output_wrapped(output, 0, 0, text);
	g_free(learned);
}

void hc_learned_encodings_print(const hc_references *references, hc_output *output)
{
	print_class(output, hc_references_get_totals(references)->encoded, hc_references_encodings_text(references),
		"reached by encoded pointers only");
}

void hc_learned_print(const hc_references *references, hc_output *output)
{
	print_class(output, hc_references_get_totals(references)->held_inside, hc_references_inner_text(references),
		"held by pointers into the middle, by a habit of the program");
	hc_learned_encodings_print(references, output);
}
