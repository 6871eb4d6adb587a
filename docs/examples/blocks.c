/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * blocks CORE [BINARY]: every block in use, a line each: its address, its usable bytes, whether it is lost, and what it is.
 *
 *	cc blocks.c $(pkg-config --cflags --libs heapcore)
 */
#include <heapcore/heapcore.h>
#include <inttypes.h>
#include <stdio.h>

static void print_block(const hc_analysis *analysis, const hc_block *block)
{
	hc_reach reach = hc_references_reach(hc_analysis_references(analysis), block->number);
	g_auto(hc_block_type) type = { 0 };

	/* Names come from the core, which may be a stranger's: g_strescape() keeps the terminal as it is. */
	g_autofree char *name = hc_types_of_block(hc_analysis_types(analysis), block->number, &type) && type.name ?
					g_strescape(type.name, NULL) :
					g_strdup("?");

	printf("0x%" PRIx64 " %" PRIu64 " %s %s\n", block->address, block->size,
		hc_reach_is_lost(reach) ? "lost" : "held", name);
}

int main(int argc, char **argv)
{
	hc_analysis_options options = { .until = HC_STAGE_TYPES, .binary = argc > 2 ? argv[2] : NULL };
	g_autoptr(GError) error = NULL;
	g_autoptr(hc_analysis) analysis = argc > 1 ? hc_analysis_run(argv[1], &options, &error) : NULL;
	hc_block_iterator i;
	hc_block block;

	if (!analysis) {
		fprintf(stderr, "blocks: %s\n", error ? error->message : "say which core");
		return 2;
	}
	hc_block_iterator_init(&i, hc_analysis_blocks(analysis));
	while (hc_block_iterator_next(&i, &block))
		if (block.state == HC_BLOCK_IN_USE && !block.label)
			print_block(analysis, &block);
	return hc_diagnostics_partial(hc_analysis_diagnostics(analysis)) ? 3 : 0;
}
