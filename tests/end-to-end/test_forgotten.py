#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What programs lose in the ways of fixtures/stories/forgotten.cpp is lost, to the block; what only hides is not."""

from __future__ import annotations

from grown import Grown, shown
from harness import Cases, analyze, need_captures, report_of, succeed

need_captures()
LOST = ("definitely_lost", "indirectly_lost")


def check_totals(grown: Grown) -> None:
    """In each core: the blocks that were lost until then, and no others."""
    for core, truth in zip(grown.cores, (grown.lost_before, grown.lost_after)):
        totals = report_of(succeed("leaks", core, grown.program, "--json"))["totals"]
        told = tuple(sum(totals[name][key] for name in LOST) for key in ("blocks", "bytes"))
        assert told == truth, f"{truth} blocks and bytes are lost: {totals}"


def check_diff(grown: Grown) -> None:
    """The rows of what is lost, and the first sentence, tell the growth."""
    report = grown.diff
    told = sum(row["bytes"] for row in report["attribution"] if row["kind"] == "lost")
    assert told == grown.grew_by("-"), f"{grown.grew_by('-')} bytes were lost: {told}; {shown(report)}"
    assert report["sentences"][0]["kind"] == "leak", f"{report['sentences'][0]}; {shown(report)}"


def check_heads(grown: Grown) -> None:
    """One head for each list, buffer, session and document."""
    heads = int(grown.stopped.said("heads")[0][0])
    totals = report_of(succeed("leaks", grown.cores[1], grown.program, "--json"))["totals"]
    assert totals["definitely_lost"]["blocks"] == heads, f"{heads} heads: {totals}"


def check_itself(grown: Grown) -> None:
    """That each session holds itself is said by diff, too."""
    groups = report_of(succeed("leaks", grown.cores[1], grown.program, "--json"))["groups"]
    heads = int(grown.stopped.said("heads")[0][0])
    assert sum(group["holding_themselves"] for group in groups) == heads, groups
    text = " ".join(sentence["text"] for sentence in grown.diff["sentences"])
    assert "each holds itself" in text, text


def check_steady(grown: Grown, name: str) -> None:
    """The table that the keys were taken from has as many as before."""
    (elements,) = {int(words[1]) for words in grown.stopped.said("steady") if words[0] == name}
    told = {row["name"]: (row["elements_before"], row["elements_after"]) for row in grown.diff["steady"]}
    assert told.get(name) == (elements, elements), f"{told}; {shown(grown.diff)}"


def check_nothing(grown: Grown) -> None:
    """Held by thread-specific data, by coroutines that wait, by kept exceptions."""
    blocks, size = map(int, grown.stopped.said("held")[0])
    assert blocks > 1000 and size > 1 << 20, (blocks, size)
    references = analyze(grown.cores[1], grown.program)["references"]
    for name in ("directly_lost", "indirectly_lost"):
        assert references[name] == {"blocks": 0, "bytes": 0}, references
    assert not [one for one in grown.diff["sentences"] if one["kind"] == "leak"], shown(grown.diff)


def run() -> None:
    for way in ("addresses", "keys", "boxes", "cycles", "documents"):
        with Grown("stories/forgotten", way) as grown:
            cases.run(f"{way}: lost", check_totals, grown)
            cases.run(f"{way}: diff", check_diff, grown)
            cases.run(f"{way}: heads", check_heads, grown)
            if way == "cycles":
                cases.run("cycles: each holds itself", check_itself, grown)
    with Grown("stories/stolen-glib") as grown:
        cases.run("stolen: lost", check_totals, grown)
        cases.run("stolen: diff", check_diff, grown)
        cases.run("stolen: the table", check_steady, grown, "g_events")
    with Grown("stories/forgotten", "nothing") as grown:
        cases.run("nothing", check_nothing, grown)


cases = Cases(__doc__)
if not cases.options.list:
    run()
cases.finish()
