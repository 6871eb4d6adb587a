/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Objects of a library that was unloaded.
 *
 * A plugin whose objects are lost when dlclose() unmaps it leaves blocks that begin with the address of a vtable that is gone. Nothing
 * is at that address any more, so it names no module, and whatever else is in the block may seem to.
 *
 *	count_unloads	did the dynamic loader unload anything at all? If not, or if that is not known, nothing is said
 *	add_value	the first words of all lost blocks that are addresses in no mapping, where libraries are mapped
 *	find_classes	those are vtables that many of the blocks have in common
 *
 * A library is loaded at page boundaries, here or there: the vtable of a class has the same place in its page each time, which is what
 * objects of one class have in common over many loads. Addresses of what was unmapped otherwise are spread over all places (buffers), or
 * they have one that a vtable seldom has: the begin of a page, of a chunk that was mapped, of a thread's control block. These do not
 * count. What lies close to such a vtable is another one of the same library.
 *
 * An address of one and the same thing in a buffer that was unmapped, with which several blocks begin, looks like a vtable: so it is told
 * as what it is like.
 *
 * Costs one look at the first words of lost blocks, and none where no library was unloaded.
 */
#include "leaks/leaks_state.h"

#include "base/partition.h"
#include "modules/modules.h"

#include <elf.h>

enum {
	VALUES_MOST = 1 << 14,
	LEAST_BLOCKS = 3,      /* of one class */
	MORE_THAN_CHANCE = 8,  /* times as many as if addresses were spread over all places of a page */
	NEAR_BYTES = 1 << 11,  /* from vtable to vtable of one library */
	THREAD_ALIGNMENT = 64, /* of control blocks: TCB_ALIGNMENT, sysdeps/x86_64/nptl/tls.h */
	LINK_MAPS_MOST = 1 << 16,
	LOADER_BYTES_MOST = 1 << 20, /* of writable data; it has some kilobytes */
	NAMESPACES_MOST = 16,	     /* DL_NNS, glibc: sysdeps/generic/ldsodefs.h */
	MUTEX_WORDS = 5,	     /* pthread_mutex_t of x86-64: sysdeps/x86/nptl/bits/struct_mutex.h */
	LOCKS_LEAST = 2,
	LOCKS_MOST = 3,
};

#define EXCLUDED UINT32_MAX
#define IS_CLASS UINT32_C(1)

/* How far below the lowest library another one may have been: mmap() goes downwards. */
static const uint64_t reach_below = UINT64_C(1) << 30;

struct hc_unloaded {
	const hc_core *core;
	unsigned word;
	uint64_t page;
	hc_address low, high; /* where libraries may have been; both 0: nothing was unloaded */
	uint32_t *classes;    /* by place in the page, in words: blocks; then IS_CLASS or 0; EXCLUDED always */
	GHashTable *values;   /* set of distinct values, before find_classes() */
	GArray *known;	      /* of hc_address, sorted: vtables */
	hc_amount amount;
};

/* ---- what the dynamic loader says ---- */

static bool is_recursive_mutex(const hc_core *core, hc_address address)
{
	uint64_t kind, next, previous;

	/* __kind is PTHREAD_MUTEX_RECURSIVE_NP, __spins and __elision beside it 0; __list is that of robust ones. */
	return hc_core_read_word(core, address + 16, &kind) && kind == 1 &&
	       hc_core_read_word(core, address + 24, &next) && !next &&
	       hc_core_read_word(core, address + 32, &previous) && !previous;
}

/*
 * The loads that the struct rtld_global counts whose _dl_nns is at ADDRESS: the number of namespaces, two or three recursive locks
 * (_dl_load_lock, _dl_load_write_lock, since 2.35 _dl_load_tls_lock), then _dl_load_adds (sysdeps/generic/ldsodefs.h). 0: it is none.
 */
static uint64_t loads_at(const hc_core *core, hc_address address)
{
	uint64_t namespaces, loads;
	unsigned locks = 0;

	if (!hc_core_read_word(core, address, &namespaces) || !namespaces || namespaces > NAMESPACES_MOST)
		return 0;
	address += 8;
	while (locks < LOCKS_MOST && is_recursive_mutex(core, address)) {
		address += MUTEX_WORDS * 8;
		locks++;
	}
	return locks >= LOCKS_LEAST && hc_core_read_word(core, address, &loads) ? loads : 0;
}

/* What the writable data of LOADER says of all loads; 0: nothing, or no one thing. */
static uint64_t find_loads(const hc_core *core, const hc_modules *modules, const hc_module *loader, uint64_t loaded)
{
	uint64_t found = 0;

	for (unsigned i = 0; i < hc_module_segment_count(modules, loader); i++) {
		const hc_module_segment *segment = hc_module_segment_get(modules, loader, i);
		hc_address start = hc_align_up(segment->start, 8);
		uint64_t size = segment->end > start ? MIN(segment->end - start, LOADER_BYTES_MOST) : 0;

		if (segment->type != PT_LOAD || !(segment->flags & PF_W))
			continue;
		for (uint64_t offset = 0; offset < size; offset += 8) {
			uint64_t loads = loads_at(core, start + offset);

			if (loads < loaded || loads > UINT32_MAX)
				continue;
			if (found && found != loads)
				return 0;
			found = loads;
		}
	}
	return found;
}

/*
 * How many loads were undone: what dl_iterate_phdr() calls dlpi_subs, all loads less what is loaded (elf/dl-iteratephdr.c). Libraries in
 * namespaces of their own would count as undone ones. 0: none, or it is not known.
 */
static uint64_t count_unloads(const hc_core *core, const hc_modules *modules)
{
	g_autoptr(GArray) maps = hc_modules_link_maps(modules, LINK_MAPS_MOST);

	if (hc_core_process(core)->word_size != 8 || !maps->len || maps->len == LINK_MAPS_MOST)
		return 0;
	for (unsigned i = 0; i < hc_modules_count(modules); i++) {
		const hc_module *module = hc_modules_get(modules, i);
		uint64_t loads = g_str_has_prefix(module->name, "ld-") || g_str_has_prefix(module->name, "ld.") ?
					 find_loads(core, modules, module, maps->len) :
					 0;

		if (loads)
			return loads - maps->len;
	}
	return 0;
}

/* ---- first words ---- */

static void find_zone(hc_unloaded *unloaded, const hc_modules *modules)
{
	hc_address low = UINT64_MAX, high = 0;

	for (unsigned i = 0; i < hc_modules_count(modules); i++) {
		const hc_module *module = hc_modules_get(modules, i);

		if (module->is_vdso || module->is_executable)
			continue;
		low = MIN(low, module->start);
		high = MAX(high, module->end);
	}
	if (low < high) {
		unloaded->low = low - MIN(low, reach_below);
		unloaded->high = high;
	}
}

/* Where threads' control blocks are in their pages. */
static void exclude(hc_unloaded *unloaded)
{
	for (uint64_t at = 0; at < unloaded->page; at += THREAD_ALIGNMENT)
		unloaded->classes[at / unloaded->word] = EXCLUDED;
}

static uint32_t *class_of(const hc_unloaded *unloaded, hc_address value)
{
	return &unloaded->classes[value % unloaded->page / unloaded->word];
}

/* An address in no mapping, where a library may have been; neither of a page nor of a chunk that was mapped, behind two words of header. */
static bool is_nowhere(const hc_unloaded *unloaded, hc_address value)
{
	uint64_t in_page = value % unloaded->page;

	return value >= unloaded->low && value < unloaded->high && value % unloaded->word == 0 && in_page &&
	       in_page != 2 * unloaded->word && !hc_core_find_mapping(unloaded->core, value);
}

static bool add_value(hc_unloaded *unloaded, hc_address value)
{
	uint32_t *count = class_of(unloaded, value);

	if (*count >= EXCLUDED - 1 || !is_nowhere(unloaded, value))
		return false;
	++*count;
	if (g_hash_table_size(unloaded->values) < VALUES_MOST && !g_hash_table_contains(unloaded->values, &value))
		g_hash_table_add(unloaded->values, g_memdup2(&value, sizeof value));
	return true;
}

static int compare_addresses(const void *a, const void *b)
{
	hc_address x = *(const hc_address *)a, y = *(const hc_address *)b;

	return (x > y) - (x < y);
}

/* COUNT first words lead nowhere. */
static void find_classes(hc_unloaded *unloaded, uint64_t count)
{
	uint64_t places = unloaded->page / unloaded->word, least = LEAST_BLOCKS + MORE_THAN_CHANCE * count / places;
	GHashTableIter iterator;
	void *value;

	/* Of all of one class nothing is left to chance. */
	least = MIN(least, MAX(LEAST_BLOCKS, count / 2));
	for (uint64_t i = 0; i < places; i++)
		if (unloaded->classes[i] != EXCLUDED)
			unloaded->classes[i] = unloaded->classes[i] >= least ? IS_CLASS : 0;
	g_hash_table_iter_init(&iterator, unloaded->values);
	while (g_hash_table_iter_next(&iterator, &value, NULL))
		if (*class_of(unloaded, *(const hc_address *)value) == IS_CLASS)
			g_array_append_val(unloaded->known, *(const hc_address *)value);
	g_array_sort(unloaded->known, compare_addresses);
}

/* Whether a vtable lies at most NEAR_BYTES from VALUE. */
static bool is_near_known(const hc_unloaded *unloaded, hc_address value)
{
	const hc_address *known = (const hc_address *)(const void *)unloaded->known->data;
	unsigned low = HC_PARTITION_POINT(middle, 0, unloaded->known->len, known[middle] < value);

	return (low < unloaded->known->len && known[low] - value <= NEAR_BYTES) ||
	       (low && value - known[low - 1] <= NEAR_BYTES);
}

bool hc_unloaded_has(const hc_unloaded *unloaded, hc_address value)
{
	return unloaded->known->len && is_nowhere(unloaded, value) &&
	       (*class_of(unloaded, value) == IS_CLASS || is_near_known(unloaded, value));
}

hc_amount hc_unloaded_amount(const hc_unloaded *unloaded)
{
	return unloaded->amount;
}

/* ---- all of it ---- */

static void learn(hc_unloaded *unloaded, const hc_references *references)
{
	uint64_t count = 0, value;
	uint32_t number = 0;
	hc_block block;
	hc_reach reach;

	while (hc_references_next_lost(references, &number, &block, &reach))
		if (hc_core_read_word(unloaded->core, block.address, &value))
			count += add_value(unloaded, value);
	find_classes(unloaded, count);
	if (!unloaded->known->len)
		return;
	number = 0;
	while (hc_references_next_lost(references, &number, &block, &reach)) {
		if (hc_core_read_word(unloaded->core, block.address, &value) && hc_unloaded_has(unloaded, value))
			hc_amount_count(&unloaded->amount, block.size);
	}
}

static bool lacks_mappings(const hc_references *references)
{
	for (unsigned i = 0; i < hc_references_missing_count(references); i++)
		if (hc_references_missing(references, i)->why == HC_MISSING_UNKNOWN)
			return true;
	return false;
}

hc_unloaded *hc_unloaded_find(const hc_core *core, const hc_modules *modules, const hc_references *references)
{
	hc_unloaded *unloaded = g_new0(hc_unloaded, 1);

	unloaded->core = core;
	unloaded->word = hc_core_word_format(core).size;
	unloaded->page = hc_core_process(core)->page_size;
	unloaded->known = g_array_new(FALSE, FALSE, sizeof(hc_address));
	/* A mapping that the core lacks is no unmapped library. */
	if (lacks_mappings(references))
		return unloaded;
	if (count_unloads(core, modules))
		find_zone(unloaded, modules);
	if (!unloaded->high)
		return unloaded;
	unloaded->classes = g_new0(uint32_t, unloaded->page / unloaded->word);
	unloaded->values = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	exclude(unloaded);
	learn(unloaded, references);
	g_clear_pointer(&unloaded->values, g_hash_table_unref);
	return unloaded;
}

void hc_unloaded_free(hc_unloaded *unloaded)
{
	if (!unloaded)
		return;
	g_array_unref(unloaded->known);
	g_free(unloaded->classes);
	g_free(unloaded);
}
