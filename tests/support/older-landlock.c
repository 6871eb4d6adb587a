/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * older-landlock: preloaded into heapcore, it makes the kernel's Landlock one of version LANDLOCK_MOST: it tells that version, and refuses what came
 * later, as the kernels of that time do (security/landlock/syscalls.c: copy_min_struct_from_user(), the masks of known accesses). 0: there is none.
 * What it lets through is the real one's.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum {
	CREATE = 444,
	ADD = 445,
	RESTRICT = 446,
	CREATE_VERSION = 1,
	WORDS = 3, /* of struct landlock_ruleset_attr: files, network, scopes */
};

/* What each version knows of these. Of version 7 are flags of another call. */
static const struct {
	unsigned words;
	uint64_t known[WORDS];
} versions[] = {
	{ 0, { 0 } },
	{ 1, { 0x1fff } },
	{ 1, { 0x3fff } },
	{ 1, { 0x7fff } },
	{ 2, { 0x7fff, 3 } },
	{ 2, { 0xffff, 3 } },
	{ 3, { 0xffff, 3, 3 } },
};

static unsigned told_version(void)
{
	const char *most = getenv("LANDLOCK_MOST");
	unsigned long version = most ? strtoul(most, NULL, 10) : 0;
	unsigned last = sizeof versions / sizeof *versions - 1;

	return version < last ? (unsigned)version : last;
}

/* The error that the kernel of VERSION would have for a ruleset of SIZE bytes; 0: none. */
static int judge_ruleset(unsigned version, const uint64_t *words, size_t size)
{
	for (size_t i = versions[version].words; i < size / sizeof *words; i++)
		if (words[i])
			return E2BIG;
	for (size_t i = 0; i < versions[version].words && i < size / sizeof *words; i++)
		if (words[i] & ~versions[version].known[i])
			return EINVAL;
	return 0;
}

static long fail(int error)
{
	errno = error;
	return -1;
}

long syscall(long number, ...)
{
	long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	unsigned version = told_version();
	long words[6];
	va_list arguments;
	int error = 0;

	va_start(arguments, number);
	for (unsigned i = 0; i < 6; i++)
		words[i] = va_arg(arguments, long);
	va_end(arguments);
	if (number >= CREATE && number <= RESTRICT && !version)
		return fail(EOPNOTSUPP);
	if (number == CREATE && words[2] & CREATE_VERSION)
		return version;
	if (number == CREATE)
		error = judge_ruleset(version, (const uint64_t *)words[0], (size_t)words[1]);
	if (number == ADD && *(const uint64_t *)words[2] & ~versions[version].known[0])
		error = EINVAL;
	return error ? fail(error) : real(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
