/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all descriptions, layouts and walks of one process share: containers.c. */
#pragma once

#include "containers/description.h"
#include "containers/reader.h"

struct hc_container_set {
	hc_modules *modules;		 /* NULL: with program_types */
	hc_program_types *program_types; /* NULL: no types by name */
	const hc_core *core;
	const hc_blocks *blocks;
	hc_diagnostics *diagnostics;
	hc_descriptions descriptions;
	GHashTable *layouts; /* type -> layout, or NULL */
	GHashTable *named;   /* struct named_key -> layout, or NULL */
	GPtrArray *all_layouts;
	GHashTable *candidates; /* layout that deduces -> GArray of struct candidate (deduce.c) */
	GHashTable *functions;	/* address -> hc_type, or NULL */
	GHashTable *symbols;	/* address -> name, or "" */
	uint64_t heap_bytes;
	uint64_t budget; /* bytes that walks may still look at */
	hc_reader reader;
};
