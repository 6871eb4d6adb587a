/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables of a snapshot, empty at first: for whoever fills them, from an analysis or from a file. */
#include "snapshot/snapshot_parts.h"

#include "base/text.h"

const char *hc_snapshot_keep(hc_snapshot *snapshot, const char *text)
{
	g_autofree char *valid = text ? hc_text_utf8(text, -1) : NULL;

	return valid ? g_string_chunk_insert_const(snapshot->texts, valid) : NULL;
}

void hc_snapshot_keep_process(hc_snapshot *snapshot, hc_process *process)
{
	process->name = hc_snapshot_keep(snapshot, process->name);
	process->arguments = hc_snapshot_keep(snapshot, process->arguments);
	process->executable = hc_snapshot_keep(snapshot, process->executable);
	process->machine = hc_snapshot_keep(snapshot, process->machine);
}

void hc_snapshot_keep_heap(hc_snapshot *snapshot, hc_heap_info *heap)
{
	heap->allocator = hc_snapshot_keep(snapshot, heap->allocator);
	heap->version = hc_snapshot_keep(snapshot, heap->version);
	heap->layout = hc_snapshot_keep(snapshot, heap->layout);
	heap->library = hc_snapshot_keep(snapshot, heap->library);
	heap->provider = hc_snapshot_keep(snapshot, heap->provider);
	heap->foreign = hc_snapshot_keep(snapshot, heap->foreign);
}

void hc_snapshot_keep_lost(hc_snapshot *snapshot, hc_leak_kind *kind)
{
	kind->key = hc_snapshot_keep(snapshot, kind->key);
	kind->type = hc_snapshot_keep(snapshot, kind->type);
	kind->beginning = hc_snapshot_keep(snapshot, kind->beginning);
	kind->sample = hc_snapshot_keep(snapshot, kind->sample);
	kind->module = hc_snapshot_keep(snapshot, kind->module);
	kind->evidence.module = hc_snapshot_keep(snapshot, kind->evidence.module);
	kind->evidence.type = hc_snapshot_keep(snapshot, kind->evidence.type);
}

static void clear_layouts(void *layouts)
{
	hc_site_answer_clear(&((hc_snapshot_layouts *)layouts)->site);
}

static void clear_site(void *site)
{
	hc_site_answer_clear(&((hc_snapshot_site *)site)->answer);
}

hc_snapshot *hc_snapshot_new(void)
{
	hc_snapshot *snapshot = g_new0(hc_snapshot, 1);

	snapshot->texts = g_string_chunk_new(4096);
	snapshot->diagnostics = hc_diagnostics_create();
	snapshot->threads = g_array_new(FALSE, FALSE, sizeof(int64_t));
	snapshot->memory = g_array_new(FALSE, FALSE, sizeof(hc_memory_row));
	snapshot->uses = g_array_new(FALSE, FALSE, sizeof(hc_snapshot_use));
	snapshot->owners = g_array_new(FALSE, FALSE, sizeof(hc_snapshot_owner));
	snapshot->lost = g_array_new(FALSE, FALSE, sizeof(hc_leak_kind));
	snapshot->sizes = g_array_new(FALSE, FALSE, sizeof(hc_snapshot_size));
	snapshot->numbers = g_array_new(FALSE, FALSE, sizeof(hc_snapshot_number));
	snapshot->sample = g_array_new(FALSE, FALSE, sizeof(hc_snapshot_block));
	snapshot->pins = g_array_new(FALSE, FALSE, sizeof(hc_pin_holder));
	snapshot->layouts = g_array_new(FALSE, FALSE, sizeof(hc_snapshot_layouts));
	g_array_set_clear_func(snapshot->layouts, clear_layouts);
	snapshot->sites = g_array_new(FALSE, FALSE, sizeof(hc_snapshot_site));
	g_array_set_clear_func(snapshot->sites, clear_site);
	snapshot->modules = g_ptr_array_new_with_free_func(g_free);
	snapshot->calls = g_ptr_array_new_with_free_func(g_free);
	return snapshot;
}

void hc_snapshot_destroy(hc_snapshot *snapshot)
{
	if (!snapshot)
		return;
	g_string_chunk_free(snapshot->texts);
	hc_diagnostics_destroy(snapshot->diagnostics);
	g_array_unref(snapshot->threads);
	g_array_unref(snapshot->memory);
	g_array_unref(snapshot->uses);
	g_array_unref(snapshot->owners);
	g_array_unref(snapshot->lost);
	g_array_unref(snapshot->sizes);
	g_array_unref(snapshot->numbers);
	g_array_unref(snapshot->sample);
	g_array_unref(snapshot->pins);
	g_array_unref(snapshot->layouts);
	g_array_unref(snapshot->sites);
	g_ptr_array_unref(snapshot->modules);
	g_ptr_array_unref(snapshot->calls);
	hc_side_facts_free(snapshot->side_facts);
	g_free(snapshot);
}

bool hc_snapshot_lost_is_bound(const hc_snapshot *snapshot)
{
	static const char *const kinds[] = { "lost-is-bound", "pointers-to-nowhere", "roots-missing", NULL };

	for (unsigned i = 0; i < hc_diagnostics_count(snapshot->diagnostics); i++)
		if (g_strv_contains(kinds, hc_diagnostics_get(snapshot->diagnostics, i)->kind->id))
			return true;
	return false;
}

void hc_snapshot_forget_content(hc_snapshot *snapshot)
{
	for (unsigned i = 0; i < snapshot->owners->len; i++) {
		hc_snapshot_owner *owner = &g_array_index(snapshot->owners, hc_snapshot_owner, i);

		owner->key = owner->key_shape = NULL;
		owner->keys_looked_at = owner->key_shapes = 0;
	}
	for (unsigned i = 0; i < snapshot->lost->len; i++) {
		hc_leak_kind *lost = &g_array_index(snapshot->lost, hc_leak_kind, i);

		lost->beginning = lost->sample = NULL;
	}
	g_array_set_size(snapshot->numbers, 0);
	snapshot->process.arguments = "";
	snapshot->has_content = false;
}

char *hc_snapshot_hash_random(const char *random)
{
	g_autofree char *sum = g_str_has_prefix(random, RANDOM_HASHED) ?
				       NULL :
				       g_compute_checksum_for_string(G_CHECKSUM_SHA256, random, -1);

	return sum ? g_strconcat(RANDOM_HASHED, sum, NULL) : g_strdup(random);
}
