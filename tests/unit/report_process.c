/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report_process.h"

#include "unit.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

enum {
	RW = PF_R | PF_W
};

static const hc_address first_heap = 0x7fffe8000000, second_heap = 0x7fffec000000, mapped_start = 0x7fffd0000000,
			left_out = 0x7fffa0000000, cut_short = 0x7fffa8000000, thread_stack = 0x7fffb0000000;
static const char libc_path[] = "/nonexistent/heapcore-tests/libc.so.6"; /* as heap_builder.h says */

static void fill_main_arena(report_process *process)
{
	heap_builder *heap = process->heap;
	core_builder *core = process->core;

	process->cache = heap_add_cache(heap, 0, 0);
	heap_keep(heap, process->small = heap_malloc(heap, 0, 24));
	core_builder_put_word(core, process->small, program_start);
	process->cached = heap_malloc(heap, 0, 40);
	process->lost = heap_malloc(heap, 0, 40);
	core_builder_put_bytes(core, process->lost, "LOG/1\n", 6);
	process->session = heap_malloc(heap, 0, 40);
	core_builder_put_word(core, program_sessions, process->session);
	process->large = heap_malloc(heap, 0, 2040);
	process->app = heap_malloc(heap, 0, 24);
	process->state = heap_malloc(heap, 0, 24);
	process->array = heap_malloc(heap, 0, 8 * REPORT_ELEMENTS);
	core_builder_put_word(core, program_app, process->app);
	core_builder_put_word(core, process->app, process->state);
	core_builder_put_word(core, process->state, process->array);
	core_builder_put(core, process->state + 8, REPORT_ELEMENTS, 4);
	core_builder_put(core, process->state + 12, REPORT_ELEMENTS, 4); /* GRealPtrArray.alloc */
	heap_keep(heap, process->filler = heap_malloc(heap, 0, 3000));
	heap_free_to_bin(heap, process->large, 80);
	heap_free_to_cache(heap, process->cache, process->cached);
}

static void fill_other_memory(report_process *process)
{
	heap_builder *heap = process->heap;
	core_builder *core = process->core;

	process->arena = heap_add_arena(heap, first_heap, REPORT_HEAP_SIZE);
	heap_add_thread(heap, thread_stack, 0x4000, HEAP_GUARD_SIZE, process->arena);
	process->child = heap_malloc(heap, process->arena, 100);
	heap_keep(heap, process->keeper = heap_malloc_until(heap, process->arena, 0x20));
	process->fencepost = process->keeper + heap_block_at(heap, process->keeper)->chunk_size;
	heap_grow_arena(heap, process->arena, second_heap, REPORT_HEAP_SIZE, HEAP_UNSORTED);
	core_builder_put_word(core, process->lost + 16, process->child);
	core_builder_put_word(core, process->child + 8, process->lost + 4);
	core_builder_add_memory(core, mapped_start, 0x100000, RW);
	heap_keep(heap, process->mapped = heap_mmap(heap, mapped_start, 0x100000, 0));
	core_builder_add_partly(core, left_out, REPORT_LEFT_OUT, 0, RW);
}

static void write_file(const char *folder, const char *path, const GByteArray *bytes)
{
	g_autofree char *full = g_strconcat(folder, path, NULL), *parent = g_path_get_dirname(full);

	g_assert(!g_mkdir_with_parents(parent, 0700));
	g_assert(g_file_set_contents(full, (const char *)bytes->data, bytes->len, NULL));
}

/* The program that ran; and as libc one with another build-id: the program's. */
static void write_files(const report_process *process)
{
	g_autoptr(GByteArray) program = program_image(process->names.session);

	write_file(process->folder, process->names.program, program);
	write_file(process->folder, libc_path, program);
}

report_process report_process_create(const report_names *names)
{
	static const report_names none;
	report_process process = { .process = process_start("2.36", REPORT_MAIN_SIZE, REPORT_MAIN_SIZE) };

	names = names ? names : &none;
	process.core = process.process.core;
	process.heap = process.process.heap;
	process.names = (report_names){
		.process = names->process ? names->process : "logic_worker",
		.arguments = names->arguments ? names->arguments : "logic_worker -v",
		.session = names->session ? names->session : "session",
		.program = names->program ? names->program : "/usr/bin/logic_worker",
		.core = names->core ? names->core : "core.8901",
	};
	process.folder = g_dir_make_tmp("heapcore-reports-XXXXXX", NULL);
	g_assert(process.folder);
	process.core_path = g_build_filename(process.folder, process.names.core, NULL);
	program_map(process.core, process.names.program);
	core_builder_add_process(process.core, process.names.process, process.names.arguments, 8901);
	process.core->section_count = 2; /* as gdb writes cores */
	fill_main_arena(&process);
	fill_other_memory(&process);
	write_files(&process);
	return process;
}

bool report_process_run(report_process *process)
{
	static const int32_t ids[] = { 8901, 8902 };
	const hc_analysis_options options = { .sysroot = process->folder, .until = HC_STAGE_FINDINGS, .jobs = 1 };
	hc_address arena = g_array_index(process->heap->arenas, heap_arena, process->arena).address;
	g_autoptr(GByteArray) image = NULL;

	for (unsigned i = 0; i < G_N_ELEMENTS(ids); i++)
		heap_thread_at(process->heap, i)->id = ids[i];
	heap_write_threads(process->heap);
	process->top = g_array_index(process->heap->arenas, heap_arena, 0).top + 16;
	process->second_top = g_array_index(process->heap->arenas, heap_arena, process->arena).top + 16;
	core_builder_put_word(process->core, arena + process->heap->release.system_mem, 3 * REPORT_HEAP_SIZE);
	/* The last page of the top was used before. */
	*core_builder_at(process->core, process->heap->break_end - 1) = 1;
	/* Last in the file. Its word was written before the memory was protected. */
	core_builder_add_memory(process->core, cut_short, 2 * REPORT_CUT, PF_R);
	core_builder_put_word(process->core, cut_short, 1);
	image = core_builder_image(process->core);
	process->core->truncate = image->len - REPORT_CUT;
	g_assert(!symlink(core_builder_path(process->core), process->core_path));
	if (!stages_run_path(&process->process.stages, process->core_path, &options))
		return false;
	process->analysis = process->process.stages.analysis;
	return true;
}

/* FOLDER with all that is in it. */
static void remove_folder(const char *folder)
{
	GDir *directory = g_dir_open(folder, 0, NULL);
	const char *name;

	while (directory && (name = g_dir_read_name(directory))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);

		if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK))
			remove_folder(path); /* no deeper than the paths that were written */
		else
			g_unlink(path);
	}
	if (directory)
		g_dir_close(directory);
	g_rmdir(folder);
}

void report_process_remove_files(report_process *process)
{
	if (process->folder)
		remove_folder(process->folder);
	g_clear_pointer(&process->folder, g_free);
}

void report_process_clear(report_process *process)
{
	process_stop(&process->process);
	report_process_remove_files(process);
	g_free(process->core_path);
}
