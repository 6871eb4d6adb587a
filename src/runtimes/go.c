/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Go's heap is runtime.mheap_, a variable that a Go program has even if it has no debug info. Among its words is allspans, a slice: address,
 * length, room of a table of spans (go/src/runtime/mheap.go). A span begins with next, prev and list, and tells where its memory begins and
 * how many pages of 8 KiB it has. Where allspans stands differs by version, so it is found by what it leads to. The heap grows by arenas of
 * 64 MiB, at multiples of that: those with a span in them are Go's.
 *
 * Of a program without symbols the mark of the Go linker is left (.go.buildinfo: cmd/link/internal/ld/data.go), and that the runtime asks for
 * its first arena at 0xc000000000. The latter proves little, so of what lies there it is said that it is probably Go's.
 */
#include "runtimes/runtimes_state.h"

#include <string.h>

static const hc_address FIRST_ARENA = 0xc000000000, ARENAS_END = 0xc100000000;
static const uint64_t ARENA = 64 << 20, PAGE = 8192, SPANS_MAX = 1 << 24, PAGES_MAX = 1 << 27;

enum {
	SPAN_START = 24, /* bytes into a span */
	SPAN_PAGES = 32,
	STATE_WORDS_MAX = 1 << 20, /* of mheap_ */
	LEAST_IN = 8,		   /* of ten spans so many have memory where a heap can be */
	LOOKS_MAX = 1 << 25,	   /* at spans and their arenas: damage must not make it endless */
	MARK_ALIGNMENT = 16,
	MARK_REACH = 1 << 16, /* bytes: it is at the beginning of the data */
};

static const char build_mark[] = "\xff Go buildinf:";

/*
 * The numbers of the arenas that have a span; NULL if the COUNT words at TABLE are not allspans. *LOOKS: looks that are left. Free with
 * g_hash_table_unref().
 */
static GHashTable *arenas_of(const hc_runtimes *runtimes, hc_address table, uint64_t count, uint64_t *looks)
{
	g_autoptr(GHashTable) arenas = g_hash_table_new(NULL, NULL);
	uint64_t in = 0, with_pages = 0;

	for (uint64_t i = 0; i < count; i++) {
		hc_address span = hc_runtimes_word(runtimes, table + i * sizeof(uint64_t));
		uint64_t start = span ? hc_runtimes_word(runtimes, span + SPAN_START) : 1,
			 pages = span ? hc_runtimes_word(runtimes, span + SPAN_PAGES) : 0;

		/* One that is no span's is enough: this is another table. */
		if (start % PAGE || pages > PAGES_MAX || *looks < 1 + pages * PAGE / ARENA)
			return NULL;
		*looks -= 1 + pages * PAGE / ARENA;
		if (!start || !pages)
			continue;
		with_pages++;
		if (!hc_runtimes_is_private(runtimes, start))
			continue;
		in++;
		for (hc_address at = start / ARENA; at <= (start + pages * PAGE - 1) / ARENA; at++)
			g_hash_table_add(arenas, GSIZE_TO_POINTER(at));
	}
	return in && in * 10 >= with_pages * LEAST_IN ? g_steal_pointer(&arenas) : NULL;
}

static bool add_by_spans(hc_runtimes *runtimes, const hc_symbol *heap)
{
	uint64_t words = MIN(heap->size / sizeof(uint64_t), STATE_WORDS_MAX), looks = LOOKS_MAX;

	for (uint64_t i = 0; i + 2 < words; i++) {
		hc_address slice = heap->address + i * sizeof(uint64_t), table = hc_runtimes_word(runtimes, slice);
		uint64_t count = table ? hc_runtimes_word(runtimes, slice + 8) : 0;

		if (!count || count > SPANS_MAX || hc_runtimes_word(runtimes, slice + 16) < count)
			continue;
		g_autoptr(GHashTable) arenas = arenas_of(runtimes, table, count, &looks);
		GHashTableIter iterator;
		void *number;

		if (!arenas)
			continue;
		g_hash_table_iter_init(&iterator, arenas);
		while (g_hash_table_iter_next(&iterator, &number, NULL))
			hc_runtimes_add(runtimes, GPOINTER_TO_SIZE(number) * ARENA,
				(GPOINTER_TO_SIZE(number) + 1) * ARENA, HC_RUNTIME_GO, true);
		return true;
	}
	return false;
}

static bool has_build_mark(const hc_runtimes *runtimes, const hc_module *program)
{
	unsigned index = 0;
	hc_range data;
	const uint8_t *bytes;

	while (hc_runtimes_next_data(runtimes, program, &index, &data, &bytes)) {
		uint64_t size = MIN(data.end - data.start, MARK_REACH);

		for (uint64_t at = 0; at + sizeof build_mark <= size; at += MARK_ALIGNMENT)
			if (!memcmp(bytes + at, build_mark, sizeof build_mark - 1))
				return true;
	}
	return false;
}

/* Whether anything lies where the runtime asks for its first arenas. Nothing more is looked at of programs where nothing does. */
static bool has_first_arena(const hc_runtimes *runtimes)
{
	const hc_mapping *mapping =
		hc_core_mapping(runtimes->core, hc_core_mapping_after(runtimes->core, FIRST_ARENA));

	return mapping && mapping->start < ARENAS_END;
}

void hc_runtimes_find_go(hc_runtimes *runtimes)
{
	const hc_module *program = hc_modules_executable(runtimes->modules);
	hc_symbol heap;

	if (!program || !has_first_arena(runtimes))
		return;
	if (hc_module_symbol(runtimes->modules, program, "runtime.mheap_", &heap) && add_by_spans(runtimes, &heap))
		return;
	if (has_build_mark(runtimes, program))
		hc_runtimes_add(runtimes, FIRST_ARENA, ARENAS_END, HC_RUNTIME_GO, false);
}
