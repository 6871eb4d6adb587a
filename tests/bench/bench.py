#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""make bench: heapcore's stages on heaps of several kinds, in figures that can be compared between machines.

Each heap is built by tests/bench/heaps, dumped with gcore and analysed in rounds: in each, every program runs once on the core, in turn, and a
ratio is of two runs of one round. Printed is the median of the rounds. A row for each number of workers: seconds, ns a block for each stage
("rest": reading the files, areas, memory, and writing the report), and the anonymous memory a block, which is what heapcore had beyond the
mapped core and beyond copies of it in large pages. Below it, ratios: of the whole analysis to reading the core once (cat); of a diff of the core with itself to one analysis; of
one worker to that many; of `types`, with the graph of references and dominators (tests/bench/owners), to the search. With --limit PROGRAM
another reader of cores runs on the same files ("N blocks ... walk X s, mark Y s" in its output; a second argument, huge, has it read the core
into pages of 2 MiB first), and ratios to its walk and mark are printed, for both page sizes: of the stages blocks and references, and of
the whole analysis; none where it did not see all blocks. With --against HEAPCORE another build analyses the same cores in turn: above 1,
this one is slower. With --instructions callgrind counts the instructions of each stage a block, on heaps of a two hundredth and a
fiftieth of the size: what the larger one takes more, for each block that it has more; and what is left, which is the same for any size, in
millions.

Kinds with "-stripped" are the same heaps of a program without debug info: there words are all that leads to a block. --fast is each kind once
at a sixtieth of its size, below a minute.

Usage: bench.py [--fast] [--scale FACTOR] [--runs N] [--jobs N ...] [--only KIND ...] [--limit PROGRAM] [--against HEAPCORE] [--instructions]
Environment: HEAPCORE (the program), HEAPCORE_BUILDDIR (where tests/bench/heaps is)
"""
from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import measure
from measure import Analysis, Limit

# kind, count at scale 1: about 0.6 GB each but for the sharded one, of 4 GB, and the intrusive list, where the shape matters and not the size
KINDS = [("mix", 650_000), ("lists", 20_000_000), ("mixed", 2_000_000), ("objects", 1_500_000), ("list-shuffled", 20_000_000),
         ("sharded", 8_400_000), ("list", 20_000_000), ("intrusive", 300_000), ("long", 10_000_000), ("pointers", 134_217_728),
         ("mixed-stripped", 2_000_000), ("objects-stripped", 1_500_000), ("list-stripped", 20_000_000)]
FAST_SCALE = 1 / 60
INSTRUCTIONS_SCALES = (1 / 200, 1 / 50)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--scale", type=float, default=float(os.environ.get("BENCH_SCALE", "1")))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--only", nargs="*", choices=[kind for kind, _ in KINDS])
    parser.add_argument("--limit")
    parser.add_argument("--against")
    parser.add_argument("--instructions", action="store_true")
    options = parser.parse_args()
    if options.fast:
        options.scale, options.runs = FAST_SCALE, 1
    return options


class Round:
    """Every program once on one core, in turn."""

    def __init__(self, core: Path, options: argparse.Namespace) -> None:
        self.cat = measure.read_once(core)
        self.analyses = {jobs: measure.analyze(core, jobs) for jobs in options.jobs}
        self.leaks = {jobs: measure.leaks(core, jobs) for jobs in options.jobs}
        self.diffs = {jobs: measure.diff(core, jobs) for jobs in options.jobs}
        self.others = {jobs: measure.analyze(core, jobs, options.against) for jobs in options.jobs if options.against}
        blocks = next(iter(self.analyses.values())).blocks
        self.limits: list[Limit | None] = [None, None]
        if options.limit:
            self.limits = [measure.run_limit(options.limit, core, blocks, *huge) for huge in ((), ("huge",))]


def median(values) -> float:
    return statistics.median(list(values))


def row(kind: str, core: Path, jobs: int, analyses: list[Analysis]) -> str:
    """Seconds, ns a block for each stage, and memory."""
    blocks = analyses[0].blocks
    columns = [f"{kind:16} {jobs:4} {blocks:11,} {core.stat().st_size / 1e6:8.0f} {median(one.seconds for one in analyses):8.2f}"]
    for name in measure.STAGES:
        columns.append(f"{median(one.stages[name] for one in analyses) * 1e9 / blocks:10.1f}")
    columns.append(f"{median(one.rest for one in analyses) * 1e9 / blocks:10.1f}")
    columns.append(f"{median(one.words / max(one.stages['references'], 1e-9) for one in analyses) / 1e6:9.0f}")
    columns.append(f"{median(one.memory for one in analyses) / blocks:8.1f}")
    return " ".join(columns)


def limit_ratios(rounds: list[Round], jobs: int) -> list[str]:
    """A line beside the other program with pages of 4 KiB, and one of 2 MiB."""
    lines = []
    for size, name in enumerate(("4 KiB", "2 MiB")):
        pairs = [(one, one.analyses[jobs], one.limits[size]) for one in rounds if one.limits[size] and one.limits[size].seconds]
        if not pairs:
            lines.append(f"limit, {name} pages: it did not see all blocks")
            continue
        blocks = rounds[0].analyses[jobs].blocks
        walk, mark = (median(getattr(limit, part) for _, _, limit in pairs) * 1e9 / blocks for part in ("walk", "mark"))
        compared = {
            "blocks / walk": median(own.stages["blocks"] / max(limit.walk, 1e-3) for _, own, limit in pairs),
            "references / mark": median(own.stages["references"] / max(limit.mark, 1e-3) for _, own, limit in pairs),
            "both": median((own.stages["blocks"] + own.stages["references"]) / limit.seconds for _, own, limit in pairs),
            "leaks": median(one.leaks[jobs] / limit.seconds for one, _, limit in pairs),
            "all": median(own.seconds / limit.seconds for _, own, limit in pairs),
        }
        lines.append(f"limit, {name} pages, walk {walk:.1f} ns, mark {mark:.1f} ns: " +
                     ", ".join(f"{what} x{ratio:.2f}" for what, ratio in compared.items()))
    return lines


def ratios(rounds: list[Round], jobs: int, ownership: float) -> list[str]:
    """OWNERSHIP is what graph and dominators are to the search."""
    typing = median(one.analyses[jobs].stages["types"] / max(one.analyses[jobs].stages["references"], 1e-9) for one in rounds)
    texts = [f"cat x{median(one.analyses[jobs].seconds / one.cat for one in rounds):.1f}",
             f"diff x{median(one.diffs[jobs] / one.analyses[jobs].seconds for one in rounds):.2f}",
             f"types x{typing:.2f} the search, with owners x{typing + ownership:.2f}"]
    first = min(rounds[0].analyses)
    if jobs != first:
        faster = median(one.analyses[first].seconds / one.analyses[jobs].seconds for one in rounds)
        texts.append(f"x{faster:.2f} as fast as with {first}")
    if rounds[0].others:
        slower = median(one.analyses[jobs].seconds / one.others[jobs].seconds for one in rounds)
        texts.append(f"against x{slower:.2f}")
    return texts + [f"leaks {median(one.leaks[jobs] for one in rounds):.2f} s"]


def bench_times(kind: str, core: Path, options: argparse.Namespace) -> None:
    rounds = [Round(core, options) for _ in range(options.runs)]
    for jobs in options.jobs:
        line, ownership = measure.measure_ownership(core, jobs)
        print(row(kind, core, jobs, [one.analyses[jobs] for one in rounds]))
        print("    " + "; ".join(ratios(rounds, jobs, ownership)))
        for compared in limit_ratios(rounds, jobs) if options.limit else []:
            print("    " + compared)
        print("    " + line, flush=True)


def bench_instructions(kind: str, sizes: list[int], folder: Path) -> None:
    counts, blocks = [], []
    for count in sizes:
        core = measure.take_core(kind, count, folder)
        blocks.append(measure.analyze(core, 1).blocks)
        counts.append(measure.count_instructions(core, folder))
    more = max(blocks[1] - blocks[0], 1)
    each = {name: (counts[1][name] - counts[0][name]) / more for name in counts[0]}
    fixed = (counts[0]["all"] - each["all"] * blocks[0]) / 1e6
    print(f"{kind:16} {blocks[1]:11,}" + "".join(f" {count:10.0f}" for count in each.values()) + f" {fixed:10.0f}", flush=True)


def print_header(options: argparse.Namespace) -> None:
    if options.instructions:
        print(f"{'heap':16} {'blocks':>11}" + "".join(f" {name:>10}" for name in (*measure.STAGES, "all", "fixed, M")))
    else:
        print(f"{'heap':16} {'jobs':>4} {'blocks':>11} {'core MB':>8} {'seconds':>8}" +
              "".join(f" {name:>10}" for name in (*measure.STAGES, "rest")) + f" {'Mwords/s':>9} {'B/block':>8}")


def bench(kind: str, count: int, options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="heapcore-bench-") as name:
        if options.instructions:
            bench_instructions(kind, [max(int(count * scale), 64) for scale in INSTRUCTIONS_SCALES], Path(name))
        else:
            bench_times(kind, measure.take_core(kind, max(int(count * options.scale), 64), Path(name)), options)


def main() -> None:
    options = parse_options()
    for tool in ("gcore", *(("valgrind", "callgrind_annotate") if options.instructions else ())):
        if not shutil.which(tool):
            sys.exit(f"bench: {tool} is missing (Debian: apt install gdb valgrind)")
    print_header(options)
    for kind, count in KINDS:
        if not options.only or kind in options.only:
            bench(kind, count, options)


main()
