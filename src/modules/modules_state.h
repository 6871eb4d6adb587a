/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of modules/ share. */
#pragma once

#include "base/diagnostics.h"
#include "modules/modules.h"

#include <elfutils/libdwfl.h>

/*
 * A module with what is known of it beyond the public part. The public part comes first: one is
 * cast to the other.
 */
struct module {
	hc_module public;
	char *name, *file, *file_build_id, *build_id; /* what public points to */
	GArray *segments;			      /* of hc_module_segment */
	hc_address dynamic;			      /* PT_DYNAMIC; 0 if there is none */
	uint64_t dynamic_size;
	bool has_interpreter; /* PT_INTERP */
	unsigned index;	      /* in the list */
	GMappedFile *mapped;  /* the trusted file; NULL if there is none */

	/* symbols.c, lazily */
	bool dwfl_tried;
	Dwfl *dwfl;
	Dwfl_Module *dwfl_module;
	Dwarf *dwarf;			      /* structures.c: what libdwfl has opened; NULL: nothing yet */
	GHashTable *symbols;		      /* name -> hc_symbol * */
	GArray *tls_symbols;		      /* of struct tls_symbol (symbols.c), by offset */
	GArray *data_symbols, *data_sections; /* of struct named_data (data_names.c), by address */
	GHashTable *structs;		      /* structures.c, lazily: name -> hc_struct *, or NULL for a failure */
	struct one_unit *one_unit;	      /* ... which were looked for in this; NULL: in `dwarf` */
	Dwarf_Die unit;			      /* ... if it is not NULL */

	/* hc_module_debug_file() */
	bool debug_tried, debug_noted;
	const char *debug_file; /* belongs to dwfl, or is one of the next */
	char *separate_file;	/* found by its name, and not opened */
	char *noted_file;	/* that hc_module_note_debug_file() told; NULL: none */
};

struct hc_modules {
	hc_core *core;
	hc_diagnostics *diagnostics;
	char *sysroot;	  /* "" for / */
	char *debug_path; /* as dwfl wants it */
	Dwfl_Callbacks callbacks;
	GPtrArray *list; /* of struct module, by start */
	struct module *executable;
	GHashTable *known_symbols; /* symbols.c: address -> what was found there; NULL at first */
	GHashTable *files;  /* path -> GMappedFile *, of those that agree: a file that is mapped often is opened once */
	GPtrArray *structs; /* of hc_struct, owned */
	struct hc_unwinder *unwinder; /* unwind.c, lazily */
	hc_address main;	      /* frame_names.c, once it was asked for: where main() begins; 0: not known */
	bool knows_main;
	const hc_module *
		begins_threads; /* frame_names.c: in whose code all threads but the first one begin; NULL: not met yet */
	GArray *tls_blocks;	      /* tls.c, lazily: of hc_tls_block, by start */
	GArray *tls_of_modules;	      /* the same by module and thread */
	/* thread_descriptors.c, lazily: offsets of two members, 0: not known */
	bool has_descriptor;
	uint32_t descriptor_specific, descriptor_start;
};

static inline struct module *hc_module_private(const hc_module *module)
{
	return (struct module *)(void *)module;
}

/* ---- program_headers.c ---- */

/* Where an ELF file's headers are read: in the process's memory, or in a file. */
struct hc_header_source {
	const hc_core *core;
	hc_address base;     /* of the file's first byte in the process; 0: where AT_ENTRY tells */
	const uint8_t *file; /* NULL: in memory */
	uint64_t file_size;
};

/*
 * Reads all program headers; makes their addresses those of the process; sets start, end and bias.
 * FALSE: no module.
 */
bool hc_module_read_segments(const struct hc_header_source *source, struct module *module);

/*
 * The NT_GNU_BUILD_ID note among MODULE's PT_NOTE segments, as hexadecimal text; NULL if there is
 * none. Free with g_free().
 */
char *hc_module_read_build_id(const hc_core *core, const struct module *module);

/* The value of the tag WANTED (DT_...) in MODULE's dynamic section; FALSE if it is not there. */
bool hc_module_read_dynamic(const hc_core *core, const struct module *module, int64_t wanted, uint64_t *ret_value);

/* DT_SONAME, for cores without NT_FILE; NULL if there is none. Free with g_free(). */
char *hc_module_read_soname(const hc_core *core, const struct module *module);

/*
 * Whether what the core says of mappings is as the headers of MODULE say, and not a file that is
 * mapped to be read.
 */
bool hc_module_is_loaded(const hc_core *core, const struct module *module);

/* ---- list.c ---- */

/*
 * Whether nothing of MAPPING, of MODULE's file, was ever to be written to: then the file's bytes
 * are the process's.
 */
bool hc_module_is_constant(const struct module *module, const hc_mapping *mapping);

void hc_module_destroy(void *module);

/* ---- unconfirmed.c ---- */

/*
 * The core does not hold the program's headers: BINARY, which the user gave, becomes the executable
 * if AT_ENTRY, AT_PHDR and the core's memory fit it. FALSE, and nothing changes, if not: then
 * *RET_WHY tells what contradicts it, a clause; NULL: nothing could be compared.
 */
bool hc_modules_add_unconfirmed(hc_modules *modules, const char *binary, const char **ret_why);

/*
 * The same for every file that was mapped, has no headers in the core, is where its path says, and
 * is contradicted by nothing in the core.
 */
void hc_modules_find_unconfirmed(hc_modules *modules);

/* files.c: where the file is here that has PATH in the core; "" if it is not to be opened. Free with g_free(). */
char *hc_module_path_here(const hc_modules *modules, const char *path);

/* files.c: finds the file of MODULE, compares build-ids, sets state; maps it if it agrees. */
bool hc_module_find_file(hc_modules *modules, struct module *module, const char *named_by_user, GError **error);

/* files.c: supplies the core with what MODULE's trusted file has of its read-only mappings. */
void hc_module_supply(hc_modules *modules, struct module *module);

/*
 * symbols.c: MODULE as libdwfl knows it, opened at the first call; NULL if neither its file nor its
 * debug info is here.
 */
Dwfl_Module *hc_module_dwfl(hc_modules *modules, struct module *module);

/* symbols.c: the file with MODULE's build-id in the debug directories; NULL: none. Free with g_free(). */
char *hc_module_debug_file_by_id(const hc_modules *modules, const struct module *module);

/* ---- one_unit.c ---- */

struct one_unit {
	char *path;
	GMappedFile *mapped;
	Elf *elf;
	Dwarf *dwarf;	 /* of .debug_info what stands to the end of the unit, and what names and layouts are made of */
	uint8_t *info;	 /* these bytes of .debug_info */
	uint64_t offset; /* of the unit */
};

/* As dwfl_module_getdwarf(3), but where memory is out, or gets so, it ends the process as GLib does. */
Dwarf *hc_modules_dwarf(Dwfl_Module *dwfl_module, Dwarf_Addr *ret_bias);

/* ---- frame_sections.c ---- */

/* What has been looked through of the modules' call frame information. */
struct hc_module_frames;
struct hc_module_frames *hc_module_frames_create(void);
void hc_module_frames_destroy(struct hc_module_frames *frames); /* NULL is fine */

/*
 * What MODULE's call frame information has for ADDRESS (of the process); *RET_BIAS: what its addresses are to be added to. NULL: nothing, or
 * it was not given to libdw: *RET_UNSOUND. Free with free().
 */
Dwarf_Frame *hc_module_frames_ask(struct hc_module_frames *frames, Dwfl_Module *module, hc_frame_source kind,
	hc_address address, Dwarf_Addr *ret_bias, bool *ret_unsound);

/* Where the function that has ADDRESS begins, by the call frame information of MODULE, addresses of the process; 0: it does not tell. */
hc_address hc_module_frames_start(struct hc_module_frames *frames, Dwfl_Module *module, hc_address address);

/* frame_names.c: marks the one of FRAMES, of hc_frame, a thread's, that is there as long as the thread, if that is known. */
void hc_frames_find_lasting(hc_modules *modules, GArray *frames);

/* ---- saved_registers.c ---- */

/* Whose registers are what a thread's frames have saved. */
struct hc_saved_registers {
	GArray *words; /* of struct saved_word (saved_registers.c), by address */
	int users
		[HC_MACHINE_DWARF_MAX]; /* by DWARF's number: the innermost frame that has saved it, and so has it for its own; -1: none */
};

struct hc_saved_source {
	Dwfl *dwfl;
	const hc_machine *machine;
	struct hc_module_frames *module_frames;
	const GArray *frames; /* of hc_frame */
};

struct hc_saved_registers *hc_saved_registers_create(const struct hc_saved_source *source);
void hc_saved_registers_destroy(struct hc_saved_registers *saved); /* NULL is fine */

/* The number of the frame that the register which was saved at ADDRESS is of; -1: none was saved there, or that is not known. */
int hc_saved_registers_at(const struct hc_saved_registers *saved, hc_address address);

/* structures.c */
void hc_struct_destroy(void *structure);

/* unwind.c: NULL is fine. */
void hc_unwinder_destroy(struct hc_unwinder *unwinder, unsigned thread_count);
