#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A class of which one library does not know a member: `analyze` names it, both libraries, the member and the call, whatever the member is.

The truth is the source (fixtures/records.h), built with each kind of member, and once with the library that destroys stripped. Where both know all
members, in this order or another, nothing of the kind is said.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from harness import Cases, SOURCE, Stopped, analyze, need_captures
from kept_builds import build_once
from variants import C_FLAGS, CXX_FLAGS, SMALL_CORE

need_captures()

MEMBERS = ("raw", "string", "vector", "map")
DESTROYED = 8000


def source(name: str) -> str:
    return str(SOURCE / "fixtures" / name)


def line_with(text: str) -> int:
    (found,) = [number for number, line in enumerate(Path(source("records-maker.cpp")).read_text().splitlines(), 1) if text in line]
    return found


def findings_of(member: str, folder: Path, stripped: bool = False) -> tuple[list[dict], int]:
    """And the lost bytes."""
    common, program, maker, user = (folder / name for name in ("fixture.o", "records", "librecords-maker.so", "librecords-user.so"))
    flags = [*CXX_FLAGS, "-O2", "-Wl,--build-id", f"-DRECORDS_MEMBER=RECORDS_{member.upper()}"]
    build_once(["gcc", *C_FLAGS, "-fno-builtin", "-c", source("fixture.c")], [], common)
    build_once(["g++", *flags, "-pthread", source("records.cpp")], [common], program)
    for library in (maker, user):
        build_once(["g++", *flags, "-fPIC", "-shared", source(f"{library.stem.removeprefix('lib')}.cpp")], [], library)
    if stripped:
        subprocess.run(["strip", str(user)], check=True)
    with Stopped(program, [str(maker), str(user)], SMALL_CORE, recorder=False) as fixture:
        report = analyze(fixture.gcore(), fixture.program)
    lost = report["references"]
    return ([one for one in report["findings"] if one["kind"] == "two-layouts"],
            sum(lost[key]["bytes"] for key in ("directly_lost", "indirectly_lost")))


def check_told(member: str, stripped: bool = False) -> None:
    with tempfile.TemporaryDirectory(prefix="heapcore-layouts-") as folder:
        (told,), lost = findings_of(member, Path(folder), stripped)
    facts = told["facts"]
    assert facts["name"] == "records::record<long int>" and facts["holders"] == ["extra"], told
    assert [side["module"] for side in facts["sides"]][0] == "librecords-maker.so", told
    assert stripped or "librecords-user.so" in told["text"], told
    assert not stripped or "librecords-user.so" not in told["text"], f"it has no debug info: {told}"
    # Strings of one size class with the payload are not told from it.
    assert 0.7 * lost <= told["bytes"] <= lost, f"{lost} bytes are lost: {told}"
    if member == "raw":
        site = f"records-maker.cpp:{line_with('the raw one')} in records_make()"
        assert f"probably allocated at {site}" in told["text"], told
    elif "allocated at" in told["text"]:
        assert "records-maker.cpp" in told["text"], told


def check_not_told(member: str) -> None:
    with tempfile.TemporaryDirectory(prefix="heapcore-layouts-") as folder:
        told, lost = findings_of(member, Path(folder))
    assert lost >= DESTROYED * 300 and not told, told


cases = Cases(__doc__)
if not cases.options.list:
    for name in MEMBERS:
        cases.run(name, check_told, name)
    cases.run("stripped", check_told, "raw", True)
    for name in ("order", "same"):
        cases.run(name, check_not_told, name)
cases.finish()
