/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which arena each thread allocates from: thread_arena, a thread-local variable of libc, found as the one of the caches is. */
#include "allocators/glibc.h"

/* The distance at which most of the threads have the address of an arena; 0 if none has one anywhere. */
static int64_t find_arena_distance(const glibc *g, const GArray *voters, GHashTable *arenas)
{
	int64_t best = 0;
	unsigned best_votes = 0;
	g_autoptr(GHashTable) votes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

	for (unsigned i = 0; i < voters->len; i++) {
		hc_address pointer = g_array_index(voters, hc_address, i);

		for (int64_t distance = g->word; distance <= GLIBC_TLS_REACH; distance += g->word) {
			uint64_t value;

			if (!hc_core_read_word(g->core, glibc_thread_local(g, pointer, distance), &value))
				break;
			if (!g_hash_table_contains(arenas, &value))
				continue;
			unsigned count = GPOINTER_TO_UINT(g_hash_table_lookup(votes, &distance)) + 1;

			g_hash_table_insert(votes, g_memdup2(&distance, sizeof distance), GUINT_TO_POINTER(count));
			if (count > best_votes || (count == best_votes && distance < best)) {
				best = distance;
				best_votes = count;
			}
		}
	}
	return best;
}

/* Appends to a plain array that grows at powers of two. */
static void attach_thread(hc_arena *arena, unsigned thread)
{
	unsigned *threads = (unsigned *)arena->threads;

	if (!(arena->thread_count & (arena->thread_count - 1)))
		threads = g_renew(unsigned, threads, MAX(2 * arena->thread_count, 1));
	threads[arena->thread_count++] = thread;
	arena->threads = threads;
}

/* thread_arena lies in the same TLS block; every thread that ever allocated has the address of an arena there. */
void glibc_attach_threads(glibc *g)
{
	g_autoptr(GHashTable) arenas = g_hash_table_new(g_int64_hash, g_int64_equal);
	g_autoptr(GArray) voters = glibc_choose_voters(g);

	for (unsigned i = 0; i < g->heap->arenas->len; i++) {
		hc_arena *arena = &g_array_index(g->heap->arenas, hc_arena, i);

		g_hash_table_insert(arenas, &arena->address, arena);
	}
	int64_t distance = find_arena_distance(g, voters, arenas);

	for (unsigned i = 0; distance && i < hc_core_thread_count(g->core); i++) {
		hc_address pointer = hc_core_thread(g->core, i)->thread_pointer;
		uint64_t address = pointer ? glibc_word_or_zero(g, glibc_thread_local(g, pointer, distance)) : 0;
		hc_arena *arena = g_hash_table_lookup(arenas, &address);

		if (arena)
			attach_thread(arena, i);
	}
	for (unsigned i = 0; i < g->heap->arenas->len; i++)
		if (g_array_index(g->heap->arenas, hc_arena, i).threads)
			g_ptr_array_add(g->thread_lists, (gpointer)g_array_index(g->heap->arenas, hc_arena, i).threads);
}
