/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dwarf/: the scan of .debug_info and .debug_types: units, scopes, types, variables, names.
 *
 *	byte 0		bit 0: the first unit's header is made, of the version 2 to 5 that bits 1 and 2 say; bit 3: the other byte order
 *	then		five lengths of 2 bytes: of .debug_abbrev, .debug_str, .debug_line_str, .debug_str_offsets, .debug_types; these; and all the
 *			rest is .debug_info
 */
#include "fuzz.h"

#include "dwarf/dwarf_state.h"

#include <dwarf.h>

enum {
	HAS_HEADER = 1,
	IS_SWAPPED = 8
};

static void set_section(struct module_debug *debug, unsigned number, GPtrArray *copies, fuzz_input part)
{
	uint8_t *copy = g_memdup2(part.at, part.left);

	g_ptr_array_add(copies, copy);
	debug->sections[number] = (struct section){ copy, copy ? part.left : 0 };
}

/* A header, whose length is right, before the DIEs. */
static void set_info(struct module_debug *debug, GPtrArray *copies, fuzz_input dies, unsigned version)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	const uint8_t old[] = { (uint8_t)version, 0, 0, 0, 0, 0, 8 }, five[] = { 5, 0, DW_UT_compile, 8, 0, 0, 0, 0 };
	unsigned size = version < 5 ? sizeof old : sizeof five, length = size + (unsigned)dies.left;
	const uint8_t start[] = { (uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16), 0 };

	g_byte_array_append(bytes, start, sizeof start);
	g_byte_array_append(bytes, version < 5 ? old : five, size);
	g_byte_array_append(bytes, dies.at, (unsigned)dies.left);
	set_section(debug, SECTION_INFO, copies, (fuzz_input){ bytes->data, bytes->len });
}

static void scan_units(struct module_debug *debug)
{
	struct scan *scan = hc_scan_create();

	for (unsigned i = 0; i < debug->units->len; i++) {
		struct unit *unit = &g_array_index(debug->units, struct unit, i);

		hc_scan_unit(scan, debug, 0, unit);
		for (unsigned j = 0; j < unit->scope_count; j++) {
			const struct scope *scope = &unit->scopes[j];

			fuzz_expect(scope->parent == NO_SCOPE || scope->parent < j, "a scope stands in a later one");
			hc_unit_scope_around(unit, unit->offset + scope->start);
			hc_unit_scope_around(unit, unit->offset + scope->end);
		}
		g_free(unit->scopes);
	}
	for (unsigned i = 0; i < hc_scan_types(scan)->len; i++)
		fuzz_see(&g_array_index(hc_scan_types(scan), struct scanned_type, i), sizeof(uint64_t));
	for (unsigned i = 0; i < hc_scan_variables(scan)->len; i++)
		fuzz_see(&g_array_index(hc_scan_variables(scan), struct scanned_variable, i), sizeof(uint64_t));
	hc_scan_destroy(scan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned numbers[] = { SECTION_ABBREV, SECTION_STR, SECTION_LINE_STR, SECTION_STR_OFFSETS,
		SECTION_TYPES };
	fuzz_input input = { data, size };
	unsigned flags = (unsigned)fuzz_number(&input, 1);
	struct module_debug debug = { .swap = flags & IS_SWAPPED,
		.units = g_array_new(FALSE, FALSE, sizeof(struct unit)) };
	g_autoptr(GPtrArray) copies = g_ptr_array_new_with_free_func(g_free);
	size_t lengths[G_N_ELEMENTS(numbers)];

	for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++)
		lengths[i] = (size_t)fuzz_number(&input, 2);
	for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++)
		set_section(&debug, numbers[i], copies, fuzz_part(&input, lengths[i]));
	if (flags & HAS_HEADER)
		set_info(&debug, copies, input, 2 + (flags >> 1) % 4);
	else
		set_section(&debug, SECTION_INFO, copies, input);
	hc_scan_headers(&debug);
	scan_units(&debug);
	g_array_unref(debug.units);
	return 0;
}
