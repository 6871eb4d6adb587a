/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of figures in conditions. */
#include "memory/memory.h"

#include <string.h>

bool hc_figures_find(const hc_figures *figures, const char *name, uint64_t *ret_value)
{
	hc_amount lost = { figures->directly_lost.blocks + figures->indirectly_lost.blocks,
		figures->directly_lost.bytes + figures->indirectly_lost.bytes };
	const struct {
		const char *name;
		uint64_t value;
	} table[] = {
		{ "lost", lost.blocks },
		{ "lost-bytes", lost.bytes },
		{ "leaked", lost.blocks },
		{ "leaked-bytes", lost.bytes },
		{ "directly-lost", figures->directly_lost.blocks },
		{ "directly-lost-bytes", figures->directly_lost.bytes },
		{ "indirectly-lost", figures->indirectly_lost.blocks },
		{ "indirectly-lost-bytes", figures->indirectly_lost.bytes },
		{ "possibly-lost", figures->possibly_lost.blocks },
		{ "possibly-lost-bytes", figures->possibly_lost.bytes },
		{ "in-use-bytes", figures->in_use },
		{ "free-bytes", figures->free },
		{ "trim-bytes", figures->trim },
		{ "mapped-bytes", figures->mapped },
		{ "unread-bytes", figures->unread },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		if (!strcmp(table[i].name, name)) {
			*ret_value = table[i].value;
			return *ret_value != UINT64_MAX;
		}
	}
	return false;
}

hc_row_id hc_figures_row(const char *name)
{
	g_autofree char *row = g_str_has_suffix(name, "-bytes") ? g_strndup(name, strlen(name) - strlen("-bytes")) :
								  NULL;

	return row ? hc_row_called(row) : HC_ROW_NONE;
}
