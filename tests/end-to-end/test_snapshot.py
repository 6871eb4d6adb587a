#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`heapcore snapshot`: a diff of snapshots is the diff of their cores, the file is small, holds no content if it is not to, and whatever
else lies there is refused with a reason."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, Optional

from harness import Cases, Result, Stopped, heapcore, need_captures, report_of, succeed
from variants import SMALL_CORE

need_captures()

STATUSES = (0, 3)
LEAST_SHARE = 100  # a snapshot is at most a hundredth of its core
LEAST_CORE = 10 << 20
STOPS = 3


@dataclass
class Series:
    """A program of fixtures/stories at its stops: captures, and snapshots of them."""
    program: Path
    cores: list[Path]
    snapshots: list[Path]
    secret: bytes  # what blocks contain
    random: bytes  # AT_RANDOM's

    @property
    def folder(self) -> Path:
        return self.snapshots[0].parent


def random_of(pid: int) -> bytes:
    """The 16 bytes that entry 25 of the auxiliary vector points to."""
    vector = Path(f"/proc/{pid}/auxv").read_bytes()
    words = struct.unpack(f"<{len(vector) // 8}Q", vector)
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(dict(zip(words[::2], words[1::2]))[25])
        return memory.read(16)


def take(fixture: Stopped, secret: bytes) -> Series:
    series = Series(fixture.program, [], [], secret, random_of(fixture.pid))
    for stop in range(STOPS):
        if stop:
            fixture.go_on()
        series.cores.append(fixture.folder / f"capture-{stop}")
        succeed("capture", str(fixture.pid), "-o", series.cores[-1])
        series.snapshots.append(fixture.folder / f"{stop}.snap")
        snapshot(series, series.cores[-1], series.snapshots[-1])
    return series


def snapshot(series: Series, core: Path, path: Path, *options: str) -> Result:
    return succeed("snapshot", core, series.program, "-o", path, *options, statuses=STATUSES)


def diff(series: Series, inputs: Iterable[Path], *options: str) -> Result:
    return succeed("diff", *inputs, series.program, *options, statuses=STATUSES)


# ---- the same as of cores -------------------------------------------------------------------------------------------


def check_same(series: Series, *options: str) -> None:
    """Text and JSON, of two and of three, from files alone and mixed."""
    first, middle, last = range(STOPS)
    for steps in ((first, last), (first, middle, last)):
        cores = [series.cores[step] for step in steps]
        files = [series.snapshots[step] for step in steps]
        mixed = [files[0], *cores[1:]], [*cores[:-1], files[-1]]
        truth = diff(series, cores, *options)
        for inputs in (files, *mixed):
            told = diff(series, inputs, *options)
            assert told.status == truth.status and told.out == truth.out, f"of cores {truth}\nof {inputs} {told}"
    report = report_of(diff(series, series.snapshots, "--json"))
    assert report["sentences"] and report["growth"] > 0 and report["side_facts"]["a"]["resident"] > 0
    assert [step["process"]["pid"] for step in report["snapshots"]] == [report["a"]["process"]["pid"]] * STOPS


def check_without_cores(series: Series) -> None:
    """The cores may be gone."""
    truth = diff(series, series.snapshots, "--json").out
    hidden = [core.rename(core.with_suffix(".gone")) for core in series.cores]
    try:
        assert succeed("diff", *series.snapshots, series.program, "--json", statuses=STATUSES).out == truth
    finally:
        for core, name in zip(hidden, series.cores):
            core.rename(name)


def check_no_types(series: Series) -> None:
    files = [series.folder / f"no-types-{stop}.snap" for stop in range(STOPS)]
    for core, file in zip(series.cores, files):
        snapshot(series, core, file, "--no-types")
    assert diff(series, files, "--json").out == diff(series, series.cores, "--no-types", "--json").out


# ---- the file -------------------------------------------------------------------------------------------------------


def check_size(series: Series) -> None:
    path = series.folder / "size.snap"
    report = report_of(snapshot(series, series.cores[-1], path, "--json"))
    size = report["bytes"]
    core = sum(file.stat().st_blocks for file in series.cores[-1].glob("core.*")) * 512  # holes do not count
    assert size == path.stat().st_size and report["path"] == str(path)
    print(f"     {size} bytes of a core of {core}: 1/{core // size}", flush=True)
    assert core > LEAST_CORE and size * LEAST_SHARE < core, f"{size} bytes of a core of {core}"


def check_content(series: Series) -> None:
    """With --no-content the file's bytes have nothing of it; and a diff with a core that does is one without."""
    path = series.folder / "no-content.snap"
    assert series.secret in series.snapshots[-1].read_bytes(), "the test looks for the wrong bytes"
    snapshot(series, series.cores[-1], path, "--no-content")
    assert series.secret not in path.read_bytes()
    for one in (path, series.snapshots[-1]):
        assert series.random not in one.read_bytes() and series.random.hex().encode() not in one.read_bytes()
    name = os.fsencode(series.program)[:79] + b"\0"  # the whole command line, and the executable's path
    counts = [one.read_bytes().count(name) for one in (series.snapshots[-1], path)]
    assert counts[0] == counts[1] + 1, counts
    secret = series.secret.decode()
    cores = [series.cores[0], series.cores[-1]]
    without = diff(series, cores, "--no-content", "--json").out
    assert secret in diff(series, cores, "--json").out and secret not in without
    assert diff(series, [series.cores[0], path], "--json").out == without
    for options in ((), ("-v",), ("--json",)):
        assert secret not in diff(series, [series.snapshots[0], series.snapshots[-1]], "--no-content", *options).out


def check_permissions(series: Series) -> None:
    """It is its owner's alone; one that is there stays, unless it is to be replaced; where there is no folder, that is said."""
    path = series.folder / "again.snap"
    snapshot(series, series.cores[0], path)
    assert path.stat().st_mode & 0o777 == 0o600, oct(path.stat().st_mode)
    path.write_bytes(series.snapshots[1].read_bytes())
    path.chmod(0o640)
    stays(series, path, "--force")
    snapshot(series, series.cores[0], path, "--force")
    assert path.read_bytes() == series.snapshots[0].read_bytes() and path.stat().st_mode & 0o777 == 0o640, path.stat()
    result = heapcore("snapshot", series.cores[0], "-o", series.folder / "no" / "such.snap")
    assert result.status == 2 and "no/such.snap" in result.err and not result.out, result
    result = heapcore("snapshot", series.snapshots[0], "-o", path)
    assert result.status == 2 and "snapshot already" in result.err, result


def stays(series: Series, path: Path, reason: str, *options: str, core: Optional[Path] = None) -> None:
    """PATH is not written, REASON is said, and nothing is beside it that was not there."""
    before = path.lstat(), sorted(path.parent.iterdir())
    result = heapcore("snapshot", core or series.cores[0], series.program, "-o", path, *options)
    assert result.status == 2 and reason in result.err and str(path) in result.err and not result.out, result
    after = path.lstat(), sorted(path.parent.iterdir())
    assert before[1] == after[1] and before[0].st_mtime_ns == after[0].st_mtime_ns and before[0].st_ino == after[0].st_ino, (before, after)


def check_output(series: Series) -> None:
    """Never over what is no snapshot: the core, the program, a device, a pipe, what a link of another user leads to."""
    core, target, link = series.folder / "the-core", series.folder / "target.snap", series.folder / "link.snap"
    shutil.copy(next(series.cores[0].glob("core.*")), core)
    stays(series, series.cores[0], "a folder", "--force")
    stays(series, core, "--force", core=core)
    stays(series, core, "no snapshot", "--force", core=core)
    stays(series, Path(series.program), "no snapshot", "--force")
    os.mkfifo(series.folder / "pipe")
    for path in (Path("/dev/null"), series.folder / "pipe"):
        for options in ([], ["--force"]):
            stays(series, path, "no regular file", *options)
    link.symlink_to(target)
    stays(series, link, "leads nowhere")
    target.write_bytes(b"")
    stays(series, link, "--force")
    snapshot(series, series.cores[0], link, "--force")
    assert link.is_symlink() and target.read_bytes() == series.snapshots[0].read_bytes()
    if not os.geteuid():
        os.lchown(link, 54321, 54321)
        stays(series, link, "of another user", "--force")


# ---- what it is not -------------------------------------------------------------------------------------------------


def refused(series: Series, contents: bytes, *reasons: str) -> None:
    path = series.folder / "bad.snap"
    path.write_bytes(contents)
    for inputs in ((path, series.snapshots[0]), (series.snapshots[0], path)):
        result = heapcore("diff", *inputs)
        assert result.status == 2 and not result.out, result
        assert str(path) in result.err and any(reason in result.err for reason in reasons), result
        assert len(result.err.splitlines()) == 1, result


def check_damage(series: Series) -> None:
    whole = series.snapshots[0].read_bytes()
    line, data = whole.split(b"\n", 1)
    word, _, length, _ = line.split(b" ")
    for end in (0, 10, 18, len(line), len(line) + 1, len(line) + 2, len(whole) // 2, len(whole) - 1):
        refused(series, whole[:end], "the snapshot is cut", "not a heapcore snapshot", "not an ELF file", "empty")
    for place in (len(line) + 1, len(whole) // 2, len(whole) - 1):
        refused(series, whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1:], "the snapshot is damaged")
    refused(series, whole + b"x", "the snapshot is damaged")
    refused(series, whole.replace(b"snapshot 1 ", b"snapshot 2 ", 1), "format 2, written by a newer heapcore")
    junk = bytes(range(256)) * 64
    for nonsense in (b"", b"\0", junk, data[:-8] + junk, b"\xff" * 64):
        start = b" ".join([word, b"1", str(len(nonsense)).encode(), hashlib.sha256(nonsense).hexdigest().encode()])
        refused(series, start + b"\n" + nonsense, "not what a snapshot holds", "is missing", "makes no sense",
                "not a heapcore snapshot")
    assert int(length) == len(data)


def check_other_commands(series: Series) -> None:
    """They say what it is."""
    file = series.snapshots[0]
    for command in ("analyze", "arenas", "chunks", "leaks", "containers", "types", "pins", "roots", "mappings", "threads"):
        result = heapcore(command, file)
        assert result.status == 2 and "a snapshot: heapcore diff reads it" in result.err, result
        assert str(file) in result.err and not result.out, result


def check_other_program(one: Series, other: Series) -> None:
    report = report_of(succeed("diff", one.snapshots[0], other.snapshots[0], "--json", statuses=STATUSES))
    assert report["sameness"] == "other-program" and "different programs" in report["verdict"], report["verdict"]


CHECKS: dict[str, Any] = {
    "the same as of cores": (check_same,),
    "the same as of cores: JSON": (check_same, "--json"),
    "the same as of cores: -v": (check_same, "-v"),
    "the same without the cores": (check_without_cores,),
    "no types": (check_no_types,),
    "size": (check_size,),
    "no content": (check_content,),
    "where it is written": (check_permissions,),
    "where it is not written": (check_output,),
    "damaged": (check_damage,),
    "other commands": (check_other_commands,),
}

cases = Cases(__doc__)
if not cases.options.list:
    with Stopped("stories/labels", (), SMALL_CORE, recorder=False) as labels, \
            Stopped("stories/encode", (), SMALL_CORE, recorder=False) as encode:
        keys, lost = take(labels, b"/url/"), take(encode, b"LOGICPKT/1.0")
        for name, (function, *words) in CHECKS.items():
            cases.run(f"keys: {name}", function, keys, *words)
        for name in ("the same as of cores: JSON", "size", "no content"):
            function, *words = CHECKS[name]
            cases.run(f"lost: {name}", function, lost, *words)
        cases.run("two programs", check_other_program, keys, lost)
cases.finish()
