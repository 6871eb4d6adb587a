/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose is this block?
 *
 * In a real program almost everything leads to almost everything: by pointers back to a parent, by
 * a word that was left over. So the question is not who leads to a block, but whose claim is best.
 * A block's *evidence* is that of the best way to it from any root, and a way is as good as its
 * weakest reference. References that lie on such best ways count, others do not: from a node that
 * has evidence E, an edge of evidence F counts for a block if the weaker of E and F is the block's
 * own. So
 *
 *   - a weaker reference never takes a block from a stronger one, whichever was found first;
 *   - what hangs on a block goes where the block goes by its best evidence, not to all that somehow
 *     lead to it.
 *
 * The *owner* is the nearest root by references that count. Near are few steps on the weakest
 * ground: from where stronger evidence ends, not from the root. (The 1,000,000th node of a typed
 * list refers to a buffer by a void *: one weak step. A global refers to the same buffer by a chain
 * of five untyped words: five.) Where several are as near, it is the root with the lowest number.
 *
 * A block is *shared* if another root, the *rival*, holds it as well by references that count:
 * taking the owner away would not free it. In other words: among the references that count no root
 * dominates it. With one exception: a block that its owner refers to directly is the owner's alone,
 * unless another root refers to it directly, too. It is what the variable is the name of, and the
 * objects that lead back to it (a session to its server) do not make it theirs; nor, through it,
 * all that it holds. Of several rivals it is the nearest to where the claims meet, then the one
 * with the lowest number.
 *
 *	1  claim	for each evidence, the strongest first: what edges of just this evidence lead to
 *			from blocks that have an owner, and from roots; sorted by owner. From there on
 *			breadth first by edges of this and stronger evidence.
 *	2  contend	where edges that count lead from one owner's block to another's, the rival is
 *			known; sorted by rival. From there on breadth first to blocks that have none.
 *	3  add_up	blocks and bytes of each root
 *
 * Both searches are first in, first out from a start that is sorted by root: so a level of the
 * queue is sorted by root, too, and the first to reach a block is the lowest. All edges are read in
 * their order once for each evidence that occurs, and once for rivals; the searches read ahead
 * along the queue. One thread does it. Memory: 12 bytes a block, of which 8 are kept.
 */
#include "owners/graph.h"

#include "base/error.h"
#include "base/pages.h"

#include <string.h>

enum {
	FAR = 24,  /* of the queue: whose row's place is fetched */
	NEAR = 12, /* whose row is */
	NEXT = 4,  /* whose targets are */
	TARGETS = 8,
	SIZES = 64 * 1024 /* sizes that are asked for at once */
};

/*
 * An owner is kept with the evidence in its upper bits, so that the better claim is the lower
 * number.
 */
enum {
	ROOT_BITS = 32 - HC_GRAPH_EVIDENCE_BITS,
	ROOT_MASK = (1 << ROOT_BITS) - 1
};

/* In place of a rival, in pass 2: the owner refers to the block directly. */
static const uint32_t DIRECT = UINT32_MAX - 1;

struct hc_holds {
	uint32_t blocks, roots;
	uint32_t *claims;    /* of each block: evidence << ROOT_BITS | root; HC_GRAPH_NOBODY */
	uint32_t *rivals;    /* of each block: a root; HC_GRAPH_NOBODY */
	hc_holding *holding; /* of each root, then of nobody */
};

struct search {
	const hc_graph *graph;
	hc_holds *holds;
	uint32_t *queue; /* each block once in each pass */
	uint32_t head, tail;
	uint32_t *places; /* for sorting: two for each root */
};

static inline hc_graph_evidence claim_evidence(uint32_t claim)
{
	return (hc_graph_evidence)(claim >> ROOT_BITS);
}

/* The claim of a node that counts as an owner of what it refers to. */
static inline uint32_t claim_of(const struct search *search, uint32_t node)
{
	uint32_t blocks = search->holds->blocks;

	return node < blocks ? search->holds->claims[node] : node - blocks;
}

/*
 * Does an edge of EVIDENCE, from a node with claim FROM, lie on a best way to a block with claim
 * TO?
 */
static inline bool counts(uint32_t from, hc_graph_evidence evidence, uint32_t to)
{
	return MAX(claim_evidence(from), evidence) == claim_evidence(to);
}

/* Fetches what the blocks further back in the queue will need: VALUES of their targets. */
static inline void read_ahead(const struct search *search, const uint32_t *values)
{
	const uint32_t *starts = search->graph->starts, *edges = search->graph->edges, *queue = search->queue;
	uint32_t waiting = search->tail - search->head;

	if (waiting > FAR)
		__builtin_prefetch(&starts[queue[search->head + FAR]]);
	if (waiting > NEAR)
		__builtin_prefetch(&edges[starts[queue[search->head + NEAR]]]);
	if (waiting > NEXT) {
		uint32_t begin = starts[queue[search->head + NEXT]], end = starts[queue[search->head + NEXT] + 1];

		for (uint32_t i = begin; i < end && i < begin + TARGETS; i++)
			__builtin_prefetch(&values[hc_graph_target(edges[i])], 1);
	}
}

/*
 * Sorts what is in the queue by root: by the lower bits of VALUES. In place, by exchanging, until
 * each is where its root's are.
 */
static void sort_queue(struct search *search, const uint32_t *values)
{
	uint32_t *queue = search->queue + search->head, count = search->tail - search->head;
	uint32_t roots = search->holds->roots, *next = search->places, *end = search->places + roots, sum = 0;

	memset(next, 0, roots * sizeof *next);
	for (uint32_t i = 0; i < count; i++)
		next[values[queue[i]] & ROOT_MASK]++;
	for (uint32_t root = 0; root < roots; root++) {
		uint32_t here = next[root];

		next[root] = sum;
		sum += here;
		end[root] = sum;
	}
	for (uint32_t root = 0; root < roots; root++) {
		while (next[root] < end[root]) {
			uint32_t here = next[root], block = queue[here], at = next[values[block] & ROOT_MASK]++;

			queue[here] = queue[at];
			queue[at] = block;
		}
	}
}

/* ---- pass 1 ---- */

/* What edges of just this evidence lead to from nodes with better claims. */
static void begin_claims(struct search *search, hc_graph_evidence evidence)
{
	const hc_graph *graph = search->graph;
	uint32_t *claims = search->holds->claims;

	for (uint32_t node = 0; node < graph->nodes; node++) {
		uint32_t claim = claim_of(search, node);

		/*
		 * A block that was claimed in this very pass is in the queue; but roots are roots
		 * for the strongest evidence, too.
		 */
		if (claim == HC_GRAPH_NOBODY || (node < graph->source.blocks && claim_evidence(claim) == evidence))
			continue;
		claim = (uint32_t)evidence << ROOT_BITS | (claim & ROOT_MASK);
		for (uint32_t i = graph->starts[node]; i < graph->starts[node + 1]; i++) {
			uint32_t block = hc_graph_target(graph->edges[i]);

			if (hc_graph_edge_evidence(graph->edges[i]) != evidence || claims[block] <= claim)
				continue;
			if (claims[block] == HC_GRAPH_NOBODY)
				search->queue[search->tail++] = block;
			claims[block] = claim;
		}
	}
}

static void spread_claims(struct search *search, hc_graph_evidence evidence)
{
	const hc_graph *graph = search->graph;
	uint32_t *claims = search->holds->claims;

	for (; search->head < search->tail; search->head++) {
		uint32_t block = search->queue[search->head];

		read_ahead(search, claims);
		for (uint32_t i = graph->starts[block]; i < graph->starts[block + 1]; i++) {
			uint32_t target = hc_graph_target(graph->edges[i]);

			if (claims[target] != HC_GRAPH_NOBODY || hc_graph_edge_evidence(graph->edges[i]) > evidence)
				continue;
			claims[target] = claims[block];
			search->queue[search->tail++] = target;
		}
	}
}

static void claim(struct search *search)
{
	for (unsigned evidence = 0; evidence < HC_GRAPH_EVIDENCE_COUNT; evidence++) {
		if (!search->graph->by_evidence[evidence])
			continue;
		begin_claims(search, evidence);
		sort_queue(search, search->holds->claims);
		spread_claims(search, evidence);
	}
}

/* ---- pass 2 ---- */

static void mark_direct(struct search *search)
{
	const hc_graph *graph = search->graph;
	const uint32_t *claims = search->holds->claims;

	for (uint32_t node = graph->source.blocks; node < graph->nodes; node++) {
		for (uint32_t i = graph->starts[node]; i < graph->starts[node + 1]; i++) {
			uint32_t block = hc_graph_target(graph->edges[i]);

			if ((claims[block] & ROOT_MASK) == node - graph->source.blocks &&
				claim_evidence(claims[block]) == hc_graph_edge_evidence(graph->edges[i]))
				search->holds->rivals[block] = DIRECT;
		}
	}
}

/* Where the edges of NODE lead to other owners' blocks. */
static inline void begin_rivals_of(struct search *search, uint32_t node)
{
	const hc_graph *graph = search->graph;
	const uint32_t *claims = search->holds->claims;
	uint32_t claim = claim_of(search, node), root = claim & ROOT_MASK, *rivals = search->holds->rivals;
	bool is_root = node >= graph->source.blocks;

	for (uint32_t i = graph->starts[node]; i < graph->starts[node + 1] && claim != HC_GRAPH_NOBODY; i++) {
		uint32_t block = hc_graph_target(graph->edges[i]);

		if ((claims[block] & ROOT_MASK) == root ||
			!counts(claim, hc_graph_edge_evidence(graph->edges[i]), claims[block]))
			continue;
		if (rivals[block] == HC_GRAPH_NOBODY || (rivals[block] == DIRECT && is_root))
			search->queue[search->tail++] = block;
		else if (rivals[block] <= root || rivals[block] == DIRECT)
			continue;
		rivals[block] = root;
	}
}

static void spread_rivals(struct search *search)
{
	const hc_graph *graph = search->graph;
	const uint32_t *claims = search->holds->claims;
	uint32_t *rivals = search->holds->rivals;

	for (; search->head < search->tail; search->head++) {
		uint32_t block = search->queue[search->head];

		read_ahead(search, rivals);
		for (uint32_t i = graph->starts[block]; i < graph->starts[block + 1]; i++) {
			uint32_t target = hc_graph_target(graph->edges[i]);

			/*
			 * With another owner than BLOCK's it has a rival, or is directly its
			 * owner's.
			 */
			if (rivals[target] != HC_GRAPH_NOBODY ||
				!counts(claims[block], hc_graph_edge_evidence(graph->edges[i]), claims[target]))
				continue;
			rivals[target] = rivals[block];
			search->queue[search->tail++] = target;
		}
	}
}

static void contend(struct search *search)
{
	uint32_t blocks = search->holds->blocks, *rivals = search->holds->rivals;

	search->head = search->tail = 0;
	for (uint32_t block = 0; block < blocks; block++)
		rivals[block] = HC_GRAPH_NOBODY;
	mark_direct(search);
	for (uint32_t node = 0; node < search->graph->nodes; node++)
		begin_rivals_of(search, node);
	sort_queue(search, rivals);
	spread_rivals(search);
	for (uint32_t block = 0; block < blocks; block++)
		if (rivals[block] == DIRECT)
			rivals[block] = HC_GRAPH_NOBODY;
}

/* ---- pass 3 ---- */

static void add_up(const hc_graph *graph, hc_holds *holds)
{
	g_autofree uint64_t *sizes = g_new(uint64_t, SIZES);

	for (uint32_t block = 0; block < holds->blocks; block++) {
		uint32_t claim = holds->claims[block];
		hc_holding *holding = &holds->holding[claim == HC_GRAPH_NOBODY ? holds->roots : claim & ROOT_MASK];

		if (block % SIZES == 0)
			graph->source.sizes(graph->source.data, block, MIN(block + SIZES, holds->blocks), sizes);
		holding->blocks++;
		holding->bytes += sizes[block % SIZES];
		if (holds->rivals[block] != HC_GRAPH_NOBODY) {
			holding->shared_blocks++;
			holding->shared_bytes += sizes[block % SIZES];
		}
	}
}

static size_t table_size(const hc_holds *holds)
{
	return ((size_t)holds->blocks + 1) * sizeof(uint32_t);
}

hc_holds *hc_holds_create(const hc_graph *graph, GError **error)
{
	g_autoptr(hc_holds) holds = g_new0(hc_holds, 1);
	struct search search = { .graph = graph, .holds = holds };
	bool ok;

	holds->blocks = graph->source.blocks;
	holds->roots = graph->source.roots;
	holds->claims = hc_pages_create(table_size(holds));
	holds->rivals = hc_pages_create(table_size(holds));
	holds->holding = g_try_new0(hc_holding, (size_t)holds->roots + 1);
	search.queue = hc_pages_create(table_size(holds));
	search.places = g_try_new0(uint32_t, 2 * (size_t)holds->roots + 1);
	ok = holds->claims && holds->rivals && holds->holding && search.queue && search.places;
	if (ok) {
		for (uint32_t block = 0; block < holds->blocks; block++)
			holds->claims[block] = HC_GRAPH_NOBODY;
		claim(&search);
		contend(&search);
		add_up(graph, holds);
	} else {
		g_set_error(
			error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory for the owners of %u blocks", holds->blocks);
	}
	hc_pages_destroy(search.queue, table_size(holds));
	g_free(search.places);
	return ok ? g_steal_pointer(&holds) : NULL;
}

void hc_holds_destroy(hc_holds *holds)
{
	if (!holds)
		return;
	hc_pages_destroy(holds->claims, table_size(holds));
	hc_pages_destroy(holds->rivals, table_size(holds));
	g_free(holds->holding);
	g_free(holds);
}

hc_claim hc_holds_block(const hc_holds *holds, uint32_t block)
{
	uint32_t claim = holds->claims[block];

	if (claim == HC_GRAPH_NOBODY)
		return (hc_claim){ HC_GRAPH_NOBODY, HC_GRAPH_NOBODY, HC_GRAPH_EVIDENCE_COUNT };
	return (hc_claim){ claim & ROOT_MASK, holds->rivals[block], claim_evidence(claim) };
}

hc_holding hc_holds_root(const hc_holds *holds, uint32_t root)
{
	return holds->holding[root == HC_GRAPH_NOBODY ? holds->roots : root];
}
