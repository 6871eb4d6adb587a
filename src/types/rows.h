/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of types, and of containers: what those who make them share, and those who look for a block's. */
#pragma once

#include "types/types.h"

/* Adds up what each owner holds: its own, and what hangs below; and makes the rows of containers: holdings.c. */
void hc_types_add_up_holdings(hc_types *types);

/* The name of BLOCK's row where its type is not known: what it looks like. Free with g_free(). */
char *hc_types_shape_name(const hc_types *types, const hc_block *block);

/* The name of the row of all blocks whose looks have none of their own: there were too many. */
#define HC_SHAPES_LEFT "? many others"

/* TEXT for as long as the result lives. */
static inline const char *hc_types_keep(hc_types *types, const char *text)
{
	return g_string_chunk_insert_const(types->texts, text);
}
