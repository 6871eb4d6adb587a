/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The variables that have a place for as long as the process lives, or as a thread does: those that
 * the index has found, each located, and told once.
 *
 * One variable may have many DIEs: of a header's inline function or variable every unit that
 * includes it has a copy. Those that the linker kept say the same place: the first counts. Of those
 * that it dropped ordinary addresses are 0 or -1, but a thread-local one's offset is 0, like that
 * of the first variable of the block: it counts if the symbol table says so too, or if no other
 * copy of it stands elsewhere.
 */
#include "variables/variables_state.h"

#include "base/demangle.h"

#include <dwarf.h>
#include <inttypes.h>

enum {
	ROWS_MAX = 1 << 23
};

static const hc_diagnostic_kind too_many = {
	"variables-too-many",
	HC_SEVERITY_PARTIAL,
	"variables of threads were left out: there are too many",
};

struct loading {
	hc_variables *variables;
	const hc_module *module;
	const struct module_debug *debug;
	GArray *rows;	   /* of hc_variable */
	GHashTable *known; /* struct key -> index in rows, plus one */
	uint64_t left_out;
};

struct key {
	const char *name;
	hc_address address;
	unsigned thread;
};

static guint hash_key(gconstpointer data)
{
	const struct key *key = data;
	uint64_t hash = ((uint64_t)(uintptr_t)key->name ^ key->address * HC_NAME_ROOT) + key->thread;

	return (guint)(hash ^ hash >> 32);
}

static gboolean equal_keys(gconstpointer a, gconstpointer b)
{
	const struct key *x = a, *y = b;

	return x->name == y->name && x->address == y->address && x->thread == y->thread;
}

/*
 * Adds VARIABLE, if it is not there already; a copy whose type is complete is better than one whose
 * is not.
 */
static void add_row(struct loading *loading, const hc_variable *variable)
{
	const struct key key = { variable->name, variable->address, variable->thread };
	guint known = GPOINTER_TO_UINT(g_hash_table_lookup(loading->known, &key));

	if (known) {
		hc_variable *before = &g_array_index(loading->rows, hc_variable, known - 1);

		if (hc_type_get_kind(before->type) == HC_TYPE_INCOMPLETE)
			*before = *variable;
		return;
	}
	if (loading->rows->len >= ROWS_MAX) {
		loading->left_out++;
		return;
	}
	g_array_append_val(loading->rows, *variable);
	g_hash_table_insert(loading->known, g_memdup2(&key, sizeof key), GUINT_TO_POINTER(loading->rows->len));
}

/* An address that the linker gives to what it dropped. */
static bool is_dropped(const struct loading *loading, const hc_variable *variable)
{
	uint64_t offset = variable->address - loading->module->bias;

	return !offset || offset >= UINT64_MAX - 1;
}

/*
 * Whether what the symbol table has at the beginning of MODULE's thread-local storage is not NAME.
 */
static bool begins_with_another(const struct loading *loading, const char *name)
{
	uint64_t offset;
	const char *symbol = hc_module_tls_symbol_at(loading->variables->modules, loading->module, 0, &offset);
	const char *last = g_strrstr(name, "::");

	return symbol && !strstr(symbol, last ? last + 2 : name);
}

static void add_thread_local(struct loading *loading, Dwarf_Die *die, const hc_variable *template)
{
	hc_variables *variables = loading->variables;

	for (unsigned i = 0; i < hc_core_thread_count(variables->core); i++) {
		const hc_tls_block *block = hc_modules_tls_block(variables->modules, template->module, i);
		hc_variable variable = *template;

		if (!block)
			continue;
		variable.thread = i;
		hc_variable_locate(variables, loading->module, die, NULL, 0, &variable);
		if (variable.state == HC_VARIABLE_IN_MEMORY && variable.address == block->start &&
			begins_with_another(loading, variable.name))
			return;
		add_row(loading, &variable);
	}
}

/*
 * clang leaves a function's static variables behind in a function without a name where it has
 * inlined all calls. The symbol tells: "_ZZ7countervE1n" is "counter()::n".
 */
static void name_by_symbol(struct loading *loading, hc_variable *variable)
{
	uint64_t offset = 1;
	const char *symbol = hc_modules_symbol_at(loading->variables->modules, variable->address, &offset);
	g_autofree char *text = symbol && !offset && g_str_has_prefix(symbol, "_ZZ") ? hc_demangle(symbol) : NULL;
	hc_name_part parts[HC_NAME_PARTS_MAX];
	unsigned count = text ? hc_name_split(text, parts) : 0;

	if (count < 2)
		return;
	const char *end = parts[count - 2].start + parts[count - 2].length,
		   *bracket = memchr(parts[count - 2].start, '(', parts[count - 2].length);
	g_autofree char *function = g_strndup(text, (bracket ? bracket : end) - text),
			*name = g_strdup_printf("%s::%s", function, variable->name);
	GStringChunk *strings = loading->variables->info->strings;

	variable->function = g_string_chunk_insert_const(strings, function);
	variable->name = g_string_chunk_insert_const(strings, name);
}

static void add_variable(struct loading *loading, const struct static_variable *found)
{
	hc_variables *variables = loading->variables;
	hc_variable variable = {
		.kind = found->is_thread_local ? HC_VARIABLE_THREAD_LOCAL :
			found->in_function     ? HC_VARIABLE_FUNCTION :
						 HC_VARIABLE_GLOBAL,
		.module = loading->module,
		.thread = UINT_MAX,
		.frame = UINT_MAX,
	};
	Dwarf_Die die;

	if (!hc_debug_die(loading->debug, found->offset, &die))
		return;
	variable.name = hc_name_of_die(variables->info, loading->module, &die);
	if (!variable.name)
		return;
	if (found->in_function)
		variable.function = hc_function_of_die(variables->info, loading->module, &die);
	variable.type = hc_type_of_variable(variables->types, loading->module, &die);
	variable.valid_size = hc_type_size(variable.type);
	if (found->is_thread_local) {
		add_thread_local(loading, &die, &variable);
		return;
	}
	hc_variable_locate(variables, loading->module, &die, NULL, 0, &variable);
	if (variable.state == HC_VARIABLE_IN_MEMORY && is_dropped(loading, &variable))
		return;
	if (found->in_function && !variable.function && variable.state == HC_VARIABLE_IN_MEMORY)
		name_by_symbol(loading, &variable);
	add_row(loading, &variable);
}

/* ---- copies of thread-local variables that were dropped ---- */

static int compare_names(const void *a, const void *b, void *data)
{
	const hc_variable *rows = data, *x = &rows[*(const unsigned *)a], *y = &rows[*(const unsigned *)b];

	if (x->name != y->name)
		return (uintptr_t)x->name < (uintptr_t)y->name ? -1 : 1;
	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

/*
 * Where a name has several places in a thread, of which one is the block's beginning, that one is a
 * copy that was dropped.
 */
static void remove_dropped_copies(struct loading *loading, unsigned first)
{
	const GArray *rows = loading->rows;
	g_autofree unsigned *order = g_new(unsigned, rows->len - first + 1);
	g_autofree bool *remove = g_new0(bool, rows->len + 1);
	unsigned count = 0, kept = first;

	for (unsigned i = first; i < rows->len; i++)
		if (g_array_index(rows, hc_variable, i).kind == HC_VARIABLE_THREAD_LOCAL)
			order[count++] = i;
	g_qsort_with_data(order, (gint)count, sizeof *order, compare_names, rows->data);
	for (unsigned i = 0; i + 1 < count; i++) {
		const hc_variable *row = &g_array_index(rows, hc_variable, order[i]),
				  *next = &g_array_index(rows, hc_variable, order[i + 1]);
		const hc_tls_block *block = hc_modules_tls_at(loading->variables->modules, row->address);

		if (row->name == next->name && row->thread == next->thread && block && block->start == row->address)
			remove[order[i]] = true;
	}
	for (unsigned i = first; i < rows->len; i++)
		if (!remove[i])
			g_array_index(rows, hc_variable, kept++) = g_array_index(rows, hc_variable, i);
	g_array_set_size(loading->rows, kept);
}

/* ---- loading ---- */

static void load_module(hc_variables *variables, const hc_module *module, GArray *rows)
{
	struct loading loading = {
		.variables = variables,
		.module = module,
		.debug = hc_module_debug(variables->info, module),
		.rows = rows,
	};
	unsigned first = rows->len;

	if (!loading.debug->dwarf || !loading.debug->variables)
		return;
	loading.known = g_hash_table_new_full(hash_key, equal_keys, g_free, NULL);
	for (unsigned i = 0; i < loading.debug->variables->len; i++)
		add_variable(&loading, &g_array_index(loading.debug->variables, struct static_variable, i));
	remove_dropped_copies(&loading, first);
	if (loading.left_out)
		hc_diagnostics_add(variables->diagnostics, &too_many, 0, "%" PRIu64 " of %s",
			(uint64_t)loading.left_out, module->name);
	g_hash_table_unref(loading.known);
}

unsigned hc_variables_load(hc_variables *variables, unsigned jobs)
{
	if (variables->rows)
		return variables->rows->len;
	hc_debug_info_index(variables->info, jobs);
	GArray *rows = g_array_new(FALSE, TRUE, sizeof(hc_variable));

	for (unsigned i = 0; i < variables->info->program_count; i++)
		load_module(variables, variables->info->in_order[i], rows);
	hc_variables_add_locals(variables, rows);
	variables->rows = rows;
	variables->gaps = hc_debug_info_gaps(variables->info);
	g_ptr_array_add(variables->gaps, NULL);
	return rows->len;
}

const hc_variable *hc_variables_get(const hc_variables *variables, unsigned index)
{
	const GArray *rows = variables->rows;

	return rows && index < rows->len ? &g_array_index(rows, hc_variable, index) : NULL;
}

const char *const *hc_variables_gaps(const hc_variables *variables)
{
	static const char *const none[] = { NULL };

	return variables->gaps ? (const char *const *)variables->gaps->pdata : none;
}

const char *hc_variable_state_name(hc_variable_state state)
{
	static const char *const names[HC_VARIABLE_STATE_COUNT] = {
		[HC_VARIABLE_IN_MEMORY] = "in memory",
		[HC_VARIABLE_VALUE] = "value",
		[HC_VARIABLE_OPTIMIZED_OUT] = "optimized out",
		[HC_VARIABLE_UNREADABLE] = "unreadable",
		[HC_VARIABLE_UNSUPPORTED] = "unsupported",
	};

	return (unsigned)state < HC_VARIABLE_STATE_COUNT ? names[state] : "unknown";
}

/* ---- the object ---- */

hc_variables *hc_variables_create(hc_debug_info *info, hc_program_types *types, hc_diagnostics *diagnostics)
{
	hc_variables *variables = g_new0(hc_variables, 1);

	variables->info = info;
	variables->types = types;
	variables->modules = info->modules;
	variables->core = info->core;
	variables->diagnostics = diagnostics;
	return variables;
}

void hc_variables_destroy(hc_variables *variables)
{
	if (!variables)
		return;
	hc_values_destroy(variables->values);
	g_clear_pointer(&variables->rows, g_array_unref);
	g_clear_pointer(&variables->gaps, g_ptr_array_unref);
	g_clear_pointer(&variables->copies, g_hash_table_unref);
	g_free(variables);
}

hc_program_types *hc_variables_types(const hc_variables *variables)
{
	return variables->types;
}
