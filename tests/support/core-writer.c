/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A core of a process that no kernel dumps: of a program of another machine under qemu-user, whose own cores lack the mapped files, the
 * thread pointers and what is only read. Preloaded; when SIGABRT comes it writes "core" into the current folder as fs/binfmt_elf.c does:
 * threads with registers and thread pointers (sent a signal, one by one), auxiliary vector, mapped files, and of the memory all but the
 * code of files, of which it writes the first page only. Then the process ends.
 *
 * It allocates nothing: that would change what is dumped.
 */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef __aarch64__
#error "no other machine yet: its registers and its thread pointer in save()"
#endif

enum {
	THREADS_MAX = 256,
	MAPPINGS_MAX = 4096,
	TEXT_MAX = 1 << 20,
	PAGE = 4096,
};

struct thread {
	pid_t id;
	bool saved, ended;
	struct elf_prstatus status;
	uint64_t pointer;
};

struct start {
	void *(*function)(void *);
	void *argument;
	unsigned index;
};

static struct thread threads[THREADS_MAX];
static struct start starts[THREADS_MAX];
static unsigned thread_count;
static Elf64_Phdr segments[MAPPINGS_MAX];
static uint64_t file_rows[MAPPINGS_MAX][3];
static unsigned segment_count = 1, file_count;
static char maps[TEXT_MAX], paths[TEXT_MAX], notes[TEXT_MAX];
static size_t paths_size, notes_size;

/* ---- threads ---- */

static void *run(void *data)
{
	struct start *start = data;

	threads[start->index].id = gettid();
	void *result = start->function(start->argument);
	threads[start->index].ended = true;
	return result;
}

int pthread_create(pthread_t *ret_thread, const pthread_attr_t *attributes, void *(*function)(void *), void *argument)
{
	int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
	unsigned index = __atomic_add_fetch(&thread_count, 1, __ATOMIC_SEQ_CST);

	if (index >= THREADS_MAX)
		abort();
	starts[index] = (struct start){ function, argument, index };
	return create(ret_thread, attributes, run, &starts[index]);
}

static void save(struct thread *thread, const ucontext_t *context)
{
	uint64_t *registers = (uint64_t *)&thread->status.pr_reg;

	memcpy(registers, context->uc_mcontext.regs, 31 * sizeof *registers);
	registers[31] = context->uc_mcontext.sp;
	registers[32] = context->uc_mcontext.pc;
	registers[33] = context->uc_mcontext.pstate;
	__asm__("mrs %0, tpidr_el0" : "=r"(thread->pointer));
	thread->status.pr_pid = thread->id;
	__atomic_store_n(&thread->saved, true, __ATOMIC_SEQ_CST);
}

static void stay(int signal, siginfo_t *information, void *context)
{
	(void)signal, (void)information;
	for (unsigned i = 1; i <= thread_count; i++)
		if (threads[i].id == gettid())
			save(&threads[i], context);
	for (;;)
		sched_yield();
}

/* ---- writing ---- */

static size_t read_whole(const char *path, char *text, size_t room)
{
	int file = open(path, O_RDONLY);
	size_t size = 0;
	ssize_t got;

	while (file >= 0 && size + 1 < room && (got = read(file, text + size, room - 1 - size)) > 0)
		size += (size_t)got;
	close(file);
	text[size] = '\0';
	return size;
}

static void add_note(const char *name, unsigned type, const void *data, size_t size)
{
	Elf64_Nhdr header = { .n_namesz = strlen(name) + 1, .n_descsz = size, .n_type = type };

	memcpy(notes + notes_size, &header, sizeof header);
	notes_size += sizeof header;
	memcpy(notes + notes_size, name, header.n_namesz);
	notes_size += (header.n_namesz + 3) & ~3u;
	memcpy(notes + notes_size, data, size);
	notes_size += (size + 3) & ~(size_t)3;
}

static void add_mapping(char *line)
{
	unsigned long start, end, offset;
	char flags[5], *path = strchr(line, '/');

	if (sscanf(line, "%lx-%lx %4s %lx", &start, &end, flags, &offset) != 4)
		return;
	bool is_code = path && flags[2] == 'x', readable = flags[0] == 'r';

	segments[segment_count++] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = (readable ? PF_R : 0u) | (flags[1] == 'w' ? PF_W : 0u) | (flags[2] == 'x' ? PF_X : 0u),
		.p_vaddr = start,
		.p_filesz = !readable ? 0 : is_code ? (offset ? 0 : PAGE) : end - start,
		.p_memsz = end - start,
		.p_align = PAGE,
	};
	if (!path)
		return;
	file_rows[file_count][0] = start;
	file_rows[file_count][1] = end;
	file_rows[file_count++][2] = offset / PAGE;
	strcpy(paths + paths_size, path);
	paths_size += strlen(path) + 1;
}

static void add_files(void)
{
	static char note[TEXT_MAX];
	uint64_t header[2] = { file_count, PAGE };
	size_t rows = file_count * sizeof file_rows[0];

	memcpy(note, header, sizeof header);
	memcpy(note + sizeof header, file_rows, rows);
	memcpy(note + sizeof header + rows, paths, paths_size);
	add_note("CORE", NT_FILE, note, sizeof header + rows + paths_size);
}

static void add_thread(struct thread *thread)
{
	add_note("CORE", NT_PRSTATUS, &thread->status, sizeof thread->status);
	add_note("LINUX", NT_ARM_TLS, &thread->pointer, sizeof thread->pointer);
}

static void put(int file, const void *data, size_t size, uint64_t offset)
{
	for (ssize_t done; size; data = (const char *)data + done, size -= (size_t)done, offset += (uint64_t)done)
		if ((done = pwrite(file, data, size, (off_t)offset)) <= 0)
			_exit(2);
}

static void write_core(void)
{
	struct elf_prpsinfo process = { .pr_pid = getpid(), .pr_fname = "guest", .pr_psargs = "guest" };
	static char auxiliary[8192];
	size_t auxiliary_size = read_whole("/proc/self/auxv", auxiliary, sizeof auxiliary);

	read_whole("/proc/self/maps", maps, sizeof maps);
	for (char *line = strtok(maps, "\n"); line && segment_count < MAPPINGS_MAX; line = strtok(NULL, "\n"))
		add_mapping(line);
	add_thread(&threads[0]);
	add_note("CORE", NT_PRPSINFO, &process, sizeof process);
	add_note("CORE", NT_AUXV, auxiliary, auxiliary_size);
	add_files();
	for (unsigned i = 1; i <= thread_count; i++)
		if (threads[i].saved)
			add_thread(&threads[i]);

	Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_AARCH64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof header,
		.e_ehsize = sizeof header,
		.e_phentsize = sizeof segments[0],
		.e_phnum = segment_count,
	};
	uint64_t offset = sizeof header + segment_count * sizeof segments[0];
	int file = open("core.unfinished", O_RDWR | O_CREAT | O_TRUNC, 0600);

	segments[0] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = offset, .p_filesz = notes_size, .p_align = 4 };
	put(file, notes, notes_size, offset);
	offset = (offset + notes_size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	for (unsigned i = 1; i < segment_count; i++) {
		segments[i].p_offset = offset;
		put(file, (const void *)segments[i].p_vaddr, segments[i].p_filesz, offset);
		offset += segments[i].p_filesz;
	}
	put(file, &header, sizeof header, 0);
	put(file, segments, segment_count * sizeof segments[0], sizeof header);
	close(file);
	rename("core.unfinished", "core");
}

static void dump(int signal, siginfo_t *information, void *context)
{
	(void)information;
	threads[0].status.pr_cursig = (short)signal;
	threads[0].status.pr_info.si_signo = signal;
	save(&threads[0], context);
	for (unsigned i = 1; i <= thread_count; i++) {
		if (threads[i].ended || !threads[i].id || syscall(SYS_tgkill, getpid(), threads[i].id, SIGURG))
			continue;
		while (!__atomic_load_n(&threads[i].saved, __ATOMIC_SEQ_CST))
			sched_yield();
	}
	write_core();
	_exit(0);
}

__attribute__((constructor)) static void begin(void)
{
	struct sigaction abort_action = { .sa_sigaction = dump, .sa_flags = SA_SIGINFO }, stay_action = { .sa_sigaction = stay,
											  .sa_flags = SA_SIGINFO };

	threads[0].id = getpid();
	sigaction(SIGABRT, &abort_action, NULL);
	sigaction(SIGURG, &stay_action, NULL);
}
