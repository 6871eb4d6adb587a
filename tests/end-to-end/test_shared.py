#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Words that are left over change nothing; what two variables lead to is told as shared by both.

The truth of stories/planted is the same program without the words that it plants: what it allocates does not differ. That of
stories/kept-twice is what it counts: half of what grew is on g_index and g_lru, the other half on g_alone only, whatever g_cursor says.
That of stories/cursors, too: all of it is on g_app, whatever leads into the middle of it. In stories/slabs three lists have their nodes in
the same pages; what grew is on one of them, but for a few. What stories/gaps counts is free between its blocks, and an array that main() has
is main()'s, though a call has a better pointer to it.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from grown import STATUSES, Grown, shown
from harness import Cases, fixture_path, need_captures, report_of, succeed
from test_nameless import names

BUILDS: dict[str, tuple[str, ...] | None] = {"-g": None, "without -g": ("-g",), "stripped": ("-s",)}
PLANTED = ("map", "list", "array")
ONE_BLOCK = 128  # an item of stories/planted, with its node


def built(story: str, folder: str, build: str) -> Path:
    """The program of STORY, stripped as BUILD says."""
    program = Path(folder) / Path(story).name
    shutil.copy(fixture_path(story), program)
    options = BUILDS[build]
    if options is not None:
        subprocess.run(["strip", *options, str(program)], check=True)
    return program


def figures(grown: Grown) -> tuple[dict[str, int], dict[str, int]]:
    """By name: growth of what paths hold; what they hold in the second core."""
    owners = report_of(succeed("owners", "--json", "--min", "0", "--no-retained", grown.cores[1], grown.program, statuses=STATUSES))
    growth = {row["name"]: row["bytes"] for row in grown.diff["attribution"] if row["kind"] in ("owner", "container", "buffer")}
    return growth, {row["path"]: row["bytes"] for row in owners["rows"]}


def check_planted(build: str, what: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        program = built("stories/planted", folder, build)
        with Grown(str(program), "none") as grown:
            truth = figures(grown)
            # The truth itself: what the program counts is on g_app.
            told = sum(size for name, size in truth[0].items() if name.startswith("g_app"))
            counted = sum(map(grown.grew_by, ("map", "list", "array")))
            assert abs(told - counted) <= ONE_BLOCK, f"{told} bytes, not {counted}:\n{shown(grown.diff)}"
        for where in ("head", "middle", "last"):
            with Grown(str(program), what, where) as grown:
                for true, now in zip(truth, figures(grown)):
                    wrong = {name: (true.get(name, 0), now.get(name, 0)) for name in true.keys() | now.keys()
                             if abs(true.get(name, 0) - now.get(name, 0)) > ONE_BLOCK}
                    assert not wrong, f"{where}: {wrong}\n{shown(grown.diff)}"
                first = grown.diff["sentences"][0]["text"]
                assert "g_app" in first, f"{where}: {first}"


def check_cursors(build: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        program = built("stories/cursors", folder, build)

        def is_it(name: str) -> bool:
            return name.startswith("g_app") if build == "-g" else names(program, fixture_path("stories/cursors"), "g_app", build != "stripped", name)

        with Grown(str(program)) as grown:
            growth, _ = figures(grown)
            told = sum(size for name, size in growth.items() if is_it(name))
            counted = sum(map(grown.grew_by, ("list", "chains", "map")))
            assert abs(told - counted) <= ONE_BLOCK, f"{told} bytes, not {counted}:\n{shown(grown.diff)}"
            first = max(growth, key=lambda name: growth[name])
            assert is_it(first), f"{first} grew most:\n{shown(grown.diff)}"


def check_kept_twice(build: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        program = built("stories/kept-twice", folder, build)
        with Grown(str(program)) as grown:
            rows = [row for row in grown.diff["attribution"] if row["shared_with"]]
            growth = sum(row["shared_after"] - row["shared_before"] for row in rows)
            truth = grown.grew_by("shared")
            assert abs(growth - truth) <= truth / 100, f"{growth} bytes are shared, not {truth}:\n{shown(grown.diff)}"
            first = grown.diff["sentences"][0]["text"]
            # The program exports its symbols: these are there when it is stripped, too.
            names = ("g_index", "g_lru")
            assert all(name in first for name in names) and ("both lead" in first or "shared with" in first), first
            owners = report_of(succeed("owners", "--json", grown.cores[1], grown.program, statuses=STATUSES))
            told = sum(row["shared"]["bytes"] for row in owners["rows"] if not row["level"])
            truth = grown.after["shared"][0]
            assert abs(told - truth) <= truth / 100, f"{told} bytes are shared, not {truth}: {owners['rows']}"
            assert "as well" in owners["summary"], owners["summary"]
            alone = sum(row["bytes"] for row in grown.diff["attribution"] if row["name"] and row["name"].startswith("g_alone"))
            assert alone == grown.grew_by("alone"), shown(grown.diff)


def check_slabs(build: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        program = built("stories/slabs", folder, build)
        with Grown(str(program)) as grown:
            growth, _ = figures(grown)
            told = {variable: sum(size for name, size in growth.items()
                                  if names(program, fixture_path("stories/slabs"), variable, build != "stripped", name) or variable in name)
                    for variable in ("g_orders", "g_names", "g_notes")}
            counted = grown.grew_by("orders")
            # A page goes to who has most of it: at the ends of the growth it may be another one than whoever asked for it.
            assert abs(told["g_orders"] - counted) <= counted / 50, f"{told} bytes, not {counted} of orders:\n{shown(grown.diff)}"
            assert abs(told["g_names"] - told["g_notes"]) <= counted / 50, f"{told}:\n{shown(grown.diff)}"
            assert told["g_names"] > 0, f"{told}:\n{shown(grown.diff)}"


def check_gaps(build: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        program = built("stories/gaps", folder, build)
        between = []
        grown = Grown(str(program), "lines")
        grown.at_stop = lambda: (Grown.at_stop(grown), between.append(int(grown.stopped.said("between")[0][0])))  # type: ignore[method-assign]
        with grown:
            rows = [row for row in grown.diff["attribution"] if row["kind"] == "owner" and row["bytes"]]
            assert [row["bytes"] for row in rows] == [grown.grew_by("lines")], shown(grown.diff)
            told = rows[0]["free_between_before"], rows[0]["free_between_after"]
            assert list(told) == between, f"{told}, not {between}"
            first, second = (sentence["text"] for sentence in grown.diff["sentences"][:2])
            assert rows[0]["name"] in first and "free memory that malloc keeps" not in first, first
            assert f"between blocks of {rows[0]['name']}" in second, second


def check_array_of_frame(build: str) -> None:
    with tempfile.TemporaryDirectory() as folder, Grown(str(built("stories/gaps", folder, build)), "array") as grown:
        row = max(grown.diff["attribution"], key=lambda row: row["bytes"])
        assert row["bytes"] == grown.grew_by("array"), shown(grown.diff)
        assert row["name"].startswith("samples" if build == "-g" else "main"), row


def main() -> None:
    need_captures()
    cases = Cases(__doc__)
    for build in BUILDS:
        for what in PLANTED:
            cases.run(f"words that lead into the {what}: {build}", check_planted, build, what)
        cases.run(f"on two lists: {build}", check_kept_twice, build)
        cases.run(f"cursors: {build}", check_cursors, build)
        cases.run(f"nodes in pages: {build}", check_slabs, build)
        cases.run(f"free memory between blocks: {build}", check_gaps, build)
        if build != "stripped":  # which has no names of frames
            cases.run(f"an array that a frame counts: {build}", check_array_of_frame, build)
    cases.finish()


if __name__ == "__main__":
    main()
