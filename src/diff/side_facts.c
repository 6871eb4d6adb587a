/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What no core tells: the kernel's side of the process's memory, where both cores are from captures. Unread datagrams are memory that grew
 * because of this process and is in none of its mappings: who looks for it in the heap looks in vain.
 */
#include "diff/internal.h"

#include "base/text.h"

#include <string.h>

enum {
	LEAST_QUEUE_GROWTH = 1 << 20,
};

bool hc_diff_is_books_row(const hc_diff_row *row)
{
	return !row->of && row->is_memory &&
	       (!strcmp(row->id, "in-use") || !strcmp(row->id, "mmapped") || g_str_has_prefix(row->id, "free-") ||
		       !strcmp(row->id, "runtime") || !strcmp(row->id, "malloc-overhead"));
}

static int64_t heap_growth(const hc_diff *diff)
{
	int64_t growth = 0;

	for (unsigned i = 0; i < diff->rows->len; i++) {
		const hc_diff_row *row = hc_diff_row_get(diff, i);

		growth += hc_diff_is_books_row(row) ? row->growth : 0;
	}
	return growth;
}

/* "8 UDP sockets hold", "8 UDP and 1 TCP sockets hold": those that have anything unread, kinds with most of it first. */
static char *describe_sockets(const hc_side_facts *facts)
{
	GString *text = g_string_new(NULL);
	bool said[HC_SOCKET_KIND_COUNT] = { 0 };
	uint64_t count = 0;

	for (unsigned turn = 0; turn < HC_SOCKET_KIND_COUNT; turn++) {
		unsigned most = HC_SOCKET_KIND_COUNT;

		for (unsigned kind = 0; kind < HC_SOCKET_KIND_COUNT; kind++) {
			if (!said[kind] && facts->sockets[kind].waiting &&
				(most == HC_SOCKET_KIND_COUNT ||
					facts->sockets[kind].unread > facts->sockets[most].unread))
				most = kind;
		}
		if (most == HC_SOCKET_KIND_COUNT)
			break;
		said[most] = true;
		count += facts->sockets[most].waiting;
		g_string_append_printf(text, "%s%" G_GUINT64_FORMAT " %s", text->len ? " and " : "",
			facts->sockets[most].waiting, hc_socket_kind_name(most));
	}
	g_string_append(text, count == 1 ? " socket holds" : " sockets hold");
	return g_string_free(text, FALSE);
}

static void find_unread(hc_diff *diff)
{
	uint64_t a = diff->facts_a->unread, b = diff->facts_b->unread;
	char unread[HC_TEXT_SIZE_LENGTH], more[HC_TEXT_SIZE_LENGTH], heap[HC_TEXT_SIZE_LENGTH];
	int64_t growth = heap_growth(diff);
	g_autofree char *sockets = NULL, *text = NULL;

	if (a == HC_FACT_UNKNOWN || b == HC_FACT_UNKNOWN || b < a || b - a < LEAST_QUEUE_GROWTH)
		return;
	sockets = describe_sockets(diff->facts_b);
	text = g_strdup_printf("heap %c%s; %s %s unread, %s more than before: kernel memory, not this heap",
		growth < 0 ? '-' : '+', hc_text_size(heap, growth < 0 ? -(uint64_t)growth : (uint64_t)growth), sockets,
		hc_text_size(unread, b), hc_text_size(more, b - a));
	hc_findings_add(diff->findings, "kernel-memory", b - a, 0, g_steal_pointer(&text), NULL);
	diff->kernel_growth = b - a;
}

void hc_diff_read_side_facts(hc_diff *diff)
{
	g_autoptr(GError) error_a = NULL, error_b = NULL;

	diff->facts_a = hc_side_facts_read(hc_core_path(hc_analysis_core(diff->a)), &error_a);
	diff->facts_b = hc_side_facts_read(hc_core_path(hc_analysis_core(diff->b)), &error_b);
	if (!diff->facts_a || !diff->facts_b)
		return;
	find_unread(diff);
	hc_findings_sort(diff->findings);
	if (diff->kernel_growth) {
		char size[HC_TEXT_SIZE_LENGTH];
		char *verdict = g_strdup_printf("%s What waits in sockets grew by %s, which is the kernel's memory.",
			diff->verdict, hc_text_size(size, diff->kernel_growth));

		g_free(diff->verdict);
		diff->verdict = verdict;
	}
}

const hc_side_facts *hc_diff_side_facts_a(const hc_diff *diff)
{
	return diff->facts_a;
}

const hc_side_facts *hc_diff_side_facts_b(const hc_diff *diff)
{
	return diff->facts_b;
}
