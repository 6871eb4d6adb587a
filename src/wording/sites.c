/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that allocate, in words: never surer than what is known of them. */
#include "wording/wording.h"

#include "base/text.h"
#include "sites/sites.h"

#include <inttypes.h>
#include <string.h>

enum {
	SHORT_MOST = 3 /* calls that are named in short */
};

static void append_function(GString *text, const char *function)
{
	/* A symbol of C++ has its arguments. */
	g_string_append_printf(text, strchr(function, '(') ? "%s" : "%s()", function);
}

char *hc_word_site(const hc_site *site, const hc_site_place *place)
{
	GString *text = g_string_new(NULL);

	if (place->file && place->line && place->function) {
		g_string_append_printf(text, "%s:%d in ", place->file, place->line);
		append_function(text, place->function);
	} else if (place->function) {
		append_function(text, place->function);
		if (place->offset)
			g_string_append_printf(text, "+0x%" PRIx64, place->offset);
		g_string_append_printf(text, " in %s", site->module->name);
	} else
		g_string_append_printf(text, "%s+0x%" PRIx64, site->module->name, site->address - site->module->start);
	return g_string_free(text, FALSE);
}

/* Calls of one line, copies of it among them, once. */
static void append_sites(GString *text, const hc_site_answer *answer)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	unsigned counts[HC_SITES_TOLD_MAX] = { 0 };

	for (unsigned i = 0; i < MIN(answer->place_count, HC_SITES_TOLD_MAX); i++) {
		g_autofree char *site = hc_word_site(answer->sites[i], &answer->places[i]);
		guint line = lines->len;

		if (!g_ptr_array_find_with_equal_func(lines, site, g_str_equal, &line))
			g_ptr_array_add(lines, g_steal_pointer(&site));
		counts[line]++;
	}
	for (unsigned i = 0; i < lines->len; i++) {
		g_string_append_printf(text, "%s%s", i ? "; " : ": ", (const char *)lines->pdata[i]);
		if (counts[i] > 1)
			g_string_append_printf(text, " (%u calls)", counts[i]);
	}
}

/* "3 calls compute theirs, so one of these may have made them": why it is no more than probable. */
static void append_others(GString *text, const hc_site_answer *answer)
{
	g_autofree char *calls = hc_unit_text(answer->computed, "calls");

	if (answer->computed)
		g_string_append_printf(text, "; %s%s a size that is not known", calls,
			answer->only_in ? " there ask for" : " of the process ask for");
}

/* Where calls have nothing but their size to speak for them, those that compute theirs may as well be it. */
static void append_doubt(GString *text, const hc_site_answer *answer, bool is_one)
{
	g_autofree char *calls = hc_unit_text(answer->computed, "calls");

	if (answer->computed)
		g_string_append_printf(text, "; nothing but the size speaks for %s, and %s%s %s",
			is_one ? "it" : "them", calls, answer->only_in ? " there" : " of the process",
			answer->computed == 1 ? "computes its own" : "compute theirs");
}

/* "of 2 calls in libengine.so that compute their size ", or that there is one. */
static void append_computing(GString *text, const hc_site_answer *answer)
{
	g_autofree char *calls = hc_unit_text(answer->computed, "calls");

	g_string_append_printf(text, "of %s in %s whose size is computed", calls,
		answer->only_in ? answer->only_in->name : "the process");
}

/* What calls put there that compute their size. */
static const char *mark_text(const hc_site_answer *answer)
{
	return answer->by_class ? "makes an object of this class" : "puts an address there that all of these have";
}

static void append_probably(GString *text, const hc_site_answer *answer)
{
	g_autofree char *site = hc_word_site(answer->sites[0], &answer->places[0]);
	char size[HC_TEXT_SIZE_LENGTH];

	if (answer->sites[0]->size_kind != HC_SITE_CONSTANT) {
		g_string_append_printf(text, "probably allocated at %s: ", site);
		append_computing(text, answer);
		g_string_append_printf(text, " the only one that %s", mark_text(answer));
		return;
	}
	g_string_append_printf(text, "probably allocated at %s: the only call ", site);
	if (answer->by_class)
		g_string_append(text, "for this size that makes an object of this class");
	else
		g_string_append_printf(text, "for %s", hc_text_size(size, answer->sites[0]->size));
	g_string_append_printf(text, " in %s", answer->only_in ? answer->only_in->name : "the process");
	if (!answer->by_class)
		append_others(text, answer);
}

/* malloc does not cut a block if what would be left is too small for another (malloc.c: MINSIZE). */
static void append_larger(GString *text, const hc_site_answer *answer)
{
	unsigned count = 0;

	for (unsigned i = 0; i < MIN(answer->place_count, HC_SITES_TOLD_MAX); i++) {
		bool is_larger;

		count += answer->sites[i]->size_kind == HC_SITE_CONSTANT &&
			 hc_sites_gives(answer->sites[i]->size, answer->size, &is_larger) && is_larger;
	}
	if (!count)
		return;
	if (count == answer->place_count)
		g_string_append_printf(text, "; %s for 16 B less, to which malloc adds that now and then",
			count == 1 ? "it asks" : "they ask");
	else
		g_string_append_printf(text, "; %u of these %s for 16 B less, to which malloc adds that now and then",
			count, count == 1 ? "asks" : "ask");
}

/* Too many are not named; of these the program's own are, if they are few. */
static void append_many(GString *text, const hc_site_answer *answer)
{
	g_autofree char *calls = hc_unit_text(answer->count, "calls");
	hc_site_answer own = *answer;

	/* They are the first. */
	own.place_count = 0;
	while (own.place_count < answer->place_count && answer->sites[own.place_count]->module->is_executable)
		own.place_count++;
	if (!own.place_count || own.place_count > HC_SITES_TOLD_MAX || own.place_count == answer->place_count) {
		g_string_append_printf(text, "%s have a size that fits: too many to tell which", calls);
		return;
	}
	g_string_append_printf(text, "%s have a size that fits, too many to tell which; %s in %s itself", calls,
		own.place_count == 1 ? "one is" : "these are", answer->sites[0]->module->name);
	append_sites(text, &own);
}

/* Size alone makes no call a probable one: it is said who asks for so much, and that others compute theirs. */
static void append_some(GString *text, const hc_site_answer *answer)
{
	g_autofree char *calls = hc_unit_text(answer->count, "calls"), *number = g_strdup_printf("%u", answer->count);
	bool is_one = answer->count == 1;

	if (answer->count > HC_SITES_TOLD_MAX) {
		append_many(text, answer);
		return;
	}
	if (answer->by_contents && answer->of_size > answer->count && !answer->by_class) {
		g_string_append_printf(text, "of %u calls whose size fits %s %s there what these blocks have",
			answer->of_size, is_one ? "one" : number, is_one ? "puts" : "put");
		append_sites(text, answer);
		append_larger(text, answer);
		append_others(text, answer);
		return;
	}
	if (answer->by_class && !is_one)
		g_string_append_printf(text,
			"probably allocated by one of %s that ask for so much and make an object of this class", calls);
	else if (is_one)
		g_string_append_printf(text, "one call asks for so much%s",
			answer->by_class ? " and makes an object of this class" : "");
	else
		g_string_append_printf(text, "%s ask for so much", calls);
	append_sites(text, answer);
	append_larger(text, answer);
	if (answer->by_class && is_one)
		append_others(text, answer);
	else if (!answer->by_class)
		append_doubt(text, answer, is_one);
}

static void append_computed(GString *text, const hc_site_answer *answer)
{
	g_autofree char *calls = hc_unit_text(answer->count, "calls");

	g_string_append(text, answer->is_varying ? "they differ in size" : "no call asks for so much as a number");
	if (!answer->count || answer->count > HC_SITES_TOLD_MAX) {
		g_string_append(text, ": it was computed");
		return;
	}
	if (answer->by_contents) {
		g_string_append(text, ": ");
		append_computing(text, answer);
		g_string_append_printf(text, ", %s leave there what these blocks have", calls);
	} else {
		g_string_append_printf(text, ": %s%s%s may have computed it", calls, answer->only_in ? " in " : "",
			answer->only_in ? answer->only_in->name : "");
	}
	append_sites(text, answer);
}

/* That it rests on a guess. */
static void append_left_out(GString *text, const hc_site_answer *answer)
{
	if (answer->without_runtime && answer->count && answer->count <= HC_SITES_TOLD_MAX)
		g_string_append(text,
			"; calls of libc and of the language's runtime are left out, which hardly make so many blocks");
}

char *hc_word_site_answer(const hc_site_answer *answer)
{
	GString *text = g_string_new(NULL);

	switch (answer->verdict) {
	case HC_SITE_VERDICT_PROBABLY:
		append_probably(text, answer);
		break;
	case HC_SITE_VERDICT_SOME:
		append_some(text, answer);
		break;
	case HC_SITE_VERDICT_COMPUTED:
		append_computed(text, answer);
		break;
	default:
		break;
	}
	if (text->len)
		append_left_out(text, answer);
	return g_string_free(text, !text->len);
}

char *hc_word_owner_calls(const hc_owner_row *row, hc_amount alike, const hc_site_answer *answer)
{
	g_autofree char *calls = hc_word_site_answer(answer), *own = hc_unit_text(row->own.blocks, "blocks"),
			*size = hc_unit_text(answer->size, "bytes");
	bool is_some = !answer->is_varying && alike.blocks < row->own.blocks;
	GString *text = g_string_new(NULL);
	char count[HC_TEXT_COUNT_LENGTH];

	if (!calls) {
		g_string_free(text, TRUE);
		return NULL;
	}
	g_string_append_printf(text, "%s: ", row->text);
	if (is_some)
		g_string_append_printf(text, "%s of ", hc_text_count(count, alike.blocks));
	g_string_append_printf(text, "its %s", row->own.blocks == 1 ? "block" : own);
	if (!answer->is_varying)
		g_string_append_printf(text, "%s of %s", is_some ? "," : "", size);
	g_string_append_printf(text, ": %s", calls);
	return g_string_free(text, FALSE);
}

char *hc_word_owner_calls_left_out(unsigned count)
{
	g_autofree char *rows = hc_unit_text(count, "rows");

	return g_strdup_printf("Calls are not told of %s that %s less: ask for %s.", rows, count == 1 ? "has" : "have",
		count == 1 ? "its path" : "their paths");
}

char *hc_word_site_in_short(const hc_site_answer *answer)
{
	bool is_probable = answer->verdict >= HC_SITE_VERDICT_PROBABLY;
	/* That a call computes its size speaks for it no more than for those of the runtime, which are not named. */
	bool is_nothing = answer->verdict == HC_SITE_VERDICT_COMPUTED && !answer->by_contents;
	unsigned count = is_probable ? 1 : is_nothing ? 0 : answer->count;
	GString *text = g_string_new(NULL);

	if (count > SHORT_MOST || count > answer->place_count || !count) {
		g_string_free(text, TRUE);
		return NULL;
	}
	g_string_append(text, is_probable ? "probably allocated at " : "perhaps allocated at ");
	for (unsigned i = 0; i < count; i++) {
		g_autofree char *site = hc_word_site(answer->sites[i], &answer->places[i]);

		g_string_append_printf(text, "%s%s", !i ? "" : i + 1 < count ? ", " : " or ", site);
	}
	return g_string_free(text, FALSE);
}

char *hc_word_sites_unread(const hc_sites *sites)
{
	hc_sites_read_amount amount = hc_sites_amount(sites);
	GString *text = g_string_new(NULL);
	char size[HC_TEXT_SIZE_LENGTH];

	if (hc_sites_why_none(sites)) {
		g_string_printf(text, "Which calls allocate is not told: %s.", hc_sites_why_none(sites));
		return g_string_free(text, FALSE);
	}
	if (amount.unread_modules) {
		g_string_append(text, "Calls are not looked for in ");
		for (unsigned i = 0; i < MIN(amount.unread_modules, SHORT_MOST); i++)
			g_string_append_printf(text, "%s%s", i ? ", " : "", hc_sites_unread_module(sites, i)->name);
		if (amount.unread_modules > SHORT_MOST)
			g_string_append_printf(text, " and %u more", amount.unread_modules - SHORT_MOST);
		g_string_append_printf(
			text, ", whose %s not here", amount.unread_modules == 1 ? "file is" : "files are");
	}
	if (amount.unread_bytes)
		g_string_append_printf(text, "%s%s of %s",
			amount.unread_modules ? ", nor in " : "Calls are not looked for in ",
			hc_text_size(size, amount.unread_bytes),
			"code that could not be decoded, or is too long for one function");
	if (text->len)
		g_string_append(text, ": they may have made the blocks, too.");
	return g_string_free(text, !text->len);
}
