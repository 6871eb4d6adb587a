#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hash tables: buckets, empty ones, the longest and how many elements share theirs are what the program counted by bucket_size()."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import Cases, Stopped, Workspace, analyze, report_of, succeed
from variants import SMALL_CORE, VARIANTS, Builder, only_here

KEYS = ("elements", "buckets", "empty", "longest", "sharing")


def rows_of(core: Path, program: Any) -> dict[str, Any]:
    report = report_of(succeed("containers", core, program, "--json", statuses=(0, 3)))
    return {row["path"]: row for row in report["containers"]}


def check_tables(core: Path, fixture: Stopped) -> None:
    rows = rows_of(core, fixture.program)
    said = {name: tuple(map(int, figures)) for name, *figures in fixture.said("table")}
    told = {name: tuple(rows[name]["table"][key] for key in KEYS) if rows[name]["table"] else None for name in said}
    assert len(said) == 10 and told == said, f"said: {said}, told: {told}"
    for name, (elements, buckets, *_) in said.items():
        assert abs(rows[name]["table"]["load"] - elements / buckets) < 1e-9, rows[name]["table"]
    others = [path for path, row in rows.items() if row["table"] and path not in said]
    assert not others, f"no hash tables: {others}"
    elements, buckets, empty, longest, _ = said["app::g_good"]
    text = succeed("containers", core, fixture.program, "--variable", "app::g_good", statuses=(0, 3)).out
    assert f"{buckets:,} buckets, {100 * empty / buckets:.1f} % of them empty; at most {longest} elements in one" in text, text


def check_finding(core: Path, fixture: Stopped) -> None:
    """Tables whose elements are nearly all in one bucket; not those whose keys are equal, or that are large and nearly empty."""
    findings = {one["facts"]["path"]: one for one in analyze(core, fixture.program)["findings"] if one["kind"] == "collisions"}
    said = {name: tuple(map(int, figures)) for name, *figures in fixture.said("table")}
    assert set(findings) == {name for name, in fixture.said("collides")} == {"app::g_one_bucket"}, findings
    for name, finding in findings.items():
        elements, buckets, empty, longest, _ = said[name]
        facts = finding["facts"]
        assert (facts["elements"], facts["buckets"], facts["used"], facts["longest"]) == (elements, buckets, buckets - empty, longest), facts
        assert f"{longest:,} of {elements:,} elements are in one bucket" in finding["text"], finding["text"]


def run_on(label: str, program: str) -> None:
    with Stopped(program, (), SMALL_CORE, recorder=False) as fixture:
        core = fixture.gcore()
        cases.run(f"{label}: tables", check_tables, core, fixture)
        cases.run(f"{label}: finding", check_finding, core, fixture)


cases = Cases(__doc__)
if not cases.options.list:
    only_here()
    with Workspace() as built, Builder(built) as builder:
        for variant in VARIANTS:
            if variant.here:
                run_on(variant.name, str(builder.program(variant, "tables").result()))
cases.finish()
