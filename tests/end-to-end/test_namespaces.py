#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Captures of processes in namespaces of their own, as containers are: their files are found as they see them, their numbers are told as they have
them; and what is missing where a process may not be read is named."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from harness import HEAPCORE, SOURCE, Cases, Skipped, Stopped, Workspace, fixture_path, need_captures, report_of, succeed

need_captures()

# In a mount and a process namespace: a file system that nobody outside sees, with the program in it.
INSIDE = 'mount -t tmpfs inside "$1" && cp "$2" "$1/program" && exec "$1/program" 3000'


def need(*command: str) -> None:
    if shutil.which(command[0]) is None:
        raise Skipped(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Skipped(f"not allowed here: {done.stderr.strip()}")


class Contained:
    """A fixture that is process 1 of a namespace."""

    def __init__(self) -> None:
        need("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount", "true")

    def __enter__(self) -> "Contained":
        self.workspace = Workspace()
        self.place = self.workspace.path / "place"
        self.place.mkdir()
        self.unshare = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount", "sh", "-c", INSIDE, "sh",
             str(self.place), str(fixture_path("churn"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        said = self.unshare.stdout.readline().split()
        while said and said[0] != "ready":
            said = self.unshare.stdout.readline().split()
        assert said == ["ready", "1"], said
        children = Path(f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children").read_text().split()
        assert len(children) == 1, children
        self.pid = int(children[0])
        return self

    def __exit__(self, *_: object) -> None:
        self.unshare.kill()
        self.unshare.communicate()
        self.workspace.remove()


def check_files(kind: str) -> None:
    with Contained() as inside:
        assert not list(inside.place.iterdir()), "its files can be seen from outside"
        if kind == "pid":
            report = report_of(succeed("analyze", "--pid", str(inside.pid), "--json"))
        else:
            folder = inside.workspace.path / "c"
            said = succeed("capture", str(inside.pid), "-o", folder).out
            assert f"process {inside.pid} (1 in its container)" in said, said
            command = re.search(r"^heapcore (analyze .*)$", said, re.MULTILINE).group(1).split()
            assert command[2:] == ["--sysroot", f"/proc/{inside.pid}/root"], command
            report = report_of(succeed(*command, "--json"))
        assert report["process"]["pid"] == 1, report["process"]
        program = [file for file in report["files"]["list"] if file["path"].endswith("/program")]
        assert len(program) == 1 and program[0]["state"] == "agrees", report["files"]
        threads = report_of(succeed("threads", "--pid", str(inside.pid), "--json"))["threads"]
        assert [thread["id"] for thread in threads] == [1], threads
        children = Path(f"/proc/{inside.pid}/task/{inside.pid}/children").read_text()
        assert not children, f"left in it: {children}"


def refused(fixture: Stopped, *before: str) -> str:
    done = subprocess.run([*before, HEAPCORE, "analyze", "--pid", str(fixture.pid)], capture_output=True, text=True)
    assert done.returncode == 2 and not done.stdout, done
    return done.stderr


def check_denied() -> None:
    """What is missing is named."""
    with Stopped("threads", recorder=False) as fixture:
        need("unshare", "--user", "--map-root-user", "true")
        assert "user namespace" in refused(fixture, "unshare", "--user", "--map-root-user")
        if os.geteuid():
            raise Skipped("only root can give up a capability of root's")
        without = ("setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace")
        need(*without, "true")
        assert "CAP_SYS_PTRACE" in refused(fixture, *without)


def check_unit() -> None:
    """The unit of docs/watch.md has the capabilities that it takes to read another user's process and make a copy of it; of others it is told."""
    need("setpriv", "--bounding-set=-all", "--inh-caps=-all", "true")
    if os.geteuid() or not re.search(r"^Seccomp:\s+0$", Path("/proc/self/status").read_text(), re.MULTILINE):
        raise Skipped("not root, or system calls are filtered here")
    unit = re.search(r"CapabilityBoundingSet=(.*)", (SOURCE / "docs" / "watch.md").read_text(encoding="utf-8"))[1].split()
    workspace = Workspace()
    with subprocess.Popen(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sleep", "1000"]) as process:
        try:
            while Path(f"/proc/{process.pid}/comm").read_text() != "sleep\n":
                time.sleep(0.01)

            def captured(without: set[str]) -> str:
                folder = workspace.path / f"c{len(without)}"
                kept = ",".join("+" + name[4:].lower() for name in unit if name not in without)
                done = subprocess.run(["setpriv", f"--bounding-set=-all,{kept}", "--inh-caps=-all", HEAPCORE, "capture", str(process.pid),
                                       "-o", str(folder)], capture_output=True, text=True, check=False)
                return " ".join((done.stdout + done.stderr).split())
            assert "was paused for" in captured(set()), captured(set())
            assert "capability CAP_KILL" in captured({"CAP_KILL"})
            kept = ",".join("+" + name[4:].lower() for name in unit if name != "CAP_KILL")
            live = subprocess.run(["setpriv", f"--bounding-set=-all,{kept}", "--inh-caps=-all", HEAPCORE, "arenas", "--pid", str(process.pid)],
                                  capture_output=True, text=True, check=False)
            assert "stood still for" in live.stderr and "CAP_KILL" in live.stderr, live
            assert "CAP_DAC_OVERRIDE" in captured({"CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"})
        finally:
            process.kill()
            workspace.remove()


cases = Cases(__doc__)
cases.run("files: --pid", check_files, "pid")
cases.run("files: capture", check_files, "folder")
cases.run("denied", check_denied)
cases.run("the unit's capabilities", check_unit)
cases.finish()
