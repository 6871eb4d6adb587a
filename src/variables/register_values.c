/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values of variables that are in no memory of the process: in registers, computed, put together of
 * pieces. Each gets an address of its own, so that whoever reads a variable need not know. The
 * addresses begin where no machine that we know has user memory.
 *
 * The values lie one after the other, with bytes between them that are never known, so that no read
 * goes from one into the next.
 */
#include "variables/variables_state.h"

enum {
	GAP = 16, /* bytes between values, and what they are aligned to */
	VALUES_MAX = 64 * 1024 * 1024
};

#define VALUES_START UINT64_C(0xff00000000000000)

struct hc_values {
	GByteArray *bytes, *valid; /* of one length; valid: not 0 where the byte is known */
};

void hc_values_destroy(struct hc_values *values)
{
	if (!values)
		return;
	g_byte_array_unref(values->bytes);
	g_byte_array_unref(values->valid);
	g_free(values);
}

static struct hc_values *values_create(void)
{
	struct hc_values *values = g_new0(struct hc_values, 1);

	values->bytes = g_byte_array_new();
	values->valid = g_byte_array_new();
	return values;
}

hc_address hc_variables_keep_value(hc_variables *variables, const void *bytes, const uint8_t *valid, size_t size)
{
	if (!variables->values)
		variables->values = values_create();
	struct hc_values *values = variables->values;
	guint start = values->bytes->len;

	if (!size || size > VALUES_MAX - MIN(start, VALUES_MAX))
		return 0;
	guint end = start + (guint)hc_align_up(size, GAP) + GAP;

	g_byte_array_set_size(values->bytes, end);
	g_byte_array_set_size(values->valid, end);
	memset(values->bytes->data + start, 0, end - start);
	memset(values->valid->data + start, 0, end - start);
	memcpy(values->bytes->data + start, bytes, size);
	for (size_t i = 0; i < size; i++)
		values->valid->data[start + i] = !valid || valid[i];
	return VALUES_START + start;
}

static bool read_value(const struct hc_values *values, uint64_t offset, void *buffer, size_t size)
{
	if (offset > values->bytes->len || size > values->bytes->len - offset ||
		(size && memchr(values->valid->data + offset, 0, size)))
		return false;
	if (size)
		memcpy(buffer, values->bytes->data + offset, size);
	return true;
}

bool hc_variables_read(const hc_variables *variables, hc_address address, void *buffer, size_t size)
{
	if (G_LIKELY(address < VALUES_START) || !variables->values ||
		address - VALUES_START >= variables->values->bytes->len)
		return hc_core_read(variables->core, address, buffer, size);
	return read_value(variables->values, address - VALUES_START, buffer, size);
}
