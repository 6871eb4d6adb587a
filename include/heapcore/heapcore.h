/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All of libheapcore. */
#pragma once

#include <heapcore/abi.h>
#include <heapcore/analysis.h>
#include <heapcore/areas.h>
#include <heapcore/blocks.h>
#include <heapcore/capture.h>
#include <heapcore/check.h>
#include <heapcore/core.h>
#include <heapcore/debuginfo.h>
#include <heapcore/diff.h>
#include <heapcore/duplicates.h>
#include <heapcore/error.h>
#include <heapcore/export.h>
#include <heapcore/findings.h>
#include <heapcore/leaks.h>
#include <heapcore/memory.h>
#include <heapcore/modules.h>
#include <heapcore/owners.h>
#include <heapcore/pins.h>
#include <heapcore/places.h>
#include <heapcore/references.h>
#include <heapcore/reports.h>
#include <heapcore/sites.h>
#include <heapcore/types.h>
#include <heapcore/values.h>
