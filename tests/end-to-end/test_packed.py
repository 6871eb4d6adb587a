#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cores that are compressed, that come through a pipe, that are cut or damaged in either, or have more segments than a header can count:
what is said is what is said of the core as it was, or of what stands before the damage, and never anything else."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import cuts
from harness import HEAPCORE, PATIENCE, Cases, LiveBlock, Skipped, Stopped, Workspace, chunk_of, chunks, compare, few, heapcore, report_of, succeed

SUFFIXES = (".zst", ".lz4", ".gz", ".xz")
CUT_PLACES = 8


def by_command(*command: str) -> Any:
    def pack(data: bytes) -> bytes:
        if shutil.which(command[0]) is None:
            raise Skipped(f"{command[0]} is not installed")
        return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout
    return pack


PACK = {
    ".zst": by_command("zstd", "-q", "-3", "-c"),
    ".lz4": by_command("lz4", "-q", "-c"),
    ".gz": lambda data: gzip.compress(data, 1),
    ".xz": lambda data: lzma.compress(data, preset=0),
}


def packed(data: bytes, suffix: str, folder: Path, name: str = "packed") -> Path:
    path = folder / f"{name}{suffix}"
    path.write_bytes(PACK[suffix](data))
    return path


def told(command: str, core: Any, *arguments: Any, through: Any = None) -> tuple[int, str]:
    """The exit status and what COMMAND writes, without what is of the run and not of the core. THROUGH: what stands in a pipe."""
    words = [HEAPCORE, command, str(core), *map(str, arguments), "--json"]
    done = subprocess.run(words, input=through, stdin=None if through is not None else subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=PATIENCE)
    text = done.stdout.decode()
    assert done.returncode in (0, 3), (words, done.returncode, done.stderr)
    if command == "chunks":
        return done.returncode, text
    report = json.loads(text)
    report.pop("timings", None)
    text = json.dumps(report, sort_keys=True, indent=1).replace(json.dumps(str(core)), '"CORE"')
    return done.returncode, text.replace(f" {core} ", " CORE ").replace(f' {core}"', ' CORE"')


def assert_same(one: tuple[int, str], other: tuple[int, str]) -> None:
    lines = zip(one[1].splitlines(), other[1].splitlines())
    assert one == other, f"{one[0]} {other[0]}{few(f'{a} / {b}' for a, b in lines if a != b)}"


def check_live(live: dict[int, LiveBlock], core: Path) -> None:
    problems = compare(live, chunks(core))
    assert not problems, problems[:5]


def check_same(core: Path, program: Path, suffix: str) -> None:
    """Also in its own name's place: what it is, is in it."""
    path = packed(core.read_bytes(), suffix, core.parent).rename(core.parent / "renamed.bin")
    for command in ("chunks", "analyze"):
        assert_same(told(command, path, program), told(command, core, program))


def check_pipe(core: Path, program: Path, suffix: str) -> None:
    data = PACK[suffix](core.read_bytes()) if suffix else core.read_bytes()
    for command in ("chunks",) if suffix in (".lz4", ".gz", ".xz") else ("chunks", "analyze"):
        assert_same(told(command, "-", program, through=data), told(command, core, program))


def check_named_pipe(core: Path) -> None:
    """A shell's <(...), and what is no pipe."""
    script = 'exec "$0" chunks <(cat "$1") --json --limit 0'
    done = subprocess.run(["bash", "-c", script, HEAPCORE, str(core)], stdout=subprocess.PIPE, timeout=PATIENCE)
    assert (done.returncode, done.stdout.decode()) == (0, succeed("chunks", core, "--json", "--limit", "0").out)
    with open(core, "rb") as file:
        file.seek(1000)  # whoever opened it may have looked into it
        done = subprocess.run([HEAPCORE, "chunks", "-", "--json", "--limit", "0"], stdin=file, stdout=subprocess.PIPE, timeout=PATIENCE)
    assert (done.returncode, done.stdout.decode()) == (0, succeed("chunks", core, "--json", "--limit", "0").out)
    assert "standard input is empty" in subprocess.run([HEAPCORE, "analyze", "-"], input=b"", stderr=subprocess.PIPE).stderr.decode()
    assert heapcore("diff", "-", "-").status == 64


def check_commands(core: Path, program: Path) -> None:
    """The others that read cores: snapshot, and diff's two."""
    path = packed(core.read_bytes(), ".xz", core.parent)
    for name, given in (("raw", core), ("packed", path)):
        succeed("snapshot", given, program, "-o", core.parent / f"{name}.snap")
    for pair in ((path, core), (core, path), (path, core.parent / "raw.snap"), (core.parent / "packed.snap", core.parent / "raw.snap")):
        report = report_of(succeed("diff", *pair, program, "--json"))
        assert report["growth"] == 0 and report["status"] == "complete", report
    address = f"{chunks(core)[0].address:#x}"
    assert succeed("block", path, address).out == succeed("block", core, address).out.replace(str(core), str(path))


def check_frames(core: Path, suffix: str) -> None:
    """Several frames, one of them empty; for zstd and lz4 also such as hold nothing; and zeros at the end, as a tape has them."""
    data = core.read_bytes()
    third = len(data) // 3 | 1
    parts = [PACK[suffix](part) for part in (data[:third], b"", data[third:2 * third], data[2 * third:])]
    skipped = struct.pack("<II", 0x184D2A53, 5) + b"hello" if suffix in (".zst", ".lz4") else b""
    path = core.parent / f"frames{suffix}"
    path.write_bytes(skipped + skipped.join(parts) + skipped + bytes(512))
    assert told("chunks", path) == told("chunks", core)
    assert told("chunks", "-", through=path.read_bytes()) == told("chunks", core)


def check_damaged(core: Path, suffix: str) -> None:
    data = core.read_bytes()
    whole = PACK[suffix](data)
    path = core.parent / f"damaged{suffix}"
    middle = len(whole) * 2 // 3
    other = bytes(byte ^ 0xff for byte in whole[middle:middle + 3])
    for mend, bytes_of in (("cut", whole[:middle]), ("damaged", whole + b"and more"),
                           ("damaged", whole[:middle] + other + whole[middle + 3:])):
        path.write_bytes(bytes_of)
        report = report_of(succeed("analyze", path, "--json", "--no-types", statuses=(3,)))
        said = [diagnostic["id"] for diagnostic in report["diagnostics"]]
        assert f"core-compressed-{mend}" in said, (mend, said)
    path.write_bytes(whole[:3])
    assert heapcore("analyze", path).status == 2


def header_of(size: int, segments: int = 1) -> bytes:
    """A core's beginning, of one segment of SIZE bytes."""
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, segments, 0, 0, 0)
    return (header + struct.pack("<IIQQQQQQ", 1, 6, 4096, 0x10000000, 0, size, size, 4096)).ljust(4096, b"\0")


def run_bomb(path: Path) -> "cuts.Run":
    run = cuts.run(["analyze", str(path)], seconds=60)
    assert run.peak < 200 << 20, f"{run.peak} bytes"
    return run


def check_bombs() -> None:
    """4 GiB of zeros in a few kilobytes, which is no core, or one of a MiB; and one that claims to be longer than any."""
    with Workspace() as folder:
        zeros = PACK[".zst"](bytes(1 << 26)) * 64
        bomb = folder / "bomb.zst"
        bomb.write_bytes(zeros)
        run = run_bomb(bomb)
        assert run.status == 2 and "not an ELF file" in run.err and run.processor < 5, run
        bomb.write_bytes(PACK[".zst"](header_of(1 << 20)) + zeros)
        short = run_bomb(bomb)
        assert short.status == 3, short
        bomb.write_bytes(PACK[".zst"](header_of(4 << 30)) + zeros)
        whole = run_bomb(bomb)
        assert whole.status == 3 and whole.processor > 5 * short.processor, (whole, short)
        bomb.write_bytes(PACK[".zst"](header_of(1 << 41)) + zeros)
        run = run_bomb(bomb)
        assert run.status == 2 and "2.0 TiB" in run.err and "zstd -d" in run.err, run


def check_room() -> None:
    """What does not fit is told before anything is written; what is zero takes no room."""
    with Workspace() as folder, Workspace() as disk:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=70m", "heapcore-test", str(disk)], capture_output=True, text=True)
        if mounted.returncode:
            raise Skipped(f"cannot mount: {mounted.stderr.strip()}")
        os.environ["TMPDIR"] = str(disk)
        try:
            size = 100 << 20
            for filled, status in ((bytes(1 << 20), 3), (os.urandom(8 << 20), 2)):
                path = packed(header_of(size) + filled.ljust(size, b"\0"), ".zst", folder)
                result = heapcore("analyze", path, "--memory", "0")
                assert result.status == status, result
                assert status == 3 or ("takes 8.0 MiB" in result.err and "TMPDIR" in result.err), result
            done = subprocess.run([HEAPCORE, "analyze", "-"], input=path.read_bytes(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            assert done.returncode == 2 and b"no room" in done.stderr, done
            os.environ["TMPDIR"] = "/nonexistent"
            assert heapcore("analyze", path).status == 3, "there is memory for it"
        finally:
            del os.environ["TMPDIR"]
            subprocess.run(["umount", str(disk)], check=True)


def check_capture() -> None:
    """A capture whose core somebody compressed is one for all that."""
    with Stopped("churn", ("3000",)) as fixture:
        folder = fixture.folder / "c"
        succeed("capture", fixture.pid, "-o", folder)
        core = folder / f"core.{fixture.pid}"
        before = told("analyze", core, fixture.program)
        for suffix in SUFFIXES:
            data = core.read_bytes()
            core.unlink()
            path = packed(data, suffix, folder, core.name)
            assert not compare(fixture.live_blocks(), chunks(folder))
            assert_same(told("analyze", path, fixture.program), before)
            path.unlink()
            core.write_bytes(data)
        packed(core.read_bytes(), ".gz", folder, core.name)
        core.unlink()
        succeed("capture", fixture.pid, "-o", folder, "--force")


SEGMENTS_MORE, PLACE_OF_MORE = 66000, 0x100000000000


def with_many_segments(core: Path, many: Path) -> None:
    """The same core with 66,000 pages more, each a segment: how many there are stands in section 0 (elf(5), PN_XNUM)."""
    data = bytearray(core.read_bytes())
    table, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    headers = bytes(data[table:table + size * count])
    pages = len(data) + 4095 & ~4095  # a hole of them
    headers += b"".join(struct.pack("<IIQQQQQQ", 1, 6, pages + 4096 * i, PLACE_OF_MORE + 8192 * i, 0, 4096, 4096, 4096)
                        for i in range(SEGMENTS_MORE))
    new_table = pages + 4096 * SEGMENTS_MORE
    struct.pack_into("<QQ", data, 32, new_table, new_table + len(headers))
    struct.pack_into("<HHHH", data, 56, 0xFFFF, 64, 1, 0)
    with open(many, "wb") as file:
        file.write(data)
        file.seek(new_table)
        file.write(headers)
        file.write(struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 1, 0, count + SEGMENTS_MORE, 0, 0))


def check_many_segments(core: Path, live: dict[int, LiveBlock]) -> None:
    many = core.parent / "many"
    with_many_segments(core, many)
    check_live(live, many)
    assert told("chunks", many) == told("chunks", core)
    report, former = (json.loads(told("analyze", path)[1]) for path in (many, core))
    assert report["memory"]["total"] - former["memory"]["total"] == 4096 * SEGMENTS_MORE
    packed_many = core.parent / "many.zst"
    if shutil.which("zstd") is None:
        raise Skipped("zstd is not installed")
    subprocess.run(["zstd", "-q", "-1", str(many), "-o", str(packed_many)], check=True)
    assert told("chunks", packed_many) == told("chunks", core)


def check_cuts(core: Path, live: dict[int, LiveBlock], suffix: str) -> None:
    problems = cuts.problems(core, PACK[suffix] if suffix else None, live, cuts.few_places(CUT_PLACES))
    assert not problems, problems[:5]


cases = Cases(__doc__)
with Stopped("churn", ("3000",)) as fixture:
    core, live, program = fixture.gcore(), fixture.live_blocks(), fixture.program
    cases.run("as it is", check_live, live, core)
    for suffix in SUFFIXES:
        cases.run(f"{suffix}: the same", check_same, core, program, suffix)
        cases.run(f"{suffix}: several frames", check_frames, core, suffix)
        cases.run(f"{suffix}: damaged", check_damaged, core, suffix)
    for suffix in ("", *SUFFIXES):
        cases.run(f"through a pipe {suffix or 'as it is'}", check_pipe, core, program, suffix)
    cases.run("descriptors", check_named_pipe, core)
    cases.run("snapshot and diff", check_commands, core, program)
    for suffix in ("", ".zst", ".gz"):
        cases.run(f"cut {suffix or 'as it is'}", check_cuts, core, live, suffix)
    cases.run("more than 65,535 segments", check_many_segments, core, live)
cases.run("bombs", check_bombs)
cases.run("no room", check_room)
cases.run("a capture", check_capture)
cases.finish()
