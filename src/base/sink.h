/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A buffer in front of somebody's write function, for what is written in small pieces: a failed write is remembered, everything after it is
 * dropped, and hc_sink_flush() tells. Nothing here takes memory, but for a text of hc_sink_printf() that is longer than HC_SINK_RESERVE.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	HC_SINK_BUFFER = 1 << 16,
	HC_SINK_RESERVE = 4096,	   /* bytes that may be reserved at once */
	HC_SINK_NUMBER_LENGTH = 20 /* characters of a number at most */
};

typedef bool (*hc_sink_write)(const char *bytes, size_t length, void *data);

typedef struct hc_sink {
	hc_sink_write write;
	void *data;
	bool failed;
	size_t used;
	char buffer[HC_SINK_BUFFER];
} hc_sink;

void hc_sink_init(hc_sink *sink, hc_sink_write write, void *data);

/* Writes out what is there. FALSE if any write failed. */
bool hc_sink_flush(hc_sink *sink);

/* LENGTH bytes for which there is no room left. */
void hc_sink_bytes_in_parts(hc_sink *sink, const char *bytes, size_t length);

static inline void hc_sink_bytes(hc_sink *sink, const char *bytes, size_t length)
{
	if (length > HC_SINK_BUFFER - sink->used) {
		hc_sink_bytes_in_parts(sink, bytes, length);
		return;
	}
	memcpy(sink->buffer + sink->used, bytes, length);
	sink->used += length;
}

static inline void hc_sink_text(hc_sink *sink, const char *text)
{
	hc_sink_bytes(sink, text, strlen(text));
}

void hc_sink_printf(hc_sink *sink, const char *format, ...) G_GNUC_PRINTF(2, 3);
void hc_sink_vprintf(hc_sink *sink, const char *format, va_list arguments) G_GNUC_PRINTF(2, 0);

/* Room for SIZE bytes (at most HC_SINK_RESERVE) that the caller fills; then hc_sink_commit() with the end of what it wrote. */
static inline char *hc_sink_reserve(hc_sink *sink, size_t size)
{
	if (HC_SINK_BUFFER - sink->used < size)
		hc_sink_flush(sink);
	return sink->buffer + sink->used;
}

static inline void hc_sink_commit(hc_sink *sink, const char *end)
{
	sink->used = (size_t)(end - sink->buffer);
}

/* ---- numbers, for lists of millions: no format is read for them. Each returns the end of what it wrote. ---- */

/* "0x1f", at most HC_SINK_NUMBER_LENGTH characters at OUT. */
static inline char *hc_put_hexadecimal(char *out, uint64_t value)
{
	unsigned digits = value ? (67 - __builtin_clzll(value)) / 4 : 1;

	*out++ = '0';
	*out++ = 'x';
	for (unsigned i = digits; i--; value >>= 4)
		out[i] = "0123456789abcdef"[value & 15];
	return out + digits;
}

/* Likewise, "31". */
static inline char *hc_put_decimal(char *out, uint64_t value)
{
	char digits[HC_SINK_NUMBER_LENGTH];
	unsigned count = 0;

	do {
		digits[count++] = '0' + value % 10;
		value /= 10;
	} while (value);
	while (count)
		*out++ = digits[--count];
	return out;
}
