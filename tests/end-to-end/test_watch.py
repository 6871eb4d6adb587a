#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`heapcore watch`: a line for each step with how much the process grew since the first, snapshots that are kept, a diff at the end, and a
status for scripts. The process grows as it is told."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Optional

from harness import FIXTURES, HEAPCORE, Cases, Workspace, heapcore, need_captures, report_of, succeed

need_captures()

PATIENCE = 120
STOPPED_CLOCK = FIXTURES / "tests" / "support" / ".libs" / "stopped-clock.so"
PIECE = 4 << 20
GROWS = f"""
import sys
pieces = []
print("ready", flush=True)
for line in sys.stdin:
    pieces.append(b"x" * {PIECE})
    print(len(pieces), flush=True)
"""
LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  (\S+) MiB resident\. (.*)$")


class Growing:
    """A process, and heapcore that watches it."""

    def __init__(self, *options: str, preload: Optional[Path] = None) -> None:
        self.options = options
        self.environment = {**os.environ, "LD_PRELOAD": str(preload or ""), "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def __enter__(self) -> "Growing":
        self.workspace = Workspace()
        self.folder = self.workspace.path
        self.process = subprocess.Popen([sys.executable, "-c", GROWS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        self.pieces = 0
        self.watcher = subprocess.Popen([HEAPCORE, "watch", str(self.process.pid), "--no-types", *self.options], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder,
                                        env=self.environment)
        return self

    def grow(self) -> None:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.pieces += 1
        assert int(self.process.stdout.readline()) == self.pieces

    def line(self) -> tuple[float, str]:
        """The next step's: MiB that are resident, and the rest."""
        text = self.watcher.stdout.readline()
        found = LINE.match(text)
        assert found, f"{text!r} {self.watcher.stderr.read() if not text else ''}"
        return float(found.group(1)), found.group(2)

    def end(self) -> tuple[int, str, str]:
        # Not communicate(): that does not know what readline() has read ahead.
        out, err = self.watcher.stdout.read(), self.watcher.stderr.read()
        return self.watcher.wait(PATIENCE), out, err

    def end_process(self) -> None:
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_: object) -> None:
        for process in (self.watcher, self.process):
            process.kill()
            process.wait()
            process.stdout.close()
        self.watcher.stderr.close()
        self.workspace.remove()


def growth(text: str) -> Optional[float]:
    found = re.match(r"Resident memory grew by (\S+) MiB", text)
    return float(found.group(1)) if found else None


def check_until() -> None:
    """Ends with 1, not before it has grown so much; the first and the last snapshots are kept."""
    with Growing("--every", "1s", "--until", "15M", "--keep", "3", "-o", "kept") as growing:
        begin, first = growing.line()
        assert first == "This is the first.", first
        for i in range(1, 5):
            growing.grow()
            resident, text = growing.line()
            while (growth(text) or 0) < i * PIECE / 2**20 - 1:  # of a step before it grew; --until is about this figure, too
                resident, text = growing.line()
            # Both are of one moment, unless the process grew just then: what is resident is read before the pages are.
            behind = growth(text) - (resident - begin)
            assert abs(growth(text) - i * PIECE / 2**20) < 1 and -0.2 < behind < PIECE / 2**20 + 0.2, text
        status, out, err = growing.end()
        assert status == 1 and "--until 15M" in err and re.search(r"^VERDICT  Resident memory grew by", out, re.MULTILINE), out
        kept = sorted((growing.folder / "kept").iterdir())
        assert len(kept) == 3 and (growing.folder / "kept").stat().st_mode & 0o077 == 0, kept
        report = report_of(succeed("diff", kept[0], kept[-1], "--json"))
        grown = report["side_facts"]["b"]["resident"] - report["side_facts"]["a"]["resident"]
        assert abs(grown - 4 * PIECE) < 1 << 20, grown


def check_condition() -> None:
    with Growing("--every", "1s", "--until", "in-use-bytes>6M") as growing:
        growing.line()
        growing.grow()
        growing.line()
        growing.grow()
        status, _, err = growing.end()
        assert status == 1 and "--until in-use-bytes>6M" in err, err


def check_ends(how: str) -> None:
    """With the process, with a signal, after so many steps; and says what grew till then."""
    with Growing("--every", "1s", *(["--count", "3"] if how == "count" else [])) as growing:
        growing.line()
        growing.grow()
        growing.line()
        growing.line()
        if how == "process":
            growing.end_process()
        elif how == "signal":
            growing.watcher.send_signal(signal.SIGTERM)
        status, out, err = growing.end()
        # Of files the system may take back some pages meanwhile.
        assert status == 0 and re.search(r"^VERDICT  Resident memory grew by [34]\.", out, re.MULTILINE), (status, out, err)
        assert "TracerPid:\t0\n" in Path(f"/proc/{growing.process.pid}/status").read_text() if how != "process" else True


def check_json() -> None:
    with Growing("--every", "1s", "--count", "2", "--json") as growing:
        status, out, err = growing.end()
        assert status == 0 and sum(LINE.match(line) is not None for line in err.splitlines()) == 2, err
        (growing.folder / "out").write_text(out)
        assert '"command": "diff"' in out or '"command":"diff"' in out, out[:200]


def check_names() -> None:
    """Steps of one second, by the clock, have a file each."""
    with Growing("--every", "1s", "--count", "3", "-o", "kept", preload=STOPPED_CLOCK) as growing:
        status, _, err = growing.end()
        names = sorted(path.name for path in (growing.folder / "kept").iterdir())
        assert status == 0 and len(names) == 3 and len({name.split("-")[0] for name in names}) == 1, (status, err, names)


def check_unwritten() -> None:
    """A snapshot that cannot be kept ends it, and is no success; what grew till then is told."""
    with Growing("--every", "1s", "--count", "5", "-o", "kept") as growing:
        growing.line()
        (growing.folder / "kept").rename(growing.folder / "moved")
        status, out, err = growing.end()
        assert status == 2 and "kept/" in err and "VERDICT" in out, (status, out, err)


def check_usage() -> None:
    own = str(os.getpid())
    for arguments in ((), ("x",), (own, "--every", "0"), (own, "--every", "10x"), (own, "--every", "1mm"), (own, "--keep", "1"),
                      (own, "--keep", "65"), (own, "--count", "-1"), (own, "--until", "much"), (own, "--until", "unknown>1")):
        assert heapcore("watch", *arguments).status == 64, arguments
    result = heapcore("watch", "2147483647")
    assert result.status == 2 and "there is no process" in result.err, result


cases = Cases(__doc__)
cases.run("until", check_until)
cases.run("condition", check_condition)
for way in ("process", "signal", "count"):
    cases.run(f"ends: {way}", check_ends, way)
cases.run("json", check_json)
cases.run("names", check_names)
cases.run("unwritten", check_unwritten)
cases.run("usage", check_usage)
cases.finish()
