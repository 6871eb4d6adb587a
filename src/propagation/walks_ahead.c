/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Containers of variables are walked ahead.
 *
 * Whose a block becomes depends on who comes first, so objects are looked at one after the other. But most of the time goes into walks,
 * which wait for memory and depend on nothing but it. Which containers the variables are, or have as members and in arrays, is known
 * before the first of them is looked at. So these walks are made ahead, in groups, by all workers; lists of one group make their
 * steps in turn. Whoever looks at the variables finds most walks made, and claims blocks by their numbers; what he meets that nobody
 * expected he walks himself. An expectation that is wrong costs time, and changes nothing.
 *
 * Memory: four bytes for each node of the containers that are walked and not yet claimed, and eight for each element that has to be looked
 * at. Helpers begin with no new group while these have more than a byte or so for each block of the heap.
 */
#include "propagation/walks_ahead.h"

#include "base/parallel.h"

enum {
	WINDOW = 16,	       /* groups that are made and not yet made use of */
	GROUP = 16,	       /* walks of one */
	GROUP_NODES = 1 << 18, /* claimed by its containers together: then there is no room for more in it */
	WALKS_MAX = 1 << 17,
	NESTED_MAX = 4,	 /* arrays of objects with arrays */
	SKIPPED_MAX = 4, /* walks that were expected and not asked for, before the next one that is */
	HELD_LEAST = 1 << 25,
	HELD_MOST_FACTOR = 12
};

struct expected {
	const hc_layout *layout;
	hc_address address;
	hc_record_wants wants;
};

struct hc_walks_ahead {
	hc_propagation *propagation;
	hc_lookahead *lookahead; /* NULL: one worker */
	hc_reader **readers;	 /* of helpers; number 0 is the set's */
	unsigned workers;
	GArray *walks;	      /* of struct expected */
	GArray *groups;	      /* of unsigned: number of the first walk of each; one more at the end */
	GArray *roots;	      /* the same of each root */
	hc_task_row row;      /* of groups */
	bool in_use;	      /* a record of one of these is being made use of */
	bool is_active;	      /* `row` has begun */
	unsigned next, group; /* the walk that is expected to be asked for next, and its group */
	uint64_t budget;
	hc_record_room room;
	uint64_t soft;		 /* bytes that records may have before a new group is begun */
	hc_walk_record *records; /* WINDOW times GROUP */
	GPtrArray *spare;	 /* of hc_walk_record: the asking thread's own */
};

/* ---- what is expected ---- */

static void expect_container(hc_walks_ahead *ahead, const hc_part *part, hc_address address)
{
	hc_walk_kind kind = hc_layout_kind(part->layout);

	/* Elements in a row take no walk. */
	if (ahead->walks->len >= WALKS_MAX || kind == HC_WALK_CONTIGUOUS || kind >= HC_WALK_SINGLE ||
		!hc_layout_is_pure(part->layout))
		return;
	struct expected expected = { part->layout, address,
		hc_plans_wants(ahead->propagation->types->plans, part->layout) };

	g_array_append_val(ahead->walks, expected);
}

static void expect(hc_walks_ahead *ahead, const hc_plan *plan, hc_address address, unsigned depth)
{
	for (uint32_t i = 0; i < plan->parts->len; i++) {
		const hc_part *part = &g_array_index(plan->parts, hc_part, i);

		if (part->kind == HC_PART_CONTAINER)
			expect_container(ahead, part, address + part->offset);
		else if (part->kind == HC_PART_ARRAY && part->plan && part->plan->parts->len && depth < NESTED_MAX)
			for (uint64_t j = 0; j < part->count && j < WALKS_MAX && ahead->walks->len < WALKS_MAX; j++)
				expect(ahead, part->plan, address + part->offset + j * part->stride, depth + 1);
	}
}

/* Containers of some thousand nodes in each group; large ones alone, so that no worker has two while others have none. */
static void make_groups(hc_walks_ahead *ahead)
{
	hc_reader *reader = hc_container_set_reader(ahead->propagation->types->set);
	uint64_t nodes = 0;
	unsigned first = 0;

	g_array_append_val(ahead->groups, first);
	for (unsigned i = 0; i < ahead->walks->len; i++) {
		const struct expected *expected = &g_array_index(ahead->walks, struct expected, i);

		nodes += hc_layout_count(expected->layout, expected->address, reader);
		if (nodes < GROUP_NODES && i + 1 - first < GROUP && i + 1 < ahead->walks->len)
			continue;
		nodes = 0;
		first = i + 1;
		g_array_append_val(ahead->groups, first);
	}
}

/* ---- making them ---- */

static unsigned first_of_group(const hc_walks_ahead *ahead, uint64_t group)
{
	return g_array_index(ahead->groups, unsigned, group);
}

static hc_walk_record *records_of_group(const hc_walks_ahead *ahead, uint64_t group)
{
	return &ahead->records[group % WINDOW * GROUP];
}

static void make_group(void *data, unsigned worker, uint64_t group)
{
	hc_walks_ahead *ahead = data;
	hc_walk_record *records = records_of_group(ahead, group);
	unsigned first = first_of_group(ahead, group), count = first_of_group(ahead, group + 1) - first;

	for (unsigned i = 0; i < count; i++) {
		const struct expected *expected = &g_array_index(ahead->walks, struct expected, first + i);

		hc_walk_record_clear(&records[i]);
		records[i].layout = expected->layout;
		records[i].address = expected->address;
		records[i].wants = expected->wants;
	}
	hc_walk_record_make_all(records, count, ahead->readers[worker], ahead->budget);
}

static bool may_go_on(void *data)
{
	const hc_walks_ahead *ahead = data;

	return __atomic_load_n(&ahead->room.held, __ATOMIC_RELAXED) < ahead->soft;
}

static hc_walks_ahead *create(hc_propagation *propagation, unsigned jobs)
{
	hc_walks_ahead *ahead = g_new0(hc_walks_ahead, 1);
	hc_container_set *set = propagation->types->set;

	ahead->propagation = propagation;
	ahead->workers = hc_parallel_workers(jobs);
	ahead->lookahead = hc_lookahead_create(ahead->workers);
	ahead->readers = g_new0(hc_reader *, ahead->workers);
	ahead->readers[0] = hc_container_set_reader(set);
	for (unsigned i = 1; i < ahead->workers; i++)
		ahead->readers[i] = hc_container_set_new_reader(set);
	ahead->walks = g_array_new(FALSE, FALSE, sizeof(struct expected));
	ahead->groups = g_array_new(FALSE, FALSE, sizeof(unsigned));
	ahead->roots = g_array_new(FALSE, FALSE, sizeof(unsigned));
	ahead->budget = hc_container_set_budget(set);
	ahead->soft = HELD_LEAST + (uint64_t)hc_blocks_count(propagation->blocks);
	ahead->room.needs_blocks = propagation->types->parcels->span != 0;
	ahead->room.most = HELD_LEAST + HELD_MOST_FACTOR * (uint64_t)hc_blocks_count(propagation->blocks);
	ahead->spare = g_ptr_array_new();
	return ahead;
}

void hc_propagation_begin_walks(hc_propagation *propagation, const GPtrArray *roots, unsigned jobs)
{
	hc_walks_ahead *ahead = create(propagation, jobs);

	propagation->walks_ahead = ahead;
	for (unsigned i = 0; i < roots->len; i++) {
		const hc_owner *owner = roots->pdata[i];

		g_array_append_val(ahead->roots, ahead->walks->len);
		expect(ahead, owner->plan, owner->variable->address, 0);
	}
	if (!ahead->walks->len)
		return;
	make_groups(ahead);
	ahead->records = g_new0(hc_walk_record, WINDOW * GROUP);
	for (unsigned i = 0; i < WINDOW * GROUP; i++)
		hc_walk_record_init(&ahead->records[i], &ahead->room);
	ahead->row = (hc_task_row){ .make = make_group,
		.may_go_on = may_go_on,
		.data = ahead,
		.count = ahead->groups->len - 1,
		.window = WINDOW };
	ahead->is_active = hc_lookahead_begin(ahead->lookahead, &ahead->row);
}

void hc_propagation_seek_walks(hc_propagation *propagation, unsigned index)
{
	hc_walks_ahead *ahead = propagation->walks_ahead;

	ahead->next = MAX(ahead->next, g_array_index(ahead->roots, unsigned, index));
}

void hc_propagation_end_root_walks(hc_propagation *propagation)
{
	hc_walks_ahead *ahead = propagation->walks_ahead;

	if (!ahead->is_active)
		return;
	hc_lookahead_end(ahead->lookahead, &ahead->row);
	ahead->is_active = false;
	for (unsigned i = 0; i < WINDOW * GROUP; i++)
		hc_walk_record_clear(&ahead->records[i]);
}

void hc_propagation_end_walks(hc_propagation *propagation)
{
	hc_walks_ahead *ahead = propagation->walks_ahead;

	if (!ahead)
		return;
	hc_propagation_end_root_walks(propagation);
	hc_lookahead_destroy(ahead->lookahead);
	for (unsigned i = 1; i < ahead->workers; i++)
		g_free(ahead->readers[i]);
	g_free(ahead->readers);
	for (unsigned i = 0; i < ahead->spare->len; i++) {
		hc_walk_record_clear(ahead->spare->pdata[i]);
		g_free(ahead->spare->pdata[i]);
	}
	g_ptr_array_unref(ahead->spare);
	g_array_unref(ahead->walks);
	g_array_unref(ahead->groups);
	g_array_unref(ahead->roots);
	g_free(ahead->records);
	g_free(ahead);
	propagation->walks_ahead = NULL;
}

unsigned hc_propagation_worker_count(const hc_propagation *propagation)
{
	return propagation->walks_ahead ? propagation->walks_ahead->workers : 0;
}

hc_lookahead *hc_propagation_lookahead(const hc_propagation *propagation)
{
	return propagation->walks_ahead->lookahead;
}

hc_reader *hc_propagation_worker_reader(const hc_propagation *propagation, unsigned worker)
{
	return propagation->walks_ahead->readers[worker];
}

/* ---- making use of them ---- */

static bool is_expected(const hc_walks_ahead *ahead, unsigned index, const struct expected *asked)
{
	const struct expected *expected = &g_array_index(ahead->walks, struct expected, index);

	return expected->address == asked->address && expected->layout == asked->layout &&
	       expected->wants.element == asked->wants.element && expected->wants.mapped == asked->wants.mapped;
}

/* The record of the walk ASKED for, if it is one of those expected next. */
static hc_walk_record *take_expected(hc_walks_ahead *ahead, const struct expected *asked)
{
	unsigned end = MIN(ahead->next + SKIPPED_MAX, ahead->walks->len), index = ahead->next;

	while (index < end && !is_expected(ahead, index, asked))
		index++;
	if (index == end)
		return NULL;
	while (first_of_group(ahead, ahead->group + 1) <= index)
		ahead->group++;
	ahead->next = index + 1;
	hc_lookahead_release(ahead->lookahead, &ahead->row, ahead->group);
	hc_lookahead_wait(ahead->lookahead, &ahead->row, ahead->group);
	return &records_of_group(ahead, ahead->group)[index - first_of_group(ahead, ahead->group)];
}

static hc_walk_record *make_now(hc_walks_ahead *ahead, const struct expected *asked)
{
	hc_container_set *set = ahead->propagation->types->set;
	hc_walk_record *record;

	if (ahead->spare->len) {
		record = g_ptr_array_steal_index_fast(ahead->spare, ahead->spare->len - 1);
		hc_walk_record_reset(record);
	} else {
		record = g_new(hc_walk_record, 1);
		hc_walk_record_init(record, NULL);
	}
	record->layout = asked->layout;
	record->address = asked->address;
	record->wants = asked->wants;
	hc_walk_record_make(record, ahead->readers[0], hc_container_set_budget(set));
	return record;
}

hc_walk_record *hc_propagation_kept_walk(
	hc_propagation *propagation, const hc_layout *layout, hc_address address, hc_record_wants wants)
{
	hc_walks_ahead *ahead = propagation->walks_ahead;
	struct expected asked = { layout, address, wants };
	hc_walk_record *record;

	if (!ahead || !hc_layout_is_pure(layout))
		return NULL;
	/* What is held by a variable's container may have another one, whose group may not take the place of the first one's yet. */
	record = ahead->is_active && !ahead->in_use ? take_expected(ahead, &asked) : NULL;
	ahead->in_use |= record != NULL;
	if (!record && propagation->nest)
		record = hc_propagation_nested_walk(propagation->nest, layout, address, wants);
	if (!record)
		record = make_now(ahead, &asked);
	if (!record->failed && hc_container_set_charge(propagation->types->set, record->charged))
		return record;
	hc_propagation_release_walk(propagation, record);
	return NULL;
}

void hc_propagation_release_walk(hc_propagation *propagation, hc_walk_record *record)
{
	hc_walks_ahead *ahead = propagation->walks_ahead;

	if (record->room == &ahead->room) {
		hc_walk_record_clear(record);
		ahead->in_use = false;
	} else if (!record->room) {
		g_ptr_array_add(ahead->spare, record);
	}
}
