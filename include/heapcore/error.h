/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors and diagnostics.
 *
 * A call that cannot give what it was asked for returns FALSE or NULL and sets a GError of the domain HC_ERROR.
 * A call that gives less than all of it succeeds, and counts what it left out in an hc_diagnostics list: incomplete is
 * not failed. Every report shows that list, so that a reader can see what a figure rests on.
 */
#pragma once

#include <heapcore/visible.h>
#include <stdbool.h>
#include <stdint.h>

HC_BEGIN_DECLS

#define HC_ERROR (hc_error_quark())
GQuark hc_error_quark(void);

typedef enum {
	HC_ERROR_NOT_MAPPED,	/* the address is in no mapping of the dead process */
	HC_ERROR_NOT_DUMPED,	/* mapped, but the core does not hold its bytes */
	HC_ERROR_TRUNCATED,	/* the file ends before the bytes that its headers promise */
	HC_ERROR_BAD_DATA,	/* not a core, or bytes that contradict each other */
	HC_ERROR_NO_DEBUG_INFO, /* a symbol or type is not in any file that could be found */
	HC_ERROR_MISMATCH,	/* a file is not the one that the process had mapped */
	HC_ERROR_UNSUPPORTED,	/* a known thing that this version does not read */
	HC_ERROR_NO_MEMORY,	/* this machine's memory, not the dead process's */
	HC_ERROR_IO,		/* the operating system refused; the message has its reason */
	HC_ERROR_CANCELLED,
	HC_ERROR_USAGE, /* an argument that cannot be meant */
} hc_error_code;

/* How much a diagnostic takes away from the answer. */
typedef enum {
	HC_SEVERITY_NOTE,    /* told for completeness; every figure stands */
	HC_SEVERITY_PARTIAL, /* some figure is a lower bound or missing: exit status 3 */
	HC_SEVERITY_HEAP_PARTIAL, /* so is what is said of the heap itself: of malloc's structures, or of memory they may be in */
} hc_severity;

/* One kind of incompleteness. Stages define theirs as static const objects: the address is the identity. */
typedef struct hc_diagnostic_kind {
	const char *id; /* stable, for JSON: "core-truncated" */
	hc_severity severity;
	const char *text; /* a clause that a count and bytes can stand before: "bytes are missing because ..." */
} hc_diagnostic_kind;

/* All that happened of one kind. */
typedef struct hc_diagnostic {
	const hc_diagnostic_kind *kind;
	uint64_t count;
	uint64_t bytes;	     /* 0 where bytes have no meaning */
	const char *example; /* the first one; owned by the list; may be NULL */
} hc_diagnostic;

typedef struct hc_diagnostics hc_diagnostics;

hc_diagnostics *hc_diagnostics_create(void);
void hc_diagnostics_destroy(hc_diagnostics *diagnostics);

/* Counts one event. The example is formatted only for the first of its kind. Thread-safe. */
void hc_diagnostics_add(hc_diagnostics *diagnostics, const hc_diagnostic_kind *kind, uint64_t bytes,
	const char *example_format, ...) G_GNUC_PRINTF(4, 5);

/* Adds all that DIAGNOSTIC tells, which need not live on: it comes from another list, or from a file. */
void hc_diagnostics_restore(hc_diagnostics *diagnostics, const hc_diagnostic *diagnostic);

/* The kinds met so far, in the order of their first event. */
unsigned hc_diagnostics_count(const hc_diagnostics *diagnostics);
const hc_diagnostic *hc_diagnostics_get(const hc_diagnostics *diagnostics, unsigned index);

/* True if any event was HC_SEVERITY_PARTIAL or HC_SEVERITY_HEAP_PARTIAL. */
bool hc_diagnostics_partial(const hc_diagnostics *diagnostics);

/* True if any event was HC_SEVERITY_HEAP_PARTIAL: there may be more of the heap than was read. */
bool hc_diagnostics_heap_partial(const hc_diagnostics *diagnostics);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_diagnostics, hc_diagnostics_destroy)

HC_END_DECLS
