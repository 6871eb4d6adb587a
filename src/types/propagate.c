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
#include "types/types_state.h"

enum {
	AHEAD = 12,	    /* edges between one step of fetching and the next, or use */
	LATER_MAX = 1 << 24 /* edges that wait for their certainty's turn; more do not wait */
};

bool hc_propagation_load(hc_propagation *propagation, hc_address address, uint64_t *ret_value)
{
	unsigned word = propagation->format.size;
	uint64_t value = 0;

	if (address - propagation->view_start >= propagation->view_size ||
		propagation->view_size - (address - propagation->view_start) < word) {
		uint64_t available;
		const uint8_t *bytes = hc_core_bytes(propagation->core, address, &available);

		if (!bytes || available < word) {
			/* A value of a register, or a word on the border of two pieces. */
			uint8_t buffer[sizeof(uint64_t)] = { 0 };

			if (!hc_modules_read(propagation->types->modules, address, buffer, word))
				return false;
			value = hc_load_word(buffer, propagation->format);
			*ret_value = value;
			return true;
		}
		propagation->view = bytes;
		propagation->view_start = address;
		propagation->view_size = available;
		const hc_mapping *mapping = hc_core_find_mapping(propagation->core, address);

		if (mapping && mapping->bytes) {
			propagation->view = mapping->bytes;
			propagation->view_start = mapping->start;
			propagation->view_size = mapping->end - mapping->start;
		}
	}
	*ret_value = hc_load_word(propagation->view + (address - propagation->view_start), propagation->format);
	return true;
}

/* ---- the queue ---- */

static bool grow(hc_propagation *propagation)
{
	uint64_t room = propagation->edges_room ? propagation->edges_room * 2 : 4096, count = 0;
	hc_edge *edges = g_try_new(hc_edge, room);

	if (!edges) {
		propagation->failed = true;
		return false;
	}
	for (uint64_t i = propagation->edges_out; i != propagation->edges_in; i++)
		edges[count++] = propagation->edges[i & (propagation->edges_room - 1)];
	g_free(propagation->edges);
	propagation->edges = edges;
	propagation->edges_room = room;
	propagation->edges_out = 0;
	propagation->edges_in = count;
	return true;
}

bool hc_propagation_is_early(const hc_propagation *propagation, hc_certainty certainty)
{
	return certainty > propagation->level && certainty < HC_CERTAINTY_UNKNOWN &&
	       propagation->later[certainty]->len < LATER_MAX;
}

void hc_propagation_defer_edge(hc_propagation *propagation, const hc_edge *edge, hc_certainty certainty)
{
	if (hc_propagation_is_early(propagation, certainty)) {
		g_array_append_val(propagation->later[certainty], *edge);
		return;
	}
	if (propagation->edges_in - propagation->edges_out == propagation->edges_room && !grow(propagation))
		return;
	propagation->edges[propagation->edges_in++ & (propagation->edges_room - 1)] = *edge;
}

void hc_propagation_defer(
	hc_propagation *propagation, hc_address value, const hc_owner *owner, uint32_t part, hc_certainty certainty)
{
	hc_edge edge = { .value = value, .owner = owner->number, .part = part };

	hc_propagation_defer_edge(propagation, &edge, certainty);
}

bool hc_propagation_defer_late(hc_propagation *propagation, hc_address address, const hc_owner *owner, uint32_t part)
{
	if (propagation->level < HC_CERTAINTY_GUESS && !hc_propagation_is_early(propagation, HC_CERTAINTY_GUESS))
		return false;
	hc_propagation_defer(propagation, address, owner, part, HC_CERTAINTY_GUESS);
	return true;
}

/*
 * What the edges behind the next one lead to is fetched in turn: the index of blocks and what is in the block; then the block's owner,
 * whose place only the index tells. (A step between them, so that blocks with an owner are not fetched, costs what it saves.)
 */
static void look_ahead(const hc_propagation *propagation)
{
	uint64_t ahead = propagation->edges_out + AHEAD, further = ahead + AHEAD, mask = propagation->edges_room - 1;

	if (further < propagation->edges_in)
		hc_container_set_prefetch(propagation->types->set, propagation->edges[further & mask].value, true);
	if (ahead < propagation->edges_in)
		hc_propagation_prefetch_owner(propagation, propagation->edges[ahead & mask].value);
}

static void follow_edge(hc_propagation *propagation)
{
	hc_edge edge = propagation->edges[propagation->edges_out & (propagation->edges_room - 1)];
	hc_owner *owner = hc_types_owner(propagation->types, edge.owner);

	look_ahead(propagation);
	propagation->edges_out++;
	switch (edge.part) {
	case HC_EDGE_OBJECT:
		return hc_propagation_look_at(propagation, owner, edge.value);
	case HC_EDGE_UNTYPED:
		return hc_propagation_search(propagation, owner, edge.value);
	case HC_EDGE_PIECE:
		return hc_propagation_search_piece(propagation, owner, edge.value);
	case HC_EDGE_REACH:
		return hc_propagation_reach(propagation, owner, edge.value);
	default:
		return hc_propagation_follow(propagation, owner, edge.part, edge.holder, edge.value);
	}
}

static void follow_edges(hc_propagation *propagation)
{
	while (propagation->edges_out != propagation->edges_in && !propagation->failed)
		follow_edge(propagation);
}

void hc_propagation_step(hc_propagation *propagation)
{
	for (uint64_t left = propagation->edges_in - propagation->edges_out; left && !propagation->failed; left--)
		follow_edge(propagation);
}

/* What has waited for its certainty's turn. */
static void take_later(hc_propagation *propagation, GArray *later)
{
	for (unsigned i = 0; i < later->len; i++)
		hc_propagation_defer_edge(propagation, &g_array_index(later, hc_edge, i), propagation->level);
	g_array_set_size(later, 0);
}

void hc_propagation_run(hc_propagation *propagation, hc_certainty least)
{
	for (hc_certainty level = HC_CERTAINTY_CERTAIN; level <= least; level++) {
		propagation->level = level;
		take_later(propagation, propagation->later[level]);
		follow_edges(propagation);
	}
}

/* ---- from the variables on ---- */

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
	return class == (hc_propagation_is_local(variable) ? 2 : variable->kind == HC_VARIABLE_THREAD_LOCAL ? 1 : 0);
}

/* A reference parameter is the caller's object once more: whoever has the object itself names it. */
static bool is_reference(const hc_variable *variable)
{
	return hc_type_get_kind(variable->type) == HC_TYPE_REFERENCE;
}

static void add_roots(hc_propagation *propagation, unsigned count)
{
	g_autoptr(GPtrArray) roots = g_ptr_array_new();

	for (unsigned class = 0; class < 3; class ++)
		for (unsigned i = 0; i < count; i++) {
			const hc_variable *variable = hc_modules_variable(propagation->types->modules, i);

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
	for (unsigned i = 0; i < roots->len; i++) {
		hc_owner *owner = roots->pdata[i];

		hc_propagation_look_at(propagation, owner, owner->variable->address);
	}
	/* Temporaries that only a reference names. */
	for (unsigned i = 0; i < count; i++) {
		const hc_variable *variable = hc_modules_variable(propagation->types->modules, i);
		hc_owner *owner;

		if (variable->state <= HC_VARIABLE_VALUE && is_reference(variable) &&
			(owner = add_root(propagation, variable)))
			hc_propagation_look_at(propagation, owner, variable->address);
	}
}

static void count_states(hc_types *types, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		types->variables[hc_modules_variable(types->modules, i)->state]++;
}

bool hc_types_propagate(hc_types *types, unsigned jobs)
{
	hc_propagation *propagation = g_new0(hc_propagation, 1);
	unsigned count = hc_modules_load_variables(types->modules, jobs);
	size_t bitmap_size = types->blocks->granule_count / 8 + sizeof(uint64_t);
	size_t searched_size = types->blocks->count / 8 + sizeof(uint64_t);
	bool ok;

	propagation->types = types;
	propagation->core = types->core;
	propagation->blocks = types->blocks;
	propagation->owners = types->owners;
	propagation->format = hc_core_word_format(types->core);
	propagation->seen = hc_propagation_new_seen();
	propagation->looked_at = hc_pages_create(bitmap_size);
	propagation->shared = hc_pages_create(bitmap_size);
	propagation->mapped_starts = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	propagation->places = g_hash_table_new(NULL, NULL);
	propagation->variable_count = count;
	propagation->tried = hc_propagation_new_seen();
	propagation->page_size = hc_core_process(types->core)->page_size;
	propagation->searched = hc_pages_create(searched_size);
	propagation->pieces = hc_pages_create(bitmap_size);
	propagation->failed = !propagation->looked_at || !propagation->shared || !propagation->searched ||
			      !propagation->pieces;
	propagation->swept = g_hash_table_new(g_str_hash, g_str_equal);
	propagation->claims = g_array_new(FALSE, FALSE, sizeof(hc_claim));
	propagation->elements = g_array_new(FALSE, FALSE, sizeof(hc_address));
	propagation->mapped = g_array_new(FALSE, FALSE, sizeof(hc_address));
	for (unsigned i = 0; i < G_N_ELEMENTS(propagation->later); i++)
		propagation->later[i] = g_array_new(FALSE, FALSE, sizeof(hc_edge));
	count_states(types, count);
	if (!propagation->failed) {
		add_roots(propagation, count);
		hc_propagation_run(propagation, HC_CERTAINTY_DEDUCED);
		hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
		hc_types_search_root_words(propagation);
		hc_types_sweep(propagation);
		hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
		hc_types_search_untyped(propagation);
		hc_propagation_run(propagation, HC_CERTAINTY_GUESS);
	}
	ok = !propagation->failed;
	g_hash_table_unref(propagation->seen);
	g_hash_table_unref(propagation->mapped_starts);
	g_hash_table_unref(propagation->places);
	g_hash_table_unref(propagation->tried);
	g_hash_table_unref(propagation->swept);
	hc_pages_destroy(propagation->looked_at, bitmap_size);
	hc_pages_destroy(propagation->shared, bitmap_size);
	hc_pages_destroy(propagation->searched, searched_size);
	hc_pages_destroy(propagation->pieces, bitmap_size);
	g_array_unref(propagation->claims);
	g_array_unref(propagation->elements);
	g_array_unref(propagation->mapped);
	for (unsigned i = 0; i < G_N_ELEMENTS(propagation->later); i++)
		g_array_unref(propagation->later[i]);
	g_free(propagation->edges);
	g_free(propagation);
	return ok;
}
