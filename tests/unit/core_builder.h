/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Builds an ELF core from a description of the dead process: memory, threads, notes. It knows ELF
 * and the kernel's structures by itself and shares no code with what it tests.
 *
 *	core_builder *builder = core_builder_create(8, false);
 *	core_builder_add_memory(builder, 0x10000, 0x2000, PF_R | PF_W);
 *	core_builder_put_word(builder, 0x10008, 42);
 *	hc_core *core = core_builder_open(builder, diagnostics, &error);
 *
 * The defaults are those of a kernel core of an x86-64 process. What a test damages stands in
 * fields: see struct core_builder.
 */
#pragma once

#include <elf.h>
#include <heapcore/core.h>

typedef struct core_segment {
	hc_address address;
	uint64_t size;	 /* p_memsz */
	uint64_t dumped; /* p_filesz */
	uint32_t flags;
	uint8_t *bytes;	 /* of [address, address + dumped); NULL: a hole of zeros in the file */
	uint64_t offset; /* in the image; set by core_builder_image() */
} core_segment;

typedef struct core_builder {
	unsigned word; /* 4 or 8 */
	bool big_endian;
	GArray *segments; /* of core_segment */
	GByteArray *notes, *auxiliary;
	GArray *files; /* of struct core_file */

	/* For damage. They go into the file as they stand. */
	unsigned machine, type;
	unsigned segment_entry_size; /* e_phentsize; 0: the right one */
	unsigned section_count;	     /* e_shnum: more than 1 looks like gdb's work */
	bool extended_count;	     /* PN_XNUM: the number of segments stands in section 0 */
	uint64_t truncate;	     /* bytes of the file that are left; 0: all */

	int descriptor; /* of the file that core_builder_path() made last */
	char *path;	/* NULL: of none */
} core_builder;

core_builder *core_builder_create(unsigned word, bool big_endian);
void core_builder_destroy(core_builder *builder);

/* ---- memory ---- */

/* Dumped memory, zeros at first. The pointer is to the bytes of ADDRESS; it stays valid. */
uint8_t *core_builder_add_memory(core_builder *builder, hc_address address, uint64_t size, uint32_t flags);

/* Memory of which only the first DUMPED bytes are in the core. */
uint8_t *core_builder_add_partly(
	core_builder *builder, hc_address address, uint64_t size, uint64_t dumped, uint32_t flags);

/* Dumped zeros that take no room here: gdb's way of writing address space without access. */
void core_builder_add_zeros(core_builder *builder, hc_address address, uint64_t size, uint32_t flags);

/* Our copy of the byte at ADDRESS; NULL if it is not dumped. */
uint8_t *core_builder_at(const core_builder *builder, hc_address address);

/*
 * In the process's word size and byte order. An address that is not there is a bug of the test: it
 * aborts.
 */
void core_builder_put(core_builder *builder, hc_address address, uint64_t value, unsigned size);
void core_builder_put_word(core_builder *builder, hc_address address, uint64_t value);
void core_builder_put_bytes(core_builder *builder, hc_address address, const void *bytes, size_t size);
uint64_t core_builder_word(const core_builder *builder, hc_address address);

/* ---- notes ---- */

void core_builder_add_note(core_builder *builder, const char *name, uint32_t type, const void *data, uint32_t size);

/*
 * An x86-64 thread (user_regs_struct). All other registers are 0, but orig_rax, which is -1: not in
 * a system call.
 */
typedef struct core_thread {
	int32_t id;
	uint16_t signal;
	hc_address stack_pointer, program_counter, thread_pointer;
	uint64_t rbx, r12; /* two that a caller may keep values in */
	bool in_system_call;
} core_thread;
void core_builder_add_thread(core_builder *builder, const core_thread *thread);
void core_builder_add_process(core_builder *builder, const char *name, const char *arguments, int32_t pid);
void core_builder_add_signal(core_builder *builder, int32_t number); /* NT_SIGINFO */
void core_builder_add_auxiliary(core_builder *builder, uint64_t type, uint64_t value);

/* An entry of NT_FILE; OFFSET in bytes. */
void core_builder_add_file(core_builder *builder, hc_address start, hc_address end, uint64_t offset, const char *path);

/* ---- the core ---- */

/* The file's bytes, and where they lie: headers, notes, segments in the order they were added. */
GByteArray *core_builder_image(core_builder *builder);

/*
 * The core as it is now, as a file in memory, for what opens cores by path. Path and file are the
 * builder's, and last until the next call.
 */
const char *core_builder_path(core_builder *builder);

/* Opens the core. The file is in memory and has no name. */
hc_core *core_builder_open(core_builder *builder, hc_diagnostics *diagnostics, GError **error);

/* Opens SIZE bytes as a core. */
hc_core *core_builder_open_bytes(const void *bytes, size_t size, hc_diagnostics *diagnostics, GError **error);

/* How often the diagnostic ID was counted; 0 if never. */
uint64_t core_builder_told(const hc_diagnostics *diagnostics, const char *id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(core_builder, core_builder_destroy)
