/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How full a hash table is, and how its elements share buckets.
 *
 * Tables with an array of lists are walked bucket by bucket. But std::unordered_map and its like keep all elements in one list, those of a
 * bucket side by side, and a table of buckets that lead to the node *in front of* their first one. So a bucket begins at each element whose
 * predecessor the table leads to: its words are put into a set, and the list is walked once. It must have as many beginnings as the table has
 * words that are not 0; else it is damaged, and nothing is told. The hash itself needs not be known.
 */
#include "containers/walker.h"

enum {
	BUCKETS_MAX = 1 << 28,
	PROBES_MAX = 1 << 12,
};

/* Words, by open addressing: 0 is an empty slot. */
typedef struct word_set {
	uint64_t *slots;
	unsigned bits;
} word_set;

typedef struct filling {
	hc_reader *reader;
	hc_walk walk;
	hc_table_fill *fill;
	word_set fronts;
	bool only_used; /* it is not asked how elements share buckets: no set is needed */
	bool is_ready, is_bad;
	uint64_t offset; /* of the element in a node */
	hc_address last; /* node */
	uint64_t run, beginnings;
} filling;

static inline uint64_t place_of(const word_set *set, uint64_t word)
{
	return word * UINT64_C(0x9e3779b97f4a7c15) >> (64 - set->bits);
}

/* The slot that WORD is in, or would be; NULL if it is too far away, as only made-up words are. */
static uint64_t *find_word(const word_set *set, uint64_t word)
{
	uint64_t mask = ((uint64_t)1 << set->bits) - 1, place = place_of(set, word);

	for (unsigned i = 0; i < PROBES_MAX; i++, place = (place + 1) & mask)
		if (!set->slots[place] || set->slots[place] == word)
			return &set->slots[place];
	return NULL;
}

/* Reads the table; of the words that are not 0 makes the set, if that is needed. FALSE if it is no table, or memory was out. */
static bool read_fronts(filling *f)
{
	uint64_t count = f->walk.buckets, size = f->reader->format.size, word;

	if (!f->walk.fronts || !count || count > BUCKETS_MAX)
		return false;
	if (!hc_place_is_usable(hc_reader_check(f->reader, f->walk.fronts, count * size)) &&
		count > 1) /* one bucket is a part of the container */
		return false;
	for (uint64_t i = 0; i < count; i++) {
		if (!hc_reader_word(f->reader, f->walk.fronts + i * size, &word))
			return false;
		f->fill->used += word != 0;
	}
	if (f->only_used)
		return true;
	for (f->fronts.bits = 4; (uint64_t)1 << f->fronts.bits < 2 * f->fill->used; f->fronts.bits++)
		;
	f->fronts.slots = g_try_new0(uint64_t, (size_t)1 << f->fronts.bits);
	for (uint64_t i = 0; f->fronts.slots && i < count; i++) {
		uint64_t *slot = NULL;

		if (!hc_reader_word(f->reader, f->walk.fronts + i * size, &word) ||
			!(slot = word ? find_word(&f->fronts, word) : &word))
			return false;
		*slot = word;
	}
	return f->fronts.slots != NULL;
}

static void end_run(filling *f)
{
	hc_table_fill *fill = f->fill;

	fill->longest = MAX(fill->longest, f->run);
	fill->sharing += f->run > 1 ? f->run : 0;
	f->run = 0;
}

static bool visit(hc_address address, uint64_t index, void *data)
{
	filling *f = data;

	(void)index;
	if (!f->is_ready) {
		f->is_ready = true;
		f->is_bad = !read_fronts(f);
	}
	if (f->is_bad)
		return false;
	const uint64_t *slot = f->last ? find_word(&f->fronts, f->last) : NULL;

	if (!f->last || (slot && *slot)) {
		end_run(f);
		f->beginnings++;
	}
	f->run++;
	f->last = address - f->offset;
	return true;
}

/* Of a list with buckets. */
static bool fill_list(const hc_layout *layout, hc_address address, bool only_used, hc_table_fill *fill)
{
	filling f = { .reader = &layout->set->reader, .fill = fill, .only_used = only_used };
	hc_walk_visitor visitor = { .element = visit, .data = &f, .wants_fronts = true, .limit = only_used ? 1 : 0 };

	if (hc_layout_program(layout, HC_KEY_FRONTS) == NULL || !hc_layout_element_offset(layout, &f.offset))
		return false;
	hc_layout_walk(layout, address, &visitor, &f.walk);
	end_run(&f);
	g_free(f.fronts.slots);
	fill->buckets = f.walk.buckets;
	fill->elements = only_used ? f.walk.claimed : f.walk.walked;
	fill->is_chained = true;
	fill->is_shared_known = !only_used;
	return f.is_ready && !f.is_bad && f.walk.grade == HC_GRADE_EXACT && (only_used || f.beginnings == fill->used);
}

bool hc_layout_fill(const hc_layout *layout, hc_address address, bool only_used, hc_table_fill *ret_fill)
{
	hc_walk_kind kind = hc_layout_kind(layout);
	hc_walk walk;

	*ret_fill = (hc_table_fill){ 0 };
	if (kind == HC_WALK_LINKED)
		return fill_list(layout, address, only_used, ret_fill);
	if (kind != HC_WALK_BUCKETS && kind != HC_WALK_SLOTS)
		return false;
	hc_layout_measure(layout, address, &walk);
	*ret_fill = (hc_table_fill){
		.elements = walk.walked,
		.buckets = walk.buckets,
		.used = kind == HC_WALK_SLOTS ? walk.walked : walk.used_buckets,
		.is_chained = kind == HC_WALK_BUCKETS,
		.is_shared_known = kind == HC_WALK_BUCKETS,
		.longest = walk.longest,
		.sharing = walk.sharing,
	};
	return walk.grade == HC_GRADE_EXACT && walk.buckets;
}
