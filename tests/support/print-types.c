/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Answers questions about a core's types, for tests that know better: a JSON object for each line of standard input.
 *
 *	print-types CORE
 *
 *	type NAME		name, short_name, template_name, kind, size, alignment, polymorphic, fields
 *	field PATH|TYPE		offset, size, type, bits; PATH: members, with dots between them
 *	object ADDRESS		of an object that begins with a pointer to a vtable: name, type, to_top
 *	argument ADDRESS|NAME	of the function there: type
 *	gaps			list
 */
#include <heapcore/analysis.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void put(json_t *line)
{
	json_dumpf(line, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	putchar('\n');
	json_decref(line);
}

static json_t *describe(const hc_type *type)
{
	json_t *fields = json_array();

	for (unsigned i = 0; i < hc_type_field_count(type); i++) {
		const hc_field *field = hc_type_field(type, i);

		json_array_append_new(fields, json_pack("{s:s?, s:I, s:s, s:b, s:b}", "name", field->name, "offset",
						      (json_int_t)field->offset, "type", hc_type_name(field->type),
						      "base", field->is_base, "virtual", field->is_virtual));
	}
	return json_pack("{s:s, s:s, s:s?, s:i, s:I, s:I, s:b, s:o}", "name", hc_type_name(type), "short_name",
		hc_type_short_name(type), "template_name", hc_type_template_name(type), "kind",
		(int)hc_type_get_kind(type), "size", (json_int_t)hc_type_size(type), "alignment",
		(json_int_t)hc_type_alignment(type), "polymorphic", hc_type_is_polymorphic(type), "fields", fields);
}

static json_t *find_field(const hc_type *type, const char *path)
{
	g_auto(GStrv) names = g_strsplit(path, ".", -1);
	const hc_field *field = NULL;
	uint64_t offset = 0, more = 0;

	for (unsigned i = 0; names[i] && type; i++, offset += more) {
		field = hc_type_find_field(type, names[i], &more);
		type = field ? field->type : NULL;
	}
	if (!field)
		return json_null();
	return json_pack("{s:I, s:I, s:s, s:s?, s:i, s:i}", "offset", (json_int_t)offset, "size",
		(json_int_t)hc_type_size(field->type), "type", hc_type_name(field->type), "target",
		hc_type_target(field->type) ? hc_type_name(hc_type_target(field->type)) : NULL, "bit_size",
		(int)field->bit_size, "bit_offset", (int)field->bit_offset);
}

static json_t *find_class(const hc_analysis *analysis, const char *address)
{
	const hc_type *type;
	const char *name;
	int64_t to_top;
	uint64_t vtable;

	if (!hc_core_read_word(hc_analysis_core(analysis), g_ascii_strtoull(address, NULL, 16), &vtable) ||
		!hc_program_types_class_of_vtable(hc_analysis_program_types(analysis), vtable, &type, &to_top, &name))
		return json_null();
	return json_pack("{s:s, s:s?, s:I}", "name", name, "type", type ? hc_type_name(type) : NULL, "to_top",
		(json_int_t)to_top);
}

static json_t *answer(const hc_analysis *analysis, const char *question, char *rest)
{
	char *second = strchr(rest, '|');
	hc_program_types *types = hc_analysis_program_types(analysis);
	hc_variables *variables = hc_analysis_variables(analysis);
	const hc_type *type;

	if (second)
		*second++ = 0;
	if (!strcmp(question, "type")) {
		type = hc_program_types_find(types, rest);
		return type ? describe(type) : json_null();
	}
	if (!strcmp(question, "field") && second) {
		type = hc_program_types_find(types, second);
		return type ? find_field(type, rest) : json_null();
	}
	if (!strcmp(question, "object"))
		return find_class(analysis, rest);
	if (!strcmp(question, "argument") && second) {
		type = hc_program_types_argument_of_function(types, g_ascii_strtoull(rest, NULL, 16), second);
		return type ? json_string(hc_type_name(type)) : json_null();
	}
	json_t *gaps = json_array();

	hc_variables_load(variables, 0);
	for (const char *const *gap = hc_variables_gaps(variables); *gap; gap++)
		json_array_append_new(gaps, json_string(*gap));
	return gaps;
}

int main(int count, char **arguments)
{
	static const hc_analysis_options options = { .until = HC_STAGE_MODULES };
	g_autoptr(GError) error = NULL;
	g_autoptr(hc_analysis) analysis = count == 2 ? hc_analysis_run(arguments[1], &options, &error) : NULL;
	char line[4096];

	if (!analysis) {
		fprintf(stderr, "print-types: %s\n", error ? error->message : "give it one core");
		return 2;
	}
	while (fgets(line, sizeof line, stdin)) {
		char *question = g_strchomp(line), *rest = strchr(line, ' ');

		if (rest)
			*rest++ = 0;
		put(json_pack(
			"{s:o}", "answer", answer(analysis, question, rest ? rest : question + strlen(question))));
	}
	return 0;
}
