/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of program_types/ share. */
#pragma once

#include "dwarf/dwarf.h"

/* Where a type stands whose members are not read yet. */
struct hc_type_source {
	hc_modules *modules;
	struct module *module;
	uint64_t offset; /* of its DIE */
};

/* DW_AT_type, through abstract origin and specification. */
bool hc_die_target(Dwarf_Die *die, Dwarf_Die *ret_target);

/* An attribute of DIE itself that is a constant, or of a class that libdw takes for one. */
bool hc_die_unsigned(Dwarf_Die *die, unsigned name, uint64_t *ret_value);

/* As hc_type_of_die(). CONTEXT: the name of a type that has none; NULL: where it stands. */
const hc_type *hc_type_of_die_in(hc_modules *modules, struct module *module, Dwarf_Die *die, const char *context);

/* KIND: HC_TYPE_POINTER or HC_TYPE_REFERENCE. */
const hc_type *hc_type_pointer_to(hc_modules *modules, const hc_type *target, hc_type_kind kind, bool is_rvalue);

/* Reads what TYPE leaves to be read; does nothing if that is done. */
void hc_type_fill(const hc_type *type);
