/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What blocks each owner has, and whether they are as large as what is said to be in them.
 *
 * A list's node in a block that has room for several may be the first of a pool's page. And a declared struct may be the head of a larger
 * one, which only its user knows of. A few bytes too many prove nothing for one block: malloc gives away what is too small to be a chunk.
 * But that is rare. So if most blocks of an owner have that room, they are something larger, and none of them is certain.
 *
 * All workers count, each in a range of blocks: two passes in the order of the index. The first one finds the
 * owners that have any block; only their types are asked how large they are, which may read debug info.
 */
#include "propagation/passes.h"

#include "base/bytes.h"
#include "base/parallel.h"

enum {
	MAPPED_MIN = 64 << 10, /* bytes from which on malloc may map a block on its own */
	WORKERS_MAX = 64,      /* hc_parallel_workers() */
};

bool hc_propagation_fits(const hc_propagation *propagation, uint64_t usable, uint64_t size)
{
	uint64_t alignment = propagation->blocks->alignment,
		 least = hc_least_usable(size, propagation->format.size, alignment);

	/* What would be left over may be too small for a chunk; and what has mappings of its own ends with a page. */
	return usable >= size &&
	       (usable <= least + alignment ||
		       (size >= MAPPED_MIN && usable - size < propagation->page_size + 2 * alignment));
}

/* ---- once all is typed ---- */

/* Of the blocks of one owner, in the range of one worker. */
struct tally {
	hc_amount own;
	uint64_t shared_bytes, untouched; /* as in hc_owner */
	uint32_t first_block;		  /* UINT32_MAX: none */
	uint32_t exact, roomy;
	bool is_too_large; /* a block has room for more than one node */
};

/* What the blocks of an owner are for. */
struct expectation {
	uint64_t size;	/* bytes; 0: of any size */
	uint64_t least; /* usable bytes of a block for these */
	bool is_node;  /* nothing but one node */
	bool is_tight; /* a little room counts */
	bool is_container;
};

struct counting {
	hc_types *types;
	unsigned workers, owners;
	struct expectation *expectations; /* by owner */
	struct tally *tallies[WORKERS_MAX];
};

/* What a block of OWNER is for, in bytes; 0: of any size. *ret_is_node: nothing but one of these. */
static uint64_t expected_size(const hc_owner *owner, bool *ret_is_node)
{
	hc_type_kind kind;

	*ret_is_node = false;
	if (owner->certainty != HC_CERTAINTY_CERTAIN || owner->is_index)
		return 0;
	if (owner->layout) {
		hc_walk_kind walk = hc_layout_kind(owner->layout);

		*ret_is_node = walk == HC_WALK_LINKED || walk == HC_WALK_TREE || walk == HC_WALK_BUCKETS;
		return *ret_is_node && !hc_layout_deduces(owner->layout) ? owner->piece_size : 0;
	}
	if (!owner->type || (owner->plan && owner->plan->is_polymorphic))
		return 0;
	kind = hc_type_get_kind(owner->type);
	return kind == HC_TYPE_STRUCT || kind == HC_TYPE_UNION ? hc_type_size(owner->type) : 0;
}

static struct expectation expect(const hc_blocks *blocks, const hc_owner *owner)
{
	struct expectation expectation = { .is_container = hc_owner_is_container(owner) };

	expectation.size = expected_size(owner, &expectation.is_node);
	expectation.least = hc_least_usable(expectation.size, blocks->word, blocks->alignment);
	/* Others may have a little behind their value. */
	expectation.is_tight = !expectation.is_node || owner->is_intrusive;
	return expectation;
}

/* Notes whether a block of SIZE bytes is as large as it should be. */
static inline void weigh(
	const hc_blocks *blocks, const struct expectation *expectation, uint64_t size, struct tally *tally)
{
	if (!expectation->size || expectation->size > size)
		return;
	if (size <= expectation->least)
		tally->exact++;
	else if (size <= expectation->least + blocks->alignment)
		tally->roomy += expectation->is_tight;
	else if (expectation->is_node)
		tally->is_too_large = true;
}

/* Bytes in whole pages, of PAGE bytes, of zeros, in SIZE bytes at ADDRESS. */
static uint64_t count_untouched(const hc_core *core, hc_address address, uint64_t size, unsigned page)
{
	hc_address at = hc_align_up(address, page), end = address + size;
	uint64_t bytes = 0;

	for (; at + page <= end; at += page) {
		uint64_t available;
		const uint8_t *memory = hc_core_bytes(core, at, &available);

		if (memory && available >= page && hc_bytes_are_zero(memory, page))
			bytes += page;
	}
	return bytes;
}

/* The blocks of a worker: numbers. */
static void range_of(const struct counting *counting, unsigned worker, uint32_t *ret_first, uint32_t *ret_end)
{
	uint64_t count = hc_blocks_count(counting->types->blocks);

	*ret_first = (uint32_t)(count * worker / counting->workers);
	*ret_end = (uint32_t)(count * (worker + 1) / counting->workers);
}

/* The owner of block NUMBER; 0: none. */
static inline uint32_t owner_of(const hc_types *types, uint32_t number)
{
	uint32_t owner = types->owner_of[number];

	return owner == HC_OWNER_CLOSED || types->blocks->states[number] != HC_BLOCK_IN_USE ? 0 : owner;
}

static void count_range(void *data, unsigned worker)
{
	struct counting *counting = data;
	uint32_t first, end;

	range_of(counting, worker, &first, &end);
	for (uint32_t number = first; number < end; number++) {
		uint32_t owner = owner_of(counting->types, number);

		struct tally *tally = &counting->tallies[worker][owner];

		if (owner && !tally->own.blocks++)
			tally->first_block = number;
	}
}

static void weigh_range(void *data, unsigned worker)
{
	struct counting *counting = data;
	const hc_types *types = counting->types;
	const hc_blocks *blocks = types->blocks;
	unsigned page = hc_core_process(types->core)->page_size;
	const hc_block_region *region = NULL;
	uint32_t first, end;

	range_of(counting, worker, &first, &end);
	if (first >= end)
		return;
	hc_start_cursor cursor = hc_start_cursor_at(blocks, hc_blocks_start_of_number(blocks, first));
	uint64_t start = hc_start_cursor_next(&cursor), next;

	for (uint32_t number = first; number < end; number++, start = next) {
		uint32_t owner = owner_of(types, number);
		struct tally *tally = &counting->tallies[worker][owner];

		next = hc_start_cursor_next(&cursor);
		if (!owner)
			continue;
		if (!region || start - region->first_granule >= region->granules)
			region = hc_blocks_region_of_start(blocks, start);
		uint64_t size = hc_blocks_size_up_to(blocks, region, start, next);

		tally->own.bytes += size;
		if (hc_bit(types->several, number))
			tally->shared_bytes += size;
		if (G_UNLIKELY(size >= 2 * page) && counting->expectations[owner].is_container)
			tally->untouched +=
				count_untouched(types->core, hc_blocks_address(blocks, region, start), size, page);
		weigh(blocks, &counting->expectations[owner], size, tally);
	}
}

/* Tells owner NUMBER what the workers counted. */
static void tell(struct counting *counting, unsigned number)
{
	hc_owner *owner = hc_types_owner(counting->types, number);
	uint64_t exact = 0, roomy = 0;

	for (unsigned worker = 0; worker < counting->workers; worker++) {
		const struct tally *tally = &counting->tallies[worker][number];

		hc_amount_add(&owner->own, tally->own);
		owner->shared_bytes += tally->shared_bytes;
		owner->untouched += tally->untouched;
		owner->first_block = MIN(owner->first_block, tally->first_block);
		owner->is_doubtful |= tally->is_too_large;
		exact += tally->exact;
		roomy += tally->roomy;
	}
	owner->is_doubtful |= roomy > exact;
}

static void count_all(struct counting *counting)
{
	hc_parallel_run(counting->workers, count_range, counting);
	for (unsigned owner = 1; owner < counting->owners; owner++)
		for (unsigned worker = 0; worker < counting->workers; worker++)
			if (counting->tallies[worker][owner].own.blocks) {
				counting->expectations[owner] =
					expect(counting->types->blocks, hc_types_owner(counting->types, owner));
				break;
			}
	hc_parallel_run(counting->workers, weigh_range, counting);
	for (unsigned owner = 1; owner < counting->owners; owner++)
		tell(counting, owner);
}

bool hc_types_count_blocks(hc_types *types, unsigned jobs)
{
	struct counting counting = {
		.types = types,
		.workers = MIN(hc_parallel_workers(jobs), WORKERS_MAX),
		.owners = types->owners->list->len,
	};
	bool ok;

	counting.expectations = g_try_new0(struct expectation, counting.owners);
	ok = counting.expectations != NULL;
	for (unsigned worker = 0; worker < counting.workers; worker++) {
		counting.tallies[worker] = g_try_new0(struct tally, counting.owners);
		ok &= counting.tallies[worker] != NULL;
		for (unsigned i = 0; ok && i < counting.owners; i++)
			counting.tallies[worker][i].first_block = UINT32_MAX;
	}
	if (ok)
		count_all(&counting);
	for (unsigned worker = 0; worker < counting.workers; worker++)
		g_free(counting.tallies[worker]);
	g_free(counting.expectations);
	return ok;
}
