/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of rows of growth. */
#include "wording/wording.h"

#include "base/text.h"

enum {
	TEXT_SHOWN = 32, /* characters of lost text */
};

char *hc_word_lost(const hc_leak_kind *lost)
{
	const char *text = lost->sample ? lost->sample : lost->beginning;
	size_t length = text ? g_utf8_strlen(text, -1) : 0;
	g_autofree char *cut = text ? g_utf8_substring(text, 0, MIN(length, TEXT_SHOWN)) : NULL;
	char size[HC_TEXT_COUNT_LENGTH], sizes[HC_TEXT_COUNT_LENGTH];

	if (lost->type)
		return g_strdup_printf("objects of %s%s", lost->type,
			lost->trees < lost->amount.blocks ? " and what they lead to" : "");
	if (cut)
		return g_strdup_printf("text like \"%s%s\"", cut, length > TEXT_SHOWN ? "..." : "");
	if (lost->head_sizes > 1 && lost->trees == lost->amount.blocks)
		return g_strdup_printf("blocks of %s sizes, such as %s bytes", hc_text_count(sizes, lost->head_sizes),
			hc_text_count(size, lost->head_size));
	return g_strdup_printf("blocks of %s bytes%s", hc_text_count(size, lost->head_size),
		lost->trees < lost->amount.blocks ? " and what they lead to" : "");
}

char *hc_word_evidence(const hc_leak_kind_evidence *evidence)
{
	char size[HC_TEXT_COUNT_LENGTH];

	if (!evidence->module)
		return NULL;
	if (evidence->on_stack)
		return g_strdup_printf("last pointed to from a dead frame that returns into %s", evidence->module);
	return g_strdup_printf("last pointed to from freed blocks of %s bytes%s%s that point%s into %s",
		evidence->size ? hc_text_count(size, evidence->size) : "unknown", evidence->type ? " of " : "",
		evidence->type ? evidence->type : "", evidence->by_others ? ", as live ones of their kind do," : "",
		evidence->module);
}

const char *hc_word_lost_owner(const hc_leak_kind *lost)
{
	return lost->is_unloaded ? "a library that was unloaded" : lost->module;
}

static char *name_of_lost(const hc_leak_kind *lost)
{
	const char *owner = hc_word_lost_owner(lost);
	g_autofree char *what = hc_word_lost(lost);

	return g_strdup_printf("%s%s%s", owner ? owner : "", owner ? ": " : "", what);
}

char *hc_word_growth(const hc_growth *row)
{
	char size[HC_TEXT_COUNT_LENGTH];

	if (row->lost)
		return name_of_lost(row->lost);
	if (row->row)
		return g_strdup(hc_word_row(row->row, row->is_bound));
	if (row->name)
		return g_strdup(row->name);
	if (row->kind == HC_GROWTH_REST)
		return g_strdup("rest, not attributed");
	if (row->size)
		return g_strdup_printf("blocks of %s bytes, owner not known", hc_text_count(size, row->size));
	return g_strdup(row->kind == HC_GROWTH_BUFFER ? "other mmapped blocks, owner not known" :
							"other blocks, owner not known");
}
