/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bisection of sorted tables. */
#pragma once

#include <stdint.h>

/*
 * The first INDEX from FROM to TO - 1 for which IS_BEFORE, an expression of INDEX, is false; TO if it is true for all. Those for
 * which it is true come first. FROM and TO are evaluated once; FROM <= TO. The type is FROM's and TO's common one.
 */
#define HC_PARTITION_POINT(INDEX, FROM, TO, IS_BEFORE) \
	__extension__({ \
		__auto_type partition_high = (TO); \
		__typeof__(partition_high) partition_low = (FROM); \
\
		while (partition_low < partition_high) { \
			__typeof__(partition_high) INDEX = partition_low + (partition_high - partition_low) / 2; \
\
			if (IS_BEFORE) \
				partition_low = INDEX + 1; \
			else \
				partition_high = INDEX; \
		} \
		partition_low; \
	})
