/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/codecs.h"

#include <glib.h>
#include <lzma.h>

/* Streams end by themselves, and the same memory serves the next one. */
static bool begin(lzma_stream *stream)
{
	return lzma_stream_decoder(stream, HC_CODEC_MEMORY, 0) == LZMA_OK;
}

static void *open_xz(void)
{
	lzma_stream *stream = g_try_new0(lzma_stream, 1), initial = LZMA_STREAM_INIT;

	if (!stream)
		return NULL;
	*stream = initial;
	if (begin(stream))
		return stream;
	g_free(stream);
	return NULL;
}

static const char *why(lzma_ret result)
{
	switch (result) {
	case LZMA_MEM_ERROR:
		return "out of memory";
	case LZMA_MEMLIMIT_ERROR:
		return "it takes more memory than is allowed: unxz does it";
	case LZMA_OPTIONS_ERROR:
		return "it was compressed with options that are not supported";
	default:
		return "its data is damaged";
	}
}

static hc_codec_result run_xz(void *state, hc_codec_step *step)
{
	lzma_stream *stream = state;

	stream->next_in = step->in;
	stream->avail_in = step->in_size;
	stream->next_out = step->out;
	stream->avail_out = step->out_size;
	lzma_ret result = lzma_code(stream, LZMA_RUN);

	step->in = stream->next_in;
	step->in_size = stream->avail_in;
	step->out = stream->next_out;
	step->out_size = stream->avail_out;
	if (result == LZMA_STREAM_END && begin(stream))
		return HC_CODEC_FRAME_ENDED;
	if (result == LZMA_OK || result == LZMA_BUF_ERROR)
		return HC_CODEC_GOES_ON;
	step->why = result == LZMA_STREAM_END ? why(LZMA_MEM_ERROR) : why(result);
	return HC_CODEC_FAILED;
}

static void close_xz(void *state)
{
	if (state)
		lzma_end(state);
	g_free(state);
}

const hc_decoder hc_decoder_xz = { open_xz, run_xz, close_xz, lzma_version_string };
