/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words that lead to blocks though their values do not say so, each known by its place: those of tables that in_front.c has proved, and
 * what the program's types tell of containers. Sorted by place; a look-up takes a binary search.
 */
#include "references/encodings.h"

#include "base/partition.h"

static int compare_words(const void *a, const void *b)
{
	const hc_told_word *x = a, *y = b;

	if (x->from != y->from)
		return (x->from > y->from) - (x->from < y->from);
	return (x->start > y->start) - (x->start < y->start);
}

bool hc_told_add(hc_references *references, const hc_told_word *words, unsigned count)
{
	GArray *told = references->told_words;

	if (!count)
		return true;
	if (!told)
		told = references->told_words = g_array_new(FALSE, FALSE, sizeof(hc_told_word));
	if (count > UINT32_MAX / sizeof *words - told->len)
		return false;
	g_array_append_vals(told, words, count);
	g_array_sort(told, compare_words);
	unsigned kept = 0;

	for (unsigned i = 0; i < told->len; i++) {
		const hc_told_word *word = &g_array_index(told, hc_told_word, i);

		if (!kept || compare_words(word, &g_array_index(told, hc_told_word, kept - 1)))
			g_array_index(told, hc_told_word, kept++) = *word;
	}
	g_array_set_size(told, kept);
	return true;
}

const hc_told_word *hc_told_in(
	const hc_references *references, hc_address start, hc_address end, unsigned *ret_count)
{
	const GArray *told = references->told_words;

	*ret_count = 0;
	if (!told || !told->len)
		return NULL;
	const hc_told_word *words = (const hc_told_word *)(const void *)told->data;
	unsigned first = HC_PARTITION_POINT(middle, 0u, told->len, words[middle].from < start);
	unsigned after = HC_PARTITION_POINT(middle, first, told->len, words[middle].from < end);

	*ret_count = after - first;
	return &words[first];
}
