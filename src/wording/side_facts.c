/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What captures tell beside the cores. */
#include "wording/wording.h"

#include "base/text.h"

#include <inttypes.h>

const char *hc_word_no_side_facts(bool has_one)
{
	return has_one ?
		       "not in one of these cores: the kernel's memory (sockets' queues), what was resident; heapcore capture takes them" :
		       "not in a core: the kernel's memory (sockets' queues), what was resident; heapcore capture takes them";
}

char *hc_word_captured(const hc_side_facts *facts, const char *directory)
{
	g_autofree char *pause = facts->stopped < 1 ? g_strdup_printf("%.0f ms", facts->stopped * 1000) :
						      g_strdup_printf("%.2f s", facts->stopped);
	g_autofree char *own = facts->own_pid ? g_strdup_printf(" (%" PRIi64 " in its container)", facts->own_pid) :
						g_strdup("");

	if (facts->why_stopped)
		return g_strdup_printf("%s: process %" PRIi64
				       "%s, stood still for %s, until all was written (%s), is running again",
			directory, facts->pid, own, pause, facts->why_stopped);
	return g_strdup_printf(
		"%s: process %" PRIi64 "%s, was paused for %s, is running again", directory, facts->pid, own, pause);
}

char *hc_word_captured_memory(const hc_side_facts *facts)
{
	g_autofree char *sockets = hc_unit_text(hc_side_facts_socket_count(facts), "sockets");
	char size[HC_TEXT_SIZE_LENGTH];
	GString *text = g_string_new(NULL);

	if (facts->resident != HC_FACT_UNKNOWN)
		g_string_append_printf(text, "%s resident; ", hc_text_size(size, facts->resident));
	if (facts->unread != HC_FACT_UNKNOWN)
		g_string_append_printf(text, "%s with %s unread", sockets, hc_text_size(size, facts->unread));
	else
		g_string_append(text, "its sockets are not known");
	return g_string_free(text, FALSE);
}
