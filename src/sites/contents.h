/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What calls put into what they allocate (contents.c), and how it agrees with blocks (agree.c). */
#pragma once

#include "sites/sites_state.h"

enum content_kind {
	CONTENT_UNKNOWN, /* something */
	CONTENT_VALUE,	 /* `value` */
	CONTENT_BLOCK,	 /* a place `into` what another call gives, which asks for `value` bytes; 0: not known */
	CONTENT_ITSELF,	 /* a place `into` the object, or into what the same call gave before */
};

enum word_kind {
	WORD_ZERO,
	WORD_NUMBER, /* small, of either sign */
	WORD_BLOCK,  /* leads to the beginning of a block */
	WORD_INSIDE, /* ... into one */
	WORD_MODULE,
	WORD_OTHER, /* bits, text, an address of a mapping */
};

/* agree.c */
enum word_kind hc_sites_kind_of_word(const hc_sites *sites, uint64_t word);

/* What is put into an object. */
struct content {
	int64_t offset;
	uint64_t value;
	int64_t into;
	uint8_t width; /* bytes; may be more than 8, of CONTENT_UNKNOWN */
	uint8_t kind;
	uint8_t expected; /* enum word_kind: what `value` is */
};

/* GArray of struct content, by offset: all that SITE's function is seen to put into what the call gives. It belongs to SITES. */
const GArray *hc_sites_contents(hc_sites *sites, const hc_site *site);

enum {
	LOOKED_AT = 1024, /* bytes of a block */
};

struct sample {
	hc_address address;
	uint64_t size; /* bytes that are looked at */
	union {
		uint8_t bytes[LOOKED_AT];
		uint64_t words[LOOKED_AT / 8];
	};
	uint8_t kinds[LOOKED_AT / 8]; /* agree.c: what its words are */
};

/* Finds out what the words of SAMPLE are, whose address, size and bytes are there. */
void hc_sample_examine(const hc_sites *sites, struct sample *sample);

enum {
	POINTS_NONE = INT16_MIN, /* it cannot be: what is put there is of another kind than what is there */
	POINTS_STRONG = 6,	 /* hardly by chance */
};

/* How CONTENTS agree with SAMPLE: more is better, 0 says nothing. */
int hc_sample_points(const hc_sites *sites, const GArray *contents, const struct sample *sample);
