/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * containers/: walks over memory that was laid out by hand, good and damaged. What real programs have is compared in
 * tests/end-to-end.
 */
#include "container_fixture.h"

#include <stdio.h>
#include <string.h>

/* ---- elements in a row ---- */

/* std::vector<TYPE> as libstdc++ has it. */
static hc_type *make_vector(fixture *f, const hc_type *element)
{
	hc_type *data = make_struct(f, "std::_Vector_base::_Vector_impl_data", 24),
		*impl = make_struct(f, "std::_Vector_base::_Vector_impl", 24),
		*base = make_struct(f, "std::_Vector_base", 24), *vector = make_struct(f, "std::vector", 24);
	hc_type *pointer = pointer_to(f, element);

	add_field(data, "_M_start", pointer, 0);
	add_field(data, "_M_finish", pointer, 8);
	add_field(data, "_M_end_of_storage", pointer, 16);
	add_field(impl, NULL, data, 0);
	add_field(base, "_M_impl", impl, 0);
	add_field(vector, NULL, base, 0);
	add_argument(f, vector, "_Tp", element, 0);
	return vector;
}

static hc_address put_vector(fixture *f, hc_address start_at, hc_address finish, hc_address end)
{
	hc_address vector = take(f, 24);

	put(f, vector, start_at);
	put(f, vector + 8, finish);
	put(f, vector + 16, end);
	return vector;
}

static void vectors(void)
{
	g_auto(fixture) f = start();
	hc_type *type = make_vector(&f, f.u64);
	hc_address buffer = take(&f, 80), gone = take(&f, 80), guard = take(&f, 200), vector[10];
	seen s;
	hc_walk result;

	heap_free_to_bin(f.process.heap, gone, HEAP_UNSORTED);
	vector[0] = put_vector(&f, buffer, buffer + 40, buffer + 80);
	vector[1] = put_vector(&f, 0, 0, 0);
	vector[2] = put_vector(&f, buffer + 40, buffer, buffer + 80);
	vector[3] = put_vector(&f, buffer, buffer + 40, buffer + 160);
	vector[4] = put_vector(&f, gone, gone + 40, gone + 80);
	vector[5] = put_vector(&f, buffer, buffer + 37, buffer + 80);
	vector[6] = put_vector(&f, buffer + 4, buffer + 44, buffer + 84);
	vector[7] = put_vector(&f, 0x1000, 0x1040, 0x1080);
	vector[8] = put_vector(&f, 0, 40, 80);
	vector[9] = put_vector(&f, guard + 8, guard + 88, guard + 168); /* in the middle of a block */
	if (!dump(&f))
		return;
	add_installed(&f);
	result = walk(&f, type, vector[0], &s);
	CU_ASSERT_EQUAL(result.grade, HC_GRADE_EXACT);
	CU_ASSERT_EQUAL(result.claimed, 5);
	CU_ASSERT_EQUAL(result.walked, 5);
	CU_ASSERT_EQUAL(result.capacity, 10);
	CU_ASSERT_EQUAL(result.element_size, 8);
	CU_ASSERT_PTR_EQUAL(result.element, f.u64);
	CU_ASSERT_EQUAL(s.element_count, 5);
	CU_ASSERT_EQUAL(s.elements[4], buffer + 32);
	CU_ASSERT_EQUAL(s.memory_count, 1);
	CU_ASSERT_EQUAL(s.memory, buffer);
	CU_ASSERT_EQUAL(s.bytes[HC_MEMORY_BUFFER], 80);
	expect_walk(&f, type, vector[1], HC_GRADE_EXACT, NULL, 0);
	expect_walk(&f, type, vector[2], HC_GRADE_IMPLAUSIBLE, "_M_start <= ", 0);
	expect_walk(&f, type, vector[3], HC_GRADE_IMPLAUSIBLE, "not within one block", 0);
	expect_walk(&f, type, vector[4], HC_GRADE_IMPLAUSIBLE, "freed", 0);
	expect_walk(&f, type, vector[5], HC_GRADE_IMPLAUSIBLE, "% sizeof", 0);
	expect_walk(&f, type, vector[6], HC_GRADE_IMPLAUSIBLE, "not aligned", 0);
	expect_walk(&f, type, vector[7], HC_GRADE_IMPLAUSIBLE, "cannot be read", 0);
	expect_walk(&f, type, vector[8], HC_GRADE_IMPLAUSIBLE, "no buffer", 0);
	expect_walk(&f, type, vector[9], HC_GRADE_EXACT, NULL, 10);
	expect_walk(&f, type, 0x1000, HC_GRADE_IMPLAUSIBLE, "cannot be read itself", 0);
	expect_walk(&f, type, vector[0] + 4, HC_GRADE_IMPLAUSIBLE, "aligned", 0);
}

static void text(void)
{
	g_auto(fixture) f = start();
	hc_type *type = make_struct(&f, "std::basic_string", 32), *hider = make_struct(&f, "hider", 8);
	hc_address local = take(&f, 32), remote = take(&f, 32), open_end = take(&f, 32), buffer = take(&f, 40);
	seen s;
	hc_walk result;

	add_field(hider, "_M_p", pointer_to(&f, f.character), 0);
	add_field(type, "_M_dataplus", hider, 0);
	add_field(type, "_M_string_length", f.u64, 8);
	add_field(type, "_M_local_buf", array_of(&f, f.character, 16), 16);
	add_field(type, "_M_allocated_capacity", f.u64, 16);
	add_argument(&f, type, "_CharT", f.character, 0);
	put(&f, local, local + 16);
	put(&f, local + 8, 5);
	core_builder_put_bytes(f.process.core, local + 16, "hello", 6);
	put(&f, remote, buffer);
	put(&f, remote + 8, 20);
	put(&f, remote + 16, 39);
	core_builder_put_bytes(f.process.core, buffer, "twenty characters ok", 21);
	put(&f, open_end, buffer);
	put(&f, open_end + 8, 7);
	put(&f, open_end + 16, 39);
	if (!dump(&f))
		return;
	add_installed(&f);
	CU_ASSERT_TRUE(hc_layout_is_string(hc_container_set_layout(f.set, type, NULL)));
	result = walk(&f, type, local, &s);
	CU_ASSERT_TRUE(result.is_inline);
	CU_ASSERT_EQUAL(result.capacity, 15);
	CU_ASSERT_EQUAL(s.elements[0], local + 16);
	CU_ASSERT_EQUAL(s.memory_count, 0);
	expect_walk(&f, type, remote, HC_GRADE_EXACT, NULL, 20);
	result = walk(&f, type, remote, &s);
	CU_ASSERT_EQUAL(s.bytes[HC_MEMORY_BUFFER], 40);
	expect_walk(&f, type, open_end, HC_GRADE_IMPLAUSIBLE, "does not end in 0", 0);
}

static void rings_are_in_order(void)
{
	g_auto(fixture) f = start();
	hc_type *type = make_struct(&f, "samples", 24);
	hc_address ring = take(&f, 24), buffer = take(&f, 64);
	seen s;
	hc_walk result;

	add_field(type, "buf", pointer_to(&f, f.u64), 0);
	add_field(type, "head", f.u32, 8);
	add_field(type, "tail", f.u32, 12);
	add_field(type, "mask", f.u32, 16);
	put(&f, ring, buffer);
	core_builder_put(f.process.core, ring + 8, 6, 4);
	core_builder_put(f.process.core, ring + 12, 10, 4);
	core_builder_put(f.process.core, ring + 16, 7, 4);
	if (!dump(&f))
		return;
	add_installed(&f);
	result = walk(&f, type, ring, &s);
	CU_ASSERT_EQUAL(result.grade, HC_GRADE_EXACT);
	CU_ASSERT_EQUAL(result.walked, 4);
	CU_ASSERT_EQUAL(s.elements[0], buffer + 48);
	CU_ASSERT_EQUAL(s.elements[1], buffer + 56);
	CU_ASSERT_EQUAL(s.elements[2], buffer);
	CU_ASSERT_TRUE(hc_layout_is_guess(hc_container_set_layout(f.set, type, NULL)));
}

static void blocks_of_elements(void)
{
	static const char description[] = "[d]\nmatch=d\nkind=segmented\nelem=u_64\nu_64=target(typeof(**map_of))\n"
					  "map_of=map_member\nmap=map_member\nblock=4\nstart=first_at\ncount=number\n"
					  "index1=map_member\nindex1_size=24\n";
	g_auto(fixture) f = start();
	hc_type *type = make_struct(&f, "d", 24), *row = pointer_to(&f, f.u64);
	hc_address deque = take(&f, 24), map = take(&f, 24), block[3], damaged = take(&f, 24), bad_map = take(&f, 24);
	seen s;
	hc_walk result;

	add_field(type, "map_member", pointer_to(&f, pointer_to(&f, row)), 0);
	add_field(type, "first_at", f.u64, 8);
	add_field(type, "number", f.u64, 16);
	for (unsigned i = 0; i < 3; i++) {
		block[i] = take(&f, 32);
		put(&f, map + i * 8, block[i]);
		put(&f, bad_map + i * 8, i == 2 ? block[i] + 16 : block[i]);
	}
	put(&f, deque, map);
	put(&f, deque + 8, 3);
	put(&f, deque + 16, 7);
	put(&f, damaged, bad_map);
	put(&f, damaged + 8, 3);
	put(&f, damaged + 16, 7);
	if (!dump(&f))
		return;
	describe(&f, description);
	result = walk(&f, type, deque, &s);
	CU_ASSERT_EQUAL(result.grade, HC_GRADE_EXACT);
	CU_ASSERT_EQUAL(result.walked, 7);
	CU_ASSERT_EQUAL(s.elements[0], block[0] + 24);
	CU_ASSERT_EQUAL(s.elements[1], block[1]);
	CU_ASSERT_EQUAL(s.elements[6], block[2] + 8);
	CU_ASSERT_EQUAL(s.bytes[HC_MEMORY_BUFFER], 96);
	CU_ASSERT_EQUAL(s.bytes[HC_MEMORY_INDEX], 24);
	expect_walk(&f, type, damaged, HC_GRADE_TRUNCATED, "not within one block", 5);
}

/* ---- lists ---- */

static const char list_description[] =
	"[list]\nmatch=list\nkind=linked\nhead=head\ntail=tail\nnext=next\nprev=prev\ncount=n\n"
	"[list without count]\nmatch=bare\nkind=linked\nhead=head\nnext=next\n";

typedef struct list_types {
	hc_type *node, *list, *bare;
} list_types;

/* struct node { node *next, *prev; u64 value; }; struct list { node *head, *tail; u64 n; }; struct bare { node *head; } */
static list_types make_list(fixture *f)
{
	list_types t = { make_struct(f, "node", 24), make_struct(f, "list", 24), make_struct(f, "bare", 8) };
	hc_type *pointer = pointer_to(f, t.node);

	add_field(t.node, "next", pointer, 0);
	add_field(t.node, "prev", pointer, 8);
	add_field(t.node, "value", f->u64, 16);
	add_field(t.list, "head", pointer, 0);
	add_field(t.list, "tail", pointer, 8);
	add_field(t.list, "n", f->u64, 16);
	add_field(t.bare, "head", pointer, 0);
	return t;
}

/* A list of COUNT nodes, each in a block of its own, or all in one. */
static hc_address put_list(fixture *f, unsigned count, bool one_block, hc_address *ret_nodes)
{
	hc_address list = take(f, 24), slab = one_block ? take(f, count * 24) : 0;

	for (unsigned i = 0; i < count; i++)
		ret_nodes[i] = slab ? slab + i * 24 : take(f, 24);
	for (unsigned i = 0; i < count; i++) {
		put(f, ret_nodes[i], i + 1 < count ? ret_nodes[i + 1] : 0);
		put(f, ret_nodes[i] + 8, i ? ret_nodes[i - 1] : 0);
	}
	put(f, list, count ? ret_nodes[0] : 0);
	put(f, list + 8, count ? ret_nodes[count - 1] : 0);
	put(f, list + 16, count);
	return list;
}

static void lists(void)
{
	g_auto(fixture) f = start();
	list_types t = make_list(&f);
	hc_address nodes[9], list[9], none[1];
	seen s;
	hc_walk result;

	list[0] = put_list(&f, 9, false, nodes);
	list[1] = put_list(&f, 9, true, nodes);
	list[2] = put_list(&f, 0, false, none);
	list[3] = put_list(&f, 9, false, nodes); /* claims one more */
	put(&f, list[3] + 16, 10);
	list[4] = put_list(&f, 9, false, nodes); /* claims less */
	put(&f, list[4] + 16, 5);
	list[5] = put_list(&f, 9, false, nodes);
	heap_free_to_bin(f.process.heap, nodes[6], HEAP_UNSORTED);
	put(&f, nodes[5], nodes[6]);
	list[6] = put_list(&f, 9, false, nodes);
	put(&f, nodes[7], nodes[3]); /* a circle: nodes[3] does not lead back */
	list[7] = put_list(&f, 9, false, nodes);
	put(&f, nodes[0], 0x4141414141414141);
	list[8] = put_list(&f, 9, false, nodes);
	put(&f, list[8] + 8, nodes[4]);
	if (!dump(&f))
		return;
	describe(&f, list_description);
	result = walk(&f, t.list, list[0], &s);
	CU_ASSERT_EQUAL(result.grade, HC_GRADE_EXACT);
	CU_ASSERT_EQUAL(result.walked, 9);
	CU_ASSERT_PTR_EQUAL(result.element, t.node);
	CU_ASSERT_EQUAL(s.bytes[HC_MEMORY_NODE], 9 * 24);
	expect_walk(&f, t.list, list[1], HC_GRADE_EXACT, NULL, 9);
	expect_walk(&f, t.list, list[2], HC_GRADE_EXACT, NULL, 0);
	expect_walk(&f, t.list, list[3], HC_GRADE_TRUNCATED, "fewer elements", 9);
	expect_walk(&f, t.list, list[4], HC_GRADE_TRUNCATED, "more elements", 5);
	expect_walk(&f, t.list, list[5], HC_GRADE_TRUNCATED, "freed", 6);
	expect_walk(&f, t.list, list[6], HC_GRADE_TRUNCATED, "lead back", 8);
	expect_walk(&f, t.list, list[7], HC_GRADE_IMPLAUSIBLE, "cannot be read", 1);
	expect_walk(&f, t.list, list[8], HC_GRADE_TRUNCATED, "tail", 9);
}

/*
 * A child of fork() has its heap in two mappings, and some block begins in one and ends in the other. SIZE: of the nodes, the second of
 * which does.
 */
static void list_in_two_mappings(uint64_t size)
{
	const hc_address first = 0x50000000, border = first + 0x4000,
			 nodes[] = { first + 0x100, border - 0x10, border + 0x4000 };
	g_auto(fixture) f = start();
	hc_type *node = make_struct(&f, "node", size), *bare = make_struct(&f, "bare", 8);
	hc_type *pointer = pointer_to(&f, node);
	seen s;

	add_field(node, "next", pointer, 0);
	add_field(node, "last", f.u64, size - 8);
	add_field(bare, "head", pointer, 0);
	core_builder_add_memory(f.process.core, first, border - first, PF_R | PF_W);
	core_builder_add_memory(f.process.core, border, 0x8000, PF_R | PF_W);
	put(&f, first, nodes[0]);
	put(&f, nodes[0], nodes[1]);
	put(&f, nodes[1], nodes[2]);
	if (!dump(&f))
		return;
	describe(&f, list_description);
	/* No block proves that these are nodes. */
	CU_ASSERT_EQUAL(walk(&f, bare, first, &s).grade, HC_GRADE_DEDUCED);
	CU_ASSERT_EQUAL(s.element_count, 3);
}

static void lists_in_two_mappings(void)
{
	list_in_two_mappings(24);
	list_in_two_mappings(80);
	list_in_two_mappings(6000);
}

static void circles_without_a_count(void)
{
	for (unsigned length = 1; length <= 9; length += 4)
		for (unsigned back = 0; back < length; back += 3) {
			g_auto(fixture) f = start();
			list_types t = make_list(&f);
			hc_address nodes[9], list = put_list(&f, length, false, nodes);
			seen s;
			hc_walk result;

			put(&f, nodes[length - 1], nodes[back]);
			if (!dump(&f))
				return;
			describe(&f, list_description);
			result = walk(&f, t.bare, list, &s);
			CU_ASSERT_NOT_EQUAL(result.grade, HC_GRADE_EXACT);
			CU_ASSERT_TRUE(result.walked < 4 * length + 4);
			UNIT_ASSERT_CONTAINS(result.reason ? result.reason : "none", "circle");
		}
}

static void visits_stop_when_asked(void)
{
	g_auto(fixture) f = start();
	list_types t = make_list(&f);
	hc_address nodes[9], list = put_list(&f, 9, false, nodes);
	const hc_layout *layout;
	seen s = { .most = 3 };
	const hc_walk_visitor visitor = { .element = see_element, .data = &s };
	hc_walk result;

	if (!dump(&f))
		return;
	describe(&f, list_description);
	layout = hc_container_set_layout(f.set, t.list, NULL);
	hc_layout_walk(layout, list, &visitor, &result);
	CU_ASSERT_EQUAL(s.element_count, 3);
	CU_ASSERT_EQUAL(result.walked, 9);
}

/* Two lists through the same struct: which of its links a head means is told by the way back. */
static void links_are_told_apart(void)
{
	g_auto(fixture) f = start();
	hc_type *entry = make_struct(&f, "session", 40), *all = make_struct(&f, NULL, 16),
		*run = make_struct(&f, NULL, 16), *head = make_struct(&f, "head", 16);
	hc_address sessions[4], heads = take(&f, 32), empty = take(&f, 16);
	seen s;
	hc_walk result;

	all->name = run->name = "(anonymous struct)";
	add_field(all, "tqe_next", pointer_to(&f, entry), 0);
	add_field(all, "tqe_prev", pointer_to(&f, pointer_to(&f, entry)), 8);
	add_field(run, "tqe_next", pointer_to(&f, entry), 0);
	add_field(run, "tqe_prev", pointer_to(&f, pointer_to(&f, entry)), 8);
	add_field(entry, "id", f.u64, 0);
	add_field(entry, "all", all, 8);
	add_field(entry, "run", run, 24);
	add_field(head, "tqh_first", pointer_to(&f, entry), 0);
	add_field(head, "tqh_last", pointer_to(&f, pointer_to(&f, entry)), 8);
	for (unsigned i = 0; i < 4; i++)
		sessions[i] = take(&f, 40);
	/* All four in one list; the last and the first, in this order, in the other. */
	for (unsigned i = 0; i < 4; i++) {
		put(&f, sessions[i] + 8, i < 3 ? sessions[i + 1] : 0);
		put(&f, sessions[i] + 16, i ? sessions[i - 1] + 8 : heads);
	}
	put(&f, heads, sessions[0]);
	put(&f, heads + 8, sessions[3] + 8);
	put(&f, heads + 16, sessions[3]);
	put(&f, heads + 24, sessions[0] + 24);
	put(&f, sessions[3] + 24, sessions[0]);
	put(&f, sessions[3] + 32, heads + 16);
	put(&f, sessions[0] + 32, sessions[3] + 24);
	put(&f, empty + 8, empty);
	if (!dump(&f))
		return;
	add_installed(&f);
	expect_walk(&f, head, heads, HC_GRADE_EXACT, NULL, 4);
	result = walk(&f, head, heads + 16, &s);
	CU_ASSERT_EQUAL(result.grade, HC_GRADE_EXACT);
	CU_ASSERT_EQUAL(result.walked, 2);
	CU_ASSERT_EQUAL(s.elements[0], sessions[3]);
	CU_ASSERT_EQUAL(s.elements[1], sessions[0]);
	expect_walk(&f, head, empty, HC_GRADE_EXACT, NULL, 0);
	expect_walk(&f, head, heads + 8, HC_GRADE_IMPLAUSIBLE, "", 0);
}

/* ---- trees and tables ---- */

static const char tree_description[] =
	"[tree]\nmatch=tree\nkind=tree\nbalanced=true\nroot=root\nleft=left\nright=right\n"
	"parent=parent\ncount=n\n"
	"[crooked]\nmatch=crooked\nkind=tree\nroot=root\nleft=left\nright=right\n";

typedef struct tree_types {
	hc_type *node, *tree, *crooked;
} tree_types;

static tree_types make_tree(fixture *f)
{
	tree_types t = { make_struct(f, "tree_node", 32), make_struct(f, "tree", 16), make_struct(f, "crooked", 16) };
	hc_type *pointer = pointer_to(f, t.node);

	add_field(t.node, "left", pointer, 0);
	add_field(t.node, "right", pointer, 8);
	add_field(t.node, "parent", pointer, 16);
	add_field(t.node, "key", f->u64, 24);
	add_field(t.tree, "root", pointer, 0);
	add_field(t.tree, "n", f->u64, 8);
	add_field(t.crooked, "root", pointer, 0);
	add_field(t.crooked, "n", f->u64, 8);
	return t;
}

/* The nodes [low, high) as a balanced tree; its root. No recursion deeper than their logarithm. */
static hc_address put_subtree(fixture *f, const hc_address *nodes, unsigned low, unsigned high, hc_address parent)
{
	unsigned middle = low + (high - low) / 2;

	if (low >= high)
		return 0;
	put(f, nodes[middle], put_subtree(f, nodes, low, middle, nodes[middle]));
	put(f, nodes[middle] + 8, put_subtree(f, nodes, middle + 1, high, nodes[middle]));
	put(f, nodes[middle] + 16, parent);
	return nodes[middle];
}

static hc_address put_tree(fixture *f, unsigned count, hc_address *ret_nodes)
{
	hc_address tree = take(f, 16);

	for (unsigned i = 0; i < count; i++)
		ret_nodes[i] = take(f, 32);
	put(f, tree, put_subtree(f, ret_nodes, 0, count, 0));
	put(f, tree + 8, count);
	return tree;
}

static void trees(void)
{
	enum {
		COUNT = 200
	};
	g_auto(fixture) f = start();
	tree_types t = make_tree(&f);
	hc_address nodes[COUNT], other[COUNT], list[COUNT], tree[4];
	unsigned wrong = 0;
	seen s;
	hc_walk result;

	tree[0] = put_tree(&f, COUNT, nodes);
	tree[1] = put_tree(&f, COUNT, other);
	put(&f, other[150] + 16, other[0]);  /* a parent that is none */
	tree[2] = put_tree(&f, COUNT, list); /* all to the left */
	for (unsigned i = 0; i < COUNT; i++) {
		put(&f, list[i], i + 1 < COUNT ? list[i + 1] : 0);
		put(&f, list[i] + 8, 0);
		put(&f, list[i] + 16, i ? list[i - 1] : 0);
	}
	put(&f, tree[2], list[0]);
	tree[3] = put_tree(&f, 7, list);
	put(&f, list[6] + 8, list[3]); /* to the root */
	if (!dump(&f))
		return;
	describe(&f, tree_description);
	result = walk(&f, t.tree, tree[0], &s);
	CU_ASSERT_EQUAL(result.grade, HC_GRADE_EXACT);
	CU_ASSERT_EQUAL(result.walked, COUNT);
	for (unsigned i = 0; i < COUNT; i++)
		wrong += s.elements[i] != nodes[i];
	CU_ASSERT_EQUAL(wrong, 0);
	expect_walk(&f, t.crooked, tree[0], HC_GRADE_EXACT, NULL, COUNT);
	result = walk(&f, t.tree, tree[1], &s);
	CU_ASSERT_EQUAL(result.grade, HC_GRADE_TRUNCATED);
	UNIT_ASSERT_CONTAINS(result.reason, "parent");
	expect_walk(&f, t.tree, tree[2], HC_GRADE_IMPLAUSIBLE, "deeper", 0);
	expect_walk(&f, t.crooked, tree[2], HC_GRADE_EXACT, NULL, COUNT);
	result = walk(&f, t.tree, tree[3], &s);
	CU_ASSERT_NOT_EQUAL(result.grade, HC_GRADE_EXACT);
	/* Without a count and without parents nothing but the budget ends it. */
	result = walk(&f, t.crooked, tree[3], &s);
	CU_ASSERT_NOT_EQUAL(result.grade, HC_GRADE_EXACT);
}

static void tables(void)
{
	static const char open_description[] =
		"[open]\nmatch=open\nkind=slots\nelem=*keys\ntable=keys\nslots=n\nused=keys[index] != 0\ncount=used_slots\n";
	g_auto(fixture) f = start();
	list_types t = make_list(&f);
	hc_type *table = make_struct(&f, "table", 24), *open_table = make_struct(&f, "open", 24);
	hc_address heads = take(&f, 64), keys = take(&f, 64), at = take(&f, 24), open_at = take(&f, 24), nodes[6];
	seen s;
	hc_walk result;

	add_field(table, "heads", pointer_to(&f, pointer_to(&f, t.node)), 0);
	add_field(table, "n", f.u64, 8);
	add_field(table, "used_slots", f.u64, 16);
	add_field(open_table, "keys", pointer_to(&f, f.u64), 0);
	add_field(open_table, "n", f.u64, 8);
	add_field(open_table, "used_slots", f.u64, 16);
	for (unsigned i = 0; i < 6; i++)
		nodes[i] = take(&f, 24);
	put(&f, heads + 8, nodes[0]);
	put(&f, nodes[0], nodes[1]);
	put(&f, heads + 40, nodes[2]);
	put(&f, nodes[2], nodes[3]);
	put(&f, nodes[3], nodes[4]);
	put(&f, keys + 16, 77);
	put(&f, keys + 56, 78);
	for (unsigned i = 0; i < 2; i++) {
		put(&f, i ? open_at : at, i ? keys : heads);
		put(&f, (i ? open_at : at) + 8, 8);
		put(&f, (i ? open_at : at) + 16, i ? 2 : 5);
	}
	if (!dump(&f))
		return;
	describe(&f,
		"[table]\nmatch=table\nkind=buckets\ntable=heads\nbuckets=n\nnode=**heads\nnext=next\ncount=used_slots\n");
	describe(&f, open_description);
	result = walk(&f, table, at, &s);
	CU_ASSERT_EQUAL(result.grade, HC_GRADE_EXACT);
	CU_ASSERT_EQUAL(result.walked, 5);
	CU_ASSERT_EQUAL(s.bytes[HC_MEMORY_INDEX], 64);
	CU_ASSERT_EQUAL(s.bytes[HC_MEMORY_NODE], 5 * 24);
	result = walk(&f, open_table, open_at, &s);
	CU_ASSERT_EQUAL(result.grade, HC_GRADE_EXACT);
	CU_ASSERT_EQUAL(result.walked, 2);
	CU_ASSERT_EQUAL(s.elements[0], keys + 16);
	CU_ASSERT_EQUAL(s.elements[1], keys + 56);
	CU_ASSERT_EQUAL(s.bytes[HC_MEMORY_BUFFER], 64);
}

/* ---- damage ---- */

/* Walks may look at so many bytes more, instead of at what a set starts with. */
static void leave_budget(fixture *f, uint64_t bytes)
{
	CU_ASSERT_TRUE(hc_container_set_charge(f->set, hc_container_set_budget(f->set) - bytes));
}

/* Every container of the heap, with words of it overwritten: any grade will do, but it must end, and the claim is never more than walked. */
static void random_damage_ends(void)
{
	enum {
		ROUNDS = 300,
		COUNT = 60,
		BUDGET = 1 << 22 /* some hundred times all that is there */
	};
	g_autoptr(GRand) random = g_rand_new_with_seed(20261121);

	for (unsigned round = 0; round < ROUNDS; round++) {
		g_auto(fixture) f = start();
		list_types l = make_list(&f);
		tree_types t = make_tree(&f);
		hc_type *vector_type = make_vector(&f, f.u64);
		hc_address nodes[COUNT], list = put_list(&f, COUNT, round % 2, nodes),
					 tree = put_tree(&f, COUNT, nodes), buffer = take(&f, 800),
					 vector = put_vector(&f, buffer, buffer + 400, buffer + 800);
		hc_address first = list - 16, end = vector + 32;
		struct {
			const hc_type *type;
			hc_address address;
		} containers[] = { { l.list, list }, { l.bare, list }, { t.tree, tree }, { t.crooked, tree },
			{ vector_type, vector } };

		for (unsigned i = 0; i < 1 + round % 7; i++) {
			hc_address at = first + (hc_address)g_rand_int_range(random, 0, (end - first) / 8) * 8,
				   value = first + (hc_address)g_rand_int_range(random, 0, (end - first) / 8) * 8;

			put(&f, at, i % 3 ? value : (uint64_t)g_rand_int(random) << 32 | g_rand_int(random));
		}
		if (!dump(&f))
			return;
		describe(&f, list_description);
		describe(&f, tree_description);
		add_installed(&f);
		if (round % 50)
			leave_budget(&f, BUDGET);
		for (unsigned i = 0; i < G_N_ELEMENTS(containers); i++) {
			seen s;
			hc_walk result = walk(&f, containers[i].type, containers[i].address, &s);

			bool agrees = result.claimed == UINT64_MAX || result.claimed == result.walked;

			CU_ASSERT_TRUE(result.grade == HC_GRADE_EXACT ? agrees : result.reason != NULL);
		}
	}
}

/* ---- what only looks like a container ---- */

/* TYPE with one member PATH[0], which has one member PATH[1], ...: of MEMBER's type, at OFFSET. */
static void add_path(fixture *f, hc_type *type, const char *const *path, const hc_type *member, uint64_t offset)
{
	for (; path[1]; path++) {
		hc_type *inner = make_struct(f, path[0], 8);

		add_field(type, path[0], inner, offset);
		type = inner;
		offset = 0;
	}
	add_field(type, path[0], member, offset);
}

enum {
	GARBAGE_TYPES = 5,
	GARBAGE_ROUNDS = 500,
	GARBAGE_WORDS = 4
};

/* A vector, a string, a string_view, a unique_ptr, a forward_list, of at most GARBAGE_WORDS words. */
static void make_garbage_types(fixture *f, hc_type *types[GARBAGE_TYPES])
{
	hc_type *string = make_struct(f, "std::basic_string", 32), *view = make_struct(f, "std::basic_string_view", 16),
		*unique = make_struct(f, "std::unique_ptr", 8), *list = make_struct(f, "std::forward_list", 8),
		*node = make_struct(f, "std::_Fwd_list_node_base", 8);

	add_field(node, "_M_next", pointer_to(f, node), 0);
	add_path(f, string, (const char *[]){ "_M_dataplus", "_M_p", NULL }, pointer_to(f, f->character), 0);
	add_field(string, "_M_string_length", f->u64, 8);
	add_field(string, "_M_local_buf", array_of(f, f->character, 16), 16);
	add_field(string, "_M_allocated_capacity", f->u64, 16);
	add_field(view, "_M_len", f->u64, 0);
	add_field(view, "_M_str", pointer_to(f, f->character), 8);
	add_path(f, unique, (const char *[]){ "_M_t", "_M_t", "_M_head_impl", NULL }, pointer_to(f, f->u64), 0);
	add_path(f, list, (const char *[]){ "_M_impl", "_M_head", "_M_next", NULL }, pointer_to(f, node), 0);
	types[0] = make_vector(f, f->u64);
	types[1] = string;
	types[2] = view;
	types[3] = unique;
	types[4] = list;
	for (unsigned i = 1; i < GARBAGE_TYPES; i++)
		add_argument(f, types[i], "_Tp", i < 3 ? f->character : f->u64, 0);
}

/* A word of no meaning; a pointer into the middle of one of the BLOCKS, number INDEX, whose words are 0; a small number. */
static uint64_t garbage_word(GRand *random, const hc_address *blocks, unsigned index)
{
	uint64_t any = (uint64_t)g_rand_int(random) << 32 | g_rand_int(random);

	switch (any % 3) {
	case 0:
		return any;
	case 1:
		return blocks[index] + 64 + (any >> 8) % 16 * 8;
	default:
		return (any >> 8) % 64;
	}
}

/* Whatever the bytes are, where no invariant could be checked the walk is not exact: it has failed, or is deduced. */
static void garbage_is_not_exact(void)
{
	g_auto(fixture) f = start();
	hc_type *types[GARBAGE_TYPES];
	hc_address blocks[GARBAGE_WORDS], objects[GARBAGE_ROUNDS];
	GRand *random = g_rand_new_with_seed(11);
	unsigned deduced = 0;
	seen s;

	make_garbage_types(&f, types);
	for (unsigned i = 0; i < GARBAGE_WORDS; i++) {
		blocks[i] = take(&f, 1000);
		for (unsigned k = 0; k < 125; k++)
			put(&f, blocks[i] + 8 * k, 0);
	}
	for (unsigned i = 0; i < GARBAGE_ROUNDS; i++) {
		objects[i] = take(&f, 8 * GARBAGE_WORDS);
		for (unsigned k = 0; k < GARBAGE_WORDS; k++)
			put(&f, objects[i] + 8 * k, garbage_word(random, blocks, k));
	}
	g_rand_free(random);
	if (!dump(&f))
		return;
	add_installed(&f);
	for (unsigned i = 0; i < GARBAGE_ROUNDS; i++)
		for (unsigned k = 0; k < GARBAGE_TYPES; k++) {
			hc_walk result = walk(&f, types[k], objects[i], &s);

			CU_ASSERT_TRUE(result.grade != HC_GRADE_EXACT || !result.walked);
			CU_ASSERT_TRUE(result.grade != HC_GRADE_DEDUCED || (k >= 1 && result.reason));
			deduced += result.grade == HC_GRADE_DEDUCED;
		}
	CU_ASSERT_TRUE(deduced > GARBAGE_ROUNDS / 10);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "vectors, good and damaged", vectors },
		{ "text: inline, on the heap, without an end", text },
		{ "rings are visited in order", rings_are_in_order },
		{ "blocks of elements", blocks_of_elements },
		{ "lists, good and damaged", lists },
		{ "lists in two mappings", lists_in_two_mappings },
		{ "circles are found without a count", circles_without_a_count },
		{ "visits stop when asked", visits_stop_when_asked },
		{ "links through one struct are told apart", links_are_told_apart },
		{ "trees, good and damaged", trees },
		{ "tables", tables },
		{ "random damage ends", random_damage_ends },
		{ "garbage is not exact", garbage_is_not_exact },
	};

	return unit_main("containers", cases, G_N_ELEMENTS(cases));
}
