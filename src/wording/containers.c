/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Containers, what their keys have in common, and variables that could not be read. */
#include "wording/wording.h"

#include "base/text.h"

#include <inttypes.h>

enum {
	KEY_COLUMNS = 48,
	TYPE_COLUMNS = 56
};

/* A byte that is not UTF-8 is a character of its own. */
static const char *next_character(const char *text)
{
	gunichar character = g_utf8_get_char_validated(text, -1);

	return character >= (gunichar)-2 ? text + 1 : g_utf8_next_char(text);
}

/* Of the character from TEXT to END, as whoever writes it out escapes it. */
static unsigned columns_of(const char *text, const char *end)
{
	g_autofree char *shown = hc_text_escape(text, end - text);

	return g_utf8_strlen(shown, -1);
}

/* TEXT; with IS_SHORT what fits into MOST columns, with "..." at its end if that is not all. */
static char *cut(const char *text, unsigned most, bool is_short)
{
	const char *next, *kept = text;
	unsigned columns = 0;

	for (const char *at = text; *at && columns <= most; at = next) {
		next = next_character(at);
		columns += columns_of(at, next);
		if (columns + 3 <= most)
			kept = next;
	}
	if (columns <= most || !is_short)
		return g_strdup(text);
	return g_strdup_printf("%.*s...", (int)(kept - text), text);
}

char *hc_word_container(const hc_container *container, bool is_short)
{
	g_autofree char *type = cut(container->type, TYPE_COLUMNS, is_short),
			*place = hc_word_where(&container->where, 0), *where = cut(place, TYPE_COLUMNS, is_short);
	GString *text = g_string_new(type);
	char count[HC_TEXT_COUNT_LENGTH], size[HC_TEXT_SIZE_LENGTH];

	if (container->element)
		g_string_append_printf(text, " of %s", container->element);
	g_string_append_printf(text, ", %s", where);
	if (container->count > 1)
		g_string_append_printf(text, ", %s of them", hc_text_count(count, container->count));
	if (container->capacity != UINT64_MAX && container->capacity > container->elements)
		g_string_append_printf(text, ", room for %s", hc_text_count(count, container->capacity));
	if (container->untouched)
		g_string_append_printf(text, ", %s in pages of zeros", hc_text_size(size, container->untouched));
	if (container->certainty != HC_CERTAINTY_CERTAIN)
		g_string_append_printf(text, ", %s", hc_certainty_name(container->certainty));
	if (container->is_uncounted)
		g_string_append_printf(text, ", %s", container->reason);
	else if (container->grade != HC_GRADE_EXACT)
		g_string_append_printf(
			text, ", %s: %s", hc_grade_name(container->grade), container->reason ? container->reason : "?");
	if (!container->is_uncounted && container->walked != container->elements)
		g_string_append_printf(text, ", walked %s", hc_text_count(count, container->walked));
	return g_string_free(text, FALSE);
}

/* "61.2 %" */
static void append_part(GString *text, uint64_t part, uint64_t whole)
{
	g_string_append_printf(text, "%.1f %%", whole ? 100.0 * (double)part / (double)whole : 0.0);
}

char *hc_word_table_fill(const hc_container *container, const hc_table_fill *fill)
{
	GString *text = g_string_new(container->count > 1 ? "the largest has " : NULL);
	g_autofree char *buckets = hc_unit_text(fill->buckets, fill->is_chained ? "buckets" : "slots"),
			*longest = hc_unit_text(fill->longest, "elements");

	g_string_append_printf(text, "%s, ", buckets);
	append_part(text, fill->buckets - MIN(fill->buckets, fill->used), fill->buckets);
	g_string_append(text, " of them empty");
	if (fill->is_shared_known) {
		g_string_append_printf(text, "; at most %s in one, ", longest);
		append_part(text, fill->sharing, fill->elements);
		g_string_append(text, " of all share one");
	}
	return g_string_free(text, FALSE);
}

/* ---- keys ---- */

static void append_shapes(GString *text, const hc_sample *sample)
{
	char count[HC_TEXT_COUNT_LENGTH], shapes[HC_TEXT_COUNT_LENGTH];

	if (sample->looked_at < 2)
		return;
	hc_text_count(count, sample->looked_at);
	if (sample->shapes == 1) {
		g_autofree char *shape = cut(sample->shape, KEY_COLUMNS, true);

		g_string_append_printf(text, "; all %s are like \"%s\"", count, shape);
		return;
	}
	g_string_append_printf(text, "; %s%s shapes among %s", sample->shapes >= HC_SAMPLE_SHAPES ? "at least " : "",
		hc_text_count(shapes, sample->shapes), count);
	if (sample->prefix) {
		g_autofree char *prefix = cut(sample->prefix, KEY_COLUMNS, true);

		g_string_append_printf(text, ", all begin \"%s\"", prefix);
	}
}

char *hc_word_sample(const hc_sample *sample, bool is_short)
{
	GString *text;

	if (!sample->texts || !sample->texts[0])
		return NULL;
	text = g_string_new(sample->looked_at ? "keys " : "");
	for (unsigned i = 0; sample->texts[i]; i++) {
		g_autofree char *key = cut(sample->texts[i], KEY_COLUMNS, is_short);

		g_string_append_printf(text, sample->looked_at ? "%s\"%s\"" : "%s%s", i ? ", " : "", key);
	}
	append_shapes(text, sample);
	return g_string_free(text, FALSE);
}

/* ---- variables ---- */

char *hc_word_variables(const hc_types *types)
{
	const hc_types_losses *losses = hc_types_get_losses(types);
	GString *text = g_string_new(NULL);
	char count[HC_TEXT_COUNT_LENGTH];

	g_string_append_printf(text, "variables: %s in memory",
		hc_text_count(count, hc_types_variables(types, HC_VARIABLE_IN_MEMORY)));
	for (unsigned state = HC_VARIABLE_VALUE; state < HC_VARIABLE_STATE_COUNT; state++)
		if (hc_types_variables(types, state))
			g_string_append_printf(text, ", %s %s", hc_text_count(count, hc_types_variables(types, state)),
				state == HC_VARIABLE_VALUE ? "in registers" : hc_variable_state_name(state));
	if (losses->implausible)
		g_string_append_printf(text,
			". %s places that could be containers are none: not initialised, or already destroyed",
			hc_text_count(count, losses->implausible));
	if (losses->cut)
		g_string_append_printf(text,
			". %s paths were given up: what they lead to is not what it is declared as",
			hc_text_count(count, losses->cut));
	return g_string_free(text, FALSE);
}

char *hc_word_variable(const hc_core *core, const hc_variable *variable)
{
	GString *text = g_string_new(NULL);

	g_string_append_printf(text, "%s: %s", hc_variable_state_name(variable->state), variable->name);
	if (variable->function)
		g_string_append_printf(text, " of %s()", variable->function);
	if (variable->frame != UINT_MAX)
		g_string_append_printf(text, " frame %u", variable->frame);
	if (variable->thread < hc_core_thread_count(core))
		g_string_append_printf(text, " of thread %" PRId64, hc_core_thread(core, variable->thread)->id);
	if (variable->reason)
		g_string_append_printf(text, ": %s", variable->reason);
	return g_string_free(text, FALSE);
}

static bool has_debug_info(hc_modules *modules)
{
	for (unsigned i = 0; i < hc_modules_count(modules); i++) {
		const hc_module *module = hc_modules_get(modules, i);

		if (module->is_executable)
			return hc_module_debug_file(modules, module) != NULL;
	}
	return false;
}

char *hc_word_no_containers(const hc_analysis *analysis)
{
	const hc_heap_info *heap = hc_blocks_heap(hc_analysis_blocks(analysis));
	g_autofree char *unread = hc_word_unread(heap, hc_core_process(hc_analysis_core(analysis)));

	if (unread)
		return g_strdup_printf("no containers found: %s", unread);
	if (has_debug_info(hc_analysis_modules(analysis)))
		return g_strdup("no containers found, though the program has debug info; those of a library need that "
				"of the library");
	return g_strdup("no containers found: debug info (-g) of the program, or of the library that has them, is "
			"needed");
}
