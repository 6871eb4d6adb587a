/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * V8's objects lie in pages that begin at multiples of 256 KiB. A page's header (v8/src/heap/basic-memory-chunk.h) begins with its size, and
 * leads to the space that the page is of: an object of a class v8::internal::...Space, whose vtable tells that. Where in the header is not
 * asked: it differs by version. A page for one large object is as long as its header says.
 */
#include "runtimes/runtimes_state.h"

#include <string.h>

static const uint64_t PAGE = 1 << 18, LEAST_SIZE = 1 << 12, MOST_SIZE = (uint64_t)1 << 36;

enum {
	HEADER_WORDS = 48,
	VTABLE_POINTS = 16, /* an object's word leads so far behind its vtable's symbol: Itanium C++ ABI */
};

struct looking {
	hc_runtimes *runtimes;
	GHashTable *tables; /* address -> 1: the vtable of a space, 2: something else */
};

/* "_ZTVN2v88internal8OldSpaceE": of a class in v8::internal that is called so. */
static bool is_name_of_space(const char *symbol)
{
	return symbol && g_str_has_prefix(symbol, "_ZTVN2v88internal") && g_str_has_suffix(symbol, "SpaceE");
}

static bool is_table_of_space(struct looking *looking, hc_address table)
{
	unsigned known = GPOINTER_TO_UINT(g_hash_table_lookup(looking->tables, GSIZE_TO_POINTER(table)));

	if (!known) {
		uint64_t offset = 0;
		bool is_one = hc_modules_find(looking->runtimes->modules, table) &&
			      is_name_of_space(
				      hc_modules_symbol_at(looking->runtimes->modules, table, &offset)) &&
			      offset == VTABLE_POINTS;

		known = is_one ? 1 : 2;
		g_hash_table_insert(looking->tables, GSIZE_TO_POINTER(table), GUINT_TO_POINTER(known));
	}
	return known == 1;
}

/* The size of the page at ADDRESS; 0 if there is none. */
static uint64_t size_of_page(struct looking *looking, hc_address address)
{
	uint64_t size = hc_runtimes_word(looking->runtimes, address);

	if (size < LEAST_SIZE || size > MOST_SIZE || size % LEAST_SIZE)
		return 0;
	for (unsigned i = 1; i < HEADER_WORDS; i++) {
		hc_address space = hc_runtimes_word(looking->runtimes, address + i * sizeof(uint64_t));

		if (space && space % sizeof(uint64_t) == 0 && space - address >= size &&
			is_table_of_space(looking, hc_runtimes_word(looking->runtimes, space)))
			return size;
	}
	return 0;
}

void hc_runtimes_find_v8(hc_runtimes *runtimes)
{
	static const char *const names[] = { "libnode", "libv8", NULL };
	const hc_module *module = hc_runtimes_module(runtimes, names, NULL);
	struct looking looking = { runtimes, NULL };

	if (!module)
		module = hc_modules_executable(runtimes->modules);
	if (!module || !hc_module_defines(runtimes->modules, module, "_ZTVN2v88internal8OldSpaceE"))
		return;
	looking.tables = g_hash_table_new(NULL, NULL);
	for (unsigned i = 0; i < hc_core_mapping_count(runtimes->core); i++) {
		const hc_mapping *mapping = hc_core_mapping(runtimes->core, i);
		hc_address at = mapping->start + (PAGE - mapping->start % PAGE) % PAGE;

		if (!hc_runtimes_is_candidate(runtimes, mapping))
			continue;
		while (at >= mapping->start && at < mapping->end) {
			uint64_t size = size_of_page(&looking, at);

			hc_runtimes_add(runtimes, at, at + size, HC_RUNTIME_V8, true);
			at += MAX((size + PAGE - 1) / PAGE, 1) * PAGE;
		}
	}
	g_hash_table_unref(looking.tables);
}
