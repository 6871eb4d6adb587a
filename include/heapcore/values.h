/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values: what the dead process's memory says, read with the types that debug info gives it, as a
 * debugger prints it. Elements of containers, keys that were chosen among them, and expressions
 * that name an object.
 */
#pragma once

#include <heapcore/types.h>

HC_BEGIN_DECLS

/* An object in the dead process's memory. */
typedef struct hc_object {
	const hc_type *type; /* NULL: not known */
	hc_address address;
	unsigned bit_size;   /* of a bit field, or an element that is bits, whose storage `address` is; else 0 */
	unsigned bit_offset; /* ... and where they are in it: the least significant one */
} hc_object;

/* ---- values as text ---- */

/*
 * The value of TYPE at ADDRESS as a debugger prints it: "42", "\"text\"", "{id = 7, name = \"x\"}", "std::vector<int>, 3 elements: {1, 2,
 * 3}". Strings are escaped for terminals. At most LIMIT elements or members of each level. Of a core that hides its content there are types
 * and counts, and "<hidden>" in place of texts, numbers and what is no address. Free with g_free().
 */
char *hc_types_format(const hc_types *types, const hc_type *type, hc_address address, unsigned limit);

/* As hc_types_format(). */
char *hc_types_format_object(const hc_types *types, const hc_object *object, unsigned limit);

/*
 * What the block in use BLOCK holds, by its type, as hc_types_format(); of an array or buffer its first elements. NULL where that is not
 * known.
 */
char *hc_types_format_block(const hc_types *types, const hc_block *block, unsigned limit);

/* ---- objects within objects ---- */

/*
 * The elements of the container of TYPE at ADDRESS, from number FIRST on, at most LIMIT: GArray of hc_object, to be unreferenced.
 * NULL if TYPE is no container. *ret_walked: all that it has.
 */
GArray *hc_types_elements(const hc_types *types, const hc_type *type, hc_address address, uint64_t first,
	unsigned limit, hc_grade *ret_grade, uint64_t *ret_walked);

/* The parts of the std::tuple of TYPE at ADDRESS, in order: GArray of hc_object, to be unreferenced. NULL if TYPE is none. */
GArray *hc_types_tuple(const hc_type *type, hc_address address);

/*
 * The object that EXPRESSION names:
 *
 *	g_registry.sessions_[3]->name	a variable (with or without its namespaces), members, elements by number, pointers followed
 *	*head				what a pointer leads to
 *	(Session *)0x55e0c0de		an address with a type; without: of the type that its block has
 *
 * THREAD (0: any) and FRAME (-1: any) choose among locals of one name; the innermost comes first. Fails with HC_ERROR_BAD_DATA, and
 * a message that says where and why.
 */
bool hc_types_evaluate(const hc_types *types, const char *expression, int64_t thread, int frame, hc_object *ret_object,
	GError **error);

/*
 * Calls VISIT for the integers among the program's static variables, and among the members of those (by value, or one pointer away):
 * "g_jobs.produced". At most LIMIT calls. Stops when it returns FALSE.
 */
typedef bool (*hc_types_visit_number)(const char *path, int64_t value, void *data);
void hc_types_each_number(const hc_types *types, unsigned limit, hc_types_visit_number visit, void *data);

/*
 * How full the hash table at container->address is, in a walk of its own; with ONLY_USED without one where that tells nothing but how buckets are
 * shared. FALSE if it is none, or was not walked exactly.
 */
bool hc_types_table_fill(const hc_types *types, const hc_container *container, bool only_used, hc_table_fill *ret_fill);

/* ---- keys of containers ---- */

/* What is known of a container's keys, or of its elements where it has no keys. All text is untrusted. */
typedef struct hc_sample {
	char **texts; /* first, some at random, last; strings as they are, all else as hc_types_format() has it; NULL-terminated */
	char *prefix;	    /* that all string keys begin with, digits as #; NULL: no strings, or nothing shared */
	uint64_t looked_at; /* string keys that prefix and shapes are told from */
	uint64_t shapes;    /* that differ once runs of digits are one; at most HC_SAMPLE_SHAPES */
	char *shape;	    /* the first of them: "/url/#"; or NULL */
} hc_sample;

enum {
	HC_SAMPLE_SHAPES = 1000
};

/*
 * Walks the container once more (of an aggregate, the one at container->address), or only its first ELEMENTS elements (0: all), and
 * chooses LIMIT keys. Clear with hc_sample_clear(). Where the core hides its content there are no texts, only counts.
 */
void hc_types_sample(
	const hc_types *types, const hc_container *container, unsigned limit, uint64_t elements, hc_sample *ret_sample);
void hc_sample_clear(hc_sample *sample);

/* As hc_types_sample(), of the first 10,000 elements of the container that is largest on the path. */
void hc_types_path_sample(const hc_types *types, uint32_t number, unsigned limit, hc_sample *ret_sample);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(hc_sample, hc_sample_clear)

HC_END_DECLS
