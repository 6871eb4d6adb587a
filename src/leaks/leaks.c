/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking for what was found. */
#include "leaks/leaks_state.h"

enum {
	EVIDENCE_SHARE = 4, /* freed memory must tell of a quarter of the heads */
};

const char *hc_leak_class_name(hc_leak_class class)
{
	static const char *const names[HC_LEAK_CLASS_COUNT] = {
		[HC_LEAK_LOST] = "definitely lost",
		[HC_LEAK_POSSIBLE] = "possibly lost",
	};

	return (unsigned)class < HC_LEAK_CLASS_COUNT ? names[class] : "";
}

const char *hc_word_kind_name(hc_word_kind kind)
{
	static const char *const names[HC_WORD_KIND_COUNT] = {
		[HC_WORD_ZERO] = "zero",
		[HC_WORD_SMALL] = "number",
		[HC_WORD_HEAP] = "heap",
		[HC_WORD_MODULE] = "module",
		[HC_WORD_UNLOADED] = "unloaded",
		[HC_WORD_TEXT] = "text",
		[HC_WORD_OTHER] = "other",
	};

	return (unsigned)kind < HC_WORD_KIND_COUNT ? names[kind] : "";
}

bool hc_leaks_grouping_parse(const char *text, hc_leaks_grouping *ret_grouping)
{
	static const char *const names[] = {
		[HC_LEAKS_BY_SHAPE] = "shape",
		[HC_LEAKS_BY_SIZE] = "size",
		[HC_LEAKS_BY_TYPE] = "type",
		[HC_LEAKS_BY_MODULE] = "module",
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
		if (!strcmp(text, names[i])) {
			*ret_grouping = i;
			return true;
		}
	return false;
}

const hc_leaks_totals *hc_leaks_get_totals(const hc_leaks *leaks)
{
	return &leaks->totals;
}

unsigned hc_leaks_group_count(const hc_leaks *leaks)
{
	return leaks->groups->len;
}

const hc_leak_group *hc_leaks_group(const hc_leaks *leaks, unsigned index)
{
	return index < leaks->groups->len ? &g_array_index(leaks->groups, hc_leak_group, index) : NULL;
}

hc_amount hc_leak_group_amount(const hc_leak_group *group)
{
	return (hc_amount){
		group->heads.blocks + group->others.blocks,
		group->heads.bytes + group->others.bytes,
	};
}

bool hc_leak_group_is_of(const hc_leak_group *group, const hc_leak_module *module)
{
	uint64_t evidence = 0;

	if (hc_leak_group_is_unloaded(group))
		return false;
	if (module->is_common || 2 * module->vtables > group->trees)
		return true;
	/* The heads' most frequent kind of word at a place: HC_WORD_MODULE only if it is that of more than the rest. */
	for (unsigned i = 0; i < group->word_count; i++)
		if (group->words[i].kind == HC_WORD_MODULE && group->words[i].module == module->module &&
			!group->words[i].may_be_stale)
			return true;
	/* One owner's type has the pointer at one place: what is met once may be anything that was freed. */
	for (unsigned i = 0; i < group->evidence_count; i++)
		if (group->evidence[i].module == module->module && (group->evidence[i].heads > 1 || group->trees == 1))
			evidence += group->evidence[i].heads;
	return evidence && EVIDENCE_SHARE * evidence >= group->trees;
}

bool hc_leak_group_is_unloaded(const hc_leak_group *group)
{
	for (unsigned i = 0; i < group->module_count; i++)
		if (group->modules[i].vtables > group->unloaded)
			return false;
	return 2 * group->unloaded > group->trees;
}

const hc_module *hc_leak_group_owner(const hc_leak_group *group)
{
	for (unsigned i = 0; i < group->module_count; i++)
		if (hc_leak_group_is_of(group, &group->modules[i]))
			return group->modules[i].module;
	return NULL;
}

unsigned hc_leaks_mapping_count(const hc_leaks *leaks)
{
	return leaks->mappings->len;
}

const hc_area *hc_leaks_mapping(const hc_leaks *leaks, unsigned index)
{
	return index < leaks->mappings->len ? g_array_index(leaks->mappings, const hc_area *, index) : NULL;
}
