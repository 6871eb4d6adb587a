/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of C++, Rust and D as people write them. */
#pragma once

/*
 * The symbol NAME ("_ZTV7Session": "vtable for Session") demangled, or NULL if it is no mangled name, or one too long to be
 * meant. Names from a dump are fine: depth and length are limited. Free with g_free().
 */
char *hc_demangle(const char *name);

/* The same for the name in a type's type_info ("7Session": "Session"). */
char *hc_demangle_type(const char *name);

/* The class whose constructor the symbol NAME is ("_ZN7SessionC1Ei": "Session"), or NULL: it is none. */
char *hc_demangle_constructed(const char *name);
