/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The index of the debug info of all modules: units are read by several threads (scan.c), which
 * take them one by one, the biggest part of the work being function bodies. What the threads found
 * is sorted by where it stands, so the result does not depend on who found it.
 *
 * The runtime's modules are indexed when somebody asks about them.
 */
#include "dwarf/dwarf_state.h"

#include "base/parallel.h"
#include "base/partition.h"

#include <dwarf.h>
#include <stdatomic.h>

enum {
	RANGES_MAX = 1 << 24,
	STEPS_MAX = 16, /* from a DIE to the one that it specifies, and so on */
};

/* ---- scanning ---- */

struct job {
	GPtrArray *list; /* of struct module_debug */
	uint64_t *first; /* of each module: its first unit's number; then the number of all */
	atomic_uint_fast64_t next;
	struct scan **scans;
};

static void scan_units(void *data, unsigned worker)
{
	struct job *job = data;
	unsigned module = 0;
	uint64_t number;

	if (!job->scans[worker])
		job->scans[worker] = hc_scan_create();
	while ((number = atomic_fetch_add(&job->next, 1)) < job->first[job->list->len]) {
		while (number >= job->first[module + 1])
			module++;
		const struct module_debug *debug = job->list->pdata[module];

		hc_scan_unit(job->scans[worker], debug, module,
			&g_array_index(debug->units, struct unit, number - job->first[module]));
	}
}

static int compare_types(const void *a, const void *b)
{
	const struct named_type *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

static int compare_variables(const void *a, const void *b)
{
	const struct static_variable *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static int compare_by_base(const void *a, const void *b, void *data)
{
	const struct named_type *types = data, *x = &types[*(const uint32_t *)a], *y = &types[*(const uint32_t *)b];

	if (x->base != y->base)
		return x->base < y->base ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

/*
 * Several threads have met the same type: the first in the file stays. What is local to a function
 * is nobody's double.
 */
static void remove_doubles(GArray *types)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < types->len; i++) {
		const struct named_type *type = &g_array_index(types, struct named_type, i);
		bool is_double = false;

		for (unsigned k = kept; k-- > 0 && !is_double;) {
			const struct named_type *before = &g_array_index(types, struct named_type, k);

			if (!type->hash || before->hash != type->hash || before->kind != type->kind)
				break;
			is_double = before->size == type->size && !before->is_unique && !type->is_unique;
			if (kept - k > 8)
				break;
		}
		if (!is_double)
			g_array_index(types, struct named_type, kept++) = *type;
	}
	g_array_set_size(types, kept);
}

static void sort_by_base(struct module_debug *debug)
{
	debug->by_base = g_new(uint32_t, debug->types->len + 1);
	for (unsigned i = 0; i < debug->types->len; i++)
		if (g_array_index(debug->types, struct named_type, i).kind == NAMED_COMPOSITE)
			debug->by_base[debug->by_base_count++] = i;
	g_qsort_with_data(debug->by_base, (gint)MIN(debug->by_base_count, G_MAXINT), sizeof *debug->by_base,
		compare_by_base, debug->types->data);
}

static void collect(const struct job *job, const struct scan *scan)
{
	const GArray *types = hc_scan_types(scan), *variables = hc_scan_variables(scan);

	for (unsigned i = 0; i < types->len; i++) {
		const struct scanned_type *found = &g_array_index(types, struct scanned_type, i);
		struct module_debug *debug = job->list->pdata[found->module];

		g_array_append_val(debug->types, found->type);
	}
	for (unsigned i = 0; i < variables->len; i++) {
		const struct scanned_variable *found = &g_array_index(variables, struct scanned_variable, i);
		struct module_debug *debug = job->list->pdata[found->module];

		g_array_append_val(debug->variables, found->variable);
	}
}

/*
 * What has its name in another unit, or stands in a class that has, which may come later, and from
 * another thread.
 */
static void name_the_unnamed(hc_debug_info *info, struct module_debug *debug)
{
	for (unsigned i = 0; i < debug->types->len; i++) {
		struct named_type *type = &g_array_index(debug->types, struct named_type, i);
		Dwarf_Die die;
		const char *name = type->is_unnamed && type->hash && hc_debug_die(debug, type->offset, &die) ?
					   hc_name_of_die(info, debug->module, &die) :
					   NULL;

		if (!name)
			continue;
		hc_name_hashes(name, &type->hash, &type->base);
		type->is_unique |= strstr(name, "(anonymous namespace)") != NULL;
	}
}

static void finish_module(hc_debug_info *info, struct module_debug *debug)
{
	name_the_unnamed(info, debug);
	g_array_sort(debug->types, compare_types);
	remove_doubles(debug->types);
	sort_by_base(debug);
	g_array_sort(debug->variables, compare_variables);
	for (unsigned i = 0; i < debug->units->len; i++) {
		const struct unit *unit = &g_array_index(debug->units, struct unit, i);

		debug->split_units += unit->is_split;
		debug->damaged_units += unit->is_damaged;
	}
}

/* LIST: of struct module_debug. */
static void scan_modules(hc_debug_info *info, GPtrArray *list, unsigned jobs)
{
	struct job job = { .list = list, .first = g_new0(uint64_t, list->len + 1) };
	unsigned workers = hc_parallel_workers(jobs);

	for (unsigned i = 0; i < list->len; i++) {
		struct module_debug *debug = list->pdata[i];

		debug->types = g_array_new(FALSE, FALSE, sizeof(struct named_type));
		debug->variables = g_array_new(FALSE, FALSE, sizeof(struct static_variable));
		debug->names = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
		debug->tried_index = true;
		job.first[i + 1] = job.first[i] + debug->units->len;
	}
	workers = (unsigned)CLAMP(job.first[list->len], 1, workers);
	job.scans = g_new0(struct scan *, workers);
	hc_parallel_run(workers, scan_units, &job);
	for (unsigned i = 0; i < workers; i++) {
		if (job.scans[i])
			collect(&job, job.scans[i]);
		hc_scan_destroy(job.scans[i]);
	}
	for (unsigned i = 0; i < list->len; i++)
		finish_module(info, list->pdata[i]);
	g_free(job.scans);
	g_free(job.first);
}

void hc_debug_info_index(hc_debug_info *info, unsigned jobs)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new();

	if (info->indexed)
		return;
	info->indexed = true;
	for (unsigned i = 0; i < info->program_count; i++) {
		struct module_debug *debug = hc_module_debug(info, info->in_order[i]);

		if (debug->dwarf && !debug->tried_index)
			g_ptr_array_add(list, debug);
	}
	scan_modules(info, list, jobs);
}

struct module_debug *hc_module_index(hc_debug_info *info, const hc_module *module)
{
	hc_debug_info_index(info, 0);
	struct module_debug *debug = hc_module_debug(info, module);

	if (!debug->dwarf)
		return NULL;
	if (!debug->tried_index) {
		g_autoptr(GPtrArray) list = g_ptr_array_new();

		g_ptr_array_add(list, debug);
		scan_modules(info, list, 0);
	}
	return debug;
}

/* ---- questions ---- */

uint64_t hc_die_offset(const struct module_debug *debug, Dwarf_Die *die)
{
	uint64_t offset = dwarf_dieoffset(die);
	Dwarf_Half version;
	uint8_t type;

	if (debug->shared && dwarf_cu_getdwarf(die->cu) == debug->shared->dwarf)
		return offset | OFFSET_IN_SHARED;
	if (debug->sections[SECTION_TYPES].size &&
		!dwarf_cu_info(die->cu, &version, &type, NULL, NULL, NULL, NULL, NULL) && version < 5 &&
		type == DW_UT_type)
		offset |= OFFSET_IN_TYPES;
	return offset;
}

bool hc_debug_die(const struct module_debug *debug, uint64_t offset, Dwarf_Die *ret_die)
{
	if (offset & OFFSET_IN_TYPES)
		return dwarf_offdie_types(debug->dwarf, offset & ~OFFSET_IN_TYPES, ret_die) != NULL;
	if (offset & OFFSET_IN_SHARED)
		return debug->shared && dwarf_offdie(debug->shared->dwarf, offset & ~OFFSET_IN_SHARED, ret_die) != NULL;
	return dwarf_offdie(debug->dwarf, offset, ret_die) != NULL;
}

const struct unit *hc_debug_unit(const struct module_debug *debug, uint64_t offset)
{
	unsigned low = HC_PARTITION_POINT(
		middle, 0, debug->units->len, g_array_index(debug->units, struct unit, middle).offset <= offset);
	const struct unit *unit = low ? &g_array_index(debug->units, struct unit, low - 1) : NULL;

	return unit && offset < unit->end ? unit : NULL;
}

const struct scope *hc_unit_scope_around(const struct unit *unit, uint64_t offset)
{
	uint64_t at = offset - unit->offset;
	unsigned low = HC_PARTITION_POINT(middle, 0, unit->scope_count, unit->scopes[middle].start < at);
	/* The last that begins before, or one of those around it. */
	for (uint32_t i = low ? low - 1 : NO_SCOPE; i != NO_SCOPE && i < unit->scope_count; i = unit->scopes[i].parent)
		if (at < unit->scopes[i].end)
			return &unit->scopes[i];
	return NULL;
}

static uint64_t key_at(const struct module_debug *debug, unsigned index, bool by_base)
{
	const struct named_type *types = (const struct named_type *)(void *)debug->types->data;

	return by_base ? types[debug->by_base[index]].base : types[index].hash;
}

static unsigned find_key(
	const struct module_debug *debug, uint64_t key, bool by_base, unsigned count, unsigned *ret_first)
{
	unsigned low = HC_PARTITION_POINT(middle, 0, count, key_at(debug, middle, by_base) < key);
	*ret_first = low;
	while (low < count && key_at(debug, low, by_base) == key)
		low++;
	return low - *ret_first;
}

unsigned hc_debug_types(const struct module_debug *debug, uint64_t hash, unsigned *ret_first)
{
	return find_key(debug, hash, false, debug->types->len, ret_first);
}

unsigned hc_debug_types_by_base(const struct module_debug *debug, uint64_t base, unsigned *ret_first)
{
	return find_key(debug, base, true, debug->by_base_count, ret_first);
}

/* ---- units by address ---- */

static int compare_ranges(const void *a, const void *b)
{
	const struct unit_range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->unit > y->unit) - (x->unit < y->unit);
}

static void add_ranges(struct module_debug *debug, unsigned index)
{
	const struct unit *unit = &g_array_index(debug->units, struct unit, index);
	Dwarf_Addr base, start, end;
	Dwarf_Die die;

	if (unit->is_split || (unit->type != DW_UT_compile && unit->type != DW_UT_partial) ||
		!hc_debug_die(debug, unit->first, &die))
		return;
	for (ptrdiff_t next = 0; (next = dwarf_ranges(&die, next, &base, &start, &end)) > 0;) {
		struct unit_range range = { start, end, index };

		/* 0 and 1: what the linker dropped */
		if (start > 1 && start < end && debug->ranges->len < RANGES_MAX)
			g_array_append_val(debug->ranges, range);
	}
}

bool hc_module_unit_at(hc_debug_info *info, const hc_module *module, hc_address address, Dwarf_Die *ret_unit)
{
	uint64_t wanted = address - module->bias;

	/* Of the program's units it tells which are in other files; what is in those of a library like libc is not asked for here. */
	hc_debug_info_index(info, 0);
	struct module_debug *debug = hc_module_debug(info, module);

	if (!debug->dwarf)
		return false;
	if (!debug->ranges) {
		debug->ranges = g_array_new(FALSE, FALSE, sizeof(struct unit_range));
		for (unsigned i = 0; i < debug->units->len; i++)
			add_ranges(debug, i);
		g_array_sort(debug->ranges, compare_ranges);
	}
	unsigned low = HC_PARTITION_POINT(
		middle, 0, debug->ranges->len, g_array_index(debug->ranges, struct unit_range, middle).start <= wanted);
	/*
	 * Ranges of two units overlap where the linker has folded functions; a few steps back will
	 * do.
	 */
	for (unsigned i = low; i-- > 0 && low - i < 16;) {
		const struct unit_range *range = &g_array_index(debug->ranges, struct unit_range, i);

		if (wanted < range->end)
			return hc_debug_die(
				debug, g_array_index(debug->units, struct unit, range->unit).first, ret_unit);
	}
	return false;
}

/* ---- names of DIEs ---- */

/* What DIE completes, or is an instance of: there it has its name, and stands in its scopes. */
static Dwarf_Die follow(const Dwarf_Die *die)
{
	Dwarf_Die at = *die, next;

	for (unsigned i = 0; i < STEPS_MAX; i++) {
		Dwarf_Attribute attribute;

		if ((!dwarf_attr(&at, DW_AT_signature, &attribute) &&
			    !dwarf_attr(&at, DW_AT_specification, &attribute) &&
			    !dwarf_attr(&at, DW_AT_abstract_origin, &attribute)) ||
			!dwarf_formref_die(&attribute, &next))
			break;
		at = next;
	}
	return at;
}

bool hc_tag_is_composite(int tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_interface_type || tag == DW_TAG_enumeration_type;
}

/* The name of DIE alone; NULL: it is to be left out. */
static char *own_name(Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	int tag = dwarf_tag(die);

	if (tag == DW_TAG_namespace || tag == DW_TAG_module) {
		if (!name)
			return g_strdup("(anonymous namespace)");
		return dwarf_hasattr(die, DW_AT_export_symbols) || hc_name_is_inline_namespace(name, strlen(name)) ?
			       NULL :
			       g_strdup(name);
	}
	if (name && *name)
		return hc_tag_is_composite(tag) ? hc_name_without_inline_namespaces(name) : g_strdup(name);
	switch (tag) {
	case DW_TAG_union_type:
		return g_strdup("(anonymous union)");
	case DW_TAG_enumeration_type:
		return g_strdup("(anonymous enum)");
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_interface_type:
		return g_strdup("(anonymous struct)");
	default:
		return NULL;
	}
}

static const struct scope *scope_of_die(const struct module_debug *debug, Dwarf_Die *die, const struct unit **ret_unit)
{
	uint64_t offset = hc_die_offset(debug, die);

	*ret_unit = hc_debug_unit(debug, offset);
	return *ret_unit ? hc_unit_scope_around(*ret_unit, offset) : NULL;
}

static const char *make_name(hc_debug_info *info, struct module_debug *debug, Dwarf_Die *die)
{
	Dwarf_Die at = follow(die);
	const char *parts[HC_NAME_PARTS_MAX];
	g_autoptr(GPtrArray) owned = g_ptr_array_new_with_free_func(g_free);
	unsigned count = 0;
	char *own = own_name(&at);

	if (!own)
		return NULL;
	g_ptr_array_add(owned, own);
	parts[count++] = own;
	/* Steps are counted too: damaged, an inline namespace, which is no part, may stand in itself. */
	for (unsigned steps = 0; steps < HC_NAME_PARTS_MAX && count < HC_NAME_PARTS_MAX; steps++) {
		const struct unit *unit;
		const struct scope *scope = scope_of_die(debug, &at, &unit);
		Dwarf_Die parent;

		if (!scope || !hc_debug_die(debug, unit->offset + scope->start, &parent))
			break;
		at = follow(&parent);
		char *part = own_name(&at);

		if (part) {
			g_ptr_array_add(owned, part);
			parts[count++] = part;
		}
	}
	g_autoptr(GString) text = g_string_new(NULL);

	while (count--) {
		g_string_append(text, parts[count]);
		if (count)
			g_string_append(text, "::");
	}
	return g_string_chunk_insert_const(info->strings, text->str);
}

const char *hc_name_of_die(hc_debug_info *info, const hc_module *module, Dwarf_Die *die)
{
	struct module_debug *debug = hc_module_index(info, module);
	gpointer known;

	if (!debug)
		return NULL;
	guint64 offset = hc_die_offset(debug, die);

	if (g_hash_table_lookup_extended(debug->names, &offset, NULL, &known))
		return known;
	const char *name = make_name(info, debug, die);

	g_hash_table_insert(debug->names, g_memdup2(&offset, sizeof offset), (char *)name);
	return name;
}

const char *hc_function_of_die(hc_debug_info *info, const hc_module *module, Dwarf_Die *die)
{
	struct module_debug *debug = hc_module_index(info, module);
	const struct unit *unit;
	/*
	 * The DIE itself first: an instance stands in the function, too, where the origin's is not
	 * kept.
	 */
	const struct scope *scope = debug ? scope_of_die(debug, die, &unit) : NULL;

	while (scope) {
		Dwarf_Die parent;

		if (!hc_debug_die(debug, unit->offset + scope->start, &parent))
			break;
		if (dwarf_tag(&parent) == DW_TAG_subprogram)
			return hc_name_of_die(info, module, &parent);
		scope = scope->parent < unit->scope_count ? &unit->scopes[scope->parent] : NULL;
	}
	return NULL;
}
