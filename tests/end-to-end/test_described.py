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
        cases.run("without descriptions", check_without, core)
        cases.run("a mistake", check_mistake, core, folder)
    cases.finish()


main()
