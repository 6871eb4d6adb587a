/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a block to the row of types that counts it (rows.c). Of a block whose owner has a type the owner tells, so that is looked up once for
 * each owner; others are counted by label, or by what they look like.
 */
#include "types/rows.h"

struct hc_row_lookup {
	const hc_types *types;
	uint32_t *of_owner;		       /* by number: its blocks' row */
	GHashTable *names[HC_CERTAINTY_COUNT]; /* name -> row + 1 */
	GHashTable *labels;		       /* hc_label -> row + 1 */
};

static uint32_t find(GHashTable *table, const void *key)
{
	unsigned place = GPOINTER_TO_UINT(g_hash_table_lookup(table, key));

	return place ? place - 1 : HC_TYPES_NO_ROW;
}

hc_row_lookup *hc_row_lookup_create(const hc_types *types)
{
	hc_row_lookup *lookup = g_new0(hc_row_lookup, 1);
	unsigned owners = types->owners->list->len;

	lookup->types = types;
	lookup->labels = g_hash_table_new(NULL, NULL);
	for (unsigned i = 0; i < HC_CERTAINTY_COUNT; i++)
		lookup->names[i] = g_hash_table_new(g_str_hash, g_str_equal);
	for (unsigned i = 0; i < hc_types_row_count(types); i++) {
		const hc_type_row *row = hc_types_row(types, i);

		if (row->label)
			g_hash_table_insert(lookup->labels, (gpointer)row->label, GUINT_TO_POINTER(i + 1));
		else
			g_hash_table_insert(
				lookup->names[row->certainty], (gpointer)row->name, GUINT_TO_POINTER(i + 1));
	}
	lookup->of_owner = g_new(uint32_t, MAX(owners, 1));
	for (unsigned i = 1; i < owners; i++) {
		const hc_owner *owner = hc_types_owner(types, i);
		g_autofree char *name = owner->own.blocks ? hc_owner_type_name(owner) : NULL;

		lookup->of_owner[i] = name && owner->certainty != HC_CERTAINTY_UNKNOWN ?
					      find(lookup->names[hc_owner_block_certainty(owner)], name) :
					      HC_TYPES_NO_ROW;
	}
	return lookup;
}

void hc_row_lookup_destroy(hc_row_lookup *lookup)
{
	if (!lookup)
		return;
	for (unsigned i = 0; i < HC_CERTAINTY_COUNT; i++)
		g_hash_table_unref(lookup->names[i]);
	g_hash_table_unref(lookup->labels);
	g_free(lookup->of_owner);
	g_free(lookup);
}

uint32_t hc_row_lookup_find(const hc_row_lookup *lookup, const hc_block *block)
{
	const hc_types *types = lookup->types;

	if (block->state != HC_BLOCK_IN_USE)
		return HC_TYPES_NO_ROW;
	if (block->label)
		return find(lookup->labels, block->label);
	uint32_t number = types->owner_of[block->number];

	if (number && number != HC_OWNER_CLOSED && hc_types_owner(types, number)->certainty != HC_CERTAINTY_UNKNOWN)
		return lookup->of_owner[number];
	g_autofree char *look = hc_types_shape_name(types, block);
	uint32_t row = find(lookup->names[HC_CERTAINTY_UNKNOWN], look);

	return row != HC_TYPES_NO_ROW ? row : find(lookup->names[HC_CERTAINTY_UNKNOWN], HC_SHAPES_LEFT);
}
