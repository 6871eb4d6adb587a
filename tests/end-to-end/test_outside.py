#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory that is not malloc's: whose it is, by what leads there, against what the program gave to each of its variables.

fixtures/slabs.c has an allocator of its own, whose slabs have objects of several variables side by side. What each variable has there,
and what hangs on that of malloc's, is told by the program; with debug info, without (strip -g), and without symbols (strip).
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Optional

from harness import Cases, Stopped, few, fixture_path, need_captures, report_of, succeed
from test_nameless import names, strip

Report = dict[str, Any]
BUILT = fixture_path("slabs")
VARIANTS: dict[str, Optional[tuple[str, ...]]] = {"types": None, "symbols": ("-g",), "stripped": ()}
PAGE = 4096
FEW = [4000, 3000, 2000, 10000]
VERY_FEW = [40, 30, 20, 100]  # less than 64 KiB
MORE = {"g_list": 20000, "g_tree": 20000, "g_table": 20000, "g_numbers": 400000}


class Program:
    """slabs as one of the variants."""

    def __init__(self, variant: str, folder: Path) -> None:
        options = VARIANTS[variant]
        self.variant = variant
        self.path = BUILT if options is None else strip(BUILT, folder, *options)

    def is_named(self, variable: str, name: Optional[str]) -> bool:
        if not name:
            return False
        if self.variant == "types":
            return name.startswith(variable) and not name[len(variable):][:1].isalnum()
        return names(self.path, BUILT, variable, self.variant == "symbols", name)


def said(fixture: Stopped, key: str) -> dict[str, int]:
    return {name: int(size) for name, size in fixture.said(key)}


def check_owners(program: Program, counts: list[int]) -> None:
    with Stopped(str(program.path), counts, recorder=False) as fixture:
        report = report_of(succeed("owners", fixture.gcore(), "--json", "--min", "0", "--depth", "1", statuses=(0, 3)))
        wrong = []
        for name, outside in said(fixture, "outside").items():
            rows = [row for row in report["rows"] if program.is_named(name, row["path"])]
            told, held = sum(row["outside"] for row in rows), sum(row["bytes"] for row in rows)
            # Behind the last element of an array there is the rest of its page.
            if not outside <= told < outside + PAGE:
                wrong.append(f"{name} has {told} bytes outside, not {outside}")
            if held != said(fixture, "heap")[name]:
                wrong.append(f"{name} holds {held} bytes, not {said(fixture, 'heap')[name]}")
        cursor = [row for row in report["rows"] if program.is_named("g_cursor", row["path"])]
        if any(row["outside"] or row["bytes"] for row in cursor):
            wrong.append(f"g_cursor: {json.dumps(cursor)}")
        assert not wrong, few(wrong)
        assert report["outside"] == sum(row["outside"] for row in report["rows"])
        assert report["outside"] <= report["outside_mapped"]


def check_finding(program: Program) -> None:
    """The finding that memory is not malloc's says who has most of it."""
    with Stopped(str(program.path), [*FEW[:3], MORE["g_numbers"]], recorder=False) as fixture:
        findings = report_of(succeed("analyze", fixture.gcore(), "--json", statuses=(0, 3)))["findings"]
        finding, = [finding for finding in findings if finding["kind"] == "not-heap" and finding["facts"]["row"] == "anonymous"]
        facts, outside = finding["facts"], said(fixture, "outside")["g_numbers"]
        assert program.is_named("g_numbers", facts["owner"]), facts
        assert outside <= facts["outside"] < outside + PAGE and facts["owner"] in finding["text"], (outside, finding)


def check_diff(program: Program, variable: str, index: int) -> None:
    """The first sentence names what has more in the second process than in the first."""
    more = [MORE[variable] if i == index else count for i, count in enumerate(FEW)]
    with Stopped(str(program.path), FEW, recorder=False) as before, Stopped(str(program.path), more, recorder=False) as after:
        cores = [before.gcore(), after.gcore()]
        diff = report_of(succeed("diff", *cores, program.path, "--json", statuses=(0, 1, 3)))
        rows = [row for row in diff["attribution"] if row["where"] is not None and program.is_named(variable, row["name"])]
        truth = {key: said(after, key)[variable] - said(before, key)[variable] for key in ("outside", "heap")}
        outside = sum(row["outside_after"] - row["outside_before"] for row in rows)
        assert abs(outside - truth["outside"]) < PAGE, (outside, truth)
        assert sum(row["bytes"] for row in rows) - outside == truth["heap"], truth
        cause = diff["sentences"][0]
        assert program.is_named(variable, cause["name"]), cause
        assert "in memory that is not malloc's" in cause["text"], cause
        assert sum(row["bytes"] for row in diff["attribution"]) == diff["growth"], diff["growth"]
        check_snapshots(before.folder, cores, diff)


def check_snapshots(folder: Path, cores: list[Path], diff: Report) -> None:
    """Files have it, too."""
    files = [folder / f"snapshot.{i}" for i in range(len(cores))]
    for core, file in zip(cores, files):
        succeed("snapshot", core, "-o", file, statuses=(0, 3))
    assert report_of(succeed("diff", *files, "--json", statuses=(0, 1, 3)))["attribution"] == diff["attribution"]


def main() -> None:
    need_captures()
    cases = Cases(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        for variant in VARIANTS:
            (Path(folder) / variant).mkdir()
            program = Program(variant, Path(folder) / variant)
            cases.run(f"owners, {variant}", check_owners, program, FEW)
            cases.run(f"owners of little, {variant}", check_owners, program, VERY_FEW)
            cases.run(f"finding, {variant}", check_finding, program)
            for index, variable in enumerate(MORE):
                cases.run(f"diff, {variant}, {variable}", check_diff, program, variable, index)
    cases.finish()


if __name__ == "__main__":
    main()
