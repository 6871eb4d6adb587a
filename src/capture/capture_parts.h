/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this folder share. */
#pragma once

#include "capture/capture.h"
#include "capture/sink.h"

#include "core/core.h"

#include <elf.h>
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

/* HEAP_ONLY: without shared memory, and files that are as they were mapped. */
hc_dump_kind hc_smaps_dump_kind(const hc_smaps_entry *entry, bool heap_only);

/* At least what the core's file takes on the disk, and some more: 4 KiB for each mapping, and 64 for each thread. */
uint64_t hc_smaps_estimate(GArray *entries, unsigned threads, bool heap_only);

/* ---- stop.c ---- */

typedef struct hc_stopped_process hc_stopped_process;

/* Called while waiting; FALSE cancels. */
typedef bool (*hc_keep_waiting_function)(void *data);

/*
 * Stops all threads of the process PID; of one whose main thread has ended PID is another one of them. Fails with HC_ERROR_IO, HC_ERROR_CANCELLED; then all that were stopped go on.
 * They also go on if we die.
 */
hc_stopped_process *hc_process_stop(pid_t pid, hc_keep_waiting_function keep_waiting, void *data, GError **error);
void hc_process_continue(hc_stopped_process *process); /* NULL is fine */
unsigned hc_stopped_process_thread_count(const hc_stopped_process *process);
pid_t hc_stopped_process_thread(const hc_stopped_process *process, unsigned index); /* 0 is PID */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_stopped_process, hc_process_continue)

/* Whether thread INDEX stopped as a signal came for it, which it gets when it goes on. */
bool hc_stopped_process_has_signal(const hc_stopped_process *process, unsigned index);

/* Stops one thread of PID alone: the main one, or another where that cannot be. NULL: HC_ERROR_IO, HC_ERROR_CANCELLED. */
hc_stopped_process *hc_process_stop_thread(
	pid_t pid, pid_t thread, hc_keep_waiting_function keep_waiting, void *data, GError **error);

/* ---- inject.c ---- */

/* Where in the process the instructions are that a call needs. */
typedef struct hc_injection_code {
	uint64_t call, give_back;
} hc_injection_code;

/* What is needed to run a call in a process that stands still. */
typedef struct hc_injection {
	const hc_stopped_process *process;
	int memory;	  /* descriptor of /proc/PID/mem, for reading and writing */
	GArray *mappings; /* of hc_smaps_entry: as they are now */
	hc_injection_code code;
} hc_injection;

typedef struct hc_injected_call {
	uint64_t number, arguments[5];
	int64_t result; /* as the kernel gives it: an error is negative */
	pid_t child;	/* that clone(2) made, which stands still and is ours to trace; 0: none */
} hc_injected_call;

/* Searches the code of files that PID has mapped. FALSE: it is not there. May be done while the process runs. */
bool hc_injection_find_code(pid_t pid, int memory, GArray *mappings, hc_injection_code *ret_code);

/* Runs CALL in one of the threads, which is as before afterwards. HC_ERROR_UNSUPPORTED: none can; nothing has changed. */
bool hc_inject_call(const hc_injection *injection, hc_injected_call *call, GError **error);

/* ---- freeze.c ---- */

/* What a watcher (guardian.c) has to know; in memory that it shares with us. */
typedef struct hc_freeze_trace {
	bool not_ours;	    /* the folder that it was told of */
	bool made;	    /* a copy may be there */
	int64_t own_number; /* as below; 0: not known yet */
	hc_injection_code code;
} hc_freeze_trace;

/* A copy of a process: a child of it that never runs. */
typedef struct hc_frozen_copy {
	pid_t pid, original; /* PID 0: there is none */
	int64_t own_number;  /* PID as the original sees it, which may be in a container */
	int memory;	     /* descriptor of the original's memory */
	hc_injection_code code;
	volatile hc_freeze_trace *trace; /* is kept up to date; NULL: nobody wants it. Not owned */
} hc_frozen_copy;

/*
 * Looks, before the process is stopped, whether a copy can be made. STATUS, MAPPINGS: of /proc. FALSE with HC_ERROR_UNSUPPORTED: why not,
 * for people.
 */
bool hc_freeze_prepare(pid_t pid, const char *status, GArray *mappings, hc_frozen_copy *copy, GError **error);

/* Makes the copy of PROCESS, which stands still. HC_ERROR_UNSUPPORTED: why not; the process is as before. */
bool hc_freeze(hc_frozen_copy *copy, const hc_stopped_process *process, GArray *mappings, GError **error);

/* Ends the copy, if one was made, so that nothing of it is left. */
void hc_freeze_end(hc_frozen_copy *copy);

/* Has the original wait for its child copy->own_number, which has ended, and would stay as a zombie. */
void hc_freeze_collect(const hc_frozen_copy *copy);

/* ---- guardian.c ---- */

typedef struct hc_guardian hc_guardian;

/*
 * Starts a process that cleans up after us if we are killed: it removes DIRECTORY (an absolute path, which may be made later; may be NULL) with
 * the files in it, and collects a copy of the process PID. NULL if there can be none.
 */
hc_guardian *hc_guardian_start(pid_t pid, const char *directory);

/* What to keep up to date. NULL of no guardian. */
volatile hc_freeze_trace *hc_guardian_trace(const hc_guardian *guardian);
void hc_guardian_end(hc_guardian *guardian); /* NULL is fine */

/* Removes the folder PATH with the files in it. NULL is fine. */
void hc_capture_remove_folder(const char *path);

/* ---- capture.c ---- */

extern const char *const hc_capture_files[]; /* that lie beside the core; ends with NULL */

/* What of a capture outlives it, if its core has no name. */
typedef struct hc_capture_rest {
	uint64_t memory;       /* bytes that it may be given; in */
	int core;	       /* descriptor; out */
	hc_guardian *guardian; /* may be NULL; in */
} hc_capture_rest;

/* As hc_capture_take(). With REST (else NULL) the folder, an absolute path, gets a link to the core in place of it. */
bool hc_capture_make(int64_t pid, const hc_capture_options *options, hc_capture_rest *rest, GError **error);

/* ---- notes.c ---- */

/* The notes of a core but for that of the mapped files, which stands between both. Owned. */
typedef struct hc_thread_notes {
	GByteArray *first, *rest;
	bool is_i386;
} hc_thread_notes;

/*
 * Of PROCESS, which is PID and stands still; STATUS: the file of /proc of its first thread; IS_I386: hc_proc_is_i386(). HC_ERROR_IO,
 * HC_ERROR_UNSUPPORTED.
 */
bool hc_capture_read_threads(pid_t pid, const hc_stopped_process *process, const char *status, bool is_i386,
	hc_thread_notes *ret_notes, GError **error);

/* All notes, as they stand in the core. */
GByteArray *hc_capture_join_notes(const hc_thread_notes *threads, const GArray *mappings);
void hc_thread_notes_clear(hc_thread_notes *notes);

/* ---- core_file.c ---- */

typedef struct hc_core_writer {
	hc_core_sink sink;  /* file -1: none */
	hc_core_sink aside; /* likewise: what only the process has; one after the other, as long as */
	GArray *aside_sizes; /* ... of each mapping (uint64_t); owned; NULL: nothing */
	bool heap_only, is_i386;
	GArray *mappings; /* of hc_smaps_entry */
	const GByteArray *notes;
	uint64_t estimate;
	hc_capture_progress_function progress; /* may be NULL */
	void *progress_data;
	Elf64_Phdr *segments; /* owned; of notes, and of each mapping */
	uint64_t written;     /* bytes of memory */
} hc_core_writer;

/*
 * Keeps those mappings that a child does not have, of PID, which stands still and is to go on.
 * HC_ERROR_IO, HC_ERROR_CANCELLED.
 */
bool hc_core_writer_keep_aside(hc_core_writer *writer, pid_t pid, GError **error);

/*
 * Writes the core; PID: the process, which stands still, or a copy of it. HC_ERROR_IO,
 * HC_ERROR_UNSUPPORTED, HC_ERROR_CANCELLED.
 */
bool hc_core_writer_write(hc_core_writer *writer, pid_t pid, GError **error);

/* Closes the core. */
void hc_core_writer_clear(hc_core_writer *writer);

/* ---- page_scan.c ---- */

/*
 * Which pages of PID, which stands still, are in memory or swapped out, by what smaps says of its
 * MAPPINGS at the same time: runs in order of address (hc_page_run). BY_WORDS: in the way for
 * kernels before 6.7. KNOWN (may be NULL): such runs, by which pages are told from those of zeros.
 * NULL if the kernel does not tell, or in no reasonable time.
 */
GArray *hc_capture_scan_pages(pid_t pid, const GArray *mappings, bool by_words, const GArray *known);

/* The same in the way for kernels since 6.7; MAPPINGS may be those of maps. NULL: the kernel does not know it. */
GArray *hc_capture_scan_runs(pid_t pid, const GArray *mappings);
/* ... and of nothing between these mappings. */
GArray *hc_capture_scan_some_runs(pid_t pid, const GArray *mappings);

bool hc_capture_can_scan_runs(void);

/* ---- account.c ---- */

/*
 * What of a process's memory was there at one moment. All of it is owned, and may be NULL; {0}:
 * nothing is known yet.
 */
typedef struct hc_account {
	char *before_text; /* smaps, just before */
	GArray *before;	   /* the same, of hc_smaps_entry */
	bool by_words;	   /* the kernel is one before 6.7, */
	GArray *known;	   /* ... and these pages there were just before: of hc_page_run */
	char *maps;
	GArray *mappings;     /* of hc_smaps_entry */
	GByteArray *is_own;   /* of each: whether its pages are read of the process itself */
	char *smaps, *rollup; /* text */
	GArray *runs;	      /* of hc_page_run; NULL: not known */
} hc_account;

/* Before the process stands still. HC_ERROR_IO. */
bool hc_account_prepare(hc_account *account, pid_t pid, GError **error);
void hc_account_prepare_copy(hc_account *account, pid_t pid); /* for the next two */

/*
 * While it does: what a copy of it does not tell. Of account->mappings what the core is to hold is
 * known now for those that are not_forked, and of the others when the account is finished.
 * HC_ERROR_IO.
 */
bool hc_account_stop(hc_account *account, pid_t pid, GError **error);

/*
 * Then: all the rest, by COPY. *RET_LOST: it cannot be known any more (HC_ERROR_UNSUPPORTED); else
 * HC_ERROR_IO.
 */
bool hc_account_finish(hc_account *account, pid_t copy, bool *ret_lost, GError **error);

/* In place of these: all at once, of a process that stands still meanwhile. HC_ERROR_IO. */
bool hc_account_read(hc_account *account, pid_t pid, GError **error);

/*
 * The mappings that a core has: all but the kernel's clock, which no program has put there; neither
 * gdb nor the kernel dumps it. Their paths are the account's. Free with g_array_unref().
 */
GArray *hc_account_for_core(const hc_account *account);

void hc_account_clear_moment(hc_account *account); /* but for what was just before */
void hc_account_clear(hc_account *account);

/* ---- proc.c ---- */

/* /proc/PID/NAME; all of it, NUL-terminated. NULL if it cannot be read. Free with g_free(). */
char *hc_proc_read(pid_t pid, const char *name, size_t *ret_length, GError **error);

/* "VmPTE:   44 kB" in TEXT: the number behind KEY at the start of a line; FALSE if there is none. */
bool hc_proc_field(const char *text, const char *key, uint64_t *ret_number);

/*
 * The number that a process or thread has where it runs, by its STATUS (NULL is fine): the last one behind KEY, "NSpid:" or its like. FALSE:
 * it is not told.
 */
bool hc_proc_own_number(const char *status, const char *key, uint64_t *ret_number);

/*
 * The thread by whose files in /proc, which are those of any process, PID's memory is read: PID itself, its main thread, or another one if that
 * has ended (pthread_exit(3) in main()), for then /proc/PID tells as of a zombie. 0: there is no memory.
 */
pid_t hc_proc_living_thread(pid_t pid);

/* Whether PID runs a program of i386, and we are one of x86-64. */
bool hc_proc_is_i386(pid_t pid);

/* /proc/PID/root, if PID has other mounts than we have; else NULL. Free with g_free(). */
char *hc_proc_foreign_root(pid_t pid);

/* ---- proc_files.c ---- */

/* Writes a file of the capture. HC_ERROR_IO. */
bool hc_capture_write(int directory, const char *name, const char *text, gssize length, GError **error);

/*
 * Everything beside the core, what an account tells, status and capture.ini. What cannot be read is
 * left out; HC_ERROR_IO if it cannot be written.
 */
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
