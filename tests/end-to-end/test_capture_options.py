#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Options of `heapcore capture`: a compressed core is the same core, `--force` replaces a capture and nothing else, `--heap-only` leaves out
what the heap needs not."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from elfcore import Core
from harness import (FIXTURES, Cases, Skipped, Stopped, Workspace, chunks, compare, few, heapcore, need_captures, report_of,
                     succeed)

need_captures()

SHARED = 32 << 20
PYTHON_SHARES = f"""
import mmap, sys, time
shared = mmap.mmap(-1, {SHARED})
shared[:] = b"s" * {SHARED}
print("ready", flush=True)
sys.stdin.read()
"""


def decompressed(path: Path) -> bytes:
    """By the library itself, in one piece."""
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
    library.ZSTD_decompress.restype = ctypes.c_size_t
    data = path.read_bytes()
    size = library.ZSTD_getFrameContentSize(data, ctypes.c_size_t(len(data)))
    assert 0 < size < 1 << 34, f"the frame does not tell its length: {size}"
    room = ctypes.create_string_buffer(size)
    got = library.ZSTD_decompress(room, ctypes.c_size_t(size), data, ctypes.c_size_t(len(data)))
    assert got == size, f"{got} of {size} bytes"
    return room.raw


def core_of(folder: Path) -> Path:
    cores = list(folder.glob("core.*"))
    assert len(cores) == 1, cores
    return cores[0]


def check_compressed() -> None:
    """The blocks are the recorder's; the core is a plain one, but for what changes from one capture to the next."""
    with Stopped("threads") as fixture:
        live = fixture.live_blocks()
        for name, options in (("plain", []), ("small", ["--compress"]), ("still", ["--compress", "--stop"])):
            succeed("capture", str(fixture.pid), "-o", fixture.folder / name, *options)
            problems = compare(live, chunks(fixture.folder / name))
            assert not problems, f"{name}: {few(problems)}"
        plain = core_of(fixture.folder / "plain")
        for name in ("small", "still"):
            core = core_of(fixture.folder / name)
            assert core.name == f"core.{fixture.pid}.zst" and core.stat().st_mode & 0o077 == 0
            assert core.stat().st_size < plain.stat().st_blocks * 512 / 2, core.stat()
            (fixture.folder / "decompressed").write_bytes(decompressed(core))
            one, two = Core(fixture.folder / "decompressed"), Core(plain)
            assert one.segments == two.segments and one.files == two.files and one.threads == two.threads
            assert report_of(succeed("diff", core, core, "--json"))["side_facts"]["a"]["pid"] == fixture.pid


def check_aside() -> None:
    """Pages that children do not have come at their place in the stream."""
    process = subprocess.Popen([str(FIXTURES / "fixtures" / "watchful")], stdout=subprocess.PIPE, text=True)
    with Workspace() as folder:
        try:
            pid = int(process.stdout.readline().split()[1])
            succeed("capture", str(pid), "-o", folder / "c", "--compress")
            data = decompressed(core_of(folder / "c"))
        finally:
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
        (folder / "core").write_bytes(data)
        starts = [data[segment.offset:segment.offset + 64] for segment in Core(folder / "core").segments if segment.file_size]
    for words in (b"these words are not for children, but for the core\0", b"these words would be wiped in a child\0"):
        assert any(start.startswith(words) for start in starts), words


def check_damaged() -> None:
    """A part of a compressed core is a core that is cut; of one that was changed what stands before is read."""
    with Stopped("churn", ("3000",)) as fixture:
        succeed("capture", str(fixture.pid), "-o", fixture.folder / "c", "--compress")
        core = core_of(fixture.folder / "c")
        data = core.read_bytes()
        core.write_bytes(data[:len(data) * 9 // 10])
        result = heapcore("analyze", core)
        assert result.status == 3 and "the compressed core ends too early" in " ".join(result.out.split()), result
        core.write_bytes(data[:len(data) // 2] + bytes(byte ^ 0x55 for byte in data[len(data) // 2:]))
        result = heapcore("analyze", core)
        assert result.status == 3 and "the compressed core is damaged" in " ".join(result.out.split()), result
        core.write_bytes(data[:4])
        assert heapcore("analyze", core).status == 2
        other = fixture.folder / "other.zst"  # of any other name, in any other place
        other.write_bytes(data)
        assert not compare(fixture.live_blocks(), chunks(other))


def check_no_room() -> None:
    """Not room for the whole of it, in a file system of 70 MiB of which 64 are to stay free; then in memory, if there it may be."""
    with Stopped("sockets", ("300",), recorder=False) as fixture, Workspace() as folder:
        succeed("capture", str(fixture.pid), "-o", fixture.folder / "c", "--compress")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=70m", "heapcore-test", str(folder)], capture_output=True,
                              text=True)
        if done.returncode:
            raise Skipped(f"cannot mount: {done.stderr.strip()}")
        os.environ["TMPDIR"] = str(folder)
        try:
            for arguments in (("analyze", fixture.folder / "c", "--memory", "0"), ("analyze", "--pid", str(fixture.pid), "--memory", "0")):
                result = heapcore(*arguments)
                assert result.status == 2 and "no room" in result.err and "TMPDIR" in result.err, result
            assert not list(folder.iterdir())
            assert heapcore("analyze", fixture.folder / "c").status == 0
        finally:
            del os.environ["TMPDIR"]
            subprocess.run(["umount", str(folder)], check=True)


def check_force() -> None:
    with Stopped("threads", recorder=False) as fixture:
        folder = fixture.folder / "c"
        capture = ("capture", str(fixture.pid), "-o", folder)
        succeed(*capture, "--force")  # nothing is there yet
        first = (folder / "capture.ini").read_text()
        assert heapcore(*capture).status == 2
        time.sleep(1.1)  # it tells seconds
        succeed(*capture, "--force", "--compress")
        assert first != (folder / "capture.ini").read_text() and core_of(folder).suffix == ".zst"
        assert {path.name for path in fixture.folder.iterdir()} >= {"c"} and not list(fixture.folder.glob("c.*"))
        (folder / "mine").write_text("x")
        result = heapcore(*capture, "--force")
        assert result.status == 2 and "mine" in result.err and (folder / "mine").read_text() == "x", result
        assert core_of(folder).suffix == ".zst" and not list(fixture.folder.glob("c.*"))
        (folder / "mine").unlink()
        failed = heapcore("capture", "2147483647", "-o", folder, "--force")
        assert failed.status == 2 and core_of(folder).suffix == ".zst", "what was there is still there"


def check_heap_only() -> None:
    """Without shared memory; the list of blocks is the same."""
    process = subprocess.Popen([sys.executable, "-c", PYTHON_SHARES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with Workspace() as folder:
        try:
            assert process.stdout.readline() == "ready\n"
            for name, options in (("all", []), ("heap", ["--heap-only"])):
                succeed("capture", str(process.pid), "-o", folder / name, *options)
            sizes = [core_of(folder / name).stat().st_blocks * 512 for name in ("all", "heap")]
            assert sizes[0] - sizes[1] >= SHARED, sizes
            assert chunks(folder / "all") == chunks(folder / "heap")
            assert "heap-only=true" in (folder / "heap" / "capture.ini").read_text()
        finally:
            process.communicate("")


def check_signals() -> None:
    """A note for each thread: no signal has come for them."""
    with Stopped("threads", recorder=False) as fixture:
        succeed("capture", str(fixture.pid), "-o", fixture.folder / "c")
        core = Core(core_of(fixture.folder / "c"))
    assert len(core.signals) == core.threads > 1 and not any(core.signals), core.signals


cases = Cases(__doc__)
cases.run("compressed", check_compressed)
cases.run("kept aside", check_aside)
cases.run("damaged", check_damaged)
cases.run("no room", check_no_room)
cases.run("force", check_force)
cases.run("heap only", check_heap_only)
cases.run("signals", check_signals)
cases.finish()
