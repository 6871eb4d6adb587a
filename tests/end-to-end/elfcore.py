# SPDX-License-Identifier: LGPL-2.1-or-later
"""A second reader of ELF cores, for tests only: small, slow, and written without a look at the first.

What the tests compare heapcore with must not come from heapcore.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

PT_LOAD, PT_NOTE = 1, 4
NT_PRSTATUS, NT_FILE, NT_SIGINFO = 1, 0x46494C45, 0x53494749
PAGE = 4096


@dataclass(frozen=True)
class Segment:
    start: int
    end: int  # exclusive
    offset: int  # in the file
    file_size: int
    flags: int  # 1 execute, 2 write, 4 read


@dataclass(frozen=True)
class MappedFile:
    start: int
    end: int
    offset: int
    path: str


class Core:
    """The loads, files and threads of a little-endian core, and its memory by address."""

    def __init__(self, path: Path) -> None:
        self.bytes = Path(path).read_bytes()
        if self.bytes[:4] != b"\x7fELF" or self.bytes[4] not in (1, 2) or self.bytes[5] != 1:
            raise ValueError(f"{path}: no little-endian ELF")
        self.word_size = 8 if self.bytes[4] == 2 else 4
        self.word_format = "Q" if self.bytes[4] == 2 else "I"
        self.segments: list[Segment] = []
        self.files: list[MappedFile] = []
        self.threads = 0
        self.signals: list[int] = []  # of each NT_SIGINFO
        wide = self.word_size == 8
        program_headers, = struct.unpack_from(f"<{self.word_format}", self.bytes, 32 if wide else 28)
        entry_size, count = struct.unpack_from("<HH", self.bytes, 54 if wide else 42)
        for i in range(count):
            at = program_headers + i * entry_size
            if wide:
                kind, flags, offset, address, _, file_size, memory_size = struct.unpack_from("<IIQQQQQ", self.bytes, at)
            else:
                kind, offset, address, _, file_size, memory_size, flags = struct.unpack_from("<IIIIIII", self.bytes, at)
            if kind == PT_LOAD:
                self.segments.append(Segment(address, address + memory_size, offset, file_size, flags))
            elif kind == PT_NOTE:
                self._read_notes(offset, file_size)
        self.segments.sort(key=lambda segment: segment.start)

    def _read_notes(self, offset: int, size: int) -> None:
        end = offset + size
        while offset + 12 <= end:
            name_size, content_size, kind = struct.unpack_from("<III", self.bytes, offset)
            content = offset + 12 + (name_size + 3 & ~3)
            if kind == NT_PRSTATUS:
                self.threads += 1
            elif kind == NT_SIGINFO:
                self.signals += struct.unpack_from("<i", self.bytes, content)
            elif kind == NT_FILE:
                self._read_files(self.bytes[content:content + content_size])
            offset = content + (content_size + 3 & ~3)

    def _read_files(self, note: bytes) -> None:
        size, word = self.word_size, self.word_format
        count, page = struct.unpack_from(f"<{word * 2}", note)
        names = note[(2 + 3 * count) * size:].split(b"\0")
        for i in range(count):
            start, end, offset = struct.unpack_from(f"<{word * 3}", note, (2 + 3 * i) * size)
            self.files.append(MappedFile(start, end, offset * page, names[i].decode(errors="replace")))

    def mapped_bytes(self) -> int:
        """The size of the union of all loads and all mapped files."""
        total = covered = 0
        ranges = [(s.start, s.end) for s in self.segments] + [(f.start, f.end) for f in self.files]
        for start, end in sorted(ranges):
            total += max(0, end - max(start, covered))
            covered = max(covered, end)
        return total

    def offset_of(self, address: int) -> int:
        """Where in the core's file the byte at ADDRESS is; KeyError if it is not in there."""
        for segment in self.segments:
            if segment.start <= address < segment.start + segment.file_size:
                return segment.offset + address - segment.start
        raise KeyError(hex(address))

    def word(self, address: int) -> int:
        return struct.unpack_from(f"<{self.word_format}", self.bytes, self.offset_of(address))[0]
