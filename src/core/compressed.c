/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cores that are compressed with zstd, as `heapcore capture --compress` and systemd-coredump(8) write them.
 *
 * All that reads a core maps it: so it is written down once more, as it was, in a file without a name on the disk, with holes where it is
 * zero. What was compressed and then cut gives a core that is cut, which is told of as of any other.
 */
#include "core/core_state.h"

#include "base/scratch.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

enum {
	PAGE = 4096,
	PIECE = 1 << 20, /* bytes that are written at once; whole pages */
	LENGTH_MAX_BITS = 46
};

typedef struct decompression {
	const char *path;
	int from, to; /* descriptors */
	char *folder; /* where TO is; owned */
	ZSTD_DCtx *context;
	uint8_t *input, *output; /* ZSTD_DStreamInSize() bytes, PIECE */
	size_t filled;		 /* of OUTPUT */
	uint64_t length;	 /* bytes that are written, or left out as zeros */
} decompression;

bool hc_core_is_compressed(int file)
{
	uint8_t magic[4];
	static const uint8_t zstd[4] = { 0x28, 0xb5, 0x2f, 0xfd };

	return pread(file, magic, sizeof magic, 0) == sizeof magic && !memcmp(magic, zstd, sizeof magic);
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, size - 1);
}

static bool fail_room(const decompression *task, GError **error)
{
	char text[HC_TEXT_SIZE_LENGTH];

	g_set_error(error, HC_ERROR, HC_ERROR_IO,
		"%s: there is no room to decompress it in %s: %s of it were written. Name another folder with TMPDIR",
		task->path, task->folder, hc_text_size(text, task->length));
	return false;
}

/* Writes what is in OUTPUT, pages of zeros left out. */
static bool write_piece(decompression *task, GError **error)
{
	if (hc_scratch_room(task->to) < task->filled)
		return fail_room(task, error);
	for (size_t at = 0, end; at < task->filled; at = end) {
		end = MIN(at + PAGE, task->filled);
		if (is_zero(task->output + at, end - at))
			continue;
		while (end < task->filled && !is_zero(task->output + end, MIN(PAGE, task->filled - end)))
			end = MIN(end + PAGE, task->filled);
		if (pwrite(task->to, task->output + at, end - at, (off_t)(task->length + at)) != (ssize_t)(end - at))
			return fail_room(task, error);
	}
	task->length += task->filled;
	task->filled = 0;
	if (!(task->length >> LENGTH_MAX_BITS))
		return true;
	g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED, "%s: decompressed it is longer than any core", task->path);
	return false;
}

static bool decompress_piece(decompression *task, size_t size, GError **error)
{
	ZSTD_inBuffer in = { task->input, size, 0 };
	bool more = true;

	while (in.pos < in.size || more) {
		ZSTD_outBuffer out = { task->output, PIECE, task->filled };
		size_t result = ZSTD_decompressStream(task->context, &out, &in);

		if (ZSTD_isError(result)) {
			g_set_error(error, HC_ERROR, HC_ERROR_BAD_DATA, "%s: cannot decompress it: %s", task->path,
				ZSTD_getErrorName(result));
			return false;
		}
		task->filled = out.pos;
		more = task->filled == PIECE; /* there may be more in the context */
		if (more && !write_piece(task, error))
			return false;
	}
	return true;
}

static bool decompress(decompression *task, GError **error)
{
	for (;;) {
		ssize_t got = read(task->from, task->input, ZSTD_DStreamInSize());

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			g_set_error(error, HC_ERROR, HC_ERROR_IO, "%s: %s", task->path, g_strerror(errno));
			return false;
		}
		if (!got)
			break;
		if (!decompress_piece(task, (size_t)got, error))
			return false;
	}
	return write_piece(task, error) && (!ftruncate(task->to, (off_t)task->length) || fail_room(task, error));
}

int hc_core_decompress(int file, const char *path, GError **error)
{
	char *folder = NULL;
	int scratch = hc_scratch_on_disk(&folder, error);
	decompression task = {
		.path = path,
		.from = file,
		.to = scratch,
		.folder = folder,
		.context = ZSTD_createDCtx(),
		.input = g_malloc(ZSTD_DStreamInSize()),
		.output = g_malloc(PIECE),
	};
	bool done = task.to >= 0 && decompress(&task, error);

	if (!done && task.to >= 0)
		close(task.to);
	ZSTD_freeDCtx(task.context);
	g_free(task.input);
	g_free(task.output);
	g_free(task.folder);
	return done ? task.to : -1;
}
