/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was learned of how the program keeps its pointers, and what that saves from being called lost. */
#include "reports/parts.h"

#include "wording/wording.h"

/* Numbers that are 0 say nothing: they are null. */
static void add_means(hc_records *means, const char *kind, unsigned bytes, int factor, int place, hc_address base)
{
	const hc_fact facts[] = {
		{ "kind", NULL, hc_value_plain(kind) },
		{ "bytes", NULL, hc_value_if(bytes, hc_value_size(bytes)) },
		{ "factor", NULL, hc_value_if(factor, hc_value_id(factor)) },
		{ "place", NULL, hc_value_if(place, hc_value_id(place)) },
		{ "base", NULL, hc_value_if(base, hc_value_address(base)) },
	};

	hc_records_add(means, facts);
}

/* Takes LEARNED over. */
static json_t *class_json(hc_amount amount, char *learned, const hc_records *means)
{
	const hc_fact facts[] = {
		{ "blocks", NULL, hc_value_count(amount.blocks) },
		{ "bytes", NULL, hc_value_size(amount.bytes) },
		{ "learned", NULL, hc_value_take_text(learned) },
		{ "means", NULL, hc_value_json(hc_records_json(means)) },
	};

	return hc_record_json(facts);
}

json_t *hc_held_inside_json(const hc_references *references)
{
	g_autoptr(hc_records) means = hc_records_create();
	unsigned count;
	const hc_habit *habits = hc_references_habits(references, &count);

	for (unsigned i = 0; i < count; i++)
		add_means(means, hc_habit_kind_name(habits[i].kind), habits[i].bytes, habits[i].factor, habits[i].place,
			0);
	return class_json(hc_references_get_totals(references)->held_inside, hc_word_habits(references), means);
}

json_t *hc_encoded_json(const hc_references *references)
{
	g_autoptr(hc_records) means = hc_records_create();
	unsigned count;
	const hc_encoding *encodings = hc_references_encodings(references, &count);

	for (unsigned i = 0; i < count; i++)
		add_means(means, hc_encoding_kind_name(encodings[i].kind), 0, (int)encodings[i].factor, 0,
			encodings[i].base);
	return class_json(hc_references_get_totals(references)->encoded, hc_word_encodings(references), means);
}

/* Takes TEXT; NULL: there is nothing to say. */
static void print_taken(char *text, hc_output *output)
{
	g_autofree char *taken = text;

	if (taken)
		hc_output_wrapped(output, 0, 0, taken);
}

void hc_learned_encodings_print(const hc_references *references, hc_output *output)
{
	print_taken(hc_word_encoded(references), output);
}

void hc_learned_print(const hc_references *references, hc_output *output)
{
	print_taken(hc_word_held_inside(references), output);
	hc_learned_encodings_print(references, output);
}
