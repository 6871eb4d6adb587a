/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Claims, and cutting the core's pieces into areas. */
#include "areas/areas_state.h"

#include "base/partition.h"

static const char *const kind_names[HC_AREA_KIND_COUNT] = {
	[HC_AREA_HEAP] = "heap",
	[HC_AREA_MMAPPED] = "mmapped",
	[HC_AREA_FOREIGN_SBRK] = "foreign-sbrk",
	[HC_AREA_HEAP_UNREADABLE] = "heap-unreadable",
	[HC_AREA_MALLOC_STATE] = "malloc-state",
	[HC_AREA_STACK] = "stack",
	[HC_AREA_STACK_UNUSED] = "stack-unused",
	[HC_AREA_MODULE_DATA] = "data",
	[HC_AREA_FILE] = "file",
	[HC_AREA_SHARED] = "shared",
	[HC_AREA_ANONYMOUS] = "anonymous",
	[HC_AREA_KERNEL] = "kernel",
	[HC_AREA_RESERVED] = "reserved",
	[HC_AREA_NOT_DUMPED] = "not-dumped",
	[HC_AREA_TRUNCATED] = "truncated",
};

const char *hc_area_kind_name(hc_area_kind kind)
{
	return (unsigned)kind < HC_AREA_KIND_COUNT ? kind_names[kind] : "unknown";
}

const char *hc_area_user_name(hc_area_user user)
{
	static const char *const names[HC_AREA_USER_COUNT] = {
		[HC_AREA_USER_MODULE] = "module",
		[HC_AREA_USER_THREAD] = "thread",
		[HC_AREA_USER_ALLOCATOR] = "allocator",
	};

	return (unsigned)user < HC_AREA_USER_COUNT ? names[user] : NULL;
}

/* ---- claims ---- */

void hc_areas_claim(hc_areas *areas, hc_address start, hc_address end, hc_area_kind kind, unsigned owner)
{
	hc_area_claim claim = { start, end, kind, owner };

	if (start < end)
		g_array_append_val(areas->claims, claim);
}

/* A region of the heap, without the pseudo-blocks in it that are somebody else's or unreadable. */
static void claim_region(hc_areas *areas, unsigned index)
{
	const hc_blocks *blocks = areas->blocks;
	const hc_block_region *region = &blocks->regions[index];
	hc_address at = region->region.outer_start;

	if (region->region.is_mmapped) {
		hc_areas_claim(areas, at, region->region.outer_end, HC_AREA_MMAPPED, index);
		return;
	}
	for (uint32_t i = 0; i < region->block_count; i++) {
		hc_block_state state = blocks->states[region->first_block + i];
		hc_block block;

		if ((state != HC_BLOCK_FOREIGN && state != HC_BLOCK_UNREADABLE) ||
			!hc_blocks_get(blocks, region->first_block + i, &block))
			continue;
		hc_address start = block.address - 2 * blocks->word;

		hc_areas_claim(areas, at, start, HC_AREA_HEAP, index);
		at = start + block.chunk_size;
		hc_areas_claim(areas, start, at,
			state == HC_BLOCK_FOREIGN ? HC_AREA_FOREIGN_SBRK : HC_AREA_HEAP_UNREADABLE, index);
	}
	hc_areas_claim(areas, at, region->region.outer_end, HC_AREA_HEAP, index);
	if (region->region.reserved_end)
		hc_areas_claim(areas, region->region.outer_end, region->region.reserved_end, HC_AREA_RESERVED, index);
}

static int compare_claims(const void *a, const void *b)
{
	const hc_area_claim *x = a, *y = b;

	if (x->start != y->start)
		return (x->start > y->start) - (x->start < y->start);
	return (int)x->kind - (int)y->kind;
}

/* Of claims of one kind the one that begins first has what they share. Leaves the claims sorted. */
static void make_kinds_disjoint(GArray *claims)
{
	hc_address ends[HC_AREA_KIND_COUNT] = { 0 };
	unsigned kept = 0;

	g_array_sort(claims, compare_claims);
	for (unsigned i = 0; i < claims->len; i++) {
		hc_area_claim claim = g_array_index(claims, hc_area_claim, i);

		claim.start = MAX(claim.start, ends[claim.kind]);
		if (claim.start >= claim.end)
			continue;
		ends[claim.kind] = claim.end;
		g_array_index(claims, hc_area_claim, kept++) = claim;
	}
	g_array_set_size(claims, kept);
	g_array_sort(claims, compare_claims);
}

/* Adds [start, end) of CLAIM. What begins where no greater claim ended goes on in one piece. */
static void append_part(GArray *claims, const hc_area_claim *claim, hc_address start, hc_address end)
{
	hc_area_claim part = { start, end, claim->kind, claim->owner };
	hc_area_claim *last = claims->len ? &g_array_index(claims, hc_area_claim, claims->len - 1) : NULL;

	if (last && start > claim->start && last->end == start && last->kind == claim->kind)
		last->end = end;
	else
		g_array_append_val(claims, part);
}

/*
 * Kinds are in order of precedence: the heap's own claims are never cut by a stack's. A sweep over the address space; of each
 * kind one claim at most is open at a time.
 */
static void make_claims_disjoint(hc_areas *areas)
{
	g_autoptr(GArray) claims = g_steal_pointer(&areas->claims);
	hc_area_claim open[HC_AREA_KIND_COUNT] = { 0 };
	hc_address at = 0;
	unsigned next = 0;

	make_kinds_disjoint(claims);
	areas->claims = g_array_new(FALSE, FALSE, sizeof(hc_area_claim));
	for (;;) {
		const hc_area_claim *first = NULL;

		for (; next < claims->len && g_array_index(claims, hc_area_claim, next).start <= at; next++)
			open[g_array_index(claims, hc_area_claim, next).kind] =
				g_array_index(claims, hc_area_claim, next);
		for (unsigned kind = 0; kind < HC_AREA_KIND_COUNT && !first; kind++)
			first = open[kind].end > at ? &open[kind] : NULL;
		hc_address border = next < claims->len ? g_array_index(claims, hc_area_claim, next).start : UINT64_MAX;

		if (!first && next == claims->len)
			break;
		if (first) {
			border = MIN(border, first->end);
			append_part(areas->claims, first, at, border);
		}
		at = border;
	}
}

/* ---- cutting ---- */

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
	areas->guards = g_hash_table_new(NULL, NULL);
	for (unsigned i = 0; i < blocks->region_count; i++)
		claim_region(areas, i);
	for (unsigned i = 0; i < blocks->heap.states->len; i++) {
		const hc_range *state = &g_array_index(blocks->heap.states, hc_range, i);

		hc_areas_claim(areas, state->start, state->end, HC_AREA_MALLOC_STATE, UINT_MAX);
	}
	hc_areas_claim_stacks(areas);
	make_claims_disjoint(areas);
	for (unsigned i = 0; i < hc_core_mapping_count(core); i++)
		cut_mapping(areas, hc_core_mapping(core, i), &claim_index);
	hc_areas_find_users(areas);
	hc_areas_count_unjoined(areas);
	return areas;
}

void hc_areas_destroy(hc_areas *areas)
{
	if (!areas)
		return;
	g_array_unref(areas->list);
	g_array_unref(areas->claims);
	g_array_unref(areas->results);
	g_array_unref(areas->unjoined_stacks);
	g_hash_table_unref(areas->guards);
	g_free(areas);
}

unsigned hc_areas_count(const hc_areas *areas)
{
	return areas->list->len;
}

const hc_area *hc_areas_get(const hc_areas *areas, unsigned index)
{
	return index < areas->list->len ? &g_array_index(areas->list, hc_area, index) : NULL;
}

const hc_area *hc_areas_find(const hc_areas *areas, hc_address address)
{
	unsigned low = HC_PARTITION_POINT(middle, 0, areas->list->len, hc_areas_get(areas, middle)->end <= address);
	const hc_area *area = hc_areas_get(areas, low);

	return area && area->start <= address ? area : NULL;
}

uint64_t hc_areas_bytes(const hc_areas *areas, hc_area_kind kind)
{
	return areas->bytes[kind];
}

uint64_t hc_areas_total(const hc_areas *areas)
{
	uint64_t total = 0;

	for (unsigned kind = 0; kind < HC_AREA_KIND_COUNT; kind++)
		total += areas->bytes[kind];
	return total;
}
