/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dwarf/abbreviations.h"

#include "base/word.h"

#include <dwarf.h>

enum {
	CODES_MAX = 1 << 16,
	FIELDS_MAX = 1 << 20,
};

/* ---- reading ---- */

uint64_t hc_reader_unsigned(struct reader *reader, unsigned size)
{
	if ((uint64_t)(reader->end - reader->at) < size) {
		reader->failed = true;
		reader->at = reader->end;
		return 0;
	}
	uint64_t value;

	if (size == 3)
		value = reader->swap ? reader->at[0] << 16 | reader->at[1] << 8 | reader->at[2] :
				       reader->at[2] << 16 | reader->at[1] << 8 | reader->at[0];
	else
		value = hc_load_unsigned(reader->at, size, reader->swap);
	reader->at += size;
	return value;
}

uint64_t hc_reader_leb(struct reader *reader)
{
	uint64_t value = 0;

	for (unsigned shift = 0; reader->at < reader->end; shift += 7) {
		uint8_t byte = *reader->at++;

		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	reader->failed = true;
	return 0;
}

void hc_reader_skip(struct reader *reader, uint64_t size)
{
	if ((uint64_t)(reader->end - reader->at) < size) {
		reader->failed = true;
		reader->at = reader->end;
	} else {
		reader->at += size;
	}
}

/* Bytes of a value of FORM; -1: depends on the data. */
static int form_size(unsigned form, unsigned version, unsigned address_size, unsigned offset_size)
{
	switch (form) {
	case DW_FORM_flag_present:
	case DW_FORM_implicit_const:
		return 0;
	case DW_FORM_data1:
	case DW_FORM_ref1:
	case DW_FORM_flag:
	case DW_FORM_strx1:
	case DW_FORM_addrx1:
		return 1;
	case DW_FORM_data2:
	case DW_FORM_ref2:
	case DW_FORM_strx2:
	case DW_FORM_addrx2:
		return 2;
	case DW_FORM_strx3:
	case DW_FORM_addrx3:
		return 3;
	case DW_FORM_data4:
	case DW_FORM_ref4:
	case DW_FORM_strx4:
	case DW_FORM_addrx4:
	case DW_FORM_ref_sup4:
		return 4;
	case DW_FORM_data8:
	case DW_FORM_ref8:
	case DW_FORM_ref_sig8:
	case DW_FORM_ref_sup8:
		return 8;
	case DW_FORM_data16:
		return 16;
	case DW_FORM_addr:
		return (int)address_size;
	case DW_FORM_ref_addr:
		return (int)(version <= 2 ? address_size : offset_size);
	case DW_FORM_strp:
	case DW_FORM_line_strp:
	case DW_FORM_sec_offset:
	case DW_FORM_strp_sup:
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_GNU_strp_alt:
		return (int)offset_size;
	default:
		return -1;
	}
}

static void skip_string(struct reader *reader)
{
	const uint8_t *nul = memchr(reader->at, 0, reader->end - reader->at);

	if (!nul)
		reader->failed = true;
	reader->at = nul ? nul + 1 : reader->end;
}

void hc_reader_skip_form(struct reader *reader, unsigned form)
{
	int size = form_size(form, reader->version, reader->address_size, reader->offset_size);

	if (size >= 0) {
		hc_reader_skip(reader, size);
		return;
	}
	switch (form) {
	case DW_FORM_string:
		skip_string(reader);
		break;
	case DW_FORM_block1:
		hc_reader_skip(reader, hc_reader_unsigned(reader, 1));
		break;
	case DW_FORM_block2:
		hc_reader_skip(reader, hc_reader_unsigned(reader, 2));
		break;
	case DW_FORM_block4:
		hc_reader_skip(reader, hc_reader_unsigned(reader, 4));
		break;
	case DW_FORM_block:
	case DW_FORM_exprloc:
		hc_reader_skip(reader, hc_reader_leb(reader));
		break;
	case DW_FORM_sdata:
	case DW_FORM_udata:
	case DW_FORM_ref_udata:
	case DW_FORM_strx:
	case DW_FORM_addrx:
	case DW_FORM_loclistx:
	case DW_FORM_rnglistx:
	case DW_FORM_GNU_addr_index:
	case DW_FORM_GNU_str_index:
		hc_reader_leb(reader);
		break;
	case DW_FORM_indirect:
		form = (uint16_t)hc_reader_leb(reader);
		if (form == DW_FORM_indirect || form == DW_FORM_implicit_const)
			reader->failed = true;
		else
			hc_reader_skip_form(reader, form);
		break;
	default:
		reader->failed = true; /* a form that this version does not know: what follows cannot be found */
		break;
	}
}

/* ---- the table ---- */

void hc_abbreviations_clear(struct abbreviations *table)
{
	g_clear_pointer(&table->codes, g_free);
	g_clear_pointer(&table->fields, g_array_unref);
	table->code_count = 0;
	table->section = NULL;
}

static enum wanted wanted_of_unit(unsigned attribute)
{
	switch (attribute) {
	case DW_AT_str_offsets_base:
		return WANT_STRING_OFFSETS;
	case DW_AT_dwo_name:
	case DW_AT_GNU_dwo_name:
		return WANT_SPLIT_NAME;
	default:
		return WANT_NONE;
	}
}

static enum wanted wanted_attribute(unsigned tag, unsigned attribute, bool has_children)
{
	switch (tag) {
	case DW_TAG_compile_unit:
	case DW_TAG_partial_unit:
	case DW_TAG_skeleton_unit:
	case DW_TAG_type_unit:
		return wanted_of_unit(attribute);
	case DW_TAG_namespace:
	case DW_TAG_module:
		return attribute == DW_AT_name		 ? WANT_NAME :
		       attribute == DW_AT_export_symbols ? WANT_EXPORT_SYMBOLS :
							   WANT_NONE;
	case DW_TAG_enumeration_type:
		if (attribute == DW_AT_sibling && has_children)
			return WANT_SIBLING;
		G_GNUC_FALLTHROUGH;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
	case DW_TAG_base_type:
	case DW_TAG_typedef:
	case DW_TAG_template_alias:
		return attribute == DW_AT_name		? WANT_NAME :
		       attribute == DW_AT_declaration	? WANT_DECLARATION :
		       attribute == DW_AT_byte_size	? WANT_BYTE_SIZE :
		       attribute == DW_AT_specification ? WANT_SPECIFICATION :
							  WANT_NONE;
	case DW_TAG_variable:
		return attribute == DW_AT_location ? WANT_LOCATION : WANT_NONE;
	case DW_TAG_subroutine_type:
	case DW_TAG_array_type:
	case DW_TAG_call_site:
	case DW_TAG_GNU_call_site:
		return attribute == DW_AT_sibling && has_children ? WANT_SIBLING : WANT_NONE;
	default:
		return WANT_NONE;
	}
}

static bool is_visited(unsigned tag)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
	case DW_TAG_enumeration_type:
	case DW_TAG_typedef:
	case DW_TAG_template_alias:
	case DW_TAG_base_type:
	case DW_TAG_subprogram:
	case DW_TAG_variable:
		return true;
	default:
		return false;
	}
}

static void add_field(
	struct abbreviations *table, struct abbreviation *entry, unsigned attribute, unsigned form, int64_t implicit)
{
	struct abbreviation_field field = { .form = (uint16_t)form,
		.want = wanted_attribute(entry->tag, attribute, entry->has_children),
		.size = form_size(form, table->version, table->address_size, table->offset_size),
		.implicit = implicit };

	entry->has_wanted |= field.want != WANT_NONE;
	if (entry->count) {
		struct abbreviation_field *last =
			&g_array_index(table->fields, struct abbreviation_field, table->fields->len - 1);

		if (!last->want && !field.want && last->size >= 0 && field.size >= 0) {
			last->size = (int32_t)MIN((int64_t)last->size + field.size, G_MAXINT32);
			return;
		}
	}
	g_array_append_val(table->fields, field);
	entry->count++;
}

static struct abbreviation *add_code(struct abbreviations *table, uint64_t code)
{
	if (code >= CODES_MAX)
		return NULL;
	if (code >= table->code_count) {
		unsigned count = (unsigned)MAX(code + 1, MIN(table->code_count * 2, CODES_MAX));

		table->codes = g_renew(struct abbreviation, table->codes, count);
		memset(table->codes + table->code_count, 0, (count - table->code_count) * sizeof *table->codes);
		table->code_count = count;
	}
	return &table->codes[code];
}

static bool read_entry(struct abbreviations *table, struct reader *reader, uint64_t code)
{
	struct abbreviation *entry = add_code(table, code);

	if (!entry)
		return false;
	uint64_t tag = hc_reader_leb(reader);

	*entry = (struct abbreviation){ .tag = (uint16_t)MIN(tag, UINT16_MAX), .first = table->fields->len };
	entry->has_children = hc_reader_unsigned(reader, 1) != 0;
	entry->is_visited = is_visited(entry->tag);
	for (;;) {
		uint64_t attribute = hc_reader_leb(reader), form = hc_reader_leb(reader);
		int64_t implicit = 0;

		if (reader->failed || table->fields->len >= FIELDS_MAX)
			return false;
		if (form == DW_FORM_implicit_const)
			implicit = (int64_t)hc_reader_leb(reader); /* sizes are positive: the sign does not matter */
		if (!attribute && !form)
			break;
		add_field(table, entry, (uint16_t)attribute, (uint16_t)form, implicit);
	}
	if (entry->count) {
		const struct abbreviation_field *only =
			&g_array_index(table->fields, struct abbreviation_field, entry->first);

		entry->size = entry->count == 1 && !only->want ? only->size : -1;
	}
	return true;
}

bool hc_abbreviations_load(struct abbreviations *table, const struct module_debug *debug, const struct unit *unit)
{
	const struct section *section = hc_debug_section(debug, unit->offset, SECTION_ABBREV);

	if (table->section == section && table->offset == unit->abbreviations && table->version == unit->version &&
		table->address_size == unit->address_size && table->offset_size == unit->offset_size)
		return true;
	table->section = NULL;
	if (unit->abbreviations >= section->size)
		return false;
	struct reader reader = {
		.at = section->bytes + unit->abbreviations, .end = section->bytes + section->size, .swap = debug->swap
	};

	if (!table->fields)
		table->fields = g_array_new(FALSE, FALSE, sizeof(struct abbreviation_field));
	g_array_set_size(table->fields, 0);
	if (table->codes)
		memset(table->codes, 0, table->code_count * sizeof *table->codes);
	table->version = unit->version;
	table->address_size = unit->address_size;
	table->offset_size = unit->offset_size;
	for (uint64_t code; (code = hc_reader_leb(&reader));)
		if (!read_entry(table, &reader, code))
			return false;
	if (reader.failed)
		return false;
	table->section = section;
	table->offset = unit->abbreviations;
	return true;
}
