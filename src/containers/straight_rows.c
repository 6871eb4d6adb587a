/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many containers of one layout whose elements lie in a row, and are not visited: strings, vectors of numbers.
 *
 * There are millions, and each is small: most of a walk would be what has to be made ready for one. So what the description wants of an
 * object (its checks, where the row is, how many elements it has, and has room for) is put together once for the layout, as one program;
 * and of what hc_walk_contiguous() does only those steps are left that a sound row takes: it is looked up in the index of blocks, the end of
 * its text is looked at, and its block tells whether it is believed. Whatever is not as usual is left to a walk like any other, which
 * knows a reason: what is said here is what it would say, and charges what it would charge.
 */
#include "containers/walker.h"

#include "base/parallel.h"

enum {
	PROGRAMS_MAX = 16,
	TERMINATOR_MAX = 8 /* bytes */
};

/* A word of the object that is the value of a key. */
struct plain_word {
	uint64_t offset;
	unsigned key;
};

struct hc_row_walks {
	_Alignas(HC_APART) hc_walker walker;
	hc_walk walk;
	struct plain_word words[3]; /* the first: where the row is, if `has_plain_data` */
	unsigned word_count;
	bool has_plain_data, has_plain_count;	 /* ... the second: how many elements it has */
	uint64_t known;				 /* keys that these are */
	hc_program program;			 /* works all other values out */
	GArray *code;				 /* of hc_instruction: its */
	const uint64_t *data, *count, *capacity; /* of the walker's values, or constants */
	uint64_t element_size, header;
};

/* ---- which layouts ---- */

/* Whether KEY is one number for all objects: OTHERWISE where there is no such key. */
static bool is_constant(const hc_layout *layout, hc_key key, uint64_t otherwise, uint64_t *ret_value)
{
	const hc_program *program = hc_layout_program(layout, key);

	*ret_value = program ? program->value : otherwise;
	return !program || (program->is_constant && program->form != HC_FORM_TYPE);
}

/* Elements of a known size that the container has itself, from the beginning of its buffer on, and nothing else. */
static bool is_straight(const hc_layout *layout, hc_row_walks *walks)
{
	const hc_description *description = layout->description;
	uint64_t start, wrap, bits, owned, shared, at_most;

	return description->kind == HC_WALK_CONTIGUOUS && hc_layout_is_pure(layout) && !layout->through_pointer &&
	       !layout->by_pointer && layout->object_size && !description->memory_count &&
	       description->check_count < PROGRAMS_MAX && hc_layout_program(layout, HC_KEY_DATA) &&
	       hc_layout_program(layout, HC_KEY_COUNT) && is_constant(layout, HC_KEY_START, 0, &start) && !start &&
	       is_constant(layout, HC_KEY_WRAP, 0, &wrap) && !wrap && is_constant(layout, HC_KEY_ELEM_BITS, 0, &bits) &&
	       !bits && is_constant(layout, HC_KEY_OWNED, 1, &owned) && owned &&
	       is_constant(layout, HC_KEY_SHARED, 0, &shared) && is_constant(layout, HC_KEY_AT_MOST, 0, &at_most) &&
	       !at_most && is_constant(layout, HC_KEY_HEADER, 0, &walks->header) &&
	       !(walks->header >> HC_SIZE_MAX_BITS) &&
	       is_constant(layout, HC_KEY_ELEM_SIZE, layout->element_size, &walks->element_size) &&
	       walks->element_size && !(walks->element_size >> HC_SIZE_MAX_BITS) &&
	       (!description->is_terminated || walks->element_size <= TERMINATOR_MAX);
}

/* ---- one program ---- */

static bool is_jump(hc_code code)
{
	return code == HC_CODE_JUMP || code == HC_CODE_JUMP_IF_NOT || code == HC_CODE_AND_THEN ||
	       code == HC_CODE_OR_ELSE;
}

/* Key number INDEX is worked out behind what is worked out so far; LAST: what becomes of it. */
static void append_key(hc_row_walks *walks, unsigned index, hc_code last)
{
	const hc_program *program = &walks->walker.layout->programs[index];
	unsigned base = walks->code->len;

	for (unsigned i = 0; i < program->length; i++) {
		hc_instruction instruction = program->code[i];

		/* Jumps count from the beginning. */
		if (is_jump(instruction.code))
			instruction.value += base;
		g_array_append_val(walks->code, instruction);
	}
	const hc_instruction end = { .code = last, .value = index };

	g_array_append_val(walks->code, end);
}

/* Whether key number INDEX is a word of the object, which is noted. */
static bool append_word(hc_row_walks *walks, unsigned index)
{
	const hc_layout *layout = walks->walker.layout;
	const hc_program *program = &layout->programs[index];
	uint64_t size = walks->walker.reader->format.size;

	if (program->length != 1 || program->code->code != HC_CODE_LOAD_THIS || program->code->size != size ||
		layout->object_size < size || program->code->value > layout->object_size - size)
		return false;
	walks->words[walks->word_count++] = (struct plain_word){ program->code->value, index };
	walks->known |= (uint64_t)1 << index;
	return true;
}

/* Where the value of KEY stands from now on. */
static const uint64_t *append_value(hc_row_walks *walks, hc_key key, const uint64_t *otherwise)
{
	const hc_layout *layout = walks->walker.layout;
	const hc_program *program = hc_layout_program(layout, key);

	if (!program)
		return otherwise;
	if (program->is_constant)
		return &program->value;
	if (!append_word(walks, layout->description->known[key]))
		append_key(walks, layout->description->known[key], HC_CODE_STORE);
	return &walks->walker.values[layout->description->known[key]];
}

static void put_together(hc_row_walks *walks)
{
	const hc_layout *layout = walks->walker.layout;
	const hc_description *description = layout->description;

	walks->code = g_array_new(FALSE, FALSE, sizeof(hc_instruction));
	walks->data = append_value(walks, HC_KEY_DATA, NULL);
	walks->has_plain_data = walks->word_count != 0;
	walks->count = append_value(walks, HC_KEY_COUNT, NULL);
	walks->has_plain_count = walks->word_count == 2;
	walks->capacity = append_value(walks, HC_KEY_CAPACITY, walks->count);
	for (unsigned i = 0; i < description->check_count; i++)
		append_key(walks, description->checks[i], HC_CODE_REQUIRE);
	walks->program = (hc_program){ .code = (const hc_instruction *)(const void *)walks->code->data,
		.length = walks->code->len };
}

hc_row_walks *hc_row_walks_create(const hc_layout *layout, hc_reader *reader)
{
	hc_row_walks *walks = g_aligned_alloc0(1, sizeof *walks, HC_APART);

	if (!is_straight(layout, walks)) {
		g_aligned_free(walks);
		return NULL;
	}
	hc_walker_init(&walks->walker, layout, 0, reader, NULL, 0, 0, &walks->walk);
	walks->walker.object_size = layout->object_size;
	walks->walk.element_size = walks->element_size;
	walks->walk.is_proved = true;
	put_together(walks);
	return walks;
}

void hc_row_walks_destroy(hc_row_walks *walks)
{
	if (!walks)
		return;
	g_array_unref(walks->code);
	g_aligned_free(walks);
}

/* ---- one row ---- */

/* All that the description wants of the object at ADDRESS. FALSE: it is not in one piece of memory, or not sound. */
static inline bool read_object(hc_row_walks *walks, hc_address address)
{
	hc_walker *walker = &walks->walker;
	const hc_layout *layout = walker->layout;
	hc_reader *reader = walker->reader;

	if (address & layout->object_mask)
		return false;
	walker->address = address;
	walker->object = hc_reader_at(reader, address, layout->object_size);
	if (!walker->object || walker->object == reader->scratch)
		return false;
	for (unsigned i = 0; i < walks->word_count; i++)
		walker->values[walks->words[i].key] =
			hc_load_word(walker->object + walks->words[i].offset, reader->format);
	walker->known = walks->known;
	walker->failed = 0;
	return !walks->program.length || hc_walker_run(walker, &walks->program, &(uint64_t){ 0 });
}

/* Whether the element behind the COUNT at DATA is 0. */
static inline bool is_terminated(hc_row_walks *walks, hc_address data, uint64_t count)
{
	uint64_t size = walks->element_size;
	const uint8_t *bytes = hc_reader_at(walks->walker.reader, data + count * size, size);
	uint8_t any = 0;

	for (uint64_t i = 0; bytes && i < size; i++)
		any |= bytes[i];
	return bytes && !any;
}

/* The row of COUNT elements at DATA, with room for BYTES and a header, in a block of its own. */
static bool take_block(hc_row_walks *walks, hc_address data, uint64_t count, uint64_t bytes, hc_row_found *ret_found)
{
	const hc_layout *layout = walks->walker.layout;
	hc_reader *reader = walks->walker.reader;
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
	const hc_walker *walker = &walks->walker;
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
	if (!read_object(walks, address) || !take_row(walks, ret_found))
		return false;
	walks->walk.claimed = walks->walk.walked = *walks->count;
	if (hc_layout_program(walks->walker.layout, HC_KEY_CAPACITY))
		walks->walk.capacity = *walks->capacity;
	ret_found->walk = &walks->walk;
	/* A walk looks at the first of its elements. */
	ret_found->charged = *walks->count ? walks->element_size : 0;
	return true;
}

void hc_row_walks_fetch(hc_row_walks *walks, hc_address address)
{
	hc_reader *reader = walks->walker.reader;
	const hc_layout *layout = walks->walker.layout;
	const uint8_t *object;
	hc_address data, end;

	if (!walks->has_plain_data || !(object = hc_reader_at(reader, address, layout->object_size)))
		return;
	data = end = hc_load_word(object + walks->words[0].offset, reader->format);
	/* What is in the object itself is there with it. */
	if (data - address < layout->object_size)
		return;
	/* Of a text its end is looked at, of others nothing. */
	if (walks->has_plain_count)
		end += hc_load_word(object + walks->words[1].offset, reader->format) * walks->element_size;
	hc_reader_fetch_index(reader, data, layout->description->is_terminated ? end - data : UINT64_MAX);
}
