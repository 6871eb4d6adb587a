/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/codecs.h"

#include <lz4.h>
#include <lz4frame.h>

static void *open_lz4(void)
{
	LZ4F_dctx *context;

	return LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) ? NULL : context;
}

static hc_codec_result run_lz4(void *state, hc_codec_step *step)
{
	size_t taken = step->in_size, given = step->out_size;
	size_t result = LZ4F_decompress(state, step->out, &given, step->in, &taken, NULL);

	if (LZ4F_isError(result)) {
		step->why = LZ4F_getErrorName(result);
		return HC_CODEC_FAILED;
	}
	step->in += taken;
	step->in_size -= taken;
	step->out += given;
	step->out_size -= given;
	return result ? HC_CODEC_GOES_ON : HC_CODEC_FRAME_ENDED;
}

static void close_lz4(void *state)
{
	LZ4F_freeDecompressionContext(state);
}

const hc_decoder hc_decoder_lz4 = { open_lz4, run_lz4, close_lz4, LZ4_versionString };
