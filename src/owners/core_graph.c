/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The graph of a core's words, over which dominators tell what rows retain (retained.c).
 *
 * The roots are the rows that begin a path; if it is asked for what is shared, paths that begin and have no row, as others hold all that they
 * lead to; and two more for words whose place leads to nothing that has a row: *calls*, of stacks
 * and registers, and *elsewhere*, which leads to libc's own blocks as well: these are alive by themselves. A word is a reference if
 * its pointer holds a block (hc_references_holds()): one into the middle does not where others lead to the start. malloc's caches
 * are not looked into. All of that is as marking does it. Encoded pointers are references to what nothing else leads to.
 *
 * What stands on stacks and in registers, where no variable with a type is known, may be left over from calls that have returned.
 * Such words are *weak*: they count for blocks that nothing else leads to (drop_weak()), so that one of them does not take from a
 * variable what it retains; and those of *calls* only for what no frame with a row leads to.
 *
 * Roots' words are read first, on one thread, as their places' names are looked up; blocks' words by all workers
 * (references/block_words.c). Who only wants to know what is shared (sharing.c) gets a graph of the words that cross from one owner's blocks to
 * another's, and one of those within the blocks of some owners: to drop weak words from the latter all words would have to be known, so it is
 * done only where it can make a difference.
 */
#include "base/bits.h"
#include "base/error.h"
#include "base/pages.h"
#include "modules/modules.h"
#include "owners/graph.h"
#include "owners/ownership.h"

enum {
	RING = 16,
	WEAKEST = 2
};

struct root_edge {
	uint32_t root, block;
	hc_graph_evidence evidence;
};

struct source {
	const hc_ownership *ownership;
	hc_graph_roots named;
	uint32_t elsewhere, calls, roots;
	uint8_t *weakness; /* of each root: 0 to WEAKEST */
	GArray *edges;	   /* of struct root_edge, by root */
};

/* Which of the words of blocks a graph has. */
struct part {
	const struct source *source;
	/* Of each block, and of each root; NULL: all words. Those that may make a rival, ... */
	const uint32_t *owners, *ranks;
	const uint64_t *within; /* ... or, not NULL, those within the blocks of owners whose bit is set */
};

struct hc_core_graph {
	struct source source;
	struct part all, crossing, within; /* read source */
	hc_graph *graph;		   /* of all */
};

/* The block in use that a pointer to ADDRESS, in GRANULE, holds; and how. FALSE if there is none. */
static bool find_held(const hc_ownership *ownership, uint64_t granule, hc_address address, uint32_t *ret_number,
	hc_graph_evidence *ret_evidence)
{
	const hc_blocks *blocks = ownership->blocks;
	uint64_t start = hc_blocks_start_of(blocks, granule, address);

	if (start == UINT64_MAX)
		return false;
	*ret_number = hc_blocks_number(blocks, start);
	if (blocks->states[*ret_number] != HC_BLOCK_IN_USE ||
		!hc_references_holds(ownership->references, start, address))
		return false;
	*ret_evidence = start == granule ? HC_GRAPH_WORD : HC_GRAPH_BEYOND;
	return true;
}

/* ---- roots ---- */

/* The root that WORD belongs to. */
static uint32_t root_of_word(const struct source *source, const hc_root_word *word)
{
	const hc_ownership *ownership = source->ownership;
	uint32_t path = ownership->types ? hc_types_path_of_root_word(ownership->types, word) : 0;

	if (path && ownership->row_of[path] != HC_OWNER_NO_ROW)
		return source->named.of_row[ownership->row_of[path]];
	if (path && source->named.of_path[path])
		return source->named.of_path[path];
	if (word->root->kind != HC_AREA_STACK ||
		(word->address && ownership->types && hc_modules_tls_at(ownership->types->modules, word->address)))
		return source->elsewhere;
	return source->calls;
}

/* Many words side by side lead to one block. */
static void keep_edge(struct source *source, struct root_edge edge)
{
	const struct root_edge *last =
		source->edges->len ? &g_array_index(source->edges, struct root_edge, source->edges->len - 1) : NULL;

	if (!last || last->root != edge.root || last->block != edge.block || last->evidence != edge.evidence)
		g_array_append_val(source->edges, edge);
}

static void add_root_word(void *data, const hc_root_word *word)
{
	struct source *source = data;
	const hc_ownership *ownership = source->ownership;
	const hc_block_region *region = hc_blocks_region(ownership->blocks, word->value);
	struct root_edge edge;

	if (!region || !find_held(ownership, hc_blocks_granule(ownership->blocks, region, word->value), word->value,
			       &edge.block, &edge.evidence))
		return;
	edge.root = root_of_word(source, word);
	if (source->weakness[edge.root])
		edge.evidence = HC_GRAPH_STALE;
	keep_edge(source, edge);
}

/* The number of the block at TARGET, if only encoded pointers keep it alive. FALSE: others do. */
static bool find_encoded(const hc_ownership *ownership, hc_address target, uint32_t *ret_number)
{
	uint64_t start = hc_blocks_start_at(ownership->blocks, target);

	if (start == UINT64_MAX || hc_references_reach_at(ownership->references, start) != HC_REACH_ENCODED)
		return false;
	*ret_number = hc_blocks_number(ownership->blocks, start);
	return true;
}

static void add_encoded_root_word(void *data, const hc_root_word *word, hc_address target)
{
	struct source *source = data;
	struct root_edge edge = { .evidence = HC_GRAPH_BEYOND };

	if (!find_encoded(source->ownership, target, &edge.block))
		return;
	edge.root = root_of_word(source, word);
	if (source->weakness[edge.root])
		edge.evidence = HC_GRAPH_STALE;
	keep_edge(source, edge);
}

/* Blocks of libc's are alive without a pointer. */
static void add_labelled(struct source *source)
{
	GHashTableIter iter;
	gpointer key, value;

	g_hash_table_iter_init(&iter, source->ownership->blocks->labels);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		struct root_edge edge = { source->elsewhere, GPOINTER_TO_UINT(key), HC_GRAPH_CERTAIN };

		g_array_append_val(source->edges, edge);
	}
}

static int compare_edges(const void *a, const void *b)
{
	const struct root_edge *x = a, *y = b;

	return x->root != y->root ? (x->root > y->root) - (x->root < y->root) :
				    (x->block > y->block) - (x->block < y->block);
}

static unsigned first_edge(const struct source *source, uint32_t root)
{
	return HC_PARTITION_POINT(
		middle, 0u, source->edges->len, g_array_index(source->edges, struct root_edge, middle).root < root);
}

static void tell_root(const struct source *source, uint32_t root, hc_graph_sink *sink)
{
	for (unsigned i = first_edge(source, root); i < source->edges->len; i++) {
		const struct root_edge *edge = &g_array_index(source->edges, struct root_edge, i);

		if (edge->root != root)
			return;
		hc_graph_add(sink, source->ownership->blocks->count + root, edge->block, edge->evidence);
	}
}

/* ---- blocks ---- */

/* A reference by an encoded pointer. */
struct encoded_edge {
	uint32_t from, to;
};

/* The worker's own. */
struct block_sink {
	const hc_ownership *ownership;
	const hc_references *references;
	const struct part *part;
	hc_graph_sink *sink;
	GArray *encoded;   /* of struct encoded_edge, by `from`: of all blocks of the range */
	unsigned told;	   /* of these */
	uint32_t searched; /* the block that is looked at for more */
};

static void note_encoded(void *data, uint64_t offset, hc_address target)
{
	struct block_sink *block_sink = data;
	struct encoded_edge edge = { .from = block_sink->searched };

	(void)offset;
	if (find_encoded(block_sink->ownership, target, &edge.to))
		g_array_append_val(block_sink->encoded, edge);
}

/* Whether words of block NUMBER are in the part. */
static bool is_wanted(void *data, uint32_t number)
{
	const struct block_sink *block_sink = data;
	const struct part *part = block_sink->part;
	uint32_t owner = part->owners[number];

	return owner != HC_GRAPH_NOBODY && (!part->within || hc_bit(part->within, owner));
}

/* Finds the encoded pointers of blocks FIRST to END - 1. */
static void find_encoded_of_blocks(struct block_sink *block_sink, uint32_t first, uint32_t end)
{
	const hc_blocks *blocks = block_sink->ownership->blocks;

	if (first >= end || !hc_references_get_totals(block_sink->references)->encoded.blocks)
		return;
	hc_start_cursor cursor = hc_start_cursor_at(blocks, hc_blocks_start_of_number(blocks, first));

	for (uint32_t number = first; number < end; number++) {
		uint64_t start = hc_start_cursor_next(&cursor);

		block_sink->searched = number;
		if (blocks->states[number] == HC_BLOCK_IN_USE &&
			(!block_sink->part->owners || is_wanted(block_sink, number)))
			hc_references_each_encoded(block_sink->references, start, true, note_encoded, block_sink);
	}
}

/* Adds encoded pointers of blocks up to NUMBER. */
static void tell_encoded(struct block_sink *block_sink, uint32_t number)
{
	for (; block_sink->told < block_sink->encoded->len; block_sink->told++) {
		const struct encoded_edge *edge =
			&g_array_index(block_sink->encoded, struct encoded_edge, block_sink->told);

		if (edge->from > number)
			return;
		hc_graph_add(block_sink->sink, edge->from, edge->to, HC_GRAPH_BEYOND);
	}
}

static void add_block_word(struct block_sink *block_sink, const hc_block_word *word)
{
	tell_encoded(block_sink, word->from);
	if (word->value == word->block)
		hc_graph_add(block_sink->sink, word->from, word->to, HC_GRAPH_WORD);
	else if (hc_references_holds(block_sink->references, word->start, word->value))
		hc_graph_add(block_sink->sink, word->from, word->to, HC_GRAPH_BEYOND);
}

static void add_block_words(void *data, const hc_block_word *words, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		add_block_word(data, &words[i]);
}

/* Only pointers to a block's start can. */
static void add_crossing_words(void *data, const hc_block_word *words, unsigned count)
{
	const struct block_sink *block_sink = data;
	const struct part *part = block_sink->part;

	for (unsigned i = 0; i < count; i++)
		__builtin_prefetch(&part->owners[words[i].to]);
	for (unsigned i = 0; i < count; i++)
		if (words[i].value == words[i].block &&
			hc_rivals_may_cross(part->owners, part->ranks, part->owners[words[i].from], words[i].to))
			hc_graph_add(block_sink->sink, words[i].from, words[i].to, HC_GRAPH_WORD);
}

static void add_words_within(void *data, const hc_block_word *words, unsigned count)
{
	const uint32_t *owners = ((const struct block_sink *)data)->part->owners;

	for (unsigned i = 0; i < count; i++)
		__builtin_prefetch(&owners[words[i].to]);
	for (unsigned i = 0; i < count; i++)
		if (owners[words[i].from] == owners[words[i].to])
			add_block_word(data, &words[i]);
}

static hc_block_visitor visitor_of(struct block_sink *block_sink)
{
	const struct part *part = block_sink->part;

	return (hc_block_visitor){
		.is_wanted = part->owners ? is_wanted : NULL,
		.visit = !part->owners ? add_block_words :
			 part->within  ? add_words_within :
					 add_crossing_words,
		.data = block_sink,
	};
}

static void tell_references(void *data, unsigned worker, uint32_t first, uint32_t end, hc_graph_sink *sink)
{
	const struct part *part = data;
	const struct source *source = part->source;
	uint32_t blocks = source->ownership->blocks->count;
	g_autoptr(GArray) encoded = g_array_new(FALSE, FALSE, sizeof(struct encoded_edge));
	struct block_sink block_sink = {
		.ownership = source->ownership,
		.references = source->ownership->references,
		.part = part,
		.sink = sink,
		.encoded = encoded,
	};
	const hc_block_visitor visitor = visitor_of(&block_sink);

	(void)worker;
	if (!part->owners || part->within)
		find_encoded_of_blocks(&block_sink, first, MIN(end, blocks));
	hc_references_each_block_word(source->ownership->references, first, MIN(end, blocks), &visitor);
	tell_encoded(&block_sink, UINT32_MAX);
	for (uint32_t node = MAX(first, blocks); node < end; node++)
		tell_root(source, node - blocks, sink);
}

static void tell_sizes(void *data, uint32_t first, uint32_t end, uint64_t *ret_sizes)
{
	const struct part *part = data;
	const hc_blocks *blocks = part->source->ownership->blocks;
	hc_start_cursor cursor = hc_start_cursor_at(blocks, hc_blocks_start_of_number(blocks, first));

	for (uint32_t number = first; number < end; number++) {
		uint64_t start = hc_start_cursor_next(&cursor);
		const hc_block_region *region = hc_blocks_region_of_start(blocks, start);

		ret_sizes[number - first] =
			blocks->states[number] == HC_BLOCK_IN_USE ? hc_blocks_size_in_index(blocks, region, start) : 0;
	}
}

/* ---- weak words ---- */

/* A search through the graph. Blocks wait on the stack while where their row begins is fetched, and in the ring while the row is. */
struct search {
	const hc_graph *graph;
	uint64_t *reached; /* bit for each block */
	uint32_t *stack;   /* has room for all blocks */
	uint32_t depth;
	uint32_t ring[RING];
	unsigned in, out; /* counters; the place is modulo the ring's size */
};

static void visit(struct search *search, uint32_t node)
{
	const hc_graph *graph = search->graph;

	for (uint32_t i = graph->starts[node]; i < graph->starts[node + 1]; i++) {
		uint32_t target = hc_graph_target(graph->edges[i]);

		if (!hc_take_bit(search->reached, target))
			continue;
		__builtin_prefetch(&graph->starts[target]);
		search->stack[search->depth++] = target;
	}
}

static void visit_all(struct search *search)
{
	const hc_graph *graph = search->graph;

	for (;;) {
		while (search->depth && search->in - search->out < RING) {
			uint32_t node = search->stack[--search->depth];

			__builtin_prefetch(&graph->edges[graph->starts[node]]);
			search->ring[search->in++ % RING] = node;
		}
		if (search->in == search->out)
			return;
		visit(search, search->ring[search->out++ % RING]);
	}
}

/* Sets bits for blocks that roots of WEAKNESS lead to. */
static void reach(const struct source *source, struct search *search, unsigned weakness)
{
	for (uint32_t root = 0; root < source->roots; root++) {
		if (source->weakness[root] != weakness)
			continue;
		visit(search, search->graph->source.blocks + root);
		visit_all(search);
	}
}

/* Leaves references of roots of WEAKNESS out of GRAPH to what is REACHED. Roots' rows are the last, and move up. */
static void drop(const struct source *source, hc_graph *graph, unsigned weakness, const uint64_t *reached)
{
	uint32_t blocks = graph->source.blocks, to = graph->starts[blocks];

	for (uint32_t root = 0, from = to; root < source->roots; root++) {
		uint32_t end = graph->starts[blocks + root + 1];
		bool is_weak = source->weakness[root] == weakness;

		graph->starts[blocks + root] = to;
		for (; from < end; from++)
			if (!is_weak || !hc_bit(reached, hc_graph_target(graph->edges[from])))
				graph->edges[to++] = graph->edges[from];
	}
	graph->starts[graph->nodes] = to;
}

/* Leaves weak references out to what stronger ones lead to. FALSE: no memory. */
static bool drop_weak(const struct source *source, hc_graph *graph)
{
	size_t reached_size = (graph->source.blocks / 64 + (size_t)1) * sizeof(uint64_t),
	       stack_size = (graph->source.blocks + (size_t)1) * sizeof(uint32_t);
	struct search search = {
		.graph = graph,
		.reached = hc_pages_create(reached_size),
		.stack = hc_pages_create(stack_size),
	};
	bool ok = search.reached && search.stack;

	for (unsigned weakness = 0; ok && weakness < WEAKEST; weakness++) {
		reach(source, &search, weakness);
		drop(source, graph, weakness + 1, search.reached);
	}
	hc_pages_destroy(search.reached, reached_size);
	hc_pages_destroy(search.stack, stack_size);
	return ok;
}

/* ---- all of it ---- */

/* Whether PATH begins on a stack, or in registers. */
static bool is_of_thread(const hc_types_path *path)
{
	if (path->root)
		return path->root->kind == HC_PLACE_STACK || path->root->kind == HC_PLACE_STACK_UNUSED ||
		       path->root->kind == HC_PLACE_REGISTER;
	return !path->variable || path->variable->kind == HC_VARIABLE_LOCAL ||
	       path->variable->kind == HC_VARIABLE_PARAMETER;
}

/* Numbers the rows that begin a path; WITH_NAMES: and paths that begin without a row, in NAMED. */
static void number_roots(struct source *source, bool with_names)
{
	const hc_ownership *ownership = source->ownership;
	uint32_t rows = ownership->rows->len, roots = 0;

	source->named.of_row = g_new0(uint32_t, rows + 1);
	source->weakness = g_new0(uint8_t, rows + 2);
	for (uint32_t i = 0; i < rows; i++) {
		const hc_owner_row *row = hc_ownership_row_at(ownership, i);

		if (!row->begins)
			continue;
		source->weakness[roots] = row->where.kind == HC_WHERE_STACK;
		source->named.of_row[i] = roots++;
	}
	/* Others hold all that these lead to; but with them. */
	source->named.first = roots;
	source->named.of_path = g_new0(uint32_t, ownership->path_count + (size_t)1);
	source->named.paths = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (uint32_t i = 1; with_names && i <= ownership->path_count; i++) {
		hc_types_path path;

		hc_types_path_get(ownership->types, i, &path);
		if (path.parent || ownership->row_of[i] != HC_OWNER_NO_ROW || is_of_thread(&path))
			continue;
		source->named.of_path[i] = roots++;
		g_array_append_val(source->named.paths, i);
	}
	source->weakness = g_realloc_n(source->weakness, roots + (size_t)2, sizeof *source->weakness);
	memset(source->weakness + source->named.first, 0, roots + (size_t)2 - source->named.first);
	source->elsewhere = roots++;
	source->calls = roots++;
	source->weakness[source->calls] = WEAKEST;
	source->roots = roots;
}

static bool has_words(const struct source *source, uint32_t root)
{
	unsigned first = first_edge(source, root);

	return first < source->edges->len && g_array_index(source->edges, struct root_edge, first).root == root;
}

static hc_graph *build(const struct source *source, const struct part *part, unsigned jobs, GError **error)
{
	const hc_graph_source graph_source = {
		.blocks = source->ownership->blocks->count,
		.roots = source->roots,
		.references = tell_references,
		.sizes = tell_sizes,
		.data = (void *)part,
	};

	return hc_graph_create(&graph_source, jobs, error);
}

hc_core_graph *hc_core_graph_create(const hc_ownership *ownership, bool with_names)
{
	hc_core_graph *core_graph = g_new0(hc_core_graph, 1);
	struct source *source = &core_graph->source;

	source->ownership = ownership;
	source->edges = g_array_new(FALSE, FALSE, sizeof(struct root_edge));
	number_roots(source, with_names);
	hc_references_each_root_word(ownership->references, add_root_word, source);
	hc_references_each_encoded_root_word(ownership->references, add_encoded_root_word, source);
	add_labelled(source);
	g_array_sort(source->edges, compare_edges);
	core_graph->all.source = core_graph->crossing.source = core_graph->within.source = source;
	return core_graph;
}

void hc_core_graph_destroy(hc_core_graph *core_graph)
{
	if (!core_graph)
		return;
	struct source *source = &core_graph->source;

	hc_graph_destroy(core_graph->graph);
	g_array_unref(source->edges);
	g_free(source->weakness);
	g_free(source->named.of_row);
	g_free(source->named.of_path);
	g_clear_pointer(&source->named.paths, g_array_unref);
	g_free(core_graph);
}

bool hc_core_graph_build(hc_core_graph *core_graph, unsigned jobs, GError **error)
{
	const struct source *source = &core_graph->source;

	if (!core_graph->graph)
		core_graph->graph = build(source, &core_graph->all, jobs, error);
	else
		return true;
	if (!core_graph->graph || drop_weak(source, core_graph->graph))
		return core_graph->graph != NULL;
	g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory for references of %u blocks",
		source->ownership->blocks->count);
	return false;
}

const hc_graph_roots *hc_core_graph_roots(const hc_core_graph *core_graph)
{
	return &core_graph->source.named;
}

uint32_t hc_core_graph_root_count(const hc_core_graph *core_graph)
{
	return core_graph->source.roots;
}

hc_graph *hc_core_graph_crossing(
	hc_core_graph *core_graph, const uint32_t *owners, const uint32_t *ranks, unsigned jobs, GError **error)
{
	core_graph->crossing.owners = owners;
	core_graph->crossing.ranks = ranks;
	return build(&core_graph->source, &core_graph->crossing, jobs, error);
}

hc_graph *hc_core_graph_within(
	hc_core_graph *core_graph, const uint32_t *owners, const uint64_t *within, unsigned jobs, GError **error)
{
	core_graph->within.owners = owners;
	core_graph->within.within = within;
	return build(&core_graph->source, &core_graph->within, jobs, error);
}

bool hc_core_graph_is_weak(const hc_core_graph *core_graph, const uint64_t *roots)
{
	for (uint32_t root = 0; root < core_graph->source.roots; root++)
		if (core_graph->source.weakness[root] && hc_bit(roots, root))
			return true;
	return false;
}

const hc_graph *hc_core_graph_rows(const hc_core_graph *core_graph)
{
	return core_graph->graph;
}

/* What a part of the heap would lose without each root. The graph is gone then. */
static bool find_retained(hc_ownership *ownership, hc_core_graph *core_graph, GError **error)
{
	const struct source *source = &core_graph->source;
	g_autofree bool *have_words = g_new(bool, source->roots);
	const hc_owner_roots roots = { source->named.of_row, have_words };

	for (uint32_t root = 0; root < source->roots; root++)
		have_words[root] = has_words(source, root);
	hc_dominators *dominators = hc_dominators_create(core_graph->graph, error);

	/* What is read of it needs no graph, but room. */
	g_clear_pointer(&core_graph->graph, hc_graph_destroy);
	return dominators && hc_ownership_read_dominators(ownership, dominators, &roots, error);
}

bool hc_ownership_read_graph(hc_ownership *ownership, const hc_ownership_options *options, GError **error)
{
	if (!ownership->blocks->count || (options->no_retained && !options->with_shared))
		return true;
	g_autoptr(hc_core_graph) core_graph = hc_core_graph_create(ownership, options->with_shared);

	if (!options->no_retained && !hc_core_graph_build(core_graph, options->jobs, error))
		return false;
	if (options->with_shared && !hc_ownership_find_shared(ownership, core_graph, options->jobs, error))
		return false;
	return options->no_retained || find_retained(ownership, core_graph, error);
}
