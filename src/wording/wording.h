/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of wording/: sentences and names for people, made of what the stages found. All the English of the reports is to be
 * read here, but for the titles of columns and the texts of diagnostics.
 *
 * Text from the dump stands in these strings as it is: untrusted. Who writes it out escapes it (hc_text_escape(), hc_text_utf8()).
 * Strings are to be freed with g_free().
 */
#pragma once

#include <heapcore/diff.h>
#include <heapcore/places.h>

/* ---- arenas.c ---- */

/* Those that allocate from it, the first SHOWN by number: "8901, 8902, 3 more; INCONSISTENT", "none". */
char *hc_word_arena_threads(const hc_core *core, const hc_arena *arena, unsigned shown);
/* Before the command that shows them: "20 smaller ones more: ". */
char *hc_word_smaller_arenas(unsigned count);
/* "no arenas", with the reason of hc_word_unread() if there is one. */
char *hc_word_no_arenas(const hc_heap_info *heap, const hc_process *process);

/* ---- diagnostics.c ---- */

/* "12.0 KiB of the heap could not be followed ... (3 times)", "3 libraries are not here ..." */
char *hc_word_diagnostic(const hc_diagnostic *diagnostic);
/* What is left unsaid where notes and examples are not shown: "2 notes more; -v lists them"; NULL: nothing is. */
char *hc_word_diagnostics_unsaid(const hc_diagnostics *diagnostics);

/* ---- findings.c ---- */

/* A sentence without its full stop. FINDING is one of ANALYSIS. */
char *hc_word_finding(const hc_analysis *analysis, const hc_finding *finding);
/* Who points to blocks of one size, by name; NULL: that is not known, or blocks without a name. */
char *hc_word_referrer(const hc_analysis *analysis, const hc_finding_size *size);
/* Arguments of heapcore that show more, with "CORE" for the core. */
char *hc_word_finding_command(const hc_finding *finding);

/* ---- growth.c ---- */

/* What a row of the growth is: "g_registry->summaries_", "libcodec.so: text like ...", "blocks of 48 bytes, owner not known". */
char *hc_word_growth(const hc_growth *row);
/* What lost blocks of one kind are, without whose: "objects of demo::Session". */
char *hc_word_lost(const hc_snapshot_lost *lost);
/* Whose they are: a module's name, "a library that was unloaded", or NULL. It belongs to LOST. */
const char *hc_word_lost_owner(const hc_snapshot_lost *lost);

/* ---- causes.c ---- */

/* What a cause is about: a path, a library, a row's name; "sockets"; "" if it is a sum. */
char *hc_word_cause_name(const hc_cause *cause);
/* A clause: "g_map (std::map<...>) grew by 2 MiB (40.0 % of the growth), from 10 to 200 elements". */
char *hc_word_cause(const hc_diff *diff, const hc_cause *cause);
/* Arguments of heapcore that show more, with "CORE" for the core; NULL: there is nothing more. */
char *hc_word_cause_command(const hc_cause *cause);

/* ---- memory.c ---- */

/* The title of a row of the memory table: "in use by the program". IS_BOUND: as in hc_memory_row. */
const char *hc_word_row(hc_row_id id, bool is_bound);
/* A clause on the largest mapping of a row: "largest 1.0 MiB at 0x7f...: the data of libfoo.so points to it"; NULL: it has none. */
char *hc_word_row_note(const hc_memory_row *row);
/* "3.9 MiB zero; trimming gives 8.1 MiB" */
char *hc_word_free_pages(const hc_free_pages *pages);
/* A clause of what an area looks like: "the data of libfoo.so points to it (3 words)"; NULL: nothing is known. */
char *hc_word_area(const hc_area *area);
/* Its thread, its file, and what it looks like: "thread 8901", "/dev/shm/pool; the data of libfoo.so points to it (3 words)"; may be "". */
char *hc_word_mapping(const hc_core *core, const hc_area *area);

/* ---- pins.c ---- */

/* What pins most. */
typedef struct hc_pin_main {
	const char *name; /* NULL: nothing does */
	uint64_t blocks, pinned;
} hc_pin_main;

/* One to three sentences: would malloc_trim() help, what pins the rest, which tunable. "" if no heap was found. */
char *hc_word_pins_advice(const hc_pins_summary *summary, const hc_pin_main *most);
/* The same, of a snapshot. */
char *hc_word_snapshot_advice(const hc_snapshot *snapshot);
/* Why malloc keeps it: "in threads' caches: freed, in use to malloc, ..." */
char *hc_word_kept(const hc_pins_summary *summary, hc_kept_cause cause);

/* ---- places.c ---- */

/* "table+0x18 in libfoo.so", "stack of thread 8901, #2 serve in worker, sp+0x18", "rbx of thread 8901". */
char *hc_word_place(const hc_place *place);

/* ---- process.c ---- */

/* "SIGABRT"; NULL for one without a name. */
const char *hc_word_signal(int signal);
/* "logic_worker, pid 8901, 5 threads, written by gcore" */
char *hc_word_process(const hc_process *process, unsigned threads);
/* "glibc 2.36, malloc layout from debug info" */
char *hc_word_allocator(const hc_heap_info *heap);
/*
 * "files: 4 of 5 build-ids agree; debug info for 3 (missing: libc.so.6, libz.so.1)": how many of TOTAL files agree, and names of those
 * without debug info (NULL: that is fetched when it is needed). ALL: every name, instead of a few.
 */
char *hc_word_files(unsigned total, unsigned agree, const GPtrArray *without_debug_info, bool all);
/* "2 not found here: libfoo.so, libbar.so.1"; NULL: there are none, or nothing is wrong with them. */
char *hc_word_files_in_state(hc_module_state state, const GPtrArray *names, bool all);

/* ---- references.c ---- */

/* Why memory was searched, or not: "frames, thread-local storage". */
const char *hc_word_root(hc_root_reason reason);
/* "data of libfoo.so"; "data of 12 more". */
char *hc_word_root_data(const char *module);
char *hc_word_root_data_of_more(unsigned count);
/* Two sentences on what was looked at, and what of libc and the language's RUNTIME counts as reached. */
char *hc_word_search(const hc_references_totals *totals, hc_amount runtime);
/* "tag in bits 48-63"; NULL: it is an address. */
char *hc_word_encoding(const hc_encoding *encoding);
/* What was learned: "headers of 24 bytes, pools"; "tag in bits 48-63". NULL: no block was held inside, or reached so. */
char *hc_word_habits(const hc_references *references);
char *hc_word_encodings(const hc_references *references);
/* A sentence each on the blocks that are held so: "2 blocks (48 B) are reached by encoded pointers only (deduced: ...)."; NULL: none is. */
char *hc_word_held_inside(const hc_references *references);
char *hc_word_encoded(const hc_references *references);
/*
 * "64.0 MiB that may point to them are not in the core: 0x7f10 to 0x7f20, kept out of cores by madvise(MADV_DONTDUMP)", with the
 * largest range as an example. NULL: nothing is missing.
 */
char *hc_word_missing(const hc_references *references);
/* Why the core lacks a range, and what it was of: "kept out of cores by madvise(MADV_DONTDUMP): /dev/shm/pool". */
char *hc_word_missing_range(const hc_missing *missing);
/* Goes on after "at most", and before the ranges that are missing. */
const char *hc_word_at_most_lost(void);
/* "the first 5 of 8 ranges (-v lists them)" */
char *hc_word_missing_shown(unsigned shown, unsigned count);

/* ---- side_facts.c ---- */

/* What a comparison does not tell where not both cores are captures; HAS_ONE: one of them is. */
const char *hc_word_no_side_facts(bool has_one);
/* "DIRECTORY: process 8901, was paused for 0.21 s, is running again" */
char *hc_word_captured(const hc_side_facts *facts, const char *directory);
/* "31.9 MiB resident; 12 sockets with 0 B unread" */
char *hc_word_captured_memory(const hc_side_facts *facts);

/* ---- unread.c ---- */

/*
 * Why there are no blocks of PROCESS, a clause: "malloc's heap was not found, for the core lacks memory that it is in". NULL: they were
 * read.
 */
char *hc_word_unread(const hc_heap_info *heap, const hc_process *process);

/* ---- verdict.c ---- */

/* Are the snapshots of one program? One sentence, with pids and build-ids. */
char *hc_word_sameness(const hc_diff *diff);
/*
 * The verdict, a line each: how much memory grew with the first cause, a line for each other of the first HC_DIFF_CAUSES_TOLD, and what it
 * is not. NULL-terminated; free with g_strfreev().
 */
char **hc_word_verdict(const hc_diff *diff);
