# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which call allocated a block: what heapcore reads in the code, against what the program, the recorder and objdump say.

fixtures/sites.cpp tells the line of each call, and how many blocks of which size it has lost. The recorder (tests/support/callers.c) has the
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
cases.finish()
