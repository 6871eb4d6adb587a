/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole analysis, made once, for targets whose input is what a user asks of one: that of report_process.h. */
#pragma once

#include "fuzz.h"

#include <heapcore/reports.h>

const hc_analysis *fuzz_analysis(void);

/* As text and as JSON; all that is written is seen. */
extern const hc_report_options fuzz_report_text, fuzz_report_json;
