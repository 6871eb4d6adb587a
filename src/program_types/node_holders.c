/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which structs have a member of a given type: the elements of lists whose links are all of one
 * type (list_head) must be one of them.
 *
 * Making a type of every struct there is would read all members of all of them. So the DIEs are
 * looked at themselves, each once, and remembered by offset; types are made only of those that do
 * have such a member, and of these only one for each name, size and place: a header that a thousand
 * units include is one type.
 */
#include "program_types/program_types_state.h"

#include <dwarf.h>

enum {
	DEPTH_MAX = 16,		/* structs in structs */
	CHILDREN_MAX = 1 << 16, /* of a DIE */
	PEEL_MAX = 32,
	HOLDERS_MAX = 4096,
};

struct search {
	hc_program_types *types;
	const hc_module *module;
	struct module_debug *debug;
	const hc_type *member;
	GHashTable *known;   /* offset of a struct's DIE -> whether it is, or has, one; of this module */
	GHashTable *added;   /* types that are in `holders` already */
	GHashTable *skipped; /* what looks the same in another unit */
	GArray *holders;
};

static bool is_struct(int tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

/* From a member's type to the struct that it is by value. FALSE: it is none. */
static bool peel_to_struct(Dwarf_Die *die)
{
	for (unsigned i = 0; i < PEEL_MAX; i++) {
		Dwarf_Attribute attribute;
		Dwarf_Die target;
		int tag = dwarf_tag(die);

		if (is_struct(tag)) {
			if (dwarf_attr(die, DW_AT_signature, &attribute) && dwarf_formref_die(&attribute, &target))
				*die = target;
			return true;
		}
		if ((tag != DW_TAG_typedef && tag != DW_TAG_const_type && tag != DW_TAG_volatile_type) ||
			!hc_die_target(die, &target))
			return false;
		*die = target;
	}
	return false;
}

/*
 * Whether DIE, a struct, is the member itself. Sizes are compared first: most are settled by that.
 */
static bool is_member(const struct search *search, Dwarf_Die *die)
{
	uint64_t size;

	return hc_die_unsigned(die, DW_AT_byte_size, &size) && size == search->member->size &&
	       !dwarf_hasattr(die, DW_AT_declaration) &&
	       hc_type_of_die(search->types, search->module, die) == search->member;
}

/* Whether DIE, a struct, is the member's type or has it within. */
static bool is_or_has(struct search *search, Dwarf_Die *die, unsigned depth)
{
	guint64 offset = hc_die_offset(search->debug, die);
	bool found = false;
	gpointer known;
	Dwarf_Die child;

	if (g_hash_table_lookup_extended(search->known, &offset, NULL, &known))
		return GPOINTER_TO_INT(known);
	/* Known before it is complete: a damaged file may have a struct within itself. */
	g_hash_table_insert(search->known, g_memdup2(&offset, sizeof offset), GINT_TO_POINTER(false));
	if (depth > DEPTH_MAX)
		return false;
	found = is_member(search, die);
	if (!found && !dwarf_child(die, &child)) {
		unsigned count = 0;

		do {
			int tag = dwarf_tag(&child);
			Dwarf_Die type;

			found = (tag == DW_TAG_member || tag == DW_TAG_inheritance) && hc_die_target(&child, &type) &&
				peel_to_struct(&type) && is_or_has(search, &type, depth + 1);
		} while (!found && ++count < CHILDREN_MAX && !dwarf_siblingof(&child, &child));
	}
	if (found)
		g_hash_table_insert(search->known, g_memdup2(&offset, sizeof offset), GINT_TO_POINTER(true));
	return found;
}

static void add_places(struct search *search, const hc_type *holder, const hc_type *type, uint64_t base, unsigned depth)
{
	for (unsigned i = 0; i < hc_type_field_count(type) && search->holders->len <= HOLDERS_MAX; i++) {
		const hc_field *field = hc_type_field(type, i);
		hc_holder place = { holder, base + field->offset };

		if (field->is_virtual || field->bit_size)
			continue;
		if (field->type == search->member)
			g_array_append_val(search->holders, place);
		else if (depth < DEPTH_MAX && (hc_type_get_kind(field->type) == HC_TYPE_STRUCT ||
						      hc_type_get_kind(field->type) == HC_TYPE_UNION))
			add_places(search, holder, field->type, base + field->offset, depth + 1);
	}
}

static void add_type(struct search *search, Dwarf_Die *die)
{
	const hc_type *type = hc_type_of_die(search->types, search->module, die);

	if (!type || type == search->member || hc_type_get_kind(type) != HC_TYPE_STRUCT || !hc_type_size(type) ||
		!g_hash_table_add(search->added, (gpointer)type))
		return;
	add_places(search, type, type, 0, 0);
}

/*
 * A number for what a struct says of itself: what agrees in name, size, and in names and offsets of
 * members is one type.
 */
static guint64 sameness(const struct named_type *found, Dwarf_Die *die)
{
	guint64 number = found->hash ^ (uint64_t)found->size << 40;
	unsigned count = 0;
	Dwarf_Die child;

	if (!dwarf_child(die, &child))
		do {
			uint64_t offset = 0;
			const char *name = dwarf_diename(&child);

			hc_die_unsigned(&child, DW_AT_data_member_location, &offset);
			number = (number ^ (offset + (name ? g_str_hash(name) : 0))) * 0x9e3779b97f4a7c15u;
		} while (++count < CHILDREN_MAX && !dwarf_siblingof(&child, &child));
	return number;
}

static void search_module(struct search *search)
{
	for (unsigned i = 0; i < search->debug->types->len && search->holders->len <= HOLDERS_MAX; i++) {
		const struct named_type *found = &g_array_index(search->debug->types, struct named_type, i);
		Dwarf_Die die, target;

		if (!hc_debug_die(search->debug, found->offset, &die))
			continue;
		target = die;
		if (!peel_to_struct(&target) || dwarf_tag(&target) == DW_TAG_union_type ||
			!is_or_has(search, &target, 0))
			continue;
		guint64 key = found->hash ? sameness(found, &target) : 0;

		/* Through the typedef, if it is one: that gives a struct without a name its own. */
		if (!key || g_hash_table_add(search->skipped, g_memdup2(&key, sizeof key)))
			add_type(search, &die);
	}
}

static GArray *find_holders(hc_program_types *types, const hc_type *member)
{
	struct search search = { .types = types, .member = member };

	search.added = g_hash_table_new(NULL, NULL);
	search.skipped = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	search.holders = g_array_new(FALSE, FALSE, sizeof(hc_holder));
	for (unsigned i = 0; i < types->info->program_count; i++) {
		search.module = types->info->in_order[i];
		search.debug = hc_module_index(types->info, search.module);
		if (!search.debug)
			continue;
		search.known = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
		search_module(&search);
		g_hash_table_unref(search.known);
	}
	if (search.holders->len > HOLDERS_MAX)
		g_array_set_size(search.holders, 0);
	g_hash_table_unref(search.added);
	g_hash_table_unref(search.skipped);
	return search.holders;
}

const hc_holder *hc_program_types_holders(hc_program_types *types, const hc_type *member, unsigned *ret_count)
{
	GArray *holders;

	hc_debug_info_index(types->info, 0);
	holders = g_hash_table_lookup(types->holders, member);
	if (!holders) {
		holders = find_holders(types, member);
		g_hash_table_insert(types->holders, (gpointer)member, holders);
	}
	*ret_count = holders->len;
	return (const hc_holder *)(void *)holders->data;
}
