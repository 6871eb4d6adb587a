/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of blocks that the program did not ask for. */
#include "wording/wording.h"

#include <inttypes.h>

/* What follows the name in blocks of a thread. */
static char *word_of_thread(const char *name, int64_t thread, const char *ended)
{
	return thread ? g_strdup_printf("%s of thread %" PRId64, name, thread) :
			g_strdup_printf("%s of a thread that %s", name, ended);
}

char *hc_word_label(const hc_label *label)
{
	static const char *const names[HC_LABEL_KIND_COUNT] = {
		[HC_LABEL_NONE] = "libc's own",
		[HC_LABEL_TCACHE] = "libc: tcache",
		[HC_LABEL_TCACHE_ORPHAN] = "libc: tcache that no thread leads to",
		[HC_LABEL_DTV] = "libc: dtv",
		[HC_LABEL_THREAD_LOCAL] = "libc: thread-local storage",
		[HC_LABEL_LINK_MAP] = "ld.so: link map",
		[HC_LABEL_LIBRARY_NAME] = "ld.so: library name",
		[HC_LABEL_LOADED_OBJECTS] = "ld.so: table of loaded objects",
		[HC_LABEL_STREAM] = "libc: stdio FILE",
		[HC_LABEL_STREAM_BUFFER] = "libc: stdio buffer",
		[HC_LABEL_EXCEPTION_POOL] = "libstdc++: emergency pool for exceptions",
	};

	if (!label)
		return NULL;
	switch (label->kind) {
	case HC_LABEL_TCACHE:
		return word_of_thread(names[label->kind], label->thread, "is not in this process any more");
	case HC_LABEL_DTV:
	case HC_LABEL_THREAD_LOCAL:
		return word_of_thread(names[label->kind], label->thread, "has ended");
	default:
		return g_strdup(names[label->kind]);
	}
}
