/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why malloc keeps free memory, and what to do about it. */
#include "wording/wording.h"

#include "base/text.h"

#include <inttypes.h>

enum {
	WORTH_SAYING = 1 << 20
};

/* "from M_TRIM_THRESHOLD on, which is 128.0 KiB" */
static char *threshold_text(const hc_pins_summary *summary)
{
	char size[HC_TEXT_SIZE_LENGTH];

	hc_text_size(size, summary->trim_threshold);
	if (!summary->thresholds_known)
		return g_strdup_printf("from M_TRIM_THRESHOLD on, which is not known here (%s unless it was set, "
				       "or rose with a large block that was freed)",
			size);
	if (summary->threshold_rose)
		return g_strdup_printf(
			"from M_TRIM_THRESHOLD on, which rose to %s with the largest mmapped block that was freed",
			size);
	return g_strdup_printf("from M_TRIM_THRESHOLD on, which is %s%s", size,
		summary->thresholds_move ? "" : ", as somebody set it");
}

char *hc_word_kept(const hc_pins_summary *summary, hc_kept_cause cause)
{
	static const char *const texts[HC_KEPT_CAUSE_COUNT] = {
		[HC_KEPT_PINNED] = "below few blocks: free() gives back only what lies at the end of the heap",
		[HC_KEPT_UNDER_LIVE] = "below more memory in use than is free there",
		[HC_KEPT_SCATTERED] = "in pieces too small to be listed, or parts of pages",
		[HC_KEPT_TCACHE] = "in threads' caches: freed, in use to malloc, so its neighbours cannot merge",
		[HC_KEPT_FASTBINS] =
			"in fastbins: not merged with its neighbours before malloc_trim() or a large free()",
		[HC_KEPT_ARENAS] = "in threads' arenas: what is free in one serves no thread of another",
	};
	g_autofree char *threshold = threshold_text(summary);
	char size[HC_TEXT_SIZE_LENGTH];

	switch (cause) {
	case HC_KEPT_TOP:
		return g_strdup_printf("at the end of the main heap: a large free() gives it back %s", threshold);
	case HC_KEPT_THREAD_TOPS:
		return g_strdup_printf(
			"at the ends of threads' heaps: malloc_trim() leaves it, a large free() there gives it back %s",
			threshold);
	case HC_KEPT_LARGE:
		return g_strdup_printf("at most, of blocks that would have been mmapped, and so given back, "
				       "had the mmap threshold not risen to %s",
			hc_text_size(size, summary->mmap_threshold));
	default:
		return g_strdup(texts[cause]);
	}
}

char *hc_word_pin_holder(const hc_pin_holder *holder)
{
	const char *name = holder->name ? holder->name : "?";
	char size[HC_TEXT_COUNT_LENGTH];

	switch (holder->kind) {
	case HC_HOLDER_CACHED:
		return holder->thread ? g_strdup_printf("cached by tcache of thread %" PRId64, holder->thread) :
					g_strdup("cached by tcache of a thread that has ended");
	case HC_HOLDER_LIBC:
		return hc_word_label(&holder->label);
	case HC_HOLDER_UNKNOWN:
		return g_strdup_printf("unknown, %s bytes", hc_text_count(size, holder->size));
	default:
		return holder->path ? g_strdup_printf("%s (%s)", name, holder->path) : g_strdup(name);
	}
}

/* ---- runs and islands ---- */

char *hc_word_above(const hc_pin_run *run)
{
	const hc_pin_island *island = &run->above;
	bool is_cached = island->amount.blocks == island->cached.blocks;
	g_autofree char *blocks = hc_unit_text(island->amount.blocks, is_cached ? "cached blocks" : "blocks");
	GString *text;
	char size[HC_TEXT_SIZE_LENGTH], count[HC_TEXT_COUNT_LENGTH];

	if (run->is_top)
		return g_strdup("top of the arena");
	text = g_string_new(NULL);
	if (island->amount.blocks)
		g_string_append_printf(text, "%s, %s", blocks, hc_text_size(size, island->amount.bytes));
	else
		g_string_append(text, "nothing above it");
	if (island->cached.blocks && !is_cached)
		g_string_append_printf(text, " (%s cached)", hc_text_count(count, island->cached.blocks));
	if (run->islands > 1) {
		g_autofree char *islands = hc_unit_text(run->islands - 1, "islands");

		g_string_append_printf(text, " + %s", islands);
	}
	if (island->blocked)
		g_string_append(text, "; memory that is not malloc's above");
	return g_string_free(text, FALSE);
}

char *hc_word_runs(const hc_pins_totals *totals)
{
	g_autofree char *runs = hc_unit_text(totals->run_count, "runs");
	char whole[HC_TEXT_SIZE_LENGTH];

	return g_strdup_printf(
		"%s of free memory of 64 KiB or more, %s in whole pages", runs, hc_text_size(whole, totals->run_whole));
}

char *hc_word_islands(const hc_pins_totals *totals)
{
	g_autofree char *islands = hc_unit_text(totals->pins, "islands"),
			*blocks = hc_unit_text(totals->pinning.blocks, "blocks");
	char bytes[HC_TEXT_SIZE_LENGTH], pinned[HC_TEXT_SIZE_LENGTH];

	return g_strdup_printf("%s of %s, %s, pin %s", islands, blocks, hc_text_size(bytes, totals->pinning.bytes),
		hc_text_size(pinned, totals->pinned));
}

/* ---- advice ---- */

static bool is_worth_saying(const hc_pins_summary *summary, uint64_t bytes)
{
	return bytes >= WORTH_SAYING && bytes >= summary->free / 10;
}

static void advise_trim(GString *text, const hc_pins_summary *summary)
{
	char trim[HC_TEXT_SIZE_LENGTH], free[HC_TEXT_SIZE_LENGTH], zero[HC_TEXT_SIZE_LENGTH];

	const char *where = summary->knows_resident ? "were given back already, or never touched" :
						      "lie in pages that are zero already";

	hc_text_size(trim, summary->trim);
	hc_text_size(free, summary->free);
	hc_text_size(zero, summary->zero);
	if (is_worth_saying(summary, summary->trim)) {
		g_string_append_printf(text, "malloc_trim(0) would give back %s of the %s that are free", trim, free);
		if (is_worth_saying(summary, summary->zero))
			g_string_append_printf(text, "; %s %s", zero, where);
		g_string_append_c(text, '.');
	} else if (summary->free >= WORTH_SAYING) {
		g_string_append_printf(text, "malloc_trim(0) would give back %s%s of the %s that are free; %s %s.",
			summary->trim ? "only " : "", summary->trim ? trim : "nothing", free, zero, where);
	} else {
		g_string_append_printf(text, "Only %s are free: there is little to give back.", free);
	}
}

static void advise_pins(GString *text, const hc_pins_summary *summary, const hc_pin_holder *most)
{
	g_autofree char *blocks = hc_unit_text(summary->pinning.blocks, "blocks"),
			*most_blocks = hc_unit_text(most ? most->amount.blocks : 0, "blocks");
	char pinned[HC_TEXT_SIZE_LENGTH], bytes[HC_TEXT_SIZE_LENGTH];

	if (!is_worth_saying(summary, summary->pinned))
		return;
	g_string_append_printf(text, " free() by itself keeps %s: pinned by %s of %s in all",
		hc_text_size(pinned, summary->pinned), blocks, hc_text_size(bytes, summary->pinning.bytes));
	/* Its figures only if it is not all that pins. */
	if (most && most->amount.blocks != summary->pinning.blocks)
		g_string_append_printf(text, "; %s of it by %s", hc_text_size(pinned, most->pinned), most_blocks);
	if (most) {
		g_autofree char *name = hc_word_pin_holder(most);

		g_string_append_printf(text, ": %s", name);
	}
	g_string_append_c(text, '.');
}

static void advise_tunable(GString *text, const hc_pins_summary *summary)
{
	char bytes[HC_TEXT_SIZE_LENGTH];

	for (unsigned i = 0; i < summary->kept_count; i++) {
		const hc_kept *kept = &summary->kept[i];
		const char *tunable = hc_kept_tunable(kept->cause);

		if (!tunable || !is_worth_saying(summary, kept->bytes))
			continue;
		g_autofree char *why = hc_word_kept(summary, kept->cause);

		g_string_append_printf(text, " %s %s; see %s.", hc_text_size(bytes, kept->bytes), why, tunable);
		return;
	}
}

char *hc_word_pins_advice(const hc_pins_summary *summary, const hc_pin_holder *most)
{
	GString *text = g_string_new(NULL);

	if (summary->heap_found) {
		advise_trim(text, summary);
		advise_pins(text, summary, most);
		advise_tunable(text, summary);
	}
	return g_string_free(text, FALSE);
}

char *hc_word_snapshot_advice(const hc_snapshot *snapshot)
{
	const hc_pin_holder *most = snapshot->pins->len ? &g_array_index(snapshot->pins, hc_pin_holder, 0) : NULL;

	return hc_word_pins_advice(&snapshot->pinning, most);
}
