/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of leaks/ share. */
#pragma once

#include "leaks/leaks.h"

#include <string.h>

enum {
	NO_MODULE = UINT16_MAX,
	MODULE_SLOTS = 8,
	PREFIX_BYTES = 48,
	TEXT_LEAST = 4,
	/*
	 * The words of a block that free() and malloc() overwrite with links, in most cases: what is in them was put there since. Words behind
	 * them may be what the block's last owner left. Of stale ones nothing is said.
	 */
	LINK_WORDS = 2,
	LEAST_ALIKE = 3, /* blocks: fewer agree by chance */
};

/* A module's memory, without malloc's own state in it. Sorted, disjoint. */
struct module_range {
	hc_address start, end;
	uint16_t module;
};

/* A bit for each granule, with the number of bits before each group of HC_GROUP_GRANULES. */
struct ranked_bits {
	uint64_t *bits;
	uint32_t *ranks;
	uint32_t count;
};

/* The few modules with the most words, counted as Metwally's space-saving does: exact while there are at most MODULE_SLOTS. */
struct module_weight {
	uint16_t module;
	uint64_t words, vtables, evidence;
};

struct module_weights {
	unsigned count;
	struct module_weight slots[MODULE_SLOTS];
};

/* One way in which dead memory points to heads. */
struct evidence {
	bool on_stack, by_others;
	uint16_t module; /* or NO_MODULE */
	uint32_t type;	 /* 0: none */
	uint64_t size, offset;
};

/* Blocks of one size that lead into one module with the word at one place. */
struct place_count {
	uint64_t size;
	uint32_t place; /* words from the start */
	uint16_t module;
	uint64_t blocks;
	bool may_be_stale; /* stale.c */
};

/* A tree while it is walked. */
struct tree {
	hc_leak_class class;
	uint64_t start; /* granule of the head */
	hc_address address;
	uint64_t size;	      /* of the head */
	const uint8_t *bytes; /* of the head, `readable` of them; NULL if there are none */
	uint64_t readable;
	uint64_t blocks, total_bytes;
	uint64_t resident; /* of total_bytes, those that were in memory */
	uint64_t unloaded; /* blocks that begin with a vtable which is gone */
	uint64_t to_head;  /* words of all its blocks that are the head's address; of others */
	bool ring;	   /* a word of another block is the head's address */
	bool holds_itself; /* trees.c: holds_itself() */
	uint64_t gone; /* place in its page of the vtable that the head begins with, if it is gone; else UINT64_MAX */
	uint32_t type; /* of the head; 0: none */
	uint32_t evidence; /* index + 1 */
	unsigned word_count;
	hc_word_kind kinds[HC_LEAK_WORDS_MAX];
	uint16_t word_modules[HC_LEAK_WORDS_MAX];
	hc_address values[HC_LEAK_WORDS_MAX];
	struct module_weights weights;
	char prefix[PREFIX_BYTES]; /* the text it begins with, digits folded */
	unsigned prefix_length;	   /* 0: does not begin with text */
	const char *suppression;
};

struct size_count {
	uint64_t size, blocks;
};

/* A group while trees are added. */
struct group {
	uint64_t key;
	uint32_t into; /* after merging: the group that it is part of; itself if it is none's */
	hc_leak_class class;
	bool by_text, by_size; /* what the key was made of */
	bool rest_of_texts;    /* there were too many groups */
	bool mixed_type;
	uint64_t first_size; /* of the first head */
	uint64_t trees, rings, holding_themselves, unloaded, gone;
	hc_amount heads, others;
	uint64_t resident;
	uint32_t type;
	const char *suppression;
	GArray *sizes;	    /* of struct size_count, unsorted */
	unsigned size_hint; /* where the last one was found */
	GArray *places;	    /* of struct place_count; NULL: none */
	struct module_weights weights;
	unsigned word_count;
	uint32_t kinds[HC_LEAK_WORDS_MAX][HC_WORD_KIND_COUNT];
	uint16_t word_modules[HC_LEAK_WORDS_MAX]; /* Boyer-Moore: the candidate for the majority, and its lead */
	uint32_t module_leads[HC_LEAK_WORDS_MAX];
	hc_address values[HC_LEAK_WORDS_MAX];
	uint32_t value_leads[HC_LEAK_WORDS_MAX];
	char prefix[PREFIX_BYTES];
	unsigned prefix_length;
	char *sample;
	GArray *evidence; /* of struct evidence_count */
	hc_address examples[HC_LEAK_EXAMPLES_MAX];
};

struct evidence_count {
	uint32_t evidence; /* index */
	uint64_t heads;
};

struct hc_leaks {
	const hc_core *core;
	hc_modules *modules;
	hc_program_types *program_types;
	const hc_blocks *blocks;
	const hc_areas *areas;
	const hc_references *references;
	hc_leaks_options options;
	hc_word_format format;
	hc_leaks_totals totals;

	GArray *ranges; /* of struct module_range */
	const hc_unloaded *unloaded;
	struct types *types;
	struct ranked_bits heads; /* of both classes */
	uint32_t *group_of;	  /* by the head's rank: index in `building`, then in `groups` */
	uint32_t *evidence_of;	  /* by the head's rank: index in `evidence` + 1; NULL once grouped */
	GArray *evidence;	  /* of struct evidence */
	GPtrArray *building;	  /* of struct group */
	GHashTable *by_key;	  /* uint64_t * (inside the value) -> struct group * in `building` */

	GArray *groups; /* of hc_leak_group, sorted; what they point to is in `parts` and `texts` */
	GPtrArray *parts;
	GArray *mappings; /* of const hc_area * */
};

/* The rank of the head at granule START, an index for group_of[] and evidence_of[]. */
static inline uint32_t hc_leaks_rank(const struct ranked_bits *ranked, uint64_t start)
{
	uint64_t word = start / 64, group = start / HC_GROUP_GRANULES;
	uint32_t rank = ranked->ranks[group];

	for (uint64_t i = group * HC_GROUP_WORDS; i < word; i++)
		rank += __builtin_popcountll(ranked->bits[i]);
	return rank + hc_bits_before(ranked->bits, start);
}

static inline uint64_t hc_leaks_mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

/* ---- words.c ---- */

/* A run of readable bytes. */
struct piece {
	hc_address address;
	const uint8_t *bytes;
	uint64_t size; /* a multiple of the word size */
};

/* The next readable run of words in [*ADDRESS, END); moves *ADDRESS behind it. FALSE if there is none any more. */
bool hc_leaks_next_piece(const hc_leaks *leaks, hc_address *address, hc_address end, struct piece *ret_piece);

void hc_leaks_find_ranges(hc_leaks *leaks);

/* The index of the module that ADDRESS is in, or NO_MODULE; malloc's state is in none. */
uint16_t hc_leaks_module_at(const hc_leaks *leaks, hc_address address);

/* The start of the block that VALUE points into, wherever in it; UINT64_MAX if it is in none. */
static inline uint64_t hc_leaks_target(const hc_leaks *leaks, hc_address value)
{
	return hc_blocks_may_contain(leaks->blocks, value) ? hc_blocks_start_at(leaks->blocks, value) : UINT64_MAX;
}

/* Whether VALUE leads into memory that is mapped, or was: bytes of a pointer can look like letters. */
bool hc_leaks_is_pointer(const hc_leaks *leaks, uint64_t value);

/* What VALUE, whose bytes are BYTES, is; *ret_module as hc_leaks_module_at(). */
hc_word_kind hc_leaks_classify(const hc_leaks *leaks, uint64_t value, const uint8_t *bytes, uint16_t *ret_module);

/* How many of SIZE bytes are printable, from the first on. */
unsigned hc_leaks_printable(const uint8_t *bytes, uint64_t size);

/* Fills tree->prefix if the head begins with text. */
void hc_leaks_read_prefix(const hc_leaks *leaks, struct tree *tree);

void hc_leaks_add_weight(
	struct module_weights *weights, uint16_t module, uint64_t words, uint64_t vtables, uint64_t evidence);

/* Most probable owner first: vtables, then evidence, then words. */
void hc_leaks_sort_weights(struct module_weights *weights);

/* ---- vtable_types.c ---- */

struct types *hc_leaks_types_create(void);
void hc_leaks_types_destroy(struct types *types);

/* The type whose vtable VALUE, an address in a module, points to as objects do; 0 if it is none. Cached. */
uint32_t hc_leaks_type_at(hc_leaks *leaks, hc_address value);
const char *hc_leaks_type_name(const hc_leaks *leaks, uint32_t type); /* NULL for 0 */

/* ---- groups.c ---- */

/* Puts TREE into its group, and returns that one's index. */
uint32_t hc_leaks_add_tree(hc_leaks *leaks, const struct tree *tree);

/*
 * How much of TEXT, with which heads begin and whose digits are folded, is the same in all of a kind. What is before the first number
 * tells most, and does not depend on what follows.
 */
unsigned hc_leaks_text_key_length(const char *text, unsigned length);

/* BLOCKS more that are as COUNT says, into COUNTS, of struct place_count. What is too much is left out. */
void hc_leaks_count_place(GArray *counts, const struct place_count *count, uint64_t blocks);

/* One block more of that size. */
void hc_leaks_count_size(GArray *sizes, unsigned *hint, uint64_t size, uint64_t blocks);

/* Merges groups that differ by chance only, and makes leaks->groups of what there is. */
void hc_leaks_finish_groups(hc_leaks *leaks);
void hc_leaks_free_group(void *group);

/* ---- evidence.c: fills evidence and evidence_of. FALSE if memory was out. */
bool hc_leaks_find_evidence(hc_leaks *leaks);

/* ---- stale.c ---- */

/* Whether most blocks of its size in GROUP are as PLACE says, which is one of GROUP's. */
bool hc_leaks_is_common(const struct group *group, const struct place_count *place);

/* Sets `may_be_stale` of all places of leaks->building. */
void hc_leaks_find_stale(hc_leaks *leaks);

/* ---- live_mappings.c ---- */
void hc_leaks_find_mappings(hc_leaks *leaks);

/* ---- suppressions.c: the name of the first one that TREE falls under, which counts it; or NULL ---- */
const char *hc_leaks_suppress(hc_leaks *leaks, const struct tree *tree);
