/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/codecs.h"

#include <zstd.h>
#include <zstd_errors.h>

static void *open_zstd(void)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();

	if (context)
		ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, HC_CODEC_WINDOW_BITS);
	return context;
}

static hc_codec_result run_zstd(void *state, hc_codec_step *step)
{
	ZSTD_inBuffer in = { step->in, step->in_size, 0 };
	ZSTD_outBuffer out = { step->out, step->out_size, 0 };
	size_t result = ZSTD_decompressStream(state, &out, &in);

	step->in += in.pos;
	step->in_size -= in.pos;
	step->out += out.pos;
	step->out_size -= out.pos;
	if (!ZSTD_isError(result))
		return result ? HC_CODEC_GOES_ON : HC_CODEC_FRAME_ENDED;
	step->why = ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge ?
			    "it takes more memory than is allowed: zstd -d --long=31 does it" :
			    ZSTD_getErrorName(result);
	return HC_CODEC_FAILED;
}

static void close_zstd(void *state)
{
	ZSTD_freeDCtx(state);
}

const hc_decoder hc_decoder_zstd = { open_zstd, run_zstd, close_zstd, ZSTD_versionString };
