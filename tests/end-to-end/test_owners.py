#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""owners: who holds what is in use, which adds up to all of it; and who retains it, against removal.

fixtures/retains.c tells every pointer: without a variable, what it retains is what its other variables do not lead to. The stories
tell how much their variables hold. All that with debug info, without (strip -g), and without symbols (strip).
"""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator

from grown import Grown
from harness import Cases, Stopped, analyze, few, fixture_path, heapcore, need_captures, report_of, succeed
from scenarios import SCENARIOS, Scenario
from test_nameless import names, strip

Report = dict[str, Any]
VARIANTS = {"types": None, "symbols": ("-g",), "stripped": ()}
TOLERANCE = 0.01
EVERYTHING = ("--min", "0", "--depth", "100")


@contextmanager
def stripped_as(variant: str, built: Path) -> Iterator[Path]:
    """The program that was BUILT, as VARIANT has it, for as long as it is needed."""
    options = VARIANTS[variant]
    with tempfile.TemporaryDirectory() as folder:
        yield built if options is None else strip(built, Path(folder), *options)


def owners(core: Path, *arguments: str) -> Report:
    report = report_of(succeed("owners", core, *arguments, "--json", statuses=(0, 3)))
    check_sum(report)
    return report


def check_sum(report: Report) -> None:
    """Each block is somewhere, once."""
    total = report["in_use"]
    top = [row for row in report["rows"] if not row["level"]] + report["others"] + [report["left_out"], report["filtered"]]
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
        if level and not row["own"]["blocks"] and row["retained"] is not None:
            wrong.append(f"{row['path']} begins no path, has no blocks, and retains")
        # Which blocks a row has is of the best evidence, what it retains of all words: both see its own blocks.
        if level and row["retained"] is not None and row["retained"] < row["own"]["bytes"] and row["told_by"] == "type":
            wrong.append(f"{row['path']} retains less than it has itself")
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


class Graph:
    """What the fixture says of its pointers."""

    def __init__(self, fixture: Stopped) -> None:
        self.roots = {name: address for name, address in fixture.said("root")}
        self.sizes = {address: int(size) for address, size in fixture.said("block")}
        self.edges: dict[str, list[str]] = {}
        for start, end in fixture.said("edge"):
            self.edges.setdefault(start, []).append(end)

    def retained_by(self, block: str) -> int:
        """Bytes that nothing leads to without BLOCK."""
        without = {start: [end for end in ends if end != block] for start, ends in self.edges.items() if start != block}
        lost = reached(self.roots.values(), self.edges) - reached((root for root in self.roots.values() if root != block), without)
        return sum(self.sizes[one] for one in lost)


def retained_by_removal(fixture: Stopped) -> dict[str, int]:
    graph = Graph(fixture)
    roots, sizes, edges = graph.roots, graph.sizes, graph.edges
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
    with stripped_as(variant, built) as program, Stopped(str(program), recorder=False) as fixture:
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


def check_blocks(core: Path, graph: Graph, objects: dict[str, str]) -> None:
    """What the office's objects retain, and which of them all ways to each lead through, by `block`."""
    before = None
    for path in ("g_office", "g_office->desk", "g_office->desk->items"):
        report = report_of(succeed("block", core, "0x" + objects[path], "--retained", "--json"))
        assert report["retained"] == graph.retained_by(objects[path]), (path, report["retained"])
        assert report["dominator"] == before, (path, report["dominator"])
        before = "0x" + objects[path]
    plain = report_of(succeed("block", core, before, "--json"))
    assert plain["retained"] is None and plain["dominator"] is None, plain
    assert re.search(r"^only through: *0x" + objects["g_office->desk"] + "$",
                     succeed("block", core, before, "--retained").out, re.MULTILINE)


def check_accumulation(variant: str) -> None:
    """A table far down, a list's head far down, a list that a variable leads to at once; and what the objects on the way retain."""
    built = fixture_path("retains")
    with stripped_as(variant, built) as program, Stopped(str(program), recorder=False) as fixture:
        report = owners(fixture.gcore(), *EVERYTHING)
        graph = Graph(fixture)
        objects = {path: address for path, address in fixture.said("object")}
        table, belt = objects["g_office->desk->items"], objects["g_belt"]
        below = len(graph.edges[table]) + 1  # what all items share is below the table, too
        expected = {"g_office": (table, below, False), "g_belt": (belt, 1, True), "g_chain": (None, 1, True)}
        for name, (address, count, is_list) in expected.items():
            row = row_of(report, lambda path: path == name if variant == "types" else
                         names(program, built, name, variant == "symbols", path))
            found = row["accumulation"]
            assert found and found["by"] == "retained", (name, row)
            told = (found["block"] and found["block"][2:], found["below"], found["list"])
            assert told == (address, count, is_list), f"{name} accumulates at {found}, not {address}"
            assert found["bytes"] == (graph.retained_by(address) if address else row["retained"]), (name, found)
            if address:
                assert found["block_size"] == graph.sizes[address], found
        if variant != "types":
            return
        rows = {row["path"]: row for row in report["rows"]}
        wrong = [f"{path} retains {rows[path]['retained']}, not {graph.retained_by(address)}"
                 for path, address in objects.items() if rows[path]["retained"] != graph.retained_by(address)]
        assert not wrong, few(wrong)
        check_blocks(fixture.gcore(), graph, objects)
        marked = {row["path"] for row in report["rows"] if row["accumulates"]}
        assert {"g_office->desk->items", "g_belt", "g_chain"} <= marked and not {"g_office", "g_office->desk"} & marked, marked


def suspects(report: Report) -> dict[str, Report]:
    """The owners that findings tell of; none twice."""
    found = [finding["facts"] if finding["kind"] == "suspect" else finding["facts"]["suspect"]
             for finding in report["findings"] if finding["kind"] in ("suspect", "container", "owner")]
    by_owner = {suspect["owner"]: suspect for suspect in found if suspect}
    assert len(by_owner) == sum(suspect is not None for suspect in found), found
    return by_owner


def check_suspects() -> None:
    """analyze tells of each owner that holds a tenth of what is in use; with --retained, that retains it, and how much."""
    with Stopped("retains", recorder=False) as fixture:
        core = fixture.gcore()
        graph, truth = Graph(fixture), retained_by_removal(fixture)
        in_use = owners(core)["in_use"]["bytes"]
        held = {name: sum(graph.sizes[block] for block in reached([root], graph.edges)) for name, root in graph.roots.items()
                if name in ("g_office", "g_belt", "g_chain")}
        assert in_use > 10 * (64 << 10), "findings are of 64 KiB and more"
        large = {name for name, size in held.items() if 10 * size >= in_use}
        assert large == {"g_office"}, held
        plain = suspects(analyze(core))
        assert set(plain) == large and plain["g_office"]["retained"] is None, plain
        assert plain["g_office"]["accumulation"] is None and plain["g_office"]["told_by"] == "type", plain
        assert plain["g_office"]["holds"]["bytes"] == held["g_office"], plain
        report = report_of(succeed("analyze", core, "--retained", "--json"))
        told = suspects(report)["g_office"]
        assert told["retained"] == truth["g_office"], told
        table = next(address for path, address in fixture.said("object") if path == "g_office->desk->items")
        assert told["accumulation"]["block"] == "0x" + table, told
        finding = next(one for one in report["findings"] if one["kind"] in ("container", "owner"))
        assert "would be unreachable, most of it at block 0x" + table in finding["text"], finding
        assert re.search(r" holds \d+\.\d % of what is in use;", finding["text"]), finding
        assert finding["command"].split(" owners ")[1].endswith(f" '{finding['facts']['path']}'"), finding
        heapcore("owners", core, finding["facts"]["path"])


def check_suspect_alone() -> None:
    """An owner whose place is none of the five largest."""
    with Stopped("suspects", recorder=False) as fixture:
        core = fixture.gcore()
        truth = {name: (int(blocks), int(size)) for name, blocks, size in fixture.said("holds")}
        text = " ".join(succeed("owners", core).out.split())
        assert re.search(r"accumulates in the block 0x[0-9a-f]+, one block of 50\.0 KiB ", text), text
        for arguments in ((), ("--retained",)):
            report = report_of(succeed("analyze", core, *arguments, "--json"))
            told = suspects(report)
            assert {name: (one["holds"]["blocks"], one["holds"]["bytes"]) for name, one in told.items()} == truth, told
            alone = [finding for finding in report["findings"] if finding["kind"] == "suspect"]
            assert [finding["facts"]["owner"] for finding in alone] == ["g_drawer"], alone
            assert alone[0]["bytes"] == truth["g_drawer"][1] and alone[0]["blocks"] == truth["g_drawer"][0], alone
            assert alone[0]["text"].startswith("g_drawer (book, static) holds ") and "told by its type" in alone[0]["text"], alone
            assert alone[0]["command"].endswith(" 'g_drawer'") and " owners " in alone[0]["command"], alone
            retained = {name: one["retained"] for name, one in told.items()}
            assert retained == {name: size if arguments else None for name, (_, size) in truth.items()}, retained


def check_parts() -> None:
    """A part of the tree: --focus, --ignore, --by, an address."""
    with Stopped("retains", recorder=False) as fixture:
        core = fixture.gcore()
        graph = Graph(fixture)
        office = reached([graph.roots["g_office"]], graph.edges)
        desk = [path for path in office if path != graph.roots["g_office"]]
        held = {name: sum(graph.sizes[block] for block in blocks) for name, blocks in (("office", office), ("desk", desk))}
        focused = owners(core, *EVERYTHING, "--focus", "^g_office$")
        assert [row["path"] for row in focused["rows"] if not row["level"]] == ["g_office"], focused["rows"]
        assert focused["rows"][0]["bytes"] == held["office"], focused["rows"][0]
        focused = owners(core, *EVERYTHING, "--focus", "^desk")  # a type
        assert focused["rows"][0]["bytes"] == held["desk"] and focused["rows"][0]["own"]["bytes"] == 0, focused["rows"]
        assert focused["rows"][0]["retained"] is None, "what a part retains is not known"
        ignored = owners(core, *EVERYTHING, "--ignore", "^g_(office->|chain$)")
        rows = {row["path"]: row for row in ignored["rows"]}
        assert "g_chain" not in rows and rows["g_office"]["bytes"] == held["office"] - held["desk"], rows.get("g_office")
        assert heapcore("owners", core, "--focus", "(").status == 64
        whole = owners(core, *EVERYTHING)
        at = report_of(succeed("owners", core, "0x" + graph.edges[graph.roots["g_office"]][0], "--json"))["rows"]
        assert at[0]["path"] == "g_office->desk" and at[0]["bytes"] == held["desk"], at[0]
        for by, name in (("module", "retains"), ("thread", "")):
            groups = [row for row in owners(core, *EVERYTHING, "--by", by)["rows"] if not row["level"]]
            assert all(row["group"] and row["retained"] is None and row["told_by"] is None for row in groups), groups
            group = next(row for row in groups if row["path"] == name)
            below = [row for row in owners(core, *EVERYTHING, "--by", by)["rows"] if row["level"] == 1 and row["path"].startswith("g_")]
            truth = sum(row["bytes"] for row in whole["rows"] if not row["level"] and row["path"].startswith("g_"))
            assert sum(row["bytes"] for row in below) == truth and group["bytes"] >= truth, (by, group, truth)
            retained = {row["path"]: row["retained"] for row in whole["rows"] if not row["level"]}
            assert all(row["retained"] == retained[row["path"]] for row in below), below
        for order, key in (("own", lambda row: row["own"]["bytes"]), ("blocks", lambda row: row["blocks"])):
            figures = [key(row) for row in owners(core, *EVERYTHING, "--sort", order)["rows"] if not row["level"]]
            assert figures == sorted(figures, reverse=True), (order, figures)


def check_threads() -> None:
    """By thread each has its own, where else a variable of several threads is one row."""
    with Grown(str(fixture_path("stories/piles")), "threads", "5") as grown:
        core = grown.cores[1]
        whole, by_thread = owners(core, *EVERYTHING), owners(core, *EVERYTHING, "--by", "thread")
        row = row_of(whole, lambda path: path == "remember::remembered")
        assert row["threads"] == 5, row
        truth = grown.after["remember::remembered"][0]
        assert abs(row["bytes"] - truth) <= TOLERANCE * truth, (row, truth)
        parts = [part for part in by_thread["rows"] if part["level"] == 1 and part["path"] == row["path"]]
        assert len(parts) == 5 and all(part["threads"] == 1 for part in parts), parts
        assert sum(part["bytes"] for part in parts) == row["bytes"], parts
        groups = [group["path"] for group in by_thread["rows"] if not group["level"]]
        assert sum(group.startswith("thread ") for group in groups) >= 5, groups


# ---- stories ----

def check_story(story: str, variables: tuple[str, ...], variant: str, *arguments: str) -> None:
    built = fixture_path(f"stories/{story}")
    with stripped_as(variant, built) as program, Grown(str(program), *arguments) as grown:
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
    with stripped_as(variant, built) as program, Grown(str(program), "all") as grown:
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
        text = " ".join(succeed("owners", core).out.split())
        largest = owners(core)["rows"][0]["path"]
        assert text.startswith(f"{largest} holds most: ") and "told by its type" in text, text
        assert re.search(r"accumulates in the block 0x[0-9a-f]+: \d+ blocks right below", text), text
        for title in ("HOLDS", "SHARE", "OWN", "OWN%", "RETAINS", "BLOCKS", "WHAT", "libc and the runtime", "in use"):
            assert title in text, f"no {title}:\n{text}"
        below = report_of(succeed("owners", core, "g_chain", "--json"))["rows"]
        assert below[0]["path"] == "g_chain" and below[0]["level"] == 0 and below[0]["bytes"], below
        assert {row["path"].partition("->")[0].partition(".")[0] for row in below} == {"g_chain"}, below
        assert heapcore("owners", core, "g_nothing").status == 2
        for wrong in (("--sort", "size"), ("--min", "x"), ("--depth", "0"), ("--sort", "retains", "--no-retained"), ("--by", "size")):
            assert heapcore("owners", core, *wrong).status == 64, wrong


def main() -> None:
    cases = Cases(__doc__)
    for variant in VARIANTS:
        cases.run(f"retains: {variant}", check_retained, variant)
        cases.run(f"accumulation: {variant}", check_accumulation, variant)
    cases.run("words", check_words)
    cases.run("parts", check_parts)
    cases.run("suspects", check_suspects)
    cases.run("a suspect alone", check_suspect_alone)
    for scenario in SCENARIOS:
        if scenario.program in ("cxx", "leak-classes", "roots", "threads", "mapped") and not scenario.static:
            cases.run(f"sum: {scenario.name}", check_scenario, scenario)
    need_captures()
    cases.run("locals: symbols", check_frame)
    cases.run("by thread", check_threads)
    for variant in VARIANTS:
        cases.run(f"labels: {variant}", check_story, "labels", ("g_registry->summaries_",), variant)
        cases.run(f"mixture: {variant}", check_story, "mixture", ("g_cache",), variant)
        cases.run(f"holders: {variant}", check_holders, variant)
    cases.finish()


if __name__ == "__main__":
    main()
