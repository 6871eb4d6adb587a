/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Classes and functions that two parts of the program see differently, in words. */
#include "wording/wording.h"

#include "base/text.h"

#include <inttypes.h>
#include <string.h>

enum {
	NAMES_TOLD = 4 /* members, in a sentence */
};

/* MODULE as one of SIDE, which OTHER need not be: two builds of one library have one name. */
static const char *module_name(const hc_module *module, const hc_abi_side *other)
{
	for (unsigned i = 0; i < MIN(other->module_count, HC_ABI_MODULES_MAX); i++)
		if (other->modules[i] != module && !strcmp(other->modules[i]->name, module->name) && *module->path)
			return module->path;
	return module->name;
}

char *hc_word_abi_side(const hc_abi_difference *difference, unsigned index)
{
	const hc_abi_side *side = &difference->sides[index], *other = &difference->sides[!index];
	const char *unit = hc_text_file_name(side->unit), *module = module_name(side->modules[0], other);
	unsigned more = side->module_count - 1;
	GString *text = g_string_new(NULL);

	if (side->modules[0] == other->modules[0] && unit && g_strcmp0(side->unit, other->unit))
		g_string_append_printf(text, "%s of %s", unit, module);
	else if (side->modules[0] == other->modules[0])
		g_string_append_printf(text, "%s part of %s", index ? "another" : "one", module);
	else
		g_string_append(text, module);
	if (more == 1) {
		g_string_append_printf(text, " and %s", module_name(side->modules[1], other));
	} else if (more) {
		g_autofree char *others = hc_unit_text(more, "others");

		g_string_append_printf(text, " and %s", others);
	}
	return g_string_free(text, FALSE);
}

/* "4 members (32 bytes)", "3 values (4 bytes)" */
static char *shape_of(const hc_abi_difference *difference, unsigned index)
{
	const hc_abi_side *side = &difference->sides[index];
	g_autofree char *parts = hc_unit_text(side->parts, difference->kind == HC_ABI_ENUM ? "values" : "members");
	g_autofree char *bytes = hc_unit_text(side->size, "bytes");

	return difference->kind == HC_ABI_VTABLE ? g_steal_pointer(&bytes) : g_strdup_printf("%s (%s)", parts, bytes);
}

static unsigned functions_of(const hc_abi_difference *difference)
{
	unsigned count = 0;

	for (unsigned i = 0; i < difference->change_count; i++)
		count += difference->changes[i].part == HC_ABI_FUNCTION;
	return count;
}

static void append_names(GString *text, const char *const *names, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		g_string_append_printf(text, "%s\"%s\"", !i ? "" : i + 1 < count ? ", " : " and ", names[i]);
}

static void append_lost(GString *text, const hc_abi_difference *difference)
{
	hc_amount lost = hc_abi_all_lost(difference);
	char size[HC_TEXT_SIZE_LENGTH];

	if (!lost.blocks || !difference->holder_count)
		return;
	g_autofree char *blocks = hc_unit_text(lost.blocks, "lost blocks"),
			*side = hc_word_abi_side(difference, !difference->holder_side);
	bool is_one = difference->holder_count == 1;

	g_string_append(text, ": what ");
	append_names(text, difference->holders, difference->holder_count);
	g_string_append_printf(text, " %s cannot be freed by %s, which does not know %s: probably %s, %s",
		is_one ? "holds" : "hold", side, is_one ? "that member" : "these members",
		hc_text_size(size, lost.bytes), blocks);
}

/* Of HC_ABI_ALLOCATION: whose call allocates too little, where, and what does not fit. */
static void append_allocation(GString *text, const hc_abi_difference *difference, const char *larger_shape)
{
	g_autofree char *larger = hc_word_abi_side(difference, 0), *smaller = hc_word_abi_side(difference, 1),
			*site = hc_word_site(difference->site, difference->place),
			*bytes = hc_unit_text(difference->sides[1].size, "bytes");
	const char *names[NAMES_TOLD];
	unsigned count = MIN(difference->change_count, NAMES_TOLD);

	g_string_append_printf(text, ": %s was built with %s, but %s allocates %s for it at %s", larger, larger_shape,
		smaller, bytes, site);
	for (unsigned i = 0; i < count; i++)
		names[i] = difference->changes[i].name;
	if (!count || count < difference->change_count)
		return;
	g_string_append(text, ": ");
	append_names(text, names, count);
	g_string_append(text, count == 1 ? " does not fit in" : " do not fit in");
}

/* Of HC_ABI_DECLARATION. */
static char *word_declaration(const hc_abi_difference *difference)
{
	g_autofree char *definer = hc_word_abi_side(difference, 0), *caller = hc_word_abi_side(difference, 1),
			*parameters = hc_unit_text(difference->sides[0].parts, "parameters"),
			*declared = hc_unit_text(difference->sides[1].parts, "parameters");
	bool as_many = difference->sides[0].parts == difference->sides[1].parts;
	const char *others = difference->sides[0].parts == 1 ? ", which is passed otherwise" :
			     difference->change_count == 1   ? ", one of which is passed otherwise" :
							       ", some of which are passed otherwise";

	return g_strdup_printf("%s(): %s defines it with %s, %s calls it by a declaration with %s%s", difference->name,
		definer, parameters, caller, declared, as_many ? others : "");
}

char *hc_word_abi(const hc_abi_difference *difference)
{
	if (difference->kind == HC_ABI_DECLARATION)
		return word_declaration(difference);

	GString *text = g_string_new(difference->name);
	g_autofree char *larger = hc_word_abi_side(difference, 0), *smaller = hc_word_abi_side(difference, 1);
	g_autofree char *larger_shape = shape_of(difference, 0), *smaller_shape = shape_of(difference, 1);
	unsigned functions = functions_of(difference);

	if (difference->kind == HC_ABI_VTABLE) {
		g_string_append_printf(
			text, ": its vtable has %s in %s, and %s in %s", larger_shape, larger, smaller_shape, smaller);
		return g_string_free(text, FALSE);
	}
	if (difference->kind == HC_ABI_ALLOCATION)
		append_allocation(text, difference, larger_shape);
	else
		g_string_append_printf(
			text, ": %s was built with %s, %s with %s", larger, larger_shape, smaller, smaller_shape);
	if (!strcmp(larger_shape, smaller_shape))
		g_string_append(text, functions == difference->change_count ? ", but their virtual functions differ" :
									      ", which are not the same");
	append_lost(text, difference);
	if (difference->overrun) {
		g_autofree char *places = hc_unit_text(difference->overrun, "places");

		g_string_append_printf(text,
			"%s the heap is damaged in %s behind blocks that have room for the smaller one only",
			text->str[text->len - 1] == 's' ? "; and" : ";", places);
	}
	return g_string_free(text, FALSE);
}

char *hc_word_abi_with_site(const hc_abi_difference *difference, const hc_site_answer *answer)
{
	g_autofree char *site = answer ? hc_word_site_in_short(answer) : NULL, *text = hc_word_abi(difference);

	return site ? g_strdup_printf("%s, %s", text, site) : g_steal_pointer(&text);
}

char *hc_word_diff_layouts(const hc_diff_layouts *layouts)
{
	const hc_abi_difference *difference = &layouts->layouts->difference;
	const hc_site_answer *answer = layouts->layouts->has_site ? &layouts->layouts->site : NULL;
	g_autofree char *site = answer ? hc_word_site_in_short(answer) : NULL, *abi = hc_word_abi(difference);
	uint64_t lost = hc_abi_all_lost(difference).bytes;
	GString *text = g_string_new(abi);
	char size[HC_TEXT_SIZE_LENGTH];

	if (!layouts->knows_before)
		g_string_append(text, " in the last snapshot (of the first it is not known)");
	else if (layouts->before.blocks && lost > layouts->before.bytes)
		g_string_append_printf(
			text, ", %s of them since the first", hc_text_size(size, lost - layouts->before.bytes));
	if (site)
		g_string_append_printf(text, ", %s", site);
	return g_string_free(text, FALSE);
}

char *hc_word_abi_same(const hc_abi_difference *difference)
{
	const char *file = hc_text_file_name(difference->sides[0].declared);

	if (difference->kind == HC_ABI_VTABLE)
		return g_strdup("The dynamic linker has one name for both.");
	if (difference->kind == HC_ABI_ALLOCATION)
		return g_strdup_printf(
			"They are one class: what is allocated there is given to its constructor, or gets its vtable, from %s.",
			module_name(difference->sides[0].modules[0], &difference->sides[1]));
	if (difference->kind == HC_ABI_DECLARATION)
		return g_strdup_printf("It is this function: to it the dynamic linker has led the calls of %s.",
			module_name(difference->sides[1].modules[0], &difference->sides[0]));
	if (difference->same == HC_ABI_SAME_LINKAGE)
		return g_strdup("They are one class: member functions of both have one name for the linker.");
	return g_strdup_printf(
		"That they are one class is deduced: both are declared in a file called %s, and most members are in both.",
		file ? file : "?");
}

static void append_place(GString *text, const hc_abi_change *change, unsigned index)
{
	const hc_abi_place *place = &change->sides[index];

	switch (change->part) {
	case HC_ABI_FUNCTION:
		g_string_append_printf(text, "virtual function %" PRIu64, place->offset);
		return;
	case HC_ABI_ENUMERATOR:
		g_string_append_printf(text, "%" PRId64, place->value);
		return;
	case HC_ABI_PARAMETER:
		g_string_append_printf(text, "%" PRIu64 " bytes, %s", place->size, hc_type_short_name(place->type));
		return;
	default:
		break;
	}
	if (place->is_virtual)
		g_string_append(text, "a virtual base");
	else if (place->bit_size)
		g_string_append_printf(
			text, "%u bits at %" PRIu64 ".%u", place->bit_size, place->offset, place->bit_offset);
	else
		g_string_append_printf(text, "%" PRIu64 " bytes at %" PRIu64, place->size, place->offset);
	if (place->type && change->part == HC_ABI_MEMBER)
		g_string_append_printf(text, ", %s", hc_type_short_name(place->type));
}

char *hc_word_abi_change(const hc_abi_difference *difference, const hc_abi_change *change)
{
	GString *text = g_string_new(change->name);
	bool is_in_both = change->sides[0].is_known && change->sides[1].is_known;

	if (change->part == HC_ABI_PARAMETER)
		g_string_printf(text, change->name ? "parameter %" PRIu64 ", %s" : "parameter %" PRIu64,
			change->sides[!change->sides[0].is_known].offset + 1, change->name);
	for (unsigned i = 0; i < 2; i++) {
		g_autofree char *side = hc_word_abi_side(difference, i);

		if (!change->sides[i].is_known)
			continue;
		g_string_append(text, i && is_in_both ? "; " : ": ");
		append_place(text, change, i);
		g_string_append_printf(text, is_in_both ? " in %s" : ": in %s only", side);
	}
	return g_string_free(text, FALSE);
}

char *hc_word_abi_more(unsigned count)
{
	g_autofree char *text = hc_unit_text(count, "others");

	return g_strdup_printf("and %s (--json has all)", text);
}

char *hc_word_abi_blocks(const hc_abi_difference *difference)
{
	g_autofree char *blocks = hc_unit_text(difference->objects.blocks, "blocks");
	GString *text = g_string_new(NULL);

	if (!difference->objects.blocks)
		return g_string_free(text, TRUE);
	g_string_append_printf(text, "%s in use are of it", blocks);
	for (unsigned i = 0; i < 2; i++) {
		const hc_abi_side *side = &difference->sides[i];
		char count[HC_TEXT_COUNT_LENGTH];

		if (side->fits.blocks)
			g_string_append_printf(text, "%s %s of the size that malloc gives for %" PRIu64 " bytes",
				i && difference->sides[0].fits.blocks ? "," : ":",
				hc_text_count(count, side->fits.blocks), side->size);
	}
	g_string_append_c(text, '.');
	return g_string_free(text, FALSE);
}

char *hc_word_abi_lost(const hc_abi_difference *difference)
{
	GString *text = g_string_new(NULL);
	const hc_amount *lost = difference->lost;
	char size[HC_TEXT_SIZE_LENGTH];

	if (lost[HC_ABI_LOST_BY_FREED].blocks) {
		g_autofree char *blocks = hc_unit_text(lost[HC_ABI_LOST_BY_FREED].blocks, "lost blocks");

		g_string_append_printf(text,
			"Memory that was freed, of the size of this class, still points from members that one side does not know to %s (%s).",
			blocks, hc_text_size(size, lost[HC_ABI_LOST_BY_FREED].bytes));
	}
	if (lost[HC_ABI_LOST_BY_LIKES].blocks) {
		g_autofree char *blocks = hc_unit_text(lost[HC_ABI_LOST_BY_LIKES].blocks, "lost blocks");

		g_string_append_printf(text,
			"%sLike those that live objects have in such members, and hardly any others, are %s (%s): they begin with the same address, or are "
			"of the same size and begin with a word of the same kind.",
			text->len ? " " : "", blocks, hc_text_size(size, lost[HC_ABI_LOST_BY_LIKES].bytes));
	}
	return g_string_free(text, !text->len);
}

/* "1 class, 3 enums, 1 function" */
static char *found_text(const hc_abi *abi)
{
	unsigned counts[3] = { 0 };
	static const char *const one[] = { "1 class", "1 enum", "1 function" };
	static const char *const many[] = { "classes", "enums", "functions" };
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < hc_abi_count(abi); i++) {
		hc_abi_kind kind = hc_abi_get(abi, i)->kind;

		counts[kind == HC_ABI_ENUM ? 1 : kind == HC_ABI_DECLARATION ? 2 : 0]++;
	}
	for (unsigned i = 0; i < G_N_ELEMENTS(counts); i++) {
		g_autofree char *count = hc_unit_text(counts[i], many[i]);

		if (counts[i])
			g_string_append_printf(text, "%s%s", text->len ? ", " : "", counts[i] == 1 ? one[i] : count);
	}
	return g_string_free(text, FALSE);
}

char *hc_word_abi_summary(const hc_abi *abi)
{
	const hc_abi_totals *totals = hc_abi_get_totals(abi);
	g_autofree char *names = hc_unit_text(totals->names, "names"),
			*functions = hc_unit_text(totals->functions, "functions"),
			*modules = hc_unit_text(totals->modules, "modules");
	GString *text = g_string_new(NULL);

	if (!hc_abi_count(abi)) {
		g_string_append(text, "No class or function was found that parts of the program see differently.");
	} else {
		g_autofree char *found = found_text(abi);

		g_string_append_printf(text, "Parts of the program see differently: %s.", found);
	}
	if (totals->modules)
		g_string_append_printf(text, " Compared: %s with several definitions%s%s%s, in %s with debug info.",
			names, totals->functions ? ", and " : "", totals->functions ? functions : "",
			totals->functions ? " that one module calls and another defines" : "", modules);
	else
		g_string_append(text,
			" None of the program's modules has debug info that could be read: only vtables were compared.");
	if (totals->unrelated) {
		g_autofree char *unrelated = hc_unit_text(totals->unrelated, "names");

		g_string_append_printf(text,
			" Left out: %s whose definitions differ, but nothing says that one class is meant.", unrelated);
	}
	if (totals->standard) {
		g_autofree char *standard = hc_unit_text(totals->standard, "names");

		g_string_append_printf(
			text, " Left out: %s of the standard library whose definitions are of one size.", standard);
	}
	return g_string_free(text, FALSE);
}
