/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which places hold most? One finding for each place that a good part of the heap piles up at (held.h), in words: what it is, how much of
 * it is not in use, and what its keys look like. Whether keys are bounded one core cannot tell: it is asked, not said.
 */
#include "findings/held.h"

#include "base/text.h"

#include <string.h>

enum {
	FINDINGS_MAX = 5,
	LEAST_SHARE = 20,	/* of the bytes in use: a twentieth */
	LEAST_BYTES = 64 << 10, /* less is nobody's problem */
	MANY_KEYS = 1000,
	FEW_SHAPES = 3,
	KEYS_SHOWN = 2,
	KEY_COLUMNS = 40
};

/* Free room in buffers of elements in a row, at HELD itself. */
static uint64_t unused_capacity(const hc_held *held)
{
	if (!held->is.is_container || held->is.capacity == UINT64_MAX || held->is.capacity <= held->is.elements ||
		held->is.own.bytes <= held->is.elements_bytes)
		return 0;
	return held->is.own.bytes - held->is.elements_bytes;
}

/* The place below INDEX whose unused capacity is most of what INDEX holds; INDEX itself if there is none. */
static uint32_t find_unused(const GArray *tree, uint32_t index)
{
	uint64_t half = hc_held_get(tree, index)->is.below.bytes / 2;

	for (uint32_t at = index; at != HC_HELD_NONE && hc_held_get(tree, at)->is.below.bytes > half;
		at = hc_held_get(tree, at)->heaviest)
		if (unused_capacity(hc_held_get(tree, at)) > half)
			return at;
	return index;
}

/* ", keys like "k1" differ only in numbers: does anything bound them?" */
static void append_keys(GString *text, const hc_evidence *evidence, const hc_held *held)
{
	g_auto(hc_sample) sample = { 0 };

	if (!held->is.is_keyed)
		return;
	hc_types_path_sample(evidence->types, held->path, KEYS_SHOWN, &sample);
	if (sample.looked_at < 2 || !sample.texts[0])
		return;
	bool cut = g_utf8_validate(sample.texts[0], -1, NULL) && g_utf8_strlen(sample.texts[0], -1) > KEY_COLUMNS;
	g_autofree char *start = cut ? g_utf8_substring(sample.texts[0], 0, KEY_COLUMNS) : NULL,
			*key = hc_text_escape(cut ? start : sample.texts[0], -1);

	g_string_append_printf(text, ", keys like \"%s%s\"", key, cut ? "..." : "");
	if (held->is.most_elements >= MANY_KEYS && sample.shapes <= FEW_SHAPES)
		g_string_append(text, " differ only in numbers: does anything bound them?");
}

/* "field of Scene, 1 object", "thread-local of 40 threads"; "" of what the path names well enough. */
static char *describe_where(const hc_evidence *evidence, const hc_held *held)
{
	g_autofree char *where = hc_types_path_where(evidence->types, held->path);
	const hc_variable *variable = held->is.variable;
	char count[HC_TEXT_COUNT_LENGTH];

	if (g_str_has_prefix(where, "field of ") && held->is.count)
		return g_strdup_printf("%s, %s object%s", where, hc_text_count(count, held->is.count),
			held->is.count == 1 ? "" : "s");
	if (!strcmp(where, "static") || g_str_has_prefix(where, "in every element of "))
		return g_strdup("");
	if (!held->threads)
		return g_steal_pointer(&where);
	if (variable->kind == HC_VARIABLE_THREAD_LOCAL)
		return g_strdup_printf("thread-local of %u threads", held->threads);
	return g_strdup_printf("%s() in %u threads", variable->function ? variable->function : "?", held->threads);
}

/* "vectors" of "libstdc++ vector" */
static char *plural_of(const hc_held *held)
{
	const char *last = held->is.kind ? strrchr(held->is.kind, ' ') : NULL;

	for (const char *letter = last ? last + 1 : ""; *letter; letter++)
		if (!g_ascii_isalpha(*letter))
			return g_strdup("containers");
	return last && last[1] && held->is.count != 1 ? g_strdup_printf("%ss", last + 1) :
	       last && last[1]			      ? g_strdup(last + 1) :
							g_strdup("containers");
}

static void append_unused(GString *text, const hc_held *held)
{
	char unused[HC_TEXT_SIZE_LENGTH], count[HC_TEXT_COUNT_LENGTH];
	g_autofree char *plural = plural_of(held);

	g_string_append_printf(text, "%s of unused capacity in %s %s%s", hc_text_size(unused, unused_capacity(held)),
		hc_text_count(count, held->is.count), held->is.elements ? "" : "empty ", plural);
}

static void append_contents(GString *text, const hc_evidence *evidence, const hc_held *held, uint64_t half)
{
	char count[HC_TEXT_COUNT_LENGTH], size[HC_TEXT_SIZE_LENGTH];

	if (unused_capacity(held) > half) {
		append_unused(text, held);
		return;
	}
	if (!held->is.is_container) {
		g_string_append_printf(text, "%s block%s", hc_text_count(count, held->is.below.blocks),
			held->is.below.blocks == 1 ? "" : "s");
		return;
	}
	g_string_append_printf(text, "%s element%s", hc_text_count(count, held->is.elements),
		held->is.elements == 1 ? "" : "s");
	if (held->is.parts && held->is.own.bytes && held->is.own.bytes < held->is.below.bytes)
		g_string_append_printf(
			text, ", of which %s %s", hc_text_size(size, held->is.own.bytes), held->is.parts);
	append_keys(text, evidence, held);
}

static const char *hedge(const hc_held *held)
{
	return held->is.certainty == HC_CERTAINTY_DEDUCED ? "; deduced" :
	       held->is.certainty >= HC_CERTAINTY_GUESS	  ? "; this is a guess" :
							    "";
}

static void add(const hc_evidence *evidence, const hc_held *held, uint64_t half, hc_findings *findings)
{
	g_autofree char *raw = hc_types_path_text(evidence->types, held->path),
			*raw_type = hc_types_path_type_name(evidence->types, held->path),
			*raw_where = describe_where(evidence, held), *quoted = g_shell_quote(raw);
	g_autofree char *path = hc_text_escape(raw, -1), *type = hc_text_escape(raw_type, -1),
			*where = hc_text_escape(raw_where, -1);
	GString *text = g_string_new(path);
	bool says_type = *type && strcmp(type, path);

	if (says_type || *where)
		g_string_append_printf(text, " (%s%s%s)", says_type ? type : "", says_type && *where ? ", " : "", where);
	g_string_append(text, ": ");
	append_contents(text, evidence, held, half);
	g_string_append(text, hedge(held));
	hc_findings_add(findings, held->is.is_container ? "container" : "owner", held->is.below.bytes,
		held->is.below.blocks, g_string_free(text, FALSE),
		held->is.is_container ? g_strdup_printf("containers CORE --variable %s", quoted) :
					g_strdup("types CORE"));
}

void hc_find_holders(const hc_evidence *evidence, hc_findings *findings)
{
	if (!evidence->types)
		return;
	uint64_t least =
		MAX(hc_blocks_amount(evidence->blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes / LEAST_SHARE, LEAST_BYTES);
	g_autoptr(GArray) tree = hc_held_collect(evidence);
	g_autoptr(GArray) chosen = hc_held_choose(tree, least);

	for (unsigned i = 0; i < MIN(chosen->len, FINDINGS_MAX); i++) {
		uint32_t index = g_array_index(chosen, uint32_t, i);

		add(evidence, hc_held_get(tree, find_unused(tree, index)), hc_held_get(tree, index)->is.below.bytes / 2,
			findings);
	}
}
