/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "program_builder.h"

#include <dwarf.h>
#include <string.h>

enum {
	PAGE = 4096,
	NOTE_AT = 0x200,
	/* Abbreviations. */
	UNIT = 1,
	BASE_TYPE,
	POINTER,
	POINTER_TO_NOTHING,
	STRUCTURE,
	MEMBER,
	ARRAY,
	COUNT,
	VARIABLE
};

#define APPEND(array, ...) \
	do { \
		const uint8_t bytes_[] = { __VA_ARGS__ }; \
		g_byte_array_append(array, bytes_, sizeof bytes_); \
	} while (0)

static void append_number(GByteArray *bytes, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		APPEND(bytes, (uint8_t)(value >> 8 * i));
}

static void append_text(GByteArray *bytes, const char *text)
{
	g_byte_array_append(bytes, (const uint8_t *)text, strlen(text) + 1);
}

static GByteArray *make_abbreviations(void)
{
	GByteArray *bytes = g_byte_array_new();

	APPEND(bytes, UNIT, DW_TAG_compile_unit, DW_CHILDREN_yes, DW_AT_name, DW_FORM_string, DW_AT_language,
		DW_FORM_data1, 0, 0);
	APPEND(bytes, BASE_TYPE, DW_TAG_base_type, DW_CHILDREN_no, DW_AT_name, DW_FORM_string, DW_AT_byte_size,
		DW_FORM_data1, DW_AT_encoding, DW_FORM_data1, 0, 0);
	APPEND(bytes, POINTER, DW_TAG_pointer_type, DW_CHILDREN_no, DW_AT_byte_size, DW_FORM_data1, DW_AT_type,
		DW_FORM_ref4, 0, 0);
	APPEND(bytes, POINTER_TO_NOTHING, DW_TAG_pointer_type, DW_CHILDREN_no, DW_AT_byte_size, DW_FORM_data1, 0, 0);
	APPEND(bytes, STRUCTURE, DW_TAG_structure_type, DW_CHILDREN_yes, DW_AT_name, DW_FORM_string, DW_AT_byte_size,
		DW_FORM_data1, 0, 0);
	APPEND(bytes, MEMBER, DW_TAG_member, DW_CHILDREN_no, DW_AT_name, DW_FORM_string, DW_AT_type, DW_FORM_ref4,
		DW_AT_data_member_location, DW_FORM_data1, 0, 0);
	APPEND(bytes, ARRAY, DW_TAG_array_type, DW_CHILDREN_yes, DW_AT_type, DW_FORM_ref4, 0, 0);
	APPEND(bytes, COUNT, DW_TAG_subrange_type, DW_CHILDREN_no, DW_AT_count, DW_FORM_data1, 0, 0);
	APPEND(bytes, VARIABLE, DW_TAG_variable, DW_CHILDREN_no, DW_AT_name, DW_FORM_string, DW_AT_type, DW_FORM_ref4,
		DW_AT_external, DW_FORM_flag_present, DW_AT_location, DW_FORM_exprloc, 0, 0);
	APPEND(bytes, 0);
	return bytes;
}

/* Each returns the offset of what it appended. */
static uint32_t add_base_type(GByteArray *bytes, const char *name, uint8_t size, uint8_t encoding)
{
	uint32_t offset = bytes->len;

	APPEND(bytes, BASE_TYPE);
	append_text(bytes, name);
	APPEND(bytes, size, encoding);
	return offset;
}

static uint32_t add_pointer(GByteArray *bytes, uint32_t target)
{
	uint32_t offset = bytes->len;

	APPEND(bytes, POINTER, 8);
	append_number(bytes, target, 4);
	return offset;
}

/* Its members follow, then a byte 0. */
static uint32_t add_structure(GByteArray *bytes, const char *name, uint8_t size)
{
	uint32_t offset = bytes->len;

	APPEND(bytes, STRUCTURE);
	append_text(bytes, name);
	APPEND(bytes, size);
	return offset;
}

static void add_member(GByteArray *bytes, const char *name, uint32_t type, uint8_t offset)
{
	APPEND(bytes, MEMBER);
	append_text(bytes, name);
	append_number(bytes, type, 4);
	APPEND(bytes, offset);
}

static void add_variable(GByteArray *bytes, const char *name, uint32_t type, hc_address address)
{
	APPEND(bytes, VARIABLE);
	append_text(bytes, name);
	append_number(bytes, type, 4);
	APPEND(bytes, 9, DW_OP_addr);
	append_number(bytes, address - program_start, 8);
}

static GByteArray *make_info(const char *session)
{
	GByteArray *bytes = g_byte_array_new();
	uint32_t number, character, count, nothing, structure, sessions, array, length;

	APPEND(bytes, 0, 0, 0, 0, 5, 0, DW_UT_compile, 8, 0, 0, 0, 0);
	APPEND(bytes, UNIT);
	append_text(bytes, "worker.c");
	APPEND(bytes, DW_LANG_C11);
	number = add_base_type(bytes, "unsigned long", 8, DW_ATE_unsigned);
	count = add_base_type(bytes, "unsigned int", 4, DW_ATE_unsigned);
	character = add_pointer(bytes, add_base_type(bytes, "char", 1, DW_ATE_signed_char));
	nothing = bytes->len;
	APPEND(bytes, POINTER_TO_NOTHING, 8);
	structure = add_structure(bytes, session, PROGRAM_SESSION_SIZE);
	add_member(bytes, "id", number, 0);
	add_member(bytes, "name", character, 8);
	APPEND(bytes, 0);
	sessions = add_pointer(bytes, structure);
	array = bytes->len;
	APPEND(bytes, ARRAY);
	append_number(bytes, sessions, 4);
	APPEND(bytes, COUNT, PROGRAM_SESSIONS, 0);
	add_variable(bytes, "g_sessions", array, program_sessions);
	nothing = add_pointer(bytes, nothing);
	structure = add_structure(bytes, "_GPtrArray", 16);
	add_member(bytes, "pdata", nothing, 0);
	add_member(bytes, "len", count, 8);
	APPEND(bytes, 0);
	array = add_pointer(bytes, structure);
	structure = add_structure(bytes, "app", 8);
	add_member(bytes, "state", array, 0);
	APPEND(bytes, 0);
	add_variable(bytes, "g_app", add_pointer(bytes, structure), program_app);
	APPEND(bytes, 0);
	length = bytes->len - 4;
	memcpy(bytes->data, &length, sizeof length);
	return bytes;
}

/* ---- the file ---- */

static void put_first_page(uint8_t *page)
{
	static const uint8_t id[] = { 0xaa, 0x11, 0xaa, 0x11 };
	const Elf64_Nhdr note = { 4, sizeof id, NT_GNU_BUILD_ID };
	const Elf64_Phdr segments[] = {
		{ PT_LOAD, PF_R | PF_X, 0, 0, 0, PAGE, PAGE, PAGE },
		{ PT_LOAD, PF_R | PF_W, PAGE, PAGE, PAGE, PAGE, PAGE, PAGE },
		{ PT_NOTE, PF_R, NOTE_AT, NOTE_AT, NOTE_AT, sizeof note + 4 + sizeof id, sizeof note + 4 + sizeof id,
			4 },
	};
	const Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof header,
		.e_ehsize = sizeof header,
		.e_phentsize = sizeof segments[0],
		.e_phnum = G_N_ELEMENTS(segments),
	};

	memcpy(page, &header, sizeof header);
	memcpy(page + sizeof header, segments, sizeof segments);
	memcpy(page + NOTE_AT, &note, sizeof note);
	memcpy(page + NOTE_AT + sizeof note, "GNU", 4);
	memcpy(page + NOTE_AT + sizeof note + 4, id, sizeof id);
}

static void add_section(GByteArray *image, Elf64_Shdr *header, uint32_t name, uint32_t type, GByteArray *contents)
{
	*header = (Elf64_Shdr){
		.sh_name = name, .sh_type = type, .sh_offset = image->len, .sh_size = contents->len, .sh_addralign = 1
	};
	g_byte_array_append(image, contents->data, contents->len);
	g_byte_array_unref(contents);
}

/* Its first page, and its data: zeros. */
static GByteArray *new_image(void)
{
	GByteArray *image = g_byte_array_new();

	g_byte_array_set_size(image, 2 * PAGE);
	memset(image->data, 0, image->len);
	put_first_page(image->data);
	return image;
}

static Elf64_Shdr note_section(uint32_t name)
{
	return (Elf64_Shdr){ .sh_name = name,
		.sh_type = SHT_NOTE,
		.sh_flags = SHF_ALLOC,
		.sh_addr = NOTE_AT,
		.sh_offset = NOTE_AT,
		.sh_size = sizeof(Elf64_Nhdr) + 8,
		.sh_addralign = 4 };
}

/* NAMES: which one of SECTIONS has their names. */
static void append_sections(GByteArray *image, const Elf64_Shdr *sections, unsigned count, unsigned names)
{
	Elf64_Ehdr header;

	while (image->len % 8)
		APPEND(image, 0);
	memcpy(&header, image->data, sizeof header);
	header.e_shoff = image->len;
	header.e_shentsize = sizeof *sections;
	header.e_shnum = count;
	header.e_shstrndx = names;
	g_byte_array_append(image, (const uint8_t *)sections, count * sizeof *sections);
	memcpy(image->data, &header, sizeof header);
}

GByteArray *program_image(const char *session)
{
	static const char names[] = "\0.debug_info\0.debug_abbrev\0.shstrtab\0.note.gnu.build-id";
	GByteArray *image = new_image(), *strings = g_byte_array_new();
	Elf64_Shdr sections[5] = { 0 };

	g_byte_array_append(strings, (const uint8_t *)names, sizeof names);
	add_section(image, &sections[1], 1, SHT_PROGBITS, make_info(session));
	add_section(image, &sections[2], 13, SHT_PROGBITS, make_abbreviations());
	add_section(image, &sections[3], 27, SHT_STRTAB, strings);
	sections[4] = note_section(37);
	append_sections(image, sections, G_N_ELEMENTS(sections), 3);
	return image;
}

GByteArray *program_image_without_sections(void)
{
	return new_image();
}

GByteArray *program_image_with_symbols(const program_symbol *symbols, unsigned count)
{
	static const char names[] = "\0.data\0.symtab\0.strtab\0.shstrtab\0.note.gnu.build-id";
	enum {
		DATA = 1,
		SYMBOLS,
		STRINGS,
		NAMES,
		NOTE,
		SECTIONS
	};
	GByteArray *image = new_image(), *table = g_byte_array_new(), *strings = g_byte_array_new(),
		   *section_names = g_byte_array_new();
	Elf64_Shdr sections[SECTIONS] = { 0 };
	Elf64_Sym symbol = { 0 };

	g_byte_array_append(table, (const uint8_t *)&symbol, sizeof symbol);
	APPEND(strings, 0);
	for (unsigned i = 0; i < count; i++) {
		symbol = (Elf64_Sym){ strings->len, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), STV_DEFAULT, DATA,
			PAGE + symbols[i].offset, symbols[i].size };
		g_byte_array_append(table, (const uint8_t *)&symbol, sizeof symbol);
		append_text(strings, symbols[i].name);
	}
	g_byte_array_append(section_names, (const uint8_t *)names, sizeof names);
	sections[DATA] = (Elf64_Shdr){ .sh_name = 1,
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC | SHF_WRITE,
		.sh_addr = PAGE,
		.sh_offset = PAGE,
		.sh_size = PROGRAM_DATA_SIZE,
		.sh_addralign = 8 };
	add_section(image, &sections[SYMBOLS], 7, SHT_SYMTAB, table);
	sections[SYMBOLS].sh_entsize = sizeof symbol;
	sections[SYMBOLS].sh_link = STRINGS;
	sections[SYMBOLS].sh_info = 1;
	add_section(image, &sections[STRINGS], 15, SHT_STRTAB, strings);
	add_section(image, &sections[NAMES], 23, SHT_STRTAB, section_names);
	sections[NOTE] = note_section(33);
	append_sections(image, sections, SECTIONS, NAMES);
	return image;
}

GByteArray *program_image_with_sections(const program_section *sections, unsigned count)
{
	GByteArray *image = new_image(), *names = g_byte_array_new();
	g_autofree Elf64_Shdr *headers = g_new0(Elf64_Shdr, count + 3);

	APPEND(names, 0);
	for (unsigned i = 0; i < count; i++) {
		GByteArray *contents = g_byte_array_new();

		g_byte_array_append(contents, sections[i].bytes, sections[i].size);
		add_section(image, &headers[1 + i], names->len, SHT_PROGBITS, contents);
		append_text(names, sections[i].name);
	}
	headers[count + 1] = note_section(names->len);
	append_text(names, ".note.gnu.build-id");
	add_section(image, &headers[count + 2], 0, SHT_STRTAB, names);
	append_sections(image, headers, count + 3, count + 2);
	return image;
}

void program_map(core_builder *core, const char *path)
{
	put_first_page(core_builder_add_memory(core, program_start, PAGE, PF_R | PF_X));
	core_builder_add_memory(core, program_start + PAGE, PAGE, PF_R | PF_W);
	core_builder_add_file(core, program_start, program_start + PAGE, 0, path);
	core_builder_add_file(core, program_start + PAGE, program_start + 2 * PAGE, PAGE, path);
	core_builder_add_auxiliary(core, AT_PHDR, program_start + sizeof(Elf64_Ehdr));
}
