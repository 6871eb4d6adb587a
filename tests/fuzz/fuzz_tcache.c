/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * allocators/: a thread's cache whose words the input changes, in a heap that is sound but for it: where it is found, which of its lists
 * are believed, and what check/ says of them.
 *
 *	byte 0		which release of glibc: see `releases`
 *	then		changes, as patched.h has them: of the cache, of the cached blocks, of the thread's pointer to it
 */
#include "../unit/program_builder.h"
#include "../unit/test_process.h"
#include "patched.h"

#include "blocks/blocks.h"
#include "check/check.h"

#include <unistd.h>

static const char *const releases[] = { "2.36", "2.26", "2.29", "2.31", "2.34", "2.42", "2.43" };

enum {
	SIZE = 0x1000,
	CACHED = 4,	/* of each size */
	HEADERS = 0x300 /* bytes of a program's first page that are not zero */
};

typedef struct process {
	patched_core *file;
	hc_diagnostics *diagnostics;
	hc_core *core;
	hc_modules *modules;
} process;

/* libc has a file, with symbols: else malloc's state would be looked for each time, which takes longer than all else. */
static GByteArray *give_symbols(heap_builder *heap)
{
	const program_symbol symbols[] = {
		{ "main_arena", heap->main_arena - heap->data, (uint64_t)heap->release.arena_size },
		{ "mp_", heap->parameters - heap->data, (uint64_t)heap->release.parameters_size },
	};
	GByteArray *image = program_image_with_symbols(symbols, G_N_ELEMENTS(symbols));

	core_builder_put_bytes(heap->core, heap->libc, image->data, HEADERS);
	return image;
}

/* With FILE, an image that goes, at PATH below a folder while the modules are opened. */
static hc_modules *open_modules(hc_core *core, GByteArray *file, const char *path, hc_diagnostics *diagnostics)
{
	const hc_modules_options options = { .sysroot = fuzz_folder() };
	g_autofree char *full = g_strconcat(options.sysroot, path, NULL), *parent = g_path_get_dirname(full),
			*top = g_path_get_dirname(parent);
	hc_modules *modules;
	hc_symbol symbol;

	g_assert(!g_mkdir_with_parents(parent, 0700) &&
		 g_file_set_contents(full, (const char *)file->data, file->len, NULL));
	g_byte_array_unref(file);
	modules = hc_modules_open(core, &options, diagnostics, NULL);
	g_assert(modules && hc_module_symbol(modules, hc_modules_get(modules, 0), "mp_", &symbol));
	unlink(full);
	rmdir(parent);
	rmdir(top);
	return modules;
}

static process build(const char *release)
{
	test_process made = process_start(release, SIZE, SIZE);
	heap_builder *heap = made.heap;
	hc_address cache = heap_add_cache(heap, 0, 0), blocks[2 * CACHED], other;
	GByteArray *libc = give_symbols(heap);
	process it = { .diagnostics = hc_diagnostics_create() };

	for (unsigned i = 0; i < 2 * CACHED; i++)
		blocks[i] = heap_malloc(heap, 0, i < CACHED ? 24 : 40);
	other = heap_malloc(heap, 0, 100);
	heap_keep(heap, other);
	for (unsigned i = 0; i < 2 * CACHED; i++)
		heap_free_to_cache(heap, cache, blocks[i]);
	heap_write_threads(heap);
	core_builder_path(made.core);
	it.file = patched_core_create(made.core);
	patched_core_add_range(it.file, made.core, heap_chunk(cache), heap_block_at(heap, cache)->chunk_size);
	patched_core_add_range(it.file, made.core, heap_chunk(blocks[0]), other - blocks[0]);
	patched_core_add_range(it.file, made.core, heap_thread_at(heap, 0)->pointer - 128, 128);
	patched_core_add_range(it.file, made.core, heap_chunk(cache), 512);
	it.core = hc_core_open(it.file->path, it.diagnostics, NULL);
	g_assert(it.core);
	it.modules = open_modules(it.core, libc, "/nonexistent/heapcore-tests/libc.so.6", it.diagnostics);
	heap_builder_destroy(heap);
	return it;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const hc_blocks_options options = { .jobs = 1, .memory = UINT64_MAX };
	static process processes[G_N_ELEMENTS(releases)];
	fuzz_input input = { data, size };
	unsigned number = fuzz_choice(&input, G_N_ELEMENTS(releases));
	process *it = &processes[number];
	hc_diagnostics *diagnostics = hc_diagnostics_create();
	hc_blocks *blocks;
	hc_check *check;

	if (!it->core)
		*it = build(releases[number]);
	bool is_sound = !input.left;

	patched_core_change(it->file, &input);
	blocks = hc_blocks_create(it->core, it->modules, &options, diagnostics, NULL);
	fuzz_expect(blocks && hc_blocks_heap(blocks)->found, "the heap is not found");
	check = hc_check_create(it->core, blocks);
	if (is_sound)
		fuzz_expect(!hc_check_count(check) && hc_blocks_amount(blocks, 0, HC_BLOCK_TCACHE).blocks == 2 * CACHED,
			"a sound cache is not read, or damaged");
	for (unsigned i = 0; i < hc_check_count(check); i++)
		fuzz_see(hc_check_get(check, i), sizeof(hc_damage_place));
	hc_check_destroy(check);
	hc_blocks_destroy(blocks);
	hc_diagnostics_destroy(diagnostics);
	patched_core_restore(it->file);
	return 0;
}
