/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Functions of C that one module calls by another declaration than they are defined with, as a program does that was built with the header of another
 * version: C has no parameters in a function's name, so nothing else notices. The callee takes for a parameter what happens to be in its place.
 *
 * A module's words for the functions of others, which the dynamic linker has filled, say whom its calls reach: which of several that have one name,
 * or one name in several versions. Where such a word leads to the beginning of a function that is called so, the debug info of both sides is
 * compared: each declaration in the files of the one, the definition in the other. What was not bound yet was never called.
 *
 * Parameters differ in their number, or if one is passed otherwise: in another size, or as a pointer, a number, a number with a fraction, or a
 * struct. What is a union may stand for any of what it holds, as gcc's transparent ones do.
 */
#include "abi/abi_state.h"

#include <string.h>

enum {
	ANSWERS_MAX = 1 << 12,
	TARGETS_MAX = 1 << 20, /* of one module */
};

/* A function that a module calls. */
struct target {
	hc_address address;
	bool is_tried, is_known, is_named, is_told;
	hc_signature definition; /* if is_known; is_named: it has the name by which it is called */
};

struct search {
	hc_abi *abi;
	GHashTable *targets; /* name -> struct target */
};

static void free_target(gpointer data)
{
	struct target *target = data;

	if (target->is_known)
		hc_signature_clear(&target->definition);
	g_free(target);
}

/* ---- are two parameters passed alike? ---- */

enum passing {
	PASSED_ANYHOW, /* not known, or it may stand for others */
	PASSED_NUMBER,
	PASSED_FRACTION,
	PASSED_COMPLEX,
	PASSED_POINTER,
	PASSED_WHOLE, /* a struct */
};

static enum passing passing_of(const hc_type *type)
{
	switch (hc_type_get_kind(type)) {
	case HC_TYPE_BOOL:
	case HC_TYPE_CHAR:
	case HC_TYPE_SIGNED:
	case HC_TYPE_UNSIGNED:
	case HC_TYPE_ENUM:
		return PASSED_NUMBER;
	case HC_TYPE_FLOAT:
		return PASSED_FRACTION;
	case HC_TYPE_COMPLEX:
		return PASSED_COMPLEX;
	case HC_TYPE_POINTER:
	case HC_TYPE_REFERENCE:
		return PASSED_POINTER;
	case HC_TYPE_STRUCT:
		return PASSED_WHOLE;
	default:
		return PASSED_ANYHOW;
	}
}

static bool is_passed_alike(const hc_type *a, const hc_type *b)
{
	enum passing one = passing_of(a), other = passing_of(b);

	if (a == b || one == PASSED_ANYHOW || other == PASSED_ANYHOW)
		return true;
	return one == other && hc_type_size(a) == hc_type_size(b);
}

/* ---- a declaration and its definition ---- */

static const hc_parameter *parameter_of(const hc_signature *signature, unsigned index)
{
	return index < signature->parameters->len ? &g_array_index(signature->parameters, hc_parameter, index) : NULL;
}

static GArray *compare_parameters(const hc_signature *definition, const hc_signature *declaration)
{
	GArray *changes = g_array_new(FALSE, FALSE, sizeof(hc_abi_change));
	unsigned count = MAX(definition->parameters->len, declaration->parameters->len);

	for (unsigned i = 0; i < count; i++) {
		const hc_parameter *both[2] = { parameter_of(definition, i), parameter_of(declaration, i) };
		hc_abi_change change = { .part = HC_ABI_PARAMETER };

		if (both[0] && both[1] && is_passed_alike(both[0]->type, both[1]->type))
			continue;
		for (unsigned side = 0; side < 2; side++) {
			if (!both[side])
				continue;
			change.sides[side] = (hc_abi_place){ .is_known = true,
				.offset = i,
				.size = hc_type_size(both[side]->type),
				.type = both[side]->type };
			if (!change.name)
				change.name = both[side]->name;
		}
		g_array_append_val(changes, change);
	}
	return changes;
}

static hc_abi_side side_of(hc_program_types *types, hc_signature *signature)
{
	hc_program_types_place_signature(types, signature);
	hc_abi_side side = {
		.unit = signature->unit,
		.declared = signature->declared,
		.line = signature->line,
		.parts = signature->parameters->len,
	};

	hc_abi_add_module(&side, signature->module);
	return side;
}

static void compare_declaration(hc_signature *declaration, void *data)
{
	const struct search *search = data;
	hc_abi *abi = search->abi;
	hc_program_types *types = abi->input.program_types;
	struct target *target = g_hash_table_lookup(search->targets, declaration->name);
	g_autoptr(GArray) changes = NULL;

	if (!target || target->is_told)
		return;
	if (!target->is_tried) {
		target->is_tried = true;
		target->is_known = hc_program_types_signature_at(types, target->address, &target->definition);
		/* By an alias one function may have two declarations, both of which are meant. */
		target->is_named = target->is_known && !strcmp(target->definition.name, declaration->name);
		abi->totals.functions += target->is_named;
	}
	if (!target->is_named)
		return;
	changes = compare_parameters(&target->definition, declaration);
	if (!changes->len)
		return;
	hc_abi_difference difference = {
		.kind = HC_ABI_DECLARATION,
		.same = HC_ABI_SAME_LINKAGE,
		.name = declaration->name,
		.sides = { side_of(types, &target->definition), side_of(types, declaration) },
		.changes = (const hc_abi_change *)(const void *)changes->data,
		.change_count = changes->len,
	};
	target->is_told = true;
	g_ptr_array_add(abi->changes, g_steal_pointer(&changes));
	g_array_append_val(abi->differences, difference);
}

/* ---- whom a module calls ---- */

/* Whether functions there can be compared with what CALLER has of them. */
static bool is_comparable(const hc_abi *abi, const hc_module *module, const hc_module *caller)
{
	return module && module != caller && !hc_module_is_runtime(module) &&
	       hc_program_types_describes(abi->input.program_types, module);
}

static GHashTable *find_targets(const hc_abi *abi, const hc_module_code *code)
{
	hc_modules *modules = hc_program_types_modules(abi->input.program_types);
	GHashTable *targets = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_target);

	for (unsigned i = 0; i < MIN(code->imports->len, TARGETS_MAX); i++) {
		const hc_code_import *import = &g_array_index(code->imports, hc_code_import, i);
		uint64_t address;

		if (g_hash_table_contains(targets, import->name) ||
			!hc_core_read_word(abi->input.core, code->module->start + import->slot, &address) ||
			!is_comparable(abi, hc_modules_find(modules, address), code->module))
			continue;
		struct target *target = g_new0(struct target, 1);

		target->address = address;
		g_hash_table_insert(targets, (char *)import->name, target);
	}
	return targets;
}

static void look_at_module(hc_abi *abi, const hc_module *module)
{
	hc_program_types *types = abi->input.program_types;
	hc_module_code *code = hc_module_code_open(hc_program_types_modules(types), module);
	struct search search = { .abi = abi };

	if (!code)
		return;
	search.targets = find_targets(abi, code);
	if (g_hash_table_size(search.targets))
		hc_program_types_each_declared(types, module, search.targets, compare_declaration, &search);
	g_hash_table_unref(search.targets);
	hc_module_code_close(code);
}

void hc_abi_find_functions(hc_abi *abi)
{
	hc_program_types *types = abi->input.program_types;
	hc_modules *modules = hc_program_types_modules(types);
	unsigned first = abi->differences->len;

	if (!abi->input.core || abi->totals.modules < 2)
		return;
	for (unsigned i = 0; i < hc_modules_count(modules) && abi->differences->len - first < ANSWERS_MAX; i++) {
		const hc_module *module = hc_modules_get(modules, i);

		if (!hc_module_is_runtime(module) && hc_program_types_describes(types, module))
			look_at_module(abi, module);
	}
}
