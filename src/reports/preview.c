/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a block looks like, guessed from its first bytes alone: text, or an object whose first word leads to code or
 * data of a module (a C++ vtable, a type object, a static table).
 */
#include "reports/parts.h"

#include "wording/wording.h"

enum {
	LEAST_TEXT = 4, /* fewer printable bytes are an accident */
	MOST_BYTES = 64,
};

static bool is_printable(uint8_t byte)
{
	return (byte >= ' ' && byte < 0x7f) || byte == '\n' || byte == '\t' || byte == '\r';
}

/*
 * The text at BYTES, quoted, at most SIZE bytes of it; NULL if it does not begin with enough of it. ASCII only: that is what
 * cannot be chance.
 */
static char *preview_text(const uint8_t *bytes, uint64_t length, unsigned size)
{
	uint64_t printable = 0;

	while (printable < length && is_printable(bytes[printable]))
		printable++;
	if (printable < LEAST_TEXT)
		return NULL;
	return g_strdup_printf(
		"\"%.*s%s", (int)MIN(printable, size), (const char *)bytes, printable > size ? "\"..." : "\"");
}

char *hc_preview(const hc_analysis *analysis, const hc_block *block, unsigned size)
{
	const hc_core *core = hc_analysis_core(analysis);
	uint64_t available, word;
	const uint8_t *bytes = hc_core_bytes(core, block->address, &available);
	g_autofree char *description = NULL;
	char *text;

	if (!bytes)
		return NULL;
	available = MIN(available, MIN(block->size, MOST_BYTES));
	text = hc_core_hides_content(core) ? NULL : preview_text(bytes, available, size);
	if (text)
		return text;
	if (available < hc_core_process(core)->word_size || !hc_core_read_word(core, block->address, &word) || !word)
		return NULL;
	description = hc_word_address_in(hc_analysis_modules(analysis), word);
	return description ? g_strdup_printf("-> %s", description) : NULL;
}
