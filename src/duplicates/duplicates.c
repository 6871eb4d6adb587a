/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The object, the order of its groups, and asking for it. */
#include "duplicates/content.h"

#include "base/error.h"
#include "base/parallel.h"

enum {
	OWNERS_COUNTED = 1 << 20 /* blocks of a group whose owners are looked at: the first ones */
};

const char *hc_compared_name(hc_compared compared)
{
	static const char *const names[HC_COMPARED_COUNT] = {
		[HC_COMPARED_WHOLE] = "whole",
		[HC_COMPARED_OBJECT] = "object",
		[HC_COMPARED_TEXT] = "text",
		[HC_COMPARED_LIKELY_TEXT] = "likely-text",
	};

	return (unsigned)compared < HC_COMPARED_COUNT ? names[compared] : "";
}

static int compare_groups(const void *a, const void *b)
{
	const hc_duplicate_group *x = a, *y = b;
	uint64_t saved = hc_duplicate_saving(x), other = hc_duplicate_saving(y);

	if (x->is_zero != y->is_zero)
		return x->is_zero ? 1 : -1;
	if (saved != other)
		return saved < other ? 1 : -1;
	return (x->example > y->example) - (x->example < y->example);
}

static void add_up(hc_duplicates *duplicates)
{
	hc_duplicates_totals *totals = &duplicates->totals;

	for (unsigned i = 0; i < duplicates->groups->len; i++) {
		const hc_duplicate_group *group = &g_array_index(duplicates->groups, hc_duplicate_group, i);
		uint64_t saved = hc_duplicate_saving(group);

		if (group->is_zero) {
			totals->saved_zero += saved;
			continue;
		}
		totals->saved += saved;
		if (group->compared == HC_COMPARED_LIKELY_TEXT)
			totals->saved_likely += saved;
	}
}

hc_duplicates *hc_duplicates_create(const hc_core *core, const hc_blocks *blocks, const hc_references *references,
	const hc_types *types, const hc_duplicates_options *options, GError **error)
{
	g_autoptr(hc_duplicates) duplicates = g_new0(hc_duplicates, 1);

	duplicates->core = core;
	duplicates->blocks = blocks;
	duplicates->references = references;
	duplicates->types = types;
	duplicates->minimum = options ? options->minimum : 0;
	duplicates->every = MAX(options ? options->every : 0, 1);
	duplicates->workers = hc_parallel_workers(options ? options->jobs : 0);
	duplicates->groups = g_array_new(FALSE, FALSE, sizeof(hc_duplicate_group));
	if (!hc_contents_prepare(duplicates) || !hc_duplicates_find_groups(duplicates)) {
		g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY,
			"no memory to compare %u blocks: it takes 16 bytes each", hc_blocks_count(blocks));
		return NULL;
	}
	g_array_sort(duplicates->groups, compare_groups);
	add_up(duplicates);
	return g_steal_pointer(&duplicates);
}

void hc_duplicates_destroy(hc_duplicates *duplicates)
{
	if (!duplicates)
		return;
	g_array_unref(duplicates->groups);
	g_free(duplicates->rules);
	g_free(duplicates->entries);
	g_free(duplicates);
}

const hc_duplicates_totals *hc_duplicates_get_totals(const hc_duplicates *duplicates)
{
	return &duplicates->totals;
}

size_t hc_duplicates_count(const hc_duplicates *duplicates)
{
	return duplicates->groups->len;
}

const hc_duplicate_group *hc_duplicates_group(const hc_duplicates *duplicates, size_t index)
{
	return index < duplicates->groups->len ?
		       &g_array_index(duplicates->groups, hc_duplicate_group, (unsigned)index) :
		       NULL;
}

uint32_t hc_duplicates_member(const hc_duplicates *duplicates, const hc_duplicate_group *group, uint64_t index)
{
	return (uint32_t)duplicates->entries[group->first + index];
}

static int most_first(const void *a, const void *b)
{
	const hc_duplicate_owner *x = a, *y = b;

	if (x->blocks != y->blocks)
		return x->blocks < y->blocks ? 1 : -1;
	return (x->path > y->path) - (x->path < y->path);
}

GArray *hc_duplicates_owners(const hc_duplicates *duplicates, const hc_duplicate_group *group)
{
	GArray *owners = g_array_new(FALSE, FALSE, sizeof(hc_duplicate_owner));
	g_autoptr(GHashTable) counts = g_hash_table_new(NULL, NULL);
	GHashTableIter iter;
	gpointer path, count;

	for (uint64_t i = 0; duplicates->types && i < MIN(group->blocks, OWNERS_COUNTED); i++) {
		path = GUINT_TO_POINTER(
			hc_types_path_of_block(duplicates->types, hc_duplicates_member(duplicates, group, i)));
		count = g_hash_table_lookup(counts, path);
		if (path)
			g_hash_table_insert(counts, path, GUINT_TO_POINTER(1 + GPOINTER_TO_UINT(count)));
	}
	g_hash_table_iter_init(&iter, counts);
	while (g_hash_table_iter_next(&iter, &path, &count)) {
		hc_duplicate_owner owner = { GPOINTER_TO_UINT(path), GPOINTER_TO_UINT(count) };

		g_array_append_val(owners, owner);
	}
	g_array_sort(owners, most_first);
	return owners;
}
