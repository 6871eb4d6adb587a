/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reports/json.h"

#include "base/text.h"

#include <inttypes.h>

json_t *hc_json_text(const char *bytes)
{
	g_autofree char *text = NULL;

	if (!bytes)
		return json_null();
	text = hc_text_utf8(bytes, -1);
	return json_string(text);
}

json_t *hc_json_number(uint64_t number)
{
	return json_integer(MIN(number, (uint64_t)INT64_MAX));
}

json_t *hc_json_address(hc_address address)
{
	return json_sprintf("0x%" PRIx64, address);
}

json_t *hc_json_amount(hc_amount amount)
{
	json_t *object = json_object();

	hc_json_set(object, "blocks", hc_json_number(amount.blocks));
	hc_json_set(object, "bytes", hc_json_number(amount.bytes));
	return object;
}

json_t *hc_json_report(const char *command)
{
	json_t *object = json_object();

	hc_json_set(object, "heapcore", json_string(hc_version()));
	hc_json_set(object, "schema", json_integer(HC_REPORT_SCHEMA));
	hc_json_set(object, "command", json_string(command));
	return object;
}

void hc_json_set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static int write_piece(const char *text, size_t length, void *data)
{
	hc_output_bytes(data, text, length);
	return 0;
}

void hc_json_write(hc_output *output, json_t *value)
{
	json_dump_callback(value, write_piece, output, JSON_INDENT(2));
	hc_output_text(output, "\n");
	json_decref(value);
}
