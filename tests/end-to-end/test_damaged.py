#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""heapcore check: what fixtures/damaged.c does to its heap is told, at its place, with who wrote; and of sound heaps nothing."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from elfcore import PAGE, PT_LOAD, Core
from harness import Cases, Skipped, Stopped, Workspace, few, heapcore, libc_version, report_of

# The way, and the least release of glibc whose malloc has what it damages.
WAYS = {
    "one-byte": 17, "one-byte-shrinks": 17, "nul": 17, "nul-shrinks": 17, "text": 17, "guard": 17, "deadbeef": 17, "underflow": 17, "flags": 17, "top": 17,
    "top-smaller": 17, "double-free": 29, "loop": 27, "fastbin-loop": 27, "two-lists": 27, "fastbin-link": 27, "tcache-link": 27, "tcache-entry": 27, "key": 29,
    "unsorted": 17, "prev-size": 17, "prev-in-use": 17, "small-bin": 27, "large-bin": 17, "heap-info": 17, "mmapped": 17,
    "tcache-count": 27, "listed-size": 27, "arena-top": 17, "arena-ring": 17, "listed-arena": 27,
}
# What else is wrong then, and follows: of two lists that share a block one is led astray.
FOLLOWS = {"two-lists": {"link"}}
# What a debugging allocator writes is no content.
MARKS = ("0xfd", "0xdeadbeef")
# How the bytes that were written look.
RUNS = {"one-byte": "byte", "one-byte-shrinks": "byte", "nul": "text", "nul-shrinks": "text", "text": "byte", "guard": "byte", "deadbeef": "word", "underflow": "byte",
        "top": "byte", "tcache-link": "text", "unsorted": "byte", "large-bin": "byte", "heap-info": "byte", "mmapped": "byte"}


def check(core: Path, *arguments: Any) -> tuple[int, dict[str, Any]]:
    result = heapcore("check", core, *arguments, "--json", "--limit", "0")
    assert result.status in (0, 1, 3), result
    return result.status, report_of(result)


def number(text: Any) -> int:
    return int(text, 16) if text and text != "(nil)" else 0


def check_way(way: str) -> None:
    if libc_version() < (2, WAYS[way]):
        raise Skipped("this malloc has no such thing")
    # What looks for these files, and for the recorder, allocates: in a heap that is damaged by then.
    with Stopped("damaged", [way], {"FIXTURE_MALLOC_INFO": "", "RECORDER_FILE": ""}, recorder=False) as fixture:
        core = fixture.gcore()
        status, report = check(core, fixture.program)
        told = report["damage"]
        assert status == 1 and report["sound"] is False and report["places"] == len(told), report
        made = {(kind, number(place)) for kind, place in fixture.said("damage")}
        found = {(one["kind"], number(one["place"])) for one in told if one["kind"] not in FOLLOWS.get(way, set())}
        assert not different(way, made, found), f"made {made}, told{few(told)}"
        check_core_alone(way, core, made)
        first = next(one for one in told if one["kind"] == fixture.said("damage")[-1][0])
        for word, in fixture.said("expected"):
            assert number(first["expected"]) == number(word), first
        for target, in fixture.said("target"):
            assert number(first["target"]) == number(target), first
        for start, end in fixture.said("skipped"):
            assert first["skipped"] == {"start": start, "end": end, "bytes": number(end) - number(start)}, first
        for how, kind, path in fixture.said("writer"):
            writer = first["writer"]
            assert writer["kind"] == how, first
            if kind != "-":
                assert (writer["type"], writer["certainty"], writer["path"]) == (kind, "certain", path), writer
        check_run(core, first, RUNS.get(way))
        check_bytes(core, told)
        plain = heapcore("check", core, fixture.program)
        assert plain.status == 1 and all(one["kind"] in plain.out for one in told), plain
        bare = heapcore("check", core, fixture.program, "--no-types", "--no-content", "--json")
        assert bare.status == 1 and all(one["content"] is None and one["found"] is None for one in report_of(bare)["damage"]), bare
        for one in report_of(bare)["damage"]:
            pattern = one["run"] and one["run"]["pattern"]
            assert pattern is None or pattern in MARKS, one
        if first["run"] and first["run"]["pattern"] not in (None, *MARKS):
            hidden = heapcore("check", core, fixture.program, "--no-types", "--no-content")
            assert "over and over (--no-content)" in hidden.out and first["run"]["pattern"] not in hidden.out.split(), hidden


def different(way: str, made: set[tuple[str, int]], found: set[tuple[str, int]]) -> bool:
    if way == "two-lists":  # the place is the link that leads there second, which the program does not know
        return {kind for kind, _ in made} != {kind for kind, _ in found}
    return made != found


BUILD_ID = re.compile(rb"(\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0).{20}", re.DOTALL)


def check_core_alone(way: str, core: Path, made: set[tuple[str, int]]) -> None:
    """No file is found, nor, without build-ids, debug info: malloc's variables must be told from what is not malloc's all the same."""
    alone = core.with_name("alone")
    alone.write_bytes(BUILD_ID.sub(lambda match: match[1] + b"\xee" * 20, core.read_bytes()))
    report = check(alone, "--sysroot=/nonexistent")[1]
    found = {(one["kind"], number(one["place"])) for one in report["damage"] if one["kind"] not in FOLLOWS.get(way, set())}
    assert not different(way, made, found), f"made {made}, told of the core alone{few(report['damage'])}"
    assert any(one["id"] == "malloc-layout-from-table" for one in report["diagnostics"]), report["diagnostics"]


def check_run(core: Path, one: dict[str, Any], kind: str | None) -> None:
    """What was written looks as it was written. An address that was may look like text by chance: then it is."""
    run = one["run"] or {}
    if kind is None and run.get("kind") == "text":
        memory = Core(core)
        begin, end = (memory.offset_of(number(run["start"])), memory.offset_of(number(run["end"]) - 1) + 1)
        assert all(byte in b"\n\t" or 0x20 <= byte < 0x7f for byte in memory.bytes[begin:end].rstrip(b"\0")), one
    else:
        assert run.get("kind") == kind, one


def check_bytes(core: Path, told: list[dict[str, Any]]) -> None:
    """What is shown is what the core has there."""
    memory = Core(core)
    for one in told:
        if one["content"]:
            begin = memory.offset_of(number(one["content_address"]))
            data = bytes.fromhex(one["content"])
            assert memory.bytes[begin:begin + len(data)] == data, one
            at = number(one["place"]) - number(one["content_address"])
            assert int.from_bytes(data[at:at + one["size"]], "little") == number(one["found"]), one


def check_sound(program: str, *arguments: str) -> None:
    with Stopped(program, arguments, recorder=False) as fixture:
        status, report = check(fixture.gcore(), fixture.program, "--no-types")
        assert report["sound"] and not report["damage"], f"{program}: {report['summary']}{few(report['damage'])}"
        assert status == (0 if report["whole"] else 3), (status, report["diagnostics"])
        assert report["chunks"] > 10, report


def check_other_memory(mode: str, diagnostic: str) -> None:
    """Memory that is not the heap's is left out: what is lost is a bound, but the heap is sound. Half of the heap left out: nobody knows."""
    with Stopped("left-out", [mode], recorder=False) as fixture:
        core = fixture.gcore()
        assert heapcore("leaks", core).status == 3
        status, report = check(core, fixture.program)
        assert any(one["id"] == diagnostic and one["severity"] == "partial" for one in report["diagnostics"]), report["diagnostics"]
        assert status == 0 and report["sound"] and report["whole"] and report["status"] == "partial", (status, report["summary"])
        plain = heapcore("check", core, fixture.program)
        assert plain.status == 0 and "as far as" not in plain.out, plain
        heap = next(line for line in Path(f"/proc/{fixture.pid}/maps").read_text().splitlines() if line.endswith("[heap]"))
        status, report = check(without_half(core, int(heap.split("-")[0], 16)), fixture.program)
        assert status == 3 and report["sound"] and not report["whole"], (status, report["summary"])
        assert "as far as it could be read" in report["summary"], report["summary"]


def without_half(core: Path, address: int) -> Path:
    """The core, with half of the segment that ADDRESS is in."""
    data, place = bytearray(core.read_bytes()), core.with_name("half")
    table, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for at in range(table, table + count * size, size):
        kind, _, _, start, _, file_size, memory_size = struct.unpack_from("<IIQQQQQ", data, at)
        if kind == PT_LOAD and start <= address < start + memory_size:
            struct.pack_into("<Q", data, at + 32, file_size // 2 & -PAGE)
            place.write_bytes(data)
            return place
    raise AssertionError(f"{address:#x} is in no segment")


def check_program(words: list[str]) -> None:
    """A real program, as it runs: what it is caught in may be told as that, but not as damage."""
    tool = shutil.which(words[0])
    if tool is None:
        raise Skipped(f"{words[0]} is not installed")
    with Workspace() as folder:
        process = subprocess.Popen([tool, *words[1:]], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   cwd=folder)
        try:
            time.sleep(0.5)
            for _ in range(2):
                result = heapcore("check", "--pid", str(process.pid), "--no-types", "--json")
                assert result.status in (0, 3) and not report_of(result)["places"], result
        finally:
            process.kill()
            process.wait()
            process.stdin.close()


HASHES = "my %h; while (1) { for my $i (1..20000) { $h{$i % 5000} = 'x' x ($i % 900) } delete $h{$_} for 1..1000 }"
THREADS = "import threading, zlib\ndef f():\n while True: [zlib.compress(bytearray(5000 + i)) for i in range(99)]\n" \
    "for _ in range(4): threading.Thread(target=f).start()"
OBJECTS = "import json\nwhile True: json.loads(json.dumps([str(i) * (i % 50) for i in range(20000)]))"
PROGRAMS = [["perl", "-e", HASHES], [sys.executable, "-c", OBJECTS], [sys.executable, "-c", THREADS],
            ["bash", "-c", "while :; do a=(); for i in {1..3000}; do a+=($i$i); done; done"]]

cases = Cases(__doc__)
for each in WAYS:
    cases.run(each, check_way, each)
cases.run("nothing", check_sound, "damaged", "nothing")
for how, told in (("excluded", "pointers-to-nowhere"), ("shared", "lost-is-bound")):
    cases.run(f"other memory: {how}", check_other_memory, how, told)
for name in ("churn", "threads", "mapped", "foreign-sbrk", "noncontiguous", "libc-blocks", "cxx", "holes", "decoys", "pins", "forked"):
    cases.run(f"sound: {name}", check_sound, name)
for index, command in enumerate(PROGRAMS):
    cases.run(f"real: {Path(command[0]).name} {index}", check_program, command)
cases.finish()
