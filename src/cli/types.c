/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

enum {
	LIMIT = 25,
	JSON_LIMIT = 1000, /* of instances: each has its value */
	NOT_GIVEN = -1,
};

/* In the order of hc_chunks_order. */
static const char *const orders[] = { "address", "size", NULL };

cli_status cli_run_types(const cli_command *command, int argc, char **argv)
{
	int order = NOT_GIVEN;
	uint64_t limit = UINT64_MAX;
	hc_instances_view view = { .order = HC_CHUNKS_BY_SIZE };
	g_auto(cli_options) options = { 0 };
	const cli_option own[] = {
		{ CLI_WORD, "instances", &view.type, .argument = "TYPE",
			.help = "the blocks of this type, each with who holds it and what it says" },
		{ CLI_CHOICE, "sort", &order, .choices = orders, .argument = "ORDER",
			.help = "of instances: size (largest first, the default), address" },
		{ CLI_SIZE, "limit", &limit, .takes = "a number", .argument = "N",
			.help = "at most so many rows; 0: all (default 25, with --json 0; of instances 1000)" },
		CLI_NO_SITES_OPTION(options),
		CLI_CONTAINERS_OPTION(options),
		{ 0 },
	};
	g_auto(cli_core_report) report = { 0 };
	g_autoptr(hc_sites) sites = NULL;
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 1, 2, &options, &status))
		return status;
	if (order != NOT_GIVEN && !view.type)
		return cli_complain_usage(command, "--sort is for --instances");
	if (order != NOT_GIVEN)
		view.order = (hc_chunks_order)order;
	if (limit == UINT64_MAX)
		limit = !options.json ? LIMIT : view.type ? JSON_LIMIT : 0;
	view.limit = limit;
	if (!cli_core_report_begin(&report, &options, options.arguments, HC_STAGE_TYPES, &status))
		return status;
	if (view.type && !options.no_sites)
		view.sites = sites = hc_analysis_find_sites(report.analysis);
	return cli_core_report_end(&report,
		view.type ? hc_report_instances(report.analysis, &view, &report.output.options, &report.error) :
			    hc_report_types(report.analysis, limit, &report.output.options, &report.error));
}
