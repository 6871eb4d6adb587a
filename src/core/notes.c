/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The notes of a core: threads (NT_PRSTATUS and the register sets after each), process (NT_PRPSINFO), auxiliary vector,
 * mapped files (NT_FILE), signal (NT_SIGINFO). Layouts: linux/elfcore.h and asm/elf.h of the machine; core(5) for NT_FILE.
 */
#include "core/core_state.h"

#include <elf.h>
#include <inttypes.h>

const hc_diagnostic_kind hc_notes_damaged = {
	"core-notes-damaged",
	HC_SEVERITY_HEAP_PARTIAL,
	"notes of the core (threads, mapped files) are cut off or damaged: what they tell is missing",
};

static const hc_diagnostic_kind notes_missing = {
	"core-notes-missing",
	HC_SEVERITY_PARTIAL,
	"no thread's registers are in the core: live stacks and thread-local storage can only be guessed",
};

/* PATH_MAX is 4096, and the kernel may add " (deleted)". A mapping of a hostile core could repeat megabytes in every report. */
enum {
	PATH_BYTES_MAX = 8192
};

struct note {
	uint32_t type;
	const char *name;
	uint64_t name_size;
	const uint8_t *data;
	uint64_t size;
};

static bool name_is(const struct note *note, const char *name)
{
	size_t length = strlen(name);

	return note->name_size >= length && !memcmp(note->name, name, length);
}

static hc_thread *current_thread(hc_core *core)
{
	return core->threads->len ? &g_array_index(core->threads, hc_thread, core->threads->len - 1) : NULL;
}

static void parse_thread(hc_core *core, const struct note *note)
{
	const hc_machine *machine = core->machine;
	hc_word_format format = core->format;
	hc_thread thread = { 0 };

	if (!machine)
		return;
	if (note->size < machine->status_registers + machine->register_count * format.size) {
		hc_diagnostics_add(core->diagnostics, &hc_notes_damaged, note->size, "NT_PRSTATUS of %" PRIu64 " bytes",
			note->size);
		return;
	}
	thread.signal = hc_load_u16(note->data + 12, format.swap);
	thread.id = hc_load_u32(note->data + machine->status_pid, format.swap);
	thread.register_count = machine->register_count;
	for (unsigned i = 0; i < machine->register_count; i++)
		thread.registers[i] = hc_load_word(note->data + machine->status_registers + i * format.size, format);
	thread.stack_pointer = thread.registers[machine->stack_pointer];
	thread.program_counter = thread.registers[machine->program_counter];
	if (machine->pointer_place == HC_POINTER_REGISTER)
		thread.thread_pointer = thread.registers[machine->pointer_register];
	if (machine->system_call >= 0) {
		uint64_t none = format.size == 8 ? UINT64_MAX : UINT32_MAX;

		thread.in_system_call = thread.registers[machine->system_call] != none;
	}
	g_array_append_val(core->threads, thread);
}

/* linux/elfcore.h, struct elf_prpsinfo: 64-bit 136 bytes; 32-bit 124 (16-bit uid) or 128 bytes. */
static void parse_process(hc_core *core, const struct note *note)
{
	unsigned pid = 24, name = 40, arguments = 56;

	if (core->format.size == 4) {
		pid = note->size >= 128 ? 16 : 12;
		name = note->size >= 128 ? 32 : 28;
		arguments = name + 16;
	}
	if (note->size < arguments + 80)
		return;
	g_autofree char *name_text = g_strndup((const char *)note->data + name, 16);
	g_autofree char *arguments_text = g_strndup((const char *)note->data + arguments, 80);

	core->process.pid = hc_load_u32(note->data + pid, core->format.swap);
	core->process.name = g_string_chunk_insert(core->strings, name_text);
	core->process.arguments = g_string_chunk_insert(core->strings, g_strchomp(arguments_text));
}

static void parse_auxiliary_vector(hc_core *core, const struct note *note)
{
	unsigned size = core->format.size;

	for (uint64_t i = 0; i + 2 * size <= note->size; i += 2 * size) {
		uint64_t type = hc_load_word(note->data + i, core->format),
			 value = hc_load_word(note->data + i + size, core->format);

		switch (type) {
		case AT_PAGESZ:
			if (value >= 1024 && value <= 1 << 20 && !(value & (value - 1)))
				core->process.page_size = value;
			break;
		case AT_PHDR:
			core->process.program_headers = value;
			break;
		case AT_ENTRY:
			core->process.entry = value;
			break;
		case AT_SYSINFO_EHDR:
			core->process.vdso = value;
			break;
		case AT_RANDOM:
			core->process.initial_stack = value;
			break;
		case AT_NULL:
			return;
		}
	}
}

/* core(5): count, page size, count times { start, end, offset in pages }, then as many NUL-terminated paths. */
static void parse_files(hc_core *core, const struct note *note)
{
	unsigned size = core->format.size;

	if (note->size < 2 * size)
		return;
	uint64_t count = hc_load_word(note->data, core->format),
		 page_size = hc_load_word(note->data + size, core->format);
	uint64_t room = (note->size - 2 * size) / (3 * size);

	if (count > room) {
		hc_diagnostics_add(
			core->diagnostics, &hc_notes_damaged, note->size, "NT_FILE promises %" PRIu64 " files", count);
		count = room;
	}
	const char *text = (const char *)note->data + (2 + 3 * count) * size,
		   *end = (const char *)note->data + note->size;

	for (uint64_t i = 0; i < count; i++) {
		const uint8_t *entry = note->data + (2 + 3 * i) * size;
		const char *terminator = text < end ? memchr(text, 0, end - text) : NULL;
		hc_file_range range = {
			.start = hc_load_word(entry, core->format),
			.end = hc_load_word(entry + size, core->format),
			.offset = hc_load_word(entry + 2 * size, core->format) * page_size,
			.path = text,
		};

		if (!terminator || range.end <= range.start || terminator - text > PATH_BYTES_MAX) {
			hc_diagnostics_add(core->diagnostics, &hc_notes_damaged, 0, "NT_FILE entry %" PRIu64, i);
			if (!terminator)
				return;
		} else {
			g_array_append_val(core->files, range);
		}
		text = terminator + 1;
	}
}

/* asm/ldt.h, struct user_desc: { entry_number, base_addr, limit, flags }, each of 4 bytes. A selector is the number times 8, and flags. */
static void parse_descriptors(const hc_core *core, hc_thread *thread, const struct note *note)
{
	enum {
		DESCRIPTOR_BYTES = 16
	};
	uint64_t wanted = thread->registers[core->machine->pointer_register] >> 3 & 0x1fff;

	for (uint64_t i = 0; wanted && note->size - i >= DESCRIPTOR_BYTES; i += DESCRIPTOR_BYTES)
		if (hc_load_u32(note->data + i, core->format.swap) == wanted)
			thread->thread_pointer = hc_load_u32(note->data + i + 4, core->format.swap);
}

static void parse_thread_pointer(const hc_core *core, hc_thread *thread, const struct note *note)
{
	if (core->machine->pointer_place == HC_POINTER_DESCRIPTOR)
		parse_descriptors(core, thread, note);
	else if (note->size >= core->format.size)
		thread->thread_pointer = hc_load_word(note->data, core->format);
}

static void parse_note(hc_core *core, const struct note *note)
{
	hc_thread *thread = current_thread(core);

	if (name_is(note, "HEAPCORE")) {
		core->process.origin = HC_ORIGIN_CAPTURE;
	} else if (name_is(note, "CORE")) {
		switch (note->type) {
		case NT_PRSTATUS:
			parse_thread(core, note);
			break;
		case NT_PRPSINFO:
			parse_process(core, note);
			break;
		case NT_AUXV:
			parse_auxiliary_vector(core, note);
			break;
		case NT_FILE:
			parse_files(core, note);
			break;
		case NT_SIGINFO:
			if (!core->process.signal && note->size >= 4)
				core->process.signal = hc_load_u32(note->data, core->format.swap);
			break;
		case NT_FPREGSET:
			if (thread && !thread->vector_registers) {
				thread->vector_registers = note->data;
				thread->vector_registers_size = note->size;
			}
			break;
		}
	} else if (name_is(note, "LINUX") && thread) {
		switch (note->type) {
		case NT_X86_XSTATE:
			thread->vector_registers = note->data;
			thread->vector_registers_size = note->size;
			break;
		default:
			if (core->machine && core->machine->pointer_note == note->type)
				parse_thread_pointer(core, thread, note);
		}
	}
}

/* Notes of cores are aligned to 4 bytes in both classes (elf(5) says 8 for ELFCLASS64; nobody writes that). */
static void parse_note_segment(hc_core *core, const hc_elf_segment *segment)
{
	uint64_t offset = segment->offset, size = segment->file_size;

	if (offset >= core->file_size) {
		hc_diagnostics_add(core->diagnostics, &hc_notes_damaged, size,
			"notes at offset %" PRIu64 " of a file of %" PRIu64 " bytes", offset, core->file_size);
		return;
	}
	uint64_t end = size > core->file_size - offset ? core->file_size : offset + size;

	if (end < offset + size)
		hc_diagnostics_add(core->diagnostics, &hc_notes_damaged, size - (end - offset),
			"notes are cut off at offset %" PRIu64, end);
	while (end - offset >= sizeof(Elf64_Nhdr)) {
		uint64_t name_size = hc_load_u32(core->file + offset, core->format.swap);
		uint64_t data_size = hc_load_u32(core->file + offset + 4, core->format.swap);
		uint64_t data = offset + sizeof(Elf64_Nhdr) + hc_align_up(name_size, 4);

		if (data > end || data_size > end - data) {
			hc_diagnostics_add(core->diagnostics, &hc_notes_damaged, end - offset,
				"a note at offset %" PRIu64 " runs past the end", offset);
			return;
		}
		parse_note(core, &(struct note){
					 .type = hc_load_u32(core->file + offset + 8, core->format.swap),
					 .name = (const char *)core->file + offset + sizeof(Elf64_Nhdr),
					 .name_size = name_size,
					 .data = core->file + data,
					 .size = data_size,
				 });
		offset = MIN(data + hc_align_up(data_size, 4), end);
	}
}

/* gdb writes the SIGSTOP that it stopped the process with as NT_SIGINFO: that ended nothing. */
static void settle_signal(hc_core *core)
{
	hc_process *process = &core->process;

	if (process->origin == HC_ORIGIN_CAPTURE) {
		process->signal = 0;
		return;
	}
	if (process->origin == HC_ORIGIN_GCORE) {
		process->signal = core->threads->len ? g_array_index(core->threads, hc_thread, 0).signal : 0;
		if (process->signal == 19 || process->signal == 5)
			process->signal = 0;
		return;
	}
	if (core->threads->len && g_array_index(core->threads, hc_thread, 0).signal)
		process->signal = g_array_index(core->threads, hc_thread, 0).signal;
	if (!process->signal)
		process->origin = HC_ORIGIN_UNKNOWN;
}

static int compare_offsets(const void *a, const void *b)
{
	const hc_elf_segment *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Each byte is parsed once: headers that name the same notes thousands of times would make thousands of each thread. */
static void parse_note_segments(hc_core *core)
{
	g_autoptr(GArray) notes = g_array_new(FALSE, FALSE, sizeof(hc_elf_segment));
	uint64_t end = 0;

	for (unsigned i = 0; i < core->segments->len; i++) {
		const hc_elf_segment *segment = &g_array_index(core->segments, hc_elf_segment, i);

		if (segment->type == PT_NOTE && segment->file_size)
			g_array_append_val(notes, *segment);
	}
	g_array_sort(notes, compare_offsets);
	for (unsigned i = 0; i < notes->len; i++) {
		const hc_elf_segment *segment = &g_array_index(notes, hc_elf_segment, i);

		if (segment->offset < end) {
			hc_diagnostics_add(core->diagnostics, &hc_notes_damaged, segment->file_size,
				"notes at offset %" PRIu64 " are named twice", segment->offset);
			continue;
		}
		parse_note_segment(core, segment);
		end = segment->offset + MIN(segment->file_size, UINT64_MAX - segment->offset);
	}
}

static int compare_pointers(const void *a, const void *b, void *data)
{
	const hc_core *core = data;
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
	hc_address x_pointer = g_array_index(core->threads, hc_thread, x).thread_pointer,
		   y_pointer = g_array_index(core->threads, hc_thread, y).thread_pointer;

	if (x_pointer != y_pointer)
		return (x_pointer > y_pointer) - (x_pointer < y_pointer);
	return (x > y) - (x < y);
}

void hc_core_sort_threads(hc_core *core)
{
	for (unsigned i = 0; i < core->threads->len; i++)
		g_array_append_val(core->by_pointer, i);
	g_array_sort_with_data(core->by_pointer, compare_pointers, core);
}

void hc_core_parse_notes(hc_core *core)
{
	parse_note_segments(core);
	if (!core->threads->len)
		hc_diagnostics_add(core->diagnostics, &notes_missing, 0, NULL);
	settle_signal(core);
}
