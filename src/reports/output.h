/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a report goes: a buffer in front of the caller's write function (base/sink.h), and how text looks there. */
#pragma once

#include "reports/reports.h"

#include "base/sink.h"

typedef enum {
	HC_STYLE_PLAIN,
	HC_STYLE_HEADING,
	HC_STYLE_BAD,	  /* lost memory, files that differ */
	HC_STYLE_DIM,	  /* context */
	HC_STYLE_COMMAND, /* what to type next */
} hc_style;

typedef struct hc_output {
	const hc_report_options *options;
	unsigned width; /* columns; at least 60 */
	hc_sink sink;
} hc_output;

/* OPTIONS must outlive the output. The object is large: make it with hc_output_create(). */
hc_output *hc_output_create(const hc_report_options *options);
void hc_output_destroy(hc_output *output); /* does not flush */

/* Writes out what is left. FALSE and HC_ERROR_IO if any write failed. */
bool hc_output_finish(hc_output *output, GError **error);

/* Room for SIZE bytes (at most 4096) that the caller fills; then hc_output_commit() with the end of what it wrote. */
static inline char *hc_output_reserve(hc_output *output, size_t size)
{
	return hc_sink_reserve(&output->sink, size);
}

static inline void hc_output_commit(hc_output *output, const char *end)
{
	hc_sink_commit(&output->sink, end);
}

static inline void hc_output_bytes(hc_output *output, const char *bytes, size_t length)
{
	hc_sink_bytes(&output->sink, bytes, length);
}

static inline void hc_output_text(hc_output *output, const char *text)
{
	hc_sink_text(&output->sink, text);
}

void hc_output_printf(hc_output *output, const char *format, ...) G_GNUC_PRINTF(2, 3);
void hc_output_spaces(hc_output *output, unsigned count);

/* Begins (or with HC_STYLE_PLAIN ends) a style. Nothing without colour. */
void hc_output_style(hc_output *output, hc_style style);

/* TEXT in STYLE. */
void hc_output_styled(hc_output *output, hc_style style, const char *text);

/* Columns that TEXT (valid UTF-8, nothing below a space) takes on a terminal. */
unsigned hc_text_columns(const char *text);

/*
 * TEXT broken at spaces so that it ends before output->width, its later lines beginning in column INDENT. The cursor
 * stands in column COLUMN. Ends with a line break. A word that is too long is not broken. Spaces that TEXT begins with stand
 * before all its lines.
 */
void hc_output_wrapped(hc_output *output, unsigned column, unsigned indent, const char *text);

/* TEXT, which is untrusted, and taken; NULL: nothing. It begins in column INDENT, its later lines in column HANGING. */
void hc_output_sentence(hc_output *output, unsigned indent, unsigned hanging, char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_output, hc_output_destroy)
