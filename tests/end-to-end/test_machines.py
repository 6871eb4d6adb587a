#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs of other machines than this: blocks, lost blocks, types, locals, thread-locals, against what the programs say.

They are built by Debian's cross compilers (gcc-i686-linux-gnu, g++-i686-linux-gnu; the same of aarch64). i386's are run by this kernel, and dumped by it
and by gdb; aarch64's by qemu-user, and dumped by tests/support/core-writer.c as a kernel would. Where any of it is not there the cases are skipped.
"""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import test_locals
import test_types
from harness import (KINDS, ROOT, SOURCE, Cases, Exact, Skipped, Stopped, Workspace, analyze, chunk_of, chunks, compare, few, gdb_says, report_of,
                     succeed)
from kept_builds import build_once

C_FLAGS = ("-std=gnu17", "-D_GNU_SOURCE", "-g", "-O1", "-pthread")
CXX_FLAGS = ("-std=gnu++17", "-D_GNU_SOURCE", "-g", "-pthread")


@dataclass(frozen=True)
class Machine:
    name: str
    prefix: str  # of the tools
    emulator: tuple[str, ...] = ()


@dataclass(frozen=True)
class Program:
    name: str
    arguments: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("gcore", "kernel")
    tunables: str = ""
    source: str = ""
    flags: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.name, *self.arguments]) + (f" ({self.tunables})" if self.tunables else "")

    @property
    def environment(self) -> dict[str, str]:
        return {"GLIBC_TUNABLES": f"glibc.malloc.{self.tunables}"} if self.tunables else {}


I386 = Machine("i386", "i686-linux-gnu-")
AARCH64 = Machine("aarch64", "aarch64-linux-gnu-", ("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"))
PROGRAMS = [
    Program("churn", kinds=("gcore", "kernel", "capture")),
    Program("churn", kinds=("gcore", "capture"), tunables="mmap_threshold=4096"),
    Program("churn", kinds=("gcore",), tunables="tcache_count=0"),
    Program("churn", kinds=("gcore",), tunables="mxfast=160"),
    Program("threads", kinds=("kernel",)),
    Program("mapped", kinds=("gcore",)),
    Program("foreign-sbrk", kinds=("gcore",)),
    Program("noncontiguous", kinds=("kernel",)),
    Program("forked", kinds=("kernel",)),
    Program("libc-blocks", kinds=("kernel",)),
    Program("churn-static", source="churn", flags=("-static", "-DRECORDER_WRAP", "-Wl," + ",".join(
        f"--wrap={name}" for name in ("malloc", "calloc", "realloc", "reallocarray", "free", "memalign", "aligned_alloc", "posix_memalign",
                                      "valloc", "pvalloc")))),
]


@functools.cache
def why_not(machine: Machine) -> str:
    """Why programs of MACHINE cannot be built and run here; "" if they can."""
    if ROOT != Path("/"):
        return "programs are built here"
    if machine.emulator and shutil.which(machine.emulator[0]) is None:
        return f"{machine.emulator[0]} is not installed (Debian: apt-get install qemu-user)"
    for tool in ("gcc", "g++"):
        if shutil.which(machine.prefix + tool) is None:
            return f"{machine.prefix}{tool} is not installed (Debian: apt-get install {tool}-{machine.prefix[:-1]})"
    with Workspace() as folder:
        program = folder / "runs"
        (folder / "runs.c").write_text("int main(void) { return 0; }\n")
        subprocess.run([machine.prefix + "gcc", str(folder / "runs.c"), "-o", str(program)], check=True)
        try:
            ran = subprocess.run([*machine.emulator, str(program)], check=False).returncode == 0
        except OSError:
            ran = False
        return "" if ran else f"a program of {machine.name} does not run here (its libc is not installed, or the kernel cannot)"


class Builder:
    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine, self.folder = machine, folder

    def need(self) -> None:
        if why_not(self.machine):
            raise Skipped(why_not(self.machine))

    def _build(self, tool: str, flags: tuple[str, ...], sources: list[str], name: str) -> Path:
        self.need()
        output = self.folder / name
        build_once([self.machine.prefix + tool, *flags, *(str(SOURCE / one) for one in sources)], [], output)
        return output

    def recorder(self) -> Path:
        return self._build("gcc", (*C_FLAGS, "-fno-builtin", "-fPIC", "-shared"), ["tests/support/recorder.c"], "recorder.so")

    def preloaded(self, recorder: bool) -> list[Path]:
        """The recorder, and what writes cores of a machine that no kernel runs."""
        preload = [self.recorder()] if recorder else []
        if self.machine.emulator:
            preload.append(self._build("gcc", (*C_FLAGS, "-fPIC", "-shared"), ["tests/support/core-writer.c"], "core-writer.so"))
        return preload

    def start(self, program: Path, arguments: tuple[str, ...] = (), environment: dict[str, str] | None = None, recorder: bool = False) -> Stopped:
        preload = self.preloaded(recorder)
        runner = self.machine.emulator
        if runner:  # of the guest, not of the emulator itself
            runner, preload = (*runner, "-E", f"LD_PRELOAD={':'.join(map(str, preload))}"), []
        return Stopped(str(program), arguments, environment, preload, recorder=False, runner=runner)

    def program(self, program: Program) -> Path:
        more = ["tests/support/recorder.c"] if program.flags else []
        return self._build("gcc", (*C_FLAGS, *program.flags), [f"fixtures/{program.source or program.name}.c", "fixtures/fixture.c", *more],
                           program.name)

    def cxx(self, name: str, *flags: str, common: tuple[str, ...] = ("fixture",)) -> Path:
        objects = [self._build("gcc", (*C_FLAGS, "-fno-builtin", "-c"), [f"fixtures/{one}.c"], f"{one}.o") for one in common]
        output = self.folder / f"{name}{''.join(flags)}"
        build_once([self.machine.prefix + "g++", *CXX_FLAGS, *flags, "-rdynamic", "-Wl,--build-id", str(SOURCE / "fixtures" / f"{name}.cpp")],
                   objects, output)
        return output


exact = Exact()


def check_blocks(builder: Builder, program: Program, kind: str) -> None:
    """Each block, with libc's debug info and with nothing but the core."""
    built = builder.program(program)
    with builder.start(built, program.arguments, program.environment, recorder=not program.flags) as fixture:
        live = fixture.live_blocks()
        core = fixture.core(kind)
        bare = succeed("chunks", core, "--sysroot=/nonexistent", "--json", "--limit", "0").out.splitlines()
        for reported in (chunks(core, built), [chunk_of(json.loads(line)) for line in bare]):
            count_problems = exact.begin(f"{builder.machine.name}, {kind}", len(live))
            problems = compare(live, reported)
            count_problems(len(problems))
            assert not problems, f"{len(problems)} of {len(live)} live blocks and others are wrong:{few(problems)}"
        report = analyze(core, built)
        assert report["process"]["machine"] == builder.machine.name, report["process"]
        lost = report["references"]["directly_lost"]["blocks"]
        assert program.name not in ("churn", "threads") or not lost, f"{lost} blocks are said to be lost; none is"


def check_types(builder: Builder, *flags: str) -> None:
    built = builder.cxx("typed", *flags, common=("fixture", "owners"))
    with builder.start(built, (), test_types.SMALL_CORE) as fixture:
        core = fixture.core("kernel" if builder.machine.emulator else "gcore")
        report = test_types.types(core, built)
        test_types.check_types(report, fixture, "type")
        test_types.check_types(report, fixture, "lost")
        test_types.check_certainty(report, fixture)
        test_types.check_coverage(report, core, fixture)
        test_types.check_held_by(report, core, fixture)


def check_locals(builder: Builder, kind: str, *flags: str) -> None:
    """Frames, registers, thread-local storage; gdb as a second opinion."""
    built = builder.cxx("locals", *flags)
    variant = test_locals.Variant(builder.machine.name, "", flags)
    with builder.start(built, environment=test_locals.SMALL_CORE) as fixture:
        core = fixture.core(kind)
        rows = test_locals.lines_of(test_locals.run(str(test_locals.PRINT_VARIABLES), str(core)))
        test_locals.compare_manifest(variant, fixture, rows)
        if not builder.machine.emulator:  # gdb here knows no other machine, and aarch64's gcc no place of a thread-local variable
            test_locals.compare_thread_locals(fixture, rows)
            test_locals.compare_gdb(variant, built, core, rows)


def check_threads(builder: Builder, kind: str) -> None:
    """Every call that gdb sees; and which arena each thread uses, for which its thread pointer must be known (gdb's core does not tell it)."""
    built = builder.program(Program("threads"))
    with builder.start(built, ("small",)) as fixture:
        core = fixture.core(kind)
        said, = gdb_says(next(core.glob("core.*")) if core.is_dir() else core, built, "thread apply all bt")
        threads = report_of(succeed("threads", core, built, "--json"))["threads"]
        assert len(threads) > 1 and all(thread["arena"] is not None for thread in threads), threads
        seen = {f"{int(frame['program_counter'], 16):#x}" for thread in threads for frame in thread["frames"]}
        expected = {f"{int(address, 16):#x}" for address in re.findall(r"^#\d+ +(0x[0-9a-f]+) in ", said, re.MULTILINE)}
        assert len(expected) > 3 * 2 and expected <= seen, f"gdb sees calls at {sorted(expected - seen)}: {said}"


def check_live(builder: Builder) -> None:
    """Of a capture gdb tells the same registers and files as of its own core; --pid and watch take such a process too, and it goes on."""
    built = builder.program(Program("threads"))
    with builder.start(built, ("small",), recorder=True) as fixture:
        core = next(fixture.capture().glob("core.*"))
        status = Path(f"/proc/{fixture.pid}/status")
        assert "TracerPid:\t0\n" in status.read_text() and re.search(r"^State:\s+[RS]", status.read_text(), re.M), status.read_text()
        gcore = fixture.gcore()
        for command in ("thread apply all info registers eax ebx ecx edx esi edi ebp esp eip eflags gs", "thread apply all bt", "info auxv"):
            own, other = ([line for line in gdb_says(one, built, command)[0].splitlines() if "warning:" not in line] for one in (core, gcore))
            assert own and own == other, f"{command}: {own}\n\n{other}"
        names = {re.search(r"/\S+", line)[0] for line in gdb_says(core, built, "info proc mappings")[0].splitlines() if " /" in line}
        files = {re.search(r"/.*", line)[0] for line in Path(f"/proc/{fixture.pid}/maps").read_text().splitlines() if "/" in line}
        assert names and names == files, (names, files)
        problems = compare(fixture.live_blocks(), chunks(f"--pid={fixture.pid}"))
        assert not problems, few(problems)
        assert "32-bit" in succeed("capture", str(fixture.pid), "-o", fixture.folder / "again").out
        succeed("watch", str(fixture.pid), "--every", "1s", "--count", "1", statuses=(0, 3))


def main() -> None:
    cases = Cases(__doc__)
    with Workspace() as folder:
        builder = Builder(I386, folder)
        for program in PROGRAMS:
            for kind in KINDS or program.kinds:
                cases.run(f"i386: {program}, {kind}", check_blocks, builder, program, kind)
        for kind in ("gcore", "kernel", "capture"):
            cases.run(f"i386: calls, {kind}", check_threads, builder, kind)
        cases.run("i386: types", check_types, builder, "-O2")
        cases.run("i386: locals -O0, gcore", check_locals, builder, "gcore", "-O0")
        cases.run("i386: locals -O2, kernel", check_locals, builder, "kernel", "-O2")
        cases.run("i386: a live process", check_live, builder)
    with Workspace() as folder:
        builder = Builder(AARCH64, folder)
        for program in (Program("churn"), Program("threads", ("small",)), Program("mapped"), Program("foreign-sbrk"), Program("noncontiguous")):
            for kind in [kind for kind in KINDS if kind in ("kernel", "zst")] or ("kernel",):
                cases.run(f"aarch64: {program}, {kind}", check_blocks, builder, program, kind)
        cases.run("aarch64: types", check_types, builder, "-O2")
        for flags in (("-O0",), ("-O2",), ("-O2", "-mbranch-protection=standard")):
            cases.run(f"aarch64: locals {' '.join(flags)}", check_locals, builder, "kernel", *flags)
    exact.tell()
    cases.finish()


if __name__ == "__main__":
    main()
