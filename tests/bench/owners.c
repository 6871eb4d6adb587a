/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What ownership costs, beside the search for references: processor time, all threads together, in ns a block.
 *
 *	owners CORE [JOBS]		a core: the search; the words that types/ follows where no type leads; the graph of all words,
 *					dominators and holds, and all but holds as a multiple of the search
 *	owners SHAPE BLOCKS [JOBS]	a graph made up: random (three references a block), tree,
 *					list, list-shuffled (linked both ways)
 *
 * Prints one line. The graph's time includes looking at the words; the peak is the anonymous memory that graph, dominators and holds had
 * at most, in bytes a block: that of a core, its index and its types was there before.
 */
#include "owners/ownership.h"

#include <heapcore/analysis.h>
#include <heapcore/error.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/* ---- memory ---- */

/* A thread looks at it all the time. */
struct watch {
	GThread *thread;
	int done;
	uint64_t first, peak; /* bytes of anonymous memory */
};

static uint64_t anonymous_memory(void)
{
	g_autofree char *text = NULL;
	uint64_t all, resident, shared;

	if (!g_file_get_contents("/proc/self/statm", &text, NULL, NULL) ||
		sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &all, &resident, &shared) != 3)
		return 0;
	return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static gpointer look(gpointer data)
{
	struct watch *watch = data;

	while (!g_atomic_int_get(&watch->done)) {
		watch->peak = MAX(watch->peak, anonymous_memory());
		g_usleep(2000);
	}
	return NULL;
}

static void begin_watch(struct watch *watch)
{
	*watch = (struct watch){ .first = anonymous_memory() };
	watch->thread = g_thread_new("watch", look, watch);
}

/* The bytes that came on top since it began. */
static uint64_t end_watch(struct watch *watch)
{
	g_atomic_int_set(&watch->done, 1);
	g_thread_join(watch->thread);
	return watch->peak - MIN(watch->peak, watch->first);
}

/* ---- graphs made up ---- */

struct shape {
	const char *name;
	uint32_t blocks;
	uint32_t *places; /* of a shuffled list: of each block; and which is where */
	uint32_t *at;
};

static uint32_t mixed(uint64_t value)
{
	value = (value + 1) * 0x9e3779b97f4a7c15;
	value = (value ^ value >> 31) * 0xbf58476d1ce4e5b9;
	return (uint32_t)(value >> 32);
}

static void shape_references(void *data, unsigned worker, uint32_t first, uint32_t end, hc_graph_sink *sink)
{
	const struct shape *shape = data;
	uint32_t blocks = shape->blocks;

	(void)worker;
	for (uint32_t node = first; node < end; node++) {
		if (node >= blocks) {
			hc_graph_add(sink, node, shape->at ? shape->at[0] : 0, HC_GRAPH_WORD);
		} else if (!strcmp(shape->name, "random")) {
			for (unsigned i = 0; i < 3; i++)
				hc_graph_add(sink, node, mixed(3 * (uint64_t)node + i) % blocks, HC_GRAPH_WORD);
		} else if (!strcmp(shape->name, "tree")) {
			for (uint64_t child = 2 * (uint64_t)node + 1; child <= 2 * (uint64_t)node + 2; child++)
				if (child < blocks)
					hc_graph_add(sink, node, (uint32_t)child, HC_GRAPH_WORD);
			hc_graph_add(sink, node, node ? (node - 1) / 2 : 0, HC_GRAPH_WORD);
		} else {
			uint32_t place = shape->places ? shape->places[node] : node;

			if (place + 1 < blocks)
				hc_graph_add(sink, node, shape->at ? shape->at[place + 1] : place + 1, HC_GRAPH_WORD);
			if (place)
				hc_graph_add(sink, node, shape->at ? shape->at[place - 1] : place - 1, HC_GRAPH_WORD);
		}
	}
}

static void shape_sizes(void *data, uint32_t first, uint32_t end, uint64_t *ret_sizes)
{
	(void)data;
	for (uint32_t block = first; block < end; block++)
		ret_sizes[block - first] = 24;
}

static void shuffle(struct shape *shape)
{
	shape->places = g_new(uint32_t, shape->blocks);
	shape->at = g_new(uint32_t, shape->blocks);
	for (uint32_t i = 0; i < shape->blocks; i++)
		shape->at[i] = i;
	for (uint32_t i = shape->blocks; i > 1; i--) {
		uint32_t other = mixed(i) % i, kept = shape->at[i - 1];

		shape->at[i - 1] = shape->at[other];
		shape->at[other] = kept;
	}
	for (uint32_t i = 0; i < shape->blocks; i++)
		shape->places[shape->at[i]] = i;
}

/* ---- measuring ---- */

/* Seconds of processor time. */
struct times {
	double search, words, graph, dominators, holds;
};

static void print(const char *name, uint32_t blocks, const hc_graph *graph, const struct times *times, uint64_t peak)
{
	double each = 1e9 / blocks;
	uint64_t edges = 0;

	for (unsigned i = 0; i < HC_GRAPH_EVIDENCE_COUNT; i++)
		edges += hc_graph_edge_count(graph, i);
	printf("%-14s %11u blocks %5.2f edges a block", name, blocks, (double)edges / blocks);
	if (times->search > 0)
		printf("  search %6.1f ns  words %6.1f ns", times->search * each, times->words * each);
	printf("  graph %6.1f ns  dominators %6.1f ns  holds %6.1f ns", times->graph * each, times->dominators * each,
		times->holds * each);
	if (times->search > 0)
		printf("  x%.2f", (times->words + times->graph + times->dominators) / times->search);
	printf("  peak %5.1f B\n", (double)peak / blocks);
}

/* GRAPH was made since BEGIN. */
static bool measure(const char *name, const hc_graph *graph, uint32_t blocks, double begin, struct times *times,
	struct watch *watch, GError **error)
{
	double made = now();
	g_autoptr(hc_dominators) dominators = hc_dominators_create(graph, error);
	double dominated = now();
	g_autoptr(hc_holds) holds = dominators ? hc_holds_create(graph, error) : NULL;

	times->graph = made - begin;
	times->dominators = dominated - made;
	times->holds = now() - dominated;
	uint64_t peak = end_watch(watch);

	if (holds)
		print(name, blocks, graph, times, peak);
	return holds != NULL;
}

/* Once more: the first time the core's pages were mapped in. */
static double time_search(const hc_analysis *analysis, unsigned jobs)
{
	g_autoptr(hc_diagnostics) diagnostics = hc_diagnostics_create();
	double begin = now();
	hc_references *again = hc_references_create(hc_analysis_core(analysis), hc_analysis_blocks(analysis),
		hc_analysis_areas(analysis), false, jobs, diagnostics, NULL);
	double seconds = now() - begin;

	hc_references_destroy(again);
	return seconds;
}

static bool measure_core(const char *path, unsigned jobs, GError **error)
{
	const hc_analysis_options options = { .until = HC_STAGE_TYPES, .jobs = jobs };
	const hc_ownership_options rows_only = { .no_retained = true, .jobs = jobs };
	g_autoptr(hc_analysis) analysis = hc_analysis_run(path, &options, error);

	if (!analysis)
		return false;
	struct times times = { .search = time_search(analysis, jobs),
		.words = hc_analysis_types(analysis)->word_seconds };
	struct watch watch;

	begin_watch(&watch);
	double begin = now();
	g_autoptr(hc_ownership) ownership = hc_analysis_find_owners(analysis, &rows_only, error);
	g_autoptr(hc_core_graph) graph = ownership ? hc_core_graph_create(ownership, false) : NULL;

	if (graph && hc_core_graph_build(graph, jobs, error))
		return measure(strrchr(path, '/') ? strrchr(path, '/') + 1 : path, hc_core_graph_rows(graph),
			hc_analysis_blocks(analysis)->count, begin, &times, &watch, error);
	end_watch(&watch);
	return false;
}

static bool measure_shape(const struct shape *shape, unsigned jobs, GError **error)
{
	const hc_graph_source source = { shape->blocks, 1, shape_references, shape_sizes, (void *)shape };
	struct times times = { 0 };
	struct watch watch;

	begin_watch(&watch);
	double begin = now();
	g_autoptr(hc_graph) graph = hc_graph_create(&source, jobs, error);

	if (graph)
		return measure(shape->name, graph, shape->blocks, begin, &times, &watch, error);
	end_watch(&watch);
	return false;
}

int main(int argc, char **argv)
{
	bool made_up = argc >= 3 && (!strcmp(argv[1], "random") || !strcmp(argv[1], "tree") ||
					    !strcmp(argv[1], "list") || !strcmp(argv[1], "list-shuffled"));
	g_autoptr(GError) error = NULL;
	bool ok;

	if (argc < 2 || (made_up && !strtoul(argv[2], NULL, 10))) {
		fprintf(stderr, "usage: owners CORE [JOBS], or owners random|tree|list|list-shuffled BLOCKS [JOBS]\n");
		return 64;
	}
	if (made_up) {
		struct shape shape = { argv[1], strtoul(argv[2], NULL, 10), NULL, NULL };

		if (!strcmp(shape.name, "list-shuffled"))
			shuffle(&shape);
		ok = measure_shape(&shape, argc > 3 ? strtoul(argv[3], NULL, 10) : 0, &error);
	} else {
		ok = measure_core(argv[1], argc > 2 ? strtoul(argv[2], NULL, 10) : 0, &error);
	}
	if (!ok)
		fprintf(stderr, "owners: %s\n", error->message);
	return !ok;
}
