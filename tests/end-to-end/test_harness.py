#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tests' own tools: the comparison with the recorder finds each kind of mistake, and only mistakes.

A comparison that finds nothing proves nothing until it has been seen to find something.
"""

from __future__ import annotations

import struct
import tempfile
from dataclasses import replace
from pathlib import Path

from elfcore import Core
from harness import Cases, Chunk, LiveBlock, compare

LIVE = {0x1000: LiveBlock(24, 20), 0x1020: LiveBlock(40, 40), 0x7000: LiveBlock(200000, 199990)}
RIGHT = [
    Chunk(0x0d00, 648, "in use", 0, "libc: tcache of thread 1"),
    Chunk(0x1000, 24, "in use", 0, None),
    Chunk(0x1020, 40, "in use", 0, None),
    Chunk(0x1050, 24, "tcache", 0, None),
    Chunk(0x1070, 5000, "top", 0, None),
    Chunk(0x7000, 200000, "in use", None, None),
]


def finds(wrong: list[Chunk], *expected: str) -> None:
    problems = compare(LIVE, wrong)
    assert len(problems) == len(expected), f"expected {len(expected)} problems: {problems}"
    for problem, beginning in zip(problems, expected):
        assert problem.startswith(beginning), f"expected {beginning!r}: {problem!r}"


def changed(index: int, **fields: object) -> list[Chunk]:
    return [*RIGHT[:index], replace(RIGHT[index], **fields), *RIGHT[index + 1:]]


def check_core_reader() -> None:
    """A core of two loads (one cut short in the file), and a file note that overlaps one of them."""
    names = b"/bin/a\0"
    note_file = struct.pack("<QQ", 1, 1) + struct.pack("<QQQ", 0x401800, 0x403000, 0) + names
    notes = struct.pack("<III", 5, len(note_file), 0x46494C45) + b"CORE\0\0\0\0" + note_file
    notes += b"\0" * (-len(notes) % 4)
    notes += struct.pack("<III", 5, 16, 1) + b"CORE\0\0\0\0" + b"\0" * 16
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header += struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 3, 0, 0, 0)
    data = 64 + 3 * 56 + len(notes)
    headers = struct.pack("<IIQQQQQQ", 4, 0, 64 + 3 * 56, 0, 0, len(notes), 0, 1)
    headers += struct.pack("<IIQQQQQQ", 1, 6, data, 0x401000, 0, 0x1000, 0x1000, 1)
    headers += struct.pack("<IIQQQQQQ", 1, 4, data + 0x1000, 0x500000, 0, 0x100, 0x2000, 1)
    body = struct.pack("<Q", 0x1122334455667788).ljust(0x1000, b"\0") + b"z" * 0x100
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "core"
        path.write_bytes(header + headers + notes + body)
        core = Core(path)
    assert core.threads == 1
    assert [(s.start, s.end, s.flags) for s in core.segments] == [(0x401000, 0x402000, 6), (0x500000, 0x502000, 4)]
    assert [(f.start, f.end, f.path) for f in core.files] == [(0x401800, 0x403000, "/bin/a")]
    assert core.mapped_bytes() == 0x2000 + 0x2000, hex(core.mapped_bytes())
    assert core.word(0x401000) == 0x1122334455667788
    try:
        core.word(0x500100)
    except KeyError:
        pass
    else:
        raise AssertionError("a byte beyond the file's part of a load was read")


cases = Cases(__doc__)
cases.run("right", finds, RIGHT)
cases.run("a live block is missing", finds, RIGHT[:1] + RIGHT[2:], "not reported: 0x1000")
cases.run("a live block is called free", finds, changed(2, state="tcache"), "live (40 bytes), but")
cases.run("a size is too large", finds, changed(5, size=200008), "200000 bytes are usable")
cases.run("a size is too small", finds, changed(1, size=8), "24 bytes are usable")
cases.run("a free block is called in use", finds, changed(3, state="in use"), "nobody has it")
cases.run("libc's own block has no label", finds, changed(0, label=None), "nobody has it")
cases.run("twice", finds, RIGHT + [replace(RIGHT[3], state="fastbin")], "reported twice")
cases.run("overlap", finds, changed(4, address=0x1060), "overlap")
cases.run("unknown state", finds, changed(3, state="lent"), "unknown state")
cases.run("reader of cores", check_core_reader)
cases.finish()
