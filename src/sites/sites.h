/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of sites/: the calls of the program that allocate, and which of them may have made given blocks.
 *
 *	sites.c			the object: reads all modules, and lists what was found
 *	allocators.c		functions that are known to allocate by their names
 *	scan.c			where code names functions
 *	read.c			which calls allocate, round by round
 *	flow.c, flow.h		values through one function
 *	flow_values.c		reckoning with what is known of them
 *	decode.c, steps.h	one instruction, by capstone
 *	decode_x86.c		... what it does on x86-64
 *	decode_aarch64.c	... on aarch64
 *	contents.c, contents.h	what calls put into what they allocate
 *	agree.c			how that agrees with a block
 *	places.c		where a site is in the source
 *	rank.c			which sites blocks may be from
 *	requests.c		what malloc makes of a request
 *	lost.c			groups of lost blocks, as questions
 *	made.c			of which class an object is that a site makes
 *	sites_state.h		what these share
 *
 * Made when it is asked for, not in every analysis. Costs one look at each byte of the process's code, and decoding of the functions that
 * allocate.
 */
#pragma once

#include <heapcore/sites.h>

#include "program_types/program_types.h"

/*
 * Reads the code of all modules on JOBS threads (0: one for each processor). The arguments must outlive the result, which is
 * hc_sites_destroy()'s. Never NULL: hc_sites_why_none() tells if there is nothing.
 * What of the user's own could not be read is counted in DIAGNOSTICS.
 */
hc_sites *hc_sites_create(const hc_core *core, hc_modules *modules, hc_debug_info *debug_info,
	hc_program_types *program_types, const hc_blocks *blocks, unsigned jobs, hc_diagnostics *diagnostics);

/* ---- requests.c ---- */

/* Whether malloc may give USABLE bytes for REQUEST. *RET_IS_LARGER: one alignment more than it must. */
bool hc_sites_gives(uint64_t request, uint64_t usable, bool *ret_is_larger);

/* Nothing that asks for less than this is given USABLE bytes. */
uint64_t hc_sites_least_request(uint64_t usable);

/* A class of which there is an object at the beginning of what a call makes: its own, or a base. */
typedef struct hc_made {
	char *name;		 /* with its scopes, as in debug info. Untrusted */
	const hc_module *module; /* that has its constructor, or its vtable */
} hc_made;

/*
 * made.c: by the constructors that the code behind SITE calls on the whole block, and the vtables that it puts in front. GArray of hc_made, to be freed by the
 * caller; it may be empty.
 */
GArray *hc_sites_made(hc_sites *sites, const hc_site *site);

/* Of the disassembler, "4.0"; to be freed. */
char *hc_sites_capstone_version(void);
