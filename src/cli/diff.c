/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

static cli_status write_page(const cli_options *options, const hc_diff *diff, const char *binary, bool replace)
{
	g_auto(cli_page) page = { 0 };

	if (!options->output)
		return CLI_DONE;
	cli_page_begin(&page, options, binary);
	return cli_page_end(&page, options, hc_report_diff_page(diff, &page.report.options, &page.error), replace);
}

static cli_status report_diff(const cli_options *options, const cli_conditions *conditions, const GPtrArray *snapshots,
	const char *binary, bool replace)
{
	g_autoptr(hc_diff) diff = hc_diff_create((const hc_snapshot *const *)snapshots->pdata, snapshots->len);
	g_auto(cli_report) report = { 0 };
	GError *error = NULL;
	bool written;
	cli_status status, page_status = write_page(options, diff, binary, replace);

	cli_report_init(&report, options, binary);
	written = hc_report_diff(diff, &report.options, &error);
	status = cli_finish_report(&report, written, error, hc_diff_is_partial(diff));
	return cli_worse(cli_worse(status, page_status), cli_conditions_check_growth(conditions, diff));
}

/* Cores and snapshots on the one side, the executable on the other, in whatever order they were given. FALSE: that was said. */
static bool sort_arguments(const cli_command *command, char **arguments, GPtrArray *inputs, const char **ret_binary)
{
	*ret_binary = NULL;
	for (; *arguments; arguments++) {
		if (!hc_core_is_program(*arguments)) {
			g_ptr_array_add(inputs, *arguments);
		} else if (*ret_binary) {
			cli_complain_usage(command, "%s and %s are both executables", *ret_binary, *arguments);
			return false;
		} else {
			*ret_binary = *arguments;
		}
	}
	if (inputs->len >= 2 && inputs->len <= HC_DIFF_SNAPSHOTS_MAX)
		return true;
	if (inputs->len < 2)
		cli_complain_usage(
			command, "two cores or snapshots are needed, and here %s", inputs->len ? "is one" : "is none");
	else
		cli_complain_usage(command, "at most %d cores or snapshots", HC_DIFF_SNAPSHOTS_MAX);
	return false;
}

cli_status cli_run_diff(const cli_command *command, int argc, char **argv)
{
	char **fail_on = NULL;
	gboolean force = FALSE;
	g_auto(cli_options) options = { 0 };
	const cli_option own[] = {
		CLI_FAIL_ON_OPTION(fail_on, "exit with 1 if it holds of the growth (repeatable)"),
		CLI_NO_TYPES_OPTION(options, "read no debug info, name no containers: faster"),
		CLI_NO_SITES_OPTION(options),
		CLI_CONTAINERS_OPTION(options),
		CLI_PAGE_OPTIONS(options, force),
		{ 0 },
	};
	g_autoptr(cli_conditions) conditions = NULL;
	g_autoptr(GPtrArray) inputs = g_ptr_array_new(), snapshots = NULL;
	const char *binary;
	cli_status status;

	if (!cli_parse(command, argc, argv, own, 2, HC_DIFF_SNAPSHOTS_MAX + 1, &options, &status))
		return status;
	conditions = cli_conditions_parse(command, "--fail-on", fail_on);
	if (!conditions || !sort_arguments(command, options.arguments, inputs, &binary))
		return CLI_USAGE;
	if (!cli_page_may_write(&options, force))
		return CLI_FAILED;
	snapshots = cli_take_snapshots(&options, inputs, binary);
	return snapshots ? report_diff(&options, conditions, snapshots, binary, force) : CLI_FAILED;
}
