/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a mapping is, from its file, its flags and where it lies. */
#include "areas/areas_state.h"

static const hc_address vsyscall_page = 0xffffffffff600000; /* asm/vsyscall.h, x86-64 */

enum {
	CHECK_WHOLE = 64 << 20, /* bytes: reserved ranges up to this size are checked to the last byte ... */
	CHECK_STRIDE = 1 << 20, /* ... of larger ones (gdb writes reserved terabytes) a page in each MiB */
	CHECK_PIECE = 4096,
	VVAR_REACH = 1 << 16,
	VVAR_PIECES = 8,
};

static bool is_zero_enough(const hc_core *core, const hc_mapping *mapping)
{
	uint64_t size = mapping->end - mapping->start;

	if (size <= CHECK_WHOLE)
		return hc_core_is_zero(core, mapping->bytes, size);
	for (uint64_t offset = 0; offset + CHECK_PIECE <= size; offset += CHECK_STRIDE)
		if (!hc_core_is_zero(core, mapping->bytes + offset, CHECK_PIECE))
			return false;
	return true;
}

/*
 * The kernel gives a PROT_NONE mapping no flags and no bytes. gdb writes it as readable zeros; a real read-only anonymous
 * mapping was written before it was protected, so it is not all zeros.
 */
bool hc_areas_is_reserved(const hc_core *core, const hc_mapping *mapping)
{
	if (mapping->path || mapping->flags & (HC_MAPPING_WRITE | HC_MAPPING_EXECUTE))
		return false;
	if (!(mapping->flags & HC_MAPPING_READ))
		return true;
	return mapping->source == HC_SOURCE_CORE && is_zero_enough(core, mapping);
}

static bool is_shared_memory(const char *path)
{
	static const char *const prefixes[] = { "/dev/zero", "/dev/shm/", "/run/shm/", "/memfd:", "/SYSV", "/[aio]",
		"/i915", "/drm" };

	for (unsigned i = 0; i < G_N_ELEMENTS(prefixes); i++)
		if (g_str_has_prefix(path, prefixes[i]))
			return true;
	return false;
}

/* vvar lies right below the vdso, in one or two pieces that are readable and nothing else. gdb leaves it out. */
static bool is_vvar(const hc_areas *areas, const hc_mapping *mapping)
{
	hc_address vdso = hc_core_process(areas->core)->vdso, at = mapping->start;

	if (!vdso || at >= vdso || vdso - at > VVAR_REACH)
		return false;
	unsigned first = hc_core_find_mapping_index(areas->core, at);

	for (unsigned i = first; at != vdso; i++) {
		const hc_mapping *piece = hc_core_mapping(areas->core, i);

		if (!piece || i - first >= VVAR_PIECES || (at != mapping->start && piece->start != at) || piece->path ||
			(piece->flags & 7) != HC_MAPPING_READ)
			return false;
		at = piece->end;
	}
	return true;
}

static bool is_kernel(const hc_areas *areas, const hc_mapping *mapping)
{
	const hc_process *process = hc_core_process(areas->core);
	const hc_module *module = hc_modules_find(areas->modules, mapping->start);

	if (mapping->path)
		return false;
	if (mapping->start == vsyscall_page || (process->vdso && mapping->start == process->vdso) ||
		(module && module->is_vdso))
		return true;
	return is_vvar(areas, mapping);
}

hc_area_kind hc_areas_classify(const hc_areas *areas, const hc_mapping *mapping, unsigned *ret_owner)
{
	const hc_module *module = hc_modules_find(areas->modules, mapping->start);

	*ret_owner = UINT_MAX;
	if (is_kernel(areas, mapping))
		return HC_AREA_KERNEL;
	if (module && hc_module_is_data(areas->modules, module, mapping->start)) {
		*ret_owner = hc_modules_index(areas->modules, module);
		return mapping->source == HC_SOURCE_TRUNCATED ? HC_AREA_TRUNCATED : HC_AREA_MODULE_DATA;
	}
	if (mapping->path && !g_str_has_prefix(mapping->path, "/anon_hugepage")) {
		if (is_shared_memory(mapping->path))
			return HC_AREA_SHARED;
		return mapping->source == HC_SOURCE_TRUNCATED && mapping->flags & HC_MAPPING_WRITE ? HC_AREA_TRUNCATED :
												     HC_AREA_FILE;
	}
	if (mapping->source == HC_SOURCE_TRUNCATED)
		return HC_AREA_TRUNCATED;
	if (hc_areas_is_reserved(areas->core, mapping))
		return HC_AREA_RESERVED;
	return mapping->source == HC_SOURCE_NONE ? HC_AREA_NOT_DUMPED : HC_AREA_ANONYMOUS;
}
