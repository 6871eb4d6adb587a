/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Claims: those of the heap, and how of several on one place one is left. */
#include "areas/areas_state.h"

void hc_areas_claim(hc_areas *areas, hc_address start, hc_address end, hc_area_kind kind, unsigned owner)
{
	hc_area_claim claim = { start, end, kind, owner };

	if (start < end)
		g_array_append_val(areas->claims, claim);
}

/* A region of the heap, without the pseudo-blocks in it that are somebody else's or unreadable. */
static void claim_region(hc_areas *areas, unsigned index)
{
	const hc_blocks *blocks = areas->blocks;
	const hc_block_region *region = &blocks->regions[index];
	const hc_block_totals *totals = hc_blocks_totals_of(blocks, region->region.arena);
	bool has_others = totals->blocks[HC_BLOCK_FOREIGN] || totals->blocks[HC_BLOCK_UNREADABLE];
	hc_address at = region->region.outer_start;

	if (region->region.is_mmapped) {
		hc_areas_claim(areas, at, region->region.outer_end, HC_AREA_MMAPPED, index);
		return;
	}
	for (uint32_t i = 0; has_others && i < region->block_count; i++) {
		hc_block_state state = blocks->states[region->first_block + i];
		hc_block block;

		if ((state != HC_BLOCK_FOREIGN && state != HC_BLOCK_UNREADABLE) ||
			!hc_blocks_get(blocks, region->first_block + i, &block))
			continue;
		hc_address start = block.address - 2 * blocks->word;

		hc_areas_claim(areas, at, start, HC_AREA_HEAP, index);
		at = start + block.chunk_size;
		hc_areas_claim(areas, start, at,
			state == HC_BLOCK_FOREIGN ? HC_AREA_FOREIGN_SBRK : HC_AREA_HEAP_UNREADABLE, index);
	}
	hc_areas_claim(areas, at, region->region.outer_end, HC_AREA_HEAP, index);
	if (region->region.reserved_end)
		hc_areas_claim(areas, region->region.outer_end, region->region.reserved_end, HC_AREA_RESERVED, index);
}

void hc_areas_claim_heap(hc_areas *areas)
{
	const hc_blocks *blocks = areas->blocks;

	for (unsigned i = 0; i < blocks->region_count; i++)
		claim_region(areas, i);
	for (unsigned i = 0; i < blocks->heap.states->len; i++) {
		const hc_range *state = &g_array_index(blocks->heap.states, hc_range, i);

		hc_areas_claim(areas, state->start, state->end, HC_AREA_MALLOC_STATE, UINT_MAX);
	}
}

static int compare_claims(const void *a, const void *b)
{
	const hc_area_claim *x = a, *y = b;

	if (x->start != y->start)
		return (x->start > y->start) - (x->start < y->start);
	return (int)x->kind - (int)y->kind;
}

/* Of claims of one kind the one that begins first has what they share. Leaves the claims sorted. */
static void make_kinds_disjoint(GArray *claims)
{
	hc_address ends[HC_AREA_KIND_COUNT] = { 0 };
	unsigned kept = 0;

	g_array_sort(claims, compare_claims);
	for (unsigned i = 0; i < claims->len; i++) {
		hc_area_claim claim = g_array_index(claims, hc_area_claim, i);

		claim.start = MAX(claim.start, ends[claim.kind]);
		if (claim.start >= claim.end)
			continue;
		ends[claim.kind] = claim.end;
		g_array_index(claims, hc_area_claim, kept++) = claim;
	}
	g_array_set_size(claims, kept);
	g_array_sort(claims, compare_claims);
}

/* Adds [start, end) of CLAIM. What begins where no greater claim ended goes on in one piece. */
static void append_part(GArray *claims, const hc_area_claim *claim, hc_address start, hc_address end)
{
	hc_area_claim part = { start, end, claim->kind, claim->owner };
	hc_area_claim *last = claims->len ? &g_array_index(claims, hc_area_claim, claims->len - 1) : NULL;

	if (last && start > claim->start && last->end == start && last->kind == claim->kind)
		last->end = end;
	else
		g_array_append_val(claims, part);
}

/*
 * Kinds are in order of precedence: the heap's own claims are never cut by a stack's. A sweep over the address space; of each
 * kind one claim at most is open at a time.
 */
void hc_areas_make_claims_disjoint(hc_areas *areas)
{
	g_autoptr(GArray) claims = g_steal_pointer(&areas->claims);
	hc_area_claim open[HC_AREA_KIND_COUNT] = { 0 };
	hc_address at = 0;
	unsigned next = 0;

	make_kinds_disjoint(claims);
	areas->claims = g_array_new(FALSE, FALSE, sizeof(hc_area_claim));
	for (;;) {
		const hc_area_claim *first = NULL;

		for (; next < claims->len && g_array_index(claims, hc_area_claim, next).start <= at; next++)
			open[g_array_index(claims, hc_area_claim, next).kind] =
				g_array_index(claims, hc_area_claim, next);
		for (unsigned kind = 0; kind < HC_AREA_KIND_COUNT && !first; kind++)
			first = open[kind].end > at ? &open[kind] : NULL;
		hc_address border = next < claims->len ? g_array_index(claims, hc_area_claim, next).start : UINT64_MAX;

		if (!first && next == claims->len)
			break;
		if (first) {
			border = MIN(border, first->end);
			append_part(areas->claims, first, at, border);
		}
		at = border;
	}
}
