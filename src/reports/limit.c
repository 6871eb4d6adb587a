/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists that are cut short. */
#include "reports/parts.h"

#include "base/text.h"

unsigned hc_limited(unsigned count, uint64_t limit)
{
	return limit ? MIN(count, limit) : count;
}

void hc_left_out_print(unsigned count, uint64_t limit, hc_output *output)
{
	unsigned shown = hc_limited(count, limit);
	char more[HC_TEXT_COUNT_LENGTH];

	if (shown < count)
		hc_output_printf(output, "%s more: --limit 0 shows all\n", hc_text_count(more, count - shown));
}
