/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of containers/ share.
 *
 *	description.c	key files -> descriptions (trees of expressions), annotations
 *	expression.c	text -> tree
 *	compile.c	tree + type -> program: member paths become offsets, sizes become numbers
 *	keys.c		... the keys of a description, and what names mean
 *	functions.c	... the functions that expressions may use
 *	evaluate.c	program + object -> number
 *	layout.c	which description fits a type, and its programs
 *	deduce.c	what the elements of a list are, whose links do not tell it
 *	reader.h	address -> bytes, and whether a live block holds them
 *	walk.c		the checks that hold for all kinds, and the kinds without nodes
 *	walk_nodes.c	linked, tree, buckets, slots
 */
#pragma once

#include "containers/containers.h"

#include "containers/expression.h"
#include "containers/reader.h"

/* ---- descriptions ---- */

/* Keys that mean something to the walker. All others are names that expressions may use. */
typedef enum {
	HC_KEY_ALTERNATIVE,
	HC_KEY_AT_MOST,
	HC_KEY_BACK,
	HC_KEY_BLOCK,
	HC_KEY_BLOCKS,
	HC_KEY_BUCKETS,
	HC_KEY_CAPACITY,
	HC_KEY_CLASS_OF,
	HC_KEY_COUNT,
	HC_KEY_DATA,
	HC_KEY_ELEM,
	HC_KEY_ELEM_BITS,
	HC_KEY_ELEM_SIZE,
	HC_KEY_FIRST,
	HC_KEY_FUNCTION,
	HC_KEY_HEAD,
	HC_KEY_HEADER,
	HC_KEY_INLINE,
	HC_KEY_IS_INLINE,
	HC_KEY_LEFT,
	HC_KEY_MAP,
	HC_KEY_MAPPED,
	HC_KEY_MAPPED_ELEM,
	HC_KEY_NEXT,
	HC_KEY_NODE,
	HC_KEY_NODE_SIZE,
	HC_KEY_OBJECT,
	HC_KEY_OWNED,
	HC_KEY_PARENT,
	HC_KEY_PREV,
	HC_KEY_RIGHT,
	HC_KEY_ROOM,
	HC_KEY_ROOT,
	HC_KEY_SHARED,
	HC_KEY_SKIP,
	HC_KEY_SLOTS,
	HC_KEY_START,
	HC_KEY_STOP,
	HC_KEY_STRIDE,
	HC_KEY_TABLE,
	HC_KEY_TAIL,
	HC_KEY_TAIL_SLOT,
	HC_KEY_TOP,
	HC_KEY_USED,
	HC_KEY_VALUE,
	HC_KEY_WHEN,
	HC_KEY_WRAP,
	HC_KEY_COUNT_OF,
} hc_key;

enum {
	HC_KEYS_MAX = 64, /* of a description: a bit for each */
	HC_NO_KEY = 0xff
};

typedef struct hc_description_key {
	const char *name;
	const char *text; /* as in the file */
	const hc_expression *expression;
	const char *reason;	  /* of a check: what is told when it does not hold */
	uint8_t size_key;	  /* of buffer1, index1: the key buffer1_size; or HC_NO_KEY */
	bool is_check, is_memory; /* check1; buffer1 or index1 */
	hc_memory_role role;
	bool is_node; /* names are looked for in the node first */
} hc_description_key;

typedef struct hc_description {
	const char *name; /* of the group */
	const char *file;
	unsigned order; /* the first that fits wins */
	hc_walk_kind kind;
	GPtrArray *memory;    /* of strings and trees */
	GPtrArray *match;     /* template names; NULL: any */
	GPtrArray *patterns;  /* GPatternSpec; or NULL */
	GPtrArray *shape;     /* GStrv: for each one of these members */
	const char *link;     /* linked through a member of the node's that has this member; or NULL */
	const char *argument; /* erased: the name of the template argument */
	bool is_pointer;      /* the container is a pointer to what match and shape tell */
	bool is_array;	      /* the container is an array, of any type */
	bool is_guess, is_text, is_terminated, is_balanced, by_pointer, variables_only, deduces, is_view;
	unsigned key_count, check_count, memory_count;
	hc_description_key *keys;
	uint8_t checks[HC_KEYS_MAX], memories[HC_KEYS_MAX]; /* those of the keys that are */
	uint8_t known[HC_KEY_COUNT_OF];			    /* index in keys; or HC_NO_KEY */
} hc_description;

/* What the user says of one variable or member. */
typedef struct hc_annotation {
	char *name, *elem, *value, *link, *as; /* name is never NULL */
} hc_annotation;

/* Reads one file into the set: descriptions behind those that are there, annotations replace. */
bool hc_description_load(hc_container_set *set, const char *path, GError **error);
void hc_description_free(void *description);

/* The first call in EXPRESSION of a function that there is not, or not with so many operands; NULL if there is none. */
const hc_expression *hc_expression_unknown_call(const hc_expression *expression);
void hc_annotation_free(void *annotation);

/* ---- programs ---- */

typedef enum {
	HC_CODE_PUSH,	   /* value */
	HC_CODE_THIS,	   /* the container's address + value */
	HC_CODE_NODE,	   /* the node's address + value */
	HC_CODE_VARIABLE,  /* index, slot: value */
	HC_CODE_LOAD_THIS, /* size bytes at the container + value */
	HC_CODE_LOAD_NODE,
	HC_CODE_LOAD,		 /* address + value -> size bytes there */
	HC_CODE_KEY,		 /* the value of key number `value`: worked out once a walk */
	HC_CODE_OFFSET,		 /* a -> a + value */
	HC_CODE_SCALE,		 /* a, index -> a + index * value */
	HC_CODE_BITS,		 /* a -> size bits from bit `value` on */
	HC_CODE_BINARY,		 /* a, b -> a operator b; size: hc_operator */
	HC_CODE_BINARY_CONSTANT, /* a -> a operator value */
	HC_CODE_NOT,
	HC_CODE_INVERT,
	HC_CODE_NEGATE,
	HC_CODE_BOOL,	     /* a -> a != 0 */
	HC_CODE_JUMP,	     /* to instruction number value */
	HC_CODE_JUMP_IF_NOT, /* a -> */
	HC_CODE_AND_THEN,    /* a -> a, and jump if it is 0; else a -> */
	HC_CODE_OR_ELSE,     /* a -> 1, and jump if it is not 0; else a -> */
	HC_CODE_ALIGN_UP,    /* a, b */
	HC_CODE_MIN,
	HC_CODE_MAX,
	HC_CODE_LOG2,	/* a -> the number of its highest bit; 0 -> 0 */
	HC_CODE_SYMBOL, /* address -> the name of the function there holds text number `value` */
	HC_CODE_USABLE, /* address -> bytes from there to the end of the block in use that holds it; 0: there is none */
	HC_CODE_START,	/* address -> the beginning of the block in use that holds it; 0: there is none */
	HC_CODE_CLIMB,	/* address -> the last one on the way along the pointers at offset `value` */
} hc_code;

typedef struct hc_instruction {
	uint8_t code; /* hc_code */
	uint8_t size;
	bool is_signed;
	uint64_t value;
} hc_instruction;

enum {
	HC_PROGRAM_STACK = 32,	  /* values */
	HC_PROGRAM_LENGTH = 1024, /* instructions; jumps lead forward only, so this bounds the time, too */
	HC_VARIABLE_INDEX = 0,
	HC_VARIABLE_SLOT = 1,
	HC_CLIMB_MAX = 256,	    /* pointers */
	HC_FUNCTIONS_MAX = 1 << 16, /* whose names or types are kept */
};

/* What an expression turned out to be. */
typedef enum {
	HC_FORM_NONE,
	HC_FORM_VALUE,	 /* a number; with the type of a pointer, where it is one */
	HC_FORM_ADDRESS, /* the same, but not worked out yet: base + offset */
	HC_FORM_PLACE,	 /* memory of a type, at base + offset */
	HC_FORM_TYPE,
} hc_form;

typedef struct hc_program {
	bool is_compiled;
	bool is_constant; /* `value`; no code */
	bool uses_node;	  /* differs from node to node */
	bool is_signed;
	bool is_member;	   /* the contents of the container's own memory at `offset` */
	bool is_node_word; /* a word of the node, at `offset`: for loops that need no program */
	hc_form form;
	const hc_type *type;
	uint64_t value, offset;
	unsigned length;
	const hc_instruction *code;
} hc_program;

/* A OPERATION B; FALSE: division by zero. */
bool hc_operator_apply(hc_operator operation, bool is_signed, uint64_t a, uint64_t b, uint64_t *ret_value);

/* ---- layouts ---- */

struct hc_layout {
	hc_container_set *set;
	const hc_description *description;
	const hc_annotation *annotation; /* or NULL */
	const hc_type *type, *element, *mapped, *node;
	uint64_t element_size, mapped_size; /* 0: unknown */
	uint64_t object_size;		    /* of the container; 0: unknown */
	uint64_t object_mask, element_mask; /* bits that are 0 in their addresses */
	bool by_pointer;		    /* elements are what the pointers in the container lead to */
	bool mapped_by_pointer;
	bool through_pointer;	    /* what is walked is a pointer to the container */
	const hc_field *link_field; /* of nodes, for description->link */
	uint64_t link_offset;
	uint64_t link_value;  /* of an annotated or deduced link: from it to the element */
	hc_holder holder;     /* of a deduced one: the element, and the link's place in it; type NULL: it is none */
	hc_layout *next_link; /* the same by another member of the node */
	GPtrArray *code;      /* instructions of programs */
	GPtrArray *texts;     /* for HC_CODE_SYMBOL */
	hc_program *programs; /* of description->keys */
};

static inline const hc_program *hc_layout_program(const hc_layout *layout, hc_key key)
{
	uint8_t index = layout->description->known[key];

	return index == HC_NO_KEY ? NULL : &layout->programs[index];
}

/* LAYOUT, a list's, for elements of HOLDER. NULL: its keys do not fit. Kept by the set. */
hc_layout *hc_layout_make_holder(const hc_layout *layout, hc_holder holder);

/*
 * Compiles all keys of LAYOUT, whose description, type, annotation and link are set. FALSE with *RET_MESSAGE (to be freed; NULL: `when`
 * does not hold) if the description does not fit.
 */
bool hc_layout_compile(hc_layout *layout, char **ret_message);

struct hc_container_set {
	hc_modules *modules;		 /* NULL: with program_types */
	hc_program_types *program_types; /* NULL: no types by name */
	const hc_core *core;
	const hc_blocks *blocks;
	hc_diagnostics *diagnostics;
	GPtrArray *descriptions; /* in their order */
	GHashTable *by_name;	 /* template name -> GPtrArray of descriptions */
	GPtrArray *by_shape;	 /* descriptions without a plain name */
	GHashTable *annotations; /* name -> hc_annotation */
	GHashTable *layouts;	 /* type -> layout, or NULL */
	GHashTable *named;	 /* struct named_key -> layout, or NULL */
	GPtrArray *all_layouts;
	GHashTable *candidates; /* layout that deduces -> GArray of struct candidate (deduce.c) */
	GHashTable *functions;	/* address -> hc_type, or NULL */
	GHashTable *symbols;	/* address -> name, or "" */
	uint64_t heap_bytes;
	uint64_t budget; /* bytes that walks may still look at */
	hc_reader reader;
};

/* ---- walks ---- */

typedef struct hc_walker {
	const hc_layout *layout;
	hc_container_set *set;
	hc_reader *reader;
	const hc_walk_visitor *visitor;
	bool visits; /* elements are still wanted */
	bool by_pointer, mapped_by_pointer;
	bool is_proved; /* a check held that chance would not pass */
	bool is_disproved; /* some of its memory is not what malloc would have made for it: a block proves nothing any more */
	unsigned blocks_seen;  /* that are what malloc would have made */
	hc_address address;    /* of the container */
	const uint8_t *object; /* its bytes; NULL: to be read like other memory */
	uint64_t object_size;
	hc_address node;
	uint64_t variables[2];
	uint64_t known, failed; /* keys: values[] is worked out; could not be */
	uint64_t limit;		/* elements to stop behind; 0: none */
	uint64_t budget;
	hc_walk *walk; /* what is told of it so far: the caller's, who may look at it when it is called */
	uint64_t values[HC_KEYS_MAX]; /* last: not cleared */
} hc_walker;

/* As hc_layout_walk(), but through LAYOUT as it is, and with LIMIT in place of the visitor's. */
void hc_walk_one(
	const hc_layout *layout, hc_address address, const hc_walk_visitor *visitor, uint64_t limit, hc_walk *ret_walk);

/* FALSE: memory could not be read, or a division by zero. */
bool hc_walker_run(hc_walker *walker, const hc_program *program, uint64_t *ret_value);
bool hc_walker_key(hc_walker *walker, unsigned index, uint64_t *ret_value);

/* *RET_VALUE is OTHERWISE where the description has no such key. */
bool hc_walker_get(hc_walker *walker, hc_key key, uint64_t otherwise, uint64_t *ret_value);

static inline bool hc_walker_has(const hc_walker *walker, hc_key key)
{
	return walker->layout->description->known[key] != HC_NO_KEY;
}

/* Both give FALSE, so that they can be returned. */
bool hc_walker_end(hc_walker *walker, hc_grade grade, const char *reason);
/* Something did not fit behind the element that was walked last: the first ones were a chance hit, the later ones are damage. */
bool hc_walker_break(hc_walker *walker, const char *reason);

void hc_walker_visit(hc_walker *walker, hc_address element, hc_address mapped);
void hc_walker_own(hc_walker *walker, hc_address address, uint64_t size, hc_memory_role role);

/* Notes whether [ADDRESS, ADDRESS + SIZE), that it owns, is a whole block: where it keeps nothing else that could be checked, that is evidence. */
void hc_walker_prove_by_block(hc_walker *walker, hc_address address, uint64_t size);

/* What a place in memory that cannot be used is called. */
const char *hc_place_reason(hc_range_kind place);

/* Charges BYTES to the set's budget; FALSE if it is used up. */
static inline bool hc_walker_charge(hc_walker *walker, uint64_t bytes)
{
	if (walker->budget < bytes)
		return hc_walker_end(walker, HC_GRADE_TRUNCATED, "too much has been walked already");
	walker->budget -= bytes;
	return true;
}

/* TRUE if no more elements are wanted. */
static inline bool hc_walker_is_enough(const hc_walker *walker)
{
	return walker->limit && walker->walk->walked >= walker->limit;
}

void hc_walk_linked(hc_walker *walker);
void hc_walk_tree(hc_walker *walker);
void hc_walk_buckets(hc_walker *walker);
void hc_walk_slots(hc_walker *walker);
