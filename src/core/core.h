/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of core/: the public interface, and what only the library may do.
 *
 *	core.c		opening a core, and "address -> bytes, or why not"
 *	compressed.c	cores that are compressed, or come through a pipe
 *	codecs.c	what they may be compressed with (codecs.h), and with which library each is read:
 *	codec_zstd.c
 *	codec_lz4.c
 *	codec_gzip.c
 *	codec_xz.c
 *	coredumps.c	which of the cores that systemd-coredump(8) keeps is meant
 *	file_names.c	names of a capture's core
 *	elf.c		the ELF header and program headers
 *	notes.c		the notes: threads, process, mapped files, signal
 *	registers.c	names of registers
 *	thread_pointers.c	thread pointers that the notes do not tell
 *	pieces.c	segments and mapped files -> disjoint pieces with one source of bytes each
 *	holes.c		what of the file is known to be zeros without reading it
 *	large_pages.c	what is walked at random, in pages of 2 MiB
 *	release_pages.c	giving the mapping back at the end
 *	smaps.c		/proc/PID/smaps, as it lies beside a capture's core
 *	residency.h	which pages were in memory: runs of them, and their file
 *	residency.c	how much of a range was
 *	residency_file.c	writing and reading the file
 *	core_residency.c	the one beside a core, held against its smaps
 */
#pragma once

#include <heapcore/core.h>

#include "base/machine.h"
#include "base/word.h"

/* What is known of the machine; NULL: it is none of base/machine.c. */
const hc_machine *hc_core_machine(const hc_core *core);

/* Word size and byte order of the dead process, for loops that read its words themselves. */
hc_word_format hc_core_word_format(const hc_core *core);

typedef struct hc_core_options {
	uint64_t memory;		 /* bytes that the process may take in all; 0: what there is */
	hc_unpacking_function unpacking; /* may be NULL */
	void *unpacking_data;
} hc_core_options;

/* As hc_core_open(); OPTIONS may be NULL. */
hc_core *hc_core_open_with(
	const char *path, const hc_core_options *options, hc_diagnostics *diagnostics, GError **error);

/* Whether NAME is that of a core in a capture's folder: core.PID, or that compressed. */
bool hc_core_is_captures(const char *name);

/* Whether these are names of one of a capture's cores: as it was written, and as it was compressed or decompressed later. */
bool hc_core_is_same_captures(const char *name, const char *other);

/*
 * The name of the file to open: PATH, but of a capture's folder (<heapcore/capture.h>) the one core in it. A folder that is none is opened
 * as it is, which fails and says so. Free with g_free().
 */
char *hc_core_find_file(const char *path);

/* To be called before anybody asks for the name. */
void hc_core_set_name(hc_core *core, const char *name);

/* Likewise: what hc_core_hides_content() is to say; the process has no arguments then. */
void hc_core_hide_content(hc_core *core);

/* Likewise: CORE is a live process's, in place of one that somebody wrote. */
void hc_core_set_live(hc_core *core);

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

/* As hc_core_resident(), of ranges in order of address: a step or two. HINT: 0 before the first call, then the callee's. */
hc_resident hc_core_resident_next(const hc_core *core, hc_address start, hc_address end, size_t hint[2]);

/* The first thread whose thread pointer is POINTER, or NULL. O(log n). */
const hc_thread *hc_core_find_thread(const hc_core *core, hc_address pointer);

/* The first piece that ends after ADDRESS (it may begin after it); hc_core_mapping_count() if there is none. */
unsigned hc_core_mapping_after(const hc_core *core, hc_address address);

/* ---- holes.c ---- */

/*
 * Whether the first of SIZE bytes at BYTES, of a word's beginning, is in a hole of the core file, so that it is zero without being read.
 * *ret_size: how many bytes, at most SIZE, there are up to the end of that hole, or to the beginning of the next; words are not cut. BYTES
 * may be anywhere: what is not the file's is in no hole.
 */
bool hc_core_is_hole(const hc_core *core, const uint8_t *bytes, uint64_t size, uint64_t *ret_size);

/* Whether SIZE bytes at BYTES, as above, are all zero. */
bool hc_core_is_zero(const hc_core *core, const uint8_t *bytes, uint64_t size);

/* ---- large_pages.c ---- */

typedef struct hc_paging_options {
	unsigned jobs; /* threads to use; 0: one per processor */
	uint64_t
		memory; /* bytes that the process may take in all, the core's pages included; UINT64_MAX: what there is */
	uint64_t dear;	/* ns of a processor: copies of 2 MiB that cost more are few; UINT64_MAX: whatever they cost */
	unsigned share; /* so many cores share the memory, at least 1 */
} hc_paging_options;

/*
 * Has the bytes of RANGES, sorted and disjoint, stand in large pages where the system has them, for what reads them at random. No byte
 * and no pointer changes, but no other thread may read CORE meanwhile. What cannot be done is left as it is; FALSE only if the core
 * cannot be read any more (HC_ERROR_NO_MEMORY).
 */
bool hc_core_enlarge_pages(
	hc_core *core, const hc_range *ranges, unsigned count, const hc_paging_options *options, GError **error);

/* Bytes of memory that copies of the core take for that. */
uint64_t hc_core_copied_bytes(const hc_core *core);

/* ---- smaps.c ---- */

typedef struct hc_smaps_entry {
	uint64_t start, end, offset;
	bool readable, writable, executable, shared, excluded; /* excluded: madvise(MADV_DONTDUMP), devices */
	bool not_forked; /* a child would not have its pages: madvise(MADV_DONTFORK, MADV_WIPEONFORK) */
	bool is_device;	 /* pages of a device, which are not among `resident` */
	bool has_huge_table;	 /* its pages are those of hugetlbfs */
	bool knows_proportional; /* a capture does not, if the mapping changed while it was taken */
	uint64_t inode;
	uint64_t resident, proportional, swapped, anonymous; /* bytes */
	uint64_t huge_table; /* bytes of hugetlbfs pages, which are not part of `resident` */
	char *path;	     /* "" if anonymous; as the kernel writes it */
} hc_smaps_entry;

/* TEXT of an smaps file as an array of hc_smaps_entry, which frees its strings. Lines that say nothing known are passed over. */
GArray *hc_smaps_parse(const char *text);

/*
 * The smaps that lies beside the core of a capture, as above: what of the process's memory there was, also where the core has none of
 * it. NULL: none lies there, or it is another core's. Free with g_array_unref().
 */
GArray *hc_core_read_smaps(const hc_core *core);

/* ---- residency_file.c; residency.h has the format ---- */

#define HC_RESIDENCY_FILE "pages"

enum {
	HC_RESIDENCY_FILE_LIMIT = 256 << 20 /* bytes; a reader refuses a longer one */
};

enum { /* bits of a kind */
	HC_PAGE_PRESENT = 1,
	HC_PAGE_SWAPPED = 2, /* never together with HC_PAGE_PRESENT */
	HC_PAGE_FILE = 4,    /* of a file, or of shared memory; else anonymous */
	HC_PAGE_ZERO = 8,    /* the page of zeros that all processes share: /proc does not count it as resident */
	HC_PAGE_HUGE = 16,   /* mapped as a huge page */
	HC_PAGE_DIRTY =
		32, /* "soft-dirty" (proc(5), pagemap): written since somebody cleared that mark, or since it was made */
	HC_PAGE_ALL = 63
};

typedef struct hc_page_run {
	hc_address start, end; /* whole pages */
	unsigned kind;
} hc_page_run;

/* Appends [start, end) to RUNS (of hc_page_run), to the last one if that touches it and is alike. START is not below that one's end. */
void hc_page_runs_append(GArray *runs, hc_address start, hc_address end, unsigned kind);

/* The file's contents: RUNS in order of address, all at whole pages of PAGE_SIZE bytes. Free with g_byte_array_unref(). */
GByteArray *hc_page_runs_store(const GArray *runs, uint64_t page_size);

/* ---- codecs.c ---- */

/* The library number INDEX of those that decompress, and the version that is loaded; NULL: this was built without. FALSE: there are not so many. */
bool hc_core_library(unsigned index, const char **ret_name, const char **ret_version);
