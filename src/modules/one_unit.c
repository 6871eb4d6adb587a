/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One unit of a file with debug info, without the rest. Distributions compress the sections of such files, and to uncompress all of libc's takes
 * longer than everything else that is done for a small core, while the heap needs four structures of malloc.c.
 *
 *	1. .debug_aranges, which is small, tells where in .debug_info the unit is.
 *	2. Of .debug_info what stands before the unit and the unit itself is uncompressed: what is packed by zlib can be read from the start only.
 *	3. libdw gets the file with .debug_info ending there, and of the other sections those that names and layouts are made of. It takes a
 *	   section's bytes from libelf, whose answer is changed for that; the rest is told to hold nothing.
 *
 * A reference to a unit that is cut off leads nowhere, so a structure may be found or not, and is never another. Whatever is unusual (no
 * .debug_aranges, another compression, a file that shares parts of another one) is left to who reads all of it.
 *
 * Sources: gABI, "Section Compression"; DWARF 5, 6.1.2 (.debug_aranges) and 7.5.1 (unit headers).
 */
#include "config.h"

#include "base/file.h"
#include "base/word.h"
#include "modules/modules_state.h"

#include <gelf.h>
#if HAVE_ZLIB
#include <zlib.h>
#endif

enum {
	RANGES_SIZE_MAX = 64 << 20, /* of .debug_aranges */
	INFO_SIZE_MAX = 512 << 20   /* of what is uncompressed of .debug_info */
};

/* A section that zlib has packed, and how far it is unpacked. */
struct packed {
	Elf_Scn *section;
	const uint8_t *bytes; /* in the file, behind the header that tells of the compression */
	size_t size;
	uint64_t whole; /* bytes that there are, unpacked */
	uint8_t *unpacked;
#if HAVE_ZLIB
	z_stream stream;
	bool is_open;
#endif
};

/* What names and layouts are made of; of these libdw uncompresses all. */
static bool is_needed(const char *name)
{
	static const char *const needed[] = { ".debug_info", ".debug_abbrev", ".debug_str", ".debug_line_str",
		".debug_str_offsets" };

	for (unsigned i = 0; i < G_N_ELEMENTS(needed); i++)
		if (!strcmp(name, needed[i]))
			return true;
	return false;
}

static const char *section_name(Elf *elf, Elf_Scn *section)
{
	GElf_Shdr header;
	size_t names;

	return elf_getshdrstrndx(elf, &names) || !gelf_getshdr(section, &header) ?
		       NULL :
		       elf_strptr(elf, names, header.sh_name);
}

Elf_Scn *hc_modules_find_section(Elf *elf, const char *wanted)
{
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		const char *name = section_name(elf, section);

		if (name && !strcmp(name, wanted))
			return section;
	}
	return NULL;
}

/* FALSE: there is none, or zlib has not packed it. */
static bool packed_find(struct packed *packed, Elf *elf, const char *name)
{
	size_t before = gelf_getclass(elf) == ELFCLASS64 ? sizeof(Elf64_Chdr) : sizeof(Elf32_Chdr);
	const Elf_Data *data;
	GElf_Shdr header;
	GElf_Chdr how;

	packed->section = hc_modules_find_section(elf, name);
	if (!packed->section || !gelf_getshdr(packed->section, &header) || header.sh_type == SHT_NOBITS ||
		!(header.sh_flags & SHF_COMPRESSED) || !gelf_getchdr(packed->section, &how) ||
		how.ch_type != ELFCOMPRESS_ZLIB || !(data = elf_rawdata(packed->section, NULL)) || !data->d_buf ||
		data->d_size <= before || data->d_size > G_MAXINT)
		return false;
	packed->bytes = (const uint8_t *)data->d_buf + before;
	packed->size = data->d_size - before;
	packed->whole = how.ch_size;
	return true;
}

#if HAVE_ZLIB
/* Unpacks the first SIZE bytes, at most LIMIT. FALSE: there are not so many, or they are damaged. */
static bool packed_read(struct packed *packed, uint64_t size, uint64_t limit)
{
	z_stream *stream = &packed->stream;
	uint64_t before = stream->total_out;
	uint8_t *bytes;

	if (size > packed->whole || size > limit || !(bytes = g_try_realloc(packed->unpacked, MAX(size, 1))))
		return false;
	packed->unpacked = bytes;
	if (size <= before)
		return true;
	if (!packed->is_open) {
		stream->next_in = (uint8_t *)(uintptr_t)packed->bytes;
		stream->avail_in = (uInt)packed->size;
		if (inflateInit(stream) != Z_OK)
			return false;
		packed->is_open = true;
		inflateValidate(stream, 0); /* the sum is of the whole */
	}
	stream->next_out = packed->unpacked + before;
	stream->avail_out = (uInt)(size - before);
	int result = inflate(stream, Z_NO_FLUSH);

	return (result == Z_OK || result == Z_STREAM_END) && !stream->avail_out;
}

static void packed_clear(struct packed *packed)
{
	if (packed->is_open)
		inflateEnd(&packed->stream);
	packed->is_open = false;
	g_clear_pointer(&packed->unpacked, g_free);
}
#else
static bool packed_read(struct packed *packed, uint64_t size, uint64_t limit)
{
	(void)packed, (void)size, (void)limit;
	return false;
}

static void packed_clear(struct packed *packed)
{
	(void)packed;
}
#endif

/* ---- where the unit is ---- */

/*
 * Whether the set of ranges in the LENGTH bytes of SET, behind its length, has ADDRESS; then sets *ret_unit. A set of the 64-bit format is
 * passed over.
 */
static bool set_has(const uint8_t *set, uint64_t length, bool swap, uint64_t address, uint64_t *ret_unit)
{
	enum {
		HEADER = 2 + 4 + 1 + 1,
		LENGTH = 4 /* which stands before, and counts for the alignment */
	};

	if (length < HEADER || hc_load_u16(set, swap) != 2 || (set[6] != 4 && set[6] != 8) || set[7])
		return false;
	unsigned size = set[6];

	for (uint64_t at = hc_align_up(LENGTH + HEADER, 2 * size) - LENGTH; at <= length && length - at >= 2 * size;
		at += 2 * size) {
		uint64_t start = hc_load_unsigned(set + at, size, swap),
			 count = hc_load_unsigned(set + at + size, size, swap);

		if (address >= start && address - start < count) {
			*ret_unit = hc_load_u32(set + 2, swap);
			return true;
		}
	}
	return false;
}

static bool find_unit(Elf *elf, bool swap, uint64_t address, uint64_t *ret_unit)
{
	struct packed ranges = { 0 };
	bool found = false;

	if (packed_find(&ranges, elf, ".debug_aranges") && packed_read(&ranges, ranges.whole, RANGES_SIZE_MAX))
		for (uint64_t at = 0; !found && ranges.whole - at > 4;) {
			uint64_t length = hc_load_u32(ranges.unpacked + at, swap);

			if (!length || length > ranges.whole - at - 4)
				break;
			found = set_has(ranges.unpacked + at + 4, length, swap, address, ret_unit);
			at += 4 + length;
		}
	packed_clear(&ranges);
	return found;
}

/* ---- what libdw sees ---- */

static void set_bytes(Elf_Data *data, void *bytes, uint64_t size)
{
	data->d_buf = bytes;
	data->d_size = size;
}

/* SECTION holds SIZE bytes at BYTES, and they are not packed; NULL: nothing. */
static bool replace(Elf_Scn *section, void *bytes, uint64_t size)
{
	/* One of both is what libdw asks for. */
	Elf_Data *raw = bytes ? elf_rawdata(section, NULL) : NULL,
		 *converted = bytes ? elf_getdata(section, NULL) : NULL;
	GElf_Shdr header;

	if ((bytes && (!raw || !converted)) || !gelf_getshdr(section, &header))
		return false;
	header.sh_flags &= ~(GElf_Xword)SHF_COMPRESSED;
	header.sh_size = size;
	if (bytes) {
		set_bytes(raw, bytes, size);
		set_bytes(converted, bytes, size);
	} else
		header.sh_type = SHT_NOBITS;
	return gelf_update_shdr(section, &header) != 0;
}

static bool hide_the_rest(Elf *elf)
{
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		const char *name = section_name(elf, section);

		if (name && g_str_has_prefix(name, ".debug_") && !is_needed(name) && !replace(section, NULL, 0))
			return false;
	}
	return true;
}

/* Uncompresses .debug_info of ELF to the end of the unit at OFFSET. *ret_bytes: to be freed after ELF. */
static bool cut(Elf *elf, bool swap, uint64_t offset, uint8_t **ret_bytes)
{
	struct packed info = { 0 };
	bool done = packed_find(&info, elf, ".debug_info") && packed_read(&info, offset + 4, INFO_SIZE_MAX);
	uint64_t length = done ? hc_load_u32(info.unpacked + offset, swap) : 0;

	/* 0xffffffff and what is near it: the 64-bit format */
	done = done && length && packed_read(&info, offset + 4 + length, INFO_SIZE_MAX) &&
	       replace(info.section, info.unpacked, offset + 4 + length);
	if (done)
		*ret_bytes = g_steal_pointer(&info.unpacked);
	packed_clear(&info);
	return done;
}

static bool open_unit(struct one_unit *one, uint64_t address)
{
	const char *ident = elf_getident(one->elf, NULL);
	bool swap = ident && ident[EI_DATA] != (G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB);

	if (!ident || hc_modules_find_section(one->elf, ".gnu_debugaltlink") ||
		!find_unit(one->elf, swap, address, &one->offset) || !cut(one->elf, swap, one->offset, &one->info) ||
		!hide_the_rest(one->elf))
		return false;
	one->dwarf = dwarf_begin_elf(one->elf, DWARF_C_READ, NULL);
	return one->dwarf != NULL;
}

/* ---- the file ---- */

Dwarf *hc_one_unit_dwarf(const struct one_unit *one, uint64_t *ret_die)
{
	Dwarf_Off next;
	size_t header;

	if (dwarf_nextcu(one->dwarf, one->offset, &next, &header, NULL, NULL, NULL))
		return NULL;
	*ret_die = one->offset + header;
	return one->dwarf;
}

void hc_one_unit_close(struct one_unit *one)
{
	if (!one)
		return;
	dwarf_end(one->dwarf);
	elf_end(one->elf);
	g_clear_pointer(&one->mapped, g_mapped_file_unref);
	g_free(one->info);
	g_free(one->path);
	g_free(one);
}

struct one_unit *hc_one_unit_open(const char *path, const char *build_id, uint64_t address)
{
	struct one_unit *one = g_new0(struct one_unit, 1);

	elf_version(EV_CURRENT);
	/* For writing, privately: libelf changes headers in place. */
	one->mapped = hc_file_map(path, true, NULL);
	if (one->mapped && g_mapped_file_get_length(one->mapped))
		one->elf = hc_modules_open_elf(one->mapped);
	if (one->elf && hc_modules_has_build_id(one->elf, build_id) && open_unit(one, address)) {
		one->path = g_strdup(path);
		return one;
	}
	hc_one_unit_close(one);
	return NULL;
}
