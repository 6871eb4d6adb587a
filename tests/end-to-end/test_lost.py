#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which blocks nothing points to: exactly those that the fixture "roots" lost on purpose, and none anywhere else.

Possibly lost are those that the program has only pointers to the middle of.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness import Cases, Stopped, analyze, few, report_of, succeed
from scenarios import OPENED, PRELOADED, SCENARIOS, Scenario

POSSIBLE = ("interior-pointer",)  # classes of the fixture "roots"
# Where programs have only pointers to the middle: how far in. valgrind calls these possibly lost, too.
LOSES = ("duplicates",)  # blocks that nothing leads to, and says how many
INTO_THE_MIDDLE = {
    "libc-blocks": 1,  # tsearch() keeps a node's colour in the lowest bit of the pointer to it (glibc's misc/tsearch.c)
    "cxx": 128,  # an exception is behind its header (__cxa_refcounted_exception in libstdc++-v3/libsupc++/unwind-cxx.h)
}
VERDICTS = {"direct": "directly_lost", "indirect": "indirectly_lost"}


def lost_addresses(core: Path) -> set[int]:
    lines = succeed("chunks", core, "--lost", "--json", "--limit", "0").out.splitlines()
    return {int(json.loads(line)["address"], 16) for line in lines}


def check_each_block(fixture: Stopped, core: Path) -> None:
    """First one by one: it tells which kind of place was misjudged."""
    lost = lost_addresses(core)
    wrong = []
    for kind, verdict, address, usable in fixture.said("block"):
        if (int(address, 16) in lost) != (verdict in VERDICTS):
            wrong.append(f"{kind}, {usable} bytes at {address}: {verdict}, "
                         f"reported {'lost' if int(address, 16) in lost else 'reachable'}")
    strangers = lost - {int(address, 16) for _, _, address, _ in fixture.said("block")}
    wrong += [f"reported lost, but not one of the fixture's: {address:#x}" for address in sorted(strangers)]
    assert not wrong, f"{len(wrong)} blocks misjudged:{few(wrong)}"


def check_possibly_lost(fixture: Stopped, references: dict[str, Any]) -> None:
    """Only what the fixture keeps by a pointer to the middle; libc's own are not even possibly lost."""
    sizes = [int(usable) for kind, _, _, usable in fixture.said("block") if kind in POSSIBLE]
    expected, told = {"blocks": len(sizes), "bytes": sum(sizes)}, references["possibly_lost"]
    assert told == expected, f"possibly lost: {expected}; reported {told}"


def check_totals(fixture: Stopped, references: dict[str, Any]) -> None:
    for verdict, blocks, size in fixture.said("total"):
        if verdict in VERDICTS:
            told = references[VERDICTS[verdict]]
            assert told == {"blocks": int(blocks), "bytes": int(size)}, \
                f"{verdict}: the program lost {blocks} blocks, {size} bytes; reported {told}"


def check_roots(kind: str, arguments: tuple[str, ...], preload: tuple[Path, ...], recorder: bool) -> None:
    with Stopped("roots", arguments, preload=preload, recorder=recorder) as fixture:
        core = fixture.core(kind)
        report = analyze(core, fixture.program)
        check_each_block(fixture, core)
        check_totals(fixture, report["references"])
        check_possibly_lost(fixture, report["references"])


def check_heads(core: Path, program: Path, offset: int) -> None:
    """To each possibly lost block that is not below another one there is a pointer OFFSET bytes into it."""
    wrong = []
    for block in report_of(succeed("leaks", core, program, "--json", "--addresses"))["blocks"]:
        if block["address"] != block["head"]:
            continue
        words = report_of(succeed("block", core, program, block["address"], "--json"))["references"]["list"]
        offsets = [int(word["to"], 16) - int(block["address"], 16) for word in words]
        if block["reach"] != "possibly lost" or offset not in offsets:
            wrong.append(f"{block['address']}, {block['size']} bytes: {block['reach']}, pointers to +{offsets}")
    assert not wrong, f"a pointer to +{offset} was expected:{few(wrong)}"


def check_nothing_lost(scenario: Scenario, kind: str) -> None:
    with scenario.start() as fixture:
        core = fixture.core(kind)
        references = analyze(core, fixture.program)["references"]
        none = {"blocks": 0, "bytes": 0}
        lost = none
        if scenario.program in LOSES:
            [(blocks, size)] = fixture.said("lost")
            lost = {"blocks": int(blocks), "bytes": int(size)}
        told = {verdict: references[verdict] for verdict in (*VERDICTS.values(), "possibly_lost")}
        if scenario.program in INTO_THE_MIDDLE:
            check_heads(core, fixture.program, INTO_THE_MIDDLE[scenario.program])
            del told["possibly_lost"]
        assert told.pop("directly_lost") == lost, f"{lost} is lost; reported {references['directly_lost']}"
        assert all(amount == none for amount in told.values()), f"nothing else is lost here; reported {told}"


def check_sum(kind: str) -> None:
    """reachable + directly lost + indirectly lost = in use, blocks and bytes."""
    with Stopped("roots") as fixture:
        core = fixture.core(kind)
        references = analyze(core, fixture.program)["references"]
        lines = succeed("chunks", core, "--state", "in use", "--json", "--limit", "0").out.splitlines()
        sizes = [json.loads(line)["size"] for line in lines]
        parts = [references[name] for name in ("reachable", *VERDICTS.values())]
        assert sum(part["blocks"] for part in parts) == len(sizes), f"{parts}, in use {len(sizes)}"
        assert sum(part["bytes"] for part in parts) == sum(sizes), f"{parts}, in use {sum(sizes)} bytes"


cases = Cases(__doc__)
for core_kind in ("gcore", "kernel"):
    cases.run(f"roots, {core_kind}", check_roots, core_kind, (), (), True)
    cases.run(f"roots without recorder, {core_kind}", check_roots, core_kind, (), (), False)
    cases.run(f"roots with libraries, {core_kind}", check_roots, core_kind, (OPENED,), PRELOADED, True)
    cases.run(f"roots in an interrupted thread, {core_kind}", check_roots, core_kind, ("signal",), (), True)
    cases.run(f"sum of all, {core_kind}", check_sum, core_kind)
for one in SCENARIOS:
    # Of the random graph of retains some blocks are lost; test_owners.py knows which are not.
    if one.program not in ("roots", "retains") and (one.kernel or not one.tunables):
        cases.run(f"nothing lost: {one.name}", check_nothing_lost, one, one.kinds[-1])
cases.finish()
