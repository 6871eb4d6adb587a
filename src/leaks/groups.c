/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which trees are the same leak?
 *
 * Nobody wants to see 10,000 rows, nor one row that hides two bugs. What a call of malloc makes has a type, or a text of one
 * kind, or at least a size and a layout; numbers in it, lengths of texts, and pointers that may be NULL, differ from block to
 * block. So the key is, in this order,
 *
 *	type	the vtable in one of the head's first words: the type says it all
 *	gone	of an object whose library was unloaded, the place of its vtable in the page
 *	text	the first PREFIX_KEY bytes of a head that begins with text, as far as to the first number
 *	layout	the head's size, and which of its first words lead into which module
 *
 * and afterwards what still differs by chance is merged:
 *
 *	merge_layouts	groups of one size whose words differ only in that one's are zero where the other's lead to a module
 *	merge_texts	texts that occur a few times each, if there are many such: they are data, not a format
 *
 * Adding a tree costs a look-up in a table of keys and a few counters. The number of groups is limited: a core can have as many
 * texts as blocks. What comes after GROUPS_MOST is put together, texts apart, and rare texts are merged with these.
 */
#include "leaks/leaks_state.h"

enum {
	PREFIX_KEY = 8,
	NUMBER_ENDS_KEY = 2, /* characters before the number */
	GROUPS_MOST = 1 << 14,
	SIZES_MOST = 64,
	EVIDENCE_MOST = 16,
	PLACES_MOST = 64,
	FEW_TREES = 4,	 /* a text that fewer heads than this have in common is rare */
	RARE_TEXTS = 16, /* more rare texts than this are merged */
	REPRESENTATIVES = 64,
	SAMPLE_BYTES = 64,
	SAMPLE_SEARCHED = 512,
	SAMPLE_LEAST = 6,
};

void hc_leaks_free_group(void *data)
{
	struct group *group = data;

	g_array_unref(group->sizes);
	g_array_unref(group->evidence);
	if (group->places)
		g_array_unref(group->places);
	g_free(group->sample);
	g_free(group);
}

void hc_leaks_count_size(GArray *sizes, unsigned *hint, uint64_t size, uint64_t blocks)
{
	struct size_count *counts = (struct size_count *)(void *)sizes->data;

	if (*hint < sizes->len && counts[*hint].size == size) {
		counts[*hint].blocks += blocks;
		return;
	}
	for (unsigned i = 0; i < sizes->len; i++) {
		/* The last one stands for all that come when there are too many. */
		if (counts[i].size == size || i == SIZES_MOST) {
			counts[i].blocks += blocks;
			*hint = i;
			return;
		}
	}
	struct size_count count = { sizes->len < SIZES_MOST ? size : 0, blocks };

	*hint = sizes->len;
	g_array_append_val(sizes, count);
}

void hc_leaks_count_place(GArray *counts, const struct place_count *count, uint64_t blocks)
{
	for (unsigned i = 0; i < counts->len; i++) {
		struct place_count *known = &g_array_index(counts, struct place_count, i);

		if (known->size == count->size && known->place == count->place && known->module == count->module) {
			known->blocks += blocks;
			return;
		}
	}
	if (counts->len >= PLACES_MOST)
		return;
	g_array_append_val(counts, *count);
	g_array_index(counts, struct place_count, counts->len - 1).blocks = blocks;
}

/* ---- the key ---- */

unsigned hc_leaks_text_key_length(const char *text, unsigned length)
{
	for (unsigned i = NUMBER_ENDS_KEY; i < MIN(length, PREFIX_KEY); i++)
		if (text[i] == '#')
			return i + 1;
	return MIN(length, PREFIX_KEY);
}

static uint64_t text_key(const struct tree *tree)
{
	uint64_t key = 2;

	for (unsigned i = 0; i < hc_leaks_text_key_length(tree->prefix, tree->prefix_length); i++)
		key = hc_leaks_mix(key, (uint8_t)tree->prefix[i]);
	return key;
}

static uint64_t layout_key(const struct tree *tree)
{
	uint64_t key = hc_leaks_mix(3, tree->size);

	for (unsigned i = 0; i < tree->word_count; i++)
		if (tree->kinds[i] == HC_WORD_MODULE)
			key = hc_leaks_mix(hc_leaks_mix(key, i), tree->word_modules[i]);
	return key;
}

/* Whose the tree most probably is, or NO_MODULE. */
static uint16_t owner(const struct tree *tree)
{
	struct module_weights weights = tree->weights;

	hc_leaks_sort_weights(&weights);
	return weights.count ? weights.slots[0].module : NO_MODULE;
}

static uint64_t key_of(const hc_leaks *leaks, const struct tree *tree)
{
	uint64_t key;

	switch (leaks->options.grouping) {
	case HC_LEAKS_BY_SIZE:
		key = hc_leaks_mix(4, tree->size);
		break;
	case HC_LEAKS_BY_TYPE:
		key = hc_leaks_mix(5, tree->type);
		break;
	case HC_LEAKS_BY_MODULE:
		key = hc_leaks_mix(6, owner(tree));
		break;
	default:
		key = tree->type	       ? hc_leaks_mix(1, tree->type) :
		      tree->gone != UINT64_MAX ? hc_leaks_mix(9, tree->gone) :
		      tree->prefix_length      ? text_key(tree) :
						 layout_key(tree);
	}
	return hc_leaks_mix(hc_leaks_mix(key, tree->class), (uintptr_t)tree->suppression);
}

/* ---- the table ---- */

/* The index of the group with KEY; UINT32_MAX: there is none yet. */
static uint32_t find_index(const hc_leaks *leaks, uint64_t key)
{
	const struct group *group = g_hash_table_lookup(leaks->by_key, &key);

	return group ? group->into : UINT32_MAX;
}

static bool is_pointer(const hc_leaks *leaks, const struct tree *tree, uint64_t place)
{
	unsigned word = leaks->format.size;

	return place + word <= tree->readable &&
	       hc_leaks_is_pointer(leaks, hc_load_word(tree->bytes + place, leaks->format));
}

/* What is worth showing of a head: the text it begins with, or else the first text in it that is not a pointer's bytes. */
static char *make_sample(const hc_leaks *leaks, const struct tree *tree)
{
	unsigned word = leaks->format.size;
	unsigned length = tree->bytes ? hc_leaks_printable(tree->bytes, MIN(tree->readable, SAMPLE_BYTES)) : 0;
	uint64_t size = tree->bytes ? MIN(tree->readable, SAMPLE_SEARCHED) : 0;

	if (tree->prefix_length)
		return g_strndup((const char *)tree->bytes, length);
	for (uint64_t i = 0; i < size; i += length + 1) {
		length = hc_leaks_printable(tree->bytes + i, MIN(tree->readable - i, SAMPLE_BYTES));
		if (length < SAMPLE_LEAST)
			continue;
		/* A text of a whole word leads nowhere: no address has letters in its upper bytes. */
		if (!is_pointer(leaks, tree, i / word * word) &&
			!is_pointer(leaks, tree, (i + length - 1) / word * word))
			return g_strndup((const char *)tree->bytes + i, length);
		length = word - 1 - i % word;
	}
	return NULL;
}

static uint32_t create_group(hc_leaks *leaks, const struct tree *tree, uint64_t key)
{
	struct group *group = g_new0(struct group, 1);
	uint32_t index = leaks->building->len;

	group->key = key;
	group->into = index;
	group->class = tree->class;
	group->suppression = tree->suppression;
	group->first_size = tree->size;
	group->gone = tree->gone;
	group->type = tree->type;
	if (leaks->options.grouping == HC_LEAKS_BY_SHAPE) {
		group->by_text = !tree->type && tree->prefix_length;
		group->by_size = !tree->type && !tree->prefix_length && tree->gone == UINT64_MAX;
	}
	group->prefix_length = tree->prefix_length;
	memcpy(group->prefix, tree->prefix, tree->prefix_length);
	group->sizes = g_array_new(FALSE, FALSE, sizeof(struct size_count));
	group->evidence = g_array_new(FALSE, FALSE, sizeof(struct evidence_count));
	if (!hc_core_hides_content(leaks->core))
		group->sample = make_sample(leaks, tree);
	g_ptr_array_add(leaks->building, group);
	g_hash_table_insert(leaks->by_key, &group->key, group);
	return index;
}

/* The group of all that are too many. */
static uint32_t create_rest(hc_leaks *leaks, const struct tree *tree, uint64_t key, bool of_texts)
{
	uint32_t index = create_group(leaks, tree, key);
	struct group *group = leaks->building->pdata[index];

	group->by_text = group->by_size = false;
	group->rest_of_texts = of_texts;
	return index;
}

/* ---- adding ---- */

static void count_evidence(GArray *counts, uint32_t evidence, uint64_t heads)
{
	for (unsigned i = 0; i < counts->len; i++) {
		struct evidence_count *count = &g_array_index(counts, struct evidence_count, i);

		if (count->evidence == evidence) {
			count->heads += heads;
			return;
		}
	}
	struct evidence_count count = { evidence, heads };

	if (counts->len < EVIDENCE_MOST)
		g_array_append_val(counts, count);
}

/* Boyer and Moore's majority: right if one value is that of more than half, which is all that is shown. */
static inline bool vote(uint32_t *lead, bool same)
{
	if (!*lead) {
		*lead = 1;
		return true; /* a new candidate */
	}
	*lead += same ? 1 : -1;
	return false;
}

static void add_words(struct group *group, const struct tree *tree)
{
	group->word_count = MAX(group->word_count, tree->word_count);
	for (unsigned i = 0; i < tree->word_count; i++) {
		group->kinds[i][tree->kinds[i]]++;
		if (tree->kinds[i] != HC_WORD_MODULE)
			continue;
		if (vote(&group->module_leads[i], group->word_modules[i] == tree->word_modules[i]))
			group->word_modules[i] = tree->word_modules[i];
		if (vote(&group->value_leads[i], group->values[i] == tree->values[i]))
			group->values[i] = tree->values[i];
	}
}

static unsigned common_length(const char *a, unsigned a_length, const char *b, unsigned b_length)
{
	unsigned length = 0;

	while (length < MIN(a_length, b_length) && a[length] == b[length])
		length++;
	return length;
}

static void add_to_group(struct group *group, const struct tree *tree)
{
	if (group->trees < HC_LEAK_EXAMPLES_MAX)
		group->examples[group->trees] = tree->address;
	group->trees++;
	group->rings += tree->ring;
	group->holding_themselves += tree->holds_itself;
	group->unloaded += tree->unloaded;
	hc_amount_count(&group->heads, tree->size);
	group->others.blocks += tree->blocks - 1;
	group->others.bytes += tree->total_bytes - tree->size;
	group->resident += tree->resident;
	group->mixed_type |= group->type != tree->type;
	group->prefix_length = common_length(group->prefix, group->prefix_length, tree->prefix, tree->prefix_length);
	for (unsigned i = 0; i < tree->weights.count; i++) {
		const struct module_weight *slot = &tree->weights.slots[i];

		hc_leaks_add_weight(&group->weights, slot->module, slot->words, slot->vtables, slot->evidence);
	}
	if (tree->evidence)
		count_evidence(group->evidence, tree->evidence - 1, 1);
	add_words(group, tree);
}

uint32_t hc_leaks_add_tree(hc_leaks *leaks, const struct tree *tree)
{
	uint64_t key = key_of(leaks, tree);
	uint32_t index = find_index(leaks, key);

	if (index == UINT32_MAX && leaks->building->len >= GROUPS_MOST) {
		bool by_text = leaks->options.grouping == HC_LEAKS_BY_SHAPE && !tree->type && tree->prefix_length;

		key = hc_leaks_mix(hc_leaks_mix(by_text ? 8 : 7, tree->class), (uintptr_t)tree->suppression);
		index = find_index(leaks, key);
		if (index == UINT32_MAX)
			index = create_rest(leaks, tree, key, by_text);
	} else if (index == UINT32_MAX) {
		index = create_group(leaks, tree, key);
	}
	add_to_group(leaks->building->pdata[index], tree);
	return index;
}

/* ---- merging ---- */

static void merge(hc_leaks *leaks, uint32_t into, uint32_t from)
{
	struct group *target = leaks->building->pdata[into], *source = leaks->building->pdata[from];

	source->into = into;
	for (unsigned i = 0; i < HC_LEAK_EXAMPLES_MAX && target->trees + i < HC_LEAK_EXAMPLES_MAX; i++)
		target->examples[target->trees + i] = source->examples[i];
	target->trees += source->trees;
	target->rings += source->rings;
	target->holding_themselves += source->holding_themselves;
	target->unloaded += source->unloaded;
	if (target->gone != source->gone)
		target->gone = UINT64_MAX;
	hc_amount_add(&target->heads, source->heads);
	hc_amount_add(&target->others, source->others);
	target->resident += source->resident;
	target->mixed_type |= source->mixed_type || target->type != source->type;
	target->prefix_length =
		common_length(target->prefix, target->prefix_length, source->prefix, source->prefix_length);
	target->word_count = MAX(target->word_count, source->word_count);
	for (unsigned i = 0; i < source->weights.count; i++) {
		const struct module_weight *slot = &source->weights.slots[i];

		hc_leaks_add_weight(&target->weights, slot->module, slot->words, slot->vtables, slot->evidence);
	}
	for (unsigned i = 0; i < source->sizes->len; i++) {
		const struct size_count *count = &g_array_index(source->sizes, struct size_count, i);

		hc_leaks_count_size(target->sizes, &target->size_hint, count->size, count->blocks);
	}
	for (unsigned i = 0; source->places && i < source->places->len; i++) {
		const struct place_count *count = &g_array_index(source->places, struct place_count, i);

		if (!target->places)
			target->places = g_array_new(FALSE, FALSE, sizeof(struct place_count));
		hc_leaks_count_place(target->places, count, count->blocks);
	}
	for (unsigned i = 0; i < source->evidence->len; i++) {
		const struct evidence_count *count = &g_array_index(source->evidence, struct evidence_count, i);

		count_evidence(target->evidence, count->evidence, count->heads);
	}
	for (unsigned i = 0; i < HC_LEAK_WORDS_MAX; i++) {
		for (unsigned kind = 0; kind < HC_WORD_KIND_COUNT; kind++)
			target->kinds[i][kind] += source->kinds[i][kind];
		if (source->module_leads[i] > target->module_leads[i]) {
			target->word_modules[i] = source->word_modules[i];
			target->module_leads[i] = source->module_leads[i];
		}
		if (source->value_leads[i] > target->value_leads[i]) {
			target->values[i] = source->values[i];
			target->value_leads[i] = source->value_leads[i];
		}
	}
}

/* All heads of A lead to one module with word I, or all are zero there, and all of B likewise, and they do not contradict. */
static bool word_agrees(const struct group *a, const struct group *b, unsigned i)
{
	bool a_leads = a->kinds[i][HC_WORD_MODULE] > 0, b_leads = b->kinds[i][HC_WORD_MODULE] > 0;

	if (a_leads && b_leads)
		return a->word_modules[i] == b->word_modules[i];
	if (a_leads)
		return b->kinds[i][HC_WORD_ZERO] == b->trees;
	return !b_leads || a->kinds[i][HC_WORD_ZERO] == a->trees;
}

static bool layouts_agree(const struct group *a, const struct group *b)
{
	if (a->class != b->class || a->suppression != b->suppression || a->first_size != b->first_size)
		return false;
	for (unsigned i = 0; i < MAX(a->word_count, b->word_count); i++)
		if (!word_agrees(a, b, i))
			return false;
	return true;
}

static int compare_building(const void *a, const void *b, void *data)
{
	const hc_leaks *leaks = data;
	const struct group *x = leaks->building->pdata[*(const uint32_t *)a],
			   *y = leaks->building->pdata[*(const uint32_t *)b];

	if (x->first_size != y->first_size)
		return x->first_size < y->first_size ? -1 : 1;
	if (x->trees != y->trees)
		return x->trees < y->trees ? 1 : -1;
	return *(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1;
}

static void merge_layouts(hc_leaks *leaks)
{
	g_autoptr(GArray) order = g_array_new(FALSE, FALSE, sizeof(uint32_t)),
			  kept = g_array_new(FALSE, FALSE, sizeof(uint32_t));

	for (uint32_t i = 0; i < leaks->building->len; i++)
		if (((const struct group *)leaks->building->pdata[i])->by_size)
			g_array_append_val(order, i);
	g_array_sort_with_data(order, compare_building, leaks);
	for (unsigned i = 0; i < order->len; i++) {
		uint32_t index = g_array_index(order, uint32_t, i);
		const struct group *group = leaks->building->pdata[index];
		bool merged = false;

		if (kept->len) {
			const struct group *last = leaks->building->pdata[g_array_index(kept, uint32_t, 0)];

			if (last->first_size != group->first_size)
				g_array_set_size(kept, 0);
		}
		for (unsigned k = 0; k < kept->len && !merged; k++) {
			uint32_t into = g_array_index(kept, uint32_t, k);

			merged = layouts_agree(leaks->building->pdata[into], group);
			if (merged)
				merge(leaks, into, index);
		}
		if (!merged && kept->len < REPRESENTATIVES)
			g_array_append_val(kept, index);
	}
}

static bool is_rare_text(const struct group *group, hc_leak_class class)
{
	return group->by_text && group->class == class && !group->suppression && group->trees < FEW_TREES;
}

static void merge_texts(hc_leaks *leaks, hc_leak_class class)
{
	uint32_t into = UINT32_MAX;
	unsigned rare = 0;

	for (uint32_t i = 0; i < leaks->building->len; i++) {
		const struct group *group = leaks->building->pdata[i];

		rare += is_rare_text(group, class);
		if (group->rest_of_texts && group->class == class && !group->suppression)
			into = i;
	}
	if (rare <= RARE_TEXTS)
		return;
	for (uint32_t i = 0; i < leaks->building->len; i++) {
		if (!is_rare_text(leaks->building->pdata[i], class))
			continue;
		if (into == UINT32_MAX) {
			into = i;
			((struct group *)leaks->building->pdata[i])->by_text =
				false; /* not rare any more as it grows */
		} else {
			merge(leaks, into, i);
		}
	}
}

/* ---- making the public groups ---- */

static void *keep(hc_leaks *leaks, void *part)
{
	g_ptr_array_add(leaks->parts, part);
	return part;
}

static int compare_sizes(const void *a, const void *b)
{
	const hc_leak_size *x = a, *y = b;

	if (!x->size != !y->size)
		return !x->size ? 1 : -1;
	if (x->blocks != y->blocks)
		return x->blocks < y->blocks ? 1 : -1;
	return (x->size > y->size) - (x->size < y->size);
}

static void make_sizes(hc_leaks *leaks, const struct group *from, hc_leak_group *group)
{
	hc_leak_size *sizes = keep(leaks, g_new(hc_leak_size, from->sizes->len + 1));

	for (unsigned i = 0; i < from->sizes->len; i++) {
		const struct size_count *count = &g_array_index(from->sizes, struct size_count, i);

		sizes[i] = (hc_leak_size){ count->size, count->blocks };
	}
	qsort(sizes, from->sizes->len, sizeof *sizes, compare_sizes);
	group->sizes = sizes;
	group->size_count = from->sizes->len;
}

/* Whether most blocks of a size lead into MODULE with the word at one place, which nothing but their owner can have put there. */
static bool is_common(const struct group *group, uint16_t module)
{
	for (unsigned i = 0; group->places && i < group->places->len; i++) {
		const struct place_count *place = &g_array_index(group->places, struct place_count, i);

		if (place->module == module && !place->may_be_stale && hc_leaks_is_common(group, place))
			return true;
	}
	return false;
}

/* Whether heads of any size that lead into MODULE with word PLACE may have it from their last owner. */
static bool may_be_stale(const struct group *group, unsigned place, uint16_t module)
{
	for (unsigned i = 0; group->places && i < group->places->len; i++) {
		const struct place_count *count = &g_array_index(group->places, struct place_count, i);

		if (count->place == place && count->module == module && count->may_be_stale)
			return true;
	}
	return false;
}

static void make_modules(hc_leaks *leaks, struct group *from, hc_leak_group *group)
{
	hc_leak_module *modules = keep(leaks, g_new(hc_leak_module, MODULE_SLOTS));

	hc_leaks_sort_weights(&from->weights);
	for (unsigned i = 0; i < from->weights.count; i++) {
		const struct module_weight *slot = &from->weights.slots[i];

		modules[i] = (hc_leak_module){
			.module = hc_modules_get(leaks->modules, slot->module),
			.words = slot->words,
			.vtables = slot->vtables,
			.evidence = slot->evidence,
			.is_common = is_common(from, slot->module),
		};
	}
	group->modules = modules;
	group->module_count = from->weights.count;
}

static void make_words(hc_leaks *leaks, const struct group *from, hc_leak_group *group)
{
	hc_leak_word *words = keep(leaks, g_new0(hc_leak_word, HC_LEAK_WORDS_MAX));

	for (unsigned i = 0; i < from->word_count; i++) {
		uint64_t reach = 0;
		unsigned most = 0;

		for (unsigned kind = 0; kind < HC_WORD_KIND_COUNT; kind++) {
			reach += from->kinds[i][kind];
			/* Zero loses against anything that is as frequent: NULL, or a number that happens to be 0. */
			if (from->kinds[i][kind] >= from->kinds[i][most])
				most = kind;
		}
		if (2 * reach <= from->trees)
			break;
		words[i].kind = most;
		if (most == HC_WORD_MODULE) {
			words[i].module = hc_modules_get(leaks->modules, from->word_modules[i]);
			words[i].value = 2 * from->value_leads[i] > from->kinds[i][most] ? from->values[i] : 0;
			words[i].may_be_stale =
				i >= LINK_WORDS &&
				(from->trees < LEAST_ALIKE || may_be_stale(from, i, from->word_modules[i]));
		}
		group->word_count = i + 1;
	}
	group->words = words;
}

static int compare_evidence(const void *a, const void *b)
{
	const hc_leak_evidence *x = a, *y = b;

	if (!x->module != !y->module)
		return x->module ? -1 : 1;
	return x->heads < y->heads ? 1 : x->heads > y->heads ? -1 : 0;
}

static void make_evidence(hc_leaks *leaks, const struct group *from, hc_leak_group *group)
{
	hc_leak_evidence *evidence = keep(leaks, g_new0(hc_leak_evidence, from->evidence->len + 1));

	for (unsigned i = 0; i < from->evidence->len; i++) {
		const struct evidence_count *count = &g_array_index(from->evidence, struct evidence_count, i);
		const struct evidence *one = &g_array_index(leaks->evidence, struct evidence, count->evidence);

		evidence[i] = (hc_leak_evidence){
			.on_stack = one->on_stack,
			.size = one->size,
			.offset = one->offset,
			.module = one->module == NO_MODULE ? NULL : hc_modules_get(leaks->modules, one->module),
			.type = hc_leaks_type_name(leaks, one->type),
			.by_others = one->by_others,
			.heads = count->heads,
		};
	}
	qsort(evidence, from->evidence->len, sizeof *evidence, compare_evidence);
	group->evidence = evidence;
	group->evidence_count = from->evidence->len;
}

static void make_group(hc_leaks *leaks, struct group *from)
{
	hc_leak_group group = {
		.index = from->into,
		.class = from->class,
		.trees = from->trees,
		.heads = from->heads,
		.others = from->others,
		.resident = from->resident,
		.rings = from->rings,
		.holding_themselves = from->holding_themselves,
		.unloaded = from->unloaded,
		.gone = from->gone,
		.type = from->mixed_type ? NULL : hc_leaks_type_name(leaks, from->type),
		.suppression = from->suppression,
	};

	if (!hc_core_hides_content(leaks->core) && from->prefix_length >= TEXT_LEAST)
		group.beginning = keep(leaks, g_strndup(from->prefix, from->prefix_length));
	if (from->sample)
		group.sample = keep(leaks, g_steal_pointer(&from->sample));
	memcpy(group.examples, from->examples, sizeof group.examples);
	make_sizes(leaks, from, &group);
	make_modules(leaks, from, &group);
	make_words(leaks, from, &group);
	make_evidence(leaks, from, &group);
	g_array_append_val(leaks->groups, group);
}

static int compare_groups(const void *a, const void *b)
{
	const hc_leak_group *x = a, *y = b;
	uint64_t x_bytes = hc_leak_group_amount(x).bytes, y_bytes = hc_leak_group_amount(y).bytes;

	if (!x->suppression != !y->suppression)
		return x->suppression ? 1 : -1;
	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	if (x_bytes != y_bytes)
		return x_bytes < y_bytes ? 1 : -1;
	return x->examples[0] < y->examples[0] ? -1 : 1;
}

/* From indices in `building` to those in `groups`. */
static void renumber(hc_leaks *leaks)
{
	g_autofree uint32_t *places = g_new0(uint32_t, leaks->building->len + 1);

	for (unsigned i = 0; i < leaks->groups->len; i++) {
		hc_leak_group *group = &g_array_index(leaks->groups, hc_leak_group, i);

		places[group->index] = i;
		group->index = i;
	}
	for (uint32_t i = 0; i < leaks->heads.count; i++)
		leaks->group_of[i] = places[((const struct group *)leaks->building->pdata[leaks->group_of[i]])->into];
}

void hc_leaks_finish_groups(hc_leaks *leaks)
{
	merge_layouts(leaks);
	for (unsigned class = 0; class < HC_LEAK_CLASS_COUNT; class ++)
		merge_texts(leaks, class);
	hc_leaks_find_stale(leaks);
	for (uint32_t i = 0; i < leaks->building->len; i++) {
		struct group *group = leaks->building->pdata[i];

		if (group->into == i)
			make_group(leaks, group);
	}
	g_array_sort(leaks->groups, compare_groups);
	renumber(leaks);
	g_hash_table_remove_all(leaks->by_key);
	g_ptr_array_set_size(leaks->building, 0);
	g_clear_pointer(&leaks->evidence_of, g_free);
}
