/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In which file a DIE was declared: a number that the unit's line table explains. What several files share (dwz) is not asked.
 */
#include "dwarf/dwarf_state.h"

const char *hc_debug_decl_file(struct module_debug *debug, uint64_t offset)
{
	Dwarf *lines = offset & OFFSET_IN_SHARED ? NULL : hc_debug_with_lines(debug);
	Dwarf_Die die;

	if (!lines || !(offset & OFFSET_IN_TYPES ? dwarf_offdie_types(lines, offset & ~OFFSET_IN_TYPES, &die) :
						   dwarf_offdie(lines, offset, &die)))
		return NULL;
	return dwarf_decl_file(&die);
}
