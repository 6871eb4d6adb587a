/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which calls may have made what hangs on rows of owners.
 *
 * Asked about are the blocks that a row has itself: those that hang on no row below. So many as a question looks at are picked among all of
 * them, each with the same chance, in one pass over the blocks for all rows; a second one counts those that have the size that is told.
 */
#include "reports/parts.h"

#include "wording/wording.h"

enum {
	PICKED_MOST = 64, /* of each row, as hc_sites_ask_blocks() takes */
	NO_SLOT = 0,
};

/* One row's. */
struct picked {
	uint64_t seen;
	hc_address addresses[PICKED_MOST];
	uint64_t sizes[PICKED_MOST];
};

struct picking {
	const hc_analysis *analysis;
	const hc_ownership *ownership;
	uint32_t *slots; /* of each row of OWNERSHIP: its place among those asked about, + 1, or NO_SLOT */
	struct picked *picked;
	uint64_t random;
};

/* Where BLOCK is counted among the rows that are asked about; NO_SLOT: nowhere. As hc_ownership_create() counts it. */
static uint32_t slot_of(const struct picking *picking, const hc_block *block)
{
	const hc_references *references = hc_analysis_references(picking->analysis);

	if (block->state != HC_BLOCK_IN_USE || block->label)
		return NO_SLOT;
	uint32_t row = hc_ownership_row_of_path(
		picking->ownership, hc_types_path_of_block(hc_analysis_types(picking->analysis), block->number));

	if (row == HC_OWNER_NO_ROW || !picking->slots[row] ||
		(references && hc_reach_is_lost(hc_references_reach(references, block->number))))
		return NO_SLOT;
	return picking->slots[row];
}

/* xorshift64 (Marsaglia, 2003): the same blocks in each run. */
static uint64_t next_random(struct picking *picking)
{
	picking->random ^= picking->random << 13;
	picking->random ^= picking->random >> 7;
	picking->random ^= picking->random << 17;
	return picking->random;
}

static void pick(struct picking *picking, struct picked *picked, const hc_block *block)
{
	uint64_t place = picked->seen < PICKED_MOST ? picked->seen : next_random(picking) % (picked->seen + 1);

	picked->seen++;
	if (place >= PICKED_MOST)
		return;
	picked->addresses[place] = block->address;
	picked->sizes[place] = block->size;
}

static void pick_all(struct picking *picking)
{
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, hc_analysis_blocks(picking->analysis));
	while (hc_block_iterator_next(&iterator, &block)) {
		uint32_t slot = slot_of(picking, &block);

		if (slot != NO_SLOT)
			pick(picking, &picking->picked[slot - 1], &block);
	}
}

static void count_alike(const struct picking *picking, hc_owner_calls *calls)
{
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, hc_analysis_blocks(picking->analysis));
	while (hc_block_iterator_next(&iterator, &block)) {
		uint32_t slot = slot_of(picking, &block);

		if (slot != NO_SLOT && block.size == calls[slot - 1].answer.size)
			hc_amount_count(&calls[slot - 1].alike, block.size);
	}
}

void hc_owner_calls_find(const hc_analysis *analysis, const hc_ownership *ownership, hc_sites *sites,
	hc_owner_calls *calls, unsigned count, const hc_report_options *options)
{
	g_autofree uint32_t *slots = g_try_new0(uint32_t, (size_t)hc_ownership_row_count(ownership) + 1);
	g_autofree struct picked *picked = g_try_new0(struct picked, (size_t)count + 1);
	struct picking picking = { analysis, ownership, slots, picked, 0x9e3779b97f4a7c15 };

	if (!slots || !picked || hc_sites_why_none(sites))
		return;
	for (unsigned i = 0; i < count; i++)
		slots[calls[i].row] = i + 1;
	pick_all(&picking);
	for (unsigned i = 0; i < count; i++) {
		hc_sites_ask_blocks(sites, picked[i].addresses, picked[i].sizes,
			(unsigned)MIN(picked[i].seen, PICKED_MOST), picked[i].seen, NULL, &calls[i].answer);
		hc_site_answer_place(sites, &calls[i].answer, options);
	}
	count_alike(&picking, calls);
}

void hc_owner_calls_clear(hc_owner_calls *calls)
{
	hc_site_answer_clear(&calls->answer);
}

static void add_call(hc_records *records, const hc_ownership *ownership, const hc_owner_calls *calls)
{
	const hc_owner_row *row = hc_ownership_row(ownership, calls->row);
	const hc_fact facts[] = {
		{ "path", NULL, hc_value_text(row->text) },
		{ "own", NULL, hc_value_amount(row->own) },
		{ "alike", NULL, hc_value_amount(calls->alike) },
		{ "sites", NULL, hc_value_json(hc_site_answer_json(&calls->answer)) },
	};

	hc_records_add(records, facts);
}

json_t *hc_owner_calls_json(const hc_ownership *ownership, const hc_owner_calls *calls, unsigned count)
{
	g_autoptr(hc_records) records = hc_records_create();

	for (unsigned i = 0; i < count; i++)
		if (calls[i].answer.size)
			add_call(records, ownership, &calls[i]);
	return hc_records_json(records);
}

void hc_owner_calls_print(const hc_ownership *ownership, const hc_owner_calls *calls, unsigned count, hc_output *output)
{
	for (unsigned i = 0; i < count; i++) {
		const hc_owner_row *row = hc_ownership_row(ownership, calls[i].row);

		hc_output_sentence(output, 0, 4, hc_word_owner_calls(row, calls[i].alike, &calls[i].answer));
	}
}
