/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Thread pointers of a core that has none: gdb writes no note of i386's segments (gdb 13, i386-linux-tdep.c), without which %gs is a number.
 *
 * A thread's control block is found by its look: its own address is in its first and its third word, so that no copy looks like it, and
 * struct pthread, which it begins, holds the kernel's number of the thread. Both together are asked for; a thread for which two blocks
 * speak has none.
 *
 * Costs a pass over the private memory, of such cores only.
 */
#include "core/core_state.h"

enum {
	BLOCK_WORDS = 8, /* that a control block has at least */
};

struct search {
	hc_core *core;
	GHashTable *threads; /* id -> index + 1, of those without a pointer */
	GArray *doubtful;    /* of unsigned: indices of threads with more than one */
	hc_address only;     /* the one block that was seen at all; 0: none, or several */
	unsigned seen;
};

/* The block at ADDRESS of MAPPING, whose first word is its own address. */
static void check_block(struct search *search, const hc_mapping *mapping, hc_address address)
{
	const hc_core *core = search->core;
	const uint8_t *block = mapping->bytes + (address - mapping->start);
	unsigned thread_id = core->machine->block_thread;

	if (mapping->end - address < thread_id + sizeof(uint32_t) ||
		hc_load_word(block + 2 * core->format.size, core->format) != address)
		return;
	uint32_t id = hc_load_u32(block + thread_id, core->format.swap);
	unsigned found = GPOINTER_TO_UINT(g_hash_table_lookup(search->threads, GUINT_TO_POINTER(id)));

	search->only = search->seen++ ? 0 : address;
	if (!found)
		return;
	unsigned index = found - 1;
	hc_thread *thread = &g_array_index(core->threads, hc_thread, index);

	if (thread->thread_pointer)
		g_array_append_val(search->doubtful, index);
	thread->thread_pointer = address;
}

static void search_mapping(struct search *search, const hc_mapping *mapping)
{
	const hc_core *core = search->core;
	unsigned step = core->machine->block_alignment;
	hc_address at = hc_align_up(mapping->start, step);

	while (at < mapping->end && mapping->end - at >= BLOCK_WORDS * core->format.size) {
		uint64_t size;
		bool is_hole = hc_core_is_hole(core, mapping->bytes + (at - mapping->start), mapping->end - at, &size);
		hc_address stop = at + size;

		for (; !is_hole && at < stop && mapping->end - at >= BLOCK_WORDS * core->format.size; at += step)
			if (hc_load_word(mapping->bytes + (at - mapping->start), core->format) == at)
				check_block(search, mapping, at);
		at = hc_align_up(MAX(at, stop), step);
	}
}

static void find_pointers(struct search *search)
{
	hc_core *core = search->core;

	for (unsigned i = 0; i < core->mapping_count; i++) {
		const hc_mapping *mapping = &core->mappings[i];

		if (mapping->bytes && !mapping->path && mapping->flags & HC_MAPPING_WRITE)
			search_mapping(search, mapping);
	}
	for (unsigned i = 0; i < search->doubtful->len; i++)
		g_array_index(core->threads, hc_thread, g_array_index(search->doubtful, unsigned, i)).thread_pointer =
			0;
	/* Numbers differ where gdb is in another namespace. */
	if (core->threads->len == 1 && search->only && !search->doubtful->len)
		g_array_index(core->threads, hc_thread, 0).thread_pointer = search->only;
}

void hc_core_find_thread_pointers(hc_core *core)
{
	struct search search = { .core = core };

	if (!core->machine || core->machine->pointer_place != HC_POINTER_DESCRIPTOR || !core->machine->block_has_self)
		return;
	search.threads = g_hash_table_new(NULL, NULL);
	for (unsigned i = 0; i < core->threads->len; i++) {
		const hc_thread *thread = &g_array_index(core->threads, hc_thread, i);

		if (!thread->thread_pointer && thread->id)
			g_hash_table_insert(
				search.threads, GUINT_TO_POINTER((unsigned)thread->id), GUINT_TO_POINTER(i + 1));
	}
	search.doubtful = g_array_new(FALSE, FALSE, sizeof(unsigned));
	if (g_hash_table_size(search.threads))
		find_pointers(&search);
	g_hash_table_unref(search.threads);
	g_array_unref(search.doubtful);
}
