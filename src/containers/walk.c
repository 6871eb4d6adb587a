/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One container at one address, through a layout as it is: what holds for every kind is checked
 * first, then it is walked as its kind says.
 */
#include "containers/walker.h"

#include "modules/modules.h"

#include <stddef.h>
#include <string.h>

static bool check_object(hc_walker *walker)
{
	const hc_description *description = walker->layout->description;

	for (unsigned i = 0; i < description->check_count; i++) {
		uint64_t holds;

		if (!hc_walker_key(walker, description->checks[i], &holds))
			return hc_walker_refuse(walker, "its memory cannot be read");
		if (!holds)
			return hc_walker_refuse(walker, description->keys[description->checks[i]].reason);
	}
	return true;
}

/* Blocks that it owns beside its elements' memory. */
static bool own_other_memory(hc_walker *walker)
{
	const hc_description *description = walker->layout->description;

	for (unsigned i = 0; i < description->memory_count; i++) {
		const hc_description_key *key = &description->keys[description->memories[i]];
		uint64_t address, size;
		hc_range_kind place;

		if (!hc_walker_key(walker, description->memories[i], &address))
			return hc_walker_refuse(walker, "its memory cannot be read");
		if (!address || hc_walker_is_within(walker, address, 1))
			continue;
		if (key->size_key == HC_NO_KEY)
			size = MAX(hc_reader_rest(walker->reader, address), 1);
		else if (!hc_walker_key(walker, key->size_key, &size))
			return hc_walker_refuse(walker, "its memory cannot be read");
		if (!size)
			continue;
		place = hc_reader_check(walker->reader, address, size);
		if (!hc_place_is_usable(place))
			return hc_walker_refuse(walker, hc_place_reason(place));
		hc_walker_own(walker, address, size, key->role);
	}
	return true;
}

static bool read_counts(hc_walker *walker)
{
	const hc_program *count = hc_layout_program(walker->layout, HC_KEY_COUNT);
	uint64_t shared;

	if (!hc_walker_need(walker, HC_KEY_COUNT, UINT64_MAX, &walker->walk->claimed) ||
		!hc_walker_need(walker, HC_KEY_CAPACITY, UINT64_MAX, &walker->walk->capacity) ||
		!hc_walker_need(walker, HC_KEY_SHARED, 0, &shared))
		return false;
	walker->walk->is_shared = shared != 0;
	if (count && walker->walk->claimed >> HC_SIZE_MAX_BITS)
		return hc_walker_refuse(walker, "it claims more elements than there can be");
	return true;
}

/* Its bytes are at hand, or BUFFER holds them: it is in registers. */
static bool find_object(hc_walker *walker, uint8_t *buffer)
{
	hc_reader *reader = walker->reader;
	uint64_t size = walker->layout->object_size;

	walker->object_size = size;
	if (!size)
		return true;
	walker->object = hc_reader_at(reader, walker->address, size);
	if (walker->object && walker->address & walker->layout->object_mask)
		return hc_walker_refuse(walker, "its address is not aligned");
	if (walker->object == reader->scratch)
		walker->object = NULL;
	else if (!walker->object && size <= HC_OBJECT_MAX && reader->variables &&
		 hc_variables_read(reader->variables, walker->address, buffer, size))
		walker->object = buffer;
	else if (!walker->object && hc_reader_check(reader, walker->address, size) == HC_RANGE_UNREADABLE)
		return hc_walker_refuse(walker, "it cannot be read itself");
	return true;
}

/* From the pointer that was told to the container that it leads to. FALSE: there is none. */
static bool follow_pointer(hc_walker *walker)
{
	hc_reader *reader = walker->reader;
	uint8_t bytes[8];
	hc_range_kind place;

	if (!hc_reader_word(reader, walker->address, &walker->address)) {
		if (!reader->variables ||
			!hc_variables_read(reader->variables, walker->address, bytes, reader->format.size))
			return hc_walker_refuse(walker, "it cannot be read itself");
		walker->address = hc_load_word(bytes, reader->format);
	}
	if (!walker->address) {
		walker->walk->claimed = 0;
		return false;
	}
	place = hc_reader_check(reader, walker->address, MAX(walker->layout->object_size, 1));
	if (!hc_place_is_usable(place))
		return hc_walker_refuse(walker, hc_place_reason(place));
	hc_walker_own(walker, walker->address, MAX(walker->layout->object_size, 1), HC_MEMORY_INDEX);
	return true;
}

bool hc_walker_begin(hc_walker *walker, uint8_t *buffer)
{
	if (walker->layout->through_pointer && !follow_pointer(walker))
		return false;
	if (!find_object(walker, buffer) || !check_object(walker) || !read_counts(walker) || !own_other_memory(walker))
		return false;
	walker->is_proved = walker->layout->description->check_count > 0;
	return true;
}

void hc_walker_walk(hc_walker *walker)
{
	static void (*const walks[])(hc_walker *) = {
		[HC_WALK_CONTIGUOUS] = hc_walk_contiguous,
		[HC_WALK_SEGMENTED] = hc_walk_segmented,
		[HC_WALK_LINKED] = hc_walk_linked,
		[HC_WALK_TREE] = hc_walk_tree,
		[HC_WALK_BUCKETS] = hc_walk_buckets,
		[HC_WALK_SLOTS] = hc_walk_slots,
		[HC_WALK_SINGLE] = hc_walk_single,
		[HC_WALK_VARIANT] = hc_walk_variant,
		[HC_WALK_ERASED] = hc_walk_erased,
	};

	walks[walker->layout->description->kind](walker);
}

void hc_walker_finish(hc_walker *walker)
{
	uint64_t at_most;

	if (walker->walk->grade == HC_GRADE_EXACT && walker->walk->claimed != UINT64_MAX &&
		walker->walk->walked != walker->walk->claimed && !walker->limit)
		hc_walker_break(walker, "there are fewer elements than it claims");
	if (walker->walk->grade == HC_GRADE_EXACT && hc_walker_get(walker, HC_KEY_AT_MOST, 0, &at_most) && at_most)
		hc_walker_end(walker, HC_GRADE_BOUND, "it keeps no count: at most so many fit into its block");
	walker->walk->is_proved = !walker->walk->walked || walker->is_proved ||
				  (walker->blocks_seen && !walker->is_disproved);
}

void hc_walker_init(hc_walker *walker, const hc_layout *layout, hc_address address, hc_reader *reader,
	const hc_walk_visitor *visitor, uint64_t limit, uint64_t budget, hc_walk *ret_walk)
{
	memset(walker, 0, offsetof(hc_walker, values));
	walker->layout = layout;
	walker->set = layout->set;
	walker->reader = reader;
	walker->visitor = visitor;
	walker->visits = visitor && (visitor->element || visitor->mapped);
	walker->address = address;
	walker->limit = limit;
	walker->by_pointer = layout->by_pointer;
	walker->mapped_by_pointer = layout->mapped_by_pointer;
	walker->budget = budget;
	walker->walk = ret_walk;
	memset(ret_walk, 0, sizeof *ret_walk);
	ret_walk->claimed = ret_walk->capacity = UINT64_MAX;
	ret_walk->element_size = layout->element_size;
	ret_walk->element = layout->element;
}

void hc_walk_one(
	const hc_layout *layout, hc_address address, const hc_walk_visitor *visitor, uint64_t limit, hc_walk *ret_walk)
{
	hc_container_set *set = layout->set;
	uint8_t buffer[HC_OBJECT_MAX];
	hc_walker walker;

	hc_walker_init(&walker, layout, address, &set->reader, visitor, limit, set->budget, ret_walk);
	if (hc_walker_begin(&walker, buffer)) {
		hc_walker_walk(&walker);
		hc_walker_finish(&walker);
	}
	set->budget = walker.budget;
}

void hc_walk_grade(hc_walk *walk)
{
	if (walk->grade == HC_GRADE_EXACT && walk->walked && !walk->is_proved) {
		walk->grade = HC_GRADE_DEDUCED;
		walk->reason = "it keeps nothing that could be checked";
	}
}
