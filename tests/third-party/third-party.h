/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Programs of third-party containers, one for each family of libraries: all of them have a little in them, and one,
 * named on the command line, grows between two stops. tests/third-party/run captures at the stops, and compares what
 * heapcore says with what the program counted.
 *
 * A row of the linker set "grown" is one container. What grows is told by malloc itself (mallinfo2()), so elements may
 * be of any size: it goes on until there is enough. */
#ifndef THIRD_PARTY_H
#define THIRD_PARTY_H

#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct grown {
	/* What the command line says. */
	const char *name;
	/* The expression, as written: "g_shop.by_name". */
	const char *expression;
	/* The static object or the local that it begins in, and its bytes. LOCALS are main's, or NULL. */
	const void *(*root)(void *locals, size_t *ret_size);
	/* Elements by the container's own count. */
	long (*count)(void *locals);
	/* Adds element number I. */
	void (*add)(void *locals, long i);
};

/* ROOT is the lvalue it begins in, COUNT an expression, ADD a statement about element I. A program with locals has a
 * struct here of them, and these expressions see it as HERE. */
#define GROWS(NAME, EXPRESSION, ROOT, COUNT, ADD) \
	static const void *root_##NAME(void *locals, size_t *ret_size) \
	{ \
		struct here *here = (struct here *)locals; \
		(void)here; \
		*ret_size = sizeof(ROOT); \
		return &(ROOT); \
	} \
	static long count_##NAME(void *locals) \
	{ \
		struct here *here = (struct here *)locals; \
		(void)here; \
		return (long)(COUNT); \
	} \
	static void add_##NAME(void *locals, long i) \
	{ \
		struct here *here = (struct here *)locals; \
		(void)here; \
		(void)i; \
		ADD; \
	} \
	static const struct grown grown_##NAME __attribute__((used, section("grown"), aligned(8))) = { \
	    #NAME, EXPRESSION, root_##NAME, count_##NAME, add_##NAME}

/* A global (or what is behind a global pointer) of that name. */
#define GLOBAL(NAME, COUNT, ADD) GROWS(NAME, #NAME, NAME, COUNT, ADD)

extern const struct grown __start_grown[], __stop_grown[];

enum { THIRD_PARTY_FEW = 40, THIRD_PARTY_MOST = 4000000 };

/* Bytes in use that are not malloc's: the statements that add count them, where they know that it is so. */
static size_t third_party_outside;

static inline size_t third_party_in_use(void)
{
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd + third_party_outside;
}

/* Adds elements until BYTES more are in use, or far too many were added. Returns the number of the next. */
static inline long third_party_grow(const struct grown *grown, void *locals, long next, size_t bytes)
{
	size_t enough = third_party_in_use() + bytes;
	long last = next + THIRD_PARTY_MOST;
	while (next < last && third_party_in_use() < enough)
		for (int i = 0; i < 100; i++)
			grown->add(locals, next++);
	return next;
}

/* Says what there is, with write(), since stdio's buffer would be heap, too; waits for a byte. */
static inline void third_party_stop(const struct grown *grown, void *locals, int stage)
{
	char line[512];
	size_t root_size;
	const void *root = grown->root(locals, &root_size);
	int length = snprintf(line, sizeof(line), "STAGE %d in-use=%zu outside=%zu count=%ld root=%p size=%zu\n", stage,
		third_party_in_use(), third_party_outside, grown->count(locals), root, root_size);
	char byte;
	if (write(1, line, (size_t)length) != length || read(0, &byte, 1) <= 0)
		_exit(1);
}

/* The main() of each: "PROGRAM" lists, "PROGRAM NAME" grows. */
static inline int third_party_run(int argc, char **argv, void *locals)
{
	if (argc < 2) {
		for (const struct grown *grown = __start_grown; grown < __stop_grown; grown++)
			printf("%s\t%s\n", grown->name, grown->expression);
		return 0;
	}
	const struct grown *named = NULL;
	for (const struct grown *grown = __start_grown; grown < __stop_grown; grown++) {
		for (long i = 0; i < THIRD_PARTY_FEW; i++)
			grown->add(locals, i);
		if (strcmp(grown->name, argv[1]) == 0)
			named = grown;
	}
	if (named == NULL)
		return 2;
	long next = third_party_grow(named, locals, THIRD_PARTY_FEW, 300 * 1000);
	third_party_stop(named, locals, 1);
	third_party_grow(named, locals, next, 3000 * 1000);
	third_party_stop(named, locals, 2);
	return 0;
}

#ifdef __cplusplus
#include <string>

/* Text of element I, too long for the object itself. */
static inline std::string text(long i)
{
	std::string text(80, 'a' + i % 26);
	text += std::to_string(i);
	return text;
}
#endif

#endif
