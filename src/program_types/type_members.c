/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a class, union or enum consists of, read when it is first asked for; and the questions that
 * hc_type answers.
 */
#include "program_types/program_types_state.h"

#include <dwarf.h>

enum {
	MEMBERS_MAX = 1 << 16, /* children of a DIE that are looked at */
	DEPTH_MAX = 64,	       /* bases of bases, members of members */
	QUEUE_MAX = 1024,      /* bases and anonymous members that a name is looked for in */
	ALIGNMENT_MAX = 4096,
};

/* ---- members ---- */

/* Where a member begins. FALSE if it has no place of its own. */
static bool read_place(Dwarf_Die *die, hc_field *field)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *operations;
	size_t count;

	if (!dwarf_attr(die, DW_AT_data_member_location, &attribute))
		return true; /* at the beginning (DWARF 5, 5.7.6) */
	if (hc_die_unsigned(die, DW_AT_data_member_location, &field->offset))
		return true;
	if (dwarf_getlocation(&attribute, &operations, &count) || !count)
		return false;
	if (count == 1 && operations[0].atom == DW_OP_plus_uconst) {
		field->offset = operations[0].number;
		return true;
	}
	return field->is_virtual; /* anything longer looks into the vtable */
}

/*
 * DW_AT_data_bit_offset counts from the object's beginning (DWARF 4 and 5), DW_AT_bit_offset from
 * the most significant bit of a storage unit (DWARF 2 and 3).
 */
static bool read_bits(const hc_program_types *types, Dwarf_Die *die, hc_field *field)
{
	bool is_big = hc_core_process(types->core)->big_endian;
	uint64_t size, at, storage = field->type->size;

	if (!hc_die_unsigned(die, DW_AT_bit_size, &size))
		return true;
	hc_die_unsigned(die, DW_AT_byte_size, &storage);
	if (!size || !storage || storage > 16 || size > storage * 8)
		return false;
	field->bit_size = (unsigned)size;
	if (hc_die_unsigned(die, DW_AT_data_bit_offset, &at)) {
		if (at > UINT64_C(1) << 40)
			return false;
		field->offset = at / (storage * 8) * storage;
		at %= storage * 8;
		if (is_big && at + size > storage * 8)
			return false;
		field->bit_offset = (unsigned)(is_big ? storage * 8 - at - size : at);
		return true;
	}
	at = 0;
	if (hc_die_unsigned(die, DW_AT_bit_offset, &at) && at + size > storage * 8)
		return false;
	field->bit_offset = dwarf_hasattr(die, DW_AT_bit_offset) ? (unsigned)(storage * 8 - at - size) : 0;
	return true;
}

static bool is_static(Dwarf_Die *die)
{
	return dwarf_hasattr(die, DW_AT_external) || dwarf_hasattr(die, DW_AT_declaration) ||
	       dwarf_hasattr(die, DW_AT_const_value);
}

static const hc_type *member_type(
	hc_program_types *types, const hc_module *module, const hc_type *owner, Dwarf_Die *die)
{
	Dwarf_Die target, unnamed;
	const char *kind;

	if (!hc_die_target(die, &target))
		return types->void_type;
	/* An unnamed class, or an array of it, is called after where it is used. */
	unnamed = target;
	for (unsigned i = 0; i < 8 && dwarf_tag(&unnamed) == DW_TAG_array_type; i++)
		if (!hc_die_target(&unnamed, &unnamed))
			break;
	switch (dwarf_tag(&unnamed)) {
	case DW_TAG_union_type:
		kind = "union";
		break;
	case DW_TAG_enumeration_type:
		kind = "enum";
		break;
	default:
		kind = "struct";
		break;
	}
	/* For each member of each struct, of which few are unnamed: without printf()'s ways. */
	g_autofree char *start = g_strndup(owner->name, 512),
			*context = g_strconcat("(anonymous ", kind, " in ", start, ")", NULL);

	return hc_type_of_die_in(types, module, &target, context);
}

static void read_field(
	hc_program_types *types, const hc_module *module, const hc_type *owner, Dwarf_Die *die, GArray *fields)
{
	bool is_base = dwarf_tag(die) == DW_TAG_inheritance;
	uint64_t virtuality = 0;
	hc_field field = { .is_base = is_base };

	if (!is_base && is_static(die))
		return;
	field.is_virtual = is_base && hc_die_unsigned(die, DW_AT_virtuality, &virtuality) &&
			   virtuality == DW_VIRTUALITY_virtual;
	field.name = is_base ? NULL : dwarf_diename(die);
	if (field.name && !*field.name)
		field.name = NULL;
	if (field.name)
		field.name = g_string_chunk_insert_const(types->strings, field.name);
	field.type = member_type(types, module, owner, die);
	if (!read_place(die, &field) || !read_bits(types, die, &field))
		return;
	if (field.is_virtual)
		field.offset = 0;
	/* What reaches out of its owner is damaged. */
	else if (field.offset > owner->size || (!field.bit_size && field.type->size > owner->size - field.offset))
		return;
	g_array_append_val(fields, field);
}

static void read_argument(
	hc_program_types *types, const hc_module *module, Dwarf_Die *die, bool in_pack, GArray *arguments)
{
	hc_template_argument argument = { .in_pack = in_pack };
	const char *name = dwarf_diename(die);
	int tag = dwarf_tag(die);
	Dwarf_Attribute attribute;

	if (arguments->len >= MEMBERS_MAX)
		return;
	if (name && *name)
		argument.name = g_string_chunk_insert_const(types->strings, name);
	if (tag == DW_TAG_template_type_parameter) {
		argument.type = hc_type_of_variable(types, module, die);
	} else if (dwarf_attr(die, DW_AT_const_value, &attribute)) {
		Dwarf_Word word;
		Dwarf_Sword number;
		unsigned form = dwarf_whatform(&attribute);

		/* Only these two have a sign. */
		if ((form == DW_FORM_sdata || form == DW_FORM_implicit_const) && !dwarf_formsdata(&attribute, &number))
			argument.value = number;
		else if (!dwarf_formudata(&attribute, &word))
			argument.value = (int64_t)word;
	}
	g_array_append_val(arguments, argument);
}

static void read_pack(hc_program_types *types, const hc_module *module, Dwarf_Die *pack, GArray *arguments)
{
	const char *name = dwarf_diename(pack);
	unsigned first = arguments->len, steps = 0;
	Dwarf_Die die;

	if (!dwarf_child(pack, &die))
		do {
			if (dwarf_tag(&die) == DW_TAG_template_type_parameter ||
				dwarf_tag(&die) == DW_TAG_template_value_parameter)
				read_argument(types, module, &die, true, arguments);
		} while (++steps < MEMBERS_MAX && !dwarf_siblingof(&die, &die));
	for (unsigned i = first; name && *name && i < arguments->len; i++)
		g_array_index(arguments, hc_template_argument, i).name =
			g_string_chunk_insert_const(types->strings, name);
}

static void read_enumerator(hc_program_types *types, Dwarf_Die *die, GArray *enumerators)
{
	const char *name = dwarf_diename(die);
	Dwarf_Attribute attribute;
	Dwarf_Sword number;
	hc_enumerator entry;

	if (!name || !dwarf_attr(die, DW_AT_const_value, &attribute))
		return;
	if (dwarf_whatform(&attribute) == DW_FORM_sdata || dwarf_whatform(&attribute) == DW_FORM_implicit_const) {
		if (dwarf_formsdata(&attribute, &number))
			return;
	} else {
		Dwarf_Word word;

		if (dwarf_formudata(&attribute, &word))
			return;
		number = (Dwarf_Sword)word;
	}
	entry = (hc_enumerator){ number, g_string_chunk_insert_const(types->strings, name) };
	g_array_append_val(enumerators, entry);
}

static bool begins_with_vptr(const hc_type *type)
{
	for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
		const hc_type *base = NULL;

		hc_type_fill(type);
		if (type->is_polymorphic)
			return true;
		for (unsigned i = 0; i < type->field_count && !base; i++) {
			const hc_field *field = &type->fields[i];

			if (field->is_base && !field->is_virtual && !field->offset &&
				field->type->kind == HC_TYPE_STRUCT && field->type->size >= sizeof(uint32_t))
				base = field->type;
		}
		if (!base)
			return false;
		type = base;
	}
	return false;
}

static void finish_fields(hc_type *type, GArray *fields)
{
	bool has_virtual = false;

	for (unsigned i = 0; i < fields->len; i++) {
		const hc_field *field = &g_array_index(fields, hc_field, i);

		if (field->name && !field->offset && g_str_has_prefix(field->name, "_vptr"))
			type->is_polymorphic = true;
		has_virtual |= field->is_virtual;
	}
	/*
	 * The pointer may belong to a virtual base, whose place is not known from here: Itanium C++
	 * ABI 2.4, primary bases.
	 */
	if (has_virtual)
		type->is_polymorphic = true;
	type->field_count = fields->len;
	type->fields = (hc_field *)(void *)g_array_free(fields, FALSE);
}

static void read_children(hc_type *type, const struct hc_type_source *source, Dwarf_Die *die)
{
	GArray *fields = g_array_new(FALSE, TRUE, sizeof(hc_field)),
	       *arguments = g_array_new(FALSE, TRUE, sizeof(hc_template_argument)),
	       *enumerators = g_array_new(FALSE, FALSE, sizeof(hc_enumerator));
	hc_program_types *types = source->types;
	unsigned steps = 0;
	Dwarf_Die child;

	if (!dwarf_child(die, &child))
		do {
			switch (dwarf_tag(&child)) {
			case DW_TAG_member:
			case DW_TAG_inheritance:
				read_field(types, source->module, type, &child, fields);
				break;
			case DW_TAG_template_type_parameter:
			case DW_TAG_template_value_parameter:
			case DW_TAG_GNU_template_template_param:
				read_argument(types, source->module, &child, false, arguments);
				break;
			case DW_TAG_GNU_template_parameter_pack:
				read_pack(types, source->module, &child, arguments);
				break;
			case DW_TAG_enumerator:
				read_enumerator(types, &child, enumerators);
				break;
			default:
				break;
			}
		} while (++steps < MEMBERS_MAX && !dwarf_siblingof(&child, &child));
	type->argument_count = arguments->len;
	type->arguments = (hc_template_argument *)(void *)g_array_free(arguments, FALSE);
	type->enumerator_count = enumerators->len;
	type->enumerators = (hc_enumerator *)(void *)g_array_free(enumerators, FALSE);
	finish_fields(type, fields);
}

void hc_type_fill(const hc_type *asked)
{
	hc_type *type = (hc_type *)asked;
	g_autofree struct hc_type_source *source = g_steal_pointer(&type->source);
	Dwarf_Die die;

	if (!source)
		return;
	const struct module_debug *debug = hc_module_debug(source->types->info, source->module);

	if (debug->dwarf && hc_debug_die(debug, source->offset, &die))
		read_children(type, source, &die);
}

/* ---- questions ---- */

hc_type_kind hc_type_get_kind(const hc_type *type)
{
	return type->kind;
}

const char *hc_type_name(const hc_type *type)
{
	return type->name;
}

const char *hc_type_short_name(const hc_type *type)
{
	return type->short_name ? type->short_name : type->name;
}

const char *hc_type_template_name(const hc_type *type)
{
	return type->template_name;
}

uint64_t hc_type_size(const hc_type *type)
{
	return type->size;
}

const hc_type *hc_type_target(const hc_type *type)
{
	return type->target;
}

uint64_t hc_type_count(const hc_type *type)
{
	return type->count;
}

unsigned hc_type_field_count(const hc_type *type)
{
	hc_type_fill(type);
	return type->field_count;
}

const hc_field *hc_type_field(const hc_type *type, unsigned index)
{
	hc_type_fill(type);
	return index < type->field_count ? &type->fields[index] : NULL;
}

unsigned hc_type_argument_count(const hc_type *type)
{
	hc_type_fill(type);
	return type->argument_count;
}

const hc_template_argument *hc_type_argument(const hc_type *type, unsigned index)
{
	hc_type_fill(type);
	return index < type->argument_count ? &type->arguments[index] : NULL;
}

bool hc_type_is_polymorphic(const hc_type *type)
{
	return begins_with_vptr(type);
}

const char *hc_type_enumerator(const hc_type *type, int64_t value)
{
	/* Compilers write 255 or -1 for the last of an unsigned char. */
	uint64_t mask = type->size && type->size < 8 ? (UINT64_C(1) << 8 * type->size) - 1 : UINT64_MAX;

	hc_type_fill(type);
	for (unsigned i = 0; i < type->enumerator_count; i++)
		if (!(((uint64_t)type->enumerators[i].value ^ (uint64_t)value) & mask))
			return type->enumerators[i].name;
	return NULL;
}

unsigned hc_type_enumerator_count(const hc_type *type)
{
	hc_type_fill(type);
	return type->enumerator_count;
}

const char *hc_type_enumerator_at(const hc_type *type, unsigned index, int64_t *ret_value)
{
	*ret_value = type->enumerators[index].value;
	return type->enumerators[index].name;
}

const hc_field *hc_type_find_field(const hc_type *type, const char *name, uint64_t *ret_offset)
{
	struct {
		const hc_type *type;
		uint64_t offset;
	} queue[QUEUE_MAX];
	unsigned count = 0;

	queue[count].type = type;
	queue[count++].offset = 0;
	for (unsigned at = 0; at < count; at++) {
		hc_type_fill(queue[at].type);
		for (unsigned i = 0; i < queue[at].type->field_count; i++) {
			const hc_field *field = &queue[at].type->fields[i];

			if (field->name && !strcmp(field->name, name)) {
				*ret_offset = queue[at].offset + field->offset;
				return field;
			}
		}
		for (unsigned i = 0; i < queue[at].type->field_count && count < QUEUE_MAX; i++) {
			const hc_field *field = &queue[at].type->fields[i];

			if (field->name || field->is_virtual || field->bit_size)
				continue;
			queue[count].type = field->type;
			queue[count++].offset = queue[at].offset + field->offset;
		}
	}
	return NULL;
}

/* ---- alignment ---- */

static uint64_t largest_power(uint64_t value)
{
	return value & -value;
}

static uint64_t alignment_of(const hc_type *type, unsigned depth, unsigned *budget);

/* The strictest of its members; one that stands where its type would not be aligned is packed. */
static uint64_t alignment_of_members(const hc_type *type, unsigned depth, unsigned *budget)
{
	uint64_t alignment = 1;

	hc_type_fill(type);
	for (unsigned i = 0; i < type->field_count; i++) {
		const hc_field *field = &type->fields[i];
		uint64_t own = alignment_of(field->type, depth + 1, budget);

		if (field->offset && !field->is_virtual)
			own = MIN(own, largest_power(field->offset));
		alignment = MAX(alignment, own);
	}
	return type->size ? MIN(alignment, largest_power(type->size)) : alignment;
}

/*
 * A class that holds itself is damaged, and must end: BUDGET is how many types may still be looked
 * at.
 */
static uint64_t alignment_of(const hc_type *type, unsigned depth, unsigned *budget)
{
	if (type->alignment)
		return largest_power(MIN(type->alignment, ALIGNMENT_MAX));
	if (depth > DEPTH_MAX || !*budget)
		return 1;
	--*budget;
	switch (type->kind) {
	case HC_TYPE_ARRAY:
	case HC_TYPE_ENUM:
		return type->target ? alignment_of(type->target, depth + 1, budget) : 1;
	case HC_TYPE_STRUCT:
	case HC_TYPE_UNION:
		return alignment_of_members(type, depth, budget);
	default:
		return type->size ? MIN(largest_power(type->size), 16) : 1;
	}
}

uint64_t hc_type_alignment(const hc_type *type)
{
	unsigned budget = MEMBERS_MAX;

	return alignment_of(type, 0, &budget);
}
