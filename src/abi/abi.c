/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The object: names of several definitions, and what is told of each. */
#include "abi/abi_state.h"

#include <string.h>

enum {
	DIFFERENCES_MAX = 1 << 16,
	LAYOUTS_MAX = 16, /* of one name */
};

const char *hc_abi_kind_name(hc_abi_kind kind)
{
	static const char *const names[HC_ABI_KIND_COUNT] = {
		[HC_ABI_CLASS] = "class",
		[HC_ABI_ENUM] = "enum",
		[HC_ABI_VTABLE] = "vtable",
		[HC_ABI_ALLOCATION] = "allocation",
		[HC_ABI_DECLARATION] = "function",
	};

	return (unsigned)kind < HC_ABI_KIND_COUNT ? names[kind] : "";
}

const char *hc_abi_same_name(hc_abi_same same)
{
	static const char *const names[HC_ABI_SAME_COUNT] = {
		[HC_ABI_SAME_LINKAGE] = "linkage",
		[HC_ABI_SAME_FILE] = "file",
	};

	return (unsigned)same < HC_ABI_SAME_COUNT ? names[same] : "";
}

const char *hc_abi_part_name(hc_abi_part part)
{
	static const char *const names[HC_ABI_PART_COUNT] = {
		[HC_ABI_MEMBER] = "member",
		[HC_ABI_BASE] = "base",
		[HC_ABI_FUNCTION] = "function",
		[HC_ABI_ENUMERATOR] = "enumerator",
		[HC_ABI_PARAMETER] = "parameter",
	};

	return (unsigned)part < HC_ABI_PART_COUNT ? names[part] : "";
}

const char *hc_abi_lost_name(hc_abi_lost lost)
{
	static const char *const names[HC_ABI_LOST_COUNT] = {
		[HC_ABI_LOST_BY_FREED] = "freed",
		[HC_ABI_LOST_BY_LIKES] = "likes",
	};

	return (unsigned)lost < HC_ABI_LOST_COUNT ? names[lost] : "";
}

/* ---- one name ---- */

/* Definitions that are alike. */
struct layout {
	struct definition first;
	GPtrArray *modules; /* that have it: of const hc_module *, those of one side by side */
	unsigned parts;
	bool is_told; /* it is in a difference */
	unsigned difference;
};

struct layouts {
	const hc_namesake *namesakes;
	unsigned namesake_count;
	unsigned count;
	struct layout list[LAYOUTS_MAX];
};

static void layouts_deinit(struct layouts *layouts)
{
	for (unsigned i = 0; i < layouts->count; i++) {
		g_array_unref(layouts->list[i].first.methods);
		g_clear_pointer(&layouts->list[i].modules, g_ptr_array_unref);
	}
}

typedef struct layouts layouts_list;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(layouts_list, layouts_deinit)

static bool is_alike(const hc_namesake *a, const hc_namesake *b)
{
	return a->type == b->type && a->functions == b->functions;
}

static void add_definition(struct layouts *layouts, hc_program_types *types, const hc_namesake *namesake)
{
	struct layout *layout = NULL;

	for (unsigned i = 0; i < layouts->count && !layout; i++)
		if (is_alike(layouts->list[i].first.namesake, namesake))
			layout = &layouts->list[i];
	if (!layout) {
		if (layouts->count == LAYOUTS_MAX)
			return;
		layout = &layouts->list[layouts->count++];
		layout->modules = g_ptr_array_new();
		layout->first = (struct definition){ namesake, hc_namesake_methods(types, namesake) };
		layout->parts = hc_abi_count_parts(namesake->type);
	}
	if (!layout->modules->len || g_ptr_array_index(layout->modules, layout->modules->len - 1) != namesake->module)
		g_ptr_array_add(layout->modules, (gpointer)namesake->module);
}

/* The one with most in it comes first. */
static int compare_layouts(const void *a, const void *b)
{
	const struct layout *x = a, *y = b;
	uint64_t sizes[2] = { hc_type_size(x->first.namesake->type), hc_type_size(y->first.namesake->type) };

	if (sizes[0] != sizes[1])
		return sizes[0] > sizes[1] ? -1 : 1;
	return (y->parts > x->parts) - (y->parts < x->parts);
}

/* NAMESAKE's module is the first. */
static hc_abi_side side_of(const struct layout *layout, const hc_namesake *namesake)
{
	hc_abi_side side = {
		.unit = namesake->unit,
		.declared = namesake->declared,
		.line = namesake->line,
		.type = namesake->type,
		.size = hc_type_size(namesake->type),
		.parts = layout->parts,
	};

	hc_abi_add_module(&side, namesake->module);
	for (unsigned i = 0; i < layout->modules->len; i++)
		hc_abi_add_module(&side, layout->modules->pdata[i]);
	return side;
}

static GArray *compare_definitions(const struct definition *a, const struct definition *b)
{
	GArray *changes = hc_abi_compare(a->namesake->type, b->namesake->type);

	hc_abi_compare_methods(a->methods, b->methods, strchr(hc_type_name(a->namesake->type), '<') != NULL, changes);
	return changes;
}

static bool is_of_standard_library(const char *name)
{
	return g_str_has_prefix(name, "std::") || g_str_has_prefix(name, "__gnu_cxx::") ||
	       g_str_has_prefix(name, "__cxxabiv1::");
}

/* In C++ what is empty has a byte, in C none; and what has no members may stand for what others know. */
static bool is_empty(const struct layout *layout)
{
	const hc_type *type = layout->first.namesake->type;

	return !layout->parts && !hc_type_field_count(type);
}

/* Whether LAYOUT is as one that was told already, but for what does not count. */
static bool is_as_told(hc_abi *abi, struct layouts *layouts, const struct layout *layout)
{
	for (unsigned i = 1; i < layouts->count && &layouts->list[i] != layout; i++) {
		struct layout *told = &layouts->list[i];

		if (!told->is_told ||
			hc_type_size(told->first.namesake->type) != hc_type_size(layout->first.namesake->type))
			continue;
		g_autoptr(GArray) changes = compare_definitions(&told->first, &layout->first);

		if (changes->len)
			continue;
		hc_abi_side *side = &g_array_index(abi->differences, hc_abi_difference, told->difference).sides[1];

		for (unsigned k = 0; k < layout->modules->len; k++)
			hc_abi_add_module(side, layout->modules->pdata[k]);
		return true;
	}
	return false;
}

/*
 * Who is to be named for A and B: of one module, if any has both, for there one part hands objects to the other; else the first of each.
 */
static void choose_sides(
	const struct layouts *layouts, const struct layout *a, const struct layout *b, hc_abi_side sides[2])
{
	const hc_namesake *chosen[2] = { a->first.namesake, b->first.namesake };

	for (unsigned i = 0; i < layouts->namesake_count && chosen[0]->module != chosen[1]->module; i++) {
		const hc_namesake *one = &layouts->namesakes[i];

		for (unsigned k = 0; k < layouts->namesake_count && is_alike(one, a->first.namesake); k++)
			if (is_alike(&layouts->namesakes[k], b->first.namesake) &&
				layouts->namesakes[k].module == one->module) {
				chosen[0] = one;
				chosen[1] = &layouts->namesakes[k];
			}
	}
	sides[0] = side_of(a, chosen[0]);
	sides[1] = side_of(b, chosen[1]);
}

static void compare_with_first(hc_abi *abi, struct layouts *layouts, struct layout *layout)
{
	const struct layout *first = &layouts->list[0];
	const hc_type *types[2] = { first->first.namesake->type, layout->first.namesake->type };
	bool is_enum = hc_type_get_kind(types[0]) == HC_TYPE_ENUM;
	hc_abi_difference difference = {
		.kind = is_enum ? HC_ABI_ENUM : HC_ABI_CLASS,
		.name = hc_type_name(types[0]),
	};
	g_autoptr(GArray) changes = NULL;

	if (is_enum != (hc_type_get_kind(types[1]) == HC_TYPE_ENUM) || is_empty(first) || is_empty(layout))
		return;
	changes = compare_definitions(&first->first, &layout->first);
	if (!changes->len && hc_type_size(types[0]) == hc_type_size(types[1]))
		return;
	if (is_of_standard_library(difference.name) && hc_type_size(types[0]) == hc_type_size(types[1])) {
		abi->totals.standard++;
		return;
	}
	if (!hc_abi_is_same(&first->first, &layout->first, &difference.same)) {
		abi->totals.unrelated++;
		return;
	}
	if (is_as_told(abi, layouts, layout))
		return;
	choose_sides(layouts, first, layout, difference.sides);
	layout->is_told = true;
	layout->difference = abi->differences->len;
	difference.change_count = changes->len;
	difference.changes = (const hc_abi_change *)(const void *)changes->data;
	g_ptr_array_add(abi->changes, g_steal_pointer(&changes));
	g_array_append_val(abi->differences, difference);
}

static bool visit_name(const hc_namesake *namesakes, unsigned count, void *data)
{
	hc_abi *abi = data;
	g_auto(layouts_list) layouts = { .namesakes = namesakes, .namesake_count = count };

	for (unsigned i = 0; i < count; i++)
		add_definition(&layouts, abi->input.program_types, &namesakes[i]);
	qsort(layouts.list, layouts.count, sizeof *layouts.list, compare_layouts);
	for (unsigned i = 1; i < layouts.count; i++)
		compare_with_first(abi, &layouts, &layouts.list[i]);
	return abi->differences->len < DIFFERENCES_MAX;
}

/* ---- the object ---- */

static int compare_differences(const void *a, const void *b)
{
	const hc_abi_difference *x = a, *y = b;
	uint64_t lost[2] = { hc_abi_all_lost(x).bytes, hc_abi_all_lost(y).bytes };

	if (lost[0] != lost[1])
		return lost[0] > lost[1] ? -1 : 1;
	if (x->overrun != y->overrun)
		return x->overrun > y->overrun ? -1 : 1;
	if (x->objects.bytes != y->objects.bytes)
		return x->objects.bytes > y->objects.bytes ? -1 : 1;
	return strcmp(x->name, y->name);
}

hc_abi *hc_abi_create(const hc_abi_input *input, const hc_abi_options *options)
{
	hc_abi *abi = g_new0(hc_abi, 1);
	bool sizes_only = options && options->sizes_only;

	abi->input = *input;
	abi->differences = g_array_new(FALSE, FALSE, sizeof(hc_abi_difference));
	abi->changes = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	abi->texts = g_string_chunk_new(4096);
	abi->totals.modules = hc_program_types_described(input->program_types);
	if (abi->totals.modules)
		abi->totals.names = hc_program_types_each_namesakes(input->program_types, sizes_only, visit_name, abi);
	if (!sizes_only)
		hc_abi_find_vtables(abi);
	if (!options || !options->no_code)
		hc_abi_find_allocations(abi);
	if (!sizes_only)
		hc_abi_find_functions(abi);
	if (abi->differences->len && input->blocks && input->types && input->references) {
		hc_abi_count_blocks(abi);
		hc_abi_find_left_behind(abi);
	}
	g_array_sort(abi->differences, compare_differences);
	return abi;
}

void hc_abi_destroy(hc_abi *abi)
{
	if (!abi)
		return;
	g_array_unref(abi->differences);
	g_ptr_array_unref(abi->changes);
	g_string_chunk_free(abi->texts);
	hc_sites_destroy(abi->sites);
	g_free(abi);
}

const hc_abi_totals *hc_abi_get_totals(const hc_abi *abi)
{
	return &abi->totals;
}

unsigned hc_abi_count(const hc_abi *abi)
{
	return abi->differences->len;
}

const hc_abi_difference *hc_abi_get(const hc_abi *abi, unsigned index)
{
	return index < abi->differences->len ? &g_array_index(abi->differences, hc_abi_difference, index) : NULL;
}

/* Whose the lost blocks are, if nothing else tells: the one module that knows the members they hung on. NULL: there are several. */
static const hc_module *module_that_knows(const hc_abi_difference *difference)
{
	const hc_abi_side *side = &difference->sides[difference->holder_side];

	return side->module_count == 1 ? side->modules[0] : NULL;
}

static bool has_site_in(const hc_site_answer *answer, const hc_module *module)
{
	for (unsigned i = 0; i < answer->count; i++)
		if (answer->sites[i]->module == module)
			return true;
	return false;
}

bool hc_abi_ask_sites(const hc_abi_difference *difference, hc_sites *sites, hc_site_answer *ret_answer)
{
	const hc_module *owner = difference->owner ? difference->owner : module_that_knows(difference);

	if (!difference->head_count)
		return false;
	hc_sites_ask_blocks(sites, difference->heads, difference->head_sizes, difference->head_count, difference->trees,
		owner, ret_answer);
	/* Calls of others fit in size by chance. */
	if (owner && !has_site_in(ret_answer, owner)) {
		hc_site_answer_clear(ret_answer);
		return false;
	}
	hc_sites_find_places(sites, ret_answer, HC_SITES_KEPT_MAX);
	return true;
}
