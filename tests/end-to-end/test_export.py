#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""export: what other tools read says what the reports say, and other tools do read it.

pprof's form is decoded here by its field numbers, by protoc, and opened by go tool pprof where these are installed; the database is asked by Python's
sqlite3, whose blocks are held against the recorder's and whose pointers against those that fixtures/retains.c tells; all rows are compared in three
formats; the queries of docs/export.md give the figures of the reports.
"""

from __future__ import annotations

import csv
import functools
import gzip
import json
import os
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any, Iterator

import harness
from harness import SOURCE, Cases, Skipped, Stopped, few, heapcore, need_captures, report_of, succeed

TABLES = ("process", "memory", "mappings", "modules", "roots", "types", "owners", "containers", "lost", "blocks", "pointers")
KILLER = harness.FIXTURES / "tests" / "support" / ".libs" / "killer.so"
SECRET = "hunter2-Zq9x"  # as fixtures/secrets.cpp has it


def export(core: Path, form: str, *options: Any, file: str = "") -> Path:
    made = core.parent / (file or f"{core.name}.{form}")
    done = heapcore("export", core, "--format", form, "-o", made, "--force", *options)
    assert done.status in (0, 3) and not done.out, done
    assert made.stat().st_mode & 0o777 == 0o600, oct(made.stat().st_mode)
    return made


def rows_of(core: Path, table: str, *options: Any) -> list[dict[str, Any]]:
    done = succeed("export", core, "--format", "ndjson", "--table", table, *options, statuses=(0, 3))
    return [json.loads(line) for line in done.out.splitlines()]


@functools.lru_cache(None)
def analyze(core: Path) -> dict[str, Any]:
    return harness.analyze(core)


@functools.lru_cache(None)
def profile_of(core: Path) -> Path:
    return export(core, "pprof")


@functools.lru_cache(None)
def owners(core: Path) -> dict[str, Any]:
    return report_of(succeed("owners", core, "--min", "0", "--depth", "1000", "--json", statuses=(0, 3)))


# ---- pprof ----------------------------------------------------------------------------------------------------------


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message: (number, integer or bytes)."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 2:
            length = varint()
            assert at + length <= len(data), "a field is longer than its message"
            yield key >> 3, data[at:at + length]
            at += length
        else:
            raise AssertionError(f"wire type {key & 7}")


def numbers(packed: bytes) -> list[int]:
    values, value, shift = [], 0, 0
    for byte in packed:
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            values.append(value)
            value = shift = 0
    return values


class Profile:
    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        assert data[:2] == b"\x1f\x8b", "it is not compressed"
        parts: dict[int, list[Any]] = {}
        for number, value in fields(gzip.decompress(data)):
            parts.setdefault(number, []).append(value)
        self.strings = [text.decode() for text in parts[6]]
        assert self.strings[0] == "" and len(set(self.strings)) == len(self.strings)
        self.types = [self.strings[dict(fields(kind))[1]] for kind in parts[1]]
        self.default = self.strings[parts[14][0]]
        functions = {one[1]: self.strings[one[2]] for one in (dict(fields(part)) for part in parts[5])}
        self.mappings = [dict(fields(part)) for part in parts[3]]
        places = [dict(fields(part)) for part in parts[4]]
        assert all(place.get(2, 0) in {0, *(mapping[1] for mapping in self.mappings)} for place in places)
        self.name = {place[1]: functions[dict(fields(place[4]))[1]] for place in places}
        self.module = {functions[dict(fields(place[4]))[1]]: place.get(2, 0) for place in places}
        self.samples: list[tuple[list[str], dict[str, int]]] = []  # stacks, the outermost first
        for part in parts[2]:
            one = dict(fields(part))
            values = numbers(one[2])
            assert len(values) == len(self.types)
            self.samples.append(([self.name[number] for number in reversed(numbers(one[1]))], dict(zip(self.types, values))))

    def total(self, kind: str) -> int:
        return sum(values[kind] for _, values in self.samples)

    def below(self, name: str, kind: str) -> int:
        return sum(values[kind] for stack, values in self.samples if name in stack)


def check_profile(core: Path, is_capture: bool) -> None:
    report = owners(core)
    profile = Profile(profile_of(core))
    assert profile.types == ["blocks", "bytes", "outside", "retained"] + ["resident"] * is_capture and profile.default == "bytes"
    for kind in "blocks", "bytes":
        assert profile.total(kind) == report["in_use"][kind], kind
    assert profile.total("outside") == report["outside"]
    top = [row for row in report["rows"] if not row["level"]]
    assert profile.total("retained") == sum(row["retained"] or 0 for row in top)
    names = Counter(row["path"] for row in report["rows"])
    wrong = []
    for row in report["rows"]:
        if names[row["path"]] > 1:
            continue
        figures = {"bytes": row["bytes"], "blocks": row["blocks"]}
        if is_capture:
            figures["resident"] = row["resident"]
        wrong += [f"{row['path']} {kind}: {profile.below(row['path'], kind)}, not {figure}"
                  for kind, figure in figures.items() if profile.below(row["path"], kind) != figure]
    assert not wrong, few(wrong)
    for kind in "blocks", "bytes":
        assert profile.below("[lost directly]", kind) == report["lost_directly"][kind]
        assert profile.below("[lost indirectly]", kind) == report["lost_indirectly"][kind]
    if is_capture:
        rows = {row["id"]: row for part in ("rows", "parts") for row in analyze(core)["memory"][part]}
        in_use = sum(rows[name]["resident"] for name in ("in-use", "mmapped", "runtime"))
        assert profile.total("resident") == in_use, (profile.total("resident"), in_use)
        assert profile.below("[lost]", "resident") == sum(rows[name]["resident"] for name in ("lost", "lost-mmapped") if name in rows)


def check_mappings(core: Path, program: Path) -> None:
    """Build-ids are those that the files here have, by readelf."""
    profile = Profile(profile_of(core))
    files = [(profile.strings[one[5]], profile.strings[one.get(6, 0)]) for one in profile.mappings]
    assert Path(files[0][0]).name == program.name, files[0]
    wrong = []
    for path, build_id in files:
        if not Path(path).is_file():
            continue
        notes = subprocess.run(["readelf", "-n", path], capture_output=True, text=True, check=False).stdout
        found = re.search(r"Build ID: (\w+)", notes)
        if (found[1] if found else "") != build_id:
            wrong.append(f"{path}: {build_id}")
    assert not wrong, few(wrong)


def check_protoc(core: Path) -> None:
    if not shutil.which("protoc"):
        raise Skipped("protoc is not installed (Debian: apt-get install protobuf-compiler)")
    made = profile_of(core)
    profile = Profile(made)
    done = subprocess.run(["protoc", f"--proto_path={SOURCE}/tests/end-to-end", "--decode=heapcore.test.Profile", "profile.proto"],
                          input=gzip.decompress(made.read_bytes()), stdout=subprocess.PIPE, check=True)
    text = done.stdout.decode()
    unknown = [line for line in text.splitlines() if re.match(r"\s*\d+[:{ ]", line)]
    assert not unknown, few(unknown)
    assert text.count("sample {") == len(profile.samples) and text.count("string_table:") == len(profile.strings)
    values = [int(value) for value in re.findall(r"^  value: (\d+)", text, re.M)]
    assert sum(values) == sum(map(profile.total, profile.types))


def go_pprof(*arguments: Any) -> str:
    if not shutil.which("go"):
        raise Skipped("go tool pprof is not installed (Debian: apt-get install golang-go)")
    environment = {**os.environ, "PPROF_TMPDIR": str(Path(arguments[-1]).parent), "HOME": str(Path(arguments[-1]).parent),
                   "GOTOOLCHAIN": "local", "GOTELEMETRY": "off"}
    done = subprocess.run(["go", "tool", "pprof", *map(str, arguments)], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done
    return done.stdout


def flat(text: str) -> dict[str, int]:
    """Of pprof -top -unit=B: name to flat."""
    lines = text.split("cum%\n")[1].splitlines()
    return {line.split(None, 5)[5]: int(line.split()[0].removesuffix("B")) for line in lines if line.strip()}


def check_pprof(before: Path, after: Path) -> None:
    first, second = profile_of(before), profile_of(after)
    profiles = Profile(first), Profile(second)
    options = ["-top", "-unit=B", "-nodefraction=0", "-edgefraction=0", "-nodecount=100000"]
    told = flat(go_pprof(*options, second))
    own: Counter[str] = Counter()
    for stack, values in profiles[1].samples:
        own[stack[-1]] += values["bytes"]
    assert {name: bytes for name, bytes in told.items() if bytes} == {name: bytes for name, bytes in own.items() if bytes}
    grown = flat(go_pprof(*options, f"-diff_base={first}", second))
    assert sum(grown.values()) == profiles[1].total("bytes") - profiles[0].total("bytes")


# ---- other pictures -------------------------------------------------------------------------------------------------


def check_folded(core: Path, is_capture: bool) -> None:
    report = owners(core)
    measures = {"bytes": report["in_use"]["bytes"], "blocks": report["in_use"]["blocks"]}
    for measure, total in measures.items():
        lines = succeed("export", core, "--format", "folded", "--measure", measure, statuses=(0, 3)).out.splitlines()
        assert sum(int(line.rsplit(" ", 1)[1]) for line in lines) == total, measure
        assert len({line.rsplit(" ", 1)[0] for line in lines}) == len(lines)
    done = heapcore("export", core, "--format", "folded", "--measure", "resident")
    assert (done.status in (0, 3)) == is_capture, done


def check_dot(core: Path) -> None:
    report = owners(core)
    made = export(core, "dot", "--limit", "7")
    text = made.read_text()
    boxes = {name: int(bytes) for name, bytes in re.findall(r'^\t(\w+) \[.*tooltip="(\d+) bytes"', text, re.M)}
    below = {name for name in re.findall(r"-> (\w+) \[", text)}
    assert len([name for name in boxes if re.fullmatch(r"r\d+", name)]) <= 7
    assert sum(bytes for name, bytes in boxes.items() if name not in below) == report["in_use"]["bytes"]
    if not shutil.which("dot"):
        raise Skipped("dot is not installed (Debian: apt-get install graphviz)")
    drawn = subprocess.run(["dot", "-Tsvg", made], capture_output=True, text=True, check=True)
    assert not drawn.stderr, drawn.stderr
    assert drawn.stdout.count('class="node"') == len(boxes)


# ---- tables ---------------------------------------------------------------------------------------------------------


@functools.lru_cache(None)
def database(core: Path) -> sqlite3.Connection:
    opened = sqlite3.connect(export(core, "sqlite"))
    opened.row_factory = sqlite3.Row
    return opened


def ask(opened: sqlite3.Connection, query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in opened.execute(query)]


def check_database(core: Path) -> None:
    opened = database(core)
    assert opened.execute("PRAGMA integrity_check").fetchall()[0][0] == "ok"
    assert not opened.execute("PRAGMA foreign_key_check").fetchall()
    report, types = owners(core), report_of(succeed("types", core, "--limit", "0", "--json", statuses=(0, 3)))
    # Blocks by owner and by type are what owners and types count themselves.
    for table, key, own in ("owners", "owner_id", "own"), ("types", "type_id", ""):
        blocks, bytes = (f"{own}_blocks", f"{own}_bytes") if own else ("blocks", "bytes")
        wrong = ask(opened, f"SELECT t.*, COUNT(b.address) AS n, COALESCE(SUM(b.size), 0) AS s FROM {table} t LEFT JOIN blocks b ON b.{key} = t.id"
                            f" GROUP BY t.id HAVING n != t.{blocks} OR s != t.{bytes}")
        assert not wrong, (table, few(wrong))
    assert ask(opened, "SELECT SUM(own_blocks) AS blocks, SUM(own_bytes) AS bytes FROM owners") == [report["in_use"]]
    assert sorted((row["name"], row["certainty"], row["blocks"], row["bytes"]) for row in ask(opened, "SELECT * FROM types")) == sorted(
        (row["type"], row["certainty"], row["count"], row["bytes"]) for row in types["types"])
    told = [(row["path"], row["bytes"], row["retained"], row["resident"]) for row in report["rows"]]
    assert sorted(map(str, told)) == sorted(
        str((row["path"], row["bytes"], row["retained"], row["resident"])) for row in ask(opened, "SELECT * FROM owners WHERE kind = 'path'"))
    total = analyze(core)["memory"]["total"]
    assert ask(opened, "SELECT SUM(bytes) AS bytes FROM memory_rows") == [{"bytes": total}]
    assert ask(opened, "SELECT SUM(bytes) AS bytes FROM mappings") == [{"bytes": total}]


def check_blocks(fixture: Stopped, core: Path) -> None:
    """Those of the recorder, with their sizes, and no others, but libc's and what malloc gave out before the recorder was there."""
    opened = database(core)
    live = {address: block.usable for address, block in fixture.live_blocks().items()}
    told = {row["address"]: row["size"] for row in ask(opened, "SELECT address, size FROM blocks WHERE state = 'in use'")}
    wrong = [f"{address:#x}: {told.get(address)}, not {size}" for address, size in live.items() if told.get(address) != size]
    assert not wrong, few(wrong)
    more = {row["kind"] for row in ask(opened, "SELECT * FROM blocks JOIN owners ON owner_id = owners.id") if row["address"] not in live}
    assert more <= {"libc"}, more


def check_pointers(fixture: Stopped, core: Path) -> None:
    """Between the blocks that the program tells of, all pointers that it tells, and no others."""
    opened = database(core)
    blocks = {int(address, 16) if address.startswith("0x") else int(address, 16) for address, _ in fixture.said("block")}
    said = Counter((int(source, 16), int(target, 16)) for source, target in fixture.said("edge"))
    told = Counter((row["from_block"], row["to_block"]) for row in ask(opened, "SELECT * FROM pointers WHERE from_block IS NOT NULL")
                   if row["from_block"] in blocks and row["to_block"] in blocks)
    assert said and set(said) == set(told), (few(map(str, set(said) - set(told))), few(map(str, set(told) - set(said))))
    roots = {int(target, 16) for _, target in fixture.said("root")}
    from_data = {row["to_block"] for row in ask(opened, "SELECT to_block FROM pointers JOIN roots ON from_root = roots.id WHERE kind = 'data'")}
    assert roots <= from_data, few(map(hex, roots - from_data))


def check_encoded(core: Path) -> None:
    opened = database(core)
    encoded = analyze(core)["references"]["encoded"]["blocks"]
    reached = ask(opened, "SELECT COUNT(*) AS n FROM blocks WHERE reach = 'reached by encoded pointers'")[0]["n"]
    assert reached == encoded > 0
    told = ask(opened, "SELECT COUNT(DISTINCT to_block) AS n FROM pointers JOIN blocks ON to_block = address WHERE is_encoded"
                       " AND reach = 'reached by encoded pointers'")[0]["n"]
    assert told > 0


def plain(kind: str, value: Any) -> Any:
    """A value of a database as it is in NDJSON."""
    if value is None or kind not in ("address", "flag"):
        return value
    return hex(value % 2**64) if kind == "address" else bool(value)


def check_formats(core: Path) -> None:
    """The three have the same rows, in the same order."""
    opened = database(core)
    for table in TABLES:
        objects = rows_of(core, table)
        text = succeed("export", core, "--format", "csv", "--table", table, statuses=(0, 3)).out
        lines = list(csv.reader(text.splitlines()))
        assert lines[0] == (list(objects[0]) if objects else lines[0]), table
        assert len(lines) == len(objects) + 1, table
        for line, one in zip(lines[1:], objects):
            told = ["" if value is None else str(value).lower() if isinstance(value, bool) else str(value) for value in one.values()]
            assert [cell.removeprefix("'") if cell[:2] in ("'=", "'+", "'-", "'@") else cell for cell in line] == told, (table, line, told)
        stored = ask(opened, f"SELECT * FROM {table}")
        if table == "mappings":  # what the kernel has at the upper end is negative, and comes first
            stored.sort(key=lambda row: row["start_address"] % 2**64)
        assert len(stored) == len(objects), table
        for row, one in zip(stored, objects):
            kinds = {name: "address" if isinstance(one[name], str) and re.fullmatch("0x[0-9a-f]+", one[name]) and isinstance(row[name], int) else
                     "flag" if isinstance(one[name], bool) else "" for name in row}
            assert {name: plain(kinds[name], value) for name, value in row.items()} == {name: one[name] for name in row}, (table, one)


def documented() -> list[str]:
    text = (SOURCE / "docs/export.md").read_text()
    return re.findall(r"```sql\n(.*?)```", text, re.S)


def check_queries(core: Path) -> None:
    """Those of the documentation, against the reports."""
    opened, queries = database(core), documented()
    assert len(queries) == 10
    answers = [ask(opened, query) for query in queries]
    report, analysis = owners(core), analyze(core)
    top = sorted((row for row in report["rows"] if not row["level"]), key=lambda row: -row["bytes"])
    assert [row["bytes"] for row in answers[0]] == [row["bytes"] for row in top[:10]]
    types = report_of(succeed("types", core, "--limit", "10", "--json", statuses=(0, 3)))["types"]
    assert [(row["name"], row["bytes"]) for row in answers[1]] == [(row["type"], row["bytes"]) for row in types]
    largest = [json.loads(line) for line in
               succeed("chunks", core, "--state", "in-use", "--sort", "size", "--limit", "10", "--json", statuses=(0, 3)).out.splitlines()]
    assert [row["size"] for row in answers[2]] == [block["size"] for block in largest]
    lost = analysis["references"]
    if len(answers[3]) < 10:
        assert sum(row["bytes"] for row in answers[3]) == lost["directly_lost"]["bytes"] + lost["indirectly_lost"]["bytes"]
    references = report_of(succeed("block", core, largest[0]["address"], "--json", statuses=(0, 3)))["references"]
    assert len(answers[4]) == references["total"], (len(answers[4]), references["total"])
    most = answers[5]
    assert most and all(row["pointers"] >= 1 for row in most)
    told = report_of(succeed("block", core, most[0]["hexadecimal"], "--json", statuses=(0, 3)))["references"]["total"]
    assert told == most[0]["pointers"], (told, most[0])
    arenas = {(row["arena"], row["state"]): row for row in answers[6]}
    for arena in analysis["arenas"]:
        assert arenas.get((arena["index"], "in use"), {"usable": 0})["usable"] == arena["in_use"]["bytes"]
        assert arenas.get((arena["index"], "tcache"), {"chunks": 0})["chunks"] == arena["free"]["tcache"]["bytes"]
        assert arenas.get((arena["index"], "top"), {"chunks": 0})["chunks"] == arena["free"]["top"]["bytes"]
    containers = report_of(succeed("containers", core, "--limit", "0", "--json", statuses=(0, 3)))["containers"]
    loose = sorted((row["bytes_own"] for row in containers if (row["capacity"] or 0) > 2 * (row["elements"] or 0) and row["bytes_own"]),
                   reverse=True)
    assert [row["own_bytes"] for row in answers[7]] == loose[:10]
    assert sum(row["bytes"] for row in answers[8]) == top[0]["bytes"]
    assert sum(row["bytes"] for row in answers[9]) == analysis["memory"]["total"]


# ---- files, content -------------------------------------------------------------------------------------------------


def check_file(core: Path) -> None:
    made = core.parent / "once.csv"
    line = ("export", core, "--format", "csv", "--table", "memory", "-o", made)
    succeed(*line, statuses=(0, 3))
    before = made.read_bytes()
    assert heapcore(*line).status == 64 and made.read_bytes() == before, "it was replaced without --force"
    done = heapcore("export", core, "--format", "folded", "--measure", "resident", "-o", core.parent / "never")
    assert done.status in (0, 2, 3)
    bad = core.parent / "no-core"
    bad.write_bytes(b"nothing")
    for form, options in ("sqlite", ()), ("csv", ("--table", "blocks")):
        assert heapcore("export", bad, "--format", form, *options, "-o", core.parent / "not.made").status == 2
    left = [path.name for path in core.parent.iterdir() if ".new-" in path.name or path.name == "not.made"]
    assert not left, left
    for words in (["--format", "sqlite"], ["--format", "csv"], ["--format", "csv", "--table", "nothing"], ["--format", "xml"], [],
                  ["--format", "pprof", "--table", "blocks"], ["--format", "csv", "--fleet", "--table", "blocks"],
                  ["--format", "dot", "--json"], ["--format", "openmetrics", "--label", "row=1"], ["--format", "openmetrics", "--label", "=1"],
                  ["--format", "csv", "--fleet", "--time", "soon"]):
        done = heapcore("export", core, *words)
        assert done.status == 64 and not done.out and done.err.startswith("heapcore"), (words, done)


def check_content(fixture: Stopped, core: Path) -> None:
    """With --no-content none of what was planted is in any format; without it is."""
    words = [SECRET.encode(), SECRET[:6].encode(), fixture.said("number")[0][0].encode(), struct.pack("<Q", int(fixture.said("number")[0][0]))]
    for options, is_told in (["--no-content"], False), ([], True):
        made = [export(core, form, *options) for form in ("folded", "dot", "sqlite", "openmetrics")]
        made += [export(core, "csv", "--table", table, *options, file=f"{table}.csv") for table in ("process", "types", "lost")]
        made.append(export(core, "csv", "--fleet", "--time", "1", *options, file="fleet.csv"))
        texts = {path.name: path.read_bytes() for path in made}
        texts["pprof"] = gzip.decompress(export(core, "pprof", *options).read_bytes())
        found = {name for name, text in texts.items() for word in words if word in text}
        assert bool(found) == is_told, (options, found)
    kept = fixture.folder / "kept.snapshot"
    succeed("snapshot", core, fixture.program, "-o", kept, "--force")
    for form, options in ("csv", ["--fleet", "--time", "1"]), ("openmetrics", []):
        done = succeed("export", kept, "--format", form, "--no-content", *options, statuses=(0, 3))
        assert not [word for word in words if word in done.out.encode()], form


# ---- metrics --------------------------------------------------------------------------------------------------------

SERIES = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\d+)')


def metrics_of(text: str) -> dict[str, dict[str, int]]:
    """By metric and labels; and whether it is as the specification of OpenMetrics has it."""
    assert text.endswith("# EOF\n") and "\n\n" not in text
    found: dict[str, dict[str, int]] = {}
    family, seen, described = "", set(), {}
    for line in text.splitlines()[:-1]:
        if line.startswith("# "):
            _, what, name, *rest = line.split(" ", 3)
            assert what in ("TYPE", "UNIT", "HELP"), line
            if what == "TYPE":
                assert name not in seen, f"{name} comes twice"
                family, described = name, {"TYPE": rest[0]}
                seen.add(name)
                assert rest[0] in ("gauge", "info"), line
            assert name == family, line
            if what == "UNIT":
                assert name.endswith("_" + rest[0]), line
            continue
        series = SERIES.fullmatch(line)
        assert series, line
        assert series[1] == family + ("_info" if described["TYPE"] == "info" else ""), line
        labels = series[2] or ""
        assert labels not in found.setdefault(series[1], {}), f"the series comes twice: {line}"
        found[series[1]][labels] = int(series[3])
    return found


def check_metrics(core: Path, is_capture: bool) -> None:
    analysis = analyze(core)
    done = succeed("export", core, "--format", "openmetrics", "--limit", "3", "--label", 'team=a "b" \\ c', "--host", "here", statuses=(0, 3))
    found = metrics_of(done.out)
    common = 'host="here",team="a \\"b\\" \\\\ c"'
    rows = {row["id"]: row for part in ("rows", "parts") for row in analysis["memory"][part]}
    assert found["heapcore_memory_bytes"] == {f'{common},row="{name}"': row["bytes"] for name, row in rows.items()}
    assert ("heapcore_resident_bytes" in found) == is_capture
    assert found["heapcore_in_use_bytes"] == {common: analysis["in_use"]["program"]["bytes"]}
    lost = analysis["references"]
    assert found["heapcore_lost_bytes"] == {f'{common},how="{how}"': lost[f"{how}_lost"]["bytes"] for how in ("directly", "indirectly", "possibly")}
    held = sum(row["bytes"] for row in owners(core)["rows"] if not row["level"])
    told = found["heapcore_owner_bytes"]
    assert len(told) <= 4 and sum(told.values()) == held, (told, held)
    kept = core.parent / "metrics.snapshot"
    succeed("snapshot", core, "-o", kept, "--force", statuses=(0, 3))
    again = succeed("export", kept, "--format", "openmetrics", "--limit", "3", "--label", 'team=a "b" \\ c', "--host", "here", statuses=(0, 3))
    assert again.out == done.out, "the snapshot's are others"
    try:
        from prometheus_client.openmetrics.parser import text_string_to_metric_families
    except ImportError:
        return
    assert {metric.name for metric in text_string_to_metric_families(done.out)} >= {"heapcore_memory_bytes", "heapcore_snapshot"}


def check_fleet(before: Path, after: Path) -> None:
    """Rows of two captures: what is disjoint adds up to what the report has, and the captures' own times are told."""
    lines = list(csv.DictReader(succeed("export", before, after, "--format", "csv", "--fleet", "--label", "region=eu", "--label", "a=\"",
                                        statuses=(0, 3)).out.splitlines()))
    objects = [json.loads(line) for line in
               succeed("export", before, after, "--format", "ndjson", "--fleet", "--host", "h", statuses=(0, 3)).out.splitlines()]
    assert len(lines) == len(objects) and {row["host"] for row in objects} == {"h"}
    assert {row["labels"] for row in lines} == {'{"region": "eu", "a": "\\""}'}
    times = sorted({row["taken"] for row in objects})
    assert len(times) == 2, times
    executions = {row["execution"] for row in objects}
    assert len(executions) == 1 and None not in executions, executions
    for core, taken in zip((before, after), times):
        report, analysis = owners(core), analyze(core)
        rows = [row for row in objects if row["taken"] == taken]
        own = sum(row["own_bytes"] for row in rows if row["kind"] in ("owner", "container"))
        assert own == sum(row["bytes"] for row in report["rows"] if not row["level"])
        lost = analysis["references"]
        assert sum(row["own_bytes"] for row in rows if row["kind"] == "lost") == lost["directly_lost"]["bytes"] + lost["indirectly_lost"]["bytes"]
        assert sum(row["bytes"] for row in rows if row["kind"] == "memory" and not row["parent"]) == analysis["memory"]["total"]
        held = {row["path"]: row["bytes"] for row in report["rows"] if not row["level"] and row["bytes"]}
        begun: Counter[str] = Counter()
        for row in rows:
            if row["kind"] in ("owner", "container") and row["parent"] is None and row["bytes"]:
                begun[row["name"]] += row["bytes"]
        assert begun == held, (begun, held)


def check_time(core: Path) -> None:
    """A core of gdb's does not tell when it was taken."""
    done = heapcore("export", core, "--format", "csv", "--fleet")
    assert done.status == 2 and "when it was taken" in done.err, done
    for time in "1796045351", "2026-11-30T13:29:11Z", "2026-11-30T14:29:11+01:00":
        rows = csv.DictReader(succeed("export", core, "--format", "csv", "--fleet", "--time", time, statuses=(0, 3)).out.splitlines())
        assert {row["taken"] for row in rows} == {"2026-11-30T13:29:11Z"}, time


def check_endings(first: Path, last: Path) -> None:
    """Whatever ends it while a file is written leaves no part of one, and what was there before."""
    snapshot = last.parent / "last.snap"
    succeed("snapshot", last, "-o", snapshot, statuses=(0, 3))
    commands: list[tuple[Any, ...]] = [("export", last, "--format", form, "-o") for form in ("pprof", "folded", "dot", "sqlite")]
    commands += [("export", last, "--format", form, "--table", "memory", "-o") for form in ("csv", "ndjson")]
    commands += [("export", snapshot, "--format", "openmetrics", "-o"), ("export", snapshot, "--format", "csv", "--fleet", "-o"),
                 ("snapshot", last, "-o"), ("analyze", last, "--html"), ("diff", first, last, "--html")]
    folder = last.parent / "ended"
    folder.mkdir()
    former = snapshot.read_bytes()  # snapshot replaces only its like
    tries = [(command, signal.SIGTERM, False) for command in commands]
    tries += [(command, signal.SIGTERM, True) for command in commands if command[0] in ("snapshot", "diff")]
    tries += [(commands[0], number, False) for number in (signal.SIGINT, signal.SIGHUP, signal.SIGKILL)]
    for command, number, replaces in tries:
        made = folder / "made"
        if replaces:
            made.write_bytes(former)
        done = heapcore(*command, made, *["--force"] * replaces, environment={
            "LD_PRELOAD": str(KILLER), "KILLER_SIGNAL": str(int(number)), "ASAN_OPTIONS": "verify_asan_link_order=0"})
        assert done.status == -number, done
        there = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert there == ({"made": former} if replaces else {}), f"{command}, {number.name}: {there.keys()}"
        made.unlink(missing_ok=True)


cases = Cases(__doc__)
if not cases.options.list:
    need_captures()
    with Stopped("stories/mixture", recorder=False) as story:
        first = story.capture().rename(story.folder / "first")
        dump = story.gcore()
        story.go_on()
        time.sleep(1)  # captures are told apart by their second
        last = story.capture().rename(story.folder / "last")
        for name, one, is_one_capture in ("capture", last, True), ("gcore", dump, False):
            cases.run(f"pprof: figures, {name}", check_profile, one, is_one_capture)
            cases.run(f"metrics, {name}", check_metrics, one, is_one_capture)
        cases.run("folded stacks", check_folded, last, True)
        cases.run("pprof: mappings", check_mappings, last, story.program)
        cases.run("pprof: protoc", check_protoc, last)
        cases.run("pprof: go tool pprof", check_pprof, first, last)
        cases.run("dot", check_dot, last)
        cases.run("database", check_database, last)
        cases.run("queries", check_queries, last)
        cases.run("files", check_file, last)
        cases.run("fleet", check_fleet, first, last)
        cases.run("fleet: time", check_time, dump)
    with Stopped("retains") as retains:
        dump = retains.gcore()
        cases.run("signals", check_endings, *(retains.capture().rename(retains.folder / name) for name in ("first", "last")))
        cases.run("pprof: retained", check_profile, dump, False)
        cases.run("folded stacks of gdb's core", check_folded, dump, False)
        cases.run("blocks", check_blocks, retains, dump)
        cases.run("pointers", check_pointers, retains, dump)
        cases.run("three formats", check_formats, dump)
        cases.run("database of retains", check_database, dump)
    with Stopped("encodings") as encodings:
        cases.run("encoded pointers", check_encoded, encodings.gcore())
    with Stopped("secrets", [f"--password={SECRET}"]) as secrets:
        cases.run("no content", check_content, secrets, secrets.gcore())
cases.finish()
