#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debug info: sizes, members, addresses, classes as several compilers describe them, against what their program says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Callable

from harness import BUILD, ROOT, SOURCE, Cases, Skipped, Stopped, Workspace, chunks, compare, few, succeed

VARIANTS = {
    "gcc -O0": ["g++", "-g", "-O0"],
    "gcc -O2": ["g++", "-g", "-O2"],
    "gcc DWARF 4": ["g++", "-gdwarf-4", "-O1"],
    "gcc LTO": ["g++", "-g", "-O1", "-flto"],
    "gcc compressed": ["g++", "-g", "-O0", "-gz"],
    "clang -O0": ["clang++", "-g", "-O0"],
    "clang -O2": ["clang++", "-g", "-O2"],
    "clang DWARF 4": ["clang++", "-gdwarf-4", "-O1"],
    "gcc type units": ["g++", "-g", "-O0", "-fdebug-types-section"],
    "gcc DWARF 4, type units": ["g++", "-gdwarf-4", "-O1", "-fdebug-types-section"],
    "clang type units": ["clang++", "-g", "-O0", "-fdebug-types-section"],
    "gcc 64-bit DWARF": ["g++", "-g", "-gdwarf64", "-O0"],
}
# dwz moves what is there more than once into units of its own; with -m, what is in a second program too into a file that both share.
DWZ = {
    "dwz": ["g++", "-g", "-O0"],
    "dwz -m": ["g++", "-g", "-O0"],
    "dwz -m, -O2": ["g++", "-g", "-O2"],
    "dwz -m, DWARF 4": ["g++", "-gdwarf-4", "-O1"],
    "dwz -m, clang": ["clang++", "-gdwarf-4", "-O0"],
    "dwz -m -r": ["g++", "-g", "-O0"],
}
# What is not read yet, or not here, has to be named.
GAPS = {
    "gcc split DWARF": (["g++", "-g", "-gsplit-dwarf"], "split DWARF"),
    "dwz -m --dwarf-5": (["g++", "-g", "-O0"], ".debug_sup"),
    "dwz -m, the shared file is gone": (["g++", "-g", "-O0"], "shared.debug"),
    "dwz -m, the shared file is another": (["g++", "-g", "-O0"], "shared.debug"),
}
# The compiler may leave out what nobody needs: it is no mistake then if debug info has no place for it.
OPTIMIZED = ("-O1", "-O2")


def run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-3000:]}"


def build(flags: list[str], folder: Path) -> Path:
    if ROOT != Path("/"):
        raise Skipped("fixtures of other roots are built by tests/glibc-matrix")
    if shutil.which(flags[0]) is None or shutil.which("gcc") is None:
        raise Skipped(f"{flags[0]} is not installed")
    source, program = SOURCE / "fixtures", folder / "debug-types"
    run(["gcc", "-D_GNU_SOURCE", "-c", str(source / "fixture.c"), "-o", "fixture.o"], folder)
    # Objects stay beside the program: debug info may be in them.
    for name in ("debug-types", "debug-types-other"):
        run([*flags, "-std=gnu++17", "-pthread", "-c", str(source / f"{name}.cpp"), "-o", f"{name}.o"], folder)
    run([*flags, "-std=gnu++17", "-pthread", "debug-types.o", "debug-types-other.o", "fixture.o", "-ldl", "-o", str(program)], folder)
    return program


def share(program: Path, options: list[str], shared: Path | None = None) -> Path:
    """Has dwz go over the program; with -m, over a twin of it too. The file that they share then."""
    if shutil.which("dwz") is None:
        raise Skipped("dwz is not installed")
    shared, twin = shared or program.parent / "shared.debug", program.parent / "twin"
    if "-m" not in options:
        run(["dwz", *options, str(program)], program.parent)
        return shared
    shutil.copy(program, twin)
    run(["dwz", *(option for option in options if option != "-m"), "-m", str(shared), str(program), str(twin)], program.parent)
    assert shared.stat().st_size, "nothing is shared: this tests nothing"
    return shared


def helper(name: str) -> str:
    return str(BUILD / "tests" / "support" / name)


def ask(core: Path, questions: list[str]) -> list[Any]:
    done = subprocess.run([helper("print-types"), str(core)], input="\n".join(questions) + "\n", stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 0, f"print-types: status {done.returncode}\n{done.stderr[-3000:]}"
    answers = [json.loads(line)["answer"] for line in done.stdout.splitlines()]
    assert len(answers) == len(questions), (len(answers), done.stderr)
    return answers


def variables_of(core: Path) -> list[dict[str, Any]]:
    done = subprocess.run([helper("print-variables"), str(core)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 0, f"print-variables: status {done.returncode}\n{done.stderr[-3000:]}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def said(fixture: Stopped, key: str) -> list[list[str]]:
    return [" ".join(words).split("|") for words in fixture.said(key)]


def plain(name: str) -> str:
    """A class as the fixture names it: without a function's parameters, which DWARF's scopes do not have."""
    return re.sub(r"\((?!anonymous namespace\)|app::)[^()]*\)", "", name)


def compare_types(fixture: Stopped, core: Path) -> None:
    lines = said(fixture, "type")
    wrong = []
    for (name, size, alignment), answer in zip(lines, ask(core, [f"type {line[0]}" for line in lines])):
        expected = {"size": int(size), "alignment": int(alignment)}
        if not answer or {key: answer[key] for key in expected} != expected:
            wrong.append(f"{name}: {expected}, reported {answer}")
    assert lines and not wrong, few(wrong)


def compare_members(fixture: Stopped, core: Path) -> None:
    lines = said(fixture, "member")
    answers = ask(core, [f"field {path}|{name}" for name, path, _, _ in lines])
    wrong = [f"{line}: {answer}" for line, answer in zip(lines, answers)
             if not answer or [answer["offset"], answer["size"]] != [int(line[2]), int(line[3])]]
    assert lines and not wrong, few(wrong)
    lines = said(fixture, "bits")
    answers = ask(core, [f"field {path}|{name}" for name, path, _, _ in lines])
    wrong = [f"{line}: {answer}" for line, answer in zip(lines, answers)
             if not answer or [answer["offset"] * 8 + answer["bit_offset"], answer["bit_size"]] != [int(line[2]), int(line[3])]]
    assert lines and not wrong, few(wrong)
    lines = said(fixture, "target")
    answers = ask(core, [f"field {path}|{name}" for name, path, _ in lines])
    wrong = [f"{line}: {answer}" for line, answer in zip(lines, answers) if not answer or answer["target"] != line[2]]
    assert lines and not wrong, few(wrong)


def compare_variables(fixture: Stopped, core: Path, optimized: bool) -> None:
    reported = [row for row in variables_of(core) if row["kind"] in ("global", "function static", "thread-local")]
    places = {(row["kind"], row["name"], int(row["address"], 16), row["size"], row.get("thread")) for row in reported}
    lines = {(kind, name, int(address, 16), int(size), int(thread) if kind == "thread-local" else None)
             for kind, name, address, size, thread in said(fixture, "variable")}
    missing = lines - places
    if optimized:  # what remains must still be right
        names = {row["name"] for row in reported}
        missing = {line for line in missing if line[1] in names}
    assert lines and not missing, f"not reported so:{few(sorted(map(str, missing)))}"
    assert len(places) == len(reported), "rows are told once"
    # A copy that the linker dropped would be a second place.
    known = {(kind, name, thread): address for kind, name, address, _, thread in lines}
    wrong = [row for row in reported
             if known.get((row["kind"], row["name"], row.get("thread")), int(row["address"], 16)) != int(row["address"], 16)]
    assert not wrong, f"other places too:{few(wrong)}"


def compare_objects(fixture: Stopped, core: Path) -> None:
    lines = said(fixture, "object")
    wrong = []
    for (address, name, to_top), answer in zip(lines, ask(core, [f"object {line[0]}" for line in lines])):
        if not answer or answer["name"] != name or answer["to_top"] != int(to_top):
            wrong.append(f"{name} {to_top}: {answer}")
        elif answer["type"] is None or answer["type"].split("<")[0] != plain(name).split("<")[0]:
            wrong.append(f"{name}: its type is {answer['type']}")
    assert lines and not wrong, few(wrong)
    lines = said(fixture, "functor")
    answers = ask(core, [f"argument {line[0]}|_Functor" for line in lines])
    assert [line[1] for line in lines] == answers, (lines, answers)
    garbage = ask(core, ["object 0x10", "argument 0x10|_Functor", "type nosuch", "type std::vector<nosuch>"])
    assert garbage == [None] * 4, garbage


def check(case: str, flags: list[str]) -> None:
    with Workspace() as folder:
        program = build(flags, folder)
        if case in DWZ:
            share(program, case.split(",")[0].split()[1:])
        with Stopped(str(program), recorder=False) as fixture:
            core = fixture.gcore()
            compare_types(fixture, core)
            compare_members(fixture, core)
            compare_variables(fixture, core, any(flag in flags for flag in OPTIMIZED))
            compare_objects(fixture, core)
            assert ask(core, ["gaps"]) == [[]], case


def check_gap(case: str, flags: list[str], reason: str) -> None:
    with Workspace() as folder:
        program = build(flags, folder)
        if case.startswith("dwz"):
            shared = share(program, case.split(",")[0].split()[1:])
            if "gone" in case or "another" in case:
                shared.unlink()
            if case.endswith("another"):
                shutil.copy(program.parent / "twin", shared)
        with Stopped(str(program), recorder=False) as fixture:
            gaps = ask(fixture.gcore(), ["gaps"])[0]
            assert len(gaps) == 1 and gaps[0].startswith("debug-types:") and reason in gaps[0], gaps


def check_packaged() -> None:
    """As distributions do it: debug info apart, by build-id, what is common below .dwz; the link is to where it would be installed."""
    with Workspace() as folder:
        program, debug = build(["g++", "-g", "-O1"], folder), folder / "debug"
        notes = subprocess.run(["readelf", "-n", str(program)], stdout=subprocess.PIPE, text=True, check=True).stdout
        build_id = re.search("Build ID: ([0-9a-f]+)", notes)
        assert build_id, notes
        apart = debug / ".build-id" / build_id[1][:2] / f"{build_id[1][2:]}.debug"
        shared = debug / ".dwz" / "heapcore-test" / "shared.debug"
        for file in (apart, shared):
            file.parent.mkdir(parents=True)
        run(["objcopy", "--only-keep-debug", str(program), str(apart)], folder)
        run(["strip", "--strip-debug", str(program)], folder)
        share(apart, ["-m", "-M", "/usr/lib/debug/.dwz/heapcore-test/shared.debug"], shared)
        with Stopped(str(program), recorder=False) as fixture:
            core = fixture.gcore()
            places = {name: (address, int(size)) for kind, name, address, size, _ in said(fixture, "variable") if kind == "global"}
            name = "app::g_derived"
            shown = json.loads(succeed("show", core, name, "--debug-dir", debug, "--json").out)
            assert (shown["address"], shown["size"]) == places[name], (shown, places[name])
            assert shown["type"] == "app::derived" and shown["pieces"][0]["type"] == "app::base", shown
            assert json.loads(succeed("types", core, "--debug-dir", debug, "--json").out)["debug_info_gaps"] == []


def libc_debug_file() -> tuple[str, Path]:
    """The build-id of the libc that fixtures run with, and the debug info that its distribution ships for it."""
    maps = subprocess.run(["ldd", "/bin/true"], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = re.search(r"=> (\S*/libc\.so\.6)", maps)
    notes = found and subprocess.run(["readelf", "-n", found[1]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    name = re.search(r"Build ID: ([0-9a-f]+)", notes or "")
    file = name and Path(f"/usr/lib/debug/.build-id/{name[1][:2]}/{name[1][2:]}.debug")
    if ROOT != Path("/") or not file or not file.is_file():
        raise Skipped("there is no debug info of libc")
    return name[1], file


def section_place(file: Path, name: str) -> tuple[int, int]:
    """Where the section NAME begins in FILE, and its size there."""
    shown = subprocess.run(["readelf", "-SW", str(file)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    found = re.search(rf" {re.escape(name)} +\w+ +[0-9a-f]+ ([0-9a-f]+) ([0-9a-f]+)", shown)
    assert found, f"no {name} in {file}"
    return int(found[1], 16), int(found[2], 16)


def check_packed_libc() -> None:
    """malloc's structures come from one unit of libc's debug info: whatever is done to the rest of the file, and however it is packed, the
    heap is what the program allocated."""
    build_id, shipped = libc_debug_file()
    with Workspace() as folder, Stopped("churn") as fixture:
        core, live = fixture.gcore(), fixture.live_blocks()

        def look(name: str, make: Callable[[Path], None]) -> dict[str, Any]:
            file = folder / name / ".build-id" / build_id[:2] / f"{build_id[2:]}.debug"
            file.parent.mkdir(parents=True)
            make(file)
            problems = compare(live, chunks(core, "--debug-dir", folder / name))
            assert not problems, f"{name}: {few(problems)}"
            allocator = json.loads(succeed("analyze", core, "--json", "--debug-dir", folder / name).out)["allocator"]
            return {"file": str(file), **allocator}

        def packed(how: str) -> Callable[[Path], None]:
            return lambda file: run(["objcopy", how, str(shipped), str(file)], folder)

        def damaged(section: str, place: float) -> Callable[[Path], None]:
            def damage(file: Path) -> None:
                run(["objcopy", "--compress-debug-sections=zlib", str(shipped), str(file)], folder)
                offset, size = section_place(file, section)
                contents = bytearray(file.read_bytes())
                at = offset + max(32, int(size * place))
                contents[at:at + 64] = bytes(255 - byte for byte in contents[at:at + 64])
                file.write_bytes(contents)
            return damage

        for how in ("--compress-debug-sections=zlib", "--decompress-debug-sections"):
            seen = look(how.strip("-").replace("=", "-"), packed(how))
            assert seen["layout"] == f"debug info ({seen['file']})", seen
        # What stands behind malloc.c is not asked for, nor are lines.
        for section, place in ((".debug_info", 0.98), (".debug_line", 0.5), (".debug_loclists", 0.5)):
            seen = look(f"{section} {place}", damaged(section, place))
            assert seen["layout"] == f"debug info ({seen['file']})", (section, seen)
        for section, place in ((".debug_info", 0.0), (".debug_info", 0.1), (".debug_abbrev", 0.5), (".debug_aranges", 0.5), (".debug_str", 0.1)):
            look(f"{section} {place}", damaged(section, place))


def main() -> None:
    os.environ.pop("DEBUGINFOD_URLS", None)
    cases = Cases(__doc__)
    for name, flags in (VARIANTS | DWZ).items():
        cases.run(name, check, name, flags)
    for name, (flags, reason) in GAPS.items():
        cases.run(name, check_gap, name, flags, reason)
    cases.run("dwz -m, debug info apart", check_packaged)
    cases.run("libc's, packed and damaged", check_packed_libc)
    cases.finish()


main()
