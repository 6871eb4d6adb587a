/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots made by hand, for tests of what reads them. A test adds what holds memory; snapshot_finish() then makes the rows of the memory
 * table that follow from that, so that a diff that attributes everything leaves no rest.
 */
#pragma once

#include "snapshot/snapshot_parts.h"

/* A process of three threads with a stack, data, a file and reserved address space, and nothing in its heap. */
hc_snapshot *snapshot_create(void);

/* The process PID: other threads, other addresses, other random bytes; the same build. */
void snapshot_be_process(hc_snapshot *snapshot, int64_t pid);

/*
 * A path that owns BLOCKS blocks of together BYTES. PARENT: what this returned for another one, or HC_SNAPSHOT_NONE. The row may be
 * changed until the next one is added: snapshot_owner().
 */
uint32_t snapshot_add_owner(
	hc_snapshot *snapshot, uint32_t parent, const char *path, const char *type, uint64_t blocks, uint64_t bytes);
/* The same of a container of KIND ("libstdc++ map"). */
uint32_t snapshot_add_container(hc_snapshot *snapshot, uint32_t parent, const char *path, const char *kind,
	uint64_t elements, uint64_t blocks, uint64_t bytes);
hc_snapshot_owner *snapshot_owner(hc_snapshot *snapshot, uint32_t index);

/* BLOCKS lost trees of one block each. TYPE may be NULL. */
hc_leak_kind *snapshot_add_lost(
	hc_snapshot *snapshot, const char *key, const char *type, uint64_t blocks, uint64_t bytes);
/* Blocks whose owner is not known, MAPPED of them mmapped. Sizes in rising order. */
void snapshot_add_unowned(hc_snapshot *snapshot, uint64_t size, uint64_t blocks, uint64_t mapped);
void snapshot_add_number(hc_snapshot *snapshot, const char *path, int64_t value);

/* To the row ID of the memory table. */
void snapshot_add_memory(hc_snapshot *snapshot, hc_row_id id, uint64_t bytes);
hc_memory_row *snapshot_row(hc_snapshot *snapshot, hc_row_id id);

/* Rows "in-use", "mmapped", "lost", and the totals. Returns SNAPSHOT. */
hc_snapshot *snapshot_finish(hc_snapshot *snapshot);
