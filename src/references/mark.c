/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Marking on several threads.
 *
 * Each worker has blocks that it has marked and not yet searched (pending.h). A pool holds what can be shared: stretches of
 * words (the roots, in slices; large blocks, in slices), and batches of blocks that a worker with plenty gave away. A worker
 * that has nothing takes from the pool, or waits; when all that have begun wait, everything is searched: one that begins later finds
 * that, and nothing waits for a thread that could not be made.
 *
 * A mark is set by one atomic OR, and whoever set it searches the block; so every block is searched once, and the result
 * does not depend on the order.
 */
#include "base/parallel.h"
#include "references/pending.h"
#include "references/scan.h"

enum {
	SLICE = 256 * 1024, /* bytes of words that are shared as one item */
	BATCH = 1024,	    /* blocks given away at once, at least; ... */
	BATCH_MOST = 1 << 18, /* ... and at most: half of what a worker has */
	WAITING = 1 << 22,  /* blocks: a worker that has fewer takes words of the pool first */
};

struct batch {
	unsigned count;
	uint64_t starts[];
};

struct pool {
	const hc_references *references;
	uint64_t *marks;
	uint64_t *interior; /* NULL: interior pointers are as good as others */
	unsigned workers;
	GMutex mutex;
	GCond changed;
	GArray *words;	    /* of hc_words */
	GPtrArray *batches; /* of struct batch */
	unsigned begun, waiting; /* workers */
	int hungry; /* workers that wait, readable without the lock */
	int has_words; /* whether `words` has any, the same way */
	bool done;
	int failed; /* memory was out */
	uint64_t total_words, total_hits;
};

/* A block whose contents are on their way into the cache. */
struct coming {
	uint64_t start;
	const uint8_t *place; /* as hc_scanner_hot_place() has it */
};

struct worker {
	hc_scanner scanner;
	struct pool *pool;
	bool is_alone; /* no other one sets marks */
	hc_pending pending;
	struct coming ring[HC_SCAN_BLOCKS];
	unsigned ring_in, ring_out;
};

/* ---- the pool ---- */

/* What is known to be zeros counts as searched. */
static void pool_add_words(struct pool *pool, hc_words words)
{
	const hc_core *core = pool->references->core;

	g_mutex_lock(&pool->mutex);
	while (words.size) {
		hc_words slice = words;

		if (hc_core_is_hole(core, words.bytes, words.size, &slice.size)) {
			pool->total_words += slice.size / pool->references->blocks->word;
		} else {
			slice.size = MIN(slice.size, SLICE);
			g_array_append_val(pool->words, slice);
		}
		words.bytes += slice.size;
		words.size -= slice.size;
	}
	g_atomic_int_set(&pool->has_words, pool->words->len != 0);
	g_cond_broadcast(&pool->changed);
	g_mutex_unlock(&pool->mutex);
}

static void pool_add_batch(struct pool *pool, struct batch *batch)
{
	g_mutex_lock(&pool->mutex);
	g_ptr_array_add(pool->batches, batch);
	g_cond_signal(&pool->changed);
	g_mutex_unlock(&pool->mutex);
}

/* The last words that were added. There must be some; the lock is held. */
static hc_words last_words(struct pool *pool)
{
	hc_words words = g_array_index(pool->words, hc_words, pool->words->len - 1);

	g_array_set_size(pool->words, pool->words->len - 1);
	g_atomic_int_set(&pool->has_words, pool->words->len != 0);
	return words;
}

/* Waits for nothing: the size is 0 if there are none. */
static hc_words pool_take_words(struct pool *pool)
{
	hc_words words = { NULL, 0 };

	g_mutex_lock(&pool->mutex);
	if (pool->words->len)
		words = last_words(pool);
	g_mutex_unlock(&pool->mutex);
	return words;
}

/* Waits for something to do. FALSE when everything is done. One of *words (size not 0) and *batch is set. */
static bool pool_take(struct pool *pool, hc_words *words, struct batch **batch)
{
	bool got = false;

	words->size = 0;
	*batch = NULL;
	g_mutex_lock(&pool->mutex);
	while (!got && !pool->done) {
		if (pool->batches->len) {
			*batch = g_ptr_array_steal_index_fast(pool->batches, pool->batches->len - 1);
			got = true;
		} else if (pool->words->len) {
			*words = last_words(pool);
			got = true;
		} else if (pool->waiting + 1 == pool->begun) {
			pool->done = true;
			g_cond_broadcast(&pool->changed);
		} else {
			pool->waiting++;
			g_atomic_int_set(&pool->hungry, pool->waiting);
			g_cond_wait(&pool->changed, &pool->mutex);
			pool->waiting--;
			g_atomic_int_set(&pool->hungry, pool->waiting);
		}
	}
	g_mutex_unlock(&pool->mutex);
	return got;
}

/* ---- a worker ---- */

static inline void push(struct worker *worker, uint64_t start)
{
	if (G_UNLIKELY(!hc_pending_push(&worker->pending, start)))
		g_atomic_int_set(&worker->pool->failed, 1);
}

/* Sets the mark of START, which was not set a moment ago. FALSE if another worker was faster. */
static inline bool take_mark(const struct worker *worker, uint64_t *bitmap, uint64_t start)
{
	uint64_t *word = &bitmap[start / 64], bit = (uint64_t)1 << start % 64;

	if (!worker->is_alone)
		return !(__atomic_fetch_or(word, bit, __ATOMIC_RELAXED) & bit);
	*word |= bit;
	return true;
}

static inline bool is_marked(const uint64_t *bitmap, uint64_t start)
{
	return __atomic_load_n(&bitmap[start / 64], __ATOMIC_RELAXED) >> start % 64 & 1;
}

static inline __attribute__((always_inline)) void resolve_mark(
	hc_scanner *scanner, uint64_t start, const hc_candidate *candidate)
{
	struct worker *worker = scanner->data;

	(void)candidate;
	if (!is_marked(scanner->marks, start) && take_mark(worker, scanner->marks, start))
		push(worker, start);
}

/* All addresses of a block with a mapping of its own are of one granule. */
static inline bool points_to_start(const hc_scanner *scanner, uint64_t start, const hc_candidate *candidate)
{
	if (G_UNLIKELY(candidate->granule != start || candidate->address & scanner->granule_mask))
		return false;
	return G_LIKELY(candidate->address - scanner->hot_start < scanner->hot_size) ||
	       candidate->address ==
		       hc_blocks_address(scanner->blocks, hc_blocks_region_of_start(scanner->blocks, start), start);
}

/* Where interior pointers are told apart. Most candidates point to a start, or to a block that is marked already. */
static inline __attribute__((always_inline)) void resolve_exact(
	hc_scanner *scanner, uint64_t start, const hc_candidate *candidate)
{
	struct worker *worker = scanner->data;
	uint64_t *interior = worker->pool->interior;

	if (is_marked(scanner->marks, start))
		return;
	if (points_to_start(scanner, start, candidate) ||
		hc_references_is_as_good_as_start(worker->pool->references, start, candidate->address)) {
		if (take_mark(worker, scanner->marks, start))
			push(worker, start);
	} else if (!is_marked(interior, start)) {
		take_mark(worker, interior, start);
	}
}

/* Free with g_free(); NULL if memory was out. */
static struct batch *create_batch(unsigned room)
{
	return g_try_malloc(sizeof(struct batch) + room * sizeof(uint64_t));
}

/* Gives blocks away that it would not be the turn of for long. */
static void share(struct worker *worker)
{
	unsigned room = MIN(worker->pending.count / 2, BATCH_MOST);
	struct batch *batch = create_batch(room);

	if (!batch)
		return;
	batch->count = hc_pending_give(&worker->pending, batch->starts, room);
	pool_add_batch(worker->pool, batch);
}

/* A block whose memory is in several pieces of the core: rare, so by the slow way. */
static void scan_in_pieces(struct worker *worker, const hc_block_region *region, uint64_t start)
{
	const hc_references *references = worker->pool->references;
	hc_address address = hc_blocks_address(references->blocks, region, start);
	uint64_t size = hc_blocks_usable_size(references->blocks, region, address);
	g_autoptr(GArray) words = g_array_new(FALSE, FALSE, sizeof(hc_words));

	hc_references_add_words(references, address, address + MIN(size, region->end - address), words);
	for (unsigned i = 0; i < words->len; i++)
		pool_add_words(worker->pool, g_array_index(words, hc_words, i));
}

static inline __attribute__((always_inline)) void scan_block(
	struct worker *worker, const struct coming *block, hc_word_format format, hc_scan_resolve resolve)
{
	hc_words contents = G_LIKELY(block->place) ? hc_scanner_hot_contents(&worker->scanner, block->place, format) :
						     hc_scanner_contents_elsewhere(&worker->scanner, block->start);

	if (G_UNLIKELY(!contents.bytes))
		scan_in_pieces(worker, hc_blocks_region_of_start(worker->scanner.blocks, block->start), block->start);
	else if (G_UNLIKELY(contents.size > 2 * SLICE))
		pool_add_words(worker->pool, contents);
	else
		hc_scanner_words(&worker->scanner, contents.bytes, contents.size, format, resolve);
}

/*
 * The more blocks wait, the more of them are on one page, and the fewer are waited for: so words come before blocks, as long as
 * what waits stays below 16 MiB.
 */
static inline bool wants_words(const struct worker *worker)
{
	return worker->pending.count < WAITING && g_atomic_int_get(&worker->pool->has_words);
}

static inline bool is_idle(const struct worker *worker)
{
	return !worker->pending.count && worker->ring_in == worker->ring_out &&
	       worker->scanner.candidates_in == worker->scanner.candidates_out;
}

/* Searches until the worker has nothing of its own left, or the pool has words that come first. */
static inline __attribute__((always_inline)) void drain(
	struct worker *worker, hc_word_format format, hc_scan_resolve resolve)
{
	while (!wants_words(worker)) {
		while (worker->pending.count && worker->ring_in - worker->ring_out < HC_SCAN_BLOCKS) {
			uint64_t start = hc_pending_pop(&worker->pending);
			const uint8_t *place = hc_scanner_hot_place(&worker->scanner, start),
				      *fetched = G_LIKELY(place) ? place :
								   hc_scanner_place_elsewhere(&worker->scanner, start);

			/* NULL is as good as any other address. */
			__builtin_prefetch((const void *)((uintptr_t)fetched - 8));
			__builtin_prefetch((const void *)((uintptr_t)fetched + 56));
			worker->ring[worker->ring_in++ % HC_SCAN_BLOCKS] = (struct coming){ start, place };
		}
		if (worker->ring_in == worker->ring_out) {
			if (worker->scanner.candidates_in == worker->scanner.candidates_out)
				return;
			hc_scanner_flush(&worker->scanner, resolve);
			continue;
		}
		scan_block(worker, &worker->ring[worker->ring_out++ % HC_SCAN_BLOCKS], format, resolve);
		if (worker->pending.count >= 2 * BATCH && worker->pool->workers > 1 &&
			g_atomic_int_get(&worker->pool->hungry))
			share(worker);
	}
}

static inline __attribute__((always_inline)) void work_on(
	struct worker *worker, hc_word_format format, hc_scan_resolve resolve)
{
	for (;;) {
		struct batch *batch = NULL;
		hc_words words;

		if (!is_idle(worker))
			words = pool_take_words(worker->pool);
		else if (!pool_take(worker->pool, &words, &batch))
			return;
		for (unsigned i = 0; batch && i < batch->count; i++)
			push(worker, batch->starts[i]);
		g_free(batch);
		if (words.size)
			hc_scanner_words(&worker->scanner, words.bytes, words.size, format, resolve);
		drain(worker, format, resolve);
	}
}

static void run_worker(void *data, unsigned index)
{
	struct pool *pool = data;
	struct worker *worker = g_new0(struct worker, 1);
	hc_word_format format = hc_core_word_format(pool->references->core);

	worker->pool = pool;
	worker->is_alone = pool->workers == 1;
	/* Before it counts as one that has begun: the others don't wait for it. */
	if (!hc_pending_init(&worker->pending, pool->references->blocks->granule_count)) {
		g_atomic_int_set(&pool->failed, 1);
		hc_pending_clear(&worker->pending);
		g_free(worker);
		return;
	}
	/* Workers go round at a distance: at one place they would wait for each other's marks. */
	worker->pending.current = (uint64_t)worker->pending.bucket_count * index / pool->workers;
	g_mutex_lock(&pool->mutex);
	pool->begun++;
	g_mutex_unlock(&pool->mutex);
	hc_scanner_init(&worker->scanner, pool->references->blocks, pool->marks, worker);
	if (format.size != 8 || format.swap)
		work_on(worker, format, pool->interior ? resolve_exact : resolve_mark);
	else if (pool->interior)
		work_on(worker, (hc_word_format){ 8, false }, resolve_exact);
	else
		work_on(worker, (hc_word_format){ 8, false }, resolve_mark);
	g_mutex_lock(&pool->mutex);
	pool->total_words += worker->scanner.words;
	pool->total_hits += worker->scanner.candidates_in;
	g_mutex_unlock(&pool->mutex);
	hc_pending_clear(&worker->pending);
	g_free(worker);
}

bool hc_references_mark(const hc_references *references, uint64_t *marks, uint64_t *interior, const GArray *words,
	const GArray *starts, unsigned jobs, hc_references_totals *totals)
{
	struct pool pool = {
		.references = references,
		.marks = marks,
		.interior = interior,
		.workers = hc_parallel_workers(jobs),
		.words = g_array_new(FALSE, FALSE, sizeof(hc_words)),
		.batches = g_ptr_array_new(),
	};

	g_mutex_init(&pool.mutex);
	g_cond_init(&pool.changed);
	/* The pool is a stack: so the first roots are searched first, a program's data before its stacks. */
	for (unsigned i = words ? words->len : 0; i-- > 0;)
		pool_add_words(&pool, g_array_index(words, hc_words, i));
	for (unsigned i = 0; starts && i < starts->len && !pool.failed; i += BATCH) {
		struct batch *batch = create_batch(BATCH);

		if (!batch) {
			pool.failed = true;
			break;
		}
		batch->count = MIN(BATCH, starts->len - i);
		memcpy(batch->starts, &g_array_index(starts, uint64_t, i), batch->count * sizeof(uint64_t));
		g_ptr_array_add(pool.batches, batch);
	}
	hc_parallel_run(pool.workers, run_worker, &pool);
	totals->words += pool.total_words;
	totals->candidates += pool.total_hits;
	g_array_unref(pool.words);
	g_ptr_array_unref(pool.batches);
	g_mutex_clear(&pool.mutex);
	g_cond_clear(&pool.changed);
	return !pool.failed;
}
