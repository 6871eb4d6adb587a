/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where pointers that wait lead, found out ahead.
 *
 * Pointers are followed one after the other, for a block is whose pointer comes first. But where one leads depends on nothing but memory: the
 * index of blocks is asked, the block's size, its first word. Where many wait, helpers do that for a stretch of them at a time, and fetch a
 * stretch's memory at once; who follows them finds what he needs in a row.
 *
 * What is told is told of an address, not of a place in the ring: so it is right whatever has become of the ring meanwhile, and of no use
 * at worst. Before the ring moves the helpers are waited for.
 */
#include "propagation/objects.h"
#include "propagation/walks_ahead.h"

#include "base/parallel.h"

enum {
	WINDOW = 8,
	STRETCH = 512,
	AHEAD = 24, /* pointers between fetching what one leads to, and looking at it */
	NEAR = 20,  /* ... between fetching whose that is, and following it */
	LINE = 64,  /* bytes that the processor fetches together */
};

struct stretch {
	_Alignas(HC_APART) hc_edge_target targets[STRETCH];
};

struct hc_edges_ahead {
	hc_propagation *propagation;
	hc_task_row row;
	const hc_edge *edges; /* the ring, as long as it does not move */
	uint64_t mask;
	uint64_t first, count;	   /* place of the first; how many */
	uint64_t current;	   /* the stretch at hand; UINT64_MAX: none yet */
	struct stretch *stretches; /* WINDOW */
};

/* ---- by helpers ---- */

/* What EDGE leads to, if that is the beginning of a block among others. */
static void find_target(
	const hc_propagation *propagation, hc_reader *reader, const hc_edge *edge, hc_edge_target *ret_target)
{
	hc_spot spot;

	*ret_target = (hc_edge_target){ .value = edge->value };
	if (edge->part >= HC_EDGE_OUTSIDE || !hc_propagation_locate(propagation, edge->value, &spot) ||
		spot.address != edge->value || spot.region->region.is_mmapped || !spot.region->bytes ||
		!hc_reader_load(reader, edge->value, &ret_target->first_word))
		return;
	ret_target->is_told = true;
	ret_target->granule = spot.granule;
	ret_target->number = spot.number;
	ret_target->usable = hc_blocks_usable_size(propagation->blocks, spot.region, spot.address);
	ret_target->bytes = spot.region->bytes + (spot.address - spot.region->start);
}

static void make_stretch(void *data, unsigned worker, uint64_t index)
{
	const struct hc_edges_ahead *ahead = data;
	struct stretch *stretch = &ahead->stretches[index % WINDOW];
	hc_reader *reader = hc_propagation_worker_reader(ahead->propagation, worker);
	uint64_t from = index * STRETCH, end = MIN(from + STRETCH, ahead->count);

	for (uint64_t i = from; i < end + AHEAD; i++) {
		if (i < end)
			hc_reader_fetch(reader, ahead->edges[(ahead->first + i) & ahead->mask].value);
		if (i >= from + AHEAD)
			find_target(ahead->propagation, reader, &ahead->edges[(ahead->first + i - AHEAD) & ahead->mask],
				&stretch->targets[i - AHEAD - from]);
	}
}

/* ---- by the propagation ---- */

bool hc_propagation_begin_edges(hc_propagation *propagation)
{
	struct hc_edges_ahead *ahead;

	/* One worker alone has nobody who could be ahead. */
	if (hc_propagation_worker_count(propagation) < 2)
		return false;
	ahead = g_new0(struct hc_edges_ahead, 1);
	ahead->propagation = propagation;
	ahead->edges = propagation->edges;
	ahead->mask = propagation->edges_room - 1;
	ahead->first = propagation->edges_out;
	ahead->count = propagation->edges_in - propagation->edges_out;
	ahead->current = UINT64_MAX;
	ahead->stretches = g_aligned_alloc(WINDOW, sizeof *ahead->stretches, HC_APART);
	ahead->row = (hc_task_row){
		.make = make_stretch, .data = ahead, .count = (ahead->count + STRETCH - 1) / STRETCH, .window = WINDOW
	};
	if (hc_lookahead_begin(hc_propagation_lookahead(propagation), &ahead->row)) {
		propagation->edges_ahead = ahead;
		return true;
	}
	g_aligned_free(ahead->stretches);
	g_free(ahead);
	return false;
}

void hc_propagation_end_edges(hc_propagation *propagation)
{
	struct hc_edges_ahead *ahead = propagation->edges_ahead;

	if (!ahead)
		return;
	hc_lookahead_end(hc_propagation_lookahead(propagation), &ahead->row);
	g_aligned_free(ahead->stretches);
	g_free(ahead);
	propagation->edges_ahead = NULL;
}

/* What will be asked of TARGET. Inlined everywhere: GCC takes a function that only fetches for one without any effect. */
static inline __attribute__((always_inline)) void fetch(const hc_propagation *propagation, const hc_edge_target *target)
{
	if (!target->is_told)
		return;
	__builtin_prefetch(&propagation->types->owner_of[target->number], 1);
	__builtin_prefetch(&propagation->looked_at[target->granule / 64], 1);
	__builtin_prefetch(target->bytes);
	__builtin_prefetch(target->bytes + MIN(target->usable, LINE) - 1);
}

const hc_edge_target *hc_propagation_next_target(hc_propagation *propagation)
{
	struct hc_edges_ahead *ahead = propagation->edges_ahead;
	hc_lookahead *lookahead = hc_propagation_lookahead(propagation);
	uint64_t at = propagation->edges_out - ahead->first, index = at / STRETCH;

	/* What was put in front of them is followed between them. */
	if (at >= ahead->count || (ahead->current != UINT64_MAX && index < ahead->current))
		return NULL;
	if (index != ahead->current) {
		hc_lookahead_release(lookahead, &ahead->row, index);
		hc_lookahead_wait(lookahead, &ahead->row, index);
		ahead->current = index;
		for (unsigned i = 0; i < MIN(NEAR, ahead->count - at); i++)
			fetch(propagation, &ahead->stretches[index % WINDOW].targets[i]);
	}
	const hc_edge_target *target = &ahead->stretches[index % WINDOW].targets[at % STRETCH];

	if (at % STRETCH + NEAR < STRETCH && at + NEAR < ahead->count)
		fetch(propagation, target + NEAR);
	return target;
}
