/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where does code name a function?
 *
 * To decode 100 MB of instructions takes half a minute, so only functions that allocate are decoded. Which ones these are is found without: in
 * x86-64's code each four bytes may be a distance, from behind them, to a function, to a stub of the procedure linkage table, or to a word
 * that the dynamic linker fills; with the right byte in front of them, and a function that begins exactly there, they hardly ever are
 * anything else, and what is, decoding tells. aarch64's calls and jumps are words of a fixed form; what it reads words by are two
 * instructions, of which the first has the page: both together are looked for.
 *
 * A stub is an indirect jump through such a word; so is a function that does nothing but hand on its arguments, and means the same.
 *
 * One look at each byte, on all threads, in pieces of PIECE bytes; a bit for each byte of the module while it runs.
 */
#include "base/bits.h"
#include "base/parallel.h"
#include "sites/sites_state.h"

#include <elf.h>
#include <string.h>

enum {
	PIECE = 1 << 18,
	REFERENCES_MOST = 1 << 26,
	/* aarch64: how far behind ADRP the instruction is looked for that has the rest of the address */
	PAIR_DISTANCE = 8,
};

struct piece {
	uint16_t module;
	uint32_t start, end;
	const uint8_t *bytes; /* of the segment that it is in */
	uint32_t segment_start, segment_end;
};

struct scanning {
	hc_sites *sites;
	GArray *pieces; /* of struct piece */
	int next;
	GArray **found; /* of struct code_reference, for each piece */
	bool for_stubs;
};

static uint32_t word_at(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof value);
	return value;
}

static bool is_marked(const struct code_module *module, int64_t target)
{
	return target >= 0 && (uint64_t)target < module->span && hc_bit(module->marks, (uint64_t)target);
}

static void add(GArray *found, uint16_t module, uint32_t at, int64_t target, enum reference_kind kind, bool is_jump)
{
	struct code_reference reference = { at, (uint32_t)target, module, (uint8_t)kind, is_jump };

	if (found->len < REFERENCES_MOST)
		g_array_append_val(found, reference);
}

/* ---- x86-64 ---- */

/* jmp *distance(%rip); in front of it may be endbr64, and a prefix that is of no use any more. */
static void find_stubs_x86(const struct code_module *module, const struct piece *piece, GArray *found)
{
	static const uint8_t landing[] = { 0xf3, 0x0f, 0x1e, 0xfa };

	for (uint32_t at = piece->start; at < piece->end && at + 6 <= piece->segment_end; at++) {
		const uint8_t *here = piece->bytes + (at - piece->segment_start);
		uint32_t begin = at;

		if (here[0] != 0xff || here[1] != 0x25)
			continue;
		int64_t word = (int64_t)at + 6 + (int32_t)word_at(here + 2);

		if (!is_marked(module, word))
			continue;
		add(found, piece->module, begin, word, REFERENCE_WORD, true);
		if (begin > piece->segment_start && (here[-1] == 0xf2 || here[-1] == 0x41))
			add(found, piece->module, --begin, word, REFERENCE_WORD, true);
		if (begin >= piece->segment_start + sizeof landing &&
			!memcmp(piece->bytes + (begin - piece->segment_start) - sizeof landing, landing,
				sizeof landing))
			add(found, piece->module, begin - (uint32_t)sizeof landing, word, REFERENCE_WORD, true);
	}
}

static void find_calls_x86(const struct code_module *module, const struct piece *piece, GArray *found)
{
	uint32_t first = MAX(piece->start, piece->segment_start + 2);

	for (uint32_t at = first; at < piece->end && at + 4 <= piece->segment_end; at++) {
		const uint8_t *here = piece->bytes + (at - piece->segment_start);
		bool is_near = here[-1] == 0xe8 || here[-1] == 0xe9, is_memory = (here[-1] & 0xc7) == 0x05;

		if (!is_near && !is_memory)
			continue;
		int64_t target = (int64_t)at + 4 + (int32_t)word_at(here);

		if (!is_marked(module, target))
			continue;
		if (is_near)
			add(found, piece->module, at - 1, target, REFERENCE_CALL, here[-1] == 0xe9);
		else
			add(found, piece->module, at - 2, target, here[-2] == 0x8d ? REFERENCE_ADDRESS : REFERENCE_WORD,
				false);
	}
}

/* ---- aarch64 ---- */

/* The distance in an ADRP at AT: the page that it makes the address of. FALSE: it is none. */
static bool page_of(uint32_t word, uint32_t at, int64_t *ret_page)
{
	int64_t pages;

	if ((word & 0x9f000000) != 0x90000000)
		return false;
	pages = (int64_t)(((uint64_t)(word >> 5 & 0x7ffff) << 2 | (word >> 29 & 3)) << 43) >> 43;
	*ret_page = (int64_t)(at & ~UINT32_C(0xfff)) + pages * 4096;
	return true;
}

/* What LDR (a word of 8 bytes) or ADD behind an ADRP into the same register makes of the page. */
static bool rest_of(uint32_t first, uint32_t second, int64_t *ret_rest, bool *ret_is_load)
{
	if ((second >> 5 & 31) != (first & 31))
		return false;
	*ret_is_load = (second & 0xffc00000) == 0xf9400000;
	*ret_rest = (int64_t)(second >> 10 & 0xfff) * (*ret_is_load ? 8 : 1);
	return *ret_is_load || (second & 0xffc00000) == 0x91000000;
}

static void find_stubs_aarch64(const struct code_module *module, const struct piece *piece, GArray *found)
{
	for (uint32_t at = piece->start; at < piece->end && at + 16 <= piece->segment_end; at += 4) {
		const uint8_t *here = piece->bytes + (at - piece->segment_start);
		int64_t page, rest;
		bool is_load;

		/* adrp x16; ldr x17, [x16, #rest]; add x16, ...; br x17 */
		if (!page_of(word_at(here), at, &page) || !rest_of(word_at(here), word_at(here + 4), &rest, &is_load) ||
			!is_load || word_at(here + 12) != 0xd61f0220 || !is_marked(module, page + rest))
			continue;
		add(found, piece->module, at, page + rest, REFERENCE_WORD, true);
		if (at >= piece->segment_start + 4 && word_at(here - 4) == 0xd503245f) /* bti c */
			add(found, piece->module, at - 4, page + rest, REFERENCE_WORD, true);
	}
}

static void find_calls_aarch64(const struct code_module *module, const struct piece *piece, GArray *found)
{
	for (uint32_t at = piece->start; at < piece->end && at + 4 <= piece->segment_end; at += 4) {
		const uint8_t *here = piece->bytes + (at - piece->segment_start);
		uint32_t word = word_at(here);
		int64_t page, rest;
		bool is_load;

		if ((word & 0x7c000000) == 0x14000000) {
			int64_t target = (int64_t)at + ((int32_t)(word << 6) >> 6) * INT64_C(4);

			if (is_marked(module, target))
				add(found, piece->module, at, target, REFERENCE_CALL, !(word >> 31));
		} else if (page_of(word, at, &page)) {
			for (unsigned i = 1; i <= PAIR_DISTANCE && at + 4 * i + 4 <= piece->segment_end; i++)
				if (rest_of(word, word_at(here + i * sizeof word), &rest, &is_load) &&
					is_marked(module, page + rest))
					add(found, piece->module, at, page + rest,
						is_load ? REFERENCE_WORD : REFERENCE_ADDRESS, false);
		}
	}
}

/* ---- all of it ---- */

static void scan_share(void *data, unsigned worker)
{
	struct scanning *scanning = data;
	bool is_x86 = scanning->sites->machine == EM_X86_64;
	int number;

	(void)worker;
	while ((number = g_atomic_int_add(&scanning->next, 1)) < (int)scanning->pieces->len) {
		const struct piece *piece = &g_array_index(scanning->pieces, struct piece, number);
		const struct code_module *module =
			&g_array_index(scanning->sites->read, struct code_module, piece->module);
		GArray *found = scanning->found[number] = g_array_new(FALSE, FALSE, sizeof(struct code_reference));

		if (scanning->for_stubs)
			is_x86 ? find_stubs_x86(module, piece, found) : find_stubs_aarch64(module, piece, found);
		else
			is_x86 ? find_calls_x86(module, piece, found) : find_calls_aarch64(module, piece, found);
	}
}

static void add_pieces(GArray *pieces, const hc_module_code *code, unsigned module)
{
	for (unsigned i = 0; i < code->segments->len; i++) {
		const hc_code_segment *segment = &g_array_index(code->segments, hc_code_segment, i);

		for (uint64_t at = segment->start; at < segment->end; at += PIECE) {
			struct piece piece = { (uint16_t)module, (uint32_t)at, (uint32_t)MIN(at + PIECE, segment->end),
				segment->bytes, segment->start, segment->end };

			g_array_append_val(pieces, piece);
		}
	}
}

/* Goes through all pieces; the references are in the modules' lists then, by place. */
static void scan_all(hc_sites *sites, unsigned workers, bool for_stubs)
{
	struct scanning scanning = {
		.sites = sites, .for_stubs = for_stubs, .pieces = g_array_new(FALSE, FALSE, sizeof(struct piece))
	};

	for (unsigned i = 0; i < sites->read->len; i++)
		add_pieces(scanning.pieces, g_array_index(sites->read, struct code_module, i).code, i);
	scanning.found = g_new0(GArray *, scanning.pieces->len);
	hc_parallel_run(workers, scan_share, &scanning);
	for (unsigned i = 0; i < scanning.pieces->len; i++) {
		unsigned module = g_array_index(scanning.pieces, struct piece, i).module;
		GArray *found = scanning.found[i];

		g_array_append_vals(
			g_array_index(sites->read, struct code_module, module).references, found->data, found->len);
		g_array_unref(found);
	}
	g_free(scanning.found);
	g_array_unref(scanning.pieces);
}

static bool make_marks(struct code_module *module)
{
	module->marks = g_try_new0(uint64_t, module->span / 64 + 1);
	if (!module->marks)
		return false;
	for (unsigned i = 0; i < module->code->imports->len; i++)
		hc_set_bit(module->marks, g_array_index(module->code->imports, hc_code_import, i).slot);
	return true;
}

/* Words are marked already: now stubs, which the first look has found, and functions. */
static void mark_functions(struct code_module *module)
{
	for (unsigned i = 0; i < module->references->len; i++) {
		const struct code_reference *stub = &g_array_index(module->references, struct code_reference, i);

		g_hash_table_insert(module->stubs, GUINT_TO_POINTER(stub->at), GUINT_TO_POINTER(stub->target));
		hc_set_bit(module->marks, stub->at);
	}
	g_array_set_size(module->references, 0);
	for (unsigned i = 0; i < module->code->starts->len; i++)
		hc_set_bit(module->marks, g_array_index(module->code->starts, uint32_t, i));
	for (unsigned i = 0; i < module->code->functions->len; i++)
		hc_set_bit(module->marks, g_array_index(module->code->functions, hc_code_function, i).start);
}

bool hc_sites_scan(hc_sites *sites, unsigned workers)
{
	bool has_room = true;

	for (unsigned i = 0; i < sites->read->len; i++)
		has_room &= make_marks(&g_array_index(sites->read, struct code_module, i));
	if (has_room) {
		scan_all(sites, workers, true);
		for (unsigned i = 0; i < sites->read->len; i++)
			mark_functions(&g_array_index(sites->read, struct code_module, i));
		scan_all(sites, workers, false);
	}
	for (unsigned i = 0; i < sites->read->len; i++)
		g_clear_pointer(&g_array_index(sites->read, struct code_module, i).marks, g_free);
	return has_room;
}
