/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One walk: a layout and an address -> elements and memory.
 *
 *	evaluate.c	the values of its keys: runs programs
 *	walker.c	what all kinds share: how a walk ends, what it tells, what it believes
 *	walk_rows.c	elements in a row, or in blocks of several
 *	walk_objects.c	one object, or none: smart pointers, variants, erased types
 *	walk_nodes.c	tree, buckets, slots (walk_nodes.h)
 *	walk_chains.c	linked, one or many at once
 *	record.c	one walk, kept for who makes use of it later
 *	straight.c	many of one layout, straight (straight.h)
 *	walk.c		checks the object, and walks as its kind says
 */
#pragma once

#include "containers/layout.h"

enum {
	HC_SIZE_MAX_BITS = 48, /* no count or size is larger */
	HC_OBJECT_MAX = 1024,  /* bytes of a container in registers */
	HC_CHAINS_AT_ONCE = 16,
};

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

/* A walk through LAYOUT as it is: BUDGET bytes may be looked at, LIMIT elements (0: all). Nothing is read yet. */
void hc_walker_init(hc_walker *walker, const hc_layout *layout, hc_address address, hc_reader *reader,
	const hc_walk_visitor *visitor, uint64_t limit, uint64_t budget, hc_walk *ret_walk);

/*
 * Checks the container itself, with BUFFER for HC_OBJECT_MAX bytes of it; then it is walked as its kind says, and at last what was met is
 * graded. FALSE: it is none, or empty in such a way that there is nothing to walk.
 */
bool hc_walker_begin(hc_walker *walker, uint8_t *buffer);
void hc_walker_walk(hc_walker *walker);
void hc_walker_finish(hc_walker *walker);

/* Of lists: all of COUNT walkers, each in its turn. */
void hc_walk_chains(hc_walker *const *walkers, unsigned count);

/* A walk that is over: whether what it met proves anything. */
void hc_walk_grade(hc_walk *walk);

/* As hc_layout_walk(), but through LAYOUT as it is, and with LIMIT in place of the visitor's. */
void hc_walk_one(
	const hc_layout *layout, hc_address address, const hc_walk_visitor *visitor, uint64_t limit, hc_walk *ret_walk);

/* FALSE: memory could not be read, or a division by zero. */
bool hc_walker_run(hc_walker *walker, const hc_program *program, uint64_t *ret_value);

/* hc_walker_key(), of a key that is no constant and was not worked out yet. */
bool hc_walker_work_out(hc_walker *walker, unsigned index, uint64_t *ret_value);

static inline bool hc_walker_key(hc_walker *walker, unsigned index, uint64_t *ret_value)
{
	const hc_program *program = &walker->layout->programs[index];

	if (program->is_constant) {
		*ret_value = program->value;
		return true;
	}
	if (walker->known >> index & 1) {
		*ret_value = walker->values[index];
		return true;
	}
	return hc_walker_work_out(walker, index, ret_value);
}

/* *RET_VALUE is OTHERWISE where the description has no such key. Most descriptions have few of all keys, so these are looked for in place. */
static inline bool hc_walker_get(hc_walker *walker, hc_key key, uint64_t otherwise, uint64_t *ret_value)
{
	uint8_t index = walker->layout->description->known[key];

	*ret_value = otherwise;
	return index == HC_NO_KEY || hc_walker_key(walker, index, ret_value);
}

static inline bool hc_walker_has(const hc_walker *walker, hc_key key)
{
	return walker->layout->description->known[key] != HC_NO_KEY;
}

/* These give FALSE, so that they can be returned. */
bool hc_walker_end(hc_walker *walker, hc_grade grade, const char *reason);
/* It is none, or it is damaged. */
bool hc_walker_refuse(hc_walker *walker, const char *reason);
/* It cannot be told what it is: the value of a key is in memory that cannot be read. */
bool hc_walker_refuse_unread(hc_walker *walker);
/* Something did not fit behind the element that was walked last: the first ones were a chance hit, the later ones are damage. */
bool hc_walker_break(hc_walker *walker, const char *reason);

/* hc_walker_get(), but what cannot be had ends the walk. */
static inline bool hc_walker_need(hc_walker *walker, hc_key key, uint64_t otherwise, uint64_t *ret_value)
{
	return hc_walker_get(walker, key, otherwise, ret_value) || hc_walker_refuse_unread(walker);
}

void hc_walker_visit(hc_walker *walker, hc_address element, hc_address mapped);
void hc_walker_own(hc_walker *walker, hc_address address, uint64_t size, hc_memory_role role);

/* Notes whether [ADDRESS, ADDRESS + SIZE), that it owns, is a whole block: where it keeps nothing else that could be checked, that is evidence. */
void hc_walker_prove_by_block(hc_walker *walker, hc_address address, uint64_t size);

/*
 * The block that READER checked last, if that begins at ADDRESS: there is no need to look for it. *RET_IS_BLOCK: whether malloc would
 * have made it as large for SIZE bytes. FALSE: it is another one, or one that has to be looked for to tell.
 */
bool hc_reader_is_checked_block(const hc_reader *reader, hc_address address, uint64_t size, bool *ret_is_block);

/* Whether what is there belongs to the container, not to somebody else (the key `owned`). */
bool hc_walker_owns(hc_walker *walker);

/* True if [address, address + size) is a part of the container itself. */
static inline bool hc_walker_is_within(const hc_walker *walker, hc_address address, uint64_t size)
{
	uint64_t offset = address - walker->address;

	return offset < walker->object_size && size <= walker->object_size - offset;
}

static inline bool hc_place_is_usable(hc_range_kind place)
{
	return place == HC_RANGE_LIVE || place == HC_RANGE_OUTSIDE;
}

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

/* The kinds. Each walks WALKER's container, whose object was found sound; what it claims is known. */
void hc_walk_contiguous(hc_walker *walker);
void hc_walk_segmented(hc_walker *walker);
void hc_walk_single(hc_walker *walker);
void hc_walk_variant(hc_walker *walker);
void hc_walk_erased(hc_walker *walker);
void hc_walk_linked(hc_walker *walker);
void hc_walk_tree(hc_walker *walker);
void hc_walk_buckets(hc_walker *walker);
void hc_walk_slots(hc_walker *walker);
