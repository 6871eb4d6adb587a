#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`--pid`: a live process in place of a core. Its heap is the same to the block as in a capture, from a copy or of the process that stands
still; nothing is left behind, in the process or in any folder, also if heapcore is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable

from harness import (HEAPCORE, Cases, Stopped, chunks, compare, few, heapcore, need_captures, report_of, succeed)

need_captures()

PATIENCE = 60
COMMANDS = ("analyze", "arenas", "chunks", "leaks", "containers", "owners", "types", "duplicates", "pins", "roots", "mappings", "threads")


def wait_until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def children(fixture: Stopped) -> str:
    return "".join(path.read_text() for path in Path(f"/proc/{fixture.pid}/task").glob("*/children"))


class OwnTemporary:
    """heapcore's temporary files lie in a folder of our own."""

    def __enter__(self) -> Path:
        self.folder = tempfile.TemporaryDirectory(prefix="heapcore-test-")
        self.former = os.environ.get("TMPDIR")
        os.environ["TMPDIR"] = self.folder.name
        return Path(self.folder.name)

    def __exit__(self, *_: object) -> None:
        if self.former is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = self.former
        self.folder.cleanup()


def check_same(program: str, *arguments: str) -> None:
    """The list of blocks is the recorder's, from all three."""
    with Stopped(program, arguments) as fixture:
        live = fixture.live_blocks()
        pid = f"--pid={fixture.pid}"
        for name, options in (("fast", []), ("still", ["--stop"])):
            succeed("capture", str(fixture.pid), "-o", fixture.folder / name, *options)
        lists = {name: chunks(fixture.folder / name) for name in ("fast", "still")}
        with OwnTemporary() as folder:
            lists["live"] = chunks(pid)
            lists["on disk"] = chunks(pid, "--memory", "0")
            assert not list(folder.iterdir()), list(folder.iterdir())
        for name, one in lists.items():
            problems = compare(live, one)
            assert not problems, f"{name}: {few(problems)}"
            assert one == lists["still"], f"{name} is not as of the process that stands still"
        assert not children(fixture)


def check_commands() -> None:
    """All commands that read a core; and what they tell to type next may be typed."""
    with Stopped("threads") as fixture, OwnTemporary() as folder:
        pid = ["--pid", str(fixture.pid)]
        for command in COMMANDS:
            out = succeed(command, *pid).out
            assert out.strip() and "written by" not in out, (command, out)
        assert "read while it ran" in succeed("analyze", *pid).out
        report = report_of(heapcore("analyze", *pid, str(fixture.program), "--json"))
        assert report["process"]["core"] == f"--pid={fixture.pid}" and report["process"]["pid"] == fixture.pid
        for finding in report["findings"]:
            assert f" --pid={fixture.pid} " in f"{finding['command']} ", finding
        address = hex(next(iter(fixture.live_blocks())))
        for command in ("block", "path"):
            assert address in succeed(command, *pid, address).out
        assert not list(folder.iterdir()), list(folder.iterdir())


def check_snapshot() -> None:
    """A snapshot, and then a diff to the process as it is now."""
    with Stopped("churn", ("3000",)) as fixture:
        snapshot = fixture.folder / "a.snap"
        succeed("snapshot", "--pid", str(fixture.pid), "-o", snapshot)
        report = report_of(heapcore("diff", "--pid", str(fixture.pid), snapshot, "--json"))
    assert [report[side]["process"]["core"] for side in "ab"] == [f"--pid={fixture.pid}"] * 2, report["a"]
    # Neither is a core that somebody wrote, and of the first one only the snapshot is left.
    assert [report[side]["process"]["origin"] for side in "ab"] == ["live"] * 2, report["a"]
    assert report["side_facts"]["a"]["time"] <= report["side_facts"]["b"]["time"]
    assert report["side_facts"]["a"]["pid"] == report["side_facts"]["b"]["pid"] == fixture.pid


def check_killed(after: float) -> None:
    """Nothing is left in the process or in a folder."""
    with Stopped("churn", ("3000",)) as fixture, OwnTemporary() as folder:
        command = subprocess.Popen([HEAPCORE, "analyze", "--pid", str(fixture.pid)], stdout=subprocess.DEVNULL,
                                   start_new_session=True)
        wait_until(lambda: any(folder.iterdir()) or command.poll() is not None, "it did not begin")
        time.sleep(after)
        os.killpg(command.pid, signal.SIGKILL)  # and whoever belongs to it
        command.wait(PATIENCE)
        wait_until(lambda: not any(folder.iterdir()), f"left: {list(folder.iterdir())}")
        wait_until(lambda: not children(fixture), f"left in the process: {children(fixture)}")
        assert "TracerPid:\t0\n" in Path(f"/proc/{fixture.pid}/status").read_text()


def check_wrong() -> None:
    with OwnTemporary() as folder:
        for arguments in (("--pid", "x"), ("--pid", "-1"), ("--pid", "1", "CORE", "BINARY")):
            assert heapcore("analyze", *arguments).status == 64, arguments
        assert heapcore("capture", "--pid", "1", "-o", "x").status == 64
        gone = heapcore("analyze", "--pid", "2147483647")
        assert gone.status == 2 and "there is no process 2147483647" in gone.err, gone
        assert not list(folder.iterdir())
        with Stopped("threads", recorder=False) as fixture:
            os.environ["TMPDIR"] = "/proc"
            result = heapcore("analyze", "--pid", str(fixture.pid))
            os.environ["TMPDIR"] = str(folder)
    assert result.status == 2 and "TMPDIR" in result.err, result


cases = Cases(__doc__)
for words in (("churn", "3000"), ("threads",), ("mapped",)):
    cases.run(f"the same: {words[0]}", check_same, *words)
cases.run("commands", check_commands)
cases.run("snapshot", check_snapshot)
for seconds in (0, 0.01, 0.03, 0.1):
    cases.run(f"killed after {seconds} s", check_killed, seconds)
cases.run("wrong", check_wrong)
cases.finish()
