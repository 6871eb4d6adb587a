/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a user asks of an analysis by pattern, name or path, and the patterns of base/text.c. The first character says which: see ask().
 */
#include "process.h"

#include "base/text.h"

#include <string.h>

/* The same in another way: which beginnings of the text what was read of the pattern fits. */
static bool matches(const char *pattern, const char *text)
{
	size_t length = strlen(text);
	g_autofree bool *fits = g_new0(bool, length + 1);

	fits[0] = true;
	for (; *pattern; pattern++) {
		if (*pattern == '*') {
			for (size_t i = 1; i <= length; i++)
				fits[i] |= fits[i - 1];
			continue;
		}
		for (size_t i = length; i > 0; i--)
			fits[i] = fits[i - 1] && (*pattern == '?' || *pattern == text[i - 1]);
		fits[0] = false;
	}
	return fits[length];
}

/* A question mark stands for one character, and a text need not be UTF-8: where there is neither, both say the same. */
static void check_match(const char *pattern, const char *text)
{
	bool is_plain = !strchr(pattern, '?') || g_str_is_ascii(text);
	bool fits = hc_text_matches(pattern, text);

	if (is_plain)
		fuzz_expect(fits == matches(pattern, text), "\"%s\" and \"%s\"", pattern, text);
}

static void ask_owners(const hc_owners_view *view)
{
	static hc_ownership *ownership;

	if (!ownership) {
		const hc_ownership_options options = { .jobs = 1 };

		ownership = hc_analysis_find_owners(fuzz_analysis(), &options, NULL);
		g_assert(ownership);
	}
	hc_report_owners(fuzz_analysis(), ownership, view, &fuzz_report_text, NULL);
	hc_report_owners(fuzz_analysis(), ownership, view, &fuzz_report_json, NULL);
}

static void ask_containers(const char *text, bool by_type)
{
	const hc_containers_view view = { .type = by_type ? text : NULL, .variable = by_type ? NULL : text };

	hc_report_containers(fuzz_analysis(), &view, &fuzz_report_text, NULL);
}

static void ask_instances(const char *text)
{
	const hc_instances_view view = { .type = text };

	hc_report_instances(fuzz_analysis(), &view, &fuzz_report_text, NULL);
}

static void ask_chunks(const char *text, bool by_type)
{
	hc_chunks_filter filter = HC_CHUNKS_FILTER_INIT;

	filter.type = by_type ? text : NULL;
	filter.owner = by_type ? NULL : text;
	hc_report_chunks(fuzz_analysis(), &filter, &fuzz_report_text, NULL);
}

static void ask(char what, const char *text)
{
	switch (what) {
	case 'f':
		ask_owners(&(hc_owners_view){ .depth = 5, .focus = text });
		break;
	case 'i':
		ask_owners(&(hc_owners_view){ .depth = 5, .ignore = text });
		break;
	case 'p':
		ask_owners(&(hc_owners_view){ .depth = 5, .path = text });
		break;
	case 'c':
		ask_containers(text, true);
		break;
	case 'v':
		ask_containers(text, false);
		break;
	case 't':
		ask_instances(text);
		break;
	case 'b':
		ask_chunks(text, true);
		break;
	case 'o':
		ask_chunks(text, false);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_input input = { data, size };
	char what = (char)fuzz_number(&input, 1);
	fuzz_input part = fuzz_part_before(&input, '\n');
	g_autofree char *text = fuzz_text(&part), *rest = fuzz_text(&input);

	if (what == 'm')
		check_match(text, rest);
	else
		ask(what, text);
	return 0;
}
