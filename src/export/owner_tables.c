/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Types, owners, containers, lost groups: what blocks are counted in. */
#include "export/export_parts.h"

#include "wording/wording.h"

/* Keys are indices, from 1 on. */
const hc_export_column hc_type_columns[] = {
	{ "id", .kind = HC_COLUMN_KEY },
	{ "name", .kind = HC_COLUMN_TEXT },
	{ "certainty", .kind = HC_COLUMN_TEXT },
	{ "blocks", .kind = HC_COLUMN_NUMBER },
	{ "bytes", .kind = HC_COLUMN_NUMBER },
	{ "resident", .kind = HC_COLUMN_NUMBER },
	{ "path", .kind = HC_COLUMN_TEXT },
	{ "example", .kind = HC_COLUMN_ADDRESS },
	{ 0 },
};

bool hc_type_each(hc_table_source *source, hc_row_writer *writer, GError **error)
{
	const hc_types *types = hc_analysis_types(source->analysis);
	g_autoptr(hc_types_resident) resident = hc_types_find_resident(types);

	(void)error;
	for (unsigned i = 0; i < hc_types_row_count(types); i++) {
		const hc_type_row *row = hc_types_row(types, i);
		g_autofree char *label = hc_word_label(row->label);
		uint64_t bytes = hc_types_resident_of_row(resident, i);
		const hc_cell cells[] = {
			hc_cell_number(i + 1),
			hc_cell_text(label ? label : row->name),
			hc_cell_text(hc_certainty_name(row->certainty)),
			hc_cell_number(row->amount.blocks),
			hc_cell_number(row->amount.bytes),
			hc_cell_if(bytes != UINT64_MAX, bytes),
			hc_cell_text(row->path),
			hc_cell_if(row->example, row->example),
		};

		writer->write(writer, cells);
	}
	return true;
}

/* ---- owners ---- */

/* Keys are indices, from 1 on; behind the rows stand those of what no path holds, by hc_owner_kind. */
const hc_export_column hc_owner_columns[] = {
	{ "id", .kind = HC_COLUMN_KEY },
	{ "parent_id", .kind = HC_COLUMN_NUMBER, .of = "owners" },
	{ "level", .kind = HC_COLUMN_NUMBER },
	{ "kind", .kind = HC_COLUMN_TEXT },
	{ "path", .kind = HC_COLUMN_TEXT },
	{ "type", .kind = HC_COLUMN_TEXT },
	{ "place", .kind = HC_COLUMN_TEXT },
	{ "told_by", .kind = HC_COLUMN_TEXT },
	{ "certainty", .kind = HC_COLUMN_TEXT },
	{ "is_container", .kind = HC_COLUMN_FLAG },
	{ "blocks", .kind = HC_COLUMN_NUMBER },
	{ "bytes", .kind = HC_COLUMN_NUMBER },
	{ "own_blocks", .kind = HC_COLUMN_NUMBER },
	{ "own_bytes", .kind = HC_COLUMN_NUMBER },
	{ "resident", .kind = HC_COLUMN_NUMBER },
	{ "retained", .kind = HC_COLUMN_NUMBER },
	{ "outside", .kind = HC_COLUMN_NUMBER },
	{ "shared_blocks", .kind = HC_COLUMN_NUMBER },
	{ "shared_bytes", .kind = HC_COLUMN_NUMBER },
	{ "shared_with", .kind = HC_COLUMN_TEXT },
	{ 0 },
};

static void write_owner(const hc_table_source *source, hc_row_writer *writer, uint32_t index)
{
	const hc_owner_row *row = hc_ownership_row(source->ownership, index);
	g_autofree char *place = hc_word_where(&row->where, row->threads > 1 ? row->threads : 0);
	bool is_shared_known = !source->options->no_retained;
	const hc_cell cells[] = {
		hc_cell_number((uint64_t)index + 1),
		hc_cell_if(row->parent != HC_OWNER_NO_ROW, (uint64_t)row->parent + 1),
		hc_cell_number(row->level),
		hc_cell_text(hc_owner_kind_name(HC_OWNER_PATH)),
		hc_cell_text(row->text),
		hc_cell_text(row->type),
		hc_cell_text(place),
		hc_cell_text(hc_owner_basis_name(row->basis)),
		hc_cell_text(hc_certainty_name(row->certainty)),
		hc_cell_number(row->is_container),
		hc_cell_number(row->holds.blocks),
		hc_cell_number(row->holds.bytes),
		hc_cell_number(row->own.blocks),
		hc_cell_number(row->own.bytes),
		hc_cell_if(hc_core_knows_resident(hc_analysis_core(source->analysis)), row->resident),
		hc_cell_if(row->has_retained, row->retained),
		hc_cell_number(row->outside),
		hc_cell_if(is_shared_known, row->shared.amount.blocks),
		hc_cell_if(is_shared_known, row->shared.amount.bytes),
		hc_cell_text(row->shared.with),
	};

	writer->write(writer, cells);
}

static void write_other(const hc_table_source *source, hc_row_writer *writer, hc_owner_kind kind)
{
	hc_amount amount = hc_ownership_amount(source->ownership, kind);
	const hc_cell cells[G_N_ELEMENTS(hc_owner_columns)] = {
		[0] = hc_cell_number((uint64_t)hc_ownership_row_count(source->ownership) + kind),
		[2] = hc_cell_number(0),
		[3] = hc_cell_text(hc_owner_kind_name(kind)),
		[9] = hc_cell_number(false),
		[10] = hc_cell_number(amount.blocks),
		[11] = hc_cell_number(amount.bytes),
		[12] = hc_cell_number(amount.blocks),
		[13] = hc_cell_number(amount.bytes),
		[16] = hc_cell_number(0),
	};

	writer->write(writer, cells);
}

bool hc_owner_each(hc_table_source *source, hc_row_writer *writer, GError **error)
{
	const hc_ownership *ownership = hc_table_source_ownership(source, error);

	if (!ownership)
		return false;
	for (uint32_t i = 0; i < hc_ownership_row_count(ownership); i++)
		write_owner(source, writer, i);
	for (unsigned kind = HC_OWNER_PATH + 1; kind < HC_OWNER_KIND_COUNT; kind++)
		write_other(source, writer, (hc_owner_kind)kind);
	return true;
}

/* ---- containers ---- */

const hc_export_column hc_container_columns[] = {
	{ "id", .kind = HC_COLUMN_KEY },
	{ "path", .kind = HC_COLUMN_TEXT },
	{ "place", .kind = HC_COLUMN_TEXT },
	{ "type", .kind = HC_COLUMN_TEXT },
	{ "kind", .kind = HC_COLUMN_TEXT },
	{ "element_type", .kind = HC_COLUMN_TEXT },
	{ "certainty", .kind = HC_COLUMN_TEXT },
	{ "is_shape", .kind = HC_COLUMN_FLAG },
	{ "containers", .kind = HC_COLUMN_NUMBER },
	{ "elements", .kind = HC_COLUMN_NUMBER },
	{ "walked", .kind = HC_COLUMN_NUMBER },
	{ "capacity", .kind = HC_COLUMN_NUMBER },
	{ "own_blocks", .kind = HC_COLUMN_NUMBER },
	{ "own_bytes", .kind = HC_COLUMN_NUMBER },
	{ "element_bytes", .kind = HC_COLUMN_NUMBER },
	{ "below_blocks", .kind = HC_COLUMN_NUMBER },
	{ "below_bytes", .kind = HC_COLUMN_NUMBER },
	{ "resident", .kind = HC_COLUMN_NUMBER },
	{ "untouched", .kind = HC_COLUMN_NUMBER },
	{ "grade", .kind = HC_COLUMN_TEXT },
	{ "address", .kind = HC_COLUMN_ADDRESS },
	{ 0 },
};

bool hc_container_each(hc_table_source *source, hc_row_writer *writer, GError **error)
{
	const hc_types *types = hc_analysis_types(source->analysis);
	g_autoptr(hc_types_resident) resident = hc_types_find_resident(types);

	(void)error;
	for (unsigned i = 0; i < hc_types_container_count(types); i++) {
		const hc_container *container = hc_types_container(types, i);
		g_autofree char *place = hc_word_where(&container->where, 0);
		uint64_t bytes = hc_types_resident_of_container(resident, container);
		bool is_counted = !container->is_uncounted || container->elements;
		const hc_cell cells[] = {
			hc_cell_number(i + 1),
			hc_cell_text(container->path),
			hc_cell_text(place),
			hc_cell_text(container->type),
			hc_cell_text(container->kind),
			hc_cell_text(container->element),
			hc_cell_text(hc_certainty_name(container->certainty)),
			hc_cell_number(container->is_shape),
			hc_cell_number(container->count),
			hc_cell_if(is_counted, container->elements),
			hc_cell_number(container->walked),
			hc_cell_if(container->capacity != UINT64_MAX, container->capacity),
			hc_cell_number(container->own.blocks),
			hc_cell_number(container->own.bytes),
			hc_cell_number(container->elements_bytes),
			hc_cell_number(container->below.blocks),
			hc_cell_number(container->below.bytes),
			hc_cell_if(bytes != UINT64_MAX, bytes),
			hc_cell_number(container->untouched),
			hc_cell_text(hc_grade_name(container->grade)),
			hc_cell_number(container->address),
		};

		writer->write(writer, cells);
	}
	return true;
}

/* ---- what was lost ---- */

const hc_export_column hc_lost_columns[] = {
	{ "id", .kind = HC_COLUMN_KEY },
	{ "class", .kind = HC_COLUMN_TEXT },
	{ "type", .kind = HC_COLUMN_TEXT },
	{ "module", .kind = HC_COLUMN_TEXT },
	{ "beginning", .kind = HC_COLUMN_TEXT },
	{ "head_blocks", .kind = HC_COLUMN_NUMBER },
	{ "head_bytes", .kind = HC_COLUMN_NUMBER },
	{ "blocks", .kind = HC_COLUMN_NUMBER },
	{ "bytes", .kind = HC_COLUMN_NUMBER },
	{ "resident", .kind = HC_COLUMN_NUMBER },
	{ "example", .kind = HC_COLUMN_ADDRESS },
	{ 0 },
};

bool hc_lost_each(hc_table_source *source, hc_row_writer *writer, GError **error)
{
	const hc_leaks *leaks = hc_table_source_leaks(source, error);

	if (!leaks)
		return false;
	for (unsigned i = 0; i < hc_leaks_group_count(leaks); i++) {
		const hc_leak_group *group = hc_leaks_group(leaks, i);
		const hc_module *owner = hc_leak_group_owner(group);
		hc_amount amount = hc_leak_group_amount(group);
		const hc_cell cells[] = {
			hc_cell_number(i + 1),
			hc_cell_text(hc_leak_class_name(group->class)),
			hc_cell_text(group->type),
			hc_cell_text(owner ? owner->name : NULL),
			hc_cell_text(group->beginning),
			hc_cell_number(group->heads.blocks),
			hc_cell_number(group->heads.bytes),
			hc_cell_number(amount.blocks),
			hc_cell_number(amount.bytes),
			hc_cell_if(hc_core_knows_resident(hc_analysis_core(source->analysis)), group->resident),
			hc_cell_if(group->examples[0], group->examples[0]),
		};

		writer->write(writer, cells);
	}
	return true;
}
