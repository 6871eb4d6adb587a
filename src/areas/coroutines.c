/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stacks that libc did not make.
 *
 * A coroutine, and a signal handler with a stack of its own (sigaltstack(2)), runs on memory that the program mapped. No descriptor
 * tells where it begins and ends, so it is told by what a stack looks like, and only where three things agree:
 *
 *	it is private anonymous memory that nobody else claimed (a stack that malloc() gave is a block, and stays one);
 *	a stack pointer is in it, or makecontext() left its trampoline at the top, or a guard lies below and frames are at the top;
 *	its borders are seen: a mapping's, a top with a trampoline or the last page with frames, below a stretch that was never touched.
 *
 * All of it that is not zero is searched: where the frames of a suspended coroutine end is not known. What is larger than
 * STACK_MOST keeps the kind it has.
 *
 * Costs one look at the last page of each anonymous mapping, and one at each page of what is a stack.
 */
#include "areas/areas_state.h"

#include "base/bytes.h"

#include <string.h>

enum {
	STACK_MOST = 64 << 20, /* bytes */
	TOP_WORDS = 8,	       /* of a stack's top, where makecontext() puts its trampoline */
	LONGEST_CALL = 7,      /* bytes of an instruction */
	FRAMES_NEEDED = 2,
	GAP_PAGES =
		16, /* a frame can have as much that was not touched, or is not frames; what is behind more is something else */
};

/* A mapping that may hold stacks, without parts. */
struct candidate {
	const hc_areas *areas;
	const hc_mapping *mapping, *below; /* below: the neighbour, or NULL */
	uint64_t page;
};

/* ---- code ---- */

static const uint8_t *code_at(const hc_areas *areas, hc_address address, unsigned size)
{
	uint64_t available;
	const uint8_t *bytes;

	if (!hc_areas_is_code(areas, address))
		return NULL;
	bytes = hc_core_bytes(areas->core, address, &available);
	return bytes && available >= size ? bytes : NULL;
}

/*
 * Whether a call instruction ends at ADDRESS: E8 with four bytes, or FF /2 with its operand. (Intel SDM 2, CALL) Function pointers
 * in data lead to a beginning, so this tells frames from tables.
 */
static bool is_behind_call(const hc_areas *areas, hc_address address)
{
	const uint8_t *code = address > LONGEST_CALL ? code_at(areas, address - LONGEST_CALL, LONGEST_CALL) : NULL;

	if (!code)
		return false;
	const uint8_t *end = code + LONGEST_CALL;

	if (end[-5] == 0xe8)
		return true;
	for (unsigned size = 2; size <= LONGEST_CALL; size++) {
		uint8_t modrm = end[1 - (int)size];
		bool has_sib = (modrm & 7) == 4 && modrm >> 6 != 3;
		unsigned displacement = modrm >> 6 == 1						 ? 1 :
					modrm >> 6 == 2 || (modrm >> 6 == 0 && (modrm & 7) == 5) ? 4 :
												   0;

		if (end[-(int)size] == 0xff && (modrm >> 3 & 7) == 2 && size == 2 + has_sib + displacement)
			return true;
	}
	return false;
}

/*
 * Where a function that makecontext() was given returns to: it takes the stack pointer from rbx, and the next context from there.
 * (__start_context in glibc's sysdeps/unix/sysv/linux/x86_64/__start_context.S: no symbol that a stripped libc still has.)
 */
static bool is_trampoline(const hc_areas *areas, hc_address address)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa }, load[] = { 0x48, 0x8b, 0x3c, 0x24 };
	static const uint8_t move[] = { 0x48, 0x89, 0xdc };
	const uint8_t *code = code_at(areas, address, 16);

	if (!code)
		return false;
	if (!memcmp(code, endbr, sizeof endbr))
		code += sizeof endbr;
	return !memcmp(code, move, sizeof move) &&
	       (code[sizeof move] == 0x5f || !memcmp(code + sizeof move, load, sizeof load));
}

/* ---- pages of a candidate ---- */

static const uint8_t *page_bytes(const struct candidate *candidate, hc_address page)
{
	return candidate->mapping->bytes + (page - candidate->mapping->start);
}

static bool is_untouched(const struct candidate *candidate, hc_address page)
{
	return hc_bytes_are_zero(page_bytes(candidate, page), candidate->page);
}

/* makecontext() began a stack that ends where PAGE does. */
static bool is_top(const struct candidate *candidate, hc_address page)
{
	hc_word_format format = hc_core_word_format(candidate->areas->core);
	const uint8_t *end = page_bytes(candidate, page) + candidate->page;

	for (unsigned i = 2; i <= TOP_WORDS; i++)
		if (is_trampoline(candidate->areas, hc_load_word(end - i * format.size, format)))
			return true;
	return false;
}

static bool has_frames(const struct candidate *candidate, hc_address page, unsigned needed)
{
	hc_word_format format = hc_core_word_format(candidate->areas->core);
	const uint8_t *bytes = page_bytes(candidate, page);
	unsigned frames = 0;

	for (uint64_t i = 0; i < candidate->page && frames < needed; i += format.size)
		frames += is_behind_call(candidate->areas, hc_load_word(bytes + i, format));
	return frames == needed;
}

/* Where the stack that PAGE is in begins: below it, or below a gap, is something else. 0: it is too large to be a stack. */
static hc_address find_start(const struct candidate *candidate, hc_address page)
{
	hc_address start = page, first = candidate->mapping->start;
	unsigned gap = 0;

	while (start > first && page - start < STACK_MOST) {
		hc_address below = start - candidate->page;
		bool untouched = is_untouched(candidate, below);

		if (!untouched && (gap >= GAP_PAGES || is_top(candidate, below)))
			return start;
		gap = untouched ? gap + 1 : 0;
		start = below;
	}
	return start == first ? start : 0;
}

/* Where the stack that PAGE is in ends: at a top, or with the last frames. 0: nowhere, or too far. */
static hc_address find_end(const struct candidate *candidate, hc_address page)
{
	hc_address last = candidate->mapping->end, end = 0;
	unsigned gap = 0;

	for (hc_address at = page; at < last && gap < GAP_PAGES; at += candidate->page) {
		if (at - page >= STACK_MOST)
			return 0;
		if (is_top(candidate, at))
			return at + candidate->page;
		if (has_frames(candidate, at, 1)) {
			end = at + candidate->page;
			gap = 0;
		} else {
			gap++;
		}
	}
	return end;
}

/* ---- finding ---- */

static void claim_running(hc_areas *areas, const struct candidate *candidate)
{
	const hc_mapping *mapping = candidate->mapping;

	for (unsigned i = 0; i < hc_core_thread_count(areas->core); i++) {
		hc_address pointer = hc_core_thread(areas->core, i)->stack_pointer;

		if (pointer < mapping->start || pointer >= mapping->end)
			continue;
		hc_address page = pointer & ~(candidate->page - 1);
		hc_address start = find_start(candidate, page), end = find_end(candidate, page);

		if (start && end > pointer)
			hc_areas_claim_left_stack(areas, start, end, i);
	}
}

/* From the top of the mapping down, while there is one stack below the other. */
static void claim_suspended(hc_areas *areas, const struct candidate *candidate)
{
	const hc_mapping *mapping = candidate->mapping;
	hc_address end = mapping->end;
	bool guarded = candidate->below && candidate->below->end == mapping->start &&
		       hc_areas_is_reserved(areas->core, candidate->below);

	while (end > mapping->start && is_top(candidate, end - candidate->page)) {
		hc_address start = find_start(candidate, end - candidate->page);

		if (!start)
			return;
		hc_areas_claim_left_stack(areas, start, end, UINT_MAX);
		end = start;
	}
	if (end == mapping->end && guarded && end - mapping->start <= STACK_MOST &&
		has_frames(candidate, end - candidate->page, FRAMES_NEEDED))
		hc_areas_claim_left_stack(areas, mapping->start, end, UINT_MAX);
}

static bool may_hold_stacks(const hc_areas *areas, const hc_mapping *mapping, uint64_t page)
{
	return mapping->bytes && !mapping->path && mapping->source == HC_SOURCE_CORE &&
	       (mapping->flags & 7) == (HC_MAPPING_READ | HC_MAPPING_WRITE) && mapping->start % page == 0 &&
	       mapping->end - mapping->start >= page && mapping->end % page == 0 &&
	       !hc_modules_find(areas->modules, mapping->start);
}

static int compare_starts(const void *a, const void *b)
{
	const hc_area_claim *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

void hc_areas_claim_coroutines(hc_areas *areas)
{
	const hc_machine *machine = hc_core_machine(areas->core);
	unsigned next = 0;
	uint64_t page = hc_core_process(areas->core)->page_size;
	hc_address reach = 0;

	/* Frames, and the trampoline, are known by this machine's code. */
	if (!machine || !machine->has_coroutines || !hc_core_thread_count(areas->core) || !page || page & (page - 1))
		return;
	g_autoptr(GArray) claims = g_array_copy(areas->claims);

	g_array_sort(claims, compare_starts);
	for (unsigned i = 0; i < hc_core_mapping_count(areas->core); i++) {
		const hc_mapping *mapping = hc_core_mapping(areas->core, i);
		struct candidate candidate = { areas, mapping, i ? hc_core_mapping(areas->core, i - 1) : NULL, page };

		for (; next < claims->len && g_array_index(claims, hc_area_claim, next).start < mapping->end; next++)
			reach = MAX(reach, g_array_index(claims, hc_area_claim, next).end);
		if (reach > mapping->start || !may_hold_stacks(areas, mapping, page))
			continue;
		claim_running(areas, &candidate);
		claim_suspended(areas, &candidate);
	}
}
