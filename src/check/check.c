/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check/check.h"

struct hc_check {
	GArray *places; /* of hc_damage_place */
	hc_check_totals totals;
};

const char *hc_damage_kind_name(hc_damage_kind kind)
{
	static const char *const names[HC_DAMAGE_KIND_COUNT] = {
		[HC_DAMAGE_CHUNK_SIZE] = "chunk-size",
		[HC_DAMAGE_CHUNK_FLAGS] = "chunk-flags",
		[HC_DAMAGE_PREV_IN_USE] = "prev-in-use",
		[HC_DAMAGE_PREV_SIZE] = "prev-size",
		[HC_DAMAGE_TOP_SIZE] = "top-size",
		[HC_DAMAGE_ARENA_TOP] = "arena-top",
		[HC_DAMAGE_ARENA_RING] = "arena-ring",
		[HC_DAMAGE_HEAP_INFO] = "heap-info",
		[HC_DAMAGE_LINK] = "link",
		[HC_DAMAGE_BACK_LINK] = "back-link",
		[HC_DAMAGE_LISTED_SIZE] = "listed-size",
		[HC_DAMAGE_LISTED_ARENA] = "listed-arena",
		[HC_DAMAGE_LOOP] = "loop",
		[HC_DAMAGE_DOUBLE_FREE] = "double-free",
		[HC_DAMAGE_TCACHE_COUNT] = "tcache-count",
		[HC_DAMAGE_TCACHE_KEY] = "tcache-key",
		[HC_DAMAGE_MMAPPED] = "mmapped",
	};

	return (unsigned)kind < HC_DAMAGE_KIND_COUNT ? names[kind] : "?";
}

const char *hc_list_kind_name(hc_list_kind kind)
{
	static const char *const names[HC_LIST_KIND_COUNT] = {
		[HC_LIST_TCACHE] = "tcache",
		[HC_LIST_FASTBIN] = "fastbin",
		[HC_LIST_BIN] = "bin",
	};

	return (unsigned)kind < HC_LIST_KIND_COUNT ? names[kind] : "?";
}

const char *hc_run_kind_name(hc_run_kind kind)
{
	static const char *const names[HC_RUN_KIND_COUNT] = {
		[HC_RUN_TEXT] = "text",
		[HC_RUN_BYTE] = "byte",
		[HC_RUN_WORD] = "word",
		[HC_RUN_ZEROS] = "zeros",
	};

	return (unsigned)kind < HC_RUN_KIND_COUNT ? names[kind] : "?";
}

const char *hc_writer_kind_name(hc_writer_kind kind)
{
	static const char *const names[HC_WRITER_KIND_COUNT] = {
		[HC_WRITER_UNKNOWN] = "unknown",
		[HC_WRITER_BEFORE] = "before",
		[HC_WRITER_ITSELF] = "itself",
		[HC_WRITER_AFTER_FREE] = "after-free",
	};

	return (unsigned)kind < HC_WRITER_KIND_COUNT ? names[kind] : "?";
}

static int compare_places(const void *a, const void *b)
{
	const hc_damage *x = &((const hc_damage_place *)a)->damage, *y = &((const hc_damage_place *)b)->damage;
	hc_address one = x->place ? x->place : UINT64_MAX, other = y->place ? y->place : UINT64_MAX;

	if (one != other)
		return (one > other) - (one < other);
	return (x->kind > y->kind) - (x->kind < y->kind);
}

/* A word that is wrong in more than one way is told once, by what is told of it first. */
static void drop_repeated(GArray *places)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < places->len; i++) {
		const hc_damage_place *place = &g_array_index(places, hc_damage_place, i);

		if (kept && place->damage.place &&
			g_array_index(places, hc_damage_place, kept - 1).damage.place == place->damage.place)
			continue;
		g_array_index(places, hc_damage_place, kept++) = *place;
	}
	g_array_set_size(places, kept);
}

static void add_up(hc_check *check, const hc_blocks *blocks)
{
	check->totals.arenas = hc_blocks_arena_count(blocks);
	for (unsigned state = 0; state < HC_BLOCK_FENCEPOST; state++)
		check->totals.chunks += hc_blocks_amount(blocks, HC_ARENA_ALL, state).blocks;
	for (unsigned i = 0; i < check->places->len; i++) {
		const hc_damage *damage = &g_array_index(check->places, hc_damage_place, i).damage;

		if (damage->in_operation)
			check->totals.in_operation++;
		else
			check->totals.places++;
		check->totals.skipped += damage->resumed - damage->skipped;
	}
}

hc_check *hc_check_create(const hc_core *core, const hc_blocks *blocks)
{
	hc_check *check = g_new0(hc_check, 1);
	g_autoptr(GArray) damage = g_array_new(FALSE, FALSE, sizeof(hc_damage));

	check->places = g_array_new(FALSE, TRUE, sizeof(hc_damage_place));
	if (blocks->allocator->check)
		blocks->allocator->check(&blocks->heap, blocks, damage);
	for (unsigned i = 0; i < damage->len; i++) {
		hc_damage_place place = { .damage = g_array_index(damage, hc_damage, i) };

		hc_check_find_writer(core, blocks, &place);
		g_array_append_val(check->places, place);
	}
	g_array_sort(check->places, compare_places);
	drop_repeated(check->places);
	add_up(check, blocks);
	return check;
}

void hc_check_destroy(hc_check *check)
{
	if (!check)
		return;
	g_array_unref(check->places);
	g_free(check);
}

const hc_check_totals *hc_check_get_totals(const hc_check *check)
{
	return &check->totals;
}

unsigned hc_check_count(const hc_check *check)
{
	return check->places->len;
}

const hc_damage_place *hc_check_get(const hc_check *check, unsigned index)
{
	return &g_array_index(check->places, hc_damage_place, index);
}
