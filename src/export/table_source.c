/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What rows of tables are made of. */
#include "export/export_parts.h"

void hc_table_source_clear(hc_table_source *source)
{
	g_clear_pointer(&source->ownership, hc_ownership_destroy);
	g_clear_pointer(&source->leaks, hc_leaks_destroy);
	g_clear_pointer(&source->lookup, hc_row_lookup_destroy);
}

const hc_ownership *hc_table_source_ownership(hc_table_source *source, GError **error)
{
	const hc_ownership_options options = {
		.no_retained = source->options->no_retained,
		.with_shared = !source->options->no_retained,
		.jobs = source->options->jobs,
	};

	if (!source->ownership)
		source->ownership = hc_analysis_find_owners(source->analysis, &options, error);
	return source->ownership;
}

const hc_leaks *hc_table_source_leaks(hc_table_source *source, GError **error)
{
	if (!source->leaks)
		source->leaks = hc_analysis_find_leaks(source->analysis, NULL, error);
	return source->leaks;
}

const hc_row_lookup *hc_table_source_lookup(hc_table_source *source)
{
	if (!source->lookup)
		source->lookup = hc_row_lookup_create(hc_analysis_types(source->analysis));
	return source->lookup;
}
