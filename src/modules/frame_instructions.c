/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Call frame instructions and their expressions, looked through before libdw runs them: frame_entries.h tells what for.
 *
 * One pass along them, in time of their size. All of them are looked at, though libdw stops where the address is reached.
 */
#include "modules/frame_entries.h"

#include <dwarf.h>
#include <string.h>

enum {
	MOST_BYTES = 1 << 20,	/* of instructions: they are run for each frame anew */
	MOST_REGISTERS = 1280,	/* PowerPC's, which has most, end at 1200 */
	MOST_REMEMBERED = 64,	/* states at a time, each a table of registers */
	MOST_COPIED = 1 << 18,	/* rules, in all copies */
	FEWEST_COPIED = 64,	/* rules of a copy: those that the ABI has */
	MOST_EXPRESSION = 1024, /* bytes; libdwfl gives up after 4096 steps */
	OPERATION_SIZE = 32,	/* Dwarf_Op */
	NODE_SIZE = 128,	/* what is kept beside the operations */
	SPARC_WINDOW = 32,	/* registers */
	NEGATE_STATE_WITH_PC =
		0x2c /* DW_CFA_AARCH64_negate_ra_state_with_pc: no operand (DWARF for the Arm 64-bit Architecture, 2025Q1) */
};

/* ---- reading ---- */

uint64_t hc_frame_read(hc_frame_cursor *cursor, unsigned size)
{
	uint64_t value = 0;
	uint32_t half;

	if ((uint64_t)(cursor->end - cursor->at) < size)
		cursor->failed = true;
	if (cursor->failed)
		return 0;
	if (size == sizeof half) { /* most are */
		memcpy(&half, cursor->at, sizeof half);
		value = cursor->is_big ? GUINT32_FROM_BE(half) : GUINT32_FROM_LE(half);
	} else
		for (unsigned i = 0; i < size; i++)
			value |= (uint64_t)cursor->at[i] << 8 * (cursor->is_big ? size - 1 - i : i);
	cursor->at += size;
	return value;
}

uint64_t hc_frame_read_leb(hc_frame_cursor *cursor)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && !cursor->failed && cursor->at < cursor->end; shift += 7) {
		uint8_t byte = *cursor->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	cursor->failed = true;
	return 0;
}

void hc_frame_skip(hc_frame_cursor *cursor, uint64_t size)
{
	if ((uint64_t)(cursor->end - cursor->at) < size)
		cursor->failed = true;
	if (!cursor->failed)
		cursor->at += size;
}

/* ---- expressions ---- */

enum expression {
	EXPRESSION_OF_CFA,
	EXPRESSION_PLACE,
	EXPRESSION_VALUE,
};

/* An operation's operands. */
enum operand {
	UNSOUND, /* libdwfl does not know it, or cannot be given it */
	NOTHING,
	ONE_BYTE,
	TWO_BYTES,
	FOUR_BYTES,
	EIGHT_BYTES,
	ADDRESS,
	LEB,
	TWO_LEBS,
	BRANCH,	  /* two bytes: how far */
	PART_SIZE /* one byte; libdwfl follows a NULL pointer in the CFA's expression */
};

/* Those of libdwfl's expr_eval() (frame_unwind.c), but for division, which may trap, and DW_OP_call_frame_cfa, which multiplies. */
static const uint8_t operations[256] = {
	[DW_OP_addr] = ADDRESS,
	[DW_OP_deref] = NOTHING,
	[DW_OP_const1u... DW_OP_const1s] = ONE_BYTE,
	[DW_OP_const2u... DW_OP_const2s] = TWO_BYTES,
	[DW_OP_const4u... DW_OP_const4s] = FOUR_BYTES,
	[DW_OP_const8u... DW_OP_const8s] = EIGHT_BYTES,
	[DW_OP_constu... DW_OP_consts] = LEB,
	[DW_OP_dup... DW_OP_over] = NOTHING,
	[DW_OP_pick] = ONE_BYTE,
	[DW_OP_swap... DW_OP_rot] = NOTHING,
	[DW_OP_abs... DW_OP_and] = NOTHING,
	[DW_OP_minus... DW_OP_plus] = NOTHING,
	[DW_OP_plus_uconst] = LEB,
	[DW_OP_shl... DW_OP_xor] = NOTHING,
	[DW_OP_bra] = BRANCH,
	[DW_OP_eq... DW_OP_ne] = NOTHING,
	[DW_OP_skip] = BRANCH,
	[DW_OP_lit0... DW_OP_lit31] = NOTHING,
	[DW_OP_reg0... DW_OP_reg31] = NOTHING,
	[DW_OP_breg0... DW_OP_breg31] = LEB,
	[DW_OP_regx] = LEB,
	[DW_OP_bregx] = TWO_LEBS,
	[DW_OP_deref_size] = PART_SIZE,
	[DW_OP_nop] = NOTHING,
};

static bool pass_operation(const hc_frame_section *section, hc_frame_cursor *cursor, enum expression kind)
{
	switch (operations[hc_frame_read(cursor, 1)]) {
	case NOTHING:
		break;
	case ONE_BYTE:
		hc_frame_skip(cursor, 1);
		break;
	case TWO_BYTES:
		hc_frame_skip(cursor, 2);
		break;
	case FOUR_BYTES:
		hc_frame_skip(cursor, 4);
		break;
	case EIGHT_BYTES:
		hc_frame_skip(cursor, 8);
		break;
	case ADDRESS:
		hc_frame_skip(cursor, section->is_64 ? 8 : 4);
		break;
	case TWO_LEBS:
		hc_frame_read_leb(cursor);
		hc_frame_read_leb(cursor);
		break;
	case LEB:
		hc_frame_read_leb(cursor);
		break;
	case BRANCH: /* forwards only: there is no loop */
		return !(hc_frame_read(cursor, 2) & 0x8000) && !cursor->failed;
	case PART_SIZE:
		hc_frame_skip(cursor, 1);
		return kind != EXPRESSION_OF_CFA && !cursor->failed;
	default:
		return false;
	}
	return !cursor->failed;
}

bool hc_frame_section_take(hc_frame_section *section, uint64_t size)
{
	static const uint64_t most = UINT64_C(128) << 20;

	*section->memory += MIN(size, most + 1);
	return *section->memory <= most;
}

/*
 * libdw keeps the operations of an expression by its place in the file, and has an assert() that those of a value end as a value: one
 * place must not be both.
 */
static bool note_expression(hc_frame_section *section, const hc_frame_cursor *block, enum expression kind)
{
	gpointer key = GSIZE_TO_POINTER((gsize)(block->at - section->bytes) + 1);
	guint known = GPOINTER_TO_UINT(g_hash_table_lookup(section->expressions, key));
	guint this = 1 + (kind == EXPRESSION_VALUE);

	if (known)
		return known == this;
	g_hash_table_insert(section->expressions, key, GUINT_TO_POINTER(this));
	return hc_frame_section_take(section, (uint64_t)(block->end - block->at) * OPERATION_SIZE + NODE_SIZE);
}

/* A block (DW_FORM_block) at CURSOR. */
static bool pass_expression(hc_frame_section *section, hc_frame_cursor *cursor, enum expression kind)
{
	uint64_t length = hc_frame_read_leb(cursor);
	hc_frame_cursor block = *cursor;

	hc_frame_skip(cursor, length);
	if (cursor->failed || length > MOST_EXPRESSION)
		return false;
	block.end = cursor->at;
	if (length && !note_expression(section, &block, kind))
		return false;
	while (block.at < block.end)
		if (!pass_operation(section, &block, kind))
			return false;
	return true;
}

/* ---- instructions ---- */

enum argument {
	NO_MORE,
	FIXED_1,
	FIXED_2,
	FIXED_4,
	FIXED_8,
	LOCATION,
	NUMBER,
	REGISTER, /* that gets a rule */
	CFA_EXPRESSION,
	PLACE_EXPRESSION,
	VALUE_EXPRESSION
};

/* By opcode (DWARF 5, 7.24), but for the three that have an operand in it. */
static const struct {
	bool is_known;
	uint8_t arguments[2];
} instructions[0x40] = {
	[DW_CFA_nop] = { true, { NO_MORE } },
	[DW_CFA_set_loc] = { true, { LOCATION } },
	[DW_CFA_advance_loc1] = { true, { FIXED_1 } },
	[DW_CFA_advance_loc2] = { true, { FIXED_2 } },
	[DW_CFA_advance_loc4] = { true, { FIXED_4 } },
	[DW_CFA_offset_extended] = { true, { REGISTER, NUMBER } },
	[DW_CFA_restore_extended] = { true, { REGISTER } },
	[DW_CFA_undefined] = { true, { REGISTER } },
	[DW_CFA_same_value] = { true, { REGISTER } },
	[DW_CFA_register] = { true, { REGISTER, NUMBER } },
	[DW_CFA_remember_state] = { true, { NO_MORE } },
	[DW_CFA_restore_state] = { true, { NO_MORE } },
	[DW_CFA_def_cfa] = { true, { NUMBER, NUMBER } },
	[DW_CFA_def_cfa_register] = { true, { NUMBER } },
	[DW_CFA_def_cfa_offset] = { true, { NUMBER } },
	[DW_CFA_def_cfa_expression] = { true, { CFA_EXPRESSION } },
	[DW_CFA_expression] = { true, { REGISTER, PLACE_EXPRESSION } },
	[DW_CFA_offset_extended_sf] = { true, { REGISTER, NUMBER } },
	[DW_CFA_def_cfa_sf] = { true, { NUMBER, NUMBER } },
	[DW_CFA_def_cfa_offset_sf] = { true, { NUMBER } },
	[DW_CFA_val_offset] = { true, { REGISTER, NUMBER } },
	[DW_CFA_val_offset_sf] = { true, { REGISTER, NUMBER } },
	[DW_CFA_val_expression] = { true, { REGISTER, VALUE_EXPRESSION } },
	[DW_CFA_MIPS_advance_loc8] = { true, { FIXED_8 } },
	[NEGATE_STATE_WITH_PC] = { true, { NO_MORE } },
	[DW_CFA_GNU_window_save] = { true, { NO_MORE } },
	[DW_CFA_GNU_args_size] = { true, { NUMBER } },
	[DW_CFA_GNU_negative_offset_extended] = { true, { REGISTER, NUMBER } },
};

struct run {
	hc_frame_section *section;
	hc_frame_cursor *cursor;
	unsigned address_size;
	uint64_t registers; /* that have rules, counted from 0 */
	unsigned remembered;
	uint64_t copied;
};

static bool note_register(struct run *run, uint64_t number)
{
	if (number >= MOST_REGISTERS)
		return false;
	run->registers = MAX(run->registers, number + 1);
	return true;
}

static bool pass_argument(struct run *run, enum argument argument)
{
	hc_frame_cursor *cursor = run->cursor;

	switch (argument) {
	case NO_MORE:
		break;
	case FIXED_1:
		hc_frame_skip(cursor, 1);
		break;
	case FIXED_2:
		hc_frame_skip(cursor, 2);
		break;
	case FIXED_4:
		hc_frame_skip(cursor, 4);
		break;
	case FIXED_8:
		hc_frame_skip(cursor, 8);
		break;
	case LOCATION:
		hc_frame_skip(cursor, run->address_size);
		break;
	case NUMBER:
		hc_frame_read_leb(cursor);
		break;
	case REGISTER:
		return note_register(run, hc_frame_read_leb(cursor)) && !cursor->failed;
	case CFA_EXPRESSION:
		return pass_expression(run->section, cursor, EXPRESSION_OF_CFA);
	case PLACE_EXPRESSION:
		return pass_expression(run->section, cursor, EXPRESSION_PLACE);
	case VALUE_EXPRESSION:
		return pass_expression(run->section, cursor, EXPRESSION_VALUE);
	}
	return !cursor->failed;
}

/* What an instruction does to libdw's tables, beyond its registers. */
static bool note_states(struct run *run, unsigned opcode)
{
	if (opcode == DW_CFA_GNU_window_save) /* not on AArch64, to which it means something else */
		return note_register(run, SPARC_WINDOW - 1);
	if (opcode == DW_CFA_restore_state && run->remembered)
		run->remembered--;
	if (opcode != DW_CFA_remember_state)
		return true;
	run->copied += MAX(run->registers, FEWEST_COPIED);
	return ++run->remembered <= MOST_REMEMBERED && run->copied <= MOST_COPIED;
}

static bool pass_instruction(struct run *run)
{
	unsigned byte = (unsigned)hc_frame_read(run->cursor, 1), operand = byte & 0x3f;

	switch (byte & 0xc0) {
	case DW_CFA_advance_loc:
		return true;
	case DW_CFA_offset:
		return note_register(run, operand) && pass_argument(run, NUMBER);
	case DW_CFA_restore:
		return note_register(run, operand);
	default:
		return instructions[operand].is_known && pass_argument(run, instructions[operand].arguments[0]) &&
		       pass_argument(run, instructions[operand].arguments[1]) && note_states(run, operand);
	}
}

bool hc_frame_instructions_are_sound(
	hc_frame_section *section, hc_frame_cursor *cursor, unsigned address_size, unsigned *ret_registers)
{
	struct run run = { .section = section, .cursor = cursor, .address_size = address_size };

	if (cursor->end - cursor->at > MOST_BYTES)
		return false;
	while (cursor->at < cursor->end)
		if (!pass_instruction(&run))
			return false;
	*ret_registers = (unsigned)run.registers;
	return true;
}
