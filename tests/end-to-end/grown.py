# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program of fixtures/stories at its stops, with a core of each; at its second one: what it says of itself, and what heapcore says of it.

    with Grown("stories/piles", "callbacks") as grown:
        assert grown.diff["growth"] > 0
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from harness import Stopped, analyze, few, report_of, succeed
from variants import SMALL_CORE

Row = dict[str, Any]
STATUSES = (0, 3)


class Stops:
    """PROGRAM, a fixture's name or a path, from stop to stop, with a core of each. TOOL is capture or gcore."""

    def __init__(self, program: str, *arguments: str, environment: dict[str, str] = SMALL_CORE, tool: str = "capture",
                 count: int = 2) -> None:
        self.stopped = Stopped(program, arguments, environment, recorder=False)
        self.tool, self.count = tool, count
        self.cores: list[Path] = []

    def __enter__(self) -> Any:
        self.stopped.__enter__()
        try:
            self._stop()
            while len(self.cores) < self.count:
                self.stopped.go_on()
                self._stop()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.__exit__()

    def _stop(self) -> None:
        self.cores.append(self._dump("abc"[len(self.cores)]))
        self.at_stop()

    def at_stop(self) -> None:
        """What is to be noted at a stop, of which the core is there."""

    def _dump(self, name: str) -> Path:
        if self.tool == "gcore":
            return self.stopped.gcore().rename(self.stopped.folder / f"core-{name}")
        folder = self.stopped.folder / name
        succeed("capture", str(self.stopped.pid), "-o", folder)
        return folder / f"core.{self.stopped.pid}"

    @property
    def program(self) -> Path:
        return self.stopped.program


class Grown(Stops):
    """The program at its second stop; what it said at the first is in `before`, what at the second in `after`."""

    def at_stop(self) -> None:
        if len(self.cores) == 1:
            self.before, self.lost_before = self._causes(), self._lost()
        self.after, self.lost_after = self._causes(), self._lost()

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
