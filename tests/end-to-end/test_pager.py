#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pager: on a terminal text goes through it, and nothing else does; less is left as one leaves it, and Ctrl-C is its own."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import termios
import time
from pathlib import Path
from typing import Optional

from harness import HEAPCORE, Cases, Skipped, Stopped, succeed

PATIENCE = 120.0
MARK = "sed s/^/PAGED:/"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]")


class Terminal:
    """heapcore on a terminal of its own."""

    def __init__(self, *arguments: object, environment: Optional[dict[str, str]] = None, rows: int = 24, columns: int = 90) -> None:
        own = {key: value for key, value in os.environ.items() if key not in ("PAGER", "HEAPCORE_PAGER", "LESS", "NO_COLOR")}
        self.pid, self.terminal = pty.fork()
        if not self.pid:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(HEAPCORE, [HEAPCORE, *map(str, arguments)], {**own, "TERM": "xterm", **(environment or {})})
        self.seen = ""
        self.status: Optional[int] = None

    def read(self, seconds: float) -> bool:
        """FALSE: it is at its end."""
        if not select.select([self.terminal], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self.terminal, 65536)
        except OSError:  # nobody has the other side any more
            piece = b""
        self.seen += piece.decode(errors="replace").replace("\r\n", "\n")
        return bool(piece)

    def wait_for(self, what: str) -> None:
        until = time.monotonic() + PATIENCE
        while what not in self.seen:
            assert self.read(1) and time.monotonic() < until, f"{what!r} is not seen in {self.seen[-600:]!r}"

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def end(self) -> int:
        """Its exit status, once it has ended by itself."""
        until = time.monotonic() + PATIENCE
        while self.read(1):
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError(f"it does not end: {self.seen[-600:]!r}")
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.terminal)
        return self.status

    @property
    def lines(self) -> list[str]:
        return ESCAPES.sub("", self.seen).splitlines()


def check_goes_through(core: Path) -> None:
    plain = succeed("arenas", core, "--width", "90").out.splitlines()
    for name in "HEAPCORE_PAGER", "PAGER":
        terminal = Terminal("arenas", core, environment={name: MARK})
        assert terminal.end() == 0
        assert terminal.lines == [f"PAGED:{line}" for line in plain], terminal.seen
    terminal = Terminal("arenas", core, environment={"PAGER": "false", "HEAPCORE_PAGER": MARK})
    assert terminal.end() == 0 and terminal.lines[0].startswith("PAGED:")


def check_does_not(core: Path) -> None:
    for arguments, environment in ((["--no-pager"], {"PAGER": MARK}), (["--json"], {"PAGER": MARK}), ([], {"PAGER": ""}), ([], {"PAGER": "cat"}),
                                   ([], {"PAGER": MARK, "HEAPCORE_PAGER": ""}), ([], {"PAGER": MARK, "TERM": "dumb"}), (["--help"], {"PAGER": MARK})):
        terminal = Terminal("arenas", core, *arguments, environment=environment)
        assert terminal.end() == 0 and terminal.lines and "PAGED:" not in terminal.seen, (arguments, environment, terminal.seen)
    assert "PAGED:" not in succeed("arenas", core).out  # no terminal


def check_looks(core: Path) -> None:
    """Colours and width are those of the terminal."""
    terminal = Terminal("analyze", core, environment={"PAGER": MARK}, columns=78)
    assert terminal.end() == 0 and "\x1b[1m" in terminal.seen
    assert terminal.lines == [f"PAGED:{line}" for line in succeed("analyze", core, "--width", "78").out.splitlines()]


def check_nothing_written(core: Path) -> None:
    """No text, no pager: and the status is heapcore's."""
    terminal = Terminal("analyze", f"{core}.none", environment={"PAGER": MARK})
    assert terminal.end() == 2 and "PAGED:" not in terminal.seen and "heapcore:" in terminal.seen
    terminal = Terminal("analyze", core, "--fail-on", "mapped-bytes>0", environment={"PAGER": MARK})
    assert terminal.end() == 1 and "PAGED:" in terminal.seen


def check_less(core: Path) -> None:
    if not shutil.which("less"):
        raise Skipped("less is not installed")
    short = Terminal("arenas", core, rows=50)
    assert short.end() == 0 and "ARENA" in short.seen, "less ends by itself where all is on one screen"
    long = Terminal("mappings", core, rows=10)
    long.wait_for(":")
    for _ in range(20):
        long.read(0.1)
    assert os.waitpid(long.pid, os.WNOHANG) == (0, 0) and len(long.lines) < 15
    long.type("\x03")  # Ctrl-C
    for _ in range(10):
        long.read(0.1)
    assert os.waitpid(long.pid, os.WNOHANG) == (0, 0), "Ctrl-C ends heapcore, and leaves less behind"
    long.type("q")
    assert long.end() == 0, long.status
    everything = Terminal("chunks", core, "--limit", "0", rows=10)
    everything.wait_for(":")
    everything.type("q")  # before all of it is written
    assert everything.end() == 0, everything.status


cases = Cases(__doc__)
if not cases.options.list:
    with Stopped("churn", ("3000",)) as fixture:
        dump = fixture.gcore()
        cases.run("text goes through it", check_goes_through, dump)
        cases.run("what does not", check_does_not, dump)
        cases.run("colours and width", check_looks, dump)
        cases.run("nothing to show", check_nothing_written, dump)
        cases.run("less", check_less, dump)
cases.finish()
