#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests tests/check-names: each tree below breaks one rule, and the check must say so, in that file, and say nothing else."""

import pathlib
import sys

from broken_trees import Cases, run_check

CHECK = pathlib.Path(__file__).resolve().parent / "check-names"

DRAWING = "# Architecture\n\n```\nbase   knows nothing\ncore   of cores\n```\n\n"

# A tree that keeps every rule, with what looks like a violation and is none.
CLEAN = {
    "src/LAYERS": "base\ncore\n",
    "src/base/text.h": "/* hc_text_copy() is below. */\nchar *hc_text_copy(const char *text);\n",
    "src/base/text.c": "/* ---- of strings ---- */\n/* as malloc.c has it: hc_core_...() */\n",
    "src/core/core.h": "/*\n * The front door.\n *\n *\tcore.c\tall\n *\t<piece>.c\tone a piece\n *\n * As arena.c.\n */\n",
    "src/core/core.c": "",
    "src/core/image.h": "/*\n * Pieces.\n *\n *\timage.c\tof a file\n *\timage_note.c\tof notes\n */\n",
    "src/core/image.c": "/* ---- image.h ---- */\nstruct hc_core { int a; };\n",
    "src/core/image_note.c": "",
    "src/core/core_state.h": "/* image.c: opens */\n/* What core.c and image.c share. */\n",
    "ARCHITECTURE.md": DRAWING + "`core/image.c`, `image_note.c`, `base/`, `hc_text_copy()`, `<folder>/<folder>.h`, `/proc/x.c`, "
                                 "`a.b.c`, `malloc_trim()`, `base/*.h`, `tests/check --update`, `hc_...`\n",
    "CONTRIBUTING.md": "`typedef struct hc_thing hc_thing;`\n\n    make check TESTS=tests/unit/test_text\n",
    "docs/json.md": "`threads[].frames[].pc`, `\"/url/#\"`, `bytes_a`, https://x.example/src/none.c\n",
    "tests/check": "",
    "tests/unit/programs.am": "UNIT_TESTS += tests/unit/test_text\nunit_SOURCES = tests/unit/unit.c\n",
    "tests/unit/test_text.c": "",
    "tests/unit/unit.c": "",
    "tests/end-to-end/programs.am": "FIXTURES += churn\nx_SOURCES = fixtures/stories/story.h\nTESTS += tests/end-to-end/test_a.py\n",
    "tests/end-to-end/test_a.py": "",
    "fixtures/churn.c": "",
    "fixtures/stories/story.h": "",
}

# (what, rule, file, its text): replaces or adds that file in the clean tree.
BROKEN = [
    ("a path", "no-such-file", "README.md", "See `core/gone.c`.\n"),
    ("a path with src/", "no-such-file", "docs/x.md", "See `src/core/gone.c`.\n"),
    ("a file name", "no-such-file", "ARCHITECTURE.md", DRAWING + "See `gone.c`.\n"),
    ("a folder", "no-such-file", "ARCHITECTURE.md", DRAWING + "See `gone/`.\n"),
    ("a script with an option", "no-such-file", "CONTRIBUTING.md", "Run `tests/gone --update`.\n"),
    ("a path in a code block", "no-such-file", "CONTRIBUTING.md", "    make check TESTS=tests/unit/test_gone\n"),
    ("a pattern that nothing fits", "no-such-file", "CONTRIBUTING.md", "Any `core/x*.h`.\n"),
    ("a link to a file", "dead-link", "docs/x.md", "See [it](../src/gone.txt).\n"),
    ("a link to a heading", "dead-link", "docs/x.md", "# Here it is\n\nSee [it](#here-is-it), [this](#here-it-is) and [that](https://gone/x).\n"),
    ("a function", "no-such-name", "ARCHITECTURE.md", DRAWING + "See `hc_gone()`.\n"),
    ("a name that only comments have", "no-such-name", "src/base/text.c", "/* the table hc_gone */\n"),
    ("a name of a family", "no-such-name", "docs/x.md", "It calls glibc_gone().\n"),
    ("a layer that is not drawn", "layers", "ARCHITECTURE.md", "```\nbase   knows nothing\n```\n"),
    ("layers in another order", "layers", "ARCHITECTURE.md", "```\ncore   of cores\nbase   knows nothing\n```\n"),
    ("no drawing", "layers", "ARCHITECTURE.md", "# Architecture\n"),
    ("a list names what is not there", "list-wrong", "src/core/core_state.h",
     "/*\n * Shared.\n *\n *\tcore.c\tall\n *\timage.c\tpieces\n *\timage_note.c\tnotes\n *\tgone.c\tx\n */\n"),
    ("a section names what is not there", "list-wrong", "src/core/core_state.h", "/* ---- gone.c ---- */\n"),
    ("a section with words names what is not there", "list-wrong", "src/core/core_state.h", "/* gone.c: opens */\n"),
    ("the front door lacks a file", "list-short", "src/base/base.h", "/*\n * All.\n *\n *\tother.c\tx\n */\n"),
    ("a header of the folder's own lacks a file", "list-short", "src/core/core_state.h",
     "/*\n * Shared.\n *\n *\tcore.c\tall\n *\timage.c\tpieces\n */\n"),
    ("a family lacks a file", "list-short", "src/core/image_more.c", ""),
    ("a folder without a list", "no-list", "src/core/core.h", "/*\n * The front door.\n */\n"),
    ("a folder with sections for some files", "no-list", "src/core/core.h", "/* ---- core.c ---- */\n"),
    ("a list that another one stands for lacks a file", "list-short", "src/core/core.h",
     "/*\n * The front door.\n *\n *\tcore.c\tall\n *\timage.h\tpieces, with a list\n */\n"),
    ("a unit test that is not built", "not-built", "tests/unit/test_gone.c", ""),
    ("an end-to-end test that is not run", "not-built", "tests/end-to-end/test_gone.py", ""),
    ("a fixture that is not built", "not-built", "fixtures/gone.cpp", ""),
    ("a story's header that is not in the package", "not-built", "fixtures/stories/gone.h", ""),
]

# Further files that a broken tree needs so that nothing else is wrong with it.
ALSO = {
    "the front door lacks a file": {"src/base/other.c": ""},
    "a list that another one stands for lacks a file": {"src/core/other.c": ""},
    "a folder without a list": {"src/core/other.c": ""},
    "a folder with sections for some files": {"src/core/other.c": ""},
}


def main():
    cases = Cases()
    cases.clean("a clean tree", run_check(CHECK, CLEAN))
    for what, rule, name, text in BROKEN:
        # What is missing in a list is told where the list is.
        place = "src/core/image.h" if name == "src/core/image_more.c" else name
        cases.broken(what, run_check(CHECK, {**CLEAN, **ALSO.get(what, {}), name: text}), rule, place)
    sections = "".join(f"/* ---- {name}.c ---- */\n" for name in ("core", "image", "image_note", "other"))
    cases.clean("sections for all files", run_check(CHECK, {**CLEAN, "src/core/other.c": "", "src/core/core.h": sections}))
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
