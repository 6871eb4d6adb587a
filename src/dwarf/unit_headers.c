/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the units of .debug_info and .debug_types are. */
#include "dwarf/abbreviations.h"

#include <dwarf.h>

/* The header at OFFSET (DWARF 5, 7.5.1; DWARF 4, 7.5.1). FALSE if it is damaged. */
static bool read_header(const struct module_debug *debug, unsigned section, uint64_t offset, struct unit *unit)
{
	uint64_t place = offset & OFFSET_PLACE;
	const struct section *info = hc_debug_section(debug, offset, section);

	offset &= ~OFFSET_PLACE;
	struct reader reader = { .at = info->bytes + offset, .end = info->bytes + info->size, .swap = debug->swap };
	uint64_t length = hc_reader_unsigned(&reader, 4);

	*unit = (struct unit){ .offset = offset | place, .offset_size = 4, .type = DW_UT_compile };
	if (length == 0xffffffff) {
		length = hc_reader_unsigned(&reader, 8);
		unit->offset_size = 8;
	} else if (length >= 0xfffffff0) {
		return false;
	}
	if (reader.failed || length > (uint64_t)(reader.end - reader.at) || length > UINT32_MAX)
		return false;
	reader.end = reader.at + length;
	unit->end = (uint64_t)(reader.end - info->bytes) | place;
	unit->version = hc_reader_unsigned(&reader, 2);
	if (unit->version >= 5) {
		unit->type = hc_reader_unsigned(&reader, 1);
		unit->address_size = hc_reader_unsigned(&reader, 1);
		unit->abbreviations = hc_reader_unsigned(&reader, unit->offset_size);
		if (unit->type == DW_UT_skeleton || unit->type == DW_UT_split_compile)
			hc_reader_skip(&reader, 8);
		else if (unit->type == DW_UT_type || unit->type == DW_UT_split_type)
			hc_reader_skip(&reader, 8 + unit->offset_size);
	} else {
		unit->abbreviations = hc_reader_unsigned(&reader, unit->offset_size);
		unit->address_size = hc_reader_unsigned(&reader, 1);
		if (section == SECTION_TYPES) {
			unit->type = DW_UT_type;
			hc_reader_skip(&reader, 8 + unit->offset_size);
		}
	}
	unit->first = (uint64_t)(reader.at - info->bytes) | place;
	unit->string_offsets = unit->offset_size == 8 ? 16 : 8;
	return !reader.failed && unit->version >= 2 && unit->version <= 5 &&
	       (unit->address_size == 4 || unit->address_size == 8);
}

/* PLACE: bits of OFFSET_PLACE. */
static void scan_headers(struct module_debug *debug, unsigned section, uint64_t place)
{
	uint64_t size = hc_debug_section(debug, place, section)->size;

	for (uint64_t offset = 0; offset + 11 < size;) {
		struct unit unit;

		if (!read_header(debug, section, offset | place, &unit) || (unit.end & ~OFFSET_PLACE) <= offset) {
			debug->damaged_units++;
			break;
		}
		g_array_append_val(debug->units, unit);
		offset = unit.end & ~OFFSET_PLACE;
	}
}

void hc_scan_headers(struct module_debug *debug)
{
	/* In the order of offsets. */
	scan_headers(debug, SECTION_INFO, 0);
	if (debug->shared)
		scan_headers(debug, SECTION_INFO, OFFSET_IN_SHARED);
	scan_headers(debug, SECTION_TYPES, OFFSET_IN_TYPES);
}
