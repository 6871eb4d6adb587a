/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many smart pointers of one layout, that are nothing but a pointer to an object with a block of its own.
 *
 * As for rows (straight_rows.c): there are millions, and most of a walk would be what has to be made ready for one. What hc_walk_single()
 * asks of a pointer like that is one load, and one look at the index of blocks. Whatever is not as usual is left to a walk like any other.
 */
#include "containers/walker.h"

#include "base/parallel.h"

struct hc_object_walks {
	_Alignas(HC_APART) const hc_layout *layout;
	hc_reader *reader;
	uint64_t at; /* of the pointer, in the container */
	hc_walk walk;
};

static bool is_zero(const hc_layout *layout, hc_key key)
{
	const hc_program *program = hc_layout_program(layout, key);

	return !program || (program->is_constant && program->form != HC_FORM_TYPE && !program->value);
}

/* Whether a container of LAYOUT has a word that leads to its object, and nothing else that could be looked at. */
static bool is_straight(const hc_layout *layout, const hc_reader *reader)
{
	const hc_description *description = layout->description;
	const hc_program *data = hc_layout_program(layout, HC_KEY_DATA);
	uint64_t size = reader->format.size;

	return description->kind == HC_WALK_SINGLE && hc_layout_is_pure(layout) && !layout->through_pointer &&
	       !layout->by_pointer && layout->element && layout->element_size &&
	       !(layout->element_size >> HC_SIZE_MAX_BITS) && !description->memory_count && !description->check_count &&
	       !hc_layout_program(layout, HC_KEY_COUNT) && !hc_layout_program(layout, HC_KEY_CAPACITY) &&
	       is_zero(layout, HC_KEY_SHARED) && is_zero(layout, HC_KEY_AT_MOST) && data && !data->is_constant &&
	       data->length == 1 && data->code->code == HC_CODE_LOAD_THIS && data->code->size == size &&
	       layout->object_size >= size && data->code->value <= layout->object_size - size;
}

hc_object_walks *hc_object_walks_create(const hc_layout *layout, hc_reader *reader)
{
	if (!is_straight(layout, reader))
		return NULL;
	hc_object_walks *walks = g_aligned_alloc0(1, sizeof *walks, HC_APART);

	walks->layout = layout;
	walks->reader = reader;
	walks->at = hc_layout_program(layout, HC_KEY_DATA)->code->value;
	walks->walk = (hc_walk){ .capacity = UINT64_MAX,
		.element_size = layout->element_size,
		.element = layout->element,
		.is_proved = true };
	return walks;
}

void hc_object_walks_destroy(hc_object_walks *walks)
{
	g_aligned_free(walks);
}

bool hc_object_walks_make(hc_object_walks *walks, hc_address address, hc_object_found *ret_found)
{
	const hc_layout *layout = walks->layout;
	hc_reader *reader = walks->reader;
	const uint8_t *bytes = hc_reader_at(reader, address, layout->object_size);
	bool is_block = false;

	if (!bytes || bytes == reader->scratch || address & layout->object_mask)
		return false;
	hc_address object = hc_load_word(bytes + walks->at, reader->format);

	/* Within itself it has none of its own. What is no block as large as the object proves nothing. */
	if (object &&
		(object - address < layout->object_size ||
			hc_reader_check(reader, object, layout->element_size) != HC_RANGE_LIVE ||
			!hc_reader_is_checked_block(reader, object, layout->element_size, &is_block) || !is_block))
		return false;
	walks->walk.claimed = walks->walk.walked = object != 0;
	ret_found->walk = &walks->walk;
	ret_found->object = object;
	return true;
}
