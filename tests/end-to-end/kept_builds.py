# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests compile themselves is compiled once: for all tests, and for the builds with sanitizers and without.

A result is kept by its command, by the compiler's version, and by what stands in fixtures/ (whatever it includes of the
system is taken for granted: "make clean" forgets all). Whoever asks gets a copy, and may do with it what he likes.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from harness import BUILD, SOURCE

KEPT = Path(os.environ.get("HEAPCORE_KEPT_BUILDS") or BUILD / "kept-builds")


@functools.cache
def _version(compiler: str) -> bytes:
    return subprocess.run([compiler, "--version"], stdout=subprocess.PIPE, check=True).stdout


@functools.cache
def _fixtures() -> bytes:
    """Of all files below fixtures/: they include each other."""
    digest = hashlib.sha256()
    for path in sorted((SOURCE / "fixtures").rglob("*")):
        if path.suffix in (".c", ".cpp", ".h"):
            digest.update(str(path.relative_to(SOURCE)).encode() + b"\0" + path.read_bytes())
    return digest.digest()


def _key(command: list[str], inputs: list[Path]) -> str:
    digest = hashlib.sha256(_version(command[0]) + _fixtures())
    for word in command:
        digest.update(word.encode() + b"\0")
    for one in inputs:
        digest.update(one.read_bytes())
    return digest.hexdigest()


def _compile(command: list[str], kept: Path) -> None:
    unfinished = kept.with_suffix(".unfinished")
    done = subprocess.run([*command, "-o", str(unfinished)], cwd=kept.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-3000:]}"
    unfinished.rename(kept)


def build_once(command: list[str], inputs: list[Path], output: Path) -> None:
    """Makes OUTPUT by COMMAND INPUTS -o OUTPUT. What COMMAND names lies in the source tree; INPUTS are objects, anywhere."""
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = KEPT / _key(command, inputs)
    with open(kept.with_suffix(".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            _compile([*command, *map(str, inputs)], kept)
    shutil.copy2(kept, output)
