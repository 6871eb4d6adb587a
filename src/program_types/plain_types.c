/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Types for which no DIE but their own is read: pointers and arrays of a type that is known, and base types. */
#include "program_types/program_types_state.h"

#include <dwarf.h>
#include <inttypes.h>

enum {
	DIMENSIONS_MAX = 16,
};

unsigned hc_type_word_size(const hc_program_types *types)
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
	hc_type *type = hc_type_intern(
		types, g_strdup_printf("P%u%d %p", kind, is_rvalue, (const void *)target), kind, name, &is_new);

	if (is_new) {
		type->size = type->alignment = hc_type_word_size(types);
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

const hc_type *hc_type_make_array(hc_program_types *types, Dwarf_Die *die, const hc_type *element)
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
	hc_type *type = hc_type_intern(
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

const hc_type *hc_type_make_base(hc_program_types *types, Dwarf_Die *die)
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
	hc_type *type = hc_type_intern(types, g_strdup(key->str), kind, name, &is_new);

	if (is_new)
		type->size = size;
	return type;
}

const hc_type *hc_type_make_unspecified(hc_program_types *types, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	bool is_new;

	if (!name || !strstr(name, "nullptr"))
		return types->void_type;
	hc_type *type = hc_type_intern(types, g_strdup("N"), HC_TYPE_POINTER, "std::nullptr_t", &is_new);

	if (is_new) {
		type->size = type->alignment = hc_type_word_size(types);
		type->target = types->void_type;
	}
	return type;
}
