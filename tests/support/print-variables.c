/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Prints what the library says of a core's variables, for tests that know better: a JSON object on each line.
 *
 *	print-variables CORE
 *
 * "bytes" is what the library reads of the variable, at most the first 64, as hexadecimal digits; "??" where it reads none.
 */
#include <heapcore/debuginfo.h>
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

static json_t *bytes_of(const hc_modules *modules, const hc_variable *variable)
{
	GString *digits = g_string_new(NULL);

	for (uint64_t i = 0; i < MIN(hc_type_size(variable->type), BYTES_MAX); i++) {
		uint8_t byte;

		if (hc_modules_read(modules, variable->address + i, &byte, 1))
			g_string_append_printf(digits, "%02x", byte);
		else
			g_string_append(digits, "??");
	}
	json_t *value = json_string(digits->str);

	g_string_free(digits, TRUE);
	return value;
}

static void print_variable(const hc_core *core, const hc_modules *modules, const hc_variable *variable)
{
	static const char *const kinds[HC_VARIABLE_KIND_COUNT] = { "global", "function static", "thread-local", "local",
		"parameter" };
	bool is_known = variable->state == HC_VARIABLE_IN_MEMORY || variable->state == HC_VARIABLE_VALUE;
	g_autofree char *address = g_strdup_printf("%#" G_GINT64_MODIFIER "x", (guint64)variable->address);
	json_t *line = json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:s, s:o, s:b, s:s, s:I, s:o}", "kind",
		kinds[variable->kind], "state", hc_variable_state_name(variable->state), "name",
		text_of(variable->name), "function", text_of(variable->function), "type",
		text_of(hc_type_name(variable->type)), "size", (json_int_t)hc_type_size(variable->type), "module",
		variable->module->name, "frame", number_of(variable->frame), "inlined", variable->is_inlined, "address",
		address, "valid", (json_int_t)variable->valid_size, "reason", text_of(variable->reason));

	if (variable->thread != UINT_MAX)
		json_object_set_new(line, "thread", json_integer(hc_core_thread(core, variable->thread)->id));
	if (is_known)
		json_object_set_new(line, "bytes", bytes_of(modules, variable));
	json_dumpf(line, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	putchar('\n');
	json_decref(line);
}

int main(int count, char **arguments)
{
	static const hc_modules_options options;
	g_autoptr(hc_diagnostics) diagnostics = hc_diagnostics_create();
	g_autoptr(GError) error = NULL;
	g_autoptr(hc_core) core = count == 2 ? hc_core_open(arguments[1], diagnostics, &error) : NULL;
	g_autoptr(hc_modules) modules = core ? hc_modules_open(core, &options, diagnostics, &error) : NULL;

	if (!modules) {
		fprintf(stderr, "print-variables: %s\n", error ? error->message : "give it one core");
		return 2;
	}
	unsigned variables = hc_modules_load_variables(modules, 0);

	for (unsigned i = 0; i < variables; i++)
		print_variable(core, modules, hc_modules_variable(modules, i));
	for (unsigned i = 0; i < hc_diagnostics_count(diagnostics); i++)
		fprintf(stderr, "%s: %" G_GUINT64_FORMAT "\n", hc_diagnostics_get(diagnostics, i)->kind->id,
			(guint64)hc_diagnostics_get(diagnostics, i)->count);
	return 0;
}
