#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""--no-content: no command tells anything of what a program full of secrets held, in text or JSON; without it, those that show content do."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

from harness import Cases, Stopped, few, heapcore, succeed

SECRET = "hunter2-Zq9x"  # as the fixture has it
VARIABLE = "SECRET_OF_THE_ENVIRONMENT"
# What each command that reads a core is run with besides; several runs where it shows different things.
RUNS: dict[str, list[list[str]]] = {
    "analyze": [[], ["--retained"]],
    "arenas": [[]],
    "chunks": [["--limit", "200"], ["--type", "Link", "--limit", "20"]],
    "leaks": [[], ["--addresses"], ["--group-by", "size"]],
    "containers": [[]],
    "owners": [[], ["g_links"]],
    "types": [[], ["--instances", "Link"], ["--instances", "std::string buffer"], ["--instances", "char []"]],
    "duplicates": [[]],
    "pins": [[]],
    "check": [[]],
    "export": [["--format", "folded"], ["--format", "csv", "--table", "lost"]],  # test_export.py has all formats
    "abi": [[]],
    "roots": [[]],
    "mappings": [[]],
    "threads": [[]],
}
SHOWS = {"analyze", "chunks", "leaks", "containers", "types", "duplicates", "show", "block", "diff"}  # content, if not told otherwise


def commands() -> list[str]:
    """Those with --no-content, by the program's own help."""
    names = [line.split()[0] for line in succeed("help").out.split("Commands:")[1].split("Options:")[0].splitlines() if line.strip()]
    return [name for name in names if "--no-content" in succeed(name, "--help").out]


def runs(fixture: Stopped, core: Path) -> Iterator[list[str]]:
    """Command lines, without --no-content, of all commands."""
    # browse needs a terminal: test_browse.py looks at it.
    known = {"browse", "show", "block", "path", "diff", "snapshot", "watch", *RUNS}
    assert set(commands()) == known, f"commands that this test does not know, or that have no such option: {set(commands()) ^ known}"
    program = str(fixture.program)
    for name, all_options in RUNS.items():
        yield from ([name, str(core), program, *options] for options in all_options)
    yield from (["show", str(core), program, " ".join(words)] for words in fixture.said("show"))
    for (address,) in fixture.said("holder"):
        yield ["block", str(core), program, address]
        yield ["path", str(core), program, address]
    yield ["diff", str(core), str(core), program]


def told(fixture: Stopped, text: str) -> list[str]:
    """The secrets in TEXT, as text, as digits of its bytes, or as a number of them in either order."""
    secret, number = fixture.said("secret")[0][0], fixture.said("number")[0][0]
    data = secret.encode()[:8]
    words = [secret, secret[:6], data.hex()[:12], data[::-1].hex()[4:], " ".join(f"{byte:02x}" for byte in data[:6]), number,
             hex(int(number)), str(int(number) & 0x7fffffff)]
    return [word for word in words if word in text]


def check_nothing(fixture: Stopped, core: Path) -> None:
    wrong: list[str] = []
    seen: set[str] = set()
    for line in runs(fixture, core):
        forms = [["--json"]] if line[0] in seen and line[0] not in RUNS else [["-v"], ["--json"]]
        if line[0] == "export":
            forms = [[]]
        seen.add(line[0])
        for options in forms:
            done = heapcore(*line, "--no-content", *options)
            assert done.status in (0, 3) or (done.status == 2 and line[0] == "path"), (line, done)
            found = told(fixture, done.out + done.err)
            if found:
                at = done.out.find(found[0])
                wrong.append(f"{' '.join([line[0], *line[3:], *options])}: {found} in ...{done.out[max(at - 120, 0):at + 60]!r}")
    assert not wrong, few(wrong)


def check_something(fixture: Stopped, core: Path) -> None:
    """The same command lines do tell it, so that the check above cannot pass for want of anything to tell."""
    telling: set[str] = set()
    for line in runs(fixture, core):
        for options in [], ["--json"]:
            if line[0] in SHOWS - telling and told(fixture, heapcore(*line, *options).out):
                telling.add(line[0])
    assert SHOWS == telling, f"not told without the option either: {SHOWS - telling}"


def check_files(fixture: Stopped, core: Path) -> None:
    """Snapshots, and what is read from them."""
    kept = fixture.folder / "kept.snapshot"
    for options, has_it in (["--no-content"], False), ([], True):
        succeed("snapshot", core, fixture.program, "--force", "-o", kept, *options)
        assert bool(told(fixture, kept.read_bytes().decode("latin-1"))) == has_it, f"snapshot {options}"
    done = succeed("diff", kept, kept, "--no-content", "--json")
    assert not told(fixture, done.out), "diff of a snapshot that has content"


def check_live(fixture: Stopped) -> None:
    kept = fixture.folder / "watched"
    done = heapcore("watch", str(fixture.pid), "--every", "1s", "--count", "2", "--no-content", "-o", kept)
    assert done.status in (0, 3), done
    assert not told(fixture, done.out + done.err), done
    files = list(kept.rglob("*.snapshot")) or [path for path in kept.rglob("*") if path.is_file()]
    assert files, "watch kept nothing"
    for path in files:
        assert not told(fixture, path.read_bytes().decode("latin-1")), path
    done = heapcore("analyze", "--pid", str(fixture.pid), "--json", "--no-content")
    assert done.status in (0, 3) and not told(fixture, done.out + done.err), done


cases = Cases(__doc__)
if not cases.options.list:
    with Stopped("secrets", [f"--password={SECRET}"], {VARIABLE: SECRET}) as secrets:
        dump = secrets.gcore()
        cases.run("nothing is told", check_nothing, secrets, dump)
        cases.run("something is told without", check_something, secrets, dump)
        cases.run("files", check_files, secrets, dump)
        cases.run("a live process", check_live, secrets)
cases.finish()
