/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a word of a block is: an address of something, text, or a number. */
#include "leaks/leaks_state.h"

#include "base/partition.h"
#include "modules/modules.h"

#include <elf.h>

bool hc_leaks_next_piece(const hc_leaks *leaks, hc_address *address, hc_address end, struct piece *ret_piece)
{
	const hc_core *core = leaks->core;

	*address = hc_align_up(*address, leaks->format.size);
	while (*address < end && end - *address >= leaks->format.size) {
		uint64_t available;
		const uint8_t *bytes = hc_core_bytes(core, *address, &available);

		if (bytes) {
			available = MIN(available, end - *address) & ~(uint64_t)(leaks->format.size - 1);
			*ret_piece = (struct piece){ *address, bytes, available };
			*address += MAX(available, leaks->format.size);
			if (available)
				return true;
			continue;
		}
		unsigned next = hc_core_mapping_after(core, *address);
		const hc_mapping *mapping = next < hc_core_mapping_count(core) ? hc_core_mapping(core, next) : NULL;

		if (!mapping)
			return false;
		*address = mapping->start > *address ? mapping->start : mapping->end;
	}
	return false;
}

/* ---- modules ---- */

static void add_range(hc_leaks *leaks, hc_address start, hc_address end, uint16_t module)
{
	struct module_range range = { start, end, module };

	if (start < end)
		g_array_append_val(leaks->ranges, range);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct module_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/*
 * Where MODULE's symbol tables, relocations and the like end that stand before its code: only the dynamic loader keeps pointers there
 * (to the names of symbols), and leaves them on stacks and in blocks. MODULE's start if they cannot be told from code.
 */
static hc_address end_of_tables(const hc_leaks *leaks, const hc_module *module)
{
	for (unsigned i = 0; i < hc_module_segment_count(leaks->modules, module); i++) {
		const hc_module_segment *segment = hc_module_segment_get(leaks->modules, module, i);

		if (segment->type == PT_LOAD && !segment->offset && !(segment->flags & (PF_X | PF_W)))
			return MAX(module->start, hc_align_up(segment->end, hc_core_process(leaks->core)->page_size));
	}
	return module->start;
}

/* [start, end) without malloc's own variables: free chunks point there, and what was in them before is still in leaks. */
static void add_module(hc_leaks *leaks, hc_address start, hc_address end, uint16_t module)
{
	const GArray *states = leaks->blocks->heap.states;

	for (unsigned i = 0; states && i < states->len; i++) {
		const hc_range *state = &g_array_index(states, hc_range, i);

		if (state->start >= end || state->end <= start)
			continue;
		add_range(leaks, start, state->start, module);
		add_module(leaks, MAX(start, state->end), end, module);
		return;
	}
	add_range(leaks, start, end, module);
}

void hc_leaks_find_ranges(hc_leaks *leaks)
{
	unsigned count = MIN(hc_modules_count(leaks->modules), NO_MODULE);

	leaks->ranges = g_array_new(FALSE, FALSE, sizeof(struct module_range));
	for (unsigned i = 0; i < count; i++) {
		const hc_module *module = hc_modules_get(leaks->modules, i);

		if (!module->is_vdso)
			add_module(leaks, end_of_tables(leaks, module), module->end, i);
	}
	g_array_sort(leaks->ranges, compare_ranges);
}

uint16_t hc_leaks_module_at(const hc_leaks *leaks, hc_address address)
{
	const struct module_range *ranges = (const struct module_range *)(const void *)leaks->ranges->data;
	unsigned low = 0, high = leaks->ranges->len;

	if (!high || address < ranges[0].start || address >= ranges[high - 1].end)
		return NO_MODULE;
	low = HC_PARTITION_POINT(middle, low, high, ranges[middle].end <= address);
	return low < leaks->ranges->len && ranges[low].start <= address ? ranges[low].module : NO_MODULE;
}

void hc_leaks_add_weight(
	struct module_weights *weights, uint16_t module, uint64_t words, uint64_t vtables, uint64_t evidence)
{
	unsigned least = 0;

	for (unsigned i = 0; i < weights->count; i++) {
		struct module_weight *slot = &weights->slots[i];

		if (slot->module == module) {
			slot->words += words;
			slot->vtables += vtables;
			slot->evidence += evidence;
			return;
		}
		if (slot->words + slot->evidence < weights->slots[least].words + weights->slots[least].evidence)
			least = i;
	}
	if (weights->count < MODULE_SLOTS) {
		weights->slots[weights->count++] = (struct module_weight){ module, words, vtables, evidence };
		return;
	}
	weights->slots[least] =
		(struct module_weight){ module, weights->slots[least].words + words, vtables, evidence };
}

static int compare_weights(const void *a, const void *b)
{
	const struct module_weight *x = a, *y = b;

	if (x->vtables != y->vtables)
		return x->vtables < y->vtables ? 1 : -1;
	if (x->evidence != y->evidence)
		return x->evidence < y->evidence ? 1 : -1;
	if (x->words != y->words)
		return x->words < y->words ? 1 : -1;
	return (x->module > y->module) - (x->module < y->module);
}

void hc_leaks_sort_weights(struct module_weights *weights)
{
	qsort(weights->slots, weights->count, sizeof weights->slots[0], compare_weights);
}

/* ---- words ---- */

static inline bool is_printable(uint8_t byte)
{
	return (byte >= ' ' && byte < 0x7f) || byte == '\n' || byte == '\t' || byte == '\r';
}

unsigned hc_leaks_printable(const uint8_t *bytes, uint64_t size)
{
	unsigned length = 0;

	while (length < size && is_printable(bytes[length]))
		length++;
	return length;
}

bool hc_leaks_is_pointer(const hc_leaks *leaks, uint64_t value)
{
	return hc_areas_find(leaks->areas, value) != NULL || hc_unloaded_has(leaks->unloaded, value);
}

hc_word_kind hc_leaks_classify(const hc_leaks *leaks, uint64_t value, const uint8_t *bytes, uint16_t *ret_module)
{
	unsigned size = leaks->format.size, printable;

	*ret_module = NO_MODULE;
	if (!value)
		return HC_WORD_ZERO;
	if (hc_blocks_may_contain(leaks->blocks, value) && hc_blocks_region(leaks->blocks, value))
		return HC_WORD_HEAP;
	*ret_module = hc_leaks_module_at(leaks, value);
	if (*ret_module != NO_MODULE)
		return HC_WORD_MODULE;
	if (hc_unloaded_has(leaks->unloaded, value))
		return HC_WORD_UNLOADED;
	if (hc_areas_find(leaks->areas, value))
		return HC_WORD_OTHER;
	printable = hc_leaks_printable(bytes, size);
	if (printable == size || (printable >= TEXT_LEAST && !bytes[printable]))
		return HC_WORD_TEXT;
	if (size == 8 && (value <= UINT32_MAX || -value <= UINT32_MAX))
		return HC_WORD_SMALL;
	if (size == 4 && (value <= UINT16_MAX || (uint32_t)-value <= UINT16_MAX))
		return HC_WORD_SMALL;
	return HC_WORD_OTHER;
}

void hc_leaks_read_prefix(const hc_leaks *leaks, struct tree *tree)
{
	unsigned length;

	tree->prefix_length = 0;
	if (!tree->bytes || !tree->word_count || hc_leaks_is_pointer(leaks, tree->values[0]))
		return;
	length = hc_leaks_printable(tree->bytes, MIN(tree->readable, 2 * PREFIX_BYTES));
	if (length < TEXT_LEAST)
		return;
	/* Runs of digits are one: "id=7" and "id=12345" are the same kind of text. */
	for (unsigned i = 0; i < length && tree->prefix_length < PREFIX_BYTES; i++) {
		if (!g_ascii_isdigit(tree->bytes[i]))
			tree->prefix[tree->prefix_length++] = tree->bytes[i];
		else if (!i || !g_ascii_isdigit(tree->bytes[i - 1]))
			tree->prefix[tree->prefix_length++] = '#';
	}
}
