/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a core may be compressed with. A decoder reads one frame (gzip: member, xz: stream) after the other; what stands between them, and
 * what a file that is cut or damaged is worth, is compressed.c's.
 *
 * To add one: codec_NAME.c with an hc_decoder; a row in the table of codecs.c; its library in configure.ac and sources.am.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HC_CODEC_HEAD = 8, /* bytes that tell every codec */
	HC_CODEC_WINDOW_BITS =
		27, /* of what a frame looks back at: one that needs more is refused, as it takes memory */
	HC_CODEC_MEMORY = 256 << 20 /* bytes; the same, where the library counts all that it takes */
};

typedef enum {
	HC_CODEC_GOES_ON,
	HC_CODEC_FRAME_ENDED,
	HC_CODEC_FAILED, /* `why` says it */
} hc_codec_result;

/* What is read and written next; run() moves both on. */
typedef struct hc_codec_step {
	const uint8_t *in;
	size_t in_size;
	uint8_t *out;
	size_t out_size;
	const char *why; /* valid until the next call */
} hc_codec_step;

typedef struct hc_decoder {
	void *(*open)(void); /* NULL: no memory */
	hc_codec_result (*run)(void *state, hc_codec_step *step);
	void (*close)(void *state); /* NULL is fine */
	const char *(*version)(void); /* of the library that is loaded */
} hc_decoder;

extern const hc_decoder hc_decoder_zstd, hc_decoder_lz4, hc_decoder_gzip, hc_decoder_xz;

typedef struct hc_codec {
	const char *name;    /* as one says it: "zstd" */
	const char *suffix;  /* of its files: ".zst" */
	const char *by_hand; /* the command that does the same */
	const char *library;
	const uint8_t magic[6];
	unsigned magic_size;
	const hc_decoder *decoder; /* NULL: the library was not there when this was built */
} hc_codec;

/* Which one a file has that begins with the SIZE bytes at HEAD; NULL: none that is known. */
const hc_codec *hc_codec_find(const uint8_t *head, size_t size);

/* Whether that is the beginning of a frame of CODEC. */
bool hc_codec_begins(const hc_codec *codec, const uint8_t *head, size_t size);

/* The bytes, its header's too, of a frame that holds nothing, as zstd and lz4 have them; 0: none begins here. */
uint64_t hc_codec_skippable(const uint8_t *head, size_t size);

/* Whether END, the end of a file's name, is "" or a codec's suffix. */
bool hc_codec_is_suffix(const char *end);
