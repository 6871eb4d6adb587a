/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which calls may have made these blocks?
 *
 * Those whose size gives blocks of just this one: malloc rounds up, so it is a few sizes. Of these
 *
 *	class	what the call's function, and the constructors that it calls, put into the first word are vtables, if it makes an object. The blocks
 *		have one of these there, or they are not from this call: unless something that is not known may have been put there later.
 *		If any call makes objects of the blocks' class, those that do are the answer; no more than that if the module has calls of that size of
 *		which it is not known what they make.
 *	contents what else they put into the block is a fingerprint. Programs change what is in their blocks, so what differs says nothing; what
 *		agrees orders the calls.
 *	owner	whose the blocks are by other evidence orders them, too.
 *
 * One call that is left, and agrees with the blocks in more than their size, is told as probable. That it is the only one is never said: calls
 * whose size is computed are always there (in libc, if nowhere else), and so are calls through pointers.
 */
#include "sites/sites_state.h"

#include "base/partition.h"
#include "blocks/blocks.h"

#include <string.h>

enum {
	SAMPLES_MOST = 64,
	FEW = 3,	    /* fewer may differ by chance */
	MANY = 8,	    /* blocks that libc hardly makes with one call */
	LOOKED_AT = 1024,   /* bytes of a block */
	CALLS_FOLLOWED = 3, /* from a constructor to that of a base, and on */
	CONTENTS_MOST = 256,
	CANDIDATES_MOST = 1 << 14,
	COMPUTED_MOST = 512, /* calls that compute their size, which are compared with the blocks */
	/* glibc's malloc (malloc.c: request2size(), MINSIZE), on machines whose code is read */
	HEADER = 8,
	ALIGNMENT = 16,
	LEAST = 24,
	MMAPPED_LEAST = 1 << 17,
	PAGE = 1 << 12,
};

/* What is put into an object. */
struct content {
	int64_t offset;
	uint64_t value;
	uint8_t width;	 /* bytes */
	bool is_unknown; /* it is not known: of the first word only */
};

/* A call, as it agrees with the blocks. */
struct candidate {
	const hc_site *site;
	bool is_class, is_owner, is_runtime;
	bool contradicts;
	bool is_open;		 /* what stands in its first word is not known, or may change */
	int agreeing, differing; /* numbers other than 0 that it stores */
	int addresses;		 /* of those that agree, addresses in modules */
	int zeros;
};

struct sample {
	uint64_t size;
	uint8_t bytes[LOOKED_AT];
};

const char *hc_site_verdict_name(hc_site_verdict verdict)
{
	static const char *const names[HC_SITE_VERDICT_COUNT] = {
		[HC_SITE_VERDICT_NONE] = "none",
		[HC_SITE_VERDICT_COMPUTED] = "computed",
		[HC_SITE_VERDICT_SOME] = "one-of",
		[HC_SITE_VERDICT_PROBABLY] = "probably",
	};

	return names[verdict];
}

/* ---- sizes ---- */

static bool gives(uint64_t request, uint64_t usable)
{
	if (request > usable)
		return false;
	return hc_least_usable(request, HEADER, ALIGNMENT) == usable ||
	       (usable >= MMAPPED_LEAST && usable - request < PAGE + ALIGNMENT);
}

/* Whether a multiple may. */
static bool may_give(const hc_site *site, uint64_t usable)
{
	if (site->size_kind != HC_SITE_MULTIPLE || site->size <= ALIGNMENT)
		return true;
	if (usable < site->added)
		return false;
	return gives(site->added + (usable - site->added) / site->size * site->size, usable);
}

/* ---- what is put into an object ---- */

static bool module_at(const hc_sites *sites, uint64_t value)
{
	return hc_modules_find(sites->modules, value) != NULL;
}

const struct code_module *hc_sites_module_of(const hc_sites *sites, hc_address address)
{
	for (unsigned i = 0; i < sites->read->len; i++) {
		const struct code_module *module = &g_array_index(sites->read, struct code_module, i);

		if (address >= module->module->start && address < module->module->end)
			return module;
	}
	return NULL;
}

bool hc_sites_resolve(
	const hc_sites *sites, const struct code_module *module, const struct value *value, uint64_t *ret_value)
{
	switch (value->kind) {
	case VALUE_NUMBER:
		*ret_value = (uint64_t)value->add;
		return true;
	case VALUE_ADDRESS:
		*ret_value = module->module->start + (uint64_t)value->add;
		return true;
	case VALUE_WORD:
		if (!hc_core_read_word(sites->core, module->module->start + value->index, ret_value))
			return false;
		*ret_value += (uint64_t)value->add;
		return true;
	default:
		return false;
	}
}

/* Where a call leads, through a stub too. FALSE: not known, as of a word that the dynamic linker had not filled yet. */
bool hc_sites_resolve_callee(
	const hc_sites *sites, const struct code_module *module, const struct value *callee, hc_address *ret_address)
{
	struct value word = { .kind = VALUE_WORD };
	gpointer slot;

	if (callee->kind == VALUE_ADDRESS && callee->add >= 0 && callee->add <= UINT32_MAX &&
		g_hash_table_lookup_extended(module->stubs, GUINT_TO_POINTER((uint32_t)callee->add), NULL, &slot)) {
		word.index = GPOINTER_TO_UINT(slot);
		callee = &word;
	}
	if (!hc_sites_resolve(sites, module, callee, ret_address))
		return false;
	/* Into its own stubs: not bound yet. */
	return callee->kind != VALUE_WORD || hc_sites_module_of(sites, *ret_address) != module ||
	       g_hash_table_size(module->stubs) == 0 ||
	       !g_hash_table_contains(
		       module->stubs, GUINT_TO_POINTER((uint32_t)(*ret_address - module->module->start)));
}

static void add_content(GArray *contents, const struct content *content)
{
	if (contents->len < CONTENTS_MOST)
		g_array_append_val(contents, *content);
}

static void add_unknown(GArray *contents, int64_t offset)
{
	struct content content = { .offset = 0, .width = 8, .is_unknown = true };

	if (!offset)
		add_content(contents, &content);
}

static const GArray *contents_by_function(hc_sites *sites, hc_address function, unsigned depth);

static void add_contents_of(hc_sites *sites, const struct code_module *module, const struct flow_object *object,
	unsigned depth, GArray *contents)
{
	for (unsigned i = 0; i < object->stores->len; i++) {
		const struct flow_store *store = &g_array_index(object->stores, struct flow_store, i);
		struct content content = { .offset = store->offset, .width = store->width };

		if (store->width > 8 || !hc_sites_resolve(sites, module, &store->value, &content.value)) {
			add_unknown(contents, store->offset);
			continue;
		}
		if (store->width < 8)
			content.value &= (UINT64_C(1) << store->width * 8) - 1;
		add_content(contents, &content);
	}
	for (unsigned i = 0; i < object->uses->len; i++) {
		const struct flow_use *use = &g_array_index(object->uses, struct flow_use, i);
		hc_address function;
		const GArray *inner = hc_sites_resolve_callee(sites, module, &use->callee, &function) ?
					      contents_by_function(sites, function, depth) :
					      NULL;

		if (!inner)
			add_unknown(contents, use->offset);
		for (unsigned j = 0; inner && j < inner->len; j++) {
			struct content content = g_array_index(inner, struct content, j);

			content.offset += use->offset;
			if (!content.is_unknown || !use->offset)
				add_content(contents, &content);
		}
	}
	if (object->is_cut)
		add_unknown(contents, 0);
}

/* What FUNCTION puts into what its first argument leads to; NULL: not known. */
static const GArray *contents_by_function(hc_sites *sites, hc_address function, unsigned depth)
{
	const struct code_module *module = hc_sites_module_of(sites, function);
	gint64 key = (gint64)(function << 2 | depth);
	GArray *contents = g_hash_table_lookup(sites->objects, &key);
	struct flow_object object;
	struct flow_code code;
	uint64_t unread = 0;

	if (contents)
		return contents;
	if (!module || !depth || !hc_code_around(module, (uint32_t)(function - module->module->start), &code) ||
		code.start != function - module->module->start)
		return NULL;
	code.find = hc_sites_find_allocator;
	code.data = module;
	code.is_entered = true;
	contents = g_array_new(FALSE, FALSE, sizeof(struct content));
	hc_flow_object_init(&object);
	if (hc_flow_run(sites->flow, &code, NULL, &object, &unread) && !unread)
		add_contents_of(sites, module, &object, depth - 1, contents);
	else
		add_unknown(contents, 0);
	hc_flow_object_clear(&object);
	g_hash_table_insert(sites->objects, g_memdup2(&key, sizeof key), contents);
	return contents;
}

/* ---- comparing ---- */

/* Bytes that all of the blocks have. */
static uint64_t common_size(const hc_site_question *question)
{
	return question->least ? MIN(question->least, question->size) : question->size;
}

static void read_samples(const hc_sites *sites, const hc_site_question *question, GArray *samples)
{
	for (unsigned i = 0; i < MIN(question->block_count, SAMPLES_MOST); i++) {
		struct sample sample = { .size = MIN(common_size(question), LOOKED_AT) };

		if (hc_core_read(sites->core, question->blocks[i], sample.bytes, sample.size))
			g_array_append_val(samples, sample);
	}
}

static uint64_t value_in(const struct sample *sample, const struct content *content)
{
	uint64_t value = 0;

	memcpy(&value, sample->bytes + content->offset, content->width);
	return value;
}

/* In how many of SAMPLES CONTENT stands. */
static unsigned count_agreeing(const GArray *samples, const struct content *content)
{
	unsigned count = 0;

	for (unsigned i = 0; i < samples->len; i++)
		count += value_in(&g_array_index(samples, struct sample, i), content) == content->value;
	return count;
}

static bool is_inside(const struct content *content, uint64_t size)
{
	return content->offset >= 0 && (uint64_t)content->offset + content->width <= MIN(size, LOOKED_AT);
}

static bool is_vtable(hc_sites *sites, const struct content *content)
{
	return !content->offset && content->width == 8 && content->value > UINT32_MAX >> 4 &&
	       hc_program_types_class_name_of_vtable(sites->program_types, content->value) != NULL;
}

static void compare(
	hc_sites *sites, const hc_site_question *question, const GArray *samples, struct candidate *candidate)
{
	g_autoptr(GArray) contents = g_array_new(FALSE, FALSE, sizeof(struct content));
	unsigned index = (unsigned)(candidate->site - &g_array_index(sites->sites, hc_site, 0)), classes = 0,
		 agreeing = 0;
	const struct flow_call *call = g_array_index(sites->calls, const struct flow_call *, index);
	bool may_be_other = false, lacks_address = false;

	candidate->is_owner = candidate->site->module == question->owner;
	candidate->is_runtime = hc_module_is_runtime(candidate->site->module);
	if (!samples->len)
		return;
	add_contents_of(
		sites, hc_sites_module_of(sites, candidate->site->address), &call->object, CALLS_FOLLOWED, contents);
	for (unsigned i = 0; i < contents->len; i++) {
		const struct content *content = &g_array_index(contents, struct content, i);

		may_be_other |= content->is_unknown;
		if (content->is_unknown || !is_inside(content, common_size(question)))
			continue;
		unsigned same = count_agreeing(samples, content);

		if (is_vtable(sites, content)) {
			classes++;
			agreeing = MAX(agreeing, same);
		} else if (!content->value)
			candidate->zeros += same == samples->len;
		else if (same == samples->len) {
			candidate->agreeing++;
			candidate->addresses += content->width == 8 && module_at(sites, content->value);
		} else {
			candidate->differing += !same;
			lacks_address |= !same && samples->len >= FEW && content->width == 8 &&
					 module_at(sites, content->value);
		}
	}
	candidate->is_class = classes && agreeing * 2 > samples->len;
	candidate->is_open = !candidate->is_class && (may_be_other || !classes);
	/* Functions and tables that an object leads to from the beginning on stay the same. */
	candidate->contradicts = !may_be_other && ((classes && !agreeing) || lacks_address);
}

/* ---- the answer ---- */

static int score(const struct candidate *candidate)
{
	return candidate->is_class * 1000 + candidate->is_owner * 100 - candidate->is_runtime * 200 +
	       MIN(candidate->agreeing, 8) * 10 - MIN(candidate->differing, 8) * 5 + MIN(candidate->zeros, 4);
}

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int x_score = score(x), y_score = score(y);

	if (x_score != y_score)
		return x_score > y_score ? -1 : 1;
	return (x->site->address > y->site->address) - (x->site->address < y->site->address);
}

/* Calls with a number that gives blocks of that size. */
static GArray *find_of_size(hc_sites *sites, const hc_site_question *question, const GArray *samples)
{
	GArray *candidates = g_array_new(FALSE, TRUE, sizeof(struct candidate));
	uint64_t least = question->size >= MMAPPED_LEAST ? question->size - PAGE - ALIGNMENT :
			 question->size > LEAST		 ? question->size - ALIGNMENT :
							   0;
	unsigned first = HC_PARTITION_POINT(middle, 0, sites->sites->len,
		hc_sites_get(sites, middle)->size_kind == HC_SITE_CONSTANT &&
			hc_sites_get(sites, middle)->size < least);

	for (unsigned i = first; i < sites->sites->len && candidates->len < CANDIDATES_MOST; i++) {
		struct candidate candidate = { .site = hc_sites_get(sites, i) };

		if (candidate.site->size_kind != HC_SITE_CONSTANT || candidate.site->size > question->size)
			break;
		if (!gives(candidate.site->size, question->size))
			continue;
		compare(sites, question, samples, &candidate);
		g_array_append_val(candidates, candidate);
	}
	g_array_sort(candidates, compare_candidates);
	return candidates;
}

static bool is_program(const GArray *candidates)
{
	for (unsigned i = 0; i < candidates->len; i++) {
		const struct candidate *candidate = &g_array_index(candidates, struct candidate, i);

		if (!candidate->is_runtime && !candidate->contradicts)
			return true;
	}
	return false;
}

/*
 * Leaves those that may be it. Of few blocks any module may have made them. Whether some were left out for being the runtime's.
 * *ret_is_open: of some that were left out it is not known what they make.
 */
static bool choose(GArray *candidates, uint64_t total, bool *ret_is_open)
{
	bool without_runtime = total >= MANY && is_program(candidates), left_out = false;
	const hc_module *maker = candidates->len && g_array_index(candidates, struct candidate, 0).is_class ?
					 g_array_index(candidates, struct candidate, 0).site->module :
					 NULL;
	unsigned kept = 0;

	for (unsigned i = 0; i < candidates->len; i++) {
		struct candidate candidate = g_array_index(candidates, struct candidate, i);

		if (maker && candidate.is_open && candidate.site->module == maker)
			*ret_is_open = true;
		if (maker ? !candidate.is_class : candidate.contradicts)
			continue;
		if (!maker && without_runtime && candidate.is_runtime)
			left_out = true;
		else
			g_array_index(candidates, struct candidate, kept++) = candidate;
	}
	g_array_set_size(candidates, kept);
	return left_out;
}

/* Whether SITE's function is called by sites, which say more. */
static bool is_told_by_callers(const hc_sites *sites, const hc_site *site)
{
	const struct code_module *module = hc_sites_module_of(sites, site->address);
	gpointer start = GUINT_TO_POINTER((uint32_t)(site->function - site->module->start));

	return site->is_handed_on && g_hash_table_contains(sites->used, g_hash_table_lookup(module->targets, start));
}

/* Whether SITE, whose size is computed, may be a call for such blocks. */
static bool may_compute(const hc_sites *sites, const hc_site_question *question, const hc_site *site)
{
	return !is_told_by_callers(sites, site) && may_give(site, question->size) &&
	       (!question->owner || site->module == question->owner);
}

/* Those in the program and its libraries alone, if LEAVES_OUT. */
static void find_computed(
	const hc_sites *sites, const hc_site_question *question, bool leaves_out, GArray *found, hc_site_answer *answer)
{
	for (unsigned i = sites->sites->len; i-- > 0;) {
		const hc_site *site = hc_sites_get(sites, i);

		if (site->size_kind == HC_SITE_CONSTANT)
			break;
		if (!may_compute(sites, question, site))
			continue;
		if (leaves_out && hc_module_is_runtime(site->module)) {
			answer->without_runtime = true;
			continue;
		}
		answer->computed++;
		if (found->len < CANDIDATES_MOST)
			g_array_append_val(found, site);
	}
}

/*
 * An address that a call puts into what it allocates, and that stands there in all blocks, is a mark: of the calls that compute their size
 * only those that leave it are left, with no word of the others.
 */
static void choose_marked(
	hc_sites *sites, const hc_site_question *question, const GArray *samples, GArray *found, hc_site_answer *answer)
{
	g_autoptr(GArray) marked = g_array_new(FALSE, FALSE, sizeof(struct candidate));
	bool by_class = false;

	if (samples->len < FEW || answer->computed > COMPUTED_MOST)
		return;
	for (unsigned i = 0; i < found->len; i++) {
		struct candidate candidate = { .site = g_array_index(found, const hc_site *, i) };

		compare(sites, question, samples, &candidate);
		if (candidate.contradicts || !(candidate.addresses || candidate.is_class))
			continue;
		by_class |= candidate.is_class;
		g_array_append_val(marked, candidate);
	}
	if (!marked->len)
		return;
	g_array_sort(marked, compare_candidates);
	g_array_set_size(found, 0);
	for (unsigned i = 0; i < marked->len; i++)
		g_array_append_val(found, g_array_index(marked, struct candidate, i).site);
	answer->by_class = by_class;
	answer->by_contents = true;
	if (marked->len == 1)
		answer->verdict = HC_SITE_VERDICT_PROBABLY;
}

/* Of few blocks any module may have made them, and so may libc if nobody else computes a size. */
static void answer_computed(
	hc_sites *sites, const hc_site_question *question, const GArray *samples, GArray *found, hc_site_answer *answer)
{
	answer->without_runtime = false;
	find_computed(sites, question, !question->owner && question->total >= MANY, found, answer);
	if (!answer->computed) {
		answer->without_runtime = false;
		find_computed(sites, question, false, found, answer);
	}
	answer->only_in = question->owner;
	answer->verdict = answer->computed || sites->computed ? HC_SITE_VERDICT_COMPUTED : HC_SITE_VERDICT_NONE;
	choose_marked(sites, question, samples, found, answer);
}

/* Whether exactly one of CANDIDATES, which are sorted, is the owner's. */
static bool is_alone_in_owner(const GArray *candidates)
{
	return candidates->len > 1 && g_array_index(candidates, struct candidate, 0).is_owner &&
	       !g_array_index(candidates, struct candidate, 1).is_owner;
}

/*
 * One call that fits in size alone may still be none of these blocks': others compute theirs. So it has to agree with them in something else, too,
 * their class, what it puts there, or whose they are.
 */
static bool is_probable(const GArray *candidates, const hc_site_answer *answer)
{
	const struct candidate *first = &g_array_index(candidates, struct candidate, 0);

	return answer->only_in || (candidates->len == 1 && (first->is_class || first->is_owner || answer->by_contents));
}

static unsigned count_computed(const hc_sites *sites, const hc_module *module)
{
	unsigned count = 0;

	for (unsigned i = sites->sites->len; i-- > 0 && hc_sites_get(sites, i)->size_kind != HC_SITE_CONSTANT;)
		count += !module || hc_sites_get(sites, i)->module == module;
	return count;
}

void hc_sites_ask(hc_sites *sites, const hc_site_question *question, hc_site_answer *ret_answer)
{
	g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(struct sample));
	GArray *found = g_array_new(FALSE, FALSE, sizeof(const hc_site *));
	g_autoptr(GArray) candidates = NULL;
	bool is_open = false;

	*ret_answer = (hc_site_answer){ .size = question->size, .is_varying = question->is_varying };
	read_samples(sites, question, samples);
	candidates = find_of_size(sites, question, samples);
	ret_answer->of_size = candidates->len;
	ret_answer->without_runtime = choose(candidates, question->total, &is_open);
	if (question->is_varying)
		g_array_set_size(candidates, 0);
	for (unsigned i = 0; i < candidates->len; i++)
		g_array_append_val(found, g_array_index(candidates, struct candidate, i).site);
	if (!candidates->len)
		answer_computed(sites, question, samples, found, ret_answer);
	else {
		const struct candidate *first = &g_array_index(candidates, struct candidate, 0);

		ret_answer->by_class = first->is_class;
		/* Of one block or two a number may be there by chance; an address hardly. */
		ret_answer->by_contents = first->agreeing && !first->differing &&
					  (samples->len >= FEW || first->addresses || first->agreeing > 1);
		if (is_alone_in_owner(candidates))
			ret_answer->only_in = question->owner;
		ret_answer->verdict = !is_open && is_probable(candidates, ret_answer) ? HC_SITE_VERDICT_PROBABLY :
											HC_SITE_VERDICT_SOME;
		ret_answer->computed = count_computed(sites, ret_answer->only_in);
	}
	ret_answer->count = found->len;
	ret_answer->sites = (const hc_site *const *)(void *)g_array_free(found, FALSE);
}

void hc_site_answer_clear(hc_site_answer *answer)
{
	g_free((void *)answer->sites);
	g_free(answer->places);
	*answer = (hc_site_answer){ 0 };
}
