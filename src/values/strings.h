/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words and strings of the dead process: strings.c. */
#pragma once

#include "values/values.h"

/* A word of the dead process, or of a variable's value. */
bool hc_values_word(const hc_types *types, hc_address address, uint64_t *ret_value);

enum {
	HC_VALUES_TEXT_BYTES = 256
};

/*
 * The text of the string at ADDRESS: of TYPE if that is a string or leads to characters; if TYPE is NULL (a pointer to anything), what
 * it leads to, if that looks like text. Wide characters become UTF-8. NULL if it is none, or has wide characters that are none. Free with
 * g_free(). *ret_length: its bytes, NULs among them counted, at most HC_VALUES_TEXT_BYTES; *ret_cut: whether it goes on behind them. Both may
 * be NULL.
 */
char *hc_values_text(const hc_types *types, const hc_type *type, hc_address address, size_t *ret_length, bool *ret_cut);

/* The text of COUNT characters of TYPE in a row at ADDRESS, up to the first NUL; NULL if TYPE is no character, or they are no text. Free with g_free(). */
char *hc_values_row_text(const hc_types *types, const hc_type *type, hc_address address, uint64_t count);
