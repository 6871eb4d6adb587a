/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON values of this project's things. All functions return a new reference. */
#pragma once

#include "reports/output.h"

#include <jansson.h>

/* Bytes from the dump, whatever they are; NULL gives null. */
json_t *hc_json_text(const char *bytes);

/* An exact number; those above 2^63 - 1, which only a damaged core has, become 2^63 - 1. */
json_t *hc_json_number(uint64_t number);

json_t *hc_json_address(hc_address address); /* "0x..." */
json_t *hc_json_amount(hc_amount amount);    /* {"blocks", "bytes"} */

/* {"heapcore", "schema", "command": COMMAND}: how every report begins. */
json_t *hc_json_report(const char *command);

/* Sets KEY to VALUE, whose reference is taken. */
void hc_json_set(json_t *object, const char *key, json_t *value);

/* Writes VALUE, whose reference is taken, indented, with a line break at the end. */
void hc_json_write(hc_output *output, json_t *value);
