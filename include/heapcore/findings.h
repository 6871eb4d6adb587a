/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Findings: what a person should look at, largest first.
 */
#pragma once

#include <heapcore/memory.h>

HC_BEGIN_DECLS

typedef struct hc_finding {
	const char *kind; /* stable: "lost", "retained", "big-blocks", "not-glibc", "not-heap", "corrupt", ... */
	uint64_t bytes;	  /* what it is about */
	uint64_t blocks;  /* 0 where it is not about blocks */
	char *text;	  /* a sentence. Text from the dump in it is already escaped for terminals */
	char *command; /* arguments of heapcore that show more, with "CORE" for the core: "chunks CORE --state top"; or NULL */
} hc_finding;

typedef struct hc_findings hc_findings;

unsigned hc_findings_count(const hc_findings *findings);
const hc_finding *hc_findings_get(const hc_findings *findings, unsigned index);

HC_END_DECLS
