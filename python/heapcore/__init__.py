# SPDX-License-Identifier: LGPL-2.1-or-later
"""heapcore from Python: what a core's heap holds, as iterators, for questions that no command answers.

    import heapcore

    with heapcore.open("core.8901", binary="./worker") as core:
        sessions = [block for block in core.blocks() if block.type == "Session" and not block.is_lost]
        print(len(sessions), sum(block.size for block in sessions))

Text comes from the core, which may be a stranger's: what is no UTF-8 is written \\xNN, and whoever prints it escapes the rest. The library does not
give up rights as the program does. One thread at a time may use a Core.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass, field
from typing import Iterator, Optional, Union

from . import _library as c

__all__ = ["Block", "Container", "Core", "HeapcoreError", "Owner", "Type", "open", "version"]

# hc_error_code, in its order.
_CODES = ("not mapped", "not dumped", "truncated", "bad data", "no debug info", "mismatch", "unsupported", "no memory", "I/O", "cancelled", "usage")

Path = Union[str, "os.PathLike[str]"]
_loaded: list[ctypes.CDLL] = []


def _lib() -> ctypes.CDLL:
    if not _loaded:
        _loaded.append(c.load())
    return _loaded[0]


def _text(bytes_: Optional[bytes]) -> Optional[str]:
    return None if bytes_ is None else bytes_.decode("utf-8", "backslashreplace")


class HeapcoreError(Exception):
    """What libheapcore could not do; `code` says of what kind that is: "bad data", "mismatch", ..."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def _take_error(error: "ctypes._Pointer[c.Error]") -> HeapcoreError:
    message = _text(error.contents.message) or ""
    code = _CODES[error.contents.code] if 0 <= error.contents.code < len(_CODES) else "?"
    glib = ctypes.CDLL("libglib-2.0.so.0")
    glib.g_error_free.argtypes = [ctypes.POINTER(c.Error)]
    glib.g_error_free(error)
    return HeapcoreError(message, code)


@dataclass(frozen=True)
class Type:
    """Blocks in use of one type and certainty."""

    name: Optional[str]  # None: blocks of libc and the runtime
    certainty: str  # "certain", "deduced", "guess", "unknown"
    blocks: int
    bytes: int
    path: Optional[str]  # where the first of them was found
    example: int  # the first one's address


@dataclass(frozen=True)
class Container:
    """The containers of one path."""

    path: str
    type: Optional[str]
    kind: Optional[str]
    certainty: str
    count: int
    elements: int
    capacity: Optional[int]  # None: it has none
    own_bytes: int
    bytes: int  # with all that is first reached through it
    blocks: int


@dataclass(frozen=True)
class Owner:
    """A path that holds blocks."""

    index: int
    parent: Optional[int]  # the index of the one above
    level: int
    path: str
    type: Optional[str]
    certainty: str
    is_container: bool
    blocks: int
    bytes: int  # held, with what is below
    own_blocks: int
    own_bytes: int
    resident: Optional[int]  # of `bytes`, in memory; None: the core does not tell
    retained: Optional[int]  # None: not known
    outside: int  # bytes besides, in memory that is not malloc's


@dataclass(frozen=True)
class Block:
    """A block of malloc's. `type`, `path` and `owner` are looked up when they are asked for."""

    number: int
    address: int
    size: int  # usable bytes
    chunk_size: int
    state: str  # "in use", "tcache", ...
    arena: Optional[int]  # None: it has a mapping of its own
    is_libc: bool  # libc's, or the language runtime's
    reach: str  # "reachable", "directly lost", ...; "" if it is not in use
    _core: "Core" = field(repr=False, compare=False)

    @property
    def is_lost(self) -> bool:
        return self.reach in ("directly lost", "indirectly lost")

    @property
    def type(self) -> Optional[str]:
        return self._core._type_of(self.number)[0]

    @property
    def path(self) -> Optional[str]:
        """From a variable on: "g_registry.sessions_[]"."""
        return self._core._type_of(self.number)[1]

    @property
    def owner(self) -> Optional[Owner]:
        """Who holds it; None if nobody is known to, or it is lost, libc's or free."""
        return self._core._owner_of(self)

    @property
    def retained(self) -> Optional[int]:
        """Bytes that nothing would lead to without it; None if that is not known."""
        return self._core._retained_by(self.number)

    def read(self, size: Optional[int] = None) -> Optional[bytes]:
        """Its first SIZE bytes, or all; None if the core does not have them. HeapcoreError with `no_content`."""
        return self._core.read(self.address, self.size if size is None else min(size, self.size))


class Core:
    """An analysed core. Use open(); close() it, or use it in a `with`: what it gave cannot be asked any more then."""

    def __init__(self, path: Path, binary: Optional[Path] = None, *, sysroot: Optional[Path] = None, jobs: int = 0,
                 no_content: bool = False, no_encodings: bool = False) -> None:
        self._handle: Optional[int] = None
        self._owners: Optional[int] = None
        error = ctypes.POINTER(c.Error)()
        options = c.AnalysisOptions(binary=os.fsencode(binary) if binary is not None else None,
                                    sysroot=os.fsencode(sysroot) if sysroot is not None else None, jobs=jobs, until=c.STAGE_TYPES,
                                    no_content=no_content, no_encodings=no_encodings)
        self._handle = _lib().hc_analysis_run(os.fsencode(path), ctypes.byref(options), ctypes.byref(error))
        if not self._handle:
            raise _take_error(error)

    def close(self) -> None:
        if self._owners:
            _lib().hc_ownership_destroy(self._owners)
        if self._handle:
            _lib().hc_analysis_destroy(self._handle)
        self._owners = self._handle = None

    def __enter__(self) -> "Core":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    @property
    def _analysis(self) -> int:
        if not self._handle:
            raise ValueError("the core was closed")
        return self._handle

    @property
    def _types(self) -> int:
        return int(_lib().hc_analysis_types(self._analysis))

    @property
    def is_partial(self) -> bool:
        """Whether some figure is a bound, or missing."""
        return bool(_lib().hc_diagnostics_partial(_lib().hc_analysis_diagnostics(self._analysis)))

    def blocks(self, *, all_states: bool = False) -> Iterator[Block]:
        """Blocks in use, or of all states, in order of address."""
        iterator, block = c.BlockIterator(), c.Block()
        _lib().hc_block_iterator_init(ctypes.byref(iterator), _lib().hc_analysis_blocks(self._analysis))
        while self._analysis and _lib().hc_block_iterator_next(ctypes.byref(iterator), ctypes.byref(block)):
            if all_states or block.state == c.IN_USE:
                yield self._make_block(block)

    def block_at(self, address: int) -> Optional[Block]:
        """The block that ADDRESS is in, wherever in it."""
        block = c.Block()
        found = _lib().hc_blocks_find(_lib().hc_analysis_blocks(self._analysis), address, ctypes.byref(block))
        return self._make_block(block) if found else None

    def types(self) -> Iterator[Type]:
        """What the blocks in use are, most bytes first."""
        for i in range(_lib().hc_types_row_count(self._types)):
            row = _lib().hc_types_row(self._types, i).contents
            yield Type(_text(row.name), self._certainty(row.certainty), row.amount.blocks, row.amount.bytes, _text(row.path), row.example)

    def containers(self) -> Iterator[Container]:
        """Most bytes first."""
        for i in range(_lib().hc_types_container_count(self._types)):
            row = _lib().hc_types_container(self._types, i).contents
            yield Container(_text(row.path) or "", _text(row.type), _text(row.kind), self._certainty(row.certainty), row.count, row.elements,
                            None if row.capacity == c.NOT_KNOWN else row.capacity, row.own.bytes, row.below.bytes, row.below.blocks)

    def owners(self) -> Iterator[Owner]:
        """All of the tree, parents before their children. Finds out what each retains when it is first asked for."""
        for i in range(_lib().hc_ownership_row_count(self._ownership)):
            yield self._owner(i)

    @property
    def in_use(self) -> tuple[int, int]:
        """Blocks and usable bytes in use."""
        total = _lib().hc_ownership_total(self._ownership)
        return total.blocks, total.bytes

    def read(self, address: int, size: int) -> Optional[bytes]:
        """Memory of the dead process; None if the core does not have all of it. HeapcoreError with `no_content`."""
        core = _lib().hc_analysis_core(self._analysis)
        if _lib().hc_core_hides_content(core):
            raise HeapcoreError("the core was opened with no_content", "usage")
        buffer = ctypes.create_string_buffer(size)
        return buffer.raw if _lib().hc_core_read(core, address, buffer, size) else None

    # ---- what the above is made of ----

    @property
    def _ownership(self) -> int:
        if not self._owners:
            error, options = ctypes.POINTER(c.Error)(), c.OwnershipOptions()
            self._owners = _lib().hc_analysis_find_owners(self._analysis, ctypes.byref(options), ctypes.byref(error))
            if not self._owners:
                raise _take_error(error)
        return self._owners

    @staticmethod
    def _certainty(number: int) -> str:
        return _text(_lib().hc_certainty_name(number)) or ""

    def _make_block(self, block: c.Block) -> Block:
        reach = _lib().hc_references_reach(_lib().hc_analysis_references(self._analysis), block.number)
        return Block(block.number, block.address, block.size, block.chunk_size, _text(_lib().hc_block_state_name(block.state)) or "",
                     None if block.arena == c.NO_ROW else block.arena, bool(block.label), _text(_lib().hc_reach_name(reach)) or "", self)

    def _type_of(self, number: int) -> tuple[Optional[str], Optional[str]]:
        found = c.BlockType()
        if not _lib().hc_types_of_block(self._types, number, ctypes.byref(found)):
            return None, None
        result = _text(found.name), _text(found.path)
        _lib().hc_block_type_clear(ctypes.byref(found))
        return result

    def _owner(self, index: int) -> Owner:
        row = _lib().hc_ownership_row(self._ownership, index).contents
        knows_resident = _lib().hc_core_knows_resident(_lib().hc_analysis_core(self._analysis))
        return Owner(index, None if row.parent == c.NO_ROW else row.parent, row.level, _text(row.text) or "", _text(row.type),
                     self._certainty(row.certainty), row.is_container, row.holds.blocks, row.holds.bytes, row.own.blocks, row.own.bytes,
                     row.resident if knows_resident else None, row.retained if row.has_retained else None, row.outside)

    def _owner_of(self, block: Block) -> Optional[Owner]:
        if block.state != "in use" or block.is_libc or block.is_lost:
            return None
        path = _lib().hc_types_path_of_block(self._types, block.number)
        row = _lib().hc_ownership_row_of_path(self._ownership, path) if path else c.NO_ROW
        return None if row == c.NO_ROW else self._owner(row)

    def _retained_by(self, number: int) -> Optional[int]:
        bytes_ = ctypes.c_uint64()
        found = _lib().hc_ownership_retained_by_block(self._ownership, number, ctypes.byref(bytes_))
        return bytes_.value if found else None


def open(path: Path, binary: Optional[Path] = None, *, sysroot: Optional[Path] = None, jobs: int = 0, no_content: bool = False,
         no_encodings: bool = False) -> Core:  # pylint: disable=redefined-builtin
    """Analyses the core, or the folder of a capture, at PATH. HeapcoreError if there is no answer at all."""
    return Core(path, binary, sysroot=sysroot, jobs=jobs, no_content=no_content, no_encodings=no_encodings)


def version() -> str:
    """Of the library."""
    return _text(_lib().hc_version()) or ""
