/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Naming places. The most certain name first: thread-local storage lies in stacks, in anonymous memory or in blocks, so it is
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
	DESCRIPTOR_BYTES = 2048
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

static void name_stack(const hc_place_sources *sources, hc_place *place, unsigned index)
{
	const hc_thread *thread = hc_core_thread(sources->core, index);
	const hc_frame *frame;
	bool last;

	place->kind = HC_PLACE_STACK;
	place->thread_id = thread->id;
	place->frame = find_frame(sources, index, place->address, &frame, &last);
	if (place->frame >= 0) {
		g_autofree char *function = hc_modules_describe_frame(sources->modules, frame);
		g_autofree char *where = last ? g_strdup("in or above the last known frame,") :
						g_strdup_printf("#%d", place->frame);
		int64_t offset = place->address - frame->stack_pointer;

		if (last)
			place->frame = -1;
		place->name = g_strdup_printf("stack of thread %" G_GINT64_FORMAT ", %s %s, sp%s%#" G_GINT64_MODIFIER
					      "x",
			thread->id, where, function ? function : "a function without a name", offset < 0 ? "-" : "+",
			(guint64)(offset < 0 ? -offset : offset));
	} else if (!is_running_on(sources, thread, place->address)) {
		place->name = g_strdup_printf(
			"stack of thread %" G_GINT64_FORMAT
			", which runs on another one now (a coroutine's or a signal handler's), 0x%" G_GINT64_MODIFIER "x",
			thread->id, place->address);
	} else {
		int64_t offset = place->address - thread->stack_pointer;

		place->name = g_strdup_printf("stack of thread %" G_GINT64_FORMAT ", sp%s%#" G_GINT64_MODIFIER "x",
			thread->id, offset < 0 ? "-" : "+", (guint64)(offset < 0 ? -offset : offset));
	}
}

/* A stack that is known, and not whose. */
static void name_stack_of_nobody(const hc_place_sources *sources, hc_place *place, const hc_area *area)
{
	hc_address anchor = hc_core_process(sources->core)->initial_stack;
	bool is_main = area->mapping && anchor >= area->mapping->start && anchor < area->mapping->end;

	place->kind = HC_PLACE_STACK;
	place->name = g_strdup_printf("%s, 0x%" G_GINT64_MODIFIER "x",
		is_main ? "stack of the main thread, which has ended" : "stack of a coroutine on which no thread runs now",
		place->address);
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

static void name_unused_stack(const hc_place_sources *sources, hc_place *place, unsigned index)
{
	const hc_thread *thread = hc_core_thread(sources->core, index);

	place->kind = HC_PLACE_STACK_UNUSED;
	if (is_result(sources->areas, place->address)) {
		place->name = g_strdup("result of a thread that has ended and waits to be joined");
		return;
	}
	place->thread_id = thread ? thread->id : 0;
	place->name = thread ? g_strdup_printf("unused stack of thread %" G_GINT64_FORMAT ", sp-%#" G_GINT64_MODIFIER
					       "x",
				       thread->id, thread->stack_pointer - place->address) :
			       g_strdup("unused stack of a thread that has ended");
}

/* Whether thread INDEX has frames outside of its stack, or has none that is known as one. */
static bool runs_elsewhere(const hc_place_sources *sources, unsigned index)
{
	const hc_area *area = hc_areas_find(sources->areas, hc_core_thread(sources->core, index)->stack_pointer);

	return area && area->kind != HC_AREA_STACK;
}

static bool name_stack_elsewhere(const hc_place_sources *sources, hc_place *place)
{
	for (unsigned i = 0; i < hc_core_thread_count(sources->core); i++) {
		const hc_frame *frame;
		bool last;

		if (!runs_elsewhere(sources, i) || find_frame(sources, i, place->address, &frame, &last) < 0)
			continue;
		name_stack(sources, place, i);
		return true;
	}
	return false;
}

/* ---- threads' own ---- */

static bool name_thread_local(const hc_place_sources *sources, hc_place *place)
{
	const hc_tls_block *block = hc_modules_tls_at(sources->modules, place->address);

	if (!block)
		return false;
	g_autofree char *variable = hc_modules_describe_tls(sources->modules, block, place->address);

	place->kind = HC_PLACE_THREAD_LOCAL;
	place->thread_id = hc_core_thread(sources->core, block->thread)->id;
	place->module = block->module;
	place->in_block = hc_blocks_find(sources->blocks, place->address, &place->block);
	place->name = g_strdup_printf("%s, thread-local of thread %" G_GINT64_FORMAT, variable, place->thread_id);
	return true;
}

static bool name_descriptor(const hc_place_sources *sources, hc_place *place)
{
	for (unsigned i = 0; i < hc_core_thread_count(sources->core); i++) {
		const hc_thread *thread = hc_core_thread(sources->core, i);

		if (!thread->thread_pointer || place->address - thread->thread_pointer >= DESCRIPTOR_BYTES)
			continue;
		place->kind = HC_PLACE_THREAD_DESCRIPTOR;
		place->thread_id = thread->id;
		place->name = g_strdup_printf("libc's descriptor of thread %" G_GINT64_FORMAT "+%#" G_GINT64_MODIFIER
					      "x",
			thread->id, place->address - thread->thread_pointer);
		return true;
	}
	return false;
}

/* ---- everything else ---- */

static bool name_block(const hc_place_sources *sources, hc_place *place)
{
	if (!hc_blocks_find(sources->blocks, place->address, &place->block))
		return false;
	const hc_block *block = &place->block;
	g_autofree char *offset = place->address == block->address ?
					  NULL :
					  g_strdup_printf("+%" G_GUINT64_FORMAT, place->address - block->address);

	place->kind = HC_PLACE_BLOCK;
	place->in_block = true;
	place->name = g_strdup_printf("block 0x%" G_GINT64_MODIFIER "x%s, %" G_GUINT64_FORMAT " bytes%s%s%s%s",
		block->address, offset ? offset : "", block->size, block->state == HC_BLOCK_IN_USE ? "" : ", ",
		block->state == HC_BLOCK_IN_USE ? "" : hc_block_state_name(block->state), block->label ? ", " : "",
		block->label ? block->label : "");
	return true;
}

static bool name_symbol(const hc_place_sources *sources, hc_place *place, const hc_area *area)
{
	place->module = hc_modules_find(sources->modules, place->address);
	place->name = place->module ? hc_modules_describe(sources->modules, place->address) : NULL;
	if (!place->name) {
		place->module = NULL;
		return false;
	}
	place->kind = area->kind == HC_AREA_FILE || area->kind == HC_AREA_KERNEL ? HC_PLACE_CODE : HC_PLACE_VARIABLE;
	return true;
}

static void name_area(hc_place *place, const hc_area *area)
{
	const char *path = area->mapping ? area->mapping->path : NULL;

	place->kind = HC_PLACE_MAPPING;
	place->name = g_strdup_printf("%s%s%s 0x%" G_GINT64_MODIFIER "x-0x%" G_GINT64_MODIFIER
				      "x, +%#" G_GINT64_MODIFIER "x",
		hc_area_kind_name(area->kind), path ? " " : "", path ? path : "", area->start, area->end,
		place->address - area->start);
}

void hc_place_find(const hc_place_sources *sources, hc_address address, hc_place *ret_place)
{
	const hc_area *area = hc_areas_find(sources->areas, address);
	hc_place *place = ret_place;

	*place = (hc_place){ .kind = HC_PLACE_UNMAPPED, .address = address, .frame = -1 };
	if (!area)
		place->name = g_strdup("not mapped");
	else if (name_thread_local(sources, place) || name_block(sources, place) || name_descriptor(sources, place))
		return;
	else if (area->kind == HC_AREA_STACK && area->owner < hc_core_thread_count(sources->core))
		name_stack(sources, place, area->owner);
	else if (area->kind == HC_AREA_STACK)
		name_stack_of_nobody(sources, place, area);
	else if (area->kind == HC_AREA_STACK_UNUSED)
		name_unused_stack(sources, place, area->owner);
	else if (!name_symbol(sources, place, area) &&
		 !(area->kind == HC_AREA_ANONYMOUS && name_stack_elsewhere(sources, place)))
		name_area(place, area);
}

static void name_register(const hc_place_sources *sources, const hc_reference *reference, hc_place *place)
{
	const char *known = hc_core_register_name(sources->core, reference->register_index);
	g_autofree char *name =
		reference->register_index >= HC_REGISTER_VECTOR ?
			hc_core_vector_register_name(sources->core, reference->register_index - HC_REGISTER_VECTOR) :
		known ? g_strdup(known) :
			g_strdup_printf("register %d", reference->register_index);

	*place = (hc_place){ .kind = HC_PLACE_REGISTER, .thread_id = reference->thread_id, .frame = -1 };
	place->name = g_strdup_printf("%s of thread %" G_GINT64_FORMAT, name, reference->thread_id);
}

void hc_place_of_reference(const hc_place_sources *sources, const hc_reference *reference, hc_place *ret_place)
{
	if (!reference->from && reference->register_index != HC_REGISTER_NONE)
		name_register(sources, reference, ret_place);
	else
		hc_place_find(sources, reference->from, ret_place);
}

void hc_place_clear(hc_place *place)
{
	g_clear_pointer(&place->name, g_free);
}
