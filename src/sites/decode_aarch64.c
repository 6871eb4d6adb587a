/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aarch64: what an instruction does to the general registers, to memory that one of them leads to, and where control goes.
 *
 * x0 to x30 are 0 to 30, sp is 31; the zero register is none, and a number that is 0 where it is read. Which registers a call takes and
 * keeps: "Procedure Call Standard for the Arm 64-bit Architecture", 6.1.1.
 */
#include "sites/steps.h"

#include <capstone/capstone.h>

enum {
	SP = 31,
	ZERO = 0xfe, /* the zero register, while operands are read */
};

#define BIT(number) (UINT32_C(1) << (number))

const struct calling hc_calling_aarch64 = {
	.arguments = { 0, 1, 2, 3, 4, 5, 6, 7 },
	.argument_count = 8,
	.registers = STEP_REGISTERS,
	.result = 0,
	.stack = SP,
	.frame = 29,
	.clobbered = 0x7ffff | BIT(30), /* x0 to x18, the link register */
};

static uint8_t number_of(unsigned name)
{
	if (name >= ARM64_REG_X0 && name <= ARM64_REG_X28)
		return (uint8_t)(name - ARM64_REG_X0);
	if (name >= ARM64_REG_W0 && name <= ARM64_REG_W30)
		return (uint8_t)(name - ARM64_REG_W0);
	switch (name) {
	case ARM64_REG_X29:
		return 29;
	case ARM64_REG_X30:
		return 30;
	case ARM64_REG_SP:
	case ARM64_REG_WSP:
		return SP;
	case ARM64_REG_XZR:
	case ARM64_REG_WZR:
		return ZERO;
	default:
		return NO_REGISTER;
	}
}

static bool is_half(unsigned name)
{
	return (name >= ARM64_REG_W0 && name <= ARM64_REG_W30) || name == ARM64_REG_WZR || name == ARM64_REG_WSP;
}

static uint8_t width_of(unsigned name)
{
	return is_half(name) ? 4 : 8;
}

/* The number of an operand that is a whole general register, as it is; else NO_REGISTER. */
static uint8_t plain(const cs_arm64_op *operand)
{
	return operand->type == ARM64_OP_REG && operand->ext == ARM64_EXT_INVALID &&
			       operand->shift.type == ARM64_SFT_INVALID ?
		       number_of(operand->reg) :
		       NO_REGISTER;
}

static bool is_real(uint8_t number)
{
	return number < STEP_REGISTERS;
}

static unsigned other(csh handle, const cs_insn *instruction, struct step *step)
{
	cs_regs read, write;
	uint8_t read_count = 0, write_count = 0;

	*step = (struct step){ .kind = STEP_OTHER };
	if (cs_regs_access(handle, instruction, read, &read_count, write, &write_count) != CS_ERR_OK)
		step->clobbers = UINT32_MAX;
	for (unsigned i = 0; i < write_count; i++)
		if (is_real(number_of(write[i])))
			step->clobbers |= BIT(number_of(write[i]));
	return 1;
}

static unsigned move(csh handle, const cs_insn *instruction, const cs_arm64 *arm, struct step *step)
{
	const cs_arm64_op *from = &arm->operands[1];
	uint8_t to = plain(&arm->operands[0]);

	if (arm->op_count != 2 || !is_real(to))
		return other(handle, instruction, step);
	*step = (struct step){ .kind = STEP_SET, .to = to, .width = width_of(arm->operands[0].reg) };
	if (from->type == ARM64_OP_IMM) {
		unsigned shift = from->shift.type == ARM64_SFT_LSL ? from->shift.value : 0;

		step->add = shift < 64 ? (int64_t)((uint64_t)from->imm << shift) : 0;
		if (instruction->id == ARM64_INS_MOVN)
			step->add = ~step->add;
	} else if (is_real(plain(from))) {
		step->kind = STEP_SUM;
		step->from = plain(from);
		step->other = NO_REGISTER;
	} else if (plain(from) != ZERO)
		return other(handle, instruction, step);
	return 1;
}

static unsigned add(csh handle, const cs_insn *instruction, const cs_arm64 *arm, int sign, struct step *step)
{
	const cs_arm64_op *by = &arm->operands[2];
	uint8_t to = plain(&arm->operands[0]), from = plain(&arm->operands[1]);
	unsigned shift = by->shift.type == ARM64_SFT_LSL ? by->shift.value : 0;

	if (arm->op_count != 3 || !is_real(to) || !is_real(from) || shift > 40 ||
		(by->shift.type != ARM64_SFT_INVALID && by->shift.type != ARM64_SFT_LSL))
		return other(handle, instruction, step);
	*step = (struct step){
		.kind = STEP_SUM, .to = to, .from = from, .other = NO_REGISTER, .width = width_of(arm->operands[0].reg)
	};
	if (by->type == ARM64_OP_IMM)
		step->add = sign * (int64_t)((uint64_t)by->imm << shift);
	else if (by->type == ARM64_OP_REG && is_real(number_of(by->reg))) {
		step->other = number_of(by->reg);
		step->scale = sign * (INT64_C(1) << shift);
	} else
		return other(handle, instruction, step);
	return 1;
}

static unsigned scale(csh handle, const cs_insn *instruction, const cs_arm64 *arm, struct step *step)
{
	uint8_t to = plain(&arm->operands[0]), from = plain(&arm->operands[1]);
	const cs_arm64_op *by = &arm->operands[2];

	if (arm->op_count < 3 || !is_real(to) || !is_real(from) || by->type != ARM64_OP_IMM || by->imm < 0 ||
		by->imm > 40)
		return other(handle, instruction, step);
	*step = (struct step){ .kind = STEP_SCALE,
		.to = to,
		.from = from,
		.scale = INT64_C(1) << by->imm,
		.width = width_of(arm->operands[0].reg) };
	return 1;
}

/* MUL, MADD, and those of 32 bits whose result has 64. */
static unsigned multiply(csh handle, const cs_insn *instruction, const cs_arm64 *arm, struct step *steps)
{
	uint8_t to = plain(&arm->operands[0]), from = plain(&arm->operands[1]), by = plain(&arm->operands[2]);
	uint8_t more = arm->op_count == 4 ? plain(&arm->operands[3]) : NO_REGISTER;

	if (arm->op_count < 3 || !is_real(to) || !is_real(from) || !is_real(by) || more == to)
		return other(handle, instruction, steps);
	steps[0] = (struct step){ .kind = STEP_MULTIPLY, .to = to, .from = from, .other = by };
	if (arm->op_count == 3)
		return 1;
	if (!is_real(more))
		return other(handle, instruction, steps);
	steps[1] = (struct step){ .kind = STEP_SUM, .to = to, .from = to, .other = more, .scale = 1 };
	return 2;
}

static unsigned extend(csh handle, const cs_insn *instruction, const cs_arm64 *arm, struct step *step)
{
	uint8_t to = plain(&arm->operands[0]), from = plain(&arm->operands[1]);

	if (arm->op_count != 2 || !is_real(to) || !is_real(from))
		return other(handle, instruction, step);
	*step = (struct step){ .kind = STEP_SUM, .to = to, .from = from, .other = NO_REGISTER };
	return 1;
}

static unsigned choose(csh handle, const cs_insn *instruction, const cs_arm64 *arm, struct step *steps)
{
	uint8_t to = plain(&arm->operands[0]), one = plain(&arm->operands[1]), another = plain(&arm->operands[2]);

	if (arm->op_count < 3 || !is_real(to) || !is_real(one) || !is_real(another) || (to == another && to != one))
		return other(handle, instruction, steps);
	steps[0] = (struct step){ .kind = STEP_SUM, .to = to, .from = one, .other = NO_REGISTER };
	steps[1] = (struct step){ .kind = STEP_CHOOSE, .to = to, .from = another };
	return 2;
}

static unsigned address_of(csh handle, const cs_insn *instruction, const cs_arm64 *arm, struct step *step)
{
	uint8_t to = plain(&arm->operands[0]);

	if (!is_real(to) || arm->operands[1].type != ARM64_OP_IMM)
		return other(handle, instruction, step);
	*step = (struct step){ .kind = STEP_SET, .to = to, .add = arm->operands[1].imm, .is_address = true };
	return 1;
}

/* ---- memory: one register or two, and the base may be moved, before or afterwards ---- */

struct access {
	const cs_arm64_op *registers[2];
	unsigned count;
	uint8_t base;
	int64_t add;   /* from the base as it is before */
	int64_t moved; /* the base, in all */
	bool is_loading;
};

static bool read_access(const cs_arm64 *arm, unsigned count, bool is_loading, struct access *access)
{
	const cs_arm64_op *memory = &arm->operands[count];

	if (arm->op_count <= count || memory->type != ARM64_OP_MEM || memory->mem.index != ARM64_REG_INVALID ||
		!is_real(number_of(memory->mem.base)))
		return false;
	*access = (struct access){
		.count = count, .base = number_of(memory->mem.base), .add = memory->mem.disp, .is_loading = is_loading
	};
	for (unsigned i = 0; i < count; i++)
		access->registers[i] = &arm->operands[i];
	if (arm->op_count > count + 1 && arm->operands[count + 1].type == ARM64_OP_IMM) {
		access->moved = arm->operands[count + 1].imm;
		access->add = 0;
	} else if (arm->writeback)
		access->moved = access->add;
	return true;
}

static void access_one(const struct access *access, unsigned index, struct step *step)
{
	uint8_t number = plain(access->registers[index]);
	uint8_t width = number == NO_REGISTER ? 16 : width_of(access->registers[index]->reg);

	*step = (struct step){
		.from = access->base, .add = access->add + (int64_t)index * width, .width = width, .other = NO_REGISTER
	};
	if (access->is_loading) {
		step->kind = is_real(number) ? STEP_LOAD : STEP_OTHER;
		step->to = number;
	} else if (number == NO_REGISTER)
		step->kind = STEP_STORE_UNKNOWN;
	else {
		step->kind = STEP_STORE;
		step->other = number == ZERO ? NO_REGISTER : number;
	}
}

static unsigned access_memory(csh handle, const cs_insn *instruction, const cs_arm64 *arm, unsigned count,
	bool is_loading, struct step *steps)
{
	struct access access;

	if (!read_access(arm, count, is_loading, &access)) {
		other(handle, instruction, steps);
		if (!is_loading)
			steps->kind = STEP_STORE_UNKNOWN, steps->from = NO_REGISTER;
		return 1;
	}
	/* What is loaded may be the base itself. */
	if (is_loading && !access.moved && count == 2 && plain(access.registers[0]) == access.base) {
		access_one(&access, 1, &steps[0]);
		access_one(&access, 0, &steps[1]);
		return 2;
	}
	for (unsigned i = 0; i < count; i++)
		access_one(&access, i, &steps[i]);
	if (access.moved)
		steps[count++] = (struct step){ .kind = STEP_SUM,
			.to = access.base,
			.from = access.base,
			.other = NO_REGISTER,
			.add = access.moved };
	return count;
}

/* ---- where control goes ---- */

static unsigned branch(const cs_arm64 *arm, unsigned index, struct step *step)
{
	*step = (struct step){ .kind = STEP_BRANCH, .add = arm->operands[index].imm };
	return 1;
}

static unsigned go(const cs_arm64 *arm, enum step_kind kind, struct step *step)
{
	*step = (struct step){ .kind = (uint8_t)kind, .from = NO_REGISTER };
	if (kind == STEP_CALL || kind == STEP_JUMP)
		step->add = arm->operands[0].imm;
	else if (arm->op_count && is_real(plain(&arm->operands[0])))
		step->from = plain(&arm->operands[0]);
	return 1;
}

static unsigned end(struct step *step)
{
	*step = (struct step){ .kind = STEP_END };
	return 1;
}

unsigned hc_steps_of_aarch64(size_t handle, const struct cs_insn *instruction, struct step *steps)
{
	const cs_arm64 *arm = &instruction->detail->arm64;

	switch (instruction->id) {
	case ARM64_INS_MOV:
	case ARM64_INS_MOVZ:
	case ARM64_INS_MOVN:
		return move(handle, instruction, arm, steps);
	case ARM64_INS_ADD:
		return add(handle, instruction, arm, 1, steps);
	case ARM64_INS_SUB:
		return add(handle, instruction, arm, -1, steps);
	case ARM64_INS_LSL:
	case ARM64_INS_UBFIZ:
	case ARM64_INS_SBFIZ:
		return scale(handle, instruction, arm, steps);
	case ARM64_INS_MUL:
	case ARM64_INS_MADD:
	case ARM64_INS_UMULL:
	case ARM64_INS_SMULL:
	case ARM64_INS_UMADDL:
	case ARM64_INS_SMADDL:
		return multiply(handle, instruction, arm, steps);
	case ARM64_INS_SXTW:
	case ARM64_INS_UXTW:
		return extend(handle, instruction, arm, steps);
	case ARM64_INS_CSEL:
		return choose(handle, instruction, arm, steps);
	case ARM64_INS_ADR:
	case ARM64_INS_ADRP:
		return address_of(handle, instruction, arm, steps);
	case ARM64_INS_LDR:
	case ARM64_INS_LDUR:
		return access_memory(handle, instruction, arm, 1, true, steps);
	case ARM64_INS_LDP:
		return access_memory(handle, instruction, arm, 2, true, steps);
	case ARM64_INS_STR:
	case ARM64_INS_STUR:
		return access_memory(handle, instruction, arm, 1, false, steps);
	case ARM64_INS_STP:
		return access_memory(handle, instruction, arm, 2, false, steps);
	case ARM64_INS_BL:
		return go(arm, STEP_CALL, steps);
	case ARM64_INS_BLR:
		return go(arm, STEP_CALL_REGISTER, steps);
	case ARM64_INS_BR:
		return go(arm, STEP_JUMP_REGISTER, steps);
	case ARM64_INS_B:
		return arm->cc == ARM64_CC_INVALID || arm->cc == ARM64_CC_AL ? go(arm, STEP_JUMP, steps) :
									       branch(arm, 0, steps);
	case ARM64_INS_CBZ:
	case ARM64_INS_CBNZ:
		return branch(arm, 1, steps);
	case ARM64_INS_TBZ:
	case ARM64_INS_TBNZ:
		return branch(arm, 2, steps);
	case ARM64_INS_RET:
	case ARM64_INS_BRK:
		return end(steps);
	default:
		break;
	}
	for (unsigned i = 0; i < arm->op_count; i++)
		if (arm->operands[i].type == ARM64_OP_MEM && !(arm->operands[0].access & CS_AC_WRITE)) {
			other(handle, instruction, steps);
			steps->kind = STEP_STORE_UNKNOWN;
			steps->from = NO_REGISTER;
			return 1;
		}
	return other(handle, instruction, steps);
}
