#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever sort of variable holds it, growth is that variable's, to the byte; and what a core was cut from has not gone anywhere."""

from __future__ import annotations

import re
from pathlib import Path

from grown import STATUSES, Grown, Row, shown
from harness import Cases, Workspace, analyze, few, need_captures, report_of, succeed
from variants import VARIANTS, Builder

need_captures()
# Each by itself; what else there is to grow grows with others in one process.
ALONE = ("g_samples", "g_log", "g_pages", "g_tickets", "g_requests", "g_state", "g_states", "g_labels", "g_names", "g_answer", "g_maybe",
         "g_words", "g_dictionary", "g_lines", "g_arguments", "g_tree", "g_shapes", "g_report", "g_handle", "g_buffers", "g_slots")
HIDDEN = ("g_made_shared", "g_given_shared", "g_unique", "g_raw", "g_template", "g_plain", "g_nameless", "g_second_base", "g_owners")
ARRAYS = {"g_numbers": 4, "g_longs": 8}  # and how many bytes an element has
KINDS = ("container", "owner", "buffer", "held")
PARTIAL = 3


def rows_of(report: Row, name: str) -> list[Row]:
    """Of the variable and of what is behind it."""
    return [row for row in report["attribution"] if re.match(rf"{re.escape(name)}(?![\w:])", row["name"]) and row["kind"] in KINDS]


def check_rows(grown: Grown, names: tuple[str, ...]) -> None:
    """What each was given is its growth, and its elements are as many as there are."""
    wrong = []
    for name in names:
        rows = rows_of(grown.diff, name)
        told = sum(row["bytes"] for row in rows)
        if told != grown.grew_by(name):
            wrong.append(f"{name} grew by {grown.grew_by(name)} bytes: {told}")
        before, after = grown.before[name][1], grown.after[name][1]
        if after >= 0 and [(row["elements_before"], row["elements_after"]) for row in rows] != [(before, after)]:
            wrong.append(f"{name} had {before} elements, has {after}: {rows}")
    assert not wrong, f"{few(wrong)}\n  {shown(grown.diff)}"


def check_sentence(grown: Grown, name: str) -> None:
    """The first one is of that variable."""
    sentences = grown.diff["sentences"]
    assert sentences and name in f"{sentences[0]['name']} {sentences[0]['text']}", f"{sentences}; {shown(grown.diff)}"
    assert sentences[0]["bytes"] == grown.grew_by(name), f"{grown.grew_by(name)} bytes: {sentences[0]}; {shown(grown.diff)}"


def check_alone(program: str, name: str) -> None:
    with Grown(program, name) as grown:
        check_rows(grown, (name,))
        check_sentence(grown, name)


def check_objects(grown: Grown) -> None:
    """Each object is of its own class, whatever the pointer to it says."""
    types = report_of(succeed("types", grown.cores[1], grown.program, "--json", "--limit", "0", statuses=STATUSES))["types"]
    wrong = []
    for class_name, count in grown.stopped.said("objects"):
        told = sum(row["count"] for row in types if re.match(rf"{class_name}\b(?!.* buffer$)", row["type"]))
        if told != int(count):
            wrong.append(f"{count} objects of {class_name}: {told}")
    assert len(grown.stopped.said("objects")) == len(HIDDEN) and not wrong, few(wrong)


def check_arrays(grown: Grown) -> None:
    """An array that keeps no count is as long as what malloc gave for it at most, and is said to be no more than that."""
    told = report_of(succeed("containers", grown.cores[1], grown.program, "--json", "--limit", "0", statuses=STATUSES))["containers"]
    for name, size in ARRAYS.items():
        (row,) = [row for row in told if row["path"] == name]
        least, most = 1000 * 1000 // size, grown.after[name][0] // size  # malloc's own bytes are some more
        assert least <= row["elements"] <= most, (least, most, row)
        assert row["elements"] == least or row["grade"] == "bound", row


def check_futures(program: str) -> None:
    """A result holds its task through a pointer to void, and the task its arguments."""
    with Grown(program) as grown:
        check_rows(grown, ("main::results",))
        check_sentence(grown, "main::results")


def check_prefork() -> None:
    """Of a forked child of a process that had threads: what it inherited did not grow, what its threads had is lost in it, and no more."""
    with Grown("stories/prefork", environment={}) as grown:
        check_rows(grown, ("g_own",))
        check_sentence(grown, "g_own")
        steady = {row["name"]: row["elements_after"] for row in grown.diff["steady"]}
        assert steady.get("g_cache") == grown.after["g_cache"][1], f"{steady}; {shown(grown.diff)}"
        report = analyze(grown.cores[1], grown.program)
        lost = [report["references"][name] for name in ("directly_lost", "indirectly_lost")]
        told = sum(one["blocks"] for one in lost), sum(one["bytes"] for one in lost)
        assert told == grown.lost_after, f"{grown.lost_after} blocks and bytes were the threads': {lost}"
        texts = [finding["text"] for finding in report["findings"]]
        assert any("g_own" in text for text in texts), few(texts)
        assert not any("nothing seems to bound" in text for text in texts), few(texts)


# ---- cut cores ------------------------------------------------------------------------------------------------------


def cut(core: Path, percent: int) -> Path:
    piece = core.with_name(f"{core.name}-{percent}")
    data = core.read_bytes()
    piece.write_bytes(data[:len(data) * percent // 100])
    return piece


def check_expired(grown: Grown) -> None:
    """What expired is the index's, but no object any more."""
    check_rows(grown, ("g_catalog.by_name",))
    check_sentence(grown, "g_catalog.by_name")
    expired, indexed = int(grown.stopped.said("expired")[0][0]), grown.after["g_catalog.by_name"][1]
    types = report_of(succeed("types", grown.cores[1], grown.program, "--json", "--limit", "0", statuses=STATUSES))["types"]
    told = sum(row["count"] for row in types if row["type"] == "Tablet")
    assert told == indexed - expired, f"{indexed} tablets, {expired} expired: {told} are left"


def check_cut(grown: Grown, percent: int) -> None:
    """Nothing that is not in a core is said to be absent, to have shrunk or to be lost."""
    pieces = [cut(core, percent) for core in grown.cores]
    for words in (["analyze", pieces[1]], ["leaks", pieces[1]], ["diff", *pieces]):
        text = " ".join(succeed(*words, grown.program, statuses=(PARTIAL,)).out.split())
        for wrong in ("no heap of glibc", "no glibc heap", "not malloc's", "-> 0", "did not grow", "STEADY", "definitely lost"):
            assert wrong not in text, (percent, words[0], wrong, text)
    report = report_of(succeed("diff", *pieces, grown.program, "--json", statuses=(PARTIAL,)))
    assert report["status"] == "partial", report["status"]
    names = {row["name"] for row in report["steady"]} | {one["name"] for one in report["sentences"]}
    assert not any("g_catalog" in str(name) for name in names), names


# ---- all ------------------------------------------------------------------------------------------------------------


def run_variant(builder: Builder, index: int) -> None:
    """-O0: each by itself, and the rest together. -O2: all together."""
    variant = VARIANTS[index]
    program = str(builder.story(variant, "holders").result())
    if index == 0:
        for name in ALONE:
            cases.run(f"{variant.name}: {name}", check_alone, program, name)
    names = (*HIDDEN, *ARRAYS) if index == 0 else (*ALONE, *HIDDEN, *ARRAYS)
    with Grown(program, *names) as grown:
        cases.run(f"{variant.name}: {len(names)} at once", check_rows, grown, names)
        cases.run(f"{variant.name}: hidden classes", check_objects, grown)
        cases.run(f"{variant.name}: arrays", check_arrays, grown)
    cases.run(f"{variant.name}: futures", check_futures, str(builder.story(variant, "futures").result()))


def run() -> None:
    with Workspace() as folder, Builder(folder) as builder:
        for index in range(2):
            run_variant(builder, index)
    cases.run("forked", check_prefork)
    with Grown("stories/expired") as grown:
        cases.run("expired", check_expired, grown)
    with Grown("stories/expired", tool="gcore") as grown:
        for percent in (30, 50, 90):
            cases.run(f"expired, cut to {percent} %", check_cut, grown, percent)


cases = Cases(__doc__)
if not cases.options.list:
    run()
cases.finish()
