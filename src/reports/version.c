/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "reports/reports.h"

const char *hc_version(void)
{
	return PACKAGE_VERSION;
}
