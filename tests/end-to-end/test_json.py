#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/json.md tells of every key that any command writes, of every row of the memory table, and of every kind."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from harness import Cases, SOURCE, Stopped, chunks, report_of, succeed

MANUAL = (SOURCE / "docs" / "json.md").read_text(encoding="utf-8")


def keys_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(keys_in(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(keys_in(item) for item in value))
    return set()


def is_told(word: str) -> bool:
    """As a key, `a.b[].word` or `.word`, or as a value, `word` or `"word"`."""
    return re.search(rf'`(?:[\w.\[\]]*\.)?"?{re.escape(word)}(?:\[\])?"?`', MANUAL) is not None


def check_keys(core: Path, command: str, *arguments: str) -> None:
    missing = sorted(key for key in keys_in(report_of(succeed(command, core, *arguments, "--json"))) if not is_told(key))
    assert not missing, f"docs/json.md does not tell of {missing}"


def check_chunks(core: Path) -> None:
    line = json.loads(succeed("chunks", core, "--json", "--limit", "1").out)
    assert list(line) == ["address", "size", "state", "arena", "label"], line
    states = {chunk.state for chunk in chunks(core)}
    missing = sorted(state for state in states if not is_told(state))
    assert not missing, f"docs/json.md does not tell of {missing}"


def check_names(core: Path) -> None:
    report = report_of(succeed("analyze", core, "--json"))
    names = {row["id"] for row in report["memory"]["rows"] + report["memory"]["parts"]}
    names |= {finding["kind"] for finding in report["findings"]}
    names |= {one["kind"] for one in report_of(succeed("mappings", core, "--json"))["mappings"]}
    missing = sorted(name for name in names if not is_told(name))
    assert not missing, f"docs/json.md does not tell of {missing}"


def check_values() -> None:
    """Every kind, trend and confidence that the header of `diff` has names for."""
    names = set()
    for source, function in (("diff", "hc_growth_kind_name"), ("diff", "hc_trend_name"), ("diff", "hc_confidence_name"),
                             ("diff", "hc_sameness_name")):
        text = (SOURCE / "src" / "diff" / f"{source}.c").read_text(encoding="utf-8")
        body = text[text.index(f"{function}("):]
        names |= set(re.findall(r'"([a-z-]+)"', body[:body.index("\n}\n")]))
    text = (SOURCE / "src" / "diff" / "sentences.c").read_text(encoding="utf-8")
    names |= set(re.findall(r'\badd\(diff, "([a-z-]+)"', text)) | set(re.findall(r'\bkind = "([a-z-]+)"', text))
    assert len(names) > 20, names
    missing = sorted(name for name in names if not is_told(name))
    assert not missing, f"docs/json.md does not tell of {missing}"


def check_example() -> None:
    """The examples are JSON, and the long one has the keys of a real report."""
    examples = re.findall(r"```json\n(.*?)```", MANUAL, re.DOTALL)
    assert len(examples) == 2
    assert set(json.loads(examples[0])) >= {"process", "files", "memory", "arenas", "status"}
    for line in examples[1].splitlines():
        json.loads(line)


def check_pins() -> None:
    """Of a process that has some."""
    with Stopped("pins") as pinned:
        check_keys(pinned.gcore(), "pins")


cases = Cases(__doc__)
cases.run("examples", check_example)
cases.run("values of diff", check_values)
cases.run("pins", check_pins)
if not cases.options.list:
    with Stopped("roots") as fixture:
        roots = fixture.gcore()
        for name in ("analyze", "arenas", "mappings", "roots", "threads"):
            cases.run(name, check_keys, roots, name)
        cases.run("leaks", check_keys, roots, "leaks", "--addresses")
        cases.run("containers", check_keys, roots, "containers")
        cases.run("types", check_keys, roots, "types")
        cases.run("show", check_keys, roots, "show", "known[0]")
        cases.run("diff", check_keys, roots, "diff", str(roots))
        cases.run("snapshot", check_keys, roots, "snapshot", "-o", str(roots.with_suffix(".snap")))
        cases.run("block", check_keys, roots, "block", hex(chunks(roots, "--state", "in use", "--min", "64")[0].address))
        cases.run("path", check_keys, roots, "path", fixture.said("block")[0][2])
        cases.run("chunks", check_chunks, roots)
        cases.run("names", check_names, roots)
cases.finish()
