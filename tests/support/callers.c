/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See callers.h. Every address is stored disguised, as the recorder's are: they are no references. */
#include "callers.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unwind.h>

int recorder_dump(const char *path);

enum {
	DEPTH = 10,
	CHAINS = 1 << 20,
	OWN_FRAMES = 3, /* at most: of the recorder itself */
};

#define DISGUISE UINT64_C(0x9e3779b97f4a7c15)

struct chain {
	uint64_t hash; /* 0: unused */
	uint64_t calls[DEPTH];
};

struct walk {
	uint64_t calls[DEPTH + OWN_FRAMES];
	unsigned count;
};

static struct chain *chains;
static size_t n_chains;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool is_busy __attribute__((tls_model("initial-exec")));
extern const char __ehdr_start[], etext[], _end[];

static bool is_own(uint64_t address)
{
	return address >= (uintptr_t)__ehdr_start && address < (uintptr_t)_end;
}

static _Unwind_Reason_Code note(struct _Unwind_Context *context, void *data)
{
	struct walk *walk = data;
	uint64_t address = _Unwind_GetIP(context);

	if (is_own(address))
		return _URC_NO_REASON;
	walk->calls[walk->count++] = address;
	return walk->count < DEPTH ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static uint32_t number_of(const struct walk *walk)
{
	uint64_t hash = 1;

	for (unsigned i = 0; i < walk->count; i++)
		hash = (hash ^ walk->calls[i]) * UINT64_C(0xff51afd7ed558ccd) ^ hash >> 31;
	hash |= 1;
	for (size_t i = hash >> 12 & (CHAINS - 1);; i = (i + 1) & (CHAINS - 1)) {
		if (chains[i].hash == hash)
			return (uint32_t)i + 1;
		if (chains[i].hash)
			continue;
		if (n_chains * 2 >= CHAINS)
			return 0;
		n_chains++;
		for (unsigned j = 0; j < walk->count; j++)
			chains[i].calls[j] = walk->calls[j] ^ DISGUISE;
		chains[i].hash = hash;
		return (uint32_t)i + 1;
	}
}

uint32_t callers_number(size_t size)
{
	struct walk walk = { .count = 0 };
	uint32_t number = 0;

	(void)size;
	if (is_busy)
		return 0;
	is_busy = true;
	_Unwind_Backtrace(note, &walk);
	pthread_mutex_lock(&lock);
	if (!chains) {
		chains = mmap(NULL, CHAINS * sizeof *chains, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (chains == MAP_FAILED)
			abort();
	}
	number = number_of(&walk);
	pthread_mutex_unlock(&lock);
	is_busy = false;
	return number;
}

void callers_write(void (*number)(uint64_t value, unsigned base, char end), void (*text)(const char *text))
{
	for (size_t i = 0; chains && i < CHAINS; i++) {
		if (!chains[i].hash)
			continue;
		text("chain ");
		number(i + 1, 10, ' ');
		for (unsigned j = 0; j < DEPTH && chains[i].calls[j]; j++)
			number(chains[i].calls[j] ^ DISGUISE, 16, ' ');
		text("0\n");
	}
}

/* ---- programs that know nothing of it ---- */

static void dump(int signal)
{
	const char *path = getenv("RECORDER_FILE");

	(void)signal;
	if (path)
		recorder_dump(path);
}

__attribute__((constructor)) static void watch(void)
{
	if (getenv("RECORDER_SIGNAL"))
		signal(atoi(getenv("RECORDER_SIGNAL")), dump);
}
