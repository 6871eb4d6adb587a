/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One container at one address: the checks that hold for every kind, and the kinds without nodes.
 *
 * What is believed is what fits the heap: a buffer lies in one block in use, with all of its capacity; so does each node. Memory
 * outside of the heap (static storage, stacks, a program's own allocator) must be readable. A failed check of the object itself makes
 * the walk implausible; what does not fit further on, after some elements that did, leaves it truncated.
 */
#include "containers/walker.h"

#include "debuginfo/debuginfo.h"

#include <stddef.h>
#include <string.h>

enum {
	BASES_DEPTH = 16, /* of classes */
	PAGE = 4096,
	ROUNDED_BY_MALLOC =
		40, /* bytes that a block may have more than was asked for: a header, and what is too small for a chunk */
	ROUNDED_MAX = 64, /* bytes that may lie behind an object: what malloc rounds up, and padding of what holds it */
	OBJECT_MAX = 1024,  /* bytes of a container in registers */
	FEW_ELEMENTS = 2,   /* that may fit by chance */
	PROBE_NODES = 8,    /* that tell a link from another */
	SIZE_MAX_BITS = 48, /* no count or size is larger */
};

const char *hc_grade_name(hc_grade grade)
{
	static const char *const names[] = { "exact", "truncated", "implausible", "bound", "deduced" };

	return grade < HC_GRADE_COUNT ? names[grade] : "?";
}

/* A block that begins at ADDRESS, and that malloc would have made as large for SIZE bytes. */
static bool is_block_of(const hc_walker *walker, hc_address address, uint64_t size)
{
	hc_block block;

	if (!size || !hc_blocks_find(walker->set->blocks, address, &block) || block.address != address ||
		block.state != HC_BLOCK_IN_USE || block.size < size)
		return false;
	/* What has a mapping of its own ends with a page. */
	return block.size - size <= (block.arena == HC_ARENA_NONE ? PAGE + ROUNDED_BY_MALLOC : ROUNDED_BY_MALLOC);
}

void hc_walker_prove_by_block(hc_walker *walker, hc_address address, uint64_t size)
{
	if (!walker->is_proved && !walker->is_disproved) {
		walker->is_disproved = !is_block_of(walker, address, size);
		walker->blocks_seen += !walker->is_disproved;
	}
}

bool hc_walker_end(hc_walker *walker, hc_grade grade, const char *reason)
{
	if (walker->walk->grade == HC_GRADE_EXACT) {
		walker->walk->grade = grade;
		walker->walk->reason = reason;
	}
	return false;
}

bool hc_walker_break(hc_walker *walker, const char *reason)
{
	return hc_walker_end(
		walker, walker->walk->walked < FEW_ELEMENTS ? HC_GRADE_IMPLAUSIBLE : HC_GRADE_TRUNCATED, reason);
}

static bool implausible(hc_walker *walker, const char *reason)
{
	return hc_walker_end(walker, HC_GRADE_IMPLAUSIBLE, reason);
}

const char *hc_place_reason(hc_range_kind place)
{
	switch (place) {
	case HC_RANGE_FREED:
		return "its memory has been freed";
	case HC_RANGE_SPLIT:
		return "its memory is not within one block";
	case HC_RANGE_UNREADABLE:
		return "its memory cannot be read";
	default:
		return NULL;
	}
}

static bool is_usable(hc_range_kind place)
{
	return place == HC_RANGE_LIVE || place == HC_RANGE_OUTSIDE;
}

/* True if [address, address + size) is a part of the container itself. */
static bool is_within(const hc_walker *walker, hc_address address, uint64_t size)
{
	uint64_t offset = address - walker->address;

	return offset < walker->object_size && size <= walker->object_size - offset;
}

void hc_walker_own(hc_walker *walker, hc_address address, uint64_t size, hc_memory_role role)
{
	if (walker->visitor && walker->visitor->memory)
		walker->visitor->memory(address, size, role, walker->visitor->data);
}

void hc_walker_visit(hc_walker *walker, hc_address element, hc_address mapped)
{
	const hc_walk_visitor *visitor = walker->visitor;
	uint64_t index = walker->walk->walked;

	if (visitor->element && walker->by_pointer && !hc_reader_word(walker->reader, element, &element))
		return;
	if (visitor->element && element)
		walker->visits = visitor->element(element, index, visitor->data);
	if (!mapped || !visitor->mapped)
		return;
	if (walker->mapped_by_pointer && !hc_reader_word(walker->reader, mapped, &mapped))
		return;
	if (mapped)
		walker->visits = visitor->mapped(mapped, index, visitor->data) && walker->visits;
}

/* As hc_walker_get(), but what cannot be had ends the walk. */
static bool need(hc_walker *walker, hc_key key, uint64_t otherwise, uint64_t *ret_value)
{
	return hc_walker_get(walker, key, otherwise, ret_value) || implausible(walker, "its memory cannot be read");
}

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

	if (!need(walker, HC_KEY_ELEM_SIZE, size, ret_size))
		return false;
	walker->walk->element_size = *ret_size;
	return *ret_size && !(*ret_size >> SIZE_MAX_BITS) ?
		       true :
		       implausible(walker, "the size of its elements is not known");
}

static bool read_row(hc_walker *walker, row *r)
{
	r->count = walker->walk->claimed;
	r->capacity = walker->walk->capacity == UINT64_MAX ? r->count : walker->walk->capacity;
	if (!need(walker, HC_KEY_DATA, 0, &r->data) || !need(walker, HC_KEY_HEADER, 0, &r->header) ||
		!need(walker, HC_KEY_START, 0, &r->start) || !need(walker, HC_KEY_WRAP, 0, &r->wrap))
		return false;
	if (r->count > r->capacity)
		return implausible(walker, "it claims more elements than it has room for");
	if (r->capacity >> SIZE_MAX_BITS || r->header >> SIZE_MAX_BITS)
		return implausible(walker, "its capacity is too large");
	if (r->wrap && (r->start >= r->wrap || r->count > r->wrap))
		return implausible(walker, "it begins or ends outside of its buffer");
	return true;
}

/* Its buffer is where it says, all of it. */
static bool check_row(hc_walker *walker, const row *r, uint64_t bytes)
{
	hc_address start = r->data - r->header;
	hc_range_kind place;

	if (!r->data)
		return r->count ? implausible(walker, "it has elements, but no buffer") : true;
	if (is_within(walker, r->data, bytes - r->header)) {
		walker->walk->is_inline = true;
		return true;
	}
	if (r->data & walker->layout->element_mask)
		return implausible(walker, "its buffer is not aligned");
	place = hc_reader_check(walker->reader, start, bytes);
	if (!is_usable(place))
		return implausible(walker, hc_place_reason(place));
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
			return implausible(walker, "its text does not end in 0");
	/* Of a container in registers the text is not in memory. */
	return bytes || walker->walk->is_inline ? true : implausible(walker, "its memory cannot be read");
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

static bool owns(hc_walker *walker)
{
	uint64_t owned;

	return hc_walker_get(walker, HC_KEY_OWNED, 1, &owned) && owned;
}

static void walk_contiguous(hc_walker *walker)
{
	const hc_layout *layout = walker->layout;
	uint64_t bits, bytes;
	row r;

	if (!read_row(walker, &r) || !need(walker, HC_KEY_ELEM_BITS, 0, &bits))
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
	if (bytes >> SIZE_MAX_BITS) {
		implausible(walker, "its capacity is too large");
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
	if (r.data && bytes && !walker->walk->is_inline && owns(walker))
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

	if (!is_usable(place))
		return hc_walker_break(walker, hc_place_reason(place));
	if (!hc_walker_charge(walker, 64))
		return false;
	hc_walker_prove_by_block(walker, address, block * size);
	if (!is_within(walker, address, 1))
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

static void walk_segmented(hc_walker *walker)
{
	uint64_t map, start, block, blocks, size, word = walker->reader->format.size, least;
	hc_range_kind place;

	if (!element_size(walker, &size) || !need(walker, HC_KEY_MAP, 0, &map) ||
		!need(walker, HC_KEY_START, 0, &start) || !need(walker, HC_KEY_BLOCK, 0, &block))
		return;
	if (!block || block >> SIZE_MAX_BITS || block > ((uint64_t)1 << SIZE_MAX_BITS) / size ||
		start >> SIZE_MAX_BITS || walker->walk->claimed >> SIZE_MAX_BITS) {
		implausible(walker, "its counts are too large");
		return;
	}
	least = (start + walker->walk->claimed + block - 1) / block;
	if (!need(walker, HC_KEY_BLOCKS, walker->walk->claimed ? least : 0, &blocks))
		return;
	if (!blocks && !walker->walk->claimed)
		return;
	if (blocks < least || blocks >> SIZE_MAX_BITS) {
		implausible(walker, "it claims more elements than its blocks hold");
		return;
	}
	place = hc_reader_check(walker->reader, map, blocks * word);
	if (!is_usable(place)) {
		implausible(walker, hc_place_reason(place));
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

/* ---- one object, or none ---- */

/* It is all of its block; or of a class that derives from what is declared, and that its vtable tells. */
static void prove_by_object(hc_walker *walker, hc_address object, uint64_t size)
{
	const hc_type *class = NULL;
	const char *name;
	uint64_t vtable;
	int64_t to_top;
	bool has_vtable = walker->walk->element && hc_type_get_kind(walker->walk->element) == HC_TYPE_STRUCT &&
			  hc_type_is_polymorphic(walker->walk->element);

	if (has_vtable && walker->set->modules && hc_reader_word(walker->reader, object, &vtable) &&
		hc_modules_class_of_vtable(walker->set->modules, vtable, &class, &to_top, &name))
		walker->is_proved = true;
	else
		hc_walker_prove_by_block(walker, object, size);
}

/* What it leads to lies somewhere; and is its own if that is not the container itself. */
static bool walk_object(hc_walker *walker, hc_address object, uint64_t size)
{
	hc_range_kind place;

	walker->walk->element_size = size;
	if (is_within(walker, object, size)) {
		walker->walk->is_inline = walker->is_proved = true;
	} else {
		prove_by_object(walker, object, size);
		place = hc_reader_check(walker->reader, object, MAX(size, 1));
		if (!is_usable(place))
			return implausible(walker, hc_place_reason(place));
		if (owns(walker))
			hc_walker_own(walker, object, MAX(size, 1), HC_MEMORY_BUFFER);
	}
	if (walker->visits)
		hc_walker_visit(walker, object, 0);
	walker->walk->walked = 1;
	return true;
}

/* Where BASE lies in TYPE, by value, as the base class of a base class ...: FALSE if it is none. */
static bool find_base(const hc_type *type, const hc_type *base, unsigned depth, uint64_t *ret_offset)
{
	if (type == base)
		return true;
	for (unsigned i = 0; i < hc_type_field_count(type) && depth < BASES_DEPTH; i++) {
		const hc_field *field = hc_type_field(type, i);

		if (!field->is_base || field->is_virtual || !find_base(field->type, base, depth + 1, ret_offset))
			continue;
		*ret_offset += field->offset;
		return true;
	}
	return false;
}

/* The first template argument of the class whose vtable is VTABLE: "counted<T, ...>" -> T. */
static const hc_type *first_argument_of_class(hc_walker *walker, hc_address vtable)
{
	hc_container_set *set = walker->set;
	const hc_type *class = NULL, *type = NULL;
	const char *name;
	int64_t to_top;
	void *found;

	if (g_hash_table_lookup_extended(set->functions, &vtable, NULL, &found))
		return found;
	if (set->modules && hc_modules_class_of_vtable(set->modules, vtable, &class, &to_top, &name)) {
		for (unsigned i = 0; class && !type && i < hc_type_argument_count(class); i++)
			type = hc_type_argument(class, i)->type;
	}
	if (g_hash_table_size(set->functions) < HC_FUNCTIONS_MAX)
		g_hash_table_insert(set->functions, g_memdup2(&vtable, sizeof vtable), (void *)type);
	return type;
}

/*
 * What keeps the object (a control block) has a class that tells which type the object was made as; what is declared is void, or a base
 * class. *DATA moves to the object's beginning. DECLARED if nothing is told, or if *DATA leads to a part of the object only: a member
 * that shares its lifetime.
 */
static bool find_class_of(hc_walker *walker, const hc_type *declared, hc_address *data, const hc_type **ret_type)
{
	uint64_t keeper, vtable, is_inline, offset = 0, room;
	const hc_type *type;

	*ret_type = declared;
	if (!need(walker, HC_KEY_CLASS_OF, 0, &keeper) || !need(walker, HC_KEY_IS_INLINE, 0, &is_inline))
		return false;
	if (!keeper || !hc_reader_word(walker->reader, keeper, &vtable))
		return true;
	type = first_argument_of_class(walker, vtable);
	if (type && !is_inline)
		type = hc_type_get_kind(type) == HC_TYPE_POINTER ? hc_type_target(type) : NULL;
	if (!type || type == declared || !hc_type_size(type))
		return true;
	room = hc_reader_rest(walker->reader, *data);
	if (!declared || hc_type_get_kind(declared) == HC_TYPE_VOID) {
		/* Behind the whole object is nothing but what malloc rounds up. */
		if (room >= hc_type_size(type) && (!is_inline || room - hc_type_size(type) <= ROUNDED_MAX))
			*ret_type = type;
	} else if (hc_type_get_kind(type) == HC_TYPE_STRUCT && find_base(type, declared, 0, &offset)) {
		*data -= offset;
		*ret_type = type;
	}
	return true;
}

static void walk_single(hc_walker *walker)
{
	const hc_type *element = walker->layout->element;
	hc_address data;

	if (!need(walker, HC_KEY_DATA, 0, &data))
		return;
	if (!hc_walker_has(walker, HC_KEY_COUNT))
		walker->walk->claimed = data != 0;
	if (!walker->walk->claimed)
		return;
	if (walker->walk->claimed > 1) {
		implausible(walker, "it is neither empty nor holds one");
		return;
	}
	/* new T[n] keeps no count that could be found: one of them. */
	if (element && hc_type_get_kind(element) == HC_TYPE_ARRAY && !hc_type_size(element))
		walker->walk->element = element = hc_type_target(element);
	if (!find_class_of(walker, element, &data, &element))
		return;
	walker->walk->element = element;
	walk_object(walker, data, element ? hc_type_size(element) : 0);
}

static const hc_type *alternative_type(const hc_layout *layout, uint64_t number)
{
	unsigned count = hc_type_argument_count(layout->type);

	for (unsigned i = 0; i < count; i++) {
		const hc_template_argument *argument = hc_type_argument(layout->type, i);

		if (argument->type && !number--)
			return argument->type;
	}
	return NULL;
}

static void walk_variant(hc_walker *walker)
{
	hc_address data;
	uint64_t alternative;

	if (!hc_walker_has(walker, HC_KEY_COUNT))
		walker->walk->claimed = 1;
	if (!walker->walk->claimed)
		return;
	if (!need(walker, HC_KEY_DATA, walker->address, &data) || !need(walker, HC_KEY_ALTERNATIVE, 0, &alternative))
		return;
	walker->walk->element = alternative_type(walker->layout, alternative);
	if (!walker->walk->element) {
		implausible(walker, "it has no such alternative");
		return;
	}
	walker->is_proved = true; /* its number is that of an alternative */
	walk_object(walker, data, hc_type_size(walker->walk->element));
}

/* ---- erased types ---- */

static const hc_type *erased_type(hc_walker *walker, hc_address function)
{
	hc_container_set *set = walker->set;
	const hc_type *type;
	void *found;

	if (g_hash_table_lookup_extended(set->functions, &function, NULL, &found))
		return found;
	type = set->modules ?
		       hc_modules_argument_of_function(set->modules, function, walker->layout->description->argument) :
		       NULL;
	if (g_hash_table_size(set->functions) < HC_FUNCTIONS_MAX)
		g_hash_table_insert(set->functions, g_memdup2(&function, sizeof function), (void *)type);
	return type;
}

/* True if what is stored by value here could be moved by copying bytes: then the library keeps it within the object. */
static bool is_plain(const hc_type *type, unsigned depth)
{
	switch (hc_type_get_kind(type)) {
	case HC_TYPE_STRUCT:
		if (hc_type_argument_count(type) || hc_type_is_polymorphic(type) || depth > 4)
			return false;
		for (unsigned i = 0; i < hc_type_field_count(type); i++)
			if (!is_plain(hc_type_field(type, i)->type, depth + 1))
				return false;
		return true;
	case HC_TYPE_ARRAY:
		return hc_type_target(type) && is_plain(hc_type_target(type), depth + 1);
	case HC_TYPE_UNION:
	case HC_TYPE_INCOMPLETE:
		return false;
	default:
		return true;
	}
}

/*
 * Whether an object of TYPE is kept in the container, by INLINE bytes there are, or behind a pointer. Small objects may be either, as
 * the library looks at how they are copied, which debug info does not tell: then the pointer is believed if it is a block's
 * beginning, and the block not larger than malloc makes it for the object.
 */
static bool is_kept_inline(hc_walker *walker, const hc_type *type, hc_address object)
{
	uint64_t size = hc_type_size(type), room;
	hc_block block;

	if (!hc_walker_get(walker, HC_KEY_ROOM, 2 * walker->reader->format.size, &room) || size > room)
		return false;
	if (is_plain(type, 0))
		return true;
	return !hc_blocks_find(walker->set->blocks, object, &block) || block.address != object ||
	       block.state != HC_BLOCK_IN_USE || block.size < size || block.size > size + 24;
}

static void walk_erased(hc_walker *walker)
{
	hc_address function, object, place;
	const hc_type *type;
	uint64_t is_inline;

	if (!need(walker, HC_KEY_FUNCTION, 0, &function))
		return;
	if (!hc_walker_has(walker, HC_KEY_COUNT))
		walker->walk->claimed = function != 0;
	if (!walker->walk->claimed)
		return;
	if (!need(walker, HC_KEY_OBJECT, 0, &object) || !need(walker, HC_KEY_INLINE, 0, &place))
		return;
	type = walker->walk->element = erased_type(walker, function);
	if (!type && (!walker->set->modules || !hc_modules_find(walker->set->modules, function))) {
		implausible(walker, "its function is in no module");
		return;
	}
	if (!type) {
		hc_walker_end(walker, HC_GRADE_TRUNCATED, "no debug info tells the type that it holds");
		return;
	}
	walker->is_proved = true; /* its function is one that the library made for this type */
	is_inline = is_kept_inline(walker, type, object);
	if (!hc_walker_get(walker, HC_KEY_IS_INLINE, is_inline, &is_inline))
		return;
	walk_object(walker, is_inline ? place : object, hc_type_size(type));
}

/* ---- all kinds ---- */

static bool check_object(hc_walker *walker)
{
	const hc_description *description = walker->layout->description;

	for (unsigned i = 0; i < description->check_count; i++) {
		uint64_t holds;

		if (!hc_walker_key(walker, description->checks[i], &holds))
			return implausible(walker, "its memory cannot be read");
		if (!holds)
			return implausible(walker, description->keys[description->checks[i]].reason);
	}
	return true;
}

/* Blocks that it owns beside its elements' memory. */
static bool own_other_memory(hc_walker *walker)
{
	const hc_description *description = walker->layout->description;

	for (unsigned i = 0; i < description->memory_count; i++) {
		const hc_description_key *key = &description->keys[description->memories[i]];
		uint64_t address, size;
		hc_range_kind place;

		if (!hc_walker_key(walker, description->memories[i], &address))
			return implausible(walker, "its memory cannot be read");
		if (!address || is_within(walker, address, 1))
			continue;
		if (key->size_key == HC_NO_KEY)
			size = MAX(hc_reader_rest(walker->reader, address), 1);
		else if (!hc_walker_key(walker, key->size_key, &size))
			return implausible(walker, "its memory cannot be read");
		if (!size)
			continue;
		place = hc_reader_check(walker->reader, address, size);
		if (!is_usable(place))
			return implausible(walker, hc_place_reason(place));
		hc_walker_own(walker, address, size, key->role);
	}
	return true;
}

static bool read_counts(hc_walker *walker)
{
	const hc_program *count = hc_layout_program(walker->layout, HC_KEY_COUNT);
	uint64_t shared;

	if (!need(walker, HC_KEY_COUNT, UINT64_MAX, &walker->walk->claimed) ||
		!need(walker, HC_KEY_CAPACITY, UINT64_MAX, &walker->walk->capacity) ||
		!need(walker, HC_KEY_SHARED, 0, &shared))
		return false;
	walker->walk->is_shared = shared != 0;
	if (count && walker->walk->claimed >> SIZE_MAX_BITS)
		return implausible(walker, "it claims more elements than there can be");
	return true;
}

/* Its bytes are at hand, or BUFFER holds them: it is in registers. */
static bool find_object(hc_walker *walker, uint8_t *buffer)
{
	hc_reader *reader = walker->reader;
	uint64_t size = walker->layout->object_size;

	walker->object_size = size;
	if (!size)
		return true;
	walker->object = hc_reader_at(reader, walker->address, size);
	if (walker->object && walker->address & walker->layout->object_mask)
		return implausible(walker, "its address is not aligned");
	if (walker->object == reader->scratch)
		walker->object = NULL;
	else if (!walker->object && size <= OBJECT_MAX && reader->modules &&
		 hc_modules_read(reader->modules, walker->address, buffer, size))
		walker->object = buffer;
	else if (!walker->object && hc_reader_check(reader, walker->address, size) == HC_RANGE_UNREADABLE)
		return implausible(walker, "it cannot be read itself");
	return true;
}

/* From the pointer that was told to the container that it leads to. FALSE: there is none. */
static bool follow_pointer(hc_walker *walker)
{
	hc_reader *reader = walker->reader;
	uint8_t bytes[8];
	hc_range_kind place;

	if (!hc_reader_word(reader, walker->address, &walker->address)) {
		if (!reader->modules || !hc_modules_read(reader->modules, walker->address, bytes, reader->format.size))
			return implausible(walker, "it cannot be read itself");
		walker->address = hc_load_word(bytes, reader->format);
	}
	if (!walker->address) {
		walker->walk->claimed = 0;
		return false;
	}
	place = hc_reader_check(reader, walker->address, MAX(walker->layout->object_size, 1));
	if (!is_usable(place))
		return implausible(walker, hc_place_reason(place));
	hc_walker_own(walker, walker->address, MAX(walker->layout->object_size, 1), HC_MEMORY_INDEX);
	return true;
}

static void walk_kind(hc_walker *walker)
{
	uint64_t at_most;

	static void (*const walks[])(hc_walker *) = {
		[HC_WALK_CONTIGUOUS] = walk_contiguous,
		[HC_WALK_SEGMENTED] = walk_segmented,
		[HC_WALK_LINKED] = hc_walk_linked,
		[HC_WALK_TREE] = hc_walk_tree,
		[HC_WALK_BUCKETS] = hc_walk_buckets,
		[HC_WALK_SLOTS] = hc_walk_slots,
		[HC_WALK_SINGLE] = walk_single,
		[HC_WALK_VARIANT] = walk_variant,
		[HC_WALK_ERASED] = walk_erased,
	};

	if (!check_object(walker) || !read_counts(walker) || !own_other_memory(walker))
		return;
	walker->is_proved = walker->layout->description->check_count > 0;
	walks[walker->layout->description->kind](walker);
	if (walker->walk->grade == HC_GRADE_EXACT && walker->walk->claimed != UINT64_MAX &&
		walker->walk->walked != walker->walk->claimed && !walker->limit)
		hc_walker_break(walker, "there are fewer elements than it claims");
	if (walker->walk->grade == HC_GRADE_EXACT && hc_walker_get(walker, HC_KEY_AT_MOST, 0, &at_most) && at_most)
		hc_walker_end(walker, HC_GRADE_BOUND, "it keeps no count: at most so many fit into its block");
	walker->walk->is_proved = !walker->walk->walked || walker->is_proved ||
				  (walker->blocks_seen && !walker->is_disproved);
}

void hc_walk_one(
	const hc_layout *layout, hc_address address, const hc_walk_visitor *visitor, uint64_t limit, hc_walk *ret_walk)
{
	hc_container_set *set = layout->set;
	uint8_t buffer[OBJECT_MAX];
	hc_walker walker;

	memset(&walker, 0, offsetof(hc_walker, values));
	walker.layout = layout;
	walker.set = set;
	walker.reader = &set->reader;
	walker.visitor = visitor;
	walker.visits = visitor && (visitor->element || visitor->mapped);
	walker.address = address;
	walker.limit = limit;
	walker.by_pointer = layout->by_pointer;
	walker.mapped_by_pointer = layout->mapped_by_pointer;
	walker.budget = set->budget;
	walker.walk = ret_walk;
	memset(ret_walk, 0, sizeof *ret_walk);
	ret_walk->claimed = ret_walk->capacity = UINT64_MAX;
	ret_walk->element_size = layout->element_size;
	ret_walk->element = layout->element;
	if (layout->through_pointer && !follow_pointer(&walker))
		return;
	if (find_object(&walker, buffer))
		walk_kind(&walker);
	set->budget = walker.budget;
}

/* The member of the nodes that this list goes through: the first that leads somewhere, and back. */
static const hc_layout *choose_link(const hc_layout *layout, hc_address address)
{
	const hc_layout *best = layout;
	hc_grade best_grade = HC_GRADE_COUNT;
	bool leads_back = layout->description->known[HC_KEY_BACK] != HC_NO_KEY ||
			  layout->description->known[HC_KEY_PREV] != HC_NO_KEY;

	if (!layout->next_link)
		return layout;
	for (; layout && best_grade != HC_GRADE_EXACT; layout = layout->next_link) {
		hc_walk walk;

		hc_walk_one(layout, address, NULL, leads_back ? PROBE_NODES : 0, &walk);
		if (walk.grade < best_grade) {
			best = layout;
			best_grade = walk.grade;
		}
	}
	return best;
}

void hc_layout_walk(const hc_layout *layout, hc_address address, const hc_walk_visitor *visitor, hc_walk *ret_walk)
{
	hc_certainty certainty;

	layout = hc_layout_deduce(choose_link(layout, address), address, &certainty);
	hc_walk_one(layout, address, visitor, visitor ? visitor->limit : 0, ret_walk);
	if (ret_walk->grade == HC_GRADE_EXACT && ret_walk->walked && !ret_walk->is_proved) {
		ret_walk->grade = HC_GRADE_DEDUCED;
		ret_walk->reason = "it keeps nothing that could be checked";
	}
}

void hc_layout_measure(const hc_layout *layout, hc_address address, hc_walk *ret_walk)
{
	hc_layout_walk(layout, address, NULL, ret_walk);
}
