#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cuts a core in many places, as it is or compressed, or changes a word of it, and looks at what heapcore says of what is left.

    tests/end-to-end/cuts.py [raw|.zst|.gz|.xz|.lz4|words]...     all of them: make check-cut-cores

Cut it is at every page of the first MiB and at 200 places beyond; and what stands behind 40 of these, without what is before it, is no core. Of each cut
one: it ends by itself, with status 2 or 3 (0 only if nothing is missing); every block that it tells is one of the whole core, with the same size;
every one that it has of those that the recorder saw has the size that the process told; memory peaks at no more than 1.2 times what the
whole core takes. Of 2,000 words, each changed in a core of its own: it ends by itself, with a sentence if it fails; if it says that all is well, it says what it
says of the whole core; memory likewise.
"""

from __future__ import annotations

import gzip
import json
import lzma
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterable, Optional

import elfcore
from harness import HEAPCORE, Stopped

MIB, PAGE = 1 << 20, 4096
PEAK_SHARE = 1.2
PLACES_BEYOND = 200
TAILS = 40
WORDS = 2000
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
    beyond = MIB if size > MIB else 0
    return list(range(0, min(MIB, size), PAGE)) + sorted(chosen.randrange(beyond, size) for _ in range(PLACES_BEYOND))


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


def problems_of_tails(core: Path, pack: Optional[Pack]) -> list[str]:
    """What is left if the head of the file is lost: no core, and a sentence says so."""
    data = core.read_bytes()
    stored = pack(data) if pack else data
    tail = core.parent / "tail.core"
    found = []
    for place in all_places(len(stored))[1::max((MIB // PAGE + PLACES_BEYOND) // TAILS, 1)]:
        tail.write_bytes(stored[place:])
        one = run(["chunks", str(tail), "--json"])
        if one.status != 2 or not one.err.startswith("heapcore: ") or one.err.count("\n") != 1 or one.out:
            found.append(f"without the first {place} of {len(stored)}: status {one.status}: {one.err[:300]}")
    tail.unlink()
    return found


def word_places(core: Path, live: dict[int, Any]) -> list[int]:
    """Half of them where a wrong word matters most: in headers and notes, and in front of blocks; the others anywhere."""
    size = core.stat().st_size
    memory = elfcore.Core(core)
    chosen = random.Random(size)
    heads = [memory.offset_of(address - 8) for address in chosen.sample(sorted(live), min(WORDS // 4, len(live)))]
    first = [chosen.randrange(0, 3 * PAGE) & -8 for _ in range(WORDS // 4)]
    return heads + first + [chosen.randrange(0, size - 8) & -8 for _ in range(WORDS - len(heads) - len(first))]


def is_another_heap(known: dict[int, tuple[int, str]], told: dict[int, tuple[int, str]], distance: int) -> bool:
    """A size that is wrong by whole blocks: what follows is a sound heap, of which that block has the memory of those that are not told. Or the
    address of a segment with a block of its own is another one, by DISTANCE: nothing else tells where it was."""
    longer = [address for address in told if told[address] != known.get(address)]
    gone, new = known.keys() - told.keys(), told.keys() - known.keys()
    if new and {address + distance for address in gone} == new:
        return True
    return len(longer) == 1 and longer[0] in known and all(longer[0] < address < longer[0] + told[longer[0]][0] for address in gone)


def problems_of_words(core: Path, live: dict[int, Any]) -> list[str]:
    """A word each, of the core as it is: another value, from close by to anything."""
    changed = core.parent / "changed.core"
    data = bytearray(core.read_bytes())
    words = ["chunks", str(changed), "--json", "--limit", "0"]
    changed.write_bytes(data)
    whole = run(words)
    assert whole.status == 0, whole
    known = blocks_of(whole.out)
    chosen = random.Random(len(data) + 1)
    found: list[str] = []
    statuses: dict[int, int] = {}
    for place in word_places(core, live):
        former = data[place:place + 8]
        value = int.from_bytes(former, "little") ^ chosen.choice([1 << chosen.randrange(64), chosen.getrandbits(64), 0xff << 8 * chosen.randrange(8)])
        data[place:place + 8] = value.to_bytes(8, "little")
        changed.write_bytes(data)
        one = run(words)
        statuses[one.status] = statuses.get(one.status, 0) + 1
        where = f"at {place:#x} {former.hex()} became {bytes(data[place:place + 8]).hex()}"
        if one.status not in (0, 2, 3) or (one.status == 2 and (not one.err.startswith("heapcore: ") or one.err.count("\n") != 1)):
            found.append(f"{where}: status {one.status}: {one.err[:300]}")
        elif one.peak > PEAK_SHARE * whole.peak:
            found.append(f"{where}: {one.peak} bytes, of the whole core {whole.peak}")
        elif one.status == 0 and blocks_of(one.out) != known and not is_another_heap(
                known, blocks_of(one.out), value - int.from_bytes(former, "little")):
            wrong = dict(blocks_of(one.out).items() ^ known.items())
            verdict = run(["check", str(changed), "--no-types"])
            found.append(f"{where}: all is well, but {len(wrong)} blocks differ, {[hex(address) for address in wrong][:3]}; "
                         f"check: {verdict.status}")
        data[place:place + 8] = former
    print(f"words: statuses {dict(sorted(statuses.items()))}", flush=True)
    changed.unlink()
    return found


def packed_by(*words: str) -> Pack:
    return lambda data: subprocess.run(words, input=data, stdout=subprocess.PIPE, check=True).stdout


def main() -> int:
    packs: dict[str, Optional[Pack]] = {
        "raw": None,
        ".zst": packed_by("zstd", "-q", "-c"),
        ".gz": lambda data: gzip.compress(data, 1),
        ".xz": lambda data: lzma.compress(data, preset=0),
        ".lz4": packed_by("lz4", "-q", "-c"),
    }
    failed = 0
    with Stopped("churn", ("3000",)) as fixture:
        core, live = fixture.gcore(), fixture.live_blocks()
        for name in sys.argv[1:] or [*packs, "words"]:
            begin = time.monotonic()
            if name == "words":
                found = problems_of_words(core, live)
            else:
                found = problems(core, packs[name], live, all_places) + problems_of_tails(core, packs[name])
            failed += bool(found)
            print(f"{name}: {len(found)} problems in {time.monotonic() - begin:.0f} s", *found[:20], sep="\n    ", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
