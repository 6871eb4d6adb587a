/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lost blocks that hang on a member which one side does not know: its code destroys objects without it.
 *
 *	make_slots	each word of a member that only one side has, where a pointer to the start of a block may stand
 *	find_likes	live objects of the class whose size fits the layout with the member: what stands at a slot leads to blocks
 *			that begin with an address in some module: with a vtable, with a table of the library. How many live blocks begin so, and
 *			how many of them hang on such a slot? Where most do, a lost block that begins so is likely to have hung there. Blocks that
 *			begin with no such address are alike if they are of one size, and begin with a word of one kind; of these there must be more
 *	find_freed	memory that was freed, where the header of a chunk of the class's size still stands in front of the object: what a slot of
 *			it leads to was left behind. Only if at least half of the live blocks of that size are of the class, for any other
 *			structure of that size that forgets a pointer there looks the same; and if its other pointers are such
 *	add_up		what hangs on these heads, tree by tree
 *
 * Both are circumstantial, and said to be. It costs one look at free memory, and at the first word of all live blocks.
 */
#include "abi/abi_state.h"

enum {
	SLOTS_MAX = 1024,
	SLOTS_EACH = 64,       /* of one difference */
	OVERWRITTEN_WORDS = 2, /* of a freed block, by links */
	LIKES_LEAST = 3,       /* live blocks that hang there, and begin with one address */
	LIKES_OF_SIZE = 16,    /* ... that are of one size, and begin with a word of one kind */
	FOUND_MOST = 16,       /* blocks that hang on one object, each of which counts once */
	SMALL_WORD = 1 << 16,  /* a number */
	LIKES_MAX = 1 << 16,
	POINTERS_MAX = 32, /* of a structure that are looked at */
};

/* A word of a member that one side alone knows. */
struct slot {
	unsigned difference, side, change;
	uint64_t offset;
	uint64_t usable; /* bytes of a block with the layout that has it */
	uint64_t bytes;	 /* lost, below it */
	bool is_usual;	 /* at least half of the live blocks of that size are of the class */
};

/* Live blocks that begin with one and the same address in a module, or are otherwise alike. */
struct like {
	guint64 word; /* read_mark() */
	unsigned slot;
	uint64_t hanging; /* on that slot */
	uint64_t all;
};

struct search {
	hc_abi *abi;
	GArray *slots;	   /* of struct slot */
	GHashTable *likes; /* by word: struct like */
	GHashTable *sizes; /* usable bytes -> live blocks of that size */
	GHashTable *heads; /* address of a lost block -> index of its slot * HC_ABI_LOST_COUNT + evidence + 1 */
	hc_address head;   /* add_up: the tree that is visited, and what its head has */
	unsigned answer;
	struct heads *hung; /* of each difference */
};

/* Lost blocks that hung on members of one difference. */
struct heads {
	GArray *addresses, *sizes; /* of the first: hc_address, uint64_t */
	bool has_owner, is_mixed;
};

static struct slot *slot_at(const struct search *search, unsigned index)
{
	return &g_array_index(search->slots, struct slot, index);
}

static hc_abi_difference *difference_of(const struct search *search, const struct slot *slot)
{
	return &g_array_index(search->abi->differences, hc_abi_difference, slot->difference);
}

/* ---- slots ---- */

static void add_slots(struct search *search, unsigned index, unsigned number, unsigned side)
{
	const hc_abi_difference *difference = &g_array_index(search->abi->differences, hc_abi_difference, index);
	const hc_abi_place *place = &difference->changes[number].sides[side];
	unsigned word = search->abi->input.blocks->word;
	uint64_t end = MIN(place->offset + place->size, difference->sides[side].size);

	for (uint64_t at = hc_align_up(place->offset, word), count = 0;
		at + word <= end && count < SLOTS_EACH && search->slots->len < SLOTS_MAX; at += word, count++) {
		struct slot slot = {
			.difference = index,
			.side = side,
			.change = number,
			.offset = at,
			.usable = hc_abi_usable(search->abi, difference->sides[side].size),
		};

		g_array_append_val(search->slots, slot);
	}
}

static void make_slots(struct search *search)
{
	for (unsigned i = 0; i < search->abi->differences->len; i++) {
		const hc_abi_difference *difference = &g_array_index(search->abi->differences, hc_abi_difference, i);

		for (unsigned k = 0; k < difference->change_count && hc_abi_is_class(difference); k++) {
			const hc_abi_change *change = &difference->changes[k];
			bool is_data = change->part == HC_ABI_MEMBER || change->part == HC_ABI_BASE;

			if (is_data && change->sides[0].is_known != change->sides[1].is_known)
				add_slots(search, i, k, change->sides[1].is_known);
		}
	}
}

/* ---- live objects ---- */

/* The word at ADDRESS, if it is the address of a block in use that is the program's. */
static bool read_block(const hc_abi *abi, hc_address address, hc_block *ret_block)
{
	uint64_t value;

	return hc_core_read_word(abi->input.core, address, &value) &&
	       hc_blocks_find(abi->input.blocks, value, ret_block) && ret_block->address == value &&
	       ret_block->state == HC_BLOCK_IN_USE && !ret_block->label;
}

/* No address has this bit where a process may have memory. */
#define MARK_OF_SIZE (UINT64_C(1) << 63)

static bool is_printable(uint64_t word, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		if (!g_ascii_isprint((char)(word >> 8 * i)))
			return false;
	return true;
}

/* 0 to 4: what kind of a word it is. */
static unsigned kind_of_word(const hc_abi *abi, uint64_t word)
{
	if (!word)
		return 0;
	if (word < SMALL_WORD)
		return 1;
	if (hc_blocks_may_contain(abi->input.blocks, word))
		return 2;
	return is_printable(word, abi->input.blocks->word) ? 3 : 4;
}

/* What BLOCK is told by: the address in a module with which it begins; else its size, and what kind of a word it begins with. */
static bool read_mark(const hc_abi *abi, const hc_block *block, uint64_t *ret_mark)
{
	if (block->size < abi->input.blocks->word || block->size > UINT32_MAX ||
		!hc_core_read_word(abi->input.core, block->address, ret_mark))
		return false;
	if (!hc_modules_find(hc_program_types_modules(abi->input.program_types), *ret_mark))
		*ret_mark = MARK_OF_SIZE | block->size << 3 | kind_of_word(abi, *ret_mark);
	return true;
}

/* Of one member, of which both may be slots. */
static bool is_of_one_member(const struct search *search, unsigned a, unsigned b)
{
	return slot_at(search, a)->difference == slot_at(search, b)->difference &&
	       slot_at(search, a)->change == slot_at(search, b)->change;
}

static bool is_likely(const struct like *like)
{
	uint64_t least = like->word & MARK_OF_SIZE ? LIKES_OF_SIZE : LIKES_LEAST;

	return like->hanging >= least && 2 * like->hanging >= like->all;
}

static void count_like(struct search *search, unsigned slot, uint64_t word)
{
	struct like *like = g_hash_table_lookup(search->likes, &(guint64){ word });

	if (!like) {
		if (g_hash_table_size(search->likes) >= LIKES_MAX)
			return;
		like = g_new0(struct like, 1);
		like->word = word;
		like->slot = slot;
		g_hash_table_insert(search->likes, &like->word, like);
	}
	like->hanging += is_of_one_member(search, like->slot, slot);
}

static void look_at_object(hc_abi *abi, unsigned difference, const hc_block *block, int side, void *data)
{
	struct search *search = data;
	hc_address seen[FOUND_MOST];
	unsigned seen_count = 0;

	for (unsigned i = 0; i < search->slots->len && seen_count < FOUND_MOST; i++) {
		const struct slot *slot = slot_at(search, i);
		bool is_seen = false;
		hc_block found;
		uint64_t word;

		if (slot->difference != difference || (side >= 0 && (unsigned)side != slot->side) ||
			slot->offset + abi->input.blocks->word > block->size)
			continue;
		if (!read_block(abi, block->address + slot->offset, &found) || !read_mark(abi, &found, &word))
			continue;
		for (unsigned k = 0; k < seen_count; k++)
			is_seen |= seen[k] == found.address;
		if (is_seen)
			continue;
		seen[seen_count++] = found.address;
		count_like(search, i, word);
	}
}

/* Of all live blocks: how many begin as the likes do, how many are of each size of slots. */
static void count_live(struct search *search)
{
	const hc_abi *abi = search->abi;
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, abi->input.blocks);
	while (hc_block_iterator_next(&iterator, &block)) {
		uint64_t *count, word;
		struct like *like;

		if (block.state != HC_BLOCK_IN_USE || block.label ||
			hc_reach_is_lost(hc_references_reach(abi->input.references, block.number)))
			continue;
		count = g_hash_table_lookup(search->sizes, &(guint64){ block.size });
		if (count)
			++*count;
		if (g_hash_table_size(search->likes) && read_mark(abi, &block, &word) &&
			(like = g_hash_table_lookup(search->likes, &(guint64){ word })))
			like->all++;
	}
}

static void find_likes(struct search *search)
{
	for (unsigned i = 0; i < search->slots->len; i++) {
		guint64 size = slot_at(search, i)->usable;

		if (!g_hash_table_contains(search->sizes, &size))
			g_hash_table_insert(search->sizes, g_memdup2(&size, sizeof size), g_new0(uint64_t, 1));
	}
	hc_abi_each_object(search->abi, look_at_object, search);
	count_live(search);
	for (unsigned i = 0; i < search->slots->len; i++) {
		struct slot *slot = slot_at(search, i);
		const hc_abi_difference *difference = difference_of(search, slot);
		const hc_abi_side *side = &difference->sides[slot->side];
		bool is_told = hc_abi_usable(search->abi, difference->sides[!slot->side].size) != slot->usable;
		uint64_t own = (is_told ? side->fits : difference->objects).blocks;
		const uint64_t *all = g_hash_table_lookup(search->sizes, &(guint64){ slot->usable });

		slot->is_usual = own && 2 * own >= *all;
	}
}

/* ---- lost blocks ---- */

static void note_head(struct search *search, hc_address address, unsigned slot, hc_abi_lost evidence)
{
	guint64 key = address;

	if (!g_hash_table_contains(search->heads, &key))
		g_hash_table_insert(search->heads, g_memdup2(&key, sizeof key),
			GUINT_TO_POINTER(slot * HC_ABI_LOST_COUNT + (unsigned)evidence + 1));
}

/* Whether the pointers of the object at ADDRESS, whose memory was freed, lead to memory. */
static bool has_pointers(const hc_abi *abi, const hc_type *type, hc_address address)
{
	unsigned looked_at = 0;

	for (unsigned i = 0; i < hc_type_field_count(type) && looked_at < POINTERS_MAX; i++) {
		const hc_field *field = hc_type_field(type, i);
		uint64_t value;

		if (hc_type_get_kind(field->type) != HC_TYPE_POINTER || field->is_virtual ||
			field->offset < (uint64_t)OVERWRITTEN_WORDS * abi->input.blocks->word)
			continue;
		looked_at++;
		if (!hc_core_read_word(abi->input.core, address + field->offset, &value) ||
			(value && !hc_core_find_mapping(abi->input.core, value)))
			return false;
	}
	return true;
}

/* The word at ADDRESS of free memory leads to the lost block at HEAD: from a slot of an object that was there? */
static void look_at_freed_word(struct search *search, hc_address address, hc_address head)
{
	const hc_abi *abi = search->abi;
	unsigned word = abi->input.blocks->word;

	for (unsigned i = 0; i < search->slots->len; i++) {
		const struct slot *slot = slot_at(search, i);
		uint64_t header;

		if (!slot->is_usual || slot->offset < (uint64_t)OVERWRITTEN_WORDS * word ||
			address < slot->offset + word ||
			!hc_core_read_word(abi->input.core, address - slot->offset - word, &header) ||
			(header & ~(uint64_t)7) != slot->usable + word ||
			!has_pointers(abi, difference_of(search, slot)->sides[slot->side].type, address - slot->offset))
			continue;
		note_head(search, head, i, HC_ABI_LOST_BY_FREED);
		return;
	}
}

static void look_at_freed(struct search *search, const hc_block *freed)
{
	const hc_abi *abi = search->abi;
	hc_word_format format = hc_core_word_format(abi->input.core);
	hc_address end = freed->address + freed->size, at = hc_align_up(freed->address, format.size);

	while (at < end && end - at >= format.size) {
		uint64_t available;
		const uint8_t *bytes = hc_core_bytes(abi->input.core, at, &available);
		uint64_t length = bytes ? MIN(available, end - at) / format.size * format.size : 0;

		if (!length)
			return;
		for (uint64_t i = 0; i < length; i += format.size) {
			uint64_t value = hc_load_word(bytes + i, format);
			hc_block block;

			if (hc_blocks_may_contain(abi->input.blocks, value) &&
				hc_blocks_find(abi->input.blocks, value, &block) && block.address == value &&
				hc_references_reach(abi->input.references, block.number) == HC_REACH_DIRECTLY_LOST)
				look_at_freed_word(search, at + i, value);
		}
		at += length;
	}
}

static void find_freed(struct search *search)
{
	hc_block_iterator iterator;
	hc_block block;

	hc_block_iterator_init(&iterator, search->abi->input.blocks);
	while (hc_block_iterator_next(&iterator, &block))
		if (block.state > HC_BLOCK_IN_USE && block.state < HC_BLOCK_FENCEPOST)
			look_at_freed(search, &block);
}

static void find_like_heads(struct search *search)
{
	const hc_abi *abi = search->abi;
	uint32_t number = 0;
	hc_block block;
	hc_reach reach;

	while (hc_references_next_lost(abi->input.references, &number, &block, &reach)) {
		uint64_t word;
		const struct like *like;

		if (reach != HC_REACH_DIRECTLY_LOST || !read_mark(abi, &block, &word))
			continue;
		like = g_hash_table_lookup(search->likes, &(guint64){ word });
		if (like && is_likely(like))
			note_head(search, block.address, like->slot, HC_ABI_LOST_BY_LIKES);
	}
}

/* ---- adding up ---- */

static void keep_head(struct search *search, unsigned index, const hc_block *block, const hc_leak_group *group)
{
	hc_abi_difference *difference = &g_array_index(search->abi->differences, hc_abi_difference, index);
	struct heads *heads = &search->hung[index];
	const hc_module *owner = group ? hc_leak_group_owner(group) : NULL;

	difference->trees++;
	if (!heads->addresses) {
		heads->addresses = g_array_new(FALSE, FALSE, sizeof(hc_address));
		heads->sizes = g_array_new(FALSE, FALSE, sizeof(uint64_t));
		g_ptr_array_add(search->abi->changes, heads->addresses);
		g_ptr_array_add(search->abi->changes, heads->sizes);
	}
	if (heads->addresses->len >= HC_ABI_HEADS_MAX)
		return;
	g_array_append_val(heads->addresses, block->address);
	g_array_append_val(heads->sizes, block->size);
	if (heads->has_owner && owner != difference->owner)
		heads->is_mixed = true;
	heads->has_owner = true;
	difference->owner = heads->is_mixed ? NULL : owner;
}

static void give_heads(struct search *search, unsigned index)
{
	hc_abi_difference *difference = &g_array_index(search->abi->differences, hc_abi_difference, index);
	const struct heads *heads = &search->hung[index];

	if (!heads->addresses)
		return;
	difference->heads = (const hc_address *)(const void *)heads->addresses->data;
	difference->head_sizes = (const uint64_t *)(const void *)heads->sizes->data;
	difference->head_count = heads->addresses->len;
}

static bool visit_lost(const hc_block *block, hc_reach reach, hc_address head, const hc_leak_group *group, void *data)
{
	struct search *search = data;

	if (head != search->head) {
		search->head = head;
		search->answer = GPOINTER_TO_UINT(g_hash_table_lookup(search->heads, &(guint64){ head }));
	}
	if (!search->answer || !hc_reach_is_lost(reach))
		return true;
	struct slot *slot = slot_at(search, (search->answer - 1) / HC_ABI_LOST_COUNT);

	slot->bytes += block->size;
	if (block->address == head)
		keep_head(search, slot->difference, block, group);
	hc_amount_count(&difference_of(search, slot)->lost[(search->answer - 1) % HC_ABI_LOST_COUNT], block->size);
	return true;
}

struct holder {
	const char *name;
	unsigned side;
	uint64_t bytes;
};

static int compare_holders(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return g_strcmp0(x->name, y->name);
}

/* The members that only the side knows whose members have most. */
static void name_holders_of(const struct search *search, unsigned index)
{
	hc_abi_difference *difference = &g_array_index(search->abi->differences, hc_abi_difference, index);
	g_autofree struct holder *holders = g_new0(struct holder, difference->change_count + 1);

	for (unsigned i = 0; i < search->slots->len; i++) {
		const struct slot *slot = slot_at(search, i);

		if (slot->difference != index)
			continue;
		holders[slot->change].name = difference->changes[slot->change].name;
		holders[slot->change].side = slot->side;
		holders[slot->change].bytes += slot->bytes;
	}
	qsort(holders, difference->change_count, sizeof *holders, compare_holders);
	difference->holder_side = holders[0].side;
	for (unsigned i = 0; i < difference->change_count && difference->holder_count < HC_ABI_HOLDERS_MAX; i++)
		if (holders[i].bytes && holders[i].side == difference->holder_side)
			difference->holders[difference->holder_count++] = holders[i].name;
}

static void add_up(struct search *search)
{
	const hc_abi_input *input = &search->abi->input;
	const hc_leaks_options options = { .no_mappings = true };
	g_autoptr(hc_leaks) leaks = hc_leaks_create(input->core, input->program_types, input->blocks, input->areas,
		input->references, input->unloaded, &options, NULL);

	search->hung = g_new0(struct heads, search->abi->differences->len);
	if (leaks && hc_leaks_each_block(leaks, visit_lost, search))
		for (unsigned i = 0; i < search->abi->differences->len; i++) {
			name_holders_of(search, i);
			give_heads(search, i);
		}
	g_free(search->hung);
}

void hc_abi_find_left_behind(hc_abi *abi)
{
	struct search search = { .abi = abi };

	if (!hc_references_get_totals(abi->input.references)->directly_lost.blocks)
		return;
	search.slots = g_array_new(FALSE, FALSE, sizeof(struct slot));
	search.likes = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
	search.sizes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	search.heads = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	make_slots(&search);
	if (search.slots->len) {
		find_likes(&search);
		find_freed(&search);
		find_like_heads(&search);
		if (g_hash_table_size(search.heads))
			add_up(&search);
	}
	g_array_unref(search.slots);
	g_hash_table_unref(search.likes);
	g_hash_table_unref(search.sizes);
	g_hash_table_unref(search.heads);
}
