#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The memory table: its rows add up, to what the core maps; heap, stacks and free pages agree with the process.

The total is computed here from the core's own program headers and file note (elfcore.py); stacks are compared with
/proc/PID/maps as it was at the stop; free pages with what a real malloc_trim(0), called after the dump, gives back.
"""

from __future__ import annotations

from typing import Any

from elfcore import Core
from harness import Cases, Chunk, FREE_STATES, Stopped, analyze, chunks, few
from scenarios import SCENARIOS, Scenario

# Resident bytes that may differ for other reasons than malloc_trim: the process answers on its stack and in libc's
# data, and a page of zeros may be resident. /proc counts in pages of 4 KiB.
TRIM_TOLERANCE = 32 * 4096


def row(report: dict[str, Any], name: str) -> dict[str, Any]:
    found = [one for one in report["memory"]["rows"] + report["memory"]["parts"] if one["id"] == name]
    assert len(found) == 1, f"{len(found)} rows with id {name!r}"
    return found[0]


def check_adds_up(memory: dict[str, Any], core: Core) -> None:
    rows, parts = memory["rows"], memory["parts"]
    ids = [one["id"] for one in rows + parts]
    assert len(ids) == len(set(ids)), f"an id stands twice: {ids}"
    assert all(one["bytes"] >= 0 for one in rows + parts)
    total = sum(one["bytes"] for one in rows)
    assert total == memory["total"], f"the rows make {total}, the total says {memory['total']}"
    assert total == core.mapped_bytes(), f"the total says {total}, the core maps {core.mapped_bytes()}"
    for part in parts:
        assert part["of"] in ids, f"a part of nothing: {part}"
        whole = next(one for one in rows + parts if one["id"] == part["of"])
        assert part["bytes"] <= whole["bytes"], f"a part larger than its whole: {part}, {whole}"


def check_heap_rows(report: dict[str, Any], reported: list[Chunk]) -> None:
    """The rows of the heap are the sums of the blocks."""
    def used(labelled: bool, mmapped: bool) -> int:
        return sum(one.size for one in reported
                   if one.state == "in use" and (one.label is not None) == labelled and (one.arena is None) == mmapped)
    problems = []
    for name, expected in (("in-use", used(False, False)), ("mmapped", used(False, True)), ("runtime", used(True, False) + used(True, True))):
        if row(report, name)["bytes"] != expected:
            problems.append(f"{name}: row {row(report, name)['bytes']}, blocks {expected}")
    for state in FREE_STATES:
        # whole chunks: the usable size and 8 bytes of header
        expected = {"blocks": sum(one.state == state for one in reported),
                    "bytes": sum(one.size + 8 for one in reported if one.state == state)}
        if report["free"][state] != expected:
            problems.append(f"free {state}: reported {report['free'][state]}, blocks {expected}")
    free = sum(one["bytes"] for one in report["memory"]["rows"] if one["id"].startswith("free"))
    expected_free = sum(report["free"][state]["bytes"] for state in FREE_STATES)
    if free != expected_free:
        problems.append(f"free rows make {free}, free states {expected_free}")
    assert not problems, few(problems)


def check_table(scenario: Scenario, kind: str) -> None:
    with scenario.start() as fixture:
        path = fixture.core(kind)
        report = analyze(path, fixture.program)
        check_adds_up(report["memory"], Core(path))
        check_heap_rows(report, chunks(path, fixture.program))


def check_main_stack(kind: str) -> None:
    """One thread: live and unused stack together are the [stack] mapping."""
    with Stopped("retained") as fixture:
        line = next(line for line in fixture.maps.splitlines() if line.endswith("[stack]"))
        low, high = (int(word, 16) for word in line.split()[0].split("-"))
        report = analyze(fixture.core(kind), fixture.program)
        told = row(report, "stacks")["bytes"], row(report, "stacks-unused")["bytes"]
        assert sum(told) == high - low, f"[stack] is {high - low} bytes; reported (live, unused): {told}"
        assert 0 < told[0] < high - low


def check_file_rows(kind: str) -> None:
    """What maps files read-only (text, read-only data) is in the row of files, to the byte."""
    with Stopped("retained") as fixture:
        expected = 0
        for line in fixture.maps.splitlines():
            words = line.split()
            if len(words) == 6 and words[5].startswith("/") and words[1][1] == "-":
                low, high = (int(word, 16) for word in words[0].split("-"))
                expected += high - low
        report = analyze(fixture.core(kind), fixture.program)
        told = row(report, "files")["bytes"]
        # Pages that were relocated and then sealed (RELRO) are read-only now, but data: one or a few a module.
        relro = 64 * 1024
        assert expected - relro <= told <= expected, f"/proc says {expected} bytes of read-only files, reported {told}"


def check_trim(program: str, *arguments: str) -> None:
    """free.trim is what malloc_trim(0) would release, free.trim_zero what of that is zero: given back before, or never
    touched, so that releasing it gains nothing. The rest must show in the process's resident memory."""
    with Stopped(program, arguments) as fixture:
        everything = 0, 1 << 63
        before = fixture.rss_of(*everything)  # not after the dump: under some kernels gdb makes what it reads resident
        free = analyze(fixture.gcore(), fixture.program)["free"]
        assert fixture.command("t")[0] == "trim"
        gain = before - fixture.rss_of(*everything)
        expected = free["trim"] - free["trim_zero"]
        assert free["trim"] <= free["whole_pages"] and free["trim_zero"] <= free["trim"]
        assert abs(gain - expected) <= TRIM_TOLERANCE, \
            f"malloc_trim gave back {gain}, reported {expected} (trim {free['trim']}, zero {free['trim_zero']})"


def check_retained() -> None:
    """The fixture knows how much it freed; nearly all of it is still there, in whole pages."""
    with Stopped("retained") as fixture:
        free = analyze(fixture.gcore(), fixture.program)["free"]
        freed = int(fixture.said("freed")[0][0])
        # Some of what was freed went to the tcache; what is kept gained the headers of merged chunks and the top.
        assert freed * 0.99 < free["bytes"] < freed * 1.01 + 256 * 1024, f"freed {freed}, reported {free['bytes']}"
        assert free["whole_pages"] > freed * 0.98
        assert free["zero_pages"] < 256 * 1024, "these pages were written to, and nobody gave them back"


cases = Cases(__doc__)
for one in SCENARIOS:
    if not one.tunables or one.kernel:
        for core_kind in one.kinds:
            cases.run(f"{one.name}, {core_kind}", check_table, one, core_kind)
for core_kind in ("gcore", "kernel"):
    cases.run(f"stack, {core_kind}", check_main_stack, core_kind)
    cases.run(f"files, {core_kind}", check_file_rows, core_kind)
cases.run("retained memory", check_retained)
cases.run("trim: retained", check_trim, "retained")
cases.run("trim: retained, trimmed already", check_trim, "retained", "trimmed")
cases.run("trim: retained, never touched", check_trim, "retained", "untouched")
cases.run("trim: churn", check_trim, "churn")
cases.run("trim: threads", check_trim, "threads", "small")
cases.finish()
