/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a module says of itself where it is mapped: ELF header, program headers, build-id, dynamic
 * section. They are read from the dead process's memory, or from a file where the core lacks them;
 * everything in them may be damaged. And whether it is mapped as they say.
 */
#include "modules/modules_state.h"

#include "base/elf_headers.h"

#include <elf.h>

enum {
	PROGRAM_HEADERS_MAX = 256,
	NOTE_BYTES_MAX = 64 * 1024,
	DYNAMIC_ENTRIES_MAX = 512,
};

static bool read_header(const struct hc_header_source *source, uint64_t offset, void *bytes, uint64_t size)
{
	if (!source->file)
		return hc_core_read(source->core, source->base + offset, bytes, size);
	if (offset > source->file_size || size > source->file_size - offset)
		return false;
	memcpy(bytes, source->file + offset, size);
	return true;
}

static bool read_elf_header(const struct hc_header_source *source, hc_elf_header *header)
{
	uint8_t bytes[sizeof(Elf64_Ehdr)];
	hc_word_format format = hc_core_word_format(source->core);

	if (!read_header(source, 0, bytes, hc_elf_header_size(format)) || memcmp(bytes, ELFMAG, SELFMAG) ||
		bytes[EI_CLASS] != (format.size == 8 ? ELFCLASS64 : ELFCLASS32))
		return false;
	*header = hc_elf_load_header(bytes, format);
	return (header->type == ET_DYN || header->type == ET_EXEC) && header->segment_count &&
	       header->segment_size == hc_elf_segment_size(format);
}

static bool read_program_header(const struct hc_header_source *source, uint64_t offset, hc_module_segment *segment)
{
	uint8_t bytes[sizeof(Elf64_Phdr)];
	hc_word_format format = hc_core_word_format(source->core);

	if (!read_header(source, offset, bytes, hc_elf_segment_size(format)))
		return false;
	hc_elf_segment header = hc_elf_load_segment(bytes, format);

	*segment = (hc_module_segment){
		.start = header.address,
		.end = header.address + header.memory_size,
		.file_end = header.address + MIN(header.file_size, header.memory_size),
		.offset = header.offset,
		.type = header.type,
		.flags = header.flags,
		.alignment = header.alignment,
	};
	return segment->end >= segment->start && header.memory_size < (uint64_t)1 << 47;
}

bool hc_module_read_segments(const struct hc_header_source *source, struct module *module)
{
	const hc_core *core = source->core;
	hc_elf_header header;
	hc_address low = 0, high = 0, bias = 0;
	bool have_bias = false;

	if (!read_elf_header(source, &header))
		return false;
	for (unsigned i = 0; i < MIN(header.segment_count, PROGRAM_HEADERS_MAX); i++) {
		hc_module_segment segment;

		if (!read_program_header(source, header.segments + i * header.segment_size, &segment))
			continue;
		if (segment.type == PT_LOAD) {
			/*
			 * They are in the order of their addresses (elf(5)), the one with the
			 * header first: else they are damaged.
			 */
			if (segment.start < high || (!have_bias && hc_align_down(segment.offset, 4096)))
				continue;
			if (!have_bias) {
				low = segment.start;
				bias = source->base ? source->base - (segment.start - segment.offset) :
						      hc_core_process(core)->entry - header.entry;
				have_bias = true;
			}
			high = segment.end;
		}
		g_array_append_val(module->segments, segment);
	}
	if (!have_bias || (header.type == ET_EXEC && bias))
		return false;
	for (unsigned i = 0; i < module->segments->len; i++) {
		hc_module_segment *segment = &g_array_index(module->segments, hc_module_segment, i);

		segment->start += bias;
		segment->end += bias;
		segment->file_end += bias;
		if (segment->type == PT_DYNAMIC) {
			module->dynamic = segment->start;
			module->dynamic_size = segment->end - segment->start;
		}
		module->has_interpreter |= segment->type == PT_INTERP;
	}
	module->public.bias = bias;
	module->public.start = hc_align_down(low + bias, hc_core_process(core)->page_size);
	module->public.end = hc_align_up(high + bias, hc_core_process(core)->page_size);
	return module->public.end > module->public.start;
}

char *hc_module_read_build_id(const hc_core *core, const struct module *module)
{
	hc_word_format format = hc_core_word_format(core);

	for (unsigned i = 0; i < module->segments->len; i++) {
		const hc_module_segment *segment = &g_array_index(module->segments, hc_module_segment, i);
		uint64_t size = MIN(segment->end - segment->start, NOTE_BYTES_MAX), available;
		const uint8_t *bytes = segment->type == PT_NOTE ? hc_core_bytes(core, segment->start, &available) :
								  NULL;

		if (!bytes)
			continue;
		size = MIN(size, available);
		for (uint64_t offset = 0; offset + sizeof(Elf64_Nhdr) <= size;) {
			uint64_t name_size = hc_load_u32(bytes + offset, format.swap),
				 data_size = hc_load_u32(bytes + offset + 4, format.swap);
			uint64_t alignment = segment->alignment == 8 ? 8 : 4;
			uint64_t data = offset + hc_align_up(sizeof(Elf64_Nhdr) + name_size, alignment);

			if (data > size || data_size > size - data)
				break;
			if (hc_load_u32(bytes + offset + 8, format.swap) == NT_GNU_BUILD_ID && name_size == 4 &&
				!memcmp(bytes + offset + sizeof(Elf64_Nhdr), "GNU", 4) && data_size && data_size <= 64)
				return hc_build_id_text(bytes + data, data_size);
			offset = hc_align_up(data + data_size, alignment);
		}
	}
	return NULL;
}

bool hc_module_read_dynamic(const hc_core *core, const struct module *module, int64_t wanted, uint64_t *ret_value)
{
	unsigned size = hc_core_process(core)->word_size;
	uint64_t count = MIN(module->dynamic_size / (2 * size), DYNAMIC_ENTRIES_MAX);

	for (uint64_t i = 0; i < count; i++) {
		uint64_t tag, value;

		if (!hc_core_read_word(core, module->dynamic + i * 2 * size, &tag) ||
			!hc_core_read_word(core, module->dynamic + (i * 2 + 1) * size, &value) || tag == DT_NULL)
			return false;
		if (tag == (uint64_t)wanted) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

/* The dynamic linker relocates DT_STRTAB in place, except in the vdso. */
char *hc_module_read_soname(const hc_core *core, const struct module *module)
{
	uint64_t strings, offset;

	if (!hc_module_read_dynamic(core, module, DT_STRTAB, &strings) ||
		!hc_module_read_dynamic(core, module, DT_SONAME, &offset))
		return NULL;
	if (strings < module->public.start || strings >= module->public.end)
		strings += module->public.bias;
	return hc_core_read_string(core, strings + offset, 256);
}

/*
 * A file that a program maps to read it (a linker, a debugger) has an ELF header too, but is not
 * loaded as its headers say. Of what is loaded, each segment begins in a mapping of the same file,
 * at the place that the header names; only text may have moved to anonymous memory, in programs
 * that put theirs on huge pages. Without NT_FILE no mapping has a path, and what gdb leaves out
 * (text) is no mapping at all.
 */
bool hc_module_is_loaded(const hc_core *core, const struct module *module)
{
	uint64_t page = hc_core_process(core)->page_size;
	const char *path = module->public.path;
	unsigned loads = 0;

	for (unsigned i = 0; i < module->segments->len; i++) {
		const hc_module_segment *segment = &g_array_index(module->segments, hc_module_segment, i);
		const hc_mapping *mapping;

		if (segment->type != PT_LOAD || segment->file_end == segment->start)
			continue;
		mapping = hc_core_find_mapping(core, segment->start);
		if (!mapping && !*path && !(segment->flags & PF_W))
			continue;
		if (!mapping || (*path && !mapping->path && !(segment->flags & PF_X)))
			return false;
		if (mapping->path &&
			(strcmp(mapping->path, path) ||
				hc_align_down(segment->offset, page) !=
					mapping->path_offset + (hc_align_down(segment->start, page) - mapping->start)))
			return false;
		loads++;
	}
	return loads > 0;
}
