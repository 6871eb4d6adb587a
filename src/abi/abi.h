/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of abi/: classes and functions that two parts of the program know by one name, and see differently.
 *
 *	names of several definitions --> same.c: is one class meant? --> compare.c: what differs? --> blocks.c, left_behind.c: and this heap?
 *	symbols of vtables --> vtables.c
 *	code of modules without debug info --> allocations.c
 *	functions that other modules call --> functions.c
 *
 *	compare.c	two layouts, part by part
 *	same.c		whether two definitions of one name are of one class
 *	sides.c		whose a layout is, what has been told, which calls allocate
 *	vtables.c	vtables of one class with different lengths
 *	allocations.c	calls that allocate less for an object than its constructor's module has for its class
 *	functions.c	functions of C that are declared otherwise than they are defined
 *	blocks.c	blocks of such a class by the layout that their size fits; damage behind them
 *	left_behind.c	lost blocks that hang on a member which one side does not know
 *	abi.c		the object
 *
 * Made when it is asked for. Reads the index of debug info, and of each name with several definitions one DIE a module.
 */
#pragma once

#include <heapcore/abi.h>

#include "check/check.h"
#include "leaks/leaks.h"
#include "program_types/program_types.h"
#include "sites/sites.h"
#include "types/types.h"

/* What it is made of. All but PROGRAM_TYPES may be NULL: then nothing of the heap is told. */
typedef struct hc_abi_input {
	const hc_core *core;
	hc_program_types *program_types;
	const hc_types *types;
	const hc_blocks *blocks;
	const hc_areas *areas;
	const hc_references *references;
	const hc_unloaded *unloaded;
	unsigned jobs;		     /* threads that read code; 0: one for each processor */
	hc_diagnostics *diagnostics; /* what of the user's own could not be read is counted there */
} hc_abi_input;

/* What INPUT has must outlive the result. OPTIONS may be NULL. Reads types: one thread at a time. */
hc_abi *hc_abi_create(const hc_abi_input *input, const hc_abi_options *options);

/* The calls that allocate, read at the first call; they are ABI's. Needs the input's core. Never NULL. */
hc_sites *hc_abi_sites(hc_abi *abi);

/* compare.c: the parts of A and B, classes or enums, that differ; strings are the types'. GArray of hc_abi_change, to be freed by the caller. */
GArray *hc_abi_compare(const hc_type *a, const hc_type *b);
