/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of core/: the public interface, and what only the library may do.
 *
 *	core.c		opening a core, and "address -> bytes, or why not"
 *	elf.c		the ELF header and program headers
 *	notes.c		the notes: threads, process, mapped files, signal
 *	registers.c	names of registers
 *	pieces.c	segments and mapped files -> disjoint pieces with one source of bytes each
 *	smaps.c		/proc/PID/smaps, as it lies beside a capture's core
 */
#pragma once

#include <heapcore/core.h>

#include "base/word.h"

/* Word size and byte order of the dead process, for loops that read its words themselves. */
hc_word_format hc_core_word_format(const hc_core *core);

/*
 * Gives a piece of HC_SOURCE_NONE the bytes that it has in the file it was mapped from. BYTES cover the whole piece and
 * must live as long as CORE; the caller has checked that they are what the process had mapped. To be called before any
 * other thread reads CORE.
 */
void hc_core_supply(hc_core *core, unsigned mapping_index, const uint8_t *bytes);

/* As hc_core_find_mapping(), but the index; UINT_MAX if there is none. */
unsigned hc_core_find_mapping_index(const hc_core *core, hc_address address);

/*
 * The first stretch of [*START, END) that has bytes without a break: moves *START to it, and gives its end. FALSE if there is none. So
 * a range that a damaged header tells is searched no further than there is memory.
 */
bool hc_core_next_stretch(const hc_core *core, hc_address *start, hc_address end, hc_address *ret_end);

/* The first thread whose thread pointer is POINTER, or NULL. O(log n). */
const hc_thread *hc_core_find_thread(const hc_core *core, hc_address pointer);

/* The first piece that ends after ADDRESS (it may begin after it); hc_core_mapping_count() if there is none. */
unsigned hc_core_mapping_after(const hc_core *core, hc_address address);

/* ---- smaps.c ---- */

typedef struct hc_smaps_entry {
	uint64_t start, end, offset;
	bool readable, writable, executable, shared, excluded; /* excluded: madvise(MADV_DONTDUMP), devices */
	bool not_forked; /* a child would not have its pages: madvise(MADV_DONTFORK, MADV_WIPEONFORK) */
	uint64_t inode;
	uint64_t resident, proportional, swapped, anonymous; /* bytes */
	char *path;					     /* "" if anonymous; as the kernel writes it */
} hc_smaps_entry;

/* TEXT of an smaps file as an array of hc_smaps_entry, which frees its strings. Lines that say nothing known are passed over. */
GArray *hc_smaps_parse(const char *text);

/*
 * The smaps that lies beside the core of a capture, as above: what of the process's memory there was, also where the core has none of
 * it. NULL: none lies there, or it is another core's. Free with g_array_unref().
 */
GArray *hc_core_read_smaps(const hc_core *core);
