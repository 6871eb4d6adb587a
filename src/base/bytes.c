/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/bytes.h"

#include <string.h>

bool hc_bytes_are_zero(const uint8_t *bytes, uint64_t size)
{
	uint64_t i = 0;

	for (; i + 64 <= size; i += 64) {
		uint64_t words[8];

		memcpy(words, bytes + i, sizeof words);
		if (words[0] | words[1] | words[2] | words[3] | words[4] | words[5] | words[6] | words[7])
			return false;
	}
	for (; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}
