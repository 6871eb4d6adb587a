/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Captures: a core of a live process, and beside it what no core holds: the kernel's side of the process's memory.
 *
 * A capture is a folder with the files
 *
 *	core.PID	the core, sparse; or core.PID.zst, compressed
 *	smaps, smaps_rollup, status, maps	as /proc had them while the process stood still; docs/capture.md has what of smaps may be missing
 *	meminfo, sockstat, sockstat6	the same, at once afterwards
 *	pages		which pages were in memory, and which were swapped out: docs/capture.md has the format
 *	descriptors	number and target, one descriptor a line
 *	sockets		one socket of the process a line, with what waits in its queues
 *	cgroup		the process's control groups, and the files of its memory controller
 *	capture.ini	what and when; written last: a folder without it is no capture
 */
#pragma once

#include <heapcore/error.h>

HC_BEGIN_DECLS

enum {
	HC_CAPTURE_FORMAT = 1 /* of capture.ini; a reader refuses what is newer */
};

/*
 * Called before the process is stopped, and then about ten times a second with what has been written of the core, as said before of
 * ESTIMATE bytes. Return FALSE to cancel: the process goes on, the folder is removed, the call fails with HC_ERROR_CANCELLED.
 */
typedef bool (*hc_capture_progress_function)(uint64_t bytes, uint64_t estimate, void *data);

typedef struct hc_capture_options {
	const char *directory;		       /* is made; may exist if it is empty */
	hc_capture_progress_function progress; /* may be NULL */
	void *progress_data;
	bool force;	/* a capture that is in the folder is replaced, once the new one is whole */
	bool compress;	/* the core is core.PID.zst */
	bool heap_only; /* without shared memory, and what of files the process has not changed */
	bool stop;	/* the process stands still until all is written, even if a copy of it could be made */
} hc_capture_options;

/*
 * Captures the process PID: stops all its threads, makes a copy of the process that never runs, lets them go on, and writes the memory of
 * the copy; where that cannot be, they go on when all is written, and the facts say why. Nothing is left in the folder after an error: HC_ERROR_USAGE
 * (the folder is not empty, or with `force` holds other files than a capture's, PID is not a process to capture), HC_ERROR_IO (not permitted, no room: the message has the figures, disk
 * errors), HC_ERROR_UNSUPPORTED (32 bits), HC_ERROR_CANCELLED. To be called by one thread from begin to end: the kernel ties the stopped
 * process to it, and lets it go on if that thread ends.
 */
bool hc_capture_take(int64_t pid, const hc_capture_options *options, GError **error);

/* A capture that is in no folder of the user's, and goes with us. */
typedef struct hc_held_capture hc_held_capture;

/*
 * Captures PID as above, with options->directory NULL. The core is a file without a name: in memory, if it takes no more than half of what is
 * free and of MEMORY bytes, else on the disk, in the folder that TMPDIR names or in /var/tmp. HC_ERROR_IO, too, if it fits nowhere.
 *
 * A process of ours watches meanwhile: were we to be killed, it removes what is left, also in the captured process. It is a child, which the
 * caller may see end. It is made by fork(), so a program of several threads calls this before they do much.
 */
hc_held_capture *hc_capture_hold(int64_t pid, uint64_t memory, const hc_capture_options *options, GError **error);

/* The folder to give to hc_analysis_run() and hc_side_facts_read(). What was opened of it stays readable after the release. */
const char *hc_held_capture_path(const hc_held_capture *capture);

/* Where the process's files are, if it sees other ones than we do (in a container): for hc_analysis_options.sysroot. Else NULL. */
const char *hc_held_capture_root(const hc_held_capture *capture);
void hc_capture_release(hc_held_capture *capture); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_held_capture, hc_capture_release)

/* A figure that the capture does not tell. */
#define HC_FACT_UNKNOWN UINT64_MAX

typedef enum {
	HC_SOCKET_TCP, /* IPv4 and IPv6 */
	HC_SOCKET_UDP,
	HC_SOCKET_RAW,
	HC_SOCKET_UNIX,	 /* their queues are not known: /proc does not tell */
	HC_SOCKET_OTHER, /* netlink, packet, ...: nor theirs */
	HC_SOCKET_KIND_COUNT,
} hc_socket_kind;

const char *hc_socket_kind_name(hc_socket_kind kind); /* "TCP", ... */

/*
 * A socket of the process. What waits to be read is, of TCP, bytes of data; of UDP and raw sockets what the kernel charges for them
 * ("truesize": data, headers and the buffers' own size). A listening socket's queues are connections, not bytes: they are 0 here.
 */
typedef struct hc_socket_fact {
	hc_socket_kind kind;
	int64_t descriptor; /* the lowest; several may share a socket, which counts once */
	uint64_t unread, unsent;
	uint64_t drops;		    /* datagrams thrown away since it was opened; HC_FACT_UNKNOWN for TCP and others */
	const char *local, *remote; /* "127.0.0.1:53", "[::1]:53", a path; untrusted bytes: escape. Never NULL */
} hc_socket_fact;

typedef struct hc_socket_sum {
	uint64_t count;	  /* sockets */
	uint64_t waiting; /* of these, with anything unread */
	uint64_t unread, unsent;
} hc_socket_sum;

/* Bytes, unless said otherwise; HC_FACT_UNKNOWN where a figure is not there. Strings may be NULL: not known. */
typedef struct hc_side_facts {
	int64_t pid;
	int64_t time;	    /* of the capture: seconds since 1970 */
	int64_t start_time; /* of the process, in clock ticks since boot (proc(5)): tells two processes of one pid apart */
	double stopped;	    /* seconds that the process stood still */
	const char *why_stopped; /* why it did until all was written; NULL: it did not, or that is not known */
	const char *executable;
	const char *
		root; /* of a process that sees other files than who captured it: where these were ("/proc/PID/root"). Not in snapshots */
	int64_t own_pid; /* its number where it runs, in a container; 0: the same, or not known. Not in snapshots */
	/* smaps, summed */
	uint64_t resident, proportional, swapped, anonymous;
	/* status */
	uint64_t page_tables;
	uint64_t threads; /* number */
	/* descriptors, sockets */
	uint64_t descriptors; /* number */
	hc_socket_sum sockets[HC_SOCKET_KIND_COUNT];
	uint64_t unread, unsent; /* all sockets */
	/* cgroup: of all processes in the control group */
	const char *cgroup;
	uint64_t cgroup_used, cgroup_limit; /* limit: unknown if there is none */
	uint64_t cgroup_kernel;		    /* slabs, page tables, stacks, ...: part of used */
	uint64_t cgroup_sockets;	    /* network buffers: part of used */
	/* meminfo, sockstat: of the whole machine */
	uint64_t available, slab, slab_unreclaimable;
	uint64_t tcp_buffers, udp_buffers;
	struct hc_side_facts_tables *tables;
} hc_side_facts;

/*
 * The facts beside CORE_PATH, or those of the folder PATH. HC_ERROR_IO if there are none, HC_ERROR_BAD_DATA, HC_ERROR_UNSUPPORTED (of a
 * later version). A core that only lies in the same folder has none.
 */
hc_side_facts *hc_side_facts_read(const char *path, GError **error);
void hc_side_facts_free(hc_side_facts *facts);

/* The sockets, most unread bytes first. */
unsigned hc_side_facts_socket_count(const hc_side_facts *facts);
const hc_socket_fact *hc_side_facts_socket(const hc_side_facts *facts, unsigned index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_side_facts, hc_side_facts_free)

HC_END_DECLS
