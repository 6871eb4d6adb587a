/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pieces that several reports show. */
#pragma once

#include "reports/record.h"

#include "types/types.h"

/* process.c: who died, and how; which files were found again; which allocator. */
json_t *hc_process_json(const hc_process *process, unsigned threads, const char *core_path, uint64_t core_size);
json_t *hc_files_json(const hc_analysis *analysis);
json_t *hc_allocator_json(const hc_heap_info *heap);
char *hc_process_title(const hc_process *process,
	unsigned threads);			    /* "logic_worker, pid 8901, 5 threads, written by gcore"; escaped */
char *hc_allocator_title(const hc_heap_info *heap); /* "glibc 2.36, malloc layout from debug info"; escaped */
void hc_files_print(const hc_analysis *analysis, hc_output *output);

/* memory.c: the memory table; as text with the numbers of the findings that say more. */
json_t *hc_memory_json(const hc_analysis *analysis);
void hc_memory_print(const hc_analysis *analysis, hc_output *output);

/* A row's TITLE behind DEPTH steps; without what it has in parentheses, unless VERBOSE. Free with g_free(). */
char *hc_row_title(const char *title, unsigned depth, bool verbose);

/* arenas.c: one row an arena; LIMIT (0: none) keeps the largest. WIDE: all columns, not only the first screen's. */
json_t *hc_arenas_json(const hc_analysis *analysis);
void hc_arenas_print(const hc_analysis *analysis, bool wide, unsigned limit, hc_output *output);
char *hc_arena_name(uint32_t arena); /* "main", "3", "mmapped" */

/*
 * What each free state holds, and all: {"tcache": {"blocks", "bytes"}, ..., "bytes"}, in ARENA or
 * HC_ARENA_ALL.
 */
json_t *hc_free_json(const hc_blocks *blocks, uint32_t arena);

/* places.c: NULL if there is none. PATH is that of its row, or NULL. */
json_t *hc_accumulation_json(const hc_owner_accumulation *accumulation, const char *path);

/* findings.c: numbered from 1, with the commands as one would type them. */
json_t *hc_findings_json(const hc_analysis *analysis, const hc_report_options *options);
void hc_findings_print(const hc_analysis *analysis, hc_output *output);

/* The COMMAND of a finding as one would type it: "heapcore chunks core.8901 ./worker --state top". */
char *hc_command_line(const char *command, const char *core_path, const hc_report_options *options);
void hc_command_print(const char *command, const char *core_path, hc_output *output); /* on the rest of a line */

/* diagnostics.c: what could not be read. NAME goes before each line ("A"), or NULL. */
json_t *hc_diagnostics_json(const hc_diagnostics *diagnostics);
void hc_diagnostics_print(const hc_diagnostics *diagnostics, const char *name, hc_output *output);
json_t *hc_status_json(bool partial);

/*
 * diagnostics.c: a whole report of COMMAND: its head, its facts, and with DIAGNOSTICS (or NULL) the
 * keys of these and of the status.
 */
json_t *hc_report_json_n(const char *command, const hc_fact *facts, unsigned count, const hc_diagnostics *diagnostics);
#define hc_report_json(command, facts, diagnostics) hc_report_json_n(command, facts, G_N_ELEMENTS(facts), diagnostics)

/*
 * limit.c: how many of COUNT rows a list shows, LIMIT (0: none) being the most; a line that tells
 * how many it does not, if any.
 */
unsigned hc_limited(unsigned count, uint64_t limit);
void hc_left_out_print(unsigned count, uint64_t limit, hc_output *output);

/* missing.c: what the core lacks and may point to lost blocks; as text nothing if it lacks nothing. */
json_t *hc_missing_json(const hc_references *references);
void hc_missing_print(const hc_references *references, hc_output *output);

/* sites.c: which calls may have made blocks; null if ANSWER is NULL. */
json_t *hc_site_answer_json(const hc_site_answer *answer);

/* findings.c: a class of two layouts, and which calls may have made the lost blocks that hang on it; SITE may be NULL. */
json_t *hc_two_layouts_json(const hc_abi_difference *difference, const hc_site_answer *site);

/* sites.c: looks up where the calls of ANSWER are in the source, as many as will be told. */
void hc_site_answer_place(hc_sites *sites, hc_site_answer *answer, const hc_report_options *options);

/* sites.c: a call. */
json_t *hc_site_json(const hc_site *site, const hc_site_place *place);

/* sites.c: what was read to tell calls. */
json_t *hc_code_json(const hc_sites *sites);

/* owner_sites.c: which calls may have made the blocks that a row of owners has itself. */
typedef struct hc_owner_calls {
	uint32_t row;
	hc_site_answer
		answer;	 /* about most of them, or, if they differ in size, all; its `size` is 0: nothing is known */
	hc_amount alike; /* those that have the size of the answer */
} hc_owner_calls;

/* Fills in COUNT of CALLS, of different rows, which the caller has set; else they are zero. */
void hc_owner_calls_find(const hc_analysis *analysis, const hc_ownership *ownership, hc_sites *sites,
	hc_owner_calls *calls, unsigned count, const hc_report_options *options);
void hc_owner_calls_clear(hc_owner_calls *calls); /* what it has; not itself */
json_t *hc_owner_calls_json(const hc_ownership *ownership, const hc_owner_calls *calls, unsigned count);
void hc_owner_calls_print(
	const hc_ownership *ownership, const hc_owner_calls *calls, unsigned count, hc_output *output);

/* arenas.c: in the place of a table of arenas. */
void hc_no_arenas_print(const hc_analysis *analysis, hc_output *output);

/* mappings.c: "r-x", "rw-", "?"; where a piece's bytes come from: "core", "file", "none", "truncated". */
const char *hc_protection_name(unsigned flags, char buffer[4]);
const char *hc_source_name(hc_source source);
json_t *hc_mapping_json(const hc_mapping *mapping); /* NULL gives null */
json_t *hc_area_json(const hc_area *area);	    /* NULL gives null */

/*
 * preview.c: what the content of a block looks like, in at most about SIZE columns: text, or what its first word points
 * to; NULL if neither. Untrusted; free with g_free().
 */
char *hc_preview(const hc_analysis *analysis, const hc_block *block, unsigned size);

/* block.c: a block with its address, sizes, state, arena, label and reach. */
json_t *hc_block_json(const hc_analysis *analysis, const hc_block *block);

/* containers.c: what could be read of the variables; what was given up; modules whose debug info was not read. */
json_t *hc_variables_json(const hc_types *types);
json_t *hc_losses_json(const hc_types *types);
json_t *hc_debug_info_gaps_json(const hc_analysis *analysis);
void hc_debug_info_gaps_print(const hc_analysis *analysis, hc_output *output);

/*
 * selection.c: the blocks of TYPE (as hc_instances_view has it; NULL: any) that hang on OWNER (as hc_chunks_filter). NULL, and
 * HC_ERROR_USAGE, if there is no such type or path, or several types are meant.
 */
hc_selection *hc_select_blocks(const hc_types *types, const char *type, const char *owner, GError **error);

/* places.c: the name of ADDRESS, escaped (free with g_free()); a place as an object. */
hc_place_sources hc_place_sources_of(const hc_analysis *analysis);
char *hc_place_text(const hc_analysis *analysis, hc_address address);
json_t *hc_place_json(const hc_place *place);

/*
 * retained.c, all without a value if what is retained was not asked for: rows of owners by path (hc_owner_row, NULL: of several), to be
 * freed with g_hash_table_unref() if it is not NULL; what the row of PATH retains; what BLOCK does, and the address of the block that all
 * ways to it lead through.
 */
GHashTable *hc_rows_by_path(const hc_ownership *ownership);
hc_value hc_retained_by_path(GHashTable *rows, const char *path);
hc_value hc_retained_by_block(const hc_analysis *analysis, const hc_block *block);
hc_value hc_dominator_of_block(const hc_analysis *analysis, const hc_block *block);

/* side_facts.c: what captures tell beside the cores: {"a", "b"} or null; a short table, or a line that says what is not known. */
json_t *hc_side_facts_json(const hc_diff *diff);
void hc_side_facts_print(const hc_diff *diff, hc_output *output);

/*
 * learned.c: what is held by pointers inside blocks, and by encoded ones: {"blocks", "bytes",
 * "learned", "means"}.
 */
json_t *hc_held_inside_json(const hc_references *references);
json_t *hc_encoded_json(const hc_references *references);

/*
 * The same in sentences, if there is something to say; only those on encodings, which hold what
 * else were lost.
 */
void hc_learned_print(const hc_references *references, hc_output *output);
void hc_learned_encodings_print(const hc_references *references, hc_output *output);

/* pins.c: hc_report_pins() of PINS, those of ANALYSIS, for who has them anyway. */
bool hc_report_found_pins(const hc_analysis *analysis, const struct hc_pins *pins, uint64_t limit,
	const hc_report_options *options, GError **error);
