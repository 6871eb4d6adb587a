#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Whose lost blocks are: named only where words that the program wrote, at one place in most of them, lead there. Objects of a library that
was unloaded are nobody else's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import CORE_ONLY, Cases, Stopped, Text, Workspace, analyze, library_path, report_of, succeed

UNLOADED = "of a library that was unloaded"
PLUG_IN = f"library={library_path('plug-in')}"


def check_places(kind: str) -> None:
    with Stopped("blame", recorder=False) as fixture:
        core = fixture.core(kind)
        lines = succeed("leaks", core, fixture.program).out.splitlines()
        for size, blocks, owner in fixture.said("lost"):
            texts = (f"{blocks} x {size} B", f"{blocks} x {int(size) / 1024:.1f} KiB")
            rows = [line for line in lines if any(text in line for text in texts)]
            assert len(rows) == 1, (size, lines)
            assert ("libc" in rows[0]) == (owner == "libc"), (size, owner, rows)


def groups(core: Path, *arguments: Text) -> list[dict[str, Any]]:
    report = report_of(succeed("leaks", core, *arguments, "--json", statuses=(0, 3)))
    return [group for group in report["groups"] if group["class"] == "definitely lost"]


def check_stale(kind: str, what: str) -> None:
    """The tail that a block's last owner left is no evidence, though all blocks have it."""
    with Stopped("stale", [what], recorder=False) as fixture:
        core = fixture.core(kind)
        found = groups(core, fixture.program)
        assert fixture.said("lost")
        for size, blocks, owner in fixture.said("lost"):
            rows = [group for group in found if any(one["size"] == int(size) for one in group["sizes"])]
            # A register may have one of them still.
            assert int(blocks) - 1 <= sum(group["blocks"] for group in rows) <= int(blocks), (size, blocks, rows)
            named = {group["owner"] for group in rows}
            program = {fixture.program.name, f"lt-{fixture.program.name}"}
            if owner == "none":
                assert named == {None} and not any(group["type"] for group in rows), (size, rows)
            elif owner == "libc":
                assert all(name and name.startswith("libc") for name in named), (size, named)
            else:
                assert named <= program, (size, named)


# ---- libraries that were unloaded -----------------------------------------------------------------------------------------


def check_unloaded(kind: str, *arguments: str) -> None:
    """The library's own counts of what it lost; nobody else is blamed; its end marks make no cycles."""
    with Stopped("reload", [PLUG_IN, *arguments], recorder=False) as fixture:
        core = fixture.core(kind)
        ((tables, objects, blocks, size),) = [map(int, words) for words in fixture.said("lost")]
        found = [group for group in groups(core, fixture.program) if group["unloaded"]]
        told = [sum(group[key] for group in found) for key in ("trees", "unloaded", "blocks", "bytes")]
        assert told == [tables, objects, blocks, size], (told, [tables, objects, blocks, size])
        for group in found:
            assert group["owner"] is None and group["type"] is None, group
            assert group["words"][0]["kind"] == "unloaded", group["words"]
        text = " ".join(succeed("leaks", core, fixture.program, statuses=(0, 3)).out.split())
        assert "an unloaded library" in text and "where nothing is mapped now" in text, text
        (finding,) = [one for one in analyze(core, fixture.program)["findings"] if one["kind"] == "lost"]
        assert f"{objects:,} of them begin as objects {UNLOADED} do" in finding["text"], finding


def check_nothing_unloaded(kind: str, loads: int, *arguments: str) -> None:
    """A library that is still there is named as such; what dangles for other reasons is no library's."""
    arguments = (f"loads={loads}", *arguments)
    with Stopped("reload", [PLUG_IN, *arguments], recorder=False) as fixture:
        core = fixture.core(kind)
        found = groups(core, fixture.program)
        lost = [int(words[2]) for words in fixture.said("lost")] + [int(words[0]) for words in fixture.said("dangling")]
        # The last table is not lost while the library is there; a register may have one of the others.
        assert sum(group["blocks"] for group in found) >= sum(lost) - lost[0] // loads - 2, (found, lost)
        assert all(group["unloaded"] == 0 for group in found), found
        text = succeed("leaks", core, fixture.program, statuses=(0, 3)).out
        assert "unloaded" not in text, text
        assert not any(UNLOADED in one["text"] for one in analyze(core, fixture.program)["findings"])
        if "kept" in arguments and not CORE_ONLY:
            assert [group["owner"] for group in found if group["type"]] == ["plug-in.so"], found


def check_dangling_beside(kind: str) -> None:
    """Of both kinds only those of the library count."""
    with Stopped("reload", [PLUG_IN, "loads=30", "dangling"], recorder=False) as fixture:
        core = fixture.core(kind)
        ((_, objects, _, _),) = [map(int, words) for words in fixture.said("lost")]
        assert sum(group["unloaded"] for group in groups(core, fixture.program)) == objects


def check_diff() -> None:
    """One row for the kind in both, which grew by what the library counts."""
    with Workspace() as folder:
        cores, figures = [], []
        for loads in (1, 40):
            with Stopped("reload", [PLUG_IN, f"loads={loads}"], recorder=False) as fixture:
                cores.append(fixture.kernel_core().rename(folder / f"core-{loads}"))
                figures.append([int(word) for word in fixture.said("lost")[0]])
                program = fixture.program
        report = report_of(succeed("diff", *cores, program, "--json", statuses=(0, 3)))
        rows = [row for row in report["attribution"] if row["kind"] == "lost"]
        assert len(rows) == 1, rows
        told = [rows[0]["before"], rows[0]["after"]]
        assert told == [figure[3] for figure in figures], (told, figures)
        assert rows[0]["name"].startswith("a library that was unloaded: "), rows
        (sentence,) = [one for one in report["sentences"] if one["kind"] == "leak"]
        assert "a library that was unloaded" in sentence["text"], sentence


def main() -> None:
    cases = Cases(__doc__)
    for kind in ("gcore", "kernel"):
        cases.run(kind, check_places, kind)
    for what in ("cached", "merged", "filled", "living", "streams", "few", "first", "objects"):
        cases.run(f"stale words: {what}", check_stale, "gcore" if what == "merged" else "kernel", what)
    # gdb's cores leave open whether memory is missing where the loader unmapped something.
    cases.run("unloaded", check_unloaded, "kernel", "loads=30")
    cases.run("unloaded, at other addresses", check_unloaded, "kernel", "loads=30", "moving")
    cases.run("unloaded, once", check_unloaded, "kernel", "loads=1")
    cases.run("still loaded", check_nothing_unloaded, "kernel", 5, "kept")
    cases.run("dangling", check_nothing_unloaded, "kernel", 5, "kept", "dangling")
    cases.run("dangling, a library was unloaded", check_nothing_unloaded, "kernel", 1, "rules=0", "dangling")
    cases.run("dangling beside objects", check_dangling_beside, "kernel")
    cases.run("diff", check_diff)
    cases.finish()


if __name__ == "__main__":
    main()
