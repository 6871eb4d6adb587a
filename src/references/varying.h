/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Headers of varying length: the pointer leads behind them, and a word beside the pointer tells how long they are. For inner.c.
 */
#pragma once

#include "references/learn.h"

enum {
	HC_VARYING_FACTORS = 16,
	HC_VARYING_BLOCKS = 1024 /* bits for blocks, by a hash */
};

/* What one worker saw of a rule: the blocks and the distances that fit. */
typedef struct hc_varying_rule {
	uint64_t blocks[HC_VARYING_BLOCKS / 64], distances;
} hc_varying_rule;

typedef struct hc_varying_counters {
	hc_varying_rule rules[HC_VARYING_WORDS][HC_VARYING_FACTORS];
} hc_varying_counters;

/* Counts, for the pointer at byte AT of SOURCE, that it leads DISTANCE bytes into the block at granule START. */
void hc_varying_count(hc_varying_counters *counters, const hc_references *references, const hc_word_source *source,
	uint64_t at, uint64_t start, uint64_t distance);

/* Sets references->varying_rules to those that the COUNT counters prove. FALSE: none. COUNTERS[0] is overwritten. */
bool hc_varying_learn(hc_references *references, hc_varying_counters *counters, unsigned count);

/* Whether a rule that was learned tells that DISTANCE. */
bool hc_varying_explains(const hc_references *references, const hc_word_source *source, uint64_t at, uint64_t distance);

/* Appends what was learned to HABITS, of hc_habit. */
void hc_varying_tell(const hc_references *references, GArray *habits);
