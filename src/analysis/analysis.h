/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of analysis/: see the public header.
 *
 *	analysis.c	the stages in order
 *	at_once.c	how many analyses may run at the same time
 */
#pragma once

#include <heapcore/analysis.h>

#include "abi/abi.h"
#include "check/check.h"
#include "duplicates/duplicates.h"
#include "findings/findings.h"
#include "leaks/leaks.h"
#include "owners/owners.h"
#include "sites/sites.h"

/* The threads that ANALYSIS was told to use, for what is made of it later; 0: one per processor. */
unsigned hc_analysis_jobs(const hc_analysis *analysis);

/* Whether the program's code may be read: hc_analysis_options.no_sites. */
bool hc_analysis_reads_code(const hc_analysis *analysis);

/* What hc_analyses_at_once() says of COUNT cores of SIZES bytes on disk, with that many WORKERS and bytes of AVAILABLE memory. */
unsigned hc_at_once_of_sizes(const uint64_t *sizes, size_t count, unsigned workers, uint64_t available);
