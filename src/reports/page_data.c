/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A page has a size that does not depend on the core. A report has lists, whose rows can be left out and counted, and single texts, which
 * can be cut. Sizes are those of what is written: without white space, and with "<" as an escape of six bytes.
 *
 * Of all lists of a report that is too large the one that takes most gives up its smallest row, again and again, until the rest fits.
 */
#include "reports/page.h"

#include <string.h>

enum {
	TEXT_MAX = 2000, /* bytes of one text */
	ESCAPED = 6	 /* "<" */
};

/* ---- written ---- */

static int write_escaped(const char *text, size_t length, void *data)
{
	while (length) {
		const char *found = memchr(text, '<', length);
		size_t plain = found ? (size_t)(found - text) : length;

		hc_output_bytes(data, text, plain);
		text += plain;
		length -= plain;
		if (found) {
			hc_output_text(data, "\\u003c");
			text++;
			length--;
		}
	}
	return 0;
}

static int count_escaped(const char *text, size_t length, void *data)
{
	uint64_t *size = data;

	*size += length;
	for (size_t i = 0; i < length; i++)
		*size += text[i] == '<' ? ESCAPED - 1 : 0;
	return 0;
}

void hc_page_write_json(hc_output *output, const json_t *value)
{
	json_dump_callback(value, write_escaped, output, JSON_COMPACT | JSON_ENCODE_ANY);
}

static uint64_t size_of(const json_t *value)
{
	uint64_t size = 0;

	json_dump_callback(value, count_escaped, &size, JSON_COMPACT | JSON_ENCODE_ANY);
	return size;
}

/* ---- texts ---- */

static char *cut(const char *text)
{
	const char *end = g_utf8_find_prev_char(text, text + TEXT_MAX + 1);

	return g_strdup_printf("%.*s\u2026", (int)(end - text), text);
}

static void cut_text(json_t *value, GPtrArray *stack)
{
	if (json_is_string(value) && json_string_length(value) > TEXT_MAX) {
		g_autofree char *text = cut(json_string_value(value));

		json_string_set(value, text);
	} else if (json_is_object(value) || json_is_array(value)) {
		g_ptr_array_add(stack, value);
	}
}

/* Keys are ours, and short. */
static void cut_texts(json_t *report)
{
	g_autoptr(GPtrArray) stack = g_ptr_array_new();
	const char *key;
	json_t *value, *element;
	size_t index;

	g_ptr_array_add(stack, report);
	while (stack->len) {
		value = g_ptr_array_remove_index_fast(stack, stack->len - 1);
		if (json_is_array(value)) {
			json_array_foreach(value, index, element) cut_text(element, stack);
		} else {
			json_object_foreach(value, key, element) cut_text(element, stack);
		}
	}
}

/* ---- rows ---- */

struct row {
	size_t index; /* in the list */
	int64_t size; /* by how much it goes or stays: less than 0 of what shrank */
	uint64_t written;
};

struct list {
	const hc_page_list *what;
	json_t *array;
	GArray *rows;	  /* of struct row: those that stay, the first to go last */
	uint64_t written; /* of all that stay */
	uint64_t gone;	  /* rows */
	int64_t gone_size;
};

static json_t *find_list(const json_t *report, const char *key)
{
	g_auto(GStrv) names = g_strsplit(key, ".", -1);
	json_t *value = (json_t *)report;

	for (char **name = names; *name && value; name++)
		value = json_object_get(value, *name);
	return json_is_array(value) ? value : NULL;
}

static int compare_indices(const void *first, const void *second)
{
	const struct row *a = first, *b = second;

	return a->index < b->index ? -1 : a->index > b->index;
}

static uint64_t magnitude(int64_t number)
{
	return number < 0 ? -(uint64_t)number : (uint64_t)number;
}

static int compare_rows(const void *first, const void *second)
{
	const struct row *a = first, *b = second;

	uint64_t size_a = magnitude(a->size), size_b = magnitude(b->size);

	if (size_a != size_b)
		return size_a > size_b ? -1 : 1;
	return compare_indices(a, b);
}

static void init_list(struct list *list, const json_t *report, const hc_page_list *what)
{
	json_t *element;
	size_t index;

	*list = (struct list){ .what = what, .array = find_list(report, what->key) };
	list->rows = g_array_new(FALSE, FALSE, sizeof(struct row));
	if (!list->array)
		return;
	json_array_foreach(list->array, index, element)
	{
		struct row row = { .index = index, .written = size_of(element) + 1 };

		row.size = what->size ? json_integer_value(json_object_get(element, what->size)) : 0;
		list->written += row.written;
		g_array_append_val(list->rows, row);
	}
	g_array_sort(list->rows, compare_rows);
}

/* The smallest row of LIST, which has one, goes. Returns what it took. */
static uint64_t drop_row(struct list *list)
{
	struct row row = g_array_index(list->rows, struct row, list->rows->len - 1);

	g_array_set_size(list->rows, list->rows->len - 1);
	list->written -= row.written;
	list->gone++;
	list->gone_size += row.size;
	return row.written;
}

static struct list *largest_list(GArray *lists)
{
	struct list *largest = NULL;

	for (unsigned i = 0; i < lists->len; i++) {
		struct list *list = &g_array_index(lists, struct list, i);

		if (list->rows->len && (!largest || list->written > largest->written))
			largest = list;
	}
	return largest;
}

/* What stays, in the order in which it stood. */
static void keep_rows(struct list *list, json_t *left_out)
{
	json_t *kept = json_array(), *told = json_object();

	g_array_sort(list->rows, compare_indices);
	for (unsigned i = 0; i < list->rows->len; i++)
		json_array_append(kept, json_array_get(list->array, g_array_index(list->rows, struct row, i).index));
	json_array_clear(list->array);
	json_array_extend(list->array, kept);
	json_decref(kept);
	hc_json_set(told, "rows", hc_json_number(list->gone));
	hc_json_set(told, "bytes", list->what->size ? json_integer(list->gone_size) : json_null());
	hc_json_set(left_out, list->what->key, told);
}

static void clear_list(void *data)
{
	g_array_unref(((struct list *)data)->rows);
}

bool hc_page_fit(json_t *report, const hc_page_list *lists, uint64_t budget)
{
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct list));
	json_t *left_out = json_object();
	struct list *largest;
	uint64_t size;

	g_array_set_clear_func(all, clear_list);
	cut_texts(report);
	size = size_of(report);
	for (; lists->key && size > budget; lists++) {
		struct list list;

		init_list(&list, report, lists);
		g_array_append_val(all, list);
	}
	while (size > budget && (largest = largest_list(all)))
		size -= drop_row(largest);
	for (unsigned i = 0; i < all->len; i++) {
		struct list *list = &g_array_index(all, struct list, i);

		if (list->gone)
			keep_rows(list, left_out);
	}
	hc_json_set(report, "left_out_here", left_out);
	return size <= budget;
}
