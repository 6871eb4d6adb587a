/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a file has its call frame information, and the one place that asks libdw for it: frame_entries.h tells what is done first.
 *
 * libdw does not say where it reads. So it is found anew, in the same Elf and in the same way (dwarf_getcfi_elf.c, dwarf_begin_elf.c,
 * elfutils 0.188): .eh_frame by the section headers and, if these have none, by PT_GNU_EH_FRAME; .debug_frame by its names, of which all are
 * looked through, as it depends on other sections which libdw takes.
 */
#include "base/memory.h"
#include "modules/frame_entries.h"
#include "modules/modules_state.h"

#include <dwarf.h>
#include <errno.h>
#include <gelf.h>
#include <string.h>

enum {
	HEADER_LEAST = 4, /* bytes of .eh_frame_hdr: version, three encodings */
	SECTIONS_MOST = 8 /* called .debug_frame */
};

/* What one file has. */
struct source {
	hc_frame_verdict verdict; /* HC_FRAME_SOUND: it depends on what is asked for */
	GArray *sections;	  /* of hc_frame_section */
};

struct module_frames {
	struct source *sources[2]; /* by hc_frame_source; NULL: not looked for yet */
};

struct hc_module_frames {
	GHashTable *modules; /* Dwfl_Module * -> struct module_frames * */
	uint64_t memory;
};

/* ---- sections ---- */

/* A section with BYTES, of which only the file's properties are filled in. FALSE: no ELF file that libdw knows. */
static bool begin_section(Elf *elf, const Elf_Data *data, bool is_debug, hc_frame_section *section)
{
	const char *identity = elf_getident(elf, NULL);

	if (!identity || !data || !data->d_buf)
		return false;
	*section = (hc_frame_section){ .bytes = data->d_buf,
		.size = data->d_size,
		.is_debug = is_debug,
		.is_64 = identity[EI_CLASS] != ELFCLASS32,
		.is_big = identity[EI_DATA] == ELFDATA2MSB };
	return true;
}

/* Of a pointer in .eh_frame_hdr, which has SIZE bytes; 0: one that is not taken. */
static unsigned pointer_size(const hc_frame_section *section, unsigned encoding)
{
	switch (encoding & 0x0f) {
	case DW_EH_PE_absptr:
		return section->is_64 ? 8 : 4;
	case DW_EH_PE_udata4:
	case DW_EH_PE_sdata4:
		return 4;
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		return 8;
	default:
		return 0;
	}
}

struct header {
	hc_frame_cursor cursor;
	const uint8_t *start;
	uint64_t address;
};

/* As read_encoded_value(), of the encodings that linkers write. */
static hc_frame_verdict read_pointer(
	const hc_frame_section *section, struct header *header, unsigned encoding, uint64_t *ret_value)
{
	unsigned size = pointer_size(section, encoding), relative = encoding & 0xf0;
	uint64_t base = relative == DW_EH_PE_pcrel   ? header->address + (uint64_t)(header->cursor.at - header->start) :
			relative == DW_EH_PE_datarel ? header->address :
						       0;

	if (!size || (relative && relative != DW_EH_PE_pcrel && relative != DW_EH_PE_datarel))
		return HC_FRAME_UNSOUND;
	*ret_value = hc_frame_read(&header->cursor, size);
	if ((encoding & 0x0f) == DW_EH_PE_sdata4)
		*ret_value = (uint64_t)(int64_t)(int32_t)*ret_value;
	*ret_value += base;
	return header->cursor.failed ? HC_FRAME_NONE : HC_FRAME_SOUND;
}

/*
 * .eh_frame_hdr (Linux Standard Base), DATA at ADDRESS, as parse_eh_frame_hdr(): fills in the table, if it has one, and *RET_FRAME, where
 * .eh_frame is. HC_FRAME_NONE: libdw takes neither.
 */
static hc_frame_verdict read_header(
	hc_frame_section *section, const Elf_Data *data, uint64_t address, uint64_t *ret_frame)
{
	const uint8_t *bytes = data->d_buf;
	struct header header = { { bytes + HEADER_LEAST, bytes + data->d_size, .is_big = section->is_big }, bytes,
		address };
	hc_frame_verdict verdict;
	uint64_t count;

	if (data->d_size < HEADER_LEAST || bytes[0] != 1 || bytes[1] == DW_EH_PE_omit)
		return HC_FRAME_NONE;
	verdict = read_pointer(section, &header, bytes[1], ret_frame);
	if (verdict != HC_FRAME_SOUND || bytes[2] == DW_EH_PE_omit)
		return verdict;
	verdict = read_pointer(section, &header, bytes[2], &count);
	if (verdict != HC_FRAME_SOUND || !count || bytes[3] == DW_EH_PE_omit)
		return verdict;
	/* libdw takes more encodings for the table, and reads behind its end there. */
	if (!pointer_size(section, bytes[3]) || (bytes[3] & 0xf0 && (bytes[3] & 0xf0) != DW_EH_PE_datarel))
		return HC_FRAME_UNSOUND;
	if (count > (uint64_t)(header.cursor.end - header.cursor.at) / pointer_size(section, bytes[3]) / 2)
		return HC_FRAME_NONE;
	section->table = header.cursor.at;
	section->table_count = count;
	section->table_encoding = bytes[3];
	section->table_base = bytes[3] & 0xf0 ? address : 0;
	return HC_FRAME_SOUND;
}

/* By the section headers. *RET_FOUND: there is an .eh_frame. */
static hc_frame_verdict find_by_sections(Elf *elf, hc_frame_section *section, bool *ret_found)
{
	Elf_Scn *with_table = NULL;
	uint64_t table_address = 0, frame = 0;
	size_t names = 0;

	*ret_found = false;
	if (elf_getshdrstrndx(elf, &names) || !names)
		return HC_FRAME_NONE;
	for (Elf_Scn *one = NULL; (one = elf_nextscn(elf, one));) {
		GElf_Shdr header;
		const char *name = gelf_getshdr(one, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;

		if (name && !strcmp(name, ".eh_frame_hdr")) {
			with_table = one;
			table_address = header.sh_addr;
		}
		if (!name || strcmp(name, ".eh_frame"))
			continue;
		const Elf_Data *table = with_table ? elf_rawdata(with_table, NULL) : NULL;

		*ret_found = true;
		if (header.sh_type == SHT_NOBITS || !begin_section(elf, elf_rawdata(one, NULL), false, section))
			return HC_FRAME_NONE;
		section->frame_address = header.sh_addr;
		if (!table || !table->d_buf)
			return HC_FRAME_SOUND;
		hc_frame_verdict verdict = read_header(section, table, table_address, &frame);

		if (frame != header.sh_addr)
			section->table = NULL;
		return verdict;
	}
	return HC_FRAME_NONE;
}

/* By PT_GNU_EH_FRAME: libdw takes all that follows in the file for .eh_frame. */
static hc_frame_verdict find_by_segments(Elf *elf, hc_frame_section *section)
{
	size_t count = 0, file_size = 0;

	if (elf_getphdrnum(elf, &count) || !elf_rawfile(elf, &file_size))
		return HC_FRAME_NONE;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;
		const Elf_Data *table, *data;
		uint64_t frame, offset;
		hc_frame_verdict verdict;

		if (!gelf_getphdr(elf, (int)i, &header))
			return HC_FRAME_NONE;
		if (header.p_type != PT_GNU_EH_FRAME)
			continue;
		table = elf_getdata_rawchunk(elf, (int64_t)header.p_offset, header.p_filesz, ELF_T_BYTE);
		if (!begin_section(elf, table, false, section))
			return HC_FRAME_NONE;
		verdict = read_header(section, table, header.p_vaddr, &frame);
		if (verdict != HC_FRAME_SOUND)
			return verdict;
		offset = frame - header.p_vaddr + header.p_offset;
		data = offset < file_size ? elf_getdata_rawchunk(elf, (int64_t)offset, file_size - offset, ELF_T_BYTE) :
					    NULL;
		if (!data || !data->d_buf)
			return HC_FRAME_NONE;
		section->bytes = data->d_buf;
		section->size = data->d_size;
		section->frame_address = frame;
		return HC_FRAME_SOUND;
	}
	return HC_FRAME_NONE;
}

static bool is_debug_frame(const char *name)
{
	static const char *const names[] = { ".debug_frame", ".zdebug_frame", ".debug_frame.dwo", ".zdebug_frame.dwo",
		".gnu.debuglto_.debug_frame" };

	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* ---- one file ---- */

static struct source *source_create(void)
{
	struct source *source = g_new0(struct source, 1);

	source->sections = g_array_new(FALSE, FALSE, sizeof(hc_frame_section));
	return source;
}

static void source_destroy(struct source *source)
{
	if (!source)
		return;
	for (unsigned i = 0; i < source->sections->len; i++)
		hc_frame_section_clear(&g_array_index(source->sections, hc_frame_section, i));
	g_array_unref(source->sections);
	g_free(source);
}

static void add_section(struct hc_module_frames *frames, struct source *source, hc_frame_section *section)
{
	hc_frame_section_init(section, &frames->memory);
	g_array_append_val(source->sections, *section);
}

static struct source *open_eh(struct hc_module_frames *frames, Dwfl_Module *module)
{
	struct source *source = source_create();
	hc_frame_section section = { 0 };
	Dwarf_Addr bias;
	Elf *elf = dwfl_module_getelf(module, &bias);
	bool found = false;

	source->verdict = elf ? find_by_sections(elf, &section, &found) : HC_FRAME_NONE;
	if (elf && !found)
		source->verdict = find_by_segments(elf, &section);
	if (source->verdict == HC_FRAME_SOUND)
		add_section(frames, source, &section);
	return source;
}

static struct source *open_debug(struct hc_module_frames *frames, Dwfl_Module *module)
{
	struct source *source = source_create();
	Dwarf_Addr bias;
	Dwarf *dwarf = hc_modules_dwarf(module, &bias);
	Elf *elf = dwarf ? dwarf_getelf(dwarf) : NULL;
	size_t names = 0;

	source->verdict = HC_FRAME_NONE;
	if (!elf || elf_getshdrstrndx(elf, &names))
		return source;
	for (Elf_Scn *one = NULL; (one = elf_nextscn(elf, one));) {
		GElf_Shdr header;
		const char *name = gelf_getshdr(one, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
		hc_frame_section section;

		/* What libdw could not unpack it does not take. */
		if (!name || !is_debug_frame(name) || header.sh_type == SHT_NOBITS ||
			header.sh_flags & SHF_COMPRESSED || !begin_section(elf, elf_getdata(one, NULL), true, &section))
			continue;
		source->verdict = source->sections->len < SECTIONS_MOST ? HC_FRAME_SOUND : HC_FRAME_UNSOUND;
		if (source->verdict == HC_FRAME_UNSOUND)
			break;
		add_section(frames, source, &section);
	}
	return source;
}

static hc_frame_verdict judge(const struct source *source, uint64_t address)
{
	hc_frame_verdict all = source->verdict;

	for (unsigned i = 0; i < source->sections->len && all == HC_FRAME_SOUND; i++) {
		hc_frame_section *section = &g_array_index(source->sections, hc_frame_section, i);

		all = hc_frame_section_judge(section, address);
	}
	return all;
}

/* ---- all files ---- */

static void module_frames_destroy(void *data)
{
	struct module_frames *module = data;

	source_destroy(module->sources[HC_FRAME_EH]);
	source_destroy(module->sources[HC_FRAME_DEBUG]);
	g_free(module);
}

struct hc_module_frames *hc_module_frames_create(void)
{
	struct hc_module_frames *frames = g_new0(struct hc_module_frames, 1);

	frames->modules = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, module_frames_destroy);
	return frames;
}

void hc_module_frames_destroy(struct hc_module_frames *frames)
{
	if (!frames)
		return;
	g_hash_table_unref(frames->modules);
	g_free(frames);
}

static struct source *find_source(struct hc_module_frames *frames, Dwfl_Module *module, hc_frame_source kind)
{
	struct module_frames *found = g_hash_table_lookup(frames->modules, module);

	if (!found) {
		found = g_new0(struct module_frames, 1);
		g_hash_table_insert(frames->modules, module, found);
	}
	if (!found->sources[kind])
		found->sources[kind] = kind == HC_FRAME_EH ? open_eh(frames, module) : open_debug(frames, module);
	return found->sources[kind];
}

Dwarf_Frame *hc_module_frames_ask(struct hc_module_frames *frames, Dwfl_Module *module, hc_frame_source kind,
	hc_address address, Dwarf_Addr *ret_bias, bool *ret_unsound)
{
	struct source *source = find_source(frames, module, kind);
	Dwarf_CFI *information = NULL;
	Dwarf_Frame *frame = NULL;
	Dwarf_Addr bias = 0;

	/* Before libdw looks: it reads the head of a table at once. And what it finds where nothing was found was not looked through. */
	if (source->verdict != HC_FRAME_UNSOUND)
		information = kind == HC_FRAME_EH ? dwfl_module_eh_cfi(module, &bias) :
						    dwfl_module_dwarf_cfi(module, &bias);
	*ret_unsound = source->verdict == HC_FRAME_UNSOUND ||
		       (information &&
			       (source->verdict == HC_FRAME_NONE || judge(source, address - bias) == HC_FRAME_UNSOUND));
	if (*ret_unsound || !information || dwarf_cfi_addrframe(information, address - bias, &frame))
		return NULL;
	*ret_bias = bias;
	return frame;
}

hc_address hc_module_frames_start(struct hc_module_frames *frames, Dwfl_Module *module, hc_address address)
{
	struct source *source = find_source(frames, module, HC_FRAME_EH);
	Dwarf_Addr bias;
	uint64_t start;

	if (source->verdict != HC_FRAME_SOUND || !dwfl_module_eh_cfi(module, &bias))
		return 0;
	for (unsigned i = 0; i < source->sections->len; i++)
		if (hc_frame_section_find_start(
			    &g_array_index(source->sections, hc_frame_section, i), address - bias, &start))
			return start + bias;
	return 0;
}
