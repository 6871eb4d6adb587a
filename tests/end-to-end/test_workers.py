#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same answer with any number of workers: every command that searches, on many fixtures, to the byte of its JSON.

Those of the stories run without their debug info (strip -g), too: there words are all that leads to a block, and workers read them.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import REPORTED, Cases, Stopped, Workspace, few, fixture_path, heapcore, need_captures

WORKERS = (1, 2, 3, 8)
COMMANDS = ("analyze", "leaks", "owners", "containers", "diff")
FIXTURES = ("containers-c", "cxx", "decoys", "encodings", "leak-classes", "many", "typed")
STORIES = ("labels", "backlog-c")


def said(command: str, core: Path, workers: int) -> str:
    """What COMMAND says, without how long it took."""
    result = heapcore(command, *([core, core] if command == "diff" else [core]), "--json", "--jobs", str(workers))
    assert result.status in REPORTED, f"{workers} workers: {result}"
    return re.sub(r'"timings": \{[^}]*\}', "", result.out)


def check_core(core: Path) -> None:
    runs = [(command, workers) for command in COMMANDS for workers in WORKERS]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = dict(zip(runs, pool.map(lambda run: said(run[0], core, run[1]), runs)))
    for command, workers in runs:
        first, other = answers[command, WORKERS[0]], answers[command, workers]
        lines = difflib.unified_diff(first.splitlines(), other.splitlines(), lineterm="", n=0)
        assert other == first, f"{command}, {workers} workers instead of {WORKERS[0]}:{few(lines)}"


def check(program: Path) -> None:
    with Stopped(program, recorder=False) as stopped:
        check_core(stopped.gcore())


def check_stripped(program: Path) -> None:
    with Workspace() as folder:
        copy = folder / program.name
        subprocess.run(["strip", "-g", "-o", str(copy), str(program)], check=True)
        check(copy)


need_captures()
cases = Cases(__doc__)
for fixture in FIXTURES:
    cases.run(fixture, check, fixture_path(fixture))
for story in STORIES:
    cases.run(f"{story}, stripped", check_stripped, fixture_path(f"stories/{story}"))
cases.finish()
