#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""make bench: heapcore's stages on heaps of several kinds, in figures that can be compared between machines.

Each heap is built by tests/bench/heaps, dumped with gcore and analysed; RUNS times, and the fastest counts. Printed for
each: ns a block for each stage that takes time (further ones at the end of the row, with their ratio to the search),
million words a second of the search, bytes of memory a block beyond the mapped core, and the ratio of the whole analysis
to reading the core once (cat), measured in the same minute; how many times as long a diff of the core with itself takes (the median of
RUNS pairs). Below each row, what ownership costs (tests/bench/owners): the words of what has no type, the graph, dominators, beside the
search. Kinds with "-stripped" are the same heaps of a program without debug info: there words are all that leads to a block. With --limit
PROGRAM another reader of cores runs on the same files ("walk X s, mark Y s" in its output), and the ratio is printed. With --against
HEAPCORE another build analyses the same cores in turn, and the median of the ratios is printed: above 1, this one is slower.

Usage: bench.py [--scale FACTOR] [--runs N] [--jobs N ...] [--only KIND ...] [--limit PROGRAM] [--against HEAPCORE]
Environment: HEAPCORE (the program), HEAPCORE_BUILDDIR (where tests/bench/heaps is)
"""
from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

BUILD = Path(os.environ.get("HEAPCORE_BUILDDIR", "."))
HEAPCORE = os.environ.get("HEAPCORE", str(BUILD / "heapcore"))
HEAPS = BUILD / "tests" / "bench" / "heaps"
OWNERS = BUILD / "tests" / "bench" / "owners"

# kind, count at scale 1: about 0.6 GB each but for the intrusive list, where the shape matters and not the size
KINDS = [("list", 20_000_000), ("list-shuffled", 20_000_000), ("mixed", 2_000_000), ("objects", 1_500_000),
         ("intrusive", 300_000), ("long", 10_000_000), ("pointers", 134_217_728),
         ("list-stripped", 20_000_000), ("mixed-stripped", 2_000_000), ("objects-stripped", 1_500_000)]
STRIPPED = "-stripped"
STAGES = [("heap", ("blocks",)), ("search", ("references",)), ("rest", ("core", "modules", "areas", "memory", "findings"))]
KNOWN = {name for _, names in STAGES for name in names} | {"total", "peak", "copied"}


def take_core(kind: str, count: int, folder: Path) -> Path:
    """The core of a process with that heap."""
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
    """The most anonymous memory that the process had, in KiB: the mapped core is file memory and does not count."""
    while not done.wait(0.002):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return
        found = re.search(r"RssAnon:\s+(\d+)", status)
        peak[0] = max(peak[0], int(found.group(1)) if found else 0)


def analyze(core: Path, jobs: int, program: str = HEAPCORE) -> tuple[float, int, dict]:
    """Seconds, KiB and report of one analysis."""
    peak, done = [0], threading.Event()
    begin = time.monotonic()
    process = subprocess.Popen([program, "analyze", str(core), "--json", "--jobs", str(jobs)], stdout=subprocess.PIPE, text=True)
    watcher = threading.Thread(target=watch_memory, args=(process.pid, peak, done))
    watcher.start()
    out = process.communicate()[0]
    seconds = time.monotonic() - begin
    done.set()
    watcher.join()
    if process.returncode not in (0, 3):
        sys.exit(f"bench: analyze {core} ended with status {process.returncode}")
    return seconds, peak[0], json.loads(out)


def diff(core: Path, jobs: int) -> float:
    """Seconds of a diff of the core with itself: two cores to analyse, and what diff does on top."""
    begin = time.monotonic()
    process = subprocess.run([HEAPCORE, "diff", str(core), str(core), "--jobs", str(jobs)], stdout=subprocess.DEVNULL)
    if process.returncode not in (0, 3):
        sys.exit(f"bench: diff {core} ended with status {process.returncode}")
    return time.monotonic() - begin


def read_once(core: Path) -> float:
    begin = time.monotonic()
    with open(core, "rb") as file, open(os.devnull, "wb") as null:
        subprocess.run(["cat"], stdin=file, stdout=null, check=True)
    return time.monotonic() - begin


def run_limit(program: str, core: Path) -> float | None:
    """Walk and mark seconds of another program on the same core; None if it cannot read it."""
    out = subprocess.run([program, str(core)], capture_output=True, text=True).stdout
    found = re.search(r"walk ([\d.]+) s, mark ([\d.]+) s", out)
    return float(found.group(1)) + float(found.group(2)) if found else None


def count_blocks(report: dict) -> int:
    return sum(part["blocks"] for part in report["in_use"].values()) - report["in_use"]["mmapped"]["blocks"] + \
        sum(part["blocks"] for part in report["free"].values() if isinstance(part, dict))


def further_stages(timings: dict[str, float], blocks: int) -> str:
    """Those that the table has no column for."""
    search = max(timings["references"], 1e-9)
    return "".join(f"  {name} {seconds * 1e9 / max(blocks, 1):.1f} ns, x{seconds / search:.2f}"
                   for name, seconds in timings.items() if name not in KNOWN)


def print_row(kind: str, core: Path, jobs: int, runs: int, limit: str | None, against: str | None) -> None:
    results, diffs, slower = [], [], []
    for _ in range(runs):
        cat = read_once(core)
        other = run_limit(limit, core) if limit else None
        results.append((*analyze(core, jobs), cat, other))
        diffs.append(diff(core, jobs) / results[-1][0])
        if against:
            slower.append(results[-1][0] / analyze(core, jobs, against)[0])
    seconds, memory, report = min((result[:3] for result in results), key=lambda one: one[0])
    blocks = count_blocks(report)
    stages = [sum(report["timings"][name] for name in names) for _, names in STAGES]
    words = report["references"]["words"] / max(stages[1], 1e-9) / 1e6
    ratio = seconds / min(result[3] for result in results)
    row = f"{kind:16} {jobs:4} {blocks:11,} {core.stat().st_size / 1e6:8.0f} {seconds:8.2f}"
    row += "".join(f" {stage * 1e9 / max(blocks, 1):8.1f}" for stage in stages)
    row += f" {words:9.0f} {memory * 1024 / max(blocks, 1):8.1f} {ratio:8.1f} {statistics.median(diffs):8.2f}"
    others = [result[4] for result in results if result[4]]
    if others:
        row += f" {(stages[0] + stages[1]) / min(others):8.2f}"
    if slower:
        row += f" {statistics.median(slower):9.2f}"
    print(row + further_stages(report["timings"], blocks), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=float(os.environ.get("BENCH_SCALE", "1")))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--only", nargs="*", choices=[kind for kind, _ in KINDS])
    parser.add_argument("--limit")
    parser.add_argument("--against")
    options = parser.parse_args()
    if not shutil.which("gcore"):
        sys.exit("bench: gcore is missing (Debian: apt install gdb)")
    print(f"{'heap':16} {'jobs':>4} {'blocks':>11} {'core MB':>8} {'seconds':>8}" +
          "".join(f" {name + ' ns':>8}" for name, _ in STAGES) + f" {'Mwords/s':>9} {'B/block':>8} {'x cat':>8} {'diff x':>8}" +
          (f" {'x limit':>8}" if options.limit else "") + (f" {'x against':>9}" if options.against else ""))
    for kind, count in KINDS:
        if options.only and kind not in options.only:
            continue
        with tempfile.TemporaryDirectory(prefix="heapcore-bench-") as folder:
            core = take_core(kind, max(int(count * options.scale), 64), Path(folder))
            for jobs in options.jobs:
                print_row(kind, core, jobs, options.runs, options.limit, options.against)
                subprocess.run([str(OWNERS), str(core), str(jobs)], check=True)


main()
