/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose was a block that points to nothing?
 *
 * A plain buffer says nothing of its owner: no vtable, no pointer. But whoever lost it knew it, and free() overwrites little:
 * a list pointer or two (in a thread's cache 16 bytes) at the beginning of the freed block. The rest stays until the memory is
 * used again. A structure that was freed without one of its members still has its pointer to it, and beside that its other
 * members: pointers to the tables and functions of the library it belongs to. That is the usual leak of a destructor compiled
 * against an older declaration of its class, which misses the last member.
 *
 *	1  scan_freed_blocks: every word of free memory that is the address of a head. A block in a cache or fastbin is as
 *	   large as the structure was. Merged ones are not; find_old_chunk() looks for the header that the structure had, as
 *	   merging leaves it where it was. The words of the structure tell the module, and maybe the type.
 *	2  scan_dead_stacks: below a stack pointer the frames of functions that have returned. The next return address above a
 *	   pointer to a head is that of the frame that it was in.
 *	3  ask_others: where the freed structure has no pointer into a module any more (its vtable was its first word, which
 *	   free() overwrote), live blocks of the same size that have a pointer at the same place may be its like.
 *
 * This is circumstantial: memory may have been used for something else in between, and two types may have one size. It is
 * told as what it is, and takes second place to what the blocks themselves point to.
 */
#include "leaks/leaks_state.h"

enum {
	OVERWRITTEN_WORDS = 2,
	WINDOW_WORDS = 64,	  /* looked at before and after the pointer, at most */
	NEAR_WORDS = 16,	  /* if the old structure's bounds are not known */
	FRAME_WORDS = 128,	  /* up to the return address */
	OLD_CHUNK_MOST = 1 << 16, /* bytes */
	DISTINCT_MOST = 1024,
	SIBLING_SIZE_MOST = 4096,
	SIBLING_VOTES = 8,
};

struct search {
	hc_leaks *leaks;
	GHashTable *known; /* of evidence: hash -> index + 1 */
};

/* Best first: what the freed structure itself shows. 0: nothing known. */
static unsigned quality(const hc_leaks *leaks, uint32_t index)
{
	if (!index)
		return 0;
	const struct evidence *evidence = &g_array_index(leaks->evidence, struct evidence, index - 1);

	if (evidence->on_stack)
		return 2;
	return evidence->module != NO_MODULE ? 3 : 1;
}

static void add_evidence(struct search *search, uint32_t rank, const struct evidence *evidence)
{
	hc_leaks *leaks = search->leaks;
	uint64_t hash = hc_leaks_mix(
		hc_leaks_mix(evidence->size, evidence->offset), (uint64_t)evidence->module << 33 | evidence->type);
	gint64 key = hc_leaks_mix(hash, evidence->on_stack);
	unsigned rating = evidence->on_stack ? 2 : evidence->module != NO_MODULE ? 3 : 1;
	uint32_t index;

	if (rating <= quality(leaks, leaks->evidence_of[rank]))
		return;
	index = GPOINTER_TO_UINT(g_hash_table_lookup(search->known, &key));
	if (!index) {
		if (leaks->evidence->len >= DISTINCT_MOST)
			return;
		g_array_append_val(leaks->evidence, *evidence);
		index = leaks->evidence->len;
		g_hash_table_insert(search->known, g_memdup2(&key, sizeof key), GUINT_TO_POINTER(index));
	}
	leaks->evidence_of[rank] = index;
}

/* The rank of the head that starts at VALUE exactly; FALSE if none does. */
static inline bool find_head(const hc_leaks *leaks, hc_address value, uint32_t *ret_rank)
{
	const hc_blocks *blocks = leaks->blocks;
	const hc_block_region *region;
	uint64_t start;

	if (!hc_blocks_may_contain(blocks, value) || !(region = hc_blocks_region(blocks, value)))
		return false;
	start = hc_blocks_granule(blocks, region, value);
	if (!hc_bit(leaks->heads.bits, start) || hc_blocks_address(blocks, region, start) != value)
		return false;
	*ret_rank = hc_leaks_rank(&leaks->heads, start);
	return true;
}

/* ---- freed blocks ---- */

static inline uint64_t word_at(const hc_leaks *leaks, const struct piece *piece, uint64_t index)
{
	return hc_load_word(piece->bytes + index * leaks->format.size, leaks->format);
}

/*
 * The chunk that the word PLACE of PIECE was in before it was merged: the nearest word before it that can be its header's
 * size, and behind which another header stands. Sets first and behind-last word of the user memory.
 */
static bool find_old_chunk(
	const hc_leaks *leaks, const struct piece *piece, uint64_t place, uint64_t *ret_first, uint64_t *ret_last)
{
	unsigned word = leaks->format.size;
	uint64_t words = piece->size / word, alignment = leaks->blocks->alignment;

	for (uint64_t i = place; i-- && place - i <= WINDOW_WORDS;) {
		uint64_t size = word_at(leaks, piece, i), next;

		/* User memory is aligned, so the size before it is not. */
		if ((piece->address + (i + 1) * word) % alignment || size % alignment > 7)
			continue;
		size &= ~(uint64_t)7;
		if (size < 4 * word || size > OLD_CHUNK_MOST || i + size / word <= place || i + size / word >= words)
			continue;
		next = word_at(leaks, piece, i + size / word);
		if (next % alignment > 7 || next < 2 * word)
			continue;
		*ret_first = i + 1;
		*ret_last = i + size / word; /* the next chunk's prev_size is the user's too */
		return true;
	}
	return false;
}

/* What the words [first, last) of PIECE lead to, into EVIDENCE. */
static void look_around(
	hc_leaks *leaks, const struct piece *piece, uint64_t first, uint64_t last, struct evidence *evidence)
{
	struct module_weights weights = { 0 };

	for (uint64_t i = first; i < last; i++) {
		hc_address value = word_at(leaks, piece, i);
		uint16_t module = hc_leaks_module_at(leaks, value);
		uint32_t type;

		if (module == NO_MODULE)
			continue;
		type = hc_leaks_type_at(leaks, value);
		hc_leaks_add_weight(&weights, module, 1, type != 0, 0);
		if (type && !evidence->type)
			evidence->type = type;
	}
	hc_leaks_sort_weights(&weights);
	if (weights.count)
		evidence->module = weights.slots[0].module;
}

struct freed {
	hc_address address;
	uint64_t size;
	bool whole; /* as large as what was freed: in a cache or fastbin */
};

static void add_freed(
	struct search *search, const struct freed *freed, const struct piece *piece, uint64_t place, uint32_t rank)
{
	hc_leaks *leaks = search->leaks;
	unsigned word = leaks->format.size;
	struct evidence evidence = { .module = NO_MODULE };
	uint64_t first = place - MIN(place, NEAR_WORDS), last = MIN(place + NEAR_WORDS, piece->size / word);

	if (quality(leaks, leaks->evidence_of[rank]) == 3)
		return;
	if (freed->whole) {
		first = OVERWRITTEN_WORDS;
		last = piece->size / word;
		evidence.size = freed->size;
		evidence.offset = piece->address + place * word - freed->address;
	} else if (find_old_chunk(leaks, piece, place, &first, &last)) {
		evidence.size = (last - first) * word;
		evidence.offset = (place - first) * word;
	} else if (piece->address == freed->address && place < WINDOW_WORDS && freed->size <= OLD_CHUNK_MOST) {
		/* No header before it: it was the first of those that were merged, or the only one. */
		first = OVERWRITTEN_WORDS;
		last = freed->size / word;
		evidence.size = freed->size;
		evidence.offset = place * word;
	}
	first = MAX(first, place - MIN(place, WINDOW_WORDS));
	last = MIN(last, place + WINDOW_WORDS);
	look_around(leaks, piece, first, last, &evidence);
	add_evidence(search, rank, &evidence);
}

static void scan_freed(struct search *search, const struct freed *freed)
{
	const hc_leaks *leaks = search->leaks;
	hc_address address = freed->address;
	struct piece piece;

	while (hc_leaks_next_piece(leaks, &address, freed->address + freed->size, &piece)) {
		uint64_t words = piece.size / leaks->format.size;

		for (uint64_t i = piece.address == freed->address ? OVERWRITTEN_WORDS : 0; i < words; i++) {
			uint32_t rank;

			if (find_head(leaks, word_at(leaks, &piece, i), &rank))
				add_freed(search, freed, &piece, i, rank);
		}
	}
}

static void scan_freed_blocks(struct search *search)
{
	const hc_blocks *blocks = search->leaks->blocks;
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, blocks);
	for (uint32_t number = hc_blocks_next_unused(blocks, 0); number < blocks->count;
		number = hc_blocks_next_unused(blocks, number + 1)) {
		hc_block_iterator_skip_to(&iterator, number);
		if (!hc_block_iterator_next(&iterator, &block))
			return;
		struct freed freed = { block.address, block.size,
			block.state == HC_BLOCK_TCACHE || block.state == HC_BLOCK_FASTBIN };

		if (block.state != HC_BLOCK_IN_USE && block.state < HC_BLOCK_FENCEPOST)
			scan_freed(search, &freed);
	}
}

/* ---- dead stacks ---- */

/* The C and C++ runtime is in every frame's way, and loses nothing. */
static bool is_runtime(const hc_module *module)
{
	static const char *const names[] = { "libc.", "libc-", "ld-", "ld.", "libpthread", "libstdc++", "libgcc_s" };

	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
		if (g_str_has_prefix(module->name, names[i]))
			return true;
	return false;
}

static uint16_t code_module(const hc_leaks *leaks, hc_address value)
{
	uint16_t module = hc_leaks_module_at(leaks, value);
	const hc_area *area;

	if (module == NO_MODULE || is_runtime(hc_modules_get(leaks->modules, module)))
		return NO_MODULE;
	area = hc_areas_find(leaks->areas, value);
	if (!area || area->kind != HC_AREA_FILE || !(area->mapping->flags & (HC_MAPPING_EXECUTE | HC_MAPPING_UNLISTED)))
		return NO_MODULE;
	return module;
}

static void add_frame(struct search *search, const struct piece *piece, uint64_t place, uint32_t rank)
{
	const hc_leaks *leaks = search->leaks;
	struct evidence evidence = { .on_stack = true, .module = NO_MODULE };
	uint64_t last = MIN(place + FRAME_WORDS, piece->size / leaks->format.size);

	if (quality(leaks, leaks->evidence_of[rank]) >= 2)
		return;
	for (uint64_t i = place + 1; i < last && evidence.module == NO_MODULE; i++)
		evidence.module = code_module(leaks, word_at(leaks, piece, i));
	if (evidence.module != NO_MODULE)
		add_evidence(search, rank, &evidence);
}

static void scan_dead_stacks(struct search *search)
{
	const hc_leaks *leaks = search->leaks;

	for (unsigned i = 0; i < hc_areas_count(leaks->areas); i++) {
		const hc_area *area = hc_areas_get(leaks->areas, i);
		hc_address address = area->start;
		struct piece piece;

		while (area->kind == HC_AREA_STACK_UNUSED && hc_leaks_next_piece(leaks, &address, area->end, &piece)) {
			uint32_t rank;

			for (uint64_t k = 0; k < piece.size / leaks->format.size; k++)
				if (find_head(leaks, word_at(leaks, &piece, k), &rank))
					add_frame(search, &piece, k, rank);
		}
	}
}

/* ---- live blocks of the same size ---- */

/* One piece of evidence without a module, and what its likes are. */
struct question {
	uint32_t evidence;
	unsigned count;
	uint64_t all;
	struct {
		uint32_t type;
		uint16_t module;
		uint64_t votes;
	} votes[SIBLING_VOTES];
};

static void count_vote(struct question *question, uint32_t type, uint16_t module)
{
	question->all++;
	for (unsigned i = 0; i < question->count; i++)
		if (question->votes[i].type == type && question->votes[i].module == module) {
			question->votes[i].votes++;
			return;
		}
	if (question->count < SIBLING_VOTES) {
		question->votes[question->count].type = type;
		question->votes[question->count].module = module;
		question->votes[question->count++].votes = 1;
	}
}

static void ask_block(hc_leaks *leaks, struct question *question, const hc_block *block)
{
	const struct evidence *evidence = &g_array_index(leaks->evidence, struct evidence, question->evidence);
	uint64_t first, member;
	uint16_t module;

	if (evidence->size != block->size || !hc_core_read_word(leaks->core, block->address, &first) ||
		!hc_core_read_word(leaks->core, block->address + evidence->offset, &member) ||
		hc_leaks_target(leaks, member) == UINT64_MAX)
		return;
	module = hc_leaks_module_at(leaks, first);
	if (module != NO_MODULE)
		count_vote(question, hc_leaks_type_at(leaks, first), module);
}

static GArray *make_questions(const hc_leaks *leaks, bool *wanted)
{
	GArray *questions = g_array_new(FALSE, TRUE, sizeof(struct question));

	for (uint32_t i = 0; i < leaks->evidence->len; i++) {
		const struct evidence *evidence = &g_array_index(leaks->evidence, struct evidence, i);
		struct question question = { .evidence = i };

		if (evidence->on_stack || evidence->module != NO_MODULE || !evidence->size ||
			evidence->size >= SIBLING_SIZE_MOST)
			continue;
		wanted[evidence->size] = true;
		g_array_append_val(questions, question);
	}
	return questions;
}

static void answer(hc_leaks *leaks, const struct question *question)
{
	struct evidence *evidence = &g_array_index(leaks->evidence, struct evidence, question->evidence);
	unsigned most = 0;

	for (unsigned i = 1; i < question->count; i++)
		if (question->votes[i].votes > question->votes[most].votes)
			most = i;
	if (!question->count || 2 * question->votes[most].votes <= question->all)
		return;
	evidence->module = question->votes[most].module;
	evidence->type = question->votes[most].type;
	evidence->by_others = true;
}

static void ask_others(hc_leaks *leaks)
{
	bool wanted[SIBLING_SIZE_MOST] = { false };
	g_autoptr(GArray) questions = make_questions(leaks, wanted);
	hc_block_iterator iterator;
	hc_block block;

	if (!questions->len)
		return;
	hc_block_iterator_init(&iterator, leaks->blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		if (block.state != HC_BLOCK_IN_USE || block.size >= SIBLING_SIZE_MOST || !wanted[block.size])
			continue;
		for (unsigned i = 0; i < questions->len; i++)
			ask_block(leaks, &g_array_index(questions, struct question, i), &block);
	}
	for (unsigned i = 0; i < questions->len; i++)
		answer(leaks, &g_array_index(questions, struct question, i));
}

bool hc_leaks_find_evidence(hc_leaks *leaks)
{
	struct search search = { .leaks = leaks };

	if (!leaks->heads.count)
		return true;
	search.known = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	scan_freed_blocks(&search);
	scan_dead_stacks(&search);
	ask_others(leaks);
	g_hash_table_unref(search.known);
	return true;
}
