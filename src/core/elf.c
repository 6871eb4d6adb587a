/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ELF header and program headers of a core. libelf is not used here: it refuses a gdb core that was cut, because the
 * section headers at its end are gone, although every program header is there.
 */
#include "core/core_state.h"

#include <elf.h>
#include <inttypes.h>
#include <unistd.h>

static const hc_diagnostic_kind headers_truncated = {
	"core-headers-truncated",
	HC_SEVERITY_HEAP_PARTIAL,
	"program headers are missing: the core file ends inside its header table",
};

/* What a file that is no ELF core looks like: a clause with advice. */
static const char *why_no_elf(const uint8_t *file, uint64_t size)
{
	static const struct {
		const char magic[20];
		unsigned length;
		const char *what;
	} formats[] = {
		{ "BZh", 3, "a bzip2 file: decompress it first (bunzip2 FILE)" },
		{ "\x02\x21\x4c\x18", 4, "an lz4 file of the old kind: decompress it first (lz4 -d FILE)" },
		{ "\x28\xb5\x2f\xfd", 4, "a zstd file: decompress it first (zstd -d FILE)" },
		{ "\x1f\x8b", 2, "a gzip file: decompress it first (gunzip FILE)" },
		{ "\xfd"
		  "7zXZ",
			5, "an xz file: decompress it first (unxz FILE)" },
		{ "\x04\x22\x4d\x18", 4, "an lz4 file: decompress it first (lz4 -d FILE)" },
		{ "KDUMP   ", 8, "a kernel crash dump, not a process's core" },
		{ "MDMP", 4, "a minidump, which has no heap in it" },
		{ "heapcore-snapshot ", 18,
			"a snapshot: heapcore diff reads it, and nothing else does, as it has no memory" },
		{ "!<arch>", 7, "an archive" },
		{ "#!", 2, "a script" },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(formats); i++)
		if (size >= formats[i].length && !memcmp(file, formats[i].magic, formats[i].length))
			return formats[i].what;
	return "not an ELF file";
}

static const char *why_no_core(unsigned type)
{
	switch (type) {
	case ET_EXEC:
	case ET_DYN:
		return "an ELF program or library, not a core: the core is what gcore or the kernel wrote of it";
	case ET_REL:
		return "an ELF object file, not a core";
	default:
		return "an ELF file of an unknown type, not a core";
	}
}

/* The file, or what was compressed in it, is WHAT. */
static bool fail_content(const hc_core *core, const char *what, GError **error)
{
	g_set_error(error, HC_ERROR, HC_ERROR_BAD_DATA,
		core->is_compressed ? "what is compressed in %s is %s" : "%s is %s", core->path, what);
	return false;
}

static void set_machine(hc_core *core, unsigned machine)
{
	char text[32];

	core->machine = hc_machine_find(machine);
	core->process.machine_id = machine;
	g_snprintf(text, sizeof text, "machine %u", machine);
	core->process.machine = core->machine ? core->machine->name : g_string_chunk_insert(core->strings, text);
}

static bool check_identity(hc_core *core, GError **error)
{
	const uint8_t *identity = core->file;

	if (core->file_size < EI_NIDENT || memcmp(identity, ELFMAG, SELFMAG))
		return fail_content(core, core->file_size ? why_no_elf(core->file, core->file_size) : "empty", error);
	if ((identity[EI_CLASS] != ELFCLASS32 && identity[EI_CLASS] != ELFCLASS64) ||
		(identity[EI_DATA] != ELFDATA2LSB && identity[EI_DATA] != ELFDATA2MSB)) {
		g_set_error(error, HC_ERROR, HC_ERROR_BAD_DATA,
			"%s: damaged ELF identification (class %u, byte order %u)", core->path, identity[EI_CLASS],
			identity[EI_DATA]);
		return false;
	}
	core->process.word_size = identity[EI_CLASS] == ELFCLASS64 ? 8 : 4;
	core->process.big_endian = identity[EI_DATA] == ELFDATA2MSB;
	core->format.size = core->process.word_size;
	core->format.swap = core->process.big_endian != (G_BYTE_ORDER == G_BIG_ENDIAN);
	return true;
}

/* 65535 segments or more: the count is in sh_info of section 0 (elf(5), PN_XNUM). */
static uint64_t count_segments(const hc_core *core, const hc_elf_header *header)
{
	size_t info = core->format.size == 8 ? offsetof(Elf64_Shdr, sh_info) : offsetof(Elf32_Shdr, sh_info);

	return header->segment_count == PN_XNUM && header->sections && header->sections < core->file_size &&
			       core->file_size - header->sections >= info + 4 ?
		       hc_load_u32(core->file + header->sections + info, core->format.swap) :
		       header->segment_count;
}

bool hc_core_parse_headers(hc_core *core, GError **error)
{
	if (!check_identity(core, error))
		return false;

	unsigned segment_size = hc_elf_segment_size(core->format);

	if (core->file_size < hc_elf_header_size(core->format)) {
		g_set_error(error, HC_ERROR, HC_ERROR_TRUNCATED,
			"%s: cut off inside the ELF header (%" PRIu64 " bytes)", core->path, core->file_size);
		return false;
	}
	hc_elf_header header = hc_elf_load_header(core->file, core->format);
	uint64_t count = count_segments(core, &header);

	if (header.type != ET_CORE)
		return fail_content(core, why_no_core(header.type), error);
	set_machine(core, header.machine);
	/* gdb (BFD) describes its segments a second time, as sections; the kernel has at most section 0. */
	core->process.origin = header.section_count > 1 ? HC_ORIGIN_GCORE : HC_ORIGIN_KERNEL;

	if (header.segment_size != segment_size || !count || header.segments > core->file_size) {
		g_set_error(error, HC_ERROR, header.segments > core->file_size ? HC_ERROR_TRUNCATED : HC_ERROR_BAD_DATA,
			"%s: no program headers can be read (%" PRIu64 " of %u bytes at %#" PRIx64
			" in a file of %" PRIu64 " bytes)",
			core->path, count, header.segment_size, header.segments, core->file_size);
		return false;
	}
	uint64_t present = MIN(count, (core->file_size - header.segments) / segment_size);

	if (!present) {
		g_set_error(error, HC_ERROR, HC_ERROR_TRUNCATED,
			"%s: cut off before its program headers (%" PRIu64 " bytes)", core->path, core->file_size);
		return false;
	}
	if (present < count)
		hc_diagnostics_add(core->diagnostics, &headers_truncated, (count - present) * segment_size,
			"%" PRIu64 " of %" PRIu64 " program headers", present, count);
	for (uint64_t i = 0; i < present; i++) {
		hc_elf_segment segment =
			hc_elf_load_segment(core->file + header.segments + i * segment_size, core->format);

		if (segment.type == PT_LOAD || segment.type == PT_NOTE)
			g_array_append_val(core->segments, segment);
	}
	return true;
}

/* ---- how long it is ---- */

/* What of [offset, offset + size) ends last; 0 if that is no range. */
static uint64_t later_end(uint64_t end, uint64_t offset, uint64_t size)
{
	return size && offset <= UINT64_MAX - size ? MAX(end, offset + size) : end;
}

static bool read_all(int file, uint64_t offset, uint8_t *to, size_t size)
{
	return pread(file, to, size, (off_t)offset) == (ssize_t)size;
}

bool hc_core_find_promise(int file, uint64_t length, uint64_t *ret_promised)
{
	uint8_t head[sizeof(Elf64_Ehdr)];
	hc_word_format format = { 0 };

	*ret_promised = 0;
	if (length < sizeof head)
		return false;
	if (!read_all(file, 0, head, sizeof head) || memcmp(head, ELFMAG, SELFMAG))
		return true;
	format.size = head[EI_CLASS] == ELFCLASS64 ? 8 : 4;
	format.swap = (head[EI_DATA] == ELFDATA2MSB) != (G_BYTE_ORDER == G_BIG_ENDIAN);
	hc_elf_header header = hc_elf_load_header(head, format);
	unsigned size = hc_elf_segment_size(format);
	uint64_t table = (uint64_t)header.segment_count * size;

	if (header.type != ET_CORE)
		return true;
	*ret_promised = UINT64_MAX;
	if (header.segment_count == PN_XNUM || header.segment_size != size || !table)
		return true;
	if (header.segments > length || length - header.segments < table)
		return false;
	g_autofree uint8_t *headers = g_malloc(table);

	if (!read_all(file, header.segments, headers, table))
		return true;
	uint64_t end = later_end(0, header.segments, table);

	if (header.sections && header.section_count)
		end = later_end(end, header.sections,
			(uint64_t)header.section_count * (format.size == 8 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)));
	for (uint64_t i = 0; i < header.segment_count; i++) {
		hc_elf_segment segment = hc_elf_load_segment(headers + i * size, format);

		end = later_end(end, segment.offset, segment.file_size);
	}
	*ret_promised = end;
	return true;
}
