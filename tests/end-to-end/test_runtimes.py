#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory of other runtimes by name.

Their books, as fixtures/runtimes.c and fixtures/extents.c make them by hand: what the books tell is named, to the byte, and what looks like it
without a proof is not. Names that the kernel has for mappings are put into a capture's smaps, as not every kernel has them. And real programs,
those that are here: what grows is named, and by what smaps says that it grew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Optional

from harness import Cases, Skipped, Stopped, fixture_path, need_captures, report_of, succeed
from test_nameless import strip

need_captures()

Report = dict[str, Any]
PAGE = 4096
MIB = 1 << 20
# What the kernel counts beside what a program writes: pages of its own around the ranges.
WITHIN = 0.01
# runtime: what the copy is called, so that its module is known.
COPIES = {"java": "libjvm.so", "v8": "engine", "go": "service", "python": "python3.99", "ruby": "ruby9.9", "php": "php9.9", "luajit": "luajit-9"}
KINDS = {"java": "java-heap"}


def capture(fixture: Any, name: str = "capture") -> Path:
    succeed("capture", str(fixture.pid), "-o", fixture.folder / name)
    return fixture.folder / name


def named(folder: Path) -> list[tuple[int, int, Report]]:
    """The areas that a runtime has, with what is said of them."""
    areas = report_of(succeed("mappings", folder, "--json", statuses=(0, 3)))["mappings"]
    return [(int(one["start"], 16), int(one["end"], 16), one["runtime"]) for one in areas if one["runtime"]]


def joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and found[-1][1] == low:
            found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
    return found


def said(fixture: Stopped, key: str) -> list[list[int]]:
    return [[int(word, 0) for word in line] for line in fixture.said(key)]


def check_books(fixture: Stopped, folder: Path, kind: str, proved: bool = True) -> None:
    """What the program's books tell is named, and nothing else; the memory table has the sum."""
    areas = named(folder)
    wanted = [(start, start + size) for start, size, _ in said(fixture, "has")]
    written = sum(line[2] for line in said(fixture, "has"))
    if not proved:
        wanted += [(start, start + size) for start, size in said(fixture, "decoy")]
        written += sum(line[1] for line in said(fixture, "decoy"))
    assert joined([area[:2] for area in areas]) == joined(wanted), ([list(map(hex, area[:2])) for area in areas], wanted)
    assert all(area[2]["kind"] == kind and area[2]["proved"] == proved for area in areas), areas
    memory = report_of(succeed("analyze", folder, "--json", statuses=(0, 3)))["memory"]
    sums = {key: sum(one[key] for one in memory["runtimes"]) for key in ("bytes", "resident")}
    assert sums == {"bytes": sum(high - low for low, high in wanted), "resident": written}, (sums, wanted, written)
    row, = (row for row in memory["rows"] if row["id"] == "anonymous")
    assert row["bytes"] >= sums["bytes"] and row["resident"] >= sums["resident"], row


def check_runtime(runtime: str, stripped: bool) -> None:
    """Stripped: Java's and Go's symbols are gone (of libraries the dynamic ones stay; here it is a program), the others need none."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / COPIES[runtime]
        if stripped:
            shutil.move(strip(fixture_path("runtimes"), Path(place)), path)
        else:
            shutil.copy(fixture_path("runtimes"), path)
        with Stopped(str(path), (runtime,), recorder=False) as fixture:
            folder = capture(fixture)
            check_books(fixture, folder, KINDS.get(runtime, runtime), proved=not (stripped and runtime == "go"))
            if runtime == "java":
                assert named(fixture.gcore()), "a core has the books, too"


def check_other_name(runtime: str) -> None:
    """The same memory in a program that cannot have the runtime in it."""
    with Stopped("runtimes", (runtime,), recorder=False) as fixture:
        assert not named(capture(fixture))


def check_extents() -> None:
    with Stopped("extents", recorder=False) as fixture:
        check_books(fixture, capture(fixture), "allocator")


def check_names() -> None:
    """A mapping that the process named; what the books prove is not called by a name."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / COPIES["php"]
        shutil.copy(fixture_path("runtimes"), path)
        with Stopped(str(path), ("php",), recorder=False) as fixture:
            folder = capture(fixture)
            text, names = (folder / "smaps").read_text(), {}
            for what in ("has", "decoy"):
                start = said(fixture, what)[0][0]
                line = re.search(rf"^{start:x}-.* 0 ?$", text, re.MULTILINE)
                assert line, f"{start:#x} begins no anonymous mapping"
                text = text.replace(line[0], line[0].rstrip().ljust(73) + f"[anon: pool of {what}\x07]")
                names[start] = what
            (folder / "smaps").write_text(text)
            told = {low: (one["kind"], one["name"]) for low, _, one in named(folder)}
            assert told == {start: ("php", None) if what == "has" else ("named", f"pool of {what}\x07")
                            for start, what in names.items()}, told
            out = succeed("analyze", folder).out
            assert 'named "pool of decoy\\x07"' in out and "\x07" not in out, out


# ---- real programs ----

PYTHON = """
import sys
kept = [str(i) for i in range(10000)]
print("ready", flush=True)
for line in sys.stdin:
    kept.extend((i, str(i)) for i in range(80000))
    print("ready", flush=True)
"""
# Objects in Python's arenas, whose buffers are malloc's: each line adds ARRAYS_BYTES, and room that is as much as an eighth of it.
ARRAYS_BYTES = 14_000_000
PYTHON_ARRAYS = """
import sys
kept = [bytearray() for i in range(200)]
print("ready", flush=True)
for line in sys.stdin:
    for i in range(20000):
        kept[i % 200].extend(b"x" * 700)
    print("ready", flush=True)
"""
# Objects with attributes, which the collector chains to all others. CPython's own statistics say how many bytes of its arenas it gave out.
PYTHON_OBJECTS = """
import os, sys
class Session:
    def __init__(self, number):
        self.name, self.data, self.tags = "session %d" % number, {"number": number}, ("a", number)
kept = {}
def say():
    sys._debugmallocstats()
    print("ready", flush=True)
os.dup2(os.open(os.environ["STATISTICS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
say()
for line in sys.stdin:
    for i in range(20000):
        kept[len(kept)] = Session(len(kept))
    say()
"""
JAVASCRIPT = """
const kept = [];
console.log("ready");
require("readline").createInterface({input: process.stdin}).on("line", () => {
    for (let i = 0; i < 20000; i++) kept.push({id: i, data: new Array(100).fill(i)});
    console.log("ready");
});
"""
JAVA = """
public class Grow {
    static java.util.List<byte[]> kept = new java.util.ArrayList<>();
    public static void main(String[] arguments) {
        java.util.Scanner in = new java.util.Scanner(System.in);
        System.out.println("ready");
        while (in.hasNextLine()) {
            in.nextLine();
            for (int i = 0; i < 320; i++) kept.add(new byte[65536]);
            System.out.println("ready");
        }
    }
}
"""


class Running:
    """A real program that says "ready", and again after a line."""

    def __init__(self, command: list[str], environment: Optional[dict[str, str]] = None) -> None:
        self.place = tempfile.TemporaryDirectory()
        self.folder = Path(self.place.name)
        self.process = subprocess.Popen(command, env={**os.environ, **(environment or {})}, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.pid = self.process.pid

    def __enter__(self) -> "Running":
        self.wait()
        return self

    def wait(self) -> None:
        line = self.process.stdout.readline().strip()
        assert line == "ready", (line, self.process.poll())

    def grow(self) -> None:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.wait()

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.place.cleanup()


def command_of(name: str, place: Path) -> list[str]:
    if name == "python":
        return [os.path.realpath(sys.executable), "-c", PYTHON]
    program = shutil.which({"java": "java", "v8": "node"}[name])
    if not program:
        raise Skipped(f"there is no {name} here")
    if name == "v8":
        return [program, "-e", JAVASCRIPT]
    (place / "Grow.java").write_text(JAVA)
    return [program, "-Xmx256m", str(place / "Grow.java")]


def rss(folder: Path) -> int:
    """As the kernel tells it, of what a core has."""
    text = (folder / "smaps").read_text()
    return sum(int(one) << 10 for one in re.findall(r"^Rss:\s+(\d+) kB", text, re.MULTILINE))


def check_real(name: str) -> None:
    """Most of what grew is the runtime's, by rows that add up to smaps' Rss; and the verdict names it."""
    with tempfile.TemporaryDirectory() as place, Running(command_of(name, Path(place))) as program:
        before = capture(program, "before")
        program.grow()
        after = capture(program, "after")
        report = report_of(succeed("diff", before, after, "--json", statuses=(0, 3)))
        grown = rss(after) - rss(before)
        assert grown > 8 * MIB, grown
        assert abs(report["memory"]["resident_growth"] - grown) <= WITHIN * grown, (report["memory"], grown)
        assert sum(row["resident"] or 0 for row in report["attribution"]) == grown, grown
        part = 0
        for sign, folder in ((-1, before), (1, after)):
            for one in report_of(succeed("analyze", folder, "--json", statuses=(0, 3)))["memory"]["runtimes"]:
                part += sign * one["resident"] if one["kind"] == KINDS.get(name, name) and one["proved"] else 0
        assert part > grown * 0.8, (part, grown)
        text = " ".join(line["text"] for line in report["sentences"][:3])
        assert {"python": "Python's arenas", "java": "the Java heap", "v8": "V8's heap"}[name] in text, text


def check_arrays(python: str) -> None:
    """What the arrays have is one owner's: not a part of it the allocator's, whose lists lead into its pools and what is left over there."""
    with Running([python, "-c", PYTHON_ARRAYS]) as program:
        program.grow()
        before = capture(program, "before")
        program.grow()
        after = capture(program, "after")
        report = report_of(succeed("diff", before, after, "--json", statuses=(0, 3)))
        name = report["sentences"][0]["name"]
        rows = [row for row in report["attribution"] if row["name"] == name and row["kind"] in ("owner", "buffer")]
        grown = sum(row["bytes"] for row in rows)
        assert ARRAYS_BYTES * 0.95 < grown < ARRAYS_BYTES * 1.25, (name, grown, report["sentences"])
        assert name not in ("usedpools[]", "[anon]"), name


def check_objects(python: str) -> None:
    """What a dictionary's objects have, attributes and all, is one owner's."""
    with tempfile.TemporaryDirectory() as place:
        statistics = Path(place, "statistics")
        with Running([python, "-c", PYTHON_OBJECTS], {"STATISTICS": str(statistics)}) as program:
            program.grow()
            before = capture(program, "before")
            program.grow()
            after = capture(program, "after")
            report = report_of(succeed("diff", before, after, "--json", statuses=(0, 3)))
        given = [int(one.replace(",", "")) for one in
                 re.findall(r"^# bytes in allocated blocks\s+=\s+([\d,]+)$", statistics.read_text(), re.MULTILINE)]
        assert len(given) == 3 and given[2] - given[1] > 4 * MIB, given
        name = report["sentences"][0]["name"]
        grown = sum(row["bytes"] for row in report["attribution"] if row["name"] == name and row["kind"] == "owner")
        assert 0.95 < grown / (given[2] - given[1]) < 1.15, (name, grown, given, report["sentences"])


if __name__ == "__main__":
    cases = Cases(__doc__)
    for each in COPIES:
        cases.run(f"books: {each}", check_runtime, each, False)
    for each in ("java", "php"):
        cases.run(f"another name: {each}", check_other_name, each)
    for each in ("go", "php"):
        cases.run(f"stripped: {each}", check_runtime, each, True)
    cases.run("books: jemalloc", check_extents)
    cases.run("names", check_names)
    for each in ("python", "java", "v8"):
        cases.run(f"real: {each}", check_real, each)
    for each in sorted({os.path.realpath(python) for python in (sys.executable, shutil.which("python3", path="/usr/bin")) if python}):
        cases.run(f"arrays of {each}", check_arrays, each)
        cases.run(f"objects of {each}", check_objects, each)
    cases.finish()
