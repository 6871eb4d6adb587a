/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of rows of growth. */
#include "wording/wording.h"

#include "base/text.h"

#include <string.h>

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
	if (row->runtime)
		return hc_word_runtime(row->runtime);
	if (row->row)
		return g_strdup(hc_word_row(row->row, row->is_bound));
	if (row->name)
		return g_strdup(row->name);
	if (row->kind == HC_GROWTH_UNJOINED)
		return g_strdup("stacks of threads that ended and were not joined");
	if (row->kind == HC_GROWTH_REST)
		return g_strdup("rest, not attributed");
	if (row->size)
		return g_strdup_printf("blocks of %s bytes, owner not known", hc_text_count(size, row->size));
	return g_strdup(row->kind == HC_GROWTH_BUFFER ? "other mmapped blocks, owner not known" :
							"other blocks, owner not known");
}

/* "+20,580 blocks"; "" if there are as many. */
static char *change_text(uint64_t before, uint64_t after, const char *unit)
{
	g_autofree char *count = hc_unit_text(after > before ? after - before : before - after, unit);

	return before == after ? g_strdup("") : g_strdup_printf("%c%s", after > before ? '+' : '-', count);
}

/* ", 100 -> 2,300 elements", ", +20,580 blocks", "" */
static void append_count(GString *text, const hc_growth *row)
{
	char before[HC_TEXT_COUNT_LENGTH], after[HC_TEXT_COUNT_LENGTH];

	if (hc_growth_is_unused_capacity(row)) {
		g_string_append(text, ", unused capacity");
	} else if (row->elements_after != UINT64_MAX) {
		g_string_append_printf(text, ", %s%s -> %s elements", row->is_at_most ? "at most " : "",
			hc_text_count(before, row->elements_before), hc_text_count(after, row->elements_after));
	} else {
		g_autofree char *blocks = change_text(row->blocks_before, row->blocks_after, "blocks");

		g_string_append_printf(text, "%s%s", *blocks ? ", " : "", blocks);
	}
}

char *hc_word_growth_row(const hc_growth *row)
{
	g_autofree char *name = hc_word_growth(row), *where = hc_word_where(&row->where, row->threads);
	const char *type = row->type && row->owner ? row->type : "";
	GString *text = g_string_new(name);

	if (where && row->where.kind != HC_WHERE_STATIC && row->where.kind != HC_WHERE_DATA)
		g_string_append_printf(text, ", %s", where);
	append_count(text, row);
	if (*type)
		g_string_append_printf(text, "%s %s", *type == '(' ? "" : ",", type);
	if (row->trend == HC_TREND_STOPPED)
		g_string_append(text, " (not in the last step)");
	else if (row->trend == HC_TREND_GROWING)
		g_string_append(text, " (at every step)");
	return g_string_free(text, FALSE);
}

char *hc_word_steady(const hc_growth *row)
{
	g_autofree char *name = hc_word_growth(row);
	char before[HC_TEXT_COUNT_LENGTH], after[HC_TEXT_COUNT_LENGTH], less[HC_TEXT_SIZE_LENGTH];

	if (row->elements_after != UINT64_MAX)
		return g_strdup_printf("%s %s%s -> %s", name, row->is_at_most ? "at most " : "",
			hc_text_count(before, row->elements_before), hc_text_count(after, row->elements_after));
	if (row->after < row->before)
		return g_strdup_printf("%s (-%s)", name, hc_text_size(less, row->before - row->after));
	return g_steal_pointer(&name);
}

char *hc_word_row_growth(const hc_diff_row *row)
{
	return row->unit ? change_text(row->count_a, row->count_b, row->unit) : g_strdup("");
}
