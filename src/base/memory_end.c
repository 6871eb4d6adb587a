/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where there is no memory: the end of the process, as GLib makes it. */
#include "base/memory.h"

#include <errno.h>
#include <sys/mman.h>

enum {
	PROBE = 16 << 20 /* bytes: who cannot have so many more has none */
};

void hc_memory_end(void)
{
	volatile size_t too_much = G_MAXSIZE;

	for (;;)
		g_free(g_malloc(too_much));
}

void hc_memory_end_without(uint64_t bytes)
{
	void *probe = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (probe == MAP_FAILED)
		hc_memory_end();
	munmap(probe, bytes);
}

void hc_memory_end_if_out(int error)
{
	if (error == ENOMEM)
		hc_memory_end();
	hc_memory_end_without(PROBE);
}
