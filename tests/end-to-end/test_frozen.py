#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`heapcore capture` from a frozen copy: a process that watches itself (fixtures/watchful.c) notices nothing, whenever heapcore is killed
meanwhile; the core is that of a process that stands still; and what is told of the memory of one that never does (fixtures/moving.c) is of
that core's moment. CAPTURES=1000 for a long run, KILLS=200 to be killed as often at random moments."""

from __future__ import annotations

import os
import random
import re
import signal
import struct
import subprocess
import time
from pathlib import Path

from elfcore import Core
from harness import Cases, FIXTURES, HEAPCORE, Skipped, Stopped, Workspace, need_captures, report_of, succeed

need_captures()

CAPTURES = int(os.environ.get("CAPTURES", "30"))
KILLS = int(os.environ.get("KILLS", "5"))
KILLER = FIXTURES / "tests" / "support" / ".libs" / "killer.so"
PROCESSORS_MAX = 8192
ZOMBIE_SECONDS = 30
MANY_ALIKE = (10, 60)  # calls by which threads are stopped: a part of them is tried
CALLS_MAX = 2000  # of one capture: there are three for each thread, and some twenty


class Watchful:
    """The process that watches itself; at the end it must be sound."""

    def __init__(self, *arguments: str) -> None:
        self.workspace = Workspace()
        self.arguments = arguments

    def __enter__(self) -> "Watchful":
        self.process = subprocess.Popen([str(FIXTURES / "fixtures" / "watchful"), *self.arguments], stdout=subprocess.PIPE,
                                        text=True)
        self.pid = int(self.process.stdout.readline().split()[1])
        return self

    def capture(self, name: str, *options: str) -> Path:
        folder = self.workspace.path / name
        succeed("capture", str(self.pid), "-o", folder, *options)
        return folder

    def children(self) -> str:
        return "".join(path.read_text() for path in Path(f"/proc/{self.pid}/task").glob("*/children"))

    def is_sound(self) -> None:
        assert self.process.poll() is None, f"it noticed: {self.process.stdout.read()}"

    def __exit__(self, kind: object, *rest: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=60)
        self.workspace.remove()
        if not kind:
            assert self.process.returncode == 0 and said.startswith("sound"), said


def why(folder: Path) -> str:
    found = re.search(r"^stopped-because=(.*)$", (folder / "capture.ini").read_text(), re.MULTILINE)
    return found.group(1) if found else ""


def need_copies() -> None:
    """A container may filter system calls of all that runs in it; then no copy is made of any process."""
    if not re.search(r"^Seccomp:\s+0$", Path("/proc/self/status").read_text(), re.MULTILINE):
        raise Skipped("system calls are filtered here (seccomp)")


def check_many() -> None:
    need_copies()
    with Watchful() as watchful:
        frozen = 0
        for i in range(CAPTURES):
            folder = watchful.capture(f"c{i}")
            frozen += not why(folder)
            watchful.is_sound()
            subprocess.run(["rm", "-rf", str(folder)], check=True)
        assert frozen == CAPTURES, f"{CAPTURES - frozen} of {CAPTURES} times it stood still"
        stay = lasting_zombies(watchful)
        assert not stay, stay


def lasting_zombies(watchful: Watchful) -> set[str]:
    """Those that nobody waits for. Its own children are zombies too until its main thread, one of 33, comes to run."""
    stay = {child for child in watchful.children().split() if is_zombie(child)}
    end = time.monotonic() + ZOMBIE_SECONDS
    while stay and time.monotonic() < end:
        time.sleep(0.02)
        stay = {child for child in stay if is_zombie(child)}
    return stay


def is_zombie(pid: str) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "State:\tZ" in status and "Name:\twatchful" in status


def guardians() -> list[str]:
    """Processes that clean up after a heapcore that is gone."""
    found = []
    for comm in Path("/proc").glob("[0-9]*/comm"):
        try:
            if comm.read_text() != "heapcore-guard\n":
                continue
            status = (comm.parent / "status").read_text()
            parent = re.search(r"^PPid:\s+(\d+)$", status, re.MULTILINE).group(1)
            if "State:\tZ" not in status and "heapcore" not in Path(f"/proc/{parent}/comm").read_text():
                found.append(comm.parent.name)
        except OSError:
            pass
    return found


def wait_for_guardians() -> None:
    """They stop a thread for a moment, which no other heapcore may do then."""
    end = time.monotonic() + ZOMBIE_SECONDS
    while guardians():
        assert time.monotonic() < end, f"still there: {guardians()}"
        time.sleep(0.01)


def check_killed() -> None:
    """Before each call that changes something of the process. Nothing of a copy stays there."""
    need_copies()
    environment = {**os.environ, "LD_PRELOAD": str(KILLER),
                   "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
    with Watchful() as watchful:
        for number in range(1, CALLS_MAX):
            if MANY_ALIKE[0] < number < MANY_ALIKE[1] and number % 5:
                continue
            folder = watchful.workspace.path / f"k{number}"
            status = subprocess.run([HEAPCORE, "capture", str(watchful.pid), "-o", str(folder)], capture_output=True,
                                    env={**environment, "KILLER_AT": str(number)}, check=False).returncode
            watchful.is_sound()
            subprocess.run(["rm", "-rf", str(folder), *map(str, folder.parent.glob(f"{folder.name}.new-*"))], check=True)
            if status == 0:
                break
            assert status == -signal.SIGKILL, status
            wait_for_guardians()
        else:
            raise AssertionError("it was killed each time")
        stay = lasting_zombies(watchful)
        assert not stay, stay
        assert number > 60, f"{number} calls: none of them can have made a copy"


def seconds_of(watchful: Watchful, name: str) -> float:
    begin = time.monotonic()
    watchful.capture(name)
    return time.monotonic() - begin


def check_killed_at_random() -> None:
    """Wherever it is, also while it only reads."""
    need_copies()
    chance, killed = random.Random(14), 0
    with Watchful() as watchful:
        took = min(seconds_of(watchful, f"whole{i}") for i in range(3))
        for i in range(KILLS):
            folder = watchful.workspace.path / f"r{i}"
            with subprocess.Popen([HEAPCORE, "capture", str(watchful.pid), "-q", "-o", str(folder)], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as process:
                time.sleep(chance.uniform(0, took))
                process.kill()
                killed += process.wait() == -signal.SIGKILL
            watchful.is_sound()
            subprocess.run(["rm", "-rf", str(folder)], check=True)
            wait_for_guardians()
        stay = lasting_zombies(watchful)
        assert not stay, stay
        assert killed > KILLS // 4, f"it was done {KILLS - killed} of {KILLS} times"


def loads(folder: Path) -> dict[tuple[int, int], bytes]:
    core = next(folder.glob("core.*"))
    data = core.read_bytes()
    return {(segment.start, segment.end): data[segment.offset:segment.offset + segment.file_size]
            for segment in Core(core).segments}


def differences(one: bytes, two: bytes) -> list[int]:
    """Where words differ; but for those of two small numbers: the kernel tells each thread on which processor it runs (rseq(2))."""
    if one == two:
        return []
    words = [struct.iter_unpack("<II", data[:len(data) & ~7]) for data in (one, two)]
    return [i * 8 for i, (a, b) in enumerate(zip(*words)) if a != b and max(*a, *b) >= PROCESSORS_MAX]


def check_same() -> None:
    """Of a process that waits, the same to the word as of one that stands still."""
    need_copies()
    with Stopped("threads", recorder=False) as fixture:
        copies = {}
        for name, options in (("frozen", []), ("still", ["--stop"])):
            folder = fixture.folder / name
            succeed("capture", str(fixture.pid), "-o", folder, *options)
            copies[name] = folder
        assert not why(copies["frozen"]) and why(copies["still"])
        one, two = loads(copies["frozen"]), loads(copies["still"])
        assert one.keys() == two.keys()
        different = [f"{key[0] + at:x}" for key in one for at in differences(one[key], two[key])]
        assert not different, different[:20]


def check_pages() -> None:
    """What children do not have is in the core all the same."""
    need_copies()
    with Watchful() as watchful:
        folder = watchful.capture("c")
        assert not why(folder)
        parts = loads(folder).values()
    for words in (b"these words are not for children, but for the core\0", b"these words would be wiped in a child\0"):
        assert any(part.startswith(words) for part in parts), words


def check_filtered() -> None:
    with Watchful("filtered") as watchful:
        said = succeed("capture", str(watchful.pid), "-o", watchful.workspace.path / "c").out
        assert "stood still" in said and "seccomp" in said, said
        watchful.is_sound()


# ---- a process that never stands still ------------------------------------------------------------------------------


class Moving:
    def __init__(self, *arguments: str) -> None:
        self.workspace = Workspace()
        self.process = subprocess.Popen([str(FIXTURES / "fixtures" / "moving"), *arguments], stdout=subprocess.PIPE, text=True)
        said = self.process.stdout.readline().split()
        self.pid = int(said[1])
        self.private, self.shared = ((int(said[i], 16), int(said[i], 16) + int(said[i + 1])) for i in (2, 4))

    def __enter__(self) -> "Moving":
        return self

    def capture(self, name: str) -> Path:
        folder = self.workspace.path / name
        succeed("capture", str(self.pid), "-o", folder)
        return folder

    def __exit__(self, *rest: object) -> None:
        self.process.kill()
        self.process.communicate()
        self.workspace.remove()


def smaps_of(folder: Path) -> dict[int, dict[str, str]]:
    """The fields of each mapping, by its start."""
    parts = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", (folder / "smaps").read_text(), flags=re.MULTILINE)[1:]
    return {int(part.split("-")[0], 16): dict(re.findall(r"^(\w+):\s+(.*)$", part, re.MULTILINE)) for part in parts}


def bytes_at(folder: Path, address: int, size: int) -> bytes:
    """Of a core that is large, only so much."""
    with open(next(folder.glob("core.*")), "rb") as core:
        header = core.read(64)
        for i in range(struct.unpack_from("<H", header, 56)[0]):
            core.seek(64 + 56 * i)
            _, _, offset, start, _, length, _, _ = struct.unpack("<IIQQQQQQ", core.read(56))
            if start <= address < start + length:
                core.seek(offset + address - start)
                return core.read(size)
    raise AssertionError(f"{address:x} is not in the core")


def check_moment() -> None:
    """How many pages there were is what the program had counted at the moment of the core, or one more: it counts them afterwards."""
    need_copies()
    compared = 0
    with Moving() as moving:
        for i in range(6):
            folder = moving.capture(f"m{i}")
            assert not why(folder), why(folder)
            private, shared, begins = struct.unpack("<QQQ", bytes_at(folder, moving.private[0], 24))
            if begins:
                continue
            report = None if compared else report_of(succeed("mappings", folder, "--json"))
            areas, fields = report["mappings"] if report else [], smaps_of(folder)
            assert fields[moving.private[0]]["Pss"] == fields[moving.private[0]]["Rss"], "it is nobody else's"
            if report:
                unknown = any("Pss" not in one and one["Rss"] != "0 kB" for one in fields.values())
                assert unknown == any(one["id"] == "shares-not-known" for one in report["diagnostics"]), report["diagnostics"]
            for count, (start, end) in ((private, moving.private), (shared, moving.shared)):
                told = int(fields[start]["Rss"].split()[0]) // 4
                assert told in (count, count + 1), f"{told} pages by smaps, the program had counted {count}"
                listed = sum(area["resident"] for area in areas if start <= int(area["start"], 16) < end) // 4096
                assert not areas or listed == told, f"{listed} pages are listed, {told} are in smaps"
            compared += 1
    assert compared > 1, compared


def check_flapping() -> None:
    """What children do not have, and was not there just before: the process is read once more, and stands still for it."""
    need_copies()
    stood, met = 0, 0
    with Moving("flapping") as moving:
        for i in range(4):
            folder = moving.capture(f"f{i}")
            stood += "changed while a copy of it was made" in why(folder)
            for start, fields in smaps_of(folder).items():
                if " dc" in fields.get("VmFlags", ""):
                    met += 1
                    content = bytes_at(folder, start, 24)
                    # They are written when it is one already that children do not have.
                    assert content in (b"these words come and go\0", bytes(24)), content
    assert stood and met, (stood, met)


cases = Cases(__doc__)
cases.run("the same", check_same)
cases.run("pages that are not for children", check_pages)
cases.run("filtered calls", check_filtered)
cases.run("the moment", check_moment)
cases.run("what comes and goes", check_flapping)
cases.run("many captures", check_many)
cases.run("killed at any moment", check_killed)
cases.run("killed at random", check_killed_at_random)
cases.finish()
