/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows of paths, and what each holds.
 *
 * Each block in use is counted once: with libc's, with what is lost, with the path it hangs on, or with what is not known. Sums go up
 * along the paths (a parent's number is smaller than its children's). Then paths become rows: those with the text of their parent are
 * its row (classes that derive from one, the index of a container), those with one text below one row are one. Of paths that begin
 * somewhere the place must be the same, too; but variables of threads are one row for all threads. Where rows are wanted by thread, or by
 * module, there is one more above those that begin a path, and what belongs to several threads is not one row.
 */
#include "owners/ownership.h"

#include <inttypes.h>

struct adding {
	hc_ownership *ownership;
	hc_amount *own, *below; /* of each path */
	uint64_t *resident;	/* of each path: bytes of `own` that were in memory */
	GHashTable *rows;	/* key -> number of the row + 1 */
	uint64_t *most;		/* of each row: bytes of the path that its type is from */
	GHashTable *threads;	/* "row thread": that thread has one */
};

/* ---- blocks ---- */

static hc_amount *place_of_block(const struct adding *adding, const hc_block *block)
{
	hc_ownership *ownership = adding->ownership;
	uint32_t path = ownership->types ? hc_types_path_of_block(ownership->types, block->number) : 0;

	if (block->label)
		return &ownership->libc;
	switch (hc_ownership_reach(ownership, block)) {
	case HC_REACH_DIRECTLY_LOST:
		return &ownership->lost_directly;
	case HC_REACH_INDIRECTLY_LOST:
		return &ownership->lost_indirectly;
	default:
		return path ? &adding->own[path] : &ownership->unknown;
	}
}

static void count_blocks(const struct adding *adding)
{
	const hc_ownership *ownership = adding->ownership;
	bool knows_resident = hc_core_knows_resident(ownership->core);
	size_t hint[2] = { 0, 0 };
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, ownership->blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		hc_amount *place;

		if (block.state != HC_BLOCK_IN_USE)
			continue;
		place = place_of_block(adding, &block);
		hc_amount_count(place, block.size);
		if (knows_resident && place >= adding->own && place <= &adding->own[ownership->path_count])
			adding->resident[place - adding->own] +=
				hc_core_resident_next(ownership->core, block.address, block.address + block.size, hint)
					.resident;
	}
}

static void add_up_below(const struct adding *adding)
{
	for (uint32_t i = adding->ownership->path_count; i > 0; i--) {
		hc_types_path path;

		hc_amount_add(&adding->below[i], adding->own[i]);
		if (!adding->below[i].blocks)
			continue;
		hc_types_path_get(adding->ownership->types, i, &path);
		hc_amount_add(&adding->below[path.parent], adding->below[i]);
	}
}

/* ---- rows ---- */

/* What tells paths that begin somewhere apart, beside their text. */
static char *key_of_root(const char *text, const hc_types_path *path, const hc_where *where)
{
	hc_address address = path->variable ? path->variable->address : path->root ? path->root->address : 0;

	if (where->kind == HC_WHERE_FRAME || where->kind == HC_WHERE_STACK || where->kind == HC_WHERE_THREAD_LOCAL)
		return g_strdup_printf("%s\n%u %s", text, where->kind, where->name ? where->name : "");
	return g_strdup_printf("%s\n%" PRIx64, text, address);
}

static void count_thread(struct adding *adding, uint32_t index, int64_t thread)
{
	if (thread && g_hash_table_add(adding->threads, g_strdup_printf("%u %" PRId64, index, thread)))
		hc_ownership_row_at(adding->ownership, index)->threads++;
}

static uint32_t add_row(
	struct adding *adding, uint32_t parent, const char *text, const hc_types_path *path, const hc_where *where)
{
	hc_ownership *ownership = adding->ownership;
	hc_owner_row row = {
		.kind = HC_OWNER_PATH,
		.parent = parent,
		.first_child = HC_OWNER_NO_ROW,
		.next = HC_OWNER_NO_ROW,
		.level = parent == HC_OWNER_NO_ROW ? 0 : hc_ownership_row_at(ownership, parent)->level + 1,
		.begins = !path->parent,
		.text = g_string_chunk_insert_const(ownership->texts, text),
		.where = *where,
		.basis = path->variable ? HC_OWNER_BY_TYPE :
			 path->root	? HC_OWNER_BY_POINTERS :
					  HC_OWNER_BY_CONTENT,
		.certainty = path->certainty,
	};

	row.where.name = where->name ? g_string_chunk_insert_const(ownership->texts, where->name) : NULL;
	g_array_append_val(ownership->rows, row);
	return ownership->rows->len - 1;
}

/* What the group of a path that begins at WHERE is called; "": the one of those that belong nowhere. Free with g_free(). */
static char *group_text(hc_owners_by by, const hc_types_path *path, const hc_where *where)
{
	int64_t thread = where->thread ? where->thread : path->root ? path->root->thread : 0;
	const hc_module *module = path->variable ? path->variable->module : path->root ? path->root->module : NULL;

	if (by == HC_OWNERS_BY_THREAD)
		return thread ? g_strdup_printf("thread %" PRId64, thread) : g_strdup("");
	return g_strdup(module ? module->name : "");
}

/* The row above one that begins a path at WHERE; HC_OWNER_NO_ROW: there are no groups. */
static uint32_t find_group(struct adding *adding, const hc_types_path *path, const hc_where *where)
{
	hc_ownership *ownership = adding->ownership;

	if (ownership->by == HC_OWNERS_BY_ROOT)
		return HC_OWNER_NO_ROW;
	g_autofree char *text = group_text(ownership->by, path, where), *key = g_strdup_printf("%s\ngroup", text);
	uint32_t index = GPOINTER_TO_UINT(g_hash_table_lookup(adding->rows, key));

	if (index)
		return index - 1;
	hc_owner_row row = {
		.kind = HC_OWNER_PATH,
		.parent = HC_OWNER_NO_ROW,
		.first_child = HC_OWNER_NO_ROW,
		.next = HC_OWNER_NO_ROW,
		.group = ownership->by,
		.text = g_string_chunk_insert_const(ownership->texts, text),
	};

	g_array_append_val(ownership->rows, row);
	g_hash_table_insert(adding->rows, g_steal_pointer(&key), GUINT_TO_POINTER(ownership->rows->len));
	return ownership->rows->len - 1;
}

/* The row of a path with TEXT that is not its parent's. PARENT: the row above it, of one that does not begin here. */
static uint32_t find_row(
	struct adding *adding, uint32_t parent, const char *text, uint32_t number, const hc_types_path *path)
{
	g_auto(hc_where) where = { 0 };
	g_autofree char *key = NULL;

	hc_types_path_where(adding->ownership->types, number, &where);
	if (!path->parent) {
		g_autofree char *key_in_group = key_of_root(text, path, &where);

		parent = find_group(adding, path, &where);
		key = g_strdup_printf("%s\n\n%u", key_in_group, parent);
	} else {
		key = g_strdup_printf("%s\n %u", text, parent);
	}
	uint32_t index = GPOINTER_TO_UINT(g_hash_table_lookup(adding->rows, key));

	if (!index) {
		index = add_row(adding, parent, text, path, &where) + 1;
		g_hash_table_insert(adding->rows, g_steal_pointer(&key), GUINT_TO_POINTER(index));
	}
	if (!path->parent)
		count_thread(adding, index - 1, where.thread);
	return index - 1;
}

/* The type of a row is that of most of its bytes; that of a container before those of its nodes. */
static void note_type(const struct adding *adding, uint32_t index, uint32_t number, const hc_types_path *path)
{
	hc_ownership *ownership = adding->ownership;
	hc_owner_row *row = hc_ownership_row_at(ownership, index);
	uint64_t bytes = path->is_container ? UINT64_MAX : adding->own[number].bytes;

	row->certainty = MIN(row->certainty, path->certainty);
	row->is_container |= path->is_container;
	if (path->variable)
		row->basis = HC_OWNER_BY_TYPE;
	if (row->type && bytes <= adding->most[index])
		return;
	g_autofree char *name = hc_types_path_type_name(ownership->types, number);

	if (!name || !*name)
		return;
	row->type = g_string_chunk_insert_const(ownership->texts, name);
	adding->most[index] = bytes;
}

static void add_path(struct adding *adding, uint32_t number)
{
	hc_ownership *ownership = adding->ownership;
	g_autofree char *text = hc_types_path_text(ownership->types, number);
	hc_types_path path;

	hc_types_path_get(ownership->types, number, &path);
	uint32_t parent = path.parent ? ownership->row_of[path.parent] : HC_OWNER_NO_ROW, index = parent;

	if (parent == HC_OWNER_NO_ROW || strcmp(hc_ownership_row_at(ownership, parent)->text, text))
		index = find_row(adding, parent, text, number, &path);
	ownership->row_of[number] = index;
	note_type(adding, index, number, &path);
	hc_amount_add(&hc_ownership_row_at(ownership, index)->own, adding->own[number]);
	hc_ownership_row_at(ownership, index)->outside += path.outside;
	if (path.certainty == HC_CERTAINTY_UNKNOWN)
		hc_ownership_row_at(ownership, index)->untyped += adding->own[number].bytes + path.outside;
	hc_ownership_row_at(ownership, index)->resident += adding->resident[number];
	hc_ownership_row_at(ownership, index)->outside_resident += path.outside_resident;
}

/* Whether something hangs on path NUMBER. */
static bool has_any(const struct adding *adding, uint32_t number)
{
	hc_types_path path;

	if (adding->below[number].blocks)
		return true;
	hc_types_path_get(adding->ownership->types, number, &path);
	return path.outside_below != 0;
}

static void add_rows(struct adding *adding)
{
	hc_ownership *ownership = adding->ownership;

	for (uint32_t i = 1; i <= ownership->path_count; i++)
		if (has_any(adding, i))
			add_path(adding, i);
	for (uint32_t i = ownership->rows->len; i-- > 0;) {
		hc_owner_row *row = hc_ownership_row_at(ownership, i);

		hc_amount_add(&row->holds, row->own);
		if (row->parent == HC_OWNER_NO_ROW)
			continue;
		hc_amount_add(&hc_ownership_row_at(ownership, row->parent)->holds, row->holds);
		hc_ownership_row_at(ownership, row->parent)->outside += row->outside;
		hc_ownership_row_at(ownership, row->parent)->untyped += row->untyped;
		hc_ownership_row_at(ownership, row->parent)->resident += row->resident;
		hc_ownership_row_at(ownership, row->parent)->outside_resident += row->outside_resident;
	}
}

bool hc_ownership_make_rows(hc_ownership *ownership)
{
	size_t count = ownership->path_count = ownership->types ? hc_types_path_count(ownership->types) : 0;
	g_autofree hc_amount *own = g_try_new0(hc_amount, count + 1), *below = g_try_new0(hc_amount, count + 1);
	g_autofree uint64_t *most = g_try_new0(uint64_t, count + 1), *resident = g_try_new0(uint64_t, count + 1);

	ownership->row_of = g_try_new(uint32_t, count + 1);
	if (!own || !below || !most || !resident || !ownership->row_of)
		return false;
	memset(ownership->row_of, 0xff, (count + 1) * sizeof *ownership->row_of);
	struct adding adding = {
		.ownership = ownership,
		.own = own,
		.below = below,
		.most = most,
		.resident = resident,
		.rows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		.threads = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
	};

	count_blocks(&adding);
	add_up_below(&adding);
	add_rows(&adding);
	g_hash_table_unref(adding.rows);
	g_hash_table_unref(adding.threads);
	return true;
}

/* ---- sums ---- */

uint32_t hc_ownership_row_of_path(const hc_ownership *ownership, uint32_t number)
{
	return number && number <= ownership->path_count ? ownership->row_of[number] : HC_OWNER_NO_ROW;
}

hc_amount hc_ownership_lost(const hc_ownership *ownership, bool directly)
{
	return directly ? ownership->lost_directly : ownership->lost_indirectly;
}

static hc_amount amount_of_paths(const hc_ownership *ownership)
{
	hc_amount amount = { 0 };

	for (uint32_t i = 0; i < ownership->rows->len; i++)
		hc_amount_add(&amount, hc_ownership_row_at(ownership, i)->own);
	return amount;
}

hc_amount hc_ownership_amount(const hc_ownership *ownership, hc_owner_kind kind)
{
	hc_amount lost = ownership->lost_directly;

	switch (kind) {
	case HC_OWNER_PATH:
		return amount_of_paths(ownership);
	case HC_OWNER_UNKNOWN:
		return ownership->unknown;
	case HC_OWNER_LIBC:
		return ownership->libc;
	default:
		hc_amount_add(&lost, ownership->lost_indirectly);
		return lost;
	}
}

uint64_t hc_ownership_outside(const hc_ownership *ownership)
{
	return ownership->types ? hc_types_outside(ownership->types) : 0;
}

hc_amount hc_ownership_total(const hc_ownership *ownership)
{
	hc_amount total = { 0 };

	for (unsigned kind = 0; kind < HC_OWNER_KIND_COUNT; kind++)
		hc_amount_add(&total, hc_ownership_amount(ownership, (hc_owner_kind)kind));
	return total;
}
