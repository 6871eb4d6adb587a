/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads of the library's. */
#pragma once

#include <glib.h>

/*
 * As g_thread_try_new(): NULL if no thread can be made, also if that is for want of memory. The thread has an alternate stack
 * (sigaltstack(2)), so that a handler that asks for one (SA_ONSTACK) runs when the thread's own is used up, as that of GLib is, which
 * calls itself for ever where there is no memory for the message that there is none.
 */
GThread *hc_thread_try_new(const char *name, GThreadFunc function, gpointer data);
