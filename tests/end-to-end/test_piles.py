#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `analyze` tells a person to look at is where memory piles up, with the figures that fixtures/stories/piles.cpp counted itself."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from grown import Grown, Row
from harness import Cases, analyze, few, need_captures, report_of, succeed

need_captures()

TOLERANCE = 0.01


class Piles(Grown):
    """Read from the captures' folders. Both cores are whole."""

    @property
    def folders(self) -> list[Path]:
        return [core.parent for core in self.cores]

    @functools.cached_property
    def findings(self) -> list[Row]:
        return analyze(self.folders[1], self.program)["findings"]

    @functools.cached_property
    def diff(self) -> Row:
        return report_of(succeed("diff", "--json", *self.folders, self.program))


def is_near(told: int, truth: int) -> bool:
    return abs(told - truth) <= TOLERANCE * truth


def shown(findings: list[Row]) -> str:
    return few(f"{finding['kind']} {finding['bytes']}: {finding['text']}" for finding in findings)


def finding_of(findings: list[Row], name: str) -> Row:
    """The one finding that begins with NAME."""
    found = [finding for finding in findings if finding["text"].startswith((f"{name} (", f"{name}: "))]
    assert len(found) == 1, f"{name} is told {len(found)} times:{shown(findings)}"
    return found[0]


def check_told(piles: Piles, name: str) -> str:
    """NAME is a finding, with the bytes and the elements that the program counted; its text."""
    size, elements = piles.after[name]
    findings = piles.findings
    finding = finding_of(findings, name)
    assert is_near(finding["bytes"], size), f"{finding['bytes']} bytes, not {size}:{shown(findings)}"
    if elements:
        assert f": {elements:,} elements" in finding["text"], f"not {elements:,} elements:{shown(findings)}"
    return finding["text"]


def check_diff(piles: Piles, name: str) -> Row:
    """NAME is one row of the growth, with what the program counted; the row."""
    rows = [row for row in piles.diff["attribution"] if row["name"] == name and row["bytes"]]
    assert len(rows) == 1, f"{name}: {len(rows)} rows"
    size = piles.after[name][0] - piles.before[name][0]
    assert is_near(rows[0]["bytes"], size), f"{rows[0]['bytes']} bytes, not {size}"
    return rows[0]


def callbacks() -> None:
    """Where things pile up, not the variable that one begins at."""
    with Piles("stories/piles", "callbacks") as piles:
        check_told(piles, "g_node->context->on_shutdown")
        assert not any(finding["text"].startswith("g_node (") for finding in piles.findings), shown(piles.findings)


def threads(count: int) -> None:
    """One row for a variable of many threads, in diff as in analyze."""
    with Piles("stories/piles", "threads", str(count)) as piles:
        text = check_told(piles, "remember::remembered")
        assert f"thread-local of {count} threads" in text, text
        row = check_diff(piles, "remember::remembered")
        assert row["where"] == f"thread-local of {count} threads", row["where"]
        assert row["elements_after"] == piles.after["remember::remembered"][1], row


def names() -> None:
    """A name that begins with another one's is a name of its own."""
    with Piles("stories/piles", "names") as piles:
        for name in ("g_session", "g_session_by_name", "g_session_old"):
            check_told(piles, name)


def capacity() -> None:
    """Room without elements is told as that."""
    name = "g_scene->buffers[].data"
    with Piles("stories/piles", "capacity") as piles:
        text = check_told(piles, name)
        assert "of unused capacity in 600 empty vectors" in text, text
        check_diff(piles, name)
        verdict = piles.diff["verdict"]
        assert name in verdict and "unused capacity" in verdict and "from 0 to 0" not in verdict, verdict


def bounded() -> None:
    """One core cannot know whether keys are bounded; two know that this cache did not grow."""
    with Piles("stories/piles", "bounded") as piles:
        text = finding_of(piles.findings, "g_cache")["text"]
        assert "differ only in numbers: does anything bound them?" in text, text
        assert not any("nothing seems to bound" in finding["text"] for finding in piles.findings), shown(piles.findings)
        verdict = piles.diff["verdict"]
        assert "g_cache" not in verdict and "nothing seems to bound" not in verdict, verdict
        check_diff(piles, "g_own")


def sessions() -> None:
    """Of a table of few things with a queue each, it is the queues."""
    with Piles("stories/piles", "sessions") as piles:
        check_told(piles, "g_sessions[].queue")


def sizes() -> None:
    """A block's size is no finding where it is known who holds it: with debug info, and without any file, by the words that lead there."""
    with Piles("stories/piles", "names") as piles, tempfile.TemporaryDirectory(prefix="heapcore-empty-") as empty:
        without = report_of(succeed("analyze", piles.cores[1], f"--sysroot={empty}", "--json", statuses=(0, 3)))["findings"]
        for findings in (piles.findings, without):
            kinds = {finding["kind"] for finding in findings}
            assert not kinds & {"one-size", "big-blocks"}, shown(findings)
        told = [finding for finding in without if finding["kind"] in ("owner", "container")]
        assert told and all("+0x" in finding["text"] and ("by its pointers alone" in finding["text"] or "-like" in finding["text"])
                            for finding in told), shown(without)
        truth = sorted(size for name, (size, _) in piles.after.items() if name.startswith("g_session"))
        assert all(map(is_near, sorted(finding["bytes"] for finding in told), truth)), f"{truth}:{shown(without)}"


cases = Cases(__doc__)
cases.run("callbacks", callbacks)
for count in (3, 4, 40):
    cases.run(f"threads: {count}", threads, count)
for case in (names, capacity, bounded, sessions, sizes):
    cases.run(case.__name__, case)
cases.finish()
