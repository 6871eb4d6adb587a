#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs without debug info: what grew is told by the symbol that its pointers lie in, or by section and offset, with its bytes.

The stories' programs run as they were built, but without their debug info (strip -g), and without symbols either (strip). The truth
is what each says of itself, and where nm finds the variable in the program as it was built.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterable

from grown import Grown, shown
from harness import Cases, few, fixture_path, library_path, need_captures

TOLERANCE = 0.01


@dataclass
class Nameless:
    story: str
    causes: tuple[str, ...]  # as the program says them
    variable: str  # that it is in; of a local its function
    arguments: tuple[str, ...] = ()
    is_local: bool = False
    tolerance: float = TOLERANCE


PROGRAMS = [
    Nameless("labels", ("g_registry->summaries_",), "g_registry"),
    Nameless("labels-glib", ("g_metrics",), "g_metrics"),
    Nameless("backlog", ("g_queue.jobs",), "g_queue"),
    Nameless("backlog-c", ("g_queue",), "g_queue"),
    Nameless("warm-up", ("g_pages",), "g_pages"),
    # What is not done yet hangs on the pool's queue as well, which is nearer.
    Nameless("futures", ("main::results",), "main::results", tolerance=0.05),
    Nameless("piles", ("g_node->context->on_shutdown",), "g_node", ("callbacks",)),
    Nameless("tails", ("g_uploads",), "g_uploads"),
    Nameless("locals", ("history", "orders"), "run_session", is_local=True),
]


def strip(program: Path, folder: Path, *options: str) -> Path:
    """A copy of PROGRAM, of the same name, without what OPTIONS of strip(1) say."""
    copy = folder / program.name
    shutil.copy(program, copy)
    subprocess.run(["strip", *options, str(copy)], check=True)
    return copy


@functools.lru_cache(maxsize=None)
def symbols(program: Path, *options: str) -> dict[str, range]:
    """Variables by name, and where they lie in the file of PROGRAM."""
    lines = subprocess.run(["nm", "-S", "-C", *options, str(program)], check=True, capture_output=True, text=True).stdout.splitlines()
    found = [match for match in (re.match(r"([0-9a-f]+) ([0-9a-f]+) [bBdD] (.*)", line) for line in lines) if match]
    return {re.sub(r"\[abi:\w+\]|\(anonymous namespace\)::", "", match[3]):
            range(int(match[1], 16), int(match[1], 16) + int(match[2], 16)) for match in found}


@functools.lru_cache(maxsize=None)
def functions(program: Path) -> dict[int, str]:
    """Functions by where they begin in the file of PROGRAM."""
    lines = subprocess.run(["nm", "-C", str(program)], check=True, capture_output=True, text=True).stdout.splitlines()
    return {int(match[1], 16): match[2] for match in (re.match(r"([0-9a-f]+) [tT] (.*)", line) for line in lines) if match}


def is_frame(built: Path, function: str, with_symbols: bool, name: str) -> bool:
    """Whether NAME is that of a frame of FUNCTION in the program that was BUILT, or begins there."""
    name = root_of(name)
    match = re.fullmatch(rf"{re.escape(built.name)}\+0x([0-9a-f]+)\(\)", name)
    return function in (name if with_symbols else functions(built).get(int(match[1], 16), "") if match else "")


def section_start(program: Path, name: str) -> int:
    lines = subprocess.run(["readelf", "-S", "-W", str(program)], check=True, capture_output=True, text=True).stdout
    match = re.search(rf"\] {re.escape(name)} +\w+ +([0-9a-f]+)", lines)
    assert match, f"no section {name}"
    return int(match[1], 16)


def root_of(name: str) -> str:
    """NAME without what the shapes of containers add to a variable's."""
    return re.split(r"->|\[|\.(?=[a-z-]+-like)", name)[0]


def names(program: Path, built: Path, variable: str, with_symbols: bool, name: str) -> bool:
    """Whether NAME is that of VARIABLE, in PROGRAM, which is the one that was BUILT, without its debug info, or begins there; stripped
    programs still have the symbols that they export."""
    name = root_of(name)
    if with_symbols or variable in symbols(program, "-D"):
        return re.sub(r"\+0x[0-9a-f]+$", "", name) == variable
    match = re.fullmatch(rf"{re.escape(program.name)} (\.\w+)\+0x([0-9a-f]+)", name)
    return bool(match) and variable in symbols(built) and section_start(built, match[1]) + int(match[2], 16) in symbols(built)[variable]


def check_growth(grown: Grown, causes: Iterable[str], is_it: Callable[[str], bool], tolerance: float = TOLERANCE) -> None:
    """What IS_IT knows by its name grew by what the program says of CAUSES."""
    told = sum(row["bytes"] for row in grown.diff["attribution"] if row["name"] and is_it(row["name"]))
    truth = sum(map(grown.grew_by, causes))
    assert abs(told - truth) <= tolerance * truth, f"{causes}: {told} bytes, not {truth}:\n{shown(grown.diff)}"


def check(nameless: Nameless, with_symbols: bool) -> None:
    built = fixture_path(f"stories/{nameless.story}")
    with tempfile.TemporaryDirectory() as folder:
        program = strip(built, Path(folder), *(("-g",) if with_symbols else ()))

        def is_it(name: str) -> bool:
            if nameless.is_local:
                return is_frame(built, nameless.variable, with_symbols, name)
            return names(program, built, nameless.variable, with_symbols, name)

        with Grown(str(program), *nameless.arguments) as grown:
            check_growth(grown, nameless.causes, is_it, nameless.tolerance)
            first = grown.diff["sentences"][0]["text"]
            assert is_told(first, nameless, with_symbols), f"the first cause is: {first}"


def check_holders(with_symbols: bool) -> None:
    """Many variables in one process, each of another sort."""
    built = fixture_path("stories/holders")
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        program = strip(built, Path(folder), *(("-g",) if with_symbols else ()))
        with Grown(str(program), "all") as grown:
            for cause in grown.after:
                try:
                    check_growth(grown, (cause,), lambda name: names(program, built, cause, with_symbols, name))
                except AssertionError as error:
                    wrong.append(str(error).partition("\n")[0])
            assert not wrong, f"{len(wrong)} of {len(grown.after)}: {few(wrong)}\n{shown(grown.diff)}"


def is_thread_local(built: Path, variable: str, with_symbols: bool, name: str) -> bool:
    name = root_of(name)
    match = re.fullmatch(rf"{built.name} TLS\+(\w+)", name)
    return name == variable if with_symbols else bool(match) and int(match[1], 16) in symbols(built)[variable]


def check_places(with_symbols: bool, *arguments: str) -> None:
    """One chain on each place, exact to the byte, and on no other."""
    options = ("-g",) if with_symbols else ()
    with tempfile.TemporaryDirectory() as folder:
        built, built_library = fixture_path("stories/nameless"), library_path("opened")
        program, library = strip(built, Path(folder), *options), strip(built_library, Path(folder), *options)
        places: dict[str, Callable[[str], bool]] = {
            "local": lambda name: is_frame(built, "keep_in_local", with_symbols, name),
            "register": lambda name: is_frame(built, "keep_in_register", with_symbols, name),
            "saved": lambda name: is_frame(built, "keep_saved", with_symbols, name),
            "thread-local": lambda name: is_thread_local(built, "g_pending", with_symbols, name),
            "specific": lambda name: name.startswith("pthread_setspecific() key "),
            "later-key": lambda name: name == "pthread_setspecific() keys 32-63",
            "argument": lambda name: name == "pthread_create() argument",
            "result": lambda name: name == "pthread_join() result",
            "library": lambda name: names(library, built_library, "in_bss", with_symbols, name),
            "static": lambda name: names(program, built, "g_recent", with_symbols, name),
            # The process begins at code that has main()'s address, so it has a name without symbols, too.
            "pool": lambda name: root_of(name) == "main()",
        }
        with Grown(str(program), f"library={library}", *arguments) as grown:
            for cause, is_it in places.items():
                rows = [row for row in grown.diff["attribution"] if row["kind"] == "owner" and is_it(row["name"])]
                assert [row["bytes"] for row in rows] == [grown.grew_by(cause)], f"{cause}:\n{shown(grown.diff)}"


def check_cxx(with_symbols: bool) -> None:
    """The same of C++: thread-locals, locals of member functions, statics of functions, what only a shared_ptr<void> leads to."""
    built = fixture_path("stories/nameless-cxx")
    with tempfile.TemporaryDirectory() as folder:
        program = strip(built, Path(folder), *(("-g",) if with_symbols else ()))
        places: dict[str, Callable[[str], bool]] = {
            "cache": lambda name: is_thread_local(built, "cache", with_symbols, name),
            "Session::run": lambda name: is_frame(built, "Session::run()", with_symbols, name),
            "recent::values": lambda name: names(program, built, "recent()::values", with_symbols, name),
            "shared": lambda name: names(program, built, "shared", with_symbols, name.split("->")[0]),
        }
        with Grown(str(program)) as grown:
            for cause, is_it in places.items():
                check_growth(grown, (cause,), is_it)


def is_told(text: str, nameless: Nameless, with_symbols: bool) -> bool:
    """The sentence names it, and says what that rests on."""
    says_how = "by its pointers alone" in text or "-like" in text or re.search(r"\(std::_Sp_counted\w+<", text)
    return bool(says_how) and (nameless.variable in text or (not with_symbols and re.search(r" \.bss\+0x|\+0x[0-9a-f]+\(\)", text)))


def main() -> None:
    need_captures()
    cases = Cases(__doc__)
    for nameless in PROGRAMS:
        cases.run(f"{nameless.story}: symbols", check, nameless, True)
        cases.run(f"{nameless.story}: stripped", check, nameless, False)
    cases.run("holders: symbols", check_holders, True)
    cases.run("holders: stripped", check_holders, False)
    for with_symbols in (True, False):
        name = "symbols" if with_symbols else "stripped"
        cases.run(f"places: {name}", check_places, with_symbols)
        cases.run(f"places in C++: {name}", check_cxx, with_symbols)
        cases.run(f"places, of a forked child: {name}", check_places, with_symbols, "forked")
    cases.finish()


if __name__ == "__main__":
    main()
