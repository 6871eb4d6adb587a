/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What debug info and the program's code tell of blocks that nothing, or nothing that is known, points to: classes of two layouts that lost
 * blocks hang on, and the calls that may have made the largest kinds of them, and the most frequent sizes. Both are asked only where there is
 * much of them; code is read once.
 */
#include "snapshot/snapshot_parts.h"

#include "abi/abi.h"
#include "analysis/analysis.h"
#include "leaks/leaks.h"
#include "sites/sites.h"
#include "types/types.h"

#include <string.h>

enum {
	LAYOUTS_MOST = 8,
	KINDS_MOST = 8,
	KIND_SHARE = 100, /* of what is lost: a kind that has less than one in so many bytes is not asked about */
	SIZES_MOST = 4,
	SIZE_LEAST = 1 << 20, /* bytes that are held by what is not known, of one size */
	SIZE_SHARE = 20,      /* and one in so many of what is in use */
	ASKED_ABOUT = 64,     /* blocks of each size */
};

const hc_module *hc_snapshot_keep_module(hc_snapshot *snapshot, const char *name, const char *path)
{
	hc_module *module;

	for (unsigned i = 0; i < snapshot->modules->len; i++) {
		module = snapshot->modules->pdata[i];
		if (!strcmp(module->name, name) && !strcmp(module->path, path))
			return module;
	}
	module = g_new0(hc_module, 1);
	module->name = hc_snapshot_keep(snapshot, name);
	module->path = hc_snapshot_keep(snapshot, path);
	g_ptr_array_add(snapshot->modules, module);
	return module;
}

static const hc_module *keep_module(hc_snapshot *snapshot, const hc_module *module)
{
	return module ? hc_snapshot_keep_module(snapshot, module->name, module->path) : NULL;
}

/* ---- answers ---- */

static hc_site keep_site(hc_snapshot *snapshot, const hc_site *site)
{
	hc_site kept = *site;

	kept.module = keep_module(snapshot, site->module);
	kept.address -= site->module->start;
	kept.comes_back = kept.function = 0;
	kept.allocator = hc_snapshot_keep(snapshot, site->allocator);
	kept.is_pool = kept.is_handed_on = false;
	return kept;
}

static void keep_place(hc_snapshot *snapshot, hc_site_place *place)
{
	place->function = hc_snapshot_keep(snapshot, place->function);
	place->file = hc_snapshot_keep(snapshot, place->file);
	place->inlined = hc_snapshot_keep(snapshot, place->inlined);
}

/* ANSWER, in the snapshot's own memory; ANSWER is cleared. Only calls that can be told to people are kept. */
static hc_site_answer take_answer(hc_snapshot *snapshot, hc_sites *sites, hc_site_answer *answer)
{
	hc_site_answer kept = *answer;
	bool are_told = answer->count <= HC_SITES_TOLD_MAX || answer->verdict >= HC_SITE_VERDICT_PROBABLY;

	hc_sites_find_places(sites, answer, are_told ? HC_SITES_TOLD_MAX : 0);
	kept.places = g_memdup2(answer->places, (answer->place_count + 1) * sizeof *answer->places);
	kept.place_count = answer->place_count;
	kept.only_in = keep_module(snapshot, answer->only_in);
	hc_site *own = g_new0(hc_site, answer->place_count + 1);
	const hc_site **list = g_new0(const hc_site *, answer->place_count + 1);

	g_ptr_array_add(snapshot->calls, own);
	for (unsigned i = 0; i < answer->place_count; i++) {
		own[i] = keep_site(snapshot, answer->sites[i]);
		list[i] = &own[i];
		keep_place(snapshot, &kept.places[i]);
	}
	kept.sites = list;
	hc_site_answer_clear(answer);
	return kept;
}

static void add_site(hc_snapshot *snapshot, hc_sites *sites, uint32_t lost, uint64_t size, hc_site_answer *answer)
{
	hc_snapshot_site site = { .lost = lost, .size = size };

	if (answer->verdict == HC_SITE_VERDICT_NONE) {
		hc_site_answer_clear(answer);
		return;
	}
	site.answer = take_answer(snapshot, sites, answer);
	g_array_append_val(snapshot->sites, site);
}

/* ---- what is lost ---- */

static int most_bytes_first(const void *a, const void *b, void *data)
{
	const GArray *lost = data;
	uint64_t x = g_array_index(lost, hc_leak_kind, *(const unsigned *)a).amount.bytes,
		 y = g_array_index(lost, hc_leak_kind, *(const unsigned *)b).amount.bytes;

	if (x != y)
		return x > y ? -1 : 1;
	return (*(const unsigned *)a > *(const unsigned *)b) - (*(const unsigned *)a < *(const unsigned *)b);
}

/* The largest kinds, by their places in the snapshot: *RET_COUNT of them. */
static unsigned *largest_kinds(const hc_snapshot *snapshot, unsigned *ret_count)
{
	unsigned count = snapshot->lost->len;
	unsigned *order = g_new(unsigned, (size_t)count + 1);
	uint64_t all = 0;

	for (unsigned i = 0; i < count; i++) {
		order[i] = i;
		all += g_array_index(snapshot->lost, hc_leak_kind, i).amount.bytes;
	}
	g_qsort_with_data(order, (int)count, sizeof *order, most_bytes_first, snapshot->lost);
	count = MIN(count, KINDS_MOST);
	while (count && g_array_index(snapshot->lost, hc_leak_kind, order[count - 1]).amount.bytes < all / KIND_SHARE)
		count--;
	*ret_count = count;
	return order;
}

static void add_kinds(hc_snapshot *snapshot, hc_sites *sites, const hc_leaks *leaks, const unsigned *kinds)
{
	unsigned count, groups = hc_leaks_group_count(leaks);
	g_autofree unsigned *largest = largest_kinds(snapshot, &count), *rows = g_new(unsigned, (size_t)groups + 1);
	hc_site_answer answers[KINDS_MOST];

	for (unsigned i = 0; i < groups; i++) {
		rows[i] = UINT_MAX;
		for (unsigned j = 0; j < count; j++)
			if (kinds[i] == largest[j])
				rows[i] = j;
	}
	if (!hc_sites_ask_leaks(sites, leaks, rows, count, answers))
		return;
	for (unsigned i = 0; i < count; i++)
		add_site(snapshot, sites, largest[i], g_array_index(snapshot->lost, hc_leak_kind, largest[i]).head_size,
			&answers[i]);
}

static void add_layouts(hc_snapshot *snapshot, const hc_analysis *analysis, hc_sites *sites)
{
	const hc_abi_options options = { .sizes_only = true, .no_code = true };
	g_autoptr(hc_abi) abi = hc_analysis_find_abi(analysis, &options);

	for (unsigned i = 0; i < hc_abi_count(abi) && snapshot->layouts->len < LAYOUTS_MOST; i++) {
		hc_snapshot_layouts layouts = { .difference = *hc_abi_get(abi, i) };
		hc_abi_difference *difference = &layouts.difference;
		hc_site_answer answer;

		if (!hc_abi_all_lost(difference).blocks && !difference->overrun)
			continue;
		layouts.has_site = sites && hc_abi_ask_sites(difference, sites, &answer);
		if (layouts.has_site)
			layouts.site = take_answer(snapshot, sites, &answer);
		difference->name = hc_snapshot_keep(snapshot, difference->name);
		for (unsigned k = 0; k < difference->holder_count; k++)
			difference->holders[k] = hc_snapshot_keep(snapshot, difference->holders[k]);
		for (unsigned k = 0; k < G_N_ELEMENTS(difference->sides); k++) {
			hc_abi_side *side = &difference->sides[k];

			for (unsigned m = 0; m < MIN(side->module_count, HC_ABI_MODULES_MAX); m++)
				side->modules[m] = keep_module(snapshot, side->modules[m]);
			side->unit = hc_snapshot_keep(snapshot, side->unit);
			side->declared = NULL;
			side->line = 0;
			side->type = NULL;
			side->fits = (hc_amount){ 0 };
		}
		difference->changes = NULL;
		difference->change_count = 0;
		difference->objects = (hc_amount){ 0 };
		difference->heads = difference->head_sizes = NULL;
		difference->head_count = 0;
		difference->owner = NULL;
		g_array_append_val(snapshot->layouts, layouts);
	}
}

/* ---- what is held by nothing that is known ---- */

struct asked_size {
	uint64_t size;	/* of a block */
	uint64_t bytes; /* of all */
	uint64_t total;
	unsigned count;
	hc_address addresses[ASKED_ABOUT];
	uint64_t sizes[ASKED_ABOUT];
};

static int largest_first(const void *a, const void *b)
{
	const struct asked_size *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return (x->size > y->size) - (x->size < y->size);
}

/* GArray of struct asked_size, without blocks. */
static GArray *sizes_to_ask(const hc_snapshot *snapshot)
{
	GArray *asked = g_array_new(FALSE, TRUE, sizeof(struct asked_size));
	uint64_t least = MAX(SIZE_LEAST, snapshot->in_use.bytes / SIZE_SHARE);

	for (unsigned i = 0; i < snapshot->sizes->len; i++) {
		const hc_snapshot_size *size = &g_array_index(snapshot->sizes, hc_snapshot_size, i);
		struct asked_size one = {
			.size = size->size, .bytes = size->size * size->unowned, .total = size->unowned
		};

		if (one.bytes < least)
			continue;
		g_array_append_val(asked, one);
		g_array_sort(asked, largest_first);
		g_array_set_size(asked, MIN(asked->len, SIZES_MOST));
	}
	return asked;
}

/* The first blocks of each size, as blocks.c counts them. */
static void find_blocks(const hc_analysis *analysis, GArray *asked)
{
	const hc_references *references = hc_analysis_references(analysis);
	const hc_types *types = hc_analysis_types(analysis);
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, hc_analysis_blocks(analysis));
	while (hc_block_iterator_next(&iterator, &block)) {
		if (block.state != HC_BLOCK_IN_USE || block.label)
			continue;
		for (unsigned i = 0; i < asked->len; i++) {
			struct asked_size *one = &g_array_index(asked, struct asked_size, i);

			if (one->size != block.size || one->count == ASKED_ABOUT ||
				hc_reach_is_lost(hc_references_reach(references, block.number)) ||
				(types && hc_types_path_of_block(types, block.number)))
				continue;
			one->addresses[one->count] = block.address;
			one->sizes[one->count++] = block.size;
		}
	}
}

static void add_sizes(hc_snapshot *snapshot, const hc_analysis *analysis, hc_sites *sites, GArray *asked)
{
	find_blocks(analysis, asked);
	for (unsigned i = 0; i < asked->len; i++) {
		const struct asked_size *one = &g_array_index(asked, struct asked_size, i);
		hc_site_answer answer;

		hc_sites_ask_blocks(sites, one->addresses, one->sizes, one->count, one->total, NULL, &answer);
		add_site(snapshot, sites, HC_SNAPSHOT_NONE, one->size, &answer);
	}
}

/* ---- all of it ---- */

void hc_snapshot_add_code(
	hc_snapshot *snapshot, const hc_analysis *analysis, const hc_leaks *leaks, const unsigned *kinds)
{
	bool loses = hc_findings_lose_enough(hc_analysis_blocks(analysis), hc_analysis_references(analysis));
	g_autoptr(GArray) asked = sizes_to_ask(snapshot);
	g_autoptr(hc_sites) sites = NULL;

	snapshot->knows_layouts = hc_analysis_types(analysis) != NULL;
	snapshot->knows_sites = hc_analysis_reads_code(analysis);
	if (snapshot->knows_sites && (loses || asked->len))
		sites = hc_analysis_find_sites(analysis);
	/* Code that is not there tells nothing. */
	if (sites && hc_sites_why_none(sites))
		g_clear_pointer(&sites, hc_sites_destroy);
	if (loses && snapshot->knows_layouts)
		add_layouts(snapshot, analysis, sites);
	if (loses && sites)
		add_kinds(snapshot, sites, leaks, kinds);
	if (sites)
		add_sizes(snapshot, analysis, sites, asked);
}
