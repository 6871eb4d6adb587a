/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which of the candidates are mmapped chunks. malloc keeps their number and the sum of their mappings, so this is a knapsack:
 * what is to be left out is known exactly, as a count and as a number of pages. Candidates that overlap exclude each other.
 * Many sets may fit; likelihood decides between them.
 *
 * The least likely candidates alone are doubted first, then those a degree likelier, and so on (candidates that overlap
 * another are always doubted): a search among few doubtful ones is small, and what is left out then is what least speaks for.
 *
 * The search goes over the doubted ones from left to right. A state is: which one is next, how many were left out, how many
 * pages these have. For each state the least sum of likelihood left out is remembered, and the state before it. To take one is
 * to leave out those that begin inside it. Equal states meet, so N look-alikes of one size cost N * N states and not 2^N. States
 * that cannot end well any more are not made, and STATES_MAX bounds time and memory of the rest.
 *
 * Several ways may be as good, and what speaks for the best may be an accident (the border of a
 * mapping, a size). Only words that lead to a block are evidence. So a second search goes by these
 * alone, and then back from its best end over all steps that lose no more: who is left out on any
 * of these ways, and was chosen, is a guess.
 */
#include "allocators/glibc_mmapped.h"

#define STATES_MAX (1u << 20)

typedef struct state {
	guint next;	    /* index of a doubted one */
	guint out;	    /* how many were left out */
	uint64_t pages;	    /* of those */
	uint64_t loss;	    /* sum of their likelihood */
	struct state *from; /* the state before */
	struct state *sibling;
	bool took;    /* the doubted one that was next in FROM was taken, not left out */
	bool is_best; /* a best way goes through it */
} state;

typedef struct search {
	GPtrArray *doubted;			    /* of glibc_mapped_candidate, in order */
	bool by_evidence;			    /* a loss is a reference, not a likelihood */
	uint64_t page, *pages_before, *loss_before; /* [doubted + 1]: sums over those before */
	guint out;				    /* how many have to be left out */
	uint64_t pages_least, pages_most;	    /* of these together */
	GHashTable *states;			    /* owns each state */
	state **lists;				    /* [doubted + 1], by next, linked by sibling */
} search;

static guint state_hash(gconstpointer key)
{
	const state *s = key;
	uint64_t mixed = (s->pages * 0x9e3779b97f4a7c15u) ^ (((uint64_t)s->out << 32 | s->next) * 0xc2b2ae3d27d4eb4fu);

	return (guint)(mixed >> 32);
}

static gboolean state_equal(gconstpointer a, gconstpointer b)
{
	const state *x = a, *y = b;

	return x->next == y->next && x->out == y->out && x->pages == y->pages;
}

static const glibc_mapped_candidate *doubted_at(const search *s, guint index)
{
	return g_ptr_array_index(s->doubted, index);
}

static bool can_end_well(const search *s, const state *new)
{
	guint rest = s->doubted->len - new->next;
	uint64_t rest_pages = s->pages_before[s->doubted->len] - s->pages_before[new->next];

	return new->out <= s->out &&
	       s->out - new->out <= rest &&new->pages <= s->pages_most &&new->pages + rest_pages >= s->pages_least;
}

/* Where one comes to from FROM, whose next one is taken or not, if NEXT is next then. */
static state step(const search *s, state *from, guint next, bool took)
{
	guint first_out = from->next + (took ? 1 : 0);

	return (state){
		.next = next,
		.out = from->out + (next - first_out),
		.pages = from->pages + s->pages_before[next] - s->pages_before[first_out],
		.loss = from->loss + s->loss_before[next] - s->loss_before[first_out],
		.from = from,
		.took = took,
	};
}

/*
 * From state FROM, whose next one is taken or not, to the one where index NEXT is next. FALSE:
 * there are too many states.
 */
static bool reach(search *s, state *from, guint next, bool took)
{
	state new = step(s, from, next, took), *known;

	if (!can_end_well(s, &new))
		return true;
	known = g_hash_table_lookup(s->states, &new);
	if (known) {
		if (new.loss < known->loss) {
			known->loss = new.loss;
			known->from = from;
			known->took = took;
		}
		return true;
	}
	if (g_hash_table_size(s->states) >= STATES_MAX)
		return false;
	known = g_memdup2(&new, sizeof new);
	known->sibling = s->lists[next];
	s->lists[next] = known;
	g_hash_table_add(s->states, known);
	return true;
}

/* The first of the doubted ones after INDEX that does not begin inside it. */
static guint first_behind(const search *s, guint index)
{
	hc_address end = doubted_at(s, index)->end;
	guint next = index + 1;

	while (next < s->doubted->len && doubted_at(s, next)->start < end)
		next++;
	return next;
}

/* The best last state: the sum nearest to malloc's own, then the least loss. NULL if there is none. */
static state *best_end(const search *s)
{
	state *best = NULL;

	for (state *end = s->lists[s->doubted->len]; end; end = end->sibling)
		if (end->out == s->out && end->pages >= s->pages_least &&
			(!best || end->pages < best->pages || (end->pages == best->pages && end->loss < best->loss)))
			best = end;
	return best;
}

/* Whether a best way goes on from FROM in this step. */
static bool is_best_step(const search *s, state *from, guint next, bool took)
{
	state new = step(s, from, next, took);
	const state *known = g_hash_table_lookup(s->states, &new);

	return known && known->is_best && known->loss == new.loss;
}

static void mark_out(const search *s, guint from, guint to)
{
	for (guint i = from; i < to; i++)
		((glibc_mapped_candidate *)g_ptr_array_index(s->doubted, i))->is_guess = true;
}

/* Marks each doubted one that some best way to END leaves out. */
static void mark_guesses(const search *s, state *end)
{
	end->is_best = true;
	for (guint i = s->doubted->len; i-- > 0;) {
		guint behind = first_behind(s, i);
		bool left = false, taken = false;

		for (state *from = s->lists[i]; from; from = from->sibling) {
			bool leaves = is_best_step(s, from, i + 1, false), takes = is_best_step(s, from, behind, true);

			from->is_best = leaves || takes;
			left |= leaves;
			taken |= takes;
		}
		mark_out(s, i, left ? i + 1 : i);
		mark_out(s, i + 1, taken ? behind : i + 1);
	}
}

/* Returns the last state of the best way; NULL if there is none. */
static state *search_run(search *s)
{
	state begin = { 0 };

	if (!can_end_well(s, &begin))
		return NULL;
	s->lists[0] = g_memdup2(&begin, sizeof begin);
	g_hash_table_add(s->states, s->lists[0]);
	for (guint i = 0; i < s->doubted->len; i++) {
		guint behind = first_behind(s, i);

		for (state *from = s->lists[i]; from; from = from->sibling)
			if (!reach(s, from, behind, true) || !reach(s, from, i + 1, false))
				return NULL;
	}
	return best_end(s);
}

static void search_prepare(search *s, const glibc_mapped_truth *truth)
{
	guint count = s->doubted->len;

	s->page = truth->page;
	s->pages_before = g_new0(uint64_t, count + 1);
	s->loss_before = g_new0(uint64_t, count + 1);
	s->lists = g_new0(state *, count + 1);
	s->states = g_hash_table_new_full(state_hash, state_equal, g_free, NULL);
	for (guint i = 0; i < count; i++) {
		const glibc_mapped_candidate *one = doubted_at(s, i);

		s->pages_before[i + 1] = s->pages_before[i] + (one->end - one->start) / s->page;
		s->loss_before[i + 1] = s->loss_before[i] + (s->by_evidence ? one->is_referenced : one->likelihood);
	}
}

static void search_clear(search *s)
{
	g_ptr_array_unref(s->doubted);
	g_free(s->pages_before);
	g_free(s->loss_before);
	g_free(s->lists);
	g_hash_table_unref(s->states);
}

/* For each candidate whether it overlaps another one. They are in order of their starts. */
static bool *find_overlaps(const GArray *candidates)
{
	bool *overlaps = g_new0(bool, candidates->len + 1);
	hc_address end = 0;
	guint last = 0; /* the one that reaches to END */

	for (guint i = 0; i < candidates->len; i++) {
		const glibc_mapped_candidate *one = &g_array_index(candidates, glibc_mapped_candidate, i);

		if (i > 0 && one->start < end)
			overlaps[i] = overlaps[last] = true;
		if (one->end > end) {
			end = one->end;
			last = i;
		}
	}
	return overlaps;
}

/* Those that the way to END left out. */
static GHashTable *left_out(const search *s, const state *end)
{
	GHashTable *out = g_hash_table_new(NULL, NULL);

	for (const state *at = end; at->from; at = at->from)
		for (guint i = at->from->next + (at->took ? 1 : 0); i < at->next; i++)
			g_hash_table_add(out, g_ptr_array_index(s->doubted, i));
	return out;
}

static void keep_others(GArray *candidates, GHashTable *out)
{
	guint kept = 0;

	for (guint i = 0; i < candidates->len; i++) {
		glibc_mapped_candidate *one = &g_array_index(candidates, glibc_mapped_candidate, i);

		if (!g_hash_table_contains(out, one))
			g_array_index(candidates, glibc_mapped_candidate, kept++) = *one;
	}
	g_array_set_size(candidates, kept);
}

/*
 * Searches among the doubted ones of S. Returns the last state of the best way; NULL if there is
 * none.
 */
static state *search_among(search *s, const GArray *candidates, const glibc_mapped_truth *truth)
{
	uint64_t sum = 0;

	s->out = candidates->len - truth->count;
	for (guint i = 0; i < candidates->len; i++) {
		const glibc_mapped_candidate *one = &g_array_index(candidates, glibc_mapped_candidate, i);

		sum += (one->end - one->start) / truth->page;
	}
	search_prepare(s, truth);
	if (sum < truth->bytes / truth->page)
		return NULL;
	s->pages_least = sum - truth->bytes / truth->page;
	s->pages_most = s->pages_least + truth->drift / truth->page;
	return search_run(s);
}

/*
 * Doubts those that overlap another or are at most so likely. Returns those to leave out; NULL:
 * this search found none.
 */
static GHashTable *choose_among(
	GArray *candidates, const bool *overlaps, unsigned likelihood, const glibc_mapped_truth *truth)
{
	search s = { .doubted = g_ptr_array_new() };
	GHashTable *out = NULL;

	for (guint i = 0; i < candidates->len; i++) {
		glibc_mapped_candidate *one = &g_array_index(candidates, glibc_mapped_candidate, i);

		if (overlaps[i] || one->likelihood <= likelihood)
			g_ptr_array_add(s.doubted, one);
	}
	const state *end = search_among(&s, candidates, truth);

	if (end)
		out = left_out(&s, end);
	search_clear(&s);
	return out;
}

/*
 * Marks what a set with the most references leaves out. Only those that nothing leads to, or that
 * overlap, are doubted if not ALL; FALSE if the best of these sets need not be the best of all.
 */
static bool find_guesses(GArray *candidates, const bool *overlaps, bool all, const glibc_mapped_truth *truth)
{
	search s = { .doubted = g_ptr_array_new(), .by_evidence = true };

	for (guint i = 0; i < candidates->len; i++) {
		glibc_mapped_candidate *one = &g_array_index(candidates, glibc_mapped_candidate, i);

		if (all || overlaps[i] || !one->is_referenced)
			g_ptr_array_add(s.doubted, one);
	}
	state *end = search_among(&s, candidates, truth);

	bool is_best = end && (all || !end->loss);

	if (is_best)
		mark_guesses(&s, end);
	search_clear(&s);
	return is_best;
}

bool glibc_choose_mapped(GArray *candidates, const glibc_mapped_truth *truth)
{
	g_autofree bool *overlaps = find_overlaps(candidates);
	g_autoptr(GHashTable) out = NULL;

	if (truth->count > candidates->len)
		return false;
	for (unsigned likelihood = 0; likelihood <= GLIBC_MAPPED_LIKELIHOOD_MAX && !out; likelihood++)
		out = choose_among(candidates, overlaps, likelihood, truth);
	if (!out)
		return false;
	/* Too many states to tell: then all that nothing leads to. */
	if (!find_guesses(candidates, overlaps, false, truth) && !find_guesses(candidates, overlaps, true, truth))
		for (guint i = 0; i < candidates->len; i++) {
			glibc_mapped_candidate *one = &g_array_index(candidates, glibc_mapped_candidate, i);

			one->is_guess = overlaps[i] || !one->is_referenced;
		}
	keep_others(candidates, out);
	return true;
}
