# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program of fixtures/stories at its second stop, captured at both: what it says of itself, and what heapcore says of it.

    with Grown("stories/piles", "callbacks") as grown:
        assert grown.diff["growth"] > 0
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any

from harness import GCORE_INSIDE, ROOT, Stopped, analyze, few, report_of, succeed
from variants import SMALL_CORE

Row = dict[str, Any]
STATUSES = (0, 3)


def need_captures() -> None:
    """Ends the script, as skipped, where fixtures have another root: captures are of this one."""
    if ROOT != Path("/") or GCORE_INSIDE:
        print("heapcore-tests: 0 passed, 0 failed, 1 skipped")
        sys.exit(77)


class Grown:
    """PROGRAM is a fixture's name, or a path; TOOL is capture or gcore."""

    def __init__(self, program: str, *arguments: str, environment: dict[str, str] = SMALL_CORE, tool: str = "capture") -> None:
        self.stopped = Stopped(program, arguments, environment, recorder=False)
        self.tool = tool

    def __enter__(self) -> "Grown":
        self.stopped.__enter__()
        try:
            self.cores = [self._dump("a")]
            self.before, self.lost_before = self._causes(), self._lost()
            self.stopped.go_on()
            self.cores.append(self._dump("b"))
            self.after, self.lost_after = self._causes(), self._lost()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.__exit__()

    def _dump(self, name: str) -> Path:
        if self.tool == "gcore":
            return self.stopped.gcore().rename(self.stopped.folder / f"core-{name}")
        folder = self.stopped.folder / name
        succeed("capture", str(self.stopped.pid), "-o", folder)
        return folder / f"core.{self.stopped.pid}"

    def _causes(self) -> dict[str, tuple[int, int]]:
        """By name: bytes and elements; -1 elements if there is no such figure."""
        causes = self.stopped.said("cause")
        return {name: (int(size), -1 if elements == "-" else int(elements)) for _, name, _, size, elements in causes}

    def _lost(self) -> tuple[int, int]:
        """Blocks and bytes of all causes of that kind."""
        lost = [words for words in self.stopped.said("cause") if words[0] == "lost"]
        return sum(int(words[2]) for words in lost), sum(int(words[3]) for words in lost)

    def grew_by(self, name: str) -> int:
        return self.after[name][0] - self.before[name][0]

    @property
    def program(self) -> Path:
        return self.stopped.program

    @functools.cached_property
    def analysis(self) -> Row:
        return analyze(self.cores[1], self.program)

    @functools.cached_property
    def diff(self) -> Row:
        return report_of(succeed("diff", "--json", *self.cores, self.program, statuses=STATUSES))


def shown(report: Row) -> str:
    """The rows and the verdict of a diff, to be read."""
    rows = [f"{row['kind']} {row['name']} ({row['where']}): {row['bytes']} bytes, {row['blocks_before']} -> {row['blocks_after']} "
            f"blocks, {row['elements_before']} -> {row['elements_after']} elements" for row in report["attribution"]]
    return f"growth {report['growth']}{few(rows)}\n  verdict: {report['verdict']}"
