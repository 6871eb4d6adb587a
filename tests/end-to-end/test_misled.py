#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who has memory now is told, not what unused objects on a free list, or what looks like more objects behind one, would lead there.

The truth is what the fixture counted itself (fixtures/misled.c).
"""

from __future__ import annotations

from pathlib import Path

from harness import Cases, Stopped, report_of, succeed


def check_owner(core: Path, process: Stopped, name: str, blocks: int) -> None:
    report = report_of(succeed("owners", core, process.program, "--json", "--min", "0", "--no-retained", statuses=(0, 3)))
    told = {row["path"]: row["blocks"] for row in report["rows"] if row["level"] == 0}
    assert told.get(name) == blocks, f"{blocks} blocks hang on {name}; told: {told}"


def check_unused(core: Path, process: Stopped, count: int) -> None:
    """The unused objects themselves are their pools'."""
    report = report_of(succeed("owners", core, process.program, "--json", "--min", "0", "--no-retained", statuses=(0, 3)))
    told = {row["path"]: row["blocks"] for row in report["rows"] if row["level"] == 0}
    assert told.get("g_interpreter") == count, told


def main() -> None:
    cases = Cases(__doc__)
    with Stopped("misled") as process:
        core = process.gcore()
        live = process.said("live")
        assert len(live) == 2, live
        for name, blocks, _ in live:
            cases.run(name, check_owner, core, process, name, int(blocks))
        cases.run("pools", check_unused, core, process, int(process.said("unused")[0][0]))
    cases.finish()


main()
