/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A table of blocks by address, for what stands in front of malloc: open addressing, linear probing, no tombstones. Whoever has one
 * makes the slots, keeps at least half of them empty, and locks. Addresses are disguised, so that the table is no reference: 0, which no
 * disguised address is, tells an empty slot.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct block_slot {
	uint64_t address; /* disguised; 0: empty */
	uint64_t usable, other;
} block_slot;

/* COUNT is the number of slots, a power of two. */
static inline size_t block_table_home(uint64_t address, size_t count)
{
	return (size_t)((address >> 4) * UINT64_C(0xff51afd7ed558ccd) >> 20) & (count - 1);
}

/* The slot of ADDRESS, or the empty one where it would be. */
static inline block_slot *block_table_find(block_slot *slots, size_t count, uint64_t address)
{
	size_t i = block_table_home(address, count);

	while (slots[i].address != 0 && slots[i].address != address)
		i = (i + 1) & (count - 1);
	return &slots[i];
}

/* Empties SLOT, and moves back each later one of the run that would not be found behind an empty slot. */
static inline void block_table_remove(block_slot *slots, size_t count, block_slot *slot)
{
	size_t mask = count - 1, i = (size_t)(slot - slots);

	for (size_t j = (i + 1) & mask; slots[j].address != 0; j = (j + 1) & mask) {
		size_t home = block_table_home(slots[j].address, count);

		if (((j - home) & mask) >= ((j - i) & mask)) {
			slots[i] = slots[j];
			i = j;
		}
	}
	slots[i] = (block_slot){ 0, 0, 0 };
}
