/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Are two definitions of one name of one class?
 *
 * In C two libraries may each have a "struct node" of their own, and C++ has private classes that no two files share, though nothing says so. So a
 * name alone proves nothing:
 *
 *	linkage		a member function of both has one mangled name: the linker takes one for the other
 *	file		both are declared in a file of one name, and at least half of the members of the smaller one are in the other too, under
 *			one name and with one type: two versions of one header, most likely. Where the whole class is two members or less, the
 *			folder of that file has to be of one name, too
 *
 * What two source files declare, each for itself, is private to them, whatever the names of its functions; and so is, within one module, what
 * one source file declares that others include: glibc makes printf() and wprintf() of one.
 */
#include "abi/abi_state.h"

#include "base/text.h"

#include <string.h>

enum {
	FEW = 2, /* members, which may be alike by chance: a pointer and a length */
	METHODS_MAX = 4096,
};

/* "lib/list.h" of "/usr/src/lib/list.h" */
static const char *with_folder(const char *path)
{
	const char *name = hc_text_file_name(path), *at = name;

	if (name == path)
		return path;
	for (at = name - 1; at > path && at[-1] != '/'; at--)
		;
	return at;
}

static bool is_source(const char *path)
{
	static const char *const endings[] = { ".c", ".cc", ".cpp", ".cxx", ".c++", ".C", ".m", ".mm" };

	for (unsigned i = 0; path && i < G_N_ELEMENTS(endings); i++)
		if (g_str_has_suffix(path, endings[i]))
			return true;
	return false;
}

static bool is_of_one_file(const hc_namesake *a, const hc_namesake *b)
{
	return a->declared && b->declared && !strcmp(hc_text_file_name(a->declared), hc_text_file_name(b->declared));
}

static bool shares_functions(const GArray *a, const GArray *b)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

	for (unsigned i = 0; i < MIN(a->len, METHODS_MAX); i++)
		if (g_array_index(a, hc_method, i).linkage)
			g_hash_table_add(names, (char *)g_array_index(a, hc_method, i).linkage);
	for (unsigned i = 0; i < MIN(b->len, METHODS_MAX); i++) {
		const char *linkage = g_array_index(b, hc_method, i).linkage;

		if (linkage && g_hash_table_contains(names, linkage))
			return true;
	}
	return false;
}

bool hc_abi_is_same(const struct definition *a, const struct definition *b, hc_abi_same *ret_same)
{
	const hc_namesake *x = a->namesake, *y = b->namesake;
	bool is_one_file = is_of_one_file(x, y);

	if (!is_one_file && is_source(x->declared) && is_source(y->declared))
		return false;
	*ret_same = HC_ABI_SAME_LINKAGE;
	if (shares_functions(a->methods, b->methods))
		return true;
	*ret_same = HC_ABI_SAME_FILE;
	if (!is_one_file || (x->module == y->module && is_source(x->declared)))
		return false;
	unsigned fewer = MIN(hc_abi_count_parts(x->type), hc_abi_count_parts(y->type));

	if (2 * hc_abi_count_common(x->type, y->type) < MAX(fewer, 1))
		return false;
	return fewer > FEW || !g_strcmp0(with_folder(x->declared), with_folder(y->declared));
}
