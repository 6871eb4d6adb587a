/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files that modules were mapped from: found, and trusted only if they are the same files. A
 * file is the same if its build-id is; where neither has a build-id, if its first page is, which
 * holds the program headers.
 */
#include "base/file.h"
#include "modules/modules_state.h"

#include <elf.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <gelf.h>

static const hc_diagnostic_kind file_differs = {
	"file-differs",
	HC_SEVERITY_NOTE,
	"mapped programs or libraries are not the ones that are here now (replaced since?), which were not used: give the old ones with --sysroot",
};

static const hc_diagnostic_kind file_missing = {
	"file-missing",
	HC_SEVERITY_NOTE,
	"mapped programs or libraries are not here: copy them from the machine of the core and give their root with --sysroot",
};

static const hc_diagnostic_kind file_unverified = {
	"file-unverified",
	HC_SEVERITY_NOTE,
	"files could not be compared with the process's (no build-id) and were not used",
};

enum {
	FIRST_PAGE = 4096
};

/* Bytes of MODULE's mappings that the core left out, and that its file would have. */
static uint64_t missing_bytes(const hc_modules *modules, const struct module *module)
{
	uint64_t bytes = 0;

	for (unsigned i = hc_core_mapping_after(modules->core, module->public.start);
		i < hc_core_mapping_count(modules->core); i++) {
		const hc_mapping *mapping = hc_core_mapping(modules->core, i);

		if (mapping->start >= module->public.end)
			break;
		bytes += mapping->source == HC_SOURCE_NONE && mapping->path ? mapping->end - mapping->start : 0;
	}
	return bytes;
}

/* " (deleted)" is what the kernel adds to the path of a file that was replaced while mapped. */
static char *without_deleted(const char *path)
{
	static const char deleted[] = " (deleted)";

	return g_strndup(path, strlen(path) - (g_str_has_suffix(path, deleted) ? strlen(deleted) : 0));
}

/* Whether PATH is below a folder whose files are no files: to open one may do something, or tell of this machine and not of the core's. */
static bool is_of_kernel(const char *path)
{
	static const char *const folders[] = { "/proc/", "/dev/", "/sys/" };

	for (unsigned i = 0; i < G_N_ELEMENTS(folders); i++)
		if (g_str_has_prefix(path, folders[i]))
			return true;
	return false;
}

/* A path that the core has is what somebody wrote there: "..", which could lead out of the sysroot, goes, as do links out of it; "" is no path. */
char *hc_module_path_here(const hc_modules *modules, const char *path)
{
	g_autofree char *named = without_deleted(path);
	g_autofree char *whole = g_path_is_absolute(named) ? g_canonicalize_filename(named, "/") : NULL;

	return whole && !is_of_kernel(whole) ? hc_file_below(modules->sysroot, whole) : g_strdup("");
}

Elf *hc_module_elf(const hc_module *module)
{
	GMappedFile *mapped = hc_module_mapped(module);

	return mapped ? hc_modules_open_elf(mapped) : NULL;
}

static char *file_build_id(GMappedFile *mapped)
{
	Elf *elf = hc_modules_open_elf(mapped);
	const void *bytes = NULL;
	ssize_t size = elf ? dwelf_elf_gnu_build_id(elf, &bytes) : -1;
	char *text = size > 0 && size <= 64 ? hc_build_id_text(bytes, (size_t)size) : NULL;

	if (elf)
		elf_end(elf);
	return text;
}

/* Compares the first page in the core with the file's. *ret_same is valid if TRUE is returned. */
static bool compare_first_page(
	const hc_modules *modules, const struct module *module, GMappedFile *mapped, bool *ret_same)
{
	uint64_t available;
	const uint8_t *bytes = hc_core_bytes(modules->core, module->public.start, &available);
	uint64_t size = MIN(FIRST_PAGE, g_mapped_file_get_length(mapped));

	if (!bytes || available < size || size < sizeof(Elf32_Ehdr))
		return false;
	*ret_same = !memcmp(bytes, g_mapped_file_get_contents(mapped), size);
	return true;
}

static hc_module_state compare_file(const hc_modules *modules, struct module *module, GMappedFile *mapped)
{
	bool same;

	g_free(module->file_build_id);
	module->file_build_id = file_build_id(mapped);
	module->public.file_build_id = module->file_build_id;
	if (module->build_id && module->file_build_id)
		return g_str_equal(module->build_id, module->file_build_id) ? HC_MODULE_AGREES : HC_MODULE_DIFFERS;
	if (module->build_id || module->file_build_id)
		return HC_MODULE_DIFFERS;
	if (compare_first_page(modules, module, mapped, &same))
		return same ? HC_MODULE_AGREES : HC_MODULE_DIFFERS;
	return HC_MODULE_UNVERIFIED;
}

static bool refuse_binary(const hc_modules *modules, const struct module *module, const char *binary, GError **error)
{
	bool has_ids = module->build_id || module->file_build_id;

	g_set_error(error, HC_ERROR, HC_ERROR_MISMATCH,
		"%s is not the program of %s: the core's executable (%s) has build-id %s, this file has %s%s. "
		"Give the binary that was running, or leave it out to look for it at its own path",
		binary, hc_core_name(modules->core), module->name, module->build_id ? module->build_id : "none",
		module->file_build_id ? module->file_build_id : "none",
		has_ids ? "" : ", and their first pages differ");
	return false;
}

/* NULL if PATH is no regular file or cannot be opened; then *WHY may be set. */
static GMappedFile *map_file(const hc_modules *modules, const char *path, GError **why)
{
	GMappedFile *known = g_hash_table_lookup(modules->files, path);

	if (known)
		return g_mapped_file_ref(known);
	return path[0] ? hc_file_map(path, false, why) : NULL;
}

bool hc_module_find_file(hc_modules *modules, struct module *module, const char *named_by_user, GError **error)
{
	g_autoptr(GError) why = NULL;

	if (module->public.is_vdso) {
		module->public.state = HC_MODULE_UNVERIFIED; /* no file, and none is needed: the core holds it */
		return true;
	}
	module->file = named_by_user ? g_strdup(named_by_user) : hc_module_path_here(modules, module->public.path);
	module->public.file = module->file;
	GMappedFile *mapped = map_file(modules, module->file, &why);

	if (!mapped) {
		if (named_by_user) {
			g_set_error(error, HC_ERROR, HC_ERROR_IO, "%s: %s", named_by_user,
				why ? why->message : "no such file, or not a regular one");
			return false;
		}
		module->public.state = HC_MODULE_MISSING;
		module->public.file = NULL;
		hc_diagnostics_add(modules->diagnostics, &file_missing, missing_bytes(modules, module),
			"%s (build-id %s)", module->file[0] ? module->file : module->name,
			module->build_id ? module->build_id : "none");
		return true;
	}
	module->public.state = compare_file(modules, module, mapped);
	switch (module->public.state) {
	case HC_MODULE_AGREES:
		module->mapped = mapped;
		g_hash_table_insert(modules->files, g_strdup(module->file), g_mapped_file_ref(mapped));
		return true;
	case HC_MODULE_DIFFERS:
		hc_diagnostics_add(modules->diagnostics, &file_differs, missing_bytes(modules, module),
			"%s has build-id %s, the core says %s", module->file,
			module->file_build_id ? module->file_build_id : "none",
			module->build_id ? module->build_id : "none");
		break;
	default:
		hc_diagnostics_add(
			modules->diagnostics, &file_unverified, missing_bytes(modules, module), "%s", module->file);
		break;
	}
	g_mapped_file_unref(mapped);
	if (named_by_user)
		return refuse_binary(modules, module, named_by_user, error);
	return true;
}

void hc_module_supply(hc_modules *modules, struct module *module)
{
	hc_core *core = modules->core;
	uint64_t page = hc_core_process(core)->page_size;

	if (!module->mapped)
		return;
	uint64_t size = g_mapped_file_get_length(module->mapped);
	const uint8_t *contents = (const uint8_t *)g_mapped_file_get_contents(module->mapped);

	/*
	 * Our own page size limits what may be read behind the file's end; use what both pages
	 * allow.
	 */
	size = hc_align_up(size, MIN(page, 4096));
	for (unsigned i = hc_core_mapping_after(core, module->public.start); i < hc_core_mapping_count(core); i++) {
		const hc_mapping *mapping = hc_core_mapping(core, i);

		if (mapping->start >= module->public.end)
			break;
		if (mapping->source != HC_SOURCE_NONE || mapping->flags & HC_MAPPING_WRITE || !mapping->path ||
			strcmp(mapping->path, module->public.path) || !hc_module_is_constant(module, mapping))
			continue;
		if (mapping->path_offset <= size && mapping->end - mapping->start <= size - mapping->path_offset)
			hc_core_supply(core, i, contents + mapping->path_offset);
	}
}

const char *hc_modules_elfutils_version(void)
{
	return dwfl_version(NULL);
}
