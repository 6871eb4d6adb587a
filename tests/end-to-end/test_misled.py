#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who has memory is told, not what unused objects on a free list, what looks like more objects, or a library that knows of one would lead there.

The truth is what the fixture counted itself (fixtures/misled.c).
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness import Cases, Stopped, inside, library_path, report_of, succeed


def check_owner(core: Path, process: Stopped, name: str, blocks: int) -> None:
    report = report_of(succeed("owners", core, process.program, "--json", "--min", "0", "--no-retained", statuses=(0, 3)))
    told = {row["path"]: row["blocks"] for row in report["rows"] if row["level"] == 0}
    assert told.get(name) == blocks, f"{blocks} blocks hang on {name}; told: {told}"


def check_unused(core: Path, process: Stopped, count: int) -> None:
    """The unused objects themselves are their pools'."""
    report = report_of(succeed("owners", core, process.program, "--json", "--min", "0", "--no-retained", statuses=(0, 3)))
    told = {row["path"]: row["blocks"] for row in report["rows"] if row["level"] == 0}
    assert told.get("g_runtime") == count, told


def check_library(process: Stopped) -> None:
    """The program has no debug info, the library has some."""
    program = process.folder / "stripped"
    subprocess.run(["strip", "-g", "-o", str(program), str(process.program)], check=True)
    (name, blocks, _), = process.said("live")
    report = report_of(succeed("owners", process.gcore(), program, "--json", "--min", "0", "--no-retained", statuses=(0, 3)))
    told = {row["path"]: row["blocks"] for row in report["rows"] if row["level"] == 0}
    assert told.get(name) == int(blocks), f"{blocks} blocks hang on {name}; told: {told}"


def main() -> None:
    cases = Cases(__doc__)
    with Stopped("misled") as process:
        core = process.gcore()
        live = process.said("live")
        assert len(live) == 2, live
        for name, blocks, _ in live:
            cases.run(name, check_owner, core, process, name, int(blocks))
        cases.run("pools", check_unused, core, process, int(process.said("unused")[0][0]))
    with Stopped("misled", [f"library={inside(library_path('opened'))}"]) as process:
        cases.run("a library that was told", check_library, process)
    cases.finish()


main()
