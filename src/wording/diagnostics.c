/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What could not be read, with how much of it there is. */
#include "wording/wording.h"

#include "base/text.h"

/* The texts go on after an amount: "12.0 KiB of the heap could not be followed ...", "3 libraries are not here ..." */
char *hc_word_diagnostic(const hc_diagnostic *diagnostic)
{
	char count[HC_TEXT_COUNT_LENGTH], size[HC_TEXT_SIZE_LENGTH];
	const char *text = diagnostic->kind->text;
	bool needs_amount = g_str_has_prefix(text, "of ");
	GString *line = g_string_new(NULL);

	hc_text_count(count, diagnostic->count);
	hc_text_size(size, diagnostic->bytes);
	if (needs_amount && diagnostic->bytes)
		g_string_append_printf(line, "%s ", size);
	else if (needs_amount || diagnostic->count > 1)
		g_string_append_printf(line, "%s ", count);
	g_string_append(line, text);
	if (needs_amount && diagnostic->bytes && diagnostic->count > 1)
		g_string_append_printf(line, " (%s times)", count);
	else if (!needs_amount && diagnostic->bytes)
		g_string_append_printf(line, " (%s)", size);
	return g_string_free(line, FALSE);
}

char *hc_word_diagnostics_unsaid(const hc_diagnostics *diagnostics)
{
	unsigned notes = 0, examples = 0;

	for (unsigned i = 0; i < hc_diagnostics_count(diagnostics); i++) {
		const hc_diagnostic *diagnostic = hc_diagnostics_get(diagnostics, i);

		if (diagnostic->kind->severity < HC_SEVERITY_PARTIAL)
			notes++;
		else if (diagnostic->example)
			examples++;
	}
	if (notes)
		return g_strdup_printf("%u note%s%s; -v lists %s", notes, notes == 1 ? "" : "s",
			hc_diagnostics_partial(diagnostics) ? " more" : "", notes == 1 ? "it" : "them");
	return examples ? g_strdup("-v shows an example of each") : NULL;
}
