#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Locals, parameters and thread-locals in cores: against what the program says of them, and gdb as a second opinion.

fixtures/locals.cpp is built by several compilers with flags of their own, stands still in three threads, and is dumped. What it
says of a variable is the truth: the library may not know the variable any more, but never knows another value or place.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import BUILD, PATIENCE, ROOT, SOURCE, Cases, Skipped, Stopped, few
from kept_builds import build_once

PRINT_VARIABLES = BUILD / "tests" / "support" / "print-variables"
KNOWN = ("in memory", "value")
SMALL_CORE = {"GLIBC_TUNABLES": "glibc.malloc.arena_max=1"}  # each further arena is 64 MB of core


@dataclass(frozen=True)
class Variant:
    name: str
    compiler: str
    flags: tuple[str, ...]
    separate: bool = False  # the debug info goes into a file of its own

    @property
    def optimized(self) -> bool:
        return "-O0" not in self.flags


VARIANTS = [
    *(Variant(f"{compiler} {level} DWARF {version}", compiler, (level, f"-gdwarf-{version}"))
      for compiler in ("g++", "clang++") for level in ("-O0", "-O2") for version in (4, 5)),
    Variant("g++ -Og", "g++", ("-Og",)),
    Variant("g++ -O3 no PIE", "g++", ("-O3", "-no-pie", "-fno-pie")),
    Variant("g++ -O2 .debug_frame", "g++", ("-O2", "-fno-exceptions", "-fno-asynchronous-unwind-tables")),
    Variant("g++ -O2 separate debug info", "g++", ("-O2",), separate=True),
]


def run(*command: str) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=PATIENCE)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stderr[-3000:]}"
    return done.stdout


def need(*tools: str) -> None:
    if ROOT != Path("/"):
        raise Skipped("the program is built here")
    for tool in tools:
        if shutil.which(tool) is None:
            raise Skipped(f"{tool} is not installed")


def build_common(folder: Path) -> str:
    common = folder / "fixture.o"
    build_once(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-g", "-c", str(SOURCE / "fixtures" / "fixture.c")], [], common)
    return str(common)


def build(variant: Variant, folder: Path) -> Path:
    need(variant.compiler, "gcc")
    program = folder / "locals"
    build_once([variant.compiler, "-std=gnu++17", "-D_GNU_SOURCE", "-g", *variant.flags, "-pthread", "-Wl,--build-id",
                str(SOURCE / "fixtures" / "locals.cpp")], [Path(build_common(folder))], program)
    if variant.separate:
        run("objcopy", "--only-keep-debug", str(program), f"{program}.debug")
        run("objcopy", "--strip-debug", f"--add-gnu-debuglink={program}.debug", str(program))
    return program


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def is_local(row: dict[str, Any]) -> bool:
    return row["kind"] in ("local", "parameter")


def own_name(function: str) -> str:
    """'worker::run' of 'locals::worker::run', 'operator()' of a lambda's."""
    return "operator()" if function.endswith("operator()") else function.removeprefix("locals::")


# ---- what the program says ------------------------------------------------------------------------------------------


def agrees(row: dict[str, Any], how: str, what: str) -> bool:
    if how == "memory":
        return row["state"] == "in memory" and int(row["address"], 16) == int(what, 16)
    return row["bytes"] == what


def compare_manifest(variant: Variant, fixture: Stopped, rows: list[dict[str, Any]]) -> None:
    found, said = defaultdict(list), defaultdict(list)
    for row in filter(is_local, rows):
        found[row["thread"], own_name(row["function"]), row["name"]].append(row)
    for thread, function, name, how, what in fixture.said("local"):
        said[int(thread), function, name].append((how, what))
    wrong, unknown, known = [], [], 0
    for key, truths in said.items():
        if len(found[key]) != len(truths):
            wrong.append(f"{key}: {len(truths)} of them, not {len(found[key])}")
            continue
        for (how, what), row in zip(truths, found[key]):
            if row["state"] not in KNOWN:
                unknown.append(f"{key}: {how} {what}: {row['state']}, {row['reason']}")
            elif agrees(row, how, what):
                known += 1
            else:
                wrong.append(f"{key}: {how} {what}: {row['state']} {row['address']} {row['bytes']}")
    assert not wrong, f"{len(wrong)} variables are wrong:{few(wrong)}"
    assert known + len(unknown) >= 120, f"the program says too little: {known} + {len(unknown)}"
    assert len(unknown) <= (known // 5 if variant.optimized else 0), f"{len(unknown)} are unknown:{few(unknown)}"
    print(f"    {known} of {known + len(unknown)} that the program tells are known", flush=True)


def compare_thread_locals(fixture: Stopped, rows: list[dict[str, Any]]) -> None:
    found = {(row["thread"], row["name"]): int(row["address"], 16) for row in rows if row["kind"] == "thread-local"}
    said = {(int(thread), name): int(address, 16) for thread, name, address in fixture.said("tls")}
    assert len(said) == 6
    for key, address in said.items():
        assert found.get(key) == address, f"{key} is at {address:#x}, not at {found.get(key)}"


# ---- what holds in every program ------------------------------------------------------------------------------------


def check_rows(rows: list[dict[str, Any]], program: str) -> None:
    locals_of = defaultdict(list)
    for row in filter(is_local, rows):
        assert row["module"] == program, f"of a module whose variables are left out: {row}"
        assert row["name"] != "calls_so_far", f"a static variable is no local: {row}"
        assert row["inlined"] == (own_name(row["function"]) in ("inlined", "inlined_deeper")) or "inlined" not in row["function"], \
            f"inlined or not: {row}"
        locals_of[row["thread"]].append(row)
    assert len(locals_of) == 3, f"locals of {len(locals_of)} threads"
    for thread, mine in locals_of.items():
        frames = [row["frame"] for row in mine]
        assert frames == sorted(frames, reverse=True), f"thread {thread}: not the outermost frame first"
    statics = [row for row in rows if row["name"].endswith("calls_so_far")]
    assert len(statics) == 1 and statics[0]["kind"] == "function static", f"{statics}"
    for row in rows:
        assert (row["reason"] is not None) == (row["state"] in ("unreadable", "unsupported")), f"reason: {row}"
        if row["state"] == "value" and row["size"] <= 64:
            assert row["valid"] == len(row["bytes"].replace("?", "")) // 2, f"bytes that are known: {row}"
        if row["state"] == "in memory":
            assert "?" not in row["bytes"], f"memory that can not be read: {row}"


def check_lost(rows: list[dict[str, Any]]) -> None:
    """Parameters that no register holds any more: gcc's callers tell what they called with."""
    lost = [row for row in rows if is_local(row) and own_name(row["function"]) == "lost" and row["kind"] == "parameter"]
    assert len(lost) == 15 and all(row["state"] in KNOWN for row in lost), few(lost)


# ---- what gdb says --------------------------------------------------------------------------------------------------


def compare_gdb(variant: Variant, program: Path, core: Path, rows: list[dict[str, Any]]) -> None:
    if shutil.which("gdb") is None:
        raise Skipped("gdb is not installed")
    told = lines_of(run("gdb", "-batch", "-nx", "-x", str(SOURCE / "tests" / "support" / "gdb-variables.py"), str(program), str(core)))
    assert told, "gdb has no Python, or knows nothing"
    mine, theirs = defaultdict(list), defaultdict(list)
    for row in filter(is_local, rows):
        mine[row["thread"], row["frame"], row["name"]].append(row)
    frames = {(thread, frame) for thread, frame, _ in mine}
    for row in told:
        if (row["thread"], row["frame"]) in frames and row["state"] == "known":
            theirs[row["thread"], row["frame"], row["name"]].append(row)
    differ, same = [], 0
    for key, rows_of_key in theirs.items():
        for row in rows_of_key:
            agree = [other for other in mine[key] if other["state"] in KNOWN and (
                int(other["address"], 16) == row["address"] if "address" in row else other["bytes"] == row.get("bytes", other["bytes"]))]
            same += bool(agree)
            # gdb shows registers that a call has used as if they were kept: of optimized code only its addresses count.
            if not agree and ("address" in row or not variant.optimized):
                differ.append(f"{row}, not {[(other['state'], other['address']) for other in mine[key]]}")
    assert not differ, f"gdb sees {len(differ)} in another way:{few(differ)}"
    known = sum(row["state"] in KNOWN for row in filter(is_local, rows))
    assert variant.optimized or same == known, f"gdb knows {same}, heapcore {known}"
    print(f"    {known} known, {sum(map(len, theirs.values()))} to gdb, {same} the same", flush=True)


def check_variant(variant: Variant) -> None:
    with tempfile.TemporaryDirectory(prefix="heapcore-locals-") as folder:
        program = build(variant, Path(folder))
        with Stopped(program, environment=SMALL_CORE, recorder=False) as fixture:
            core = fixture.gcore()
            rows = lines_of(run(str(PRINT_VARIABLES), str(core)))
            compare_manifest(variant, fixture, rows)
            compare_thread_locals(fixture, rows)
            check_rows(rows, program.name)
            if variant.compiler == "g++":
                check_lost(rows)
            compare_gdb(variant, program, core, rows)


def check_without_debug_info() -> None:
    with tempfile.TemporaryDirectory(prefix="heapcore-locals-") as folder:
        program = build(VARIANTS[0], Path(folder))
        run("strip", str(program))
        with Stopped(program, environment=SMALL_CORE, recorder=False) as fixture:
            rows = lines_of(run(str(PRINT_VARIABLES), str(fixture.gcore())))
            assert not rows, f"{len(rows)} variables of a program without debug info:{few(rows)}"


def check_places() -> None:
    """fixtures/places.cpp: a library's variable in the program, an interrupted frame, a function that was jumped to."""
    need("g++", "gcc")
    with tempfile.TemporaryDirectory(prefix="heapcore-places-") as name:
        folder = Path(name)
        source, library, program = str(SOURCE / "fixtures" / "places.cpp"), folder / "libplaces.so", folder / "places"
        flags = ("-std=gnu++17", "-D_GNU_SOURCE", "-g", "-O2")
        run("g++", *flags, "-DLIBRARY", "-shared", "-fPIC", source, "-o", str(library))
        run("g++", *flags, "-fPIE", "-pie", source, build_common(folder), str(library), f"-Wl,-rpath,{folder}", "-o", str(program))
        with Stopped(program, environment=SMALL_CORE, recorder=False) as fixture:
            rows = lines_of(run(str(PRINT_VARIABLES), str(fixture.gcore())))
            said = sorted((name, int(address, 16)) for name, address in fixture.said("global"))
            found = sorted((row["name"], int(row["address"], 16)) for row in rows if row["kind"] == "global" and "registry" in row["name"])
            assert found == said, f"globals are at {said}, not {found}"
            for thread, function, name, _, what in fixture.said("local"):
                mine = [row for row in rows if (row["name"], row["function"]) == (name, function)]
                assert len(mine) == 1 and mine[0]["thread"] == int(thread) and mine[0].get("bytes") == what, f"{name}: {mine}"
            jumped = [row for row in rows if row["function"] == "jumped_to"]
            assert len(jumped) == 1 and jumped[0]["state"] not in KNOWN, f"nobody knows what jumped_to() was given: {jumped}"


if __name__ == "__main__":
    cases = Cases(__doc__)
    for each in VARIANTS:
        cases.run(each.name, check_variant, each)
    cases.run("places", check_places)
    cases.run("without debug info", check_without_debug_info)
    cases.finish()
