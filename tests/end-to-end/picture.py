# SPDX-License-Identifier: LGPL-2.1-or-later
"""A terminal with a command and what it printed, as an SVG picture: each piece of text in its own colour, as wide as its columns in any font."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree
from pathlib import Path

COLUMN, LINE, SIZE, MARGIN = 8.4, 19, 14, 16
STYLE = re.compile(r"\033\[([\d;]*)m")
CLASSES = {"": "plain", "0": "plain", "1": "heading", "1;31": "bad", "2": "dim", "36": "command"}  # as src/reports/output.c has them
LOOKS = """\
.ground { fill: #14171b; }
text { font: 14px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre; }
.plain { fill: #e5e8eb; } .heading { fill: #ffffff; font-weight: 700; } .bad { fill: #ff9a9a; font-weight: 700; } .dim { fill: #a3adb8; } .command { fill: #7fd1d8; }
"""


def _line(text: str, number: int, style: str) -> tuple[str, str]:
    """The elements of a line, and the style that goes on behind it."""
    pieces, column, at = [], 0, 0
    for match in [*STYLE.finditer(text), None]:
        piece = text[at:match.start() if match else len(text)]
        shown = piece.strip(" ")
        if shown:
            place = column + len(piece) - len(piece.lstrip(" "))
            pieces.append(f'<text class="{CLASSES[style]}" x="{MARGIN + place * COLUMN:.1f}" y="{MARGIN + number * LINE + SIZE}"'
                          f' textLength="{len(shown) * COLUMN:.1f}" lengthAdjust="spacingAndGlyphs">{html.escape(shown)}</text>')
        column += len(piece)
        if match:
            style, at = match.group(1), match.end()
    return "\n".join(pieces), style


def draw(command: str, output: str, what: str) -> str:
    """WHAT is told to who does not see it."""
    lines = [f"\033[2m$\033[0m {command}", *output.rstrip("\n").split("\n")]
    wide = max(len(STYLE.sub("", line)) for line in lines)
    width, height = round(2 * MARGIN + wide * COLUMN), 2 * MARGIN + len(lines) * LINE
    elements, style = [], ""
    for number, line in enumerate(lines):
        drawn, style = _line(line, number, style)
        elements += [drawn] if drawn else []
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">\n'
            f"<title>{html.escape(what)}</title>\n<style>\n{LOOKS}</style>\n"
            f'<rect class="ground" width="{width}" height="{height}" rx="8"/>\n' + "\n".join(elements) + "\n</svg>\n")


def told(picture: Path) -> list[str]:
    """What stands in a picture, in its order."""
    root = xml.etree.ElementTree.parse(picture).getroot()
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
