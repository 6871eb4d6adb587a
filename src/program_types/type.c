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
	PEEL_MAX = 128,
	DERIVED_MAX = 64, /* pointers to pointers to ... */
	DEPTH_MAX = 16,	  /* functions that take functions that take ... */
	PARAMETERS_MAX = 32,
	PARAMETER_NAME_MAX = 256,
	MEMBERS_MAX = 1 << 16, /* children of a DIE that are looked at */
	DIMENSIONS_MAX = 16,
	TYPES_MAX = 1 << 24,
};

bool hc_die_target(Dwarf_Die *die, Dwarf_Die *ret_target)
{
	Dwarf_Attribute attribute;

	return dwarf_attr_integrate(die, DW_AT_type, &attribute) && dwarf_formref_die(&attribute, ret_target);
}

bool hc_die_unsigned(Dwarf_Die *die, unsigned name, uint64_t *ret_value)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	if (!dwarf_attr(die, name, &attribute) || dwarf_formudata(&attribute, &value))
		return false;
	*ret_value = value;
	return true;
}

static bool is_unnamed(Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	return !name || !*name;
}

/*
 * Goes from DIE through typedefs and qualifiers. FALSE if that ends in void. *ret_typedef: the
 * typedef that gives an unnamed type its name, if has_typedef.
 */
static bool peel(Dwarf_Die *die, Dwarf_Die *ret_typedef, bool *has_typedef)
{
	for (unsigned i = 0; i < PEEL_MAX; i++) {
		Dwarf_Attribute attribute;
		Dwarf_Die target;

		/* What stands in a type unit. */
		if (hc_tag_is_composite(dwarf_tag(die)) && dwarf_attr(die, DW_AT_signature, &attribute) &&
			dwarf_formref_die(&attribute, &target)) {
			*die = target;
			return true;
		}
		switch (dwarf_tag(die)) {
		case DW_TAG_typedef:
		case DW_TAG_template_alias:
			*ret_typedef = *die;
			*has_typedef = true;
			break;
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
		case DW_TAG_immutable_type:
		case DW_TAG_packed_type:
		case DW_TAG_shared_type:
			break;
		default:
			return true;
		}
		if (!hc_die_target(die, &target))
			return false;
		*die = target;
	}
	return false;
}

/* ---- making them ---- */

static const char *keep(hc_program_types *types, const char *text)
{
	return g_string_chunk_insert_const(types->strings, text);
}

/*
 * The type of that KEY, which is taken, or a new one with KIND and NAME only; *ret_new tells which.
 */
static hc_type *intern(hc_program_types *types, char *key, hc_type_kind kind, const char *name, bool *ret_new)
{
	hc_type *type = g_hash_table_lookup(types->interned, key);

	*ret_new = !type;
	if (type) {
		g_free(key);
		return type;
	}
	if (types->all->len >= TYPES_MAX) {
		g_free(key);
		*ret_new = false;
		return types->void_type;
	}
	type = g_new0(hc_type, 1);
	type->kind = kind;
	type->name = type->short_name = keep(types, name);
	if (strchr(name, '<')) {
		g_autofree char *text = hc_name_shorten(name);

		type->short_name = keep(types, text);
	}
	g_ptr_array_add(types->all, type);
	g_hash_table_insert(types->interned, key, type);
	return type;
}

static unsigned word_size(const hc_program_types *types)
{
	return hc_core_process(types->core)->word_size;
}

/*
 * "int (*)[4]", "void (*)(int)", "char *": SIGN stands before what comes behind the name of an
 * array's elements or a function.
 */
static char *name_with_sign(const hc_type *target, const char *sign)
{
	const char *name = target->name, *bracket = NULL;

	if (target->kind == HC_TYPE_ARRAY)
		bracket = strrchr(name, ' ');
	else if (target->kind == HC_TYPE_FUNCTION)
		bracket = strstr(name, " (");
	if (bracket && bracket[1] && strchr("[(", bracket[1]))
		return g_strdup_printf("%.*s (%s)%s", (int)(bracket - name), name, sign, bracket + 1);
	/* "char **", and "void (**)(int)" */
	if (target->kind == HC_TYPE_POINTER) {
		const char *star = strstr(name, "*)");

		if (star)
			return g_strdup_printf("%.*s%s%s", (int)(star + 1 - name), name, sign, star + 1);
		return g_str_has_suffix(name, "*") ? g_strdup_printf("%s%s", name, sign) :
						     g_strdup_printf("%s %s", name, sign);
	}
	return g_strdup_printf("%s %s", name, sign);
}

const hc_type *hc_type_pointer_to(hc_program_types *types, const hc_type *target, hc_type_kind kind, bool is_rvalue)
{
	g_autofree char *name = name_with_sign(target, kind == HC_TYPE_POINTER ? "*" : is_rvalue ? "&&" : "&");
	bool is_new;
	hc_type *type =
		intern(types, g_strdup_printf("P%u%d %p", kind, is_rvalue, (const void *)target), kind, name, &is_new);

	if (is_new) {
		type->size = type->alignment = word_size(types);
		type->target = target;
	}
	return type;
}

/* ---- arrays ---- */

/*
 * The number of elements of one dimension; FALSE if that is not told (flexible, or of variable
 * length).
 */
static bool read_dimension(Dwarf_Die *subrange, uint64_t *ret_count)
{
	uint64_t lower = 0, upper;
	Dwarf_Attribute attribute;
	Dwarf_Sword value;

	if (hc_die_unsigned(subrange, DW_AT_count, ret_count))
		return true;
	if (!dwarf_attr(subrange, DW_AT_upper_bound, &attribute))
		return false;
	switch (dwarf_whatform(&attribute)) {
	case DW_FORM_sdata:
	case DW_FORM_implicit_const:
		if (dwarf_formsdata(&attribute, &value) || value < 0)
			return false;
		upper = value;
		break;
	default:
		if (!hc_die_unsigned(subrange, DW_AT_upper_bound, &upper))
			return false;
		break;
	}
	hc_die_unsigned(subrange, DW_AT_lower_bound, &lower);
	/* "-1" of what has no elements may come as 4 or 8 bytes */
	if (upper < lower || upper == UINT64_MAX || upper == UINT32_MAX)
		return false;
	*ret_count = upper - lower + 1;
	return true;
}

static const hc_type *make_array(hc_program_types *types, Dwarf_Die *die, const hc_type *element)
{
	g_autoptr(GString) dimensions = g_string_new(NULL);
	uint64_t total = 1, size;
	unsigned count = 0;
	Dwarf_Die child;
	bool is_new;

	if (!dwarf_child(die, &child))
		do {
			uint64_t elements = 0;

			if (dwarf_tag(&child) != DW_TAG_subrange_type && dwarf_tag(&child) != DW_TAG_enumeration_type)
				continue;
			if (!read_dimension(&child, &elements))
				g_string_append(dimensions, "[]");
			else
				g_string_append_printf(dimensions, "[%" PRIu64 "]", (uint64_t)elements);
			if (__builtin_mul_overflow(total, elements, &total))
				total = 0;
		} while (++count < DIMENSIONS_MAX && !dwarf_siblingof(&child, &child));
	if (!count) {
		g_string_append(dimensions, "[]");
		total = 0;
	}
	if (__builtin_mul_overflow(total, element->size, &size))
		total = size = 0;
	const char *inner = element->kind == HC_TYPE_ARRAY ? strrchr(element->name, ' ') : NULL;
	g_autofree char *name = inner ? g_strdup_printf("%.*s %s%s", (int)(inner - element->name), element->name,
						dimensions->str, inner + 1) :
					g_strdup_printf("%s %s", element->name, dimensions->str);
	hc_type *type = intern(
		types, g_strdup_printf("A%s %p", dimensions->str, (const void *)element), HC_TYPE_ARRAY, name, &is_new);

	if (is_new) {
		type->target = element;
		type->count = total;
		type->size = size;
		/* vectors of the machine (SIMD) */
		if (dwarf_hasattr(die, DW_AT_GNU_vector) && size && !(size & (size - 1)))
			type->alignment = MIN(size, 64);
	}
	return type;
}

/* ---- leaves ---- */

static hc_type_kind kind_of_encoding(uint64_t encoding, const char *name)
{
	switch (encoding) {
	case DW_ATE_boolean:
		return HC_TYPE_BOOL;
	case DW_ATE_signed_char:
	case DW_ATE_unsigned_char:
	case DW_ATE_UTF:
	case DW_ATE_UCS:
	case DW_ATE_ASCII:
		return HC_TYPE_CHAR;
	case DW_ATE_signed:
		return name && !strcmp(name, "wchar_t") ? HC_TYPE_CHAR : HC_TYPE_SIGNED;
	case DW_ATE_unsigned:
	case DW_ATE_address:
		return name && !strcmp(name, "wchar_t") ? HC_TYPE_CHAR : HC_TYPE_UNSIGNED;
	case DW_ATE_float:
		return HC_TYPE_FLOAT;
	case DW_ATE_complex_float:
		return HC_TYPE_COMPLEX;
	default:
		return HC_TYPE_OTHER;
	}
}

static const hc_type *make_base(hc_program_types *types, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	uint64_t encoding = 0, size = 0;
	g_autoptr(GString) key = g_string_new(NULL);
	bool is_new;

	hc_die_unsigned(die, DW_AT_encoding, &encoding);
	hc_die_unsigned(die, DW_AT_byte_size, &size);
	hc_type_kind kind = dwarf_tag(die) == DW_TAG_base_type ? kind_of_encoding(encoding, name) : HC_TYPE_OTHER;

	if (!name || !*name)
		name = "(unnamed)";
	g_string_printf(key, "B%u %" PRIu64 " ", kind, (uint64_t)size);
	hc_name_append_canonical(key, name);
	hc_type *type = intern(types, g_strdup(key->str), kind, name, &is_new);

	if (is_new)
		type->size = size;
	return type;
}

static const hc_type *make_member_pointer(hc_program_types *types, const hc_module *module, Dwarf_Die *die)
{
	Dwarf_Die target, class;
	Dwarf_Attribute attribute;
	const char *name = NULL;
	bool is_function = hc_die_target(die, &target) && dwarf_tag(&target) == DW_TAG_subroutine_type, is_new;

	if (dwarf_attr(die, DW_AT_containing_type, &attribute) && dwarf_formref_die(&attribute, &class))
		name = hc_name_of_die(types->info, module, &class);
	g_autofree char *text = g_strdup_printf("%s %s::*", is_function ? "function" : "member", name ? name : "?");
	hc_type *type = intern(types, g_strdup_printf("M%s", text), HC_TYPE_MEMBER_POINTER, text, &is_new);

	if (is_new) {
		/* Itanium C++ ABI, 2.3: a function's is a pair of words */
		type->alignment = word_size(types);
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
	return intern(types, g_strdup_printf("F%s", text->str), HC_TYPE_FUNCTION, text->str, &is_new);
}

/* What is not known in this file is a type of its own without a meaning; nullptr's is a pointer. */
static const hc_type *make_unspecified(hc_program_types *types, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	bool is_new;

	if (!name || !strstr(name, "nullptr"))
		return types->void_type;
	hc_type *type = intern(types, g_strdup("N"), HC_TYPE_POINTER, "std::nullptr_t", &is_new);

	if (is_new) {
		type->size = type->alignment = word_size(types);
		type->target = types->void_type;
	}
	return type;
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
	for (unsigned i = 0; i < 8 && peel(&at, &unused, &has_typedef); i++) {
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
	return intern(types, g_string_free(key, FALSE), HC_TYPE_INCOMPLETE, name, &is_new);
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
	hc_type *type = intern(types, g_strdup_printf("E%u", index), HC_TYPE_UNSIGNED, names[index], &is_new);

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
	if (is_unnamed(die))
		hc_die_unsigned(die, DW_AT_decl_line, &line);
	g_string_printf(key, "C%u %" PRIu64 " %" PRIu64 " %" PRIx64 " ", kind, (uint64_t)size, (uint64_t)line,
		(uint64_t)signature(die));
	/* gcc gives several lambdas of a function one name, and so what they are arguments of. */
	if (strstr(name, "<lambda"))
		g_string_append_printf(key, "%u %" PRIx64 " ", hc_modules_index(types->modules, module),
			(uint64_t)hc_die_offset(hc_module_debug(types->info, module), die));
	hc_name_append_canonical(key, name);
	hc_type *type = intern(types, g_strdup(key->str), kind, name, &is_new);

	if (!is_new)
		return type;
	type->size = size;
	hc_die_unsigned(die, DW_AT_alignment, &type->alignment);
	if (!is_unnamed(die) || has_own_name(name)) {
		g_autofree char *base = hc_name_without_arguments(name);

		type->template_name = keep(types, base);
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
	const hc_type *type = is_unnamed(die) ? NULL : find_definition(types, module, die, name);

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
		return make_unspecified(types, die);
	case DW_TAG_subroutine_type:
	case DW_TAG_subprogram:
		return make_function(types, module, die);
	case DW_TAG_ptr_to_member_type:
		return make_member_pointer(types, module, die);
	default:
		break;
	}
	if (!hc_tag_is_composite(tag))
		return make_base(types, die);
	if (is_unnamed(die) && typedef_die)
		name = hc_name_of_die(types->info, module, typedef_die);
	else if (is_unnamed(die) && context)
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
		return make_array(types, die, target);
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

		if (!peel(&at, &typedef_die, &has_typedef))
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

/* ---- the object ---- */

static void type_destroy(void *data)
{
	hc_type *type = data;

	g_free(type->fields);
	g_free(type->arguments);
	g_free(type->enumerators);
	g_free(type->source);
	g_free(type);
}

hc_program_types *hc_program_types_create(hc_debug_info *info)
{
	hc_program_types *types = g_new0(hc_program_types, 1);
	bool is_new;

	types->info = info;
	types->modules = info->modules;
	types->core = info->core;
	types->strings = info->strings;
	types->by_offset = g_new0(GHashTable *, hc_modules_count(info->modules) + 1);
	types->vtable_symbols = g_new0(GArray *, hc_modules_count(info->modules) + 1);
	types->interned = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	types->all = g_ptr_array_new_with_free_func(type_destroy);
	types->definitions = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	types->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	types->holders = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
	types->void_type = intern(types, g_strdup("V"), HC_TYPE_VOID, "void", &is_new);
	return types;
}

void hc_program_types_destroy(hc_program_types *types)
{
	if (!types)
		return;
	for (unsigned i = 0; i < hc_modules_count(types->modules); i++) {
		g_clear_pointer(&types->by_offset[i], g_hash_table_unref);
		g_clear_pointer(&types->vtable_symbols[i], g_array_unref);
	}
	g_hash_table_unref(types->interned);
	g_hash_table_unref(types->definitions);
	g_hash_table_unref(types->by_name);
	g_hash_table_unref(types->holders);
	g_clear_pointer(&types->vtables, g_hash_table_unref);
	g_clear_pointer(&types->arguments, g_hash_table_unref);
	g_ptr_array_unref(types->all);
	g_free(types->by_offset);
	g_free(types->vtable_symbols);
	g_free(types);
}

hc_debug_info *hc_program_types_debug_info(const hc_program_types *types)
{
	return types->info;
}

hc_modules *hc_program_types_modules(const hc_program_types *types)
{
	return types->modules;
}
