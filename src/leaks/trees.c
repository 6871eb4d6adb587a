/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What each lost head drags along.
 *
 * A structure that is lost shows as one block that nothing points to, the head, and a crowd that only it leads to. Shown block
 * by block it looks like many leaks; it is one. So every block goes to the first head, in order of address, that leads to it,
 * and is shown with that head only.
 *
 *	1  find_members: one bit for each lost block (`pending`) and for each head; possibly lost blocks have bits of their own.
 *	2  find_possible_heads: references/ tells the heads of lost blocks, but not those of possibly lost ones. They are those
 *	   that no other possibly lost block points to, and of rings the block with the lowest address.
 *	3  walk: from each head along pending blocks, whose bits are cleared. A block is entered once, so it is linear; the
 *	   stack is an array, so a list of any length will do. A word that leads back to the head makes it a ring.
 *
 * What is known of a tree is put together during that one walk (its words are in the cache then) and given to groups.c. The
 * blocks of a tree are not kept: who wants them walks again (hc_leaks_each_block()), and meets the same.
 *
 * A pointer from a block into itself makes no ring: the sentinel of an empty list has one, and is a leak like others. Nor does one into
 * the middle of the head: the end mark of a list or a map that is a member of it is pointed to by its elements, which keeps nothing alive.
 *
 * Whether a ring is why the head was never freed only who counts references can tell: holds_itself().
 */
#include "leaks/leaks_state.h"

#include "program_types/program_types.h"

struct walk {
	const hc_leaks *leaks;
	uint64_t *pending[HC_LEAK_CLASS_COUNT];
	uint64_t *todo; /* granules */
	size_t todo_count, todo_capacity;
	const hc_block_region *region; /* of the block looked at last */
	bool no_memory;
	hc_leaks *collecting; /* NULL: only the blocks are of interest */
	GArray *places;	      /* of the tree, of struct place_count */
	GArray *sizes;	      /* of the tree, of struct size_count */
	unsigned size_hint;
};

/* A block on the way. */
struct node {
	uint64_t start;
	hc_address address;
	uint64_t size;
	const uint8_t *bytes; /* all of it; NULL if it is not in one piece */
};

static bool walk_init(struct walk *walk, const hc_leaks *leaks)
{
	uint64_t words = leaks->blocks->granule_count / 64 + 1;

	*walk = (struct walk){ .leaks = leaks };
	for (unsigned i = 0; i < HC_LEAK_CLASS_COUNT; i++) {
		walk->pending[i] = g_try_new0(uint64_t, words);
		walk->no_memory |= !walk->pending[i];
	}
	return !walk->no_memory;
}

static void walk_clear(struct walk *walk)
{
	for (unsigned i = 0; i < HC_LEAK_CLASS_COUNT; i++)
		g_free(walk->pending[i]);
	g_free(walk->todo);
	if (walk->sizes)
		g_array_unref(walk->sizes);
	if (walk->places)
		g_array_unref(walk->places);
}

typedef struct walk tree_walk;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(tree_walk, walk_clear)

static void push(struct walk *walk, uint64_t start)
{
	if (walk->todo_count == walk->todo_capacity) {
		size_t capacity = MAX(1024, 2 * walk->todo_capacity);
		uint64_t *more = g_try_renew(uint64_t, walk->todo, capacity);

		if (!more) {
			walk->no_memory = true;
			return;
		}
		walk->todo = more;
		walk->todo_capacity = capacity;
	}
	walk->todo[walk->todo_count++] = start;
}

/* The same size as hc_block's, without its number. */
static struct node node_at(struct walk *walk, uint64_t start)
{
	const hc_blocks *blocks = walk->leaks->blocks;
	const hc_block_region *region = walk->region;
	struct node node = { .start = start };

	if (!region || start - region->first_granule >= region->granules)
		region = walk->region = hc_blocks_region_of_start(blocks, start);
	node.address = hc_blocks_address(blocks, region, start);
	if (region->region.is_mmapped) {
		node.size = region->region.block_size;
	} else {
		uint64_t next = hc_blocks_next_start(blocks, start + 1);
		uint64_t room = region->end - node.address;

		if (next < region->first_granule + region->granules)
			node.size = ((next - start) << blocks->granule_shift) - blocks->word;
		else
			node.size = MIN(hc_blocks_usable_size(blocks, region, node.address), room + blocks->word);
	}
	if (region->bytes && node.address >= region->start && node.size <= region->end - node.address)
		node.bytes = region->bytes + (node.address - region->start);
	return node;
}

/* ---- words of a block: where they lead ---- */

static void follow(struct walk *walk, struct tree *tree, uint64_t from, hc_address value)
{
	uint64_t *pending = walk->pending[tree->class], target = hc_leaks_target(walk->leaks, value);

	tree->to_head += value == tree->address;
	if (target == UINT64_MAX || target == from)
		return;
	tree->ring |= value == tree->address;
	if (hc_bit(pending, target)) {
		hc_clear_bit(pending, target);
		push(walk, target);
	}
}

/* The word PLACE of NODE is VALUE, which may be in a module. Vtables stand in the first words of objects, behind a cookie of new[] at most. */
static void add_module_word(
	struct walk *walk, struct tree *tree, const struct node *node, hc_address value, uint64_t place)
{
	uint16_t module = hc_leaks_module_at(walk->leaks, value);

	if (module == NO_MODULE)
		return;
	hc_leaks_add_weight(
		&tree->weights, module, 1, place < LINK_WORDS && hc_leaks_type_at(walk->collecting, value), 0);
	if (place < HC_LEAK_WORDS_MAX)
		hc_leaks_count_place(
			walk->places, &(struct place_count){ .size = node->size, .place = place, .module = module }, 1);
}

/* SIZE bytes of NODE, from word FIRST on. */
static inline void scan_words(struct walk *walk, struct tree *tree, const struct node *node, const uint8_t *bytes,
	uint64_t size, uint64_t first, hc_word_format format)
{
	const hc_leaks *leaks = walk->leaks;
	const struct module_range *ranges = (const struct module_range *)(const void *)leaks->ranges->data;
	hc_address low = leaks->ranges->len ? ranges[0].start : UINT64_MAX;
	hc_address span = leaks->ranges->len ? ranges[leaks->ranges->len - 1].end - low : 0;

	for (uint64_t i = 0; i + format.size <= size; i += format.size) {
		hc_address value = hc_load_word(bytes + i, format);

		if (hc_blocks_may_contain(leaks->blocks, value))
			follow(walk, tree, node->start, value);
		if (walk->collecting && value - low < span)
			add_module_word(walk, tree, node, value, first + i / format.size);
	}
}

static void scan_node(struct walk *walk, struct tree *tree, const struct node *node)
{
	hc_word_format format = walk->leaks->format;
	hc_address address = node->address;
	struct piece piece;

	if (node->bytes && format.size == 8 && !format.swap) {
		scan_words(walk, tree, node, node->bytes, node->size, 0, (hc_word_format){ 8, false });
		return;
	}
	while (hc_leaks_next_piece(walk->leaks, &address, node->address + node->size, &piece))
		scan_words(walk, tree, node, piece.bytes, piece.size, (piece.address - node->address) / format.size,
			format);
}

/* ---- passes 1 and 2 ---- */

static void find_members(struct walk *walk, uint64_t *heads)
{
	const hc_leaks *leaks = walk->leaks;
	uint64_t words = leaks->blocks->granule_count / 64;

	for (uint64_t word = 0; word < words; word++) {
		hc_lost_bits bits = hc_references_lost_bits(leaks->references, word);

		if (heads)
			heads[word] |= bits.directly;
		walk->pending[HC_LEAK_LOST][word] = bits.directly | bits.indirectly;
		walk->pending[HC_LEAK_POSSIBLE][word] = bits.possibly;
	}
}

static inline uint64_t next_bit(const uint64_t *bits, uint64_t words, uint64_t from)
{
	uint64_t word = from / 64, left;

	if (word >= words)
		return UINT64_MAX;
	left = bits[word] & ~(uint64_t)0 << from % 64;
	while (!left) {
		if (++word >= words)
			return UINT64_MAX;
		left = bits[word];
	}
	return word * 64 + __builtin_ctzll(left);
}

/* All blocks that hang on TREE's head, which is pending. Calls VISIT, if there is one, for each. FALSE if that did. */
typedef bool (*node_visit)(struct walk *walk, struct tree *tree, const struct node *node, void *data);

static bool walk_tree(struct walk *walk, struct tree *tree, node_visit visit, void *data)
{
	hc_clear_bit(walk->pending[tree->class], tree->start);
	push(walk, tree->start);
	while (walk->todo_count) {
		struct node node = node_at(walk, walk->todo[--walk->todo_count]);

		if (visit && !visit(walk, tree, &node, data)) {
			walk->todo_count = 0;
			return false;
		}
		scan_node(walk, tree, &node);
	}
	return true;
}

static void find_possible_heads(struct walk *walk, uint64_t *heads, uint64_t *pointed_to)
{
	uint64_t *pending = walk->pending[HC_LEAK_POSSIBLE], words = walk->leaks->blocks->granule_count / 64;
	struct tree tree = { .class = HC_LEAK_POSSIBLE, .start = UINT64_MAX };

	/* Blocks taken from the set as they are reached are those that are pointed to. Each is scanned exactly once. */
	memcpy(pointed_to, pending, words * sizeof *pending);
	for (uint64_t start = next_bit(pointed_to, words, 0); start != UINT64_MAX;
		start = next_bit(pointed_to, words, start + 1)) {
		struct node node = node_at(walk, start);

		scan_node(walk, &tree, &node);
		walk->todo_count = 0;
	}
	/* Now `pending` has those that nothing points to; `pointed_to` has all. */
	for (uint64_t word = 0; word < words; word++) {
		heads[word] |= pending[word];
		pending[word] = pointed_to[word];
	}
	for (uint64_t start = next_bit(pointed_to, words, 0); start != UINT64_MAX;
		start = next_bit(pointed_to, words, start + 1)) {
		tree.start = start;
		if (hc_bit(heads, start))
			walk_tree(walk, &tree, NULL, NULL);
	}
	for (uint64_t start = next_bit(pending, words, 0); start != UINT64_MAX;
		start = next_bit(pending, words, start + 1)) {
		hc_set_bit(heads, start);
		tree.start = start;
		walk_tree(walk, &tree, NULL, NULL);
	}
	memcpy(pending, pointed_to, words * sizeof *pending);
}

static bool rank_heads(struct ranked_bits *heads, uint64_t granules)
{
	uint64_t groups = granules / HC_GROUP_GRANULES;

	heads->ranks = g_try_new(uint32_t, groups + 1);
	if (!heads->ranks)
		return false;
	for (uint64_t group = 0; group < groups; group++) {
		heads->ranks[group] = heads->count;
		for (unsigned i = 0; i < HC_GROUP_WORDS; i++)
			heads->count += __builtin_popcountll(heads->bits[group * HC_GROUP_WORDS + i]);
	}
	heads->ranks[groups] = heads->count;
	return true;
}

static bool find_heads(struct walk *walk, hc_leaks *leaks)
{
	uint64_t granules = leaks->blocks->granule_count;
	g_autofree uint64_t *all = NULL;

	leaks->heads.bits = g_try_new0(uint64_t, granules / 64 + 1);
	if (!leaks->heads.bits)
		return false;
	find_members(walk, leaks->heads.bits);
	if (hc_references_get_totals(leaks->references)->possibly_lost.blocks) {
		all = g_try_new(uint64_t, granules / 64 + 1);
		if (!all)
			return false;
		find_possible_heads(walk, leaks->heads.bits, all);
	}
	if (walk->no_memory || !rank_heads(&leaks->heads, granules))
		return false;
	leaks->group_of = g_try_new(uint32_t, leaks->heads.count + 1);
	leaks->evidence_of = g_try_new0(uint32_t, leaks->heads.count + 1);
	return leaks->group_of && leaks->evidence_of;
}

/* ---- pass 3 ---- */

/* The head's first words, and what they make of it. */
static void read_head(hc_leaks *leaks, struct tree *tree, const struct node *node)
{
	unsigned word = leaks->format.size;
	uint64_t available = 0;

	tree->address = node->address;
	tree->size = node->size;
	tree->bytes = node->bytes ? node->bytes : hc_core_bytes(leaks->core, node->address, &available);
	tree->readable = node->bytes ? node->size : MIN(available, node->size);
	tree->type = 0;
	tree->gone = UINT64_MAX;
	tree->word_count = tree->bytes ? MIN(tree->readable / word, HC_LEAK_WORDS_MAX) : 0;
	for (unsigned i = 0; i < tree->word_count; i++) {
		tree->values[i] = hc_load_word(tree->bytes + i * word, leaks->format);
		tree->kinds[i] =
			hc_leaks_classify(leaks, tree->values[i], tree->bytes + i * word, &tree->word_modules[i]);
		/* Behind a cookie of new[] too. */
		if (!tree->type && i < LINK_WORDS && tree->kinds[i] == HC_WORD_MODULE)
			tree->type = hc_leaks_type_at(leaks, tree->values[i]);
		if (tree->gone == UINT64_MAX && i < LINK_WORDS && tree->kinds[i] == HC_WORD_UNLOADED)
			tree->gone = tree->values[i] % hc_core_process(leaks->core)->page_size;
	}
	hc_leaks_read_prefix(leaks, tree);
}

/*
 * Whether TREE, whose head is a control block of a std::shared_ptr, has all references to it in its own blocks: then these hold it, and it
 * them. _Sp_counted_base has behind its vtable the number of shared_ptrs, and that of weak_ptrs, which is one more while there is
 * a shared_ptr (bits/shared_ptr_base.h); each has the control block's address in it.
 */
static bool holds_itself(const hc_leaks *leaks, const struct tree *tree)
{
	const char *type = hc_leaks_type_name(leaks, tree->type);
	hc_word_format counts = { 4, leaks->format.swap };
	uint64_t shared, weak;

	if (!tree->ring || !type || !g_str_has_prefix(type, "std::_Sp_counted_") || tree->kinds[0] != HC_WORD_MODULE ||
		tree->readable < leaks->format.size + 8)
		return false;
	shared = hc_load_word(tree->bytes + leaks->format.size, counts);
	weak = hc_load_word(tree->bytes + leaks->format.size + 4, counts);
	return shared && weak && shared + weak - 1 <= tree->to_head;
}

static bool begins_unloaded(const hc_leaks *leaks, const struct node *node)
{
	uint64_t first;

	if (!hc_unloaded_amount(leaks->unloaded).blocks || node->size < leaks->format.size)
		return false;
	if (node->bytes)
		return hc_unloaded_has(leaks->unloaded, hc_load_word(node->bytes, leaks->format));
	return hc_core_read_word(leaks->core, node->address, &first) && hc_unloaded_has(leaks->unloaded, first);
}

static bool collect_node(struct walk *walk, struct tree *tree, const struct node *node, void *data)
{
	(void)data;
	if (node->start == tree->start)
		read_head(walk->collecting, tree, node);
	tree->unloaded += begins_unloaded(walk->collecting, node);
	tree->blocks++;
	tree->total_bytes += node->size;
	tree->resident += hc_core_resident(walk->leaks->core, node->address, node->address + node->size).resident;
	hc_leaks_count_size(walk->sizes, &walk->size_hint, node->size, 1);
	return true;
}

static void add_to_totals(hc_leaks *leaks, const struct tree *tree)
{
	hc_leaks_totals *totals = &leaks->totals;
	hc_amount *heads = &totals->definitely_lost, *others = &totals->indirectly_lost;

	if (tree->class == HC_LEAK_POSSIBLE)
		heads = others = &totals->possibly_lost;
	if (tree->suppression)
		heads = others = &totals->suppressed;
	hc_amount_count(heads, tree->size);
	others->blocks += tree->blocks - 1;
	others->bytes += tree->total_bytes - tree->size;
}

static void group_tree(struct walk *walk, hc_leaks *leaks, struct tree *tree)
{
	uint32_t rank = hc_leaks_rank(&leaks->heads, tree->start);
	struct group *group;

	g_array_set_size(walk->sizes, 0);
	g_array_set_size(walk->places, 0);
	tree->weights.count = 0;
	walk_tree(walk, tree, collect_node, NULL);
	tree->holds_itself = holds_itself(leaks, tree);
	tree->evidence = leaks->evidence_of[rank];
	if (tree->evidence) {
		const struct evidence *evidence = &g_array_index(leaks->evidence, struct evidence, tree->evidence - 1);

		if (evidence->module != NO_MODULE)
			hc_leaks_add_weight(&tree->weights, evidence->module, 0, 0, 1);
	}
	tree->suppression = leaks->options.suppressions ? hc_leaks_suppress(leaks, tree) : NULL;
	add_to_totals(leaks, tree);
	leaks->group_of[rank] = hc_leaks_add_tree(leaks, tree);
	group = leaks->building->pdata[leaks->group_of[rank]];
	for (unsigned i = 0; i < walk->sizes->len; i++) {
		const struct size_count *count = &g_array_index(walk->sizes, struct size_count, i);

		hc_leaks_count_size(group->sizes, &group->size_hint, count->size, count->blocks);
	}
	if (walk->places->len && !group->places)
		group->places = g_array_new(FALSE, FALSE, sizeof(struct place_count));
	for (unsigned i = 0; i < walk->places->len; i++) {
		const struct place_count *count = &g_array_index(walk->places, struct place_count, i);

		hc_leaks_count_place(group->places, count, count->blocks);
	}
}

/* The heads in order of address: TREE's class and start are set, the rest is zero. FALSE after the last one. */
static bool next_head(const struct walk *walk, uint64_t *start, struct tree *tree)
{
	const hc_leaks *leaks = walk->leaks;

	*start = next_bit(leaks->heads.bits, leaks->blocks->granule_count / 64, *start);
	if (*start == UINT64_MAX)
		return false;
	/* Not all of it: a tree is large. What is not set here is set by read_head() and group_tree(). */
	tree->start = (*start)++;
	tree->class = hc_bit(walk->pending[HC_LEAK_POSSIBLE], tree->start) ? HC_LEAK_POSSIBLE : HC_LEAK_LOST;
	tree->blocks = tree->total_bytes = tree->resident = tree->unloaded = tree->to_head = 0;
	tree->address = UINT64_MAX; /* known once the head is read */
	tree->ring = false;
	return true;
}

static bool make_trees(hc_leaks *leaks)
{
	g_auto(tree_walk) walk = { 0 };
	struct tree tree = { 0 };
	uint64_t start = 0;

	if (!walk_init(&walk, leaks) || !find_heads(&walk, leaks) || !hc_leaks_find_evidence(leaks))
		return false;
	walk.collecting = leaks;
	walk.sizes = g_array_new(FALSE, FALSE, sizeof(struct size_count));
	walk.places = g_array_new(FALSE, FALSE, sizeof(struct place_count));
	while (next_head(&walk, &start, &tree) && !walk.no_memory)
		group_tree(&walk, leaks, &tree);
	return !walk.no_memory;
}

/* ---- the blocks again, for who wants to see each ---- */

struct visitor {
	hc_leaks_visit visit;
	void *data;
	hc_address head;
	const hc_leak_group *group;
};

static bool visit_node(struct walk *walk, struct tree *tree, const struct node *node, void *data)
{
	struct visitor *visitor = data;
	const hc_blocks *blocks = walk->leaks->blocks;
	hc_block block;

	if (!hc_blocks_get(blocks, hc_blocks_number(blocks, node->start), &block))
		return true;
	if (node->start == tree->start) {
		const hc_leaks *leaks = walk->leaks;

		visitor->head = node->address;
		visitor->group = hc_leaks_group(leaks, leaks->group_of[hc_leaks_rank(&leaks->heads, node->start)]);
	}
	return visitor->visit(&block, hc_references_reach_at(walk->leaks->references, node->start), visitor->head,
		visitor->group, visitor->data);
}

bool hc_leaks_each_block(const hc_leaks *leaks, hc_leaks_visit visit, void *data)
{
	struct visitor visitor = { .visit = visit, .data = data };
	g_auto(tree_walk) walk = { 0 };
	struct tree tree = { 0 };
	uint64_t start = 0;

	if (!walk_init(&walk, leaks))
		return false;
	find_members(&walk, NULL);
	while (next_head(&walk, &start, &tree))
		if (!walk_tree(&walk, &tree, visit_node, &visitor))
			break;
	return !walk.no_memory;
}

/* ---- all of it ---- */

hc_leaks *hc_leaks_create(const hc_core *core, hc_program_types *program_types, const hc_blocks *blocks,
	const hc_areas *areas, const hc_references *references, const hc_unloaded *unloaded,
	const hc_leaks_options *options, GError **error)
{
	const hc_references_totals *totals = hc_references_get_totals(references);
	g_autoptr(hc_leaks) leaks = g_new0(hc_leaks, 1);

	leaks->core = core;
	leaks->program_types = program_types;
	leaks->modules = hc_program_types_modules(program_types);
	leaks->blocks = blocks;
	leaks->areas = areas;
	leaks->references = references;
	if (options)
		leaks->options = *options;
	leaks->format = hc_core_word_format(core);
	leaks->evidence = g_array_new(FALSE, FALSE, sizeof(struct evidence));
	leaks->building = g_ptr_array_new_with_free_func(hc_leaks_free_group);
	leaks->by_key = g_hash_table_new(g_int64_hash, g_int64_equal);
	leaks->groups = g_array_new(FALSE, TRUE, sizeof(hc_leak_group));
	leaks->parts = g_ptr_array_new_with_free_func(g_free);
	leaks->mappings = g_array_new(FALSE, FALSE, sizeof(const hc_area *));
	leaks->types = hc_leaks_types_create();
	leaks->unloaded = unloaded;
	hc_leaks_find_ranges(leaks);
	leaks->totals.still_reachable.blocks = totals->reachable.blocks - totals->possibly_lost.blocks;
	leaks->totals.still_reachable.bytes = totals->reachable.bytes - totals->possibly_lost.bytes;
	if (!leaks->types || !make_trees(leaks)) {
		g_set_error(error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory to group the lost ones of %u blocks",
			blocks->count);
		return NULL;
	}
	hc_leaks_finish_groups(leaks);
	if (!leaks->options.no_mappings)
		hc_leaks_find_mappings(leaks);
	return g_steal_pointer(&leaks);
}

void hc_leaks_destroy(hc_leaks *leaks)
{
	if (!leaks)
		return;
	g_array_unref(leaks->mappings);
	g_ptr_array_unref(leaks->parts);
	g_array_unref(leaks->groups);
	g_hash_table_unref(leaks->by_key);
	g_ptr_array_unref(leaks->building);
	g_array_unref(leaks->evidence);
	if (leaks->ranges)
		g_array_unref(leaks->ranges);
	hc_leaks_types_destroy(leaks->types);
	g_free(leaks->heads.bits);
	g_free(leaks->heads.ranks);
	g_free(leaks->group_of);
	g_free(leaks->evidence_of);
	g_free(leaks);
}
