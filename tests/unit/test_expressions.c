/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * variables/: location expressions, as bytes in the debug info of an ELF file that is built here, in a frame whose registers and memory are
 * made up. What they must come to is by the DWARF 5 standard, section 2.5 and 2.6.
 */
#include "core_builder.h"
#include "program_builder.h"
#include "modules/modules_state.h"
#include "program_types/type.h"
#include "variables/locations.h"
#include "unit.h"

#include <dwarf.h>
#include <inttypes.h>
#include <string.h>

enum {
	MEMORY = 0x10000, /* a page */
	UNKNOWN_REGISTER = 12,
	/* Of DIEs; see add_dies(). */
	SIGNED_CHAR = 13,
	UNSIGNED_4 = 16,
	SIGNED_8 = 19,
	DOUBLE = 22,
	UNSIGNED_CHAR = 25,
	IN_MEMORY = 28,
	IN_NO_MEMORY = 39,
	FUNCTION = 43,
	TESTED = 47,
};

typedef struct fixture {
	core_builder *builder;
	hc_diagnostics *diagnostics;
	hc_core *core;
	hc_modules *modules;
	hc_debug_info *info;
	hc_program_types *types;
	hc_variables *variables;
	struct module module;
	GArray *frames;
	GByteArray *image;
	Elf *elf;
	Dwarf *dwarf;
	Dwarf_Die die;
	hc_evaluation evaluation;
	unsigned steps;
} fixture;

static void stop(fixture *f)
{
	if (f->dwarf)
		dwarf_end(f->dwarf);
	if (f->elf)
		elf_end(f->elf);
	if (f->image)
		g_byte_array_unref(f->image);
	g_array_unref(f->frames);
	hc_variables_destroy(f->variables);
	hc_program_types_destroy(f->types);
	hc_debug_info_destroy(f->info);
	hc_modules_close(f->modules);
	hc_core_close(f->core);
	hc_diagnostics_destroy(f->diagnostics);
	core_builder_destroy(f->builder);
}

/* ---- an ELF file with one unit ---- */

#define APPEND(array, ...) \
	do { \
		const uint8_t bytes_[] = { __VA_ARGS__ }; \
		g_byte_array_append(array, bytes_, sizeof bytes_); \
	} while (0)

static GByteArray *make_abbreviations(void)
{
	GByteArray *bytes = g_byte_array_new();

	APPEND(bytes, 1, DW_TAG_compile_unit, DW_CHILDREN_yes, 0, 0);
	APPEND(bytes, 2, DW_TAG_base_type, DW_CHILDREN_no, DW_AT_byte_size, DW_FORM_data1, DW_AT_encoding,
		DW_FORM_data1, 0, 0);
	APPEND(bytes, 3, DW_TAG_variable, DW_CHILDREN_no, DW_AT_location, DW_FORM_exprloc, 0, 0);
	APPEND(bytes, 4, DW_TAG_subprogram, DW_CHILDREN_no, DW_AT_frame_base, DW_FORM_exprloc, 0, 0);
	APPEND(bytes, 0);
	return bytes;
}

static GByteArray *make_info(const uint8_t *expression, size_t size)
{
	GByteArray *bytes = g_byte_array_new();
	uint32_t length;

	APPEND(bytes, 0, 0, 0, 0, 5, 0, DW_UT_compile, 8, 0, 0, 0, 0);
	APPEND(bytes, 1);
	APPEND(bytes, 2, 1, DW_ATE_signed_char, 2, 4, DW_ATE_unsigned, 2, 8, DW_ATE_signed, 2, 8, DW_ATE_float, 2, 1,
		DW_ATE_unsigned_char);
	APPEND(bytes, 3, 9, DW_OP_addr, 0x40, 0, 1, 0, 0, 0, 0, 0);
	APPEND(bytes, 3, 2, DW_OP_lit7, DW_OP_stack_value);
	APPEND(bytes, 4, 2, DW_OP_breg3, 0x10);
	g_assert(bytes->len == TESTED && size < 0x4000);
	APPEND(bytes, 3, (uint8_t)(0x80 | (size & 0x7f)), (uint8_t)(size >> 7));
	g_byte_array_append(bytes, expression, (guint)size);
	APPEND(bytes, 0);
	length = bytes->len - 4;
	memcpy(bytes->data, &length, sizeof length);
	return bytes;
}

static GByteArray *make_image(const uint8_t *expression, size_t size)
{
	g_autoptr(GByteArray) info = make_info(expression, size);
	g_autoptr(GByteArray) abbreviations = make_abbreviations();
	const program_section sections[] = {
		{ ".debug_info", info->data, info->len },
		{ ".debug_abbrev", abbreviations->data, abbreviations->len },
	};

	return program_image_with_sections(sections, G_N_ELEMENTS(sections));
}

/* ---- the frame ---- */

static fixture start(const uint8_t *expression, size_t size)
{
	static const hc_modules_options none;
	fixture f = { .builder = core_builder_create(8, false), .diagnostics = hc_diagnostics_create() };
	hc_frame_registers registers = { .program_counter = 0x401000,
		.is_activation = true,
		.values = { [0] = 0x1122334455667788, [3] = MEMORY + 0x100, [7] = MEMORY + 0x800 },
		.valid = UINT32_C(0x1ffff) & ~(UINT32_C(1) << UNKNOWN_REGISTER) };

	core_builder_add_memory(f.builder, MEMORY, 0x1000, PF_R | PF_W);
	core_builder_put_word(f.builder, MEMORY + 0x100, 0x8877665544332211);
	core_builder_put_word(f.builder, MEMORY + 0x108, MEMORY + 0x100);
	core_builder_put_word(f.builder, MEMORY + 0x110, 0xfedcba9876543210);
	f.core = core_builder_open(f.builder, f.diagnostics, NULL);
	f.modules = hc_modules_open(f.core, &none, f.diagnostics, NULL);
	f.info = hc_debug_info_create(f.modules);
	f.types = hc_program_types_create(f.info);
	f.variables = hc_variables_create(f.info, f.types, f.diagnostics);
	f.frames = g_array_new(FALSE, FALSE, sizeof(hc_frame_registers));
	g_array_append_val(f.frames, registers);
	f.image = make_image(expression, size);
	f.elf = elf_memory((char *)f.image->data, f.image->len);
	f.dwarf = dwarf_begin_elf(f.elf, DWARF_C_READ, NULL);
	g_assert(f.modules && f.dwarf && dwarf_offdie(f.dwarf, TESTED, &f.die));
	f.evaluation = (hc_evaluation){ .variables = f.variables, .frames = f.frames, .thread = UINT_MAX };
	g_assert(dwarf_offdie(f.dwarf, FUNCTION, &f.evaluation.function));
	return f;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(fixture, stop)

/* Evaluates the expression of F. */
static bool evaluate(fixture *f, hc_location *location)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *operations;
	size_t count;

	f->evaluation.module = &f->module.public;
	f->steps = HC_EVALUATION_STEPS;
	f->evaluation.steps = &f->steps;
	if (!dwarf_attr(&f->die, DW_AT_location, &attribute) || dwarf_getlocation(&attribute, &operations, &count)) {
		CU_FAIL("libdw decodes the expression");
		return false;
	}
	return hc_dwarf_expression_locate(&f->evaluation, &attribute, operations, count, location);
}

/* ---- values ---- */

static void check_value(const char *what, const uint8_t *expression, size_t size, hc_piece_kind kind, uint64_t expected)
{
	g_auto(fixture) f = start(expression, size);
	hc_location location;

	if (!evaluate(&f, &location)) {
		g_printerr("%s: no value: %s\n", what, f.evaluation.reason);
		CU_FAIL("the expression has a value");
		return;
	}
	if (location.pieces[0].value != expected)
		g_printerr("%s: %#" PRIx64 ", not %#" PRIx64 "\n", what, (uint64_t)location.pieces[0].value,
			(uint64_t)expected);
	CU_ASSERT_EQUAL(location.count, 1);
	CU_ASSERT_FALSE(location.is_composite);
	CU_ASSERT_EQUAL(location.pieces[0].kind, kind);
	CU_ASSERT_EQUAL(location.pieces[0].value, expected);
}

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })
/* What is on the stack at the end. */
#define CHECK_TOP(expected, ...) check_value(#__VA_ARGS__, BYTES(__VA_ARGS__), HC_PIECE_MEMORY, (uint64_t)(expected))

static void test_constants(void)
{
	CHECK_TOP(0, DW_OP_lit0);
	CHECK_TOP(31, DW_OP_lit31);
	CHECK_TOP(0xff, DW_OP_const1u, 0xff);
	CHECK_TOP(-1, DW_OP_const1s, 0xff);
	CHECK_TOP(0xfffe, DW_OP_const2u, 0xfe, 0xff);
	CHECK_TOP(-2, DW_OP_const2s, 0xfe, 0xff);
	CHECK_TOP(0xfffffffe, DW_OP_const4u, 0xfe, 0xff, 0xff, 0xff);
	CHECK_TOP(-2, DW_OP_const4s, 0xfe, 0xff, 0xff, 0xff);
	CHECK_TOP(0x0807060504030201, DW_OP_const8u, 1, 2, 3, 4, 5, 6, 7, 8);
	CHECK_TOP(0x80, DW_OP_constu, 0x80, 0x01);
	CHECK_TOP(-128, DW_OP_consts, 0x80, 0x7f);
	CHECK_TOP(0x10040, DW_OP_addr, 0x40, 0, 1, 0, 0, 0, 0, 0);
}

static void test_registers(void)
{
	check_value("reg0", BYTES(DW_OP_reg0), HC_PIECE_REGISTER, 0x1122334455667788);
	check_value("regx 3", BYTES(DW_OP_regx, 3), HC_PIECE_REGISTER, MEMORY + 0x100);
	CHECK_TOP(MEMORY + 0x110, DW_OP_breg3, 16);
	CHECK_TOP(MEMORY + 0xf0, DW_OP_breg3, 0x70);
	CHECK_TOP(MEMORY + 0x7f8, DW_OP_bregx, 7, 0x78);
	CHECK_TOP(MEMORY + 0x100 + 0x10 - 8, DW_OP_fbreg, 0x78);
}

static void test_memory(void)
{
	CHECK_TOP(0x8877665544332211, DW_OP_breg3, 0, DW_OP_deref);
	CHECK_TOP(0x2211, DW_OP_breg3, 0, DW_OP_deref_size, 2);
	CHECK_TOP(0x8877665544332211, DW_OP_breg3, 8, DW_OP_deref, DW_OP_deref);
}

static void test_stack(void)
{
	CHECK_TOP(6, DW_OP_lit3, DW_OP_dup, DW_OP_plus);
	CHECK_TOP(1, DW_OP_lit1, DW_OP_lit2, DW_OP_drop);
	CHECK_TOP(1, DW_OP_lit1, DW_OP_lit2, DW_OP_over);
	CHECK_TOP(1, DW_OP_lit1, DW_OP_lit2, DW_OP_lit3, DW_OP_pick, 2);
	CHECK_TOP(-1, DW_OP_lit2, DW_OP_lit1, DW_OP_swap, DW_OP_minus);
	/* 1 2 3 -> 3 1 2 */
	CHECK_TOP(2, DW_OP_lit1, DW_OP_lit2, DW_OP_lit3, DW_OP_rot);
	CHECK_TOP(3, DW_OP_lit1, DW_OP_lit2, DW_OP_lit3, DW_OP_rot, DW_OP_drop, DW_OP_drop);
}

static void test_arithmetic(void)
{
	CHECK_TOP(-3, DW_OP_const1s, 0xfa, DW_OP_lit2, DW_OP_div);
	CHECK_TOP((UINT64_MAX - 5) % 7, DW_OP_const1s, 0xfa, DW_OP_lit7, DW_OP_mod);
	CHECK_TOP(INT64_MIN, DW_OP_lit1, DW_OP_const1u, 63, DW_OP_shl, DW_OP_const1s, 0xff, DW_OP_div);
	CHECK_TOP(-15, DW_OP_lit5, DW_OP_const1s, 0xfd, DW_OP_mul);
	CHECK_TOP(-5, DW_OP_lit5, DW_OP_neg);
	CHECK_TOP(5, DW_OP_const1s, 0xfb, DW_OP_abs);
	CHECK_TOP(-6, DW_OP_lit5, DW_OP_not);
	CHECK_TOP(200, DW_OP_lit0, DW_OP_plus_uconst, 0xc8, 0x01);
	CHECK_TOP(8, DW_OP_lit12, DW_OP_lit9, DW_OP_and);
	CHECK_TOP(13, DW_OP_lit12, DW_OP_lit9, DW_OP_or);
	CHECK_TOP(5, DW_OP_lit12, DW_OP_lit9, DW_OP_xor);
	CHECK_TOP(-1, DW_OP_const1s, 0xfe, DW_OP_lit1, DW_OP_shra);
	CHECK_TOP(UINT64_MAX >> 1, DW_OP_const1s, 0xff, DW_OP_lit1, DW_OP_shr);
	CHECK_TOP(0, DW_OP_lit1, DW_OP_const1u, 64, DW_OP_shl);
	CHECK_TOP(-1, DW_OP_const1s, 0xfe, DW_OP_const1u, 200, DW_OP_shra);
	CHECK_TOP(1, DW_OP_const1s, 0xff, DW_OP_lit1, DW_OP_lt);
	CHECK_TOP(0, DW_OP_const1s, 0xff, DW_OP_lit1, DW_OP_ge);
	CHECK_TOP(1, DW_OP_lit1, DW_OP_lit1, DW_OP_le);
	CHECK_TOP(0, DW_OP_lit1, DW_OP_lit1, DW_OP_gt);
	CHECK_TOP(1, DW_OP_lit1, DW_OP_lit1, DW_OP_eq);
	CHECK_TOP(0, DW_OP_lit1, DW_OP_lit1, DW_OP_ne);
}

static void test_branches(void)
{
	CHECK_TOP(1, DW_OP_lit1, DW_OP_skip, 1, 0, DW_OP_lit2);
	CHECK_TOP(2, DW_OP_lit1, DW_OP_lit0, DW_OP_bra, 1, 0, DW_OP_lit2);
	CHECK_TOP(1, DW_OP_lit1, DW_OP_lit1, DW_OP_bra, 1, 0, DW_OP_lit2);
	/* 5 + 4 + 3 + 2 + 1: sum and counter on the stack */
	CHECK_TOP(15, DW_OP_lit0, DW_OP_lit5, DW_OP_dup, DW_OP_rot, DW_OP_plus, DW_OP_swap, DW_OP_lit1, DW_OP_minus,
		DW_OP_dup, DW_OP_bra, 0xf6, 0xff, DW_OP_drop);
	CHECK_TOP(3, DW_OP_lit3, DW_OP_nop);
}

static void test_types(void)
{
	/* -1 as an unsigned byte is 255, and stays it in 64 bits. */
	CHECK_TOP(255, DW_OP_const1s, 0xff, DW_OP_convert, UNSIGNED_CHAR, DW_OP_convert, SIGNED_8, DW_OP_convert, 0);
	CHECK_TOP(-1, DW_OP_const1u, 0xff, DW_OP_convert, SIGNED_CHAR, DW_OP_convert, 0);
	CHECK_TOP(0x55667788, DW_OP_regval_type, 0, UNSIGNED_4, DW_OP_convert, 0);
	CHECK_TOP(0x11, DW_OP_breg3, 0, DW_OP_deref_type, 1, UNSIGNED_CHAR, DW_OP_convert, 0);
	CHECK_TOP(-2, DW_OP_const_type, SIGNED_CHAR, 1, 0xfe, DW_OP_convert, 0);
	CHECK_TOP(-2, DW_OP_GNU_const_type, SIGNED_CHAR, 1, 0xfe, DW_OP_GNU_convert, 0);
	/* 200 + 100 in a byte; unsigned division of what would be negative */
	CHECK_TOP(44, DW_OP_const_type, UNSIGNED_CHAR, 1, 200, DW_OP_const_type, UNSIGNED_CHAR, 1, 100, DW_OP_plus);
	CHECK_TOP(100, DW_OP_const_type, UNSIGNED_CHAR, 1, 200, DW_OP_const_type, UNSIGNED_CHAR, 1, 2, DW_OP_div);
	CHECK_TOP(0xff, DW_OP_const_type, SIGNED_CHAR, 1, 0xff, DW_OP_reinterpret, UNSIGNED_CHAR);
}

/* ---- what has no answer ---- */

static void check_failure(const char *what, const uint8_t *expression, size_t size, hc_variable_state expected)
{
	g_auto(fixture) f = start(expression, size);
	hc_location location;

	if (evaluate(&f, &location)) {
		g_printerr("%s: is %#" PRIx64 "\n", what, (uint64_t)location.pieces[0].value);
		CU_FAIL("the expression has no value");
		return;
	}
	if (f.evaluation.state != expected)
		g_printerr("%s: %s\n", what, hc_variable_state_name(f.evaluation.state));
	CU_ASSERT_EQUAL(f.evaluation.state, expected);
	CU_ASSERT_EQUAL(f.evaluation.reason != NULL, expected != HC_VARIABLE_OPTIMIZED_OUT);
}
#define CHECK_FAILURE(state, ...) check_failure(#__VA_ARGS__, BYTES(__VA_ARGS__), HC_VARIABLE_##state)

static void test_unknown(void)
{
	CHECK_FAILURE(UNREADABLE, DW_OP_reg12);
	CHECK_FAILURE(UNREADABLE, DW_OP_breg12, 0, DW_OP_stack_value);
	CHECK_FAILURE(UNREADABLE, DW_OP_lit8, DW_OP_deref);
	CHECK_FAILURE(UNREADABLE, DW_OP_lit0, DW_OP_form_tls_address);
	CHECK_FAILURE(UNREADABLE, DW_OP_entry_value, 1, DW_OP_reg5, DW_OP_stack_value);
	CHECK_FAILURE(UNREADABLE, DW_OP_call_frame_cfa);
	CHECK_FAILURE(OPTIMIZED_OUT, DW_OP_addr, 0, 0, 0, 0, 0, 0, 0, 0);
	CHECK_FAILURE(OPTIMIZED_OUT, DW_OP_addr, 255, 255, 255, 255, 255, 255, 255, 255);
	check_failure("nothing", (const uint8_t[]){ 0 }, 0, HC_VARIABLE_OPTIMIZED_OUT);
}

static void test_unsupported(void)
{
	CHECK_FAILURE(UNSUPPORTED, DW_OP_reg17);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_regx, 40);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_lit0, DW_OP_lit0, DW_OP_xderef);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_push_object_address);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_call4, SIGNED_CHAR, 0, 0, 0);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_lit1, DW_OP_convert, DOUBLE);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_lit1, DW_OP_convert, IN_MEMORY);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_lit1, DW_OP_lit0, DW_OP_div);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_lit1, DW_OP_lit0, DW_OP_mod);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_entry_value, 2, DW_OP_breg5, 0, DW_OP_stack_value);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_implicit_pointer, IN_NO_MEMORY, 0, 0, 0, 0);
	/* An expression that makes no sense. */
	CHECK_FAILURE(UNSUPPORTED, DW_OP_plus);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_lit1, DW_OP_plus);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_lit1, DW_OP_drop);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_lit1, DW_OP_pick, 1);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_lit1, DW_OP_swap);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_stack_value);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_reg3, DW_OP_lit1, DW_OP_plus);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_lit1, DW_OP_deref_size, 3);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_lit1, DW_OP_convert, UNSIGNED_CHAR, DW_OP_lit1, DW_OP_plus);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_lit1, DW_OP_skip, 0x40, 0xff);
}

static void test_endless(void)
{
	uint8_t deep[200];

	CHECK_FAILURE(UNSUPPORTED, DW_OP_skip, 0xfd, 0xff);
	CHECK_FAILURE(UNSUPPORTED, DW_OP_lit1, DW_OP_lit1, DW_OP_bra, 0xfc, 0xff);
	memset(deep, DW_OP_lit1, sizeof deep);
	check_failure("deep", deep, sizeof deep, HC_VARIABLE_UNSUPPORTED);
}

/* ---- variables ---- */

typedef struct placed {
	fixture f;
	struct hc_type type;
	hc_variable variable;
} placed;

static void place(placed *p, uint64_t type_size, const uint8_t *expression, size_t size)
{
	*p = (placed){ .f = start(expression, size), .type = { .kind = HC_TYPE_STRUCT, .size = type_size } };
	p->variable.type = &p->type;
	p->variable.thread = UINT_MAX;
	p->f.evaluation.module = &p->f.module.public;
	p->f.evaluation.steps = &p->f.steps;
	hc_evaluation_place(&p->f.evaluation, &p->f.die, &p->variable);
}

/* EXPECTED: a byte each; -1: it is not known. */
static void check_bytes(const placed *p, const int *expected, unsigned count)
{
	unsigned known = 0;

	CU_ASSERT_EQUAL(p->variable.state, HC_VARIABLE_VALUE);
	for (unsigned i = 0; i < count; i++) {
		uint8_t byte = 0;
		bool is_known = hc_variables_read(p->f.variables, p->variable.address + i, &byte, 1);

		known += expected[i] >= 0;
		if (is_known != (expected[i] >= 0) || (is_known && byte != expected[i]))
			g_printerr("byte %u: %02x%s, not %d\n", i, byte, is_known ? "" : "?", expected[i]);
		CU_ASSERT_EQUAL(is_known, expected[i] >= 0);
		CU_ASSERT_TRUE(!is_known || byte == expected[i]);
	}
	CU_ASSERT_EQUAL(p->variable.valid_size, known);
}
#define CHECK_BYTES(p, ...) check_bytes(p, (const int[]){ __VA_ARGS__ }, G_N_ELEMENTS(((const int[]){ __VA_ARGS__ })))

static void test_value_of_register(void)
{
	placed p;

	place(&p, 4, BYTES(DW_OP_reg0));
	CHECK_BYTES(&p, 0x88, 0x77, 0x66, 0x55);
	stop(&p.f);
	place(&p, 2, BYTES(DW_OP_lit5, DW_OP_neg, DW_OP_stack_value));
	CHECK_BYTES(&p, 0xfb, 0xff);
	stop(&p.f);
	/* More than a register holds. */
	place(&p, 10, BYTES(DW_OP_reg0));
	CHECK_BYTES(&p, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, -1, -1);
	stop(&p.f);
	place(&p, 4, BYTES(DW_OP_implicit_value, 3, 7, 8, 9));
	CHECK_BYTES(&p, 7, 8, 9, -1);
	stop(&p.f);
	place(&p, 8, BYTES(DW_OP_implicit_pointer, IN_MEMORY, 0, 0, 0, 4));
	CHECK_BYTES(&p, 0x44, 0, 1, 0, 0, 0, 0, 0);
	stop(&p.f);
}

static void test_pieces(void)
{
	placed p;

	/* A register, nothing, memory, a value, a register that is lost. */
	place(&p, 12,
		BYTES(DW_OP_reg0, DW_OP_piece, 4, DW_OP_piece, 2, DW_OP_breg3, 0, DW_OP_piece, 2, DW_OP_lit9,
			DW_OP_stack_value, DW_OP_piece, 2, DW_OP_reg12, DW_OP_piece, 2));
	CHECK_BYTES(&p, 0x88, 0x77, 0x66, 0x55, -1, -1, 0x11, 0x22, 9, 0, -1, -1);
	stop(&p.f);
	/* What fails in one piece leaves the next. */
	place(&p, 4,
		BYTES(DW_OP_lit0, DW_OP_deref, DW_OP_lit1, DW_OP_plus, DW_OP_piece, 2, DW_OP_reg0, DW_OP_piece, 2));
	CHECK_BYTES(&p, -1, -1, 0x88, 0x77);
	stop(&p.f);
	/* Pieces end before the variable does, or after it. */
	place(&p, 4, BYTES(DW_OP_reg0, DW_OP_piece, 2));
	CHECK_BYTES(&p, 0x88, 0x77, -1, -1);
	stop(&p.f);
	place(&p, 2, BYTES(DW_OP_reg0, DW_OP_piece, 4));
	CHECK_BYTES(&p, 0x88, 0x77);
	stop(&p.f);
}

static void test_bit_pieces(void)
{
	placed p;

	/* Four bits of rax, twelve from its bit 8 on, then four in the next byte of which nothing more is known. */
	place(&p, 3,
		BYTES(DW_OP_reg0, DW_OP_bit_piece, 4, 0, DW_OP_reg0, DW_OP_bit_piece, 12, 8, DW_OP_reg0,
			DW_OP_bit_piece, 4, 0));
	CHECK_BYTES(&p, 0x78, 0x67, -1);
	stop(&p.f);
	/* Memory from its bit 4 on. */
	place(&p, 2, BYTES(DW_OP_breg3, 0, DW_OP_bit_piece, 16, 4));
	CHECK_BYTES(&p, 0x21, 0x32);
	stop(&p.f);
}

static void check_state(
	hc_variable_state expected, uint64_t address, uint64_t type_size, const uint8_t *expression, size_t size)
{
	placed p;

	place(&p, type_size, expression, size);
	CU_ASSERT_EQUAL(p.variable.state, expected);
	CU_ASSERT_EQUAL(p.variable.address, address);
	CU_ASSERT_EQUAL(
		p.variable.reason != NULL, expected == HC_VARIABLE_UNREADABLE || expected == HC_VARIABLE_UNSUPPORTED);
	stop(&p.f);
}

static void test_places(void)
{
	check_state(HC_VARIABLE_IN_MEMORY, MEMORY + 0x108, 16, BYTES(DW_OP_breg3, 8));
	/* Pieces in a row. */
	check_state(HC_VARIABLE_IN_MEMORY, MEMORY + 0x100, 8,
		BYTES(DW_OP_breg3, 0, DW_OP_piece, 4, DW_OP_breg3, 4, DW_OP_piece, 4));
	check_state(HC_VARIABLE_UNREADABLE, 0, 8, BYTES(DW_OP_lit16));
	check_state(HC_VARIABLE_UNREADABLE, 0, 8, BYTES(DW_OP_reg12, DW_OP_piece, 4, DW_OP_reg12, DW_OP_piece, 4));
	check_state(HC_VARIABLE_OPTIMIZED_OUT, 0, 8, BYTES(DW_OP_piece, 4, DW_OP_piece, 4));
	check_state(HC_VARIABLE_UNSUPPORTED, 0, 8, BYTES(DW_OP_push_object_address));
	check_state(HC_VARIABLE_UNSUPPORTED, 0, UINT64_C(1) << 40, BYTES(DW_OP_reg0));
	check_state(HC_VARIABLE_UNSUPPORTED, 0, 0,
		BYTES(DW_OP_reg0, DW_OP_piece, 0xff, 0xff, 0xff, 0xff, 0x0f, DW_OP_reg0, DW_OP_piece, 4));
}

/* ---- values by address ---- */

static void test_kept_values(void)
{
	g_auto(fixture) f = start(BYTES(DW_OP_lit0));
	static const uint8_t first[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
			     second[] = { 21, 22, 23 }, known[] = { 1, 0, 1 };
	hc_address a = hc_variables_keep_value(f.variables, first, NULL, sizeof first),
		   b = hc_variables_keep_value(f.variables, second, known, sizeof second);
	uint8_t bytes[64];

	CU_ASSERT_TRUE(hc_variables_read(f.variables, a, bytes, sizeof first) && !memcmp(bytes, first, sizeof first));
	CU_ASSERT_TRUE(hc_variables_read(f.variables, a + 15, bytes, 1) && bytes[0] == 16);
	CU_ASSERT_FALSE(hc_variables_read(f.variables, a + 15, bytes, 2));
	CU_ASSERT_FALSE(hc_variables_read(f.variables, a, bytes, (size_t)(b - a) + 1));
	CU_ASSERT_FALSE(hc_variables_read(f.variables, a - 1, bytes, 2));
	CU_ASSERT_TRUE(hc_variables_read(f.variables, b, bytes, 1) && bytes[0] == 21);
	CU_ASSERT_TRUE(hc_variables_read(f.variables, b + 2, bytes, 1) && bytes[0] == 23);
	CU_ASSERT_FALSE(hc_variables_read(f.variables, b, bytes, 3));
	CU_ASSERT_FALSE(hc_variables_read(f.variables, b + 3, bytes, 1));
	CU_ASSERT_FALSE(hc_variables_read(f.variables, b + 4096, bytes, 1));
	CU_ASSERT_FALSE(hc_variables_read(f.variables, UINT64_MAX, bytes, 2));
	CU_ASSERT_EQUAL(hc_variables_keep_value(f.variables, first, NULL, 0), 0);
	CU_ASSERT_TRUE(hc_variables_read(f.variables, MEMORY + 0x100, bytes, 1) && bytes[0] == 0x11);
	CU_ASSERT_FALSE(hc_variables_read(f.variables, 16, bytes, 1));
}

int main(void)
{
	static const unit_case cases[] = {
		{ "constants", test_constants },
		{ "registers", test_registers },
		{ "memory", test_memory },
		{ "stack", test_stack },
		{ "arithmetic", test_arithmetic },
		{ "branches", test_branches },
		{ "types", test_types },
		{ "unknown operands", test_unknown },
		{ "unsupported operations", test_unsupported },
		{ "endless expressions", test_endless },
		{ "value of a register", test_value_of_register },
		{ "pieces", test_pieces },
		{ "pieces of bits", test_bit_pieces },
		{ "places", test_places },
		{ "kept values", test_kept_values },
	};

	elf_version(EV_CURRENT);
	return unit_main("expressions", cases, G_N_ELEMENTS(cases));
}
