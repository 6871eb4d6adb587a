/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does the program itself count what goes into a queue and what comes out? Two of its integers, in both snapshots: their difference is the
 * queue's length each time, and something did come out. By chance that is rare, the more so the longer the queue; but programs count
 * much, so both must be members of one object, or of none.
 */
#include "diff/diff_state.h"

#include <string.h>

enum {
	LEAST_ELEMENTS = 100, /* of a shorter queue chance would tell too much */
};

static bool find_before(GHashTable *before, const char *path, int64_t *ret_value)
{
	const hc_snapshot_number *number = g_hash_table_lookup(before, path);

	if (number)
		*ret_value = number->value;
	return number != NULL;
}

static size_t common_length(const char *a, const char *b)
{
	size_t length = 0;

	while (a[length] && a[length] == b[length])
		length++;
	return length;
}

/* Where the name of the member begins in "g_pool->queue.produced". */
static size_t object_length(const char *path)
{
	size_t length = strlen(path);

	while (length && path[length - 1] != '.' && path[length - 1] != '>')
		length--;
	return length;
}

static bool are_members_of_one(const char *a, const char *b)
{
	size_t length = object_length(a);

	return length == object_length(b) && !strncmp(a, b, length);
}

static bool is_pair(GHashTable *numbers_before, const hc_snapshot_number *in, const hc_snapshot_number *out,
	int64_t before, int64_t after, hc_counters *counters)
{
	*counters = (hc_counters){ .in = in->path, .out = out->path, .in_after = in->value, .out_after = out->value };
	/* A counter that is the length itself, and one that is twice that, tell nothing. */
	return in->value - out->value == after && out->value != after && out->value > 0 &&
	       find_before(numbers_before, in->path, &counters->in_before) &&
	       find_before(numbers_before, out->path, &counters->out_before) && counters->out_before >= 0 &&
	       counters->in_before >= 0 && counters->in_before - counters->out_before == before &&
	       in->value > counters->in_before && out->value >= counters->out_before &&
	       are_members_of_one(in->path, out->path);
}

/* Among several pairs the one whose names are nearest to the queue's and to each other's. */
bool hc_diff_find_counters(const hc_diff *diff, const char *path, uint64_t elements_before, uint64_t elements_after,
	hc_counters *ret_counters)
{
	g_autoptr(GHashTable) by_value = g_hash_table_new(g_int64_hash, g_int64_equal);
	g_autoptr(GHashTable) before = g_hash_table_new(g_str_hash, g_str_equal);
	GArray *numbers = diff->last->numbers;
	size_t best = 0;
	bool found = false;

	if (elements_after < LEAST_ELEMENTS || elements_after > INT64_MAX / 2)
		return false;
	for (unsigned i = 0; i < diff->first->numbers->len; i++) {
		hc_snapshot_number *number = &g_array_index(diff->first->numbers, hc_snapshot_number, i);

		g_hash_table_insert(before, (gpointer)number->path, number);
	}
	for (unsigned i = 0; i < numbers->len; i++) {
		hc_snapshot_number *number = &g_array_index(numbers, hc_snapshot_number, i);
		GSList *same = g_hash_table_lookup(by_value, &number->value);

		g_hash_table_insert(by_value, &number->value, g_slist_prepend(same, number));
	}
	for (unsigned i = 0; i < numbers->len; i++) {
		const hc_snapshot_number *out = &g_array_index(numbers, hc_snapshot_number, i);
		int64_t wanted = out->value > 0 && out->value < INT64_MAX / 2 ? out->value + (int64_t)elements_after :
										0;

		for (GSList *in = wanted ? g_hash_table_lookup(by_value, &wanted) : NULL; in; in = in->next) {
			hc_counters counters;
			size_t likeness;

			if (!is_pair(before, in->data, out, (int64_t)elements_before, (int64_t)elements_after,
				    &counters))
				continue;
			likeness = 1 + 4 * common_length(counters.in, path) + common_length(counters.in, counters.out);
			if (likeness > best) {
				best = likeness;
				*ret_counters = counters;
				found = true;
			}
		}
	}

	GHashTableIter iterator;
	void *list;

	g_hash_table_iter_init(&iterator, by_value);
	while (g_hash_table_iter_next(&iterator, NULL, &list))
		g_slist_free(list);
	return found;
}
