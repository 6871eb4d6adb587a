/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Do threads pile up that have ended and that nobody joins? */
#include "findings/findings.h"

void hc_find_unjoined(const hc_findings_input *input, hc_findings *findings)
{
	const hc_unjoined *unjoined = hc_areas_unjoined(input->areas);
	hc_finding finding = {
		.kind = HC_FINDING_UNJOINED,
		.bytes = unjoined->memory,
		.unjoined = *unjoined,
	};

	if (unjoined->threads >= HC_UNJOINED_LEAST)
		hc_findings_add(findings, &finding);
}
