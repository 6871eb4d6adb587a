/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From DIEs to types.
 *
 *	variable --type--> typedef --> const --> pointer --> pointer --> struct
 *			   `------ peeled ----'  `----- derived ----'    `- leaf: a type with a name
 *
 * Typedefs and qualifiers are peeled; what remains is a chain of derived types down to a leaf. The
 * leaf is interned by name, size and what its members are; the derived ones by what they are
 * derived from, back along the chain. So a type that a thousand units describe is one object.
 * Members are read when somebody asks for them (type_members.c), so nothing here goes from struct
 * to struct.
 *
 * A damaged or hostile file may have circles and chains without end: each walk has a limit, and
 * what is beyond it is void.
 */
#include "program_types/program_types_state.h"

#include <dwarf.h>
#include <inttypes.h>

enum {
	DERIVED_MAX = 64, /* pointers to pointers to ... */
	DEPTH_MAX = 16,	  /* functions that take functions that take ... */
	PARAMETERS_MAX = 32,
	PARAMETER_NAME_MAX = 256,
	MEMBERS_MAX = 1 << 16, /* children of a DIE that are looked at */
};

/* ---- leaves ---- */

static const hc_type *make_member_pointer(hc_program_types *types, const hc_module *module, Dwarf_Die *die)
{
	Dwarf_Die target, class;
	Dwarf_Attribute attribute;
	const char *name = NULL;
	bool is_function = hc_die_target(die, &target) && dwarf_tag(&target) == DW_TAG_subroutine_type, is_new;

	if (dwarf_attr(die, DW_AT_containing_type, &attribute) && dwarf_formref_die(&attribute, &class))
		name = hc_name_of_die(types->info, module, &class);
	g_autofree char *text = g_strdup_printf("%s %s::*", is_function ? "function" : "member", name ? name : "?");
	hc_type *type = hc_type_intern(types, g_strdup_printf("M%s", text), HC_TYPE_MEMBER_POINTER, text, &is_new);

	if (is_new) {
		/* Itanium C++ ABI, 2.3: a function's is a pair of words */
		type->alignment = hc_type_word_size(types);
		type->size = is_function ? 2 * type->alignment : type->alignment;
	}
	return type;
}

static const hc_type *make_function(hc_program_types *types, const hc_module *module, Dwarf_Die *die)
{
	g_autoptr(GString) text = g_string_new(NULL);
	unsigned count = 0, steps = 0;
	Dwarf_Die child;
	bool is_new, is_deep = types->depth >= DEPTH_MAX;

	types->depth++;
	const char *result = is_deep ? "..." : hc_type_of_variable(types, module, die)->name;

	g_string_append_printf(text, "%s (", strlen(result) < PARAMETER_NAME_MAX ? result : "...");
	if (!is_deep && !dwarf_child(die, &child))
		do {
			int tag = dwarf_tag(&child);

			if (tag != DW_TAG_formal_parameter && tag != DW_TAG_unspecified_parameters)
				continue;
			const char *name = tag == DW_TAG_formal_parameter && count < PARAMETERS_MAX ?
						   hc_type_of_variable(types, module, &child)->name :
						   "...";

			g_string_append_printf(
				text, "%s%s", count++ ? ", " : "", strlen(name) < PARAMETER_NAME_MAX ? name : "...");
		} while (count <= PARAMETERS_MAX && ++steps < MEMBERS_MAX && !dwarf_siblingof(&child, &child));
	types->depth--;
	g_string_append_c(text, ')');
	return hc_type_intern(types, g_strdup_printf("F%s", text->str), HC_TYPE_FUNCTION, text->str, &is_new);
}

/* ---- classes ---- */

/* What a member's type is like, without looking into it: so that it need not be made. */
static uint64_t describe_type(Dwarf_Die *member, GString *text)
{
	Dwarf_Die at, unused;
	uint64_t hash = HC_NAME_ROOT;
	bool has_typedef = false;

	if (!hc_die_target(member, &at))
		return hash;
	for (unsigned i = 0; i < 8 && hc_die_peel(&at, &unused, &has_typedef); i++) {
		const char *name;
		int tag = dwarf_tag(&at);

		if (hc_tag_is_composite(tag) || tag == DW_TAG_base_type) {
			name = dwarf_diename(&at);
			g_string_truncate(text, 0);
			if (name)
				hc_name_append_canonical(text, name);
			return hc_name_hash_within(hash, hc_name_hash(text->str, text->len));
		}
		hash = hc_name_hash_within(hash, tag);
		if (tag == DW_TAG_subroutine_type || !hc_die_target(&at, &at))
			break;
	}
	return hash;
}

/*
 * One figure for what is in a struct, union or enum: two of one name that differ in it are two
 * types.
 */
static uint64_t signature(Dwarf_Die *die)
{
	uint64_t hash = HC_NAME_ROOT;
	unsigned steps = 0;
	g_autoptr(GString) text = g_string_new(NULL);
	Dwarf_Die child;

	if (dwarf_child(die, &child))
		return hash;
	do {
		int tag = dwarf_tag(&child);
		uint64_t place = 0;

		if (tag != DW_TAG_member && tag != DW_TAG_inheritance && tag != DW_TAG_enumerator)
			continue;
		if (tag == DW_TAG_member &&
			(dwarf_hasattr(&child, DW_AT_external) || dwarf_hasattr(&child, DW_AT_declaration)))
			continue;
		const char *name = dwarf_diename(&child);

		if (!hc_die_unsigned(&child, DW_AT_data_member_location, &place) &&
			!hc_die_unsigned(&child, DW_AT_const_value, &place))
			hc_die_unsigned(&child, DW_AT_data_bit_offset, &place);
		hash = hc_name_hash_within(hash, place);
		if (name && !g_str_has_prefix(name, "_vptr"))
			hash = hc_name_hash_within(hash, hc_name_hash(name, strlen(name)));
		if (tag != DW_TAG_enumerator)
			hash = hc_name_hash_within(hash, describe_type(&child, text));
	} while (++steps < MEMBERS_MAX && !dwarf_siblingof(&child, &child));
	return hash;
}

static hc_type_kind kind_of_composite(int tag)
{
	return tag == DW_TAG_union_type	      ? HC_TYPE_UNION :
	       tag == DW_TAG_enumeration_type ? HC_TYPE_ENUM :
						HC_TYPE_STRUCT;
}

static const hc_type *make_incomplete(hc_program_types *types, const char *name)
{
	bool is_new;
	GString *key = g_string_new("I");

	hc_name_append_canonical(key, name);
	return hc_type_intern(types, g_string_free(key, FALSE), HC_TYPE_INCOMPLETE, name, &is_new);
}

/* The integer that an enum is stored as. */
static const hc_type *enum_integer(hc_program_types *types, const hc_module *module, Dwarf_Die *die, uint64_t size)
{
	static const char *const names[] = { "unsigned char", "unsigned short", "unsigned int", "unsigned long" };
	unsigned index = size == 1 ? 0 : size == 2 ? 1 : size == 8 ? 3 : 2;
	bool is_new;
	Dwarf_Die target;

	if (hc_die_target(die, &target)) {
		const hc_type *type = hc_type_of_die(types, module, &target);

		if (type->kind != HC_TYPE_ENUM)
			return type;
	}
	hc_type *type = hc_type_intern(types, g_strdup_printf("E%u", index), HC_TYPE_UNSIGNED, names[index], &is_new);

	if (is_new)
		type->size = 1u << index;
	return type;
}

/* Unnamed classes are called "(anonymous struct)", "(anonymous union in queue)". */
static bool has_own_name(const char *name)
{
	const char *last = g_strrstr(name, "(anonymous ");

	return !last || g_str_has_prefix(last, "(anonymous namespace)::");
}

static const hc_type *make_composite(hc_program_types *types, const hc_module *module, Dwarf_Die *die, const char *name)
{
	uint64_t size = 0, line = 0;
	int tag = dwarf_tag(die);
	hc_type_kind kind = kind_of_composite(tag);
	g_autoptr(GString) key = g_string_new(NULL);
	bool is_new;

	hc_die_unsigned(die, DW_AT_byte_size, &size);
	if (hc_die_is_unnamed(die))
		hc_die_unsigned(die, DW_AT_decl_line, &line);
	g_string_printf(key, "C%u %" PRIu64 " %" PRIu64 " %" PRIx64 " ", kind, (uint64_t)size, (uint64_t)line,
		(uint64_t)signature(die));
	/* gcc gives several lambdas of a function one name, and so what they are arguments of. */
	if (strstr(name, "<lambda"))
		g_string_append_printf(key, "%u %" PRIx64 " ", hc_modules_index(types->modules, module),
			(uint64_t)hc_die_offset(hc_module_debug(types->info, module), die));
	hc_name_append_canonical(key, name);
	hc_type *type = hc_type_intern(types, g_strdup(key->str), kind, name, &is_new);

	if (!is_new)
		return type;
	type->size = size;
	hc_die_unsigned(die, DW_AT_alignment, &type->alignment);
	if (!hc_die_is_unnamed(die) || has_own_name(name)) {
		g_autofree char *base = hc_name_without_arguments(name);

		type->template_name = hc_type_keep(types, base);
	}
	if (kind == HC_TYPE_ENUM)
		type->target = enum_integer(types, module, die, size);
	type->source = g_new0(struct hc_type_source, 1);
	*type->source =
		(struct hc_type_source){ types, module, hc_die_offset(hc_module_debug(types->info, module), die) };
	return type;
}

/* ---- definitions of what is declared ---- */

static const hc_type *definition_in(
	hc_program_types *types, const hc_module *module, uint64_t hash, const char *name, const struct unit *only_unit)
{
	struct module_debug *debug = hc_module_index(types->info, module);
	unsigned first, count = debug && hash ? hc_debug_types(debug, hash, &first) : 0;

	for (unsigned i = 0; i < count; i++) {
		const struct named_type *found = &g_array_index(debug->types, struct named_type, first + i);
		Dwarf_Die die;

		if (found->kind != NAMED_COMPOSITE || (only_unit && hc_debug_unit(debug, found->offset) != only_unit) ||
			!hc_debug_die(debug, found->offset, &die) || !hc_tag_is_composite(dwarf_tag(&die)) ||
			dwarf_hasattr(&die, DW_AT_declaration))
			continue;
		return make_composite(types, module, &die, name);
	}
	return NULL;
}

/* NULL if it is defined nowhere. */
static const hc_type *find_definition(
	hc_program_types *types, const hc_module *module, Dwarf_Die *die, const char *name)
{
	guint64 full, base;
	bool is_private = strstr(name, "(anonymous namespace)") != NULL;
	gpointer known;

	if (!hc_name_hashes(name, &full, &base))
		return NULL;
	const hc_type *type = definition_in(types, module, full, name,
		is_private ? hc_debug_unit(hc_module_debug(types->info, module),
				     hc_die_offset(hc_module_debug(types->info, module), die)) :
			     NULL);

	if (type || is_private)
		return type;
	if (g_hash_table_lookup_extended(types->definitions, &full, NULL, &known))
		return known;
	/* Those whose types are known already come first. */
	for (unsigned i = 0; i < types->info->count && !type; i++)
		if (types->info->in_order[i] != module)
			type = definition_in(types, types->info->in_order[i], full, name, NULL);
	g_hash_table_insert(types->definitions, g_memdup2(&full, sizeof full), (hc_type *)type);
	return type;
}

static const hc_type *make_class(hc_program_types *types, const hc_module *module, Dwarf_Die *die, const char *name)
{
	if (!dwarf_hasattr(die, DW_AT_declaration) &&
		(dwarf_hasattr(die, DW_AT_byte_size) || dwarf_haschildren(die) > 0))
		return make_composite(types, module, die, name);
	const hc_type *type = hc_die_is_unnamed(die) ? NULL : find_definition(types, module, die, name);

	return type ? type : make_incomplete(types, name);
}

/* ---- all of them ---- */

static const hc_type *make_leaf(
	hc_program_types *types, const hc_module *module, Dwarf_Die *die, Dwarf_Die *typedef_die, const char *context)
{
	int tag = dwarf_tag(die);
	const char *name = NULL;

	switch (tag) {
	case DW_TAG_unspecified_type:
		return hc_type_make_unspecified(types, die);
	case DW_TAG_subroutine_type:
	case DW_TAG_subprogram:
		return make_function(types, module, die);
	case DW_TAG_ptr_to_member_type:
		return make_member_pointer(types, module, die);
	default:
		break;
	}
	if (!hc_tag_is_composite(tag))
		return hc_type_make_base(types, die);
	if (hc_die_is_unnamed(die) && typedef_die)
		name = hc_name_of_die(types->info, module, typedef_die);
	else if (hc_die_is_unnamed(die) && context)
		name = context;
	if (!name)
		name = hc_name_of_die(types->info, module, die);
	return make_class(types, module, die, name ? name : "(unnamed)");
}

static bool is_derived(int tag)
{
	return tag == DW_TAG_pointer_type || tag == DW_TAG_reference_type || tag == DW_TAG_rvalue_reference_type ||
	       tag == DW_TAG_array_type;
}

static const hc_type *make_derived(hc_program_types *types, Dwarf_Die *die, const hc_type *target)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_array_type:
		return hc_type_make_array(types, die, target);
	case DW_TAG_pointer_type:
		return hc_type_pointer_to(types, target, HC_TYPE_POINTER, false);
	default:
		return hc_type_pointer_to(
			types, target, HC_TYPE_REFERENCE, dwarf_tag(die) == DW_TAG_rvalue_reference_type);
	}
}

/* Types of DIEs of MODULE by their offsets. */
static GHashTable *known_of(const hc_program_types *types, const hc_module *module)
{
	GHashTable **known = &types->by_offset[hc_modules_index(types->modules, module)];

	if (!*known)
		*known = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	return *known;
}

static const hc_type *find_known(GHashTable *known, const struct module_debug *debug, Dwarf_Die *die)
{
	guint64 offset = hc_die_offset(debug, die);

	return g_hash_table_lookup(known, &offset);
}

static void set_known(GHashTable *known, const struct module_debug *debug, Dwarf_Die *die, const hc_type *type)
{
	guint64 offset = hc_die_offset(debug, die);

	g_hash_table_replace(known, g_memdup2(&offset, sizeof offset), (hc_type *)type);
}

const hc_type *hc_type_of_die_in(hc_program_types *types, const hc_module *module, Dwarf_Die *die, const char *context)
{
	struct module_debug *debug = hc_module_index(types->info, module);
	GHashTable *known = debug ? known_of(types, module) : NULL;
	const hc_type *type = debug ? find_known(known, debug, die) : NULL;
	Dwarf_Die chain[DERIVED_MAX], at = *die, typedef_die;
	unsigned count = 0;

	if (type || !debug)
		return type ? type : types->void_type;
	type = types->void_type;
	for (;;) {
		bool has_typedef = false;

		if (!hc_die_peel(&at, &typedef_die, &has_typedef))
			break;
		const hc_type *rest = find_known(known, debug, &at);

		if (rest) {
			type = rest;
			break;
		}
		if (!is_derived(dwarf_tag(&at))) {
			type = make_leaf(types, module, &at, has_typedef ? &typedef_die : NULL, context);
			set_known(known, debug, &at, type);
			break;
		}
		if (count == DERIVED_MAX)
			break;
		chain[count++] = at;
		if (!hc_die_target(&chain[count - 1], &at))
			break;
	}
	while (count--) {
		type = make_derived(types, &chain[count], type);
		set_known(known, debug, &chain[count], type);
	}
	set_known(known, debug, die, type);
	return type;
}

const hc_type *hc_type_of_die(hc_program_types *types, const hc_module *module, Dwarf_Die *die)
{
	return hc_type_of_die_in(types, module, die, NULL);
}

const hc_type *hc_type_of_variable(hc_program_types *types, const hc_module *module, Dwarf_Die *die)
{
	Dwarf_Die target;

	return hc_die_target(die, &target) ? hc_type_of_die(types, module, &target) : types->void_type;
}
