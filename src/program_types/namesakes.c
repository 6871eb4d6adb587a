/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Classes of one name whose definitions differ.
 *
 * The index of each module has a row for each name and size; all rows together, sorted by the name's hash, have namesakes side by
 * side. Only these are looked at: one DIE of each row is made a type, which is one object for all that agree, so a set is told by
 * having two types. Within one module the index keeps one row of those that agree in name and size: two layouts of one size are told
 * where they are in two modules.
 *
 * C's "typedef struct { ... } name" has a row for the typedef, without a size: the DIE tells whether it is one.
 *
 * A name here is what the linker has: with the inline namespaces that people leave out, so the two std::string of libstdc++ are two
 * names. What is local to a function or stands in an anonymous namespace has none.
 */
#include "program_types/program_types_state.h"

#include <dwarf.h>
#include <string.h>

enum {
	ROWS_MAX = 1 << 26,
	NAMESAKES_MAX = 256, /* rows of one name that are looked at */
	SCOPES_MAX = 64,
	CHILDREN_MAX = 1 << 16, /* of a DIE */
};

struct row {
	uint64_t hash;
	uint32_t module; /* in hc_debug_info.in_order */
	uint32_t index;	 /* in its types */
	uint16_t kind;	 /* NAMED_... */
};

struct search {
	hc_program_types *types;
	bool sizes_only;
	hc_namesakes_visit visit;
	void *data;
	uint64_t names; /* that have several definitions */
};

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->module != y->module)
		return x->module < y->module ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static const struct named_type *named_type_of(const hc_program_types *types, const struct row *row)
{
	const struct module_debug *debug = hc_module_debug(types->info, types->info->in_order[row->module]);

	return &g_array_index(debug->types, struct named_type, row->index);
}

/* All that have a name of their own, sorted by it. */
static GArray *make_rows(hc_program_types *types)
{
	GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct row));

	for (unsigned i = 0; i < types->info->program_count; i++) {
		const struct module_debug *debug = hc_module_index(types->info, types->info->in_order[i]);

		for (unsigned k = 0; debug && k < debug->types->len && rows->len < ROWS_MAX; k++) {
			const struct named_type *type = &g_array_index(debug->types, struct named_type, k);
			struct row row = { type->hash, i, k, type->kind };

			if (type->hash && !type->is_unique)
				g_array_append_val(rows, row);
		}
	}
	g_array_sort(rows, compare_rows);
	return rows;
}

/* Others have no rules by which two modules would have to agree. */
static bool is_c_or_cxx(Dwarf_Die *die)
{
	Dwarf_Die unit;

	if (!dwarf_diecu(die, &unit, NULL, NULL))
		return false;
	switch (dwarf_srclang(&unit)) {
	case DW_LANG_C:
	case DW_LANG_C89:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case DW_LANG_ObjC:
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
	case DW_LANG_ObjC_plus_plus:
	case 0x002a: /* DW_LANG_C_plus_plus_17, which older headers lack */
	case 0x002b: /* DW_LANG_C_plus_plus_20 */
	case 0x002c: /* DW_LANG_C17 */
	case -1:     /* what several units share says nothing */
		return true;
	default:
		return false;
	}
}

/* The scopes that DIE stands in, innermost first, inline ones too. */
static const char *scopes_of(const hc_program_types *types, const struct module_debug *debug, Dwarf_Die *die)
{
	g_autoptr(GString) text = g_string_new(NULL);
	uint64_t offset = hc_die_offset(debug, die);
	const struct unit *unit = hc_debug_unit(debug, offset);
	const struct scope *scope = unit ? hc_unit_scope_around(unit, offset) : NULL;

	for (unsigned i = 0; scope && i < SCOPES_MAX; i++) {
		Dwarf_Die parent;
		const char *name = hc_debug_die(debug, unit->offset + scope->start, &parent) ? dwarf_diename(&parent) :
											       NULL;

		g_string_append_printf(text, "%s::", name ? name : "");
		scope = scope->parent < unit->scope_count ? &unit->scopes[scope->parent] : NULL;
	}
	return g_string_chunk_insert_const(types->strings, text->str);
}

static const char *keep(const hc_program_types *types, const char *text)
{
	return text ? g_string_chunk_insert_const(types->strings, text) : NULL;
}

/* ---- member functions ---- */

static const char *linkage_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;

	return dwarf_attr(die, DW_AT_linkage_name, &attribute) || dwarf_attr(die, DW_AT_MIPS_linkage_name, &attribute) ?
		       dwarf_formstring(&attribute) :
		       NULL;
}

/* DW_AT_vtable_elem_location is an expression that is one constant (gcc, clang), or the constant itself. */
static bool read_slot(Dwarf_Die *die, uint64_t *ret_slot)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *operations;
	size_t count;

	if (hc_die_unsigned(die, DW_AT_vtable_elem_location, ret_slot))
		return true;
	if (!dwarf_attr(die, DW_AT_vtable_elem_location, &attribute) ||
		dwarf_getlocation(&attribute, &operations, &count) || count != 1)
		return false;
	if (operations[0].atom >= DW_OP_lit0 && operations[0].atom <= DW_OP_lit31) {
		*ret_slot = operations[0].atom - DW_OP_lit0;
		return true;
	}
	*ret_slot = operations[0].number;
	return operations[0].atom == DW_OP_constu || operations[0].atom == DW_OP_const1u ||
	       operations[0].atom == DW_OP_const2u;
}

GArray *hc_namesake_methods(hc_program_types *types, const hc_namesake *namesake)
{
	const struct module_debug *debug = hc_module_debug(types->info, namesake->module);
	GArray *methods = g_array_new(FALSE, FALSE, sizeof(hc_method));
	unsigned steps = 0;
	Dwarf_Die die, child;

	if (!hc_debug_die(debug, namesake->offset, &die) || dwarf_child(&die, &child))
		return methods;
	do {
		hc_method method = { 0 };
		uint64_t virtuality = 0;

		if (dwarf_tag(&child) != DW_TAG_subprogram)
			continue;
		method.name = keep(types, dwarf_diename(&child));
		method.linkage = keep(types, linkage_name(&child));
		method.is_artificial = dwarf_hasattr(&child, DW_AT_artificial);
		hc_die_unsigned(&child, DW_AT_virtuality, &virtuality);
		method.is_virtual = virtuality && read_slot(&child, &method.slot);
		if (method.name)
			g_array_append_val(methods, method);
	} while (++steps < CHILDREN_MAX && !dwarf_siblingof(&child, &child));
	return methods;
}

/* One figure for what hc_namesake_methods() tells of virtual functions that the source declares. */
static uint64_t sign_functions(Dwarf_Die *die)
{
	uint64_t hash = 0;
	unsigned steps = 0;
	Dwarf_Die child;

	if (dwarf_child(die, &child))
		return 0;
	do {
		uint64_t virtuality = 0, slot = 0;
		const char *name;

		if (dwarf_tag(&child) != DW_TAG_subprogram || !dwarf_hasattr(&child, DW_AT_virtuality) ||
			dwarf_hasattr(&child, DW_AT_artificial) ||
			!hc_die_unsigned(&child, DW_AT_virtuality, &virtuality) || !virtuality ||
			!read_slot(&child, &slot))
			continue;
		name = linkage_name(&child);
		if (!name)
			name = dwarf_diename(&child);
		hash = hc_name_hash_within(hash ? hash : HC_NAME_ROOT, slot);
		if (name)
			hash = hc_name_hash_within(hash, hc_name_hash(name, strlen(name)));
	} while (++steps < CHILDREN_MAX && !dwarf_siblingof(&child, &child));
	return hash;
}

/* ---- definitions ---- */

/* From a typedef to the class without a name that it gives its own, through nothing else. FALSE: it is none of these. */
static bool follow_typedef(Dwarf_Die *die)
{
	Dwarf_Die target;
	const char *name;

	if (dwarf_tag(die) != DW_TAG_typedef || !hc_die_target(die, &target) ||
		!hc_tag_is_composite(dwarf_tag(&target)))
		return false;
	name = dwarf_diename(&target);
	*die = target;
	return !name || !*name;
}

/* FALSE if the row tells of nothing that can be compared. */
static bool read_namesake(hc_program_types *types, const struct row *row, hc_namesake *namesake)
{
	const hc_module *module = types->info->in_order[row->module];
	const struct module_debug *debug = hc_module_debug(types->info, module);
	Dwarf_Die named, die;

	if (!hc_debug_die(debug, named_type_of(types, row)->offset, &named))
		return false;
	die = named;
	if ((!hc_tag_is_composite(dwarf_tag(&die)) && !follow_typedef(&die)) ||
		dwarf_hasattr(&die, DW_AT_declaration) || !is_c_or_cxx(&die))
		return false;
	*namesake = (hc_namesake){
		.type = hc_type_of_die(types, module, &named),
		.module = module,
		.offset = hc_die_offset(debug, &die),
		.functions = sign_functions(&die),
	};
	return namesake->type->kind == HC_TYPE_STRUCT || namesake->type->kind == HC_TYPE_UNION ||
	       namesake->type->kind == HC_TYPE_ENUM;
}

/* What is asked of those only that differ. */
static void read_places(hc_program_types *types, hc_namesake *namesake)
{
	struct module_debug *debug = hc_module_debug(types->info, namesake->module);
	uint64_t line = 0;
	Dwarf_Die die, unit;

	if (!hc_debug_die(debug, namesake->offset, &die))
		return;
	namesake->scopes = scopes_of(types, debug, &die);
	namesake->declared = keep(types, hc_debug_decl_file(debug, namesake->offset));
	if (hc_die_unsigned(&die, DW_AT_decl_line, &line))
		namesake->line = (unsigned)MIN(line, UINT_MAX);
	if (!(namesake->offset & (OFFSET_IN_SHARED | OFFSET_IN_TYPES)) && dwarf_diecu(&die, &unit, NULL, NULL))
		namesake->unit = keep(types, dwarf_diename(&unit));
}

/* Whether ROWS, of one name, may differ: cheap, and TRUE if in doubt. */
static bool may_differ(const struct search *search, const struct row *rows, unsigned count)
{
	const struct named_type *first = named_type_of(search->types, &rows[0]);
	bool is_one_place = true;

	for (unsigned i = 1; i < count; i++) {
		const struct named_type *type = named_type_of(search->types, &rows[i]);

		if (type->size != first->size)
			return true;
		/* What several files share is one and the same. */
		is_one_place &= type->offset == first->offset && (type->offset & OFFSET_IN_SHARED);
	}
	return (!search->sizes_only || rows->kind == NAMED_OTHER) && !is_one_place;
}

static int compare_namesakes(const void *a, const void *b)
{
	const hc_namesake *x = a, *y = b;
	int order = g_strcmp0(x->scopes, y->scopes);

	return order ? order : strcmp(x->type->name, y->type->name);
}

static bool is_other(const hc_namesake *a, const hc_namesake *b)
{
	return a->type != b->type || a->functions != b->functions;
}

/* Calls VISIT for each part of NAMESAKES, which are sorted, that is of one name and has two types. FALSE if that says to stop. */
static bool visit_names(const GArray *namesakes, hc_namesakes_visit visit, void *data)
{
	const hc_namesake *all = (const hc_namesake *)(const void *)namesakes->data;

	for (unsigned start = 0, end; start < namesakes->len; start = end) {
		bool differ = false;

		for (end = start + 1; end < namesakes->len && !compare_namesakes(&all[start], &all[end]); end++)
			differ |= is_other(&all[end], &all[start]);
		if (differ && !visit(&all[start], end - start, data))
			return false;
	}
	return true;
}

/* FALSE if it is enough. */
static bool look_at(struct search *search, const struct row *rows, unsigned count)
{
	g_autoptr(GArray) namesakes = g_array_new(FALSE, FALSE, sizeof(hc_namesake));
	bool differ = false;

	for (unsigned i = 0; i < MIN(count, NAMESAKES_MAX); i++) {
		hc_namesake namesake;

		if (!read_namesake(search->types, &rows[i], &namesake))
			continue;
		differ |= namesakes->len && is_other(&g_array_index(namesakes, hc_namesake, 0), &namesake);
		g_array_append_val(namesakes, namesake);
	}
	search->names += rows->kind == NAMED_OTHER && namesakes->len > 1;
	if (!differ)
		return true;
	for (unsigned i = 0; i < namesakes->len; i++)
		read_places(search->types, &g_array_index(namesakes, hc_namesake, i));
	g_array_sort(namesakes, compare_namesakes);
	return visit_names(namesakes, search->visit, search->data);
}

uint64_t hc_program_types_each_namesakes(hc_program_types *types, bool sizes_only, hc_namesakes_visit visit, void *data)
{
	g_autoptr(GArray) table = make_rows(types);
	const struct row *rows = (const struct row *)(const void *)table->data;
	struct search search = { .types = types, .sizes_only = sizes_only, .visit = visit, .data = data };

	for (unsigned start = 0, end; start < table->len; start = end) {
		for (end = start + 1;
			end < table->len && rows[end].hash == rows[start].hash && rows[end].kind == rows[start].kind;
			end++)
			;
		if (end - start < 2)
			continue;
		search.names += rows[start].kind == NAMED_COMPOSITE;
		if (may_differ(&search, &rows[start], end - start) && !look_at(&search, &rows[start], end - start))
			break;
	}
	return search.names;
}

bool hc_program_types_describes(hc_program_types *types, const hc_module *module)
{
	return hc_module_debug(types->info, module)->dwarf != NULL;
}

unsigned hc_program_types_described(hc_program_types *types)
{
	unsigned count = 0;

	for (unsigned i = 0; i < types->info->program_count; i++)
		count += hc_program_types_describes(types, types->info->in_order[i]);
	return count;
}
