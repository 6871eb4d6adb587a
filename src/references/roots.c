/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the search begins, and where not, and why. */
#include "references/references_state.h"

#include "base/partition.h"

#include <elf.h>

/* XSAVE's legacy area: the x87 state's first 160 bytes hold no values that a program keeps; then xmm0. (Intel SDM 1, 13.4.1) */
enum {
	XSAVE_VECTORS = 160
};

const char *hc_root_reason_name(hc_root_reason reason)
{
	static const char *const names[HC_ROOT_REASON_COUNT] = {
		[HC_ROOT_REGISTERS] = "registers",
		[HC_ROOT_DATA] = "data",
		[HC_ROOT_STACK] = "stack",
		[HC_ROOT_RESULT] = "result",
		[HC_ROOT_WRITABLE_FILE] = "writable-file",
		[HC_ROOT_SHARED] = "shared",
		[HC_ROOT_ANONYMOUS] = "anonymous",
		[HC_ROOT_SBRK] = "sbrk",
		[HC_ROOT_UNREADABLE] = "unreadable",
		[HC_ROOT_KERNEL] = "kernel",
		[HC_ROOT_MALLOC_STATE] = "malloc-state",
		[HC_ROOT_STACK_UNUSED] = "stack-unused",
		[HC_ROOT_FILE] = "file",
		[HC_ROOT_RESERVED] = "reserved",
		[HC_ROOT_NOT_DUMPED] = "not-dumped",
		[HC_ROOT_LACKING] = "lacking",
	};

	return (unsigned)reason < HC_ROOT_REASON_COUNT ? names[reason] : NULL;
}

static void add_root(hc_references *references, const hc_area *area, bool used, hc_root_reason reason)
{
	hc_root root = {
		.start = area->start,
		.end = area->end,
		.kind = area->kind,
		.owner = area->owner,
		.used = used,
		.reason = reason,
	};

	if (used && !area->mapping->bytes) {
		root.used = false;
		root.reason = HC_ROOT_LACKING;
	}
	g_array_append_val(references->roots, root);
}

static void add_part(hc_references *references, const hc_area *area, hc_address start, hc_address end, bool used,
	hc_root_reason reason)
{
	hc_area part = *area;

	part.start = start;
	part.end = end;
	if (start < end)
		add_root(references, &part, used, reason);
}

/* A stack without frames; but the descriptor at its end may have a result that somebody will ask for. */
static void add_unused_stack(hc_references *references, const hc_area *area)
{
	const GArray *results = hc_areas_results(references->areas);
	hc_address at = area->start;
	unsigned low = HC_PARTITION_POINT(middle, 0, results->len, g_array_index(results, hc_range, middle).start < at);
	for (; low < results->len && g_array_index(results, hc_range, low).end <= area->end; low++) {
		hc_range result = g_array_index(results, hc_range, low);

		/* Two that overlap can only be of an overwritten descriptor. */
		if (result.start < at)
			continue;
		add_part(references, area, at, result.start, false, HC_ROOT_STACK_UNUSED);
		add_part(references, area, result.start, result.end, true, HC_ROOT_RESULT);
		at = result.end;
	}
	add_part(references, area, at, area->end, false, HC_ROOT_STACK_UNUSED);
}

static void add_area(hc_references *references, const hc_area *area)
{
	bool writable = area->mapping->flags & HC_MAPPING_WRITE;

	switch (area->kind) {
	case HC_AREA_HEAP:
	case HC_AREA_MMAPPED:
		return; /* blocks: searched when something leads to them */
	case HC_AREA_FOREIGN_SBRK:
		return add_root(references, area, true, HC_ROOT_SBRK);
	case HC_AREA_HEAP_UNREADABLE:
		return add_root(references, area, true, HC_ROOT_UNREADABLE);
	case HC_AREA_MALLOC_STATE:
		return add_root(references, area, false, HC_ROOT_MALLOC_STATE);
	case HC_AREA_STACK:
		return add_root(references, area, true, HC_ROOT_STACK);
	case HC_AREA_STACK_UNUSED:
		return add_unused_stack(references, area);
	case HC_AREA_MODULE_DATA:
		return add_root(references, area, true, HC_ROOT_DATA);
	case HC_AREA_FILE:
		if (writable)
			return add_root(references, area, true, HC_ROOT_WRITABLE_FILE);
		return add_root(references, area, false, HC_ROOT_FILE);
	case HC_AREA_SHARED:
		return add_root(references, area, true, HC_ROOT_SHARED);
	case HC_AREA_ANONYMOUS:
		return add_root(references, area, true, HC_ROOT_ANONYMOUS);
	case HC_AREA_KERNEL:
		/* What lies below the vdso is vvar for all that a core tells; a page of the program's there must not be missed. */
		return add_root(references, area, !(area->mapping->flags & HC_MAPPING_EXECUTE), HC_ROOT_KERNEL);
	case HC_AREA_RESERVED:
		return add_root(references, area, false, HC_ROOT_RESERVED);
	default:
		return add_root(references, area, false, HC_ROOT_NOT_DUMPED);
	}
}

static void add_registers(hc_references *references, unsigned thread_index)
{
	hc_root root = {
		.owner = thread_index,
		.kind = HC_AREA_STACK,
		.registers = true,
		.used = true,
		.reason = HC_ROOT_REGISTERS,
	};

	g_array_append_val(references->roots, root);
}

void hc_references_find_roots(hc_references *references)
{
	for (unsigned i = 0; i < hc_core_thread_count(references->core); i++)
		add_registers(references, i);
	for (unsigned i = 0; i < hc_areas_count(references->areas); i++)
		add_area(references, hc_areas_get(references->areas, i));
}

void hc_references_add_words(const hc_references *references, hc_address start, hc_address end, GArray *words)
{
	unsigned word = references->blocks->word;

	start = hc_align_up(start, word);
	while (start < end) {
		uint64_t available;
		const uint8_t *bytes = hc_core_bytes(references->core, start, &available);

		if (!bytes) {
			unsigned next = hc_core_mapping_after(references->core, start);
			const hc_mapping *mapping = next < hc_core_mapping_count(references->core) ?
							    hc_core_mapping(references->core, next) :
							    NULL;

			if (!mapping)
				return;
			start = mapping->start > start ? mapping->start : mapping->end;
			continue;
		}
		hc_words run = { bytes, MIN(available, end - start) & ~(uint64_t)(word - 1) };

		if (run.size)
			g_array_append_val(words, run);
		start += MIN(available, end - start);
	}
}

/*
 * General registers, and the vector registers of a thread that was not in a system call: inside one they are dead by the
 * calling convention, and what they last held would keep lost blocks alive.
 */
static void add_register_words(const hc_references *references, const hc_thread *thread, GArray *words)
{
	unsigned word = references->blocks->word;
	bool native = word == 8 && !hc_core_word_format(references->core).swap;

	/* hc_thread holds them in our byte order and 64 bits: searched as words only where that is the process's format too. */
	if (native) {
		hc_words run = { (const uint8_t *)thread->registers, thread->register_count * sizeof(uint64_t) };

		g_array_append_val(words, run);
	}
	if (!thread->in_system_call && thread->vector_registers_size > XSAVE_VECTORS) {
		hc_words run = { thread->vector_registers + XSAVE_VECTORS,
			(thread->vector_registers_size - XSAVE_VECTORS) & ~(size_t)7 };

		g_array_append_val(words, run);
	}
}

void hc_references_add_root_words(const hc_references *references, const hc_root *root, GArray *words)
{
	if (!root->used)
		return;
	if (root->registers)
		add_register_words(references, hc_core_thread(references->core, root->owner), words);
	else
		hc_references_add_words(references, root->start, root->end, words);
}

GArray *hc_references_root_words(const hc_references *references)
{
	GArray *words = g_array_new(FALSE, FALSE, sizeof(hc_words));

	for (unsigned i = 0; i < references->roots->len; i++)
		hc_references_add_root_words(references, &g_array_index(references->roots, hc_root, i), words);
	return words;
}

unsigned hc_references_root_rank(const hc_root *root)
{
	if (root->registers)
		return 3;
	return root->kind == HC_AREA_MODULE_DATA ? 0 : root->kind == HC_AREA_STACK ? 2 : 1;
}
