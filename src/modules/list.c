/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list of modules: asking it by number and by address, and one of them for its ranges in memory.
 */
#include "modules/modules_state.h"

#include "base/partition.h"

#include <elf.h>

hc_core *hc_modules_core(const hc_modules *modules)
{
	return modules->core;
}

unsigned hc_modules_count(const hc_modules *modules)
{
	return modules->list->len;
}

const hc_module *hc_modules_get(const hc_modules *modules, unsigned index)
{
	return index < modules->list->len ? modules->list->pdata[index] : NULL;
}

unsigned hc_modules_index(const hc_modules *modules, const hc_module *module)
{
	(void)modules;
	return hc_module_private(module)->index;
}

const hc_module *hc_modules_find(const hc_modules *modules, hc_address address)
{
	const hc_module *const *list = (const hc_module *const *)(const void *)modules->list->pdata;
	unsigned after = HC_PARTITION_POINT(middle, 0, modules->list->len, list[middle]->end <= address);
	const hc_module *module = hc_modules_get(modules, after);

	return module && module->start <= address ? module : NULL;
}

const hc_module *hc_modules_executable(const hc_modules *modules)
{
	return modules->executable ? &modules->executable->public : NULL;
}

/* ---- one module ---- */

void hc_module_destroy(void *data)
{
	struct module *module = data;

	g_clear_pointer(&module->symbols, g_hash_table_unref);
	g_clear_pointer(&module->tls_symbols, g_array_unref);
	g_clear_pointer(&module->data_symbols, g_array_unref);
	g_clear_pointer(&module->data_sections, g_array_unref);
	g_clear_pointer(&module->structs, g_hash_table_unref);
	g_clear_pointer(&module->one_unit, hc_one_unit_close);
	g_clear_pointer(&module->dwfl, dwfl_end);
	g_array_unref(module->segments);
	g_clear_pointer(&module->mapped, g_mapped_file_unref);
	g_free(module->name);
	g_free(module->file);
	g_free(module->file_build_id);
	g_free(module->build_id);
	g_free(module->separate_file);
	g_free(module->noted_file);
	g_free(module);
}

GMappedFile *hc_module_mapped(const hc_module *module)
{
	return hc_module_private(module)->mapped;
}

/* By the process, or by the dynamic linker before it is sealed. */
static bool is_written(const hc_module_segment *segment)
{
	return (segment->type == PT_LOAD && segment->flags & PF_W) || segment->type == PT_GNU_RELRO;
}

unsigned hc_module_segment_count(const hc_modules *modules, const hc_module *module)
{
	(void)modules;
	return hc_module_private(module)->segments->len;
}

const hc_module_segment *hc_module_segment_get(const hc_modules *modules, const hc_module *module, unsigned index)
{
	(void)modules;
	const GArray *segments = hc_module_private(module)->segments;

	return index < segments->len ? &g_array_index(segments, hc_module_segment, index) : NULL;
}

bool hc_module_is_constant(const struct module *module, const hc_mapping *mapping)
{
	for (unsigned i = 0; i < module->segments->len; i++) {
		const hc_module_segment *segment = &g_array_index(module->segments, hc_module_segment, i);

		if (is_written(segment) && segment->start < mapping->end && mapping->start < segment->end)
			return false;
	}
	return true;
}

bool hc_module_is_data(const hc_modules *modules, const hc_module *module, hc_address address)
{
	uint64_t page = hc_core_process(modules->core)->page_size;
	const GArray *segments = hc_module_private(module)->segments;

	for (unsigned i = 0; i < segments->len; i++) {
		const hc_module_segment *segment = &g_array_index(segments, hc_module_segment, i);

		if (is_written(segment) && address >= hc_align_down(segment->start, page) &&
			address < hc_align_up(segment->end, page))
			return true;
	}
	return false;
}

const char *hc_module_find_text(
	const hc_modules *modules, const hc_module *module, const char *text, uint64_t *ret_available)
{
	const hc_core *core = modules->core;

	for (unsigned i = hc_core_mapping_after(core, module->start); i < hc_core_mapping_count(core); i++) {
		const hc_mapping *mapping = hc_core_mapping(core, i);

		if (mapping->start >= module->end)
			break;
		if (!mapping->bytes || mapping->flags & HC_MAPPING_WRITE)
			continue;
		const char *found = memmem(mapping->bytes, mapping->end - mapping->start, text, strlen(text));

		if (found) {
			*ret_available = (const char *)mapping->bytes + (mapping->end - mapping->start) - found;
			return found;
		}
	}
	return NULL;
}
