#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who holds a block, by name: the fixture "roots" keeps each block in one place, which its source names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from elfcore import Core
from harness import CORE_ONLY, Cases, Skipped, Stopped, analyze, few, heapcore, report_of, succeed
from scenarios import OPENED, PRELOADED

# Class of a block in fixtures/roots.c: kind of the place that holds it, and its name. {pid}: the main thread.
HELD = {
    "file-static": ("variable", r"file_static in roots"),
    "file-static-data": ("variable", r"file_static_data\+0x8 in roots"),
    "function-static": ("variable", r"slot\.?\d* in roots"),
    "interior-pointer": ("variable", r"interior in roots"),
    "thread-storage-of-executable": ("thread-local", r"own_thread_storage in roots, thread-local of thread {pid}"),
    "thread-storage-of-thread": ("thread-local", r"own_thread_storage in roots, thread-local of thread \d+"),
    "on-exit-argument": ("variable", r".* in libc.*|libc.*"),
    "anonymous-mapping": ("mapping", r"anonymous 0x[0-9a-f]+-0x[0-9a-f]+, \+0x[0-9a-f]+"),
    "read-only-mapping": ("mapping", r"anonymous .*, \+0x50"),
    "private-file-mapping": ("mapping", r"file /.*roots .*, \+0x320"),
    "preloaded-library-bss": ("variable", r"in_bss\+0x10 in preloaded\.so"),
    "preloaded-library-data": ("variable", r"in_data\+0x10 in preloaded\.so"),
    "preloaded-library-thread-storage": ("thread-local", r"in_thread\+0x10 in preloaded\.so, thread-local of thread {pid}"),
    "opened-library-bss": ("variable", r"in_bss\+0x10 in opened\.so"),
    "opened-library-data": ("variable", r"in_data\+0x10 in opened\.so"),
    "register-rbx": ("register", r"rbx of thread \d+"),
    "register-r12": ("register", r"r12 of thread \d+"),
    "thread-stack": ("stack", r"stack of thread \d+, #\d+ hold_on_stack in roots, sp\+0x[0-9a-f]+"),
    "interrupted-stack": ("stack", r"stack of thread \d+, #\d+ hold_while_interrupted in roots, sp\+0x[0-9a-f]+"),
}
# The block is held by dynamic thread-local storage, which libc has on the heap: the last word of the path.
HELD_LAST = {
    "opened-library-thread-storage": ("thread-local", r"in_thread\+0x10 in opened\.so, thread-local of thread {pid}"),
    "opened-library-storage-of-thread": ("thread-local", r"in_thread\+0x10 in opened\.so, thread-local of thread (?!{pid})\d+"),
}


def paths_to(core: Path, fixture: Stopped, address: str, *arguments: str) -> list[dict[str, Any]]:
    return report_of(succeed("path", core, fixture.program, address, "--json", *arguments))["paths"]


def classes(fixture: Stopped) -> dict[str, tuple[str, str]]:
    """The first block of each class: verdict, address."""
    found: dict[str, tuple[str, str]] = {}
    for kind, verdict, address, _ in fixture.said("block"):
        found.setdefault(kind, (verdict, address))
    return found


def check_words(core: Core, path: dict[str, Any]) -> None:
    """Every word on the way is in the core, where it is said to be, and leads into the next block."""
    assert path["length"] == len(path["steps"]) and not path["omitted"], path
    before = None
    for step in path["steps"]:
        start, size = int(step["block"], 16), step["size"]
        place = step["place"]
        word = None
        if before is not None:
            word = before + step["offset"]
        elif place is not None and place["address"] is not None:
            word = int(place["address"], 16)
        if word is not None:
            assert core.word(word) == int(step["to"], 16), (hex(word), path)
        if step["to"] is not None:
            assert start <= int(step["to"], 16) < start + size, path
        before = start


def start_roots(arguments: tuple[str, ...] = (OPENED,)) -> Stopped:
    return Stopped("roots", arguments, preload=PRELOADED)


def check_names(kind: str, arguments: tuple[str, ...]) -> None:
    if CORE_ONLY:
        raise Skipped("names need the program's file")
    with start_roots(arguments) as fixture:
        core = fixture.core(kind)
        found, wrong, seen = classes(fixture), [], 0
        for expectations, index in ((HELD, 0), (HELD_LAST, -1)):
            for name, (place_kind, pattern) in expectations.items():
                if name not in found:
                    continue
                seen += 1
                path = paths_to(core, fixture, found[name][1])[0]
                place = path["steps"][index]["place"]
                if place is None or place["kind"] != place_kind or \
                        not re.fullmatch(pattern.replace("{pid}", str(fixture.pid)), place["name"]):
                    wrong.append(f"{name}: should be {place_kind}, {pattern}; is {place}")
        assert seen >= 15, f"only {seen} classes: {sorted(found)}"
        assert not wrong, f"{len(wrong)} places misnamed:{few(wrong)}"


def check_every_class(kind: str) -> None:
    """Of kept and of lost blocks: how the path begins, and each word of it by another reader of the core."""
    with start_roots(("signal",)) as fixture:
        path_of_core = fixture.core(kind)
        core = Core(path_of_core)
        heads = {address for _, verdict, address, _ in fixture.said("block") if verdict == "direct"}
        lost = {address for _, verdict, address, _ in fixture.said("block") if verdict == "indirect"} | heads
        for name, (verdict, address) in classes(fixture).items():
            paths = paths_to(path_of_core, fixture, address, "--paths", "3")
            assert paths, f"{name}: no path"
            assert [path["length"] for path in paths] == sorted(path["length"] for path in paths), name
            between: set[str] = set()
            for path in paths:
                check_words(core, path)
                blocks = [step["block"] for step in path["steps"]]
                assert blocks[-1] == address, (name, blocks)
                assert not between & set(blocks[:-1]), f"{name}: two paths by one block: {paths}"
                between |= set(blocks[:-1])
                if verdict == "reachable":
                    assert path["begins"] in ("root", "runtime") and not lost & set(blocks), (name, path)
                else:
                    assert path["begins"] == "lost" and set(blocks) <= lost, (name, path)
                # Of a ring any block may stand for all.
                if verdict == "direct" and "ring" not in name:
                    assert blocks == [address], (name, path)
                if verdict == "indirect" and "ring" not in name:
                    assert blocks[0] in heads and len(blocks) > 1, (name, path)


def check_wrong() -> None:
    """An error, not a path: unmapped, in no block, and a wrong number of paths."""
    with Stopped("churn") as fixture:
        core = fixture.gcore()
        result = heapcore("path", core, "0x10")
        assert result.status == 2 and "in no block" in result.err, result
        for number in ("0", "1001", "-1"):
            assert heapcore("path", core, "0x10", f"--paths={number}").status == 64


def check_block_by_name() -> None:
    """block names what points to a block, and what it points to."""
    if CORE_ONLY:
        raise Skipped("names need the program's file")
    with start_roots() as fixture:
        core = fixture.gcore()
        address = classes(fixture)["file-static"][1]
        references = report_of(succeed("block", core, fixture.program, address, "--json"))["references"]
        names = [one["where"] for one in references["list"]]
        assert "file_static in roots" in names, names
        # "refers-to-kept" is lost and points to it.
        assert any(name.startswith("block 0x") for name in names), names
        text = succeed("block", core, fixture.program, address).out
        assert "file_static in roots" in text, text
        map_address = report_of(succeed("threads", core, "--json"))["threads"][0]["stack_pointer"]
        told = succeed("block", core, fixture.program, map_address).out
        assert f"stack of thread {fixture.pid}, #0 " in told, told


def check_frames() -> None:
    if CORE_ONLY:
        raise Skipped("unwinding needs the program's file")
    with start_roots(("signal",)) as fixture:
        core = fixture.gcore()
        threads = report_of(succeed("threads", core, fixture.program, "--json"))["threads"]
        told = {one["id"]: [frame["function"] for frame in one["frames"]] for one in threads}
        for function in ("hold_in_rbx", "hold_in_r12", "hold_on_stack", "hold_in_thread_storage", "work_and_park"):
            assert any(f"{function} in roots" in frames for frames in told.values()), (function, told)
        main = told[fixture.pid]
        assert "main in roots" in main, main
        # Across a signal, from one stack to another.
        interrupted = [frames for frames in told.values() if "never_return in roots" in frames]
        assert len(interrupted) == 1 and "hold_while_interrupted in roots" in interrupted[0], told
        for one in threads:
            assert one["frames"][0]["program_counter"] == one["program_counter"], one
            assert one["frames"][0]["stack_pointer"] == one["stack_pointer"], one
        assert "#0   " in succeed("threads", core, fixture.program, "-v").out


def check_roots(kind: str) -> None:
    """Every byte that is not the heap's is searched or not, with a reason, and the figures are those of analyze."""
    with start_roots() as fixture:
        core = fixture.core(kind)
        report = report_of(succeed("roots", core, fixture.program, "--json"))
        references = analyze(core, fixture.program)["references"]
        totals, roots = report["totals"], report["roots"]
        assert totals["used_bytes"] == references["roots_bytes"], totals
        assert totals["words"] == references["words"] and totals["candidates"] == references["candidates"], totals
        memory = [root for root in roots if root["kind"] != "registers"]
        assert totals["unused_bytes"] == sum(root["size"] for root in memory if not root["used"]), totals
        assert all(root["reason"] for root in roots)
        mappings = report_of(succeed("mappings", core, fixture.program, "--json"))["mappings"]
        expected = {(one["start"], one["end"]) for one in mappings if one["kind"] not in ("heap", "mmapped")}
        told = [(root["start"], root["end"]) for root in memory]
        assert len(told) == len(set(told)) and set(told) == expected, expected ^ set(told)
        threads = report_of(succeed("threads", core, "--json"))["threads"]
        assert sorted(root["thread"] for root in roots if root["kind"] == "registers") == sorted(one["id"] for one in threads)
        modules = {root["module"] for root in memory if root["kind"] == "data" and root["used"]}
        assert any(module and module.endswith("preloaded.so") for module in modules), modules
        text = succeed("roots", core, fixture.program).out
        assert "NOT SEARCHED" in text and "data of preloaded.so" in text and "below the stack pointer" in text, text


cases = Cases(__doc__)
for core_kind in ("gcore", "kernel"):
    cases.run(f"names of places, {core_kind}", check_names, core_kind, (OPENED,))
    cases.run(f"every class of block, {core_kind}", check_every_class, core_kind)
    cases.run(f"roots, {core_kind}", check_roots, core_kind)
cases.run("names of places, interrupted thread", check_names, "gcore", (OPENED, "signal"))
cases.run("block by name", check_block_by_name)
cases.run("frames", check_frames)
cases.run("wrong arguments", check_wrong)
cases.finish()
