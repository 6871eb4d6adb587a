/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reckoning with what is known of values. Whatever cannot be said of the result is VALUE_UNKNOWN; nothing overflows. */
#pragma once

#include "sites/flow.h"

struct value hc_flow_number(int64_t value);
bool hc_flow_same(const struct value *a, const struct value *b);

/* What is known where two ways meet, on which it is A and B. */
struct value hc_flow_join(const struct value *a, const struct value *b);

struct value hc_flow_scaled(struct value value, int64_t scale); /* VALUE * SCALE */
struct value hc_flow_sum(struct value a, struct value b);
struct value hc_flow_cut(struct value value, uint8_t width); /* to WIDTH bytes, the rest zero */
