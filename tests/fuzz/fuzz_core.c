/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * core/: ELF headers, program headers, notes, and what they make of the address space. The first byte says whether what follows is a whole
 * file, or program headers for a file that is well-formed but for them:
 *
 *	byte 0		0: the file as it is; else bits: 1 always, 2 32-bit, 4 big-endian, 8 PN_XNUM, 16 with notes
 *	then		headers of HEADER bytes each, as many as byte 1 says: type, flags, offset, address, size in the file, in memory
 *	then		the notes, and behind them whatever the offsets lead to
 */
#include "fuzz.h"

#include "base/diagnostics.h"
#include "core/core.h"

#include <string.h>

enum {
	IS_MADE = 1,
	IS_NARROW = 2,
	IS_BIG_ENDIAN = 4,
	IS_EXTENDED = 8,
	HEADERS_MAX = 32
};

static void append(GByteArray *image, uint64_t value, unsigned size, bool big_endian)
{
	for (unsigned i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * (big_endian ? size - 1 - i : i));

		g_byte_array_append(image, &byte, 1);
	}
}

/* Addresses and sizes that have something to do with each other: a page, a few bytes more, or anything. */
static uint64_t take_value(fuzz_input *input)
{
	switch (fuzz_choice(input, 5)) {
	case 0:
		return fuzz_number(input, 1) << 12;
	case 1:
		return fuzz_number(input, 2);
	case 2:
		return 0x7f0000000000 + (fuzz_number(input, 1) << 12);
	case 3:
		return UINT64_MAX - fuzz_number(input, 2);
	default:
		return fuzz_number(input, 8);
	}
}

static void append_program_header(GByteArray *image, fuzz_input *input, unsigned word, bool big)
{
	static const uint32_t types[] = { PT_LOAD, PT_NOTE, PT_NULL, PT_DYNAMIC, PT_LOAD };
	uint32_t type = types[fuzz_choice(input, G_N_ELEMENTS(types))], flags = (uint32_t)fuzz_number(input, 1);

	append(image, type, 4, big);
	if (word == 8)
		append(image, flags, 4, big);
	append(image, take_value(input), word, big); /* p_offset */
	append(image, take_value(input), word, big); /* p_vaddr */
	append(image, 0, word, big);
	append(image, take_value(input), word, big); /* p_filesz */
	append(image, take_value(input), word, big); /* p_memsz */
	if (word == 4)
		append(image, flags, 4, big);
	append(image, 4096, word, big);
}

static GByteArray *make_file(fuzz_input *input, unsigned flags)
{
	static const unsigned machines[] = { EM_X86_64, EM_AARCH64, EM_386, EM_S390, EM_ARM, EM_PPC64 };
	GByteArray *image = g_byte_array_new();
	bool big = flags & IS_BIG_ENDIAN, extended = flags & IS_EXTENDED;
	unsigned word = flags & IS_NARROW ? 4 : 8, header = word == 8 ? 64 : 52, entry = word == 8 ? 56 : 32,
		 count = fuzz_choice(input, HEADERS_MAX),
		 machine = machines[fuzz_choice(input, G_N_ELEMENTS(machines))];
	const uint8_t identity[EI_NIDENT] = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, word == 8 ? ELFCLASS64 : ELFCLASS32,
		big ? ELFDATA2MSB : ELFDATA2LSB, EV_CURRENT };

	g_byte_array_append(image, identity, sizeof identity);
	append(image, ET_CORE, 2, big);
	append(image, machine, 2, big);
	append(image, EV_CURRENT, 4, big);
	append(image, 0, word, big);
	append(image, header, word, big);
	append(image, extended ? header + count * entry : 0, word, big);
	append(image, 0, 4, big);
	append(image, header, 2, big);
	append(image, entry, 2, big);
	append(image, extended ? PN_XNUM : count, 2, big);
	append(image, word == 8 ? 64 : 40, 2, big);
	append(image, extended, 2, big);
	append(image, 0, 2, big);
	for (unsigned i = 0; i < count; i++)
		append_program_header(image, input, word, big);
	if (extended) {
		for (unsigned i = 0; i < (word == 8 ? 44 : 28); i += 4)
			append(image, 0, 4, big);
		append(image, count, 4, big);
		append(image, 0, 8, big);
		append(image, 0, 8, big);
	}
	g_byte_array_append(image, input->at, (unsigned)input->left);
	return image;
}

static void ask_threads(const hc_core *core)
{
	for (unsigned i = 0; i < hc_core_thread_count(core); i++) {
		const hc_thread *thread = hc_core_thread(core, i);
		unsigned number;

		fuzz_expect(hc_core_find_thread(core, thread->thread_pointer), "a thread is not found");
		fuzz_see(thread->registers, sizeof thread->registers);
		fuzz_see(thread->vector_registers, thread->vector_registers_size);
		for (size_t at = 0; at < thread->vector_registers_size; at += 16)
			hc_core_vector_part(core, at, &number);
		for (unsigned j = 0; j < HC_REGISTERS_MAX; j++)
			fuzz_see_text(hc_core_register_name(core, j));
	}
}

static void ask_memory(const hc_core *core)
{
	hc_address end = 0;

	for (unsigned i = 0; i < hc_core_mapping_count(core); i++) {
		const hc_mapping *mapping = hc_core_mapping(core, i);
		uint64_t size = mapping->end - mapping->start, available, word, hole;
		char buffer[256];

		fuzz_expect(mapping->start < mapping->end && (!i || mapping->start >= end), "pieces overlap");
		end = mapping->end;
		fuzz_expect(hc_core_find_mapping(core, mapping->start) == mapping, "a piece is not found");
		fuzz_see_text(mapping->path);
		hc_core_read_word(core, mapping->start + size / 2, &word);
		hc_core_read_word(core, mapping->end - 4, &word);
		hc_core_read(core, mapping->start, buffer, MIN(size, sizeof buffer));
		hc_core_read(core, mapping->end - 16, buffer, sizeof buffer);
		g_free(hc_core_read_string(core, mapping->start, 64));
		fuzz_see_text(hc_core_why_missing(core, mapping->end));
		hc_core_resident(core, mapping->start, mapping->end);
		if (!mapping->bytes)
			continue;
		const uint8_t *bytes = hc_core_bytes(core, mapping->start, &available);

		fuzz_see(bytes, MIN(available, 1 << 16));
		fuzz_see(bytes + available - 1, 1);
		hc_core_is_hole(core, bytes, available, &hole);
		hc_core_is_zero(core, bytes, MIN(available, 1 << 16));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_input input = { data, size };
	unsigned flags = (unsigned)fuzz_number(&input, 1);
	GByteArray *image = flags & IS_MADE ? make_file(&input, flags) : NULL;
	const char *path = image ? fuzz_file(image->data, image->len) : fuzz_file(input.at, input.left);
	hc_diagnostics *diagnostics = hc_diagnostics_create();
	g_autoptr(GError) error = NULL;
	hc_core *core = hc_core_open(path, diagnostics, &error);

	fuzz_expect(core || error, "no core, and no error");
	if (core) {
		const hc_process *process = hc_core_process(core);

		fuzz_see_text(process->name);
		fuzz_see_text(process->arguments);
		fuzz_see_text(process->executable);
		fuzz_see_text(process->machine);
		ask_threads(core);
		ask_memory(core);
	}
	hc_core_close(core);
	hc_diagnostics_destroy(diagnostics);
	if (image)
		g_byte_array_unref(image);
	return 0;
}
