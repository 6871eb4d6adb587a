/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why malloc keeps what is free, with the tunable that applies, and what to do about it.
 *
 * The tunables are glibc's (manual/tunables.texi); the environment variables behind them in parentheses are those that malloc reads
 * itself (ptmalloc_init() in arena.c).
 */
#include "pins/internal.h"

#include "base/text.h"

enum {
	MANY_ARENAS = 8,
	DEFAULT_MMAP_THRESHOLD = 128 * 1024, /* malloc.c */
	WORTH_SAYING = 1 << 20
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

static const char *const texts[HC_KEPT_CAUSE_COUNT] = {
	[HC_KEPT_PINNED] = "below few blocks: free() gives back only what lies at the end of the heap",
	[HC_KEPT_UNDER_LIVE] = "below more memory in use than is free there",
	[HC_KEPT_SCATTERED] = "in pieces too small to be listed, or parts of pages",
	[HC_KEPT_TCACHE] = "in threads' caches: freed, in use to malloc, so its neighbours cannot merge",
	[HC_KEPT_FASTBINS] = "in fastbins: not merged with its neighbours before malloc_trim() or a large free()",
	[HC_KEPT_ARENAS] = "in threads' arenas: what is free in one serves no thread of another",
};

/* "from 67.1 MB on, which ..." */
static char *threshold_text(const hc_pins *pins)
{
	const hc_heap_info *heap = hc_blocks_heap(pins->blocks);
	char size[HC_TEXT_SIZE_LENGTH];

	hc_text_size(size, pins->trim_threshold);
	if (!heap->thresholds_known)
		return g_strdup_printf("from M_TRIM_THRESHOLD on, which is not known here (%s unless it was set, "
				       "or rose with a large block that was freed)",
			size);
	if (heap->thresholds_move && heap->mmap_threshold > DEFAULT_MMAP_THRESHOLD)
		return g_strdup_printf(
			"from M_TRIM_THRESHOLD on, which rose to %s with the largest mmapped block that was freed",
			size);
	return g_strdup_printf(
		"from M_TRIM_THRESHOLD on, which is %s%s", size, heap->thresholds_move ? "" : ", as somebody set it");
}

static const char *text_of(const hc_pins *pins, hc_kept_cause cause)
{
	g_autofree char *threshold = threshold_text(pins), *text = NULL;
	char size[HC_TEXT_SIZE_LENGTH];

	switch (cause) {
	case HC_KEPT_TOP:
		text = g_strdup_printf("at the end of the main heap: a large free() gives it back %s", threshold);
		break;
	case HC_KEPT_THREAD_TOPS:
		text = g_strdup_printf(
			"at the ends of threads' heaps: malloc_trim() leaves it, a large free() there gives it back %s",
			threshold);
		break;
	case HC_KEPT_LARGE:
		text = g_strdup_printf("at most, of blocks that would have been mmapped, and so given back, "
				       "had the mmap threshold not risen to %s",
			hc_text_size(size, hc_blocks_heap(pins->blocks)->mmap_threshold));
		break;
	default:
		return texts[cause];
	}
	return g_string_chunk_insert(pins->texts, text);
}

static void add_kept(hc_pins *pins, hc_kept_cause cause, uint64_t bytes)
{
	hc_kept kept = { cause, bytes, NULL, tunables[cause] };

	if (!bytes)
		return;
	kept.text = text_of(pins, cause);
	g_array_append_val(pins->kept, kept);
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
	const hc_heap_info *heap = hc_blocks_heap(pins->blocks);
	const hc_pins_totals *totals = &pins->totals;
	uint64_t untrimmed[HC_KEPT_CAUSE_COUNT] = { 0 }, merged = totals->free - totals->tcache;
	bool risen = heap->thresholds_known && heap->thresholds_move && heap->mmap_threshold > DEFAULT_MMAP_THRESHOLD;

	for (unsigned i = 0; i < pins->entries->len; i++) {
		const hc_pin_run *run = &g_array_index(pins->entries, hc_pin_entry, i).run;
		/* Without anything above it a heap's end goes the way of its top. */
		bool end = run->is_top || (run->arena && !run->islands && !run->above.blocked);

		untrimmed[end	      ? run->arena ? HC_KEPT_THREAD_TOPS : HC_KEPT_TOP :
			  run->pinned ? HC_KEPT_PINNED :
					HC_KEPT_UNDER_LIVE] += run->whole;
		if (!run->is_top && risen && run->bytes >= DEFAULT_MMAP_THRESHOLD)
			untrimmed[HC_KEPT_LARGE] += run->bytes;
	}
	untrimmed[HC_KEPT_SCATTERED] = merged > totals->run_whole ? merged - totals->run_whole : 0;
	untrimmed[HC_KEPT_TCACHE] = totals->tcache;
	untrimmed[HC_KEPT_FASTBINS] = totals->fastbins;
	untrimmed[HC_KEPT_ARENAS] = free_in_thread_arenas(pins);
	for (unsigned cause = 0; cause < HC_KEPT_CAUSE_COUNT; cause++)
		add_kept(pins, cause, untrimmed[cause]);
	g_array_sort(pins->kept, compare_kept);
}

/* ---- advice ---- */

static bool is_worth_saying(const hc_pins *pins, uint64_t bytes)
{
	return bytes >= WORTH_SAYING && bytes >= pins->totals.free / 10;
}

static void advise_trim(const hc_pins *pins, GString *text)
{
	const hc_pins_totals *totals = &pins->totals;
	char trim[HC_TEXT_SIZE_LENGTH], free[HC_TEXT_SIZE_LENGTH], zero[HC_TEXT_SIZE_LENGTH];

	hc_text_size(trim, totals->trim);
	hc_text_size(free, totals->free);
	hc_text_size(zero, totals->pages.zero);
	if (is_worth_saying(pins, totals->trim))
		g_string_append_printf(text, "malloc_trim(0) would give back %s of the %s that are free%s%s%s.", trim,
			free, is_worth_saying(pins, totals->pages.zero) ? "; " : "",
			is_worth_saying(pins, totals->pages.zero) ? zero : "",
			is_worth_saying(pins, totals->pages.zero) ? " lie in pages that are zero already" : "");
	else if (totals->free >= WORTH_SAYING)
		g_string_append_printf(text,
			"malloc_trim(0) would give back %s%s of the %s that are free; %s lie in pages that are zero already.",
			totals->trim ? "only " : "", totals->trim ? trim : "nothing", free, zero);
	else
		g_string_append_printf(text, "Only %s are free: there is little to give back.", free);
}

/* Of what pins most; its figures only if it is not all that pins. */
static void append_main_holder(const hc_pins *pins, GString *text)
{
	const hc_pin_holder *holder = hc_pins_holder(pins, 0);
	char pinned[HC_TEXT_SIZE_LENGTH], blocks[HC_TEXT_COUNT_LENGTH];

	if (!holder)
		return;
	g_autofree char *what = hc_pin_holder_text(holder), *escaped = hc_text_escape(what, -1);

	if (holder->amount.blocks == pins->totals.pinning.blocks)
		g_string_append(text, ": ");
	else
		g_string_append_printf(text, "; %s of it by %s block%s: ", hc_text_size(pinned, holder->pinned),
			hc_text_count(blocks, holder->amount.blocks), holder->amount.blocks == 1 ? "" : "s");
	g_string_append(text, escaped);
}

static void advise_pins(const hc_pins *pins, GString *text)
{
	const hc_pins_totals *totals = &pins->totals;
	char pinned[HC_TEXT_SIZE_LENGTH], blocks[HC_TEXT_COUNT_LENGTH], bytes[HC_TEXT_SIZE_LENGTH];

	if (!is_worth_saying(pins, totals->pinned))
		return;
	g_string_append_printf(text, " free() by itself keeps %s: pinned by %s block%s of %s in all",
		hc_text_size(pinned, totals->pinned), hc_text_count(blocks, totals->pinning.blocks),
		totals->pinning.blocks == 1 ? "" : "s", hc_text_size(bytes, totals->pinning.bytes));
	append_main_holder(pins, text);
	g_string_append_c(text, '.');
}

static void advise_tunable(const hc_pins *pins, GString *text)
{
	char bytes[HC_TEXT_SIZE_LENGTH];

	for (unsigned i = 0; i < pins->kept->len; i++) {
		const hc_kept *kept = hc_pins_kept(pins, i);

		if (!kept->tunable || !is_worth_saying(pins, kept->bytes))
			continue;
		g_string_append_printf(
			text, " %s %s; see %s.", hc_text_size(bytes, kept->bytes), kept->text, kept->tunable);
		return;
	}
}

void hc_pins_tell_why(hc_pins *pins)
{
	g_autoptr(GString) text = g_string_new(NULL);

	find_kept(pins);
	if (hc_blocks_heap(pins->blocks)->found) {
		advise_trim(pins, text);
		advise_pins(pins, text);
		advise_tunable(pins, text);
	}
	pins->advice = g_string_chunk_insert(pins->texts, text->str);
}
