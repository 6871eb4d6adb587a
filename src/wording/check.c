/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is damaged in the heap, what stands there, and who may have written it. */
#include "wording/wording.h"

#include "base/text.h"

#include <inttypes.h>

char *hc_word_check(const hc_check *check, const hc_heap_info *heap, const hc_process *process, bool partial)
{
	const hc_check_totals *totals = hc_check_get_totals(check);
	g_autofree char *places = hc_unit_text(totals->places, "places"),
			*chunks = hc_unit_text(totals->chunks, "chunks"),
			*arenas = hc_unit_text(totals->arenas, "arenas");
	char skipped[HC_TEXT_COUNT_LENGTH];
	GString *text = g_string_new(NULL);

	if (!heap->found) {
		g_autofree char *why = hc_word_no_arenas(heap, process);

		g_string_append_printf(text, "Nothing was checked: %s.", why);
		return g_string_free(text, FALSE);
	}
	if (totals->places)
		g_string_append_printf(
			text, "The heap is damaged, in %s (%s in %s were looked at).", places, chunks, arenas);
	else if (totals->in_operation)
		g_string_append_printf(
			text, "Whether the heap is sound is not certain (%s in %s were looked at).", chunks, arenas);
	else
		g_string_append_printf(text, "The heap is sound%s: %s in %s were looked at, and all free lists.",
			partial ? " as far as it could be read" : "", chunks, arenas);
	if (totals->in_operation) {
		g_autofree char *steps = hc_unit_text(totals->in_operation, "places");

		g_string_append_printf(text,
			" %s may be malloc itself, between two steps: the process was running in libc. A core of another moment tells.",
			steps);
	}
	if (totals->skipped)
		g_string_append_printf(
			text, " %s bytes could not be followed.", hc_text_count(skipped, totals->skipped));
	return g_string_free(text, FALSE);
}

/* ---- what is wrong ---- */

static char *list_name(const hc_free_list *list)
{
	switch (list->kind) {
	case HC_LIST_TCACHE:
		if (list->thread)
			return g_strdup_printf("list %d of the cache of thread %" PRId64, list->bin, list->thread);
		return g_strdup_printf("list %d of the cache at 0x%" PRIx64, list->bin, list->cache);
	case HC_LIST_FASTBIN:
		return g_strdup_printf("fastbin %d of arena %" PRIu32, list->bin, list->arena);
	case HC_LIST_BIN:
		return list->bin == 1 ? g_strdup_printf("the unsorted bin of arena %" PRIu32, list->arena) :
					g_strdup_printf("bin %d of arena %" PRIu32, list->bin, list->arena);
	default:
		return g_strdup("no list");
	}
}

static char *link_text(const hc_damage *damage, const char *list)
{
	return g_strdup_printf("A link of %s leads to 0x%" PRIx64
			       ", as malloc reads it, where no block is that can be in that list.",
		list, damage->target);
}

static const char *size_text(const hc_damage *damage, uint64_t alignment)
{
	uint64_t size = damage->found & ~(uint64_t)7;

	if (size < 2 * alignment || size & (alignment - 1) || size >> 48)
		return "is no size of a chunk";
	return "leads to where no chunk is";
}

static char *flags_text(const hc_damage *damage)
{
	uint64_t wrong = damage->found ^ damage->expected;

	return g_strdup_printf("The header of the chunk at 0x%" PRIx64 " has wrong flags:%s%s%s.", damage->chunk,
		wrong & 2 ? " it says that the chunk is mmapped" : "", wrong & 2 && wrong & 4 ? ", and" : "",
		wrong & 4 ? (damage->arena ? " it says that the chunk is the main arena's" :
					     " it says that the chunk is a thread arena's") :
			    "");
}

static char *twice_text(const hc_damage *damage, const char *list)
{
	g_autofree char *other = list_name(&damage->other);

	if (damage->kind == HC_DAMAGE_LOOP)
		return g_strdup_printf(
			"The block at 0x%" PRIx64
			" is twice in %s, which runs in a circle: it was freed twice, or a link was overwritten.",
			damage->target, list);
	return g_strdup_printf("The block at 0x%" PRIx64
			       " is in two lists, %s and %s: it was freed twice, or a link was overwritten.",
		damage->target, other, list);
}

static char *mmapped_text(const hc_damage *damage)
{
	if (damage->place)
		return g_strdup_printf(
			"malloc counts one mmapped block more than have a header; it is likely to be the one at 0x%" PRIx64
			", whose mapping is as large as what is missing.",
			damage->chunk);
	return g_strdup_printf("malloc counts %" PRIu64 " mmapped blocks, but only %" PRIu64
			       " have a header; which memory the others are nothing tells.",
		damage->expected, damage->found);
}

static char *what_is_wrong(const hc_damage *damage, uint64_t alignment)
{
	g_autofree char *list = list_name(&damage->list);

	switch (damage->kind) {
	case HC_DAMAGE_CHUNK_SIZE:
		return g_strdup_printf(
			"The header of the chunk at 0x%" PRIx64 " %s.", damage->chunk, size_text(damage, alignment));
	case HC_DAMAGE_CHUNK_FLAGS:
		return flags_text(damage);
	case HC_DAMAGE_PREV_IN_USE:
		return g_strdup_printf("The header of the chunk at 0x%" PRIx64
				       " says that the block in front is %s, which it is not.",
			damage->chunk, damage->found & 1 ? "in use" : "free");
	case HC_DAMAGE_PREV_SIZE:
		return g_strdup_printf("The size of the free block in front of the chunk at 0x%" PRIx64
				       " stands there once more, and is another one.",
			damage->chunk);
	case HC_DAMAGE_TOP_SIZE:
		return g_strdup_printf("The top chunk of arena %" PRIu32 ", at 0x%" PRIx64
				       ", does not end where the arena does.",
			damage->arena, damage->chunk);
	case HC_DAMAGE_ARENA_TOP:
		return g_strdup_printf("The top of arena %" PRIu32 " is in none of its heaps.", damage->arena);
	case HC_DAMAGE_ARENA_RING:
		return g_strdup_printf("The ring of arenas breaks behind arena %" PRIu32 ".", damage->arena);
	case HC_DAMAGE_HEAP_INFO:
		return g_strdup_printf("The head of a heap of arena %" PRIu32 " was overwritten.", damage->arena);
	case HC_DAMAGE_LINK:
		return link_text(damage, list);
	case HC_DAMAGE_BACK_LINK:
		return g_strdup_printf("A link of %s does not lead back to the chunk that leads here.", list);
	case HC_DAMAGE_LISTED_SIZE:
		return g_strdup_printf(
			"The chunk at 0x%" PRIx64 " is in %s, which is for other sizes.", damage->chunk, list);
	case HC_DAMAGE_LISTED_ARENA:
		return g_strdup_printf(
			"The chunk at 0x%" PRIx64 " is in %s, and of another arena.", damage->chunk, list);
	case HC_DAMAGE_TCACHE_COUNT:
		return g_strdup_printf("What is counted of %s is not what is in it.", list);
	case HC_DAMAGE_TCACHE_KEY:
		return g_strdup_printf("The block at 0x%" PRIx64 ", in %s, lacks the key that free() writes to it.",
			damage->target, list);
	case HC_DAMAGE_MMAPPED:
		return mmapped_text(damage);
	default:
		return twice_text(damage, list);
	}
}

static void append_words(GString *text, const hc_damage *damage, const hc_core *core)
{
	if (!damage->place)
		return;
	if (!hc_core_hides_content(core))
		g_string_append_printf(text, " At 0x%" PRIx64 " stands 0x%" PRIx64, damage->place, damage->found);
	else
		g_string_append_printf(text, " That is at 0x%" PRIx64, damage->place);
	if (damage->has_expected)
		g_string_append_printf(text, "; 0x%" PRIx64 " ought to%s", damage->expected,
			damage->is_likely ? ", if nothing else is damaged there" : "");
	g_string_append_c(text, '.');
	if (damage->instead)
		g_string_append_printf(
			text, " Or else it is the size at 0x%" PRIx64 " that is wrong.", damage->instead);
}

char *hc_word_damage(const hc_damage *damage, const hc_core *core, uint64_t alignment)
{
	g_autofree char *what = what_is_wrong(damage, alignment);
	GString *text = g_string_new(what);
	char bytes[HC_TEXT_COUNT_LENGTH];

	append_words(text, damage, core);
	if (damage->resumed)
		g_string_append_printf(text, " %s bytes could not be followed, up to 0x%" PRIx64 ".",
			hc_text_count(bytes, damage->resumed - damage->skipped), damage->resumed);
	if (damage->in_operation)
		g_string_append(
			text, " The process was running in libc: that may be malloc itself, between two steps.");
	return g_string_free(text, FALSE);
}

/* ---- what stands there ---- */

/* What is known for filling memory with it: guard bytes and marks of debugging allocators. */
static const char *known_pattern(uint32_t pattern)
{
	static const struct {
		uint32_t pattern;
		const char *name;
	} known[] = {
		{ 0xfd, "guard bytes of debug heaps" },
		{ 0xdd, "freed memory of debug heaps" },
		{ 0xcd, "fresh memory of debug heaps" },
		{ 0xab, "guard bytes" },
		{ 0xfa, "a sanitizer's redzone" },
		{ 0xa5, "junk of jemalloc, or a mark" },
		{ 0x5a, "freed memory of jemalloc, or a mark" },
		{ 0xdeadbeef, "a mark" },
		{ 0xdeadc0de, "a mark" },
		{ 0xbaadf00d, "a mark" },
		{ 0xfeeefeee, "a mark" },
		{ 0xcafebabe, "a mark" },
		{ 0x0badcafe, "a mark" },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(known); i++)
		if (known[i].pattern == pattern)
			return known[i].name;
	return NULL;
}

bool hc_word_run_is_content(const hc_damage_place *place)
{
	return (place->run == HC_RUN_BYTE || place->run == HC_RUN_WORD) && !known_pattern(place->pattern);
}

char *hc_word_run(const hc_core *core, const hc_damage_place *place)
{
	g_autofree char *range = g_strdup_printf(
		"The bytes from 0x%" PRIx64 " to 0x%" PRIx64, place->run_range.start, place->run_range.end);
	const char *known = known_pattern(place->pattern);

	if (hc_word_run_is_content(place) && hc_core_hides_content(core))
		return g_strdup_printf("%s %s over and over (--no-content).", range,
			place->run == HC_RUN_BYTE ? "are one byte" : "are four bytes");
	switch (place->run) {
	case HC_RUN_TEXT:
		return g_strdup_printf("%s are text.", range);
	case HC_RUN_BYTE:
		return g_strdup_printf("%s are all 0x%02" PRIx32 "%s%s.", range, place->pattern, known ? ": " : "",
			known ? known : "");
	case HC_RUN_WORD:
		return g_strdup_printf(
			"%s repeat 0x%08" PRIx32 "%s%s.", range, place->pattern, known ? ": " : "", known ? known : "");
	case HC_RUN_ZEROS:
		return g_strdup_printf("%s are zeros.", range);
	default:
		return NULL;
	}
}

/* ---- who wrote it ---- */

static char *block_text(const hc_block *block, const hc_block_type *type, const hc_type *cut)
{
	g_autofree char *label = hc_word_label(block->label);
	GString *text = g_string_new(NULL);
	char size[HC_TEXT_COUNT_LENGTH];

	g_string_append_printf(text, "0x%" PRIx64 ", %s bytes, %s", block->address, hc_text_count(size, block->size),
		hc_block_state_name(block->state));
	if (label)
		g_string_append_printf(text, ", %s", label);
	if (type && type->name && type->certainty != HC_CERTAINTY_UNKNOWN)
		g_string_append_printf(text, ", %s (%s)", type->name, hc_certainty_name(type->certainty));
	if (type && type->path && *type->path)
		g_string_append_printf(text, ", held by %s", type->path);
	if (cut)
		g_string_append_printf(text,
			". It has the vtable of %s, which has %" PRIu64 " bytes: too many for this block",
			hc_type_name(cut), hc_type_size(cut));
	return g_string_free(text, FALSE);
}

char *hc_word_writer(const hc_damage_place *place, const hc_block_type *type, const hc_type *cut)
{
	g_autofree char *block = place->has_writer ? block_text(&place->writer, type, cut) : NULL;

	switch (place->writer_kind) {
	case HC_WRITER_AFTER_FREE:
		return g_strdup(
			"The likely writer is who had the block before it was freed, and kept a pointer to it.");
	case HC_WRITER_BEFORE:
		return block ? g_strdup_printf(
				       "The likely writer is the block in front, in which it begins: %s.", block) :
			       NULL;
	case HC_WRITER_ITSELF:
		return block ? g_strdup_printf(
				       "The likely writer is the block itself, in front of its beginning: %s.", block) :
			       g_strdup(
				       "The likely writer is who has the block behind that header, and wrote in front of its beginning.");
	default:
		return block ? g_strdup_printf(
				       "The likely writer is the block in front, as nothing else tells: %s.", block) :
			       NULL;
	}
}
