/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Going through all DIEs of a unit once, for what the index wants: scopes, defined types by the
 * hash of their qualified name, and variables with a fixed place.
 *
 *	unit
 *	|- namespace std		frame: hash("std")			recorded as a scope
 *	|  |- inline namespace __cxx11	frame: the same hash: names leave it out
 *	|  `- class list<int>		type: hash(hash("std"), "list<int>")
 *	`- subprogram main		frame: in a function
 *	   `- lexical_block
 *	      `- variable, at an address   a function's static variable
 *
 * Function bodies are gone through as well, for their static variables and classes: at some 10 ns a
 * DIE that costs less than to look for the few that have them. Names are made canonical once for
 * each place in .debug_str, which the linker has merged. A type that a hundred units define is kept
 * once for each size. Depth is limited, and the stack of frames explicit.
 */
#include "dwarf/abbreviations.h"

#include <dwarf.h>

enum {
	DEPTH_MAX = 512,
	SCOPES_MAX = 1 << 24, /* of a unit */
};

/* Canonical names by where the text stands. */
struct name_hash {
	const uint8_t *text; /* NULL: free */
	uint64_t full, base;
	bool is_inline;	 /* the usual name of an inline namespace */
	bool has_lambda; /* gcc calls all lambdas of a function the same */
};

struct frame {
	uint64_t full, base; /* hash of the scope */
	uint32_t scope;	     /* index, or NO_SCOPE */
	uint32_t own;	     /* the scope that this frame made, or NO_SCOPE */
	uint32_t function;   /* depth of the nearest function's frame; 0: none */
	bool in_class;
	bool is_unique;	 /* in an anonymous namespace: another unit's is not the same */
	bool is_unnamed; /* in a class without a name, or one that has it in a type unit */
	bool is_kept;	 /* of a function: something in it has a name */
};

/* A class that is declared; its definition may stand elsewhere in the unit, and refer to it. */
struct declaration {
	uint64_t offset, full, base;
	bool is_unique, is_local, is_unnamed;
};

struct scan {
	GArray *types, *variables; /* of scanned_... */
	struct abbreviations abbreviations;
	struct name_hash *names; /* open addressing */
	uint64_t name_count, name_mask;
	uint64_t *seen; /* types that are known: hashes; open addressing, 0: free */
	uint64_t seen_count, seen_mask;
	GString *text;

	/* of the unit being read */
	const struct module_debug *debug;
	struct unit *unit;
	unsigned module;
	const struct section *sections; /* of its file */
	const uint8_t *bytes;		/* of its section */
	struct reader reader;
	GArray *scopes;
	GArray *declarations; /* of struct declaration, by offset */
	struct frame frames[DEPTH_MAX];
	unsigned depth;
	struct {
		const uint8_t *at;
		const struct abbreviation_field *field;
	} values[WANT_COUNT]; /* NULL: the DIE has none */
};

struct scan *hc_scan_create(void)
{
	struct scan *scan = g_new0(struct scan, 1);

	scan->types = g_array_new(FALSE, FALSE, sizeof(struct scanned_type));
	scan->variables = g_array_new(FALSE, FALSE, sizeof(struct scanned_variable));
	scan->scopes = g_array_new(FALSE, FALSE, sizeof(struct scope));
	scan->declarations = g_array_new(FALSE, FALSE, sizeof(struct declaration));
	scan->text = g_string_new(NULL);
	scan->name_mask = scan->seen_mask = (1 << 12) - 1;
	scan->names = g_new0(struct name_hash, scan->name_mask + 1);
	scan->seen = g_new0(uint64_t, scan->seen_mask + 1);
	return scan;
}

void hc_scan_destroy(struct scan *scan)
{
	if (!scan)
		return;
	g_array_unref(scan->types);
	g_array_unref(scan->variables);
	g_array_unref(scan->scopes);
	g_array_unref(scan->declarations);
	g_string_free(scan->text, TRUE);
	hc_abbreviations_clear(&scan->abbreviations);
	g_free(scan->names);
	g_free(scan->seen);
	g_free(scan);
}

const GArray *hc_scan_types(const struct scan *scan)
{
	return scan->types;
}

const GArray *hc_scan_variables(const struct scan *scan)
{
	return scan->variables;
}

/* ---- values ---- */

static uint64_t string_index(struct reader *reader, unsigned form)
{
	switch (form) {
	case DW_FORM_strx1:
		return hc_reader_unsigned(reader, 1);
	case DW_FORM_strx2:
		return hc_reader_unsigned(reader, 2);
	case DW_FORM_strx3:
		return hc_reader_unsigned(reader, 3);
	case DW_FORM_strx4:
		return hc_reader_unsigned(reader, 4);
	default:
		return hc_reader_leb(reader);
	}
}

static struct reader reader_at(const struct scan *scan, const uint8_t *at)
{
	struct reader reader = scan->reader;

	reader.at = at;
	reader.failed = false;
	return reader;
}

static const uint8_t *string_at(const struct section *section, uint64_t offset)
{
	return section->bytes && offset < section->size && memchr(section->bytes + offset, 0, section->size - offset) ?
		       section->bytes + offset :
		       NULL;
}

/* The NUL-terminated text of WANT; NULL if the DIE has none. */
static const uint8_t *value_text(const struct scan *scan, enum wanted want)
{
	const struct section *sections = scan->sections;

	if (!scan->values[want].at)
		return NULL;
	unsigned form = scan->values[want].field->form;
	struct reader reader = reader_at(scan, scan->values[want].at);

	switch (form) {
	case DW_FORM_string:
		return memchr(reader.at, 0, reader.end - reader.at) ? reader.at : NULL;
	case DW_FORM_strp:
		return string_at(&sections[SECTION_STR], hc_reader_unsigned(&reader, reader.offset_size));
	case DW_FORM_line_strp:
		return string_at(&sections[SECTION_LINE_STR], hc_reader_unsigned(&reader, reader.offset_size));
	case DW_FORM_GNU_strp_alt:
		return scan->debug->shared ? string_at(&scan->debug->shared->sections[SECTION_STR],
						     hc_reader_unsigned(&reader, reader.offset_size)) :
					     NULL;
	case DW_FORM_strx:
	case DW_FORM_strx1:
	case DW_FORM_strx2:
	case DW_FORM_strx3:
	case DW_FORM_strx4: {
		const struct section *offsets = &sections[SECTION_STR_OFFSETS];
		uint64_t index = string_index(&reader, form), base = scan->unit->string_offsets;

		if (reader.failed || base > offsets->size || index >= (offsets->size - base) / reader.offset_size)
			return NULL;
		reader.at = offsets->bytes + base + index * reader.offset_size;
		reader.end = offsets->bytes + offsets->size;
		return string_at(&sections[SECTION_STR], hc_reader_unsigned(&reader, reader.offset_size));
	}
	default:
		return NULL;
	}
}

static uint64_t value_unsigned(const struct scan *scan, enum wanted want)
{
	if (!scan->values[want].at)
		return 0;
	struct reader reader = reader_at(scan, scan->values[want].at);

	switch (scan->values[want].field->form) {
	case DW_FORM_data1:
	case DW_FORM_ref1:
		return hc_reader_unsigned(&reader, 1);
	case DW_FORM_data2:
	case DW_FORM_ref2:
		return hc_reader_unsigned(&reader, 2);
	case DW_FORM_data4:
	case DW_FORM_ref4:
		return hc_reader_unsigned(&reader, 4);
	case DW_FORM_data8:
	case DW_FORM_ref8:
		return hc_reader_unsigned(&reader, 8);
	case DW_FORM_udata:
	case DW_FORM_sdata:
	case DW_FORM_ref_udata:
		return hc_reader_leb(&reader);
	case DW_FORM_sec_offset:
	case DW_FORM_ref_addr:
		return hc_reader_unsigned(&reader, reader.offset_size);
	case DW_FORM_implicit_const:
		return scan->values[want].field->implicit;
	default:
		return 0;
	}
}

static bool value_flag(const struct scan *scan, enum wanted want)
{
	return scan->values[want].at && (scan->values[want].field->form != DW_FORM_flag || *scan->values[want].at != 0);
}

/* ---- names ---- */

static struct name_hash *find_slot(struct name_hash *names, uint64_t mask, const uint8_t *text)
{
	uint64_t at = (uint64_t)(uintptr_t)text * HC_NAME_ROOT >> 20;

	while (names[at & mask].text && names[at & mask].text != text)
		at++;
	return &names[at & mask];
}

static void grow_names(struct scan *scan)
{
	uint64_t mask = scan->name_mask * 2 + 1;
	struct name_hash *names = g_new0(struct name_hash, mask + 1);

	for (uint64_t i = 0; i <= scan->name_mask; i++)
		if (scan->names[i].text)
			*find_slot(names, mask, scan->names[i].text) = scan->names[i];
	g_free(scan->names);
	scan->names = names;
	scan->name_mask = mask;
}

static const struct name_hash *hash_name(struct scan *scan, const uint8_t *text)
{
	struct name_hash *slot = find_slot(scan->names, scan->name_mask, text);

	if (slot->text)
		return slot;
	/* A power of two of slots, at most half of them taken. */
	if (scan->name_count * 2 > scan->name_mask) {
		grow_names(scan);
		slot = find_slot(scan->names, scan->name_mask, text);
	}
	g_string_truncate(scan->text, 0);
	hc_name_append_canonical(scan->text, (const char *)text);
	size_t length = scan->text->len, base = hc_name_base_length(scan->text->str, length);

	scan->name_count++;
	*slot = (struct name_hash){ .text = text,
		.full = hc_name_hash(scan->text->str, length),
		.base = hc_name_hash(scan->text->str, base),
		.has_lambda = strstr((const char *)text, "<lambda") != NULL,
		.is_inline = hc_name_is_inline_namespace((const char *)text, strlen((const char *)text)) };
	return slot;
}

/* ---- what is found ---- */

static uint64_t *find_seen(uint64_t *seen, uint64_t mask, uint64_t hash)
{
	uint64_t at = hash * HC_NAME_ROOT >> 16;

	while (seen[at & mask] && seen[at & mask] != hash)
		at++;
	return &seen[at & mask];
}

/* True the first time. */
static bool is_new(struct scan *scan, uint64_t hash)
{
	uint64_t *slot;

	if (!hash)
		return true;
	slot = find_seen(scan->seen, scan->seen_mask, hash);
	if (*slot)
		return false;
	*slot = hash;
	if (++scan->seen_count * 2 > scan->seen_mask) {
		uint64_t mask = scan->seen_mask * 2 + 1, *seen = g_new0(uint64_t, mask + 1);

		for (uint64_t i = 0; i <= scan->seen_mask; i++)
			if (scan->seen[i])
				*find_seen(seen, mask, scan->seen[i]) = scan->seen[i];
		g_free(scan->seen);
		scan->seen = seen;
		scan->seen_mask = mask;
	}
	return true;
}

static void keep_function(struct scan *scan, const struct frame *frame)
{
	if (frame->function)
		scan->frames[frame->function].is_kept = true;
}

/* Hashes of a type's qualified name. */
static struct declaration qualify(const struct frame *parent, uint64_t offset, const struct name_hash *name)
{
	return (struct declaration){ .offset = offset,
		.full = hc_name_hash_within(parent->full, name->full),
		.base = hc_name_hash_within(parent->base, name->base),
		.is_unique = parent->is_unique || name->has_lambda,
		.is_local = parent->function != 0,
		.is_unnamed = parent->is_unnamed };
}

/*
 * Of what completes a DIE of another unit (dwz moves such declarations): the index asks for its
 * name when all units are read.
 */
static struct declaration name_elsewhere(const struct frame *parent, uint64_t offset)
{
	uint64_t hash = hc_name_hash_within(parent->full, offset);

	return (struct declaration){ .offset = offset,
		.full = hash,
		.base = hash,
		.is_unique = parent->is_unique,
		.is_local = parent->function != 0,
		.is_unnamed = true };
}

static void add_type(struct scan *scan, uint64_t offset, const struct declaration *name, unsigned kind)
{
	uint64_t size = value_unsigned(scan, WANT_BYTE_SIZE);
	bool is_unique = name->is_unique || name->is_local;
	struct scanned_type found = {
		.type = { .hash = name->is_local ? 0 : name->full,
			.base = name->base,
			.offset = offset,
			.size = (uint32_t)size,
			.kind = (uint16_t)kind,
			.is_unique = is_unique,
			.is_unnamed = name->is_unnamed },
		.module = scan->module,
	};
	uint64_t same = hc_name_hash_within(
		name->full ^ size << 8 ^ kind ^ (uint64_t)scan->module << 32, name->base ^ (is_unique ? offset : 0));

	if (is_new(scan, same))
		g_array_append_val(scan->types, found);
}

static int compare_declarations(const void *a, const void *b)
{
	const struct declaration *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

/*
 * What the DIE completes, if that has come already (a class that was declared in another one, and
 * is defined outside of it).
 */
static const struct declaration *find_specified(struct scan *scan)
{
	uint64_t target = value_unsigned(scan, WANT_SPECIFICATION);
	struct declaration wanted = { .offset = target };
	guint index;

	if (!target)
		return NULL;
	wanted.offset += scan->values[WANT_SPECIFICATION].field->form == DW_FORM_ref_addr ?
				 scan->unit->offset & OFFSET_PLACE :
				 scan->unit->offset;
	return g_array_binary_search(scan->declarations, &wanted, compare_declarations, &index) ?
		       &g_array_index(scan->declarations, struct declaration, index) :
		       NULL;
}

/*
 * Whether the location of a variable is one place: it begins with an address, or ends by asking for
 * thread-local storage. "Address, stack_value" is a pointer that was folded into its value. An
 * address of 0 or -1 is one of a section that the linker dropped.
 */
static bool is_static_location(struct scan *scan, bool *ret_thread_local)
{
	struct reader reader = reader_at(scan, scan->values[WANT_LOCATION].at);
	uint64_t size;

	switch (scan->values[WANT_LOCATION].field->form) {
	case DW_FORM_exprloc:
	case DW_FORM_block:
		size = hc_reader_leb(&reader);
		break;
	case DW_FORM_block1:
		size = hc_reader_unsigned(&reader, 1);
		break;
	case DW_FORM_block2:
		size = hc_reader_unsigned(&reader, 2);
		break;
	case DW_FORM_block4:
		size = hc_reader_unsigned(&reader, 4);
		break;
	default:
		return false;
	}
	if (reader.failed || !size || size > (uint64_t)(reader.end - reader.at))
		return false;
	const uint8_t *expression = reader.at;
	uint8_t last = expression[size - 1];
	bool is_whole_address = expression[0] == DW_OP_addr && size == 1u + reader.address_size;

	*ret_thread_local = size > 1 && !is_whole_address &&
			    (last == DW_OP_form_tls_address || last == DW_OP_GNU_push_tls_address);
	switch (expression[0]) {
	case DW_OP_const1u:
	case DW_OP_const2u:
	case DW_OP_const4u:
	case DW_OP_const8u:
	case DW_OP_constu:
	case DW_OP_constx:
	case DW_OP_GNU_const_index:
		return *ret_thread_local;
	case DW_OP_addr: {
		if (*ret_thread_local)
			return true;
		if (size < 1u + reader.address_size)
			return false;
		reader.at++;
		uint64_t address = hc_reader_unsigned(&reader, reader.address_size);

		if (!address || address == UINT64_MAX || (reader.address_size == 4 && address == UINT32_MAX))
			return false;
		return is_whole_address || last != DW_OP_stack_value;
	}
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		return last != DW_OP_stack_value || size == 2;
	default:
		return false;
	}
}

static void add_variable(struct scan *scan, const struct frame *parent, uint64_t offset)
{
	struct scanned_variable found = {
		.variable = { .offset = offset, .in_function = parent->function != 0 },
		.module = scan->module,
	};

	/*
	 * In the abstract instance of an inline function no variable has a place, but a static one
	 * is asked for its scopes there.
	 */
	if (!scan->values[WANT_LOCATION].at) {
		keep_function(scan, parent);
		return;
	}
	if (!is_static_location(scan, &found.variable.is_thread_local))
		return;
	g_array_append_val(scan->variables, found);
	keep_function(scan, parent);
}

/* ---- going through ---- */

static uint32_t add_scope(struct scan *scan, const struct frame *parent, uint64_t offset)
{
	struct scope scope = { .start = (uint32_t)(offset - scan->unit->offset), .parent = parent->scope };

	if (scan->scopes->len >= SCOPES_MAX)
		return NO_SCOPE;
	g_array_append_val(scan->scopes, scope);
	return scan->scopes->len - 1;
}

static void enter_namespace(struct scan *scan, struct frame *frame, uint64_t offset)
{
	static const uint8_t anonymous[] = "(anonymous namespace)";
	const uint8_t *text = value_text(scan, WANT_NAME);
	const struct name_hash *name = hash_name(scan, text ? text : anonymous);
	bool is_inline = value_flag(scan, WANT_EXPORT_SYMBOLS) || name->is_inline;

	frame->own = add_scope(scan, &scan->frames[scan->depth], offset);
	if (frame->own != NO_SCOPE)
		frame->scope = frame->own;
	if (!text)
		frame->is_unique = true;
	if (text && is_inline)
		return;
	frame->full = hc_name_hash_within(frame->full, name->full);
	frame->base = hc_name_hash_within(frame->base, name->base);
}

/* NAME: NULL if it has none here. */
static void enter_composite(struct scan *scan, struct frame *frame, uint64_t offset, const struct declaration *name)
{
	frame->own = add_scope(scan, &scan->frames[scan->depth], offset);
	if (frame->own != NO_SCOPE)
		frame->scope = frame->own;
	frame->full = name ? name->full : hc_name_hash_within(frame->full, offset);
	frame->base = name ? name->base : frame->full;
	frame->in_class = true;
	frame->is_unnamed = !name || name->is_unnamed;
}

static void visit_composite(struct scan *scan, const struct abbreviation *entry, uint64_t offset, struct frame *frame)
{
	const struct frame *parent = &scan->frames[scan->depth];
	const uint8_t *text = value_text(scan, WANT_NAME);
	const struct declaration *specified = find_specified(scan);
	bool has_name = specified || (text && *text) || scan->values[WANT_SPECIFICATION].at;
	struct declaration name = { 0 };

	if (specified)
		name = *specified;
	else if (text && *text)
		name = qualify(parent, offset, hash_name(scan, text));
	else if (has_name)
		name = name_elsewhere(parent, offset);
	if (has_name && value_flag(scan, WANT_DECLARATION))
		g_array_append_val(scan->declarations, name);
	else if (has_name && scan->values[WANT_BYTE_SIZE].at)
		add_type(scan, offset, &name, NAMED_COMPOSITE);
	keep_function(scan, parent);
	if (entry->has_children && entry->tag != DW_TAG_enumeration_type)
		enter_composite(scan, frame, offset, has_name ? &name : NULL);
}

static void visit_other(struct scan *scan, uint64_t offset)
{
	const struct frame *parent = &scan->frames[scan->depth];
	const uint8_t *text = value_text(scan, WANT_NAME);

	keep_function(scan, parent);
	if (text && !parent->in_class && !parent->function) {
		struct declaration name = qualify(parent, offset, hash_name(scan, text));

		add_type(scan, offset, &name, NAMED_OTHER);
	}
}

static void enter_function(struct scan *scan, struct frame *frame, uint64_t offset)
{
	frame->own = add_scope(scan, &scan->frames[scan->depth], offset);
	if (frame->own != NO_SCOPE)
		frame->scope = frame->own;
	frame->full = frame->base = HC_NAME_ROOT;
	frame->function = scan->depth + 1;
	frame->in_class = frame->is_kept = false;
}

/* What the DIE at OFFSET is; fills FRAME, which its children will stand in. */
static void visit(struct scan *scan, const struct abbreviation *entry, uint64_t offset, struct frame *frame)
{
	switch (entry->tag) {
	case DW_TAG_namespace:
	case DW_TAG_module:
		if (entry->has_children)
			enter_namespace(scan, frame, offset);
		break;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
	case DW_TAG_enumeration_type:
		visit_composite(scan, entry, offset, frame);
		break;
	case DW_TAG_typedef:
	case DW_TAG_template_alias:
	case DW_TAG_base_type:
		visit_other(scan, offset);
		break;
	case DW_TAG_subprogram:
		if (entry->has_children)
			enter_function(scan, frame, offset);
		break;
	case DW_TAG_variable:
		add_variable(scan, &scan->frames[scan->depth], offset);
		break;
	default:
		break;
	}
}

static void read_attributes(struct scan *scan, const struct abbreviation *entry)
{
	struct reader *reader = &scan->reader;
	const struct abbreviation_field *field =
		&g_array_index(scan->abbreviations.fields, struct abbreviation_field, entry->first);

	if (entry->has_wanted)
		memset(scan->values, 0, sizeof scan->values);
	for (unsigned i = 0; i < entry->count && !reader->failed; i++, field++) {
		if (field->want) {
			scan->values[field->want].at = reader->at;
			scan->values[field->want].field = field;
		}
		if (field->size >= 0)
			hc_reader_skip(reader, field->size);
		else
			hc_reader_skip_form(reader, field->form);
	}
}

/* Ends the innermost frame at END. */
static void leave(struct scan *scan, uint64_t end)
{
	const struct frame *frame = &scan->frames[scan->depth];

	if (frame->own != NO_SCOPE) {
		bool is_function = frame->function == scan->depth && scan->depth;

		/* Most functions hold nothing that anybody asks the scope of. */
		if (is_function && !frame->is_kept && frame->own + 1 == scan->scopes->len)
			g_array_set_size(scan->scopes, frame->own);
		else
			g_array_index(scan->scopes, struct scope, frame->own).end =
				(uint32_t)(end - scan->unit->offset);
	}
	scan->depth--;
}

static const struct abbreviation *find_abbreviation(const struct scan *scan, uint64_t code)
{
	const struct abbreviation *entry = code < scan->abbreviations.code_count ? &scan->abbreviations.codes[code] :
										   NULL;

	return entry && entry->tag ? entry : NULL;
}

static void apply_unit(struct scan *scan)
{
	if (scan->values[WANT_SPLIT_NAME].at)
		scan->unit->is_split = true;
	if (scan->values[WANT_STRING_OFFSETS].at)
		scan->unit->string_offsets = value_unsigned(scan, WANT_STRING_OFFSETS);
}

/*
 * Goes behind the children of a DIE where nothing in them is wanted. FALSE if it does not say where
 * they end.
 */
static bool skip_children(struct scan *scan)
{
	if (!scan->values[WANT_SIBLING].at)
		return false;
	uint64_t sibling = value_unsigned(scan, WANT_SIBLING);
	const uint8_t *start = scan->bytes + (scan->unit->offset & ~OFFSET_PLACE);

	if (sibling > (uint64_t)(scan->reader.end - start) || start + sibling < scan->reader.at)
		return false;
	scan->reader.at = start + sibling;
	return true;
}

/* FALSE if the unit is damaged. */
static bool read_dies(struct scan *scan)
{
	struct reader *reader = &scan->reader;
	uint64_t place = scan->unit->offset & OFFSET_PLACE;

	while (reader->at < reader->end) {
		uint64_t offset = (uint64_t)(reader->at - scan->bytes) | place;
		uint64_t code = *reader->at < 0x80 ? *reader->at++ : hc_reader_leb(reader);

		if (!code) {
			if (!scan->depth)
				return true;
			leave(scan, (uint64_t)(reader->at - scan->bytes) | place);
			continue;
		}
		const struct abbreviation *entry = find_abbreviation(scan, code);

		if (!entry)
			return false;
		struct frame *frame = &scan->frames[scan->depth + 1];

		if (entry->has_children) {
			if (scan->depth + 2 >= DEPTH_MAX)
				return false;
			*frame = scan->frames[scan->depth];
			frame->own = NO_SCOPE;
		}
		if (entry->size >= 0) {
			hc_reader_skip(reader, entry->size);
		} else {
			read_attributes(scan, entry);
		}
		if (entry->is_visited) {
			if (!entry->has_wanted)
				memset(scan->values, 0, sizeof scan->values);
			visit(scan, entry, offset, frame);
		} else if (offset == scan->unit->first && entry->has_wanted) {
			apply_unit(scan);
		}
		if (reader->failed || scan->unit->is_split)
			return !reader->failed;
		if (entry->has_children && !(entry->has_wanted && skip_children(scan)))
			scan->depth++;
		else if (offset == scan->unit->first)
			return true;
	}
	return !scan->depth;
}

void hc_scan_unit(struct scan *scan, const struct module_debug *debug, unsigned module, struct unit *unit)
{
	scan->sections = hc_debug_section(debug, unit->offset, 0);
	scan->bytes = scan->sections[unit->offset & OFFSET_IN_TYPES ? SECTION_TYPES : SECTION_INFO].bytes;
	scan->debug = debug;
	scan->unit = unit;
	scan->module = module;
	scan->depth = 0;
	scan->reader = (struct reader){ .at = scan->bytes + (unit->first & ~OFFSET_PLACE),
		.end = scan->bytes + (unit->end & ~OFFSET_PLACE),
		.swap = debug->swap,
		.address_size = unit->address_size,
		.offset_size = unit->offset_size,
		.version = unit->version };
	scan->frames[0] =
		(struct frame){ .full = HC_NAME_ROOT, .base = HC_NAME_ROOT, .scope = NO_SCOPE, .own = NO_SCOPE };
	g_array_set_size(scan->scopes, 0);
	g_array_set_size(scan->declarations, 0);
	unit->is_damaged = !hc_abbreviations_load(&scan->abbreviations, debug, unit) || !read_dies(scan);
	while (scan->depth)
		leave(scan, unit->end);
	unit->scope_count = scan->scopes->len;
	unit->scopes = g_memdup2(scan->scopes->data, (gsize)scan->scopes->len * sizeof(struct scope));
}
