#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holes of a core are not read, and nothing is said otherwise than of the same core without holes; in both, what the program
holds from the few pages that it wrote is held."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import cuts
from harness import ROOT, Cases, Skipped, Stopped, few, fixture_path, report_of, succeed

COMMANDS = ("analyze", "leaks", "roots")
REPORTED = (0, 3)


def copied(core: Path, sparse: str) -> Path:
    copy = core.with_name(f"{sparse}.core")
    subprocess.run(["cp", f"--sparse={sparse}", str(core), str(copy)], check=True)
    return copy


def has_holes(core: Path, size: int) -> bool:
    return core.stat().st_size - core.stat().st_blocks * 512 >= size


def said(command: str, core: Path) -> str:
    """What COMMAND says, without how long it took and which file it read."""
    out = succeed(command, core, "--json", statuses=REPORTED).out
    return re.sub(r'"timings": \{[^}]*\}', "", out).replace(str(core), "CORE")


def check_same(sparse: Path, dense: Path) -> None:
    for command in COMMANDS:
        first, other = (said(command, core).splitlines() for core in (sparse, dense))
        assert first == other, f"{command}:{few(f'{a} / {b}' for a, b in zip(first, other) if a != b)}"


def check_truth(stopped: Stopped, core: Path) -> None:
    verdicts = [verdict for verdict, _ in stopped.said("block")]
    totals = report_of(succeed("leaks", core, "--json", statuses=REPORTED))["totals"]
    for verdict, key in (("lost", "definitely_lost"), ("encoded", "encoded")):
        told = totals[key]["blocks"]
        assert told == verdicts.count(verdict), f"{verdict}: {told}, {verdicts.count(verdict)} in truth"
    for key in ("indirectly_lost", "possibly_lost"):
        assert totals[key]["blocks"] == 0, f"{key}: {totals[key]}"


def check_not_read(stopped: Stopped, sparse: Path, dense: Path) -> None:
    untouched = int(stopped.said("untouched")[0][0])
    if not has_holes(sparse, untouched // 2):
        raise Skipped("the file system keeps no holes")
    peaks = [report_of(succeed("analyze", core, "--json", statuses=REPORTED))["timings"]["peak"]
             for core in (sparse, dense)]
    assert not has_holes(dense, untouched // 2)
    assert peaks[1] - peaks[0] > untouched / 2, f"{peaks[0]} bytes with holes, {peaks[1]} without"


def check_huge() -> None:
    """Of 512 GiB of reserved address space nothing is read but the pages that were written, by any command."""
    if ROOT != Path("/"):
        raise Skipped("captures are of this root")
    with Stopped(fixture_path("holes"), ("huge",), recorder=False) as stopped:
        if stopped.said("no-room"):
            raise Skipped("no process may have 512 GiB of address space here")
        folder = stopped.folder / "c"
        succeed("capture", stopped.pid, "-o", folder)
        core = next(folder.glob("core.*"))
        if not has_holes(core, 255 << 30):
            raise Skipped("the file system keeps no holes")
        check_truth(stopped, core)
        for command in ("analyze", "leaks", "pins", "duplicates", "owners", "types", "chunks", "roots", "mappings", "threads"):
            run = cuts.run([command, str(core), "--json"], seconds=100)
            assert run.status in REPORTED and run.peak < 300 << 20 and run.processor < 20, (command, run.status, run.peak, run.processor)


cases = Cases(__doc__)
cases.run("512 GiB that are reserved", check_huge)
with Stopped(fixture_path("holes"), recorder=False) as stopped:
    core = stopped.gcore()
    sparse, dense = copied(core, "always"), copied(core, "never")
    for name, dump in (("with holes", sparse), ("without", dense)):
        cases.run(f"{name}: what the program says", check_truth, stopped, dump)
    cases.run("the same answers", check_same, sparse, dense)
    cases.run("holes are not read", check_not_read, stopped, sparse, dense)
cases.finish()
