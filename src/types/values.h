/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of the dead process as text. */
#pragma once

#include "types/internal.h"

/* A word of the dead process, or of a variable's value. */
bool hc_values_word(const hc_types *types, hc_address address, uint64_t *ret_value);

/*
 * The text of the string at ADDRESS: of TYPE if that is a string or leads to characters; if TYPE is NULL (a pointer to anything), what
 * it leads to, if that looks like text. NULL if it is none. Free with g_free(). *ret_length (may be NULL): its bytes, NULs among them
 * counted; of more than HC_VALUES_TEXT_BYTES only the first are there.
 */
char *hc_values_text(const hc_types *types, const hc_type *type, hc_address address, uint64_t *ret_length);

enum {
	HC_VALUES_TEXT_BYTES = 256
};
