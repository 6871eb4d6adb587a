/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose the blocks of a container become, piece by piece.
 *
 * Millions of nodes are claimed: who has their blocks is fetched some pieces ahead. While a container is walked they wait in a ring
 * for that; of a walk that was kept the numbers of the blocks stand in a row, and most of them are nobody's yet, and each is a
 * block of its own: that takes few instructions and no more memory than the owner's place.
 */
#include "propagation/container_pieces.h"

#include "base/bits.h"
#include "propagation/passes.h"

enum {
	AHEAD = 24,	  /* pieces between fetching who has one, and claiming it */
	CUT_OFF_ROOM = 64 /* bytes behind a node and another one, that malloc never leaves */
};

/* The owner of CONTAINER's bucket arrays, maps of segments and control blocks: they are its own, but no elements. */
static const hc_owner *index_owner(hc_propagation *propagation, hc_owner *container)
{
	if (!container->index && !propagation->owners->full) {
		container->index = hc_owners_add(
			propagation->owners, container, HC_STEP_CLASS, container->type, NULL, container->certainty);
		container->index->is_own = container->index->is_index = true;
	}
	return container->index ? container->index : container;
}

/*
 * Whether PIECE is no part of the object of FIRST, which has the block by a pointer to its beginning, nor of others beside it.
 */
static bool is_apart(const hc_propagation *propagation, const hc_owner *first, const hc_piece *piece)
{
	uint64_t size = first && first->type ? hc_type_size(first->type) : 0;

	if (!size || first->layout || first->piece_size || piece->offset < size)
		return false;
	for (uint64_t back = 0; back < size; back += propagation->blocks->alignment) {
		uint64_t granule = piece->spot.granule - back / propagation->blocks->alignment;

		if (propagation->looked_at[granule / 64] >> granule % 64 & 1)
			return false;
	}
	return true;
}

/*
 * Whether PIECE was cut off a block, though it is the only one that is known: in its middle, or a node that has far more room than it
 * was made for. Not where nodes are the elements (they may be of any length), or are in what nobody knows.
 */
static bool is_cut_off(const hc_pieces *pieces, const hc_piece *piece)
{
	const hc_blocks *blocks = pieces->propagation->blocks;

	if (hc_layout_deduces(pieces->container->layout) || piece->size <= pieces->walk->element_size)
		return false;
	if (piece->offset)
		return true;
	/* Where nodes are blocks, to look at one of them is enough. */
	return (pieces->pieces_bytes || pieces->waiting_out == 1) && pieces->node &&
	       hc_blocks_usable_size(blocks, piece->spot.region, piece->spot.address) >= 2 * piece->size + CUT_OFF_ROOM;
}

/* What a node that is a piece of a block has in it, of no known type, is followed for its container; the block is nobody's to be searched. */
static void follow_piece(hc_propagation *propagation, const hc_owner *owner, const hc_piece *piece)
{
	hc_edge edge = { .value = piece->spot.address + piece->offset, .owner = owner->number, .part = HC_EDGE_PIECE };

	if (hc_propagation_is_opaque(owner) && hc_propagation_is_pool(propagation, &piece->spot))
		hc_propagation_defer_edge(propagation, &edge, HC_CERTAINTY_GUESS);
}

/*
 * An allocator of the program's own (GSlice) cuts blocks into pieces; then no container has the block for itself, and of its bytes only
 * those of its pieces. (An object may be in two lists: both find it at the block's beginning.)
 */
static void note_piece(hc_pieces *pieces, const hc_piece *piece)
{
	hc_types *types = pieces->propagation->types;
	uint32_t number = piece->spot.number, current = types->owner_of[number];
	hc_owner *first = current && current != HC_OWNER_CLOSED ? hc_types_owner(types, current) : NULL,
		 *owner = hc_types_owner(types, piece->owner);
	uint64_t bit = (uint64_t)1 << number % 64, *several = &types->several[number / 64],
		 *interior = &types->interior[number / 64],
		 *bytes = owner->is_index ? &pieces->index_bytes : &pieces->pieces_bytes;
	bool is_interior = piece->offset != 0;

	if (!(*several & bit) && first && first->piece_size && (is_interior || *interior & bit)) {
		*several |= bit;
		*(first == owner ? bytes : &first->pieces_bytes) += first->piece_size;
	}
	if ((!first && is_cut_off(pieces, piece)) ||
		(is_interior && hc_propagation_is_pool(pieces->propagation, &piece->spot)))
		*several |= bit;
	if (*several & bit || is_apart(pieces->propagation, first, piece)) {
		*bytes += piece->size;
		follow_piece(pieces->propagation, owner, piece);
	}
	if (is_interior)
		*interior |= bit;
	owner->piece_size = piece->size;
}

static void claim(hc_pieces *pieces, const hc_piece *piece)
{
	hc_propagation *propagation = pieces->propagation;

	note_piece(pieces, piece);
	hc_claim claim = { piece->spot.number, propagation->types->owner_of[piece->spot.number] };

	if (claim.owner != HC_OWNER_CLOSED &&
		hc_propagation_claim(propagation, claim.block, hc_types_owner(propagation->types, piece->owner)))
		g_array_append_val(propagation->claims, claim);
}

static void claim_next(hc_pieces *pieces)
{
	const hc_piece *piece = &pieces->waiting[pieces->waiting_out++ % HC_PIECES_WAITING];

	claim(pieces, piece);
}

/* Whose a piece of ROLE becomes. */
static const hc_owner *owner_of_role(hc_pieces *pieces, hc_memory_role role)
{
	if (role == HC_MEMORY_INDEX)
		return index_owner(pieces->propagation, pieces->container);
	return role == HC_MEMORY_NODE && pieces->nodes ? pieces->nodes : pieces->container;
}

void hc_pieces_claim(hc_pieces *pieces, hc_address address, uint64_t size, hc_memory_role role)
{
	hc_propagation *propagation = pieces->propagation;
	hc_piece *piece = &pieces->waiting[pieces->waiting_in % HC_PIECES_WAITING];

	if (pieces->by_pointer && role != HC_MEMORY_INDEX)
		return;
	if (!hc_propagation_locate(propagation, address, &piece->spot)) {
		if (hc_parcels_may_contain(propagation->types->parcels, address))
			hc_propagation_claim_outside(propagation, pieces->container, address, size);
		return;
	}
	if (role == HC_MEMORY_NODE && !pieces->node)
		pieces->node = address;
	__builtin_prefetch(&propagation->types->owner_of[piece->spot.number], 1);
	piece->offset = address - piece->spot.address;
	piece->size = size;
	piece->owner = owner_of_role(pieces, role)->number;
	pieces->waiting_in++;
	if (pieces->waiting_in - pieces->waiting_out == HC_PIECES_WAITING)
		claim_next(pieces);
}

void hc_pieces_claim_rest(hc_pieces *pieces)
{
	while (pieces->waiting_out != pieces->waiting_in)
		claim_next(pieces);
}

/* ---- as a walk was kept ---- */

/* Where piece number I of RECORD is. */
static void find_spot(const hc_propagation *propagation, const hc_walk_record *record, uint64_t i, hc_piece *piece)
{
	const hc_blocks *blocks = propagation->blocks;
	uint64_t start;

	piece->spot.number = record->numbers[i];
	start = hc_blocks_start_of_number(blocks, piece->spot.number);
	piece->spot.region = hc_blocks_region_of_start(blocks, start);
	piece->spot.address = hc_blocks_address(blocks, piece->spot.region, start);
	piece->offset = i < record->offset_count ? record->offsets[i] : 0;
	piece->spot.granule = hc_blocks_granule(blocks, piece->spot.region, piece->spot.address + piece->offset);
}

/* The same of the first of RUN. */
static bool find_first(const hc_propagation *propagation, const hc_piece_run *run, hc_piece *piece)
{
	if (!hc_propagation_locate(propagation, run->address, &piece->spot))
		return false;
	piece->offset = run->address - piece->spot.address;
	return true;
}

static void prefetch(const hc_types *types, uint32_t number)
{
	__builtin_prefetch(&types->owner_of[number], 1);
	__builtin_prefetch(&types->several[number / 64]);
}

/* The pieces of RUN, which are RECORD's from FIRST on. */
static void claim_run(
	hc_pieces *pieces, const hc_walk_record *record, const hc_piece_run *run, uint64_t first, hc_owner *owner)
{
	hc_types *types = pieces->propagation->types;
	hc_piece piece = { .size = run->size, .owner = owner->number };
	/* As in is_cut_off(). */
	bool is_plain = run->size <= pieces->walk->element_size || !pieces->node ||
			hc_layout_deduces(pieces->container->layout);

	for (uint64_t i = first; i < first + run->count; i++) {
		uint32_t number = record->numbers[i];

		if (i + AHEAD < record->number_count)
			prefetch(types, record->numbers[i + AHEAD]);
		/* What note_piece() and claim() come to for a block that is nobody's, and that a piece begins with. */
		if (!types->owner_of[number] && !hc_bit(types->several, number) && i >= record->offset_count &&
			!hc_propagation_is_doubtful(pieces->propagation, number) &&
			(is_plain || (i && !pieces->pieces_bytes))) {
			types->owner_of[number] = owner->number;
			owner->piece_size = run->size;
			continue;
		}
		if (i != first || !find_first(pieces->propagation, run, &piece))
			find_spot(pieces->propagation, record, i, &piece);
		pieces->waiting_out = (unsigned)MIN(i, 1) + 1;
		claim(pieces, &piece);
	}
}

/* The claims that claim_run() would make without a note of them: all blocks of RECORD, with who has them. */
static void note_owners(hc_propagation *propagation, const hc_walk_record *record)
{
	for (uint64_t i = 0; i < record->number_count; i++) {
		hc_claim claim = { record->numbers[i], propagation->types->owner_of[record->numbers[i]] };

		g_array_append_val(propagation->claims, claim);
	}
}

void hc_pieces_claim_record(hc_pieces *pieces, const hc_walk_record *record, bool keep)
{
	hc_propagation *propagation = pieces->propagation;
	unsigned claims = propagation->claims->len;
	uint64_t first = 0;

	if (keep)
		note_owners(propagation, record);
	unsigned kept = propagation->claims->len;

	for (uint64_t i = 0; !pieces->by_pointer && !pieces->node && i < record->run_count; i++)
		if (record->runs[i].role == HC_MEMORY_NODE)
			pieces->node = record->runs[i].address;
	for (uint64_t i = 0; i < record->run_count; i++) {
		const hc_piece_run *run = &record->runs[i];

		if (!pieces->by_pointer || run->role == HC_MEMORY_INDEX)
			claim_run(pieces, record, run, first, (hc_owner *)owner_of_role(pieces, run->role));
		first += run->count;
	}
	g_array_set_size(propagation->claims, keep ? kept : claims);
}

/* ---- of many containers ---- */

bool hc_pieces_is_whole(const hc_propagation *propagation, hc_address address, uint64_t size)
{
	const hc_blocks *blocks = propagation->blocks;
	const hc_block_region *region = hc_blocks_region(blocks, address);
	uint64_t start = region ? hc_blocks_start_of(blocks, hc_blocks_granule(blocks, region, address), address) :
				  UINT64_MAX;

	return start != UINT64_MAX && hc_blocks_address(blocks, region, start) == address &&
	       hc_blocks_size_in_index(blocks, region, start) < 2 * size + CUT_OFF_ROOM;
}

/* One that is not as they usually are: its block has an owner, or others have pieces of it. POOLED: bytes so far of its container. */
static void claim_leaf(hc_propagation *propagation, hc_owner *container, const hc_leaf_piece *leaf, uint64_t *pooled)
{
	/* is_cut_off() finds in WALK and `node` what `is_plain` comes to. */
	hc_walk walk = { .element_size = leaf->is_plain ? UINT64_MAX : 0 };
	hc_pieces pieces = { .propagation = propagation,
		.container = container,
		.node = 1,
		.waiting_out = leaf->is_first ? 1 : 2,
		.walk = &walk,
		.pieces_bytes = *pooled };
	hc_walk_record record = { .numbers = (uint32_t *)&leaf->number, .number_count = 1 };
	hc_piece piece = { .size = leaf->size,
		.owner = owner_of_role(&pieces, leaf->is_index ? HC_MEMORY_INDEX : HC_MEMORY_BUFFER)->number };

	find_spot(propagation, &record, 0, &piece);
	claim(&pieces, &piece);
	container->pieces_bytes += pieces.pieces_bytes - *pooled;
	if (container->index)
		container->index->pieces_bytes += pieces.index_bytes;
	*pooled = pieces.pieces_bytes;
}

void hc_pieces_claim_leaves(
	hc_propagation *propagation, hc_owner *const *containers, const hc_leaf_piece *pieces, uint64_t count)
{
	hc_types *types = propagation->types;
	unsigned claims = propagation->claims->len;
	uint64_t pooled = 0;

	for (uint64_t i = 0; i < count; i++) {
		const hc_leaf_piece *piece = &pieces[i];
		hc_owner *container = containers[piece->part];

		if (i + AHEAD < count)
			prefetch(types, pieces[i + AHEAD].number);
		pooled = piece->is_first ? 0 : pooled;
		if (!types->owner_of[piece->number] && !hc_bit(types->several, piece->number) &&
			(piece->is_plain || (!piece->is_first && !pooled))) {
			hc_owner *owner = piece->is_index ? (hc_owner *)index_owner(propagation, container) : container;

			types->owner_of[piece->number] = owner->number;
			owner->piece_size = piece->size;
			continue;
		}
		claim_leaf(propagation, container, piece, &pooled);
	}
	g_array_set_size(propagation->claims, claims);
}

/* Whose LEAF becomes, of CONTAINER: NULL: an index, of which there was none yet. */
static hc_owner *owner_of_leaf(hc_owner *container, const hc_leaf_piece *leaf)
{
	return leaf->is_index ? container->index : container;
}

bool hc_pieces_claim_new_leaves(
	hc_propagation *propagation, hc_owner *const *containers, const hc_leaf_piece *pieces, uint64_t count)
{
	hc_types *types = propagation->types;
	uint64_t claimed;

	for (claimed = 0; claimed < count; claimed++) {
		const hc_leaf_piece *piece = &pieces[claimed];
		const hc_owner *owner = owner_of_leaf(containers[piece->part], piece);

		if (claimed + AHEAD < count)
			prefetch(types, pieces[claimed + AHEAD].number);
		/* As no piece is one of several in its block, those behind the first of a container are plain. */
		if (!owner || types->owner_of[piece->number] || hc_bit(types->several, piece->number) ||
			(piece->is_first && !piece->is_plain))
			break;
		types->owner_of[piece->number] = owner->number;
	}
	if (claimed < count) {
		while (claimed-- > 0)
			types->owner_of[pieces[claimed].number] = 0;
		return false;
	}
	for (uint64_t i = 0; i < count; i++)
		owner_of_leaf(containers[pieces[i].part], &pieces[i])->piece_size = pieces[i].size;
	return true;
}

void hc_propagation_take_back(hc_propagation *propagation, unsigned first)
{
	for (unsigned i = propagation->claims->len; i-- > first;) {
		const hc_claim *claim = &g_array_index(propagation->claims, hc_claim, i);

		propagation->types->owner_of[claim->block] = claim->owner;
	}
}
