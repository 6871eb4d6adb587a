/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of debuginfo/: modules, symbols, layouts of structures. Every use of libdw is in this folder.
 *
 * All look-ups are lazy and cached, failures too, in the hc_modules object: one thread at a time.
 */
#pragma once

#include <heapcore/modules.h>

#include "core/core.h"

typedef struct hc_symbol {
	hc_address address; /* in the process; for a thread-local symbol its offset in the module's TLS block */
	uint64_t size;	    /* 0 if the symbol table does not tell */
	bool is_tls;
} hc_symbol;

/*
 * A data or function symbol of MODULE by its name, from .symtab of the file or its debug file, or from .dynsym. FALSE if
 * no trusted file has it.
 */
bool hc_module_symbol(hc_modules *modules, const hc_module *module, const char *name, hc_symbol *ret_symbol);

/* True if MODULE's file defines NAME in .dynsym (or, of a static executable, in .symtab). Reads that table only. */
bool hc_module_defines(hc_modules *modules, const hc_module *module, const char *name);

/*
 * The name of the function or variable of a module that ADDRESS lies in, from a trusted file; NULL if there is none. Belongs to
 * MODULES. *ret_offset: from the symbol on.
 */
const char *hc_modules_symbol_at(hc_modules *modules, hc_address address, uint64_t *ret_offset);

/* The same for thread-local symbols: OFFSET is in MODULE's block of thread-local storage. */
const char *hc_module_tls_symbol_at(
	hc_modules *modules, const hc_module *module, uint64_t offset, uint64_t *ret_offset);

/* What the data at an address is called. */
typedef struct hc_data_name {
	const hc_module *module;
	const char *symbol;    /* that it lies in, as the file has it; NULL: none is known. Belongs to MODULES */
	const char *section;   /* ".bss"; NULL: there is a symbol, or no section is known. Belongs to MODULES */
	hc_address start, end; /* of the symbol, or of the section; else the module's bias and ADDRESS + 1 */
} hc_data_name;

/* FALSE if ADDRESS is in no module. Symbols are those that say how large they are. */
bool hc_modules_data_name(hc_modules *modules, hc_address address, hc_data_name *ret_name);

/* "g_index", demangled; without a symbol "server .bss+0x3ff98": for ADDRESS, that NAME is of. Free with g_free(). */
char *hc_data_name_text(const hc_data_name *name, hc_address address);

/*
 * MODULE's block of thread-local storage in thread number THREAD, as the dynamic linker's link maps place it; NULL if there is none, or if
 * it is not known. Belongs to MODULES.
 */
const hc_tls_block *hc_modules_tls_block(hc_modules *modules, const hc_module *module, unsigned thread);

/* A member of a structure, from DWARF. */
typedef struct hc_member {
	uint64_t offset;       /* bytes */
	uint64_t size;	       /* bytes, of the whole member */
	uint64_t element_size; /* of one element if it is an array, else `size` */
} hc_member;

typedef struct hc_struct hc_struct;

/*
 * The layout of struct NAME as the compilation unit that defines FUNCTION (a symbol) saw it. NULL if there is no debug
 * info or no such structure. Belongs to MODULES.
 */
const hc_struct *hc_module_struct(hc_modules *modules, const hc_module *module, const char *function, const char *name);
uint64_t hc_struct_size(const hc_struct *structure); /* bytes */
bool hc_struct_member(const hc_struct *structure, const char *name, hc_member *ret_member);

/* A range of MODULE that its program headers describe, in the process's addresses. */
typedef struct hc_module_segment {
	hc_address start, end; /* end: of memory, bss included; not rounded */
	hc_address file_end;   /* end of what comes from the file */
	uint64_t offset;       /* in the file */
	uint32_t type, flags;  /* PT_LOAD, PT_TLS, PT_GNU_RELRO, PT_DYNAMIC; PF_* */
	uint64_t alignment;
} hc_module_segment;

unsigned hc_module_segment_count(const hc_modules *modules, const hc_module *module);
const hc_module_segment *hc_module_segment_get(const hc_modules *modules, const hc_module *module, unsigned index);

/* True if ADDRESS is in a writable PT_LOAD or in relocated read-only data of MODULE. */
bool hc_module_is_data(const hc_modules *modules, const hc_module *module, hc_address address);

unsigned hc_modules_index(const hc_modules *modules, const hc_module *module);
const hc_module *hc_modules_executable(const hc_modules *modules); /* NULL if unknown */

/*
 * The module whose NAME the dynamic linker finds first (the executable, then the libraries in the order of the link map,
 * which begins with what LD_PRELOAD names). NULL if none defines it, or no file could be read.
 */
const hc_module *hc_modules_provider(hc_modules *modules, const char *name);

/*
 * The first occurrence of TEXT in read-only bytes of MODULE that the core or the file has; NULL if there is none. The
 * pointer is into the mapped bytes; *ret_available tells how many follow.
 */
const char *hc_module_find_text(
	const hc_modules *modules, const hc_module *module, const char *text, uint64_t *ret_available);

/* The link map's entries as they lie in memory (struct link_map, public part of <link.h>), at most LIMIT. GArray of hc_address. */
GArray *hc_modules_link_maps(const hc_modules *modules, unsigned limit);
