#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""make check-pages AXE=axe.min.js [CORES='core.1 core.2'] [SHOTS=folder]: pages of some fixtures, and of cores that are named, in Chromium, wide and
narrow, light and dark: what axe-core (npm pack axe-core) finds, what the console says, what is asked for; a row for each, and pictures.

Exit status 1 if any is larger than a page may be, complains, asks for anything, is wider than its window, or has what axe-core calls serious or critical."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Iterator

import browser
from grown import Stops
from harness import Stopped, Workspace, succeed

SIZE_MAX = 3_000_000
LOOKS = ((1400, False), (1400, True), (400, False), (400, True))
STATUSES = (0, 3)
BAD = ("serious", "critical")


def pages(folder: Path) -> Iterator[Path]:
    for core in os.environ.get("CORES", "").split():
        page = folder / (Path(core.rstrip("/")).name + ".html")
        succeed("analyze", core, "--html", page, "--force", statuses=STATUSES)
        yield page
    for name in "markup", "pins", "threads":
        with Stopped(name, recorder=False) as stopped:
            page = folder / f"{name}.html"
            succeed("analyze", stopped.capture(), "--html", page, "--force", statuses=STATUSES)
            yield page
    with Stops("stories/mixture", "leak", count=3) as stops:
        for name, command in ("mixture", ["analyze", stops.cores[-1]]), ("growth", ["diff", *stops.cores]):
            page = folder / f"{name}.html"
            succeed(*command, "--html", page, "--force", statuses=STATUSES)
            yield page


def findings(page: browser.Page, axe: str) -> list[dict[str, Any]]:
    page.call("Runtime.evaluate", expression=axe)
    said = page.run("axe.run(document, { resultTypes: ['violations'] }).then((found) => JSON.stringify(found.violations.map((one) =>"
                    " ({ id: one.id, impact: one.impact, where: one.nodes.map((node) => node.html) }))))")
    return json.loads(said)


def look(opened: browser.Browser, path: Path, width: int, dark: bool, axe: str, shots: str) -> bool:
    page = opened.open(path, width=width, dark=dark)
    wide = page.run("document.documentElement.scrollWidth")
    found = findings(page, axe)
    page.run("document.querySelector('.tile.opens')?.click()")  # and once more of what opens
    page.run("document.querySelectorAll('.more').forEach((button) => button.click())")
    found += [one for one in findings(page, axe) if one not in found]
    bad = [one for one in found if one["impact"] in BAD]
    size = path.stat().st_size
    print(f"{path.name:24} {size:9,} {width:5} {'dark' if dark else 'light':5} {len(page.complaints):10} {len(page.requests):8} {len(found):8} {len(bad):7}", flush=True)
    for text in [*page.complaints, *page.requests, *(f"{one['impact']} {one['id']}: {one['where'][0][:160]}" for one in found)]:
        print(f"    {text}")
    if shots:
        page.screenshot(Path(shots) / f"{path.stem}-{width}{'-dark' if dark else ''}.png")
    return size <= SIZE_MAX and wide <= width and not (page.complaints or page.requests or bad)


def main() -> int:
    named = os.environ.get("AXE")
    if not named or not browser.find():
        print(f"{'AXE=... names no axe.min.js' if not named else 'there is no Chromium here'}\n\n{__doc__}", file=sys.stderr)
        return 2
    axe, shots = Path(named).read_text(encoding="utf-8"), os.environ.get("SHOTS", "")
    if shots:
        Path(shots).mkdir(exist_ok=True)
    print(f"{'page':24} {'bytes':>9} width look  complaints requests findings serious")
    with Workspace() as folder, browser.Browser() as opened:
        results = [look(opened, path, width, dark, axe, shots) for path in pages(folder) for width, dark in LOOKS]
    print(f"{len(results)} looks, {results.count(False)} not right")
    return 0 if all(results) else 1


sys.exit(main())
