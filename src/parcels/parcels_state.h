/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this folder share. */
#pragma once

#include "parcels/parcels.h"

/* cuts.c: sets the bits of PARCELS, whose ranges are known, and collects root words. */
void hc_parcels_cut(hc_parcels *parcels, hc_modules *modules, const hc_blocks *blocks, const hc_references *references,
	unsigned jobs);

/* cuts.c: sets the bits of parcels that are preceded, once they have numbers. */
void hc_parcels_find_preceded(hc_parcels *parcels, const hc_references *references, unsigned jobs);
