#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""heapcore types: each block of the fixtures has the type that the program says it has; how many have one, and how surely."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from harness import Cases, Stopped, Workspace, analyze, few, gdb_says, heapcore, report_of, succeed
from kept_builds import unpack_debug_info
from variants import SMALL_CORE, VARIANTS, Builder, Variant, only_here

CERTAINTIES = ("certain", "deduced", "guess", "unknown")
SURE = CERTAINTIES[:2]


def types(core: Path, *arguments: Any) -> dict[str, Any]:
    return report_of(succeed("types", core, *arguments, "--json", "--limit", "0", statuses=(0, 3)))


def plain(name: str | None) -> str:
    """A type's name without what tells that there are several in a block; gcc and clang name integers differently."""
    return re.sub(r"^long int$", "long", re.sub(r"\s*\[\d*\]$", "", name or ""))


def rows_of(report: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [row for row in report["types"] if plain(row["type"]) == name]


def figures(rows: list[dict[str, Any]]) -> tuple[int, int]:
    return sum(row["count"] for row in rows), sum(row["bytes"] for row in rows)


def said(fixture: Stopped, key: str) -> dict[str, tuple[int, int]]:
    return {name: (int(count), int(size)) for name, count, size in fixture.said(key)}


def check_types(report: dict[str, Any], fixture: Stopped, key: str) -> None:
    wrong = [f"{name}: {expected}, reported {[(row['type'], row['count'], row['bytes'], row['certainty']) for row in rows_of(report, name)]}"
             for name, expected in said(fixture, key).items() if figures(rows_of(report, name)) != expected]
    assert not wrong, f"blocks, bytes:{few(wrong)}"


def check_certainty(report: dict[str, Any], fixture: Stopped) -> None:
    """What declared pointers and vtables tell is no guess."""
    assert all(row["certainty"] in CERTAINTIES or row["certainty"] for row in report["types"]), "every row has its certainty"
    guessed = [row for name in said(fixture, "type") for row in rows_of(report, name) if "guess" in str(row["certainty"])]
    assert not guessed, f"only guesses:{few(guessed)}"


def check_hidden(report: dict[str, Any], fixture: Stopped) -> None:
    """Another name than the right one must not be said to be certain, nor the right one of more blocks than there are."""
    for name, (count, size) in said(fixture, "hidden").items():
        told = figures(rows_of(report, name))
        assert told[0] <= count and told[1] <= size, f"{name}: {count} blocks are there, {told[0]} reported"


def check_union(report: dict[str, Any], fixture: Stopped) -> None:
    """A guess, of as many blocks as there are; what nothing tells from the others has no type."""
    check_types(report, fixture, "union")
    certainties = {row["certainty"] for name in said(fixture, "union") for row in rows_of(report, name)}
    assert certainties == {"guess"}, certainties
    for name in said(fixture, "union-bare"):
        assert not rows_of(report, name), rows_of(report, name)


def check_coverage(report: dict[str, Any], core: Path, fixture: Stopped) -> None:
    coverage, whole = report["coverage"], analyze(core, fixture.program)
    assert sorted(coverage) == sorted(CERTAINTIES), coverage
    blocks, size = (sum(coverage[one][key] for one in CERTAINTIES) for key in ("blocks", "bytes"))
    there = whole["in_use"]["program"], whole["in_use"]["runtime"]
    assert blocks == sum(one["blocks"] for one in there), f"{coverage}; in use are {there}"
    assert size == sum(one["bytes"] for one in there), f"{coverage}; in use are {there}"


def check_held_by(report: dict[str, Any], core: Path, fixture: Stopped) -> None:
    """Each block that is the program's is held by one: what has debug info, mostly by variables; without, by places of words."""
    program = analyze(core, fixture.program)["in_use"]["program"]

    def check(held: dict[str, Any]) -> None:
        for key in ("blocks", "bytes"):
            assert sum(held[one][key] for one in ("variables", "places", "nothing")) == program[key], f"{held}; in use are {program}"

    held = report["held_by"]
    check(held)
    lost = sum(size for _, size in said(fixture, "lost").values())
    assert held["nothing"]["bytes"] <= program["bytes"] / 100 + lost, f"{held}; lost are {lost}"
    assert held["variables"]["bytes"] >= held["places"]["bytes"], held
    assert "Held by variables: " in succeed("types", core, fixture.program, statuses=(0, 3)).out


def check_rows(report: dict[str, Any]) -> None:
    blocks, size = figures(report["types"])
    coverage = report["coverage"]
    assert blocks <= sum(coverage[one]["blocks"] for one in CERTAINTIES), f"{blocks} in rows; {coverage}"
    assert size <= sum(coverage[one]["bytes"] for one in CERTAINTIES), f"{size} in rows; {coverage}"
    sizes = [row["bytes"] for row in report["types"]]
    assert sizes == sorted(sizes, reverse=True), f"most bytes first: {sizes[:20]}"


def check_share(report: dict[str, Any], least: float, kinds: tuple[str, ...]) -> None:
    coverage = report["coverage"]
    for key in ("blocks", "bytes"):
        share = sum(coverage[one][key] for one in kinds) / sum(coverage[one][key] for one in CERTAINTIES)
        assert share >= least, f"{share:.1%} of the {key} are {', '.join(kinds)}, should be {least:.0%}: {coverage}"


# Pointers of containers-c that lead to blocks: gdb tells where, and to what.
BLOCKS = ("g_server", "g_server->index", "g_tasks.tqh_first", "g_packets.stqh_first", "g_timers.lh_first", "g_messages.sqh_first",
          "g_work.head", "g_work.tail", "g_any_device")


def block_at(core: Path, fixture: Stopped, address: str, *options: str) -> dict[str, Any]:
    return report_of(succeed("block", core, fixture.program, address, "--json", *options, statuses=(0, 3)))


def check_blocks(core: Path, fixture: Stopped) -> None:
    """`block` tells the type that gdb has for the pointer that leads there, and the path is one that gdb can go, too."""
    said = gdb_says(core, fixture.program, *(command for name in BLOCKS for command in (f"output/x (long) {name}", f"whatis *{name}")))
    for name, address, what in zip(BLOCKS, said[::2], said[1::2]):
        told = block_at(core, fixture, address)["type"]
        assert told is not None and told["name"] == re.sub("type = (struct )?", "", what), f"{name}, {what}: {told}"
        assert told["certainty"] == ("deduced" if name == "g_any_device" else "certain"), f"{name}: {told}"
        assert told["path"], f"{name}: {told}"
        assert block_at(core, fixture, address, "--no-types")["type"] is None, f"{name}, without types"
        assert f"{told['name']}, {told['certainty']}" in succeed("block", core, fixture.program, address, statuses=(0, 3)).out
    told = block_at(core, fixture, gdb_says(core, fixture.program, "output/x (long) g_server->track.data")[0])["type"]
    assert told == {"name": "points buffer", "certainty": "certain", "path": "g_server->track"}, told


def instances(core: Path, fixture: Stopped, name: str, *options: Any) -> dict[str, Any]:
    return report_of(succeed("types", core, fixture.program, "--instances", name, "--json", *options, statuses=(0, 3)))


def chosen(core: Path, fixture: Stopped, *options: Any) -> tuple[int, int]:
    """Blocks and bytes that chunks lists."""
    lines = [json.loads(line) for line in succeed("chunks", core, fixture.program, "--json", "--limit", "0", *options, statuses=(0, 3)).out.splitlines()]
    return len(lines), sum(line["size"] for line in lines)


def check_instances(report: dict[str, Any], core: Path, fixture: Stopped, many: bool) -> None:
    """Of each row there are as many instances as it says, by what the program says as well; chunks filters alike. MANY: of so many rows."""
    names = [row["type"] for row in report["types"]]
    asked = [name for name in dict.fromkeys(names) if plain(name) in said(fixture, "type")][:4 if many else 1] + \
        [name for name in names if name.startswith(("lib", "ld.so", "? "))][:2 if many else 1]
    assert asked, names
    for name in asked:
        expected = figures([row for row in report["types"] if row["type"] == name])
        told = instances(core, fixture, name, "--limit", "0")
        assert (told["count"], told["bytes"]) == expected, f"{name}: {expected}, there are {told['count'], told['bytes']}"
        assert (len(told["instances"]), sum(one["size"] for one in told["instances"])) == expected, name
        assert chosen(core, fixture, "--type", name) == expected, name
        sizes = [(-one["size"], int(one["address"], 16)) for one in told["instances"]]
        assert sizes == sorted(sizes), f"{name}: largest first"
        few_told = instances(core, fixture, name, "--limit", "2", "--sort", "address")
        assert few_told["count"] == expected[0], name
        assert [one["address"] for one in few_told["instances"]] == sorted((one["address"] for one in told["instances"]), key=lambda one: int(one, 16))[:2]


def check_names_of_types(core: Path, fixture: Stopped) -> None:
    """A type may be written in other ways, if only one is meant."""
    whole = instances(core, fixture, "app::Leaf")
    assert whole["count"] > 1 and instances(core, fixture, "Leaf")["count"] == instances(core, fixture, "struct app::Leaf")["count"] == whole["count"]
    assert [one for one in whole["instances"] if "weight = " in (one["value"] or "")], whole["instances"][:3]
    for name in ("eaf", "no such type"):
        done = heapcore("types", core, fixture.program, "--instances", name)
        assert done.status == 2 and not done.out and name in done.err, done
    assert "app::Leaf" in heapcore("types", core, fixture.program, "--instances", "eaf").err
    assert heapcore("chunks", core, fixture.program, "--owner", "no such path").status == 2


def check_chosen_by_owner(core: Path, fixture: Stopped, *options: Any) -> None:
    """What hangs on a path is what owners says it holds."""
    rows = report_of(succeed("owners", core, fixture.program, "--json", "--no-retained", "--min", "0", "--depth", "4", statuses=(0, 3)))["rows"]
    alone = [row for row in rows if [one["path"] for one in rows].count(row["path"]) == 1][:6]
    assert len(alone) > 2, rows
    for row in alone:
        told = chosen(core, fixture, "--owner", row["path"])
        assert told == (row["blocks"], row["bytes"]), f"{row['path']}: {row['blocks'], row['bytes']}, chosen are {told}"
    largest = alone[0]
    least = chosen(core, fixture, "--owner", largest["path"], "--min", "64")
    assert least[0] <= largest["blocks"] and chosen(core, fixture, "--owner", largest["path"], "--state", "top") == (0, 0)


def run_all(label: str, program: str, arguments: tuple[str, ...], least: float, kinds: tuple[str, ...] = SURE, *, many: bool = False) -> None:
    with Stopped(program, arguments, SMALL_CORE, recorder=False) as fixture:
        core = fixture.gcore()
        reports: list[dict[str, Any]] = []
        cases.run(f"{label}: command", lambda: reports.append(types(core, fixture.program)))
        if not reports:
            return
        report, = reports
        cases.run(f"{label}: types", check_types, report, fixture, "type")
        if fixture.said("lost"):
            cases.run(f"{label}: lost", check_types, report, fixture, "lost")
        cases.run(f"{label}: certainty", check_certainty, report, fixture)
        cases.run(f"{label}: hidden", check_hidden, report, fixture)
        if fixture.said("union"):
            cases.run(f"{label}: union", check_union, report, fixture)
        cases.run(f"{label}: coverage", check_coverage, report, core, fixture)
        cases.run(f"{label}: held by", check_held_by, report, core, fixture)
        cases.run(f"{label}: rows", check_rows, report)
        cases.run(f"{label}: share", check_share, report, least, kinds)
        cases.run(f"{label}: instances", check_instances, report, core, fixture, many)
        cases.run(f"{label}: by owner", check_chosen_by_owner, core, fixture)
        if "typed" in Path(program).name:
            cases.run(f"{label}: names", check_names_of_types, core, fixture)
        if program == "containers-c":
            cases.run(f"{label}: blocks", check_blocks, core, fixture)


def run_variant(variant: Variant, builder: Builder, many: bool) -> None:
    typed, program, library = (builder.program(variant, "typed"), builder.program(variant, "containers"),
                               builder.library(variant, "containers-library"))
    cases.run(f"{variant.name}: builds", lambda: (typed.result(), program.result(), library.result()))
    if any(one.exception() for one in (typed, program, library)):
        return
    run_all(f"{variant.name}, typed", str(typed.result()), (), 0.85, many=many)
    run_all(f"{variant.name}, containers", str(program.result()), (f"library={library.result()}",), 0.95, many=many)


if __name__ == "__main__":
    cases = Cases(__doc__)
    if not cases.options.list:
        only_here()
        with Workspace() as built, Builder(built) as one_builder:
            unpack_debug_info(built / "debug")
            for number, one_variant in enumerate(one for one in VARIANTS if one.here):
                run_variant(one_variant, one_builder, many=not number)  # what a list has does not depend on the compiler
            run_all("c", "containers-c", (), 0.95, CERTAINTIES[:3], many=True)  # known by their shape
    cases.finish()
