/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The object that owns the types, and the table in which a type that many units describe is one. */
#include "program_types/program_types_state.h"

enum {
	TYPES_MAX = 1 << 24,
};

const char *hc_type_keep(hc_program_types *types, const char *text)
{
	return text ? g_string_chunk_insert_const(types->strings, text) : NULL;
}

hc_type *hc_type_intern(hc_program_types *types, char *key, hc_type_kind kind, const char *name, bool *ret_new)
{
	hc_type *type = g_hash_table_lookup(types->interned, key);

	*ret_new = !type;
	if (type) {
		g_free(key);
		return type;
	}
	if (types->all->len >= TYPES_MAX) {
		g_free(key);
		*ret_new = false;
		return types->void_type;
	}
	type = g_new0(hc_type, 1);
	type->kind = kind;
	type->name = type->short_name = hc_type_keep(types, name);
	if (strchr(name, '<')) {
		g_autofree char *text = hc_name_shorten(name);

		type->short_name = hc_type_keep(types, text);
	}
	g_ptr_array_add(types->all, type);
	g_hash_table_insert(types->interned, key, type);
	return type;
}

static void type_destroy(void *data)
{
	hc_type *type = data;

	g_free(type->fields);
	g_free(type->arguments);
	g_free(type->enumerators);
	g_free(type->source);
	g_free(type);
}

hc_program_types *hc_program_types_create(hc_debug_info *info)
{
	hc_program_types *types = g_new0(hc_program_types, 1);
	bool is_new;

	types->info = info;
	types->modules = info->modules;
	types->core = info->core;
	types->strings = info->strings;
	types->by_offset = g_new0(GHashTable *, hc_modules_count(info->modules) + 1);
	types->vtable_symbols = g_new0(GArray *, hc_modules_count(info->modules) + 1);
	types->interned = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	types->all = g_ptr_array_new_with_free_func(type_destroy);
	types->definitions = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	types->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	types->holders = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
	types->void_type = hc_type_intern(types, g_strdup("V"), HC_TYPE_VOID, "void", &is_new);
	return types;
}

void hc_program_types_destroy(hc_program_types *types)
{
	if (!types)
		return;
	for (unsigned i = 0; i < hc_modules_count(types->modules); i++) {
		g_clear_pointer(&types->by_offset[i], g_hash_table_unref);
		g_clear_pointer(&types->vtable_symbols[i], g_array_unref);
	}
	g_hash_table_unref(types->interned);
	g_hash_table_unref(types->definitions);
	g_hash_table_unref(types->by_name);
	g_hash_table_unref(types->holders);
	g_clear_pointer(&types->vtables, g_hash_table_unref);
	g_clear_pointer(&types->arguments, g_hash_table_unref);
	g_ptr_array_unref(types->all);
	g_free(types->by_offset);
	g_free(types->vtable_symbols);
	g_free(types);
}

hc_debug_info *hc_program_types_debug_info(const hc_program_types *types)
{
	return types->info;
}

hc_modules *hc_program_types_modules(const hc_program_types *types)
{
	return types->modules;
}
