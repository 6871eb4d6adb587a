/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* GLib traps where it complains; libFuzzer keeps the input where the program aborts. */
static void on_trap(int number)
{
	(void)number;
	abort();
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void)count;
	(void)arguments;
	signal(SIGTRAP, on_trap);
	g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
	/* Nothing of this machine's is to be asked, and nothing written to its disks. */
	g_setenv("DEBUGINFOD_URLS", "", true);
	if (!access("/dev/shm", W_OK))
		g_setenv("TMPDIR", "/dev/shm", false);
	return 0;
}

/* ---- input ---- */

uint64_t fuzz_number(fuzz_input *input, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size && input->left; i++, input->left--)
		value |= (uint64_t)*input->at++ << 8 * i;
	return value;
}

unsigned fuzz_choice(fuzz_input *input, unsigned count)
{
	return (unsigned)fuzz_number(input, 1) % count;
}

fuzz_input fuzz_part(fuzz_input *input, size_t size)
{
	fuzz_input part = { input->at, MIN(size, input->left) };

	input->at += part.left;
	input->left -= part.left;
	return part;
}

fuzz_input fuzz_part_before(fuzz_input *input, uint8_t separator)
{
	const uint8_t *end = input->left ? memchr(input->at, separator, input->left) : NULL;
	fuzz_input part = fuzz_part(input, end ? (size_t)(end - input->at) : input->left);

	if (end)
		fuzz_part(input, 1);
	return part;
}

char *fuzz_text(const fuzz_input *input)
{
	return g_strndup(input->left ? (const char *)input->at : "", input->left);
}

/* ---- files ---- */

const char *fuzz_file(const void *bytes, size_t size)
{
	static int descriptor = -1;
	static char path[32];

	if (descriptor < 0) {
		descriptor = memfd_create("heapcore-fuzz", MFD_CLOEXEC);
		g_snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
	}
	g_assert(descriptor >= 0 && !ftruncate(descriptor, 0));
	g_assert(!size || pwrite(descriptor, bytes, size, 0) == (ssize_t)size);
	return path;
}

static char *folder;

static void remove_folder(void)
{
	GDir *directory = g_dir_open(folder, 0, NULL);
	const char *name;

	while (directory && (name = g_dir_read_name(directory))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);

		unlink(path);
	}
	if (directory)
		g_dir_close(directory);
	rmdir(folder);
	g_free(folder);
}

const char *fuzz_folder(void)
{
	if (!folder) {
		folder = g_dir_make_tmp("heapcore-fuzz-XXXXXX", NULL);
		g_assert(folder);
		atexit(remove_folder);
	}
	return folder;
}

/* ---- output ---- */

void fuzz_see(const void *bytes, size_t size)
{
	const uint8_t *at = bytes;
	uint8_t seen = 0;

	for (size_t i = 0; i < size; i++)
		seen ^= at[i];
	__asm__ volatile("" : : "r"(seen)); /* so it is not left out */
}

void fuzz_see_text(const char *text)
{
	if (text)
		fuzz_see(text, strlen(text));
}

bool fuzz_write(const char *text, size_t length, void *data)
{
	(void)data;
	fuzz_see(text, length);
	return true;
}

void fuzz_expect(bool condition, const char *format, ...)
{
	va_list arguments;

	if (condition)
		return;
	va_start(arguments, format);
	vdprintf(STDERR_FILENO, format, arguments);
	va_end(arguments);
	dprintf(STDERR_FILENO, "\n");
	abort();
}
