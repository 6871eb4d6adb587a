/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Containers in elements are walked ahead.
 *
 * As for variables (walks_ahead.c), only that there are millions of elements: unique_ptrs to objects with strings and maps, vectors of vectors.
 * What such an element has is told by its type: a tree of containers, their elements' containers, and so on, where smart pointers are
 * containers of one. Elements are cut into rows; a helper walks all that the tree says of each element of a row, in the order in which it
 * will be asked for, and keeps it. Objects whose class only their vtable tells, and what plain pointers lead to, are left out.
 */
#include "propagation/walks_ahead.h"

enum {
	WINDOW = 8,
	ROW = 64,
	FEWEST = 16 * ROW, /* elements, or it is not worth it */
	RECORDS = 8 * ROW, /* of one row */
	NODES_MAX = 32,
	NESTED_MAX = 4,
	ELEMENTS_MAX = 64, /* of one container in an element that are gone into */
	SKIPPED_MAX = 4,
	HELD_MOST = 1 << 26,
	/* elements between fetching one, what it leads to, what that leads to, and walking it */
	FAR = 24,
	NEAR = 16,
	CLOSE = 8
};

/* A container that an object has, and where what its elements have begins. */
struct member {
	const hc_layout *layout;
	uint64_t offset;
	hc_record_wants wants;
	unsigned first, count; /* of the elements: members */
};

struct row {
	unsigned count;
	unsigned starts[ROW]; /* number of the first record of each element */
	hc_walk_record records[RECORDS];
};

struct hc_nest {
	hc_propagation *propagation;
	const hc_address *addresses;
	uint64_t count, budget, current; /* current: the row that is made use of */
	unsigned next;			 /* record of it that is expected to be asked for next */
	struct member members[NODES_MAX];
	unsigned member_count, root_count;
	hc_record_room room;
	hc_task_row tasks;
	struct row *rows;
	hc_nest *outer;
};

/* ---- what elements have ---- */

/* The members of an object of PLAN, and what these have. FALSE: there are none that could be walked ahead. */
static bool add_members(hc_nest *nest, const hc_plan *plan, unsigned depth, unsigned *ret_first, unsigned *ret_count)
{
	hc_plans *plans = nest->propagation->types->plans;
	unsigned first = nest->member_count;

	*ret_first = *ret_count = 0;
	if (!plan || plan->is_polymorphic || depth > NESTED_MAX)
		return false;
	for (unsigned i = 0; i < plan->parts->len && nest->member_count < NODES_MAX; i++) {
		const hc_part *part = &g_array_index(plan->parts, hc_part, i);

		if (part->kind == HC_PART_CONTAINER && hc_layout_is_pure(part->layout))
			nest->members[nest->member_count++] = (struct member){
				.layout = part->layout,
				.offset = part->offset,
				.wants = hc_plans_wants(plans, part->layout),
			};
	}
	*ret_first = first;
	*ret_count = nest->member_count - first;
	for (unsigned i = first; i < first + *ret_count; i++) {
		struct member *member = &nest->members[i];
		const hc_type *element = member->wants.element ? hc_layout_element(member->layout) : NULL;

		if (element)
			add_members(
				nest, hc_plans_get(plans, element, NULL), depth + 1, &member->first, &member->count);
	}
	return *ret_count > 0;
}

/* ---- by helpers ---- */

static void walk_members(
	const hc_nest *nest, struct row *row, hc_reader *reader, unsigned first, unsigned count, hc_address object)
{
	for (unsigned i = first; i < first + count && row->count < RECORDS; i++) {
		const struct member *member = &nest->members[i];
		hc_walk_record *record = &row->records[row->count++];

		hc_walk_record_reset(record);
		record->layout = member->layout;
		record->address = object + member->offset;
		record->wants = member->wants;
		hc_walk_record_make(record, reader, nest->budget);
		/* No deeper than add_members() went. */
		for (uint64_t j = 0; member->count && !record->failed && record->walk.grade == HC_GRADE_EXACT &&
				     j < MIN(record->lists[0].count, ELEMENTS_MAX);
			j++)
			walk_members(nest, row, reader, member->first, member->count, record->lists[0].addresses[j]);
	}
}

static void fetch(const hc_nest *nest, hc_reader *reader, uint64_t i)
{
	hc_address object;

	if (i + FAR < nest->count)
		hc_reader_fetch(reader, nest->addresses[i + FAR]);
	for (unsigned j = 0; i + NEAR < nest->count && j < nest->root_count; j++)
		hc_reader_fetch_target(reader, nest->addresses[i + NEAR] + nest->members[j].offset);
	for (unsigned j = 0; i + CLOSE < nest->count && j < nest->root_count; j++) {
		const struct member *member = &nest->members[j];

		if (member->count && hc_reader_load(reader, nest->addresses[i + CLOSE] + member->offset, &object))
			for (unsigned k = member->first; k < member->first + member->count; k++)
				hc_reader_fetch_target(reader, object + nest->members[k].offset);
	}
}

static void make_row(void *data, unsigned worker, uint64_t index)
{
	hc_nest *nest = data;
	struct row *row = &nest->rows[index % WINDOW];
	hc_reader *reader = hc_propagation_worker_reader(nest->propagation, worker);
	uint64_t first = index * ROW;

	row->count = 0;
	for (uint64_t i = first; i < MIN(first + ROW, nest->count); i++) {
		row->starts[i - first] = row->count;
		fetch(nest, reader, i);
		walk_members(nest, row, reader, 0, nest->root_count, nest->addresses[i]);
	}
}

/* ---- by the propagation ---- */

hc_nest *hc_propagation_begin_nest(
	hc_propagation *propagation, const hc_plan *plan, const hc_address *addresses, uint64_t count)
{
	unsigned first;
	hc_nest *nest;

	/* One worker alone has nobody who could be ahead. */
	if (count < FEWEST || hc_propagation_worker_count(propagation) < 2)
		return NULL;
	nest = g_new0(hc_nest, 1);
	nest->propagation = propagation;
	nest->addresses = addresses;
	nest->count = count;
	nest->budget = hc_container_set_budget(propagation->types->set);
	nest->current = UINT64_MAX;
	nest->room.most = HELD_MOST;
	nest->tasks =
		(hc_task_row){ .make = make_row, .data = nest, .count = (count + ROW - 1) / ROW, .window = WINDOW };
	if (!add_members(nest, plan, 0, &first, &nest->root_count) || !(nest->rows = g_try_new0(struct row, WINDOW))) {
		g_free(nest);
		return NULL;
	}
	for (unsigned i = 0; i < WINDOW * RECORDS; i++)
		hc_walk_record_init(&nest->rows[i / RECORDS].records[i % RECORDS], &nest->room);
	if (hc_lookahead_begin(hc_propagation_lookahead(propagation), &nest->tasks)) {
		nest->outer = propagation->nest;
		propagation->nest = nest;
		return nest;
	}
	g_free(nest->rows);
	g_free(nest);
	return NULL;
}

void hc_propagation_seek_nest(hc_nest *nest, uint64_t index)
{
	hc_lookahead *lookahead = hc_propagation_lookahead(nest->propagation);

	if (index / ROW != nest->current) {
		nest->current = index / ROW;
		hc_lookahead_release(lookahead, &nest->tasks, nest->current);
		hc_lookahead_wait(lookahead, &nest->tasks, nest->current);
	}
	nest->next = nest->rows[nest->current % WINDOW].starts[index % ROW];
}

void hc_propagation_end_nest(hc_nest *nest)
{
	if (!nest)
		return;
	hc_lookahead_end(hc_propagation_lookahead(nest->propagation), &nest->tasks);
	nest->propagation->nest = nest->outer;
	for (unsigned i = 0; i < WINDOW * RECORDS; i++)
		hc_walk_record_clear(&nest->rows[i / RECORDS].records[i % RECORDS]);
	g_free(nest->rows);
	g_free(nest);
}

hc_walk_record *hc_propagation_nested_walk(
	hc_nest *nest, const hc_layout *layout, hc_address address, hc_record_wants wants)
{
	struct row *row = &nest->rows[nest->current % WINDOW];
	unsigned end = MIN(nest->next + SKIPPED_MAX, row->count);

	if (nest->current == UINT64_MAX)
		return NULL;
	for (unsigned i = nest->next; i < end; i++) {
		hc_walk_record *record = &row->records[i];

		if (record->address != address || record->layout != layout || record->wants.element != wants.element ||
			record->wants.mapped != wants.mapped)
			continue;
		nest->next = i + 1;
		return record;
	}
	return NULL;
}
