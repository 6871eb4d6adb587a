/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a report tells, described once for text and JSON.
 *
 * A fact has a key in JSON, a title in text, or both, and one value. A record is an array of facts; it becomes
 * an object, or lines:
 *
 *	const hc_fact facts[] = {
 *		{ "name", "library", hc_value_text(module->name) },
 *		{ "size", "size", hc_value_size(module->end - module->start) },
 *		{ "build_id", NULL, hc_value_text(module->build_id) },
 *	};
 *
 *	hc_record_json(facts)			{"name": "libfoo.so", "size": 1536, "build_id": null}
 *	hc_record_print(facts, output)		library:         libfoo.so
 *						size:            1.5 KiB
 *
 * hc_records holds many records that are alike; they become an array of objects, or a table:
 *
 *	hc_records_add(records, facts);		for each module, with titles in capitals
 *	hc_records_json(records)		[{"name": ...}, ...]
 *	hc_records_print(records, output)	LIBRARY       SIZE
 *						libfoo.so  1.5 KiB
 *
 * A value that is not there is null in JSON, and nothing in text: a line without a value is not printed. A value may own
 * what it holds ("taken"), and what renders a fact frees that: each array of facts is rendered once.
 */
#pragma once

#include "reports/json.h"

typedef enum {
	HC_VALUE_NONE,	  /* null; no text */
	HC_VALUE_OMITTED, /* JSON does not have the key; no text */
	HC_VALUE_TEXT,	  /* left; JSON string */
	HC_VALUE_PLAIN,	  /* the same, of a text that needs no escaping */
	HC_VALUE_ID,	  /* left, "8901"; JSON integer, signed */
	HC_VALUE_COUNT,	  /* right, "25,573"; JSON integer */
	HC_VALUE_SIZE,	  /* right, "31.9 MiB"; JSON integer, exact */
	HC_VALUE_GROWTH,  /* right, "+31.9 MiB"; JSON integer, exact, signed */
	HC_VALUE_SHARE,	  /* right, "36.8%"; text only */
	HC_VALUE_AMOUNT,  /* right, the size of its bytes; {"blocks", "bytes"} */
	HC_VALUE_ADDRESS, /* left, "0x..." in both */
	HC_VALUE_FLAG,	  /* JSON true or false; no text */
	HC_VALUE_REAL,	  /* JSON real; no text */
	HC_VALUE_JSON,	  /* any value; no text */
} hc_value_kind;

typedef struct hc_value {
	hc_value_kind kind;
	bool is_taken; /* of a text: it is freed */
	union {
		const char *text;
		uint64_t number;
		int64_t integer;
		double real;
		hc_amount amount;
		json_t *json;
	};
} hc_value;

typedef struct hc_fact {
	const char *key;   /* in JSON; NULL: not there */
	const char *title; /* in text; NULL: not there */
	hc_value value;
} hc_fact;

hc_value hc_value_none(void);
hc_value hc_value_omitted(void);
hc_value hc_value_text(const char *bytes); /* from the dump: escaped where it is written; NULL: none */
hc_value hc_value_plain(const char *text); /* ours, or escaped before; NULL: none */
hc_value hc_value_take_text(char *bytes);  /* as hc_value_text(), and freed */
hc_value hc_value_take_plain(char *text);  /* as hc_value_plain(), and freed */
hc_value hc_value_id(int64_t number);	   /* a pid, a signal: no quantity */
hc_value hc_value_count(uint64_t number);
hc_value hc_value_size(uint64_t bytes);
hc_value hc_value_growth(int64_t bytes);
hc_value hc_value_share(double part, double whole); /* none if WHOLE is 0 */
hc_value hc_value_amount(hc_amount amount);
hc_value hc_value_address(hc_address address);
hc_value hc_value_flag(bool flag);
hc_value hc_value_real(double real);
hc_value hc_value_json(json_t *json); /* takes the reference; NULL: none */

/* VALUE where CONDITION holds, none elsewhere: hc_value_if(process->pid, hc_value_id(process->pid)). */
hc_value hc_value_if(bool condition, hc_value value);

/* A record as an object, a new reference; added to OBJECT; as lines "title: value", wrapped at the output's width. */
json_t *hc_record_json_n(const hc_fact *facts, unsigned count);
void hc_record_extend_n(json_t *object, const hc_fact *facts, unsigned count);
void hc_record_print_n(const hc_fact *facts, unsigned count, hc_output *output);
#define hc_record_json(facts)		hc_record_json_n(facts, G_N_ELEMENTS(facts))
#define hc_record_extend(object, facts) hc_record_extend_n(object, facts, G_N_ELEMENTS(facts))
#define hc_record_print(facts, output)	hc_record_print_n(facts, G_N_ELEMENTS(facts), output)

typedef struct hc_records hc_records;

hc_records *hc_records_create(void);
void hc_records_destroy(hc_records *records);

/* Every record has the same titles, in the same order. */
void hc_records_add_n(hc_records *records, const hc_fact *facts, unsigned count);
#define hc_records_add(records, facts) hc_records_add_n(records, facts, G_N_ELEMENTS(facts))
void hc_records_set_style(hc_records *records, hc_style style); /* of the record added last */

/* In text only: dashes below the column TITLE. */
void hc_records_add_rule(hc_records *records, const char *title);

/* In text only: TEXT, which needs no escaping, in the last column, never wrapped. */
void hc_records_add_line(hc_records *records, hc_style style, const char *text);

unsigned hc_records_count(const hc_records *records); /* with rules and lines */

/*
 * A table: titles (unless all are empty) and a row for each record. Columns without any text are left out; the last
 * one is wrapped at the output's width. Nothing if there are no records.
 */
void hc_records_print(const hc_records *records, hc_output *output);

/* An array of one object a record; a new reference. */
json_t *hc_records_json(const hc_records *records);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_records, hc_records_destroy)
