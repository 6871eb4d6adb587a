/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Segments (PT_LOAD) and mapped files (NT_FILE) -> one sorted list of disjoint pieces, each with one source of bytes.
 *
 *	PT_LOAD   |--- dumped ---|--- left out ---|          |-- dumped --|
 *	NT_FILE   |------- libfoo.so, offset 0 ---|--- libfoo.so: text ---|   (gdb leaves text out)
 *	pieces    |    CORE      |      NONE      |   NONE   |    CORE    |
 */
#include "core/core_state.h"

#include <elf.h>
#include <inttypes.h>

static const hc_diagnostic_kind core_truncated = {
	"core-truncated",
	HC_SEVERITY_HEAP_PARTIAL,
	"of memory are missing: the core file ends before what its headers promise (disk full, or a size limit when it was written)",
};

static const hc_diagnostic_kind stream_truncated = {
	"core-truncated",
	HC_SEVERITY_HEAP_PARTIAL,
	"of memory are missing: what could be decompressed of the core ends before what its headers promise",
};

static const hc_diagnostic_kind segments_overlap = {
	"core-segments-overlap",
	HC_SEVERITY_HEAP_PARTIAL,
	"of the core's segments overlap or wrap around and were ignored: the core is damaged",
};

static const hc_diagnostic_kind bytes_shared = {
	"core-segments-share-bytes",
	HC_SEVERITY_HEAP_PARTIAL,
	"of the core are claimed by more than one of its segments: the core is damaged, and at most one of them is right",
};

/*
 * User addresses end at 2^57 (five-level page tables); above lie only the kernel's few pages (vsyscall). Linux:
 * Documentation/arch/x86/x86_64/mm.rst
 */
static const hc_address user_end = (uint64_t)1 << 57, kernel_start = 0xffff000000000000;

enum {
	KERNEL_PAGES_MAX = 1 << 24
};

/* Segments may claim so many times the core's size together, a little for damaged headers: what is read in all is linear in it. */
enum {
	CLAIMS_MAX = 2
};

struct piece_list {
	hc_core *core;
	GArray *pieces;	 /* of hc_mapping */
	uint64_t budget; /* bytes of the core that segments may still claim */
};

static int compare_segments(const void *a, const void *b)
{
	const hc_elf_segment *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

static int compare_offsets(const void *a, const void *b)
{
	const hc_elf_segment *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static int compare_files(const void *a, const void *b)
{
	const hc_file_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Sorts the files and drops those that begin inside another. */
static void sort_files(hc_core *core)
{
	unsigned kept = 0;

	g_array_sort(core->files, compare_files);
	for (unsigned i = 0; i < core->files->len; i++) {
		hc_file_range *file = &g_array_index(core->files, hc_file_range, i);

		if (file->end > user_end ||
			(kept && file->start < g_array_index(core->files, hc_file_range, kept - 1).end)) {
			hc_diagnostics_add(
				core->diagnostics, &hc_notes_damaged, 0, "NT_FILE: file at %#" PRIx64, file->start);
			continue;
		}
		g_array_index(core->files, hc_file_range, kept++) = *file;
	}
	g_array_set_size(core->files, kept);
}

/* Adds [start, end), of one segment and one source, cut at the borders of mapped files. */
static void add_pieces(struct piece_list *list, hc_mapping piece, unsigned *file_index)
{
	const GArray *files = list->core->files;
	hc_address end = piece.end;

	while (piece.start < end) {
		while (*file_index < files->len && g_array_index(files, hc_file_range, *file_index).end <= piece.start)
			++*file_index;
		const hc_file_range *file =
			*file_index < files->len ? &g_array_index(files, hc_file_range, *file_index) : NULL;
		hc_mapping part = piece;

		part.path = NULL;
		part.end = end;
		if (file && file->start <= piece.start) {
			part.end = MIN(end, file->end);
			part.path = file->path;
			part.path_offset = file->offset + (piece.start - file->start);
			part.file_start = file->start;
		} else if (file) {
			part.end = MIN(end, file->start);
		}
		g_array_append_val(list->pieces, part);
		if (piece.bytes)
			piece.bytes += part.end - piece.start;
		piece.start = part.end;
	}
}

/* The parts of mapped files that lie in [start, end), where no segment is. */
static void add_unlisted_files(struct piece_list *list, hc_address start, hc_address end, unsigned *file_index)
{
	const GArray *files = list->core->files;

	for (unsigned i = *file_index; i < files->len && g_array_index(files, hc_file_range, i).start < end; i++) {
		const hc_file_range *file = &g_array_index(files, hc_file_range, i);
		hc_mapping piece = {
			.start = MAX(start, file->start),
			.end = MIN(end, file->end),
			.flags = HC_MAPPING_READ | HC_MAPPING_UNLISTED,
			.source = HC_SOURCE_NONE,
		};

		if (piece.start < piece.end)
			add_pieces(list, piece, file_index);
	}
}

static bool is_believable(const hc_elf_segment *segment)
{
	uint64_t end = segment->address + segment->memory_size;

	if (segment->address >= kernel_start)
		return segment->memory_size <= KERNEL_PAGES_MAX && end > segment->address;
	return segment->memory_size <= user_end && segment->address < user_end && end <= user_end;
}

/* A segment that runs into the next one is cut there, if that takes none of its bytes: a size in its header is wrong. */
static void cut_overlap(const hc_core *core, hc_elf_segment *segment, unsigned index)
{
	for (unsigned i = index + 1; i < core->segments->len; i++) {
		const hc_elf_segment *next = &g_array_index(core->segments, hc_elf_segment, i);

		if (next->type != PT_LOAD || !next->memory_size || !is_believable(next))
			continue;
		if (next->address < segment->address + segment->memory_size &&
			next->address - segment->address >= segment->file_size) {
			hc_diagnostics_add(core->diagnostics, &segments_overlap,
				segment->address + segment->memory_size - next->address,
				"segment at %#" PRIx64 " runs into the next", segment->address);
			segment->memory_size = next->address - segment->address;
		}
		return;
	}
}

/* Bytes of the file that a segment takes. */
static uint64_t bytes_present(const hc_core *core, const hc_elf_segment *segment)
{
	uint64_t promised = MIN(segment->file_size, segment->memory_size);

	return segment->offset < core->file_size ? MIN(promised, core->file_size - segment->offset) : 0;
}

/* Leaves the segments sorted by their offset. */
static void check_shared_bytes(hc_core *core)
{
	uint64_t end = 0;

	g_array_sort(core->segments, compare_offsets);
	for (unsigned i = 0; i < core->segments->len; i++) {
		const hc_elf_segment *segment = &g_array_index(core->segments, hc_elf_segment, i);
		uint64_t present = bytes_present(core, segment);

		if (segment->type != PT_LOAD || !present)
			continue;
		if (segment->offset < end)
			hc_diagnostics_add(core->diagnostics, &bytes_shared, MIN(present, end - segment->offset),
				"segment at %#" PRIx64, segment->address);
		end = MAX(end, segment->offset + present);
	}
}

static void add_segment(struct piece_list *list, const hc_elf_segment *segment, unsigned *file_index)
{
	hc_core *core = list->core;
	hc_mapping piece = { .flags = segment->flags & 7 };
	hc_address start = segment->address, end = start + segment->memory_size;
	uint64_t promised = MIN(segment->file_size, segment->memory_size);
	uint64_t present = MIN(bytes_present(core, segment), list->budget);

	list->budget -= present;
	if (present < promised) {
		present = hc_align_down(present, 16); /* no word is cut in two */
		hc_diagnostics_add(core->diagnostics, core->is_cut_stream ? &stream_truncated : &core_truncated,
			promised - present, "from address %#" PRIx64 " on", start + present);
	}
	if (present) {
		piece.start = start;
		piece.end = start + present;
		piece.source = HC_SOURCE_CORE;
		piece.bytes = core->file + segment->offset;
		add_pieces(list, piece, file_index);
	}
	piece.bytes = NULL;
	if (present < promised) {
		piece.start = start + present;
		piece.end = start + promised;
		piece.source = HC_SOURCE_TRUNCATED;
		add_pieces(list, piece, file_index);
	}
	if (promised < segment->memory_size) {
		piece.start = start + promised;
		piece.end = end;
		piece.source = HC_SOURCE_NONE;
		add_pieces(list, piece, file_index);
	}
}

bool hc_core_build_mappings(hc_core *core, GError **error)
{
	struct piece_list list = { core, g_array_new(FALSE, FALSE, sizeof(hc_mapping)), CLAIMS_MAX * core->file_size };
	hc_address last_end = 0;
	unsigned file_index = 0;

	sort_files(core);
	check_shared_bytes(core);
	g_array_sort(core->segments, compare_segments);
	for (unsigned i = 0; i < core->segments->len; i++) {
		hc_elf_segment *segment = &g_array_index(core->segments, hc_elf_segment, i);

		if (segment->type != PT_LOAD || !segment->memory_size)
			continue;
		if (is_believable(segment))
			cut_overlap(core, segment, i);
		if (segment->address < last_end || !is_believable(segment)) {
			hc_diagnostics_add(core->diagnostics, &segments_overlap, segment->memory_size,
				"segment at %#" PRIx64, segment->address);
			continue;
		}
		add_unlisted_files(&list, last_end, segment->address, &file_index);
		add_segment(&list, segment, &file_index);
		last_end = segment->address + segment->memory_size;
	}
	add_unlisted_files(&list, last_end, UINT64_MAX, &file_index);
	core->mapping_count = list.pieces->len;
	core->mappings = (hc_mapping *)(void *)g_array_free(list.pieces, FALSE);
	if (!core->mapping_count) {
		g_set_error(error, HC_ERROR, HC_ERROR_BAD_DATA, "%s: no memory is described by its program headers",
			core->path);
		return false;
	}
	return true;
}
