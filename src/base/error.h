/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The error domain: see the public header. */
#pragma once

#include <heapcore/error.h>
