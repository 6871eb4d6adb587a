#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/heapcore.schema.json, docs/json.md and the program say the same of JSON, and what differs is refused.

The harness holds each report that any test asks for against the schema. Here it is seen that the schema is one, that it
refuses, that the tables for people have its keys and kinds, no more and no less, and that the kinds are the program's.
"""

from __future__ import annotations

import copy
import functools
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterator

import json_schema
from harness import BUILD, Cases, PATIENCE, ROOT, SOURCE, Skipped, Stopped, Workspace, check_json, chunks, few, report_of, succeed

MANUAL = (SOURCE / "docs" / "json.md").read_text(encoding="utf-8")
SCHEMA = json_schema.schema()
DEFINITIONS: dict[str, dict[str, Any]] = SCHEMA["$defs"]
COMMON = "What every report has"
# Keys of COMMON that the reports of these commands do not have, as the manual says in words.
WITHOUT = {"diff": {"diagnostics"}, "capture": {"diagnostics", "status"}, "chunks": {"heapcore", "schema", "command", "diagnostics", "status"}}


# ---- the schema -----------------------------------------------------------------------------------------------------


def alternatives(part: dict[str, Any]) -> list[dict[str, Any]]:
    """PART, or what it may be other than null."""
    return [one for one in part.get("anyOf", [part]) if one != {"type": "null"}]


def parts(part: Any) -> Iterator[dict[str, Any]]:
    """PART and every schema in it."""
    if isinstance(part, dict):
        yield part
        for item in part.values():
            yield from parts(item)
    elif isinstance(part, list):
        for item in part:
            yield from parts(item)


def properties(part: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of an object with its schema, by its path from there: "groups[].sizes[].size". Not those of shared parts."""
    for one in alternatives(part):
        if "$ref" in one:
            continue
        if one.get("type") == "array":
            yield from properties(one["items"], f"{prefix}[]")
        for key, value in one.get("properties", {}).items():
            path = f"{prefix}.{key}" if prefix else key
            yield path, value
            yield from properties(value, path)


def values_at(definition: str, path: str) -> set[str]:
    """The strings that may stand there."""
    found = dict(properties(DEFINITIONS[definition]))[path]
    return {value for one in alternatives(found) for value in one["enum"] if value is not None}


def check_schema() -> None:
    """It is a schema, all of it is used, and nothing in it is open by mistake."""
    json_schema.validator().check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    references = [part["$ref"] for part in parts(SCHEMA) if isinstance(part.get("$ref"), str)]
    assert {f"#/$defs/{name}" for name in DEFINITIONS} == set(references)
    wrong = []
    for name, definition in DEFINITIONS.items():
        for part in parts(definition):
            if part.get("type") == "object" and "properties" in part:
                if part.get("additionalProperties") is not False or not set(part["required"]) <= set(part["properties"]):
                    wrong.append(f"{name}: an open object with {list(part['properties'])}")
        wrong += [f"{name}: no description of {path}" for path, value in properties(definition) if not value.get("description")]
    assert not wrong, few(wrong)


# ---- what is refused ------------------------------------------------------------------------------------------------


def objects_in(value: Any, seen: set[frozenset[str]], where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of each object in a report: keys and indices that lead there. Of those with the same keys the first will do."""
    if isinstance(value, dict):
        if frozenset(value) not in seen:
            seen.add(frozenset(value))
            yield where
        for key, item in value.items():
            yield from objects_in(item, seen, (*where, key))
    elif isinstance(value, list) and value:
        yield from objects_in(value[0], seen, (*where, 0))


def changed(report: Any, where: tuple[Any, ...], change: Callable[[dict[str, Any]], None]) -> Any:
    other = copy.deepcopy(report)
    place = other
    for step in where:
        place = place[step]
    change(place)
    return other


def mistakes_in(report: Any) -> Iterator[tuple[str, Any]]:
    """REPORT with one mistake each: every key left out, each value of a type that nothing has, a key too many."""
    for where in objects_in(report, set()):
        place = functools.reduce(lambda value, step: value[step], where, report)
        yield f"{where} with a key too many", changed(report, where, lambda one: one.update(no_such_key=1))
        for key in place:
            yield f"{where} without {key}", changed(report, where, lambda one: one.pop(key))
            yield f"{where} with lists in {key}", changed(report, where, lambda one: one.update({key: [[]]}))


def check_refused(report: Any, may_be_left_out: frozenset[str] = frozenset()) -> None:
    assert not json_schema.problems_of(report), json_schema.problems_of(report)
    accepted = [what for what, wrong in mistakes_in(report)
                if json_schema.is_right(wrong) and what.rpartition(" without ")[2] not in may_be_left_out]
    assert not accepted, f"accepted:{few(accepted)}"


def check_refused_values() -> None:
    """Of the manual's example: kinds that do not exist, numbers and addresses that can't be."""
    report = examples()[0]
    wrong = {
        ("findings", 0, "kind"): "loss", ("memory", "rows", 0, "id"): "used", ("files", "list", 0, "state"): "agree",
        ("allocator", "state"): "ok", ("process", "origin"): "gdb", ("status",): "done", ("command",): "analyse",
        ("schema",): 2, ("memory", "total"): -1, ("arenas", 0, "address"): "7f6d851d9c60", ("arenas", 0, "heaps"): 1.5,
        ("in_use", "program", "bytes"): "35278736", ("arenas", 0, "threads"): ["4800"], ("process", "pid"): True,
        ("files", "list", 0, "start"): None, ("memory", "rows", 0, "of"): "in-use", ("timings", "types"): "0.05",
        ("diagnostics",): [{"id": "no-such-id", "severity": "note", "count": 1, "bytes": 0, "text": "", "example": None}],
    }
    accepted = []
    for where, value in wrong.items():
        if json_schema.is_right(changed(report, where[:-1], lambda one: one.update({where[-1]: value}))):
            accepted.append(f"{where}: {value!r}")
    assert not accepted, f"accepted:{few(accepted)}"
    line = examples()[1]
    for key, value in {"state": "used", "arena": -1, "size": -24, "address": "0x", "label": 1}.items():
        assert json_schema.problems_of({**line, key: value}), f"accepted: {key} {value!r}"


def check_in_the_crowd() -> None:
    """One wrong line among many, and one wrong block in a long list, are found wherever they stand."""
    line = {"address": "0x7f12e4000b70", "size": 24, "state": "tcache", "arena": 1, "label": None}
    right = [{**line, "address": hex(0x1000 + 32 * i), "size": 24 + i % 500} for i in range(5000)]
    mistakes = [{"size": "24"}, {"size": -24}, {"state": "cached"}, {"arena": "1"}, {"label": 5}, {"more": 1}, {"address": "7f12"}]
    for where, mistake in enumerate(mistakes):
        some = [*right]
        some[700 * where + 1] = {**line, **mistake}
        assert len(problems_of_lines(some)) == 1, f"{mistake}: {problems_of_lines(some)}"
        thinned = json_schema.with_thinned_lists({"list": some})["list"]
        assert {**line, **mistake} in thinned and len(thinned) < 200, f"{mistake}: {len(thinned)} lines are left"
    assert not problems_of_lines(right)
    assert problems_of_lines(right, broken='{"address":"0x7f12e4000b70","size":,"state":"tcache","arena":1,"label":null}')


def problems_of_lines(lines: list[Any], broken: str = "") -> list[str]:
    text = "\n".join([json.dumps(line, separators=(",", ":")) for line in lines] + [broken] * bool(broken))
    return json_schema.problems_of_output(["chunks", "core", "--json"], text)


def check_harness() -> None:
    """It is the harness that looks: a command line with --json, and only that."""
    check_json(["analyze", "core"], "no JSON")
    for words, out in ((["analyze", "core", "--json"], "no JSON"), (["analyze", "core", "-j"], "{}"), (["leaks", "--json"], "")):
        try:
            check_json(words, out)
        except AssertionError:
            continue
        raise AssertionError(f"{words}: {out!r} was accepted")


# ---- the manual -----------------------------------------------------------------------------------------------------


def tables(header: str) -> dict[str, dict[str, str]]:
    """By heading, of the tables with that header: what stands in the first column, "`a.b`, `.c`" being a.b and a.c."""
    found: dict[str, dict[str, str]] = {}
    heading, inside = "", False
    for line in MANUAL.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        inside = line == header or inside and line.startswith("|")
        if not inside or line == header or line.startswith("|---"):
            continue
        first, text = re.fullmatch(r"\| ((?:`[^`]+`(?:, )?)+) \|(.*)\|", line).groups()
        names: list[str] = []
        for name in re.findall("`([^`]+)`", first):
            names.append(names[-1].rpartition(".")[0] + name if name.startswith(".") and "." in names[-1] else name.lstrip("."))
        for name in names:
            plain = name.removesuffix("[]")
            assert plain not in found.setdefault(heading, {}), f"{heading}: {name} stands there twice"
            found[heading][plain] = text
    return found


def shared_parts(value: dict[str, Any]) -> set[str]:
    """Headings of what a key leads to."""
    inner = [item for one in alternatives(value) for item in alternatives(one.get("items", one))]
    names = {one["$ref"].rpartition("/")[2] for one in inner if "$ref" in one}
    return {DEFINITIONS[name]["title"] for name in names if "title" in DEFINITIONS[name]}


def check_manual() -> None:
    """Each shared part and each command has a table, and that has its keys; a key that leads to a part has a link there."""
    told, wrong = tables("| key | |"), []
    titles = {definition["title"]: name for name, definition in DEFINITIONS.items() if "title" in definition}
    assert set(told) == {*titles, COMMON}, f"tables and definitions: {set(told) ^ {*titles, COMMON}}"
    for title, name in titles.items():
        keys = dict(properties(DEFINITIONS[name]))
        common = set(told[COMMON]) - WITHOUT.get(name, set()) if "command" in keys or name == "chunks" else set()
        rows = {**{key: told[COMMON][key] for key in common}, **told[title]}
        wrong += [f"{title}: {key} is not in docs/json.md" for key in keys if key not in rows]
        wrong += [f"{title}: {key} is not in the schema" for key in rows if key not in keys]
        wrong += [f"{title}: nothing is said of {key}" for key, text in rows.items() if not text.strip()]
        for key, value in keys.items():
            for part in shared_parts(value):
                if f"(#{part.lower().replace(' ', '-')})" not in rows.get(key, ""):
                    wrong.append(f"{title}: {key} does not lead to \"{part}\"")
    assert not wrong, few(wrong)


def is_told(word: str) -> bool:
    return re.search(rf'`"?{re.escape(word)}"?`', MANUAL) is not None


def check_manual_values() -> None:
    """Every value that the schema names is told; the tables of kinds have all of theirs, and no others."""
    missing = {value for part in parts(DEFINITIONS) for value in part.get("enum", []) if isinstance(value, str) and not is_told(value)}
    assert not missing, f"docs/json.md does not tell of {sorted(missing)}"
    for header, definition, path in (("| `id` | what |", "memory_row", "id"), ("| `id` | what |", "diff_row", "id"),
                                     ("| `findings[].kind` | |", "analyze", "findings[].kind"),
                                     ("| `attribution[].kind` | |", "diff", "attribution[].kind"),
                                     ("| `attribution[].kind` | |", "diff", "steady[].kind"),
                                     ("| `sentences[].kind` | |", "diff", "sentences[].kind")):
        rows = {name for table in tables(header).values() for name in table}
        assert rows == values_at(definition, path), f"{header}: {rows ^ values_at(definition, path)}"


@functools.lru_cache(maxsize=None)
def examples() -> list[Any]:
    """In the manual: a report, then lines of chunks."""
    blocks = re.findall(r"```json\n(.*?)```", MANUAL, re.DOTALL)
    assert len(blocks) == 2
    return [json.loads(blocks[0]), *map(json.loads, blocks[1].splitlines())]


def check_examples() -> None:
    problems = [problem for example in examples() for problem in json_schema.problems_of(example)]
    assert len(examples()) > 2 and not problems, few(problems)


# ---- the program ----------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def sources() -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in sorted((SOURCE / "src").rglob("*.c"))}


def names_told_by(function: str) -> set[str]:
    """The strings that a function of the kind hc_thing_name() returns: of the array that it looks into, or its own."""
    for text in sources().values():
        found = re.search(rf"^(?:static )?const char \*{function}\([^)]*\)\n\{{\n(.*?)^\}}", text, re.M | re.S)
        if found:
            body = found.group(1)
            array = re.search(r"\b(\w*names)\[\w+\]", body)
            for place in (body, text) if array else ():
                listed = re.search(rf"const char \*const {array.group(1)}\[\w*\] = \{{(.*?)\}};", place, re.S)
                if listed:
                    return set(re.findall(r'"([^"]*)"', listed.group(1))) - {""}
            return set(re.findall(r'"([^"]*)"', body)) - {""}
    raise AssertionError(f"{function}() is nowhere in src/")


def check_names(function: str, *places: tuple[str, str]) -> None:
    """What FUNCTION returns is what the schema has in PLACES."""
    for definition, path in places:
        assert names_told_by(function) == values_at(definition, path), f"{definition}.{path}: {names_told_by(function)}"


def check_kinds() -> None:
    check_names("hc_block_state_name", ("chunks", "state"), ("block_of_heap", "state"), ("path", "paths[].steps[].state"))
    check_names("hc_area_kind_name", ("mappings", "mappings[].kind"), ("area", "kind"))
    check_names("hc_area_user_name", ("area_user", "kind"))
    check_names("hc_reach_name", ("block_of_heap", "reach"))
    check_names("hc_place_kind_name", ("place", "kind"))
    check_names("hc_source_name", ("mappings", "mappings[].source"), ("block", "mapping.source"))
    check_names("hc_certainty_name", ("types", "types[].certainty"), ("block", "type.certainty"), ("pins", "holders[].certainty"),
                ("owners", "rows[].certainty"), ("instances", "instances[].certainty"))
    check_names("hc_owner_basis_name", ("owners", "rows[].told_by"))
    check_names("hc_compared_name", ("duplicates", "groups[].compared"))
    check_names("hc_damage_kind_name", ("check", "damage[].kind"))
    check_names("hc_abi_kind_name", ("abi", "differences[].kind"))
    check_names("hc_abi_same_name", ("abi", "differences[].same"))
    check_names("hc_abi_part_name", ("abi", "differences[].changes[].part"))
    check_names("hc_list_kind_name", ("free_list", "kind"))
    check_names("hc_run_kind_name", ("check", "damage[].run.kind"))
    check_names("hc_writer_kind_name", ("check", "damage[].writer.kind"))
    check_names("hc_holder_kind_name", ("pins", "holders[].kind"))
    check_names("hc_kept_cause_name", ("pins", "kept[].cause"))
    check_names("hc_socket_kind_name", ("side_facts", "sockets.kinds[].kind"), ("side_facts", "sockets.top[].kind"))
    check_names("hc_word_kind_name", ("leaks", "groups[].words[].kind"))
    check_names("hc_leak_class_name", ("leaks", "groups[].class"))
    check_names("hc_root_reason_name", ("roots", "roots[].why"))
    assert names_told_by("hc_habit_kind_name") | names_told_by("hc_encoding_kind_name") == values_at("learned", "means[].kind")
    check_names("hc_missing_why_name", ("missing", "why"))
    check_names("hc_sameness_name", ("diff", "sameness"))
    check_names("hc_growth_kind_name", ("diff", "attribution[].kind"))
    check_names("hc_trend_name", ("diff", "attribution[].trend"), ("diff", "sentences[].trend"))
    check_names("hc_finding_kind_name", ("analyze", "findings[].kind"))
    check_names("hc_row_name", ("memory_row", "id"), ("diff_row", "id"))
    check_names("hc_cause_name", ("diff", "sentences[].kind"))
    check_names("hc_containers_state_name", ("diff", "cleared.containers"))
    check_names("hc_confidence_name", ("diff", "sentences[].confidence"))
    assert names_told_by("hc_grade_name") - {"?"} == values_at("show", "grade") > values_at("containers", "containers[].grade")
    assert names_told_by("hc_certainty_name") > values_at("containers", "containers[].certainty")
    assert {name.replace(" ", "_") for name in names_told_by("hc_variable_state_name")} == set(DEFINITIONS["variables"]["properties"])


def check_ids() -> None:
    """Diagnostics, wherever the program makes them."""
    everything = "\n".join(sources().values())
    ids = dict(re.findall(r'hc_diagnostic_kind \w+ = \{\s*"([a-z0-9-]+)",\s*HC_SEVERITY_(\w+)', everything))
    assert set(ids) == values_at("diagnostic", "id"), set(ids) ^ values_at("diagnostic", "id")
    partial, notes = re.search(r"make a report partial:\n(.*?)\n\nThose that are notes:\n(.*?)\n\n", MANUAL, re.S).groups()
    for text, severities in ((partial, ("PARTIAL", "HEAP_PARTIAL")), (notes, ("NOTE",))):
        assert set(re.findall("`([^`]+)`", text)) == {one for one, its in ids.items() if its in severities}, severities


def check_report(core: Path, command: str, *arguments: str) -> None:
    """A report is right, which the harness sees, and each mistake in it would be seen."""
    check_refused(report_of(succeed(command, core, *arguments, "--json", statuses=(0, 3))), frozenset({"blocks"} if command == "leaks" else ()))


def check_chunks(core: Path) -> None:
    line = json.loads(succeed("chunks", core, "--json", "--limit", "1").out)
    assert list(line) == ["address", "size", "state", "arena", "label"], line
    check_refused(line)


def check_content(core: Path) -> None:
    """What an option leaves out may be left out."""
    with_it, without = (report_of(succeed("containers", core, "--json", *more, statuses=(0, 3))) for more in ((), ("--no-content",)))
    for one, other in zip(with_it["containers"], without["containers"]):
        assert set(one) - set(other) == {"keys", "keys_prefix", "keys_looked_at", "key_shapes", "key_shape"}, set(one) ^ set(other)


def check_pins() -> None:
    """Of a process that has some."""
    with Stopped("pins") as pinned:
        check_report(pinned.gcore(), "pins")


def check_unit_test() -> None:
    """What a unit test has reports write, of names and heaps that no fixture has."""
    program = BUILD / "tests" / "unit" / "test_reports"
    if ROOT != Path("/"):
        raise Skipped("unit tests are of this root")
    with Workspace() as folder:
        subprocess.run([program], env={**os.environ, "UNIT_JSON_FOLDER": str(folder)}, stdout=subprocess.DEVNULL, timeout=PATIENCE,
                       check=True)
        texts = [path.read_text(encoding="utf-8") for path in folder.iterdir()]
    assert len(texts) > 50, f"{len(texts)} reports and lines"
    problems = [problem for text in texts for problem in json_schema.problems_of(json.loads(text))]
    assert not problems, few(problems)


cases = Cases(__doc__)
cases.run("the schema is one", check_schema)
cases.run("manual: keys", check_manual)
cases.run("manual: kinds", check_manual_values)
cases.run("manual: examples", check_examples)
cases.run("program: kinds", check_kinds)
cases.run("program: ids", check_ids)
cases.run("refused: keys and types", lambda: [check_refused(example) for example in examples()])
cases.run("refused: values", check_refused_values)
cases.run("refused: in the crowd", check_in_the_crowd)
cases.run("refused: by the harness", check_harness)
cases.run("pins", check_pins)
cases.run("unit test", check_unit_test)
if not cases.options.list:
    with Stopped("roots") as fixture:
        roots = fixture.gcore()
        for name in ("analyze", "arenas", "mappings", "roots", "threads"):
            cases.run(name, check_report, roots, name)
        cases.run("leaks", check_report, roots, "leaks", "--addresses")
        cases.run("containers", check_content, roots)
        cases.run("types", check_report, roots, "types")
        cases.run("instances", check_report, roots, "types", "--instances", "libc: stdio FILE")
        cases.run("duplicates", check_report, roots, "duplicates")
        cases.run("abi", check_report, roots, "abi")
        cases.run("owners", check_report, roots, "owners")
        cases.run("show", check_report, roots, "show", "known[0]")
        cases.run("diff", check_report, roots, "diff", str(roots))
        cases.run("snapshot", check_report, roots, "snapshot", "-o", str(roots.with_suffix(".snap")))
        cases.run("block", check_report, roots, "block", hex(chunks(roots, "--state", "in use", "--min", "64")[0].address))
        cases.run("path", check_report, roots, "path", fixture.said("block")[0][2])
        cases.run("chunks", check_chunks, roots)
cases.finish()
