/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Buffers: strings, vectors, deques.
 *
 *	string	libstdc++: text, size, capacity		libc++: capacity + 1 with the lowest bit set, size, text
 *		The block is one that malloc gives for the capacity and a NUL, and a NUL stands behind the text.
 *	vector	begin, end, end of the room: all in one block, which is one that malloc gives for the room
 *	deque	libstdc++: map, its size, first iterator, last iterator (each: current, begin, end of the buffer, its place in the map)
 *		libc++: a vector of buffers with room in front of it (4 words), number of the first element, count
 *		Each buffer from the first to the last is a block of the same size, and the iterators say so too.
 *
 * How large elements are a vector does not tell. If they are pointers, or strings, it shows; but not whether each of these is one, or several
 * are: a row of pairs of strings is one of strings. What is there, and what there is room for, are whole elements, so what divides
 * both is all that they may be of, and often nothing does.
 */
#include "shapes/shapes_state.h"

#include "base/divisor.h"

enum {
	TEXT_LOOKED_AT = 256, /* bytes of a text in which no NUL may be */
	UTF8_BYTES = 4,
	GUESS_LEAST = 16, /* bytes that are no text, with a NUL behind them */
	ELEMENTS_LOOKED_AT = 64,
	DEQUE_BYTES = 512, /* stl_deque.h: _GLIBCXX_DEQUE_BUF_SIZE */
	LLVM_DEQUE_BYTES = 4096,
	DEQUE_MAP_LEAST = 8,
	PATTERN_WORDS = 512,	  /* of a buffer, in which elements repeat themselves */
	PERIOD_MAX = 64,	  /* words of an element */
	REPEATS_LEAST = 4,	  /* elements, to tell how large they are */
	REMAINDER_MAX = 16,	  /* bytes */
	TURNS_MAX = 8,		  /* vectors or strings of an element, some of which are always empty */
	LOWEST_ADDRESS = 1 << 16, /* of anything */
	COUNTS_MAX = 1 << 24	  /* of those who hold one object */
};

/* ---- strings ---- */

/* Whether LENGTH bytes are text: UTF-8, without control characters but those of lines. What is cut off in a character is none. */
static bool is_printable(const uint8_t *bytes, uint64_t length)
{
	const char *end;

	for (uint64_t i = 0; i < length; i++)
		if (bytes[i] < ' ' && !strchr("\t\n\r", bytes[i]))
			return false;
	return g_utf8_validate((const char *)bytes, (gssize)length, &end) ||
	       (const char *)bytes + length - end < UTF8_BYTES;
}

/*
 * Whether TEXT is LENGTH bytes with a NUL behind them and none in them, in a block for CAPACITY. *ret_guess: they are no text that
 * people read; an array of small numbers may be like that.
 */
static bool is_text(
	hc_shapes *shapes, hc_address text, uint64_t length, uint64_t capacity, hc_shape_block *block, bool *ret_guess)
{
	const uint8_t *bytes;
	uint64_t looked_at = MIN(length, TEXT_LOOKED_AT);

	if (!length || length > capacity || !hc_shapes_block(shapes, text, block) || capacity >= block->size ||
		!hc_shapes_fits(shapes, block, capacity + 1))
		return false;
	bytes = hc_shapes_bytes(shapes, text + length, 1);
	if (!bytes || *bytes || !(bytes = hc_shapes_bytes(shapes, text, looked_at + 1)) || memchr(bytes, 0, looked_at))
		return false;
	*ret_guess = !is_printable(bytes, looked_at);
	return !*ret_guess || length >= GUESS_LEAST;
}

static bool set_string(hc_shapes *shapes, hc_shape *shape, hc_address text, uint64_t length, uint64_t capacity)
{
	g_array_append_val(shapes->found, text);
	shape->kind = HC_SHAPE_STRING;
	shape->count = shape->bytes = length;
	shape->capacity = capacity;
	/* Text has nothing that leads anywhere. */
	shape->from = text;
	shape->to = shape->is_guess ? text + capacity : text;
	shape->stride = shape->whole = 1;
	return true;
}

bool hc_shapes_find_string(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape)
{
	hc_address text = hc_shape_word(words, 0);
	uint64_t length = hc_shape_word(words, 1), capacity = hc_shape_word(words, 2);
	hc_shape_block block;

	if (length > capacity || capacity < HC_SHAPE_SHORT_TEXT - 1 ||
		!is_text(shapes, text, length, capacity, &block, &shape->is_guess))
		return false;
	shape->end = words->at + 3 * shapes->format.size;
	return set_string(shapes, shape, text, length, capacity);
}

bool hc_shapes_find_llvm_string(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape)
{
	hc_address text = hc_shape_word(words, 0);
	uint64_t length = hc_shape_word(words, -1), room = hc_shape_word(words, -2);
	unsigned size = shapes->format.size;
	hc_shape_block block;

	if (!(room & 1) || room <= HC_SHAPE_SHORT_TEXT || length >= room - 1 ||
		!is_text(shapes, text, length, room - 2, &block, &shape->is_guess))
		return false;
	shape->head = words->at - 2 * size;
	shape->end = words->at + size;
	return set_string(shapes, shape, text, length, room - 2);
}

/* ---- what elements are ---- */

bool hc_shapes_is_short_string(hc_shapes *shapes, hc_address address)
{
	uint64_t words[2];
	const uint8_t *text;

	if (!hc_shapes_load(shapes, address, 2, words) || words[0] != address + 2 * shapes->format.size ||
		words[1] >= HC_SHAPE_SHORT_TEXT)
		return false;
	text = hc_shapes_bytes(shapes, words[0] + words[1], 1);
	return text && !*text;
}

/* Whether a libstdc++ string is at ADDRESS: its text is in itself, or in a block that is as large as it should be. */
static bool is_string(hc_shapes *shapes, hc_address address)
{
	unsigned size = shapes->format.size;
	hc_shape_block block;
	uint64_t words[3];
	bool is_guess;

	if (!hc_shapes_load(shapes, address, 3, words))
		return false;
	if (words[0] == address + 2 * size)
		return hc_shapes_is_short_string(shapes, address);
	return words[1] <= words[2] && is_text(shapes, words[0], words[1], words[2], &block, &is_guess);
}

/* The same of libc++. */
static bool is_llvm_string(hc_shapes *shapes, hc_address address)
{
	const uint8_t *bytes = hc_shapes_bytes(shapes, address, 3 * shapes->format.size);
	hc_shape_block block;
	uint64_t words[3];
	bool is_guess;

	if (!bytes || !hc_shapes_load(shapes, address, 3, words))
		return false;
	if (words[0] & 1)
		return words[1] < words[0] - 1 && is_text(shapes, words[2], words[1], words[0] - 2, &block, &is_guess);
	unsigned length = bytes[0] / 2;

	return length + 1 < 3 * shapes->format.size && !bytes[1 + length] && !memchr(bytes + 1, 0, length);
}

char *hc_shapes_text(hc_shapes *shapes, hc_address address, bool *ret_is_llvm)
{
	uint64_t words[3], length;
	hc_address text;

	if (!hc_shapes_load(shapes, address, 3, words))
		return NULL;
	*ret_is_llvm = !is_string(shapes, address);
	if (!*ret_is_llvm) {
		text = words[0];
		length = words[1];
	} else if (words[0] && is_llvm_string(shapes, address)) {
		text = words[0] & 1 ? words[2] : address + 1;
		length = words[0] & 1 ? words[1] : (words[0] & 0xff) / 2;
	} else {
		return NULL;
	}
	length = MIN(length, TEXT_LOOKED_AT);
	const uint8_t *bytes = hc_shapes_bytes(shapes, text, length + 1);

	return bytes && length + !*ret_is_llvm && is_printable(bytes, length) ? g_strndup((const char *)bytes, length) :
										NULL;
}

/* Whether VALUE is the address of functions, outside of the heap. */
static bool is_vtable(hc_shapes *shapes, uint64_t value)
{
	uint64_t function;
	const hc_mapping *mapping;

	if (hc_blocks_may_contain(shapes->blocks, value) || value % shapes->format.size ||
		!hc_shapes_load(shapes, value, 1, &function))
		return false;
	mapping = hc_core_find_mapping(shapes->core, function);
	return mapping && mapping->flags & (HC_MAPPING_EXECUTE | HC_MAPPING_UNLISTED);
}

/*
 * Whether a std::shared_ptr is at ADDRESS: what it holds, and a block that counts who does so, which begins with a vtable and two
 * numbers: libstdc++'s are int and count all, libc++'s are long and count all but one.
 */
static bool is_shared(hc_shapes *shapes, hc_address address)
{
	uint64_t pointers[2], control[3], object;

	/* Objects with virtual functions, of one class, have what is like that, too. */
	if (!hc_shapes_load(shapes, address, 2, pointers) || !hc_shapes_load(shapes, pointers[1], 3, control) ||
		!hc_shapes_load(shapes, pointers[0], 1, &object) || object == control[0] ||
		!is_vtable(shapes, control[0]))
		return false;
	return ((uint32_t)control[1] - 1 < COUNTS_MAX && (uint32_t)(control[1] >> 32) - 1 < COUNTS_MAX) ||
	       (control[1] < COUNTS_MAX && control[2] < COUNTS_MAX);
}

/* Whether a vector is at ADDRESS, which may have nothing. */
static bool is_vector(hc_shapes *shapes, hc_address address)
{
	hc_shape_block block;
	uint64_t words[3];

	if (!hc_shapes_load(shapes, address, 3, words))
		return false;
	if (!words[0])
		return !words[1] && !words[2];
	return words[0] <= words[1] && words[1] <= words[2] && hc_shapes_block(shapes, words[0], &block) &&
	       hc_shapes_fits(shapes, &block, words[2] - words[0]);
}

/*
 * Whether all elements of STRIDE bytes in [from, to) that are looked at are what IS_ONE says, and most have something. Half of them are one
 * after the other: those that are apart may all be the beginnings of larger elements.
 */
static bool are_all(hc_shapes *shapes, hc_address from, hc_address to, unsigned stride,
	bool (*is_one)(hc_shapes *shapes, hc_address address))
{
	uint64_t count = (to - from) / stride, looked_at = MIN(count, ELEMENTS_LOOKED_AT), together = looked_at / 2,
		 empty = 0;

	if (!count || (to - from) % stride)
		return false;
	for (uint64_t i = 0; i < looked_at; i++) {
		hc_address at = from + (i < together ? i : i * (count / looked_at)) * stride;
		uint64_t first;

		if (!is_one(shapes, at))
			return false;
		empty += hc_shapes_load(shapes, at, 1, &first) && !first;
	}
	return empty * 2 < looked_at;
}

/* What a word may be: digits that are compared. */
enum word_class {
	CLASS_ZERO, /* anything */
	CLASS_HEAP,
	CLASS_INSIDE, /* an address in the buffer itself: a short string's text */
	CLASS_OTHER
};

static enum word_class class_of(const hc_shapes *shapes, uint64_t value, hc_address from, hc_address to)
{
	if (!value)
		return CLASS_ZERO;
	if (value - from < to - from)
		return CLASS_INSIDE;
	/* The end of what fills its block lies in none: behind it is the next one's header. */
	return hc_blocks_may_contain(shapes->blocks, value) &&
			       (hc_blocks_start_at(shapes->blocks, value) != UINT64_MAX ||
				       hc_blocks_start_at(shapes->blocks, value - 1) != UINT64_MAX) ?
		       CLASS_HEAP :
		       CLASS_OTHER;
}

/* The block that VALUE leads to, or to the end of; of no bytes: none. */
static hc_shape_block target_of(hc_shapes *shapes, uint64_t value)
{
	hc_shape_block block;

	return hc_shapes_block_around(shapes, value, &block) || hc_shapes_block_around(shapes, value - 1, &block) ?
		       block :
		       (hc_shape_block){ 0 };
}

/* What is looked at to find how elements repeat themselves. */
struct pattern {
	unsigned count;
	enum word_class classes[PATTERN_WORDS];
	uint64_t sizes[PATTERN_WORDS]; /* of what they lead to */
	bool leads, all_lead;
	bool is_run
		[PATTERN_WORDS]; /* it leads to the block that the word in front of it leads to, as a vector's end does */
	bool has_runs;
};

static bool read_pattern(hc_shapes *shapes, hc_address from, hc_address to, struct pattern *pattern)
{
	unsigned size = shapes->format.size;

	*pattern = (struct pattern){ .count = (unsigned)MIN((to - from) / size, PATTERN_WORDS), .all_lead = true };
	for (unsigned i = 0; i < pattern->count; i++) {
		uint64_t value;

		if (!hc_shapes_load(shapes, from + i * size, 1, &value))
			return false;
		pattern->classes[i] = class_of(shapes, value, from, to);
		pattern->leads |= pattern->classes[i] == CLASS_HEAP || pattern->classes[i] == CLASS_INSIDE;
		pattern->all_lead &= pattern->classes[i] == CLASS_HEAP || pattern->classes[i] == CLASS_ZERO;
	}
	hc_address last = 0;

	for (unsigned i = 0; pattern->all_lead && i < pattern->count; i++) {
		uint64_t value;

		hc_shapes_load(shapes, from + i * size, 1, &value);
		hc_shape_block target = target_of(shapes, value);

		pattern->sizes[i] = target.size;
		pattern->is_run[i] = target.size && target.address == last;
		pattern->has_runs |= pattern->is_run[i];
		last = target.address;
	}
	return pattern->leads;
}

/* Whether what malloc made of A bytes may be of B elsewhere: a remainder that is too small for a chunk stays with it. */
static bool are_as_large(uint64_t a, uint64_t b)
{
	return MAX(a, b) - MIN(a, b) <= REMAINDER_MAX;
}

/* Whether all words at one place of elements of PERIOD words are alike, but for 0; ARE_EQUAL: what they lead to is as large, too. */
static bool is_one_class(const struct pattern *pattern, unsigned period, unsigned place, bool are_equal)
{
	enum word_class known = CLASS_ZERO;
	uint64_t size = 0;

	for (unsigned i = place; i < pattern->count; i += period) {
		enum word_class class = pattern->classes[i] == CLASS_INSIDE ? CLASS_HEAP : pattern->classes[i];

		if (class == CLASS_ZERO)
			continue;
		if ((known != CLASS_ZERO && class != known) ||
			(are_equal && size && !are_as_large(pattern->sizes[i], size)))
			return false;
		known = class;
		size = pattern->sizes[i];
	}
	return true;
}

/* Whether the words at one place of elements of PERIOD words lead to where those in front of them do, or none of them does. */
static bool are_runs_alike(const struct pattern *pattern, unsigned period, unsigned place)
{
	enum word_class known = CLASS_ZERO;

	for (unsigned i = place; i < pattern->count; i += period) {
		enum word_class class = pattern->is_run[i] ? CLASS_INSIDE : pattern->classes[i];

		if (known != CLASS_ZERO && class != CLASS_ZERO && (class == CLASS_INSIDE) != (known == CLASS_INSIDE))
			return false;
		known = class != CLASS_ZERO ? class : known;
	}
	return true;
}

/* Whether most of the elements of PERIOD words have nothing: they may be parts of larger ones that are empty. */
static bool are_mostly_empty(const struct pattern *pattern, unsigned period)
{
	unsigned empty = 0, count = pattern->count / period;

	for (unsigned i = 0; i < count; i++) {
		unsigned zeros = 0;

		for (unsigned word = 0; word < period; word++)
			zeros += pattern->classes[i * period + word] == CLASS_ZERO;
		empty += zeros == period;
	}
	return empty * 2 >= count;
}

static bool has_period(const struct pattern *pattern, unsigned period, bool with_runs)
{
	if (are_mostly_empty(pattern, period))
		return false;
	for (unsigned place = 0; place < period; place++)
		if (!is_one_class(pattern, period, place, pattern->all_lead && !with_runs) ||
			(with_runs && !are_runs_alike(pattern, period, place)))
			return false;
	return true;
}

/* The bytes after which what elements of WORDS words are repeats itself; 0: it does not, or that is not to be seen. */
static unsigned find_period(const hc_shapes *shapes, const struct pattern *pattern, uint64_t words)
{
	unsigned size = shapes->format.size;

	/* Elements with several pointers to one block each look like pointers to blocks of one size, if those are not told apart. */
	for (int with_runs = pattern->has_runs; with_runs >= 0; with_runs--)
		for (unsigned period = 1; period <= PERIOD_MAX && period * REPEATS_LEAST <= pattern->count; period++)
			if (words % period == 0 && has_period(pattern, period, with_runs))
				return period * size;
	return pattern->all_lead ? size : 0;
}

/* Whether part NUMBER, of WORDS words, has nothing in it. */
static bool is_empty(const struct pattern *pattern, unsigned words, unsigned number)
{
	for (unsigned i = 0; i < words; i++)
		if (pattern->classes[number * words + i] != CLASS_ZERO)
			return false;
	return true;
}

/*
 * How many of PARTS, each of WORDS words, make an element: those that are empty may be so in turns, as the second vector is in each of a
 * program's structures that does not need it. 1: they are not.
 */
static unsigned find_turns(const struct pattern *pattern, unsigned words, uint64_t parts)
{
	unsigned known = pattern->count / words;

	for (unsigned turn = 2; turn <= TURNS_MAX && turn * REPEATS_LEAST <= known; turn++) {
		bool has_empty = false, is_alike = parts % turn == 0;

		for (unsigned i = 0; is_alike && i < known; i++) {
			has_empty |= is_empty(pattern, words, i);
			is_alike = is_empty(pattern, words, i) == is_empty(pattern, words, i % turn);
		}
		if (is_alike)
			return has_empty ? turn : 1;
	}
	return 1;
}

/* The size of the elements in [from, to); 0: it is not known. */
static unsigned find_stride(hc_shapes *shapes, hc_address from, hc_address to)
{
	unsigned size = shapes->format.size, string = 2 * size + HC_SHAPE_SHORT_TEXT, stride;
	struct pattern pattern;

	if (from >= to || (to - from) % size || !read_pattern(shapes, from, to, &pattern))
		return 0;
	stride = are_all(shapes, from, to, string, is_string)	     ? string :
		 are_all(shapes, from, to, 3 * size, is_vector)	     ? 3 * size :
		 are_all(shapes, from, to, 3 * size, is_llvm_string) ? 3 * size :
		 are_all(shapes, from, to, 2 * size, is_shared)	     ? 2 * size :
								       0;
	return stride ? stride * find_turns(&pattern, stride / size, (to - from) / stride) :
			find_period(shapes, &pattern, (to - from) / size);
}

/* ---- vectors ---- */

bool hc_shapes_find_vector(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape)
{
	hc_address begin = hc_shape_word(words, 0), end = hc_shape_word(words, 1), limit = hc_shape_word(words, 2);
	hc_shape_block block;

	if (end < begin || limit < end || limit == begin || !hc_shapes_block(shapes, begin, &block) ||
		!hc_shapes_fits(shapes, &block, limit - begin))
		return false;
	g_array_append_val(shapes->found, begin);
	shape->kind = HC_SHAPE_VECTOR;
	shape->end = words->at + 3 * shapes->format.size;
	shape->from = begin;
	shape->to = end;
	shape->bytes = end - begin;
	shape->whole = hc_greatest_divisor(shape->bytes, limit - begin);
	shape->stride = find_stride(shapes, begin, end);
	if (shape->stride) {
		shape->count = shape->bytes / shape->stride;
		shape->capacity = (limit - begin) / shape->stride;
	} else if (begin == end) {
		shape->count = 0;
	}
	return true;
}

/* ---- deques ---- */

/* Adds the buffers that words [FROM, TO) lead to, each for SIZE bytes. */
static bool add_buffers(hc_shapes *shapes, hc_address from, hc_address to, uint64_t size)
{
	for (; from < to; from += shapes->format.size) {
		hc_shape_block block;
		uint64_t buffer;

		if (shapes->found->len >= hc_shapes_limit(shapes) || !hc_shapes_load(shapes, from, 1, &buffer) ||
			!hc_shapes_block(shapes, buffer, &block) || !hc_shapes_fits(shapes, &block, size))
			return false;
		g_array_append_val(shapes->found, buffer);
	}
	return true;
}

/* Whether a libstdc++ deque of elements of SIZE bytes has buffers of BUFFER bytes. */
static bool has_buffers_of(uint64_t buffer, uint64_t size)
{
	return buffer == (size < DEQUE_BYTES ? DEQUE_BYTES / size * size : size);
}

/* Of what repeats itself in buffers of SIZE bytes, how many are an element: these say how large it may be. */
static void find_whole(const hc_shapes *shapes, hc_shape *shape, uint64_t size)
{
	hc_address first = g_array_index(shapes->found, hc_address, 0),
		   last = g_array_index(shapes->found, hc_address, shapes->found->len - 1);
	unsigned part = shape->stride, fitting = 0;

	shape->whole = hc_greatest_divisor(size, hc_greatest_divisor(shape->from - first, shape->to - last));
	/* Where a buffer is larger than they usually are, it has one element, and no part of that fits. */
	for (uint64_t whole = part; whole <= MIN(shape->whole, DEQUE_BYTES); whole += part)
		if (shape->whole % whole == 0 && has_buffers_of(size, whole) && !fitting++)
			shape->stride = (unsigned)whole;
	if (fitting == 1)
		shape->whole = shape->stride;
}

static void count_elements(hc_shapes *shapes, hc_shape *shape, uint64_t size)
{
	hc_address first = g_array_index(shapes->found, hc_address, 0);
	bool is_one = shapes->found->len == 1;

	shape->bytes = (shapes->found->len - 1) * size +
		       (shape->to - g_array_index(shapes->found, hc_address, shapes->found->len - 1)) -
		       (shape->from - first);
	shape->stride = find_stride(shapes, shape->from, is_one ? shape->to : first + size);
	/* The first buffer may be almost empty. */
	if (!shape->stride && shapes->found->len > 1) {
		hc_address second = g_array_index(shapes->found, hc_address, 1);

		shape->stride = find_stride(shapes, second, shapes->found->len == 2 ? shape->to : second + size);
	}
	if (shape->stride) {
		find_whole(shapes, shape, size);
		shape->count = shape->bytes / shape->stride;
	} else if (!shape->bytes) {
		shape->count = 0;
	}
}

/* libstdc++'s; words of an iterator: 0 current, 1 begin, 2 end, 3 place. */
static bool is_gnu_deque(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape)
{
	unsigned size = shapes->format.size;
	const uint64_t *start = &words->words[HC_SHAPE_BEFORE + 2], *finish = &words->words[HC_SHAPE_BEFORE + 6];
	hc_address map = hc_shape_word(words, 0);
	uint64_t map_size = hc_shape_word(words, 1), buffer = start[2] - start[1];
	hc_shape_block block;

	if (map_size < DEQUE_MAP_LEAST || map_size > UINT32_MAX || start[0] < start[1] || start[0] >= start[2] ||
		finish[0] < finish[1] || finish[0] >= finish[2] || finish[2] - finish[1] != buffer || start[3] < map ||
		start[3] > finish[3] || (finish[3] - map) / size >= map_size || (start[3] - map) % size ||
		(finish[3] - map) % size || (start[3] == finish[3] && finish[0] < start[0]) ||
		!hc_shapes_block(shapes, map, &block) || !hc_shapes_fits(shapes, &block, map_size * size) ||
		!add_buffers(shapes, start[3], finish[3] + size, buffer) ||
		g_array_index(shapes->found, hc_address, 0) != start[1] ||
		g_array_index(shapes->found, hc_address, shapes->found->len - 1) != finish[1])
		return false;
	shape->end = words->at + 10 * size;
	shape->from = start[0];
	shape->to = finish[0];
	count_elements(shapes, shape, buffer);
	return true;
}

/* Adds the buffers that words [FROM, TO) lead to, all of one size. */
static bool add_equal_buffers(hc_shapes *shapes, hc_address from, hc_address to)
{
	uint64_t buffer;

	for (; from < to; from += shapes->format.size)
		if (shapes->found->len >= hc_shapes_limit(shapes) || !hc_shapes_load(shapes, from, 1, &buffer) ||
			!hc_shapes_add_node(shapes, buffer))
			return false;
	return shapes->least >= LLVM_DEQUE_BYTES / 2;
}

/* libc++'s: it says how many elements there are, and how large they are follows for some. */
static bool is_llvm_deque(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape)
{
	unsigned size = shapes->format.size;
	hc_address map = hc_shape_word(words, 0), begin = hc_shape_word(words, 1), end = hc_shape_word(words, 2),
		   limit = hc_shape_word(words, 3);
	uint64_t start = hc_shape_word(words, 4), count = hc_shape_word(words, 5);
	hc_shape_block block;

	if (begin < map || end <= begin || limit < end || (begin - map) % size || (end - begin) % size || !count ||
		start >= 2 * LLVM_DEQUE_BYTES || count > (end - begin) / size * LLVM_DEQUE_BYTES ||
		!hc_shapes_block(shapes, map, &block) || !hc_shapes_fits(shapes, &block, limit - map) ||
		!add_equal_buffers(shapes, begin, end))
		return false;
	hc_address first = g_array_index(shapes->found, hc_address, 0),
		   last = g_array_index(shapes->found, hc_address, shapes->found->len - 1);

	shape->end = words->at + 6 * size;
	shape->from = first;
	shape->to = last + shapes->least;
	shape->count = count;
	shape->bytes = shapes->found->len * shapes->least;
	return true;
}

bool hc_shapes_find_deque(hc_shapes *shapes, const hc_shape_words *words, hc_shape *shape)
{
	if (!is_gnu_deque(shapes, words, shape) && !is_llvm_deque(shapes, words, shape)) {
		shapes->vain += shapes->found->len;
		g_array_set_size(shapes->found, 0);
		return false;
	}
	shape->kind = HC_SHAPE_DEQUE;
	shape->index[0] = hc_shape_word(words, 0);
	return true;
}
