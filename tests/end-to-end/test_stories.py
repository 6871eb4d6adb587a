#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`heapcore diff` of services that grow as real ones did: what it says grew, and why, is what the programs of fixtures/stories say."""

from __future__ import annotations

import functools
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Optional

from grown import STATUSES, Row, Stops, shown
from harness import Cases, HEAPCORE, PATIENCE, SOURCE, analyze, few, heapcore, library_path, need_captures, report_of, succeed

need_captures()

TOLERANCE = 0.01
TOLD = 3  # causes in the verdict; all are in the list
KINDS = {"lost", "container", "owner", "buffer", "held", "free", "overhead", "runtime", "stacks", "data", "mapping", "rest"}
SENTENCES = {"leak", "container-growth", "backlog", "unbounded-keys", "retained", "big-buffers", "owner-growth", "held", "not-heap",
             "overhead"}


# ---- what a program says --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cause:
    """See fixtures/stories/story.h."""
    kind: str
    name: str
    blocks: int
    bytes: int
    elements: Optional[int]

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.name


@dataclass
class Stop:
    """What the program said at a stop, and what was captured there."""
    core: Path
    lines: list[list[str]]
    causes: dict[tuple[str, str], Cause] = field(init=False)
    steady: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        causes = [Cause(kind, name, int(blocks), int(size), None if elements == "-" else int(elements))
                  for kind, name, blocks, size, elements in self.said("cause")]
        self.causes = {cause.key: cause for cause in causes}
        self.steady = {name: int(elements) for name, elements in self.said("steady")}

    def said(self, key: str) -> list[list[str]]:
        return [words[1:] for words in self.lines if words[0] == key]

    def number(self, key: str) -> int:
        return int(self.said(key)[0][0])


@dataclass(frozen=True)
class Story:
    program: str
    sentences: tuple[str, ...]  # what the first one may be
    named: tuple[str, ...]  # patterns: what it must name
    cause: tuple[str, str]  # what it is about
    arguments: tuple[str, ...] = ()
    tool: str = "capture"


class Run(Stops):
    """A program of fixtures/stories from stop to stop, with what it says at each."""

    def __init__(self, story: Story, count: int) -> None:
        super().__init__(f"stories/{story.program}", *story.arguments, tool=story.tool, count=count)
        self.story = story
        self.stops: list[Stop] = []

    def at_stop(self) -> None:
        self.stops.append(Stop(self.cores[-1], self.stopped.manifest))


# ---- what heapcore says ---------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def diff(*arguments: Any) -> Row:
    return report_of(succeed("diff", "--json", *arguments, statuses=STATUSES))


@dataclass(frozen=True)
class Growth:
    """Two stops, of one run or of two, and what diff says of them."""
    story: Story
    program: Path
    first: Stop
    last: Stop

    @property
    def report(self) -> Row:
        return diff(self.first.core, self.last.core, self.program)

    @property
    def causes(self) -> list[Cause]:
        """What grew between them."""
        return [Cause(now.kind, now.name, now.blocks - then.blocks, now.bytes - then.bytes, now.elements)
                for then, now in ((self.first.causes[key], now) for key, now in self.last.causes.items())]

    def cause(self, key: tuple[str, str]) -> Cause:
        return next(cause for cause in self.causes if cause.key == key)


def rows_of(report: Row, cause: Cause) -> list[Row]:
    return [row for row in report["attribution"] if row["kind"] == cause.kind and is_of(row, cause)]


def is_of(row: Row, cause: Cause) -> bool:
    """Lost blocks are told by library and what they are: "libNAME.so: ..."."""
    return cause.name in ("-", row["name"]) or cause.kind == "lost" and row["name"].startswith(f"{cause.name}: ")


# ---- the cases of one core ------------------------------------------------------------------------------------------


def check_lost(run: Run) -> None:
    """Each core by itself: what is lost is what was lost until then, to the byte."""
    for stop in run.stops:
        truth = [cause for cause in stop.causes.values() if cause.kind == "lost"]
        references = analyze(stop.core, run.program)["references"]
        for key in ("blocks", "bytes"):
            told = sum(references[name][key] for name in ("directly_lost", "indirectly_lost"))
            assert told == sum(getattr(cause, key) for cause in truth), f"{told} {key} are lost, should be {truth}"


# ---- the cases of a pair --------------------------------------------------------------------------------------------


def check_first_sentence(growth: Growth) -> None:
    report, cause = growth.report, growth.cause(growth.story.cause)
    assert report["sentences"], f"no sentences; {shown(report)}"
    first = report["sentences"][0]
    assert first["kind"] in growth.story.sentences, f"{first}; {shown(report)}"
    for pattern in growth.story.named:
        assert re.search(pattern, f"{first['name']} {first['text']}"), f"{pattern!r} is not in {first}"
    assert abs(first["bytes"] - cause.bytes) <= TOLERANCE * cause.bytes, f"{cause.bytes} bytes; {first}"


def check_verdict(growth: Growth) -> None:
    """Its sentences, one a line, most bytes first; the largest ones are in the text."""
    report = growth.report
    sentences, lines = report["sentences"], report["verdict"].splitlines()
    assert {sentence["kind"] for sentence in sentences} <= SENTENCES, sentences
    for sentence, line in zip(sentences[:TOLD], lines):
        assert sentence["text"] in line, f"{sentence['text']!r} is not in {line!r}"
        assert "\x1b" not in sentence["text"] and "\n" not in sentence["text"], sentence
    sizes = [sentence["bytes"] for sentence in sentences]
    assert sizes == sorted(sizes, reverse=True), f"most bytes first: {sizes}"


def check_attributed(growth: Growth) -> None:
    report, wrong = growth.report, []
    for cause in growth.causes:
        rows = rows_of(report, cause)
        told = sum(row["bytes"] for row in rows)
        if cause.kind != "kernel" and abs(told - cause.bytes) > TOLERANCE * cause.bytes:
            wrong.append(f"{cause}: {told} bytes ({(told - cause.bytes) / max(cause.bytes, 1):+.2%})")
        for row in rows if cause.elements is not None else []:
            before, after = growth.first.causes[cause.key].elements, growth.last.causes[cause.key].elements
            if (row["elements_before"], row["elements_after"]) != (before, after):
                wrong.append(f"{cause.name} has {before} -> {after} elements, not {row['elements_before']} -> {row['elements_after']}")
    assert not wrong, f"{few(wrong)}\n  {shown(report)}"


def check_sum(report: Row) -> None:
    rows, growth = report["attribution"], report["growth"]
    assert sum(row["bytes"] for row in rows) == growth, f"{sum(row['bytes'] for row in rows)} of {growth}"
    assert {row["kind"] for row in rows} <= KINDS, {row["kind"] for row in rows}
    for row in rows:
        assert row["bytes"] == row["after"] - row["before"], row
        assert (row["share"] is None) == (growth <= 0), row
        assert growth <= 0 or abs(row["share"] - row["bytes"] / growth) < 0.001, f"{row} of {growth}"


def check_steady(growth: Growth) -> None:
    report = growth.report
    steady = {row["name"]: row for row in report["steady"]}
    for name, elements in growth.last.steady.items():
        assert growth.first.steady[name] == elements
        assert name in steady, f"{name} is not among {few(steady)}\n  {shown(report)}"
        told = steady[name]["elements_before"], steady[name]["elements_after"]
        assert told == (elements, elements), f"{name} has {elements} elements: {told}"
        grew = [row for row in report["attribution"] if row["name"] == name and row["bytes"]]
        assert not grew, f"{name} did not grow: {grew}"


def check_itself(growth: Growth) -> None:
    report = diff(growth.last.core, growth.last.core, growth.program)
    assert report["growth"] == 0 and all(row["bytes"] == 0 for row in report["attribution"]), shown(report)
    check_sum(report)
    assert not report["sentences"], report["sentences"]
    assert re.search(r"did not grow|no growth", report["verdict"], re.IGNORECASE), report["verdict"]


def check_commands(growth: Growth) -> None:
    """What the sentences tell to do next can be done."""
    for sentence in growth.report["sentences"]:
        if not (sentence["command"] or "").startswith("heapcore "):
            continue
        words = shlex.split(sentence["command"])
        done = subprocess.run([HEAPCORE, *words[1:]], capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
        assert done.returncode in STATUSES and done.stdout.strip(), f"{sentence['command']}: status {done.returncode}, {done.stderr}"


def without_paths(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: without_paths(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [without_paths(item, names) for item in value]
    for path, name in names.items():
        value = value.replace(path, name) if isinstance(value, str) else value
    return value


def differences(one: Any, two: Any, path: str = "") -> list[str]:
    if isinstance(one, dict) and isinstance(two, dict):
        return [text for key in sorted(one.keys() | two.keys())
                for text in differences(one.get(key, "(none)"), two.get(key, "(none)"), f"{path}.{key}")]
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        return [text for index, pair in enumerate(zip(one, two)) for text in differences(*pair, f"{path}[{index}]")]
    return [] if one == two else [f"{path}: {one!r} of the cores, {two!r} of the snapshots"]


def check_snapshots(growth: Growth) -> None:
    cores, snapshots = (growth.first.core, growth.last.core), []
    for core in cores:
        snapshots.append(core.parent / f"{core.name}.snapshot")
        succeed("snapshot", core, growth.program, "-o", snapshots[-1], statuses=STATUSES)
    names = {str(path): f"core {index}" for paths in (snapshots, cores) for index, path in enumerate(paths)}
    names[f" {growth.program}"] = ""  # a command for a core has it, if diff was given it
    of_snapshots = report_of(succeed("diff", "--json", *snapshots, statuses=STATUSES))
    found = differences(without_paths(growth.report, names), without_paths(of_snapshots, names))
    assert not found, few(found)
    texts = [" ".join(without_paths(succeed("diff", *paths, statuses=STATUSES).out, names).split())
             for paths in ((*cores, growth.program), snapshots)]
    assert texts[0] == texts[1], f"{texts[0]}\n    of snapshots: {texts[1]}"


# ---- the cases of single stories ------------------------------------------------------------------------------------


def first_text(growth: Growth) -> str:
    return growth.report["sentences"][0]["text"]


def line_with(file: str, text: str) -> int:
    """The line of a file of fixtures/stories that has TEXT."""
    lines = (SOURCE / "fixtures" / "stories" / file).read_text().splitlines()
    (found,) = [number for number, line in enumerate(lines, 1) if text in line]
    return found


def check_versions(growth: Growth) -> None:
    """The class, who sees it how, the member that is never freed, and the call that allocates it."""
    report, line = growth.report, growth.report["verdict"].splitlines()[0]
    assert re.search("leak|lost", line) and "libpackets.so" in line, line
    site = f"packets-new.c:{line_with('packets-new.c', 'packet->extension = malloc')} in packet_create()"
    for words in ("packet: ", "packets-new.c of libpackets.so", "packets-old.c of libpackets.so", '"extension" holds cannot be freed',
                  f"probably allocated at {site}"):
        assert words in line, f"{words}: {line}"
    (told,) = report["two_layouts"]
    before, after = growth.first.causes[growth.story.cause], growth.last.causes[growth.story.cause]
    assert told["lost_before"] == {"blocks": before.blocks, "bytes": before.bytes}, told
    assert told["lost_after"] == {"blocks": after.blocks, "bytes": after.bytes}, told
    first = analyze(growth.last.core, growth.program)["findings"][0]
    assert first["kind"] == "two-layouts" and f"probably allocated at {site}" in first["text"], first
    without = diff(growth.first.core, growth.last.core, growth.program, "--no-sites")
    assert "allocated" not in without["verdict"] and "cannot be freed" in without["verdict"], without["verdict"]


def check_labels(growth: Growth) -> None:
    """The keys are told, and how many there are."""
    text = " ".join(sentence["text"] for sentence in growth.report["sentences"] if sentence["name"] == growth.story.cause[1])
    now = growth.last.causes[growth.story.cause].elements
    assert "/url/" in text and re.search("keys", text), text
    assert f"{now:,}" in text, f"{now:,} elements: {text}"


def check_fail_on(growth: Growth) -> None:
    name = growth.story.cause[1]
    conditions = {"lost-bytes>0": growth.story.cause[0] == "lost"}
    if growth.story.cause[0] == "container":
        conditions |= {f"container:{name}.elements>500": True, f"container:{name}.elements>10000000": False}
    for condition, holds in conditions.items():
        result = heapcore("diff", growth.first.core, growth.last.core, growth.program, "--fail-on", condition)
        assert result.status == (1 if holds else 0), f"{condition}: status {result.status}, {result.err}"


def check_datagrams(growth: Growth) -> None:
    report, cause = growth.report, growth.cause(growth.story.cause)
    assert cause.bytes > 1 << 20, f"the datagrams did not arrive: {cause}"
    assert growth.first.number("heap") == growth.last.number("heap")
    assert abs(report["growth"]) < 64 << 10, f"the heap is flat; {shown(report)}"
    assert report["sentences"][0]["bytes"] == cause.bytes, f"{cause.bytes} unread: {report['sentences'][0]}"


def check_locals(growth: Growth) -> None:
    thread, function = growth.last.said("thread")[0]
    for cause in growth.causes:
        row = rows_of(growth.report, cause)[0]
        assert function in row["where"] and re.search(rf"\bthread {thread}\b", row["where"]), f"{cause.name}: {row}"
        texts = [one["text"] for one in growth.report["sentences"] if one["name"] == cause.name]
        assert texts and function in texts[0] and thread in texts[0], f"{cause.name}: {growth.report['sentences']}"


def check_backlog(growth: Growth) -> None:
    produced, consumed = map(int, growth.last.said("counters")[0])
    assert growth.last.causes[growth.story.cause].elements == produced - consumed
    text = first_text(growth)
    assert f"{produced - consumed:,}" in text, f"{produced - consumed} wait: {text}"


def sizes_in(text: str) -> list[float]:
    """"17.9 MiB" and the like."""
    units = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
    return [float(number) * units[unit] for number, unit in re.findall(r"([\d.]+) ([KMG]iB)", text)]


def check_trim(growth: Growth) -> None:
    """What malloc_trim(0) would give back, by a child that called it."""
    text, truth = first_text(growth), growth.last.number("trim")
    assert "malloc_trim" in text, text
    assert any(abs(size - truth) <= 0.02 * truth for size in sizes_in(text)), f"malloc_trim(0) gives back {truth}: {text}"


def check_pins(growth: Growth) -> None:
    """Who keeps malloc from giving it back."""
    assert "g_notes" in first_text(growth), first_text(growth)


def check_shares(growth: Growth) -> None:
    report = growth.report
    for kind, name, percent in growth.last.said("share"):
        rows = rows_of(report, growth.cause((kind, name)))
        share = sum(row["share"] for row in rows) * 100
        assert abs(share - float(percent)) <= 1, f"{kind} {name}: {share:.2f} %, is {percent} %; {shown(report)}"


def check_all_told(growth: Growth) -> None:
    """Each of several causes has a sentence of its own, with its share."""
    told = {"lost": "leak", "container": "container-growth", "free": "retained", "buffer": "big-buffers"}
    for kind, name, percent in growth.last.said("share"):
        sentences = [one for one in growth.report["sentences"] if one["kind"] == told[kind]]
        assert sentences and abs(sum(one["share"] for one in sentences) * 100 - float(percent)) <= 1, \
            f"{kind} {name} {percent} %: {growth.report['sentences']}"


# ---- three cores ----------------------------------------------------------------------------------------------------


def check_three(run: Run) -> None:
    """A to C in one report: from the first to the last, adding up."""
    a, b, c = run.stops
    report = diff(a.core, b.core, c.core, run.program)
    check_sum(report)
    assert report["growth"] == diff(a.core, c.core, run.program)["growth"]
    growth = Growth(run.story, run.program, a, c)
    for cause in growth.causes:
        told = sum(row["bytes"] for row in rows_of(report, cause))
        assert cause.kind == "kernel" or abs(told - cause.bytes) <= TOLERANCE * cause.bytes, f"{cause}: {told} bytes; {shown(report)}"


def check_warm_up(run: Run) -> None:
    """The leak grew at every step, the cache at the first only: that is said of each, and what goes on growing comes first."""
    a, b, c = run.stops
    report = diff(a.core, b.core, c.core, run.program)
    cache, leak = ("container", "g_pages"), ("lost", "-")
    assert a.causes[cache].bytes < b.causes[cache].bytes == c.causes[cache].bytes, "the cache grows once"
    for key, trend in ((cache, "stopped"), (leak, "growing")):
        rows = [row for row in rows_of(report, c.causes[key]) if row["bytes"]]
        assert rows and all(row["trend"] == trend for row in rows), f"{key} is {trend}: {rows}"
        steps = [sum(row["steps"][index] for row in rows) for index in range(3)]
        truth = [stop.causes[key].bytes for stop in run.stops]
        assert all(abs(told - said) <= TOLERANCE * said for told, said in zip(steps, truth)), f"{key}: {truth}, told {steps}"
    first, *others = report["sentences"]
    assert first["kind"] == "leak" and first["trend"] == "growing", f"what goes on growing comes first: {report['sentences']}"
    assert all(one["trend"] == "stopped" for one in others if one["name"] == "g_pages"), others


# ---- stories --------------------------------------------------------------------------------------------------------


STORIES = [
    Story("versions", ("leak",), (r"libpackets\.so",), ("lost", "libpackets.so"), (f"library={library_path('libpackets')}",), "gcore"),
    Story("labels", ("unbounded-keys", "container-growth"), (r"g_registry->summaries_",), ("container", "g_registry->summaries_")),
    Story("labels-glib", ("unbounded-keys", "container-growth"), (r"g_metrics",), ("container", "g_metrics")),
    Story("encode", ("leak",), (r"LOGICPKT/1\.0 uin=",), ("lost", "-")),
    Story("datagrams", ("not-heap",), ("UDP",), ("kernel", "-")),
    Story("locals", ("container-growth",), ("orders", "run_session"), ("container", "orders")),
    Story("backlog", ("backlog",), (r"g_queue\.jobs",), ("container", "g_queue.jobs")),
    Story("backlog-c", ("backlog",), ("g_queue",), ("container", "g_queue")),
    Story("retained", ("retained",), (), ("free", "-")),
    Story("mixture", ("leak",), ("ANSWER/2",), ("lost", "-")),
    Story("warm-up", ("container-growth",), ("g_pages",), ("container", "g_pages")),
]
OF_PAIRS = {
    "first sentence": check_first_sentence,
    "verdict": check_verdict,
    "attributed": check_attributed,
    "sum": lambda growth: check_sum(growth.report),
    "steady": check_steady,
    "a core with itself": check_itself,
    "commands": check_commands,
    "snapshots": check_snapshots,
}
OF_STORIES = {
    "versions": {"library": check_versions, "fail-on": check_fail_on},
    "labels": {"keys": check_labels, "fail-on": check_fail_on},
    "labels-glib": {"keys": check_labels, "fail-on": check_fail_on},
    "datagrams": {"kernel memory": check_datagrams},
    "locals": {"whose": check_locals},
    "backlog": {"length": check_backlog, "fail-on": check_fail_on},
    "backlog-c": {"length": check_backlog},
    "retained": {"trim": check_trim, "pins": check_pins},
    "mixture": {"shares": check_shares, "sentences": check_all_told},
}
OF_RUNS = {
    "warm-up": {"told from a leak": check_warm_up},
}


def cases_of(story: Story) -> dict[str, Callable[[Run], None]]:
    """By name. All but those of two runs."""
    pairs = OF_PAIRS | OF_STORIES.get(story.program, {})
    found = {name: functools.partial(on_pair, function) for name, function in pairs.items()}
    return {"lost": check_lost} | found | {"three cores": check_three} | OF_RUNS.get(story.program, {})


def on_pair(function: Callable[[Growth], None], run: Run) -> None:
    function(Growth(run.story, run.program, *run.stops[:2]))


def two_runs(run: Run) -> None:
    """The first core of one run and the second of another: by whom, all the same."""
    with Run(run.story, 2) as other:
        pair = Growth(run.story, run.program, run.stops[0], other.stops[1])
        check_attributed(pair)
        check_sum(pair.report)


def run_story(story: Story) -> None:
    chosen = {f"{story.program}: {name}": function for name, function in (cases_of(story) | {"two runs": two_runs}).items()}
    patterns = cases.options.patterns
    if cases.options.list or patterns and not any(pattern in name for pattern in patterns for name in chosen):
        for name, function in chosen.items():
            cases.run(name, function)  # lists it, or not even that
        return
    with Run(story, 3) as run:
        for name, function in chosen.items():
            cases.run(name, function, run)
    diff.cache_clear()


cases = Cases(__doc__)
for one_story in STORIES:
    run_story(one_story)
cases.finish()
