/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an address of code to lines of source: the functions that were inlined there, from the innermost on, and where each was called. */
#include "dwarf/dwarf.h"

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
		hc_die_walk_next(&walk, tag == DW_TAG_lexical_block || tag == DW_TAG_try_block || tag == DW_TAG_catch_block);
	}
	return false;
}

static int number_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	return dwarf_attr(die, name, &attribute) && !dwarf_formudata(&attribute, &value) && value <= INT_MAX ? (int)value : 0;
}

/* Where INLINED was called. */
static void read_call(Dwarf_Die *unit, Dwarf_Die *inlined, hc_code_line *line)
{
	Dwarf_Files *files;
	size_t count;
	int file = number_of(inlined, DW_AT_call_file);

	line->line = number_of(inlined, DW_AT_call_line);
	line->file = file && !dwarf_getsrcfiles(unit, &files, &count) && (size_t)file < count ?
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
		!dwarf_diecu(&function, &unit, NULL, NULL))
		return 0;
	chain[0] = function;
	while (count < HC_CODE_LINES_MAX && find_inlined(&chain[count - 1], address - bias, &chain[count]))
		count++;
	line = dwarf_getsrc_die(&unit, address - bias);
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
