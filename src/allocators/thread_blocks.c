/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Thread control blocks by their look: on x86 the ABI wants the block's own address in its first word (%fs:0), and glibc's
 * tcbhead_t (sysdeps/x86_64/nptl/tls.h, sysdeps/i386/nptl/tls.h) repeats it in the third. The stack protector's canary is the
 * same in all threads of a process, so it tells real ones from memory that happens to look so.
 */
#include "allocators/allocators.h"

#include <elf.h>

/* In words from the control block. */
enum { SELF = 0, DTV = 1, SELF_AGAIN = 2 };

struct machine_tcb {
	unsigned machine;
	unsigned canary;    /* bytes */
	unsigned alignment; /* of control blocks */
};

static const struct machine_tcb machines[] = {
	{ EM_X86_64, 0x28, 64 },
	{ EM_386, 0x14, 16 },
};

struct search {
	const hc_core *core;
	const struct machine_tcb *machine;
	uint64_t canary;
	bool canary_known;
	GArray *found;
};

static void add_live_threads(struct search *search)
{
	for (unsigned i = 0; i < hc_core_thread_count(search->core); i++) {
		hc_address pointer = hc_core_thread(search->core, i)->thread_pointer;

		if (!pointer)
			continue;
		g_array_append_val(search->found, pointer);
		if (search->machine && !search->canary_known)
			search->canary_known = hc_core_read_word(search->core, pointer + search->machine->canary, &search->canary);
	}
}

static bool is_known(const GArray *found, hc_address address)
{
	for (unsigned i = 0; i < found->len; i++)
		if (g_array_index(found, hc_address, i) == address)
			return true;
	return false;
}

static void check_place(struct search *search, hc_address address)
{
	unsigned word = hc_core_process(search->core)->word_size;
	uint64_t again, dtv, canary, slots;

	if (!hc_core_read_word(search->core, address + SELF_AGAIN * word, &again) || again != address ||
	    !hc_core_read_word(search->core, address + DTV * word, &dtv) || !dtv ||
	    !hc_core_read_word(search->core, dtv - 2 * word, &slots) || !slots || slots > 65536 ||
	    !hc_core_read_word(search->core, address + search->machine->canary, &canary) || !canary)
		return;
	if ((search->canary_known && canary != search->canary) || is_known(search->found, address))
		return;
	search->canary = canary;
	search->canary_known = true;
	g_array_append_val(search->found, address);
}

static int compare_addresses(const void *a, const void *b)
{
	hc_address x = *(const hc_address *)a, y = *(const hc_address *)b;

	return (x > y) - (x < y);
}

GArray *hc_allocators_find_thread_blocks(const hc_core *core)
{
	struct search search = { .core = core, .found = g_array_new(FALSE, FALSE, sizeof(hc_address)) };
	hc_word_format format = hc_core_word_format(core);

	for (unsigned i = 0; i < G_N_ELEMENTS(machines); i++)
		if (machines[i].machine == hc_core_process(core)->machine_id)
			search.machine = &machines[i];
	add_live_threads(&search);
	for (unsigned i = 0; search.machine && i < hc_core_mapping_count(core); i++) {
		const hc_mapping *mapping = hc_core_mapping(core, i);

		if (!mapping->bytes || mapping->path || !(mapping->flags & HC_MAPPING_WRITE))
			continue;
		hc_address at = hc_align_up(mapping->start, search.machine->alignment);

		for (; at < mapping->end && mapping->end - at >= 8 * format.size; at += search.machine->alignment)
			if (hc_load_word(mapping->bytes + (at - mapping->start), format) == at)
				check_place(&search, at);
	}
	g_array_sort(search.found, compare_addresses);
	return search.found;
}
