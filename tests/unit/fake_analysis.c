/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake_analysis.h"

#include <stdlib.h>
#include <string.h>

/* As in findings/findings.h, which also shows the real stages' tables. */
void hc_findings_add(
	hc_findings *findings, const char *kind, uint64_t bytes, uint64_t blocks, char *text, char *command);

static const hc_diagnostic_kind missing_kind = { "fake-missing", HC_SEVERITY_PARTIAL, "of memory are missing" };
static const hc_diagnostic_kind note_kind = { "fake-note", HC_SEVERITY_NOTE, "things were seen" };

static const hc_block example_blocks[] = {
	{ 0, HC_BLOCK_IN_USE, 0x10010, 648, 656, 0, "libc: tcache of thread 8901" },
	{ 1, HC_BLOCK_IN_USE, 0x102a0, 24, 32, 0, NULL },
	{ 2, HC_BLOCK_TCACHE, 0x102c0, 40, 48, 0, NULL },
	{ 3, HC_BLOCK_IN_USE, 0x102f0, 40, 48, 0, NULL },
	{ 4, HC_BLOCK_LARGE, 0x10320, 2040, 2048, 0, NULL },
	{ 5, HC_BLOCK_TOP, 0x10b20, 5000, 5008, 0, NULL },
	{ 6, HC_BLOCK_FENCEPOST, 0x11ee0, 0, 16, 0, NULL },
	{ 7, HC_BLOCK_IN_USE, 0x20010, 100, 112, 1, NULL },
	{ 8, HC_BLOCK_IN_USE, 0x30010, 1048560, 1048576, HC_ARENA_NONE, NULL },
};

static const hc_reach example_reach[] = {
	HC_REACH_REACHABLE,
	HC_REACH_REACHABLE,
	HC_REACH_NONE,
	HC_REACH_DIRECTLY_LOST,
	HC_REACH_NONE,
	HC_REACH_NONE,
	HC_REACH_NONE,
	HC_REACH_INDIRECTLY_LOST,
	HC_REACH_REACHABLE,
};

static const uint8_t example_bytes[0x2000] = "\0";
static const unsigned example_threads[] = { 0, 1 };

static void fill_core(hc_core *core)
{
	core->path = "core.8901";
	core->size = 1 << 20;
	core->process = (hc_process){
		.name = "logic_worker",
		.arguments = "logic_worker -v",
		.executable = "/usr/bin/logic_worker",
		.pid = 8901,
		.origin = HC_ORIGIN_GCORE,
		.machine = "x86-64",
		.word_size = 8,
		.page_size = 4096,
	};
	core->thread_count = 2;
	core->threads[0] = (hc_thread){ .id = 8901, .stack_pointer = 0x7ff00100, .program_counter = 0x400100 };
	core->threads[1] =
		(hc_thread){ .id = 8902, .signal = 6, .stack_pointer = 0x7fe00100, .program_counter = 0x500100 };
	core->mapping_count = 2;
	core->mappings[0] = (hc_mapping){ 0x10000, 0x12000, 6, HC_SOURCE_CORE, example_bytes, NULL, 0, 0 };
	core->mappings[1] =
		(hc_mapping){ 0x400000, 0x401000, 5, HC_SOURCE_FILE, NULL, "/usr/bin/logic_worker", 0, 0x400000 };
}

static void fill_modules(hc_modules *modules)
{
	modules->count = 3;
	modules->list[0] = (hc_module){ .path = "/usr/bin/logic_worker",
		.name = "logic_worker",
		.start = 0x400000,
		.end = 0x401000,
		.build_id = "aa11",
		.state = HC_MODULE_AGREES,
		.file = "/usr/bin/logic_worker",
		.file_build_id = "aa11",
		.is_executable = true };
	modules->list[1] = (hc_module){ .path = "/usr/lib/libc.so.6",
		.name = "libc.so.6",
		.start = 0x500000,
		.end = 0x501000,
		.build_id = "bb22",
		.state = HC_MODULE_DIFFERS,
		.file = "/usr/lib/libc.so.6",
		.file_build_id = "cc33" };
	modules->list[2] = (hc_module){ .path = "", .name = "[vdso]", .state = HC_MODULE_MISSING, .is_vdso = true };
	modules->frame_count = 2;
	modules->frames[0] = (hc_frame){ 0x400100, 0x7ff00100, true };
	modules->frames[1] = (hc_frame){ 0x400200, 0x7ff00180, false };
	modules->debug_files[0] = "/usr/bin/logic_worker";
}

static void fill_blocks(hc_blocks *blocks)
{
	blocks->heap = (hc_heap_info){ .allocator = "glibc malloc",
		.version = "2.36",
		.layout = "debug info",
		.layout_from_debug_info = true,
		.safe_linking = true,
		.library = "libc.so.6",
		.found = true,
		.mmapped_count = 1,
		.mmapped_bytes = 1 << 20,
		.mmapped_known = true,
		.alignment = 16 };
	blocks->arena_count = 2;
	blocks->arenas[0] = (hc_arena){ 0, 0x5000a0, true, 8192, 16384, 0x10b10, 1, 1, &example_threads[0], 1, true };
	blocks->arenas[1] = (hc_arena){ 1, 0x20000, false, 4096, 4096, 0x20080, 1, 1, &example_threads[1], 1, false };
	blocks->count = G_N_ELEMENTS(example_blocks);
	blocks->list = g_memdup2(example_blocks, sizeof example_blocks);
	blocks->pages = (hc_free_pages){ .whole = 4096, .trim = 4096, .largest = 5008 };
}

static void fill_areas(hc_analysis *fake)
{
	fake->areas.count = 3;
	fake->areas.list[0] = (hc_area){ 0x10000, 0x12000, HC_AREA_HEAP, &fake->core.mappings[0], UINT_MAX, NULL };
	fake->areas.list[1] = (hc_area){ 0x400000, 0x401000, HC_AREA_FILE, &fake->core.mappings[1], UINT_MAX, NULL };
	fake->areas.list[2] = (hc_area){ 0x7ff00100, 0x7ff01100, HC_AREA_STACK, NULL, 0, NULL };
}

static void fill_memory(hc_memory *memory)
{
	memory->count = 5;
	memory->rows[0] = (hc_memory_row){ "in-use", "in use by the program", 1048724, 4, "blocks", NULL, true, NULL };
	memory->rows[1] = (hc_memory_row){ "lost", "of which lost: nothing points to it", 140, 2, "blocks", "in-use",
		true, (char *)"2 sizes" };
	memory->rows[2] =
		(hc_memory_row){ "free-top", "free, kept by malloc: top", 5008, 1, "blocks", NULL, true, NULL };
	memory->rows[3] = (hc_memory_row){ "files", "files, read-only", 4096, 1, "mappings", NULL, true, NULL };
	memory->rows[4] = (hc_memory_row){ "reserved", "reserved, never memory", 65536, 0, NULL, NULL, false, NULL };
}

hc_analysis *fake_create(void)
{
	hc_analysis *fake = g_new0(hc_analysis, 1);

	fill_core(&fake->core);
	fill_modules(&fake->modules);
	fill_blocks(&fake->blocks);
	fill_areas(fake);
	fill_memory(&fake->memory);
	fake->references.blocks = &fake->blocks;
	fake->references.reach = g_memdup2(example_reach, sizeof example_reach);
	fake->references.totals =
		(hc_references_totals){ { 3, 1049232 }, { 1, 40 }, { 1, 100 }, { 0, 0 }, { 0, 0 }, { 0, 0 }, 4096, 1000, 10, 0 };
	fake->references.root_count = 3;
	fake->references.roots[0] =
		(hc_root){ .owner = 0, .kind = HC_AREA_STACK, .registers = true, .used = true, .reason = "registers" };
	fake->references.roots[1] = (hc_root){ 0x7ff00100, 0x7ff01100, HC_AREA_STACK, 0, false, true, "frames" };
	fake->references.roots[2] = (hc_root){ 0x400000, 0x401000, HC_AREA_FILE, UINT_MAX, false, false, "read-only" };
	fake->references.reference_count = 1;
	fake->references.references[0] = (hc_reference){ 0x102a8, 0x102f4, 0, 1, HC_REGISTER_NONE, NULL };
	hc_findings_add(&fake->findings, "lost", 140, 2, g_strdup("2 blocks that nothing points to"),
		g_strdup("chunks CORE --lost"));
	fake->diagnostics = hc_diagnostics_create();
	hc_diagnostics_add(fake->diagnostics, &missing_kind, 4096, "page %s", "0x1000");
	hc_diagnostics_add(fake->diagnostics, &note_kind, 0, NULL);
	return fake;
}

void fake_destroy(hc_analysis *fake)
{
	for (unsigned i = 0; i < fake->findings.count; i++) {
		g_free(fake->findings.list[i].text);
		g_free(fake->findings.list[i].command);
	}
	hc_diagnostics_destroy(fake->diagnostics);
	g_free(fake->blocks.list);
	g_free(fake->references.reach);
	g_free(fake);
}

/* <heapcore/analysis.h> */

const hc_core *hc_analysis_core(const hc_analysis *analysis)
{
	return &analysis->core;
}

hc_modules *hc_analysis_modules(const hc_analysis *analysis)
{
	return (hc_modules *)&analysis->modules;
}

const hc_blocks *hc_analysis_blocks(const hc_analysis *analysis)
{
	return &analysis->blocks;
}

const hc_areas *hc_analysis_areas(const hc_analysis *analysis)
{
	return &analysis->areas;
}

const hc_references *hc_analysis_references(const hc_analysis *analysis)
{
	return &analysis->references;
}

const hc_memory *hc_analysis_memory(const hc_analysis *analysis)
{
	return &analysis->memory;
}

const hc_findings *hc_analysis_findings(const hc_analysis *analysis)
{
	return &analysis->findings;
}

const hc_diagnostics *hc_analysis_diagnostics(const hc_analysis *analysis)
{
	return analysis->diagnostics;
}

double hc_analysis_seconds(const hc_analysis *analysis, hc_stage stage)
{
	(void)analysis;
	return stage / 8.0;
}

const char *hc_stage_name(hc_stage stage)
{
	(void)stage;
	return "a stage";
}

/* <heapcore/core.h> */

const char *hc_core_path(const hc_core *core)
{
	return core->path;
}

uint64_t hc_core_file_size(const hc_core *core)
{
	return core->size;
}

const hc_process *hc_core_process(const hc_core *core)
{
	return &core->process;
}

unsigned hc_core_thread_count(const hc_core *core)
{
	return core->thread_count;
}

const hc_thread *hc_core_thread(const hc_core *core, unsigned index)
{
	return &core->threads[index];
}

const hc_mapping *hc_core_find_mapping(const hc_core *core, hc_address address)
{
	for (unsigned i = 0; i < core->mapping_count; i++) {
		if (address >= core->mappings[i].start && address < core->mappings[i].end)
			return &core->mappings[i];
	}
	return NULL;
}

const uint8_t *hc_core_bytes(const hc_core *core, hc_address address, uint64_t *available)
{
	const hc_mapping *mapping = hc_core_find_mapping(core, address);

	if (!mapping || !mapping->bytes)
		return NULL;
	*available = mapping->end - address;
	return mapping->bytes + (address - mapping->start);
}

bool hc_core_read_word(const hc_core *core, hc_address address, uint64_t *ret_value)
{
	uint64_t available;
	const uint8_t *bytes = hc_core_bytes(core, address, &available);

	if (!bytes || available < sizeof *ret_value)
		return false;
	memcpy(ret_value, bytes, sizeof *ret_value);
	return true;
}

const char *hc_core_why_missing(const hc_core *core, hc_address address)
{
	(void)core;
	(void)address;
	return "mapped, but not dumped";
}

/* <heapcore/modules.h> */

unsigned hc_modules_count(const hc_modules *modules)
{
	return modules->count;
}

const hc_module *hc_modules_get(const hc_modules *modules, unsigned index)
{
	return &modules->list[index];
}

const hc_module *hc_modules_find(const hc_modules *modules, hc_address address)
{
	for (unsigned i = 0; i < modules->count; i++) {
		if (address >= modules->list[i].start && address < modules->list[i].end)
			return &modules->list[i];
	}
	return NULL;
}

const char *hc_module_debug_file(hc_modules *modules, const hc_module *module)
{
	return modules->debug_files[module - modules->list];
}

char *hc_modules_describe(hc_modules *modules, hc_address address)
{
	const hc_module *module = hc_modules_find(modules, address);

	return module ? g_strdup_printf("%s+0x%x", module->name, (unsigned)(address - module->start)) : NULL;
}

const hc_frame *hc_modules_frames(hc_modules *modules, unsigned thread_index, unsigned *ret_count)
{
	*ret_count = thread_index ? 0 : modules->frame_count;
	return *ret_count ? modules->frames : NULL;
}

char *hc_modules_describe_frame(hc_modules *modules, const hc_frame *frame)
{
	return hc_modules_describe(modules, frame->program_counter);
}

/* <heapcore/blocks.h> */

static const char *const state_names[] = {
	"in use",
	"tcache",
	"fastbin",
	"unsorted",
	"small",
	"large",
	"top",
	"unlisted",
	"fencepost",
	"foreign",
	"unreadable",
};

const char *hc_block_state_name(hc_block_state state)
{
	return state_names[state];
}

const hc_heap_info *hc_blocks_heap(const hc_blocks *blocks)
{
	return &blocks->heap;
}

unsigned hc_blocks_arena_count(const hc_blocks *blocks)
{
	return blocks->arena_count;
}

const hc_arena *hc_blocks_arena(const hc_blocks *blocks, unsigned index)
{
	return &blocks->arenas[index];
}

uint32_t hc_blocks_count(const hc_blocks *blocks)
{
	return blocks->count;
}

bool hc_blocks_get(const hc_blocks *blocks, uint32_t number, hc_block *ret_block)
{
	if (number >= blocks->count)
		return false;
	*ret_block = blocks->list[number];
	return true;
}

bool hc_blocks_find(const hc_blocks *blocks, hc_address address, hc_block *ret_block)
{
	for (uint32_t i = 0; i < blocks->count; i++) {
		*ret_block = blocks->list[i];
		if (address >= ret_block->address && address < ret_block->address + ret_block->size)
			return true;
	}
	return false;
}

/* ---- types: of block 3 one is known, with what a hostile core could have in it ---- */

const hc_types *hc_analysis_types(const hc_analysis *analysis)
{
	return (const hc_types *)analysis;
}

bool hc_types_of_block(const hc_types *types, uint32_t number, hc_block_type *ret_type)
{
	(void)types;
	if (number != 3)
		return false;
	*ret_type = (hc_block_type){
		.name = g_strdup("session\033[2J"), .certainty = HC_CERTAINTY_DEDUCED, .path = g_strdup("g_sessions[]")
	};
	return true;
}

void hc_block_type_clear(hc_block_type *type)
{
	g_clear_pointer(&type->name, g_free);
	g_clear_pointer(&type->path, g_free);
}

const char *hc_certainty_name(hc_certainty certainty)
{
	return certainty == HC_CERTAINTY_DEDUCED ? "deduced" : "certain";
}

void hc_block_iterator_init(hc_block_iterator *iterator, const hc_blocks *blocks)
{
	*iterator = (hc_block_iterator){ .blocks = blocks };
}

bool hc_block_iterator_next(hc_block_iterator *iterator, hc_block *ret_block)
{
	return hc_blocks_get(iterator->blocks, iterator->number++, ret_block);
}

static bool in_arena(const hc_block *block, uint32_t arena)
{
	return arena == HC_ARENA_ALL || block->arena == arena;
}

hc_amount hc_blocks_amount(const hc_blocks *blocks, uint32_t arena, hc_block_state state)
{
	hc_amount amount = { 0 };

	for (uint32_t i = 0; i < blocks->count; i++) {
		const hc_block *block = &blocks->list[i];

		if (block->state != state || !in_arena(block, arena))
			continue;
		amount.blocks++;
		amount.bytes += state == HC_BLOCK_IN_USE ? block->size : block->chunk_size;
	}
	return amount;
}

hc_amount hc_blocks_labelled(const hc_blocks *blocks, uint32_t arena)
{
	hc_amount amount = { 0 };

	for (uint32_t i = 0; i < blocks->count; i++) {
		const hc_block *block = &blocks->list[i];

		if (!block->label || !in_arena(block, arena))
			continue;
		amount.blocks++;
		amount.bytes += block->size;
	}
	return amount;
}

void hc_blocks_free_pages(const hc_blocks *blocks, uint32_t arena, hc_free_pages *ret_pages)
{
	(void)arena;
	*ret_pages = blocks->pages;
}

/* <heapcore/areas.h> */

const char *hc_area_kind_name(hc_area_kind kind)
{
	return kind == HC_AREA_HEAP ? "heap" : kind == HC_AREA_STACK ? "stack" : "file";
}

unsigned hc_areas_count(const hc_areas *areas)
{
	return areas->count;
}

const hc_area *hc_areas_get(const hc_areas *areas, unsigned index)
{
	return &areas->list[index];
}

const hc_area *hc_areas_find(const hc_areas *areas, hc_address address)
{
	for (unsigned i = 0; i < areas->count; i++) {
		if (address >= areas->list[i].start && address < areas->list[i].end)
			return &areas->list[i];
	}
	return NULL;
}

uint64_t hc_areas_total(const hc_areas *areas)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < areas->count; i++)
		total += areas->list[i].end - areas->list[i].start;
	return total;
}

/* <heapcore/references.h> */

const char *hc_reach_name(hc_reach reach)
{
	static const char *const names[] = { "", "reachable", "directly lost", "indirectly lost" };

	return names[reach];
}

char *hc_references_inner_text(const hc_references *references)
{
	return references->totals.held_inside.blocks ? g_strdup("headers of 24 bytes") : NULL;
}

char *hc_references_encodings_text(const hc_references *references)
{
	return references->totals.encoded.blocks ? g_strdup("tag in bits 48-63") : NULL;
}

const hc_references_totals *hc_references_get_totals(const hc_references *references)
{
	return &references->totals;
}

hc_reach hc_references_reach(const hc_references *references, uint32_t block_number)
{
	return references->reach ? references->reach[block_number] : HC_REACH_NONE;
}

bool hc_references_next_lost(
	const hc_references *references, uint32_t *number, hc_block *ret_block, hc_reach *ret_reach)
{
	if (!references->reach)
		return false;
	for (; hc_blocks_get(references->blocks, *number, ret_block); ++*number) {
		*ret_reach = references->reach[*number];
		if (*ret_reach == HC_REACH_DIRECTLY_LOST || *ret_reach == HC_REACH_INDIRECTLY_LOST) {
			++*number;
			return true;
		}
	}
	return false;
}

unsigned hc_references_to(const hc_references *references, uint32_t number, unsigned limit,
	hc_reference **ret_references, uint64_t *ret_total)
{
	(void)number;
	*ret_references = g_memdup2(references->references, sizeof references->references);
	*ret_total = references->reference_count;
	return MIN(limit, references->reference_count);
}

unsigned hc_references_missing_count(const hc_references *references)
{
	(void)references;
	return 0;
}

const hc_missing *hc_references_missing(const hc_references *references, unsigned index)
{
	(void)references;
	(void)index;
	return NULL;
}

const char *hc_missing_why_text(hc_missing_why why)
{
	(void)why;
	return "";
}

const char *hc_missing_why_name(hc_missing_why why)
{
	(void)why;
	return "";
}

unsigned hc_references_root_count(const hc_references *references)
{
	return references->root_count;
}

const hc_root *hc_references_root(const hc_references *references, unsigned index)
{
	return &references->roots[index];
}

/* One path: the references in a row, the first from a root. */
struct hc_paths {
	const hc_references *references;
	uint32_t number;
};

hc_paths *hc_paths_find(const hc_references *references, uint32_t number, unsigned limit, GError **error)
{
	hc_paths *paths = g_new0(hc_paths, 1);

	(void)limit;
	(void)error;
	paths->references = references;
	paths->number = number;
	return paths;
}

void hc_paths_destroy(hc_paths *paths)
{
	g_free(paths);
}

unsigned hc_paths_count(const hc_paths *paths)
{
	return paths->references->path_length > 0;
}

hc_path_start hc_paths_start(const hc_paths *paths, unsigned index)
{
	(void)index;
	return paths->references->path_start;
}

uint32_t hc_paths_length(const hc_paths *paths, unsigned index)
{
	(void)index;
	return paths->references->path_length;
}

/* All blocks of it are the one that was asked for. */
bool hc_paths_step(const hc_paths *paths, unsigned index, uint32_t step, hc_path_step *ret_step)
{
	(void)index;
	*ret_step = (hc_path_step){ .has_reference = step || paths->references->path_start == HC_PATH_ROOT };
	ret_step->reference = step ? paths->references->references[0] :
				     (hc_reference){ 0, 0x102f0, 8901, UINT32_MAX, 5, NULL };
	return hc_blocks_get(paths->references->blocks, paths->number, &ret_step->block);
}

/* <heapcore/places.h> */

const char *hc_place_kind_name(hc_place_kind kind)
{
	return kind == HC_PLACE_REGISTER ? "register" : kind == HC_PLACE_BLOCK ? "block" : "mapping";
}

void hc_place_find(const hc_place_sources *sources, hc_address address, hc_place *ret_place)
{
	*ret_place = (hc_place){ .kind = HC_PLACE_MAPPING, .address = address, .frame = -1 };
	if (hc_blocks_find(sources->blocks, address, &ret_place->block)) {
		ret_place->kind = HC_PLACE_BLOCK;
		ret_place->in_block = true;
		ret_place->name = g_strdup_printf("block %#x+%u", (unsigned)ret_place->block.address,
			(unsigned)(address - ret_place->block.address));
		return;
	}
	ret_place->name = hc_modules_describe(sources->modules, address);
	if (!ret_place->name)
		ret_place->kind = HC_PLACE_UNMAPPED;
}

void hc_place_of_reference(const hc_place_sources *sources, const hc_reference *reference, hc_place *ret_place)
{
	if (reference->from) {
		hc_place_find(sources, reference->from, ret_place);
		return;
	}
	*ret_place = (hc_place){ .kind = HC_PLACE_REGISTER, .thread_id = reference->thread_id, .frame = -1 };
	ret_place->name = g_strdup_printf("rbx of thread %d", (int)reference->thread_id);
}

void hc_place_clear(hc_place *place)
{
	g_clear_pointer(&place->name, g_free);
}

/* <heapcore/memory.h> */

uint64_t hc_memory_total(const hc_memory *memory)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < memory->count; i++)
		total += memory->rows[i].of ? 0 : memory->rows[i].bytes;
	return total;
}

unsigned hc_memory_row_count(const hc_memory *memory)
{
	return memory->count;
}

const hc_memory_row *hc_memory_row_get(const hc_memory *memory, unsigned index)
{
	return &memory->rows[index];
}

const hc_memory_row *hc_memory_row_find(const hc_memory *memory, const char *id)
{
	for (unsigned i = 0; i < memory->count; i++) {
		if (!strcmp(memory->rows[i].id, id))
			return &memory->rows[i];
	}
	return NULL;
}

/* <heapcore/findings.h> and findings/findings.h */

unsigned hc_findings_count(const hc_findings *findings)
{
	return findings->count;
}

const hc_finding *hc_findings_get(const hc_findings *findings, unsigned index)
{
	return &findings->list[index];
}

void hc_findings_add(
	hc_findings *findings, const char *kind, uint64_t bytes, uint64_t blocks, char *text, char *command)
{
	g_assert(findings->count < FAKE_LIMIT);
	findings->list[findings->count++] = (hc_finding){ kind, bytes, blocks, text, command };
}
