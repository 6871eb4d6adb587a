#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manual and the help say the same: a page for each command, with its summary, its usage, its options and no others, and its exit
statuses; and the pages are such as man, groff and mandoc want them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess

from harness import BUILD, Cases, Skipped, SOURCE, succeed

PAGES = BUILD / "docs" / "man"
# What options of other programs the pages name.
FOREIGN: set[str] = set()


# ---- the help -------------------------------------------------------------------------------------------------------


def commands() -> dict[str, str]:
    """Each command, in the order of the overview, with its summary."""
    listed = succeed("--help").out.split("Commands:\n")[1].split("\n\n")[0]
    return dict(line.split(maxsplit=1) for line in listed.splitlines())


def told_options(text: str) -> list[str]:
    """Each as it stands in a command's help: "-o, --output=DIR"."""
    return re.findall(r"^  ((?:-\w, )?--[a-z][a-z0-9-]*(?:=\S+)?)", text, re.MULTILINE)


def told_statuses(text: str) -> list[str]:
    told = re.search(r"^Exit status: (.*?)\.$", text, re.MULTILINE | re.DOTALL)
    return re.findall(r"(?:^|[,;] )\(?(\d+) ", told.group(1).replace("\n", " ")) if told else []


# ---- the manual -----------------------------------------------------------------------------------------------------


def plain(line: str) -> str:
    """A line of roff as it is read."""
    if re.match(r"\.(BR|BI|RB|IR|RI|IB) ", line):
        line = "".join(shlex.split(line.replace("\\", "\\\\"))[1:])
    elif re.match(r"\.[BI] ", line):
        line = line[3:]
    return re.sub(r"\\f.|\\&", "", line).replace("\\-", "-").replace("\\(aq", "'").replace(".\\|.\\|.", "...")


class Page:
    def __init__(self, name: str) -> None:
        self.path = PAGES / f"{name}.1"
        assert self.path.exists(), f"{name}(1) is missing"
        self.sections: dict[str, list[str]] = {}
        lines = self.sections.setdefault("", [])
        for line in self.path.read_text(encoding="utf-8").splitlines():
            if line.startswith(".SH "):
                lines = self.sections.setdefault(line[4:], [])
            elif not line.startswith('.\\"'):
                lines.append(line)

    def text(self, section: str) -> str:
        return " ".join(plain(line) for line in self.sections[section] if not line.startswith(".SS "))

    def tags(self, section: str) -> list[str]:
        """What stands over its paragraphs, those of lists in paragraphs left out."""
        tags, depth, lines = [], 0, self.sections[section]
        for number, line in enumerate(lines):
            depth += {".RS": 1, ".RE": -1}.get(line, 0)
            if line == ".TP" and depth == 0:
                tags.append(plain(lines[number + 1]))
        return tags

    def mentioned(self) -> set[str]:
        text = "\n".join(plain(line) for lines in self.sections.values() for line in lines)
        return set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", text))


def check_command(command: str, summary: str) -> None:
    page, text = Page(f"heapcore-{command}"), succeed(command, "--help").out
    assert page.text("NAME") == f"heapcore-{command} - {summary}", page.text("NAME")
    usage = text.split("Usage:\n")[1].split("\n\n")[0].strip()
    assert page.text("SYNOPSIS") == usage, f"{page.text('SYNOPSIS')!r}, in --help {usage!r}"
    own, told = page.tags("OPTIONS"), told_options(text)
    assert len(told) > 5, f"--help was not understood:\n{text}"
    assert sorted(own) == sorted(told), \
        f"only in the manual: {sorted(set(own) - set(told))}, only in --help: {sorted(set(told) - set(own))}, twice: " \
        f"{[one for one in own if own.count(one) > 1]}"
    statuses = told_statuses(text)
    assert page.tags("EXIT STATUS"), "no exit statuses"
    assert not statuses or page.tags("EXIT STATUS") == statuses, (page.tags("EXIT STATUS"), statuses)
    assert page.text("DESCRIPTION").strip() and "heapcore(1)" in page.text("SEE ALSO")


def check_pages() -> None:
    """No page of a command that is not there."""
    sources = {path.name[:-len(".1.in")] for path in (SOURCE / "docs" / "man").glob("*.1.in")}
    expected = {"heapcore", *(f"heapcore-{command}" for command in commands())}
    assert sources == expected, f"pages for nothing: {sources - expected}; missing: {expected - sources}"


def check_overview() -> None:
    """heapcore(1) lists all commands as --help does, the options that all have, all that most have, and the statuses."""
    page, helps = Page("heapcore"), {command: succeed(command, "--help").out for command in commands()}
    assert page.tags("COMMANDS") == [f"heapcore-{command}(1)" for command in commands()], page.tags("COMMANDS")
    for command, summary in commands().items():
        assert f"heapcore-{command}(1) {summary}" in page.text("COMMANDS"), command
    own = page.tags("OPTIONS")
    in_all = set.intersection(*(set(told_options(text)) for text in helps.values()))
    reading = {one for text in helps.values() if "--pid=PID" in text for one in told_options(text)
               if one.startswith(("--pid", "--coredump", "--no-content"))}
    assert set(own) == in_all | reading | {"--version", "-h, --help"}, set(own) ^ (in_all | reading)
    overview = succeed("--help").out
    assert {"-h, --help", "--version"} == set(told_options(overview)), told_options(overview)
    assert page.tags("EXIT STATUS") == told_statuses(overview), page.tags("EXIT STATUS")


def check_mentioned() -> None:
    """Texts name no option that does not exist, wherever they do."""
    known = {name for command in commands()
             for one in told_options(succeed(command, "--help").out) for name in re.findall(r"--[a-z0-9-]+", one)}
    for name in ("heapcore", *(f"heapcore-{command}" for command in commands())):
        wrong = Page(name).mentioned() - known - {"--version"} - FOREIGN
        assert not wrong, f"{name}(1) names {sorted(wrong)}"


def check_see_also() -> None:
    """References among the pages lead somewhere."""
    for name in ("heapcore", *(f"heapcore-{command}" for command in commands())):
        named = set(re.findall(r"\b(heapcore-[a-z]+)\(1\)", "\n".join(plain(line) for lines in Page(name).sections.values() for line in lines)))
        missing = {one for one in named if not (PAGES / f"{one}.1").exists()}
        assert not missing, f"{name}(1) refers to {missing}"


def check_assembled() -> None:
    """Every part is used, and nothing is left of what is put in."""
    folder = SOURCE / "docs" / "man"
    inserted = {name for path in folder.glob("*.1.in") for name in re.findall(r'^\.\\" INSERT (\S+)$', path.read_text(), re.MULTILINE)}
    parts = {path.stem for path in (folder / "parts").glob("*.man")}
    assert inserted == parts | {"commands"}, inserted ^ (parts | {"commands"})
    version = succeed("--version").out.splitlines()[0]
    for path in PAGES.glob("*.1"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"INSERT|@[A-Z]+@", text), f"{path.name}: something was not put in"
        assert f'"{version}"' in text.splitlines()[1], f"{path.name}: not of {version}"


def check_with(*command: str) -> None:
    if not shutil.which(command[0]):
        raise Skipped(f"there is no {command[0]} here")
    for path in sorted(PAGES.glob("*.1")):
        done = subprocess.run([*command, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        told = done.stderr + (done.stdout if command[0] == "mandoc" else b"")
        assert done.returncode == 0 and not told, f"{path.name}: {told.decode()}"


cases = Cases(__doc__)
cases.run("pages", check_pages)
for name, line in commands().items():
    cases.run(f"page of {name}", check_command, name, line)
cases.run("overview", check_overview)
cases.run("options that are mentioned", check_mentioned)
cases.run("references", check_see_also)
cases.run("assembled", check_assembled)
cases.run("renders with groff", check_with, "groff", "-man", "-ww", "-z")
cases.run("renders with man", check_with, "man", "--warnings", "-l")
cases.run("lint", check_with, "mandoc", "-Tlint")
cases.finish()
