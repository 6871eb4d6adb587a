/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process as a whole, and its address space. */
#include "export/export_parts.h"

const hc_export_column hc_process_columns[] = {
	{ "name", .kind = HC_COLUMN_TEXT },
	{ "pid", .kind = HC_COLUMN_NUMBER },
	{ "executable", .kind = HC_COLUMN_TEXT },
	{ "build_id", .kind = HC_COLUMN_TEXT },
	{ "core", .kind = HC_COLUMN_TEXT },
	{ "machine", .kind = HC_COLUMN_TEXT },
	{ "word_size", .kind = HC_COLUMN_NUMBER },
	{ "page_size", .kind = HC_COLUMN_NUMBER },
	{ "threads", .kind = HC_COLUMN_NUMBER },
	{ "mapped_bytes", .kind = HC_COLUMN_NUMBER },
	{ "resident_bytes", .kind = HC_COLUMN_NUMBER },
	{ "in_use_blocks", .kind = HC_COLUMN_NUMBER },
	{ "in_use_bytes", .kind = HC_COLUMN_NUMBER },
	{ "free_bytes", .kind = HC_COLUMN_NUMBER },
	{ "is_partial", .kind = HC_COLUMN_FLAG },
	{ "heapcore", .kind = HC_COLUMN_TEXT },
	{ 0 },
};

static const hc_module *executable_of(const hc_analysis *analysis)
{
	const hc_modules *modules = hc_analysis_modules(analysis);

	for (unsigned i = 0; i < hc_modules_count(modules); i++)
		if (hc_modules_get(modules, i)->is_executable)
			return hc_modules_get(modules, i);
	return NULL;
}

bool hc_process_each(hc_table_source *source, hc_row_writer *writer, GError **error)
{
	const hc_analysis *analysis = source->analysis;
	const hc_core *core = hc_analysis_core(analysis);
	const hc_process *process = hc_core_process(core);
	const hc_blocks *blocks = hc_analysis_blocks(analysis);
	const hc_memory *memory = hc_analysis_memory(analysis);
	const hc_module *executable = executable_of(analysis);
	hc_amount in_use = hc_blocks_amount(blocks, HC_ARENA_ALL, HC_BLOCK_IN_USE);
	const hc_cell cells[] = {
		hc_cell_text(process->name),
		hc_cell_if(process->pid, (uint64_t)process->pid),
		hc_cell_text(process->executable),
		hc_cell_text(executable ? executable->build_id : NULL),
		hc_cell_text(hc_core_name(core)),
		hc_cell_text(process->machine),
		hc_cell_number(process->word_size),
		hc_cell_number(process->page_size),
		hc_cell_number(hc_core_thread_count(core)),
		hc_cell_number(hc_memory_total(memory)),
		hc_cell_if(hc_memory_knows_resident(memory), hc_memory_resident(memory).resident),
		hc_cell_number(in_use.blocks),
		hc_cell_number(in_use.bytes),
		hc_cell_number(hc_blocks_free_amount(blocks, HC_ARENA_ALL).bytes),
		hc_cell_number(hc_diagnostics_partial(hc_analysis_diagnostics(analysis))),
		hc_cell_text(hc_version()),
	};

	(void)error;
	writer->write(writer, cells);
	return true;
}

const hc_export_column hc_memory_columns[] = {
	{ "name", .kind = HC_COLUMN_TEXT },
	{ "part_of", .kind = HC_COLUMN_TEXT },
	{ "bytes", .kind = HC_COLUMN_NUMBER },
	{ "resident", .kind = HC_COLUMN_NUMBER },
	{ "swapped", .kind = HC_COLUMN_NUMBER },
	{ "proportional", .kind = HC_COLUMN_NUMBER },
	{ "number", .kind = HC_COLUMN_NUMBER },
	{ "unit", .kind = HC_COLUMN_TEXT },
	{ "is_memory", .kind = HC_COLUMN_FLAG },
	{ "is_bound", .kind = HC_COLUMN_FLAG },
	{ 0 },
};

bool hc_memory_each(hc_table_source *source, hc_row_writer *writer, GError **error)
{
	const hc_memory *memory = hc_analysis_memory(source->analysis);

	(void)error;
	for (unsigned i = 0; i < hc_memory_row_count(memory); i++) {
		const hc_memory_row *row = hc_memory_row_get(memory, i);
		const hc_cell cells[] = {
			hc_cell_text(hc_row_name(row->id)),
			hc_cell_text(row->of ? hc_row_name(row->of) : NULL),
			hc_cell_number(row->bytes),
			hc_cell_if(row->knows_resident, row->resident.resident),
			hc_cell_if(row->knows_resident, row->resident.swapped),
			hc_cell_if(row->proportional != UINT64_MAX, row->proportional),
			hc_cell_if(row->unit, row->count),
			hc_cell_text(row->unit),
			hc_cell_number(row->is_memory),
			hc_cell_number(row->is_bound),
		};

		writer->write(writer, cells);
	}
	return true;
}

/* ---- the address space ---- */

static const char *source_name(hc_source source)
{
	static const char *const names[] = {
		[HC_SOURCE_CORE] = "core",
		[HC_SOURCE_FILE] = "file",
		[HC_SOURCE_NONE] = "none",
		[HC_SOURCE_TRUNCATED] = "truncated",
	};

	return names[source];
}

static void spell_protection(char text[4], unsigned flags)
{
	static const struct {
		unsigned flag;
		char letter;
	} letters[] = { { HC_MAPPING_READ, 'r' }, { HC_MAPPING_WRITE, 'w' }, { HC_MAPPING_EXECUTE, 'x' } };

	for (unsigned i = 0; i < G_N_ELEMENTS(letters); i++)
		text[i] = flags & letters[i].flag ? letters[i].letter : '-';
	text[G_N_ELEMENTS(letters)] = '\0';
}

static bool is_stack(hc_area_kind kind)
{
	return kind == HC_AREA_STACK || kind == HC_AREA_STACK_UNUSED;
}

/* Whose something of KIND is: the index OWNER is of a thread, or of a module. */
static hc_cell thread_cell(const hc_analysis *analysis, bool is_of_thread, unsigned owner)
{
	const hc_core *core = hc_analysis_core(analysis);

	return is_of_thread && owner < hc_core_thread_count(core) ?
		       hc_cell_number((uint64_t)hc_core_thread(core, owner)->id) :
		       hc_cell_none();
}

static hc_cell module_cell(const hc_analysis *analysis, hc_area_kind kind, unsigned owner)
{
	const hc_modules *modules = hc_analysis_modules(analysis);

	return kind == HC_AREA_MODULE_DATA && owner < hc_modules_count(modules) ?
		       hc_cell_text(hc_modules_get(modules, owner)->path) :
		       hc_cell_none();
}

const hc_export_column hc_mapping_columns[] = {
	{ "start_address", .kind = HC_COLUMN_KEY_ADDRESS },
	{ "end_address", .kind = HC_COLUMN_ADDRESS },
	{ "bytes", .kind = HC_COLUMN_NUMBER },
	{ "kind", .kind = HC_COLUMN_TEXT },
	{ "resident", .kind = HC_COLUMN_NUMBER },
	{ "swapped", .kind = HC_COLUMN_NUMBER },
	{ "protection", .kind = HC_COLUMN_TEXT },
	{ "source", .kind = HC_COLUMN_TEXT },
	{ "path", .kind = HC_COLUMN_TEXT },
	{ "file_offset", .kind = HC_COLUMN_NUMBER },
	{ "thread", .kind = HC_COLUMN_NUMBER },
	{ "module", .kind = HC_COLUMN_TEXT },
	{ "runtime", .kind = HC_COLUMN_TEXT },
	{ 0 },
};

bool hc_mapping_each(hc_table_source *source, hc_row_writer *writer, GError **error)
{
	const hc_areas *areas = hc_analysis_areas(source->analysis);
	const hc_core *core = hc_analysis_core(source->analysis);
	bool knows_resident = hc_core_knows_resident(core);

	(void)error;
	for (unsigned i = 0; i < hc_areas_count(areas); i++) {
		const hc_area *area = hc_areas_get(areas, i);
		const hc_mapping *mapping = area->mapping;
		const char *path = mapping ? mapping->path : NULL;
		hc_resident resident = hc_core_resident(core, area->start, area->end);
		char protection[4];

		spell_protection(protection, mapping ? mapping->flags : 0);
		const hc_cell cells[] = {
			hc_cell_number(area->start),
			hc_cell_number(area->end),
			hc_cell_number(area->end - area->start),
			hc_cell_text(hc_area_kind_name(area->kind)),
			hc_cell_if(knows_resident, resident.resident),
			hc_cell_if(knows_resident, resident.swapped),
			hc_cell_text(!mapping				  ? NULL :
				     mapping->flags & HC_MAPPING_UNLISTED ? "?" :
									    protection),
			hc_cell_text(mapping ? source_name(mapping->source) : NULL),
			hc_cell_text(path),
			hc_cell_if(path, path ? mapping->path_offset + (area->start - mapping->start) : 0),
			thread_cell(source->analysis, is_stack(area->kind), area->owner),
			module_cell(source->analysis, area->kind, area->owner),
			hc_cell_text(
				area->runtime.name ? area->runtime.name : hc_runtime_kind_name(area->runtime.kind)),
		};

		writer->write(writer, cells);
	}
	return true;
}

const hc_export_column hc_module_columns[] = {
	{ "path", .kind = HC_COLUMN_TEXT },
	{ "name", .kind = HC_COLUMN_TEXT },
	{ "build_id", .kind = HC_COLUMN_TEXT },
	{ "start_address", .kind = HC_COLUMN_ADDRESS },
	{ "end_address", .kind = HC_COLUMN_ADDRESS },
	{ "is_executable", .kind = HC_COLUMN_FLAG },
	{ 0 },
};

bool hc_module_each(hc_table_source *source, hc_row_writer *writer, GError **error)
{
	const hc_modules *modules = hc_analysis_modules(source->analysis);

	(void)error;
	for (unsigned i = 0; i < hc_modules_count(modules); i++) {
		const hc_module *module = hc_modules_get(modules, i);
		const hc_cell cells[] = {
			hc_cell_text(module->path),
			hc_cell_text(module->name),
			hc_cell_text(module->build_id),
			hc_cell_number(module->start),
			hc_cell_number(module->end),
			hc_cell_number(module->is_executable),
		};

		writer->write(writer, cells);
	}
	return true;
}

/* Keys are indices, from 1 on. */
const hc_export_column hc_root_columns[] = {
	{ "id", .kind = HC_COLUMN_KEY },
	{ "kind", .kind = HC_COLUMN_TEXT },
	{ "start_address", .kind = HC_COLUMN_ADDRESS },
	{ "end_address", .kind = HC_COLUMN_ADDRESS },
	{ "bytes", .kind = HC_COLUMN_NUMBER },
	{ "is_used", .kind = HC_COLUMN_FLAG },
	{ "why", .kind = HC_COLUMN_TEXT },
	{ "thread", .kind = HC_COLUMN_NUMBER },
	{ "module", .kind = HC_COLUMN_TEXT },
	{ 0 },
};

bool hc_root_each(hc_table_source *source, hc_row_writer *writer, GError **error)
{
	const hc_references *references = hc_analysis_references(source->analysis);

	(void)error;
	for (unsigned i = 0; i < hc_references_root_count(references); i++) {
		const hc_root *root = hc_references_root(references, i);
		bool is_memory = !root->registers;
		const hc_cell cells[] = {
			hc_cell_number(i + 1),
			hc_cell_text(is_memory ? hc_area_kind_name(root->kind) : "registers"),
			hc_cell_if(is_memory, root->start),
			hc_cell_if(is_memory, root->end),
			hc_cell_if(is_memory, root->end - root->start),
			hc_cell_number(root->used),
			hc_cell_text(hc_root_reason_name(root->reason)),
			thread_cell(source->analysis, root->registers || is_stack(root->kind), root->owner),
			is_memory ? module_cell(source->analysis, root->kind, root->owner) : hc_cell_none(),
		};

		writer->write(writer, cells);
	}
	return true;
}
