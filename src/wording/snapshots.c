/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a snapshot has. */
#include "wording/wording.h"

#include "base/text.h"

char *hc_word_snapshot(const hc_snapshot *snapshot)
{
	g_autofree char *places = hc_unit_text(snapshot->owners->len, "places"),
			*kinds = hc_unit_text(snapshot->lost->len, "kinds");

	return g_strdup_printf("%s in the program's data, %s of lost blocks; %s", places, kinds,
		snapshot->has_content ? "texts of keys and lost blocks are in it (--no-content leaves them out)" :
					"nothing that blocks contain is in it");
}
