/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the analysis is doing, and what it took. */
#include "wording/wording.h"

#include "base/text.h"

#include <heapcore/reports.h>

const char *hc_stage_text(hc_stage stage)
{
	static const char *const texts[HC_STAGE_COUNT] = {
		[HC_STAGE_CORE] = "opening the core",
		[HC_STAGE_MODULES] = "comparing build-ids",
		[HC_STAGE_BLOCKS] = "reading the heap",
		[HC_STAGE_AREAS] = "sorting the memory",
		[HC_STAGE_REFERENCES] = "searching for references",
		[HC_STAGE_MEMORY] = "adding up",
		[HC_STAGE_TYPES] = "reading types and containers",
		[HC_STAGE_FINDINGS] = "looking for findings",
	};

	return (unsigned)stage < HC_STAGE_COUNT ? texts[stage] : "";
}

char *hc_word_memory_taken(uint64_t peak, uint64_t copied)
{
	char all[HC_TEXT_SIZE_LENGTH], part[HC_TEXT_SIZE_LENGTH];

	hc_text_size(all, peak);
	if (!copied)
		return g_strdup_printf("memory: %s at most, the core's pages included", all);
	return g_strdup_printf(
		"memory: %s at most, %s of it copies of the core in large pages", all, hc_text_size(part, copied));
}
