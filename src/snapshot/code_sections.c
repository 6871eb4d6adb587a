/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What code and debug info tell of blocks, as sections; format.h has their types. Nothing that is read is believed. */
#include "snapshot/format.h"

enum {
	ROWS_MOST = 256, /* of a section; ours are a few */
};

/* ---- writing ---- */

static void store_call(GVariantBuilder *builder, const hc_site *site, const hc_site_place *place)
{
	g_variant_builder_add(builder, SNAPSHOT_CALL, site->module->name, site->module->path, site->address,
		place->function, place->offset, place->file, place->line, place->inlined, site->allocator,
		(unsigned)site->size_kind, site->size, site->added);
}

static GVariant *store_answer(const hc_site_answer *answer)
{
	unsigned flags = (answer->is_varying ? ANSWER_VARYING : 0) |
			 (answer->without_runtime ? ANSWER_WITHOUT_RUNTIME : 0) |
			 (answer->by_class ? ANSWER_BY_CLASS : 0) | (answer->by_contents ? ANSWER_BY_CONTENTS : 0);
	GVariantBuilder calls;

	g_variant_builder_init(&calls, G_VARIANT_TYPE("a" SNAPSHOT_CALL));
	for (unsigned i = 0; i < answer->place_count; i++)
		store_call(&calls, answer->sites[i], &answer->places[i]);
	return g_variant_new(SNAPSHOT_ANSWER, answer->size, (unsigned)answer->verdict, flags, answer->count,
		answer->of_size, answer->computed, answer->only_in ? answer->only_in->name : NULL, &calls);
}

static GVariant *store_side(const hc_abi_side *side)
{
	GVariantBuilder modules;

	g_variant_builder_init(&modules, G_VARIANT_TYPE("a(ss)"));
	for (unsigned i = 0; i < MIN(side->module_count, HC_ABI_MODULES_MAX); i++)
		g_variant_builder_add(&modules, "(ss)", side->modules[i]->name, side->modules[i]->path);
	return g_variant_new(SNAPSHOT_LAYOUT, &modules, side->module_count, side->unit, side->size, side->parts);
}

GVariant *hc_snapshot_store_layouts(const hc_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_LAYOUTS));
	for (unsigned i = 0; i < snapshot->layouts->len; i++) {
		const hc_snapshot_layouts *layouts = &g_array_index(snapshot->layouts, hc_snapshot_layouts, i);
		const hc_abi_difference *difference = &layouts->difference;
		GVariantBuilder holders, answers;

		g_variant_builder_init(&holders, G_VARIANT_TYPE_STRING_ARRAY);
		for (unsigned k = 0; k < difference->holder_count; k++)
			g_variant_builder_add(&holders, "s", difference->holders[k]);
		g_variant_builder_init(&answers, G_VARIANT_TYPE("a" SNAPSHOT_ANSWER));
		if (layouts->has_site)
			g_variant_builder_add_value(&answers, store_answer(&layouts->site));
		g_variant_builder_add(&builder,
			"(suuasut(tttt)t@" SNAPSHOT_LAYOUT "@" SNAPSHOT_LAYOUT "a" SNAPSHOT_ANSWER ")",
			difference->name, (unsigned)difference->kind, (unsigned)difference->same, &holders,
			difference->holder_side, difference->overrun, difference->lost[HC_ABI_LOST_BY_FREED].blocks,
			difference->lost[HC_ABI_LOST_BY_FREED].bytes, difference->lost[HC_ABI_LOST_BY_LIKES].blocks,
			difference->lost[HC_ABI_LOST_BY_LIKES].bytes, difference->trees,
			store_side(&difference->sides[0]), store_side(&difference->sides[1]), &answers);
	}
	return g_variant_builder_end(&builder);
}

GVariant *hc_snapshot_store_sites(const hc_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_SITES));
	for (unsigned i = 0; i < snapshot->sites->len; i++) {
		const hc_snapshot_site *site = &g_array_index(snapshot->sites, hc_snapshot_site, i);

		g_variant_builder_add(
			&builder, "(ut@" SNAPSHOT_ANSWER ")", site->lost, site->size, store_answer(&site->answer));
	}
	return g_variant_builder_end(&builder);
}

/* ---- reading ---- */

static bool load_call(hc_snapshot *snapshot, GVariant *call, hc_site *site, hc_site_place *place)
{
	const char *module, *path;
	unsigned kind;

	g_variant_get(call, "(&s&stm&stm&sim&sm&sutt)", &module, &path, &site->address, &place->function,
		&place->offset, &place->file, &place->line, &place->inlined, &site->allocator, &kind, &site->size,
		&site->added);
	if (kind >= HC_SITE_SIZE_COUNT || place->line < 0)
		return false;
	site->size_kind = kind;
	site->module = hc_snapshot_keep_module(snapshot, module, path);
	site->allocator = hc_snapshot_keep(snapshot, site->allocator);
	place->function = hc_snapshot_keep(snapshot, place->function);
	place->file = hc_snapshot_keep(snapshot, place->file);
	place->inlined = hc_snapshot_keep(snapshot, place->inlined);
	return true;
}

/* FALSE: it makes no sense; *ANSWER is to be cleared all the same. */
static bool load_answer(hc_snapshot *snapshot, GVariant *stored, hc_site_answer *answer)
{
	g_autoptr(GVariant) calls = NULL;
	const char *only_in;
	unsigned verdict, flags;

	*answer = (hc_site_answer){ 0 };
	g_variant_get(stored, "(tuuuuum&s@a" SNAPSHOT_CALL ")", &answer->size, &verdict, &flags, &answer->count,
		&answer->of_size, &answer->computed, &only_in, &calls);
	gsize count = g_variant_n_children(calls);

	if (verdict >= HC_SITE_VERDICT_COUNT || count > HC_SITES_KEPT_MAX || count > answer->count ||
		(verdict >= HC_SITE_VERDICT_PROBABLY && !count))
		return false;
	/* Those that people are told must be there. */
	if (answer->count <= HC_SITES_TOLD_MAX && count < answer->count)
		return false;
	answer->verdict = verdict;
	answer->is_varying = flags & ANSWER_VARYING;
	answer->without_runtime = flags & ANSWER_WITHOUT_RUNTIME;
	answer->by_class = flags & ANSWER_BY_CLASS;
	answer->by_contents = flags & ANSWER_BY_CONTENTS;
	answer->only_in = only_in ? hc_snapshot_keep_module(snapshot, only_in, "") : NULL;
	hc_site *own = g_new0(hc_site, count + 1);
	const hc_site **list = g_new0(const hc_site *, count + 1);

	g_ptr_array_add(snapshot->calls, own);
	answer->sites = list;
	answer->places = g_new0(hc_site_place, count + 1);
	answer->place_count = (unsigned)count;
	for (gsize i = 0; i < count; i++) {
		g_autoptr(GVariant) call = g_variant_get_child_value(calls, i);

		list[i] = &own[i];
		if (!load_call(snapshot, call, &own[i], &answer->places[i]))
			return false;
	}
	return true;
}

static bool load_side(hc_snapshot *snapshot, GVariant *stored, hc_abi_side *side)
{
	g_autoptr(GVariantIter) modules = NULL;
	const char *name, *path, *unit;
	unsigned count = 0;

	g_variant_get(stored, "(a(ss)um&stu)", &modules, &side->module_count, &unit, &side->size, &side->parts);
	while (g_variant_iter_next(modules, "(&s&s)", &name, &path)) {
		if (count == HC_ABI_MODULES_MAX)
			return false;
		side->modules[count++] = hc_snapshot_keep_module(snapshot, name, path);
	}
	side->unit = hc_snapshot_keep(snapshot, unit);
	return count && count == MIN(side->module_count, HC_ABI_MODULES_MAX);
}

static bool load_holders(hc_snapshot *snapshot, GVariantIter *holders, hc_abi_difference *difference)
{
	const char *holder;

	while (g_variant_iter_next(holders, "&s", &holder)) {
		if (difference->holder_count == HC_ABI_HOLDERS_MAX)
			return false;
		difference->holders[difference->holder_count++] = hc_snapshot_keep(snapshot, holder);
	}
	return true;
}

static bool load_one_layouts(hc_snapshot *snapshot, GVariant *row, hc_snapshot_layouts *layouts)
{
	hc_abi_difference *difference = &layouts->difference;
	hc_amount *freed = &difference->lost[HC_ABI_LOST_BY_FREED], *likes = &difference->lost[HC_ABI_LOST_BY_LIKES];
	g_autoptr(GVariantIter) holders = NULL;
	g_autoptr(GVariant) larger = NULL, smaller = NULL, answers = NULL, answer = NULL;
	const char *name;
	unsigned kind, same;

	g_variant_get(row, "(&suuasut(tttt)t@" SNAPSHOT_LAYOUT "@" SNAPSHOT_LAYOUT "@a" SNAPSHOT_ANSWER ")", &name,
		&kind, &same, &holders, &difference->holder_side, &difference->overrun, &freed->blocks, &freed->bytes,
		&likes->blocks, &likes->bytes, &difference->trees, &larger, &smaller, &answers);
	/* What too small an allocation rests on is a call, and none is kept; and on a function no lost blocks hang. */
	if (kind >= HC_ABI_KIND_COUNT || kind == HC_ABI_ALLOCATION || kind == HC_ABI_DECLARATION ||
		same >= HC_ABI_SAME_COUNT || difference->holder_side > 1 || freed->bytes > SNAPSHOT_BYTES_MAX ||
		likes->bytes > SNAPSHOT_BYTES_MAX || g_variant_n_children(answers) > 1)
		return false;
	difference->kind = kind;
	difference->same = same;
	difference->name = hc_snapshot_keep(snapshot, name);
	if (!load_holders(snapshot, holders, difference) || !load_side(snapshot, larger, &difference->sides[0]) ||
		!load_side(snapshot, smaller, &difference->sides[1]))
		return false;
	layouts->has_site = g_variant_n_children(answers) == 1;
	answer = layouts->has_site ? g_variant_get_child_value(answers, 0) : NULL;
	return !answer || load_answer(snapshot, answer, &layouts->site);
}

bool hc_snapshot_load_layouts(hc_snapshot *snapshot, GVariant *section)
{
	gsize count = g_variant_n_children(section);

	for (gsize i = 0; i < count && count <= ROWS_MOST; i++) {
		g_autoptr(GVariant) row = g_variant_get_child_value(section, i);
		hc_snapshot_layouts layouts = { .has_site = false };
		bool makes_sense = load_one_layouts(snapshot, row, &layouts);

		g_array_append_val(snapshot->layouts, layouts);
		if (!makes_sense)
			return false;
	}
	snapshot->knows_layouts = true;
	return count <= ROWS_MOST;
}

bool hc_snapshot_load_sites(hc_snapshot *snapshot, GVariant *section)
{
	gsize count = g_variant_n_children(section);

	for (gsize i = 0; i < count && count <= ROWS_MOST; i++) {
		g_autoptr(GVariant) row = g_variant_get_child_value(section, i), answer = NULL;
		hc_snapshot_site site = { .lost = 0 };
		bool makes_sense;

		g_variant_get(row, "(ut@" SNAPSHOT_ANSWER ")", &site.lost, &site.size, &answer);
		makes_sense = (site.lost == HC_SNAPSHOT_NONE || site.lost < snapshot->lost->len) &&
			      load_answer(snapshot, answer, &site.answer);
		g_array_append_val(snapshot->sites, site);
		if (!makes_sense)
			return false;
	}
	snapshot->knows_sites = true;
	return count <= ROWS_MOST;
}
