/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions that are known to allocate by their names: data files, see the first lines of data/allocators/common.allocators. */
#include "sites/sites_state.h"

#include "base/file.h"

enum {
	FILE_MOST = 1 << 20,
	NAMES_MOST = 1 << 14,
	ARGUMENTS_MOST = 6,
};

static const hc_diagnostic_kind own_unread = { "allocators-unread", HC_SEVERITY_NOTE,
	"names of functions of your own that allocate could not be read: they are told as if there were none" };

struct allocator_names {
	GHashTable *table; /* name, in the value -> struct allocator * */
};

static void free_allocator(void *data)
{
	struct allocator *allocator = data;

	g_free((char *)allocator->name);
	g_free((char *)allocator->called);
	g_free(allocator);
}

/* The number of an argument, from 0 on; -1: there is none. */
static bool read_argument(GKeyFile *file, const char *group, const char *key, int *ret_argument, GError **error)
{
	g_autoptr(GError) own = NULL;
	int number;

	*ret_argument = -1;
	if (!g_key_file_has_key(file, group, key, NULL))
		return true;
	number = g_key_file_get_integer(file, group, key, &own);
	if (own || number < 1 || number > ARGUMENTS_MOST) {
		g_set_error(error, HC_ERROR, HC_ERROR_BAD_DATA,
			"[%s]: \"%s\" is to be the number of an argument, 1 to %d", group, key, ARGUMENTS_MOST);
		return false;
	}
	*ret_argument = number - 1;
	return true;
}

static bool read_flag(GKeyFile *file, const char *group, const char *key, bool otherwise)
{
	return g_key_file_has_key(file, group, key, NULL) ? g_key_file_get_boolean(file, group, key, NULL) : otherwise;
}

static bool read_group(struct allocator_names *names, GKeyFile *file, const char *group, GError **error)
{
	struct allocator allocator = { .scale = 1 };

	if (g_hash_table_size(names->table) >= NAMES_MOST)
		return true;
	if (!read_argument(file, group, "size", &allocator.size, error) ||
		!read_argument(file, group, "count", &allocator.count, error))
		return false;
	allocator.is_pool = read_flag(file, group, "pool", false);
	allocator.gives_result = read_flag(file, group, "result", true);
	allocator.name = g_strdup(group);
	allocator.called = g_key_file_get_string(file, group, "called", NULL);
	/* The first file that names it counts: the user's. */
	if (g_hash_table_contains(names->table, group)) {
		g_free((char *)allocator.name);
		g_free((char *)allocator.called);
		return true;
	}
	struct allocator *kept = g_memdup2(&allocator, sizeof allocator);

	g_hash_table_insert(names->table, (char *)kept->name, kept);
	return true;
}

static bool read_file(struct allocator_names *names, const char *path, GError **error)
{
	g_autoptr(GKeyFile) file = hc_file_read_keys(path, FILE_MOST, error);
	g_auto(GStrv) groups = file ? g_key_file_get_groups(file, NULL) : NULL;

	for (char **group = groups; group && *group; group++) {
		if (!read_group(names, file, *group, error)) {
			g_prefix_error(error, "%s: ", path);
			return false;
		}
	}
	return file != NULL;
}

static const char *own_file(void)
{
	const char *path = g_getenv("HEAPCORE_ALLOCATORS");

	if (path)
		return path;
	return g_file_test(HC_ALLOCATORS_FILE, G_FILE_TEST_IS_REGULAR) ? HC_ALLOCATORS_FILE : HC_ALLOCATORS_SOURCE;
}

/* A file that may be there, and that nobody asked for: if it cannot be read, that is told, and all else goes on. */
static bool read_users_file(
	struct allocator_names *names, const char *path, hc_diagnostics *diagnostics, GError **error)
{
	g_autoptr(GError) reason = NULL;

	if (hc_file_is_missing(path) || read_file(names, path, &reason))
		return true;
	if (g_error_matches(reason, HC_ERROR, HC_ERROR_IO)) {
		hc_diagnostics_add(diagnostics, &own_unread, 0, "%s", reason->message);
		return true;
	}
	g_propagate_error(error, g_steal_pointer(&reason));
	return false;
}

struct allocator_names *hc_allocator_names_read(hc_diagnostics *diagnostics, GError **error)
{
	struct allocator_names *names = g_new0(struct allocator_names, 1);
	g_autofree char *user = g_build_filename(g_get_user_config_dir(), "heapcore", "allocators", NULL);

	names->table = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_allocator);
	if (read_users_file(names, user, diagnostics, error))
		read_file(names, own_file(), error);
	return names;
}

void hc_allocator_names_free(struct allocator_names *names)
{
	if (!names)
		return;
	g_hash_table_unref(names->table);
	g_free(names);
}

const struct allocator *hc_allocator_named(const struct allocator_names *names, const char *name)
{
	return g_hash_table_lookup(names->table, name);
}
