/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who points to a block, or to some of many: one look at every word of the roots and of the blocks in use. */
#include "references/encodings.h"

#include "base/partition.h"

struct incoming {
	const hc_references *references;
	hc_address start, end;	 /* the block; of several: all of them */
	const hc_block *targets; /* several, in order of address; NULL: one */
	unsigned count;
	unsigned limit;
	GArray *found; /* of hc_reference */
	uint64_t total;
	uint64_t budget;  /* bytes that may still be looked at */
	uint64_t encoded; /* granule of the block, if encoded pointers lead to it; else UINT64_MAX */
	/* Of the source that is looked at for encoded pointers: */
	const hc_thread *thread;
	uint32_t block;
};

static void add_reference(struct incoming *incoming, hc_reference reference)
{
	incoming->total++;
	if (incoming->found->len < incoming->limit)
		g_array_append_val(incoming->found, reference);
}

/* The one of several that VALUE leads to; NULL: none. */
static const hc_block *target_of(const struct incoming *incoming, uint64_t value)
{
	unsigned after = HC_PARTITION_POINT(middle, 0, incoming->count, incoming->targets[middle].address <= value);
	const hc_block *target = after ? &incoming->targets[after - 1] : NULL;

	return target && value - target->address < target->size ? target : NULL;
}

static bool leads_there(const struct incoming *incoming, uint64_t value)
{
	return value - incoming->start < incoming->end - incoming->start &&
	       (!incoming->targets || target_of(incoming, value));
}

/* As many as are searched for roots: hc_references_add_root_words(). The general ones are told from the others by where they lie. */
static void scan_registers(struct incoming *incoming, const hc_root *root, const hc_thread *thread)
{
	hc_word_format format = hc_core_word_format(incoming->references->core);
	g_autoptr(GArray) words = g_array_new(FALSE, FALSE, sizeof(hc_words));

	hc_references_add_root_words(incoming->references, root, words);
	for (unsigned i = 0; i < words->len; i++) {
		const hc_words *run = &g_array_index(words, hc_words, i);
		bool general = run->bytes == (const uint8_t *)thread->registers;

		for (uint64_t at = 0; at + format.size <= run->size; at += format.size) {
			uint64_t value = hc_load_word(run->bytes + at, format);
			int index = general ? (int)(at / sizeof(uint64_t)) :
					      HC_REGISTER_VECTOR + (int)(run->bytes + at - thread->vector_registers);

			if (leads_there(incoming, value))
				add_reference(
					incoming, (hc_reference){ 0, value, thread->id, UINT32_MAX, index, { 0 } });
		}
	}
}

/* The words of [start, end). BLOCK: the block that they are in, or UINT32_MAX; THREAD_ID: whose stack. */
static void scan_memory(struct incoming *incoming, hc_address start, hc_address end, uint32_t block, int64_t thread_id)
{
	const hc_core *core = incoming->references->core;
	hc_word_format format = hc_core_word_format(core);

	start = hc_align_up(start, format.size);
	while (start < end && incoming->budget) {
		uint64_t available;
		const uint8_t *bytes = hc_core_bytes(core, start, &available);

		if (!bytes) {
			unsigned next = hc_core_mapping_after(core, start);
			const hc_mapping *mapping = hc_core_mapping(core, next);

			if (!mapping)
				return;
			start = mapping->start > start ? mapping->start : mapping->end;
			continue;
		}
		available = MIN(MIN(available, end - start), incoming->budget);
		incoming->budget -= available;
		for (uint64_t i = 0; i + format.size <= available; i += format.size) {
			uint64_t value = hc_load_word(bytes + i, format);

			if (leads_there(incoming, value))
				add_reference(incoming,
					(hc_reference){ start + i, value, thread_id, block, HC_REGISTER_NONE, { 0 } });
		}
		start += available;
	}
}

/* Registers have no address: which of them it is. */
static int register_of(const struct incoming *incoming, const hc_word_source *source, uint64_t at)
{
	const hc_thread *thread = incoming->thread;
	const uint8_t *word = source->bytes + at, *general = (const uint8_t *)thread->registers;

	if (word >= general && word < general + sizeof thread->registers)
		return (int)((word - general) / sizeof(uint64_t));
	return HC_REGISTER_VECTOR + (int)(word - thread->vector_registers);
}

static void look_for_encoded(void *data, unsigned worker, const hc_word_source *source)
{
	struct incoming *incoming = data;
	hc_encoded_word word;

	(void)worker;
	for (uint64_t at = 0; hc_encodings_next(incoming->references, source, &at, &word);) {
		bool in_register = !source->address && incoming->thread;

		if (word.start == incoming->encoded)
			add_reference(incoming,
				(hc_reference){ .from = source->address ? source->address + word.at : 0,
					.to = incoming->start,
					.thread_id = incoming->thread ? incoming->thread->id : 0,
					.block = incoming->block,
					.register_index = in_register ? register_of(incoming, source, word.at) :
									HC_REGISTER_NONE,
					.encoding = word.encoding });
	}
}

/* Sets incoming->encoded if encoded pointers lead to the block at incoming->start. */
static void want_encoded(struct incoming *incoming)
{
	const hc_references *references = incoming->references;
	uint64_t start = references->encoded ? hc_encoded_block_at(references->blocks, incoming->start) : UINT64_MAX;

	incoming->encoded = start != UINT64_MAX && hc_bit(references->encoded, start) ? start : UINT64_MAX;
}

static void scan_roots(struct incoming *incoming, unsigned rank)
{
	const hc_references *references = incoming->references;

	for (unsigned i = 0; i < references->roots->len; i++) {
		const hc_root *root = &g_array_index(references->roots, hc_root, i);
		const hc_thread *thread = root->kind == HC_AREA_STACK ? hc_core_thread(references->core, root->owner) :
									NULL;

		if (!root->used || hc_references_root_rank(root) != rank)
			continue;
		if (root->registers)
			scan_registers(incoming, root, thread);
		else
			scan_memory(incoming, root->start, root->end, UINT32_MAX, thread ? thread->id : 0);
		incoming->thread = thread;
		incoming->block = UINT32_MAX;
		if (incoming->encoded != UINT64_MAX)
			hc_references_look_at_root(references, root, look_for_encoded, incoming);
	}
}

GArray *hc_references_from_roots(const hc_references *references, hc_address start, hc_address end, unsigned limit)
{
	struct incoming incoming = {
		.references = references, .start = start, .end = end, .limit = limit, .budget = UINT64_MAX
	};

	incoming.found = g_array_new(FALSE, FALSE, sizeof(hc_reference));
	want_encoded(&incoming);
	for (unsigned rank = 0; rank < HC_ROOT_RANKS; rank++)
		scan_roots(&incoming, rank);
	return incoming.found;
}

GArray *hc_references_to_some(
	const hc_references *references, const hc_block *targets, unsigned count, unsigned limit, uint64_t budget)
{
	struct incoming incoming = { .references = references,
		.targets = targets,
		.count = count,
		.limit = limit,
		.budget = budget,
		.encoded = UINT64_MAX };
	hc_block_iterator iterator;
	hc_block block;

	incoming.found = g_array_new(FALSE, FALSE, sizeof(hc_reference));
	if (!count)
		return incoming.found;
	incoming.start = targets[0].address;
	incoming.end = targets[count - 1].address + targets[count - 1].size;
	for (unsigned rank = 0; rank < HC_ROOT_RANKS; rank++)
		scan_roots(&incoming, rank);
	hc_block_iterator_init(&iterator, references->blocks);
	while (incoming.budget && incoming.found->len < limit && hc_block_iterator_next(&iterator, &block))
		if (block.state == HC_BLOCK_IN_USE && !block.label)
			scan_memory(&incoming, block.address, block.address + block.size, block.number, 0);
	return incoming.found;
}

unsigned hc_references_to(const hc_references *references, uint32_t number, unsigned limit,
	hc_reference **ret_references, uint64_t *ret_total)
{
	hc_block target, block;
	hc_block_iterator iterator;
	struct incoming incoming = { .references = references, .limit = limit, .budget = UINT64_MAX };

	*ret_references = NULL;
	*ret_total = 0;
	if (!hc_blocks_get(references->blocks, number, &target))
		return 0;
	incoming.found = g_array_new(FALSE, FALSE, sizeof(hc_reference));
	incoming.start = target.address;
	incoming.end = target.address + target.size;
	want_encoded(&incoming);
	for (unsigned rank = 0; rank < HC_ROOT_RANKS; rank++)
		scan_roots(&incoming, rank);
	hc_block_iterator_init(&iterator, references->blocks);
	while (hc_block_iterator_next(&iterator, &block))
		if (block.state == HC_BLOCK_IN_USE && block.number != number &&
			!(block.label && hc_label_is_cache(block.label))) {
			scan_memory(&incoming, block.address, block.address + block.size, block.number, 0);
			incoming.thread = NULL;
			incoming.block = block.number;
			if (incoming.encoded != UINT64_MAX)
				hc_references_look_at(references,
					hc_blocks_start_of_number(references->blocks, block.number), look_for_encoded,
					&incoming);
		}
	unsigned count = incoming.found->len;

	*ret_total = incoming.total;
	*ret_references = (hc_reference *)(void *)g_array_free(incoming.found, FALSE);
	return count;
}
