/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The result as an object: asking for it, and its end. */
#include "types/types.h"

#include "base/pages.h"
#include "blocks/blocks.h"

static const char *const certainty_names[HC_CERTAINTY_COUNT] = {
	[HC_CERTAINTY_CERTAIN] = "certain",
	[HC_CERTAINTY_DEDUCED] = "deduced",
	[HC_CERTAINTY_GUESS] = "guess",
	[HC_CERTAINTY_UNKNOWN] = "unknown",
};

const char *hc_certainty_name(hc_certainty certainty)
{
	return (unsigned)certainty < HC_CERTAINTY_COUNT ? certainty_names[certainty] : "";
}

size_t hc_types_owners_size(const hc_blocks *blocks)
{
	return (hc_blocks_count(blocks) + (size_t)1) * sizeof(uint32_t);
}

size_t hc_types_bits_size(const hc_blocks *blocks)
{
	return (hc_blocks_count(blocks) / 64 + (size_t)1) * sizeof(uint64_t);
}

size_t hc_types_parcels_size(const hc_types *types)
{
	return (types->parcels->count + (size_t)1) * sizeof(uint32_t);
}

void hc_types_destroy(hc_types *types)
{
	if (!types)
		return;
	hc_plans_destroy(types->plans);
	hc_container_set_destroy(types->set);
	hc_root_places_destroy(types->root_places);
	hc_owners_destroy(types->owners);
	g_array_unref(types->rows);
	g_array_unref(types->containers);
	g_string_chunk_free(types->texts);
	hc_pages_destroy(types->interior, hc_types_bits_size(types->blocks));
	hc_pages_destroy(types->several, hc_types_bits_size(types->blocks));
	hc_pages_destroy(types->owner_of, hc_types_owners_size(types->blocks));
	if (types->parcels)
		hc_pages_destroy(types->parcel_owner, hc_types_parcels_size(types));
	hc_parcels_destroy(types->parcels);
	g_free(types);
}

unsigned hc_types_row_count(const hc_types *types)
{
	return types->rows->len;
}

const hc_type_row *hc_types_row(const hc_types *types, unsigned index)
{
	return index < types->rows->len ? &g_array_index(types->rows, hc_type_row, index) : NULL;
}

hc_amount hc_types_coverage(const hc_types *types, hc_certainty certainty)
{
	return (unsigned)certainty < HC_CERTAINTY_COUNT ? types->coverage[certainty] : (hc_amount){ 0 };
}

hc_amount hc_types_held_by(const hc_types *types, hc_path_begin begin)
{
	return (unsigned)begin < HC_PATH_BEGIN_COUNT ? types->held_by[begin] : (hc_amount){ 0 };
}

bool hc_types_of_block(const hc_types *types, uint32_t number, hc_block_type *ret_type)
{
	hc_owner *owner;

	if (number >= hc_blocks_count(types->blocks) || !types->owner_of[number] ||
		types->owner_of[number] == HC_OWNER_CLOSED)
		return false;
	owner = hc_types_owner(types, types->owner_of[number]);
	ret_type->name = hc_owner_type_name(owner);
	ret_type->type = owner->type;
	ret_type->certainty = hc_owner_block_certainty(owner);
	ret_type->path = hc_owner_path(owner);
	return true;
}

void hc_block_type_clear(hc_block_type *type)
{
	g_clear_pointer(&type->name, g_free);
	g_clear_pointer(&type->path, g_free);
}

unsigned hc_types_container_count(const hc_types *types)
{
	return types->containers->len;
}

const hc_container *hc_types_container(const hc_types *types, unsigned index)
{
	return index < types->containers->len ? &g_array_index(types->containers, hc_container, index) : NULL;
}

uint64_t hc_types_variables(const hc_types *types, hc_variable_state state)
{
	return (unsigned)state < HC_VARIABLE_STATE_COUNT ? types->variable_states[state] : 0;
}

const hc_types_losses *hc_types_get_losses(const hc_types *types)
{
	return &types->losses;
}
