/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walks that are kept: made now, perhaps by another thread, and made use of later.
 *
 * What a walk meets depends on memory and on the layout, and on nothing that its visitor does with it. So who has to give many containers'
 * blocks away in a fixed order can have them walked in any order, many at once, by all workers, and go through what they met in the order
 * that he wants: the result is the same to the bit. This holds for layouts that ask nobody but memory (hc_layout_is_pure()): no
 * symbols and no types are looked up, no link is chosen, and the container is in memory, not in a register.
 *
 * What the container owns is kept as the number of the block that holds it: four bytes for each node, since almost all begin with their
 * block. Runs of pieces of one role and size share what else is to be told of them.
 */
#include "containers/walker.h"

#include <string.h>

enum {
	ROOM_FIRST = 16,
	ROOM_KEPT = 1 << 13, /* entries that a record keeps for the next walk */
	RUNS_FIRST = 2
};

/* ---- room ---- */

void hc_walk_record_init(hc_walk_record *record, hc_record_room *room)
{
	*record = (hc_walk_record){ .room = room };
}

static void give_back(hc_walk_record *record, uint64_t bytes)
{
	if (record->room)
		__atomic_sub_fetch(&record->room->held, bytes, __ATOMIC_RELAXED);
	record->held -= bytes;
}

void hc_walk_record_clear(hc_walk_record *record)
{
	give_back(record, record->held);
	g_free(record->runs);
	g_free(record->numbers);
	g_free(record->offsets);
	g_free(record->lists[0].addresses);
	g_free(record->lists[1].addresses);
	hc_walk_record_init(record, record->room);
}

static bool is_large(const hc_walk_record *record)
{
	return record->number_room > ROOM_KEPT || record->lists[0].room > ROOM_KEPT ||
	       record->lists[1].room > ROOM_KEPT;
}

void hc_walk_record_reset(hc_walk_record *record)
{
	if (is_large(record))
		hc_walk_record_clear(record);
	record->run_count = 0;
	record->number_count = record->offset_count = 0;
	record->lists[0].count = record->lists[1].count = 0;
	record->first_element = 0;
	record->failed = false;
}

/* BYTES more for RECORD, if its room has them. */
static bool hold(hc_walk_record *record, uint64_t bytes)
{
	record->held += bytes;
	if (!record->room || __atomic_add_fetch(&record->room->held, bytes, __ATOMIC_RELAXED) <= record->room->most)
		return true;
	give_back(record, bytes);
	return false;
}

/* TABLE, of *ROOM entries of SIZE bytes, with twice as many. NULL: there is no room; TABLE stays. */
static void *enlarge(hc_walk_record *record, void *table, uint64_t *room, uint64_t first, size_t size)
{
	uint64_t more = *room ? *room : first;
	void *made;

	if (!hold(record, more * size))
		return NULL;
	made = g_try_realloc_n(table, *room + more, size);
	if (made)
		*room += more;
	else
		give_back(record, more * size);
	return made;
}

/* ---- what a walk meets ---- */

struct recording {
	hc_walker *walker;
	hc_walk_record *record;
	hc_record_wants wants;
};

/* The walk is of no use any more. */
static void give_up(struct recording *recording)
{
	recording->record->failed = true;
	recording->walker->visits = false;
	recording->walker->limit = 1;
}

/* Pieces that do not begin with their block have an offset each, and then all that come before have one, too. */
static bool note_offset(hc_walk_record *record, uint64_t offset)
{
	if (G_LIKELY(!offset && !record->offset_count))
		return true;
	while (record->offset_room < record->number_count) {
		uint64_t *offsets =
			enlarge(record, record->offsets, &record->offset_room, ROOM_FIRST, sizeof *record->offsets);

		if (!offsets)
			return false;
		record->offsets = offsets;
	}
	memset(record->offsets + record->offset_count, 0,
		(record->number_count - record->offset_count) * sizeof *record->offsets);
	record->offsets[record->number_count - 1] = offset;
	record->offset_count = record->number_count;
	return true;
}

static bool begin_number(hc_walk_record *record)
{
	if (record->number_count == record->number_room) {
		uint32_t *numbers =
			enlarge(record, record->numbers, &record->number_room, ROOM_FIRST, sizeof *record->numbers);

		if (!numbers)
			return false;
		record->numbers = numbers;
	}
	return true;
}

static bool begin_run(hc_walk_record *record, hc_address address, uint64_t size, hc_memory_role role)
{
	if (record->run_count == record->run_room) {
		hc_piece_run *runs = enlarge(record, record->runs, &record->run_room, RUNS_FIRST, sizeof *record->runs);

		if (!runs)
			return false;
		record->runs = runs;
	}
	record->runs[record->run_count++] = (hc_piece_run){ .address = address, .size = size, .role = role };
	return true;
}

static void record_memory(hc_address address, uint64_t size, hc_memory_role role, void *data)
{
	struct recording *recording = data;
	hc_walk_record *record = recording->record;
	const hc_reader *reader = recording->walker->reader;
	hc_piece_run *run = record->run_count ? &record->runs[record->run_count - 1] : NULL;
	uint64_t start = reader->checked;

	/* It is in no block. */
	if (start == UINT64_MAX || record->failed)
		return;
	if (!begin_number(record))
		return give_up(recording);
	if (!run || run->size != size || run->role != role) {
		if (!begin_run(record, address, size, role))
			return give_up(recording);
		run = &record->runs[record->run_count - 1];
	}
	run->count++;
	record->numbers[record->number_count++] = hc_blocks_number(reader->blocks, start);
	if (!note_offset(record, address - hc_blocks_address(reader->blocks, reader->region, start)))
		give_up(recording);
}

static bool record_address(struct recording *recording, hc_address address, hc_address_list *list)
{
	hc_walk_record *record = recording->record;

	if (record->failed)
		return false;
	if (list->count == list->room) {
		hc_address *addresses =
			enlarge(record, list->addresses, &list->room, ROOM_FIRST, sizeof *list->addresses);

		if (!addresses) {
			give_up(recording);
			return false;
		}
		list->addresses = addresses;
	}
	list->addresses[list->count++] = address;
	return true;
}

static bool record_element(hc_address address, uint64_t index, void *data)
{
	struct recording *recording = data;

	if (!index)
		recording->record->first_element = address;
	if (recording->wants.element && !record_address(recording, address, &recording->record->lists[0]))
		return false;
	return recording->wants.element || recording->wants.mapped;
}

static bool record_mapped(hc_address address, uint64_t index, void *data)
{
	struct recording *recording = data;

	(void)index;
	return record_address(recording, address, &recording->record->lists[1]);
}

/* ---- walks ---- */

struct kept_walk {
	hc_walker walker;
	hc_walk_visitor visitor;
	struct recording recording;
	bool has_begun;
};

bool hc_layout_is_pure(const hc_layout *layout)
{
	return layout->is_pure && !layout->next_link && !hc_layout_deduces(layout);
}

/* Whether what tells of the container at ADDRESS is in memory, in one piece. */
static bool is_in_memory(hc_reader *reader, const hc_layout *layout, hc_address address)
{
	uint64_t size = layout->through_pointer ? reader->format.size : layout->object_size;

	return !size || hc_reader_at(reader, address, size);
}

uint64_t hc_layout_count(const hc_layout *layout, hc_address address, hc_reader *reader)
{
	uint8_t buffer[HC_OBJECT_MAX];
	hc_walker walker;
	hc_walk walk;

	if (!is_in_memory(reader, layout, address))
		return 0;
	hc_walker_init(&walker, layout, address, reader, NULL, 0, UINT64_MAX, &walk);
	return hc_walker_begin(&walker, buffer) && walk.claimed != UINT64_MAX ? walk.claimed : 0;
}

static void begin(struct kept_walk *walk, hc_walk_record *record, hc_reader *reader, uint64_t budget)
{
	uint8_t buffer[HC_OBJECT_MAX]; /* not used: the container is in memory */

	walk->recording = (struct recording){ &walk->walker, record, record->wants };
	walk->visitor = (hc_walk_visitor){ .element = record_element,
		.mapped = record->wants.mapped ? record_mapped : NULL,
		.memory = record_memory,
		.data = &walk->recording };
	walk->has_begun = false;
	record->charged = 0;
	if (!is_in_memory(reader, record->layout, record->address)) {
		record->failed = true;
		return;
	}
	hc_walker_init(
		&walk->walker, record->layout, record->address, reader, &walk->visitor, 0, budget, &record->walk);
	walk->has_begun = hc_walker_begin(&walk->walker, buffer);
	if (!walk->has_begun)
		hc_walk_grade(&record->walk);
}

static void finish(struct kept_walk *walk, hc_walk_record *record, uint64_t budget)
{
	if (!walk->has_begun)
		return;
	hc_walker_finish(&walk->walker);
	hc_walk_grade(&record->walk);
	record->charged = budget - walk->walker.budget;
}

void hc_walk_record_make(hc_walk_record *record, hc_reader *reader, uint64_t budget)
{
	struct kept_walk walk;

	begin(&walk, record, reader, budget);
	if (walk.has_begun)
		hc_walker_walk(&walk.walker);
	finish(&walk, record, budget);
}

/* Lists that make their steps in turn. */
static void make_chains(hc_walk_record *const *records, unsigned count, hc_reader *reader, uint64_t budget)
{
	struct kept_walk walks[HC_CHAINS_AT_ONCE];
	hc_walker *walkers[HC_CHAINS_AT_ONCE] = { NULL };
	unsigned begun = 0;

	for (unsigned i = 0; i < count; i++) {
		begin(&walks[i], records[i], reader, budget);
		if (walks[i].has_begun)
			walkers[begun++] = &walks[i].walker;
	}
	hc_walk_chains(walkers, begun);
	for (unsigned i = 0; i < count; i++)
		finish(&walks[i], records[i], budget);
}

void hc_walk_record_make_all(hc_walk_record *records, unsigned count, hc_reader *reader, uint64_t budget)
{
	hc_walk_record *lists[HC_CHAINS_AT_ONCE];
	unsigned list_count = 0;

	for (unsigned i = 0; i < count; i++) {
		if (records[i].layout->description->kind != HC_WALK_LINKED) {
			hc_walk_record_make(&records[i], reader, budget);
			continue;
		}
		lists[list_count++] = &records[i];
		if (list_count == HC_CHAINS_AT_ONCE) {
			make_chains(lists, list_count, reader, budget);
			list_count = 0;
		}
	}
	make_chains(lists, list_count, reader, budget);
}

/* ---- the set's own ---- */

hc_reader *hc_container_set_reader(hc_container_set *set)
{
	return &set->reader;
}

uint64_t hc_container_set_budget(const hc_container_set *set)
{
	return set->budget;
}

bool hc_container_set_charge(hc_container_set *set, uint64_t bytes)
{
	if (bytes > set->budget)
		return false;
	set->budget -= bytes;
	return true;
}

hc_reader *hc_container_set_new_reader(const hc_container_set *set)
{
	hc_reader *reader = g_new0(hc_reader, 1);

	hc_reader_init_copy(reader, &set->reader);
	return reader;
}
