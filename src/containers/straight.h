/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many containers of one layout, straight.
 *
 * There are millions, and each is small: most of a walk would be what has to be made ready for one. So what the description wants of an
 * object (its checks, and the values of some keys) is put together once for the layout, as one program, and of what a walk does only those
 * steps are left that a sound container takes. Whatever is not as usual is left to a walk like any other, which knows a reason: what is said
 * here is what it would say, and charges what it would charge.
 *
 *	straight.c		the program
 *	straight_rows.c		elements in a row
 *	straight_trees.c	small trees
 *	straight_objects.c	smart pointers: these need no program
 */
#pragma once

#include "base/parallel.h"
#include "containers/walker.h"

enum {
	HC_STRAIGHT_WORDS_MAX = 4,
};

/* A word of the object that is the value of a key. */
typedef struct hc_plain_word {
	uint64_t offset;
	unsigned key;
} hc_plain_word;

/* What reads the containers of one layout, for one thread. */
typedef struct hc_straight {
	_Alignas(HC_APART) hc_walker walker;
	hc_walk walk; /* the walker's */
	hc_plain_word words[HC_STRAIGHT_WORDS_MAX];
	unsigned word_count;
	uint64_t known;	    /* keys that these are */
	hc_program program; /* works all other values out, and looks whether the checks hold */
	GArray *code;	    /* of hc_instruction: its */
} hc_straight;

/* Whether straight walks of LAYOUT, which is pure, may be worth it: few checks, no other memory, no pointer on the way to it. */
bool hc_layout_may_be_straight(const hc_layout *layout);

/* Whether KEY is one number for all objects: OTHERWISE where there is no such key. */
bool hc_layout_is_constant(const hc_layout *layout, hc_key key, uint64_t otherwise, uint64_t *ret_value);

/* First it begins; then the keys whose values are wanted are appended; then it is ready. Cleared in the end, in any case. */
void hc_straight_begin(hc_straight *straight, const hc_layout *layout, hc_reader *reader);
void hc_straight_ready(hc_straight *straight);
void hc_straight_clear(hc_straight *straight);

/* Where the value of KEY stands once an object was read; OTHERWISE where there is no such key. */
const uint64_t *hc_straight_append(hc_straight *straight, hc_key key, const uint64_t *otherwise);

/* All that the description wants of the object at ADDRESS. FALSE: it is not in one piece of memory, or not sound. */
static inline bool hc_straight_read(hc_straight *straight, hc_address address)
{
	hc_walker *walker = &straight->walker;
	const hc_layout *layout = walker->layout;
	hc_reader *reader = walker->reader;

	if (address & layout->object_mask)
		return false;
	walker->address = address;
	walker->object = hc_reader_at(reader, address, layout->object_size);
	if (!walker->object || walker->object == reader->scratch)
		return false;
	for (unsigned i = 0; i < straight->word_count; i++)
		walker->values[straight->words[i].key] =
			hc_load_word(walker->object + straight->words[i].offset, reader->format);
	walker->known = straight->known;
	walker->failed = 0;
	return !straight->program.length || hc_walker_run(walker, &straight->program, &(uint64_t){ 0 });
}
