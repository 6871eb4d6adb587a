/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The object, its totals, and asking for them. */
#include "pins/pins_state.h"

#include "base/text.h"

enum {
	DEFAULT_TRIM_THRESHOLD = 128 * 1024, /* malloc.c */
	DEFAULT_TOP_PAD = 128 * 1024	     /* malloc-machine.h */
};

static uint64_t bytes_of(const hc_pins *pins, hc_block_state state)
{
	return hc_blocks_amount(pins->blocks, HC_ARENA_ALL, state).bytes;
}

static void add_up(hc_pins *pins)
{
	hc_pins_totals *totals = &pins->totals;

	totals->tcache = bytes_of(pins, HC_BLOCK_TCACHE);
	totals->fastbins = bytes_of(pins, HC_BLOCK_FASTBIN);
	totals->bins = bytes_of(pins, HC_BLOCK_UNSORTED) + bytes_of(pins, HC_BLOCK_SMALL) +
		       bytes_of(pins, HC_BLOCK_LARGE) + bytes_of(pins, HC_BLOCK_UNLISTED);
	totals->top = bytes_of(pins, HC_BLOCK_TOP);
	totals->free = totals->tcache + totals->fastbins + totals->bins + totals->top;
	hc_blocks_free_pages(pins->blocks, HC_ARENA_ALL, &totals->pages);
	totals->trim = hc_free_pages_gain(&totals->pages);
	totals->run_count = pins->entries->len;
	for (unsigned i = 0; i < pins->entries->len; i++) {
		const hc_pin_run *run = &g_array_index(pins->entries, hc_pin_entry, i).run;

		totals->run_bytes += run->bytes;
		totals->run_whole += run->whole;
		if (!run->pinned)
			continue;
		totals->pinned += run->whole;
		totals->pinned_zero += run->zero;
		totals->pinned_trim += run->trim;
		if (g_array_index(pins->entries, hc_pin_entry, i).shared)
			continue;
		totals->pins++;
		hc_amount_add(&totals->pinning, run->above.amount);
	}
}

hc_pins *hc_pins_create(const hc_core *core, const hc_blocks *blocks, const hc_types *types)
{
	hc_pins *pins = g_new0(hc_pins, 1);
	const hc_heap_info *heap = hc_blocks_heap(blocks);

	pins->core = core;
	pins->blocks = blocks;
	pins->types = types;
	pins->page = hc_core_process(core)->page_size;
	pins->minimum = hc_least_chunk(blocks->word, blocks->alignment);
	pins->trim_threshold = heap->thresholds_known ? heap->trim_threshold : DEFAULT_TRIM_THRESHOLD;
	pins->trim_unit = MAX(heap->trim_unit, pins->page);
	pins->top_pad = heap->thresholds_known ? heap->top_pad : DEFAULT_TOP_PAD;
	pins->pieces = g_array_new(FALSE, FALSE, sizeof(hc_pin_piece));
	pins->entries = g_array_new(FALSE, FALSE, sizeof(hc_pin_entry));
	pins->holders = g_array_new(FALSE, FALSE, sizeof(hc_pin_holder));
	pins->texts = g_string_chunk_new(1024);
	hc_pins_find_runs(pins);
	add_up(pins);
	hc_pins_add_holders(pins);
	hc_pins_sum_up(pins);
	return pins;
}

void hc_pins_destroy(hc_pins *pins)
{
	if (!pins)
		return;
	g_array_unref(pins->pieces);
	g_array_unref(pins->entries);
	g_array_unref(pins->holders);
	g_string_chunk_free(pins->texts);
	g_free(pins);
}

void hc_pins_get_totals(const hc_pins *pins, hc_pins_totals *ret_totals)
{
	*ret_totals = pins->totals;
}

unsigned hc_pins_run_count(const hc_pins *pins)
{
	return pins->entries->len;
}

const hc_pin_run *hc_pins_run(const hc_pins *pins, unsigned index)
{
	return index < pins->entries->len ? &g_array_index(pins->entries, hc_pin_entry, index).run : NULL;
}

unsigned hc_pins_holder_count(const hc_pins *pins)
{
	return pins->holders->len;
}

const hc_pin_holder *hc_pins_holder(const hc_pins *pins, unsigned index)
{
	return index < pins->holders->len ? &g_array_index(pins->holders, hc_pin_holder, index) : NULL;
}

const hc_pins_summary *hc_pins_get_summary(const hc_pins *pins)
{
	return &pins->summary;
}
