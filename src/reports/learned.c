/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was learned of how the program keeps its pointers, and what that saves from being called lost. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

/* Numbers that are 0 say nothing: they are null. */
static json_t *means_json(const char *kind, unsigned bytes, int factor, int place, hc_address base)
{
	json_t *object = json_object();

	hc_json_set(object, "kind", json_string(kind));
	hc_json_set(object, "bytes", bytes ? hc_json_number(bytes) : json_null());
	hc_json_set(object, "factor", factor ? json_integer(factor) : json_null());
	hc_json_set(object, "place", place ? json_integer(place) : json_null());
	hc_json_set(object, "base", base ? hc_json_address(base) : json_null());
	return object;
}

static json_t *habits_json(const hc_references *references)
{
	unsigned count;
	const hc_habit *habits = hc_references_habits(references, &count);
	json_t *array = json_array();

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(array, means_json(hc_habit_kind_name(habits[i].kind), habits[i].bytes,
						     habits[i].factor, habits[i].place, 0));
	return array;
}

static json_t *encodings_json(const hc_references *references)
{
	unsigned count;
	const hc_encoding *encodings = hc_references_encodings(references, &count);
	json_t *array = json_array();

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(array, means_json(hc_encoding_kind_name(encodings[i].kind), 0,
						     (int)encodings[i].factor, 0, encodings[i].base));
	return array;
}

/* Takes LEARNED and MEANS over. */
static json_t *class_json(hc_amount amount, char *learned, json_t *means)
{
	json_t *object = hc_json_amount(amount);

	hc_json_set(object, "learned", hc_json_text(learned));
	hc_json_set(object, "means", means);
	g_free(learned);
	return object;
}

void hc_learned_json(const hc_references *references, json_t *object)
{
	const hc_references_totals *totals = hc_references_get_totals(references);

	hc_json_set(object, "held_inside",
		class_json(totals->held_inside, hc_word_habits(references), habits_json(references)));
	hc_json_set(object, "encoded",
		class_json(totals->encoded, hc_word_encodings(references), encodings_json(references)));
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
	print_class(output, hc_references_get_totals(references)->encoded, hc_word_encodings(references),
		"reached by encoded pointers only");
}

void hc_learned_print(const hc_references *references, hc_output *output)
{
	print_class(output, hc_references_get_totals(references)->held_inside, hc_word_habits(references),
		"held by pointers into the middle, by a habit of the program");
	hc_learned_encodings_print(references, output);
}
