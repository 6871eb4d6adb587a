/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing a snapshot. */
#include "snapshot/format.h"

#include "base/file.h"
#include "base/output_file.h"
#include "capture/capture.h"

#include <errno.h>
#include <unistd.h>

static GVariant *store_identity(const hc_snapshot *snapshot)
{
	unsigned flags = (snapshot->has_types ? IDENTITY_TYPES : 0) | (snapshot->has_content ? IDENTITY_CONTENT : 0) |
			 (snapshot->has_debug_info ? IDENTITY_DEBUG_INFO : 0) |
			 (snapshot->process.origin == HC_ORIGIN_LIVE ? IDENTITY_LIVE : 0);

	return g_variant_new(SNAPSHOT_IDENTITY, snapshot->path, snapshot->program, snapshot->build_id, snapshot->random,
		NULL, snapshot->program_start, snapshot->libc_start, flags);
}

static GVariant *store_process(const hc_snapshot *snapshot)
{
	const hc_process *process = &snapshot->process;
	hc_origin origin = process->origin == HC_ORIGIN_LIVE ? HC_ORIGIN_CAPTURE : process->origin;

	return g_variant_new(SNAPSHOT_PROCESS, process->name, process->arguments, process->executable, process->machine,
		process->pid, process->signal, (guchar)origin, process->machine_id, process->word_size,
		(gboolean)process->big_endian, process->page_size, snapshot->thread_count, snapshot->core_size);
}

static GVariant *store_threads(const hc_snapshot *snapshot)
{
	return g_variant_new_fixed_array(
		G_VARIANT_TYPE_INT64, snapshot->threads->data, snapshot->threads->len, sizeof(int64_t));
}

static GVariant *store_heap(const hc_heap_info *heap)
{
	unsigned flags = (heap->layout_from_debug_info ? HEAP_FROM_DEBUG_INFO : 0) |
			 (heap->safe_linking ? HEAP_SAFE_LINKING : 0) | (heap->found ? HEAP_FOUND : 0) |
			 (heap->mmapped_known ? HEAP_MMAPPED_KNOWN : 0) | (unsigned)heap->state << HEAP_STATE_SHIFT;

	return g_variant_new(SNAPSHOT_HEAP, heap->allocator, heap->version, heap->layout, heap->library, heap->provider,
		heap->foreign, flags, heap->mmapped_count, heap->mmapped_bytes, heap->alignment);
}

static GVariant *store_diagnostics(const hc_diagnostics *diagnostics)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_DIAGNOSTICS));
	for (unsigned i = 0; i < hc_diagnostics_count(diagnostics); i++) {
		const hc_diagnostic *diagnostic = hc_diagnostics_get(diagnostics, i);
		g_autofree char *example = diagnostic->example ? g_utf8_make_valid(diagnostic->example, -1) : NULL;

		g_variant_builder_add(&builder, "(ssmsutt)", diagnostic->kind->id, diagnostic->kind->text, example,
			MIN((unsigned)diagnostic->kind->severity, HC_SEVERITY_PARTIAL), diagnostic->count,
			diagnostic->bytes);
	}
	return g_variant_builder_end(&builder);
}

static GVariant *store_memory(const hc_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_MEMORY));
	for (unsigned i = 0; i < snapshot->memory->len; i++) {
		const hc_memory_row *row = &g_array_index(snapshot->memory, hc_memory_row, i);

		g_variant_builder_add(&builder, "(ssmsmsttb)", hc_row_name(row->id), "", row->unit,
			row->of ? hc_row_name(row->of) : NULL, row->bytes, row->count, (gboolean)row->is_memory);
	}
	return g_variant_builder_end(&builder);
}

static GVariant *store_totals(const hc_snapshot *snapshot)
{
	const hc_free_pages *pages = &snapshot->free_pages;

	return g_variant_new(SNAPSHOT_TOTALS, snapshot->total, snapshot->directly_lost.blocks,
		snapshot->directly_lost.bytes, snapshot->indirectly_lost.blocks, snapshot->indirectly_lost.bytes,
		snapshot->possibly_lost.blocks, snapshot->possibly_lost.bytes, snapshot->in_use.blocks,
		snapshot->in_use.bytes, snapshot->free.blocks, snapshot->free.bytes, pages->whole, pages->zero,
		pages->trim, pages->trim_zero, pages->largest);
}

static unsigned owner_flags(const hc_snapshot_owner *owner)
{
	return (owner->is_value ? OWNER_VALUE : 0) | (owner->is_queue ? OWNER_QUEUE : 0) |
	       (owner->is_keyed ? OWNER_KEYED : 0) | (owner->is_found ? OWNER_FOUND : 0) |
	       (owner->by_words ? OWNER_BY_WORDS : 0) | (unsigned)owner->certainty << OWNER_CERTAINTY_SHIFT |
	       (unsigned)owner->grade << OWNER_GRADE_SHIFT;
}

static GVariant *store_owners(const hc_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_OWNERS));
	for (unsigned i = 0; i < snapshot->owners->len; i++) {
		const hc_snapshot_owner *owner = &g_array_index(snapshot->owners, hc_snapshot_owner, i);

		g_variant_builder_add(&builder, "(usssmsmsxuu(tt)(tt)tttttmsms)", owner->parent, owner->path, "",
			owner->type, owner->kind, owner->function, owner->thread, owner->ordinal, owner_flags(owner),
			owner->own.blocks, owner->own.bytes, owner->mapped.blocks, owner->mapped.bytes, owner->count,
			owner->elements, owner->capacity, owner->keys_looked_at, owner->key_shapes, owner->key,
			owner->key_shape);
	}
	return g_variant_builder_end(&builder);
}

static GVariant *store_owners_where(const hc_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_OWNERS_WHERE));
	for (unsigned i = 0; i < snapshot->owners->len; i++) {
		const hc_where *where = &g_array_index(snapshot->owners, hc_snapshot_owner, i).where;

		g_variant_builder_add(
			&builder, "(umsxu)", (unsigned)where->kind, where->name, where->thread, where->frame);
	}
	return g_variant_builder_end(&builder);
}

static GVariant *store_owners_shared(const hc_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_OWNERS_SHARED));
	for (unsigned i = 0; i < snapshot->owners->len; i++) {
		const hc_sharing *shared = &g_array_index(snapshot->owners, hc_snapshot_owner, i).shared;

		g_variant_builder_add(
			&builder, "(ttmsu)", shared->amount.blocks, shared->amount.bytes, shared->with, shared->others);
	}
	return g_variant_builder_end(&builder);
}

static GVariant *store_owners_outside(const hc_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_OWNERS_OUTSIDE));
	for (unsigned i = 0; i < snapshot->owners->len; i++) {
		const hc_snapshot_owner *owner = &g_array_index(snapshot->owners, hc_snapshot_owner, i);

		g_variant_builder_add(
			&builder, "(ttt)", owner->outside, owner->outside_places, owner->outside_resident);
	}
	return g_variant_builder_end(&builder);
}

/* Of each row of "owners" the uint64_t that stands at OFFSET in it. */
static GVariant *store_owners_numbers(const hc_snapshot *snapshot, size_t offset)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("at"));
	for (unsigned i = 0; i < snapshot->owners->len; i++)
		g_variant_builder_add(&builder, "t",
			G_STRUCT_MEMBER(uint64_t, &g_array_index(snapshot->owners, hc_snapshot_owner, i), offset));
	return g_variant_builder_end(&builder);
}

static GVariant *store_lost(const hc_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_LOST));
	for (unsigned i = 0; i < snapshot->lost->len; i++) {
		const hc_leak_kind *lost = &g_array_index(snapshot->lost, hc_leak_kind, i);

		g_variant_builder_add(&builder, "(smsmsmsmsmsttttt)", lost->key, lost->type, lost->beginning,
			lost->sample, lost->module, NULL, lost->trees, lost->amount.blocks, lost->amount.bytes,
			lost->head_size, lost->head_sizes);
	}
	return g_variant_builder_end(&builder);
}

static GVariant *store_lost_evidence(const hc_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_LOST_EVIDENCE));
	for (unsigned i = 0; i < snapshot->lost->len; i++) {
		const hc_leak_kind_evidence *evidence = &g_array_index(snapshot->lost, hc_leak_kind, i).evidence;
		unsigned flags = (evidence->on_stack ? EVIDENCE_ON_STACK : 0) |
				 (evidence->by_others ? EVIDENCE_BY_OTHERS : 0);

		g_variant_builder_add(&builder, "(msmsut)", evidence->module, evidence->type, flags, evidence->size);
	}
	return g_variant_builder_end(&builder);
}

static GVariant *store_lost_shapes(const hc_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_LOST_SHAPES));
	for (unsigned i = 0; i < snapshot->lost->len; i++) {
		const hc_leak_kind *lost = &g_array_index(snapshot->lost, hc_leak_kind, i);

		g_variant_builder_add(&builder, "(ttu)", lost->rings, lost->holding_themselves,
			lost->is_unloaded ? (unsigned)LOST_UNLOADED : 0);
	}
	return g_variant_builder_end(&builder);
}

static GVariant *store_unjoined(const hc_unjoined *unjoined)
{
	return g_variant_new(SNAPSHOT_UNJOINED, unjoined->threads, unjoined->bytes, unjoined->memory,
		(gboolean)unjoined->is_resident);
}

static GVariant *store_sizes(const hc_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_SIZES));
	for (unsigned i = 0; i < snapshot->sizes->len; i++) {
		const hc_snapshot_size *size = &g_array_index(snapshot->sizes, hc_snapshot_size, i);

		g_variant_builder_add(
			&builder, "(ttttt)", size->size, size->blocks, size->lost, size->unowned, size->unowned_mapped);
	}
	return g_variant_builder_end(&builder);
}

static GVariant *store_numbers(const hc_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_NUMBERS));
	for (unsigned i = 0; i < snapshot->numbers->len; i++) {
		const hc_snapshot_number *number = &g_array_index(snapshot->numbers, hc_snapshot_number, i);

		g_variant_builder_add(&builder, "(sx)", number->path, number->value);
	}
	return g_variant_builder_end(&builder);
}

static GVariant *store_pins(const hc_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_PINS));
	for (unsigned i = 0; i < snapshot->pins->len; i++) {
		const hc_pin_holder *pin = &g_array_index(snapshot->pins, hc_pin_holder, i);

		g_variant_builder_add(&builder, "(sttt)", pin->name ? pin->name : "", pin->amount.blocks,
			pin->amount.bytes, pin->pinned);
	}
	return g_variant_builder_end(&builder);
}

static GVariant *store_pin_holders(const hc_snapshot *snapshot)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(SNAPSHOT_PIN_HOLDERS));
	for (unsigned i = 0; i < snapshot->pins->len; i++) {
		const hc_pin_holder *pin = &g_array_index(snapshot->pins, hc_pin_holder, i);

		g_variant_builder_add(&builder, "(umsxtux)", (unsigned)pin->kind, pin->path, pin->thread, pin->size,
			(unsigned)pin->label.kind, pin->label.thread);
	}
	return g_variant_builder_end(&builder);
}

static GVariant *store_pinning(const hc_pins_summary *summary)
{
	unsigned flags = (summary->heap_found ? PINNING_HEAP_FOUND : 0) |
			 (summary->thresholds_known ? PINNING_THRESHOLDS_KNOWN : 0) |
			 (summary->thresholds_move ? PINNING_THRESHOLDS_MOVE : 0) |
			 (summary->threshold_rose ? PINNING_THRESHOLD_ROSE : 0) |
			 (summary->knows_resident ? PINNING_RESIDENT_KNOWN : 0);
	GVariantBuilder kept;

	g_variant_builder_init(&kept, G_VARIANT_TYPE("a(ut)"));
	for (unsigned i = 0; i < summary->kept_count; i++)
		g_variant_builder_add(&kept, "(ut)", (unsigned)summary->kept[i].cause, summary->kept[i].bytes);
	return g_variant_new(SNAPSHOT_PINNING, flags, summary->free, summary->trim, summary->zero, summary->pinned,
		summary->pinning.blocks, summary->pinning.bytes, summary->trim_threshold, summary->mmap_threshold,
		&kept);
}

static GVariant *store(const hc_snapshot *snapshot)
{
	GVariantBuilder sections;
	GVariant *value;

	g_variant_builder_init(&sections, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&sections, "{sv}", "identity", store_identity(snapshot));
	g_variant_builder_add(&sections, "{sv}", "process", store_process(snapshot));
	g_variant_builder_add(&sections, "{sv}", "threads", store_threads(snapshot));
	g_variant_builder_add(&sections, "{sv}", "heap", store_heap(&snapshot->heap));
	g_variant_builder_add(&sections, "{sv}", "diagnostics", store_diagnostics(snapshot->diagnostics));
	g_variant_builder_add(&sections, "{sv}", "memory", store_memory(snapshot));
	g_variant_builder_add(&sections, "{sv}", "totals", store_totals(snapshot));
	g_variant_builder_add(&sections, "{sv}", "owners", store_owners(snapshot));
	g_variant_builder_add(&sections, "{sv}", "owners-where", store_owners_where(snapshot));
	g_variant_builder_add(&sections, "{sv}", "owners-shared", store_owners_shared(snapshot));
	g_variant_builder_add(&sections, "{sv}", "owners-outside", store_owners_outside(snapshot));
	g_variant_builder_add(&sections, "{sv}", "owners-free",
		store_owners_numbers(snapshot, offsetof(hc_snapshot_owner, free_between)));
	g_variant_builder_add(&sections, "{sv}", "owners-untyped",
		store_owners_numbers(snapshot, offsetof(hc_snapshot_owner, untyped)));
	g_variant_builder_add(&sections, "{sv}", "sample", hc_sample_store(snapshot));
	g_variant_builder_add(&sections, "{sv}", "lost", store_lost(snapshot));
	g_variant_builder_add(&sections, "{sv}", "lost-evidence", store_lost_evidence(snapshot));
	g_variant_builder_add(&sections, "{sv}", "lost-shapes", store_lost_shapes(snapshot));
	if (snapshot->knows_layouts)
		g_variant_builder_add(&sections, "{sv}", "layouts", hc_snapshot_store_layouts(snapshot));
	if (snapshot->knows_sites)
		g_variant_builder_add(&sections, "{sv}", "sites", hc_snapshot_store_sites(snapshot));
	g_variant_builder_add(&sections, "{sv}", "sizes", store_sizes(snapshot));
	g_variant_builder_add(&sections, "{sv}", "numbers", store_numbers(snapshot));
	g_variant_builder_add(&sections, "{sv}", "pins", store_pins(snapshot));
	g_variant_builder_add(&sections, "{sv}", "pin-holders", store_pin_holders(snapshot));
	g_variant_builder_add(&sections, "{sv}", "pinning", store_pinning(&snapshot->pinning));
	if (snapshot->knows_uses)
		g_variant_builder_add(&sections, "{sv}", "runtimes", hc_snapshot_store_uses(snapshot));
	if (snapshot->knows_resident)
		g_variant_builder_add(&sections, "{sv}", "resident", hc_snapshot_store_resident(snapshot));
	if (snapshot->knows_lost_resident)
		g_variant_builder_add(&sections, "{sv}", "lost-resident", hc_snapshot_store_lost_resident(snapshot));
	if (snapshot->knows_unjoined) {
		g_variant_builder_add(&sections, "{sv}", "unjoined", store_unjoined(&snapshot->unjoined));
		g_variant_builder_add(&sections, "{sv}", "unjoined-routine",
			g_variant_new(SNAPSHOT_UNJOINED_ROUTINE, snapshot->unjoined.routine,
				snapshot->unjoined.routine_threads));
	}
	if (snapshot->side_facts)
		g_variant_builder_add(&sections, "{sv}", "side-facts", hc_side_facts_store(snapshot->side_facts));
	value = g_variant_ref_sink(g_variant_builder_end(&sections));
	if (G_BYTE_ORDER == G_BIG_ENDIAN) {
		GVariant *swapped = g_variant_byteswap(value);

		g_variant_unref(value);
		return swapped;
	}
	return value;
}

/* Of a file that is there only a snapshot is replaced, or an empty one: no core, binary or anything that was named by mistake. */
bool hc_snapshot_may_write(const char *path, bool replace, GError **error)
{
	char byte;

	if (!hc_output_file_check(path, replace, error))
		return false;
	if (!hc_file_peek(path, &byte, 1) || hc_snapshot_is_one(path))
		return true;
	g_set_error(error, HC_ERROR, HC_ERROR_USAGE, "%s: it is no snapshot, and is not replaced", path);
	return false;
}

/* The bytes of a file of SNAPSHOT. */
static GString *make_file(const hc_snapshot *snapshot)
{
	g_autoptr(GVariant) value = store(snapshot);
	size_t size = g_variant_get_size(value);
	g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, g_variant_get_data(value), size);
	GString *file = g_string_sized_new(size + SNAPSHOT_LINE_MAX);

	g_string_printf(file, SNAPSHOT_MAGIC "%d %" G_GSIZE_FORMAT " %s\n", HC_SNAPSHOT_FORMAT, size, sum);
	g_string_append_len(file, g_variant_get_data(value), size);
	return file;
}

bool hc_snapshot_write(const hc_snapshot *snapshot, const char *path, bool replace, uint64_t *ret_size, GError **error)
{
	if (!hc_snapshot_may_write(path, replace, error))
		return false;

	g_autoptr(GString) file = make_file(snapshot);

	if (ret_size)
		*ret_size = file->len;
	return hc_output_file_write(path, file->str, file->len, replace, error);
}

bool hc_snapshot_write_to(const hc_snapshot *snapshot, int descriptor, GError **error)
{
	g_autoptr(GString) file = make_file(snapshot);

	for (size_t done = 0; done < file->len;) {
		ssize_t written = write(descriptor, file->str + done, file->len - done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			g_set_error(error, HC_ERROR, HC_ERROR_IO, "the snapshot cannot be written: %s",
				written ? g_strerror(errno) : "nothing more is taken");
			return false;
		}
		done += (size_t)written;
	}
	return true;
}
