/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/codecs.h"

#include "base/word.h"
#include "core/core.h"

#include "config.h"

#include <glib.h>
#include <string.h>

#if HAVE_LZ4
#define LZ4 &hc_decoder_lz4
#else
#define LZ4 NULL
#endif

#if HAVE_ZLIB
#define GZIP &hc_decoder_gzip
#else
#define GZIP NULL
#endif

#if HAVE_LZMA
#define XZ &hc_decoder_xz
#else
#define XZ NULL
#endif

/* RFC 8878; lz4_Frame_format.md of lz4; RFC 1952, with the only method that there is; xz-file-format.txt of xz. */
static const hc_codec codecs[] = {
	{ "zstd", ".zst", "zstd -d", "libzstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, &hc_decoder_zstd },
	{ "lz4", ".lz4", "lz4 -d", "liblz4", { 0x04, 0x22, 0x4d, 0x18 }, 4, LZ4 },
	{ "gzip", ".gz", "gunzip", "zlib", { 0x1f, 0x8b, 8 }, 3, GZIP },
	{ "xz", ".xz", "unxz", "liblzma", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, XZ },
};

bool hc_codec_begins(const hc_codec *codec, const uint8_t *head, size_t size)
{
	return (size >= codec->magic_size && !memcmp(head, codec->magic, codec->magic_size)) ||
	       (codec->magic_size == 4 && hc_codec_skippable(head, size));
}

const hc_codec *hc_codec_find(const uint8_t *head, size_t size)
{
	uint64_t skipped = 0, next;

	/* Frames that hold nothing (pzstd begins with one) are of zstd, unless a frame of lz4's comes behind them. */
	while ((next = hc_codec_skippable(head + skipped, size - skipped)) && next < size - skipped)
		skipped += next;
	for (unsigned i = 0; i < G_N_ELEMENTS(codecs); i++)
		if (size - skipped >= codecs[i].magic_size &&
			!memcmp(head + skipped, codecs[i].magic, codecs[i].magic_size))
			return &codecs[i];
	return hc_codec_skippable(head, size) ? &codecs[0] : NULL;
}

uint64_t hc_codec_skippable(const uint8_t *head, size_t size)
{
	bool swap = G_BYTE_ORDER == G_BIG_ENDIAN;

	return size >= 8 && (hc_load_u32(head, swap) & ~0xfu) == 0x184d2a50 ?
		       (uint64_t)hc_load_u32(head + 4, swap) + 8 :
		       0;
}

bool hc_codec_is_suffix(const char *end)
{
	bool is = !*end;

	for (unsigned i = 0; i < G_N_ELEMENTS(codecs); i++)
		is = is || !strcmp(end, codecs[i].suffix);
	return is;
}

bool hc_core_library(unsigned index, const char **ret_name, const char **ret_version)
{
	if (index >= G_N_ELEMENTS(codecs))
		return false;
	*ret_name = codecs[index].library;
	*ret_version = codecs[index].decoder ? codecs[index].decoder->version() : NULL;
	return true;
}
