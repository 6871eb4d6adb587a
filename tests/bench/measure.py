# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests/bench/bench.py measures with: cores of heaps, and runs of programs on them. Times are seconds, memory is bytes."""
from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

BUILD = Path(os.environ.get("HEAPCORE_BUILDDIR", "."))
HEAPCORE = os.environ.get("HEAPCORE", str(BUILD / "heapcore"))
HEAPS = BUILD / "tests" / "bench" / "heaps"
OWNERS = BUILD / "tests" / "bench" / "owners"
STRIPPED = "-stripped"

# What `analyze --json` calls the stages, and those that have a column.
STAGES = ("blocks", "references", "types", "findings")


def take_core(kind: str, count: int, folder: Path) -> Path:
    """The core of a process with that heap, in FOLDER; beside it the program, which heapcore reads debug info of."""
    program = HEAPS
    if kind.endswith(STRIPPED):
        program = folder / "heaps"
        subprocess.run(["strip", "-g", "-o", str(program), str(HEAPS)], check=True)
    process = subprocess.Popen([str(program), kind.removesuffix(STRIPPED), str(count)], stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        if not line.startswith("ready"):
            sys.exit(f"bench: heaps {kind} {count} did not get ready")
        subprocess.run(["gcore", "-o", str(folder / kind), str(process.pid)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    finally:
        process.kill()
        process.wait()
    return folder / f"{kind}.{process.pid}"


def watch_memory(pid: int, peak: list[int], done: threading.Event) -> None:
    """The most anonymous memory that the process had: the mapped core is file memory and does not count."""
    while not done.wait(0.002):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return
        found = re.search(r"RssAnon:\s+(\d+)", status)
        peak[0] = max(peak[0], int(found.group(1)) * 1024 if found else 0)


def run_heapcore(program: str, *arguments: str) -> tuple[float, int, str]:
    """Seconds, memory and output of one command."""
    peak, done = [0], threading.Event()
    begin = time.monotonic()
    process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True)
    watcher = threading.Thread(target=watch_memory, args=(process.pid, peak, done))
    watcher.start()
    out = process.communicate()[0]
    seconds = time.monotonic() - begin
    done.set()
    watcher.join()
    if process.returncode not in (0, 3):
        sys.exit(f"bench: {program} {' '.join(arguments)} ended with status {process.returncode}")
    return seconds, peak[0], out


@dataclass
class Analysis:
    """One run of `analyze`. MEMORY is beyond the core, and beyond what of it was copied into large pages."""
    seconds: float
    memory: int
    blocks: int
    words: int
    stages: dict[str, float]

    @property
    def rest(self) -> float:
        return self.seconds - sum(self.stages[name] for name in STAGES)


def count_blocks(report: dict) -> int:
    """In use and free, but for those that have mappings of their own."""
    return sum(part["blocks"] for part in report["in_use"].values()) - report["in_use"]["mmapped"]["blocks"] + \
        sum(part["blocks"] for part in report["free"].values() if isinstance(part, dict))


def analyze(core: Path, jobs: int, program: str = HEAPCORE) -> Analysis:
    seconds, memory, out = run_heapcore(program, "analyze", str(core), "--json", "--jobs", str(jobs))
    report = json.loads(out)
    memory -= min(report["timings"].get("copied", 0), memory)
    return Analysis(seconds, memory, max(count_blocks(report), 1), report["references"]["words"], report["timings"])


def leaks(core: Path, jobs: int) -> float:
    """Seconds of `leaks` without the program's code, which the other program doesn't read either."""
    return run_heapcore(HEAPCORE, "leaks", "--no-sites", str(core), "--jobs", str(jobs))[0]


def diff(core: Path, jobs: int) -> float:
    """A diff of the core with itself: two cores to analyse, and what diff does on top."""
    return run_heapcore(HEAPCORE, "diff", str(core), str(core), "--jobs", str(jobs))[0]


def read_once(core: Path) -> float:
    begin = time.monotonic()
    with open(core, "rb") as file, open(os.devnull, "wb") as null:
        subprocess.run(["cat"], stdin=file, stdout=null, check=True)
    return time.monotonic() - begin


@dataclass
class Limit:
    """What the other program took."""
    walk: float
    mark: float

    @property
    def seconds(self) -> float:
        return self.walk + self.mark


def run_limit(program: str, core: Path, blocks: int, *arguments: str) -> Limit | None:
    """None if it cannot read the core, or did not see all of its BLOCKS."""
    out = subprocess.run([program, str(core), *arguments], capture_output=True, text=True).stdout
    found = re.search(r"(\d+) blocks.*walk ([\d.]+) s, mark ([\d.]+) s", out)
    if not found or abs(int(found.group(1)) - blocks) > blocks // 50 + 16:
        return None
    return Limit(float(found.group(2)), float(found.group(3)))


def measure_ownership(core: Path, jobs: int) -> tuple[str, float]:
    """The line of tests/bench/owners, and graph and dominators as a multiple of the search there."""
    line = subprocess.run([str(OWNERS), str(core), str(jobs)], check=True, capture_output=True, text=True).stdout.strip()
    cost = {name: float(value) for name, value in re.findall(r"(\w+) +([\d.]+) ns", line)}
    return line, (cost["graph"] + cost["dominators"]) / max(cost["search"], 1e-9)


def count_instructions(core: Path, folder: Path) -> dict[str, int]:
    """Instructions of each stage and of all of `analyze`, by callgrind, with one worker: what no other work on the machine changes."""
    data = folder / "callgrind.out"
    environment = dict(os.environ)
    libtool = Path(HEAPCORE).parent / ".libs" / Path(HEAPCORE).name
    program = str(libtool) if libtool.exists() else HEAPCORE
    if libtool.exists():
        environment["LD_LIBRARY_PATH"] = str(libtool.parent)
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={data}", program, "analyze", str(core), "--json", "--jobs",
                    "1"], check=True, capture_output=True, env=environment)
    out = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", str(data)], check=True, capture_output=True,
                         text=True).stdout
    counts = {name: int(count.replace(",", "")) for count, name in re.findall(r"^ *([\d,]+) \([^)]*\) +\S+:run_(\w+)", out, re.M)}
    total = re.search(r"^ *([\d,]+) .*PROGRAM TOTALS", out, re.M)
    return {**{name: counts.get(name, 0) for name in STAGES}, "all": int(total.group(1).replace(",", ""))}
