/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this folder share. */
#pragma once

#include "diff/diff.h"
#include "findings/findings.h"

/* Compares; *RET_TEXT gets a sentence (g_free). */
hc_sameness hc_sameness_compare(const hc_analysis *a, const hc_analysis *b, char **ret_text);

/* The sizes whose blocks or lost blocks changed in number, most bytes grown first. An array of hc_diff_size. */
GArray *hc_diff_count_sizes(const hc_analysis *a, const hc_analysis *b);

struct hc_diff {
	const hc_analysis *a, *b;
	hc_sameness sameness;
	char *sameness_text;
	char *verdict;
	GArray *rows;  /* of hc_diff_row; their strings belong to the analyses */
	GArray *sizes; /* of hc_diff_size */
	hc_findings *findings;
	int64_t growth, memory_growth;
	hc_side_facts *facts_a, *facts_b; /* NULL: none */
	uint64_t kernel_growth;		  /* bytes that wait in sockets */
};

/* findings.c: fills diff->findings and diff->verdict from all the rest. */
void hc_diff_find(hc_diff *diff);

/* side_facts.c: after hc_diff_find(), adds to the findings and the verdict what the captures tell. */
void hc_diff_read_side_facts(hc_diff *diff);
