#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cuts a core in many places, as it is or compressed, and looks at what heapcore says of what is left.

    tests/end-to-end/cuts.py [SUFFIX...]     every page of the first MiB and 200 places beyond (make check-cut-cores)

Of each: it ends by itself, with status 2 or 3 (0 only if nothing is missing); every block that it tells is one of the whole core, with the same size;
every one that it has of those that the recorder saw has the size that the process told; memory peaks at no more than 1.2 times what the
whole core takes.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterable, Optional

from harness import HEAPCORE, Stopped

MIB, PAGE = 1 << 20, 4096
PEAK_SHARE = 1.2
PLACES_BEYOND = 200
SECONDS = 120
Pack = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Run:
    status: int  # negative: ended by that signal
    out: str
    err: str
    peak: int  # bytes
    processor: float  # seconds


# The peak of a process begins with that of who forks it: so a small one does, and tells of it.
LAUNCH = """
import json, os, signal, sys
process = os.fork()
if not process:
    signal.alarm(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(process, 0)
with open(3, "w") as told:
    json.dump([os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status), usage.ru_maxrss * 1024,
               usage.ru_utime + usage.ru_stime], told)
"""


def run(words: list[str], seconds: int = SECONDS) -> Run:
    """heapcore with its peak of memory; ended by SIGALRM after SECONDS."""
    told, end = os.pipe()
    command = ["sh", "-c", 'exec "$@" 3>&' + str(end), "sh", sys.executable, "-S", "-c", LAUNCH, str(seconds), HEAPCORE, *words]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=(end,))
    os.close(end)
    with open(told) as file:
        status, peak, processor = json.load(file)
    return Run(status, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"), peak, processor)


def all_places(size: int) -> list[int]:
    chosen = random.Random(size)
    return list(range(0, min(MIB, size), PAGE)) + sorted(chosen.randrange(min(MIB, size - 1), size) for _ in range(PLACES_BEYOND))


def few_places(count: int) -> Callable[[int], list[int]]:
    """COUNT of them: some at the head, the rest all over."""
    def choose(size: int) -> list[int]:
        chosen = random.Random(size)
        head = [64, 120, 1000, PAGE, min(5 * PAGE, size // 2)][:count // 2]
        return head + sorted(chosen.randrange(0, size) for _ in range(count - len(head) - 1)) + [size - 1]
    return choose


def blocks_of(text: str) -> dict[int, tuple[int, str]]:
    return {int(line["address"], 16): (line["size"], line["state"]) for line in map(json.loads, text.splitlines())}


def problems(core: Path, pack: Optional[Pack], live: dict[int, Any], places: Callable[[int], Iterable[int]]) -> list[str]:
    """What is wrong, one line each."""
    data = core.read_bytes()
    stored = pack(data) if pack else data
    cut = core.parent / "cut.core"
    words = ["chunks", str(cut), "--json", "--limit", "0"]
    found: list[str] = []
    cut.write_bytes(stored)
    whole = run(words)
    assert whole.status == 0, whole
    known = blocks_of(whole.out)
    for place in places(len(stored)):
        cut.write_bytes(stored[:place])
        one = run(words)
        where = f"cut at {place} of {len(stored)}"
        if one.status not in (2, 3) and not (one.status == 0 and one.out == whole.out):
            found.append(f"{where}: status {one.status}: {one.err[:300]}")
            continue
        if one.peak > PEAK_SHARE * whole.peak:
            found.append(f"{where}: {one.peak} bytes, of the whole core {whole.peak}")
        if one.status == 2:
            if not one.err.startswith("heapcore: ") or one.err.count("\n") != 1:
                found.append(f"{where}: {one.err[:300]}")
            continue
        for address, (size, state) in blocks_of(one.out).items():
            if known.get(address, (None,))[0] != size:
                found.append(f"{where}: {address:#x}, {size} bytes, {state}; in the whole core {known.get(address)}")
            elif address in live and (state != "in use" or live[address].usable != size):
                found.append(f"{where}: {address:#x}, {size} bytes, {state}: it is live")
    cut.unlink()
    return found


def main() -> int:
    packs: dict[str, Optional[Pack]] = {
        "raw": None,
        ".zst": lambda data: subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout,
        ".gz": lambda data: gzip.compress(data, 1),
    }
    failed = 0
    with Stopped("churn", ("3000",)) as fixture:
        core, live = fixture.gcore(), fixture.live_blocks()
        for name in sys.argv[1:] or packs:
            begin = time.monotonic()
            found = problems(core, packs[name], live, all_places)
            failed += bool(found)
            print(f"{name}: {len(found)} problems in {time.monotonic() - begin:.0f} s", *found[:20], sep="\n    ", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
