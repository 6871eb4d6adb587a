/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of check/: damage in the heap, with what stands there and who may have written it.
 *
 *	runs.c	what the bytes around a place look like, and what that says of who wrote
 *	check.c	the object
 */
#pragma once

#include <heapcore/check.h>

#include "blocks/blocks.h"

/* Has the allocator of BLOCKS check its heap. CORE and BLOCKS must outlive the result. */
hc_check *hc_check_create(const hc_core *core, const hc_blocks *blocks);

/* Sets run, run_range, pattern, writer_kind, before and writer of PLACE, whose damage is known. */
void hc_check_find_writer(const hc_core *core, const hc_blocks *blocks, hc_damage_place *place);
