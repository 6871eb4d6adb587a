/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an address of code to lines of source: the functions that were inlined there, from the innermost on, and where each was called. */
#include "dwarf/dwarf_state.h"

#include <dwarf.h>

/* The next function that is inlined below DIE around ADDRESS, of the file. FALSE: none is. */
static bool find_inlined(Dwarf_Die *die, Dwarf_Addr address, Dwarf_Die *ret_inlined)
{
	hc_die_walk walk;
	Dwarf_Die *at;

	hc_die_walk_begin(&walk, die);
	while ((at = hc_die_walk_at(&walk))) {
		int tag = dwarf_tag(at);

		if (tag == DW_TAG_inlined_subroutine && dwarf_haspc(at, address) > 0) {
			*ret_inlined = *at;
			return true;
		}
		hc_die_walk_next(
			&walk, tag == DW_TAG_lexical_block || tag == DW_TAG_try_block || tag == DW_TAG_catch_block);
	}
	return false;
}

static int number_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	return dwarf_attr(die, name, &attribute) && !dwarf_formudata(&attribute, &value) && value <= INT_MAX ?
		       (int)value :
		       0;
}

/* The same unit, where it has its lines. */
static bool find_unit(hc_debug_info *info, const hc_module *module, Dwarf_Die *function, Dwarf_Die *ret_unit)
{
	struct module_debug *debug = hc_module_debug(info, module);
	Dwarf *lines = hc_debug_with_lines(debug);
	Dwarf_Die unit;

	return lines && dwarf_diecu(function, &unit, NULL, NULL) && !(hc_die_offset(debug, &unit) & OFFSET_PLACE) &&
	       dwarf_offdie(lines, dwarf_dieoffset(&unit), ret_unit);
}

/* Where INLINED was called. */
static void read_call(Dwarf_Die *unit, Dwarf_Die *inlined, hc_code_line *line)
{
	Dwarf_Files *files;
	size_t count;
	int file = number_of(inlined, DW_AT_call_file);

	line->line = number_of(inlined, DW_AT_call_line);
	line->file = file && unit->addr && !dwarf_getsrcfiles(unit, &files, &count) && (size_t)file < count ?
			     dwarf_filesrc(files, (size_t)file, NULL, NULL) :
			     NULL;
}

unsigned hc_code_lines_at(
	hc_debug_info *info, const hc_module *module, hc_address address, hc_code_line *ret_lines, unsigned limit)
{
	Dwarf_Die function, unit, chain[HC_CODE_LINES_MAX];
	Dwarf_Addr bias;
	unsigned count = 1;
	Dwarf_Line *line;

	if (!limit || !hc_module_dwarf(info, module, &bias) || !hc_function_at(info, module, address, &function) ||
		!hc_module_debug(info, module))
		return 0;
	if (!find_unit(info, module, &function, &unit))
		unit.addr = NULL;
	chain[0] = function;
	while (count < HC_CODE_LINES_MAX && find_inlined(&chain[count - 1], address - bias, &chain[count]))
		count++;
	line = unit.addr ? dwarf_getsrc_die(&unit, address - bias) : NULL;
	for (unsigned i = 0; i < MIN(count, limit); i++) {
		hc_code_line *one = &ret_lines[i];

		*one = (hc_code_line){ .function = hc_name_of_die(info, module, &chain[count - 1 - i]) };
		if (i)
			read_call(&unit, &chain[count - i], one);
		else if (line) {
			one->file = dwarf_linesrc(line, NULL, NULL);
			dwarf_lineno(line, &one->line);
		}
	}
	return MIN(count, limit);
}
