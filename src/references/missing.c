/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that the core leaves out. A block that only such memory points to looks lost, and is not: so what is called lost is an upper
 * bound, if the core lacks any that may hold pointers.
 *
 * Which does it lack? It depends on who wrote it:
 *
 *	cut off		the headers tell what should be there
 *	a capture	smaps lies beside the core: which mappings had memory, and which the program keeps out of cores (VmFlags dd)
 *	the kernel	every mapping is in the headers; of one without bytes they do not tell whether it was left out, or never touched
 *			(vma_dump_size() in fs/coredump.c: no anon_vma)
 *	gdb, others	what is left out may be in no header at all
 *
 * In the last two cases words tell: memory that nothing live points to holds nothing, and where something points into a gap between
 * mappings there was one. Of a gap only addresses of pages count, which is what mmap() gives, and what text and numbers hardly are; and
 * it must have room for the pointers that are missing. Not counted is what is known to point where nothing is: libc's own variables (the
 * end of the last arena's heap), what the dynamic loader left on the stack (its cache, which it unmapped: small), the end of a
 * mapping, beside a word that points into it, and words whose lower half was overwritten by zeros. Nothing lies between the first
 * mapping and the main thread's stack. A stale address of what was unmapped looks the same: the text says so.
 *
 * Costs one look at live memory, on all processors; only if blocks look lost, and if the core's writer leaves the question open.
 */
#include "base/parallel.h"
#include "base/partition.h"
#include "base/word_masks.h"
#include "references/references_state.h"

#include <inttypes.h>
#include <string.h>

static const hc_diagnostic_kind roots_missing = {
	"roots-missing",
	HC_SEVERITY_PARTIAL,
	"of writable memory are cut off: a block that only they point to looks lost",
};

static const hc_diagnostic_kind lost_is_bound = {
	"lost-is-bound",
	HC_SEVERITY_PARTIAL,
	"of memory that may point to what looks lost are not in the core: what is called lost is an upper bound",
};

static const hc_diagnostic_kind pointers_to_nowhere = {
	"pointers-to-nowhere",
	HC_SEVERITY_PARTIAL,
	"places are pointed to that the core does not have (left out of it, or unmapped since): what is called lost is an upper bound",
};

static const hc_diagnostic_kind anonymous_missing = {
	"anonymous-missing",
	HC_SEVERITY_NOTE,
	"of anonymous memory are not in the core: never touched, or left out by MADV_DONTDUMP; pointers there would not be seen",
};

static const hc_diagnostic_kind shared_missing = {
	"shared-missing",
	HC_SEVERITY_NOTE,
	"of writable file mappings are not in the core (the kernel leaves them out by default); pointers there are not seen",
};

enum {
	SLICE = 4 << 20,
	VVAR_REACH = 1 << 16,
	ROOM_SHARE = 2,	      /* a gap has room for pointers to at least half of the heads */
	STACK_ROOM = 1 << 20, /* and as much, if only stacks point there: more than the loader's cache takes */
	WORDS_BEFORE = 2,     /* how far before the end of a buffer its beginning stands */
};

/*
 * How far below a mapping another one may be that is missing: mmap() goes downwards, and leaves no such gaps by itself. Of words of 4
 * bytes any number may look like a page in a gap of gigabytes.
 */
static uint64_t gap_reach(unsigned word)
{
	return word == 8 ? UINT64_C(1) << 36 : UINT64_C(1) << 26;
}

/* glibc: HEAP_MAX_SIZE, where libc cannot be told from the program */
static uint64_t heap_max(unsigned word)
{
	return word == 8 ? 64 << 20 : 1 << 20;
}

/* Where something may be missing, if words point there. */
struct place {
	hc_address start, end;
	hc_missing_why why;
	const char *path;
	hc_address below; /* a gap: where the mapping below it begins */
};

/* What a worker saw of a place. */
struct sight {
	uint64_t pointers, from_stacks;
	hc_address target, from; /* the lowest */
};

struct slice {
	hc_address start, end;
	enum {
		IN_DATA,
		IN_HEAP,    /* only words in live blocks count */
		IN_STACK,   /* what frames did not initialise is there, too */
		IN_RUNTIME, /* libc and the dynamic loader */
	} where;
};

struct looking {
	const hc_references *references;
	GArray *places; /* of struct place, by address */
	GArray *slices; /* of struct slice */
	hc_address low, high;
	uint64_t page;
	bool only_pages; /* all places are gaps */
	unsigned next;	 /* slice */
	GMutex mutex;
	struct sight *sights;
};

const char *hc_missing_why_text(hc_missing_why why)
{
	switch (why) {
	case HC_MISSING_CUT:
		return "the core file ends before it";
	case HC_MISSING_EXCLUDED:
		return "kept out of cores by madvise(MADV_DONTDUMP)";
	case HC_MISSING_SHARED:
		return "a mapping of a file, which cores leave out";
	case HC_MISSING_LEFT_OUT:
		return "anonymous memory that the core leaves out (by MADV_DONTDUMP, or never touched)";
	default:
		return "in no mapping of the core, but pointed to (left out, or unmapped since)";
	}
}

const char *hc_missing_why_name(hc_missing_why why)
{
	static const char *const names[] = {
		[HC_MISSING_CUT] = "cut",
		[HC_MISSING_EXCLUDED] = "excluded",
		[HC_MISSING_SHARED] = "shared",
		[HC_MISSING_LEFT_OUT] = "left-out",
		[HC_MISSING_UNKNOWN] = "unknown",
	};

	return names[why];
}

/* ---- what smaps tells ---- */

static const char *keep(hc_references *references, const char *path)
{
	return path && *path ? g_string_chunk_insert(references->texts, path) : NULL;
}

static bool is_dumped(const hc_core *core, const hc_smaps_entry *entry)
{
	const hc_mapping *mapping = hc_core_find_mapping(core, entry->start);

	return mapping && mapping->source != HC_SOURCE_NONE;
}

/*
 * Whether pages of the process's own may be in it: of a private mapping those that were written, of a shared one all, as others that
 * share it may not know this process's addresses.
 */
static bool may_hold_pointers(const hc_smaps_entry *entry)
{
	if (g_str_has_prefix(entry->path, "[v")) /* vvar, vdso, vsyscall */
		return false;
	if (entry->shared)
		return entry->writable && (entry->resident || entry->swapped);
	return entry->anonymous || entry->swapped;
}

static void add_from_smaps(hc_references *references, GArray *entries)
{
	for (unsigned i = 0; i < entries->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(entries, hc_smaps_entry, i);
		hc_missing missing = {
			.start = entry->start,
			.end = entry->end,
			.why = entry->excluded ? HC_MISSING_EXCLUDED :
			       entry->inode    ? HC_MISSING_SHARED :
						 HC_MISSING_LEFT_OUT,
		};

		if (!may_hold_pointers(entry) || is_dumped(references->core, entry))
			continue;
		missing.path = entry->inode ? keep(references, entry->path) : NULL;
		g_array_append_val(references->missing, missing);
	}
}

/* ---- what words tell ---- */

static const struct place *find_place(const struct looking *looking, hc_address address)
{
	const struct place *places = (const struct place *)(const void *)looking->places->data;
	unsigned low = HC_PARTITION_POINT(middle, 0, looking->places->len, places[middle].end <= address);
	return low < looking->places->len && places[low].start <= address ? &places[low] : NULL;
}

/* Whether the word at ADDRESS of the heap is in a block that the program can reach. */
static bool is_live(const hc_references *references, hc_address address)
{
	const hc_blocks *blocks = references->blocks;
	uint64_t start = hc_blocks_start_at(blocks, address);
	hc_block block;

	if (start == UINT64_MAX || !hc_bit(references->marks, start) ||
		!hc_blocks_get(blocks, hc_blocks_number(blocks, start), &block))
		return false;
	return block.state == HC_BLOCK_IN_USE && !(block.label && hc_label_is_cache(block.label));
}

/* Whether the word at FROM is the end of the mapping below the gap. */
static bool is_end_of_mapping(
	const struct looking *looking, const struct place *place, hc_address from, hc_address value)
{
	unsigned size = looking->references->blocks->word;

	if (value != place->start)
		return false;
	for (unsigned i = 1; from && i <= WORDS_BEFORE; i++) {
		uint64_t word;

		if (hc_core_read_word(looking->references->core, from - i * size, &word) && word >= place->below &&
			word < value)
			return true;
	}
	return value % heap_max(size) == 0;
}

static bool counts(const struct looking *looking, const struct place *place, const struct slice *slice, hc_address from,
	hc_address value)
{
	if (place->why == HC_MISSING_UNKNOWN &&
		(value % looking->page || !(value << 32) || slice->where == IN_RUNTIME ||
			is_end_of_mapping(looking, place, from, value)))
		return false;
	return slice->where != IN_HEAP || is_live(looking->references, from);
}

static void add_sight(struct sight *sum, const struct sight *seen)
{
	if (!seen->pointers)
		return;
	sum->target = sum->pointers ? MIN(sum->target, seen->target) : seen->target;
	sum->from = sum->pointers ? MIN(sum->from, seen->from) : seen->from;
	sum->pointers += seen->pointers;
	sum->from_stacks += seen->from_stacks;
}

static void note_word(const struct looking *looking, struct sight *sights, const struct slice *slice, hc_address from,
	hc_address value)
{
	const struct place *place = find_place(looking, value);
	struct sight seen = { 1, slice->where == IN_STACK, value, from };

	if (place && counts(looking, place, slice, from, value))
		add_sight(&sights[place - (const struct place *)(const void *)looking->places->data], &seen);
}

/* The words of SIZE bytes at ADDRESS, of which hardly any lead to a place. */
static void look_at_words(const struct looking *looking, struct sight *sights, const struct slice *slice,
	hc_address address, const uint8_t *bytes, uint64_t size, hc_word_format format)
{
	const uint64_t rest = looking->only_pages ? looking->page - 1 : 0;
	/* Where the lowest one begins in the middle of a page, its beginning is as good. */
	const hc_address low = looking->low & ~rest;
	const hc_word_range range = { low, looking->high - low,
		looking->only_pages ? __builtin_ctzll(looking->page) : 0 };
	bool is_native = format.size == 8 && !format.swap;

	for (uint64_t i = 0; i + format.size <= size; i += HC_WORD_MASK * format.size) {
		unsigned count = MIN(HC_WORD_MASK, (size - i) / format.size);
		uint64_t near = is_native ? hc_words_in_range(bytes + i, count, range) :
					    ~(uint64_t)0 >> (HC_WORD_MASK - count);

		for (; near; near &= near - 1) {
			uint64_t at = i + __builtin_ctzll(near) * format.size;
			hc_address value = hc_load_word(bytes + at, format);

			if (value - looking->low < looking->high - looking->low && !(value & rest))
				note_word(looking, sights, slice, address + at, value);
		}
	}
}

static void look_at(const struct looking *looking, struct sight *sights, const struct slice *slice)
{
	const hc_core *core = looking->references->core;
	hc_word_format format = hc_core_word_format(core);
	hc_address at = slice->start, end;

	for (; hc_core_next_stretch(core, &at, slice->end, &end); at = end) {
		at = hc_align_up(at, format.size);
		while (at < end) {
			uint64_t available;
			const uint8_t *bytes = hc_core_bytes(core, at, &available);

			if (!bytes)
				break;
			/* Zeros lead to no place above 0. */
			bool skipped = hc_core_is_hole(core, bytes, MIN(available, end - at), &available) &&
				       looking->low;

			if (!skipped && format.size == 8 && !format.swap)
				look_at_words(
					looking, sights, slice, at, bytes, available, (hc_word_format){ 8, false });
			else if (!skipped)
				look_at_words(looking, sights, slice, at, bytes, available, format);
			at += MAX(hc_align_down(available, format.size), format.size);
		}
	}
}

static void work(void *data, unsigned worker)
{
	struct looking *looking = data;
	g_autofree struct sight *sights = g_new0(struct sight, looking->places->len);

	(void)worker;
	for (;;) {
		unsigned index = g_atomic_int_add(&looking->next, 1);

		if (index >= looking->slices->len)
			break;
		look_at(looking, sights, &g_array_index(looking->slices, struct slice, index));
	}
	g_mutex_lock(&looking->mutex);
	for (unsigned i = 0; i < looking->places->len; i++)
		add_sight(&looking->sights[i], &sights[i]);
	g_mutex_unlock(&looking->mutex);
}

static void look_at_registers(struct looking *looking)
{
	static const struct slice no_memory = { .where = IN_STACK };

	for (unsigned i = 0; i < hc_core_thread_count(looking->references->core); i++) {
		const hc_thread *thread = hc_core_thread(looking->references->core, i);

		for (unsigned k = 0; k < thread->register_count; k++)
			note_word(looking, looking->sights, &no_memory, 0, thread->registers[k]);
	}
}

static void add_slices(struct looking *looking, hc_address start, hc_address end, unsigned where)
{
	while (start < end) {
		struct slice slice = { start, start + MIN(SLICE, end - start), where };

		g_array_append_val(looking->slices, slice);
		start = slice.end;
	}
}

static bool is_runtime_file(const char *path)
{
	static const char *const names[] = { "libc.so", "libc-2.", "ld-linux", "ld-2.", "ld.so", "libpthread" };
	g_autofree char *name = path ? g_path_get_basename(path) : NULL;

	for (unsigned i = 0; name && i < G_N_ELEMENTS(names); i++)
		if (g_str_has_prefix(name, names[i]))
			return true;
	return false;
}

/* The numbers of the modules that are libc and the loader: of their data one piece at least has a file's name. */
static GHashTable *find_runtime(const hc_references *references)
{
	GHashTable *modules = g_hash_table_new(NULL, NULL);

	for (unsigned i = 0; i < hc_areas_count(references->areas); i++) {
		const hc_area *area = hc_areas_get(references->areas, i);

		if (area->kind == HC_AREA_MODULE_DATA && is_runtime_file(area->mapping->path))
			g_hash_table_add(modules, GUINT_TO_POINTER(area->owner));
	}
	return modules;
}

static unsigned where_is(const hc_root *root, GHashTable *runtime)
{
	if (root->kind == HC_AREA_STACK)
		return IN_STACK;
	return root->kind == HC_AREA_MODULE_DATA && g_hash_table_contains(runtime, GUINT_TO_POINTER(root->owner)) ?
		       IN_RUNTIME :
		       IN_DATA;
}

static void look(struct looking *looking, unsigned jobs)
{
	const hc_references *references = looking->references;
	g_autoptr(GHashTable) runtime = find_runtime(references);
	hc_address start = 0, end;

	for (unsigned i = 0; i < references->roots->len; i++) {
		const hc_root *root = &g_array_index(references->roots, hc_root, i);

		for (start = root->start; root->used && !root->registers &&
					  hc_core_next_stretch(references->core, &start, root->end, &end);
			start = end)
			add_slices(looking, start, end, where_is(root, runtime));
	}
	for (uint32_t i = 0; i < references->blocks->region_count; i++)
		for (start = references->blocks->regions[i].start;
			hc_core_next_stretch(references->core, &start, references->blocks->regions[i].end, &end);
			start = end)
			add_slices(looking, start, end, IN_HEAP);
	look_at_registers(looking);
	hc_parallel_run(MIN(hc_parallel_workers(jobs), 1 + looking->slices->len), work, looking);
}

/* ---- where to look ---- */

static void add_place(struct looking *looking, struct place place)
{
	struct place *last =
		looking->places->len ? &g_array_index(looking->places, struct place, looking->places->len - 1) : NULL;

	if (place.start >= place.end)
		return;
	looking->only_pages &= place.why == HC_MISSING_UNKNOWN;
	if (last && last->end == place.start && last->why == place.why && last->path == place.path)
		last->end = place.end;
	else
		g_array_append_val(looking->places, place);
}

/* Files that packages install are read, not written: their mappings are private, or might as well be. */
static bool is_installed(const char *path)
{
	static const char *const folders[] = { "/usr/", "/lib/", "/lib64/", "/etc/", "/opt/", "/var/cache/" };

	for (unsigned i = 0; i < G_N_ELEMENTS(folders); i++)
		if (g_str_has_prefix(path, folders[i]))
			return true;
	return false;
}

/* An area without bytes: may it have held pointers? */
static bool may_be_missing(const hc_area *area)
{
	const hc_mapping *mapping = area->mapping;

	if (mapping->bytes || mapping->source == HC_SOURCE_TRUNCATED)
		return false;
	if (area->kind == HC_AREA_SHARED)
		return true;
	if (area->kind == HC_AREA_FILE)
		return mapping->flags & HC_MAPPING_WRITE ||
		       (mapping->flags & HC_MAPPING_UNLISTED && !is_installed(mapping->path));
	return area->kind == HC_AREA_NOT_DUMPED && mapping->flags & HC_MAPPING_WRITE;
}

static void add_places(struct looking *looking)
{
	const hc_references *references = looking->references;
	const hc_process *process = hc_core_process(references->core);
	bool has_gaps = process->origin != HC_ORIGIN_KERNEL && process->origin != HC_ORIGIN_CAPTURE &&
			process->origin != HC_ORIGIN_LIVE;
	uint64_t reach = gap_reach(process->word_size);
	hc_address last_start = 0, last_end = 0;

	for (unsigned i = 0; i < hc_areas_count(references->areas); i++) {
		const hc_area *area = hc_areas_get(references->areas, i);
		hc_address next = process->vdso && area->start == process->vdso ? area->start - VVAR_REACH :
										  area->start;

		bool is_stack = process->initial_stack && area->mapping->start <= process->initial_stack &&
				process->initial_stack < area->mapping->end;

		if (has_gaps && last_end && next > last_end && !is_stack)
			add_place(looking, (struct place){ MAX(last_end, next - MIN(next, reach)), next,
						   HC_MISSING_UNKNOWN, NULL, last_start });
		if (may_be_missing(area))
			add_place(looking, (struct place){ area->start, area->end,
						   area->mapping->path ? HC_MISSING_SHARED : HC_MISSING_LEFT_OUT,
						   area->mapping->path, 0 });
		last_start = last_end == area->start ? MIN(last_start, area->start) : area->start;
		last_end = area->end;
	}
}

static void take_seen(hc_references *references, const struct looking *looking)
{
	uint64_t room = references->totals.directly_lost.blocks * references->blocks->word / ROOM_SHARE;

	for (unsigned i = 0; i < looking->places->len; i++) {
		const struct place *place = &g_array_index(looking->places, struct place, i);
		const struct sight *sight = &looking->sights[i];
		hc_missing missing = { place->start, place->end, place->why, keep(references, place->path),
			sight->pointers, sight->from };
		uint64_t least = 0;

		if (!sight->pointers)
			continue;
		if (place->why == HC_MISSING_UNKNOWN) {
			missing.start = sight->target;
			least = sight->pointers == sight->from_stacks ? MAX(room, STACK_ROOM) : room;
		}
		if (missing.end - missing.start >= least)
			g_array_append_val(references->missing, missing);
	}
}

static void add_from_words(hc_references *references, unsigned jobs)
{
	struct looking looking = {
		.references = references,
		.places = g_array_new(FALSE, FALSE, sizeof(struct place)),
		.slices = g_array_new(FALSE, FALSE, sizeof(struct slice)),
		.page = hc_core_process(references->core)->page_size,
		.only_pages = true,
	};

	add_places(&looking);
	if (looking.places->len) {
		looking.low = g_array_index(looking.places, struct place, 0).start;
		looking.high = g_array_index(looking.places, struct place, looking.places->len - 1).end;
		looking.sights = g_new0(struct sight, looking.places->len);
		g_mutex_init(&looking.mutex);
		look(&looking, jobs);
		take_seen(references, &looking);
		g_mutex_clear(&looking.mutex);
		g_free(looking.sights);
	}
	g_array_unref(looking.places);
	g_array_unref(looking.slices);
}

/* ---- all of it ---- */

/* What the core lacks and nothing looks lost for, is a note. */
static void note_left_out(const hc_references *references)
{
	for (unsigned i = 0; i < hc_areas_count(references->areas); i++) {
		const hc_area *area = hc_areas_get(references->areas, i);

		if (may_be_missing(area) && area->mapping->flags & HC_MAPPING_WRITE)
			hc_diagnostics_add(references->diagnostics,
				area->mapping->path ? &shared_missing : &anonymous_missing, area->end - area->start,
				"%#" PRIx64 " to %#" PRIx64, area->start, area->end);
	}
}

/* Cut off: what should be there is known to be memory. */
static void add_cut_off(hc_references *references)
{
	for (unsigned i = 0; i < hc_areas_count(references->areas); i++) {
		const hc_area *area = hc_areas_get(references->areas, i);
		hc_missing missing = { area->start, area->end, HC_MISSING_CUT, keep(references, area->mapping->path), 0,
			0 };

		if (area->mapping->source != HC_SOURCE_TRUNCATED || !(area->mapping->flags & HC_MAPPING_WRITE))
			continue;
		hc_diagnostics_add(references->diagnostics, &roots_missing, area->end - area->start,
			"%#" PRIx64 " to %#" PRIx64, area->start, area->end);
		if (references->totals.directly_lost.blocks)
			g_array_append_val(references->missing, missing);
	}
}

static int compare_missing(const void *a, const void *b)
{
	const hc_missing *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void tell(const hc_references *references)
{
	for (unsigned i = 0; i < references->missing->len; i++) {
		const hc_missing *missing = &g_array_index(references->missing, hc_missing, i);

		if (missing->why == HC_MISSING_CUT)
			continue;
		hc_diagnostics_add(references->diagnostics,
			missing->why == HC_MISSING_UNKNOWN ? &pointers_to_nowhere : &lost_is_bound,
			missing->why == HC_MISSING_UNKNOWN ? 0 : missing->end - missing->start,
			"%#" PRIx64 " to %#" PRIx64 ": %s", missing->start, missing->end,
			hc_missing_why_text(missing->why));
	}
}

void hc_references_find_missing(hc_references *references, unsigned jobs)
{
	g_autoptr(GArray) smaps = hc_core_read_smaps(references->core);

	add_cut_off(references);
	if (references->totals.directly_lost.blocks && smaps)
		add_from_smaps(references, smaps);
	else if (references->totals.directly_lost.blocks)
		add_from_words(references, jobs);
	g_array_sort(references->missing, compare_missing);
	if (!smaps && !references->missing->len)
		note_left_out(references);
	tell(references);
}

unsigned hc_references_missing_count(const hc_references *references)
{
	return references->missing->len;
}

bool hc_references_lost_is_bound(const hc_references *references)
{
	return references->missing->len > 0;
}

const hc_missing *hc_references_missing(const hc_references *references, unsigned index)
{
	return index < references->missing->len ? &g_array_index(references->missing, hc_missing, index) : NULL;
}
