/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arenas, and that there are none. */
#include "wording/wording.h"

#include <inttypes.h>

char *hc_word_arena_threads(const hc_core *core, const hc_arena *arena, unsigned shown)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < MIN(arena->thread_count, shown); i++)
		g_string_append_printf(text, "%s%" PRIi64, i ? ", " : "", hc_core_thread(core, arena->threads[i])->id);
	if (arena->thread_count > shown)
		g_string_append_printf(text, ", %u more", arena->thread_count - shown);
	if (!arena->thread_count)
		g_string_append(text, "none");
	if (!arena->consistent)
		g_string_append(text, "; INCONSISTENT");
	return g_string_free(text, FALSE);
}

char *hc_word_smaller_arenas(unsigned count)
{
	return g_strdup_printf("%u smaller ones more: ", count);
}

char *hc_word_no_arenas(const hc_heap_info *heap, const hc_process *process)
{
	g_autofree char *unread = hc_word_unread(heap, process);

	return g_strdup_printf("no arenas%s%s", unread ? ": " : "", unread ? unread : "");
}
