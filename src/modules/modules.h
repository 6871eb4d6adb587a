/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of modules/: which file is mapped where, and what it says without its types:
 * symbols, thread-local storage, the calls of threads, layouts of a few structures.
 *
 *	modules.c		finds them and their files
 *	list.c			the list of them: asking by number, by address; what one has where
 *	program_headers.c	what one says of itself where it is mapped
 *	unconfirmed.c		modules whose headers are not in the core
 *	files.c			their files, compared and mapped
 *	debug_files.c		where files with debug info may be
 *	symbols.c		names and addresses
 *	data_names.c		what data is called, by its symbol or its section
 *	code.c			executable bytes, where functions begin, which words stand for functions of others
 *	structures.c		layouts of structures of a library that we know
 *	one_unit.c		... from one unit of a large file that is compressed
 *	open_elf.c		opening ELF files in memory
 *	link_maps.c		the dynamic linker's list of them
 *	tls.c			thread-local storage of each thread
 *	thread_descriptors.c	what stands in libc's descriptor of a thread
 *	unwind.c		the calls that each thread was in
 *	frame_names.c		what the functions of frames are called, and which frame lasts as long as its thread
 *	saved_registers.c	which words of frames are registers of calls further out
 *	frame_sections.c	what tells how calls lie on the stack: looked through, then asked of libdw
 *	frame_entries.c		... its entries
 *	frame_instructions.c	... what these say
 *
 * All look-ups are lazy and cached, failures too, in the hc_modules object: one thread at a time.
 */
#pragma once

#include <heapcore/modules.h>

#include "core/core.h"

/* ---- symbols.c ---- */

typedef struct hc_symbol {
	hc_address address; /* in the process; for a thread-local symbol its offset in the module's TLS block */
	uint64_t size;	    /* 0 if the symbol table does not tell */
	bool is_tls;
} hc_symbol;

/*
 * A data or function symbol of MODULE by its name, from .symtab of the file or its debug file, or
 * from .dynsym. FALSE if no trusted file has it.
 */
bool hc_module_symbol(hc_modules *modules, const hc_module *module, const char *name, hc_symbol *ret_symbol);

/*
 * True if MODULE's file defines NAME in .dynsym (or, of a static executable, in .symtab). Reads
 * that table only.
 */
bool hc_module_defines(hc_modules *modules, const hc_module *module, const char *name);

/*
 * The name of the function or variable of a module that ADDRESS lies in, from a trusted file; NULL
 * if there is none. Belongs to MODULES. *ret_offset: from the symbol on.
 */
const char *hc_modules_symbol_at(hc_modules *modules, hc_address address, uint64_t *ret_offset);

/* The same for thread-local symbols: OFFSET is in MODULE's block of thread-local storage. */
const char *hc_module_tls_symbol_at(
	hc_modules *modules, const hc_module *module, uint64_t offset, uint64_t *ret_offset);

/* ---- files.c ---- */

/* The version of elfutils' libraries that are loaded. */
const char *hc_modules_elfutils_version(void);

/* ---- data_names.c ---- */

/* What the data at an address is called. */
typedef struct hc_data_name {
	const hc_module *module;
	const char *symbol;  /* that it lies in, as the file has it; NULL: none is known. Belongs to MODULES */
	const char *section; /* ".bss"; NULL: there is a symbol, or no section is known. Belongs to MODULES */
	hc_address start;    /* of the symbol, or of the section; else the module's bias */
	hc_address
		end; /* so far all has this name: there the next symbol begins, or the symbol, section or module ends */
} hc_data_name;

/* FALSE if ADDRESS is in no module. Symbols are those that say how large they are. */
bool hc_modules_data_name(hc_modules *modules, hc_address address, hc_data_name *ret_name);

/*
 * Whether the word at ADDRESS is VALUE in the module's file already: then it is no address of anything that was made since.
 * FALSE: they differ, the file has no contents there, or they are not known.
 */
bool hc_modules_is_constant(hc_modules *modules, hc_address address, uint64_t value, hc_word_format format);

/* "g_index", demangled; without a symbol "server .bss+0x3ff98": for ADDRESS, that NAME is of. Free with g_free(). */
char *hc_data_name_text(const hc_data_name *name, hc_address address);

/*
 * What people, and DWARF, call the variable of that SYMBOL: demangled, without "[abi:cxx11]", and an unnamed namespace's. Free with
 * g_free().
 */
char *hc_variable_name(const char *symbol);

/* ---- tls.c ---- */

/*
 * MODULE's block of thread-local storage in thread number THREAD, as the dynamic linker's link maps
 * place it; NULL if there is none, or if it is not known. Belongs to MODULES.
 */
const hc_tls_block *hc_modules_tls_block(hc_modules *modules, const hc_module *module, unsigned thread);

/* ---- thread_descriptors.c ---- */

/* What a word of libc's descriptor of a thread is. */
typedef enum {
	HC_DESCRIPTOR_OTHER,
	HC_DESCRIPTOR_SPECIFIC,	      /* of pthread_setspecific() */
	HC_DESCRIPTOR_SPECIFIC_BLOCK, /* leads to that of HC_DESCRIPTOR_KEYS keys */
	HC_DESCRIPTOR_ARGUMENT,	      /* of pthread_create() */
} hc_descriptor_part;

enum {
	HC_DESCRIPTOR_KEYS = 32 /* PTHREAD_KEY_2NDLEVEL_SIZE, nptl/descr.h */
};

/* OFFSET: from the thread pointer on. *ret_key: of thread-specific data; of a block the first. Where libc has no such symbols, all is other. */
hc_descriptor_part hc_modules_descriptor_part(hc_modules *modules, uint64_t offset, unsigned *ret_key);

/* ---- unwind.c ---- */

/* A frame whose registers are known: what locations of locals are evaluated in. */
typedef struct hc_frame_registers {
	hc_address program_counter;
	bool is_activation;
	uint64_t values[32];
	uint32_t valid; /* bit for each DWARF register number */
} hc_frame_registers;

/*
 * The registers of all frames of a thread, innermost first, as hc_modules_frames() counts them.
 * GArray of hc_frame_registers; NULL if there are no frames. Belongs to MODULES, until the next
 * call with another thread.
 */
const GArray *hc_modules_frame_registers(hc_modules *modules, unsigned thread_index);

/*
 * The number of the frame that the word at ADDRESS, on the stack of thread THREAD_INDEX, is a register of, which a call further in has saved; -1:
 * it is none, or that is not known.
 */
int hc_modules_saved_register_at(hc_modules *modules, unsigned thread_index, hc_address address);

/*
 * The number of the frame that has VALUE in one of the thread's registers that calls keep: the outermost, if there are several; -1: none is
 * known.
 */
int hc_modules_frame_of_register(hc_modules *modules, unsigned thread_index, uint64_t value);

/* Which of a file's two sections of call frame information. */
typedef enum hc_frame_source {
	HC_FRAME_EH,	/* .eh_frame */
	HC_FRAME_DEBUG, /* .debug_frame */
} hc_frame_source;

/*
 * What the module at ADDRESS has of the frame there, as libdw has it (a Dwarf_Frame of <elfutils/libdw.h>); *RET_BIAS: what is to be added
 * to addresses in it. NULL: it has nothing, that is damaged, or nothing was unwound yet. Free with free().
 */
struct Dwarf_Frame_s *hc_modules_frame_rules(
	hc_modules *modules, hc_frame_source source, hc_address address, uint64_t *ret_bias);

/* ---- debug_files.c: where debug info may be ---- */

/*
 * Each gives paths that are to be tried in their order; there need not be a file. Whoever opens one
 * compares what it says of itself. A GPtrArray of char *: free it with g_ptr_array_unref().
 */

/*
 * Of a file's own debug info by its BUILD_ID (hexadecimal): in the debug directories, the user's
 * first.
 */
GPtrArray *hc_modules_debug_paths_by_id(const hc_modules *modules, const char *build_id);

/*
 * The same by the NAME that FILE has in .gnu_debuglink: beside FILE, in .debug there, and at its
 * place below the debug directories.
 */
GPtrArray *hc_modules_debug_paths_by_link(const hc_modules *modules, const char *file, const char *name);

/*
 * Of what several debug files share, by the NAME and BUILD_ID that DEBUG_FILE has in
 * .gnu_debugaltlink: where the name says, from the folder of DEBUG_FILE on if that is relative,
 * below the sysroot if there is one; then in the debug directories at its place below ".dwz", where
 * distributions keep them, and by its build-id.
 */
GPtrArray *hc_modules_debug_paths_shared(
	const hc_modules *modules, const char *debug_file, const char *name, const char *build_id);

/* SIZE bytes, which are at most 64, as hexadecimal text. Free with g_free(). */
char *hc_build_id_text(const uint8_t *bytes, size_t size);

/*
 * Debug info of MODULE was looked for; it is read from PATH (copied; NULL: from no file): the
 * answer of hc_module_debug_file().
 */
void hc_module_note_debug_file(hc_modules *modules, const hc_module *module, const char *path);

/* ---- structures.c ---- */

/* A member of a structure, from DWARF. */
typedef struct hc_member {
	uint64_t offset;       /* bytes */
	uint64_t size;	       /* bytes, of the whole member */
	uint64_t element_size; /* of one element if it is an array, else `size` */
} hc_member;

typedef struct hc_struct hc_struct;

/*
 * The layout of struct NAME as the compilation unit that defines FUNCTION (a symbol) saw it. NULL
 * if there is no debug info or no such structure. Belongs to MODULES.
 */
const hc_struct *hc_module_struct(hc_modules *modules, const hc_module *module, const char *function, const char *name);

/* The debug info (a Dwarf of <elfutils/libdw.h>) that structures of MODULE were looked for in: its sections are uncompressed. NULL: none was. Belongs to the modules. */
struct Dwarf *hc_module_opened_dwarf(const hc_module *module);

/* Where memory is out libdw ends the process with status 1; of DWARF (NULL is fine) it then ends as GLib has it end (g_error()). */
void hc_modules_mind_memory(struct Dwarf *dwarf);
uint64_t hc_struct_size(const hc_struct *structure); /* bytes */
bool hc_struct_member(const hc_struct *structure, const char *name, hc_member *ret_member);

/* ---- one_unit.c ---- */

/* One unit of a file with debug info, and of the rest no more than what stands before it. */
struct one_unit;

/*
 * The unit that ADDRESS, as the file has it, is in, from PATH if that has BUILD_ID and its sections are compressed. NULL: it is not read this
 * way. libdw is not minded yet (hc_modules_mind_memory()).
 */
struct one_unit *hc_one_unit_open(const char *path, const char *build_id, uint64_t address);
void hc_one_unit_close(struct one_unit *one); /* NULL is fine */

/* The debug info that holds it (a Dwarf of <elfutils/libdw.h>), and the offset of its DIE in that. NULL: it is damaged. */
struct Dwarf *hc_one_unit_dwarf(const struct one_unit *one, uint64_t *ret_die);

/* ---- list.c ---- */

hc_core *hc_modules_core(const hc_modules *modules);

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

/* The bytes of MODULE's file, which is trusted; NULL if there is none. Belongs to MODULE. */
GMappedFile *hc_module_mapped(const hc_module *module);

/* files.c: the same as an Elf of <libelf.h>, to be closed with elf_end(); NULL if there is none. */
struct Elf *hc_module_elf(const hc_module *module);

/* open_elf.c: a file's, that is no ELF file too: libelf tells. NULL if there is none; if that is for want of memory, the process ends as GLib has it end. */
struct Elf *hc_modules_open_elf(GMappedFile *mapped);

/* one_unit.c: the section of ELF that is called so; NULL: there is none. */
struct Elf_Scn *hc_modules_find_section(struct Elf *elf, const char *wanted);

/* open_elf.c: whether ELF has BUILD_ID, in hexadecimal digits. */
bool hc_modules_has_build_id(struct Elf *elf, const char *build_id);

unsigned hc_modules_index(const hc_modules *modules, const hc_module *module);
const hc_module *hc_modules_executable(const hc_modules *modules); /* NULL if unknown */

/*
 * The first occurrence of TEXT in read-only bytes of MODULE that the core or the file has; NULL if
 * there is none. The pointer is into the mapped bytes; *ret_available tells how many follow.
 */
const char *hc_module_find_text(
	const hc_modules *modules, const hc_module *module, const char *text, uint64_t *ret_available);

/* ---- link_maps.c ---- */

/*
 * The module whose NAME the dynamic linker finds first (the executable, then the libraries in the
 * order of the link map, which begins with what LD_PRELOAD names). NULL if none defines it, or no
 * file could be read.
 */
const hc_module *hc_modules_provider(hc_modules *modules, const char *name);

/*
 * The link map's entries as they lie in memory (struct link_map, public part of <link.h>), at most
 * LIMIT. GArray of hc_address.
 */
GArray *hc_modules_link_maps(const hc_modules *modules, unsigned limit);

/* ---- code.c: what a file says of its code, without debug info ---- */

/* Offsets are from the module's start, in the process as in the file. */

/* Executable bytes. */
typedef struct hc_code_segment {
	uint32_t start, end;
	const uint8_t *bytes; /* of the mapped file */
} hc_code_segment;

/* A word that the dynamic linker fills with the address of a symbol. */
typedef struct hc_code_import {
	uint32_t slot;
	const char *name; /* without a version. Untrusted */
} hc_code_import;

typedef struct hc_code_function {
	uint32_t start;
	bool is_exported; /* other modules can call it by its name */
	const char *name; /* untrusted */
} hc_code_function;

typedef struct hc_module_code {
	const hc_module *module;
	struct Elf *elf;
	GArray *segments;  /* of hc_code_segment, by start */
	GArray *starts;	   /* of uint32_t: where functions, and parts of them, begin; ascending, no two alike */
	GArray *imports;   /* of hc_code_import, by slot */
	GArray *functions; /* of hc_code_function, that have names; by start */
} hc_module_code;

/*
 * What MODULE's file says; NULL if there is no trusted one, or nothing says where its functions begin. The names belong to MODULES.
 * Bytes are those of the file: what the process has written over its own code is not seen.
 */
hc_module_code *hc_module_code_open(hc_modules *modules, const hc_module *module);
void hc_module_code_close(hc_module_code *code); /* NULL is fine */
