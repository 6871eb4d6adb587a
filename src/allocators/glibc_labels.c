/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks that the program did not ask for: libc's, the dynamic linker's, libstdc++'s. They are found through structures whose
 * layout is ABI, so that no debug info is needed. A labelled block is never called lost.
 *
 *	dtv, TLS blocks	  the thread control block's second word (Drepper, "ELF Handling for Thread-Local Storage")
 *	link maps	  <link.h>, struct r_debug and the public part of struct link_map
 *	loaded objects	  elf/dl-find_object.c (from 2.35 on): { previous, to_free, size, allocated, objects of four or five words }
 *	stdio		  _IO_list_all and struct _IO_FILE (libio/bits/types/struct_FILE.h, unchanged since 2.1)
 *	emergency pool	  libstdc++-v3/libsupc++/eh_alloc.cc: { mutex, first_free_entry, arena, arena_size }
 */
#include "allocators/glibc.h"

#include <elf.h>
#include <inttypes.h>

enum {
	DTV_MAX = 4096,
	ALL_SLOTS_MAX = 1 << 22, /* of all threads */
	FILES_MAX = 65536,
	LINK_MAPS_MAX = 8192,
	TABLES_MAX = 64,
	LINKER_DATA_MAX = 1 << 26,
};

static void label_at(hc_block_table *table, hc_address address, hc_label label)
{
	hc_block_entry entry;

	if (hc_block_table_find(table, address, &entry) && entry.state == HC_BLOCK_IN_USE)
		hc_block_table_label(table, &entry, label);
}

/* ---- thread-local storage ---- */

/*
 * dtv[-1].counter is the number of slots, dtv[0] the generation, dtv[i] { value, to_free } of module i. The block begins two
 * words before dtv[0].
 */
static void label_dtv(glibc *g, hc_block_table *table, hc_address thread_pointer, int64_t thread, uint64_t *slots_left)
{
	hc_address dtv = glibc_word_or_zero(g, thread_pointer + g->machine->dtv * g->word);
	uint64_t slots;

	if (!dtv || !hc_core_read_word(g->core, dtv - 2 * g->word, &slots) || slots > DTV_MAX)
		return;
	if (slots > *slots_left) {
		hc_diagnostics_add(
			g->diagnostics, &glibc_inconsistent, 0, "the dtv at %#" PRIx64 ": too many slots in all", dtv);
		return;
	}
	*slots_left -= slots;
	label_at(table, dtv - 2 * g->word, (hc_label){ HC_LABEL_DTV, thread });
	for (uint64_t i = 1; i <= slots; i++) {
		hc_block_entry entry;
		uint64_t value = glibc_word_or_zero(g, dtv + i * 2 * g->word),
			 to_free = glibc_word_or_zero(g, dtv + (i * 2 + 1) * g->word);

		if (value && hc_block_table_find_inside(table, to_free ? to_free : value, &entry) &&
			entry.state == HC_BLOCK_IN_USE)
			hc_block_table_label(table, &entry, (hc_label){ HC_LABEL_THREAD_LOCAL, thread });
	}
}

static void label_threads(glibc *g, hc_block_table *table)
{
	uint64_t slots_left = ALL_SLOTS_MAX;

	for (unsigned i = 0; i < g->thread_blocks->len; i++) {
		hc_address pointer = g_array_index(g->thread_blocks, hc_address, i);
		const hc_thread *thread = hc_core_find_thread(g->core, pointer);

		label_dtv(g, table, pointer, thread ? thread->id : 0, &slots_left);
	}
}

/* ---- the dynamic linker ---- */

static void label_link_maps(glibc *g, hc_block_table *table)
{
	g_autoptr(GArray) maps = hc_modules_link_maps(g->modules, LINK_MAPS_MAX);

	for (unsigned i = 0; i < maps->len; i++) {
		hc_address map = g_array_index(maps, hc_address, i);

		label_at(table, map, (hc_label){ HC_LABEL_LINK_MAP, 0 });
		label_at(table, glibc_word_or_zero(g, map + g->word), (hc_label){ HC_LABEL_LIBRARY_NAME, 0 });
	}
}

/*
 * The table in which _dl_find_object() looks for what dlopen() brought. It is aligned by hand to a cache line: ld.so keeps no
 * pointer to the start of the block but the one in the table itself, for free(). Each has a previous one.
 */
static void label_object_tables(glibc *g, hc_block_table *table, hc_address at)
{
	for (unsigned i = 0; i < TABLES_MAX && at; i++) {
		hc_block_entry entry;
		bool ok = true;

		if (at % g->word || !hc_block_table_find_inside(table, at, &entry) || entry.state != HC_BLOCK_IN_USE)
			return;
		uint64_t to_free = glibc_word(g, at + g->word, &ok), size = glibc_word(g, at + 2 * g->word, &ok),
			 allocated = glibc_word(g, at + 3 * g->word, &ok), room = entry.size - (at - entry.address);

		if (!ok || to_free != entry.address || !allocated || size > allocated || room < 8 * g->word ||
			allocated > (room - 4 * g->word) / (4 * g->word))
			return;
		hc_block_table_label(table, &entry, (hc_label){ HC_LABEL_LOADED_OBJECTS, 0 });
		at = glibc_word_or_zero(g, at);
	}
}

static void label_loaded_objects(glibc *g, hc_block_table *table)
{
	for (unsigned i = 0; i < hc_modules_count(g->modules); i++) {
		const hc_module *module = hc_modules_get(g->modules, i);

		/* In a static executable the dynamic linker's data is the executable's own. */
		if (!g_str_has_prefix(module->name, "ld-") && !g_str_has_prefix(module->name, "ld64.") &&
			!(module->is_executable && module == g->libc))
			continue;
		for (unsigned k = 0; k < hc_module_segment_count(g->modules, module); k++) {
			const hc_module_segment *segment = hc_module_segment_get(g->modules, module, k);

			if (segment->type != PT_LOAD || !(segment->flags & PF_W))
				continue;
			hc_address start = hc_align_up(segment->start, g->word),
				   end = MIN(segment->end, start + LINKER_DATA_MAX);

			for (hc_address at = start; at + g->word <= end; at += g->word)
				label_object_tables(g, table, glibc_word_or_zero(g, at));
		}
	}
}

/* ---- stdio ---- */

static void label_stdio(glibc *g, hc_block_table *table)
{
	/* struct _IO_FILE: int _flags, then eleven pointers, then _markers and _chain. */
	enum {
		BUFFER_BASE = 7,
		BACKUP_BASE = 9,
		CHAIN = 13
	};
	hc_symbol list;
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

	if (!g->libc || !hc_module_symbol(g->modules, g->libc, "_IO_list_all", &list) || list.is_tls)
		return;
	hc_address file = glibc_word_or_zero(g, list.address);

	while (file && g_hash_table_size(seen) < FILES_MAX) {
		guint64 key = file;
		hc_address buffer = glibc_word_or_zero(g, file + BUFFER_BASE * g->word);

		if (!g_hash_table_add(seen, g_memdup2(&key, sizeof key)))
			break;
		label_at(table, file, (hc_label){ HC_LABEL_STREAM, 0 });
		/* setbuf() gives a stream a buffer of the program's: _IO_USER_BUF. */
		if (!(glibc_int_or_zero(g, file) & 1))
			label_at(table, buffer, (hc_label){ HC_LABEL_STREAM_BUFFER, 0 });
		label_at(table, glibc_word_or_zero(g, file + BACKUP_BASE * g->word),
			(hc_label){ HC_LABEL_STREAM_BUFFER, 0 });
		file = glibc_word_or_zero(g, file + CHAIN * g->word);
	}
}

/* ---- libstdc++ ---- */

static void search_pool(glibc *g, hc_block_table *table, hc_address start, hc_address end)
{
	for (hc_address at = hc_align_up(start, g->word); at + 3 * g->word <= end; at += g->word) {
		hc_block_entry entry;
		bool ok = true;
		uint64_t first_free = glibc_word(g, at, &ok), arena = glibc_word(g, at + g->word, &ok),
			 size = glibc_word(g, at + 2 * g->word, &ok);

		if (!ok || size < 1024 || first_free < arena || first_free - arena >= size ||
			!hc_block_table_find(table, arena, &entry) || entry.state != HC_BLOCK_IN_USE ||
			size > entry.size || entry.size - size > 2 * g->alignment)
			continue;
		hc_block_table_label(table, &entry, (hc_label){ HC_LABEL_EXCEPTION_POOL, 0 });
		return;
	}
}

static void label_emergency_pool(glibc *g, hc_block_table *table)
{
	for (unsigned i = 0; i < hc_modules_count(g->modules); i++) {
		const hc_module *module = hc_modules_get(g->modules, i);

		/* In a static executable the pool is in the executable's own data. */
		if (!g_str_has_prefix(module->name, "libstdc++.so") && !(module->is_executable && module == g->libc))
			continue;
		for (unsigned k = 0; k < hc_module_segment_count(g->modules, module); k++) {
			const hc_module_segment *segment = hc_module_segment_get(g->modules, module, k);

			if (segment->type != PT_LOAD || !(segment->flags & PF_W))
				continue;
			for (hc_address start = segment->start, end;
				hc_core_next_stretch(g->core, &start, segment->end, &end); start = end)
				search_pool(g, table, start, end);
		}
	}
}

void glibc_label_blocks(glibc *g, hc_block_table *table)
{
	label_threads(g, table);
	label_link_maps(g, table);
	label_loaded_objects(g, table);
	label_stdio(g, table);
	label_emergency_pool(g, table);
}
