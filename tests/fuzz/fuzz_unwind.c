/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unwinding a thread's stack by call frame information that the input is: modules/unwind.c with libdwfl, modules/modules.c.
 *
 *	byte 0		bits 0 and 1: which form, see `forms`; bit 2: plain, what follows is the whole section. Else a CIE and an FDE are made around it
 *	byte 1		how many bytes the CIE's instructions have, which stand behind the stack's words
 *	byte 2		how many words of the stack follow, 8 bytes each; they are repeated as long as there is stack
 *	then		those, then the rest
 */
#include "../unit/program_builder.h"
#include "fuzz.h"

#include "base/diagnostics.h"
#include "modules/modules.h"

#include <string.h>

enum {
	PAGE = 4096,
	FORM = 3,
	PLAIN = 4,
	CODE = 0x400, /* what the FDE is of, in the file */
	CODE_SIZE = 0x800,
	RETURN_ADDRESS = 16,
	FRAMES_MAX = 4096,
	FRAMES_TWICE = 64
};

static const hc_address stack = 0x7ffffffde000;
static const char path[] = "/program";

static const struct {
	const char *name;
	bool is_debug; /* .debug_frame: the id of a CIE is all ones, and an FDE has its offset */
	uint8_t version;
} forms[] = {
	{ ".eh_frame", false, 1 },
	{ ".debug_frame", true, 4 },
	{ ".debug_frame", true, 1 },
	{ ".eh_frame", false, 3 },
};

/* ---- the program's file ---- */

static void append(GByteArray *bytes, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * i);

		g_byte_array_append(bytes, &byte, 1);
	}
}

/* Fills in the length of what begins at START. */
static void close_entry(GByteArray *bytes, unsigned start)
{
	uint32_t length;

	while ((bytes->len - start) % 8 != 4)
		append(bytes, 0, 1); /* DW_CFA_nop */
	length = bytes->len - start - 4;
	memcpy(bytes->data + start, &length, sizeof length);
}

/* A CIE with the instructions FIRST, an FDE with the others. */
static GByteArray *make_frames(unsigned form, fuzz_input first, fuzz_input others)
{
	GByteArray *bytes = g_byte_array_new();
	unsigned fde;

	append(bytes, 0, 4);
	append(bytes, forms[form].is_debug ? UINT32_MAX : 0, 4);
	append(bytes, forms[form].version, 1);
	append(bytes, 0, 1); /* no augmentation */
	if (forms[form].version == 4)
		append(bytes, 8, 2); /* sizes of addresses and of segments */
	append(bytes, 1, 1);
	append(bytes, 0x78, 1); /* -8 */
	append(bytes, RETURN_ADDRESS, 1);
	g_byte_array_append(bytes, first.at, (unsigned)first.left);
	close_entry(bytes, 0);
	fde = bytes->len;
	append(bytes, 0, 4);
	append(bytes, forms[form].is_debug ? 0 : fde + 4, 4);
	append(bytes, CODE, 8);
	append(bytes, CODE_SIZE, 8);
	g_byte_array_append(bytes, others.at, (unsigned)others.left);
	close_entry(bytes, fde);
	if (!forms[form].is_debug)
		append(bytes, 0, 4);
	return bytes;
}

static void write_program(unsigned flags, fuzz_input first, fuzz_input rest)
{
	g_autoptr(GByteArray) frames = flags & PLAIN ? NULL : make_frames(flags & FORM, first, rest);
	const program_section sections[] = {
		{ forms[flags & FORM].name, frames ? frames->data : rest.at, frames ? frames->len : rest.left },
	};
	g_autoptr(GByteArray) image = program_image_with_sections(sections, G_N_ELEMENTS(sections));
	g_autofree char *full = g_strconcat(fuzz_folder(), path, NULL);

	g_assert(g_file_set_contents_full(
		full, (const char *)image->data, image->len, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

/* ---- the process ---- */

static core_builder *make_core(fuzz_input words)
{
	core_builder *builder = core_builder_create(8, false);
	uint8_t *bytes;

	program_map(builder, path);
	bytes = core_builder_add_memory(builder, stack, PAGE, PF_R | PF_W);
	for (size_t i = 0; words.left && i < PAGE; i++)
		bytes[i] = words.at[i % words.left];
	core_builder_add_thread(builder, &(core_thread){ .id = 1,
						 .stack_pointer = stack + 64,
						 .program_counter = program_start + CODE + 16,
						 .rbx = stack + 128,
						 .r12 = program_start + CODE });
	return builder;
}

static void ask(hc_modules *modules)
{
	unsigned count;
	const hc_frame *frames = hc_modules_frames(modules, 0, &count);
	/* They are a second walk: of the same frames. */
	const GArray *registers = count <= FRAMES_TWICE ? hc_modules_frame_registers(modules, 0) : NULL;
	hc_address_name name;

	fuzz_expect(count <= FRAMES_MAX && (count || !frames), "%u frames", count);
	fuzz_expect(!registers || registers->len <= count, "registers of more frames than there are");
	for (unsigned i = 0; i < count; i++) {
		if (hc_modules_name_frame(modules, &frames[i], &name))
			fuzz_see_text(name.symbol);
		hc_modules_frame_code(modules, frames[i].program_counter);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_input input = { data, size }, words, first;
	unsigned flags = (unsigned)fuzz_number(&input, 1), length = (unsigned)fuzz_number(&input, 1);
	const hc_modules_options options = { .sysroot = fuzz_folder() };
	hc_diagnostics *diagnostics = hc_diagnostics_create();
	core_builder *builder;
	hc_core *core;
	hc_modules *modules;

	words = fuzz_part(&input, 8 * fuzz_number(&input, 1));
	first = fuzz_part(&input, length);
	write_program(flags, first, input);
	builder = make_core(words);
	core = core_builder_open(builder, diagnostics, NULL);
	g_assert(core);
	modules = hc_modules_open(core, &options, diagnostics, NULL);
	if (modules)
		ask(modules);
	hc_modules_close(modules);
	hc_core_close(core);
	core_builder_destroy(builder);
	hc_diagnostics_destroy(diagnostics);
	return 0;
}
