/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/thread.h"

#include <signal.h>
#include <stdbool.h>

enum {
	ALTERNATE_SIZE = 64 << 10 /* bytes; what a handler takes depends on the processor's registers */
};

typedef struct start {
	GThreadFunc function;
	gpointer data;
} start;

/*
 * The alternate stack is the lowest frame of the thread's own, which is whole whatever is done above it. A sanitizer gives each thread one,
 * takes it back, and so finds its own again.
 */
static gpointer run(gpointer data)
{
	start own = *(start *)data;
	char alternate[ALTERNATE_SIZE];
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof alternate }, former;
	gpointer result;

	g_free(data);
	bool is_set = !sigaltstack(&stack, &former);

	result = own.function(own.data);
	if (is_set)
		sigaltstack(&former, NULL);
	return result;
}

GThread *hc_thread_try_new(const char *name, GThreadFunc function, gpointer data)
{
	start *own = g_try_new(start, 1);
	GThread *thread;

	if (!own)
		return NULL;
	*own = (start){ function, data };
	thread = g_thread_try_new(name, run, own, NULL);
	if (!thread)
		g_free(own);
	return thread;
}
