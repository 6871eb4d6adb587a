/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Are two snapshots of the same program? The executable's build-id decides. Of one process are they if the pid and the load
 * addresses agree too, and the random bytes that the kernel gave the program when it was executed: a pid is used again, and forked
 * processes share addresses, but not both.
 */
#include "diff/internal.h"

#include "base/text.h"

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

	if (!a->process.pid || a->process.pid != b->process.pid || are_apart(a->program_start, b->program_start) ||
		are_apart(a->libc_start, b->libc_start) || differ(a->random, b->random))
		return false;
	return !x || !y || x->start_time == y->start_time;
}

char *hc_diff_describe_time(const hc_snapshot *a, const hc_snapshot *b)
{
	int64_t seconds;

	if (!a->side_facts || !b->side_facts ||
		__builtin_sub_overflow(b->side_facts->time, a->side_facts->time, &seconds) || seconds <= 0)
		return NULL;
	if (seconds < 120)
		return g_strdup_printf("%" G_GINT64_FORMAT " second%s", seconds, seconds == 1 ? "" : "s");
	if (seconds < 7200)
		return g_strdup_printf("%" G_GINT64_FORMAT " minutes", seconds / 60);
	return g_strdup_printf("%.1f hours", seconds / 3600.0);
}

static char *same_build_text(hc_sameness sameness, const hc_snapshot *a, const hc_snapshot *b)
{
	bool same_addresses = !are_apart(a->program_start, b->program_start) &&
			      !are_apart(a->libc_start, b->libc_start);
	g_autofree char *time = hc_diff_describe_time(a, b);

	if (sameness == HC_SAME_PROCESS)
		return g_strdup_printf("same process: pid %" G_GINT64_FORMAT
				       ", same load addresses, same build-id %s%s%s%s",
			a->process.pid, a->build_id, time ? ", " : "", time ? time : "", time ? " apart" : "");
	if (a->process.pid && a->process.pid == b->process.pid)
		return g_strdup_printf("same program, but not the same process: pid %" G_GINT64_FORMAT
				       " in both, %s; build-id %s",
			a->process.pid, same_addresses ? "executed anew" : "loaded at other addresses", a->build_id);
	return g_strdup_printf("same program, two processes: pid %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT
			       "%s; build-id %s",
		a->process.pid, b->process.pid, same_addresses ? ", with the same load addresses (forked?)" : "",
		a->build_id);
}

hc_sameness hc_sameness_compare(const hc_snapshot *a, const hc_snapshot *b, char **ret_text)
{
	g_autofree char *name_a = hc_text_escape(a->program, -1), *name_b = hc_text_escape(b->program, -1);
	bool same_name = !strcmp(name_a, name_b);
	hc_sameness sameness;

	if (a->build_id && b->build_id && !strcmp(a->build_id, b->build_id)) {
		sameness = is_same_process(a, b) ? HC_SAME_PROCESS : HC_SAME_PROGRAM;
		*ret_text = same_build_text(sameness, a, b);
		return sameness;
	}
	if (a->build_id && b->build_id) {
		*ret_text = g_strdup_printf("%s: %s with build-id %s, and %s with build-id %s",
			same_name ? "another build of the program" : "different programs", name_a, a->build_id, name_b,
			b->build_id);
		return same_name ? HC_OTHER_BUILD : HC_OTHER_PROGRAM;
	}
	if (!same_name) {
		*ret_text = g_strdup_printf(
			"different programs by their names: %s and %s (no build-ids to compare)", name_a, name_b);
		return HC_OTHER_PROGRAM;
	}
	*ret_text = g_strdup_printf("%s in both by its name, pid %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT
				    "; whether it is the same build the cores do not tell",
		name_a, a->process.pid, b->process.pid);
	return HC_SAME_UNKNOWN;
}
