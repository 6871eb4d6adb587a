/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * owners CORE [BINARY]: who holds what is in use: bytes held, bytes that would be gone without, and the path.
 *
 *	cc owners.c $(pkg-config --cflags --libs heapcore)
 */
#include <heapcore/heapcore.h>
#include <inttypes.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	hc_analysis_options options = { .until = HC_STAGE_TYPES, .binary = argc > 2 ? argv[2] : NULL };
	g_autoptr(GError) error = NULL;
	g_autoptr(hc_analysis) analysis = argc > 1 ? hc_analysis_run(argv[1], &options, &error) : NULL;
	/* It must not outlive the analysis: what is declared last is freed first. */
	g_autoptr(hc_ownership) owners = analysis ? hc_analysis_find_owners(analysis, NULL, &error) : NULL;

	if (!owners) {
		fprintf(stderr, "owners: %s\n", error ? error->message : "say which core");
		return 2;
	}
	for (uint32_t i = hc_ownership_first(owners); i != HC_OWNER_NO_ROW; i = hc_ownership_row(owners, i)->next) {
		const hc_owner_row *row = hc_ownership_row(owners, i);
		g_autofree char *path = g_strescape(row->text, NULL);

		printf("%" PRIu64 " %" PRIu64 " %s\n", row->holds.bytes, row->retained, path);
	}
	for (hc_owner_kind kind = HC_OWNER_PATH + 1; kind < HC_OWNER_KIND_COUNT; kind++)
		printf("%" PRIu64 " 0 [%s]\n", hc_ownership_amount(owners, kind).bytes, hc_owner_kind_name(kind));
	return hc_diagnostics_partial(hc_analysis_diagnostics(analysis)) ? 3 : 0;
}
