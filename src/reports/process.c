/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who died and how, which files were found again, which allocator served. */
#include "reports/parts.h"

#include "base/text.h"

#include <string.h>

const char *hc_signal_name(int signal)
{
	/* Linux numbers of x86, arm and most others; the dead process's machine, not ours, decides. */
	static const char *const names[] = {
		NULL,
		"SIGHUP",
		"SIGINT",
		"SIGQUIT",
		"SIGILL",
		"SIGTRAP",
		"SIGABRT",
		"SIGBUS",
		"SIGFPE",
		"SIGKILL",
		"SIGUSR1",
		"SIGSEGV",
		"SIGUSR2",
		"SIGPIPE",
		"SIGALRM",
		"SIGTERM",
		"SIGSTKFLT",
		"SIGCHLD",
		"SIGCONT",
		"SIGSTOP",
		"SIGTSTP",
		"SIGTTIN",
		"SIGTTOU",
		"SIGURG",
		"SIGXCPU",
		"SIGXFSZ",
		"SIGVTALRM",
		"SIGPROF",
		"SIGWINCH",
		"SIGIO",
		"SIGPWR",
		"SIGSYS",
	};

	return signal > 0 && signal < (int)G_N_ELEMENTS(names) ? names[signal] : NULL;
}

static const char *origin_name(hc_origin origin)
{
	switch (origin) {
	case HC_ORIGIN_KERNEL:
		return "kernel";
	case HC_ORIGIN_GCORE:
		return "gcore";
	case HC_ORIGIN_CAPTURE:
		return "capture";
	default:
		return "unknown";
	}
}

/* The command name, with the executable's where that says more: the kernel cuts names, and threads have their own. */
static char *process_name(const hc_process *process)
{
	g_autofree char *name = hc_text_escape(process->name, -1);
	g_autofree char *file = NULL;
	const char *slash;

	if (!process->executable || !*process->executable)
		return g_strdup(*name ? name : "(unnamed)");
	slash = strrchr(process->executable, '/');
	file = hc_text_escape(slash ? slash + 1 : process->executable, -1);
	if (!*name || g_str_has_prefix(file, name))
		return g_steal_pointer(&file);
	return g_strdup_printf("%s (%s)", file, name);
}

static void append_end(GString *title, const hc_process *process)
{
	const char *signal = hc_signal_name(process->signal);

	if (process->signal && signal)
		g_string_append_printf(title, ", ended by %s", signal);
	else if (process->signal)
		g_string_append_printf(title, ", ended by signal %d", process->signal);
	if (process->origin == HC_ORIGIN_GCORE)
		g_string_append(title, ", written by gcore");
	if (process->origin == HC_ORIGIN_CAPTURE)
		g_string_append(title, ", written by heapcore capture");
}

char *hc_process_title(const hc_process *process, unsigned threads)
{
	GString *title = g_string_new(NULL);
	g_autofree char *name = process_name(process);

	g_string_append(title, name);
	if (process->pid)
		g_string_append_printf(title, ", pid %" G_GINT64_FORMAT, process->pid);
	g_string_append_printf(title, ", %u thread%s", threads, threads == 1 ? "" : "s");
	append_end(title, process);
	if (process->machine && strcmp(process->machine, "x86-64"))
		g_string_append_printf(title, ", %s", process->machine);
	return g_string_free(title, FALSE);
}

char *hc_allocator_title(const hc_heap_info *heap)
{
	g_autofree char *version = heap->version ? hc_text_escape(heap->version, -1) : NULL;
	g_autofree char *foreign = heap->foreign ? hc_text_escape(heap->foreign, -1) : NULL;

	if (!heap->found && foreign)
		return g_strdup_printf("heap: %s (not read)", foreign);
	if (!heap->found && heap->state >= HC_HEAP_MISSING)
		return g_strdup(heap->state == HC_HEAP_MISSING ? "heap: missing in the core" :
								 "heap: not read on this machine");
	if (!heap->found)
		return g_strdup("no glibc heap found");
	return g_strdup_printf("glibc %s, malloc layout from %s%s%s", version ? version : "(version unknown)",
		heap->layout_from_debug_info ? "debug info" : "built-in table", foreign ? "; beside it " : "",
		foreign ? foreign : "");
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
		{ "signal", NULL, hc_value_plain(hc_signal_name(process->signal)) },
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

/*
 * Where MODULE's debug info is, NULL if it has none or, as looking for it may mean downloading it, if this report
 * should not be what makes that happen.
 */
static const char *known_debug_file(hc_modules *modules, const hc_module *module)
{
	const char *servers = g_getenv("DEBUGINFOD_URLS");

	return servers && *servers ? NULL : hc_module_debug_file(modules, module);
}

static void add_file(hc_records *files, hc_modules *modules, const hc_module *module)
{
	const hc_fact facts[] = {
		{ "path", NULL, hc_value_text(module->path) },
		{ "build_id", NULL, hc_value_text(module->build_id) },
		{ "file", NULL, hc_value_text(module->file) },
		{ "file_build_id", NULL, hc_value_text(module->file_build_id) },
		{ "state", NULL, hc_value_plain(state_name(module->state)) },
		{ "debug_file", NULL, hc_value_text(known_debug_file(modules, module)) },
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

enum {
	NAMES_SHOWN = 3
};

/* Adds NAME to LIST, up to a few; *COUNT counts all. */
static void add_name(GString *list, unsigned *count, const char *name, bool all)
{
	g_autofree char *escaped = hc_text_escape(name, -1);

	if (all || *count < NAMES_SHOWN)
		g_string_append_printf(list, "%s%s", *count ? ", " : "", escaped);
	else if (*count == NAMES_SHOWN)
		g_string_append(list, ", ...");
	(*count)++;
}

/* Their names: "libfoo.so, libbar.so.1, ...". */
static char *files_in_state(const hc_modules *modules, hc_module_state state, bool all)
{
	GString *list = g_string_new(NULL);
	unsigned count = 0;

	for (unsigned i = 0; i < hc_modules_count(modules); i++) {
		const hc_module *module = hc_modules_get(modules, i);

		if (!module->is_vdso && module->state == state)
			add_name(list, &count, *module->name ? module->name : module->path, all);
	}
	return g_string_free(list, FALSE);
}

static void append_debug_files(GString *line, hc_modules *modules, bool all)
{
	const char *servers = g_getenv("DEBUGINFOD_URLS");
	g_autoptr(GString) missing = g_string_new(NULL);
	unsigned without = 0, with = 0;

	if (servers && *servers) {
		g_string_append(line, "; debug info is fetched when it is needed");
		return;
	}
	for (unsigned i = 0; i < hc_modules_count(modules); i++) {
		const hc_module *module = hc_modules_get(modules, i);

		if (module->is_vdso)
			continue;
		if (known_debug_file(modules, module))
			with++;
		else
			add_name(missing, &without, *module->name ? module->name : module->path, all);
	}
	if (!without)
		g_string_append(line, "; debug info for all");
	else if (!with)
		g_string_append(line, "; no debug info");
	else
		g_string_append_printf(line, "; debug info for %u (missing: %s)", with, missing->str);
}

void hc_files_print(const hc_analysis *analysis, hc_output *output)
{
	static const struct {
		hc_module_state state;
		const char *what;
	} troubles[] = {
		{ HC_MODULE_DIFFERS, "another build here, not used" },
		{ HC_MODULE_MISSING, "not found here" },
		{ HC_MODULE_UNVERIFIED, "no build-id to compare, not used" },
		{ HC_MODULE_UNCONFIRMED, "used as found here, nothing in the core confirms it" },
	};
	hc_modules *modules = hc_analysis_modules(analysis);
	file_counts counts = count_files(modules);
	bool all = output->options->verbose;
	g_autoptr(GString) line = g_string_new(NULL);

	if (!counts.total) {
		hc_output_text(output, "files: the core does not tell which were mapped\n");
		return;
	}
	g_string_printf(line, "files: %u of %u build-ids agree", counts.by_state[HC_MODULE_AGREES], counts.total);
	append_debug_files(line, modules, all);
	hc_output_wrapped(output, 0, 7, line->str);
	for (unsigned i = 0; i < G_N_ELEMENTS(troubles); i++) {
		unsigned count = counts.by_state[troubles[i].state];
		g_autofree char *names = NULL;

		if (!count)
			continue;
		names = files_in_state(modules, troubles[i].state, all);
		g_string_printf(line, "%u %s: %s", count, troubles[i].what, names);
		hc_output_spaces(output, 7);
		if (troubles[i].state == HC_MODULE_DIFFERS)
			hc_output_style(output, HC_STYLE_BAD);
		hc_output_wrapped(output, 7, 7, line->str);
		if (troubles[i].state == HC_MODULE_DIFFERS)
			hc_output_style(output, HC_STYLE_PLAIN);
	}
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
