/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keys of a container: first, last and some in between; and for strings, how many differ once their digits are folded. Thousands of
 * keys of one shape ("/url/#") are what a map looks like whose keys nobody bounded.
 */
#include "values/strings.h"

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

static bool visit(hc_address address, uint64_t index, void *data)
{
	struct sampling *sampling = data;
	g_autofree char *text = NULL;

	(void)index;
	sampling->seen++;
	sampling->last = address;
	choose(sampling, address);
	if (sampling->sample->looked_at < LOOKED_AT_MAX &&
		(text = hc_values_text(sampling->types, sampling->key, address + sampling->key_offset, NULL, NULL)))
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
	char *text = hc_values_text(sampling->types, sampling->key, address + sampling->key_offset, NULL, NULL);

	return text ? text : hc_types_format(sampling->types, sampling->key, address + sampling->key_offset, 3);
}

void hc_types_sample(
	const hc_types *types, const hc_container *container, unsigned limit, uint64_t elements, hc_sample *ret_sample)
{
	const hc_layout *layout =
		container->container_type ? hc_container_set_layout(types->set, container->container_type, NULL) : NULL;
	struct sampling sampling = {
		.types = types, .limit = MAX(limit, 1), .elements = elements, .sample = ret_sample, .random = 1
	};
	hc_walk_visitor visitor = { .element = visit, .data = &sampling, .limit = elements };
	GPtrArray *texts = g_ptr_array_new();
	hc_walk walk;

	*ret_sample = (hc_sample){ 0 };
	if (layout && container->address && !hc_layout_is_string(layout)) {
		sampling.chosen = g_array_new(FALSE, FALSE, sizeof(hc_address));
		sampling.shapes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		find_key(&sampling, hc_layout_element(layout));
		hc_layout_walk(layout, container->address, &visitor, &walk);
		if (sampling.seen && sampling.limit > 1 &&
			g_array_index(sampling.chosen, hc_address, sampling.chosen->len - 1) != sampling.last)
			g_array_append_val(sampling.chosen, sampling.last);
		for (unsigned i = 0; i < MIN(sampling.chosen->len, sampling.limit); i++)
			g_ptr_array_add(texts, key_text(&sampling, g_array_index(sampling.chosen, hc_address, i)));
		ret_sample->shapes = g_hash_table_size(sampling.shapes);
		g_array_unref(sampling.chosen);
		g_hash_table_unref(sampling.shapes);
	}
	if (ret_sample->prefix && !*ret_sample->prefix)
		g_clear_pointer(&ret_sample->prefix, g_free);
	g_ptr_array_add(texts, NULL);
	ret_sample->texts = (char **)g_ptr_array_free(texts, FALSE);
}

void hc_types_path_sample(const hc_types *types, uint32_t number, unsigned limit, hc_sample *ret_sample)
{
	hc_types_path path;

	hc_types_path_get(types, number, &path);
	hc_container container = { .container_type = path.type, .address = path.largest };

	hc_types_sample(types, &container, limit, ELEMENTS_SAMPLED, ret_sample);
}

void hc_sample_clear(hc_sample *sample)
{
	g_clear_pointer(&sample->texts, g_strfreev);
	g_clear_pointer(&sample->prefix, g_free);
	g_clear_pointer(&sample->shape, g_free);
}
