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

struct order {
	const hc_ownership *ownership;
	bool by_retained;
};

/* Siblings side by side, and of these what holds (or retains) most first. */
static int compare_rows(const void *a, const void *b, void *data)
{
	const struct order *order = data;
	const hc_owner_row *x = hc_ownership_row_at(order->ownership, *(const uint32_t *)a),
			   *y = hc_ownership_row_at(order->ownership, *(const uint32_t *)b);

	if (x->parent != y->parent)
		return (x->parent > y->parent) - (x->parent < y->parent);
	if (order->by_retained && x->retained != y->retained)
		return x->retained < y->retained ? 1 : -1;
	if (x->holds.bytes != y->holds.bytes)
		return x->holds.bytes < y->holds.bytes ? 1 : -1;
	return strcmp(x->text, y->text);
}

/* Links siblings. */
static void sort_rows(hc_ownership *ownership, bool by_retained)
{
	struct order order = { ownership, by_retained };
	uint32_t count = ownership->rows->len;
	g_autofree uint32_t *sorted = g_new(uint32_t, count + 1);

	for (uint32_t i = 0; i < count; i++)
		sorted[i] = i;
	g_qsort_with_data(sorted, count, sizeof *sorted, compare_rows, &order);
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
	g_autoptr(hc_ownership) ownership = g_new0(hc_ownership, 1);

	ownership->core = core;
	ownership->blocks = blocks;
	ownership->references = references;
	ownership->types = types;
	ownership->rows = g_array_new(FALSE, FALSE, sizeof(hc_owner_row));
	ownership->texts = g_string_chunk_new(4096);
	ownership->first = HC_OWNER_NO_ROW;
	if (!hc_ownership_make_rows(ownership)) {
		g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory for the owners of %u blocks",
			hc_blocks_count(blocks));
		return NULL;
	}
	if (!(options && options->no_retained) &&
		!hc_ownership_find_retained(ownership, options ? options->jobs : 0, error))
		return NULL;
	sort_rows(ownership, options && options->by_retained);
	return g_steal_pointer(&ownership);
}

void hc_ownership_destroy(hc_ownership *ownership)
{
	if (!ownership)
		return;
	g_array_unref(ownership->rows);
	g_string_chunk_free(ownership->texts);
	g_free(ownership->row_of);
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

hc_amount hc_ownership_total(const hc_ownership *ownership)
{
	hc_amount total = { 0 };

	for (unsigned kind = 0; kind < HC_OWNER_KIND_COUNT; kind++)
		hc_amount_add(&total, hc_ownership_amount(ownership, (hc_owner_kind)kind));
	return total;
}
