#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pins: runs of free memory, the blocks that pin them, and what would go back, by what malloc itself gave back.

fixtures/pins.c knows where its runs and pins are. Forked children of it call malloc_trim(0), or free the pins, and measure what
the kernel (mincore) and malloc's own books (mallinfo2) say; heapcore has to predict that from a core of the parent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elfcore import Core
from harness import Cases, Skipped, Stopped, few, libc_version, report_of, succeed

PAGE = 4096
# malloc_trim: what the child's own calls touch, in each of the three arenas.
TRIM_TOLERANCE = 3 * 4 * PAGE
SMALL = 64 * 1024 + 3 * PAGE  # whole pages of less than 64 KiB
NAMES = {"session": "sessions", "route": "routes"}


@dataclass
class Stretch:
    """What the fixture says of one stretch and the island above it."""
    runs: list[tuple[int, int]] = field(default_factory=list)  # start, bytes; 0: not known
    pins: list[tuple[str, int, int]] = field(default_factory=list)  # kind, address, chunk bytes
    back: int = -1


def stretches_of(fixture: Stopped) -> dict[tuple[int, int], Stretch]:
    found: dict[tuple[int, int], Stretch] = {}
    for area, number, start, size in fixture.said("run"):
        found.setdefault((int(area), int(number)), Stretch()).runs.append((int(start, 16), int(size)))
    for area, number, kind, address, usable in fixture.said("pin"):
        found[int(area), int(number)].pins.append((kind, int(address, 16), int(usable) + 8))
    for area, number, size in fixture.said("back"):
        found[int(area), int(number)].back = int(size)
    assert len(found) == 11 and sum(one.back >= 0 for one in found.values()) == 10, found
    return found


def report(fixture: Stopped) -> dict[str, Any]:
    return report_of(succeed("pins", fixture.gcore(), fixture.program, "--json"))


def whole_pages(start: int, size: int) -> int:
    """mtrim(): what follows struct malloc_chunk, in whole pages."""
    first, end = -(-(start + 48) // PAGE) * PAGE, (start + size) // PAGE * PAGE
    return max(end - first, 0)


def last_of(known: dict[tuple[int, int], Stretch], area: int, number: int) -> bool:
    return (area, number + 1) not in known


def check_runs(told: dict[str, Any], known: dict[tuple[int, int], Stretch]) -> None:
    runs = {int(run["start"], 16): run for run in told["runs"]}
    problems, starts = [], set()
    for (area, number), stretch in known.items():
        cached = [pin for pin in stretch.pins if pin[0] == "cached"]
        for start, size in stretch.runs:
            starts.add(start)
            run = runs.get(start)
            if run is None:
                problems.append(f"area {area}, stretch {number}: no run at {start:#x}")
                continue
            expected = {
                "blocks": len(stretch.pins), "bytes": sum(pin[2] for pin in stretch.pins),
                "cached": {"blocks": len(cached), "bytes": sum(pin[2] for pin in cached)},
                "libc": {"blocks": 0, "bytes": 0}, "free": 0, "blocked": False,
                "start": hex(stretch.pins[0][1] - 16), "end": hex(stretch.pins[-1][1] - 16 + stretch.pins[-1][2])}
            if last_of(known, area, number) and run["above"]["free"] < SMALL:
                expected["free"] = run["above"]["free"]  # a top that is too small for a run
            if run["above"] != expected:
                problems.append(f"area {area}, stretch {number}: above {run['above']}, is {expected}")
            if size and (run["bytes"], run["whole_pages"]) != (size, whole_pages(start, size)):
                problems.append(f"area {area}, stretch {number}: {run}, has {size} bytes, "
                                f"{whole_pages(start, size)} in whole pages")
            if not run["pinned"] or run["is_top"] or (area == 0) != (run["arena"] == 0):
                problems.append(f"area {area}, stretch {number}: {run}")
    # Nothing else of that size is free but the tops.
    problems += [f"nobody freed {run}" for start, run in runs.items() if start not in starts and not run["is_top"]]
    assert not problems, few(problems)


def check_back(told: dict[str, Any], known: dict[tuple[int, int], Stretch]) -> None:
    runs = {int(run["start"], 16): run for run in told["runs"]}
    wrong = [f"area {area}, stretch {number}: malloc gave back {stretch.back}, predicted {runs[start]['goes_back']}"
             for (area, number), stretch in known.items() if stretch.back >= 0
             for start, _ in stretch.runs if runs[start]["goes_back"] != stretch.back]
    assert not wrong, few(wrong)


def check_holders(told: dict[str, Any], known: dict[tuple[int, int], Stretch], thread_known: bool) -> None:
    runs = {int(run["start"], 16): run for run in told["runs"]}
    expected: dict[str, list[int]] = {}
    for (area, _), stretch in known.items():
        # A block that is cached by another thread is another holder.
        kinds = {f"cached {area}" if kind == "cached" else kind for kind, _, _ in stretch.pins}
        below = sum(runs[start]["whole_pages"] for start, _ in stretch.runs)
        for kind in kinds:
            one = expected.setdefault(kind, [0, 0, 0, 0, 0])
            mine = [pin for pin in stretch.pins if pin[0] == kind.split()[0]]
            alone = below if len(kinds) == 1 else 0
            for i, more in enumerate((len(mine), sum(pin[2] for pin in mine), len(stretch.runs), below, alone)):
                one[i] += more
    found = {}
    for holder in told["holders"]:
        name = holder["holder"]
        if holder["kind"] == "typed":
            assert holder["path"] == f"{NAMES[name]}[]" and holder["certainty"] == "certain", holder
        elif holder["kind"] == "cached":
            assert (holder["thread"] is not None) == thread_known, holder
            name = "cached 0" if holder["example"] == hex(cached_in(known, 0)) else "cached 1"
        found[name] = [holder[key] for key in ("count", "bytes", "runs", "pinned", "alone")]
    assert found == expected, f"holders {found}, are {expected}"
    order = [holder["pinned"] for holder in told["holders"]]
    assert order == sorted(order, reverse=True)


def cached_in(known: dict[tuple[int, int], Stretch], area: int) -> int:
    return next(address for (where, _), stretch in known.items() if where == area
                for kind, address, _ in stretch.pins if kind == "cached")


def check_totals(told: dict[str, Any], trimmed: int) -> None:
    totals, runs = told["totals"], told["runs"]
    pinned = [run for run in runs if run["pinned"]]
    assert totals["free"] == sum(totals[kind] for kind in ("tcache", "fastbins", "bins", "top"))
    assert totals["runs"] == len(runs) and totals["pins"] == 11
    assert totals["pinned"] == sum(run["whole_pages"] for run in pinned)
    assert totals["pinned_zero"] == sum(run["zero_pages"] for run in pinned)
    assert totals["runs_whole_pages"] <= totals["whole_pages"] <= totals["free"]
    causes = {one["cause"]: one["bytes"] for one in told["kept"]}
    assert causes["pinned"] == totals["pinned"]
    parts = ("pinned", "under-live", "top", "thread-tops", "scattered", "tcache")
    assert sum(causes.get(part, 0) for part in parts) == totals["free"], f"{causes} are not {totals['free']}"
    assert abs(totals["trim"] - trimmed) <= TRIM_TOLERANCE, \
        f"malloc_trim(0) gave {trimmed} resident bytes back, predicted {totals['trim']}"


def check(tunables: str, *arguments: str) -> None:
    environment = {"GLIBC_TUNABLES": ":".join(f"glibc.malloc.{one}" for one in tunables.split(":"))} if tunables else {}
    with Stopped("pins", arguments, environment) as fixture:
        known = stretches_of(fixture)
        told = report(fixture)
        check_runs(told, known)
        check_back(told, known)
        check_totals(told, int(fixture.said("trim")[0][0]))
        check_holders(told, known, True)
        check_thresholds(told, tunables)


def check_risen() -> None:
    """free() of an mmapped chunk (malloc.c): mmap_threshold is its size then, and trim_threshold twice that."""
    with Stopped("pins", ("risen",)) as fixture:
        size = int(fixture.said("risen")[0][0])
        known = stretches_of(fixture)
        told = report(fixture)
        check_runs(told, known)
        check_back(told, known)
        thresholds = told["thresholds"]
        assert (thresholds["mmap_threshold"], thresholds["trim_threshold"]) == (size, 2 * size), thresholds
        assert thresholds["thresholds_move"]
        large = [one for one in told["kept"] if one["cause"] == "large"]
        # Of the runs all but the smallest have 128 KiB, which is where malloc would have begun to map.
        assert len(large) == 1 and large[0]["bytes"] == sum(
            run["bytes"] for run in told["runs"] if run["bytes"] >= 128 * 1024 and not run["is_top"]), large
        assert "mmap_threshold" in large[0]["tunable"]


def check_thresholds(told: dict[str, Any], tunables: str) -> None:
    """mp_ as the tunables set it; 128 KiB where nobody did (mallopt(3))."""
    given = dict(one.split("=") for one in tunables.split(":") if one)
    thresholds = told["thresholds"]
    assert thresholds["trim_threshold"] == int(given.get("trim_threshold", 128 * 1024)), thresholds
    assert thresholds["mmap_threshold"] == int(given.get("mmap_threshold", 128 * 1024)), thresholds
    if "top_pad" in given:
        assert thresholds["top_pad"] == int(given["top_pad"]), thresholds
    moved = not set(given) & {"trim_threshold", "mmap_threshold", "top_pad"}
    assert thresholds["thresholds_move"] == moved, thresholds


def check_text() -> None:
    """The advice stands first and names figures and the main holder; --limit cuts runs and holders."""
    with Stopped("pins") as fixture:
        core = fixture.gcore()
        told = report_of(succeed("pins", core, fixture.program, "--json"))
        text = succeed("pins", core, fixture.program).out
        first = " ".join(text.split("\n\n")[0].split())
        assert first == told["advice"], first
        assert "malloc_trim(0) would give back" in first and "route (routes[])" in first, first
        assert "1 cached block, 208 B" in text, text
        few_rows = report_of(succeed("pins", core, fixture.program, "--json", "--limit", "2"))
        assert len(few_rows["runs"]) == len(few_rows["holders"]) == 2 and few_rows["totals"] == told["totals"]


def check_finding() -> None:
    """analyze points to pins, and names what pins most."""
    with Stopped("pins") as fixture:
        core = fixture.gcore()
        findings = report_of(succeed("analyze", core, fixture.program, "--json"))["findings"]
        retained = [one for one in findings if one["kind"] == "retained"]
        assert len(retained) == 1 and " pins " in retained[0]["command"], retained
        assert "route (routes[])" in retained[0]["text"], retained


def check_no_debug_info() -> None:
    """Without names the figures are the same."""
    with Stopped("pins") as fixture:
        core = fixture.gcore()
        one = report_of(succeed("pins", core, fixture.program, "--json"))
        other = report_of(succeed("pins", core, "--sysroot=/nonexistent", "--json", statuses=(0, 3)))
        assert [run for run in one["runs"]] == [run for run in other["runs"]]
        assert {holder["kind"] for holder in other["holders"]} <= {"typed", "unknown", "cached"}
        for key in ("pinned", "pins", "trim", "free"):
            assert one["totals"][key] == other["totals"][key]
        assert one["thresholds"] == other["thresholds"], other["thresholds"]


def overwrite(path: Path, offset: int, content: bytes) -> bytes:
    """Returns what was there."""
    with path.open("r+b") as file:
        file.seek(offset)
        before = file.read(len(content))
        file.seek(offset)
        file.write(content)
    return before


def check_damaged() -> None:
    """Chunks, the chain of heaps, malloc's thresholds overwritten: an answer or a refusal, never a crash or a figure out of bounds."""
    with Stopped("pins") as fixture:
        core = fixture.gcore()
        known = stretches_of(fixture)
        runs = [start for stretch in known.values() for start, _ in stretch.runs]
        pins = [address for stretch in known.values() for _, address, _ in stretch.pins]
        heaps = {start & ~((64 << 20) - 1) for (area, _), stretch in known.items() if area for start, _ in stretch.runs}
        top_heap = max(heaps)
        damages = {
            "size of a free chunk": (runs[2] + 8, b"\xff" * 8),
            "size 0": (runs[3] + 8, b"\0" * 8),
            "list of a free chunk": (runs[1] + 16, b"\xee" * 16),
            "size of a pin": (pins[0] - 8, (1 << 40).to_bytes(8, "little")),
            **{f"heap {i} after itself": (heap + 8, heap.to_bytes(8, "little")) for i, heap in enumerate(sorted(heaps))},
            **{f"heap {i} after the last": (heap + 8, top_heap.to_bytes(8, "little")) for i, heap in enumerate(sorted(heaps))},
            **{f"size of heap {i}": (heap + 16, b"\xff" * 8) for i, heap in enumerate(sorted(heaps))},
        }
        layout = Core(core)
        for name, (address, content) in damages.items():
            offset = layout.offset_of(address)
            original = overwrite(core, offset, content)
            told = report_of(succeed("pins", core, fixture.program, "--json", statuses=(0, 3)))
            overwrite(core, offset, original)
            mapped = layout.mapped_bytes()
            for run in told["runs"]:
                assert run["goes_back"] <= mapped and run["zero_pages"] <= run["whole_pages"] <= run["bytes"] <= mapped, \
                    f"{name}: {run}"
            assert told["totals"]["free"] <= mapped, name


def version_needed(version: tuple[int, int]) -> None:
    if libc_version() < version:
        raise Skipped(f"glibc {version[0]}.{version[1]} or later has these tunables")


def check_tuned(tunables: str) -> None:
    version_needed((2, 35) if "hugetlb" in tunables else (2, 26))
    check(tunables)


cases = Cases(__doc__)
cases.run("runs, pins, what goes back", check, "")
cases.run("trimmed before", check, "", "trimmed")
for one in ("trim_threshold=4000000", "top_pad=0", "top_pad=1000000", "trim_threshold=50000000:top_pad=70000",
            "mxfast=0", "mmap_threshold=131072", "hugetlb=1"):
    cases.run(one, check_tuned, one)
cases.run("thresholds that rose", check_risen)
cases.run("text", check_text)
cases.run("finding", check_finding)
cases.run("no debug info", check_no_debug_info)
cases.run("damaged", check_damaged)
cases.finish()
