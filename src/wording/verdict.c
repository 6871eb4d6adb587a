/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verdict of a comparison in words, and whether it compares one program at all. */
#include "wording/wording.h"

#include "base/text.h"
#include "blocks/blocks.h"

#include <inttypes.h>

enum {
	LEAST_SPACE =
		1
		<< 20, /* bytes that address space moved by more or less than memory: less is not told if that moved */
};

/* ---- one program? ---- */

/* "20 minutes"; NULL: not known. */
static char *time_text(const hc_snapshot *a, const hc_snapshot *b)
{
	int64_t seconds;

	if (!hc_snapshot_seconds(a, b, &seconds))
		return NULL;
	if (seconds < 120)
		return g_strdup_printf("%" PRId64 " second%s", seconds, seconds == 1 ? "" : "s");
	if (seconds < 7200)
		return g_strdup_printf("%" PRId64 " minutes", seconds / 60);
	return g_strdup_printf("%.1f hours", seconds / 3600.0);
}

static char *one_program_text(const hc_snapshot *a, const hc_snapshot *b)
{
	bool same_addresses = hc_snapshot_same_addresses(a, b);

	if (a->process.pid && a->process.pid == b->process.pid)
		return g_strdup_printf("same program, but not the same process: pid %" PRId64
				       " in both, %s; build-id %s",
			a->process.pid, same_addresses ? "executed anew" : "loaded at other addresses", a->build_id);
	return g_strdup_printf("same program, two processes: pid %" PRId64 " and %" PRId64 "%s; build-id %s",
		a->process.pid, b->process.pid, same_addresses ? ", with the same load addresses (forked?)" : "",
		a->build_id);
}

static char *other_program_text(const hc_snapshot *a, const hc_snapshot *b, const char *how)
{
	if (!a->build_id || !b->build_id)
		return g_strdup_printf("different programs by their names: %s and %s (no build-ids to compare)",
			a->program, b->program);
	return g_strdup_printf("%s: %s with build-id %s, and %s with build-id %s", how, a->program, a->build_id,
		b->program, b->build_id);
}

char *hc_word_sameness(const hc_diff *diff)
{
	const hc_snapshot *a = hc_diff_first(diff), *b = hc_diff_compared(diff);
	g_autofree char *time = time_text(a, b);

	switch (hc_diff_sameness(diff)) {
	case HC_SAME_PROCESS:
		return g_strdup_printf("same process: pid %" PRId64 ", same load addresses, same build-id %s%s%s%s",
			a->process.pid, a->build_id, time ? ", " : "", time ? time : "", time ? " apart" : "");
	case HC_SAME_PROGRAM:
		return one_program_text(a, b);
	case HC_OTHER_BUILD:
		return other_program_text(a, b, "another build of the program");
	case HC_OTHER_PROGRAM:
		return other_program_text(a, b, "different programs");
	default:
		return g_strdup_printf("%s in both by its name, pid %" PRId64 " and %" PRId64
				       "; whether it is the same build the cores do not tell",
			a->program, a->process.pid, b->process.pid);
	}
}

/* ---- the verdict ---- */

static void append_change(GString *line, const char *what, int64_t growth)
{
	char size[HC_TEXT_SIZE_LENGTH];

	if (growth)
		g_string_append_printf(line, "%s %s by %s", what, growth > 0 ? "grew" : "shrank",
			hc_text_size(size, growth > 0 ? (uint64_t)growth : -(uint64_t)growth));
}

/* "Core B was cut: 30.4 MiB of its memory are missing. ... mapped address space grew by 41.3 MiB" */
static void append_torn(GString *line, const hc_diff *diff)
{
	char size[HC_TEXT_SIZE_LENGTH];

	for (unsigned i = 0; i < hc_diff_snapshot_count(diff); i++) {
		const hc_snapshot *snapshot = hc_diff_snapshot(diff, i);
		const hc_memory_row *row = hc_snapshot_row(snapshot, HC_ROW_TRUNCATED);
		g_autofree char *name = hc_diff_snapshot_name(i);

		if (!hc_snapshot_is_torn(snapshot))
			continue;
		if (row && row->bytes)
			g_string_append_printf(line, "Core %s was cut: %s of its memory are missing%s. ", name,
				hc_text_size(size, row->bytes),
				snapshot->heap.found ? "" : ", malloc's heap or what it is found by among them");
		else
			g_string_append_printf(
				line, "Core %s lacks malloc's heap, or the memory that it is found by. ", name);
	}
	g_string_append(line, "How much memory grew, and who holds it, is not known; ");
	if (hc_diff_growth(diff))
		append_change(line, "mapped address space", hc_diff_growth(diff));
	else
		g_string_append(line, "mapped address space did not change");
}

/* What of a process's memory can grow by itself. */
typedef struct moved_memory {
	const char *what;
	int64_t growth;
} moved_memory;

/* ", memory by 3.1 MiB", ", memory shrank by 12.0 KiB", ", memory did not change"; BEFORE: what was said last. */
static void append_moved(GString *line, const moved_memory *moved, const moved_memory *before)
{
	char size[HC_TEXT_SIZE_LENGTH];
	uint64_t bytes = moved->growth > 0 ? (uint64_t)moved->growth : -(uint64_t)moved->growth;
	bool goes_on = before && before->growth && (before->growth > 0) == (moved->growth > 0);
	bool turns = before && !goes_on && moved->growth > 0 && before->growth <= 0;

	g_string_append_printf(line, "%s%s%s", before ? ", " : "", turns ? "but " : "", moved->what);
	if (!moved->growth)
		g_string_append(line, before ? " did not change" : " did not grow");
	else
		g_string_append_printf(line, "%s by %s",
			goes_on		  ? "" :
			moved->growth > 0 ? " grew" :
					    " shrank",
			hc_text_size(size, bytes));
}

/*
 * Of resident memory, memory and address space what is known and says something of its own. FALSE: none of them grew or shrank, and only that
 * is said.
 */
static bool append_all_moved(GString *line, const hc_diff *diff)
{
	bool knows_resident = hc_diff_knows_resident(diff);
	const moved_memory resident = { "Resident memory", hc_diff_resident_growth(diff) },
			   memory = { knows_resident ? "memory" : "Memory", hc_diff_memory_growth(diff) },
			   space = { "address space", hc_diff_growth(diff) };
	int64_t apart = space.growth - memory.growth;

	if ((!knows_resident || !resident.growth) && !memory.growth && !space.growth) {
		g_string_append(line, "Memory did not grow");
		return false;
	}
	if (knows_resident)
		append_moved(line, &resident, NULL);
	append_moved(line, &memory, knows_resident ? &resident : NULL);
	if (ABS(apart) >= LEAST_SPACE || (!memory.growth && !resident.growth))
		append_moved(line, &space, &memory);
	return true;
}

/* "Memory grew by 31.6 MiB in 20 minutes" */
static void append_growth(GString *line, const hc_diff *diff)
{
	bool has_moved = true;

	if (hc_diff_sameness(diff) == HC_OTHER_PROGRAM)
		g_string_append(line, "These are different programs; a comparison means little. ");
	else if (hc_diff_sameness(diff) == HC_OTHER_BUILD)
		g_string_append(line, "These are different builds. ");
	if (hc_diff_is_torn(diff))
		append_torn(line, diff);
	else
		has_moved = append_all_moved(line, diff);
	if (hc_diff_sameness(diff) == HC_SAME_PROCESS && has_moved) {
		g_autofree char *time = time_text(hc_diff_first(diff), hc_diff_last(diff));

		if (time)
			g_string_append_printf(line, " in %s", time);
	}
}

/* " (malloc gave 48.0 MiB back and keeps them mapped; 2.0 MiB more are swapped out)": why less is resident than is mapped. */
static void append_absent(GString *line, const hc_diff *diff)
{
	static const char *const whose[HC_ABSENT_COUNT] = {
		[HC_ABSENT_HEAP] = "malloc's memory",
		[HC_ABSENT_ANONYMOUS] = "anonymous mappings",
		[HC_ABSENT_SHARED] = "shared memory",
		[HC_ABSENT_FILES] = "files",
	};
	hc_absent list[HC_ABSENT_COUNT];
	unsigned count = hc_diff_absent(diff, list);
	char size[HC_TEXT_SIZE_LENGTH];

	for (unsigned i = 0; i < count; i++) {
		hc_text_size(size, list[i].bytes);
		g_string_append(line, i ? "; " : " (");
		if (list[i].kind == HC_ABSENT_SWAPPED)
			g_string_append_printf(line, "%s more are swapped out", size);
		else if (list[i].is_given_back)
			g_string_append_printf(line, "malloc gave %s back to the system and keeps them mapped", size);
		else
			g_string_append_printf(line, "%s more of %s are mapped, but not in memory: %s", size,
				whose[list[i].kind],
				list[i].kind == HC_ABSENT_FILES ? "not read, or dropped" :
								  "not touched, or given back");
	}
	g_string_append(line, count ? ")" : "");
}

/* Whether CAUSE is in the process's memory, so that it can grow while something else there shrinks. */
static bool is_inside(const hc_cause *cause)
{
	return cause->kind != HC_CAUSE_SOCKETS && cause->kind != HC_CAUSE_UNJOINED &&
	       cause->kind != HC_CAUSE_PAGE_TABLES;
}

/* What stands between what moved and its first cause: of what did not grow nothing is a cause, but something within it grew. */
static const char *joint(const hc_diff *diff)
{
	bool grew = hc_diff_resident_growth(diff) > 0 || hc_diff_memory_growth(diff) > 0 || hc_diff_growth(diff) > 0;

	if (hc_diff_is_torn(diff))
		return ". What could be read whole: ";
	return grew || !is_inside(hc_diff_cause(diff, 0)) ? ": " : "; within it, though, ";
}

/* That containers are not the cause is said only where they would have been seen. */
static void append_containers(GString *line, const hc_diff *diff)
{
	char size[HC_TEXT_SIZE_LENGTH];
	int64_t growth;

	switch (hc_diff_containers(diff, &growth)) {
	case HC_CONTAINERS_NOT_LOOKED_AT:
		g_string_append(line, "Containers were not looked at (--no-types). ");
		return;
	case HC_CONTAINERS_BROKEN:
		g_string_append(line, "No container that could be read whole grew. ");
		return;
	case HC_CONTAINERS_GREW_LITTLE:
		g_string_append_printf(line, "Containers and other variables grew by %s, each by little. ",
			hc_text_size(size, (uint64_t)growth));
		return;
	case HC_CONTAINERS_UNKNOWN:
		g_string_append_printf(line,
			"No container that is known grew, but of much that is held the type is not known%s. ",
			hc_diff_last(diff)->has_debug_info ? "" : ": debug info may tell more");
		return;
	case HC_CONTAINERS_DID_NOT_GROW:
		g_string_append(line, "Containers did not grow. ");
		return;
	default:
		return;
	}
}

/* Of what nothing is known. */
static void append_unknown(GString *line, const hc_diff *diff)
{
	const hc_snapshot *first = hc_diff_first(diff), *last = hc_diff_last(diff);

	if (last->heap.state == HC_HEAP_UNSUPPORTED) {
		g_autofree char *unread = hc_word_unread(&last->heap, &last->process);

		g_string_append_printf(line, "What is in use and free is not known: %s. ", unread);
	} else if (!hc_snapshot_knows_heap(first) || !hc_snapshot_knows_heap(last)) {
		g_string_append_printf(line,
			"No heap was found in the %s core: what is in use and free there is not known. ",
			hc_snapshot_knows_heap(last)  ? "first" :
			hc_snapshot_knows_heap(first) ? "last" :
							"first and in the last");
	} else if (last->heap.foreign) {
		g_string_append_printf(line, "The program's allocator is %s: of its blocks nothing is known here. ",
			last->heap.foreign);
	} else if (!first->heap.found && last->heap.found) {
		g_string_append(line, "malloc had not been used yet in the first core. ");
	}
}

/* What a snapshot of an earlier version lacks, where blocks were lost. */
static void append_without_code(GString *line, const hc_diff *diff)
{
	bool leaks = false;

	for (unsigned i = 0; i < hc_diff_cause_count(diff); i++)
		leaks |= hc_diff_cause(diff, i)->kind == HC_CAUSE_LEAK;
	if (leaks && hc_snapshot_is_without_code(hc_diff_last(diff)))
		g_string_append(line,
			"The last snapshot is of an earlier version of heapcore: which calls made the lost blocks, and whether they hang on a class "
			"that two libraries see differently, it does not tell. ");
}

/* What it is not, so that nobody looks there. */
static char *cleared_text(const hc_diff *diff)
{
	GString *line = g_string_new(NULL);
	unsigned causes = hc_diff_cause_count(diff);
	char size[HC_TEXT_SIZE_LENGTH];

	if (hc_diff_is_partial(diff))
		g_string_append(line, "Not all could be read (see below): figures are bounds. ");
	append_unknown(line, diff);
	append_containers(line, diff);
	append_without_code(line, diff);
	if (hc_diff_keeps_little(diff))
		g_string_append_printf(line, "malloc keeps little (%s), so trimming or another allocator won't help. ",
			hc_text_size(size, hc_diff_last(diff)->free.bytes));
	if (causes > HC_DIFF_CAUSES_TOLD)
		g_string_append_printf(line, "%u smaller cause%s in the table.", causes - HC_DIFF_CAUSES_TOLD,
			causes == HC_DIFF_CAUSES_TOLD + 1 ? " is" : "s are");
	return g_strchomp(g_string_free(line, FALSE));
}

/* The line of cause INDEX, or of none. */
static char *line_of(const hc_diff *diff, unsigned index)
{
	GString *line = g_string_new(NULL);

	if (!index) {
		append_growth(line, diff);
		append_absent(line, diff);
	}
	if (index < hc_diff_cause_count(diff)) {
		g_autofree char *cause = hc_word_cause(diff, hc_diff_cause(diff, index));

		if (!index)
			g_string_append(line, joint(diff));
		g_string_append(line, cause);
	}
	if (!g_str_has_suffix(line->str, "."))
		g_string_append_c(line, '.');
	return g_string_free(line, FALSE);
}

char **hc_word_verdict(const hc_diff *diff)
{
	unsigned causes = hc_diff_cause_count(diff);
	g_autoptr(GPtrArray) lines = g_ptr_array_new();
	int64_t growth;

	for (unsigned i = 0; i < CLAMP(causes, 1, HC_DIFF_CAUSES_TOLD); i++)
		g_ptr_array_add(lines, line_of(diff, i));
	if ((causes || hc_diff_containers(diff, &growth) == HC_CONTAINERS_GREW_LITTLE) && !hc_diff_is_torn(diff)) {
		char *cleared = cleared_text(diff);

		if (*cleared)
			g_ptr_array_add(lines, cleared);
		else
			g_free(cleared);
	}
	g_ptr_array_add(lines, NULL);
	return (char **)g_ptr_array_steal(lines, NULL);
}

char *hc_word_step(const hc_snapshot *snapshot, const hc_diff *diff)
{
	const hc_side_facts *facts = snapshot->side_facts;
	g_autoptr(GDateTime) time = facts ? g_date_time_new_from_unix_local(facts->time) : g_date_time_new_now_local();
	g_autofree char *when = time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : NULL;
	bool knows_resident = facts && facts->resident != HC_FACT_UNKNOWN;
	char size[HC_TEXT_SIZE_LENGTH];
	g_autofree char *line = diff ? line_of(diff, 0) : g_strdup("This is the first.");

	return g_strdup_printf("%s  %s %s. %s", when ? when : "?",
		hc_text_size(size, knows_resident ? facts->resident : snapshot->total),
		knows_resident ? "resident" : "mapped", line);
}
