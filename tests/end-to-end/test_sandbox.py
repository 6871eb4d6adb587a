#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Before a core is read every command gives up its rights: seen from outside, and tried from inside, as one would who took the program over.

What is tried is in tests/support/sandbox-tries.c. The same tries do work with --no-sandbox, so that they cannot fail for another reason.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import http.server
import os
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

from harness import FIXTURES, HEAPCORE, Cases, Skipped, Stopped, few, heapcore, need_captures, report_of, succeed

TRIES = FIXTURES / "tests" / "support" / ".libs" / "sandbox-tries.so"
OLDER_LANDLOCK = FIXTURES / "tests" / "support" / ".libs" / "older-landlock.so"
LIVE = {"capture", "watch"}  # they stay debuggers; of watch the steps do not
NO_CORE = {"help"}
TERMINAL = {"browse"}  # nothing without one: test_browse.py looks at its rights
REFUSED = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EXDEV}
# What works for anybody who is in no sandbox.
COMMON = {"fork", "vfork", "socket-internet", "socket-unix", "socketpair", "connect", "kill", "open-write", "open-both", "open-append",
          "open-create", "open-new", "mkdir", "symlink", "mkfifo", "link", "rename", "open-truncate", "truncate", "chmod", "unlink"}
# What capturing does without.
NEVER = {"socket-internet", "socket-internet6", "socket-netlink", "socket-unix", "socketpair", "connect", "unshare", "mount", "chroot", "bpf",
         "perf_event_open", "io_uring", "keyctl", "x32", "i386", "execve", "execveat"}
# What `snapshot` does to its own file.
ITS_OWN_FILE = {"open-new", "link", "rename", "unlink", "chmod"}
# LeakSanitizer does these itself.
SANITIZERS = {"fork", "vfork", "kill", "ptrace"}
SECCOMP, LANDLOCK_CREATE, SET_MODE_FILTER = {"x86_64": 317, "aarch64": 277, "i686": 354, "riscv64": 277}, 444, 1

libc = ctypes.CDLL(None, use_errno=True)


def kernel_has_seccomp() -> bool:
    number = SECCOMP.get(os.uname().machine)
    return bool(number) and libc.syscall(number, SET_MODE_FILTER, 0, None) < 0 and ctypes.get_errno() == errno.EFAULT


def landlock_version() -> int:
    return max(libc.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1), 0)


def is_sanitized() -> bool:
    library = Path(HEAPCORE).parent / ".libs" / "libheapcore.so.0"
    return "libasan" in subprocess.run(["ldd", str(library if library.exists() else HEAPCORE)], stdout=subprocess.PIPE, text=True).stdout


def commands() -> list[str]:
    """All, by the program's own help."""
    return [line.split()[0] for line in succeed("help").out.split("Commands:")[1].split("Options:")[0].splitlines() if line.strip()]


def line_of(name: str, fixture: Stopped, core: Path | str) -> list[str]:
    """A command line that reads CORE. A new command has the plain one, or a line here."""
    program, folder = str(fixture.program), fixture.folder
    (address,) = fixture.said("holder")[0]
    more = {"show": ["g_links"], "block": [address], "path": [address], "diff": [str(fixture.folder / "kept.snap")],
            "snapshot": ["-o", str(folder / "output" / "one.snap"), "--force"],
            "export": ["--format", "folded"]}
    return [name, str(core), program, *more.get(name, [])]


def live_line(name: str, fixture: Stopped) -> list[str]:
    folder = fixture.folder
    return {"capture": ["capture", str(fixture.pid), "-o", str(folder / "captured"), "--force"],
            "watch": ["watch", str(fixture.pid), "--every", "1s", "--count", "1"],
            "analyze": ["analyze", "--pid", str(fixture.pid)]}[name]


def tries(fixture: Stopped, line: list[str], environment: dict[str, str] | None = None, older: bool = False) -> dict[str, str]:
    """What each try in a run of LINE came to; "end" is among them if all were made. OLDER: with an older Landlock."""
    folder = fixture.folder / "victim"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    victim = folder / "file"
    victim.write_text("all of it")
    reading, writing = os.pipe()
    with os.fdopen(reading) as told:
        process = subprocess.Popen([HEAPCORE, *line], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   pass_fds=[writing], env={
                                       **os.environ, "SANDBOX_TRIES": str(writing), "SANDBOX_VICTIM": str(victim),
                                       "LD_PRELOAD": f"{TRIES}:{OLDER_LANDLOCK}" if older else str(TRIES),
                                       "ASAN_OPTIONS": "verify_asan_link_order=0", "LANG": "C.UTF-8", **(environment or {})})
        os.close(writing)
        out, err = process.communicate(timeout=120)
        lines = told.read().splitlines()
    found = dict(line.rsplit(maxsplit=1) for line in lines if line != "end")
    assert "end" in lines, f"not all was tried in {line}: {lines}, {process.returncode}, {err[:500]!r}"
    if found.get("execve", "done") != "done":
        assert process.returncode in (0, 1, 3) and out, f"{line}: {process.returncode}, {err[:500]!r}"
    return found


def check_refused(line: list[str], found: dict[str, str], expected: set[str]) -> list[str]:
    wrong = [f"{line[0]}: {name}: {found.get(name, 'done')}" for name in sorted(expected)
             if name not in found or found[name] == "done" or int(found[name]) not in REFUSED]
    if found.get("status NoNewPrivs:") != "1" or found.get("status Seccomp:") != "2":
        wrong.append(f"{line[0]}: {found}")
    return wrong


def all_of(found: dict[str, str]) -> set[str]:
    names = {name for name in found if not name.startswith("status")} | {"execve", "execveat"}
    return names - (SANITIZERS if is_sanitized() else set())


def check_without(fixture: Stopped, core: Path) -> None:
    found = tries(fixture, [*line_of("analyze", fixture, core), "--no-sandbox"])
    failed = {name for name in COMMON if found.get(name) != "done"}
    assert not failed and "execve" not in found, f"these fail of themselves: {failed}; {found}"
    assert found["status Seccomp:"] == "0" and found["status NoNewPrivs:"] == "0", found


def check_tries(fixture: Stopped, core: Path) -> None:
    wrong: list[str] = []
    for name in commands():
        if name in LIVE | NO_CORE | TERMINAL:
            continue
        line = line_of(name, fixture, core)
        found = tries(fixture, line)
        expected = all_of(found)
        if name == "snapshot" and not landlock_version():
            expected -= ITS_OWN_FILE
        wrong += check_refused(line, found, expected)
        if os.geteuid() == 0:
            kept = int(found["status CapEff:"], 16)
            if kept & ~0xf:
                wrong.append(f"{name}: capabilities {kept:x}")
    assert not wrong, few(wrong)


def check_live(fixture: Stopped) -> None:
    line = live_line("analyze", fixture)
    found = tries(fixture, line)
    wrong = check_refused(line, found, all_of(found) - {"open-new", "link", "rename", "unlink"}
                          if not landlock_version() else all_of(found))
    line = live_line("watch", fixture)  # the process that reads what was captured
    found = tries(fixture, line, {"SANDBOX_TRIES_AT": "heapcore-step"})
    wrong += check_refused(["watch, a step"], found, all_of(found))
    for name in sorted(LIVE):
        line = live_line(name, fixture)
        found = tries(fixture, line)
        wrong += check_refused(line, found, NEVER & (set(found) | {"execve", "execveat"}))
    assert not wrong, few(wrong)


def check_outside(fixture: Stopped, core: Path) -> None:
    """/proc/PID/status of every command as it waits for the first byte of its core."""
    wrong: list[str] = []
    for name in commands():
        if name in LIVE | NO_CORE | TERMINAL:
            continue
        for options, filtered in ([], True), (["--no-sandbox"], False):
            process = subprocess.Popen([HEAPCORE, *line_of(name, fixture, "-"), *options], stdin=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                status = waiting_status(process)
                if (status["Seccomp"], status["NoNewPrivs"]) != (("2", "1") if filtered else ("0", "0")):
                    wrong.append(f"{name} {' '.join(options)}: {status['Seccomp']}, {status['NoNewPrivs']}")
            finally:
                process.kill()
                process.wait()
                process.stdin.close()
    assert not wrong, few(wrong)


def waiting_status(process: "subprocess.Popen[bytes]") -> dict[str, str]:
    """Once it reads its standard input, which is empty (system call 0 or 63, of descriptor 0)."""
    read = {"x86_64": "0", "aarch64": "63", "riscv64": "63", "i686": "3"}.get(os.uname().machine, "?")
    stdin = os.readlink(f"/proc/{process.pid}/fd/0")
    for _ in range(1200):
        assert process.poll() is None, f"it ended with {process.returncode}"
        try:
            words = Path(f"/proc/{process.pid}/syscall").read_text().split()
            number = int(words[1], 16) if len(words) > 1 and words[0] in (read, "7", "271", "73", "168") else -1
            if number >= 0 and words[0] == read and os.readlink(f"/proc/{process.pid}/fd/{number}") == stdin:
                break
        except (OSError, ValueError):
            pass
        time.sleep(0.05)
    else:
        raise AssertionError(f"it does not wait for its input: {Path(f'/proc/{process.pid}/syscall').read_text()}")
    text = Path(f"/proc/{process.pid}/status").read_text()
    return dict(re.findall(r"^(\w+):\s*(.*)$", text, re.M))


def untimed(text: str) -> str:
    return re.sub(r'"timings": \{[^}]*\}|"peak[a-z_]*": \d+', "", text)


def check_same(fixture: Stopped, core: Path) -> None:
    """The same answer with and without, of cores as they are and compressed, to the byte."""
    packed = fixture.folder / "packed.zst"
    subprocess.run(["zstd", "-q", "-f", str(core), "-o", str(packed)], check=True)
    for name in commands():
        if name in LIVE | NO_CORE | TERMINAL:
            continue
        for one in (core, packed) if name in ("analyze", "chunks") else (core,):
            line = line_of(name, fixture, one)
            within, without = heapcore(*line), heapcore(*line, "--no-sandbox")
            assert within.status in (0, 1, 3) and within.status == without.status, (within, without)
            assert within.out == without.out and within.err == without.err, f"{line}: another answer"


def check_scratch(fixture: Stopped, core: Path) -> None:
    """Temporary files on disk, for a compressed core that may take no memory; the folder stays empty."""
    packed, folder = fixture.folder / "scratch.zst", fixture.folder / "scratch"
    folder.mkdir()
    subprocess.run(["zstd", "-q", "-f", str(core), "-o", str(packed)], check=True)
    whole = untimed(succeed("chunks", core, "--json").out)
    done = heapcore("chunks", packed, "--json", "--memory", "1M", environment={"TMPDIR": str(folder)})
    assert done.status == 0 and untimed(done.out) == whole, done
    assert not list(folder.iterdir()), list(folder.iterdir())


def check_told() -> None:
    """--version tells what this system has."""
    told = succeed("--version").out
    assert ("no seccomp" in told) != kernel_has_seccomp(), told
    version = landlock_version()
    assert (f"Landlock (version {version})" if version else "no Landlock") in told, told


def check_older(fixture: Stopped, core: Path, version: int) -> None:
    """A Landlock of an older kernel: what it knows is asked of it, nothing else, and the filter of system calls does the rest."""
    environment = {"LANDLOCK_MOST": str(version)}
    told = heapcore("--version", environment={**environment, "LD_PRELOAD": str(OLDER_LANDLOCK), "ASAN_OPTIONS": "verify_asan_link_order=0"})
    assert (f"Landlock (version {version})" if version else "no Landlock") in told.out, told
    wrong: list[str] = []
    for name in ("analyze", "snapshot"):
        line = line_of(name, fixture, core)
        found = tries(fixture, line, environment, older=True)
        expected = all_of(found)
        if name == "snapshot" and not version:
            expected -= ITS_OWN_FILE
        wrong += check_refused(line, found, expected)
    assert not wrong, few(wrong)
    assert (fixture.folder / "output" / "one.snap").stat().st_size


class Server(http.server.BaseHTTPRequestHandler):
    """A debuginfod that has one file."""
    file = b""
    build_id = ""
    asked: list[str] = []

    def do_GET(self) -> None:
        Server.asked.append(self.path)
        known = self.path == f"/buildid/{Server.build_id}/debuginfo"
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(Server.file) if known else 0))
        self.end_headers()
        if known:
            self.wfile.write(Server.file)

    def log_message(self, *_: object) -> None:
        pass


def check_debuginfod() -> None:
    """Debug info comes from a server if the user asked for that, and then too nothing is run, nor written but in its cache."""
    try:
        ctypes.CDLL("libdebuginfod.so.1")
    except OSError:
        raise Skipped("libdebuginfod is not installed") from None
    with Stopped("secrets", ["--password=nothing-of-note"], recorder=False) as whole:
        program, debug = whole.folder / "secrets", whole.folder / "debug"
        shutil.copy(whole.program, program)
        subprocess.run(["objcopy", "--only-keep-debug", str(program), str(debug)], check=True)
        subprocess.run(["strip", str(program)], check=True)
        notes = subprocess.run(["readelf", "-n", str(program)], stdout=subprocess.PIPE, text=True, check=True).stdout
        Server.build_id = re.search(r"Build ID: ([0-9a-f]+)", notes)[1]
        Server.file = debug.read_bytes()
        debug.unlink()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with Stopped(program, ["--password=nothing-of-note"], recorder=False) as fixture:
                core = fixture.gcore()
                cache = fixture.folder / "cache" / "deep"
                environment = {"DEBUGINFOD_URLS": f"http://127.0.0.1:{server.server_address[1]}/", "DEBUGINFOD_CACHE_PATH": str(cache),
                               "HOME": str(fixture.folder), "no_proxy": "*"}
                done = heapcore("analyze", core, environment=environment)
                assert done.status in (0, 3), done
                assert Server.asked and list(cache.rglob("debuginfo")), (Server.asked, list(cache.rglob("*")))
                found = tries(fixture, ["analyze", str(core)], environment)
                assert found["fork"] != "done" or is_sanitized(), found
                expected = {"execve", "execveat"} | ({"open-write", "open-new", "unlink"} if landlock_version() else set())
                wrong = check_refused(["analyze"], found, expected)
                assert not wrong, few(wrong)
        finally:
            server.shutdown()


def run() -> None:
    with Stopped("secrets", ["--password=nothing-of-note"], recorder=False) as fixture:
        core = fixture.gcore()
        (fixture.folder / "output").mkdir()
        succeed("snapshot", core, fixture.program, "-o", fixture.folder / "kept.snap")
        cases.run("the same answer", check_same, fixture, core)
        cases.run("temporary files", check_scratch, fixture, core)
        cases.run("told", check_told)
        if not kernel_has_seccomp():
            cases.run("seccomp", skip)
            return
        cases.run("seen from outside", check_outside, fixture, core)
        cases.run("nothing is refused without", check_without, fixture, core)
        cases.run("all is refused within", check_tries, fixture, core)
        for version in range(landlock_version()):
            cases.run(f"Landlock of version {version}", check_older, fixture, core, version)
        cases.run("a live process", check_live, fixture)
        cases.run("debuginfod", check_debuginfod)


def skip() -> None:
    raise Skipped("this kernel has no seccomp filters")


need_captures()
cases = Cases(__doc__)
if not cases.options.list:
    run()
cases.finish()
