/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPython has objects of up to 512 bytes in arenas (Objects/obmalloc.c), which it gets by mmap(): 1 MiB with pools of 16 KiB since 3.10,
 * 256 KiB with pools of 4 KiB before. A table has a record for each: its address, that of the next pool never used, how many pools are
 * free and how many there are, and three links. A pool's header has its arena's number in the table.
 *
 * The table is found by the word in Python's data that leads to it. An arena counts if its record makes sense and its first pool says
 * the number of that record.
 */
#include "runtimes/runtimes_state.h"

enum {
	RECORD = 48, /* bytes */
	RECORD_POOL = 8,
	RECORD_FREE = 16,
	RECORD_TOTAL = 20,
	POOL_ARENA = 32, /* of a pool's header: arenaindex */
	ARENAS_MAX = 1 << 20,
	KINDS = 2
};

static const struct {
	uint64_t arena, pool; /* bytes */
} kinds[KINDS] = { { 1 << 20, 1 << 14 }, { 1 << 18, 1 << 12 } };

/* Adds the arena that record NUMBER at ADDRESS tells. FALSE if it is none, or not certain. */
static bool add_arena(hc_runtimes *runtimes, hc_address address, uint64_t number)
{
	hc_address arena = hc_runtimes_word(runtimes, address);
	uint64_t next = hc_runtimes_word(runtimes, address + RECORD_POOL),
		 left = hc_runtimes_half(runtimes, address + RECORD_FREE), total = hc_runtimes_half(runtimes, address + RECORD_TOTAL);

	for (unsigned i = 0; i < KINDS; i++) {
		hc_address first = arena + (kinds[i].pool - arena % kinds[i].pool) % kinds[i].pool;
		uint64_t pools = (arena + kinds[i].arena - first) / kinds[i].pool;

		if (!arena || total != pools || left > total || next <= first || next > first + pools * kinds[i].pool ||
			(next - first) % kinds[i].pool || hc_runtimes_half(runtimes, first + POOL_ARENA) != number ||
			!hc_runtimes_is_private(runtimes, arena))
			continue;
		hc_runtimes_add(runtimes, arena, arena + kinds[i].arena, HC_RUNTIME_PYTHON, true);
		hc_runtimes_add_python_pools(runtimes, first, next, kinds[i].pool, number);
		return true;
	}
	return false;
}

/* Whether a record makes as much sense as can be asked of one that is unused, or whose pools all are. */
static bool may_be_record(const hc_runtimes *runtimes, hc_address address)
{
	uint64_t left = hc_runtimes_half(runtimes, address + RECORD_FREE), total = hc_runtimes_half(runtimes, address + RECORD_TOTAL);

	return hc_runtimes_word(runtimes, address) % kinds[1].pool == 0 && total <= kinds[0].arena / kinds[1].pool &&
	       left <= total;
}

static bool add_arenas(hc_runtimes *runtimes, hc_address table)
{
	bool found = false;

	for (uint64_t i = 0; i < ARENAS_MAX && may_be_record(runtimes, table + i * RECORD); i++) {
		bool is_arena = add_arena(runtimes, table + i * RECORD, i);

		/* The table begins with an arena that is in use, or was. */
		if (!found && !is_arena && i >= 16)
			return false;
		found |= is_arena;
	}
	return found;
}

/* Whether the data of MODULE leads to the table. */
static bool find_table(hc_runtimes *runtimes, const hc_module *module)
{
	unsigned index = 0;
	hc_range data;
	const uint8_t *bytes;

	while (hc_runtimes_next_data(runtimes, module, &index, &data, &bytes)) {
		for (uint64_t at = 0; at + sizeof(uint64_t) <= data.end - data.start; at += sizeof(uint64_t)) {
			hc_address table = hc_load_word(bytes + at, runtimes->format);

			if (table % sizeof(uint64_t) == 0 && hc_runtimes_is_private(runtimes, table) &&
				add_arenas(runtimes, table))
				return true;
		}
	}
	return false;
}

void hc_runtimes_find_python(hc_runtimes *runtimes)
{
	static const char *const names[] = { "libpython", "python", NULL };
	const hc_module *module = NULL;

	while ((module = hc_runtimes_module(runtimes, names, module)) && !find_table(runtimes, module))
		;
}
