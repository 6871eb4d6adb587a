#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cut, corrupt and wrong input: never a crash, never a hang, always a word about what could not be read.

Statuses: 2 when nothing could be analysed, 3 when a part could, 0 when nothing is missing after all (what was cut off
or overwritten was not needed, or came from the mapped file).
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Callable

from elfcore import Core
from harness import Cases, Result, Stopped, Workspace, few, fixture_path, heapcore, report_of

LIMIT = 60.0  # seconds, sanitizers included
CUTS = 100
WORDS = 1000
SEEDS = 4


def run(*arguments: object) -> Result:
    """Runs heapcore on something bad; what must hold for everything is asserted here."""
    try:
        result = heapcore(*map(str, arguments), patience=LIMIT)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"heapcore {' '.join(map(str, arguments))}: no end after {LIMIT:.0f} s") from None
    assert result.status in (0, 2, 3), f"a crash, or a status that means something else: {result}"
    for mark in ("Sanitizer", "runtime error:", "CRITICAL **", "Assertion"):
        assert mark not in result.err, f"{mark!r} in stderr: {result}"
    return result


def check_told(result: Result, may_be_complete: bool = True) -> str:
    """Whatever the status, the report or the message goes with it. Returns what is wrong, or ""."""
    if result.status == 2:
        return "" if result.err.strip() else f"status 2 without a message: {result}"
    report = report_of(result)
    rows = report["memory"]["rows"]
    if sum(row["bytes"] for row in rows) != report["memory"]["total"]:
        return f"the rows do not add up: {result.arguments}"
    if report["status"] != {0: "complete", 3: "partial"}[result.status]:
        return f"exit status {result.status}, but the report says {report['status']}: {result.arguments}"
    if result.status == 3 and not report["diagnostics"]:
        return f"partial, but nothing is said about what: {result.arguments}"
    if result.status == 0 and not may_be_complete:
        return f"bytes are missing, but the report is called complete: {result.arguments}"
    return ""


class SmallCore:
    """One core of a small program, made once."""

    def __init__(self) -> None:
        self.workspace = Workspace()
        self.folder = self.workspace.path
        with Stopped("churn", ("300",), recorder=False) as fixture:
            self.path = self.folder / "core"
            os.replace(fixture.gcore(), self.path)
            self.maps = fixture.maps
        self.core = Core(self.path)
        self.bytes = self.core.bytes

    def ranges(self, name: str, permissions: str) -> list[tuple[int, int]]:
        """Offsets in the core of the mappings whose line in /proc/PID/maps ends so."""
        found = []
        for line in self.maps.splitlines():
            words = line.split()
            if words[1].startswith(permissions) and words[-1].endswith(name):
                low, high = (int(word, 16) for word in words[0].split("-"))
                try:
                    found.append((self.core.offset_of(low), self.core.offset_of(low) + high - low))
                except KeyError:
                    pass  # not dumped
        assert found, f"nothing of {name} is in the core"
        return found

    def variant(self, content: bytes) -> Path:
        path = self.folder / "variant"
        path.write_bytes(content)
        return path


def cut_lengths(core: Core) -> list[int]:
    """Half anywhere, half where something ends: headers, notes, segments, and a little beside."""
    dice = random.Random(1)
    size = len(core.bytes)
    ends = [64, 64 + 56 * 3] + [s.offset for s in core.segments] + [s.offset + s.file_size for s in core.segments]
    near = [max(0, dice.choice(ends) + dice.choice((-4096, -8, -1, 0, 1, 8, 100))) for _ in range(CUTS // 2)]
    return [dice.randrange(size) for _ in range(CUTS - len(near))] + [min(length, size - 1) for length in near]


def check_cuts(small: SmallCore) -> None:
    problems = []
    for length in cut_lengths(small.core):
        lost = [s for s in small.core.segments if s.flags & 2 and s.file_size and s.offset + s.file_size > length]
        result = run("analyze", small.variant(small.bytes[:length]), "--json")
        problem = check_told(result, may_be_complete=not lost)
        if problem:
            problems.append(f"cut at {length} of {len(small.bytes)}: {problem}")
    assert not problems, f"{len(problems)} of {CUTS}:{few(problems)}"


def random_word(dice: random.Random, small: SmallCore) -> int:
    """Random bits, a small number, or an address in the core's memory: three ways to mislead."""
    kind = dice.randrange(3)
    if kind == 0:
        return dice.getrandbits(64)
    if kind == 1:
        return dice.randrange(1 << dice.randrange(1, 24))
    segment = dice.choice(small.core.segments)
    return dice.randrange(segment.start, segment.end) & ~7


def overwrite(small: SmallCore, ranges: list[tuple[int, int]], count: int, seed: int) -> Path:
    dice = random.Random(seed)
    content = bytearray(small.bytes)
    for _ in range(count):
        start, end = dice.choice(ranges)
        offset = start + 8 * dice.randrange((end - start) // 8)
        struct.pack_into("<Q", content, offset, random_word(dice, small))
    return small.variant(bytes(content))


def check_overwritten(small: SmallCore, ranges: list[tuple[int, int]], count: int, seeds: int) -> None:
    problems = []
    for seed in range(seeds):
        path = overwrite(small, ranges, count, seed)
        problem = check_told(run("analyze", path, "--json"))
        if problem:
            problems.append(f"seed {seed}: {problem}")
        run("chunks", path, "--limit", "0", "--json")
    assert not problems, f"{len(problems)} of {seeds}:{few(problems)}"


def check_refused(path: object, *said: str) -> None:
    """Status 2, and a message with the file's name and these words."""
    result = run("analyze", path)
    assert result.status == 2, f"expected status 2: {result}"
    assert not result.out, f"there is nothing to report: {result}"
    for word in (str(path), *said):
        assert word in result.err, f"the message does not say {word!r}: {result}"


def build_id(path: Path) -> str:
    """The build-id in an ELF file's notes, in hexadecimal."""
    content = path.read_bytes()
    name = content.index(b"GNU\0")
    while struct.unpack_from("<I", content, name - 4)[0] != 3:
        name = content.index(b"GNU\0", name + 1)
    size, = struct.unpack_from("<I", content, name - 8)
    return content[name + 4:name + 4 + size].hex()


def check_wrong_binary(small: SmallCore) -> None:
    result = run("analyze", small.path, fixture_path("mapped"))
    assert result.status == 2, f"expected status 2: {result}"
    for program in ("churn", "mapped"):
        assert build_id(fixture_path(program)) in result.err, f"{program}'s build-id is not in the message: {result}"


def check_wrong_file_in_sysroot(small: SmallCore) -> None:
    """Under --sysroot the program's file is another one: it is told, and not used."""
    program = fixture_path("churn").resolve()
    with Workspace() as folder:
        put = folder / program.relative_to("/")
        put.parent.mkdir(parents=True)
        put.write_bytes(fixture_path("mapped").read_bytes())
        result = run("analyze", small.path, "--sysroot", folder, "--json")
        assert result.status in (0, 3), f"a wrong file beside the core is no reason to give up: {result}"
        files = {file["path"]: file["state"] for file in report_of(result)["files"]["list"]}
        assert files.get(str(program)) == "differs", f"the wrong file is not told: {files}"


def check_path(small: SmallCore, path: str, lies_at: str, *options: str) -> None:
    """The program has PATH in the core, which leads to one that lies at LIES_AT; it is not opened, as it is not where it has to be."""
    program = os.fsencode(fixture_path("churn").resolve())
    with Workspace() as folder:
        put = folder / lies_at
        put.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(fixture_path("churn"), put)
        (folder / "root").mkdir(exist_ok=True)
        named = path.replace("=", "/" * (len(program) - len(path) + 1)).encode()
        assert len(named) == len(program), f"{program} is too short"
        core = small.variant(small.bytes.replace(program + b"\0", named + b"\0"))
        result = heapcore("analyze", core, *options, "--json", patience=LIMIT, cwd=folder)
        files = {file["path"]: file["state"] for file in report_of(result)["files"]["list"]}
        assert files.get(os.fsdecode(named)) == "missing", files


def check_paths(small: SmallCore) -> None:
    check_path(small, "=../churn", "churn", "--sysroot", "root")
    check_path(small, ".=churn", "churn")
    check_path(small, "/proc/self=cwd/churn", "churn")


def check_names(small: SmallCore) -> None:
    """Each name of the debug info ends in a byte that begins a character of UTF-8, or tells a terminal something."""
    content = bytearray(fixture_path("churn").read_bytes())
    table, = struct.unpack_from("<Q", content, 40)
    size, count, of_names = struct.unpack_from("<HHH", content, 58)
    headers = [struct.unpack_from("<IIQQQQ", content, table + i * size) for i in range(count)]
    names = headers[of_names][4]
    places = [h[4:] for h in headers if content[names + h[0]:].startswith((b".debug_str\0", b".debug_line_str\0"))]
    for start, length in places:
        at = start
        while at < start + length:
            end = content.index(0, at)
            if end > at:
                content[end - 1] = (0xf0, 0xff, 0xe2, 0x1b)[end % 4]
            at = end + 1
    with Workspace() as folder:
        program = folder / "churn"
        program.write_bytes(content)
        (folder / "own.containers").write_text("[pool]\nmatch = *q*zzzzzzzz\nkind = contiguous\ndata = slots\ncount = 1\nelem = *slots\n")
        for options in ([], ["--json"]):
            result = run("containers", small.path, program, "--containers", folder / "own.containers", *options)
            assert result.status in (0, 3) and "\x1b" not in result.out + result.err, result


def check_patterns(small: SmallCore) -> None:
    """So may patterns: of a suppression, of a description of containers."""
    with Workspace() as folder:
        (folder / "suppressions").write_bytes(b"[one]\ntype=*a*bcdefgh\xf0\n[two]\ncontent=*?\xff\xf0\n")
        (folder / "own.containers").write_bytes(b"[pool]\nmatch = *a*bcdefgh\xf0\nkind = contiguous\ndata = slots\ncount = 1\nelem = *slots\n")
        for arguments in (["--suppressions", folder / "suppressions"], ["--containers", folder / "own.containers"]):
            run("leaks" if "--suppressions" in arguments else "containers", small.path, *arguments)


def with_file(content: bytes, check: Callable[..., None], *arguments: object) -> None:
    with Workspace() as folder:
        path = folder / "some-file"
        path.write_bytes(content)
        check(path, *arguments)


def check_not_files() -> None:
    with Workspace() as folder:
        check_refused(folder / "no-such-file")
        check_refused(folder)
    for device in ("/dev/null", "/dev/zero"):
        check_refused(device)


def check_other_files(small: SmallCore, kind: str) -> None:
    """What is read beside the core is a file, and no larger than such a file is: a pipe that nobody writes to, a device and one of a TiB are told
    at once. Of files that the core names, and of their debug info, such a one is as good as none."""
    with Workspace() as folder:
        other = folder / "other"
        if kind == "pipe":
            os.mkfifo(other)
        elif kind == "device":
            other = Path("/dev/zero")
        else:
            other.touch()
            os.truncate(other, 1 << 40)
        for words in (["leaks", small.path, "--suppressions", other], ["analyze", small.path, "--containers", other], ["diff", small.path, other],
                      ["diff", other, small.path]):
            result = run(*words)
            assert result.status == 2 and str(other) in result.err and result.err.count("\n") == 1, result
        program = fixture_path("churn").resolve()
        name = build_id(program)
        root, debug = folder / "root", folder / "debug"
        places = [root / str(program)[1:], debug / ".build-id" / name[:2] / f"{name[2:]}.debug"]
        for place in places:
            place.parent.mkdir(parents=True)
            place.symlink_to(other)
        files = {file["path"]: file["state"] for file in report_of(run("analyze", small.path, "--sysroot", root, "--json"))["files"]["list"]}
        assert files[str(program)] == "missing", files
        run("analyze", small.path, "--debug-dir", debug, "--json")


def garbage(size: int) -> bytes:
    return random.Random(7).getrandbits(8 * size).to_bytes(size, "little")


cases = Cases(__doc__)
cases.run("empty file", with_file, b"", check_refused)
cases.run("text", with_file, b"this is not a core\n" * 300, check_refused)
cases.run("random bytes", with_file, garbage(300000), check_refused)
cases.run("random bytes after ELF's first four", with_file, b"\x7fELF" + garbage(300000), check_refused)
cases.run("an ELF header and nothing else", with_file, b"\x7fELF\x02\x01\x01".ljust(64, b"\0"), check_refused)
cases.run("a program instead of a core", check_refused, fixture_path("churn"), "core")
cases.run("no file, a folder, a device", check_not_files)
if not cases.options.list:
    small_core = SmallCore()
    everything = [(0, len(small_core.bytes))]
    headers = [(0, min(segment.offset for segment in small_core.core.segments if segment.file_size))]
    cases.run("wrong binary", check_wrong_binary, small_core)
    cases.run("names that are no UTF-8", check_names, small_core)
    cases.run("patterns that are no UTF-8", check_patterns, small_core)
    cases.run("paths that lead elsewhere", check_paths, small_core)
    cases.run("wrong file under --sysroot", check_wrong_file_in_sysroot, small_core)
    for what in ("pipe", "device", "TiB"):
        cases.run(f"other files: {what}", check_other_files, small_core, what)
    cases.run(f"cut at {CUTS} lengths", check_cuts, small_core)
    for size in (WORDS, 20):
        cases.run(f"{size} words of the heap overwritten", check_overwritten, small_core,
                  small_core.ranges("[heap]", "rw"), size, 2 * SEEDS)
    cases.run("words of libc's data overwritten", check_overwritten, small_core,
              small_core.ranges("libc.so.6", "rw"), 100, SEEDS)
    cases.run("words of headers and notes overwritten", check_overwritten, small_core, headers, 10, 10 * SEEDS)
    cases.run("words anywhere overwritten", check_overwritten, small_core, everything, 3000, SEEDS)
    small_core.workspace.remove()
cases.finish()
