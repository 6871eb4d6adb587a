/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who died and how, which files were found again, which allocator served. */
#include "reports/parts.h"

#include "base/text.h"
#include "wording/wording.h"

enum {
	FILES_INDENT = 7 /* behind "files: " */
};

static const char *origin_name(hc_origin origin)
{
	switch (origin) {
	case HC_ORIGIN_KERNEL:
		return "kernel";
	case HC_ORIGIN_GCORE:
		return "gcore";
	case HC_ORIGIN_CAPTURE:
		return "capture";
	case HC_ORIGIN_LIVE:
		return "live";
	default:
		return "unknown";
	}
}

char *hc_process_title(const hc_process *process, unsigned threads)
{
	g_autofree char *text = hc_word_process(process, threads);

	return hc_text_escape(text, -1);
}

char *hc_allocator_title(const hc_heap_info *heap)
{
	g_autofree char *text = hc_word_allocator(heap);

	return hc_text_escape(text, -1);
}

json_t *hc_process_json(const hc_process *process, unsigned threads, const char *core_path, uint64_t core_size)
{
	const hc_fact facts[] = {
		{ "name", NULL, hc_value_text(process->name) },
		{ "pid", NULL, hc_value_if(process->pid, hc_value_id(process->pid)) },
		{ "threads", NULL, hc_value_count(threads) },
		{ "arguments", NULL, hc_value_text(process->arguments) },
		{ "executable", NULL, hc_value_text(process->executable) },
		{ "origin", NULL, hc_value_plain(origin_name(process->origin)) },
		{ "signal", NULL, hc_value_plain(hc_word_signal(process->signal)) },
		{ "signal_number", NULL, hc_value_if(process->signal, hc_value_id(process->signal)) },
		{ "machine", NULL, hc_value_text(process->machine) },
		{ "word_size", NULL, hc_value_size(process->word_size) },
		{ "page_size", NULL, hc_value_size(process->page_size) },
		{ "core", NULL, hc_value_text(core_path) },
		{ "core_size", NULL, hc_value_size(core_size) },
	};

	return hc_record_json(facts);
}

static const char *state_name(hc_module_state state)
{
	static const char *const names[] = {
		[HC_MODULE_AGREES] = "agrees",
		[HC_MODULE_DIFFERS] = "differs",
		[HC_MODULE_MISSING] = "missing",
		[HC_MODULE_UNVERIFIED] = "unverified",
		[HC_MODULE_UNCONFIRMED] = "unconfirmed",
	};

	return names[state];
}

typedef struct file_counts {
	unsigned total;
	unsigned by_state[HC_MODULE_UNCONFIRMED + 1];
} file_counts;

/* The kernel's vdso is a module, but no file. */
static file_counts count_files(const hc_modules *modules)
{
	file_counts counts = { 0 };

	for (unsigned i = 0; i < hc_modules_count(modules); i++) {
		const hc_module *module = hc_modules_get(modules, i);

		if (module->is_vdso)
			continue;
		counts.total++;
		counts.by_state[module->state]++;
	}
	return counts;
}

/* Debug info may come from a server: looking for it would mean downloading it, and no report makes that happen. */
static bool is_fetched(void)
{
	const char *servers = g_getenv("DEBUGINFOD_URLS");

	return servers && *servers;
}

static void add_file(hc_records *files, hc_modules *modules, const hc_module *module)
{
	const hc_fact facts[] = {
		{ "path", NULL, hc_value_text(module->path) },
		{ "build_id", NULL, hc_value_text(module->build_id) },
		{ "file", NULL, hc_value_text(module->file) },
		{ "file_build_id", NULL, hc_value_text(module->file_build_id) },
		{ "state", NULL, hc_value_plain(state_name(module->state)) },
		{ "debug_file", NULL, hc_value_text(is_fetched() ? NULL : hc_module_debug_file(modules, module)) },
		{ "executable", NULL, hc_value_flag(module->is_executable) },
		{ "start", NULL, hc_value_address(module->start) },
		{ "end", NULL, hc_value_address(module->end) },
	};

	hc_records_add(files, facts);
}

json_t *hc_files_json(const hc_analysis *analysis)
{
	hc_modules *modules = hc_analysis_modules(analysis);
	file_counts counts = count_files(modules);
	g_autoptr(hc_records) files = hc_records_create();

	for (unsigned i = 0; i < hc_modules_count(modules); i++) {
		if (!hc_modules_get(modules, i)->is_vdso)
			add_file(files, modules, hc_modules_get(modules, i));
	}
	const hc_fact facts[] = {
		{ "total", NULL, hc_value_count(counts.total) },
		{ "agree", NULL, hc_value_count(counts.by_state[HC_MODULE_AGREES]) },
		{ "differ", NULL, hc_value_count(counts.by_state[HC_MODULE_DIFFERS]) },
		{ "missing", NULL, hc_value_count(counts.by_state[HC_MODULE_MISSING]) },
		{ "unverified", NULL, hc_value_count(counts.by_state[HC_MODULE_UNVERIFIED]) },
		{ "unconfirmed", NULL, hc_value_count(counts.by_state[HC_MODULE_UNCONFIRMED]) },
		{ "list", NULL, hc_value_json(hc_records_json(files)) },
	};

	return hc_record_json(facts);
}

static const char *module_name(const hc_module *module)
{
	return *module->name ? module->name : module->path;
}

/* Their names, which the modules own. */
static GPtrArray *files_in_state(const hc_modules *modules, hc_module_state state)
{
	GPtrArray *names = g_ptr_array_new();

	for (unsigned i = 0; i < hc_modules_count(modules); i++) {
		const hc_module *module = hc_modules_get(modules, i);

		if (!module->is_vdso && module->state == state)
			g_ptr_array_add(names, (char *)module_name(module));
	}
	return names;
}

static GPtrArray *files_without_debug_info(hc_modules *modules)
{
	GPtrArray *names = g_ptr_array_new();

	for (unsigned i = 0; i < hc_modules_count(modules); i++) {
		const hc_module *module = hc_modules_get(modules, i);

		if (!module->is_vdso && !hc_module_debug_file(modules, module))
			g_ptr_array_add(names, (char *)module_name(module));
	}
	return names;
}

static void print_files_in_state(const hc_modules *modules, hc_module_state state, hc_output *output)
{
	g_autoptr(GPtrArray) names = files_in_state(modules, state);
	g_autofree char *text = hc_word_files_in_state(state, names, output->options->verbose);
	g_autofree char *shown = text ? hc_text_escape(text, -1) : NULL;

	if (!text)
		return;
	hc_output_spaces(output, FILES_INDENT);
	if (state == HC_MODULE_DIFFERS)
		hc_output_style(output, HC_STYLE_BAD);
	hc_output_wrapped(output, FILES_INDENT, FILES_INDENT, shown);
	if (state == HC_MODULE_DIFFERS)
		hc_output_style(output, HC_STYLE_PLAIN);
}

void hc_files_print(const hc_analysis *analysis, hc_output *output)
{
	hc_modules *modules = hc_analysis_modules(analysis);
	file_counts counts = count_files(modules);
	g_autoptr(GPtrArray) without = is_fetched() ? NULL : files_without_debug_info(modules);
	g_autofree char *text =
		hc_word_files(counts.total, counts.by_state[HC_MODULE_AGREES], without, output->options->verbose);
	g_autofree char *shown = hc_text_escape(text, -1);

	hc_output_wrapped(output, 0, FILES_INDENT, shown);
	for (hc_module_state state = 0; state <= HC_MODULE_UNCONFIRMED; state++)
		print_files_in_state(modules, state, output);
}

static const char *heap_state_name(const hc_heap_info *heap)
{
	static const char *const names[HC_HEAP_STATE_COUNT] = {
		[HC_HEAP_READ] = "read",
		[HC_HEAP_ABSENT] = "absent",
		[HC_HEAP_UNUSED] = "unused",
		[HC_HEAP_MISSING] = "missing",
		[HC_HEAP_UNSUPPORTED] = "unsupported",
	};

	return names[heap->state];
}

json_t *hc_allocator_json(const hc_heap_info *heap)
{
	const char *source = heap->layout_from_debug_info ? "dwarf" : "table";
	const hc_fact facts[] = {
		{ "name", NULL, hc_value_text(heap->allocator) },
		{ "version", NULL, hc_value_text(heap->version) },
		{ "layout", NULL, hc_value_text(heap->layout) },
		{ "layout_source", NULL, hc_value_if(heap->found, hc_value_plain(source)) },
		{ "safe_linking", NULL, hc_value_flag(heap->safe_linking) },
		{ "alignment", NULL, hc_value_size(heap->alignment) },
		{ "library", NULL, hc_value_text(heap->library) },
		{ "provider", NULL, hc_value_text(heap->provider) },
		{ "foreign", NULL, hc_value_text(heap->foreign) },
		{ "found", NULL, hc_value_flag(heap->found) },
		{ "state", NULL, hc_value_plain(heap_state_name(heap)) },
		{ "mmapped_count", NULL, hc_value_if(heap->mmapped_known, hc_value_count(heap->mmapped_count)) },
		{ "mmapped_bytes", NULL, hc_value_if(heap->mmapped_known, hc_value_size(heap->mmapped_bytes)) },
	};

	return hc_record_json(facts);
}
