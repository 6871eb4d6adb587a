/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Thread control blocks by their look: on x86 the ABI wants the block's own address in its first word (%fs:0), and glibc's
 * tcbhead_t (sysdeps/x86_64/nptl/tls.h, sysdeps/i386/nptl/tls.h) repeats it in the third. The stack protector's canary is the
 * same in all threads of a process, so it tells real ones from memory that happens to look so.
 */
#include "allocators/allocators.h"

/* In words from the control block. */
enum {
	SELF = 0,
	DTV = 1,
	SELF_AGAIN = 2
};

struct search {
	const hc_core *core;
	const hc_machine *machine; /* NULL: blocks have no look */
	uint64_t canary;
	bool canary_known;
	GArray *found;
	hc_address last; /* the last one found by its look; 0: none */
};

/* struct pthread, which begins with the control block, is larger in all releases: so far apart are two of them at least. */
enum {
	DESCRIPTOR_MIN = 1024
};

static void add_live_threads(struct search *search)
{
	for (unsigned i = 0; i < hc_core_thread_count(search->core); i++) {
		hc_address pointer = hc_core_thread(search->core, i)->thread_pointer;

		if (!pointer || hc_core_find_thread(search->core, pointer) != hc_core_thread(search->core, i))
			continue;
		g_array_append_val(search->found, pointer);
		if (search->machine && !search->canary_known)
			search->canary_known = hc_core_read_word(
				search->core, pointer + search->machine->block_canary, &search->canary);
	}
}

static void check_place(struct search *search, hc_address address)
{
	unsigned word = hc_core_process(search->core)->word_size;
	uint64_t again, dtv, canary, slots;

	if (!hc_core_read_word(search->core, address + SELF_AGAIN * word, &again) || again != address ||
		!hc_core_read_word(search->core, address + DTV * word, &dtv) || !dtv ||
		!hc_core_read_word(search->core, dtv - 2 * word, &slots) || !slots || slots > 65536 ||
		!hc_core_read_word(search->core, address + search->machine->block_canary, &canary) || !canary)
		return;
	if ((search->canary_known && canary != search->canary) || hc_core_find_thread(search->core, address) ||
		(search->last && address - search->last < DESCRIPTOR_MIN))
		return;
	search->last = address;
	search->canary = canary;
	search->canary_known = true;
	g_array_append_val(search->found, address);
}

static int compare_addresses(const void *a, const void *b)
{
	hc_address x = *(const hc_address *)a, y = *(const hc_address *)b;

	return (x > y) - (x < y);
}

/* Searches [start, end) of MAPPING, but for what is known to be zeros. */
static void search_range(struct search *search, const hc_mapping *mapping, hc_address start, hc_address end)
{
	hc_word_format format = hc_core_word_format(search->core);
	hc_address at = hc_align_up(start, search->machine->block_alignment);

	while (at < end && end - at >= 8 * format.size) {
		uint64_t size;
		bool is_hole = hc_core_is_hole(search->core, mapping->bytes + (at - mapping->start), end - at, &size);
		hc_address stop = at + size;

		for (; !is_hole && at < stop && end - at >= 8 * format.size; at += search->machine->block_alignment)
			if (hc_load_word(mapping->bytes + (at - mapping->start), format) == at)
				check_place(search, at);
		at = hc_align_up(MAX(at, stop), search->machine->block_alignment);
	}
}

/* Searches what is outside the regions, from number *REGION on. */
static void search_mapping(struct search *search, const hc_mapping *mapping, const GArray *regions, unsigned *region)
{
	hc_address at = mapping->start;

	while (*region < regions->len && g_array_index(regions, hc_region, *region).outer_end <= at)
		++*region;
	for (unsigned i = *region; i < regions->len && at < mapping->end; i++) {
		const hc_region *next = &g_array_index(regions, hc_region, i);

		if (next->outer_start >= mapping->end)
			break;
		if (next->outer_start > at)
			search_range(search, mapping, at, next->outer_start);
		at = MAX(at, next->outer_end);
	}
	if (at < mapping->end)
		search_range(search, mapping, at, mapping->end);
}

GArray *hc_allocators_find_thread_blocks(const hc_core *core, const GArray *regions)
{
	struct search search = { .core = core, .found = g_array_new(FALSE, FALSE, sizeof(hc_address)) };
	unsigned region = 0;

	if (hc_core_machine(core) && hc_core_machine(core)->block_has_self)
		search.machine = hc_core_machine(core);
	add_live_threads(&search);
	for (unsigned i = 0; search.machine && i < hc_core_mapping_count(core); i++) {
		const hc_mapping *mapping = hc_core_mapping(core, i);

		if (mapping->bytes && !mapping->path && mapping->flags & HC_MAPPING_WRITE)
			search_mapping(&search, mapping, regions, &region);
	}
	g_array_sort(search.found, compare_addresses);
	return search.found;
}
