/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

/* clang-format off: the name is not an expression */
G_DEFINE_QUARK(heapcore-error-quark, hc_error)
/* clang-format on */
