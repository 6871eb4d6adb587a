#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests tests/check-layers: each tree below breaks one rule, and the check must say so, in that file, and say nothing else."""

import pathlib
import sys

from broken_trees import Cases, run_check

CHECK = pathlib.Path(__file__).resolve().parent / "check-layers"

LAYERS = "base\ncore\ndwarf\nblocks\nwording\nreports\ncli\n"

# A tree that keeps every rule, with what looks like a violation and is none.
CLEAN = {
    "include/heapcore/core.h": "#include <glib.h>\n#include <heapcore/error.h>\n",
    "src/base/text.h": "char *text_copy(const char *text);\n",
    "src/base/text.c": '#include "config.h"\n#include "text.h"\n#include <string.h>\n',
    "src/core/core.h": "typedef struct hc_core hc_core;\nstruct hc_core;\nextern int declared_elsewhere;\n",
    "src/core/image.c": '#include "core/core.h"\n#include "base/text.h"\n#include <heapcore/core.h>\n'
                        "int f(void)\n{\n\tint fd = open(path, O_RDONLY);\n\treturn mmap(0, 1, 2, 3, fd, 0) != 0;\n}\n",
    "src/dwarf/dwarf.h": "#include <elfutils/libdwfl.h>\n#include <dwarf.h>\n",
    # In one direction. What only looks like the way back: a comment, a string, a static function and a member of that name.
    "src/core/core_state.h": "int core_open(int fd);\nint core_note(int fd);\nextern const int core_limits[];\n",
    "src/core/first.c": 'int core_open(int fd)\n{\n\t/* core_note() */\n\treturn helper("core_note", fd);\n}\n'
                       "static int thread(int fd)\n{\n\treturn fd;\n}\n",
    "src/core/notes.c": "const int core_limits[] = { 1 };\nint core_note(int fd) G_GNUC_PURE;\n"
                        "int core_note(int fd)\n{\n\treturn core_open(fd);\n}\nint thread(int fd)\n{\n\treturn 0;\n}\n",
    "src/core/threads.c": "const int *core_threads(void)\n{\n\treturn &core_limits[core_note(1)];\n}\n",
    # A family: both files are what walk.h declares.
    "src/blocks/walk.h": "void block_walk(void);\nvoid block_step(void);\n",
    "src/blocks/walk.c": "void block_walk(void)\n{\n\tblock_step();\n}\n",
    "src/blocks/steps.c": "void block_step(void)\n{\n\tblock_walk();\n\tblock_build();\n}\n",
    "src/blocks/build.c": "void block_build(void)\n{\n}\n",
    "src/blocks/blocks.h": "#pragma once\n",
    "src/blocks/index.c": r'''
#include "blocks/blocks.h"
#include "core/core.h"
/* printf("..."), exit(1), static int count; mmap(0) */
// #include "cli/cli.h"
G_DEFINE_QUARK(hc-error-quark, hc_error)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_core, hc_core_close)
static const int limit = 3;
static const char *const names[] = { "static int count;", "open(", "printf(" };
static int helper(const char *name) G_GNUC_UNUSED;
static void (*const handlers[])(void) = { 0 };
void run(unsigned workers, void (*work)(void *data));
static int *find(int key);
typedef int (*visitor)(void *data);
enum kind { KIND_ONE, KIND_TWO };
struct range {
	unsigned long start;
	int (*open)(const char *path);
};
const struct range whole = { .start = 0 };
#define COUNTER static int macro_counter
int f(struct range *range, int values[static 2])
{
	int local = 0;
	static const int table[] = { 1, 2 };
	if (range->open("x") || ops.exit(1))
		reopen(local);
	char quote = '"';
	snprintf(buffer, sizeof buffer, "printf(stdout)");
	return fprintf_like(file), table[0];
}
''',
    "src/blocks/told.c": r'''
#include "blocks/blocks.h"
/* "blocks that nothing points to" */
static const hc_diagnostic_kind unread = {
	"unread",
	"of the heap could not be read",
};
static const char *const state_names[] = { [IN_USE] = "in use", [FREE] = "free" };
static const char *why_unread(int state)
{
	return state ? "it is not mapped" : "the core is cut";
}
bool read_block(const char *name, GError **error)
{
	if (!strcmp(name, "a block of that name"))
		return fail(name, "%s is no block", name);
	if (*name)
		hc_diagnostics_add(diagnostics, &unread, 0, "block at %#" PRIx64 " of %s", address, name);
	else
		g_set_error(error, HC_ERROR, HC_ERROR_IO, "cannot read: %s", g_strerror(errno));
	if (!name) {
		block->reason = "its memory is not there";
	}
	append(name, "unsigned long"), append(name, "(anonymous struct in %s)"), append(name, "ymm%u"), append(name, "in-use");
	return g_strdup_printf("%s%s->%s, %" PRIu64, "g_table", name, "next_", size) != NULL;
}
''',
    "src/wording/wording.h": "char *hc_word_block(void);\n",
    "src/wording/words.c": '#include "wording/wording.h"\nchar *hc_word_block(void)\n{\n\treturn g_strdup("a block of libc\'s");\n}\n',
    "src/reports/reports.h": "#pragma once\n",
    "src/reports/json.c": '#include <jansson.h>\n#include "blocks/blocks.h"\n#include "reports.h"\n',
    "src/cli/commands.h": "#pragma once\n",
    "src/cli/main.c": '#include "commands.h"\n#include "cli/commands.h"\n#include <heapcore/core.h>\n#include <glib.h>\n'
                      'int main(void)\n{\n\tprintf("x");\n\tfputs("y", stderr);\n\texit(2);\n}\n',
}

# (what, rule, file, its text): replaces or adds that file in the clean tree.
BROKEN = [
    ("a later layer", "layer", "src/core/x.c", '#include "blocks/blocks.h"\n'),
    ("base sees nothing", "layer", "src/base/x.c", '#include "core/core.h"\n'),
    ("not the front door", "layer", "src/reports/x.c", '#include "blocks/index.h"\n'),
    ("a bare name of another folder", "layer", "src/reports/x.c", '#include "blocks.h"\n'),
    ("an unknown folder's header", "layer", "src/blocks/x.c", '#include "nowhere/nowhere.h"\n'),
    ("a path upwards", "layer", "src/blocks/x.c", '#include "../core/core.h"\n'),
    ("a project header in <>", "layer", "src/blocks/x.c", "#include <core/core.h>\n"),
    ("a public header in quotes", "layer", "src/blocks/x.c", '#include "heapcore/core.h"\n'),
    ("cli includes a layer's front door", "layer", "src/cli/x.c", '#include "core/core.h"\n'),
    ("cli includes base", "layer", "src/cli/x.c", '#include "base/text.h"\n'),
    ("an include with spaces", "layer", "src/core/x.c", '  #  include   "blocks/blocks.h"\n'),
    ("a folder that LAYERS does not name", "unknown-folder", "src/types/types.h", "#pragma once\n"),
    ("a .c in a .c", "includes-source", "src/blocks/x.c", '#include "blocks/index.c"\n'),
    ("a public header shows a private one", "public-header", "include/heapcore/x.h", '#include "core/core.h"\n'),
    ("a public header shows libdw", "public-header", "include/heapcore/x.h", "#include <elfutils/libdw.h>\n"),
    ("a public header shows a layer", "public-header", "include/heapcore/x.h", "#include <core/core.h>\n"),
    ("libdw", "libdw", "src/blocks/x.c", "#include <elfutils/libdw.h>\n"),
    ("libdwfl", "libdw", "src/core/x.c", "#include <elfutils/libdwfl.h>\n"),
    ("dwarf.h", "libdw", "src/cli/x.c", "#include <dwarf.h>\n"),
    ("jansson", "json", "src/blocks/x.c", "#include <jansson.h>\n"),
    ("jansson in cli", "json", "src/cli/x.c", "#include <jansson.h>\n"),
    ("open", "opens-file", "src/blocks/x.c", "int f(void)\n{\n\treturn open(path, O_RDONLY);\n}\n"),
    ("mmap", "opens-file", "src/reports/x.c", "void *f(void)\n{\n\treturn mmap (0, 1, 2, 3, 4, 0);\n}\n"),
    ("fopen", "opens-file", "src/cli/x.c", 'void *f(void)\n{\n\treturn fopen("x", "r");\n}\n'),
    ("g_file_get_contents", "opens-file", "src/blocks/x.c", "int f(void)\n{\n\treturn g_file_get_contents(p, 0, 0, 0);\n}\n"),
    ("printf", "prints", "src/blocks/x.c", 'void f(void)\n{\n\tprintf("x");\n}\n'),
    ("puts", "prints", "src/core/x.c", 'void f(void)\n{\n\tputs("x");\n}\n'),
    ("fputs to stderr", "prints", "src/reports/x.c", 'void f(void)\n{\n\tfputs("x", stderr);\n}\n'),
    ("fprintf to stdout", "prints", "src/reports/x.c", 'void f(void)\n{\n\tfprintf(stdout, "x");\n}\n'),
    ("exit", "prints", "src/base/x.c", "void f(void)\n{\n\texit(1);\n}\n"),
    ("a library that logs", "prints", "src/base/x.c", 'void f(void)\n{\n\tg_warning("x");\n}\n'),
    ("a sentence", "wording", "src/blocks/x.c", 'char *f(void)\n{\n\treturn g_strdup("nothing points to it");\n}\n'),
    ("words around a name", "wording", "src/blocks/x.c", 'char *f(void)\n{\n\treturn g_strdup_printf("field of %s", name);\n}\n'),
    ("a word behind a number", "wording", "src/blocks/x.c",
     'char *f(void)\n{\n\treturn g_strdup_printf("%" PRIu64 " bytes", size);\n}\n'),
    ("a sentence in two literals", "wording", "src/blocks/x.c", 'char *f(void)\n{\n\treturn g_strdup("nothing "\n\t\t"points there");\n}\n'),
    ("a table of texts", "wording", "src/blocks/x.c", 'static const char *const texts[] = { [ONE] = "a block in use" };\n'),
    ("a sentence in a branch", "wording", "src/blocks/x.c",
     'void f(void)\n{\n\tif (one) {\n\t\tfail("it is none");\n\t\tappend(text, "but it is one");\n\t}\n}\n'),
    ("two files that need each other", "circle", "src/core/first.c", "int core_open(int fd)\n{\n\treturn core_note(fd);\n}\n"),
    ("a function that is only named", "circle", "src/core/first.c", "int (*core_open(int fd))(int)\n{\n\treturn core_note;\n}\n"
     "int core_open(int fd,\n\tint flags)\n{\n\treturn 0;\n}\n"),
    ("a constant", "circle", "src/core/first.c", "int core_open(int fd)\n{\n\treturn core_limits[fd];\n}\n"),
    ("a table of functions", "circle", "src/core/first.c", "int core_open(int fd)\n{\n\treturn 0;\n}\n"
     "static const struct op ops[] = {\n\t{ core_note },\n};\n"),
    ("three files in a ring", "circle", "src/core/first.c", "int core_open(int fd)\n{\n\treturn *core_threads();\n}\n"),
    ("a family and a file outside of it", "circle", "src/blocks/build.c", "void block_build(void)\n{\n\tblock_walk();\n}\n"),
    ("GLib's format", "format", "src/blocks/x.c", 'void f(GString *t)\n{\n\tadd(t, "%" G_GUINT64_FORMAT, 1);\n}\n'),
    ("GLib's modifier", "format", "src/cli/x.c", 'void f(GString *t)\n{\n\tadd(t, "%" G_GINT64_MODIFIER "x", 1);\n}\n'),
    ("a static", "state", "src/blocks/x.c", "static int count;\n"),
    ("an initialised static", "state", "src/blocks/x.c", "static unsigned long total = 0;\n"),
    ("a static array", "state", "src/blocks/x.c", "static int table[] = { 1, 2 };\n"),
    ("a static pointer to const", "state", "src/blocks/x.c", 'static const char *name = "x";\n'),
    ("a static function pointer", "state", "src/blocks/x.c", "static int (*handler)(int) = 0;\n"),
    ("a static structure", "state", "src/blocks/x.c", "static struct { int a; } cache;\n"),
    ("a static with an attribute", "state", "src/blocks/x.c", "static int x __attribute__((unused));\n"),
    ("a static after a macro", "state", "src/blocks/x.c", "G_BEGIN_DECLS\nG_DEFINE_QUARK(a, b)\nstatic int count;\n"),
    ("a static after a function", "state", "src/blocks/x.c", "int f(void)\n{\n\treturn 0;\n}\nstatic int count;\n"),
    ("a thread-local static", "state", "src/blocks/x.c", "static _Thread_local int last;\n"),
    ("a static in a function", "state", "src/blocks/x.c", "int f(void)\n{\n\tstatic int calls;\n\treturn ++calls;\n}\n"),
    ("a global", "state", "src/blocks/x.c", "int count;\n"),
    ("an initialised global", "state", "src/cli/x.c", "unsigned long count = 3;\n"),
    ("a global structure", "state", "src/blocks/x.c", "struct range whole = { 1, 2 };\n"),
]


def run(files, listed=True):
    """run_check() on FILES, with src/LAYERS and, if LISTED, the fragments that list them."""
    tree = {**files, "src/LAYERS": LAYERS}
    for folder in {name.split("/")[1] for name in files if listed and name.startswith("src/")}:
        names = [name for name in files if name.startswith(f"src/{folder}/")]
        tree[f"src/{folder}/sources.am"] = "x_SOURCES += " + " ".join(names) + "\n"
    if listed:
        names = [name for name in files if name.startswith("include/")]
        tree["include/headers.am"] = "".join(f"x_HEADERS += {name}\n" for name in names)
    return run_check(CHECK, tree)


def main():
    cases = Cases()
    cases.clean("a clean tree", run(CLEAN))
    for what, rule, name, text in BROKEN:
        place = name if rule != "unknown-folder" else name.rpartition("/")[0]
        cases.broken(what, run({**CLEAN, name: text}), rule, place)

    files = {name: text for name, text in CLEAN.items() if not name.startswith("src/reports/")}
    status, told, last = run(files)
    cases.case("LAYERS names a folder that is not there", status == 1 and told == [
        "src/LAYERS:6: unknown-folder: there is no src/reports"], (status, told, last))

    status, told, last = run(CLEAN, listed=False)
    cases.case("files that no fragment lists", status == 1 and len(told) == len(CLEAN)
               and all(": unlisted: " in line for line in told), (status, told, last))
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
