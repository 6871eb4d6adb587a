/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does a block look like what a call makes?
 *
 * A program changes what is in its blocks, but hardly what kind of thing stands where: what was written as an int of four bytes is no pointer later, and
 * where another block's address was put there is no small number. So each word of the block to which something is written that is seen is looked
 * at: all that is written there being of another kind than what stands there speaks against the call; the same value, a block of
 * the size that is put there, or the block's own address speak for it, the more the less likely it is by chance.
 *
 * Where nothing is seen to be written, and what is written is not known but for its eight bytes, nothing is said.
 */
#include "sites/contents.h"

#include "blocks/blocks.h"

#include <string.h>

enum {
	SMALL = 1 << 16, /* numbers below are no addresses */
	POINTS_MOST = 64,
	AGAINST = -3, /* points of an address that has become another one */
};

enum word_kind hc_sites_kind_of_word(const hc_sites *sites, uint64_t word)
{
	hc_block block;

	if (!word)
		return WORD_ZERO;
	if (word < SMALL || word > -(uint64_t)SMALL)
		return WORD_NUMBER;
	if (sites->blocks && hc_blocks_find(sites->blocks, word, &block))
		return block.address == word ? WORD_BLOCK : WORD_INSIDE;
	if (hc_modules_find(sites->modules, word))
		return WORD_MODULE;
	return word <= UINT32_MAX ? WORD_NUMBER : WORD_OTHER;
}

void hc_sample_examine(const hc_sites *sites, struct sample *sample)
{
	for (unsigned i = 0; i < sample->size / 8; i++)
		sample->kinds[i] = (uint8_t)hc_sites_kind_of_word(sites, sample->words[i]);
}

/* ---- one thing that is written ---- */

static bool is_address(enum word_kind kind)
{
	return kind == WORD_BLOCK || kind == WORD_MODULE;
}

/* Less than a word is no address. */
static int judge_narrow(const struct content *content, const struct sample *sample, enum word_kind kind)
{
	uint64_t value = 0;

	if (is_address(kind))
		return POINTS_NONE;
	if (content->kind != CONTENT_VALUE || !content->value)
		return 0;
	memcpy(&value, sample->bytes + content->offset, content->width);
	return value != content->value ? 0 : content->width > 1 && value > 1 ? 2 : 1;
}

static int judge_value(const struct content *content, uint64_t word, enum word_kind kind)
{
	enum word_kind expected = content->expected;

	if (!content->value)
		return !word;
	if (content->value == word)
		return expected == WORD_MODULE ? 8 : expected == WORD_NUMBER ? 2 : 6;
	if (expected == WORD_NUMBER)
		return is_address(kind) ? POINTS_NONE : 0;
	if (expected != WORD_MODULE)
		return 0;
	/* Of a class that is derived the vtable is another one. */
	if (!content->offset && kind == WORD_MODULE)
		return 0;
	return kind == WORD_MODULE || kind == WORD_ZERO ? AGAINST : POINTS_NONE;
}

static bool leads_to_size(const hc_sites *sites, uint64_t address, uint64_t request)
{
	hc_block block;
	bool is_larger;

	return request && sites->blocks && hc_blocks_find(sites->blocks, address, &block) && block.address == address &&
	       hc_sites_gives(request, block.size, &is_larger);
}

static int judge_block(const hc_sites *sites, const struct content *content, uint64_t word, enum word_kind kind)
{
	if (kind == WORD_NUMBER || kind == WORD_OTHER)
		return POINTS_NONE;
	if (leads_to_size(sites, word - (uint64_t)content->into, content->value))
		return 2;
	return kind == WORD_BLOCK && !content->value ? 1 : 0;
}

static int judge_itself(const struct content *content, const struct sample *sample, uint64_t word, enum word_kind kind)
{
	if (word == sample->address + (uint64_t)content->into)
		return 5;
	return kind == WORD_NUMBER || kind == WORD_OTHER ? POINTS_NONE : 0;
}

static int judge(const hc_sites *sites, const struct content *content, const struct sample *sample)
{
	unsigned number = (unsigned)(content->offset / 8);
	uint64_t word = sample->words[number];
	enum word_kind kind = sample->kinds[number];

	if (content->width < 8)
		return judge_narrow(content, sample, kind);
	switch (content->kind) {
	case CONTENT_VALUE:
		return judge_value(content, word, kind);
	case CONTENT_BLOCK:
		return judge_block(sites, content, word, kind);
	case CONTENT_ITSELF:
		return judge_itself(content, sample, word, kind);
	default:
		return 0;
	}
}

/* ---- all of them ---- */

/* Whether CONTENT is all in one word of SAMPLE. */
static bool is_in_word(const struct content *content, const struct sample *sample)
{
	return content->offset >= 0 && (uint64_t)content->offset + content->width <= sample->size / 8 * 8 &&
	       content->offset / 8 == (content->offset + content->width - 1) / 8;
}

int hc_sample_points(const hc_sites *sites, const GArray *contents, const struct sample *sample)
{
	int64_t covered = 0; /* up to here something wider than a word is written */
	int points = 0;

	/* By word: what is written to one in several ways is one of these. */
	for (unsigned first = 0, end; first < contents->len; first = end) {
		int64_t word = g_array_index(contents, struct content, first).offset >> 3;
		int best = POINTS_NONE;
		bool is_any = word < (covered + 7) >> 3;

		for (end = first;
			end < contents->len && g_array_index(contents, struct content, end).offset >> 3 == word;
			end++) {
			const struct content *content = &g_array_index(contents, struct content, end);

			if (is_in_word(content, sample))
				best = MAX(best, judge(sites, content, sample));
			else {
				is_any = true;
				covered = MAX(covered, content->offset + content->width);
			}
		}
		if (best == POINTS_NONE && !is_any)
			return POINTS_NONE;
		points += best == POINTS_NONE ? 0 : best;
	}
	return CLAMP(points, -POINTS_MOST, POINTS_MOST);
}
