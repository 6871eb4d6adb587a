/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a vtable to the name of a type, as a number: program_types/ tells the name, by symbols and by what type_info says in memory.
 *
 * Each distinct value is looked up once. There are as many as the program has types and tables of functions; a hostile core can
 * have more, so the cache is bounded, and what does not fit has no type.
 */
#include "leaks/leaks_state.h"

#include <heapcore/debuginfo.h>

enum {
	CACHE_SIZE = 1 << 16
};

struct types {
	struct {
		hc_address value; /* 0: unused */
		uint32_t type;
	} cache[CACHE_SIZE];
	unsigned used;
	GPtrArray *names;  /* type 1 is the first */
	GHashTable *types; /* name -> type */
};

struct types *hc_leaks_types_create(void)
{
	struct types *types = g_try_new0(struct types, 1);

	if (!types)
		return NULL;
	types->names = g_ptr_array_new();
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

static uint32_t look_up(hc_leaks *leaks, hc_address value)
{
	struct types *types = leaks->types;
	const char *name = hc_program_types_class_name_of_vtable(leaks->program_types, value);
	uint32_t type;

	if (!name)
		return 0;
	type = GPOINTER_TO_UINT(g_hash_table_lookup(types->types, name));
	if (type)
		return type;
	g_ptr_array_add(types->names, (gpointer)name);
	g_hash_table_insert(types->types, (gpointer)name, GUINT_TO_POINTER(types->names->len));
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
