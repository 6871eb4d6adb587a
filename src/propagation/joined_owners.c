/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Owners that turned out to be one, once all words were followed: what they have becomes the one's. */
#include "propagation/passes.h"

static bool have_any_met(const hc_types *types)
{
	for (unsigned i = 1; i < types->owners->list->len; i++)
		if (hc_types_owner(types, i)->met)
			return true;
	return false;
}

static bool is_any_joined(const hc_types *types)
{
	for (unsigned i = 1; i < types->owners->list->len; i++)
		if (hc_types_owner(types, i)->joined)
			return true;
	return false;
}

/* Joins those of whose blocks enough words lead to each other's. */
static void join_met(hc_types *types)
{
	unsigned count = types->owners->list->len;
	g_autofree uint32_t *blocks = g_new0(uint32_t, count);

	for (uint32_t i = 0; i < types->blocks->count; i++)
		if (types->owner_of[i] && types->owner_of[i] != HC_OWNER_CLOSED)
			blocks[types->owner_of[i]]++;
	/* Parents have lower numbers. */
	for (unsigned i = count; i-- > 1;) {
		const hc_owner *owner = hc_types_owner(types, i);

		if (owner->parent)
			blocks[owner->parent->number] += blocks[i];
	}
	hc_owners_join_met(types->owners, blocks);
}

/* Owners that were found to be one with another become it: what COUNT entries of OWNER_OF say. JOINED: the number of each. */
static void rename_owners(uint32_t *owner_of, uint32_t count, const uint32_t *joined)
{
	for (uint32_t i = 0; i < count; i++)
		if (owner_of[i] != HC_OWNER_CLOSED)
			owner_of[i] = joined[owner_of[i]];
}

void hc_types_join_owners(hc_types *types)
{
	unsigned count = types->owners->list->len;

	if (have_any_met(types))
		join_met(types);
	if (!is_any_joined(types))
		return;
	g_autofree uint32_t *joined = g_new0(uint32_t, count);

	for (unsigned i = 1; i < count; i++)
		joined[i] = hc_owner_joined(hc_types_owner(types, i))->number;
	rename_owners(types->owner_of, types->blocks->count, joined);
	rename_owners(types->parcel_owner, types->parcels->count, joined);
}
