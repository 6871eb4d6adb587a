/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Folded stacks: a line for each path that has something itself, its steps from the outermost on with ";" between, a space, and the figure.
 * What reads them cuts a line at each ";" and at its last space, and knows no escapes: so a ";" in a name becomes ":".
 */
#include "export/export_parts.h"

#include "base/text.h"

#include <inttypes.h>

static void add_frame(GString *stack, const char *name)
{
	g_autofree char *escaped = hc_text_escape(name, -1);

	g_strdelimit(escaped, ";", ':');
	g_string_append_printf(stack, "%s%s", stack->len ? ";" : "", escaped);
}

static void add_rows(GString *stack, const hc_ownership *ownership, uint32_t index)
{
	g_autoptr(GPtrArray) rows = g_ptr_array_new();

	for (; index != HC_OWNER_NO_ROW; index = hc_ownership_row(ownership, index)->parent)
		g_ptr_array_add(rows, (gpointer)hc_ownership_row(ownership, index));
	for (unsigned i = rows->len; i--;)
		add_frame(stack, hc_owner_row_tail(ownership, rows->pdata[i]));
}

static uint64_t measured(const hc_export_options *options, const hc_sample_figures *figures)
{
	switch (options->measure) {
	case HC_EXPORT_BLOCKS:
		return figures->amount.blocks;
	case HC_EXPORT_RESIDENT:
		return figures->resident;
	default:
		return figures->amount.bytes;
	}
}

bool hc_folded_write(hc_export *export, hc_table_source *source, GError **error)
{
	const hc_ownership *ownership;
	g_autoptr(GArray) samples = NULL;

	if (export->options->measure == HC_EXPORT_RESIDENT &&
		!hc_core_knows_resident(hc_analysis_core(source->analysis))) {
		g_set_error_literal(error, HC_ERROR, HC_ERROR_USAGE,
			"this core does not tell what was resident: only those of `heapcore capture` do");
		return false;
	}
	ownership = hc_table_source_ownership(source, error);
	if (!ownership)
		return false;
	samples = hc_owner_samples(source->analysis, ownership);
	for (unsigned i = 0; i < samples->len; i++) {
		const hc_owner_sample *sample = &g_array_index(samples, hc_owner_sample, i);
		uint64_t figure = measured(export->options, &sample->figures);
		g_autoptr(GString) stack = g_string_new(NULL);

		if (!figure)
			continue;
		if (sample->row != HC_OWNER_NO_ROW)
			add_rows(stack, ownership, sample->row);
		for (const char *const *frame = sample->others; frame && *frame; frame++)
			add_frame(stack, *frame);
		hc_sink_printf(&export->sink, "%s %" PRIu64 "\n", stack->str, figure);
	}
	return true;
}
