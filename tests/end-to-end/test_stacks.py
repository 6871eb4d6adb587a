#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stacks that were left: threads that run on another one, coroutines, and threads that wait to be joined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness import CORE_ONLY, ROOT, Cases, Skipped, Stopped, analyze, report_of, succeed
from variants import SMALL_CORE


def lost_addresses(core: Path, fixture: Stopped) -> set[int]:
    lines = succeed("chunks", core, fixture.program, "--lost", "--json", "--limit", "0").out.splitlines()
    return {int(json.loads(line)["address"], 16) for line in lines}


def area_at(core: Path, fixture: Stopped, address: int) -> dict[str, Any]:
    report = report_of(succeed("mappings", core, fixture.program, "--json", statuses=(0, 3)))
    return next(area for area in report["mappings"]
                if int(area["start"], 16) <= address < int(area["end"], 16))


def check_left(kind: str, *arguments: str) -> None:
    """What frames of a stack that was left hold is not lost, and such stacks are stacks in the memory table."""
    with Stopped("coroutines", arguments, recorder=False) as fixture:
        core = fixture.core(kind)
        held = [address for (address,) in fixture.said("held")]
        lost = lost_addresses(core, fixture)
        assert held and not lost & {int(address, 16) for address in held}, (held, lost)
        (own,) = [int(address, 16) for (address,) in fixture.said("own")]
        assert area_at(core, fixture, own)["kind"] == "stack", area_at(core, fixture, own)
        place = report_of(succeed("path", core, fixture.program, held[-1 if "suspended" in arguments else 0], "--json",
                                  statuses=(0, 3)))["paths"][0]["steps"][0]["place"]
        assert place["kind"] in ("stack", "block"), place
        # Where the core has no code, frames cannot be told.
        for start, end in [] if CORE_ONLY else fixture.said("stack"):
            for address in (int(start, 16), int(end, 16) - 8):
                area = area_at(core, fixture, address)
                assert area["kind"] in ("stack", "stack-unused"), (hex(address), area)
        report = analyze(core, fixture.program)
        assert not [finding for finding in report["findings"] if finding["kind"] == "not-heap"], report["findings"]


def check_results(kind: str, *arguments: str) -> None:
    with Stopped("thread-results", arguments) as fixture:
        core = fixture.core(kind)
        lost = lost_addresses(core, fixture)
        wrong = [(name, verdict, address) for name, verdict, address in fixture.said("block")
                 if (int(address, 16) in lost) != (verdict == "lost")]
        assert not wrong, wrong
        waits = next(address for name, _, address in fixture.said("block") if name == "waits")
        path = report_of(succeed("path", core, fixture.program, waits, "--json"))["paths"][0]
        assert "waits to be joined" in path["steps"][0]["place"]["name"], path
        roots = succeed("roots", core, fixture.program).out
        assert "wait to be joined" in " ".join(roots.split()), roots


# ---- threads that nobody joined -------------------------------------------------------------------------------------------


def stacks_said(fixture: Stopped) -> list[tuple[int, int]]:
    return [(int(start, 16), int(end, 16)) for start, end in fixture.said("unjoined")]


def resident_of(pid: int, stacks: list[tuple[int, int]]) -> int:
    """By /proc; each stack is a mapping of its own, or several that were cut."""
    total, inside = 0, False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            start, end = (int(word, 16) for word in words[0].split("-"))
            inside = any(low <= start and end <= high for low, high in stacks)
        elif words[0] == "Rss:" and inside:
            total += int(words[1]) * 1024
    return total


def unjoined_finding(core: Path, fixture: Stopped) -> list[dict[str, Any]]:
    return [finding for finding in analyze(core, fixture.program)["findings"] if finding["kind"] == "unjoined"]


def sized(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"


def check_unjoined(kind: str) -> None:
    """Those that were joined, or detached, that run, or that ended on a stack of the program's are none of them."""
    with Stopped("unjoined", ["33"], recorder=False) as fixture:
        stacks = stacks_said(fixture)
        assert len(stacks) == len(set(stacks)) == 33, stacks
        resident = resident_of(fixture.pid, stacks)  # before gdb touches it
        (finding,) = unjoined_finding(fixture.core(kind), fixture)
        size = sum(end - start for start, end in stacks)
        assert finding["text"].startswith("33 threads have ended and were not joined: "), finding
        assert f"keep {sized(size)} of address space" in finding["text"] and "touched" in finding["text"], (size, finding)
        # libc gives most of what a thread touched back when it ends, but not the last pages.
        assert 33 * 4096 <= resident and resident / 2 <= finding["bytes"] <= resident, (resident, finding)


def check_joined(kind: str) -> None:
    with Stopped("unjoined", ["0"], recorder=False) as fixture:
        assert unjoined_finding(fixture.core(kind), fixture) == []


def check_unjoined_growth() -> None:
    """Memory did not grow: the verdict tells what did."""
    if ROOT != Path("/"):
        raise Skipped("captures are of this root")
    with Stopped("unjoined", ["20", "150"], SMALL_CORE, recorder=False) as fixture:
        cores, stacks, resident = [], [], []
        for name in "ab":
            succeed("capture", str(fixture.pid), "-o", fixture.folder / name)
            cores.append(fixture.folder / name)
            stacks.append(stacks_said(fixture))
            resident.append(resident_of(fixture.pid, stacks[-1]))
            if name == "a":
                fixture.go_on()
        assert [len(some) for some in stacks] == [20, 150] and resident[1] > resident[0] > 0, resident
        for core, some, truth in zip(cores, stacks, resident):
            (finding,) = unjoined_finding(core, fixture)
            assert finding["bytes"] == truth and f"{len(some)} threads have ended" in finding["text"], (truth, finding)
            assert finding["text"].endswith("of it resident"), finding
            assert ": all began in end; their stacks" in finding["text"], finding
        for extra in ("cores", "snapshots"):
            files = cores
            if extra == "snapshots":
                files = [fixture.folder / f"{name}.snapshot" for name in "ab"]
                for core, file in zip(cores, files):
                    succeed("snapshot", core, fixture.program, "-o", file)
            report = report_of(succeed("diff", *files, *([fixture.program] if extra == "cores" else []), "--json"))
            (sentence,) = [one for one in report["sentences"] if one["name"] == "unjoined"]
            grown = sum(end - start for start, end in stacks[1]) - sum(end - start for start, end in stacks[0])
            assert sentence["kind"] == "not-heap" and sentence["bytes"] == resident[1] - resident[0], (resident, sentence)
            assert sentence["text"].startswith("130 more threads ended and were not joined (150 now): all began in end; their "), sentence
            assert f"keep {sized(grown)} more of address space" in sentence["text"], sentence
            assert sentence["text"].endswith(" more of it resident: not this heap"), sentence
            (row,) = [one for one in report["attribution"] if one["kind"] == "unjoined"]
            assert row["resident"] == resident[1] - resident[0] and not row["bytes"], (resident, row)
            verdict = " ".join(report["verdict"].split())
            assert "address space" in verdict.split(":")[0] and "130 more threads" in verdict, verdict


def main() -> None:
    cases = Cases(__doc__)
    for arguments in (("mapped", "64"), ("blocks", "80"), ("guarded", "64"), ("mapped", "20", "thread"),
                      ("blocks", "16", "thread"), ("guarded", "16", "thread", "suspended", "5"),
                      ("mapped", "16", "thread", "suspended", "7"), ("mapped", "64", "signal"),
                      ("guarded", "16", "thread", "signal")):
        cases.run("left: " + " ".join(arguments), check_left, "gcore", *arguments)
    cases.run("left: kernel's core", check_left, "kernel", "mapped", "64")
    cases.run("results", check_results, "gcore", "5")
    for kind in ("gcore", "kernel"):
        cases.run(f"never joined, {kind}", check_unjoined, kind)
        cases.run(f"all joined, {kind}", check_joined, kind)
    cases.run("never joined, growth", check_unjoined_growth)
    cases.run("results, no thread runs", check_results, "kernel", "3", "alone")
    cases.finish()


if __name__ == "__main__":
    main()
