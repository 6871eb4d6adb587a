/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose are the anonymous mappings that are neither malloc's nor stacks? The core does not say who mapped them. But who uses
 * such memory keeps pointers to it in static data: the module with most of these is named.
 */
#include "areas/areas_state.h"

#include "base/partition.h"

enum {
	NOTED_MAX = 64,
	NOTED_MIN_BYTES = 64 * 1024
};

struct noted {
	unsigned area;
	GHashTable *pointers; /* module index -> number of words that point here */
};

static int compare_by_size(const void *a, const void *b, void *data)
{
	const hc_areas *areas = data;
	const hc_area *x = hc_areas_get(areas, *(const unsigned *)a), *y = hc_areas_get(areas, *(const unsigned *)b);
	uint64_t x_size = x->end - x->start, y_size = y->end - y->start;

	return (y_size > x_size) - (y_size < x_size);
}

static int compare_by_address(const void *a, const void *b)
{
	unsigned x = ((const struct noted *)a)->area, y = ((const struct noted *)b)->area;

	return (x > y) - (x < y);
}

/* The largest anonymous areas, in order of address. */
static GArray *choose_areas(const hc_areas *areas)
{
	g_autoptr(GArray) indices = g_array_new(FALSE, FALSE, sizeof(unsigned));
	GArray *chosen = g_array_new(FALSE, FALSE, sizeof(struct noted));

	for (unsigned i = 0; i < areas->list->len; i++) {
		const hc_area *area = hc_areas_get(areas, i);

		if (area->kind == HC_AREA_ANONYMOUS && area->end - area->start >= NOTED_MIN_BYTES)
			g_array_append_val(indices, i);
	}
	g_array_sort_with_data(indices, compare_by_size, (gpointer)areas);
	for (unsigned i = 0; i < MIN(indices->len, NOTED_MAX); i++) {
		struct noted noted = { g_array_index(indices, unsigned, i), g_hash_table_new(NULL, NULL) };

		g_array_append_val(chosen, noted);
	}
	g_array_sort(chosen, compare_by_address);
	return chosen;
}

static struct noted *find_noted(const hc_areas *areas, const GArray *chosen, hc_address address)
{
	struct noted *list = (struct noted *)(void *)chosen->data;
	unsigned at =
		HC_PARTITION_POINT(middle, 0, chosen->len, hc_areas_get(areas, list[middle].area)->end <= address);

	return at < chosen->len && hc_areas_get(areas, list[at].area)->start <= address ? &list[at] : NULL;
}

static void count_pointers(const hc_areas *areas, const GArray *chosen, const hc_area *data)
{
	hc_word_format format = hc_core_word_format(areas->core);
	hc_address low = hc_areas_get(areas, g_array_index(chosen, struct noted, 0).area)->start;
	hc_address high = hc_areas_get(areas, g_array_index(chosen, struct noted, chosen->len - 1).area)->end;
	const uint8_t *bytes = data->mapping->bytes;

	if (!bytes)
		return;
	bytes += data->start - data->mapping->start;
	for (uint64_t offset = 0; offset + format.size <= data->end - data->start; offset += format.size) {
		uint64_t value = hc_load_word(bytes + offset, format);
		struct noted *noted = value >= low && value < high ? find_noted(areas, chosen, value) : NULL;

		if (noted) {
			gpointer key = GUINT_TO_POINTER(data->owner);

			g_hash_table_insert(noted->pointers, key,
				GUINT_TO_POINTER(GPOINTER_TO_UINT(g_hash_table_lookup(noted->pointers, key)) + 1));
		}
	}
}

static void find_user(hc_areas *areas, const struct noted *noted)
{
	hc_area *area = &g_array_index(areas->list, hc_area, noted->area);
	GHashTableIter iter;
	gpointer key, value;
	unsigned best = 0, module_index = UINT_MAX;
	const char *foreign = hc_blocks_heap(areas->blocks)->foreign;

	g_hash_table_iter_init(&iter, noted->pointers);
	while (g_hash_table_iter_next(&iter, &key, &value))
		if (GPOINTER_TO_UINT(value) > best ||
			(GPOINTER_TO_UINT(value) == best && GPOINTER_TO_UINT(key) < module_index)) {
			best = GPOINTER_TO_UINT(value);
			module_index = GPOINTER_TO_UINT(key);
		}
	if (best) {
		area->user = HC_AREA_USER_MODULE;
		area->user_name = hc_modules_get(areas->modules, module_index)->name;
		area->user_words = best;
		return;
	}
	for (unsigned i = 0; i < hc_core_thread_count(areas->core); i++) {
		hc_address pointer = hc_core_thread(areas->core, i)->thread_pointer;

		if (pointer >= area->start && pointer < area->end)
			area->user = HC_AREA_USER_THREAD;
	}
	if (!area->user && foreign) {
		area->user = HC_AREA_USER_ALLOCATOR;
		area->user_name = foreign;
	}
}

void hc_areas_find_users(hc_areas *areas)
{
	GArray *chosen = choose_areas(areas);

	for (unsigned i = 0; chosen->len && i < areas->list->len; i++)
		if (hc_areas_get(areas, i)->kind == HC_AREA_MODULE_DATA)
			count_pointers(areas, chosen, hc_areas_get(areas, i));
	for (unsigned i = 0; i < chosen->len; i++) {
		find_user(areas, &g_array_index(chosen, struct noted, i));
		g_hash_table_unref(g_array_index(chosen, struct noted, i).pointers);
	}
	g_array_unref(chosen);
}
