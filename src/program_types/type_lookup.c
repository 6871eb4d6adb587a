/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Types by the name that a user writes. "struct session", "std::vector<int>" and "Session *" are
 * meant as the language means them: what is looked for is, in this order, the exact name; a
 * template with the arguments that are written, the others having their defaults.
 */
#include "program_types/program_types_state.h"

#include <dwarf.h>

enum {
	STARS_MAX = 8,
	CANDIDATES_MAX = 4096,
};

static const hc_type *type_at(hc_program_types *types, const hc_module *module, const struct named_type *found)
{
	const struct module_debug *debug = hc_module_debug(types->info, module);
	Dwarf_Die die;

	return hc_debug_die(debug, found->offset, &die) ? hc_type_of_die(types, module, &die) : NULL;
}

/* Complete ones before those that are declared only. */
static const hc_type *better(const hc_type *a, const hc_type *b)
{
	return !a || (b && a->kind == HC_TYPE_INCOMPLETE && b->kind != HC_TYPE_INCOMPLETE) ? b : a;
}

static const hc_type *find_exact(hc_program_types *types, const hc_module *module, uint64_t hash)
{
	struct module_debug *debug = hc_module_index(types->info, module);
	unsigned first, count = debug && hash ? hc_debug_types(debug, hash, &first) : 0;
	const hc_type *type = NULL;

	for (unsigned i = 0; i < count && (!type || type->kind == HC_TYPE_INCOMPLETE); i++)
		type = better(type, type_at(types, module, &g_array_index(debug->types, struct named_type, first + i)));
	return type;
}

static bool is_written_as(const hc_type *type, const GString *wanted)
{
	g_autoptr(GString) text = g_string_new(NULL);

	hc_name_append_canonical(text, type->short_name);
	return g_string_equal(text, wanted);
}

static const hc_type *find_by_short_name(
	hc_program_types *types, const hc_module *module, uint64_t base, const GString *wanted)
{
	struct module_debug *debug = hc_module_index(types->info, module);
	unsigned first, count = debug ? hc_debug_types_by_base(debug, base, &first) : 0;

	for (unsigned i = 0; i < MIN(count, CANDIDATES_MAX); i++) {
		const hc_type *type = type_at(
			types, module, &g_array_index(debug->types, struct named_type, debug->by_base[first + i]));

		if (type && is_written_as(type, wanted))
			return type;
	}
	return NULL;
}

static const hc_type *find_named(hc_program_types *types, const char *name)
{
	const hc_type *type = NULL;
	uint64_t full, base;
	g_autofree char *short_name = hc_name_shorten(name), *template = hc_name_template_of_alias(short_name);
	g_autoptr(GString) wanted = g_string_new(NULL);

	hc_name_append_canonical(wanted, short_name);
	if (!hc_name_hashes(name, &full, &base))
		return NULL;
	for (unsigned i = 0; i < types->info->count && (!type || type->kind == HC_TYPE_INCOMPLETE); i++)
		type = better(type, find_exact(types, types->info->in_order[i], full));
	/* Those of functions are indexed by their last part. */
	const char *last = g_strrstr(wanted->str, "::");
	uint64_t local = last ? hc_name_hash_within(HC_NAME_ROOT, hc_name_hash(last + 2, strlen(last + 2))) : base;

	if (template)
		hc_name_hashes(template, &full, &base);
	for (unsigned i = 0; i < types->info->program_count && !type; i++) {
		const hc_module *module = types->info->in_order[i];

		type = find_by_short_name(types, module, base, wanted);
		if (!type && local != base)
			type = find_by_short_name(types, module, local, wanted);
	}
	return type;
}

const hc_type *hc_program_types_find(hc_program_types *types, const char *name)
{
	g_autofree char *text = g_strstrip(g_strdup(name));
	size_t length = strlen(text);
	unsigned stars = 0;
	gpointer known;

	hc_debug_info_index(types->info, 0);
	if (g_hash_table_lookup_extended(types->by_name, name, NULL, &known))
		return known;
	while (length && (text[length - 1] == '*' || text[length - 1] == ' ') && stars < STARS_MAX)
		stars += text[--length] == '*';
	text[length] = 0;
	const hc_type *type = !strcmp(text, "void") ? types->void_type : find_named(types, text);

	while (type && stars--)
		type = hc_type_pointer_to(types, type, HC_TYPE_POINTER, false);
	g_hash_table_insert(types->by_name, g_strdup(name), (hc_type *)type);
	return type;
}
