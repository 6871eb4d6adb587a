/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of ranges: who is asked, and in what order their answers count. */
#include "runtimes/runtimes_state.h"

const char *hc_runtime_kind_name(hc_runtime_kind kind)
{
	static const char *const names[HC_RUNTIME_COUNT] = {
		[HC_RUNTIME_JAVA] = "java-heap",
		[HC_RUNTIME_JAVA_CODE] = "java-code",
		[HC_RUNTIME_V8] = "v8",
		[HC_RUNTIME_GO] = "go",
		[HC_RUNTIME_PYTHON] = "python",
		[HC_RUNTIME_RUBY] = "ruby",
		[HC_RUNTIME_PHP] = "php",
		[HC_RUNTIME_LUAJIT] = "luajit",
		[HC_RUNTIME_ALLOCATOR] = "allocator",
		[HC_RUNTIME_NAMED] = "named",
	};

	return (unsigned)kind < HC_RUNTIME_COUNT ? names[kind] : NULL;
}

hc_runtime_kind hc_runtime_kind_called(const char *name)
{
	for (hc_runtime_kind kind = HC_RUNTIME_NONE + 1; kind < HC_RUNTIME_COUNT; kind++)
		if (!g_strcmp0(name, hc_runtime_kind_name(kind)))
			return kind;
	return HC_RUNTIME_NONE;
}

bool hc_runtime_kind_moves(hc_runtime_kind kind)
{
	return kind == HC_RUNTIME_JAVA || kind == HC_RUNTIME_JAVA_CODE || kind == HC_RUNTIME_V8;
}

/* ---- the list ---- */

static int compare_ranges(const void *a, const void *b)
{
	const hc_runtime_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

bool hc_runtime_use_is_same(const hc_runtime_use *a, const hc_runtime_use *b)
{
	return a->kind == b->kind && !g_strcmp0(a->name, b->name);
}

/* Adds [start, end) of what USE tells; to the last range if that touches it and is alike. */
static void append(GArray *list, hc_address start, hc_address end, hc_runtime_use use)
{
	hc_runtime_range *last = list->len ? &g_array_index(list, hc_runtime_range, list->len - 1) : NULL;
	hc_runtime_range part = { start, end, use };

	if (start >= end)
		return;
	if (last && last->end == start && last->use.is_proved == use.is_proved &&
		hc_runtime_use_is_same(&last->use, &use))
		last->end = end;
	else
		g_array_append_val(list, part);
}

/* Of ALL, in order, those that are names (IS_NAMED), or the others, disjoint: what begins first has what two share. */
static GArray *choose(const GArray *all, bool is_named)
{
	GArray *chosen = g_array_new(FALSE, FALSE, sizeof(hc_runtime_range));

	for (unsigned i = 0; i < all->len; i++) {
		const hc_runtime_range *range = &g_array_index(all, hc_runtime_range, i);
		hc_address last = chosen->len ? g_array_index(chosen, hc_runtime_range, chosen->len - 1).end : 0;

		if ((range->use.kind == HC_RUNTIME_NAMED) == is_named)
			append(chosen, MAX(range->start, last), range->end, range->use);
	}
	return chosen;
}

/* Leaves the ranges disjoint and in order. Names that the process gave say less than what stands in its memory: they are for what is left. */
static void make_disjoint(hc_runtimes *runtimes)
{
	g_array_sort(runtimes->ranges, compare_ranges);
	g_autoptr(GArray) found = choose(runtimes->ranges, false), named = choose(runtimes->ranges, true);
	const hc_runtime_range *list = (const hc_runtime_range *)(const void *)found->data;
	unsigned next = 0;

	g_array_set_size(runtimes->ranges, 0);
	for (unsigned i = 0; i < named->len; i++) {
		const hc_runtime_range *range = &g_array_index(named, hc_runtime_range, i);
		hc_address at = range->start;

		while (next < found->len && list[next].end <= at)
			next++;
		for (unsigned k = next; k < found->len && list[k].start < range->end; k++) {
			append(runtimes->ranges, at, list[k].start, range->use);
			at = list[k].end;
		}
		append(runtimes->ranges, at, range->end, range->use);
	}
	g_array_append_vals(runtimes->ranges, found->data, found->len);
	g_array_sort(runtimes->ranges, compare_ranges);
}

static int compare_pages(const void *a, const void *b)
{
	const hc_runtime_page *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* A damaged table may tell of one twice. */
static void make_pages_disjoint(hc_runtimes *runtimes)
{
	hc_runtime_page *list = (hc_runtime_page *)(void *)runtimes->pages->data;
	unsigned kept = 0;

	g_array_sort(runtimes->pages, compare_pages);
	for (unsigned i = 0; i < runtimes->pages->len; i++)
		if (!kept || list[i].start >= list[kept - 1].end)
			list[kept++] = list[i];
	g_array_set_size(runtimes->pages, kept);
}

hc_runtimes *hc_runtimes_create(const hc_core *core, hc_modules *modules, const char *foreign)
{
	hc_runtimes *runtimes = g_new0(hc_runtimes, 1);

	runtimes->core = core;
	runtimes->modules = modules;
	runtimes->format = hc_core_word_format(core);
	runtimes->foreign = foreign;
	runtimes->provider = foreign ? hc_modules_provider(modules, "malloc") : NULL;
	runtimes->ranges = g_array_new(FALSE, FALSE, sizeof(hc_runtime_range));
	runtimes->pages = g_array_new(FALSE, FALSE, sizeof(hc_runtime_page));
	runtimes->free = g_array_new(FALSE, FALSE, sizeof(uint16_t));
	runtimes->names = g_string_chunk_new(256);
	hc_runtimes_find_names(runtimes);
	/* The layouts that are known are those of 64 bits. */
	if (runtimes->format.size == 8) {
		hc_runtimes_find_java(runtimes);
		hc_runtimes_find_v8(runtimes);
		hc_runtimes_find_go(runtimes);
		hc_runtimes_find_python(runtimes);
		hc_runtimes_find_ruby(runtimes);
		hc_runtimes_find_php(runtimes);
		hc_runtimes_find_luajit(runtimes);
		hc_runtimes_find_jemalloc(runtimes);
	}
	make_disjoint(runtimes);
	make_pages_disjoint(runtimes);
	return runtimes;
}

void hc_runtimes_destroy(hc_runtimes *runtimes)
{
	if (!runtimes)
		return;
	g_array_unref(runtimes->ranges);
	g_array_unref(runtimes->pages);
	g_array_unref(runtimes->free);
	g_string_chunk_free(runtimes->names);
	g_free(runtimes);
}

unsigned hc_runtimes_count(const hc_runtimes *runtimes)
{
	return runtimes->ranges->len;
}

const hc_runtime_range *hc_runtimes_get(const hc_runtimes *runtimes, unsigned index)
{
	return index < runtimes->ranges->len ? &g_array_index(runtimes->ranges, hc_runtime_range, index) : NULL;
}

unsigned hc_runtimes_page_count(const hc_runtimes *runtimes)
{
	return runtimes->pages->len;
}

const hc_runtime_page *hc_runtimes_page(const hc_runtimes *runtimes, unsigned index)
{
	return index < runtimes->pages->len ? &g_array_index(runtimes->pages, hc_runtime_page, index) : NULL;
}

const uint16_t *hc_runtimes_free_objects(const hc_runtimes *runtimes, const hc_runtime_page *page)
{
	return (const uint16_t *)(const void *)runtimes->free->data + page->first_free;
}

const hc_module *hc_runtimes_provider(const hc_runtimes *runtimes)
{
	return runtimes->provider;
}
