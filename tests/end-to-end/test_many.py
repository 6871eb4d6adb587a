#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Thousands of containers in containers, and many lists at once: elements, blocks and bytes are what the program counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import Cases, Stopped, fixture_path, need_captures, report_of, succeed

WORKERS = (1, 2, 5)


def rows_of(core: Path, program: Any, workers: int) -> dict[str, Any]:
    report = report_of(succeed("containers", core, program, "--json", "--limit", "0", "--jobs", workers, statuses=(0, 3)))
    return {row["path"].replace("->", "."): row for row in report["containers"]}


def check_sums(core: Path, fixture: Stopped, workers: int) -> None:
    rows = rows_of(core, fixture.program, workers)
    said = {path: tuple(map(int, figures)) for path, *figures in fixture.said("many")}
    told = {path: tuple(rows[path][key] for key in ("count", "elements", "blocks_own", "bytes_own")) if path in rows else None
            for path in said}
    assert len(said) == 12 and told == said, f"said: {said}, told: {told}"
    assert all(rows[path]["grade"] == "exact" for path in said), {path: rows[path]["grades"] for path in said}


def check_damaged(core: Path, fixture: Stopped, workers: int) -> None:
    """The rows of elements with a damaged one are looked at one by one: only the damaged ones are refused."""
    rows = rows_of(core, fixture.program, workers)
    (path, count, damaged), = fixture.said("damaged")
    grades = rows[path]["grades"]
    assert int(damaged) == 4 and grades["implausible"] == int(damaged), grades
    assert rows[path]["count"] == grades["exact"] == int(count) - int(damaged), rows[path]


need_captures()
cases = Cases(__doc__)
if not cases.options.list:
    with Stopped(fixture_path("many"), recorder=False) as stopped:
        taken = stopped.gcore()
        for number in WORKERS:
            cases.run(f"{number} workers: sums", check_sums, taken, stopped, number)
            cases.run(f"{number} workers: damaged ones", check_damaged, taken, stopped, number)
cases.finish()
