/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Duplicates: blocks in use that hold the same, so that one would do. Blocks that are lost are left out, and so are libc's own.
 */
#pragma once

#include <heapcore/types.h>

HC_BEGIN_DECLS

/* What of blocks is the same. */
typedef enum {
	HC_COMPARED_WHOLE,  /* all usable bytes */
	HC_COMPARED_OBJECT, /* the object that the block's type says; malloc may have given more room */
	HC_COMPARED_TEXT,   /* text up to its NUL, by the block's type; what lies behind it is left over */
	HC_COMPARED_LIKELY_TEXT, /* the same, but no type says so: printable, and malloc would have made the block as large for it */
	HC_COMPARED_COUNT,
} hc_compared;

const char *hc_compared_name(hc_compared compared); /* "whole", "object", "text", "likely-text": for JSON */

/* Blocks of one usable size that hold the same. */
typedef struct hc_duplicate_group {
	uint64_t blocks; /* at least 2 */
	uint64_t size;	 /* usable bytes of each */
	uint64_t length; /* bytes that are the same, from the beginning on */
	hc_compared compared;
	bool is_zero;	    /* all of them 0: memory that was only made ready */
	hc_address example; /* the first */
	size_t first;	    /* for hc_duplicates_member() */
} hc_duplicate_group;

/* Usable bytes that all blocks but one take. */
static inline uint64_t hc_duplicate_saving(const hc_duplicate_group *group)
{
	return (group->blocks - 1) * group->size;
}

typedef struct hc_duplicates_options {
	uint64_t minimum; /* usable bytes of blocks, at least */
	uint64_t every;	  /* look at one block in so many, spread over all; 0 or 1: at all */
	unsigned jobs;	  /* threads; 0: one per processor */
} hc_duplicates_options;

typedef struct hc_duplicates_totals {
	hc_amount looked_at;
	hc_amount lost;	       /* left out */
	hc_amount unreadable;  /* left out: the core lacks some of their bytes */
	hc_amount unverified;  /* left out: too many differ that look the same to the hash */
	uint64_t saved;	       /* bytes, of all groups but those of zeros */
	uint64_t saved_likely; /* of these, by HC_COMPARED_LIKELY_TEXT */
	uint64_t saved_zero;   /* of those of zeros */
} hc_duplicates_totals;

typedef struct hc_duplicates hc_duplicates;
void hc_duplicates_destroy(hc_duplicates *duplicates);

const hc_duplicates_totals *hc_duplicates_get_totals(const hc_duplicates *duplicates);

/* Groups, what saves most first; those of zeros behind all others. */
size_t hc_duplicates_count(const hc_duplicates *duplicates);
const hc_duplicate_group *hc_duplicates_group(const hc_duplicates *duplicates, size_t index);

/* The number of block INDEX, below group->blocks, of GROUP; in order of address. */
uint32_t hc_duplicates_member(const hc_duplicates *duplicates, const hc_duplicate_group *group, uint64_t index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_duplicates, hc_duplicates_destroy)

HC_END_DECLS
