/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Prints what the library says of a core's variables, for tests that know better: a JSON object on each line.
 *
 *	print-variables CORE
 *
 * "bytes" is what the library reads of the variable, at most the first 64, as hexadecimal digits; "??" where it reads none.
 */
#include <heapcore/analysis.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

enum {
	BYTES_MAX = 64
};

static json_t *text_of(const char *text)
{
	g_autofree char *valid = text ? g_utf8_make_valid(text, -1) : NULL;

	return valid ? json_string(valid) : json_null();
}

static json_t *number_of(unsigned number)
{
	return number == UINT_MAX ? json_null() : json_integer(number);
}

static json_t *bytes_of(const hc_variables *variables, const hc_variable *variable)
{
	GString *digits = g_string_new(NULL);

	for (uint64_t i = 0; i < MIN(hc_type_size(variable->type), BYTES_MAX); i++) {
		uint8_t byte;

		if (hc_variables_read(variables, variable->address + i, &byte, 1))
			g_string_append_printf(digits, "%02x", byte);
		else
			g_string_append(digits, "??");
	}
	json_t *value = json_string(digits->str);

	g_string_free(digits, TRUE);
	return value;
}

static void print_variable(const hc_core *core, const hc_variables *variables, const hc_variable *variable)
{
	static const char *const kinds[HC_VARIABLE_KIND_COUNT] = { "global", "function static", "thread-local", "local",
		"parameter" };
	bool is_known = variable->state == HC_VARIABLE_IN_MEMORY || variable->state == HC_VARIABLE_VALUE;
	g_autofree char *address = g_strdup_printf("%#" PRIx64, (uint64_t)variable->address);
	json_t *line = json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:s, s:o, s:b, s:s, s:I, s:o}", "kind",
		kinds[variable->kind], "state", hc_variable_state_name(variable->state), "name",
		text_of(variable->name), "function", text_of(variable->function), "type",
		text_of(hc_type_name(variable->type)), "size", (json_int_t)hc_type_size(variable->type), "module",
		variable->module->name, "frame", number_of(variable->frame), "inlined", variable->is_inlined, "address",
		address, "valid", (json_int_t)variable->valid_size, "reason", text_of(variable->reason));

	if (variable->thread != UINT_MAX)
		json_object_set_new(line, "thread", json_integer(hc_core_thread(core, variable->thread)->id));
	if (is_known)
		json_object_set_new(line, "bytes", bytes_of(variables, variable));
	json_dumpf(line, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	putchar('\n');
	json_decref(line);
}

int main(int count, char **arguments)
{
	static const hc_analysis_options options = { .until = HC_STAGE_MODULES };
	g_autoptr(GError) error = NULL;
	g_autoptr(hc_analysis) analysis = count == 2 ? hc_analysis_run(arguments[1], &options, &error) : NULL;

	if (!analysis) {
		fprintf(stderr, "print-variables: %s\n", error ? error->message : "give it one core");
		return 2;
	}
	const hc_diagnostics *diagnostics = hc_analysis_diagnostics(analysis);
	hc_variables *variables = hc_analysis_variables(analysis);
	unsigned found = hc_variables_load(variables, 0);

	for (unsigned i = 0; i < found; i++)
		print_variable(hc_analysis_core(analysis), variables, hc_variables_get(variables, i));
	for (unsigned i = 0; i < hc_diagnostics_count(diagnostics); i++)
		fprintf(stderr, "%s: %" PRIu64 "\n", hc_diagnostics_get(diagnostics, i)->kind->id,
			(uint64_t)hc_diagnostics_get(diagnostics, i)->count);
	return 0;
}
