/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How large is what a call allocates, and what is put into it?
 *
 * The function's instructions become steps (steps.h), steps become basic blocks, and values are followed through them forwards: for each
 * register, and for each word of the function's own stack frame, a number, an address, an argument that the function was called with, what an
 * allocating call gave, each with something added, the argument also multiplied; or nothing is known. Where two ways meet, what differs is
 * not known; so a value that is said is right whichever way control came, as long as
 *
 *	words of the frame	whose address was made for somebody else are forgotten at each call and at each store to an unknown place
 *	ways in			that are not seen (tables of a switch, landing pads of exceptions) begin with nothing known
 *
 * An argument that may have become 1, as in "if (!size) size = 1", counts as the argument: malloc makes the same chunk of both.
 *
 * A call of a function that was never called (which the dynamic linker's words tell, read.c) is one that control never came to, nor to what all
 * ways lead to over such a call. Where a register is jumped to, as in a switch, there may be other ways, and that is not followed.
 *
 * The blocks are gone through in order of addresses until nothing changes, which a chain of at most four values for each place ensures;
 * SWEEPS_MOST bounds it all the same. Then each block is gone through once more, and what it does is written down.
 */
#include "sites/flow.h"
#include "sites/flow_values.h"

#include <string.h>

enum {
	STEPS_MOST = 1 << 18,
	BLOCKS_MOST = 1 << 14,
	SWEEPS_MOST = 24,
	SLOTS = 40,
	OBJECT_STORES = 96, /* of one object: more is not kept */
	OBJECT_USES = 8,
	OFFSET_MOST = 1 << 16, /* in an object */
	FRAME_MOST = 1 << 30,
	CALLS_MOST = 1 << 12, /* of allocators, in one function */
	UNDECODED_STEP = 4,
};

struct slot {
	int64_t offset;
	struct value value;
};

struct state {
	bool is_reached;
	bool is_fresh; /* it has changed since the block was gone through */
	bool is_never; /* control never comes here */
	unsigned slot_count;
	struct value registers[STEP_REGISTERS];
	struct slot slots[SLOTS];
};

struct block {
	uint32_t first, end; /* steps */
	uint32_t goes;	     /* number of the block that its last step goes to; UINT32_MAX: to none */
	bool goes_on;
};

struct flow {
	struct decoder *decoder;
	const struct calling *calling;
	GArray *steps;	/* of struct step */
	GArray *blocks; /* of struct block */
	struct state *states;
	size_t state_room;
	bool has_unseen_ways; /* it jumps to what is in a register */
	int64_t escaped; /* words of the frame from here on are known to others */

	/* of the run */
	const struct flow_code *code;
	GArray *calls;
	struct flow_object *argument;
};

void hc_flow_object_init(struct flow_object *object)
{
	*object = (struct flow_object){
		.stores = g_array_new(FALSE, FALSE, sizeof(struct flow_store)),
		.uses = g_array_new(FALSE, FALSE, sizeof(struct flow_use)),
	};
}

void hc_flow_object_clear(struct flow_object *object)
{
	g_clear_pointer(&object->stores, g_array_unref);
	g_clear_pointer(&object->uses, g_array_unref);
}

struct flow *hc_flow_create(unsigned machine)
{
	struct decoder *decoder = hc_decoder_create(machine);
	struct flow *flow;

	if (!decoder)
		return NULL;
	flow = g_new0(struct flow, 1);
	flow->decoder = decoder;
	flow->calling = hc_decoder_calling(decoder);
	flow->steps = g_array_new(FALSE, FALSE, sizeof(struct step));
	flow->blocks = g_array_new(FALSE, FALSE, sizeof(struct block));
	return flow;
}

void hc_flow_destroy(struct flow *flow)
{
	if (!flow)
		return;
	hc_decoder_destroy(flow->decoder);
	g_array_unref(flow->steps);
	g_array_unref(flow->blocks);
	g_free(flow->states);
	g_free(flow);
}

static const struct value unknown = { .kind = VALUE_UNKNOWN };

/* ---- states ---- */

static const struct value *slot_at(const struct state *state, int64_t offset)
{
	for (unsigned i = 0; i < state->slot_count; i++)
		if (state->slots[i].offset == offset)
			return &state->slots[i].value;
	return NULL;
}

static void forget_slots(struct state *state, int64_t start, int64_t end)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < state->slot_count; i++)
		if (state->slots[i].offset <= start - 8 || state->slots[i].offset >= end)
			state->slots[kept++] = state->slots[i];
	state->slot_count = kept;
}

static void set_slot(struct state *state, int64_t offset, uint8_t width, const struct value *value)
{
	if (offset < -FRAME_MOST || offset > FRAME_MOST)
		return;
	forget_slots(state, offset, offset + MAX(width, 8));
	if (width < 4 || width > 8 || (value->kind == VALUE_UNKNOWN && value->scale <= 1))
		return;
	if (state->slot_count == SLOTS) {
		memmove(state->slots, state->slots + 1, (SLOTS - 1) * sizeof *state->slots);
		state->slot_count--;
	}
	state->slots[state->slot_count++] = (struct slot){ offset, *value };
}

/* Only as much as is in use: blocks are many. */
static void copy_state(struct state *to, const struct state *from)
{
	memcpy(to, from, offsetof(struct state, slots) + from->slot_count * sizeof *from->slots);
}

/* What comes from FROM, into what was known in TO already. Whether TO has changed. */
static bool join_states(const struct flow *flow, struct state *to, const struct state *from)
{
	bool changed = false;
	unsigned kept = 0;

	if (!to->is_reached) {
		copy_state(to, from);
		to->is_fresh = true;
		return true;
	}
	if (to->is_never && !from->is_never) {
		to->is_never = false;
		changed = true;
	}
	for (unsigned i = 0; i < flow->calling->registers; i++) {
		if (hc_flow_same(&to->registers[i], &from->registers[i]))
			continue;
		struct value value = hc_flow_join(&to->registers[i], &from->registers[i]);

		changed |= !hc_flow_same(&value, &to->registers[i]);
		to->registers[i] = value;
	}
	for (unsigned i = 0; i < to->slot_count; i++) {
		struct slot slot = to->slots[i];
		const struct value *other = i < from->slot_count && from->slots[i].offset == slot.offset ?
						    &from->slots[i].value :
						    slot_at(from, slot.offset);
		struct value value = other ? hc_flow_join(&slot.value, other) : unknown;

		changed |= !hc_flow_same(&value, &slot.value);
		slot.value = value;
		if (value.kind != VALUE_UNKNOWN || value.scale > 1)
			to->slots[kept++] = slot;
	}
	to->slot_count = kept;
	to->is_fresh |= changed;
	return changed;
}

static void begin_state(const struct flow *flow, struct state *state)
{
	*state = (struct state){ .is_reached = true, .is_fresh = true };
	if (flow->code->is_entered)
		for (unsigned i = 0; i < flow->calling->argument_count; i++)
			state->registers[flow->calling->arguments[i]] =
				(struct value){ .kind = VALUE_ARGUMENT, .index = i, .scale = 1 };
	state->registers[flow->calling->stack] = (struct value){ .kind = VALUE_STACK };
}

/* ---- what is written down ---- */

static struct flow_call *call_at(const struct flow *flow, uint32_t at)
{
	for (unsigned i = flow->calls ? flow->calls->len : 0; i-- > 0;)
		if (g_array_index(flow->calls, struct flow_call, i).at == at)
			return &g_array_index(flow->calls, struct flow_call, i);
	return NULL;
}

/* The object that VALUE leads into, if what happens to it is written down. */
static struct flow_object *object_of(const struct flow *flow, const struct value *value)
{
	if (value->add < 0 || value->add > OFFSET_MOST)
		return NULL;
	if (value->kind == VALUE_ARGUMENT && !value->index && value->scale == 1)
		return flow->argument;
	if (value->kind != VALUE_RESULT)
		return NULL;
	struct flow_call *call = call_at(flow, value->index);

	return call ? &call->object : NULL;
}

static void note_store(const struct flow *flow, const struct value *place, const struct value *value, uint8_t width)
{
	struct flow_object *object = object_of(flow, place);
	bool is_known = value->kind == VALUE_NUMBER || value->kind == VALUE_ADDRESS || value->kind == VALUE_WORD ||
			value->kind == VALUE_RESULT || (value->kind == VALUE_ARGUMENT && value->scale == 1);
	/* Of what is not known it is known how wide it is, and that it stands there: the first word may tell the class. */
	struct flow_store store = { place->add, width, is_known ? *value : unknown };

	if (!object)
		return;
	if (object->stores->len < OBJECT_STORES)
		g_array_append_val(object->stores, store);
	else
		object->is_cut = true;
}

static void note_use(
	const struct flow *flow, const struct step *step, const struct state *state, const struct value *callee)
{
	const struct value *first = &state->registers[flow->calling->arguments[0]];
	struct flow_object *object = object_of(flow, first);
	struct flow_use use = { step->at, first->add, *callee };

	if (object && object->uses->len < OBJECT_USES)
		g_array_append_val(object->uses, use);
	else if (object)
		object->is_cut = true;
}

/* The value of ALLOCATOR's argument INDEX. */
static struct value argument_of(const struct flow *flow, const struct state *state, int index)
{
	return index < 0 || (unsigned)index >= flow->calling->argument_count ?
		       unknown :
		       state->registers[flow->calling->arguments[index]];
}

static bool is_argument(const struct value *value)
{
	return value->kind == VALUE_ARGUMENT && value->scale == 1 && !value->add;
}

/* How much a call allocates. */
static void measure(const struct flow *flow, const struct state *state, struct flow_call *call)
{
	const struct allocator *allocator = call->allocator;
	struct value size = argument_of(flow, state, allocator->size);

	call->count_argument = -1;
	if (allocator->count >= 0) {
		struct value count = argument_of(flow, state, allocator->count);

		if (count.kind == VALUE_NUMBER)
			size = hc_flow_scaled(size, count.add);
		else if (size.kind == VALUE_NUMBER)
			size = hc_flow_scaled(count, size.add);
		else if (is_argument(&size) && is_argument(&count))
			call->count_argument = (int)count.index;
		else
			size = unknown;
	}
	call->size = hc_flow_sum(hc_flow_scaled(size, allocator->scale), hc_flow_number(allocator->add));
	if (call->size.kind != VALUE_NUMBER && call->size.kind != VALUE_ARGUMENT)
		call->size.kind = VALUE_UNKNOWN;
}

static void note_call(const struct flow *flow, const struct step *step, const struct state *state,
	const struct allocator *allocator, bool is_jump, bool is_never)
{
	struct flow_call call = { .is_never_made = is_never,
		.at = step->at,
		.next = step->next,
		.allocator = allocator,
		.is_jump = is_jump,
		.is_returned = is_jump && allocator->gives_result };

	if (!flow->calls || flow->calls->len >= CALLS_MOST)
		return;
	measure(flow, state, &call);
	hc_flow_object_init(&call.object);
	g_array_append_val(flow->calls, call);
}

static void note_return(const struct flow *flow, const struct state *state)
{
	const struct value *result = &state->registers[flow->calling->result];
	struct flow_call *call =
		result->kind == VALUE_RESULT && !result->add && flow->calls ? call_at(flow, result->index) : NULL;

	if (call)
		call->is_returned = true;
}

/* ---- one step ---- */

static struct value callee_of(const struct step *step, const struct state *state)
{
	switch (step->kind) {
	case STEP_CALL:
	case STEP_JUMP:
		return (struct value){ .kind = VALUE_ADDRESS, .add = step->add };
	case STEP_CALL_AT:
	case STEP_JUMP_AT:
		return (struct value){ .kind = VALUE_WORD, .index = (uint32_t)step->add };
	default:
		return step->from < STEP_REGISTERS ? state->registers[step->from] : unknown;
	}
}

static void forget_escaped(const struct flow *flow, struct state *state)
{
	if (flow->escaped <= FRAME_MOST)
		forget_slots(state, MAX(flow->escaped, -FRAME_MOST), INT64_MAX);
}

/* A call, or with IS_JUMP a jump that leaves the function. NOTING: the last time. */
static void do_call(const struct flow *flow, const struct step *step, struct state *state, bool is_jump, bool noting)
{
	struct value callee = callee_of(step, state);
	bool is_known = (callee.kind == VALUE_ADDRESS || callee.kind == VALUE_WORD) &&
			!(callee.kind == VALUE_WORD && callee.add);
	const struct allocator *allocator = is_known ? flow->code->find(flow->code->data, &callee) : NULL;
	bool is_never = is_known && flow->code->is_never_called &&
			flow->code->is_never_called(flow->code->data, &callee);

	is_never |= state->is_never && !flow->has_unseen_ways;
	if (noting && allocator && !allocator->is_maker)
		note_call(flow, step, state, allocator, is_jump, is_never);
	else if (noting && is_known)
		note_use(flow, step, state, &callee);
	for (unsigned i = 0; i < flow->calling->registers; i++)
		if (flow->calling->clobbered >> i & 1)
			state->registers[i] = unknown;
	if (allocator && allocator->gives_result)
		state->registers[flow->calling->result] =
			(struct value){ .kind = VALUE_RESULT, .index = step->at, .scale = (int64_t)allocator->makes };
	forget_escaped(flow, state);
	state->is_never = is_never;
}

static struct value place_of(const struct step *step, const struct state *state)
{
	if (step->from == NO_REGISTER)
		return (struct value){ .kind = VALUE_ADDRESS, .add = step->add };
	return hc_flow_sum(state->registers[step->from], hc_flow_number(step->add));
}

static void do_load(const struct step *step, struct state *state)
{
	struct value place = place_of(step, state), *to = &state->registers[step->to];
	const struct value *slot = place.kind == VALUE_STACK ? slot_at(state, place.add) : NULL;

	if (slot && step->width >= 4)
		*to = hc_flow_cut(*slot, step->width);
	else if (place.kind == VALUE_ADDRESS && step->width == 8 && place.add >= 0 && place.add <= UINT32_MAX)
		*to = (struct value){ .kind = VALUE_WORD, .index = (uint32_t)place.add };
	else
		*to = unknown;
}

static void do_store(const struct flow *flow, const struct step *step, struct state *state, bool noting)
{
	struct value value = step->kind == STEP_STORE_UNKNOWN ? unknown :
			     step->other == NO_REGISTER	      ? hc_flow_number(step->value) :
								state->registers[step->other];
	bool is_nowhere = step->kind == STEP_STORE_UNKNOWN && step->from == NO_REGISTER && !step->add;
	struct value place = is_nowhere ? unknown : place_of(step, state);

	if (place.kind == VALUE_STACK)
		set_slot(state, place.add, step->width, &value);
	else {
		if (place.kind == VALUE_UNKNOWN || place.kind == VALUE_ARGUMENT)
			forget_escaped(flow, state);
		if (noting)
			note_store(flow, &place, &value, step->width);
	}
}

static struct value add_up(const struct step *step, const struct state *state)
{
	struct value value = step->from == NO_REGISTER ? hc_flow_number(0) : state->registers[step->from];

	if (step->from != NO_REGISTER && step->from == step->other && step->scale > 0 && step->scale < INT64_MAX)
		value = hc_flow_scaled(value, step->scale + 1); /* what is not known is the same twice */
	else if (step->other != NO_REGISTER) {
		struct value more = state->registers[step->other];

		/* What is taken away is no multiple of anything. */
		value = step->scale < 0 && more.kind != VALUE_NUMBER ?
				unknown :
				hc_flow_sum(value, hc_flow_scaled(more, step->scale));
	}
	return step->add ? hc_flow_sum(value, hc_flow_number(step->add)) : value;
}

static void do_step(const struct flow *flow, const struct step *step, struct state *state, bool noting)
{
	struct value *to = step->to < STEP_REGISTERS ? &state->registers[step->to] : NULL, value;

	switch (step->kind) {
	case STEP_SET:
		*to = step->is_address ? (struct value){ .kind = VALUE_ADDRESS, .add = step->add } :
					 hc_flow_cut(hc_flow_number(step->add), step->width);
		break;
	case STEP_SUM:
		value = add_up(step, state);
		*to = hc_flow_cut(value, step->width);
		break;
	case STEP_SCALE:
		*to = hc_flow_cut(hc_flow_scaled(state->registers[step->from], step->scale), step->width);
		break;
	case STEP_MULTIPLY:
		value = state->registers[step->other];
		*to = value.kind == VALUE_NUMBER ? hc_flow_scaled(state->registers[step->from], value.add) :
		      state->registers[step->from].kind == VALUE_NUMBER ?
						   hc_flow_scaled(value, state->registers[step->from].add) :
						   unknown;
		break;
	case STEP_CHOOSE:
		*to = hc_flow_join(to, &state->registers[step->from]);
		break;
	case STEP_LOAD:
		do_load(step, state);
		break;
	case STEP_STORE:
	case STEP_STORE_UNKNOWN:
		do_store(flow, step, state, noting);
		break;
	case STEP_CALL:
	case STEP_CALL_AT:
	case STEP_CALL_REGISTER:
		do_call(flow, step, state, false, noting);
		break;
	default:
		break;
	}
	for (uint32_t left = step->clobbers; left; left &= left - 1)
		state->registers[__builtin_ctz(left)] = unknown;
}

/* ---- blocks ---- */

/* Decodes all of the code; what cannot be is stepped over, behind an end. FALSE: it is too much. */
static bool decode(struct flow *flow, const struct flow_code *code, uint64_t *unread)
{
	struct step steps[STEPS_OF_ONE];

	g_array_set_size(flow->steps, 0);
	for (uint32_t at = code->start; at < code->end;) {
		unsigned count = 0;
		size_t size =
			hc_decode(flow->decoder, code->bytes + (at - code->start), code->end - at, at, steps, &count);

		if (!size) {
			uint32_t left = MIN(UNDECODED_STEP, code->end - at);

			steps[0] = (struct step){ .at = at, .next = at + left, .kind = STEP_END };
			count = 1;
			size = left;
			*unread += left;
		}
		g_array_append_vals(flow->steps, steps, count);
		at += (uint32_t)size;
		if (flow->steps->len > STEPS_MOST)
			return false;
	}
	return true;
}

static bool ends_block(const struct step *step)
{
	return step->kind == STEP_BRANCH || step->kind == STEP_END || step->kind == STEP_JUMP ||
	       step->kind == STEP_JUMP_AT || step->kind == STEP_JUMP_REGISTER;
}

/* The first step of the instruction at TARGET; UINT32_MAX: none begins there. */
static uint32_t step_at(const struct flow *flow, int64_t target)
{
	uint32_t low = 0, high = flow->steps->len;

	if (target < flow->code->start || target >= flow->code->end)
		return UINT32_MAX;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (g_array_index(flow->steps, struct step, middle).at < target)
			low = middle + 1;
		else
			high = middle;
	}
	return low < flow->steps->len && g_array_index(flow->steps, struct step, low).at == target ? low : UINT32_MAX;
}

static bool goes_inside(const struct step *step)
{
	return step->kind == STEP_BRANCH || step->kind == STEP_JUMP;
}

static void cut_blocks(struct flow *flow)
{
	uint32_t count = flow->steps->len;
	g_autofree bool *begins = g_new0(bool, count + 1);
	g_autofree uint32_t *block_of = g_new0(uint32_t, count + 1);

	g_array_set_size(flow->blocks, 0);
	begins[0] = true;
	for (uint32_t i = 0; i < count; i++) {
		const struct step *step = &g_array_index(flow->steps, struct step, i);
		uint32_t target = goes_inside(step) ? step_at(flow, step->add) : UINT32_MAX;

		if (ends_block(step))
			begins[i + 1] = true;
		if (target != UINT32_MAX)
			begins[target] = true;
	}
	flow->has_unseen_ways = false;
	for (uint32_t i = 0; i < count; i++) {
		flow->has_unseen_ways |= g_array_index(flow->steps, struct step, i).kind == STEP_JUMP_REGISTER;
		if (begins[i]) {
			struct block block = { .first = i, .end = i, .goes = UINT32_MAX };

			g_array_append_val(flow->blocks, block);
		}
		block_of[i] = flow->blocks->len - 1;
		g_array_index(flow->blocks, struct block, block_of[i]).end = i + 1;
	}
	for (uint32_t i = 0; i < flow->blocks->len; i++) {
		struct block *block = &g_array_index(flow->blocks, struct block, i);
		const struct step *last = &g_array_index(flow->steps, struct step, block->end - 1);
		uint32_t target = goes_inside(last) ? step_at(flow, last->add) : UINT32_MAX;

		block->goes = target == UINT32_MAX ? UINT32_MAX : block_of[target];
		block->goes_on = (!ends_block(last) || last->kind == STEP_BRANCH) && i + 1 < flow->blocks->len;
	}
}

/* Goes through block NUMBER from its state; the state at its end is in *STATE. */
static void run_block(const struct flow *flow, uint32_t number, struct state *state, bool noting)
{
	const struct block *block = &g_array_index(flow->blocks, struct block, number);

	copy_state(state, &flow->states[number]);
	for (uint32_t i = block->first; i < block->end; i++) {
		const struct step *step = &g_array_index(flow->steps, struct step, i);

		do_step(flow, step, state, noting);
		if (!noting)
			continue;
		if (step->kind == STEP_END)
			note_return(flow, state);
		if ((step->kind == STEP_JUMP && block->goes == UINT32_MAX) || step->kind == STEP_JUMP_AT ||
			step->kind == STEP_JUMP_REGISTER)
			do_call(flow, step, state, true, true);
	}
}

/* FALSE: it did not come to an end. */
static bool settle(struct flow *flow)
{
	for (unsigned sweep = 0; sweep < SWEEPS_MOST; sweep++) {
		bool changed = false;

		for (uint32_t i = 0; i < flow->blocks->len; i++) {
			const struct block *block = &g_array_index(flow->blocks, struct block, i);
			struct state state;

			if (!flow->states[i].is_fresh)
				continue;
			flow->states[i].is_fresh = false;
			run_block(flow, i, &state, false);
			if (block->goes_on)
				changed |= join_states(flow, &flow->states[i + 1], &state);
			if (block->goes != UINT32_MAX)
				changed |= join_states(flow, &flow->states[block->goes], &state);
		}
		if (!changed)
			return true;
	}
	return false;
}

/* What fills the room up to where a jump leads: nothing comes there. */
static bool is_padding(const struct flow *flow, const struct block *block)
{
	for (uint32_t i = block->first; i < block->end; i++) {
		const struct step *step = &g_array_index(flow->steps, struct step, i);

		if (step->kind != STEP_OTHER || step->clobbers)
			return false;
	}
	return true;
}

/* Ways in that are not seen begin with nothing known: first the blocks that no other leads to, then what is left, in circles. */
static bool settle_all(struct flow *flow)
{
	g_autofree bool *is_led_to = g_new0(bool, flow->blocks->len + 1);

	for (uint32_t i = 0; i < flow->blocks->len; i++) {
		const struct block *block = &g_array_index(flow->blocks, struct block, i);

		if (block->goes_on)
			is_led_to[i + 1] = true;
		if (block->goes != UINT32_MAX)
			is_led_to[block->goes] = true;
	}
	for (unsigned pass = 0; pass < 2; pass++) {
		if (!settle(flow))
			return false;
		for (uint32_t i = 0; i < flow->blocks->len; i++)
			if (!flow->states[i].is_reached && (pass || !is_led_to[i]) &&
				!is_padding(flow, &g_array_index(flow->blocks, struct block, i)))
				flow->states[i] = (struct state){ .is_reached = true, .is_fresh = true };
	}
	return settle(flow);
}

/* Which words of the frame others get to know of: those from the lowest address on that is made for anything but the frame itself. */
static void find_escaped(struct flow *flow)
{
	flow->escaped = INT64_MAX;
	for (uint32_t i = 0; i < flow->blocks->len; i++) {
		const struct block *block = &g_array_index(flow->blocks, struct block, i);
		struct state state;

		copy_state(&state, &flow->states[i]);
		for (uint32_t j = block->first; state.is_reached && j < block->end; j++) {
			const struct step *step = &g_array_index(flow->steps, struct step, j);

			do_step(flow, step, &state, false);
			if (step->kind == STEP_SUM && step->to != flow->calling->stack &&
				step->to != flow->calling->frame && state.registers[step->to].kind == VALUE_STACK)
				flow->escaped = MIN(flow->escaped, state.registers[step->to].add);
		}
	}
}

static bool make_room(struct flow *flow)
{
	if (flow->blocks->len > BLOCKS_MOST)
		return false;
	if (flow->blocks->len > flow->state_room) {
		g_free(flow->states);
		flow->state_room = 0;
		flow->states = g_try_new(struct state, flow->blocks->len);
		if (!flow->states)
			return false;
		flow->state_room = flow->blocks->len;
	}
	return true;
}

static void clear_states(struct flow *flow)
{
	for (uint32_t i = 0; i < flow->blocks->len; i++) {
		flow->states[i].is_reached = flow->states[i].is_fresh = false;
		flow->states[i].slot_count = 0;
	}
	begin_state(flow, &flow->states[0]);
}

bool hc_flow_run(
	struct flow *flow, const struct flow_code *code, GArray *calls, struct flow_object *argument, uint64_t *unread)
{
	struct state state;

	flow->code = code;
	flow->calls = calls;
	flow->argument = argument;
	if (code->start >= code->end || !decode(flow, code, unread) || !flow->steps->len)
		return false;
	cut_blocks(flow);
	if (!make_room(flow))
		return false;
	/* Twice: what escapes is known only once values are. */
	flow->escaped = INT64_MAX;
	clear_states(flow);
	if (!settle(flow))
		return false;
	find_escaped(flow);
	if (flow->escaped != INT64_MAX)
		clear_states(flow);
	if (!settle_all(flow))
		return false;
	for (uint32_t i = 0; i < flow->blocks->len; i++)
		run_block(flow, i, &state, true);
	return true;
}
