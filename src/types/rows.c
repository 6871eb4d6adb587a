/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The result: one pass over the blocks gives each owner its bytes; what hangs below an owner is added up along the paths, children
 * before parents (they are made later, so their numbers are higher).
 *
 * Blocks of unknown type are put together by what they look like: their size and what their first words are.
 */
#include "base/bytes.h"
#include "types/types_state.h"

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
	unsigned page;
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

static const char *keep(hc_types *types, const char *text)
{
	return g_string_chunk_insert_const(types->texts, text);
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

	g_string_append_printf(text, "? %" G_GUINT64_FORMAT " bytes:", size);
	for (unsigned i = 0; i < count; i++)
		g_string_append_printf(text, " %s",
			kinds[i] < 5 ? names[kinds[i]] : hc_modules_get(types->modules, kinds[i] - 5)->name);
	return g_string_free(text, FALSE);
}

static hc_type_row *add_row(hc_types *types, const char *name, const hc_type *type, hc_certainty certainty)
{
	hc_type_row *row = g_new0(hc_type_row, 1);

	row->name = name ? keep(types, name) : NULL;
	row->type = type;
	row->certainty = certainty;
	return row;
}

static hc_type_row *shape_row(struct counting *counting, const hc_block *block)
{
	hc_types *types = counting->types;
	unsigned word = hc_core_process(types->core)->word_size, count = MIN(block->size / word, SHAPE_WORDS);
	struct {
		uint64_t size;
		uint16_t kinds[SHAPE_WORDS];
	} shape;
	hc_type_row *row;

	memset(&shape, 0, sizeof shape);
	shape.size = block->size;
	for (unsigned i = 0; i < count; i++) {
		uint64_t value;

		if (hc_core_read_word(types->core, block->address + i * word, &value))
			shape.kinds[i] = kind_of_word(types, value, word);
	}
	g_autoptr(GBytes) key = g_bytes_new(&shape, sizeof shape);

	row = g_hash_table_lookup(counting->shapes, key);
	if (row)
		return row;
	if (g_hash_table_size(counting->shapes) >= SHAPES_MAX) {
		shape.size = 0;
		g_bytes_unref(key);
		key = g_bytes_new_static("", 0);
		row = g_hash_table_lookup(counting->shapes, key);
		if (row)
			return row;
		row = add_row(types, "? many others", NULL, HC_CERTAINTY_UNKNOWN);
	} else {
		g_autofree char *name = describe_shape(types, block->size, shape.kinds, count);

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

/* Bytes in whole pages of zeros. */
static uint64_t count_untouched(const struct counting *counting, const hc_block *block)
{
	hc_address at = hc_align_up(block->address, counting->page), end = block->address + block->size;
	uint64_t bytes = 0;

	for (; at + counting->page <= end; at += counting->page) {
		uint64_t available;
		const uint8_t *page = hc_core_bytes(counting->types->core, at, &available);

		if (page && available >= counting->page && hc_bytes_are_zero(page, counting->page))
			bytes += counting->page;
	}
	return bytes;
}

static void add_amount(hc_amount *amount, const hc_block *block)
{
	amount->blocks++;
	amount->bytes += block->size;
}

static void count_block(struct counting *counting, const hc_block *block)
{
	hc_types *types = counting->types;
	uint32_t number = types->owner_of[block->number];
	hc_owner *owner = number && number != HC_OWNER_CLOSED ? hc_types_owner(types, number) : NULL;
	hc_certainty certainty = block->label ? HC_CERTAINTY_CERTAIN :
				 owner	      ? hc_owner_block_certainty(owner) :
						HC_CERTAINTY_UNKNOWN;

	add_amount(&types->coverage[certainty], block);
	if (owner) {
		if (owner->first_block == UINT32_MAX)
			owner->first_block = block->number;
		add_amount(&owner->own, block);
		if (types->several[block->number / 64] >> block->number % 64 & 1)
			owner->shared_bytes += block->size;
		if (owner->layout && block->size >= 2 * counting->page)
			owner->untouched += count_untouched(counting, block);
	}
	if (certainty == HC_CERTAINTY_UNKNOWN || block->label) {
		hc_type_row *row = block->label ? label_row(counting, block->label) : shape_row(counting, block);

		if (!row->amount.blocks) {
			row->example = block->address;
			row->path = NULL;
		}
		add_amount(&row->amount, block);
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
		row->path = keep(counting->types, path);
	}
	row->amount.blocks += owner->own.blocks;
	row->amount.bytes += owner->own.bytes;
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

/* ---- containers ---- */

static hc_grade worst_grade(const hc_owner *owner)
{
	return owner->grades[HC_GRADE_TRUNCATED] ? HC_GRADE_TRUNCATED :
	       owner->grades[HC_GRADE_BOUND]	 ? HC_GRADE_BOUND :
	       owner->grades[HC_GRADE_DEDUCED]	 ? HC_GRADE_DEDUCED :
						   HC_GRADE_EXACT;
}

/* That it is a container, and holds what it is said to hold. */
static hc_certainty container_certainty(const hc_owner *owner)
{
	const hc_owner *element = owner->elements[0];

	if (hc_layout_is_guess(owner->layout))
		return MAX(owner->certainty, HC_CERTAINTY_GUESS);
	return element && element->is_own && element->certainty < HC_CERTAINTY_UNKNOWN ?
		       MAX(owner->certainty, element->certainty) :
		       owner->certainty;
}

static const char *deduced_element(const hc_owner *owner)
{
	const hc_owner *element = owner->elements[0];

	/* Lists of one path may hold different things. */
	if (!hc_layout_deduces(owner->layout) || !element || !element->is_own || element->classes)
		return NULL;
	return hc_type_short_name(element->type);
}

static void add_container(hc_types *types, const hc_owner *owner)
{
	g_autofree char *path = NULL;
	g_auto(hc_where) where = { 0 };
	const hc_owner *root = owner;

	if (!owner->layout || owner->containers == owner->grades[HC_GRADE_IMPLAUSIBLE])
		return;
	while (root->parent)
		root = root->parent;
	path = hc_owner_path(owner);
	hc_owner_where(owner, types->core, &where);
	hc_container container = {
		.path = keep(types, path),
		.where = { where.kind, where.name ? keep(types, where.name) : NULL, where.thread, where.frame },
		.type = hc_type_short_name(owner->type),
		.kind = hc_layout_description(owner->layout),
		.container_type = owner->type,
		.element = deduced_element(owner),
		.certainty = container_certainty(owner),
		.count = owner->containers - owner->grades[HC_GRADE_IMPLAUSIBLE],
		.elements = owner->claimed,
		.walked = owner->walked,
		.capacity = owner->has_capacity ? owner->capacity : UINT64_MAX,
		.own = owner->own,
		.elements_bytes = owner->elements_bytes,
		.below = owner->below,
		.untouched = owner->untouched,
		.grade = worst_grade(owner),
		.reason = owner->reason,
		.address = owner->largest,
		.most_elements = owner->largest_elements,
		.variable = root->variable,
	};
	memcpy(container.grades, owner->grades, sizeof container.grades);
	g_array_append_val(types->containers, container);
}

static int compare_containers(const void *a, const void *b)
{
	const hc_container *x = a, *y = b;

	if (x->below.bytes != y->below.bytes)
		return x->below.bytes < y->below.bytes ? 1 : -1;
	if (x->elements != y->elements)
		return x->elements < y->elements ? 1 : -1;
	return strcmp(x->path, y->path);
}

static void add_up_owners(hc_types *types)
{
	GPtrArray *list = types->owners->list;

	for (unsigned i = list->len; i-- > 1;) {
		hc_owner *owner = list->pdata[i];

		owner->below.blocks += owner->own.blocks;
		owner->below.bytes += owner->own.bytes;
		types->losses.cut_objects += owner->cut_objects;
		if (!owner->parent)
			continue;
		owner->parent->below.blocks += owner->below.blocks;
		owner->parent->below.bytes += owner->below.bytes;
	}
}

/* What a smart pointer holds is its own; an object of a derived class as well. Only then is `below` added up from `own`. */
static void give_own(hc_owner *owner)
{
	hc_owner *container = owner;

	while (container && container->step == HC_STEP_CLASS && !container->is_index)
		container = container->parent;
	if (!container || !container->is_own || !container->parent)
		return;
	container->parent->given.blocks += owner->own.blocks;
	container->parent->given.bytes += owner->own.bytes;
}

void hc_types_make_rows(hc_types *types)
{
	struct counting counting = {
		.types = types,
		.rows = g_hash_table_new_full(hash_key, equal_keys, g_free, g_free),
		.labels = g_hash_table_new_full(NULL, NULL, NULL, g_free), /* equal labels are one object */
		.shapes = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, g_free),
		.page = hc_core_process(types->core)->page_size,
	};
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, types->blocks);
	while (hc_block_iterator_next(&iterator, &block))
		if (block.state == HC_BLOCK_IN_USE)
			count_block(&counting, &block);
	for (unsigned i = 1; i < types->owners->list->len; i++) {
		hc_owner *owner = hc_types_owner(types, i);

		/* Rows of types are of whole blocks; of one that holds nodes of several a container has its nodes. */
		add_owner_row(&counting, owner);
		owner->own.bytes += owner->pieces_bytes - owner->shared_bytes;
	}
	add_up_owners(types);
	for (unsigned i = 1; i < types->owners->list->len; i++)
		give_own(hc_types_owner(types, i));
	for (unsigned i = 1; i < types->owners->list->len; i++) {
		hc_owner *owner = hc_types_owner(types, i);

		owner->own.blocks += owner->given.blocks;
		owner->own.bytes += owner->given.bytes;
		add_container(types, owner);
	}
	collect(types, counting.rows);
	collect(types, counting.labels);
	collect(types, counting.shapes);
	g_hash_table_unref(counting.rows);
	g_hash_table_unref(counting.labels);
	g_hash_table_unref(counting.shapes);
	g_array_sort(types->rows, compare_rows);
	g_array_sort(types->containers, compare_containers);
	for (unsigned i = 0; i < types->containers->len; i++)
		g_array_index(types->containers, hc_container, i).index = i;
}
