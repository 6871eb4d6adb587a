/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which functions expressions may use: functions.c, which compiles them, too (compiler.h). */
#pragma once

#include "containers/expression.h"

/*
 * The first call in EXPRESSION of a function that there is not, or not with so many operands; NULL
 * if there is none.
 */
const hc_expression *hc_expression_unknown_call(const hc_expression *expression);
