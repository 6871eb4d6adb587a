#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the system gives no thread, no memory, no room: the same answer, or exit status 2 and a sentence; never a hang, never a crash."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Callable

from harness import FIXTURES, HEAPCORE, Cases, Result, Skipped, Stopped, Workspace, heapcore, need_captures, succeed
from limits import commands, limited, problems

FEW_THREADS = FIXTURES / "tests" / "support" / ".libs" / "few-threads.so"
COMMANDS = ("analyze", "duplicates")
# The program itself, where HEAPCORE is libtool's script around it, which starts others.
BUILT = Path(HEAPCORE).parent / ".libs"
PROGRAM = BUILT / "heapcore" if (BUILT / "heapcore").exists() else Path(HEAPCORE)
# LeakSanitizer looks from a process of its own, for which there is no room either.
PROGRAM_ENVIRONMENT = {**os.environ, "HOME": "/nonexistent", "ASAN_OPTIONS": "detect_leaks=0",
                       **({"LD_LIBRARY_PATH": str(BUILT)} if PROGRAM != Path(HEAPCORE) else {})}
LIMITS = 20  # of memory, from next to nothing on
FEWER = 5  # of other commands, each at others of these limits


def untimed(result: Result) -> str:
    assert result.status in (0, 3), result
    return re.sub(r'"timings": \{[^}]*\}', "", result.out)


def check_threads(core: Path) -> None:
    """With fewer threads than were asked for, down to one, the answer is that of as many as one likes."""
    for command in COMMANDS:
        whole = untimed(heapcore(command, core, "--json", "--jobs", "4"))
        for most in (0, 1, 3):
            few = heapcore(command, core, "--json", "--jobs", "4", patience=120, environment={
                "LD_PRELOAD": str(FEW_THREADS), "THREADS_MOST": str(most), "ASAN_OPTIONS": "verify_asan_link_order=0"})
            assert untimed(few) == whole, f"{command} with {most} threads says something else"


def untimed_where(most: int, command: str, core: Path, start: Callable[[list[str]], list[str]], join: Callable[[], None]) -> str:
    done = subprocess.run(start([str(PROGRAM), command, str(core), "--json", "--jobs", "4"]), preexec_fn=join, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False, env=PROGRAM_ENVIRONMENT)
    assert done.returncode in (0, 3), f"{command} with room for {most}: {done}"
    return re.sub(r'"timings": \{[^}]*\}', "", done.stdout)


def check_threads_of_group(core: Path) -> None:
    """pids.max of a control group: the kernel refuses, in the middle of anything."""
    groups = [Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup")]
    base = next((group for group in groups if (group / "cgroup.procs").exists() and os.access(group, os.W_OK)), None)
    if base is None:
        raise Skipped("no control group can be made here")
    group = base / f"heapcore-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / "pids.max").write_text("1")
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        raise Skipped(f"no control group with a limit of processes can be made here: {error}") from None
    try:
        for command in COMMANDS:
            whole = untimed(heapcore(command, core, "--json", "--jobs", "4"))
            for most in (1, 2, 3):  # the first is the process itself
                (group / "pids.max").write_text(str(most))
                few = untimed_where(most, command, core, lambda words: words, lambda: (group / "cgroup.procs").write_text("0"))
                assert few == whole, f"{command} with pids.max={most} says something else"
                refused = re.search(r"max (\d+)", (group / "pids.events").read_text())
                assert refused and int(refused[1]), "the limit was not felt"
    finally:
        group.rmdir()


def check_threads_of_user(core: Path) -> None:
    """ulimit -u, of a user who has nothing else: root is not limited."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        raise Skipped("only root can be another user")
    user = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
    if subprocess.run([*user, str(PROGRAM), "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                      env=PROGRAM_ENVIRONMENT).returncode:
        raise Skipped("another user may not run what was built here")
    with Workspace() as folder:
        copy = folder / "core"
        shutil.copy(core, copy)
        folder.chmod(0o755)
        copy.chmod(0o644)
        for command in COMMANDS:
            whole = untimed(heapcore(command, copy, "--json", "--jobs", "4"))
            for most in (1, 2):
                few = untimed_where(most, command, copy, lambda words: [*user, "prlimit", f"--nproc={most}", *words],
                                      lambda: None)
                assert few == whole, f"{command} with ulimit -u {most} says something else"


def check_memory(core: Path) -> None:
    """Whichever of its parts gets none: the limits are spread over all that an analysis takes."""
    if limited(1 << 18, "--version").returncode:
        raise Skipped("a build with sanitizers takes address space for itself")
    low, high = 0, 1 << 22
    while high - low > 1 << 10:
        middle = (low + high) // 2
        low, high = (low, middle) if limited(middle, "analyze", core, "--jobs", "2").returncode in (0, 3) else (middle, high)
    statuses = []
    for i in range(1, LIMITS + 1):
        done = limited(high * i // LIMITS, "analyze", core, "--jobs", "2")
        if "error while loading shared libraries" in done.stderr or done.returncode == 127:
            continue
        statuses.append(done.returncode)
        assert done.returncode in (0, 2, 3), f"{high * i // LIMITS} KiB: {done}"
        assert "CRITICAL" not in done.stderr and "libdw:" not in done.stderr, f"{high * i // LIMITS} KiB: {done}"
        assert done.returncode != 2 or "heapcore: " in done.stderr, f"no sentence: {done}"
    assert statuses.count(2) >= 3, f"too few of the limits were felt: {statuses}"


def check_memory_of_all(core: Path) -> None:
    """Every command, by the program's help: the whole answer, or status 2 and one sentence, and nothing that a library says besides."""
    if limited(1 << 18, "--version").returncode:
        raise Skipped("a build with sanitizers takes address space for itself")
    with Workspace() as folder:
        felt = 0
        lines = commands(core, folder)
        for place, line in enumerate(lines):
            limits = [int(24000 * 1.06 ** (7 * i + place % 7)) for i in range(FEWER)]
            found, one_felt = problems(line, limits)
            assert not found, "\n".join(found)
            felt += one_felt
        assert felt > len(lines), f"too few of the limits were felt: {felt}"


def check_full(core: Path) -> None:
    """Output that cannot be written is an error, of help as of a report."""
    for arguments in (["--help"], ["--version"], ["analyze", "--help"], ["help"], ["analyze", str(core)], ["leaks", str(core), "--json"]):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([HEAPCORE, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 2 and "No space left" in done.stderr, f"{arguments}: {done}"


def check_file_size(core: Path) -> None:
    """A file that may not grow (SIGXFSZ) is an error as any other, and leaves nothing behind."""
    with Workspace() as folder:
        done = subprocess.run(["sh", "-c", 'ulimit -f 0 && exec "$@"', "-", HEAPCORE, "snapshot", str(core), "-o", str(folder / "one.snap")],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 2 and "one.snap" in done.stderr and "File too large" in done.stderr, done
        assert not list(folder.iterdir()), list(folder.iterdir())


def check_file_size_of_capture(fixture: Stopped) -> None:
    """The same of a capture, whose core does not fit: no folder that looks like one is left, and the process goes on."""
    with Workspace() as folder:
        done = subprocess.run(["sh", "-c", 'ulimit -f 64 && exec "$@"', "-", HEAPCORE, "capture", str(fixture.pid), "-o", str(folder / "captured")],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 2 and "File too large" in done.stderr, done
        assert not list(folder.iterdir()), list(folder.rglob("*"))
        status = Path(f"/proc/{fixture.pid}/status").read_text()
        assert "TracerPid:\t0\n" in status and re.search(r"^State:\s+[RS]", status, re.M), status


def run() -> None:
    with Stopped("churn", ("3000",), recorder=False) as fixture:
        core = fixture.gcore()
        succeed("analyze", core)
        cases.run("threads", check_threads, core)
        cases.run("threads of a control group", check_threads_of_group, core)
        cases.run("threads of a user", check_threads_of_user, core)
        cases.run("memory", check_memory, core)
        cases.run("memory, every command", check_memory_of_all, core)
        cases.run("output", check_full, core)
        cases.run("file size", check_file_size, core)
        cases.run("file size of a capture", check_file_size_of_capture, fixture)


need_captures()
cases = Cases(__doc__)
if not cases.options.list:
    run()
cases.finish()
