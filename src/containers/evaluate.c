/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs programs. Their stack was counted when they were compiled, jumps lead forward only, and a key never needs itself: they end.
 * The value of a key is kept for the rest of the walk.
 */
#include "containers/operators.h"
#include "containers/walker.h"

#include "modules/modules.h"

#include <string.h>

static inline const uint8_t *object_bytes(const hc_walker *walker, uint64_t offset, uint64_t size)
{
	return walker->object && offset < walker->object_size && size <= walker->object_size - offset ?
		       walker->object + offset :
		       NULL;
}

/* SIZE bytes at ADDRESS. */
static inline bool load(hc_walker *walker, hc_address address, const hc_instruction *instruction, uint64_t *ret_value)
{
	const uint8_t *bytes = object_bytes(walker, address - walker->address, instruction->size);

	if (!bytes)
		bytes = hc_reader_at(walker->reader, address, instruction->size);
	if (G_UNLIKELY(!bytes))
		return false;
	/* Most are words of a machine like this one. */
	if (G_LIKELY(instruction->size == 8 && !walker->reader->format.swap)) {
		memcpy(ret_value, bytes, 8);
		return true;
	}
	*ret_value = hc_load_unsigned(bytes, instruction->size, walker->reader->format.swap);
	if (instruction->is_signed) {
		unsigned shift = 64 - 8 * instruction->size;

		*ret_value = (uint64_t)((int64_t)(*ret_value << shift) >> shift);
	}
	return true;
}

/* SIZE bits from bit number `value` on. */
static uint64_t bits(const hc_instruction *instruction, uint64_t value)
{
	unsigned shift = instruction->size < 64 ? 64 - instruction->size : 0;

	value = instruction->value < 64 ? value >> instruction->value << shift : 0;
	return instruction->is_signed ? (uint64_t)((int64_t)value >> shift) : value >> shift;
}

/* Of all objects of one type there are few such functions. */
static bool symbol_holds(hc_walker *walker, hc_address address, const char *text)
{
	hc_container_set *set = walker->set;
	const char *name = g_hash_table_lookup(set->symbols, &address);
	uint64_t offset;

	if (!name) {
		name = set->modules ? hc_modules_symbol_at(set->modules, address, &offset) : NULL;
		if (!name)
			name = "";
		if (g_hash_table_size(set->symbols) < HC_FUNCTIONS_MAX)
			g_hash_table_insert(set->symbols, g_memdup2(&address, sizeof address), (void *)name);
	}
	return strstr(name, text) != NULL;
}

/* A few steps along one member: from a node to the root of its tree. */
static bool climb(hc_walker *walker, uint64_t offset, hc_address *address)
{
	hc_address next = *address;

	for (unsigned i = 0; i < HC_CLIMB_MAX && next; i++) {
		*address = next;
		if (!hc_reader_word(walker->reader, *address + offset, &next))
			return false;
	}
	return !next;
}

static hc_address block_start(const hc_walker *walker, hc_address address)
{
	hc_block block;

	return hc_blocks_find(walker->set->blocks, address, &block) && block.state == HC_BLOCK_IN_USE ? block.address :
													0;
}

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
	return alignment && !(alignment & (alignment - 1)) ? hc_align_up(value, alignment) : value;
}

bool hc_walker_work_out(hc_walker *walker, unsigned index, uint64_t *ret_value)
{
	uint64_t bit = (uint64_t)1 << index;
	const hc_program *program = &walker->layout->programs[index];

	if (walker->failed & bit)
		return false;
	if (!hc_walker_run(walker, program, &walker->values[index])) {
		if (!program->uses_node)
			walker->failed |= bit;
		return false;
	}
	if (!program->uses_node)
		walker->known |= bit;
	*ret_value = walker->values[index];
	return true;
}

/* One switch, so that it is one jump for each instruction. */
bool hc_walker_run(hc_walker *walker, const hc_program *program, uint64_t *ret_value)
{
	uint64_t stack[HC_PROGRAM_STACK + 1], *top = stack;
	const hc_instruction *code = program->code, *end = code + program->length, *start = code;

	if (program->is_constant) {
		*ret_value = program->value;
		return true;
	}
	*top = 0;
	for (; code < end; code++) {
		switch ((hc_code)code->code) {
		case HC_CODE_PUSH:
			*++top = code->value;
			break;
		case HC_CODE_THIS:
			*++top = walker->address + code->value;
			break;
		case HC_CODE_NODE:
			*++top = walker->node + code->value;
			break;
		case HC_CODE_VARIABLE:
			*++top = walker->variables[code->value];
			break;
		case HC_CODE_LOAD_THIS:
			if (!load(walker, walker->address + code->value, code, ++top))
				return false;
			break;
		case HC_CODE_LOAD_NODE:
			if (!load(walker, walker->node + code->value, code, ++top))
				return false;
			break;
		case HC_CODE_LOAD:
			if (!load(walker, *top + code->value, code, top))
				return false;
			break;
		case HC_CODE_KEY:
			if (!hc_walker_key(walker, code->value, ++top))
				return false;
			break;
		case HC_CODE_OFFSET:
			*top += code->value;
			break;
		case HC_CODE_SCALE:
			top--;
			*top += top[1] * code->value;
			break;
		case HC_CODE_BITS:
			*top = bits(code, *top);
			break;
		case HC_CODE_BINARY:
			top--;
			if (!hc_operator_apply(code->size, code->is_signed, top[0], top[1], top))
				return false;
			break;
		case HC_CODE_BINARY_CONSTANT:
			if (!hc_operator_apply(code->size, code->is_signed, *top, code->value, top))
				return false;
			break;
		case HC_CODE_NOT:
			*top = !*top;
			break;
		case HC_CODE_INVERT:
			*top = ~*top;
			break;
		case HC_CODE_NEGATE:
			*top = -*top;
			break;
		case HC_CODE_BOOL:
			*top = *top != 0;
			break;
		case HC_CODE_JUMP:
			code = start + code->value - 1;
			break;
		case HC_CODE_JUMP_IF_NOT:
			if (!*top--)
				code = start + code->value - 1;
			break;
		case HC_CODE_AND_THEN:
			if (!*top)
				code = start + code->value - 1;
			else
				top--;
			break;
		case HC_CODE_OR_ELSE:
			if (*top) {
				*top = 1;
				code = start + code->value - 1;
			} else {
				top--;
			}
			break;
		case HC_CODE_ALIGN_UP:
			top--;
			*top = align_up(top[0], top[1]);
			break;
		case HC_CODE_MIN:
			top--;
			*top = MIN(top[0], top[1]);
			break;
		case HC_CODE_MAX:
			top--;
			*top = MAX(top[0], top[1]);
			break;
		case HC_CODE_LOG2:
			*top = *top ? 63 - __builtin_clzll(*top) : 0;
			break;
		case HC_CODE_SYMBOL:
			*top = symbol_holds(walker, *top, walker->layout->texts->pdata[code->value]);
			break;
		case HC_CODE_USABLE:
			*top = hc_blocks_region(walker->set->blocks, *top) ? hc_reader_rest(walker->reader, *top) : 0;
			break;
		case HC_CODE_START:
			*top = block_start(walker, *top);
			break;
		case HC_CODE_CLIMB:
			if (!climb(walker, code->value, top))
				return false;
			break;
		case HC_CODE_STORE:
			walker->values[code->value] = *top--;
			walker->known |= (uint64_t)1 << code->value;
			break;
		case HC_CODE_REQUIRE:
			if (!*top--)
				return false;
			break;
		}
	}
	*ret_value = *top;
	return true;
}
