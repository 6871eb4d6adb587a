# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the end-to-end tests share: start a fixture, take a core of it, run heapcore on the core, count cases.

    from harness import Cases, Stopped, analyze, chunks

    def check_something(case):
        with Stopped("churn") as fixture:
            report = analyze(fixture.gcore())
            assert report["memory"]["total"] > 0

    cases = Cases(__doc__)
    cases.run("churn", check_something)
    cases.finish()

By hand, from the source tree, with a build in build/ (or HEAPCORE_BUILDDIR, HEAPCORE):

    tests/end-to-end/test_recorder.py              every case
    tests/end-to-end/test_recorder.py mapped       those with "mapped" in their name
    tests/end-to-end/test_recorder.py --keep DIR   leaves the cores in DIR
    tests/end-to-end/test_recorder.py --list       names only

Cores lie in temporary folders and go with them.

Other glibcs: tests/glibc-matrix runs these tests on fixtures that were built in other Debian releases, by

    HEAPCORE_FIXTURES=DIR  fixtures are there, not in the build folder
    HEAPCORE_ROOT=DIR      they lie below DIR and run with DIR as their root
    HEAPCORE_GCORE=inside  gcore is the root's own, too
    HEAPCORE_FILES=none    heapcore is given the core alone: no program, no library
    HEAPCORE_KINDS='gcore zst'   cores of these kinds (Stopped.core()) of all programs of which a kernel's core is tried
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterable, NoReturn, Optional, Union

import json_schema

Text = Union[str, Path]

SOURCE = Path(os.environ.get("HEAPCORE_SRCDIR") or Path(__file__).resolve().parents[2])
BUILD = Path(os.environ.get("HEAPCORE_BUILDDIR") or SOURCE / "build")
HEAPCORE = os.environ.get("HEAPCORE") or str(BUILD / "heapcore")
FIXTURES = Path(os.environ.get("HEAPCORE_FIXTURES") or BUILD)
ROOT = Path(os.environ.get("HEAPCORE_ROOT") or "/")
GCORE_INSIDE = os.environ.get("HEAPCORE_GCORE") == "inside"
KINDS = os.environ.get("HEAPCORE_KINDS", "").split()
CORE_ONLY = os.environ.get("HEAPCORE_FILES") == "none"
RECORDER = FIXTURES / "tests" / "support" / ".libs" / "recorder.so"
# A build with sanitizers is several times slower.
PATIENCE = 300.0
START_PATIENCE = 60.0
HOW_MANY_SHOWN = 10
REPORTED = (0, 1, 3)  # exit statuses of a report that was written: whole; a condition of --fail-on holds; partial


class Skipped(Exception):
    """This machine can not do what the case needs; the text says what."""


def fixture_path(name: str) -> Path:
    return FIXTURES / "fixtures" / name


def library_path(name: str) -> Path:
    """A shared object that libtool built for fixtures."""
    return FIXTURES / "fixtures" / ".libs" / f"{name}.so"


def inside(path: Path) -> str:
    """The name that PATH has for a fixture, which may have another root."""
    return str(path) if ROOT == Path("/") else str(Path("/") / path.relative_to(ROOT))


def enter_root() -> list[str]:
    """What to put in front of a command to run it where fixtures run."""
    return [] if ROOT == Path("/") else ["chroot", str(ROOT)]


@functools.lru_cache(maxsize=None)
def libc_version() -> tuple[int, int]:
    """Of the libc that (dynamic) fixtures run with."""
    said = subprocess.run([*enter_root(), "ldd", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    major, minor = said.splitlines()[0].split()[-1].split(".")[:2]
    return int(major), int(minor)


def few(items: Iterable[Any]) -> str:
    """The first few of many things, one a line, and how many more there are."""
    lines = [str(item) for item in items]
    shown = "\n    ".join(lines[:HOW_MANY_SHOWN])
    more = len(lines) - HOW_MANY_SHOWN
    return f"\n    {shown}" + (f"\n    ... and {more} more" if more > 0 else "")


# ---- counting blocks ----------------------------------------------------------------------------------------------------


class Exact:
    """How many blocks were compared with what a process told, and how many are right, for each kind of core."""

    def __init__(self) -> None:
        self.of_kind: dict[str, list[int]] = {}

    def begin(self, kind: str, blocks: int) -> Callable[[int], None]:
        """BLOCKS are about to be compared: none is right until what is returned is called with the number of problems."""
        counted = self.of_kind.setdefault(kind, [0, 0])
        counted[1] += blocks

        def end(problems: int) -> None:
            counted[0] += blocks - min(problems, blocks)
        return end

    def tell(self) -> None:
        """Lines that tests/compatibility reads."""
        for kind, (right, compared) in self.of_kind.items():
            print(f"    blocks exact, {kind}: {right} of {compared}")


# ---- counting cases -------------------------------------------------------------------------------------------------


class Cases:
    """Runs cases one by one, says how each went, and ends the script with the line that `make check` adds up."""

    def __init__(self, description: Optional[str]) -> None:
        parser = argparse.ArgumentParser(description=(description or "").strip().splitlines()[0])
        parser.add_argument("patterns", nargs="*", help="run only cases with one of these in their name")
        parser.add_argument("--keep", metavar="DIR", help="leave cores and their neighbours in DIR")
        parser.add_argument("--list", action="store_true", help="print the names of the cases, run none")
        self.options = parser.parse_args()
        self.passed = self.failed = self.skipped = 0
        if self.options.keep:
            Workspace.keep = Path(self.options.keep)

    def run(self, name: str, function: Callable[..., None], *arguments: Any) -> None:
        if self.options.patterns and not any(pattern in name for pattern in self.options.patterns):
            return
        if self.options.list:
            print(name)
            return
        Workspace.case = name
        begin = time.monotonic()
        try:
            function(*arguments)
        except Skipped as reason:
            self.skipped += 1
            self._tell("skip", name, begin, str(reason))
        except AssertionError as failure:
            self.failed += 1
            self._tell("FAIL", name, begin, str(failure) or traceback.format_exc())
        except Exception:  # a case that breaks fails; the others still run
            self.failed += 1
            self._tell("FAIL", name, begin, traceback.format_exc())
        else:
            self.passed += 1
            self._tell("ok", name, begin, "")

    def _tell(self, result: str, name: str, begin: float, text: str) -> None:
        print(f"{result:4} {name} ({time.monotonic() - begin:.1f} s){': ' if text else ''}{text}", flush=True)

    def finish(self) -> NoReturn:
        if self.options.list:
            sys.exit(0)
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        print(f"heapcore-tests: {self.passed} passed, {self.failed} failed{skipped}", flush=True)
        if self.failed == 0 and self.passed == 0 and self.skipped > 0:
            sys.exit(77)
        sys.exit(1 if self.failed else 0)


def need_captures() -> None:
    """Ends the script, as skipped, where fixtures have another root: captures are of this one."""
    if ROOT != Path("/") or GCORE_INSIDE:
        print("heapcore-tests: 0 passed, 0 failed, 1 skipped")
        sys.exit(77)


class Workspace:
    """A temporary folder; with --keep one that stays, named after the case."""

    keep: Optional[Path] = None
    case = "case"

    def __init__(self) -> None:
        if Workspace.keep is None:
            folder = None if ROOT == Path("/") else ROOT / "tmp"
            self.path = Path(tempfile.mkdtemp(prefix="heapcore-test-", dir=folder))
        else:
            name = "".join(letter if letter.isalnum() else "-" for letter in Workspace.case)
            Workspace.keep.mkdir(parents=True, exist_ok=True)
            self.path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=Workspace.keep)).resolve()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        if Workspace.keep is None:
            shutil.rmtree(self.path, ignore_errors=True)


# ---- a process that stands still ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LiveBlock:
    usable: int
    requested: int


class Stopped:
    """A fixture program at its stop point (see fixtures/fixture.h for the protocol)."""

    def __init__(self, program: str, arguments: Iterable[str] = (), environment: Optional[dict[str, str]] = None,
                 preload: Iterable[Path] = (), recorder: bool = True, runner: Iterable[str] = ()) -> None:
        """RUNNER: what runs the program, and gets its command line: an emulator."""
        self.program = fixture_path(program)
        self.arguments = [str(argument) for argument in arguments]
        self.preload = ([RECORDER] if recorder else []) + list(preload)
        self.own_environment = environment or {}
        self.runner = list(runner)
        self.workspace = Workspace()
        self.folder = self.workspace.path
        self.manifest: list[list[str]] = []
        self.pid = 0

    def __enter__(self) -> "Stopped":
        try:
            self._start()
            self._read_manifest()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        for needed in [self.program, *self.preload]:
            assert needed.exists(), f"{needed} is missing: make check builds it"
        self.recorder_file = self.folder / "recorder.txt"
        self.info_file = self.folder / "malloc_info.xml"
        (self.folder / "cwd").mkdir()  # where a kernel's core goes
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LC_ALL": "C.UTF-8",
            "RECORDER_FILE": inside(self.recorder_file),
            "FIXTURE_MALLOC_INFO": inside(self.info_file),
            **self.own_environment,
        }
        if self.preload:
            environment["LD_PRELOAD"] = ":".join(map(inside, self.preload))
        self.process = subprocess.Popen(
            [*self.runner, inside(self.program), *self.arguments], env=environment, cwd=self.folder / "cwd", stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, preexec_fn=_before_fixture, start_new_session=True)

    def _read_manifest(self) -> None:
        killer = _Alarm(START_PATIENCE, self.process)
        with killer:
            while True:
                line = self.process.stdout.readline()
                assert line, f"{self.program.name} ended before it was ready (status {self.process.wait()})"
                words = line.split()
                if words and words[0] == "ready":
                    self.pid = int(words[1])
                    break
                self.manifest.append(words)
        self.maps = Path(f"/proc/{self.pid}/maps").read_text(errors="replace")

    def go_on(self) -> None:
        """To the next stop, of a program that waits for SIGUSR1 (fixtures/stories/story.h); the manifest is that stop's."""
        self.manifest = []
        os.kill(self.pid, signal.SIGUSR1)
        self._read_manifest()

    def said(self, key: str) -> list[list[str]]:
        """The manifest's lines with that first word, without it."""
        return [words[1:] for words in self.manifest if words and words[0] == key]

    def live_blocks(self) -> dict[int, LiveBlock]:
        """What the recorder wrote at the stop: address to sizes."""
        live: dict[int, LiveBlock] = {}
        lines = self.recorder_file.read_text().splitlines()
        assert lines and lines[-1].startswith("end "), "the recorder's file is incomplete"
        for line in lines[:-1]:
            address, usable, requested = line.split()
            live[int(address, 16)] = LiveBlock(int(usable), int(requested))
        count, unknown_frees, not_recorded = map(int, lines[-1].split()[1:])
        assert count == len(live), f"the recorder counts {count} blocks and wrote {len(live)}"
        assert unknown_frees == 0, f"{unknown_frees} blocks were freed that the recorder never saw"
        assert not_recorded == 0, f"{not_recorded} blocks did not fit the recorder's table"
        return live

    def gcore(self) -> Path:
        """A core written by gcore; the process goes on."""
        tool = shutil.which("gcore")
        if tool is None:
            raise Skipped("gcore is not installed (Debian: apt-get install gdb)")
        prefix = self.folder / "core"
        command = [*enter_root(), "gcore", "-o", inside(prefix)] if GCORE_INSIDE else [tool, "-o", str(prefix)]
        done = subprocess.run([*command, str(self.pid)], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
        core = Path(f"{prefix}.{self.pid}")
        assert core.exists() and core.stat().st_size > 0, f"gcore wrote nothing:\n{done.stdout}"
        # gdb names files as it sees them: from outside only their debug info has to be told.
        _remember(core, self.program, [f"--sysroot={ROOT}" if GCORE_INSIDE else f"--debug-dir={ROOT}/usr/lib/debug"])
        return core

    def kernel_core(self) -> Path:
        """A core written by the kernel; the process is gone."""
        why_not = no_kernel_cores()
        if why_not:
            raise Skipped(why_not)
        os.kill(self.pid, signal.SIGABRT)
        self.process.wait(PATIENCE)
        cores = [path for path in (self.folder / "cwd").iterdir() if path.read_bytes()[:4] == b"\x7fELF"]
        if len(cores) != 1:
            raise Skipped(f"the kernel wrote no core into the process's folder ({len(cores)} found)")
        # The kernel names files as the process saw them.
        _remember(cores[0], self.program, [f"--sysroot={ROOT}"])
        return cores[0]

    def capture(self) -> Path:
        """heapcore's own, which is a folder; the process goes on."""
        folder = self.folder / "captured"
        succeed("capture", str(self.pid), "-o", folder)
        _remember(folder, self.program, [f"--debug-dir={ROOT}/usr/lib/debug"])  # files are named as from outside
        return folder

    def packed_core(self) -> Path:
        """The kernel's, as systemd-coredump keeps it; unpacked it is beside it."""
        core = self.kernel_core()
        packed = core.with_name(core.name + ".zst")
        subprocess.run(["zstd", "-q", str(core), "-o", str(packed)], check=True)
        _remember(packed, self.program, [f"--sysroot={ROOT}"])
        return packed

    def core(self, kind: str) -> Path:
        return {"gcore": self.gcore, "kernel": self.kernel_core, "capture": self.capture, "zst": self.packed_core}[kind]()

    def command(self, letter: str) -> list[str]:
        """Has the fixture do something; its answer, in words."""
        self.process.stdin.write(letter)
        self.process.stdin.flush()
        with _Alarm(START_PATIENCE, self.process):
            answer = self.process.stdout.readline().split()
        assert answer, f"{self.program.name} did not answer to {letter!r}"
        return answer

    def malloc_info(self) -> str:
        """malloc_info(3)'s XML. Take the core first."""
        assert self.command("i") == ["info", "0"]
        return self.info_file.read_text()

    def rss_of(self, start: int, end: int) -> int:
        """Resident bytes of the mappings between two addresses, by /proc/PID/smaps."""
        total, inside = 0, False
        for line in Path(f"/proc/{self.pid}/smaps").read_text(errors="replace").splitlines():
            words = line.split()
            if not words[0].endswith(":"):
                low, high = (int(word, 16) for word in words[0].split("-"))
                inside = start <= low and high <= end
            elif inside and words[0] == "Rss:":
                total += int(words[1]) * 1024
        return total

    def __exit__(self, *_: object) -> None:
        process = getattr(self, "process", None)
        if process is not None:
            try:  # the whole session: a forked child too
                os.killpg(process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
            process.wait()
            process.stdin.close()
            process.stdout.close()
        self.workspace.remove()


def _before_fixture() -> None:
    _allow_cores()
    if ROOT != Path("/"):  # the current folder stays: it is below
        os.chroot(ROOT)


def _allow_cores() -> None:
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:  # the kernel's default; whoever runs the tests may have another
        Path("/proc/self/coredump_filter").write_text("0x33")
    except OSError:
        pass


def no_kernel_cores() -> str:
    """Why the kernel would not write a core into the process's folder; "" if it would."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if pattern.startswith("|") or "/" in pattern or not pattern:
        return f"the kernel's cores go elsewhere here (core_pattern is {pattern!r})"
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY:
        return "the size of cores is limited here (ulimit -H -c)"
    return ""


class _Alarm:
    """Kills a process that takes too long, so that a read from it ends."""

    def __init__(self, seconds: float, process: "subprocess.Popen[str]") -> None:
        import threading
        self.timer = threading.Timer(seconds, process.kill)

    def __enter__(self) -> None:
        self.timer.start()

    def __exit__(self, *_: object) -> None:
        self.timer.cancel()


# ---- heapcore -------------------------------------------------------------------------------------------------------

_cores: dict[str, tuple[str, list[str]]] = {}  # of fixtures with another root: the program, options that find its files
_preferred: list[str] = []  # options for all cores


def prefer_debug_info(folder: Path) -> None:
    """Debug info is looked for in FOLDER first, by commands on a fixture's core."""
    _preferred[:] = [f"--debug-dir={folder}"]


def _remember(core: Path, program: Path, options: list[str]) -> None:
    _cores[str(core)] = (str(program), options if ROOT != Path("/") else [])


def _with_files(words: list[str]) -> list[str]:
    """The command line with what it takes to find, or not to find, the files of a fixture's core."""
    known = [_cores[word] for word in words if word in _cores]
    if not known:
        return words
    program, options = known[0]
    if CORE_ONLY:
        return [word for word in words if word != program] + ["--sysroot=/nonexistent"]
    return words + options + _preferred


@dataclass(frozen=True)
class Result:
    arguments: list[str]
    status: int  # negative: ended by that signal
    out: str
    err: str
    seconds: float

    def __str__(self) -> str:
        return (f"heapcore {' '.join(self.arguments)}\n  status {self.status} after {self.seconds:.1f} s"
                f"\n  stdout: {self.out[:1000]!r}\n  stderr: {self.err[:2000]!r}")


def heapcore(*arguments: Text, patience: float = PATIENCE, cwd: Optional[Path] = None,
             environment: Optional[dict[str, str]] = None) -> Result:
    """Runs the program; raises subprocess.TimeoutExpired if it takes longer than PATIENCE.

    JSON that it writes must be what docs/heapcore.schema.json says.
    """
    words = _with_files([str(argument) for argument in arguments])
    begin = time.monotonic()
    done = subprocess.run([HEAPCORE, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=patience, cwd=cwd, env={**os.environ, **(environment or {})})
    result = Result(words, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"),
                    time.monotonic() - begin)
    if result.status in REPORTED:
        check_json(words, result.out)
    return result


def check_json(words: list[str], out: str) -> None:
    """Of a command line with --json: OUT, what was written by it, is what docs/heapcore.schema.json says."""
    if not {"--json", "-j"}.intersection(words) or {"--help", "-h"}.intersection(words):
        return
    problems = json_schema.problems_of_output(words, out)
    assert not problems, f"heapcore {' '.join(words)}: against docs/heapcore.schema.json:{few(problems)}"
    if out and words[0] == "diff":
        check_causes(words, json.loads(out))


def check_causes(words: list[str], report: dict[str, Any]) -> None:
    """No cause tells more than the rows that it is made of: a leak as much as all lost ones, any other no more than what grew in all."""
    rows = report["attribution"]
    for unit in "bytes", "resident":
        lost = sum(row[unit] or 0 for row in rows if row["kind"] == "lost")
        grown = sum(max(row[unit] or 0, 0) for row in rows)
        for one in report["sentences"]:
            told = one[unit] or 0
            if unit == "resident" and one["kind"] == "leak" and not lost:
                continue  # of snapshots that do not know it of each kind
            assert told == lost if one["kind"] == "leak" else told <= grown or one["kind"] not in ("container", "owner", "free"), \
                f"heapcore {' '.join(words)}: {told} {unit}, of {lost} lost and {grown} in all: {one}"


def gdb_says(core: Path, program: Text, *commands: str) -> list[str]:
    """What gdb prints of a core, command by command: "output g_count", "whatis *g_first"."""
    if shutil.which("gdb") is None:
        raise Skipped("gdb is not installed")
    settings = ("debuginfod enabled off", "width 0", "print elements 0", "print repeats 0", "print pretty off", "print address on")
    words = [word for setting in settings for word in ("-iex", f"set {setting}")]
    mark = "@@ heapcore @@"
    for command in commands:
        words += ["-ex", f"echo {mark}\\n", "-ex", command]
    done = subprocess.run(["gdb", "--nx", "--batch", *words, str(program), str(core)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=PATIENCE)
    said = done.stdout.decode(errors="replace").split(f"{mark}\n")[1:]
    assert len(said) == len(commands), f"gdb has no answer to {commands[len(said):]}: {done.stdout[-2000:]!r}"
    return [text.strip() for text in said]


def succeed(*arguments: Text, statuses: Iterable[int] = (0,)) -> Result:
    result = heapcore(*arguments)
    assert result.status in statuses, f"expected status {list(statuses)}: {result}"
    return result


def report_of(result: Result) -> dict[str, Any]:
    """The JSON that a command wrote."""
    try:
        return json.loads(result.out)
    except ValueError as error:
        raise AssertionError(f"no JSON ({error}): {result}") from None


def analyze(core: Path, *arguments: Text) -> dict[str, Any]:
    """The whole report; the core must have been readable in full."""
    report = report_of(succeed("analyze", core, *arguments, "--json"))
    assert report["status"] == "complete", f"the report says {report['status']}: {report['diagnostics']}"
    return report


@dataclass(frozen=True)
class Chunk:
    """A block as `heapcore chunks --json` tells it."""
    address: int
    size: int
    state: str
    arena: Optional[int]
    label: Optional[str]

    @property
    def end(self) -> int:
        return self.address + self.size

    def __str__(self) -> str:
        where = "mmapped" if self.arena is None else f"arena {self.arena}"
        return f"{self.address:#x} {self.size} bytes {self.state} {where}{f' [{self.label}]' if self.label else ''}"


def chunks(core: Path, *arguments: Text) -> list[Chunk]:
    lines = succeed("chunks", core, *arguments, "--json", "--limit", "0").out.splitlines()
    return [chunk_of(json.loads(line)) for line in lines]


def chunk_of(line: dict[str, Any]) -> Chunk:
    return Chunk(int(line["address"], 16), line["size"], line["state"], line["arena"], line["label"])


# ---- the comparison that everything rests on ------------------------------------------------------------------------

FREE_STATES = ("tcache", "fastbin", "unsorted", "small", "large", "top")
STATES = ("in use", *FREE_STATES)


def compare(live: dict[int, LiveBlock], reported: list[Chunk]) -> list[str]:
    """What is wrong with REPORTED if LIVE is the truth; an empty list if nothing is.

    Every live block must be reported as in use, at its address, with its usable size; no other block as in use unless
    it has a label (libc's own); and the blocks must be disjoint, each in one known state.
    """
    problems: list[str] = []
    by_address: dict[int, Chunk] = {}
    for chunk in reported:
        if chunk.state not in STATES:
            problems.append(f"unknown state: {chunk}")
        if chunk.address in by_address:
            problems.append(f"reported twice: {by_address[chunk.address]}, {chunk}")
        by_address[chunk.address] = chunk

    ordered = sorted(by_address.values(), key=lambda chunk: chunk.address)
    for one, next_one in zip(ordered, ordered[1:]):
        if one.end > next_one.address:
            problems.append(f"overlap: {one}, {next_one}")

    for address, block in sorted(live.items()):
        chunk = by_address.get(address)
        if chunk is None:
            problems.append(f"not reported: {address:#x}, live, {block.usable} bytes")
        elif chunk.state != "in use":
            problems.append(f"live ({block.usable} bytes), but reported as {chunk}")
        elif chunk.size != block.usable:
            problems.append(f"{block.usable} bytes are usable (as the process says), reported as {chunk}")

    for chunk in ordered:
        if chunk.state == "in use" and chunk.address not in live and chunk.label is None:
            problems.append(f"nobody has it, but reported as {chunk}")
    return problems
