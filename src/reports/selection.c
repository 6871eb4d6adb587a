/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Types by the words that people write. A name as the table of types has it is meant exactly. Else spaces, "struct" and inline namespaces do
 * not matter; and if that is none, the namespaces in front do not, either. More than one name that fits is an error that tells them.
 */
#include "reports/parts.h"

#include "base/cxx_names.h"
#include "base/error.h"
#include "base/text.h"
#include "wording/wording.h"

#include <string.h>

enum {
	CANDIDATES = 6 /* that a message names */
};

/* How well a name fits what was written. */
enum fit {
	FIT_EXACT,
	FIT_SQUEEZED,
	FIT_INNER, /* without its namespaces */
	FIT_PART,  /* the words are somewhere in it: only good for a hint */
	FIT_NONE,
};

/* NAME of a row, or of libc's blocks; NULL: it has none. Free with g_free(). */
static char *name_of(const hc_type_row *row)
{
	return row->label ? hc_word_label(row->label) : g_strdup(row->name);
}

/* NAME in one way of writing. Free with g_free(). */
static char *squeeze(const char *name)
{
	static const char *const keywords[] = { "struct ", "class ", "union ", "enum " };
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < G_N_ELEMENTS(keywords); i++)
		if (g_str_has_prefix(name, keywords[i]))
			name += strlen(keywords[i]);
	g_autofree char *outer = hc_name_without_inline_namespaces(name), *shorter = hc_name_shorten(outer);
	g_autoptr(GString) canonical = g_string_new(NULL);

	hc_name_append_canonical(canonical, shorter);
	for (const char *letter = canonical->str; *letter; letter++)
		if (!g_ascii_isspace(*letter))
			g_string_append_c(text, *letter);
	return g_string_free(text, FALSE);
}

/* Whether NAME is WANTED within namespaces. */
static bool is_inner(const char *name, const char *wanted)
{
	size_t length = strlen(name), end = strlen(wanted);
	unsigned depth = 0;

	if (length < end + 3 || strcmp(name + length - end, wanted) || strncmp(name + length - end - 2, "::", 2))
		return false;
	for (size_t i = 0; i < length - end; i++) {
		if (strchr("<({[", name[i]))
			depth++;
		else if (strchr(">)}]", name[i]) && depth)
			depth--;
	}
	return !depth;
}

static enum fit fit_of(const char *name, const char *type, const char *squeezed)
{
	g_autofree char *own = NULL;

	if (!strcmp(name, type))
		return FIT_EXACT;
	own = squeeze(name);
	if (!strcmp(own, squeezed))
		return FIT_SQUEEZED;
	if (is_inner(own, squeezed))
		return FIT_INNER;
	g_autofree char *folded = g_ascii_strdown(own, -1), *part = g_ascii_strdown(squeezed, -1);

	return *part && strstr(folded, part) ? FIT_PART : FIT_NONE;
}

/* "\"a\", \"b\", ..." */
static char *list_names(const GPtrArray *names)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < MIN(names->len, CANDIDATES); i++)
		g_string_append_printf(text, "%s\"%s\"", i ? ", " : "", (const char *)names->pdata[i]);
	if (names->len > CANDIDATES)
		g_string_append(text, ", ...");
	return g_string_free(text, FALSE);
}

static void add_name(GPtrArray *names, const char *name)
{
	for (unsigned i = 0; i < names->len; i++)
		if (!strcmp(names->pdata[i], name))
			return;
	if (names->len <= CANDIDATES)
		g_ptr_array_add(names, g_strdup(name));
}

/* Adds the rows of TYPE. Rows come with most bytes first, and so do the names of a message. */
static bool add_type(hc_selection *selection, const hc_types *types, const char *type, GError **error)
{
	g_autofree char *squeezed = squeeze(type);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autofree uint8_t *fits = g_new(uint8_t, hc_types_row_count(types) + 1);
	enum fit best = FIT_NONE;

	for (unsigned i = 0; i < hc_types_row_count(types); i++) {
		g_autofree char *name = name_of(hc_types_row(types, i));

		fits[i] = fit_of(name, type, squeezed);
		best = MIN(best, (enum fit)fits[i]);
	}
	for (unsigned i = 0; i < hc_types_row_count(types); i++) {
		g_autofree char *name = fits[i] == best && best != FIT_NONE ? name_of(hc_types_row(types, i)) : NULL;

		if (!name)
			continue;
		add_name(names, name);
		if (best != FIT_PART)
			hc_selection_add_row(selection, i);
	}
	if (best < FIT_PART && names->len == 1)
		return true;
	g_autofree char *candidates = list_names(names);

	g_set_error(error, HC_ERROR, HC_ERROR_USAGE, "%s \"%s\"%s%s",
		best < FIT_PART ? "several types may be meant by" : "no block has the type", type,
		names->len ? (best < FIT_PART ? ": " : "; there are ") : "", candidates);
	return false;
}

hc_selection *hc_select_blocks(const hc_types *types, const char *type, const char *owner, GError **error)
{
	g_autoptr(hc_selection) selection = NULL;

	if (!types) {
		g_set_error(
			error, HC_ERROR, HC_ERROR_USAGE, "types and owners are not known: they were not looked for");
		return NULL;
	}
	selection = hc_selection_create(types);
	if (type && !add_type(selection, types, type, error))
		return NULL;
	if (owner && !hc_selection_set_path(selection, owner)) {
		g_set_error(error, HC_ERROR, HC_ERROR_USAGE, "nothing is held by a path \"%s\"", owner);
		return NULL;
	}
	return g_steal_pointer(&selection);
}
