/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * variables/: DWARF's location expressions, evaluated in a frame whose registers and memory are made up.
 *
 *	byte 0		how the variable is located: see `locators`; bit 4: in no frame; bits 5 and 6: which type it has
 *	byte 1		how long the expression of the frame's base is, which follows
 *	then		the variable's: the expression, or the whole section .debug_loclists (.debug_loc)
 */
#include "../unit/program_builder.h"
#include "fuzz.h"

#include "modules/modules_state.h"
#include "program_types/type.h"
#include "variables/locations.h"

#include <dwarf.h>
#include <string.h>

enum {
	MEMORY = 0x10000,
	IN_NO_FRAME = 16,
	UNKNOWN_REGISTER = 12
};

/* Of what the abbreviation of the variable says. */
static const struct {
	uint8_t attribute, form, version;
} locators[] = {
	{ DW_AT_location, DW_FORM_exprloc, 5 },
	{ DW_AT_location, DW_FORM_exprloc, 4 },
	{ DW_AT_location, DW_FORM_sec_offset, 5 },
	{ DW_AT_location, DW_FORM_sec_offset, 4 },
	{ DW_AT_const_value, DW_FORM_block, 5 },
	{ DW_AT_const_value, DW_FORM_string, 5 },
	{ DW_AT_const_value, DW_FORM_sdata, 5 },
};

typedef struct program {
	GByteArray *image;
	Elf *elf;
	Dwarf *dwarf;
	Dwarf_Die variable, function;
} program;

#define APPEND(array, ...) \
	do { \
		const uint8_t bytes_[] = { __VA_ARGS__ }; \
		g_byte_array_append(array, bytes_, sizeof bytes_); \
	} while (0)

/* ---- a program with that variable ---- */

static GByteArray *make_abbreviations(unsigned locator)
{
	GByteArray *bytes = g_byte_array_new();

	APPEND(bytes, 1, DW_TAG_compile_unit, DW_CHILDREN_yes, 0, 0);
	APPEND(bytes, 2, DW_TAG_base_type, DW_CHILDREN_no, DW_AT_byte_size, DW_FORM_data1, DW_AT_encoding,
		DW_FORM_data1, 0, 0);
	APPEND(bytes, 3, DW_TAG_variable, DW_CHILDREN_no, locators[locator].attribute, locators[locator].form, 0, 0);
	APPEND(bytes, 4, DW_TAG_subprogram, DW_CHILDREN_no, DW_AT_frame_base, DW_FORM_exprloc, 0, 0);
	APPEND(bytes, 5, DW_TAG_variable, DW_CHILDREN_no, DW_AT_location, DW_FORM_exprloc, 0, 0, 0);
	return bytes;
}

static void append_length(GByteArray *bytes, size_t length)
{
	APPEND(bytes, (uint8_t)(0x80 | (length & 0x7f)), (uint8_t)(0x80 | (length >> 7 & 0x7f)),
		(uint8_t)(length >> 14));
}

static void append_part(GByteArray *bytes, fuzz_input part)
{
	append_length(bytes, part.left);
	g_byte_array_append(bytes, part.at, (unsigned)part.left);
}

static GByteArray *make_info(
	unsigned locator, fuzz_input base, fuzz_input part, uint32_t *ret_function, uint32_t *ret_variable)
{
	GByteArray *bytes = g_byte_array_new();
	uint32_t length;

	if (locators[locator].version == 5)
		APPEND(bytes, 0, 0, 0, 0, 5, 0, DW_UT_compile, 8, 0, 0, 0, 0);
	else
		APPEND(bytes, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8);
	APPEND(bytes, 1);
	APPEND(bytes, 2, 1, DW_ATE_signed_char, 2, 4, DW_ATE_unsigned, 2, 8, DW_ATE_signed, 2, 8, DW_ATE_float, 2, 16,
		DW_ATE_unsigned);
	/* What implicit pointers and calls of other DIEs may lead to. */
	APPEND(bytes, 5, 9, DW_OP_addr, 0x40, 0, 1, 0, 0, 0, 0, 0);
	APPEND(bytes, 5, 2, DW_OP_lit7, DW_OP_stack_value);
	*ret_function = bytes->len;
	APPEND(bytes, 4);
	append_part(bytes, base);
	*ret_variable = bytes->len;
	APPEND(bytes, 3);
	switch (locators[locator].form) {
	case DW_FORM_sec_offset:
		APPEND(bytes, 0, 0, 0, 0);
		break;
	case DW_FORM_exprloc:
	case DW_FORM_block:
		append_part(bytes, part);
		break;
	default:
		g_byte_array_append(bytes, part.at, (unsigned)part.left);
		APPEND(bytes, 0);
		break;
	}
	APPEND(bytes, 0);
	length = bytes->len - 4;
	memcpy(bytes->data, &length, sizeof length);
	return bytes;
}

static GByteArray *make_image(unsigned locator, fuzz_input part, const GByteArray *info)
{
	g_autoptr(GByteArray) abbreviations = make_abbreviations(locator);
	const program_section sections[] = {
		{ ".debug_info", info->data, info->len },
		{ ".debug_abbrev", abbreviations->data, abbreviations->len },
		{ locators[locator].version == 5 ? ".debug_loclists" : ".debug_loc", part.at,
			locators[locator].form == DW_FORM_sec_offset ? part.left : 0 },
	};

	return program_image_with_sections(sections, G_N_ELEMENTS(sections));
}

static bool open_program(program *it, unsigned locator, fuzz_input base, fuzz_input part)
{
	uint32_t function, variable;
	g_autoptr(GByteArray) info = make_info(locator, base, part, &function, &variable);

	*it = (program){ .image = make_image(locator, part, info) };
	it->elf = elf_memory((char *)it->image->data, it->image->len);
	it->dwarf = dwarf_begin_elf(it->elf, DWARF_C_READ, NULL);
	return it->dwarf && dwarf_offdie(it->dwarf, variable, &it->variable) &&
	       dwarf_offdie(it->dwarf, function, &it->function);
}

static void close_program(program *it)
{
	if (it->dwarf)
		dwarf_end(it->dwarf);
	elf_end(it->elf);
	g_byte_array_unref(it->image);
}

/* ---- the process, made once ---- */

typedef struct dead_process {
	hc_diagnostics *diagnostics;
	hc_core *core;
	hc_modules *modules;
	hc_debug_info *info;
	hc_program_types *types;
	GArray *frames;
	struct module module;
} dead_process;

static dead_process *get_process(void)
{
	static const hc_modules_options none = { .sysroot = "/nonexistent" };
	static dead_process it;
	core_builder *builder;
	hc_frame_registers registers = { .program_counter = 0x401000,
		.is_activation = true,
		.values = { [0] = 0x1122334455667788, [3] = MEMORY + 0x100, [7] = MEMORY + 0x800 },
		.valid = UINT32_C(0x1ffff) & ~(UINT32_C(1) << UNKNOWN_REGISTER) };

	if (it.core)
		return &it;
	elf_version(EV_CURRENT);
	builder = core_builder_create(8, false);
	core_builder_add_memory(builder, MEMORY, 0x1000, PF_R | PF_W);
	core_builder_put_word(builder, MEMORY + 0x100, 0x8877665544332211);
	core_builder_put_word(builder, MEMORY + 0x108, MEMORY + 0x100);
	it.diagnostics = hc_diagnostics_create();
	it.core = core_builder_open(builder, it.diagnostics, NULL);
	core_builder_destroy(builder);
	it.modules = hc_modules_open(it.core, &none, it.diagnostics, NULL);
	it.info = hc_debug_info_create(it.modules);
	it.types = hc_program_types_create(it.info);
	it.frames = g_array_new(FALSE, FALSE, sizeof(hc_frame_registers));
	g_array_append_val(it.frames, registers);
	registers = (hc_frame_registers){
		.program_counter = 0x402000, .values = { [7] = MEMORY + 0xf00 }, .valid = UINT32_C(1) << 7
	};
	g_array_append_val(it.frames, registers);
	return &it;
}

static void see_variable(const hc_variables *variables, const hc_variable *variable)
{
	uint8_t bytes[16];

	fuzz_see_text(variable->reason);
	if (variable->state == HC_VARIABLE_VALUE)
		fuzz_expect(variable->valid_size > 0, "a value of which nothing is known");
	hc_variables_read(variables, variable->address, bytes, sizeof bytes);
	hc_variables_read(variables, variable->address, bytes, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const hc_type types[] = {
		{ .kind = HC_TYPE_SIGNED, .name = "int", .size = 4 },
		{ .kind = HC_TYPE_STRUCT, .name = "thing", .size = 24 },
		{ .kind = HC_TYPE_UNSIGNED, .name = "long", .size = 8 },
		{ .kind = HC_TYPE_ARRAY, .name = "much", .size = 4000 },
	};
	dead_process *process = get_process();
	fuzz_input input = { data, size };
	unsigned flags = (unsigned)fuzz_number(&input, 1), locator = (flags & 15) % G_N_ELEMENTS(locators), steps = 0;
	fuzz_input base = fuzz_part(&input, fuzz_number(&input, 1));
	program it;

	if (input.left > 0x3fff)
		return 0;
	if (open_program(&it, locator, base, input)) {
		hc_variables *variables = hc_variables_create(process->info, process->types, process->diagnostics);
		hc_variable variable = {
			.kind = HC_VARIABLE_LOCAL, .type = &types[flags >> 5 & 3], .thread = UINT_MAX
		};
		hc_evaluation evaluation = { .variables = variables,
			.module = &process->module.public,
			.frames = flags & IN_NO_FRAME ? NULL : process->frames,
			.function = it.function,
			.thread = UINT_MAX,
			.steps = &steps };

		hc_evaluation_place(&evaluation, &it.variable, &variable);
		see_variable(variables, &variable);
		hc_variable_is_static(&it.variable);
		hc_variables_destroy(variables);
	}
	close_program(&it);
	return 0;
}
