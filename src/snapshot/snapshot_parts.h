/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of snapshot/ share. */
#pragma once

#include "snapshot/snapshot.h"

/* Blocks counted by path (number of hc_types_path_get()). */
typedef struct hc_path_amounts {
	hc_amount *own, *mapped; /* hc_types_path_count() + 1 of each; NULL without types */
	uint64_t *own_resident,
		*mapped_resident; /* as many: bytes of both that were in memory; 0 if that is not known */
	/* As many: bytes of free chunks, each between two blocks of paths that begin at one place: of the former's path. */
	uint64_t *free_between;
} hc_path_amounts;

void hc_path_amounts_clear(hc_path_amounts *amounts);

/* tables.c */

/* TEXT as valid UTF-8 in the snapshot's own memory; NULL stays NULL. */
const char *hc_snapshot_keep(hc_snapshot *snapshot, const char *text);

/* The same with each string of a struct, in place. */
void hc_snapshot_keep_process(hc_snapshot *snapshot, hc_process *process);
void hc_snapshot_keep_heap(hc_snapshot *snapshot, hc_heap_info *heap);
void hc_snapshot_keep_lost(hc_snapshot *snapshot, hc_leak_kind *kind);

/* Nothing in it. */
hc_snapshot *hc_snapshot_new(void);

/* ---- sample.c ---- */

/* The sample of SNAPSHOT while it is taken. */
typedef struct hc_sampling {
	hc_snapshot *snapshot;
	unsigned small, large; /* blocks in it */
} hc_sampling;

/* Nothing is in it yet. What is added does not overlap; at the end it is put in order. */
void hc_sampling_begin(hc_sampling *sampling, hc_snapshot *snapshot);
void hc_sampling_add(hc_sampling *sampling, hc_address address, uint64_t size, uint32_t owner);
void hc_sampling_end(hc_sampling *sampling);
/* The section, which LOAD takes after the owners. */
GVariant *hc_sample_store(const hc_snapshot *snapshot);
bool hc_sample_load(hc_snapshot *snapshot, GVariant *section);

/* resident.c: the sections, which LOAD takes after those that they are about. */
/*
 * What is kept of AT_RANDOM's bytes, which RANDOM has in hexadecimal; of what is that already, a copy. So those of older files, which have the
 * bytes, compare with newer ones. Free with g_free().
 */
#define RANDOM_HASHED "sha256:"
char *hc_snapshot_hash_random(const char *random);

GVariant *hc_snapshot_store_resident(const hc_snapshot *snapshot);
bool hc_snapshot_load_resident(hc_snapshot *snapshot, GVariant *section);
GVariant *hc_snapshot_store_lost_resident(const hc_snapshot *snapshot);
bool hc_snapshot_load_lost_resident(hc_snapshot *snapshot, GVariant *section);

/* ---- code.c ---- */

/* Fills layouts and sites. KINDS: of each group of LEAKS its place in the snapshot's `lost`. */
void hc_snapshot_add_code(
	hc_snapshot *snapshot, const hc_analysis *analysis, const hc_leaks *leaks, const unsigned *kinds);

/* MODULE's name and path, in the snapshot. */
const hc_module *hc_snapshot_keep_module(hc_snapshot *snapshot, const char *name, const char *path);

/* The sections; LOAD takes that of sites after "lost". */
GVariant *hc_snapshot_store_layouts(const hc_snapshot *snapshot);
GVariant *hc_snapshot_store_sites(const hc_snapshot *snapshot);
bool hc_snapshot_load_layouts(hc_snapshot *snapshot, GVariant *section);
bool hc_snapshot_load_sites(hc_snapshot *snapshot, GVariant *section);

/* uses.c: the same of what other runtimes have, behind "memory", "owners-outside" and "resident". */
GVariant *hc_snapshot_store_uses(const hc_snapshot *snapshot);
bool hc_snapshot_load_uses(hc_snapshot *snapshot, GVariant *section);

/*
 * blocks.c: fills snapshot->sizes, AMOUNTS (hc_path_amounts_clear()) and the sample, whose owners are paths' numbers until rows are there.
 * FALSE if memory was out.
 */
bool hc_snapshot_count_blocks(hc_snapshot *snapshot, const hc_analysis *analysis, hc_path_amounts *amounts);

/* owner_rows.c */
void hc_snapshot_add_owners(hc_snapshot *snapshot, const hc_types *types, const hc_core *core,
	const hc_path_amounts *amounts, const hc_ownership *ownership);
