/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot_builder.h"

#include <string.h>

static const hc_memory_row rows[] = {
	{ .id = HC_ROW_IN_USE, .unit = "blocks", .is_memory = true },
	{ .id = HC_ROW_LOST, .unit = "blocks", .of = HC_ROW_IN_USE, .is_memory = true },
	{ .id = HC_ROW_MMAPPED, .unit = "blocks", .is_memory = true },
	{ .id = HC_ROW_RUNTIME, .bytes = 1024, .count = 2, .unit = "blocks", .is_memory = true },
	{ .id = HC_ROW_FREE_TOP, .bytes = 4096, .count = 1, .unit = "blocks", .is_memory = true },
	{ .id = HC_ROW_OVERHEAD, .bytes = 512, .is_memory = true },
	{ .id = HC_ROW_STACKS, .bytes = 8192, .count = 3, .unit = "mappings", .is_memory = true },
	{ .id = HC_ROW_DATA, .bytes = 4096, .count = 2, .unit = "mappings", .is_memory = true },
	{ .id = HC_ROW_FILES, .bytes = 4096, .count = 1, .unit = "mappings", .is_memory = true },
	{ .id = HC_ROW_RESERVED, .bytes = 65536, .is_memory = false },
};

hc_snapshot *snapshot_create(void)
{
	hc_snapshot *snapshot = hc_snapshot_new();

	snapshot->path = "core.8901";
	snapshot->core_size = 1 << 20;
	snapshot->process = (hc_process){
		.name = "logic_worker",
		.arguments = "logic_worker -v",
		.executable = "/usr/bin/logic_worker",
		.origin = HC_ORIGIN_GCORE,
		.machine = "x86-64",
		.machine_id = 62,
		.word_size = 8,
		.page_size = 4096,
	};
	snapshot->heap =
		(hc_heap_info){ .allocator = "glibc malloc", .version = "2.36", .found = true, .alignment = 16 };
	snapshot->program = "logic_worker";
	snapshot->build_id = "aa11";
	snapshot->has_types = snapshot->has_content = true;
	g_array_append_vals(snapshot->memory, rows, G_N_ELEMENTS(rows));
	snapshot_be_process(snapshot, 8901);
	return snapshot;
}

void snapshot_be_process(hc_snapshot *snapshot, int64_t pid)
{
	snapshot->process.pid = pid;
	snapshot->program_start = 0x400000 + (hc_address)pid * 0x1000;
	snapshot->libc_start = 0x7f0000000000 + (hc_address)pid * 0x1000;
	snapshot->random = pid == 8901 ? "sha256:0123456789abcdef" : "sha256:fedcba9876543210";
	snapshot->thread_count = 3;
	g_array_set_size(snapshot->threads, 0);
	for (int64_t id = pid; id < pid + 3; id++)
		g_array_append_val(snapshot->threads, id);
}

hc_snapshot_owner *snapshot_owner(hc_snapshot *snapshot, uint32_t index)
{
	return &g_array_index(snapshot->owners, hc_snapshot_owner, index);
}

uint32_t snapshot_add_owner(
	hc_snapshot *snapshot, uint32_t parent, const char *path, const char *type, uint64_t blocks, uint64_t bytes)
{
	hc_snapshot_owner owner = {
		.parent = parent,
		.path = path,
		.where = { .kind = HC_WHERE_STATIC },
		.type = type,
		.capacity = UINT64_MAX,
		.certainty = HC_CERTAINTY_CERTAIN,
		.own = { blocks, bytes },
	};

	g_array_append_val(snapshot->owners, owner);
	return snapshot->owners->len - 1;
}

uint32_t snapshot_add_container(hc_snapshot *snapshot, uint32_t parent, const char *path, const char *kind,
	uint64_t elements, uint64_t blocks, uint64_t bytes)
{
	uint32_t index = snapshot_add_owner(snapshot, parent, path, "std::something<int>", blocks, bytes);
	hc_snapshot_owner *owner = snapshot_owner(snapshot, index);

	owner->kind = kind;
	owner->count = 1;
	owner->elements = elements;
	owner->grade = HC_GRADE_EXACT;
	return index;
}

hc_leak_kind *snapshot_add_lost(
	hc_snapshot *snapshot, const char *key, const char *type, uint64_t blocks, uint64_t bytes)
{
	hc_leak_kind lost = {
		.key = key,
		.type = type,
		.trees = blocks,
		.amount = { blocks, bytes },
		.head_size = blocks ? bytes / blocks : 0,
		.head_sizes = 1,
	};

	g_array_append_val(snapshot->lost, lost);
	return &g_array_index(snapshot->lost, hc_leak_kind, snapshot->lost->len - 1);
}

void snapshot_add_unowned(hc_snapshot *snapshot, uint64_t size, uint64_t blocks, uint64_t mapped)
{
	hc_snapshot_size row = { .size = size, .blocks = blocks, .unowned = blocks, .unowned_mapped = mapped };

	g_array_append_val(snapshot->sizes, row);
}

void snapshot_add_number(hc_snapshot *snapshot, const char *path, int64_t value)
{
	hc_snapshot_number number = { path, value };

	g_array_append_val(snapshot->numbers, number);
}

hc_memory_row *snapshot_row(hc_snapshot *snapshot, hc_row_id id)
{
	for (unsigned i = 0; i < snapshot->memory->len; i++) {
		hc_memory_row *row = &g_array_index(snapshot->memory, hc_memory_row, i);

		if (row->id == id)
			return row;
	}
	return NULL;
}

void snapshot_add_memory(hc_snapshot *snapshot, hc_row_id id, uint64_t bytes)
{
	snapshot_row(snapshot, id)->bytes += bytes;
}

static void add(hc_memory_row *row, uint64_t blocks, uint64_t bytes)
{
	row->count += blocks;
	row->bytes += bytes;
}

hc_snapshot *snapshot_finish(hc_snapshot *snapshot)
{
	hc_memory_row *in_use = snapshot_row(snapshot, HC_ROW_IN_USE), *mapped = snapshot_row(snapshot, HC_ROW_MMAPPED);
	hc_memory_row *lost = snapshot_row(snapshot, HC_ROW_LOST);

	for (unsigned i = 0; i < snapshot->owners->len; i++) {
		const hc_snapshot_owner *owner = snapshot_owner(snapshot, i);

		add(in_use, owner->own.blocks - owner->mapped.blocks, owner->own.bytes - owner->mapped.bytes);
		add(mapped, owner->mapped.blocks, owner->mapped.bytes);
	}
	for (unsigned i = 0; i < snapshot->lost->len; i++) {
		hc_amount amount = g_array_index(snapshot->lost, hc_leak_kind, i).amount;

		add(in_use, amount.blocks, amount.bytes);
		add(lost, amount.blocks, amount.bytes);
	}
	for (unsigned i = 0; i < snapshot->sizes->len; i++) {
		const hc_snapshot_size *size = &g_array_index(snapshot->sizes, hc_snapshot_size, i);

		add(in_use, size->unowned - size->unowned_mapped, size->size * (size->unowned - size->unowned_mapped));
		add(mapped, size->unowned_mapped, size->size * size->unowned_mapped);
	}
	snapshot->in_use = (hc_amount){ in_use->count + mapped->count, in_use->bytes + mapped->bytes };
	snapshot->directly_lost = (hc_amount){ lost->count, lost->bytes };
	snapshot->free = (hc_amount){ 1, snapshot_row(snapshot, HC_ROW_FREE_TOP)->bytes };
	for (unsigned i = 0; i < snapshot->memory->len; i++) {
		const hc_memory_row *row = &g_array_index(snapshot->memory, hc_memory_row, i);

		snapshot->total += row->of ? 0 : row->bytes;
	}
	return snapshot;
}
