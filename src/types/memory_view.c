/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of the dead process; the piece of the core that was read last is kept at hand. */
#include "types/propagation.h"

bool hc_propagation_load(hc_propagation *propagation, hc_address address, uint64_t *ret_value)
{
	unsigned word = propagation->format.size;
	uint64_t value = 0;

	if (address - propagation->view_start >= propagation->view_size ||
		propagation->view_size - (address - propagation->view_start) < word) {
		uint64_t available;
		const uint8_t *bytes = hc_core_bytes(propagation->core, address, &available);

		if (!bytes || available < word) {
			/* A value of a register, or a word on the border of two pieces. */
			uint8_t buffer[sizeof(uint64_t)] = { 0 };

			if (!hc_variables_read(propagation->types->variables, address, buffer, word))
				return false;
			value = hc_load_word(buffer, propagation->format);
			*ret_value = value;
			return true;
		}
		propagation->view = bytes;
		propagation->view_start = address;
		propagation->view_size = available;
		const hc_mapping *mapping = hc_core_find_mapping(propagation->core, address);

		if (mapping && mapping->bytes) {
			propagation->view = mapping->bytes;
			propagation->view_start = mapping->start;
			propagation->view_size = mapping->end - mapping->start;
		}
	}
	*ret_value = hc_load_word(propagation->view + (address - propagation->view_start), propagation->format);
	return true;
}
