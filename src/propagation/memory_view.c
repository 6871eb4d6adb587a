/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of the dead process; the piece of the core that was read last is kept at hand. */
#include "propagation/propagation_state.h"

/* A value of a register, or a word on the border of two pieces. */
static bool load_apart(hc_propagation *propagation, hc_address address, uint64_t *ret_value)
{
	uint8_t buffer[sizeof(uint64_t)] = { 0 };

	if (!hc_variables_read(propagation->types->variables, address, buffer, propagation->format.size))
		return false;
	*ret_value = hc_load_word(buffer, propagation->format);
	return true;
}

bool hc_propagation_load_elsewhere(hc_propagation *propagation, hc_address address, uint64_t *ret_value)
{
	uint64_t available;
	const uint8_t *bytes = hc_core_bytes(propagation->core, address, &available);

	if (!bytes || available < propagation->format.size)
		return load_apart(propagation, address, ret_value);
	propagation->view = bytes;
	propagation->view_start = address;
	propagation->view_size = available;
	const hc_mapping *mapping = hc_core_find_mapping(propagation->core, address);

	if (mapping && mapping->bytes) {
		propagation->view = mapping->bytes;
		propagation->view_start = mapping->start;
		propagation->view_size = mapping->end - mapping->start;
	}
	*ret_value = hc_load_word(propagation->view + (address - propagation->view_start), propagation->format);
	return true;
}
