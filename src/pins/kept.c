/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why malloc keeps what is free, and the tunable that applies.
 *
 * The tunables are glibc's (manual/tunables.texi); the environment variables behind them in parentheses are those that malloc reads
 * itself (ptmalloc_init() in arena.c).
 */
#include "pins/pins_state.h"

enum {
	MANY_ARENAS = 8,
	DEFAULT_MMAP_THRESHOLD = 128 * 1024, /* malloc.c */
};

static const char *const cause_names[HC_KEPT_CAUSE_COUNT] = {
	[HC_KEPT_PINNED] = "pinned",
	[HC_KEPT_UNDER_LIVE] = "under-live",
	[HC_KEPT_TOP] = "top",
	[HC_KEPT_THREAD_TOPS] = "thread-tops",
	[HC_KEPT_SCATTERED] = "scattered",
	[HC_KEPT_LARGE] = "large",
	[HC_KEPT_TCACHE] = "tcache",
	[HC_KEPT_FASTBINS] = "fastbins",
	[HC_KEPT_ARENAS] = "arenas",
};

const char *hc_kept_cause_name(hc_kept_cause cause)
{
	return (unsigned)cause < HC_KEPT_CAUSE_COUNT ? cause_names[cause] : "";
}

static const char *const tunables[HC_KEPT_CAUSE_COUNT] = {
	[HC_KEPT_TOP] = "glibc.malloc.trim_threshold (MALLOC_TRIM_THRESHOLD_)",
	[HC_KEPT_THREAD_TOPS] = "glibc.malloc.trim_threshold (MALLOC_TRIM_THRESHOLD_)",
	[HC_KEPT_LARGE] = "glibc.malloc.mmap_threshold (MALLOC_MMAP_THRESHOLD_)",
	[HC_KEPT_TCACHE] = "glibc.malloc.tcache_count",
	[HC_KEPT_FASTBINS] = "glibc.malloc.mxfast",
	[HC_KEPT_ARENAS] = "glibc.malloc.arena_max (MALLOC_ARENA_MAX)",
};

const char *hc_kept_tunable(hc_kept_cause cause)
{
	return (unsigned)cause < HC_KEPT_CAUSE_COUNT ? tunables[cause] : NULL;
}

static uint64_t free_in_thread_arenas(const hc_pins *pins)
{
	unsigned count = hc_blocks_arena_count(pins->blocks);
	uint64_t bytes = 0;

	for (unsigned arena = 1; arena < count && count > MANY_ARENAS; arena++)
		for (hc_block_state state = HC_BLOCK_TCACHE; state <= HC_BLOCK_UNLISTED; state++)
			bytes += hc_blocks_amount(pins->blocks, arena, state).bytes;
	return bytes;
}

static int compare_kept(const void *a, const void *b)
{
	const hc_kept *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return (int)x->cause - (int)y->cause;
}

static void find_kept(hc_pins *pins)
{
	hc_pins_summary *summary = &pins->summary;
	const hc_pins_totals *totals = &pins->totals;
	uint64_t untrimmed[HC_KEPT_CAUSE_COUNT] = { 0 }, merged = totals->free - totals->tcache;

	for (unsigned i = 0; i < pins->entries->len; i++) {
		const hc_pin_run *run = &g_array_index(pins->entries, hc_pin_entry, i).run;
		/* Without anything above it a heap's end goes the way of its top. */
		bool end = run->is_top || (run->arena && !run->islands && !run->above.blocked);

		untrimmed[end	      ? run->arena ? HC_KEPT_THREAD_TOPS : HC_KEPT_TOP :
			  run->pinned ? HC_KEPT_PINNED :
					HC_KEPT_UNDER_LIVE] += run->whole;
		if (!run->is_top && summary->threshold_rose && run->bytes >= DEFAULT_MMAP_THRESHOLD)
			untrimmed[HC_KEPT_LARGE] += run->bytes;
	}
	untrimmed[HC_KEPT_SCATTERED] = merged > totals->run_whole ? merged - totals->run_whole : 0;
	untrimmed[HC_KEPT_TCACHE] = totals->tcache;
	untrimmed[HC_KEPT_FASTBINS] = totals->fastbins;
	untrimmed[HC_KEPT_ARENAS] = free_in_thread_arenas(pins);
	for (unsigned cause = 0; cause < HC_KEPT_CAUSE_COUNT; cause++)
		if (untrimmed[cause])
			summary->kept[summary->kept_count++] = (hc_kept){ cause, untrimmed[cause] };
	qsort(summary->kept, summary->kept_count, sizeof *summary->kept, compare_kept);
}

void hc_pins_sum_up(hc_pins *pins)
{
	const hc_heap_info *heap = hc_blocks_heap(pins->blocks);
	const hc_pins_totals *totals = &pins->totals;

	pins->summary = (hc_pins_summary){
		.heap_found = heap->found,
		.free = totals->free,
		.trim = totals->trim,
		.zero = totals->pages.zero,
		.pinned = totals->pinned,
		.knows_resident = hc_core_knows_resident(pins->core),
		.pinning = totals->pinning,
		.thresholds_known = heap->thresholds_known,
		.thresholds_move = heap->thresholds_move,
		.threshold_rose = heap->thresholds_known && heap->thresholds_move &&
				  heap->mmap_threshold > DEFAULT_MMAP_THRESHOLD,
		.trim_threshold = pins->trim_threshold,
		.mmap_threshold = heap->mmap_threshold,
	};
	find_kept(pins);
}
