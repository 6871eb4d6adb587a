/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kinds whose elements lie in a row: in one buffer, or in blocks of several that a map leads to. */
#include "containers/walker.h"

/* ---- elements in a row ---- */

typedef struct row {
	hc_address data;
	uint64_t size; /* of an element */
	uint64_t count, capacity, start, wrap;
	uint64_t header; /* bytes in front */
	uint64_t tail;	 /* bytes behind */
} row;

static bool element_size(hc_walker *walker, uint64_t *ret_size)
{
	uint64_t size = walker->by_pointer ? walker->reader->format.size : walker->layout->element_size;

	if (!hc_walker_need(walker, HC_KEY_ELEM_SIZE, size, ret_size))
		return false;
	walker->walk->element_size = *ret_size;
	return *ret_size && !(*ret_size >> HC_SIZE_MAX_BITS) ?
		       true :
		       hc_walker_refuse(walker, "the size of its elements is not known");
}

static bool read_row(hc_walker *walker, row *r)
{
	r->count = walker->walk->claimed;
	r->capacity = walker->walk->capacity == UINT64_MAX ? r->count : walker->walk->capacity;
	if (!hc_walker_need(walker, HC_KEY_DATA, 0, &r->data) ||
		!hc_walker_need(walker, HC_KEY_HEADER, 0, &r->header) ||
		!hc_walker_need(walker, HC_KEY_START, 0, &r->start) ||
		!hc_walker_need(walker, HC_KEY_WRAP, 0, &r->wrap))
		return false;
	if (r->count > r->capacity)
		return hc_walker_refuse(walker, "it claims more elements than it has room for");
	if (r->capacity >> HC_SIZE_MAX_BITS || r->header >> HC_SIZE_MAX_BITS)
		return hc_walker_refuse(walker, "its capacity is too large");
	if (r->wrap && (r->start >= r->wrap || r->count > r->wrap))
		return hc_walker_refuse(walker, "it begins or ends outside of its buffer");
	return true;
}

/* Its buffer is where it says, all of it. */
static bool check_row(hc_walker *walker, const row *r, uint64_t bytes)
{
	hc_address start = r->data - r->header;
	hc_range_kind place;

	if (!r->data)
		return r->count ? hc_walker_refuse(walker, "it has elements, but no buffer") : true;
	if (hc_walker_is_within(walker, r->data, bytes - r->header)) {
		walker->walk->is_inline = true;
		return true;
	}
	if (r->data & walker->layout->element_mask)
		return hc_walker_refuse(walker, "its buffer is not aligned");
	place = hc_reader_check(walker->reader, start, bytes);
	if (!hc_place_is_usable(place))
		return hc_walker_refuse(walker, hc_place_reason(place));
	return true;
}

/* The end of its text is marked. */
static bool check_terminator(hc_walker *walker, const row *r)
{
	const uint8_t *bytes;

	if (!walker->layout->description->is_terminated || !r->data)
		return true;
	bytes = r->size <= 8 ? hc_reader_at(walker->reader, r->data + r->count * r->size, r->size) : NULL;
	for (uint64_t i = 0; bytes && i < r->size; i++)
		if (bytes[i])
			return hc_walker_refuse(walker, "its text does not end in 0");
	/* Of a container in registers the text is not in memory. */
	return bytes || walker->walk->is_inline ? true : hc_walker_refuse(walker, "its memory cannot be read");
}

static void visit_row(hc_walker *walker, const row *r)
{
	uint64_t wrap = r->wrap ? r->wrap : UINT64_MAX, at = r->start;

	walker->walk->walked = 0;
	while (walker->walk->walked < r->count && walker->visits) {
		if (!hc_walker_charge(walker, r->size))
			return;
		hc_walker_visit(walker, r->data + at * r->size, 0);
		walker->walk->walked++;
		if (++at == wrap)
			at = 0;
	}
	walker->walk->walked = r->count;
}

/* Bits are numbered from the least significant one of the first byte on, as words of little endian machines have them. */
static void visit_bits(hc_walker *walker, const row *r, unsigned bits)
{
	walker->walk->walked = 0;
	while (walker->walk->walked < r->count && walker->visits) {
		if (!hc_walker_charge(walker, 1))
			return;
		hc_walker_visit(walker, r->data + walker->walk->walked * bits / 8, 0);
		walker->walk->walked++;
	}
	walker->walk->walked = r->count;
}

void hc_walk_contiguous(hc_walker *walker)
{
	const hc_layout *layout = walker->layout;
	uint64_t bits, bytes;
	row r;

	if (!read_row(walker, &r) || !hc_walker_need(walker, HC_KEY_ELEM_BITS, 0, &bits))
		return;
	if (bits) {
		bytes = r.capacity > UINT64_MAX / bits - 7 ? UINT64_MAX : (r.capacity * bits + 7) / 8;
		r.size = walker->walk->element_size = 0;
		walker->walk->element_bits = (unsigned)MIN(bits, UINT_MAX);
	} else {
		if (!element_size(walker, &r.size))
			return;
		if (__builtin_mul_overflow(r.capacity + layout->description->is_terminated, r.size, &bytes))
			bytes = UINT64_MAX;
	}
	if (bytes >> HC_SIZE_MAX_BITS) {
		hc_walker_refuse(walker, "its capacity is too large");
		return;
	}
	/* Without room there is nothing that could be wrong with the pointer. */
	if (!r.capacity && !r.header && !layout->description->is_terminated)
		return;
	bytes += r.header;
	if (!check_row(walker, &r, bytes) || !check_terminator(walker, &r))
		return;
	walker->is_proved |= walker->walk->is_inline;
	hc_walker_prove_by_block(walker, r.data - r.header, bytes);
	if (r.data && bytes && !walker->walk->is_inline && hc_walker_owns(walker))
		hc_walker_own(walker, r.data - r.header, bytes, HC_MEMORY_BUFFER);
	walker->walk->walked = r.count;
	if (walker->visits && r.size)
		visit_row(walker, &r);
	else if (walker->visits && walker->visitor->takes_bits && bits <= 8 && 8 % bits == 0)
		visit_bits(walker, &r, (unsigned)bits);
}

/* ---- blocks of elements ---- */

/* The block that starts at ADDRESS, with the elements [*SKIP, ...) of it. */
static bool walk_block(hc_walker *walker, hc_address address, uint64_t block, uint64_t size, uint64_t *skip)
{
	hc_range_kind place = hc_reader_check(walker->reader, address, block * size);
	uint64_t count;

	if (!hc_place_is_usable(place))
		return hc_walker_break(walker, hc_place_reason(place));
	if (!hc_walker_charge(walker, 64))
		return false;
	hc_walker_prove_by_block(walker, address, block * size);
	if (!hc_walker_is_within(walker, address, 1))
		hc_walker_own(walker, address, block * size, HC_MEMORY_BUFFER);
	if (*skip >= block) {
		*skip -= block;
		return true;
	}
	count = MIN(block - *skip, walker->walk->claimed - walker->walk->walked);
	for (uint64_t i = *skip; i < *skip + count; i++) {
		if (!walker->visits) {
			walker->walk->walked += *skip + count - i;
			break;
		}
		if (!hc_walker_charge(walker, size))
			return false;
		hc_walker_visit(walker, address + i * size, 0);
		walker->walk->walked++;
	}
	*skip = 0;
	return !hc_walker_is_enough(walker);
}

void hc_walk_segmented(hc_walker *walker)
{
	uint64_t map, start, block, blocks, size, word = walker->reader->format.size, least;
	hc_range_kind place;

	if (!element_size(walker, &size) || !hc_walker_need(walker, HC_KEY_MAP, 0, &map) ||
		!hc_walker_need(walker, HC_KEY_START, 0, &start) || !hc_walker_need(walker, HC_KEY_BLOCK, 0, &block))
		return;
	if (!block || block >> HC_SIZE_MAX_BITS || block > ((uint64_t)1 << HC_SIZE_MAX_BITS) / size ||
		start >> HC_SIZE_MAX_BITS || walker->walk->claimed >> HC_SIZE_MAX_BITS) {
		hc_walker_refuse(walker, "its counts are too large");
		return;
	}
	least = (start + walker->walk->claimed + block - 1) / block;
	if (!hc_walker_need(walker, HC_KEY_BLOCKS, walker->walk->claimed ? least : 0, &blocks))
		return;
	if (!blocks && !walker->walk->claimed)
		return;
	if (blocks < least || blocks >> HC_SIZE_MAX_BITS) {
		hc_walker_refuse(walker, "it claims more elements than its blocks hold");
		return;
	}
	place = hc_reader_check(walker->reader, map, blocks * word);
	if (!hc_place_is_usable(place)) {
		hc_walker_refuse(walker, hc_place_reason(place));
		return;
	}
	for (uint64_t i = 0; i < blocks; i++) {
		uint64_t address;

		if (!hc_reader_word(walker->reader, map + i * word, &address)) {
			hc_walker_break(walker, "its memory cannot be read");
			return;
		}
		if (!walk_block(walker, address, block, size, &start))
			return;
	}
}
