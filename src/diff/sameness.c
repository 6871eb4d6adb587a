/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Are two cores of the same program? The executable's build-id decides. Of one process are they if the pid and the load
 * addresses agree too: a pid is used again, and forked processes share addresses, but not both.
 */
#include "diff/internal.h"

#include "base/text.h"

#include <string.h>

static const hc_module *find_executable(const hc_modules *modules)
{
	for (unsigned i = 0; i < hc_modules_count(modules); i++) {
		const hc_module *module = hc_modules_get(modules, i);

		if (module->is_executable)
			return module;
	}
	return NULL;
}

/* Where the module with malloc in it was loaded; 0 if it is not known. */
static hc_address libc_start(const hc_analysis *analysis)
{
	const hc_modules *modules = hc_analysis_modules(analysis);
	const char *library = hc_blocks_heap(hc_analysis_blocks(analysis))->library;

	for (unsigned i = 0; library && i < hc_modules_count(modules); i++) {
		const hc_module *module = hc_modules_get(modules, i);

		if (!strcmp(module->name, library))
			return module->start;
	}
	return 0;
}

/* The file's name, or what the kernel called the process. */
static const char *program_name(const hc_analysis *analysis, const hc_module *executable)
{
	return executable && *executable->name ? executable->name : hc_core_process(hc_analysis_core(analysis))->name;
}

static char *same_build_text(
	hc_sameness sameness, const hc_process *a, const hc_process *b, bool same_addresses, const char *build_id)
{
	if (sameness == HC_SAME_PROCESS)
		return g_strdup_printf("same process: pid %" G_GINT64_FORMAT ", same load addresses, same build-id %s",
			a->pid, build_id);
	if (a->pid && a->pid == b->pid)
		return g_strdup_printf("same program, but not the same process: pid %" G_GINT64_FORMAT
				       " in both, loaded at other addresses; build-id %s",
			a->pid, build_id);
	return g_strdup_printf("same program, two processes: pid %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT
			       "%s; build-id %s",
		a->pid, b->pid, same_addresses ? ", with the same load addresses (forked?)" : "", build_id);
}

hc_sameness hc_sameness_compare(const hc_analysis *a, const hc_analysis *b, char **ret_text)
{
	const hc_process *process_a = hc_core_process(hc_analysis_core(a));
	const hc_process *process_b = hc_core_process(hc_analysis_core(b));
	const hc_module *executable_a = find_executable(hc_analysis_modules(a));
	const hc_module *executable_b = find_executable(hc_analysis_modules(b));
	g_autofree char *name_a = hc_text_escape(program_name(a, executable_a), -1);
	g_autofree char *name_b = hc_text_escape(program_name(b, executable_b), -1);
	bool same_name = !strcmp(name_a, name_b);
	const char *id_a = executable_a ? executable_a->build_id : NULL;
	const char *id_b = executable_b ? executable_b->build_id : NULL;
	bool same_addresses;
	hc_sameness sameness;

	if (id_a && id_b && !strcmp(id_a, id_b)) {
		same_addresses = executable_a->start == executable_b->start && libc_start(a) == libc_start(b);
		sameness = process_a->pid && process_a->pid == process_b->pid && same_addresses ? HC_SAME_PROCESS :
												  HC_SAME_PROGRAM;
		*ret_text = same_build_text(sameness, process_a, process_b, same_addresses, id_a);
		return sameness;
	}
	if (id_a && id_b) {
		*ret_text = g_strdup_printf("%s: %s with build-id %s, and %s with build-id %s",
			same_name ? "another build of the program" : "different programs", name_a, id_a, name_b, id_b);
		return same_name ? HC_OTHER_BUILD : HC_OTHER_PROGRAM;
	}
	if (!same_name) {
		*ret_text = g_strdup_printf(
			"different programs by their names: %s and %s (no build-ids to compare)", name_a, name_b);
		return HC_OTHER_PROGRAM;
	}
	*ret_text = g_strdup_printf("%s in both by its name, pid %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT
				    "; whether it is the same build the cores do not tell",
		name_a, process_a->pid, process_b->pid);
	return HC_SAME_UNKNOWN;
}
