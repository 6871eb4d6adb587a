#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library's other users: the C examples of docs/examples, and the Python module of python/heapcore.

Both are held against what the fixtures say of themselves, the recorder, and the program's own reports; the structures of the module against the C compiler.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from harness import SOURCE, Cases, Skipped, Stopped, Workspace, few, need_captures, report_of, succeed

BUILD = Path(os.environ["HEAPCORE_BUILDDIR"])
LIBRARY = BUILD / ".libs" / "libheapcore.so.0"


def example(name: str, *arguments: Any) -> list[list[str]]:
    """The lines that one prints, in words; the last one is the rest."""
    program = BUILD / "docs" / "examples" / name
    assert program.exists(), f"{program} is missing: make check builds it"
    done = subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done
    return [line.split(" ", 3 if name == "blocks" else 2) for line in done.stdout.splitlines()]


def module() -> Any:
    if "libasan" in subprocess.run(["readelf", "-d", LIBRARY], capture_output=True, text=True, check=True).stdout:
        raise Skipped("a library with AddressSanitizer cannot be loaded into Python")
    os.environ["HEAPCORE_LIBRARY"] = str(LIBRARY)
    sys.path.insert(0, str(SOURCE / "python"))
    return importlib.import_module("heapcore")


def owners(core: Path) -> dict[str, Any]:
    return report_of(succeed("owners", core, "--min", "0", "--depth", "1000", "--json", statuses=(0, 3)))


# ---- C --------------------------------------------------------------------------------------------------------------


def check_blocks(fixture: Stopped, core: Path) -> None:
    told = {int(address, 16): int(size) for address, size, *_ in example("blocks", core, fixture.program)}
    live = {address: block.usable for address, block in fixture.live_blocks().items()}
    wrong = [f"{address:#x}: {told.get(address)}, not {size}" for address, size in live.items() if told.get(address, size) != size]
    assert not wrong, few(wrong)
    said = {int(address, 16) for address, _ in fixture.said("block")}
    assert said and said <= set(told), few(map(hex, said - set(told)))
    assert set(told) <= set(live), few(map(hex, set(told) - set(live)))
    for words in ([], [core.parent / "nothing"]):
        done = subprocess.run([str(BUILD / "docs/examples/blocks"), *map(str, words)], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and done.stderr.startswith("blocks: "), done


def check_owners(fixture: Stopped, core: Path) -> None:
    report = owners(core)
    told = [(int(holds), int(retained), path) for holds, retained, path in example("owners", core, fixture.program)]
    top = [row for row in report["rows"] if not row["level"]]
    assert told[:len(top)] == [(row["bytes"], row["retained"] or 0, row["path"]) for row in top]
    assert sum(holds for holds, *_ in told) == report["in_use"]["bytes"]


def check_containers(fixture: Stopped, core: Path) -> None:
    report = report_of(succeed("containers", core, "--limit", "0", "--json", statuses=(0, 3)))
    told = [(int(elements), int(bytes), path) for elements, bytes, path in example("containers", core, fixture.program)]
    assert told and told == [(row["elements"] or 0, row["bytes_below"], row["path"]) for row in report["containers"]]


def check_diff(fixture: Stopped, before: Path, after: Path) -> None:
    (whole, _), *rows = [(int(words[0]), words[1]) for words in example("diff", before, after, fixture.program)]
    assert whole == sum(growth for growth, _ in rows) > 0, (whole, rows)
    report = report_of(succeed("diff", before, after, fixture.program, "--json", statuses=(0, 3)))
    said = Counter((row["kind"], row["bytes"]) for row in report["attribution"] if row["bytes"])
    assert Counter((kind, growth) for growth, kind in rows) == said, (rows, said)


# ---- Python ---------------------------------------------------------------------------------------------------------


def check_structures() -> None:
    """Sizes and places of all fields are those of the headers."""
    library = importlib.import_module("heapcore._library") if module() else None
    compiler = shutil.which(os.environ.get("CC", "cc").split()[-1]) or shutil.which("gcc")
    if not compiler:
        raise Skipped("there is no C compiler")
    lines, expected = [], []
    for name, structure in library.STRUCTURES.items():
        if structure.__name__ not in library.CUT_SHORT:
            lines.append(f'printf("%zu\\n", sizeof({name}));')
            expected.append((name, library.ctypes.sizeof(structure)))
        for field, kind in structure._fields_:
            called = f"{name}, {field.removesuffix('_')}"
            lines.append(f'printf("%zu %zu\\n", offsetof({called}), sizeof((({name} *)0)->{field.removesuffix("_")}));')
            expected.append((called, f"{getattr(structure, field).offset} {library.ctypes.sizeof(kind)}"))
    for name, value in ("HC_STAGE_TYPES", library.STAGE_TYPES), ("HC_OWNER_NO_ROW", library.NO_ROW), ("HC_BLOCK_IN_USE", library.IN_USE):
        lines.append(f'printf("%u\\n", (unsigned){name});')
        expected.append((name, value))
    codes = module()._CODES
    lines.append('printf("%u\\n", (unsigned)HC_ERROR_USAGE + 1);')
    expected.append(("hc_error_code", len(codes)))
    with Workspace() as folder:
        source = folder / "structures.c"
        source.write_text("#include <heapcore/heapcore.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n" + "\n".join(lines) + "\n}\n")
        flags = subprocess.run(["pkg-config", "--cflags", "glib-2.0"], capture_output=True, text=True, check=True).stdout.split()
        subprocess.run([compiler, f"-I{SOURCE}/include", *flags, "-o", folder / "structures", source], check=True)
        said = subprocess.run([folder / "structures"], capture_output=True, text=True, check=True).stdout.splitlines()
    wrong = [f"{name}: {value}, not {line}" for (name, value), line in zip(expected, said) if str(value) != line]
    assert len(said) == len(expected) and not wrong, few(wrong)


def check_module(fixture: Stopped, core: Path) -> None:
    """All that it gives, against the recorder and the reports."""
    heapcore = module()
    with heapcore.open(core, fixture.program) as opened:
        live = {address: block.usable for address, block in fixture.live_blocks().items()}
        blocks = list(opened.blocks())
        told = {block.address: block.size for block in blocks}
        assert all(told.get(address) == size for address, size in live.items())
        assert opened.in_use == (len(blocks), sum(block.size for block in blocks))
        report = owners(core)
        assert opened.in_use == (report["in_use"]["blocks"], report["in_use"]["bytes"])
        rows = list(opened.owners())
        assert [(row.path, row.level, row.bytes, row.own_bytes, row.retained) for row in sorted(rows, key=lambda row: (row.level, row.path))] == [
            (row["path"], row["level"], row["bytes"], row["own"]["bytes"], row["retained"])
            for row in sorted(report["rows"], key=lambda row: (row["level"], row["path"]))]
        held: Counter[int] = Counter()
        for block in blocks:
            if block.owner:
                held[block.owner.index] += block.size
        assert held == Counter({row.index: row.own_bytes for row in rows if row.own_bytes})
        types = report_of(succeed("types", core, "--limit", "0", "--json", statuses=(0, 3)))["types"]
        assert [(row.blocks, row.bytes, row.certainty) for row in opened.types()] == [(row["count"], row["bytes"], row["certainty"]) for row in types]
        named = Counter(block.type for block in blocks if not block.is_libc and block.type)
        said = {row["type"]: row["count"] for row in types if row["certainty"] == "certain" and row["path"]}
        wrong = [f"{name}: {named[name]}, not {count}" for name, count in said.items() if named[name] < count]
        assert not wrong, few(wrong)
        states = Counter(json.loads(line)["state"] for line in succeed("chunks", core, "--json", statuses=(0, 3)).out.splitlines())
        every = Counter(block.state for block in opened.blocks(all_states=True))
        assert {state: count for state, count in every.items() if state in states} == dict(states)
        some = max(blocks, key=lambda block: block.size)
        assert opened.block_at(some.address + some.size // 2) == some
        assert len(some.read(16)) == 16 and some.read(16) == opened.read(some.address, 16)
        kept = next(iter(opened.blocks()))
    for use in (lambda: kept.type, lambda: list(opened.blocks()), lambda: opened.in_use):
        try:
            use()
        except ValueError:
            continue
        raise AssertionError("a core that was closed was asked")


def check_hidden(fixture: Stopped, core: Path) -> None:
    heapcore = module()
    with heapcore.open(core, fixture.program, no_content=True) as opened:
        try:
            next(iter(opened.blocks())).read()
        except heapcore.HeapcoreError as error:
            assert error.code == "usage"
        else:
            raise AssertionError("it was read")
    for path, code in (core.parent / "nothing", "I/O"), (fixture.program, "bad data"):
        try:
            heapcore.open(path)
        except heapcore.HeapcoreError as error:
            assert error.code == code and str(path) in str(error), (error.code, error)
        else:
            raise AssertionError(f"{path} was opened")


def check_documented(fixture: Stopped, core: Path) -> None:
    """The question of docs/export.md."""
    heapcore = module()
    (script,) = re.findall(r"```python\n(.*?)```", (SOURCE / "docs/export.md").read_text(), re.S)
    assert len([line for line in script.splitlines() if line.strip()]) <= 12
    said = []
    text = script.replace("core.8901", str(core)).replace("./worker", str(fixture.program))
    exec(compile(text, "docs/export.md", "exec"), {"print": lambda *words: said.append(words), "heapcore": heapcore})  # pylint: disable=exec-used
    assert said, "it told nothing"


cases = Cases(__doc__)
if not cases.options.list:
    need_captures()
    with Stopped("retains") as retains:
        dump = retains.gcore()
        cases.run("C: blocks", check_blocks, retains, dump)
        cases.run("C: owners", check_owners, retains, dump)
        cases.run("Python: structures", check_structures)
        cases.run("Python: all of it", check_module, retains, dump)
        cases.run("Python: what is refused", check_hidden, retains, dump)
        cases.run("Python: the question of the documentation", check_documented, retains, dump)
    with Stopped("stories/labels", recorder=False) as story:
        first = story.capture().rename(story.folder / "first")
        story.go_on()
        last = story.capture().rename(story.folder / "last")
        cases.run("C: containers", check_containers, story, last)
        cases.run("C: diff", check_diff, story, first, last)
cases.finish()
