#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""heapcore leaks: one row for each kind of leak, with what the program says it lost; whose it is; suppressions."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from harness import (Cases, PATIENCE, ROOT, Stopped, Workspace, analyze, few, fixture_path, heapcore, inside, library_path,
                     report_of, succeed)

SERVICE = fixture_path("demo/demo-service")
CODEC = library_path("codec")
LIBRARY = "codec.so"


def leaks(core: Path, *arguments: str) -> dict[str, Any]:
    return report_of(succeed("leaks", core, "--json", *arguments))


def figures(group: dict[str, Any]) -> tuple[int, int, int]:
    return group["trees"], group["blocks"], group["bytes"]


def kinds_of(fixture: Stopped) -> dict[str, tuple[int, int, int]]:
    return {name: (int(heads), int(blocks), int(size)) for name, heads, blocks, size in fixture.said("kind")}


def only(found: list[dict[str, Any]], what: str) -> dict[str, Any]:
    assert len(found) == 1, f"{what}: expected one row, there are {len(found)}:{few(found)}"
    return found[0]


def lost_groups(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Without those that are possibly lost: libc's table of what dlopen loaded may be, by valgrind's rules."""
    return [group for group in report["groups"] if group["class"] == "definitely lost"]


def group_of(report: dict[str, Any], kind: str, truth: tuple[int, int, int]) -> dict[str, Any]:
    """The one row with exactly those figures."""
    return only([group for group in report["groups"] if figures(group) == truth], f"{kind}, {truth}")


# ---- kinds of leaks -------------------------------------------------------------------------------------------------


def check_kinds(report: dict[str, Any], fixture: Stopped) -> None:
    truth = kinds_of(fixture)
    groups = lost_groups(report)
    for kind, expected in truth.items():
        group_of(report, kind, expected)
    assert len(groups) == len(truth), \
        f"{len(truth)} kinds are lost; rows:{few((figures(group), group['type'], group['sample']) for group in groups)}"
    order = [group["bytes"] for group in groups]
    assert order == sorted(order, reverse=True), f"largest first: {order}"


def check_totals(report: dict[str, Any], fixture: Stopped, core: Path) -> None:
    truth = kinds_of(fixture).values()
    totals, references = report["totals"], analyze(core, fixture.program)["references"]
    lost = [totals[name] for name in ("definitely_lost", "indirectly_lost")]
    assert totals["definitely_lost"]["blocks"] == sum(heads for heads, _, _ in truth), totals
    assert sum(amount["blocks"] for amount in lost) == sum(blocks for _, blocks, _ in truth), totals
    assert sum(amount["bytes"] for amount in lost) == sum(size for _, _, size in truth), totals
    assert totals["definitely_lost"] == references["directly_lost"], f"{totals}, {references}"
    assert totals["indirectly_lost"] == references["indirectly_lost"], f"{totals}, {references}"
    assert totals["possibly_lost"] == references["possibly_lost"], f"{totals}, {references}"
    assert totals["still_reachable"]["blocks"] == \
        references["reachable"]["blocks"] - references["possibly_lost"]["blocks"], f"{totals}, {references}"


def check_shapes(report: dict[str, Any], fixture: Stopped) -> None:
    truth = kinds_of(fixture)
    for kind, expected in truth.items():
        group = group_of(report, kind, expected)
        rings, holding = group["rings"], group["holding_themselves"]
        assert rings == (expected[0] if kind in ("ring", "callback", "observed") else 0), \
            f"{kind}: {rings} of {expected[0]} heads are said to be in rings"
        assert holding == (expected[0] if kind == "callback" else 0), f"{kind}: {holding} are said to hold themselves"
    words = [word["kind"] for word in group_of(report, "list", truth["list"])["words"]]
    assert words == ["heap", "number", "zero"], words
    words = [word["kind"] for word in group_of(report, "tree", truth["tree"])["words"]]
    assert words[:3] == ["number", "heap", "heap"] and set(words[3:]) == {"zero"}, words
    sizes = group_of(report, "list", truth["list"])["sizes"]
    assert sizes == [{"size": 24, "blocks": 300}], sizes


def check_text(report: dict[str, Any], fixture: Stopped) -> None:
    group = group_of(report, "text", kinds_of(fixture)["text"])
    assert group["beginning"] == "answer # of # to nobody", group["beginning"]
    assert re.fullmatch(r"answer \d+ of \d+ to nobody", group["sample"]), group["sample"]


def check_type(report: dict[str, Any], fixture: Stopped) -> None:
    group = group_of(report, "object", kinds_of(fixture)["object"])
    assert group["type"] == "demo::session", group["type"]
    first = group["words"][0]
    assert first["kind"] == "module" and first["module"] == fixture.program.name, first
    assert group["modules"][0]["module"] == fixture.program.name and group["modules"][0]["vtables"] == group["trees"], group["modules"]


def check_older_layout(report: dict[str, Any], fixture: Stopped, kind: str, by_others: bool) -> None:
    """A plain buffer that a destructor of an older class forgets: nothing in it says whose it is, and yet."""
    truth = kinds_of(fixture)[kind]
    group = group_of(report, kind, truth)
    assert group["modules"] and group["modules"][0]["module"] == LIBRARY, f"attributed to {group['modules']}; {group['evidence']}"
    assert group["modules"][0]["words"] == 0, "the buffer has no pointers"
    seen = [one for one in group["evidence"] if one["module"] == LIBRARY and one["where"] == "freed"]
    assert sum(one["heads"] for one in seen) == truth[0], f"every one is still pointed to: {group['evidence']}"
    assert all(one["by_others"] == by_others for one in seen), group["evidence"]
    if by_others:
        assert all(one["type"] == "codec::plain_decoder" for one in seen), group["evidence"]


def check_nothing(core: Path, fixture: Stopped) -> None:
    """new T[0] leaves a pointer right behind its cookie, which is as far as the block goes."""
    ((address,),) = fixture.said("held")
    block = report_of(succeed("block", core, fixture.program, address, "--json"))
    assert block["block"]["reach"] == "reachable", block


def check_mappings(report: dict[str, Any], fixture: Stopped) -> None:
    told = {(int(one["start"], 16), one["size"]) for one in report["mappings"]}
    for start, size in fixture.said("mapping"):
        assert (int(start, 16), int(size)) in told, f"{start}, {size} bytes are pointed to by nothing; reported {report['mappings']}"
    assert len(told) == len(fixture.said("mapping")), report["mappings"]


# ---- options --------------------------------------------------------------------------------------------------------


def check_addresses(core: Path, fixture: Stopped) -> None:
    report = leaks(core, "--addresses")
    lines = succeed("chunks", core, "--lost", "--json", "--limit", "0").out.splitlines()
    lost = {json.loads(line)["address"]: json.loads(line)["size"] for line in lines}
    told = {block["address"]: block["size"] for block in report["blocks"] if block["reach"] != "possibly lost"}
    assert len(report["blocks"]) == len({block["address"] for block in report["blocks"]}), "a block stands there twice"
    assert told == lost, f"{len(told)} blocks in the list, {len(lost)} are lost"
    for group in report["groups"]:
        mine = [block for block in report["blocks"] if block["group"] == group["group"]]
        heads = [block for block in mine if block["head"] == block["address"]]
        assert (len(heads), len(mine), sum(block["size"] for block in mine)) == figures(group), f"{figures(group)}: {len(mine)} blocks"
        assert [block["address"] for block in heads[:3]] == group["examples"], group["examples"]
    text = succeed("leaks", core, "--addresses").out
    for address in list(lost)[:20]:
        assert re.search(rf"^{address}\s+{lost[address]}\s", text, re.MULTILINE), f"{address} is not in the text"


def check_group_by(core: Path, fixture: Stopped) -> None:
    whole = leaks(core)
    for what in ("size", "type", "module"):
        report = leaks(core, "--group-by", what)
        assert report["totals"] == whole["totals"], f"{what}: {report['totals']}"
        sums = [sum(group[key] for group in report["groups"]) for key in ("trees", "blocks", "bytes")]
        assert sums == [sum(group[key] for group in whole["groups"]) for key in ("trees", "blocks", "bytes")], f"{what}: {sums}"
    types = {group["type"] for group in lost_groups(leaks(core, "--group-by", "type"))}
    shared = {one for one in types if one and one.startswith("std::_Sp_counted_")}
    assert len(shared) == 2 and types - shared == {"demo::session", None}, types
    first = [group["modules"][0]["module"] for group in lost_groups(leaks(core, "--group-by", "module")) if group["modules"]]
    assert sorted(first) == sorted([LIBRARY, fixture.program.name]), first
    assert len(leaks(core, "--limit", "2")["groups"]) == 2


def check_no_content(core: Path) -> None:
    assert "to nobody" in succeed("leaks", core).out, "without --no-content there is content"
    for arguments in ((), ("--json",), ("--json", "--addresses")):
        text = succeed("leaks", core, "--no-content", *arguments).out
        assert "nobody" not in text and "answer" not in text and "somebody" not in text, text
    report = leaks(core, "--no-content")
    assert all(group["sample"] is None and group["beginning"] is None for group in report["groups"])


def suppress(core: Path, folder: Path, text: str, *arguments: str, name: str = "known") -> Any:
    path = folder / name
    path.write_text(text)
    return heapcore("leaks", core, "--suppressions", str(path), *arguments)


def check_suppressions(core: Path, fixture: Stopped) -> None:
    truth = kinds_of(fixture)
    rules = {
        "list": "size = 24",
        "tree": "size = 50..60",
        "text": "content = answer * nobody",
        "object": "type = demo::*",
        "decoder": f"module = {LIBRARY}\nsize = 900..1100",
    }
    with Workspace() as folder:
        for kind, rule in rules.items():
            done = suppress(core, folder, f"[known {kind}]\n{rule}\n\n[never met]\ntype = no::such::type\n", "--json")
            report = report_of(done)
            used = {one["name"]: (one["blocks"], one["bytes"]) for one in report["suppressions"]}
            assert used == {f"known {kind}": truth[kind][1:], "never met": (0, 0)}, f"{kind}: {used}, {truth[kind]}"
            amount = report["totals"]["suppressed"]
            assert (amount["blocks"], amount["bytes"]) == truth[kind][1:], f"{kind}: {amount}"
            group = only([one for one in report["groups"] if one["suppression"]], kind)
            assert group["suppression"] == f"known {kind}" and figures(group) == truth[kind], group
        everything = "[all]\nsize = 1..\n"
        assert heapcore("leaks", core, "--fail-on", "leaked>0").status == 1
        assert suppress(core, folder, everything, "--fail-on", "leaked>0").status == 0
        lost = sum(blocks for _, blocks, _ in truth.values())
        for bound, status in ((lost - truth["list"][1], 0), (lost - truth["list"][1] - 1, 1)):
            done = suppress(core, folder, "[list]\nsize=24\n", "--fail-on", f"leaked>{bound}")
            assert done.status == status, done


def check_bad_suppressions(core: Path) -> None:
    with Workspace() as folder:
        for text in ("[empty]\n", "[a]\nsize = much\n", "[a]\nsize = 5..3\n", "[a]\nsort = x\n", "no group\n"):
            done = suppress(core, folder, text)
            assert done.status == 2 and done.err and not done.out, f"{text!r}: {done}"
        assert heapcore("leaks", core, "--suppressions", str(folder / "not there")).status == 2


def check_text_report(core: Path) -> None:
    text = succeed("leaks", core).out
    for part in ("definitely lost", "still reachable", "ROOT CYCLE: 12 heads lead back to themselves",
                 "ROOT CYCLE: 25 heads hold themselves: ", "demo::session", LIBRARY, "freed block",
                 "ANONYMOUS MAPPINGS", "Which call allocated a block is not in a core"):
        assert part in text, f"{part!r} is missing:\n{text}"
    assert text.count("Which call allocated") == 1, text


# ---- the demonstration ----------------------------------------------------------------------------------------------


def check_service() -> None:
    """Replies of four sizes, all different: one row."""
    with Workspace() as folder:
        service = subprocess.Popen([str(SERVICE)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        try:
            line = service.stdout.readline()
            found = re.search(r"leaked (\d+) blocks, (\d+) bytes", line)
            assert found, f"the service says {line!r}"
            blocks, size = int(found.group(1)), int(found.group(2))
            subprocess.run(["gcore", "-o", str(folder / "core"), str(service.pid)], stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE, check=True)
        finally:
            service.kill()
            service.wait()
            service.stdout.close()
        group = only(leaks(folder / f"core.{service.pid}")["groups"], "replies")
        assert figures(group) == (blocks, blocks, size), f"leaked {blocks} blocks, {size} bytes; reported {figures(group)}"
        assert group["beginning"].startswith("ORDER/#.# id=# article=#"), group["beginning"]


cases = Cases(__doc__)
if not cases.options.list:
    with Stopped("leak-kinds", (f"library={inside(CODEC)}",)) as lost_kinds:
        dump = lost_kinds.gcore()
        one_report = leaks(dump)
        cases.run("kinds", check_kinds, one_report, lost_kinds)
        cases.run("totals", check_totals, one_report, lost_kinds, dump)
        cases.run("shapes", check_shapes, one_report, lost_kinds)
        cases.run("text", check_text, one_report, lost_kinds)
        cases.run("type", check_type, one_report, lost_kinds)
        cases.run("older layout", check_older_layout, one_report, lost_kinds, "decoder", False)
        cases.run("older layout, no pointer left", check_older_layout, one_report, lost_kinds, "plain_decoder", True)
        cases.run("new T[0]", check_nothing, dump, lost_kinds)
        cases.run("mappings", check_mappings, one_report, lost_kinds)
        cases.run("--addresses", check_addresses, dump, lost_kinds)
        cases.run("--group-by", check_group_by, dump, lost_kinds)
        cases.run("--no-content", check_no_content, dump)
        cases.run("--suppressions", check_suppressions, dump, lost_kinds)
        cases.run("bad suppressions", check_bad_suppressions, dump)
        cases.run("text report", check_text_report, dump)
if ROOT == Path("/"):  # the service is this machine's
    cases.run("service", check_service)
cases.finish()
