/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers of the dead process as text: what has no parts. */
#pragma once

#include <heapcore/debuginfo.h>

enum {
	HC_SCALAR_BYTES_MAX = 64 /* of what hc_scalar_append() takes */
};

/*
 * Appends the value of TYPE whose hc_type_size(TYPE) bytes, at most HC_SCALAR_BYTES_MAX, are BYTES as the dead process had them: integers of
 * any size, characters, enums by name, floating point and complex numbers with as many digits as tell the value from its neighbours.
 * What has no such value (structs, unknown encodings) becomes "...".
 */
void hc_scalar_append(GString *text, const hc_type *type, const uint8_t *bytes, bool big_endian);

/* The same for an integer, bool, character or enum of at most 64 bits; of a bit field, too. VALUE may be extended by zeros or by its sign. */
void hc_scalar_append_number(GString *text, const hc_type *type, uint64_t value);

/* Whether the integer TYPE (also a bool, a character, an enum) has a sign. */
bool hc_scalar_is_signed(const hc_type *type);
