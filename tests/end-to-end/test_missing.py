#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a core lacks is not called lost, absent or grown.

Blocks whose only pointers are in memory that the core leaves out look lost: then every figure is an upper bound, the range is told, and
the exit status is 3. Where nothing that matters is left out, lost is lost.
"""

from __future__ import annotations

from pathlib import Path

from harness import Cases, Stopped, report_of, succeed

KINDS = ("capture", "gcore", "kernel")
PARTIAL = 3


def core_of(fixture: Stopped, kind: str) -> Path:
    if kind != "capture":
        return fixture.core(kind)
    succeed("capture", str(fixture.pid), "-o", fixture.folder / "capture")
    return next((fixture.folder / "capture").glob("core.*"))


def said_numbers(fixture: Stopped, key: str) -> tuple[int, int]:
    words = fixture.said(key)[0]
    return int(words[0], 0), int(words[1], 0)


def check_is_bound(mode: str, kind: str) -> None:
    with Stopped("left-out", [mode], recorder=False) as fixture:
        core = core_of(fixture, kind)
        start, end = said_numbers(fixture, "range")
        held, lost = said_numbers(fixture, "held"), said_numbers(fixture, "lost")
        report = report_of(succeed("leaks", core, "--json", statuses=[PARTIAL]))
        assert report["status"] == "partial", report["status"]
        # All that looks lost is in the figures, and no range but the index is said to be missing.
        totals = report["totals"]["definitely_lost"]
        assert totals == {"blocks": held[0] + lost[0], "bytes": held[1] + lost[1]}, (totals, held, lost)
        missing = report["missing"]
        assert len(missing) == 1 and int(missing[0]["start"], 16) == start, (missing, hex(start))
        assert missing[0]["end"] is None or int(missing[0]["end"], 16) == end, (missing, hex(end))
        if kind == "capture":  # where smaps tells exactly
            assert missing[0]["why"] == mode, missing

        text = succeed("leaks", core, statuses=[PARTIAL]).out
        assert "definitely lost" not in text and "at most" in text and f"{start:#x}" in text, text
        first_screen = succeed("analyze", core, statuses=[PARTIAL]).out
        assert "at most lost" in first_screen and f"{start:#x}" in first_screen.replace("\n" + " " * 22, " "), first_screen
        for jobs in ("1", "3"):
            again = report_of(succeed("leaks", core, "--json", "--jobs", jobs, statuses=[PARTIAL]))
            assert again["missing"] == missing, (again["missing"], missing)


def check_is_lost(mode: str, kind: str) -> None:
    """Nothing that could hold pointers is left out: no bound is told, and nobody is warned."""
    with Stopped("left-out", [mode], recorder=False) as fixture:
        core = core_of(fixture, kind)
        blocks, size = said_numbers(fixture, "lost")
        report = report_of(succeed("leaks", core, "--json"))
        assert report["missing"] == [] and report["status"] == "complete", report
        assert report["totals"]["definitely_lost"] == {"blocks": blocks, "bytes": size}, report["totals"]
        assert "definitely lost" in succeed("leaks", core).out


def cut(core: Path, percent: int) -> Path:
    piece = core.with_name(f"cut-{percent}")
    data = core.read_bytes()
    piece.write_bytes(data[:len(data) * percent // 100])
    return piece


def check_not_read(core: Path, state: str, *words: str) -> None:
    """No figure of a heap that was not read is told as 0, and nothing is said to be absent."""
    report = report_of(succeed("analyze", core, "--json", statuses=[PARTIAL]))
    assert report["allocator"]["state"] == state and not report["allocator"]["found"], report["allocator"]
    assert [finding["kind"] for finding in report["findings"]].count("heap-not-read") == 1, report["findings"]
    leaks = report_of(succeed("leaks", core, "--json", statuses=[PARTIAL]))
    assert leaks["totals"] is None and not leaks["mappings"], leaks
    for command in ("analyze", "leaks", "pins", "arenas", "containers", "owners", "types"):
        text = succeed(command, core, statuses=[PARTIAL]).out
        for wrong in ("no heap of glibc", "no glibc heap", "not malloc's", "definitely lost", "0 B are free", "(-g)"):
            assert wrong not in text, (command, wrong, text)
        if command in ("analyze", "leaks", "pins", "arenas"):
            assert all(word in " ".join(text.split()) for word in words), (command, text)


def check_cut(kind: str, percent: int) -> None:
    with Stopped("left-out", recorder=False) as fixture:
        check_not_read(cut(fixture.core(kind), percent), "missing", "the core lacks memory")


def check_cut_anywhere(kind: str) -> None:
    """With the program given, wherever the core ends: nothing is said to be absent or to have shrunk."""
    with Stopped("left-out", recorder=False) as fixture:
        whole = fixture.core(kind)
        for percent in range(10, 100, 10):
            piece = cut(whole, percent)
            for words in (["analyze", piece, fixture.program], ["leaks", piece, fixture.program], ["diff", whole, piece]):
                text = succeed(*words, statuses=[PARTIAL]).out
                for wrong in ("no heap of glibc", "no glibc heap", "not malloc's", "-> 0", "did not grow", "STEADY"):
                    assert wrong not in text, (percent, words[0], wrong, text)
            piece.unlink()


def check_diff_cut(percent: int, cut_first: bool) -> None:
    """One of two cores was cut: no claim of growth, of shrinking or of what is steady rests on what it lacks."""
    with Stopped("stories/labels", ["gauges"], recorder=False) as fixture:
        whole = fixture.gcore()
        fixture.go_on()
        torn = cut(fixture.gcore() if not cut_first else whole, percent)
        order = [torn, fixture.gcore()] if cut_first else [whole, torn]
        report = report_of(succeed("diff", *order, "--json", statuses=[PARTIAL]))
        assert report["growth"] is None and report["status"] == "partial", report["growth"]
        assert report["sentences"] == [] and report["steady"] == [] and report["attribution"] == [], report
        assert all(row["growth"] is None for row in report["memory"]["rows"]), report["memory"]
        assert not report["sizes"], report["sizes"]
        text = " ".join(succeed("diff", *order, statuses=[PARTIAL]).out.split())
        for wrong in ("STEADY", "Memory grew", "Memory shrank", "did not grow", "->", "a leak"):
            assert wrong not in text, (wrong, text)
        assert f"Core {'A' if cut_first else 'B'} was cut" in text, text


def check_diff_bound() -> None:
    """What looks lost in the later core only may be held from what it lacks."""
    with Stopped("left-out", ["plain"], recorder=False) as fixture, Stopped("left-out", ["excluded"], recorder=False) as other:
        cores = [core_of(fixture, "capture"), core_of(other, "capture")]
        report = report_of(succeed("diff", *cores, "--json", statuses=[PARTIAL]))
        leak = next(sentence for sentence in report["sentences"] if sentence["kind"] == "leak")
        assert leak["confidence"] == "possible" and "at most" in leak["text"] and "not in the cores" in leak["text"], leak
        text = " ".join(succeed("diff", *cores, statuses=[PARTIAL]).out.split())
        assert "at most a leak" in text, text


def check_machine() -> None:
    """A core that says it is of another machine: that this is not read is said, not that there is no heap."""
    with Stopped("left-out", recorder=False) as fixture:
        core = fixture.gcore()
        data = bytearray(core.read_bytes())
        data[18:20] = (243).to_bytes(2, "little")  # e_machine: EM_RISCV
        other = core.with_name("other-machine")
        other.write_bytes(data)
        check_not_read(other, "unsupported", "machine 243", "not read yet")


cases = Cases(__doc__)
for kind in KINDS:
    for mode in ("excluded", "shared"):
        cases.run(f"a bound: {mode}, {kind}", check_is_bound, mode, kind)
    cases.run(f"lost: plain, {kind}", check_is_lost, "plain", kind)
cases.run("lost: untouched, capture", check_is_lost, "untouched", "capture")
for kind in ("gcore", "kernel"):
    for percent in (30, 50):
        cases.run(f"cut to {percent} %, {kind}", check_cut, kind, percent)
    cases.run(f"cut at every 10 %, {kind}", check_cut_anywhere, kind)
cases.run("another machine", check_machine)
for percent in (30, 50):
    cases.run(f"diff, the last cut to {percent} %", check_diff_cut, percent, False)
    cases.run(f"diff, the first cut to {percent} %", check_diff_cut, percent, True)
cases.run("diff, what looks lost", check_diff_bound)
cases.finish()
