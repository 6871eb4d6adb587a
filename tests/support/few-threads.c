/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* few-threads: preloaded into heapcore, it lets it make THREADS_MOST threads; for each one more there is no room, as behind ulimit -u. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*routine)(void *), void *argument)
{
	static long made;
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = (int (*)(
		pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(RTLD_NEXT, "pthread_create");
	const char *most = getenv("THREADS_MOST");

	if (most && __atomic_fetch_add(&made, 1, __ATOMIC_RELAXED) >= strtol(most, NULL, 10))
		return EAGAIN;
	return real(thread, attributes, routine, argument);
}
