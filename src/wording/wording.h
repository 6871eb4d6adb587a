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

#include <heapcore/abi.h>
#include <heapcore/check.h>
#include <heapcore/diff.h>
#include <heapcore/duplicates.h>
#include <heapcore/places.h>
#include <heapcore/sites.h>
#include <heapcore/values.h>

/* ---- abi.c ---- */

/* "2 classes are seen differently ..."; what was compared; what was left out, and why. */
char *hc_word_abi_summary(const hc_abi *abi);
/* Who sees it how, and what that did: "packet: new.c of libp.so was built with 4 members (32 bytes), ...: what ...". No full stop. */
char *hc_word_abi(const hc_abi_difference *difference);
/* LAYOUTS of a comparison; hc_word_abi_with_site(): the same, and which calls have probably made the lost blocks, if ANSWER, which may be NULL, tells. */
char *hc_word_diff_layouts(const hc_diff_layouts *layouts);
char *hc_word_abi_with_site(const hc_abi_difference *difference, const hc_site_answer *answer);
/* Whose layout number INDEX is: "libp.so and 2 others"; where both are of one module "new.c of libp.so". */
char *hc_word_abi_side(const hc_abi_difference *difference, unsigned index);
/* Why both are said to be one class. */
char *hc_word_abi_same(const hc_abi_difference *difference);
/* "extension: 8 bytes at 24, char *: in libp.so only" */
char *hc_word_abi_change(const hc_abi_difference *difference, const hc_abi_change *change);
/* "and 3 others ..." */
char *hc_word_abi_more(unsigned count);
/* Its blocks in use, and which layout their size fits; what of the lost ones hangs on it, and what tells so. NULL: there are none. */
char *hc_word_abi_blocks(const hc_abi_difference *difference);
char *hc_word_abi_lost(const hc_abi_difference *difference);

/* ---- arenas.c ---- */

/*
 * Those that allocate from it, the first SHOWN by number: "8901, 8902, 3 more; INCONSISTENT",
 * "none".
 */
char *hc_word_arena_threads(const hc_core *core, const hc_arena *arena, unsigned shown);
/* Before the command that shows them: "20 smaller ones more: ". */
char *hc_word_smaller_arenas(unsigned count);
/* "no arenas", with the reason of hc_word_unread() if there is one. */
char *hc_word_no_arenas(const hc_heap_info *heap, const hc_process *process);

/* ---- blocks.c ---- */

/* "0x5581e0 is 24 bytes into a block in use". */
char *hc_word_address_in_block(const hc_block *block, hc_address address);
/* "0x5581e0 is in no block: table+0x18 in libfoo.so". */
char *hc_word_address_elsewhere(const hc_place *place);
/* "0x5581e0, 24 bytes usable, 32 with malloc's header". */
char *hc_word_block_size(const hc_block *block);
/* What a block beside another one is: "0x5581e0, 24 bytes, in-use". */
char *hc_word_neighbour(const hc_block *block);
/* The block that address TO leads to: "block of 24 bytes, in-use, 8 into it". */
char *hc_word_target(const hc_block *block, hc_address to);
/* "directly lost: nothing that is alive points to it"; NULL of a block that is not in use. */
const char *hc_word_reach(hc_reach reach);
/*
 * The same before the paths that lead to the block, which say how a reachable one is found. Never
 * NULL.
 */
const char *hc_word_reach_by_paths(hc_reach reach);
/* "3 blocks, from the block that was lost directly". */
char *hc_word_path(hc_path_start start, uint32_t length);
const char *hc_word_no_path(void);
/*
 * The word FROM (its name; may be NULL) and how the pointer in it is kept: "g_table, by an encoded
 * pointer: tag in bits 48-63".
 */
char *hc_word_reference(const char *from, const hc_encoding *encoding);

/* ---- check.c ---- */

/* "The heap is damaged, in 2 places (1,203 chunks in 1 arena were looked at). 48 bytes could not be followed."; PARTIAL: not all was read. */
char *hc_word_check(const hc_check *check, const hc_heap_info *heap, const hc_process *process, bool partial);
/* What is wrong, where, what stands there, unless CORE hides its content, and what ought to. ALIGNMENT is that of blocks. */
char *hc_word_damage(const hc_damage *damage, const hc_core *core, uint64_t alignment);
/* "The bytes from 0x5581e0 to 0x558200 are text."; NULL: they look like nothing. */
char *hc_word_run(const hc_core *core, const hc_damage_place *place);

/* Whether what is over and over there is the program's own, and no mark that debugging allocators are known for. */
bool hc_word_run_is_content(const hc_damage_place *place);
/* "The likely writer is the block in front, ..."; NULL: nobody can be named. Of place->writer: TYPE, or NULL; CUT, hc_types_cut_class()'s. */
char *hc_word_writer(const hc_damage_place *place, const hc_block_type *type, const hc_type *cut);

/* ---- containers.c ---- */

/*
 * What a row of containers is: "std::vector<int>, static, room for 64, deduced". With IS_SHORT, names that are too long for a line are
 * cut, here and below.
 */
char *hc_word_container(const hc_container *container, bool is_short);
/* "65,536 buckets, 39.1 % of them empty; at most 7 elements in one, 38.0 % of all share one": of the one with most elements. */
char *hc_word_table_fill(const hc_container *container, const hc_table_fill *fill);
/* Of its keys: "keys "k1", "k2"; all 200 are like "k#""; NULL: there are none. */
char *hc_word_sample(const hc_sample *sample, bool is_short);
/* "variables: 120 in memory, 3 optimized out. 2 places that could be containers are none: ..." */
char *hc_word_variables(const hc_types *types);
/*
 * A variable that has no value to go by: "optimized out: count of main() frame 3 of thread 4711:
 * its register was not saved".
 */
char *hc_word_variable(const hc_core *core, const hc_variable *variable);
/* Why there are no containers. */
char *hc_word_no_containers(const hc_analysis *analysis);

/* ---- diagnostics.c ---- */

/* "12.0 KiB of the heap could not be followed ... (3 times)", "3 libraries are not here ..." */
char *hc_word_diagnostic(const hc_diagnostic *diagnostic);
/*
 * What is left unsaid where notes and examples are not shown: "2 notes more; -v lists them"; NULL:
 * nothing is.
 */
char *hc_word_diagnostics_unsaid(const hc_diagnostics *diagnostics);

/* ---- duplicates.c ---- */

/* What of the blocks is the same: "all", "object", "text", "likely text". */
const char *hc_word_compared(hc_compared compared);
/* "One block for all that hold the same would save 1.2 MiB, 3.4 % of what is in use: 25 groups. ..." */
char *hc_word_duplicates(const hc_analysis *analysis, const hc_duplicates *duplicates);

/* ---- findings.c ---- */

/* One sentence, or two, without the last full stop. FINDING is one of ANALYSIS. */
char *hc_word_finding(const hc_analysis *analysis, const hc_finding *finding);
/* Who points to blocks of one size, by name; NULL: that is not known, or blocks without a name. */
char *hc_word_referrer(const hc_analysis *analysis, const hc_finding_size *size);
/* Arguments of heapcore that show more, with "CORE" for the core. */
char *hc_word_finding_command(const hc_finding *finding);

/* ---- growth.c ---- */

/* What a row of the growth is: "g_registry->summaries_", "libcodec.so: text like ...", "blocks of 48 bytes, owner not known". */
char *hc_word_growth(const hc_growth *row);
/* What lost blocks of one kind are, without whose: "objects of demo::Session". */
char *hc_word_lost(const hc_leak_kind *lost);
/* "last pointed to from freed blocks of 48 bytes that point into libcodec.so"; NULL: there is none. */
char *hc_word_evidence(const hc_leak_kind_evidence *evidence);
/*
 * The same with what else is known of it: "g_map, 100 -> 2,300 elements, std::map<int, int> (at
 * every step)".
 */
char *hc_word_growth_row(const hc_growth *row);
/* A row that did not grow, with its elements: "g_map 10 -> 10". */
char *hc_word_steady(const hc_growth *row);
/*
 * How many more there are of what a row of the memory table counts: "+30,000 blocks"; "" if their
 * number is the same.
 */
char *hc_word_row_growth(const hc_diff_row *row);
/* Whose they are: a module's name, "a library that was unloaded", or NULL. It belongs to LOST. */
const char *hc_word_lost_owner(const hc_leak_kind *lost);

/* ---- labels.c ---- */

/* "libc: tcache of thread 4711", "ld.so: link map"; NULL of NULL. */
char *hc_word_label(const hc_label *label);

/* ---- causes.c ---- */

/* What a cause is about: a path, a library, a row's name; "sockets"; "" if it is a sum. */
/* "all began in play; ", "400 of them began in play; "; "" if that is not known. */
char *hc_word_unjoined_routine(const hc_unjoined *unjoined);
char *hc_word_cause_name(const hc_cause *cause);
/* A clause: "g_map (std::map<...>) grew by 2 MiB (40.0 % of the growth), from 10 to 200 elements". */
char *hc_word_cause(const hc_diff *diff, const hc_cause *cause);
/* Arguments of heapcore that show more, with "CORE" for the core; NULL: there is nothing more. */
char *hc_word_cause_command(const hc_cause *cause);

/* ---- leaks.c: groups of lost blocks ---- */

/* "2,500 x 3.9 KiB, 2,497 x 1.5 KiB, ..." */
char *hc_word_leak_sizes(const hc_leak_group *group);
/*
 * Whose they are and what one would call them: "libfoo.so: Session, "user..."", "an unloaded
 * library"; "" if nothing tells.
 */
char *hc_word_leak(const hc_leak_group *group);
/* "ROOT CYCLE: 2 heads lead back to themselves"; NULL: none does. */
char *hc_word_leak_rings(const hc_leak_group *group);
/*
 * "3 blocks begin with an address where nothing is mapped now, ..."; NULL: they are of no library
 * that was unloaded.
 */
char *hc_word_leak_unloaded(const hc_leak_group *group);
/*
 * The words of the heads: "words: heap, zero x 3, codec_ops in libx.so, ..."; NULL: they say
 * nothing.
 */
char *hc_word_leak_words(hc_modules *modules, const hc_leak_group *group);
/*
 * "2 heads last pointed to from a freed block of 48 bytes (at offset 16) that points into
 * libfoo.so".
 */
char *hc_word_leak_evidence(const hc_leak_group *group, const hc_leak_evidence *evidence);

/* ---- sites.c: calls that allocate ---- */

/* "ruleengine.cpp:41 in Engine::evaluate()"; "Engine::evaluate()+0x1c in libx.so"; "libx.so+0x4711". Free with g_free(). */
char *hc_word_site(const hc_site *site, const hc_site_place *place);

/*
 * "probably allocated at ruleengine.cpp:41 in Engine::evaluate(): the only call for 136 B in libx.so; 2 calls there ask for a size that is not
 * known". NULL: there is nothing to say. Free with g_free().
 */
char *hc_word_site_answer(const hc_site_answer *answer);

/*
 * The same of the blocks that ROW has itself, of which ALIKE have the size that ANSWER tells of: "g_cache[]: its 40 blocks of 1,000 bytes: one call asks
 * for so much: cache.c:12 in fill()". NULL: there is nothing to say. Free with g_free().
 */
char *hc_word_owner_calls(const hc_owner_row *row, hc_amount alike, const hc_site_answer *answer);

/* That of COUNT rows more it is not told which calls made their blocks. Free with g_free(). */
char *hc_word_owner_calls_left_out(unsigned count);

/* Which code was not read, so that calls in it are not among those that are told. NULL: all was. */
char *hc_word_sites_unread(const hc_sites *sites);

/* hc_word_site_answer() in short, without why: "probably allocated at engine.cpp:41 in Engine::evaluate()". NULL: more than three calls may be it. */
char *hc_word_site_in_short(const hc_site_answer *answer);

/* Before hc_word_unread(): "whether anything is lost is not known: ..."; NULL: it is known. */
char *hc_word_leaks_unknown(const hc_heap_info *heap, const hc_process *process);
/* "the largest 20 of 45 groups (--limit 0 for all)" */
char *hc_word_leaks_shown(unsigned shown, unsigned count);
/* What a core does not tell of lost blocks. */
const char *hc_word_leaks_untold(void);

/* ---- memory.c ---- */

/* The title of a row of the memory table: "in use by the program". IS_BOUND: as in hc_memory_row. */
const char *hc_word_row(hc_row_id id, bool is_bound);
/* How to learn what was resident, of a core that does not tell. */
const char *hc_word_resident_not_known(void);
/* A clause on the largest mapping of a row: "largest 1.0 MiB at 0x7f...: the data of libfoo.so points to it"; NULL: it has none. */
char *hc_word_row_note(const hc_memory_row *row);
/* "12.0 MiB as its share of what others map too (PSS)" */
char *hc_word_proportional(uint64_t bytes);
/* "3.9 MiB zero; trimming gives 8.1 MiB"; BY_RESIDENT: it is known what was resident, so what is not zero, but was given back. */
char *hc_word_free_pages(const hc_free_pages *pages, bool by_resident);
/* "the Java heap", "probably memory of mimalloc"; what the process named may be anything: escape. Free with g_free(). */
char *hc_word_runtime(const hc_runtime_use *use);
/* The same where a noun stands: "what is probably memory of mimalloc". */
char *hc_word_runtime_memory(const hc_runtime_use *use);

/* A clause of what an area looks like: "the data of libfoo.so points to it (3 words)"; NULL: nothing is known. */
char *hc_word_area(const hc_area *area);
/*
 * Its thread, its file, and what it looks like: "thread 8901", "/dev/shm/pool; the data of
 * libfoo.so points to it (3 words)"; may be "".
 */
char *hc_word_mapping(const hc_core *core, const hc_area *area);

/* ---- owners.c ---- */

/* "g_registry holds most: 61.8 MiB, 99.2 % of what is in use; told by its type. Without it 61.8 MiB would be unreachable." */
char *hc_word_owners(const hc_ownership *ownership);
/* Goes on after "told": "by its type". */
const char *hc_word_owner_basis(hc_owner_basis basis, hc_certainty certainty, bool mostly_untyped);
/* "g_registry, Registry *, static" */
char *hc_word_owner(const hc_owner_row *row);

/* "g_lru and 3 others"; of what is shared. Free with g_free(). */
char *hc_word_sharers(const hc_sharing *shared);
/*
 * "accumulates in 0x5581a4b0: 60,000 blocks right below", "accumulates here, in a chain of blocks"; with TELLS_PATH "accumulates at g_table,
 * in 0x5581a4b0: ...". OWNER has an accumulation.
 */
char *hc_word_accumulation(const hc_ownership *ownership, const hc_owner_row *owner, bool tells_path);
/* "libc and the runtime", "lost (directly 1.0 KiB, indirectly 0 B)"; NULL of paths. */
char *hc_word_owner_kind(const hc_ownership *ownership, hc_owner_kind kind);
/* Of ROWS rows that begin a path; of such that do not. */
char *hc_word_owners_left_out(uint64_t rows);
char *hc_word_owners_left_out_below(uint64_t rows);
/* What the column OUTSIDE is: BYTES of MAPPED bytes. */
char *hc_word_owners_outside(uint64_t bytes, uint64_t mapped);

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
/* What lies above a run: "3 blocks, 6.0 KiB (2 cached) + 1 island", "top of the arena". */
char *hc_word_above(const hc_pin_run *run);
/* "3 runs of free memory of 64 KiB or more, 9.1 MiB in whole pages" */
char *hc_word_runs(const hc_pins_totals *totals);
/* "2 islands of 5 blocks, 6.0 KiB, pin 9.1 MiB" */
char *hc_word_islands(const hc_pins_totals *totals);
/* Why malloc keeps it: "in threads' caches: freed, in use to malloc, ..." */
char *hc_word_kept(const hc_pins_summary *summary, hc_kept_cause cause);

/* ---- places.c ---- */

/*
 * "static", "static in main()", "thread-local of thread 4711", "run_session() frame 2 of thread 4711", "field of Session",
 * "in every element of g_table"; of one variable in THREADS threads, where that is not 0: "thread-local of 40 threads",
 * "run_session() in 200 threads". NULL: it is not known.
 */
char *hc_word_where(const hc_where *where, unsigned threads);
/*
 * "poll in libc.so.6", "function+0x12 in libc.so.6", "libc.so.6+0x1234", "libfoo.so's thread-local storage+0x10"; symbols as people
 * write them: "Cache::find(int) in server".
 */
char *hc_word_address(const hc_address_name *name);
/* The same of ADDRESS, and of the function that FRAME is of; NULL: it is in no module. */
char *hc_word_address_in(hc_modules *modules, hc_address address);
char *hc_word_frame(hc_modules *modules, const hc_frame *frame);
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
/*
 * "2 not found here: libfoo.so, libbar.so.1"; NULL: there are none, or nothing is wrong with them.
 */
char *hc_word_files_in_state(hc_module_state state, const GPtrArray *names, bool all);

/* ---- references.c ---- */

/* Why memory was searched, or not: "frames, thread-local storage". */
const char *hc_word_root(hc_root_reason reason);
/* "data of libfoo.so"; "data of 12 more". */
char *hc_word_root_data(const char *module);
char *hc_word_root_data_of_more(unsigned count);
/*
 * Two sentences on what was looked at, and what of libc and the language's RUNTIME counts as
 * reached.
 */
char *hc_word_search(const hc_references_totals *totals, hc_amount runtime);
/* "tag in bits 48-63"; NULL: it is an address. */
char *hc_word_encoding(const hc_encoding *encoding);
/* What was learned: "headers of 24 bytes, pools"; "tag in bits 48-63". NULL: no block was held inside, or reached so. */
char *hc_word_habits(const hc_references *references);
char *hc_word_encodings(const hc_references *references);
/*
 * A sentence each on the blocks that are held so: "2 blocks (48 B) are reached by encoded pointers
 * only (deduced: ...)."; NULL: none is.
 */
char *hc_word_held_inside(const hc_references *references);
char *hc_word_encoded(const hc_references *references);
/*
 * "64.0 MiB that may point to them are not in the core: 0x7f10 to 0x7f20, kept out of cores by madvise(MADV_DONTDUMP)", with the
 * largest range as an example. NULL: nothing is missing.
 */
char *hc_word_missing(const hc_references *references);
/*
 * Why the core lacks a range, and what it was of: "kept out of cores by madvise(MADV_DONTDUMP):
 * /dev/shm/pool".
 */
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

/* ---- snapshots.c ---- */

/*
 * "12 places in the program's data, 3 kinds of lost blocks; nothing that blocks contain is in it".
 */
char *hc_word_snapshot(const hc_snapshot *snapshot);

/* ---- stages.c: hc_stage_text() of <heapcore/reports.h> ---- */

/* "memory: 1.1 GiB at most, 768.0 MiB of it copies of the core in large pages": bytes both. Free with g_free(). */
char *hc_word_memory_taken(uint64_t peak, uint64_t copied);

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

/* The first line of that, with the time and what was resident in front; DIFF NULL: there is nothing to compare SNAPSHOT with. */
char *hc_word_step(const hc_snapshot *snapshot, const hc_diff *diff);
