/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of program_types/: the types that the program's debug info describes, each one
 * object.
 *
 *	type.c			from a DIE to its type
 *	plain_types.c		pointers, arrays, base types
 *	type_dies.c		what a DIE says of its type
 *	interned.c		the object that owns them, each one once
 *	type_members.c		what is in a type, and the questions of <heapcore/debuginfo.h> about one
 *	type_lookup.c		by the name that a user writes
 *	node_holders.c		structs that have a member of a type
 *	namesakes.c		classes of one name whose definitions differ
 *	signatures.c		what functions of C take, as they are defined and declared
 *	vtables.c		by the vtable of an object
 *	function_arguments.c	template arguments of a function, by its address
 *
 * Types are read when they are first asked for, and kept: one thread at a time.
 */
#pragma once

#include <heapcore/debuginfo.h>

#include "dwarf/dwarf.h"

/* Reads nothing yet. INFO must outlive it. */
hc_program_types *hc_program_types_create(hc_debug_info *info);
void hc_program_types_destroy(hc_program_types *types); /* NULL is fine */

hc_modules *hc_program_types_modules(const hc_program_types *types);
hc_debug_info *hc_program_types_debug_info(const hc_program_types *types);

/*
 * The type that DIE (a type's DIE) describes, typedefs and qualifiers peeled; a declaration is
 * replaced by its definition. Never NULL.
 */
const hc_type *hc_type_of_die(hc_program_types *types, const hc_module *module, Dwarf_Die *die);

/*
 * The type of a variable's or member's DIE (DW_AT_type, through abstract origin and specification).
 * void if it has none.
 */
const hc_type *hc_type_of_variable(hc_program_types *types, const hc_module *module, Dwarf_Die *die);

/* ---- namesakes.c ---- */

/* A definition of a class, union or enum: one of those of a module that agree. Strings belong to the types. */
typedef struct hc_namesake {
	const hc_type *type;
	const hc_module *module;
	uint64_t offset;      /* of its DIE in the module's debug info */
	uint64_t functions;   /* a figure of the virtual functions that it declares, and their slots; 0: none */
	const char *scopes;   /* that it stands in, inline namespaces too */
	const char *unit;     /* the source file that was compiled; NULL: not known */
	const char *declared; /* the file that it stands in; NULL: not known */
	unsigned line;	      /* there; 0: not known */
} hc_namesake;

/*
 * Calls VISIT for each name of a class, union or enum, in C and C++, whose definitions are not all of one type with the same functions, with all of them; no name that is
 * local to a file or function. Stops when it returns FALSE. SIZES_ONLY: only of names whose sizes differ, which is faster.
 * The program's own modules; indexes them at the first call. Returns how many names have several definitions.
 */
typedef bool (*hc_namesakes_visit)(const hc_namesake *namesakes, unsigned count, void *data);
uint64_t hc_program_types_each_namesakes(
	hc_program_types *types, bool sizes_only, hc_namesakes_visit visit, void *data);

/* A member function as its class declares it. Strings belong to the types. */
typedef struct hc_method {
	const char *name;
	const char *linkage; /* mangled; NULL: not known */
	bool is_virtual;
	bool is_artificial; /* the compiler made it, maybe not for every file */
	uint64_t slot;	    /* of a virtual one: its place in the vtable */
} hc_method;

/* In the order of the source: GArray of hc_method, to be freed by the caller. */
GArray *hc_namesake_methods(hc_program_types *types, const hc_namesake *namesake);

/* How many of the program's own modules have debug info. Opens it, and reads nothing. */
unsigned hc_program_types_described(hc_program_types *types);

/* Whether MODULE has. Opens it, and reads nothing. */
bool hc_program_types_describes(hc_program_types *types, const hc_module *module);

/* ---- signatures.c ---- */

/* Strings belong to the types. */
typedef struct hc_parameter {
	const char *name; /* NULL: not known */
	const hc_type *type;
} hc_parameter;

/* What a function takes that other languages than C++ have by its mere name, and all of it: it has a prototype, without "...". */
typedef struct hc_signature {
	const char *name;
	const hc_module *module;
	uint64_t offset;    /* of its DIE in the module's debug info */
	GArray *parameters; /* of hc_parameter */

	/* hc_program_types_place_signature(): NULL and 0 before, or if it is not known */
	const char *unit;     /* the source file that was compiled */
	const char *declared; /* the file that it stands in */
	unsigned line;	      /* there */
} hc_signature;

void hc_signature_clear(hc_signature *signature);

/* Fills in where it stands. */
void hc_program_types_place_signature(hc_program_types *types, hc_signature *signature);

/* Of the function that begins at ADDRESS of the process. FALSE if that is not known. Free it with hc_signature_clear(). */
bool hc_program_types_signature_at(hc_program_types *types, hc_address address, hc_signature *ret_signature);

/*
 * Calls VISIT for each declaration, in each source file of MODULE, of a function that is defined elsewhere, and whose name is a key of NAMES.
 * SIGNATURE is gone after that.
 */
typedef void (*hc_declared_visit)(hc_signature *signature, void *data);
void hc_program_types_each_declared(
	hc_program_types *types, const hc_module *module, GHashTable *names, hc_declared_visit visit, void *data);

/* ---- vtables.c ---- */

/* A vtable by its symbol. */
typedef struct hc_vtable_symbol {
	hc_address start, end;
	const char *name; /* the mangled class, behind "_ZTV" */
} hc_vtable_symbol;

/* Those of MODULE, by address: *RET_COUNT of them; they belong to TYPES. */
const hc_vtable_symbol *hc_program_types_vtables(hc_program_types *types, const hc_module *module, unsigned *ret_count);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_program_types, hc_program_types_destroy)
