/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The recorder: what is allocated, exactly, told by the process itself.
 *
 * The end-to-end tests preload this object into a fixture program.  It stands
 * in front of malloc and its relatives, forwards every call to glibc, and
 * keeps the set of blocks that are allocated at this moment.  When the fixture
 * has reached its stop point it calls recorder_dump(), which writes that set
 * to a file; a core taken at the stop must agree with it to the byte.
 *
 * What it must not do is disturb the answer:
 *
 *  - Its table lies in a mapping of its own, never in the heap.
 *  - The analyser takes such a mapping for a root and looks for pointers in
 *    it.  So every word of it is stored XORed with a constant that turns heap
 *    addresses (and small sizes: in a position-dependent program the heap can
 *    lie as low as 32 MiB) into words that are no address at all.
 *  - recorder_dump() allocates nothing; it may be called at any time and from
 *    any thread.
 *
 * Order of events.  A block enters the table after glibc has returned it and
 * leaves the table before glibc gets it back, so that the address can not be
 * handed out again in between.  The table is exact whenever no thread is
 * inside malloc, and fixtures stop only at such points.
 *
 * Threads: one recursive lock around the table, not around malloc, so glibc's
 * own arenas and locks see the same contention as without the recorder.
 * Fork: the lock is held across it, the child inherits a private copy.
 *
 * Which glibc: the weak __libc_* names where the C library has them (all from
 * 2.26 to 2.43 seen so far), dlsym(RTLD_NEXT) otherwise.  dlsym itself may
 * allocate before we know where to: such blocks come from a small static pool
 * and are never freed.
 *
 * With -DRECORDER_CALLERS it also keeps which calls led to malloc (callers.h), and a signal has it write: for programs that know nothing of it.
 *
 * A static executable can not preload.  There this file is compiled into the
 * program with -DRECORDER_WRAP and linked with -Wl,--wrap=malloc,... for every
 * name in the list below; calls inside libc.a are wrapped as well.
 */
#include "block-table.h"
#ifdef RECORDER_CALLERS
#include "callers.h"
#endif

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef RECORDER_WRAP
#define INTERPOSED(name) __wrap_##name
void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__real_memalign(size_t, size_t);
void __real_free(void *);
#define libc_malloc_if_exported	  __real_malloc
#define libc_calloc_if_exported	  __real_calloc
#define libc_realloc_if_exported  __real_realloc
#define libc_memalign_if_exported __real_memalign
#define libc_free_if_exported	  __real_free
#else
#define INTERPOSED(name)	  name
extern void *__libc_malloc(size_t) __attribute__((weak));
extern void *__libc_calloc(size_t, size_t) __attribute__((weak));
extern void *__libc_realloc(void *, size_t) __attribute__((weak));
extern void *__libc_memalign(size_t, size_t) __attribute__((weak));
extern void __libc_free(void *) __attribute__((weak));
#define libc_malloc_if_exported	  __libc_malloc
#define libc_calloc_if_exported	  __libc_calloc
#define libc_realloc_if_exported  __libc_realloc
#define libc_memalign_if_exported __libc_memalign
#define libc_free_if_exported	  __libc_free
#endif

#define EXPORT __attribute__((visibility("default")))

EXPORT int recorder_dump(const char *path);

/* ---- the functions behind us ------------------------------------------- */

static struct {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void *(*memalign)(size_t, size_t);
	void (*free)(void *);
} libc;

static int libc_ready; /* 0 not looked up, 1 being looked up, 2 known */

/* For dlsym's own allocations while we look up.  16 bytes before each block
 * hold its size. */
static _Alignas(16) unsigned char bootstrap_pool[16 * 1024];
static size_t bootstrap_used;

static bool from_bootstrap_pool(const void *pointer)
{
	return (uintptr_t)pointer - (uintptr_t)bootstrap_pool < sizeof bootstrap_pool;
}

static void *bootstrap_malloc(size_t size)
{
	size_t need = ((size + 15) & ~(size_t)15) + 16;
	if (need < size || need > sizeof bootstrap_pool - bootstrap_used)
		return NULL;
	unsigned char *block = bootstrap_pool + bootstrap_used + 16;
	memcpy(block - 16, &size, sizeof size);
	bootstrap_used += need;
	return block; /* the pool is zero and never used twice: good for calloc */
}

/* Returns false while a lookup is under way: use the bootstrap pool. */
static bool libc_known(void)
{
	if (__atomic_load_n(&libc_ready, __ATOMIC_ACQUIRE) == 2)
		return true;
	if (libc_ready == 1)
		return false;
	libc_ready = 1; /* the first call comes before there is a second thread */
	libc.malloc = libc_malloc_if_exported;
	libc.calloc = libc_calloc_if_exported;
	libc.realloc = libc_realloc_if_exported;
	libc.memalign = libc_memalign_if_exported;
	libc.free = libc_free_if_exported;
#ifndef RECORDER_WRAP
	if (libc.malloc == NULL)
		libc.malloc = dlsym(RTLD_NEXT, "malloc");
	if (libc.calloc == NULL)
		libc.calloc = dlsym(RTLD_NEXT, "calloc");
	if (libc.realloc == NULL)
		libc.realloc = dlsym(RTLD_NEXT, "realloc");
	if (libc.memalign == NULL)
		libc.memalign = dlsym(RTLD_NEXT, "memalign");
	if (libc.free == NULL)
		libc.free = dlsym(RTLD_NEXT, "free");
#endif
	__atomic_store_n(&libc_ready, 2, __ATOMIC_RELEASE);
	return true;
}

/* ---- the table ---------------------------------------------------------- */

/* Each word of a slot is XORed with DISGUISE, which no address is; `other` is how much was requested. */
#define DISGUISE    UINT64_C(0x9e3779b97f4a7c15)
#define FIRST_SLOTS ((size_t)1 << 17)

static block_slot *slots;
static size_t n_slots; /* a power of two */
static size_t n_live;
static size_t n_unknown_frees; /* freed, but never seen allocated */
static size_t n_not_recorded;  /* the table could not grow */
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static block_slot *table_new(size_t count)
{
	void *pages = mmap(NULL, count * sizeof(block_slot), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return pages == MAP_FAILED ? NULL : pages;
}

static bool table_grow(void)
{
	size_t count = n_slots == 0 ? FIRST_SLOTS : n_slots * 2;
	block_slot *table = table_new(count);
	if (table == NULL)
		return false;
	for (size_t i = 0; i < n_slots; i++)
		if (slots[i].address != 0)
			*block_table_find(table, count, slots[i].address) = slots[i];
	if (slots != NULL)
		munmap(slots, n_slots * sizeof(block_slot));
	slots = table;
	n_slots = count;
	return true;
}

static void record(void *block, size_t requested)
{
	if (block == NULL)
		return;
#ifdef RECORDER_CALLERS
	requested |= (size_t)callers_number(requested) << CALLERS_SHIFT;
#endif
	block_slot entry = { (uintptr_t)block ^ DISGUISE, malloc_usable_size(block) ^ DISGUISE, requested ^ DISGUISE };
	pthread_mutex_lock(&lock);
	if (n_live * 2 >= n_slots && !table_grow()) {
		n_not_recorded++;
	} else {
		*block_table_find(slots, n_slots, entry.address) = entry;
		n_live++;
	}
	pthread_mutex_unlock(&lock);
}

/* Returns the requested size, for a realloc that fails and must be put back. */
static size_t forget(void *block)
{
	size_t requested = 0;
	pthread_mutex_lock(&lock);
	block_slot *slot = n_slots == 0 ? NULL : block_table_find(slots, n_slots, (uintptr_t)block ^ DISGUISE);
	if (slot == NULL || slot->address == 0) {
		n_unknown_frees++;
	} else {
		requested = slot->other ^ DISGUISE;
#ifdef RECORDER_CALLERS
		requested &= ((size_t)1 << CALLERS_SHIFT) - 1;
#endif
		n_live--;
		block_table_remove(slots, n_slots, slot);
	}
	pthread_mutex_unlock(&lock);
	return requested;
}

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}
static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

/* In the child the lock belongs to the (same) forking thread under a new
 * thread id, so it can not be unlocked by its rules: make a new one. */
static void after_fork_in_child(void)
{
	lock = (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
}

__attribute__((constructor)) static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

/* ---- writing it down ---------------------------------------------------- */

typedef struct {
	int fd;
	bool failed;
	size_t used;
	char text[4096];
} writer;

static writer out; /* static: text only, and no large stack frame */

static void writer_flush(void)
{
	size_t done = 0;
	while (done < out.used && !out.failed) {
		ssize_t n = write(out.fd, out.text + done, out.used - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			out.failed = true;
	}
	out.used = 0;
}

static void writer_number(uint64_t value, unsigned base, char end)
{
	char digits[24];
	size_t n = 0;
	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	if (out.used + n + 4 > sizeof out.text)
		writer_flush();
	if (base == 16) {
		out.text[out.used++] = '0';
		out.text[out.used++] = 'x';
	}
	while (n > 0)
		out.text[out.used++] = digits[--n];
	out.text[out.used++] = end;
}

static void writer_text(const char *text)
{
	size_t length = strlen(text);
	if (out.used + length > sizeof out.text)
		writer_flush();
	memcpy(out.text + out.used, text, length);
	out.used += length;
}

/*
 * Writes one line "0xADDRESS USABLE REQUESTED" for each allocated block (in no
 * order), then a last line "end LIVE UNKNOWN_FREES NOT_RECORDED", to PATH,
 * which is created or overwritten.  Allocates nothing.  Returns 0, or -1 when
 * the file could not be written.
 */
int recorder_dump(const char *path)
{
	pthread_mutex_lock(&lock);
	out.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	out.failed = out.fd < 0;
	out.used = 0;
	for (size_t i = 0; i < n_slots && !out.failed; i++) {
		if (slots[i].address == 0)
			continue;
		writer_number(slots[i].address ^ DISGUISE, 16, ' ');
		writer_number(slots[i].usable ^ DISGUISE, 10, ' ');
		writer_number(slots[i].other ^ DISGUISE, 10, '\n');
	}
#ifdef RECORDER_CALLERS
	callers_write(writer_number, writer_text);
#endif
	writer_text("end ");
	writer_number(n_live, 10, ' ');
	writer_number(n_unknown_frees, 10, ' ');
	writer_number(n_not_recorded, 10, '\n');
	writer_flush();
	if (out.fd >= 0 && close(out.fd) != 0)
		out.failed = true;
	int status = out.failed ? -1 : 0;
	pthread_mutex_unlock(&lock);
	return status;
}

/* ---- in front of malloc -------------------------------------------------- */

EXPORT void *INTERPOSED(malloc)(size_t size)
{
	if (!libc_known())
		return bootstrap_malloc(size);
	void *block = libc.malloc(size);
	record(block, size);
	return block;
}

EXPORT void *INTERPOSED(calloc)(size_t count, size_t size)
{
	size_t bytes;
	if (!libc_known())
		return __builtin_mul_overflow(count, size, &bytes) ? NULL : bootstrap_malloc(bytes);
	void *block = libc.calloc(count, size);
	record(block, count * size);
	return block;
}

EXPORT void INTERPOSED(free)(void *block)
{
	if (block == NULL || from_bootstrap_pool(block) || !libc_known())
		return;
	int saved = errno;
	forget(block);
	errno = saved;
	libc.free(block);
}

static void *move_out_of_bootstrap_pool(void *block, size_t size)
{
	size_t old;
	memcpy(&old, (unsigned char *)block - 16, sizeof old);
	void *moved = INTERPOSED(malloc)(size);
	if (moved != NULL)
		memcpy(moved, block, old < size ? old : size);
	return moved;
}

EXPORT void *INTERPOSED(realloc)(void *block, size_t size)
{
	if (block == NULL)
		return INTERPOSED(malloc)(size);
	if (from_bootstrap_pool(block) || !libc_known())
		return move_out_of_bootstrap_pool(block, size);
	size_t old = forget(block);
	void *moved = libc.realloc(block, size);
	if (moved != NULL)
		record(moved, size);
	else if (size != 0) /* failed: the old block lives on */
		record(block, old);
	return moved;
}

EXPORT void *INTERPOSED(reallocarray)(void *block, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return INTERPOSED(realloc)(block, bytes);
}

EXPORT void *INTERPOSED(memalign)(size_t alignment, size_t size)
{
	if (!libc_known())
		return NULL;
	void *block = libc.memalign(alignment, size);
	record(block, size);
	return block;
}

EXPORT void *INTERPOSED(aligned_alloc)(size_t alignment, size_t size)
{
	if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
		errno = EINVAL;
		return NULL;
	}
	return INTERPOSED(memalign)(alignment, size);
}

EXPORT int INTERPOSED(posix_memalign)(void **ret_block, size_t alignment, size_t size)
{
	if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0)
		return EINVAL;
	void *block = INTERPOSED(memalign)(alignment, size);
	if (block == NULL)
		return ENOMEM;
	*ret_block = block;
	return 0;
}

EXPORT void *INTERPOSED(valloc)(size_t size)
{
	return INTERPOSED(memalign)((size_t)sysconf(_SC_PAGESIZE), size);
}

EXPORT void *INTERPOSED(pvalloc)(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t rounded;
	if (__builtin_add_overflow(size, page - 1, &rounded)) {
		errno = ENOMEM;
		return NULL;
	}
	return INTERPOSED(memalign)(page, rounded & ~(page - 1));
}

#ifndef RECORDER_WRAP
/* C23, in glibc from 2.43; no header of older ones declares them. */
EXPORT void free_sized(void *block, size_t size);
EXPORT void free_aligned_sized(void *block, size_t alignment, size_t size);

void free_sized(void *block, size_t size)
{
	(void)size;
	free(block);
}

void free_aligned_sized(void *block, size_t alignment, size_t size)
{
	(void)alignment;
	(void)size;
	free(block);
}
#endif
