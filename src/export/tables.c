/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export/export_parts.h"

#include <string.h>

const hc_export_table hc_export_tables[] = {
	{ "process", hc_process_columns, hc_process_each },
	{ "memory", hc_memory_columns, hc_memory_each },
	{ "mappings", hc_mapping_columns, hc_mapping_each },
	{ "modules", hc_module_columns, hc_module_each },
	{ "roots", hc_root_columns, hc_root_each },
	{ "types", hc_type_columns, hc_type_each },
	{ "owners", hc_owner_columns, hc_owner_each },
	{ "containers", hc_container_columns, hc_container_each },
	{ "lost", hc_lost_columns, hc_lost_each },
	{ "blocks", hc_block_columns, hc_block_each },
	{ "pointers", hc_pointer_columns, hc_pointer_each },
	{ 0 },
};

const char *hc_export_table_name(unsigned index)
{
	return index < G_N_ELEMENTS(hc_export_tables) ? hc_export_tables[index].name : NULL;
}

const hc_export_table *hc_export_table_called(const char *name)
{
	for (const hc_export_table *table = hc_export_tables; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}
