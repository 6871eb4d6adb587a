/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of allocators that are read. */
#include "allocators/allocators.h"

static const hc_allocator *const readers[] = {
	&hc_allocator_glibc,
};

static void forget(const hc_allocator *allocator, hc_heap *heap)
{
	hc_heap_info kept = { .provider = heap->info.provider, .foreign = heap->info.foreign };

	allocator->close(heap);
	heap->private = NULL;
	heap->info = kept;
	g_array_set_size(heap->arenas, 0);
	g_array_set_size(heap->regions, 0);
	g_array_set_size(heap->states, 0);
}

const hc_allocator *hc_allocators_open(
	hc_heap *heap, const hc_core *core, hc_modules *modules, hc_diagnostics *diagnostics)
{
	for (unsigned i = 0;; i++) {
		readers[i]->open(heap, core, modules, diagnostics);
		if (heap->info.found || i + 1 == G_N_ELEMENTS(readers))
			return readers[i];
		forget(readers[i], heap);
	}
}
