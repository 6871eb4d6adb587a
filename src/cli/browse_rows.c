/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "browse.h"

#include <inttypes.h>
#include <string.h>

char *browse_count_text(uint64_t count)
{
	g_autofree char *digits = g_strdup_printf("%" PRIu64, count);
	GString *text = g_string_new(digits);

	for (gssize at = (gssize)text->len - 3; at > 0; at -= 3)
		g_string_insert_c(text, at, ',');
	return g_string_free(text, FALSE);
}

static void clear_row(void *data)
{
	g_free(((browse_row *)data)->name);
}

void browse_rows_deinit(browse_rows *rows)
{
	g_clear_pointer(&rows->rows, g_array_unref);
}

/* "->summaries_, std::unordered_map<...>" below "g_registry"; the whole path where it does not go on from that of the row above. */
static char *name_of(const hc_ownership *ownership, const hc_owner_row *row)
{
	const char *text = hc_owner_row_tail(ownership, row);

	return row->type ? g_strdup_printf("%s, %s", text, row->type) : g_strdup(*text ? text : "all others");
}

static int64_t growth_of(const browse_rows *rows, const hc_owner_row *row)
{
	const uint64_t *before = rows->before ? g_hash_table_lookup(rows->before, row->text) : NULL;

	return rows->before && !row->group ? (int64_t)(row->holds.bytes - (before ? *before : 0)) : 0;
}

static void add_path(browse_rows *rows, uint32_t index)
{
	const hc_owner_row *row = hc_ownership_row(rows->ownership, index);
	const browse_row added = {
		.index = index,
		.kind = HC_OWNER_PATH,
		.holds = row->holds,
		.own = row->own.bytes,
		.retained = row->retained,
		.has_retained = row->has_retained,
		.resident = row->resident,
		.has_resident = rows->knows_resident,
		.has_below = row->first_child != HC_OWNER_NO_ROW,
		.growth = growth_of(rows, row),
		.name = name_of(rows->ownership, row),
	};

	g_array_append_val(rows->rows, added);
}

static void add_others(browse_rows *rows)
{
	static const char *const names[HC_OWNER_KIND_COUNT] = {
		[HC_OWNER_UNKNOWN] = "(owner not known)",
		[HC_OWNER_LIBC] = "(libc and the runtime)",
		[HC_OWNER_LOST] = "(lost: nothing points to it)",
	};

	for (unsigned kind = HC_OWNER_PATH + 1; kind < HC_OWNER_KIND_COUNT; kind++) {
		const browse_row added = {
			.index = HC_OWNER_NO_ROW,
			.kind = (hc_owner_kind)kind,
			.holds = hc_ownership_amount(rows->ownership, (hc_owner_kind)kind),
			.own = hc_ownership_amount(rows->ownership, (hc_owner_kind)kind).bytes,
			.name = g_strdup(names[kind]),
		};

		if (added.holds.blocks)
			g_array_append_val(rows->rows, added);
		else
			g_free(added.name);
	}
}

void browse_rows_fill(browse_rows *rows, uint32_t parent)
{
	uint32_t first = parent == HC_OWNER_NO_ROW ? hc_ownership_first(rows->ownership) :
						     hc_ownership_row(rows->ownership, parent)->first_child;

	browse_rows_deinit(rows);
	rows->rows = g_array_new(FALSE, FALSE, sizeof(browse_row));
	g_array_set_clear_func(rows->rows, clear_row);
	rows->parent = parent;
	for (uint32_t i = first; i != HC_OWNER_NO_ROW; i = hc_ownership_row(rows->ownership, i)->next)
		add_path(rows, i);
	if (parent == HC_OWNER_NO_ROW)
		add_others(rows);
	browse_rows_sort(rows, rows->order);
}

/* ---- order ---- */

static int64_t figure_of(const browse_row *row, browse_order order)
{
	switch (order) {
	case BROWSE_BY_RETAINS:
		return (int64_t)row->retained;
	case BROWSE_BY_OWN:
		return (int64_t)row->own;
	case BROWSE_BY_BLOCKS:
		return (int64_t)row->holds.blocks;
	case BROWSE_BY_GROWTH:
		return row->growth;
	default:
		return (int64_t)row->holds.bytes;
	}
}

/* What has most first; by name where they are alike. */
static int compare(const void *first, const void *second, void *data)
{
	const browse_row *a = first, *b = second;
	browse_order order = *(const browse_order *)data;
	int64_t of_a = figure_of(a, order), of_b = figure_of(b, order);

	if (order == BROWSE_BY_NAME || of_a == of_b)
		return strcmp(a->name, b->name);
	return of_a < of_b ? 1 : -1;
}

void browse_rows_sort(browse_rows *rows, browse_order order)
{
	rows->order = order;
	g_array_sort_with_data(rows->rows, compare, &rows->order);
}

unsigned browse_rows_place_of(const browse_rows *rows, uint32_t index)
{
	for (unsigned i = 0; i < rows->rows->len; i++)
		if (g_array_index(rows->rows, browse_row, i).index == index)
			return i;
	return 0;
}

/* ---- looking for one ---- */

static bool has_text(const char *text, const char *wanted)
{
	size_t length = strlen(wanted);

	for (; *text; text++)
		if (!g_ascii_strncasecmp(text, wanted, length))
			return true;
	return false;
}

uint32_t browse_rows_find(const hc_ownership *ownership, const char *text, uint32_t after, bool forwards)
{
	uint32_t count = hc_ownership_row_count(ownership);
	uint32_t at = after < count ? after : forwards ? count - 1 : 0;

	for (uint32_t i = 0; i < count; i++) {
		at = forwards ? (at + 1) % count : (at + count - 1) % count;
		const hc_owner_row *row = hc_ownership_row(ownership, at);

		if (has_text(row->text, text) || (row->type && has_text(row->type, text)))
			return at;
	}
	return HC_OWNER_NO_ROW;
}

/* ---- another core ---- */

GHashTable *browse_rows_of_snapshot(const hc_snapshot *snapshot)
{
	GHashTable *held = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	const hc_snapshot_owner *owners = (const hc_snapshot_owner *)(const void *)snapshot->owners->data;
	g_autofree uint64_t *bytes = g_new0(uint64_t, snapshot->owners->len + 1);

	/* Parents come before what is below them: from the end on all below a row is added up when it is met. */
	for (unsigned i = snapshot->owners->len; i-- > 0;) {
		uint64_t *all = g_hash_table_lookup(held, owners[i].path);

		bytes[i] += owners[i].own.bytes;
		if (owners[i].parent < i)
			bytes[owners[i].parent] += bytes[i];
		if (!all) {
			all = g_new0(uint64_t, 1);
			g_hash_table_insert(held, g_strdup(owners[i].path), all);
		}
		*all += bytes[i];
	}
	return held;
}
