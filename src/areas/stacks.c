/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stacks.
 *
 *	low addresses                                                                    high addresses
 *	| guard | unused: below the red zone | red zone | frames in use | TLS | thread control block |
 *	^ stackblock                                    ^ sp                  ^ tp                   ^ stackblock + size
 *
 * Where a thread's stack begins and ends stands in its descriptor (nptl/descr.h, struct pthread: stackblock and
 * stackblock_size, neighbours), which begins at the thread pointer. Their offset differs between releases, but only they are
 * two words whose sum is the page border behind the descriptor. That border, not the mapping's, is the end: the kernel merges
 * neighbouring mappings, and newer libcs protect guards without splitting them.
 *
 * A thread that runs elsewhere (an alternate signal stack, a coroutine) has left frames on its own stack, which hold what they held. Where
 * they end is not known: so of such a stack only what was never touched is unused, and the rest is searched. What it runs on
 * is looked for by coroutines.c.
 */
#include "areas/areas_state.h"

#include <inttypes.h>

static const hc_diagnostic_kind stack_blank = {
	"stack-blank",
	HC_SEVERITY_PARTIAL,
	"threads' stacks are all zeros in the core: pointers there are not seen, and blocks may look lost that are not (older gdbs, 13 for "
	"one, give up a mapping with guard pages inside, which glibc makes from 2.42 on: use a newer gcore, or a kernel's core)",
};

enum {
	DESCRIPTOR_BYTES = 4096, /* sizeof(struct pthread) is below that in all releases */
	DESCRIPTOR_WORDS_MIN = 256, /* ... and above that: 1216 bytes on i386 */
	STACK_PIECES_MAX = 32, /* of the core's mappings in one stack: the guard, the stack, what mprotect() cut off */
	TOUCH_STEP =
		512, /* bytes that are looked at as one: all of a stack from the first that is touched on is searched */
	BLANK_BYTES = 1024, /* of a live stack: enough for a return address */
};

static unsigned red_zone(const hc_areas *areas)
{
	const hc_machine *machine = hc_core_machine(areas->core);

	return machine ? machine->red_zone : HC_RED_ZONE_MOST;
}

/* A stack is one stretch of mapped memory, whatever a descriptor says that was overwritten. */
static bool is_one_stretch(const hc_areas *areas, hc_address start, hc_address end)
{
	unsigned first = hc_core_find_mapping_index(areas->core, start);

	for (unsigned i = first;
		first != UINT_MAX && i < hc_core_mapping_count(areas->core) && i - first < STACK_PIECES_MAX; i++) {
		const hc_mapping *mapping = hc_core_mapping(areas->core, i);

		if (i > first && mapping->start != hc_core_mapping(areas->core, i - 1)->end)
			return false;
		if (mapping->end >= end)
			return true;
	}
	return false;
}

/*
 * The end of the stack whose thread descriptor is at POINTER, and its beginning if the descriptor tells: then *ret_told is where in the
 * descriptor, in bytes; else 0.
 */
static hc_range stack_and_place(const hc_areas *areas, hc_address pointer, unsigned *ret_told)
{
	uint64_t page = hc_core_process(areas->core)->page_size, available = 0;
	hc_word_format format = hc_core_word_format(areas->core);
	const hc_machine *machine = hc_core_machine(areas->core);
	bool is_below = machine && machine->tls_above; /* the descriptor */
	hc_address start = is_below ? pointer - MIN(pointer, DESCRIPTOR_BYTES) : pointer;
	const uint8_t *descriptor = hc_core_bytes(areas->core, start, &available);
	hc_range range = { 0, hc_align_up(pointer + DESCRIPTOR_WORDS_MIN * format.size, page) };

	*ret_told = 0;
	if (!descriptor)
		return range;
	available = MIN(available, DESCRIPTOR_BYTES);
	for (unsigned offset = 4 * format.size; offset + 2 * format.size <= available; offset += format.size) {
		hc_address block = hc_load_word(descriptor + offset, format);
		uint64_t size = hc_load_word(descriptor + offset + format.size, format);
		hc_address end = block + size;

		if (size >= page && block < pointer && end > start + offset && end > pointer &&
			end - pointer <= 2 * DESCRIPTOR_BYTES && block % page == 0 &&
			is_one_stretch(areas, block, pointer)) {
			range.start = block;
			range.end = end;
			*ret_told = offset;
			break;
		}
	}
	return range;
}

static hc_range stack_of(const hc_areas *areas, hc_address pointer)
{
	unsigned told;

	return stack_and_place(areas, pointer, &told);
}

bool hc_areas_descriptor_end(const hc_areas *areas, hc_address pointer, hc_address *ret_end)
{
	unsigned told;

	stack_and_place(areas, pointer, &told);
	*ret_end = pointer + told;
	return told != 0;
}

/* As hc_areas_is_reserved() says, which may have to look at every byte: thousands of threads can have the same guard. */
static bool is_guard(const hc_areas *areas, const hc_mapping *mapping)
{
	gpointer known;

	if (g_hash_table_lookup_extended(areas->guards, mapping, NULL, &known))
		return GPOINTER_TO_INT(known);
	bool reserved = hc_areas_is_reserved(areas->core, mapping);

	g_hash_table_insert(areas->guards, (gpointer)mapping, GINT_TO_POINTER(reserved));
	return reserved;
}

/* Where the stack that ends at END begins if its descriptor does not tell: above a guard. 0 if there is none. */
static hc_address start_above_guard(const hc_areas *areas, hc_address address)
{
	unsigned index = hc_core_find_mapping_index(areas->core, address);
	const hc_mapping *mapping = index == UINT_MAX ? NULL : hc_core_mapping(areas->core, index);
	const hc_mapping *below = mapping && index ? hc_core_mapping(areas->core, index - 1) : NULL;

	return below && below->end == mapping->start && is_guard(areas, below) ? mapping->start : 0;
}

/* stackblock includes the guard, which is a mapping of its own where it is not made by MADV_GUARD_INSTALL. */
static hc_address skip_guard(const hc_areas *areas, hc_address start)
{
	const hc_mapping *mapping = hc_core_find_mapping(areas->core, start);

	return mapping && is_guard(areas, mapping) ? mapping->end : start;
}

bool hc_areas_stack_block(const hc_areas *areas, hc_address pointer, hc_range *ret_stack)
{
	unsigned told;

	*ret_stack = stack_and_place(areas, pointer, &told);
	ret_stack->start = told ? skip_guard(areas, ret_stack->start) : 0;
	return told != 0;
}

static void claim_thread(hc_areas *areas, unsigned thread_index, const hc_thread *thread)
{
	hc_range stack = stack_of(areas, thread->thread_pointer);
	hc_address live = thread->stack_pointer - MIN(thread->stack_pointer, red_zone(areas));

	if (!stack.start)
		stack.start = start_above_guard(areas, thread->stack_pointer);
	if (!stack.start)
		stack.start = live;
	stack.start = skip_guard(areas, stack.start);
	live = MAX(live, stack.start);
	hc_areas_claim(areas, stack.start, live, HC_AREA_STACK_UNUSED, thread_index);
	hc_areas_claim(areas, live, stack.end, HC_AREA_STACK, thread_index);
}

/* The first byte of [start, end) that is not zero, at a word's border; END if there is none. What the core lacks was never touched. */
static hc_address first_touched(const hc_areas *areas, hc_address start, hc_address end)
{
	hc_address stretch;

	for (; hc_core_next_stretch(areas->core, &start, end, &stretch); start = stretch) {
		uint64_t available, step;

		for (hc_address at = start; at < stretch; at += step) {
			const uint8_t *bytes = hc_core_bytes(areas->core, at, &available);

			if (!bytes)
				return at;
			step = MIN(MIN(available, stretch - at), TOUCH_STEP);
			if (!hc_core_is_zero(areas->core, bytes, step))
				return at;
		}
	}
	return end;
}

void hc_areas_claim_left_stack(hc_areas *areas, hc_address start, hc_address end, unsigned thread_index)
{
	hc_address touched = first_touched(areas, start, end);

	hc_areas_claim(areas, start, touched, HC_AREA_STACK_UNUSED, thread_index);
	hc_areas_claim(areas, touched, end, HC_AREA_STACK, thread_index);
}

/* The stack that libc gave a thread that runs elsewhere: only if its descriptor tells where it is. */
static void claim_own_stack(hc_areas *areas, unsigned thread_index, const hc_thread *thread)
{
	hc_range stack = stack_of(areas, thread->thread_pointer);

	if (thread->thread_pointer && stack.start)
		hc_areas_claim_left_stack(areas, skip_guard(areas, stack.start), stack.end, thread_index);
}

/* The main thread's, if it runs elsewhere or has ended. */
static void claim_left_main_stack(hc_areas *areas)
{
	const hc_process *process = hc_core_process(areas->core);
	const hc_mapping *mapping = process->initial_stack ? hc_core_find_mapping(areas->core, process->initial_stack) :
							     NULL;
	unsigned count = hc_core_thread_count(areas->core), owner = UINT_MAX;

	if (!mapping || mapping->path)
		return;
	for (unsigned i = 0; i < count; i++) {
		const hc_thread *thread = hc_core_thread(areas->core, i);

		if (thread->stack_pointer >= mapping->start && thread->stack_pointer < mapping->end)
			return;
		if (thread->id == process->pid)
			owner = i;
	}
	if (count)
		hc_areas_claim_left_stack(areas, mapping->start, mapping->end, owner);
}

static void claim_main_stack(hc_areas *areas, unsigned thread_index, const hc_thread *thread)
{
	const hc_mapping *mapping = hc_core_find_mapping(areas->core, thread->stack_pointer);
	hc_address live = MAX(thread->stack_pointer - MIN(thread->stack_pointer, red_zone(areas)), mapping->start);

	hc_areas_claim(areas, mapping->start, live, HC_AREA_STACK_UNUSED, thread_index);
	hc_areas_claim(areas, live, mapping->end, HC_AREA_STACK, thread_index);
}

/* The stack pointer is in the stack that libc gave the thread: below the descriptor, in the same stretch of memory. */
static bool runs_on_own_stack(const hc_areas *areas, const hc_thread *thread)
{
	hc_range stack = stack_of(areas, thread->thread_pointer);

	if (!thread->thread_pointer || thread->stack_pointer >= thread->thread_pointer)
		return false;
	if (stack.start)
		return thread->stack_pointer >= stack.start;
	const hc_mapping *mapping = hc_core_find_mapping(areas->core, thread->stack_pointer);

	return mapping && thread->thread_pointer < mapping->end && start_above_guard(areas, thread->stack_pointer);
}

static bool is_main_stack(const hc_areas *areas, hc_address address)
{
	const hc_mapping *mapping = hc_core_find_mapping(areas->core, address);
	hc_address anchor = hc_core_process(areas->core)->initial_stack;

	return mapping && anchor >= mapping->start && anchor < mapping->end && !mapping->path;
}

/* Stacks that libc keeps of threads that have ended, and in a forked child those of the parent's other threads. */
static void claim_dead_stacks(hc_areas *areas)
{
	const GArray *pointers = areas->blocks->heap.thread_blocks;

	/* Without registers nobody is known to live, and nothing may be called dead. */
	if (!hc_core_thread_count(areas->core))
		return;
	for (unsigned i = 0; i < pointers->len; i++) {
		hc_address pointer = g_array_index(pointers, hc_address, i);

		if (hc_core_find_thread(areas->core, pointer))
			continue;
		hc_range stack = stack_of(areas, pointer);

		if (!stack.start)
			stack.start = start_above_guard(areas, pointer);
		if (stack.start)
			hc_areas_claim(
				areas, skip_guard(areas, stack.start), stack.end, HC_AREA_STACK_UNUSED, UINT_MAX);
	}
}

/* No thread that runs has zeros where its stack pointer points, and at its thread pointer (%fs:0 is its own address). */
static bool is_blank(const hc_areas *areas, const hc_thread *thread)
{
	uint64_t available, self;
	const uint8_t *bytes = hc_core_bytes(areas->core, thread->stack_pointer, &available);

	if (!bytes || available < BLANK_BYTES || !thread->thread_pointer ||
		!hc_core_read_word(areas->core, thread->thread_pointer, &self) || self)
		return false;
	for (unsigned i = 0; i < BLANK_BYTES; i++)
		if (bytes[i])
			return false;
	return true;
}

void hc_areas_claim_stacks(hc_areas *areas)
{
	for (unsigned i = 0; i < hc_core_thread_count(areas->core); i++) {
		const hc_thread *thread = hc_core_thread(areas->core, i);

		if (!hc_core_find_mapping(areas->core, thread->stack_pointer))
			continue;
		if (is_blank(areas, thread))
			hc_diagnostics_add(areas->diagnostics, &stack_blank, 0, "thread %" PRId64, thread->id);
		if (runs_on_own_stack(areas, thread))
			claim_thread(areas, i, thread);
		else if (is_main_stack(areas, thread->stack_pointer))
			claim_main_stack(areas, i, thread);
		else
			claim_own_stack(areas, i, thread);
	}
	claim_left_main_stack(areas);
	claim_dead_stacks(areas);
}
