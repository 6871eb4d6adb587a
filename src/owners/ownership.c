/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The object as a whole, the order of its rows, and asking for it. */
#include "owners/ownership.h"

#include "base/error.h"

const char *hc_owner_kind_name(hc_owner_kind kind)
{
	static const char *const names[HC_OWNER_KIND_COUNT] = {
		[HC_OWNER_PATH] = "path",
		[HC_OWNER_UNKNOWN] = "unknown",
		[HC_OWNER_LIBC] = "libc",
		[HC_OWNER_LOST] = "lost",
	};

	return (unsigned)kind < HC_OWNER_KIND_COUNT ? names[kind] : "";
}

const char *hc_owner_basis_name(hc_owner_basis basis)
{
	static const char *const names[] = {
		[HC_OWNER_BY_TYPE] = "type",
		[HC_OWNER_BY_POINTERS] = "pointers",
		[HC_OWNER_BY_CONTENT] = "content",
	};

	return (unsigned)basis < G_N_ELEMENTS(names) ? names[basis] : "";
}

/* ---- order ---- */

struct ordering {
	const hc_ownership *ownership;
	hc_owners_order order;
};

static uint64_t figure_of(const hc_owner_row *row, hc_owners_order order)
{
	switch (order) {
	case HC_OWNERS_OWN:
		return row->own.bytes;
	case HC_OWNERS_RETAINS:
		return row->retained;
	case HC_OWNERS_BLOCKS:
		return row->holds.blocks;
	default:
		return row->holds.bytes + row->outside;
	}
}

/* Siblings side by side, and of these what has most first. */
static int compare_rows(const void *a, const void *b, void *data)
{
	const struct ordering *ordering = data;
	const hc_owner_row *x = hc_ownership_row_at(ordering->ownership, *(const uint32_t *)a),
			   *y = hc_ownership_row_at(ordering->ownership, *(const uint32_t *)b);
	uint64_t x_figure = figure_of(x, ordering->order), y_figure = figure_of(y, ordering->order);

	if (x->parent != y->parent)
		return (x->parent > y->parent) - (x->parent < y->parent);
	if (x_figure != y_figure)
		return x_figure < y_figure ? 1 : -1;
	if (x->holds.bytes != y->holds.bytes)
		return x->holds.bytes < y->holds.bytes ? 1 : -1;
	return strcmp(x->text, y->text);
}

/* Links siblings. */
static void sort_rows(hc_ownership *ownership, hc_owners_order order)
{
	struct ordering ordering = { ownership, order };
	uint32_t count = ownership->rows->len;
	g_autofree uint32_t *sorted = g_new(uint32_t, count + 1);

	for (uint32_t i = 0; i < count; i++)
		sorted[i] = i;
	g_qsort_with_data(sorted, count, sizeof *sorted, compare_rows, &ordering);
	for (uint32_t i = count; i-- > 0;) {
		hc_owner_row *row = hc_ownership_row_at(ownership, sorted[i]);
		uint32_t *first = row->parent == HC_OWNER_NO_ROW ?
					  &ownership->first :
					  &hc_ownership_row_at(ownership, row->parent)->first_child;

		row->next = *first;
		*first = sorted[i];
	}
}

/* ---- the object ---- */

hc_ownership *hc_ownership_create(const hc_core *core, const hc_blocks *blocks, const hc_references *references,
	const hc_types *types, const hc_ownership_options *options, GError **error)
{
	static const hc_ownership_options defaults = { 0 };
	g_autoptr(hc_ownership) ownership = g_new0(hc_ownership, 1);

	ownership->core = core;
	ownership->blocks = blocks;
	ownership->references = references;
	ownership->types = types;
	ownership->rows = g_array_new(FALSE, FALSE, sizeof(hc_owner_row));
	ownership->texts = g_string_chunk_new(4096);
	ownership->first = HC_OWNER_NO_ROW;
	ownership->by = options ? options->by : HC_OWNERS_BY_ROOT;
	if (!hc_ownership_make_rows(ownership)) {
		g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory for the owners of %u blocks",
			hc_blocks_count(blocks));
		return NULL;
	}
	if (!hc_ownership_read_graph(ownership, options ? options : &defaults, error))
		return NULL;
	sort_rows(ownership, options ? options->order : HC_OWNERS_HOLDS);
	hc_ownership_find_accumulations(ownership);
	return g_steal_pointer(&ownership);
}

void hc_ownership_destroy(hc_ownership *ownership)
{
	if (!ownership)
		return;
	g_array_unref(ownership->rows);
	g_string_chunk_free(ownership->texts);
	hc_dominators_destroy(ownership->dominators);
	g_free(ownership->row_of);
	g_free(ownership->shared);
	g_free(ownership);
}

uint32_t hc_ownership_row_count(const hc_ownership *ownership)
{
	return ownership->rows->len;
}

const hc_owner_row *hc_ownership_row(const hc_ownership *ownership, uint32_t index)
{
	return index < ownership->rows->len ? hc_ownership_row_at(ownership, index) : NULL;
}

uint32_t hc_ownership_first(const hc_ownership *ownership)
{
	return ownership->first;
}

hc_sharing hc_ownership_shared_of_path(const hc_ownership *ownership, uint32_t number)
{
	return ownership->shared && number <= ownership->path_count ? ownership->shared[number] : (hc_sharing){ 0 };
}

uint32_t hc_ownership_find(const hc_ownership *ownership, const char *text)
{
	uint32_t best = HC_OWNER_NO_ROW;

	for (uint32_t i = 0; i < ownership->rows->len; i++) {
		const hc_owner_row *row = hc_ownership_row_at(ownership, i);

		if (!strcmp(row->text, text) &&
			(best == HC_OWNER_NO_ROW ||
				row->holds.bytes > hc_ownership_row_at(ownership, best)->holds.bytes))
			best = i;
	}
	return best;
}

const char *hc_owner_row_tail(const hc_ownership *ownership, const hc_owner_row *row)
{
	const char *above =
		row->parent == HC_OWNER_NO_ROW || row->begins ? "" : hc_ownership_row(ownership, row->parent)->text;
	size_t length = strlen(above);

	return strncmp(row->text, above, length) || !row->text[length] ? row->text : row->text + length;
}
