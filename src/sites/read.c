/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which calls allocate, and how much?
 *
 * Round by round. At first the allocators are those with known names: functions that a module defines, stubs and words that stand for
 * another module's. The functions that name one are decoded and their values followed (flow.c), on all threads. A function whose own argument
 * is the size is an allocator from then on, with what it adds and multiplies: so are those that it is exported to by its name. The
 * functions that name these come in the next round; ROUNDS_MOST bounds that, as functions may call each other in a circle.
 *
 * What is found does not depend on the number of threads: results are taken in order of modules and addresses.
 */
#include "base/bits.h"
#include "base/parallel.h"
#include "base/partition.h"
#include "sites/sites_state.h"

#include <elf.h>
#include <string.h>

enum {
	ROUNDS_MOST = 8,
	WRAPPERS_MOST = 1 << 16,
	FUNCTION_MOST = 1 << 21, /* bytes */
};

/* A function to be looked at, and what was found. */
struct task {
	uint32_t module, start;
	GArray *calls; /* of struct flow_call; NULL: it was too large */
	uint64_t unread;
};

struct reading {
	hc_sites *sites;
	GArray *tasks;
	int next;
	uint64_t **entered; /* by module: a bit for each offset that is called */
};

static struct code_module *module_at(const hc_sites *sites, unsigned number)
{
	return &g_array_index(sites->read, struct code_module, number);
}

/* ---- functions ---- */

bool hc_code_around(const struct code_module *module, uint32_t offset, struct flow_code *ret_code)
{
	const GArray *starts = module->code->starts;
	unsigned after = HC_PARTITION_POINT(middle, 0, starts->len, g_array_index(starts, uint32_t, middle) <= offset);

	if (!after)
		return false;
	for (unsigned i = 0; i < module->code->segments->len; i++) {
		const hc_code_segment *segment = &g_array_index(module->code->segments, hc_code_segment, i);
		uint32_t start = g_array_index(starts, uint32_t, after - 1), end = segment->end;

		if (offset < segment->start || offset >= segment->end || start < segment->start)
			continue;
		if (after < starts->len)
			end = MIN(end, g_array_index(starts, uint32_t, after));
		*ret_code = (struct flow_code){
			.bytes = segment->bytes + (start - segment->start), .start = start, .end = end
		};
		return end - start <= FUNCTION_MOST;
	}
	return false;
}

const struct allocator *hc_sites_find_allocator(const void *data, const struct value *callee)
{
	const struct code_module *module = data;

	if (callee->kind == VALUE_WORD)
		return g_hash_table_lookup(module->words, GUINT_TO_POINTER(callee->index));
	return callee->add >= 0 && callee->add <= UINT32_MAX ?
		       g_hash_table_lookup(module->targets, GUINT_TO_POINTER((uint32_t)callee->add)) :
		       NULL;
}

/* ---- what was never called ---- */

/* Functions that do not come back: what stands behind a call of one is code that control comes to on another way. */
static bool comes_back(const char *name)
{
	static const char *const parts[] = { "throw", "abort", "exit", "fail", "fatal", "assert", "terminate", "Resume",
		"longjmp", "unreachable", "panic", "die", "error" };

	for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++)
		if (strstr(name, parts[i]))
			return false;
	return true;
}

/* Whether at OFFSET a stub of lazy binding waits for its first call: its number is pushed (x86-64), or registers are saved (aarch64). */
static bool is_waiting_stub(const struct code_module *module, uint64_t offset, bool is_aarch64)
{
	static const uint8_t landing[] = { 0xf3, 0x0f, 0x1e, 0xfa }, save[] = { 0xf0, 0x7b, 0xbf, 0xa9 };

	for (unsigned i = 0; i < module->code->segments->len; i++) {
		const hc_code_segment *segment = &g_array_index(module->code->segments, hc_code_segment, i);
		const uint8_t *bytes = segment->bytes + (offset - segment->start);

		if (offset < segment->start || offset >= segment->end || segment->end - offset < 16)
			continue;
		if (is_aarch64)
			return !memcmp(bytes, save, sizeof save);
		return bytes[memcmp(bytes, landing, sizeof landing) ? 0 : sizeof landing] == 0x68;
	}
	return false;
}

static void find_unbound(const hc_sites *sites, struct code_module *module)
{
	hc_address start = module->module->start;
	uint64_t word;

	module->unbound = g_hash_table_new(NULL, NULL);
	for (unsigned i = 0; i < module->code->imports->len; i++) {
		const hc_code_import *import = &g_array_index(module->code->imports, hc_code_import, i);

		if (hc_core_read_word(sites->core, start + import->slot, &word) && word >= start &&
			word - start < module->span &&
			is_waiting_stub(module, word - start, sites->machine == EM_AARCH64) && comes_back(import->name))
			g_hash_table_add(module->unbound, GUINT_TO_POINTER(import->slot));
	}
}

bool hc_sites_is_never_called(const void *data, const struct value *callee)
{
	const struct code_module *module = data;
	gpointer slot = GUINT_TO_POINTER(callee->index);

	if (callee->kind != VALUE_WORD && (callee->add < 0 || callee->add > UINT32_MAX ||
						  !g_hash_table_lookup_extended(module->stubs,
							  GUINT_TO_POINTER((uint32_t)callee->add), NULL, &slot)))
		return false;
	return g_hash_table_contains(module->unbound, slot);
}

/* ---- one round ---- */

static void free_calls(void *data)
{
	GArray *calls = data;

	for (unsigned i = 0; i < calls->len; i++)
		hc_flow_object_clear(&g_array_index(calls, struct flow_call, i).object);
	g_array_unref(calls);
}

static void do_tasks(void *data, unsigned worker)
{
	struct reading *reading = data;
	struct flow *flow = hc_flow_create(reading->sites->machine);
	int number;

	(void)worker;
	while (flow && (number = g_atomic_int_add(&reading->next, 1)) < (int)reading->tasks->len) {
		struct task *task = &g_array_index(reading->tasks, struct task, number);
		const struct code_module *module = module_at(reading->sites, task->module);
		struct flow_code code;

		if (!hc_code_around(module, task->start, &code)) {
			task->unread = 1;
			continue;
		}
		code.find = hc_sites_find_allocator;
		code.is_never_called = hc_sites_is_never_called;
		code.data = module;
		code.is_entered = hc_bit(reading->entered[task->module], task->start);
		task->calls = g_array_new(FALSE, FALSE, sizeof(struct flow_call));
		if (!hc_flow_run(flow, &code, task->calls, NULL, &task->unread))
			task->unread = code.end - code.start;
	}
	hc_flow_destroy(flow);
}

static int compare_tasks(const void *a, const void *b)
{
	const struct task *x = a, *y = b;

	if (x->module != y->module)
		return x->module < y->module ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

/* Who calls a maker is of interest only if it allocates besides. */
static bool is_maker(const struct code_module *module, const struct code_reference *reference)
{
	const struct allocator *allocator =
		g_hash_table_lookup(reference->kind == REFERENCE_WORD ? module->words : module->targets,
			GUINT_TO_POINTER(reference->target));

	return allocator && allocator->is_maker;
}

/* The functions that name an allocator of FRESH_TARGETS and FRESH_WORDS (by module). */
static void make_tasks(struct reading *reading, GHashTable **fresh_targets, GHashTable **fresh_words)
{
	unsigned kept = 0;

	g_array_set_size(reading->tasks, 0);
	for (unsigned i = 0; i < reading->sites->read->len; i++) {
		struct code_module *module = module_at(reading->sites, i);
		uint32_t last = UINT32_MAX;

		for (unsigned j = 0; j < module->references->len; j++) {
			const struct code_reference *reference =
				&g_array_index(module->references, struct code_reference, j);
			GHashTable *fresh = reference->kind == REFERENCE_WORD ? fresh_words[i] : fresh_targets[i];
			struct flow_code code;

			if (reference->kind == REFERENCE_ADDRESS ||
				!g_hash_table_contains(fresh, GUINT_TO_POINTER(reference->target)) ||
				g_hash_table_contains(module->stubs, GUINT_TO_POINTER(reference->at)) ||
				!hc_code_around(module, reference->at, &code) || code.start == last ||
				(is_maker(module, reference) &&
					!g_hash_table_contains(module->calls, GUINT_TO_POINTER(code.start))))
				continue;
			g_array_append_val(reading->tasks, ((struct task){ .module = i, .start = code.start }));
			last = code.start;
		}
	}
	/* What ran into a piece's end may stand twice. */
	g_array_sort(reading->tasks, compare_tasks);
	for (unsigned i = 0; i < reading->tasks->len; i++) {
		struct task task = g_array_index(reading->tasks, struct task, i);

		if (!kept || compare_tasks(&g_array_index(reading->tasks, struct task, kept - 1), &task))
			g_array_index(reading->tasks, struct task, kept++) = task;
	}
	g_array_set_size(reading->tasks, kept);
}

/* ---- wrappers ---- */

bool hc_sites_is_stub(const struct code_module *module, const struct flow_call *call)
{
	return call->is_jump && g_hash_table_contains(module->stubs, GUINT_TO_POINTER(call->at));
}

static const hc_code_function *function_at(const struct code_module *module, uint32_t start)
{
	const GArray *functions = module->code->functions;
	unsigned low = HC_PARTITION_POINT(
		middle, 0, functions->len, g_array_index(functions, hc_code_function, middle).start < start);

	return low < functions->len && g_array_index(functions, hc_code_function, low).start == start ?
		       &g_array_index(functions, hc_code_function, low) :
		       NULL;
}

/* An allocator of the function at START, if CALL, which is in it, allocates what START's caller says. NULL: it does not. */
static struct allocator *make_wrapper(
	hc_sites *sites, const struct code_module *module, uint32_t start, const struct flow_call *call)
{
	const hc_code_function *function = function_at(module, start);
	struct allocator *wrapper;

	if (call->size.kind != VALUE_ARGUMENT || sites->wrappers->len >= WRAPPERS_MOST)
		return NULL;
	wrapper = g_new0(struct allocator, 1);
	wrapper->name = function ? function->name : NULL;
	wrapper->size = (int)call->size.index;
	wrapper->count = call->count_argument;
	wrapper->scale = call->size.scale;
	wrapper->add = call->size.add;
	wrapper->is_pool = call->allocator->is_pool;
	wrapper->gives_result = call->is_returned;
	wrapper->is_wrapper = true;
	g_ptr_array_add(sites->wrappers, wrapper);
	return wrapper;
}

/* The function returns a block that CALL makes, which is in it. NULL: it does not, or another one. */
static struct allocator *make_maker(hc_sites *sites, const GArray *calls)
{
	struct allocator *maker;
	uint64_t makes = 0;
	bool is_maker = false;

	for (unsigned i = 0; i < calls->len; i++) {
		const struct flow_call *call = &g_array_index(calls, struct flow_call, i);
		uint64_t size = call->size.kind == VALUE_NUMBER && call->size.add > 0 ? (uint64_t)call->size.add : 0;

		if (!call->is_returned)
			continue;
		makes = is_maker && makes != size ? 0 : size;
		is_maker = true;
	}
	if (!is_maker || sites->wrappers->len >= WRAPPERS_MOST)
		return NULL;
	maker = g_new0(struct allocator, 1);
	maker->size = maker->count = -1;
	maker->is_maker = maker->is_wrapper = maker->gives_result = true;
	maker->makes = makes;
	g_ptr_array_add(sites->wrappers, maker);
	return maker;
}

/* ALLOCATOR, of the function at START of MODULE, is one for all that call it by its exported names. */
static void export_wrapper(
	const struct code_module *module, uint32_t start, struct allocator *wrapper, GHashTable *exported)
{
	for (const hc_code_function *function = function_at(module, start);
		function &&
		function < &g_array_index(module->code->functions, hc_code_function, module->code->functions->len) &&
		function->start == start;
		function++)
		if (function->is_exported && !g_hash_table_contains(exported, function->name))
			g_hash_table_insert(exported, (char *)function->name, wrapper);
}

static void name_words(struct code_module *module, GHashTable *by_name, GHashTable *fresh_words)
{
	for (unsigned i = 0; i < module->code->imports->len; i++) {
		const hc_code_import *import = &g_array_index(module->code->imports, hc_code_import, i);
		gpointer slot = GUINT_TO_POINTER(import->slot), allocator = g_hash_table_lookup(by_name, import->name);

		if (allocator && !g_hash_table_contains(module->words, slot)) {
			g_hash_table_insert(module->words, slot, allocator);
			g_hash_table_add(fresh_words, slot);
		}
	}
}

/* A stub is what its word is. */
static void name_stubs(struct code_module *module, GHashTable *fresh_words, GHashTable *fresh_targets)
{
	GHashTableIter iterator;
	gpointer stub, word;

	g_hash_table_iter_init(&iterator, module->stubs);
	while (g_hash_table_iter_next(&iterator, &stub, &word)) {
		gpointer allocator =
			g_hash_table_contains(fresh_words, word) ? g_hash_table_lookup(module->words, word) : NULL;

		if (allocator && !g_hash_table_contains(module->targets, stub)) {
			g_hash_table_insert(module->targets, stub, allocator);
			g_hash_table_add(fresh_targets, stub);
		}
	}
}

/* What is not an allocator already. */
static bool may_become_wrapper(const struct code_module *module, gpointer start)
{
	const struct allocator *allocator = g_hash_table_lookup(module->targets, start);

	return !allocator || allocator->is_maker;
}

/* Takes what the tasks have found; wrappers among it are the fresh targets of the next round. */
static void take_results(struct reading *reading, GHashTable **fresh_targets, GHashTable **fresh_words)
{
	g_autoptr(GHashTable) exported = g_hash_table_new(g_str_hash, g_str_equal);
	hc_sites *sites = reading->sites;

	for (unsigned i = 0; i < reading->tasks->len; i++) {
		struct task *task = &g_array_index(reading->tasks, struct task, i);
		struct code_module *module = module_at(sites, task->module);
		gpointer start = GUINT_TO_POINTER(task->start);

		module->unread += task->unread;
		if (!task->calls)
			continue;
		for (unsigned j = 0; j < task->calls->len && may_become_wrapper(module, start); j++) {
			const struct flow_call *call = &g_array_index(task->calls, struct flow_call, j);
			struct allocator *wrapper =
				hc_sites_is_stub(module, call) ? NULL : make_wrapper(sites, module, task->start, call);

			if (!wrapper)
				continue;
			g_hash_table_insert(module->targets, start, wrapper);
			g_hash_table_add(fresh_targets[task->module], start);
			export_wrapper(module, task->start, wrapper, exported);
		}
		if (!g_hash_table_contains(module->targets, start)) {
			struct allocator *maker = make_maker(sites, task->calls);

			if (maker) {
				g_hash_table_insert(module->targets, start, maker);
				g_hash_table_add(fresh_targets[task->module], start);
				export_wrapper(module, task->start, maker, exported);
			}
		}
		g_hash_table_insert(module->calls, start, task->calls);
	}
	for (unsigned i = 0; g_hash_table_size(exported) && i < sites->read->len; i++) {
		name_words(module_at(sites, i), exported, fresh_words[i]);
		name_stubs(module_at(sites, i), fresh_words[i], fresh_targets[i]);
	}
}

/* ---- the beginning: names, and what is called ---- */

static void name_first(hc_sites *sites, struct code_module *module, GHashTable *fresh_targets, GHashTable *fresh_words)
{
	const hc_module_code *code = module->code;

	for (unsigned i = 0; i < code->functions->len; i++) {
		const hc_code_function *function = &g_array_index(code->functions, hc_code_function, i);
		const struct allocator *allocator = hc_allocator_named(sites->names, function->name);

		if (allocator) {
			g_hash_table_insert(module->targets, GUINT_TO_POINTER(function->start), (void *)allocator);
			g_hash_table_add(fresh_targets, GUINT_TO_POINTER(function->start));
		}
	}
	for (unsigned i = 0; i < code->imports->len; i++) {
		const hc_code_import *import = &g_array_index(code->imports, hc_code_import, i);
		const struct allocator *allocator = hc_allocator_named(sites->names, import->name);

		if (allocator) {
			g_hash_table_insert(module->words, GUINT_TO_POINTER(import->slot), (void *)allocator);
			g_hash_table_add(fresh_words, GUINT_TO_POINTER(import->slot));
		}
	}
	name_stubs(module, fresh_words, fresh_targets);
}

static uint64_t *find_entered(const struct code_module *module)
{
	uint64_t *entered = g_new0(uint64_t, module->span / 64 + 1);

	for (unsigned i = 0; i < module->references->len; i++) {
		const struct code_reference *reference = &g_array_index(module->references, struct code_reference, i);

		if (reference->kind == REFERENCE_ADDRESS || (reference->kind == REFERENCE_CALL && !reference->is_jump))
			hc_set_bit(entered, reference->target);
	}
	for (unsigned i = 0; i < module->code->functions->len; i++) {
		const hc_code_function *function = &g_array_index(module->code->functions, hc_code_function, i);

		if (!strstr(function->name, ".cold"))
			hc_set_bit(entered, function->start);
	}
	return entered;
}

static GHashTable **make_tables(unsigned count)
{
	GHashTable **tables = g_new(GHashTable *, count);

	for (unsigned i = 0; i < count; i++)
		tables[i] = g_hash_table_new(NULL, NULL);
	return tables;
}

static void free_tables(GHashTable **tables, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		g_hash_table_unref(tables[i]);
	g_free(tables);
}

void hc_sites_read(hc_sites *sites, unsigned workers)
{
	unsigned count = sites->read->len;
	struct reading reading = { .sites = sites,
		.tasks = g_array_new(FALSE, FALSE, sizeof(struct task)),
		.entered = g_new0(uint64_t *, count) };
	GHashTable **targets = make_tables(count), **words = make_tables(count);

	for (unsigned i = 0; i < count; i++) {
		struct code_module *module = module_at(sites, i);

		module->calls = g_hash_table_new_full(NULL, NULL, NULL, free_calls);
		find_unbound(sites, module);
		reading.entered[i] = find_entered(module);
		name_first(sites, module, targets[i], words[i]);
	}
	for (unsigned round = 0; round < ROUNDS_MOST; round++) {
		make_tasks(&reading, targets, words);
		if (!reading.tasks->len)
			break;
		reading.next = 0;
		hc_parallel_run(workers, do_tasks, &reading);
		free_tables(targets, count);
		free_tables(words, count);
		targets = make_tables(count);
		words = make_tables(count);
		take_results(&reading, targets, words);
	}
	for (unsigned i = 0; i < count; i++)
		g_free(reading.entered[i]);
	g_free(reading.entered);
	free_tables(targets, count);
	free_tables(words, count);
	g_array_unref(reading.tasks);
}
