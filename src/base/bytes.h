/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions about plain bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True if all SIZE bytes are zero. Reads them all only if they are. */
bool hc_bytes_are_zero(const uint8_t *bytes, uint64_t size);
