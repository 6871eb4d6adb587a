/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks chosen by what they are, and by who holds them.
 *
 * A block has the number of its owner, which knows both; so what was asked for is told of each owner once, and a block costs one look-up.
 * Only blocks without a type must be looked at themselves: their rows are named by what they look like (rows.c).
 */
#include "types/rows.h"

struct hc_selection {
	const hc_types *types;
	bool by_type, by_path;
	GHashTable *
		names[HC_CERTAINTY_COUNT]; /* of the rows chosen, by their certainty; those of unknown ones are looks */
	GHashTable *labels;		   /* set of hc_label */
	GHashTable *looks; /* names of all rows of unknown ones, if that of what is left is chosen; else NULL */
	uint8_t *owners;   /* by number: bits OF_TYPE, OF_PATH */
};

enum {
	OF_TYPE = 1,
	OF_PATH = 2
};

hc_selection *hc_selection_create(const hc_types *types)
{
	hc_selection *selection = g_new0(hc_selection, 1);

	selection->types = types;
	selection->labels = g_hash_table_new(NULL, NULL);
	for (unsigned i = 0; i < HC_CERTAINTY_COUNT; i++)
		selection->names[i] = g_hash_table_new(g_str_hash, g_str_equal);
	selection->owners = g_new0(uint8_t, types->owners->list->len);
	return selection;
}

void hc_selection_destroy(hc_selection *selection)
{
	if (!selection)
		return;
	for (unsigned i = 0; i < HC_CERTAINTY_COUNT; i++)
		g_hash_table_unref(selection->names[i]);
	g_hash_table_unref(selection->labels);
	g_clear_pointer(&selection->looks, g_hash_table_unref);
	g_free(selection->owners);
	g_free(selection);
}

/* ---- by type ---- */

/* The names that tell what has none of its own. */
static GHashTable *all_looks(const hc_types *types)
{
	GHashTable *looks = g_hash_table_new(g_str_hash, g_str_equal);

	for (unsigned i = 0; i < hc_types_row_count(types); i++) {
		const hc_type_row *row = hc_types_row(types, i);

		if (row->certainty == HC_CERTAINTY_UNKNOWN && row->name)
			g_hash_table_add(looks, (gpointer)row->name);
	}
	return looks;
}

void hc_selection_add_row(hc_selection *selection, unsigned index)
{
	const hc_types *types = selection->types;
	const hc_type_row *row = hc_types_row(types, index);

	selection->by_type = true;
	if (row->label) {
		g_hash_table_add(selection->labels, (gpointer)row->label);
		return;
	}
	g_hash_table_add(selection->names[row->certainty], (gpointer)row->name);
	if (row->certainty == HC_CERTAINTY_UNKNOWN) {
		if (!strcmp(row->name, HC_SHAPES_LEFT) && !selection->looks)
			selection->looks = all_looks(types);
		return;
	}
	for (unsigned i = 1; i < types->owners->list->len; i++) {
		const hc_owner *owner = hc_types_owner(types, i);

		if (!owner->own.blocks || owner->certainty == HC_CERTAINTY_UNKNOWN ||
			hc_owner_block_certainty(owner) != row->certainty)
			continue;
		g_autofree char *name = hc_owner_type_name(owner);

		if (!strcmp(name, row->name))
			selection->owners[i] |= OF_TYPE;
	}
}

/* Whether BLOCK, of which no type is known, looks as one of the rows says. */
static bool has_look(const hc_selection *selection, const hc_block *block)
{
	GHashTable *names = selection->names[HC_CERTAINTY_UNKNOWN];

	if (!g_hash_table_size(names))
		return false;
	g_autofree char *name = hc_types_shape_name(selection->types, block);

	return g_hash_table_contains(names, name) ||
	       (selection->looks && !g_hash_table_contains(selection->looks, name));
}

/* OWNER is NULL for a block that nobody is known to have. */
static bool is_of_type(const hc_selection *selection, const hc_block *block, const hc_owner *owner)
{
	if (block->label)
		return g_hash_table_contains(selection->labels, block->label);
	if (!owner || owner->certainty == HC_CERTAINTY_UNKNOWN)
		return has_look(selection, block);
	return selection->owners[owner->number] & OF_TYPE;
}

/* ---- by path ---- */

/* Whether TEXT is a path that goes on from PATH: at the end of one of its parts. */
static bool goes_on(const char *text, const char *path, size_t length)
{
	if (strncmp(text, path, length))
		return false;
	text += length;
	return !*text || *text == '.' || *text == '[' || g_str_has_prefix(text, "->");
}

bool hc_selection_set_path(hc_selection *selection, const char *text)
{
	const hc_types *types = selection->types;
	size_t length = strlen(text);
	bool found = false;

	selection->by_path = true;
	/* A parent's number is smaller than its children's. */
	for (unsigned i = 1; i < types->owners->list->len; i++) {
		const hc_owner *owner = hc_types_owner(types, i);
		bool is_below = owner->parent && selection->owners[owner->parent->number] & OF_PATH;
		g_autofree char *path = is_below ? NULL : hc_owner_path(owner);

		if (is_below || goes_on(path, text, length)) {
			selection->owners[i] |= OF_PATH;
			found = true;
		}
	}
	return found;
}

static bool is_lost(const hc_selection *selection, const hc_block *block)
{
	hc_reach reach = hc_references_reach(selection->types->references, block->number);

	return reach == HC_REACH_DIRECTLY_LOST || reach == HC_REACH_INDIRECTLY_LOST;
}

/* ---- the whole ---- */

bool hc_selection_has(const hc_selection *selection, const hc_block *block)
{
	const hc_types *types = selection->types;
	uint32_t number;
	const hc_owner *owner;

	if (block->state != HC_BLOCK_IN_USE)
		return false;
	number = block->label ? 0 : types->owner_of[block->number];
	owner = number && number != HC_OWNER_CLOSED ? hc_types_owner(types, number) : NULL;
	if (selection->by_type && !is_of_type(selection, block, owner))
		return false;
	if (!selection->by_path)
		return true;
	return owner && selection->owners[owner->number] & OF_PATH && !is_lost(selection, block);
}
