/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * .debug_abbrev made ready for going through DIEs quickly: which attributes somebody wants, and how
 * many bytes to skip between them (DWARF 5, 7.5.3 and 7.5.6).
 */
#pragma once

#include "dwarf/dwarf_state.h"

/* Attributes that the scan looks at. */
enum wanted {
	WANT_NONE,
	WANT_NAME,
	WANT_SIBLING,
	WANT_DECLARATION,
	WANT_BYTE_SIZE,
	WANT_LOCATION,
	WANT_SPECIFICATION,
	WANT_EXPORT_SYMBOLS,
	WANT_STRING_OFFSETS,
	WANT_SPLIT_NAME,
	WANT_COUNT,
};

struct abbreviation_field {
	uint16_t form;
	uint8_t want;	  /* enum wanted */
	int32_t size;	  /* bytes, of this and unwanted neighbours; -1: depends on the data */
	int64_t implicit; /* DW_FORM_implicit_const */
};

struct abbreviation {
	uint16_t tag; /* 0: there is no such code */
	bool has_children;
	bool is_visited;       /* the scan wants to see such DIEs */
	bool has_wanted;       /* attributes */
	int32_t size;	       /* of all attributes if nothing is wanted and it is the same always; else -1 */
	uint32_t first, count; /* in fields */
};

struct abbreviations {
	const struct section *section;
	uint64_t offset;
	uint8_t address_size, offset_size;
	uint16_t version;
	struct abbreviation *codes; /* by code */
	unsigned code_count;
	GArray *fields;
};

/* A position in bytes that ends at `end`. Reading past it gives 0 and sets `failed`. */
struct reader {
	const uint8_t *at, *end;
	bool swap, failed;
	uint8_t address_size, offset_size;
	uint16_t version;
};

/* Reads the table that UNIT uses into TABLE, if it is not there already. FALSE if it is damaged. */
bool hc_abbreviations_load(struct abbreviations *table, const struct module_debug *debug, const struct unit *unit);
void hc_abbreviations_clear(struct abbreviations *table);

uint64_t hc_reader_unsigned(struct reader *reader, unsigned size);
uint64_t hc_reader_leb(struct reader *reader);
void hc_reader_skip(struct reader *reader, uint64_t size);
void hc_reader_skip_form(struct reader *reader, unsigned form);
