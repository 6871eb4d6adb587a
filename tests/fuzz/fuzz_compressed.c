/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * core/compressed.c and the codecs: cores that are compressed, or come through a pipe.
 *
 *	byte 0		bit 0: through a pipe; bit 1: what follows are not a file's bytes, but frames of zstd, each:
 *			a kind of frame_kind, a length of 2 bytes, and so many bytes (of FRAME_ZEROS none)
 */
#include "fuzz.h"

#include "base/diagnostics.h"
#include "core/core.h"

#include <fcntl.h>
#include <unistd.h>

enum {
	THROUGH_PIPE = 1,
	HAS_FRAMES = 2,
	PIPE_SIZE = 1 << 16
};

typedef enum {
	FRAME_RAW,   /* of one block that is not compressed */
	FRAME_ZEROS, /* of one block of so many zeros */
	FRAME_SKIPPABLE,
	FRAME_PADDING, /* zeros between frames */
	FRAME_NONE,    /* bytes that are no frame */
	FRAME_CUT,     /* the last byte is missing */
	FRAME_KIND_COUNT,
} frame_kind;

static void append(GByteArray *file, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * i);

		g_byte_array_append(file, &byte, 1);
	}
}

/* RFC 8878: magic number, one segment of a size of 4 bytes, a block that is the last. */
static void append_frame_header(GByteArray *file, uint32_t size, unsigned block_type)
{
	append(file, 0xfd2fb528, 4);
	append(file, 0xa0, 1);
	append(file, size, 4);
	append(file, 1 | block_type << 1 | size << 3, 3);
}

static void append_frame(GByteArray *file, fuzz_input *input)
{
	frame_kind kind = (frame_kind)fuzz_choice(input, FRAME_KIND_COUNT);
	uint32_t length = (uint32_t)fuzz_number(input, 2);
	fuzz_input part = fuzz_part(input, kind == FRAME_ZEROS || kind == FRAME_PADDING ? 0 : length);

	switch (kind) {
	case FRAME_RAW:
	case FRAME_CUT:
		append_frame_header(file, (uint32_t)part.left, 0);
		g_byte_array_append(file, part.at, (unsigned)part.left);
		if (kind == FRAME_CUT)
			g_byte_array_set_size(file, file->len - 1);
		break;
	case FRAME_ZEROS:
		append_frame_header(file, length, 1);
		append(file, 0, 1);
		break;
	case FRAME_SKIPPABLE:
		append(file, 0x184d2a50, 4);
		append(file, part.left, 4);
		g_byte_array_append(file, part.at, (unsigned)part.left);
		break;
	case FRAME_PADDING:
		for (unsigned i = 0; i < length % 64; i++)
			append(file, 0, 1);
		break;
	default:
		g_byte_array_append(file, part.at, (unsigned)part.left);
		break;
	}
}

/* The path of a pipe that holds as much of FILE as there is room for. */
static char *fill_pipe(const GByteArray *file, int ends[2])
{
	ssize_t size = MIN(file->len, PIPE_SIZE);

	g_assert(!pipe2(ends, O_CLOEXEC) && write(ends[1], file->data, (size_t)size) == size);
	close(ends[1]);
	return g_strdup_printf("/proc/self/fd/%d", ends[0]);
}

static void open_core(const char *path)
{
	const hc_core_options options = { .memory = 256 << 20 };
	hc_diagnostics *diagnostics = hc_diagnostics_create();
	g_autoptr(GError) error = NULL;
	hc_core *core = hc_core_open_with(path, &options, diagnostics, &error);

	fuzz_expect(core || error, "no core, and no error");
	for (unsigned i = 0; core && i < hc_core_mapping_count(core); i++) {
		const hc_mapping *mapping = hc_core_mapping(core, i);
		uint64_t available;
		const uint8_t *bytes = hc_core_bytes(core, mapping->start, &available);

		if (bytes) {
			fuzz_see(bytes, MIN(available, 1 << 16));
			fuzz_see(bytes + available - 1, 1);
		}
	}
	hc_core_close(core);
	hc_diagnostics_destroy(diagnostics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_input input = { data, size };
	unsigned flags = (unsigned)fuzz_number(&input, 1);
	g_autoptr(GByteArray) file = g_byte_array_new();
	g_autofree char *path = NULL;
	int ends[2];

	if (flags & HAS_FRAMES) {
		while (input.left)
			append_frame(file, &input);
	} else {
		g_byte_array_append(file, input.at, (unsigned)input.left);
	}
	if (!(flags & THROUGH_PIPE)) {
		open_core(fuzz_file(file->data, file->len));
		return 0;
	}
	path = fill_pipe(file, ends);
	open_core(path);
	close(ends[0]);
	return 0;
}
