/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cores that are compressed, and those that come through a pipe, compressed or not: `heapcore capture --compress` and systemd-coredump(8)
 * write the ones, `coredumpctl dump` the others.
 *
 * All that reads a core maps it: so it is written down once more, as it was, in a file without a name on the disk, with holes where it is
 * zero; where no file can be made on the disk, in memory, as much as half of what is free. What is compressed is cut, damaged, or made to do
 * harm as often as any other core:
 *
 *	cut, damaged	what stands before is read, as of a core that was cut
 *	endless		a core's program headers say how long it is, and stand at its beginning: what is longer is not read on, what is
 *			no core is not read at all, and what promises more than LENGTH_MAX is refused before it is read
 *	too large	nobody knows how much of it is zero, and takes no room, before it was read. Where its length alone does not fit, and it
 *			can be read twice, it is measured first: decompressed and not written. So the disk is not filled in vain
 *
 * Costs: what the library of the format takes, and one look at each byte.
 */
#include "core/codecs.h"
#include "core/core_state.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "base/scratch.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	INPUT = 256 << 10, /* bytes that are read at once */
	PIECE = 1 << 20,   /* bytes that are written at once; whole pages */
	MEMORY_SHARE = 2   /* one in so many bytes of memory that are free may be taken, where there is no disk */
};

/* Bytes: no core is longer that is decompressed here; what may come behind a core's end before it is left alone. */
static const uint64_t LENGTH_MAX = (uint64_t)1 << 40, SLACK = 16 << 20;

static const hc_diagnostic_kind stream_cut = {
	"core-compressed-cut",
	HC_SEVERITY_HEAP_PARTIAL,
	"the compressed core ends too early: what was compressed behind that is missing (a copy or a disk that was cut short)",
};

static const hc_diagnostic_kind stream_damaged = {
	"core-compressed-damaged",
	HC_SEVERITY_HEAP_PARTIAL,
	"the compressed core is damaged: what comes behind the damage is missing, and bytes shortly before it may be wrong",
};

typedef struct unpacking {
	hc_core *core;
	const hc_core_options *options;
	const hc_codec *codec;	 /* NULL: what comes through a pipe as it is */
	void *state;		 /* the decoder's */
	int from, to;		 /* descriptors */
	bool is_stream;		 /* FROM cannot be read twice */
	uint64_t from_size;	 /* bytes; 0: not known */
	uint64_t from_offset;	 /* bytes that were read */
	char *folder;		 /* where TO is; NULL: in memory, of which there is... */
	uint64_t room;		 /* ...so much */
	uint8_t *input, *output; /* INPUT, PIECE bytes */
	hc_codec_step step;	 /* `in` is in INPUT */
	bool ended;		 /* FROM has no more than what is in INPUT */
	bool in_frame;
	size_t filled;		 /* of OUTPUT */
	uint64_t length, stored; /* bytes that were decompressed, and those of them that are not zeros */
	uint64_t promised;	 /* the core's length as its headers have it; UINT64_MAX: not known */
	bool is_promised;	 /* that was looked for */
	bool measures;		 /* nothing is written */
} unpacking;

/* ---- errors ---- */

static const char *folder_of(const unpacking *task)
{
	return task->folder ? task->folder : "memory";
}

static bool fail_room(const unpacking *task, GError **error)
{
	char stored[HC_TEXT_SIZE_LENGTH];

	g_set_error(error, HC_ERROR, HC_ERROR_IO,
		"%s: there is no room to %s it in %s: %s of it were written, and it takes more. Name another folder with TMPDIR",
		task->core->path, task->codec ? "decompress" : "keep", folder_of(task),
		hc_text_size(stored, task->stored));
	return false;
}

static bool fail_need(const unpacking *task, uint64_t need, uint64_t room, GError **error)
{
	char needed[HC_TEXT_SIZE_LENGTH], free[HC_TEXT_SIZE_LENGTH];

	g_set_error(error, HC_ERROR, HC_ERROR_IO,
		"%s: there is no room to decompress it: that takes %s, and there is room for %s in %s. Name another folder with TMPDIR",
		task->core->path, hc_text_size(needed, need), hc_text_size(free, room), folder_of(task));
	return false;
}

static bool fail_length(const unpacking *task, uint64_t length, GError **error)
{
	char text[HC_TEXT_SIZE_LENGTH], most[HC_TEXT_SIZE_LENGTH];

	g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED,
		"%s: what is in it is %s long%s, and no more than %s are %s here: have it in a file first%s%s",
		task->core->path, hc_text_size(text, length),
		length == task->promised ? ", as its headers have it" : "", hc_text_size(most, LENGTH_MAX),
		task->codec ? "decompressed" : "read from a pipe", task->codec ? ", with " : "",
		task->codec ? task->codec->by_hand : "");
	return false;
}

static bool fail_system(const unpacking *task, GError **error)
{
	g_set_error(error, HC_ERROR, HC_ERROR_IO, "%s: %s", task->core->path, g_strerror(errno));
	return false;
}

static bool fail_memory(const unpacking *task, GError **error)
{
	g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "%s: there is no memory to decompress it", task->core->path);
	return false;
}

/* ---- what comes out ---- */

/* Has what comes out be kept in memory, if NEED bytes fit there. */
static bool use_memory(unpacking *task, uint64_t need)
{
	uint64_t available = hc_memory_available("/proc", "self");
	int file;

	if (available == UINT64_MAX)
		return false;
	if (task->options && task->options->memory)
		available = MIN(available, task->options->memory);
	if (need > available / MEMORY_SHARE || (file = memfd_create("heapcore", MFD_CLOEXEC)) < 0)
		return false;
	if (task->to >= 0)
		close(task->to);
	g_clear_pointer(&task->folder, g_free);
	task->to = file;
	task->room = available / MEMORY_SHARE;
	return true;
}

static uint64_t room_left(const unpacking *task)
{
	return task->folder ? hc_scratch_room(task->to) : task->room - MIN(task->room, task->stored);
}

/* Writes what is in OUTPUT, pages of zeros left out. */
static bool write_pages(unpacking *task, GError **error)
{
	for (size_t at = 0, end; at < task->filled; at = end) {
		end = MIN(at + PAGE, task->filled);
		if (hc_bytes_are_zero(task->output + at, end - at))
			continue;
		while (end < task->filled && !hc_bytes_are_zero(task->output + end, MIN(PAGE, task->filled - end)))
			end = MIN(end + PAGE, task->filled);
		if (!task->measures && pwrite(task->to, task->output + at, end - at, (off_t)(task->length + at)) !=
					       (ssize_t)(end - at))
			return fail_room(task, error);
		task->stored += end - at;
	}
	return true;
}

/* Once the headers are there: how long the core is. */
static bool find_promise(unpacking *task, bool is_all, GError **error)
{
	if (task->is_promised || !(hc_core_find_promise(task->to, task->length, &task->promised) || is_all))
		return true;
	task->is_promised = true;
	if (task->promised != UINT64_MAX && task->promised > LENGTH_MAX)
		return fail_length(task, task->promised, error);
	task->measures = !task->is_stream && task->promised > room_left(task);
	return true;
}

static bool write_piece(unpacking *task, bool is_all, GError **error)
{
	uint64_t length = task->length + task->filled;

	if (length > LENGTH_MAX)
		return fail_length(task, length, error);
	if (!hc_bytes_are_zero(task->output, task->filled)) {
		if (!task->measures && room_left(task) < task->filled)
			return fail_room(task, error);
		if (!write_pages(task, error))
			return false;
	}
	task->length = length;
	task->filled = 0;
	return find_promise(task, is_all, error);
}

/* All that is the core's was decompressed. */
static bool has_enough(const unpacking *task)
{
	return task->is_promised && task->promised != UINT64_MAX &&
	       (!task->promised || task->length > task->promised + SLACK);
}

/* ---- what goes in ---- */

static ssize_t read_some(unpacking *task, uint8_t *to, size_t size)
{
	for (;;) {
		ssize_t got = task->is_stream ? read(task->from, to, size) :
						pread(task->from, to, size, (off_t)task->from_offset);

		if (got < 0 && errno == EAGAIN) {
			struct pollfd ready = { .fd = task->from, .events = POLLIN };

			poll(&ready, 1, -1);
		} else if (got >= 0 || errno != EINTR) {
			return got;
		}
	}
}

/* Puts more behind what is left in INPUT. */
static bool read_more(unpacking *task, GError **error)
{
	const hc_core_options *options = task->options;

	if (task->step.in != task->input)
		memmove(task->input, task->step.in, task->step.in_size);
	task->step.in = task->input;
	ssize_t got = read_some(task, task->input + task->step.in_size, INPUT - task->step.in_size);

	if (got < 0)
		return fail_system(task, error);
	task->ended = !got;
	task->step.in_size += got;
	task->from_offset += got;
	if (!options || !options->unpacking ||
		options->unpacking(task->from_offset, task->from_size, task->length, options->unpacking_data))
		return true;
	g_set_error(error, HC_ERROR, HC_ERROR_CANCELLED, "cancelled while %s was decompressed", task->core->path);
	return false;
}

/*
 * Of a cut or damaged stream: FALSE if nothing was before that; else what is told of it, and that the core's end is not its own. TRUE, too,
 * while it is measured: it will be met again.
 */
static bool note_failure(unpacking *task, const hc_diagnostic_kind *kind, const char *why, GError **error)
{
	char size[HC_TEXT_SIZE_LENGTH];

	if (!task->length && !task->filled) {
		g_set_error(error, HC_ERROR, HC_ERROR_BAD_DATA, "%s: cannot decompress it: %s (%s)", task->core->path,
			why, task->codec->name);
		return false;
	}
	if (task->measures)
		return true;
	task->core->is_cut_stream = true;
	hc_diagnostics_add(task->core->diagnostics, kind, 0, "%s, after %s of the core (%s)", why,
		hc_text_size(size, task->length + task->filled), task->codec->name);
	return true;
}

typedef enum {
	STEP_GOES_ON,
	STEP_ENDED,
	STEP_FAILED
} step_result;

/* Between two frames: whether another one follows. Zeros are what fills blocks of a tape, or a multiple of four bytes. */
static step_result begin_frame(unpacking *task, GError **error)
{
	hc_codec_step *step = &task->step;

	for (;;) {
		while (step->in_size && !*step->in) {
			step->in++;
			step->in_size--;
		}
		if (task->ended || step->in_size >= HC_CODEC_HEAD)
			break;
		if (!read_more(task, error))
			return STEP_FAILED;
	}
	task->in_frame = hc_codec_begins(task->codec, step->in, step->in_size);
	if (!task->in_frame && step->in_size &&
		!note_failure(task, &stream_damaged, "what follows is none of its frames", error))
		return STEP_FAILED;
	return task->in_frame ? STEP_GOES_ON : STEP_ENDED;
}

/* Copies, where nothing is compressed. */
static hc_codec_result run_plain(hc_codec_step *step)
{
	size_t size = MIN(step->in_size, step->out_size);

	memcpy(step->out, step->in, size);
	step->in += size;
	step->in_size -= size;
	step->out_size -= size;
	return HC_CODEC_GOES_ON;
}

/* Moves on by what is in INPUT or fits OUTPUT. */
static step_result take_step(unpacking *task, GError **error)
{
	hc_codec_step *step = &task->step;

	if (task->codec && !task->in_frame) {
		step_result result = begin_frame(task, error);

		if (result != STEP_GOES_ON)
			return result;
	}
	if (!step->in_size && !task->ended && !read_more(task, error))
		return STEP_FAILED;
	size_t in_size = step->in_size;

	step->out = task->output + task->filled;
	step->out_size = PIECE - task->filled;
	hc_codec_result result = task->codec ? task->codec->decoder->run(task->state, step) : run_plain(step);
	bool moved = step->in_size != in_size || step->out_size != PIECE - task->filled;

	task->filled = PIECE - step->out_size;
	if (result == HC_CODEC_FAILED)
		return note_failure(task, &stream_damaged, step->why, error) ? STEP_ENDED : STEP_FAILED;
	task->in_frame = result != HC_CODEC_FRAME_ENDED;
	if (moved || !task->in_frame || !task->ended)
		return STEP_GOES_ON;
	return !task->codec || note_failure(task, &stream_cut, "it ends too early", error) ? STEP_ENDED : STEP_FAILED;
}

/* From the beginning to the end, or as far as it can be read. */
static bool run_through(unpacking *task, GError **error)
{
	step_result result = STEP_GOES_ON;

	while (result == STEP_GOES_ON && !has_enough(task)) {
		result = take_step(task, error);
		if (result == STEP_FAILED || (task->filled == PIECE && !write_piece(task, false, error)))
			return false;
	}
	return write_piece(task, true, error);
}

/* After it was measured: once more, to be written, where there is room. */
static bool run_again(unpacking *task, GError **error)
{
	uint64_t need = task->stored;

	if (ftruncate(task->to, 0))
		return fail_system(task, error);
	task->codec->decoder->close(task->state);
	task->state = task->codec->decoder->open();
	if (!task->state)
		return fail_memory(task, error);
	task->step = (hc_codec_step){ .in = task->input };
	task->from_offset = task->length = task->stored = task->filled = 0;
	task->measures = task->ended = task->in_frame = false;
	uint64_t room = room_left(task);

	return need > room && !use_memory(task, need) ? fail_need(task, need, room, error) : run_through(task, error);
}

static bool unpack(unpacking *task, GError **error)
{
	if (!run_through(task, error) || (task->measures && !run_again(task, error)))
		return false;
	return !ftruncate(task->to, (off_t)task->length) || fail_room(task, error);
}

/* ---- before and after ---- */

static bool open_scratch(unpacking *task, GError **error)
{
	g_autoptr(GError) reason = NULL;

	task->to = hc_scratch_on_disk(&task->folder, &reason);
	if (task->to >= 0 || use_memory(task, 1))
		return true;
	g_propagate_error(error, g_steal_pointer(&reason));
	return false;
}

/* Reads as much of the beginning as tells what it is. */
static bool read_head(unpacking *task, GError **error)
{
	task->step.in = task->input;
	while (!task->ended && task->step.in_size < INPUT / 2)
		if (!read_more(task, error))
			return false;
	task->codec = hc_codec_find(task->step.in, task->step.in_size);
	if (!task->codec || task->codec->decoder)
		return true;
	g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED,
		"%s is compressed with %s, and this heapcore was built without %s: decompress it first, with %s",
		task->core->path, task->codec->name, task->codec->library, task->codec->by_hand);
	return false;
}

static bool prepare(unpacking *task, GError **error)
{
	if (!open_scratch(task, error))
		return false;
	task->state = task->codec ? task->codec->decoder->open() : NULL;
	if (!task->codec || task->state)
		return true;
	return fail_memory(task, error);
}

int hc_core_unpack(hc_core *core, const hc_core_options *options, GError **error)
{
	struct stat status;
	unpacking task = {
		.core = core,
		.options = options,
		.from = core->descriptor,
		.to = -1,
		.is_stream = fstat(core->descriptor, &status) || !S_ISREG(status.st_mode),
		.promised = UINT64_MAX,
		.input = g_malloc(INPUT),
		.output = g_malloc(PIECE),
	};

	task.from_size = task.is_stream ? 0 : (uint64_t)status.st_size;
	bool known = read_head(&task, error);
	bool is_packed = known && (task.codec || task.is_stream);
	bool done = is_packed && prepare(&task, error) && unpack(&task, error);

	core->is_compressed = task.codec != NULL;
	if (task.state)
		task.codec->decoder->close(task.state);
	if (!done && task.to >= 0)
		close(task.to);
	g_free(task.input);
	g_free(task.output);
	g_free(task.folder);
	if (known && !is_packed)
		return core->descriptor;
	return done ? task.to : -1;
}
