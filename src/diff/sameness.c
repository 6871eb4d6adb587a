/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Are two snapshots of the same program? The executable's build-id decides. Of one process are they if the pid and the load
 * addresses agree too, and the random bytes that the kernel gave the program when it was executed: a pid is used again, and forked
 * processes share addresses, but not both.
 */
#include "diff/diff_state.h"

#include <string.h>

/* Both known and different. */
static bool differ(const char *a, const char *b)
{
	return a && b && strcmp(a, b);
}

/* The same for addresses; 0 is one that a core does not tell. */
static bool are_apart(hc_address a, hc_address b)
{
	return a && b && a != b;
}

static bool is_same_process(const hc_snapshot *a, const hc_snapshot *b)
{
	const hc_side_facts *x = a->side_facts, *y = b->side_facts;

	if (!a->process.pid || a->process.pid != b->process.pid || !hc_snapshot_same_addresses(a, b) ||
		differ(a->random, b->random))
		return false;
	return !x || !y || x->start_time == y->start_time;
}

bool hc_snapshot_seconds(const hc_snapshot *a, const hc_snapshot *b, int64_t *ret_seconds)
{
	return a->side_facts && b->side_facts &&
	       !__builtin_sub_overflow(b->side_facts->time, a->side_facts->time, ret_seconds) && *ret_seconds > 0;
}

bool hc_snapshot_same_addresses(const hc_snapshot *a, const hc_snapshot *b)
{
	return !are_apart(a->program_start, b->program_start) && !are_apart(a->libc_start, b->libc_start);
}

hc_sameness hc_sameness_compare(const hc_snapshot *a, const hc_snapshot *b)
{
	bool same_name = !strcmp(a->program, b->program);

	if (!a->build_id || !b->build_id)
		return same_name ? HC_SAME_UNKNOWN : HC_OTHER_PROGRAM;
	if (strcmp(a->build_id, b->build_id))
		return same_name ? HC_OTHER_BUILD : HC_OTHER_PROGRAM;
	return is_same_process(a, b) ? HC_SAME_PROCESS : HC_SAME_PROGRAM;
}
