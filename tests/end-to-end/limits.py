#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every command under every limit of memory (ulimit -v), from where the program begins to start on to where nothing is felt any more.

    tests/end-to-end/limits.py [--step KIB] [COMMAND]...     all of them: make check-limits

Of a small core, in steps of 400 KiB: the answer is the whole one, to the byte, or the status is 2 and one sentence says that there is no memory. Never
status 1, never an abort or a signal, and nothing that a library says besides.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterable

from harness import HEAPCORE, Result, Stopped, Workspace, heapcore, succeed

LEAST = 8000
PATIENCE = 120
LIVE = ("capture", "watch", "help")  # need no core
NEED_TERMINAL = ("browse",)
NOT_STARTED = 127  # the system has loaded no library


def limited(kibibytes: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-c", 'ulimit -v "$0" && exec "$@"', str(kibibytes), HEAPCORE, *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)
    # Not with text=True, which makes other ends of lines of those of CSV.
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def commands(core: Path, folder: Path) -> list[list[str]]:
    """One line for each command that reads a core, by the program's help; more where a command makes files."""
    names = [line.split()[0] for line in succeed("help").out.split("Commands:")[1].split("Options:")[0].splitlines() if line.strip()]
    address = re.search(r"0x[0-9a-f]+", succeed("chunks", core).out)[0]
    # None replaces what another has made.
    output, page = str(folder / "output"), str(folder / "page")
    more = {"show": [["small_blocks"]], "block": [[address]], "path": [[address]], "diff": [[str(core)]],
            "snapshot": [["-o", str(folder / "snapshot"), "--force"]], "analyze": [[], ["--html", page, "--force"]],
            "export": [["--format", form, "-o", output, "--force"] for form in ("pprof", "folded", "dot", "sqlite", "openmetrics")]
            + [["--format", form, "--table", "owners"] for form in ("csv", "ndjson")]}
    return [[name, str(core), *rest, "--jobs", "2"] for name in names if name not in LIVE for rest in more.get(name, [[]])]


def problem(line: list[str], kibibytes: int, whole: Result) -> tuple[str, bool]:
    """What is wrong under this limit, or nothing; and whether it was felt."""
    done = limited(kibibytes, *line)
    if "error while loading shared libraries" in done.stderr or done.returncode == NOT_STARTED:
        return "", False
    if done.returncode == 2 != whole.status:
        right = re.fullmatch("heapcore: [^\n]+\n", done.stderr)
    else:
        right = (done.returncode, done.stdout, done.stderr) == (whole.status, whole.out, whole.err)
    return "" if right else f"{kibibytes} KiB: {' '.join(line)}: status {done.returncode}: {done.stderr[:300]}", done.returncode == 2


def problems(line: list[str], limits: Iterable[int]) -> tuple[list[str], int]:
    """What is wrong, one line each; and how many of the limits were felt."""
    whole = heapcore(*line)
    assert whole.status in (0, 3) or line[0] in NEED_TERMINAL, whole
    told = [problem(line, kibibytes, whole) for kibibytes in limits]
    return [text for text, _ in told if text], sum(felt for _, felt in told)


def enough(line: list[str]) -> int:
    """KiB under which the limit is not felt."""
    status, most = heapcore(*line).status, LEAST
    while limited(most, *line).returncode != status:
        most += most // 4
    return most


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--step", type=int, default=400)
    parser.add_argument("commands", nargs="*")
    arguments = parser.parse_args()
    failed = 0
    with Workspace() as folder, Stopped("churn", ("300",), recorder=False) as fixture:
        for line in commands(fixture.gcore(), folder):
            if arguments.commands and line[0] not in arguments.commands:
                continue
            begin = time.monotonic()
            limits = range(LEAST, enough(line) + 10 * arguments.step, arguments.step)
            found, felt = problems(line, limits)
            failed += bool(found)
            print(f"{line[0]} {' '.join(line[2:4])}: {len(limits)} limits, {felt} felt, {len(found)} problems, {time.monotonic() - begin:.0f} s",
                  *found[:10], sep="\n    ", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
