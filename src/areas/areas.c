/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cutting the core's pieces into areas, by the claims on them. */
#include "areas/areas_state.h"

static void add_area(hc_areas *areas, hc_area area)
{
	if (area.start >= area.end)
		return;
	areas->bytes[area.kind] += area.end - area.start;
	g_array_append_val(areas->list, area);
}

static void add_unclaimed(
	hc_areas *areas, const hc_mapping *mapping, hc_address start, hc_address end, hc_area_kind kind, unsigned owner)
{
	add_area(areas, (hc_area){ .start = start, .end = end, .kind = kind, .mapping = mapping, .owner = owner });
}

/*
 * A module's last page of data may belong to a mapping that goes on behind it (the program break never does, but a bss that
 * the kernel merged with an anonymous mapping can): what lies behind is classified by itself.
 */
static hc_address end_of_kind(const hc_areas *areas, const hc_mapping *mapping, hc_address start)
{
	const hc_module *module = hc_modules_find(areas->modules, start);

	return module && module->end > start && module->end < mapping->end ? module->end : mapping->end;
}

static void cut_mapping(hc_areas *areas, const hc_mapping *mapping, unsigned *claim_index)
{
	hc_address at = mapping->start;

	while (at < mapping->end) {
		while (*claim_index < areas->claims->len &&
			g_array_index(areas->claims, hc_area_claim, *claim_index).end <= at)
			++*claim_index;
		const hc_area_claim *claim = *claim_index < areas->claims->len ?
						     &g_array_index(areas->claims, hc_area_claim, *claim_index) :
						     NULL;

		if (claim && claim->start <= at) {
			hc_address end = MIN(claim->end, mapping->end);

			add_unclaimed(areas, mapping, at, end, claim->kind, claim->owner);
			at = end;
			continue;
		}
		hc_mapping part = *mapping;

		part.start = at;
		part.bytes = mapping->bytes ? mapping->bytes + (at - mapping->start) : NULL;
		part.end = MIN(claim ? MIN(claim->start, mapping->end) : mapping->end, end_of_kind(areas, mapping, at));
		unsigned owner;
		hc_area_kind kind = hc_areas_classify(areas, &part, &owner);

		add_unclaimed(areas, mapping, at, part.end, kind, owner);
		at = part.end;
	}
}

hc_areas *hc_areas_create(
	const hc_core *core, hc_modules *modules, const hc_blocks *blocks, hc_diagnostics *diagnostics)
{
	hc_areas *areas = g_new0(hc_areas, 1);
	unsigned claim_index = 0;

	areas->core = core;
	areas->modules = modules;
	areas->blocks = blocks;
	areas->diagnostics = diagnostics;
	areas->list = g_array_new(FALSE, FALSE, sizeof(hc_area));
	areas->claims = g_array_new(FALSE, FALSE, sizeof(hc_area_claim));
	areas->results = g_array_new(FALSE, FALSE, sizeof(hc_range));
	areas->unjoined_stacks = g_array_new(FALSE, FALSE, sizeof(hc_range));
	areas->unjoined_routines = g_array_new(FALSE, FALSE, sizeof(hc_address));
	areas->guards = g_hash_table_new(NULL, NULL);
	areas->runtimes = hc_runtimes_create(core, modules, hc_blocks_heap(blocks)->foreign);
	hc_areas_claim_heap(areas);
	hc_areas_claim_stacks(areas);
	hc_areas_find_results(areas);
	hc_areas_claim_coroutines(areas);
	hc_areas_claim_runtimes(areas);
	hc_areas_make_claims_disjoint(areas);
	for (unsigned i = 0; i < hc_core_mapping_count(core); i++)
		cut_mapping(areas, hc_core_mapping(core, i), &claim_index);
	hc_areas_find_users(areas);
	hc_areas_name_runtimes(areas);
	hc_areas_count_unjoined(areas);
	return areas;
}

const hc_runtimes *hc_areas_runtimes(const hc_areas *areas)
{
	return areas->runtimes;
}

void hc_areas_destroy(hc_areas *areas)
{
	if (!areas)
		return;
	hc_runtimes_destroy(areas->runtimes);
	g_array_unref(areas->list);
	g_array_unref(areas->claims);
	g_array_unref(areas->results);
	g_array_unref(areas->unjoined_stacks);
	g_array_unref(areas->unjoined_routines);
	g_free(areas->unjoined_routine);
	g_hash_table_unref(areas->guards);
	g_free(areas);
}
