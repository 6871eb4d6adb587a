/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the fuzz targets share. A target is one file, fuzz_NAME.c, with LLVMFuzzerTestOneInput() (libFuzzer's, see
 * https://llvm.org/docs/LibFuzzer.html) for one thing that reads what it cannot trust. Linked with libFuzzer it looks for inputs of its own
 * (make fuzz); linked with replay.c it goes through those that are in corpus/NAME (make check).
 *
 * Where plain bytes would only test a header or a checksum, the target makes what is well-formed around the input: a fuzz_input is read
 * number by number, and gives 0 behind its end, so that each input means something.
 *
 * Whatever GLib complains of ends the program, as it is a bug that an input can get there.
 */
#pragma once

#include "../unit/core_builder.h"

/* The target's. DATA is gone after the call; always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* fuzz.c: called once, before all else. */
int LLVMFuzzerInitialize(int *count, char ***arguments);

/* ---- input ---- */

typedef struct fuzz_input {
	const uint8_t *at;
	size_t left;
} fuzz_input;

/* The next SIZE bytes, at most 8, little end first. */
uint64_t fuzz_number(fuzz_input *input, unsigned size);

/* The next byte, as a number below COUNT. */
unsigned fuzz_choice(fuzz_input *input, unsigned count);

/* Cuts SIZE bytes off, or as many as there are. */
fuzz_input fuzz_part(fuzz_input *input, size_t size);

/* The same of what stands before the next byte SEPARATOR, which is cut off too; all that is left if there is none. */
fuzz_input fuzz_part_before(fuzz_input *input, uint8_t separator);

/* All that is left, as a text of C, which ends at its first NUL. Free with g_free(). */
char *fuzz_text(const fuzz_input *input);

/* ---- files ---- */

/* A file in memory with these bytes. The path is good until the next call. */
const char *fuzz_file(const void *bytes, size_t size);

/* A folder below TMPDIR for files without folders in it, which goes when the program ends on its own. */
const char *fuzz_folder(void);

/* ---- output ---- */

/* Reads all of it, so that a sanitizer sees what is not there. NULL is fine if SIZE is 0. */
void fuzz_see(const void *bytes, size_t size);
void fuzz_see_text(const char *text); /* NULL is fine */

/* As hc_report_write_function has it: sees all. */
bool fuzz_write(const char *text, size_t length, void *data);

/* Ends the program with FORMAT unless CONDITION holds: something that the library promises. */
void fuzz_expect(bool condition, const char *format, ...) G_GNUC_PRINTF(2, 3);
