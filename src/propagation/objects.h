/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From object to object. Each of these calls the others: an object has containers, arrays and
 * pointers, and these hold objects.
 *
 *	objects.c		one object
 *	object_containers.c	its containers
 *	leaves_ahead.c		many of these at once, that hold nothing but blocks, and pointers
 *	arrays.c		its arrays and unions
 *	pointers.c		its pointers: which block one leads to, of what type that is
 *	plain_targets.c		... those that lead to a struct with a block of its own
 */
#pragma once

#include "propagation/propagation_state.h"

/* Looks at the object of OWNER at ADDRESS: claims what its containers own, defers its pointers. */
void hc_propagation_look_at(hc_propagation *propagation, hc_owner *owner, hc_address address);

/* Looks at an object that is a part of, or is held by, the one that is being looked at: later, if these are nested too deeply. */
void hc_propagation_look_at_nested(hc_propagation *propagation, hc_owner *owner, hc_address address);

/* The container that is part INDEX, PART, of an object of OWNER, at ADDRESS. */
void hc_propagation_look_at_container(
	hc_propagation *propagation, hc_owner *owner, uint32_t index, const hc_part *part, hc_address address);

/*
 * The same as hc_propagation_look_at_nested() for the first of COUNT elements, one of which was looked at already, at ADDRESSES, which stay
 * there. Gives how many of them: 0 if these are few, or hold more than it knows.
 */
uint64_t hc_propagation_look_at_leaves(
	hc_propagation *propagation, hc_owner *element, const hc_address *addresses, uint64_t count);

/* The figures of several containers of one path, to be added up apart from others'. */
typedef struct hc_container_sums {
	uint64_t containers, claimed, walked, capacity, elements_bytes, grades[HC_GRADE_COUNT];
	bool has_capacity;
	const char *reason; /* the first */
	hc_address largest; /* the first of those with the most elements */
	uint64_t largest_elements;
} hc_container_sums;

/* One more, at ADDRESS, as WALK found it. */
void hc_container_sums_add(hc_container_sums *sums, hc_address address, const hc_walk *walk);

/* CONTAINER has these, too, behind those that it has. */
void hc_container_sums_give(const hc_container_sums *sums, hc_owner *container);

/* Part INDEX of an object of OWNER, at ADDRESS: an array; what behind it may belong to it; a union. */
void hc_propagation_look_at_array(hc_propagation *propagation, hc_owner *owner, uint32_t index, hc_address address);
void hc_propagation_look_at_tail(hc_propagation *propagation, hc_owner *owner, uint32_t index, hc_address address);
void hc_propagation_look_at_union(hc_propagation *propagation, hc_owner *owner, uint32_t index, hc_address address);

/* Follows one pointer, in part PART of an object of OWNER at HOLDER. */
void hc_propagation_follow(
	hc_propagation *propagation, hc_owner *owner, uint32_t part, hc_address holder, hc_address value);

/* The same if it leads to a struct that has a block of its own, and nothing is unusual. FALSE: it is not that; nothing was done. */
bool hc_propagation_follow_plain(
	hc_propagation *propagation, hc_owner *owner, uint32_t part, hc_address holder, hc_address value);

/* As above, of EDGE, which leads to TARGET. */
bool hc_propagation_follow_target(
	hc_propagation *propagation, hc_owner *owner, const hc_edge *edge, const hc_edge_target *target);

/* Where few pointers wait, and each leads to the next one, as to SPOT, there is nothing that could be fetched but by a guess. */
void hc_propagation_guess_next(hc_propagation *propagation, const hc_spot *spot);

/* Claims the block that VALUE leads to for OWNER, whose type the object there has, and looks at it. */
void hc_propagation_reach(hc_propagation *propagation, hc_owner *owner, hc_address value);

/*
 * Whether an object at ADDRESS could be of PLAN: its pointers lead somewhere, or nowhere, its containers are sound. *ret_has_content: some
 * of them do lead somewhere.
 */
bool hc_propagation_looks_like(
	hc_propagation *propagation, const hc_plan *plan, hc_address address, bool *ret_has_content);

/* The class of an object whose first word is VTABLE. NULL: it is none that is known. */
const hc_known_class *hc_propagation_class(hc_propagation *propagation, hc_address vtable);
