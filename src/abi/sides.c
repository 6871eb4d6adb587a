/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose a layout is. */
#include "abi/abi_state.h"

void hc_abi_add_module(hc_abi_side *side, const hc_module *module)
{
	for (unsigned i = 0; i < MIN(side->module_count, HC_ABI_MODULES_MAX); i++)
		if (side->modules[i] == module)
			return;
	if (side->module_count < HC_ABI_MODULES_MAX)
		side->modules[side->module_count] = module;
	side->module_count++;
}
