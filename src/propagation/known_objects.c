/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which objects are known. In the heap, where they begin: a bit for each granule. In the index of
 * blocks a block with a mapping of its own is one granule, whatever its size: each of these in which
 * objects are met has a bitmap apart. Outside of the heap an object is known by address and type.
 */
#include "base/partition.h"
#include "propagation/propagation_state.h"

#include "variables/variables.h"

enum {
	SEEN_MAX = 1 << 22 /* objects outside of malloc's heap */
};

/* ---- objects outside of malloc's heap ---- */

struct seen {
	hc_address address;
	const void *type;
};

static unsigned hash_seen(const void *data)
{
	const struct seen *seen = data;

	return (unsigned)((seen->address ^ (uintptr_t)seen->type >> 4) * 0x9e3779b97f4a7c15u >> 32);
}

static int equal_seen(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return x->address == y->address && x->type == y->type;
}

GHashTable *hc_propagation_new_seen(void)
{
	return g_hash_table_new_full(hash_seen, equal_seen, g_free, NULL);
}

bool hc_propagation_is_known(const hc_propagation *propagation, hc_address address, const void *type)
{
	struct seen seen = { address, type };

	return g_hash_table_contains(propagation->seen, &seen);
}

bool hc_propagation_is_new(hc_propagation *propagation, hc_address address, const void *type)
{
	struct seen seen = { address, type };

	if (g_hash_table_size(propagation->seen) >= SEEN_MAX || g_hash_table_contains(propagation->seen, &seen))
		return false;
	g_hash_table_add(propagation->seen, g_memdup2(&seen, sizeof seen));
	return true;
}

/* ---- what variables say ---- */

enum {
	NESTED_MAX = 8,	 /* variables that may begin between an address and the one that has it */
	MEMBERS_MAX = 32 /* structs and arrays within each other */
};

/* Where a variable of TYPE lies. */
struct declared {
	hc_address start, end;
	const hc_type *type;
};

static int compare_declared(const void *a, const void *b)
{
	const struct declared *x = a, *y = b;

	return x->start != y->start ? (x->start > y->start) - (x->start < y->start) :
				      (x->end > y->end) - (x->end < y->end);
}

static GArray *find_declared(const hc_propagation *propagation)
{
	GArray *found = g_array_new(FALSE, FALSE, sizeof(struct declared));

	for (unsigned i = 0; i < propagation->variable_count; i++) {
		const hc_variable *variable = hc_variables_get(propagation->types->variables, i);
		uint64_t size = variable->type ? hc_type_size(variable->type) : 0;

		if (!size || variable->state != HC_VARIABLE_IN_MEMORY || hc_variable_is_local(variable) ||
			size > UINT64_MAX - variable->address)
			continue;
		struct declared declared = { variable->address, variable->address + size, variable->type };

		g_array_append_val(found, declared);
	}
	g_array_sort(found, compare_declared);
	return found;
}

/* Whether what TYPE, or each element of an array of that type, has may be anything: characters, numbers, one of several. */
static bool is_storage(const hc_type *type)
{
	if (hc_type_get_kind(type) == HC_TYPE_ARRAY && hc_type_target(type))
		type = hc_type_target(type);
	switch (hc_type_get_kind(type)) {
	case HC_TYPE_STRUCT:
	case HC_TYPE_ARRAY:
	case HC_TYPE_POINTER:
	case HC_TYPE_REFERENCE:
		return false;
	default:
		return true;
	}
}

/* The member of the struct TYPE that has the byte at *OFFSET, which becomes one of the member; NULL: padding, or it is not known. */
static const hc_type *member_at(const hc_type *type, uint64_t *offset)
{
	for (unsigned i = 0; i < hc_type_field_count(type); i++) {
		const hc_field *field = hc_type_field(type, i);

		if (!field->is_virtual && *offset >= field->offset &&
			*offset - field->offset < hc_type_size(field->type)) {
			*offset -= field->offset;
			return field->type;
		}
	}
	return NULL;
}

/* Whether an object of TYPE may be at OFFSET in one that is declared as OUTER. */
static bool may_have(const hc_type *outer, uint64_t offset, const hc_type *type)
{
	for (unsigned depth = 0; depth < MEMBERS_MAX; depth++) {
		if (outer == type && !offset)
			return true;
		/* What is only declared has no size. */
		if (is_storage(outer))
			return !hc_type_size(outer) || hc_type_size(type) <= hc_type_size(outer) - offset;
		switch (hc_type_get_kind(outer)) {
		case HC_TYPE_STRUCT:
			outer = member_at(outer, &offset);
			break;
		case HC_TYPE_ARRAY: {
			uint64_t stride = hc_type_target(outer) ? hc_type_size(hc_type_target(outer)) : 0;

			outer = stride ? hc_type_target(outer) : NULL;
			offset = stride ? offset % stride : 0;
			break;
		}
		default:
			return false;
		}
		if (!outer)
			return true;
	}
	return true;
}

static bool is_declared_otherwise(const hc_propagation *propagation, hc_address address, const hc_type *type)
{
	const struct declared *list = (const struct declared *)(const void *)propagation->declared->data;
	unsigned at = HC_PARTITION_POINT(middle, 0u, propagation->declared->len, list[middle].start <= address);
	bool any = false;

	for (unsigned tries = 0; at && tries < NESTED_MAX; tries++) {
		if (address >= list[--at].end)
			continue;
		any = true;
		if (may_have(list[at].type, address - list[at].start, type))
			return false;
	}
	return any;
}

bool hc_propagation_is_declared_otherwise(hc_propagation *propagation, hc_address address, const hc_type *type)
{
	hc_declared_answer *answer = &propagation->answers[(address >> 3 ^ address >> 12) % HC_ANSWERS];

	if (!propagation->declared)
		propagation->declared = find_declared(propagation);
	/* Many objects lead to one: to their class. */
	if (answer->address != address || answer->type != type)
		*answer = (hc_declared_answer){ address, type, is_declared_otherwise(propagation, address, type) };
	return answer->is_otherwise;
}

/* ---- in the heap ---- */

/* The bitmap of the mmapped block of SPOT, made if MAKE; NULL if there is none. */
static uint64_t *mapped_starts(hc_propagation *propagation, const hc_spot *spot, bool make)
{
	if (propagation->last_mapped == spot->address && propagation->last_starts)
		return propagation->last_starts;
	uint64_t *starts = g_hash_table_lookup(propagation->mapped_starts, &spot->address);

	if (!starts && make) {
		uint64_t size = hc_blocks_usable_size(propagation->blocks, spot->region, spot->address);

		starts = g_try_malloc0(size / propagation->blocks->alignment / 8 + 2 * sizeof(uint64_t));
		if (starts)
			g_hash_table_insert(
				propagation->mapped_starts, g_memdup2(&spot->address, sizeof spot->address), starts);
	}
	if (starts) {
		propagation->last_mapped = spot->address;
		propagation->last_starts = starts;
	}
	return starts;
}

/* The bit of the object at ADDRESS, in SPOT, that several containers may have: *ret_word, NULL if there is none. */
static uint64_t find_bit(hc_propagation *propagation, const hc_spot *spot, hc_address address, uint64_t **ret_word)
{
	uint64_t granule = spot->granule, *bits = propagation->shared;

	if (spot->region->region.is_mmapped) {
		granule = (address - spot->address) / propagation->blocks->alignment;
		bits = mapped_starts(propagation, spot, true);
	}
	*ret_word = bits ? &bits[granule / 64] : NULL;
	return (uint64_t)1 << granule % 64;
}

void hc_propagation_set_looked_at(hc_propagation *propagation, hc_address address)
{
	uint64_t *word, bit;
	hc_spot spot;

	if (!hc_propagation_locate(propagation, address, &spot))
		return;
	propagation->looked_at[spot.granule / 64] |= (uint64_t)1 << spot.granule % 64;
	if (!spot.region->region.is_mmapped || address == spot.address)
		return;
	bit = find_bit(propagation, &spot, address, &word);
	if (word)
		*word |= bit;
}

bool hc_propagation_is_first_look(hc_propagation *propagation, hc_address address, const hc_type *type)
{
	uint64_t *word, bit;
	hc_spot spot;

	if (!hc_propagation_locate(propagation, address, &spot))
		return true;
	bit = find_bit(propagation, &spot, address, &word);
	if (!word || *word & bit)
		return hc_propagation_is_new(propagation, address, type);
	*word |= bit;
	return true;
}

/* The first bit in [FROM, TO) that is set in BITS, or in MORE (which may be NULL); TO if there is none. */
static uint64_t next_start(const uint64_t *bits, const uint64_t *more, uint64_t from, uint64_t to)
{
	for (uint64_t at = from; at < to; at = (at / 64 + 1) * 64) {
		uint64_t word = (bits[at / 64] | (more ? more[at / 64] : 0)) & UINT64_MAX << at % 64;

		if (word)
			return MIN(to, at / 64 * 64 + (unsigned)__builtin_ctzll(word));
	}
	return to;
}

uint64_t hc_propagation_room(hc_propagation *propagation, hc_address address)
{
	uint64_t alignment = propagation->blocks->alignment, from, to, known;
	const uint64_t *starts, *more = NULL;
	hc_spot spot;

	if (!hc_propagation_find_block(propagation, address, &spot))
		return 0;
	hc_address end = spot.address + hc_blocks_usable_size(propagation->blocks, spot.region, spot.address);

	if (end <= address)
		return 0;
	/* The next start is told by its distance in granules: blocks begin at the beginning of one. */
	from = (address - spot.address) / alignment + 1;
	to = (end - spot.address) / alignment;
	if (spot.region->region.is_mmapped) {
		starts = mapped_starts(propagation, &spot, false);
		known = starts ? next_start(starts, NULL, from, to) : to;
	} else {
		uint64_t first = hc_blocks_granule(propagation->blocks, spot.region, spot.address);

		starts = propagation->looked_at;
		more = propagation->shared;
		known = next_start(starts, more, first + from, MAX(first + from, first + to)) - first;
	}
	return known < to ? spot.address + known * alignment - address : end - address;
}
