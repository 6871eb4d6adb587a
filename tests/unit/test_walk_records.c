/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walks that are kept: what a record says of containers that were laid out by hand is what was laid out, and what a walk that calls a
 * visitor says; also where many lists make their steps in turn, and where rows and small trees are looked at straight.
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

/* ---- rows ---- */

static const char row_description[] =
	"[text]\nmatch=text\nkind=contiguous\ntext=true\nterminated=true\nelem=T0\ndata=begin\ncount=n\n"
	"capacity=data == &room ? 15 : word(&room)\n"
	"[numbers]\nmatch=numbers\nkind=contiguous\nelem=T0\ndata=begin\nbytes=n - begin\ncount=bytes / sizeof(E)\n"
	"capacity=(room - begin) / sizeof(E)\ncheck1=begin <= n && n <= room\ncheck2=bytes % sizeof(E) == 0\n"
	"[counted]\nmatch=counted\nkind=contiguous\nelem=T0\ndata=begin\ncount=n\ncapacity=room\nheader=16\n"
	"[ring]\nmatch=ring\nkind=contiguous\nelem=T0\ndata=begin\ncount=n\ncapacity=room\nwrap=room\nstart=0\n";

enum {
	ROW_BYTES = 32, /* of an object: begin, n, room, and 8 bytes more */
	ROWS = 12
};

static hc_type *make_row_type(fixture *f, const char *name, hc_type *element)
{
	hc_type *type = make_struct(f, name, ROW_BYTES), *pointer = pointer_to(f, element);
	bool is_numbers = !strcmp(name, "numbers");

	add_field(type, "begin", pointer, 0);
	add_field(type, "n", is_numbers ? pointer : f->u64, 8);
	add_field(type, "room", is_numbers ? pointer : f->u64, 16);
	add_argument(f, type, "T", element, 0);
	return type;
}

static hc_address put_row(fixture *f, hc_address at, uint64_t begin, uint64_t n, uint64_t room)
{
	put(f, at, begin);
	put(f, at + 8, n);
	put(f, at + 16, room);
	return at;
}

/* A kept walk of the container at AT, which is what was found straight: WALK, for which CHARGED bytes were looked at. */
static void record_without_elements(const fixture *f, const hc_layout *layout, hc_address at, const hc_walk *walk,
	uint64_t charged, hc_walk_record *ret_record)
{
	hc_walk_record_init(ret_record, NULL);
	ret_record->layout = layout;
	ret_record->address = at;
	ret_record->wants = (hc_record_wants){ false, false };
	hc_walk_record_make(ret_record, hc_container_set_reader(f->set), 1 << 30);
	CU_ASSERT_EQUAL(ret_record->walk.grade, HC_GRADE_EXACT);
	CU_ASSERT_EQUAL(ret_record->walk.claimed, walk->claimed);
	CU_ASSERT_EQUAL(ret_record->walk.walked, walk->walked);
	CU_ASSERT_EQUAL(ret_record->walk.capacity, walk->capacity);
	CU_ASSERT_EQUAL(ret_record->walk.element_size, walk->element_size);
	CU_ASSERT_EQUAL(ret_record->charged, charged);
}

/* What is found straight is what a kept walk says; IS_SOUND: it is to be found so. */
static void expect_straight(
	const fixture *f, hc_row_walks *walks, const hc_layout *layout, hc_address at, bool is_sound)
{
	hc_walk_record record;
	hc_row_found found;
	bool is_found = hc_row_walks_make(walks, at, &found);

	CU_ASSERT_EQUAL(is_found, is_sound);
	if (!is_found)
		return;
	record_without_elements(f, layout, at, found.walk, found.charged, &record);
	CU_ASSERT_EQUAL(record.number_count, found.bytes != 0);
	CU_ASSERT_EQUAL(record.offset_count, 0);
	if (record.number_count) {
		CU_ASSERT_EQUAL(record.numbers[0], found.number);
		CU_ASSERT_EQUAL(record.runs[0].size, found.bytes);
	}
	hc_walk_record_clear(&record);
}

static hc_row_walks *make_row_walks(const fixture *f, const hc_type *type, const hc_layout **ret_layout)
{
	*ret_layout = hc_container_set_layout(f->set, type, NULL);
	return hc_row_walks_create(*ret_layout, hc_container_set_reader(f->set));
}

static void texts_straight(void)
{
	g_auto(fixture) f = start();
	hc_type *type = make_row_type(&f, "text", f.character);
	hc_address at[ROWS], text = take(&f, 101), freed = take(&f, 24), other = take(&f, 101);
	const hc_layout *layout;

	for (unsigned i = 0; i < ROWS; i++)
		at[i] = take(&f, ROW_BYTES);
	heap_free_to_fastbin(f.process.heap, freed);
	put(&f, other, UINT64_MAX);
	put_row(&f, at[0], text, 60, 100);	      /* in its block */
	put_row(&f, at[1], at[1] + 16, 7, 0);	      /* in itself */
	put_row(&f, at[2], text, 60, 50);	      /* more than there is room for */
	put_row(&f, at[3], text, 60, 200);	      /* over the end of its block */
	put_row(&f, at[4], other + 8, 0, 0);	      /* empty, in the middle of a block */
	put_row(&f, at[5], freed, 10, 20);	      /* freed */
	put_row(&f, at[6], other, 7, 100);	      /* its end is not marked */
	put_row(&f, at[7], text, 10, 40);	      /* in a block that is too large for it */
	put_row(&f, at[8], text + 16, 10, 80);	      /* in the middle of one */
	put_row(&f, at[9], 0, 0, 100);		      /* without a buffer */
	put_row(&f, at[10], at[10] + 16, 16, 0);      /* not within itself any more */
	put_row(&f, at[11], (uint64_t)1 << 62, 1, 1); /* nowhere */
	if (!dump(&f))
		return;
	describe(&f, row_description);
	hc_row_walks *walks = make_row_walks(&f, type, &layout);

	CU_ASSERT_PTR_NOT_NULL(walks);
	if (!walks)
		return;
	for (unsigned i = 0; i < ROWS; i++)
		expect_straight(&f, walks, layout, at[i], i <= 1 || i == 9);
	expect_straight(&f, walks, layout, at[0] + 4, false);
	expect_straight(&f, walks, layout, 0x1000, false);
	hc_row_walks_destroy(walks);
}

static void numbers_straight(void)
{
	g_auto(fixture) f = start();
	hc_type *type = make_row_type(&f, "numbers", f.u32), *counted = make_row_type(&f, "counted", f.u64),
		*ring = make_row_type(&f, "ring", f.u64);
	hc_address at[ROWS], row = take(&f, 400);
	const hc_layout *layout;

	for (unsigned i = 0; i < ROWS; i++)
		at[i] = take(&f, ROW_BYTES);
	put_row(&f, at[0], row, row + 40, row + 400);
	put_row(&f, at[1], row, row, row + 400);
	put_row(&f, at[2], 0, 0, 0);
	put_row(&f, at[3], row, row + 42, row + 400); /* half an element */
	put_row(&f, at[4], row + 40, row, row + 400); /* ends before it begins */
	put_row(&f, at[5], row, row + 40, row + 80);  /* the block is larger, but checks hold */
	put_row(&f, at[6], row + 16, row + 48, row + 80);
	put_row(&f, at[7], row + 16, 48, 48); /* behind a header */
	put_row(&f, at[8], row, 48, 48);
	if (!dump(&f))
		return;
	describe(&f, row_description);
	hc_row_walks *walks = make_row_walks(&f, type, &layout);

	CU_ASSERT_PTR_NOT_NULL(walks);
	if (!walks)
		return;
	for (unsigned i = 0; i < 7; i++)
		expect_straight(&f, walks, layout, at[i], i <= 2 || i == 5);
	hc_row_walks_destroy(walks);
	walks = make_row_walks(&f, counted, &layout);
	expect_straight(&f, walks, layout, at[7], true);
	expect_straight(&f, walks, layout, at[8], false);
	hc_row_walks_destroy(walks);
	/* Where elements lie differs from object to object. */
	CU_ASSERT_PTR_NULL(make_row_walks(&f, ring, &layout));
}

/* ---- small trees ---- */

static const char leaves_description[] =
	"[leaves]\nmatch=leaves\nkind=tree\nbalanced=true\nelem=T0\nroot=root\nleft=left\nright=right\nparent=parent\n"
	"top=&tail\nvalue=24\ncount=n\ncheck1=(root == 0) == (count == 0)\n"
	"[other leaves]\nmatch=others\nkind=tree\nelem=T0\nroot=root\nleft=left\nright=right\nvalue=n\ncount=n\n";

enum {
	TREES = 10,
	TREE_NODES = HC_TREE_NODES_MAX + 1,
	FEW_NODES = 7,
	LINE_NODES = 12 /* more levels than a balanced tree of so many has */
};

/* NODES [FIRST, END) as a subtree below PARENT; its root. IS_LINE: each has a left child only. */
static hc_address put_nodes(
	fixture *f, const hc_address *nodes, unsigned first, unsigned end, hc_address parent, bool is_line)
{
	unsigned middle = is_line ? end - 1 : first + (end - first) / 2;

	if (first == end)
		return 0;
	put(f, nodes[middle], put_nodes(f, nodes, first, middle, nodes[middle], is_line));
	put(f, nodes[middle] + 8, put_nodes(f, nodes, middle + 1, end, nodes[middle], is_line));
	put(f, nodes[middle] + 16, parent);
	return nodes[middle];
}

/* A tree of COUNT nodes, each in a block, or all in one that begins SLAB bytes before the first. */
static hc_address put_tree(fixture *f, hc_address nodes[TREE_NODES], unsigned count, bool is_line, uint64_t slab)
{
	hc_address at = take(f, 24), block = slab ? take(f, slab + count * 32) : 0;

	for (unsigned i = 0; i < count; i++)
		nodes[i] = slab ? block + slab + i * 32 : take(f, 32);
	put(f, at, put_nodes(f, nodes, 0, count, at + 8, is_line));
	put(f, at + 16, count);
	return at;
}

/* As expect_straight(), of the tree at AT with NODES, of which straight walks find FEW_NODES or none. */
static void expect_tree(const fixture *f, hc_tree_walks *walks, const hc_layout *layout, hc_address at,
	const hc_address *nodes, bool is_sound)
{
	hc_walk_record record;
	hc_tree_found found;
	bool is_found = hc_tree_walks_make(walks, at, &found);

	CU_ASSERT_EQUAL(is_found, is_sound);
	if (!is_found)
		return;
	record_without_elements(f, layout, at, found.walk, found.charged, &record);
	CU_ASSERT_EQUAL(record.number_count, found.count);
	CU_ASSERT_EQUAL(record.offset_count, 0);
	for (unsigned i = 0; i < MIN(found.count, record.number_count); i++) {
		CU_ASSERT_EQUAL(record.numbers[i], found.numbers[i]);
		CU_ASSERT_EQUAL(found.numbers[i], number_of(f, nodes[i]));
	}
	if (record.run_count) {
		CU_ASSERT_EQUAL(record.runs[0].size, found.node_size);
		CU_ASSERT_EQUAL(record.runs[0].address, found.first);
	}
	hc_walk_record_clear(&record);
}

static void trees_straight(void)
{
	g_auto(fixture) f = start();
	const hc_type *pointer = pointer_to(&f, make_node(&f));
	hc_type *type = make_holder(&f, "leaves", pointer), *others = make_holder(&f, "others", pointer);
	hc_address at[TREES], nodes[TREES][TREE_NODES];

	add_argument(&f, type, "T", f.u64, 0);
	add_argument(&f, others, "T", f.u64, 0);
	for (unsigned i = 0; i < TREES; i++)
		at[i] = put_tree(&f, nodes[i],
			i == 1 ? 0 :
			i == 8 ? LINE_NODES :
			i == 9 ? TREE_NODES :
				 FEW_NODES,
			i == 8, i == 6 ? 16 : 0);
	put(&f, at[2] + 16, FEW_NODES + 1);		   /* it claims more than there are */
	put(&f, at[3] + 16, FEW_NODES - 1);		   /* ... fewer */
	put(&f, nodes[4][5] + 16, nodes[4][0]);		   /* one does not lead back to its parent */
	heap_free_to_fastbin(f.process.heap, nodes[5][0]); /* freed */
	put(&f, at[7] + 16, 0);				   /* the check does not hold */
	if (!dump(&f))
		return;
	describe(&f, leaves_description);
	const hc_layout *layout = hc_container_set_layout(f.set, type, NULL);
	hc_tree_walks *walks = hc_tree_walks_create(layout, hc_container_set_reader(f.set));

	CU_ASSERT_PTR_NOT_NULL(walks);
	if (!walks)
		return;
	for (unsigned i = 0; i < TREES; i++)
		expect_tree(&f, walks, layout, at[i], nodes[i], i <= 1);
	expect_tree(&f, walks, layout, 0x1000, NULL, false);
	hc_tree_walks_destroy(walks);
	/* Where the value is in a node differs from object to object. */
	CU_ASSERT_PTR_NULL(
		hc_tree_walks_create(hc_container_set_layout(f.set, others, NULL), hc_container_set_reader(f.set)));
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
		{ "texts, straight", texts_straight },
		{ "rows of numbers, straight", numbers_straight },
		{ "small trees, straight", trees_straight },
		{ "what only one thread can walk is not kept", others_are_not_kept },
	};

	return unit_main("kept walks", cases, G_N_ELEMENTS(cases));
}
