/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening a core, and "address -> bytes, or why not". */
#include "core/core_state.h"

#include "core/residency.h"

#include "base/file.h"
#include "base/pages.h"
#include "base/partition.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail_io(GError **error, const char *path, int number)
{
	g_set_error(error, HC_ERROR, HC_ERROR_IO, "%s: %s", path, g_strerror(number));
	return false;
}

/*
 * The descriptor that PATH names: whoever started us opened it for us to read. -1: none. Of another file we would wait in vain, if it is a
 * pipe that nobody writes to, so only these may be pipes.
 */
static int named_descriptor(const char *path)
{
	static const char *const folders[] = { "/dev/fd/", "/proc/self/fd/" };
	guint64 number;

	if (!strcmp(path, "-") || !strcmp(path, "/dev/stdin"))
		return STDIN_FILENO;
	for (unsigned i = 0; i < G_N_ELEMENTS(folders); i++)
		if (g_str_has_prefix(path, folders[i]) &&
			g_ascii_string_to_unsigned(path + strlen(folders[i]), 10, 0, G_MAXINT, &number, NULL))
			return (int)number;
	return -1;
}

static const char *why_no_file(mode_t mode, int descriptor)
{
	if (S_ISDIR(mode))
		return "a directory";
	return isatty(descriptor) ? "a terminal" : "not a regular file";
}

/* Of a core that is compressed, or comes through a pipe, what is in it takes the place of the file. */
static bool unpack(hc_core *core, const hc_core_options *options, struct stat *status, GError **error)
{
	int file = hc_core_unpack(core, options, error);

	if (file < 0)
		return false;
	if (file == core->descriptor)
		return true;
	close(core->descriptor);
	core->descriptor = file;
	return !fstat(file, status) || fail_io(error, core->path, errno);
}

static bool open_file(hc_core *core, const char *path, const hc_core_options *options, GError **error)
{
	int given = named_descriptor(path);
	struct stat status;

	core->descriptor = given >= 0 ? fcntl(given, F_DUPFD_CLOEXEC, 0) :
					open(core->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (core->descriptor < 0 || fstat(core->descriptor, &status))
		return fail_io(error, core->path, errno);
	if (!S_ISREG(status.st_mode) && (given < 0 || (!S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode)))) {
		g_set_error(error, HC_ERROR, HC_ERROR_BAD_DATA, "%s is %s, not a core file", core->path,
			why_no_file(status.st_mode, core->descriptor));
		return false;
	}
	if (!unpack(core, options, &status, error))
		return false;
	core->file_size = status.st_size;
	return true;
}

/* From the beginning of a large page on, if there is room: only then can parts of it be in such. */
static bool map_file(hc_core *core, GError **error)
{
	void *place = core->file_size >= HC_LARGE_PAGE ? hc_pages_reserve(core->file_size) : NULL;
	void *file = MAP_FAILED;

	if (!core->file_size)
		return true;
	core->room = place ? hc_align_up(core->file_size, HC_LARGE_PAGE) : core->file_size;
	file = mmap(place, core->file_size, PROT_READ, MAP_SHARED | (place ? MAP_FIXED : 0), core->descriptor, 0);
	if (file == MAP_FAILED) {
		fail_io(error, core->path, errno);
		if (place)
			munmap(place, core->room);
		return false;
	}
	core->file = file;
	return true;
}

/* The path of the mapped file that holds the executable's program headers. */
static void find_executable_path(hc_core *core)
{
	const hc_mapping *mapping = NULL;

	if (core->process.program_headers)
		mapping = hc_core_find_mapping(core, core->process.program_headers);
	if (!mapping && core->process.entry)
		mapping = hc_core_find_mapping(core, core->process.entry);
	if (mapping)
		core->process.executable = mapping->path;
}

hc_core *hc_core_open(const char *path, hc_diagnostics *diagnostics, GError **error)
{
	return hc_core_open_with(path, NULL, diagnostics, error);
}

hc_core *hc_core_open_with(
	const char *path, const hc_core_options *options, hc_diagnostics *diagnostics, GError **error)
{
	g_autoptr(hc_core) core = g_new0(hc_core, 1);

	if (!strcmp(path, "-")) {
		core->path = g_strdup("standard input");
		core->name = g_strdup(path);
	} else {
		core->path = hc_core_find_file(path);
	}
	core->diagnostics = diagnostics;
	core->threads = g_array_new(FALSE, TRUE, sizeof(hc_thread));
	core->by_pointer = g_array_new(FALSE, FALSE, sizeof(unsigned));
	core->segments = g_array_new(FALSE, TRUE, sizeof(hc_elf_segment));
	core->files = g_array_new(FALSE, TRUE, sizeof(hc_file_range));
	core->holes = g_array_new(FALSE, FALSE, sizeof(hc_range));
	core->strings = g_string_chunk_new(256);
	core->process.name = core->process.arguments = "";
	core->process.page_size = 4096;
	if (!open_file(core, path, options, error) || !map_file(core, error) || !hc_core_parse_headers(core, error))
		return NULL;
	hc_core_find_holes(core);
	hc_core_parse_notes(core);
	if (!hc_core_build_mappings(core, error))
		return NULL;
	hc_core_find_thread_pointers(core);
	hc_core_sort_threads(core);
	find_executable_path(core);
	hc_core_load_residency(core);
	return g_steal_pointer(&core);
}

void hc_core_close(hc_core *core)
{
	if (!core)
		return;
	if (core->file) {
		hc_core_release_pages(core);
		munmap((void *)core->file, core->room);
	}
	if (core->descriptor >= 0)
		close(core->descriptor);
	g_array_unref(core->threads);
	g_array_unref(core->by_pointer);
	g_array_unref(core->segments);
	g_array_unref(core->files);
	g_array_unref(core->holes);
	g_string_chunk_free(core->strings);
	hc_residency_free(core->residency);
	g_free(core->mappings);
	g_free(core->path);
	g_free(core->name);
	g_free(core);
}

const char *hc_core_path(const hc_core *core)
{
	return core->path;
}

const char *hc_core_name(const hc_core *core)
{
	return core->name ? core->name : core->path;
}

void hc_core_set_name(hc_core *core, const char *name)
{
	g_free(core->name);
	core->name = g_strdup(name);
}

void hc_core_set_live(hc_core *core)
{
	core->process.origin = HC_ORIGIN_LIVE;
}

bool hc_core_hides_content(const hc_core *core)
{
	return core->hides_content;
}

void hc_core_hide_content(hc_core *core)
{
	core->hides_content = true;
	core->process.arguments = "";
}

uint64_t hc_core_file_size(const hc_core *core)
{
	return core->file_size;
}

const hc_process *hc_core_process(const hc_core *core)
{
	return &core->process;
}

const hc_machine *hc_core_machine(const hc_core *core)
{
	return core->machine;
}

hc_word_format hc_core_word_format(const hc_core *core)
{
	return core->format;
}

unsigned hc_core_thread_count(const hc_core *core)
{
	return core->threads->len;
}

const hc_thread *hc_core_thread(const hc_core *core, unsigned index)
{
	return index < core->threads->len ? &g_array_index(core->threads, hc_thread, index) : NULL;
}

const hc_thread *hc_core_find_thread(const hc_core *core, hc_address pointer)
{
	unsigned low = HC_PARTITION_POINT(middle, 0, core->by_pointer->len,
		hc_core_thread(core, g_array_index(core->by_pointer, unsigned, middle))->thread_pointer < pointer);
	const hc_thread *thread = low < core->by_pointer->len ?
					  hc_core_thread(core, g_array_index(core->by_pointer, unsigned, low)) :
					  NULL;

	return thread && thread->thread_pointer == pointer ? thread : NULL;
}

unsigned hc_core_mapping_count(const hc_core *core)
{
	return core->mapping_count;
}

const hc_mapping *hc_core_mapping(const hc_core *core, unsigned index)
{
	return index < core->mapping_count ? &core->mappings[index] : NULL;
}

unsigned hc_core_mapping_after(const hc_core *core, hc_address address)
{
	unsigned low = HC_PARTITION_POINT(middle, 0, core->mapping_count, core->mappings[middle].end <= address);
	return low;
}

unsigned hc_core_find_mapping_index(const hc_core *core, hc_address address)
{
	unsigned index = hc_core_mapping_after(core, address);

	return index < core->mapping_count && core->mappings[index].start <= address ? index : UINT_MAX;
}

const hc_mapping *hc_core_find_mapping(const hc_core *core, hc_address address)
{
	unsigned index = hc_core_find_mapping_index(core, address);

	return index == UINT_MAX ? NULL : &core->mappings[index];
}

void hc_core_supply(hc_core *core, unsigned mapping_index, const uint8_t *bytes)
{
	core->mappings[mapping_index].bytes = bytes;
	core->mappings[mapping_index].source = HC_SOURCE_FILE;
}

const uint8_t *hc_core_bytes(const hc_core *core, hc_address address, uint64_t *available)
{
	const hc_mapping *mapping = hc_core_find_mapping(core, address);

	if (!mapping || !mapping->bytes)
		return NULL;
	*available = mapping->end - address;
	return mapping->bytes + (address - mapping->start);
}

bool hc_core_next_stretch(const hc_core *core, hc_address *start, hc_address end, hc_address *ret_end)
{
	unsigned i = hc_core_mapping_after(core, *start);

	while (i < core->mapping_count && !core->mappings[i].bytes)
		i++;
	if (i == core->mapping_count || core->mappings[i].start >= end)
		return false;
	*start = MAX(*start, core->mappings[i].start);
	*ret_end = core->mappings[i].end;
	for (i++; i < core->mapping_count && *ret_end < end; i++) {
		if (!core->mappings[i].bytes || core->mappings[i].start != *ret_end)
			break;
		*ret_end = core->mappings[i].end;
	}
	*ret_end = MIN(*ret_end, end);
	return *start < *ret_end;
}

bool hc_core_read(const hc_core *core, hc_address address, void *buffer, size_t size)
{
	uint8_t *out = buffer;

	while (size) {
		uint64_t available;
		const uint8_t *bytes = hc_core_bytes(core, address, &available);

		if (!bytes)
			return false;
		available = MIN(available, size);
		memcpy(out, bytes, available);
		out += available;
		address += available;
		size -= available;
	}
	return true;
}

bool hc_core_read_unsigned(const hc_core *core, hc_address address, unsigned size, uint64_t *ret_value)
{
	uint8_t buffer[8];

	if (!hc_core_read(core, address, buffer, size))
		return false;
	*ret_value = hc_load_unsigned(buffer, size, core->format.swap);
	return true;
}

bool hc_core_read_word(const hc_core *core, hc_address address, uint64_t *ret_value)
{
	return hc_core_read_unsigned(core, address, core->format.size, ret_value);
}

char *hc_core_read_string(const hc_core *core, hc_address address, size_t limit)
{
	GString *text = g_string_new(NULL);

	while (text->len < limit) {
		uint64_t available;
		const uint8_t *bytes = hc_core_bytes(core, address, &available);

		if (!bytes)
			break;
		available = MIN(available, limit - text->len);
		const uint8_t *end = memchr(bytes, 0, available);

		if (end) {
			g_string_append_len(text, (const char *)bytes, end - bytes);
			return g_string_free(text, FALSE);
		}
		g_string_append_len(text, (const char *)bytes, available);
		address += available;
	}
	g_string_free(text, TRUE);
	return NULL;
}

const char *hc_core_why_missing(const hc_core *core, hc_address address)
{
	const hc_mapping *mapping = hc_core_find_mapping(core, address);

	if (!mapping)
		return "not mapped";
	switch (mapping->source) {
	case HC_SOURCE_TRUNCATED:
		return "cut off: the core file ends before it";
	case HC_SOURCE_NONE:
		return mapping->path ? "mapped from a file, not dumped, and the file is not here" :
				       "mapped, but not dumped";
	default:
		return "readable";
	}
}

bool hc_core_is_program(const char *path)
{
	uint8_t header[EI_NIDENT + sizeof(uint16_t)];
	bool swap;
	uint16_t type;

	if (hc_file_peek(path, (char *)header, sizeof header) < sizeof header || memcmp(header, ELFMAG, SELFMAG))
		return false;
	swap = (header[EI_DATA] == ELFDATA2MSB) != (G_BYTE_ORDER == G_BIG_ENDIAN);
	type = hc_load_u16(header + EI_NIDENT, swap);
	return type == ET_EXEC || type == ET_DYN;
}
