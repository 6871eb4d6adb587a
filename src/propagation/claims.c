/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose a block becomes: the surest owner's, and of those that are as sure the first one's. An owner
 * whose objects prove to be something else too often is cut: nothing below it is looked at any more.
 */
#include "propagation/propagation_state.h"

#include "variables/variables.h"

enum {
	UNSOUND_MIN = 32 /* so many failures before an owner may be cut */
};

static bool is_surer(const hc_propagation *propagation, uint32_t number, const hc_owner *owner)
{
	uint32_t current = propagation->types->owner_of[number];

	return !current ||
	       hc_owner_gives_way(hc_types_owner(propagation->types, current), owner->type, owner->certainty);
}

bool hc_propagation_claim(hc_propagation *propagation, uint32_t number, const hc_owner *owner)
{
	if (!is_surer(propagation, number, owner))
		return false;
	propagation->types->owner_of[number] = owner->number;
	if (G_UNLIKELY(hc_propagation_is_doubtful(propagation, number)))
		hc_propagation_note_held(propagation, number, owner);
	return true;
}

void hc_propagation_count_unsound(hc_propagation *propagation, hc_owner *owner)
{
	owner->unsound++;
	if (owner->cut || owner->unsound < UNSOUND_MIN || owner->unsound <= owner->sound)
		return;
	owner->cut = true;
	propagation->types->losses.cut++;
}

/* A local may not be set yet. */
hc_certainty hc_propagation_target_certainty(const hc_owner *owner, const hc_type *target)
{
	if (hc_type_get_kind(target) == HC_TYPE_VOID)
		return HC_CERTAINTY_UNKNOWN;
	return owner->variable && hc_variable_is_local(owner->variable) ? HC_CERTAINTY_DEDUCED : HC_CERTAINTY_CERTAIN;
}
