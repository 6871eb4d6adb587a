# SPDX-License-Identifier: LGPL-2.1-or-later
"""The C++ fixtures of containers and types, built by several compilers in several ways, and what their manifests say.

`make check` builds each fixture once, with whatever flags it was given. What debug info looks like depends on compiler and
flags, so the tests build them again (once for all tests: kept_builds.py), with flags of their own. Compilers that are not here are left
out. To add a variant: a line in VARIANTS.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from harness import ROOT, SOURCE, Skipped, Stopped
from kept_builds import build_once

C_FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-g", "-O1"]
CXX_FLAGS = ["-std=gnu++17", "-D_GNU_SOURCE", "-g"]
SMALL_CORE = {"GLIBC_TUNABLES": "glibc.malloc.arena_max=1"}  # each further arena is 64 MB of core
OLD_ABI = "-D_GLIBCXX_USE_CXX11_ABI=0"


@dataclass(frozen=True)
class Variant:
    name: str
    compiler: str
    flags: tuple[str, ...]

    @property
    def here(self) -> bool:
        return shutil.which(self.compiler) is not None


VARIANTS = [
    Variant("gcc -O0", "g++", ("-O0",)),
    Variant("gcc -O2", "g++", ("-O2",)),
    Variant("clang -O0", "clang++", ("-O0",)),
    Variant("clang -O2", "clang++", ("-O2",)),
    Variant("gcc old ABI", "g++", ("-O0", OLD_ABI)),
    Variant("gcc DWARF 4", "g++", ("-O1", "-gdwarf-4", "-gz")),
    Variant("gcc type units", "g++", ("-O0", "-fdebug-types-section")),
]


class Builder:
    """Builds fixtures into FOLDER, as many at a time as there are processors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pool = ThreadPoolExecutor(os.cpu_count() or 1)
        self.common: Optional[Future[list[Path]]] = None
        self.story_common: Optional[Future[list[Path]]] = None

    def __enter__(self) -> "Builder":
        self.common = self.pool.submit(self._build_common, "fixture", "owners")
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(wait=True)

    def _build_common(self, *names: str) -> list[Path]:
        if shutil.which("gcc") is None:
            raise Skipped("gcc is not installed")
        objects = []
        for name in names:
            objects.append(self.folder / f"{Path(name).name}-of-{Path(names[-1]).name}.o")
            build_once(["gcc", *C_FLAGS, "-fno-builtin", "-c", str(SOURCE / "fixtures" / f"{name}.c")], [], objects[-1])
        return objects

    def _build_program(self, variant: Variant, name: str, common: "Future[list[Path]]") -> Path:
        program = self.folder / f"{Path(name).name}-{VARIANTS.index(variant)}"
        build_once([variant.compiler, *CXX_FLAGS, *variant.flags, "-rdynamic", "-pthread", str(SOURCE / "fixtures" / f"{name}.cpp")],
                   common.result(), program)
        return program

    def _build_library(self, variant: Variant, name: str) -> Path:
        library = self.folder / f"{name}-{VARIANTS.index(variant)}.so"
        build_once([variant.compiler, *CXX_FLAGS, *variant.flags, "-fPIC", "-shared", str(SOURCE / "fixtures" / f"{name}.cpp")], [], library)
        return library

    def program(self, variant: Variant, name: str) -> Future[Path]:
        return self.pool.submit(self._build_program, variant, name, self.common)

    def story(self, variant: Variant, name: str) -> Future[Path]:
        """One of fixtures/stories."""
        if self.story_common is None:
            self.story_common = self.pool.submit(self._build_common, "fixture", "stories/story")
        return self.pool.submit(self._build_program, variant, f"stories/{name}", self.story_common)

    def library(self, variant: Variant, name: str) -> Future[Path]:
        return self.pool.submit(self._build_library, variant, name)


def only_here() -> None:
    """Other roots have compilers of their own: see tests/glibc-matrix."""
    if ROOT != Path("/"):
        raise Skipped("fixtures of other roots are built by tests/glibc-matrix")


@dataclass(frozen=True)
class Truth:
    """A line "container" of a manifest: see fixtures/owners.h. None: there is no such figure, or it is not known."""
    where: str
    path: str
    kind: str
    count: int
    elements: int
    capacity: Optional[int]
    has_capacity: Optional[bool]  # None: not known
    own: Optional[int]
    below: Optional[int]
    untouched: int
    address: int

    @property
    def sort(self) -> str:
        return self.where.partition("/")[0]

    @property
    def place(self) -> str:
        """The function, the class."""
        return self.where.partition("/")[2]

    def __str__(self) -> str:
        return f"{self.path} ({self.where}, {self.kind}, {self.address:#x})"


def truth_of(words: list[str]) -> Truth:
    where, path, kind, count, elements, capacity, own, below, untouched, address = words
    number = lambda word: None if word in "?-" else int(word)
    return Truth(where, path.replace("(anonymous_namespace)", "(anonymous namespace)"), kind, int(count), int(elements),
                 number(capacity), None if capacity == "?" else capacity != "-", number(own), number(below), int(untouched),
                 int(address, 16))


def truths_of(fixture: Stopped) -> list[Truth]:
    return [truth_of(words) for words in fixture.said("container")]
