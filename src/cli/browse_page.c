/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "browse.h"

#include <string.h>

browse_page *browse_page_new(const char *title, const char *text)
{
	browse_page *page = g_new0(browse_page, 1);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	unsigned count = g_strv_length(lines);

	page->title = g_strdup(title);
	page->lines = g_ptr_array_new_with_free_func(g_free);
	/* Behind the last line break is none. */
	for (unsigned i = 0; i < count && (i + 1 < count || *lines[i]); i++)
		g_ptr_array_add(page->lines, g_strdup(lines[i]));
	return page;
}

void browse_page_free(browse_page *page)
{
	g_ptr_array_unref(page->lines);
	g_free(page->title);
	g_free(page);
}

bool browse_page_find(browse_page *page, const char *text, bool forwards)
{
	g_autofree char *wanted = g_ascii_strdown(text, -1);
	unsigned count = page->lines->len, at = page->cursor;

	for (unsigned i = 0; i < count; i++) {
		at = forwards ? (at + 1) % count : (at + count - 1) % count;
		g_autofree char *line = g_ascii_strdown(page->lines->pdata[at], -1);

		if (strstr(line, wanted)) {
			page->cursor = at;
			return true;
		}
	}
	return false;
}

bool browse_page_address(const browse_page *page, hc_address *ret_address)
{
	const char *line = page->cursor < page->lines->len ? page->lines->pdata[page->cursor] : "";

	while ((line = strstr(line, "0x"))) {
		size_t length = strspn(line + 2, "0123456789abcdef");
		g_autofree char *address = g_strndup(line, length + 2);

		if (length && cli_parse_address(address, ret_address))
			return true;
		line += 2;
	}
	return false;
}
