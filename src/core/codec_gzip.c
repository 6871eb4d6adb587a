/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/codecs.h"

#include <glib.h>
#include <zlib.h>

enum {
	GZIP_ONLY = 16 /* added to the window's bits: see inflateInit2() */
};

static void *open_gzip(void)
{
	z_stream *stream = g_try_new0(z_stream, 1);

	if (!stream || inflateInit2(stream, MAX_WBITS + GZIP_ONLY) == Z_OK)
		return stream;
	g_free(stream);
	return NULL;
}

static const char *why(int result)
{
	return result == Z_MEM_ERROR ? "out of memory" : "its data is damaged";
}

static hc_codec_result run_gzip(void *state, hc_codec_step *step)
{
	z_stream *stream = state;

	stream->next_in = (uint8_t *)step->in;
	stream->avail_in = (uInt)MIN(step->in_size, G_MAXINT);
	stream->next_out = step->out;
	stream->avail_out = (uInt)MIN(step->out_size, G_MAXINT);
	int result = inflate(stream, Z_NO_FLUSH);

	step->in_size -= stream->next_in - step->in;
	step->in = stream->next_in;
	step->out_size -= stream->next_out - step->out;
	step->out = stream->next_out;
	if (result == Z_STREAM_END) {
		inflateReset(stream);
		return HC_CODEC_FRAME_ENDED;
	}
	if (result == Z_OK || result == Z_BUF_ERROR)
		return HC_CODEC_GOES_ON;
	step->why = stream->msg ? stream->msg : why(result);
	return HC_CODEC_FAILED;
}

static void close_gzip(void *state)
{
	if (state)
		inflateEnd(state);
	g_free(state);
}

const hc_decoder hc_decoder_gzip = { open_gzip, run_gzip, close_gzip, zlibVersion };
