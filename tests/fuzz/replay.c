/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * main() of a fuzz target without libFuzzer:
 *
 *	fuzz_NAME [--times N] [FILE|FOLDER]...
 *
 * goes through files, by default those of tests/fuzz/corpus/NAME, each of them a case. N times (1), to see how long that takes. All
 * run in one child; where that ends, or takes too long, the input that it was at has failed, and another child goes on behind it.
 */
#include "fuzz.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SECONDS_MOST = 60 /* of an input: no target's takes a hundredth of that */
};

/* LeakSanitizer's: tells what leaked until now. NULL without it. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_files(GPtrArray *files, const char *path)
{
	g_autoptr(GError) error = NULL;
	GDir *folder;
	const char *name;

	if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
		g_ptr_array_add(files, g_strdup(path));
		return true;
	}
	folder = g_dir_open(path, 0, &error);
	if (!folder) {
		fprintf(stderr, "%s\n", error->message);
		return false;
	}
	while ((name = g_dir_read_name(folder)))
		g_ptr_array_add(files, g_build_filename(path, name, NULL));
	g_dir_close(folder);
	g_ptr_array_sort(files, compare_texts);
	return true;
}

static void run_file(const char *path, unsigned times)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *contents = NULL;
	size_t length;

	if (!g_file_get_contents(path, &contents, &length, &error)) {
		fprintf(stderr, "%s\n", error->message);
		exit(EXIT_FAILURE);
	}
	/* Without the NUL behind it, so that a sanitizer sees what reads on. */
	uint8_t *bytes = malloc(length ? length : 1);

	g_assert(bytes);
	memcpy(bytes, contents, length);
	for (unsigned i = 0; i < times; i++) {
		alarm(SECONDS_MOST);
		LLVMFuzzerTestOneInput(bytes, length);
	}
	alarm(0);
	free(bytes);
	if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
		exit(EXIT_FAILURE);
}

/* Runs what comes from number FIRST on. How many there are if all went well; else the one that failed. */
static unsigned run_files(const GPtrArray *files, unsigned first, unsigned times, unsigned *current)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (!child) {
		for (*current = first; *current < files->len; ++*current)
			run_file(files->pdata[*current], times);
		exit(EXIT_SUCCESS);
	}
	g_assert(child > 0);
	while (waitpid(child, &status, 0) < 0)
		g_assert(errno == EINTR);
	if (WIFEXITED(status) && !WEXITSTATUS(status) && *current == files->len)
		return files->len;
	if (*current == files->len)
		*current = files->len - 1;
	printf("%s: failed, %s %d\n", (const char *)files->pdata[*current], WIFSIGNALED(status) ? "signal" : "status",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return *current;
}

static char *own_corpus(const char *program)
{
	const char *source = g_getenv("HEAPCORE_SRCDIR");
	g_autofree char *name = g_path_get_basename(program);
	const char *target = strstr(name, "fuzz_");

	return source && target ? g_build_filename(source, "tests", "fuzz", "corpus", target + strlen("fuzz_"), NULL) :
				  NULL;
}

int main(int count, char **arguments)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
	unsigned failed = 0, times = 1, *current;
	int next = 1;

	LLVMFuzzerInitialize(&count, &arguments);
	if (count > 2 && !strcmp(arguments[1], "--times")) {
		times = (unsigned)g_ascii_strtoull(arguments[2], NULL, 10);
		next = 3;
	}
	if (next == count) {
		g_autofree char *corpus = own_corpus(arguments[0]);

		if (!corpus || !add_files(files, corpus))
			return EXIT_FAILURE;
	}
	for (; next < count; next++)
		if (!add_files(files, arguments[next]))
			return EXIT_FAILURE;
	current = mmap(NULL, sizeof *current, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	g_assert(current != MAP_FAILED);
	for (unsigned i = 0; (i = run_files(files, i, times, current)) < files->len; i++)
		failed++;
	munmap(current, sizeof *current);
	printf("heapcore-tests: %u passed, %u failed\n", files->len - failed, failed);
	return failed || !files->len ? EXIT_FAILURE : EXIT_SUCCESS;
}
