/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where each module's thread-local storage is, of each thread.
 *
 * A module's block lies below the thread pointer (static TLS, x86's variant II: Ulrich Drepper,
 * "ELF Handling for Thread-Local Storage", 3), or wherever the dynamic linker allocated it; then
 * the thread's dtv leads there:
 *
 *	thread pointer --> { self, dtv, ... }      dtv[module id] = { value, to_free };  value -1: not allocated yet
 *
 * Module ids and static offsets stand in the dynamic linker's link maps, in the part of struct
 * link_map that is private to it and differs between releases. But there these members stand in a
 * row, in all releases since 2.3 (include/link.h):
 *
 *	l_tls_initimage, l_tls_initimage_size, l_tls_blocksize, l_tls_align, l_tls_firstbyte_offset, l_tls_offset, l_tls_modid
 *
 * and the first five are what the module's own PT_TLS header says. So they are found by their
 * values, without debug info and without a table of releases; if they are not found the module's
 * storage is not named. A program without link maps (a static one) has its block right below the
 * thread pointer.
 */
#include "modules/modules_state.h"

#include "base/partition.h"

#include <elf.h>
#include <link.h>

enum {
	LINK_MAP_BYTES = 2048, /* more than any release's struct link_map */
	LINK_MAPS = 65536,
	MODULE_IDS = 65536,
	BLOCKS = 1 << 20, /* more are not listed */
};

enum {
	INITIAL_IMAGE,
	INITIAL_SIZE,
	BLOCK_SIZE,
	ALIGNMENT,
	FIRST_BYTE,
	OFFSET,
	MODULE_ID,
	MEMBERS
};

struct tls {
	hc_modules *modules;
	const hc_core *core;
	const hc_machine *machine;
	unsigned word;
	GArray *blocks;
};

static const hc_module_segment *tls_segment(const struct module *module)
{
	for (unsigned i = 0; i < module->segments->len; i++) {
		const hc_module_segment *segment = &g_array_index(module->segments, hc_module_segment, i);

		if (segment->type == PT_TLS && segment->end > segment->start)
			return segment;
	}
	return NULL;
}

static uint64_t first_byte(const struct module *module, const hc_module_segment *segment)
{
	uint64_t alignment = MAX(segment->alignment, 1);

	return (segment->start - module->public.bias) & (alignment - 1);
}

static void add_block(struct tls *tls, const struct module *module, const hc_module_segment *segment, unsigned thread,
	hc_address start)
{
	hc_tls_block block = { start, start + (segment->end - segment->start), thread, &module->public };

	/* All of it must be memory: what is not was no block. */
	if (tls->blocks->len < BLOCKS && block.end > block.start && hc_core_find_mapping(tls->core, block.start) &&
		hc_core_find_mapping(tls->core, block.end - 1))
		g_array_append_val(tls->blocks, block);
}

/* The dtv's slot of module ID. The entry in front of slot 0 tells how many there are. */
static bool read_dtv(const struct tls *tls, hc_address thread_pointer, uint64_t id, hc_address *ret_value)
{
	uint64_t dtv, slots;

	return hc_core_read_word(tls->core, thread_pointer + tls->machine->dtv * tls->word, &dtv) && dtv &&
	       hc_core_read_word(tls->core, dtv - 2 * tls->word, &slots) && id <= slots &&
	       hc_core_read_word(tls->core, dtv + id * 2 * tls->word, ret_value) && *ret_value &&
	       *ret_value != UINT64_MAX && *ret_value != UINT32_MAX;
}

static bool find_members(const struct tls *tls, hc_address map, const struct module *module,
	const hc_module_segment *segment, uint64_t *members)
{
	const uint64_t expected[OFFSET] = {
		segment->start,
		segment->file_end - segment->start,
		segment->end - segment->start,
		segment->alignment,
		first_byte(module, segment),
	};

	for (unsigned at = 5 * tls->word; at < LINK_MAP_BYTES; at += tls->word) {
		unsigned i;

		for (i = 0; i < MEMBERS; i++)
			if (!hc_core_read_word(tls->core, map + at + i * tls->word, &members[i]) ||
				(i < OFFSET && members[i] != expected[i]))
				break;
		if (i == MEMBERS)
			return members[MODULE_ID] && members[MODULE_ID] < MODULE_IDS;
	}
	return false;
}

static void add_module(struct tls *tls, hc_address map, const struct module *module, const hc_module_segment *segment)
{
	uint64_t members[MEMBERS];

	if (!find_members(tls, map, module, segment, members))
		return;
	/*
	 * NO_TLS_OFFSET is 0, FORCED_DYNAMIC_TLS_OFFSET is -1; -1 and -2 where blocks lie above (sysdeps/generic/ldsodefs.h).
	 */
	uint64_t forced = (tls->word == 8 ? UINT64_MAX : UINT32_MAX) - tls->machine->tls_above;
	bool is_static = members[OFFSET] && members[OFFSET] < forced;

	for (unsigned i = 0; i < hc_core_thread_count(tls->core); i++) {
		hc_address pointer = hc_core_thread(tls->core, i)->thread_pointer, start;

		if (!pointer)
			continue;
		if (is_static)
			add_block(tls, module, segment, i,
				tls->machine->tls_above ? pointer + members[OFFSET] : pointer - members[OFFSET]);
		else if (read_dtv(tls, pointer, members[MODULE_ID], &start))
			add_block(tls, module, segment, i, start);
	}
}

/* csu/libc-tls.c: the only block of a static program is the first beside the thread pointer. */
static void add_static_program(struct tls *tls, const struct module *module, const hc_module_segment *segment)
{
	uint64_t alignment = MAX(segment->alignment, 1), first = first_byte(module, segment),
		 size = segment->end - segment->start;

	if (alignment & (alignment - 1))
		return;
	for (unsigned i = 0; i < hc_core_thread_count(tls->core); i++) {
		hc_address pointer = hc_core_thread(tls->core, i)->thread_pointer;

		if (pointer && tls->machine->tls_above)
			add_block(tls, module, segment, i,
				pointer + hc_align_up(tls->machine->tls_header, alignment) + first);
		else if (pointer)
			add_block(tls, module, segment, i,
				pointer - hc_align_up(size - MIN(first, size), alignment) - first);
	}
}

static int compare_blocks(const void *a, const void *b)
{
	const hc_tls_block *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void find_blocks(hc_modules *modules)
{
	struct tls tls = {
		.modules = modules,
		.core = modules->core,
		.machine = hc_core_machine(modules->core),
		.word = hc_core_process(modules->core)->word_size,
		.blocks = g_array_new(FALSE, FALSE, sizeof(hc_tls_block)),
	};
	g_autoptr(GArray) maps = hc_modules_link_maps(modules, LINK_MAPS);

	modules->tls_blocks = tls.blocks;
	if (!tls.machine)
		return;
	for (unsigned i = 0; i < maps->len; i++) {
		hc_address map = g_array_index(maps, hc_address, i);
		uint64_t dynamic;
		/* By the dynamic section: the program's own l_addr and l_name do not tell. */
		const hc_module *module = hc_core_read_word(tls.core, map + 2 * tls.word, &dynamic) ?
						  hc_modules_find(modules, dynamic) :
						  NULL;
		const hc_module_segment *segment = module ? tls_segment(hc_module_private(module)) : NULL;

		if (segment)
			add_module(&tls, map, hc_module_private(module), segment);
	}
	if (!maps->len && modules->executable && tls_segment(modules->executable))
		add_static_program(&tls, modules->executable, tls_segment(modules->executable));
	g_array_sort(tls.blocks, compare_blocks);
}

static int compare_owners(const void *a, const void *b)
{
	const hc_tls_block *x = a, *y = b;

	if (x->module != y->module)
		return (x->module->start > y->module->start) - (x->module->start < y->module->start);
	return (x->thread > y->thread) - (x->thread < y->thread);
}

const hc_tls_block *hc_modules_tls_block(hc_modules *modules, const hc_module *module, unsigned thread)
{
	const hc_tls_block wanted = { .module = module, .thread = thread };

	if (!modules->tls_blocks)
		find_blocks(modules);
	if (!modules->tls_of_modules) {
		modules->tls_of_modules = g_array_copy(modules->tls_blocks);
		g_array_sort(modules->tls_of_modules, compare_owners);
	}
	guint index;

	return g_array_binary_search(modules->tls_of_modules, &wanted, compare_owners, &index) ?
		       &g_array_index(modules->tls_of_modules, hc_tls_block, index) :
		       NULL;
}

const hc_tls_block *hc_modules_tls_at(hc_modules *modules, hc_address address)
{
	if (!modules->tls_blocks)
		find_blocks(modules);
	const GArray *blocks = modules->tls_blocks;
	unsigned low = HC_PARTITION_POINT(
		middle, 0, blocks->len, g_array_index(blocks, hc_tls_block, middle).start <= address);
	const hc_tls_block *block = low ? &g_array_index(blocks, hc_tls_block, low - 1) : NULL;

	return block && address < block->end ? block : NULL;
}

void hc_modules_name_tls(hc_modules *modules, const hc_tls_block *block, hc_address address, hc_address_name *ret_name)
{
	uint64_t offset = address - block->start, behind;
	const char *symbol = hc_module_tls_symbol_at(modules, block->module, offset, &behind);

	*ret_name = (hc_address_name){ block->module, symbol, symbol ? behind : offset, 0, true };
}
