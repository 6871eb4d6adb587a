#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""heapcore duplicates: blocks that hold the same, by what fixtures/duplicates.cpp made, and by reading the core byte by byte here."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from elfcore import Core
from harness import Cases, Stopped, analyze, chunks, few, report_of, succeed

LEAST_TEXT = 4
PRINTABLE = {*range(0x20, 0x100), *range(9, 14)} - {0x7F}


def duplicates(core: Path, *arguments: Any) -> dict[str, Any]:
    return report_of(succeed("duplicates", core, *arguments, "--json", "--limit", "0", statuses=(0, 3)))


def kind(group: dict[str, Any]) -> str:
    return "zero" if group["zero"] else group["compared"]


def check_manifest(core: Path, fixture: Stopped) -> None:
    """Each group that the program made is told, with who holds it; so is what they save together."""
    report = duplicates(core, fixture.program)
    told = [(kind(group), group["blocks"], group["size"], group["length"]) for group in report["groups"]]
    made = [(name, int(blocks), int(size), int(length)) for name, blocks, size, length in fixture.said("group")]
    missing = [one for one in made if one not in told]
    assert len(made) >= 7 and not missing, f"{few(missing)}; told are{few(told)}"
    assert not set(one[2] for one in told) & {int(size) for size, in fixture.said("unique")}, told
    (saved,), = fixture.said("saved")
    others = [group for group in report["groups"] if not group["zero"] and
              (group["compared"], group["blocks"], group["size"], group["length"]) not in made]
    assert report["saved"] - sum(group["saved"] for group in others) == int(saved), report["summary"]
    assert sum(group["saved"] for group in others) < 10000, others
    assert report["saved"] == sum(group["saved"] for group in report["groups"] if not group["zero"])
    assert report["saved_zero"] == sum(group["saved"] for group in report["groups"] if group["zero"])
    (blocks, size), = fixture.said("lost")
    assert report["lost"] == {"blocks": int(blocks), "bytes": int(size)}, report["lost"]
    largest = report["groups"][0]
    assert largest["owners"][0] == {"path": "app::g_pictures[]", "blocks": 18}, largest
    text = next(group for group in report["groups"] if group["length"] == 50)
    assert text["content"] == '"' + 50 * "n" + '"' and text["owners"][0]["path"].startswith("app::g_names"), text
    orders = [(group["zero"], -group["saved"], int(group["example"], 16)) for group in report["groups"]]
    assert orders == sorted(orders), "zeros last, what saves most first"


def made_for(request: int) -> int:
    """Usable bytes of a block that malloc makes for REQUEST bytes, on 64-bit machines."""
    return max((request + 8 + 15) // 16 * 16, 32) - 8


def content_of(data: bytes) -> tuple[str, bytes]:
    """What counts where no type is known."""
    length = next((place for place, byte in enumerate(data) if byte not in PRINTABLE), len(data))
    if LEAST_TEXT <= length < len(data) and not data[length] and made_for(length + 1) == len(data):
        return "likely-text", data[:length]
    return "whole", data


def check_bytes(core: Path, fixture: Stopped) -> None:
    """Without types: the groups are those of the core's own bytes."""
    memory = Core(core)
    lost = {chunk.address for chunk in chunks(core, fixture.program, "--lost")}
    groups: dict[Any, list[int]] = defaultdict(list)
    for chunk in chunks(core, fixture.program, "--state", "in use"):
        if chunk.label is None and chunk.address not in lost:
            begin = memory.offset_of(chunk.address)
            data = memory.bytes[begin:begin + chunk.size]
            groups[chunk.size, content_of(data)].append(chunk.address)
    expected = {min(addresses): (size, how, len(content), len(addresses))
                for (size, (how, content)), addresses in groups.items() if len(addresses) > 1}
    report = duplicates(core, fixture.program, "--no-types")
    told = {int(group["example"], 16): (group["size"], group["compared"], group["length"], group["blocks"]) for group in report["groups"]}
    wrong = set(expected.items()) ^ set(told.items())
    assert len(expected) > 4 and not wrong, few(wrong)
    assert report["looked_at"]["blocks"] == sum(map(len, groups.values())), report["looked_at"]


def check_options(core: Path, fixture: Stopped) -> None:
    whole, large = duplicates(core, fixture.program), duplicates(core, fixture.program, "--min", "1K")
    assert [group for group in whole["groups"] if group["size"] >= 1024] == large["groups"]
    assert duplicates(core, fixture.program, "--jobs", "1") == duplicates(core, fixture.program, "--jobs", "7") == whole
    few_told = report_of(succeed("duplicates", core, fixture.program, "--json", "--limit", "2"))
    assert few_told["groups"] == whole["groups"][:2] and few_told["group_count"] == whole["group_count"]
    text = succeed("duplicates", core, fixture.program, "--limit", "3").out
    assert "app::g_pictures[]" in text and "more: --limit 0" in text, text


def check_finding(core: Path, fixture: Stopped) -> None:
    """Most of this heap is there more than once: the blocks of a type that is known, or the same in all bytes."""
    found = [finding for finding in analyze(core, fixture.program)["findings"] if finding["kind"] == "duplicates"]
    groups = [group for group in duplicates(core, fixture.program)["groups"] if not group["zero"] and group["compared"] != "likely-text"]
    assert len(found) == 1, found
    assert found[0]["bytes"] == sum(group["saved"] for group in groups), found
    assert found[0]["blocks"] == sum(group["blocks"] for group in groups), found
    facts = found[0]["facts"]
    assert (facts["largest_blocks"], facts["largest_path"], facts["groups"]) == (18, "app::g_pictures[]", len(groups)), facts


cases = Cases(__doc__)
if not cases.options.list:
    with Stopped("duplicates", recorder=False) as stopped:
        one_core = stopped.gcore()
        cases.run("manifest", check_manifest, one_core, stopped)
        cases.run("bytes", check_bytes, one_core, stopped)
        cases.run("options", check_options, one_core, stopped)
        cases.run("finding", check_finding, one_core, stopped)
cases.finish()
