/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of runtimes/ share. */
#pragma once

#include "runtimes/runtimes.h"

struct hc_runtimes {
	const hc_core *core;
	hc_modules *modules;
	hc_word_format format;
	const char *foreign;
	const hc_module *provider;
	GArray *ranges; /* of hc_runtime_range */
	GArray *pages;	/* of hc_runtime_page */
	GArray *free;	/* of uint16_t: those of each page */
	GStringChunk *names;
};

/* Ranges of a runtime's that is known to be there. What was added first counts where ranges overlap. */
void hc_runtimes_add(hc_runtimes *runtimes, hc_address start, hc_address end, hc_runtime_kind kind, bool is_proved);

/* Whether MAPPING is private memory of no file and no module, with bytes: what a runtime may have. */
bool hc_runtimes_is_candidate(const hc_runtimes *runtimes, const hc_mapping *mapping);

/* Whether ADDRESS is in such a mapping. */
bool hc_runtimes_is_private(const hc_runtimes *runtimes, hc_address address);

/* A word of 64 bits, in the process's byte order; 0 if it cannot be had. */
uint64_t hc_runtimes_word(const hc_runtimes *runtimes, hc_address address);

/* The same of 32 bits; UINT64_MAX if they cannot be had. */
uint64_t hc_runtimes_half(const hc_runtimes *runtimes, hc_address address);

/*
 * The next stretch of MODULE's writable data that the core has, from mapping *INDEX on (0 at first), which is moved behind it. *RET_BYTES are
 * those of the stretch. FALSE if there is no more.
 */
bool hc_runtimes_next_data(const hc_runtimes *runtimes, const hc_module *module, unsigned *index, hc_range *ret_data,
	const uint8_t **ret_bytes);

/* The first module behind AFTER (NULL: of all) whose name begins with one of PREFIXES, which end with NULL. NULL: there is none. */
const hc_module *hc_runtimes_module(
	const hc_runtimes *runtimes, const char *const *prefixes, const hc_module *after);

/* python_pools.c: the pools of POOL bytes from FIRST to END, all of an arena that NUMBER is, if their books agree. */
void hc_runtimes_add_python_pools(
	hc_runtimes *runtimes, hc_address first, hc_address end, uint64_t pool, uint64_t number);

/* Each adds what it finds of its runtime. */
void hc_runtimes_find_names(hc_runtimes *runtimes);
void hc_runtimes_find_java(hc_runtimes *runtimes);
void hc_runtimes_find_v8(hc_runtimes *runtimes);
void hc_runtimes_find_go(hc_runtimes *runtimes);
void hc_runtimes_find_python(hc_runtimes *runtimes);
void hc_runtimes_find_ruby(hc_runtimes *runtimes);
void hc_runtimes_find_php(hc_runtimes *runtimes);
void hc_runtimes_find_luajit(hc_runtimes *runtimes);
void hc_runtimes_find_jemalloc(hc_runtimes *runtimes);
