/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core_builder.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct core_file {
	hc_address start, end;
	uint64_t offset;
	char *path;
} core_file;

enum {
	PAGE = 4096
};

core_builder *core_builder_create(unsigned word, bool big_endian)
{
	core_builder *builder = g_new0(core_builder, 1);

	builder->word = word;
	builder->big_endian = big_endian;
	builder->machine = word == 8 ? EM_X86_64 : EM_386;
	builder->type = ET_CORE;
	builder->segments = g_array_new(FALSE, TRUE, sizeof(core_segment));
	builder->notes = g_byte_array_new();
	builder->auxiliary = g_byte_array_new();
	builder->files = g_array_new(FALSE, TRUE, sizeof(core_file));
	return builder;
}

static void close_file(core_builder *builder)
{
	if (builder->path)
		close(builder->descriptor);
	g_clear_pointer(&builder->path, g_free);
}

void core_builder_destroy(core_builder *builder)
{
	if (!builder)
		return;
	close_file(builder);
	for (unsigned i = 0; i < builder->segments->len; i++)
		g_free(g_array_index(builder->segments, core_segment, i).bytes);
	for (unsigned i = 0; i < builder->files->len; i++)
		g_free(g_array_index(builder->files, core_file, i).path);
	g_array_unref(builder->segments);
	g_array_unref(builder->files);
	g_byte_array_unref(builder->notes);
	g_byte_array_unref(builder->auxiliary);
	g_free(builder);
}

/* ---- integers of the process ---- */

static void store(const core_builder *builder, uint8_t *bytes, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		bytes[builder->big_endian ? size - 1 - i : i] = value >> 8 * i;
}

static void append(const core_builder *builder, GByteArray *array, uint64_t value, unsigned size)
{
	uint8_t bytes[8];

	store(builder, bytes, value, size);
	g_byte_array_append(array, bytes, size);
}

static void append_zeros(GByteArray *array, unsigned count)
{
	static const uint8_t zeros[PAGE];

	g_byte_array_append(array, zeros, count);
}

/* ---- memory ---- */

uint8_t *core_builder_add_partly(
	core_builder *builder, hc_address address, uint64_t size, uint64_t dumped, uint32_t flags)
{
	core_segment segment = { address, size, dumped, flags, g_malloc0(dumped), 0 };

	g_array_append_val(builder->segments, segment);
	return segment.bytes;
}

uint8_t *core_builder_add_memory(core_builder *builder, hc_address address, uint64_t size, uint32_t flags)
{
	return core_builder_add_partly(builder, address, size, size, flags);
}

void core_builder_add_zeros(core_builder *builder, hc_address address, uint64_t size, uint32_t flags)
{
	core_segment segment = { address, size, size, flags, NULL, 0 };

	g_array_append_val(builder->segments, segment);
}

uint8_t *core_builder_at(const core_builder *builder, hc_address address)
{
	for (unsigned i = 0; i < builder->segments->len; i++) {
		const core_segment *segment = &g_array_index(builder->segments, core_segment, i);

		if (segment->bytes && address - segment->address < segment->dumped)
			return segment->bytes + (address - segment->address);
	}
	return NULL;
}

void core_builder_put(core_builder *builder, hc_address address, uint64_t value, unsigned size)
{
	uint8_t *bytes = core_builder_at(builder, address);

	g_assert(bytes && core_builder_at(builder, address + size - 1) == bytes + size - 1);
	store(builder, bytes, value, size);
}

void core_builder_put_word(core_builder *builder, hc_address address, uint64_t value)
{
	core_builder_put(builder, address, value, builder->word);
}

void core_builder_put_bytes(core_builder *builder, hc_address address, const void *bytes, size_t size)
{
	g_assert(core_builder_at(builder, address) && core_builder_at(builder, address + size - 1));
	memcpy(core_builder_at(builder, address), bytes, size);
}

uint64_t core_builder_word(const core_builder *builder, hc_address address)
{
	const uint8_t *bytes = core_builder_at(builder, address);
	uint64_t value = 0;

	g_assert(bytes);
	for (unsigned i = 0; i < builder->word; i++)
		value |= (uint64_t)bytes[builder->big_endian ? builder->word - 1 - i : i] << 8 * i;
	return value;
}

/* ---- notes ---- */

static void align_notes(GByteArray *array)
{
	append_zeros(array, -array->len & 3);
}

static void append_note(const core_builder *builder, GByteArray *array, const char *name, uint32_t type,
	const void *data, uint32_t size)
{
	append(builder, array, strlen(name) + 1, 4);
	append(builder, array, size, 4);
	append(builder, array, type, 4);
	g_byte_array_append(array, (const uint8_t *)name, strlen(name) + 1);
	align_notes(array);
	g_byte_array_append(array, data, size);
	align_notes(array);
}

void core_builder_add_note(core_builder *builder, const char *name, uint32_t type, const void *data, uint32_t size)
{
	append_note(builder, builder->notes, name, type, data, size);
}

/* struct elf_prstatus of x86-64: 336 bytes, 27 registers at 112 in the order of struct user_regs_struct (sys/user.h). */
void core_builder_add_thread(core_builder *builder, const core_thread *thread)
{
	enum {
		RBX = 5,
		R12 = 3,
		ORIG_RAX = 15,
		RIP = 16,
		RSP = 19,
		FS_BASE = 21,
		REGISTERS = 112
	};
	uint8_t status[336] = { 0 };

	store(builder, status + 12, thread->signal, 2);
	store(builder, status + 32, thread->id, 4);
	store(builder, status + REGISTERS + 8 * R12, thread->r12, 8);
	store(builder, status + REGISTERS + 8 * RBX, thread->rbx, 8);
	store(builder, status + REGISTERS + 8 * ORIG_RAX, thread->in_system_call ? 1 : UINT64_MAX, 8);
	store(builder, status + REGISTERS + 8 * RIP, thread->program_counter, 8);
	store(builder, status + REGISTERS + 8 * RSP, thread->stack_pointer, 8);
	store(builder, status + REGISTERS + 8 * FS_BASE, thread->thread_pointer, 8);
	core_builder_add_note(builder, "CORE", NT_PRSTATUS, status, sizeof status);
}

/* struct elf_prpsinfo, 64-bit: pid at 24, name at 40, arguments at 56. 32-bit with 16-bit uids: 12, 28, 44. */
void core_builder_add_process(core_builder *builder, const char *name, const char *arguments, int32_t pid)
{
	uint8_t info[136] = { 0 };
	bool wide = builder->word == 8;

	store(builder, info + (wide ? 24 : 12), pid, 4);
	memcpy(info + (wide ? 40 : 28), name, MIN(strlen(name), 16));
	memcpy(info + (wide ? 56 : 44), arguments, MIN(strlen(arguments), 80));
	core_builder_add_note(builder, "CORE", NT_PRPSINFO, info, wide ? 136 : 124);
}

void core_builder_add_signal(core_builder *builder, int32_t number)
{
	uint8_t info[128] = { 0 };

	store(builder, info, number, 4);
	core_builder_add_note(builder, "CORE", NT_SIGINFO, info, sizeof info);
}

void core_builder_add_auxiliary(core_builder *builder, uint64_t type, uint64_t value)
{
	append(builder, builder->auxiliary, type, builder->word);
	append(builder, builder->auxiliary, value, builder->word);
}

void core_builder_add_file(core_builder *builder, hc_address start, hc_address end, uint64_t offset, const char *path)
{
	core_file file = { start, end, offset, g_strdup(path) };

	g_array_append_val(builder->files, file);
}

static GByteArray *all_notes(const core_builder *builder)
{
	GByteArray *notes = g_byte_array_new();
	g_autoptr(GByteArray) files = g_byte_array_new();

	g_byte_array_append(notes, builder->notes->data, builder->notes->len);
	if (builder->auxiliary->len) {
		g_autoptr(GByteArray) vector = g_byte_array_new();

		g_byte_array_append(vector, builder->auxiliary->data, builder->auxiliary->len);
		append_zeros(vector, 2 * builder->word);
		append_note(builder, notes, "CORE", NT_AUXV, vector->data, vector->len);
	}
	if (!builder->files->len)
		return notes;
	append(builder, files, builder->files->len, builder->word);
	append(builder, files, PAGE, builder->word);
	for (unsigned i = 0; i < builder->files->len; i++) {
		const core_file *file = &g_array_index(builder->files, core_file, i);

		append(builder, files, file->start, builder->word);
		append(builder, files, file->end, builder->word);
		append(builder, files, file->offset / PAGE, builder->word);
	}
	for (unsigned i = 0; i < builder->files->len; i++) {
		const char *path = g_array_index(builder->files, core_file, i).path;

		g_byte_array_append(files, (const uint8_t *)path, strlen(path) + 1);
	}
	append_note(builder, notes, "CORE", NT_FILE, files->data, files->len);
	return notes;
}

/* ---- the file ---- */

static void append_program_header(
	const core_builder *builder, GByteArray *image, uint32_t type, const core_segment *segment)
{
	unsigned word = builder->word;

	append(builder, image, type, 4);
	if (word == 8)
		append(builder, image, segment->flags, 4);
	append(builder, image, segment->offset, word);
	append(builder, image, segment->address, word);
	append(builder, image, 0, word);
	append(builder, image, segment->dumped, word);
	append(builder, image, segment->size, word);
	if (word == 4)
		append(builder, image, segment->flags, 4);
	append(builder, image, type == PT_LOAD ? PAGE : 4, word);
}

static void append_header(const core_builder *builder, GByteArray *image, unsigned header_size, unsigned entry_size,
	unsigned section_size)
{
	const uint8_t identity[EI_NIDENT] = {
		0x7f,
		'E',
		'L',
		'F',
		builder->word == 8 ? ELFCLASS64 : ELFCLASS32,
		builder->big_endian ? ELFDATA2MSB : ELFDATA2LSB,
		EV_CURRENT,
	};
	unsigned count = builder->segments->len + 1;

	g_byte_array_append(image, identity, sizeof identity);
	append(builder, image, builder->type, 2);
	append(builder, image, builder->machine, 2);
	append(builder, image, EV_CURRENT, 4);
	append(builder, image, 0, builder->word); /* e_entry */
	append(builder, image, header_size, builder->word);
	append(builder, image, builder->extended_count ? header_size + count * entry_size : 0,
		builder->word); /* e_shoff */
	append(builder, image, 0, 4);
	append(builder, image, header_size, 2);
	append(builder, image, builder->segment_entry_size ? builder->segment_entry_size : entry_size, 2);
	append(builder, image, builder->extended_count ? PN_XNUM : count, 2);
	append(builder, image, section_size, 2);
	append(builder, image, builder->extended_count ? 1 : builder->section_count, 2);
	append(builder, image, 0, 2);
}

/* Section 0: the number of segments is its sh_info. */
static void append_section(const core_builder *builder, GByteArray *image, unsigned section_size)
{
	unsigned start = image->len, info = builder->word == 8 ? 44 : 28;

	append_zeros(image, section_size);
	store(builder, image->data + start + info, builder->segments->len + 1, 4);
}

GByteArray *core_builder_image(core_builder *builder)
{
	bool wide = builder->word == 8;
	unsigned header_size = wide ? 64 : 52, entry_size = wide ? 56 : 32, section_size = wide ? 64 : 40;
	g_autoptr(GByteArray) notes = all_notes(builder);
	GByteArray *image = g_byte_array_new();
	core_segment note = { .dumped = notes->len };
	uint64_t offset;

	note.offset =
		header_size + (builder->segments->len + 1) * entry_size + (builder->extended_count ? section_size : 0);
	offset = note.offset + notes->len;
	for (unsigned i = 0; i < builder->segments->len; i++) {
		core_segment *segment = &g_array_index(builder->segments, core_segment, i);

		segment->offset = offset = (offset + 15) & ~(uint64_t)15;
		offset += segment->dumped;
	}
	append_header(builder, image, header_size, entry_size, section_size);
	append_program_header(builder, image, PT_NOTE, &note);
	for (unsigned i = 0; i < builder->segments->len; i++)
		append_program_header(builder, image, PT_LOAD, &g_array_index(builder->segments, core_segment, i));
	if (builder->extended_count)
		append_section(builder, image, section_size);
	g_byte_array_append(image, notes->data, notes->len);
	for (unsigned i = 0; i < builder->segments->len; i++) {
		const core_segment *segment = &g_array_index(builder->segments, core_segment, i);

		append_zeros(image, segment->offset - image->len);
		if (segment->bytes) {
			g_byte_array_append(image, segment->bytes, segment->dumped);
		} else {
			unsigned start = image->len;

			g_byte_array_set_size(image, start + segment->dumped);
			memset(image->data + start, 0, segment->dumped);
		}
	}
	if (builder->truncate && builder->truncate < image->len)
		g_byte_array_set_size(image, builder->truncate);
	return image;
}

/* Writes all but runs of zero pages, which stay holes. */
static bool write_sparse(int descriptor, const uint8_t *bytes, size_t size)
{
	static const uint8_t zeros[PAGE];

	if (ftruncate(descriptor, size))
		return false;
	for (size_t at = 0; at < size; at += PAGE) {
		size_t length = MIN(PAGE, size - at);

		if (memcmp(bytes + at, zeros, length) && pwrite(descriptor, bytes + at, length, at) != (ssize_t)length)
			return false;
	}
	return true;
}

/* A file in memory, to be closed; RET_PATH leads to it until then, and is to be freed. */
static int write_file(const void *bytes, size_t size, char **ret_path)
{
	int descriptor = memfd_create("heapcore-test", MFD_CLOEXEC);

	g_assert(descriptor >= 0 && write_sparse(descriptor, bytes, size));
	*ret_path = g_strdup_printf("/proc/self/fd/%d", descriptor);
	return descriptor;
}

hc_core *core_builder_open_bytes(const void *bytes, size_t size, hc_diagnostics *diagnostics, GError **error)
{
	g_autofree char *path = NULL;
	int descriptor = write_file(bytes, size, &path);
	hc_core *core = hc_core_open(path, diagnostics, error);

	close(descriptor);
	return core;
}

const char *core_builder_path(core_builder *builder)
{
	g_autoptr(GByteArray) image = core_builder_image(builder);

	close_file(builder);
	builder->descriptor = write_file(image->data, image->len, &builder->path);
	return builder->path;
}

hc_core *core_builder_open(core_builder *builder, hc_diagnostics *diagnostics, GError **error)
{
	g_autoptr(GByteArray) image = core_builder_image(builder);

	return core_builder_open_bytes(image->data, image->len, diagnostics, error);
}

uint64_t core_builder_told(const hc_diagnostics *diagnostics, const char *id)
{
	for (unsigned i = 0; i < hc_diagnostics_count(diagnostics); i++)
		if (!strcmp(hc_diagnostics_get(diagnostics, i)->kind->id, id))
			return hc_diagnostics_get(diagnostics, i)->count;
	return 0;
}
