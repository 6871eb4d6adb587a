/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An ELF core as the dead process's memory: "address -> bytes", and why not.
 *
 * The core is mapped, never read whole. An `address` is in the dead process, an `offset` in a file, a pointer in ours.
 * Ranges are half-open. An hc_core is immutable once the modules have supplied the bytes that it lacks
 * (hc_modules_open()), and may then be read by several threads.
 */
#pragma once

#include <heapcore/error.h>
#include <stddef.h>

HC_BEGIN_DECLS

typedef uint64_t hc_address;

typedef struct hc_range {
	hc_address start, end;
} hc_range;

/* Where the bytes of a mapping piece come from. */
typedef enum {
	HC_SOURCE_CORE,	     /* the core holds them */
	HC_SOURCE_FILE,	     /* a mapped file holds them, which agrees or is unconfirmed (modules.h) */
	HC_SOURCE_NONE,	     /* mapped, but left out of the core, and no trusted file has them */
	HC_SOURCE_TRUNCATED, /* the core's headers promise them, but the core file ends before */
} hc_source;

enum {
	HC_MAPPING_READ = 4, /* PF_R, PF_W, PF_X of the ELF program header */
	HC_MAPPING_WRITE = 2,
	HC_MAPPING_EXECUTE = 1,
	HC_MAPPING_UNLISTED = 8, /* known from NT_FILE only (gdb leaves text out): the protection is not known */
};

/*
 * A piece of the address space with one protection, one file and one source of bytes. Pieces are sorted and disjoint.
 * A mapping of the process may be several pieces: the page of ELF headers that the kernel dumps of a text mapping is one,
 * the rest, which must come from the file, another.
 */
typedef struct hc_mapping {
	hc_address start, end;
	unsigned flags;
	hc_source source;
	const uint8_t *bytes;  /* all of [start, end), or NULL */
	const char *path;      /* from NT_FILE, or NULL: anonymous, or unknown where the core has no NT_FILE */
	uint64_t path_offset;  /* of start in that file */
	hc_address file_start; /* where the run of pieces with the same NT_FILE entry begins */
} hc_mapping;

typedef enum {
	HC_ORIGIN_KERNEL,  /* a signal made the kernel write it */
	HC_ORIGIN_GCORE,   /* gdb wrote it of a live process */
	HC_ORIGIN_CAPTURE, /* heapcore did */
	HC_ORIGIN_UNKNOWN,
	HC_ORIGIN_LIVE, /* nobody: it is the memory of a process that goes on, read for this one analysis */
} hc_origin;

typedef struct hc_process {
	const char *name;	/* pr_fname: at most 15 bytes; "" if the core does not tell. Untrusted bytes: escape. */
	const char *arguments;	/* pr_psargs: at most 79 bytes */
	const char *executable; /* the path of the mapped executable (NT_FILE at AT_PHDR), or NULL */
	int64_t pid;		/* 0 if unknown */
	int signal;		/* that ended it; 0 if none (gcore) */
	hc_origin origin;
	const char *machine; /* "x86-64", "i386", "aarch64", or "machine 243" */
	unsigned machine_id; /* e_machine */
	unsigned word_size;  /* 4 or 8 */
	bool big_endian;
	uint64_t page_size;	    /* AT_PAGESZ, 4096 where the core does not tell */
	hc_address program_headers; /* AT_PHDR, 0 if unknown */
	hc_address entry;	    /* AT_ENTRY, 0 if unknown */
	hc_address vdso;	    /* AT_SYSINFO_EHDR, 0 if unknown */
	hc_address initial_stack;   /* an address in the main thread's stack (AT_RANDOM), 0 if unknown */
} hc_process;

enum {
	HC_REGISTERS_MAX = 40
};

typedef struct hc_thread {
	int64_t id; /* the kernel's thread id */
	int signal; /* pr_cursig */
	hc_address stack_pointer;
	hc_address program_counter;
	hc_address thread_pointer;	      /* fs base, tpidr; 0 if the core does not tell */
	uint64_t registers[HC_REGISTERS_MAX]; /* the general registers in the core's order */
	unsigned register_count;
	bool in_system_call;		 /* was stopped inside one: vector registers are dead there by the ABI */
	const uint8_t *vector_registers; /* NT_FPREGSET or NT_X86_XSTATE, as dumped; NULL if not in the core */
	size_t vector_registers_size;
} hc_thread;

typedef struct hc_core hc_core;

/*
 * Called now and then while a compressed core, or one that comes through a pipe, is written to a temporary file: after READ of SIZE bytes (0: not
 * known) of it, and WRITTEN bytes of the core. Return FALSE to cancel: opening fails with HC_ERROR_CANCELLED.
 */
typedef bool (*hc_unpacking_function)(uint64_t read, uint64_t size, uint64_t written, void *data);

/*
 * Opens and maps PATH; if that is the folder of a capture, the core in it (hc_core_path() then tells its name); if it is "-", or a name
 * of a descriptor (/dev/stdin, /dev/fd/N), what comes from there, also through a pipe. What is compressed (zstd, lz4, gzip, xz: by what is in
 * it, not by its name) is decompressed into a temporary file. Fails with HC_ERROR_IO, HC_ERROR_BAD_DATA (not an ELF core: the message says what it looks like),
 * HC_ERROR_TRUNCATED (not even the program headers) or HC_ERROR_UNSUPPORTED. A core that is cut later opens; what is
 * missing is counted in DIAGNOSTICS, which must outlive the core.
 */
hc_core *hc_core_open(const char *path, hc_diagnostics *diagnostics, GError **error);
void hc_core_close(hc_core *core);

/* Whether PATH is an executable or a library: an ELF file, but no core. */
bool hc_core_is_program(const char *path);

const char *hc_core_path(const hc_core *core);

/* What reports call the core, and a command line has in its place: its path, unless the analysis was told another (core_name). */
const char *hc_core_name(const hc_core *core);

/*
 * Whether nothing that the process's memory holds is to be told: texts, numbers, bytes (hc_analysis_options.no_content). Whoever makes text of
 * them asks; addresses, sizes and counts are told, and what lies where is found out, all the same.
 */
bool hc_core_hides_content(const hc_core *core);
uint64_t hc_core_file_size(const hc_core *core); /* bytes */
const hc_process *hc_core_process(const hc_core *core);
unsigned hc_core_thread_count(const hc_core *core);
const hc_thread *hc_core_thread(const hc_core *core, unsigned index); /* 0 is the one that the signal hit */

/* "rbx": the name of registers[INDEX] of the core's threads; NULL if it is not known for this machine. */
const char *hc_core_register_name(const hc_core *core, unsigned index);

/* Parts of a thread's vector_registers. */
typedef enum {
	HC_VECTOR_NONE,
	HC_VECTOR_XMM,
	HC_VECTOR_YMM_UPPER, /* the upper half of a ymm register */
	HC_VECTOR_OTHER,
} hc_vector_part;

/* What lies OFFSET bytes into a thread's vector_registers; *RET_NUMBER: the register's; of HC_VECTOR_OTHER it is OFFSET. */
hc_vector_part hc_core_vector_part(const hc_core *core, size_t offset, unsigned *ret_number);

unsigned hc_core_mapping_count(const hc_core *core);
const hc_mapping *hc_core_mapping(const hc_core *core, unsigned index);

/* The piece that holds ADDRESS, or NULL. */
const hc_mapping *hc_core_find_mapping(const hc_core *core, hc_address address);

/*
 * Pointer to the byte at ADDRESS, and in *AVAILABLE the number of bytes that follow it without a break (at least 1).
 * NULL if the byte is not mapped, not dumped or cut off. Valid until the core is closed.
 */
const uint8_t *hc_core_bytes(const hc_core *core, hc_address address, uint64_t *available);

/* Copies SIZE bytes, across pieces. FALSE, with nothing said, if any of them cannot be had. */
bool hc_core_read(const hc_core *core, hc_address address, void *buffer, size_t size);

/* A word of the process's size and byte order. FALSE if it cannot be had. */
bool hc_core_read_word(const hc_core *core, hc_address address, uint64_t *ret_value);

/* An unsigned integer of 1, 2, 4 or 8 bytes in the process's byte order. */
bool hc_core_read_unsigned(const hc_core *core, hc_address address, unsigned size, uint64_t *ret_value);

/* A NUL-terminated string of at most LIMIT bytes. NULL if unreadable or longer. Free with g_free(). */
char *hc_core_read_string(const hc_core *core, hc_address address, size_t limit);

/* Bytes of the process's memory that were resident, i.e. in memory, and that were swapped out. */
typedef struct hc_resident {
	uint64_t resident, swapped;
} hc_resident;

/* Whether that is known: of captures (<heapcore/capture.h>), but of no other cores. */
bool hc_core_knows_resident(const hc_core *core);

/* What of [start, end) was, by the byte: of half a page in memory half its bytes. 0 if it is not known. O(log n). */
hc_resident hc_core_resident(const hc_core *core, hc_address start, hc_address end);

/* "mapped, but not dumped" and so on, for an address that has no bytes: a clause for an error message. */
const char *hc_core_why_missing(const hc_core *core, hc_address address);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_core, hc_core_close)

/* A core that systemd-coredump(8) keeps. Untrusted text: escape. */
typedef struct hc_coredump {
	char *path;
	char *name;	  /* what the kernel called the process: at most 15 bytes */
	char *executable; /* its path; NULL: the file does not tell */
	int64_t pid;
	int64_t time; /* when it ended: microseconds since 1970 */
} hc_coredump;

/*
 * The newest core in FOLDER (NULL: where systemd keeps them) that MATCH means: the number of a process, the path of an executable (anything with
 * a slash; of a core that does not tell its executable the name has to do), or a program's name. HC_ERROR_IO: there is none, or FOLDER
 * cannot be read. Free with hc_coredump_free().
 */
hc_coredump *hc_coredump_find(const char *folder, const char *match, GError **error);
void hc_coredump_free(hc_coredump *dump);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_coredump, hc_coredump_free)

HC_END_DECLS
