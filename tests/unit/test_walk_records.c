/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walks that are kept: what a record says of containers that were laid out by hand is what was laid out, and what a walk that calls a
 * visitor says; also where many lists make their steps in turn.
 */
#include "container_fixture.h"

#include <string.h>

enum {
	LISTS = 50,
	NODES = 40
};

static const char description[] =
	"[list]\nmatch=list\nkind=linked\nhead=head\ntail=tail\nnext=next\nprev=prev\ncount=n\n"
	"[tree]\nmatch=tree\nkind=tree\nroot=root\nleft=left\nright=right\nparent=parent\ncount=n\n"
	"[row]\nmatch=row\nkind=contiguous\nelem=T0\ndata=head\ncount=n\n"
	"[list of a class]\nmatch=classed\nkind=linked\nhead=head\nnext=next\ncheck1=symbol(head, \"x\") || 1\n";

typedef struct made_list {
	hc_address at, nodes[NODES];
	unsigned count;
} made_list;

static hc_type *make_holder(fixture *f, const char *name, const hc_type *pointer)
{
	hc_type *type = make_struct(f, name, 24);

	add_field(type, "head", pointer, 0);
	add_field(type, "root", pointer, 0);
	add_field(type, "tail", pointer, 8);
	add_field(type, "n", f->u64, 16);
	return type;
}

/* Of four words each: next or left, prev or right, parent, value. */
static hc_type *make_node(fixture *f)
{
	static const char *const names[] = { "next", "prev", "parent", "value" };
	hc_type *node = make_struct(f, "node", 32), *pointer = pointer_to(f, node);

	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
		add_field(node, names[i], pointer, 8 * i);
	add_field(node, "left", pointer, 0);
	add_field(node, "right", pointer, 8);
	return node;
}

static void link_nodes(fixture *f, made_list *list, hc_address slab)
{
	for (unsigned i = 0; i < list->count; i++) {
		list->nodes[i] = slab ? slab + i * 32 : list->nodes[i];
		if (i) {
			put(f, list->nodes[i - 1], list->nodes[i]);
			put(f, list->nodes[i] + 8, list->nodes[i - 1]);
		}
	}
	put(f, list->at, list->count ? list->nodes[0] : 0);
	put(f, list->at + 8, list->count ? list->nodes[list->count - 1] : 0);
	put(f, list->at + 16, list->count);
}

/* Lists whose nodes are made in turn; every tenth of one block alone, every seventh damaged. */
static void make_lists(fixture *f, made_list lists[LISTS])
{
	for (unsigned i = 0; i < LISTS; i++)
		lists[i] = (made_list){ .at = take(f, 24), .count = i * 17 % NODES };
	for (unsigned j = 0; j < NODES; j++)
		for (unsigned i = 0; i < LISTS; i++)
			if (j < lists[i].count && i % 10 != 9)
				lists[i].nodes[j] = take(f, 32);
	for (unsigned i = 0; i < LISTS; i++) {
		hc_address slab = i % 10 == 9 ? take(f, NODES * 32) : 0;

		link_nodes(f, &lists[i], slab);
		if (i % 7 == 6 && lists[i].count > 4)
			put(f, lists[i].nodes[lists[i].count / 2], lists[i].nodes[0]);
	}
}

static uint32_t number_of(const fixture *f, hc_address address)
{
	hc_block block = { 0 };

	CU_ASSERT_TRUE(hc_blocks_find(f->process.stages.blocks, address, &block));
	return block.number;
}

static hc_address start_of(const fixture *f, hc_address address)
{
	hc_block block = { 0 };

	CU_ASSERT_TRUE(hc_blocks_find(f->process.stages.blocks, address, &block));
	return block.address;
}

/* The first COUNT of ADDRESSES, and no more, are pieces and elements. */
static void expect_record(const fixture *f, const hc_walk_record *record, const hc_address *addresses, uint64_t count)
{
	CU_ASSERT_FALSE(record->failed);
	CU_ASSERT_EQUAL(record->number_count, count);
	CU_ASSERT_EQUAL(record->lists[0].count, count);
	CU_ASSERT_EQUAL(record->walk.walked, count);
	for (uint64_t i = 0; i < MIN(count, record->number_count); i++) {
		uint64_t offset = i < record->offset_count ? record->offsets[i] : 0;

		CU_ASSERT_EQUAL(record->numbers[i], number_of(f, addresses[i]));
		CU_ASSERT_EQUAL(offset, addresses[i] - start_of(f, addresses[i]));
		CU_ASSERT_EQUAL(record->lists[0].addresses[i], addresses[i]);
	}
	if (count) {
		CU_ASSERT_EQUAL(record->run_count, 1);
		CU_ASSERT_EQUAL(record->runs[0].address, addresses[0]);
		CU_ASSERT_EQUAL(record->runs[0].size, 32);
		CU_ASSERT_EQUAL(record->runs[0].count, count);
		CU_ASSERT_EQUAL(record->runs[0].role, HC_MEMORY_NODE);
		CU_ASSERT_EQUAL(record->first_element, addresses[0]);
	}
}

static void begin_record(hc_walk_record *record, const hc_layout *layout, hc_address address, hc_record_room *room)
{
	hc_walk_record_init(record, room);
	record->layout = layout;
	record->address = address;
	record->wants.element = true;
}

static void lists_in_turn(void)
{
	g_auto(fixture) f = start();
	hc_type *node = make_node(&f), *type = make_holder(&f, "list", pointer_to(&f, node));
	made_list lists[LISTS];
	hc_walk_record records[LISTS];
	hc_record_room room = { .most = 1 << 24 };

	make_lists(&f, lists);
	if (!dump(&f))
		return;
	describe(&f, description);
	const hc_layout *layout = hc_container_set_layout(f.set, type, NULL);
	hc_reader *reader = hc_container_set_new_reader(f.set);

	CU_ASSERT_TRUE(hc_layout_is_pure(layout));
	for (unsigned i = 0; i < LISTS; i++) {
		begin_record(&records[i], layout, lists[i].at, &room);
		CU_ASSERT_EQUAL(hc_layout_count(layout, lists[i].at, reader), lists[i].count);
	}
	hc_walk_record_make_all(records, LISTS, reader, 1 << 30);
	for (unsigned i = 0; i < LISTS; i++) {
		bool is_damaged = i % 7 == 6 && lists[i].count > 4;
		hc_walk walk;

		hc_layout_measure(layout, lists[i].at, &walk);
		CU_ASSERT_EQUAL(records[i].walk.grade, walk.grade);
		CU_ASSERT_EQUAL(records[i].walk.grade, is_damaged ? HC_GRADE_TRUNCATED : HC_GRADE_EXACT);
		CU_ASSERT_PTR_EQUAL(records[i].walk.reason, walk.reason);
		CU_ASSERT_EQUAL(records[i].charged, 32 * walk.walked + (is_damaged ? 32 : 0));
		expect_record(&f, &records[i], lists[i].nodes, is_damaged ? lists[i].count / 2 + 1 : lists[i].count);
		hc_walk_record_clear(&records[i]);
	}
	CU_ASSERT_EQUAL(room.held, 0);
	g_free(reader);
}

/* A tree of seven, in order; and memory for a record that there is not, which is no damage of the tree. */
static void trees_and_room(void)
{
	g_auto(fixture) f = start();
	hc_type *node = make_node(&f), *type = make_holder(&f, "tree", pointer_to(&f, node));
	hc_address at = take(&f, 24), nodes[7];
	hc_record_room room = { .most = 100 };
	hc_walk_record record;

	for (unsigned i = 0; i < 7; i++)
		nodes[i] = take(&f, 32);
	for (unsigned i = 1; i < 7; i += 2) {
		unsigned reach = i == 3 ? 2 : 1;

		put(&f, nodes[i], nodes[i - reach]);
		put(&f, nodes[i] + 8, nodes[i + reach]);
		put(&f, nodes[i - reach] + 16, nodes[i]);
		put(&f, nodes[i + reach] + 16, nodes[i]);
	}
	put(&f, at, nodes[3]);
	put(&f, at + 16, 7);
	if (!dump(&f))
		return;
	describe(&f, description);
	const hc_layout *layout = hc_container_set_layout(f.set, type, NULL);

	begin_record(&record, layout, at, NULL);
	hc_walk_record_make(&record, hc_container_set_reader(f.set), 1 << 30);
	CU_ASSERT_EQUAL(record.walk.grade, HC_GRADE_EXACT);
	expect_record(&f, &record, nodes, 7);
	hc_walk_record_clear(&record);
	begin_record(&record, layout, at, &room);
	hc_walk_record_make(&record, hc_container_set_reader(f.set), 1 << 30);
	CU_ASSERT_TRUE(record.failed);
	hc_walk_record_clear(&record);
	CU_ASSERT_EQUAL(room.held, 0);
}

/* What asks for symbols cannot be walked by any thread; what is not in memory cannot be walked by another one. */
static void others_are_not_kept(void)
{
	g_auto(fixture) f = start();
	hc_type *node = make_node(&f), *pointer = pointer_to(&f, node);
	hc_type *list = make_holder(&f, "list", pointer), *classed = make_holder(&f, "classed", pointer);
	hc_walk_record record;

	take(&f, 24);
	if (!dump(&f))
		return;
	describe(&f, description);
	CU_ASSERT_FALSE(hc_layout_is_pure(hc_container_set_layout(f.set, classed, NULL)));
	begin_record(&record, hc_container_set_layout(f.set, list, NULL), 0x1000, NULL);
	hc_walk_record_make(&record, hc_container_set_reader(f.set), 1 << 30);
	CU_ASSERT_TRUE(record.failed);
	hc_walk_record_clear(&record);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "lists that make their steps in turn", lists_in_turn },
		{ "a tree; and no room", trees_and_room },
		{ "what only one thread can walk is not kept", others_are_not_kept },
	};

	return unit_main("kept walks", cases, G_N_ELEMENTS(cases));
}
