/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Results that wait for pthread_join().
 *
 * A thread that has ended keeps its descriptor until it is joined, and in it what its start routine returned. That pointer may be the
 * only one to its block. Once it is joined the descriptor and the stack go to a list of libc's for the next thread, with the old
 * result still in it: that one holds nothing.
 *
 * Which of both it is tells the list that the descriptor is in (nptl/descr.h, struct pthread: list; since 2.34
 * _dl_stack_used, _dl_stack_user and _dl_stack_cache of ld.so, in this order: sysdeps/generic/ldsodefs.h; before that the same in
 * nptl/allocatestack.c). Live threads and those that wait are in one. The member's offset differs, but only it leads to two
 * words that both lead back. If the list cannot be told the result counts: nothing is called lost on a guess.
 *
 * One whose id, behind the list, the kernel has cleared (nptl/descr.h: tid; CLONE_CHILD_CLEARTID, clone(2)) has ended: if it is in the
 * first list it was not joined, and libc keeps its stack.
 *
 * The result stands before the start routine, with priority and policy (two ints) between them, in all releases. The
 * routine's argument, behind it, is nothing that the process can still get at.
 */
#include "areas/areas_state.h"

enum {
	LIST_SEARCH_FROM = 64, /* bytes: behind the control block's first words */
	DESCRIPTOR_BYTES = 4096,
	SCHEDULING_BYTES = 8, /* struct sched_param, schedpolicy */
	PRIORITY_MOST = 99,
	POLICY_MOST = 7, /* sched(7): SCHED_OTHER 0 to SCHED_EXT 7 */
	RING_MORE = 64,	 /* nodes in a ring that are no descriptors that were found */
};

typedef enum {
	LIST_UNKNOWN,
	LIST_USED,  /* live threads and those that wait */
	LIST_USER,  /* the same, on stacks that the program gave them; the main thread */
	LIST_CACHE, /* stacks without a thread */
} list_kind;

struct search {
	hc_areas *areas;
	unsigned word;
	GHashTable *lists;    /* set of the addresses of list heads that live threads led to */
	hc_address user_list; /* the head of the list that the main thread is in; 0 */
	bool used_list_known;
};

/* What a walk around one list met. */
struct ring {
	hc_address head; /* the node that is in no descriptor; 0 */
	bool live, complete;
};

static bool word_at(const struct search *search, hc_address address, uint64_t *ret_value)
{
	return hc_core_read_word(search->areas->core, address, ret_value);
}

static bool is_node(const struct search *search, hc_address node, hc_address *ret_next)
{
	uint64_t next, previous, back, forth;

	if (!word_at(search, node, &next) || !word_at(search, node + search->word, &previous) || next == node ||
		!word_at(search, next + search->word, &back) || back != node || !word_at(search, previous, &forth) ||
		forth != node)
		return false;
	*ret_next = next;
	return true;
}

/* The offset of `list` in the descriptor at POINTER; 0 if it is in no list. */
static unsigned find_list(const struct search *search, hc_address pointer)
{
	hc_address next;

	for (unsigned offset = LIST_SEARCH_FROM; offset < DESCRIPTOR_BYTES; offset += search->word)
		if (is_node(search, pointer + offset, &next))
			return offset;
	return 0;
}

static struct ring walk(const struct search *search, hc_address pointer, unsigned offset)
{
	struct ring ring = { 0 };
	hc_address node = pointer + offset;
	uint64_t self;
	unsigned steps = search->areas->blocks->heap.thread_blocks->len + RING_MORE;

	while (steps--) {
		hc_address descriptor = node - offset;

		/* tcbhead_t begins with its own address (glibc_tcache.c and thread_blocks.c rely on that as well). */
		if (!word_at(search, descriptor, &self) || self != descriptor)
			ring.head = node;
		else
			ring.live |= hc_core_find_thread(search->areas->core, descriptor) != NULL;
		if (!is_node(search, node, &node))
			return ring;
		if (node == pointer + offset) {
			ring.complete = true;
			return ring;
		}
	}
	return ring;
}

static bool is_main(const hc_areas *areas, const hc_thread *thread)
{
	return thread->id == hc_core_process(areas->core)->pid;
}

/* The lists that live threads are in. */
static void learn_lists(struct search *search)
{
	const hc_core *core = search->areas->core;
	unsigned left = 2; /* one walk for each of the two lists: the rest of the threads is in them */

	for (unsigned i = 0; i < hc_core_thread_count(core) && left; i++) {
		const hc_thread *thread = hc_core_thread(core, i);
		unsigned offset = thread->thread_pointer ? find_list(search, thread->thread_pointer) : 0;
		struct ring ring = { 0 };

		if (offset)
			ring = walk(search, thread->thread_pointer, offset);
		if (!ring.complete || !ring.head || g_hash_table_contains(search->lists, &ring.head))
			continue;
		g_hash_table_add(search->lists, g_memdup2(&ring.head, sizeof ring.head));
		if (is_main(search->areas, thread))
			search->user_list = ring.head;
		else
			search->used_list_known = true;
		left--;
	}
}

static list_kind judge(const struct search *search, const struct ring *ring)
{
	if (!ring->complete || !ring->head)
		return LIST_UNKNOWN;
	if (ring->live)
		return ring->head == search->user_list ? LIST_USER : LIST_USED;
	if (search->user_list && ring->head == search->user_list + 2 * search->word)
		return LIST_CACHE;
	if (search->user_list && ring->head == search->user_list - 2 * search->word)
		return LIST_USED;
	return search->used_list_known ? LIST_CACHE : LIST_UNKNOWN;
}

/* The list of the descriptor at POINTER. Each list is walked once for all that are in it, by its first one. */
static list_kind list_of(struct search *search, hc_address pointer, GHashTable *members)
{
	gpointer known;
	unsigned offset = find_list(search, pointer);

	if (!offset)
		return LIST_UNKNOWN;
	if (g_hash_table_lookup_extended(members, &pointer, NULL, &known))
		return GPOINTER_TO_UINT(known);
	struct ring ring = walk(search, pointer, offset);
	list_kind kind = judge(search, &ring);
	unsigned steps = search->areas->blocks->heap.thread_blocks->len + RING_MORE;

	for (hc_address node = pointer + offset; steps--;) {
		hc_address descriptor = node - offset;

		g_hash_table_insert(members, g_memdup2(&descriptor, sizeof descriptor), GUINT_TO_POINTER(kind));
		if (!is_node(search, node, &node) || node == pointer + offset)
			break;
	}
	return kind;
}

/* Whether the word at AT can be the start routine, *RET_ROUTINE; then *RET_RESULT is what can be the result. */
static bool is_routine(const struct search *search, hc_address at, uint64_t *ret_routine, uint64_t *ret_result)
{
	unsigned word = search->word;
	uint64_t priority, policy;

	return word_at(search, at, ret_routine) && word_at(search, at - SCHEDULING_BYTES - word, ret_result) &&
	       hc_core_read_unsigned(search->areas->core, at - SCHEDULING_BYTES, 4, &priority) &&
	       hc_core_read_unsigned(search->areas->core, at - SCHEDULING_BYTES + 4, 4, &policy) &&
	       priority <= PRIORITY_MOST && policy <= POLICY_MOST && hc_areas_is_code(search->areas, *ret_routine);
}

/* The words between POINTER and END (where `stackblock` is) that can be the result. */
static void add_results(struct search *search, hc_address pointer, hc_address end)
{
	unsigned word = search->word;

	for (hc_address at = pointer + LIST_SEARCH_FROM + 2 * word; at < end; at += word) {
		uint64_t routine, result;

		if (!is_routine(search, at, &routine, &result) || !result)
			continue;
		hc_range range = { at - SCHEDULING_BYTES - word, 0 };

		range.end = range.start + word;
		g_array_append_val(search->areas->results, range);
	}
}

/* The routine that the thread at POINTER began in; 0 if no word, or more than one, can be it. */
static hc_address routine_of(const struct search *search, hc_address pointer, hc_address end)
{
	hc_address found = 0;

	for (hc_address at = pointer + LIST_SEARCH_FROM + 2 * search->word; at < end; at += search->word) {
		uint64_t routine, result;

		if (!is_routine(search, at, &routine, &result))
			continue;
		if (found)
			return 0;
		found = routine;
	}
	return found;
}

static void add_unjoined(struct search *search, hc_address pointer, hc_address end)
{
	unsigned offset = find_list(search, pointer);
	uint64_t id;
	hc_range stack;

	if (offset && word_at(search, pointer + offset + 2 * search->word, &id) && !(uint32_t)id &&
		hc_areas_stack_block(search->areas, pointer, &stack)) {
		hc_address routine = routine_of(search, pointer, end);

		g_array_append_val(search->areas->unjoined_stacks, stack);
		g_array_append_val(search->areas->unjoined_routines, routine);
	}
}

void hc_areas_find_results(hc_areas *areas)
{
	const GArray *pointers = areas->blocks->heap.thread_blocks;
	struct search search = { .areas = areas, .word = areas->blocks->word };

	if (!hc_core_thread_count(areas->core))
		return;
	search.lists = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	g_autoptr(GHashTable) members = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

	learn_lists(&search);
	for (unsigned i = 0; i < pointers->len; i++) {
		hc_address pointer = g_array_index(pointers, hc_address, i), end;

		if (hc_core_find_thread(areas->core, pointer) || !hc_areas_descriptor_end(areas, pointer, &end))
			continue;
		list_kind kind = list_of(&search, pointer, members);

		if (kind != LIST_CACHE)
			add_results(&search, pointer, end);
		if (kind == LIST_USED)
			add_unjoined(&search, pointer, end);
	}
	g_hash_table_unref(search.lists);
}

const GArray *hc_areas_results(const hc_areas *areas)
{
	return areas->results;
}
