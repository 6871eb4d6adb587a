#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""heapcore containers: every container of the fixtures, with the elements and the bytes that the program says it has."""

from __future__ import annotations

import random
import re
import struct
from pathlib import Path
from typing import Any, Iterable, Optional

from elfcore import Core
from harness import Cases, Stopped, Workspace, few, heapcore, report_of, succeed
from variants import SMALL_CORE, VARIANTS, Builder, Truth, Variant, only_here, truths_of

Row = dict[str, Any]

# How a container's type may be called; what is written by hand is known by its shape, and has any name.
SPELLINGS = {
    "std::string": ("std::string", "std::basic_string"),
    "std::basic_string": ("std::basic_string", "std::wstring"),
    **{f"G{name}": (f"G{name}", f"_G{name}") for name in (
        "List", "SList", "Queue", "Array", "PtrArray", "ByteArray", "String", "HashTable", "Tree", "Sequence", "AsyncQueue")},
}
# One thing or none: without memory of their own, without a count that could be wrong.
SINGLES = {"std::array", "std::optional", "std::variant", "std::unique_ptr", "std::shared_ptr", "std::weak_ptr", "std::function",
           "std::any"}
# These keep no count: a link that was turned to another element of the same list makes another list, and nobody can tell.
UNCOUNTED = {"std::forward_list", "GList", "GSList", "TAILQ", "STAILQ", "SIMPLEQ", "LIST", "SLIST", "CIRCLEQ", "list_head",
             "hlist_head"}
PAGE = 4096


def containers(core: Path, *arguments: Any) -> dict[str, Any]:
    return report_of(succeed("containers", core, *arguments, "--json", "--limit", "0", statuses=(0, 3)))


def address_of(row: Row) -> Optional[int]:
    return int(row["address"], 16) if row.get("address") else None


def plain(path: str) -> str:
    """A path without what tells that a pointer was followed."""
    return re.sub(r"^\*|->$", "", path).replace("->", ".")


def is_member(row: Row) -> bool:
    """A row of many containers."""
    return row["where"].startswith(("field of ", "in every element of "))


def named(row: Row, kind: str) -> bool:
    if not kind.startswith(("std::", "G")):
        return True
    template = row["type"].partition("<")[0].rstrip(" *")
    return re.sub(r"^struct ", "", template) in SPELLINGS.get(kind, (kind,))


# ---- one container --------------------------------------------------------------------------------------------------


def members_of(rows: list[Row], truth: Truth) -> list[Row]:
    """The rows of a member: of objects that pointers lead to, or of the elements of containers; of a single one, as it is reached."""
    last = re.compile(rf"(^|[.>]){re.escape(truth.path)}$")
    holder = re.compile(rf"field of (.*::)?{re.escape(truth.place.rpartition('::')[2])}$|in every element of ")
    found = [row for row in rows if last.search(row["path"]) and named(row, truth.kind)]
    return [row for row in found if holder.match(row["where"])] or found[:1 if truth.count == 1 else 0]


def rows_of(rows: list[Row], truth: Truth) -> list[Row]:
    if truth.sort == "member":
        return members_of(rows, truth)
    of_kind = [row for row in rows if row["count"] == 1 and named(row, truth.kind)]
    found = [row for row in of_kind if address_of(row) == truth.address]
    by_path = [row for row in found or of_kind if plain(row["path"]) == truth.path]
    return by_path[:1] or found[:1]


def check_place(row: Row, truth: Truth) -> Iterable[str]:
    where, path = row["where"], plain(row["path"])
    if truth.sort == "member":
        return
    if truth.sort == "function-static":
        if not path.endswith(truth.path) or truth.place not in where + path:
            yield f"path {path!r}, where {where!r}"
        return
    if path != truth.path:
        yield f"path {row['path']!r}"
    if truth.sort == "static" and where != "static":
        yield f"where {where!r}"
    if truth.sort == "thread-local" and not re.fullmatch(r"thread-local of thread \d+", where):
        yield f"where {where!r}"
    if truth.sort == "local" and not re.fullmatch(rf"(.*::)?{re.escape(truth.place)}\(.*\) frame \d+ of thread \d+", where):
        yield f"where {where!r}"


def check_figures(found: list[Row], truth: Truth) -> Iterable[str]:
    total = lambda key: sum(row[key] or 0 for row in found)
    row = found[0]
    # Of a chain that keeps no count, in slices or pools of the program's own, nothing is there to be checked.
    allowed = ("exact", "deduced") if truth.kind == "GSList" else ("exact",)
    if any(one["grade"] not in allowed for one in found):
        yield f"grade {row['grade']}"
    if total("count") != truth.count:
        yield f"{total('count')} of them, {truth.count} are there"
    if total("elements") != truth.elements or total("walked") != truth.elements:
        yield f"elements {total('elements')}, walked {total('walked')}, {truth.elements} are there"
    if truth.has_capacity and total("capacity") != truth.capacity:
        yield f"capacity {total('capacity')}, is {truth.capacity}"
    if truth.has_capacity is False and row["capacity"] is not None:
        yield f"capacity {row['capacity']}, has none"
    if truth.own is not None and total("bytes_own") != truth.own:
        yield f"own {total('bytes_own')} bytes, are {truth.own}"
    if truth.below is not None and total("bytes_below") != truth.below:
        yield f"below {total('bytes_below')} bytes, are {truth.below}"
    if total("touched") + total("untouched") != total("bytes_own"):
        yield f"touched {total('touched')}, untouched {total('untouched')}, own {total('bytes_own')}"
    if truth.untouched >= 64 * PAGE and abs(total("untouched") - truth.untouched) > 2 * PAGE:
        yield f"untouched {total('untouched')}, are {truth.untouched}"


def check(rows: list[Row], truths: list[Truth]) -> None:
    problems = []
    for truth in truths:
        found = rows_of(rows, truth)
        if not found:
            at = [(row["path"], row["where"], row["type"]) for row in rows if address_of(row) == truth.address != 0]
            problems.append(f"{truth}: no row{f'; there are {at}' if at else ''}")
            continue
        problems += [f"{truth}: {what}" for what in [*check_place(found[0], truth), *check_figures(found, truth)]]
    assert not problems, f"{len(problems)} of {len(truths)} containers:{few(problems)}"


# ---- a whole program ------------------------------------------------------------------------------------------------


def optimized_out(report: Any) -> int:
    """How many variables had no value, by any key of that name."""
    if isinstance(report, list):
        return sum(map(optimized_out, report))
    if isinstance(report, dict):
        return sum(value if key == "optimized_out" and isinstance(value, int) else optimized_out(value) for key, value in report.items())
    return 0


def check_taken_apart(report: dict[str, Any], fixture: Stopped) -> None:
    """A local that need not be in memory: found with its elements, or counted among those that have no value."""
    for function, name, kind, elements in fixture.said("maybe"):
        rows = [row for row in report["containers"] if row["path"] == name and function in row["where"] and named(row, kind)]
        if not rows:
            assert optimized_out(report) > 0, f"{name} of {function}() is neither listed nor counted as optimized out"
        for row in rows:
            assert row["grade"] != "exact" or row["elements"] == row["walked"] == int(elements), f"{elements} elements: {row}"


def check_not_alive(report: dict[str, Any], fixture: Stopped) -> None:
    for function, name in fixture.said("dead"):
        rows = [row for row in report["containers"] if row["path"] == name and function in row["where"]]
        assert all(row["elements"] == 0 for row in rows), f"{name} of {function}() is not constructed yet: {rows}"


def check_nothing_else(rows: list[Row], truths: list[Truth], fixture: Stopped) -> None:
    """What is listed alone, and exact, the program knows, too."""
    known = {truth.address for truth in truths if truth.sort != "member"}
    names = {truth.path for truth in truths} | {words[1] for words in fixture.said("maybe")}
    more = [f"{row['path']} ({row['where']}, {row['type']}): {row['elements']} elements" for row in rows
            if not is_member(row) and row["grade"] == "exact" and row["elements"] > 0 and row["type"].startswith("std::")
            and address_of(row) not in known and plain(row["path"]) not in names
            and not any(plain(row["path"]).startswith((f"{name}.", f"{name}[")) for name in names)]
    assert not more, f"nobody has these:{few(more)}"


def check_once(rows: list[Row]) -> None:
    """A container is listed once, however many ways lead to it."""
    seen = [(address_of(row), row["type"]) for row in rows if not is_member(row) and address_of(row)]
    twice = {one for one in seen if seen.count(one) > 1}
    assert not twice, f"listed more than once:{few((row['path'], row['where'], row['type']) for row in rows if (address_of(row), row['type']) in twice)}"


def check_order(rows: list[Row]) -> None:
    below = [row["bytes_below"] for row in rows]
    assert below == sorted(below, reverse=True), f"most bytes below first: {below[:20]}"


def check_shape(rows: list[Row]) -> None:
    for row in rows:
        for key in ("path", "where", "type", "count", "elements", "walked", "capacity", "bytes_own", "bytes_below", "grade", "address",
                    "touched", "untouched", "keys"):
            assert key in row, f"{key!r} is missing: {row}"
        assert row["grade"] in ("exact", "truncated", "implausible", "deduced"), row
        assert row["bytes_own"] <= row["bytes_below"], row


def run_all(label: str, core: Path, fixture: Stopped) -> None:
    reports: list[dict[str, Any]] = []
    cases.run(f"{label}: command", lambda: reports.append(containers(core, fixture.program)))
    if not reports:
        return
    report, = reports
    rows, truths = report["containers"], truths_of(fixture)
    cases.run(f"{label}: keys of rows", check_shape, rows)
    for kind in sorted({truth.kind for truth in truths}):
        cases.run(f"{label}: {kind}", check, rows, [truth for truth in truths if truth.kind == kind])
    for sort in sorted({truth.sort for truth in truths}):
        cases.run(f"{label}: all {sort}", check, rows,
                  [truth for truth in truths if truth.sort == sort and truth.kind not in SINGLES])
    cases.run(f"{label}: taken apart", check_taken_apart, report, fixture)
    cases.run(f"{label}: not alive", check_not_alive, report, fixture)
    cases.run(f"{label}: nothing else", check_nothing_else, rows, truths, fixture)
    cases.run(f"{label}: each once", check_once, rows)
    cases.run(f"{label}: order", check_order, rows)


# ---- lists whose links do not tell what they are in -----------------------------------------------------------------------

# Of the fixture containers-c, by how its structs are made. g_cats: no other struct has that size and place; g_wolves: one has.
DEDUCED = {"g_devices": "device", "g_dirty": "inode", "g_lru": "inode", "g_cats": "cat", "g_free_seats": "seat_of_row", "g_words": "word"}
GUESSED = {"g_wolves": ("wolf", "dog")}
NOT_FOUND = ("g_hidden", "g_no_devices", "g_no_words")


def row_at(report: dict[str, Any], path: str) -> Row:
    row, = (row for row in report["containers"] if row["path"] == path)
    return row


def told(report: dict[str, Any], path: str) -> tuple[str, Optional[str]]:
    row = row_at(report, path)
    return row["certainty"], row["element"]


def check_deduced(report: dict[str, Any]) -> None:
    wrong = [f"{path}: {told(report, path)}, is {element}" for path, element in DEDUCED.items()
             if told(report, path) != ("deduced", element)]
    wrong += [f"{path}: {told(report, path)}, is one of {elements}" for path, elements in GUESSED.items()
              if told(report, path)[0] != "guess" or told(report, path)[1] not in elements]
    wrong += [f"{path}: {told(report, path)}, cannot be known" for path in NOT_FOUND if told(report, path) != ("certain", None)]
    assert not wrong, few(wrong)


def check_annotated(core: Path, fixture: Stopped) -> None:
    """What the user says of a list is certain, and the figures are the same; what is wrong of it is said to be wrong."""
    truth, = (truth for truth in truths_of(fixture) if truth.path == "g_annotated")
    with Workspace() as folder:
        for link, grade in ("siblings", "exact"), ("minor", None):
            description = folder / "annotated.containers"
            description.write_text(f"[annotate]\ng_annotated = elem=struct device; link={link}\n")
            report = containers(core, fixture.program, "--containers", description)
            if grade:
                check(report["containers"], [truth])
                assert told(report, "g_annotated") == ("certain", None), told(report, "g_annotated")
            else:
                rows = [row for row in report["containers"] if row["path"] == "g_annotated" and not row["is_shape"]]
                assert all(row["grade"] != "exact" for row in rows), rows


def run_links(core: Path, fixture: Stopped) -> None:
    cases.run("c: deduced", lambda: check_deduced(containers(core, fixture.program)))
    cases.run("c: annotated", check_annotated, core, fixture)


# ---- damage ---------------------------------------------------------------------------------------------------------


def writable_words(core: Core) -> list[tuple[int, int]]:
    """(offset in the file, words) of each writable segment."""
    return [(segment.offset, segment.file_size // 8) for segment in core.segments if segment.flags & 2 and segment.file_size >= 8]


def is_pointer(core: Core, word: int) -> bool:
    return any(segment.start <= word < segment.end for segment in core.segments if segment.flags & 2)


def pick(core: Core, source: random.Random, count: int) -> list[int]:
    """Offsets of words that point into writable memory."""
    places, picked = writable_words(core), []
    weights = [words for _, words in places]
    while len(picked) < count:
        offset, words = source.choices(places, weights)[0]
        at = offset + 8 * source.randrange(words)
        if is_pointer(core, struct.unpack_from("<Q", core.bytes, at)[0]):
            picked.append(at)
    return picked


def words_of_containers(core: Core, source: random.Random, truths: list[Truth], count: int) -> list[int]:
    """Offsets of words in the objects themselves, counts too."""
    own = [truth for truth in truths if truth.address and truth.kind not in SINGLES]
    return [core.offset_of((source.choice(own).address & ~7) + 8 * source.randrange(3)) for _ in range(count)]


def damaged(core: Core, source: random.Random, offsets: list[int]) -> bytes:
    content = bytearray(core.bytes)
    for at in offsets:
        old = struct.unpack_from("<Q", content, at)[0]
        other = struct.unpack_from("<Q", core.bytes, pick(core, source, 1)[0])[0]
        far = old + 8 * source.randrange(1 << 28, 1 << 34)  # near ones may be as good as the old: a vector has room behind its end
        new = source.choice((source.getrandbits(64), source.getrandbits(47), other, 0, far, old ^ 1 << 40))
        struct.pack_into("<Q", content, at, new & (1 << 64) - 1)
    return bytes(content)


def is_empty_now(row: Row) -> bool:
    """All words of a vector zero: as good as one that never had elements."""
    return row["elements"] == 0 and row["type"].startswith(("std::vector", "std::basic_string", "std::string"))


def check_damaged(core_path: Path, program: Path, truths: list[Truth], seed: int, objects: bool) -> None:
    """300 words are not what they were: no crash, no end that never comes, and nothing wrong that is said to be right."""
    source, core = random.Random(seed), Core(core_path)
    whole = heapcore("containers", core_path, program, "--json", "--limit", "0")
    offsets = words_of_containers(core, source, truths, 300) if objects else pick(core, source, 300)
    with Workspace() as folder:
        path = folder / "damaged"
        path.write_bytes(damaged(core, source, offsets))
        done = heapcore("containers", path, program, "--json", "--limit", "0")
    assert done.status in (0, 3), done
    assert done.seconds <= 2 * whole.seconds + 15, f"{done.seconds:.1f} s, undamaged {whole.seconds:.1f} s"
    rows = report_of(done)["containers"]
    wrong = [f"{row['path']} ({row['type']}): {row['elements']} elements, {row['walked']} walked" for row in rows
             if row["grade"] == "exact" and (row["elements"] != row["walked"] or row["elements"] > 1e8)]
    by_address = {(truth.address, truth.kind): truth for truth in truths if truth.address and truth.sort != "member"}
    for (address, kind), truth in by_address.items():
        if kind in SINGLES | UNCOUNTED:
            continue
        wrong += [f"{truth}: exact with {row['elements']} elements, {truth.elements} are there" for row in rows
                  if address_of(row) == address and named(row, kind) and row["grade"] == "exact" and not is_member(row)
                  and row["elements"] != truth.elements and not is_empty_now(row)]
    assert not wrong, f"said to be exact:{few(wrong)}"


# ---- which programs -------------------------------------------------------------------------------------------------


def run_variant(variant: Variant, program: Path, library: Path) -> None:
    with Stopped(str(program), (f"library={library}",), SMALL_CORE, recorder=False) as fixture:
        core = fixture.gcore()
        run_all(variant.name, core, fixture)
        if variant in VARIANTS[:2]:
            truths = truths_of(fixture)
            for seed in range(1, 5):
                cases.run(f"{variant.name}: damaged {seed}", check_damaged, core, program, truths, seed, False)
            cases.run(f"{variant.name}: damaged objects", check_damaged, core, program, truths, 5, True)


def check_pieces(report: dict[str, Any], fixture: Stopped) -> None:
    """Nodes that share blocks with others' (GSlice): the bytes of the nodes are a container's own, and in what it keeps alive."""
    said = {path: int(size) for path, size in fixture.said("pieces")}
    rows = {row["path"]: row for row in report["containers"] if row["path"] in said}
    wrong = [f"{path}: {rows[path]['bytes_own'] if path in rows else 'no row'}, nodes have {size}" for path, size in said.items()
             if path not in rows or rows[path]["bytes_own"] != size or rows[path]["bytes_below"] < size]
    assert not wrong, few(wrong)


def run_fixture(program: str, label: str, environment: dict[str, str]) -> None:
    with Stopped(program, (), environment, recorder=False) as fixture:
        core = fixture.gcore()
        run_all(label, core, fixture)
        if fixture.said("pieces"):
            cases.run(f"{label}: pieces", lambda: check_pieces(containers(core, fixture.program), fixture))
        if program == "containers-c":
            run_links(core, fixture)
        cases.run(f"{label}: damaged", check_damaged, core, fixture.program, truths_of(fixture), 6, False)


def wanted(label: str) -> bool:
    """Patterns on the command line begin with a label, or name cases of all."""
    labels = [*(variant.name for variant in VARIANTS), *(label for label, _, _ in FIXTURES)]
    named_labels = [pattern.partition(":")[0] for pattern in cases.options.patterns if pattern.partition(":")[0] in labels]
    return not named_labels or label in named_labels


def run_variants() -> None:
    with Workspace() as folder, Builder(folder) as builder:
        built = [(variant, builder.program(variant, "containers"), builder.library(variant, "containers-library"))
                 for variant in VARIANTS if variant.here and wanted(variant.name)]
        for variant, program, library in built:
            cases.run(f"{variant.name}: builds", lambda: (program.result(), library.result()))
            if not program.exception() and not library.exception():
                run_variant(variant, program.result(), library.result())


FIXTURES = [
    ("glib", "containers-glib", {"G_SLICE": "always-malloc"}),
    ("glib slices", "containers-glib", {}),
    ("c", "containers-c", {}),
]

cases = Cases(__doc__)
if not cases.options.list:
    only_here()
    run_variants()
    for name, fixture_name, variables in FIXTURES:
        if wanted(name):
            run_fixture(fixture_name, name, variables)
cases.finish()
