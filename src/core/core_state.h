/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of core/ share. */
#pragma once

#include "base/diagnostics.h"
#include "base/elf_headers.h"
#include "base/machine.h"
#include "core/core.h"

/* An entry of NT_FILE. */
typedef struct hc_file_range {
	hc_address start, end;
	uint64_t offset;  /* in the file, in bytes */
	const char *path; /* into the mapped core */
} hc_file_range;

struct hc_core {
	char *path, *name;   /* name: NULL if it is the path */
	const uint8_t *file; /* the mapped core file */
	uint64_t file_size;
	uint64_t room;	/* bytes that the mapping takes, at least file_size */
	int descriptor; /* of the file; -1: none */
	bool is_compressed; /* the file is what was in a compressed one... */
	bool is_cut_stream; /* ...of which not all could be read */
	uint64_t
		copied; /* bytes of the file that stand in memory of our own, at their place in the mapping: large_pages.c */
	hc_word_format format;
	hc_diagnostics *diagnostics;
	hc_process process;
	const hc_machine *machine; /* NULL: not known */
	GArray *threads;    /* of hc_thread */
	GArray *by_pointer; /* of unsigned: indices of threads, by thread pointer */
	GArray *segments;   /* of hc_elf_segment: PT_LOAD and PT_NOTE */
	GArray *files;	    /* of hc_file_range, sorted and disjoint after core_build_mappings() */
	hc_mapping *mappings;
	unsigned mapping_count;
	GArray *holes;			/* of hc_range: offsets of the file, in order */
	GStringChunk *strings;		/* texts of process */
	struct hc_residency *residency; /* NULL: not known which pages were in memory */
	bool hides_content;
	unsigned closers; /* threads that give the mapping's pages back; 0: one */
};

/*
 * compressed.c: `descriptor` itself, if that is a regular file that is not compressed; else what is in it, in a file without a name: a
 * descriptor of its own. -1: HC_ERROR_IO (also: no room), HC_ERROR_UNSUPPORTED, HC_ERROR_NO_MEMORY, HC_ERROR_CANCELLED. OPTIONS may be NULL.
 */
int hc_core_unpack(hc_core *core, const hc_core_options *options, GError **error);

/*
 * elf.c: how long a core is whose first LENGTH bytes FILE has: up to the end of the last of what its headers name. 0: it is no core;
 * UINT64_MAX: they do not tell. FALSE: it takes more of them to know.
 */
bool hc_core_find_promise(int file, uint64_t length, uint64_t *ret_promised);

/* elf.c: the ELF header and program headers. Sets process.machine, word size, byte order and origin. */
bool hc_core_parse_headers(hc_core *core, GError **error);

extern const hc_diagnostic_kind hc_notes_damaged;

/* holes.c: fills `holes`. */
void hc_core_find_holes(hc_core *core);

/* notes.c: threads, process, auxiliary vector, mapped files. Damaged notes are diagnostics. */
void hc_core_parse_notes(hc_core *core);

/* smaps.c: the path of the file NAME beside the core, if that is a capture's; NULL: it is none. Free with g_free(). */
char *hc_core_beside(const hc_core *core, const char *name);

/* release_pages.c: gives the mapping's pages back, before it is taken away; by the threads that hc_core_enlarge_pages() was given. */
void hc_core_release_pages(hc_core *core);

/* core_residency.c: fills `residency`, if CORE is a capture's. What is there and makes no sense is a diagnostic. */
void hc_core_load_residency(hc_core *core);

/* thread_pointers.c: those that the notes do not tell, where they can be found. Needs the pieces. */
void hc_core_find_thread_pointers(hc_core *core);

/* notes.c: fills `by_pointer`. */
void hc_core_sort_threads(hc_core *core);

/* pieces.c: segments and files -> sorted, disjoint pieces. FALSE if memory is out. */
bool hc_core_build_mappings(hc_core *core, GError **error);
