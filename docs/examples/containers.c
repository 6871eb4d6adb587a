/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * containers CORE [BINARY]: the containers that variables lead to: elements, bytes below, and the path.
 *
 *	cc containers.c $(pkg-config --cflags --libs heapcore)
 */
#include <heapcore/heapcore.h>
#include <inttypes.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	hc_analysis_options options = { .until = HC_STAGE_TYPES, .binary = argc > 2 ? argv[2] : NULL };
	g_autoptr(GError) error = NULL;
	g_autoptr(hc_analysis) analysis = argc > 1 ? hc_analysis_run(argv[1], &options, &error) : NULL;
	const hc_types *types;

	if (!analysis) {
		fprintf(stderr, "containers: %s\n", error ? error->message : "say which core");
		return 2;
	}
	types = hc_analysis_types(analysis);
	for (unsigned i = 0; i < hc_types_container_count(types); i++) {
		const hc_container *container = hc_types_container(types, i);
		g_autofree char *path = g_strescape(container->path, NULL);

		printf("%" PRIu64 " %" PRIu64 " %s\n", container->elements, container->below.bytes, path);
	}
	return hc_diagnostics_partial(hc_analysis_diagnostics(analysis)) ? 3 : 0;
}
