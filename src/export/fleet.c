/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows of snapshots, for a database with those of many processes over weeks: docs/fleet.md. Each row says whose it is, so that files of any number
 * of snapshots can be loaded into one table, in any order.
 *
 * A row is what the snapshot counts apart: a row of the memory table, a path that holds something (of containers with elements), a kind of
 * lost blocks. `own_bytes` of owners, containers and lost kinds are disjoint; `bytes` of a path has those of paths below it.
 */
#include "export/export_parts.h"

#include <string.h>

const hc_export_column hc_fleet_columns[] = {
	{ "host", .kind = HC_COLUMN_TEXT },
	{ "program", .kind = HC_COLUMN_TEXT },
	{ "build_id", .kind = HC_COLUMN_TEXT },
	{ "pid", .kind = HC_COLUMN_NUMBER },
	{ "execution", .kind = HC_COLUMN_TEXT },
	{ "taken", .kind = HC_COLUMN_TEXT },
	{ "labels", .kind = HC_COLUMN_TEXT },
	{ "kind", .kind = HC_COLUMN_TEXT },
	{ "name", .kind = HC_COLUMN_TEXT },
	{ "parent", .kind = HC_COLUMN_TEXT },
	{ "type", .kind = HC_COLUMN_TEXT },
	{ "module", .kind = HC_COLUMN_TEXT },
	{ "is_memory", .kind = HC_COLUMN_FLAG },
	{ "bytes", .kind = HC_COLUMN_NUMBER },
	{ "own_bytes", .kind = HC_COLUMN_NUMBER },
	{ "blocks", .kind = HC_COLUMN_NUMBER },
	{ "resident", .kind = HC_COLUMN_NUMBER },
	{ "outside", .kind = HC_COLUMN_NUMBER },
	{ "elements", .kind = HC_COLUMN_NUMBER },
	{ "capacity", .kind = HC_COLUMN_NUMBER },
	{ 0 },
};

/* The places of what differs from row to row. */
enum {
	HEAD = 7, /* what all rows of a snapshot have */
	KIND = HEAD,
	NAME,
	PARENT,
	TYPE,
	MODULE,
	IS_MEMORY,
	BYTES,
	OWN_BYTES,
	BLOCKS,
	RESIDENT,
	OUTSIDE,
	ELEMENTS,
	CAPACITY,
	COLUMNS
};

struct fleet {
	hc_line_writer lines;
	const hc_snapshot *snapshot;
	hc_cell head[HEAD];
};

static void write_row(struct fleet *fleet, hc_cell cells[COLUMNS])
{
	memcpy(cells, fleet->head, sizeof fleet->head);
	fleet->lines.writer.write(&fleet->lines.writer, cells);
}

static void write_memory(struct fleet *fleet, const hc_memory_row *row)
{
	hc_cell cells[COLUMNS] = {
		[KIND] = hc_cell_text("memory"),
		[NAME] = hc_cell_text(hc_row_name(row->id)),
		[PARENT] = hc_cell_text(row->of ? hc_row_name(row->of) : NULL),
		[IS_MEMORY] = hc_cell_number(row->is_memory),
		[BYTES] = hc_cell_number(row->bytes),
		[BLOCKS] = hc_cell_if(!g_strcmp0(row->unit, "blocks"), row->count),
		[RESIDENT] = hc_cell_if(row->knows_resident, row->resident.resident),
	};

	write_row(fleet, cells);
}

static void write_owner(struct fleet *fleet, const hc_snapshot_owner *owner, const char *parent, hc_amount holds)
{
	bool is_container = owner->kind != NULL;
	hc_cell cells[COLUMNS] = {
		[KIND] = hc_cell_text(is_container ? "container" : "owner"),
		[NAME] = hc_cell_text(owner->path),
		[PARENT] = hc_cell_text(parent),
		[TYPE] = hc_cell_text(owner->type),
		[BYTES] = hc_cell_number(holds.bytes),
		[OWN_BYTES] = hc_cell_number(owner->own.bytes),
		[BLOCKS] = hc_cell_number(holds.blocks),
		[RESIDENT] = hc_cell_if(fleet->snapshot->knows_resident, owner->own_resident),
		[OUTSIDE] = hc_cell_number(owner->outside),
		[ELEMENTS] = hc_cell_if(is_container, owner->elements),
		[CAPACITY] = hc_cell_if(is_container && owner->capacity != UINT64_MAX, owner->capacity),
	};

	write_row(fleet, cells);
}

/* A parent's index is smaller than its children's: from the last one up each sum is whole when it is added to that above. */
static void write_owners(struct fleet *fleet)
{
	const GArray *owners = fleet->snapshot->owners;
	g_autofree hc_amount *holds = g_new0(hc_amount, owners->len + (size_t)1);

	for (unsigned i = owners->len; i--;) {
		const hc_snapshot_owner *owner = &g_array_index(owners, hc_snapshot_owner, i);

		hc_amount_add(&holds[i], owner->own);
		if (owner->parent != HC_SNAPSHOT_NONE)
			hc_amount_add(&holds[owner->parent], holds[i]);
	}
	for (unsigned i = 0; i < owners->len; i++) {
		const hc_snapshot_owner *owner = &g_array_index(owners, hc_snapshot_owner, i);

		write_owner(fleet, owner,
			owner->parent == HC_SNAPSHOT_NONE ?
				NULL :
				g_array_index(owners, hc_snapshot_owner, owner->parent).path,
			holds[i]);
	}
}

/* What tells the kind apart from snapshot to snapshot; where content is not to be told, not the text that its blocks begin with. */
static const char *name_of_kind(const hc_snapshot *snapshot, const hc_leak_kind *kind)
{
	return !snapshot->has_content && g_str_has_prefix(kind->key, "text ") ? "text" : kind->key;
}

static void write_lost(struct fleet *fleet, const hc_leak_kind *kind)
{
	const hc_snapshot *snapshot = fleet->snapshot;
	hc_cell cells[COLUMNS] = {
		[KIND] = hc_cell_text("lost"),
		[NAME] = hc_cell_text(name_of_kind(snapshot, kind)),
		[TYPE] = hc_cell_text(kind->type),
		[MODULE] = hc_cell_text(kind->module),
		[BYTES] = hc_cell_number(kind->amount.bytes),
		[OWN_BYTES] = hc_cell_number(kind->amount.bytes),
		[BLOCKS] = hc_cell_number(kind->amount.blocks),
		[RESIDENT] = hc_cell_if(snapshot->knows_lost_resident, kind->resident),
	};

	write_row(fleet, cells);
}

/* "2026-11-30T14:50:00Z"; NULL: it is not known, or no such year. */
static char *time_of(const hc_export_options *options, const hc_snapshot *snapshot)
{
	int64_t seconds = options->time ? options->time : snapshot->side_facts ? snapshot->side_facts->time : 0;
	g_autoptr(GDateTime) time = seconds > 0 ? g_date_time_new_from_unix_utc(seconds) : NULL;

	return time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : NULL;
}

/* A JSON object. */
static char *labels_of(const hc_export_options *options)
{
	GString *json = g_string_new("{");

	for (const char *const *label = options->labels; label && *label; label++) {
		g_auto(GStrv) parts = g_strsplit(*label, "=", 2);
		g_autofree char *key = hc_export_json_text(parts[0]), *value = hc_export_json_text(parts[1]);

		g_string_append_printf(json, "%s%s: %s", json->len > 1 ? ", " : "", key, value);
	}
	g_string_append_c(json, '}');
	return g_string_free(json, FALSE);
}

bool hc_fleet_write(hc_export *export, const hc_snapshot *snapshot, GError **error)
{
	static const hc_export_table table = { .name = "fleet", .columns = hc_fleet_columns };
	const hc_export_options *options = export->options;
	g_autofree char *taken = time_of(options, snapshot), *labels = labels_of(options);

	if (!taken) {
		g_set_error(error, HC_ERROR, HC_ERROR_USAGE,
			"%s does not tell when it was taken, as captures do: say so, in seconds since 1970",
			snapshot->path);
		return false;
	}
	struct fleet fleet = {
		.lines = options->format == HC_EXPORT_CSV ? hc_csv_writer(export, &table) :
							    hc_ndjson_writer(export, &table),
		.snapshot = snapshot,
		.head = {
			hc_cell_text(options->host),
			hc_cell_text(snapshot->program),
			hc_cell_text(snapshot->build_id),
			hc_cell_if(snapshot->process.pid, (uint64_t)snapshot->process.pid),
			hc_cell_text(snapshot->random),
			hc_cell_text(taken),
			hc_cell_text(labels),
		},
	};

	for (unsigned i = 0; i < snapshot->memory->len; i++)
		write_memory(&fleet, &g_array_index(snapshot->memory, hc_memory_row, i));
	write_owners(&fleet);
	for (unsigned i = 0; i < snapshot->lost->len; i++)
		write_lost(&fleet, &g_array_index(snapshot->lost, hc_leak_kind, i));
	return true;
}
