/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Functions by address, and calls by the address that they come back to.
 *
 * libdw's dwarf_getscopes() walks a unit for every question, and does not go into namespaces, where
 * clang puts functions. Here a unit is walked once: every DW_TAG_subprogram with ranges goes into a
 * table by address. Only the units that a thread stands in are walked. Call sites are looked for in
 * the DIEs of one function and are kept, too: a recursion comes back to the same place a thousand
 * times.
 *
 * What a call site tells about parameters holds for the function that it calls. That need not be
 * the one whose frame is next: a function that ends with a call jumps there, and leaves no frame
 * ("tail call"). So a call site counts only if it calls the function whose frame it is, and no
 * chain of jumps leads from that function to itself; gdb does the same.
 *
 * DIEs are walked with explicit stacks, and no further than STEPS_MAX: DW_AT_sibling may lead in a
 * circle.
 */
#include "dwarf/dwarf_state.h"

#include "base/partition.h"

#include <dwarf.h>

enum {
	STEPS_MAX = 1 << 24, /* DIEs of a unit */
	JUMPS_MAX = 64,	     /* functions that one can get to by jumps */
};

struct function {
	Dwarf_Addr low, high; /* in the file */
	Dwarf_Die die;
};

struct call_site {
	guint64 address;
	const void *unit; /* of the function that it was looked for in */
	Dwarf_Die die;	  /* addr NULL: there is none */
};

/* ---- walks ---- */

void hc_die_walk_begin(hc_die_walk *walk, Dwarf_Die *top)
{
	walk->steps = 0;
	walk->depth = dwarf_child(top, &walk->stack[0]) ? 0 : 1;
}

Dwarf_Die *hc_die_walk_at(hc_die_walk *walk)
{
	return walk->depth && walk->steps < STEPS_MAX ? &walk->stack[walk->depth - 1] : NULL;
}

void hc_die_walk_next(hc_die_walk *walk, bool into)
{
	Dwarf_Die *at = &walk->stack[walk->depth - 1];

	walk->steps++;
	if (into && walk->depth < HC_DIE_NESTING_MAX && !dwarf_child(at, at + 1)) {
		walk->depth++;
		return;
	}
	while (walk->depth && dwarf_siblingof(&walk->stack[walk->depth - 1], &walk->stack[walk->depth - 1]))
		walk->depth--;
}

/* ---- functions ---- */

static int compare_functions(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return (x->low > y->low) - (x->low < y->low);
}

static void add_function(GArray *functions, Dwarf_Die *die)
{
	struct function function = { .die = *die };
	Dwarf_Addr base;
	ptrdiff_t offset = 0;

	for (unsigned i = 0; i < G_MAXUINT16; i++) {
		offset = dwarf_ranges(die, offset, &base, &function.low, &function.high);
		if (offset <= 0)
			return;
		if (function.low < function.high)
			g_array_append_val(functions, function);
	}
}

/* Functions are members of namespaces and classes, and those of local classes are in functions. */
static bool may_hold_functions(int tag)
{
	switch (tag) {
	case DW_TAG_subprogram:
	case DW_TAG_lexical_block:
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
		return true;
	default:
		return false;
	}
}

static const GArray *functions_of_unit(hc_debug_info *info, Dwarf_Die *unit)
{
	GArray *functions = g_hash_table_lookup(info->functions, unit->cu);
	hc_die_walk walk;
	Dwarf_Die *die;

	if (functions)
		return functions;
	functions = g_array_new(FALSE, FALSE, sizeof(struct function));
	hc_die_walk_begin(&walk, unit);
	while ((die = hc_die_walk_at(&walk))) {
		int tag = dwarf_tag(die);

		if (tag == DW_TAG_subprogram)
			add_function(functions, die);
		hc_die_walk_next(&walk, may_hold_functions(tag));
	}
	g_array_sort(functions, compare_functions);
	g_hash_table_insert(info->functions, unit->cu, functions);
	return functions;
}

/* The function of UNIT that ADDRESS, as the file has it, is in. */
static bool function_of_unit(hc_debug_info *info, Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die *ret_function)
{
	const GArray *functions = functions_of_unit(info, unit);
	unsigned low = HC_PARTITION_POINT(
		middle, 0, functions->len, g_array_index(functions, struct function, middle).low <= address);
	const struct function *function = low ? &g_array_index(functions, struct function, low - 1) : NULL;

	if (!function || address >= function->high)
		return false;
	*ret_function = function->die;
	return true;
}

bool hc_function_at(hc_debug_info *info, const hc_module *module, hc_address address, Dwarf_Die *ret_function)
{
	Dwarf_Addr bias;
	Dwarf_Die unit;

	return hc_module_dwarf(info, module, &bias) && hc_module_unit_at(info, module, address, &unit) &&
	       function_of_unit(info, &unit, address - bias, ret_function);
}

bool hc_function_in_part(hc_debug_info *info, const hc_module *module, hc_address address, Dwarf_Die *ret_function)
{
	Dwarf_Die unit;

	return hc_module_part_at(info, module, address, &unit) &&
	       function_of_unit(info, &unit, address - module->bias, ret_function);
}

static bool follow(Dwarf_Die *die, unsigned name, Dwarf_Die *ret_die)
{
	Dwarf_Attribute attribute;

	return dwarf_attr(die, name, &attribute) && dwarf_formref_die(&attribute, ret_die);
}

bool hc_function_origin(Dwarf_Die *function, Dwarf_Die *ret_origin)
{
	return follow(function, DW_AT_abstract_origin, ret_origin) || follow(function, DW_AT_specification, ret_origin);
}

bool hc_function_scope(const struct module_debug *debug, Dwarf_Die *function, Dwarf_Die *ret_scope)
{
	uint64_t offset = hc_die_offset(debug, function);
	const struct unit *unit = hc_debug_unit(debug, offset);
	const struct scope *scope = unit ? hc_unit_scope_around(unit, offset) : NULL;
	Dwarf_Attribute attribute;
	Dwarf_Die target;

	if (!scope || !hc_debug_die(debug, unit->offset + scope->start, ret_scope))
		return false;
	/* Its arguments stand in a type unit. */
	if (dwarf_attr(ret_scope, DW_AT_signature, &attribute) && dwarf_formref_die(&attribute, &target))
		*ret_scope = target;
	return true;
}

/* ---- calls ---- */

static bool is_call_site(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_call_site || tag == DW_TAG_GNU_call_site;
}

static bool is_jump(Dwarf_Die *site)
{
	Dwarf_Attribute attribute;
	bool flag;

	return (dwarf_attr(site, DW_AT_call_tail_call, &attribute) ||
		       dwarf_attr(site, DW_AT_GNU_tail_call, &attribute)) &&
	       (dwarf_formflag(&attribute, &flag) || flag);
}

static bool comes_back_to(Dwarf_Die *site, Dwarf_Addr wanted)
{
	Dwarf_Attribute attribute;
	Dwarf_Addr address;

	return (dwarf_attr(site, DW_AT_call_return_pc, &attribute) || dwarf_attr(site, DW_AT_low_pc, &attribute)) &&
	       !dwarf_formaddr(&attribute, &address) && address == wanted;
}

/* Call sites stand in the blocks and inlined functions that the call is in. */
static bool may_hold_calls(int tag)
{
	return tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine || tag == DW_TAG_try_block ||
	       tag == DW_TAG_catch_block;
}

static bool find_call_site(Dwarf_Die *function, Dwarf_Addr address, Dwarf_Die *ret_site)
{
	hc_die_walk walk;
	Dwarf_Die *die;

	hc_die_walk_begin(&walk, function);
	while ((die = hc_die_walk_at(&walk))) {
		if (is_call_site(die) && comes_back_to(die, address) && !is_jump(die)) {
			*ret_site = *die;
			return true;
		}
		hc_die_walk_next(&walk, may_hold_calls(dwarf_tag(die)));
	}
	return false;
}

bool hc_call_site_at(
	hc_debug_info *info, const hc_module *module, Dwarf_Die *function, hc_address address, Dwarf_Die *ret_site)
{
	guint64 key = address;
	struct call_site *site = g_hash_table_lookup(info->call_sites, &key);

	/* What one unit told that was read alone may not be all. */
	if (!site || site->unit != function->cu) {
		site = g_new0(struct call_site, 1);
		site->address = address;
		site->unit = function->cu;
		if (!find_call_site(function, address - module->bias, &site->die))
			site->die.addr = NULL;
		g_hash_table_replace(info->call_sites, &site->address, site);
	}
	*ret_site = site->die;
	return site->die.addr;
}

/* ---- whom a call site calls ---- */

/* The DIE that all instances of a function come from: its first declaration. */
static Dwarf_Die origin_of(Dwarf_Die *die)
{
	Dwarf_Die at = *die, next;

	for (unsigned i = 0; i < 16 && hc_function_origin(&at, &next); i++)
		at = next;
	return at;
}

static const char *linkage_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
		dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
		return dwarf_formstring(&attribute);
	return NULL;
}

/*
 * By the declarations that both come from: a constructor's instances have names of their own, its
 * declaration has one.
 */
static bool is_same_function(Dwarf_Die *a, Dwarf_Die *b)
{
	Dwarf_Die x = origin_of(a), y = origin_of(b);

	if (x.addr == y.addr)
		return true;
	const char *name = linkage_name(&x), *other = linkage_name(&y);

	if (!name && !other) {
		name = dwarf_diename(&x);
		other = dwarf_diename(&y);
	}
	return name && other && !strcmp(name, other);
}

/* The function that SITE names. FALSE: it calls through a pointer. */
static bool named_callee(Dwarf_Die *site, Dwarf_Die *ret_callee)
{
	return follow(site, DW_AT_call_origin, ret_callee) || follow(site, DW_AT_abstract_origin, ret_callee);
}

static bool is_entry(hc_debug_info *info, const hc_module *module, Dwarf_Die *function, hc_address address)
{
	Dwarf_Addr entry, bias;

	return hc_module_dwarf(info, module, &bias) && !dwarf_entrypc(function, &entry) && entry + bias == address;
}

/* ---- jumps ---- */

/*
 * The instance, with code, of the function that DECLARATION is of, in MODULE. FALSE: it is in
 * another module, or has no debug info.
 */
static bool find_instance(hc_debug_info *info, const hc_module *module, Dwarf_Die *declaration, Dwarf_Die *ret_function)
{
	Dwarf_Die origin = origin_of(declaration), unit;
	const char *name = linkage_name(&origin);
	hc_symbol symbol;

	if (dwarf_diecu(declaration, &unit, NULL, NULL)) {
		const GArray *functions = functions_of_unit(info, &unit);

		for (unsigned i = 0; i < functions->len; i++) {
			Dwarf_Die *die = &g_array_index(functions, struct function, i).die;

			if (origin_of(die).addr == origin.addr) {
				*ret_function = *die;
				return true;
			}
		}
	}
	return (name || (name = dwarf_diename(&origin))) && hc_module_symbol(info->modules, module, name, &symbol) &&
	       !symbol.is_tls && hc_function_at(info, module, symbol.address, ret_function);
}

/* Puts the functions that FUNCTION jumps to into FOUND. FALSE if one is not known. */
static bool add_jumps(hc_debug_info *info, const hc_module *module, Dwarf_Die *function, GArray *found)
{
	hc_die_walk walk;
	Dwarf_Die *die, callee, instance;

	hc_die_walk_begin(&walk, function);
	while ((die = hc_die_walk_at(&walk))) {
		if (is_call_site(die) && is_jump(die)) {
			if (!named_callee(die, &callee) || found->len > JUMPS_MAX)
				return false;
			bool known = !find_instance(info, module, &callee, &instance);

			for (unsigned i = 0; i < found->len && !known; i++)
				known = g_array_index(found, Dwarf_Die, i).addr == instance.addr;
			if (!known)
				g_array_append_val(found, instance);
		}
		hc_die_walk_next(&walk, may_hold_calls(dwarf_tag(die)));
	}
	return true;
}

static bool search_jumps(hc_debug_info *info, const hc_module *module, Dwarf_Die *function)
{
	g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(Dwarf_Die));

	if (!add_jumps(info, module, function, found))
		return true;
	for (unsigned i = 0; i < found->len; i++) {
		Dwarf_Die next = g_array_index(found, Dwarf_Die, i);

		if (next.addr == function->addr || !add_jumps(info, module, &next, found))
			return true;
	}
	return false;
}

/* Whether FUNCTION may have been entered again by jumps since it was called. */
static bool may_jump_to_itself(hc_debug_info *info, const hc_module *module, Dwarf_Die *function)
{
	enum {
		MAYBE = 1,
		NEVER
	};
	int answer = GPOINTER_TO_INT(g_hash_table_lookup(info->jumpers, function->addr));

	if (!answer) {
		answer = search_jumps(info, module, function) ? MAYBE : NEVER;
		g_hash_table_insert(info->jumpers, function->addr, GINT_TO_POINTER(answer));
	}
	return answer == MAYBE;
}

bool hc_call_site_calls(
	hc_debug_info *info, Dwarf_Die *site, hc_address indirect, const hc_module *module, Dwarf_Die *callee)
{
	Dwarf_Die named;

	if (named_callee(site, &named) ? !is_same_function(&named, callee) : !is_entry(info, module, callee, indirect))
		return false;
	return !may_jump_to_itself(info, module, callee);
}
