/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this folder share. */
#pragma once

#include "capture/capture.h"

#include "core/core.h"

#include <sys/types.h>

enum {
	HC_PROC_FILE_LIMIT = 256 << 20, /* bytes of a file of /proc, or of a capture */
};

/* ---- smaps.c ---- */

/* What of a mapping goes into the core. */
typedef enum {
	HC_DUMP_NOTHING,
	HC_DUMP_HEADER,	 /* the first page: ELF headers, from which build-ids are read */
	HC_DUMP_PRESENT, /* pages that are in memory or swapped out; the others are zero: holes in the file */
	HC_DUMP_ALL,
} hc_dump_kind;

hc_dump_kind hc_smaps_dump_kind(const hc_smaps_entry *entry);

/* At least what the core's file takes on the disk, and some more: 4 KiB for each mapping, and 64 for each thread. */
uint64_t hc_smaps_estimate(GArray *entries, unsigned threads);

/* ---- stop.c ---- */

typedef struct hc_stopped_process hc_stopped_process;

/* Called while waiting; FALSE cancels. */
typedef bool (*hc_keep_waiting_function)(void *data);

/*
 * Stops all threads of PID. Fails with HC_ERROR_IO, HC_ERROR_CANCELLED; then all that were stopped go on.
 * They also go on if we die.
 */
hc_stopped_process *hc_process_stop(pid_t pid, hc_keep_waiting_function keep_waiting, void *data, GError **error);
void hc_process_continue(hc_stopped_process *process); /* NULL is fine */
unsigned hc_stopped_process_thread_count(const hc_stopped_process *process);
pid_t hc_stopped_process_thread(const hc_stopped_process *process, unsigned index); /* 0 is the main thread */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_stopped_process, hc_process_continue)

/* ---- notes.c ---- */

/* All notes, as they stand in the core. HC_ERROR_IO, HC_ERROR_UNSUPPORTED. */
GByteArray *hc_capture_notes(
	pid_t pid, const hc_stopped_process *process, GArray *mappings, const char *status, GError **error);

/* ---- core_file.c ---- */

typedef struct hc_core_writer {
	pid_t pid;
	int core;	  /* descriptor, open for writing, empty */
	GArray *mappings; /* of hc_smaps_entry */
	const GByteArray *notes;
	uint64_t estimate;
	hc_capture_progress_function progress; /* may be NULL */
	void *progress_data;
} hc_core_writer;

/* Writes the core of a stopped process. HC_ERROR_IO, HC_ERROR_CANCELLED, HC_ERROR_UNSUPPORTED. */
bool hc_core_writer_run(const hc_core_writer *writer, GError **error);

/* ---- page_scan.c ---- */

/*
 * Which pages of the stopped process PID are in memory or swapped out, by what smaps says of its MAPPINGS at the same time: runs in order of
 * address (hc_page_run). BY_WORDS: in the way for kernels before 6.7. NULL if the kernel does not tell, or in no reasonable time.
 */
GArray *hc_capture_scan_pages(pid_t pid, GArray *mappings, bool by_words);

/* ---- proc.c ---- */

/* /proc/PID/NAME; all of it, NUL-terminated. NULL if it cannot be read. Free with g_free(). */
char *hc_proc_read(pid_t pid, const char *name, size_t *ret_length, GError **error);

/* "VmPTE:   44 kB" in TEXT: the number behind KEY at the start of a line; FALSE if there is none. */
bool hc_proc_field(const char *text, const char *key, uint64_t *ret_number);

/* ---- proc_files.c ---- */

/* Writes a file of the capture. HC_ERROR_IO. */
bool hc_capture_write(int directory, const char *name, const char *text, gssize length, GError **error);

/* Everything beside core, smaps and capture.ini. What cannot be read is left out; HC_ERROR_IO if it cannot be written. */
bool hc_capture_copy_proc(pid_t pid, int directory, GError **error);

/* ---- sockets.c ---- */

/* The text of the file `sockets`; LINKS maps an inode (guint64) to the lowest descriptor. */
char *hc_sockets_describe(pid_t pid, GHashTable *links);

/* A line of it. FALSE if it is none. *RET_LOCAL and *RET_REMOTE are for the caller to free. */
bool hc_sockets_parse(const char *line, hc_socket_fact *ret_socket, char **ret_local, char **ret_remote);

/* ---- side_facts.c ---- */

struct hc_side_facts_tables {
	GArray *sockets; /* of hc_socket_fact */
	GStringChunk *strings;
};

enum {
	HC_SIDE_FACTS_NUMBERS = 18
};

/* Nothing known. */
hc_side_facts *hc_side_facts_new(void);

/* Those members that are single figures, always in the same order. */
void hc_side_facts_numbers(hc_side_facts *facts, uint64_t *ret_numbers[HC_SIDE_FACTS_NUMBERS]);
