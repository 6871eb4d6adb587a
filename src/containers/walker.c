/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What all walks share: what they tell their visitor, how they end, and what they believe.
 *
 * What is believed is what fits the heap: a buffer lies in one block in use, with all of its
 * capacity; so does each node. Memory outside of the heap (static storage, stacks, a program's own
 * allocator) must be readable. A failed check of the object itself makes the walk implausible; what
 * does not fit further on, after some elements that did, leaves it truncated.
 */
#include "containers/walker.h"

enum {
	PAGE = 4096,
	ROUNDED_BY_MALLOC =
		40, /* bytes that a block may have more than was asked for: a header, and what is too small for a chunk */
	FEW_ELEMENTS = 2, /* that may fit by chance */
};

/* ---- what is told ---- */

void hc_walker_own(hc_walker *walker, hc_address address, uint64_t size, hc_memory_role role)
{
	if (walker->visitor && walker->visitor->memory)
		walker->visitor->memory(address, size, role, walker->visitor->data);
}

void hc_walker_visit(hc_walker *walker, hc_address element, hc_address mapped)
{
	const hc_walk_visitor *visitor = walker->visitor;
	uint64_t index = walker->walk->walked;

	if (visitor->element && walker->by_pointer && !hc_reader_word(walker->reader, element, &element))
		return;
	if (visitor->element && element)
		walker->visits = visitor->element(element, index, visitor->data);
	if (!mapped || !visitor->mapped)
		return;
	if (walker->mapped_by_pointer && !hc_reader_word(walker->reader, mapped, &mapped))
		return;
	if (mapped)
		walker->visits = visitor->mapped(mapped, index, visitor->data) && walker->visits;
}

/* ---- how it ends ---- */

bool hc_walker_end(hc_walker *walker, hc_grade grade, const char *reason)
{
	if (walker->walk->grade == HC_GRADE_EXACT) {
		walker->walk->grade = grade;
		walker->walk->reason = reason;
	}
	return false;
}

bool hc_walker_break(hc_walker *walker, const char *reason)
{
	return hc_walker_end(
		walker, walker->walk->walked < FEW_ELEMENTS ? HC_GRADE_IMPLAUSIBLE : HC_GRADE_TRUNCATED, reason);
}

bool hc_walker_refuse(hc_walker *walker, const char *reason)
{
	return hc_walker_end(walker, HC_GRADE_IMPLAUSIBLE, reason);
}

bool hc_walker_refuse_unread(hc_walker *walker)
{
	return hc_walker_refuse(walker, "its memory cannot be read");
}

const char *hc_place_reason(hc_range_kind place)
{
	switch (place) {
	case HC_RANGE_FREED:
		return "its memory has been freed";
	case HC_RANGE_SPLIT:
		return "its memory is not within one block";
	case HC_RANGE_UNREADABLE:
		return "its memory cannot be read";
	default:
		return NULL;
	}
}

/* ---- what is believed ---- */

bool hc_reader_is_checked_block(const hc_reader *reader, hc_address address, uint64_t size, bool *ret_is_block)
{
	const hc_block_region *region = reader->region;
	const hc_blocks *blocks = reader->blocks;
	uint64_t start = reader->checked, next, usable;

	if (start == UINT64_MAX || !region || region->region.is_mmapped ||
		hc_blocks_address(blocks, region, start) != address)
		return false;
	next = hc_blocks_next_start(blocks, start + 1);
	if (next - region->first_granule >= region->granules)
		return false;
	usable = ((next - start) << blocks->granule_shift) - blocks->word;
	*ret_is_block = usable >= size && usable - size <= ROUNDED_BY_MALLOC;
	return true;
}

/* A block that begins at ADDRESS, and that malloc would have made as large for SIZE bytes. */
static bool is_block_of(const hc_walker *walker, hc_address address, uint64_t size)
{
	hc_block block;
	bool is_block;

	if (size && hc_reader_is_checked_block(walker->reader, address, size, &is_block))
		return is_block;
	if (!size || !hc_blocks_find(walker->set->blocks, address, &block) || block.address != address ||
		block.state != HC_BLOCK_IN_USE || block.size < size)
		return false;
	/* What has a mapping of its own ends with a page. */
	return block.size - size <= (block.arena == HC_ARENA_NONE ? PAGE + ROUNDED_BY_MALLOC : ROUNDED_BY_MALLOC);
}

void hc_walker_prove_by_block(hc_walker *walker, hc_address address, uint64_t size)
{
	if (!walker->is_proved && !walker->is_disproved) {
		walker->is_disproved = !is_block_of(walker, address, size);
		walker->blocks_seen += !walker->is_disproved;
	}
}

bool hc_walker_owns(hc_walker *walker)
{
	uint64_t owned;

	return hc_walker_get(walker, HC_KEY_OWNED, 1, &owned) && owned;
}
