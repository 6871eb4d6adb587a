/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this folder share. */
#pragma once

#include "diff/diff.h"

hc_sameness hc_sameness_compare(const hc_snapshot *a, const hc_snapshot *b);

/* The sizes whose blocks or lost blocks changed in number, most bytes grown first. An array of hc_diff_size. */
GArray *hc_diff_count_sizes(const hc_snapshot *a, const hc_snapshot *b);

/* ---- merged_paths.c ---- */

/* A path in all snapshots. Figures are arrays, one for each snapshot; 0 where the snapshot does not have the path. */
typedef struct hc_merged_path {
	uint32_t parent;		/* index, smaller than its own; HC_SNAPSHOT_NONE */
	const hc_snapshot_owner *owner; /* of the last snapshot that has it */
	bool is_container; /* of many things, in some snapshot; in the last that has memory of it, their number is known */
	bool changed;			/* anything at or below it did */
	bool is_at_most, is_exact;	/* its elements are at most so many, or just so many, in one of them */
	unsigned whole;			/* torn snapshots in which it was read whole */
	bool is_unsure;			/* in a torn snapshot it, or something below it, was not */
	/* own: with what is not malloc's, which is OUTSIDE too; shared: of own, what others lead to as well */
	uint64_t *own, *own_blocks, *mapped, *mapped_blocks, *shared, *outside;
	uint64_t *free_between; /* bytes of free chunks between its blocks, of none of the others */
	uint64_t *things; /* blocks, and places outside of malloc's heap */
	uint64_t *below;  /* bytes, own included */
	uint64_t *own_resident, *mapped_resident,
		*below_resident; /* bytes of these that were in memory; 0 if not known */
	uint64_t
		fattened; /* the most bytes that one container below it grew by, which was there before and holds twice as much now */
	uint64_t *elements, *count;
} hc_merged_path;

typedef struct hc_merged_paths {
	GArray *list; /* of hc_merged_path */
	uint32_t **path_of; /* of each snapshot: by its owners, the path of each */
	unsigned snapshots;
	GPtrArray *figures; /* what the arrays lie in */
} hc_merged_paths;

/* lookup.c: whether the heap of a torn SNAPSHOT is whole for all that. */
bool hc_snapshot_has_whole_heap(const hc_snapshot *snapshot);

hc_merged_paths *hc_diff_merge_paths(const hc_snapshot *const *snapshots, unsigned count, bool is_one_process);
void hc_merged_paths_free(hc_merged_paths *paths);

static inline hc_merged_path *hc_merged_paths_get(const hc_merged_paths *paths, uint32_t index)
{
	return &g_array_index(paths->list, hc_merged_path, index);
}

struct hc_diff {
	const hc_snapshot **snapshots;
	unsigned count;
	const hc_snapshot *first, *last;
	hc_sameness sameness;
	const hc_snapshot *compared; /* that sameness is of */
	GArray *rows;		     /* of hc_diff_row; their strings belong to the snapshots */
	GArray *sizes;		     /* of hc_diff_size */
	hc_merged_paths *paths;
	bool is_torn;
	GArray *attribution; /* of hc_growth */
	GArray *steady;	     /* of hc_growth */
	GArray *causes;	     /* of hc_cause */
	int64_t growth, memory_growth;
	bool knows_resident; /* all snapshots do, and none is torn */
	bool knows_lost_resident; /* of lost blocks as well */
	int64_t resident_growth;
	uint64_t kernel_growth; /* bytes that wait in sockets */
	GStringChunk *texts;
	GPtrArray *steps; /* arrays of uint64_t */
};

/* attribution.c: fills diff->attribution; path_rows.c: with the rows of paths. */
void hc_diff_attribute(hc_diff *diff);
void hc_diff_attribute_paths(hc_diff *diff);

/* ---- growth.c ---- */

/* A figure for each snapshot, 0 at first. The diff's. */
uint64_t *hc_diff_new_steps(hc_diff *diff);

/* Whether any of COUNT figures is not 0. */
bool hc_diff_is_ever(const uint64_t *figures, unsigned count);

/* Completes ROW, whose steps are set, and adds it to diff->attribution. */
void hc_diff_add_growth(hc_diff *diff, hc_growth row);

/* alike.c: rows of one variable in many threads, which grew alike, become one. Of the rows of paths. */
void hc_diff_join_alike(hc_diff *diff);
/* Whether the variable at OWNER is in such a row. */
bool hc_diff_is_joined(const hc_diff *diff, const hc_snapshot_owner *owner);

/*
 * Whether the growth of PATH's own number of things (elements of a container, blocks of anything else) is behind at least half of what
 * grew below it; or nothing changed there at all.
 */
bool hc_diff_explains(const hc_diff *diff, const hc_merged_path *path);

/* A row of KIND for PATH: its name and elements, without bytes. */
hc_growth hc_diff_describe_path(const hc_diff *diff, const hc_merged_path *path, hc_growth_kind kind);

/* steady.c: fills diff->steady. */
void hc_diff_find_steady(hc_diff *diff);

/* trend.c: the trend of COUNT figures. */
hc_trend hc_diff_trend(const uint64_t *steps, unsigned count);

/* counters.c */

/* A pair that agrees with the queue at PATH, which held ELEMENTS_BEFORE and then ELEMENTS_AFTER. FALSE: none does. */
bool hc_diff_find_counters(const hc_diff *diff, const char *path, uint64_t elements_before, uint64_t elements_after,
	hc_counters *ret_counters);

/* causes.c: fills diff->causes, and sorts them. */
void hc_diff_find_causes(hc_diff *diff);
/* The container that was read in part only and claims to have grown by most elements; NULL: there is none. */
const hc_growth *hc_diff_find_broken(const hc_diff *diff);

/* The base of shares: the growth, or what grew in it where something else shrank more. */
int64_t hc_diff_share_base(const hc_diff *diff);
