/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The core of a stopped process, or of a copy that stands still in its place: ELF header, program headers, notes, then the mappings, each at a
 * whole page. /proc/PID/mem has the bytes;
 * /proc/PID/pagemap tells which pages of anonymous memory there are at all: the others are zero, and holes in the file, so that it takes
 * no more room than the process did, and reading makes no pages that were not there. Zero pages become holes, too.
 *
 * Of files and shared memory all is written, also what this process has not looked at. To read that out of its memory would make it resident
 * there, and the next capture would tell of growth that is this one's: it is read out of the file, by /proc/PID/map_files. Who may not open
 * that (it takes CAP_CHECKPOINT_RESTORE) reads the process's memory for want of better.
 *
 * It is written by whole stretches of 2 MiB of the file: a file system that can then keeps them in large pages in memory, which whoever
 * maps the file next reads faster.
 */
#include "capture/capture_parts.h"

#include "base/pages.h"
#include "base/scratch.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BUFFER_SIZE = HC_LARGE_PAGE,
	PAGES_PER_READ = 4096, /* entries of pagemap */
	PROGRESS_INTERVAL = G_USEC_PER_SEC / 10,
};

/* proc(5), pagemap */
#define PAGE_IN_MEMORY (UINT64_C(1) << 63)
#define PAGE_SWAPPED   (UINT64_C(1) << 62)

typedef struct core_output {
	hc_core_writer *writer;
	hc_core_sink *sink; /* the writer's, or what it keeps aside */
	uint64_t aside_at;  /* where in the latter the next mapping's is */
	pid_t pid;
	int memory, pagemap; /* descriptors; pagemap may be -1 */
	int file;	     /* what the mapping is of; -1: none, or it cannot be opened */
	uint64_t file_start; /* the address where offset 0 of it would be */
	uint64_t page_size;
	gint64 next_progress;
	guint8 *buffer;
} core_output;

static bool fail(const char *what, GError **error)
{
	g_set_error(error, HC_ERROR, HC_ERROR_IO, "%s: %s", what, g_strerror(errno));
	return false;
}

static bool go_on(core_output *output, GError **error)
{
	gint64 now = g_get_monotonic_time();

	if (!output->writer->progress || now < output->next_progress)
		return true;
	output->next_progress = now + PROGRESS_INTERVAL;
	if (output->writer->progress(output->writer->written, output->writer->estimate, output->writer->progress_data))
		return true;
	g_set_error(error, HC_ERROR, HC_ERROR_CANCELLED, "interrupted; the process is running again");
	return false;
}

static bool is_zero(const guint8 *bytes, size_t size)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, size - 1);
}

/* Writes the pages of the buffer that are not zero, in runs. */
static bool write_pages(core_output *output, size_t size, uint64_t offset, GError **error)
{
	size_t page = output->page_size, begin = 0;

	while (begin < size) {
		size_t end = begin;

		while (end < size && !is_zero(output->buffer + end, MIN(page, size - end)))
			end += MIN(page, size - end);
		if (end > begin &&
			!hc_core_sink_write(output->sink, output->buffer + begin, end - begin, offset + begin, error))
			return false;
		output->writer->written += end - begin;
		begin = end + page;
	}
	return true;
}

/* Copies memory to the core. A page that cannot be read (a device, a file that was cut off) stays zero. */
static bool copy_range(core_output *output, uint64_t start, uint64_t end, uint64_t offset, GError **error)
{
	while (start < end) {
		size_t want = MIN(end - start, BUFFER_SIZE - offset % BUFFER_SIZE);
		ssize_t got = pread(output->memory, output->buffer, want, (off_t)start);

		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0 || (got < 0 && errno == ESRCH)) {
			g_set_error(error, HC_ERROR, HC_ERROR_IO, "the process was killed meanwhile");
			return false;
		}
		if (got < 0) {
			got = (ssize_t)MIN(want, output->page_size);
			memset(output->buffer, 0, got);
		}
		if (!write_pages(output, got, offset, error) || !go_on(output, error))
			return false;
		start += got;
		offset += got;
	}
	return true;
}

/* Copies [START, END) out of the file. Behind its end memory is zero. */
static bool copy_file(core_output *output, uint64_t start, uint64_t end, uint64_t offset, GError **error)
{
	while (start < end) {
		size_t want = MIN(end - start, BUFFER_SIZE - offset % BUFFER_SIZE);
		ssize_t got = pread(output->file, output->buffer, want, (off_t)(start - output->file_start));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return copy_range(output, start, end, offset, error);
		if (!got)
			return true;
		if (!write_pages(output, got, offset, error) || !go_on(output, error))
			return false;
		start += got;
		offset += got;
	}
	return true;
}

/* Copies the pages of [START, END) that there are, and the others out of the file, if the mapping is of one. */
static bool copy_present(core_output *output, uint64_t start, uint64_t end, uint64_t offset, GError **error)
{
	g_autofree uint64_t *pages = g_new(uint64_t, PAGES_PER_READ);
	uint64_t page = output->page_size;

	if (output->pagemap < 0)
		return copy_range(output, start, end, offset, error);
	while (start < end) {
		size_t want = MIN((end - start) / page, PAGES_PER_READ);
		ssize_t got = pread(output->pagemap, pages, want * sizeof *pages, start / page * sizeof *pages);
		size_t count = got > 0 ? (size_t)got / sizeof *pages : 0;

		if (!count)
			return copy_range(output, start, end, offset, error);
		for (size_t i = 0, run; i < count; i = run) {
			bool is_there = pages[i] & (PAGE_IN_MEMORY | PAGE_SWAPPED);

			for (run = i; run < count && is_there == ((pages[run] & (PAGE_IN_MEMORY | PAGE_SWAPPED)) != 0);)
				run++;
			if (!is_there && output->file < 0)
				continue;
			if (!(is_there ? copy_range : copy_file)(
				    output, start + i * page, start + run * page, offset + i * page, error))
				return false;
		}
		if (!go_on(output, error))
			return false;
		start += count * page;
		offset += count * page;
	}
	return true;
}

static bool begins_with_elf(const core_output *output, uint64_t address)
{
	char magic[SELFMAG];

	return pread(output->memory, magic, sizeof magic, (off_t)address) == SELFMAG && !memcmp(magic, ELFMAG, SELFMAG);
}

static uint64_t dumped_size(const core_output *output, const hc_smaps_entry *entry)
{
	switch (hc_smaps_dump_kind(entry, output->writer->heap_only)) {
	case HC_DUMP_ALL:
	case HC_DUMP_PRESENT:
		return entry->end - entry->start;
	case HC_DUMP_HEADER:
		return begins_with_elf(output, entry->start) ? output->page_size : 0;
	default:
		return 0;
	}
}

/* What was kept aside of mapping INDEX; 0: nothing. */
static uint64_t aside_size(const hc_core_writer *writer, unsigned index)
{
	return writer->aside_sizes ? g_array_index(writer->aside_sizes, uint64_t, index) : 0;
}

static uint64_t align_up(uint64_t number, uint64_t unit)
{
	return (number + unit - 1) / unit * unit;
}

static Elf64_Ehdr make_header(unsigned segment_count)
{
	Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB, EV_CURRENT },
		.e_type = ET_CORE,
#ifdef __aarch64__
		.e_machine = EM_AARCH64,
#else
		.e_machine = EM_X86_64,
#endif
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = segment_count,
	};

	return header;
}

/* The program headers: notes, then the mappings. Where the file ends in *RET_END. */
static Elf64_Phdr *make_segments(const core_output *output, unsigned count, uint64_t *ret_end)
{
	const hc_core_writer *writer = output->writer;
	Elf64_Phdr *segments = g_new0(Elf64_Phdr, count);
	uint64_t offset = writer->is_i386 ? sizeof(Elf32_Ehdr) + count * sizeof(Elf32_Phdr) :
					    sizeof(Elf64_Ehdr) + count * sizeof(Elf64_Phdr);

	segments[0] =
		(Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = offset, .p_filesz = writer->notes->len, .p_align = 4 };
	offset = align_up(offset + writer->notes->len, output->page_size);
	for (unsigned i = 1; i < count; i++) {
		const hc_smaps_entry *entry = &g_array_index(writer->mappings, hc_smaps_entry, i - 1);
		bool is_aside = writer->aside_sizes && entry->not_forked;

		segments[i] = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_flags = (entry->readable ? PF_R : 0u) | (entry->writable ? PF_W : 0u) |
				   (entry->executable ? PF_X : 0u),
			.p_offset = offset,
			.p_vaddr = entry->start,
			.p_filesz = is_aside ? aside_size(writer, i - 1) : dumped_size(output, entry),
			.p_memsz = entry->end - entry->start,
			.p_align = output->page_size,
		};
		offset += segments[i].p_filesz;
	}
	*ret_end = offset;
	return segments;
}

/* The file that ENTRY is a mapping of, if it is a regular one or memory's: to open a device may do something. -1: it cannot be opened. */
static int open_mapped(const core_output *output, const hc_smaps_entry *entry)
{
	g_autofree char *path =
		g_strdup_printf("/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)output->pid, entry->start, entry->end);
	struct stat status;

	if (!entry->inode || stat(path, &status) || !S_ISREG(status.st_mode))
		return -1;
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static bool copy_segment(core_output *output, const hc_smaps_entry *entry, const Elf64_Phdr *segment, GError **error)
{
	uint64_t end = segment->p_vaddr + segment->p_filesz;
	bool present = hc_smaps_dump_kind(entry, output->writer->heap_only) == HC_DUMP_PRESENT, written;

	output->file = present || !segment->p_filesz ? -1 : open_mapped(output, entry);
	output->file_start = entry->start - entry->offset;
	written = (present || output->file >= 0 ? copy_present : copy_range)(
		output, segment->p_vaddr, end, segment->p_offset, error);
	if (output->file >= 0)
		close(output->file);
	return written;
}

static int open_proc(pid_t pid, const char *name)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, name);

	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool open_output(core_output *output, hc_core_writer *writer, pid_t pid, GError **error)
{
	*output = (core_output){ .writer = writer,
		.sink = &writer->sink,
		.pid = pid,
		.page_size = sysconf(_SC_PAGESIZE),
		.pagemap = -1,
		.file = -1 };
	output->memory = open_proc(pid, "mem");
	if (output->memory < 0)
		return fail("cannot read the process's memory", error);
	output->pagemap = open_proc(pid, "pagemap");
	output->buffer = g_malloc(BUFFER_SIZE);
	return true;
}

static void close_output(core_output *output)
{
	g_free(output->buffer);
	if (output->pagemap >= 0)
		close(output->pagemap);
	if (output->memory >= 0)
		close(output->memory);
}

/* The same as a core of a 32-bit process has it. */
static Elf32_Ehdr narrow_header(const Elf64_Ehdr *wide)
{
	Elf32_Ehdr header = {
		.e_type = wide->e_type,
		.e_machine = EM_386,
		.e_version = wide->e_version,
		.e_phoff = sizeof(Elf32_Ehdr),
		.e_ehsize = sizeof(Elf32_Ehdr),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = wide->e_phnum,
	};

	memcpy(header.e_ident, wide->e_ident, sizeof header.e_ident);
	header.e_ident[EI_CLASS] = ELFCLASS32;
	return header;
}

static bool write_narrow_headers(hc_core_writer *writer, const Elf64_Ehdr *header, GError **error)
{
	const Elf32_Ehdr narrow = narrow_header(header);
	g_autofree Elf32_Phdr *segments = g_new0(Elf32_Phdr, header->e_phnum);

	for (unsigned i = 0; i < header->e_phnum; i++) {
		const Elf64_Phdr *wide = &writer->segments[i];

		segments[i] = (Elf32_Phdr){
			.p_type = wide->p_type,
			.p_flags = wide->p_flags,
			.p_offset = (Elf32_Off)wide->p_offset,
			.p_vaddr = (Elf32_Addr)wide->p_vaddr,
			.p_filesz = (Elf32_Word)wide->p_filesz,
			.p_memsz = (Elf32_Word)wide->p_memsz,
			.p_align = (Elf32_Word)wide->p_align,
		};
	}
	return hc_core_sink_write(&writer->sink, &narrow, sizeof narrow, 0, error) &&
	       hc_core_sink_write(&writer->sink, segments, header->e_phnum * sizeof *segments, sizeof narrow, error);
}

static bool write_headers(core_output *output, GError **error)
{
	hc_core_writer *writer = output->writer;
	unsigned count = writer->mappings->len + 1;
	uint64_t end;
	Elf64_Ehdr header = make_header(count);

	if (count >= PN_XNUM) {
		g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED,
			"the process has %u mappings, more than a core can tell", count - 1);
		return false;
	}
	writer->segments = make_segments(output, count, &end);
	if (writer->is_i386 && end > UINT32_MAX) {
		g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED,
			"the process is a 32-bit one, and has more memory than a core of such can tell: try --heap-only");
		return false;
	}
	return hc_core_sink_set_length(&writer->sink, end, error) &&
	       (writer->is_i386 ? write_narrow_headers(writer, &header, error) :
				  hc_core_sink_write(&writer->sink, &header, sizeof header, 0, error) &&
					  hc_core_sink_write(&writer->sink, writer->segments,
						  count * sizeof *writer->segments, sizeof header, error)) &&
	       hc_core_sink_write(
		       &writer->sink, writer->notes->data, writer->notes->len, writer->segments[0].p_offset, error);
}

/* Out of what was kept aside: the stretches that were written there. */
static bool copy_aside(core_output *output, const Elf64_Phdr *segment, GError **error)
{
	int memory = output->memory, file = output->writer->aside.file;
	uint64_t start = output->aside_at, end = start + segment->p_filesz;
	bool written = true;

	output->memory = file;
	while (written && start < end) {
		off_t data = lseek(file, (off_t)start, SEEK_DATA), hole = data < 0 ? -1 : lseek(file, data, SEEK_HOLE);

		if (data < 0 && errno == ENXIO)
			break; /* nothing more was written */
		start = data < 0 ? start : (uint64_t)data;
		if (start >= end)
			break;
		hole = hole < 0 ? (off_t)end : MIN(hole, (off_t)end);
		written = copy_range(
			output, start, (uint64_t)hole, segment->p_offset + (start - output->aside_at), error);
		start = (uint64_t)hole;
	}
	output->memory = memory;
	output->aside_at = end;
	return written;
}

static bool copy_mappings(core_output *output, GError **error)
{
	const hc_core_writer *writer = output->writer;

	for (unsigned i = 0; i < writer->mappings->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(writer->mappings, hc_smaps_entry, i);
		const Elf64_Phdr *segment = &writer->segments[i + 1];

		if (!(writer->aside_sizes && entry->not_forked ? copy_aside(output, segment, error) :
								 copy_segment(output, entry, segment, error)))
			return false;
	}
	return true;
}

/*
 * How much of each mapping is to be kept aside; *RET_ESTIMATE: what that takes. NULL: of none
 * anything.
 */
static GArray *plan_aside(const core_output *output, uint64_t *ret_estimate)
{
	const hc_core_writer *writer = output->writer;
	GArray *sizes = g_array_new(FALSE, TRUE, sizeof(uint64_t));

	*ret_estimate = 0;
	g_array_set_size(sizes, writer->mappings->len);
	for (unsigned i = 0; i < writer->mappings->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(writer->mappings, hc_smaps_entry, i);
		uint64_t size = entry->not_forked ? dumped_size(output, entry) : 0;
		bool is_sparse = hc_smaps_dump_kind(entry, writer->heap_only) == HC_DUMP_PRESENT;

		g_array_index(sizes, uint64_t, i) = size;
		*ret_estimate += is_sparse ? MIN(size, entry->resident + entry->swapped) : size;
	}
	if (*ret_estimate)
		return sizes;
	g_array_unref(sizes);
	return NULL;
}

/*
 * A child does not have it, and the process changes it when it goes on: it is written down at once,
 * where there is memory for it in memory.
 */
static bool write_aside(core_output *output, uint64_t estimate, GError **error)
{
	hc_core_writer *writer = output->writer;
	uint64_t length = 0;

	writer->aside.file = hc_scratch_open(estimate, UINT64_MAX, error);
	if (writer->aside.file < 0)
		return false;
	for (unsigned i = 0; i < writer->mappings->len; i++)
		length += aside_size(writer, i);
	if (!hc_core_sink_set_length(&writer->aside, length, error))
		return false;
	output->sink = &writer->aside;
	for (unsigned i = 0; i < writer->mappings->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(writer->mappings, hc_smaps_entry, i);
		const Elf64_Phdr segment = {
			.p_vaddr = entry->start, .p_offset = output->aside_at, .p_filesz = aside_size(writer, i)
		};

		if (!copy_segment(output, entry, &segment, error))
			return false;
		output->aside_at += segment.p_filesz;
	}
	writer->written = 0; /* of the core nothing is yet */
	return true;
}

bool hc_core_writer_keep_aside(hc_core_writer *writer, pid_t pid, GError **error)
{
	core_output output;
	uint64_t estimate = 0;
	bool kept = open_output(&output, writer, pid, error);

	if (kept)
		writer->aside_sizes = plan_aside(&output, &estimate);
	kept = kept && (!writer->aside_sizes || write_aside(&output, estimate, error));
	close_output(&output);
	return kept;
}

bool hc_core_writer_write(hc_core_writer *writer, pid_t pid, GError **error)
{
	core_output output;
	bool written = open_output(&output, writer, pid, error) && write_headers(&output, error) &&
		       copy_mappings(&output, error);

	close_output(&output);
	return written;
}

void hc_core_writer_clear(hc_core_writer *writer)
{
	g_clear_pointer(&writer->segments, g_free);
	g_clear_pointer(&writer->aside_sizes, g_array_unref);
	hc_core_sink_clear(&writer->sink);
	hc_core_sink_clear(&writer->aside);
}
