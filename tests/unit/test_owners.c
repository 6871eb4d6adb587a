/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * owners/: graphs made by hand and at random, against what the words mean: retained is what is lost
 * when the node is taken away and all is marked again; whose a block is follows from claims that
 * are computed here by trying all edges until nothing changes any more.
 */
#include "unit.h"

#include "base/bits.h"
#include "owners/owners.h"

#include <stdio.h>
#include <string.h>

typedef struct edge {
	uint32_t from, to;
	hc_graph_evidence evidence;
} edge;

/* A graph as a list of edges; block N has N % 7 + 1 bytes. */
typedef struct sample {
	uint32_t blocks, roots;
	GArray *edges;	  /* of edge */
	uint32_t *starts; /* by node, once prepared */
} sample;

static sample new_sample(uint32_t blocks, uint32_t roots)
{
	return (sample){ blocks, roots, g_array_new(FALSE, FALSE, sizeof(edge)), NULL };
}

static void clear_sample(sample *s)
{
	g_array_unref(s->edges);
	g_free(s->starts);
}

static void add(sample *s, uint32_t from, uint32_t to, hc_graph_evidence evidence)
{
	edge one = { from, to, evidence };

	g_array_append_val(s->edges, one);
}

static void add_root(sample *s, uint32_t root, uint32_t to, hc_graph_evidence evidence)
{
	add(s, s->blocks + root, to, evidence);
}

static uint64_t size_of(uint32_t block)
{
	return block % 7 + 1;
}

static void give_sizes(void *data, uint32_t first, uint32_t end, uint64_t *ret_sizes)
{
	(void)data;
	for (uint32_t block = first; block < end; block++)
		ret_sizes[block - first] = size_of(block);
}

static void give_references(void *data, unsigned worker, uint32_t first, uint32_t end, hc_graph_sink *sink)
{
	const sample *s = data;

	(void)worker;
	for (uint32_t i = s->starts[first]; i < s->starts[end]; i++) {
		const edge *one = &g_array_index(s->edges, edge, i);

		hc_graph_add(sink, one->from, one->to, one->evidence);
	}
}

static int by_node(const void *a, const void *b)
{
	const edge *left = a, *right = b;

	return left->from < right->from ? -1 : left->from > right->from;
}

/* Sorts the edges by where they come from, as a source must tell them. */
static hc_graph *build(sample *s, unsigned jobs)
{
	hc_graph_source source = { s->blocks, s->roots, give_references, give_sizes, s };
	uint32_t nodes = s->blocks + s->roots, at = 0;
	GError *error = NULL;
	hc_graph *graph;

	g_array_sort(s->edges, by_node);
	g_free(s->starts);
	s->starts = g_new(uint32_t, nodes + 1);
	for (uint32_t node = 0; node <= nodes; node++) {
		while (at < s->edges->len && g_array_index(s->edges, edge, at).from < node)
			at++;
		s->starts[node] = at;
	}
	graph = hc_graph_create(&source, jobs, &error);
	CU_ASSERT_PTR_NOT_NULL(graph);
	CU_ASSERT_PTR_NULL(error);
	g_clear_error(&error);
	return graph;
}

/*
 * Of many shapes: forests with references back, blocks that all refer to, long rows, unreachable
 * parts.
 */
static sample random_sample(GRand *random, uint32_t blocks, uint32_t roots)
{
	sample s = new_sample(blocks, roots);
	unsigned shape = g_rand_int_range(random, 0, 5);
	uint32_t count = blocks * g_rand_double_range(random, 0.5, 3);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t from = g_rand_int_range(random, 0, blocks), to = g_rand_int_range(random, 0, blocks);
		hc_graph_evidence evidence = g_rand_int_range(random, 0, shape == 4 ? 1 : HC_GRAPH_EVIDENCE_COUNT);

		if (shape == 1)
			to = MIN(from + 1 + to % 4, blocks - 1);
		if (shape == 2 && i < blocks)
			from = (to = i) / 2;
		if (shape == 3 && i % 4)
			to = from % MAX(blocks / 50, 1);
		add(&s, from, to, evidence);
	}
	for (uint32_t root = 0; root < roots; root++)
		for (int i = g_rand_int_range(random, 0, 3); i > 0; i--)
			add_root(&s, root, g_rand_int_range(random, 0, shape == 1 ? MIN(blocks, 20) : blocks),
				g_rand_int_range(random, 0, shape == 4 ? 1 : HC_GRAPH_EVIDENCE_COUNT));
	return s;
}

/* ---- retained ---- */

/* Bytes that roots lead to, without the node WITHOUT. */
static uint64_t reachable(const sample *s, uint32_t without)
{
	g_autofree uint8_t *seen = g_malloc0(s->blocks + s->roots);
	g_autofree uint32_t *todo = g_new(uint32_t, s->blocks + s->roots);
	uint32_t count = 0;
	uint64_t bytes = 0;

	for (uint32_t root = s->blocks; root < s->blocks + s->roots; root++)
		if (root != without)
			todo[count++] = root;
	while (count) {
		uint32_t node = todo[--count];

		bytes += node < s->blocks ? size_of(node) : 0;
		for (uint32_t i = s->starts[node]; i < s->starts[node + 1]; i++) {
			uint32_t to = g_array_index(s->edges, edge, i).to;

			if (to == without || seen[to])
				continue;
			seen[to] = 1;
			todo[count++] = to;
		}
	}
	return bytes;
}

static void check_retained(sample *s, GRand *random)
{
	g_autoptr(hc_graph) graph = build(s, 2);
	g_autoptr(hc_dominators) dominators = hc_dominators_create(graph, NULL);
	uint64_t all = reachable(s, HC_GRAPH_NOBODY);
	uint32_t nodes = s->blocks + s->roots, wrong = 0, step = nodes > 300 ? nodes / 100 : 1;

	if (!dominators) {
		CU_FAIL("no dominators");
		return;
	}
	for (uint32_t node = g_rand_int_range(random, 0, step); node < nodes; node += step) {
		wrong += hc_dominators_retained(dominators, node) != all - reachable(s, node);
		wrong += node >= s->blocks && hc_dominators_of(dominators, node) != HC_GRAPH_SEVERAL_ROOTS;
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void test_retained(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(1);

	for (unsigned i = 0; i < 600; i++) {
		uint32_t blocks = i % 10 ? g_rand_int_range(random, 1, 120) : g_rand_int_range(random, 1, 2000);
		sample s = random_sample(random, blocks, g_rand_int_range(random, 1, 2 + blocks / 10));

		check_retained(&s, random);
		clear_sample(&s);
	}
}

/* ---- from the top down ---- */

enum {
	GROUPS = 5
};

/* Roots and every fourth block have none. */
static uint32_t group_of(void *data, uint32_t node)
{
	const sample *s = data;

	return node >= s->blocks || node % 4 == 0 ? HC_GRAPH_NOBODY : node % 13 % GROUPS;
}

/* Marks in SEEN what roots lead to without the block WITHOUT. */
static void mark(const sample *s, uint32_t without, uint8_t *seen)
{
	g_autofree uint32_t *todo = g_new(uint32_t, s->blocks + s->roots);
	uint32_t count = 0;

	memset(seen, 0, s->blocks);
	for (uint32_t root = s->blocks; root < s->blocks + s->roots; root++)
		todo[count++] = root;
	while (count) {
		uint32_t node = todo[--count];

		for (uint32_t i = s->starts[node]; i < s->starts[node + 1]; i++) {
			uint32_t to = g_array_index(s->edges, edge, i).to;

			if (to != without && !seen[to])
				todo[count++] = to;
			seen[to] |= to != without;
		}
	}
}

/* Of each group, by taking each of its blocks away alone, and marking again. */
static void retained_by_removal(const sample *s, uint64_t *ret_retained)
{
	g_autofree uint8_t *all = g_new(uint8_t, s->blocks), *seen = g_new(uint8_t, s->blocks),
			   *gone = g_malloc0((size_t)s->blocks * GROUPS);

	memset(ret_retained, 0, GROUPS * sizeof *ret_retained);
	mark(s, HC_GRAPH_NOBODY, all);
	for (uint32_t block = 0; block < s->blocks; block++) {
		uint32_t group = group_of((void *)s, block);

		if (group == HC_GRAPH_NOBODY)
			continue;
		mark(s, block, seen);
		for (uint32_t other = 0; other < s->blocks; other++)
			gone[(size_t)group * s->blocks + other] |= all[other] && !seen[other];
	}
	for (uint32_t group = 0; group < GROUPS; group++)
		for (uint32_t block = 0; block < s->blocks; block++)
			ret_retained[group] += gone[(size_t)group * s->blocks + block] ? size_of(block) : 0;
}

static void test_groups(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(5);
	unsigned wrong = 0;

	for (unsigned i = 0; i < 300; i++) {
		uint32_t blocks = g_rand_int_range(random, 1, 120);
		sample s = random_sample(random, blocks, g_rand_int_range(random, 1, 2 + blocks / 10));
		uint64_t expected[GROUPS], found[GROUPS];
		g_autoptr(hc_graph) graph = build(&s, 1);
		g_autoptr(hc_dominators) dominators = hc_dominators_create(graph, NULL);
		g_autoptr(hc_dominator_tree) tree = hc_dominator_tree_create(dominators, NULL);

		retained_by_removal(&s, expected);
		wrong += !hc_dominator_tree_groups(tree, group_of, &s, GROUPS, found);
		wrong += memcmp(expected, found, sizeof found) != 0;
		clear_sample(&s);
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* Blocks whose numbers are as even are alike. */
static bool are_alike(void *data, uint32_t a, uint32_t b)
{
	(void)data;
	return a % 2 == b % 2;
}

static hc_accumulation accumulation(sample *s, uint32_t root)
{
	g_autoptr(hc_graph) graph = build(s, 1);
	g_autoptr(hc_dominators) dominators = hc_dominators_create(graph, NULL);
	g_autoptr(hc_dominator_tree) tree = hc_dominator_tree_create(dominators, NULL);

	return hc_dominator_tree_accumulation(tree, s->blocks + root, are_alike, NULL);
}

/* A root leads to a context (0), that to a registry (1), that to a table (2), that to many. */
static sample registry(uint32_t blocks)
{
	sample s = new_sample(blocks, 1);

	add_root(&s, 0, 0, HC_GRAPH_CERTAIN);
	add(&s, 0, 1, HC_GRAPH_CERTAIN);
	add(&s, 1, 2, HC_GRAPH_CERTAIN);
	return s;
}

static void test_accumulation_in_table(void)
{
	sample s = registry(1000);

	for (uint32_t block = 3; block < s.blocks; block++)
		add(&s, 2, block, HC_GRAPH_CERTAIN);
	hc_accumulation found = accumulation(&s, 0);

	CU_ASSERT_EQUAL(found.node, 2);
	CU_ASSERT_EQUAL(found.below, 997);
	CU_ASSERT_FALSE(found.is_list);
	CU_ASSERT_EQUAL(found.retained, reachable(&s, HC_GRAPH_NOBODY) - size_of(0) - size_of(1));
	clear_sample(&s);
}

/* A list's nodes are even, and each has an odd block; what leads to the first of them is odd. */
static void test_accumulation_in_list(void)
{
	sample s = registry(2001);

	add(&s, 2, 3, HC_GRAPH_CERTAIN);
	for (uint32_t block = 3; block + 2 < s.blocks; block += 2) {
		add(&s, block, block + 2, HC_GRAPH_CERTAIN);
		add(&s, block, block + 1, HC_GRAPH_CERTAIN);
	}
	hc_accumulation found = accumulation(&s, 0);

	CU_ASSERT_EQUAL(found.node, 2);
	CU_ASSERT_EQUAL(found.below, 1);
	CU_ASSERT(found.is_list);
	clear_sample(&s);
}

/* One large thing at the end of a list is not the list's. */
static void test_accumulation_behind_list(void)
{
	sample s = registry(2001);

	for (uint32_t block = 2; block < 200; block += 2)
		add(&s, block, block + 2, HC_GRAPH_CERTAIN);
	add(&s, 200, 201, HC_GRAPH_CERTAIN);
	for (uint32_t block = 202; block < s.blocks; block++)
		add(&s, 201, block, HC_GRAPH_CERTAIN);
	hc_accumulation found = accumulation(&s, 0);

	CU_ASSERT_EQUAL(found.node, 201);
	CU_ASSERT_FALSE(found.is_list);
	clear_sample(&s);
}

/* Of a chain of blocks that are not alike nobody can say where the list begins. */
static void test_accumulation_in_chain(void)
{
	sample s = new_sample(1000, 2);

	add_root(&s, 1, 0, HC_GRAPH_CERTAIN);
	for (uint32_t block = 0; block + 1 < s.blocks; block++)
		add(&s, block, block + 1, HC_GRAPH_CERTAIN);
	hc_accumulation found = accumulation(&s, 1), nothing = accumulation(&s, 0);

	CU_ASSERT_EQUAL(found.node, s.blocks + 1);
	CU_ASSERT(found.is_list);
	CU_ASSERT_EQUAL(nothing.node, s.blocks);
	CU_ASSERT_EQUAL(nothing.retained, 0);
	clear_sample(&s);
}

static void test_dominators(void)
{
	/* Roots 5 and 6. 5 -> 0 -> {1, 2} -> 3; 6 -> 2; 4 is lost. */
	sample s = new_sample(5, 2);

	add_root(&s, 0, 0, HC_GRAPH_CERTAIN);
	add_root(&s, 1, 2, HC_GRAPH_STALE);
	add(&s, 0, 1, HC_GRAPH_CERTAIN);
	add(&s, 0, 2, HC_GRAPH_CERTAIN);
	add(&s, 1, 3, HC_GRAPH_WORD);
	add(&s, 2, 3, HC_GRAPH_WORD);
	add(&s, 3, 0, HC_GRAPH_WORD);
	add(&s, 4, 0, HC_GRAPH_WORD);

	g_autoptr(hc_graph) graph = build(&s, 1);
	g_autoptr(hc_dominators) dominators = hc_dominators_create(graph, NULL);
	const uint32_t several = HC_GRAPH_SEVERAL_ROOTS,
		       expected[] = { several, 0, several, several, HC_GRAPH_NOBODY, several, several };

	for (uint32_t node = 0; node < 7; node++)
		CU_ASSERT_EQUAL(hc_dominators_of(dominators, node), expected[node]);
	CU_ASSERT_EQUAL(hc_dominators_retained(dominators, 4), 0);
	clear_sample(&s);
}

/* ---- whose a block is, by definition ---- */

typedef struct claim {
	uint32_t evidence, distance, owner; /* all UINT32_MAX: nobody's */
	uint32_t level, rival;
	bool direct;
} claim;

static bool counts(const claim *claims, const edge *one)
{
	return claims[one->from].evidence != UINT32_MAX &&
	       MAX(claims[one->from].evidence, (uint32_t)one->evidence) == claims[one->to].evidence;
}

static void find_evidence(const sample *s, claim *claims)
{
	for (bool changed = true; changed;) {
		changed = false;
		for (unsigned i = 0; i < s->edges->len; i++) {
			const edge *one = &g_array_index(s->edges, edge, i);
			uint32_t evidence = MAX(claims[one->from].evidence, (uint32_t)one->evidence);

			changed |= evidence < claims[one->to].evidence;
			claims[one->to].evidence = MIN(claims[one->to].evidence, evidence);
		}
	}
}

static void find_owners(const sample *s, claim *claims, uint32_t evidence)
{
	for (bool changed = true; changed;) {
		changed = false;
		for (unsigned i = 0; i < s->edges->len; i++) {
			const edge *one = &g_array_index(s->edges, edge, i);
			const claim *from = &claims[one->from];
			claim *to = &claims[one->to];
			bool begins = one->from >= s->blocks || from->evidence < evidence;
			uint32_t distance = begins ? 1 : from->distance + 1;

			if (to->evidence != evidence || !counts(claims, one) || (!begins && from->owner == UINT32_MAX))
				continue;
			if (distance > to->distance || (distance == to->distance && from->owner >= to->owner))
				continue;
			to->distance = distance;
			to->owner = from->owner;
			changed = true;
		}
	}
}

static void find_rivals(const sample *s, claim *claims)
{
	for (unsigned i = 0; i < s->edges->len; i++) {
		const edge *one = &g_array_index(s->edges, edge, i);

		claims[one->to].direct |= one->from >= s->blocks && counts(claims, one) &&
					  claims[one->from].owner == claims[one->to].owner;
	}
	for (bool changed = true; changed;) {
		changed = false;
		for (unsigned i = 0; i < s->edges->len; i++) {
			const edge *one = &g_array_index(s->edges, edge, i);
			const claim *from = &claims[one->from];
			claim *to = &claims[one->to];
			bool meets = from->owner != to->owner;
			uint32_t level = meets ? 0 : from->level + 1, rival = meets ? from->owner : from->rival;

			if (!counts(claims, one) || (to->direct && one->from < s->blocks) || rival == UINT32_MAX)
				continue;
			if (level > to->level || (level == to->level && rival >= to->rival))
				continue;
			to->level = level;
			to->rival = rival;
			changed = true;
		}
	}
}

static claim *find_claims(const sample *s)
{
	uint32_t nodes = s->blocks + s->roots;
	claim *claims = g_new(claim, nodes);

	for (uint32_t node = 0; node < nodes; node++)
		claims[node] = (claim){ UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, false };
	for (uint32_t root = 0; root < s->roots; root++) {
		claims[s->blocks + root].evidence = 0;
		claims[s->blocks + root].owner = root;
	}
	find_evidence(s, claims);
	for (uint32_t evidence = 0; evidence < HC_GRAPH_EVIDENCE_COUNT; evidence++)
		find_owners(s, claims, evidence);
	find_rivals(s, claims);
	return claims;
}

/*
 * Which blocks ROOT leads to by edges that count, past no block that is another's by direct
 * reference.
 */
static uint8_t *led_to(const sample *s, const claim *claims, uint32_t root)
{
	uint8_t *seen = g_malloc0(s->blocks + s->roots);
	g_autofree uint32_t *todo = g_new(uint32_t, s->blocks + s->roots);
	uint32_t count = 0;

	todo[count++] = s->blocks + root;
	while (count) {
		uint32_t node = todo[--count];

		for (uint32_t i = s->starts[node]; i < s->starts[node + 1]; i++) {
			const edge *one = &g_array_index(s->edges, edge, i);
			const claim *to = &claims[one->to];

			if (seen[one->to] || !counts(claims, one) ||
				(node < s->blocks && to->direct && to->owner != root))
				continue;
			seen[one->to] = 1;
			todo[count++] = one->to;
		}
	}
	return seen;
}

/* A rival leads there, and where there is none nobody else does. */
static unsigned wrong_rivals(const sample *s, const claim *claims, const hc_holds *holds)
{
	unsigned wrong = 0;
	g_autofree uint8_t *contended = g_malloc0(s->blocks);

	for (uint32_t root = 0; root < s->roots; root++) {
		g_autofree uint8_t *seen = led_to(s, claims, root);

		for (uint32_t block = 0; block < s->blocks; block++) {
			hc_claim holder = hc_holds_block(holds, block);

			contended[block] |= seen[block] && holder.owner != root;
			wrong += holder.rival == root && !seen[block];
		}
	}
	for (uint32_t block = 0; block < s->blocks; block++)
		wrong += contended[block] != (hc_holds_block(holds, block).rival != HC_GRAPH_NOBODY);
	return wrong;
}

static void check_sums(const sample *s, const hc_holds *holds)
{
	hc_holding sum = { 0 }, nobody = hc_holds_root(holds, HC_GRAPH_NOBODY);
	uint64_t all = 0;

	for (uint32_t root = 0; root < s->roots; root++) {
		hc_holding holding = hc_holds_root(holds, root);

		sum.blocks += holding.blocks;
		sum.bytes += holding.bytes;
		CU_ASSERT(holding.shared_blocks <= holding.blocks && holding.shared_bytes <= holding.bytes);
	}
	for (uint32_t block = 0; block < s->blocks; block++)
		all += size_of(block);
	CU_ASSERT_EQUAL(sum.blocks + nobody.blocks, s->blocks);
	CU_ASSERT_EQUAL(sum.bytes + nobody.bytes, all);
	CU_ASSERT_EQUAL(sum.bytes, reachable(s, HC_GRAPH_NOBODY));
	CU_ASSERT_EQUAL(nobody.shared_blocks, 0);
}

static void check_holds(sample *s)
{
	g_autoptr(hc_graph) graph = build(s, 2);
	g_autoptr(hc_holds) holds = hc_holds_create(graph, NULL);
	g_autofree claim *claims = find_claims(s);
	uint32_t wrong = 0;

	if (!holds) {
		CU_FAIL("no holds");
		return;
	}
	for (uint32_t block = 0; block < s->blocks; block++) {
		hc_claim holder = hc_holds_block(holds, block);

		wrong += holder.owner != claims[block].owner || holder.rival != claims[block].rival;
		wrong += holder.owner == HC_GRAPH_NOBODY ? holder.evidence != HC_GRAPH_EVIDENCE_COUNT :
							   holder.evidence != claims[block].evidence;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(wrong_rivals(s, claims, holds), 0);
	check_sums(s, holds);
}

static void test_holds(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(2);

	for (unsigned i = 0; i < 400; i++) {
		uint32_t blocks = i % 20 ? g_rand_int_range(random, 1, 200) : g_rand_int_range(random, 1, 2000);
		sample s = random_sample(random, blocks, g_rand_int_range(random, 1, 2 + blocks / 20));

		check_holds(&s);
		clear_sample(&s);
	}
}

/* ---- whose a block is, by hand ---- */

static hc_holds *hold(sample *s)
{
	g_autoptr(hc_graph) graph = build(s, 1);

	return hc_holds_create(graph, NULL);
}

static void assert_holder(const hc_holds *holds, uint32_t block, uint32_t owner, uint32_t rival)
{
	hc_claim holder = hc_holds_block(holds, block);

	if (holder.owner != owner || holder.rival != rival)
		printf("\nblock %u: owner %d, rival %d\n", block, (int)holder.owner, (int)holder.rival);
	CU_ASSERT(holder.owner == owner && holder.rival == rival);
}

/* Root 0: a table of all entries. Root 1: a list through them. Each entry has a text. */
static void test_shared(void)
{
	enum {
		ENTRIES = 100,
		TABLE = 2 * ENTRIES
	};
	sample s = new_sample(2 * ENTRIES + 1, 2);

	add_root(&s, 0, TABLE, HC_GRAPH_CERTAIN);
	add_root(&s, 1, 0, HC_GRAPH_CERTAIN);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		add(&s, TABLE, i, HC_GRAPH_CERTAIN);
		if (i + 1 < ENTRIES)
			add(&s, i, i + 1, HC_GRAPH_CERTAIN);
		add(&s, i, ENTRIES + i, HC_GRAPH_CERTAIN);
	}

	g_autoptr(hc_holds) holds = hold(&s);

	assert_holder(holds, TABLE, 0, HC_GRAPH_NOBODY);
	/* The list's head refers to it directly. */
	assert_holder(holds, 0, 1, HC_GRAPH_NOBODY);
	assert_holder(holds, ENTRIES, 1, HC_GRAPH_NOBODY);
	assert_holder(holds, 50, 0, 1);
	assert_holder(holds, ENTRIES + 50, 0, 1);
	CU_ASSERT_EQUAL(hc_holds_root(holds, 0).blocks, 2 * ENTRIES - 1);
	CU_ASSERT_EQUAL(hc_holds_root(holds, 0).shared_blocks, 2 * ENTRIES - 2);
	clear_sample(&s);
}

/* Root 0: a server, with a cache. Root 1: sessions, each of which leads back to the server. */
static void test_references_back(void)
{
	enum {
		SERVER,
		CACHE,
		SESSIONS,
		SESSION
	};
	sample s = new_sample(SESSION + 10, 3);

	add_root(&s, 0, SERVER, HC_GRAPH_CERTAIN);
	add(&s, SERVER, CACHE, HC_GRAPH_CERTAIN);
	add_root(&s, 1, SESSIONS, HC_GRAPH_CERTAIN);
	for (uint32_t i = 0; i < 10; i++) {
		add(&s, SESSIONS, SESSION + i, HC_GRAPH_CERTAIN);
		add(&s, SESSION + i, SERVER, HC_GRAPH_CERTAIN);
	}

	g_autoptr(hc_holds) alone = hold(&s);

	assert_holder(alone, SERVER, 0, HC_GRAPH_NOBODY);
	assert_holder(alone, CACHE, 0, HC_GRAPH_NOBODY);
	assert_holder(alone, SESSION + 5, 1, HC_GRAPH_NOBODY);
	add_root(&s, 2, SERVER, HC_GRAPH_CERTAIN);

	g_autoptr(hc_holds) named_twice = hold(&s);

	assert_holder(named_twice, SERVER, 0, 2);
	assert_holder(named_twice, CACHE, 0, 2);
	clear_sample(&s);
}

/*
 * Root 0: a typed list, whose last node refers to a buffer by a void *. Root 1: a chain of words to
 * the same buffer.
 */
static void test_nearest(void)
{
	enum {
		NODES = 1000,
		BUFFER = NODES,
		CHAIN
	};
	sample s = new_sample(CHAIN + 4, 2);

	add_root(&s, 0, 0, HC_GRAPH_CERTAIN);
	for (uint32_t i = 0; i + 1 < NODES; i++)
		add(&s, i, i + 1, HC_GRAPH_CERTAIN);
	add(&s, NODES - 1, BUFFER, HC_GRAPH_WORD);
	add_root(&s, 1, CHAIN, HC_GRAPH_WORD);
	for (uint32_t i = 0; i < 3; i++)
		add(&s, CHAIN + i, CHAIN + i + 1, HC_GRAPH_WORD);
	add(&s, CHAIN + 3, BUFFER, HC_GRAPH_WORD);
	add(&s, CHAIN + 3, 10, HC_GRAPH_WORD);

	g_autoptr(hc_holds) holds = hold(&s);

	assert_holder(holds, BUFFER, 0, 1);
	CU_ASSERT_EQUAL(hc_holds_block(holds, BUFFER).evidence, HC_GRAPH_WORD);
	assert_holder(holds, 10, 0, HC_GRAPH_NOBODY);
	CU_ASSERT_EQUAL(hc_holds_block(holds, 10).evidence, HC_GRAPH_CERTAIN);
	clear_sample(&s);
}

/* Whatever weaker references come on top: what had an owner has the same, with the same rival. */
static void test_weak_never_takes(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(3);
	unsigned wrong = 0, gained = 0;

	for (unsigned i = 0; i < 200; i++) {
		uint32_t blocks = g_rand_int_range(random, 2, 500), roots = g_rand_int_range(random, 1, 10);
		sample s = random_sample(random, blocks, roots);

		for (unsigned k = 0; k < s.edges->len; k++)
			if (g_array_index(s.edges, edge, k).evidence == HC_GRAPH_STALE)
				g_array_index(s.edges, edge, k).evidence = HC_GRAPH_BEYOND;
		g_autoptr(hc_holds) before = hold(&s);

		for (uint32_t k = 0; k < blocks; k++)
			add(&s, g_rand_int_range(random, 0, blocks + roots), g_rand_int_range(random, 0, blocks),
				HC_GRAPH_STALE);
		g_autoptr(hc_holds) after = hold(&s);

		for (uint32_t block = 0; block < blocks; block++) {
			hc_claim old = hc_holds_block(before, block), new = hc_holds_block(after, block);

			if (old.owner == HC_GRAPH_NOBODY)
				gained += new.owner != HC_GRAPH_NOBODY;
			else
				wrong += old.owner != new.owner || old.rival != new.rival ||
					 old.evidence != new.evidence;
		}
		clear_sample(&s);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(gained > 0);
}

/* ---- rivals ---- */

/* The edges of S that rivals are found by: of roots all; of blocks those that cross, or those within CONTESTED owners. */
static sample part_of(const sample *s, const uint32_t *owners, const uint32_t *ranks, const uint64_t *contested)
{
	sample part = new_sample(s->blocks, s->roots);

	for (unsigned i = 0; i < s->edges->len; i++) {
		edge one = g_array_index(s->edges, edge, i);
		uint32_t from = one.from < s->blocks ? owners[one.from] : one.from - s->blocks;

		if (one.from >= s->blocks ||
			(contested ? from == owners[one.to] && from != HC_GRAPH_NOBODY && hc_bit(contested, from) :
				     hc_rivals_may_cross(owners, ranks, from, one.to)))
			g_array_append_val(part.edges, one);
	}
	return part;
}

/* Of each block its rival, by the graph of all references. Free with g_free(). */
static uint32_t *rivals_by_all(sample *s, const uint32_t *owners, const uint32_t *ranks)
{
	g_autoptr(hc_graph) graph = build(s, 1);
	g_autoptr(hc_rivals) rivals = hc_rivals_create(graph, owners, ranks, NULL);
	uint32_t *found = g_new(uint32_t, s->blocks + 1);

	CU_ASSERT(rivals && hc_rivals_find(rivals, graph, NULL));
	for (uint32_t block = 0; rivals && block < s->blocks; block++)
		found[block] = hc_rivals_of(rivals, block);
	return found;
}

/* How many blocks have another rival by two graphs of what matters than by that of all references. */
static unsigned count_wrong_rivals(sample *s, const uint32_t *owners, const uint32_t *ranks, unsigned *ret_some)
{
	g_autofree uint32_t *truth = rivals_by_all(s, owners, ranks);
	sample crossing = part_of(s, owners, ranks, NULL), within = new_sample(s->blocks, s->roots);
	g_autoptr(hc_graph) crossing_graph = build(&crossing, 1), within_graph = NULL;
	g_autoptr(hc_rivals) rivals = hc_rivals_create(crossing_graph, owners, ranks, NULL);
	unsigned wrong = 0;

	if (hc_rivals_contested(rivals)) {
		clear_sample(&within);
		within = part_of(s, owners, ranks, hc_rivals_contested(rivals));
		within_graph = build(&within, 1);
		CU_ASSERT(hc_rivals_find(rivals, within_graph, NULL));
	}
	for (uint32_t block = 0; block < s->blocks; block++) {
		wrong += hc_rivals_of(rivals, block) != truth[block];
		*ret_some += truth[block] != HC_GRAPH_NOBODY;
	}
	clear_sample(&crossing);
	clear_sample(&within);
	return wrong;
}

static void test_parts(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(17);
	unsigned wrong = 0, some = 0;

	for (unsigned turn = 300; turn--;) {
		uint32_t roots = g_rand_int_range(random, 1, 12), blocks = g_rand_int_range(random, 1, 400);
		sample s = random_sample(random, blocks, roots);
		g_autofree uint32_t *owners = g_new(uint32_t, blocks + 1), *ranks = g_new(uint32_t, roots + 1);
		int stretch = g_rand_int_range(random, 1, 60);

		for (uint32_t root = 0; root < roots; root++) {
			ranks[root] = g_rand_int_range(random, 0, 2);
			for (int i = g_rand_int_range(random, 0, 40) - 20; i > 0; i--)
				add_root(&s, root, g_rand_int_range(random, 0, blocks), HC_GRAPH_WORD);
		}
		for (uint32_t block = 0; block < blocks; block++) {
			uint32_t owner = block / stretch % (roots + 1);

			owners[block] = owner < roots ? owner : HC_GRAPH_NOBODY;
		}
		wrong += count_wrong_rivals(&s, owners, ranks, &some);
		clear_sample(&s);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(some > 1000);
}

/*
 * Root 0 has a table of items, root 1 a list whose nodes lead to all of them; root 2 leads to one node in the middle of that list, root 3 has
 * sessions that all lead back to the table.
 */
static void test_rivals(void)
{
	enum {
		ITEMS = 70, /* sizes repeat after 7 */
		TABLE = ITEMS,
		NODES,
		SESSIONS = NODES + 7 * ITEMS,
		BLOCKS = SESSIONS + ITEMS
	};
	sample s = new_sample(BLOCKS, 4);
	uint32_t owners[BLOCKS], ranks[4] = { 0 };
	unsigned some = 0;

	add_root(&s, 0, TABLE, HC_GRAPH_CERTAIN);
	add_root(&s, 1, NODES, HC_GRAPH_WORD);
	for (uint32_t i = 0; i < BLOCKS; i++)
		owners[i] = i < NODES ? 0 : i < SESSIONS ? 1 : 3;
	for (uint32_t i = 0; i < ITEMS; i++) {
		uint32_t node = NODES + 7 * i; /* of one size; the others of root 1 are led to by nobody */

		add(&s, TABLE, i, HC_GRAPH_WORD);
		add(&s, node, i, HC_GRAPH_WORD);
		if (i + 1 < ITEMS) {
			add(&s, node, node + 7, HC_GRAPH_WORD);
			add(&s, node + 7, node, HC_GRAPH_WORD);
		}
		add_root(&s, 3, SESSIONS + i, HC_GRAPH_WORD);
		add(&s, SESSIONS + i, TABLE, HC_GRAPH_WORD);
	}
	add_root(&s, 2, NODES + 7 * 30, HC_GRAPH_WORD);

	g_autofree uint32_t *rivals = rivals_by_all(&s, owners, ranks);
	unsigned wrong = 0;

	for (uint32_t i = 0; i < BLOCKS; i++)
		wrong += rivals[i] != (i < ITEMS ? 1 : HC_GRAPH_NOBODY);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(count_wrong_rivals(&s, owners, ranks, &some), 0);
	CU_ASSERT_EQUAL(some, ITEMS);
	clear_sample(&s);
}

/* ---- building ---- */

static void test_doubles(void)
{
	sample s = new_sample(3, 1);
	uint64_t count = 0;

	add_root(&s, 0, 0, HC_GRAPH_CERTAIN);
	for (unsigned i = 0; i < 100000; i++) {
		add(&s, 0, 1, HC_GRAPH_STALE);
		add(&s, 0, 2, i == 77777 ? HC_GRAPH_DEDUCED : HC_GRAPH_BEYOND);
		add(&s, 0, 0, HC_GRAPH_CERTAIN);
	}
	add(&s, 2, 1, HC_GRAPH_WORD);
	add(&s, 2, 1, HC_GRAPH_STALE);

	g_autoptr(hc_graph) graph = build(&s, 1);

	for (unsigned evidence = 0; evidence < HC_GRAPH_EVIDENCE_COUNT; evidence++)
		count += hc_graph_edge_count(graph, evidence);
	CU_ASSERT_EQUAL(count, 4);
	CU_ASSERT_EQUAL(hc_graph_edge_count(graph, HC_GRAPH_DEDUCED), 1);
	CU_ASSERT_EQUAL(hc_graph_edge_count(graph, HC_GRAPH_WORD), 1);
	CU_ASSERT_EQUAL(hc_graph_edge_count(graph, HC_GRAPH_STALE), 1);
	clear_sample(&s);
}

static void test_empty(void)
{
	sample s = new_sample(0, 0);
	g_autoptr(hc_graph) graph = build(&s, 0);
	g_autoptr(hc_holds) holds = hc_holds_create(graph, NULL);
	g_autoptr(hc_dominators) dominators = hc_dominators_create(graph, NULL);

	CU_ASSERT_PTR_NOT_NULL(dominators);
	CU_ASSERT_EQUAL(hc_holds_root(holds, HC_GRAPH_NOBODY).blocks, 0);
	clear_sample(&s);
}

static void test_too_many(void)
{
	hc_graph_source source = { HC_GRAPH_NODES_MAX, 1, NULL, NULL, NULL };
	g_autoptr(GError) error = NULL;

	CU_ASSERT_PTR_NULL(hc_graph_create(&source, 1, &error));
	CU_ASSERT_PTR_NOT_NULL(error);
}

/*
 * The same with any number of workers; and whatever the order in which a node's references are
 * told.
 */
static void test_workers(void)
{
	const unsigned jobs[] = { 1, 2, 3, 8 };
	g_autoptr(GRand) random = g_rand_new_with_seed(4);
	sample s = random_sample(random, 60000, 500);
	g_autoptr(hc_graph) first = build(&s, 1);
	g_autoptr(hc_holds) holds = hc_holds_create(first, NULL);
	g_autoptr(hc_dominators) dominators = hc_dominators_create(first, NULL);

	for (unsigned i = 0; i < G_N_ELEMENTS(jobs); i++) {
		unsigned wrong = 0;

		for (unsigned k = s.edges->len; k > 1; k--) {
			edge *a = &g_array_index(s.edges, edge, k - 1),
			     *b = &g_array_index(s.edges, edge, g_rand_int_range(random, 0, k)), kept = *a;

			*a = *b;
			*b = kept;
		}
		g_autoptr(hc_graph) graph = build(&s, jobs[i]);
		g_autoptr(hc_holds) again = hc_holds_create(graph, NULL);
		g_autoptr(hc_dominators) dominators_again = hc_dominators_create(graph, NULL);

		for (uint32_t node = 0; node < s.blocks + s.roots; node++) {
			wrong += hc_dominators_of(dominators, node) != hc_dominators_of(dominators_again, node);
			wrong += hc_dominators_retained(dominators, node) !=
				 hc_dominators_retained(dominators_again, node);
		}
		for (uint32_t block = 0; block < s.blocks; block++) {
			hc_claim a = hc_holds_block(holds, block), b = hc_holds_block(again, block);

			wrong += a.owner != b.owner || a.rival != b.rival || a.evidence != b.evidence;
		}
		CU_ASSERT_EQUAL(wrong, 0);
	}
	clear_sample(&s);
}

/* ---- large ---- */

/* A list linked both ways; every block leads back to the first, too. */
static void give_list(void *data, unsigned worker, uint32_t first, uint32_t end, hc_graph_sink *sink)
{
	uint32_t blocks = GPOINTER_TO_UINT(data);

	(void)worker;
	for (uint32_t node = first; node < end; node++) {
		if (node + 1 < blocks)
			hc_graph_add(sink, node, node + 1, HC_GRAPH_CERTAIN);
		if (node && node < blocks)
			hc_graph_add(sink, node, node - 1, HC_GRAPH_WORD);
		hc_graph_add(sink, node, 0, HC_GRAPH_DEDUCED);
	}
}

static void one_byte_each(void *data, uint32_t first, uint32_t end, uint64_t *ret_sizes)
{
	(void)data;
	for (uint32_t block = first; block < end; block++)
		ret_sizes[block - first] = 1;
}

static void test_deep(void)
{
	const uint32_t blocks = 10000000;
	hc_graph_source source = { blocks, 1, give_list, one_byte_each, GUINT_TO_POINTER(blocks) };
	g_autoptr(hc_graph) graph = hc_graph_create(&source, 2, NULL);
	g_autoptr(hc_dominators) dominators = graph ? hc_dominators_create(graph, NULL) : NULL;
	g_autoptr(hc_holds) holds = graph ? hc_holds_create(graph, NULL) : NULL;
	unsigned wrong = 0;

	if (!dominators || !holds) {
		CU_FAIL("no memory");
		return;
	}
	for (uint32_t block = 0; block < blocks; block++)
		wrong += hc_dominators_retained(dominators, block) != blocks - block;
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(hc_holds_root(holds, 0).blocks, blocks);
}

/*
 * A chain of which the last and the first block refer to as many blocks beside it: a walk along it
 * for each would be quadratic.
 */
static void give_comb(void *data, unsigned worker, uint32_t first, uint32_t end, hc_graph_sink *sink)
{
	uint32_t blocks = GPOINTER_TO_UINT(data), half = blocks / 2;

	(void)worker;
	for (uint32_t node = first; node < end; node++) {
		if (node + 1 < half)
			hc_graph_add(sink, node, node + 1, HC_GRAPH_CERTAIN);
		for (uint32_t i = half; (node == half - 1 || node == 1) && i < blocks; i++)
			hc_graph_add(sink, node, i, HC_GRAPH_CERTAIN);
		if (node >= blocks)
			hc_graph_add(sink, node, 0, HC_GRAPH_CERTAIN);
	}
}

static void test_not_quadratic(void)
{
	const uint32_t blocks = 1000000;
	hc_graph_source source = { blocks, 1, give_comb, one_byte_each, GUINT_TO_POINTER(blocks) };
	g_autoptr(hc_graph) graph = hc_graph_create(&source, 2, NULL);
	g_autoptr(hc_dominators) dominators = graph ? hc_dominators_create(graph, NULL) : NULL;

	if (!dominators) {
		CU_FAIL("no memory");
		return;
	}
	CU_ASSERT_EQUAL(hc_dominators_retained(dominators, 1), blocks - 1);
	CU_ASSERT_EQUAL(hc_dominators_retained(dominators, 2), blocks / 2 - 2);
	CU_ASSERT_EQUAL(hc_dominators_of(dominators, blocks - 1), 1);
}

int main(void)
{
	const unit_case cases[] = {
		{ "retained is what is lost without a node", test_retained },
		{ "dominators, by hand", test_dominators },
		{ "groups retain what is lost without one of them", test_groups },
		{ "a table accumulates", test_accumulation_in_table },
		{ "a list accumulates at its head", test_accumulation_in_list },
		{ "a list does not hide what is behind it", test_accumulation_behind_list },
		{ "a chain accumulates where it begins", test_accumulation_in_chain },
		{ "owners and rivals follow from the definition", test_holds },
		{ "an index and a list share", test_shared },
		{ "references back take nothing", test_references_back },
		{ "near is few steps on the weakest ground", test_nearest },
		{ "a weaker reference never takes", test_weak_never_takes },
		{ "what leads to an owner's blocks from outside makes a rival, once it is many", test_rivals },
		{ "rivals by the references that matter are those by all", test_parts },
		{ "the strongest of several references stays", test_doubles },
		{ "nothing at all", test_empty },
		{ "too many nodes are refused", test_too_many },
		{ "the same with any number of workers", test_workers },
		{ "ten million in a row", test_deep },
		{ "a long chain with many blocks beside it", test_not_quadratic },
	};

	return unit_main("owners", cases, G_N_ELEMENTS(cases));
}
