/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The front door of memory/: the table whose rows add up. */
#pragma once

#include <heapcore/memory.h>

#include "references/references.h"

/* The arguments are only read. REFERENCES may be NULL: then nothing is said of lost blocks. */
hc_memory *hc_memory_create(const hc_core *core, const hc_blocks *blocks, const hc_areas *areas,
	const hc_references *references, hc_diagnostics *diagnostics);
void hc_memory_destroy(hc_memory *memory);
