/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups of lost blocks, as questions: what is asked about are the heads, and of these the size that most have. */
#include "sites/sites_state.h"

enum {
	HEADS_MOST = 64, /* of each group, that are looked at */
};

struct heads {
	unsigned count;
	hc_address addresses[HEADS_MOST];
	uint64_t sizes[HEADS_MOST];
};

struct collecting {
	struct heads *heads; /* by group */
	unsigned count;
};

static bool collect(const hc_block *block, hc_reach reach, hc_address head, const hc_leak_group *group, void *data)
{
	struct collecting *collecting = data;

	(void)reach;
	if (!group || group->index >= collecting->count || block->address != head)
		return true;
	struct heads *heads = &collecting->heads[group->index];

	if (heads->count < HEADS_MOST) {
		heads->addresses[heads->count] = block->address;
		heads->sizes[heads->count++] = block->size;
	}
	return true;
}

/* The size that most of HEADS have; theirs are moved to the front, *RET_COUNT of them. */
static uint64_t most_frequent(struct heads *heads, unsigned *ret_count)
{
	uint64_t best = 0;
	unsigned most = 0, kept = 0;

	for (unsigned i = 0; i < heads->count; i++) {
		unsigned same = 0;

		for (unsigned j = 0; j < heads->count; j++)
			same += heads->sizes[j] == heads->sizes[i];
		if (same > most) {
			most = same;
			best = heads->sizes[i];
		}
	}
	for (unsigned i = 0; i < heads->count; i++)
		if (heads->sizes[i] == best)
			heads->addresses[kept++] = heads->addresses[i];
	*ret_count = kept;
	return best;
}

bool hc_sites_ask_leaks(hc_sites *sites, const hc_leaks *leaks, unsigned count, hc_site_answer *ret_answers)
{
	struct collecting collecting = { g_try_new0(struct heads, count ? count : 1), count };

	for (unsigned i = 0; i < count; i++)
		ret_answers[i] = (hc_site_answer){ 0 };
	if (!collecting.heads || !hc_leaks_each_block(leaks, collect, &collecting)) {
		g_free(collecting.heads);
		return false;
	}
	for (unsigned i = 0; i < count; i++) {
		const hc_leak_group *group = hc_leaks_group(leaks, i);
		struct heads *heads = &collecting.heads[i];
		hc_site_question question = {
			.total = group->trees, .blocks = heads->addresses, .owner = hc_leak_group_owner(group)
		};

		question.size = most_frequent(heads, &question.block_count);
		/* Heads of many sizes are not from calls that ask for a number. */
		question.is_varying = question.block_count * 2 < heads->count;
		if (heads->count)
			hc_sites_ask(sites, &question, &ret_answers[i]);
		ret_answers[i].size = question.size;
	}
	g_free(collecting.heads);
	return true;
}
