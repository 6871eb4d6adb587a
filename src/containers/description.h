/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Key files -> descriptions, which are trees of expressions, and annotations: description.c. */
#pragma once

#include "containers/containers.h"
#include "containers/expression.h"

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
	HC_KEY_FRONTS,
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
	GPtrArray *patterns;  /* char *, as hc_text_matches() has them; or NULL */
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

/* All that was read. */
typedef struct hc_descriptions {
	GPtrArray *list;	 /* of hc_description, in their order */
	GHashTable *by_name;	 /* template name -> GPtrArray of descriptions */
	GPtrArray *by_shape;	 /* descriptions without a plain name */
	GHashTable *annotations; /* name -> hc_annotation */
} hc_descriptions;

void hc_descriptions_init(hc_descriptions *descriptions);
void hc_descriptions_clear(hc_descriptions *descriptions);

/*
 * Reads one file: its descriptions come behind those that are there, its annotations replace those
 * of the same names. Fails as hc_container_set_add_file() does.
 */
bool hc_descriptions_load(hc_descriptions *descriptions, const char *path, GError **error);

/* The description of the group NAME; NULL if there is none. */
const hc_description *hc_descriptions_find(const hc_descriptions *descriptions, const char *name);
