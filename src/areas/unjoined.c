/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How many threads ended and were never joined, and what do their stacks keep?
 *
 * libc keeps the stack of a thread until it is joined. Most of it was never touched: it is address space, which no row of memory has, and
 * a little memory in each. A capture tells how much of it was resident; other cores tell only which pages are not zero. Whose threads they
 * were the routine tells that they began in.
 */
#include "areas/areas_state.h"

#include "base/bytes.h"

#include <inttypes.h>

enum {
	ZERO_PAGES = 16,
};

static int compare_ranges(const void *a, const void *b)
{
	const hc_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* The stacks in order of address, those that touch each other as one. GArray of hc_range. */
static GArray *join_stacks(const GArray *stacks)
{
	GArray *sorted = g_array_copy((GArray *)stacks);
	unsigned kept = 0;

	g_array_sort(sorted, compare_ranges);
	for (unsigned i = 0; i < sorted->len; i++) {
		hc_range stack = g_array_index(sorted, hc_range, i), *last = &g_array_index(sorted, hc_range, kept - 1);

		if (kept && stack.start <= last->end)
			last->end = MAX(last->end, stack.end);
		else
			g_array_index(sorted, hc_range, kept++) = stack;
	}
	g_array_set_size(sorted, kept);
	return sorted;
}

/* Bytes of smaps' ENTRIES in STACKS that are resident; FALSE if an entry is only partly of them. */
static bool sum_resident(const GArray *stacks, const GArray *entries, uint64_t *ret_resident)
{
	uint64_t resident = 0;
	unsigned stack = 0;

	/* Both are in order of address. */
	for (unsigned i = 0; i < entries->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(entries, hc_smaps_entry, i);

		while (stack < stacks->len && g_array_index(stacks, hc_range, stack).end <= entry->start)
			stack++;
		if (stack == stacks->len)
			break;
		const hc_range *range = &g_array_index(stacks, hc_range, stack);

		if (entry->end <= range->start || !entry->resident)
			continue;
		if (entry->start < range->start || entry->end > range->end)
			return false;
		resident += entry->resident;
	}
	*ret_resident = resident;
	return true;
}

/* The same by the list of pages, or else by smaps. FALSE if neither tells. */
static bool find_resident(const hc_core *core, const GArray *stacks, uint64_t *ret_resident)
{
	g_autoptr(GArray) entries = NULL;
	size_t hint[2] = { 0, 0 };

	if (!hc_core_knows_resident(core)) {
		entries = hc_core_read_smaps(core);
		return entries && sum_resident(stacks, entries, ret_resident);
	}
	for (unsigned i = 0; i < stacks->len; i++) {
		const hc_range *stack = &g_array_index(stacks, hc_range, i);

		*ret_resident += hc_core_resident_next(core, stack->start, stack->end, hint).resident;
	}
	return true;
}

/*
 * Bytes of the pages of [start, end) that are not zero, from the end down to a run of ZERO_PAGES that are: below it nothing was touched, as a
 * rule, and there may be gigabytes of it.
 */
static uint64_t count_touched(const hc_core *core, hc_address start, hc_address end)
{
	uint64_t page = hc_core_process(core)->page_size, touched = 0, available;
	unsigned zero = 0;

	for (hc_address at = end; at - start >= page && zero < ZERO_PAGES;) {
		at -= page;
		const uint8_t *bytes = hc_core_bytes(core, at, &available);
		bool is_zero = !bytes || available < page || hc_bytes_are_zero(bytes, page);

		zero = is_zero ? zero + 1 : 0;
		touched += is_zero ? 0 : page;
	}
	return touched;
}

/* ---- where they began ---- */

static int compare_routines(const void *a, const void *b)
{
	hc_address x = *(const hc_address *)a, y = *(const hc_address *)b;

	return (x > y) - (x < y);
}

/* The address that stands there most often, of 0 aside. *RET_COUNT: how often. */
static hc_address most_common(GArray *sorted, uint64_t *ret_count)
{
	hc_address best = 0;

	*ret_count = 0;
	for (unsigned i = 0, next; i < sorted->len; i = next) {
		hc_address routine = g_array_index(sorted, hc_address, i);

		for (next = i; next < sorted->len && g_array_index(sorted, hc_address, next) == routine;)
			next++;
		if (routine && next - i > *ret_count) {
			best = routine;
			*ret_count = next - i;
		}
	}
	return best;
}

/* "play", "server+0x1a40" where no symbol begins; NULL: ROUTINE is in no module. */
static char *name_of(hc_modules *modules, hc_address routine)
{
	const hc_module *module = hc_modules_find(modules, routine);
	uint64_t offset = 0;
	const char *symbol = hc_modules_symbol_at(modules, routine, &offset);

	if (symbol && !offset)
		return hc_variable_name(symbol);
	return module ? g_strdup_printf("%s+%#" PRIx64, module->name, routine - module->start) : NULL;
}

static void name_routine(hc_areas *areas)
{
	uint64_t count;
	hc_address routine;

	g_array_sort(areas->unjoined_routines, compare_routines);
	routine = most_common(areas->unjoined_routines, &count);
	areas->unjoined_routine = routine ? name_of(areas->modules, routine) : NULL;
	areas->unjoined.routine = areas->unjoined_routine;
	areas->unjoined.routine_threads = areas->unjoined_routine ? count : 0;
}

/* ---- all of it ---- */

void hc_areas_count_unjoined(hc_areas *areas)
{
	const GArray *stacks = areas->unjoined_stacks;
	hc_unjoined *unjoined = &areas->unjoined;

	*unjoined = (hc_unjoined){ .threads = stacks->len, .is_resident = true };
	if (!stacks->len)
		return;
	g_autoptr(GArray) joined = join_stacks(stacks);

	name_routine(areas);

	for (unsigned i = 0; i < joined->len; i++)
		unjoined->bytes += g_array_index(joined, hc_range, i).end - g_array_index(joined, hc_range, i).start;
	unjoined->is_resident = find_resident(areas->core, joined, &unjoined->memory);
	for (unsigned i = 0; i < stacks->len && !unjoined->is_resident; i++)
		unjoined->memory += count_touched(
			areas->core, g_array_index(stacks, hc_range, i).start, g_array_index(stacks, hc_range, i).end);
}

const hc_unjoined *hc_areas_unjoined(const hc_areas *areas)
{
	return &areas->unjoined;
}
