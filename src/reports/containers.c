/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The containers: by name, with elements, bytes and a sample of their keys. */
#include "reports/parts.h"

#include "base/text.h"
#include "values/values.h"
#include "wording/wording.h"

#include <string.h>

enum {
	KEYS_SHOWN = 5
};

/* A pattern with * and ?; without them, what the text must contain. */
static bool matches(const char *pattern, const char *text)
{
	if (!pattern)
		return true;
	return strpbrk(pattern, "*?") ? hc_text_matches(pattern, text) : strstr(text, pattern) != NULL;
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

/* ---- one row ---- */

static json_t *grades_json(const hc_container *container)
{
	json_t *object = json_object();

	for (unsigned grade = 0; grade < HC_GRADE_COUNT; grade++)
		hc_json_set(object, hc_grade_name(grade), hc_json_number(container->grades[grade]));
	return object;
}

static json_t *keys_json(const hc_sample *sample)
{
	json_t *keys = json_array();

	for (unsigned i = 0; sample->texts[i]; i++)
		json_array_append_new(keys, hc_json_text(sample->texts[i]));
	return keys;
}

/* FILL is NULL of what is no hash table. */
static json_t *table_json(const hc_table_fill *fill)
{
	if (!fill)
		return NULL;
	const hc_fact facts[] = {
		{ "elements", NULL, hc_value_count(fill->elements) },
		{ "buckets", NULL, hc_value_count(fill->buckets) },
		{ "empty", NULL, hc_value_count(fill->buckets - MIN(fill->buckets, fill->used)) },
		{ "load", NULL, hc_value_real((double)fill->elements / (double)MAX(fill->buckets, 1)) },
		{ "longest", NULL, hc_value_if(fill->is_shared_known, hc_value_count(fill->longest)) },
		{ "sharing", NULL, hc_value_if(fill->is_shared_known, hc_value_count(fill->sharing)) },
	};

	return hc_record_json(facts);
}

/* SAMPLE is NULL where nothing that blocks contain is to be shown. RESIDENT: bytes; UINT64_MAX: not known. */
static void add_container(hc_records *records, const hc_analysis *analysis, const hc_container *container,
	const hc_table_fill *fill, const hc_sample *sample, hc_value retained, uint64_t resident)
{
	uint64_t untouched = MIN(container->own.bytes, container->untouched), capacity = container->capacity;
	bool has_capacity = capacity != UINT64_MAX;
	int64_t thread = thread_of(analysis, container);
	const hc_value nothing = hc_value_omitted();
	const hc_fact facts[] = {
		{ "path", NULL, hc_value_text(container->path) },
		{ "where", NULL, hc_value_take_text(hc_word_where(&container->where, 0)) },
		{ "type", NULL, hc_value_text(container->type) },
		{ "element", NULL, hc_value_text(container->element) },
		{ "kind", NULL, hc_value_text(container->kind) },
		{ "certainty", NULL, hc_value_plain(hc_certainty_name(container->certainty)) },
		{ "is_shape", NULL, hc_value_flag(container->is_shape) },
		{ "node_bytes", NULL, hc_value_if(container->node_bytes, hc_value_size(container->node_bytes)) },
		{ "count", NULL, hc_value_count(container->count) },
		{ NULL, "BYTES", hc_value_size(container->below.bytes) },
		{ "resident", "RESIDENT", hc_value_if(resident != UINT64_MAX, hc_value_size(resident)) },
		{ NULL, "OWN", hc_value_size(container->own.bytes) },
		{ "retained", "RETAINS", retained },
		{ "elements", "ELEMENTS",
			hc_value_if(
				!container->is_uncounted || container->elements, hc_value_count(container->elements)) },
		{ NULL, "CONTAINER", hc_value_text(container->path) },
		{ "walked", NULL, hc_value_count(container->walked) },
		{ "capacity", NULL, hc_value_if(has_capacity, hc_value_count(capacity)) },
		{ "fill", NULL,
			hc_value_if(has_capacity && capacity, hc_value_real((double)container->walked / capacity)) },
		{ "table", NULL, hc_value_json(table_json(fill)) },
		{ "bytes_own", NULL, hc_value_size(container->own.bytes) },
		{ "blocks_own", NULL, hc_value_count(container->own.blocks) },
		{ "bytes_elements", NULL, hc_value_size(container->elements_bytes) },
		{ "bytes_below", NULL, hc_value_size(container->below.bytes) },
		{ "blocks_below", NULL, hc_value_count(container->below.blocks) },
		{ "touched", NULL, hc_value_size(container->own.bytes - untouched) },
		{ "untouched", NULL, hc_value_size(container->untouched) },
		{ "grade", NULL, hc_value_plain(hc_grade_name(container->grade)) },
		{ "grades", NULL, hc_value_json(grades_json(container)) },
		{ "reason", NULL, hc_value_text(container->reason) },
		{ "address", NULL, hc_value_address(container->address) },
		{ "thread", NULL, hc_value_if(thread, hc_value_id(thread)) },
		{ "keys", NULL, sample ? hc_value_json(keys_json(sample)) : nothing },
		{ "keys_prefix", NULL, sample ? hc_value_text(sample->prefix) : nothing },
		{ "keys_looked_at", NULL, sample ? hc_value_count(sample->looked_at) : nothing },
		{ "key_shapes", NULL, sample ? hc_value_count(sample->shapes) : nothing },
		{ "key_shape", NULL, sample ? hc_value_text(sample->shape) : nothing },
	};

	hc_records_add(records, facts);
}

/* TEXT, which is taken and may be NULL, behind the row. */
static void add_detail(hc_records *records, char *text)
{
	g_autofree char *taken = text, *shown = text ? hc_text_escape(text, -1) : NULL;
	g_autofree char *line = shown ? g_strconcat("  ", shown, NULL) : NULL;

	if (line)
		hc_records_add_line(records, HC_STYLE_DIM, line);
}

static hc_records *make_rows(
	const hc_analysis *analysis, const hc_containers_view *view, bool is_short, unsigned *ret_all)
{
	g_autoptr(GPtrArray) chosen = choose(analysis, view, ret_all);
	GHashTable *rows = hc_rows_by_path(hc_analysis_ownership(analysis));
	hc_records *records = hc_records_create();
	g_autoptr(hc_types_resident) resident = hc_types_find_resident(hc_analysis_types(analysis));
	bool is_hidden = hc_core_hides_content(hc_analysis_core(analysis));

	for (unsigned i = 0; i < chosen->len; i++) {
		const hc_container *container = chosen->pdata[i];
		g_auto(hc_sample) sample = { 0 };
		hc_table_fill fill;
		bool is_table = hc_types_table_fill(hc_analysis_types(analysis), container, false, &fill);

		if (!is_hidden)
			hc_types_sample(hc_analysis_types(analysis), container, KEYS_SHOWN, 0, &sample);
		add_container(records, analysis, container, is_table ? &fill : NULL, is_hidden ? NULL : &sample,
			hc_retained_by_path(rows, container->path),
			hc_types_resident_of_container(resident, container));
		add_detail(records, hc_word_container(container, is_short));
		add_detail(records, is_table ? hc_word_table_fill(container, &fill) : NULL);
		add_detail(records, hc_word_sample(&sample, is_short));
	}
	g_clear_pointer(&rows, g_hash_table_unref);
	return records;
}

/* ---- text ---- */

static void print_wrapped(hc_output *output, unsigned indent, char *text)
{
	g_autofree char *taken = text, *shown = hc_text_escape(text, -1);

	hc_output_wrapped(output, 0, indent, shown);
}

/* Variables that have no value to go by, each with its place and the reason. */
static void print_unread(const hc_analysis *analysis, hc_output *output)
{
	hc_variables *variables = hc_analysis_variables(analysis);
	unsigned count = hc_variables_load(variables, 0);

	for (unsigned i = 0; i < count; i++) {
		const hc_variable *variable = hc_variables_get(variables, i);

		if (variable->state > HC_VARIABLE_VALUE)
			print_wrapped(output, 2, hc_word_variable(hc_analysis_core(analysis), variable));
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

static void print_containers(const hc_analysis *analysis, const hc_containers_view *view, hc_output *output)
{
	bool is_verbose = output->options->verbose;
	unsigned all;
	g_autoptr(hc_records) rows = make_rows(analysis, view, !is_verbose, &all);

	if (all)
		hc_records_print(rows, output);
	else
		print_wrapped(output, 0, hc_word_no_containers(analysis));
	hc_left_out_print(all, view->limit, output);
	hc_output_text(output, "\n");
	print_wrapped(output, 0, hc_word_variables(hc_analysis_types(analysis)));
	if (is_verbose)
		print_unread(analysis, output);
	hc_debug_info_gaps_print(analysis, output);
	hc_diagnostics_print(hc_analysis_diagnostics(analysis), NULL, output);
}

/* ---- JSON ---- */

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
	const hc_fact facts[] = {
		{ "implausible", NULL, hc_value_count(losses->implausible) },
		{ "paths_cut", NULL, hc_value_count(losses->cut) },
		{ "objects_cut", NULL, hc_value_count(losses->cut_objects) },
	};

	return hc_record_json(facts);
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
	const hc_types *types = hc_analysis_types(analysis);
	unsigned all;
	g_autoptr(hc_records) rows = make_rows(analysis, view, true, &all);
	const hc_fact facts[] = {
		{ "containers", NULL, hc_value_json(hc_records_json(rows)) },
		{ "total", NULL, hc_value_count(all) },
		{ "variables", NULL, hc_value_json(hc_variables_json(types)) },
		{ "losses", NULL, hc_value_json(hc_losses_json(types)) },
		{ "debug_info_gaps", NULL, hc_value_json(hc_debug_info_gaps_json(analysis)) },
	};

	return hc_report_json("containers", facts, hc_analysis_diagnostics(analysis));
}

bool hc_report_containers(
	const hc_analysis *analysis, const hc_containers_view *view, const hc_report_options *options, GError **error)
{
	g_autoptr(hc_output) output = hc_output_create(options);

	if (options->format == HC_REPORT_JSON)
		hc_json_write(output, containers_json(analysis, view));
	else
		print_containers(analysis, view, output);
	return hc_output_finish(output, error);
}
