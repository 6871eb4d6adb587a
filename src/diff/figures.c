/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Figures by name, for conditions. */
#include "diff/diff_state.h"

#include <string.h>

#define CONTAINER_PREFIX "container:"

static bool find_row(const hc_snapshot *snapshot, const char *name, uint64_t *ret_value)
{
	hc_row_id id = hc_figures_row(name);
	const hc_memory_row *row = id ? hc_snapshot_row(snapshot, id) : NULL;

	*ret_value = row ? row->bytes : 0;
	return row;
}

static bool find_total(const hc_snapshot *snapshot, const char *name, uint64_t *ret_value)
{
	const hc_side_facts *beside = snapshot->side_facts;
	const hc_figures figures = {
		.directly_lost = snapshot->directly_lost,
		.indirectly_lost = snapshot->indirectly_lost,
		.possibly_lost = snapshot->possibly_lost,
		.in_use = snapshot->in_use.bytes,
		.free = snapshot->free.bytes,
		.trim = hc_free_pages_gain(&snapshot->free_pages),
		.mapped = snapshot->total,
		.unread = beside && beside->unread != HC_FACT_UNKNOWN ? beside->unread : 0,
	};

	return hc_figures_find(&figures, name, ret_value);
}

static bool find_memory(const hc_diff *diff, const char *name, int64_t *ret_growth)
{
	uint64_t a = 0, b = 0;
	/* Lost blocks, mmapped or not, are one figure; a row that only one of the two has was 0 in the other. */
	bool found_a = find_total(diff->first, name, &a) || find_row(diff->first, name, &a);
	bool found_b = find_total(diff->last, name, &b) || find_row(diff->last, name, &b);

	*ret_growth = (int64_t)(b - a);
	return found_a || found_b;
}

static bool is_called(const hc_merged_path *path, const char *name, size_t length)
{
	return path->is_container && strlen(path->owner->path) == length && !strncmp(path->owner->path, name, length);
}

/* "PATH.elements": of all containers of that path. */
static bool find_container(const hc_diff *diff, const char *name, int64_t *ret_growth)
{
	const char *figure = strrchr(name, '.');
	unsigned last = diff->count - 1;
	bool found = false;

	*ret_growth = 0;
	for (uint32_t i = 0; figure && i < diff->paths->list->len; i++) {
		const hc_merged_path *path = hc_merged_paths_get(diff->paths, i);
		const uint64_t *figures = !strcmp(figure, ".elements") ? path->elements :
					  !strcmp(figure, ".bytes")    ? path->below :
					  !strcmp(figure, ".count")    ? path->count :
									 NULL;

		if (!figures || !is_called(path, name, figure - name))
			continue;
		*ret_growth += (int64_t)(figures[last] - figures[0]);
		found = true;
	}
	return found;
}

bool hc_diff_figure(const hc_diff *diff, const char *name, int64_t *ret_growth)
{
	if (g_str_has_prefix(name, CONTAINER_PREFIX))
		return find_container(diff, name + strlen(CONTAINER_PREFIX), ret_growth);
	return find_memory(diff, name, ret_growth);
}
