/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What others lead to as well, by path: each block's owner and rival (sharing.c) are roots of the graph; for people they are paths
 * that begin somewhere. Of what is in frames, mapped memory, and libraries only their like can share: the program's own data is better evidence.
 */
#include "owners/ownership.h"

#include "base/error.h"
#include "base/pages.h"

enum {
	PAIRS_MAX = 1 << 20
};

struct counting {
	hc_ownership *ownership;
	const hc_graph_roots *roots;
	const char **names; /* of each root; of paths without a row once somebody asked */
	uint32_t *first;    /* of each path: the row that it begins at */
	uint32_t *ranks;    /* of each root */
	GHashTable *pairs;  /* path << 32 | rival, a root -> bytes, on the heap */
};

static uint32_t rank_of(const hc_where *where)
{
	switch (where->kind) {
	case HC_WHERE_FRAME:
	case HC_WHERE_STACK:
	case HC_WHERE_UNTYPED:
		return 3;
	case HC_WHERE_MAPPING:
		return 2;
	case HC_WHERE_LIBRARY:
		return 1;
	default:
		return 0;
	}
}

/* Of the graph's roots the last two are no rows: they share nothing. */
static void number_rows(struct counting *counting, uint32_t roots)
{
	const hc_ownership *ownership = counting->ownership;

	for (uint32_t i = 0; i < roots; i++)
		counting->ranks[i] = UINT32_MAX;
	for (uint32_t i = 0; i < ownership->rows->len; i++) {
		const hc_owner_row *row = hc_ownership_row_at(ownership, i);

		if (!row->begins)
			continue;
		counting->names[counting->roots->of_row[i]] = row->text;
		counting->ranks[counting->roots->of_row[i]] = rank_of(&row->where);
	}
	for (unsigned i = 0; i < counting->roots->paths->len; i++) {
		g_auto(hc_where) where = { 0 };

		hc_types_path_where(ownership->types, g_array_index(counting->roots->paths, uint32_t, i), &where);
		counting->ranks[counting->roots->first + i] = rank_of(&where);
	}
	for (uint32_t i = 1; i <= ownership->path_count; i++) {
		uint32_t row = ownership->row_of[i];

		while (row != HC_OWNER_NO_ROW && !hc_ownership_row_at(ownership, row)->begins)
			row = hc_ownership_row_at(ownership, row)->parent;
		counting->first[i] = row;
	}
}

/* The path that block NUMBER, which starts at granule START, hangs on, if a row says so; 0: none. */
static uint32_t path_of(const struct counting *counting, uint32_t number, uint64_t start)
{
	const hc_ownership *ownership = counting->ownership;
	const hc_blocks *blocks = ownership->blocks;
	uint32_t path = hc_types_path_of_block(ownership->types, number);

	if (blocks->states[number] != HC_BLOCK_IN_USE || hc_blocks_is_labelled(blocks, number) || !path ||
		counting->first[path] == HC_OWNER_NO_ROW ||
		hc_reach_is_lost(hc_references_reach_at(ownership->references, start)))
		return 0;
	return path;
}

static void find_owners(const struct counting *counting, uint32_t *owners)
{
	const hc_blocks *blocks = counting->ownership->blocks;
	hc_start_cursor cursor = hc_start_cursor_at(blocks, 0);

	for (uint32_t number = 0; number < blocks->count; number++) {
		uint32_t path = path_of(counting, number, hc_start_cursor_next(&cursor));

		owners[number] = path ? counting->roots->of_row[counting->first[path]] : HC_GRAPH_NOBODY;
	}
}

/* Bytes of what PATH has that hangs on RIVAL, too. */
static void count_pair(struct counting *counting, uint32_t path, uint32_t rival, uint64_t bytes)
{
	uint64_t key = (uint64_t)path << 32 | rival, *sum = g_hash_table_lookup(counting->pairs, &key);

	if (!sum && g_hash_table_size(counting->pairs) < PAIRS_MAX) {
		uint64_t *fresh = g_new0(uint64_t, 2);

		fresh[0] = key;
		g_hash_table_add(counting->pairs, fresh);
		sum = fresh;
	}
	if (sum)
		sum[1] += bytes;
}

static void count_blocks(struct counting *counting, const hc_rivals *rivals)
{
	hc_ownership *ownership = counting->ownership;
	const hc_blocks *blocks = ownership->blocks;
	hc_start_cursor cursor = hc_start_cursor_at(blocks, 0);

	for (uint32_t number = 0; number < blocks->count; number++) {
		uint64_t start = hc_start_cursor_next(&cursor);
		uint32_t rival = hc_rivals_of(rivals, number);
		uint32_t path = rival == HC_GRAPH_NOBODY ? 0 : path_of(counting, number, start);

		if (!path)
			continue;
		uint64_t size = hc_blocks_size_in_index(blocks, hc_blocks_region_of_start(blocks, start), start);

		hc_amount_count(&ownership->shared[path].amount, size);
		count_pair(counting, path, rival, size);
	}
}

/* A pair of PATH, or of a row. */
struct best {
	uint64_t bytes;
	uint32_t rival;
};

static const char *name_of(struct counting *counting, uint32_t root)
{
	if (!counting->names[root]) {
		uint32_t path = g_array_index(counting->roots->paths, uint32_t, root - counting->roots->first);
		g_autofree char *text = hc_types_path_text(counting->ownership->types, path);

		counting->names[root] = g_string_chunk_insert_const(counting->ownership->texts, text);
	}
	return counting->names[root];
}

static void take_pair(struct counting *counting, struct best *best, hc_sharing *sharing, uint32_t rival, uint64_t bytes)
{
	sharing->others += sharing->with != NULL;
	if (!sharing->with || bytes > best->bytes || (bytes == best->bytes && rival < best->rival)) {
		*best = (struct best){ bytes, rival };
		sharing->with = name_of(counting, rival);
	}
}

/* The names: of each path, and of the row that it begins at, which has all that hangs below. */
static void name_rivals(struct counting *counting)
{
	hc_ownership *ownership = counting->ownership;
	g_autofree struct best *of_path = g_new0(struct best, (size_t)ownership->path_count + 1),
			       *of_row = g_new0(struct best, (size_t)ownership->rows->len + 1);
	g_autoptr(GHashTable) rows = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	GHashTableIter iter;
	gpointer pair;

	g_hash_table_iter_init(&iter, counting->pairs);
	while (g_hash_table_iter_next(&iter, &pair, NULL)) {
		const uint64_t *sum = pair;
		uint32_t path = (uint32_t)(sum[0] >> 32), rival = (uint32_t)sum[0];
		uint64_t key[2] = { (uint64_t)counting->first[path] << 32 | rival, 0 };

		take_pair(counting, &of_path[path], &ownership->shared[path], rival, sum[1]);
		uint64_t *total = g_hash_table_lookup(rows, key);

		if (!total)
			g_hash_table_add(rows, total = g_memdup2(key, sizeof key));
		total[1] += sum[1];
	}
	g_hash_table_iter_init(&iter, rows);
	while (g_hash_table_iter_next(&iter, &pair, NULL)) {
		const uint64_t *sum = pair;
		uint32_t row = (uint32_t)(sum[0] >> 32);

		take_pair(
			counting, &of_row[row], &hc_ownership_row_at(ownership, row)->shared, (uint32_t)sum[0], sum[1]);
	}
	for (uint32_t i = 1; i <= ownership->path_count; i++)
		if (ownership->row_of[i] != HC_OWNER_NO_ROW)
			hc_amount_add(&hc_ownership_row_at(ownership, ownership->row_of[i])->shared.amount,
				ownership->shared[i].amount);
	for (uint32_t i = ownership->rows->len; i-- > 0;) {
		const hc_owner_row *row = hc_ownership_row_at(ownership, i);

		if (row->parent != HC_OWNER_NO_ROW)
			hc_amount_add(&hc_ownership_row_at(ownership, row->parent)->shared.amount, row->shared.amount);
	}
}

/* ---- rivals ---- */

/* The graph to find rivals of CONTESTED owners in: all of it where that is there, or what a root has in it depends on all. OWN: one made for it. */
static const hc_graph *graph_within(hc_core_graph *core_graph, const uint32_t *owners, const uint64_t *contested,
	unsigned jobs, hc_graph **own, GError **error)
{
	if (!hc_core_graph_rows(core_graph) && !hc_core_graph_is_weak(core_graph, contested))
		return *own = hc_core_graph_within(core_graph, owners, contested, jobs, error);
	return hc_core_graph_build(core_graph, jobs, error) ? hc_core_graph_rows(core_graph) : NULL;
}

static bool count_shared(
	struct counting *counting, hc_core_graph *core_graph, const uint32_t *owners, unsigned jobs, GError **error)
{
	g_autoptr(hc_graph) own_crossing = NULL, own_within = NULL;
	const hc_graph *crossing = hc_core_graph_rows(core_graph);

	if (!crossing)
		crossing = own_crossing = hc_core_graph_crossing(core_graph, owners, counting->ranks, jobs, error);
	if (!crossing)
		return false;
	g_autoptr(hc_rivals) rivals = hc_rivals_create(crossing, owners, counting->ranks, error);
	const uint64_t *contested = rivals ? hc_rivals_contested(rivals) : NULL;

	if (!contested)
		return rivals != NULL;
	const hc_graph *within = graph_within(core_graph, owners, contested, jobs, &own_within, error);

	if (!within || !hc_rivals_find(rivals, within, error))
		return false;
	count_blocks(counting, rivals);
	name_rivals(counting);
	return true;
}

bool hc_ownership_find_shared(hc_ownership *ownership, hc_core_graph *core_graph, unsigned jobs, GError **error)
{
	size_t size = (hc_blocks_count(ownership->blocks) + (size_t)1) * sizeof(uint32_t),
	       paths = (size_t)ownership->path_count + 1;
	uint32_t roots = hc_core_graph_root_count(core_graph);
	uint32_t *owners = ownership->types ? hc_pages_create(size) : NULL;
	g_autofree const char **names = g_new0(const char *, (size_t)roots + 1);
	g_autofree uint32_t *first = g_try_new0(uint32_t, paths), *ranks = g_new0(uint32_t, (size_t)roots + 1);
	struct counting counting = { ownership, hc_core_graph_roots(core_graph), names, first, ranks,
		g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL) };
	bool ok = !ownership->types;

	ownership->shared = g_try_new0(hc_sharing, paths);
	if (owners && first && ownership->shared) {
		number_rows(&counting, roots);
		find_owners(&counting, owners);
		ok = count_shared(&counting, core_graph, owners, jobs, error);
	} else if (ownership->types) {
		g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory to tell who shares blocks");
	}
	hc_pages_destroy(owners, size);
	g_hash_table_unref(counting.pairs);
	return ok;
}
