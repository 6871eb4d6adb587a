/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What holds blocks that no word leads to.
 *
 * Marking knows addresses, and some encodings that it learned. What a container's description says is no less a reference: a pointer
 * that is shifted, or lies in front of what it is for, or that a packed struct has where no word begins. So when all is followed that types
 * prove, and nothing else yet, each block that may be lost and that a container, or a pointer, of a variable's has claimed is told
 * references/, with the place of who claimed it. Whether that place is alive itself is decided there: what begins in a lost block, saves
 * nothing. A pointer into the middle of a block says no more with a type than without.
 *
 * Costs a bit for each block, and a look at it for each that is claimed, if anything may be lost; else nothing.
 */
#include "base/pages.h"
#include "propagation/propagation_state.h"

enum {
	HELD_MAX = 1 << 26
};

struct held {
	hc_typed_reference is;
	uint32_t owner; /* who claimed it */
};

static size_t bits_size(const hc_propagation *propagation)
{
	return (hc_blocks_count(propagation->blocks) / 64 + (size_t)1) * sizeof(uint64_t);
}

bool hc_propagation_begin_doubtful(hc_propagation *propagation)
{
	const hc_blocks *blocks = propagation->blocks;
	const hc_references *references = propagation->types->references;
	const hc_references_totals *totals = hc_references_get_totals(references);

	propagation->held = g_array_new(FALSE, FALSE, sizeof(struct held));
	if (!totals->directly_lost.blocks && !totals->possibly_lost.blocks)
		return true;
	propagation->doubtful = hc_pages_create(bits_size(propagation));
	if (!propagation->doubtful)
		return false;
	for (uint64_t word = 0; word < blocks->granule_count / 64; word++) {
		hc_lost_bits lost = hc_references_lost_bits(references, word);

		for (uint64_t bits = lost.directly | lost.indirectly | lost.possibly; bits; bits &= bits - 1)
			hc_set_bit(propagation->doubtful,
				hc_blocks_number(blocks, word * 64 + (unsigned)__builtin_ctzll(bits)));
	}
	return true;
}

static void forget_doubtful(hc_propagation *propagation)
{
	hc_pages_destroy(propagation->doubtful, bits_size(propagation));
	propagation->doubtful = NULL;
}

void hc_propagation_end_doubtful(hc_propagation *propagation)
{
	forget_doubtful(propagation);
	g_array_unref(propagation->held);
}

void hc_propagation_note_held(hc_propagation *propagation, uint32_t number, const hc_owner *owner)
{
	struct held held = { { propagation->from, number }, owner->number };

	if (propagation->from && propagation->held->len < HELD_MAX)
		g_array_append_val(propagation->held, held);
}

/* Whether OWNER, or what it is in, is a container by its looks only. */
static bool is_guess(const hc_owner *owner)
{
	for (; owner; owner = owner->parent)
		if (owner->layout && hc_layout_is_guess(owner->layout))
			return true;
	return false;
}

/* Whether HELD's block is still whose it was, and that proves something. */
static bool is_proved(const hc_types *types, const struct held *held)
{
	const hc_owner *owner = hc_types_owner(types, held->owner);

	return types->owner_of[held->is.to] == held->owner && owner->certainty <= HC_CERTAINTY_DEDUCED &&
	       !owner->is_interior && !is_guess(owner);
}

bool hc_propagation_tell_held(hc_propagation *propagation, hc_references *references, unsigned jobs)
{
	g_autoptr(GArray) typed = g_array_new(FALSE, FALSE, sizeof(hc_typed_reference));

	for (unsigned i = 0; i < propagation->held->len; i++) {
		const struct held *held = &g_array_index(propagation->held, struct held, i);

		if (is_proved(propagation->types, held))
			g_array_append_val(typed, held->is);
	}
	g_array_set_size(propagation->held, 0);
	forget_doubtful(propagation);
	return hc_references_add_typed(
		references, (const hc_typed_reference *)(const void *)typed->data, typed->len, jobs, NULL);
}
