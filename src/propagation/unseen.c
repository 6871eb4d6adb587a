/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether types may tell of references that no word shows: asked before all of the heap is gone through for no other reason.
 *
 * All types that the variables' lead to are looked at, not the memory. One of them has such references if a container of it computes
 * addresses, or a pointer of it stands where no word begins. Where memory decides what an object is (a base class, something erased), it
 * may be.
 */
#include "propagation/passes.h"

enum {
	TYPES_MAX = 1 << 14 /* of more types, one may have any */
};

struct search {
	hc_types *types;
	GHashTable *seen; /* of hc_plan */
	GPtrArray *todo;  /* of hc_plan */
	unsigned word;
	bool found;
};

static void visit_plan(struct search *search, const hc_plan *plan)
{
	if (!plan || !plan->parts->len || !g_hash_table_add(search->seen, (gpointer)plan))
		return;
	if (g_hash_table_size(search->seen) > TYPES_MAX)
		search->found = true;
	else
		g_ptr_array_add(search->todo, (gpointer)plan);
}

static void visit_type(struct search *search, const hc_type *type)
{
	if (type)
		visit_plan(search, hc_plans_get(search->types->plans, type, NULL));
}

static void visit_container(struct search *search, const hc_layout *layout)
{
	const hc_type *element = hc_layout_element(layout);

	if (hc_layout_is_encoding(layout) || hc_layout_deduces(layout) || hc_layout_kind(layout) > HC_WALK_SINGLE)
		search->found = true;
	/* What one object is, that a smart pointer holds, memory may tell. */
	if (hc_layout_kind(layout) == HC_WALK_SINGLE &&
		(!element || hc_plans_get(search->types->plans, element, NULL)->is_polymorphic ||
			hc_type_get_kind(element) == HC_TYPE_VOID))
		search->found = true;
	visit_type(search, element);
	visit_type(search, hc_layout_mapped(layout));
}

static void visit_part(struct search *search, const hc_part *part)
{
	switch (part->kind) {
	case HC_PART_POINTER: {
		const hc_plan *plan = hc_plans_get(search->types->plans, part->type, NULL);

		search->found |= part->offset % search->word != 0 || plan->is_polymorphic ||
				 hc_type_get_kind(part->type) == HC_TYPE_INCOMPLETE;
		visit_plan(search, plan);
		break;
	}
	case HC_PART_CONTAINER:
		visit_container(search, part->layout);
		visit_plan(search, part->plan);
		break;
	case HC_PART_ARRAY:
		search->found |= part->offset % search->word != 0 || part->stride % search->word != 0;
		visit_plan(search, part->plan);
		break;
	default:
		break;
	}
}

bool hc_types_may_show_unseen(hc_types *types, unsigned variable_count)
{
	struct search search = {
		.types = types,
		.seen = g_hash_table_new(NULL, NULL),
		.todo = g_ptr_array_new(),
		.word = hc_core_word_format(types->core).size,
	};

	for (unsigned i = 0; i < variable_count && !search.found; i++) {
		const hc_variable *variable = hc_variables_get(types->variables, i);

		if (variable->state <= HC_VARIABLE_VALUE)
			visit_plan(&search, hc_plans_get(types->plans, variable->type, variable->name));
		while (search.todo->len && !search.found) {
			const hc_plan *plan = g_ptr_array_steal_index_fast(search.todo, search.todo->len - 1);

			for (unsigned part = 0; part < plan->parts->len && !search.found; part++)
				visit_part(&search, &g_array_index(plan->parts, hc_part, part));
		}
	}
	g_hash_table_unref(search.seen);
	g_ptr_array_unref(search.todo);
	return search.found;
}
