/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keys of a container: first, last and some in between; and for strings, how many differ once their digits are folded. Thousands of
 * keys of one shape ("/url/#") are what a map looks like whose keys nobody bounded.
 */
#include "values/strings.h"

#include "shapes/shapes.h"

enum {
	ELEMENTS_SAMPLED = 10000, /* so many keys of the largest container tell what keys look like */
	LOOKED_AT_MAX = 200000,	  /* string keys */
	PREFIX_BYTES = 64,
	MANY_KEYS = 1000,
	FEW_SHAPES = 3
};

bool hc_keys_are_alike(uint64_t keys, uint64_t shapes)
{
	return keys >= MANY_KEYS && shapes <= FEW_SHAPES;
}

struct sampling {
	const hc_types *types;
	hc_shapes *finder;  /* of a shape: what its keys are memory tells; else NULL */
	const hc_type *key; /* NULL: not known */
	uint64_t key_offset;
	unsigned limit;
	uint64_t elements; /* to look at; 0: all */
	uint64_t seen, random;
	GArray *chosen; /* of hc_address: the first, a random choice of all, the last */
	hc_address last;
	hc_sample *sample;
	GHashTable *shapes;
};

/* Runs of digits become one #. */
static char *fold_digits(const char *text)
{
	GString *folded = g_string_new(NULL);

	for (; *text && folded->len < PREFIX_BYTES * 4; text++)
		if (!g_ascii_isdigit(*text))
			g_string_append_c(folded, *text);
		else if (!folded->len || folded->str[folded->len - 1] != '#')
			g_string_append_c(folded, '#');
	return g_string_free(folded, FALSE);
}

static void look_at_text(struct sampling *sampling, const char *text)
{
	hc_sample *sample = sampling->sample;
	g_autofree char *shape = fold_digits(text);
	size_t common = 0;

	if (!sample->looked_at++) {
		sample->prefix = g_strndup(shape, PREFIX_BYTES);
		sample->shape = g_strdup(shape);
	}
	while (sample->prefix[common] && sample->prefix[common] == shape[common])
		common++;
	sample->prefix[common] = '\0';
	if (g_hash_table_size(sampling->shapes) < HC_SAMPLE_SHAPES)
		g_hash_table_add(sampling->shapes, g_steal_pointer(&shape));
}

/* Every element has the same chance to be among the chosen (reservoir sampling, Vitter's algorithm R). */
static void choose(struct sampling *sampling, hc_address address)
{
	uint64_t room = sampling->limit > 2 ? sampling->limit - 2 : 0;

	if (sampling->chosen->len <= room) {
		g_array_append_val(sampling->chosen, address);
		return;
	}
	sampling->random = sampling->random * 6364136223846793005u + 1442695040888963407u;
	uint64_t place = (sampling->random >> 33) % sampling->seen;

	if (place < room)
		g_array_index(sampling->chosen, hc_address, place + 1) = address;
}

/* The text of the string that is the key at ADDRESS; NULL: it is none. */
static char *string_of(const struct sampling *sampling, hc_address address)
{
	bool is_llvm;

	return sampling->finder ? hc_shapes_text(sampling->finder, address, &is_llvm) :
				  hc_values_text(sampling->types, sampling->key, address, NULL, NULL);
}

static bool visit(hc_address address, uint64_t index, void *data)
{
	struct sampling *sampling = data;
	g_autofree char *text = NULL;

	(void)index;
	sampling->seen++;
	sampling->last = address;
	choose(sampling, address);
	if (sampling->sample->looked_at < LOOKED_AT_MAX && (text = string_of(sampling, address + sampling->key_offset)))
		look_at_text(sampling, text);
	return sampling->seen != sampling->elements;
}

/* Of a pair the first is the key. */
static void find_key(struct sampling *sampling, const hc_type *element)
{
	const hc_field *first;

	sampling->key = element;
	if (element && !g_strcmp0(hc_type_template_name(element), "std::pair") &&
		(first = hc_type_find_field(element, "first", &sampling->key_offset)))
		sampling->key = first->type;
}

static char *key_text(const struct sampling *sampling, hc_address address)
{
	char *text = string_of(sampling, address + sampling->key_offset);

	return text || sampling->finder ?
		       text :
		       hc_types_format(sampling->types, sampling->key, address + sampling->key_offset, 3);
}

/* TEXT is taken; NULL is left out. */
static void add_text(GPtrArray *texts, char *text)
{
	if (text)
		g_ptr_array_add(texts, text);
}

/* ---- shapes ---- */

enum {
	HEAD_WORDS = 4, /* of a head, before one that leads to the heap */
	MISSED_MAX = 16 /* keys that are no strings, before nothing more is tried */
};

static bool may_be_any(void *data, uint32_t number)
{
	(void)data;
	(void)number;
	return true;
}

/* The shape whose head begins at HEAD. */
static bool find_shape(struct sampling *sampling, hc_address head, hc_shape *shape)
{
	unsigned size = hc_core_process(sampling->types->core)->word_size;

	for (unsigned i = 0; i <= HEAD_WORDS; i++) {
		hc_address at = head + i * size;
		uint64_t value;

		if (hc_core_read_word(sampling->types->core, at, &value) &&
			hc_blocks_start_at(sampling->types->blocks, value) != UINT64_MAX &&
			hc_shapes_find(sampling->finder, at, shape))
			return shape->head == head;
	}
	return false;
}

/* Where in what a node has at VALUE a string may be that is the key: libc++'s hash nodes have the hash in front of it. 0: nowhere. */
static hc_address key_in(const struct sampling *sampling, hc_shape_kind kind, hc_address value)
{
	unsigned size = hc_core_process(sampling->types->core)->word_size;
	bool is_llvm;
	g_autofree char *first = hc_shapes_text(sampling->finder, value, &is_llvm);

	if (first && !(is_llvm && kind == HC_SHAPE_HASH))
		return value;
	g_autofree char *second = kind == HC_SHAPE_HASH ? hc_shapes_text(sampling->finder, value + size, &is_llvm) :
							  NULL;

	/* Of libstdc++ that would be what the key is mapped to. */
	return second && is_llvm ? value + size : 0;
}

/* Keys of the shape at HEAD, if they are strings. */
static void visit_shape(struct sampling *sampling, hc_address head)
{
	hc_shape shape;

	if (!find_shape(sampling, head, &shape) || !shape.node_bytes)
		return;
	for (unsigned i = 0; i < shape.blocks->len && (sampling->sample->looked_at || i < MISSED_MAX); i++) {
		hc_address key = key_in(sampling, shape.kind, g_array_index(shape.blocks, hc_address, i) + shape.value);

		if (key && !visit(key, i, sampling))
			return;
	}
}

static bool is_keyed_shape(const hc_container *container)
{
	return container->is_shape && (!strcmp(container->kind, hc_shape_kind_name(HC_SHAPE_TREE)) ||
					      !strcmp(container->kind, hc_shape_kind_name(HC_SHAPE_HASH)));
}

/* ---- one container ---- */

/* Looks at what there is of CONTAINER; LAYOUT is NULL of a shape. */
static void visit_all(struct sampling *sampling, const hc_container *container, const hc_layout *layout)
{
	hc_walk_visitor visitor = { .element = visit, .data = sampling, .limit = sampling->elements };
	hc_walk walk;

	if (!layout) {
		sampling->finder = hc_shapes_create(sampling->types->core, sampling->types->blocks, may_be_any, NULL);
		hc_shapes_set_enough(sampling->finder, sampling->elements);
		visit_shape(sampling, container->address);
		return;
	}
	find_key(sampling, hc_layout_element(layout));
	hc_layout_walk(layout, container->address, &visitor, &walk);
}

void hc_types_sample(
	const hc_types *types, const hc_container *container, unsigned limit, uint64_t elements, hc_sample *ret_sample)
{
	const hc_layout *layout = hc_container_set_layout(types->set, container->container_type, NULL);
	struct sampling sampling = {
		.types = types, .limit = MAX(limit, 1), .elements = elements, .sample = ret_sample, .random = 1
	};
	GPtrArray *texts = g_ptr_array_new();

	*ret_sample = (hc_sample){ 0 };
	if (container->address && (layout ? !hc_layout_is_string(layout) : is_keyed_shape(container))) {
		sampling.chosen = g_array_new(FALSE, FALSE, sizeof(hc_address));
		sampling.shapes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		visit_all(&sampling, container, layout);
		bool is_hidden = hc_core_hides_content(types->core);

		if (sampling.seen && sampling.limit > 1 &&
			g_array_index(sampling.chosen, hc_address, sampling.chosen->len - 1) != sampling.last)
			g_array_append_val(sampling.chosen, sampling.last);
		for (unsigned i = 0; !is_hidden && i < MIN(sampling.chosen->len, sampling.limit); i++)
			add_text(texts, key_text(&sampling, g_array_index(sampling.chosen, hc_address, i)));
		g_clear_pointer(&sampling.finder, hc_shapes_destroy);
		ret_sample->shapes = g_hash_table_size(sampling.shapes);
		g_array_unref(sampling.chosen);
		g_hash_table_unref(sampling.shapes);
	}
	if (ret_sample->prefix && (!*ret_sample->prefix || hc_core_hides_content(types->core)))
		g_clear_pointer(&ret_sample->prefix, g_free);
	if (hc_core_hides_content(types->core))
		g_clear_pointer(&ret_sample->shape, g_free);
	g_ptr_array_add(texts, NULL);
	ret_sample->texts = (char **)g_ptr_array_free(texts, FALSE);
}

void hc_types_path_sample(const hc_types *types, uint32_t number, unsigned limit, hc_sample *ret_sample)
{
	hc_types_path path;

	hc_types_path_get(types, number, &path);
	hc_container container = {
		.container_type = path.type, .kind = path.kind, .is_shape = path.is_shape, .address = path.largest
	};

	hc_types_sample(types, &container, limit, ELEMENTS_SAMPLED, ret_sample);
}

void hc_sample_clear(hc_sample *sample)
{
	g_clear_pointer(&sample->texts, g_strfreev);
	g_clear_pointer(&sample->prefix, g_free);
	g_clear_pointer(&sample->shape, g_free);
}
