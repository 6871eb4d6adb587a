#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Blocks that pointers of 32 bits hold (fixture "compressed"): each is told to be reached so; and of numbers nothing is learned."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from harness import Cases, Stopped, analyze, few, report_of, succeed

LOST = ("directly lost", "indirectly lost")


def check_path(core: Path, encoding: str, address: int) -> None:
    paths = report_of(succeed("path", core, f"{address:#x}", "--json"))["paths"]
    assert paths and paths[0]["begins"] == "root", f"{address:#x}: {paths}"
    last = paths[0]["steps"][-1]
    assert last["encoding"].startswith(encoding) and last["to"] == f"{address:#x}", last


def check(*modes: str, learned: tuple[str, ...] = ()) -> Callable[[], None]:
    def run() -> None:
        with Stopped("compressed", modes) as stopped:
            core = stopped.core("gcore")
            blocks = {int(address, 16): (kind, verdict, int(usable)) for kind, verdict, address, usable in stopped.said("block")}
            leaks = report_of(succeed("leaks", core, "--json", "--addresses"))
            told = {int(block["address"], 16): block["reach"] for block in leaks["blocks"]}
            wrong = [f"{address:#x} ({kind}): {verdict}, told {told.get(address)}" for address, (kind, verdict, _) in blocks.items()
                     if told.get(address) not in (LOST if verdict == "lost" else (None,))]
            assert not wrong, f"{len(wrong)} of {len(blocks)} blocks misjudged:{few(wrong)}"
            references = analyze(core, stopped.program)["references"]
            sizes = [usable for _, verdict, usable in blocks.values() if verdict == "encoded"]
            encoded = references["encoded"]
            assert (encoded["blocks"], encoded["bytes"]) == (len(sizes), sum(sizes)), f"{len(sizes)} blocks, told {encoded}"
            for word in learned:
                assert word in encoded["learned"], encoded["learned"]
            factors = {int(factor) for word in learned for factor in re.findall(r"times (\d+) from", word)}
            assert factors <= {means["factor"] for means in encoded["means"] if means["kind"] == "compressed"}, encoded
            for kind in {kind for kind, verdict, _ in blocks.values() if verdict == "encoded"}:
                check_path(core, "distance from the start" if kind == "pattern" else "32 bits times", next(address for address, (own, verdict, _) in blocks.items() if (own, verdict) == (kind, "encoded")))
            for jobs in ("1", "4"):
                assert analyze(core, stopped.program, "--jobs", jobs)["references"]["encoded"] == encoded, jobs
    return run


cases = Cases(__doc__)
cases.run("a list, its base in data", check("list", learned=("32 bits times 8 from 0x",)))
cases.run("blocks in a row", check("row", learned=("32 bits times 16 from 0x",)))
cases.run("a table of lower halves", check("table", learned=("32 bits times 1 from 0x", "00000000")))
cases.run("a list whose head is gone", check("dropped"))
cases.run("both lists", check("list", "dropped", learned=("32 bits times 8 from 0x",)))
cases.run("all", check("list", "row", "table", learned=("times 1 from", "times 8 from", "times 16 from")))
cases.run("numbers of all kinds", check("decoy"))
cases.run("numbers beside a list", check("list", "decoy", learned=("32 bits times 8 from 0x",)))
cases.run("few patterns of fontconfig's", check("pattern", learned=("distance from the start of the block",)))
cases.finish()
