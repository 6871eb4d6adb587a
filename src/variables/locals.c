/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The variables in scope in each frame of each thread.
 *
 * The function's DIE is known by the frame's address (functions.c). Below it stand parameters and
 * variables, blocks, and the functions that were inlined; those blocks and functions whose
 * addresses have the frame's are gone into. An inlined function's DIE is the concrete one: it has
 * the places, and leads to the abstract one, which has names and types.
 *
 * Which variables these are depends on the address alone, so it is found out once for each address;
 * where they are is found out for each frame. A deep recursion has a limit: the outermost frames
 * come first, and what is left out is counted.
 */
#include "variables/locations.h"

#include <dwarf.h>

enum {
	MOST_IN_FRAME = 4096,	  /* variables */
	MOST_IN_THREAD = 1 << 17, /* 4096 frames of 32 each */
	MOST_IN_ALL = 1 << 20,
};

static const hc_diagnostic_kind locals_left_out = {
	"locals-left-out",
	HC_SEVERITY_PARTIAL,
	"calls have local variables that are not looked at: there are too many",
};

struct local {
	Dwarf_Die die;
	const char *name, *function;
	const hc_type *type;
	hc_variable_kind kind;
	bool is_inlined;
};

/* What is in scope at an address. */
struct scope_at {
	guint64 address;
	const hc_module *module;
	GArray *locals; /* of struct local */
};

struct search {
	hc_variables *variables;
	GArray *rows;
	GHashTable *scopes; /* address -> struct scope_at */
	guint thread_start; /* in ROWS */
};

static void scope_at_destroy(void *data)
{
	struct scope_at *scope = data;

	g_array_unref(scope->locals);
	g_free(scope);
}

/* ---- at an address ---- */

/* A function that the walk is in. */
struct within {
	const char *name;
	bool is_inlined;
};

static void add_local(hc_variables *variables, struct scope_at *scope, Dwarf_Die *die, const struct within *within)
{
	const char *name = dwarf_diename(die);
	bool is_parameter = dwarf_tag(die) == DW_TAG_formal_parameter;

	if (scope->locals->len >= MOST_IN_FRAME || hc_variable_is_static(die))
		return;
	struct local local = { *die, name ? name : "(unnamed)", within->name,
		hc_type_of_variable(variables->types, scope->module, die),
		is_parameter ? HC_VARIABLE_PARAMETER : HC_VARIABLE_LOCAL, within->is_inlined };

	g_array_append_val(scope->locals, local);
}

static void find_locals(hc_variables *variables, struct scope_at *scope, Dwarf_Die *function, Dwarf_Addr address)
{
	struct within within[HC_DIE_NESTING_MAX + 1]; /* by depth of the walk */
	hc_die_walk walk;
	Dwarf_Die *die;

	within[1] = (struct within){ hc_name_of_die(variables->info, scope->module, function), false };
	hc_die_walk_begin(&walk, function);
	while ((die = hc_die_walk_at(&walk))) {
		const struct within *here = &within[walk.depth];
		struct within below = *here;
		bool into = false;

		switch (dwarf_tag(die)) {
		case DW_TAG_variable:
		case DW_TAG_formal_parameter:
			add_local(variables, scope, die, here);
			break;
		case DW_TAG_GNU_formal_parameter_pack:
			into = true;
			break;
		case DW_TAG_lexical_block:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
			into = dwarf_haspc(die, address) > 0;
			break;
		case DW_TAG_inlined_subroutine:
			into = dwarf_haspc(die, address) > 0;
			if (into)
				below = (struct within){ hc_name_of_die(variables->info, scope->module, die), true };
			break;
		default:
			break;
		}
		if (into && walk.depth < HC_DIE_NESTING_MAX)
			within[walk.depth + 1] = below;
		hc_die_walk_next(&walk, into);
	}
}

static struct scope_at *scope_create(hc_variables *variables, hc_address address)
{
	const hc_module *module = hc_modules_find(variables->modules, address);
	struct scope_at *scope = g_new0(struct scope_at, 1);
	Dwarf_Die function;
	Dwarf_Addr bias;

	scope->address = address;
	scope->locals = g_array_new(FALSE, FALSE, sizeof(struct local));
	if (!module)
		return scope;
	scope->module = module;
	if (!hc_module_is_runtime(scope->module) && hc_module_dwarf(variables->info, scope->module, &bias) &&
		hc_function_at(variables->info, scope->module, address, &function))
		find_locals(variables, scope, &function, address - bias);
	return scope;
}

static const struct scope_at *scope_of(struct search *search, const hc_frame_registers *frame)
{
	guint64 address = frame->program_counter - !frame->is_activation;
	struct scope_at *scope = g_hash_table_lookup(search->scopes, &address);

	if (!scope) {
		scope = scope_create(search->variables, address);
		g_hash_table_insert(search->scopes, &scope->address, scope);
	}
	return scope;
}

/* ---- in a frame ---- */

static void add_frame(struct search *search, const GArray *frames, unsigned thread, unsigned frame)
{
	const struct scope_at *scope = scope_of(search, &g_array_index(frames, hc_frame_registers, frame));
	guint count = search->rows->len;
	hc_evaluation evaluation;
	unsigned steps = 0;

	if (!scope->locals->len)
		return;
	const struct local *first = &g_array_index(scope->locals, struct local, 0);

	if (count - search->thread_start + scope->locals->len > MOST_IN_THREAD ||
		count + scope->locals->len > MOST_IN_ALL) {
		hc_diagnostics_add(search->variables->diagnostics, &locals_left_out, 0, "%s, call %u of thread %u",
			first->function ? first->function : "a function", frame, thread);
		return;
	}
	hc_evaluation_init(&evaluation, search->variables, scope->module, frames, frame, &steps);
	for (unsigned i = 0; i < scope->locals->len; i++) {
		struct local *local = &g_array_index(scope->locals, struct local, i);
		hc_variable variable = {
			.kind = local->kind,
			.name = local->name,
			.function = local->function,
			.type = local->type,
			.module = scope->module,
			.thread = thread,
			.frame = frame,
			.is_inlined = local->is_inlined,
		};

		hc_evaluation_place(&evaluation, &local->die, &variable);
		g_array_append_val(search->rows, variable);
	}
}

void hc_variables_add_locals(hc_variables *variables, GArray *rows)
{
	struct search search = { .variables = variables,
		.rows = rows,
		.scopes = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, scope_at_destroy) };

	for (unsigned i = 0; i < hc_core_thread_count(variables->core); i++) {
		const GArray *frames = hc_modules_frame_registers(variables->modules, i);

		search.thread_start = rows->len;
		for (unsigned frame = frames ? frames->len : 0; frame > 0; frame--)
			add_frame(&search, frames, i, frame - 1);
	}
	g_hash_table_unref(search.scopes);
}
