/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

/* The name is no difference. */
/* clang-format off */
G_DEFINE_QUARK(heapcore-error-quark, hc_error)
/* clang-format on */
