#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""owners: who holds what is in use, which adds up to all of it; and who retains it, against removal.

fixtures/retains.c tells every pointer: without a variable, what it retains is what its other variables do not lead to. The stories
tell how much their variables hold. All that with debug info, without (strip -g), and without symbols (strip).
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Callable, Iterable

from grown import Grown
from harness import Cases, Stopped, few, fixture_path, heapcore, need_captures, report_of, succeed
from scenarios import SCENARIOS, Scenario
from test_nameless import names, strip

Report = dict[str, Any]
VARIANTS = {"types": None, "symbols": ("-g",), "stripped": ()}
TOLERANCE = 0.01
EVERYTHING = ("--min", "0", "--depth", "100")


def owners(core: Path, *arguments: str) -> Report:
    report = report_of(succeed("owners", core, *arguments, "--json", statuses=(0, 3)))
    check_sum(report)
    return report


def check_sum(report: Report) -> None:
    """Each block is somewhere, once."""
    total = report["in_use"]
    top = [row for row in report["rows"] if not row["level"]] + report["others"] + [report["left_out"]]
    for unit in ("blocks", "bytes"):
        assert sum(row[unit] for row in top) == total[unit], f"{unit}: {[row[unit] for row in top]} are not {total[unit]}"


def check_rows(report: Report) -> None:
    """Of a report of everything: a row has its own, and what the rows below it hold."""
    wrong, sums = [], {}
    rows = report["rows"]
    for at in range(len(rows) - 1, -1, -1):
        row, level = rows[at], rows[at]["level"]
        held = row["own"]["bytes"] + sums.pop(level + 1, 0)
        if held != row["bytes"]:
            wrong.append(f"{row['path']}: {row['bytes']} bytes, not {held}")
        sums[level] = sums.get(level, 0) + row["bytes"]
        if level and row["retained"] is not None:
            wrong.append(f"{row['path']} begins no path, and retains")
    assert not wrong, few(wrong)


def bytes_in_use(core: Path) -> int:
    """By the blocks themselves."""
    lines = succeed("chunks", core, "--state", "in-use", "--json", statuses=(0, 3)).out.splitlines()
    return sum(json.loads(line)["size"] for line in lines)


def check_scenario(scenario: Scenario) -> None:
    with scenario.start() as fixture:
        core = fixture.gcore()
        report = owners(core, *EVERYTHING)
        check_rows(report)
        assert report["in_use"]["bytes"] == bytes_in_use(core), report["in_use"]
        lost = report["lost_directly"]["bytes"] + report["lost_indirectly"]["bytes"]
        assert lost == sum(row["bytes"] for row in report["others"] if row["kind"] == "lost")
        few_rows = owners(core, "--depth", "1", "--limit", "1")
        assert sum(not row["level"] for row in few_rows["rows"]) <= 1
        assert all(row["retained"] is None for row in owners(core, "--no-retained")["rows"])


# ---- what variables retain ----

def reached(roots: Iterable[str], edges: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        block = waiting.pop()
        if block not in found:
            found.add(block)
            waiting += edges.get(block, [])
    return found


def retained_by_removal(fixture: Stopped) -> dict[str, int]:
    roots = {name: address for name, address in fixture.said("root")}
    sizes = {address: int(size) for address, size in fixture.said("block")}
    edges: dict[str, list[str]] = {}
    for start, end in fixture.said("edge"):
        edges.setdefault(start, []).append(end)
    everything = reached(roots.values(), edges)
    return {name: sum(sizes[block] for block in
                      everything - reached((address for other, address in roots.items() if other != name), edges))
            for name in roots}


def row_of(report: Report, is_it: Callable[[str], bool]) -> Report:
    rows = [row for row in report["rows"] if not row["level"] and is_it(row["path"])]
    assert len(rows) == 1, f"{len(rows)} rows, among {[row['path'] for row in report['rows'] if not row['level']]}"
    return rows[0]


def check_retained(variant: str) -> None:
    built = fixture_path("retains")
    options = VARIANTS[variant]
    with tempfile.TemporaryDirectory() as folder:
        program = built if options is None else strip(built, Path(folder), *options)
        with Stopped(str(program), recorder=False) as fixture:
            core = fixture.gcore()
            report = owners(core, *EVERYTHING)
            check_rows(report)
            truth = retained_by_removal(fixture)
            sizes = {address: int(size) for address, size in fixture.said("block")}
            rows = {name: row_of(report, lambda path: path == name if variant == "types" else
                                 names(program, built, name, variant == "symbols", path)) for name in truth}
            wrong = [f"{name} retains {row['retained']}, not {truth[name]}" for name, row in rows.items()
                     if row["retained"] != truth[name]]
            assert not wrong, few(wrong)
            assert 0 < truth["g_left"] < sum(truth.values())
            # A chain and a ring are retained by what leads there, and held by it; of a shared block one has it.
            for name in ("g_chain", "g_ring"):
                assert rows[name]["bytes"] == truth[name], rows[name]
            assert sum(row["bytes"] for row in rows.values()) == sum(sizes.values())
            assert rows["g_left"]["bytes"] + rows["g_right"]["bytes"] > truth["g_left"] + truth["g_right"]
            assert all(row["told_by"] == ("type" if variant == "types" else "pointers") for row in rows.values())
            largest = [row["retained"] or 0 for row in owners(core, *EVERYTHING, "--sort", "retains")["rows"] if not row["level"]]
            assert largest == sorted(largest, reverse=True), largest


# ---- stories ----

def check_story(story: str, variables: tuple[str, ...], variant: str, *arguments: str) -> None:
    built = fixture_path(f"stories/{story}")
    options = VARIANTS[variant]
    with tempfile.TemporaryDirectory() as folder:
        program = built if options is None else strip(built, Path(folder), *options)
        with Grown(str(program), *arguments) as grown:
            report = owners(grown.cores[1], *EVERYTHING)
            check_rows(report)
            for variable in variables:
                root = variable.partition("->")[0].partition(".")[0]
                row = row_of(report, lambda path: path == root if variant == "types" else
                             names(program, built, root, variant == "symbols", path))
                truth = grown.after[variable][0]
                assert abs(row["bytes"] - truth) <= TOLERANCE * truth, f"{variable}: {row}, not {truth}"
                assert abs(row["retained"] - truth) <= TOLERANCE * truth, f"{variable}: {row}, not {truth}"


def check_holders(variant: str) -> None:
    """Many variables in one process, each of another sort."""
    built = fixture_path("stories/holders")
    options = VARIANTS[variant]
    with tempfile.TemporaryDirectory() as folder:
        program = built if options is None else strip(built, Path(folder), *options)
        with Grown(str(program), "all") as grown:
            report = owners(grown.cores[1], *EVERYTHING)
            check_rows(report)
            top = [row for row in report["rows"] if not row["level"]]
            held = {cause: sum(row["bytes"] for row in top if row["path"] == cause or (
                variant != "types" and names(program, built, cause, variant == "symbols", row["path"]))) for cause in grown.after}
            wrong = [f"{cause}: {held[cause]} bytes, not {truth[0]}" for cause, truth in grown.after.items()
                     if abs(held[cause] - truth[0]) > TOLERANCE * truth[0]]
            assert not wrong, f"{len(wrong)} of {len(held)}: {few(wrong)}"


def check_frame() -> None:
    """What only a frame leads to, without its variables' names: other words of stacks and registers lead there, too."""
    with tempfile.TemporaryDirectory() as folder:
        program = strip(fixture_path("stories/locals"), Path(folder), "-g")
        with Grown(str(program)) as grown:
            row = row_of(owners(grown.cores[1], *EVERYTHING), lambda path: "run_session" in path)
            truth = sum(grown.after[name][0] for name in ("history", "orders"))
            for figure in ("bytes", "retained"):
                assert abs(row[figure] - truth) <= TOLERANCE * truth, f"{row}, not {truth}"


def check_words() -> None:
    """What people see: the sentence, the table, a path to start at."""
    with Stopped("retains", recorder=False) as fixture:
        core = fixture.gcore()
        text = succeed("owners", core).out
        largest = owners(core)["rows"][0]["path"]
        assert text.startswith(f"{largest} holds most: ") and "told by its type" in text, text
        for title in ("HOLDS", "SHARE", "OWN", "RETAINS", "BLOCKS", "WHAT", "libc and the runtime", "in use"):
            assert title in text, f"no {title}:\n{text}"
        below = report_of(succeed("owners", core, "g_chain", "--json"))["rows"]
        assert below[0]["path"] == "g_chain" and below[0]["level"] == 0 and below[0]["bytes"], below
        assert {row["path"].partition("->")[0].partition(".")[0] for row in below} == {"g_chain"}, below
        assert heapcore("owners", core, "g_nothing").status == 2
        for wrong in (("--sort", "size"), ("--min", "x"), ("--depth", "0"), ("--sort", "retains", "--no-retained")):
            assert heapcore("owners", core, *wrong).status == 64, wrong


def main() -> None:
    cases = Cases(__doc__)
    for variant in VARIANTS:
        cases.run(f"retains: {variant}", check_retained, variant)
    cases.run("words", check_words)
    for scenario in SCENARIOS:
        if scenario.program in ("cxx", "leak-classes", "roots", "threads", "mapped") and not scenario.static:
            cases.run(f"sum: {scenario.name}", check_scenario, scenario)
    need_captures()
    cases.run("locals: symbols", check_frame)
    for variant in VARIANTS:
        cases.run(f"labels: {variant}", check_story, "labels", ("g_registry->summaries_",), variant)
        cases.run(f"mixture: {variant}", check_story, "mixture", ("g_cache",), variant)
        cases.run(f"holders: {variant}", check_holders, variant)
    cases.finish()


if __name__ == "__main__":
    main()
