/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a snapshot. The file may be anything: GVariant checks types and bounds, the checksum tells damage, and what is left to
 * check here is what the figures mean.
 */
#include "snapshot/format.h"

#include "base/file.h"
#include "capture/capture.h"

#include <inttypes.h>
#include <string.h>

bool hc_snapshot_is_one(const char *path)
{
	char start[sizeof SNAPSHOT_MAGIC - 1];

	return hc_file_peek(path, start, sizeof start) == sizeof start && !memcmp(start, SNAPSHOT_MAGIC, sizeof start);
}

/* ---- the line before the data ---- */

typedef struct snapshot_line {
	uint64_t format, length;
	char sum[65];
	size_t size; /* of the line itself */
} snapshot_line;

static bool parse_line(const char *contents, size_t length, snapshot_line *line)
{
	const char *end = memchr(contents, '\n', MIN(length, SNAPSHOT_LINE_MAX));
	g_autofree char *text = end ? g_strndup(contents, end - contents) : NULL;
	g_auto(GStrv) words = text ? g_strsplit(text, " ", 5) : NULL;

	if (!words || g_strv_length(words) != 4 || !g_str_has_prefix(text, SNAPSHOT_MAGIC) ||
		!g_ascii_string_to_unsigned(words[1], 10, 1, UINT32_MAX, &line->format, NULL) ||
		!g_ascii_string_to_unsigned(words[2], 10, 1, UINT64_MAX, &line->length, NULL) ||
		strlen(words[3]) != sizeof line->sum - 1)
		return false;
	memcpy(line->sum, words[3], sizeof line->sum);
	line->size = end - contents + 1;
	return true;
}

static GVariant *check(const char *path, const char *contents, size_t length, GError **error)
{
	snapshot_line line;
	g_autofree char *sum = NULL;
	g_autoptr(GVariant) value = NULL;
	g_autoptr(GBytes) bytes = NULL;

	if (!parse_line(contents, length, &line)) {
		g_set_error(error, HC_ERROR, HC_ERROR_BAD_DATA, "%s: not a heapcore snapshot", path);
		return NULL;
	}
	if (line.format > HC_SNAPSHOT_FORMAT) {
		g_set_error(error, HC_ERROR, HC_ERROR_UNSUPPORTED,
			"%s: a snapshot of format %" PRIu64 ", written by a newer heapcore; this one reads format %d",
			path, line.format, HC_SNAPSHOT_FORMAT);
		return NULL;
	}
	if (length - line.size < line.length) {
		g_set_error(error, HC_ERROR, HC_ERROR_TRUNCATED,
			"%s: the snapshot is cut: %" G_GSIZE_FORMAT " of %" PRIu64
			" bytes are there; make it again, or copy it again",
			path, length - line.size, line.length);
		return NULL;
	}
	sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)contents + line.size, length - line.size);
	if (length - line.size != line.length || strcmp(sum, line.sum)) {
		g_set_error(error, HC_ERROR, HC_ERROR_BAD_DATA,
			"%s: the snapshot is damaged: its checksum does not agree; make it again, or copy it again",
			path);
		return NULL;
	}
	bytes = g_bytes_new(contents + line.size, line.length); /* a copy: aligned */
	value = g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE_VARDICT, bytes, FALSE));
	if (G_BYTE_ORDER == G_BIG_ENDIAN) {
		GVariant *swapped = g_variant_byteswap(value);

		g_variant_unref(value);
		value = swapped;
	}
	if (!g_variant_is_normal_form(value)) {
		g_set_error(error, HC_ERROR, HC_ERROR_BAD_DATA, "%s: not what a snapshot holds", path);
		return NULL;
	}
	return g_steal_pointer(&value);
}

/* Adds, unless the sum is more than any process could have: figures that are that large would wrap around in sums. FALSE: it is. */
static bool add_up(uint64_t *sum, uint64_t bytes)
{
	return !__builtin_add_overflow(*sum, bytes, sum) && *sum <= SNAPSHOT_BYTES_MAX;
}

/* ---- sections ---- */

static bool load_identity(hc_snapshot *snapshot, GVariant *section)
{
	const char *advice;
	unsigned flags;

	g_variant_get(section, "(m&sm&sm&sm&sm&sttu)", &snapshot->path, &snapshot->program, &snapshot->build_id,
		&snapshot->random, &advice, &snapshot->program_start, &snapshot->libc_start, &flags);
	snapshot->path = hc_snapshot_keep(snapshot, snapshot->path);
	snapshot->program = hc_snapshot_keep(snapshot, snapshot->program);
	snapshot->build_id = hc_snapshot_keep(snapshot, snapshot->build_id);
	g_autofree char *random = snapshot->random ? hc_snapshot_hash_random(snapshot->random) : NULL;

	snapshot->random = hc_snapshot_keep(snapshot, random);
	snapshot->has_types = flags & IDENTITY_TYPES;
	snapshot->has_content = flags & IDENTITY_CONTENT;
	snapshot->has_debug_info = flags & IDENTITY_DEBUG_INFO;
	if (flags & IDENTITY_LIVE)
		snapshot->process.origin = HC_ORIGIN_LIVE;
	return snapshot->path && snapshot->program;
}

static bool load_process(hc_snapshot *snapshot, GVariant *section)
{
	hc_process *process = &snapshot->process;
	gboolean big_endian;
	guchar origin;

	g_variant_get(section, "(m&sm&sm&sm&sxiyuubtut)", &process->name, &process->arguments, &process->executable,
		&process->machine, &process->pid, &process->signal, &origin, &process->machine_id, &process->word_size,
		&big_endian, &process->page_size, &snapshot->thread_count, &snapshot->core_size);
	hc_snapshot_keep_process(snapshot, process);
	process->big_endian = big_endian;
	/* The section before this one has told it. */
	if (process->origin != HC_ORIGIN_LIVE || origin != HC_ORIGIN_CAPTURE)
		process->origin = origin;
	return process->name && process->arguments && origin <= HC_ORIGIN_UNKNOWN;
}

static bool load_threads(hc_snapshot *snapshot, GVariant *section)
{
	size_t count;
	const int64_t *ids = g_variant_get_fixed_array(section, &count, sizeof *ids);

	g_array_append_vals(snapshot->threads, ids, count);
	return true;
}

static bool load_heap(hc_snapshot *snapshot, GVariant *section)
{
	hc_heap_info *heap = &snapshot->heap;
	unsigned flags;

	g_variant_get(section, "(m&sm&sm&sm&sm&sm&suttt)", &heap->allocator, &heap->version, &heap->layout,
		&heap->library, &heap->provider, &heap->foreign, &flags, &heap->mmapped_count, &heap->mmapped_bytes,
		&heap->alignment);
	hc_snapshot_keep_heap(snapshot, heap);
	heap->layout_from_debug_info = flags & HEAP_FROM_DEBUG_INFO;
	heap->safe_linking = flags & HEAP_SAFE_LINKING;
	heap->found = flags & HEAP_FOUND;
	heap->mmapped_known = flags & HEAP_MMAPPED_KNOWN;
	heap->state = flags >> HEAP_STATE_SHIFT & UINT8_MAX;
	if (!heap->found && heap->state == HC_HEAP_READ)
		heap->state = HC_HEAP_ABSENT; /* as written before there were states */
	return heap->state < HC_HEAP_STATE_COUNT && heap->found == (heap->state == HC_HEAP_READ);
}

static bool load_diagnostics(hc_snapshot *snapshot, GVariant *section)
{
	GVariantIter rows;
	hc_diagnostic_kind kind;
	hc_diagnostic diagnostic = { .kind = &kind };
	unsigned severity;

	g_variant_iter_init(&rows, section);
	while (g_variant_iter_next(&rows, "(&s&sm&sutt)", &kind.id, &kind.text, &diagnostic.example, &severity,
		&diagnostic.count, &diagnostic.bytes)) {
		if (severity > HC_SEVERITY_PARTIAL)
			return false;
		kind.severity = severity;
		hc_diagnostics_restore(snapshot->diagnostics, &diagnostic);
	}
	return true;
}

/* The file says it elsewhere: its heap and its diagnostics were read before. */
static bool is_bound(const hc_snapshot *snapshot, hc_row_id id)
{
	return hc_row_is_lost(id) ? hc_snapshot_lost_is_bound(snapshot) :
				    id == HC_ROW_ANONYMOUS && !snapshot->heap.found;
}

static bool load_memory(hc_snapshot *snapshot, GVariant *section)
{
	GVariantIter rows;
	hc_memory_row row = { .proportional = UINT64_MAX };
	const char *id, *of;
	uint64_t sum = 0;
	gboolean is_memory;

	g_variant_iter_init(&rows, section);
	while (g_variant_iter_next(
		&rows, "(&s&sm&sm&sttb)", &id, NULL, &row.unit, &of, &row.bytes, &row.count, &is_memory)) {
		row.id = hc_row_called(id);
		row.of = hc_row_called(of);
		if (!row.id || (of && !row.of) || !add_up(&sum, row.bytes))
			return false;
		row.unit = hc_snapshot_keep(snapshot, row.unit);
		row.is_memory = is_memory;
		row.is_bound = is_bound(snapshot, row.id);
		g_array_append_val(snapshot->memory, row);
	}
	return true;
}

static bool load_totals(hc_snapshot *snapshot, GVariant *section)
{
	hc_free_pages *pages = &snapshot->free_pages;

	g_variant_get(section, SNAPSHOT_TOTALS, &snapshot->total, &snapshot->directly_lost.blocks,
		&snapshot->directly_lost.bytes, &snapshot->indirectly_lost.blocks, &snapshot->indirectly_lost.bytes,
		&snapshot->possibly_lost.blocks, &snapshot->possibly_lost.bytes, &snapshot->in_use.blocks,
		&snapshot->in_use.bytes, &snapshot->free.blocks, &snapshot->free.bytes, &pages->whole, &pages->zero,
		&pages->trim, &pages->trim_zero, &pages->largest);
	return true;
}

static bool set_owner_flags(hc_snapshot_owner *owner, unsigned flags)
{
	unsigned certainty = flags >> OWNER_CERTAINTY_SHIFT & 0xff, grade = flags >> OWNER_GRADE_SHIFT & 0xff;

	owner->is_value = flags & OWNER_VALUE;
	owner->is_queue = flags & OWNER_QUEUE;
	owner->is_keyed = flags & OWNER_KEYED;
	owner->is_found = flags & OWNER_FOUND;
	owner->by_words = flags & OWNER_BY_WORDS;
	owner->certainty = certainty;
	owner->grade = grade;
	return certainty < HC_CERTAINTY_COUNT && grade < HC_GRADE_COUNT;
}

static bool load_owners(hc_snapshot *snapshot, GVariant *section)
{
	GVariantIter rows;
	hc_snapshot_owner owner = { 0 };
	uint64_t sum = 0;
	unsigned flags;

	g_variant_iter_init(&rows, section);
	while (g_variant_iter_next(&rows, "(u&s&s&sm&sm&sxuu(tt)(tt)tttttm&sm&s)", &owner.parent, &owner.path, NULL,
		&owner.type, &owner.kind, &owner.function, &owner.thread, &owner.ordinal, &flags, &owner.own.blocks,
		&owner.own.bytes, &owner.mapped.blocks, &owner.mapped.bytes, &owner.count, &owner.elements,
		&owner.capacity, &owner.keys_looked_at, &owner.key_shapes, &owner.key, &owner.key_shape)) {
		/* Paths form a tree because a parent is always earlier. */
		if (!set_owner_flags(&owner, flags) ||
			(owner.parent != HC_SNAPSHOT_NONE && owner.parent >= snapshot->owners->len) ||
			owner.mapped.blocks > owner.own.blocks || owner.mapped.bytes > owner.own.bytes ||
			!add_up(&sum, owner.own.bytes))
			return false;
		owner.path = hc_snapshot_keep(snapshot, owner.path);
		owner.type = hc_snapshot_keep(snapshot, owner.type);
		owner.kind = hc_snapshot_keep(snapshot, owner.kind);
		owner.function = hc_snapshot_keep(snapshot, owner.function);
		owner.key = hc_snapshot_keep(snapshot, owner.key);
		owner.key_shape = hc_snapshot_keep(snapshot, owner.key_shape);
		g_array_append_val(snapshot->owners, owner);
	}
	return true;
}

/* Of each owner, in the same order. */
static bool load_owners_where(hc_snapshot *snapshot, GVariant *section)
{
	GVariantIter rows;
	hc_where where;
	unsigned kind, i = 0;

	if (!g_variant_is_of_type(section, G_VARIANT_TYPE(SNAPSHOT_OWNERS_WHERE)) ||
		g_variant_iter_init(&rows, section) != snapshot->owners->len)
		return false;
	while (g_variant_iter_next(&rows, "(um&sxu)", &kind, &where.name, &where.thread, &where.frame)) {
		if (kind >= HC_WHERE_KIND_COUNT)
			return false;
		where.kind = kind;
		where.name = hc_snapshot_keep(snapshot, where.name);
		g_array_index(snapshot->owners, hc_snapshot_owner, i++).where = where;
	}
	return true;
}

static bool load_owners_shared(hc_snapshot *snapshot, GVariant *section)
{
	GVariantIter rows;
	hc_sharing shared;
	unsigned i = 0;

	if (!g_variant_is_of_type(section, G_VARIANT_TYPE(SNAPSHOT_OWNERS_SHARED)) ||
		g_variant_iter_init(&rows, section) != snapshot->owners->len)
		return false;
	while (g_variant_iter_next(
		&rows, "(ttm&su)", &shared.amount.blocks, &shared.amount.bytes, &shared.with, &shared.others)) {
		hc_snapshot_owner *owner = &g_array_index(snapshot->owners, hc_snapshot_owner, i++);

		if (shared.amount.blocks > owner->own.blocks || shared.amount.bytes > owner->own.bytes)
			return false;
		shared.with = hc_snapshot_keep(snapshot, shared.with);
		owner->shared = shared;
	}
	return true;
}

static uint64_t bytes_of_row(const hc_snapshot *snapshot, hc_row_id id)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < snapshot->memory->len; i++) {
		const hc_memory_row *row = &g_array_index(snapshot->memory, hc_memory_row, i);

		bytes += row->id == id ? row->bytes : 0;
	}
	return bytes;
}

/* They are a part of the row of such mappings. */
static bool load_owners_outside(hc_snapshot *snapshot, GVariant *section)
{
	uint64_t left = bytes_of_row(snapshot, HC_ROW_ANONYMOUS), bytes, places, resident;
	GVariantIter rows;
	unsigned i = 0;

	if (g_variant_iter_init(&rows, section) != snapshot->owners->len)
		return false;
	while (g_variant_iter_next(&rows, "(ttt)", &bytes, &places, &resident)) {
		hc_snapshot_owner *owner = &g_array_index(snapshot->owners, hc_snapshot_owner, i++);

		if (bytes > left)
			return false;
		left -= bytes;
		owner->outside = bytes;
		owner->outside_places = places;
		owner->outside_resident = resident;
	}
	return true;
}

/* They are a part of what is free. */
static bool load_owners_free(hc_snapshot *snapshot, GVariant *section)
{
	uint64_t left = snapshot->free.bytes, bytes;
	GVariantIter rows;
	unsigned i = 0;

	if (g_variant_iter_init(&rows, section) != snapshot->owners->len)
		return false;
	while (g_variant_iter_next(&rows, "t", &bytes)) {
		if (bytes > left)
			return false;
		left -= bytes;
		g_array_index(snapshot->owners, hc_snapshot_owner, i++).free_between = bytes;
	}
	return true;
}

/* After the bytes that these are of. */
static bool load_owners_untyped(hc_snapshot *snapshot, GVariant *section)
{
	uint64_t bytes;
	GVariantIter rows;
	unsigned i = 0;

	if (g_variant_iter_init(&rows, section) != snapshot->owners->len)
		return false;
	while (g_variant_iter_next(&rows, "t", &bytes)) {
		hc_snapshot_owner *owner = &g_array_index(snapshot->owners, hc_snapshot_owner, i++);

		if (bytes > owner->own.bytes + owner->outside)
			return false;
		owner->untyped = bytes;
	}
	return true;
}

static bool load_lost(hc_snapshot *snapshot, GVariant *section)
{
	GVariantIter rows;
	hc_leak_kind lost = { 0 };
	uint64_t sum = 0;

	g_variant_iter_init(&rows, section);
	while (g_variant_iter_next(&rows, "(&sm&sm&sm&sm&sm&sttttt)", &lost.key, &lost.type, &lost.beginning,
		&lost.sample, &lost.module, NULL, &lost.trees, &lost.amount.blocks, &lost.amount.bytes, &lost.head_size,
		&lost.head_sizes)) {
		if (!add_up(&sum, lost.amount.bytes))
			return false;
		hc_snapshot_keep_lost(snapshot, &lost);
		g_array_append_val(snapshot->lost, lost);
	}
	return true;
}

/* Of each kind of lost blocks, in the same order. */
static bool load_lost_evidence(hc_snapshot *snapshot, GVariant *section)
{
	GVariantIter rows;
	hc_leak_kind_evidence evidence;
	unsigned flags, i = 0;

	if (!g_variant_is_of_type(section, G_VARIANT_TYPE(SNAPSHOT_LOST_EVIDENCE)) ||
		g_variant_iter_init(&rows, section) != snapshot->lost->len)
		return false;
	while (g_variant_iter_next(&rows, "(m&sm&sut)", &evidence.module, &evidence.type, &flags, &evidence.size)) {
		evidence.module = hc_snapshot_keep(snapshot, evidence.module);
		evidence.type = hc_snapshot_keep(snapshot, evidence.type);
		evidence.on_stack = flags & EVIDENCE_ON_STACK;
		evidence.by_others = flags & EVIDENCE_BY_OTHERS;
		g_array_index(snapshot->lost, hc_leak_kind, i++).evidence = evidence;
	}
	return true;
}

/* Likewise. */
static bool load_lost_shapes(hc_snapshot *snapshot, GVariant *section)
{
	GVariantIter rows;
	uint64_t rings, holding;
	unsigned flags, i = 0;

	if (!g_variant_is_of_type(section, G_VARIANT_TYPE(SNAPSHOT_LOST_SHAPES)) ||
		g_variant_iter_init(&rows, section) != snapshot->lost->len)
		return false;
	while (g_variant_iter_next(&rows, "(ttu)", &rings, &holding, &flags)) {
		hc_leak_kind *lost = &g_array_index(snapshot->lost, hc_leak_kind, i++);

		if (rings > lost->trees || holding > rings)
			return false;
		lost->rings = rings;
		lost->holding_themselves = holding;
		lost->is_unloaded = flags & LOST_UNLOADED;
	}
	return true;
}

static bool load_unjoined(hc_snapshot *snapshot, GVariant *section)
{
	hc_unjoined *unjoined = &snapshot->unjoined;
	gboolean is_resident;

	if (!g_variant_is_of_type(section, G_VARIANT_TYPE(SNAPSHOT_UNJOINED)))
		return false;
	g_variant_get(
		section, SNAPSHOT_UNJOINED, &unjoined->threads, &unjoined->bytes, &unjoined->memory, &is_resident);
	unjoined->is_resident = is_resident;
	snapshot->knows_unjoined = true;
	return unjoined->bytes <= SNAPSHOT_BYTES_MAX && unjoined->memory <= unjoined->bytes;
}

static bool load_unjoined_routine(hc_snapshot *snapshot, GVariant *section)
{
	hc_unjoined *unjoined = &snapshot->unjoined;
	const char *routine;

	g_variant_get(section, "(m&st)", &routine, &unjoined->routine_threads);
	unjoined->routine = hc_snapshot_keep(snapshot, routine);
	return unjoined->routine_threads <= unjoined->threads;
}

/* Whether SIZE can be, and stand behind those that are there. *SUM: bytes of all so far. */
static bool is_possible(const hc_snapshot *snapshot, const hc_snapshot_size *size, uint64_t *sum)
{
	unsigned count = snapshot->sizes->len;
	uint64_t bytes;

	return (!count || g_array_index(snapshot->sizes, hc_snapshot_size, count - 1).size < size->size) &&
	       size->lost <= size->blocks && size->unowned <= size->blocks - size->lost &&
	       size->unowned_mapped <= size->unowned && !__builtin_mul_overflow(size->size, size->blocks, &bytes) &&
	       add_up(sum, bytes);
}

static bool load_sizes(hc_snapshot *snapshot, GVariant *section)
{
	GVariantIter rows;
	hc_snapshot_size size = { 0 };
	uint64_t sum = 0;

	g_variant_iter_init(&rows, section);
	while (g_variant_iter_next(
		&rows, "(ttttt)", &size.size, &size.blocks, &size.lost, &size.unowned, &size.unowned_mapped)) {
		if (!is_possible(snapshot, &size, &sum))
			return false;
		g_array_append_val(snapshot->sizes, size);
	}
	return true;
}

static bool load_numbers(hc_snapshot *snapshot, GVariant *section)
{
	GVariantIter rows;
	hc_snapshot_number number;

	g_variant_iter_init(&rows, section);
	while (g_variant_iter_next(&rows, "(&sx)", &number.path, &number.value)) {
		number.path = hc_snapshot_keep(snapshot, number.path);
		g_array_append_val(snapshot->numbers, number);
	}
	return true;
}

static bool load_pins(hc_snapshot *snapshot, GVariant *section)
{
	GVariantIter rows;
	hc_pin_holder pin = { .kind = HC_HOLDER_TYPED, .certainty = HC_CERTAINTY_UNKNOWN };

	g_variant_iter_init(&rows, section);
	while (g_variant_iter_next(&rows, "(&sttt)", &pin.name, &pin.amount.blocks, &pin.amount.bytes, &pin.pinned)) {
		pin.name = *pin.name ? hc_snapshot_keep(snapshot, pin.name) : NULL;
		g_array_append_val(snapshot->pins, pin);
	}
	return true;
}

/* Of each in "pins", in the same order. */
static bool load_pin_holders(hc_snapshot *snapshot, GVariant *section)
{
	GVariantIter rows;
	hc_pin_holder read;
	unsigned kind, label, i = 0;

	if (!g_variant_is_of_type(section, G_VARIANT_TYPE(SNAPSHOT_PIN_HOLDERS)) ||
		g_variant_iter_init(&rows, section) != snapshot->pins->len)
		return false;
	while (g_variant_iter_next(
		&rows, "(um&sxtux)", &kind, &read.path, &read.thread, &read.size, &label, &read.label.thread)) {
		hc_pin_holder *pin = &g_array_index(snapshot->pins, hc_pin_holder, i++);

		if (kind >= HC_HOLDER_KIND_COUNT || label >= HC_LABEL_KIND_COUNT)
			return false;
		pin->kind = kind;
		pin->path = hc_snapshot_keep(snapshot, read.path);
		pin->thread = read.thread;
		pin->size = read.size;
		pin->label = (hc_label){ label, read.label.thread };
	}
	return true;
}

static bool load_pinning(hc_snapshot *snapshot, GVariant *section)
{
	hc_pins_summary *summary = &snapshot->pinning;
	g_autoptr(GVariantIter) kept = NULL;
	hc_kept one = { 0 };
	unsigned flags, cause;

	g_variant_get(section, SNAPSHOT_PINNING, &flags, &summary->free, &summary->trim, &summary->zero,
		&summary->pinned, &summary->pinning.blocks, &summary->pinning.bytes, &summary->trim_threshold,
		&summary->mmap_threshold, &kept);
	summary->heap_found = flags & PINNING_HEAP_FOUND;
	summary->thresholds_known = flags & PINNING_THRESHOLDS_KNOWN;
	summary->thresholds_move = flags & PINNING_THRESHOLDS_MOVE;
	summary->threshold_rose = flags & PINNING_THRESHOLD_ROSE;
	summary->knows_resident = flags & PINNING_RESIDENT_KNOWN;
	while (g_variant_iter_next(kept, "(ut)", &cause, &one.bytes)) {
		if (cause >= HC_KEPT_CAUSE_COUNT || summary->kept_count == HC_KEPT_CAUSE_COUNT)
			return false;
		one.cause = cause;
		summary->kept[summary->kept_count++] = one;
	}
	return true;
}

static bool load_side_facts(hc_snapshot *snapshot, GVariant *section)
{
	snapshot->side_facts = hc_side_facts_load(section);
	return snapshot->side_facts != NULL;
}

static const struct {
	const char *name, *type;
	bool (*load)(hc_snapshot *snapshot, GVariant *section);
	bool may_be_missing;
} sections[] = {
	{ "identity", SNAPSHOT_IDENTITY, load_identity, false },
	{ "process", SNAPSHOT_PROCESS, load_process, false },
	{ "threads", SNAPSHOT_THREADS, load_threads, false },
	{ "heap", SNAPSHOT_HEAP, load_heap, false },
	{ "diagnostics", SNAPSHOT_DIAGNOSTICS, load_diagnostics, false },
	{ "memory", SNAPSHOT_MEMORY, load_memory, false },
	{ "totals", SNAPSHOT_TOTALS, load_totals, false },
	{ "owners", SNAPSHOT_OWNERS, load_owners, false },
	{ "lost", SNAPSHOT_LOST, load_lost, false },
	{ "sizes", SNAPSHOT_SIZES, load_sizes, false },
	{ "numbers", SNAPSHOT_NUMBERS, load_numbers, false },
	{ "pins", SNAPSHOT_PINS, load_pins, false },
	{ "pin-holders", NULL, load_pin_holders, true },
	{ "pinning", SNAPSHOT_PINNING, load_pinning, true }, /* not in the first files of format 1 */
	{ "owners-where", NULL, load_owners_where, true },
	{ "owners-shared", NULL, load_owners_shared, true },
	{ "owners-outside", SNAPSHOT_OWNERS_OUTSIDE, load_owners_outside, true },
	{ "owners-free", SNAPSHOT_OWNERS_FREE, load_owners_free, true },
	{ "owners-untyped", SNAPSHOT_OWNERS_UNTYPED, load_owners_untyped, true },
	{ "sample", SNAPSHOT_SAMPLE, hc_sample_load, true },
	{ "lost-evidence", NULL, load_lost_evidence, true },
	{ "lost-shapes", NULL, load_lost_shapes, true },
	{ "layouts", SNAPSHOT_LAYOUTS, hc_snapshot_load_layouts, true },
	{ "sites", SNAPSHOT_SITES, hc_snapshot_load_sites, true },
	{ "unjoined", NULL, load_unjoined, true },
	{ "unjoined-routine", SNAPSHOT_UNJOINED_ROUTINE, load_unjoined_routine, true },
	{ "resident", NULL, hc_snapshot_load_resident, true },
	{ "lost-resident", NULL, hc_snapshot_load_lost_resident, true },
	{ "runtimes", SNAPSHOT_RUNTIMES, hc_snapshot_load_uses, true },
	{ "side-facts", NULL, load_side_facts, true },
};

hc_snapshot *hc_snapshot_read(const char *path, GError **error)
{
	size_t length;
	g_autofree char *contents = hc_file_read(path, SNAPSHOT_SIZE_MAX, &length, error);
	g_autoptr(GVariant) value = contents ? check(path, contents, length, error) : NULL;
	g_autoptr(hc_snapshot) snapshot = NULL;

	if (!value)
		return NULL;
	snapshot = hc_snapshot_new();
	for (unsigned i = 0; i < G_N_ELEMENTS(sections); i++) {
		const GVariantType *type = sections[i].type ? G_VARIANT_TYPE(sections[i].type) : NULL;
		g_autoptr(GVariant) section = g_variant_lookup_value(value, sections[i].name, type);

		if (section ? sections[i].load(snapshot, section) : sections[i].may_be_missing)
			continue;
		g_set_error(error, HC_ERROR, HC_ERROR_BAD_DATA, "%s: the snapshot's section \"%s\" %s", path,
			sections[i].name, section ? "makes no sense" : "is missing");
		return NULL;
	}
	return g_steal_pointer(&snapshot);
}
