/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of C++ types as text. Compilers, demanglers and people write one name in several ways:
 * "long int" and "long", "> >" and ">>", "const char *" and "char const*", with inline namespaces
 * or without.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Appends NAME to TEXT in one way of writing: for comparing, not for people. Inline namespaces of
 * the standard libraries are left out, "const" stands behind what it belongs to, integers are named
 * as C++ does, spaces stand between words only.
 */
void hc_name_append_canonical(GString *text, const char *name);

/*
 * NAME without inline namespaces ("std::__cxx11::list<int>": "std::list<int>"). Free with g_free().
 */
char *hc_name_without_inline_namespaces(const char *name);

/* True for names of namespaces that are known to be inline: "__cxx11", "__1", "lts_20220623". */
bool hc_name_is_inline_namespace(const char *name, size_t length);

/*
 * NAME without the standard library's default template arguments: "std::string",
 * "std::vector<int>", "std::pmr::map<int, std::pmr::string>". Inline namespaces must have been left
 * out. Free with g_free().
 */
char *hc_name_shorten(const char *name);

/*
 * What the name that hc_name_shorten() made is an alias of, without arguments:
 * "std::pmr::vector<int>" -> "std::vector", "std::wstring" -> "std::basic_string". NULL: NAME is no
 * alias of the standard library. Free with g_free().
 */
char *hc_name_template_of_alias(const char *name);

/* NAME without any template arguments: "std::vector", "outer::inner". Free with g_free(). */
char *hc_name_without_arguments(const char *name);

enum {
	HC_NAME_PARTS_MAX = 64
};

typedef struct hc_name_part {
	const char *start;
	size_t length;
} hc_name_part;

/*
 * The parts of NAME between "::" that are in no brackets. Returns how many; 0 if there are more
 * than HC_NAME_PARTS_MAX.
 */
unsigned hc_name_split(const char *name, hc_name_part parts[HC_NAME_PARTS_MAX]);

/*
 * The hash of one canonical part, and of a part within the scope whose hash is SCOPE (HC_NAME_ROOT:
 * none).
 */
#define HC_NAME_ROOT UINT64_C(0x9e3779b97f4a7c15)
uint64_t hc_name_hash(const char *canonical, size_t length);

static inline uint64_t hc_name_hash_within(uint64_t scope, uint64_t part)
{
	uint64_t hash = (scope ^ (part + (scope << 7) + (scope >> 3))) * UINT64_C(0xff51afd7ed558ccd);

	return hash ^ hash >> 32;
}

/* How much of a canonical part its name without template arguments is. */
size_t hc_name_base_length(const char *canonical, size_t length);

/*
 * The hashes of a whole name as the index has them: *ret_full of its canonical parts, *ret_base of
 * the same without template arguments. Of a class within a function (as demanglers write it:
 * "main::{lambda()#1}::local", "main()::local") *ret_base is that of what comes behind the
 * function, and *ret_full 0. FALSE if NAME has no name or too many parts.
 */
bool hc_name_hashes(const char *name, uint64_t *ret_full, uint64_t *ret_base);
