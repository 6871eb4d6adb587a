#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Blocks that are held by no address of theirs: each has the verdict that the fixture "encodings" gave it.

And nothing else is saved: lists whose head is gone, blocks among random words and sizes, blocks with one pointer to anywhere.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from harness import Cases, Stopped, analyze, few, report_of, succeed

LOST = ("directly lost", "indirectly lost")
KIND_CHECKED_EACH = 3  # one command a block: the first of each kind and verdict


def blocks_of(fixture: Stopped) -> dict[int, tuple[str, str, int]]:
    return {int(address, 16): (kind, verdict, int(usable)) for kind, verdict, address, usable in fixture.said("block")}


def amount(blocks: dict[int, tuple[str, str, int]], verdict: str) -> dict[str, int]:
    sizes = [usable for _, told, usable in blocks.values() if told == verdict]
    return {"blocks": len(sizes), "bytes": sum(sizes)}


def told_amount(report: dict[str, Any]) -> dict[str, int]:
    return {"blocks": report["blocks"], "bytes": report["bytes"]}


def check_classes(fixture: Stopped, core: Any) -> None:
    blocks = blocks_of(fixture)
    references = analyze(core, fixture.program)["references"]
    lost = {"blocks": sum(references[name]["blocks"] for name in ("directly_lost", "indirectly_lost")),
            "bytes": sum(references[name]["bytes"] for name in ("directly_lost", "indirectly_lost"))}
    told = {"encoded": told_amount(references["encoded"]), "inside": told_amount(references["held_inside"]),
            "possible": references["possibly_lost"], "lost": lost}
    expected = {verdict: amount(blocks, verdict) for verdict in told}
    assert told == expected, f"expected {expected}, reported {told}: {few(wrong_blocks(blocks, core))}"
    for word in ("tag in bits 48-63", "own place", "start of the block"):
        assert word in references["encoded"]["learned"], references["encoded"]["learned"]
    for word in ("headers of 24 bytes", "varying length (-4 times the 32 bits 4 bytes before the pointer)", "pools", "lead back"):
        assert word in references["held_inside"]["learned"], references["held_inside"]["learned"]


def leaked(core: Any, *options: str) -> dict[int, str]:
    report = report_of(succeed("leaks", core, "--json", "--addresses", *options))
    return {int(block["address"], 16): block["reach"] for block in report["blocks"]}


def wrong_blocks(blocks: dict[int, tuple[str, str, int]], core: Any) -> list[str]:
    told = leaked(core)
    names = {"lost": LOST, "possible": ("possibly lost",), "encoded": (None,), "inside": (None,)}
    return [f"{address:#x} ({kind}): {verdict}, told {told.get(address)}"
            for address, (kind, verdict, _) in blocks.items() if told.get(address) not in names[verdict]]


def check_each(fixture: Stopped, core: Any) -> None:
    blocks = blocks_of(fixture)
    wrong = wrong_blocks(blocks, core)
    assert not wrong, f"{len(wrong)} blocks misjudged:{few(wrong)}"
    seen: Counter[tuple[str, str]] = Counter()
    names = {"encoded": "reached by encoded pointers", "inside": "held inside", "possible": "possibly lost"}
    for address, (kind, verdict, _) in blocks.items():
        seen[kind, verdict] += 1
        if verdict not in names or seen[kind, verdict] > KIND_CHECKED_EACH:
            continue
        reach = report_of(succeed("block", core, f"{address:#x}", "--json", "--no-types"))["block"]["reach"]
        assert reach == names[verdict], f"{kind} at {address:#x}: {verdict}, told {reach}"


def check_off(fixture: Stopped, core: Any) -> None:
    """Without learning: as the words are."""
    blocks = blocks_of(fixture)
    references = analyze(core, fixture.program, "--no-encodings")["references"]
    assert references["encoded"] == {"blocks": 0, "bytes": 0, "learned": None, "means": []}, references
    assert references["held_inside"] == {"blocks": 0, "bytes": 0, "learned": None, "means": []}, references
    told = leaked(core, "--no-encodings")
    wrong = [f"{address:#x} ({kind}): {told.get(address)}" for address, (kind, verdict, _) in blocks.items()
             if told.get(address) not in (LOST if verdict in ("lost", "encoded") else ("possibly lost",))]
    assert not wrong, f"{len(wrong)} blocks misjudged:{few(wrong)}"


HOW = {"tagged": "tag in bits 48-63", "relative": "distance from the pointer's own place",
       "owned": "distance from the start of the block that holds it", "mixed": "distance from the start of the block that holds it"}


def check_paths(fixture: Stopped, core: Any) -> None:
    """What is held inside has a path whose words lead into the middle; what is encoded one whose last word is said to be."""
    seen: set[str] = set()
    for address, (kind, verdict, _) in blocks_of(fixture).items():
        if kind in seen or verdict not in ("encoded", "inside"):
            continue
        seen.add(kind)
        paths = report_of(succeed("path", core, f"{address:#x}", "--json"))["paths"]
        assert paths and paths[0]["begins"] == "root", f"{kind} at {address:#x}: {paths}"
        last = paths[0]["steps"][-1]
        assert last["encoding"] == HOW.get(kind), f"{kind} at {address:#x}: {last}"
        if verdict == "encoded":
            assert last["to"] == f"{address:#x}", last
            text = " ".join(succeed("path", core, f"{address:#x}").out.split())
            assert f"by an encoded pointer: {HOW[kind]}" in text, text
            references = report_of(succeed("block", core, f"{address:#x}", "--json", "--no-types"))["references"]
            assert [one["encoding"] for one in references["list"]] == [HOW[kind]], references
    assert seen >= {"tagged", "relative", "owned", "mixed", "headed"}, seen


def check_jobs(fixture: Stopped, core: Any) -> None:
    one, several = (analyze(core, fixture.program, "--jobs", jobs)["references"] for jobs in ("1", "4"))
    for name in ("reachable", "held_inside", "encoded", "possibly_lost", "directly_lost", "indirectly_lost"):
        assert one[name] == several[name], f"{name}: {one[name]}, with four workers {several[name]}"


def check_text(fixture: Stopped, core: Any) -> None:
    for command in ("leaks", "roots"):
        text = " ".join(succeed(command, core).out.split())
        assert "reached by encoded pointers only (deduced: tag in bits 48-63" in text, text
        assert "by a habit of the program (deduced: headers of 24 bytes" in text, text


def check_diff(fixture: Stopped, core: Any) -> None:
    """A process that did not go on: nothing grew, and no rest."""
    report = report_of(succeed("diff", core, core, "--json"))
    assert report["growth"] == 0, report["growth"]
    wrong = [row for row in report["attribution"] if row["bytes"]]
    assert not wrong, f"rows that grew: {wrong}"


cases = Cases(__doc__)
with Stopped("encodings") as stopped:
    dump = stopped.core("gcore")
    cases.run("classes", check_classes, stopped, dump)
    cases.run("each block", check_each, stopped, dump)
    cases.run("--no-encodings", check_off, stopped, dump)
    cases.run("path", check_paths, stopped, dump)
    cases.run("any number of workers", check_jobs, stopped, dump)
    cases.run("text", check_text, stopped, dump)
    cases.run("diff with itself", check_diff, stopped, dump)
cases.finish()
