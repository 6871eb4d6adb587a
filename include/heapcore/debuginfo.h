/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the program's debug info (DWARF) says: types, and variables with the places where they are in this process.
 *
 * Everything here belongs to the object it was asked of, and is read when it is first asked for: one thread at a time.
 */
#pragma once

#include <heapcore/modules.h>

HC_BEGIN_DECLS

/* The types of the program, and its variables: of an analysis, by hc_analysis_program_types() and hc_analysis_variables(). */
typedef struct hc_program_types hc_program_types;
typedef struct hc_variables hc_variables;

typedef enum {
	HC_TYPE_VOID, /* and what has no size: of pointers that may lead to anything */
	HC_TYPE_BOOL,
	HC_TYPE_CHAR, /* char, signed char, unsigned char, wchar_t, char8_t, char16_t, char32_t */
	HC_TYPE_SIGNED,
	HC_TYPE_UNSIGNED,
	HC_TYPE_FLOAT,
	HC_TYPE_COMPLEX, /* two floating point numbers: C's _Complex */
	HC_TYPE_ENUM,
	HC_TYPE_POINTER,
	HC_TYPE_REFERENCE,	/* & and &&; in memory a pointer */
	HC_TYPE_MEMBER_POINTER, /* C++'s T C::* */
	HC_TYPE_STRUCT,		/* struct, class */
	HC_TYPE_UNION,
	HC_TYPE_ARRAY,
	HC_TYPE_FUNCTION,
	HC_TYPE_INCOMPLETE, /* a struct, class, union or enum that is declared, but defined nowhere in what was read */
	HC_TYPE_OTHER,	    /* bytes that mean nothing here: what this version does not know */
	HC_TYPE_KIND_COUNT,
} hc_type_kind;

/*
 * A type without typedefs and cv-qualifiers. Interned: the same type from two compilation units, or from two modules, is
 * one object, so types are compared as pointers. Two C structs of one name that differ in size or members are two types.
 */
typedef struct hc_type hc_type;

/* A member or base class. Static members are none. */
typedef struct hc_field {
	const char *name; /* NULL: a base class or an anonymous member, whose members count as this type's own */
	const hc_type *type;
	uint64_t offset; /* bytes from the object's beginning; of a bit field, of the storage that holds it */
	bool is_base;
	bool is_virtual; /* a virtual base: offset is not known from the type alone, and 0 */
	unsigned bit_size,
		bit_offset; /* bit_size 0: no bit field. bit_offset: least significant bit, from `offset` on */
} hc_field;

/* A template argument; of a pack each element is one. */
typedef struct hc_template_argument {
	const char *name;    /* of the parameter: "_Tp", "_Types"; NULL if it has none */
	const hc_type *type; /* NULL: a value */
	int64_t value;	     /* of a value, if it is an integer */
	bool in_pack;
} hc_template_argument;

hc_type_kind hc_type_get_kind(const hc_type *type);

/*
 * As DWARF names it, with its scopes, inline namespaces left out: "std::vector<int, std::allocator<int> >", "session",
 * "(anonymous namespace)::node", "Session *", "char [16]", "(anonymous struct in queue)". Never NULL.
 */
const char *hc_type_name(const hc_type *type);

/* For people: the same without the standard library's default template arguments: "std::vector<int>", "std::string". */
const char *hc_type_short_name(const hc_type *type);

/* The name without template arguments: "std::vector". NULL for what has no name of its own (pointers, arrays, anonymous). */
const char *hc_type_template_name(const hc_type *type);

uint64_t hc_type_size(const hc_type *type); /* bytes; 0: unknown, incomplete or flexible */
uint64_t hc_type_alignment(
	const hc_type *type); /* bytes, at least 1: DW_AT_alignment, or deduced as the x86-64 and aarch64 ABIs do */

/* Of a pointer, reference: what it leads to; of an array: the element; of an enum: the integer. Else NULL. */
const hc_type *hc_type_target(const hc_type *type);

/* Elements of an array, of all dimensions; 0 for a flexible one. */
uint64_t hc_type_count(const hc_type *type);

/* Of a struct or union, in the order of the source, bases first. */
unsigned hc_type_field_count(const hc_type *type);
const hc_field *hc_type_field(const hc_type *type, unsigned index);

/*
 * The member NAME of TYPE, looked for in base classes and anonymous members too, nearest first. *ret_offset is from TYPE's
 * beginning. NULL if there is none.
 */
const hc_field *hc_type_find_field(const hc_type *type, const char *name, uint64_t *ret_offset);

unsigned hc_type_argument_count(const hc_type *type);
const hc_template_argument *hc_type_argument(const hc_type *type, unsigned index);

/* True if objects of TYPE begin with a pointer to a vtable (its own or that of a base at offset 0). */
bool hc_type_is_polymorphic(const hc_type *type);

/* The name of the enumerator VALUE of an enum; NULL if there is none. Of VALUE only as many bytes count as the enum has. */
const char *hc_type_enumerator(const hc_type *type, int64_t value);

/* Of an enum, in the order of the source: the name of number INDEX, and its value. */
unsigned hc_type_enumerator_count(const hc_type *type);
const char *hc_type_enumerator_at(const hc_type *type, unsigned index, int64_t *ret_value);

/* ---- variables ---- */

typedef enum {
	HC_VARIABLE_GLOBAL,   /* at namespace scope, external or static; static members of classes */
	HC_VARIABLE_FUNCTION, /* static in a function */
	HC_VARIABLE_THREAD_LOCAL,
	HC_VARIABLE_LOCAL,
	HC_VARIABLE_PARAMETER,
	HC_VARIABLE_KIND_COUNT,
} hc_variable_kind;

typedef enum {
	HC_VARIABLE_IN_MEMORY,
	HC_VARIABLE_VALUE,	   /* in registers, or computed: `address` is one that hc_variables_read() knows */
	HC_VARIABLE_OPTIMIZED_OUT, /* has no value at this point of the program, by its debug info */
	HC_VARIABLE_UNREADABLE,	   /* its place is not in the core, or needs a register that could not be unwound */
	HC_VARIABLE_UNSUPPORTED, /* its location is described in a way that this version does not evaluate; see reason */
	HC_VARIABLE_STATE_COUNT,
} hc_variable_state;

/* "in memory", "value", "optimized out", "unreadable", "unsupported" */
const char *hc_variable_state_name(hc_variable_state state);

typedef struct hc_variable {
	hc_variable_kind kind;
	hc_variable_state state;
	const char *name;     /* with its scopes: "app::g_registry", "Cache::instance"; a local's own name */
	const char *function; /* of locals, parameters and function statics: "run_session"; else NULL */
	const hc_type *type;
	const hc_module *module;
	unsigned thread; /* index (hc_core_thread) of thread-locals and locals; else UINT_MAX */
	unsigned frame;	 /* index (hc_modules_frames) of locals; else UINT_MAX */
	bool is_inlined; /* in a function that was inlined into the frame's */
	hc_address address;
	uint64_t valid_size; /* of HC_VARIABLE_VALUE: bytes that are known (pieces may lack); else the type's size */
	const char *reason;  /* of UNREADABLE and UNSUPPORTED: one clause; else NULL */
} hc_variable;

/*
 * The variables of the process: those with an address of their own (one row for each thread of a thread-local one that the
 * thread has), then locals and parameters of all frames of all threads, outermost frame first. Variables of libc, the dynamic
 * linker and the language's runtime are left out: what they hold is labelled already.
 *
 * Reads the index of the debug info at the first call, on JOBS threads (0: one for each processor).
 */
unsigned hc_variables_load(hc_variables *variables, unsigned jobs);
const hc_variable *hc_variables_get(const hc_variables *variables, unsigned index);

/* As hc_core_read(), with the addresses of HC_VARIABLE_VALUE too. */
bool hc_variables_read(const hc_variables *variables, hc_address address, void *buffer, size_t size);

/* ---- types by name, and by what memory holds ---- */

/* The type of that name (hc_type_name(); also as a user writes it: "std::vector<int>" or "struct session"), or NULL. */
const hc_type *hc_program_types_find(hc_program_types *types, const char *name);

/* A struct with a member of some type by value: itself, or in one of its structs, unions or base classes. */
typedef struct hc_holder {
	const hc_type *type;
	uint64_t offset; /* of the member, from the struct's beginning */
} hc_holder;

/*
 * Every struct of the debug info that has a member of type MEMBER, once for each such member; those of libc and the runtime left
 * out. Reads all structs at the first call for MEMBER. *ret_count 0: there are none, or more than could be told apart.
 */
const hc_holder *hc_program_types_holders(hc_program_types *types, const hc_type *member, unsigned *ret_count);

/*
 * The class of the object at ADDRESS by the vtable pointer VTABLE found there. *ret_to_top: what to add to ADDRESS for the
 * beginning of the whole object (0 or negative). *ret_name: its name, demangled, also where there is no type; belongs to TYPES.
 * FALSE if VTABLE is not the address point of a vtable. *ret_type may be NULL: the class is in no debug info.
 */
bool hc_program_types_class_of_vtable(hc_program_types *types, hc_address vtable, const hc_type **ret_type,
	int64_t *ret_to_top, const char **ret_name);

/* The name alone, or NULL: reads no debug info but symbol tables. */
const char *hc_program_types_class_name_of_vtable(hc_program_types *types, hc_address vtable);

/*
 * The template argument NAME ("_Functor") of the function that starts at ADDRESS, or of the class that it is a member of. So
 * type-erased objects (std::function, std::any) are told. NULL if there is none.
 */
const hc_type *hc_program_types_argument_of_function(hc_program_types *types, hc_address address, const char *name);

/* What was not read, by module: "libfoo.so: split DWARF: ..." NULL-terminated; belongs to VARIABLES. After hc_variables_load(). */
const char *const *hc_variables_gaps(const hc_variables *variables);

HC_END_DECLS
