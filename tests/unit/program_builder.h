/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes an ELF program with debug info, and maps it in a core: a page of headers, a page of data.
 * As C it is
 *
 *	struct session { unsigned long id; char *name; };
 *	struct app { GPtrArray *state; };
 *	struct session *g_sessions[4];
 *	struct app *g_app;
 *
 * It knows ELF (elf(5)) and DWARF 5 by itself, and shares no code with what it tests.
 */
#pragma once

#include "core_builder.h"

enum {
	PROGRAM_SESSION_SIZE = 16, /* sizeof(struct session) */
	PROGRAM_SESSIONS = 4,
	PROGRAM_DATA_SIZE = 4096
};

/* In the process. */
static const hc_address program_start = 0x555555554000, program_data = 0x555555555000,
			program_sessions = 0x555555555100, program_app = 0x555555555140;

/* Its build-id, which is in the file and in the core. */
#define PROGRAM_BUILD_ID "aa11aa11"

/* The file's bytes. The name of the structure is SESSION: debug info may hold anything. */
GByteArray *program_image(const char *session);

/* ---- the same program, without debug info ---- */

/* A variable of the program's data; OFFSET into that. */
typedef struct program_symbol {
	const char *name;
	uint64_t offset, size;
} program_symbol;

/* The file's bytes: its data is the section ".data". */
GByteArray *program_image_with_symbols(const program_symbol *symbols, unsigned count);

/* The same, without section headers, and so without symbols. */
GByteArray *program_image_without_sections(void);

/* ---- the same, with what the caller says ---- */

typedef struct program_section {
	const char *name;
	const void *bytes;
	size_t size;
} program_section;

/* The file's bytes. */
GByteArray *program_image_with_sections(const program_section *sections, unsigned count);

/*
 * The program is mapped in CORE from a file that is called PATH there, and it is the one that runs.
 */
void program_map(core_builder *core, const char *path);
