/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a core is written to: a file with holes, or a stream that is compressed. */
#pragma once

#include "base/error.h"

#include <stdint.h>

typedef struct hc_core_sink {
	int file;		  /* descriptor, open for writing, empty; -1: none */
	struct ZSTD_CCtx_s *zstd; /* NULL: as it is */
	uint64_t position;	  /* of a stream: what comes next */
	uint64_t length;	  /* likewise: of all */
	uint8_t *buffer;	  /* likewise */
} hc_core_sink;

/* A sink of FILE, which it takes. HC_ERROR_NO_MEMORY. */
bool hc_core_sink_init(hc_core_sink *sink, int file, bool compressed, GError **error);

/* To be called once, before anything is written: so many bytes are to be in it in all. HC_ERROR_IO. */
bool hc_core_sink_set_length(hc_core_sink *sink, uint64_t length, GError **error);

/* SIZE bytes at OFFSET; what is between is zero. A stream must be written in order. HC_ERROR_IO. */
bool hc_core_sink_write(hc_core_sink *sink, const void *data, size_t size, uint64_t offset, GError **error);

/* Writes what is left, and closes the file. HC_ERROR_IO. */
bool hc_core_sink_close(hc_core_sink *sink, GError **error);

/* Closes the file, if it is open. */
void hc_core_sink_clear(hc_core_sink *sink);
