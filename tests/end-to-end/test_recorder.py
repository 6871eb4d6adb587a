#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every fixture in every circumstance: what heapcore says is in use, against what the process itself recorded.

Each block that the recorder saw allocated and not freed must be in use, at that address, with that usable size;
nothing else may be in use but blocks labelled as libc's or the runtime's. No tolerance.
"""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

from elfcore import Core
from harness import (CORE_ONLY, ROOT, Cases, Chunk, Exact, LiveBlock, Stopped, chunk_of, chunks, compare, few, heapcore,
                     libc_version, library_path, report_of)
from scenarios import OPENED, SCENARIOS, Scenario


def check_truth(core: Core, live: dict[int, LiveBlock]) -> None:
    """The recorder's file and the core tell of one moment: each live block's header gives its usable size.

    A failure here is the fixture's or the recorder's, not heapcore's.
    """
    wrong = []
    word = core.word_size
    mapped_header = 2 * word if libc_version() < (2, 43) else word  # IS_MMAPPED: both words of the header are lost, to 2.42
    for address, block in live.items():
        size = core.word(address - word)
        header = mapped_header if size & 2 else word
        if (size & ~7) - header != block.usable:
            wrong.append(f"{address:#x}: recorded {block.usable}, in the core's header {size:#x}")
    assert not wrong, f"recorder and core disagree (not heapcore's fault):{few(wrong)}"


def unpacked(core: Path) -> Path:
    """The core of a capture, or one that was compressed, as it was."""
    return next(core.glob("core.*")) if core.is_dir() else core.with_suffix("") if core.suffix == ".zst" else core


exact = Exact()


def check(scenario: Scenario, kind: str) -> None:
    with scenario.start() as fixture:
        live = fixture.live_blocks()
        core = fixture.core(kind)
        check_truth(Core(unpacked(core)), live)
        count_problems = exact.begin(kind, len(live))
        problems = compare(live, chunks(core, fixture.program))
        count_problems(len(problems))
        assert not problems, f"{len(problems)} of {len(live)} live blocks and others are wrong:{few(problems)}"


def partial_chunks(core: Path, program: Path) -> tuple[list[Chunk], dict[str, int]]:
    """Blocks of a core whose figures are a bound, and what is said of that: how often each."""
    result = heapcore("chunks", core, program, "--json", "--limit", "0")
    assert result.status == 3, result
    diagnostics = report_of(heapcore("analyze", core, program, "--json"))["diagnostics"]
    told = {one["id"]: one["count"] for one in diagnostics if one["severity"] == "partial"}
    return [chunk_of(json.loads(line)) for line in result.out.splitlines()], told


def check_keyed() -> None:
    """A block that is like a cache in all but that the program points to it: nothing is taken from it, and that is said."""
    with Stopped("decoys", ("keyed", "sessions")) as fixture:
        live = fixture.live_blocks()
        reported, told = partial_chunks(fixture.gcore(), fixture.program)
        problems = compare(live, reported)
        assert not problems, f"{len(problems)} of {len(live)} live blocks and others are wrong:{few(problems)}"
        assert told == {"tcache-doubtful": 1}, told


def check_guessed() -> None:
    """Nothing leads to mmapped blocks, and there is a look-alike of each one's size: number and sum are right, and the rest is called a guess."""
    with Stopped("decoys", ("hidden",)) as fixture:
        live = fixture.live_blocks()
        alike = {int(words[0], 16) for words in fixture.said("lookalike")}
        core = fixture.gcore()
        reported, told = partial_chunks(core, fixture.program)
        truth = Core(core)
        mapped = {address: block for address, block in live.items() if truth.word(address - truth.word_size) & 2}
        assert len(mapped) == len(alike) == 6, (mapped, alike)
        others = {address: block for address, block in live.items() if address not in mapped}
        problems = compare(others, [chunk for chunk in reported if chunk.arena is not None])
        assert not problems, f"{len(problems)} of {len(others)} blocks that are not mmapped are wrong:{few(problems)}"
        guessed = [chunk for chunk in reported if chunk.arena is None]
        assert len(guessed) == len(mapped) and {chunk.address for chunk in guessed} <= alike | mapped.keys(), guessed
        assert sum(chunk.size for chunk in guessed) == sum(block.usable for block in mapped.values()), guessed
        told.pop("lost-is-bound", None)  # without the files more may be missing
        assert told == {"mmapped-chunks-guessed": len(mapped)}, told
        out = " ".join(heapcore("analyze", core, fixture.program).out.split())
        assert "6 of the mmapped chunks could not be told from look-alikes" in out, out


def check_without_headers(named: bool) -> None:
    """No first page of any file is in the core (gdb to 8): blocks are the same, files are used with a warning."""
    with Stopped("threads", ("small",)) as fixture:
        Path(f"/proc/{fixture.pid}/coredump_filter").write_text("0x23")
        live = fixture.live_blocks()
        core = fixture.gcore()
        program = [fixture.program] if named else []
        result = heapcore("chunks", core, *program, "--json", "--limit", "0")
        assert result.status == (0 if CORE_ONLY else 3), result
        problems = compare(live, [chunk_of(json.loads(line)) for line in result.out.splitlines()])
        assert not problems, f"{len(problems)} of {len(live)} live blocks and others are wrong:{few(problems)}"
        if CORE_ONLY:
            return
        report = report_of(heapcore("analyze", core, *program, "--json"))
        states = {Path(one["path"]).name: one["state"] for one in report["files"]["list"]}
        wanted = {"threads": "unconfirmed", "libc.so.6": "unconfirmed"}
        assert wanted.items() <= states.items() or libc_version() < (2, 34), states
        assert set(states.values()) == {"unconfirmed"}, states
        assert report["allocator"]["version"] == ".".join(map(str, libc_version())), report["allocator"]
        assert "nothing in the core confirms it: " in heapcore("analyze", core, *program).out


def rebuilt(library: Path) -> bytes:
    """LIBRARY as if its first function were 16 bytes longer: each address of its own code is 16 more."""
    elf = bytearray(library.read_bytes())
    headers, = struct.unpack_from("<Q", elf, 32)
    count, = struct.unpack_from("<H", elf, 56)
    segments = [struct.unpack_from("<IIQQQQ", elf, headers + 56 * i) for i in range(count)]
    (offset, start, size), = ((one[2], one[3], one[5]) for one in segments if one[0] == 0x6474e552)
    dynamic, = (range(one[3], one[3] + one[5]) for one in segments if one[0] == 2)
    code, = (range(one[3], one[3] + one[5]) for one in segments if one[0] == 1 and one[1] & 1)
    changed = 0
    for at in range(0, size & ~7, 8):
        word, = struct.unpack_from("<Q", elf, offset + at)
        if word in code and start + at not in dynamic:
            struct.pack_into("<Q", elf, offset + at, word + 16)
            changed += 1
    sections, = struct.unpack_from("<Q", elf, 40)
    entry, count = struct.unpack_from("<HH", elf, 58)
    for section in range(count):
        kind, _, _, where, length = struct.unpack_from("<IQQQQ", elf, sections + section * entry + 4)
        for at in range(where, where + length, 24) if kind == 4 else ():
            info, addend = struct.unpack_from("<Qq", elf, at + 8)
            if info == 8 and addend in code:  # R_X86_64_RELATIVE
                struct.pack_into("<q", elf, at + 16, addend + 16)
                changed += 1
    assert changed, f"{library} has no addresses of its own code in its data"
    return bytes(elf)


def check_contradicted(change: str) -> None:
    """Without headers in the core, another build at the library's path is not used."""
    with Stopped("roots", (OPENED,)) as fixture:
        Path(f"/proc/{fixture.pid}/coredump_filter").write_text("0x23")
        live = fixture.live_blocks()
        core = fixture.gcore()
        mapped = {words[5] for words in map(str.split, fixture.maps.splitlines()) if len(words) == 6 and words[5][0] == "/"}
        libc, = (path for path in mapped if Path(path).name.startswith(("libc.so", "libc-2")))
        root = fixture.folder / "root"
        for path in mapped:
            copy = root / path[1:]
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
        replaced = {"libc": libc, "library": str(library_path("opened"))}[change]
        assert replaced in mapped, mapped
        # Two libraries of one source: what differs is a name.
        (root / replaced[1:]).write_bytes(rebuilt(Path(libc)) if change == "libc" else library_path("preloaded").read_bytes())
        report = report_of(heapcore("analyze", core, "--sysroot", root, "--json"))
        told = [one for one in report["diagnostics"] if one["id"] == "file-contradicted"]
        assert len(told) == 1 and told[0]["count"] == 1 and replaced in told[0]["example"], report["diagnostics"]
        used = {one["path"] for one in report["files"]["list"]}
        assert replaced not in used and used | {replaced} >= mapped, used
        result = heapcore("chunks", core, "--sysroot", root, "--json", "--limit", "0")
        assert result.status == 3, result
        problems = compare(live, [chunk_of(json.loads(line)) for line in result.out.splitlines()])
        assert not problems, f"{len(problems)} of {len(live)} live blocks and others are wrong:{few(problems)}"


cases = Cases(__doc__)
for one in SCENARIOS:
    for core_kind in one.kinds:
        cases.run(f"{one.name}, {core_kind}", check, one, core_kind)
cases.run("decoys keyed sessions", check_keyed)
cases.run("decoys hidden", check_guessed)
for is_named in (False,) if CORE_ONLY else (False, True):
    cases.run(f"no ELF headers, program {'given' if is_named else 'not given'}", check_without_headers, is_named)
for what in ("libc", "library") if ROOT == Path("/") and not CORE_ONLY else ():
    cases.run(f"no ELF headers, another build of {what}", check_contradicted, what)
exact.tell()
cases.finish()
