/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lost blocks by kind. Groups are put together again by what does not change from core to core: the type, how the text begins, that
 * their library was unloaded, or the size of the heads and which modules their words lead to. A pointer to one and the same thing of a
 * module (a table of functions, a descriptor) says as much as a type: then the size says nothing, as of buffers with a header.
 */
#include "leaks/leaks_state.h"

#include <inttypes.h>

static uint64_t head_size(const hc_leak_group *group)
{
	return group->trees ? group->heads.bytes / group->trees : 0;
}

/* What others before had there need not be there in the next core. Of a few heads that is not known; of more they may all have it. */
static bool may_mislead(const hc_leak_group *group, const hc_leak_word *word)
{
	return word->may_be_stale && group->trees >= LEAST_ALIKE;
}

static char *layout_key(const hc_leak_group *group)
{
	GString *key = g_string_new(NULL);

	for (unsigned i = 0; i < group->word_count; i++) {
		const hc_leak_word *word = &group->words[i];

		if (word->kind == HC_WORD_MODULE && word->module && word->value && !may_mislead(group, word)) {
			g_string_printf(
				key, "word %u:%s+%#" PRIx64, i, word->module->name, word->value - word->module->start);
			return g_string_free(key, FALSE);
		}
	}
	g_string_printf(key, "size %" PRIu64, head_size(group));
	for (unsigned i = 0; i < group->word_count; i++)
		if (group->words[i].kind == HC_WORD_MODULE && group->words[i].module &&
			!may_mislead(group, &group->words[i]))
			g_string_append_printf(key, " %u:%s", i, group->words[i].module->name);
	return g_string_free(key, FALSE);
}

static char *key_of(const hc_leak_group *group)
{
	/* Which of its classes a tree begins with depends on addresses, where its blocks lead to each other. */
	if (hc_leak_group_is_unloaded(group))
		return g_strdup("unloaded");
	if (group->type)
		return g_strconcat("type ", group->type, NULL);
	if (!group->beginning)
		return layout_key(group);
	GString *key = g_string_new("text ");

	g_string_append_len(
		key, group->beginning, hc_leaks_text_key_length(group->beginning, strlen(group->beginning)));
	return g_string_free(key, FALSE);
}

static const char *keep(GStringChunk *texts, const char *text)
{
	return text ? g_string_chunk_insert_const(texts, text) : NULL;
}

static hc_leak_kind_evidence evidence_of(const hc_leak_group *group, GStringChunk *texts)
{
	for (unsigned i = 0; i < group->evidence_count; i++) {
		const hc_leak_evidence *evidence = &group->evidence[i];

		if (evidence->module)
			return (hc_leak_kind_evidence){
				.module = keep(texts, evidence->module->name),
				.on_stack = evidence->on_stack,
				.by_others = evidence->by_others,
				.size = evidence->size,
				.type = keep(texts, evidence->type),
			};
	}
	return (hc_leak_kind_evidence){ 0 };
}

static hc_leak_kind kind_of(const hc_leak_group *group, const char *key, GStringChunk *texts)
{
	const hc_module *owner = hc_leak_group_owner(group);

	return (hc_leak_kind){
		.key = keep(texts, key),
		.type = keep(texts, group->type),
		.beginning = keep(texts, group->beginning),
		.sample = keep(texts, group->beginning ? group->sample : NULL),
		.module = keep(texts, owner ? owner->name : NULL),
		.is_unloaded = hc_leak_group_is_unloaded(group),
		.evidence = evidence_of(group, texts),
		.head_size = head_size(group),
	};
}

static void add_group(hc_leak_kind *kind, const hc_leak_group *group)
{
	kind->trees += group->trees;
	kind->rings += group->rings;
	kind->holding_themselves += group->holding_themselves;
	hc_amount_add(&kind->amount, hc_leak_group_amount(group));
	kind->resident += group->resident;
	/* Without a type or a text each size is a group of its own. */
	if (!group->type && !group->beginning)
		kind->head_sizes += group->size_count;
	else
		kind->head_sizes = MAX(kind->head_sizes, group->size_count);
}

GArray *hc_leaks_make_kinds(const hc_leaks *leaks, GStringChunk *texts, unsigned *ret_kinds)
{
	GArray *kinds = g_array_new(FALSE, FALSE, sizeof(hc_leak_kind));
	/* key -> place + 1 */
	g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (unsigned i = 0; i < hc_leaks_group_count(leaks); i++) {
		const hc_leak_group *group = hc_leaks_group(leaks, i);
		g_autofree char *key = group->class == HC_LEAK_LOST ? key_of(group) : NULL;
		unsigned place = key ? GPOINTER_TO_UINT(g_hash_table_lookup(known, key)) : 0;

		ret_kinds[i] = UINT_MAX;
		if (!key)
			continue;
		if (!place) {
			hc_leak_kind kind = kind_of(group, key, texts);

			g_array_append_val(kinds, kind);
			place = kinds->len;
			g_hash_table_insert(known, g_steal_pointer(&key), GUINT_TO_POINTER(place));
		}
		ret_kinds[i] = place - 1;
		add_group(&g_array_index(kinds, hc_leak_kind, place - 1), group);
	}
	return kinds;
}
