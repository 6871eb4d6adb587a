# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which call made each block, told by the process (tests/support/callers.c) and by objdump; and how heapcore's answers agree with that.

The recorder has, for each block, the addresses that the calls on its way come back to. Of these one is the true site if objdump shows that its
call was made with a number, in the instructions just before it, that is what the recorder saw requested: that is a block with a constant-size
site. Nothing of heapcore's is asked for that.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

BACKWARDS = 24  # instructions in front of a call
LEAST = 9  # bytes: smaller numbers stand for other things, too

ENDS = re.compile(r"^(bnd )?(call|jmp|ret|j[a-z]+|ud2|hlt)\b")
WRITES = re.compile(r"[,\s](%[a-z0-9]+)$")
NUMBER = re.compile(r"^mov[lq]?\s+\$(0x[0-9a-f]+),(%[a-z0-9]+)$")
SAME = {"%edi": "di", "%rdi": "di", "%esi": "si", "%rsi": "si", "%edx": "dx", "%rdx": "dx"}


@dataclass
class Recorded:
    """What the recorder has written: address to (usable, requested, number of the chain); chains by number."""

    blocks: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    chains: dict[int, list[int]] = field(default_factory=dict)

    @staticmethod
    def read(path: Path) -> "Recorded":
        recorded = Recorded()
        lines = path.read_text().splitlines()
        assert lines and lines[-1].startswith("end "), "the recorder's file is incomplete"
        for line in lines[:-1]:
            words = line.split()
            if words[0] == "chain":
                recorded.chains[int(words[1])] = [int(word, 16) for word in words[2:-1]]
            else:
                both = int(words[2])
                recorded.blocks[int(words[0], 16)] = (int(words[1]), both & (1 << 40) - 1, both >> 40)
        return recorded


class Code:
    """The instructions of a process's files, as objdump has them."""

    def __init__(self, maps: str) -> None:
        self.ranges: list[tuple[int, int, str, int]] = []
        self.listings: dict[str, tuple[dict[int, int], list[str]]] = {}
        self.known: dict[int, dict[str, int]] = {}
        firsts: dict[str, int] = {}
        for line in maps.splitlines():
            words = line.split(None, 5)
            if len(words) < 6 or not words[5].startswith("/"):
                continue
            start, end = (int(word, 16) for word in words[0].split("-"))
            path = words[5]
            firsts.setdefault(path, start - int(words[2], 16))
            if "x" in words[1]:
                self.ranges.append((start, end, path, firsts[path]))

    def module(self, address: int) -> tuple[str, int]:
        for start, end, path, first in self.ranges:
            if start <= address < end:
                return path, first
        return "", 0

    def _listing(self, path: str) -> tuple[dict[int, int], list[str]]:
        """Of an address behind an instruction the line's number; the lines."""
        if path not in self.listings:
            said = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], stdout=subprocess.PIPE, text=True, errors="replace",
                                  stderr=subprocess.DEVNULL, check=False).stdout
            places: dict[int, int] = {}
            lines: list[str] = []
            for line in said.splitlines():
                address, colon, instruction = line.partition(":\t")
                if colon:
                    places[int(address, 16)] = len(lines)
                    lines.append(instruction.strip())
            self.listings[path] = (places, lines)
        return self.listings[path]

    def is_fixed(self, path: str) -> bool:
        with open(path, "rb") as file:
            return file.read(18)[16] == 2  # ET_EXEC

    def numbers_of_call(self, comes_back: int) -> dict[str, int]:
        """The registers di, si and dx that the call before COMES_BACK was made with, as far as numbers are put there just before."""
        if comes_back in self.known:
            return self.known[comes_back]
        numbers: dict[str, int] = {}
        path, first = self.module(comes_back)
        if path:
            places, lines = self._listing(path)
            place = places.get(comes_back if self.is_fixed(path) else comes_back - first)
            if place and "call" in lines[place - 1]:
                numbers = self._read(lines, place - 2)
                if "calloc" in lines[place - 1] and len(numbers) < 2:  # of how many is not known
                    numbers = {}
        self.known[comes_back] = numbers
        return numbers

    @staticmethod
    def _read(lines: list[str], place: int) -> dict[str, int]:
        numbers: dict[str, int] = {}
        written: set[str] = set()
        for number in range(place, max(place - BACKWARDS, -1), -1):
            line = re.sub(r"\s+[#<].*$", "", lines[number])
            if ENDS.match(line):
                break
            found = NUMBER.match(line)
            if found and found.group(2) in SAME:
                if SAME[found.group(2)] not in written:
                    numbers[SAME[found.group(2)]] = int(found.group(1), 16)
            writes = WRITES.search(line)
            if writes and writes.group(1) in SAME and not line.startswith(("cmp", "test", "push")):
                written.add(SAME[writes.group(1)])
        return numbers

    def true_site(self, chain: list[int], requested: int) -> int:
        """The address that the first call comes back to that was made with REQUESTED as a number; 0: there is none."""
        for comes_back in chain[:6]:
            numbers = self.numbers_of_call(comes_back)
            if requested in numbers.values() and requested >= LEAST:
                return comes_back
            if "di" in numbers and "si" in numbers and numbers["di"] * numbers["si"] == requested >= LEAST:
                return comes_back
        return 0


@dataclass
class Measured:
    blocks: int = 0
    constant: int = 0  # blocks with a constant-size site
    found: int = 0  # ... that is among the candidates
    candidates: list[int] = field(default_factory=list)  # how many these are, for each such block
    claims: int = 0  # blocks of which one call is said to be probable
    wrong: int = 0  # ... that is not among the calls on their way
    only_claims: int = 0  # blocks of which it is said to be the only one
    only_wrong: int = 0
    missed: dict[int, int] = field(default_factory=dict)  # true site -> blocks
    wrong_kinds: list[str] = field(default_factory=list)
    never: int = 0  # calls of which it is said that they were never made
    never_wrong: int = 0  # ... that are on the way to a block

    def median(self) -> float:
        return statistics.median(self.candidates) if self.candidates else 0

    def text(self) -> str:
        share = 100 * self.found / self.constant if self.constant else 100
        return (f"{self.blocks} blocks, {self.constant} from a call with a number, of {share:.2f} % it is among the calls named, "
                f"median {self.median():g}; one probable call for {self.claims}, not theirs {self.wrong}; "
                f"the only call for {self.only_claims}, not theirs {self.only_wrong}; "
                f"{self.never} calls were never made, {self.never_wrong} of them wrongly said")


def check_never_made(measured: Measured, printer: str, core: Path, recorded: Recorded) -> None:
    """What was never made, as heapcore has it, is on the way to no block."""
    made = {address for chain in recorded.chains.values() for address in chain}
    said = subprocess.run([printer, str(core), "never"], stdout=subprocess.PIPE, text=True, check=True, env=os.environ).stdout
    for site in map(json.loads, said.splitlines()):
        measured.never += 1
        measured.never_wrong += site["comes_back"] != 0 and site["comes_back"] in made


def measure(printer: str, core: Path, recorded: Recorded, code: Code, how: str = "blocks") -> Measured:
    """Asks PRINTER (tests/support/print-sites) about the blocks of CORE, by kind or each, and compares."""
    measured = Measured()
    check_never_made(measured, printer, core, recorded)
    said = subprocess.run([printer, str(core), how], stdout=subprocess.PIPE, text=True, check=True, env=os.environ).stdout
    for line in said.splitlines():
        kind = json.loads(line)
        ways = {site[0] for site in kind["sites"] if site[0]}
        jumps = {site[1] for site in kind["sites"] if not site[0]}
        wrong = 0
        for block in kind["blocks"]:
            if block not in recorded.blocks:
                continue
            _, requested, number = recorded.blocks[block]
            chain = recorded.chains.get(number, [])
            if not chain:
                continue
            measured.blocks += 1
            site = code.true_site(chain, requested)
            if site:
                measured.constant += 1
                named = kind["verdict"] in ("one-of", "probably", "only")
                if named and site in ways:
                    measured.found += 1
                    measured.candidates.append(len(kind["sites"]))
                else:
                    measured.missed[site] = measured.missed.get(site, 0) + 1
            if kind["verdict"] in ("probably", "only"):
                is_wrong = not jumps and not ways & set(chain)
                measured.claims += 1
                measured.wrong += is_wrong
                measured.only_claims += kind["verdict"] == "only"
                measured.only_wrong += kind["verdict"] == "only" and is_wrong
                wrong += is_wrong
        if wrong:
            measured.wrong_kinds.append(f"{wrong} of {len(kind['blocks'])} blocks of {kind['size']}: {line[:0]}"
                                        f"{sorted(map(hex, ways))} by_class={kind['by_class']} by_contents={kind['by_contents']} word={kind['word']:#x} e.g. {kind['blocks'][0]:#x}")
    return measured
