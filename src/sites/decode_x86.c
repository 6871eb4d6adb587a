/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * x86-64: what an instruction does to the general registers, to memory that one of them leads to, and where control goes.
 *
 * Registers are numbered as the machine does (Intel's manual, volume 2, table 3-1): rax 0, rcx 1, rdx 2, rbx 3, rsp 4, rbp 5, rsi 6, rdi 7.
 * Which ones a call takes and keeps: "System V Application Binary Interface, AMD64", 3.2.
 */
#include "sites/steps.h"

#include <capstone/capstone.h>

enum {
	RAX,
	RCX,
	RDX,
	RBX,
	RSP,
	RBP,
	RSI,
	RDI,
	R8,
	R9,
	R10,
	R11,
	WORD = 8,
};

#define BIT(number) (UINT32_C(1) << (number))

const struct calling hc_calling_x86 = {
	.arguments = { RDI, RSI, RDX, RCX, R8, R9 },
	.argument_count = 6,
	.registers = 16,
	.result = RAX,
	.stack = RSP,
	.frame = RBP,
	.clobbered = BIT(RAX) | BIT(RCX) | BIT(RDX) | BIT(RSI) | BIT(RDI) | BIT(R8) | BIT(R9) | BIT(R10) | BIT(R11),
};

/* The number of a general register, or of the one that it is a part of. */
static uint8_t number_of(unsigned name)
{
	static const struct {
		uint16_t names[5];
	} table[16] = {
		{ { X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL, X86_REG_AH } },
		{ { X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH } },
		{ { X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL, X86_REG_DH } },
		{ { X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH } },
		{ { X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL, 0 } },
		{ { X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL, 0 } },
		{ { X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL, 0 } },
		{ { X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL, 0 } },
		{ { X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B, 0 } },
		{ { X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B, 0 } },
		{ { X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B, 0 } },
		{ { X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B, 0 } },
		{ { X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B, 0 } },
		{ { X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B, 0 } },
		{ { X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B, 0 } },
		{ { X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B, 0 } },
	};

	for (unsigned i = 0; name && i < 16; i++)
		for (unsigned j = 0; j < 5; j++)
			if (table[i].names[j] == name)
				return (uint8_t)i;
	return NO_REGISTER;
}

static bool is_register(const cs_x86_op *operand)
{
	return operand->type == X86_OP_REG;
}

/* A whole register: of 8 bytes, or of 4, which makes the other half 0. */
static uint8_t whole(const cs_x86_op *operand)
{
	return is_register(operand) && operand->size >= 4 ? number_of(operand->reg) : NO_REGISTER;
}

/* Every register that is written to, as capstone tells. */
static uint32_t written(csh handle, const cs_insn *instruction)
{
	cs_regs read, write;
	uint8_t read_count = 0, write_count = 0;
	uint32_t mask = 0;

	if (cs_regs_access(handle, instruction, read, &read_count, write, &write_count) != CS_ERR_OK)
		return UINT32_MAX;
	for (unsigned i = 0; i < write_count; i++) {
		uint8_t number = number_of(write[i]);

		mask |= number == NO_REGISTER ? 0 : BIT(number);
	}
	return mask;
}

static unsigned other(csh handle, const cs_insn *instruction, struct step *step)
{
	*step = (struct step){ .kind = STEP_OTHER, .clobbers = written(handle, instruction) };
	return 1;
}

/* Where a memory operand leads: FALSE if that is an index's matter, or of a segment. */
static bool is_followed(const cs_insn *instruction, const cs_x86_op *operand, uint8_t *ret_base, int64_t *ret_add)
{
	if (operand->mem.segment != X86_REG_INVALID || operand->mem.index != X86_REG_INVALID)
		return false;
	*ret_add = operand->mem.disp;
	*ret_base = NO_REGISTER;
	if (operand->mem.base == X86_REG_RIP)
		*ret_add += (int64_t)(instruction->address + instruction->size);
	else if (operand->mem.base == X86_REG_INVALID)
		return false;
	else
		*ret_base = number_of(operand->mem.base);
	return operand->mem.base == X86_REG_RIP || *ret_base != NO_REGISTER;
}

static unsigned load(csh handle, const cs_insn *instruction, const cs_x86_op *operand, uint8_t to, struct step *step)
{
	uint8_t base;
	int64_t add;

	if (to == NO_REGISTER || !is_followed(instruction, operand, &base, &add))
		return other(handle, instruction, step);
	*step = (struct step){ .kind = STEP_LOAD, .to = to, .from = base, .add = add, .width = operand->size };
	return 1;
}

/* What was stored is not known unless SOURCE tells: a whole register or a number. NULL: it does not. */
static unsigned store(
	csh handle, const cs_insn *instruction, const cs_x86_op *place, const cs_x86_op *source, struct step *step)
{
	*step = (struct step){ .kind = STEP_STORE_UNKNOWN,
		.from = NO_REGISTER,
		.width = place->size,
		.clobbers = written(handle, instruction) };
	if (!is_followed(instruction, place, &step->from, &step->add)) {
		step->from = NO_REGISTER;
		step->add = 0;
		return 1;
	}
	if (source && source->type == X86_OP_IMM) {
		step->kind = STEP_STORE;
		step->other = NO_REGISTER;
		step->value = source->imm;
	} else if (source && is_register(source) && whole(source) != NO_REGISTER) {
		step->kind = STEP_STORE;
		step->other = whole(source);
	}
	return 1;
}

static unsigned move(csh handle, const cs_insn *instruction, const cs_x86 *x86, struct step *step)
{
	const cs_x86_op *to = &x86->operands[0], *from = &x86->operands[1];

	if (to->type == X86_OP_MEM)
		return store(handle, instruction, to, from, step);
	if (whole(to) == NO_REGISTER)
		return other(handle, instruction, step);
	if (from->type == X86_OP_MEM)
		return load(handle, instruction, from, whole(to), step);
	if (from->type == X86_OP_IMM)
		*step = (struct step){ .kind = STEP_SET, .to = whole(to), .width = to->size, .add = from->imm };
	else if (whole(from) != NO_REGISTER)
		*step = (struct step){
			.kind = STEP_SUM, .to = whole(to), .from = whole(from), .other = NO_REGISTER, .width = to->size
		};
	else
		return other(handle, instruction, step);
	return 1;
}

static unsigned address_of(csh handle, const cs_insn *instruction, const cs_x86 *x86, struct step *step)
{
	const cs_x86_op *from = &x86->operands[1];
	uint8_t to = whole(&x86->operands[0]);

	if (to == NO_REGISTER || from->type != X86_OP_MEM || from->mem.segment != X86_REG_INVALID)
		return other(handle, instruction, step);
	*step = (struct step){ .kind = STEP_SUM,
		.to = to,
		.from = number_of(from->mem.base),
		.other = number_of(from->mem.index),
		.scale = from->mem.scale,
		.add = from->mem.disp,
		.width = x86->operands[0].size };
	if (from->mem.base == X86_REG_RIP) {
		step->kind = STEP_SET;
		step->is_address = true;
		step->add += (int64_t)(instruction->address + instruction->size);
	}
	return 1;
}

/* ADD, SUB with SIGN -1, and INC and DEC, which have one operand. */
static unsigned add(csh handle, const cs_insn *instruction, const cs_x86 *x86, int sign, struct step *step)
{
	const cs_x86_op *to = &x86->operands[0], *from = &x86->operands[1];
	uint8_t number = whole(to);

	if (to->type == X86_OP_MEM)
		return store(handle, instruction, to, NULL, step);
	if (number == NO_REGISTER)
		return other(handle, instruction, step);
	*step = (struct step){
		.kind = STEP_SUM, .to = number, .from = number, .other = NO_REGISTER, .width = to->size
	};
	if (x86->op_count == 1)
		step->add = sign;
	else if (from->type == X86_OP_IMM)
		step->add = sign * from->imm;
	else if (whole(from) != NO_REGISTER) {
		step->other = whole(from);
		step->scale = sign;
	} else
		return other(handle, instruction, step);
	return 1;
}

static unsigned shift_left(csh handle, const cs_insn *instruction, const cs_x86 *x86, struct step *step)
{
	const cs_x86_op *to = &x86->operands[0], *by = &x86->operands[1];

	if (to->type == X86_OP_MEM)
		return store(handle, instruction, to, NULL, step);
	if (whole(to) == NO_REGISTER || x86->op_count != 2 || by->type != X86_OP_IMM || by->imm < 0 || by->imm > 40)
		return other(handle, instruction, step);
	*step = (struct step){ .kind = STEP_SCALE,
		.to = whole(to),
		.from = whole(to),
		.scale = INT64_C(1) << by->imm,
		.width = to->size };
	return 1;
}

static unsigned multiply(csh handle, const cs_insn *instruction, const cs_x86 *x86, struct step *step)
{
	uint8_t to = x86->op_count >= 2 ? whole(&x86->operands[0]) : NO_REGISTER;
	uint8_t from = x86->op_count >= 2 ? whole(&x86->operands[1]) : NO_REGISTER;

	if (to == NO_REGISTER || from == NO_REGISTER)
		return other(handle, instruction, step);
	*step = (struct step){
		.kind = STEP_MULTIPLY, .to = to, .from = to, .other = from, .width = x86->operands[0].size
	};
	if (x86->op_count == 3) {
		step->kind = STEP_SCALE;
		step->from = from;
		step->scale = x86->operands[2].imm;
	}
	return 1;
}

/* XOR, SUB, SBB, ... of a register with itself is a way to say 0, and OR with -1 one to say -1. */
static unsigned combine(csh handle, const cs_insn *instruction, const cs_x86 *x86, struct step *step)
{
	const cs_x86_op *to = &x86->operands[0], *from = &x86->operands[1];
	uint8_t number = whole(to);
	bool is_zero = instruction->id == X86_INS_XOR && number != NO_REGISTER && number == whole(from);
	bool is_ones = instruction->id == X86_INS_OR && number != NO_REGISTER && from->type == X86_OP_IMM &&
		       from->imm == -1;

	if (to->type == X86_OP_MEM)
		return store(handle, instruction, to, NULL, step);
	if (!is_zero && !is_ones)
		return other(handle, instruction, step);
	*step = (struct step){ .kind = STEP_SET, .to = number, .add = is_zero ? 0 : -1, .width = to->size };
	return 1;
}

static unsigned extend(csh handle, const cs_insn *instruction, const cs_x86 *x86, struct step *step)
{
	const cs_x86_op *from = &x86->operands[1];
	uint8_t to = whole(&x86->operands[0]);

	/* A sign that is extended does not matter to a size. */
	if (to == NO_REGISTER || from->size < 4 || whole(from) == NO_REGISTER)
		return from->type == X86_OP_MEM && from->size >= 4 ? load(handle, instruction, from, to, step) :
								     other(handle, instruction, step);
	*step = (struct step){ .kind = STEP_SUM, .to = to, .from = whole(from), .other = NO_REGISTER };
	return 1;
}

static unsigned choose(csh handle, const cs_insn *instruction, const cs_x86 *x86, struct step *step)
{
	uint8_t to = whole(&x86->operands[0]), from = whole(&x86->operands[1]);

	if (to == NO_REGISTER || from == NO_REGISTER)
		return other(handle, instruction, step);
	*step = (struct step){ .kind = STEP_CHOOSE, .to = to, .from = from, .width = x86->operands[0].size };
	return 1;
}

/* Of a register with itself it is a way to do nothing. */
static unsigned exchange(csh handle, const cs_insn *instruction, const cs_x86 *x86, struct step *step)
{
	if (x86->operands[0].type == X86_OP_MEM || x86->operands[1].type == X86_OP_MEM)
		return store(handle, instruction, &x86->operands[x86->operands[0].type != X86_OP_MEM], NULL, step);
	other(handle, instruction, step);
	if (x86->operands[0].reg == x86->operands[1].reg)
		step->clobbers = 0;
	return 1;
}

static unsigned push(const cs_x86 *x86, struct step *steps)
{
	const cs_x86_op *from = &x86->operands[0];

	steps[0] = (struct step){ .kind = STEP_SUM, .to = RSP, .from = RSP, .other = NO_REGISTER, .add = -WORD };
	steps[1] = (struct step){ .kind = STEP_STORE_UNKNOWN, .from = RSP, .width = WORD, .other = NO_REGISTER };
	if (x86->op_count && whole(from) != NO_REGISTER) {
		steps[1].kind = STEP_STORE;
		steps[1].other = whole(from);
	} else if (x86->op_count && from->type == X86_OP_IMM) {
		steps[1].kind = STEP_STORE;
		steps[1].value = from->imm;
	}
	return 2;
}

static unsigned pop(uint8_t to, struct step *steps)
{
	steps[0] = (struct step){ .kind = STEP_LOAD, .to = to, .from = RSP, .width = WORD };
	if (to == NO_REGISTER)
		steps[0] = (struct step){ .kind = STEP_OTHER };
	steps[1] = (struct step){ .kind = STEP_SUM, .to = RSP, .from = RSP, .other = NO_REGISTER, .add = WORD };
	return 2;
}

static unsigned leave(struct step *steps)
{
	steps[0] = (struct step){ .kind = STEP_SUM, .to = RSP, .from = RBP, .other = NO_REGISTER };
	return 1 + pop(RBP, steps + 1);
}

/* A call, or with KIND STEP_JUMP a jump: through a number, a register, a word of the module's. */
static unsigned go(const cs_insn *instruction, const cs_x86 *x86, enum step_kind kind, struct step *step)
{
	const cs_x86_op *where = &x86->operands[0];
	uint8_t base;

	*step = (struct step){ .kind = (uint8_t)(kind + 2), .from = NO_REGISTER };
	if (where->type == X86_OP_IMM) {
		step->kind = (uint8_t)kind;
		step->add = where->imm;
	} else if (is_register(where))
		step->from = whole(where);
	else if (where->type == X86_OP_MEM && is_followed(instruction, where, &base, &step->add) && base == NO_REGISTER)
		step->kind = (uint8_t)(kind + 1);
	return 1;
}

_Static_assert(STEP_CALL_AT == STEP_CALL + 1 && STEP_CALL_REGISTER == STEP_CALL + 2 && STEP_JUMP_AT == STEP_JUMP + 1 &&
		       STEP_JUMP_REGISTER == STEP_JUMP + 2,
	"go-counts");

static bool is_conditional(csh handle, const cs_insn *instruction)
{
	return cs_insn_group(handle, instruction, X86_GRP_JUMP) && instruction->id != X86_INS_JMP &&
	       instruction->id != X86_INS_LJMP;
}

unsigned hc_steps_of_x86(size_t handle, const struct cs_insn *instruction, struct step *steps)
{
	const cs_x86 *x86 = &instruction->detail->x86;

	switch (instruction->id) {
	case X86_INS_MOV:
	case X86_INS_MOVABS:
		return move(handle, instruction, x86, steps);
	case X86_INS_LEA:
		return address_of(handle, instruction, x86, steps);
	case X86_INS_ADD:
	case X86_INS_INC:
		return add(handle, instruction, x86, 1, steps);
	case X86_INS_SUB:
	case X86_INS_DEC:
		return add(handle, instruction, x86, -1, steps);
	case X86_INS_SHL:
	case X86_INS_SAL:
		return shift_left(handle, instruction, x86, steps);
	case X86_INS_IMUL:
		return multiply(handle, instruction, x86, steps);
	case X86_INS_XOR:
	case X86_INS_OR:
	case X86_INS_AND:
		return combine(handle, instruction, x86, steps);
	case X86_INS_MOVSXD:
	case X86_INS_MOVZX:
	case X86_INS_MOVSX:
		return extend(handle, instruction, x86, steps);
	case X86_INS_CDQE:
		steps[0] = (struct step){ .kind = STEP_SUM, .to = RAX, .from = RAX, .other = NO_REGISTER };
		return 1;
	case X86_INS_XCHG:
		return exchange(handle, instruction, x86, steps);
	case X86_INS_CMP:
	case X86_INS_TEST:
	case X86_INS_NOP:
		steps[0] = (struct step){ .kind = STEP_OTHER };
		return 1;
	case X86_INS_PUSH:
		return push(x86, steps);
	case X86_INS_POP:
		return pop(whole(&x86->operands[0]), steps);
	case X86_INS_LEAVE:
		return leave(steps);
	case X86_INS_CALL:
		return go(instruction, x86, STEP_CALL, steps);
	case X86_INS_JMP:
		return go(instruction, x86, STEP_JUMP, steps);
	case X86_INS_RET:
	case X86_INS_RETF:
	case X86_INS_UD2:
	case X86_INS_HLT:
	case X86_INS_INT3:
		steps[0] = (struct step){ .kind = STEP_END };
		return 1;
	default:
		break;
	}
	if (instruction->id >= X86_INS_CMOVA && instruction->id <= X86_INS_CMOVS)
		return choose(handle, instruction, x86, steps);
	if (is_conditional(handle, instruction)) {
		steps[0] = (struct step){ .kind = STEP_BRANCH, .add = x86->operands[0].imm };
		return 1;
	}
	if (x86->op_count && x86->operands[0].type == X86_OP_MEM && x86->operands[0].access & CS_AC_WRITE)
		return store(handle, instruction, &x86->operands[0], NULL, steps);
	return other(handle, instruction, steps);
}
