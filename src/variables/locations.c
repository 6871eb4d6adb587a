/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a variable's DIE to its place: which expression of a location list holds at the frame's
 * address, what the expression needs to know of the frame, and what its pieces come to:
 *
 *	one piece, or several in a row, in memory      IN_MEMORY at that address
 *	anything else of which a byte is known	       VALUE: the bytes are copied, and those that are not known are marked
 *	nothing					       why not
 *
 * A frame that is not the innermost is at a call, whose return address may already be behind the
 * scope or in the next function: so addresses are looked up one byte before it (DWARF 5, 6.4.4).
 *
 * What a function was called with is often kept nowhere in it, but its caller still knows it
 * ("entry value"): the caller's call site tells the value of each register as an expression in the
 * caller's frame, which may again be one of its own caller.
 */
#include "variables/locations.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>

enum {
	VALUE_SIZE_MAX = 1 << 20,
};

static const hc_frame_registers *frame_of(const hc_evaluation *evaluation)
{
	return evaluation->frames && evaluation->frame < evaluation->frames->len ?
		       &g_array_index(evaluation->frames, hc_frame_registers, evaluation->frame) :
		       NULL;
}

static hc_address address_in(const hc_frame_registers *registers)
{
	return registers->program_counter - !registers->is_activation;
}

void hc_evaluation_init(hc_evaluation *evaluation, hc_variables *variables, const hc_module *module,
	const GArray *frames, unsigned frame, unsigned *steps)
{
	*evaluation = (hc_evaluation){ .variables = variables,
		.module = module,
		.frames = frames,
		.frame = frame,
		.thread = UINT_MAX,
		.steps = steps };
	const hc_frame_registers *registers = frame_of(evaluation);

	hc_module_dwarf(variables->info, module, &evaluation->bias);
	if (registers && !hc_function_at(variables->info, module, address_in(registers), &evaluation->function))
		evaluation->function.addr = NULL;
}

/* An evaluation that another one needs, in the same frame. */
static bool init_nested(hc_evaluation *nested, hc_evaluation *outer)
{
	*nested = *outer;
	nested->depth++;
	if (nested->depth > HC_EVALUATION_DEPTH)
		return hc_evaluation_fail(
			outer, HC_VARIABLE_UNSUPPORTED, "the expression that tells where it is goes too deep");
	return true;
}

/* The operations of ATTRIBUTE that hold at the evaluation's place. */
static bool find_operations(
	hc_evaluation *evaluation, Dwarf_Attribute *attribute, Dwarf_Op **ret_operations, size_t *ret_count)
{
	const hc_frame_registers *registers = frame_of(evaluation);
	int found;

	if (registers)
		found = dwarf_getlocation_addr(
			attribute, address_in(registers) - evaluation->bias, ret_operations, ret_count, 1);
	else
		found = dwarf_getlocation(attribute, ret_operations, ret_count) ? -1 : 1;
	if (found < 0)
		return hc_evaluation_fail(
			evaluation, HC_VARIABLE_UNSUPPORTED, "where it is cannot be read from the debug info");
	if (!found || !*ret_count)
		return hc_evaluation_fail(evaluation, HC_VARIABLE_OPTIMIZED_OUT, NULL);
	return true;
}

/* ---- what expressions ask of the frame ---- */

bool hc_evaluation_frame_base(hc_evaluation *evaluation, uint64_t *ret_value)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *operations;
	hc_evaluation nested;
	size_t count;

	if (!evaluation->has_base) {
		if (!init_nested(&nested, evaluation))
			return false;
		if (!evaluation->function.addr ||
			!dwarf_attr_integrate(&evaluation->function, DW_AT_frame_base, &attribute))
			return hc_evaluation_fail(
				evaluation, HC_VARIABLE_UNSUPPORTED, "the debug info has no base of its frame");
		if (!find_operations(&nested, &attribute, &operations, &count) ||
			!hc_dwarf_expression_value(&nested, &attribute, operations, count, &evaluation->base))
			return hc_evaluation_fail(evaluation, nested.state, nested.reason);
		evaluation->has_base = true;
	}
	*ret_value = evaluation->base;
	return true;
}

static bool find_cfa(hc_evaluation *evaluation, hc_frame_source source, uint64_t *ret_value)
{
	uint64_t bias = 0;
	hc_evaluation nested;
	Dwarf_Frame *frame =
		hc_modules_frame_rules(evaluation->variables->modules, source, address_in(frame_of(evaluation)), &bias);
	Dwarf_Op *operations;
	size_t count;
	bool found = frame && init_nested(&nested, evaluation);

	if (found) {
		nested.bias = bias;
		found = !dwarf_frame_cfa(frame, &operations, &count) && count &&
			hc_dwarf_expression_value(&nested, NULL, operations, count, ret_value);
	}
	free(frame);
	return found;
}

bool hc_evaluation_cfa(hc_evaluation *evaluation, uint64_t *ret_value)
{
	if (!evaluation->has_cfa && frame_of(evaluation))
		evaluation->has_cfa = find_cfa(evaluation, HC_FRAME_EH, &evaluation->cfa) ||
				      find_cfa(evaluation, HC_FRAME_DEBUG, &evaluation->cfa);
	if (!evaluation->has_cfa)
		return hc_evaluation_fail(evaluation, HC_VARIABLE_UNREADABLE, "where its frame begins is not known");
	*ret_value = evaluation->cfa;
	return true;
}

static bool attribute_of_either(Dwarf_Die *die, unsigned name, unsigned gnu_name, Dwarf_Attribute *attribute)
{
	return dwarf_attr(die, name, attribute) || dwarf_attr(die, gnu_name, attribute);
}

/* The value of an attribute of a call site, in the frame of the caller. */
static bool evaluate_in_caller(hc_evaluation *caller, Dwarf_Attribute *attribute, uint64_t *ret_value)
{
	Dwarf_Op *operations;
	size_t count;

	return !dwarf_getlocation(attribute, &operations, &count) && count &&
	       hc_dwarf_expression_value(caller, attribute, operations, count, ret_value);
}

static bool parameter_is_in(Dwarf_Die *parameter, unsigned number)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *operations;
	size_t count;
	int tag = dwarf_tag(parameter);

	if ((tag != DW_TAG_call_site_parameter && tag != DW_TAG_GNU_call_site_parameter) ||
		!dwarf_attr(parameter, DW_AT_location, &attribute) ||
		dwarf_getlocation(&attribute, &operations, &count) || count != 1)
		return false;
	if (operations->atom == DW_OP_regx)
		return operations->number == number;
	return operations->atom >= DW_OP_reg0 && operations->atom <= DW_OP_reg31 &&
	       operations->atom - DW_OP_reg0 == (int)number;
}

/* What SITE tells of register NUMBER. */
static bool read_parameter(hc_evaluation *caller, Dwarf_Die *site, unsigned number, uint64_t *ret_value)
{
	Dwarf_Attribute attribute;
	Dwarf_Die parameter;

	if (dwarf_child(site, &parameter))
		return false;
	for (unsigned i = 0; i < 256; i++) {
		if (parameter_is_in(&parameter, number))
			return attribute_of_either(
				       &parameter, DW_AT_call_value, DW_AT_GNU_call_site_value, &attribute) &&
			       evaluate_in_caller(caller, &attribute, ret_value);
		if (dwarf_siblingof(&parameter, &parameter))
			break;
	}
	return false;
}

/*
 * An evaluation in the caller's frame, of MODULE. Most often that is main()'s, in libc, of which nothing else is asked: then the unit that
 * has it is read alone.
 */
static void begin_caller(hc_evaluation *evaluation, hc_evaluation *caller, const hc_module *module)
{
	hc_debug_info *info = evaluation->variables->info;
	hc_address address = address_in(&g_array_index(evaluation->frames, hc_frame_registers, evaluation->frame + 1));
	Dwarf_Die function;

	if (!evaluation->needs_whole && hc_function_in_part(info, module, address, &function)) {
		*caller = (hc_evaluation){ .variables = evaluation->variables,
			.module = module,
			.bias = module->bias,
			.frames = evaluation->frames,
			.frame = evaluation->frame + 1,
			.function = function,
			.thread = UINT_MAX,
			.steps = evaluation->steps };
		if (evaluation->used_part)
			*evaluation->used_part = true;
	} else {
		hc_evaluation_init(caller, evaluation->variables, module, evaluation->frames, evaluation->frame + 1,
			evaluation->steps);
	}
	caller->depth = evaluation->depth + 1;
	caller->is_caller = true;
	caller->needs_whole = evaluation->needs_whole;
	caller->used_part = evaluation->used_part;
}

/* The caller's frame, and the call in it that made the evaluation's frame. */
static bool find_call(hc_evaluation *evaluation, hc_evaluation *caller, Dwarf_Die *site)
{
	hc_variables *variables = evaluation->variables;
	unsigned frame = evaluation->frame + 1;
	Dwarf_Attribute attribute;
	uint64_t target = 0;

	if (!frame_of(evaluation) || frame >= evaluation->frames->len || !evaluation->function.addr)
		return false;
	const hc_frame_registers *registers = &g_array_index(evaluation->frames, hc_frame_registers, frame);
	const hc_module *module = hc_modules_find(variables->modules, address_in(registers));

	if (registers->is_activation || !module)
		return false;
	begin_caller(evaluation, caller, module);
	if (caller->depth > HC_EVALUATION_DEPTH || !caller->function.addr ||
		!hc_call_site_at(variables->info, caller->module, &caller->function, registers->program_counter, site))
		return false;
	if (attribute_of_either(site, DW_AT_call_target, DW_AT_GNU_call_site_target, &attribute) &&
		!evaluate_in_caller(caller, &attribute, &target))
		target = 0;
	return hc_call_site_calls(variables->info, site, target, evaluation->module, &evaluation->function);
}

/* hc_evaluation_entry_value(), but nothing is noted if there is none. */
static bool find_entry_value(hc_evaluation *evaluation, unsigned number, uint64_t *ret_value)
{
	hc_evaluation caller;
	Dwarf_Die site;

	return find_call(evaluation, &caller, &site) && read_parameter(&caller, &site, number, ret_value);
}

bool hc_evaluation_entry_value(hc_evaluation *evaluation, unsigned number, uint64_t *ret_value)
{
	bool used_part = false;

	/* What a unit that is read alone leads to may be behind it: so whoever asked first tries again without. */
	if (!evaluation->is_caller && !evaluation->needs_whole)
		evaluation->used_part = &used_part;
	bool found = find_entry_value(evaluation, number, ret_value);

	if (!evaluation->is_caller && !evaluation->needs_whole)
		evaluation->used_part = NULL;
	if (!found && used_part) {
		evaluation->needs_whole = true;
		found = find_entry_value(evaluation, number, ret_value);
	}
	if (found)
		return true;
	return hc_evaluation_fail(
		evaluation, HC_VARIABLE_UNREADABLE, "its caller does not tell any more what it called with");
}

/* Where the pieces of LOCATION begin, if they lie in memory in one row of at least SIZE bytes. */
static bool is_in_memory(const hc_location *location, uint64_t size, uint64_t *ret_address)
{
	uint64_t at = 0;

	for (unsigned i = 0; i < location->count; i++) {
		const hc_piece *piece = &location->pieces[i];

		if (piece->kind != HC_PIECE_MEMORY || piece->bit_offset || piece->bit_size % 8 ||
			piece->value != location->pieces[0].value + at)
			return false;
		at += piece->bit_size / 8;
	}
	*ret_address = location->pieces[0].value;
	return !location->is_composite || at >= size;
}

bool hc_evaluation_address_of(hc_evaluation *evaluation, Dwarf_Die *die, uint64_t *ret_address)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *operations;
	hc_location location;
	hc_evaluation nested;
	size_t count;

	if (!init_nested(&nested, evaluation))
		return false;
	if (dwarf_attr_integrate(die, DW_AT_location, &attribute) &&
		find_operations(&nested, &attribute, &operations, &count) &&
		hc_dwarf_expression_locate(&nested, &attribute, operations, count, &location) &&
		is_in_memory(&location, 0, ret_address))
		return true;
	return hc_evaluation_fail(evaluation, HC_VARIABLE_UNSUPPORTED, "it points to what is in no memory");
}

/* ---- values ---- */

struct assembly {
	const hc_core *core;
	uint8_t *bytes, *known; /* known: a bit for each */
	uint64_t size;
	bool big_endian;
};

/* The byte that bits [INDEX * 8, INDEX * 8 + 8) of PIECE's source are. */
static bool source_byte(const struct assembly *assembly, const hc_piece *piece, uint64_t index, uint8_t *ret_byte)
{
	switch (piece->kind) {
	case HC_PIECE_MEMORY:
		return hc_core_read(assembly->core, piece->value + index, ret_byte, 1);
	case HC_PIECE_REGISTER:
	case HC_PIECE_VALUE:
		if (index >= piece->value_size)
			return false;
		*ret_byte = (uint8_t)(piece->value >> index * 8);
		return true;
	case HC_PIECE_BYTES:
		if (index >= piece->byte_count)
			return false;
		*ret_byte = piece->bytes[index];
		return true;
	default:
		return false;
	}
}

/* Copies a piece to bit AT, as many bits at a time as are in one byte on both sides. */
static void copy_piece(struct assembly *assembly, const hc_piece *piece, uint64_t at, uint64_t bits)
{
	for (uint64_t done = 0; done < bits;) {
		uint64_t from = piece->bit_offset + done, to = at + done;
		unsigned count = (unsigned)MIN(MIN(8 - from % 8, 8 - to % 8), bits - done);
		uint8_t mask = (uint8_t)(((1u << count) - 1) << to % 8), byte;

		if (source_byte(assembly, piece, from / 8, &byte)) {
			assembly->bytes[to / 8] |= (uint8_t)(byte >> from % 8 << to % 8) & mask;
			assembly->known[to / 8] |= mask;
		}
		done += count;
	}
}

static void reverse(uint8_t *bytes, uint64_t size)
{
	for (uint64_t i = 0; i < size / 2; i++) {
		uint8_t byte = bytes[i];

		bytes[i] = bytes[size - 1 - i];
		bytes[size - 1 - i] = byte;
	}
}

/* FALSE if a machine of that byte order would number the bits of the pieces in another way. */
static bool assemble(struct assembly *assembly, const hc_location *location)
{
	uint64_t at = 0;

	for (unsigned i = 0; i < location->count && at < assembly->size * 8; i++) {
		const hc_piece *piece = &location->pieces[i];
		bool is_number = piece->kind == HC_PIECE_REGISTER || piece->kind == HC_PIECE_VALUE;
		uint64_t bits = MIN(piece->bit_size ? piece->bit_size : UINT64_MAX, assembly->size * 8 - at);

		if (!piece->bit_size && is_number)
			bits = MIN(bits, piece->value_size * 8u);
		if (assembly->big_endian && (bits % 8 || at % 8 || piece->bit_offset))
			return false;
		copy_piece(assembly, piece, at, bits);
		if (assembly->big_endian && is_number) {
			reverse(assembly->bytes + at / 8, bits / 8);
			reverse(assembly->known + at / 8, bits / 8);
		}
		at += bits;
	}
	return true;
}

/* Bytes of a variable whose type does not tell. */
static uint64_t size_of_location(const hc_location *location)
{
	const hc_piece *first = &location->pieces[0];
	uint64_t bits = 0;

	if (!location->is_composite)
		return first->kind == HC_PIECE_BYTES ? first->byte_count : first->value_size;
	for (unsigned i = 0; i < location->count; i++)
		bits += location->pieces[i].bit_size;
	return (bits + 7) / 8;
}

static void set_failure(hc_variable *variable, hc_variable_state state, const char *reason)
{
	variable->state = state;
	variable->address = 0;
	variable->valid_size = 0;
	variable->reason = state == HC_VARIABLE_OPTIMIZED_OUT ? NULL : reason;
}

/* No byte of it is known. The first piece that is missing tells why. */
static void set_all_missing(hc_variable *variable, const hc_location *location)
{
	for (unsigned i = 0; i < location->count; i++)
		if (location->pieces[i].kind == HC_PIECE_MISSING) {
			set_failure(variable, location->pieces[i].state, location->pieces[i].reason);
			return;
		}
	set_failure(variable, HC_VARIABLE_UNREADABLE, "its memory is not in the core");
}

static void set_value(hc_variables *variables, const hc_location *location, hc_variable *variable)
{
	uint64_t size = hc_type_size(variable->type);
	struct assembly assembly = { .core = variables->core,
		.size = size ? size : size_of_location(location),
		.big_endian = hc_core_process(variables->core)->big_endian };

	if (!assembly.size || assembly.size > VALUE_SIZE_MAX) {
		set_failure(variable, HC_VARIABLE_UNSUPPORTED, "it is in no memory, and too large to be kept");
		return;
	}
	g_autofree uint8_t *bytes = g_malloc0(assembly.size), *known = g_malloc0(assembly.size);

	assembly.bytes = bytes;
	assembly.known = known;
	if (!assemble(&assembly, location)) {
		set_failure(variable, HC_VARIABLE_UNSUPPORTED, "it is in pieces of bits of a big-endian machine");
		return;
	}
	variable->valid_size = 0;
	for (uint64_t i = 0; i < assembly.size; i++) {
		known[i] = known[i] == UINT8_MAX;
		variable->valid_size += known[i];
	}
	if (!variable->valid_size) {
		set_all_missing(variable, location);
		return;
	}
	variable->state = HC_VARIABLE_VALUE;
	variable->reason = NULL;
	variable->address = hc_variables_keep_value(variables, bytes, known, assembly.size);
	if (!variable->address)
		set_failure(variable, HC_VARIABLE_UNSUPPORTED, "too many values are in no memory");
}

static void set_from_location(hc_variables *variables, const hc_location *location, hc_variable *variable)
{
	uint64_t size = hc_type_size(variable->type), available;
	hc_address address;

	if (!is_in_memory(location, size, &address)) {
		set_value(variables, location, variable);
		return;
	}
	variable->state = HC_VARIABLE_IN_MEMORY;
	variable->address = address;
	variable->valid_size = size;
	variable->reason = NULL;
	if (!hc_core_bytes(variables->core, address, &available))
		set_failure(variable, HC_VARIABLE_UNREADABLE, hc_core_why_missing(variables->core, address));
}

/* ---- variables ---- */

/* A variable that is a constant: DW_AT_const_value. */
static bool locate_constant(Dwarf_Die *die, hc_location *location)
{
	hc_piece *piece = &location->pieces[0];
	Dwarf_Attribute attribute;
	Dwarf_Word number;
	Dwarf_Block block;
	const char *text;

	if (!dwarf_attr_integrate(die, DW_AT_const_value, &attribute))
		return false;
	location->count = 1;
	location->is_composite = false;
	*piece = (hc_piece){ .kind = HC_PIECE_BYTES };
	if (!dwarf_formblock(&attribute, &block)) {
		piece->bytes = block.data;
		piece->byte_count = block.length;
	} else if (!dwarf_formudata(&attribute, &number)) {
		piece->kind = HC_PIECE_VALUE;
		piece->value = number;
		piece->value_size = 8;
	} else if ((text = dwarf_formstring(&attribute))) {
		piece->bytes = (const uint8_t *)text;
		piece->byte_count = strlen(text) + 1;
	} else {
		return false;
	}
	return true;
}

void hc_evaluation_place(hc_evaluation *evaluation, Dwarf_Die *die, hc_variable *variable)
{
	bool is_local = evaluation->frames;
	Dwarf_Attribute attribute;
	hc_location location;
	Dwarf_Op *operations;
	size_t count;

	*evaluation->steps = HC_EVALUATION_STEPS;
	evaluation->thread = variable->thread;
	/* Of a local the abstract instance can tell the type, but not the place. */
	if (is_local ? !dwarf_attr(die, DW_AT_location, &attribute) :
		       !dwarf_attr_integrate(die, DW_AT_location, &attribute)) {
		if (locate_constant(die, &location))
			set_from_location(evaluation->variables, &location, variable);
		else
			set_failure(variable, HC_VARIABLE_OPTIMIZED_OUT, NULL);
		return;
	}
	if (find_operations(evaluation, &attribute, &operations, &count) &&
		hc_dwarf_expression_locate(evaluation, &attribute, operations, count, &location))
		set_from_location(evaluation->variables, &location, variable);
	else
		set_failure(variable, evaluation->state, evaluation->reason);
}

void hc_variable_locate(hc_variables *variables, const hc_module *module, Dwarf_Die *die, const GArray *frames,
	unsigned frame, hc_variable *variable)
{
	unsigned steps = 0;
	hc_evaluation evaluation;

	hc_evaluation_init(&evaluation, variables, module, frames, frame, &steps);
	hc_evaluation_place(&evaluation, die, variable);
	if (!frames && variable->kind == HC_VARIABLE_GLOBAL)
		hc_variable_follow_copy(variables, module, die, variable);
}

bool hc_variable_is_static(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *operations;
	size_t count;

	if (dwarf_tag(die) != DW_TAG_variable)
		return false;
	if (dwarf_hasattr_integrate(die, DW_AT_external) || dwarf_hasattr_integrate(die, DW_AT_declaration))
		return true;
	if (!dwarf_attr_integrate(die, DW_AT_location, &attribute) ||
		(attribute.form != DW_FORM_exprloc && attribute.form != DW_FORM_block1 &&
			attribute.form != DW_FORM_block2 && attribute.form != DW_FORM_block4 &&
			attribute.form != DW_FORM_block) ||
		dwarf_getlocation(&attribute, &operations, &count) || !count)
		return false;
	const Dwarf_Op *last = &operations[count - 1];

	if (last->atom == DW_OP_form_tls_address || last->atom == DW_OP_GNU_push_tls_address)
		return true;
	return count == 1 &&
	       (last->atom == DW_OP_addr || last->atom == DW_OP_addrx || last->atom == DW_OP_GNU_addr_index);
}
