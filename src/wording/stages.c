/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the analysis is doing. */
#include "wording/wording.h"

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
