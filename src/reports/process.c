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
	json_t *object = json_object();

	hc_json_set(object, "name", hc_json_text(process->name));
	hc_json_set(object, "pid", process->pid ? json_integer(process->pid) : json_null());
	hc_json_set(object, "threads", json_integer(threads));
	hc_json_set(object, "arguments", hc_json_text(process->arguments));
	hc_json_set(object, "executable", hc_json_text(process->executable));
	hc_json_set(object, "origin", json_string(origin_name(process->origin)));
	hc_json_set(object, "signal", hc_json_text(hc_signal_name(process->signal)));
	hc_json_set(object, "signal_number", process->signal ? json_integer(process->signal) : json_null());
	hc_json_set(object, "machine", hc_json_text(process->machine));
	hc_json_set(object, "word_size", json_integer(process->word_size));
	hc_json_set(object, "page_size", hc_json_number(process->page_size));
	hc_json_set(object, "core", hc_json_text(core_path));
	hc_json_set(object, "core_size", hc_json_number(core_size));
	return object;
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

json_t *hc_files_json(const hc_analysis *analysis)
{
	hc_modules *modules = hc_analysis_modules(analysis);
	file_counts counts = count_files(modules);
	json_t *object = json_object(), *list = json_array();

	for (unsigned i = 0; i < hc_modules_count(modules); i++) {
		const hc_module *module = hc_modules_get(modules, i);
		json_t *file;

		if (module->is_vdso)
			continue;
		file = json_object();
		hc_json_set(file, "path", hc_json_text(module->path));
		hc_json_set(file, "build_id", hc_json_text(module->build_id));
		hc_json_set(file, "file", hc_json_text(module->file));
		hc_json_set(file, "file_build_id", hc_json_text(module->file_build_id));
		hc_json_set(file, "state", json_string(state_name(module->state)));
		hc_json_set(file, "debug_file", hc_json_text(known_debug_file(modules, module)));
		hc_json_set(file, "executable", json_boolean(module->is_executable));
		hc_json_set(file, "start", hc_json_address(module->start));
		hc_json_set(file, "end", hc_json_address(module->end));
		json_array_append_new(list, file);
	}
	hc_json_set(object, "total", json_integer(counts.total));
	hc_json_set(object, "agree", json_integer(counts.by_state[HC_MODULE_AGREES]));
	hc_json_set(object, "differ", json_integer(counts.by_state[HC_MODULE_DIFFERS]));
	hc_json_set(object, "missing", json_integer(counts.by_state[HC_MODULE_MISSING]));
	hc_json_set(object, "unverified", json_integer(counts.by_state[HC_MODULE_UNVERIFIED]));
	hc_json_set(object, "unconfirmed", json_integer(counts.by_state[HC_MODULE_UNCONFIRMED]));
	hc_json_set(object, "list", list);
	return object;
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
	json_t *object = json_object();

	hc_json_set(object, "name", hc_json_text(heap->allocator));
	hc_json_set(object, "version", hc_json_text(heap->version));
	hc_json_set(object, "layout", hc_json_text(heap->layout));
	hc_json_set(object, "layout_source",
		!heap->found ? json_null() : json_string(heap->layout_from_debug_info ? "dwarf" : "table"));
	hc_json_set(object, "safe_linking", json_boolean(heap->safe_linking));
	hc_json_set(object, "alignment", hc_json_number(heap->alignment));
	hc_json_set(object, "library", hc_json_text(heap->library));
	hc_json_set(object, "provider", hc_json_text(heap->provider));
	hc_json_set(object, "foreign", hc_json_text(heap->foreign));
	hc_json_set(object, "found", json_boolean(heap->found));
	hc_json_set(object, "state", json_string(heap_state_name(heap)));
	hc_json_set(object, "mmapped_count", heap->mmapped_known ? hc_json_number(heap->mmapped_count) : json_null());
	hc_json_set(object, "mmapped_bytes", heap->mmapped_known ? hc_json_number(heap->mmapped_bytes) : json_null());
	return object;
}
