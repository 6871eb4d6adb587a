/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text for people: sizes, and bytes from the dump made safe to show. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * BYTES (LENGTH of them, or -1 if NUL-terminated) as a UTF-8 string that is safe on a terminal: control characters,
 * DEL, bidirectional overrides and bytes that are not UTF-8 become \n, \x1b and the like, and a backslash is doubled.
 * Free with g_free().
 */
char *hc_text_escape(const char *bytes, gssize length);

/* BYTES as valid UTF-8, for JSON, which escapes control characters itself; bytes that are not UTF-8 become \xNN. */
char *hc_text_utf8(const char *bytes, gssize length);

/*
 * The same, without a copy of what is valid as it is. *RET_COPY, which must be NULL before, is what is to be freed with g_free(): NULL then.
 */
const char *hc_text_valid(const char *bytes, char **ret_copy);

/*
 * Whether all of TEXT is as PATTERN says: * stands for anything, ? for one character, all else for itself. Neither need be UTF-8, as
 * GPatternSpec has it, which aborts on names of a program that are not.
 */
bool hc_text_matches(const char *pattern, const char *text);

enum {
	HC_TEXT_SIZE_LENGTH = 16
};

/* "0 B", "412 B", "1.2 KiB", "86.7 MiB". Returns BUFFER. */
char *hc_text_size(char buffer[HC_TEXT_SIZE_LENGTH], uint64_t bytes);

/* As hc_text_size(), with a sign: "+1.2 MiB", "-300 B", "0 B". Returns BUFFER. */
enum {
	HC_TEXT_GROWTH_LENGTH = 20
};
char *hc_text_growth(char buffer[HC_TEXT_GROWTH_LENGTH], int64_t bytes);

/* A number with thousands separators: "25,573". Returns BUFFER. */
enum {
	HC_TEXT_COUNT_LENGTH = 32
};
char *hc_text_count(char buffer[HC_TEXT_COUNT_LENGTH], uint64_t count);

/*
 * "1 block", "25,573 blocks": COUNT of what the plural UNIT names, which ends in an s where there
 * are several. Free with g_free().
 */
char *hc_unit_text(uint64_t count, const char *unit);

/* The last part of PATH: what stands behind its last slash. Of NULL NULL. */
const char *hc_text_file_name(const char *path);
