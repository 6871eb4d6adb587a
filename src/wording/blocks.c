/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a block is, and what leads to it. */
#include "wording/wording.h"

#include "base/text.h"

#include <inttypes.h>

static const char *state_phrase(hc_block_state state)
{
	switch (state) {
	case HC_BLOCK_IN_USE:
		return "a block in use";
	case HC_BLOCK_TCACHE:
		return "a freed block, in a thread's cache";
	case HC_BLOCK_FASTBIN:
		return "a freed block, in a fastbin";
	case HC_BLOCK_UNSORTED:
		return "a free block, in the unsorted bin";
	case HC_BLOCK_SMALL:
		return "a free block, in a small bin";
	case HC_BLOCK_LARGE:
		return "a free block, in a large bin";
	case HC_BLOCK_TOP:
		return "the top chunk, never handed out or merged back";
	case HC_BLOCK_UNLISTED:
		return "a free block that is in no list";
	case HC_BLOCK_FENCEPOST:
		return "malloc's own end mark";
	case HC_BLOCK_FOREIGN:
		return "memory in the heap that somebody else got from sbrk()";
	default:
		return "a part of the heap that could not be followed";
	}
}

char *hc_word_address_in_block(const hc_block *block, hc_address address)
{
	uint64_t offset = address - block->address;
	const char *state = state_phrase(block->state);

	if (!offset)
		return g_strdup_printf("0x%" PRIx64 " is %s", address, state);
	return g_strdup_printf("0x%" PRIx64 " is %" PRIu64 " bytes into %s", address, offset, state);
}

char *hc_word_address_elsewhere(const hc_place *place)
{
	g_autofree char *name = hc_word_place(place);

	return g_strdup_printf("0x%" PRIx64 " is in no block: %s", place->address, name);
}

char *hc_word_block_size(const hc_block *block)
{
	char size[HC_TEXT_COUNT_LENGTH], chunk_size[HC_TEXT_COUNT_LENGTH];

	return g_strdup_printf("0x%" PRIx64 ", %s bytes usable, %s with malloc's header", block->address,
		hc_text_count(size, block->size), hc_text_count(chunk_size, block->chunk_size));
}

char *hc_word_neighbour(const hc_block *block)
{
	g_autofree char *label = hc_word_label(block->label);
	char size[HC_TEXT_COUNT_LENGTH];

	return g_strdup_printf("0x%" PRIx64 ", %s bytes, %s%s%s", block->address, hc_text_count(size, block->size),
		hc_block_state_name(block->state), label ? ", " : "", label ? label : "");
}

char *hc_word_target(const hc_block *block, hc_address to)
{
	g_autofree char *label = hc_word_label(block->label);
	GString *text = g_string_new(NULL);
	char size[HC_TEXT_COUNT_LENGTH];

	g_string_append_printf(
		text, "block of %s bytes, %s", hc_text_count(size, block->size), hc_block_state_name(block->state));
	if (to != block->address)
		g_string_append_printf(text, ", %" PRIu64 " into it", to - block->address);
	if (label)
		g_string_append_printf(text, ", %s", label);
	return g_string_free(text, FALSE);
}

/* ---- what leads there ---- */

const char *hc_word_reach(hc_reach reach)
{
	switch (reach) {
	case HC_REACH_REACHABLE:
		return "reachable: the program can still find it";
	case HC_REACH_DIRECTLY_LOST:
		return "directly lost: nothing that is alive points to it";
	case HC_REACH_INDIRECTLY_LOST:
		return "indirectly lost: only lost blocks point to it";
	case HC_REACH_INNER:
		return "reachable by pointers behind a header or into a pool";
	case HC_REACH_ENCODED:
		return "reachable by encoded pointers";
	case HC_REACH_POSSIBLY_LOST:
		return "possibly lost: only pointers into the middle of a block keep it alive";
	default:
		return NULL;
	}
}

const char *hc_word_reach_by_paths(hc_reach reach)
{
	const char *text = hc_word_reach(reach);

	if (reach == HC_REACH_REACHABLE)
		return "reachable";
	return text ? text : "not in use: who leads here points to freed memory";
}

char *hc_word_path(hc_path_start start, uint32_t length)
{
	static const char *const starts[] = {
		[HC_PATH_ROOT] = "",
		[HC_PATH_OWN] = ", from a block that is libc's or the runtime's own",
		[HC_PATH_LOST] = ", from the block that was lost directly",
	};
	g_autofree char *blocks = hc_unit_text(length, "blocks");

	return g_strconcat(blocks, starts[start], NULL);
}

const char *hc_word_no_path(void)
{
	return "No path leads to it.";
}

char *hc_word_reference(const char *from, const hc_encoding *encoding)
{
	g_autofree char *how = hc_word_encoding(encoding);

	if (!how)
		return g_strdup(from);
	return g_strdup_printf("%s%sby an encoded pointer: %s", from ? from : "", from ? ", " : "", how);
}
