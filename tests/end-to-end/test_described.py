#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers that the user describes: the example of docs/containers.md, taken from the page, and annotations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Optional

from harness import SOURCE, Cases, Stopped, Workspace, heapcore, report_of, succeed

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


def main() -> None:
    cases = Cases(__doc__)
    with Workspace() as folder, Stopped("described") as process:
        core = process.gcore()
        cases.run("the example of the page", check_example, core, process, folder)
        cases.run("annotations", check_annotations, core, process, folder)
        cases.run("a table in pieces", check_pieces, core, process, folder)
        cases.run("without descriptions", check_without, core)
        cases.run("a mistake", check_mistake, core, folder)
    cases.finish()


main()
