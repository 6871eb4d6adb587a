/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of dwarf/ share, on the way from files to the index. */
#pragma once

#include "dwarf/dwarf.h"

/*
 * shared_file.c: opens the file that DEBUG's own, which is open, shares with others, if it refers
 * to one. FALSE if that is not here, or cannot be read: sets the gap.
 */
bool hc_debug_open_shared(hc_debug_info *info, struct module_debug *debug);

/* For a module that goes; NULL is fine. */
void hc_shared_debug_release(struct shared_debug *shared);

/*
 * debug_file.c: sets path, mapped and elf of DEBUG if there is a file with debug info of its
 * module.
 */
void hc_debug_find_file(const hc_debug_info *info, struct module_debug *debug);

/* debug_info.c: the unit of hc_function_in_part(). FALSE likewise. */
bool hc_module_part_at(hc_debug_info *info, const hc_module *module, hc_address address, Dwarf_Die *ret_unit);

/*
 * debug_file.c: the section NAME ("info": .debug_info, or .zdebug_info) of ELF; NULL if there is
 * none, or it holds nothing.
 */
Elf_Scn *hc_debug_find_section(Elf *elf, const char *name);

/*
 * debug_file.c: the sections of ELF, which libdw has uncompressed. RET_SECTIONS: SECTION_COUNT of
 * them.
 */
void hc_debug_read_sections(Elf *elf, struct section *ret_sections);

/*
 * debug_file.c: maps PATH in a way that libelf may write to; NULL if it is no regular file that can
 * be read.
 */
GMappedFile *hc_debug_map(const char *path);

/* debug_file.c: as dwarf_begin_elf(), with hc_modules_mind_memory(). */
Dwarf *hc_debug_begin(Elf *elf);

/* line_tables.c: the debug info of DEBUG with its line tables; opened at the first call. NULL: there is none. Belongs to DEBUG. */
Dwarf *hc_debug_with_lines(struct module_debug *debug);
void hc_debug_close_lines(struct module_debug *debug);

/*
 * unit_headers.c: finds the units of DEBUG, and of the file it shares. Stops at one that is
 * damaged.
 */
void hc_scan_headers(struct module_debug *debug);

/* ---- scan.c: reads units; any thread ---- */

/* What one thread has found; for several modules. */
struct scanned_type {
	struct named_type type;
	uint32_t module;
};

struct scanned_variable {
	struct static_variable variable;
	uint32_t module;
};

struct scan;

struct scan *hc_scan_create(void);
void hc_scan_destroy(struct scan *scan);

/*
 * Reads a unit of the module numbered MODULE; sets the unit's scopes. Units of one module in the
 * order of their offsets.
 */
void hc_scan_unit(struct scan *scan, const struct module_debug *debug, unsigned module, struct unit *unit);
const GArray *hc_scan_types(const struct scan *scan);	  /* of struct scanned_type */
const GArray *hc_scan_variables(const struct scan *scan); /* of struct scanned_variable */
