/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libheapcore.so shows. It is built with -fvisibility=hidden; a function is public if it is declared between the two
 * macros, in a header of this folder. The list of them is include/libheapcore.symbols, which `make check` compares.
 */
#pragma once

#include <glib.h>

#if defined(__GNUC__)
#define HC_BEGIN_DECLS \
	G_BEGIN_DECLS \
	_Pragma("GCC visibility push(default)")
#define HC_END_DECLS _Pragma("GCC visibility pop") G_END_DECLS
#else
#define HC_BEGIN_DECLS G_BEGIN_DECLS
#define HC_END_DECLS   G_END_DECLS
#endif
