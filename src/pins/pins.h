/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of pins/: which blocks keep free memory of the heap from going back.
 *
 *	runs.c		runs and the islands above them; what would go back by the rules of systrim() and heap_trim()
 *	holders.c	what the blocks of islands are, added up
 *	kept.c		why malloc keeps what is free, with the tunable; the advice
 *	pins.c		the object and its totals
 *
 * Everything but the islands' blocks is known from the pass that counts free pages (blocks/free_pages.c), so the heap's own
 * memory is not read again.
 */
#pragma once

#include <heapcore/pins.h>

#include "blocks/blocks.h"
#include "types/types.h"
