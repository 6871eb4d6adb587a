/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The object as a whole: which memory is cut, and the numbers of parcels. */
#include "parcels/parcels_state.h"

#include "base/diagnostics.h"
#include "base/error.h"
#include "base/pages.h"
#include "base/word.h"

#include <inttypes.h>

static const uint64_t MOST_BYTES = (uint64_t)8 << 30;

enum {
	STORAGE_MAX = 16 << 20,	 /* of a thread's local storage */
	DESCRIPTOR_BYTES = 4096, /* from the thread pointer on: sizeof(struct pthread) is below that in all releases */
};

static const hc_diagnostic_kind left_out = {
	"parcels-left-out",
	HC_SEVERITY_NOTE,
	"of memory that is not malloc's were not searched for owners: there is too much of it",
};

/* ---- ranges ---- */

static bool is_anonymous(const hc_area *area)
{
	return area && area->kind == HC_AREA_ANONYMOUS && !hc_runtime_kind_moves(area->runtime.kind);
}

/*
 * The local storage and descriptor of thread INDEX, whole pages: where nobody told that these are a
 * stack's, the kernel may join them with others.
 */
static hc_range storage_of(const hc_core *core, hc_modules *modules, unsigned index)
{
	hc_address pointer = hc_core_thread(core, index)->thread_pointer, start = pointer;
	uint64_t page = hc_core_process(core)->page_size;

	for (unsigned i = 0; i < hc_modules_count(modules); i++) {
		const hc_tls_block *block = hc_modules_tls_block(modules, hc_modules_get(modules, i), index);

		if (block && block->start < start && pointer - block->start <= STORAGE_MAX)
			start = block->start;
	}
	return (hc_range){ hc_align_down(start, page), hc_align_up(pointer + DESCRIPTOR_BYTES, page) };
}

static int compare_ranges(const void *a, const void *b)
{
	const hc_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/*
 * What is a thread's of anonymous memory: its storage, and where its stack pointer is. GArray of
 * hc_range, by address.
 */
static GArray *find_threads(const hc_core *core, hc_modules *modules, const hc_areas *areas)
{
	GArray *found = g_array_new(FALSE, FALSE, sizeof(hc_range));

	for (unsigned i = 0; i < hc_core_thread_count(core); i++) {
		const hc_thread *thread = hc_core_thread(core, i);
		const hc_area *stack = hc_areas_find(areas, thread->stack_pointer);

		if (is_anonymous(stack)) {
			hc_range range = { stack->start, stack->end };

			g_array_append_val(found, range);
		}
		if (thread->thread_pointer && is_anonymous(hc_areas_find(areas, thread->thread_pointer))) {
			hc_range range = storage_of(core, modules, i);

			g_array_append_val(found, range);
		}
	}
	g_array_sort(found, compare_ranges);
	return found;
}

/* Whole granules of [START, END): what a damaged core tells of may begin and end anywhere. */
static void add_range(hc_parcels *parcels, hc_address start, hc_address end)
{
	if (start > UINT64_MAX - HC_PARCEL_GRANULE)
		return;
	start = hc_align_up(start, HC_PARCEL_GRANULE);
	end = hc_align_down(end, HC_PARCEL_GRANULE);
	hc_parcel_range range = { start, end, parcels->granules };

	if (start >= end)
		return;
	g_array_append_val(parcels->ranges, range);
	parcels->granules += ((end - start) / HC_PARCEL_GRANULE + 64) / 64 * 64;
	if (!parcels->span)
		parcels->low = start;
	parcels->span = end - parcels->low;
}

/*
 * AREA without what THREADS have of it. *NEXT: the first of these that may lie behind the areas
 * before.
 */
static void add_area(hc_parcels *parcels, const hc_area *area, const GArray *threads, unsigned *next)
{
	hc_address at = area->start;

	for (; *next < threads->len; ++*next) {
		hc_range range = g_array_index(threads, hc_range, *next);

		if (range.start >= area->end)
			break;
		add_range(parcels, at, MIN(range.start, area->end));
		at = MAX(at, range.end);
		if (range.end >= area->end)
			break;
	}
	add_range(parcels, at, area->end);
}

static void choose_ranges(hc_parcels *parcels, hc_modules *modules, const hc_areas *areas, hc_diagnostics *diagnostics)
{
	g_autoptr(GArray) threads = find_threads(parcels->core, modules, areas);
	unsigned next = 0;
	uint64_t bytes = 0;

	for (unsigned i = 0; i < hc_areas_count(areas); i++) {
		const hc_area *area = hc_areas_get(areas, i);
		uint64_t size = area->end - area->start;

		if (!is_anonymous(area) || !area->mapping->bytes || !(area->mapping->flags & HC_MAPPING_WRITE))
			continue;
		if (size > MOST_BYTES - bytes) {
			hc_diagnostics_add(
				diagnostics, &left_out, size, "%#" PRIx64 "-%#" PRIx64, area->start, area->end);
			continue;
		}
		bytes += size;
		add_area(parcels, area, threads, &next);
	}
}

/* ---- numbers ---- */

static size_t rank_size(const hc_parcels *parcels)
{
	return (parcels->granules / 64 + 1) * sizeof(uint32_t);
}

static size_t granules_size(const hc_parcels *parcels)
{
	return (parcels->count + (size_t)1) * sizeof(uint32_t);
}

static size_t preceded_size(const hc_parcels *parcels)
{
	return (parcels->count / 64 + (size_t)1) * sizeof(uint64_t);
}

/* FALSE if memory was out. Granules have numbers of 32 bits, as MOST_BYTES has fewer. */
static bool number_parcels(hc_parcels *parcels)
{
	uint64_t words = parcels->granules / 64;
	uint32_t count = 0;

	for (uint64_t i = 0; i < words; i++) {
		parcels->rank[i] = count;
		count += hc_sum_of_bytes(hc_bits_of_bytes(parcels->cuts[i]));
	}
	parcels->count = count;
	parcels->granule_of = hc_pages_create(granules_size(parcels));
	parcels->preceded = hc_pages_create(preceded_size(parcels));
	if (!parcels->granule_of || !parcels->preceded)
		return false;
	count = 0;
	for (uint64_t i = 0; i < words; i++)
		for (uint64_t bits = parcels->cuts[i]; bits; bits &= bits - 1)
			parcels->granule_of[count++] = (uint32_t)(i * 64 + (unsigned)__builtin_ctzll(bits));
	return true;
}

hc_parcels *hc_parcels_create(const hc_core *core, hc_modules *modules, const hc_blocks *blocks, const hc_areas *areas,
	const hc_references *references, unsigned jobs, hc_diagnostics *diagnostics, GError **error)
{
	g_autoptr(hc_parcels) parcels = g_new0(hc_parcels, 1);

	parcels->core = core;
	parcels->ranges = g_array_new(FALSE, FALSE, sizeof(hc_parcel_range));
	parcels->root_words = g_array_new(FALSE, FALSE, sizeof(hc_root_word));
	choose_ranges(parcels, modules, areas, diagnostics);
	if (!parcels->span)
		return g_steal_pointer(&parcels);
	parcels->cuts = hc_pages_create(hc_parcels_bits_size(parcels));
	parcels->strong = hc_pages_create(hc_parcels_bits_size(parcels));
	parcels->rank = hc_pages_create(rank_size(parcels));
	bool ok = parcels->cuts && parcels->strong && parcels->rank &&
		  hc_parcels_find_objects(parcels, hc_areas_runtimes(areas));

	if (ok) {
		hc_parcels_cut(parcels, modules, blocks, references, jobs);
		hc_parcels_cut_objects(parcels, hc_areas_runtimes(areas));
	}
	if (!ok || !number_parcels(parcels)) {
		g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY,
			"no memory to tell who uses %" PRIu64 " MiB that are not malloc's",
			parcels->granules * HC_PARCEL_GRANULE >> 20);
		return NULL;
	}
	hc_parcels_find_preceded(parcels, references, jobs);
	return g_steal_pointer(&parcels);
}

void hc_parcels_destroy(hc_parcels *parcels)
{
	if (!parcels)
		return;
	hc_pages_destroy(parcels->preceded, preceded_size(parcels));
	hc_pages_destroy(parcels->granule_of, granules_size(parcels));
	hc_pages_destroy(parcels->rank, rank_size(parcels));
	hc_pages_destroy(parcels->links, hc_parcels_bits_size(parcels));
	hc_pages_destroy(parcels->free, hc_parcels_bits_size(parcels));
	hc_pages_destroy(parcels->strong, hc_parcels_bits_size(parcels));
	hc_pages_destroy(parcels->cuts, hc_parcels_bits_size(parcels));
	g_array_unref(parcels->root_words);
	g_array_unref(parcels->ranges);
	g_free(parcels);
}
