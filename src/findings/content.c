/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What do the lost blocks begin with? A name is often found sooner by the text in a block than by its size.
 *
 * Blocks are put together by their first eight bytes, if these are printable; for each kind the longest common
 * beginning is kept, and shrinks as blocks are added. The kind with the most bytes is told, if that is at least a
 * quarter of all. Of very many blocks a fixed choice, spread evenly, is looked at, as each costs a miss of the cache or
 * a page of the core.
 */
#include "findings/findings.h"

#include <string.h>

enum {
	KEY_BYTES = 8,
	MOST_BYTES = 32,	  /* of a beginning */
	MOST_LOOKED_AT = 1 << 16, /* blocks */
	LEAST_SHARE = 4,	  /* of the bytes: a quarter */
};

typedef struct content_kind {
	uint64_t key; /* the first eight bytes */
	char beginning[MOST_BYTES];
	unsigned length;
	uint64_t bytes;
} content_kind;

static unsigned printable_length(const uint8_t *bytes, uint64_t size)
{
	unsigned length = 0;

	while (length < size && length < MOST_BYTES && g_ascii_isprint(bytes[length]))
		length++;
	return length;
}

static void add_block(GHashTable *kinds, const hc_core *core, const hc_block *block)
{
	uint64_t available, key;
	const uint8_t *bytes = hc_core_bytes(core, block->address, &available);
	unsigned length = bytes ? printable_length(bytes, MIN(available, block->size)) : 0;
	content_kind *found;

	if (length < KEY_BYTES)
		return;
	memcpy(&key, bytes, sizeof key);
	found = g_hash_table_lookup(kinds, &key);
	if (!found) {
		found = g_new0(content_kind, 1);
		found->key = key;
		found->length = length;
		memcpy(found->beginning, bytes, length);
		g_hash_table_insert(kinds, &found->key, found);
	}
	found->length = MIN(found->length, length);
	for (unsigned i = KEY_BYTES; i < found->length; i++) {
		if ((uint8_t)found->beginning[i] != bytes[i])
			found->length = i;
	}
	found->bytes += block->size;
}

static const content_kind *largest_kind(GHashTable *kinds)
{
	const content_kind *largest = NULL;
	GHashTableIter iter;
	void *value;

	g_hash_table_iter_init(&iter, kinds);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const content_kind *candidate = value;

		if (!largest || candidate->bytes > largest->bytes ||
			(candidate->bytes == largest->bytes && candidate->key < largest->key))
			largest = candidate;
	}
	return largest;
}

/* One number in EVERY, spread so that patterns of the program's own do not decide which. */
static bool is_chosen(uint32_t number, uint64_t every)
{
	return (number * UINT64_C(0x9e3779b97f4a7c15) >> 32) % every == 0;
}

char *hc_lost_content(const hc_core *core, const hc_references *references, double *ret_share)
{
	const hc_references_totals *totals = hc_references_get_totals(references);
	uint64_t every = 1 + (totals->directly_lost.blocks + totals->indirectly_lost.blocks) / MOST_LOOKED_AT;
	g_autoptr(GHashTable) kinds = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
	const content_kind *largest;
	uint64_t bytes = 0;
	uint32_t number = 0;
	hc_block block;
	hc_reach reach;

	if (hc_core_hides_content(core))
		return NULL;
	while (hc_references_next_lost(references, &number, &block, &reach)) {
		if (!is_chosen(block.number, every))
			continue;
		bytes += block.size;
		add_block(kinds, core, &block);
	}
	largest = largest_kind(kinds);
	if (!largest || largest->bytes < bytes / LEAST_SHARE)
		return NULL;
	*ret_share = (double)largest->bytes / bytes;
	return g_strndup(largest->beginning, largest->length);
}
