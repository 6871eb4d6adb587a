#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stacks that were left: threads that run on another one, coroutines, and threads that wait to be joined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness import CORE_ONLY, Cases, Stopped, analyze, report_of, succeed


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


def main() -> None:
    cases = Cases(__doc__)
    for arguments in (("mapped", "64"), ("blocks", "80"), ("guarded", "64"), ("mapped", "20", "thread"),
                      ("blocks", "16", "thread"), ("guarded", "16", "thread", "suspended", "5"),
                      ("mapped", "16", "thread", "suspended", "7"), ("mapped", "64", "signal"),
                      ("guarded", "16", "thread", "signal")):
        cases.run("left: " + " ".join(arguments), check_left, "gcore", *arguments)
    cases.run("left: kernel's core", check_left, "kernel", "mapped", "64")
    cases.run("results", check_results, "gcore", "5")
    cases.run("results, no thread runs", check_results, "kernel", "3", "alone")
    cases.finish()


if __name__ == "__main__":
    main()
