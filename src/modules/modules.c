/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding the modules in a core: every mapped ELF header is one. The kernel and gdb dump that page,
 * so name, program headers and build-id come from the core itself, not from a file that may have
 * been replaced since. Where the page is missing: unconfirmed.c.
 */
#include "modules/modules_state.h"

#include <elf.h>

enum {
	PIECES_MAX = 4096, /* of the core's mappings in one module */
};

static const hc_diagnostic_kind module_damaged = {
	"module-damaged",
	HC_SEVERITY_PARTIAL,
	"programs or libraries have damaged headers in the core: their data is not told from other memory",
};

static const hc_diagnostic_kind no_executable = {
	"executable-unknown",
	HC_SEVERITY_NOTE,
	"executable: the core does not tell which of its modules it is",
};

static const hc_diagnostic_kind binary_unplaced = {
	"binary-unplaced",
	HC_SEVERITY_PARTIAL,
	"program that was given was not used: the core does not tell where in memory it was",
};

static struct module *module_create(const hc_core *core, const hc_mapping *mapping)
{
	struct module *module = g_new0(struct module, 1);

	struct hc_header_source source = { .core = core, .base = mapping->start };

	module->segments = g_array_new(FALSE, TRUE, sizeof(hc_module_segment));
	if (!hc_module_read_segments(&source, module)) {
		hc_module_destroy(module);
		return NULL;
	}
	module->build_id = hc_module_read_build_id(core, module);
	module->public.build_id = module->build_id;
	module->public.path = mapping->path ? mapping->path : "";
	module->public.is_vdso = mapping->start == hc_core_process(core)->vdso;
	if (module->public.is_vdso)
		module->name = g_strdup("[vdso]");
	else if (mapping->path)
		module->name = g_path_get_basename(mapping->path);
	else
		module->name = hc_module_read_soname(core, module);
	if (!module->name)
		module->name = g_strdup(module->has_interpreter ? "(executable)" : "(unnamed)");
	module->public.name = module->name;
	return module;
}

static bool has_elf_magic(const hc_mapping *mapping)
{
	return mapping->bytes && mapping->end - mapping->start >= sizeof(Elf32_Ehdr) &&
	       !memcmp(mapping->bytes, ELFMAG, SELFMAG);
}

/*
 * A segment never reaches into another module: then its size is damaged, and with it what is this
 * module's data.
 */
static bool is_damaged(const hc_core *core, const struct module *module)
{
	const char *path = module->public.path;
	unsigned pieces = 0;

	for (unsigned i = 0; *path && i < module->segments->len; i++) {
		const hc_module_segment *segment = &g_array_index(module->segments, hc_module_segment, i);

		if (segment->type != PT_LOAD)
			continue;
		for (unsigned k = hc_core_mapping_after(core, segment->start); k < hc_core_mapping_count(core); k++) {
			const hc_mapping *mapping = hc_core_mapping(core, k);

			if (mapping->start >= segment->end)
				break;
			bool foreign = mapping->path && !mapping->path_offset && strcmp(mapping->path, path);

			if ((foreign && has_elf_magic(mapping)) || ++pieces > PIECES_MAX)
				return true;
		}
	}
	return false;
}

static void find_modules(hc_modules *modules)
{
	const hc_core *core = modules->core;
	hc_address last_end = 0;

	for (unsigned i = 0; i < hc_core_mapping_count(core); i++) {
		const hc_mapping *mapping = hc_core_mapping(core, i);

		if (!has_elf_magic(mapping) || mapping->start < last_end || (mapping->path && mapping->path_offset))
			continue;
		struct module *module = module_create(core, mapping);

		bool loaded = module && hc_module_is_loaded(core, module), damaged = loaded && is_damaged(core, module);

		if (damaged)
			hc_diagnostics_add(modules->diagnostics, &module_damaged, 0, "%s", module->name);
		if (!loaded || damaged)
			g_clear_pointer(&module, hc_module_destroy);
		if (module) {
			last_end = module->public.end;
			module->index = modules->list->len;
			g_ptr_array_add(modules->list, module);
		}
	}
}

static void find_executable(hc_modules *modules)
{
	const hc_process *process = hc_core_process(modules->core);
	const hc_module *found = NULL;

	if (process->program_headers)
		found = hc_modules_find(modules, process->program_headers);
	if (!found && process->entry)
		found = hc_modules_find(modules, process->entry);
	for (unsigned i = 0; !found && i < modules->list->len; i++) {
		const struct module *module = modules->list->pdata[i];

		/*
		 * Libraries that can be run (libc.so.6, the dynamic linker's friends) have an
		 * interpreter as well, but a soname too.
		 */
		if (module->has_interpreter && !g_str_has_prefix(module->name, "lib"))
			found = &module->public;
	}
	if (!found)
		return;
	modules->executable = hc_module_private(found);
	modules->executable->public.is_executable = true;
}

static char *make_debug_path(const hc_modules_options *options)
{
	GString *path = g_string_new(":.debug");

	for (unsigned i = 0; options->debug_directories && options->debug_directories[i]; i++)
		g_string_append_printf(path, ":%s", options->debug_directories[i]);
	if (options->sysroot)
		g_string_append_printf(path, ":%s/usr/lib/debug", options->sysroot);
	g_string_append(path, ":/usr/lib/debug");
	return g_string_free(path, FALSE);
}

/*
 * The core lacks the program's headers, and BINARY could not be used without them: FALSE if WHY it
 * cannot be the program is known, or it is no program at all. Else nothing can be said of it, and
 * the core is analysed without it.
 */
static bool do_without(const hc_modules *modules, const char *binary, const char *why, GError **error)
{
	const char *path = hc_core_name(modules->core);
	bool is_program = g_file_test(binary, G_FILE_TEST_IS_REGULAR) && hc_core_is_program(binary);

	if (why)
		g_set_error(error, HC_ERROR, HC_ERROR_MISMATCH,
			"%s is not the program of %s: %s. Give the binary that was running, or leave it out to look for it at its own path",
			binary, path, why);
	else if (!is_program)
		g_set_error(error, HC_ERROR, HC_ERROR_MISMATCH,
			"%s is not the program of %s: it is no ELF program. Give the binary that was running, or leave it out",
			binary, path);
	else
		hc_diagnostics_add(modules->diagnostics, &binary_unplaced, 0, "%s", binary);
	return !why && is_program;
}

hc_modules *hc_modules_open(
	hc_core *core, const hc_modules_options *options, hc_diagnostics *diagnostics, GError **error)
{
	g_autoptr(hc_modules) modules = g_new0(hc_modules, 1);
	const char *why = NULL;

	modules->core = core;
	modules->diagnostics = diagnostics;
	modules->sysroot = g_strdup(options->sysroot ? options->sysroot : "");
	modules->debug_path = make_debug_path(options);
	modules->callbacks.find_elf = dwfl_build_id_find_elf;
	modules->callbacks.find_debuginfo = dwfl_standard_find_debuginfo;
	modules->callbacks.debuginfo_path = &modules->debug_path;
	modules->list = g_ptr_array_new_with_free_func(hc_module_destroy);
	modules->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_mapped_file_unref);
	modules->structs = g_ptr_array_new_with_free_func(hc_struct_destroy);
	find_modules(modules);
	find_executable(modules);
	if (!modules->executable && options->binary && !hc_modules_add_unconfirmed(modules, options->binary, &why) &&
		!do_without(modules, options->binary, why, error))
		return NULL;
	hc_modules_find_unconfirmed(modules);
	if (!modules->executable)
		find_executable(modules);
	if (!modules->executable)
		hc_diagnostics_add(modules->diagnostics, &no_executable, 0, NULL);
	for (unsigned i = 0; i < modules->list->len; i++) {
		struct module *module = modules->list->pdata[i];
		bool named = options->binary && module == modules->executable;

		/* Those that the core can't confirm have theirs. */
		if (!module->mapped && !hc_module_find_file(modules, module, named ? options->binary : NULL, error))
			return NULL;
		hc_module_supply(modules, module);
	}
	return g_steal_pointer(&modules);
}

void hc_modules_close(hc_modules *modules)
{
	if (!modules)
		return;
	hc_unwinder_destroy(modules->unwinder, hc_core_thread_count(modules->core));
	g_clear_pointer(&modules->tls_blocks, g_array_unref);
	g_clear_pointer(&modules->tls_of_modules, g_array_unref);
	g_ptr_array_unref(modules->list);
	g_ptr_array_unref(modules->structs);
	g_hash_table_unref(modules->files);
	g_clear_pointer(&modules->known_symbols, g_hash_table_unref);
	g_free(modules->sysroot);
	g_free(modules->debug_path);
	g_free(modules);
}
