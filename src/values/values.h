/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of values/: what the dead process's memory says, read with the types that were
 * found. Nothing here changes what is known of blocks.
 *
 *	values.c	values as text, and the elements of a container
 *	scalars.c	... numbers
 *	strings.c	... strings, as bytes or from wide characters
 *	tuples.c	... the parts of a std::tuple
 *	numbers.c	integers among the program's static data: its own counters
 *	samples.c	keys of a container
 *	evaluate.c	expressions that name an object
 */
#pragma once

#include <heapcore/values.h>

#include "types/types.h"

/* samples.c: whether KEYS are many that have few SHAPES (of hc_sample), as they have where nobody bounded their number. */
bool hc_keys_are_alike(uint64_t keys, uint64_t shapes);
