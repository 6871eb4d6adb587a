#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stories with debug info, and without: of the same cores `diff` and `analyze` name the same variables, and give them the same bytes.

Each program of fixtures/stories runs once. Its cores are read with the program as it was built, and with a copy that has lost its
debug info (strip -g), which is what a compiler makes without -g. What is told of a variable is the sum of the rows whose path begins
there; without debug info of a local only its function is known.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from grown import Grown, Row, STATUSES, shown
from harness import Cases, analyze, few, library_path, need_captures, report_of, succeed
from test_nameless import strip

TOLERANCE = 0.01
LEAST = 64 << 10  # bytes: of less nothing is compared
HELD = ("container", "owner", "buffer")


@dataclass(frozen=True)
class Pair:
    """A story, and what its verdict begins with: a variable that is named, or what was lost, or is free."""
    story: str
    kind: str = "variable"
    arguments: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return " ".join((self.story, *(word for word in self.arguments if "=" not in word)))


PAIRS = [
    Pair("backlog"),
    Pair("backlog-c"),
    Pair("datagrams", "not-heap"),
    Pair("encode", "leak"),
    Pair("expired"),
    *(Pair("forgotten", "leak", (way,)) for way in ("addresses", "keys", "boxes", "cycles", "documents")),
    Pair("futures"),
    Pair("holders", arguments=("all",)),
    Pair("labels"),
    Pair("labels-glib"),
    Pair("locals"),
    Pair("mixture", "leak"),
    Pair("nameless", arguments=(f"library={library_path('opened')}",)),
    Pair("nameless-cxx"),
    *(Pair("piles", arguments=place) for place in (("callbacks",), ("threads", "4"), ("names",), ("capacity",), ("bounded",),
                                                   ("sessions",))),
    Pair("prefork"),
    Pair("retained", "retained"),
    Pair("stolen-glib", "leak"),
    Pair("tails"),
    Pair("versions", "leak", (f"library={library_path('libpackets')}",)),
    Pair("warm-up"),
]


def root_of(row: Row) -> str:
    """The variable that a path begins at, as a symbol is told: "g_registry", "enqueue::cached"; "run_session()" of its locals."""
    name = re.sub(r"\[abi:\w+\]|\(anonymous namespace\)::", "", row["name"])
    local = re.match(r"(.*)\(\) frame \d+ of thread", row.get("where") or "")
    if local:
        return re.sub(r"\(anonymous namespace\)::", "", local[1]) + "()"
    name = re.sub(r"\([^()]*\)(?=::)", "", name)  # parameters of a function that has a static variable
    name = re.match(r"[^-.\[(+]*", name)[0]  # shapes of containers come behind an offset or a dot
    return f"{name}()" if "frame" in (row.get("where") or "") else name


def told(report: Row) -> Counter[str]:
    """Growth by variable; what was lost is one."""
    growth: Counter[str] = Counter()
    for row in report["attribution"]:
        if row["kind"] in HELD and row["name"]:
            growth[root_of(row)] += row["bytes"]
        elif row["kind"] == "lost":
            growth["lost"] += row["bytes"]
    return growth


def compare(typed: Counter[str], nameless: Counter[str]) -> list[str]:
    largest = max(map(abs, typed.values()), default=0)
    least = max(LEAST, TOLERANCE * largest)
    return [f"{name}: {typed[name]} bytes with debug info, {nameless[name]} without" for name in sorted(typed.keys() | nameless.keys())
            if abs(typed[name] - nameless[name]) > max(TOLERANCE * abs(typed[name]), least)]


def report_with(grown: Grown, program: Path) -> Row:
    return report_of(succeed("diff", "--json", *grown.cores, program, statuses=STATUSES))


def subject_of(report: Row, sentence: Row) -> str:
    """The variable that a sentence is about; else its kind."""
    rows = [row for row in report["attribution"] if row["kind"] in HELD and row["name"] == sentence["name"]]
    return root_of(rows[0]) if rows else sentence["kind"]


def check_verdict(pair: Pair, typed: Row, nameless: Row) -> None:
    """The first cause is the same; of a variable without a type, a buffer in a mapping of its own has a sentence of its own."""
    subjects = [subject_of(report, report["sentences"][0]) for report in (typed, nameless)]
    texts = " / ".join(report["sentences"][0]["text"] for report in (typed, nameless))
    assert subjects[0] == subjects[1], f"{subjects}: {texts}"
    assert pair.kind in ("variable", subjects[0]), f"{subjects}: {texts}"
    sizes = [sum(one["bytes"] for one in report["sentences"] if subject_of(report, one) == subjects[0]) for report in (typed, nameless)]
    assert abs(sizes[0] - sizes[1]) <= TOLERANCE * sizes[0], f"{sizes}: {texts}"


def held(core: Path, program: Path) -> Counter[str]:
    """By variable, as `owners` has it."""
    report = report_of(succeed("owners", core, program, "--json", "--min", "0", "--depth", "1", "--no-retained", statuses=STATUSES))
    rows: Counter[str] = Counter()
    for row in report["rows"]:
        if not row["level"]:
            rows[root_of({"name": row["path"], "where": row["where"]})] += row["bytes"]
    return rows


def check(pair: Pair) -> None:
    with tempfile.TemporaryDirectory() as folder, Grown(f"stories/{pair.story}", *pair.arguments) as grown:
        program = strip(grown.program, Path(folder), "-g")
        typed, nameless = report_with(grown, grown.program), report_with(grown, program)
        wrong = compare(told(typed), told(nameless))
        assert not wrong, f"{few(wrong)}\n{shown(typed)}\n{shown(nameless)}"
        check_verdict(pair, typed, nameless)
        wrong = compare(held(grown.cores[-1], grown.program), held(grown.cores[-1], program))
        assert not wrong, f"owners: {few(wrong)}"
        lost = [analyze(grown.cores[-1], one)["references"]["directly_lost"] for one in (grown.program, program)]
        assert lost[0] == lost[1], lost


def main() -> None:
    need_captures()
    cases = Cases(__doc__)
    for pair in PAIRS:
        cases.run(pair.name, check, pair)
    cases.finish()


if __name__ == "__main__":
    main()
