/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much free memory does malloc keep, would trimming help, and what pins most of it? */
#include "findings/findings.h"

#include "pins/pins.h"

enum {
	WORTH_SAYING = 1 << 20
};

/* What pins most of BYTES; nothing if no kind of blocks does. The strings are copied. */
static hc_pin_holder find_main_pin(const hc_findings_input *input, uint64_t bytes)
{
	g_autoptr(hc_pins) pins = hc_pins_create(input->core, input->blocks, input->types);
	const hc_pin_holder *holder = hc_pins_holder(pins, 0);
	hc_pin_holder copy = { 0 };

	if (!holder || holder->pinned < bytes / 2)
		return copy;
	copy = *holder;
	copy.name = g_strdup(holder->name);
	copy.path = g_strdup(holder->path);
	return copy;
}

void hc_find_retained(const hc_findings_input *input, hc_findings *findings)
{
	const hc_memory *memory = input->memory;
	hc_finding finding = { .kind = HC_FINDING_RETAINED };
	hc_free_pages pages;

	for (unsigned row = 0; row < HC_ROW_COUNT; row++)
		finding.bytes += hc_row_is_free(row) ? hc_memory_row_bytes(memory, row) : 0;
	if (finding.bytes < WORTH_SAYING || finding.bytes < hc_memory_total(memory) / 50)
		return;
	hc_blocks_free_pages(input->blocks, HC_ARENA_ALL, &pages);
	finding.retained = (hc_finding_retained){
		.whole = pages.whole,
		.zero = pages.zero,
		.trim = hc_free_pages_gain(&pages),
		.holder = find_main_pin(input, finding.bytes),
	};
	hc_findings_add(findings, &finding);
}
