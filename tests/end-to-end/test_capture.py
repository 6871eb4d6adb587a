#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`heapcore capture`: the core is as good as gcore's, the sockets' queues are what the process itself sees, the process goes on whatever
happens, and `diff` of two captures tells what is the kernel's."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Optional

from elfcore import Core
from harness import (Cases, HEAPCORE, Skipped, SOURCE, Stopped, Workspace, chunks, compare, few, heapcore, need_captures,
                     report_of, succeed)

need_captures()

FILES = {"capture.ini", "smaps", "smaps_rollup", "pages", "status", "maps", "meminfo", "sockstat", "descriptors", "sockets", "cgroup"}

# The process answers on its stack and in libc's data and text between two looks at its memory.
RESIDENT_TOLERANCE = 256 * 1024


def capture(fixture: Stopped, name: str = "capture") -> Path:
    folder = fixture.folder / name
    succeed("capture", str(fixture.pid), "-o", folder)
    return folder


def facts(folder: Path) -> dict[str, Any]:
    return json.loads(succeed("diff", folder, folder, "--json").out)["side_facts"]["b"]


def check_runs(fixture: Stopped) -> None:
    """The fixture's other thread counts on."""
    before = int(fixture.command("c")[1])
    for _ in range(100):
        time.sleep(0.02)
        if int(fixture.command("c")[1]) > before:
            break
    else:
        raise AssertionError("the process does not go on")
    state = re.search(r"^State:\s+(\S)", Path(f"/proc/{fixture.pid}/status").read_text(), re.MULTILINE).group(1)
    assert state in "RS", f"the process is in state {state}"
    assert "TracerPid:\t0\n" in Path(f"/proc/{fixture.pid}/status").read_text()


def send(fixture: Stopped, count: int, size: int = 1000) -> None:
    """COUNT datagrams to each of its UDP sockets."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        for (port,) in fixture.said("udp"):
            for _ in range(count):
                peer.sendto(b"x" * size, ("127.0.0.1", int(port)))


# ---- the core -------------------------------------------------------------------------------------------------------


def check_heap(program: str, *arguments: str) -> None:
    """Every live block that the recorder saw, and no other; and the table is that of gcore's core."""
    with Stopped(program, arguments) as fixture:
        folder = capture(fixture)
        problems = compare(fixture.live_blocks(), chunks(folder))
        assert not problems, few(problems)
        own = report_of(succeed("analyze", folder, fixture.program, "--json"))
        other = report_of(succeed("analyze", fixture.gcore(), fixture.program, "--json"))
    assert own["status"] == "complete", own["diagnostics"]
    assert own["process"]["origin"] == "capture" and own["process"]["signal"] is None, own["process"]
    assert own["process"]["threads"] == other["process"]["threads"]
    assert own["references"] == other["references"], (own["references"], other["references"])
    # What was resident only a capture tells; of other cores zeros stand for what was given back.
    for one, two in zip(own["arenas"], other["arenas"], strict=True):
        assert one["resident"] is not None and two["resident"] is None and one["zero_pages"] <= two["zero_pages"]
        for key in set(one) - {"resident", "zero_pages"}:
            assert one[key] == two[key], f"{key}: {one} here, {two} of gcore's core"
    for one, two in zip(own["memory"]["rows"], other["memory"]["rows"]):
        assert one["id"] == two["id"]
        # gdb has the page of vsyscall, and text that it did not dump is known by its name only.
        if one["id"] not in ("kernel", "files"):
            assert one["bytes"] == two["bytes"], f"{one} here, {two} of gcore's core"


def check_headless() -> None:
    """The main thread has ended, and /proc/PID is a zombie's: the memory is read by way of the threads that go on, and they do go on."""
    with Stopped("headless") as fixture:
        threads = [int(words[0]) for words in fixture.said("thread")]
        assert "State:\tZ" in Path(f"/proc/{fixture.pid}/status").read_text()
        resident = sum(int(line.split()[1]) * 1024 for line in Path(f"/proc/{threads[0]}/smaps").read_text().splitlines() if line[:4] == "Rss:")
        folder = fixture.folder / "headless"
        said = succeed("capture", str(fixture.pid), "-o", folder).out
        assert "stood still" in said and "main thread has ended" in said, said
        for core in (folder, f"--pid={fixture.pid}"):
            problems = compare(fixture.live_blocks(), chunks(core))
            assert not problems, f"{core}: {few(problems)}"
            told = report_of(succeed("threads", core, "--json"))["threads"]
            assert sorted(thread["id"] for thread in told) == sorted(threads), f"{core}: {told}"
            report = report_of(succeed("analyze", core, fixture.program, "--json"))
            assert report["status"] == "complete" and report["process"]["pid"] == fixture.pid, report["process"]
            assert report["references"]["directly_lost"]["blocks"] == int(fixture.said("lost")[0][0]), report["references"]
        told = facts(folder)
        assert told["pid"] == fixture.pid and told["executable"] == os.path.realpath(fixture.program), told
        assert abs(told["resident"] - resident) <= RESIDENT_TOLERANCE, (told["resident"], resident)
        for thread in threads:
            status = Path(f"/proc/{fixture.pid}/task/{thread}/status").read_text()
            assert "TracerPid:\t0\n" in status and re.search(r"^State:\s+[RS]", status, re.M), status
        assert fixture.command("t")[0] == "trim"


def check_files(fixture: Stopped) -> None:
    folder = capture(fixture, "files")
    names = {path.name for path in folder.iterdir()}
    assert FILES | {f"core.{fixture.pid}"} <= names, names
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir()), "others may read it"
    core = folder / f"core.{fixture.pid}"
    assert Core(core).threads == 2, "the main thread and the one that counts"
    status = core.stat()
    reserved = int(fixture.said("reserved")[0][1])
    assert status.st_size < reserved / 100 and status.st_blocks * 512 < 32 << 20, status
    check_runs(fixture)


def check_report(fixture: Stopped) -> None:
    folder = fixture.folder / "report"
    report = report_of(succeed("capture", str(fixture.pid), "--json", "-o", folder))
    assert report["command"] == "capture" and report["directory"] == str(folder)
    assert report["side_facts"]["pid"] == fixture.pid
    assert report["side_facts"]["executable"] == os.path.realpath(fixture.program)
    manual = (SOURCE / "docs" / "json.md").read_text(encoding="utf-8")
    both = report_of(succeed("diff", folder, folder, "--json"))["side_facts"]
    assert both["a"] == both["b"] == report["side_facts"]
    missing = [key for key in keys_in([report, both]) - {"heapcore", "schema", "command"}  # told at the beginning
               if not re.search(rf'`(?:[\w.\[\]]*\.)?{key}(?:\[\])?`', manual)]
    assert not missing, f"docs/json.md does not tell of {sorted(missing)}"


def keys_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(keys_in(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(keys_in(item) for item in value))
    return set()


# ---- what lies beside it --------------------------------------------------------------------------------------------


def check_sockets(fixture: Stopped) -> None:
    """Queues by the process's own system calls."""
    send(fixture, 50)
    folder = capture(fixture, "sockets")
    _, udp, tcp = fixture.command("m")
    told = facts(folder)["sockets"]
    kinds = {row["kind"]: row for row in told["kinds"]}
    assert int(udp) > 8 * 50 * 1000, "the datagrams did not arrive"
    assert kinds["UDP"]["count"] == 8 and kinds["UDP"]["waiting"] == 8, kinds
    assert kinds["UDP"]["unread"] == int(udp), f"{kinds['UDP']}; the process says {udp}"
    assert kinds["TCP"]["count"] == 3 and kinds["TCP"]["unread"] == int(tcp) == 12345, kinds
    assert kinds["UNIX"]["count"] == 2 and kinds["UNIX"]["unread"] is None, kinds
    assert told["unread"] == int(udp) + int(tcp)
    ports = {f"127.0.0.1:{port}" for (port,) in fixture.said("udp")}
    assert ports <= {row["local"] for row in told["top"]}, told["top"]


def check_figures(fixture: Stopped) -> None:
    """Resident memory, descriptors, by /proc from outside, right after."""
    folder = capture(fixture, "figures")
    told = facts(folder)
    proc = Path(f"/proc/{fixture.pid}")
    resident = sum(int(line.split()[1]) for line in (proc / "smaps").read_text().splitlines()
                   if line.startswith("Rss:")) * 1024
    assert abs(told["resident"] - resident) < 256 << 10, (told["resident"], resident)
    assert told["descriptors"] == len(list((proc / "fd").iterdir()))
    assert told["threads"] == 2 and told["page_tables"] > 0
    meminfo = dict(re.findall(r"^(\w+):\s+(\d+) kB", (folder / "meminfo").read_text(), re.MULTILINE))
    assert told["machine"]["available"] == int(meminfo["MemAvailable"]) * 1024
    assert told["machine"]["slab_unreclaimable"] == int(meminfo["SUnreclaim"]) * 1024
    if told["cgroup"]["path"] is not None:
        assert told["cgroup"]["used"] is not None, told["cgroup"]


def check_diff(fixture: Stopped) -> None:
    """What grew is in no mapping, and diff says where it is."""
    before = capture(fixture, "before")
    first = int(fixture.command("m")[1])
    send(fixture, 400)
    after = capture(fixture, "after")
    second = int(fixture.command("m")[1])
    assert second - first > 1 << 20, "too little arrived"
    result = succeed("diff", before, after)
    text = " ".join(result.out.split())
    assert re.search(r"heap \+0 B; 8 UDP and 1 TCP sockets hold \S+ MiB unread, \S+ MiB more than before: kernel memory, "
                     r"not this heap", text), result.out
    assert "resident memory" in text and "malloc's accounting" in text, result.out
    report = report_of(succeed("diff", before, after, "--json"))
    told = [one for one in report["sentences"] if one["name"] == "sockets"]
    assert len(told) == 1 and told[0]["kind"] == "not-heap" and told[0]["bytes"] == second - first, (told, first, second)
    assert told[0]["confidence"] == "certain" and told[0]["command"] is None, told
    assert all(row["name"] != "sockets" for row in report["attribution"]), "it is in none of the process's mappings"
    grown = [report["side_facts"][name]["sockets"]["unread"] for name in "ab"]
    assert grown[1] - grown[0] == second - first
    # The core by its own name is the same.
    by_name = report_of(succeed("diff", before / f"core.{fixture.pid}", after / f"core.{fixture.pid}", "--json"))
    assert by_name["side_facts"] == report["side_facts"]


def check_without_facts(fixture: Stopped) -> None:
    folder = capture(fixture, "without")
    core = folder / f"core.{fixture.pid}"
    lonely = fixture.folder / core.name
    os.link(core, lonely)
    said = "not in a core: the kernel's memory (sockets' queues), what was resident; heapcore capture takes them"
    assert said in re.sub(r"\s+", " ", succeed("diff", lonely, lonely).out)
    assert report_of(succeed("diff", lonely, lonely, "--json"))["side_facts"] is None
    # Another core that lies in the folder of a capture has nothing to do with it.
    stranger = folder / "other.core"
    os.link(core, stranger)
    assert report_of(succeed("diff", stranger, stranger, "--json"))["side_facts"] is None


def check_damage(fixture: Stopped) -> None:
    """Whatever the files hold: no crash, and unknown is null."""
    folder = capture(fixture, "damage")
    names = ("smaps", "pages", "status", "meminfo", "sockstat", "descriptors", "sockets", "cgroup")
    smaps = (folder / "smaps").read_bytes()
    for content in (b"", b"\xff\x00\x1b[31m\n", b"UDP 1 2 99999999999999999999 - - \x1b[1m\xff \\\n" * 3, b"# \n:\n# x\n",
                    b"UDP: mem 99999999999999999999\nSlab: 99999999999999999999 kB\nVmPTE: -1\n", smaps[:-20] * 2):
        for name in names:
            (folder / name).write_bytes(content)
        report_of(succeed("diff", folder, folder, "--json"))
        assert "\x1b" not in succeed("diff", folder, folder, "-v").out
    for name in names:
        (folder / name).unlink()
    os.mkfifo(folder / "pages")  # nobody writes to it
    told = [one for one in report_of(succeed("analyze", folder, "--json"))["diagnostics"]
            if one["id"] == "resident-pages-not-read"]
    assert len(told) == 1 and "not a regular file" in told[0]["example"], told
    told = facts(folder)
    assert told["resident"] is None and told["sockets"]["unread"] is None and told["machine"]["slab"] is None, told
    (folder / "capture.ini").write_text("[capture]\nformat=99\ncore=x\n")
    assert report_of(succeed("diff", folder, folder, "--json"))["side_facts"] is None


# ---- refusals -------------------------------------------------------------------------------------------------------


def refused(*arguments: object, status: int = 2) -> str:
    result = heapcore("capture", *map(str, arguments))
    assert result.status == status and result.err.strip() and not result.out, result
    return result.err


def check_usage() -> None:
    with Workspace() as folder:
        for arguments in ((), ("1",), ("x", "-o", folder / "a"), ("0", "-o", folder / "a"), ("-1", "-o", folder / "a"),
                          ("1", "2", "-o", folder / "a"), ("1", "-o", "")):
            refused(*arguments, status=64)
        ended = subprocess.Popen(["true"])
        ended.wait()
        assert "no process" in refused(ended.pid, "-o", folder / "a")
        zombie = subprocess.Popen(["true"])
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        assert "zombie" in refused(zombie.pid, "-o", folder / "a")
        zombie.wait()
        assert not list(folder.iterdir()), "a refusal leaves nothing behind"


def check_folder(fixture: Stopped) -> None:
    with Workspace() as folder:
        (folder / "mine").write_text("x")
        assert "not empty" in refused(fixture.pid, "-o", folder)
        assert (folder / "mine").read_text() == "x" and len(list(folder.iterdir())) == 1
        assert "cannot make" in refused(fixture.pid, "-o", folder / "no" / "such")
        (folder / "empty").mkdir()
        succeed("capture", str(fixture.pid), "-o", folder / "empty")
        assert (folder / "empty" / "capture.ini").exists()
        if not os.geteuid():
            (folder / "theirs").mkdir()
            os.chown(folder / "theirs", 54321, 54321)
            assert "belongs to another user" in refused(fixture.pid, "-o", folder / "theirs")
            assert "belongs to another user" in refused(fixture.pid, "-o", folder / "theirs", "--force")
    check_runs(fixture)


def check_traced(fixture: Stopped) -> None:
    """gdb has it: that is said, and by whom."""
    gdb = subprocess.Popen(["gdb", "--nx", "--batch", "-ex", f"attach {fixture.pid}", "-ex", "shell echo attached",
                            "-ex", "shell sleep 30"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                           stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        while "attached\n" != gdb.stdout.readline():
            assert gdb.poll() is None, "gdb ended"
        assert f"traced by process {gdb.pid}" in refused(fixture.pid, "-o", fixture.folder / "traced")
    finally:
        os.killpg(gdb.pid, signal.SIGKILL)
        gdb.wait()
        gdb.stdout.close()
    check_runs(fixture)


def check_denied(fixture: Stopped) -> None:
    """Somebody else's process."""
    if os.geteuid():
        raise Skipped("only root can become somebody else")
    with Workspace() as folder:
        folder.chmod(0o777)
        done = subprocess.run([sys.executable, "-c", "import os, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534);"
                               "os.execv(sys.argv[1], sys.argv[1:])", HEAPCORE, "capture", str(fixture.pid), "-o",
                               str(folder / "a")], capture_output=True, text=True)
        if "Permission denied" in done.stderr and "heapcore:" not in done.stderr:
            raise Skipped("nobody may not run the program from the build folder")
        assert done.returncode == 2 and "not yours but root's" in done.stderr and "sudo" in done.stderr, done
        assert not list(folder.iterdir())
    check_runs(fixture)


def check_no_room(fixture: Stopped) -> None:
    """A file system of 80 MiB, of which 64 are to stay free, and a process of more than 16."""
    with Workspace() as folder:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "heapcore-test", str(folder)],
                              capture_output=True, text=True)
        if done.returncode:
            raise Skipped(f"cannot mount: {done.stderr.strip()}")
        try:
            said = refused(fixture.pid, "-o", folder / "a")
            assert "would not fit" in said and "80.0 MiB free" in said and "64.0 MiB" in said, said
            assert not list(folder.iterdir())
        finally:
            subprocess.run(["umount", str(folder)], check=True)
    check_runs(fixture)


# ---- interruptions --------------------------------------------------------------------------------------------------


def signal_to(fixture: Stopped, number: int, folder: Path, *options: str, ignored: bool = False) -> subprocess.Popen[str]:
    """A capture to which the signal was sent as soon as its core was there."""
    process = subprocess.Popen([HEAPCORE, "capture", str(fixture.pid), "-o", str(folder), *options], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True,
                               preexec_fn=(lambda: signal.signal(number, signal.SIG_IGN)) if ignored else None)
    while not list(folder.parent.glob(f"{folder.name}.new-*/core.*")) and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(number)
    return process


def interrupt(fixture: Stopped, number: int, folder: Path) -> Optional[int]:
    """The status of a capture that gets the signal, or None if it was faster."""
    process = signal_to(fixture, number, folder)
    process.communicate()
    return None if process.returncode == 0 else process.returncode


def wait_for_guardian(fixture: Stopped) -> None:
    """Who cleans up after a capture that was killed traces the process for a moment (src/capture/guardian.c)."""
    status = Path(f"/proc/{fixture.pid}/status")
    for _ in range(1000):
        if "TracerPid:\t0\n" in status.read_text():
            return
        time.sleep(0.01)
    raise AssertionError("the process is traced for ten seconds after the capture was killed")


def check_interrupted(fixture: Stopped, number: int) -> None:
    for attempt in range(5):
        folder = fixture.folder / f"interrupted-{number}-{attempt}"
        status = interrupt(fixture, number, folder)
        if number == signal.SIGKILL:
            wait_for_guardian(fixture)
        check_runs(fixture)
        if status is None or (folder / "capture.ini").exists():  # it was done when the signal came
            continue
        assert status == -number, f"status {status}"
        assert not folder.exists(), f"left behind: {list(folder.iterdir())}"
        if number != signal.SIGKILL:
            assert not list(folder.parent.glob(f"{folder.name}*")), list(folder.parent.iterdir())
        return
    raise Skipped("the capture was faster than the signal")


def check_suspended(fixture: Stopped) -> None:
    """Ctrl-Z waits until the process goes on; what is ignored (nohup) does not end it."""
    process = signal_to(fixture, signal.SIGTSTP, fixture.folder / "suspended", "--stop")
    check_runs(fixture)
    process.send_signal(signal.SIGCONT)
    said = process.communicate()[1]
    assert process.returncode == 0 and (fixture.folder / "suspended" / "capture.ini").exists(), said
    process = signal_to(fixture, signal.SIGHUP, fixture.folder / "ignored", ignored=True)
    said = process.communicate()[1]
    assert process.returncode == 0 and (fixture.folder / "ignored" / "capture.ini").exists(), said


def check_stays_stopped() -> None:
    """Who was stopped by job control before is so afterwards."""
    with Stopped("sockets", recorder=False) as fixture:
        os.kill(fixture.pid, signal.SIGSTOP)
        status = Path(f"/proc/{fixture.pid}/status")
        while "State:\tT" not in status.read_text():
            time.sleep(0.01)
        capture(fixture)
        assert "State:\tT" in status.read_text(), status.read_text()
        os.kill(fixture.pid, signal.SIGCONT)
        check_runs(fixture)


def check_resident(state: str) -> None:
    """What the process gave back, or never touched, is not resident after a capture either, and the capture says what
    /proc said before it."""
    with Stopped("retained", (state,)) as fixture:
        before = fixture.rss_of(0, 1 << 63)
        folder = capture(fixture)
        after = fixture.rss_of(0, 1 << 63)
        told = facts(folder)["resident"]
    assert abs(after - before) <= RESIDENT_TOLERANCE, f"resident: {before} bytes before the capture, {after} after it"
    assert abs(told - before) <= RESIDENT_TOLERANCE, f"resident: {before} bytes before the capture, which says {told}"


cases = Cases(__doc__)
cases.run("a main thread that ended", check_headless)
for words in (("churn", "3000"), ("threads",), ("mapped",)):
    cases.run(f"heap: {words[0]}", check_heap, *words)
cases.run("usage", check_usage)
for state in ("trimmed", "untouched", "touched"):
    cases.run(f"resident: {state}", check_resident, state)
cases.run("stays stopped", check_stays_stopped)


def run_on_sockets() -> None:
    with Stopped("sockets", recorder=False) as fixture:
        for function in (check_files, check_report, check_sockets, check_figures, check_diff, check_without_facts,
                         check_damage, check_folder, check_traced, check_denied):
            cases.run(function.__name__.replace("check_", "").replace("_", " "), function, fixture)
    with Stopped("sockets", ("300",), recorder=False) as fixture:
        cases.run("no room", check_no_room, fixture)
        cases.run("suspended", check_suspended, fixture)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM, signal.SIGKILL):
            cases.run(f"interrupted by {number.name}", check_interrupted, fixture, number)


if not cases.options.list:
    run_on_sockets()
cases.finish()
