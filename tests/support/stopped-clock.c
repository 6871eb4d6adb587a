/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stopped-clock: preloaded into heapcore, the time of day stands still; what is timed by the monotonic clock goes on. */
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
	STOPPED = 1700000000 /* seconds */
};

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	if (clock != CLOCK_REALTIME)
		return (int)syscall(SYS_clock_gettime, clock, ret_time);
	*ret_time = (struct timespec){ .tv_sec = STOPPED };
	return 0;
}

int gettimeofday(struct timeval *ret_time, void *zone)
{
	(void)zone;
	*ret_time = (struct timeval){ .tv_sec = STOPPED };
	return 0;
}
