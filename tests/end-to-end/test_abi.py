#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""heapcore abi: two versions of one library in a process: each class that differs, as the compiler has it, and no other; and what it did to the heap;
functions that are called by other declarations than they are defined with."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Optional

from harness import Cases, PATIENCE, ROOT, Skipped, Stopped, Workspace, analyze, few, heapcore, inside, library_path, report_of

NEW, OLD = library_path("trails-new"), library_path("trails-old")
HALVES_NEW, HALVES_OLD = library_path("halves-new"), library_path("halves-old")
SIGNATURES = [library_path("signatures-defined"), library_path("signatures-called")]
# Of each function that signatures-called.c declares otherwise: how many parameters it is defined and declared with; of those that differ the number,
# from 0 on, and their sizes in the definition and the declaration.
DECLARED: dict[str, tuple[int, int, list[tuple[int, Optional[int], Optional[int]]]]] = {
    "other_more": (3, 2, [(2, 8, None)]),
    "other_fewer": (1, 2, [(1, None, 4)]),
    "other_wider": (2, 2, [(1, 8, 4)]),
    "other_pointer": (2, 2, [(1, 8, 8)]),
    "other_fraction": (2, 2, [(1, 8, 4)]),
    "other_number": (1, 1, [(0, 8, 8)]),
    "other_whole": (1, 1, [(0, 16, 24)]),
    "other_none": (0, 1, [(0, None, 8)]),
}
# ... and of those that it declares alike.
DECLARED_ALIKE = {"same_all", "same_names", "same_base", "same_either"}
# What differs: part and name, and which side has it: the newer one's layout comes first of classes, by size or number of members.
CHANGES: dict[str, set[tuple[str, str, bool, bool]]] = {
    "trail": {("member", "tags", True, False), ("member", "raw", True, False)},
    "note": {("member", "flags", True, False)},
    "record": {("member", "flags", True, False), ("member", "more", True, False)},
    "swapped": {("member", "height", True, True), ("member", "width", True, True)},
    "resized": {("member", "length", True, True)},
    "based": {("base", "trails::second_base", True, False), ("base", "trails::first_base", True, True),
              ("member", "own", True, True), ("member", "other", True, True), ("member", "third", True, True)},
    "steps": {("function", "between", True, False), ("function", "last", True, True)},
    "bits": {("member", "kind", True, True), ("member", "rest", True, True)},
    "colour": {("enumerator", "colour_green", True, True), ("enumerator", "colour_blue", True, True)},
    "mixed": {("member", "name", True, True)},
    "unnamed": {("member", "second", True, False), ("member", "text", True, True), ("member", "last", True, True)},
}
ONE_LAYOUT = {"same", "renamed"}
ENUMS = {"colour"}
WITH_FUNCTIONS = {"trail", "steps"}


def abi(core: Path, *arguments: Any) -> tuple[int, dict[str, Any]]:
    result = heapcore("abi", core, *arguments, "--json", "--limit", "0")
    assert result.status in (0, 1, 3), result
    return result.status, report_of(result)


def trails(new: Path, old: Path, *more: str) -> Stopped:
    return Stopped("trails", [f"new={inside(new)}", f"old={inside(old)}", *more], recorder=False)


def by_name(report: dict[str, Any], kind: str = "") -> dict[str, dict[str, Any]]:
    found = {one["name"].removeprefix("trails::"): one for one in report["differences"] if kind in ("", one["kind"])}
    assert len(found) == len(report["differences"]) or kind, f"each once:{few(one['name'] for one in report['differences'])}"
    return found


def check_names(report: dict[str, Any], fixture: Stopped) -> None:
    said = {name.removeprefix("trails::") for name, _ in fixture.said("new")}
    assert said == set(CHANGES) | ONE_LAYOUT
    told = by_name(report)
    assert set(told) == set(CHANGES), f"not told: {set(CHANGES) - set(told)}; too much: {set(told) - set(CHANGES)}"
    for name, one in told.items():
        assert one["kind"] == ("enum" if name in ENUMS else "class"), one
        assert one["same"] == ("linkage" if name in WITH_FUNCTIONS else "file"), one
    assert report["difference_count"] == len(CHANGES) and report["unrelated"] == 1, f"private_node is two files' own: {report}"


def check_sides(report: dict[str, Any], fixture: Stopped) -> None:
    """Sizes are those that each version's sizeof gives."""
    sizes = {way: {name.removeprefix("trails::"): int(size) for name, size in fixture.said(way)} for way in ("new", "old")}
    for name, one in by_name(report).items():
        modules = [side["module"] for side in one["sides"]]
        new = modules.index(NEW.name)
        assert new == 0 or sizes["new"][name] == sizes["old"][name], one
        assert one["sides"][new]["size"] == sizes["new"][name] and one["sides"][1 - new]["size"] == sizes["old"][name], one
        assert OLD.name in one["sides"][1 - new]["modules"] and one["sides"][new]["modules"] == [NEW.name], one
        assert all(Path(side["declared"]).name == "trails.h" and side["line"] for side in one["sides"]), one


def check_changes(report: dict[str, Any]) -> None:
    for name, one in by_name(report).items():
        new = [side["module"] for side in one["sides"]].index(NEW.name)
        told = {(change["part"], change["name"], change["sides"][new] is not None, change["sides"][1 - new] is not None)
                for change in one["changes"]}
        assert told == CHANGES[name], f"{name}: {told ^ CHANGES[name]}"


def offsets_by_gdb(library: Path, members: list[tuple[str, str]]) -> list[tuple[int, int]]:
    commands = [text for kind, member in members for text in (f"print (unsigned long) &(('trails::{kind}' *) 0)->{member}",
                                                              f"print sizeof (('trails::{kind}' *) 0)->{member}")]
    out = subprocess.run(["gdb", "-q", "-batch", *(word for one in commands for word in ("-ex", one)), str(library)], text=True,
                         stdout=subprocess.PIPE, timeout=PATIENCE, check=True).stdout
    numbers = [int(line.split("=")[1], 0) for line in out.splitlines() if line.startswith("$")]
    assert len(numbers) == 2 * len(members), out
    return list(zip(numbers[::2], numbers[1::2]))


def check_offsets(report: dict[str, Any]) -> None:
    """Places of members, by gdb."""
    if shutil.which("gdb") is None:
        raise Skipped("gdb is not installed")
    asked: dict[Path, list[tuple[str, str, tuple[int, int]]]] = {NEW: [], OLD: []}
    for name, one in by_name(report, "class").items():
        for index, side in enumerate(one["sides"]):
            for change in one["changes"]:
                place = change["sides"][index]
                if change["part"] == "member" and place is not None and not place["bit_size"]:
                    asked[NEW if side["module"] == NEW.name else OLD].append((name, change["name"], (place["offset"], place["size"])))
    for library, members in asked.items():
        assert len(members) >= 6, members
        for (name, member, told), real in zip(members, offsets_by_gdb(library, [(kind, member) for kind, member, _ in members])):
            assert told == real, f"{library.name}: {name}::{member} is {told}, by gdb {real}"


def check_heap(report: dict[str, Any], fixture: Stopped) -> None:
    told = by_name(report)
    ((lost_blocks, lost_bytes),), ((live,),), ((records,),) = (fixture.said(key) for key in ("lost", "live", "records"))
    trail = told["trail"]
    assert trail["objects"]["blocks"] == int(live) == trail["sides"][0]["fits"]["blocks"], trail
    assert trail["sides"][1]["fits"]["blocks"] == 0, trail
    blocks = sum(amount["blocks"] for amount in trail["lost"].values())
    size = sum(amount["bytes"] for amount in trail["lost"].values())
    # Some objects' memory has been used again; but never is it more than was lost.
    assert 0.9 * int(lost_blocks) <= blocks <= int(lost_blocks), f"{lost_blocks} were lost: {trail['lost']}"
    assert 0.9 * int(lost_bytes) <= size <= int(lost_bytes), f"{lost_bytes} bytes were lost: {trail['lost']}"
    assert set(trail["holders"]) == {"tags", "raw"} and trail["holder_side"] == 0, trail
    assert '"raw" and "tags" hold' in trail["text"] and OLD.name in trail["text"], trail["text"]
    record = told["record"]
    assert record["objects"]["blocks"] == int(records), record
    assert 0 < record["sides"][1]["fits"]["blocks"] <= int(records) and record["sides"][0]["fits"]["blocks"] == 0, record
    for name, one in told.items():
        if name != "trail":
            assert all(amount["blocks"] == 0 for amount in one["lost"].values()) and not one["holders"], one


def check_finding(core: Path, fixture: Stopped) -> None:
    """analyze says so first, before what only tells that blocks are lost."""
    findings = [one for one in analyze(core, fixture.program)["findings"] if one["kind"] in ("two-layouts", "lost")]
    ((lost_blocks, lost_bytes),) = fixture.said("lost")
    (told,) = [one for one in findings if one["kind"] == "two-layouts"]
    assert told["facts"]["name"] == "trails::trail" and set(told["facts"]["holders"]) == {"tags", "raw"}, told
    assert 0.9 * int(lost_blocks) <= told["blocks"] <= int(lost_blocks) and told["bytes"] <= int(lost_bytes), told
    assert NEW.name in told["text"] and OLD.name in told["text"] and told["command"].startswith("heapcore abi "), told


def check_story() -> None:
    """Two files of one library that disagree: what is lost hangs on the member that one of them does not know, to the byte."""
    library = library_path("libpackets")
    with Stopped("stories/versions", [f"library={inside(library)}"], recorder=False) as fixture:
        fixture.go_on()
        core = fixture.gcore()
        (blocks, size), = [(int(one[2]), int(one[3])) for one in fixture.said("cause") if one[0] == "lost"]
        first = analyze(core, fixture.program)["findings"][0]
        assert (first["kind"], first["blocks"], first["bytes"]) == ("two-layouts", blocks, size), first
        assert first["facts"]["name"] == "packet" and first["facts"]["holders"] == ["extension"], first
        for word in ("packets-new.c of libpackets.so", "packets-old.c of libpackets.so", "24 bytes", "32 bytes", '"extension"'):
            assert word in first["text"], f"{word}: {first['text']}"


def check_text(core: Path, fixture: Stopped) -> None:
    plain = heapcore("abi", core, fixture.program)
    assert plain.status == 1 and all(f"trails::{name}\n" in plain.out for name in CHANGES), plain
    first = heapcore("abi", core, fixture.program, "--limit", "1")
    assert first.status == 1 and "trails::trail\n" in first.out and "trails::note\n" not in first.out, first


def check_overrun() -> None:
    with trails(NEW, OLD, "overrun") as fixture:
        _, report = abi(fixture.gcore(), fixture.program)
        assert by_name(report)["record"]["overrun"] >= 1, by_name(report)["record"]
        assert all(one["overrun"] == 0 for name, one in by_name(report).items() if name != "record"), report


def check_one_version() -> None:
    """The same library twice: nothing differs."""
    with Workspace() as folder:
        again = folder / "again.so"
        shutil.copy(OLD, again)
        with Stopped("containers-glib", recorder=False, preload=[OLD, again]) as fixture:
            status, report = abi(fixture.gcore(), fixture.program)
            assert (status, report["differences"], report["unrelated"]) == (0, [], 0), json.dumps(report)[:2000]
            assert report["modules"] >= 2 and report["names"] >= len(CHANGES), report


def check_stripped() -> None:
    """Without debug info vtables have a length."""
    if shutil.which("objcopy") is None:
        raise Skipped("objcopy is not installed")
    if ROOT != Path("/"):
        raise Skipped("libraries are of another root")
    with Workspace() as folder:
        libraries = [folder / name for name in ("stripped-new.so", "stripped-old.so")]
        for library, stripped in zip((NEW, OLD), libraries):
            subprocess.run(["objcopy", "--strip-debug", str(library), str(stripped)], check=True)
        with trails(libraries[0], libraries[1]) as fixture:
            status, report = abi(fixture.gcore(), fixture.program)
            assert status == 1, report
            told = by_name(report)
            assert set(told) == {"steps"}, told
            one = told["steps"]
            assert one["kind"] == "vtable" and [side["module"] for side in one["sides"]] == [library.name for library in libraries], one
            assert one["sides"][0]["size"] - one["sides"][1]["size"] in (4, 8), one


def halves(old: Path, *more: str) -> Stopped:
    return Stopped("halves", [f"new={inside(HALVES_NEW)}", f"old={inside(old)}", *more], recorder=False)


def sizes_said(fixture: Stopped, way: str) -> dict[str, int]:
    return {name: int(size) for name, size in fixture.said(way)}


def check_allocations(strip: str) -> None:
    """A library without debug info allocates for the header that it was built with: its code tells."""
    if shutil.which("objcopy") is None:
        raise Skipped("objcopy is not installed")
    if ROOT != Path("/"):
        raise Skipped("libraries are of another root")
    members = {"halves::logged": {"more", "even_more"}, "halves::keyed": {"extension"}}
    with Workspace() as folder:
        stripped = folder / "stripped-old.so"
        subprocess.run(["objcopy", strip, str(HALVES_OLD), str(stripped)], check=True)
        with halves(stripped) as fixture:
            core = fixture.gcore()
            status, report = abi(core, fixture.program)
            new, old = sizes_said(fixture, "new"), sizes_said(fixture, "old")
            told = {one["name"]: one for one in report["differences"]}
            assert status == 1 and set(told) == set(members), told
            for name, one in told.items():
                larger, smaller = one["sides"]
                assert (one["kind"], one["same"]) == ("allocation", "linkage"), one
                assert (larger["module"], larger["size"]) == (HALVES_NEW.name, new[name]), one
                assert (smaller["module"], smaller["size"], smaller["parts"]) == (stripped.name, old[name], None), one
                assert {change["name"] for change in one["changes"]} == members[name], one
                assert one["site"]["size"] == old[name] and one["site"]["module"] == stripped.name, one
                # Of a member of the linker's table a name is left even if all else is stripped.
                assert one["site"]["function"] == name.replace("halves::", "halves_make_"), one
                assert f"allocates {old[name]} bytes" in one["text"] and stripped.name in one["text"], one
            assert told["halves::keyed"]["objects"]["blocks"] == 40, told["halves::keyed"]
            assert abi(core, fixture.program, "--no-sites")[1]["differences"] == []


def check_damage() -> None:
    """What was written behind the end of such an object damaged the heap: analyze says so first, and why before that; check knows the block."""
    with halves(HALVES_OLD, "overrun") as fixture:
        core = fixture.gcore()
        first, second = report_of(heapcore("analyze", core, fixture.program, "--json"))["findings"][:2]
        assert (first["kind"], first["facts"]["name"], first["facts"]["overrun"]) == ("two-layouts", "halves::keyed", 1), first
        assert "halves_make_keyed" in first["text"] and first["command"].startswith("heapcore abi "), first
        assert second["kind"] == "corrupt" and second["facts"]["overwritten"], second
        checked = heapcore("check", core, fixture.program, "--json")
        places = [place for place in report_of(checked)["damage"] if not place["in_operation"]]
        assert second["facts"]["places"] == len(places) >= 1, places
        assert [place["writer"]["too_small_for"] for place in places] == ["halves::keyed"] * len(places), places


def check_described() -> None:
    """With debug info it is the classes that are compared, but for one that gcc describes in one file alone; one that is derived is no difference."""
    with halves(HALVES_OLD) as fixture:
        status, report = abi(fixture.gcore(), fixture.program)
        told = {one["name"]: one["kind"] for one in report["differences"]}
        assert status == 1 and told == {"halves::logged": "class", "halves::keyed": "allocation"}, told


def place_of(change: dict[str, Any]) -> tuple[int, Optional[int], Optional[int]]:
    (number,) = {side["offset"] for side in change["sides"] if side is not None}
    definition, declaration = (side["size"] if side is not None else None for side in change["sides"])
    return number, definition, declaration


def parameters_by_gdb(library: Path, names: list[str]) -> list[str]:
    """What gdb has of definitions: "int, const char *, long"."""
    out = subprocess.run(["gdb", "-q", "-batch", *(word for name in names for word in ("-ex", f"ptype {name}")), str(library)], text=True,
                         stdout=subprocess.PIPE, timeout=PATIENCE, check=True).stdout
    found = [line.partition("(")[2].removesuffix(")") for line in out.splitlines() if line.startswith("type = ")]
    assert len(found) == len(names), out
    return found


def check_functions() -> None:
    """Functions of C that a library calls by other declarations than they are defined with: each, and no other."""
    with Stopped("containers-glib", recorder=False, preload=SIGNATURES) as fixture:
        core = fixture.gcore()
        status, report = abi(core, fixture.program)
        told = by_name(report, "function")
        assert status == 1 and set(told) == set(DECLARED) and len(report["differences"]) == len(DECLARED), \
            f"not told: {set(DECLARED) - set(told)}; too much: {set(told) - set(DECLARED)}"
        assert report["functions"] == len(DECLARED) + len(DECLARED_ALIKE), report["summary"]
        for name, one in told.items():
            assert [side["module"] for side in one["sides"]] == [library.name for library in SIGNATURES], one
            assert [Path(side["unit"]).name for side in one["sides"]] == ["signatures-defined.c", "signatures-called.c"], one
            assert all(side["line"] and side["size"] is None for side in one["sides"]) and one["same"] == "linkage", one
            parts = [side["parts"] for side in one["sides"]]
            assert (*parts, [place_of(change) for change in one["changes"]]) == DECLARED[name], one
            assert one["text"].startswith(f"{name}(): ") and all(library.name in one["text"] for library in SIGNATURES), one["text"]
        text = heapcore("abi", core, fixture.program)
        assert text.status == 1 and f"{len(DECLARED)} functions" in text.out and all(f"\n{name}\n" in text.out for name in DECLARED), text
        if shutil.which("gdb") is None:
            raise Skipped("gdb is not installed")
        for name, parameters in zip(DECLARED, parameters_by_gdb(SIGNATURES[0], list(DECLARED))):
            count = 0 if parameters == "void" else parameters.count(",") + 1
            assert count == told[name]["sides"][0]["parts"], f"{name} takes {parameters}, by gdb; told is {told[name]['sides'][0]}"


cases = Cases(__doc__)
if not cases.options.list:
    with trails(NEW, OLD) as both:
        dumped = both.gcore()
        end, whole = abi(dumped, both.program)
        assert end == 1, whole["summary"]
        cases.run("names", check_names, whole, both)
        cases.run("sides", check_sides, whole, both)
        cases.run("changes", check_changes, whole)
        cases.run("offsets", check_offsets, whole)
        cases.run("heap", check_heap, whole, both)
        cases.run("text", check_text, dumped, both)
        cases.run("finding", check_finding, dumped, both)
cases.run("story", check_story)
cases.run("overrun", check_overrun)
cases.run("one version", check_one_version)
cases.run("stripped", check_stripped)
cases.run("allocations without debug info", check_allocations, "--strip-debug")
cases.run("allocations without symbols", check_allocations, "--strip-all")
cases.run("allocations with debug info", check_described)
cases.run("functions", check_functions)
cases.run("damage behind what is too small", check_damage)
cases.finish()
