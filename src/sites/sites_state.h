/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of sites/ share, on the way from code to sites. */
#pragma once

#include "sites/flow.h"
#include "sites/sites.h"

/* Where code names a function, or a word that holds the address of one. */
enum reference_kind {
	REFERENCE_CALL,	   /* a call, or a jump, of a function or a stub */
	REFERENCE_WORD,	   /* reads a word that stands for a function of another module */
	REFERENCE_ADDRESS, /* makes the address of a function */
};

struct code_reference {
	uint32_t at, target; /* offsets */
	uint16_t module;     /* number in hc_sites.modules */
	uint8_t kind;
	bool is_jump;
};

/* The code of one module while it is read, and what is asked later. */
struct code_module {
	hc_module_code *code;
	const hc_module *module;
	uint64_t span;	     /* bytes that offsets go to */
	uint64_t *marks;     /* a bit for each offset: functions, stubs, words; while code is read */
	GArray *references;  /* of struct code_reference, by place */
	GHashTable *stubs;   /* offset of a stub -> offset of the word that it jumps to */
	GHashTable *targets; /* offset of a function or stub -> struct allocator * */
	GHashTable *words;   /* offset of a word -> struct allocator * */
	GHashTable *unbound; /* offsets of words that the dynamic linker would fill at the first call, and has not */
	GHashTable *calls;   /* offset of a function -> GArray of struct flow_call */
	uint64_t unread;     /* bytes of code that could not be decoded, or were too many for one function */
};

struct allocator_names; /* by name: allocators.c */

struct hc_sites {
	const hc_core *core;
	hc_modules *modules;
	hc_debug_info *debug_info;
	hc_program_types *program_types;
	const hc_blocks *blocks;
	struct allocator_names *names;
	GHashTable *used;    /* of these, those that a site calls */
	GPtrArray *wrappers; /* of struct allocator, owned: found by code */
	GArray *read;	     /* of struct code_module */
	GPtrArray *unread;   /* of const hc_module: whose code is not known */
	GArray *sites;	     /* of hc_site, by size, then by address */
	GArray *calls;	     /* of const struct flow_call *, for each site */
	GPtrArray *
		contents; /* of each site what is put into its object: GArray of struct content, or NULL: not looked at yet */
	GHashTable
		*objects; /* contents.c: a function, and how far its calls are followed -> GArray of struct content */
	GHashTable *places;  /* address of a call -> hc_site_place */
	GStringChunk *strings;
	struct flow *flow; /* for questions, on the thread that asks */
	uint64_t code_bytes, unread_bytes;
	unsigned computed; /* sites whose size is not known */
	unsigned machine;
	char *why_none;
};

/* ---- allocators.c: what is known by name ---- */

/* Reads the data files. Never NULL: where there are none, no name is known, and *ERROR says why. */
struct allocator_names *hc_allocator_names_read(hc_diagnostics *diagnostics, GError **error);
void hc_allocator_names_free(struct allocator_names *names);
const struct allocator *hc_allocator_named(const struct allocator_names *names, const char *name); /* NULL: none */

/* ---- scan.c: where code names functions ---- */

/* Fills `references` and `stubs` of all modules in SITES, on WORKERS threads. FALSE if memory was out. */
bool hc_sites_scan(hc_sites *sites, unsigned workers);

/* ---- read.c: which calls allocate ---- */

/* Fills `calls` of all modules in SITES. */
void hc_sites_read(hc_sites *sites, unsigned workers);

/* Whether CALL of MODULE is a stub's jump: whoever calls the stub is the call. */
bool hc_sites_is_stub(const struct code_module *module, const struct flow_call *call);

/* Whether CALLEE, as in flow_code, was never called from the module's code. A function that does not come back is not said to be. */
bool hc_sites_is_never_called(const void *data, const struct value *callee);

/* What a call in the code of DATA, a struct code_module, leads to: for struct flow_code. */
const struct allocator *hc_sites_find_allocator(const void *data, const struct value *callee);

/* The code of the function, or part of one, that OFFSET is in. FALSE if it is in none. */
bool hc_code_around(const struct code_module *module, uint32_t offset, struct flow_code *ret_code);

/* ---- rank.c ---- */

/* Whose code ADDRESS is; NULL: of none that was read. */
const struct code_module *hc_sites_module_of(const hc_sites *sites, hc_address address);

/* What VALUE is in the process, if it is a number, an address or a word of MODULE. */
bool hc_sites_resolve(
	const hc_sites *sites, const struct code_module *module, const struct value *value, uint64_t *ret_value);

/* Where a call leads, through a stub too. FALSE: not known, as of a word that the dynamic linker had not filled yet. */
bool hc_sites_resolve_callee(
	const hc_sites *sites, const struct code_module *module, const struct value *callee, hc_address *ret_address);
