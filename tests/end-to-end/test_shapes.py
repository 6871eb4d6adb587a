#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers without debug info: as many, with as many elements, as fixtures/shapes.cpp says, and as its types tell.

One core is looked at with the program as it was built, without its debug info (strip -g), and without symbols (strip): what the
shapes say is compared with what the program says, and with what the types say of the container at the same address. Decoys, which
are a container but for one link, count or byte, must be none. Of a program of deques of strings nearly every block is known.
Of one that has very many heads of containers, each of which costs much and is none, the cost does not grow with the square.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from harness import Cases, Stopped, Workspace, few, fixture_path, need_captures, report_of, succeed
from test_nameless import names, root_of, strip

Row = dict[str, Any]
BUILT = fixture_path("shapes")
HOSTILE_SECONDS = 30  # it takes one or two; if each head was walked to its end, minutes
KNOWN_SHARE = 0.9993  # of the blocks of a program of deques of strings: chap knows 8,505 of 8,511


def containers(core: Path, program: Path) -> list[Row]:
    return report_of(succeed("containers", core, program, "--json", "--limit", "0", statuses=(0, 3)))["containers"]


def is_at(row: Row, program: Path, variable: str, rest: str, with_symbols: bool) -> bool:
    """Whether the path of ROW is VARIABLE, as PROGRAM has its name, and REST."""
    path = row["path"]
    begin = path[:len(path) - len(rest)]
    return path.endswith(rest) and begin == root_of(begin) and names(program, BUILT, variable, with_symbols, begin)


def check_manifest(fixture: Stopped, core: Path, folder: Path, with_symbols: bool) -> None:
    program = strip(BUILT, folder, *(("-g",) if with_symbols else ()))
    rows = containers(core, program)
    wrong = []
    for kind, variable, *rest, count, elements in fixture.said("shape"):
        place = rest[0] if rest else ""
        found = [row for row in rows if row["kind"] == kind and is_at(row, program, variable, place, with_symbols)]
        told = [(row["count"], row["elements"], row["certainty"]) for row in found]
        if told != [(int(count), int(elements), "deduced")]:
            wrong.append(f"{kind} {variable}{place}: {told}, not {count} with {elements}")
    shapes = [row for row in rows if row["is_shape"]]
    if any(row["certainty"] == "certain" for row in shapes):
        wrong.append("a shape is certain")
    # The keys of g_by_name are strings; of g_hash only what they are mapped to is.
    keys = {variable: [row["key_shape"] for row in rows if row["kind"] == "hash-map-like" and is_at(row, program, variable, "", with_symbols)]
            for variable in ("g_by_name", "g_hash")}
    if keys != {"g_by_name": ["key-that-is-long-enough-#"], "g_hash": [None]}:
        wrong.append(f"keys: {keys}")
    local = [row for row in shapes if row["kind"] == "map-like" and row["where"].startswith(("frame", "main()"))]
    if not local:
        wrong.append(f"no local map: {[(row['path'], row['where']) for row in shapes if 'stack' in row['path']]}")
    for (variable,) in fixture.said("decoy"):
        taken = [row for row in rows if names(program, BUILT, variable, with_symbols, row["path"].partition("->")[0].partition("[")[0])]
        if any(row["certainty"] != "guess" for row in taken):
            wrong.append(f"{variable} is no {taken[0]['kind']}")
    assert not wrong, few(wrong)


def check_parts(fixture: Stopped, core: Path, folder: Path, with_symbols: bool) -> None:
    """Where an element may be several of what shows, as many as that is a bound, and told as one."""
    program = strip(BUILT, folder, *(("-g",) if with_symbols else ()))
    rows, told = containers(core, program), {}
    expected = {variable: (int(parts), int(elements)) for variable, parts, elements in fixture.said("parts")}
    for variable in expected:
        told[variable] = [(row["elements"], row["grade"], row["grades"]["exact"]) for row in rows
                          if row["kind"] in ("vector-like", "deque-like") and is_at(row, program, variable, "", with_symbols)]
    right = {variable: [(parts, "exact", 1) if variable.startswith("g_odd") else (parts, "bound", 0)]
             for variable, (parts, elements) in expected.items()}
    assert told == right, (told, right)


def check_room(fixture: Stopped, core: Path, folder: Path, with_symbols: bool) -> None:
    """Strings hold their texts; not what addresses lead to that are left over in them."""
    program = strip(BUILT, folder, *(("-g",) if with_symbols else ()))
    rows = report_of(succeed("owners", core, program, "--json", "--min", "0", "--depth", "1", statuses=(0, 3)))["rows"]
    right = {variable: [int(size)] for variable, size in fixture.said("room")}
    told = {variable: [row["bytes"] for row in rows if is_at(row, program, variable, "", with_symbols)] for variable in right}
    assert told == right, (told, right)


def check_types_agree(core: Path, folder: Path) -> None:
    """Single containers, by their address."""
    typed = {row["address"]: row for row in containers(core, BUILT) if row["count"] == 1 and row["elements"]}
    shapes = [row for row in containers(core, strip(BUILT, folder)) if row["is_shape"] and row["count"] == 1 and row["elements"]]
    wrong, compared = [], 0
    for row in shapes:
        if row["address"] in typed:
            compared += 1
            for key in ("elements", "bytes_own", "blocks_own"):
                is_bound = key == "elements" and row["grade"] == "bound"
                if is_bound and row[key] % typed[row["address"]][key] == 0:
                    continue
                if row[key] != typed[row["address"]][key]:
                    wrong.append(f"{row['path']}: {key} {row[key]}, not {typed[row['address']][key]} of {typed[row['address']]['path']}")
    assert compared >= 14 and not wrong, f"{compared} compared; {few(wrong)}"


def check_deques(folder: Path) -> None:
    with Stopped(str(strip(BUILT, folder)), ["deques"]) as fixture:
        core = fixture.gcore()
        rows = report_of(succeed("types", core, "--json", "--limit", "0", statuses=(0, 3)))
        coverage = rows["coverage"]
        blocks = sum(share["blocks"] for share in coverage.values())
        unknown = coverage["unknown"]["blocks"]
        assert blocks > 1000 and (blocks - unknown) / blocks > KNOWN_SHARE, f"{unknown} of {blocks} are unknown: {json.dumps(coverage)}"


def check_hostile(folder: Path) -> None:
    with Stopped(str(strip(BUILT, folder)), ["hostile"]) as fixture:
        core = fixture.gcore()
        start = time.monotonic()
        rows = report_of(succeed("containers", core, "--json", "--limit", "0", statuses=(0, 3)))["containers"]
        assert time.monotonic() - start < HOSTILE_SECONDS, f"{time.monotonic() - start:.0f} s"
        assert not any(row["kind"] in ("map-like", "hash-map-like") for row in rows), few(rows)


def main() -> None:
    need_captures()
    cases = Cases(__doc__)
    with tempfile.TemporaryDirectory() as name, Stopped(str(BUILT)) as fixture:
        folder = Path(name)
        core = fixture.gcore()
        cases.run("symbols", lambda: check_manifest(fixture, core, folder, True))
        cases.run("stripped", lambda: check_manifest(fixture, core, folder, False))
        cases.run("parts of elements", lambda: check_parts(fixture, core, folder, True))
        cases.run("parts of elements, stripped", lambda: check_parts(fixture, core, folder, False))
        cases.run("left over in strings", lambda: check_room(fixture, core, folder, True))
        cases.run("left over in strings, stripped", lambda: check_room(fixture, core, folder, False))
        cases.run("types agree", lambda: check_types_agree(core, folder))
        cases.run("deques of strings", lambda: check_deques(folder))
        cases.run("hostile heads", lambda: check_hostile(folder))
    cases.finish()


if __name__ == "__main__":
    main()
