/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Known and accepted leaks, from files of the user's:
 *
 *	[sessions that are left at exit]
 *	type = Session*
 *	module = libdemo.so*
 *	size = 64..128
 *	content = ORDER*
 *
 * All that a group says must hold of a tree: the type of its head, one of the modules that its blocks point to (or that evidence
 * names), the usable size of its head, the text that its head begins with. The first that fits is counted.
 */
#include "leaks/leaks_state.h"

#include "base/file.h"
#include "base/text.h"

enum {
	FILE_BYTES = 1 << 20,
	CONTENT_BYTES = 256
};

struct suppression {
	char *name;
	char *type, *module, *content; /* NULL: not asked for */
	uint64_t least, most;
	hc_amount used;
};

struct hc_suppressions {
	GPtrArray *list;
};

static void free_suppression(void *data)
{
	struct suppression *suppression = data;

	g_free(suppression->name);
	g_free(suppression->type);
	g_free(suppression->module);
	g_free(suppression->content);
	g_free(suppression);
}

hc_suppressions *hc_suppressions_create(void)
{
	hc_suppressions *suppressions = g_new0(hc_suppressions, 1);

	suppressions->list = g_ptr_array_new_with_free_func(free_suppression);
	return suppressions;
}

void hc_suppressions_destroy(hc_suppressions *suppressions)
{
	if (!suppressions)
		return;
	g_ptr_array_unref(suppressions->list);
	g_free(suppressions);
}

static bool parse_number(const char *text, uint64_t *ret_number)
{
	g_autofree char *plain = g_strstrip(g_strdup(text));

	return g_ascii_string_to_unsigned(plain, 10, 0, G_MAXUINT64, ret_number, NULL);
}

/* "64", "64..128", "64..", "..128" */
static bool parse_size(const char *text, struct suppression *suppression)
{
	g_auto(GStrv) ends = g_strsplit(text, "..", 2);

	if (!ends[0])
		return false;
	if (!ends[1]) {
		suppression->most = 0;
		if (!parse_number(ends[0], &suppression->least))
			return false;
		suppression->most = suppression->least;
		return true;
	}
	g_strstrip(ends[0]);
	g_strstrip(ends[1]);
	return (!*ends[0] || parse_number(ends[0], &suppression->least)) &&
	       (!*ends[1] || parse_number(ends[1], &suppression->most)) && suppression->least <= suppression->most;
}

static bool set_key(struct suppression *suppression, const char *key, const char *value)
{
	char **pattern = !strcmp(key, "type")	 ? &suppression->type :
			 !strcmp(key, "module")	 ? &suppression->module :
			 !strcmp(key, "content") ? &suppression->content :
						   NULL;

	if (!pattern)
		return !strcmp(key, "size") && parse_size(value, suppression);
	g_free(*pattern);
	*pattern = g_strdup(value);
	return true;
}

static bool add_group(hc_suppressions *suppressions, GKeyFile *file, const char *path, const char *name, GError **error)
{
	struct suppression *suppression = g_new0(struct suppression, 1);
	g_auto(GStrv) keys = g_key_file_get_keys(file, name, NULL, NULL);

	g_ptr_array_add(suppressions->list, suppression);
	suppression->name = g_strdup(name);
	suppression->most = UINT64_MAX;
	for (char **key = keys; key && *key; key++) {
		g_autofree char *value = g_key_file_get_value(file, name, *key, NULL);

		if (value && set_key(suppression, *key, value))
			continue;
		g_set_error(error, HC_ERROR, HC_ERROR_BAD_DATA,
			"%s: [%s]: %s=%s is not known here: type, module and content take a pattern, size takes BYTES or MIN..MAX",
			path, name, *key, value ? value : "");
		return false;
	}
	if (keys && *keys)
		return true;
	g_set_error(
		error, HC_ERROR, HC_ERROR_BAD_DATA, "%s: [%s] says nothing: it would suppress every leak", path, name);
	return false;
}

bool hc_suppressions_add_file(hc_suppressions *suppressions, const char *path, GError **error)
{
	g_autoptr(GKeyFile) file = hc_file_read_keys(path, FILE_BYTES, error);
	g_auto(GStrv) names = NULL;

	if (!file)
		return false;
	names = g_key_file_get_groups(file, NULL);
	for (char **name = names; *name; name++)
		if (!add_group(suppressions, file, path, *name, error))
			return false;
	return true;
}

unsigned hc_suppressions_count(const hc_suppressions *suppressions)
{
	return suppressions->list->len;
}

const char *hc_suppressions_name(const hc_suppressions *suppressions, unsigned index)
{
	return ((const struct suppression *)suppressions->list->pdata[index])->name;
}

hc_amount hc_suppressions_used(const hc_suppressions *suppressions, unsigned index)
{
	return ((const struct suppression *)suppressions->list->pdata[index])->used;
}

/* ---- matching ---- */

static bool matches_type(const hc_leaks *leaks, const struct suppression *suppression, const struct tree *tree)
{
	const char *name = hc_leaks_type_name(leaks, tree->type);

	return !suppression->type || (name && hc_text_matches(suppression->type, name));
}

static bool matches_module(const hc_leaks *leaks, const struct suppression *suppression, const struct tree *tree)
{
	if (!suppression->module)
		return true;
	for (unsigned i = 0; i < tree->weights.count; i++) {
		const hc_module *module = hc_modules_get(leaks->modules, tree->weights.slots[i].module);

		if (module && hc_text_matches(suppression->module, module->name))
			return true;
	}
	return false;
}

static bool matches_content(const struct suppression *suppression, const struct tree *tree)
{
	char text[CONTENT_BYTES + 1];
	unsigned length;

	if (!suppression->content)
		return true;
	if (!tree->prefix_length)
		return false;
	length = hc_leaks_printable(tree->bytes, MIN(tree->readable, CONTENT_BYTES));
	memcpy(text, tree->bytes, length);
	text[length] = '\0';
	return hc_text_matches(suppression->content, text);
}

const char *hc_leaks_suppress(hc_leaks *leaks, const struct tree *tree)
{
	GPtrArray *list = leaks->options.suppressions->list;

	for (unsigned i = 0; i < list->len; i++) {
		struct suppression *suppression = list->pdata[i];

		if (tree->size < suppression->least || tree->size > suppression->most ||
			!matches_type(leaks, suppression, tree) || !matches_module(leaks, suppression, tree) ||
			!matches_content(suppression, tree))
			continue;
		hc_amount_add(&suppression->used, (hc_amount){ tree->blocks, tree->total_bytes });
		return suppression->name;
	}
	return NULL;
}
