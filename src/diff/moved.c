/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks that were there before, on another path; likewise what paths have in memory that is not malloc's.
 *
 * Where words alone tell whose blocks are, one more word may lead to them by the next core, and a nearer place has them. Such a place has not
 * grown: no memory came. Of one process the same blocks are in both samples if they stayed, so how much went from one row to another is
 * known of large blocks, and estimated of the others. If that is most of what a row seems to have grown by, or most of what the other had,
 * and no small part of that growth, the two are one row, of the one that has more: then the one's growth is the other's loss, and what is left
 * is what really came.
 *
 * Containers stay apart, and so does what types prove on both sides: there elements do move, from a queue to what is done.
 */
#include "diff/path_rows.h"

enum {
	SAMPLED_LEAST = 4, /* blocks that went, unless they are large or the sample has all: fewer prove nothing */
	ROUNDS_MAX = 1000
};

#define MOST_OF_ALL 0.75 /* of what a row had: an estimate may be as much too low */
#define PART_LEAST 0.1	 /* of what the other seems to have grown by */

/* What went from one row to another. */
struct move {
	uint32_t from, to; /* places in the list of rows */
	double bytes;	   /* estimated, but for large blocks */
	unsigned blocks;   /* of the sample; a large one is as good as SAMPLED_LEAST */
};

struct moves {
	const hc_diff *diff;
	const uint32_t *row_of;
	unsigned shift; /* of what both samples have */
	uint64_t large;
	GHashTable *known; /* from << 32 | to (inside the value) -> place in `list` + 1 */
	GArray *list;	   /* of struct move */
};

static uint64_t pair_of(uint32_t from, uint32_t to)
{
	return (uint64_t)from << 32 | to;
}

static void add_move(struct moves *moves, uint32_t from, uint32_t to, uint64_t size)
{
	bool is_large = size >= moves->large;
	uint64_t pair = pair_of(from, to);
	unsigned place = GPOINTER_TO_UINT(g_hash_table_lookup(moves->known, &pair));

	if (!place) {
		struct move fresh = { .from = from, .to = to };

		g_array_append_val(moves->list, fresh);
		place = moves->list->len;
		g_hash_table_insert(moves->known, g_memdup2(&pair, sizeof pair), GUINT_TO_POINTER(place));
	}
	struct move *move = &g_array_index(moves->list, struct move, place - 1);

	move->bytes += is_large ? (double)size : (double)size * (double)(UINT64_C(1) << moves->shift);
	move->blocks += is_large || !moves->shift ? SAMPLED_LEAST : 1;
}

static uint32_t row_of_block(const struct moves *moves, unsigned snapshot, const hc_snapshot_block *block)
{
	return moves->row_of[moves->diff->paths->path_of[snapshot][block->owner]];
}

/* Both samples are in order of address. */
static void find_moves(struct moves *moves)
{
	const hc_diff *diff = moves->diff;
	const GArray *a = diff->first->sample, *b = diff->last->sample;

	for (unsigned i = 0, j = 0; i < a->len && j < b->len;) {
		const hc_snapshot_block *x = &g_array_index(a, hc_snapshot_block, i),
					*y = &g_array_index(b, hc_snapshot_block, j);

		i += x->address <= y->address;
		j += y->address <= x->address;
		if (x->address != y->address || x->size != y->size ||
			!hc_snapshot_is_sampled(x, moves->shift, moves->large))
			continue;
		uint32_t from = row_of_block(moves, 0, x), to = row_of_block(moves, diff->count - 1, y);

		if (from != to && from != HC_SNAPSHOT_NONE && to != HC_SNAPSHOT_NONE)
			add_move(moves, from, to, x->size);
	}
}

static int most_first(const void *a, const void *b)
{
	const struct move *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x->from != y->from ? (x->from > y->from) - (x->from < y->from) : (x->to > y->to) - (x->to < y->to);
}

static double bytes_back(const struct moves *moves, const struct move *move)
{
	uint64_t pair = pair_of(move->to, move->from);
	unsigned place = GPOINTER_TO_UINT(g_hash_table_lookup(moves->known, &pair));

	return place ? g_array_index(moves->list, struct move, place - 1).bytes : 0;
}

/* Whether words alone tell that PATH has its blocks, or a guess. */
static bool is_weak(const hc_merged_path *path)
{
	return path->owner->by_words || path->owner->certainty > HC_CERTAINTY_DEDUCED ||
	       hc_snapshot_owner_is_mostly_untyped(path->owner);
}

static double growth_of(const hc_diff *diff, const hc_path_row *row)
{
	unsigned last = diff->count - 1;

	return (double)row->own[last] + (double)row->mapped[last] - (double)row->own[0] - (double)row->mapped[0];
}

static bool may_be_one(const hc_diff *diff, const hc_path_row *from, const hc_path_row *to)
{
	const hc_merged_path *a = hc_merged_paths_get(diff->paths, from->path),
			     *b = hc_merged_paths_get(diff->paths, to->path);

	return !a->is_container && !b->is_container && !a->owner->is_found && !b->owner->is_found &&
	       (is_weak(a) || is_weak(b));
}

/* Whether what went from FROM to TO, and not back, is most of what TO seems to have grown by, or most of what FROM had. */
static bool is_most(const struct moves *moves, const struct move *move, const hc_path_row *from, const hc_path_row *to)
{
	double bytes = move->bytes - bytes_back(moves, move), growth = growth_of(moves->diff, to);
	double had = (double)from->own[0] + (double)from->mapped[0];

	return growth > 0 && (bytes >= growth / 2 || (bytes >= had * MOST_OF_ALL && bytes >= growth * PART_LEAST));
}

static hc_path_row *get_row(const GArray *list, const uint32_t *joined, uint32_t number)
{
	/* Rows lead to rows that had more, never back. */
	for (unsigned tries = 0; joined[number] != number && tries < ROUNDS_MAX; tries++)
		number = joined[number];
	return &g_array_index(list, hc_path_row, number);
}

static void join(const hc_diff *diff, GArray *list, uint32_t *joined, hc_path_row *from, hc_path_row *to)
{
	unsigned last = diff->count - 1;
	bool has_more = from->own[last] + from->mapped[last] > to->own[last] + to->mapped[last];
	hc_path_row *stays = has_more ? from : to, *goes = has_more ? to : from;
	const hc_path_row *first = (const hc_path_row *)(const void *)list->data;

	hc_diff_add_path_rows(diff, stays, goes);
	joined[goes - first] = (uint32_t)(stays - first);
}

void hc_diff_join_moved(const hc_diff *diff, GArray *list, const uint32_t *row_of)
{
	g_autoptr(GHashTable) known = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(struct move));
	g_autofree uint32_t *joined = g_new(uint32_t, MAX(list->len, 1));
	struct moves moves = { diff, row_of, MAX(diff->first->sample_shift, diff->last->sample_shift),
		MAX(diff->first->sample_large, diff->last->sample_large), known, found };

	if (diff->sameness != HC_SAME_PROCESS)
		return;
	for (uint32_t i = 0; i < list->len; i++)
		joined[i] = i;
	find_moves(&moves);
	g_autoptr(GArray) ordered = g_array_copy(found);

	g_array_sort(ordered, most_first);
	for (unsigned i = 0; i < ordered->len; i++) {
		const struct move *move = &g_array_index(ordered, struct move, i);
		hc_path_row *from = get_row(list, joined, move->from), *to = get_row(list, joined, move->to);

		if (from == to || from->path == HC_SNAPSHOT_NONE || to->path == HC_SNAPSHOT_NONE ||
			move->blocks < SAMPLED_LEAST || !may_be_one(diff, from, to) ||
			!is_most(&moves, move, from, to))
			continue;
		join(diff, list, joined, from, to);
	}
}
