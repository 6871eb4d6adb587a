/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many containers of one layout whose elements lie in a row, and are not visited: strings, vectors of numbers.
 *
 * Of what hc_walk_contiguous() does only this is left: the row is looked up in the index of blocks, the end of its text is looked at, and its
 * block tells whether it is believed.
 */
#include "containers/straight.h"

enum {
	TERMINATOR_MAX = 8 /* bytes */
};

struct hc_row_walks {
	hc_straight straight;
	bool has_plain_data,
		has_plain_count; /* the first of the words: where the row is; the second: how many elements it has */
	const uint64_t *data, *count, *capacity; /* of the walker's values, or constants */
	uint64_t element_size, header;
};

/* Elements of a known size that the container has itself, from the beginning of its buffer on, and nothing else. */
static bool is_straight(const hc_layout *layout, hc_row_walks *walks)
{
	const hc_description *description = layout->description;
	uint64_t start, wrap, bits;

	return description->kind == HC_WALK_CONTIGUOUS && hc_layout_may_be_straight(layout) &&
	       hc_layout_program(layout, HC_KEY_DATA) && hc_layout_is_constant(layout, HC_KEY_START, 0, &start) &&
	       !start && hc_layout_is_constant(layout, HC_KEY_WRAP, 0, &wrap) && !wrap &&
	       hc_layout_is_constant(layout, HC_KEY_ELEM_BITS, 0, &bits) && !bits &&
	       hc_layout_is_constant(layout, HC_KEY_HEADER, 0, &walks->header) &&
	       !(walks->header >> HC_SIZE_MAX_BITS) &&
	       hc_layout_is_constant(layout, HC_KEY_ELEM_SIZE, layout->element_size, &walks->element_size) &&
	       walks->element_size && !(walks->element_size >> HC_SIZE_MAX_BITS) &&
	       (!description->is_terminated || walks->element_size <= TERMINATOR_MAX);
}

static void put_together(hc_row_walks *walks)
{
	hc_straight *straight = &walks->straight;

	walks->data = hc_straight_append(straight, HC_KEY_DATA, NULL);
	walks->has_plain_data = straight->word_count != 0;
	walks->count = hc_straight_append(straight, HC_KEY_COUNT, NULL);
	walks->has_plain_count = straight->word_count == 2;
	walks->capacity = hc_straight_append(straight, HC_KEY_CAPACITY, walks->count);
	hc_straight_ready(straight);
}

hc_row_walks *hc_row_walks_create(const hc_layout *layout, hc_reader *reader)
{
	hc_row_walks *walks = g_aligned_alloc0(1, sizeof *walks, HC_APART);

	if (!is_straight(layout, walks)) {
		g_aligned_free(walks);
		return NULL;
	}
	hc_straight_begin(&walks->straight, layout, reader);
	walks->straight.walk.element_size = walks->element_size;
	put_together(walks);
	return walks;
}

void hc_row_walks_destroy(hc_row_walks *walks)
{
	if (!walks)
		return;
	hc_straight_clear(&walks->straight);
	g_aligned_free(walks);
}

/* Whether the element behind the COUNT at DATA is 0. */
static inline bool is_terminated(hc_row_walks *walks, hc_address data, uint64_t count)
{
	uint64_t size = walks->element_size;
	const uint8_t *bytes = hc_reader_at(walks->straight.walker.reader, data + count * size, size);
	uint8_t any = 0;

	for (uint64_t i = 0; bytes && i < size; i++)
		any |= bytes[i];
	return bytes && !any;
}

/* The row of COUNT elements at DATA, with room for BYTES and a header, in a block of its own. */
static bool take_block(hc_row_walks *walks, hc_address data, uint64_t count, uint64_t bytes, hc_row_found *ret_found)
{
	const hc_layout *layout = walks->straight.walker.layout;
	hc_reader *reader = walks->straight.walker.reader;
	hc_address start = data - walks->header;
	bool is_block;

	bytes += walks->header;
	if (data & layout->element_mask || hc_reader_check(reader, start, bytes) != HC_RANGE_LIVE ||
		!hc_reader_is_checked_block(reader, start, bytes, &is_block))
		return false;
	/* Who has checks is believed without. */
	if (!is_block && !layout->description->check_count)
		return false;
	if (layout->description->is_terminated && !is_terminated(walks, data, count))
		return false;
	ret_found->number = hc_blocks_number(reader->blocks, reader->checked);
	ret_found->bytes = bytes;
	return true;
}

/* What is left to be looked at of a sound object: its row. */
static inline bool take_row(hc_row_walks *walks, hc_row_found *ret_found)
{
	const hc_walker *walker = &walks->straight.walker;
	bool is_terminated_row = walker->layout->description->is_terminated;
	uint64_t data = *walks->data, count = *walks->count, capacity = *walks->capacity, bytes;

	ret_found->bytes = 0;
	if (count > capacity || capacity >> HC_SIZE_MAX_BITS ||
		__builtin_mul_overflow(capacity + is_terminated_row, walks->element_size, &bytes) ||
		bytes >> HC_SIZE_MAX_BITS)
		return false;
	if (!capacity && !walks->header && !is_terminated_row)
		return true;
	if (!data)
		return !count;
	if (hc_walker_is_within(walker, data, bytes))
		return !is_terminated_row || is_terminated(walks, data, count);
	return take_block(walks, data, count, bytes, ret_found);
}

bool hc_row_walks_make(hc_row_walks *walks, hc_address address, hc_row_found *ret_found)
{
	if (!hc_straight_read(&walks->straight, address) || !take_row(walks, ret_found))
		return false;
	walks->straight.walk.claimed = walks->straight.walk.walked = *walks->count;
	if (hc_layout_program(walks->straight.walker.layout, HC_KEY_CAPACITY))
		walks->straight.walk.capacity = *walks->capacity;
	ret_found->walk = &walks->straight.walk;
	/* A walk looks at the first of its elements. */
	ret_found->charged = *walks->count ? walks->element_size : 0;
	return true;
}

void hc_row_walks_fetch(hc_row_walks *walks, hc_address address)
{
	hc_reader *reader = walks->straight.walker.reader;
	const hc_layout *layout = walks->straight.walker.layout;
	const uint8_t *object;
	hc_address data, end;

	if (!walks->has_plain_data || !(object = hc_reader_at(reader, address, layout->object_size)))
		return;
	data = end = hc_load_word(object + walks->straight.words[0].offset, reader->format);
	/* What is in the object itself is there with it. */
	if (data - address < layout->object_size)
		return;
	/* Of a text its end is looked at, of others nothing. */
	if (walks->has_plain_count)
		end += hc_load_word(object + walks->straight.words[1].offset, reader->format) * walks->element_size;
	hc_reader_fetch_index(reader, data, layout->description->is_terminated ? end - data : UINT64_MAX);
}
