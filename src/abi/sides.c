/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What those share that find differences: whose a layout is, what has been told, and which calls allocate. */
#include "abi/abi_state.h"

#include <string.h>

void hc_abi_add_module(hc_abi_side *side, const hc_module *module)
{
	for (unsigned i = 0; i < MIN(side->module_count, HC_ABI_MODULES_MAX); i++)
		if (side->modules[i] == module)
			return;
	if (side->module_count < HC_ABI_MODULES_MAX)
		side->modules[side->module_count] = module;
	side->module_count++;
}

bool hc_abi_is_told(const hc_abi *abi, const char *name, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(g_array_index(abi->differences, hc_abi_difference, i).name, name))
			return true;
	return false;
}

hc_sites *hc_abi_sites(hc_abi *abi)
{
	const hc_abi_input *input = &abi->input;

	if (!abi->sites)
		abi->sites = hc_sites_create(input->core, hc_program_types_modules(input->program_types),
			hc_program_types_debug_info(input->program_types), input->program_types, input->blocks,
			input->jobs, input->diagnostics);
	return abi->sites;
}
