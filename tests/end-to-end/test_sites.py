# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which call allocated a block: what heapcore reads in the code, against what the program, the recorder and objdump say.

fixtures/sites.cpp tells the line of each call, and how many blocks of which size it has lost; fixtures/held-sites.c the same of blocks that are
kept, and by which variable. The recorder (tests/support/callers.c) has the
calls on the way to each block.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import callers
from harness import BUILD, CORE_ONLY, ROOT, Cases, Skipped, Stopped, Workspace, fixture_path, report_of, succeed

WITH_CALLERS = BUILD / "tests" / "support" / ".libs" / "recorder-callers.so"
PRINTER = str(BUILD / "tests" / "support" / "print-sites")


def usable(size: int) -> int:
    return max((size + 8 + 15) // 16 * 16 - 8, 24)


def leaks(core: Path) -> dict:
    return report_of(succeed("leaks", core, "--json", statuses=(0, 3)))


def groups_by_size(report: dict) -> dict[int, list[dict]]:
    found: dict[int, list[dict]] = {}
    for group in report["groups"]:
        found.setdefault(group["sites"]["size"], []).append(group)
    return found


def check_lines() -> None:
    """Each kind of lost block has its line, and no group is given one that is not its own."""
    with Stopped("sites", recorder=False) as fixture:
        report = leaks(fixture.gcore())
        groups = groups_by_size(report)
        expected = {}
        for line, size, blocks in (map(int, words) for words in fixture.said("site")):
            expected.setdefault(usable(size), []).append((line, blocks))
        assert len(expected) == 6, expected
        for size, lines in expected.items():
            assert len(groups[size]) == len(lines), f"{size}: {groups[size]}"
            for group in groups[size]:
                line = next(line for line, blocks in lines if blocks == group["trees"])
                sites = group["sites"]
                assert sites["verdict"] in ("one-of", "probably"), sites
                told = [call["line"] for call in sites["calls"] if call["file"] == "sites.cpp"]
                assert told == [line], f"{size}: line {line} is told as {told}: {sites}"
                assert sites["count"] == 1, sites
                assert f"sites.cpp:{line} in " in sites["text"], sites["text"]
                if len(lines) > 1:
                    assert sites["by_class"] and sites["verdict"] == "probably", sites
        for line, size, blocks in (map(int, words) for words in fixture.said("computed")):
            [group] = groups[usable(size)]
            assert group["trees"] == blocks
            assert group["sites"]["verdict"] == "computed", group["sites"]
        assert any(group["sites"]["by_contents"] for group in report["groups"]), "no contents were compared"


def check_alike() -> None:
    """Two calls ask for one size: what stands in a block tells which made it; of a group of both there are both."""
    with Stopped("sites", recorder=False) as fixture:
        core = fixture.gcore()
        blocks = [(int(line), address) for line, address in fixture.said("alike")]
        lines = {line for line, _ in blocks}
        assert len(lines) == 2, blocks
        for line, address in blocks[::8]:
            sites = report_of(succeed("block", core, address, "--json"))["sites"]
            assert [call["line"] for call in sites["calls"]] == [line], (line, sites)
            assert f"sites.cpp:{line} in " in sites["text"], sites
        [group] = groups_by_size(leaks(core))[usable(1504)]
        assert {call["line"] for call in group["sites"]["calls"]} == lines, group["sites"]


def check_stripped() -> None:
    """Without symbols and debug info the calls are the same, and have addresses."""
    with Workspace() as folder:
        stripped = folder / "sites"
        subprocess.run(["strip", "-s", "-o", stripped, fixture_path("sites")], check=True)
        with Stopped(str(stripped), recorder=False) as fixture:
            report = leaks(fixture.gcore())
            groups = groups_by_size(report)
            for _, size, blocks in (map(int, words) for words in fixture.said("site")):
                sites = [group["sites"] for group in groups[usable(size)] if group["trees"] == blocks]
                assert len(sites) == 1 and 1 <= sites[0]["count"] <= 3, (size, sites)
                assert all(call["line"] is None for call in sites[0]["calls"]), sites
                assert any(call["module"] == "sites" for call in sites[0]["calls"]), sites


def check_recorded() -> None:
    """At least 95 % of blocks from a call with a number have it among the calls named; none has another that is said to be it."""
    if not shutil.which("objdump"):
        raise Skipped("objdump is not installed (Debian: apt-get install binutils)")
    with Stopped("sites", preload=[WITH_CALLERS], recorder=False) as fixture:
        core = fixture.gcore()
        recorded = callers.Recorded.read(fixture.recorder_file)
        measured = callers.measure(PRINTER, core, recorded, callers.Code(fixture.maps))
        print(f"     {measured.text()}")
        assert measured.constant >= 6 * 15, measured
        assert measured.found >= 0.95 * measured.constant, measured
        assert measured.median() <= 3, measured
        assert measured.only_wrong == 0 and measured.wrong == 0, measured
        assert measured.claims >= 45, measured  # the objects
        assert measured.never_wrong == 0, measured


def owners(core: Path, *arguments: str) -> dict:
    return report_of(succeed("owners", core, *arguments, "--min", "0", "--json", statuses=(0, 3)))


def lines_told(calls: dict) -> list[int]:
    return [call["line"] for call in calls["sites"]["calls"] if call["file"] == "held-sites.c"]


def check_held() -> None:
    """`owners` of a path tells the calls of what hangs right there, and of what is below it and has no type."""
    with Stopped("held-sites", recorder=False) as fixture:
        core = fixture.gcore()
        totals = {owner: int(blocks) for owner, blocks in fixture.said("total")}
        assert len(totals) == 3, totals
        for owner, line, size, blocks in fixture.said("site"):
            report = owners(core, owner)
            told = {calls["path"]: calls for calls in report["calls"]}
            assert report["calls_left_out"] == 0 and report["code"]["bytes"], report["code"]
            if owner not in totals:
                calls = told[owner]
                assert calls["own"]["blocks"] == calls["alike"]["blocks"] == 1, calls
            else:
                [calls] = told.values()
                assert calls["path"] == f"{owner}[]" and calls["own"]["blocks"] == totals[owner], calls
            if int(size):
                assert calls["sites"]["size"] == usable(int(size)), calls
                assert calls["alike"] == {"blocks": int(blocks), "bytes": int(blocks) * usable(int(size))}, calls
                assert lines_told(calls) == [int(line)] and calls["sites"]["count"] == 1, (owner, calls)
            else:
                assert calls["sites"]["verdict"] == "computed" and int(line) in lines_told(calls), (owner, calls)
        # What has a type is told only where it is asked for.
        told = {calls["path"] for calls in owners(core, "holder")["calls"]}
        assert told == {"holder", "holder->data"}, told
        text = " ".join(succeed("owners", core, "mixed").out.split())
        assert f"mixed[]: 25 of its 30 blocks, of {usable(1210):,} bytes: one call asks for so much: held-sites.c:" in text, text
        for owner, line in fixture.said("mapped"):
            text = " ".join(succeed("owners", core, owner).out.split())
            assert f"one call asks for so much: held-sites.c:{line} in" in text and "16 B less" not in text, text


def check_held_by_many() -> None:
    """Of too many rows it is told for those that have most, and how many there are besides."""
    with Stopped("held-sites", recorder=False) as fixture:
        core = fixture.gcore()
        [[owner, members]] = fixture.said("members")
        report = owners(core, owner)
        sizes = [calls["own"]["bytes"] for calls in report["calls"]]
        rows = sorted((row["own"]["bytes"] for row in report["rows"] if row["own"]["blocks"]), reverse=True)
        assert len(rows) == int(members) + 1 and len(sizes) == 64 and sizes == rows[:64], (rows, sizes)
        assert report["calls_left_out"] == len(rows) - 64, report["calls_left_out"]
        text = " ".join(succeed("owners", core, owner, "--min", "0").out.split())
        assert f"Calls are not told of {len(rows) - 16} rows that have less: ask for their paths." in text, text


def check_held_not_asked() -> None:
    """Without a path, or with --no-sites, no code is read; a filter leaves out what it leaves out of the tree; no such path is told first."""
    with Stopped("held-sites", recorder=False) as fixture:
        core = fixture.gcore()
        for words in ((), ("kept", "--no-sites")):
            report = owners(core, *words)
            assert report["calls"] is None and report["code"] is None and report["calls_left_out"] == 0, report
        report = owners(core, "holder", "--ignore", "data")
        assert {calls["path"] for calls in report["calls"]} == {"holder"}, report["calls"]
        report = owners(core, "kept", "--depth", "1")
        assert report["calls"] == [] and report["code"] is None, report["calls"]
        assert "held-sites.c:" not in succeed("owners", core, "kept", "--no-sites").out
        assert "held-sites.c:" not in succeed("owners", core).out
        assert "held-sites.c:" in succeed("owners", core, "kept").out


def check_not_asked() -> None:
    with Stopped("sites", recorder=False) as fixture:
        core = fixture.gcore()
        report = report_of(succeed("leaks", core, "--json", "--no-sites"))
        assert report["groups"] and all(group["sites"] is None for group in report["groups"]), report["groups"][0]
        text = succeed("leaks", core, "--no-sites").out
        assert "allocated" not in text.replace("Which call allocated", ""), text
        assert "sites.cpp:" in succeed("leaks", core).out


cases = Cases(__doc__)
if ROOT != Path("/") or CORE_ONLY:
    print("heapcore-tests: 0 passed, 0 failed, 1 skipped")
    raise SystemExit(77)
cases.run("lines", check_lines)
cases.run("alike", check_alike)
cases.run("stripped", check_stripped)
cases.run("recorded", check_recorded)
cases.run("not asked for", check_not_asked)
cases.run("held", check_held)
cases.run("held by many", check_held_by_many)
cases.run("held, not asked for", check_held_not_asked)
cases.finish()
