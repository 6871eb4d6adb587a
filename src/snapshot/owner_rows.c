/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The paths that blocks hang on. Paths of one text that begin at one variable are one row: the classes that an object may be, a
 * container and its index. What is too much to keep is counted with its nearest kept ancestor.
 */
#include "snapshot/snapshot_parts.h"

#include "blocks/blocks.h"
#include "values/values.h"

#include <inttypes.h>

enum {
	OWNERS_MAX = 50000,
	SAMPLED_MAX = 24,     /* containers whose keys are looked at */
	SAMPLED_LEAST = 1000, /* elements */
};

struct row_key {
	uint32_t root; /* number of the path's beginning */
	const char *text;
};

struct collecting {
	hc_snapshot *snapshot;
	const hc_types *types;
	const hc_core *core;
	uint32_t count;
	const hc_path_amounts *amounts;
	const hc_ownership *ownership;
	hc_amount *below;
	uint64_t *outside, *outside_below, *places; /* by path: bytes that are not malloc's; where they are */
	uint64_t *outside_resident;
	uint32_t *root;	  /* by path: where it begins */
	uint32_t *row;	  /* by path: its row in snapshot->owners + 1; 0: not kept */
	GHashTable *rows; /* struct row_key -> row + 1 */
	uint64_t least;	  /* bytes below a path that is kept */
};

static unsigned hash_key(const void *data)
{
	const struct row_key *key = data;

	return g_str_hash(key->text) * 31 + key->root;
}

static int equal_keys(const void *a, const void *b)
{
	const struct row_key *x = a, *y = b;

	return x->root == y->root && !strcmp(x->text, y->text);
}

/* What lies below each path, and where it begins. */
static void climb(struct collecting *collecting)
{
	hc_types_path path;

	for (uint32_t i = 1; i <= collecting->count; i++) {
		hc_types_path_get(collecting->types, i, &path);
		collecting->root[i] = path.parent ? collecting->root[path.parent] : i;
		collecting->below[i] = collecting->amounts->own[i];
		collecting->outside[i] = path.outside;
		collecting->outside_below[i] = path.outside_below;
		collecting->places[i] = path.outside_places;
		collecting->outside_resident[i] = path.outside_resident;
	}
	for (uint32_t i = collecting->count; i; i--) {
		hc_types_path_get(collecting->types, i, &path);
		if (path.parent)
			hc_amount_add(&collecting->below[path.parent], collecting->below[i]);
	}
}

static int most_first(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

static uint64_t bytes_below(const struct collecting *collecting, uint32_t number)
{
	return collecting->below[number].bytes + collecting->outside_below[number];
}

/* So many bytes must a path have below it that no more than OWNERS_MAX are kept. */
static uint64_t find_least(const struct collecting *collecting)
{
	g_autoptr(GArray) sizes = g_array_new(FALSE, FALSE, sizeof(uint64_t));

	if (collecting->count <= OWNERS_MAX)
		return 0;
	for (uint32_t i = 1; i <= collecting->count; i++) {
		uint64_t bytes = bytes_below(collecting, i);

		g_array_append_val(sizes, bytes);
	}
	g_array_sort(sizes, most_first);
	return g_array_index(sizes, uint64_t, OWNERS_MAX) + 1;
}

/* ---- where paths begin ---- */

struct beginning {
	uint32_t number;
	hc_address address;
	char *key; /* of all with one name, function and thread */
};

static void clear_beginning(void *data)
{
	g_free(((struct beginning *)data)->key);
}

static int compare_beginnings(const void *a, const void *b)
{
	hc_address x = ((const struct beginning *)a)->address, y = ((const struct beginning *)b)->address;

	return (x > y) - (x < y);
}

/* FALSE if nothing that has a name is where PATH begins. */
static bool describe_beginning(
	const hc_types *types, uint32_t number, const hc_types_path *path, struct beginning *ret_beginning)
{
	const hc_variable *variable = path->variable;
	const hc_named_root *root = path->root;

	if (!variable && !root)
		return false;
	g_autofree char *text = root ? hc_types_path_text(types, number) : NULL;
	const char *function = root ? root->function : variable->function;

	*ret_beginning = (struct beginning){ number, root ? root->address : variable->address,
		g_strdup_printf("%s\n%s\n%" PRId64, root ? text : variable->name, function ? function : "",
			root ? root->thread : (int64_t)variable->thread) };
	return true;
}

/* Variables of one name are told apart by the order of their addresses, which is that of another process of the same build too. */
static uint32_t *count_ordinals(const struct collecting *collecting)
{
	g_autoptr(GArray) beginnings = g_array_new(FALSE, FALSE, sizeof(struct beginning));
	struct beginning found;
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	uint32_t *ordinals = g_new0(uint32_t, (size_t)collecting->count + 1);

	for (uint32_t i = 1; i <= collecting->count; i++) {
		hc_types_path path;

		hc_types_path_get(collecting->types, i, &path);
		if (!path.parent && describe_beginning(collecting->types, i, &path, &found))
			g_array_append_val(beginnings, found);
	}
	g_array_set_clear_func(beginnings, clear_beginning);
	g_array_sort(beginnings, compare_beginnings);
	for (unsigned i = 0; i < beginnings->len; i++) {
		struct beginning *beginning = &g_array_index(beginnings, struct beginning, i);
		unsigned count = GPOINTER_TO_UINT(g_hash_table_lookup(seen, beginning->key));

		ordinals[beginning->number] = count;
		g_hash_table_insert(seen, g_steal_pointer(&beginning->key), GUINT_TO_POINTER(count + 1));
	}
	return ordinals;
}

/* ---- rows ---- */

/* Where the path begins: in which function, of which thread. */
static void set_beginning(struct collecting *collecting, hc_snapshot_owner *owner, const hc_types_path *path)
{
	const hc_variable *variable = path->variable;

	if (path->root) {
		owner->function = hc_snapshot_keep(collecting->snapshot, path->root->function);
		owner->thread = path->root->thread;
	}
	if (!variable)
		return;
	owner->function = hc_snapshot_keep(collecting->snapshot, variable->function);
	if (variable->thread < hc_core_thread_count(collecting->core))
		owner->thread = hc_core_thread(collecting->core, variable->thread)->id;
}

static hc_where keep_where(struct collecting *collecting, uint32_t number)
{
	g_auto(hc_where) where = { 0 };
	hc_where kept;

	hc_types_path_where(collecting->types, number, &where);
	kept = where;
	kept.name = hc_snapshot_keep(collecting->snapshot, where.name);
	return kept;
}

static uint32_t add_row(struct collecting *collecting, uint32_t number, const hc_types_path *path, const char *text)
{
	hc_snapshot *snapshot = collecting->snapshot;
	g_autofree char *type = hc_types_path_type_name(collecting->types, number);
	hc_snapshot_owner owner = {
		.parent = HC_SNAPSHOT_NONE,
		.path = hc_snapshot_keep(snapshot, text),
		/* Of what is no container, where the variable is says more than whose member it is. */
		.where = keep_where(collecting, path->is_container ? number : collecting->root[number]),
		.type = hc_snapshot_keep(snapshot, type),
		.capacity = UINT64_MAX,
		.certainty = path->certainty,
		.is_found = !path->variable && !path->root,
		.by_words = path->root != NULL,
	};

	for (uint32_t up = path->parent; up && owner.parent == HC_SNAPSHOT_NONE;) {
		hc_types_path parent;

		owner.parent = collecting->row[up] ? collecting->row[up] - 1 : HC_SNAPSHOT_NONE;
		hc_types_path_get(collecting->types, up, &parent);
		up = parent.parent;
	}
	set_beginning(collecting, &owner, path);
	g_array_append_val(snapshot->owners, owner);
	return snapshot->owners->len;
}

static void add_container(struct collecting *collecting, hc_snapshot_owner *owner, uint32_t number,
	const hc_types_path *path, const char *type)
{
	hc_snapshot *snapshot = collecting->snapshot;

	if (!path->is_container)
		return;
	if (!owner->kind) {
		owner->where = keep_where(collecting, number);
		owner->kind = hc_snapshot_keep(snapshot, path->kind);
		owner->type = hc_snapshot_keep(snapshot, type);
		owner->is_value = path->is_value;
		owner->is_queue = path->is_queue;
		owner->is_keyed = path->is_keyed;
		owner->grade = path->grade;
		owner->certainty = path->certainty;
	}
	owner->count += path->count;
	owner->elements += path->elements;
	if (path->capacity != UINT64_MAX)
		owner->capacity = (owner->capacity == UINT64_MAX ? 0 : owner->capacity) + path->capacity;
}

/* The row of path NUMBER, which is kept: one that is there, or a new one. */
static void take_path(
	struct collecting *collecting, uint32_t number, const hc_types_path *path, const uint32_t *ordinals)
{
	g_autofree char *text = hc_types_path_text(collecting->types, number);
	g_autofree char *type = hc_types_path_type_name(collecting->types, number);
	struct row_key key = { collecting->root[number], text };
	uint32_t row = GPOINTER_TO_UINT(g_hash_table_lookup(collecting->rows, &key));
	hc_snapshot_owner *owner;

	if (!row) {
		row = add_row(collecting, number, path, text);
		owner = &g_array_index(collecting->snapshot->owners, hc_snapshot_owner, row - 1);
		owner->ordinal = ordinals[key.root];
		key.text = owner->path;
		g_hash_table_insert(collecting->rows, g_memdup2(&key, sizeof key), GUINT_TO_POINTER(row));
	}
	owner = &g_array_index(collecting->snapshot->owners, hc_snapshot_owner, row - 1);
	collecting->row[number] = row;
	if (!owner->kind && collecting->amounts->own[number].blocks)
		owner->type =
			hc_snapshot_keep(collecting->snapshot, type); /* of the blocks, not of what leads to them */
	if (!path->is_index)
		add_container(collecting, owner, number, path, type);
}

/* The name is that of the path that has most of it. */
static void add_shared(struct collecting *collecting, hc_snapshot_owner *owner, hc_sharing shared)
{
	if (!shared.with)
		return;
	if (!owner->shared.with || shared.amount.bytes > owner->shared.amount.bytes)
		owner->shared.with = hc_snapshot_keep(collecting->snapshot, shared.with);
	owner->shared.others = MAX(owner->shared.others, shared.others);
	hc_amount_add(&owner->shared.amount, shared.amount);
}

/* The path NUMBER, or the nearest above it that has a row. One that begins with nothing kept above it is kept itself: see is_kept(). */
static uint32_t kept_path(const struct collecting *collecting, uint32_t number)
{
	hc_types_path path;

	while (number && !collecting->row[number]) {
		hc_types_path_get(collecting->types, number, &path);
		number = path.parent;
	}
	return number;
}

/* The sample's blocks have the rows of their paths. A path has none if all that it has are places that were never touched: no memory. */
static void give_sample(struct collecting *collecting)
{
	GArray *sample = collecting->snapshot->sample;
	unsigned kept = 0;

	for (unsigned i = 0; i < sample->len; i++) {
		hc_snapshot_block block = g_array_index(sample, hc_snapshot_block, i);
		uint32_t path = kept_path(collecting, block.owner);

		if (!path)
			continue;
		block.owner = collecting->row[path] - 1;
		g_array_index(sample, hc_snapshot_block, kept++) = block;
	}
	g_array_set_size(sample, kept);
}

/* What only words lead to of what path NUMBER has itself. */
static uint64_t untyped_of(const struct collecting *collecting, uint32_t number)
{
	hc_types_path path;

	hc_types_path_get(collecting->types, number, &path);
	return path.certainty == HC_CERTAINTY_UNKNOWN ?
		       collecting->amounts->own[number].bytes + collecting->outside[number] :
		       0;
}

static void give_blocks(struct collecting *collecting, uint32_t number)
{
	hc_snapshot_owner *owner;

	if (!collecting->amounts->own[number].blocks && !collecting->outside[number])
		return;
	uint32_t kept = kept_path(collecting, number);

	if (kept != number)
		collecting->snapshot->owners_left_out++;
	owner = &g_array_index(collecting->snapshot->owners, hc_snapshot_owner, collecting->row[kept] - 1);
	hc_amount_add(&owner->own, collecting->amounts->own[number]);
	hc_amount_add(&owner->mapped, collecting->amounts->mapped[number]);
	owner->outside += collecting->outside[number];
	owner->untyped += untyped_of(collecting, number);
	owner->outside_places += collecting->places[number];
	owner->outside_resident += collecting->outside_resident[number];
	owner->free_between += collecting->amounts->free_between[number];
	owner->own_resident += collecting->amounts->own_resident[number];
	owner->mapped_resident += collecting->amounts->mapped_resident[number];
	add_shared(collecting, owner, hc_ownership_shared_of_path(collecting->ownership, number));
}

static bool is_kept(const struct collecting *collecting, uint32_t number, const hc_types_path *path)
{
	bool has_any = collecting->below[number].blocks || collecting->outside_below[number];

	if (!path->parent)
		return has_any || path->is_container;
	return bytes_below(collecting, number) >= collecting->least &&
	       (has_any || (path->is_container && !path->is_value));
}

/* ---- keys ---- */

static int most_below_first(const void *a, const void *b, void *data)
{
	const hc_amount *below = data;
	uint64_t x = below[*(const uint32_t *)a].bytes, y = below[*(const uint32_t *)b].bytes;

	return x < y ? 1 : x > y ? -1 : 0;
}

static void sample_keys(struct collecting *collecting, uint32_t number)
{
	hc_snapshot_owner *owner =
		&g_array_index(collecting->snapshot->owners, hc_snapshot_owner, collecting->row[number] - 1);
	g_auto(hc_sample) sample = { 0 };

	hc_types_path_sample(collecting->types, number, 1, &sample);
	if (!sample.looked_at || owner->keys_looked_at)
		return;
	owner->keys_looked_at = sample.looked_at;
	owner->key_shapes = sample.shapes;
	owner->key = hc_snapshot_keep(collecting->snapshot, sample.texts ? sample.texts[0] : NULL);
	owner->key_shape = hc_snapshot_keep(collecting->snapshot, sample.shape);
}

/* Of the largest containers with keys. */
static void sample_largest(struct collecting *collecting)
{
	g_autoptr(GArray) keyed = g_array_new(FALSE, FALSE, sizeof(uint32_t));

	for (uint32_t i = 1; i <= collecting->count; i++) {
		hc_types_path path;

		hc_types_path_get(collecting->types, i, &path);
		if (collecting->row[i] && path.is_container && path.is_keyed && path.elements >= SAMPLED_LEAST)
			g_array_append_val(keyed, i);
	}
	g_array_sort_with_data(keyed, most_below_first, collecting->below);
	for (unsigned i = 0; i < MIN(keyed->len, SAMPLED_MAX); i++)
		sample_keys(collecting, g_array_index(keyed, uint32_t, i));
}

void hc_snapshot_add_owners(hc_snapshot *snapshot, const hc_types *types, const hc_core *core,
	const hc_path_amounts *amounts, const hc_ownership *ownership)
{
	uint32_t count = hc_types_path_count(types);
	size_t room = (size_t)count + 1;
	g_autofree hc_amount *below = g_new0(hc_amount, room);
	g_autofree uint32_t *root = g_new0(uint32_t, room), *row = g_new0(uint32_t, room);
	g_autoptr(GHashTable) rows = g_hash_table_new_full(hash_key, equal_keys, g_free, NULL);
	g_autofree uint64_t *outside = g_new0(uint64_t, room), *outside_below = g_new0(uint64_t, room),
			    *places = g_new0(uint64_t, room), *outside_resident = g_new0(uint64_t, room);
	struct collecting collecting = { snapshot, types, core, count, amounts, ownership, below, outside,
		outside_below, places, outside_resident, root, row, rows, 0 };

	climb(&collecting);
	collecting.least = find_least(&collecting);
	g_autofree uint32_t *ordinals = count_ordinals(&collecting);

	for (uint32_t i = 1; i <= count; i++) {
		hc_types_path path;

		hc_types_path_get(types, i, &path);
		if (is_kept(&collecting, i, &path))
			take_path(&collecting, i, &path, ordinals);
	}
	for (uint32_t i = 1; i <= count; i++)
		give_blocks(&collecting, i);
	give_sample(&collecting);
	sample_largest(&collecting);
}
