/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is in a module's debug info and where: units, the scopes that DIEs stand in, defined types by name, variables. For the files of
 * dwarf/ and later folders that answer questions from it.
 *
 *	files (debug_file.c) --sections--> scan.c (several threads) --> index.c --offsets of DIEs--> type.c, variables.c, ... by libdw
 *
 * libdw's objects are not to be used by two threads, and it has no way from a DIE to its parents. So what has to look at every DIE reads the
 * bytes of .debug_info itself, and libdw is asked about single DIEs only.
 */
#pragma once

#include "variables/variables_state.h"
#include "base/cxx_names.h"

/* .debug_info and what it points to, uncompressed. .debug_types is DWARF 4's place for type units. */
enum {
	SECTION_INFO,
	SECTION_TYPES,
	SECTION_ABBREV,
	SECTION_STR,
	SECTION_LINE_STR,
	SECTION_STR_OFFSETS,
	SECTION_COUNT,
};

struct section {
	const uint8_t *bytes; /* NULL if there is none */
	uint64_t size;
};

/*
 * What several files have in common, which dwz has moved out of them into one more file (.gnu_debugaltlink).
 * Opened once for all modules that refer to it.
 */
struct shared_debug {
	unsigned users; /* module_debugs */
	char *path;
	GMappedFile *mapped;
	Elf *elf;
	Dwarf *dwarf;
	struct section sections[SECTION_COUNT];
};

/* A DIE that others stand in: namespace, class, function. Offsets are from the unit's beginning. */
struct scope {
	uint32_t start;	 /* of the DIE itself */
	uint32_t end;	 /* of its last child */
	uint32_t parent; /* index, or NO_SCOPE */
};

#define NO_SCOPE UINT32_MAX

/* Offsets of DIEs and units are in .debug_info; with these bits in .debug_types, or in .debug_info of the shared file. */
#define OFFSET_IN_TYPES	 (UINT64_C(1) << 63)
#define OFFSET_IN_SHARED (UINT64_C(1) << 62)
#define OFFSET_PLACE	 (OFFSET_IN_TYPES | OFFSET_IN_SHARED)

struct unit {
	uint64_t offset, end; /* header included */
	uint64_t first;	      /* its first DIE */
	uint64_t abbreviations;
	uint64_t string_offsets; /* DW_AT_str_offsets_base */
	uint16_t version;
	uint8_t type; /* DW_UT_... */
	uint8_t address_size, offset_size;
	bool is_split;	 /* its DIEs are in another file */
	bool is_damaged; /* not all of it could be read */
	struct scope *scopes;
	unsigned scope_count;
};

enum {
	NAMED_COMPOSITE = 1, /* struct, class, union, enum */
	NAMED_OTHER = 2,     /* typedef at namespace scope, base type */
};

/* A type that is defined. */
struct named_type {
	uint64_t hash; /* hc_name_hashes(): full; 0 of what is local to a function */
	uint64_t base;
	uint64_t offset;
	uint32_t size; /* as far as known; the lower bits */
	uint16_t kind;
	bool is_unique;	 /* in a function or an anonymous namespace: another unit's is not the same */
	bool is_unnamed; /* it, or what it stands in, has its name elsewhere: the hashes are not known yet */
};

/* A variable that has one place, or one in each thread. */
struct static_variable {
	uint64_t offset;
	bool is_thread_local, in_function;
};

struct unit_range {
	uint64_t start, end; /* in the file's addresses */
	unsigned unit;
};

/* Debug info of one module. */
struct module_debug {
	struct module *module;
	bool tried_file, tried_index;
	char *path;
	GMappedFile *mapped;
	Elf *elf;
	Dwarf *dwarf;
	char *gap;		     /* why nothing of it is read; NULL: it is read, or there is none */
	struct shared_debug *shared; /* NULL: it refers to no other file */
	bool swap;
	struct section sections[SECTION_COUNT];
	GArray *units;	   /* of struct unit, by offset */
	GArray *types;	   /* of struct named_type, by hash, kind, offset */
	uint32_t *by_base; /* indices of composite ones in `types` by base */
	unsigned by_base_count;
	GArray *variables;     /* of struct static_variable, by offset */
	GArray *ranges;	       /* of struct unit_range, by start; lazily */
	GHashTable *by_offset; /* offset of a DIE -> hc_type * */
	GHashTable *names;     /* offset of a DIE -> its qualified name, or NULL */
	GArray *vtables;       /* of struct vtable_symbol (vtables.c), by address; lazily */
	uint64_t split_units, damaged_units;
};

/* What hc_modules keeps of debug info. */
struct hc_debug {
	bool indexed;
	GStringChunk *strings;
	GHashTable *interned; /* key -> hc_type * */
	GPtrArray *types;     /* owns them */
	hc_type *void_type;
	GHashTable *definitions; /* hash of a declared name -> hc_type *, or NULL */
	GHashTable *by_name;	 /* as users write it -> hc_type *, or NULL */
	GHashTable *holders;	 /* hc_type -> GArray of hc_holder (node_holders.c) */
	GHashTable *vtables;	 /* address -> struct vtable * (vtables.c) */
	GHashTable *arguments;	 /* "address name" of a function's -> hc_type *, or NULL (function_arguments.c) */
	GArray *variables;	 /* of hc_variable; NULL: not loaded */
	GPtrArray *gaps;	 /* NULL-terminated */
	unsigned depth;		 /* of types that are being made within each other */
};

/* Never NULL. */
struct hc_debug *hc_modules_debug(hc_modules *modules);

/*
 * shared_file.c: opens the file that DEBUG's own, which is open, shares with others, if it refers to one. FALSE if that is not here, or cannot
 * be read: sets the gap.
 */
bool hc_debug_open_shared(hc_modules *modules, struct module_debug *debug);

/* For a module that goes; NULL is fine. */
void hc_shared_debug_release(struct shared_debug *shared);

/* debug_file.c: the section NAME ("info": .debug_info, or .zdebug_info) of ELF; NULL if there is none, or it holds nothing. */
Elf_Scn *hc_debug_find_section(Elf *elf, const char *name);

/* debug_file.c: the sections of ELF, which libdw has uncompressed. RET_SECTIONS: SECTION_COUNT of them. */
void hc_debug_read_sections(Elf *elf, struct section *ret_sections);

/* debug_file.c: maps PATH in a way that libelf may write to; NULL if it is no regular file that can be read. */
GMappedFile *hc_debug_map(const char *path);
Elf *hc_debug_open_elf(GMappedFile *mapped);

/* debug_file.c: opens the debug info of MODULE, once. Never NULL; where ->dwarf is NULL there is none that could be read. */
struct module_debug *hc_module_debug(hc_modules *modules, struct module *module);

/* True for glibc, the dynamic linker and the runtime of C++: whose variables are of no interest. */
bool hc_module_is_runtime(const struct module *module);

/* index.c: makes sure that the debug info of MODULE is indexed (of all modules but the runtime's, the first time). NULL if there is none. */
struct module_debug *hc_module_index(hc_modules *modules, struct module *module);
void hc_modules_index_debug(hc_modules *modules, unsigned jobs);

/* Where DIE is, and the other way round. */
uint64_t hc_die_offset(const struct module_debug *debug, Dwarf_Die *die);
bool hc_debug_die(const struct module_debug *debug, uint64_t offset, Dwarf_Die *ret_die);

/* The unit of the DIE at OFFSET; NULL if there is none. */
const struct unit *hc_debug_unit(const struct module_debug *debug, uint64_t offset);

/* The section SECTION_... of the file that the unit or DIE at OFFSET is in. */
static inline const struct section *hc_debug_section(
	const struct module_debug *debug, uint64_t offset, unsigned section)
{
	return &(offset & OFFSET_IN_SHARED ? debug->shared->sections : debug->sections)[section];
}

/* The innermost scope around (not of) the DIE at OFFSET; NULL: the unit. */
const struct scope *hc_unit_scope_around(const struct unit *unit, uint64_t offset);

/*
 * Defined types of a full name's hash, the composite ones first: their number, and in *ret_first where they begin in debug->types.
 */
unsigned hc_debug_types(const struct module_debug *debug, uint64_t hash, unsigned *ret_first);

/* The same by the hash of names without arguments: *ret_first is in debug->by_base. */
unsigned hc_debug_types_by_base(const struct module_debug *debug, uint64_t base, unsigned *ret_first);

/* The qualified name of the function that DIE stands in; NULL: in none. Belongs to MODULES. */
const char *hc_function_of_die(hc_modules *modules, struct module *module, Dwarf_Die *die);

/* unit_headers.c: finds the units of DEBUG, and of the file it shares. Stops at one that is damaged. */
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

/* Reads a unit of the module numbered MODULE; sets the unit's scopes. Units of one module in the order of their offsets. */
void hc_scan_unit(struct scan *scan, const struct module_debug *debug, unsigned module, struct unit *unit);
const GArray *hc_scan_types(const struct scan *scan);	  /* of struct scanned_type */
const GArray *hc_scan_variables(const struct scan *scan); /* of struct scanned_variable */
