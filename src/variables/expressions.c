/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DWARF expressions: a machine with a stack of integers (DWARF 5, 2.5 and 2.6; the GNU operations
 * that came before it mean the same).
 *
 *	fbreg -24                             -> in memory, at the frame's base - 24
 *	breg3 8; deref; stack_value           -> nowhere, but this is its value
 *	reg12; piece 8; fbreg -32; piece 8    -> half here, half there
 *
 * libdw decodes operations; this runs them. An operand that is not known (a register that was not
 * kept, memory that is not in the core) is never replaced by anything: the piece that it belongs to
 * is missing, or, if there are no pieces, the whole. An operation that is not known ends in the
 * same way. Each group of operations is one function, which says whether the operation was its own.
 *
 * Expressions come from a file, so they are not trusted: the stack and the pieces have an end, each
 * operation is a step, and steps are counted over all that one variable needs.
 */
#include "variables/expressions.h"

#include <dwarf.h>
#include <elf.h>

/* ---- registers, constants, addresses ---- */

static bool read_register(struct hc_dwarf_expression *run, uint64_t number, uint64_t *ret_value)
{
	hc_evaluation *evaluation = run->evaluation;

	if (!evaluation->frames || evaluation->frame >= evaluation->frames->len)
		return hc_evaluation_fail(
			evaluation, HC_VARIABLE_UNSUPPORTED, "its location needs a register, but it is in no frame");
	const hc_frame_registers *registers = &g_array_index(evaluation->frames, hc_frame_registers, evaluation->frame);

	const hc_machine *machine = hc_core_machine(evaluation->variables->core);

	if (machine && machine->dwarf_vector_last && number >= machine->dwarf_vector_first &&
		number <= machine->dwarf_vector_last)
		return hc_evaluation_fail(evaluation, HC_VARIABLE_UNSUPPORTED, "it is in a vector register");
	if (number >= G_N_ELEMENTS(registers->values))
		return hc_evaluation_fail(
			evaluation, HC_VARIABLE_UNSUPPORTED, "it is in a register that is not a general one");
	if (!(registers->valid & UINT32_C(1) << number))
		return hc_evaluation_fail(
			evaluation, HC_VARIABLE_UNREADABLE, "a call has used the register that it was in");
	*ret_value = registers->values[number];
	return true;
}

/* A location by itself, which nothing but a piece may follow. */
static hc_outcome set_piece(struct hc_dwarf_expression *run, const hc_piece *piece)
{
	if (run->has_piece)
		return hc_dwarf_expression_malformed(run);
	run->piece = *piece;
	run->has_piece = true;
	return HC_OUTCOME_DONE;
}

static hc_outcome in_register(struct hc_dwarf_expression *run, uint64_t number)
{
	hc_piece piece = { .kind = HC_PIECE_REGISTER, .value_size = run->address_size };

	return read_register(run, number, &piece.value) ? set_piece(run, &piece) : HC_OUTCOME_FAILED;
}

static hc_outcome register_and_offset(struct hc_dwarf_expression *run, uint64_t number, uint64_t offset)
{
	uint64_t value;

	return read_register(run, number, &value) ? hc_dwarf_expression_push(run, value + offset) : HC_OUTCOME_FAILED;
}

static hc_outcome push_address(struct hc_dwarf_expression *run, uint64_t address)
{
	/* What a linker leaves where it has dropped what was there. */
	if (!address || address == hc_truncate(UINT64_MAX, run->address_size))
		return hc_dwarf_expression_fail(run, HC_VARIABLE_OPTIMIZED_OUT, NULL);
	return hc_dwarf_expression_push(run, address + run->evaluation->bias);
}

static hc_outcome push_indexed(struct hc_dwarf_expression *run, const Dwarf_Op *operation)
{
	bool is_address = operation->atom == DW_OP_addrx || operation->atom == DW_OP_GNU_addr_index;
	Dwarf_Attribute attribute;
	Dwarf_Addr value;

	if (!run->attribute || dwarf_getlocation_attr(run->attribute, operation, &attribute) ||
		dwarf_formaddr(&attribute, &value))
		return hc_dwarf_expression_malformed(run);
	return is_address ? push_address(run, value) : hc_dwarf_expression_push(run, value);
}

static hc_outcome run_constant(struct hc_dwarf_expression *run, const Dwarf_Op *operation)
{
	uint8_t atom = operation->atom;

	if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
		return hc_dwarf_expression_push(run, atom - DW_OP_lit0);
	switch (atom) {
	case DW_OP_addr:
		return push_address(run, operation->number);
	case DW_OP_addrx:
	case DW_OP_constx:
	case DW_OP_GNU_addr_index:
	case DW_OP_GNU_const_index:
		return push_indexed(run, operation);
	case DW_OP_const1s:
		return hc_dwarf_expression_push(run, (uint64_t)(int8_t)operation->number);
	case DW_OP_const2s:
		return hc_dwarf_expression_push(run, (uint64_t)(int16_t)operation->number);
	case DW_OP_const4s:
		return hc_dwarf_expression_push(run, (uint64_t)(int32_t)operation->number);
	case DW_OP_const1u:
	case DW_OP_const2u:
	case DW_OP_const4u:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
		return hc_dwarf_expression_push(run, operation->number);
	default:
		return HC_OUTCOME_NOT_MINE;
	}
}

static hc_outcome run_register(struct hc_dwarf_expression *run, const Dwarf_Op *operation)
{
	uint8_t atom = operation->atom;
	uint64_t value;

	if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31)
		return in_register(run, atom - DW_OP_reg0);
	if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
		return register_and_offset(run, atom - DW_OP_breg0, operation->number);
	switch (atom) {
	case DW_OP_regx:
		return in_register(run, operation->number);
	case DW_OP_bregx:
		return register_and_offset(run, operation->number, operation->number2);
	case DW_OP_fbreg:
		if (!hc_evaluation_frame_base(run->evaluation, &value))
			return HC_OUTCOME_FAILED;
		return hc_dwarf_expression_push(run, value + operation->number);
	case DW_OP_call_frame_cfa:
		return hc_evaluation_cfa(run->evaluation, &value) ? hc_dwarf_expression_push(run, value) :
								    HC_OUTCOME_FAILED;
	default:
		return HC_OUTCOME_NOT_MINE;
	}
}

/* ---- memory ---- */

static bool read_memory(struct hc_dwarf_expression *run, uint64_t address, uint64_t size, uint64_t *ret_value)
{
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return hc_dwarf_expression_malformed(run) != HC_OUTCOME_FAILED;
	if (hc_core_read_unsigned(run->evaluation->variables->core, address, (unsigned)size, ret_value))
		return true;
	return hc_evaluation_fail(
		run->evaluation, HC_VARIABLE_UNREADABLE, "memory that tells where it is, is not in the core");
}

static hc_outcome run_memory(struct hc_dwarf_expression *run, const Dwarf_Op *operation)
{
	hc_evaluation *evaluation = run->evaluation;
	struct hc_dwarf_operand address;
	uint64_t value, size = run->address_size;

	switch (operation->atom) {
	case DW_OP_deref_size:
		size = operation->number;
		break;
	case DW_OP_deref:
		break;
	case DW_OP_form_tls_address:
	case DW_OP_GNU_push_tls_address: {
		const hc_tls_block *block =
			hc_modules_tls_block(evaluation->variables->modules, evaluation->module, evaluation->thread);

		if (!hc_dwarf_expression_pop(run, &address))
			return HC_OUTCOME_FAILED;
		if (!block)
			return hc_dwarf_expression_fail(run, HC_VARIABLE_UNREADABLE,
				"where the thread has the module's thread-local storage is not known");
		if (address.bits >= block->end - block->start)
			return hc_dwarf_expression_malformed(run);
		return hc_dwarf_expression_push(run, block->start + address.bits);
	}
	default:
		return HC_OUTCOME_NOT_MINE;
	}
	if (!hc_dwarf_expression_pop(run, &address) || !read_memory(run, address.bits, size, &value))
		return HC_OUTCOME_FAILED;
	return hc_dwarf_expression_push(run, value);
}

/* ---- branches ---- */

static hc_outcome run_branch(struct hc_dwarf_expression *run, const Dwarf_Op *operation)
{
	struct hc_dwarf_operand condition;

	if (operation->atom == DW_OP_nop)
		return HC_OUTCOME_DONE;
	if (operation->atom != DW_OP_skip && operation->atom != DW_OP_bra)
		return HC_OUTCOME_NOT_MINE;
	if (operation->atom == DW_OP_bra) {
		if (!hc_dwarf_expression_pop(run, &condition))
			return HC_OUTCOME_FAILED;
		if (!condition.bits)
			return HC_OUTCOME_DONE;
	}
	/* From the end of the operation, which is three bytes long. */
	uint64_t target = operation->offset + 3 + (uint64_t)(int16_t)operation->number;
	size_t i = 0;

	while (i < run->count && run->operations[i].offset != target)
		i++;
	if (i == run->count && (!run->count || target <= run->operations[run->count - 1].offset || target > G_MAXINT32))
		return hc_dwarf_expression_malformed(run);
	run->next = i;
	return HC_OUTCOME_DONE;
}

/* ---- types ---- */

/* The base type that OPERATION names, in *VALUE. */
static hc_outcome find_type(struct hc_dwarf_expression *run, const Dwarf_Op *operation, struct hc_dwarf_operand *value)
{
	Dwarf_Attribute attribute;
	Dwarf_Word encoding, size;
	Dwarf_Die type;

	if (!run->attribute || dwarf_getlocation_die(run->attribute, operation, &type) ||
		dwarf_tag(&type) != DW_TAG_base_type || !dwarf_attr(&type, DW_AT_encoding, &attribute) ||
		dwarf_formudata(&attribute, &encoding) || !dwarf_attr(&type, DW_AT_byte_size, &attribute) ||
		dwarf_formudata(&attribute, &size))
		return hc_dwarf_expression_malformed(run);
	switch (encoding) {
	case DW_ATE_signed:
	case DW_ATE_signed_char:
		value->is_signed = true;
		break;
	case DW_ATE_unsigned:
	case DW_ATE_unsigned_char:
	case DW_ATE_boolean:
	case DW_ATE_address:
	case DW_ATE_UTF:
		value->is_signed = false;
		break;
	default:
		return hc_dwarf_expression_fail(
			run, HC_VARIABLE_UNSUPPORTED, "it is calculated with numbers that are no integers");
	}
	if (!size || size > 8)
		return hc_dwarf_expression_fail(
			run, HC_VARIABLE_UNSUPPORTED, "it is calculated with integers of more than 64 bits");
	value->size = (uint8_t)size;
	value->is_typed = true;
	return HC_OUTCOME_DONE;
}

static hc_outcome convert(struct hc_dwarf_expression *run, const Dwarf_Op *operation)
{
	bool reinterpret = operation->atom == DW_OP_reinterpret || operation->atom == DW_OP_GNU_reinterpret;
	struct hc_dwarf_operand from, to = { .size = run->address_size };

	if (!hc_dwarf_expression_pop(run, &from) ||
		(operation->number && find_type(run, operation, &to) == HC_OUTCOME_FAILED))
		return HC_OUTCOME_FAILED;
	if (reinterpret && from.size != to.size)
		return hc_dwarf_expression_malformed(run);
	to.bits = from.is_signed ? (uint64_t)hc_sign_extended(from) : from.bits;
	return hc_dwarf_expression_push_operand(run, to);
}

static hc_outcome typed_constant(
	struct hc_dwarf_expression *run, const Dwarf_Op *operation, struct hc_dwarf_operand *value)
{
	bool swap = (G_BYTE_ORDER == G_BIG_ENDIAN) != hc_core_process(run->evaluation->variables->core)->big_endian;
	Dwarf_Attribute attribute;
	Dwarf_Block block;

	if (dwarf_getlocation_attr(run->attribute, operation, &attribute) || dwarf_formblock(&attribute, &block) ||
		block.length != value->size || (value->size & (value->size - 1)))
		return hc_dwarf_expression_malformed(run);
	value->bits = hc_load_unsigned(block.data, value->size, swap);
	return hc_dwarf_expression_push_operand(run, *value);
}

static hc_outcome run_typed(struct hc_dwarf_expression *run, const Dwarf_Op *operation)
{
	struct hc_dwarf_operand value, address;

	switch (operation->atom) {
	case DW_OP_convert:
	case DW_OP_GNU_convert:
	case DW_OP_reinterpret:
	case DW_OP_GNU_reinterpret:
		return convert(run, operation);
	case DW_OP_const_type:
	case DW_OP_GNU_const_type:
		return find_type(run, operation, &value) == HC_OUTCOME_FAILED ? HC_OUTCOME_FAILED :
										typed_constant(run, operation, &value);
	case DW_OP_regval_type:
	case DW_OP_GNU_regval_type:
		if (find_type(run, operation, &value) == HC_OUTCOME_FAILED ||
			!read_register(run, operation->number, &value.bits))
			return HC_OUTCOME_FAILED;
		return hc_dwarf_expression_push_operand(run, value);
	case DW_OP_deref_type:
	case DW_OP_GNU_deref_type:
		if (find_type(run, operation, &value) == HC_OUTCOME_FAILED || !hc_dwarf_expression_pop(run, &address) ||
			!read_memory(run, address.bits, operation->number, &value.bits))
			return HC_OUTCOME_FAILED;
		return hc_dwarf_expression_push_operand(run, value);
	default:
		return HC_OUTCOME_NOT_MINE;
	}
}

/* ---- what is in no memory ---- */

static hc_outcome entry_value(struct hc_dwarf_expression *run, const Dwarf_Op *operation)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *inner;
	size_t count;
	uint64_t value;
	uint64_t number;

	if (!run->attribute || dwarf_getlocation_attr(run->attribute, operation, &attribute) ||
		dwarf_getlocation(&attribute, &inner, &count))
		return hc_dwarf_expression_malformed(run);
	if (count == 1 && inner->atom >= DW_OP_reg0 && inner->atom <= DW_OP_reg31)
		number = inner->atom - DW_OP_reg0;
	else if (count == 1 && inner->atom == DW_OP_regx)
		number = inner->number;
	else
		return hc_dwarf_expression_fail(
			run, HC_VARIABLE_UNSUPPORTED, "it is what memory held when the function was called");
	if (!hc_evaluation_entry_value(run->evaluation, (unsigned)MIN(number, UINT_MAX), &value))
		return HC_OUTCOME_FAILED;
	return hc_dwarf_expression_push(run, value);
}

static hc_outcome implicit_pointer(struct hc_dwarf_expression *run, const Dwarf_Op *operation)
{
	hc_piece piece = { .kind = HC_PIECE_VALUE, .value_size = run->address_size };
	uint64_t address;
	Dwarf_Die die;

	if (!run->attribute || dwarf_getlocation_die(run->attribute, operation, &die))
		return hc_dwarf_expression_malformed(run);
	if (!hc_evaluation_address_of(run->evaluation, &die, &address))
		return HC_OUTCOME_FAILED;
	piece.value = hc_truncate(address + operation->number2, run->address_size);
	return set_piece(run, &piece);
}

static hc_outcome run_implicit(struct hc_dwarf_expression *run, const Dwarf_Op *operation)
{
	hc_piece piece = { 0 };
	struct hc_dwarf_operand value;
	Dwarf_Block block;

	switch (operation->atom) {
	case DW_OP_stack_value:
		if (!hc_dwarf_expression_pop(run, &value))
			return HC_OUTCOME_FAILED;
		piece.kind = HC_PIECE_VALUE;
		piece.value = value.bits;
		piece.value_size = value.size;
		return set_piece(run, &piece);
	case DW_OP_implicit_value:
		if (!run->attribute || dwarf_getlocation_implicit_value(run->attribute, operation, &block))
			return hc_dwarf_expression_malformed(run);
		piece.kind = HC_PIECE_BYTES;
		piece.bytes = block.data;
		piece.byte_count = block.length;
		return set_piece(run, &piece);
	case DW_OP_implicit_pointer:
	case DW_OP_GNU_implicit_pointer:
		return implicit_pointer(run, operation);
	case DW_OP_entry_value:
	case DW_OP_GNU_entry_value:
		return entry_value(run, operation);
	default:
		return HC_OUTCOME_NOT_MINE;
	}
}

/* ---- pieces ---- */

static bool is_piece(const Dwarf_Op *operation)
{
	return operation->atom == DW_OP_piece || operation->atom == DW_OP_bit_piece;
}

/* Ends a piece: what was told of it, or the address that is on the stack, or nothing at all. */
static bool add_piece(struct hc_dwarf_expression *run, const Dwarf_Op *operation, hc_piece piece)
{
	hc_location *location = run->location;
	bool in_bits = operation->atom == DW_OP_bit_piece;

	if (location->count == HC_PIECES_MAX || operation->number > G_MAXUINT32 ||
		(in_bits && operation->number2 > G_MAXUINT32))
		return hc_evaluation_fail(run->evaluation, HC_VARIABLE_UNSUPPORTED, "it has too many pieces");
	piece.bit_size = in_bits ? operation->number : operation->number * 8;
	piece.bit_offset = in_bits ? operation->number2 : 0;
	location->is_composite = true;
	if (piece.bit_size)
		location->pieces[location->count++] = piece;
	run->depth = 0;
	run->has_piece = false;
	return true;
}

static hc_piece take_piece(struct hc_dwarf_expression *run)
{
	if (run->has_piece)
		return run->piece;
	if (run->depth)
		return (hc_piece){ .kind = HC_PIECE_MEMORY, .value = run->stack[run->depth - 1].bits };
	return (hc_piece){ .kind = HC_PIECE_MISSING, .state = HC_VARIABLE_OPTIMIZED_OUT };
}

/*
 * The piece that failed is missing; those that follow may be known. FALSE if there are no pieces.
 */
static bool recover(struct hc_dwarf_expression *run)
{
	hc_piece missing = {
		.kind = HC_PIECE_MISSING, .state = run->evaluation->state, .reason = run->evaluation->reason
	};

	while (run->next < run->count && !is_piece(&run->operations[run->next]))
		run->next++;
	return run->next < run->count && *run->evaluation->steps &&
	       add_piece(run, &run->operations[run->next++], missing);
}

/* ---- the machine ---- */

static hc_outcome run_operation(struct hc_dwarf_expression *run, const Dwarf_Op *operation)
{
	static hc_outcome (*const groups[])(struct hc_dwarf_expression *, const Dwarf_Op *) = { run_register,
		run_constant, run_memory, run_implicit, hc_dwarf_expression_run_unary, hc_dwarf_expression_run_binary,
		hc_dwarf_expression_run_stack, run_branch, run_typed };

	if (is_piece(operation))
		return add_piece(run, operation, take_piece(run)) ? HC_OUTCOME_DONE : HC_OUTCOME_FAILED;
	if (run->has_piece && operation->atom != DW_OP_nop)
		return hc_dwarf_expression_malformed(run);
	for (unsigned i = 0; i < G_N_ELEMENTS(groups); i++) {
		hc_outcome result = groups[i](run, operation);

		if (result != HC_OUTCOME_NOT_MINE)
			return result;
	}
	return hc_dwarf_expression_fail(
		run, HC_VARIABLE_UNSUPPORTED, "the expression that tells where it is has an unknown operation");
}

bool hc_dwarf_expression_locate(hc_evaluation *evaluation, Dwarf_Attribute *attribute, const Dwarf_Op *operations,
	size_t count, hc_location *ret_location)
{
	struct hc_dwarf_expression run = { .evaluation = evaluation,
		.attribute = attribute,
		.operations = operations,
		.count = count,
		.address_size = hc_core_process(evaluation->variables->core)->word_size,
		.location = ret_location };

	ret_location->count = 0;
	ret_location->is_composite = false;
	if (!count)
		return hc_evaluation_fail(evaluation, HC_VARIABLE_OPTIMIZED_OUT, NULL);
	while (run.next < count) {
		if (!*evaluation->steps)
			return hc_evaluation_fail(evaluation, HC_VARIABLE_UNSUPPORTED,
				"the expression that tells where it is takes too long");
		--*evaluation->steps;
		if (run_operation(&run, &operations[run.next++]) == HC_OUTCOME_FAILED && !recover(&run))
			return false;
	}
	if (!ret_location->is_composite) {
		if (!run.has_piece && !run.depth)
			return hc_dwarf_expression_malformed(&run) != HC_OUTCOME_FAILED;
		ret_location->pieces[ret_location->count++] = take_piece(&run);
	}
	return ret_location->count || hc_dwarf_expression_malformed(&run) != HC_OUTCOME_FAILED;
}

bool hc_dwarf_expression_value(hc_evaluation *evaluation, Dwarf_Attribute *attribute, const Dwarf_Op *operations,
	size_t count, uint64_t *ret_value)
{
	hc_location location;

	if (!hc_dwarf_expression_locate(evaluation, attribute, operations, count, &location))
		return false;
	if (location.is_composite || location.pieces[0].kind == HC_PIECE_BYTES)
		return hc_evaluation_fail(
			evaluation, HC_VARIABLE_UNSUPPORTED, "its location depends on a value that is in pieces");
	*ret_value = location.pieces[0].value;
	return true;
}
