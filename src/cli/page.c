/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <inttypes.h>
#include <unistd.h>

bool cli_page_may_write(const cli_options *options, bool replace)
{
	g_autoptr(GError) error = NULL;

	if (!options->output || hc_report_may_write(options->output, replace, &error))
		return true;
	cli_complain("%s", error->message);
	return false;
}

void cli_page_begin(cli_page *page, const cli_options *options, const char *binary)
{
	cli_report_init(&page->report, options, binary);
	page->text = g_string_new(NULL);
	page->report.options.write = cli_append;
	page->report.options.write_data = page->text;
}

cli_status cli_page_end(cli_page *page, const cli_options *options, bool written, bool replace)
{
	written = written &&
		  hc_report_write_file(options->output, page->text->str, page->text->len, replace, &page->error);
	if (!written)
		cli_complain("%s", page->error->message);
	else if (!options->quiet && cli_is_terminal(STDERR_FILENO))
		cli_complain("the page is in %s, %" PRIu64 " KiB", options->output,
			((uint64_t)page->text->len + 1023) / 1024);
	return written ? CLI_DONE : CLI_FAILED;
}

void cli_page_deinit(cli_page *page)
{
	cli_report_deinit(&page->report);
	if (page->text)
		g_string_free(page->text, TRUE);
	g_clear_error(&page->error);
}
