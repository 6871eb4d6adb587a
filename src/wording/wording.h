/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of wording/: sentences and names for people, made of what the stages found. All the English of the reports is to be
 * read here, but for the titles of columns, and for why something failed or is not known (errors, diagnostics, reasons), which is said
 * where it is met.
 *
 * Text from the dump stands in these strings as it is: untrusted. Who writes it out escapes it (hc_text_escape(), hc_text_utf8()).
 * Strings are to be freed with g_free().
 */
#pragma once

#include <heapcore/diff.h>
#include <heapcore/places.h>

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
/* "last pointed to from freed blocks of 48 bytes that point into libcodec.so"; NULL: there is none. */
char *hc_word_evidence(const hc_snapshot_evidence *evidence);
/* Whose they are: a module's name, "a library that was unloaded", or NULL. It belongs to LOST. */
const char *hc_word_lost_owner(const hc_snapshot_lost *lost);

/* ---- labels.c ---- */

/* "libc: tcache of thread 4711", "ld.so: link map"; NULL of NULL. */
char *hc_word_label(const hc_label *label);

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
/* A clause of what an area looks like: "the data of libfoo.so points to it (3 words)"; NULL: nothing is known. */
char *hc_word_area(const hc_area *area);

/* ---- pins.c ---- */

/* "note (g_notes)", "cached by tcache of thread 7", "libc: stdio buffer", "unknown, 48 bytes". */
char *hc_word_pin_holder(const hc_pin_holder *holder);
/*
 * One to three sentences: would malloc_trim() help, what pins the rest, which tunable. MOST: what pins most; NULL: nothing does. "" if
 * no heap was found.
 */
char *hc_word_pins_advice(const hc_pins_summary *summary, const hc_pin_holder *most);
/* The same, of a snapshot. */
char *hc_word_snapshot_advice(const hc_snapshot *snapshot);
/* Why malloc keeps it: "in threads' caches: freed, in use to malloc, ..." */
char *hc_word_kept(const hc_pins_summary *summary, hc_kept_cause cause);

/* ---- places.c ---- */

/*
 * "static", "static in main()", "thread-local of thread 4711", "run_session() frame 2 of thread 4711", "field of Session",
 * "in every element of g_table"; of one variable in THREADS threads, where that is not 0: "thread-local of 40 threads",
 * "run_session() in 200 threads". NULL: it is not known.
 */
char *hc_word_where(const hc_where *where, unsigned threads);
/* "poll in libc.so.6", "function+0x12 in libc.so.6", "libc.so.6+0x1234", "libfoo.so's thread-local storage+0x10" */
char *hc_word_address(const hc_address_name *name);
/* The same of ADDRESS, and of the function that FRAME is of; NULL: it is in no module. */
char *hc_word_address_in(hc_modules *modules, hc_address address);
char *hc_word_frame(hc_modules *modules, const hc_frame *frame);
/* "table+0x18 in libfoo.so", "stack of thread 8901, #2 serve in worker, sp+0x18", "rbx of thread 8901". */
char *hc_word_place(const hc_place *place);

/* ---- references.c ---- */

/* Why memory was searched, or not: "frames, thread-local storage". */
const char *hc_word_root(hc_root_reason reason);
/* "tag in bits 48-63"; NULL: it is an address. */
char *hc_word_encoding(const hc_encoding *encoding);
/* What was learned: "headers of 24 bytes, pools"; "tag in bits 48-63". NULL: no block was held inside, or reached so. */
char *hc_word_habits(const hc_references *references);
char *hc_word_encodings(const hc_references *references);
/*
 * "64.0 MiB that may point to them are not in the core: 0x7f10 to 0x7f20, kept out of cores by madvise(MADV_DONTDUMP)", with the
 * largest range as an example. NULL: nothing is missing.
 */
char *hc_word_missing(const hc_references *references);

/* ---- stages.c: hc_stage_text() of <heapcore/reports.h> ---- */

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
