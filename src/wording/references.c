/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why memory was searched, how pointers are kept, and what the core lacks. */
#include "wording/wording.h"

#include "base/text.h"

#include <inttypes.h>

const char *hc_word_root(hc_root_reason reason)
{
	static const char *const texts[HC_ROOT_REASON_COUNT] = {
		[HC_ROOT_REGISTERS] = "registers",
		[HC_ROOT_DATA] = "data of the program or a library",
		[HC_ROOT_STACK] = "frames, thread-local storage",
		[HC_ROOT_RESULT] = "results of threads that have ended and wait to be joined",
		[HC_ROOT_WRITABLE_FILE] = "writable mapping of a file",
		[HC_ROOT_SHARED] = "shared memory",
		[HC_ROOT_ANONYMOUS] = "memory that is not malloc's",
		[HC_ROOT_SBRK] = "memory that the program got from sbrk() itself",
		[HC_ROOT_UNREADABLE] = "blocks in it are not known: all of it counts as alive",
		[HC_ROOT_KERNEL] = "the kernel's",
		[HC_ROOT_MALLOC_STATE] = "malloc's own state: its lists lead to free memory",
		[HC_ROOT_STACK_UNUSED] = "below the stack pointer, or of a thread that has ended",
		[HC_ROOT_FILE] = "read-only file: cannot hold addresses of this process's heap",
		[HC_ROOT_RESERVED] = "address space only",
		[HC_ROOT_NOT_DUMPED] = "its bytes are not in the core",
		[HC_ROOT_LACKING] = "would be searched, but its bytes are not in the core",
	};

	return texts[reason];
}

char *hc_word_root_data(const char *module)
{
	return g_strdup_printf("data of %s", module);
}

char *hc_word_root_data_of_more(unsigned count)
{
	return g_strdup_printf("data of %u more", count);
}

char *hc_word_search(const hc_references_totals *totals, hc_amount runtime)
{
	char words[HC_TEXT_COUNT_LENGTH], candidates[HC_TEXT_COUNT_LENGTH], blocks[HC_TEXT_COUNT_LENGTH],
		size[HC_TEXT_SIZE_LENGTH];

	return g_strdup_printf(
		"%s words were looked at, here and in the blocks that they led to; %s of them could be addresses in the heap. "
		"Blocks are searched when something leads to them; %s blocks (%s) of libc and the language's runtime count as reached.",
		hc_text_count(words, totals->words), hc_text_count(candidates, totals->candidates),
		hc_text_count(blocks, runtime.blocks), hc_text_size(size, runtime.bytes));
}

char *hc_word_encoding(const hc_encoding *encoding)
{
	switch (encoding->kind) {
	case HC_ENCODING_TAG:
		return g_strdup("tag in bits 48-63");
	case HC_ENCODING_FROM_WORD:
		return g_strdup("distance from the pointer's own place");
	case HC_ENCODING_FROM_BLOCK:
		return g_strdup("distance from the start of the block that holds it");
	case HC_ENCODING_COMPRESSED:
		return g_strdup_printf("32 bits times %u from 0x%" PRIx64, encoding->factor, encoding->base);
	case HC_ENCODING_IN_FRONT:
		return g_strdup("as far in front of a block as that is large, in tables of blocks of doubling size");
	case HC_ENCODING_TYPED:
		return g_strdup("as the program's types tell");
	default:
		return NULL;
	}
}

char *hc_word_encodings(const hc_references *references)
{
	unsigned count;
	const hc_encoding *encodings = hc_references_encodings(references, &count);
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < count; i++) {
		g_autofree char *encoding = hc_word_encoding(&encodings[i]);

		g_string_append_printf(text, "%s%s", i ? ", " : "", encoding);
	}
	return g_string_free(text, !count);
}

/* What follows on habits of the same kind is one list: "headers of 16, 24 bytes". FIRST, LAST: of its kind. */
static void append_habit(GString *text, const hc_habit *habit, bool first, bool last)
{
	switch (habit->kind) {
	case HC_HABIT_HEADER:
		g_string_append_printf(text, "%s%u%s", first ? "headers of " : "", habit->bytes, last ? " bytes" : "");
		return;
	case HC_HABIT_HEADER_AT_END:
		g_string_append(text, "headers at the end");
		return;
	case HC_HABIT_VARYING_HEADER:
		g_string_append_printf(text, "%s%d times the 32 bits %d bytes %s the pointer%s",
			first ? "headers of varying length (" : "", habit->factor, ABS(habit->place),
			habit->place < 0 ? "before" : "behind", last ? ")" : "");
		return;
	case HC_HABIT_POOL:
		g_string_append(text, "pools");
		return;
	case HC_HABIT_LINKED:
		g_string_append(text, "lists linked both ways");
		return;
	default:
		g_string_append(text, "headers inside that lead back to the start");
		return;
	}
}

char *hc_word_habits(const hc_references *references)
{
	unsigned count;
	const hc_habit *habits = hc_references_habits(references, &count);
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < count; i++) {
		bool first = !i || habits[i - 1].kind != habits[i].kind;

		if (i)
			g_string_append(text, !first && habits[i].kind == HC_HABIT_VARYING_HEADER ? " or " : ", ");
		append_habit(text, &habits[i], first, i + 1 == count || habits[i + 1].kind != habits[i].kind);
	}
	return g_string_free(text, !count);
}

/* AMOUNT of blocks is HOW; LEARNED is what that was deduced from. */
static char *learned_text(hc_amount amount, const char *how, const char *learned)
{
	g_autofree char *blocks = hc_unit_text(amount.blocks, "blocks");
	char size[HC_TEXT_SIZE_LENGTH];

	return g_strdup_printf("%s (%s) %s %s (deduced: %s).", blocks, hc_text_size(size, amount.bytes),
		amount.blocks == 1 ? "is" : "are", how, learned);
}

char *hc_word_held_inside(const hc_references *references)
{
	g_autofree char *habits = hc_word_habits(references);

	return habits ? learned_text(hc_references_get_totals(references)->held_inside,
				"held by pointers into the middle, by a habit of the program", habits) :
			NULL;
}

char *hc_word_encoded(const hc_references *references)
{
	g_autofree char *encodings = hc_word_encodings(references);

	return encodings ? learned_text(hc_references_get_totals(references)->encoded,
				   "reached by encoded pointers only", encodings) :
			   NULL;
}

/* The largest range whose end is known; else the first of all. NULL: there is none. */
static const hc_missing *largest_missing(const hc_references *references)
{
	const hc_missing *largest = NULL;

	for (unsigned i = 0; i < hc_references_missing_count(references); i++) {
		const hc_missing *missing = hc_references_missing(references, i);

		if (!largest || (missing->why != HC_MISSING_UNKNOWN &&
					(largest->why == HC_MISSING_UNKNOWN ||
						missing->end - missing->start > largest->end - largest->start)))
			largest = missing;
	}
	return largest;
}

static uint64_t missing_bytes(const hc_references *references)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < hc_references_missing_count(references); i++) {
		const hc_missing *missing = hc_references_missing(references, i);

		if (missing->why != HC_MISSING_UNKNOWN)
			bytes += missing->end - missing->start;
	}
	return bytes;
}

char *hc_word_missing(const hc_references *references)
{
	const hc_missing *largest = largest_missing(references);
	uint64_t bytes = missing_bytes(references);
	char size[HC_TEXT_SIZE_LENGTH];
	GString *text;

	if (!largest)
		return NULL;
	text = g_string_new(NULL);
	if (bytes)
		g_string_append_printf(
			text, "%s that may point to them are not in the core: ", hc_text_size(size, bytes));
	else
		g_string_append(text, "memory that may point to them is not in the core: ");
	if (hc_references_missing_count(references) > 1)
		g_string_append_printf(text, "%u ranges, such as ", hc_references_missing_count(references));
	g_string_append_printf(text, "%#" PRIx64, largest->start);
	if (largest->why != HC_MISSING_UNKNOWN)
		g_string_append_printf(text, " to %#" PRIx64, largest->end);
	g_string_append_printf(text, ", %s", hc_missing_why_text(largest->why));
	if (largest->path)
		g_string_append_printf(text, " (%s)", largest->path);
	return g_string_free(text, FALSE);
}

char *hc_word_missing_range(const hc_missing *missing)
{
	return g_strdup_printf("%s%s%s", hc_missing_why_text(missing->why), missing->path ? ": " : "",
		missing->path ? missing->path : "");
}

const char *hc_word_at_most_lost(void)
{
	return "this is lost: memory that may point to what looks lost is not in the core, and what it points to is no leak:";
}

char *hc_word_missing_shown(unsigned shown, unsigned count)
{
	return g_strdup_printf("the first %u of %u ranges (-v lists them)", shown, count);
}
