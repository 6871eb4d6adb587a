/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much memory there is, as the system tells. */
#pragma once

#include <glib.h>
#include <stdint.h>

/*
 * Bytes that PROCESS ("self", or a number) may still take before the system, or a control group that it is in, is short of memory: what is
 * free, and what files are kept in memory for; or before it has no more addresses, where these are limited. PROC is "/proc", or a folder made like it. UINT64_MAX if nothing is told.
 */
uint64_t hc_memory_available(const char *proc, const char *process);

/* Ends the process as GLib does where it gets no memory: for what calls us then, and cannot go on (libdw). */
void hc_memory_end(void) G_GNUC_NORETURN;

/*
 * Ends the process likewise if a library failed for want of memory, where what it could not do would else pass for something that is not there.
 * ERROR: errno behind the call, which was 0 before it; where it does not tell, some more memory is asked for.
 */
void hc_memory_end_if_out(int error);

/* The same if BYTES more cannot be had. */
void hc_memory_end_without(uint64_t bytes);

/* Bytes that this process had in memory at most until now, pages of mapped files included. */
uint64_t hc_memory_peak(void);
