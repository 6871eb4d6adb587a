#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Certain is a promise: what is told to be certain is what the program says it is; and the work is in proportion to what is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from harness import Cases, Stopped, few, report_of, succeed


def told_of(core: Path, process: Stopped, address: str) -> tuple[str, str]:
    told: dict[str, Any] = report_of(succeed("block", core, process.program, address, "--json", statuses=(0, 3)))["type"] or {}
    return re.sub(r"\s*\[\]$|\s+(?=\*)", "", str(told.get("name"))), str(told.get("certainty"))


def chosen(said: list[list[str]]) -> list[list[str]]:
    """The first and the last of each run of the same name."""
    return [row for i, row in enumerate(said) if i in (0, len(said) - 1) or {said[i - 1][1], said[i + 1][1]} != {row[1]}]


def check_sure(core: Path, process: Stopped) -> None:
    rows = chosen(process.said("sure"))
    assert len(rows) >= 8, rows
    wrong = [f"{name} at {address}: {told}" for address, name in rows
             if (told := told_of(core, process, address)) != (name, "certain")]
    assert not wrong, few(wrong)


def check_other(core: Path, process: Stopped) -> None:
    rows = chosen(process.said("other"))
    assert len(rows) >= 8, rows
    wrong = [f"{address} is no {name}: {told}" for address, name in rows
             if (told := told_of(core, process, address)) == (name, "certain")]
    assert not wrong, few(wrong)


def check_work(core: Path, process: Stopped) -> None:
    objects = int(process.said("objects")[0][0])
    work = report_of(succeed("types", core, process.program, "--json", statuses=(0, 3)))["work"]
    assert objects <= work["objects"] <= 4 * objects, f"{objects} objects are there: {work}"
    assert work["tried"] <= 4 * objects, f"{objects} objects are there: {work}"


def main() -> None:
    cases = Cases(__doc__)
    with Stopped("doubtful") as process:
        core = process.gcore()
        cases.run("certain, and right", check_sure, core, process)
        cases.run("not certain", check_other, core, process)
        cases.run("work", check_work, core, process)
    cases.finish()


main()
