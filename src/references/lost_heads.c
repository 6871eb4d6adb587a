/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Directly or indirectly lost?
 *
 * The lost blocks are the nodes of a graph, the pointers between them its edges. Directly lost is one block of each group of
 * blocks that nothing outside the group leads to: a block that nobody points to, or, of a ring, the one with the lowest
 * address. Three passes:
 *
 *	1  find_pointed_to: every lost block that another lost block points to.
 *	2  the others are heads. Mark from them: what is reached is lost indirectly.
 *	3  mark_rings: what is left lies in rings, or hangs on them. In order of address each unreached block is taken for
 *	   a leader: all that can be reached from it is marked. A leader cannot lead to a later one, or that would have been
 *	   reached; but a later one may lead to an earlier one. So they are searched from once more, the last first: those
 *	   that are not reached by then are heads.
 *
 * The number of heads is the number of source components of the graph, whatever the order. Costs two scans of the lost
 * blocks, four of those in rings.
 */
#include "references/scan.h"

struct lost {
	hc_references *references;
	uint64_t *
		pointed_to; /* pass 1: another lost block points to it. Pass 3: reached from the leaders, the last first */
	uint64_t *reached; /* passes 2 and 3; everything that is not lost is set from the start */
	uint64_t *heads;
	uint64_t from;	   /* the block being scanned */
	uint64_t *visited; /* pass 3: one of the bitmaps above */
	GArray *todo;	   /* pass 3, of uint64_t */
};

uint64_t hc_references_next_unmarked(const hc_blocks *blocks, const uint64_t *marks, uint64_t start)
{
	uint64_t words = blocks->granule_count / 64, word = start / 64;

	if (word >= words)
		return blocks->granule_count;
	uint64_t bits = blocks->starts[word] & ~marks[word] & ~(uint64_t)0 << start % 64;

	while (!bits) {
		if (++word >= words)
			return blocks->granule_count;
		bits = blocks->starts[word] & ~marks[word];
	}
	return word * 64 + __builtin_ctzll(bits);
}

static void scan_block(hc_scanner *scanner, const hc_references *references, uint64_t start, hc_scan_resolve resolve)
{
	hc_word_format format = hc_core_word_format(references->core);
	hc_words contents = hc_scanner_contents(scanner, start, format);

	if (contents.bytes) {
		hc_scanner_words(scanner, contents.bytes, contents.size, format, resolve);
	} else {
		const hc_block_region *region = hc_blocks_region_of_start(references->blocks, start);
		hc_address address = hc_blocks_address(references->blocks, region, start);
		uint64_t size = hc_blocks_usable_size(references->blocks, region, address);
		g_autoptr(GArray) words = g_array_new(FALSE, FALSE, sizeof(hc_words));

		hc_references_add_words(references, address, address + MIN(size, region->end - address), words);
		for (unsigned i = 0; i < words->len; i++)
			hc_scanner_words(scanner, g_array_index(words, hc_words, i).bytes,
				g_array_index(words, hc_words, i).size, format, resolve);
	}
	/* `from` must not change while candidates of this block are still in the ring. */
	hc_scanner_flush(scanner, resolve);
}

/* ---- pass 1 ---- */

static void resolve_pointed_to(hc_scanner *scanner, uint64_t start, const hc_candidate *candidate)
{
	(void)candidate;
	struct lost *lost = scanner->data;

	if (start != lost->from && !hc_bit(scanner->marks, start))
		hc_set_bit(lost->pointed_to, start);
}

static void find_pointed_to(struct lost *lost)
{
	const hc_references *references = lost->references;
	const hc_blocks *blocks = references->blocks;
	hc_scanner scanner;

	hc_scanner_init(&scanner, blocks, references->marks, lost);
	for (uint64_t start = hc_references_next_unmarked(blocks, references->marks, 0); start < blocks->granule_count;
		start = hc_references_next_unmarked(blocks, references->marks, start + 1)) {
		lost->from = start;
		scan_block(&scanner, references, start, resolve_pointed_to);
	}
}

/* ---- pass 3 ---- */

static void resolve_ring(hc_scanner *scanner, uint64_t start, const hc_candidate *candidate)
{
	(void)candidate;
	struct lost *lost = scanner->data;

	if (!hc_bit(lost->visited, start)) {
		hc_set_bit(lost->visited, start);
		g_array_append_val(lost->todo, start);
	}
}

/* Marks in lost->visited all that can be reached from START. */
static void visit_from(struct lost *lost, hc_scanner *scanner, uint64_t start)
{
	hc_set_bit(lost->visited, start);
	g_array_append_val(lost->todo, start);
	while (lost->todo->len) {
		uint64_t block = g_array_index(lost->todo, uint64_t, lost->todo->len - 1);

		g_array_set_size(lost->todo, lost->todo->len - 1);
		scan_block(scanner, lost->references, block, resolve_ring);
	}
}

static void mark_rings(struct lost *lost)
{
	const hc_references *references = lost->references;
	const hc_blocks *blocks = references->blocks;
	g_autoptr(GArray) leaders = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	hc_scanner scanner;

	hc_scanner_init(&scanner, blocks, references->marks, lost);
	memcpy(lost->pointed_to, lost->reached, blocks->granule_count / 64 * sizeof(uint64_t));
	lost->visited = lost->reached;
	for (uint64_t start = hc_references_next_unmarked(blocks, lost->reached, 0); start < blocks->granule_count;
		start = hc_references_next_unmarked(blocks, lost->reached, start + 1)) {
		g_array_append_val(leaders, start);
		visit_from(lost, &scanner, start);
	}
	lost->visited = lost->pointed_to;
	for (unsigned i = leaders->len; i-- > 0;) {
		uint64_t leader = g_array_index(leaders, uint64_t, i);

		if (hc_bit(lost->visited, leader))
			continue;
		hc_set_bit(lost->heads, leader);
		visit_from(lost, &scanner, leader);
	}
}

/* ---- all of it ---- */

/* Heads of pass 2 are set in `heads` and `reached`. Returns them. */
static GArray *take_heads(struct lost *lost)
{
	const hc_blocks *blocks = lost->references->blocks;
	GArray *starts = g_array_new(FALSE, FALSE, sizeof(uint64_t));

	for (uint64_t start = hc_references_next_unmarked(blocks, lost->references->marks, 0);
		start < blocks->granule_count;
		start = hc_references_next_unmarked(blocks, lost->references->marks, start + 1)) {
		if (hc_bit(lost->pointed_to, start))
			continue;
		hc_set_bit(lost->heads, start);
		hc_set_bit(lost->reached, start);
		g_array_append_val(starts, start);
	}
	return starts;
}

static void add_up(struct lost *lost)
{
	hc_references *references = lost->references;
	const hc_blocks *blocks = references->blocks;
	hc_references_totals *totals = &references->totals;

	for (uint64_t start = hc_references_next_unmarked(blocks, references->marks, 0); start < blocks->granule_count;
		start = hc_references_next_unmarked(blocks, references->marks, start + 1)) {
		const hc_block_region *region = hc_blocks_region_of_start(blocks, start);
		uint64_t size = hc_blocks_usable_size(blocks, region, hc_blocks_address(blocks, region, start));
		hc_amount *amount = hc_bit(lost->heads, start) ? &totals->directly_lost : &totals->indirectly_lost;

		hc_amount_count(amount, size);
	}
}

bool hc_references_sort_lost(hc_references *references, unsigned jobs)
{
	const hc_blocks *blocks = references->blocks;
	uint64_t words = blocks->granule_count / 64;
	struct lost lost = { .references = references };
	hc_references_totals ignored = { 0 };
	bool ok = true;

	if (hc_references_next_unmarked(blocks, references->marks, 0) >= blocks->granule_count)
		return true;
	lost.pointed_to = g_try_new0(uint64_t, words + 1);
	lost.heads = g_try_new0(uint64_t, words + 1);
	lost.reached = g_try_new(uint64_t, words + 1);
	lost.todo = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	if (!lost.pointed_to || !lost.heads || !lost.reached) {
		ok = false;
	} else {
		memcpy(lost.reached, references->marks, words * sizeof(uint64_t));
		find_pointed_to(&lost);
		g_autoptr(GArray) heads = take_heads(&lost);

		ok = hc_references_mark(references, lost.reached, NULL, NULL, heads, jobs, &ignored);
		mark_rings(&lost);
		add_up(&lost);
		references->direct = g_steal_pointer(&lost.heads);
	}
	g_array_unref(lost.todo);
	g_free(lost.pointed_to);
	g_free(lost.heads);
	g_free(lost.reached);
	return ok;
}
