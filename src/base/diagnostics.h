/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What could not be done, counted: see <heapcore/error.h>. */
#pragma once

#include <heapcore/error.h>
