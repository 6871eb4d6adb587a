/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which containers hold most? One finding for each that holds a good part of the heap, and is not itself in one that is told
 * already; with its keys, if so many of them have one shape that nobody seems to bound them.
 */
#include "findings/findings.h"

#include "base/text.h"

enum {
	FINDINGS_MAX = 3,
	LEAST_SHARE = 20,	/* of the bytes in use: a twentieth */
	LEAST_BYTES = 64 << 10, /* less is nobody's problem */
	MANY_KEYS = 1000,
	FEW_SHAPES = 3,
	KEYS_SHOWN = 2,
	KEYS_COMPARED = 10000 /* the first ones: to walk millions once more would take longer than all other findings */
};

static bool is_told(const GPtrArray *told, const hc_container *container)
{
	for (unsigned i = 0; i < told->len; i++)
		if (g_str_has_prefix(container->path, told->pdata[i]))
			return true;
	return false;
}

/* ", keys like ..." */
static char *describe_keys(const hc_evidence *evidence, const hc_container *container)
{
	g_auto(hc_sample) sample = { 0 };
	g_autoptr(GString) text = g_string_new(NULL);

	hc_types_sample(evidence->types, container, KEYS_SHOWN, KEYS_COMPARED, &sample);
	if (sample.looked_at < 2 || !sample.texts[0])
		return g_strdup("");
	g_autofree char *key = hc_text_escape(sample.texts[0], -1);

	g_string_append_printf(text, ", keys like \"%s\"", key);
	if (container->most_elements >= MANY_KEYS && sample.shapes <= FEW_SHAPES) {
		g_autofree char *shape = hc_text_escape(sample.shape, -1);

		g_string_append_printf(
			text, ", which differ in their numbers only (\"%s\"): nothing seems to bound them", shape);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static void add(const hc_evidence *evidence, const hc_container *container, hc_findings *findings)
{
	g_autofree char *path = hc_text_escape(container->path, -1), *type = hc_text_escape(container->type, -1),
			*where = hc_text_escape(container->where, -1), *keys = describe_keys(evidence, container);
	g_autofree char *quoted = g_shell_quote(container->path);
	char elements[HC_TEXT_COUNT_LENGTH], own[HC_TEXT_SIZE_LENGTH];

	hc_findings_add(findings, "container", container->below.bytes, container->below.blocks,
		g_strdup_printf("%s (%s, %s), %s element%s, %s of it its own%s", path, type, where,
			hc_text_count(elements, container->elements), container->elements == 1 ? "" : "s",
			hc_text_size(own, container->own.bytes), keys),
		g_strdup_printf("containers CORE --variable %s", quoted));
}

void hc_find_containers(const hc_evidence *evidence, hc_findings *findings)
{
	uint64_t least =
		MAX(hc_blocks_amount(evidence->blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes / LEAST_SHARE, LEAST_BYTES);
	g_autoptr(GPtrArray) told = g_ptr_array_new();

	for (unsigned i = 0;
		evidence->types && i < hc_types_container_count(evidence->types) && told->len < FINDINGS_MAX; i++) {
		const hc_container *container = hc_types_container(evidence->types, i);

		if (container->below.bytes < least)
			return;
		if (is_told(told, container) || container->certainty >= HC_CERTAINTY_GUESS)
			continue;
		g_ptr_array_add(told, (gpointer)container->path);
		add(evidence, container, findings);
	}
}
