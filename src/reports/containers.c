/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The containers: by name, with elements, bytes and a sample of their keys. */
#include "reports/parts.h"

#include "base/text.h"
#include "values/values.h"
#include "wording/wording.h"

enum {
	KEYS_SHOWN = 5,
	KEY_COLUMNS = 48,
	TYPE_COLUMNS = 56
};

/* A pattern with * and ?; without them, what the text must contain. */
static bool matches(const char *pattern, const char *text)
{
	if (!pattern)
		return true;
	return strpbrk(pattern, "*?") ? g_pattern_match_simple(pattern, text) : strstr(text, pattern) != NULL;
}

static int64_t thread_of(const hc_analysis *analysis, const hc_container *container)
{
	const hc_core *core = hc_analysis_core(analysis);
	const hc_variable *variable = container->variable;

	return variable && variable->thread < hc_core_thread_count(core) ? hc_core_thread(core, variable->thread)->id :
									   0;
}

static bool is_shown(const hc_analysis *analysis, const hc_containers_view *view, const hc_container *container)
{
	return container->below.bytes >= view->minimum && matches(view->type, container->type) &&
	       matches(view->variable, container->path) &&
	       (!view->thread || thread_of(analysis, container) == view->thread);
}

static int compare_by_elements(const void *a, const void *b)
{
	const hc_container *x = *(const hc_container *const *)a, *y = *(const hc_container *const *)b;

	if (x->elements != y->elements)
		return x->elements < y->elements ? 1 : -1;
	return (x->index > y->index) - (x->index < y->index);
}

/* Those that are shown, in order; *ret_all counts those beyond the limit too. GPtrArray of hc_container. */
static GPtrArray *choose(const hc_analysis *analysis, const hc_containers_view *view, unsigned *ret_all)
{
	const hc_types *types = hc_analysis_types(analysis);
	GPtrArray *chosen = g_ptr_array_new();

	for (unsigned i = 0; i < hc_types_container_count(types); i++) {
		const hc_container *container = hc_types_container(types, i);

		if (is_shown(analysis, view, container))
			g_ptr_array_add(chosen, (gpointer)container);
	}
	if (view->by_elements)
		g_ptr_array_sort(chosen, compare_by_elements);
	*ret_all = chosen->len;
	if (view->limit && chosen->len > view->limit)
		g_ptr_array_set_size(chosen, view->limit);
	return chosen;
}

/* ---- text ---- */

static const hc_column columns[] = {
	{ NULL, "BYTES", HC_CELL_SIZE },
	{ NULL, "OWN", HC_CELL_SIZE },
	{ NULL, "ELEMENTS", HC_CELL_COUNT },
	{ NULL, "CONTAINER", HC_CELL_TEXT },
};

enum {
	COLUMN_BYTES,
	COLUMN_OWN,
	COLUMN_ELEMENTS,
	COLUMN_CONTAINER
};

/* TEXT cut to COLUMNS, unless everything is wanted. */
static char *cut(const char *text, unsigned most, bool verbose)
{
	g_autofree char *safe = hc_text_escape(text, -1);

	if (verbose || g_utf8_strlen(safe, -1) <= (glong)most)
		return g_steal_pointer(&safe);
	g_autofree char *start = g_utf8_substring(safe, 0, most - 3);

	return g_strconcat(start, "...", NULL);
}

static void append_keys(GString *line, const hc_sample *sample, bool verbose)
{
	for (unsigned i = 0; sample->texts[i]; i++) {
		g_autofree char *key = cut(sample->texts[i], KEY_COLUMNS, verbose);

		g_string_append_printf(line, sample->looked_at ? "%s\"%s\"" : "%s%s", i ? ", " : "", key);
	}
}

static void append_shapes(GString *line, const hc_sample *sample)
{
	char count[HC_TEXT_COUNT_LENGTH], shapes[HC_TEXT_COUNT_LENGTH];

	if (sample->looked_at < 2)
		return;
	if (sample->shapes == 1) {
		g_autofree char *shape = cut(sample->shape, KEY_COLUMNS, false);

		g_string_append_printf(
			line, "; all %s are like \"%s\"", hc_text_count(count, sample->looked_at), shape);
		return;
	}
	g_string_append_printf(line, "; %s%s shapes among %s", sample->shapes >= HC_SAMPLE_SHAPES ? "at least " : "",
		hc_text_count(shapes, sample->shapes), hc_text_count(count, sample->looked_at));
	if (sample->prefix) {
		g_autofree char *prefix = cut(sample->prefix, KEY_COLUMNS, false);

		g_string_append_printf(line, ", all begin \"%s\"", prefix);
	}
}

static void add_details(const hc_analysis *analysis, const hc_container *container, const hc_containers_view *view,
	bool verbose, hc_table *table)
{
	g_autoptr(GString) line = g_string_new(NULL);
	g_autofree char *type = cut(container->type, TYPE_COLUMNS, verbose);
	g_autofree char *place = hc_word_where(&container->where, 0), *where = cut(place, TYPE_COLUMNS, verbose);
	char count[HC_TEXT_COUNT_LENGTH], size[HC_TEXT_SIZE_LENGTH];

	g_string_append_printf(line, "  %s", type);
	if (container->element)
		g_string_append_printf(line, " of %s", container->element);
	g_string_append_printf(line, ", %s", where);
	if (container->count > 1)
		g_string_append_printf(line, ", %s of them", hc_text_count(count, container->count));
	if (container->capacity != UINT64_MAX && container->capacity > container->elements)
		g_string_append_printf(line, ", room for %s", hc_text_count(count, container->capacity));
	if (container->untouched)
		g_string_append_printf(line, ", %s in pages of zeros", hc_text_size(size, container->untouched));
	if (container->certainty != HC_CERTAINTY_CERTAIN)
		g_string_append_printf(line, ", %s", hc_certainty_name(container->certainty));
	if (container->grade != HC_GRADE_EXACT)
		g_string_append_printf(line, ", %s: %s, walked %s", hc_grade_name(container->grade),
			container->reason ? container->reason : "?", hc_text_count(count, container->walked));
	hc_table_add_line(table, HC_STYLE_DIM, line->str);
	if (view->no_content)
		return;
	g_auto(hc_sample) sample = { 0 };

	hc_types_sample(hc_analysis_types(analysis), container, KEYS_SHOWN, 0, &sample);
	if (!sample.texts[0])
		return;
	g_string_assign(line, sample.looked_at ? "  keys " : "  ");
	append_keys(line, &sample, verbose);
	append_shapes(line, &sample);
	hc_table_add_line(table, HC_STYLE_DIM, line->str);
}

static void print_losses(const hc_types *types, hc_output *output)
{
	const hc_types_losses *losses = hc_types_get_losses(types);
	g_autoptr(GString) line = g_string_new(NULL);
	char count[HC_TEXT_COUNT_LENGTH];

	g_string_append_printf(line, "variables: %s in memory",
		hc_text_count(count, hc_types_variables(types, HC_VARIABLE_IN_MEMORY)));
	for (unsigned state = HC_VARIABLE_VALUE; state < HC_VARIABLE_STATE_COUNT; state++)
		if (hc_types_variables(types, state))
			g_string_append_printf(line, ", %s %s", hc_text_count(count, hc_types_variables(types, state)),
				state == HC_VARIABLE_VALUE ? "in registers" : hc_variable_state_name(state));
	if (losses->implausible)
		g_string_append_printf(line,
			". %s places that could be containers are none: not initialised, or already destroyed",
			hc_text_count(count, losses->implausible));
	if (losses->cut)
		g_string_append_printf(line,
			". %s paths were given up: what they lead to is not what it is declared as",
			hc_text_count(count, losses->cut));
	hc_output_wrapped(output, 0, 0, line->str);
}

/* Variables that have no value to go by, each with its place and the reason. */
static void print_unread(const hc_analysis *analysis, hc_output *output)
{
	hc_variables *variables = hc_analysis_variables(analysis);
	const hc_core *core = hc_analysis_core(analysis);
	unsigned count = hc_variables_load(variables, 0);

	for (unsigned i = 0; i < count; i++) {
		const hc_variable *variable = hc_variables_get(variables, i);

		if (variable->state <= HC_VARIABLE_VALUE)
			continue;
		g_autofree char *name = hc_text_escape(variable->name, -1);
		g_autoptr(GString) line = g_string_new(NULL);

		g_string_append_printf(line, "%s: %s", hc_variable_state_name(variable->state), name);
		if (variable->function) {
			g_autofree char *function = hc_text_escape(variable->function, -1);

			g_string_append_printf(line, " of %s()", function);
		}
		if (variable->frame != UINT_MAX)
			g_string_append_printf(line, " frame %u", variable->frame);
		if (variable->thread < hc_core_thread_count(core))
			g_string_append_printf(
				line, " of thread %" G_GINT64_FORMAT, hc_core_thread(core, variable->thread)->id);
		if (variable->reason)
			g_string_append_printf(line, ": %s", variable->reason);
		hc_output_wrapped(output, 0, 2, line->str);
	}
}

void hc_debug_info_gaps_print(const hc_analysis *analysis, hc_output *output)
{
	const char *const *gaps = hc_variables_gaps(hc_analysis_variables(analysis));

	for (; gaps && *gaps; gaps++) {
		g_autofree char *safe = hc_text_escape(*gaps, -1);
		g_autofree char *line = g_strdup_printf("debug info not read: %s", safe);

		hc_output_wrapped(output, 0, 2, line);
	}
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

/* Advice that fits: what stands between the reader and containers. */
static void print_none(const hc_analysis *analysis, hc_output *output)
{
	g_autofree char *unread = hc_why_unread(analysis);
	g_autofree char *line = NULL;

	if (unread)
		line = g_strdup_printf("no containers found: %s", unread);
	else if (has_debug_info(hc_analysis_modules(analysis)))
		line = g_strdup(
			"no containers found, though the program has debug info; those of a library need that of the library");
	else
		line = g_strdup(
			"no containers found: debug info (-g) of the program, or of the library that has them, is needed");
	hc_output_wrapped(output, 0, 0, line);
}

static void print_containers(const hc_analysis *analysis, const hc_containers_view *view,
	const hc_report_options *options, hc_output *output)
{
	unsigned all;
	g_autoptr(GPtrArray) chosen = choose(analysis, view, &all);
	g_autoptr(hc_table) table = hc_table_create(columns, G_N_ELEMENTS(columns));

	for (unsigned i = 0; i < chosen->len; i++) {
		const hc_container *container = chosen->pdata[i];

		hc_table_add_row(table);
		hc_table_set_number(table, COLUMN_BYTES, container->below.bytes);
		hc_table_set_number(table, COLUMN_OWN, container->own.bytes);
		hc_table_set_number(table, COLUMN_ELEMENTS, container->elements);
		hc_table_set_text(table, COLUMN_CONTAINER, container->path);
		add_details(analysis, container, view, options->verbose, table);
	}
	if (chosen->len)
		hc_table_print(table, output);
	else if (!all)
		print_none(analysis, output);
	if (chosen->len < all) {
		char count[HC_TEXT_COUNT_LENGTH];

		hc_output_printf(output, "%s more: --limit 0 shows all\n", hc_text_count(count, all - chosen->len));
	}
	hc_output_text(output, "\n");
	print_losses(hc_analysis_types(analysis), output);
	if (options->verbose)
		print_unread(analysis, output);
	hc_debug_info_gaps_print(analysis, output);
	hc_diagnostics_print(hc_analysis_diagnostics(analysis), NULL, output);
}

/* ---- JSON ---- */

static json_t *grades_json(const hc_container *container)
{
	json_t *object = json_object();

	for (unsigned grade = 0; grade < HC_GRADE_COUNT; grade++)
		hc_json_set(object, hc_grade_name(grade), hc_json_number(container->grades[grade]));
	return object;
}

static void add_keys(const hc_analysis *analysis, const hc_container *container, json_t *object)
{
	g_auto(hc_sample) sample = { 0 };
	json_t *keys = json_array();

	hc_types_sample(hc_analysis_types(analysis), container, KEYS_SHOWN, 0, &sample);
	for (unsigned i = 0; sample.texts[i]; i++)
		json_array_append_new(keys, hc_json_text(sample.texts[i]));
	hc_json_set(object, "keys", keys);
	hc_json_set(object, "keys_prefix", hc_json_text(sample.prefix));
	hc_json_set(object, "keys_looked_at", hc_json_number(sample.looked_at));
	hc_json_set(object, "key_shapes", hc_json_number(sample.shapes));
	hc_json_set(object, "key_shape", hc_json_text(sample.shape));
}

static json_t *container_json(
	const hc_analysis *analysis, const hc_container *container, const hc_containers_view *view)
{
	json_t *object = json_object();
	bool has_capacity = container->capacity != UINT64_MAX && container->capacity;
	int64_t thread = thread_of(analysis, container);
	g_autofree char *where = hc_word_where(&container->where, 0);

	hc_json_set(object, "path", hc_json_text(container->path));
	hc_json_set(object, "where", hc_json_text(where));
	hc_json_set(object, "type", hc_json_text(container->type));
	hc_json_set(object, "element", hc_json_text(container->element));
	hc_json_set(object, "kind", hc_json_text(container->kind));
	hc_json_set(object, "certainty", json_string(hc_certainty_name(container->certainty)));
	hc_json_set(object, "count", hc_json_number(container->count));
	hc_json_set(object, "elements", hc_json_number(container->elements));
	hc_json_set(object, "walked", hc_json_number(container->walked));
	hc_json_set(object, "capacity",
		container->capacity == UINT64_MAX ? json_null() : hc_json_number(container->capacity));
	hc_json_set(object, "fill",
		has_capacity ? json_real((double)container->walked / container->capacity) : json_null());
	hc_json_set(object, "bytes_own", hc_json_number(container->own.bytes));
	hc_json_set(object, "blocks_own", hc_json_number(container->own.blocks));
	hc_json_set(object, "bytes_elements", hc_json_number(container->elements_bytes));
	hc_json_set(object, "bytes_below", hc_json_number(container->below.bytes));
	hc_json_set(object, "blocks_below", hc_json_number(container->below.blocks));
	hc_json_set(object, "touched",
		hc_json_number(container->own.bytes - MIN(container->own.bytes, container->untouched)));
	hc_json_set(object, "untouched", hc_json_number(container->untouched));
	hc_json_set(object, "grade", json_string(hc_grade_name(container->grade)));
	hc_json_set(object, "grades", grades_json(container));
	hc_json_set(object, "reason", hc_json_text(container->reason));
	hc_json_set(object, "address", hc_json_address(container->address));
	hc_json_set(object, "thread", thread ? json_integer(thread) : json_null());
	if (!view->no_content)
		add_keys(analysis, container, object);
	return object;
}

json_t *hc_variables_json(const hc_types *types)
{
	json_t *object = json_object();

	for (unsigned state = 0; state < HC_VARIABLE_STATE_COUNT; state++) {
		g_autofree char *key = g_strdelimit(g_strdup(hc_variable_state_name(state)), " ", '_');

		hc_json_set(object, key, hc_json_number(hc_types_variables(types, state)));
	}
	return object;
}

json_t *hc_losses_json(const hc_types *types)
{
	const hc_types_losses *losses = hc_types_get_losses(types);
	json_t *object = json_object();

	hc_json_set(object, "implausible", hc_json_number(losses->implausible));
	hc_json_set(object, "paths_cut", hc_json_number(losses->cut));
	hc_json_set(object, "objects_cut", hc_json_number(losses->cut_objects));
	return object;
}

json_t *hc_debug_info_gaps_json(const hc_analysis *analysis)
{
	const char *const *gaps = hc_variables_gaps(hc_analysis_variables(analysis));
	json_t *list = json_array();

	for (; gaps && *gaps; gaps++)
		json_array_append_new(list, hc_json_text(*gaps));
	return list;
}

static json_t *containers_json(const hc_analysis *analysis, const hc_containers_view *view)
{
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(analysis);
	unsigned all;
	g_autoptr(GPtrArray) chosen = choose(analysis, view, &all);
	json_t *report = hc_json_report("containers"), *list = json_array();

	for (unsigned i = 0; i < chosen->len; i++)
		json_array_append_new(list, container_json(analysis, chosen->pdata[i], view));
	hc_json_set(report, "containers", list);
	hc_json_set(report, "total", hc_json_number(all));
	hc_json_set(report, "variables", hc_variables_json(hc_analysis_types(analysis)));
	hc_json_set(report, "losses", hc_losses_json(hc_analysis_types(analysis)));
	hc_json_set(report, "debug_info_gaps", hc_debug_info_gaps_json(analysis));
	hc_json_set(report, "diagnostics", hc_diagnostics_json(diagnostics));
	hc_json_set(report, "status", hc_status_json(hc_diagnostics_partial(diagnostics)));
	return report;
}

bool hc_report_containers(
	const hc_analysis *analysis, const hc_containers_view *view, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	if (options->format == HC_REPORT_JSON)
		hc_json_write(output, containers_json(analysis, view));
	else
		print_containers(analysis, view, options, output);
	return hc_output_finish(output, error);
}
