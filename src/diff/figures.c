/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Figures by name, for conditions. */
#include "diff/internal.h"

#include <string.h>

#define CONTAINER_PREFIX "container:"

static bool find_row(const hc_snapshot *snapshot, const char *name, uint64_t *ret_value)
{
	for (unsigned i = 0; i < snapshot->memory->len; i++) {
		const hc_memory_row *row = &g_array_index(snapshot->memory, hc_memory_row, i);

		if (g_str_has_prefix(name, row->id) && !strcmp(name + strlen(row->id), "-bytes")) {
			*ret_value = row->bytes;
			return true;
		}
	}
	return false;
}

static bool find_total(const hc_snapshot *snapshot, const char *name, uint64_t *ret_value)
{
	uint64_t lost = snapshot->directly_lost.blocks + snapshot->indirectly_lost.blocks;
	uint64_t lost_bytes = snapshot->directly_lost.bytes + snapshot->indirectly_lost.bytes;
	const struct {
		const char *name;
		uint64_t value;
	} figures[] = {
		{ "lost", lost },
		{ "lost-bytes", lost_bytes },
		{ "leaked", lost },
		{ "leaked-bytes", lost_bytes },
		{ "directly-lost", snapshot->directly_lost.blocks },
		{ "directly-lost-bytes", snapshot->directly_lost.bytes },
		{ "indirectly-lost", snapshot->indirectly_lost.blocks },
		{ "indirectly-lost-bytes", snapshot->indirectly_lost.bytes },
		{ "possibly-lost", snapshot->possibly_lost.blocks },
		{ "possibly-lost-bytes", snapshot->possibly_lost.bytes },
		{ "in-use-bytes", snapshot->in_use.bytes },
		{ "free-bytes", snapshot->free.bytes },
		{ "trim-bytes", snapshot->free_pages.trim },
		{ "mapped-bytes", snapshot->total },
		{ "unread-bytes", snapshot->side_facts && snapshot->side_facts->unread != HC_FACT_UNKNOWN ?
					  snapshot->side_facts->unread :
					  0 },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(figures); i++) {
		if (!strcmp(figures[i].name, name)) {
			*ret_value = figures[i].value;
			return true;
		}
	}
	return false;
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
