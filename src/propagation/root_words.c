/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks that no type leads to, by the words that do.
 *
 * Most programs have no debug info; but the words of their data lead to the same blocks, and these words lie in symbols, in sections,
 * in threads' local storage, in frames. So what the variables' types did not claim is claimed for the place of the word that leads
 * there, and for the nearest one: first what words lead to at once, then what the words of these blocks lead to, step by step
 * (untyped.c), together with what hangs on untyped memory of typed owners.
 *
 * Data comes first, and the program's own is some steps ahead of that of libraries: a library that allocates (g_slice) has all blocks
 * that it gives out parts of, and what lies in these parts is not there for its sake. What a `void *` of a library leads to
 * waits for the libraries, too, be there a type of the library's or not: it may be told of one object of the program's. Memory that is not malloc's comes next: there are
 * frames and objects of interpreters, which data leads to, as to most of what they lead to. How many such mappings there are changes all
 * the time, so those without a file are one place. What stands on stacks and in registers may be left over from calls that have returned;
 * it holds what nothing else does. But the frame of main(), or of what a thread was made to run, is as old as the thread, and comes before
 * mappings: that leads to the pools that a program has mapped for itself. Registers, those too that a call further in has saved, are of the
 * frame that has them for its own, and change faster: these are not among what lasts.
 *
 * Pointers in an encoding that was learned (a tag, a distance) prove less than addresses do, and come behind them, before stacks.
 *
 * What the file of a module has is no word: bytecode, text, tables of numbers.
 *
 * Words without a symbol are each a place of their own, "server .bss+0x3ff98", and a structure may have several: the header of a
 * std::map has three that lead into one tree. Those that stand side by side are one place if they are many (a table; a hash table
 * has gaps, but its nodes are of one size), or if what hangs on one of them leads to what hangs on the next.
 */
#include "modules/modules.h"
#include "propagation/passes.h"

#include <inttypes.h>

enum {
	TABLE_MIXED = 64,     /* so many words side by side, without a symbol, are one table */
	TABLE_WORDS = 16,     /* ... or so many that lead to blocks of one size */
	TABLE_GAP = 512,      /* ... with no more than these bytes between two of them */
	TABLE_NEXT = 64,      /* bytes from a word to the next of a hash table, mostly */
	RUN_LEAST = 8,	      /* shapes at one distance from each other that are not told apart */
	LIBRARIES_WAIT = 3,   /* steps by which the program's own data is ahead of that of libraries */
	WORDS_MANY = 1 << 22, /* of more words than these, a root has one for each block */
	WORDS_MAX = 1 << 25   /* ... and what more than these lead to is nobody's */
};

typedef enum {
	RANK_PROGRAM, /* its data, threads' local storage */
	RANK_LIBRARY, /* data of libraries, and thread-specific data */
	RANK_LASTING, /* the frame of main(), and of what a thread was made to run: it is there as long as the thread */
	RANK_MAPPING, /* memory that is not malloc's: others hold it */
	RANK_CALLS,   /* other frames, and registers */
	RANK_DEAD,    /* what is below all frames, or between some */
} word_rank;

/* A word that leads to a block which has no owner yet, and its place once that was asked for. */
struct kept_word {
	hc_root_word is;
	uint32_t owner; /* 0: not asked yet; HC_OWNER_CLOSED: none */
};

/* Shapes in data without a symbol that follow each other at one distance. */
struct run {
	hc_shape_kind kind;
	unsigned count;
	hc_address last; /* head */
	uint64_t stride;
	hc_owner *owner; /* of the last one; NULL: it had too many */
};

struct naming {
	hc_propagation *propagation;
	const hc_references *references;
	hc_place_sources sources;
	GArray *words;	     /* of struct kept_word */
	const hc_root *root; /* that the last of many words stands in */
	GHashTable *targets; /* ... and the blocks that its words lead to */
	hc_root_places *places;
	hc_owner_extent last; /* of the word that was asked for last */
	struct run run;
};

/* True if VALUE leads into a block that nobody has, or to an object in a pool. */
static bool leads_to_unowned(const struct naming *naming, uint64_t value)
{
	hc_propagation *propagation = naming->propagation;
	hc_spot spot;

	return hc_propagation_locate(propagation, value, &spot) &&
	       (!propagation->types->owner_of[spot.number] ||
		       (hc_propagation_is_pool(propagation, &spot) &&
			       !hc_propagation_is_taken_piece(propagation, &spot)));
}

/* Whether a word of the root that WORD stands in leads to that block already; from now on one does. */
static bool is_led_to(struct naming *naming, const hc_root_word *word)
{
	hc_spot spot;

	if (naming->root != word->root)
		g_hash_table_remove_all(naming->targets);
	naming->root = word->root;
	if (!hc_propagation_locate(naming->propagation, word->value, &spot))
		return true;
	/* A pointer into the middle is not as good as one to the first byte. */
	size_t target = (size_t)spot.number << 1 | (word->value == spot.address);

	return !g_hash_table_add(naming->targets, GSIZE_TO_POINTER(target));
}

/* Numbers that a module's file has are not addresses of blocks: bytecode, tables. In a heap below 4 GiB many look like them. */
static bool is_constant(const struct naming *naming, const hc_root_word *word)
{
	return word->root->kind == HC_AREA_MODULE_DATA &&
	       hc_modules_is_constant(naming->sources.modules, word->address, word->value, naming->propagation->format);
}

/* Whether WORD is an item of a free list behind its count. */
static bool is_left_over(const struct naming *naming, const hc_root_word *word)
{
	return word->address &&
	       g_hash_table_contains(naming->propagation->left_over, (gconstpointer)(uintptr_t)word->address);
}

static void keep_word(void *data, const hc_root_word *word)
{
	struct naming *naming = data;
	struct kept_word kept = { *word, 0 };

	if (!leads_to_unowned(naming, word->value) || naming->words->len >= WORDS_MAX || is_constant(naming, word) ||
		is_left_over(naming, word) || (naming->words->len >= WORDS_MANY && is_led_to(naming, word)))
		return;
	g_array_append_val(naming->words, kept);
}

static const hc_root_word *word_at(const struct naming *naming, unsigned index)
{
	return &g_array_index(naming->words, struct kept_word, index).is;
}

/* ---- names ---- */

/* Usable bytes of the block, or those of the parcel, that word INDEX leads to; 0 if it leads to none. */
static uint64_t target_size(const struct naming *naming, unsigned index)
{
	const hc_parcels *parcels = naming->propagation->types->parcels;
	hc_address value = word_at(naming, index)->value;
	uint32_t number;
	hc_spot spot;

	if (hc_propagation_locate(naming->propagation, value, &spot))
		return hc_blocks_usable_size(naming->propagation->blocks, spot.region, spot.address);
	if (!hc_parcels_find(parcels, value, &number))
		return 0;
	hc_range range = hc_parcels_get(parcels, number);

	return range.end - range.start;
}

/* The end of the table that begins with word INDEX, before LIMIT; 0 if that begins none. */
static hc_address find_table(const struct naming *naming, unsigned index, hc_address limit)
{
	unsigned word_size = naming->propagation->format.size, last = index, end = index, others = 0;
	const hc_root_word *first = word_at(naming, index);
	uint64_t size = target_size(naming, index);
	bool is_dense = true;

	/* The data of a module is in several mappings, and areas. */
	for (unsigned i = index + 1; i < naming->words->len; i++) {
		const hc_root_word *word = word_at(naming, i);
		uint64_t gap = word->address - word_at(naming, last)->address;

		if (word->root->kind != HC_AREA_MODULE_DATA || word->root->owner != first->root->owner ||
			word->address >= limit || gap > TABLE_GAP ||
			(gap != word_size && is_dense && i - index >= TABLE_MIXED))
			break;
		is_dense &= gap == word_size;
		/* Some blocks are larger than the others, where malloc had a little too much. */
		bool is_same = target_size(naming, i) == size;

		others += !is_same;
		if (!is_dense && others > (i - index) / 8 + 1)
			break;
		last = i;
		/* The last ones that have gaps and are of other sizes may belong to what is next. */
		end = is_dense || is_same ? i : end;
	}
	bool is_mixed = others > (end - index) / 8 + 1;

	return end - index + 1 >= (is_mixed ? TABLE_MIXED : TABLE_WORDS) ? word_at(naming, end)->address + word_size :
									   0;
}

/* The owner of all words from START on, and before END. */
static hc_owner *set_extent(struct naming *naming, hc_address start, hc_address end, hc_owner *owner)
{
	if (owner)
		naming->last = (hc_owner_extent){ start, end, owner };
	return owner;
}

/* FALSE if word INDEX is not in a module. *ret_owner: NULL if there are too many. */
static bool find_owner_in_data(struct naming *naming, unsigned index, hc_owner **ret_owner)
{
	const hc_root_word *word = word_at(naming, index);
	hc_data_name name;

	if (!hc_modules_data_name(naming->sources.modules, word->address, &name))
		return false;
	g_autofree char *text = hc_data_name_text(&name, word->address);
	hc_named_root place = { .kind = HC_PLACE_VARIABLE,
		.address = name.symbol ? name.start : word->address,
		.module = name.module,
		.has_symbol = name.symbol != NULL,
		.is_library = name.module != hc_modules_executable(naming->sources.modules),
		.frame = -1 };
	hc_address table_end = name.symbol ? name.end : find_table(naming, index, name.end);
	hc_address end = table_end ? table_end : word->address + naming->propagation->format.size;

	*ret_owner = set_extent(naming, word->address, end, hc_root_places_get(naming->places, text, &place));
	hc_root_places_keep(naming->places, name.symbol ? name.start : word->address, end, *ret_owner);
	return true;
}

/* NULL: there are too many owners. */
static hc_owner *owner_of_word(struct naming *naming, unsigned index)
{
	const hc_root_word *word = word_at(naming, index);
	hc_owner *owner = NULL;

	if (word->address && word->address - naming->last.start < naming->last.end - naming->last.start)
		return naming->last.owner;
	if (word->root->kind == HC_AREA_MODULE_DATA && find_owner_in_data(naming, index, &owner))
		return owner;
	return hc_root_places_elsewhere(naming->places, word, &naming->last);
}

static word_rank rank_of(const hc_owner *owner)
{
	if (!owner->root)
		return RANK_CALLS;
	switch (owner->root->kind) {
	case HC_PLACE_STACK:
		if (owner->root->frame < 0)
			return RANK_DEAD;
		return owner->root->is_lasting ? RANK_LASTING : RANK_CALLS;
	case HC_PLACE_REGISTER:
		return RANK_CALLS;
	case HC_PLACE_STACK_UNUSED:
		return RANK_DEAD;
	case HC_PLACE_THREAD_DESCRIPTOR: /* keys are libraries', such as g_slice's */
		return RANK_LIBRARY;
	case HC_PLACE_MAPPING:
		return RANK_MAPPING;
	default:
		return owner->root->is_library ? RANK_LIBRARY : RANK_PROGRAM;
	}
}

/* ---- claims ---- */

static uint32_t number_of(const hc_owner *owner)
{
	return owner ? owner->number : HC_OWNER_CLOSED;
}

/* Whether words I and J stand side by side, and lead to blocks of one size. */
static bool are_of_table(const struct naming *naming, unsigned i, unsigned j)
{
	if (j >= naming->words->len)
		return false;
	const hc_root_word *a = word_at(naming, i), *b = word_at(naming, j);

	return a->root == b->root && a->address &&
	       MAX(a->address, b->address) - MIN(a->address, b->address) <= TABLE_NEXT && a->value != b->value &&
	       target_size(naming, i) == target_size(naming, j);
}

static bool is_in_table(const struct naming *naming, unsigned index)
{
	return are_of_table(naming, index, index + 1) || (index && are_of_table(naming, index, index - 1));
}

/* Vectors that lie in data, or on a stack. */
static void find_vectors(struct naming *naming)
{
	unsigned size = naming->propagation->format.size;

	for (unsigned i = 0; i + 2 < naming->words->len; i++) {
		const hc_root_word *a = word_at(naming, i), *b = word_at(naming, i + 1), *c = word_at(naming, i + 2);
		hc_address values[] = { a->value, b->value, c->value };

		if (a->address && b->address == a->address + size && c->address == b->address + size)
			hc_propagation_note_vector(naming->propagation, values);
	}
}

/* ---- shapes ---- */

/*
 * Whether SHAPE is one of an array of them, without a symbol: many of its kind came before it, as far from each other as it is from the
 * last one.
 */
static bool goes_on(struct naming *naming, const hc_shape *shape)
{
	struct run *run = &naming->run;
	uint64_t stride = shape->head - run->last;

	run->count = shape->kind == run->kind && stride == run->stride ? run->count + 1 : 0;
	run->kind = shape->kind;
	run->stride = stride;
	run->last = shape->head;
	return run->count >= RUN_LEAST;
}

/* The owner of the head of SHAPE, which word INDEX is a part of; NULL: there are too many. *ret_place: where in it that is. */
static hc_owner *owner_of_head(struct naming *naming, unsigned index, const hc_shape *shape, hc_shape_place *ret_place)
{
	hc_modules *modules = naming->sources.modules;
	hc_data_name name;

	*ret_place = (hc_shape_place){ 0 };
	if (word_at(naming, index)->root->kind != HC_AREA_MODULE_DATA ||
		!hc_modules_data_name(modules, shape->head, &name))
		return owner_of_word(naming, index);
	ret_place->has_offset = true;
	if (name.symbol) {
		ret_place->offset = shape->head - name.start;
		return owner_of_word(naming, index);
	}
	if (goes_on(naming, shape)) {
		hc_root_places_keep(naming->places, shape->head, shape->end, naming->run.owner);
		return naming->run.owner;
	}
	hc_named_root place = { .kind = HC_PLACE_VARIABLE,
		.address = shape->head,
		.module = name.module,
		.is_library = name.module != hc_modules_executable(modules),
		.frame = -1 };
	g_autofree char *text = hc_data_name_text(&name, shape->head);
	hc_owner *owner = hc_root_places_get(naming->places, text, &place);

	hc_root_places_keep(naming->places, shape->head, shape->end, owner);
	naming->run.owner = owner;
	return owner;
}

/* The words of a head are one place. */
static void give_words(struct naming *naming, unsigned index, const hc_shape *shape, const hc_owner *owner)
{
	for (; index < naming->words->len && word_at(naming, index)->address < shape->end; index++)
		g_array_index(naming->words, struct kept_word, index).owner = owner->number;
}

/* Shapes whose heads are in the data of modules, those that a file has before all others. */
static void claim_shapes(struct naming *naming, word_rank rank)
{
	const hc_module *executable = hc_modules_executable(naming->sources.modules);
	hc_address end = 0;

	for (unsigned i = 0; i < naming->words->len; i++) {
		const struct kept_word *word = &g_array_index(naming->words, struct kept_word, i);
		hc_shape_place place;
		hc_shape shape;
		hc_owner *owner;

		if (word->is.root->kind != HC_AREA_MODULE_DATA || word->is.address < end ||
			(hc_modules_find(naming->sources.modules, word->is.address) == executable ?
					RANK_PROGRAM :
					RANK_LIBRARY) != rank ||
			!hc_propagation_find_shape(naming->propagation, word->is.address, &shape))
			continue;
		bool is_here = shape.head <= word->is.address && word->is.address < shape.end;

		owner = is_here ? owner_of_head(naming, i, &shape, &place) : NULL;
		if (!owner) {
			hc_shapes_refuse(naming->propagation->shapes);
			continue;
		}
		give_words(naming, i, &shape, owner);
		hc_propagation_claim_shape(naming->propagation, owner, &shape, &place);
		end = shape.end;
	}
	naming->last = (hc_owner_extent){ 0 };
}

/* Whether heads of such shapes have something that leads back to them: no copy of one is one. */
static bool is_led_back_to(hc_shape_kind kind)
{
	return kind == HC_SHAPE_TREE || kind == HC_SHAPE_LIST || kind == HC_SHAPE_RING || kind == HC_SHAPE_HASH;
}

/* What heads of shapes that stand in no module's data may be. */
typedef enum {
	HEADS_LED_BACK_TO, /* what something leads back to, at WORD itself: no copy of it */
	HEADS_OF_NODES,	   /* likewise, and what is met at one of its nodes */
	HEADS_ANY,	   /* copies, too */
} head_kind;

/* Whether WORD, in no module's data, is the first of a shape of KIND: there, places change from run to run. */
static bool claim_shape_elsewhere(struct naming *naming, hc_owner *owner, const hc_root_word *word, head_kind kind)
{
	hc_shape shape;

	if (!word->address || word->root->kind == HC_AREA_MODULE_DATA ||
		!hc_propagation_find_shape(naming->propagation, word->address, &shape))
		return false;
	bool is_here = shape.head <= word->address && word->address < shape.end;

	if ((kind != HEADS_ANY && !is_led_back_to(shape.kind)) || (kind == HEADS_LED_BACK_TO && !is_here)) {
		hc_shapes_refuse(naming->propagation->shapes);
		return false;
	}
	hc_propagation_claim_shape(naming->propagation, owner, &shape, &(hc_shape_place){ 0 });
	return true;
}

/* Shapes on stacks, when nothing else has what they lead to. */
static void claim_copies(struct naming *naming)
{
	for (unsigned i = 0; i < naming->words->len; i++) {
		const struct kept_word *word = &g_array_index(naming->words, struct kept_word, i);
		hc_owner *owner = word->owner && word->owner != HC_OWNER_CLOSED ?
					  hc_types_owner(naming->propagation->types, word->owner) :
					  NULL;

		if (owner && (rank_of(owner) == RANK_LASTING || rank_of(owner) >= RANK_CALLS))
			claim_shape_elsewhere(naming, owner, &word->is, HEADS_ANY);
	}
}

/* Registers, those too that a call further in has saved, are used for one thing after the other. */
static bool is_in_register(const struct naming *naming, const hc_root_word *word)
{
	return !word->address ||
	       hc_modules_saved_register_at(naming->sources.modules, word->root->owner, word->address) >= 0;
}

/* What stands in an object that is free is left over, wherever that is. */
static word_rank rank_of_word(const struct naming *naming, const hc_root_word *word, const hc_owner *owner)
{
	word_rank rank = rank_of(owner);

	if (rank == RANK_LASTING && is_in_register(naming, word))
		return RANK_CALLS;
	return rank == RANK_MAPPING && hc_parcels_is_nobodys(naming->propagation->types->parcels, word->address) ?
		       RANK_DEAD :
		       rank;
}

/* The owner of word INDEX, if it leads to what has none, and is of RANK; else NULL. */
static hc_owner *owner_to_claim(struct naming *naming, unsigned index, word_rank rank)
{
	struct kept_word *word = &g_array_index(naming->words, struct kept_word, index);

	if (!leads_to_unowned(naming, word->is.value))
		return NULL;
	if (!word->owner)
		word->owner = number_of(owner_of_word(naming, index));
	if (word->owner == HC_OWNER_CLOSED)
		return NULL;
	hc_owner *owner = hc_types_owner(naming->propagation->types, word->owner);

	/* What stands in somebody's parcel was looked at with that. */
	if (rank_of_word(naming, &word->is, owner) != rank ||
		(rank == RANK_MAPPING && hc_types_owner_outside(naming->propagation->types, word->is.address)))
		return NULL;
	return owner;
}

static void claim_word(struct naming *naming, unsigned index, word_rank rank)
{
	const hc_root_word *word = word_at(naming, index);
	hc_owner *owner = owner_to_claim(naming, index, rank);

	const hc_root_edge edge = { owner, word->value, word->address, is_in_table(naming, index) };

	if (owner && !claim_shape_elsewhere(naming, owner, word,
			     rank == RANK_LASTING || rank >= RANK_CALLS ? HEADS_OF_NODES : HEADS_ANY))
		hc_propagation_follow_word(naming->propagation, &edge);
}

/* What words of RANK lead to. */
static void claim_words(struct naming *naming, word_rank rank)
{
	for (unsigned i = 0; i < naming->words->len; i++)
		claim_word(naming, i, rank);
	naming->last = (hc_owner_extent){ 0 };
}

/*
 * What stands in frames is the outermost's, with all that it leads to, then what is in registers: an inner call was given it, or has what
 * earlier calls left in a buffer of it that is not used yet. Shapes come first: the word that begins one is not the last of its words.
 */
static void claim_calls(struct naming *naming, word_rank rank)
{
	const hc_owner *last = NULL;

	/* Registers of frames that last, in front of all that others have. */
	for (unsigned i = 0; rank == RANK_CALLS && i < naming->words->len; i++) {
		hc_owner *owner = owner_to_claim(naming, i, rank);

		if (owner && rank_of(owner) == RANK_LASTING)
			claim_word(naming, i, rank);
	}
	hc_propagation_run(naming->propagation, HC_CERTAINTY_GUESS);
	for (unsigned i = naming->words->len; i-- > 0;) {
		hc_owner *owner = word_at(naming, i)->address ? owner_to_claim(naming, i, rank) : NULL;

		if (owner)
			claim_shape_elsewhere(naming, owner, word_at(naming, i), HEADS_LED_BACK_TO);
	}
	for (unsigned i = naming->words->len; i-- > 0;) {
		hc_owner *owner = word_at(naming, i)->address ? owner_to_claim(naming, i, rank) : NULL;

		if (!owner)
			continue;
		if (last && owner != last)
			hc_propagation_run(naming->propagation, HC_CERTAINTY_GUESS);
		last = owner;
		claim_word(naming, i, rank);
	}
	naming->last = (hc_owner_extent){ 0 };
	hc_propagation_run(naming->propagation, HC_CERTAINTY_GUESS);
	claim_words(naming, rank);
}

static void claim_word_outside(struct naming *words, unsigned index, word_rank rank)
{
	hc_types *types = words->propagation->types;
	struct kept_word *word = &g_array_index(words->words, struct kept_word, index);

	if (hc_types_owner_outside(types, word->is.value))
		return;
	if (!word->owner)
		word->owner = is_constant(words, &word->is) ? HC_OWNER_CLOSED : number_of(owner_of_word(words, index));
	hc_owner *owner = word->owner != HC_OWNER_CLOSED ? hc_types_owner(types, word->owner) : NULL;

	if (owner && rank_of_word(words, &word->is, owner) == rank)
		hc_propagation_follow_outside(words->propagation, owner, word->is.value, word->is.address);
}

/* What words of RANK lead to that is not malloc's; of frames the outermost's first. WORDS are those of such roots. */
static void claim_outside(struct naming *words, word_rank rank)
{
	bool backwards = rank == RANK_LASTING || rank == RANK_CALLS;
	unsigned count = words->words->len;

	for (unsigned i = 0; i < count; i++)
		claim_word_outside(words, backwards ? count - 1 - i : i, rank);
	words->last = (hc_owner_extent){ 0 };
}

/* The words of roots that lead to memory that is not malloc's. Free `words` of it. */
static struct naming find_words_outside(const struct naming *naming)
{
	const GArray *found = naming->propagation->types->parcels->root_words;
	struct naming outside = *naming;

	outside.words = g_array_sized_new(FALSE, FALSE, sizeof(struct kept_word), found->len);
	for (unsigned i = 0; i < found->len; i++) {
		struct kept_word kept = { g_array_index(found, hc_root_word, i), 0 };

		if (!is_left_over(naming, &kept.is))
			g_array_append_val(outside.words, kept);
	}
	return outside;
}

static void find_words(struct naming *naming)
{
	g_array_set_size(naming->words, 0);
	g_hash_table_remove_all(naming->targets);
	naming->root = NULL;
	hc_references_each_root_word(naming->references, keep_word, naming);
}

/* ---- encoded pointers ---- */

static void keep_encoded(void *data, const hc_root_word *word, hc_address target)
{
	struct naming *naming = data;
	struct kept_word kept = { *word, 0 };

	kept.is.value = target;
	if (leads_to_unowned(naming, target) && naming->words->len < WORDS_MAX && !is_constant(naming, word))
		g_array_append_val(naming->words, kept);
}

/* What words of data, of threads' storage and of mappings lead to in an encoding, and what hangs below. */
static void claim_encoded(struct naming *naming)
{
	GArray *words = naming->words;

	naming->words = g_array_new(FALSE, FALSE, sizeof(struct kept_word));
	hc_references_each_encoded_root_word(naming->references, keep_encoded, naming);
	for (word_rank rank = RANK_PROGRAM; rank < RANK_CALLS && naming->words->len; rank++) {
		claim_words(naming, rank);
		hc_propagation_run(naming->propagation, HC_CERTAINTY_GUESS);
	}
	g_array_unref(naming->words);
	naming->words = words;
	hc_types_search_encoded(naming->propagation);
	hc_propagation_run(naming->propagation, HC_CERTAINTY_GUESS);
}

static bool have_any_met(const hc_types *types)
{
	for (unsigned i = 1; i < types->owners->list->len; i++)
		if (hc_types_owner(types, i)->met)
			return true;
	return false;
}

static bool is_any_joined(const hc_types *types)
{
	for (unsigned i = 1; i < types->owners->list->len; i++)
		if (hc_types_owner(types, i)->joined)
			return true;
	return false;
}

/* Joins those of whose blocks enough words lead to each other's. */
static void join_met(hc_types *types)
{
	unsigned count = types->owners->list->len;
	g_autofree uint32_t *blocks = g_new0(uint32_t, count);

	for (uint32_t i = 0; i < types->blocks->count; i++)
		if (types->owner_of[i] && types->owner_of[i] != HC_OWNER_CLOSED)
			blocks[types->owner_of[i]]++;
	/* Parents have lower numbers. */
	for (unsigned i = count; i-- > 1;) {
		const hc_owner *owner = hc_types_owner(types, i);

		if (owner->parent)
			blocks[owner->parent->number] += blocks[i];
	}
	hc_owners_join_met(types->owners, blocks);
}

/* Owners that were found to be one with another become it: what COUNT entries of OWNER_OF say. JOINED: the number of each. */
static void rename_owners(uint32_t *owner_of, uint32_t count, const uint32_t *joined)
{
	for (uint32_t i = 0; i < count; i++)
		if (owner_of[i] != HC_OWNER_CLOSED)
			owner_of[i] = joined[owner_of[i]];
}

static void join_owners(hc_types *types)
{
	unsigned count = types->owners->list->len;

	if (have_any_met(types))
		join_met(types);
	if (!is_any_joined(types))
		return;
	g_autofree uint32_t *joined = g_new0(uint32_t, count);

	for (unsigned i = 1; i < count; i++)
		joined[i] = hc_owner_joined(hc_types_owner(types, i))->number;
	rename_owners(types->owner_of, types->blocks->count, joined);
	rename_owners(types->parcel_owner, types->parcels->count, joined);
}

/* What has waited of memory that is not malloc's, and what hangs on it; what libraries lead to; then what stacks do. */
static void claim_rest_outside(struct naming *outside)
{
	hc_propagation *propagation = outside->propagation;

	hc_types_begin_turn_outside(propagation, &propagation->alias_turn);
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	hc_types_search_outside(propagation, false);
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	hc_types_begin_turn_outside(propagation, &propagation->library_turn);
	claim_outside(outside, RANK_LIBRARY);
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	claim_outside(outside, RANK_LASTING);
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	claim_outside(outside, RANK_CALLS);
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
}

/* ---- the pass ---- */

void hc_types_search_root_words(hc_propagation *propagation)
{
	hc_types *types = propagation->types;

	types->root_places = hc_root_places_create(types);
	struct naming naming = {
		.propagation = propagation,
		.references = types->references,
		.sources = { types->core, types->modules, types->blocks, types->areas },
		.words = g_array_new(FALSE, FALSE, sizeof(struct kept_word)),
		.targets = g_hash_table_new(NULL, NULL),
		.places = types->root_places,
	};

	find_words(&naming);
	find_vectors(&naming);
	struct naming outside = find_words_outside(&naming);

	claim_shapes(&naming, RANK_PROGRAM);
	claim_words(&naming, RANK_PROGRAM);
	claim_outside(&outside, RANK_PROGRAM);
	hc_types_search_untyped(propagation);
	hc_types_search_outside(propagation, true);
	for (unsigned step = 0; step < LIBRARIES_WAIT; step++)
		hc_propagation_step(propagation);
	hc_propagation_take_libraries(propagation);
	claim_shapes(&naming, RANK_LIBRARY);
	claim_words(&naming, RANK_LIBRARY);
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	claim_rest_outside(&outside);
	hc_types_search_typed(propagation);
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	hc_types_begin_turn_outside(propagation, &propagation->unused_turn);
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	claim_calls(&naming, RANK_LASTING);
	claim_words(&naming, RANK_MAPPING);
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	hc_types_search_outside(propagation, false);
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	hc_propagation_run_strays(propagation);
	claim_encoded(&naming);
	/* Of many, some were left out while others' blocks had no owner. */
	if (naming.words->len >= WORDS_MANY)
		find_words(&naming);
	claim_calls(&naming, RANK_CALLS);
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	claim_words(&naming, RANK_DEAD);
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	hc_propagation_run_strays(propagation);
	claim_copies(&naming);
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	hc_types_settle_pools(propagation);
	hc_propagation_run_strays(propagation);
	hc_propagation_run_last(propagation);
	hc_types_search_buffers(propagation);
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	hc_propagation_run_strays(propagation);
	join_owners(types);
	hc_root_places_close(types->root_places);
	g_array_unref(naming.words);
	g_array_unref(outside.words);
	g_hash_table_unref(naming.targets);
}
