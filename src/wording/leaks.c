/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups of lost blocks in words. */
#include "wording/wording.h"

#include "base/text.h"

enum {
	SIZES_SHOWN = 3,
	MODULES_SHOWN = 3,
	WORDS_SHOWN = 12,
	CONTENT_COLUMNS = 40,
};

char *hc_word_leak_sizes(const hc_leak_group *group)
{
	GString *text = g_string_new(NULL);
	unsigned shown = MIN(group->size_count, SIZES_SHOWN);

	for (unsigned i = 0; i < shown; i++) {
		char blocks[HC_TEXT_COUNT_LENGTH], bytes[HC_TEXT_SIZE_LENGTH];
		const hc_leak_size *size = &group->sizes[i];

		g_string_append_printf(text, "%s%s", i ? ", " : "", hc_text_count(blocks, size->blocks));
		if (size->size)
			g_string_append_printf(text, " x %s", hc_text_size(bytes, size->size));
		else
			g_string_append(text, " others");
	}
	if (group->size_count > shown)
		g_string_append(text, ", ...");
	return g_string_free(text, FALSE);
}

/* ---- whose, and what ---- */

static void append_module(GString *text, const char *name)
{
	g_string_append_printf(text, "%s%s", text->len ? ", " : "", name);
}

/* Names of modules, the most probable owner first; "": nobody's. */
static char *whose_text(const hc_leak_group *group)
{
	GString *text = g_string_new(NULL);
	unsigned shown = 0;

	if (hc_leak_group_is_unloaded(group))
		append_module(text, "an unloaded library");
	for (unsigned i = 0; i < group->module_count && shown < MODULES_SHOWN; i++) {
		if (hc_leak_group_is_of(group, &group->modules[i])) {
			append_module(text, group->modules[i].module->name);
			shown++;
		}
	}
	return g_string_free(text, FALSE);
}

static void append_content(GString *text, const hc_leak_group *group)
{
	const char *content = group->sample;
	bool is_cut = g_utf8_strlen(content, -1) > CONTENT_COLUMNS;
	g_autofree char *start = is_cut ? g_strndup(content, CONTENT_COLUMNS) : g_strdup(content);

	g_string_append_printf(text, "%s%s\"%s\"%s", text->len ? ", " : "",
		group->beginning || group->trees == 1 ? "" : "such as ", start, is_cut ? "..." : "");
}

/* The type, the text or the ring: what one would call it; "": nothing. */
static char *what_text(const hc_leak_group *group)
{
	GString *text = g_string_new(group->type);

	if (group->sample)
		append_content(text, group);
	if (group->rings)
		g_string_append_printf(text, "%sROOT CYCLE", text->len ? ", " : "");
	if (group->suppression)
		g_string_append_printf(text, "%ssuppressed by [%s]", text->len ? ", " : "", group->suppression);
	return g_string_free(text, FALSE);
}

char *hc_word_leak(const hc_leak_group *group)
{
	g_autofree char *whose = whose_text(group), *what = what_text(group);

	return g_strconcat(whose, *whose && *what ? ": " : "", what, NULL);
}

char *hc_word_leak_rings(const hc_leak_group *group)
{
	g_autofree char *heads = hc_unit_text(group->rings, "heads");
	bool is_one = group->rings == 1;

	if (!group->rings)
		return NULL;
	if (group->holding_themselves == group->rings)
		return g_strdup_printf("ROOT CYCLE: %s hold%s %s: all references are in what hangs on %s", heads,
			is_one ? "s" : "", is_one ? "itself" : "themselves", is_one ? "it" : "them");
	return g_strdup_printf(
		"ROOT CYCLE: %s lead%s back to %s", heads, is_one ? "s" : "", is_one ? "itself" : "themselves");
}

char *hc_word_leak_unloaded(const hc_leak_group *group)
{
	g_autofree char *blocks = hc_unit_text(group->unloaded, "blocks");

	if (!hc_leak_group_is_unloaded(group))
		return NULL;
	return g_strdup_printf(
		"%s begin%s with an address where nothing is mapped now, as objects of a library that was unloaded do",
		blocks, group->unloaded == 1 ? "s" : "");
}

/* ---- words of the heads ---- */

/* One word: "heap", "codec_ops in libx.so", "zero". */
static char *word_text(hc_modules *modules, const hc_leak_word *word)
{
	char *description = NULL;

	if (word->kind == HC_WORD_UNLOADED)
		return g_strdup("unloaded library");
	if (word->kind != HC_WORD_MODULE || !word->module)
		return g_strdup(hc_word_kind_name(word->kind));
	if (word->value)
		description = hc_word_address_in(modules, word->value);
	return description ? description : g_strdup(word->module->name);
}

/* How many words from number FIRST on are the same. */
static unsigned run_length(const hc_leak_group *group, unsigned first)
{
	const hc_leak_word *word = &group->words[first];
	unsigned length = 1;

	for (; first + length < group->word_count; length++) {
		const hc_leak_word *next = &word[length];

		if (next->kind != word->kind || next->module != word->module || next->value != word->value)
			break;
	}
	return length;
}

char *hc_word_leak_words(hc_modules *modules, const hc_leak_group *group)
{
	GString *text = g_string_new("words: ");
	unsigned shown = 0, i = 0;
	bool is_telling = false;

	while (i < group->word_count && shown < WORDS_SHOWN) {
		g_autofree char *word = word_text(modules, &group->words[i]);
		unsigned run = run_length(group, i);

		is_telling |= group->words[i].kind == HC_WORD_HEAP || group->words[i].kind == HC_WORD_MODULE;
		g_string_append_printf(text, "%s%s", shown++ ? ", " : "", word);
		if (run > 1)
			g_string_append_printf(text, " x %u", run);
		i += run;
	}
	if (i < group->word_count)
		g_string_append(text, ", ...");
	return g_string_free(text, !is_telling);
}

/* ---- evidence ---- */

char *hc_word_leak_evidence(const hc_leak_group *group, const hc_leak_evidence *evidence)
{
	g_autofree char *heads = hc_unit_text(evidence->heads, "heads");
	const char *module = evidence->module ? evidence->module->name : NULL, *type = evidence->type;
	GString *text = g_string_new(NULL);
	char size[HC_TEXT_COUNT_LENGTH], offset[HC_TEXT_COUNT_LENGTH];

	if (group->trees != evidence->heads)
		g_string_append_printf(text, "%s ", heads);
	g_string_append(text, "last pointed to from ");
	if (evidence->on_stack) {
		g_string_append_printf(text, "dead stack, in a frame that returns into %s", module);
		return g_string_free(text, FALSE);
	}
	if (evidence->size)
		g_string_append_printf(text, "a freed block of %s bytes (at offset %s)",
			hc_text_count(size, evidence->size), hc_text_count(offset, evidence->offset));
	else
		g_string_append(text, "freed memory");
	if (evidence->by_others)
		g_string_append_printf(
			text, "; live blocks of its kind are %s%sof %s", type ? type : "", type ? ", " : "", module);
	else if (module)
		g_string_append_printf(text, " that points into %s%s%s%s", module, type ? " (" : "", type ? type : "",
			type ? ")" : "");
	return g_string_free(text, FALSE);
}

/* ---- the whole ---- */

char *hc_word_leaks_unknown(const hc_heap_info *heap, const hc_process *process)
{
	g_autofree char *unread = hc_word_unread(heap, process);

	return unread ? g_strdup_printf("whether anything is lost is not known: %s", unread) : NULL;
}

char *hc_word_leaks_shown(unsigned shown, unsigned count)
{
	return g_strdup_printf("the largest %u of %u groups (--limit 0 for all)", shown, count);
}

const char *hc_word_leaks_untold(void)
{
	return "Which call allocated a block is not in a core: what is said of calls is told by the program's code.";
}
