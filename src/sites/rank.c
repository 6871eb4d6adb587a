/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which calls may have made these blocks?
 *
 * Those whose size gives blocks of just this one: malloc rounds up, so it is a few sizes; now and then it gives an alignment more, to a few blocks. What was
 * never made (flow.c) is left out. Of these
 *
 *	class	what the call's function, and the constructors that it calls, put into the first word are vtables, if it makes an object. The blocks
 *		have one of these there, or they are not from this call: unless something that is not known may have been put there later.
 *		If any call makes objects of the blocks' class, those that do are the answer; no more than that if the module has calls of that size of
 *		which it is not known what they make.
 *	contents what else they put into the block is a fingerprint (agree.c). Programs change what is in their blocks, so that another value is there says
 *		little; that something of another kind is there, in each of the blocks, leaves a call out. What agrees so well that it hardly does by chance leaves
 *		only the calls that put it there, of each block the best: blocks of one kind may be from several calls.
 *	owner	whose the blocks are by other evidence orders them, too.
 *
 * One call that is left, and agrees with the blocks in more than their size, is told as probable. That it is the only one is never said: calls
 * whose size is computed are always there (in libc, if nowhere else), and so are calls through pointers.
 */
#include "sites/contents.h"

#include "base/partition.h"

#include <string.h>

enum {
	SAMPLES_MOST = 64,
	FEW = 3,  /* fewer may differ by chance */
	MANY = 8, /* blocks that libc hardly makes with one call */
	CANDIDATES_MOST = 1 << 16,
	COMPARED_MOST = 1 << 18, /* calls and blocks, each with each */
	COMPUTED_MOST = 512, /* calls that compute their size, which are compared with the blocks */
	SMALL_MULTIPLE = 16, /* bytes: one of these gives a block of any size */
	POINTS_NEAR = 1, /* as good as the best */
	NEARLY_ALL = 8,	 /* one in so many may be otherwise */
};

/* A call, as it agrees with the blocks. */
struct candidate {
	const hc_site *site;
	bool is_class, is_owner, is_runtime;
	bool contradicts;
	bool is_open;		 /* what stands in its first word is not known, or may change */
	bool is_larger;		 /* the blocks have an alignment more than it asks for */
	int agreeing, differing; /* numbers other than 0 that it stores */
	int addresses;		 /* of those that agree, addresses in modules */
	int zeros;
	int points;	  /* of all samples */
	unsigned best_of; /* samples that no other call agrees with better */
	int16_t sample_points[SAMPLES_MOST];
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

/* Whether a multiple may. */
static bool may_give(const hc_site *site, uint64_t usable)
{
	bool is_larger;

	if (site->size_kind != HC_SITE_MULTIPLE || site->size <= SMALL_MULTIPLE)
		return true;
	if (usable < site->added)
		return false;
	return hc_sites_gives(site->added + (usable - site->added) / site->size * site->size, usable, &is_larger);
}

/* ---- comparing ---- */

/* Bytes that all of the blocks have. */
static uint64_t common_size(const hc_site_question *question)
{
	return question->least ? MIN(question->least, question->size) : question->size;
}

/* Where in the list of sites those begin that may be of SIZE. */
static unsigned first_of_size(const hc_sites *sites, uint64_t size)
{
	uint64_t least = hc_sites_least_request(size);

	return HC_PARTITION_POINT(middle, 0, sites->sites->len,
		hc_sites_get(sites, middle)->size_kind == HC_SITE_CONSTANT &&
			hc_sites_get(sites, middle)->size < least);
}

/* Where those begin that ask for more. */
static unsigned end_of_size(const hc_sites *sites, uint64_t size)
{
	return HC_PARTITION_POINT(middle, 0, sites->sites->len,
		hc_sites_get(sites, middle)->size_kind == HC_SITE_CONSTANT &&
			hc_sites_get(sites, middle)->size <= size);
}

/* The more calls they are to be compared with, the fewer: from all over the list of blocks. */
static void read_samples(const hc_sites *sites, const hc_site_question *question, GArray *samples)
{
	unsigned sites_of_size = end_of_size(sites, question->size) - first_of_size(sites, question->size);
	unsigned most = CLAMP(COMPARED_MOST / (sites_of_size + 1), FEW, SAMPLES_MOST);
	unsigned count = MIN(question->block_count, most);

	for (unsigned i = 0; i < count; i++) {
		hc_address address = question->blocks[(uint64_t)i * question->block_count / count];
		struct sample sample = { .address = address, .size = MIN(common_size(question), LOOKED_AT) };

		if (!hc_core_read(sites->core, address, sample.bytes, sample.size))
			continue;
		hc_sample_examine(sites, &sample);
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
	return !content->offset && content->width == 8 && content->expected == WORD_MODULE &&
	       hc_program_types_class_name_of_vtable(sites->program_types, content->value) != NULL;
}

/* If it can be none of the samples, it contradicts. */
static void count_points(
	const hc_sites *sites, const GArray *contents, const GArray *samples, struct candidate *candidate)
{
	unsigned possible = 0;

	for (unsigned i = 0; i < samples->len; i++) {
		int points = hc_sample_points(sites, contents, &g_array_index(samples, struct sample, i));

		candidate->sample_points[i] = (int16_t)points;
		if (points == POINTS_NONE)
			continue;
		candidate->points += points;
		possible++;
	}
	candidate->contradicts |= !possible;
}

static void compare(
	hc_sites *sites, const hc_site_question *question, const GArray *samples, struct candidate *candidate)
{
	const GArray *contents;
	unsigned classes = 0, agreeing = 0;
	bool may_be_other = false, lacks_address = false;

	candidate->is_owner = candidate->site->module == question->owner;
	candidate->is_runtime = hc_module_is_runtime(candidate->site->module);
	if (!samples->len)
		return;
	contents = hc_sites_contents(sites, candidate->site);
	for (unsigned i = 0; i < contents->len; i++) {
		const struct content *content = &g_array_index(contents, struct content, i);

		may_be_other |= content->kind != CONTENT_VALUE && !content->offset;
		if (content->kind != CONTENT_VALUE || !is_inside(content, common_size(question)))
			continue;
		unsigned same = count_agreeing(samples, content);

		if (is_vtable(sites, content)) {
			classes++;
			agreeing = MAX(agreeing, same);
		} else if (!content->value)
			candidate->zeros += same == samples->len;
		else if (same == samples->len) {
			candidate->agreeing++;
			candidate->addresses += content->width == 8 && content->expected == WORD_MODULE;
		} else {
			candidate->differing += !same;
			lacks_address |= !same && samples->len >= FEW && content->width == 8 &&
					 content->expected == WORD_MODULE;
		}
	}
	candidate->is_class = classes && agreeing * 2 > samples->len;
	candidate->is_open = !candidate->is_class && (may_be_other || !classes);
	/* Functions and tables that an object leads to from the beginning on stay the same. */
	candidate->contradicts = !may_be_other && ((classes && !agreeing) || lacks_address);
	count_points(sites, contents, samples, candidate);
}

/* ---- the answer ---- */

static int score(const struct candidate *candidate)
{
	return candidate->is_class * 1000 + candidate->is_owner * 100 - candidate->is_runtime * 200 +
	       MIN(candidate->agreeing, 8) * 10 - MIN(candidate->differing, 8) * 5 + MIN(candidate->zeros, 4) +
	       (int)candidate->best_of;
}

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int x_score = score(x), y_score = score(y);

	if (x_score != y_score)
		return x_score > y_score ? -1 : 1;
	return (x->site->address > y->site->address) - (x->site->address < y->site->address);
}

/* Of each sample, which calls agree best with it: one that asks for less than its size only if it agrees much better, or no other can be. */
static void find_best(GArray *candidates, unsigned samples)
{
	for (unsigned i = 0; i < samples; i++) {
		int exact = POINTS_NONE, larger = POINTS_NONE, best;

		for (unsigned j = 0; j < candidates->len; j++) {
			const struct candidate *candidate = &g_array_index(candidates, struct candidate, j);
			int *of = candidate->is_larger ? &larger : &exact;

			if (!candidate->contradicts)
				*of = MAX(*of, candidate->sample_points[i]);
		}
		best = exact == POINTS_NONE || (larger >= POINTS_STRONG && larger > exact + POINTS_NEAR) ? larger :
													   exact;
		for (unsigned j = 0; j < candidates->len; j++) {
			struct candidate *candidate = &g_array_index(candidates, struct candidate, j);

			candidate->best_of += !candidate->contradicts && best != POINTS_NONE &&
					      candidate->is_larger == (best != exact) &&
					      candidate->sample_points[i] == best;
		}
	}
}

/*
 * Blocks that are an alignment larger than they have to be are few: where calls that ask for just so much are few enough to be named, those that ask
 * for less are left only if they agree with a block better.
 */
static void leave_out_larger(GArray *candidates)
{
	unsigned kept = 0, exact = 0;

	for (unsigned i = 0; i < candidates->len; i++)
		exact += !g_array_index(candidates, struct candidate, i).is_larger;
	for (unsigned i = 0; i < candidates->len; i++) {
		struct candidate candidate = g_array_index(candidates, struct candidate, i);

		if (!candidate.is_larger || candidate.best_of || !exact || exact > HC_SITES_TOLD_MAX)
			g_array_index(candidates, struct candidate, kept++) = candidate;
	}
	g_array_set_size(candidates, kept);
}

/* Calls with a number that gives blocks of that size. */
static GArray *find_of_size(hc_sites *sites, const hc_site_question *question, const GArray *samples)
{
	GArray *candidates = g_array_new(FALSE, TRUE, sizeof(struct candidate));
	unsigned first = first_of_size(sites, question->size);

	for (unsigned i = first; i < sites->sites->len && candidates->len < CANDIDATES_MOST; i++) {
		struct candidate candidate = { .site = hc_sites_get(sites, i) };

		if (candidate.site->size_kind != HC_SITE_CONSTANT || candidate.site->size > question->size)
			break;
		if (candidate.site->is_never_made ||
			!hc_sites_gives(candidate.site->size, question->size, &candidate.is_larger))
			continue;
		compare(sites, question, samples, &candidate);
		g_array_append_val(candidates, candidate);
	}
	find_best(candidates, samples->len);
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

/*
 * Leaves those that put there what hardly stands there by chance, if nearly all samples have such calls: of each sample those that agree best with it.
 * Whether some were left out.
 */
static bool narrow(GArray *candidates, unsigned samples)
{
	unsigned strong = 0, kept = 0, before = candidates->len;

	for (unsigned i = 0; i < candidates->len; i++)
		g_array_index(candidates, struct candidate, i).best_of = 0;
	for (unsigned i = 0; i < samples; i++) {
		int best = 0;

		for (unsigned j = 0; j < candidates->len; j++)
			best = MAX(best, g_array_index(candidates, struct candidate, j).sample_points[i]);
		if (best < POINTS_STRONG)
			continue;
		strong++;
		for (unsigned j = 0; j < candidates->len; j++) {
			struct candidate *candidate = &g_array_index(candidates, struct candidate, j);

			candidate->best_of += candidate->sample_points[i] >= best - POINTS_NEAR;
		}
	}
	if (!strong || strong * NEARLY_ALL < samples * (NEARLY_ALL - 1))
		return false;
	for (unsigned i = 0; i < candidates->len; i++) {
		struct candidate candidate = g_array_index(candidates, struct candidate, i);

		if (candidate.best_of)
			g_array_index(candidates, struct candidate, kept++) = candidate;
	}
	g_array_set_size(candidates, kept);
	return kept < before;
}

/* Of more than are named the program's own come first, in their order. */
static void put_own_first(GArray *candidates)
{
	g_autoptr(GArray) own = g_array_new(FALSE, FALSE, sizeof(struct candidate));
	unsigned at = candidates->len;

	for (unsigned i = 0; i < candidates->len; i++)
		if (g_array_index(candidates, struct candidate, i).site->module->is_executable)
			g_array_append_val(own, g_array_index(candidates, struct candidate, i));
	if (candidates->len <= HC_SITES_TOLD_MAX || !own->len)
		return;
	for (unsigned i = candidates->len; i-- > 0;)
		if (!g_array_index(candidates, struct candidate, i).site->module->is_executable)
			g_array_index(candidates, struct candidate, --at) =
				g_array_index(candidates, struct candidate, i);
	memcpy(candidates->data, own->data, own->len * sizeof(struct candidate));
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
	return !site->is_never_made && !is_told_by_callers(sites, site) && may_give(site, question->size) &&
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
		count += !hc_sites_get(sites, i)->is_never_made &&
			 (!module || hc_sites_get(sites, i)->module == module);
	return count;
}

void hc_sites_ask(hc_sites *sites, const hc_site_question *question, hc_site_answer *ret_answer)
{
	g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(struct sample));
	GArray *found = g_array_new(FALSE, FALSE, sizeof(const hc_site *));
	g_autoptr(GArray) candidates = NULL;
	bool is_open = false, is_narrowed = false;

	*ret_answer = (hc_site_answer){ .size = question->size, .is_varying = question->is_varying };
	read_samples(sites, question, samples);
	candidates = find_of_size(sites, question, samples);
	ret_answer->of_size = candidates->len;
	ret_answer->without_runtime = choose(candidates, question->total, &is_open);
	leave_out_larger(candidates);
	if (question->is_varying)
		g_array_set_size(candidates, 0);
	if (candidates->len > 1)
		is_narrowed = narrow(candidates, samples->len);
	put_own_first(candidates);
	for (unsigned i = 0; i < candidates->len; i++)
		g_array_append_val(found, g_array_index(candidates, struct candidate, i).site);
	if (!candidates->len)
		answer_computed(sites, question, samples, found, ret_answer);
	else {
		const struct candidate *first = &g_array_index(candidates, struct candidate, 0);

		ret_answer->by_class = first->is_class;
		/* Of one block or two a number may be there by chance; an address hardly. */
		ret_answer->by_contents = is_narrowed ||
					  (candidates->len == 1 && first->agreeing && !first->differing &&
						  (samples->len >= FEW || first->addresses || first->agreeing > 1));
		if (is_alone_in_owner(candidates))
			ret_answer->only_in = question->owner;
		ret_answer->verdict = !is_open && !is_narrowed && is_probable(candidates, ret_answer) ?
					      HC_SITE_VERDICT_PROBABLY :
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
