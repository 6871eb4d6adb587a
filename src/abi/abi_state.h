/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of abi/ share. */
#pragma once

#include "abi/abi.h"

struct hc_abi {
	hc_abi_input input;
	hc_abi_totals totals;
	GArray *differences; /* of hc_abi_difference */
	GPtrArray *changes;  /* GArrays that these point into, as do heads */
	hc_sites *sites;     /* hc_abi_sites(); NULL: no code was read */
	GStringChunk *texts;
};

/* What is known of one definition beside its type. */
struct definition {
	const hc_namesake *namesake;
	GArray *methods; /* of hc_method */
};

/* Whether there are objects of it. */
static inline bool hc_abi_is_class(const hc_abi_difference *difference)
{
	return difference->kind == HC_ABI_CLASS || difference->kind == HC_ABI_ALLOCATION;
}

/* same.c: FALSE if nothing says that one class is meant. */
bool hc_abi_is_same(const struct definition *a, const struct definition *b, hc_abi_same *ret_same);

/* sides.c: MODULE has the layout of SIDE; counts once. */
void hc_abi_add_module(hc_abi_side *side, const hc_module *module);

/* compare.c: appends to CHANGES the virtual functions that differ. IS_TEMPLATE: of such compilers declare what is used alone. */
void hc_abi_compare_methods(const GArray *a, const GArray *b, bool is_template, GArray *changes);

/* compare.c: members, without bases; enumerators. */
unsigned hc_abi_count_parts(const hc_type *type);

/* compare.c: the members of TYPE that do not fit into SIZE bytes: GArray of hc_abi_change, whose second side knows nothing; to be freed by the caller. */
GArray *hc_abi_members_beyond(const hc_type *type, uint64_t size);

/* compare.c: members that are in both, under one name. */
unsigned hc_abi_count_common(const hc_type *a, const hc_type *b);

/* blocks.c: usable bytes that malloc gives for SIZE bytes, at least; now and then it gives one alignment more. */
uint64_t hc_abi_usable(const hc_abi *abi, uint64_t size);

/*
 * blocks.c: calls VISIT for each block in use that is an object of a class with two layouts, or begins as one, once for each difference that has it. SIDE: the
 * one that its size fits alone; -1: none.
 */
typedef void (*hc_abi_visit_object)(hc_abi *abi, unsigned difference, const hc_block *block, int side, void *data);
void hc_abi_each_object(hc_abi *abi, hc_abi_visit_object visit, void *data);

/* sides.c: whether one of the first COUNT differences is of NAME. */
bool hc_abi_is_told(const hc_abi *abi, const char *name, unsigned count);

/* These find differences, beside those that debug info has told. */
void hc_abi_find_vtables(hc_abi *abi);
void hc_abi_find_allocations(hc_abi *abi);
void hc_abi_find_functions(hc_abi *abi);

/* Each fills in what it tells of the differences, which have been found. */
void hc_abi_count_blocks(hc_abi *abi);
void hc_abi_find_left_behind(hc_abi *abi);
