/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the heap is not as malloc leaves it.
 *
 * The walk passes over damage: it goes on at the next place where chunks follow each other, and what lies between is a pseudo-block. A list
 * that breaks is left. Here each of these places is looked at again, by itself, with all blocks known, and so is what the walk has no need
 * to look at: flags, sizes that stand twice, links back.
 *
 * One write damages several words, and one word has several effects; it is told once. Where the walk could not follow, two words may be
 * wrong: the header at which it stopped, or the size in front that led there. It is the one in front if that has other damage, too, or
 * if bytes that look alike run into it but not into the other. Else the header is told, and the other as what may be wrong instead.
 *
 * Costs a pass over all headers, and four bytes for each block.
 */
#include "allocators/glibc_check.h"

#include <signal.h>
#include <string.h>

enum {
	RUN_MIN = 4, /* bytes that look alike, and are no accident */
	RUN_MAX = 64
};

/* ---- headers ---- */

struct chunks {
	struct check *check;
	const hc_region *region;
	hc_block previous; /* the one in front, if it is a chunk of the same region */
	bool has_previous;
	bool is_behind_unread;	/* what is in front could not be followed: whether it is in use is not known */
	unsigned header_damage; /* in damage, from 1 on: the one of the previous chunk's header; 0: none */
};

static bool is_chunk(hc_block_state state)
{
	return state < HC_BLOCK_FENCEPOST;
}

static bool is_binned(hc_block_state state)
{
	return state == HC_BLOCK_UNSORTED || state == HC_BLOCK_SMALL || state == HC_BLOCK_LARGE;
}

static bool is_handed_out(hc_block_state state)
{
	return state == HC_BLOCK_IN_USE || state == HC_BLOCK_TCACHE || state == HC_BLOCK_FASTBIN;
}

static hc_damage header_damage(
	const struct chunks *chunks, hc_damage_kind kind, hc_address chunk, uint64_t found, uint64_t expected)
{
	const glibc *g = chunks->check->g;

	return (hc_damage){
		.kind = kind,
		.place = chunk + g->word,
		.size = g->word,
		.found = found,
		.has_expected = true,
		.expected = expected,
		.chunk = chunk,
		.arena = chunks->region->arena,
	};
}

/* What a header's flags are: those of chunks that were handed out, or lie in a cache or fastbin. */
static uint64_t flags_of(const struct chunks *chunks, bool previous_in_use)
{
	return (previous_in_use ? CHUNK_PREV_IN_USE : 0) | (chunks->region->arena ? CHUNK_NON_MAIN : 0);
}

static bool previous_is_in_use(const struct chunks *chunks)
{
	return !chunks->has_previous || is_handed_out(chunks->previous.state);
}

/* PREV_INUSE against the chunk in front, whose size stands in front of the header if it is free. */
static bool check_previous(struct chunks *chunks, hc_address chunk, uint64_t header)
{
	const glibc *g = chunks->check->g;
	bool flag = header & CHUNK_PREV_IN_USE, ok = true;
	uint64_t again = glibc_word(g, chunk, &ok);

	if (chunks->is_behind_unread)
		return false;
	if (previous_is_in_use(chunks)) {
		hc_damage damage =
			header_damage(chunks, HC_DAMAGE_PREV_IN_USE, chunk, header, header | CHUNK_PREV_IN_USE);

		if (!flag)
			check_add(chunks->check, &damage);
		return !flag;
	}
	if (!flag && ok && (is_binned(chunks->previous.state)) && again != chunks->previous.chunk_size) {
		hc_damage damage =
			header_damage(chunks, HC_DAMAGE_PREV_SIZE, chunk, again, chunks->previous.chunk_size);

		damage.place = chunk;
		check_add(chunks->check, &damage);
		return true;
	}
	return false;
}

/* The header of a chunk that the walk could follow. TRUE if anything is wrong with it. */
static bool check_header(struct chunks *chunks, const hc_block *block)
{
	const glibc *g = chunks->check->g;
	hc_address chunk = block_to_chunk(g, block->address);
	bool ok = true;
	uint64_t header = glibc_word(g, chunk + g->word, &ok);
	uint64_t mask = CHUNK_MMAPPED | CHUNK_NON_MAIN, right = flags_of(chunks, header & CHUNK_PREV_IN_USE);

	if (!ok || block->state == HC_BLOCK_TOP)
		return false;
	/* A chunk that was free once, and the top, may lack NON_MAIN_ARENA: free() sets the header anew. */
	if (!is_handed_out(block->state))
		mask = CHUNK_MMAPPED;
	if ((header ^ right) & mask) {
		hc_damage damage =
			header_damage(chunks, HC_DAMAGE_CHUNK_FLAGS, chunk, header, (header & ~mask) | (right & mask));

		if (previous_is_in_use(chunks) && !chunks->is_behind_unread)
			damage.expected |= CHUNK_PREV_IN_USE;
		check_add(chunks->check, &damage);
		return true;
	}
	return check_previous(chunks, chunk, header);
}

/* ---- the top chunk ---- */

/* Bytes that the regions of ARENA have, and whether all were walked to their end, and how many they are. */
static uint64_t arena_bytes(const struct check *check, uint32_t arena, unsigned *ret_regions)
{
	const GArray *regions = check->g->heap->regions;
	uint64_t sum = 0;

	*ret_regions = 0;
	for (unsigned i = 0; i < regions->len; i++) {
		const hc_region *region = &g_array_index(regions, hc_region, i);

		if (region->is_mmapped || region->arena != arena)
			continue;
		sum += region->outer_end - region->outer_start;
		++*ret_regions;
	}
	return sum;
}

/*
 * Where the top chunk of REGION ends by what else is known: a thread's heap says where it ends. The main arena counts its bytes, but so
 * that memory that somebody else got from sbrk() may be in it. 0: nothing tells.
 */
static hc_address end_of_top(const struct check *check, const hc_region *region)
{
	const glibc *g = check->g;
	const hc_arena *arena = &g_array_index(g->heap->arenas, hc_arena, region->arena);
	unsigned regions;
	uint64_t sum = arena_bytes(check, region->arena, &regions), end;

	if (region->arena)
		return region->outer_end;
	if (!arena->contiguous || regions != 1 ||
		hc_blocks_amount(check->blocks, region->arena, HC_BLOCK_FOREIGN).blocks)
		return 0;
	end = region->outer_end - sum + arena->system_memory;
	return end % g->page == 0 && end >= region->top + g->minimum && hc_core_find_mapping(g->core, end - 1) ? end :
														 0;
}

static void check_top(struct chunks *chunks, const hc_block *block)
{
	const glibc *g = chunks->check->g;
	hc_address chunk = block_to_chunk(g, block->address), end = end_of_top(chunks->check, chunks->region);
	bool ok = true;
	uint64_t header = glibc_word(g, chunk + g->word, &ok), size = header & ~(uint64_t)CHUNK_FLAGS;

	if (!ok)
		return;
	/* sysmalloc() asserts that the top ends with a page, and that what lies in front of it is in use. */
	bool is_sound =
		header & CHUNK_PREV_IN_USE && !(header & CHUNK_MMAPPED) && size >= g->minimum &&
		(end ? chunk + size == end : (chunk + size) % g->page == 0 && size <= chunks->region->end - chunk);
	hc_damage damage = header_damage(chunks, HC_DAMAGE_TOP_SIZE, chunk, header, (end - chunk) | CHUNK_PREV_IN_USE);

	damage.has_expected = end != 0;
	if (!is_sound)
		check_add(chunks->check, &damage);
}

/* ---- what could not be followed ---- */

static uint8_t byte_at(const glibc *g, hc_address address, bool *ok)
{
	uint64_t available;
	const uint8_t *byte = hc_core_bytes(g->core, address, &available);

	*ok = *ok && byte && available;
	return *ok ? *byte : 0;
}

/*
 * How many bytes run into the word at PLACE from in front of it, all the same or all text, its first byte among them. 0 if that one does
 * not fit, or if they are zeros, which are everywhere.
 */
static unsigned run_into(const glibc *g, hc_address place)
{
	bool ok = true, text = true, same = true;
	uint8_t first = byte_at(g, place, &ok);
	unsigned length = 0;

	if (!ok || !first)
		return 0;
	for (unsigned i = 0; i < RUN_MAX; i++) {
		uint8_t byte = byte_at(g, place - i, &ok);

		text = text && g_ascii_isprint(byte);
		same = same && byte == first;
		if (!ok || (!text && !same))
			break;
		length++;
	}
	return length >= RUN_MIN ? length : 0;
}

static bool is_plausible(const glibc *g, uint64_t header, uint64_t room)
{
	uint64_t size = header & ~(uint64_t)CHUNK_FLAGS;

	return size >= g->minimum && !(size & (g->alignment - 1)) && size <= room;
}

/* NEXT is where the walk went on; the region's end if nowhere. */
static void check_unreadable(struct chunks *chunks, hc_address chunk, hc_address next)
{
	const glibc *g = chunks->check->g;
	bool ok = true;
	uint64_t header = glibc_word(g, chunk + g->word, &ok), front = 0;
	hc_address previous = chunks->has_previous ? block_to_chunk(g, chunks->previous.address) : 0;
	hc_damage damage = header_damage(chunks, HC_DAMAGE_CHUNK_SIZE, chunk, header,
		(next - chunk) | flags_of(chunks, previous_is_in_use(chunks)));

	/* What the core lacks is no damage. */
	if (!ok)
		return;
	if (chunks->header_damage) {
		hc_damage *known = &g_array_index(chunks->check->damage, hc_damage, chunks->header_damage - 1);

		known->skipped = chunk;
		known->resumed = next;
		known->expected = (next - known->chunk) | (known->expected & CHUNK_FLAGS);
		known->is_likely = true;
		return;
	}
	if (previous)
		front = glibc_word_or_zero(g, previous + g->word);
	if (previous && !is_plausible(g, header, chunks->region->end - chunk)) {
		unsigned into_front = run_into(g, previous + g->word), into_bad = run_into(g, chunk + g->word);

		/* If bytes run into this header only, it is the one. */
		damage.instead = into_front || !into_bad ? previous + g->word : 0;
		if (into_front && !into_bad) {
			damage.instead = damage.place;
			damage.place = previous + g->word;
			damage.chunk = previous;
			damage.found = front;
			damage.expected = (next - previous) | (front & CHUNK_FLAGS);
		}
	}
	damage.is_likely = true;
	damage.has_expected = next < chunks->region->end && next - damage.chunk >= g->minimum;
	damage.skipped = chunk;
	damage.resumed = next;
	check_add(chunks->check, &damage);
}

/* ---- all chunks ---- */

static void check_block(struct chunks *chunks, const hc_block *block, hc_address next)
{
	hc_address chunk = block_to_chunk(chunks->check->g, block->address);
	unsigned before = chunks->check->damage->len;
	bool is_damaged = false;

	if (is_chunk(block->state))
		is_damaged = check_header(chunks, block);
	if (block->state == HC_BLOCK_TOP)
		check_top(chunks, block);
	if (block->state == HC_BLOCK_UNREADABLE)
		check_unreadable(chunks, chunk, next);
	chunks->header_damage = is_damaged ? before + 1 : 0;
	chunks->has_previous = is_chunk(block->state);
	chunks->is_behind_unread = block->state == HC_BLOCK_UNREADABLE;
	chunks->previous = *block;
}

static void check_chunks(struct check *check)
{
	const GArray *regions = check->g->heap->regions;
	struct chunks chunks = { .check = check };
	hc_block_iterator iterator;
	hc_block block, next;
	bool more;

	hc_block_iterator_init(&iterator, check->blocks);
	more = hc_block_iterator_next(&iterator, &next);
	while (more) {
		uint32_t index = iterator.region;
		const hc_region *region = &g_array_index(regions, hc_region, index);

		block = next;
		more = hc_block_iterator_next(&iterator, &next);
		if (region != chunks.region)
			chunks = (struct chunks){ .check = check, .region = region };
		if (!region->is_mmapped)
			check_block(&chunks, &block,
				more && iterator.region == index ? block_to_chunk(check->g, next.address) :
								   region->end);
	}
}

/* ---- lists ---- */

struct check_walk check_walk_begin(struct check *check, hc_free_list list, hc_address place)
{
	g_array_append_val(check->lists, list);
	return (struct check_walk){
		.check = check,
		.list = check->lists->len,
		.place = place,
		.raw = glibc_word_or_zero(check->g, place),
		.holder = list.cache ? block_to_chunk(check->g, list.cache) : 0,
	};
}

hc_damage check_walk_place(const struct check_walk *walk, hc_damage_kind kind, hc_address address)
{
	const struct check *check = walk->check;
	hc_free_list list = g_array_index(check->lists, hc_free_list, walk->list - 1);

	return (hc_damage){
		.kind = kind,
		.place = address,
		.size = check->g->word,
		.found = glibc_word_or_zero(check->g, address),
		.chunk = walk->holder,
		.arena = list.arena,
		.list = list,
	};
}

/* Those of heap_infos; what lies between chunks is a pseudo-block. */
static bool is_skipped(const struct check *check, hc_address address)
{
	unsigned low = 0, high = check->skipped->len;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (g_array_index(check->skipped, hc_range, middle).start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < g_array_index(check->skipped, hc_range, low - 1).end;
}

bool check_is_unread(const struct check *check, uint32_t arena, hc_address chunk)
{
	const hc_mapping *mapping = hc_core_find_mapping(check->g->core, chunk);
	hc_block block;

	if (!mapping)
		return false;
	if (!mapping->bytes || (arena < check->g->heap->arenas->len && !check->walked[arena]))
		return true;
	if (hc_blocks_find(check->blocks, chunk_to_block(check->g, chunk), &block))
		return block.state == HC_BLOCK_UNREADABLE;
	return is_skipped(check, chunk);
}

bool check_walk_to(struct check_walk *walk, hc_address chunk, hc_block *ret_block)
{
	struct check *check = walk->check;
	hc_damage damage = check_walk_place(walk, HC_DAMAGE_LINK, walk->place);
	uint32_t *before;

	damage.target = chunk_to_block(check->g, chunk);
	if (!check_find_chunk(check, chunk, ret_block) || ret_block->state == HC_BLOCK_TOP) {
		if (!check_is_unread(check, damage.list.arena, chunk))
			check_add(check, &damage);
		return false;
	}
	before = &check->list_of[ret_block->number];
	if (*before) {
		damage.kind = *before == walk->list ? HC_DAMAGE_LOOP : HC_DAMAGE_DOUBLE_FREE;
		damage.other = g_array_index(check->lists, hc_free_list, *before - 1);
		check_add(check, &damage);
		return false;
	}
	*before = walk->list;
	return true;
}

static int compare_starts(const void *a, const void *b)
{
	hc_address x = ((const hc_range *)a)->start, y = ((const hc_range *)b)->start;

	return (x > y) - (x < y);
}

/* What of the heap was not walked, once all damage but that of lists is known. */
static void find_unread(struct check *check)
{
	const GArray *regions = check->g->heap->regions, *damage = check->damage;

	check->walked = g_new0(bool, check->g->heap->arenas->len + 1);
	for (unsigned i = 0; i < regions->len; i++) {
		const hc_region *region = &g_array_index(regions, hc_region, i);

		if (!region->is_mmapped && region->arena < check->g->heap->arenas->len)
			check->walked[region->arena] = true;
	}
	check->skipped = g_array_new(FALSE, FALSE, sizeof(hc_range));
	for (unsigned i = 0; i < damage->len; i++) {
		const hc_damage *one = &g_array_index(damage, hc_damage, i);
		hc_range range = { one->skipped, one->resumed };

		if (one->kind == HC_DAMAGE_HEAP_INFO && one->resumed)
			g_array_append_val(check->skipped, range);
	}
	g_array_sort(check->skipped, compare_starts);
}

static void check_lists(struct check *check)
{
	const GArray *arenas = check->g->heap->arenas;

	check->list_of = g_try_new0(uint32_t, (gsize)hc_blocks_count(check->blocks) + 1);
	if (!check->list_of) {
		hc_diagnostics_add(
			check->g->diagnostics, &glibc_inconsistent, 0, "no memory for a check of the free lists");
		return;
	}
	/* In the order in which blocks got their states: bins hold what no other list can. */
	for (unsigned i = 0; i < arenas->len; i++)
		glibc_check_bins(check, &g_array_index(arenas, hc_arena, i));
	for (unsigned i = 0; i < arenas->len; i++)
		glibc_check_fastbins(check, &g_array_index(arenas, hc_arena, i));
	glibc_check_tcaches(check);
	g_free(check->list_of);
}

/* ---- malloc itself, between two steps ---- */

/* Whether SIGNAL is one that a fault of the process brings, or abort(). */
static bool is_crash(int signal)
{
	static const int crashes[] = { SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS };

	for (unsigned i = 0; i < G_N_ELEMENTS(crashes); i++)
		if (crashes[i] == signal)
			return true;
	return false;
}

/* systrim() has the kernel shorten the program break before it says so in the top chunk. */
static bool is_in_brk(const glibc *g, const hc_thread *thread)
{
	uint64_t offset;
	const char *name = hc_modules_symbol_at(g->modules, thread->program_counter, &offset);

	return name &&
	       (!strcmp(name, "brk") || !strcmp(name, "__brk") || !strcmp(name, "sbrk") || !strcmp(name, "__sbrk"));
}

/* Whether a thread was in libc's code, and in no system call but brk(). The one that crashed is not going on. */
static bool is_running_libc(const glibc *g, bool crashed)
{
	for (unsigned i = crashed ? 1 : 0; i < hc_core_thread_count(g->core); i++) {
		const hc_thread *thread = hc_core_thread(g->core, i);

		if (g->libc && hc_modules_find(g->modules, thread->program_counter) == g->libc &&
			(!thread->in_system_call || is_in_brk(g, thread)))
			return true;
	}
	return false;
}

/*
 * A process that is looked at as it runs may be in malloc(), which has no lock of its own in a process of one thread, nor for thread
 * caches and fastbins: nearly every word can differ then for some instructions. malloc_state begins with its mutex, in all releases.
 */
static void tell_operations(struct check *check)
{
	const glibc *g = check->g;
	bool crashed = is_crash(hc_core_process(g->core)->signal), running = is_running_libc(g, crashed);

	for (unsigned i = 0; i < check->damage->len; i++) {
		hc_damage *damage = &g_array_index(check->damage, hc_damage, i);

		damage->in_operation =
			running ||
			(!crashed && damage->arena < g->heap->arenas->len &&
				glibc_int_or_zero(g, g_array_index(g->heap->arenas, hc_arena, damage->arena).address));
	}
}

void glibc_check(const hc_heap *heap, const hc_blocks *blocks, GArray *damage)
{
	struct check check = { .g = heap->private, .blocks = blocks, .damage = damage };

	if (!heap->info.found)
		return;
	check.lists = g_array_new(FALSE, FALSE, sizeof(hc_free_list));
	check_chunks(&check);
	glibc_check_arenas(&check);
	find_unread(&check);
	check_lists(&check);
	tell_operations(&check);
	g_array_unref(check.lists);
	g_array_unref(check.skipped);
	g_free(check.walked);
}
