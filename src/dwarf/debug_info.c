/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The debug info of all modules as one object: what has been opened, and what could not be. */
#include "dwarf/dwarf_state.h"

#include <dwarf.h>
#include <inttypes.h>

static void close_dwarf(struct module_debug *debug)
{
	hc_debug_close_lines(debug);
	if (debug->dwarf && !debug->is_borrowed)
		dwarf_end(debug->dwarf);
	debug->dwarf = NULL;
}

/*
 * What the modules have opened, if it is the same: to uncompress libc's sections again takes longer than all else that is done for a small
 * core. A file that shares another one's info is told which, so that one is opened for ourselves.
 */
static Dwarf *borrow(const struct module_debug *debug)
{
	Dwarf *opened = hc_module_opened_dwarf(debug->module);
	const char *build_id = debug->module->build_id;

	return opened && build_id && hc_modules_has_build_id(dwarf_getelf(opened), build_id) &&
			       hc_modules_has_build_id(debug->elf, build_id) &&
			       !hc_debug_find_section(debug->elf, ".gnu_debugaltlink") ?
		       opened :
		       NULL;
}

static void open_file(hc_debug_info *info, struct module_debug *debug)
{
	debug->dwarf = borrow(debug);
	debug->is_borrowed = debug->dwarf != NULL;
	if (!debug->dwarf)
		debug->dwarf = hc_debug_begin(debug->elf);
	if (!debug->dwarf) {
		debug->gap = g_strdup("it is damaged");
		return;
	}
	/* libdw has uncompressed the sections: from here on these are libelf's. */
	hc_debug_read_sections(dwarf_getelf(debug->dwarf), debug->sections);
	const char *ident = elf_getident(debug->elf, NULL);

	debug->swap = ident && ident[EI_DATA] != (G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB);
	if (hc_debug_open_shared(info, debug))
		hc_scan_headers(debug);
	else
		close_dwarf(debug);
}

/* The debug info of MODULE, of which the file is known, and nothing is read yet if that was not asked for. */
static struct module_debug *find_debug(hc_debug_info *info, const hc_module *module)
{
	struct module_debug **known = &info->opened[hc_modules_index(info->modules, module)];

	if (*known)
		return *known;
	struct module_debug *debug = *known = g_new0(struct module_debug, 1);

	debug->module = module;
	debug->units = g_array_new(FALSE, FALSE, sizeof(struct unit));
	elf_version(EV_CURRENT);
	if (!module->is_vdso)
		hc_debug_find_file(info, debug);
	hc_module_note_debug_file(info->modules, module, debug->path);
	return debug;
}

struct module_debug *hc_module_debug(hc_debug_info *info, const hc_module *module)
{
	struct module_debug *debug = find_debug(info, module);

	if (debug->is_read)
		return debug;
	debug->is_read = true;
	if (debug->elf)
		open_file(info, debug);
	return debug;
}

bool hc_module_part_at(hc_debug_info *info, const hc_module *module, hc_address address, Dwarf_Die *ret_unit)
{
	struct module_debug *debug = find_debug(info, module);
	uint64_t offset;
	Dwarf *dwarf;

	if (debug->is_read || !debug->path || !module->build_id)
		return false;
	if (!debug->tried_part)
		debug->part = hc_one_unit_open(debug->path, module->build_id, address - module->bias);
	debug->tried_part = true;
	dwarf = debug->part ? hc_one_unit_dwarf(debug->part, &offset) : NULL;
	hc_modules_mind_memory(dwarf);
	return dwarf && dwarf_offdie(dwarf, offset, ret_unit);
}

Dwarf *hc_module_dwarf(hc_debug_info *info, const hc_module *module, Dwarf_Addr *ret_bias)
{
	const struct module_debug *debug = hc_module_debug(info, module);

	*ret_bias = module->bias;
	return debug->dwarf;
}

bool hc_module_is_runtime(const hc_module *module)
{
	static const char *const names[] = { "ld-linux", "ld", "ld64", "libc", "libc++", "libc++abi", "libdl",
		"libgcc_s", "libm", "libmvec", "libpthread", "libresolv", "librt", "libstdc++", "libthread_db",
		"libutil" };
	const char *name = module->name;

	if (g_str_has_prefix(name, "ld-linux") || g_str_has_prefix(name, "libnss_"))
		return true;
	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
		size_t length = strlen(names[i]);
		const char *rest = name + length;

		/* "libc.so.6", "libc-2.31.so" */
		if (!strncmp(name, names[i], length) &&
			(g_str_has_prefix(rest, ".so") || (*rest == '-' && g_ascii_isdigit(rest[1]))))
			return true;
	}
	return false;
}

/* ---- what was not read ---- */

static void note_gaps(const struct module_debug *debug, GPtrArray *gaps)
{
	const char *name = debug->module->name;

	if (debug->gap)
		g_ptr_array_add(gaps, g_strdup_printf("%s: %s", name, debug->gap));
	if (debug->split_units)
		g_ptr_array_add(gaps, g_strdup_printf("%s: split DWARF: %" PRIu64
						      " of %u units are in .dwo files, which are not read",
					      name, (uint64_t)debug->split_units, debug->units->len));
	if (debug->damaged_units)
		g_ptr_array_add(gaps, g_strdup_printf("%s: %" PRIu64 " units are damaged, or of a newer kind", name,
					      (uint64_t)debug->damaged_units));
}

GPtrArray *hc_debug_info_gaps(const hc_debug_info *info)
{
	GPtrArray *gaps = g_ptr_array_new_with_free_func(g_free);

	for (unsigned i = 0; i < hc_modules_count(info->modules); i++)
		if (info->opened[i])
			note_gaps(info->opened[i], gaps);
	return gaps;
}

/* ---- the object ---- */

hc_debug_info *hc_debug_info_create(hc_modules *modules)
{
	hc_debug_info *info = g_new0(hc_debug_info, 1);

	info->modules = modules;
	info->core = hc_modules_core(modules);
	info->opened = g_new0(struct module_debug *, hc_modules_count(modules) + 1);
	info->strings = g_string_chunk_new(1 << 16);
	info->functions = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
	info->call_sites = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
	info->jumpers = g_hash_table_new(NULL, NULL);
	info->in_order = g_new(const hc_module *, hc_modules_count(modules) + 1);
	for (unsigned pass = 0, count = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < hc_modules_count(modules); i++)
			if (hc_module_is_runtime(hc_modules_get(modules, i)) == (pass == 1))
				info->in_order[count++] = hc_modules_get(modules, i);
		if (!pass)
			info->program_count = count;
	}
	info->count = hc_modules_count(modules);
	return info;
}

static void release(struct module_debug *debug)
{
	for (unsigned i = 0; i < debug->units->len; i++)
		g_free(g_array_index(debug->units, struct unit, i).scopes);
	g_array_unref(debug->units);
	g_clear_pointer(&debug->types, g_array_unref);
	g_clear_pointer(&debug->variables, g_array_unref);
	g_clear_pointer(&debug->ranges, g_array_unref);
	g_clear_pointer(&debug->names, g_hash_table_unref);
	g_free(debug->by_base);
	close_dwarf(debug);
	hc_one_unit_close(debug->part);
	if (debug->elf)
		elf_end(debug->elf);
	hc_shared_debug_release(debug->shared);
	g_clear_pointer(&debug->mapped, g_mapped_file_unref);
	g_free(debug->gap);
	g_free(debug->path);
	g_free(debug);
}

void hc_debug_info_destroy(hc_debug_info *info)
{
	if (!info)
		return;
	for (unsigned i = 0; i < hc_modules_count(info->modules); i++)
		g_clear_pointer(&info->opened[i], release);
	g_hash_table_unref(info->functions);
	g_hash_table_unref(info->call_sites);
	g_hash_table_unref(info->jumpers);
	g_string_chunk_free(info->strings);
	g_free(info->in_order);
	g_free(info->opened);
	g_free(info);
}
