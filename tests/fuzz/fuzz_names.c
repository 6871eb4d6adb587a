/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* base/: names of a program's as people and demanglers write them, and text that is made safe to show. */
#include "fuzz.h"

#include "base/cxx_names.h"
#include "base/demangle.h"
#include "base/text.h"

#include <string.h>

static void check_escaped(const uint8_t *data, size_t size)
{
	g_autofree char *shown = hc_text_escape((const char *)data, (gssize)size),
			*json = hc_text_utf8((const char *)data, (gssize)size);

	fuzz_expect(g_utf8_validate(shown, -1, NULL) && g_utf8_validate(json, -1, NULL), "no UTF-8");
	for (const char *at = shown; *at; at = g_utf8_next_char(at)) {
		gunichar character = g_utf8_get_char(at);

		fuzz_expect(!g_unichar_iscntrl(character) && (character < 0x202a || character > 0x202e),
			"U+%04x goes to the terminal", character);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_input input = { data, size };
	g_autofree char *name = fuzz_text(&input);
	g_autofree char *plain = hc_name_without_inline_namespaces(name), *bare = hc_name_without_arguments(name),
			*alias = hc_name_template_of_alias(name), *symbol = hc_demangle(name),
			*type = hc_demangle_type(name), *constructed = hc_demangle_constructed(name);
	g_autofree char *shortened = hc_name_shorten(plain);
	g_autoptr(GString) canonical = g_string_new(NULL);
	hc_name_part parts[HC_NAME_PARTS_MAX];
	uint64_t full, base;
	unsigned count = hc_name_split(name, parts);

	fuzz_expect(count <= HC_NAME_PARTS_MAX, "too many parts");
	for (unsigned i = 0; i < count; i++)
		fuzz_expect(parts[i].start >= name && parts[i].start + parts[i].length <= name + strlen(name),
			"a part is not in the name");
	hc_name_append_canonical(canonical, name);
	fuzz_expect(hc_name_base_length(canonical->str, canonical->len) <= canonical->len, "more than all of it");
	hc_name_hashes(name, &full, &base);
	hc_name_is_inline_namespace(name, strlen(name));
	fuzz_see_text(shortened);
	fuzz_see_text(bare);
	fuzz_see_text(alias);
	fuzz_see_text(symbol);
	fuzz_see_text(type);
	check_escaped(data, size);
	return 0;
}
