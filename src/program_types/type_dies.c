/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a DIE says of its type, and the way through typedefs and qualifiers to it. */
#include "program_types/program_types_state.h"

#include <dwarf.h>

enum {
	PEEL_MAX = 128,
};

bool hc_die_target(Dwarf_Die *die, Dwarf_Die *ret_target)
{
	Dwarf_Attribute attribute;

	return dwarf_attr_integrate(die, DW_AT_type, &attribute) && dwarf_formref_die(&attribute, ret_target);
}

bool hc_die_unsigned(Dwarf_Die *die, unsigned name, uint64_t *ret_value)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	if (!dwarf_attr(die, name, &attribute) || dwarf_formudata(&attribute, &value))
		return false;
	*ret_value = value;
	return true;
}

bool hc_die_is_unnamed(Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	return !name || !*name;
}

bool hc_die_peel(Dwarf_Die *die, Dwarf_Die *ret_typedef, bool *has_typedef)
{
	for (unsigned i = 0; i < PEEL_MAX; i++) {
		Dwarf_Attribute attribute;
		Dwarf_Die target;

		/* What stands in a type unit. */
		if (hc_tag_is_composite(dwarf_tag(die)) && dwarf_attr(die, DW_AT_signature, &attribute) &&
			dwarf_formref_die(&attribute, &target)) {
			*die = target;
			return true;
		}
		switch (dwarf_tag(die)) {
		case DW_TAG_typedef:
		case DW_TAG_template_alias:
			*ret_typedef = *die;
			*has_typedef = true;
			break;
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
		case DW_TAG_immutable_type:
		case DW_TAG_packed_type:
		case DW_TAG_shared_type:
			break;
		default:
			return true;
		}
		if (!hc_die_target(die, &target))
			return false;
		*die = target;
	}
	return false;
}
