#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line: statuses are as promised, filters filter, nothing from the dump
reaches the terminal unescaped."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Callable

from elfcore import Core
from harness import (Cases, Chunk, HEAPCORE, SOURCE, Stopped, Workspace, analyze, check_json, chunk_of, chunks, few,
                     fixture_path, heapcore, report_of, succeed)

COMMANDS = ("analyze", "diff", "capture", "snapshot", "watch", "arenas", "chunks", "leaks", "containers", "show", "owners", "types", "duplicates", "check", "abi", "pins",
            "block", "path", "roots", "mappings", "threads", "export")


# ---- help -----------------------------------------------------------------------------------------------------------


def check_help() -> None:
    text = succeed("--help").out
    for command in COMMANDS:
        assert re.search(rf"^\s+{command}\b", text, re.MULTILINE), f"--help does not list {command!r}:\n{text}"
        own = succeed(command, "--help")
        assert own.out.strip() and not own.err, own
        assert command in own.out, own


def check_version() -> None:
    """The program's, and that of each library as the name of its file tells it."""
    text = succeed("--version").out
    assert re.match(r"heapcore \d+\.\d+", text), text
    program = HEAPCORE if Path(HEAPCORE).read_bytes()[:4] == b"\x7fELF" else str(Path(HEAPCORE).parent / ".libs" / "libheapcore.so")
    loaded = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    files = [Path(path).resolve().name for path in re.findall(r"=> (/\S+)", loaded)]
    told = dict(one.split(" ") for one in re.search(r"^Libraries: (.*)$", text, re.MULTILINE).group(1).split(", "))
    assert {"GLib", "elfutils", "jansson", "libzstd", "capstone", "SQLite", "ncurses"} <= told.keys(), text
    # Files of these are not named by their whole version; by pkg-config they are.
    for name, module in (("capstone", "capstone"), ("SQLite", "sqlite3"), ("ncurses", "ncursesw")):
        version = subprocess.run(["pkg-config", "--modversion", module], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        assert version.startswith(told[name]) or told[name].startswith(version), f"{name}: {told[name]}, but {version}"
    patterns = {"GLib": r"libglib-2\.0\.so\.0\.(\d\d)00(\.\d+)", "elfutils": r"libdw-(.+)\.so", "jansson": r"libjansson\.so\.4(\.\d+)\.\d+",
                "zlib": r"libz\.so\.(.+)", **{name: rf"{name}\.so\.(.+)" for name in ("libzstd", "liblz4", "liblzma")}}
    for name in told.keys() & patterns.keys():
        versions = ["".join(found.groups()) for file in files if (found := re.fullmatch(patterns[name], file))]
        assert versions and told[name].endswith(versions[0]), f"{name}: {told[name]}, but {files}"


def check_one_version() -> None:
    """The same version wherever it is written."""
    version = succeed("--version").out.split()[1]
    for file, pattern in (("configure.ac", r"AC_INIT\(\[heapcore\], \[(.*?)\]\)"), ("NEWS", r"\Aheapcore (\S+) \("),
                          ("debian/changelog", r"\Aheapcore \((\S+)-\d+\)"), ("packaging/heapcore.spec", r"(?m)^Version: +(\S+)$"),
                          ("packaging/heapcore.spec", r"(?m)^%changelog\n.* - (\S+)-\d+$")):
        found = re.search(pattern, (SOURCE / file).read_text(encoding="utf-8"))
        assert found and found.group(1) == version, f"{file}: {found}, not {version}"


def check_one_list() -> None:
    """What configure needs is installed wherever something is built."""
    configure = (SOURCE / "configure.ac").read_text(encoding="utf-8")
    needed = set(re.findall(r"(?:missing|without)=\"\$\w+ (\S+)\"", configure)) | set(re.findall(r"HC_COMPRESSION\(.*, \[(\S+)\]\)", configure))
    needed -= {"pkg-config", "$3"}
    assert {"libdw-dev", "libglib2.0-dev", "liblz4-dev"} <= needed, needed
    for file in ("bootstrap", "debian/control", "packaging/Containerfile"):
        missing = {name for name in needed if not re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", (SOURCE / file).read_text(encoding="utf-8"))}
        assert not missing, f"{file} lacks {missing}"
    modules = set(re.findall(r"PKG_CHECK_MODULES\(\[\w+\], \[([\w.+-]+) >=", configure)) | set(re.findall(r"HC_COMPRESSION\(\[\w+\], \[(\w+)\]", configure))
    missing = {name for name in modules if f"pkgconfig({name})" not in (SOURCE / "packaging/heapcore.spec").read_text(encoding="utf-8")}
    assert "libdw" in modules and not missing, f"packaging/heapcore.spec lacks {missing}"


# ---- statuses -------------------------------------------------------------------------------------------------------


def check_usage_error(*arguments: str) -> None:
    result = heapcore(*arguments)
    assert result.status == 64, f"expected status 64: {result}"
    assert result.err.strip(), f"no message: {result}"
    assert not result.out, f"a usage error writes nothing to stdout: {result}"


USAGE_ERRORS = [
    (), ("no-such-command",), ("--no-such-option",), ("analyze",), ("analyze", "--no-such-option", "CORE"),
    ("analyze", "CORE", "BIN", "more"), ("diff",), ("diff", "CORE"), ("diff", *["CORE"] * 65), ("diff", *["CORE"] * 66),
    ("diff", "A", "B", "--fail-on", "container:a.b"), ("diff", "A", "B", "--fail-on", "unknown>0"),
    ("snapshot",), ("snapshot", "CORE"), ("snapshot", "CORE", "-o", ""), ("snapshot", "A", "B", "-o", "FILE"),
    ("snapshot", "CORE", "BIN", "more", "-o", "FILE"),
    ("chunks", "CORE", "--state", "no such state"), ("chunks", "CORE", "--limit", "many"),
    ("chunks", "CORE", "--arena", "x"), ("chunks", "CORE", "--min", "-5"), ("block", "CORE"),
    ("block", "CORE", "no address"), ("analyze", "CORE", "--fail-on", "nothing known>0"),
    ("leaks",), ("leaks", "CORE", "--group-by", "colour"), ("leaks", "CORE", "--limit", "some"),
    ("types", "CORE", "--sort", "size"), ("types", "CORE", "--instances", "T", "--sort", "age"),
    ("types", "CORE", "--instances", "T", "--limit", "few"), ("duplicates", "CORE", "--min", "small"),
    ("duplicates", "CORE", "--limit", "few"), ("check", "CORE", "--limit", "few"),
    ("analyze", "CORE", "--fail-on", "leaked"), ("analyze", "CORE", "--fail-on", "leaked>many"),
]


def check_usage_escaped() -> None:
    """What was typed, or pasted, moves no cursor."""
    for arguments in (["chunks", "C", "--limit", "\x1b[31m"], ["analyze", "C", "--fail-on", "\x1b]0;x\x07"], ["analyze", "--\x1b[2J"],
                      ["\x1b[31m"], ["--\x1b[31m"], ["capture", "\x9b31m", "-o", "x"]):
        done = subprocess.run([HEAPCORE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        assert done.returncode == 64, done
        assert not re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.stderr.decode()), done.stderr


def check_fail_on(core: Path, lost: int, lost_bytes: int) -> None:
    for condition, status in ((f"leaked>{lost}", 0), (f"leaked>{lost - 1}", 1), ("leaked>0", 1),
                              (f"leaked-bytes>{lost_bytes}", 0), (f"leaked-bytes>{lost_bytes - 1}", 1),
                              ("leaked-bytes>10M", 0), ("leaked-bytes>1K", 1)):
        result = heapcore("analyze", core, "--fail-on", condition)
        assert result.status == status, f"{condition}, {lost} blocks of {lost_bytes} bytes are lost: {result}"
        assert result.out.strip(), f"the report is missing: {result}"
    result = heapcore("analyze", core, "--fail-on", "leaked>0", "--json")
    assert result.status == 1 and report_of(result)["status"] == "complete", result


def check_fail_on_nothing(core: Path) -> None:
    assert heapcore("analyze", core, "--fail-on", "leaked>0").status == 0


# ---- reports --------------------------------------------------------------------------------------------------------


def check_json_everywhere(core: Path) -> None:
    address = hex(chunks(core, "--state", "in use")[0].address)
    for arguments in (("analyze", core), ("arenas", core), ("mappings", core), ("threads", core),
                      ("block", core, address), ("path", core, address), ("roots", core), ("diff", core, core),
                      ("snapshot", core, "-o", core.with_suffix(".snap"))):
        report = report_of(succeed(*arguments, "--json"))
        assert report["command"] == arguments[0] and report["schema"] >= 1 and report["heapcore"], report.keys()
        wrong = [one for one in addresses_in(report) if not re.fullmatch(r"0x[0-9a-f]+", one)]
        assert not wrong, f"{arguments[0]}: addresses that are not \"0x...\": {wrong[:5]}"


def addresses_in(value: Any, key: str = "") -> list[str]:
    if isinstance(value, dict):
        return [one for name, item in value.items() for one in addresses_in(item, name)]
    if isinstance(value, list):
        return [one for item in value for one in addresses_in(item, key)]
    return [str(value)] if key in ("address", "start", "end", "from", "to") and value is not None else []


def check_agreement(core: Path) -> None:
    """The same thing told by two commands is the same."""
    report = analyze(core)
    assert report_of(succeed("arenas", core, "--json"))["arenas"] == report["arenas"]
    threads = report_of(succeed("threads", core, "--json"))["threads"]
    assert len(threads) == report["process"]["threads"] == Core(core).threads
    mappings = report_of(succeed("mappings", core, "--json"))
    assert mappings["total"] == report["memory"]["total"]
    told = sum(int(one["end"], 16) - int(one["start"], 16) for one in mappings["mappings"])
    assert told == report["memory"]["total"], f"mappings make {told}, the total is {report['memory']['total']}"


def check_binary_is_optional(core: Path, program: Path) -> None:
    with_it, without = analyze(core, program), analyze(core)
    for report in (with_it, without):
        del report["timings"]
    assert with_it["memory"] == without["memory"] and with_it["references"] == without["references"]


def listed(core: Path, *arguments: str) -> list[Chunk]:
    return [chunk_of(json.loads(line)) for line in succeed("chunks", core, "--json", *arguments).out.splitlines()]


def check_filters(core: Path) -> None:
    everything = chunks(core)
    assert everything
    states = sorted({chunk.state for chunk in everything})
    assert len(states) >= 5, states
    filters: list[tuple[list[str], Callable[[Chunk], bool]]] = [
        (["--min", "1000"], lambda chunk: chunk.size >= 1000),
        (["--max", "1000"], lambda chunk: chunk.size <= 1000),
        (["--min", "24", "--max", "24"], lambda chunk: chunk.size == 24),
        (["--min", "4K"], lambda chunk: chunk.size >= 4096),
        (["--arena", "0"], lambda chunk: chunk.arena == 0),
        (["--state", "in use", "--min", "100", "--arena", "0"],
         lambda chunk: chunk.state == "in use" and chunk.size >= 100 and chunk.arena == 0),
    ]
    filters += [(["--state", state], lambda chunk, state=state: chunk.state == state) for state in states]
    for arguments, wanted in filters:
        told = listed(core, "--limit", "0", *arguments)
        expected = [chunk for chunk in everything if wanted(chunk)]
        assert sorted(told, key=lambda chunk: chunk.address) == expected, \
            f"{arguments}: {len(told)} listed, {len(expected)} expected:{few(set(told) ^ set(expected))}"
    for limit in (1, 7):
        assert len(listed(core, "--limit", str(limit))) == limit


def check_block(core: Path) -> None:
    for chunk in chunks(core)[:200:20]:
        for inside in (0, 1, chunk.size - 1):
            report = report_of(succeed("block", core, hex(chunk.address + inside), "--json"))
            told = report["block"]
            assert told is not None, f"{chunk}, {inside} bytes inside: no block"
            assert chunk_of(told) == chunk, f"{chunk}, {inside} bytes inside: {told}"
    result = heapcore("block", core, "0x10")
    assert result.status == 2 and "0x10" in result.err, f"nothing is mapped there: {result}"


def check_text(core: Path, fixture: Stopped) -> None:
    """The first screen has what a person looks for, and no escape sequences where there is no terminal."""
    result = succeed("analyze", core)
    for word in (fixture.program.name, str(fixture.pid), "gcore", "glibc", "debug info", "mapped"):
        assert word in result.out, f"{word!r} is not on the first screen:\n{result.out}"
    assert "\x1b" not in result.out and not result.err, result


def check_bytes(core: Path) -> None:
    """--bytes: each row of the memory table has the bytes that the JSON has."""
    told = {row["name"]: row["bytes"] for row in analyze(core)["memory"]["rows"] if row["bytes"]}
    table = succeed("analyze", core, "--bytes", "--width", "200", "-v").out.split("WHERE THE MEMORY IS")[1].split("mapped address space")[0]
    for name, size in told.items():
        line = next((line for line in table.splitlines() if line.startswith(name)), "")
        assert f" {size:,} " in f"{line[len(name):]} ", f"{name}: {size:,} is not in {line!r}"
    assert report_of(succeed("analyze", core, "--bytes", "--json"))["memory"] == analyze(core)["memory"]


def check_width(core: Path) -> None:
    """--width: what can be wrapped is, and what is wide has room; 60 is the least."""
    for width in 60, 90, 200:
        words = [line for line in succeed("analyze", core, "--width", width).out.splitlines() if not line.strip().startswith("heapcore ")]
        assert max(map(len, words)) <= width or width == 60, f"--width {width}: {max(words, key=len)!r}"
    assert max(map(len, succeed("analyze", core, "--width", "200").out.splitlines())) > 100
    assert succeed("analyze", core, "--width", "1").out == succeed("analyze", core, "--width", "60").out


def check_clean(*arguments: object) -> None:
    """Whatever a core holds: the command writes UTF-8 without control characters, and JSON that can be read."""
    done = subprocess.run([HEAPCORE, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done
    written = (done.stdout + done.stderr).decode()  # raises if it is not UTF-8
    controls = set(re.findall(r"[\x00-\x09\x0b-\x1f\x7f]", written))
    assert not controls, f"{arguments} wrote control characters: {controls}"
    check_json([str(argument) for argument in arguments], done.stdout.decode())


def check_hostile_name() -> None:
    """A program's name, and its arguments, may hold anything: escape sequences, bytes that are not UTF-8."""
    with Workspace() as folder:
        name = b"ev\x1b[31mil\xff\"<b>\n"
        program = os.path.join(os.fsencode(folder), name)
        shutil.copy(fixture_path("retained"), os.fsdecode(program))
        with Stopped(os.fsdecode(program), ("x\x1b]0;title\x07",), recorder=False) as fixture:
            core = fixture.gcore()
            for command in ("analyze", "mappings", "threads", "arenas"):
                check_clean(command, core)
                check_clean(command, core, "--json")


def check_closed_pipe(core: Path) -> None:
    """`heapcore chunks ... | head -1` ends quietly."""
    done = subprocess.run(["sh", "-c", '"$0" chunks "$1" --limit 0 | head -n 1 >/dev/null', HEAPCORE, str(core)],
                          stderr=subprocess.PIPE, timeout=60)
    assert b"Sanitizer" not in done.stderr and b"CRITICAL" not in done.stderr, done.stderr


cases = Cases(__doc__)
cases.run("help", check_help)
cases.run("version", check_version)
cases.run("one version", check_one_version)
cases.run("one list of what is needed", check_one_list)
for words in USAGE_ERRORS:
    cases.run(f"usage: {' '.join(words) or 'nothing'}", check_usage_error, *words)


cases.run("usage: escaped", check_usage_escaped)


def run_on_cores() -> None:
    with Stopped("roots") as fixture:
        roots = fixture.gcore()
        lost = [words for words in fixture.said("total") if words[0] != "reachable"]
        cases.run("--fail-on", check_fail_on, roots, sum(int(words[1]) for words in lost),
                  sum(int(words[2]) for words in lost))
        cases.run("JSON of every command", check_json_everywhere, roots)
        cases.run("agreement of commands", check_agreement, roots)
        cases.run("binary is optional", check_binary_is_optional, roots, fixture.program)
        cases.run("first screen", check_text, roots, fixture)
        cases.run("--bytes", check_bytes, roots)
        cases.run("--width", check_width, roots)
    with Stopped("churn", ("3000",)) as fixture:
        churn = fixture.gcore()
        cases.run("--fail-on, nothing lost", check_fail_on_nothing, churn)
        cases.run("filters", check_filters, churn)
        cases.run("block", check_block, churn)
        cases.run("closed pipe", check_closed_pipe, churn)


if not cases.options.list:
    run_on_cores()
cases.run("hostile name", check_hostile_name)
cases.finish()
