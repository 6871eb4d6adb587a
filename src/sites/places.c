/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a site is in the source. A call of operator new stands, as the debug info has it, in allocate(), which was inlined into
 * _M_create_node(), and so on outwards: what a person would look at is the first function on the way that is not of the C++ library.
 */
#include "base/demangle.h"
#include "base/text.h"
#include "sites/sites_state.h"

#include <string.h>

static bool is_of_library(const char *function)
{
	static const char *const beginnings[] = { "std::", "__gnu_cxx::", "boost::", "absl::", "__" };

	for (unsigned i = 0; i < G_N_ELEMENTS(beginnings); i++)
		if (g_str_has_prefix(function, beginnings[i]))
			return true;
	return false;
}

static bool by_debug_info(hc_sites *sites, const hc_site *site, hc_site_place *place)
{
	hc_code_line lines[HC_CODE_LINES_MAX];
	unsigned count = hc_code_lines_at(sites->debug_info, site->module, site->address, lines, G_N_ELEMENTS(lines));
	unsigned shown = 0;

	while (shown + 1 < count && (!lines[shown].function || is_of_library(lines[shown].function)))
		shown++;
	if (!count || !lines[shown].function)
		return false;
	place->function = lines[shown].function;
	place->file = hc_text_file_name(lines[shown].file);
	place->line = lines[shown].line;
	place->inlined = shown ? lines[0].function : NULL;
	return true;
}

/* Without its arguments, as debug info has it: "Engine::evaluate". */
static void by_symbol(hc_sites *sites, const hc_site *site, hc_site_place *place)
{
	const char *symbol = hc_modules_symbol_at(sites->modules, site->address, &place->offset);
	g_autofree char *name = symbol ? hc_demangle(symbol) : NULL;

	if (symbol)
		place->function = g_string_chunk_insert_const(sites->strings, name ? name : symbol);
}

const hc_site_place *hc_sites_place(hc_sites *sites, const hc_site *site)
{
	gint64 key = (gint64)site->address;
	hc_site_place *place = g_hash_table_lookup(sites->places, &key);

	if (place)
		return place;
	place = g_new0(hc_site_place, 1);
	if (!by_debug_info(sites, site, place))
		by_symbol(sites, site, place);
	g_hash_table_insert(sites->places, g_memdup2(&key, sizeof key), place);
	return place;
}

void hc_sites_find_places(hc_sites *sites, hc_site_answer *answer, unsigned most)
{
	unsigned count = MIN(answer->count, most);

	g_free(answer->places);
	answer->places = g_new0(hc_site_place, count + 1);
	answer->place_count = count;
	for (unsigned i = 0; i < count; i++)
		answer->places[i] = *hc_sites_place(sites, answer->sites[i]);
}
