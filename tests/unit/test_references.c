/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * references/: small graphs written as text. "root->a a->b c->c" makes three blocks; the library's data points to a, a to b, and c to
 * itself. Blocks lie in memory in the order in which the text names them first.
 *
 *	a, b, ...	a block of 120 bytes in use; its pointers begin behind 32 bytes
 *	T.., F.., B..	one that is freed, after the pointers were written: to the tcache, a fastbin, the unsorted bin
 *	M.., L..	an mmapped one; a large one, of 4088 bytes
 *	x+8, x+120	where in the block it points; 120 is the size field behind it
 *	root, stack, below, tls, anon, read, reg	where the pointer stands: libc's data, the main thread's stack above and below its
 *			stack pointer, thread-local storage, an anonymous mapping, one that is read-only, a register
 */
#include "test_process.h"
#include "unit.h"
#include "wording/wording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NODE_SIZE = 120,
	FIRST_POINTER = 32,
	ROOTS_MAX = 64
};

static const hc_address anonymous = 0x7fffa0000000, read_only = 0x7fffa8000000, mapped_nodes = 0x7fffd0000000;

typedef struct graph_node {
	char *name;
	hc_address address;
	unsigned used; /* pointers written */
	bool freed;
} graph_node;

typedef struct graph {
	test_process process;
	GArray *nodes; /* of graph_node */
	unsigned mapped, placed[8];
} graph;

static void stop(graph *g)
{
	process_stop(&g->process);
	for (unsigned i = 0; i < g->nodes->len; i++)
		g_free(g_array_index(g->nodes, graph_node, i).name);
	g_array_unref(g->nodes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(graph, stop)

static graph start(uint64_t size)
{
	graph g = { .process = process_start("2.36", size, size),
		.nodes = g_array_new(FALSE, TRUE, sizeof(graph_node)) };

	heap_add_cache(g.process.heap, 0, 0);
	core_builder_add_memory(g.process.core, anonymous, 0x1000, PF_R | PF_W);
	core_builder_add_memory(g.process.core, read_only, 0x1000, PF_R);
	core_builder_put_word(
		g.process.core, read_only, 1); /* else it would be taken for address space without access */
	core_builder_add_memory(g.process.core, mapped_nodes, 0x10000, PF_R | PF_W);
	return g;
}

static bool run(graph *g, unsigned jobs)
{
	return process_run(&g->process, jobs);
}

/* ---- reading the text ---- */

static graph_node *find_node(graph *g, const char *name)
{
	for (unsigned i = 0; i < g->nodes->len; i++)
		if (!strcmp(g_array_index(g->nodes, graph_node, i).name, name))
			return &g_array_index(g->nodes, graph_node, i);
	graph_node made = { .name = g_strdup(name) };

	if (name[0] == 'M') {
		made.address = heap_mmap(g->process.heap, mapped_nodes + 0x1000 * g->mapped++, 0x1000, 0);
	} else {
		uint64_t size = name[0] == 'B' ? 200 : name[0] == 'F' ? 104 : name[0] == 'L' ? 4088 : NODE_SIZE;

		made.address = heap_malloc(g->process.heap, 0, size);
		/* The next block keeps neighbours apart. It is reachable, and no part of the graph. */
		core_builder_put_word(
			g->process.core, anonymous + 0x800 + 8 * g->nodes->len, heap_malloc(g->process.heap, 0, 24));
	}
	g_array_append_val(g->nodes, made);
	return &g_array_index(g->nodes, graph_node, g->nodes->len - 1);
}

/* Where the next pointer of a root goes. */
static bool place_of(graph *g, const char *name, hc_address *ret_place)
{
	static const char *const names[] = { "root", "stack", "below", "tls", "anon", "read" };
	const heap_thread *thread = heap_thread_at(g->process.heap, 0);
	const hc_address places[] = {
		heap_kept_at(g->process.heap, 0),
		thread->stack_pointer + 8,
		thread->stack_pointer - 0x400,
		thread->pointer - 0x30,
		anonymous,
		read_only + 8,
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
		if (!strcmp(names[i], name)) {
			*ret_place = places[i] + 8 * g->placed[i]++;
			return true;
		}
	return false;
}

static void add_edge(graph *g, const char *from, const char *to)
{
	g_auto(GStrv) target = g_strsplit(to, "+", 2);
	hc_address place = 0, value;
	unsigned source = UINT_MAX;

	if (strcmp(from, "reg") && !place_of(g, from, &place))
		source = find_node(g, from) - (graph_node *)(void *)g->nodes->data;
	value = find_node(g, target[0])->address + (target[1] ? g_ascii_strtoll(target[1], NULL, 10) : 0);
	if (!strcmp(from, "reg")) {
		*(g->placed[7]++ ? &heap_thread_at(g->process.heap, 0)->r12 :
				   &heap_thread_at(g->process.heap, 0)->rbx) = value;
		return;
	}
	if (source != UINT_MAX) {
		graph_node *node = &g_array_index(g->nodes, graph_node, source);

		place = node->address + FIRST_POINTER + 8 * node->used++;
	}
	core_builder_put_word(g->process.core, place, value);
}

static void parse(graph *g, const char *text)
{
	g_auto(GStrv) edges = g_strsplit(text, " ", -1);

	for (unsigned i = 0; edges[i]; i++) {
		g_auto(GStrv) ends = g_strsplit(edges[i], "->", 2);

		if (ends[1])
			add_edge(g, ends[0], ends[1]);
		else
			find_node(g, ends[0]);
	}
	for (unsigned i = 0; i < g->nodes->len; i++) {
		const graph_node *node = &g_array_index(g->nodes, graph_node, i);

		if (node->name[0] == 'T')
			heap_free_to_cache(g->process.heap, heap_thread_at(g->process.heap, 0)->cache, node->address);
		else if (node->name[0] == 'F')
			heap_free_to_fastbin(g->process.heap, node->address);
		else if (node->name[0] == 'B')
			heap_free_to_bin(g->process.heap, node->address, HEAP_UNSORTED);
	}
}

/* ---- the result as text: "reachable: a b; directly lost: c" ---- */

static hc_reach reach_of(const graph *g, hc_address address)
{
	hc_block block;

	if (!hc_blocks_find(g->process.stages.blocks, address, &block))
		return HC_REACH_NONE;
	return hc_references_reach(g->process.stages.references, block.number);
}

static char *describe(const graph *g)
{
	static const hc_reach order[] = { HC_REACH_REACHABLE, HC_REACH_INNER, HC_REACH_ENCODED, HC_REACH_POSSIBLY_LOST,
		HC_REACH_DIRECTLY_LOST, HC_REACH_INDIRECTLY_LOST, HC_REACH_NONE };
	static const char *const names[] = { "reachable", "inside", "encoded", "possibly", "directly", "indirectly",
		"none" };
	GString *text = g_string_new(NULL);

	for (unsigned k = 0; k < G_N_ELEMENTS(order); k++) {
		bool first = true;

		for (unsigned i = 0; i < g->nodes->len; i++) {
			const graph_node *node = &g_array_index(g->nodes, graph_node, i);

			if (reach_of(g, node->address) != order[k])
				continue;
			if (first)
				g_string_append_printf(text, "%s%s:", text->len ? "; " : "", names[k]);
			first = false;
			g_string_append_printf(text, " %s", node->name);
		}
	}
	return g_string_free(text, FALSE);
}

/* The totals are those of the blocks, one by one; and going through the lost ones finds them all. */
static void check_totals(const graph *g)
{
	const hc_references_totals *totals = hc_references_get_totals(g->process.stages.references);
	hc_amount sums[HC_REACH_ENCODED + 1] = { 0 };
	hc_block_iterator iterator;
	hc_block block, lost;
	hc_reach reach;
	uint32_t number = 0;

	hc_block_iterator_init(&iterator, g->process.stages.blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		reach = hc_references_reach(g->process.stages.references, block.number);
		CU_ASSERT_EQUAL(reach == HC_REACH_NONE, block.state != HC_BLOCK_IN_USE);
		sums[reach].blocks++;
		sums[reach].bytes += block.size;
		if (reach == HC_REACH_DIRECTLY_LOST || reach == HC_REACH_INDIRECTLY_LOST) {
			hc_reach told;

			CU_ASSERT_TRUE(hc_references_next_lost(g->process.stages.references, &number, &lost, &told));
			CU_ASSERT_EQUAL(lost.number, block.number);
			CU_ASSERT_EQUAL(told, reach);
		}
	}
	CU_ASSERT_FALSE(hc_references_next_lost(g->process.stages.references, &number, &lost, &reach));
	CU_ASSERT_EQUAL(totals->directly_lost.blocks, sums[HC_REACH_DIRECTLY_LOST].blocks);
	CU_ASSERT_EQUAL(totals->directly_lost.bytes, sums[HC_REACH_DIRECTLY_LOST].bytes);
	CU_ASSERT_EQUAL(totals->indirectly_lost.blocks, sums[HC_REACH_INDIRECTLY_LOST].blocks);
	CU_ASSERT_EQUAL(totals->indirectly_lost.bytes, sums[HC_REACH_INDIRECTLY_LOST].bytes);
	CU_ASSERT_EQUAL(totals->possibly_lost.blocks, sums[HC_REACH_POSSIBLY_LOST].blocks);
	CU_ASSERT_EQUAL(totals->possibly_lost.bytes, sums[HC_REACH_POSSIBLY_LOST].bytes);
	CU_ASSERT_EQUAL(totals->held_inside.blocks, sums[HC_REACH_INNER].blocks);
	CU_ASSERT_EQUAL(totals->held_inside.bytes, sums[HC_REACH_INNER].bytes);
	CU_ASSERT_EQUAL(totals->encoded.blocks, sums[HC_REACH_ENCODED].blocks);
	CU_ASSERT_EQUAL(totals->encoded.bytes, sums[HC_REACH_ENCODED].bytes);
	/* What is possibly lost, held inside or reached by encoded pointers is a part of reachable. */
	for (reach = HC_REACH_POSSIBLY_LOST; reach <= HC_REACH_ENCODED; reach++) {
		sums[HC_REACH_REACHABLE].blocks += sums[reach].blocks;
		sums[HC_REACH_REACHABLE].bytes += sums[reach].bytes;
	}
	CU_ASSERT_EQUAL(totals->reachable.blocks, sums[HC_REACH_REACHABLE].blocks);
	CU_ASSERT_EQUAL(totals->reachable.bytes, sums[HC_REACH_REACHABLE].bytes);
}

static void check_graph_as(const char *text, const char *expected, unsigned jobs, unsigned line)
{
	g_auto(graph) g = start(0x10000);

	parse(&g, text);
	if (!run(&g, jobs))
		return;
	g_autofree char *actual = describe(&g);

	unit_assert_text(actual, expected, __FILE__, line);
	check_totals(&g);
}

/* With one thread and with four. */
static void check_graph(const char *text, const char *expected, unsigned line)
{
	check_graph_as(text, expected, 1, line);
	check_graph_as(text, expected, 4, line);
}
#define CHECK_GRAPH(text, expected) check_graph(text, expected, __LINE__)

/* ---- graphs ---- */

static void test_plain(void)
{
	CHECK_GRAPH("root->a", "reachable: a");
	CHECK_GRAPH("a", "directly: a");
	CHECK_GRAPH("root->a a->b b->c", "reachable: a b c");
	CHECK_GRAPH("a->b b->c", "directly: a; indirectly: b c");
	CHECK_GRAPH("c b->c a->b", "directly: a; indirectly: c b");
	CHECK_GRAPH("root->a b->a", "reachable: a; directly: b"); /* to point to what lives does not help */
	CHECK_GRAPH("root->a a->b c->b c->d", "reachable: a b; directly: c; indirectly: d");
	CHECK_GRAPH("a->c b->c", "directly: a b; indirectly: c");
	CHECK_GRAPH("root->a root->a a->b a->b", "reachable: a b");
}

static void test_places(void)
{
	CHECK_GRAPH("stack->a", "reachable: a");
	CHECK_GRAPH("below->a", "directly: a");
	CHECK_GRAPH("tls->a", "reachable: a");
	CHECK_GRAPH("anon->a", "reachable: a");
	CHECK_GRAPH("read->a", "reachable: a"); /* written before it was protected */
	CHECK_GRAPH("reg->a reg->b", "reachable: a b");
}

static void test_rings(void)
{
	CHECK_GRAPH("a->a", "directly: a");
	CHECK_GRAPH("a->b b->a", "directly: a; indirectly: b");
	CHECK_GRAPH("root->a a->b b->a", "reachable: a b");
	CHECK_GRAPH("a->b b->c c->a", "directly: a; indirectly: b c");
	CHECK_GRAPH("h->a a->b b->a", "directly: h; indirectly: a b");
	CHECK_GRAPH("a->b b->a h->a", "directly: h; indirectly: a b"); /* the head lies behind its ring */
	CHECK_GRAPH("a->b b->a c->d d->c", "directly: a c; indirectly: b d");
	CHECK_GRAPH("root->r r->r a->b b->a a->r", "reachable: r; directly: a; indirectly: b");
}

/* Rings that hang on rings: one head for all, wherever it lies. */
static void test_rings_on_rings(void)
{
	CHECK_GRAPH("a->b b->a b->c c->d d->c", "directly: a; indirectly: b c d");
	CHECK_GRAPH("c->d d->c a->b b->a b->c", "directly: a; indirectly: c d b");
	CHECK_GRAPH("e->f f->e c->d d->c d->e a->b b->a b->c", "directly: a; indirectly: e f c d b");
	CHECK_GRAPH("a->b b->a c->d d->c b->e d->e e->f f->e", "directly: a c; indirectly: b d e f");
	CHECK_GRAPH("e->f f->e a->b b->a c->d d->c b->e d->f", "directly: a c; indirectly: e f b d");
	CHECK_GRAPH("c->d d->c a->a a->c", "directly: a; indirectly: c d");
	CHECK_GRAPH("c->d d->c a->b b->a b->d",
		"directly: a; indirectly: c d b"); /* not to the block that stands for the ring */
	CHECK_GRAPH("e->f f->e c->d d->c d->f a->b b->a b->d", "directly: a; indirectly: e f c d b");
}

/* Where in a block a pointer points. 112 to 119 are the next chunk's prev_size, which belongs to the block in use. */
static void test_interior(void)
{
	CHECK_GRAPH("root->a+1", "possibly: a");
	CHECK_GRAPH("root->a+8", "possibly: a");
	CHECK_GRAPH("root->a+64", "possibly: a");
	CHECK_GRAPH("root->a+112", "possibly: a");
	CHECK_GRAPH("root->a+119", "possibly: a");
	CHECK_GRAPH("root->a+120", "directly: a"); /* one past the end: the next chunk's size */
	CHECK_GRAPH("root->a+127", "directly: a");
	CHECK_GRAPH("root->a+-1", "directly: a"); /* its own size field */
	CHECK_GRAPH("root->a+-8", "directly: a");
	CHECK_GRAPH("root->a+8 a->b", "possibly: a b");
	CHECK_GRAPH("root->a+8 a->b root->b", "reachable: b; possibly: a");
	CHECK_GRAPH("root->a+8 stack->a", "reachable: a");
	CHECK_GRAPH("root->a a->b+16 b->c", "reachable: a; possibly: b c");
	CHECK_GRAPH("a->b+16", "directly: a; indirectly: b");
	/* Far from where the block starts. */
	CHECK_GRAPH("root->La+4080", "possibly: La");
	CHECK_GRAPH("root->La+4087", "possibly: La");
	CHECK_GRAPH("root->La+4088", "directly: La");
	CHECK_GRAPH("root->La+4095", "directly: La");
}

static void test_freed(void)
{
	CHECK_GRAPH("root->Ta Ta->b", "directly: b; none: Ta");
	CHECK_GRAPH("root->Fa Fa->b", "directly: b; none: Fa");
	CHECK_GRAPH("root->Ba Ba->b", "directly: b; none: Ba");
	CHECK_GRAPH("Ta Tb Fc Bd", "none: Ta Tb Fc Bd"); /* their lists lead to them, and that is nobody's pointer */
	CHECK_GRAPH("a->Tb a->c", "directly: a; indirectly: c; none: Tb");
}

static void test_mmapped(void)
{
	CHECK_GRAPH("root->Ma Ma->b b->Mc", "reachable: Ma b Mc");
	CHECK_GRAPH("Ma->b b->Mc", "directly: Ma; indirectly: b Mc");
	CHECK_GRAPH("root->Ma+2048", "possibly: Ma");
	CHECK_GRAPH("root->Ma+4079", "possibly: Ma");
	CHECK_GRAPH("root->Ma+4080", "directly: Ma"); /* the next mapping's first byte */
	CHECK_GRAPH("root->Ma+-1", "directly: Ma");
}

/* malloc's own words lead to every block in some way: to headers of the top and of free neighbours. They are no roots. */
static void test_own_state(void)
{
	g_auto(graph) g = start(0x10000);

	parse(&g, "a");
	/* The last block before the top: main_arena.top points to its last word. */
	hc_address last = heap_malloc(g.process.heap, 0, 40), before_free = heap_malloc(g.process.heap, 0, 40),
		   free = heap_malloc(g.process.heap, 0, 500);

	heap_malloc(g.process.heap, 0, 40);
	heap_free_to_bin(g.process.heap, free, HEAP_UNSORTED); /* bins point into before_free's last word */
	hc_address at_top = heap_malloc(g.process.heap, 0, 40);

	if (!run(&g, 1))
		return;
	CU_ASSERT_EQUAL(reach_of(&g, last), HC_REACH_DIRECTLY_LOST);
	CU_ASSERT_EQUAL(reach_of(&g, before_free), HC_REACH_DIRECTLY_LOST);
	CU_ASSERT_EQUAL(reach_of(&g, free), HC_REACH_NONE);
	CU_ASSERT_EQUAL(reach_of(&g, at_top), HC_REACH_DIRECTLY_LOST);
}

/* Blocks that libc keeps are alive, and what they point to is; but for the entries of a cache. */
static void test_labelled(void)
{
	g_auto(graph) g = start(0x10000);
	const heap_thread *thread = heap_thread_at(g.process.heap, 0);
	hc_address dtv = heap_malloc(g.process.heap, 0, 100), kept = heap_malloc(g.process.heap, 0, 40);

	parse(&g, "Ta");
	core_builder_put_word(g.process.core, dtv, 2); /* dtv[-1].counter */
	core_builder_put_word(g.process.core, dtv + 96, kept);
	core_builder_put_word(g.process.core, thread->pointer + 8, dtv + 16);
	if (!run(&g, 1))
		return;
	const hc_label *label = stages_label(&g.process.stages, dtv);

	CU_ASSERT_TRUE(label && label->kind == HC_LABEL_DTV && label->thread == 1000);
	CU_ASSERT_EQUAL(reach_of(&g, dtv), HC_REACH_REACHABLE);
	CU_ASSERT_EQUAL(reach_of(&g, kept), HC_REACH_REACHABLE);
	CU_ASSERT_EQUAL(reach_of(&g, heap_thread_at(g.process.heap, 0)->cache), HC_REACH_REACHABLE);
}

/* Pointers to where a language keeps them: not to the start, but as good. ASKED is what the program asked for. */
static void check_idiom(
	uint64_t asked, const uint64_t *words, unsigned count, uint64_t offset, hc_reach expected, unsigned line)
{
	g_auto(graph) g = start(0x10000);
	hc_address block = heap_malloc(g.process.heap, 0, asked);

	for (unsigned i = 0; i < count; i++)
		core_builder_put_word(g.process.core, block + 8 * i, words[i]);
	heap_keep(g.process.heap, block + offset);
	if (!run(&g, 1))
		return;
	CU_assertImplementation(reach_of(&g, block) == expected, line, "the idiom is known", __FILE__, "", CU_FALSE);
}

static void test_idioms(void)
{
	const uint64_t ten = 10, length = 92, wrong = 3, string[] = { 5, 20, 0 };

	check_idiom(8 + 10 * 24, &ten, 1, 8, HC_REACH_REACHABLE, __LINE__);	 /* new T[10] with a cookie */
	check_idiom(8 + 10 * 24, &ten, 1, 32, HC_REACH_POSSIBLY_LOST, __LINE__); /* a pointer to the second of them */
	check_idiom(8 + 92, &length, 1, 8, HC_REACH_REACHABLE, __LINE__);	 /* bytes behind their length */
	check_idiom(8 + 600, &wrong, 0, 8, HC_REACH_POSSIBLY_LOST, __LINE__);	 /* a length of 0, and room for 600 */
	check_idiom(24 + 21, string, 3, 24, HC_REACH_REACHABLE, __LINE__);	 /* an old std::string of capacity 20 */
	check_idiom(24 + 100, string, 3, 24, HC_REACH_POSSIBLY_LOST, __LINE__);
	/* A debugging allocator's: the length, its highest byte first; a letter and seven guards; the bytes; two more words. */
	const uint64_t guarded[] = { GUINT64_SWAP_LE_BE(300), 0xfdfdfdfdfdfdfd72 },
		       other[] = { GUINT64_SWAP_LE_BE(300), 0xfdfdfdfdfdfefd72 },
		       native[] = { 300, 0xfdfdfdfdfdfdfd72 }, nothing[] = { GUINT64_SWAP_LE_BE(300), 0x72 };

	check_idiom(16 + 300 + 16, guarded, 2, 16, HC_REACH_REACHABLE, __LINE__);
	check_idiom(16 + 300 + 16, guarded, 2, 24, HC_REACH_POSSIBLY_LOST, __LINE__);
	check_idiom(16 + 400 + 16, guarded, 2, 16, HC_REACH_POSSIBLY_LOST, __LINE__);
	check_idiom(16 + 200 + 16, guarded, 2, 16, HC_REACH_POSSIBLY_LOST, __LINE__);
	check_idiom(16 + 300 + 16, other, 2, 16, HC_REACH_POSSIBLY_LOST, __LINE__);
	check_idiom(16 + 300 + 16, native, 2, 16, HC_REACH_POSSIBLY_LOST, __LINE__);
	check_idiom(16 + 300 + 16, nothing, 2, 16, HC_REACH_POSSIBLY_LOST, __LINE__);
}

/* ---- large ones ---- */

static void check_chain(bool rooted, unsigned jobs)
{
	enum {
		LENGTH = 100000
	};
	g_auto(graph) g = start(LENGTH * 32 + 0x2000);
	hc_address first = 0, previous = 0;

	for (unsigned i = 0; i < LENGTH; i++) {
		hc_address block = heap_malloc(g.process.heap, 0, 24);

		if (previous)
			core_builder_put_word(g.process.core, previous, block);
		else
			first = block;
		previous = block;
	}
	if (rooted)
		heap_keep(g.process.heap, first);
	if (!run(&g, jobs))
		return;
	const hc_references_totals *totals = hc_references_get_totals(g.process.stages.references);

	/* And the thread's cache. */
	CU_ASSERT_EQUAL(totals->reachable.blocks, 1 + (rooted ? LENGTH : 0));
	CU_ASSERT_EQUAL(totals->directly_lost.blocks, rooted ? 0 : 1);
	CU_ASSERT_EQUAL(totals->indirectly_lost.blocks, rooted ? 0 : LENGTH - 1);
	CU_ASSERT_EQUAL(totals->indirectly_lost.bytes, rooted ? 0 : (LENGTH - 1) * 24);
	CU_ASSERT_EQUAL(reach_of(&g, first), rooted ? HC_REACH_REACHABLE : HC_REACH_DIRECTLY_LOST);
}

static void test_chain(void)
{
	check_chain(true, 1);
	check_chain(true, 4);
	check_chain(false, 1);
	check_chain(false, 4);
}

enum {
	RANDOM_BLOCKS = 3000,
	RANDOM_EDGES = 2
};

typedef struct random_graph {
	hc_address address[RANDOM_BLOCKS];
	int edges[RANDOM_BLOCKS][RANDOM_EDGES]; /* -1: none */
	bool root[RANDOM_BLOCKS];
} random_graph;

/* All that can be reached from the blocks in REACHED joins them. */
static void spread(const random_graph *random, bool *reached)
{
	g_autofree int *todo = g_new(int, RANDOM_BLOCKS);
	int count = 0;

	for (int i = 0; i < RANDOM_BLOCKS; i++)
		if (reached[i])
			todo[count++] = i;
	while (count) {
		int from = todo[--count];

		for (unsigned k = 0; k < RANDOM_EDGES; k++) {
			int to = random->edges[from][k];

			if (to >= 0 && !reached[to]) {
				reached[to] = true;
				todo[count++] = to;
			}
		}
	}
}

static void check_random(const graph *g, const random_graph *random)
{
	g_autofree bool *alive = g_new0(bool, RANDOM_BLOCKS), *led_to = g_new0(bool, RANDOM_BLOCKS);
	unsigned wrong = 0;

	memcpy(alive, random->root, sizeof random->root);
	spread(random, alive);
	for (unsigned i = 0; i < RANDOM_BLOCKS; i++) {
		hc_reach reach = reach_of(g, random->address[i]);

		wrong += (reach == HC_REACH_REACHABLE) != alive[i];
		led_to[i] = reach == HC_REACH_DIRECTLY_LOST;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	/* All that is lost hangs on what is lost directly ... */
	spread(random, led_to);
	for (unsigned i = 0; i < RANDOM_BLOCKS; i++)
		CU_ASSERT_TRUE(alive[i] || led_to[i]);
	/* ... of which nothing hangs on the rest. So there is one for each group that nothing outside leads to. */
	for (unsigned i = 0; i < RANDOM_BLOCKS; i++) {
		if (reach_of(g, random->address[i]) != HC_REACH_DIRECTLY_LOST)
			continue;
		g_autofree bool *from_here = g_new0(bool, RANDOM_BLOCKS);

		from_here[i] = true;
		spread(random, from_here);
		for (unsigned k = 0; k < RANDOM_BLOCKS; k++)
			if (k != i && from_here[k])
				CU_ASSERT_NOT_EQUAL(reach_of(g, random->address[k]), HC_REACH_DIRECTLY_LOST);
	}
}

static void run_random(guint32 seed, unsigned jobs)
{
	g_autofree random_graph *random = g_new0(random_graph, 1);
	GRand *dice = g_rand_new_with_seed(seed);
	g_auto(graph) g = start(RANDOM_BLOCKS * 32 + 0x2000);

	for (unsigned i = 0; i < RANDOM_BLOCKS; i++)
		random->address[i] = heap_malloc(g.process.heap, 0, 24);
	for (int i = 0; i < RANDOM_BLOCKS; i++)
		for (unsigned k = 0; k < RANDOM_EDGES; k++) {
			/* Mostly short, so that there are many groups; half of them lead nowhere. */
			int to = i + g_rand_int_range(dice, -6, 7);

			random->edges[i][k] = g_rand_boolean(dice) && to >= 0 && to < RANDOM_BLOCKS ? to : -1;
			if (random->edges[i][k] >= 0)
				core_builder_put_word(g.process.core, random->address[i] + 8 * k, random->address[to]);
		}
	for (unsigned i = 0; i < 40; i++) {
		unsigned to = g_rand_int_range(dice, 0, RANDOM_BLOCKS);

		random->root[to] = true;
		heap_keep(g.process.heap, random->address[to]);
	}
	g_rand_free(dice);
	if (run(&g, jobs)) {
		check_random(&g, random);
		check_totals(&g);
	}
}

static void test_random(void)
{
	for (guint32 seed = 1; seed <= 4; seed++)
		run_random(seed, seed % 2 ? 1 : 4);
}

/* ---- roots, and who points to a block ---- */

static void test_root_list(void)
{
	g_auto(graph) g = start(0x10000);
	unsigned registers = 0;

	parse(&g, "root->a");
	if (!run(&g, 1))
		return;
	for (unsigned i = 0; i < hc_references_root_count(g.process.stages.references); i++) {
		const hc_root *root = hc_references_root(g.process.stages.references, i);
		hc_area_kind kind = root->kind;

		registers += root->registers;
		CU_ASSERT_NOT_EQUAL(*hc_word_root(root->reason), '\0');
		CU_ASSERT_EQUAL(root->reason == HC_ROOT_REGISTERS, root->registers);
		if (root->registers)
			CU_ASSERT_TRUE(root->used)
		else if (kind == HC_AREA_STACK || kind == HC_AREA_MODULE_DATA || kind == HC_AREA_ANONYMOUS)
			CU_ASSERT_TRUE(root->used)
		else if (kind == HC_AREA_STACK_UNUSED || kind == HC_AREA_MALLOC_STATE)
			CU_ASSERT_FALSE(root->used)
		CU_ASSERT_TRUE(kind != HC_AREA_HEAP && kind != HC_AREA_MMAPPED);
	}
	CU_ASSERT_EQUAL(registers, 1);
	CU_ASSERT_PTR_NULL(
		hc_references_root(g.process.stages.references, hc_references_root_count(g.process.stages.references)));
}

static void test_incoming(void)
{
	g_auto(graph) g = start(0x10000);
	hc_block target;
	g_autofree hc_reference *references = NULL, *limited = NULL, *none = NULL;
	uint64_t total = 0;

	parse(&g, "root->a b->a+16 a->a Tc->a reg->a stack->a below->a a->b");
	if (!run(&g, 1) || !hc_blocks_find(g.process.stages.blocks, find_node(&g, "a")->address, &target)) {
		CU_FAIL("a is a block");
		return;
	}
	hc_address a = target.address, b = find_node(&g, "b")->address;
	const heap_thread *thread = heap_thread_at(g.process.heap, 0);
	unsigned count = hc_references_to(g.process.stages.references, target.number, 100, &references, &total);

	/* The register, the stack, libc's data, in the order of the roots; then b. Not a itself, not what was freed. */
	CU_ASSERT_EQUAL(count, 4);
	CU_ASSERT_EQUAL(total, 4);
	if (count != 4)
		return;
	unsigned met = 0;

	for (unsigned i = 0; i < 4; i++) {
		const hc_reference *reference = &references[i];

		if (!reference->from)
			met |= reference->to == a && reference->thread_id == 1000 && reference->block == UINT32_MAX ?
				       1 :
				       0;
		else if (reference->from == heap_kept_at(g.process.heap, 0))
			met |= reference->to == a && reference->block == UINT32_MAX ? 2 : 0;
		else if (reference->from == thread->stack_pointer + 8)
			met |= reference->to == a && reference->thread_id == 1000 && reference->block == UINT32_MAX ?
				       4 :
				       0;
		else if (reference->from == b + FIRST_POINTER)
			met |= reference->to == a + 16 && reference->block != UINT32_MAX && i == 3 ? 8 : 0;
	}
	CU_ASSERT_EQUAL(met, 15);
	CU_ASSERT_EQUAL(hc_references_to(g.process.stages.references, target.number, 2, &limited, &total), 2);
	CU_ASSERT_EQUAL(total, 4);
	CU_ASSERT_EQUAL(hc_references_to(g.process.stages.references, UINT32_MAX, 2, &none, &total), 0);
	CU_ASSERT_EQUAL(total, 0);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "plain graphs", test_plain },
		{ "where roots are", test_places },
		{ "rings", test_rings },
		{ "rings that hang on rings", test_rings_on_rings },
		{ "pointers into blocks and past them", test_interior },
		{ "freed blocks are neither roots nor lost", test_freed },
		{ "mmapped blocks", test_mmapped },
		{ "malloc's own words", test_own_state },
		{ "blocks of libc's", test_labelled },
		{ "pointers as languages keep them", test_idioms },
		{ "a chain of 100,000 blocks", test_chain },
		{ "random graphs", test_random },
		{ "the list of roots", test_root_list },
		{ "who points to a block", test_incoming },
	};

	return unit_main("references", cases, G_N_ELEMENTS(cases));
}
