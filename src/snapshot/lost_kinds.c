/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lost blocks by kind. The groups of `leaks` are put together again by what does not change from core to core: the type, how the text
 * begins, that their library was unloaded, or the size of the heads and which modules their words lead to. A pointer to one and the same thing of a module (a table of
 * functions, a descriptor) says as much as a type: then the size says nothing, as of buffers with a header.
 */
#include "snapshot/snapshot_parts.h"

enum {
	KEY_CHARACTERS = 8, /* of the text: what leaks groups by; more of it depends on what else is lost */
	NUMBER_ENDS_KEY = 2,
	FEW_HEADS = 3,
};

static char *text_key(const char *beginning)
{
	GString *key = g_string_new("text ");

	for (unsigned i = 0; beginning[i] && i < KEY_CHARACTERS; i++) {
		g_string_append_c(key, beginning[i]);
		if (beginning[i] == '#' && i >= NUMBER_ENDS_KEY)
			break;
	}
	return g_string_free(key, FALSE);
}

static uint64_t head_size(const hc_leak_group *group)
{
	return group->trees ? group->heads.bytes / group->trees : 0;
}

/* What others before had there need not be there in the next core. Of a few heads that is not known; of more they may all have it. */
static bool may_mislead(const hc_leak_group *group, const hc_leak_word *word)
{
	return word->may_be_stale && group->trees >= FEW_HEADS;
}

static char *layout_key(const hc_leak_group *group)
{
	GString *key = g_string_new(NULL);

	for (unsigned i = 0; i < group->word_count; i++) {
		const hc_leak_word *word = &group->words[i];

		if (word->kind == HC_WORD_MODULE && word->module && word->value && !may_mislead(group, word)) {
			g_string_printf(key, "word %u:%s+%#" G_GINT64_MODIFIER "x", i, word->module->name,
				word->value - word->module->start);
			return g_string_free(key, FALSE);
		}
	}
	g_string_printf(key, "size %" G_GUINT64_FORMAT, head_size(group));
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
	return group->beginning ? text_key(group->beginning) : layout_key(group);
}

static hc_snapshot_evidence keep_evidence(hc_snapshot *snapshot, const hc_leak_group *group)
{
	for (unsigned i = 0; i < group->evidence_count; i++) {
		const hc_leak_evidence *evidence = &group->evidence[i];

		if (evidence->module)
			return (hc_snapshot_evidence){
				.module = hc_snapshot_keep(snapshot, evidence->module->name),
				.on_stack = evidence->on_stack,
				.by_others = evidence->by_others,
				.size = evidence->size,
				.type = hc_snapshot_keep(snapshot, evidence->type),
			};
	}
	return (hc_snapshot_evidence){ 0 };
}

static void add_group(hc_snapshot *snapshot, GHashTable *known, const hc_leak_group *group)
{
	g_autofree char *key = key_of(group);
	const hc_module *owner = hc_leak_group_owner(group);
	hc_amount amount = { group->heads.blocks + group->others.blocks, group->heads.bytes + group->others.bytes };
	unsigned place = GPOINTER_TO_UINT(g_hash_table_lookup(known, key));

	if (!place) {
		hc_snapshot_lost lost = {
			.key = hc_snapshot_keep(snapshot, key),
			.type = hc_snapshot_keep(snapshot, group->type),
			.beginning = hc_snapshot_keep(snapshot, group->beginning),
			.sample = hc_snapshot_keep(snapshot, group->beginning ? group->sample : NULL),
			.module = hc_snapshot_keep(snapshot, owner ? owner->name : NULL),
			.is_unloaded = hc_leak_group_is_unloaded(group),
			.evidence = keep_evidence(snapshot, group),
			.head_size = head_size(group),
		};

		g_array_append_val(snapshot->lost, lost);
		place = snapshot->lost->len;
		g_hash_table_insert(known, g_strdup(key), GUINT_TO_POINTER(place));
	}
	hc_snapshot_lost *lost = &g_array_index(snapshot->lost, hc_snapshot_lost, place - 1);

	lost->trees += group->trees;
	lost->rings += group->rings;
	lost->holding_themselves += group->holding_themselves;
	lost->amount.blocks += amount.blocks;
	lost->amount.bytes += amount.bytes;
	/* Without a type or a text each size is a group of its own. */
	if (!group->type && !group->beginning)
		lost->head_sizes += group->size_count;
	else
		lost->head_sizes = MAX(lost->head_sizes, group->size_count);
}

bool hc_snapshot_add_lost(hc_snapshot *snapshot, const hc_analysis *analysis, GError **error)
{
	hc_leaks_options options = { .no_content = !snapshot->has_content, .no_mappings = true };
	g_autoptr(hc_leaks) leaks = hc_analysis_find_leaks(analysis, &options, error);
	g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	if (!leaks)
		return false;
	for (unsigned i = 0; i < hc_leaks_group_count(leaks); i++) {
		const hc_leak_group *group = hc_leaks_group(leaks, i);

		if (group->class == HC_LEAK_LOST)
			add_group(snapshot, known, group);
	}
	return true;
}
