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

from harness import BUILD, SOURCE, prefer_debug_info

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


def _debug_files(libraries: tuple[str, ...]) -> list[tuple[Path, Path]]:
    """Of those that are here: the name below a folder of debug info, and the file of Debian's libc6-dbg."""
    found = []
    for library in libraries:
        notes = subprocess.run(["readelf", "-n", library], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
        words = notes.split()
        if "ID:" in words:
            build_id = words[words.index("ID:") + 1]
            name = Path(".build-id") / build_id[:2] / f"{build_id[2:]}.debug"
            found.append((name, Path("/usr/lib/debug") / name))
    return [(name, path) for name, path in found if path.exists()]


def unpack_debug_info(folder: Path) -> None:
    """For a script of very many commands: from now on heapcore finds the debug info of libc in FOLDER, unpacked.

    Debian's is compressed, and to inflate it takes a third of the time of a command on a small core. What is said is the
    same; that packed sections are read is what test_debug_types.py looks at, and every script that does not call this.
    """
    objcopy = shutil.which("objcopy")
    if objcopy is None:
        return  # then packed, as it is
    for name, path in _debug_files(("/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libm.so.6")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([objcopy, "--decompress-debug-sections", str(path), str(folder / name)], check=True)
    prefer_debug_info(folder)
