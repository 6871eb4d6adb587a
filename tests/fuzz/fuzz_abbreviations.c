/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dwarf/abbreviations.c: tables of abbreviations, and values of every form.
 *
 *	byte 0		version (2 to 5), bit 4: 64-bit DWARF, bit 5: addresses of 4 bytes, bit 6: the other byte order
 *	bytes 1, 2	how long the table is, which follows; behind it values
 */
#include "fuzz.h"

#include "dwarf/abbreviations.h"

static void skip_values(const struct abbreviations *table, const struct unit *unit, bool swap, const fuzz_input *values)
{
	struct reader reader = { .at = values->at,
		.end = values->at + values->left,
		.swap = swap,
		.address_size = unit->address_size,
		.offset_size = unit->offset_size,
		.version = unit->version };

	for (unsigned i = 0; i < table->code_count; i++) {
		const struct abbreviation *abbreviation = &table->codes[i];

		if (!abbreviation->tag)
			continue;
		fuzz_expect(
			abbreviation->first + abbreviation->count <= table->fields->len, "fields that are not there");
		for (unsigned j = 0; j < abbreviation->count; j++) {
			const struct abbreviation_field *field =
				&g_array_index(table->fields, struct abbreviation_field, abbreviation->first + j);

			if (field->size >= 0)
				hc_reader_skip(&reader, (uint64_t)field->size);
			else
				hc_reader_skip_form(&reader, field->form);
		}
	}
	while (!reader.failed)
		hc_reader_skip_form(&reader, (unsigned)hc_reader_leb(&reader));
	fuzz_expect(reader.at <= reader.end, "the reader stands behind its end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_input input = { data, size };
	unsigned flags = (unsigned)fuzz_number(&input, 1);
	struct unit unit = {
		.version = 2 + flags % 4, .offset_size = flags & 16 ? 8 : 4, .address_size = flags & 32 ? 4 : 8
	};
	fuzz_input table = fuzz_part(&input, (size_t)fuzz_number(&input, 2));
	/* Of their own, so that a sanitizer sees where each ends. */
	g_autofree uint8_t *bytes = g_memdup2(table.at, table.left), *rest = g_memdup2(input.at, input.left);
	fuzz_input values = { rest, input.left };
	struct module_debug debug = { .swap = flags & 64 };
	struct abbreviations loaded = { 0 };

	if (!bytes)
		return 0;
	debug.sections[SECTION_ABBREV] = (struct section){ bytes, table.left };
	for (unit.abbreviations = 0; unit.abbreviations < 3; unit.abbreviations++)
		if (hc_abbreviations_load(&loaded, &debug, &unit) && rest)
			skip_values(&loaded, &unit, debug.swap, &values);
	hc_abbreviations_clear(&loaded);
	return 0;
}
