/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The front door of analysis/: see the public header. */
#pragma once

#include <heapcore/analysis.h>

#include "duplicates/duplicates.h"
#include "findings/findings.h"
#include "leaks/leaks.h"
#include "owners/owners.h"
