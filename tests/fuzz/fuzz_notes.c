/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The notes of a core, and what modules/ makes of them: threads and their pointers, mapped files, program headers and link maps in memory,
 * frames. All machines of base/machine.c, and one that is not there.
 *
 *	byte 0		the machine: an index in `machines`
 *	byte 1		how many notes follow, each: a kind (below NOTE_KINDS: an index in `types`), a length of 2 bytes, so many bytes. Threads
 *			are as long as the machine's, and the bytes are their registers, 2 each: a place in memory
 *	then		what the program's first page begins with, two bytes of length before it; then changes of its data (patched.h has them)
 */
#include "fuzz.h"

#include "base/diagnostics.h"
#include "modules/modules.h"

#include <string.h>

enum {
	PAGE = 4096,
	STACK_SIZE = 2 * PAGE,
	STATUS_SIZE = 400,
	NOTES_MAX = 32
};

static const struct {
	unsigned machine, word, registers,
		count; /* of NT_PRSTATUS: where the registers begin, and how many there are */
	bool big_endian;
} machines[] = {
	{ EM_X86_64, 8, 112, 27, false },
	{ EM_AARCH64, 8, 112, 34, false },
	{ EM_386, 4, 72, 17, false },
	{ EM_RISCV, 8, 112, 32, false },
	{ EM_AARCH64, 8, 112, 34, true },
	{ EM_386, 4, 72, 17, true },
};

static const struct {
	const char *name;
	uint32_t type;
} types[] = {
	{ "CORE", NT_PRSTATUS },
	{ "CORE", NT_FILE },
	{ "CORE", NT_AUXV },
	{ "CORE", NT_PRPSINFO },
	{ "CORE", NT_SIGINFO },
	{ "CORE", NT_FPREGSET },
	{ "LINUX", NT_X86_XSTATE },
	{ "LINUX", NT_ARM_TLS },
	{ "LINUX", NT_386_TLS },
	{ "LINUX", NT_ARM_PAC_MASK },
	{ "GDB", 0xff000000 },
};

/* Where things are: within 32 bits. */
static const hc_address program = 0x8048000, data = 0x8049000, stack = 0xbf000000;

/* Two bytes as an address: near something. */
static uint64_t take_place(fuzz_input *input)
{
	static const hc_address bases[] = { program, data, stack, 0 };
	uint64_t value = fuzz_number(input, 2);

	return bases[value & 3] + (value >> 2);
}

static void put(uint8_t *to, uint64_t value, unsigned size, bool big_endian)
{
	for (unsigned i = 0; i < size; i++)
		to[big_endian ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

static void add_thread(core_builder *builder, unsigned machine, fuzz_input part)
{
	uint8_t status[STATUS_SIZE] = { 0 };
	unsigned word = machines[machine].word;

	put(status + (word == 8 ? 32 : 24), fuzz_number(&part, 1), 4, builder->big_endian);
	for (unsigned i = 0; i < machines[machine].count && part.left; i++)
		put(status + machines[machine].registers + i * word, take_place(&part), word, builder->big_endian);
	core_builder_add_note(builder, "CORE", NT_PRSTATUS, status,
		machines[machine].registers + machines[machine].count * word + 16);
}

static void add_notes(core_builder *builder, unsigned machine, fuzz_input *input)
{
	unsigned count = fuzz_choice(input, NOTES_MAX);

	for (unsigned i = 0; i < count; i++) {
		unsigned kind = (unsigned)fuzz_number(input, 1);
		fuzz_input part = fuzz_part(input, (size_t)fuzz_number(input, 2));

		if (kind == 0)
			add_thread(builder, machine, part);
		else if (kind < G_N_ELEMENTS(types))
			core_builder_add_note(
				builder, types[kind].name, types[kind].type, part.at, (uint32_t)part.left);
		else
			core_builder_add_note(builder, "CORE", kind, part.at, (uint32_t)part.left);
	}
}

static core_builder *build(fuzz_input *input)
{
	unsigned machine = fuzz_choice(input, G_N_ELEMENTS(machines)), word = machines[machine].word;
	core_builder *builder = core_builder_create(word, machines[machine].big_endian);
	uint8_t *header = core_builder_add_memory(builder, program, PAGE, PF_R | PF_X),
		*variables = core_builder_add_memory(builder, data, PAGE, PF_R | PF_W);

	builder->machine = machines[machine].machine;
	core_builder_add_memory(builder, stack, STACK_SIZE, PF_R | PF_W);
	core_builder_add_partly(builder, stack - PAGE, PAGE, 0, 0);
	core_builder_add_file(builder, program, program + PAGE, 0, "/usr/bin/program");
	core_builder_add_file(builder, data, data + PAGE, PAGE, "/usr/bin/program");
	core_builder_add_auxiliary(builder, AT_PHDR, program + (word == 8 ? 64 : 52));
	core_builder_add_auxiliary(builder, AT_ENTRY, program + 0x100);
	core_builder_add_auxiliary(builder, AT_RANDOM, stack + STACK_SIZE - 64);
	add_notes(builder, machine, input);
	fuzz_input part = fuzz_part(input, MIN(fuzz_number(input, 2), PAGE));

	if (part.left)
		memcpy(header, part.at, part.left);
	while (input->left) {
		unsigned at = (unsigned)fuzz_number(input, 2) % (PAGE / word) * word;

		put(variables + at, take_place(input), word, builder->big_endian);
	}
	return builder;
}

static void ask_modules(hc_core *core, hc_modules *modules)
{
	hc_address_name name;
	unsigned count;

	for (unsigned i = 0; i < hc_modules_count(modules); i++) {
		const hc_module *module = hc_modules_get(modules, i);

		fuzz_see_text(module->path);
		fuzz_see_text(module->name);
		fuzz_see_text(module->build_id);
		fuzz_see_text(module->file);
		fuzz_expect(module->start < module->end, "a module ends before it begins");
		for (unsigned j = 0; j < hc_module_segment_count(modules, module); j++)
			fuzz_see(hc_module_segment_get(modules, module, j), sizeof(hc_module_segment));
		hc_module_is_data(modules, module, data);
		hc_modules_name(modules, module->start, &name);
		hc_modules_tls_block(modules, module, 0);
	}
	for (unsigned i = 0; i < hc_core_thread_count(core); i++) {
		const hc_frame *frames = hc_modules_frames(modules, i, &count);

		fuzz_see(frames, count * sizeof *frames);
		hc_modules_frame_registers(modules, i);
	}
	g_array_unref(hc_modules_link_maps(modules, 100));
	hc_modules_name(modules, data + 8, &name);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const hc_modules_options options = { .sysroot = "/nonexistent" };
	fuzz_input input = { bytes, size };
	core_builder *builder = build(&input);
	hc_diagnostics *diagnostics = hc_diagnostics_create();
	hc_core *core = hc_core_open(core_builder_path(builder), diagnostics, NULL);
	hc_modules *modules;

	fuzz_expect(core != NULL, "a core whose headers are well-formed is not opened");
	modules = hc_modules_open(core, &options, diagnostics, NULL);
	if (modules)
		ask_modules(core, modules);
	hc_modules_close(modules);
	hc_core_close(core);
	hc_diagnostics_destroy(diagnostics);
	core_builder_destroy(builder);
	return 0;
}
