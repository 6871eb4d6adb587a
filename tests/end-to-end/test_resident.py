#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What was resident: mapping by mapping and in sum it is smaps' Rss, to the page, and what the program wrote; of each row of
the memory table it is counted by the block; and what malloc_trim(0) would give back is what the process then loses."""

from __future__ import annotations

import bisect
import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

from elfcore import Core
from harness import Cases, Skipped, Stopped, analyze, few, need_captures, report_of, succeed

need_captures()

PAGE = 4096
# The process answers on its stack and in libc's data and text between capture and malloc_trim.
TRIM_TOLERANCE = 16 * PAGE


def smaps(text: str) -> list[tuple[int, int, int, int]]:
    """Start, end, resident, swapped of each mapping that a core has, by the kernel."""
    found = []
    for part in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", text, flags=re.MULTILINE)[1:]:
        low, high = (int(word, 16) for word in part.split()[0].split("-"))
        if "[vvar" not in part.splitlines()[0]:
            figures = [int(re.search(rf"^{key}:\s+(\d+) kB", part, re.MULTILINE)[1]) * 1024 for key in ("Rss", "Swap")]
            found.append((low, high, figures[0], figures[1]))
    return found


def capture(fixture: Stopped, name: str = "capture") -> Path:
    succeed("capture", str(fixture.pid), "-o", fixture.folder / name)
    return fixture.folder / name


def inside(areas: list[dict[str, Any]], low: int, high: int, key: str = "resident") -> int:
    return sum(area[key] for area in areas if int(area["start"], 16) >= low and int(area["end"], 16) <= high)


def check_mappings(folder: Path) -> None:
    """Areas cut mappings; those of each mapping add up to what smaps says of it."""
    report = report_of(succeed("mappings", folder, "--json"))
    areas, problems = report["mappings"], []
    assert areas[0]["resident"] is not None, report["diagnostics"]
    for low, high, resident, swapped in smaps((folder / "smaps").read_text()):
        if inside(areas, low, high) != resident:
            problems.append(f"{low:x}-{high:x}: {inside(areas, low, high)}, smaps {resident}")
        if inside(areas, low, high, "swapped") != swapped:
            problems.append(f"{low:x}-{high:x}: {inside(areas, low, high, 'swapped')} swapped, smaps {swapped}")
    assert not problems, few(problems)
    told = [one for one in report["diagnostics"] if one["id"].startswith("resident-pages")]
    assert not told, told


def check_sum(folder: Path) -> None:
    """The rows add up, and what the memory table calls resident is what the kernel does."""
    memory = report_of(succeed("analyze", folder, "--json"))["memory"]
    wanted = [sum(one[index] for one in smaps((folder / "smaps").read_text())) for index in (2, 3)]
    assert [memory["resident"], memory["swapped"]] == wanted, (memory["resident"], memory["swapped"], wanted)
    for key, total in zip(("resident", "swapped"), wanted):
        assert sum(row[key] for row in memory["rows"]) == total, [(row["id"], row[key]) for row in memory["rows"]]
    for row in memory["rows"] + memory["parts"]:
        assert row["resident"] + row["swapped"] <= row["bytes"], row
    rollup = re.search(r"^Rss:\s+(\d+) kB", (folder / "smaps_rollup").read_text(), re.MULTILINE)
    assert int(rollup[1]) * 1024 == wanted[0], (rollup[1], wanted)


def figures(text: str, keys: tuple[str, ...]) -> dict[str, list[int]]:
    """By a mapping's first words, of each KEY the kB."""
    found = {}
    for part in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", text, flags=re.MULTILINE)[1:]:
        head = part.splitlines()[0]
        found[head] = [int(re.search(rf"^{key}:\s+(\d+) kB", part, re.MULTILINE)[1]) for key in keys]
    return found


def check_kernel(fixture: Stopped, folder: Path) -> None:
    """The process does not move; so what was counted of a copy, and just before, is what the kernel tells of the process itself."""
    proc = Path(f"/proc/{fixture.pid}")
    keys = ("Rss", "Anonymous", "Swap", "AnonHugePages")
    told, wanted = (figures((where / "smaps").read_text(), keys) for where in (folder, proc))
    assert told.keys() == wanted.keys(), told.keys() ^ wanted.keys()
    problems = [f"{head}: {told[head]}, the kernel {wanted[head]}" for head in told if told[head] != wanted[head]]
    assert not problems, few(problems)
    told, wanted = (list(figures((where / "smaps_rollup").read_text(), keys).values()) for where in (folder, proc))
    assert told == wanted, (told, wanted)
    # Of memory that is nobody else's a copy's smaps would tell half.
    told, wanted = (figures((where / "smaps").read_text(), ("Pss",)) for where in (folder, proc))
    private = [head for head in told if " rw-p 00000000 00:00 0" in head]
    assert all(abs(told[head][0] - wanted[head][0]) <= 4 for head in private) and len(private) > 10, few(
        [f"{head}: {told[head]}, the kernel {wanted[head]}" for head in private])
    assert (folder / "maps").read_text().count("\n") >= len(told)


def check_shares(folder: Path) -> None:
    """Each row's share of what others map too is Pss of the mappings in it, and page tables are VmPTE."""
    memory = report_of(succeed("analyze", folder, "--json"))["memory"]
    areas = report_of(succeed("mappings", folder, "--json"))["mappings"]
    wanted: dict[str, int] = {}
    for part in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", (folder / "smaps").read_text(), flags=re.MULTILINE)[1:]:
        low, high = (int(word, 16) for word in part.split()[0].split("-"))
        rss, pss = (int(re.search(rf"^{key}:\s+(\d+) kB", part, re.MULTILINE)[1]) * 1024 for key in ("Rss", "Pss"))
        kinds = {area["kind"] for area in areas if area["resident"] and int(area["start"], 16) >= low and int(area["end"], 16) <= high}
        for kind in kinds if rss and kinds in ({"file"}, {"shared"}) else ():
            wanted[kind] = wanted.get(kind, 0) + pss
        wanted["all"] = wanted.get("all", 0) + pss
    assert memory["proportional"] == wanted["all"], (memory["proportional"], wanted)
    rows = {row["id"]: row for row in memory["rows"]}
    assert rows["files"]["proportional"] == wanted["file"] < rows["files"]["resident"], (rows["files"], wanted)
    assert rows["shared"]["proportional"] == wanted["shared"], (rows["shared"], wanted)
    assert rows["in-use"]["proportional"] is None
    tables = int(re.search(r"^VmPTE:\s+(\d+) kB", (folder / "status").read_text(), re.MULTILINE)[1]) * 1024
    assert memory["page_tables"] == tables, (memory["page_tables"], tables)


def runs_of(folder: Path) -> list[tuple[int, int, int]]:
    """Start, end, kind of the runs of pages in the file, read here by its description in docs/capture.md."""
    line, body = (folder / "pages").read_bytes().split(b"\n", 1)
    name, version, page, runs, length = line.split()
    assert (name, version, int(page), int(length)) == (b"heapcore-pages", b"1", PAGE, len(body)), line
    found, at, index = [], 0, 0

    def number() -> int:
        nonlocal index
        value = shift = 0
        while True:
            byte = body[index]
            index += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value
    for _ in range(int(runs)):
        start = at + number()
        at = start + number()
        kind, index = body[index], index + 1
        assert not (kind & 1 and kind & 2), kind
        found.append((start * PAGE, at * PAGE, kind))
    assert index == len(body)
    return found


def write_runs(folder: Path, runs: list[tuple[int, int, int]]) -> None:
    body, at = bytearray(), 0
    for start, end, kind in runs:
        for value in ((start - at) // PAGE, (end - start) // PAGE):
            while value > 0x7f:
                body.append(value & 0x7f | 0x80)
                value >>= 7
            body.append(value)
        body.append(kind)
        at = end
    (folder / "pages").write_bytes(b"heapcore-pages 1 %d %d %d\n" % (PAGE, len(runs), len(body)) + body)


def written_pages(folder: Path) -> list[tuple[int, int]]:
    return [(start, end) for start, end, kind in runs_of(folder) if kind & 1 and not kind & 8]


def check_swapped(fixture: Stopped, folder: Path) -> None:
    """Machines without swap have none: what a recorded list of pages and smaps tell as swapped out is told, of each row and block."""
    said = {what: (int(address, 16), int(size), int(written)) for what, address, size, written in fixture.said("pages") if written != "-"}
    wanted, text = {}, (folder / "smaps").read_text()
    runs = runs_of(folder)
    for what in ("reserve", "mmapped"):
        low, size, written = said[what]
        wanted[what] = written
        cut = [(max(start, first), min(end, last), kind) for start, end, kind in runs
               for first, last in ((0, low), (low, low + size), (low + size, 1 << 63)) if max(start, first) < min(end, last)]
        runs = [(start, end, kind & ~1 | 2 if kind & 1 and low <= start < low + size else kind) for start, end, kind in cut]
        parts = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", text, flags=re.MULTILINE)
        (place,) = [number for number, part in enumerate(parts[1:], 1)
                    if int(part.split("-")[0], 16) <= low < int(part.split()[0].split("-")[1], 16)]
        for key, change in (("Rss", -written), ("Pss", -written), ("Swap", written)):
            parts[place] = re.sub(rf"^({key}:\s+)(\d+)", lambda match, change=change: match[1] + str(int(match[2]) + change // 1024),
                                  parts[place], count=1, flags=re.MULTILINE)
        text = "".join(parts)
    write_runs(folder, runs)
    (folder / "smaps").write_text(text)
    check_mappings(folder)
    areas = report_of(succeed("mappings", folder, "--json"))["mappings"]
    low, size, _ = said["reserve"]
    inside_reserve = [area for area in areas if int(area["start"], 16) <= low < int(area["end"], 16)]
    assert sum(area["swapped"] for area in inside_reserve) >= wanted["reserve"], inside_reserve
    memory = report_of(succeed("analyze", folder, "--json"))["memory"]
    assert memory["swapped"] == sum(wanted.values()) == sum(row["swapped"] for row in memory["rows"]), (memory["swapped"], wanted)
    block = report_of(succeed("block", folder, hex(said["mmapped"][0] + 16), "--json"))["block"]
    assert (block["resident"], block["swapped"]) == (0, wanted["mmapped"] - 16), (block, wanted)
    assert "SWAPPED" in succeed("analyze", folder).out


def resident_in(runs: list[tuple[int, int]], low: int, high: int) -> int:
    first = bisect.bisect([end for _, end in runs], low)
    return sum(max(0, min(high, end) - max(low, start)) for start, end in runs[first:] if start < high)


def check_blocks(fixture: Stopped, folder: Path) -> None:
    """In-use rows by brute force: the bytes on resident pages of each block that the recorder saw."""
    runs = written_pages(folder)
    wanted = sum(resident_in(runs, address, address + block.usable) for address, block in fixture.live_blocks().items())
    rows = {row["id"]: row for row in analyze(folder, fixture.program)["memory"]["rows"]}
    told = sum(rows[name]["resident"] for name in ("in-use", "mmapped", "runtime") if name in rows)
    # The recorder does not see what ld.so allocated before it: a few kilobytes.
    assert 0 <= told - wanted <= 64 * 1024, (told, wanted)
    assert rows["mmapped"]["resident"] == 100 * PAGE - 16, rows["mmapped"]
    assert rows["in-use"]["resident"] == rows["in-use"]["bytes"], "the program wrote to all of its blocks"


def check_arenas(folder: Path) -> None:
    """Of each arena, by its regions: the areas of the heap, which no two arenas share, are all of them."""
    report = report_of(succeed("analyze", folder, "--json"))
    areas = [area for area in report_of(succeed("mappings", folder, "--json"))["mappings"] if area["kind"] == "heap"]
    runs = written_pages(folder)
    wanted = sum(resident_in(runs, int(area["start"], 16), int(area["end"], 16)) for area in areas)
    assert len(report["arenas"]) > 8 and all(arena["resident"] for arena in report["arenas"])
    assert sum(arena["resident"] for arena in report["arenas"]) == wanted, ([arena["resident"] for arena in report["arenas"]], wanted)


def check_program(fixture: Stopped, folder: Path) -> None:
    """What the program wrote and did not give back, no more and no less."""
    runs = written_pages(folder)
    for what, address, size, written in fixture.said("pages"):
        low = int(address, 16)
        if written != "-":
            assert resident_in(runs, low, low + int(size)) == int(written), (what, resident_in(runs, low, low + int(size)))


def check_trim(fixture: Stopped, folder: Path) -> None:
    free = analyze(folder, fixture.program)["free"]
    before = fixture.rss_of(0, 1 << 63)
    assert fixture.command("t")[0] == "trim"
    gain, expected = before - fixture.rss_of(0, 1 << 63), free["trim"] - free["trim_zero"]
    assert abs(gain - expected) <= TRIM_TOLERANCE, f"malloc_trim gave back {gain}, reported {expected}"
    trimmed = capture(fixture, "trimmed")
    after = analyze(trimmed, fixture.program)["free"]
    advice = report_of(succeed("pins", trimmed, "--json"))["advice"]
    assert "were given back already" in advice and "zero" not in advice, advice
    assert after["trim"] - after["trim_zero"] <= TRIM_TOLERANCE, after


def check_words(fixture: Stopped, folder: Path) -> None:
    """A column where it is known, and how to get it where it is not."""
    assert "RESIDENT" in succeed("analyze", folder).out and "RESIDENT" in succeed("mappings", folder).out
    core = fixture.gcore()
    text = " ".join(succeed("analyze", core).out.split())
    assert "RESIDENT" not in text and "how much was resident a core does not tell: heapcore capture does" in text, text
    memory = report_of(succeed("analyze", core, "--json"))["memory"]
    assert memory["resident"] is None and all(row["resident"] is None for row in memory["rows"])
    (folder / "pages").unlink()
    assert "RESIDENT" not in succeed("analyze", folder).out, "a capture of an earlier version"


# ---- every owner, type, lost group, run and block -------------------------------------------------------------------


def present(pid: int, low: int, high: int) -> int:
    """Bytes of [low, high) on pages that were written, by /proc/PID/pagemap: here nothing else makes pages present."""
    total = 0
    with open(f"/proc/{pid}/pagemap", "rb") as pagemap:
        pagemap.seek(low // PAGE * 8)
        for page in range(low // PAGE, -(-high // PAGE)):
            if int.from_bytes(pagemap.read(8), "little") >> 63:
                total += min(high, (page + 1) * PAGE) - max(low, page * PAGE)
    return total


def check_reserves() -> None:
    """Capacity that was never touched, of each who has it: owner, container, type, lost group, block; by pagemap."""
    with Stopped("reserves", recorder=False) as fixture:
        said: dict[str, list[tuple[int, int]]] = {}
        for what, address, size in fixture.said("block"):
            said.setdefault(what, []).append((int(address, 16), int(size)))
        folder = capture(fixture)
        chunks = {int(one["address"], 16): one
                  for one in map(json.loads, succeed("chunks", folder, fixture.program, "--json", "--limit", "0").out.splitlines())}
        wanted = {}
        for what, blocks in said.items():
            wanted[what] = sum(present(fixture.pid, address, address + chunks[address]["size"]) for address, _ in blocks)
            assert sum(chunks[address]["resident"] for address, _ in blocks) == wanted[what], what
        assert PAGE < wanted["reserved"] < 5 * PAGE and wanted["lost"] == 7 * PAGE - 16 and wanted["filled"] > 2900000, wanted
        owners = report_of(succeed("owners", folder, fixture.program, "--json", "--min", "0", "--depth", "1"))["rows"]
        containers = report_of(succeed("containers", folder, fixture.program, "--json"))["containers"]
        for name in ("reserved", "filled", "table"):
            for rows in (owners, containers):
                (row,) = [one for one in rows if one["path"] == name]
                assert row["resident"] == wanted[name], (name, row, wanted[name])
        (group,) = report_of(succeed("leaks", folder, fixture.program, "--json"))["groups"]
        assert group["resident"] == wanted["lost"] and group["bytes"] > 8 << 20, (group["resident"], wanted)
        address = said["reserved"][0][0]
        block = report_of(succeed("block", folder, hex(address), fixture.program, "--json"))["block"]
        assert (block["resident"], block["swapped"]) == (wanted["reserved"], 0), block
        types = report_of(succeed("types", folder, fixture.program, "--json", "--limit", "0"))["types"]
        memory = {row["id"]: row for row in analyze(folder, fixture.program)["memory"]["rows"]}
        # Blocks of all types are what is in use.
        assert sum(row["resident"] for row in types) == sum(memory[name]["resident"] for name in ("in-use", "mmapped", "runtime") if name in memory)
        for command in ("owners", "containers", "types", "leaks", "chunks"):
            assert "RESIDENT" in succeed(command, folder, fixture.program).out, command
        check_unknown(fixture)


def check_unknown(fixture: Stopped) -> None:
    """A core that tells nothing: null, and no column."""
    core = fixture.gcore()
    for command, key in (("owners", "rows"), ("containers", "containers"), ("types", "types"), ("leaks", "groups")):
        assert all(row["resident"] is None for row in report_of(succeed(command, core, fixture.program, "--json"))[key]), command
        assert "RESIDENT" not in succeed(command, core, fixture.program).out, command


def check_runs(folder: Path) -> None:
    """Free memory that is kept: what of each run is in memory, and what was given back, by the list of pages."""
    runs = written_pages(folder)
    rows = report_of(succeed("pins", folder, "--json", "--limit", "0"))["runs"]
    assert any(0 < row["resident"] < row["bytes"] for row in rows), rows
    for row in rows:
        start = int(row["start"], 16)
        assert row["resident"] == resident_in(runs, start, start + row["bytes"]), row
        assert row["resident"] <= row["bytes"] - row["zero_pages"], row


# ---- two captures ---------------------------------------------------------------------------------------------------


def rss(folder: Path) -> int:
    return sum(one[2] for one in smaps((folder / "smaps").read_text()))


def check_two(before: Path, after: Path) -> dict[str, Any]:
    """The growth of resident memory is the kernel's, in sum and shared out among the rows; snapshots tell the same."""
    report = report_of(succeed("diff", before, after, "--json"))
    wanted = rss(after) - rss(before)
    assert report["resident_growth"] == wanted, (report["resident_growth"], wanted)
    assert sum(row["resident_growth"] for row in report["memory"]["rows"]) == wanted
    assert sum(row["resident"] for row in report["attribution"]) == wanted, [(row["name"], row["resident"]) for row in report["attribution"]]
    (rest,) = [row for row in report["attribution"] if row["kind"] == "rest"]
    assert not rest["resident"] and not rest["bytes"], rest
    moved = {row["name"] for row in report["memory"]["rows"] if row["growth"] or row["resident_growth"]}
    assert not moved & {row["name"] for row in report["steady"]}, (moved, report["steady"])
    files = []
    for folder in (before, after):
        files.append(folder.parent / (folder.name + ".snapshot"))
        succeed("snapshot", folder, "-o", files[-1], "--force")
    of_files = report_of(succeed("diff", *files, "--json"))
    for key in ("resident_growth", "verdict", "sentences", "memory", "attribution", "steady"):
        assert of_files[key] == report[key], f"{key} of snapshots: {of_files[key]}, of captures: {report[key]}"
    return report


def size(bytes_: int) -> str:
    """As heapcore writes it, from a mebibyte on."""
    return f"{abs(bytes_) / (1 << 20):.1f} MiB"


def check_trimmed(fixture: Stopped) -> None:
    """Nearly no memory went, but resident memory did: that is the first thing said."""
    before = capture(fixture, "untrimmed")
    assert fixture.command("t")[0] == "trim"
    after = capture(fixture, "after-trim")
    report = check_two(before, after)
    assert report["resident_growth"] < -(4 << 20), report["resident_growth"]
    assert report["verdict"].startswith(f"Resident memory shrank by {size(report['resident_growth'])}"), report["verdict"]
    assert "did not grow" not in report["verdict"].splitlines()[0]


def check_touched(fixture: Stopped) -> None:
    """Reserved long before, touched now: memory that is mapped is the same, and what is resident is not."""
    before = capture(fixture, "untouched")
    wrote, was = 12 << 20, fixture.rss_of(0, 1 << 63)
    os.kill(fixture.pid, signal.SIGUSR1)
    while fixture.rss_of(0, 1 << 63) < was + wrote:
        time.sleep(0.05)
    after = capture(fixture, "touched")
    report = check_two(before, after)
    assert wrote <= report["resident_growth"] <= wrote + (256 << 10), (wrote, report["resident_growth"])
    assert report["growth"] < 1 << 20
    first = report["sentences"][0]
    # The mapping is not malloc's, but a variable leads to it, which has its name.
    assert first["kind"] == "owner-growth" and first["name"] == "untouched", report["sentences"]
    assert abs(first["resident"] - wrote) < 256 << 10, report["sentences"]
    assert report["verdict"].startswith(f"Resident memory grew by {size(report['resident_growth'])}"), report["verdict"]
    for words in ("untouched", "of resident memory", "not malloc's"):
        assert words in report["verdict"], (words, report["verdict"])
    assert not any("anonymous" in row["name"] for row in report["steady"]), report["steady"]


def check_still(fixture: Stopped) -> None:
    """A capture does not make resident what was not, also of files and shared memory: but for a page or two of ELF headers."""
    if os.geteuid():
        raise Skipped("only root may read what others have mapped without looking at it")
    before, after = capture(fixture, "still"), capture(fixture, "still-too")
    assert abs(check_two(before, after)["resident_growth"]) <= 4 * PAGE, (rss(before), rss(after))
    assert check_two(before, before)["verdict"].startswith("Memory did not grow")


def check_bytes(fixture: Stopped) -> None:
    """What was read out of files is what the process sees, also where it never looked."""
    core = Core(next(capture(fixture, "bytes").glob("core.*")))
    files = [entry for entry in Path(f"/proc/{fixture.pid}/maps").read_text().splitlines() if int(entry.split()[4])]
    starts = {int(entry.split("-")[0], 16) for entry in files}
    compared = 0
    with open(f"/proc/{fixture.pid}/mem", "rb") as memory:
        for segment in core.segments:
            if segment.start in starts and segment.file_size:
                memory.seek(segment.start)
                assert memory.read(segment.file_size) == core.bytes[segment.offset:segment.offset + segment.file_size], \
                    hex(segment.start)
                compared += segment.file_size
    assert compared >= 20 << 20, f"only {compared} bytes: not all of shared memory and the file"


def status(pid: int, key: str) -> int:
    return int(re.search(rf"^{key}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1]) * 1024


def check_paged_out(fixture: Stopped) -> None:
    """Where the machine has swap: what went there is told of each mapping and row, and by diff as the reason why less is resident."""
    if len(Path("/proc/swaps").read_text().splitlines()) < 2:
        raise Skipped("no swap here")
    before = capture(fixture, "in memory")
    os.kill(fixture.pid, signal.SIGUSR2)
    until = time.monotonic() + 20
    while status(fixture.pid, "VmSwap") < 7 << 20 and time.monotonic() < until:
        time.sleep(0.05)
    if status(fixture.pid, "VmSwap") < 7 << 20:
        raise Skipped("the kernel did not page out what it was asked to")
    after = capture(fixture, "paged out")
    check_mappings(after)
    check_sum(after)
    rows = {row["id"]: row["swapped"] for row in report_of(succeed("analyze", after, "--json"))["memory"]["rows"]}
    assert rows["in-use"] >= 3 << 20 and rows["anonymous"] >= 3 << 20, rows
    text = " ".join(succeed("diff", before, after).out.split())
    swapped = sum(sign * one[3] for sign, folder in ((-1, before), (1, after)) for one in smaps((folder / "smaps").read_text()))
    match = re.search(r"VERDICT Resident memory shrank by [^(]*\(([\d.]+) MiB more are swapped out", text)
    assert match and abs(float(match[1]) * (1 << 20) - swapped) < 1 << 17, (text[:500], swapped)


def check_huge(fixture: Stopped, folder: Path) -> None:
    """Where the kernel gives huge pages: they are resident as a whole, and are told as what they are."""
    address, size = next((int(line[1], 16), int(line[2])) for line in fixture.said("pages") if line[0] == "huge")
    part = re.search(rf"^{address:x}-.*?^AnonHugePages:\s+(\d+) kB", (folder / "smaps").read_text(), re.MULTILINE | re.DOTALL)
    if not part or not int(part[1]):
        raise Skipped("no huge pages here")
    huge = sum(min(end, address + size) - max(start, address) for start, end, kind in runs_of(folder)
               if kind & 16 and start < address + size and end > address)
    assert huge == int(part[1]) * 1024 >= 2 << 20, (huge, part[1])


cases = Cases(__doc__)
with Stopped("resident") as process:
    taken = capture(process)
    cases.run("mappings", check_mappings, taken)
    cases.run("sum", check_sum, taken)
    cases.run("kernel", check_kernel, process, taken)
    cases.run("shares", check_shares, taken)
    cases.run("blocks", check_blocks, process, taken)
    cases.run("arenas", check_arenas, taken)
    cases.run("runs", check_runs, taken)
    cases.run("huge", check_huge, process, taken)
    cases.run("program", check_program, process, taken)
    cases.run("trim", check_trim, process, taken)
    cases.run("swapped", check_swapped, process, taken)
    cases.run("words", check_words, process, taken)
    cases.run("diff: nothing moved", check_still, process)
    cases.run("diff: touched", check_touched, process)
with Stopped("resident") as process:
    cases.run("diff: trimmed", check_trimmed, process)
    cases.run("bytes", check_bytes, process)
    cases.run("paged out", check_paged_out, process)
cases.run("reserves", check_reserves)
for program in ("threads", "mapped", "coroutines", "unjoined"):
    with Stopped(program) as process:
        taken = capture(process)
        cases.run(f"mappings: {program}", check_mappings, taken)
        cases.run(f"sum: {program}", check_sum, taken)
        # Where no thread can make a copy, all of [vdso] is read in the process, and is in memory from then on.
        if program != "coroutines":
            cases.run(f"kernel: {program}", check_kernel, process, taken)
cases.finish()
