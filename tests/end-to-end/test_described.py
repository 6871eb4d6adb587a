#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers that the user describes: the example of docs/containers.md, taken from the page, and annotations."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Optional

from harness import SOURCE, Cases, Result, Stopped, Workspace, heapcore, report_of, succeed

OWN = """\
[hidden stack]
match = stack
kind = contiguous
data = u64(&this)
count = u64(&this + 8)
capacity = u64(&this + 16)
elem_size = 72

[annotate]
g_stack = elem=struct job; as=hidden stack
scheduler.tasks = elem=struct task; link=siblings
"""

# A table in pieces, and keys in which there is nothing to look at.
PIECES = """\
[numbers]
match = numbers
kind = buckets
elem = typeof((*pieces[0])->number)
node = numbered
table = &pieces
buckets = 24
stride = 0
first = word(word(&pieces + index / 8 * 8) + index % 8 * 8)
next = next
value = 8
mapped = 16
mapped_elem = typeof((*pieces[0])->label)
count = this.count
index1 = pieces[0]
index2 = pieces[1]
index3 = pieces[2]
"""


def example() -> str:
    found = re.search(r"```ini\n(\[job queue\]\n.*?)```", (SOURCE / "docs" / "containers.md").read_text(), re.S)
    assert found, "the page has no example"
    return found.group(1)


def containers(core: Path, *files: Path) -> list[dict[str, Any]]:
    options = [option for file in files for option in ("--containers", str(file))]
    return report_of(succeed("containers", core, *options, "--json", "--limit", "0", statuses=(0, 3)))["containers"]


def find(rows: list[dict[str, Any]], path: str) -> Optional[dict[str, Any]]:
    return next((row for row in rows if row["path"].lstrip("*").replace("->", ".") == path), None)


def check(row: Optional[dict[str, Any]], elements: int, own: int, capacity: Optional[int] = None) -> None:
    assert row is not None, "is not listed"
    assert (row["elements"], row["bytes_own"]) == (elements, own), row
    assert capacity is None or row["capacity"] == capacity, row


def check_example(core: Path, process: Stopped, folder: Path) -> None:
    file = folder / "queue.containers"
    file.write_text(example())
    waiting, room, own = map(int, process.said("queue")[0])
    jobs = int(process.said("jobs")[0][1])
    row = find(containers(core, file), "g_queue")
    check(row, waiting, own, room)
    assert row and row["bytes_below"] == own + jobs, row


def check_annotations(core: Path, process: Stopped, folder: Path) -> None:
    file = folder / "own.containers"
    file.write_text(OWN)
    rows = containers(core, file)
    count, room, own = map(int, process.said("stack")[0])
    check(find(rows, "g_stack"), count, own, room)
    count, own = map(int, process.said("tasks")[0])
    check(find(rows, "g_scheduler.tasks"), count, own)


def check_pieces(core: Path, process: Stopped, folder: Path) -> None:
    file = folder / "pieces.containers"
    file.write_text(PIECES)
    count, own = map(int, process.said("numbers")[0])
    labels, below = map(int, process.said("labels")[0])
    row = find(containers(core, file), "g_numbers")
    check(row, count, own)
    assert row and row["bytes_below"] == own + below, row
    report = report_of(succeed("types", core, "--containers", file, "--json", "--limit", "0", statuses=(0, 3)))
    told = [(row["count"], row["bytes"], row["certainty"]) for row in report["types"] if row["type"] == "label"]
    assert told == [(labels, below, "certain")], f"of {labels} labels: {told}"
    file.write_text(PIECES.replace("first = ", "unused = ").replace("kind = buckets", "kind = buckets\ncheck1 = unused || 1"))
    assert not (find(containers(core, file), "g_numbers") or {}).get("walked"), "slots of no size, and none found by number"


def check_without(core: Path) -> None:
    rows = containers(core)
    assert find(rows, "g_scheduler.tasks") is None, "a list_head in a struct could be a link"
    assert find(rows, "g_stack") is None, "is told without a description"


def check_mistake(core: Path, folder: Path) -> None:
    file = folder / "mistake.containers"
    file.write_text("[queue]\nmatch = job_queue\nkind = contiguous\ndata = slots +\ncount = 1\n")
    result = heapcore("containers", core, "--containers", file)
    assert result.status == 2, result
    for part in (str(file), "[queue] data", "column 8"):
        assert part in result.err, result


def untold(result: Result) -> dict[str, Any]:
    """A report without what it says of how it was made."""
    report = report_of(result)
    return {key: value for key, value in report.items() if key not in ("diagnostics", "timings")}


def own_files(folder: Path, name: str) -> Path:
    home = folder / name
    (home / ".config" / "heapcore").mkdir(parents=True)
    return home


def check_unreadable(core: Path, folder: Path) -> None:
    """What is in the user's own folder, and cannot be read, is told; all else is as if it were not there, and what can be read counts."""
    def asked(home: Path, *more: str) -> Result:
        return heapcore("containers", core, "--json", "--limit", "0", *more, environment={"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")})

    def told(result: Result) -> list[str]:
        assert result.status in (0, 3), result
        return [one["example"] for one in report_of(result)["diagnostics"] if one["id"] == "descriptions-unread"]

    without = asked(folder / "nobody")
    assert not told(without), without
    no_folder = own_files(folder, "no-folder")
    (no_folder / ".config" / "heapcore" / "containers").write_text("not a folder")
    pipe = own_files(folder, "pipe")
    described = pipe / ".config" / "heapcore" / "containers"
    described.mkdir()
    os.mkfifo(described / "a.containers")
    for home, what in ((no_folder, "Not a directory"), (pipe, "a.containers: not a regular file")):
        result = asked(home)
        assert result.status == without.status and len(told(result)) == 1 and what in told(result)[0], result
        assert untold(result) == untold(without), "something else is said"
        assert "descriptions of containers of your own could not be read" in " ".join(heapcore(
            "containers", core, "-v", environment={"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}).out.split())
    (described / "b.containers").write_text(OWN)
    result = asked(pipe)
    assert len(told(result)) == 1 and untold(result) != untold(without), "the other file was not read"
    asked_for = asked(pipe, "--containers", str(described / "a.containers"))
    assert asked_for.status == 2 and "not a regular file" in asked_for.err, asked_for
    (described / "b.containers").write_text("[queue]\nmatch = job_queue\nkind = contiguous\ndata = slots +\ncount = 1\n")
    mistaken = asked(pipe)
    assert mistaken.status == 2 and "b.containers" in mistaken.err and "column 8" in mistaken.err, mistaken


def check_unreadable_allocators(core: Path, folder: Path) -> None:
    """The same of the names of functions that allocate."""
    told = {}
    for name, make in (("none", None), ("folder", Path.mkdir), ("pipe", os.mkfifo)):
        home = own_files(folder, f"allocators-{name}")
        if make:
            make(home / ".config" / "heapcore" / "allocators")
        result = heapcore("leaks", core, "--json", environment={"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")})
        assert result.status in (0, 3), result
        told[name] = [one["example"] for one in report_of(result)["diagnostics"] if one["id"] == "allocators-unread"]
    assert not told["none"] and "Is a directory" in told["folder"][0] and "not a regular file" in told["pipe"][0], told


def main() -> None:
    cases = Cases(__doc__)
    with Workspace() as folder, Stopped("described") as process:
        core = process.gcore()
        cases.run("the example of the page", check_example, core, process, folder)
        cases.run("annotations", check_annotations, core, process, folder)
        cases.run("a table in pieces", check_pieces, core, process, folder)
        cases.run("without descriptions", check_without, core)
        cases.run("a mistake", check_mistake, core, folder)
        cases.run("files that cannot be read", check_unreadable, core, folder)
    with Workspace() as folder, Stopped("leak-kinds") as process:
        cases.run("names of allocators that cannot be read", check_unreadable_allocators, process.gcore(), folder)
    cases.finish()


main()
