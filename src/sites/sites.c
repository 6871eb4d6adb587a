/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the code of all modules, and lists what was found. */
#include "sites/sites_state.h"

#include "base/demangle.h"
#include "base/parallel.h"

#include <elf.h>
#include <string.h>

enum {
	SPAN_MOST = INT32_MAX, /* bytes that a module takes: distances in code reach no further */
	MODULES_MOST = UINT16_MAX,
};

const char *hc_site_size_name(hc_site_size size)
{
	static const char *const names[HC_SITE_SIZE_COUNT] = {
		[HC_SITE_CONSTANT] = "constant",
		[HC_SITE_MULTIPLE] = "multiple",
		[HC_SITE_COMPUTED] = "computed",
	};

	return names[size];
}

static void free_object(void *object)
{
	g_array_unref(object);
}

static void free_contents(void *contents)
{
	if (contents)
		g_array_unref(contents);
}

static void close_module(void *data)
{
	struct code_module *module = data;

	hc_module_code_close(module->code);
	g_free(module->marks);
	g_clear_pointer(&module->references, g_array_unref);
	g_clear_pointer(&module->stubs, g_hash_table_unref);
	g_clear_pointer(&module->targets, g_hash_table_unref);
	g_clear_pointer(&module->words, g_hash_table_unref);
	g_clear_pointer(&module->unbound, g_hash_table_unref);
	g_clear_pointer(&module->calls, g_hash_table_unref);
}

static void open_module(hc_sites *sites, const hc_module *module)
{
	struct code_module one = { .module = module, .span = module->end - module->start };

	if (module->is_vdso)
		return;
	one.code = one.span <= SPAN_MOST && sites->read->len < MODULES_MOST ?
			   hc_module_code_open(sites->modules, module) :
			   NULL;
	if (!one.code) {
		g_ptr_array_add(sites->unread, (void *)module);
		return;
	}
	one.references = g_array_new(FALSE, FALSE, sizeof(struct code_reference));
	one.stubs = g_hash_table_new(NULL, NULL);
	one.targets = g_hash_table_new(NULL, NULL);
	one.words = g_hash_table_new(NULL, NULL);
	for (unsigned i = 0; i < one.code->segments->len; i++) {
		const hc_code_segment *segment = &g_array_index(one.code->segments, hc_code_segment, i);

		sites->code_bytes += segment->end - segment->start;
	}
	g_array_append_val(sites->read, one);
}

/* ---- the list ---- */

static const char *name_of(hc_sites *sites, const struct allocator *allocator)
{
	g_autofree char *name = NULL;

	if (allocator->called || !allocator->name)
		return allocator->called;
	name = hc_demangle(allocator->name);
	return g_string_chunk_insert_const(sites->strings, name ? name : allocator->name);
}

static void measure(const struct flow_call *call, hc_site *site)
{
	const struct value *size = &call->size;

	site->size_kind = HC_SITE_COMPUTED;
	site->is_handed_on = size->kind == VALUE_ARGUMENT;
	if (size->kind == VALUE_NUMBER && size->add >= 0) {
		site->size_kind = HC_SITE_CONSTANT;
		site->size = (uint64_t)size->add;
	} else if ((size->kind == VALUE_UNKNOWN || size->kind == VALUE_ARGUMENT) && size->scale > 1 && size->add >= 0) {
		site->size_kind = HC_SITE_MULTIPLE;
		site->size = (uint64_t)size->scale;
		site->added = (uint64_t)size->add;
	}
}

static void add_site(hc_sites *sites, const struct code_module *module, uint32_t function, const struct flow_call *call)
{
	hc_address start = module->module->start;
	hc_site site = {
		.module = module->module,
		.address = start + call->at,
		.comes_back = call->is_jump ? 0 : start + call->next,
		.function = start + function,
		.allocator = name_of(sites, call->allocator),
		.is_pool = call->allocator->is_pool,
		.is_never_made = call->is_never_made,
	};

	if (call->allocator->is_wrapper)
		g_hash_table_add(sites->used, (void *)call->allocator);
	measure(call, &site);
	g_array_append_val(sites->sites, site);
	g_array_append_val(sites->calls, call);
}

/* A function that is known by its name is no place to look at: whoever calls it is. */
static bool is_known_allocator(const struct code_module *module, gpointer start)
{
	const struct allocator *allocator = g_hash_table_lookup(module->targets, start);

	return allocator && !allocator->is_wrapper;
}

static void add_sites_of(hc_sites *sites, const struct code_module *module)
{
	GHashTableIter iterator;
	gpointer start, calls;

	g_hash_table_iter_init(&iterator, module->calls);
	while (g_hash_table_iter_next(&iterator, &start, &calls)) {
		if (is_known_allocator(module, start))
			continue;
		for (unsigned i = 0; i < ((GArray *)calls)->len; i++) {
			const struct flow_call *call = &g_array_index((GArray *)calls, struct flow_call, i);

			if (!hc_sites_is_stub(module, call))
				add_site(sites, module, GPOINTER_TO_UINT(start), call);
		}
	}
}

static uint64_t order_of(const hc_site *site)
{
	return site->size_kind == HC_SITE_CONSTANT ? site->size : UINT64_MAX;
}

static int compare_sites(const void *a, const void *b, void *data)
{
	const hc_site *sites = data, *x = &sites[*(const uint32_t *)a], *y = &sites[*(const uint32_t *)b];
	uint64_t x_order = order_of(x), y_order = order_of(y);

	if (x_order != y_order)
		return x_order < y_order ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

static void sort_sites(hc_sites *sites)
{
	unsigned count = sites->sites->len;
	g_autofree uint32_t *order = g_new(uint32_t, count + 1);
	GArray *sorted = g_array_sized_new(FALSE, FALSE, sizeof(hc_site), count);
	GArray *calls = g_array_sized_new(FALSE, FALSE, sizeof(const struct flow_call *), count);

	for (unsigned i = 0; i < count; i++)
		order[i] = i;
	g_qsort_with_data(order, (int)count, sizeof *order, compare_sites, sites->sites->data);
	for (unsigned i = 0; i < count; i++) {
		g_array_append_val(sorted, g_array_index(sites->sites, hc_site, order[i]));
		g_array_append_val(calls, g_array_index(sites->calls, const struct flow_call *, order[i]));
		sites->computed += g_array_index(sorted, hc_site, i).size_kind != HC_SITE_CONSTANT;
	}
	g_array_unref(sites->sites);
	g_array_unref(sites->calls);
	sites->sites = sorted;
	sites->calls = calls;
}

/* What is needed while code is read only. */
static void forget_reading(hc_sites *sites)
{
	for (unsigned i = 0; i < sites->read->len; i++) {
		struct code_module *module = &g_array_index(sites->read, struct code_module, i);

		sites->unread_bytes += module->unread;
		g_clear_pointer(&module->references, g_array_unref);
	}
}

/* ---- the object ---- */

static char *why_not_machine(const hc_core *core)
{
	return g_strdup_printf("code of %s is not read", hc_core_process(core)->machine);
}

static char *why_not_read(const hc_sites *sites)
{
	return g_strdup(sites->read->len ? "there is no memory to read the program's code" :
					   "no file of the process's code is here");
}

hc_sites *hc_sites_create(const hc_core *core, hc_modules *modules, hc_debug_info *debug_info,
	hc_program_types *program_types, const hc_blocks *blocks, unsigned jobs, hc_diagnostics *diagnostics)
{
	hc_sites *sites = g_new0(hc_sites, 1);
	g_autoptr(GError) error = NULL;
	unsigned workers = hc_parallel_workers(jobs);

	sites->core = core;
	sites->modules = modules;
	sites->debug_info = debug_info;
	sites->program_types = program_types;
	sites->blocks = blocks;
	sites->machine = hc_core_process(core)->machine_id;
	sites->names = hc_allocator_names_read(diagnostics, &error);
	sites->used = g_hash_table_new(NULL, NULL);
	sites->wrappers = g_ptr_array_new_with_free_func(g_free);
	sites->read = g_array_new(FALSE, FALSE, sizeof(struct code_module));
	g_array_set_clear_func(sites->read, close_module);
	sites->unread = g_ptr_array_new();
	sites->sites = g_array_new(FALSE, FALSE, sizeof(hc_site));
	sites->calls = g_array_new(FALSE, FALSE, sizeof(const struct flow_call *));
	sites->contents = g_ptr_array_new_with_free_func(free_contents);
	sites->objects = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_object);
	sites->places = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	sites->strings = g_string_chunk_new(1 << 14);
	sites->flow = hc_flow_create(sites->machine);
	if (error || !sites->flow) {
		sites->why_none = error ? g_strdup(error->message) : why_not_machine(core);
		return sites;
	}
	for (unsigned i = 0; i < hc_modules_count(modules); i++)
		open_module(sites, hc_modules_get(modules, i));
	if (!sites->read->len || !hc_sites_scan(sites, workers)) {
		sites->why_none = why_not_read(sites);
		return sites;
	}
	hc_sites_read(sites, workers);
	for (unsigned i = 0; i < sites->read->len; i++)
		add_sites_of(sites, &g_array_index(sites->read, struct code_module, i));
	sort_sites(sites);
	forget_reading(sites);
	return sites;
}

void hc_sites_destroy(hc_sites *sites)
{
	if (!sites)
		return;
	g_array_unref(sites->read);
	g_ptr_array_unref(sites->unread);
	g_array_unref(sites->sites);
	g_array_unref(sites->calls);
	g_hash_table_unref(sites->used);
	g_ptr_array_unref(sites->wrappers);
	g_ptr_array_unref(sites->contents);
	g_hash_table_unref(sites->objects);
	g_hash_table_unref(sites->places);
	g_string_chunk_free(sites->strings);
	hc_allocator_names_free(sites->names);
	hc_flow_destroy(sites->flow);
	g_free(sites->why_none);
	g_free(sites);
}

unsigned hc_sites_count(const hc_sites *sites)
{
	return sites->sites->len;
}

const hc_site *hc_sites_get(const hc_sites *sites, unsigned index)
{
	return &g_array_index(sites->sites, hc_site, index);
}

const char *hc_sites_why_none(const hc_sites *sites)
{
	return sites->why_none;
}

hc_sites_read_amount hc_sites_amount(const hc_sites *sites)
{
	return (hc_sites_read_amount){
		.bytes = sites->code_bytes,
		.unread_bytes = sites->unread_bytes,
		.modules = sites->read->len,
		.unread_modules = sites->unread->len,
	};
}

const hc_module *hc_sites_unread_module(const hc_sites *sites, unsigned index)
{
	return index < sites->unread->len ? sites->unread->pdata[index] : NULL;
}
