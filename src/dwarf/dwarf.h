/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of dwarf/: what is in each module's debug info and where, for the folders that
 * answer questions from it. Units, the scopes that DIEs stand in, defined types by name, variables,
 * functions by address.
 *
 *	files (debug_file.c) --sections--> scan.c (several threads)
 *		--> index.c --offsets of DIEs--> types, variables, ... by libdw
 *
 * libdw's objects are not to be used by two threads, and it has no way from a DIE to its parents.
 * So what has to look at every DIE reads the bytes of .debug_info itself, and libdw is asked about
 * single DIEs only.
 *
 *	debug_info.c	the object: the debug info of all modules, and what of it could not be read
 *	debug_file.c	finds the file that has a module's debug info
 *	shared_file.c	what several files have in common, in one more file
 *	unit_headers.c	where units are
 *	scan.c		goes through the DIEs of a unit: scopes, types, variables
 *	abbreviations.c	... what to skip there
 *	index.c		asking: units, scopes, types by name; names of DIEs
 *	functions.c	functions by address, and calls in them
 *	code_lines.c	from an address of code to lines of source
 *	decl_files.c	in which file something was declared
 *	line_tables.c	the file once more, with its line tables
 */
#pragma once

#include "base/cxx_names.h"
#include "modules/modules.h"

#include <elfutils/libdw.h>

/*
 * .debug_info and what it points to, uncompressed. .debug_types is DWARF 4's place for type units.
 */
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
 * What several files have in common, which dwz has moved out of them into one more file
 * (.gnu_debugaltlink). Opened once for all modules that refer to it.
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

/*
 * Offsets of DIEs and units are in .debug_info; with these bits in .debug_types, or in .debug_info
 * of the shared file.
 */
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
	const hc_module *module;
	bool is_read; /* all of it, or there is none */
	bool tried_file, tried_index;
	char *path;
	GMappedFile *mapped;
	Elf *elf;
	Dwarf *dwarf;
	bool tried_lines;
	GMappedFile *lines_mapped; /* line_tables.c: `dwarf` has none, this has them; NULL: nothing was opened */
	Elf *lines_elf;
	Dwarf *lines;
	bool is_borrowed;	     /* `dwarf` belongs to the modules */
	bool tried_part;
	struct one_unit *part;	     /* one unit, where the rest was not asked for; NULL: there is none */
	char *gap;		     /* why nothing of it is read; NULL: it is read, or there is none */
	struct shared_debug *shared; /* NULL: it refers to no other file */
	bool swap;
	struct section sections[SECTION_COUNT];
	GArray *units;	   /* of struct unit, by offset */
	GArray *types;	   /* of struct named_type, by hash, kind, offset */
	uint32_t *by_base; /* indices of composite ones in `types` by base */
	unsigned by_base_count;
	GArray *variables; /* of struct static_variable, by offset */
	GArray *ranges;	   /* of struct unit_range, by start; lazily */
	GHashTable *names; /* offset of a DIE -> its qualified name, or NULL */
	uint64_t split_units, damaged_units;
};

/*
 * The debug info of all modules. Everything is read when it is first asked for, and kept, failures
 * too: one thread at a time.
 */
typedef struct hc_debug_info {
	hc_modules *modules;
	const hc_core *core;
	struct module_debug **opened; /* by hc_modules_index(); NULL: not yet */
	const hc_module **in_order;   /* as names are looked for: the program's own modules first, then the runtime's */
	unsigned program_count, count; /* in it: of the program's own; of all */
	bool indexed;
	GStringChunk *strings; /* names that live as long as the debug info */

	/* functions.c: what was asked for */
	GHashTable *functions;	/* of a unit: Dwarf_CU * -> GArray of struct function, by address */
	GHashTable *call_sites; /* address that a call comes back to -> struct call_site */
	GHashTable *jumpers;	/* where the DIE of a function lies -> whether it may jump to itself */
} hc_debug_info;

/* Reads nothing yet. MODULES must outlive it. */
hc_debug_info *hc_debug_info_create(hc_modules *modules);
void hc_debug_info_destroy(hc_debug_info *info); /* NULL is fine */

/*
 * What was not read, by module: "libfoo.so: split DWARF: ..." Of what has been opened. GPtrArray of
 * char *, to be freed by the caller.
 */
GPtrArray *hc_debug_info_gaps(const hc_debug_info *info);

/*
 * Opens the debug info of MODULE, once. Never NULL; where ->dwarf is NULL there is none that could
 * be read.
 */
struct module_debug *hc_module_debug(hc_debug_info *info, const hc_module *module);

/* True for glibc, the dynamic linker and the runtime of C++: whose variables are of no interest. */
bool hc_module_is_runtime(const hc_module *module);

/*
 * index.c: makes sure that the debug info of MODULE is indexed (of all modules but the runtime's,
 * the first time). NULL if there is none.
 */
struct module_debug *hc_module_index(hc_debug_info *info, const hc_module *module);
void hc_debug_info_index(hc_debug_info *info, unsigned jobs);

/*
 * The debug info of MODULE, from a file that is here and belongs to it; NULL if there is none.
 * *ret_bias: what to add to its addresses.
 */
Dwarf *hc_module_dwarf(hc_debug_info *info, const hc_module *module, Dwarf_Addr *ret_bias);

/*
 * The compilation unit that ADDRESS (in the process) is in, also where .debug_aranges is missing.
 */
bool hc_module_unit_at(hc_debug_info *info, const hc_module *module, hc_address address, Dwarf_Die *ret_unit);

/* True for the tags of struct, class, union, interface and enum. */
bool hc_tag_is_composite(int tag);

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
 * Defined types of a full name's hash, the composite ones first: their number, and in *ret_first
 * where they begin in debug->types.
 */
unsigned hc_debug_types(const struct module_debug *debug, uint64_t hash, unsigned *ret_first);

/* The same by the hash of names without arguments: *ret_first is in debug->by_base. */
unsigned hc_debug_types_by_base(const struct module_debug *debug, uint64_t base, unsigned *ret_first);

/*
 * decl_files.c: the file in which the DIE of DEBUG at OFFSET was declared, as the compiler has it. NULL if that is not known.
 * Belongs to DEBUG.
 */
const char *hc_debug_decl_file(struct module_debug *debug, uint64_t offset);

/*
 * The name of DIE with its scopes: "app::Registry::instance". Belongs to INFO. NULL if it has none.
 */
const char *hc_name_of_die(hc_debug_info *info, const hc_module *module, Dwarf_Die *die);

/* The qualified name of the function that DIE stands in; NULL: in none. Belongs to INFO. */
const char *hc_function_of_die(hc_debug_info *info, const hc_module *module, Dwarf_Die *die);

/* ---- functions.c: functions and calls ---- */

enum {
	HC_DIE_NESTING_MAX = 64
};

/*
 * The DIEs below one, depth first. The caller says at each whether its children come next. An end
 * is certain.
 */
typedef struct hc_die_walk {
	Dwarf_Die stack[HC_DIE_NESTING_MAX];
	unsigned depth; /* 1: children of the top */
	unsigned steps;
} hc_die_walk;

void hc_die_walk_begin(hc_die_walk *walk, Dwarf_Die *top);
Dwarf_Die *hc_die_walk_at(hc_die_walk *walk); /* NULL at the end */
void hc_die_walk_next(hc_die_walk *walk, bool into);

/*
 * The DIE (DW_TAG_subprogram, with ranges) of the function that ADDRESS of the process is in. FALSE
 * if no debug info has one.
 */
bool hc_function_at(hc_debug_info *info, const hc_module *module, hc_address address, Dwarf_Die *ret_function);

/*
 * The same from the one unit that has it, if no more of the module's debug info is read yet, and that is less work. Its DIE refers to none
 * behind the unit, and has no location lists. FALSE: all has to be read.
 */
bool hc_function_in_part(hc_debug_info *info, const hc_module *module, hc_address address, Dwarf_Die *ret_function);

/*
 * The scope that FUNCTION, a DIE of DEBUG, as hc_module_index() has it, stands in: the class, if it
 * is declared there. FALSE if it stands in none.
 */
bool hc_function_scope(const struct module_debug *debug, Dwarf_Die *function, Dwarf_Die *ret_scope);

/*
 * From an instance of a function to its origin, or from that to its declaration. FALSE if FUNCTION
 * is the last one.
 */
bool hc_function_origin(Dwarf_Die *function, Dwarf_Die *ret_origin);

/*
 * The DIE of the call in FUNCTION, of MODULE, after which control comes back to ADDRESS of the
 * process. FALSE if there is none, or it is a jump to another function.
 */
bool hc_call_site_at(
	hc_debug_info *info, const hc_module *module, Dwarf_Die *function, hc_address address, Dwarf_Die *ret_site);

/*
 * Whether what the call SITE tells holds for the frame of CALLEE, of MODULE: it calls CALLEE, and
 * not a function that went on to it by a jump. INDIRECT: where a call through a pointer leads; 0:
 * not known.
 */
bool hc_call_site_calls(
	hc_debug_info *info, Dwarf_Die *site, hc_address indirect, const hc_module *module, Dwarf_Die *callee);

/* ---- code_lines.c ---- */

enum {
	HC_CODE_LINES_MAX = 24
};

/* A function at a place of the code, and the line of source that it was at. Texts belong to INFO; NULL and 0: not known. */
typedef struct hc_code_line {
	const char *function; /* qualified, without arguments */
	const char *file;
	int line;
} hc_code_line;

/*
 * The functions that ADDRESS, of MODULE, is in: the innermost that was inlined there first, the one that has the code last; each with the line
 * where it is, or calls the one before. At most LIMIT; their number, 0: no debug info tells.
 */
unsigned hc_code_lines_at(
	hc_debug_info *info, const hc_module *module, hc_address address, hc_code_line *ret_lines, unsigned limit);
