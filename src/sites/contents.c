/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is put into an object, by the function that allocates it and by those that it hands the object on to, CALLS_FOLLOWED deep: numbers, addresses, what
 * other calls have allocated, the object itself; or something, of which only the width is known.
 */
#include "sites/contents.h"

enum {
	CALLS_FOLLOWED = 3, /* from a constructor to that of a base, and on */
	CONTENTS_MOST = 256,
};

const struct code_module *hc_sites_module_of(const hc_sites *sites, hc_address address)
{
	for (unsigned i = 0; i < sites->read->len; i++) {
		const struct code_module *module = &g_array_index(sites->read, struct code_module, i);

		if (address >= module->module->start && address < module->module->end)
			return module;
	}
	return NULL;
}

bool hc_sites_resolve(
	const hc_sites *sites, const struct code_module *module, const struct value *value, uint64_t *ret_value)
{
	switch (value->kind) {
	case VALUE_NUMBER:
		*ret_value = (uint64_t)value->add;
		return true;
	case VALUE_ADDRESS:
		*ret_value = module->module->start + (uint64_t)value->add;
		return true;
	case VALUE_WORD:
		if (!hc_core_read_word(sites->core, module->module->start + value->index, ret_value))
			return false;
		*ret_value += (uint64_t)value->add;
		return true;
	default:
		return false;
	}
}

bool hc_sites_resolve_callee(
	const hc_sites *sites, const struct code_module *module, const struct value *callee, hc_address *ret_address)
{
	struct value word = { .kind = VALUE_WORD };
	gpointer slot;

	if (callee->kind == VALUE_ADDRESS && callee->add >= 0 && callee->add <= UINT32_MAX &&
		g_hash_table_lookup_extended(module->stubs, GUINT_TO_POINTER((uint32_t)callee->add), NULL, &slot)) {
		word.index = GPOINTER_TO_UINT(slot);
		callee = &word;
	}
	if (!hc_sites_resolve(sites, module, callee, ret_address))
		return false;
	/* Into its own stubs: not bound yet. */
	return callee->kind != VALUE_WORD || hc_sites_module_of(sites, *ret_address) != module ||
	       g_hash_table_size(module->stubs) == 0 ||
	       !g_hash_table_contains(
		       module->stubs, GUINT_TO_POINTER((uint32_t)(*ret_address - module->module->start)));
}

static void add_content(GArray *contents, const struct content *content)
{
	if (contents->len < CONTENTS_MOST)
		g_array_append_val(contents, *content);
}

/* Anything may stand at the beginning. */
static void add_unknown(GArray *contents, int64_t offset)
{
	struct content content = { .width = 8, .kind = CONTENT_UNKNOWN };

	if (!offset)
		add_content(contents, &content);
}

/* What the call at offset AT of a function asks for; 0: not known. CALLS are those of the function, or NULL. */
static uint64_t size_of_call(const GArray *calls, uint32_t at)
{
	for (unsigned i = 0; calls && i < calls->len; i++) {
		const struct flow_call *call = &g_array_index(calls, struct flow_call, i);

		if (call->at == at)
			return call->size.kind == VALUE_NUMBER && call->size.add > 0 ? (uint64_t)call->size.add : 0;
	}
	return 0;
}

static const GArray *contents_by_function(hc_sites *sites, hc_address function, unsigned depth);

/* Whose object is looked at: a call's (of the function that has CALLS), or what a function's first argument leads to. */
struct looking {
	const struct code_module *module;
	const struct flow_object *object;
	const struct flow_call *call; /* NULL: the argument's */
	const GArray *calls;	      /* of struct flow_call; NULL: not known */
};

static struct content content_of(const hc_sites *sites, const struct looking *looking, const struct flow_store *store)
{
	struct content content = { .offset = store->offset, .width = store->width, .kind = CONTENT_UNKNOWN };
	const struct value *value = &store->value;

	if (value->kind == VALUE_RESULT && store->width == 8) {
		bool is_own = looking->call && value->index == looking->call->at;

		content.kind = is_own ? CONTENT_ITSELF : CONTENT_BLOCK;
		content.into = value->add;
		content.value = value->scale ? (uint64_t)value->scale : size_of_call(looking->calls, value->index);
	} else if (value->kind == VALUE_ARGUMENT && !value->index && store->width == 8 && !looking->call) {
		content.kind = CONTENT_ITSELF;
		content.into = value->add;
	} else if (store->width <= 8 && hc_sites_resolve(sites, looking->module, value, &content.value)) {
		content.kind = CONTENT_VALUE;
		if (store->width < 8)
			content.value &= (UINT64_C(1) << store->width * 8) - 1;
	}
	return content;
}

static void add_contents_of(hc_sites *sites, const struct looking *looking, unsigned depth, GArray *contents)
{
	const struct flow_object *object = looking->object;

	for (unsigned i = 0; i < object->stores->len; i++) {
		struct content content =
			content_of(sites, looking, &g_array_index(object->stores, struct flow_store, i));

		add_content(contents, &content);
	}
	for (unsigned i = 0; i < object->uses->len; i++) {
		const struct flow_use *use = &g_array_index(object->uses, struct flow_use, i);
		hc_address function;
		const GArray *inner = hc_sites_resolve_callee(sites, looking->module, &use->callee, &function) ?
					      contents_by_function(sites, function, depth) :
					      NULL;

		if (!inner)
			add_unknown(contents, use->offset);
		for (unsigned j = 0; inner && j < inner->len; j++) {
			struct content content = g_array_index(inner, struct content, j);

			content.offset += use->offset;
			if (content.kind == CONTENT_ITSELF)
				content.into += use->offset;
			add_content(contents, &content);
		}
	}
	if (object->is_cut)
		add_unknown(contents, 0);
}

/* What FUNCTION puts into what its first argument leads to; NULL: not known. */
static const GArray *contents_by_function(hc_sites *sites, hc_address function, unsigned depth)
{
	const struct code_module *module = hc_sites_module_of(sites, function);
	gint64 key = (gint64)(function << 2 | depth);
	GArray *contents = g_hash_table_lookup(sites->objects, &key);
	struct flow_object object;
	struct flow_code code;
	uint64_t unread = 0;

	if (contents)
		return contents;
	if (!module || !depth || !hc_code_around(module, (uint32_t)(function - module->module->start), &code) ||
		code.start != function - module->module->start)
		return NULL;
	code.find = hc_sites_find_allocator;
	code.data = module;
	code.is_entered = true;
	contents = g_array_new(FALSE, FALSE, sizeof(struct content));
	hc_flow_object_init(&object);
	if (hc_flow_run(sites->flow, &code, NULL, &object, &unread) && !unread)
		add_contents_of(sites, &(struct looking){ module, &object, NULL, NULL }, depth - 1, contents);
	else
		add_unknown(contents, 0);
	hc_flow_object_clear(&object);
	g_hash_table_insert(sites->objects, g_memdup2(&key, sizeof key), contents);
	return contents;
}

static int compare_contents(const void *a, const void *b)
{
	const struct content *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

const GArray *hc_sites_contents(hc_sites *sites, const hc_site *site)
{
	unsigned index = (unsigned)(site - &g_array_index(sites->sites, hc_site, 0));
	const struct flow_call *call = g_array_index(sites->calls, const struct flow_call *, index);
	const struct code_module *module = hc_sites_module_of(sites, site->address);
	struct looking looking = { module, &call->object, call,
		g_hash_table_lookup(
			module->calls, GUINT_TO_POINTER((uint32_t)(site->function - module->module->start))) };

	if (sites->contents->len < sites->sites->len)
		g_ptr_array_set_size(sites->contents, (int)sites->sites->len);
	if (!sites->contents->pdata[index]) {
		GArray *contents = g_array_new(FALSE, FALSE, sizeof(struct content));

		add_contents_of(sites, &looking, CALLS_FOLLOWED, contents);
		for (unsigned i = 0; i < contents->len; i++) {
			struct content *content = &g_array_index(contents, struct content, i);

			content->expected = (uint8_t)hc_sites_kind_of_word(sites, content->value);
		}
		g_array_sort(contents, compare_contents);
		sites->contents->pdata[index] = contents;
	}
	return sites->contents->pdata[index];
}
