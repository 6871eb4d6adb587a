/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The places that words of roots stand in, by name: symbols and sections, threads' local storage and descriptors, frames, registers,
 * mappings. Each is an owner, which a path begins at. What a name may be shared by is kept as one: all frames of one function of a
 * thread, all mappings without a file.
 */
#include "types/types.h"

#include "base/demangle.h"
#include "base/partition.h"
#include "modules/modules.h"
#include "variables/variables.h"

#include <inttypes.h>

enum {
	NESTED_MAX = 8 /* extents that may begin between a word and the one that has it */
};

struct hc_root_places {
	hc_place_sources sources;
	hc_owners *tree;    /* that places are added to */
	bool is_closed;	    /* no more are added */
	GHashTable *owners; /* name and place -> hc_owner, of words */
	GArray *words;	    /* of hc_owner_extent: where these lie in data and mappings; by address once closed */
	GArray *variables;  /* of hc_owner_extent: variables with a type, by address */
};

/* ---- extents ---- */

static int compare_extents(const void *a, const void *b)
{
	const hc_owner_extent *x = a, *y = b;

	return x->start != y->start ? (x->start > y->start) - (x->start < y->start) :
				      (x->end > y->end) - (x->end < y->end);
}

/* The owner of the last extent that begins at or before ADDRESS, if it has it; a few may lie within each other. */
static hc_owner *find_extent(const GArray *extents, hc_address address)
{
	const hc_owner_extent *list = (const hc_owner_extent *)(const void *)extents->data;
	unsigned at = HC_PARTITION_POINT(middle, 0u, extents->len, list[middle].start <= address);

	for (unsigned tries = 0; at && tries < NESTED_MAX; tries++)
		if (address < list[--at].end)
			return list[at].owner;
	return NULL;
}

void hc_root_places_keep(hc_root_places *places, hc_address start, hc_address end, hc_owner *owner)
{
	hc_owner_extent extent = { start, end, owner };

	if (owner && !places->is_closed)
		g_array_append_val(places->words, extent);
}

/* Where variables lie whose types lead to something. */
static void find_variables(hc_root_places *places, const hc_types *types)
{
	unsigned word = hc_core_process(types->core)->word_size;

	for (unsigned i = 1; i < types->owners->list->len; i++) {
		hc_owner *owner = hc_types_owner(types, i);
		const hc_variable *variable = owner->step == HC_STEP_VARIABLE ? owner->variable : NULL;

		if (variable && variable->state == HC_VARIABLE_IN_MEMORY) {
			uint64_t size = MAX(hc_type_size(variable->type), word);
			hc_owner_extent extent = { variable->address, variable->address + size, owner };

			g_array_append_val(places->variables, extent);
		}
	}
	g_array_sort(places->variables, compare_extents);
}

/* ---- names ---- */

hc_owner *hc_root_places_get(hc_root_places *places, const char *name, const hc_named_root *place)
{
	g_autofree char *key = g_strdup_printf("%s\n%" PRId64 "\n%d\n%" PRIx64, name, place->thread, place->frame,
		place->kind == HC_PLACE_VARIABLE ? place->address : 0);
	hc_owner *owner = g_hash_table_lookup(places->owners, key);
	hc_owners *tree = places->tree;

	if (owner || places->is_closed || tree->full)
		return owner;
	owner = hc_owners_add(tree, NULL, HC_STEP_WORD, NULL, NULL, HC_CERTAINTY_UNKNOWN);
	owner->name = g_string_chunk_insert_const(tree->texts, name);
	hc_named_root *root = g_new(hc_named_root, 1);

	*root = *place;
	root->function = place->function ? g_string_chunk_insert_const(tree->texts, place->function) : NULL;
	owner->root = root;
	g_hash_table_insert(places->owners, g_steal_pointer(&key), owner);
	return owner;
}

/* "cache", demangled; "libfoo.so TLS+0x10". Free with g_free(). */
static char *thread_local_name(hc_root_places *places, hc_address address, bool *ret_has_symbol)
{
	const hc_tls_block *block = hc_modules_tls_at(places->sources.modules, address);
	uint64_t offset;
	const char *symbol =
		hc_module_tls_symbol_at(places->sources.modules, block->module, address - block->start, &offset);

	*ret_has_symbol = symbol != NULL;
	if (symbol)
		return hc_variable_name(symbol);
	return g_strdup_printf("%s TLS+%#" PRIx64, block->module->name, address - block->start);
}

/* "run_session()", "server+0x10480()" of one without a symbol; NULL: where it begins is not known. Free with g_free(). */
static char *function_name(const hc_address_name *name)
{
	if (!name->symbol && name->function)
		return g_strdup_printf("%s+%#" PRIx64 "()", name->module->name, name->function);
	g_autofree char *demangled = name->symbol ? hc_demangle(name->symbol) : NULL;
	const char *function = demangled ? demangled : name->symbol;

	return function && !name->offset ? g_strconcat(function, g_str_has_suffix(function, ")") ? "" : "()", NULL) :
					   NULL;
}

/* "pthread_setspecific() key 3"; "pthread+0x640" of what libc does not tell. Free with g_free(). */
static char *descriptor_name(hc_root_places *places, uint64_t offset)
{
	unsigned key;

	switch (hc_modules_descriptor_part(places->sources.modules, offset, &key)) {
	case HC_DESCRIPTOR_SPECIFIC:
		return g_strdup_printf("pthread_setspecific() key %u", key);
	case HC_DESCRIPTOR_SPECIFIC_BLOCK:
		return g_strdup_printf("pthread_setspecific() keys %u-%u", key, key + HC_DESCRIPTOR_KEYS - 1);
	case HC_DESCRIPTOR_ARGUMENT:
		return g_strdup("pthread_create() argument");
	default:
		return g_strdup_printf("pthread+%#" PRIx64, offset);
	}
}

/* What the type of a local says nothing of, of which the word at ADDRESS is a part; NULL: it is no part of one. */
static hc_owner *owner_of_local(hc_root_places *places, hc_address address)
{
	hc_owner *owner = places->is_closed ? NULL : find_extent(places->variables, address);

	return owner && hc_variable_is_local(owner->variable) ? hc_owners_beyond(places->tree, owner) : NULL;
}

static hc_owner *owner_in_thread(hc_root_places *places, const hc_place *found)
{
	hc_named_root place = { .kind = found->kind,
		.address = found->address,
		.module = found->module,
		.thread = found->thread_id,
		.frame = found->frame,
		.is_lasting = found->is_lasting };
	g_autofree char *name = NULL;

	switch (found->kind) {
	case HC_PLACE_THREAD_LOCAL:
		name = thread_local_name(places, found->address, &place.has_symbol);
		break;
	case HC_PLACE_THREAD_DESCRIPTOR:
		name = descriptor_name(places, (uint64_t)found->offset);
		break;
	case HC_PLACE_REGISTER:
		name = g_strdup("registers");
		break;
	default:
		if (found->stack == HC_STACK_RESULT) {
			place.kind = HC_PLACE_THREAD_DESCRIPTOR;
			name = g_strdup("pthread_join() result");
			break;
		}
		name = found->frame >= 0 ? function_name(&found->name) : NULL;
		place.function = name;
		if (!name)
			name = g_strdup("stack");
		break;
	}
	return hc_root_places_get(places, name, &place);
}

static hc_owner *owner_in_mapping(hc_root_places *places, const hc_place *found, hc_owner_extent *ret_extent)
{
	const hc_area *area = found->area;
	hc_named_root place = { .kind = HC_PLACE_MAPPING, .address = area->start, .frame = -1 };
	const char *path = area->mapping ? area->mapping->path : NULL;

	hc_owner *owner = hc_root_places_get(places, path ? path : "[anon]", &place);

	hc_root_places_keep(places, area->start, area->end, owner);
	if (owner)
		*ret_extent = (hc_owner_extent){ area->start, area->end, owner };
	return owner;
}

/* A register that calls keep is of the frame that has it for its own, if that is known. */
static hc_owner *owner_of_register(hc_root_places *places, const hc_root_word *word)
{
	unsigned thread = word->root->owner, count;
	hc_modules *modules = places->sources.modules;
	int frame = hc_modules_frame_of_register(modules, thread, word->value);
	const hc_frame *frames = hc_modules_frames(modules, thread, &count);
	hc_place place = {
		.kind = HC_PLACE_REGISTER, .thread_id = hc_core_thread(places->sources.core, thread)->id, .frame = -1
	};

	if (frame >= 0 && hc_modules_name_frame(modules, &frames[frame], &place.name)) {
		place.kind = HC_PLACE_STACK;
		place.stack = HC_STACK_FRAME;
		place.frame = frame;
		place.is_lasting = frames[frame].is_lasting;
	}
	return owner_in_thread(places, &place);
}

hc_owner *hc_root_places_elsewhere(hc_root_places *places, const hc_root_word *word, hc_owner_extent *ret_extent)
{
	hc_place place = { 0 };

	if (!word->address)
		return owner_of_register(places, word);
	hc_place_find(&places->sources, word->address, &place);
	if (place.kind == HC_PLACE_MAPPING || place.kind == HC_PLACE_VARIABLE || place.kind == HC_PLACE_BLOCK)
		return place.area ? owner_in_mapping(places, &place, ret_extent) : NULL;
	hc_owner *local = place.kind == HC_PLACE_STACK ? owner_of_local(places, word->address) : NULL;

	return local ? local : owner_in_thread(places, &place);
}

/* ---- the places as a whole ---- */

hc_root_places *hc_root_places_create(hc_types *types)
{
	hc_root_places *places = g_new0(hc_root_places, 1);

	places->sources = (hc_place_sources){ types->core, types->modules, types->blocks, types->areas };
	places->tree = types->owners;
	places->owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	places->words = g_array_new(FALSE, FALSE, sizeof(hc_owner_extent));
	places->variables = g_array_new(FALSE, FALSE, sizeof(hc_owner_extent));
	find_variables(places, types);
	return places;
}

void hc_root_places_destroy(hc_root_places *places)
{
	if (!places)
		return;
	g_hash_table_unref(places->owners);
	g_array_unref(places->words);
	g_array_unref(places->variables);
	g_free(places);
}

void hc_root_places_close(hc_root_places *places)
{
	places->is_closed = true;
	g_array_sort(places->words, compare_extents);
}

uint32_t hc_types_path_of_root_word(const hc_types *types, const hc_root_word *word)
{
	hc_root_places *places = types->root_places;
	const hc_owner *owner = word->address ? find_extent(places->variables, word->address) : NULL;

	if (!owner && word->address && (owner = hc_types_owner_outside(types, word->address)))
		while (owner->parent)
			owner = owner->parent;
	/* Local storage of the first thread lies in a mapping that is a place itself. */
	if (!owner && word->address && !hc_modules_tls_at(types->modules, word->address))
		owner = find_extent(places->words, word->address);
	if (!owner && word->root->kind != HC_AREA_MODULE_DATA)
		owner = hc_root_places_elsewhere(places, word, &(hc_owner_extent){ 0 });
	return owner ? hc_owner_joined(owner)->number : 0;
}
