#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the documents show as heapcore's output is what it says of the programs of fixtures/stories.

A document names the program, and then shows commands with what they print; "..." stands for what is left out, lines or the end of one:

    <!-- story: labels -->
    ```
    $ heapcore diff before after ./labels
    VERDICT  Resident memory grew by 32.4 MiB, ...
    ```

Numbers may differ, and where lines break. docs/diff.svg is a picture of one of them. With HEAPCORE_DOCUMENTS=update in the environment what differs is written anew.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import picture
from grown import Stops
from harness import SOURCE, Cases, few, heapcore, library_path, need_captures

need_captures()

DOCUMENTS = ("docs/overview.md", "docs/growing.md")
PICTURE = SOURCE / "docs" / "diff.svg"
PICTURED = "labels"
ARGUMENTS = {"versions": (f"library={library_path('libpackets')}",)}
UPDATE = os.environ.get("HEAPCORE_DOCUMENTS") == "update"
LEFT_OUT = "..."
STORY = re.compile(r"<!-- story: (\S+) -->")
NUMBER = re.compile(r"[+-]?\d[\d,]*(\.\d+)?( (B|bytes|KiB|MiB|GiB))?")
STACKS = re.compile(r"mapping # # # # #% stacks, unused part ")  # a page that a signal or a busy machine made a thread touch


@dataclass
class Shown:
    """A command, and the lines that the document has below it: from BEGIN on, before END, in its lines."""
    document: Path
    story: str
    command: str
    begin: int
    end: int

    def pieces(self, lines: list[str]) -> list[list[str]]:
        """Lines without those that are left out between them."""
        pieces: list[list[str]] = [[]]
        for line in lines[self.begin:self.end]:
            if line != LEFT_OUT:
                pieces[-1].append(line.removesuffix(f" {LEFT_OUT}"))
            if line.endswith(LEFT_OUT):
                pieces.append([])
        return [piece for piece in pieces if any(line.strip() for line in piece)]


def shown_in(document: Path) -> list[Shown]:
    found: list[Shown] = []
    story, inside = "", False
    lines = document.read_text().splitlines()
    for i, line in enumerate(lines):
        named = STORY.search(line)
        if named:
            story = named.group(1)
        elif line.startswith("```"):
            inside = not inside and bool(story)
            story = story if inside else ""
        elif inside and line.startswith("$ "):
            found.append(Shown(document, story, line[2:], i + 1, i + 1))
        elif inside:
            found[-1].end = i + 1
    return found


def normal(lines: list[str]) -> str:
    """Text as it is compared: any number is one, also with its sign and unit, and lines may break elsewhere."""
    text = re.sub(r"0x[0-9a-f]+", "0", " ".join(" ".join(lines).split()))
    text = re.sub(r" in \d+ seconds?:", ":", re.sub(r", \d+ seconds? apart", "", text))  # where it took one
    return STACKS.sub("", NUMBER.sub("#", re.sub(r"core\.\d+", "core.#", text)))


def printed(shown: Shown, folder: Path) -> list[str]:
    words = shlex.split(shown.command)
    assert words[0] == "heapcore", shown.command
    result = heapcore(*words[1:], cwd=folder)
    assert result.status in (0, 1, 3), result
    return result.out.splitlines()


def written_anew(shown: Shown, lines: list[str], output: list[str]) -> list[str]:
    """The document's lines for OUTPUT: pieces that begin alike keep their lengths; if one is not to be found, all of it."""
    new: list[str] = []
    at = 0
    for piece in shown.pieces(lines) or [output]:
        begin = next((i for i in range(at, len(output)) if normal(output[i:i + 1]) == normal(piece[:1])), None)
        if begin is None:
            return output
        new += ([LEFT_OUT] if begin > at else []) + output[begin:begin + len(piece)]
        at = begin + len(piece)
    return new + ([LEFT_OUT] if at < len(output) else [])


def compare(shown: Shown, lines: list[str], output: list[str]) -> list[str]:
    """The pieces that the output does not have, in this order."""
    text, missing = normal(output), []
    if not shown.pieces(lines):
        return [f"{shown.document.name}:{shown.begin}: nothing is shown below $ {shown.command}"]
    for piece in shown.pieces(lines):
        begin = text.find(normal(piece))
        if begin < 0:
            missing.append(f"{shown.document.name}:{shown.begin}: $ {shown.command}\n    the document: {normal(piece)}")
        else:
            text = text[begin + len(normal(piece)):]
    return missing + [f"what is left of the output: {text}"] if missing else []


def all_shown() -> list[Shown]:
    return [shown for name in DOCUMENTS for shown in shown_in(SOURCE / name)]


def pictured(output: str) -> str:
    """The verdict and the table, but for what is another on each machine."""
    lines = output.split("\n")
    begin = next(i for i, line in enumerate(lines) if "VERDICT" in line)
    end = next(i for i, line in enumerate(lines) if "STEADY" in line)
    return "\n".join(["...", *(line for line in lines[begin:end] if "others (" not in line)]).rstrip("\n") + "\n..."


def check_picture(folder: Path) -> list[str]:
    """The picture of diff, with its colours."""
    words = ["diff", "before", "after", f"./{PICTURED}"]
    result = heapcore(*words, "--color", "always", "--width", "96", cwd=folder)
    assert result.status in (0, 1, 3), result
    drawn = folder / PICTURE.name
    drawn.write_text(picture.draw(" ".join(("heapcore", *words)), pictured(result.out), "heapcore diff tells in its verdict which container grew, and why"))
    if normal(picture.told(drawn)) == normal(picture.told(PICTURE)):
        return []
    if UPDATE:
        PICTURE.write_text(drawn.read_text())
        return []
    return [f"{PICTURE.name}: the picture: {normal(picture.told(PICTURE))}\n    the output: {normal(picture.told(drawn))}"]


def check_story(story: str) -> None:
    with Stops(f"stories/{story}", *ARGUMENTS.get(story, ())) as stops:
        folder = stops.stopped.folder / "documents"
        folder.mkdir()
        for name, core in zip(("before", "after"), stops.cores):
            (folder / name).symlink_to(core.parent)
        (folder / story).symlink_to(stops.program)
        different: list[str] = []
        for shown in reversed([shown for shown in all_shown() if shown.story == story]):
            lines = shown.document.read_text().splitlines()
            output = printed(shown, folder)
            missing = compare(shown, lines, output)
            if missing and UPDATE:
                lines[shown.begin:shown.end] = written_anew(shown, lines, output)
                shown.document.write_text("\n".join(lines) + "\n")
            else:
                different += missing
        if story == PICTURED:
            different += check_picture(folder)
        assert not different, few(different)


cases = Cases(__doc__)
for program in dict.fromkeys(shown.story for shown in all_shown()):
    cases.run(program, check_story, program)
cases.finish()
