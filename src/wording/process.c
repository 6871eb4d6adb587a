/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who died and how, which allocator served, which files were found again. */
#include "wording/wording.h"

#include "base/text.h"

#include <inttypes.h>
#include <string.h>

enum {
	NAMES_SHOWN = 3
};

/* ---- the process ---- */

const char *hc_word_signal(int signal)
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

/* The command name, with the executable's where that says more: the kernel cuts names, and threads have their own. */
static char *process_name(const hc_process *process)
{
	const char *file;

	if (!process->executable || !*process->executable)
		return g_strdup(*process->name ? process->name : "(unnamed)");
	file = hc_text_file_name(process->executable);
	if (!*process->name || g_str_has_prefix(file, process->name))
		return g_strdup(file);
	return g_strdup_printf("%s (%s)", file, process->name);
}

static void append_end(GString *text, const hc_process *process)
{
	const char *signal = hc_word_signal(process->signal);

	if (process->signal && signal)
		g_string_append_printf(text, ", ended by %s", signal);
	else if (process->signal)
		g_string_append_printf(text, ", ended by signal %d", process->signal);
	if (process->origin == HC_ORIGIN_GCORE)
		g_string_append(text, ", written by gcore");
	if (process->origin == HC_ORIGIN_CAPTURE)
		g_string_append(text, ", written by heapcore capture");
	if (process->origin == HC_ORIGIN_LIVE)
		g_string_append(text, ", read while it ran");
}

char *hc_word_process(const hc_process *process, unsigned threads)
{
	GString *text = g_string_new(NULL);
	g_autofree char *name = process_name(process), *count = hc_unit_text(threads, "threads");

	g_string_append(text, name);
	if (process->pid)
		g_string_append_printf(text, ", pid %" PRIi64, process->pid);
	g_string_append_printf(text, ", %s", count);
	append_end(text, process);
	if (process->machine && strcmp(process->machine, "x86-64"))
		g_string_append_printf(text, ", %s", process->machine);
	return g_string_free(text, FALSE);
}

char *hc_word_allocator(const hc_heap_info *heap)
{
	if (!heap->found && heap->foreign)
		return g_strdup_printf("heap: %s (not read)", heap->foreign);
	if (!heap->found && heap->state == HC_HEAP_MISSING)
		return g_strdup("heap: missing in the core");
	if (!heap->found && heap->state > HC_HEAP_MISSING)
		return g_strdup("heap: not read on this machine");
	if (!heap->found)
		return g_strdup("no glibc heap found");
	return g_strdup_printf("glibc %s, malloc layout from %s%s%s",
		heap->version ? heap->version : "(version unknown)",
		heap->layout_from_debug_info ? "debug info" : "built-in table", heap->foreign ? "; beside it " : "",
		heap->foreign ? heap->foreign : "");
}

/* ---- its files ---- */

/* "libfoo.so, libbar.so.1, ..."; ALL: without the dots. */
static char *names_text(const GPtrArray *names, bool all)
{
	GString *text = g_string_new(NULL);
	unsigned shown = all ? names->len : MIN(names->len, NAMES_SHOWN);

	for (unsigned i = 0; i < shown; i++)
		g_string_append_printf(text, "%s%s", i ? ", " : "", (const char *)names->pdata[i]);
	if (shown < names->len)
		g_string_append(text, ", ...");
	return g_string_free(text, FALSE);
}

static char *debug_info_text(unsigned total, const GPtrArray *without, bool all)
{
	g_autofree char *names = NULL;

	if (!without)
		return g_strdup("debug info is fetched when it is needed");
	if (!without->len)
		return g_strdup("debug info for all");
	if (without->len == total)
		return g_strdup("no debug info");
	names = names_text(without, all);
	return g_strdup_printf("debug info for %u (missing: %s)", total - without->len, names);
}

char *hc_word_files(unsigned total, unsigned agree, const GPtrArray *without_debug_info, bool all)
{
	g_autofree char *debug_info = debug_info_text(total, without_debug_info, all);

	if (!total)
		return g_strdup("files: the core does not tell which were mapped");
	return g_strdup_printf("files: %u of %u build-ids agree; %s", agree, total, debug_info);
}

char *hc_word_files_in_state(hc_module_state state, const GPtrArray *names, bool all)
{
	static const char *const texts[] = {
		[HC_MODULE_AGREES] = NULL,
		[HC_MODULE_DIFFERS] = "another build here, not used",
		[HC_MODULE_MISSING] = "not found here",
		[HC_MODULE_UNVERIFIED] = "no build-id to compare, not used",
		[HC_MODULE_UNCONFIRMED] = "used as found here, nothing in the core confirms it",
	};
	g_autofree char *list = names_text(names, all);

	return texts[state] && names->len ? g_strdup_printf("%u %s: %s", names->len, texts[state], list) : NULL;
}
