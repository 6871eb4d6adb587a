/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the blocks are that pin: added up by type and path, by cache, by libc's label, or else by size.
 *
 * One pass over the blocks of islands that pin, which are few by definition: together less bytes than the runs they pin. A block's
 * holder is found by a number (the types' path, the size in units of alignment) or in a small hash table; names are made once for
 * each holder, at the end.
 */
#include "pins/pins_state.h"

#include "base/partition.h"
#include "base/text.h"

static const char *const kind_names[HC_HOLDER_KIND_COUNT] = {
	[HC_HOLDER_TYPED] = "typed",
	[HC_HOLDER_CACHED] = "cached",
	[HC_HOLDER_LIBC] = "libc",
	[HC_HOLDER_UNKNOWN] = "unknown",
};

const char *hc_holder_kind_name(hc_holder_kind kind)
{
	return (unsigned)kind < HC_HOLDER_KIND_COUNT ? kind_names[kind] : "";
}

/* While adding up. `holders` are in the order of their first blocks; an index of them is kept plus one, 0 is none. */
struct adding {
	hc_pins *pins;
	uint32_t *by_path;	  /* of the types */
	uint32_t path_count;	  /* 0: no types */
	GHashTable *by_size;	  /* chunk size -> index + 1: of unknown blocks */
	GHashTable *by_thread;	  /* thread -> index + 1 */
	GHashTable *by_label;	  /* hc_label -> index + 1 */
	GArray *first_block;	  /* of uint32_t: number of each holder's first block */
	GArray *last_entry;	  /* of uint32_t: the entry that was counted last for the holder, plus one */
	uint32_t last_size_index; /* blocks of one size come in rows */
	uint64_t last_size;
};

static uint32_t new_holder(struct adding *adding, hc_holder_kind kind, const hc_pin_walk *walk)
{
	hc_pin_holder holder = {
		.kind = kind,
		.certainty = HC_CERTAINTY_UNKNOWN,
		.example = walk->chunk + 2 * adding->pins->blocks->word,
	};
	uint32_t none = 0;

	g_array_append_val(adding->pins->holders, holder);
	g_array_append_val(adding->first_block, walk->number);
	g_array_append_val(adding->last_entry, none);
	return adding->pins->holders->len;
}

static hc_pin_holder *last_holder(const struct adding *adding)
{
	return &g_array_index(adding->pins->holders, hc_pin_holder, adding->pins->holders->len - 1);
}

static uint32_t by_path(struct adding *adding, const hc_pin_walk *walk, uint32_t path)
{
	if (!adding->by_path[path])
		adding->by_path[path] = new_holder(adding, HC_HOLDER_TYPED, walk);
	return adding->by_path[path];
}

/* The thread whose cache holds the block; 0: not known. */
static int64_t caching_thread(const hc_blocks *blocks, hc_address address)
{
	const GArray *cached = blocks->heap.cached;
	unsigned at = HC_PARTITION_POINT(
		middle, 0, cached->len, g_array_index(cached, hc_cached_block, middle).address < address);
	const hc_cached_block *block = at < cached->len ? &g_array_index(cached, hc_cached_block, at) : NULL;

	return block && block->address == address ? block->thread : 0;
}

static uint32_t by_thread(struct adding *adding, const hc_pin_walk *walk)
{
	const hc_blocks *blocks = adding->pins->blocks;
	gint64 thread = caching_thread(blocks, walk->chunk + 2 * blocks->word);
	uint32_t index = GPOINTER_TO_UINT(g_hash_table_lookup(adding->by_thread, &thread));

	if (!index) {
		index = new_holder(adding, HC_HOLDER_CACHED, walk);
		last_holder(adding)->thread = thread;
		g_hash_table_insert(adding->by_thread, g_memdup2(&thread, sizeof thread), GUINT_TO_POINTER(index));
	}
	return index;
}

static uint32_t by_label(struct adding *adding, const hc_pin_walk *walk)
{
	hc_block block;
	const hc_label *label = hc_blocks_get(adding->pins->blocks, walk->number, &block) ? block.label : NULL;
	uint32_t index = GPOINTER_TO_UINT(g_hash_table_lookup(adding->by_label, label));

	if (!index) {
		index = new_holder(adding, HC_HOLDER_LIBC, walk);
		last_holder(adding)->label = label ? *label : (hc_label){ 0 };
		g_hash_table_insert(adding->by_label, (gpointer)label, GUINT_TO_POINTER(index));
	}
	return index;
}

static uint32_t by_size(struct adding *adding, const hc_pin_walk *walk)
{
	gint64 size = walk->size;
	uint32_t index;

	if (adding->last_size_index && walk->size == adding->last_size)
		return adding->last_size_index;
	index = GPOINTER_TO_UINT(g_hash_table_lookup(adding->by_size, &size));
	if (!index) {
		index = new_holder(adding, HC_HOLDER_UNKNOWN, walk);
		/* The next chunk's prev_size belongs to the block: malloc_usable_size(). */
		last_holder(adding)->size = MAX(walk->size, adding->pins->blocks->word) - adding->pins->blocks->word;
		g_hash_table_insert(adding->by_size, g_memdup2(&size, sizeof size), GUINT_TO_POINTER(index));
	}
	adding->last_size = walk->size;
	adding->last_size_index = index;
	return index;
}

/* Index plus one; 0: it is nobody's (free memory, not a chunk). */
static uint32_t holder_of(struct adding *adding, const hc_pin_walk *walk)
{
	const hc_blocks *blocks = adding->pins->blocks;

	if (walk->state == HC_BLOCK_TCACHE)
		return by_thread(adding, walk);
	if (walk->state != HC_BLOCK_IN_USE)
		return 0;
	if (hc_blocks_is_labelled(blocks, walk->number))
		return by_label(adding, walk);
	uint32_t path = adding->path_count ? hc_types_path_of_block(adding->pins->types, walk->number) : 0;

	return path && path < adding->path_count ? by_path(adding, walk, path) : by_size(adding, walk);
}

/* The island above entry INDEX. */
static void add_island(struct adding *adding, unsigned index)
{
	hc_pins *pins = adding->pins;
	const hc_pin_entry *entry = &g_array_index(pins->entries, hc_pin_entry, index);
	uint32_t only = 0;
	bool mixed = false;
	hc_pin_walk walk;

	hc_pin_walk_init(&walk, pins, entry);
	while (hc_pin_walk_next(&walk)) {
		uint32_t found = holder_of(adding, &walk);

		if (!found)
			continue;
		hc_pin_holder *holder = &g_array_index(pins->holders, hc_pin_holder, found - 1);
		uint32_t *last = &g_array_index(adding->last_entry, uint32_t, found - 1);

		if (!entry->shared) {
			hc_amount_count(&holder->amount, walk.size);
		}
		mixed |= only && only != found;
		only = found;
		if (*last == index + 1)
			continue;
		*last = index + 1;
		holder->runs++;
		holder->pinned += entry->run.whole;
	}
	if (only && !mixed)
		g_array_index(pins->holders, hc_pin_holder, only - 1).alone += entry->run.whole;
}

static void name_holder(struct adding *adding, unsigned index)
{
	hc_pins *pins = adding->pins;
	hc_pin_holder *holder = &g_array_index(pins->holders, hc_pin_holder, index);

	if (holder->kind == HC_HOLDER_TYPED) {
		g_auto(hc_block_type) type = { 0 };

		if (hc_types_of_block(pins->types, g_array_index(adding->first_block, uint32_t, index), &type)) {
			holder->name = g_string_chunk_insert(pins->texts, type.name);
			holder->path = type.path ? g_string_chunk_insert(pins->texts, type.path) : NULL;
			holder->certainty = type.certainty;
		}
	}
}

static int compare_holders(const void *a, const void *b)
{
	const hc_pin_holder *x = a, *y = b;

	if (x->pinned != y->pinned)
		return x->pinned < y->pinned ? 1 : -1;
	if (x->alone != y->alone)
		return x->alone < y->alone ? 1 : -1;
	if (x->amount.bytes != y->amount.bytes)
		return x->amount.bytes < y->amount.bytes ? 1 : -1;
	return (x->example > y->example) - (x->example < y->example);
}

void hc_pins_add_holders(hc_pins *pins)
{
	struct adding adding = {
		.pins = pins,
		.by_size = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
		.by_thread = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
		.by_label = g_hash_table_new(NULL, NULL), /* equal labels are one object */
		.first_block = g_array_new(FALSE, FALSE, sizeof(uint32_t)),
		.last_entry = g_array_new(FALSE, FALSE, sizeof(uint32_t)),
		.path_count = pins->types ? hc_types_path_count(pins->types) + 1 : 0,
	};

	adding.by_path = g_new0(uint32_t, adding.path_count + 1);
	for (unsigned i = 0; i < pins->entries->len; i++)
		if (g_array_index(pins->entries, hc_pin_entry, i).run.pinned)
			add_island(&adding, i);
	for (unsigned i = 0; i < pins->holders->len; i++)
		name_holder(&adding, i);
	g_array_sort(pins->holders, compare_holders);
	g_free(adding.by_path);
	g_array_unref(adding.first_block);
	g_array_unref(adding.last_entry);
	g_hash_table_unref(adding.by_size);
	g_hash_table_unref(adding.by_thread);
	g_hash_table_unref(adding.by_label);
}
