/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What owners/ costs, beside the search for references: processor time, all threads together, in ns
 * a block.
 *
 *	owners CORE [JOBS]		the graph of all words of a core, and the search there
 *	owners SHAPE BLOCKS [JOBS]	a graph made up: random (three references a block), tree,
 *					list, list-shuffled (linked both ways)
 *
 * Prints one line. The graph's time includes looking at the words; memory is what the process had
 * at most beyond what it began with.
 */
#include "owners/owners.h"
#include "references/scan.h"

#include <heapcore/analysis.h>
#include <heapcore/error.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/* Bytes of anonymous memory, at this moment. */
static uint64_t anonymous_memory(void)
{
	g_autofree char *status = NULL;
	const char *line;

	if (!g_file_get_contents("/proc/self/status", &status, NULL, NULL) || !(line = strstr(status, "RssAnon:")))
		return 0;
	return g_ascii_strtoull(line + strlen("RssAnon:"), NULL, 10) * 1024;
}

/* ---- the words of a core ---- */

enum {
	RING = 128
};

struct core_source {
	const hc_references *references;
	const hc_blocks *blocks;
};

/* Words that may be addresses, while their line of the index is fetched. */
struct ring {
	const hc_blocks *blocks;
	hc_graph_sink *sink;
	struct {
		uint64_t granule;
		hc_address address;
		uint32_t from;
	} candidates[RING];
	unsigned in, out;
};

static inline void resolve_one(struct ring *ring)
{
	unsigned at = ring->out++ % RING;
	uint64_t start = hc_blocks_start_of(ring->blocks, ring->candidates[at].granule, ring->candidates[at].address);

	if (start == UINT64_MAX)
		return;
	uint32_t number = hc_blocks_number(ring->blocks, start);

	if (ring->blocks->states[number] == HC_BLOCK_IN_USE)
		hc_graph_add(ring->sink, ring->candidates[at].from, number, HC_GRAPH_WORD);
}

static void look_at(struct ring *ring, const uint8_t *bytes, uint64_t size, uint32_t from)
{
	const hc_blocks *blocks = ring->blocks;

	for (uint64_t i = 0; i + 8 <= size; i += 8) {
		hc_address address = hc_load_u64(bytes + i, false);
		const hc_block_region *region;

		if (!hc_blocks_may_contain(blocks, address) || !(region = hc_blocks_region(blocks, address)))
			continue;
		uint64_t granule = hc_blocks_granule(blocks, region, address);

		__builtin_prefetch(&blocks->starts[granule / 64]);
		__builtin_prefetch(&blocks->rank[granule / HC_GROUP_GRANULES]);
		ring->candidates[ring->in % RING].granule = granule;
		ring->candidates[ring->in % RING].address = address;
		ring->candidates[ring->in++ % RING].from = from;
		if (ring->in - ring->out == RING)
			resolve_one(ring);
	}
}

static void look_at_blocks(const struct core_source *source, struct ring *ring, uint32_t first, uint32_t end)
{
	const hc_blocks *blocks = source->blocks;
	hc_start_cursor cursor = hc_start_cursor_at(blocks, hc_blocks_start_of_number(blocks, first));
	hc_word_format format = hc_core_word_format(source->references->core);
	hc_scanner scanner;

	hc_scanner_init(&scanner, blocks, NULL, NULL);
	for (uint32_t number = first; number < end; number++) {
		uint64_t start = hc_start_cursor_next(&cursor);

		if (blocks->states[number] != HC_BLOCK_IN_USE)
			continue;
		hc_words words = hc_scanner_contents(&scanner, start, format);

		look_at(ring, words.bytes, words.bytes ? words.size : 0, number);
	}
}

static void look_at_root(const struct core_source *source, struct ring *ring, uint32_t root)
{
	g_autoptr(GArray) words = g_array_new(FALSE, FALSE, sizeof(hc_words));

	hc_references_add_root_words(source->references, hc_references_root(source->references, root), words);
	for (unsigned i = 0; i < words->len; i++) {
		const hc_words *run = &g_array_index(words, hc_words, i);

		look_at(ring, run->bytes, run->size, source->blocks->count + root);
	}
}

static void core_references(void *data, unsigned worker, uint32_t first, uint32_t end, hc_graph_sink *sink)
{
	const struct core_source *source = data;
	uint32_t blocks = source->blocks->count;
	struct ring ring = { .blocks = source->blocks, .sink = sink };

	(void)worker;
	if (first < blocks)
		look_at_blocks(source, &ring, first, MIN(end, blocks));
	for (uint32_t node = MAX(first, blocks); node < end; node++)
		look_at_root(source, &ring, node - blocks);
	while (ring.out != ring.in)
		resolve_one(&ring);
}

static void core_sizes(void *data, uint32_t first, uint32_t end, uint64_t *ret_sizes)
{
	const struct core_source *source = data;
	const hc_blocks *blocks = source->blocks;
	hc_start_cursor cursor = hc_start_cursor_at(blocks, hc_blocks_start_of_number(blocks, first));

	for (uint32_t number = first; number < end; number++) {
		uint64_t start = hc_start_cursor_next(&cursor);
		const hc_block_region *region = hc_blocks_region_of_start(blocks, start);

		ret_sizes[number - first] =
			hc_blocks_usable_size(blocks, region, hc_blocks_address(blocks, region, start));
	}
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

static bool measure(const char *name, const hc_graph_source *source, double search, unsigned jobs)
{
	g_autoptr(GError) error = NULL;
	uint64_t memory = anonymous_memory(), edges = 0;
	struct rusage usage;
	double times[4] = { now() };
	g_autoptr(hc_graph) graph = hc_graph_create(source, jobs, &error);

	times[1] = now();
	g_autoptr(hc_dominators) dominators = graph ? hc_dominators_create(graph, &error) : NULL;

	times[2] = now();
	g_autoptr(hc_holds) holds = dominators ? hc_holds_create(graph, &error) : NULL;

	times[3] = now();
	if (!holds) {
		fprintf(stderr, "owners: %s\n", error->message);
		return false;
	}
	for (unsigned i = 0; i < HC_GRAPH_EVIDENCE_COUNT; i++)
		edges += hc_graph_edge_count(graph, i);
	getrusage(RUSAGE_SELF, &usage);
	printf("%-14s %11u blocks %5.2f edges a block", name, source->blocks, (double)edges / source->blocks);
	if (search > 0)
		printf("  search %6.1f ns", search * 1e9 / source->blocks);
	printf("  graph %6.1f ns  dominators %6.1f ns  holds %6.1f ns", (times[1] - times[0]) * 1e9 / source->blocks,
		(times[2] - times[1]) * 1e9 / source->blocks, (times[3] - times[2]) * 1e9 / source->blocks);
	/* The peak of a mapped core holds its pages, too. */
	if (!(search > 0))
		printf("  peak %5.1f B", ((double)usage.ru_maxrss * 1024 - (double)memory) / source->blocks);
	printf("\n");
	return true;
}

static bool measure_core(const char *path, unsigned jobs)
{
	const hc_analysis_options options = { .until = HC_STAGE_REFERENCES, .jobs = jobs };
	g_autoptr(GError) error = NULL;
	g_autoptr(hc_analysis) analysis = hc_analysis_run(path, &options, &error);
	g_autoptr(hc_diagnostics) diagnostics = hc_diagnostics_create();

	if (!analysis) {
		fprintf(stderr, "owners: %s\n", error->message);
		return false;
	}
	struct core_source data = { hc_analysis_references(analysis), hc_analysis_blocks(analysis) };
	hc_graph_source source = { data.blocks->count, hc_references_root_count(data.references), core_references,
		core_sizes, &data };
	double begin = now();
	/* Once more: the first time the core's pages were mapped in. */
	hc_references *again = hc_references_create(
		hc_analysis_core(analysis), data.blocks, hc_analysis_areas(analysis), false, jobs, diagnostics, NULL);
	double search = now() - begin;

	hc_references_destroy(again);
	return measure(strrchr(path, '/') ? strrchr(path, '/') + 1 : path, &source, search, jobs);
}

int main(int argc, char **argv)
{
	bool made_up = argc >= 3 && (!strcmp(argv[1], "random") || !strcmp(argv[1], "tree") ||
					    !strcmp(argv[1], "list") || !strcmp(argv[1], "list-shuffled"));

	if (argc < 2) {
		fprintf(stderr, "usage: owners CORE [JOBS], or owners random|tree|list|list-shuffled BLOCKS [JOBS]\n");
		return 64;
	}
	if (!made_up)
		return !measure_core(argv[1], argc > 2 ? strtoul(argv[2], NULL, 10) : 0);
	struct shape shape = { argv[1], strtoul(argv[2], NULL, 10), NULL, NULL };
	hc_graph_source source = { shape.blocks, 1, shape_references, shape_sizes, &shape };

	if (!shape.blocks)
		return 64;
	if (!strcmp(shape.name, "list-shuffled"))
		shuffle(&shape);
	return !measure(shape.name, &source, 0, argc > 3 ? strtoul(argv[3], NULL, 10) : 0);
}
