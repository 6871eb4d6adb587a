/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Modules: the executable and the libraries that the process had mapped, and the files that hold their bytes, symbols
 * and debug info today. A file is used if its build-id is the one in the core;
 * where the core lacks the page with the ELF headers, if nothing else in the core contradicts it,
 * and that is said.
 */
#pragma once

#include <heapcore/core.h>

HC_BEGIN_DECLS

typedef enum {
	HC_MODULE_AGREES,      /* the file's build-id is the core's */
	HC_MODULE_DIFFERS,     /* it is not: the file was replaced, and is not used */
	HC_MODULE_MISSING,     /* no such file here */
	HC_MODULE_UNVERIFIED,  /* the core or the file has no build-id to compare: the file is not used for bytes */
	HC_MODULE_UNCONFIRMED, /* used as given or found: nothing in the core confirms or contradicts it */
} hc_module_state;

typedef struct hc_module {
	const char *path;      /* in the process's file system; "" if the core does not tell */
	const char *name;      /* the last part of the path, or the soname */
	hc_address start, end; /* from the first to the last mapped byte */
	hc_address bias;       /* what to add to an address in the file */
	const char *build_id;  /* lower-case hexadecimal, as found in the core; NULL if not there */
	hc_module_state state;
	const char *file;	   /* the file looked at; NULL if missing */
	const char *file_build_id; /* of that file; NULL if it has none */
	bool is_executable;	   /* the program itself */
	bool is_vdso;
} hc_module;

typedef struct hc_modules hc_modules;

typedef struct hc_modules_options {
	const char *binary;		      /* the executable as the user named it, or NULL */
	const char *sysroot;		      /* a directory that holds the process's file system, or NULL for "/" */
	const char *const *debug_directories; /* more places for debug info; NULL-terminated; may be NULL */
} hc_modules_options;

/*
 * Finds the modules in CORE, compares build-ids, and supplies CORE with the read-only bytes that it lacks. Fails with
 * HC_ERROR_MISMATCH if options->binary is not the executable in the core, or something in the core contradicts it (the message
 * says what, and what to do), HC_ERROR_IO if it cannot be read. A library that does not agree is a diagnostic, not a failure.
 */
hc_modules *hc_modules_open(
	hc_core *core, const hc_modules_options *options, hc_diagnostics *diagnostics, GError **error);
void hc_modules_close(hc_modules *modules);

unsigned hc_modules_count(const hc_modules *modules);
const hc_module *hc_modules_get(const hc_modules *modules, unsigned index);
const hc_module *hc_modules_find(const hc_modules *modules, hc_address address); /* NULL if in none */

/* The file that DWARF of MODULE is read from, or NULL if there is none. Looks for it at the first call. */
const char *hc_module_debug_file(hc_modules *modules, const hc_module *module);

/* An address by the symbol that it is at or behind. Belongs to the modules. */
typedef struct hc_address_name {
	const hc_module *module;
	const char *symbol; /* NULL: none is known. Untrusted */
	uint64_t offset; /* from the symbol; without one from where the module, or its thread-local storage, begins */
	uint64_t function; /* of code without a symbol: where its function begins, from there, too; 0: not known */
	bool is_thread_local;
} hc_address_name;

/* The name of ADDRESS; FALSE if it is in no module. */
bool hc_modules_name(hc_modules *modules, hc_address address, hc_address_name *ret_name);

/* A call that a thread was in. Its memory on the stack goes from its stack pointer up to that of its caller. */
typedef struct hc_frame {
	hc_address program_counter;
	hc_address stack_pointer; /* 0 if it is not known */
	hc_address
		function; /* where its function begins, by the call frame information (.eh_frame); 0 if it is not known */
	bool is_activation; /* the program counter is of an instruction, not of a return address: innermost, or interrupted by a signal */
	bool is_lasting; /* it is there as long as its thread: main()'s, or the outermost one of the program's own code */
} hc_frame;

/*
 * The calls that thread THREAD_INDEX (of the core) was in, innermost first; at most 4096. NULL and 0 if none could be told: no
 * file of the code that it stood in is here, or unwinding is not known for the machine. Where they end early, the rest is not
 * known. Belongs to MODULES; unwinds at the first call for each thread.
 */
const hc_frame *hc_modules_frames(hc_modules *modules, unsigned thread_index, unsigned *ret_count);

/*
 * The function that FRAME is of, with OFFSET 0; where it is not known as hc_modules_name(). The program's main() is known without a symbol, too,
 * where the code that the process begins at has its address (x86-64). FALSE if it is in no module.
 */
bool hc_modules_name_frame(hc_modules *modules, const hc_frame *frame, hc_address_name *ret_name);

/* A module's thread-local storage of one thread. */
typedef struct hc_tls_block {
	hc_address start, end;
	unsigned thread; /* index (hc_core_thread) */
	const hc_module *module;
} hc_tls_block;

/*
 * The thread-local storage of a thread of the core that ADDRESS is in; NULL if it is in none, or if that is not certain.
 * Belongs to MODULES.
 */
const hc_tls_block *hc_modules_tls_at(hc_modules *modules, hc_address address);

/* The name of the variable at ADDRESS in BLOCK. */
void hc_modules_name_tls(hc_modules *modules, const hc_tls_block *block, hc_address address, hc_address_name *ret_name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_modules, hc_modules_close)

HC_END_DECLS
