/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Telling places, by what wording/ names them. The most certain first: thread-local storage lies in stacks, in anonymous memory or in blocks, so it is
 * asked for before these; then blocks; then what the area says.
 *
 * A slot of a stack is named by the frame that holds it. A thread that runs elsewhere than on the stack that libc gave it (in a
 * signal handler with a stack of its own, a coroutine) can have frames in memory that is no stack by its area: the frames of such
 * threads are asked for anonymous memory too. Where its own stack has no known frame, and for a stack on which no thread runs, it
 * is said which stack it is.
 */
#include "references/references_state.h"

static const char *const kind_names[HC_PLACE_KIND_COUNT] = {
	[HC_PLACE_UNMAPPED] = "unmapped",
	[HC_PLACE_REGISTER] = "register",
	[HC_PLACE_VARIABLE] = "variable",
	[HC_PLACE_CODE] = "code",
	[HC_PLACE_THREAD_LOCAL] = "thread-local",
	[HC_PLACE_THREAD_DESCRIPTOR] = "thread-descriptor",
	[HC_PLACE_STACK] = "stack",
	[HC_PLACE_STACK_UNUSED] = "stack-unused",
	[HC_PLACE_BLOCK] = "block",
	[HC_PLACE_MAPPING] = "mapping",
};

enum {
	DESCRIPTOR_WORDS = 256
}; /* sizeof(struct pthread) is above that in all releases */

const char *hc_place_kind_name(hc_place_kind kind)
{
	return (unsigned)kind < HC_PLACE_KIND_COUNT ? kind_names[kind] : "unknown";
}

/* ---- stacks ---- */

/* The frame of thread INDEX that ADDRESS is in: -1 if it is in none. *ret_last: the last one, whose end is not known. */
static int find_frame(
	const hc_place_sources *sources, unsigned index, hc_address address, const hc_frame **ret_frame, bool *ret_last)
{
	unsigned count;
	const hc_frame *frames = hc_modules_frames(sources->modules, index, &count);
	const hc_area *area = hc_areas_find(sources->areas, address);
	int found = -1;

	/* Not in order of address where a signal handler has a stack of its own: the nearest one below, in the same area. */
	for (unsigned i = 0; i < count; i++)
		if (frames[i].stack_pointer && frames[i].stack_pointer <= address && area &&
			frames[i].stack_pointer >= area->start &&
			(found < 0 || frames[i].stack_pointer >= frames[found].stack_pointer))
			found = i;
	if (found < 0 && count && address < frames[0].stack_pointer && area && frames[0].stack_pointer < area->end)
		found = 0; /* the red zone */
	if (found < 0)
		return -1;
	*ret_frame = &frames[found];
	*ret_last = (unsigned)found + 1 == count;
	return found;
}

/* The thread's stack pointer is in the same stretch of stack as ADDRESS. */
static bool is_running_on(const hc_place_sources *sources, const hc_thread *thread, hc_address address)
{
	const hc_area *area = hc_areas_find(sources->areas, address),
		      *running = hc_areas_find(sources->areas, thread->stack_pointer);

	return !area || !running || area->mapping == running->mapping;
}

static void place_in_frame(const hc_place_sources *sources, hc_place *place, const hc_frame *frame, bool last)
{
	place->stack = last ? HC_STACK_LAST_FRAME : HC_STACK_FRAME;
	place->offset = (int64_t)(place->address - frame->stack_pointer);
	hc_modules_name_frame(sources->modules, frame, &place->name);
	place->is_lasting = frame->is_lasting && !last;
	if (last)
		place->frame = -1;
}

/* What a frame has saved of its callers' registers is theirs. */
static void give_to_caller(const hc_place_sources *sources, hc_place *place, unsigned index)
{
	int owner = place->frame < 0 ? -1 : hc_modules_saved_register_at(sources->modules, index, place->address);
	unsigned count;
	const hc_frame *frames = hc_modules_frames(sources->modules, index, &count);

	if (owner <= place->frame || (unsigned)owner >= count)
		return;
	place->saved_by = place->frame;
	place->frame = owner;
	place->is_lasting = frames[owner].is_lasting;
	place->name = (hc_address_name){ 0 };
	hc_modules_name_frame(sources->modules, &frames[owner], &place->name);
}

static void find_stack(const hc_place_sources *sources, hc_place *place, unsigned index)
{
	const hc_thread *thread = hc_core_thread(sources->core, index);
	const hc_frame *frame;
	bool last;

	place->kind = HC_PLACE_STACK;
	place->thread_id = thread->id;
	place->frame = find_frame(sources, index, place->address, &frame, &last);
	if (place->frame >= 0) {
		place_in_frame(sources, place, frame, last);
		give_to_caller(sources, place, index);
	} else if (!is_running_on(sources, thread, place->address)) {
		place->stack = HC_STACK_LEFT;
	} else {
		place->stack = HC_STACK_NO_FRAME;
		place->offset = (int64_t)(place->address - thread->stack_pointer);
	}
}

/* A stack that is known, and not whose. */
static void find_stack_of_nobody(const hc_place_sources *sources, hc_place *place, const hc_area *area)
{
	hc_address anchor = hc_core_process(sources->core)->initial_stack;
	bool is_main = area->mapping && anchor >= area->mapping->start && anchor < area->mapping->end;

	place->kind = HC_PLACE_STACK;
	place->stack = is_main ? HC_STACK_OF_MAIN : HC_STACK_COROUTINE;
}

static bool is_result(const hc_areas *areas, hc_address address)
{
	const GArray *results = hc_areas_results(areas);

	for (unsigned i = 0; i < results->len; i++) {
		const hc_range *result = &g_array_index(results, hc_range, i);

		if (address >= result->start && address < result->end)
			return true;
	}
	return false;
}

static void find_unused_stack(const hc_place_sources *sources, hc_place *place, unsigned index)
{
	const hc_thread *thread = hc_core_thread(sources->core, index);

	place->kind = HC_PLACE_STACK_UNUSED;
	place->stack = is_result(sources->areas, place->address) ? HC_STACK_RESULT :
		       thread					 ? HC_STACK_BELOW :
								   HC_STACK_ENDED;
	if (place->stack == HC_STACK_BELOW) {
		place->thread_id = thread->id;
		place->offset = (int64_t)(place->address - thread->stack_pointer);
	}
}

/* Whether thread INDEX has frames outside of its stack, or has none that is known as one. */
static bool runs_elsewhere(const hc_place_sources *sources, unsigned index)
{
	const hc_area *area = hc_areas_find(sources->areas, hc_core_thread(sources->core, index)->stack_pointer);

	return area && area->kind != HC_AREA_STACK;
}

static bool find_stack_elsewhere(const hc_place_sources *sources, hc_place *place)
{
	for (unsigned i = 0; i < hc_core_thread_count(sources->core); i++) {
		const hc_frame *frame;
		bool last;

		if (!runs_elsewhere(sources, i) || find_frame(sources, i, place->address, &frame, &last) < 0)
			continue;
		find_stack(sources, place, i);
		return true;
	}
	return false;
}

/* ---- threads' own ---- */

static bool find_thread_local(const hc_place_sources *sources, hc_place *place)
{
	const hc_tls_block *block = hc_modules_tls_at(sources->modules, place->address);

	if (!block)
		return false;
	place->kind = HC_PLACE_THREAD_LOCAL;
	place->thread_id = hc_core_thread(sources->core, block->thread)->id;
	place->module = block->module;
	place->in_block = hc_blocks_find(sources->blocks, place->address, &place->block);
	hc_modules_name_tls(sources->modules, block, place->address, &place->name);
	return true;
}

/* Where it lies below the thread pointer its size, and so the offset in it, is not known. */
static bool find_descriptor(const hc_place_sources *sources, hc_place *place)
{
	const hc_machine *machine = hc_core_machine(sources->core);

	if (machine && machine->tls_above)
		return false;
	for (unsigned i = 0; i < hc_core_thread_count(sources->core); i++) {
		const hc_thread *thread = hc_core_thread(sources->core, i);

		if (!thread->thread_pointer || place->address - thread->thread_pointer >=
						       DESCRIPTOR_WORDS * hc_core_process(sources->core)->word_size)
			continue;
		place->kind = HC_PLACE_THREAD_DESCRIPTOR;
		place->thread_id = thread->id;
		place->offset = (int64_t)(place->address - thread->thread_pointer);
		return true;
	}
	return false;
}

/* ---- everything else ---- */

static bool find_block(const hc_place_sources *sources, hc_place *place)
{
	if (!hc_blocks_find(sources->blocks, place->address, &place->block))
		return false;
	place->kind = HC_PLACE_BLOCK;
	place->in_block = true;
	return true;
}

static bool find_symbol(const hc_place_sources *sources, hc_place *place, const hc_area *area)
{
	if (!hc_modules_name(sources->modules, place->address, &place->name))
		return false;
	place->module = place->name.module;
	place->kind = area->kind == HC_AREA_FILE || area->kind == HC_AREA_KERNEL ? HC_PLACE_CODE : HC_PLACE_VARIABLE;
	return true;
}

void hc_place_find(const hc_place_sources *sources, hc_address address, hc_place *ret_place)
{
	const hc_area *area = hc_areas_find(sources->areas, address);
	hc_place *place = ret_place;

	*place = (hc_place){ .kind = HC_PLACE_UNMAPPED, .address = address, .frame = -1, .saved_by = -1, .area = area };
	if (!area)
		return;
	if (find_thread_local(sources, place) || find_block(sources, place) || find_descriptor(sources, place))
		return;
	if (area->kind == HC_AREA_STACK && area->owner < hc_core_thread_count(sources->core))
		find_stack(sources, place, area->owner);
	else if (area->kind == HC_AREA_STACK)
		find_stack_of_nobody(sources, place, area);
	else if (area->kind == HC_AREA_STACK_UNUSED)
		find_unused_stack(sources, place, area->owner);
	else if (!find_symbol(sources, place, area) &&
		 !(area->kind == HC_AREA_ANONYMOUS && find_stack_elsewhere(sources, place)))
		place->kind = HC_PLACE_MAPPING;
}

static void find_register(const hc_place_sources *sources, const hc_reference *reference, hc_place *place)
{
	*place = (hc_place){
		.kind = HC_PLACE_REGISTER,
		.thread_id = reference->thread_id,
		.frame = -1,
		.saved_by = -1,
		.register_number = (unsigned)reference->register_index,
	};
	if (reference->register_index >= HC_REGISTER_VECTOR)
		place->vector = hc_core_vector_part(
			sources->core, reference->register_index - HC_REGISTER_VECTOR, &place->register_number);
	else
		place->register_name = hc_core_register_name(sources->core, place->register_number);
}

void hc_place_of_reference(const hc_place_sources *sources, const hc_reference *reference, hc_place *ret_place)
{
	if (!reference->from && reference->register_index != HC_REGISTER_NONE)
		find_register(sources, reference, ret_place);
	else
		hc_place_find(sources, reference->from, ret_place);
}
