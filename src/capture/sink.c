/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A core that is compressed is one zstd frame (RFC 8878) with its length and a checksum, as any zstd reads it. It has to be written from its
 * beginning to its end, while a plain one may be written anywhere. The level is the fastest: for as long as it takes there is a copy of
 * the process.
 */
#include "capture/sink.h"

#include <errno.h>
#include <unistd.h>
#include <zstd.h>

enum {
	LEVEL = 1,
	WORKERS_MAX = 4,
	ZEROS = 64 << 10 /* bytes that are written at once where there is nothing */
};

bool hc_core_sink_init(hc_core_sink *sink, int file, bool compressed, GError **error)
{
	*sink = (hc_core_sink){ .file = file };
	if (!compressed)
		return true;
	sink->zstd = ZSTD_createCCtx();
	sink->buffer = g_try_malloc(ZSTD_CStreamOutSize());
	if (!sink->zstd || !sink->buffer) {
		g_set_error_literal(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory to compress the core");
		return false;
	}
	ZSTD_CCtx_setParameter(sink->zstd, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(sink->zstd, ZSTD_c_checksumFlag, 1);
	/* Fails, and need not be, where the library was built without threads. */
	ZSTD_CCtx_setParameter(sink->zstd, ZSTD_c_nbWorkers, (int)MIN(g_get_num_processors(), WORKERS_MAX));
	return true;
}

static bool fail(const char *what, GError **error)
{
	g_set_error(error, HC_ERROR, HC_ERROR_IO, "%s: %s", what, g_strerror(errno));
	return false;
}

bool hc_core_sink_set_length(hc_core_sink *sink, uint64_t length, GError **error)
{
	sink->length = length;
	if (sink->zstd)
		return !ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(sink->zstd, length));
	return !ftruncate(sink->file, (off_t)length) ||
	       fail("cannot make the core as long as the process's memory", error);
}

static bool write_plain(int file, const uint8_t *bytes, size_t size, uint64_t offset, bool appends, GError **error)
{
	while (size) {
		ssize_t done = appends ? write(file, bytes, size) : pwrite(file, bytes, size, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return fail("cannot write the core", error);
		bytes += done;
		offset += done;
		size -= done;
	}
	return true;
}

/* What has been compressed of DATA, or (ENDS) all that is left, goes to the file. */
static bool compress(hc_core_sink *sink, const void *data, size_t size, bool ends, GError **error)
{
	ZSTD_inBuffer in = { data, size, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { sink->buffer, ZSTD_CStreamOutSize(), 0 };

		left = ZSTD_compressStream2(sink->zstd, &out, &in, ends ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left)) {
			g_set_error(
				error, HC_ERROR, HC_ERROR_IO, "cannot compress the core: %s", ZSTD_getErrorName(left));
			return false;
		}
		if (!write_plain(sink->file, sink->buffer, out.pos, 0, true, error))
			return false;
	} while (ends ? left > 0 : in.pos < in.size);
	sink->position += size;
	return true;
}

static bool compress_zeros(hc_core_sink *sink, uint64_t until, GError **error)
{
	static const uint8_t zeros[ZEROS];

	while (sink->position < until)
		if (!compress(sink, zeros, MIN(until - sink->position, sizeof zeros), false, error))
			return false;
	return true;
}

bool hc_core_sink_write(hc_core_sink *sink, const void *data, size_t size, uint64_t offset, GError **error)
{
	if (!sink->zstd)
		return write_plain(sink->file, data, size, offset, false, error);
	return compress_zeros(sink, offset, error) && compress(sink, data, size, false, error);
}

bool hc_core_sink_close(hc_core_sink *sink, GError **error)
{
	int file = sink->file;

	if (sink->zstd && !(compress_zeros(sink, sink->length, error) && compress(sink, NULL, 0, true, error)))
		return false;
	sink->file = -1;
	return !close(file) || fail("cannot write the core", error);
}

void hc_core_sink_clear(hc_core_sink *sink)
{
	ZSTD_freeCCtx(sink->zstd);
	g_free(sink->buffer);
	if (sink->file >= 0)
		close(sink->file);
	*sink = (hc_core_sink){ .file = -1 };
}
