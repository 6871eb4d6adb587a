/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why is this block alive? The shortest way to it from a root.
 *
 * Breadth first over the blocks, from all roots at once. What is remembered is for each block the number of the one that led to it
 * first (parents), and the blocks in the order in which they were reached (queue): 4 bytes a block each, no recursion. The search
 * ends when the block that was asked for is reached, and parents tell the way back. Which word of a block it was that led on is not
 * remembered, but looked for again when somebody asks (hc_paths_step()).
 *
 * Each word leads anywhere, so, as in scan.h, nothing is looked up at once:
 *
 *	queue --> BLOCKS_AHEAD blocks --(place and header fetched)--> words --(heap's?)--> candidates
 *	  ^                                                                                   |  line of the index fetched
 *	  '----- not reached before <--(parents fetched)-- number of the block <--------------'
 *
 * Candidates are resolved in the order in which they came, so the order of the queue, and with it the answer, is that of a plain
 * search: roots by their rank (data, other memory, stacks, registers), then libc's own blocks, which are alive by themselves.
 *
 * Several paths: first every root word that leads straight to the block. Then search after search, each without the blocks that
 * earlier paths lead through, until one finds nothing.
 *
 * Encoded pointers (encodings.c) are followed, behind the plain ones of a block, if the block hangs on one.
 *
 * Lost blocks are searched for among the lost alone, from the directly lost ones on.
 *
 * Cost: a search of 10 million nodes of 24 bytes, each reached from the one before it (nothing to fetch ahead), takes 2 s where they lie in
 * order, and 7 s or more where they lie at random; only blocks that are reached before the target are looked at. 80 MB for these.
 */
#include "references/encodings.h"
#include "references/scan.h"

enum {
	PATHS_MAX = 1000,
	BLOCKS_AHEAD = 32,
	CANDIDATES = 512
};

/* In place of the number of the block that led there. */
static const uint32_t NOBODY = UINT32_MAX, A_ROOT = UINT32_MAX - 1, ITSELF = UINT32_MAX - 2, LEFT_OUT = UINT32_MAX - 3,
		      BLOCKS_MAX = UINT32_MAX - 4;

struct path {
	hc_path_start start;
	uint32_t *numbers; /* of blocks, the target last */
	uint32_t length;
	bool straight; /* a root leads to the target: `reference` tells which */
	hc_reference reference;
};

struct hc_paths {
	const hc_references *references;
	uint32_t target;
	bool exact;	 /* pointers into the middle of a block do not lead there */
	bool encoded;	 /* encoded pointers are followed */
	GPtrArray *list; /* of struct path */
};

struct candidate {
	uint64_t granule;
	hc_address address;
	uint32_t from, number; /* number: NOBODY if it leads nowhere */
	uint64_t start;
};

struct search {
	const hc_paths *paths;
	const hc_references *references;
	const hc_blocks *blocks;
	hc_word_format format;
	bool lost; /* only lost blocks are searched */
	uint32_t *parents, *queue;
	uint32_t head, tail;
	struct candidate candidates[CANDIDATES];
	unsigned candidate_count;
	uint32_t encoded_from; /* what the words are in that are looked at for encoded pointers */
	bool found;
};

/* ---- where a word leads ---- */

/* Whether a path may go by ADDRESS to the block that starts at granule START. Pointers to free memory are shown whatever they are. */
static bool may_lead(const hc_paths *paths, uint32_t number, uint64_t start, hc_address address)
{
	const hc_blocks *blocks = paths->references->blocks;
	hc_address block;

	if (!paths->exact || (number == paths->target && blocks->states[number] != HC_BLOCK_IN_USE))
		return true;
	block = hc_blocks_address(blocks, hc_blocks_region_of_start(blocks, start), start);
	return address == block || hc_references_is_as_good_as_start(paths->references, start, address);
}

/* May the search go through it, and not only to it? */
static bool may_enter(const struct search *search, uint32_t number, uint64_t start)
{
	const hc_blocks *blocks = search->blocks;

	if (number == search->paths->target)
		return true;
	if (blocks->states[number] != HC_BLOCK_IN_USE || (search->lost && hc_bit(search->references->marks, start)))
		return false;
	const hc_label *label = hc_blocks_is_labelled(blocks, number) ?
					g_hash_table_lookup(blocks->labels, GUINT_TO_POINTER(number)) :
					NULL;

	return !label || !hc_label_is_cache(label);
}

static void reach(struct search *search, uint32_t number, uint32_t from)
{
	search->parents[number] = from;
	search->queue[search->tail++] = number;
	search->found |= number == search->paths->target;
}

static void resolve_candidates(struct search *search)
{
	const hc_blocks *blocks = search->blocks;

	for (unsigned i = 0; i < search->candidate_count; i++) {
		struct candidate *candidate = &search->candidates[i];

		candidate->number = NOBODY;
		candidate->start = hc_blocks_start_of(blocks, candidate->granule, candidate->address);
		if (candidate->start == UINT64_MAX)
			continue;
		candidate->number = hc_blocks_number(blocks, candidate->start);
		__builtin_prefetch(&search->parents[candidate->number], 1);
	}
	for (unsigned i = 0; i < search->candidate_count && !search->found; i++) {
		const struct candidate *candidate = &search->candidates[i];
		uint32_t number = candidate->number;

		if (number == NOBODY || search->parents[number] != NOBODY)
			continue;
		/* Straight paths were found before. */
		if (candidate->from == A_ROOT && number == search->paths->target)
			continue;
		if (may_enter(search, number, candidate->start) &&
			may_lead(search->paths, number, candidate->start, candidate->address))
			reach(search, number, candidate->from);
	}
	search->candidate_count = 0;
}

static void search_words(struct search *search, hc_words words, uint32_t from)
{
	const hc_blocks *blocks = search->blocks;
	hc_word_format format = search->format;

	for (uint64_t i = 0; i + format.size <= words.size; i += format.size) {
		hc_address value = hc_load_word(words.bytes + i, format);

		if (G_LIKELY(!hc_blocks_may_contain(blocks, value)))
			continue;
		const hc_block_region *region = hc_blocks_region(blocks, value);

		if (!region)
			continue;
		uint64_t granule = hc_blocks_granule(blocks, region, value);

		__builtin_prefetch(&blocks->starts[granule / 64]);
		search->candidates[search->candidate_count++] =
			(struct candidate){ .granule = granule, .address = value, .from = from };
		if (search->candidate_count == CANDIDATES)
			resolve_candidates(search);
	}
}

static void look_for_encoded(void *data, unsigned worker, const hc_word_source *source)
{
	struct search *search = data;
	const hc_blocks *blocks = search->blocks;
	hc_encoded_word word;

	(void)worker;
	for (uint64_t at = 0; hc_encodings_next(search->references, source, &at, &word);) {
		search->candidates[search->candidate_count++] = (struct candidate){
			.granule = word.start,
			.address = hc_blocks_address(blocks, hc_blocks_region_of_start(blocks, word.start), word.start),
			.from = search->encoded_from,
		};
		if (search->candidate_count == CANDIDATES)
			resolve_candidates(search);
	}
}

static void search_block_for_encoded(struct search *search, uint64_t start, uint32_t number)
{
	search->encoded_from = number;
	hc_references_look_at(search->references, start, look_for_encoded, search);
}

/* Calls search_words() for what the block at granule START holds. */
static void search_block(struct search *search, const hc_block_region *region, uint64_t start, uint32_t number)
{
	hc_address address = hc_blocks_address(search->blocks, region, start);
	uint64_t size = hc_blocks_usable_size(search->blocks, region, address);

	size = MIN(size, region->end - address);
	if (region->bytes) {
		search_words(search, (hc_words){ region->bytes + (address - region->start), size }, number);
	} else {
		g_autoptr(GArray) words = g_array_new(FALSE, FALSE, sizeof(hc_words));

		hc_references_add_words(search->references, address, address + size, words);
		for (unsigned i = 0; i < words->len; i++)
			search_words(search, g_array_index(words, hc_words, i), number);
	}
	if (search->paths->encoded)
		search_block_for_encoded(search, start, number);
}

/* ---- the search ---- */

static void start_at_roots(struct search *search)
{
	const hc_references *references = search->references;
	g_autoptr(GArray) words = g_array_new(FALSE, FALSE, sizeof(hc_words));
	GHashTableIter iter;
	gpointer key;

	for (unsigned rank = 0; rank < HC_ROOT_RANKS; rank++)
		for (unsigned i = 0; i < references->roots->len; i++) {
			const hc_root *root = &g_array_index(references->roots, hc_root, i);

			if (hc_references_root_rank(root) == rank)
				hc_references_add_root_words(references, root, words);
		}
	for (unsigned i = 0; i < words->len; i++)
		search_words(search, g_array_index(words, hc_words, i), A_ROOT);
	search->encoded_from = A_ROOT;
	for (unsigned i = 0; search->paths->encoded && i < references->roots->len; i++)
		hc_references_look_at_root(
			references, &g_array_index(references->roots, hc_root, i), look_for_encoded, search);
	resolve_candidates(search);
	/* In the order of their numbers, so that the answer does not depend on the table's. */
	g_autoptr(GArray) own = g_array_new(FALSE, FALSE, sizeof(uint32_t));

	g_hash_table_iter_init(&iter, search->blocks->labels);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		uint32_t number = GPOINTER_TO_UINT(key);

		g_array_append_val(own, number);
	}
	for (unsigned i = 0; i < own->len; i++) {
		uint32_t number = g_array_index(own, uint32_t, i);

		if (search->parents[number] == NOBODY && number != search->paths->target &&
			may_enter(search, number, hc_blocks_start_of_number(search->blocks, number)))
			reach(search, number, ITSELF);
	}
}

static void start_at_lost(struct search *search)
{
	hc_block block;
	hc_reach how;

	for (uint32_t number = 0; hc_references_next_lost(search->references, &number, &block, &how);)
		if (how == HC_REACH_DIRECTLY_LOST && search->parents[block.number] == NOBODY &&
			block.number != search->paths->target)
			reach(search, block.number, ITSELF);
}

static void search_all(struct search *search)
{
	const hc_blocks *blocks = search->blocks;

	while (!search->found && search->head < search->tail) {
		const hc_block_region *regions[BLOCKS_AHEAD];
		uint64_t starts[BLOCKS_AHEAD];
		unsigned count = MIN(BLOCKS_AHEAD, search->tail - search->head);

		for (unsigned i = 0; i < count; i++) {
			starts[i] = hc_blocks_start_of_number(blocks, search->queue[search->head + i]);
			regions[i] = hc_blocks_region_of_start(blocks, starts[i]);
			if (regions[i]->bytes)
				__builtin_prefetch(
					regions[i]->bytes +
					(hc_blocks_address(blocks, regions[i], starts[i]) - regions[i]->start) -
					blocks->word);
		}
		for (unsigned i = 0; i < count && !search->found; i++)
			search_block(search, regions[i], starts[i], search->queue[search->head + i]);
		resolve_candidates(search);
		search->head += count;
	}
}

/* ---- paths ---- */

static void path_destroy(void *data)
{
	struct path *path = data;

	g_free(path->numbers);
	g_free(path);
}

/* Adds a path of LENGTH blocks, all of them the target. NULL if memory was out. */
static struct path *add_path(hc_paths *paths, hc_path_start start, uint32_t length)
{
	uint32_t *numbers = g_try_new(uint32_t, length);

	if (!numbers)
		return NULL;
	for (uint32_t i = 0; i < length; i++)
		numbers[i] = paths->target;
	struct path *path = g_new0(struct path, 1);

	path->start = start;
	path->numbers = numbers;
	path->length = length;
	g_ptr_array_add(paths->list, path);
	return path;
}

/* From the target back to where the search began. FALSE if memory was out. */
static bool take_path(hc_paths *paths, const struct search *search)
{
	uint32_t length = 1, first = paths->target;

	for (; search->parents[first] < BLOCKS_MAX; first = search->parents[first])
		length++;
	hc_path_start start = search->parents[first] == A_ROOT ? HC_PATH_ROOT :
			      search->lost		       ? HC_PATH_LOST :
								 HC_PATH_OWN;
	struct path *path = add_path(paths, start, length);

	if (!path)
		return false;
	for (uint32_t i = length, number = paths->target; i--; number = search->parents[number])
		path->numbers[i] = number;
	return true;
}

/* Every root word that leads to the target. */
static void take_straight(hc_paths *paths, unsigned limit)
{
	const hc_blocks *blocks = paths->references->blocks;
	uint64_t start = hc_blocks_start_of_number(blocks, paths->target);
	hc_block block;

	if (!hc_blocks_get(blocks, paths->target, &block))
		return;
	g_autoptr(GArray) words =
		hc_references_from_roots(paths->references, block.address, block.address + block.size, UINT_MAX);

	for (unsigned i = 0; i < words->len && paths->list->len < limit; i++) {
		const hc_reference *reference = &g_array_index(words, hc_reference, i);

		if (!may_lead(paths, paths->target, start, reference->to))
			continue;
		struct path *path = add_path(paths, HC_PATH_ROOT, 1);

		if (!path)
			return;
		path->straight = true;
		path->reference = *reference;
	}
}

static void leave_out_earlier(const hc_paths *paths, struct search *search)
{
	for (unsigned i = 0; i < paths->list->len; i++) {
		const struct path *path = paths->list->pdata[i];

		for (uint32_t k = 0; k + 1 < path->length; k++)
			search->parents[path->numbers[k]] = LEFT_OUT;
	}
}

/* One search after the other, until LIMIT paths are known or there is none any more. FALSE if memory was out. */
static bool search_paths(hc_paths *paths, bool lost, unsigned limit)
{
	const hc_references *references = paths->references;
	uint32_t count = references->blocks->count;
	g_autofree struct search *search = g_new0(struct search, 1);
	g_autofree uint32_t *parents = g_try_new(uint32_t, count);
	unsigned known = UINT_MAX;

	if (!parents || count > BLOCKS_MAX)
		return false;
	while (paths->list->len < limit && paths->list->len != known) {
		g_autofree uint32_t *queue = g_try_new(uint32_t, count);

		if (!queue)
			return false;
		*search = (struct search){
			.paths = paths,
			.references = references,
			.blocks = references->blocks,
			.format = hc_core_word_format(references->core),
			.lost = lost,
			.parents = parents,
			.queue = queue,
		};
		known = paths->list->len;
		memset(parents, 0xff, count * sizeof *parents);
		leave_out_earlier(paths, search);
		if (lost)
			start_at_lost(search);
		else
			start_at_roots(search);
		search_all(search);
		/* A path can have as many blocks as the queue. */
		g_clear_pointer(&queue, g_free);
		if (search->found && !take_path(paths, search))
			return false;
	}
	return true;
}

hc_paths *hc_paths_find(const hc_references *references, uint32_t number, unsigned limit, GError **error)
{
	hc_reach how = hc_references_reach(references, number);
	g_autoptr(hc_paths) paths = g_new0(hc_paths, 1);
	hc_block block;

	paths->references = references;
	paths->target = number;
	/* What is possibly lost, or held inside, may hang on a block that encoded pointers lead to. */
	paths->encoded = references->totals.encoded.blocks && how != HC_REACH_REACHABLE && !hc_reach_is_lost(how);
	paths->exact = how != HC_REACH_POSSIBLY_LOST && !hc_reach_is_lost(how);
	paths->list = g_ptr_array_new_with_free_func(path_destroy);
	limit = CLAMP(limit, 1, PATHS_MAX);
	if (!hc_blocks_get(references->blocks, number, &block))
		return g_steal_pointer(&paths);
	if (!hc_reach_is_lost(how))
		take_straight(paths, limit);
	if (block.label && paths->list->len < limit)
		add_path(paths, HC_PATH_OWN, 1);
	if (how == HC_REACH_DIRECTLY_LOST)
		add_path(paths, HC_PATH_LOST, 1);
	if (!search_paths(paths, hc_reach_is_lost(how), limit)) {
		g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory to search %u blocks for a path",
			references->blocks->count);
		return NULL;
	}
	return g_steal_pointer(&paths);
}

void hc_paths_destroy(hc_paths *paths)
{
	if (!paths)
		return;
	g_ptr_array_unref(paths->list);
	g_free(paths);
}

unsigned hc_paths_count(const hc_paths *paths)
{
	return paths->list->len;
}

static const struct path *get_path(const hc_paths *paths, unsigned index)
{
	return paths->list->pdata[index];
}

hc_path_start hc_paths_start(const hc_paths *paths, unsigned index)
{
	return get_path(paths, index)->start;
}

uint32_t hc_paths_length(const hc_paths *paths, unsigned index)
{
	return get_path(paths, index)->length;
}

/* ---- the word that leads to a block ---- */

/* The first of FOUND (roots' words) by which the path may go. */
static bool choose_root(const hc_paths *paths, const hc_block *block, hc_reference *ret_reference)
{
	g_autoptr(GArray) words =
		hc_references_from_roots(paths->references, block->address, block->address + block->size, UINT_MAX);
	uint64_t start = hc_blocks_start_of_number(paths->references->blocks, block->number);

	for (unsigned i = 0; i < words->len; i++) {
		*ret_reference = g_array_index(words, hc_reference, i);
		if (may_lead(paths, block->number, start, ret_reference->to))
			return true;
	}
	return false;
}

/* The encoded word that leads from block `from` to the block at granule `start`. */
struct encoded_search {
	const hc_references *references;
	uint32_t from;
	uint64_t start;
	hc_address address; /* of that block */
	hc_reference *reference;
	bool found;
};

static void look_for_word(void *data, unsigned worker, const hc_word_source *source)
{
	struct encoded_search *search = data;
	hc_encoded_word word;

	(void)worker;
	for (uint64_t at = 0; !search->found && hc_encodings_next(search->references, source, &at, &word);) {
		if (word.start != search->start)
			continue;
		*search->reference = (hc_reference){ .from = source->address + word.at,
			.to = search->address,
			.block = search->from,
			.register_index = HC_REGISTER_NONE,
			.encoding = word.encoding };
		search->found = true;
	}
}

/* The word in block FROM that leads to BLOCK. */
static bool find_word(const hc_paths *paths, uint32_t from, const hc_block *block, hc_reference *ret_reference)
{
	const hc_references *references = paths->references;
	unsigned word = hc_core_word_format(references->core).size;
	uint64_t start = hc_blocks_start_of_number(references->blocks, block->number);
	hc_block holder;

	if (!hc_blocks_get(references->blocks, from, &holder))
		return false;
	for (uint64_t offset = 0; offset + word <= holder.size; offset += word) {
		uint64_t value;

		if (!hc_core_read_word(references->core, holder.address + offset, &value) ||
			value - block->address >= block->size || !may_lead(paths, block->number, start, value))
			continue;
		*ret_reference = (hc_reference){ holder.address + offset, value, 0, from, HC_REGISTER_NONE, { 0 } };
		return true;
	}
	struct encoded_search search = { .references = references,
		.from = from,
		.start = start,
		.address = block->address,
		.reference = ret_reference };

	if (paths->encoded)
		hc_references_look_at(
			references, hc_blocks_start_of_number(references->blocks, from), look_for_word, &search);
	return search.found;
}

bool hc_paths_step(const hc_paths *paths, unsigned index, uint32_t step, hc_path_step *ret_step)
{
	const struct path *path = get_path(paths, index);

	*ret_step = (hc_path_step){ .reference = { .block = UINT32_MAX, .register_index = HC_REGISTER_NONE } };
	if (step >= path->length || !hc_blocks_get(paths->references->blocks, path->numbers[step], &ret_step->block))
		return false;
	if (step) {
		ret_step->has_reference =
			find_word(paths, path->numbers[step - 1], &ret_step->block, &ret_step->reference);
	} else if (path->straight) {
		ret_step->has_reference = true;
		ret_step->reference = path->reference;
	} else if (path->start == HC_PATH_ROOT) {
		ret_step->has_reference = choose_root(paths, &ret_step->block, &ret_step->reference);
	}
	return true;
}
