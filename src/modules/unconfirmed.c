/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Modules whose headers are not in the core (coredump_filter without bit 4; gdb to 8), so that no
 * build-id confirms the file that is here now. What was mapped is known from NT_FILE. A file is
 * used if nothing contradicts it, and that nothing confirms it is said.
 *
 * What can contradict:
 *
 *	mappings	each loadable segment lies where its header says, at the offset in the
 *			file that it says, and is as long
 *	dynamic section	its words are the file's, or the file's plus the bias where the dynamic
 *			linker put an address; DT_DEBUG is its own
 *	relocated words	what may not be written to after relocation (PT_GNU_RELRO) has the addresses
 *			of the file's relative relocations: another build has functions elsewhere
 *	constants	read-only pages that the core holds after all, as a debugger wrote to one of
 *			them, are the file's but for breakpoints
 *
 * The first two cost nothing; relocations are read from the file, at most RELOCATIONS_MAX for each
 * module.
 */
#include "base/file.h"
#include "modules/modules_state.h"

#include <elf.h>
#include <gelf.h>

static const hc_diagnostic_kind file_unconfirmed = {
	"file-unconfirmed",
	HC_SEVERITY_PARTIAL,
	"programs or libraries were used as found here: the core does not hold what would confirm that they are the ones that ran; if they are not, names and types are wrong",
};

static const hc_diagnostic_kind file_contradicted = {
	"file-contradicted",
	HC_SEVERITY_NOTE,
	"mapped programs or libraries that are here do not fit what the core has of them (replaced since?), and were not used: give the old ones with --sysroot",
};

#ifndef SHT_RELR
#define SHT_RELR 19 /* <elf.h> of glibc has it from 2.36 on */
#endif

enum {
	DYNAMIC_MAX = 512,	   /* entries */
	RELOCATIONS_MAX = 1 << 16, /* that are compared, of one file */
	BREAKPOINT = 0xcc,	   /* int3, of x86 */
};

/* A module that is compared with the bytes of its file. */
struct comparison {
	const hc_core *core;
	const struct module *module;
	const uint8_t *file;
	uint64_t file_size;
	unsigned relocations; /* compared */
	const char *why;      /* what contradicts; NULL: nothing */
};

/* ---- mappings ---- */

static const hc_module_segment *segment_at(const struct module *module, unsigned index)
{
	return &g_array_index(module->segments, hc_module_segment, index);
}

/*
 * A mapping of the file: of the segments that it touches it has the offset, and it goes no further
 * than they do.
 */
static bool piece_fits(const struct comparison *c, const hc_mapping *mapping)
{
	uint64_t page = hc_core_process(c->core)->page_size;
	hc_address most = 0;

	for (unsigned i = 0; i < c->module->segments->len; i++) {
		const hc_module_segment *segment = segment_at(c->module, i);
		hc_address start = hc_align_down(segment->start, page), end = hc_align_up(segment->file_end, page);

		if (segment->type != PT_LOAD || segment->file_end == segment->start || mapping->start >= end ||
			mapping->end <= start)
			continue;
		if (hc_align_down(segment->offset, page) + (mapping->start - start) != mapping->path_offset)
			return false;
		most = MAX(most, end);
	}
	return !most || mapping->end <= most; /* none: the gap between two segments, without access */
}

static bool is_same_path(const hc_mapping *mapping, const struct module *module)
{
	return mapping->path && !strcmp(mapping->path, module->public.path);
}

static void compare_mappings(struct comparison *c)
{
	const struct module *module = c->module;
	uint64_t page = hc_core_process(c->core)->page_size;

	for (unsigned i = 0; i < module->segments->len; i++) {
		const hc_module_segment *segment = segment_at(module, i);
		uint64_t size = segment->file_end - segment->start;

		if (segment->type != PT_LOAD || !size)
			continue;
		const hc_mapping *last = hc_core_find_mapping(c->core, segment->file_end - 1);

		if (segment->offset > c->file_size || size > c->file_size - segment->offset)
			c->why = "it is shorter than its headers say";
		if (!last || (!is_same_path(last, module) && (last->path || !(segment->flags & PF_X))))
			c->why = "it has more memory than the process had mapped of it";
	}
	for (unsigned i = hc_core_mapping_after(c->core, module->public.start); i < hc_core_mapping_count(c->core);
		i++) {
		const hc_mapping *mapping = hc_core_mapping(c->core, i);

		if (mapping->start > module->public.end)
			break;
		if (is_same_path(mapping, module) &&
			(mapping->start == module->public.end ? mapping->path_offset >= page : !piece_fits(c, mapping)))
			c->why = "the process had other parts of it mapped than its headers say";
	}
}

/* ---- bytes ---- */

static uint64_t load_word(const struct comparison *c, uint64_t offset)
{
	return hc_load_word(c->file + offset, hc_core_word_format(c->core));
}

/*
 * The dynamic linker relocates addresses in place, and keeps its own in DT_DEBUG: dl-dynamic-reloc,
 * <link.h>.
 */
static void compare_dynamic(struct comparison *c)
{
	unsigned word = hc_core_process(c->core)->word_size;

	for (unsigned i = 0; i < c->module->segments->len; i++) {
		const hc_module_segment *segment = segment_at(c->module, i);
		uint64_t count = (segment->file_end - segment->start) / (2 * word);

		if (segment->type != PT_DYNAMIC || segment->offset > c->file_size ||
			segment->file_end - segment->start > c->file_size - segment->offset)
			continue;
		for (uint64_t k = 0; k < MIN(count, DYNAMIC_MAX); k++) {
			uint64_t at = segment->offset + k * 2 * word, tag, value;
			uint64_t own = load_word(c, at), own_value = load_word(c, at + word);

			if (!hc_core_read_word(c->core, segment->start + k * 2 * word, &tag) ||
				!hc_core_read_word(c->core, segment->start + (k * 2 + 1) * word, &value))
				break;
			if (tag != own ||
				(tag != DT_DEBUG && value != own_value && value != own_value + c->module->public.bias))
				c->why = "its dynamic section is not the one in the core";
			if (own == DT_NULL)
				break;
		}
	}
}

static bool is_sealed(const struct module *module, hc_address address, unsigned size)
{
	for (unsigned i = 0; i < module->segments->len; i++) {
		const hc_module_segment *segment = segment_at(module, i);

		if (segment->type == PT_GNU_RELRO && address >= segment->start && address < segment->end &&
			size <= segment->end - address)
			return true;
	}
	return false;
}

/* The word at ADDRESS of the process is an address, which is ADDEND in the file. */
static void compare_relocated(struct comparison *c, hc_address address, uint64_t addend)
{
	uint64_t value;

	if (c->relocations >= RELOCATIONS_MAX || !is_sealed(c->module, address, hc_core_process(c->core)->word_size))
		return;
	c->relocations++;
	if (hc_core_read_word(c->core, address, &value) && value != addend + c->module->public.bias)
		c->why = "addresses that it has relocated are not the ones in the core";
}

/* R_..._RELATIVE; 0: not known. */
static unsigned relative_type(const hc_core *core)
{
	const hc_machine *machine = hc_core_machine(core);

	return machine ? machine->relocation_relative : 0;
}

static void compare_section(struct comparison *c, Elf_Data *data, uint64_t entry_size)
{
	unsigned type = relative_type(c->core);
	uint64_t count = entry_size ? data->d_size / entry_size : 0;

	for (uint64_t i = 0; type && i < MIN(count, G_MAXINT) && !c->why; i++) {
		GElf_Rela relocation;

		if (gelf_getrela(data, i, &relocation) && GELF_R_TYPE(relocation.r_info) == type)
			compare_relocated(
				c, relocation.r_offset + c->module->public.bias, (uint64_t)relocation.r_addend);
	}
}

/* The word at ADDRESS of the file, not relocated, is relocated in place. */
static void compare_in_place(struct comparison *c, uint64_t address)
{
	hc_address at = address + c->module->public.bias;

	for (unsigned i = 0; i < c->module->segments->len; i++) {
		const hc_module_segment *segment = segment_at(c->module, i);
		uint64_t offset = segment->offset + (at - segment->start);

		if (segment->type == PT_LOAD && at >= segment->start && at < segment->file_end &&
			offset <= c->file_size && c->file_size - offset >= hc_core_process(c->core)->word_size) {
			compare_relocated(c, at, load_word(c, offset));
			return;
		}
	}
}

/*
 * Relative relocations as a list of places (gABI, SHT_RELR): an even word is a place, an odd one
 * tells which of the next words behind the last place (63, or 31) are some, too, by its bits from
 * the second on.
 */
static void compare_places(struct comparison *c, uint64_t offset, uint64_t size)
{
	unsigned word = hc_core_process(c->core)->word_size;
	uint64_t next = 0;

	if (offset > c->file_size || size > c->file_size - offset)
		return;
	for (uint64_t i = 0; i < size / word && c->relocations < RELOCATIONS_MAX && !c->why; i++) {
		uint64_t entry = load_word(c, offset + i * word);

		if (!(entry & 1)) {
			compare_in_place(c, entry);
			next = entry + word;
			continue;
		}
		for (unsigned bit = 1; bit < word * 8; bit++)
			if (entry >> bit & 1)
				compare_in_place(c, next + (bit - 1) * word);
		next += (word * 8 - 1) * word;
	}
}

static void compare_relocations(struct comparison *c)
{
	Elf *elf = elf_memory((char *)(uintptr_t)c->file, c->file_size);

	for (Elf_Scn *section = NULL; elf && (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_ALLOC))
			continue;
		if (header.sh_type == SHT_RELR)
			compare_places(c, header.sh_offset, header.sh_size);
		else if (header.sh_type == SHT_RELA && (data = elf_getdata(section, NULL)))
			compare_section(c, data, header.sh_entsize);
	}
	if (elf)
		elf_end(elf);
}

/* The bytes of a mapping that only reads, which the core has. */
static void compare_piece(struct comparison *c, const hc_mapping *mapping)
{
	uint64_t size = mapping->end - mapping->start;

	if (mapping->path_offset >= c->file_size)
		return;
	size = MIN(size, c->file_size - mapping->path_offset);
	const uint8_t *own = c->file + mapping->path_offset;

	if (!memcmp(mapping->bytes, own, size))
		return;
	for (uint64_t i = 0; i < size; i++)
		if (mapping->bytes[i] != own[i] &&
			!(mapping->bytes[i] == BREAKPOINT && mapping->flags & HC_MAPPING_EXECUTE))
			c->why = "its code or constants are not the ones in the core";
}

static void compare_constants(struct comparison *c)
{
	for (unsigned i = hc_core_mapping_after(c->core, c->module->public.start);
		i < hc_core_mapping_count(c->core) && !c->why; i++) {
		const hc_mapping *mapping = hc_core_mapping(c->core, i);

		if (mapping->start >= c->module->public.end)
			break;
		if (mapping->source == HC_SOURCE_CORE && !(mapping->flags & HC_MAPPING_WRITE) &&
			is_same_path(mapping, c->module) && hc_module_is_constant(c->module, mapping))
			compare_piece(c, mapping);
	}
}

/* What in the core contradicts that MODULE is the file that it was read from; NULL: nothing. */
static const char *why_contradicted(const hc_core *core, const struct module *module)
{
	struct comparison c = {
		.core = core,
		.module = module,
		.file = (const uint8_t *)g_mapped_file_get_contents(module->mapped),
		.file_size = g_mapped_file_get_length(module->mapped),
	};
	static void (*const compare[])(struct comparison *) = {
		compare_dynamic,
		compare_relocations,
		compare_constants,
	};

	/* Without NT_FILE nothing tells which mappings are the file's. */
	if (*module->public.path && !hc_module_is_loaded(core, module))
		return "the process had it mapped in another way than its headers say";
	if (*module->public.path)
		compare_mappings(&c);
	for (unsigned i = 0; i < G_N_ELEMENTS(compare) && !c.why; i++)
		compare[i](&c);
	return c.why;
}

/* ---- the list ---- */

/*
 * Whether PHDR and the loads of MODULE, which was read from a file, are where the process says and
 * has memory.
 */
static bool fits_process(const hc_core *core, const struct module *module)
{
	const hc_process *process = hc_core_process(core);
	unsigned writable = 0;

	if (module->public.bias % process->page_size)
		return false;
	for (unsigned i = 0; i < module->segments->len; i++) {
		const hc_module_segment *segment = segment_at(module, i);
		bool is_data = segment->type == PT_LOAD && segment->flags & PF_W && segment->end > segment->start;

		if (segment->type == PT_PHDR && process->program_headers && segment->start != process->program_headers)
			return false;
		if (is_data &&
			(!hc_core_find_mapping(core, segment->start) || !hc_core_find_mapping(core, segment->end - 1)))
			return false;
		writable += is_data;
	}
	return writable > 0;
}

static int compare_modules(const void *a, const void *b)
{
	const struct module *x = *(struct module *const *)a, *y = *(struct module *const *)b;

	return (x->public.start > y->public.start) - (x->public.start < y->public.start);
}

/* Takes over MODULE, which lies in none that is known. */
static void add_module(hc_modules *modules, struct module *module)
{
	module->public.state = HC_MODULE_UNCONFIRMED;
	g_ptr_array_add(modules->list, module);
	g_ptr_array_sort(modules->list, compare_modules);
	for (unsigned i = 0; i < modules->list->len; i++)
		((struct module *)modules->list->pdata[i])->index = i;
	hc_diagnostics_add(modules->diagnostics, &file_unconfirmed, 0, "%s", module->file);
}

/*
 * FILE as a module whose first byte is at BASE (0: as AT_ENTRY tells), before it is compared with
 * anything. NULL if it is no program or library, or would lie where another module is.
 */
static struct module *read_module(const hc_modules *modules, const char *file, hc_address base)
{
	GMappedFile *mapped = hc_file_map(file, false, NULL);

	if (!mapped)
		return NULL;
	struct module *module = g_new0(struct module, 1);
	struct hc_header_source source = {
		.core = modules->core,
		.base = base,
		.file = (const uint8_t *)g_mapped_file_get_contents(mapped),
		.file_size = g_mapped_file_get_length(mapped),
	};

	module->segments = g_array_new(FALSE, TRUE, sizeof(hc_module_segment));
	module->mapped = mapped;
	if (!source.file || !hc_module_read_segments(&source, module) ||
		hc_modules_find(modules, module->public.start) || hc_modules_find(modules, module->public.end - 1)) {
		hc_module_destroy(module);
		return NULL;
	}
	const hc_mapping *mapping = hc_core_find_mapping(modules->core, module->public.start);

	module->public.path = mapping && mapping->path ? mapping->path : "";
	module->name = g_path_get_basename(base ? module->public.path : file);
	module->file = g_strdup(file);
	module->public.name = module->name;
	module->public.file = module->file;
	return module;
}

bool hc_modules_add_unconfirmed(hc_modules *modules, const char *binary, const char **ret_why)
{
	const char *why = NULL;
	struct module *module = hc_core_process(modules->core)->entry ? read_module(modules, binary, 0) : NULL;

	if (module && !fits_process(modules->core, module))
		why = "it does not fit the memory and the auxiliary vector in the core";
	else if (module)
		why = why_contradicted(modules->core, module);
	if (!module || why) {
		*ret_why = why;
		g_clear_pointer(&module, hc_module_destroy);
		return false;
	}
	module->public.is_executable = true;
	modules->executable = module;
	add_module(modules, module);
	return true;
}

/*
 * Whether a file that is mapped from piece INDEX on is code: not one that the process mapped to
 * read it.
 */
static bool has_code(const hc_core *core, unsigned index)
{
	const char *path = hc_core_mapping(core, index)->path;

	for (; index < hc_core_mapping_count(core); index++) {
		const hc_mapping *mapping = hc_core_mapping(core, index);

		if (mapping->path && strcmp(mapping->path, path))
			break;
		if (mapping->path && (mapping->flags & HC_MAPPING_EXECUTE ||
					     (mapping->flags & HC_MAPPING_UNLISTED && mapping->path_offset)))
			return true;
	}
	return false;
}

static void try_file(hc_modules *modules, unsigned index)
{
	const hc_mapping *mapping = hc_core_mapping(modules->core, index);
	g_autofree char *file = hc_module_path_here(modules, mapping->path);
	struct module *module = read_module(modules, file, mapping->start);

	if (!module)
		return;
	/* The kernel says that it was replaced: what is there now is another one. */
	const char *why = g_str_has_suffix(mapping->path, " (deleted)") ? "it was replaced while it was mapped" :
									  why_contradicted(modules->core, module);

	if (!why) {
		add_module(modules, module);
		return;
	}
	if (has_code(modules->core, index))
		hc_diagnostics_add(modules->diagnostics, &file_contradicted, 0, "%s: %s", file, why);
	hc_module_destroy(module);
}

void hc_modules_find_unconfirmed(hc_modules *modules)
{
	for (unsigned i = 0; i < hc_core_mapping_count(modules->core); i++) {
		const hc_mapping *mapping = hc_core_mapping(modules->core, i);

		if (mapping->path && !mapping->path_offset && !mapping->bytes && mapping->source == HC_SOURCE_NONE &&
			!hc_modules_find(modules, mapping->start))
			try_file(modules, i);
	}
}
