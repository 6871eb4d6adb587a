/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From object to object.
 *
 * Containers and smart pointers own what they hold, plain pointers often only point: so owning edges are followed at once, depth
 * first, and pointers wait in a queue until all variables have been looked at. A block belongs to whoever comes first: to the
 * nearest owner, data before thread-local data before stacks.
 *
 *	look_at(object)  --containers-->  claim buffers and nodes, look_at(elements)
 *	                 --pointers---->  queue --> follow(): which block? claimed? --> claim, look_at(target)
 *
 * What proves little (a pointer into the middle of a block, a local that may not be set, the one member of a union that fits) waits until
 * all that proves more has been followed. So a block is claimed once, by the best evidence there is, and what its containers hold is counted
 * once; the work is bounded by blocks and words in typed objects; depth of the data costs queue, never stack. While an edge waits, what
 * it leads to is prefetched.
 */
#include "base/pages.h"
#include "propagation/objects.h"
#include "propagation/passes.h"
#include "propagation/walks_ahead.h"

#include "variables/variables.h"
#include <time.h>

static hc_owner *add_root(hc_propagation *propagation, const hc_variable *variable)
{
	const hc_plan *plan = hc_plans_get(propagation->types->plans, variable->type, variable->name);
	hc_owner *owner;

	if (!plan->parts->len)
		return NULL;
	owner = hc_owners_add(propagation->owners, NULL, HC_STEP_VARIABLE, variable->type, plan, HC_CERTAINTY_CERTAIN);
	owner->name = variable->name;
	owner->variable = variable;
	return owner;
}

static bool is_of_class(const hc_variable *variable, unsigned class)
{
	return class == (hc_variable_is_local(variable) ? 2 : variable->kind == HC_VARIABLE_THREAD_LOCAL ? 1 : 0);
}

/* A reference parameter is the caller's object once more: whoever has the object itself names it. */
static bool is_reference(const hc_variable *variable)
{
	return hc_type_get_kind(variable->type) == HC_TYPE_REFERENCE;
}

static void add_roots(hc_propagation *propagation, unsigned count, unsigned jobs)
{
	g_autoptr(GPtrArray) roots = g_ptr_array_new();

	for (unsigned class = 0; class < 3; class ++)
		for (unsigned i = 0; i < count; i++) {
			const hc_variable *variable = hc_variables_get(propagation->types->variables, i);

			if (is_of_class(variable, class) && variable->state <= HC_VARIABLE_VALUE &&
				!is_reference(variable) &&
				hc_propagation_is_new(propagation, variable->address, variable->type)) {
				hc_owner *owner = add_root(propagation, variable);

				if (owner)
					g_ptr_array_add(roots, owner);
				if (owner && (hc_type_get_kind(variable->type) == HC_TYPE_ARRAY ||
						     hc_type_get_kind(variable->type) == HC_TYPE_POINTER))
					g_hash_table_insert(
						propagation->places, (gpointer)variable, GUINT_TO_POINTER(i + 1));
			}
		}
	hc_propagation_begin_walks(propagation, roots, jobs);
	for (unsigned i = 0; i < roots->len; i++) {
		hc_owner *owner = roots->pdata[i];

		hc_propagation_seek_walks(propagation, i);
		hc_propagation_look_at(propagation, owner, owner->variable->address);
	}
	hc_propagation_end_root_walks(propagation);
	/* Temporaries that only a reference names. */
	for (unsigned i = 0; i < count; i++) {
		const hc_variable *variable = hc_variables_get(propagation->types->variables, i);
		hc_owner *owner;

		if (variable->state <= HC_VARIABLE_VALUE && is_reference(variable) &&
			(owner = add_root(propagation, variable)))
			hc_propagation_look_at(propagation, owner, variable->address);
	}
}

static void count_states(hc_types *types, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		types->variable_states[hc_variables_get(types->variables, i)->state]++;
}

static void init(hc_propagation *propagation, hc_types *types, size_t bitmap_size)
{
	propagation->types = types;
	propagation->core = types->core;
	propagation->blocks = types->blocks;
	propagation->owners = types->owners;
	propagation->format = hc_core_word_format(types->core);
	propagation->page_size = hc_core_process(types->core)->page_size;
	propagation->seen = hc_propagation_new_seen();
	propagation->tried = hc_propagation_new_seen();
	propagation->looked_at = hc_pages_create(bitmap_size);
	propagation->shared = hc_pages_create(bitmap_size);
	propagation->pieces = hc_pages_create(bitmap_size);
	propagation->searched = hc_pages_create(bitmap_size);
	propagation->mapped_starts = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	propagation->places = g_hash_table_new(NULL, NULL);
	propagation->swept = g_hash_table_new(g_str_hash, g_str_equal);
	propagation->claims = g_array_new(FALSE, FALSE, sizeof(hc_claim));
	propagation->elements = g_array_new(FALSE, FALSE, sizeof(hc_address));
	propagation->mapped = g_array_new(FALSE, FALSE, sizeof(hc_address));
	for (unsigned i = 0; i < G_N_ELEMENTS(propagation->later); i++)
		propagation->later[i] = g_array_new(FALSE, FALSE, sizeof(hc_edge));
	for (unsigned i = 0; i < G_N_ELEMENTS(propagation->late); i++)
		propagation->late[i] = g_array_new(FALSE, FALSE, sizeof(hc_edge));
	propagation->strays = g_array_new(FALSE, FALSE, sizeof(hc_edge));
	propagation->aliases = g_array_new(FALSE, FALSE, sizeof(hc_edge));
	propagation->unused = g_array_new(FALSE, FALSE, sizeof(hc_edge));
	propagation->last = g_array_new(FALSE, FALSE, sizeof(hc_edge));
	propagation->left_over = g_hash_table_new(NULL, NULL);
	propagation->of_libraries = g_array_new(FALSE, FALSE, sizeof(hc_edge));
	propagation->preceded = hc_pages_create(bitmap_size);
	propagation->started = hc_pages_create(bitmap_size);
	propagation->ends = g_hash_table_new(NULL, NULL);
	propagation->outside_claims = g_array_new(FALSE, FALSE, sizeof(hc_claim));
	hc_propagation_begin_shapes(propagation);
	/* All of them, also if one has failed: clear() ends them all. */
	bool begun = hc_propagation_begin_doubtful(propagation);

	begun &= hc_pools_create(propagation, bitmap_size);
	begun &= hc_propagation_begin_outside(propagation);
	propagation->failed = !begun || !propagation->looked_at || !propagation->shared || !propagation->pieces ||
			      !propagation->searched || !propagation->preceded || !propagation->started;
}

static void clear(hc_propagation *propagation, size_t bitmap_size)
{
	hc_propagation_end_walks(propagation);
	hc_propagation_end_shapes(propagation);
	hc_propagation_end_outside(propagation);
	hc_propagation_end_doubtful(propagation);
	g_array_unref(propagation->outside_claims);
	hc_pools_destroy(propagation, bitmap_size);
	g_hash_table_unref(propagation->seen);
	g_clear_pointer(&propagation->declared, g_array_unref);
	g_hash_table_unref(propagation->tried);
	hc_pages_destroy(propagation->looked_at, bitmap_size);
	hc_pages_destroy(propagation->shared, bitmap_size);
	hc_pages_destroy(propagation->pieces, bitmap_size);
	hc_pages_destroy(propagation->searched, bitmap_size);
	g_clear_pointer(&propagation->links, g_hash_table_unref);
	g_hash_table_unref(propagation->mapped_starts);
	g_hash_table_unref(propagation->places);
	g_hash_table_unref(propagation->swept);
	g_array_unref(propagation->claims);
	g_array_unref(propagation->elements);
	g_array_unref(propagation->mapped);
	for (unsigned i = 0; i < G_N_ELEMENTS(propagation->later); i++)
		g_array_unref(propagation->later[i]);
	for (unsigned i = 0; i < G_N_ELEMENTS(propagation->late); i++)
		g_array_unref(propagation->late[i]);
	g_array_unref(propagation->strays);
	g_array_unref(propagation->aliases);
	g_array_unref(propagation->unused);
	g_array_unref(propagation->last);
	g_hash_table_unref(propagation->left_over);
	g_clear_pointer(&propagation->of_libraries, g_array_unref);
	hc_pages_destroy(propagation->preceded, bitmap_size);
	hc_pages_destroy(propagation->started, bitmap_size);
	g_hash_table_unref(propagation->ends);
	g_free(propagation->edges);
}

static double processor_seconds(void)
{
	struct timespec time = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void search_words(hc_propagation *propagation)
{
	double begin = processor_seconds();

	hc_types_search_root_words(propagation);
	propagation->types->word_seconds = processor_seconds() - begin;
}

/* What types prove, from all variables on. */
static void propagate_certain(hc_propagation *propagation, hc_references *references, unsigned count, unsigned jobs)
{
	if (propagation->failed)
		return;
	add_roots(propagation, count, jobs);
	hc_propagation_run(propagation, HC_CERTAINTY_DEDUCED);
	if (!propagation->failed && !hc_propagation_tell_held(propagation, references, jobs))
		propagation->failed = true;
}

/* The rest, by words and by what stands in memory. */
static void propagate_rest(hc_propagation *propagation)
{
	if (propagation->failed)
		return;
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	search_words(propagation);
	hc_types_sweep(propagation);
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	hc_types_search_untyped(propagation);
	hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	hc_propagation_run_strays(propagation);
	hc_propagation_run_last(propagation);
}

static bool propagate(hc_types *types, hc_references *references, unsigned jobs, bool is_certain)
{
	hc_propagation *propagation = g_new0(hc_propagation, 1);
	unsigned count = hc_variables_load(types->variables, jobs);
	size_t bitmap_size = types->blocks->granule_count / 8 + sizeof(uint64_t);

	init(propagation, types, bitmap_size);
	propagation->variable_count = count;
	count_states(types, count);
	propagate_certain(propagation, references, count, jobs);
	if (!is_certain)
		propagate_rest(propagation);
	bool ok = !propagation->failed;

	clear(propagation, bitmap_size);
	g_free(propagation);
	return ok;
}

bool hc_types_propagate(hc_types *types, hc_references *references, unsigned jobs)
{
	return propagate(types, references, jobs, false);
}

bool hc_types_propagate_certain(hc_types *types, hc_references *references, unsigned jobs)
{
	return propagate(types, references, jobs, true);
}
