/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Call frame information (DWARF 5, 6.4; Linux Standard Base, "Exception Frames") looked through before libdw reads it.
 *
 * The problem: libdw (cfi.c, cie.c, fde.c, dwarf_getlocation.c, and libdwfl's frame_unwind.c, elfutils 0.188) trusts it. What a made-up
 * file gets there, each seen:
 *
 *	a rule for register 134,217,726		a table of 2 GB, and a copy for each DW_CFA_remember_state
 *	an operand, or an augmentation's letters,
 *	that go on behind the entry		bytes behind the file's end are read
 *	an expression's length that does		the expression is read from anywhere
 *	DW_OP_div of the least number by -1	SIGFPE
 *	DW_OP_deref_size in the CFA's expression	a NULL pointer is followed
 *	an expression that is a value here, a
 *	place there				abort()
 *	DW_OP_call_frame_cfa in an expression	16 million steps for a register
 *	an operation libdwfl doesn't know, a
 *	loop					2 KB lost for each register of each frame
 *
 * The idea: what libdw would read for an address is found as libdw finds it, and looked through first: a description of a function's
 * frames (FDE) and what it has in common with others (CIE). If .eh_frame_hdr has a table of them, only these two; else the heads of all
 * that is in the section, too, once, as libdw goes through it from the beginning. What is sound is remembered by its offset, so that a function that is met again costs
 * a look into a table. Anything that no compiler writes is unsound: its function is not unwound, and that is said.
 *
 *	frame_instructions.c	instructions and their expressions
 *	frame_entries.c		CIE, FDE, which of them is an address's
 *	frame_sections.c	where a file has them; asks libdw
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum hc_frame_verdict {
	HC_FRAME_SOUND,
	HC_FRAME_NONE, /* libdw finds nothing there, or refuses it */
	HC_FRAME_UNSOUND,
} hc_frame_verdict;

/* A section of call frame information, and what has been found sound in it. */
typedef struct hc_frame_section {
	const uint8_t *bytes; /* the ELF file's */
	uint64_t size;
	bool is_debug; /* .debug_frame: not .eh_frame */
	bool is_64;    /* the file's words */
	bool is_big;   /* the file's byte order */

	/* .eh_frame_hdr's table. NULL: libdw goes through the section from its beginning. */
	const uint8_t *table;
	uint64_t table_count;
	uint8_t table_encoding;
	uint64_t table_base;	/* what its addresses are relative to */
	uint64_t frame_address; /* of the section, as the file has it */

	/* Without a table: the functions that the section tells of; NULL: not looked through yet. */
	GArray *spans, *runs;	   /* of struct function and struct run (frame_entries.c) */
	hc_frame_verdict searched; /* of the heads of all; of all, where there are too many runs */

	GHashTable *common;	 /* offset + 1 of a CIE -> struct common_entry (frame_entries.c) */
	GHashTable *functions;	 /* offset + 1 of each FDE that is sound */
	GHashTable *expressions; /* offset + 1 of an expression -> whether it is a value, + 1 */
	uint64_t *memory;	 /* what libdw keeps of it, at most; of all sections together */
} hc_frame_section;

/* Fills in what follows the members about the table. MEMORY outlives it, and begins at 0. */
void hc_frame_section_init(hc_frame_section *section, uint64_t *memory);
void hc_frame_section_clear(hc_frame_section *section);

/* frame_entries.c: what libdw would read for ADDRESS, as the file has it. */
hc_frame_verdict hc_frame_section_judge(hc_frame_section *section, uint64_t address);

/* Where the code that has ADDRESS begins by its FDE: a function, or a part that was put elsewhere. FALSE: there is none that is sound. */
bool hc_frame_section_find_start(hc_frame_section *section, uint64_t address, uint64_t *ret_start);

/* ---- reading ---- */

/* Reads on within bounds; what goes beyond them is 0, and fails for good. */
typedef struct hc_frame_cursor {
	const uint8_t *at, *end;
	bool is_big, failed;
} hc_frame_cursor;

uint64_t hc_frame_read(hc_frame_cursor *cursor, unsigned size); /* 1, 2, 4 or 8 bytes */
uint64_t hc_frame_read_leb(hc_frame_cursor *cursor);		/* unsigned; of a signed one it passes the bytes */
void hc_frame_skip(hc_frame_cursor *cursor, uint64_t size);

/* ---- frame_instructions.c ---- */

/*
 * Whether libdw can be given the instructions between CURSOR and its end, of a CIE or an FDE. ADDRESS_SIZE: bytes of an address in them.
 * *RET_REGISTERS: how many registers they have rules for, counted from 0.
 */
bool hc_frame_instructions_are_sound(
	hc_frame_section *section, hc_frame_cursor *cursor, unsigned address_size, unsigned *ret_registers);

/* Counts SIZE bytes that libdw would keep. FALSE: that is too much in all. */
bool hc_frame_section_take(hc_frame_section *section, uint64_t size);
