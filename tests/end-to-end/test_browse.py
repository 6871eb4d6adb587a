#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`heapcore browse`, in a real terminal emulator (tmux): what it shows is what the reports say, wherever one goes."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Callable

from grown import Stops
from harness import HEAPCORE, Cases, Skipped, Stopped, Workspace, heapcore, need_captures, report_of, succeed

need_captures()

PATIENCE = 60
SIZE = re.compile(r"([\d.]+) (B|KiB|MiB|GiB)")
UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class Terminal:
    """A terminal in which heapcore runs, and then says its exit status."""

    def __init__(self, *words: Any, columns: int = 140, lines: int = 30, terminal: str = "") -> None:
        if shutil.which("tmux") is None:
            raise Skipped("tmux is not installed (Debian: apt-get install tmux)")
        self.workspace = Workspace()
        self.socket = self.workspace.path / "tmux"
        command = " ".join(shlex.quote(str(word)) for word in (HEAPCORE, *words))
        prefix = f"TERM={terminal} " if terminal else ""
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", lines,
                  f"{prefix}{command}; echo \"status $?\"; sleep {PATIENCE}")

    def tmux(self, *words: Any) -> str:
        done = subprocess.run(["tmux", "-S", str(self.socket), *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm"}, timeout=PATIENCE)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], stderr=subprocess.DEVNULL, check=False)
        self.workspace.remove()

    def lines(self) -> list[str]:
        return self.tmux("capture-pane", "-p").split("\n")

    def until(self, holds: Callable[[list[str]], bool]) -> list[str]:
        """The screen once that holds of it, twice in a row: it may be halfway drawn."""
        end, former = time.monotonic() + PATIENCE, None
        while True:
            lines = self.lines()
            if holds(lines) and lines == former:
                return lines
            assert time.monotonic() < end, "\n".join(lines)
            former = lines
            time.sleep(0.05)

    def shows(self, text: str) -> list[str]:
        return self.until(lambda lines: text in "\n".join(lines))

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-l", text)


def rows_of(lines: list[str]) -> list[str]:
    return [line for line in lines[2:-2] if re.match(r" *[\d.]+ (B|[KMG]iB) +[\d.]+%", line)]


def bytes_of(row: str) -> float:
    number, unit = SIZE.search(row).groups()
    return float(number) * UNITS[unit]


def is_about(told: float, truth: int) -> bool:
    return abs(told - truth) <= 0.051 * max(UNITS[unit] for unit in UNITS if UNITS[unit] <= max(truth, 1))


def top_level(report: dict[str, Any]) -> dict[str, int]:
    return {row["path"]: row["bytes"] for row in report["rows"] if row["level"] == 0}


def check_tree(stops: Stops) -> None:
    """Down to the map and back: names and bytes are those of `owners`, growth is what `diff` says."""
    before, after = stops.cores
    owners = report_of(succeed("owners", after, stops.program, "--json", "--min", "0", "--depth", "9"))
    largest = max((row for row in owners["rows"] if row["level"] == 0), key=lambda row: row["bytes"])
    grew = next(row for row in report_of(succeed("diff", before, after, stops.program, "--json"))["attribution"]
                if row["name"] == "g_registry->summaries_")
    with Terminal("browse", after, stops.program, "--against", before) as terminal:
        lines = terminal.shows("g_registry")
        assert f"{owners['in_use']['blocks']:,} blocks" in lines[0], lines[0]
        row = rows_of(lines)[0]
        assert "/g_registry" in row and is_about(bytes_of(row), largest["bytes"]) and f"{largest['blocks']:,}" in row, (row, largest)
        terminal.press("Enter")
        row = rows_of(terminal.shows("->summaries_"))[0]
        growth = re.search(r"\+([\d.]+) MiB", row)
        assert growth and is_about(float(growth.group(1)) * UNITS["MiB"], grew["bytes"]), (row, grew)
        terminal.press("BSpace")
        lines = terminal.shows("g_handlers")
        shown = {re.search(r"\] [/ ]([^,]*)", row).group(1).strip(): bytes_of(row) for row in rows_of(lines)}
        for path, size in top_level(owners).items():
            assert path not in shown or is_about(shown[path], size), (path, size, shown)
        assert sum(path in shown for path in top_level(owners)) >= 2, shown
        terminal.press("q")
        terminal.shows("status 0")


def check_keys(stops: Stops) -> None:
    """Search, sort, and the pages: each says what the command of that name does, of the right block."""
    before, after = stops.cores
    with Terminal("browse", after, stops.program, "--against", before) as terminal:
        terminal.shows("g_registry")
        terminal.press("/")
        terminal.shows("search:")
        terminal.type("buckets[3]")
        terminal.press("Enter")
        terminal.until(lambda lines: "summaries_[]" in lines[0])
        terminal.press("b")
        lines = terminal.shows("Blocks, the largest first")
        blocks = [line.split()[0] for line in lines if line.startswith("0x")]
        held = report_of(succeed("block", after, stops.program, blocks[1], "--json"))
        assert "buckets[3]" in str(held["owner"] if "owner" in held else held), held
        terminal.press("Down", "Down", "Enter")
        assert any(line.startswith(f"{blocks[1]} is a block in use") for line in terminal.shows("POINTED TO BY"))
        terminal.press("p")
        terminal.shows("The path from a root")
        path = succeed("path", after, stops.program, blocks[1]).out.splitlines()[0]
        assert path[:60] in "\n".join(terminal.lines()), path
        terminal.press("BSpace", "BSpace", "BSpace")
        terminal.until(lambda lines: "summaries_[]" in lines[0])
        terminal.press("c")
        terminal.until(lambda lines: "buckets[3]" in lines[0] or "is a block in use" in "\n".join(lines))
        terminal.press("BSpace", "d")
        terminal.shows("VERDICT")
        terminal.press("BSpace", "a")
        terminal.shows("WHERE THE MEMORY IS")
        terminal.press("/")
        terminal.shows("search:")
        terminal.type("findings")
        terminal.press("Enter")
        terminal.shows("FINDINGS")
        terminal.press("BSpace", "s")
        terminal.shows("(by retains)")
        terminal.press("s", "s", "s")
        terminal.shows("(by growth)")
        terminal.press("?")
        text = "\n".join(terminal.shows("The tree of owners"))
        for key in ("Enter", "Backspace", "s ", "/ ", "b ", "p ", "r ", "c ", "d ", "a ", "q "):
            assert f"  {key}" in text, key
        terminal.press("q")
        terminal.shows("status 0")


def check_sizes(stops: Stops) -> None:
    """Nothing breaks in a small terminal, nor if it changes its size."""
    with Terminal("browse", stops.cores[1], stops.program, columns=20, lines=4) as terminal:
        terminal.until(lambda lines: lines[0].startswith("all owners"))
        terminal.press("End", "Up", "?", "End", "BSpace", "Home")
        terminal.tmux("resize-window", "-x", 100, "-y", 20)
        terminal.shows("g_registry")
        terminal.tmux("resize-window", "-x", 1, "-y", 1)
        terminal.press("Enter", "b", "End", "Down")
        terminal.tmux("resize-window", "-x", 100, "-y", 20)
        terminal.shows("Blocks, the largest first")
        terminal.press("q")
        terminal.shows("status 0")


def check_without(stops: Stops) -> None:
    """What it needs, it says."""
    result = heapcore("browse", stops.cores[1])
    assert result.status == 2 and "needs a terminal" in result.err, result
    assert heapcore("browse", stops.cores[1], "--json").status == 64
    with Terminal("browse", stops.cores[1], terminal="unheard-of") as terminal:
        assert "TERM=unheard-of" in "\n".join(terminal.shows("status 2"))
    with Terminal("browse", stops.cores[1], stops.program) as terminal:
        terminal.shows("g_registry")
        terminal.press("d")
        terminal.shows("--against CORE")


def check_rights(stops: Stops) -> None:
    """Keys are taken, and a core is read, without the rights to do anything else: as every command (test_sandbox.py)."""
    if "seccomp filters" not in succeed("--version").out:
        raise Skipped("the kernel has no filters of system calls")
    with Terminal("browse", stops.cores[1], stops.program) as terminal:
        terminal.shows("g_registry")
        texts = [text for text in (read_if_there(folder / "cmdline").replace("\0", " ") + "\n" + read_if_there(folder / "status")
                                   for folder in Path("/proc").iterdir() if folder.name.isdigit())
                 if f" browse {stops.cores[1]}" in text.split("\n")[0] and "tmux" not in text.split("\n")[0]]
        status = [text for text in texts if "Seccomp:\t2" in text and "NoNewPrivs:\t1" in text]
        assert len(status) == 1, texts


def read_if_there(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def check_content() -> None:
    """With --no-content nothing that the process's memory holds is on any page; without it is."""
    with Stopped("secrets") as fixture:
        core, secret = fixture.gcore(), fixture.said("secret")[0][0]
        for options in ((), ("--no-content",)):
            seen = ""
            with Terminal("browse", core, fixture.program, *options, columns=200, lines=100) as terminal:
                terminal.shows("HOLDS")
                for key in ("c", "r", "b", "a"):
                    terminal.press(key)
                    seen += "\n".join(terminal.shows("line "))
                    terminal.press("BSpace")
                    seen += "\n".join(terminal.shows("HOLDS"))
                terminal.press("/")
                terminal.shows("search:")
                terminal.type(fixture.said("show")[0][0])
                terminal.press("Enter", "c")
                seen += "\n".join(terminal.shows("line "))
            assert (secret[:6] in seen) == (not options), (options, secret, seen)


def check_narrow(stops: Stops) -> None:
    """In 80 columns: where one is, the owner's column, how to get help and out; and no line of the help is cut."""
    _, after = stops.cores
    with Terminal("browse", after, stops.program, columns=80, lines=24) as terminal:
        lines = terminal.shows("OWNER (by holds)")
        assert "?: help  q: quit" in "\n".join(lines[-3:]), lines
        assert "[#" not in "\n".join(lines), lines
        assert "all owners" in lines[0], lines
        terminal.press("Enter")
        terminal.until(lambda now: "g_registry" in now[0] and "all owners" not in now[0])
        terminal.press("?")
        pages = [terminal.shows("Keys")]
        terminal.press("G")
        pages.append(terminal.until(lambda now: "since the core of --against." in "\n".join(now)))
        for page in pages:
            assert not [line for line in page[:-2] if len(line.rstrip()) >= 80], page
            assert "?: help  q: quit" in "\n".join(page[-3:]), page


cases = Cases(__doc__)
with Stops("stories/labels") as stopped:
    for name, case in {"tree": check_tree, "keys": check_keys, "sizes": check_sizes, "narrow": check_narrow, "without": check_without,
                       "rights": check_rights}.items():
        cases.run(name, case, stopped)
cases.run("content", check_content)
cases.finish()
