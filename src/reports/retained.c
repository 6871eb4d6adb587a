/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is retained, for reports that tell of it beside other things: by path, by block. */
#include "reports/parts.h"

GHashTable *hc_rows_by_path(const hc_ownership *ownership)
{
	GHashTable *rows = ownership ? g_hash_table_new(g_str_hash, g_str_equal) : NULL;

	for (uint32_t i = 0; rows && i < hc_ownership_row_count(ownership); i++) {
		const hc_owner_row *row = hc_ownership_row(ownership, i);
		bool is_known = g_hash_table_contains(rows, row->text);

		/* Which of several of one name is meant nobody can say. */
		g_hash_table_insert(rows, (gpointer)row->text, is_known ? NULL : (gpointer)row);
	}
	return rows;
}

hc_value hc_retained_by_path(GHashTable *rows, const char *path)
{
	const hc_owner_row *row = rows && path ? g_hash_table_lookup(rows, path) : NULL;

	return row && row->has_retained ? hc_value_size(row->retained) : hc_value_none();
}

hc_value hc_retained_by_block(const hc_analysis *analysis, const hc_block *block)
{
	const hc_ownership *ownership = hc_analysis_ownership(analysis);
	uint64_t bytes;

	return ownership && block && hc_ownership_retained_by_block(ownership, block->number, &bytes) ?
		       hc_value_size(bytes) :
		       hc_value_none();
}

hc_value hc_dominator_of_block(const hc_analysis *analysis, const hc_block *block)
{
	const hc_ownership *ownership = hc_analysis_ownership(analysis);
	uint32_t number;
	hc_block dominator;

	return ownership && block && hc_ownership_dominator(ownership, block->number, &number) &&
			       hc_blocks_get(hc_analysis_blocks(analysis), number, &dominator) ?
		       hc_value_address(dominator.address) :
		       hc_value_none();
}
