/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How books are read: words, data of modules, memory that a runtime may have; and what is found. */
#include "runtimes/runtimes_state.h"

enum {
	RANGES_MAX = 1 << 20, /* more are not kept: neither a machine nor a damaged core has use for them */
};

void hc_runtimes_add(hc_runtimes *runtimes, hc_address start, hc_address end, hc_runtime_kind kind, bool is_proved)
{
	hc_runtime_range range = { start, end, { .kind = kind, .is_proved = is_proved } };

	if (kind == HC_RUNTIME_ALLOCATOR)
		range.use.name = runtimes->foreign;
	if (start < end && runtimes->ranges->len < RANGES_MAX)
		g_array_append_val(runtimes->ranges, range);
}

bool hc_runtimes_is_candidate(const hc_runtimes *runtimes, const hc_mapping *mapping)
{
	const hc_module *module;

	if (!mapping || mapping->path || !mapping->bytes || !(mapping->flags & (HC_MAPPING_READ | HC_MAPPING_WRITE)))
		return false;
	module = hc_modules_find(runtimes->modules, mapping->start);
	return !module || !hc_module_is_data(runtimes->modules, module, mapping->start);
}

bool hc_runtimes_is_private(const hc_runtimes *runtimes, hc_address address)
{
	return hc_runtimes_is_candidate(runtimes, hc_core_find_mapping(runtimes->core, address));
}

uint64_t hc_runtimes_word(const hc_runtimes *runtimes, hc_address address)
{
	uint64_t value;

	return hc_core_read_word(runtimes->core, address, &value) ? value : 0;
}

uint64_t hc_runtimes_half(const hc_runtimes *runtimes, hc_address address)
{
	uint64_t value;

	return hc_core_read_unsigned(runtimes->core, address, 4, &value) ? value : UINT64_MAX;
}

bool hc_runtimes_next_data(const hc_runtimes *runtimes, const hc_module *module, unsigned *index, hc_range *ret_data,
	const uint8_t **ret_bytes)
{
	*index = MAX(*index, hc_core_mapping_after(runtimes->core, module->start));
	for (; *index < hc_core_mapping_count(runtimes->core); ++*index) {
		const hc_mapping *mapping = hc_core_mapping(runtimes->core, *index);

		if (mapping->start >= module->end)
			return false;
		if (!mapping->bytes || mapping->start < module->start ||
			!hc_module_is_data(runtimes->modules, module, mapping->start))
			continue;
		*ret_data = (hc_range){ mapping->start, MIN(mapping->end, module->end) };
		*ret_bytes = mapping->bytes;
		++*index;
		return true;
	}
	return false;
}

const hc_module *hc_runtimes_module(
	const hc_runtimes *runtimes, const char *const *prefixes, const hc_module *after)
{
	for (unsigned i = after ? hc_modules_index(runtimes->modules, after) + 1 : 0; i < hc_modules_count(runtimes->modules); i++) {
		const hc_module *module = hc_modules_get(runtimes->modules, i);

		for (unsigned k = 0; prefixes[k]; k++)
			if (g_str_has_prefix(module->name, prefixes[k]))
				return module;
	}
	return NULL;
}
