/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Findings in words. */
#include "wording/wording.h"

#include "base/text.h"
#include "blocks/blocks.h"
#include "references/references.h"

#include <inttypes.h>
#include <string.h>

enum {
	LITTLE_TRIM = 1 << 20, /* bytes that malloc_trim(0) would give back: less is "only" */
	KEY_COLUMNS = 40,      /* of a key that is shown */
};

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* ---- lost blocks ---- */

/* "5,250 x 312 B, 5,040 x 712 B, ..." */
static void append_sizes(GString *text, const hc_finding_lost *lost)
{
	for (unsigned i = 0; i < MIN(lost->size_count, HC_FINDING_SIZES); i++) {
		char blocks[HC_TEXT_COUNT_LENGTH], bytes[HC_TEXT_SIZE_LENGTH];

		g_string_append_printf(text, "%s%s x %s", i ? ", " : "", hc_text_count(blocks, lost->sizes[i].blocks),
			hc_text_size(bytes, lost->sizes[i].size));
	}
	if (lost->size_count > HC_FINDING_SIZES)
		g_string_append(text, ", ...");
}

static void append_lost(GString *text, const hc_analysis *analysis, const hc_finding *finding)
{
	const hc_finding_lost *lost = &finding->lost;
	g_autofree char *blocks = hc_unit_text(finding->blocks, "blocks");
	char count[HC_TEXT_COUNT_LENGTH];

	g_string_append_printf(text, "%s%s that nothing %spoints to", lost->is_bound ? "at most lost: " : "", blocks,
		lost->is_bound ? "in the core " : "");
	if (lost->heads < finding->blocks)
		g_string_append_printf(
			text, ", %s of them directly, the others only from these", hc_text_count(count, lost->heads));
	g_string_append(text, ": ");
	append_sizes(text, lost);
	if (lost->beginning)
		g_string_append_printf(text, "; %.0f %% of the bytes are in blocks that begin \"%s\"",
			100 * lost->beginning_share, lost->beginning);
	if (lost->unloaded)
		g_string_append_printf(text, "; %s of them begin%s as objects of a library that was unloaded do",
			hc_text_count(count, lost->unloaded), lost->unloaded == 1 ? "s" : "");
	if (lost->is_bound) {
		g_autofree char *missing = hc_word_missing(hc_analysis_references(analysis));

		g_string_append_printf(text, "; but %s", missing);
	}
}

/* ---- suspects ---- */

/* ", most of it at block 0x7f8a..., which has 499,503 blocks right below it" */
static void append_accumulation(GString *text, const hc_finding_suspect *suspect)
{
	const hc_owner_accumulation *accumulation = &suspect->accumulation;
	g_autofree char *blocks = hc_unit_text(accumulation->below, "blocks");
	char size[HC_TEXT_SIZE_LENGTH];

	if (!accumulation->is_found || !accumulation->block)
		return;
	g_string_append_printf(text, ", most of it at block 0x%" PRIx64, accumulation->block);
	if (suspect->accumulates_at && strcmp(suspect->accumulates_at, suspect->owner))
		g_string_append_printf(text, " (%s)", suspect->accumulates_at);
	if (accumulation->is_list)
		g_string_append(text, ", where a chain of blocks begins");
	else if (accumulation->below)
		g_string_append_printf(text, ", which has %s right below it", blocks);
	else
		g_string_append_printf(text, ", of %s", hc_text_size(size, accumulation->size));
}

static void append_retained_by(GString *text, const hc_finding_suspect *suspect)
{
	char bytes[HC_TEXT_SIZE_LENGTH];

	if (!suspect->has_retained)
		return;
	if (!suspect->retained) {
		g_string_append(text, "; other pointers lead to all of that, too");
		return;
	}
	g_string_append_printf(text, "; without it %s would be unreachable", hc_text_size(bytes, suspect->retained));
	append_accumulation(text, suspect);
}

static double percent(uint64_t bytes, const hc_finding_suspect *suspect)
{
	return 100.0 * bytes / MAX(suspect->in_use, 1);
}

/* Behind a sentence on the place at PATH: ". It holds 22.8 % of what is in use; without it 38.9 MiB would be unreachable" */
static void append_suspect(GString *text, const hc_finding_suspect *suspect, const char *path)
{
	bool is_itself = !strcmp(suspect->owner, path);

	g_string_append_printf(text, "%s %s%s holds %.1f %% of what is in use",
		text->len && text->str[text->len - 1] == '?' ? "" : ".", is_itself ? "It" : suspect->owner,
		is_itself ? "" : ", which leads there,", percent(suspect->holds.bytes, suspect));
	append_retained_by(text, suspect);
}

/* "g_index (Index *, static) holds 1.2 MiB, 2.0 % of what is in use; without it 38.9 MiB would be unreachable; told by its type" */
static void append_suspect_alone(GString *text, const hc_finding_suspect *suspect)
{
	g_autofree char *where = hc_word_where(&suspect->where, suspect->threads);
	bool says_type = suspect->type && *suspect->type;
	char holds[HC_TEXT_SIZE_LENGTH];

	g_string_append(text, suspect->owner);
	if (says_type || where)
		g_string_append_printf(text, " (%s%s%s)", says_type ? suspect->type : "",
			says_type && where ? ", " : "", where ? where : "");
	g_string_append_printf(text, " holds %s, %.1f %% of what is in use", hc_text_size(holds, suspect->holds.bytes),
		percent(suspect->holds.bytes, suspect));
	append_retained_by(text, suspect);
	g_string_append_printf(text, "; told %s", hc_word_owner_basis(suspect->basis, suspect->certainty, suspect->mostly_untyped));
}

/* ---- places ---- */

/* "field of Scene, 1 object", "thread-local of 40 threads"; "" of what the path names well enough. Free with g_free(). */
static char *where_text(const hc_finding_place *place)
{
	char count[HC_TEXT_COUNT_LENGTH];

	if (place->where.kind == HC_WHERE_FIELD && place->count) {
		g_autofree char *field = hc_word_where(&place->where, 0);

		return g_strdup_printf(
			"%s, %s object%s", field, hc_text_count(count, place->count), plural(place->count));
	}
	if (place->where.kind == HC_WHERE_STATIC || place->where.kind == HC_WHERE_DATA ||
		place->where.kind == HC_WHERE_ELEMENTS)
		return g_strdup("");
	return hc_word_where(&place->where, place->threads);
}

/* "vectors" of "libstdc++ vector" */
static char *containers_text(const hc_finding_place *place)
{
	const char *last = place->kind ? strrchr(place->kind, ' ') : NULL;

	for (const char *letter = last ? last + 1 : ""; *letter; letter++)
		if (!g_ascii_isalpha(*letter))
			return g_strdup("containers");
	return last && last[1] ? g_strdup_printf("%s%s", last + 1, plural(place->count)) : g_strdup("containers");
}

/* ", keys like "k1" differ only in numbers: does anything bound them?" One core can't tell: it is asked, not said. */
static void append_keys(GString *text, const hc_finding_place *place)
{
	bool cut = g_utf8_validate(place->key, -1, NULL) && g_utf8_strlen(place->key, -1) > KEY_COLUMNS;
	g_autofree char *start = cut ? g_utf8_substring(place->key, 0, KEY_COLUMNS) : NULL;

	g_string_append_printf(text, ", keys like \"%s%s\"", cut ? start : place->key, cut ? "..." : "");
	if (place->keys_alike)
		g_string_append(text, " differ only in numbers: does anything bound them?");
}

static void append_contents(GString *text, const hc_finding *finding)
{
	static const char *const parts[HC_PARTS_COUNT] = {
		[HC_PARTS_BUFFERS] = "buffers",
		[HC_PARTS_NODES] = "nodes",
		[HC_PARTS_NODES_AND_BUCKETS] = "nodes and buckets",
		[HC_PARTS_SLOTS] = "slots",
	};
	const hc_finding_place *place = &finding->place;
	g_autofree char *blocks = hc_unit_text(finding->blocks, "blocks"),
			*elements = hc_unit_text(place->elements, "elements");
	char count[HC_TEXT_COUNT_LENGTH], size[HC_TEXT_SIZE_LENGTH];

	if (place->unused) {
		g_autofree char *containers = containers_text(place);

		g_string_append_printf(text, "%s of unused capacity in %s %s%s", hc_text_size(size, place->unused),
			hc_text_count(count, place->count), place->elements ? "" : "empty ", containers);
		return;
	}
	if (finding->kind == HC_FINDING_OWNER) {
		g_string_append(text, blocks);
		return;
	}
	g_string_append_printf(text, "%s%s", place->is_at_most ? "at most " : "", elements);
	if (place->parts && place->own && place->own < finding->bytes)
		g_string_append_printf(text, ", of which %s %s", hc_text_size(size, place->own), parts[place->parts]);
	if (place->key)
		append_keys(text, place);
}

static void append_place(GString *text, const hc_finding *finding)
{
	const hc_finding_place *place = &finding->place;
	g_autofree char *where = where_text(place);
	bool says_type = place->type && *place->type && strcmp(place->type, place->path);

	g_string_append(text, place->path);
	if (says_type || *where)
		g_string_append_printf(
			text, " (%s%s%s)", says_type ? place->type : "", says_type && *where ? ", " : "", where);
	g_string_append(text, ": ");
	append_contents(text, finding);
	if (place->certainty == HC_CERTAINTY_DEDUCED)
		g_string_append(text, "; deduced");
	else if (place->by_words && place->certainty == HC_CERTAINTY_UNKNOWN)
		g_string_append(text, ", found by its pointers alone: their type is not known");
	else if (place->certainty >= HC_CERTAINTY_GUESS)
		g_string_append(text, "; this is a guess");
	if (place->suspect.owner)
		append_suspect(text, &place->suspect, place->path);
}

/* ---- the others ---- */

static void append_retained(GString *text, const hc_finding_retained *retained)
{
	const hc_pin_holder *holder = &retained->holder;
	char whole[HC_TEXT_SIZE_LENGTH], zero[HC_TEXT_SIZE_LENGTH], trim[HC_TEXT_SIZE_LENGTH],
		pinned[HC_TEXT_SIZE_LENGTH];

	g_string_append_printf(text,
		"free, but kept by malloc: %s in whole pages, %s of them zero already; malloc_trim(0) would give %s%s back",
		hc_text_size(whole, retained->whole), hc_text_size(zero, retained->zero),
		!retained->trim || retained->trim >= LITTLE_TRIM ? "" : "only ",
		retained->trim ? hc_text_size(trim, retained->trim) : "nothing");
	if (holder->pinned) {
		g_autofree char *name = hc_word_pin_holder(holder),
				*blocks = hc_unit_text(holder->amount.blocks, "blocks");

		g_string_append_printf(
			text, "; %s of it is pinned by %s: %s", hc_text_size(pinned, holder->pinned), blocks, name);
	}
}

char *hc_word_referrer(const hc_analysis *analysis, const hc_finding_size *size)
{
	hc_place_sources sources = { hc_analysis_core(analysis), hc_analysis_modules(analysis),
		hc_analysis_blocks(analysis), hc_analysis_areas(analysis) };
	hc_place place = { 0 };

	if (size->referrer != HC_REFERRER_ROOT)
		return g_strdup(size->name);
	hc_place_of_reference(&sources, &size->root, &place);
	return hc_word_place(&place);
}

static void append_size(GString *text, const hc_analysis *analysis, const hc_finding *finding)
{
	const hc_finding_size *size = &finding->size;
	g_autofree char *blocks = hc_unit_text(finding->blocks, "blocks");
	char bytes[HC_TEXT_SIZE_LENGTH];

	g_string_append_printf(text, "%s of %s, type and owner not known", blocks, hc_text_size(bytes, size->size));
	if (size->referrer == HC_REFERRER_ROOT || size->referrer == HC_REFERRER_NAMED) {
		g_autofree char *name = hc_word_referrer(analysis, size);

		g_string_append_printf(text, "; pointed to from %s", name);
	}
	if (size->referrer == HC_REFERRER_OTHERS)
		g_string_append(text, "; pointed to from others of them");
	else if (size->referrer == HC_REFERRER_SIZE)
		g_string_append_printf(text, "; pointed to from blocks of %s", hc_text_size(bytes, size->from_size));
	if (size->referrer && size->and_elsewhere)
		g_string_append(text, " and elsewhere");
}

static void append_not_glibc(GString *text, const hc_analysis *analysis)
{
	const hc_blocks *blocks = hc_analysis_blocks(analysis);
	const hc_heap_info *heap = hc_blocks_heap(blocks);
	char size[HC_TEXT_SIZE_LENGTH];

	if (heap->foreign) {
		g_string_append_printf(text, "the heap is not glibc's: %s serves this program", heap->foreign);
		if (heap->provider)
			g_string_append_printf(text, ", from %s", heap->provider);
		g_string_append_printf(text,
			". Its blocks are not read; they lie in the anonymous mappings. glibc's malloc holds %s in use beside it",
			hc_text_size(size, hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE).bytes));
		return;
	}
	g_autofree char *unread = hc_word_unread(heap, hc_core_process(hc_analysis_core(analysis)));

	g_string_append(text, unread);
}

/* "; 74.6 MiB of it V8's heap": what has most of ROW, if that is half of it at least. */
static void append_runtime(GString *text, const hc_memory *memory, const hc_memory_row *row)
{
	for (unsigned i = 0; row && i < hc_memory_use_count(memory); i++) {
		const hc_memory_use *use = hc_memory_use_get(memory, i);
		char size[HC_TEXT_SIZE_LENGTH];

		if (use->row != row->id || use->bytes < row->bytes / 2)
			continue;
		g_autofree char *whose = hc_word_runtime(&use->use);

		g_string_append_printf(text, "; %s of it %s", hc_text_size(size, use->bytes), whose);
		return;
	}
}

static void append_not_heap(GString *text, const hc_analysis *analysis, const hc_finding_not_heap *facts)
{
	static const char *const texts[HC_ROW_COUNT] = {
		[HC_ROW_ANONYMOUS] = "in anonymous mappings that are not malloc's",
		[HC_ROW_SHARED] = "in shared memory",
		[HC_ROW_STACKS] = "in live parts of stacks",
		[HC_ROW_FOREIGN_SBRK] = "in the program break, but not malloc's: the program calls sbrk() itself",
	};
	const hc_memory_row *row = hc_memory_row_find(hc_analysis_memory(analysis), facts->row);
	char size[HC_TEXT_SIZE_LENGTH];

	g_string_append(text, texts[facts->row]);
	append_runtime(text, hc_analysis_memory(analysis), row);
	if (facts->owner)
		g_string_append_printf(text, "; %s holds %s of that, with what is free behind it", facts->owner,
			hc_text_size(size, facts->outside));
	g_autofree char *note = row ? hc_word_row_note(row) : NULL;

	if (note)
		g_string_append_printf(text, "; %s", note);
}

static void append_unjoined(GString *text, const hc_finding *finding)
{
	char threads[HC_TEXT_COUNT_LENGTH], space[HC_TEXT_SIZE_LENGTH], memory[HC_TEXT_SIZE_LENGTH];
	g_autofree char *routine = hc_word_unjoined_routine(&finding->unjoined);

	g_string_append_printf(text,
		"%s threads have ended and were not joined: %stheir stacks keep %s of address space, %s of it %s",
		hc_text_count(threads, finding->unjoined.threads), routine,
		hc_text_size(space, finding->unjoined.bytes), hc_text_size(memory, finding->bytes),
		finding->unjoined.is_resident ? "resident" : "touched");
}

static void append_duplicates(GString *text, const hc_finding *finding)
{
	const hc_finding_duplicates *duplicates = &finding->duplicates;
	g_autofree char *blocks = hc_unit_text(finding->blocks, "blocks"),
			*most = hc_unit_text(duplicates->largest_blocks, "blocks"),
			*contents = hc_unit_text(duplicates->groups, "contents");
	char size[HC_TEXT_SIZE_LENGTH];

	g_string_append_printf(text,
		"held more than once: %s have %s between them%s; of one, %s of %s are all the same", blocks, contents,
		duplicates->rarer_left_out ? ", not counting rarer ones" : "", most,
		hc_text_size(size, duplicates->largest_size));
	if (duplicates->path)
		g_string_append_printf(text, ", most of them at %s", duplicates->path);
}

static void append_collisions(GString *text, const hc_finding_collisions *collisions)
{
	const hc_table_fill *fill = &collisions->fill;
	g_autofree char *buckets = hc_unit_text(fill->buckets, "buckets");
	char elements[HC_TEXT_COUNT_LENGTH], longest[HC_TEXT_COUNT_LENGTH], used[HC_TEXT_COUNT_LENGTH];

	g_string_append_printf(text,
		"%s (%s): %s of %s elements are in one bucket, and only %s of %s have any: each look-up there goes through a list. "
		"Does its hash tell the keys apart?",
		collisions->path, collisions->type, hc_text_count(longest, fill->longest),
		hc_text_count(elements, fill->elements), hc_text_count(used, fill->used), buckets);
}

static void append_corrupt(GString *text, const hc_finding *finding)
{
	g_autofree char *count = hc_unit_text(finding->corrupt.places, "places");

	if (!finding->corrupt.is_overwritten) {
		g_string_append_printf(text,
			"%s where the heap's chunks could not be followed: overwritten by a bug in the program, or missing in the core",
			count);
		return;
	}
	g_string_append_printf(text, "the heap is damaged in %s", count);
	if (finding->corrupt.first)
		g_string_append_printf(text, finding->corrupt.places == 1 ? ", at %#" PRIx64 : ", first at %#" PRIx64,
			finding->corrupt.first);
	g_string_append(text,
		": the program wrote where malloc keeps its own data. What is said of the heap is what could still be read");
}

/* ---- the whole ---- */

static void append_finding(GString *text, const hc_analysis *analysis, const hc_finding *finding)
{
	switch (finding->kind) {
	case HC_FINDING_LOST:
		return append_lost(text, analysis, finding);
	case HC_FINDING_CONTAINER:
	case HC_FINDING_OWNER:
		return append_place(text, finding);
	case HC_FINDING_SUSPECT:
		return append_suspect_alone(text, &finding->suspect);
	case HC_FINDING_RETAINED:
		return append_retained(text, &finding->retained);
	case HC_FINDING_BIG_BLOCKS:
	case HC_FINDING_ONE_SIZE:
		return append_size(text, analysis, finding);
	case HC_FINDING_NOT_GLIBC:
	case HC_FINDING_HEAP_NOT_READ:
		return append_not_glibc(text, analysis);
	case HC_FINDING_NOT_HEAP:
		return append_not_heap(text, analysis, &finding->not_heap);
	case HC_FINDING_UNJOINED:
		return append_unjoined(text, finding);
	case HC_FINDING_DUPLICATES:
		return append_duplicates(text, finding);
	case HC_FINDING_COLLISIONS:
		return append_collisions(text, &finding->collisions);
	case HC_FINDING_CORRUPT:
		return append_corrupt(text, finding);
	case HC_FINDING_TWO_LAYOUTS: {
		g_autofree char *sentence =
			hc_word_abi_with_site(finding->two_layouts.difference, finding->two_layouts.site);

		g_string_append(text, sentence);
		return;
	}
	default:
		return;
	}
}

char *hc_word_finding(const hc_analysis *analysis, const hc_finding *finding)
{
	GString *text = g_string_new(NULL);

	append_finding(text, analysis, finding);
	return g_string_free(text, FALSE);
}

char *hc_word_finding_command(const hc_finding *finding)
{
	static const char *const commands[HC_FINDING_KIND_COUNT] = {
		[HC_FINDING_LOST] = "leaks CORE",
		[HC_FINDING_RETAINED] = "pins CORE",
		[HC_FINDING_NOT_GLIBC] = "mappings CORE",
		[HC_FINDING_HEAP_NOT_READ] = "mappings CORE",
		[HC_FINDING_NOT_HEAP] = "mappings CORE",
		[HC_FINDING_UNJOINED] = "mappings CORE",
		[HC_FINDING_DUPLICATES] = "duplicates CORE",
		[HC_FINDING_TWO_LAYOUTS] = "abi CORE",
	};
	const char *path = finding->kind == HC_FINDING_CONTAINER || finding->kind == HC_FINDING_OWNER ?
				   finding->place.path :
			   finding->kind == HC_FINDING_SUSPECT	  ? finding->suspect.owner :
			   finding->kind == HC_FINDING_COLLISIONS ? finding->collisions.path :
								    NULL;
	g_autofree char *quoted = path ? g_shell_quote(path) : NULL;

	switch (finding->kind) {
	case HC_FINDING_CONTAINER:
	case HC_FINDING_COLLISIONS:
		return g_strdup_printf("containers CORE --variable %s", quoted);
	case HC_FINDING_OWNER:
	case HC_FINDING_SUSPECT:
		return g_strdup_printf("owners CORE %s", quoted);
	case HC_FINDING_BIG_BLOCKS:
	case HC_FINDING_ONE_SIZE:
		return g_strdup_printf("chunks CORE --state in-use --min %" PRIu64 " --max %" PRIu64,
			finding->size.size, finding->size.size);
	case HC_FINDING_CORRUPT:
		return finding->corrupt.is_overwritten ?
			       g_strdup("check CORE") :
			       g_strdup_printf("block CORE %#" PRIx64, finding->corrupt.first);
	default:
		return g_strdup(commands[finding->kind]);
	}
}
