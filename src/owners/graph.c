/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Building the graph.
 *
 * To say which references a block has means to look at all its words, and at the index for each:
 * that is the dear part, so it is done once, and not first to count and then to fill. A worker
 * takes a range of nodes, lets the source tell their references into a buffer of its own, and keeps
 * a copy of just the right size, a *piece*. When all ranges are done the number of edges is known:
 * one table in huge pages is made, since everything that comes after reads it at random, and the
 * pieces are copied into it side by side.
 *
 *	source --(range by range)--> sink --(rows sorted, doubles dropped)--> piece --> edges
 *
 * A row is sorted when it ends, so the graph depends on which references there are, and neither on
 * their order nor on the number of workers. Evidence fills the low bits of an edge: sorted, the
 * strongest of several references to one block comes first, and is the one that stays. A row that
 * outgrows the buffer is rid of doubles before the buffer grows: a huge array of pointers to a few
 * blocks needs no more room than twice its targets.
 *
 * Cost: what the source needs, and about 10 ns an edge. Memory at the worst moment: 4 bytes a node
 * and 8 an edge.
 */
#include "owners/graph.h"

#include "base/error.h"
#include "base/pages.h"
#include "base/parallel.h"

#include <inttypes.h>
#include <string.h>

enum {
	/*
	 * Nodes that a worker takes at once: large ranges make pieces that are pages of their own
	 * (base/pages.h), which go back.
	 */
	RANGE_MIN = 64,
	RANGE_MAX = 256 * 1024,
	RANGES_A_WORKER = 4,
	ROOM = 4096,   /* edges of a fresh buffer */
	SHORT_ROW = 32 /* edges that are sorted by insertion */
};

/* The edges of one range. */
struct piece {
	uint32_t *edges;
	uint64_t count;
	uint64_t base; /* where they go */
};

struct building {
	hc_graph *graph;
	struct piece *pieces; /* of each range */
	unsigned workers, ranges;
	uint32_t range;			/* nodes of each but the last */
	unsigned next_range, next_copy; /* atomic: what no worker has taken yet */
	int failed;			/* atomic: memory was out */
	GMutex mutex;			/* for graph->by_evidence */
};

/* A worker's sink, and what it needs beside. */
struct scan {
	hc_graph_sink sink; /* first, so that one is the other */
	hc_graph *graph;
	uint32_t first, end; /* the range */
	uint32_t *spare;     /* for sorting */
	size_t spare_room;
	bool failed;
	uint64_t by_evidence[HC_GRAPH_EVIDENCE_COUNT];
};

/* ---- rows ---- */

static void sort_by_insertion(uint32_t *edges, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		uint32_t edge = edges[i];
		size_t at = i;

		for (; at && edges[at - 1] > edge; at--)
			edges[at] = edges[at - 1];
		edges[at] = edge;
	}
}

/*
 * Sorts by one byte after the other, the lowest first; after the fourth the result is back in
 * EDGES.
 */
static void sort_by_bytes(uint32_t *edges, size_t count, uint32_t *spare)
{
	for (unsigned shift = 0; shift < 32; shift += 8) {
		size_t places[256] = { 0 }, sum = 0;
		uint32_t *from = shift % 16 ? spare : edges, *to = shift % 16 ? edges : spare;

		for (size_t i = 0; i < count; i++)
			places[from[i] >> shift & 255]++;
		for (unsigned i = 0; i < 256; i++) {
			size_t here = places[i];

			places[i] = sum;
			sum += here;
		}
		for (size_t i = 0; i < count; i++)
			to[places[from[i] >> shift & 255]++] = from[i];
	}
}

static bool sort_row(struct scan *scan, uint32_t *edges, size_t count)
{
	if (count <= SHORT_ROW) {
		sort_by_insertion(edges, count);
		return true;
	}
	if (scan->spare_room < count) {
		uint32_t *spare = g_try_realloc_n(scan->spare, scan->sink.room, sizeof *spare);

		if (!spare)
			return false;
		scan->spare = spare;
		scan->spare_room = scan->sink.room;
	}
	sort_by_bytes(edges, count, scan->spare);
	return true;
}

/* Sorts the row that is being written, and keeps the strongest reference to each target. */
static void tidy_row(struct scan *scan)
{
	hc_graph_sink *sink = &scan->sink;
	size_t count = sink->count - sink->row, kept = 0;

	if (!count)
		return;
	uint32_t *edges = sink->edges + sink->row;

	if (count > 1 && !sort_row(scan, edges, count)) {
		scan->failed = true;
		count = 0;
	}
	for (size_t i = 0; i < count; i++)
		if (!kept || hc_graph_target(edges[kept - 1]) != hc_graph_target(edges[i]))
			edges[kept++] = edges[i];
	sink->count = sink->row + kept;
}

/*
 * Ends the row that is being written. The rows of nodes up to UPTO, which have no edges, begin
 * where it ends.
 */
static void end_row(struct scan *scan, uint32_t upto)
{
	hc_graph_sink *sink = &scan->sink;
	uint32_t next = sink->from == HC_GRAPH_NOBODY ? scan->first : sink->from + 1;

	tidy_row(scan);
	/* The last is the highest. */
	g_assert(
		sink->row == sink->count || hc_graph_target(sink->edges[sink->count - 1]) < scan->graph->source.blocks);
	for (size_t i = sink->row; i < sink->count; i++)
		scan->by_evidence[hc_graph_edge_evidence(sink->edges[i])]++;
	sink->row = sink->count;
	for (; next <= upto && next < scan->end; next++)
		scan->graph->starts[next] = (uint32_t)sink->row;
}

void hc_graph_begin_row(hc_graph_sink *sink, uint32_t from)
{
	struct scan *scan = (struct scan *)sink;

	g_assert(from >= scan->first && from < scan->end && (sink->from == HC_GRAPH_NOBODY || sink->from < from));
	end_row(scan, from);
	sink->from = from;
}

bool hc_graph_make_room(hc_graph_sink *sink)
{
	struct scan *scan = (struct scan *)sink;
	size_t room = sink->room ? 2 * sink->room : ROOM;

	tidy_row(scan);
	if (sink->count < sink->room / 2)
		return true;
	uint32_t *edges = g_try_realloc_n(sink->edges, room, sizeof *edges);

	if (!edges) {
		scan->failed = true;
		return sink->count < sink->room;
	}
	sink->edges = edges;
	sink->room = room;
	return true;
}

/* ---- pieces ---- */

/* What a sink has of its range becomes PIECE. */
static bool keep_piece(struct scan *scan, struct piece *piece)
{
	piece->count = scan->sink.count;
	if (!piece->count)
		return true;
	piece->edges = hc_pages_create(piece->count * sizeof *piece->edges);
	if (!piece->edges)
		return false;
	memcpy(piece->edges, scan->sink.edges, piece->count * sizeof *piece->edges);
	return true;
}

static void read_ranges(void *data, unsigned worker)
{
	struct building *building = data;
	hc_graph *graph = building->graph;
	struct scan scan = { .graph = graph };
	unsigned range;

	while (!g_atomic_int_get(&building->failed) &&
		(range = __atomic_fetch_add(&building->next_range, 1, __ATOMIC_RELAXED)) < building->ranges) {
		scan.first = range * building->range;
		scan.end = MIN(scan.first + building->range, graph->nodes);
		scan.sink.from = HC_GRAPH_NOBODY;
		scan.sink.count = scan.sink.row = 0;
		graph->source.references(graph->source.data, worker, scan.first, scan.end, &scan.sink);
		end_row(&scan, scan.end);
		if (scan.failed || !keep_piece(&scan, &building->pieces[range]))
			g_atomic_int_set(&building->failed, 1);
	}
	g_mutex_lock(&building->mutex);
	for (unsigned i = 0; i < HC_GRAPH_EVIDENCE_COUNT; i++)
		graph->by_evidence[i] += scan.by_evidence[i];
	g_mutex_unlock(&building->mutex);
	g_free(scan.sink.edges);
	g_free(scan.spare);
}

static void clear_piece(struct piece *piece)
{
	hc_pages_destroy(piece->edges, piece->count * sizeof *piece->edges);
	piece->edges = NULL;
}

static void copy_pieces(void *data, unsigned worker)
{
	struct building *building = data;
	hc_graph *graph = building->graph;
	unsigned range;

	(void)worker;
	while ((range = __atomic_fetch_add(&building->next_copy, 1, __ATOMIC_RELAXED)) < building->ranges) {
		struct piece *piece = &building->pieces[range];
		uint32_t first = range * building->range, end = MIN(first + building->range, graph->nodes);

		for (uint32_t node = first; node < end; node++)
			graph->starts[node] += (uint32_t)piece->base;
		if (piece->count)
			memcpy(graph->edges + piece->base, piece->edges, piece->count * sizeof *piece->edges);
		clear_piece(piece);
	}
}

/* ---- all of it ---- */

static bool no_memory(const hc_graph_source *source, GError **error)
{
	g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory for the references of %u blocks", source->blocks);
	return false;
}

static bool put_together(struct building *building, GError **error)
{
	hc_graph *graph = building->graph;
	uint64_t total = 0;

	for (unsigned i = 0; i < building->ranges; i++) {
		building->pieces[i].base = total;
		total += building->pieces[i].count;
	}
	if (total > UINT32_MAX) {
		g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED,
			"%" PRIu64 " references between blocks: more than 2^32 cannot be numbered", total);
		return false;
	}
	graph->edge_count = (uint32_t)total;
	graph->edges = hc_pages_create((total + 1) * sizeof *graph->edges);
	if (!graph->edges)
		return no_memory(&graph->source, error);
	hc_parallel_run(building->workers, copy_pieces, building);
	graph->starts[graph->nodes] = graph->edge_count;
	return true;
}

static bool build(hc_graph *graph, unsigned jobs, GError **error)
{
	struct building building = { .graph = graph, .workers = hc_parallel_workers(jobs) };
	bool ok = true;

	building.range = CLAMP(graph->nodes / (RANGES_A_WORKER * building.workers), RANGE_MIN, RANGE_MAX);
	building.ranges = (graph->nodes + building.range - 1) / building.range;
	building.pieces = g_new0(struct piece, building.ranges + 1);
	graph->starts = hc_pages_create(((size_t)graph->nodes + 1) * sizeof *graph->starts);
	g_mutex_init(&building.mutex);
	if (graph->starts)
		hc_parallel_run(building.workers, read_ranges, &building);
	if (!graph->starts || building.failed)
		ok = no_memory(&graph->source, error);
	ok = ok && put_together(&building, error);
	for (unsigned i = 0; i < building.ranges; i++)
		clear_piece(&building.pieces[i]);
	g_mutex_clear(&building.mutex);
	g_free(building.pieces);
	return ok;
}

hc_graph *hc_graph_create(const hc_graph_source *source, unsigned jobs, GError **error)
{
	g_autoptr(hc_graph) graph = g_new0(hc_graph, 1);

	if ((uint64_t)source->blocks + source->roots > HC_GRAPH_NODES_MAX) {
		g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED,
			"%u blocks and %u roots: more than %d cannot be numbered", source->blocks, source->roots,
			HC_GRAPH_NODES_MAX);
		return NULL;
	}
	graph->source = *source;
	graph->nodes = source->blocks + source->roots;
	return build(graph, jobs, error) ? g_steal_pointer(&graph) : NULL;
}

void hc_graph_destroy(hc_graph *graph)
{
	if (!graph)
		return;
	hc_pages_destroy(graph->starts, ((size_t)graph->nodes + 1) * sizeof *graph->starts);
	hc_pages_destroy(graph->edges, ((size_t)graph->edge_count + 1) * sizeof *graph->edges);
	g_free(graph);
}

uint32_t hc_graph_root_count(const hc_graph *graph)
{
	return graph->source.roots;
}

uint64_t hc_graph_edge_count(const hc_graph *graph, hc_graph_evidence evidence)
{
	return graph->by_evidence[evidence];
}
