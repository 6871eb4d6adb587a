/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the object of a block stands in it: behind a node's links, at the beginning of a buffer. */
#include "types/types.h"

#include "base/bits.h"

/* COUNT objects of TYPE, as many as there is room for behind OFFSET; FALSE if there is none. */
static bool place(const hc_block *block, const hc_type *type, uint64_t offset, bool is_array, hc_block_object *object)
{
	uint64_t size = type ? hc_type_size(type) : 0;

	if (!size || offset > block->size || size > block->size - offset)
		return false;
	*object = (hc_block_object){ type, block->address + offset, is_array ? (block->size - offset) / size : 1,
		is_array };
	return true;
}

/* OWNER is a container: the block is one of its nodes or buffers. */
static bool place_in_container(
	const hc_types *types, const hc_owner *owner, const hc_block *block, hc_block_object *ret_object)
{
	const hc_layout *layout = owner->layout;
	const hc_type *element = hc_layout_element(layout);
	uint64_t offset;

	if (owner->is_intrusive)
		return owner->elements[0] && !hc_layout_deduces(layout) &&
		       place(block, owner->elements[0]->type, 0, false, ret_object);
	if (hc_layout_by_pointer(layout) || hc_bit(types->several, block->number) ||
		hc_bit(types->interior, block->number))
		return false;
	switch (hc_layout_kind(layout)) {
	case HC_WALK_CONTIGUOUS:
		return place(block, element, 0, true, ret_object);
	case HC_WALK_LINKED:
	case HC_WALK_TREE:
	case HC_WALK_BUCKETS:
		return hc_layout_element_offset(layout, &offset) && place(block, element, offset, false, ret_object);
	default:
		return false;
	}
}

bool hc_types_object_of_block(const hc_types *types, const hc_block *block, hc_block_object *ret_object)
{
	uint32_t number = block->state == HC_BLOCK_IN_USE ? types->owner_of[block->number] : 0;
	const hc_owner *owner = number && number != HC_OWNER_CLOSED ? hc_types_owner(types, number) : NULL;

	if (!owner || owner->certainty == HC_CERTAINTY_UNKNOWN || owner->is_index || owner->is_interior)
		return false;
	if (owner->layout)
		return place_in_container(types, owner, block, ret_object);
	if (!owner->type)
		return false;
	switch (hc_type_get_kind(owner->type)) {
	case HC_TYPE_STRUCT:
	case HC_TYPE_UNION:
	case HC_TYPE_INCOMPLETE:
	case HC_TYPE_ARRAY:
		return place(block, owner->type, 0, false, ret_object);
	default:
		return place(block, owner->type, 0, true, ret_object);
	}
}

const hc_type *hc_types_cut_class(const hc_types *types, const hc_block *block)
{
	const hc_type *type;
	const char *name;
	uint64_t word;
	int64_t to_top;

	if (block->state != HC_BLOCK_IN_USE || !hc_core_read_word(types->core, block->address, &word) ||
		!hc_modules_find(types->modules, word) ||
		!hc_program_types_class_of_vtable(types->program_types, word, &type, &to_top, &name) || to_top || !type)
		return NULL;
	return block->size < hc_type_size(type) ? type : NULL;
}

/* TYPE is char, whose signedness nobody said: bytes that are numbers are said to be signed or unsigned. */
static bool is_plain_character(const hc_type *type)
{
	return type && hc_type_get_kind(type) == HC_TYPE_CHAR && !strcmp(hc_type_name(type), "char");
}

hc_path_content hc_types_path_content(const hc_types *types, uint32_t number)
{
	const hc_owner *owner = hc_types_owner(types, number);
	hc_path_content content = { 0 };

	if (hc_owner_block_certainty(owner) != HC_CERTAINTY_CERTAIN || owner->is_index || owner->is_interior ||
		!owner->type)
		return content;
	if (owner->layout) {
		content.is_string = hc_layout_kind(owner->layout) == HC_WALK_CONTIGUOUS &&
				    hc_layout_is_string(owner->layout) &&
				    is_plain_character(hc_layout_element(owner->layout));
		return content;
	}
	content.is_characters = is_plain_character(owner->type);
	switch (hc_type_get_kind(owner->type)) {
	case HC_TYPE_STRUCT:
	case HC_TYPE_UNION:
		content.object_size = hc_type_size(owner->type);
		return content;
	default:
		return content;
	}
}
