/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of snapshots: what was written is what is read, and whatever else a file may hold is refused with a reason. */
#include "snapshot_builder.h"
#include "unit.h"

#include "capture/capture_parts.h"
#include "snapshot/format.h"
#include "wording/wording.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <heapcore/reports.h>
#include <stdio.h>
#include <string.h>

static const hc_diagnostic_kind missing = { "test-missing", HC_SEVERITY_PARTIAL, "of memory are missing" };
static const hc_diagnostic_kind note = { "test-note", HC_SEVERITY_NOTE, "things were seen" };

/* ---- a folder for files ---- */

typedef struct file_place {
	char *folder, *path;
} file_place;

static file_place place_create(void)
{
	g_autoptr(GError) error = NULL;
	char *folder = g_dir_make_tmp("heapcore-test-XXXXXX", &error);

	if (!folder)
		g_error("no temporary folder: %s", error->message);
	return (file_place){ folder, g_build_filename(folder, "a.snap", NULL) };
}

static void place_clear(file_place *place)
{
	g_unlink(place->path);
	g_rmdir(place->folder);
	g_free(place->folder);
	g_free(place->path);
}

static void put(const file_place *place, const char *contents, size_t length)
{
	FILE *file = fopen(place->path, "w"); /* GLib's way waits for the disk, and these are thousands */

	CU_ASSERT_TRUE(file && fwrite(contents, 1, length, file) == length);
	CU_ASSERT_TRUE(file && !fclose(file));
}

/* Reading what is there must fail with CODE; the message names the file and has TEXT (NULL: any) in it. */
static void refuse(const file_place *place, int code, const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(hc_snapshot) snapshot = hc_snapshot_read(place->path, &error);

	CU_ASSERT_PTR_NULL(snapshot);
	CU_ASSERT_PTR_NOT_NULL(error);
	if (!error)
		return;
	if (!g_error_matches(error, HC_ERROR, code))
		printf("\ncode %d, should be %d: %s\n", error->code, code, error->message);
	CU_ASSERT_TRUE(g_error_matches(error, HC_ERROR, code));
	UNIT_ASSERT_CONTAINS(error->message, place->path);
	if (text)
		UNIT_ASSERT_CONTAINS(error->message, text);
}

/* ---- there and back ---- */

static void snapshot_add_pin(hc_snapshot *snapshot, hc_pin_holder pin)
{
	pin.amount = (hc_amount){ 23 + snapshot->pins->len, 24 };
	pin.pinned = 25;
	g_array_append_val(snapshot->pins, pin);
}

/* Every figure another number, every text another text. */
/* Half of all, each row with another remainder. */
static void make_resident(hc_snapshot *snapshot)
{
	snapshot->knows_resident = true;
	for (unsigned i = 0; i < snapshot->memory->len; i++) {
		hc_memory_row *row = &g_array_index(snapshot->memory, hc_memory_row, i);

		row->knows_resident = true;
		row->resident = (hc_resident){ row->bytes / 2, row->bytes / 3 };
	}
	for (unsigned i = 0; i < snapshot->owners->len; i++) {
		hc_snapshot_owner *owner = &g_array_index(snapshot->owners, hc_snapshot_owner, i);

		owner->mapped_resident = owner->mapped.bytes / 2;
		owner->own_resident = owner->own.bytes / 2;
	}
	for (unsigned i = 0; i < snapshot->sizes->len; i++) {
		hc_snapshot_size *size = &g_array_index(snapshot->sizes, hc_snapshot_size, i);

		size->unowned_resident = size->size * size->unowned / 2;
		size->unowned_mapped_resident = size->size * size->unowned_mapped / 3;
	}
}

/* It has a tenth of a row. */
static void add_use(hc_snapshot *snapshot, hc_runtime_use use)
{
	uint64_t bytes = snapshot_row(snapshot, HC_ROW_FILES)->bytes / 10;
	hc_snapshot_use row = { .part = { .row = HC_ROW_FILES, .use = use, .bytes = bytes, .mappings = 3 },
		.outside = bytes / 2 };

	g_array_append_val(snapshot->uses, row);
}

static hc_site_answer make_answer(hc_snapshot *snapshot)
{
	hc_module *module = g_new0(hc_module, 1);
	hc_site *site = g_new0(hc_site, 1);
	hc_site_answer answer = { .size = 40,
		.verdict = HC_SITE_VERDICT_PROBABLY,
		.is_varying = true,
		.by_contents = true,
		.count = 1,
		.place_count = 1,
		.of_size = 3,
		.computed = 4,
		.only_in = module };

	module->name = "libcodec.so";
	module->path = "/lib/libcodec.so";
	*site = (hc_site){ .module = module, .address = 0x1234, .allocator = "malloc", .size_kind = HC_SITE_COMPUTED };
	g_ptr_array_add(snapshot->modules, module);
	g_ptr_array_add(snapshot->calls, site);
	answer.sites = g_memdup2(&site, sizeof site);
	answer.places = g_new0(hc_site_place, 1);
	answer.places[0] = (hc_site_place){ .function = "encode", .file = "codec.c", .line = 41, .inlined = "put" };
	return answer;
}

static void add_code(hc_snapshot *snapshot)
{
	hc_snapshot_site site = { .lost = 1, .size = 40, .answer = make_answer(snapshot) };
	hc_snapshot_layouts layouts = { .has_site = true, .site = make_answer(snapshot) };
	hc_abi_difference *difference = &layouts.difference;

	difference->kind = HC_ABI_CLASS;
	difference->same = HC_ABI_SAME_FILE;
	difference->name = "packet";
	difference->holders[0] = "extension";
	difference->holder_count = 1;
	difference->overrun = 2;
	difference->trees = 12;
	difference->lost[HC_ABI_LOST_BY_FREED] = (hc_amount){ 10, 800 };
	difference->lost[HC_ABI_LOST_BY_LIKES] = (hc_amount){ 2, 500 };
	for (unsigned i = 0; i < 2; i++) {
		difference->sides[i].modules[0] = layouts.site.only_in;
		difference->sides[i].module_count = 1;
		difference->sides[i].unit = i ? "old.c" : "new.c";
		difference->sides[i].size = i ? 24 : 32;
		difference->sides[i].parts = i ? 3 : 4;
	}
	snapshot->knows_layouts = snapshot->knows_sites = true;
	g_array_append_val(snapshot->layouts, layouts);
	g_array_append_val(snapshot->sites, site);
}

static hc_snapshot *make_full(void)
{
	hc_snapshot *snapshot = snapshot_create();
	hc_side_facts *facts = hc_side_facts_new();
	hc_snapshot_owner *owner;
	hc_leak_kind *lost;

	snapshot->process.signal = 11;
	snapshot->process.big_endian = true;
	snapshot->heap = (hc_heap_info){ .allocator = "allocator",
		.version = "version",
		.layout = "layout",
		.layout_from_debug_info = true,
		.library = "library",
		.provider = "provider",
		.foreign = "foreign",
		.found = true,
		.mmapped_count = 51,
		.mmapped_bytes = 52,
		.mmapped_known = true,
		.alignment = 53 };
	snapshot->pinning = (hc_pins_summary){ .heap_found = true,
		.knows_resident = true,
		.free = 61,
		.trim = 62,
		.zero = 63,
		.pinned = 64,
		.pinning = { 65, 66 },
		.thresholds_move = true,
		.trim_threshold = 67,
		.mmap_threshold = 68,
		.kept_count = 2,
		.kept = { { HC_KEPT_TCACHE, 70 }, { HC_KEPT_TOP, 69 } } };
	hc_diagnostics_add(snapshot->diagnostics, &missing, 4096, "page %s", "0x1000");
	hc_diagnostics_add(snapshot->diagnostics, &note, 0, NULL);
	snapshot_add_container(snapshot, HC_SNAPSHOT_NONE, "g_registry", "libstdc++ map", 1, 2, 3);
	owner = snapshot_owner(snapshot, snapshot_add_owner(snapshot, 0, "g_registry[]", "Entry", 4, 5));
	owner->kind = "some kind";
	owner->where = (hc_where){ HC_WHERE_FRAME, "run", 8902, 2 };
	owner->function = "run()";
	owner->thread = 8902;
	owner->ordinal = 6;
	owner->is_value = owner->is_keyed = true;
	owner->certainty = HC_CERTAINTY_GUESS;
	owner->grade = HC_GRADE_TRUNCATED;
	owner->mapped = (hc_amount){ 1, 2 };
	owner->count = 7;
	owner->elements = 8;
	owner->capacity = 9;
	owner->keys_looked_at = 10;
	owner->key_shapes = 11;
	owner->key = "/a/1";
	owner->key_shape = "/a/#";
	owner = snapshot_owner(snapshot, snapshot_add_owner(snapshot, 1, "g_registry[].list", "", 0, 0));
	owner->is_queue = owner->is_found = true;
	lost = snapshot_add_lost(snapshot, "text LOGICPKT", "Packet", 12, 1300);
	lost->beginning = "LOGICPKT/";
	lost->sample = "LOGICPKT/1.0";
	lost->module = "libcodec.so";
	lost->evidence = (hc_leak_kind_evidence){ "libcodec.so.1", false, true, 48, "Codec" };
	lost->head_size = 14;
	lost->head_sizes = 15;
	lost->rings = lost->trees;
	lost->holding_themselves = lost->trees - 1;
	snapshot_add_lost(snapshot, "size 40", NULL, 1, 40);
	snapshot_add_lost(snapshot, "unloaded", NULL, 2, 80)->is_unloaded = true;
	snapshot_add_unowned(snapshot, 24, 20, 2);
	snapshot_add_unowned(snapshot, 48, 22, 0);
	snapshot_add_number(snapshot, "g_count", -5);
	snapshot_add_number(snapshot, "g_low", INT64_MIN);
	snapshot_add_pin(
		snapshot, (hc_pin_holder){ .kind = HC_HOLDER_TYPED, .name = "Session", .path = "g_sessions[]" });
	snapshot_add_pin(snapshot, (hc_pin_holder){ .kind = HC_HOLDER_CACHED, .thread = 35, .size = 36 });
	snapshot_add_pin(snapshot, (hc_pin_holder){ .kind = HC_HOLDER_LIBC, .label = { HC_LABEL_DTV, 37 } });
	snapshot_finish(snapshot);
	snapshot->indirectly_lost = (hc_amount){ 26, 27 };
	snapshot->unjoined = (hc_unjoined){ 30, 31 << 20, 32, true, "play", 29 };
	snapshot->knows_unjoined = true;
	snapshot->knows_uses = true;
	add_use(snapshot, (hc_runtime_use){ HC_RUNTIME_GO, NULL, false });
	add_use(snapshot, (hc_runtime_use){ HC_RUNTIME_NAMED, "a pool", true });
	snapshot->possibly_lost = (hc_amount){ 28, 29 };
	snapshot->free_pages = (hc_free_pages){ 30, 31, 32, 33, 34 };
	facts->time = 35;
	facts->executable = "/usr/bin/logic_worker";
	facts->resident = 36;
	facts->unread = 37;
	facts->sockets[HC_SOCKET_UDP] = (hc_socket_sum){ 38, 39, 40, 41 };
	snapshot->side_facts = facts;
	make_resident(snapshot);
	add_code(snapshot);
	g_array_append_vals(snapshot->sample, (hc_snapshot_block[]){ { 0x2000, 70, 2 }, { 0x3000, 71, 0 } }, 2);
	snapshot->sample_large = 70;
	snapshot->sample_shift = 3;
	return snapshot;
}

#define SAME(MEMBER)	  CU_ASSERT_EQUAL(a->MEMBER, b->MEMBER)
#define SAME_TEXT(MEMBER) CU_ASSERT_TRUE(!g_strcmp0(a->MEMBER, b->MEMBER))
#define SAME_AMOUNT(MEMBER) \
	SAME(MEMBER.blocks); \
	SAME(MEMBER.bytes)

static void compare_heads(const hc_snapshot *a, const hc_snapshot *b)
{
	SAME_TEXT(path);
	SAME(core_size);
	SAME_TEXT(process.name);
	SAME_TEXT(process.arguments);
	SAME_TEXT(process.executable);
	SAME_TEXT(process.machine);
	SAME(process.pid);
	SAME(process.signal);
	SAME(process.origin);
	SAME(process.machine_id);
	SAME(process.word_size);
	SAME(process.big_endian);
	SAME(process.page_size);
	SAME(thread_count);
	SAME_TEXT(heap.allocator);
	SAME_TEXT(heap.version);
	SAME_TEXT(heap.layout);
	SAME(heap.layout_from_debug_info);
	SAME(heap.safe_linking);
	SAME_TEXT(heap.library);
	SAME_TEXT(heap.provider);
	SAME_TEXT(heap.foreign);
	SAME(heap.found);
	SAME(heap.mmapped_count);
	SAME(heap.mmapped_bytes);
	SAME(heap.mmapped_known);
	SAME(heap.alignment);
	SAME_TEXT(program);
	SAME_TEXT(build_id);
	SAME_TEXT(random);
	SAME(pinning.heap_found);
	SAME(pinning.knows_resident);
	SAME(pinning.free);
	SAME(pinning.trim);
	SAME(pinning.zero);
	SAME(pinning.pinned);
	SAME_AMOUNT(pinning.pinning);
	SAME(pinning.thresholds_known);
	SAME(pinning.thresholds_move);
	SAME(pinning.threshold_rose);
	SAME(pinning.trim_threshold);
	SAME(pinning.mmap_threshold);
	SAME(pinning.kept_count);
	for (unsigned i = 0; i < a->pinning.kept_count; i++) {
		SAME(pinning.kept[i].cause);
		SAME(pinning.kept[i].bytes);
	}
	SAME(program_start);
	SAME(libc_start);
	SAME(has_types);
	SAME(has_content);
	SAME(owners_left_out);
}

static void compare_totals(const hc_snapshot *a, const hc_snapshot *b)
{
	SAME(total);
	SAME_AMOUNT(directly_lost);
	SAME_AMOUNT(indirectly_lost);
	SAME_AMOUNT(possibly_lost);
	SAME_AMOUNT(in_use);
	SAME_AMOUNT(free);
	SAME(free_pages.whole);
	SAME(free_pages.zero);
	SAME(free_pages.trim);
	SAME(free_pages.trim_zero);
	SAME(free_pages.largest);
}

static void compare_owner(const hc_snapshot_owner *a, const hc_snapshot_owner *b)
{
	SAME(parent);
	SAME(own_resident);
	SAME(mapped_resident);
	SAME_TEXT(path);
	SAME(where.kind);
	SAME_TEXT(where.name);
	SAME(where.thread);
	SAME(where.frame);
	SAME_TEXT(type);
	SAME_TEXT(kind);
	SAME_TEXT(function);
	SAME(thread);
	SAME(ordinal);
	SAME(is_value);
	SAME(is_queue);
	SAME(is_keyed);
	SAME(is_found);
	SAME(certainty);
	SAME(grade);
	SAME_AMOUNT(own);
	SAME_AMOUNT(mapped);
	SAME(count);
	SAME(elements);
	SAME(capacity);
	SAME(keys_looked_at);
	SAME(key_shapes);
	SAME_TEXT(key);
	SAME_TEXT(key_shape);
}

static void compare_lost(const hc_leak_kind *a, const hc_leak_kind *b)
{
	SAME_TEXT(key);
	SAME_TEXT(type);
	SAME_TEXT(beginning);
	SAME_TEXT(sample);
	SAME_TEXT(module);
	SAME(is_unloaded);
	SAME(rings);
	SAME(holding_themselves);
	SAME_TEXT(evidence.module);
	SAME_TEXT(evidence.type);
	SAME(evidence.on_stack);
	SAME(evidence.by_others);
	SAME(evidence.size);
	SAME(trees);
	SAME_AMOUNT(amount);
	SAME(head_size);
	SAME(head_sizes);
}

static void compare_row(const hc_memory_row *a, const hc_memory_row *b)
{
	SAME(id);
	SAME(knows_resident);
	SAME(resident.resident);
	SAME(resident.swapped);
	SAME_TEXT(unit);
	SAME(of);
	SAME(bytes);
	SAME(count);
	SAME(is_memory);
	SAME(is_bound);
}

static void compare_size(const hc_snapshot_size *a, const hc_snapshot_size *b)
{
	SAME(size);
	SAME(unowned_resident);
	SAME(unowned_mapped_resident);
	SAME(blocks);
	SAME(lost);
	SAME(unowned);
	SAME(unowned_mapped);
}

static void compare_number(const hc_snapshot_number *a, const hc_snapshot_number *b)
{
	SAME_TEXT(path);
	SAME(value);
}

static void compare_pin(const hc_pin_holder *a, const hc_pin_holder *b)
{
	SAME(kind);
	SAME_TEXT(name);
	SAME_TEXT(path);
	SAME(thread);
	SAME(size);
	SAME(label.kind);
	SAME(label.thread);
	SAME_AMOUNT(amount);
	SAME(pinned);
}

static void compare_thread(const int64_t *a, const int64_t *b)
{
	CU_ASSERT_EQUAL(*a, *b);
}

#define SAME_TABLE(TABLE, TYPE, COMPARE) \
	SAME(TABLE->len); \
	for (unsigned i = 0; i < MIN(a->TABLE->len, b->TABLE->len); i++) \
	COMPARE(&g_array_index(a->TABLE, TYPE, i), &g_array_index(b->TABLE, TYPE, i))

static void compare_diagnostics(const hc_diagnostics *a, const hc_diagnostics *b)
{
	CU_ASSERT_EQUAL(hc_diagnostics_count(a), hc_diagnostics_count(b));
	CU_ASSERT_EQUAL(hc_diagnostics_partial(a), hc_diagnostics_partial(b));
	for (unsigned i = 0; i < MIN(hc_diagnostics_count(a), hc_diagnostics_count(b)); i++) {
		const hc_diagnostic *x = hc_diagnostics_get(a, i), *y = hc_diagnostics_get(b, i);

		UNIT_ASSERT_TEXT(x->kind->id, y->kind->id);
		UNIT_ASSERT_TEXT(x->kind->text, y->kind->text);
		CU_ASSERT_EQUAL(x->kind->severity, y->kind->severity);
		CU_ASSERT_EQUAL(x->count, y->count);
		CU_ASSERT_EQUAL(x->bytes, y->bytes);
		CU_ASSERT_TRUE(!g_strcmp0(x->example, y->example));
	}
}

static void compare_facts(const hc_side_facts *a, const hc_side_facts *b)
{
	SAME(time);
	SAME_TEXT(executable);
	SAME_TEXT(cgroup);
	SAME(resident);
	SAME(unread);
	SAME(cgroup_limit);
	SAME(sockets[HC_SOCKET_UDP].count);
	SAME(sockets[HC_SOCKET_UDP].waiting);
	SAME(sockets[HC_SOCKET_UDP].unread);
	SAME(sockets[HC_SOCKET_UDP].unsent);
}

static void compare_use(const hc_snapshot_use *a, const hc_snapshot_use *b)
{
	SAME(part.row);
	SAME(part.use.kind);
	SAME(part.use.is_proved);
	SAME_TEXT(part.use.name);
	SAME(part.bytes);
	SAME(part.mappings);
	SAME(part.resident.resident);
	SAME(part.resident.swapped);
	SAME(outside);
	SAME(outside_resident);
}

static void compare_sampled(const hc_snapshot_block *a, const hc_snapshot_block *b)
{
	SAME(address);
	SAME(size);
	SAME(owner);
}

static void compare_answers(const hc_site_answer *a, const hc_site_answer *b)
{
	g_autofree char *words_a = hc_word_site_answer(a), *words_b = hc_word_site_answer(b);

	SAME(size);
	SAME(verdict);
	SAME(is_varying);
	SAME(without_runtime);
	SAME(by_class);
	SAME(by_contents);
	SAME(count);
	SAME(of_size);
	SAME(computed);
	SAME(place_count);
	UNIT_ASSERT_TEXT(words_a, words_b);
	for (unsigned i = 0; i < MIN(a->place_count, b->place_count); i++) {
		SAME(sites[i]->address);
		SAME(sites[i]->size_kind);
		SAME(sites[i]->size);
		SAME_TEXT(sites[i]->allocator);
		SAME_TEXT(sites[i]->module->name);
		SAME(places[i].line);
		SAME(places[i].offset);
		SAME_TEXT(places[i].inlined);
	}
}

static void compare_site(const hc_snapshot_site *a, const hc_snapshot_site *b)
{
	SAME(lost);
	SAME(size);
	compare_answers(&a->answer, &b->answer);
}

static void compare_layouts(const hc_snapshot_layouts *a, const hc_snapshot_layouts *b)
{
	g_autofree char *words_a = hc_word_abi(&a->difference), *words_b = hc_word_abi(&b->difference);

	UNIT_ASSERT_TEXT(words_a, words_b);
	SAME(difference.kind);
	SAME(difference.same);
	SAME(difference.trees);
	SAME(difference.overrun);
	SAME(has_site);
	compare_answers(&a->site, &b->site);
}

static void compare(const hc_snapshot *a, const hc_snapshot *b)
{
	compare_heads(a, b);
	compare_totals(a, b);
	compare_diagnostics(a->diagnostics, b->diagnostics);
	SAME(knows_resident);
	SAME(knows_unjoined);
	SAME(unjoined.threads);
	SAME(unjoined.bytes);
	SAME(unjoined.memory);
	SAME(unjoined.is_resident);
	SAME(unjoined.routine_threads);
	SAME_TEXT(unjoined.routine);
	SAME_TABLE(threads, int64_t, compare_thread);
	SAME_TABLE(memory, hc_memory_row, compare_row);
	SAME(knows_uses);
	SAME_TABLE(uses, hc_snapshot_use, compare_use);
	SAME_TABLE(owners, hc_snapshot_owner, compare_owner);
	SAME_TABLE(lost, hc_leak_kind, compare_lost);
	SAME_TABLE(sizes, hc_snapshot_size, compare_size);
	SAME_TABLE(numbers, hc_snapshot_number, compare_number);
	SAME_TABLE(pins, hc_pin_holder, compare_pin);
	SAME(knows_layouts);
	SAME(knows_sites);
	SAME_TABLE(layouts, hc_snapshot_layouts, compare_layouts);
	SAME_TABLE(sites, hc_snapshot_site, compare_site);
	SAME(sample_shift);
	SAME(sample_large);
	SAME_TABLE(sample, hc_snapshot_block, compare_sampled);
	CU_ASSERT_EQUAL(!a->side_facts, !b->side_facts);
	if (a->side_facts && b->side_facts)
		compare_facts(a->side_facts, b->side_facts);
}

static void there_and_back(hc_snapshot *snapshot)
{
	file_place place = place_create();
	g_autoptr(GError) error = NULL;
	g_autoptr(hc_snapshot) read = NULL;
	uint64_t size = 0;
	GStatBuf status;

	CU_ASSERT_FALSE(hc_snapshot_is_one(place.path));
	CU_ASSERT_TRUE(hc_snapshot_write(snapshot, place.path, false, &size, &error));
	CU_ASSERT_TRUE(!g_stat(place.path, &status) && (uint64_t)status.st_size == size);
	CU_ASSERT_TRUE(hc_snapshot_is_one(place.path));
	read = hc_snapshot_read(place.path, &error);
	if (error)
		printf("\n%s\n", error->message);
	CU_ASSERT_PTR_NOT_NULL(read);
	if (read)
		compare(snapshot, read);
	hc_snapshot_destroy(snapshot);
	place_clear(&place);
}

static void test_there_and_back(void)
{
	there_and_back(make_full());
}

/* As little as there can be. */
static void test_empty_tables(void)
{
	hc_snapshot *snapshot = snapshot_create();

	g_array_set_size(snapshot->memory, 0);
	g_array_set_size(snapshot->threads, 0);
	snapshot->build_id = snapshot->random = NULL;
	snapshot->has_types = snapshot->has_content = false;
	there_and_back(snapshot);
}

static void test_forget_content(void)
{
	g_autoptr(hc_snapshot) snapshot = make_full();

	hc_snapshot_forget_content(snapshot);
	CU_ASSERT_FALSE(snapshot->has_content);
	for (unsigned i = 0; i < snapshot->owners->len; i++) {
		CU_ASSERT_PTR_NULL(snapshot_owner(snapshot, i)->key);
		CU_ASSERT_PTR_NULL(snapshot_owner(snapshot, i)->key_shape);
		CU_ASSERT_EQUAL(snapshot_owner(snapshot, i)->keys_looked_at, 0);
	}
	for (unsigned i = 0; i < snapshot->lost->len; i++) {
		const hc_leak_kind *lost = &g_array_index(snapshot->lost, hc_leak_kind, i);

		CU_ASSERT_PTR_NULL(lost->beginning);
		CU_ASSERT_PTR_NULL(lost->sample);
		CU_ASSERT_PTR_NOT_NULL(lost->key);
	}
}

/* ---- files that are none, or damaged ---- */

static char *write_full(const file_place *place, size_t *ret_length)
{
	g_autoptr(hc_snapshot) snapshot = make_full();
	char *contents = NULL;

	CU_ASSERT_TRUE(hc_snapshot_write(snapshot, place->path, true, NULL, NULL));
	CU_ASSERT_TRUE(g_file_get_contents(place->path, &contents, ret_length, NULL));
	return contents;
}

static void test_cut(void)
{
	file_place place = place_create();
	size_t length = 0, line;
	g_autofree char *contents = write_full(&place, &length);

	line = strchr(contents, '\n') + 1 - contents;
	for (size_t i = 0; i < length; i++) {
		put(&place, contents, i);
		refuse(&place, i < line ? HC_ERROR_BAD_DATA : HC_ERROR_TRUNCATED,
			i < line ? "not a heapcore snapshot" : "the snapshot is cut");
	}
	place_clear(&place);
}

/* Every byte of the file, each with a bit or all of them flipped: never the same snapshot with another meaning. */
static void test_flipped(void)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	file_place place = place_create();
	size_t length = 0, accepted = 0;
	g_autofree char *contents = write_full(&place, &length);

	for (size_t i = 0; i < length * G_N_ELEMENTS(flips); i++) {
		size_t at = i / G_N_ELEMENTS(flips);
		g_autoptr(GError) error = NULL;
		g_autoptr(hc_snapshot) snapshot = NULL;

		contents[at] ^= flips[i % G_N_ELEMENTS(flips)];
		put(&place, contents, length);
		snapshot = hc_snapshot_read(place.path, &error);
		accepted += snapshot != NULL;
		CU_ASSERT_TRUE(snapshot || (error && error->domain == HC_ERROR && strstr(error->message, place.path)));
		contents[at] ^= flips[i % G_N_ELEMENTS(flips)];
	}
	CU_ASSERT_EQUAL(accepted, 0);
	place_clear(&place);
}

static void test_longer(void)
{
	file_place place = place_create();
	size_t length = 0;
	g_autofree char *contents = write_full(&place, &length);

	contents = g_realloc(contents, length + 1);
	contents[length] = 0;
	put(&place, contents, length + 1);
	refuse(&place, HC_ERROR_BAD_DATA, "damaged");
	place_clear(&place);
}

static void test_not_one(void)
{
	static const char *const others[] = {
		"",
		"heapcore-snapshot",
		"heapcore-snapshot ",
		"heapcore-snapshot 1 0\n",
		"heapcore-snapshot 1 0 abc\n",
		"heapcore-snapshot -1 0 0123456789012345678901234567890123456789012345678901234567890123\n",
		"heapcore-snapshot 0 0 0123456789012345678901234567890123456789012345678901234567890123\n",
		"heapcore-snapshot 1 99999999999999999999 "
		"0123456789012345678901234567890123456789012345678901234567890123\n",
		"heapcore-snapshots 1 0 0123456789012345678901234567890123456789012345678901234567890123\n",
		"\177ELF\2\1\1",
		"some text\n",
	};
	file_place place = place_create();

	for (unsigned i = 0; i < G_N_ELEMENTS(others); i++) {
		put(&place, others[i], strlen(others[i]));
		refuse(&place, HC_ERROR_BAD_DATA, "not a heapcore snapshot");
	}
	/* What is longer than all memory is cut, not asked for. */
	put(&place,
		"heapcore-snapshot 1 18446744073709551615 " /* sum */
		"0123456789012345678901234567890123456789012345678901234567890123\nx",
		strlen("heapcore-snapshot 1 18446744073709551615 ") + 66);
	refuse(&place, HC_ERROR_TRUNCATED, "is cut");
	g_unlink(place.path);
	refuse(&place, HC_ERROR_IO, NULL);
	CU_ASSERT_FALSE(hc_snapshot_is_one(place.path));
	g_mkdir(place.path, 0700);
	refuse(&place, HC_ERROR_IO, NULL);
	CU_ASSERT_FALSE(hc_snapshot_is_one(place.path));
	g_rmdir(place.path);
	place_clear(&place);
}

/* ---- files whose checksum agrees ---- */

static void put_data(const file_place *place, const void *data, size_t size, unsigned format)
{
	g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, data, size);
	g_autoptr(GString) file = g_string_new(NULL);

	g_string_printf(file, SNAPSHOT_MAGIC "%u %" G_GSIZE_FORMAT " %s\n", format, size, sum);
	g_string_append_len(file, data, (gssize)size);
	put(place, file->str, file->len);
}

static void put_value(const file_place *place, GVariant *value, unsigned format)
{
	g_autoptr(GVariant) own = g_variant_ref_sink(value);

	put_data(place, g_variant_get_data(own), g_variant_get_size(own), format);
}

/* The snapshot at PLACE with SECTION replaced; VALUE NULL: left out. */
static GVariant *replace(const file_place *place, const char *section, GVariant *value)
{
	size_t length = 0;
	g_autofree char *contents = write_full(place, &length);
	char *data = strchr(contents, '\n') + 1;
	g_autoptr(GBytes) bytes = g_bytes_new(data, length - (data - contents));
	g_autoptr(GVariant) whole = g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE_VARDICT, bytes, FALSE));
	g_auto(GVariantDict) sections;

	g_variant_dict_init(&sections, whole);
	if (value)
		g_variant_dict_insert_value(&sections, section, value);
	else
		g_variant_dict_remove(&sections, section);
	return g_variant_dict_end(&sections);
}

static void test_newer(void)
{
	file_place place = place_create();

	put_value(&place, replace(&place, "no such", NULL), HC_SNAPSHOT_FORMAT + 1);
	refuse(&place, HC_ERROR_UNSUPPORTED, "written by a newer heapcore; this one reads format 1");
	place_clear(&place);
}

/* A section that is not known is something newer that can be done without. */
static void test_more_sections(void)
{
	file_place place = place_create();
	g_autoptr(hc_snapshot) expected = make_full(), read = NULL;

	put_value(&place, replace(&place, "colours", g_variant_new_string("blue")), HC_SNAPSHOT_FORMAT);
	read = hc_snapshot_read(place.path, NULL);
	CU_ASSERT_PTR_NOT_NULL(read);
	if (read)
		compare(expected, read);
	place_clear(&place);
}

/* As written before it was told apart from its words where owners are. */
static void test_no_where(void)
{
	file_place place = place_create();
	g_autoptr(hc_snapshot) read = NULL;

	put_value(&place, replace(&place, "owners-where", NULL), HC_SNAPSHOT_FORMAT);
	read = hc_snapshot_read(place.path, NULL);
	CU_ASSERT_PTR_NOT_NULL(read);
	for (unsigned i = 0; read && i < read->owners->len; i++)
		CU_ASSERT_EQUAL(g_array_index(read->owners, hc_snapshot_owner, i).where.kind, HC_WHERE_UNKNOWN);
	place_clear(&place);
}

/* As written when what pins was words. */
static void test_pins_in_words(void)
{
	file_place place = place_create();
	g_autoptr(hc_snapshot) read = NULL;

	put_value(&place, replace(&place, "pin-holders", NULL), HC_SNAPSHOT_FORMAT);
	read = hc_snapshot_read(place.path, NULL);
	CU_ASSERT_PTR_NOT_NULL(read);
	if (read && read->pins->len) {
		g_autofree char *name = hc_word_pin_holder(&g_array_index(read->pins, hc_pin_holder, 0));

		UNIT_ASSERT_TEXT(name, "Session");
	}
	place_clear(&place);
}

/* As written before it was known, and of what is no capture. */
static void test_no_resident(void)
{
	file_place place = place_create();
	g_autoptr(hc_snapshot) read = NULL;

	put_value(&place, replace(&place, "resident", NULL), HC_SNAPSHOT_FORMAT);
	read = hc_snapshot_read(place.path, NULL);
	CU_ASSERT_TRUE(read && !read->knows_resident);
	for (unsigned i = 0; read && i < read->memory->len; i++)
		CU_ASSERT_FALSE(g_array_index(read->memory, hc_memory_row, i).knows_resident);
	place_clear(&place);
}

/* As written before lost blocks had shapes. */
static void test_no_shapes(void)
{
	file_place place = place_create();
	g_autoptr(hc_snapshot) read = NULL;

	put_value(&place, replace(&place, "lost-shapes", NULL), HC_SNAPSHOT_FORMAT);
	read = hc_snapshot_read(place.path, NULL);
	CU_ASSERT_PTR_NOT_NULL(read);
	for (unsigned i = 0; read && i < read->lost->len; i++) {
		const hc_leak_kind *lost = &g_array_index(read->lost, hc_leak_kind, i);

		CU_ASSERT_TRUE(lost->trees && !lost->rings && !lost->holding_themselves && !lost->is_unloaded);
	}
	place_clear(&place);
}

static char *verdict_of(const hc_snapshot *before, const hc_snapshot *after)
{
	const hc_snapshot *snapshots[] = { before, after };
	g_autoptr(hc_diff) diff = hc_diff_create(snapshots, G_N_ELEMENTS(snapshots));
	g_auto(GStrv) lines = hc_word_verdict(diff);

	return g_strjoinv("\n", lines);
}

/* As written before code was read: that it is not known is said, and nothing else. */
static void test_no_code(void)
{
	file_place place = place_create();
	g_autoptr(hc_snapshot) old = NULL, before = make_full(), after = make_full();
	g_autofree char *of_old = NULL, *of_new = NULL, *from_old = NULL;

	put_value(&place, replace(&place, "layouts", NULL), HC_SNAPSHOT_FORMAT);
	put_value(&place, replace(&place, "sites", NULL), HC_SNAPSHOT_FORMAT);
	put_value(&place, replace(&place, "layouts", NULL), HC_SNAPSHOT_FORMAT);
	old = hc_snapshot_read(place.path, NULL);
	CU_ASSERT_TRUE(old && !old->knows_layouts && !old->layouts->len && hc_snapshot_is_without_code(old));
	CU_ASSERT_FALSE(hc_snapshot_is_without_code(after));
	for (unsigned i = 0; i < before->lost->len; i++)
		g_array_index(before->lost, hc_leak_kind, i).amount.bytes /= 2;
	g_array_index(before->layouts, hc_snapshot_layouts, 0).difference.lost[HC_ABI_LOST_BY_FREED].bytes = 100;
	of_new = verdict_of(before, after);
	CU_ASSERT_PTR_NOT_NULL(strstr(of_new, "packet: new.c of libcodec.so was built with 4 members (32 bytes)"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(of_new, "700 B of them since the first, probably allocated at codec.c:41 in encode()"));
	CU_ASSERT_PTR_NULL(strstr(of_new, "earlier version"));
	if (old) {
		of_old = verdict_of(before, old);
		CU_ASSERT_PTR_NULL(strstr(of_old, "packet: "));
		CU_ASSERT_PTR_NOT_NULL(strstr(of_old, "The last snapshot is of an earlier version of heapcore"));
		for (unsigned i = 0; i < old->lost->len; i++)
			g_array_index(old->lost, hc_leak_kind, i).amount.bytes /= 2;
		from_old = verdict_of(old, after);
		CU_ASSERT_PTR_NOT_NULL(strstr(from_old, "of the first it is not known"));
	}
	place_clear(&place);
}

static void test_sections(void)
{
	static const char *const names[] = { "identity", "process", "threads", "heap", "diagnostics", "memory",
		"totals", "owners", "lost", "sizes", "numbers", "pins" };
	file_place place = place_create();

	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
		put_value(&place, replace(&place, names[i], NULL), HC_SNAPSHOT_FORMAT);
		refuse(&place, HC_ERROR_BAD_DATA, names[i]);
		put_value(&place, replace(&place, names[i], g_variant_new_string("text")), HC_SNAPSHOT_FORMAT);
		refuse(&place, HC_ERROR_BAD_DATA, names[i]);
	}
	put_value(&place, replace(&place, "side-facts", g_variant_new_string("text")), HC_SNAPSHOT_FORMAT);
	refuse(&place, HC_ERROR_BAD_DATA, "side-facts");
	put_value(&place, replace(&place, "unjoined", g_variant_new_string("text")), HC_SNAPSHOT_FORMAT);
	refuse(&place, HC_ERROR_BAD_DATA, "unjoined");
	put_value(&place, replace(&place, "lost-shapes", g_variant_new_string("text")), HC_SNAPSHOT_FORMAT);
	refuse(&place, HC_ERROR_BAD_DATA, "lost-shapes");
	put_value(&place, replace(&place, "lost-shapes", g_variant_new("a(ttu)", NULL)), HC_SNAPSHOT_FORMAT);
	refuse(&place, HC_ERROR_BAD_DATA, "lost-shapes"); /* not as many as there are kinds */
	put_value(&place, replace(&place, "owners-where", g_variant_new_string("text")), HC_SNAPSHOT_FORMAT);
	refuse(&place, HC_ERROR_BAD_DATA, "owners-where");
	put_value(&place, replace(&place, "owners-where", g_variant_new("a(umsxu)", NULL)), HC_SNAPSHOT_FORMAT);
	refuse(&place, HC_ERROR_BAD_DATA, "owners-where"); /* not as many as there are owners */
	put_value(&place, replace(&place, "pin-holders", g_variant_new("a(umsxtux)", NULL)), HC_SNAPSHOT_FORMAT);
	refuse(&place, HC_ERROR_BAD_DATA, "pin-holders");
	put_value(&place, replace(&place, "lost-evidence", g_variant_new("a(msmsut)", NULL)), HC_SNAPSHOT_FORMAT);
	refuse(&place, HC_ERROR_BAD_DATA, "lost-evidence");
	put_value(&place, replace(&place, "resident", g_variant_new_string("text")), HC_SNAPSHOT_FORMAT);
	refuse(&place, HC_ERROR_BAD_DATA, "resident");
	put_value(&place, replace(&place, "resident", g_variant_new("(a(tt)a(tt)a(tt))", NULL, NULL, NULL)),
		HC_SNAPSHOT_FORMAT);
	refuse(&place, HC_ERROR_BAD_DATA, "resident"); /* not as many as there are rows */
	put_value(&place, g_variant_new_string("not a dictionary at all"), HC_SNAPSHOT_FORMAT);
	refuse(&place, HC_ERROR_BAD_DATA, NULL);
	place_clear(&place);
}

/* As written before blocks were sampled. */
static void test_no_sample(void)
{
	file_place place = place_create();
	g_autoptr(hc_snapshot) read = NULL;

	put_value(&place, replace(&place, "sample", NULL), HC_SNAPSHOT_FORMAT);
	read = hc_snapshot_read(place.path, NULL);
	CU_ASSERT_TRUE(read && !read->sample->len);
	place_clear(&place);
}

/* The sample has what its own figures say, and not too much or too little, of any number of blocks. */
static void test_sample(void)
{
	static const struct {
		unsigned small, large;
	} heaps[] = { { 0, 0 }, { 100, 100 }, { 2048, 512 }, { 2049, 0 }, { 100, 2000 }, { 200000, 0 },
		{ 100000, 3000 } };

	for (unsigned i = 0; i < G_N_ELEMENTS(heaps); i++) {
		g_autoptr(hc_snapshot) snapshot = snapshot_create();
		g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(hc_snapshot_block));
		unsigned expected = 0, count = heaps[i].small + heaps[i].large;
		hc_address address = 0x10000;
		hc_sampling sampling;

		hc_sampling_begin(&sampling, snapshot);
		for (unsigned j = 0; j < count; j++) {
			bool is_large = (uint64_t)j * heaps[i].large % count < heaps[i].large;
			hc_snapshot_block block = { address, is_large ? 65536 + 64 * (uint64_t)j : 16 + j % 64 * 16,
				j };

			hc_sampling_add(&sampling, block.address, block.size, block.owner);
			g_array_append_val(all, block);
			address += block.size + 16;
		}
		for (unsigned j = 0; j < count; j++) {
			const hc_snapshot_block *block = &g_array_index(all, hc_snapshot_block, j);

			if (!hc_snapshot_is_sampled(block, snapshot->sample_shift, snapshot->sample_large))
				continue;
			if (expected < snapshot->sample->len)
				CU_ASSERT_EQUAL(g_array_index(snapshot->sample, hc_snapshot_block, expected).address,
					block->address);
			expected++;
		}
		CU_ASSERT_EQUAL(snapshot->sample->len, expected);
		CU_ASSERT_TRUE(expected <= 2048 + 512);
		CU_ASSERT_TRUE(expected >= MIN(count, 512));
	}
}

/* What is of the right type and yet cannot be. CHANGE makes a sound snapshot one of these. */
static void refuse_changed(void (*change)(hc_snapshot *snapshot), const char *section)
{
	file_place place = place_create();
	g_autoptr(hc_snapshot) snapshot = make_full();

	change(snapshot);
	CU_ASSERT_TRUE(hc_snapshot_write(snapshot, place.path, true, NULL, NULL));
	refuse(&place, HC_ERROR_BAD_DATA, section);
	place_clear(&place);
}

static void site_of_nothing(hc_snapshot *snapshot)
{
	g_array_index(snapshot->sites, hc_snapshot_site, 0).lost = snapshot->lost->len;
}

static void site_unsure(hc_snapshot *snapshot)
{
	g_array_index(snapshot->sites, hc_snapshot_site, 0).answer.verdict = HC_SITE_VERDICT_COUNT;
}

static void sites_missing(hc_snapshot *snapshot)
{
	g_array_index(snapshot->sites, hc_snapshot_site, 0).answer.place_count = 0;
}

static void layouts_of_nobody(hc_snapshot *snapshot)
{
	g_array_index(snapshot->layouts, hc_snapshot_layouts, 0).difference.sides[1].module_count = 0;
}

/* Of these the sentence names a call, which no snapshot has. */
static void layouts_without_call(hc_snapshot *snapshot)
{
	g_array_index(snapshot->layouts, hc_snapshot_layouts, 0).difference.kind = HC_ABI_ALLOCATION;
}

static void layouts_elsewhere(hc_snapshot *snapshot)
{
	g_array_index(snapshot->layouts, hc_snapshot_layouts, 0).difference.holder_side = 2;
}

static void parent_itself(hc_snapshot *snapshot)
{
	snapshot_owner(snapshot, 1)->parent = 1;
}

static void parent_later(hc_snapshot *snapshot)
{
	snapshot_owner(snapshot, 0)->parent = 2;
}

static void parent_far(hc_snapshot *snapshot)
{
	snapshot_owner(snapshot, 2)->parent = UINT32_MAX - 1;
}

static void certainty_none(hc_snapshot *snapshot)
{
	snapshot_owner(snapshot, 1)->certainty = HC_CERTAINTY_COUNT;
}

static void grade_none(hc_snapshot *snapshot)
{
	snapshot_owner(snapshot, 1)->grade = 200;
}

static void mapped_too_many(hc_snapshot *snapshot)
{
	snapshot_owner(snapshot, 1)->mapped.bytes = snapshot_owner(snapshot, 1)->own.bytes + 1;
}

static void owners_too_large(hc_snapshot *snapshot)
{
	snapshot_owner(snapshot, 0)->own.bytes = INT64_MAX;
	snapshot_owner(snapshot, 1)->own.bytes = INT64_MAX;
	snapshot_owner(snapshot, 2)->own.bytes = INT64_MAX;
}

static void origin_none(hc_snapshot *snapshot)
{
	snapshot->process.origin = HC_ORIGIN_LIVE + 1;
}

static void nameless(hc_snapshot *snapshot)
{
	snapshot->program = NULL;
}

static void no_such_cause(hc_snapshot *snapshot)
{
	snapshot->pinning.kept[1].cause = HC_KEPT_CAUSE_COUNT;
}

static void sizes_unsorted(hc_snapshot *snapshot)
{
	g_array_index(snapshot->sizes, hc_snapshot_size, 1).size = 8;
}

static void sizes_twice(hc_snapshot *snapshot)
{
	g_array_index(snapshot->sizes, hc_snapshot_size, 1).size = 24;
}

static void sizes_contradict(hc_snapshot *snapshot)
{
	g_array_index(snapshot->sizes, hc_snapshot_size, 0).unowned_mapped = 21;
}

static void sizes_too_many(hc_snapshot *snapshot)
{
	g_array_index(snapshot->sizes, hc_snapshot_size, 0).unowned = 21;
}

static void sizes_too_large(hc_snapshot *snapshot)
{
	g_array_index(snapshot->sizes, hc_snapshot_size, 1).size = UINT64_MAX / 2;
}

static void lost_too_large(hc_snapshot *snapshot)
{
	g_array_index(snapshot->lost, hc_leak_kind, 1).amount.bytes = UINT64_MAX;
}

static void memory_too_large(hc_snapshot *snapshot)
{
	snapshot_row(snapshot, HC_ROW_FILES)->bytes = UINT64_MAX - 5;
}

static void more_resident(hc_snapshot *snapshot)
{
	hc_memory_row *row = snapshot_row(snapshot, HC_ROW_FILES);

	row->resident.swapped = row->bytes - row->resident.resident + 1;
}

static void more_owned(hc_snapshot *snapshot)
{
	hc_snapshot_owner *owner = &g_array_index(snapshot->owners, hc_snapshot_owner, 0);

	owner->own_resident = owner->own.bytes + 1;
}

static void more_unowned(hc_snapshot *snapshot)
{
	g_array_index(snapshot->sizes, hc_snapshot_size, 0).unowned_resident = UINT64_MAX;
}

static void more_used(hc_snapshot *snapshot)
{
	g_array_index(snapshot->uses, hc_snapshot_use, 1).part.bytes = snapshot_row(snapshot, HC_ROW_FILES)->bytes;
}

static void more_used_outside(hc_snapshot *snapshot)
{
	hc_snapshot_use *use = &g_array_index(snapshot->uses, hc_snapshot_use, 0);

	use->outside = use->part.bytes + 1;
}

static void more_used_resident(hc_snapshot *snapshot)
{
	g_array_index(snapshot->uses, hc_snapshot_use, 0).part.resident.resident =
		snapshot_row(snapshot, HC_ROW_FILES)->resident.resident + 1;
}

static void nameless_use(hc_snapshot *snapshot)
{
	g_array_index(snapshot->uses, hc_snapshot_use, 1).part.use.name = NULL;
}

static void sample_unsorted(hc_snapshot *snapshot)
{
	g_array_index(snapshot->sample, hc_snapshot_block, 1).address = 0x1000;
}

static void sample_overlaps(hc_snapshot *snapshot)
{
	g_array_index(snapshot->sample, hc_snapshot_block, 1).address =
		g_array_index(snapshot->sample, hc_snapshot_block, 0).address + 1;
}

static void sample_without_owner(hc_snapshot *snapshot)
{
	g_array_index(snapshot->sample, hc_snapshot_block, 0).owner = snapshot->owners->len;
}

static void sample_unchosen(hc_snapshot *snapshot)
{
	snapshot->sample_shift = 40;
	snapshot->sample_large = 72;
}

static void sample_shifted_out(hc_snapshot *snapshot)
{
	snapshot->sample_shift = 64;
}

static void test_nonsense(void)
{
	refuse_changed(more_used, "runtimes");
	refuse_changed(more_used_outside, "runtimes");
	refuse_changed(more_used_resident, "runtimes");
	refuse_changed(nameless_use, "runtimes");
	refuse_changed(sample_unsorted, "sample");
	refuse_changed(sample_overlaps, "sample");
	refuse_changed(sample_without_owner, "sample");
	refuse_changed(sample_unchosen, "sample");
	refuse_changed(sample_shifted_out, "sample");
	refuse_changed(more_resident, "resident");
	refuse_changed(more_owned, "resident");
	refuse_changed(more_unowned, "resident");
	refuse_changed(site_of_nothing, "sites");
	refuse_changed(site_unsure, "sites");
	refuse_changed(sites_missing, "sites");
	refuse_changed(layouts_of_nobody, "layouts");
	refuse_changed(layouts_elsewhere, "layouts");
	refuse_changed(layouts_without_call, "layouts");
	refuse_changed(parent_itself, "owners");
	refuse_changed(parent_later, "owners");
	refuse_changed(parent_far, "owners");
	refuse_changed(certainty_none, "owners");
	refuse_changed(grade_none, "owners");
	refuse_changed(mapped_too_many, "owners");
	refuse_changed(owners_too_large, "owners");
	refuse_changed(origin_none, "process");
	refuse_changed(nameless, "identity");
	refuse_changed(no_such_cause, "pinning");
	refuse_changed(sizes_unsorted, "sizes");
	refuse_changed(sizes_twice, "sizes");
	refuse_changed(sizes_contradict, "sizes");
	refuse_changed(sizes_too_many, "sizes");
	refuse_changed(sizes_too_large, "sizes");
	refuse_changed(lost_too_large, "lost");
	refuse_changed(memory_too_large, "memory");
}

static bool count(const char *text, size_t length, void *data)
{
	(void)text;
	*(size_t *)data += length;
	return true;
}

/* What a diff with SNAPSHOT on either side says does not matter here, only that it does. */
static void diff_with(const hc_snapshot *a, const hc_snapshot *b)
{
	static const hc_report_format formats[] = { HC_REPORT_TEXT, HC_REPORT_JSON };
	const hc_snapshot *snapshots[] = { a, b, a };
	g_autoptr(hc_diff) diff = hc_diff_create(snapshots, G_N_ELEMENTS(snapshots));

	for (unsigned i = 0; i < G_N_ELEMENTS(formats); i++) {
		size_t length = 0;
		hc_report_options options = {
			.format = formats[i], .write = count, .write_data = &length, .verbose = true
		};

		CU_ASSERT_TRUE(hc_report_diff(diff, &options, NULL));
		CU_ASSERT_TRUE(length > 0);
	}
}

/* Any byte of the data is another, and the checksum agrees: what is not refused can be compared. */
static void test_changed(void)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	file_place place = place_create();
	g_autoptr(hc_snapshot) sound = make_full();
	size_t length = 0, accepted = 0;
	g_autofree char *contents = write_full(&place, &length);
	char *data = strchr(contents, '\n') + 1;
	size_t size = length - (data - contents);

	for (size_t i = 0; i < size * G_N_ELEMENTS(flips); i++) {
		size_t at = i / G_N_ELEMENTS(flips);
		g_autoptr(GError) error = NULL;
		g_autoptr(hc_snapshot) snapshot = NULL;

		data[at] ^= flips[i % G_N_ELEMENTS(flips)];
		put_data(&place, data, size, HC_SNAPSHOT_FORMAT);
		data[at] ^= flips[i % G_N_ELEMENTS(flips)];
		snapshot = hc_snapshot_read(place.path, &error);
		CU_ASSERT_TRUE(snapshot || (error && strstr(error->message, place.path)));
		if (!snapshot)
			continue;
		accepted++;
		diff_with(sound, snapshot);
		diff_with(snapshot, sound);
	}
	CU_ASSERT_TRUE(accepted > size / 4); /* else this would have tested nothing but the reader */
	place_clear(&place);
}

/* Where it cannot be written, what was there stays. */
static void test_no_place(void)
{
	file_place place = place_create();
	g_autoptr(hc_snapshot) snapshot = make_full();
	g_autofree char *below = g_build_filename(place.path, "a.snap", NULL);
	g_autoptr(GError) error = NULL;

	put(&place, "mine", 4);
	CU_ASSERT_FALSE(hc_snapshot_write(snapshot, below, false, NULL, &error));
	CU_ASSERT_TRUE(g_error_matches(error, HC_ERROR, HC_ERROR_IO));
	refuse(&place, HC_ERROR_BAD_DATA, "not a heapcore snapshot");
	place_clear(&place);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "there and back", test_there_and_back },
		{ "empty tables", test_empty_tables },
		{ "forgotten content", test_forget_content },
		{ "cut anywhere", test_cut },
		{ "any byte flipped", test_flipped },
		{ "longer than it says", test_longer },
		{ "not a snapshot", test_not_one },
		{ "newer format", test_newer },
		{ "sections not known", test_more_sections },
		{ "what was resident is missing", test_no_resident },
		{ "no shapes of lost blocks", test_no_shapes },
		{ "nothing of code", test_no_code },
		{ "no sample", test_no_sample },
		{ "sample", test_sample },
		{ "where owners are is missing", test_no_where },
		{ "pins in words", test_pins_in_words },
		{ "sections missing, or of another type", test_sections },
		{ "nonsense", test_nonsense },
		{ "any byte changed, checksum and all", test_changed },
		{ "nowhere to write", test_no_place },
	};

	return unit_main("snapshot", cases, G_N_ELEMENTS(cases));
}
