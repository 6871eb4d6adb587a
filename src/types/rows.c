/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What blocks are, as rows of types: each owner adds its blocks (sizes.c) to the row of its type.
 *
 * Blocks of unknown type are put together by what they look like: their size and what their first words are. Only these are
 * visited.
 */
#include "types/rows.h"

#include <inttypes.h>

enum {
	SHAPE_WORDS = 6,
	SHAPES_MAX = 1 << 14, /* rows of what unknown blocks look like; all others are one row */
	SMALL_NUMBER = 1 << 24
};

struct row_key {
	const char *name;
	hc_certainty certainty;
};

struct counting {
	hc_types *types;
	GHashTable *rows;   /* struct row_key -> hc_type_row */
	GHashTable *labels; /* hc_label -> hc_type_row */
	GHashTable *shapes; /* shape -> hc_type_row */
};

static unsigned hash_key(const void *data)
{
	const struct row_key *key = data;

	return g_str_hash(key->name) * 4 + key->certainty;
}

static int equal_keys(const void *a, const void *b)
{
	const struct row_key *x = a, *y = b;

	return x->certainty == y->certainty && !strcmp(x->name, y->name);
}

/* ---- what unknown blocks look like ---- */

/* A word as a digit: 0 zero, 1 number, 2 heap, 3 text, 4 other, 5 and on: module. */
static unsigned kind_of_word(const hc_types *types, uint64_t word, unsigned size)
{
	unsigned printable = 0;

	if (!word)
		return 0;
	if (word < SMALL_NUMBER || word > -(uint64_t)SMALL_NUMBER)
		return 1;
	if (hc_blocks_may_contain(types->blocks, word) && hc_blocks_region(types->blocks, word))
		return 2;
	for (uint64_t rest = word; rest && g_ascii_isprint(rest & 0xff); rest >>= 8)
		printable++;
	if (printable >= 4 && (printable == size || !(word >> 8 * printable)))
		return 3;
	const hc_module *module = hc_modules_find(types->modules, word);

	return module ? 5 + hc_modules_index(types->modules, module) : 4;
}

static char *describe_shape(const hc_types *types, uint64_t size, const uint16_t *kinds, unsigned count)
{
	static const char *const names[] = { "0", "number", "heap", "text", "other" };
	GString *text = g_string_new(NULL);

	g_string_append_printf(text, "? %" PRIu64 " bytes:", size);
	for (unsigned i = 0; i < count; i++)
		g_string_append_printf(text, " %s",
			kinds[i] < 5 ? names[kinds[i]] : hc_modules_get(types->modules, kinds[i] - 5)->name);
	return g_string_free(text, FALSE);
}

static hc_type_row *add_row(hc_types *types, const char *name, const hc_type *type, hc_certainty certainty)
{
	hc_type_row *row = g_new0(hc_type_row, 1);

	row->name = name ? hc_types_keep(types, name) : NULL;
	row->type = type;
	row->certainty = certainty;
	return row;
}

typedef struct shape {
	uint64_t size;
	uint16_t kinds[SHAPE_WORDS];
} shape;

/* Without padding that was not set: shapes are compared as bytes. Returns how many of the words are. */
static unsigned find_shape(const hc_types *types, const hc_block *block, shape *ret_shape)
{
	unsigned word = hc_core_process(types->core)->word_size, count = MIN(block->size / word, SHAPE_WORDS);

	memset(ret_shape, 0, sizeof *ret_shape);
	ret_shape->size = block->size;
	for (unsigned i = 0; i < count; i++) {
		uint64_t value;

		if (hc_core_read_word(types->core, block->address + i * word, &value))
			ret_shape->kinds[i] = kind_of_word(types, value, word);
	}
	return count;
}

char *hc_types_shape_name(const hc_types *types, const hc_block *block)
{
	shape found;
	unsigned count = find_shape(types, block, &found);

	return describe_shape(types, block->size, found.kinds, count);
}

static hc_type_row *shape_row(struct counting *counting, const hc_block *block)
{
	hc_types *types = counting->types;
	shape found;
	unsigned count = find_shape(types, block, &found);
	hc_type_row *row;
	g_autoptr(GBytes) key = g_bytes_new(&found, sizeof found);

	row = g_hash_table_lookup(counting->shapes, key);
	if (row)
		return row;
	if (g_hash_table_size(counting->shapes) >= SHAPES_MAX) {
		g_bytes_unref(key);
		key = g_bytes_new_static("", 0);
		row = g_hash_table_lookup(counting->shapes, key);
		if (row)
			return row;
		row = add_row(types, HC_SHAPES_LEFT, NULL, HC_CERTAINTY_UNKNOWN);
	} else {
		g_autofree char *name = describe_shape(types, block->size, found.kinds, count);

		row = add_row(types, name, NULL, HC_CERTAINTY_UNKNOWN);
	}
	g_hash_table_insert(counting->shapes, g_bytes_ref(key), row);
	return row;
}

/* ---- rows ---- */

static hc_type_row *named_row(struct counting *counting, const char *name, const hc_type *type, hc_certainty certainty)
{
	struct row_key key = { name, certainty };
	hc_type_row *row = g_hash_table_lookup(counting->rows, &key);

	if (!row) {
		row = add_row(counting->types, name, type, certainty);
		key.name = row->name;
		g_hash_table_insert(counting->rows, g_memdup2(&key, sizeof key), row);
	}
	return row;
}

static hc_type_row *label_row(struct counting *counting, const hc_label *label)
{
	hc_type_row *row = g_hash_table_lookup(counting->labels, label);

	if (!row) {
		row = add_row(counting->types, NULL, NULL, HC_CERTAINTY_CERTAIN);
		row->label = label;
		g_hash_table_insert(counting->labels, (gpointer)label, row);
	}
	return row;
}

static hc_path_begin begin_of(const hc_owner *owner)
{
	while (owner && owner->parent)
		owner = owner->parent;
	return !owner	       ? HC_PATH_FROM_NOTHING :
	       owner->variable ? HC_PATH_FROM_VARIABLE :
	       owner->root     ? HC_PATH_FROM_PLACE :
				 HC_PATH_FROM_NOTHING;
}

/* A block whose type no owner tells. */
static void count_block(struct counting *counting, const hc_block *block)
{
	hc_type_row *row = block->label ? label_row(counting, block->label) : shape_row(counting, block);

	if (!row->amount.blocks) {
		row->example = block->address;
		row->path = NULL;
	}
	hc_amount_count(&row->amount, block->size);
}

/* What libc has is known; of the others that have no owner nothing is. */
static void count_without_owner(hc_types *types, const hc_block *block)
{
	hc_amount_count(&types->coverage[block->label ? HC_CERTAINTY_CERTAIN : HC_CERTAINTY_UNKNOWN], block->size);
	if (!block->label)
		hc_amount_count(&types->held_by[HC_PATH_FROM_NOTHING], block->size);
}

/* What owners have, by how sure it is, and by where their paths begin. HAS_TYPE: TRUE for each whose type is known. */
static void count_owners(hc_types *types, uint8_t *has_type)
{
	for (unsigned i = 1; i < types->owners->list->len; i++) {
		const hc_owner *owner = hc_types_owner(types, i);
		hc_certainty certainty = hc_owner_block_certainty(owner);

		hc_amount_add(&types->coverage[certainty], owner->own);
		hc_amount_add(&types->held_by[begin_of(owner)], owner->own);
		has_type[i] = certainty != HC_CERTAINTY_UNKNOWN;
	}
}

/* Visits the blocks in use that have no owner, or one that is not in HAS_TYPE. */
static void count_unknown(struct counting *counting, const uint8_t *has_type)
{
	hc_types *types = counting->types;
	const hc_blocks *blocks = types->blocks;
	uint32_t owners = types->owners->list->len;
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, blocks);
	for (uint32_t number = 0; number < blocks->count; number++) {
		uint32_t owner = types->owner_of[number];
		bool has_owner = owner && owner != HC_OWNER_CLOSED;

		/* Nearly all end here. */
		if ((owner < owners && has_type[owner]) || blocks->states[number] != HC_BLOCK_IN_USE)
			continue;
		hc_block_iterator_skip_to(&iterator, number);
		hc_block_iterator_next(&iterator, &block);
		if (!has_owner)
			count_without_owner(types, &block);
		count_block(counting, &block);
	}
}

static void add_owner_row(struct counting *counting, hc_owner *owner)
{
	g_autofree char *name = NULL;
	hc_type_row *row;
	hc_block block;

	if (!owner->own.blocks || owner->certainty == HC_CERTAINTY_UNKNOWN)
		return;
	name = hc_owner_type_name(owner);
	row = named_row(counting, name, owner->type, hc_owner_block_certainty(owner));
	if (!row->amount.blocks && hc_blocks_get(counting->types->blocks, owner->first_block, &block)) {
		g_autofree char *path = hc_owner_path(owner);

		row->example = block.address;
		row->path = hc_types_keep(counting->types, path);
	}
	hc_amount_add(&row->amount, owner->own);
}

static int compare_rows(const void *a, const void *b)
{
	const hc_type_row *x = a, *y = b;

	if (x->amount.bytes != y->amount.bytes)
		return x->amount.bytes < y->amount.bytes ? 1 : -1;
	return x->example != y->example ? (x->example > y->example) - (x->example < y->example) :
					  g_strcmp0(x->name, y->name);
}

static void collect(hc_types *types, GHashTable *rows)
{
	GHashTableIter iter;
	gpointer row;

	g_hash_table_iter_init(&iter, rows);
	while (g_hash_table_iter_next(&iter, NULL, &row))
		g_array_append_vals(types->rows, row, 1);
}

void hc_types_make_rows(hc_types *types)
{
	struct counting counting = {
		.types = types,
		.rows = g_hash_table_new_full(hash_key, equal_keys, g_free, g_free),
		.labels = g_hash_table_new_full(NULL, NULL, NULL, g_free), /* equal labels are one object */
		.shapes = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, g_free),
	};
	g_autofree uint8_t *has_type = g_new0(uint8_t, types->owners->list->len + 1);

	count_owners(types, has_type);
	count_unknown(&counting, has_type);
	/* Rows of types are of whole blocks; of one that holds nodes of several a container has its nodes. */
	for (unsigned i = 1; i < types->owners->list->len; i++)
		add_owner_row(&counting, hc_types_owner(types, i));
	collect(types, counting.rows);
	collect(types, counting.labels);
	collect(types, counting.shapes);
	g_hash_table_unref(counting.rows);
	g_hash_table_unref(counting.labels);
	g_hash_table_unref(counting.shapes);
	g_array_sort(types->rows, compare_rows);
	hc_types_add_up_holdings(types);
}
