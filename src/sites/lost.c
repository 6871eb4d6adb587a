/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blocks, and groups of lost ones, as questions: of groups what is asked about are the heads, and of these the size that most have. */
#include "sites/sites_state.h"

enum {
	HEADS_MOST = 64, /* of each group, that are looked at; and of other blocks */
};

struct heads {
	unsigned count;
	uint64_t total;
	const hc_module *owner;
	bool has_group, is_mixed; /* groups of several owners */
	hc_address addresses[HEADS_MOST];
	uint64_t sizes[HEADS_MOST];
};

struct collecting {
	struct heads *heads;  /* by row */
	const unsigned *rows; /* of each group; NULL: each is a row */
	unsigned count;
};

static unsigned row_of(const struct collecting *collecting, const hc_leak_group *group)
{
	return collecting->rows ? collecting->rows[group->index] : group->index;
}

static bool collect(const hc_block *block, hc_reach reach, hc_address head, const hc_leak_group *group, void *data)
{
	struct collecting *collecting = data;

	(void)reach;
	if (!group || block->address != head || row_of(collecting, group) >= collecting->count)
		return true;
	struct heads *heads = &collecting->heads[row_of(collecting, group)];

	if (heads->count < HEADS_MOST) {
		heads->addresses[heads->count] = block->address;
		heads->sizes[heads->count++] = block->size;
	}
	return true;
}

/* The size that most of SIZES are, the first of several; how many are. */
static uint64_t most_frequent(const uint64_t *sizes, unsigned count, unsigned *ret_most)
{
	uint64_t best = 0;
	unsigned most = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned same = 0;

		for (unsigned j = 0; j < count; j++)
			same += sizes[j] == sizes[i];
		if (same > most) {
			most = same;
			best = sizes[i];
		}
	}
	*ret_most = most;
	return best;
}

/* Blocks of many sizes are not from calls that ask for a number: all of them are looked at. Else only those of the size that most have. */
void hc_sites_ask_blocks(hc_sites *sites, const hc_address *addresses, const uint64_t *sizes, unsigned count,
	uint64_t total, const hc_module *owner, hc_site_answer *ret_answer)
{
	hc_address asked[HEADS_MOST];
	unsigned most;
	hc_site_question question = { .total = total, .blocks = asked, .owner = owner, .least = UINT64_MAX };

	count = MIN(count, HEADS_MOST);
	question.size = most_frequent(sizes, count, &most);
	question.is_varying = most * 2 < count;
	for (unsigned i = 0; i < count; i++) {
		if (!question.is_varying && sizes[i] != question.size)
			continue;
		asked[question.block_count++] = addresses[i];
		question.least = MIN(question.least, sizes[i]);
	}
	if (count)
		hc_sites_ask(sites, &question, ret_answer);
	else
		*ret_answer = (hc_site_answer){ 0 };
}

static void add_group(struct heads *heads, const hc_leak_group *group)
{
	const hc_module *owner = hc_leak_group_owner(group);

	heads->total += group->trees;
	heads->is_mixed |= heads->has_group && heads->owner != owner;
	heads->has_group = true;
	heads->owner = heads->is_mixed ? NULL : owner;
}

bool hc_sites_ask_leaks(
	hc_sites *sites, const hc_leaks *leaks, const unsigned *rows, unsigned count, hc_site_answer *ret_answers)
{
	struct collecting collecting = { g_try_new0(struct heads, count ? count : 1), rows, count };

	for (unsigned i = 0; i < count; i++)
		ret_answers[i] = (hc_site_answer){ 0 };
	if (!collecting.heads || !hc_leaks_each_block(leaks, collect, &collecting)) {
		g_free(collecting.heads);
		return false;
	}
	for (unsigned i = 0; i < hc_leaks_group_count(leaks); i++) {
		const hc_leak_group *group = hc_leaks_group(leaks, i);

		if (row_of(&collecting, group) < count)
			add_group(&collecting.heads[row_of(&collecting, group)], group);
	}
	for (unsigned i = 0; i < count; i++) {
		const struct heads *heads = &collecting.heads[i];

		hc_sites_ask_blocks(sites, heads->addresses, heads->sizes, heads->count, heads->total, heads->owner,
			&ret_answers[i]);
	}
	g_free(collecting.heads);
	return true;
}
