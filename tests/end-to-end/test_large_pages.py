#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A heap that is worth large pages: the same answers with copies and without, of a core by gcore and a sparse one by `heapcore capture`, no
more copies than `--memory` allows, and the peak that is told is what the kernel tells of the process."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from harness import Cases, HEAPCORE, REPORTED, Stopped, fixture_path, heapcore, need_captures, succeed

MIB = 1 << 20
COMMANDS = ("analyze", "leaks", "owners")


def core_of(path: Path) -> Path:
    return next(path.glob("core.*")) if path.is_dir() else path


def timings(core: Path, *arguments: str) -> dict[str, Any]:
    return json.loads(succeed("analyze", core, "--json", *arguments, statuses=REPORTED).out)["timings"]


def said(command: str, core: Path, *arguments: str) -> str:
    result = heapcore(command, core, "--json", *arguments)
    assert result.status in REPORTED, result
    return re.sub(r'"timings": \{[^}]*\}', "", result.out)


def check_same(core: Path) -> None:
    assert timings(core, "--memory", "0")["copied"] == 0
    for command in COMMANDS:
        assert said(command, core) == said(command, core, "--memory", "0"), command


def check_truth(fixture: Stopped, core: Path) -> None:
    for arguments in ((), ("--memory", "0")):
        report = json.loads(succeed("leaks", core, "--json", *arguments, statuses=REPORTED).out)
        ((count, size),) = fixture.said("lost")
        lost = report["totals"]["definitely_lost"]
        assert (lost["blocks"], lost["bytes"]) == (int(count), int(size)), lost


def check_room(core: Path) -> None:
    """Half of what is free, and room for the core beside it."""
    size = core_of(core).stat().st_size
    for free in (0, 5 * MIB, 20 * MIB):
        copied = timings(core, "--memory", str(size + free))["copied"]
        assert copied <= free, f"{copied} bytes of copies where {free} are free"
    assert timings(core, "--memory", "1G")["copied"] <= size


def check_peak(core: Path) -> None:
    for arguments in ((), ("--memory", "0")):
        process = subprocess.Popen([str(HEAPCORE), "analyze", "--json", str(core), *arguments], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        told = json.loads(process.stdout.read())["timings"]["peak"]
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        process.stdout.close()
        peak = usage.ru_maxrss * 1024
        assert told <= peak <= told * 1.2 + 8 * MIB, f"{told} bytes are told, the kernel counts {peak}"


def check_usage(core: Path) -> None:
    for word in ("much", "-1", "1X"):
        result = heapcore("analyze", core, f"--memory={word}")
        assert result.status == 64 and "--memory" in result.err, result


need_captures()
cases = Cases(__doc__)
with Stopped(fixture_path("bulk"), recorder=False) as stopped:
    capture = stopped.folder / "capture"
    succeed("capture", str(stopped.pid), "-o", capture)
    for name, dump in (("gcore's", stopped.gcore()), ("a capture", capture)):
        cases.run(f"{name}: the same answers", check_same, dump)
        cases.run(f"{name}: what the program says", check_truth, stopped, dump)
        cases.run(f"{name}: within the memory", check_room, dump)
        cases.run(f"{name}: the peak", check_peak, dump)
    cases.run("what is no size", check_usage, capture)
cases.finish()
