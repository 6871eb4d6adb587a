# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which fixtures run in which circumstances: the list that several tests go through.

To add one: a line here; the tests take it up by themselves.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from harness import KINDS, Stopped, inside, library_path


@dataclass(frozen=True)
class Scenario:
    program: str
    arguments: tuple[str, ...] = ()
    tunables: str = ""  # without the "glibc.malloc." in front of each
    preload: tuple[Path, ...] = ()
    kernel: bool = False  # also with a kernel's core
    static: bool = False  # the recorder is linked in
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        shown = [self.program, *(argument.split("=")[0] for argument in self.arguments)]
        return " ".join(shown) + (f" ({self.tunables})" if self.tunables else "")

    @property
    def kinds(self) -> list[str]:
        return KINDS or ["gcore", "kernel"] if self.kernel else ["gcore"]

    def start(self) -> Stopped:
        environment = dict(self.environment)
        if self.tunables:
            environment["GLIBC_TUNABLES"] = ":".join(f"glibc.malloc.{one}" for one in self.tunables.split(":"))
        return Stopped(self.program, self.arguments, environment, self.preload, recorder=not self.static)


OPENED = f"library={inside(library_path('opened'))}"
PRELOADED = (library_path("preloaded"),)

SCENARIOS = [
    Scenario("churn", kernel=True),
    Scenario("churn", ("60000", "2")),
    Scenario("churn", ("5000", "3", "marked")),
    Scenario("churn", tunables="tcache_count=0"),
    Scenario("churn", tunables="tcache_count=100"),
    Scenario("churn", tunables="tcache_max=64"),
    Scenario("churn", tunables="mmap_threshold=131072"),
    Scenario("churn", tunables="mmap_threshold=4096"),
    Scenario("churn", tunables="mxfast=0"),
    Scenario("churn", tunables="mxfast=160"),
    Scenario("churn", tunables="perturb=165"),
    Scenario("churn", tunables="top_pad=1000000"),
    Scenario("churn", tunables="hugetlb=1"),
    Scenario("churn-no-pie", kernel=True),
    Scenario("churn-static", kernel=True, static=True),
    Scenario("threads", kernel=True),
    Scenario("threads", ("small",)),
    Scenario("threads", ("small",), tunables="arena_max=1"),
    Scenario("threads", ("small",), tunables="arena_max=3:tcache_count=0"),
    Scenario("threads-static", ("small",), static=True),
    Scenario("mapped", kernel=True),
    Scenario("mapped", ("lookalike", "1")),
    Scenario("mapped", ("lookalike", "3")),
    Scenario("mapped", ("lookalike", "40")),
    Scenario("mapped", tunables="perturb=90"),
    Scenario("retained"),
    Scenario("retains"),
    Scenario("retained", ("trimmed",), kernel=True),
    Scenario("retained", ("untouched",)),
    Scenario("pins"),
    Scenario("roots", (OPENED,), preload=PRELOADED, kernel=True),
    Scenario("roots", ("signal",)),
    Scenario("forked", kernel=True),
    Scenario("forked", ("marked",)),
    Scenario("forked", tunables="tcache_count=20"),
    Scenario("foreign-sbrk", kernel=True),
    Scenario("decoys", kernel=True),
    Scenario("decoys", ("sessions",), kernel=True),
    Scenario("noncontiguous", kernel=True),
    Scenario("noncontiguous", ("at-once",)),
    Scenario("libc-blocks", (OPENED,), kernel=True),
    Scenario("cxx", kernel=True),
    Scenario("duplicates"),
    Scenario("tables"),
]

# With tests/glibc-matrix: what only some releases know, and what need not run on each machine.
MATRIX = [
    Scenario("churn", tunables="arena_max=1"),
    Scenario("churn", tunables="tcache_count=127"),
    Scenario("churn", tunables="tcache_max=65536"),
    Scenario("churn", tunables="tcache_max=2097152", kernel=True),
    Scenario("churn", tunables="hugetlb=2", kernel=True),
    Scenario("churn-static", tunables="tcache_max=2097152", static=True),
    Scenario("churn-static", tunables="top_pad=1000000", static=True),
    Scenario("threads", tunables="tcache_max=2097152", kernel=True),
    Scenario("threads", tunables="hugetlb=2"),
    Scenario("threads", tunables="hugetlb=1"),
    Scenario("threads", tunables="mxfast=0"),
    Scenario("threads-static", tunables="tcache_max=65536", static=True, kernel=True),
    Scenario("mapped", tunables="tcache_max=2097152", kernel=True),
    Scenario("mapped", tunables="mmap_threshold=4096:tcache_max=2097152"),
    Scenario("mapped", tunables="hugetlb=2"),
    Scenario("forked", tunables="tcache_max=2097152", kernel=True),
    Scenario("retained", tunables="tcache_max=2097152"),
    Scenario("libc-blocks", (OPENED,), tunables="tcache_max=2097152"),
    Scenario("cxx", tunables="tcache_count=0"),
]
if os.environ.get("HEAPCORE_MATRIX"):
    SCENARIOS += MATRIX
