/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who holds most, who retains most, and what a row of owners is. */
#include "wording/wording.h"

#include "base/text.h"

#include <inttypes.h>

/* What TEXT begins; a table lists all else that is there. */
static const hc_owner_row *first_row(const hc_ownership *ownership, bool by_retained)
{
	const hc_owner_row *best = NULL;

	for (uint32_t i = hc_ownership_first(ownership); i != HC_OWNER_NO_ROW;) {
		const hc_owner_row *row = hc_ownership_row(ownership, i);

		if (!best || (by_retained ? row->retained > best->retained : row->holds.bytes > best->holds.bytes))
			best = row;
		i = row->next;
	}
	return best;
}

const char *hc_word_owner_basis(hc_owner_basis basis, hc_certainty certainty)
{
	if (basis == HC_OWNER_BY_POINTERS)
		return "by its pointers alone, no type leads there";
	if (basis == HC_OWNER_BY_CONTENT)
		return "by what its blocks say they are; nothing is known that leads there";
	return certainty == HC_CERTAINTY_CERTAIN ? "by its type" : "by its type, which is deduced";
}

static void append_retained(GString *text, const hc_owner_row *holder, const hc_owner_row *retainer)
{
	char bytes[HC_TEXT_SIZE_LENGTH];

	if (retainer && retainer != holder && retainer->retained > holder->retained)
		g_string_append_printf(text, " %s retains most: without it %s would be unreachable.", retainer->text,
			hc_text_size(bytes, retainer->retained));
	else if (holder->has_retained)
		g_string_append_printf(
			text, " Without it %s would be unreachable.", hc_text_size(bytes, holder->retained));
}

char *hc_word_owners(const hc_ownership *ownership)
{
	uint64_t total = hc_ownership_total(ownership).bytes;
	const hc_owner_row *holder = first_row(ownership, false), *retainer = first_row(ownership, true);
	GString *text = g_string_new(NULL);
	char bytes[HC_TEXT_SIZE_LENGTH];

	if (!holder || !total) {
		g_string_append(text, "Nothing is known of who holds what is in use.");
		return g_string_free(text, FALSE);
	}
	g_autofree char *group = holder->group ? hc_word_owner(holder) : NULL;

	g_string_append_printf(text, group ? "Most is held by %s: " : "%s holds most: ", group ? group : holder->text);
	g_string_append_printf(text, "%s, %.1f %% of what is in use", hc_text_size(bytes, holder->holds.bytes),
		100.0 * holder->holds.bytes / total);
	if (!group)
		g_string_append_printf(text, "; told %s", hc_word_owner_basis(holder->basis, holder->certainty));
	g_string_append_c(text, '.');
	append_retained(text, holder, retainer);
	return g_string_free(text, FALSE);
}

char *hc_word_owner(const hc_owner_row *row)
{
	GString *text = g_string_new(row->text);
	g_autofree char *where = hc_word_where(&row->where, row->threads > 1 ? row->threads : 0);

	if (row->group && !*row->text)
		g_string_append(text, row->group == HC_OWNERS_BY_THREAD ? "no thread" : "no module");
	if (row->group)
		return g_string_free(text, FALSE);
	g_string_append_printf(text, ", %s", row->type ? row->type : "type not known");
	if (where && row->begins)
		g_string_append_printf(text, ", %s", where);
	return g_string_free(text, FALSE);
}

char *hc_word_accumulation(const hc_ownership *ownership, const hc_owner_row *owner, bool tells_path)
{
	const hc_owner_accumulation *accumulation = &owner->accumulation;
	const hc_owner_row *row = accumulation->row == HC_OWNER_NO_ROW ? NULL :
									 hc_ownership_row(ownership, accumulation->row);
	g_autofree char *blocks = hc_unit_text(accumulation->below, "blocks");
	GString *text = g_string_new("accumulates");

	if (tells_path && row)
		g_string_append_printf(text, " at %s", row->text);
	if (accumulation->block)
		g_string_append_printf(text, "%s in 0x%" PRIx64 "%s", tells_path && row ? "," : "", accumulation->block,
			row ? "" : ", which another path holds");
	else if (!tells_path)
		g_string_append(text, " here");
	if (accumulation->is_list)
		g_string_append(
			text, accumulation->block ? ": a chain of blocks begins there" : ", in a chain of blocks");
	else if (!accumulation->is_by_holding)
		g_string_append_printf(text, ": %s right below", blocks);
	return g_string_free(text, FALSE);
}

char *hc_word_owner_kind(const hc_ownership *ownership, hc_owner_kind kind)
{
	char directly[HC_TEXT_SIZE_LENGTH], indirectly[HC_TEXT_SIZE_LENGTH];

	switch (kind) {
	case HC_OWNER_UNKNOWN:
		return g_strdup("owner not known");
	case HC_OWNER_LIBC:
		return g_strdup("libc and the runtime");
	case HC_OWNER_LOST:
		return g_strdup_printf("lost (directly %s, indirectly %s)",
			hc_text_size(directly, hc_ownership_lost(ownership, true).bytes),
			hc_text_size(indirectly, hc_ownership_lost(ownership, false).bytes));
	default:
		return NULL;
	}
}

char *hc_word_owners_left_out(uint64_t rows)
{
	g_autofree char *unit = hc_unit_text(rows, "smaller ones");

	return g_strdup_printf("%s, left out", unit);
}

char *hc_word_owners_left_out_below(uint64_t rows)
{
	g_autofree char *unit = hc_unit_text(rows, "rows");

	return g_strdup_printf("%s below these left out: --depth and --min show more", unit);
}
