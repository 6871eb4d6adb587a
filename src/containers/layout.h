/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A layout: a description made ready for one type. layout.c finds which description fits, and makes
 * it; compile.c works its programs out.
 */
#pragma once

#include "containers/description.h"
#include "containers/program.h"
#include "containers/container_set.h"

struct hc_layout {
	hc_container_set *set;
	const hc_description *description;
	const hc_annotation *annotation; /* or NULL */
	const hc_type *type, *element, *mapped, *node;
	uint64_t element_size, mapped_size; /* 0: unknown */
	uint64_t object_size;		    /* of the container; 0: unknown */
	uint64_t object_mask, element_mask; /* bits that are 0 in their addresses */
	uint64_t element_alignment;	    /* at most 4096; 1: unknown */
	bool is_pure;			    /* hc_layout_is_pure() */
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

void hc_layout_free(void *layout);

/* LAYOUT, a list's, for elements of HOLDER. NULL: its keys do not fit. Kept by the set. */
hc_layout *hc_layout_make_holder(const hc_layout *layout, hc_holder holder);
