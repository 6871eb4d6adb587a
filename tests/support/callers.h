/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which calls led to each malloc: the addresses that they come back to, innermost first, by the unwinder of the compiler's runtime. Chains are
 * kept once, in memory of their own, and have numbers; a block has its chain's number above CALLERS_SHIFT bits of its size.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CALLERS_SHIFT 40

/* The number of the chain of calls that this one is in, for SIZE bytes; 0: it could not be kept, or is not to be. */
uint32_t callers_number(size_t size);

/* Writes "chain NUMBER 0xADDRESS ... 0" a line. */
void callers_write(void (*number)(uint64_t value, unsigned base, char end), void (*text)(const char *text));
