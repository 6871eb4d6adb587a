/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program whose headers are not in the core, and that is compared with the file that is found at its path: modules/unconfirmed.c. Both are sound,
 * and fit each other, but for what the input changes:
 *
 *	byte 0		bit 0: the core has the page of constants
 *	then		changes: a byte, whose lowest bit is 1 for the core's data; two bytes, the place; eight of what stands there then
 */
#include "../unit/core_builder.h"
#include "fuzz.h"

#include "base/diagnostics.h"
#include "modules/modules.h"

#include <string.h>

enum {
	PAGE = 4096,
	FILE_SIZE = 3 * PAGE, /* headers and constants, data, sections */
	DYNAMIC_AT = PAGE + 0x100,
	ADDRESSES_AT = PAGE + 0x400, /* relocated */
	ADDRESSES = 8,
	RELA_AT = 2 * PAGE,
	RELR_AT = 2 * PAGE + 0x400,
	NAMES_AT = 2 * PAGE + 0x600,
	SECTIONS_AT = 2 * PAGE + 0x800,
	HAS_CONSTANTS = 1,
	CHANGES_MAX = 64
};

static const hc_address start = 0x555555554000;
static const char path[] = "/program";

/* ---- the file ---- */

static void put_headers(uint8_t *file)
{
	const Elf64_Phdr segments[] = {
		{ PT_LOAD, PF_R, 0, 0, 0, PAGE, PAGE, PAGE },
		{ PT_LOAD, PF_R | PF_W, PAGE, PAGE, PAGE, PAGE, PAGE, PAGE },
		{ PT_DYNAMIC, PF_R | PF_W, DYNAMIC_AT, DYNAMIC_AT, DYNAMIC_AT, 0x80, 0x80, 8 },
		{ PT_GNU_RELRO, PF_R, PAGE, PAGE, PAGE, PAGE, PAGE, 1 },
	};
	const Elf64_Shdr sections[] = {
		{ 0 },
		{ 1, SHT_RELA, SHF_ALLOC, RELA_AT, RELA_AT, ADDRESSES * sizeof(Elf64_Rela), 0, 0, 8,
			sizeof(Elf64_Rela) },
		{ 1, 19 /* SHT_RELR */, SHF_ALLOC, RELR_AT, RELR_AT, 16, 0, 0, 8, 8 },
		{ 1, SHT_STRTAB, 0, 0, NAMES_AT, 16, 0, 0, 1, 0 },
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
		.e_shoff = SECTIONS_AT,
		.e_shentsize = sizeof sections[0],
		.e_shnum = G_N_ELEMENTS(sections),
		.e_shstrndx = 3,
	};

	memcpy(file, &header, sizeof header);
	memcpy(file + sizeof header, segments, sizeof segments);
	memcpy(file + SECTIONS_AT, sections, sizeof sections);
	memcpy(file + NAMES_AT + 1, ".all", 5);
}

static void put_relocations(uint8_t *file)
{
	const uint64_t places[] = { ADDRESSES_AT + 0x100, 7 },
		       dynamic[] = { DT_DEBUG, 0, DT_STRTAB, 0x200, DT_NULL, 0 };
	const uint64_t in_place[] = { 0x300, 0x310, 0x320 };

	memcpy(file + DYNAMIC_AT, dynamic, sizeof dynamic);
	memcpy(file + RELR_AT, places, sizeof places);
	memcpy(file + ADDRESSES_AT + 0x100, in_place, sizeof in_place);
	for (unsigned i = 0; i < ADDRESSES; i++) {
		const Elf64_Rela one = { ADDRESSES_AT + i * 8, ELF64_R_INFO(0, 8 /* R_X86_64_RELATIVE */),
			0x400 + 16 * i };

		memcpy(file + RELA_AT + i * sizeof one, &one, sizeof one);
	}
}

/* What the dynamic linker makes of the file's page of data. */
static void relocate(uint8_t *data, const uint8_t *file)
{
	memcpy(data, file + PAGE, PAGE);
	for (unsigned i = 0; i < ADDRESSES; i++) {
		uint64_t address = start + 0x400 + 16 * i;

		memcpy(data + (ADDRESSES_AT - PAGE) + i * 8, &address, sizeof address);
	}
	for (unsigned i = 0; i < 3; i++) {
		uint64_t address = start + 0x300 + 16 * i;

		memcpy(data + (ADDRESSES_AT + 0x100 - PAGE) + i * 8, &address, sizeof address);
	}
}

static void change(fuzz_input *input, uint8_t *file, uint8_t *data)
{
	for (unsigned i = 0; input->left && i < CHANGES_MAX; i++) {
		bool in_core = fuzz_number(input, 1) & 1;
		uint64_t place = fuzz_number(input, 2) % ((in_core ? PAGE : FILE_SIZE) - 7),
			 word = fuzz_number(input, 8);

		memcpy((in_core ? data : file) + place, &word, sizeof word);
	}
}

/* ---- the process ---- */

static core_builder *make_core(const uint8_t *data, const uint8_t *constants)
{
	core_builder *builder = core_builder_create(8, false);

	if (constants)
		memcpy(core_builder_add_memory(builder, start, PAGE, PF_R), constants, PAGE);
	else
		core_builder_add_partly(builder, start, PAGE, 0, PF_R);
	memcpy(core_builder_add_memory(builder, start + PAGE, PAGE, PF_R | PF_W), data, PAGE);
	core_builder_add_file(builder, start, start + PAGE, 0, path);
	core_builder_add_file(builder, start + PAGE, start + 2 * PAGE, PAGE, path);
	core_builder_add_auxiliary(builder, AT_PHDR, start + sizeof(Elf64_Ehdr));
	core_builder_add_auxiliary(builder, AT_ENTRY, start);
	return builder;
}

static void ask(hc_modules *modules, bool is_unchanged, const hc_diagnostics *diagnostics)
{
	for (unsigned i = 0; i < hc_modules_count(modules); i++) {
		const hc_module *module = hc_modules_get(modules, i);
		hc_symbol symbol;

		fuzz_see_text(module->path);
		fuzz_see_text(module->name);
		fuzz_see_text(module->build_id);
		hc_module_symbol(modules, module, "main", &symbol);
	}
	fuzz_expect(!is_unchanged || core_builder_told(diagnostics, "file-unconfirmed") == 1,
		"a file that fits was not taken for the one that ran");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[FILE_SIZE], in_core[PAGE];
	fuzz_input input = { data, size };
	unsigned flags = (unsigned)fuzz_number(&input, 1);
	bool is_unchanged = size && !input.left && !(flags & HAS_CONSTANTS);
	const hc_modules_options options = { .sysroot = fuzz_folder() };
	hc_diagnostics *diagnostics = hc_diagnostics_create();
	g_autofree char *full = g_strconcat(fuzz_folder(), path, NULL);
	core_builder *builder;
	hc_core *core;
	hc_modules *modules;

	memset(file, 0, sizeof file);
	put_headers(file);
	put_relocations(file);
	relocate(in_core, file);
	change(&input, file, in_core);
	g_assert(g_file_set_contents_full(full, (const char *)file, sizeof file, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
	builder = make_core(in_core, flags & HAS_CONSTANTS ? file : NULL);
	core = core_builder_open(builder, diagnostics, NULL);
	g_assert(core);
	modules = hc_modules_open(core, &options, diagnostics, NULL);
	if (modules)
		ask(modules, is_unchanged, diagnostics);
	hc_modules_close(modules);
	hc_core_close(core);
	core_builder_destroy(builder);
	hc_diagnostics_destroy(diagnostics);
	return 0;
}
