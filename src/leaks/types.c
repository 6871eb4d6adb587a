/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a vtable to the name of a type.
 *
 * The Itanium C++ ABI (2.5.2, 2.9.5) lays a vtable out as
 *
 *	| offset to top | &type_info | function | function | ...
 *				       ^ what the object's first word points to
 *
 * and the type_info as | its own vtable | name |. So the name stands in the process's memory, and no symbol table is needed:
 * a stripped library tells it too. Where there is no RTTI the symbol _ZTV... does.
 *
 * Each distinct value is looked up once. There are as many as the program has types and tables of functions; a hostile core can
 * have more, so the cache is bounded, and what does not fit has no type.
 */
#include "leaks/internal.h"

#include "base/demangle.h"

enum {
	CACHE_SIZE = 1 << 16,
	NAME_BYTES = 1024,
	SYMBOLS_MOST = 512
};

struct types {
	struct {
		hc_address value; /* 0: unused */
		uint32_t type;
	} cache[CACHE_SIZE];
	unsigned used, symbols;
	GPtrArray *names;  /* owns them; type 1 is the first */
	GHashTable *types; /* name -> type */
};

struct types *hc_leaks_types_create(void)
{
	struct types *types = g_try_new0(struct types, 1);

	if (!types)
		return NULL;
	types->names = g_ptr_array_new_with_free_func(g_free);
	types->types = g_hash_table_new(g_str_hash, g_str_equal);
	return types;
}

void hc_leaks_types_destroy(struct types *types)
{
	if (!types)
		return;
	g_hash_table_unref(types->types);
	g_ptr_array_unref(types->names);
	g_free(types);
}

const char *hc_leaks_type_name(const hc_leaks *leaks, uint32_t type)
{
	return type ? leaks->types->names->pdata[type - 1] : NULL;
}

/* The name in the type_info before a vtable. NULL if it does not look like one. */
static char *read_rtti(const hc_leaks *leaks, hc_address value)
{
	const hc_core *core = leaks->core;
	unsigned word = leaks->format.size;
	uint64_t to_top, info, own_table, name_address, function;

	if (value % word || !hc_core_read_word(core, value - 2 * word, &to_top) ||
		!hc_core_read_word(core, value - word, &info) || !hc_core_read_word(core, value, &function))
		return NULL;
	/* Objects point to the primary table, whose offset is 0, or to that of a base further on. */
	if (word == 4)
		to_top = (uint64_t)(int64_t)(int32_t)to_top;
	if ((int64_t)to_top > 0 || (int64_t)to_top < -(1 << 20) || info % word ||
		hc_leaks_module_at(leaks, info) == NO_MODULE ||
		(function && hc_leaks_module_at(leaks, function) == NO_MODULE))
		return NULL;
	if (!hc_core_read_word(core, info, &own_table) || hc_leaks_module_at(leaks, own_table) == NO_MODULE ||
		!hc_core_read_word(core, info + word, &name_address) ||
		hc_leaks_module_at(leaks, name_address) == NO_MODULE)
		return NULL;
	g_autofree char *name = hc_core_read_string(core, name_address, NAME_BYTES);

	/* '*' stands before names that are compared by address. */
	return name && *name ? hc_demangle_type(*name == '*' ? name + 1 : name) : NULL;
}

/* "vtable for X" of the symbol that VALUE is in. */
static char *read_symbol(hc_leaks *leaks, hc_address value)
{
	static const char *const prefix = "vtable for ";
	g_autofree char *description = NULL, *demangled = NULL;

	if (leaks->types->symbols++ >= SYMBOLS_MOST)
		return NULL;
	description = hc_modules_describe(leaks->modules, value);
	if (!description || !g_str_has_prefix(description, "_ZTV"))
		return NULL;
	description[strcspn(description, "+ @")] = '\0';
	demangled = hc_demangle(description);
	return demangled && g_str_has_prefix(demangled, prefix) ? g_strdup(demangled + strlen(prefix)) : NULL;
}

static uint32_t look_up(hc_leaks *leaks, hc_address value)
{
	struct types *types = leaks->types;
	char *name = read_rtti(leaks, value);
	uint32_t type;

	if (!name && value % leaks->format.size == 0)
		name = read_symbol(leaks, value);
	if (!name)
		return 0;
	type = GPOINTER_TO_UINT(g_hash_table_lookup(types->types, name));
	if (type) {
		g_free(name);
		return type;
	}
	g_ptr_array_add(types->names, name);
	g_hash_table_insert(types->types, name, GUINT_TO_POINTER(types->names->len));
	return types->names->len;
}

uint32_t hc_leaks_type_at(hc_leaks *leaks, hc_address value)
{
	struct types *types = leaks->types;
	uint32_t place = hc_leaks_mix(0, value) % CACHE_SIZE;

	while (types->cache[place].value && types->cache[place].value != value)
		place = (place + 1) % CACHE_SIZE;
	if (types->cache[place].value)
		return types->cache[place].type;
	if (!value || types->used >= CACHE_SIZE / 2)
		return 0;
	uint32_t type = look_up(leaks, value);

	types->used++;
	types->cache[place].value = value;
	types->cache[place].type = type;
	return type;
}
