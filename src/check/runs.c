/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who wrote there? The core does not say. But what runs over the end of a block is mostly text, or one value over and over, and it begins where
 * it was meant to be: in the block in front (an overflow), in the block that the header is of (an underflow), or in freed memory (a
 * pointer that was kept). So the bytes are followed both ways from the first one that is not malloc's. Where they look like nothing the
 * block in front is still the likeliest; that is a guess, and is called one.
 */
#include "check/check.h"

#include <string.h>

enum {
	REACH = 4096, /* bytes, each way */
	RUN_MIN = 4,
	PATTERN = 4, /* bytes of a word */
};

/* The memory around a place, in one piece of the core. */
struct window {
	const uint8_t *bytes; /* of `start` */
	hc_address start, end;
};

static bool open_window(const hc_core *core, hc_address address, struct window *window)
{
	const hc_mapping *mapping = hc_core_find_mapping(core, address);

	if (!mapping || !mapping->bytes)
		return false;
	window->start = address - MIN(address - mapping->start, REACH);
	window->end = address + MIN(mapping->end - address, REACH);
	window->bytes = mapping->bytes + (window->start - mapping->start);
	return true;
}

static uint8_t byte_at(const struct window *window, hc_address address)
{
	return window->bytes[address - window->start];
}

/* The first byte that differs from what ought to stand there; the word's own first byte if that is not known. */
static hc_address first_wrong(const hc_core *core, const hc_damage *damage)
{
	hc_word_format format = hc_core_word_format(core);
	unsigned size = MIN(damage->size, 8);

	for (unsigned i = 0; damage->has_expected && i < size; i++) {
		unsigned shift = 8 * (format.swap ? size - 1 - i : i);

		if ((damage->found ^ damage->expected) >> shift & 0xff)
			return damage->place + i;
	}
	return damage->place;
}

static bool fits(const struct window *window, hc_run_kind kind, hc_address at, hc_address address)
{
	uint8_t byte = byte_at(window, address);

	switch (kind) {
	case HC_RUN_TEXT:
		return g_ascii_isprint(byte) || byte == '\n' || byte == '\t';
	case HC_RUN_WORD:
		/* Where it stands in the word is the same everywhere. */
		return byte == byte_at(window, at - at % PATTERN + address % PATTERN);
	default:
		return byte == byte_at(window, at);
	}
}

static hc_range extend(const struct window *window, hc_run_kind kind, hc_address at)
{
	hc_range run = { at, at };

	if (kind == HC_RUN_WORD && (at - at % PATTERN < window->start || window->end - (at - at % PATTERN) < PATTERN))
		return run;
	while (run.end < window->end && fits(window, kind, at, run.end))
		run.end++;
	while (run.start > window->start && fits(window, kind, at, run.start - 1))
		run.start--;
	return run;
}

static uint64_t length_of(hc_range run)
{
	return run.end - run.start;
}

/* Text in front of a NUL that was written over the byte AT: the end of a string. */
static bool take_terminator(const struct window *window, hc_address at, hc_damage_place *place)
{
	hc_range run;

	if (byte_at(window, at) || at == window->start || !fits(window, HC_RUN_TEXT, at, at - 1))
		return false;
	run = extend(window, HC_RUN_TEXT, at - 1);
	if (length_of(run) < RUN_MIN)
		return false;
	place->run = HC_RUN_TEXT;
	place->run_range = (hc_range){ run.start, at + 1 };
	return true;
}

static void take(hc_damage_place *place, hc_run_kind kind, hc_range run, uint32_t pattern)
{
	place->run = kind;
	place->run_range = run;
	place->pattern = pattern;
}

/* What the bytes around AT look like. */
static void find_run(const struct window *window, hc_address at, hc_damage_place *place)
{
	hc_range text, byte, word;
	uint32_t pattern = 0;

	if (take_terminator(window, at, place))
		return;
	text = extend(window, HC_RUN_TEXT, at);
	byte = extend(window, HC_RUN_BYTE, at);
	word = extend(window, HC_RUN_WORD, at);
	if (length_of(byte) >= RUN_MIN && length_of(byte) >= length_of(text)) {
		take(place, byte_at(window, at) ? HC_RUN_BYTE : HC_RUN_ZEROS, byte, byte_at(window, at));
	} else if (length_of(text) >= RUN_MIN) {
		take(place, HC_RUN_TEXT, text, 0);
		if (text.end < window->end && !byte_at(window, text.end))
			place->run_range.end++;
	} else if (length_of(word) >= 2 * PATTERN) {
		for (unsigned i = 0; i < PATTERN; i++)
			pattern |= (uint32_t)byte_at(window, at - at % PATTERN + i) << 8 * i;
		take(place, HC_RUN_WORD, word, pattern);
	}
}

static bool find_block(const hc_blocks *blocks, hc_address address, hc_block *ret_block)
{
	return hc_blocks_find(blocks, address, ret_block) && ret_block->state < HC_BLOCK_FENCEPOST;
}

/* The cache that a list begins in is in use, and the arena is no block. */
static bool is_in_freed_block(const hc_damage *damage, unsigned word)
{
	/* What stands behind a free block is in its last word. */
	if (damage->kind == HC_DAMAGE_PREV_SIZE)
		return true;
	bool is_link = damage->kind == HC_DAMAGE_LINK || damage->kind == HC_DAMAGE_BACK_LINK ||
		       damage->kind == HC_DAMAGE_TCACHE_KEY;

	return is_link && damage->chunk && damage->chunk + 2 * word != damage->list.cache &&
	       damage->place >= damage->chunk + 2 * word;
}

/* The header of CHUNK is two words; what is written over it and begins in front of its last one begins in the block in front. */
static hc_writer_kind kind_of_writer(const hc_damage_place *place, unsigned word)
{
	const hc_damage *damage = &place->damage;
	hc_address header = damage->chunk + word, block = damage->chunk + 2 * word;
	/* Zeros and short runs are anywhere; they tell nothing of where they begin. */
	bool tells = place->run != HC_RUN_NONE && place->run != HC_RUN_ZEROS;

	/* What begins with the header and goes on behind it is written from the block downwards. */
	if (tells && place->run_range.start >= damage->chunk && place->run_range.start <= header &&
		place->run_range.end > block)
		return HC_WRITER_ITSELF;
	if (tells && place->run_range.start < header)
		return HC_WRITER_BEFORE;
	if (is_in_freed_block(damage, word))
		return HC_WRITER_AFTER_FREE;
	return HC_WRITER_UNKNOWN;
}

void hc_check_find_writer(const hc_core *core, const hc_blocks *blocks, hc_damage_place *place)
{
	const hc_damage *damage = &place->damage;
	hc_address at = first_wrong(core, damage);
	struct window window;

	if (!damage->place || damage->kind == HC_DAMAGE_LOOP || damage->kind == HC_DAMAGE_DOUBLE_FREE)
		return;
	if (open_window(core, at, &window))
		find_run(&window, at, place);
	if (!damage->chunk)
		return;
	/* The last byte in front of the header's last word is the last one that the block in front may use. */
	place->has_before = find_block(blocks, damage->chunk + blocks->word - 1, &place->before);
	place->writer_kind = kind_of_writer(place, blocks->word);
	if (place->writer_kind == HC_WRITER_ITSELF) {
		place->has_writer = find_block(blocks, damage->chunk + 2 * blocks->word, &place->writer);
	} else if (place->writer_kind != HC_WRITER_AFTER_FREE && place->has_before) {
		place->has_writer = true;
		place->writer = place->before;
	}
}
