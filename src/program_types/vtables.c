/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The class of an object by its vtable pointer (Itanium C++ ABI, 2.5.2):
 *
 *	_ZTV7Session:	offset to top		0, or how far back the whole object begins
 *			type_info ------------> _ZTI7Session: { vtable of its own, name "7Session", bases ... }
 *	vptr -------->	virtual functions
 *			offset to top, type_info, functions of the next base ...
 *
 * The symbol _ZTV... tells the class, and the type_info must say the same; where there is no symbol
 * (a stripped program, a hidden class) type_info alone is believed if its own vtable is that of a
 * type_info. Where nothing tells that (the C++ library's file is not here, or is a part of a
 * stripped program) it must look like one: its vtable has code, and its name is one that is
 * mangled.
 *
 * From the mangled name to the DIE: its demangled name is that of a type in the index for most.
 * Where compilers write arguments in another way, what has the same name without arguments is
 * compared by the linkage names of its member functions: these begin with the mangled class.
 * Classes of anonymous namespaces and functions, and those whose arguments are such, may have
 * several namesakes, and gcc gives their functions no linkage names: it is that of the unit which
 * has a virtual function of the vtable or, if these are several, the one in which such a function
 * is declared.
 */
#include "program_types/program_types_state.h"

#include "base/demangle.h"
#include "base/partition.h"

#include <dwarf.h>
#include <gelf.h>

enum {
	KNOWN_MAX = 1 << 20,
	NAME_LIMIT = 4096,
	SLOTS_MAX = 16,	 /* virtual functions that are looked at for their unit and class */
	ORIGINS_MAX = 8, /* from an instance of a function to its declaration */
	CANDIDATES_MAX = 1 << 14,
	METHODS_MAX = 1 << 12,
	TO_TOP_MAX = 1 << 28, /* bytes in an object */
};

struct vtable {
	guint64 address;
	const char *name;    /* NULL: it is none */
	const char *mangled; /* while `type` is not looked for yet: that reads debug info */
	const hc_type *type;
	int64_t to_top;
};

/* ---- symbols ---- */

static int compare_symbols(const void *a, const void *b)
{
	const hc_vtable_symbol *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void add_symbols(hc_program_types *types, const hc_module *module, Elf *elf, GArray *symbols)
{
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) || (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM) ||
			!header.sh_entsize || !(data = elf_getdata(section, NULL)))
			continue;
		for (uint64_t i = 0; i < MIN(header.sh_size / header.sh_entsize, G_MAXINT); i++) {
			GElf_Sym symbol;
			const char *name;

			if (!gelf_getsym(data, (int)i, &symbol) || symbol.st_shndx == SHN_UNDEF ||
				GELF_ST_TYPE(symbol.st_info) != STT_OBJECT ||
				!(name = elf_strptr(elf, header.sh_link, symbol.st_name)) || strncmp(name, "_ZTV", 4))
				continue;
			hc_vtable_symbol entry = { .start = symbol.st_value + module->bias,
				.end = symbol.st_value + module->bias + symbol.st_size,
				.name = g_string_chunk_insert_const(types->strings, name + 4) };

			g_array_append_val(symbols, entry);
		}
	}
}

/* The _ZTV symbols of MODULE, by address. */
static const GArray *vtable_symbols(hc_program_types *types, const hc_module *module)
{
	const struct module_debug *debug = hc_module_debug(types->info, module);
	GArray **known = &types->vtable_symbols[hc_modules_index(types->modules, module)];
	Elf *elf;

	if (*known)
		return *known;
	*known = g_array_new(FALSE, FALSE, sizeof(hc_vtable_symbol));
	elf = hc_module_elf(module);
	if (elf) {
		add_symbols(types, module, elf, *known);
		elf_end(elf);
	}
	if (debug->elf && (!hc_module_mapped(module) || g_strcmp0(debug->path, module->file)))
		add_symbols(types, module, debug->elf, *known);
	g_array_sort(*known, compare_symbols);
	return *known;
}

const hc_vtable_symbol *hc_program_types_vtables(hc_program_types *types, const hc_module *module, unsigned *ret_count)
{
	const GArray *symbols = vtable_symbols(types, module);

	*ret_count = symbols->len;
	return (const hc_vtable_symbol *)(const void *)symbols->data;
}

static const hc_vtable_symbol *find_symbol(hc_program_types *types, const hc_module *module, hc_address address)
{
	const GArray *symbols = vtable_symbols(types, module);
	unsigned low = HC_PARTITION_POINT(
		middle, 0, symbols->len, g_array_index(symbols, hc_vtable_symbol, middle).start < address);
	const hc_vtable_symbol *symbol = low ? &g_array_index(symbols, hc_vtable_symbol, low - 1) : NULL;

	/* Without virtual functions of its own the address point is the end. */
	return symbol && address <= symbol->end ? symbol : NULL;
}

/* ---- plausibility ---- */

/* The mangled class that the type_info at ADDRESS tells; NULL if it cannot be read. */
static char *read_type_info(const hc_program_types *types, hc_address address)
{
	uint64_t name;
	unsigned word = hc_core_process(types->core)->word_size;

	if (!hc_core_read_word(types->core, address + word, &name))
		return NULL;
	char *text = hc_core_read_string(types->core, name, NAME_LIMIT);

	/* "*" is for classes of which each has one of its own: those of anonymous namespaces. */
	if (text && *text == '*')
		memmove(text, text + 1, strlen(text));
	return text;
}

static bool is_type_info(hc_program_types *types, hc_address address)
{
	uint64_t vtable;
	const hc_module *module =
		hc_core_read_word(types->core, address, &vtable) ? hc_modules_find(types->modules, vtable) : NULL;
	const hc_vtable_symbol *symbol = module ? find_symbol(types, module, vtable) : NULL;
	uint64_t function;

	if (module && !vtable_symbols(types, module)->len)
		return hc_core_read_word(types->core, vtable, &function) && hc_modules_find(types->modules, function);
	return symbol && g_str_has_prefix(symbol->name, "N10__cxxabiv1") &&
	       g_str_has_suffix(symbol->name, "class_type_infoE");
}

/* The mangled class, and offset to top, of a vtable; NULL if it is none. Free with g_free(). */
static char *read_vtable(hc_program_types *types, const hc_module *module, hc_address vtable, int64_t *ret_to_top)
{
	unsigned word = hc_core_process(types->core)->word_size;
	uint64_t to_top, type_info;

	if (vtable % word || vtable < module->start + 2 * word ||
		!hc_core_read_word(types->core, vtable - 2 * word, &to_top) ||
		!hc_core_read_word(types->core, vtable - word, &type_info))
		return NULL;
	int64_t offset = word == 8 ? (int64_t)to_top : (int32_t)to_top;

	if (offset > 0 || offset < -TO_TOP_MAX || offset % (int)word)
		return NULL;
	*ret_to_top = offset;
	const hc_vtable_symbol *symbol = find_symbol(types, module, vtable);

	if (symbol && vtable < symbol->start + 2 * word)
		symbol = NULL;
	if (symbol && !type_info) /* -fno-rtti */
		return g_strdup(symbol->name);
	g_autofree char *name = type_info % word ? NULL : read_type_info(types, type_info);

	/* Of classes only: "i" would be int's. */
	if (!name || (!g_ascii_isdigit(*name) && !strchr("NSZ", *name)) ||
		(symbol ? strcmp(name, symbol->name) != 0 : !is_type_info(types, type_info)))
		return NULL;
	return g_steal_pointer(&name);
}

/* ---- its type ---- */

static const char *skip_qualifiers(const char *text)
{
	while (*text && strchr("rVKRO", *text))
		text++;
	return text;
}

/*
 * Whether the member function LINKAGE belongs to CLASS, both mangled: "_ZNK4demo7Session3runEv" to
 * "N4demo7SessionE".
 */
static bool is_method_of(const char *linkage, const char *class)
{
	size_t length = strlen(class), same = 0;

	if (strncmp(linkage, "_Z", 2))
		return false;
	linkage += 2;
	if (*class == 'N' && length > 2) {
		class = skip_qualifiers(class + 1);
		length = strlen(class) - 1;
	} else if (*class == 'Z') { /* in a function: "ZN5outer3runEvEN5local3getEv" and "ZN5outer3runEvE5local" */
		while (same < length && linkage[same] == class[same])
			same++;
		linkage += same;
		class += same;
		length -= same;
	}
	if (*linkage != 'N')
		return false;
	linkage = skip_qualifiers(linkage + 1);
	return !strncmp(linkage, class, length) && linkage[length] != 'I';
}

static bool has_method_of(Dwarf_Die *die, const char *class)
{
	unsigned steps = 0;
	Dwarf_Die child;

	if (dwarf_child(die, &child))
		return false;
	do {
		Dwarf_Attribute attribute;
		const char *linkage;

		if (dwarf_tag(&child) != DW_TAG_subprogram ||
			(!dwarf_attr(&child, DW_AT_linkage_name, &attribute) &&
				!dwarf_attr(&child, DW_AT_MIPS_linkage_name, &attribute)) ||
			!(linkage = dwarf_formstring(&attribute)))
			continue;
		return is_method_of(linkage, class);
	} while (++steps < METHODS_MAX && !dwarf_siblingof(&child, &child));
	return false;
}

struct wanted_class {
	const char *mangled, *name;
	uint64_t full, base;		       /* hashes */
	bool is_private;		       /* in a function or an anonymous namespace */
	const struct module_debug *unit_debug; /* where a virtual function is: its unit */
	uint64_t unit;			       /* offset of its first DIE */
	uint64_t classes[SLOTS_MAX];	       /* offsets in unit_debug: where its virtual functions are declared */
	unsigned class_count;
};

/*
 * Notes the class in which the virtual function at ADDRESS is declared: its own, or a base class.
 */
static void add_class_of_function(
	hc_program_types *types, const hc_module *module, hc_address address, struct wanted_class *wanted)
{
	Dwarf_Die function, next, scope;

	if (hc_module_debug(types->info, module) != wanted->unit_debug ||
		!hc_function_at(types->info, module, address, &function))
		return;
	for (unsigned i = 0; i < ORIGINS_MAX && hc_function_origin(&function, &next); i++)
		function = next;
	if (hc_function_scope(wanted->unit_debug, &function, &scope))
		wanted->classes[wanted->class_count++] = hc_die_offset(wanted->unit_debug, &scope);
}

/*
 * The classes of the virtual functions, up to the first word that is none: there the next vtable
 * begins.
 */
static void find_classes_of_functions(hc_program_types *types, hc_address vtable, struct wanted_class *wanted)
{
	unsigned word = hc_core_process(types->core)->word_size;

	for (unsigned i = 0; i < SLOTS_MAX; i++) {
		uint64_t function;
		const hc_module *module;

		if (!hc_core_read_word(types->core, vtable + i * word, &function) ||
			!(module = hc_modules_find(types->modules, function)))
			return;
		add_class_of_function(types, module, function, wanted);
	}
}

static bool declares_function(const struct wanted_class *wanted, uint64_t offset)
{
	for (unsigned i = 0; i < wanted->class_count; i++)
		if (wanted->classes[i] == offset)
			return true;
	return false;
}

/* The unit of the first virtual function that has one. */
static void find_unit(hc_program_types *types, hc_address vtable, struct wanted_class *wanted)
{
	unsigned word = hc_core_process(types->core)->word_size;

	for (unsigned i = 0; i < SLOTS_MAX; i++) {
		uint64_t function;
		Dwarf_Die unit;

		if (!hc_core_read_word(types->core, vtable + i * word, &function))
			return;
		const hc_module *module = hc_modules_find(types->modules, function);

		if (module && hc_module_unit_at(types->info, module, function, &unit)) {
			wanted->unit_debug = hc_module_index(types->info, module);
			wanted->unit = hc_die_offset(wanted->unit_debug, &unit);
			return;
		}
	}
}

/*
 * The next argument of a template, from *AT on, which moves behind its comma; FALSE at the end of
 * the list.
 */
static bool next_argument(const char **at, hc_name_part *ret_argument)
{
	const char *text = *at;
	unsigned level = 0;

	for (; *text && (level || (*text != ',' && *text != '>')); text++) {
		if (strchr("<([{", *text))
			level++;
		else if (strchr(">)]}", *text) && level)
			level--;
	}
	if (!*text || text == *at)
		return false;
	*ret_argument = (hc_name_part){ *at, text - *at };
	*at = text + (*text == ',');
	return true;
}

/*
 * Whether NAME, as demanglers write it, is TYPE, where all that differs is that the value of an
 * enum has its name in DWARF and is a number in the other: "rule<slow>" and "rule<(kind)1>". Both
 * names are canonical.
 */
static bool differs_in_enumerators(const char *name, const char *other, const hc_type *type)
{
	hc_name_part parts[HC_NAME_PARTS_MAX], argument, its;
	unsigned count = hc_name_split(name, parts), index = 0;

	if (!count)
		return false;
	const char *last = parts[count - 1].start;
	size_t base = hc_name_base_length(last, parts[count - 1].length);

	if (base == parts[count - 1].length || strncmp(name, other, last + base + 1 - name))
		return false;
	other += last + base + 1 - name;
	name = last + base + 1;
	for (; next_argument(&name, &argument); index++) {
		const hc_template_argument *value = hc_type_argument(type, index);

		if (!next_argument(&other, &its))
			return false;
		if (argument.length == its.length && !memcmp(argument.start, its.start, its.length))
			continue;
		const char *number = g_strrstr_len(argument.start, (gssize)argument.length, ")");

		if (*argument.start != '(' || !number || !value || value->type ||
			g_ascii_strtoll(number + 1, NULL, 10) != value->value)
			return false;
	}
	return !next_argument(&other, &its);
}

static bool is_same_but_for_enumerators(
	hc_program_types *types, const hc_module *module, Dwarf_Die *die, const char *name)
{
	g_autoptr(GString) canonical = g_string_new(NULL), other = g_string_new(NULL);

	if (!strstr(name, "(") || g_str_has_prefix(name, "("))
		return false;
	const hc_type *type = hc_type_of_die(types, module, die);

	hc_name_append_canonical(canonical, name);
	hc_name_append_canonical(other, hc_type_name(type));
	return differs_in_enumerators(canonical->str, other->str, type);
}

/*
 * NAME without what stands in round brackets: "use(int)::local" as "use::local", which is how
 * DWARF's scopes have it.
 */
static char *without_parameters(const char *name)
{
	GString *text = g_string_new(NULL);
	unsigned level = 0;

	for (const char *at = name; *at; at++) {
		if (*at == '(')
			level++;
		else if (*at == ')' && level)
			level--;
		else if (!level)
			g_string_append_c(text, *at);
	}
	return g_string_free(text, FALSE);
}

/*
 * How well a type of the index fits: 0 is not at all. Of what is private to a function nothing may
 * be left to compare but the names (link time optimisation puts functions into units of their own);
 * lambdas have none.
 */
static unsigned rank(hc_program_types *types, const hc_module *module, const struct named_type *found,
	const struct wanted_class *wanted)
{
	const struct module_debug *debug = hc_module_debug(types->info, module);
	const struct unit *unit = hc_debug_unit(debug, found->offset);
	unsigned rank = wanted->full && found->hash == wanted->full ? 2 : 0;
	Dwarf_Die die;

	if ((found->is_unique && !wanted->is_private) || !hc_debug_die(debug, found->offset, &die) ||
		(dwarf_tag(&die) != DW_TAG_class_type && dwarf_tag(&die) != DW_TAG_structure_type))
		return 0;
	if (!rank || wanted->is_private)
		rank += has_method_of(&die, wanted->mangled) ? 4 : 0;
	if (!rank && !wanted->is_private && is_same_but_for_enumerators(types, module, &die, wanted->name))
		rank = 1;
	if (wanted->is_private && debug == wanted->unit_debug && unit && unit->first == wanted->unit)
		rank += 8;
	if (debug == wanted->unit_debug && declares_function(wanted, found->offset))
		rank += 16;
	if (!rank && wanted->is_private && found->is_unique) {
		const char *name = hc_name_of_die(types->info, module, &die);
		g_autofree char *plain = without_parameters(wanted->name);

		rank = strstr(wanted->name, "{lambda(") || !g_strcmp0(name, plain);
	}
	return rank;
}

static const struct named_type *find_candidate(
	hc_program_types *types, const hc_module *module, const struct wanted_class *wanted)
{
	const struct module_debug *debug = hc_module_debug(types->info, module);
	const struct named_type *named = (const struct named_type *)(void *)debug->types->data, *found = NULL;
	unsigned first, count = wanted->full ? hc_debug_types(debug, wanted->full, &first) : 0, best = 0, ambiguous = 0;

	for (unsigned i = 0; i < count && !wanted->is_private; i++) /* most have no namesake */
		if (rank(types, module, &named[first + i], wanted))
			return &named[first + i];
	count = hc_debug_types_by_base(debug, wanted->base, &first);
	for (unsigned i = 0; i < MIN(count, CANDIDATES_MAX); i++) {
		const struct named_type *type = &named[debug->by_base[first + i]];
		unsigned fits = rank(types, module, type, wanted);

		if (fits > best) {
			best = fits;
			found = type;
		} else if (fits && fits == best) {
			ambiguous = best;
		}
	}
	/* Two that are told apart by nothing: rather none than the wrong one. */
	return wanted->is_private && ambiguous && ambiguous == best ? NULL : found;
}

static const hc_type *find_in_module(
	hc_program_types *types, const hc_module *module, const struct wanted_class *wanted)
{
	struct module_debug *debug = hc_module_index(types->info, module);
	const struct named_type *found = debug ? find_candidate(types, module, wanted) : NULL;
	Dwarf_Die die;

	return found && hc_debug_die(debug, found->offset, &die) ? hc_type_of_die(types, module, &die) : NULL;
}

static const hc_type *find_class(
	hc_program_types *types, const hc_module *module, hc_address vtable, const char *mangled, const char *name)
{
	struct wanted_class wanted = { .mangled = mangled, .name = name };
	const hc_type *type;

	if (!hc_name_hashes(name, &wanted.full, &wanted.base))
		return NULL;
	wanted.is_private = !wanted.full || strstr(name, "(anonymous namespace)") || strstr(name, "{lambda(");
	if (wanted.is_private)
		find_unit(types, vtable, &wanted);
	type = find_in_module(types, module, &wanted);
	if (!type && wanted.unit_debug) { /* of several: reads all functions of the unit, so only then */
		find_classes_of_functions(types, vtable, &wanted);
		type = wanted.class_count ? find_in_module(types, module, &wanted) : NULL;
	}
	for (unsigned i = 0; i < types->info->count && !type && !wanted.is_private; i++)
		if (types->info->in_order[i] != module)
			type = find_in_module(types, types->info->in_order[i], &wanted);
	return type;
}

static struct vtable *look_up(hc_program_types *types, hc_address address)
{
	struct vtable *vtable = g_new0(struct vtable, 1);
	const hc_module *module = hc_modules_find(types->modules, address);
	g_autofree char *mangled = module ? read_vtable(types, module, address, &vtable->to_top) : NULL;
	g_autofree char *name = mangled ? hc_demangle_type(mangled) : NULL;

	vtable->address = address;
	if (!name)
		return vtable;
	vtable->name = g_string_chunk_insert_const(types->strings, name);
	vtable->mangled = g_string_chunk_insert_const(types->strings, mangled);
	return vtable;
}

/* What is known of VTABLE, its type perhaps not yet. */
static struct vtable *find_vtable(hc_program_types *types, hc_address vtable)
{
	guint64 key = vtable;

	if (!types->vtables)
		types->vtables = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
	struct vtable *known = g_hash_table_lookup(types->vtables, &key);

	if (!known) {
		if (g_hash_table_size(types->vtables) >= KNOWN_MAX)
			g_hash_table_remove_all(types->vtables);
		known = look_up(types, vtable);
		g_hash_table_insert(types->vtables, &known->address, known);
	}
	return known;
}

const char *hc_program_types_class_name_of_vtable(hc_program_types *types, hc_address vtable)
{
	return find_vtable(types, vtable)->name;
}

bool hc_program_types_class_of_vtable(hc_program_types *types, hc_address vtable, const hc_type **ret_type,
	int64_t *ret_to_top, const char **ret_name)
{
	struct vtable *known = find_vtable(types, vtable);

	if (!known->name)
		return false;
	if (known->mangled) {
		const hc_module *module = hc_modules_find(types->modules, vtable);

		known->type = find_class(types, module, vtable, known->mangled, known->name);
		known->mangled = NULL;
	}
	*ret_type = known->type;
	*ret_to_top = known->to_top;
	*ret_name = known->name;
	return true;
}
