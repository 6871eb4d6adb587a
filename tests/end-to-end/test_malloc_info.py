#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Per-arena totals of heapcore against malloc_info(3), called by the process at the same stop, after the dump.

What malloc_info adds up (glibc 2.36, malloc/malloc.c, __malloc_info; the same in 2.31 to 2.42):

for each arena, in the order of the ring that begins at main_arena:
  fast   count and size: the chunks of the fastbins; size is chunksize(p), flags masked off.
  rest   count = 1 + all chunks of bins 1 to 126; the 1 is the top chunk ("Top always exists").
         size  = chunksize(top) + the sum of chunksize_nomask(p) over these bins. "nomask" is the quirk: the flags are
         left in. A binned chunk always has PREV_INUSE set (its neighbour below is in use, or they would have been
         merged) and never NON_MAIN_ARENA (_int_free, malloc_consolidate and the remainder code write
         size | PREV_INUSE), so each binned chunk counts one byte too many:
             rest.size = top + unsorted + small + large + 1 * (number of binned chunks)
  system current: the arena's system_mem, as it stands.
  aspace total: for thread arenas the sum of heap_info.size; subheaps: their number.

for all together:
  mmap   count = mp_.n_mmaps, size = mp_.mmapped_mem: whole mappings. One chunk's mapping begins prev_size bytes before
         the chunk (not 0 for large memalign) and ends with it, so with the chunk's size in its header
             mapping = prev_size + size
         (to 2.42; from 2.43 on 16 more, and mmapped_mem drifts with mremap.)

A tcache'd chunk is in none of these: for malloc_info it is in use. In heapcore's arenas the bytes of free states are of
whole chunks, so nothing else has to be added.
"""

from __future__ import annotations

import xml.etree.ElementTree as xml
from dataclasses import dataclass
from typing import Any

from elfcore import Core
from harness import Cases, Chunk, analyze, chunks, few, libc_version
from scenarios import SCENARIOS, Scenario

BINNED = ("unsorted", "small", "large")


@dataclass(frozen=True)
class ArenaTotals:
    fast_blocks: int
    fast_bytes: int
    rest_blocks: int
    rest_bytes: int
    system: int


def number(element: xml.Element, kind: str, attribute: str, tag: str = "total") -> int:
    found = element.find(f"{tag}[@type='{kind}']")
    return 0 if found is None else int(found.get(attribute, "0"))


def told_by_malloc(heap: xml.Element) -> ArenaTotals:
    return ArenaTotals(number(heap, "fast", "count"), number(heap, "fast", "size"), number(heap, "rest", "count"),
                       number(heap, "rest", "size"), number(heap, "current", "size", "system"))


def told_by_heapcore(arena: dict[str, Any]) -> ArenaTotals:
    free = arena["free"]
    binned_blocks = sum(free[state]["blocks"] for state in BINNED)
    binned_bytes = sum(free[state]["bytes"] for state in BINNED)
    return ArenaTotals(free["fastbin"]["blocks"], free["fastbin"]["bytes"], 1 + binned_blocks,
                       free["top"]["bytes"] + binned_bytes + 1 * binned_blocks, arena["system_mem"])


def told_by_chunks(reported: list[Chunk], arena: dict[str, Any]) -> ArenaTotals:
    """The same once more from the list of blocks: a chunk is its usable size and 8 bytes of header."""
    mine = [chunk for chunk in reported if chunk.arena == arena["index"]]
    fast = [chunk.size + 8 for chunk in mine if chunk.state == "fastbin"]
    binned = [chunk.size + 8 for chunk in mine if chunk.state in BINNED]
    top = [chunk.size + 8 for chunk in mine if chunk.state == "top"]
    return ArenaTotals(len(fast), sum(fast), 1 + len(binned), sum(top) + sum(binned) + len(binned), arena["system_mem"])


def check_mapped(root: xml.Element, core: Core, reported: list[Chunk]) -> None:
    mapped = [chunk for chunk in reported if chunk.arena is None]
    assert len(mapped) == number(root, "mmap", "count"), \
        f"malloc counts {number(root, 'mmap', 'count')} mmapped chunks, heapcore {len(mapped)}:{few(mapped)}"
    if libc_version() >= (2, 43):
        return
    told = number(root, "mmap", "size")
    size = sum(core.word(chunk.address - 16) + (core.word(chunk.address - 8) & ~7) for chunk in mapped)
    assert size == told, f"malloc: {told} bytes mmapped, heapcore {size}"


def check(scenario: Scenario) -> None:
    with scenario.start() as fixture:
        core = fixture.gcore()
        root = xml.fromstring(fixture.malloc_info())
        report = analyze(core, fixture.program)
        reported = chunks(core, fixture.program)
        heaps = [told_by_malloc(heap) for heap in root.findall("heap")]
        arenas = [told_by_heapcore(arena) for arena in report["arenas"]]
        assert arenas == heaps, f"malloc_info:{few(heaps)}\n  heapcore:{few(arenas)}"
        listed = [told_by_chunks(reported, arena) for arena in report["arenas"]]
        assert listed == heaps, f"malloc_info:{few(heaps)}\n  heapcore's chunks:{few(listed)}"
        check_mapped(root, Core(core), reported)


cases = Cases(__doc__)
for one in SCENARIOS:
    cases.run(one.name, check, one)
cases.finish()
