#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Thousands of containers in containers, of objects, and many lists at once: elements, blocks and bytes are what the program counted."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from harness import Cases, Stopped, fixture_path, need_captures, report_of, succeed

WORKERS = (1, 2, 5)
ROOMY = 2  # records whose blocks have room for more than one


def rows_of(core: Path, program: Any, workers: int) -> dict[str, Any]:
    report = report_of(succeed("containers", core, program, "--json", "--limit", "0", "--jobs", workers, statuses=(0, 3)))
    return {row["path"].replace("->", "."): row for row in report["containers"]}


def check_sums(core: Path, fixture: Stopped, workers: int) -> None:
    said = {path: tuple(map(int, figures)) for path, *figures in fixture.said("many")}
    told = defaultdict(lambda: (0, 0, 0, 0))
    report = report_of(succeed("containers", core, fixture.program, "--json", "--limit", "0", "--jobs", workers, statuses=(0, 3)))
    # What hangs on an object in a block that is too large for it has a row of its own, with the same path.
    for row in report["containers"]:
        path = row["path"].replace("->", ".")
        figures = (row[key] for key in ("count", "elements", "blocks_own", "bytes_own"))
        told[path] = tuple(map(sum, zip(told[path], figures)))
        assert path not in said or row["grade"] == "exact", row
    told = {path: told[path] for path in said}
    assert len(said) == 16 and told == said, f"said: {said}, told: {told}"


def check_types(core: Path, fixture: Stopped, workers: int) -> None:
    """Objects that many smart pointers, and pointers in what these hold, lead to: each is one, and only those in larger blocks are not certain."""
    said = {name: tuple(map(int, figures)) for name, *figures in fixture.said("type")}
    told = defaultdict(dict)
    for row in report_of(succeed("types", core, fixture.program, "--json", "--jobs", workers, statuses=(0, 3)))["types"]:
        told[row["type"]][row["certainty"]] = (row["count"], row["bytes"])
    sums = {name: tuple(map(sum, zip(*told[name].values()))) for name in said}
    assert len(said) == 4 and sums == said, f"said: {said}, told: {dict(told)}"
    assert told["app::Record"]["deduced"][0] == ROOMY, told["app::Record"]


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
            cases.run(f"{number} workers: types", check_types, taken, stopped, number)
            cases.run(f"{number} workers: damaged ones", check_damaged, taken, stopped, number)
cases.finish()
