#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Blocks that no word leads to, and that owners hold by pointers which are no addresses: alive, as the fixture "unseen" says.

What holds them a description of containers tells, or the types, or the shape of a table; and what such an owner in a lost block has is lost.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from harness import Cases, Stopped, Workspace, analyze, few, report_of, succeed

SEGMENTS = 12
LOST = ("directly lost", "indirectly lost")
ALIVE = ("reachable", "held inside", "reached by encoded pointers")

DESCRIBED = """\
[segments]
match = segmented
kind = slots
elem = *segments[0]
table = &segments
slots = this.size
stride = 0
used = index
value = word(&segments + log2(index | 1) * 8) + index * 8
""" + "".join(f"buffer{k + 1} = this.size < {2 << k} ? 0 : word(&segments + {8 * k}) + {8 << k}\n" for k in range(SEGMENTS)) + """
[inverted list]
match = inverted
kind = linked
elem = type("inverted_node")
node = type("inverted_node")
head = ~this.first
next = ~node.next
value = 0
count = this.count
"""


def blocks_of(fixture: Stopped) -> dict[int, tuple[str, str, int]]:
    return {int(address, 16): (kind, verdict, int(usable)) for kind, verdict, address, usable in fixture.said("block")}


def lost_of(blocks: dict[int, tuple[str, str, int]]) -> dict[str, int]:
    sizes = [usable for _, verdict, usable in blocks.values() if verdict == "lost"]
    return {"blocks": len(sizes), "bytes": sum(sizes)}


def told_lost(core: Path, *options: str) -> dict[int, str]:
    report = report_of(succeed("leaks", core, "--json", "--addresses", *options))
    return {int(block["address"], 16): block["reach"] for block in report["blocks"]}


def wrong_of(blocks: dict[int, tuple[str, str, int]], told: dict[int, str], unseen: tuple[str, ...] = ()) -> list[str]:
    """UNSEEN: kinds that nothing tells of, and that look lost, with what hangs on them."""
    return [f"{address:#x} ({kind}): {verdict}, told {told.get(address)}" for address, (kind, verdict, _) in blocks.items()
            if (told.get(address) in LOST) != (verdict == "lost" or kind in unseen)
            or told.get(address) == "possibly lost"]


def check_leaks(fixture: Stopped, core: Path, described: str) -> None:
    wrong = wrong_of(blocks_of(fixture), told_lost(core, "--containers", described))
    assert not wrong, f"{len(wrong)} blocks misjudged:{few(wrong)}"


def check_analyze(fixture: Stopped, core: Path, described: str) -> None:
    """The same as leaks, in all that is added up."""
    blocks = blocks_of(fixture)
    report = analyze(core, fixture.program, "--containers", described, "--retained")
    references = report["references"]
    lost = {name: sum(references[reach][name] for reach in ("directly_lost", "indirectly_lost")) for name in ("blocks", "bytes")}
    assert lost == lost_of(blocks), f"expected {lost_of(blocks)}, told {lost}"
    assert references["possibly_lost"]["blocks"] == 0, references["possibly_lost"]
    assert {means["kind"] for means in references["encoded"]["means"]} == {"in-front", "typed"}, references["encoded"]
    owners = report_of(succeed("owners", core, "--json", "--containers", described, "--limit", "0", "--min", "0"))
    assert sum(owners[name]["bytes"] for name in ("lost_directly", "lost_indirectly")) == lost["bytes"], owners
    text = " ".join(succeed("analyze", core, "--containers", described, statuses=(0, 3)).out.split())
    assert "as the program's types tell" in text, text


def check_owners(fixture: Stopped, core: Path, described: str) -> None:
    """What each holds is what the fixture gave it; and it retains that, as nothing else leads there."""
    blocks = blocks_of(fixture)
    given: Counter[str] = Counter()
    for kind, verdict, usable in blocks.values():
        given[kind] += usable if verdict != "lost" else 0
    report = report_of(succeed("owners", core, "--json", "--containers", described, "--limit", "0", "--min", "0"))
    rows = {row["path"]: row for row in report["rows"]}
    segments = sum(rows[path]["bytes"] for path in ("many", "few", "holder->table"))
    assert segments == given["segments"], f"{segments}, not {given['segments']}"
    assert rows["packed"]["bytes"] == given["packed"], rows["packed"]
    assert rows["anonymous"]["bytes"] == given["anonymous"], rows["anonymous"]
    lists = sum(rows[path]["bytes"] for path in ("inverted", "holder->list"))
    assert lists == given["inverted"] + given["text"], f"{lists}, not {given['inverted'] + given['text']}"
    for path in ("many", "packed", "inverted", "anonymous"):
        assert rows[path]["retained"] == rows[path]["bytes"], rows[path]


def check_each(fixture: Stopped, core: Path, described: str) -> None:
    """One of each kind: what `block` and `path` say."""
    seen: set[tuple[str, str]] = set()
    for address, (kind, verdict, _) in blocks_of(fixture).items():
        if (kind, verdict) in seen:
            continue
        seen.add((kind, verdict))
        reach = report_of(succeed("block", core, f"{address:#x}", "--json", "--containers", described))["block"]["reach"]
        assert reach in (LOST if verdict == "lost" else ALIVE), f"{kind} at {address:#x}: {verdict}, told {reach}"
        paths = report_of(succeed("path", core, f"{address:#x}", "--json", "--containers", described))["paths"]
        assert paths and (paths[0]["begins"] == "lost") == (verdict == "lost"), f"{kind} at {address:#x}: {verdict}, {paths}"


def check_without(fixture: Stopped, core: Path) -> None:
    """Nobody describes anything: shape and types are left."""
    wrong = [one for one in wrong_of(blocks_of(fixture), told_lost(core), ("inverted", "text")) if "(segments)" not in one]
    assert not wrong, f"{len(wrong)} blocks misjudged:{few(wrong)}"


def check_jobs(fixture: Stopped, core: Path, described: str) -> None:
    one, several = (analyze(core, fixture.program, "--containers", described, "--jobs", jobs)["references"] for jobs in ("1", "4"))
    assert one == several, f"{one}, with four workers {several}"


def check_snapshot(core: Path, described: str, folder: Path) -> None:
    succeed("snapshot", core, "-o", folder / "unseen.snapshot", "--containers", described)
    report = report_of(succeed("diff", folder / "unseen.snapshot", core, "--json", "--containers", described))
    wrong = [row for row in report["attribution"] if row["bytes"]]
    assert report["growth"] == 0 and not wrong, f"rows that grew: {wrong}"


cases = Cases(__doc__)
with Stopped("unseen") as stopped, Workspace() as workspace:
    dump = stopped.core("gcore")
    file = Path(workspace) / "unseen.containers"
    file.write_text(DESCRIBED)
    cases.run("leaks", check_leaks, stopped, dump, str(file))
    cases.run("analyze", check_analyze, stopped, dump, str(file))
    cases.run("owners", check_owners, stopped, dump, str(file))
    cases.run("block and path", check_each, stopped, dump, str(file))
    cases.run("without descriptions", check_without, stopped, dump)
    cases.run("any number of workers", check_jobs, stopped, dump, str(file))
    cases.run("snapshot", check_snapshot, dump, str(file), Path(workspace))
cases.finish()
