# SPDX-License-Identifier: LGPL-2.1-or-later
"""A fixture that stands still under valgrind, and what memcheck answers there when it is asked through vgdb."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from harness import PATIENCE, ROOT, START_PATIENCE, Skipped, Stopped

VERDICTS = ("definite", "indirect", "possible", "reachable")
SUMMARY_NAMES = {"definitely lost": "definite", "indirectly lost": "indirect", "possibly lost": "possible",
                 "still reachable": "reachable"}

# The environment of a fixture that shall not write files: looking for the recorder, opening them allocates.
QUIET = {"RECORDER_FILE": "", "FIXTURE_MALLOC_INFO": ""}

_RECORD = re.compile(r"are (definitely lost|indirectly lost|possibly lost|still reachable)(?: \(.*\))? "
                     r"in loss record \d+ of (\d+)")
_BLOCK = re.compile(r"==\d+== 0x([0-9A-Fa-f]+)\[(\d+)\]")  # more blanks: a block that hangs on the record's
_FRAME = re.compile(r"==\d+==    (?:at|by) 0x[0-9A-F]+: (.*)")
_SUMMARY = re.compile(r"==\d+== +([a-z ]+?): +([\d,]+) bytes in ([\d,]+) blocks")
_HEURISTIC = re.compile(r"==\d+== +(stdstring|length64|newarray|multipleinheritance) *: "
                        r"([\d,]+) bytes in ([\d,]+) blocks")
_POINTER = re.compile(r"==\d+== (?:\*0x([0-9A-Fa-f]+)|tid \d+ register \w+)(?: interior)? point(?:s|ing) at "
                      r"(?:(\d+) bytes inside )?0x[0-9A-Fa-f]+")


@dataclass(frozen=True)
class Lost:
    """A block as memcheck judges it."""
    verdict: str
    size: int
    stack: tuple[str, ...]  # where it was allocated: "function (file:line)", innermost first


@dataclass(frozen=True)
class Amount:
    blocks: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        return f"{self.blocks} blocks, {self.bytes} bytes"


def amount_of(sizes: list[int]) -> Amount:
    return Amount(len(sizes), sum(sizes))


class UnderValgrind(Stopped):
    """Stopped, but with valgrind around the program. What reads cores has nothing to do here."""

    def __init__(self, program: str, arguments: Any = (), preload: Any = ()) -> None:
        valgrind = shutil.which("valgrind")
        if valgrind is None or shutil.which("vgdb") is None:
            raise Skipped("valgrind is not installed (Debian: apt-get install valgrind)")
        if ROOT != Path("/"):
            raise Skipped("valgrind is not in the fixtures' root")
        super().__init__(program, arguments, QUIET, preload, recorder=False)
        options = ["--vgdb=yes", f"--vgdb-prefix={self.folder}/vgdb", "--leak-check=no", "--num-callers=30",
                   f"--log-file={self.folder}/valgrind.log"]
        self.arguments = [*options, str(self.program), *self.arguments]
        self.program = Path(valgrind)

    def ask(self, *command: str) -> str:
        """A monitor command of memcheck's. All threads are in system calls: vgdb wakes one by ptrace."""
        words = ["vgdb", f"--vgdb-prefix={self.folder}/vgdb", f"--pid={self.pid}", *command]
        deadline = time.monotonic() + START_PATIENCE
        while True:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, timeout=PATIENCE)
            if done.returncode == 0 and done.stdout:
                return done.stdout
            # "ready" may come before the last thread is where it stays.
            assert time.monotonic() < deadline, \
                f"{' '.join(words)}: status {done.returncode}\n{done.stdout}{done.stderr}"
            time.sleep(0.2)


@dataclass(frozen=True)
class LeakCheck:
    """All that memcheck says about the heap at the stop."""
    summary: dict[str, Amount]     # by verdict
    heuristics: dict[str, Amount]  # the part of "reachable" that only a heuristic makes reachable
    blocks: dict[int, Lost]        # by address


def leak_check(process: UnderValgrind) -> LeakCheck:
    """As --leak-check=full --show-leak-kinds=all at exit, with the heuristics that are on by default."""
    said = process.ask("leak_check", "full", "kinds", "all", "heuristics", "all", "any", "unlimited")
    summary = {SUMMARY_NAMES[name]: Amount(_number(blocks), _number(size))
               for name, size, blocks in _SUMMARY.findall(said) if name in SUMMARY_NAMES}
    assert set(summary) == set(VERDICTS), f"valgrind's summary is not understood:\n{said[-2000:]}"
    heuristics = {name: Amount(_number(blocks), _number(size)) for name, size, blocks in _HEURISTIC.findall(said)}
    records = max((int(last) for _, last in _RECORD.findall(said)), default=0)
    blocks = _read_block_list(process.ask("block_list", f"1..{records}", "unlimited"))
    for verdict in VERDICTS:
        listed = amount_of([block.size for block in blocks.values() if block.verdict == verdict])
        assert listed == summary[verdict], f"{verdict}: valgrind lists {listed}, and sums up {summary[verdict]}"
    return LeakCheck(summary, heuristics, blocks)


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _read_block_list(said: str) -> dict[int, Lost]:
    blocks: dict[int, Lost] = {}
    verdict, stack = "", []
    for line in said.splitlines():
        record, frame, block = _RECORD.search(line), _FRAME.match(line), _BLOCK.match(line)
        if record:
            verdict, stack = SUMMARY_NAMES[record[1]], []
        elif frame:
            stack.append(frame[1])
        elif block:
            blocks[int(block[1], 16)] = Lost(verdict, int(block[2]), tuple(stack))
    return blocks


def pointers_to(process: UnderValgrind, address: int, size: int) -> list[tuple[Optional[int], int]]:
    """The words that memcheck sees pointing into a block: where each is (None: a register), how far into the block."""
    said = process.ask("who_points_at", f"{address:#x}", str(size))
    return [(int(place, 16) if place else None, int(offset or 0)) for place, offset in _POINTER.findall(said)]
