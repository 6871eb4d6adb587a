/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Interior pointers that are as good as pointers to the start, because a language or a library keeps its blocks so:
 *
 *	array cookie	     new T[n] of a T with a destructor: | n | T | T | ...; the program's pointer is behind n, also
 *			     of new T[0]. T's alignment may put a word before n. (Itanium C++ ABI, 2.7)
 *	length prefix	     | length | bytes ...: as sqlite3 does; the pointer is behind the length
 *	guarded block	     | length | guard | bytes ... | guard |: debugging allocators; Python's writes the length with its highest
 *			     byte first, and guards of a word (_PyMem_DebugRawAlloc() in Objects/obmalloc.c)
 *	string with header   libstdc++'s old std::string: | length | capacity | references | text: the pointer is to the text
 *	several base classes a pointer to the second base: there, and at the block's start, are pointers to vtables
 *
 * But for guarded blocks they are those that valgrind knows (memcheck's manual, --leak-check-heuristics; mc_leakcheck.c, heuristic_reachedness()).
 * It knows what was asked for; a core only how much was given, which is more: rounded up, with the rest of a free chunk that was
 * too small to be one by itself, or to whole pages. So where valgrind compares a size, here it is a range of that width.
 */
#include "references/references_state.h"

enum {
	WAY_BACK_SIZE = 512, /* bytes of pages and pools: a small object that knows its own address proves nothing */
	FRONT = 32,	     /* bytes: how long a header in front of what the program calls the beginning may be */
	WAY_BACK = 256,	     /* bytes behind the place pointed to in which it is looked for */
};

/* The words of a block around a pointer into it. */
struct interior {
	const hc_references *references;
	const hc_block_region *region;
	hc_address block, address;
	uint64_t size;	 /* usable */
	uint64_t offset; /* of address in the block */
	unsigned word;
	uint64_t slack; /* how much more may have been given than was asked for */
};

static bool word_at(const struct interior *interior, hc_address address, uint64_t *ret_value)
{
	const hc_block_region *region = interior->region;
	uint64_t offset = address - region->start, size = region->end - region->start;

	/* Nearly all are at hand: this is asked of each word that leads into the middle of a block. */
	if (!region->bytes || offset >= size || size - offset < interior->word)
		return hc_core_read_word(interior->references->core, address, ret_value);
	*ret_value = hc_load_word(region->bytes + offset, hc_core_word_format(interior->references->core));
	return true;
}

/* Whether ASKED + n is what was asked for, for an n from 0 to the slack. */
static bool fits(const struct interior *interior, uint64_t asked)
{
	return asked <= interior->size && interior->size - asked <= interior->slack;
}

/*
 * The cookie is as long as T's alignment, at least a word, with n in its last word; what wants more gets it from another new. Behind two
 * words T's size is a multiple of them, and n is not 0: a zero there is rather a member in front of a second base.
 */
static bool is_array_cookie(const struct interior *interior)
{
	uint64_t count, bytes = interior->size - interior->offset,
			unit = interior->offset == interior->word ? 1 : interior->offset, size;

	if ((interior->offset != interior->word && interior->offset != 2 * interior->word) ||
		!word_at(interior, interior->address - interior->word, &count) || count > bytes)
		return false;
	if (!count)
		return unit == 1 && fits(interior, interior->offset);
	size = bytes / count / unit * unit;
	return size && fits(interior, interior->offset + size * count);
}

static bool is_length_prefix(const struct interior *interior)
{
	uint64_t length;

	return interior->offset == 8 &&
	       hc_core_read_unsigned(interior->references->core, interior->block, 8, &length) && length &&
	       length <= interior->size && fits(interior, length + 8);
}

/* The guard before the bytes is a letter and a word less one of equal bytes. Behind the bytes there may be two words more. */
static bool is_guarded(const struct interior *interior)
{
	hc_word_format format = hc_core_word_format(interior->references->core);
	uint64_t length, guard, room = interior->size - interior->offset,
				ones = UINT64_MAX / 255 >> (64 - 8 * format.size);

	if (interior->offset != 2 * interior->word || !word_at(interior, interior->block, &length) ||
		!word_at(interior, interior->block + interior->word, &guard))
		return false;
	if (format.swap == (G_BYTE_ORDER == G_LITTLE_ENDIAN))
		guard = __builtin_bswap64(guard) >> (64 - 8 * format.size);
	else
		length = __builtin_bswap64(length) >> (64 - 8 * format.size);
	if (!(guard >> 8) || guard >> 8 != (ones >> 8) * (guard >> 8 & 0xff))
		return false;
	return length && length <= room && room - length <= interior->slack + 2 * interior->word;
}

static bool is_old_string(const struct interior *interior)
{
	uint64_t length, capacity;

	return interior->offset == 3 * interior->word && word_at(interior, interior->block, &length) &&
	       word_at(interior, interior->block + interior->word, &capacity) && length <= capacity &&
	       capacity <= interior->size && fits(interior, capacity + 1 + 3 * interior->word);
}

/* gdb leaves text out of cores, and with it what tells text from constants: there constants count as code too. */
static bool is_code(const struct interior *interior, hc_address address)
{
	const hc_area *area = hc_areas_find(interior->references->areas, address);

	return area && area->kind == HC_AREA_FILE && area->mapping->flags & (HC_MAPPING_EXECUTE | HC_MAPPING_UNLISTED);
}

/*
 * A word that leads to a table of functions, in memory of a file: of its first words those that are not zero lead to code, and
 * there are two of them. (aligned_ptr_above_page0_is_vtable_addr() in mc_leakcheck.c)
 */
static bool is_vtable_pointer(const struct interior *interior, hc_address address)
{
	enum {
		WORDS_LOOKED_AT = 20,
		FUNCTIONS_NEEDED = 2
	};
	const hc_core *core = interior->references->core;
	uint64_t table, function;
	unsigned functions = 0;
	const hc_area *area;

	if (!word_at(interior, address, &table) || table % interior->word)
		return false;
	area = hc_areas_find(interior->references->areas, table);
	if (!area || (area->kind != HC_AREA_MODULE_DATA && area->kind != HC_AREA_FILE))
		return false;
	for (unsigned i = 0; i < WORDS_LOOKED_AT && functions < FUNCTIONS_NEEDED; i++) {
		if (!hc_core_read_word(core, table + i * interior->word, &function))
			return false;
		if (!function)
			continue;
		if (!is_code(interior, function))
			return false;
		functions++;
	}
	return functions == FUNCTIONS_NEEDED;
}

static bool is_second_base(const struct interior *interior)
{
	return interior->offset % interior->word == 0 && is_vtable_pointer(interior, interior->address) &&
	       is_vtable_pointer(interior, interior->block);
}

/* Whether a word of BYTES, those of BLOCK, in [FROM, TO) leads back to its beginning or to what stands in front of ADDRESS. */
static inline __attribute__((always_inline)) bool has_word_back(
	const uint8_t *bytes, uint64_t from, uint64_t to, hc_address block, hc_address address, hc_word_format format)
{
	const uint8_t *at = bytes + from;

	/* Asked of each word that leads into the middle of a block: one comparison for each of these, mostly. */
	for (uint64_t left = from < to ? (to - from) / format.size : 0; left; left--, at += format.size)
		if (G_UNLIKELY(hc_load_word(at, format) - block <= FRONT)) {
			uint64_t back = hc_load_word(at, format) - block;

			if (block + back < address && back % format.size == 0)
				return true;
		}
	return false;
}

bool hc_references_leads_back(const hc_references *references, hc_address block, uint64_t size, hc_address address)
{
	const hc_block_region *region = hc_blocks_region(references->blocks, block);
	hc_word_format format = hc_core_word_format(references->core);
	uint64_t from = hc_align_up(address - block, format.size), to = MIN(size, address - block + WAY_BACK);

	if (size < WAY_BACK_SIZE || !region || !region->bytes || block < region->start || size > region->end - block ||
		address == block)
		return false;
	const uint8_t *bytes = region->bytes + (block - region->start);

	if (format.size == 8 && !format.swap)
		return has_word_back(bytes, from, to, block, address, (hc_word_format){ 8, false });
	return has_word_back(bytes, from, to, block, address, format);
}

/* What inner.c found out: the distance is a header's, fixed or varying, the block is a pool, or what is pointed to leads back to the start. */
static bool is_learned(const struct interior *interior, uint64_t start)
{
	const hc_references *references = interior->references;
	int slot = hc_inner_slot(interior->offset, interior->size);

	return (slot >= 0 && references->inner_offsets >> slot & 1) || hc_bit(references->pools, start) ||
	       hc_bit(references->told, start) ||
	       hc_references_leads_back(references, interior->block, interior->size, interior->address);
}

uint64_t hc_references_slack(const hc_references *references, const hc_block_region *region)
{
	const hc_blocks *blocks = references->blocks;

	if (region->region.is_mmapped)
		return hc_core_process(references->core)->page_size + blocks->alignment - 1;
	return MAX(blocks->alignment, 4 * (uint64_t)blocks->word) - 1;
}

bool hc_references_is_as_good_as_start(const hc_references *references, uint64_t start, hc_address address)
{
	return hc_references_is_as_good_in(
		references, hc_blocks_region_of_start(references->blocks, start), start, address);
}

bool hc_references_is_as_good_in(
	const hc_references *references, const hc_block_region *region, uint64_t start, hc_address address)
{
	const hc_blocks *blocks = references->blocks;
	struct interior interior = {
		.references = references,
		.region = region,
		.block = hc_blocks_address(blocks, region, start),
		.address = address,
		.word = blocks->word,
		.slack = hc_references_slack(references, region),
	};

	interior.size = hc_blocks_usable_size(blocks, region, interior.block);
	interior.offset = address - interior.block;
	if (interior.offset >= interior.size || interior.size < blocks->word)
		return false;
	return is_array_cookie(&interior) || is_length_prefix(&interior) || is_guarded(&interior) ||
	       is_old_string(&interior) || is_second_base(&interior) ||
	       (references->inner_learned && is_learned(&interior, start));
}
