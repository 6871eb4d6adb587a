/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who holds most, who retains most, and what a row of owners is. */
#include "wording/wording.h"

#include "base/text.h"

#include <inttypes.h>
enum {
	LITTLE_SHARED = 10,  /* of what a row holds: if one in so many bytes is shared, that is said */
	LITTLE_RETAINED = 10, /* of what is in use: who retains less is not told */
	LITTLE_OUTSIDE = 10, /* of what is in use: if what is not malloc's is less, it does not come first */
};

static uint64_t held_by(const hc_owner_row *row)
{
	return row->holds.bytes;
}

static uint64_t retained_by(const hc_owner_row *row)
{
	return row->retained;
}

static uint64_t all_of(const hc_owner_row *row)
{
	return row->holds.bytes + row->outside;
}

/* The row of level 0 with the most by FIGURE; NULL: there is none. */
static const hc_owner_row *first_row(const hc_ownership *ownership, uint64_t (*figure)(const hc_owner_row *row))
{
	const hc_owner_row *best = NULL;

	for (uint32_t i = hc_ownership_first(ownership); i != HC_OWNER_NO_ROW;) {
		const hc_owner_row *row = hc_ownership_row(ownership, i);

		if (!best || figure(row) > figure(best))
			best = row;
		i = row->next;
	}
	return best;
}

const char *hc_word_owner_basis(hc_owner_basis basis, hc_certainty certainty, bool mostly_untyped)
{
	if (basis == HC_OWNER_BY_POINTERS)
		return "by its pointers alone, no type leads there";
	if (basis == HC_OWNER_BY_CONTENT)
		return "by what its blocks say they are; nothing is known that leads there";
	if (mostly_untyped)
		return certainty == HC_CERTAINTY_CERTAIN ?
			       "by its type, but most of that by pointers whose type is not known" :
			       "by its type, which is deduced, and most of that by pointers whose type is not known";
	return certainty == HC_CERTAINTY_CERTAIN ? "by its type" : "by its type, which is deduced";
}

static void append_retained(GString *text, const hc_owner_row *holder, const hc_owner_row *retainer, uint64_t total)
{
	char bytes[HC_TEXT_SIZE_LENGTH];

	if (retainer && retainer->retained > holder->retained && retainer->retained >= total / LITTLE_RETAINED)
		g_string_append_printf(text, " %s retains most: without it %s would be unreachable.", retainer->text,
			hc_text_size(bytes, retainer->retained));
	else if (holder->has_retained && holder->retained < holder->holds.bytes / 2)
		g_string_append_printf(text, " At least %s of that would still be reached without it.",
			hc_text_size(bytes, holder->holds.bytes - holder->retained));
	else if (holder->has_retained)
		g_string_append_printf(
			text, " Without it %s would be unreachable.", hc_text_size(bytes, holder->retained));
}

char *hc_word_sharers(const hc_sharing *shared)
{
	char count[HC_TEXT_COUNT_LENGTH];

	if (!shared->others)
		return g_strdup(shared->with);
	return g_strdup_printf("%s and %s other%s", shared->with, hc_text_count(count, shared->others),
		shared->others == 1 ? "" : "s");
}

/* "; 12.0 MiB also reached from g_lru and 3 others", of what is worth it. */
static void append_shared(GString *text, const hc_owner_row *row)
{
	char bytes[HC_TEXT_SIZE_LENGTH];

	if (!row->shared.with || row->shared.amount.bytes < row->holds.bytes / LITTLE_SHARED)
		return;
	g_autofree char *sharers = hc_word_sharers(&row->shared);

	g_string_append_printf(
		text, "; %s also reached from %s", hc_text_size(bytes, row->shared.amount.bytes), sharers);
}

static void append_all_shared(GString *text, const hc_owner_row *holder)
{
	char bytes[HC_TEXT_SIZE_LENGTH];

	if (!holder->shared.with || holder->shared.amount.bytes < holder->holds.bytes / 2)
		return;
	g_autofree char *sharers = hc_word_sharers(&holder->shared);

	g_string_append_printf(text, " %s of that is reached from %s as well.",
		hc_text_size(bytes, holder->shared.amount.bytes), sharers);
}

/* Of HOLDER, which has most where malloc has nothing. */
static void append_outside(GString *text, const hc_owner_row *holder, uint64_t total)
{
	g_autofree char *group = holder->group ? hc_word_owner(holder) : NULL;
	char outside[HC_TEXT_SIZE_LENGTH], bytes[HC_TEXT_SIZE_LENGTH];

	g_string_append_printf(text, group ? "Most is held by %s: " : "%s holds most: ", group ? group : holder->text);
	g_string_append_printf(text, "%s in memory that is not malloc's", hc_text_size(outside, holder->outside));
	if (total && holder->holds.bytes)
		g_string_append_printf(text, ", and %s, %.1f %% of what is in use of malloc's",
			hc_text_size(bytes, holder->holds.bytes), 100.0 * holder->holds.bytes / total);
	if (!group)
		g_string_append_printf(text, "; told %s", hc_word_owner_basis(holder->basis, holder->certainty, hc_owner_row_is_mostly_untyped(holder)));
	g_string_append_c(text, '.');
}

char *hc_word_owners(const hc_ownership *ownership)
{
	uint64_t total = hc_ownership_total(ownership).bytes;
	const hc_owner_row *holder = first_row(ownership, all_of), *retainer = first_row(ownership, retained_by);
	GString *text = g_string_new(NULL);
	char bytes[HC_TEXT_SIZE_LENGTH];

	if (holder && holder->outside > holder->holds.bytes && holder->outside >= total / LITTLE_OUTSIDE) {
		append_outside(text, holder, total);
		return g_string_free(text, FALSE);
	}
	holder = first_row(ownership, held_by);
	if (!holder || !total) {
		g_string_append(text, "Nothing is known of who holds what is in use.");
		return g_string_free(text, FALSE);
	}
	g_autofree char *group = holder->group ? hc_word_owner(holder) : NULL;

	g_string_append_printf(text, group ? "Most is held by %s: " : "%s holds most: ", group ? group : holder->text);
	g_string_append_printf(text, "%s, %.1f %% of what is in use", hc_text_size(bytes, holder->holds.bytes),
		100.0 * holder->holds.bytes / total);
	if (!group)
		g_string_append_printf(text, "; told %s", hc_word_owner_basis(holder->basis, holder->certainty, hc_owner_row_is_mostly_untyped(holder)));
	g_string_append_c(text, '.');
	append_all_shared(text, holder);
	append_retained(text, holder, retainer, total);
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
	append_shared(text, row);
	return g_string_free(text, FALSE);
}

char *hc_word_accumulation(const hc_ownership *ownership, const hc_owner_row *owner, bool tells_path)
{
	const hc_owner_accumulation *accumulation = &owner->accumulation;
	const hc_owner_row *row = accumulation->row == HC_OWNER_NO_ROW ? NULL :
									 hc_ownership_row(ownership, accumulation->row);
	g_autofree char *blocks = hc_unit_text(accumulation->below, "blocks");
	GString *text = g_string_new("accumulates");
	char size[HC_TEXT_SIZE_LENGTH];

	if (tells_path && row)
		g_string_append_printf(text, " at %s", row->text);
	if (accumulation->block)
		g_string_append_printf(text, "%s in the block 0x%" PRIx64 "%s", tells_path && row ? "," : "",
			accumulation->block, row ? "" : ", which another path holds");
	else if (!tells_path)
		g_string_append(text, " here");
	if (accumulation->is_list)
		g_string_append(
			text, accumulation->block ? ": a chain of blocks begins there" : ", in a chain of blocks");
	else if (accumulation->below)
		g_string_append_printf(text, ": %s right below", blocks);
	else if (accumulation->block)
		g_string_append_printf(text, ", one block of %s", hc_text_size(size, accumulation->size));
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

char *hc_word_owners_outside(uint64_t bytes, uint64_t mapped)
{
	char some[HC_TEXT_SIZE_LENGTH], all[HC_TEXT_SIZE_LENGTH];

	return g_strdup_printf(
		"OUTSIDE are %s of %s that are not malloc's: what words lead to there, with what is free behind it.",
		hc_text_size(some, bytes), hc_text_size(all, mapped));
}
