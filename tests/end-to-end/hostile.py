#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cores that somebody made up, read by every command: it ends by itself, with a status that means something and no control characters, in bounded memory.

    tests/end-to-end/hostile.py [--all] [PATTERN]     make check-hostile

Sizes and offsets near 2^64, segments over each other, notes of every type in every length, names of a megabyte, lists that lead in circles in
the heap, in link maps and in containers. Each core goes through some of the commands in turn; with --all through each.
"""

from __future__ import annotations

import os
import pty
import random
import re
import select
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Iterator

import elfcore
from harness import HEAPCORE, Stopped, Workspace, succeed

SECONDS = 100  # sanitizers and other work included
MEMORY_KIB = 2 << 20  # of addresses, where no sanitizer takes them
SOME = 9  # commands of a core
MAX = (1 << 64) - 1
PAGE = 4096
MARKS = ("Sanitizer", "runtime error:", "CRITICAL **", "WARNING **", "Assertion", "ERROR:")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x9b]|\r(?!\n)")


# ---- cores from nothing ----

def note(name: bytes, kind: int, content: bytes, name_size: int = -1, size: int = -1) -> bytes:
    def padded(data: bytes) -> bytes:
        return data + bytes(-len(data) % 4)
    return struct.pack("<III", len(name) + 1 if name_size < 0 else name_size, len(content) if size < 0 else size, kind) + padded(name + b"\0") + padded(content)


def prstatus(thread: int = 1, pointer: int = 0x7ffffffde100, counter: int = 0x401000) -> bytes:
    content = bytearray(336)
    struct.pack_into("<I", content, 32, thread & 0xffffffff)
    struct.pack_into("<Q", content, 112 + 8 * 16, counter)
    struct.pack_into("<Q", content, 112 + 8 * 19, pointer)
    struct.pack_into("<Q", content, 112 + 8 * 21, pointer)
    return note(b"CORE", 1, bytes(content))


def made(segments: list[tuple[int, int, int, int]], notes: bytes = b"", data: bytes = b"", count: int = -1, machine: int = 62) -> bytes:
    """Of (address, size, offset, size in the file); an offset below 0 is into DATA."""
    headers = 64 + 56 * (len(segments) + 1)
    base = headers + len(notes)
    image = bytearray(b"\x7fELF\x02\x01\x01" + bytes(9))
    image += struct.pack("<HHIQQQIHHHHHH", 4, machine, 1, 0, 64, 0, 0, 64, 56, len(segments) + 1 & 0xffff if count < 0 else count, 64, 0, 0)
    image += struct.pack("<IIQQQQQQ", 4, 4, headers, 0, 0, len(notes), 0, 4)
    for address, size, offset, stored in segments:
        image += struct.pack("<IIQQQQQQ", 1, 6, base - offset - 1 if offset < 0 else offset, address, 0, stored, size, PAGE)
    return bytes(image + notes + data)


def files(entries: list[tuple[int, int, int]], names: bytes, count: int = -1, page: int = PAGE) -> bytes:
    content = struct.pack("<QQ", len(entries) if count < 0 else count, page) + b"".join(struct.pack("<QQQ", *one) for one in entries)
    return note(b"CORE", 0x46494C45, content + names)


def link_map_core(next_of: Callable[[int], int], name: bytes, maps: int) -> bytes:
    """A program whose PT_DYNAMIC leads to r_debug, and on to MAPS link maps at 0x600000 and on; each has NAME, which stands behind them."""
    text, data = 0x400000, 0x600000
    program = bytearray(PAGE)
    program[:64] = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, text + 0x100, 64, 0, 0, 64, 56, 3, 64, 0, 0)
    struct.pack_into("<IIQQQQQQ", program, 64, 1, 5, 0, text, text, PAGE, PAGE, PAGE)
    struct.pack_into("<IIQQQQQQ", program, 120, 2, 6, 0x200, text + 0x200, text + 0x200, 64, 64, 8)
    struct.pack_into("<IIQQQQQQ", program, 176, 6, 4, 64, text + 64, text + 64, 168, 168, 8)
    struct.pack_into("<QQQQ", program, 0x200, 21, text + 0x300, 0, 0)  # DT_DEBUG
    struct.pack_into("<IIQ", program, 0x300, 1, 0, data)
    names = data + 64 * maps
    memory = b"".join(struct.pack("<QQQQQ", 0x1000 * i, names, 0, next_of(data + 64 * i), 0) + bytes(24) for i in range(maps)) + name
    memory += bytes(-len(memory) % PAGE)
    auxv = note(b"CORE", 6, struct.pack("<QQQQQQQQ", 3, text + 64, 5, 3, 9, text + 0x100, 0, 0))
    notes = prstatus() + auxv + files([(text, text + PAGE, 0)], b"/made/up\0")
    return made([(text, PAGE, -1, PAGE), (data, len(memory), -1 - PAGE, len(memory)), (0x7ffffffde000, PAGE, 0, 0)], notes, bytes(program) + memory)


def made_up() -> Iterator[tuple[str, bytes]]:
    near = (0, 1, PAGE - 1, 1 << 31, (1 << 32) - 1, 1 << 47, 1 << 62, 1 << 63, MAX - PAGE + 1, MAX - 1, MAX)
    for one in near:
        yield f"size {one:#x}", made([(0x10000, one, -1, one)], prstatus(), bytes(PAGE))
        yield f"address {one:#x}", made([(one, PAGE, -1, PAGE), (one, MAX, -1, PAGE)], prstatus(pointer=one, counter=one), bytes(PAGE))
        yield f"offset {one:#x}", made([(0x10000, PAGE, one, PAGE), (0x20000, 1 << 40, one, 1 << 40)], prstatus(), bytes(PAGE))
        yield f"files {one:#x}", made([(0x10000, PAGE, -1, PAGE)], prstatus() + files([(0x10000, one, one)], b"/a\0", one, one), bytes(PAGE))
        yield f"stack pointer {one:#x}", made([(0x10000, PAGE, -1, PAGE)], prstatus(pointer=one), bytes(PAGE))
    yield "nested segments", made([(0x10000 + PAGE * i, PAGE * (4000 - 2 * i), -1, PAGE * (4000 - 2 * i)) for i in range(1999)], prstatus(), bytes(4000 * PAGE))
    yield "one segment 60,000 times", made([(0x10000, PAGE, -1, PAGE)] * 60000, prstatus(), bytes(PAGE))
    yield "shifted segments", made([(0x10000 + 8 * i, 64 * PAGE, -1, PAGE) for i in range(5000)], prstatus(), bytes(PAGE))
    yield "headers that are not there", made([(0x10000, PAGE, -1, PAGE)], prstatus(), bytes(PAGE), count=0xfffe)
    yield "number of headers elsewhere", made([(0x10000, PAGE, -1, PAGE)], prstatus(), bytes(PAGE), count=0xffff)
    yield "reserved: half of all addresses", made([(1 << 20, 1 << 46, 0, 0), (1 << 47, MAX - (1 << 48), 0, 0)], prstatus())
    for kind in (1, 2, 3, 4, 6, 20, 0x200, 0x201, 0x202, 0x400, 0x401, 0x406, 0x46494C45, 0x53494749, 0x46e62b7f, 0x5349474a, MAX >> 32):
        for size in (0, 3, 4, 135, 136, 336, 70000):
            yield f"note {kind:#x} of {size}", made([(0x10000, PAGE, -1, PAGE)], prstatus() + note(b"CORE", kind, b"\xff" * size) + note(b"LINUX", kind, b"\x1b[31m\x9b" * (size // 6)), bytes(PAGE))
        yield f"note {kind:#x} beyond its end", made([(0x10000, PAGE, -1, PAGE)], prstatus() + note(b"CORE", kind, b"abcd", size=0xffffffff), bytes(PAGE))
    yield "note with a name beyond its end", made([(0x10000, PAGE, -1, PAGE)], prstatus() + note(b"CORE", 1, b"", name_size=0xffffffff), bytes(PAGE))
    yield "50,000 threads of one number", made([(0x7ffffffde000, PAGE, -1, PAGE)], prstatus(0) * 50000, bytes(PAGE))
    yield "name of a megabyte", made([(0x10000, PAGE, -1, PAGE)], prstatus() + files([(0x10000, 0x11000, 0)], b"/" + b"\x1b]0;x\x07" * 200000 + b"\0"), bytes(PAGE))
    yield "100,000 files", made([(0x10000, PAGE * 1000, 0, 0)], prstatus() + files([(0x10000 + PAGE * (i % 1000), 0x11000 + PAGE * (i % 1000), i) for i in range(100000)],
                                                                                   b"../../../etc/\x1b[2J\n\0" * 100000))
    yield "name without an end", made([(0x10000, PAGE, -1, PAGE)], prstatus() + files([(0x10000, 0x11000, 0)] * 3, b"/" * 5000), bytes(PAGE))
    for machine in (0, 3, 21, 40, 183, 243, 0xffff):
        yield f"machine {machine}", made([(0x10000, PAGE, -1, PAGE)], prstatus(), bytes(PAGE), machine=machine)
    yield "link map: itself", link_map_core(lambda at: at, b"/lib/x.so\0", 1)
    yield "link maps: a circle", link_map_core(lambda at: 0x600000 + (at - 0x600000 + 64) % 6400, b"/lib/x.so\0", 100)
    yield "link maps: into themselves", link_map_core(lambda at: at + 8, b"\x1b[31m" * 100, 1000)
    yield "link maps: 20,000, name of a megabyte", link_map_core(lambda at: at + 64, b"A" * (1 << 20), 20000)
    yield "link maps: name without an end", link_map_core(lambda at: at + 64, b"\xff" * (1 << 20), 3)


# ---- cores that were good ----

def tangled(core: Path, seed: int) -> bytes:
    """Words of the heap lead to others, to themselves and close by; sizes are anything."""
    chosen = random.Random(seed)
    data = bytearray(core.read_bytes())
    memory = elfcore.Core(core)
    blocks = [int(word, 16) for word in re.findall(r"^ *(0x[0-9a-f]+)", succeed("chunks", core, "--limit", "0").out, re.M)]
    pointers = set(blocks)
    for block in chosen.sample(blocks, min(len(blocks), (40, 400, 4000)[seed % 3])):
        at = memory.offset_of(block)
        for place in range(at, at + 8 * chosen.randrange(1, 9), 8):
            was, = struct.unpack_from("<Q", data, place)
            if was in pointers or chosen.random() < 0.1:
                struct.pack_into("<Q", data, place, chosen.choice((block, block + 8, block - 16, chosen.choice(blocks), chosen.choice(blocks) + 16, MAX, chosen.getrandbits(64))))
        if seed % 4 == 3 and chosen.random() < 0.02:
            struct.pack_into("<Q", data, at - 8, chosen.choice((0, 1, 0x21, MAX, 1 << 63 | 1, chosen.getrandbits(64))))
    return bytes(data)


def with_libraries(core: Path, seed: int) -> bytes:
    """Words of data and of the loader's memory, not of the heap, are each other's addresses."""
    chosen = random.Random(seed)
    data = bytearray(core.read_bytes())
    segments = [one for one in elfcore.Core(core).segments if one.flags & 2 and 8 <= one.file_size < 1 << 20]
    for _ in range(300):
        one = chosen.choice(segments)
        place = one.offset + 8 * chosen.randrange(one.file_size // 8)
        other = chosen.choice(segments)
        struct.pack_into("<Q", data, place, chosen.choice((one.start + place - one.offset, other.start + 8 * chosen.randrange(other.file_size // 8), MAX, 0)))
    return bytes(data)


# ---- running ----

def commands(core: Path, address: str, variable: str, output: Path) -> list[list[str]]:
    made_files = [["analyze", "--html", "F"], ["snapshot", "-o", "F"], ["diff", str(core), "--html", "F"],
                  *([["export", "--format", form, "-o", "F"] for form in ("pprof", "folded", "dot", "sqlite", "openmetrics")])]
    tables = [["export", "--format", form, "--table", table] for form, table in (("csv", "owners"), ("ndjson", "blocks"), ("csv", "mappings"), ("ndjson", "pointers"))]
    plain = [["analyze", "-v"], ["diff", str(core)], ["leaks"], ["containers"], ["owners", "--limit", "0"], ["types"], ["duplicates"], ["check"], ["abi"], ["pins"], ["roots"],
             ["mappings"], ["threads"], ["arenas"], ["chunks", "--limit", "0"], ["block", address], ["path", address], ["show", variable], ["leaks", "--addresses"],
             ["export", "--fleet", "--format", "ndjson"], ["analyze", "--json"], ["check", "--json"]]
    return [[line[0], str(core), *(str(output) if word == "F" else word for word in line[1:]), *(["--force"] if "F" in line else [])]
            for line in plain + made_files + tables]


def run(line: list[str], limited: bool) -> str:
    """What is wrong, or nothing."""
    prefix = ["prlimit", f"--as={MEMORY_KIB * 1024}"] if limited else []
    begin = time.monotonic()
    try:
        done = subprocess.run([*prefix, HEAPCORE, *line], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"no end after {SECONDS} s"
    out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    if done.returncode not in (0, 2, 3) and not (done.returncode == 1 and line[0] in ("check", "abi")):
        return f"status {done.returncode}: {err[-600:]}"
    if any(mark in err for mark in MARKS) or (done.returncode == 2 and not err.startswith("heapcore: ")):
        return f"status {done.returncode}: {err[:600]}"
    bad = CONTROLS.search(out) or CONTROLS.search(err)
    if bad:
        return f"a control character: {(out + err)[max(0, bad.start() - 40):bad.start() + 40]!r}"
    taken = time.monotonic() - begin
    return f"took {taken:.0f} s" if taken > SECONDS / 2 else ""


def browse(core: Path) -> str:
    """In a terminal: some keys, then out."""
    process, terminal = pty.fork()
    if not process:
        os.environ["TERM"] = "xterm"
        os.execv(HEAPCORE, [HEAPCORE, "browse", str(core)])
    begin, keys, seen, status = time.monotonic(), list("jl\rjjl\rp") + ["\x1b", "b", "q", "q", "q"], b"", None
    while status is None and time.monotonic() - begin < SECONDS:
        if select.select([terminal], [], [], 0.3)[0]:
            try:
                seen += os.read(terminal, 1 << 16)
            except OSError:
                pass
        elif keys:
            os.write(terminal, keys.pop(0).encode())
        ended, how = os.waitpid(process, os.WNOHANG)
        status = how if ended else None
    os.close(terminal)
    if status is None:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        return f"no end after {SECONDS} s"
    text = seen.decode(errors="replace")
    if os.WIFSIGNALED(status) or os.WEXITSTATUS(status) not in (0, 2, 3) or any(mark in text for mark in MARKS):
        return f"status {status:#x}: {text[-600:]}"
    return ""


def main() -> int:
    arguments = sys.argv[1:]
    every = "--all" in arguments
    pattern = next((one for one in arguments if one != "--all"), "")
    limited = subprocess.run(["prlimit", f"--as={MEMORY_KIB * 1024}", HEAPCORE, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    failed = runs = cores = 0
    with Workspace() as folder, Stopped("cxx", recorder=False) as good, Stopped("roots", ("opened",), recorder=False) as linked:
        bases = good.gcore(), linked.gcore()
        address = re.search(r"0x[0-9a-f]+", succeed("chunks", bases[0]).out)[0]
        kinds = [*made_up(), *((f"tangled {seed}", tangled(bases[0], seed)) for seed in range(8)),
                 *((f"with libraries {seed}", with_libraries(bases[1], seed)) for seed in range(8))]
        for place, (name, data) in enumerate(kinds):
            if pattern not in name:
                continue
            core = folder / "hostile.core"
            core.write_bytes(data)
            lines = commands(core, address if name.startswith("tangled") else hex(0x10000), "main", folder / "output")
            chosen = lines if every or len(data) > 1 << 20 and name.startswith("tangled") else [lines[(place * 5 + i) % len(lines)] for i in range(SOME)]
            wrong = [(line, run(line, limited)) for line in chosen]
            wrong += [(["browse"], browse(core))] if every or place % 7 == 0 else []
            cores, runs = cores + 1, runs + len(wrong)
            for line, what in wrong:
                if what:
                    failed += 1
                    print(f"{name}: {' '.join(line)}: {what}", flush=True)
    print(f"{cores} cores, {runs} runs, {failed} problems{'' if limited else ' (no limit of memory: sanitizers)'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
