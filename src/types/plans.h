/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of an object of a type must be looked at: plans.c. */
#pragma once

#include "containers/containers.h"

typedef enum {
	HC_PART_POINTER,   /* of target `type` */
	HC_PART_CONTAINER, /* of `type`, read by `layout` */
	HC_PART_ARRAY,	   /* `count` elements of `type`, `stride` bytes apart, each with `plan` */
	HC_PART_UNION,	   /* of `type` */
} hc_part_kind;

typedef struct hc_plan hc_plan;
typedef struct hc_plans hc_plans;

typedef struct hc_part {
	hc_part_kind kind;
	uint64_t offset;
	const hc_type *type;
	const hc_layout *layout;
	const hc_plan *plan; /* of an array's element; of a container that is a guess, what to do if it is none */
	uint64_t count, stride;
	const char *name; /* "queue_", "state.lock"; "" for the object itself */
	bool is_link;	  /* a pointer that a list has to a pointer, wherever that is a part of */
} hc_part;

struct hc_plan {
	const hc_type *type;
	GArray *parts;	     /* of hc_part */
	bool is_polymorphic; /* begins with a pointer to a vtable */
};

hc_plans *hc_plans_create(hc_container_set *set);
void hc_plans_destroy(hc_plans *plans);

/* The plan for objects of TYPE. Kept. NAME of the variable that is one, for annotations; or NULL. Without parts: nothing to look at. */
const hc_plan *hc_plans_get(hc_plans *plans, const hc_type *type, const char *name);

/* What of the elements of a container of LAYOUT has to be looked at. */
hc_record_wants hc_plans_wants(hc_plans *plans, const hc_layout *layout);

/* True if an object of OUTER has an object of INNER within it, by value, that is not the whole of it. Kept. */
bool hc_plans_contains(hc_plans *plans, const hc_type *outer, const hc_type *inner);

/* A smart pointer, an optional, a variant, an erased object: what it holds is one thing. */
static inline bool hc_layout_is_single(const hc_layout *layout)
{
	hc_walk_kind kind = hc_layout_kind(layout);

	return kind == HC_WALK_SINGLE || kind == HC_WALK_VARIANT || kind == HC_WALK_ERASED;
}
