/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys of a description as programs, and what names mean: members, keys, the few reserved ones.
 *
 * Each key is a program of its own; others that use it take its value, worked out once a walk, unless it differs from node to node, or
 * is a place or a type: then its tree is compiled again where it is used.
 */
#include "containers/compiler.h"

#include <string.h>

/* ---- keys ---- */

/* Program of key INDEX out of what its expression became. */
static void finish_program(hc_compiler *c, hc_program *program, hc_operand *operand)
{
	const hc_instruction *code;

	program->form = operand->form;
	program->type = operand->type;
	program->is_member = operand->form == HC_FORM_PLACE && operand->base == HC_BASE_THIS && !operand->bit_size;
	program->offset = operand->value;
	if (operand->form == HC_FORM_PLACE && operand->type &&
		(hc_type_get_kind(operand->type) == HC_TYPE_STRUCT || hc_type_get_kind(operand->type) == HC_TYPE_UNION))
		hc_compile_address(c, operand);
	else if (operand->form != HC_FORM_TYPE)
		hc_compile_value(c, operand);
	if (c->failed)
		return;
	program->is_constant = operand->form == HC_FORM_VALUE && operand->is_constant;
	program->is_signed = operand->is_signed;
	program->value = operand->value;
	program->uses_node = c->uses_node;
	program->length = c->code->len;
	code = (const hc_instruction *)c->code->data;
	if (program->length == 1 && code->code == HC_CODE_LOAD_NODE && !code->is_signed &&
		code->size == c->layout->set->reader.format.size) {
		program->is_node_word = true;
		program->offset = code->value;
	}
	program->code = g_memdup2(code, program->length * sizeof *code);
	g_ptr_array_add(c->layout->code, (void *)program->code);
	program->is_compiled = true;
}

static bool compile_key(hc_compiler *c, unsigned index)
{
	const hc_description_key *key = &c->description->keys[index];
	hc_compiler outer = *c;

	if (c->states[index] == HC_STATE_DONE)
		return true;
	if (c->states[index] == HC_STATE_FAILED || c->depth > HC_COMPILE_DEPTH) {
		hc_compile_fail(c, "the key %s does not fit", key->name);
		return false;
	}
	c->states[index] = HC_STATE_ACTIVE;
	c->code = g_array_new(FALSE, FALSE, sizeof(hc_instruction));
	c->stack = 0;
	c->in_node = key->is_node;
	c->uses_node = false;
	hc_operand operand = hc_compile(c, key->expression);

	if (!c->failed)
		finish_program(c, &c->layout->programs[index], &operand);
	g_array_unref(c->code);
	c->code = outer.code;
	c->stack = outer.stack;
	c->in_node = outer.in_node;
	c->uses_node = outer.uses_node;
	c->states[index] = c->failed ? HC_STATE_FAILED : HC_STATE_DONE;
	return !c->failed;
}

static hc_operand use_key(hc_compiler *c, unsigned index)
{
	const hc_program *program = &c->layout->programs[index];
	bool is_scalar;

	if (!compile_key(c, index))
		return (hc_operand){ .form = HC_FORM_NONE };
	if (program->is_constant)
		return hc_compile_constant(c, program->value);
	is_scalar =
		program->form == HC_FORM_VALUE ||
		(program->form == HC_FORM_PLACE && (hc_type_is_pointer(program->type) ||
							   (program->type && hc_type_size(program->type) <= 8 &&
								   hc_type_get_kind(program->type) < HC_TYPE_POINTER)));
	if (is_scalar && !program->uses_node) {
		hc_operand operand = { .form = HC_FORM_VALUE,
			.type = program->type,
			.is_signed = program->is_signed,
			.start = c->code->len };

		hc_compile_emit(c, HC_CODE_KEY, 0, false, index, 1);
		return operand;
	}
	/* As a part of this expression: a place stays one, and a node's value is worked out anew for each. */
	c->states[index] = HC_STATE_ACTIVE;
	hc_operand operand = hc_compile(c, c->description->keys[index].expression);
	c->states[index] = HC_STATE_DONE;
	return operand;
}

/* ---- names ---- */

static hc_operand place(hc_compiler *c, hc_base base, const hc_type *type, uint64_t offset)
{
	return (hc_operand){
		.form = HC_FORM_PLACE, .base = base, .type = type, .value = offset, .start = c->code->len
	};
}

static hc_operand type_operand(hc_compiler *c, const hc_type *type)
{
	return (hc_operand){ .form = HC_FORM_TYPE, .type = type, .start = c->code->len };
}

static hc_operand template_argument(hc_compiler *c, unsigned number)
{
	unsigned count = c->object ? hc_type_argument_count(c->object) : 0;

	for (unsigned i = 0; i < count; i++) {
		const hc_template_argument *argument = hc_type_argument(c->object, i);

		if (argument->type && !number--)
			return type_operand(c, argument->type);
	}
	return hc_compile_fail(c, "there are not so many template arguments");
}

/* The names that are not looked for anywhere. */
static bool reserved(hc_compiler *c, const char *name, hc_operand *ret_operand)
{
	const hc_layout *layout = c->layout;

	if (!strcmp(name, "this")) {
		*ret_operand = place(c, HC_BASE_THIS, layout->type, 0);
	} else if (!strcmp(name, "node")) {
		*ret_operand = place(c, HC_BASE_NODE, layout->node, 0);
	} else if (!strcmp(name, "link")) {
		*ret_operand = layout->link_field ?
				       place(c, HC_BASE_NODE, layout->link_field->type, layout->link_offset) :
				       hc_compile_fail(c, "no member of the node is its link");
	} else if (!strcmp(name, "index") || !strcmp(name, "slot")) {
		*ret_operand = (hc_operand){ .form = HC_FORM_VALUE, .start = c->code->len };
		hc_compile_emit(c, HC_CODE_VARIABLE, 0, false, *name == 'i' ? HC_VARIABLE_INDEX : HC_VARIABLE_SLOT, 1);
	} else if (!strcmp(name, "E")) {
		*ret_operand = layout->element ? type_operand(c, layout->element) :
						 hc_compile_fail(c, "the type of elements is not known");
	} else if (name[0] == 'T' && g_ascii_isdigit(name[1]) && !name[2]) {
		*ret_operand = template_argument(c, name[1] - '0');
	} else {
		return false;
	}
	return true;
}

hc_operand hc_compile_name(hc_compiler *c, const char *name)
{
	const hc_layout *layout = c->layout;
	hc_operand operand;

	if (reserved(c, name, &operand))
		return operand;
	if (c->in_node && layout->node && hc_type_find_field(layout->node, name, &(uint64_t){ 0 }))
		return hc_compile_member(c, place(c, HC_BASE_NODE, layout->node, 0), name);
	if (c->object && hc_type_find_field(c->object, name, &(uint64_t){ 0 }))
		return hc_compile_member(c, place(c, HC_BASE_THIS, layout->type, 0), name);
	for (unsigned i = 0; i < c->description->key_count; i++)
		if (c->states[i] != HC_STATE_ACTIVE && !strcmp(c->description->keys[i].name, name))
			return use_key(c, i);
	return hc_compile_fail(c, "%s has no member %s, and the description no such key",
		hc_compile_type_name(c->object ? c->object : layout->type), name);
}

/* ---- a layout ---- */

/* The keys whose value is a type are no programs. */
static bool compile_type_key(hc_compiler *c, hc_key key, const hc_type **ret_type)
{
	uint8_t index = c->description->known[key];

	if (index == HC_NO_KEY)
		return true;
	c->states[index] = HC_STATE_ACTIVE;
	c->in_node = false;
	*ret_type = hc_compile_type(c, c->description->keys[index].expression);
	c->states[index] = c->failed ? HC_STATE_FAILED : HC_STATE_DONE;
	c->layout->programs[index].form = HC_FORM_TYPE;
	c->layout->programs[index].type = *ret_type;
	return !c->failed;
}

static bool compile_known(hc_compiler *c, hc_key key)
{
	uint8_t index = c->description->known[key];

	return index == HC_NO_KEY || compile_key(c, index);
}

static const hc_type *named_type(hc_compiler *c, const char *name)
{
	hc_program_types *types = c->layout->set->program_types;
	const hc_type *type = types ? hc_program_types_find(types, name) : NULL;

	if (!type)
		hc_compile_fail(c, "the annotation's type %s is in no debug info", name);
	return type;
}

static bool find_elements(hc_compiler *c)
{
	hc_layout *layout = c->layout;
	const hc_annotation *annotation = layout->annotation;

	if (!compile_type_key(c, HC_KEY_ELEM, &layout->element) ||
		!compile_type_key(c, HC_KEY_MAPPED_ELEM, &layout->mapped))
		return false;
	if (annotation && annotation->elem) {
		layout->element = named_type(c, annotation->elem);
		layout->by_pointer = c->description->by_pointer;
	}
	if (layout->holder.type) {
		layout->element = layout->holder.type;
		layout->link_value = -layout->holder.offset;
	}
	if (annotation && annotation->link && layout->element) {
		if (!hc_type_find_field(layout->element, annotation->link, &layout->link_value))
			hc_compile_fail(
				c, "%s has no member %s", hc_compile_type_name(layout->element), annotation->link);
		layout->link_value = -layout->link_value;
	}
	if (annotation && annotation->value) {
		layout->mapped = named_type(c, annotation->value);
		layout->mapped_by_pointer = c->description->by_pointer;
	}
	return !c->failed;
}

/* The type of nodes: by its key, or what head or root leads to. */
static bool find_node(hc_compiler *c)
{
	static const hc_key starts[] = { HC_KEY_HEAD, HC_KEY_ROOT };
	hc_layout *layout = c->layout;

	if (layout->node) /* a link has been looked for in it */
		return true;
	if (!compile_type_key(c, HC_KEY_NODE, &layout->node))
		return false;
	for (unsigned i = 0; i < G_N_ELEMENTS(starts) && !layout->node; i++) {
		const hc_program *program = hc_layout_program(layout, starts[i]);

		if (!compile_known(c, starts[i]))
			return false;
		if (program && hc_type_is_pointer(program->type))
			layout->node = hc_type_target(program->type);
	}
	if (layout->node && hc_type_get_kind(layout->node) == HC_TYPE_VOID)
		layout->node = NULL;
	/* A list through the elements themselves. */
	if (!layout->element && layout->node && c->description->known[HC_KEY_VALUE] == HC_NO_KEY &&
		c->description->known[HC_KEY_ELEM_SIZE] == HC_NO_KEY && c->description->kind != HC_WALK_SLOTS)
		layout->element = layout->node;
	return true;
}

static bool when_holds(hc_compiler *c)
{
	const hc_program *when = hc_layout_program(c->layout, HC_KEY_WHEN);

	if (!compile_known(c, HC_KEY_WHEN))
		return false;
	if (when && !when->is_constant) {
		hc_compile_fail(c, "when: is not known before a container is looked at");
		return false;
	}
	return !when || when->value;
}

bool hc_layout_compile(hc_layout *layout, char **ret_message)
{
	hc_compiler c = { .layout = layout, .description = layout->description };
	const hc_type *type = layout->type;
	unsigned current = 0;
	bool fits;

	c.object = layout->description->is_pointer ? hc_type_target(type) : type;
	c.code = g_array_new(FALSE, FALSE, sizeof(hc_instruction));
	fits = when_holds(&c) && find_elements(&c) && find_node(&c);
	for (; fits && current < c.description->key_count; current++)
		fits = compile_key(&c, current);
	if (c.failed)
		*ret_message = g_strdup_printf(
			"%s: %s", current ? c.description->keys[current - 1].name : "elements", c.message);
	else
		*ret_message = NULL;
	g_free(c.message);
	g_array_unref(c.code);
	return fits;
}
