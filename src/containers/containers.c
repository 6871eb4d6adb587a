/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What others use: the set of all that is kept for one process, and walks. Which layout a container
 * is walked through may have to be found first, for it alone: by which member of its nodes a list
 * goes, and what its links are members of (deduce.c).
 */
#include "containers/walker.h"

#include "base/file.h"
#include "variables/variables.h"

#include <string.h>

enum {
	BUDGET_FACTOR = 64, /* how many times all walks together may look at the heap */
	BUDGET_LEAST = 1 << 28,
	PROBE_NODES = 8, /* that tell a link from another */
};

static const hc_diagnostic_kind own_unread = {
	"descriptions-unread", HC_SEVERITY_NOTE,
	"descriptions of containers of your own could not be read: what they would describe is told as if there were none"
};

const char *hc_grade_name(hc_grade grade)
{
	static const char *const names[] = { "exact", "truncated", "implausible", "bound", "deduced" };

	return grade < HC_GRADE_COUNT ? names[grade] : "?";
}

/* ---- the set ---- */

static uint64_t heap_bytes(const hc_blocks *blocks)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < blocks->region_count; i++)
		bytes += blocks->regions[i].end - blocks->regions[i].start;
	return bytes;
}

hc_container_set *hc_container_set_create(
	hc_variables *variables, const hc_blocks *blocks, unsigned jobs, hc_diagnostics *diagnostics)
{
	hc_container_set *set = g_new0(hc_container_set, 1);

	set->program_types = variables ? hc_variables_types(variables) : NULL;
	set->modules = variables ? hc_program_types_modules(set->program_types) : NULL;
	set->blocks = blocks;
	set->diagnostics = diagnostics;
	hc_descriptions_init(&set->descriptions);
	set->layouts = g_hash_table_new(NULL, NULL);
	set->named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	set->candidates = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
	set->all_layouts = g_ptr_array_new_with_free_func(hc_layout_free);
	set->functions = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	set->symbols = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	set->heap_bytes = heap_bytes(blocks);
	set->budget = MAX((uint64_t)BUDGET_LEAST, set->heap_bytes * BUDGET_FACTOR);
	hc_reader_init(&set->reader, blocks->core, blocks, variables, jobs);
	return set;
}

void hc_container_set_destroy(hc_container_set *set)
{
	if (!set)
		return;
	g_hash_table_unref(set->candidates);
	g_ptr_array_unref(set->all_layouts);
	g_hash_table_unref(set->named);
	g_hash_table_unref(set->layouts);
	g_hash_table_unref(set->functions);
	g_hash_table_unref(set->symbols);
	hc_descriptions_clear(&set->descriptions);
	hc_reader_clear(&set->reader);
	g_free(set);
}

void hc_container_set_prefetch(const hc_container_set *set, hc_address address, bool with_contents)
{
	const hc_blocks *blocks = set->blocks;
	const hc_block_region *region = hc_blocks_may_contain(blocks, address) ? hc_blocks_region(blocks, address) :
										 NULL;

	if (!region)
		return;
	hc_reader_prefetch_index(&set->reader, region, address);
	if (with_contents && region->bytes)
		__builtin_prefetch(region->bytes + (address - region->start));
}

/* What was told of types before may be told otherwise now. */
static void forget(hc_container_set *set)
{
	g_hash_table_remove_all(set->layouts);
	g_hash_table_remove_all(set->named);
}

bool hc_container_set_add_file(hc_container_set *set, const char *path, GError **error)
{
	forget(set);
	return hc_descriptions_load(&set->descriptions, path, error);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* True, and *ERROR is free again, if it only says that something of the user's could not be read. */
static bool told_as_unread(hc_container_set *set, GError **error)
{
	if (!g_error_matches(*error, HC_ERROR, HC_ERROR_IO))
		return false;
	hc_diagnostics_add(set->diagnostics, &own_unread, 0, "%s", (*error)->message);
	g_clear_error(error);
	return true;
}

/* The paths of the *.containers files of a directory, by name. NULL: *ERROR is set, if there is such a directory. */
static GPtrArray *list_files(const char *path, GError **error)
{
	GPtrArray *names;
	g_autoptr(GError) reason = NULL;
	GDir *directory = g_dir_open(path, 0, &reason);
	const char *name;

	if (!directory) {
		if (!hc_file_is_missing(path))
			g_set_error(error, HC_ERROR,
				g_error_matches(reason, G_FILE_ERROR, G_FILE_ERROR_NOMEM) ? HC_ERROR_NO_MEMORY :
											    HC_ERROR_IO,
				"%s", reason->message);
		return NULL;
	}
	names = g_ptr_array_new_with_free_func(g_free);
	while ((name = g_dir_read_name(directory)))
		if (g_str_has_suffix(name, ".containers"))
			g_ptr_array_add(names, g_build_filename(path, name, NULL));
	g_dir_close(directory);
	g_ptr_array_sort(names, compare_names);
	return names;
}

static bool add_directory(hc_container_set *set, const char *path, bool is_users, GError **error)
{
	g_autoptr(GError) reason = NULL;
	g_autoptr(GPtrArray) names = list_files(path, &reason);

	for (unsigned i = 0; names && i < names->len; i++)
		if (!hc_container_set_add_file(set, names->pdata[i], &reason) &&
			!(is_users && told_as_unread(set, &reason)))
			break;
	if (!reason || (is_users && told_as_unread(set, &reason)))
		return true;
	g_propagate_error(error, g_steal_pointer(&reason));
	return false;
}

bool hc_container_set_add_directory(hc_container_set *set, const char *path, GError **error)
{
	return add_directory(set, path, false, error);
}

bool hc_container_set_add_users_directory(hc_container_set *set, const char *path, GError **error)
{
	return add_directory(set, path, true, error);
}

/* ---- walks ---- */

/* The member of the nodes that this list goes through: the first that leads somewhere, and back. */
static const hc_layout *choose_link(const hc_layout *layout, hc_address address)
{
	const hc_layout *best = layout;
	hc_grade best_grade = HC_GRADE_COUNT;
	bool leads_back = layout->description->known[HC_KEY_BACK] != HC_NO_KEY ||
			  layout->description->known[HC_KEY_PREV] != HC_NO_KEY;

	if (!layout->next_link)
		return layout;
	for (; layout && best_grade != HC_GRADE_EXACT; layout = layout->next_link) {
		hc_walk walk;

		hc_walk_one(layout, address, NULL, leads_back ? PROBE_NODES : 0, &walk);
		if (walk.grade < best_grade) {
			best = layout;
			best_grade = walk.grade;
		}
	}
	return best;
}

void hc_layout_walk(const hc_layout *layout, hc_address address, const hc_walk_visitor *visitor, hc_walk *ret_walk)
{
	hc_certainty certainty;

	layout = hc_layout_deduce(choose_link(layout, address), address, &certainty);
	hc_walk_one(layout, address, visitor, visitor ? visitor->limit : 0, ret_walk);
	hc_walk_grade(ret_walk);
}

void hc_layout_measure(const hc_layout *layout, hc_address address, hc_walk *ret_walk)
{
	hc_layout_walk(layout, address, NULL, ret_walk);
}
