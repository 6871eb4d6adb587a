/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes call frame information (DWARF 5, 6.4), a program's file that has it, and a core with a thread in that program. */
#pragma once

#include "core_builder.h"

enum {
	FRAME_CODE = 0x400, /* the program's code that it tells of, in the file */
	FRAME_CODE_SIZE = 0x800,
	FRAME_RETURN_ADDRESS = 16, /* the register */
	FRAME_STACK_SIZE = 4096
};

typedef struct frame_form {
	const char *name; /* the section's */
	bool is_debug;	  /* .debug_frame: the id of a CIE is all ones, and an FDE has its offset */
	uint8_t version;
	bool has_table; /* .eh_frame_hdr leads to the last FDE */
} frame_form;

/* Appends VALUE, the little end first; SIZE: at most 8. */
void frame_append(GByteArray *bytes, uint64_t value, unsigned size);

/* Begins a CIE without augmentation; its instructions are to be appended. It begins at the end of BYTES. */
void frame_begin_common(GByteArray *bytes, const frame_form *form);

/* The same of an FDE of the code, which has the CIE that begins at COMMON. */
void frame_begin_function(GByteArray *bytes, const frame_form *form, unsigned common);

/* Fills in the length of the entry that begins at START and ends at the end of BYTES, padded. */
void frame_close(GByteArray *bytes, unsigned start);

/* A CIE with the instructions FIRST, and an FDE with the others. *RET_FUNCTION: where the FDE begins. */
GByteArray *frame_section(const frame_form *form, const void *first, size_t first_size, const void *others,
	size_t others_size, unsigned *ret_function);

/* The program's file, with FRAMES as its section; FUNCTION: the FDE for the table. */
GByteArray *frame_program(const frame_form *form, const void *frames, size_t size, unsigned function);

/* A thread in the code of a program that is called PATH there; its stack is WORDS, repeated. */
core_builder *frame_core(const char *path, const uint8_t *words, size_t size);
