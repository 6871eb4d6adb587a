/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where does memory pile up? A variable is seldom the answer: g_node has one shared pointer, which has one context, which has one list of
 * 60,000 callbacks, and that list is what somebody forgot to empty.
 *
 *	collect	the tree of paths, without what is lost. A variable that three threads or more have, none of them much more of it than
 *		the others, is one place, and so are the paths below it.
 *	choose	from the variables on, parents first: a place with few things is no answer, what is below it may be. A place with many
 *		things is one; but if one child holds more than half of that, and a single container there has more elements than
 *		this place has things (one queue of a million in a table of twenty), it is that child.
 *
 * Each path is looked at a few times: thousands, where there are millions of blocks.
 */
#include "findings/held.h"

#include "base/alike.h"

enum {
	MANY = 16 /* things: fewer are a structure, not a pile */
};

/* ---- variables of many threads ---- */

typedef struct variable_group {
	GHashTable *threads; /* a set */
	uint64_t bytes, most;
} variable_group;

static void free_group(void *data)
{
	variable_group *group = data;

	g_hash_table_unref(group->threads);
	g_free(group);
}

/* What the variables of all threads have in common; NULL: it is no thread's. Free with g_free(). */
static char *variable_key(const hc_types *types, uint32_t number, const hc_types_path *path)
{
	const hc_variable *variable = path->variable;

	if (path->root && path->root->thread) {
		g_autofree char *text = hc_types_path_text(types, number);

		return g_strdup_printf("word\n%u\n%s", path->root->kind, text);
	}
	if (!variable || variable->thread == UINT_MAX)
		return NULL;
	return g_strdup_printf("%u\n%s\n%s\n%p", variable->kind, variable->name,
		variable->function ? variable->function : "", (const void *)path->type);
}

static GHashTable *group_variables(const hc_types *types)
{
	GHashTable *groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_group);

	for (uint32_t i = 1; i <= hc_types_path_count(types); i++) {
		hc_types_path path;

		hc_types_path_get(types, i, &path);
		g_autofree char *key = path.parent || !path.below.bytes ? NULL : variable_key(types, i, &path);
		variable_group *group = key ? g_hash_table_lookup(groups, key) : NULL;

		if (key && !group) {
			group = g_new0(variable_group, 1);
			group->threads = g_hash_table_new(NULL, NULL);
			g_hash_table_insert(groups, g_steal_pointer(&key), group);
		}
		if (!group)
			continue;
		g_hash_table_add(group->threads, path.root ? GSIZE_TO_POINTER((size_t)path.root->thread) :
							     GUINT_TO_POINTER(path.variable->thread + 1));
		group->bytes += path.below.bytes;
		group->most = MAX(group->most, path.below.bytes);
	}
	return groups;
}

/* ---- the tree ---- */

typedef struct held_collecting {
	const hc_types *types;
	GArray *tree;	    /* of hc_held */
	uint32_t *place;    /* by path: its index in the tree */
	hc_amount *lost;    /* by path: what is lost, at it and below */
	GHashTable *groups; /* variable key -> variable_group */
	GHashTable *places; /* key of a path in many threads -> index + 1 */
} held_collecting;

static void find_lost(const held_collecting *collecting, const hc_findings_input *input)
{
	uint32_t count = hc_types_path_count(collecting->types), number = 0;
	hc_block block;
	hc_reach reach;

	while (hc_references_next_lost(input->references, &number, &block, &reach)) {
		uint32_t path = hc_types_path_of_block(collecting->types, block.number);

		if (path <= count)
			hc_amount_count(&collecting->lost[path], block.size);
	}
}

static void add_up_lost(const held_collecting *collecting)
{
	for (uint32_t i = hc_types_path_count(collecting->types); i; i--) {
		hc_types_path path;

		hc_types_path_get(collecting->types, i, &path);
		if (path.parent)
			hc_amount_add(&collecting->lost[path.parent], collecting->lost[i]);
	}
}

static void subtract(hc_amount *amount, hc_amount lost)
{
	amount->blocks -= MIN(amount->blocks, lost.blocks);
	amount->bytes -= MIN(amount->bytes, lost.bytes);
}

/* The same for paths that are the same in many threads; NULL: it is of none. *RET_THREADS: how many there are. */
static char *place_key(
	const held_collecting *collecting, uint32_t number, const hc_types_path *path, unsigned *ret_threads)
{
	if (!path->parent) {
		char *key = variable_key(collecting->types, number, path);
		const variable_group *group = key ? g_hash_table_lookup(collecting->groups, key) : NULL;

		unsigned threads = group ? g_hash_table_size(group->threads) : 0;

		if (group && hc_are_alike(group->bytes, group->most, threads)) {
			*ret_threads = threads;
			return key;
		}
		g_free(key);
		return NULL;
	}
	uint32_t parent = collecting->place[path->parent];

	*ret_threads = hc_held_get(collecting->tree, parent)->threads;
	if (!*ret_threads)
		return NULL;
	g_autofree char *text = hc_types_path_text(collecting->types, number);

	return g_strdup_printf(
		"%u\n%s\n%p\n%d%d", parent, text, (const void *)path->type, path->is_index, path->is_container);
}

static void add_figures(hc_types_path *sum, const hc_types_path *path)
{
	hc_amount_add(&sum->own, path->own);
	hc_amount_add(&sum->below, path->below);
	sum->count += path->count;
	sum->elements += path->elements;
	sum->elements_bytes += path->elements_bytes;
	if (path->capacity != UINT64_MAX)
		sum->capacity = (sum->capacity == UINT64_MAX ? 0 : sum->capacity) + path->capacity;
	if (path->most_elements > sum->most_elements) {
		sum->most_elements = path->most_elements;
		sum->largest = path->largest;
	}
	sum->certainty = MAX(sum->certainty, path->certainty);
	sum->grade = MAX(sum->grade, path->grade);
}

static void add_path(held_collecting *collecting, uint32_t number)
{
	hc_held held = { .path = number, .parent = HC_HELD_NONE, .heaviest = HC_HELD_NONE };

	hc_types_path_get(collecting->types, number, &held.is);
	/* Of `own` the lost part is not known apart from that of what is below: less than nothing is lost there. */
	subtract(&held.is.below, collecting->lost[number]);
	held.is.own.bytes = MIN(held.is.own.bytes, held.is.below.bytes);
	held.is.own.blocks = MIN(held.is.own.blocks, held.is.below.blocks);
	if (held.is.parent)
		held.parent = collecting->place[held.is.parent];
	g_autofree char *key = place_key(collecting, number, &held.is, &held.threads);
	uint32_t known = key ? GPOINTER_TO_UINT(g_hash_table_lookup(collecting->places, key)) : 0;

	if (known) {
		collecting->place[number] = known - 1;
		add_figures(&g_array_index(collecting->tree, hc_held, known - 1).is, &held.is);
		return;
	}
	collecting->place[number] = collecting->tree->len;
	g_array_append_val(collecting->tree, held);
	if (key)
		g_hash_table_insert(collecting->places, g_steal_pointer(&key), GUINT_TO_POINTER(collecting->tree->len));
}

static void find_heaviest(GArray *tree)
{
	for (uint32_t i = 0; i < tree->len; i++) {
		const hc_held *held = hc_held_get(tree, i);
		hc_held *parent = held->parent == HC_HELD_NONE ? NULL : &g_array_index(tree, hc_held, held->parent);

		if (parent && !held->is.is_index &&
			(parent->heaviest == HC_HELD_NONE ||
				held->is.below.bytes > hc_held_get(tree, parent->heaviest)->is.below.bytes))
			parent->heaviest = i;
	}
}

GArray *hc_held_collect(const hc_findings_input *input)
{
	uint32_t count = hc_types_path_count(input->types);
	g_autofree uint32_t *place = g_new(uint32_t, (size_t)count + 1);
	g_autofree hc_amount *lost = g_new0(hc_amount, (size_t)count + 1);
	g_autoptr(GHashTable) groups = group_variables(input->types);
	g_autoptr(GHashTable) places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GArray *tree = g_array_new(FALSE, FALSE, sizeof(hc_held));
	held_collecting collecting = { input->types, tree, place, lost, groups, places };

	find_lost(&collecting, input);
	add_up_lost(&collecting);
	for (uint32_t i = 1; i <= count; i++)
		add_path(&collecting, i);
	find_heaviest(tree);
	return tree;
}

/* ---- which of them ---- */

/* How many things of one kind are here: elements; or blocks of what is no container. */
static uint64_t things_of(const hc_held *held)
{
	if (held->is.is_container)
		return held->is.is_value ? held->is.count : held->is.elements;
	return held->is.own.blocks;
}

/* The most things that hang on one of the things above. Elements that are only values in a buffer are not things. */
static uint64_t most_things(const hc_held *held, uint64_t above)
{
	if (!held->is.is_container)
		return held->is.own.blocks / MAX(above, 1);
	return held->is.is_value || held->is.below.blocks < held->is.elements / 2 ? 0 : held->is.most_elements;
}

/* Down from START, where many things are, to where most things are alike. */
static uint32_t descend(const GArray *tree, uint32_t start)
{
	uint64_t half = hc_held_get(tree, start)->is.below.bytes / 2, things = things_of(hc_held_get(tree, start));
	uint32_t chosen = start, at = start;

	while ((at = hc_held_get(tree, at)->heaviest) != HC_HELD_NONE) {
		const hc_held *held = hc_held_get(tree, at);

		if (held->is.below.bytes <= half)
			break;
		if (most_things(held, things) > things) {
			chosen = at;
			things = things_of(held);
		}
	}
	return chosen;
}

/* Whether the way down ends at HELD: it has many things, or what it has itself is most, or nothing below it is worth telling. */
static bool ends_at(const GArray *tree, const hc_held *held, uint64_t least)
{
	return things_of(held) >= MANY || held->is.own.bytes >= held->is.below.bytes / 2 ||
	       held->heaviest == HC_HELD_NONE || hc_held_get(tree, held->heaviest)->is.below.bytes < least;
}

static int most_bytes_first(const void *a, const void *b, void *data)
{
	const hc_held *x = hc_held_get(data, *(const uint32_t *)a), *y = hc_held_get(data, *(const uint32_t *)b);

	if (x->is.below.bytes != y->is.below.bytes)
		return x->is.below.bytes < y->is.below.bytes ? 1 : -1;
	return (x->path > y->path) - (x->path < y->path);
}

GArray *hc_held_choose(const GArray *tree, uint64_t least)
{
	GArray *chosen = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	g_autofree bool *open = g_new0(bool, MAX(tree->len, 1));

	for (uint32_t i = 0; i < tree->len; i++) {
		const hc_held *held = hc_held_get(tree, i);

		if (held->is.below.bytes < least || held->is.is_index ||
			(held->parent != HC_HELD_NONE && !open[held->parent]))
			continue;
		if (!ends_at(tree, held, least)) {
			open[i] = true;
			continue;
		}
		uint32_t end = descend(tree, i);

		g_array_append_val(chosen, end);
	}
	g_array_sort_with_data(chosen, most_bytes_first, (gpointer)tree);
	return chosen;
}
