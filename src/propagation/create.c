/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stage as a whole: what propagation works on, then its passes. */
#include "base/pages.h"
#include "base/parallel.h"
#include "propagation/passes.h"
#include "propagation/propagation.h"

#include "variables/variables.h"

enum {
	MANY_BLOCKS = 1 << 18 /* that are worth a thread more */
};

/* Where heapcore's own descriptions are: installed, or in the tree that an uninstalled program was built from. */
static const char *own_descriptions(void)
{
	const char *directory = g_getenv("HEAPCORE_CONTAINERS");

	if (directory)
		return directory;
	return g_file_test(HC_CONTAINERS_DIRECTORY, G_FILE_TEST_IS_DIR) ? HC_CONTAINERS_DIRECTORY :
									  HC_CONTAINERS_SOURCE;
}

/* Files of the user's, then the user's directory, then what is installed. */
static bool add_descriptions(hc_types *types, const hc_types_options *options, GError **error)
{
	const char *const *files = options ? options->container_files : NULL;
	g_autofree char *user = g_build_filename(g_get_user_config_dir(), "heapcore", "containers", NULL);

	for (; files && *files; files++)
		if (!hc_container_set_add_file(types->set, *files, error))
			return false;
	return hc_container_set_add_users_directory(types->set, user, error) &&
	       hc_container_set_add_directory(types->set, own_descriptions(), error);
}

static void close_some(hc_types *types, uint32_t first, uint32_t end)
{
	const hc_blocks *blocks = types->blocks;

	for (uint32_t i = first; i < end; i++)
		if (blocks->states[i] != HC_BLOCK_IN_USE || hc_blocks_is_labelled(blocks, i))
			types->owner_of[i] = HC_OWNER_CLOSED;
}

/* What close_blocks() shares out. */
struct closing {
	hc_types *types;
	unsigned workers;
};

/* Mostly all blocks of a word are in use. */
static void close_share(void *data, unsigned worker)
{
	enum {
		PAGE_NUMBERS = 4096 / sizeof(uint32_t)
	};
	const struct closing *closing = data;
	hc_types *types = closing->types;
	const hc_blocks *blocks = types->blocks;
	uint64_t words = blocks->count / 64;
	uint32_t first = (uint32_t)(words * worker / closing->workers * 64),
		 end = (uint32_t)(words * (worker + 1) / closing->workers * 64);

	/* Nearly all of it will be written to, by one thread, which would wait for the system to clear each page. */
	for (uint32_t i = first; closing->workers > 1 && i < end; i += PAGE_NUMBERS)
		*(volatile uint32_t *)&types->owner_of[i] = 0;
	for (; first < end; first += 64) {
		unsigned other_states = blocks->labelled[first / 64] != 0;

		for (unsigned i = 0; i < 64; i++)
			other_states |= blocks->states[first + i] ^ HC_BLOCK_IN_USE;
		if (other_states)
			close_some(types, first, first + 64);
	}
}

/* What is not in use, or libc's own, is nobody's; so one look tells all that matters of a block. */
static void close_blocks(hc_types *types, unsigned jobs)
{
	struct closing closing = { types, types->blocks->count < MANY_BLOCKS ? 1 : hc_parallel_workers(jobs) };

	hc_parallel_run(closing.workers, close_share, &closing);
	close_some(types, types->blocks->count / 64 * 64, types->blocks->count);
}

static void set_no_memory(const hc_blocks *blocks, GError **error)
{
	g_set_error(
		error, HC_ERROR, HC_ERROR_NO_MEMORY, "no memory for the types of %u blocks", hc_blocks_count(blocks));
}

/* What says how objects are laid out; memory is not looked at yet. */
static hc_types *begin(const hc_core *core, hc_variables *variables, const hc_blocks *blocks, const hc_areas *areas,
	const hc_references *references, const hc_types_options *options, hc_diagnostics *diagnostics, GError **error)
{
	g_autoptr(hc_types) types = g_new0(hc_types, 1);

	types->core = core;
	types->variables = variables;
	types->program_types = hc_variables_types(variables);
	types->modules = hc_program_types_modules(types->program_types);
	types->blocks = blocks;
	types->areas = areas;
	types->references = references;
	types->rows = g_array_new(FALSE, FALSE, sizeof(hc_type_row));
	types->containers = g_array_new(FALSE, FALSE, sizeof(hc_container));
	types->texts = g_string_chunk_new(4096);
	types->owners = hc_owners_create();
	types->set = hc_container_set_create(variables, blocks, options ? options->jobs : 0, diagnostics);
	types->plans = hc_plans_create(types->set);
	return add_descriptions(types, options, error) ? g_steal_pointer(&types) : NULL;
}

/* What propagation needs of memory: who has each block, and each parcel of what is not malloc's. */
static bool make_tables(hc_types *types, const hc_types_options *options, hc_diagnostics *diagnostics, GError **error)
{
	const hc_blocks *blocks = types->blocks;

	types->owner_of = hc_pages_create(hc_types_owners_size(blocks));
	types->interior = hc_pages_create(hc_types_bits_size(blocks));
	types->several = hc_pages_create(hc_types_bits_size(blocks));
	if (types->owner_of)
		close_blocks(types, options ? options->jobs : 0);
	types->parcels = hc_parcels_create(types->core, types->modules, blocks, types->areas, types->references,
		options ? options->jobs : 0, diagnostics, error);
	if (!types->parcels)
		return false;
	types->parcel_owner = hc_pages_create(hc_types_parcels_size(types));
	if (types->owner_of && types->interior && types->several && types->parcel_owner)
		return true;
	set_no_memory(blocks, error);
	return false;
}

hc_types *hc_types_create(const hc_core *core, hc_variables *variables, const hc_blocks *blocks, const hc_areas *areas,
	hc_references *references, const hc_types_options *options, hc_diagnostics *diagnostics, GError **error)
{
	g_autoptr(hc_types) types = begin(core, variables, blocks, areas, references, options, diagnostics, error);
	unsigned jobs = options ? options->jobs : 0;

	if (!types || !make_tables(types, options, diagnostics, error))
		return NULL;
	if (!hc_types_propagate(types, references, jobs) || !hc_types_count_blocks(types, jobs)) {
		set_no_memory(blocks, error);
		return NULL;
	}
	hc_types_make_rows(types);
	return g_steal_pointer(&types);
}

bool hc_types_tell_references(const hc_core *core, hc_variables *variables, const hc_blocks *blocks,
	const hc_areas *areas, hc_references *references, const hc_types_options *options, GError **error)
{
	const hc_references_totals *totals = hc_references_get_totals(references);

	if (!totals->directly_lost.blocks && !totals->possibly_lost.blocks)
		return true;
	unsigned jobs = options ? options->jobs : 0;
	/* What could not be read is told by who asks for types. */
	g_autoptr(hc_diagnostics) ignored = hc_diagnostics_create();
	g_autoptr(hc_types) types = begin(core, variables, blocks, areas, references, options, ignored, error);

	if (!types)
		return false;
	if (!hc_types_may_show_unseen(types, hc_variables_load(variables, jobs)))
		return true;
	if (!make_tables(types, options, ignored, error))
		return false;
	if (hc_types_propagate_certain(types, references, jobs))
		return true;
	set_no_memory(blocks, error);
	return false;
}
