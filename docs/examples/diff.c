/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * diff CORE_A CORE_B [BINARY]: how memory grew from one to the other, and what by: bytes, kind, and the path where there is one. The rows add up.
 *
 *	cc diff.c $(pkg-config --cflags --libs heapcore)
 */
#include <heapcore/heapcore.h>
#include <inttypes.h>
#include <stdio.h>

/* A snapshot has all that a comparison needs: the analysis, and the core, are not needed after it. */
static hc_snapshot *take(const char *core, const char *binary, GError **error)
{
	hc_analysis_options options = { .until = HC_STAGE_TYPES, .binary = binary };
	g_autoptr(hc_analysis) analysis = hc_analysis_run(core, &options, error);

	return analysis ? hc_snapshot_create(analysis, error) : NULL;
}

static void print_growth(const hc_diff *diff)
{
	printf("%" PRIi64 " memory\n", hc_diff_memory_growth(diff));
	for (unsigned i = 0; i < hc_diff_attribution_count(diff); i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);
		g_autofree char *name = g_strescape(row->name ? row->name :
						    row->row  ? hc_row_name(row->row) :
								"",
			NULL);

		if (row->bytes)
			printf("%" PRIi64 " %s %s\n", row->bytes, hc_growth_kind_name(row->kind), name);
	}
}

int main(int argc, char **argv)
{
	const char *binary = argc > 3 ? argv[3] : NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(hc_snapshot) first = argc > 2 ? take(argv[1], binary, &error) : NULL;
	g_autoptr(hc_snapshot) last = first ? take(argv[2], binary, &error) : NULL;

	if (!last) {
		fprintf(stderr, "diff: %s\n", error ? error->message : "say which two cores");
		return 2;
	}
	const hc_snapshot *const both[] = { first, last };
	g_autoptr(hc_diff) diff = hc_diff_create(both, 2);

	print_growth(diff);
	return hc_diff_is_partial(diff) ? 3 : 0;
}
