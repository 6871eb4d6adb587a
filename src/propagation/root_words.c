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
#include "propagation/root_words.h"

#include <inttypes.h>

enum {
	TABLE_NEXT = 64,      /* bytes from a word to the next of a hash table, mostly */
	RUN_LEAST = 8,	      /* shapes at one distance from each other that are not told apart */
	LIBRARIES_WAIT = 3,   /* steps by which the program's own data is ahead of that of libraries */
	WORDS_MANY = 1 << 22, /* of more words than these, a root has one for each block */
	WORDS_MAX = 1 << 25   /* ... and what more than these lead to is nobody's */
};

/* Whether a word of the root that WORD stands in leads to that block already; from now on one does. */
static bool is_led_to(struct hc_naming *naming, const hc_root_word *word)
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

/* Whether WORD is an item of a free list behind its count. */
static bool is_left_over(const struct hc_naming *naming, const hc_root_word *word)
{
	return word->address &&
	       g_hash_table_contains(naming->propagation->left_over, (gconstpointer)(uintptr_t)word->address);
}

static void keep_word(void *data, const hc_root_word *word)
{
	struct hc_naming *naming = data;
	struct hc_kept_word kept = { *word, 0 };

	if (!hc_naming_is_unowned(naming, word->value) || naming->words->len >= WORDS_MAX ||
		hc_naming_is_constant(naming, word) || is_left_over(naming, word) ||
		(naming->words->len >= WORDS_MANY && is_led_to(naming, word)))
		return;
	g_array_append_val(naming->words, kept);
}

/* ---- claims ---- */

static uint32_t number_of(const hc_owner *owner)
{
	return owner ? owner->number : HC_OWNER_CLOSED;
}

/* Whether words I and J stand side by side, and lead to blocks of one size. */
static bool are_of_table(const struct hc_naming *naming, unsigned i, unsigned j)
{
	if (j >= naming->words->len)
		return false;
	const hc_root_word *a = hc_naming_word(naming, i), *b = hc_naming_word(naming, j);

	return a->root == b->root && a->address &&
	       MAX(a->address, b->address) - MIN(a->address, b->address) <= TABLE_NEXT && a->value != b->value &&
	       hc_naming_target_size(naming, i) == hc_naming_target_size(naming, j);
}

static bool is_in_table(const struct hc_naming *naming, unsigned index)
{
	return are_of_table(naming, index, index + 1) || (index && are_of_table(naming, index, index - 1));
}

/* Vectors that lie in data, or on a stack. */
static void find_vectors(struct hc_naming *naming)
{
	unsigned size = naming->propagation->format.size;

	for (unsigned i = 0; i + 2 < naming->words->len; i++) {
		const hc_root_word *a = hc_naming_word(naming, i), *b = hc_naming_word(naming, i + 1),
				   *c = hc_naming_word(naming, i + 2);
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
static bool goes_on(struct hc_naming *naming, const hc_shape *shape)
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
static hc_owner *owner_of_head(
	struct hc_naming *naming, unsigned index, const hc_shape *shape, hc_shape_place *ret_place)
{
	hc_modules *modules = naming->sources.modules;
	hc_data_name name;

	*ret_place = (hc_shape_place){ 0 };
	if (hc_naming_word(naming, index)->root->kind != HC_AREA_MODULE_DATA ||
		!hc_modules_data_name(modules, shape->head, &name))
		return hc_naming_owner(naming, index);
	ret_place->has_offset = true;
	if (name.symbol) {
		ret_place->offset = shape->head - name.start;
		return hc_naming_owner(naming, index);
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
static void give_words(struct hc_naming *naming, unsigned index, const hc_shape *shape, const hc_owner *owner)
{
	for (; index < naming->words->len && hc_naming_word(naming, index)->address < shape->end; index++)
		g_array_index(naming->words, struct hc_kept_word, index).owner = owner->number;
}

/* Shapes whose heads are in the data of modules, those that a file has before all others. */
static void claim_shapes(struct hc_naming *naming, hc_word_rank rank)
{
	const hc_module *executable = hc_modules_executable(naming->sources.modules);
	hc_address end = 0;

	for (unsigned i = 0; i < naming->words->len; i++) {
		const struct hc_kept_word *word = &g_array_index(naming->words, struct hc_kept_word, i);
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
static bool claim_shape_elsewhere(struct hc_naming *naming, hc_owner *owner, const hc_root_word *word, head_kind kind)
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
static void claim_copies(struct hc_naming *naming)
{
	for (unsigned i = 0; i < naming->words->len; i++) {
		const struct hc_kept_word *word = &g_array_index(naming->words, struct hc_kept_word, i);
		hc_owner *owner = word->owner && word->owner != HC_OWNER_CLOSED ?
					  hc_types_owner(naming->propagation->types, word->owner) :
					  NULL;

		if (owner && (hc_word_rank_of(owner) == RANK_LASTING || hc_word_rank_of(owner) >= RANK_CALLS))
			claim_shape_elsewhere(naming, owner, &word->is, HEADS_ANY);
	}
}

/* The owner of word INDEX, if it leads to what has none, and is of RANK; else NULL. */
static hc_owner *owner_to_claim(struct hc_naming *naming, unsigned index, hc_word_rank rank)
{
	struct hc_kept_word *word = &g_array_index(naming->words, struct hc_kept_word, index);

	if (!hc_naming_is_unowned(naming, word->is.value))
		return NULL;
	if (!word->owner)
		word->owner = number_of(hc_naming_owner(naming, index));
	if (word->owner == HC_OWNER_CLOSED)
		return NULL;
	hc_owner *owner = hc_types_owner(naming->propagation->types, word->owner);

	/* What stands in somebody's parcel was looked at with that. */
	if (hc_naming_rank(naming, &word->is, owner) != rank ||
		(rank == RANK_MAPPING && hc_types_owner_outside(naming->propagation->types, word->is.address)))
		return NULL;
	return owner;
}

static void claim_word(struct hc_naming *naming, unsigned index, hc_word_rank rank)
{
	const hc_root_word *word = hc_naming_word(naming, index);
	hc_owner *owner = owner_to_claim(naming, index, rank);

	const hc_root_edge edge = { owner, word->value, word->address, is_in_table(naming, index) };

	if (owner && !claim_shape_elsewhere(naming, owner, word,
			     rank == RANK_LASTING || rank >= RANK_CALLS ? HEADS_OF_NODES : HEADS_ANY))
		hc_propagation_follow_word(naming->propagation, &edge);
}

/* What words of RANK lead to. */
static void claim_words(struct hc_naming *naming, hc_word_rank rank)
{
	for (unsigned i = 0; i < naming->words->len; i++)
		claim_word(naming, i, rank);
	naming->last = (hc_owner_extent){ 0 };
}

/*
 * What stands in frames is the outermost's, with all that it leads to, then what is in registers: an inner call was given it, or has what
 * earlier calls left in a buffer of it that is not used yet. Shapes come first: the word that begins one is not the last of its words.
 */
static void claim_calls(struct hc_naming *naming, hc_word_rank rank)
{
	const hc_owner *last = NULL;

	/* Registers of frames that last, in front of all that others have. */
	for (unsigned i = 0; rank == RANK_CALLS && i < naming->words->len; i++) {
		hc_owner *owner = owner_to_claim(naming, i, rank);

		if (owner && hc_word_rank_of(owner) == RANK_LASTING)
			claim_word(naming, i, rank);
	}
	hc_propagation_run(naming->propagation, HC_CERTAINTY_GUESS);
	for (unsigned i = naming->words->len; i-- > 0;) {
		hc_owner *owner = hc_naming_word(naming, i)->address ? owner_to_claim(naming, i, rank) : NULL;

		if (owner)
			claim_shape_elsewhere(naming, owner, hc_naming_word(naming, i), HEADS_LED_BACK_TO);
	}
	for (unsigned i = naming->words->len; i-- > 0;) {
		hc_owner *owner = hc_naming_word(naming, i)->address ? owner_to_claim(naming, i, rank) : NULL;

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

static void claim_word_outside(struct hc_naming *words, unsigned index, hc_word_rank rank)
{
	hc_types *types = words->propagation->types;
	struct hc_kept_word *word = &g_array_index(words->words, struct hc_kept_word, index);

	if (hc_types_owner_outside(types, word->is.value))
		return;
	if (!word->owner)
		word->owner = hc_naming_is_constant(words, &word->is) ? HC_OWNER_CLOSED :
									number_of(hc_naming_owner(words, index));
	hc_owner *owner = word->owner != HC_OWNER_CLOSED ? hc_types_owner(types, word->owner) : NULL;

	if (owner && hc_naming_rank(words, &word->is, owner) == rank)
		hc_propagation_follow_outside(words->propagation, owner, word->is.value, word->is.address);
}

/* What words of RANK lead to that is not malloc's; of frames the outermost's first. WORDS are those of such roots. */
static void claim_outside(struct hc_naming *words, hc_word_rank rank)
{
	bool backwards = rank == RANK_LASTING || rank == RANK_CALLS;
	unsigned count = words->words->len;

	for (unsigned i = 0; i < count; i++)
		claim_word_outside(words, backwards ? count - 1 - i : i, rank);
	words->last = (hc_owner_extent){ 0 };
}

/* The words of roots that lead to memory that is not malloc's. Free `words` of it. */
static struct hc_naming find_words_outside(const struct hc_naming *naming)
{
	const GArray *found = naming->propagation->types->parcels->root_words;
	struct hc_naming outside = *naming;

	outside.words = g_array_sized_new(FALSE, FALSE, sizeof(struct hc_kept_word), found->len);
	for (unsigned i = 0; i < found->len; i++) {
		struct hc_kept_word kept = { g_array_index(found, hc_root_word, i), 0 };

		if (!is_left_over(naming, &kept.is))
			g_array_append_val(outside.words, kept);
	}
	return outside;
}

static void find_words(struct hc_naming *naming)
{
	g_array_set_size(naming->words, 0);
	g_hash_table_remove_all(naming->targets);
	naming->root = NULL;
	hc_references_each_root_word(naming->references, keep_word, naming);
}

/* ---- encoded pointers ---- */

static void keep_encoded(void *data, const hc_root_word *word, hc_address target)
{
	struct hc_naming *naming = data;
	struct hc_kept_word kept = { *word, 0 };

	kept.is.value = target;
	if (hc_naming_is_unowned(naming, target) && naming->words->len < WORDS_MAX &&
		!hc_naming_is_constant(naming, word))
		g_array_append_val(naming->words, kept);
}

/* What words of data, of threads' storage and of mappings lead to in an encoding, and what hangs below. */
static void claim_encoded(struct hc_naming *naming)
{
	GArray *words = naming->words;

	naming->words = g_array_new(FALSE, FALSE, sizeof(struct hc_kept_word));
	hc_references_each_encoded_root_word(naming->references, keep_encoded, naming);
	for (hc_word_rank rank = RANK_PROGRAM; rank < RANK_CALLS && naming->words->len; rank++) {
		claim_words(naming, rank);
		hc_propagation_run(naming->propagation, HC_CERTAINTY_GUESS);
	}
	g_array_unref(naming->words);
	naming->words = words;
	hc_types_search_encoded(naming->propagation);
	hc_propagation_run(naming->propagation, HC_CERTAINTY_GUESS);
}

/* What has waited of memory that is not malloc's, and what hangs on it; what libraries lead to; then what stacks do. */
static void claim_rest_outside(struct hc_naming *outside)
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
	struct hc_naming naming = {
		.propagation = propagation,
		.references = types->references,
		.sources = { types->core, types->modules, types->blocks, types->areas },
		.words = g_array_new(FALSE, FALSE, sizeof(struct hc_kept_word)),
		.targets = g_hash_table_new(NULL, NULL),
		.places = types->root_places,
	};

	find_words(&naming);
	find_vectors(&naming);
	struct hc_naming outside = find_words_outside(&naming);

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
	hc_types_join_owners(types);
	hc_root_places_close(types->root_places);
	g_array_unref(naming.words);
	g_array_unref(outside.words);
	g_hash_table_unref(naming.targets);
}
