/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Captures of live processes. Front door; the public header has the contract.
 *
 *	capture.c	the order of things: may we, is there room, stop, write, let go, clean up
 *	replace.c	one into a folder, which may have one already
 *	hold.c		one that is in no folder of the user's
 *	guardian.c	a process that cleans up after us if we are killed
 *	stop.c		stopping all threads of a process, and letting them go on (ptrace)
 *	freeze.c	a copy of it, which stands still in its place
 *	inject.c	... made by a thread of its own
 *	emergency_frame.c	... which becomes what it was, whatever happens to us (inject_parts.h)
 *	smaps.c		/proc/PID/smaps as a list of mappings; what of each the core is to hold
 *	notes.c		the core's notes: threads, registers, files
 *	notes_i386.c	... of a process of i386
 *	note_bytes.c	... one of them in bytes
 *	core_file.c	the core itself, sparse
 *	sink.c		... or compressed
 *	page_scan.c	which pages are in memory
 *	account.c	... at one moment, mapping by mapping and page by page
 *	proc.c		reading files of /proc
 *	proc_files.c	copies of the rest of /proc
 *	sockets.c	the process's sockets with their queues
 *	side_facts.c	reading all that back
 *	store.c		the facts as one value, for snapshots
 */
#pragma once

#include <heapcore/capture.h>

/* What hc_side_facts_load() reads; of the sockets those with the longest queues. A floating reference. */
GVariant *hc_side_facts_store(const hc_side_facts *facts);

/* NULL if VALUE is not of the right type, or tells of kinds that are none. */
hc_side_facts *hc_side_facts_load(GVariant *value);
