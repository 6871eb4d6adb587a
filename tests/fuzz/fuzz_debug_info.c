/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program whose debug info the input is, in a process that is sound: dwarf/ with libdw, program_types/, variables/ with the locals of a
 * frame. The input's form is that of fuzz_dwarf.c, but that byte 0 says nothing of a byte order.
 */
#include "../unit/program_builder.h"
#include "fuzz.h"

#include "abi/abi.h"
#include "base/diagnostics.h"
#include "variables/variables.h"

#include <dwarf.h>

enum {
	PAGE = 4096,
	HAS_HEADER = 1,
	ASKED_MAX = 200, /* variables, and types: each leads to more */
	SEEN_MAX = 400
};

static const hc_address stack = 0x7ffffffde000;
static const char path[] = "/program";

/* ---- the program's file ---- */

static void append(GByteArray *bytes, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * i);

		g_byte_array_append(bytes, &byte, 1);
	}
}

/* Of a unit, of which DIES follow; as fuzz_dwarf.c has it. */
static void append_unit_header(GByteArray *info, unsigned version, size_t dies)
{
	append(info, dies + (version < 5 ? 7 : 8), 4);
	append(info, version, 2);
	if (version < 5) {
		append(info, 0, 4);
		append(info, 8, 1);
	} else {
		append(info, DW_UT_compile, 1);
		append(info, 8, 1);
		append(info, 0, 4);
	}
}

static GByteArray *make_program(fuzz_input *input)
{
	program_section sections[] = { { .name = ".debug_abbrev" }, { .name = ".debug_str" },
		{ .name = ".debug_line_str" }, { .name = ".debug_str_offsets" }, { .name = ".debug_types" },
		{ .name = ".debug_info" } };
	enum {
		INFO = G_N_ELEMENTS(sections) - 1
	};
	unsigned flags = (unsigned)fuzz_number(input, 1);
	g_autoptr(GByteArray) info = g_byte_array_new();

	for (unsigned i = 0; i < INFO; i++)
		sections[i].size = (size_t)fuzz_number(input, 2);
	for (unsigned i = 0; i < INFO; i++) {
		fuzz_input part = fuzz_part(input, sections[i].size);

		sections[i].bytes = part.at;
		sections[i].size = part.left;
	}
	if (flags & HAS_HEADER)
		append_unit_header(info, 2 + (flags >> 1) % 4, input->left);
	g_byte_array_append(info, input->at, (unsigned)input->left);
	sections[INFO].bytes = info->data;
	sections[INFO].size = info->len;
	return program_image_with_sections(sections, G_N_ELEMENTS(sections));
}

static void write_program(fuzz_input *input)
{
	g_autoptr(GByteArray) image = make_program(input);
	g_autofree char *full = g_strconcat(fuzz_folder(), path, NULL);

	g_assert(g_file_set_contents_full(
		full, (const char *)image->data, image->len, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

/* ---- the process ---- */

static const char *core_path(void)
{
	static core_builder *builder;

	if (builder)
		return builder->path;
	builder = core_builder_create(8, false);
	program_map(builder, path);
	core_builder_add_memory(builder, stack, 2 * PAGE, PF_R | PF_W);
	core_builder_add_thread(builder, &(core_thread){ .id = 1,
						 .stack_pointer = stack + PAGE,
						 .program_counter = program_start + 0x410,
						 .rbx = stack + PAGE + 64 });
	return core_builder_path(builder);
}

/* ---- questions ---- */

typedef struct asking {
	GHashTable *seen; /* types */
	GQueue *left;
} asking;

static void add_type(asking *a, const hc_type *type)
{
	if (type && g_hash_table_size(a->seen) < SEEN_MAX && g_hash_table_add(a->seen, (void *)type))
		g_queue_push_tail(a->left, (void *)type);
}

static void ask_type(asking *a, const hc_type *type)
{
	uint64_t offset;

	fuzz_see_text(hc_type_name(type));
	fuzz_see_text(hc_type_short_name(type));
	fuzz_see_text(hc_type_template_name(type));
	fuzz_expect(hc_type_name(type) && hc_type_alignment(type), "a type without a name, or an alignment");
	add_type(a, hc_type_target(type));
	for (unsigned i = 0; i < hc_type_field_count(type) && i < ASKED_MAX; i++) {
		const hc_field *field = hc_type_field(type, i);

		add_type(a, field->type);
		if (field->name)
			hc_type_find_field(type, field->name, &offset);
	}
	for (unsigned i = 0; i < hc_type_argument_count(type) && i < ASKED_MAX; i++)
		add_type(a, hc_type_argument(type, i)->type);
	hc_type_is_polymorphic(type);
	hc_type_enumerator(type, 1);
	hc_type_count(type);
}

/* Classes of one name that differ. */
static void ask_abi(hc_program_types *types)
{
	const hc_abi_input input = { .program_types = types };
	g_autoptr(hc_abi) abi = hc_abi_create(&input, NULL);

	for (unsigned i = 0; i < hc_abi_count(abi) && i < ASKED_MAX; i++) {
		const hc_abi_difference *difference = hc_abi_get(abi, i);

		fuzz_see_text(difference->name);
		fuzz_expect(
			difference->sides[0].module_count && difference->sides[1].module_count, "a layout of nobody");
		for (unsigned k = 0; k < difference->change_count; k++) {
			const hc_abi_change *change = &difference->changes[k];

			fuzz_see_text(change->name);
			fuzz_expect(change->sides[0].is_known || change->sides[1].is_known, "a part that nobody knows");
		}
	}
}

static void ask(hc_variables *variables, hc_program_types *types)
{
	asking a = { .seen = g_hash_table_new(NULL, NULL), .left = g_queue_new() };
	unsigned count = hc_variables_load(variables, 1);
	const hc_type *type;
	uint8_t bytes[8];

	for (unsigned i = 0; i < count && i < ASKED_MAX; i++) {
		const hc_variable *variable = hc_variables_get(variables, i);

		fuzz_see_text(variable->name);
		fuzz_see_text(variable->function);
		fuzz_see_text(variable->reason);
		hc_variables_read(variables, variable->address, bytes, sizeof bytes);
		add_type(&a, variable->type);
	}
	add_type(&a, hc_program_types_find(types, "app::box<int, 3>"));
	add_type(&a, hc_program_types_find(types, "t"));
	while ((type = g_queue_pop_head(a.left)))
		ask_type(&a, type);
	g_queue_free(a.left);
	g_hash_table_unref(a.seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_input input = { data, size };
	const hc_modules_options options = { .sysroot = fuzz_folder() };
	hc_diagnostics *diagnostics = hc_diagnostics_create();
	hc_core *core;
	hc_modules *modules;

	write_program(&input);
	core = hc_core_open(core_path(), diagnostics, NULL);
	g_assert(core);
	modules = hc_modules_open(core, &options, diagnostics, NULL);
	if (modules) {
		hc_debug_info *info = hc_debug_info_create(modules);
		hc_program_types *types = hc_program_types_create(info);
		hc_variables *variables = hc_variables_create(info, types, diagnostics);

		ask(variables, types);
		ask_abi(types);
		hc_variables_destroy(variables);
		hc_program_types_destroy(types);
		hc_debug_info_destroy(info);
	}
	hc_modules_close(modules);
	hc_core_close(core);
	hc_diagnostics_destroy(diagnostics);
	return 0;
}
