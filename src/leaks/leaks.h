/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of leaks/: lost blocks as trees, groups, and evidence of whose they are.
 *
 *	trees.c		each head with what hangs on it; the order of things
 *	words.c		what a word of a block is
 *	vtable_types.c	vtables: from a word to the name of a type
 *	groups.c	which trees are one row; what a row says
 *	kinds.c		groups that are one in another process, too
 *	evidence.c	dead memory that still points to a lost block
 *	unloaded.c	objects of libraries that were unloaded
 *	stale.c		words that a block's last owner left in it
 *	live_mappings.c	anonymous memory that nothing points to
 *	suppressions.c	known and accepted leaks
 *	leaks.c		asking for what was found
 *
 * Made when it is asked for, not in every analysis. Costs one look at the lost blocks, at all free memory and at all live
 * memory (for the mappings); for each head 8 bytes, and for each 16 bytes of heap four bits while it runs.
 */
#pragma once

#include <heapcore/debuginfo.h>
#include <heapcore/leaks.h>

#include "references/references.h"

/* ---- unloaded.c: lost blocks that begin with a vtable where no mapping is, as objects of a library that was unloaded do ---- */

typedef struct hc_unloaded hc_unloaded;

/*
 * The arguments must outlive the result, which is hc_unloaded_free()'s. Looks at the first words
 * of all lost blocks, if any library was unloaded.
 */
hc_unloaded *hc_unloaded_find(const hc_core *core, const hc_modules *modules, const hc_references *references);
void hc_unloaded_free(hc_unloaded *unloaded);

/* Whether VALUE is the address of such a vtable. */
bool hc_unloaded_has(const hc_unloaded *unloaded, hc_address value);

/* The lost blocks that begin with one; usable bytes. */
hc_amount hc_unloaded_amount(const hc_unloaded *unloaded);

/* ---- all of it ---- */

/*
 * The arguments must outlive the result. OPTIONS may be NULL. Looks up classes by vtables: one thread at a time. Fails with
 * HC_ERROR_NO_MEMORY.
 */
hc_leaks *hc_leaks_create(const hc_core *core, hc_program_types *program_types, const hc_blocks *blocks,
	const hc_areas *areas, const hc_references *references, const hc_unloaded *unloaded,
	const hc_leaks_options *options, GError **error);

/*
 * kinds.c: the kinds of the groups that are lost, in their order: GArray of hc_leak_kind, whose strings are in TEXTS. RET_KINDS has room for the
 * kind of each group, UINT_MAX: it has none.
 */
GArray *hc_leaks_make_kinds(const hc_leaks *leaks, GStringChunk *texts, unsigned *ret_kinds);
