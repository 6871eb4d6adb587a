/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is a word that most blocks of a kind have what the program put there, or what was there before?
 *
 * malloc() does not clear. A program that allocates 200 bytes and fills 16 leaves 184 as the block's last owner left them; if that one
 * had a pointer to a library's table in each of its objects, all blocks that were made of these have it, at one and the same
 * place. So that most blocks agree proves nothing. What does is that no such owner is known:
 *
 *	ask		a question for each place, behind the words that free() overwrites, with which most blocks of a size lead to a module
 *	look_at_freed	freed memory that still has the header of a chunk of that size, and such a pointer at that place in it
 *	look_at_live	live blocks of that size with such a pointer at that place, whose first words are of another kind
 *
 * A question that either answers is of a word that may be stale. A library that freed others of its blocks answers it too: then the
 * word alone is no proof, and objects, first words, or what freed memory points to have to tell whose the blocks are.
 *
 * Asked only where there are such places; then it costs one look at free memory, and at three words of live blocks of these sizes.
 */
#include "leaks/leaks_state.h"

enum {
	QUESTIONS_MOST = 1024,
	READS_MOST = 1 << 24, /* headers looked at; what is not answered then may be stale */
};

struct question {
	uint64_t size;
	uint32_t place;
	uint16_t module;
	bool of_heads;			/* KINDS are known */
	hc_word_kind kinds[LINK_WORDS]; /* of the first words of most heads */
	bool may_be_stale;
};

struct asking {
	const hc_leaks *leaks;
	GArray *questions; /* of struct question */
	uint64_t reads;
};

static struct question *question_at(const struct asking *asking, unsigned index)
{
	return &g_array_index(asking->questions, struct question, index);
}

static const struct question *find_question(const struct asking *asking, const struct place_count *place)
{
	for (unsigned i = 0; i < asking->questions->len; i++) {
		const struct question *question = question_at(asking, i);

		if (question->size == place->size && question->place == place->place &&
			question->module == place->module)
			return question;
	}
	return NULL;
}

/* ---- questions ---- */

static uint64_t blocks_of_size(const struct group *group, uint64_t size)
{
	for (unsigned i = 0; i < group->sizes->len; i++)
		if (g_array_index(group->sizes, struct size_count, i).size == size)
			return g_array_index(group->sizes, struct size_count, i).blocks;
	return UINT64_MAX;
}

bool hc_leaks_is_common(const struct group *group, const struct place_count *place)
{
	return place->blocks >= LEAST_ALIKE && place->blocks > blocks_of_size(group, place->size) / 2;
}

static hc_word_kind most_frequent(const struct group *group, unsigned word)
{
	unsigned most = 0;

	for (unsigned kind = 1; kind < HC_WORD_KIND_COUNT; kind++)
		if (group->kinds[word][kind] > group->kinds[word][most])
			most = kind;
	return most;
}

static void ask(struct asking *asking, const struct group *group, const struct place_count *place)
{
	struct question question = {
		.size = place->size,
		.place = place->place,
		.module = place->module,
		.of_heads = place->size == group->first_size && group->word_count >= LINK_WORDS,
	};

	if (place->place < LINK_WORDS || !hc_leaks_is_common(group, place) || find_question(asking, place))
		return;
	for (unsigned i = 0; question.of_heads && i < LINK_WORDS; i++)
		question.kinds[i] = most_frequent(group, i);
	if (asking->questions->len < QUESTIONS_MOST)
		g_array_append_val(asking->questions, question);
}

/* ---- freed memory ---- */

/* The word at ADDRESS of free memory leads into MODULE: is it what the freed block of a question had there? */
static void look_at_word(struct asking *asking, hc_address address, uint16_t module)
{
	const hc_leaks *leaks = asking->leaks;
	unsigned word = leaks->format.size;

	for (unsigned i = 0; i < asking->questions->len; i++) {
		struct question *question = question_at(asking, i);
		uint64_t header;

		if (question->module != module || question->may_be_stale || asking->reads >= READS_MOST)
			continue;
		asking->reads++;
		/* Chunk sizes end in three bits of flags; the user has the size of a chunk less one word. */
		if (hc_core_read_word(leaks->core, address - (question->place + 1) * word, &header) &&
			(header & ~(uint64_t)7) == question->size + word)
			question->may_be_stale = true;
	}
}

static void look_at_freed(struct asking *asking, const hc_block *block)
{
	const hc_leaks *leaks = asking->leaks;
	const struct module_range *ranges = (const struct module_range *)(const void *)leaks->ranges->data;
	hc_address low = ranges[0].start, span = ranges[leaks->ranges->len - 1].end - low, address = block->address;
	struct piece piece;

	while (hc_leaks_next_piece(leaks, &address, block->address + block->size, &piece))
		for (uint64_t i = 0; i < piece.size; i += leaks->format.size) {
			hc_address value = hc_load_word(piece.bytes + i, leaks->format);
			uint16_t module = value - low < span ? hc_leaks_module_at(leaks, value) : NO_MODULE;

			if (module != NO_MODULE)
				look_at_word(asking, piece.address + i, module);
		}
}

/* ---- live blocks ---- */

/* Whether BLOCK begins with other kinds of words than QUESTION's heads do. Zero may stand for any. */
static bool begins_otherwise(const hc_leaks *leaks, const struct question *question, const hc_block *block)
{
	for (unsigned i = 0; i < LINK_WORDS; i++) {
		hc_address address = block->address + i * leaks->format.size;
		uint64_t available, value;
		const uint8_t *bytes = hc_core_bytes(leaks->core, address, &available);
		hc_word_kind kind;
		uint16_t module;

		if (!bytes || available < leaks->format.size)
			return false;
		value = hc_load_word(bytes, leaks->format);
		kind = hc_leaks_classify(leaks, value, bytes, &module);
		if (kind != HC_WORD_ZERO && question->kinds[i] != HC_WORD_ZERO && kind != question->kinds[i])
			return true;
	}
	return false;
}

static void look_at_live(struct asking *asking, const hc_block *block)
{
	const hc_leaks *leaks = asking->leaks;

	for (unsigned i = 0; i < asking->questions->len; i++) {
		struct question *question = question_at(asking, i);
		uint64_t value;

		if (!question->of_heads || question->may_be_stale || question->size != block->size ||
			!hc_core_read_word(
				leaks->core, block->address + question->place * leaks->format.size, &value) ||
			hc_leaks_module_at(leaks, value) != question->module ||
			hc_reach_is_lost(hc_references_reach(leaks->references, block->number)))
			continue;
		question->may_be_stale = begins_otherwise(leaks, question, block);
	}
}

/* ---- all of it ---- */

static void look(struct asking *asking)
{
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, asking->leaks->blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		if (block.state == HC_BLOCK_IN_USE)
			look_at_live(asking, &block);
		else if (block.state < HC_BLOCK_FENCEPOST)
			look_at_freed(asking, &block);
	}
}

void hc_leaks_find_stale(hc_leaks *leaks)
{
	struct asking asking = { .leaks = leaks, .questions = g_array_new(FALSE, FALSE, sizeof(struct question)) };

	for (unsigned i = 0; i < leaks->building->len; i++) {
		const struct group *group = leaks->building->pdata[i];

		for (unsigned k = 0; group->into == i && group->places && k < group->places->len; k++)
			ask(&asking, group, &g_array_index(group->places, struct place_count, k));
	}
	if (asking.questions->len)
		look(&asking);
	for (unsigned i = 0; i < leaks->building->len; i++) {
		struct group *group = leaks->building->pdata[i];

		for (unsigned k = 0; group->places && k < group->places->len; k++) {
			struct place_count *place = &g_array_index(group->places, struct place_count, k);
			const struct question *question = find_question(&asking, place);

			place->may_be_stale = question && (question->may_be_stale || asking.reads >= READS_MOST);
		}
	}
	g_array_unref(asking.questions);
}
