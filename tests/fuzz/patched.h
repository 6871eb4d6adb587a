/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A core in a file in memory, some of whose words an input changes. hc_core maps its file shared: so the changes are seen by a core that
 * is open, too, and what was found out of it before the changes need not be found out again.
 *
 * An input is a row of changes, of which each is
 *
 *	what	1 byte: its lower four bits are a patch_kind, its upper ones the range of words that is patched
 *	where	2 bytes: the number of the word
 *	with	2 bytes, or a word of PATCH_SET
 *
 * so that a word may be made to point to any other, or be a bit too large, by few bytes.
 */
#pragma once

#include "fuzz.h"

enum {
	PATCHED_RANGES_MAX = 16
};

typedef struct patched_core {
	core_builder *builder; /* whose file it is; NULL: of patched_core_open() */
	const char *path;      /* the builder's */
	unsigned word;	       /* bytes */
	uint8_t *bytes;	       /* the file, mapped */
	GByteArray *image;     /* as it was */
	GArray *changed;       /* of uint64_t: offsets of words in both */
	hc_address starts[PATCHED_RANGES_MAX];
	uint64_t offsets[PATCHED_RANGES_MAX]; /* in the file */
	unsigned words[PATCHED_RANGES_MAX];
	unsigned count; /* ranges */
} patched_core;

/* Of BUILDER, after core_builder_path(), whose file it is that is changed. Both are kept until the program ends. */
patched_core *patched_core_create(core_builder *builder);

/*
 * Of a real core of a 32-bit process, which lies compressed (zstd) at PATH below the source folder. The ranges are what it could write to, in
 * order. Kept likewise.
 */
patched_core *patched_core_open(const char *path);

/* Words of [start, start + size), which is in one segment, may be changed. */
void patched_core_add_range(patched_core *core, const core_builder *builder, hc_address start, uint64_t size);

/* Changes what all of INPUT says. */
void patched_core_change(patched_core *core, fuzz_input *input);

/* As it was. */
void patched_core_restore(patched_core *core);
