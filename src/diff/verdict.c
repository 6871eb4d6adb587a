/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which causes are told, in which order; and what is not the cause. */
#include "diff/internal.h"

#include "base/text.h"

#include <string.h>

enum {
	LEAST_GROWTH = 4096, /* bytes; less is no cause, lost blocks aside */
	LEAST_SHARE = 100,   /* nor is less than one in so many of the growth */
	LITTLE_KEPT = 10,    /* free memory that is less than a tenth of the growth */
	LITTLE_UNOWNED = 10, /* blocks without a known owner that are less than a tenth of all */
};

int64_t hc_diff_share_base(const hc_diff *diff)
{
	int64_t grown = 0;

	if (diff->memory_growth > 0)
		return diff->memory_growth;
	for (unsigned i = 0; i < diff->attribution->len; i++)
		grown += MAX(hc_diff_attribution(diff, i)->bytes, 0);
	return grown;
}

/* Of a cause, in bytes. */
static int64_t least_growth(const hc_diff *diff)
{
	return MAX(LEAST_GROWTH, hc_diff_share_base(diff) / LEAST_SHARE);
}

/* What goes on growing comes first. */
static int most_bytes_first(const void *a, const void *b)
{
	const hc_sentence *x = a, *y = b;
	bool stopped = x->trend == HC_TREND_STOPPED;

	if (stopped != (y->trend == HC_TREND_STOPPED))
		return stopped ? 1 : -1;
	return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : strcmp(x->text, y->text);
}

static void sort_sentences(hc_diff *diff)
{
	int64_t least = least_growth(diff);

	for (unsigned i = diff->sentences->len; i-- > 0;) {
		const hc_sentence *sentence = hc_diff_sentence(diff, i);

		if (sentence->bytes < least && strcmp(sentence->kind, "leak") &&
			(strcmp(sentence->kind, "not-heap") || strcmp(sentence->name, "unjoined")))
			g_array_remove_index(diff->sentences, i);
	}
	g_array_sort(diff->sentences, most_bytes_first);
}

/* "Core B is cut: 30.4 MiB of its memory are missing. ... Mapped address space grew by 41.3 MiB" */
static void append_torn(GString *verdict, const hc_diff *diff)
{
	char size[HC_TEXT_SIZE_LENGTH];

	for (unsigned i = 0; i < diff->count; i++) {
		const hc_snapshot *snapshot = diff->snapshots[i];
		const hc_memory_row *row = hc_diff_find_row(snapshot, "truncated");
		g_autofree char *name = hc_diff_snapshot_name(i);

		if (!hc_snapshot_is_torn(snapshot))
			continue;
		if (row && row->bytes)
			g_string_append_printf(verdict, "Core %s was cut: %s of its memory are missing%s. ", name,
				hc_text_size(size, row->bytes),
				snapshot->heap.found ? "" : ", malloc's heap or what it is found by among them");
		else
			g_string_append_printf(
				verdict, "Core %s lacks malloc's heap, or the memory that it is found by. ", name);
	}
	g_string_append(verdict, "How much memory grew, and whose, it does not tell; mapped address space ");
	if (diff->growth)
		g_string_append_printf(verdict, "%s by %s", diff->growth > 0 ? "grew" : "shrank",
			hc_text_size(size, diff->growth > 0 ? (uint64_t)diff->growth : -(uint64_t)diff->growth));
	else
		g_string_append(verdict, "did not change");
}

/* "Memory grew by 31.6 MiB" */
static void append_growth(GString *verdict, const hc_diff *diff)
{
	char size[HC_TEXT_SIZE_LENGTH];

	if (diff->sameness == HC_OTHER_PROGRAM)
		g_string_append(verdict, "These are different programs; a comparison means little. ");
	else if (diff->sameness == HC_OTHER_BUILD)
		g_string_append(verdict, "These are different builds. ");
	if (diff->is_torn)
		append_torn(verdict, diff);
	else if (diff->memory_growth > 0)
		g_string_append_printf(verdict, "Memory grew by %s", hc_text_size(size, (uint64_t)diff->memory_growth));
	else if (diff->memory_growth < 0)
		g_string_append_printf(
			verdict, "Memory shrank by %s", hc_text_size(size, -(uint64_t)diff->memory_growth));
	else
		g_string_append(verdict, "Memory did not grow");
	if (diff->has_unjoined && diff->growth > 0 && !diff->is_torn)
		g_string_append_printf(verdict, ", %s %s",
			diff->memory_growth > 0 ? "address space by" : "but address space grew by",
			hc_text_size(size, (uint64_t)diff->growth));
	if (diff->sameness == HC_SAME_PROCESS && (diff->memory_growth || diff->is_torn)) {
		g_autofree char *time = hc_diff_describe_time(diff->first, diff->last);

		if (time)
			g_string_append_printf(verdict, " in %s", time);
	}
}

static bool has_sentence(const hc_diff *diff, const char *const *kinds)
{
	for (unsigned i = 0; i < diff->sentences->len; i++)
		if (g_strv_contains(kinds, hc_diff_sentence(diff, i)->kind))
			return true;
	return false;
}

static uint64_t kept(const hc_snapshot *snapshot)
{
	return snapshot->free.bytes;
}

/* What grew of all that hangs on known paths, each too little for a sentence. */
static int64_t known_growth(const hc_diff *diff)
{
	int64_t growth = 0;

	for (unsigned i = 0; i < diff->attribution->len; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);

		if (row->kind == HC_GROWTH_CONTAINER || row->kind == HC_GROWTH_OWNER)
			growth += MAX(row->bytes, 0);
	}
	return growth;
}

/* Whether containers may be among what grew, or in use, and nothing knows them: debug info is missing, as a rule. */
static bool may_hide_containers(const hc_diff *diff)
{
	const GArray *sizes = diff->last->sizes;
	uint64_t all = 0, unowned = 0;
	int64_t growth = 0;

	for (unsigned i = 0; i < sizes->len; i++) {
		const hc_snapshot_size *size = &g_array_index(sizes, hc_snapshot_size, i);

		all += size->size * size->blocks;
		unowned += size->size * size->unowned;
	}
	for (unsigned i = 0; i < diff->attribution->len; i++) {
		const hc_growth *row = hc_diff_attribution(diff, i);

		if ((row->kind == HC_GROWTH_HELD || row->kind == HC_GROWTH_BUFFER) && !row->owner)
			growth += MAX(row->bytes, 0);
	}
	return unowned > all / LITTLE_UNOWNED || growth > hc_diff_share_base(diff) / LITTLE_UNOWNED;
}

/* That containers are not the cause is said only where they would have been seen. */
static void append_containers(GString *verdict, const hc_diff *diff)
{
	static const char *const kinds[] = { "container-growth", "backlog", "unbounded-keys", "owner-growth", NULL };
	int64_t growth = known_growth(diff);
	char size[HC_TEXT_SIZE_LENGTH];

	if (!diff->first->has_types || !diff->last->has_types)
		g_string_append(verdict, "Containers were not looked at (--no-types). ");
	else if (has_sentence(diff, kinds))
		return;
	else if (hc_diff_find_broken(diff))
		g_string_append(verdict, "No container that could be read whole grew. ");
	else if (growth >= least_growth(diff))
		g_string_append_printf(verdict, "Containers and other variables grew by %s, each by little. ",
			hc_text_size(size, (uint64_t)growth));
	else if (may_hide_containers(diff))
		g_string_append_printf(verdict,
			"No container that is known grew, but the owners of much are not known%s. ",
			diff->last->has_debug_info ? "" : ": debug info may tell more");
	else
		g_string_append(verdict, "Containers did not grow. ");
}

/* What it is not, so that nobody looks there. Of another allocator's blocks nothing is known. */
static void append_cleared(GString *verdict, const hc_diff *diff)
{
	static const char *const retained[] = { "retained", NULL };
	char size[HC_TEXT_SIZE_LENGTH];

	if (!diff->sentences->len || diff->is_torn)
		return;
	g_string_append_c(verdict, '\n');
	if (hc_diff_is_partial(diff))
		g_string_append(verdict, "Not all could be read (see below): figures are bounds. ");
	if (diff->last->heap.state == HC_HEAP_UNSUPPORTED) {
		g_autofree char *unread = hc_heap_why_unread(&diff->last->heap, &diff->last->process);

		g_string_append_printf(verdict, "What is in use and free is not known: %s. ", unread);
	} else if (!hc_snapshot_knows_heap(diff->first) || !hc_snapshot_knows_heap(diff->last)) {
		g_string_append_printf(verdict,
			"No heap was found in the %s core: what is in use and free there is not known. ",
			hc_snapshot_knows_heap(diff->last)  ? "first" :
			hc_snapshot_knows_heap(diff->first) ? "last" :
							      "first and in the last");
	} else if (diff->last->heap.foreign) {
		g_autofree char *foreign = hc_text_escape(diff->last->heap.foreign, -1);

		g_string_append_printf(
			verdict, "The program's allocator is %s: of its blocks nothing is known here. ", foreign);
	} else {
		if (!diff->first->heap.found && diff->last->heap.found)
			g_string_append(verdict, "malloc had not been used yet in the first core. ");
		append_containers(verdict, diff);
	}
	if (!diff->last->heap.foreign && diff->last->heap.found && !has_sentence(diff, retained) &&
		kept(diff->last) < (uint64_t)hc_diff_share_base(diff) / LITTLE_KEPT)
		g_string_append_printf(verdict,
			"malloc keeps little (%s), so trimming or another allocator won't help. ",
			hc_text_size(size, kept(diff->last)));
	if (diff->sentences->len > HC_DIFF_CAUSES_TOLD) {
		unsigned more = diff->sentences->len - HC_DIFF_CAUSES_TOLD;

		g_string_append_printf(verdict, "%u smaller cause%s in the table.", more, more == 1 ? " is" : "s are");
	}
	while (verdict->len && (verdict->str[verdict->len - 1] == ' ' || verdict->str[verdict->len - 1] == '\n'))
		g_string_truncate(verdict, verdict->len - 1);
}

void hc_diff_make_verdict(hc_diff *diff)
{
	GString *verdict = g_string_new(NULL);

	sort_sentences(diff);
	append_growth(verdict, diff);
	for (unsigned i = 0; i < MIN(diff->sentences->len, HC_DIFF_CAUSES_TOLD); i++) {
		const hc_sentence *sentence = hc_diff_sentence(diff, i);

		g_string_append_printf(verdict, "%s%s",
			i	      ? "\n" :
			diff->is_torn ? ". What could be read whole: " :
					": ",
			sentence->text);
		if (!g_str_has_suffix(sentence->text, "."))
			g_string_append_c(verdict, '.');
	}
	if (!diff->sentences->len)
		g_string_append_c(verdict, '.');
	append_cleared(verdict, diff);
	diff->verdict = g_string_free(verdict, FALSE);
}
