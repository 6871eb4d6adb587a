#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""heapcore show: values of every sort are what the program says they are, whatever compiler and library made it, and what gdb says."""

from __future__ import annotations

import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

from harness import Cases, Stopped, Workspace, few, gdb_says, report_of, succeed
from kept_builds import unpack_debug_info
from variants import SMALL_CORE, VARIANTS, Builder, Variant, only_here

CHOSEN = ("gcc -O0", "gcc -O2", "clang -O0")
LIBCXX = Variant("clang libc++", "clang++", ("-O0", "-stdlib=libc++"))


def show(core: Path, fixture: Stopped, expression: str, *options: str) -> dict[str, Any]:
    return report_of(succeed("show", core, fixture.program, expression, "--json", *options, statuses=(0, 3)))


def check_values(core: Path, fixture: Stopped) -> None:
    wrong = [f"{expression}: {told}, is {' '.join(words)}" for expression, *words in fixture.said("value")
             if (told := show(core, fixture, expression)["value"]) != " ".join(words)]
    assert len(fixture.said("value")) > 25 and not wrong, few(wrong)


def check_reals(core: Path, fixture: Stopped) -> None:
    """What is shown reads back as the same number: it is nearer than half of the distance to its neighbours."""
    wrong = []
    for expression, bits, digits in fixture.said("real"):
        sign, whole, part, exponent = re.fullmatch(r"(-?)0x([0-9a-f]+)(?:\.([0-9a-f]+))?p([+-]\d+)", digits).groups()
        exact = Fraction(int(whole + (part or ""), 16), 16 ** len(part or "")) * Fraction(2) ** int(exponent) * (-1 if sign else 1)
        told = show(core, fixture, expression)["value"]
        if not re.fullmatch(r"-?\d+(\.\d+)?(e[+-]\d+)?", told) or abs(Fraction(told) - exact) > abs(exact) / 2 ** int(bits):
            wrong.append(f"{expression}: {told}, is {digits}")
    assert len(fixture.said("real")) == 10 and not wrong, few(wrong)
    assert show(core, fixture, "g_tenth")["value"] == "0.1" == show(core, fixture, "g_float_tenth")["value"]


def check_texts(core: Path, fixture: Stopped) -> None:
    wrong = [f"{expression}: {told}" for expression, digits in fixture.said("text")
             if (told := show(core, fixture, expression)["value"]) != f'"{bytes.fromhex(digits).decode()}"']
    assert len(fixture.said("text")) >= 8 and not wrong, few(wrong)
    for expression in "g_wide_string", "g_view", "g_wide_array":  # as a whole, unless a page is asked for
        lines = succeed("show", core, fixture.program, expression, statuses=(0, 3)).out.splitlines()
        assert len(lines) == 2 and lines[1] == show(core, fixture, expression)["value"], lines
        assert "[2]" in succeed("show", core, fixture.program, expression, "--first", "2", statuses=(0, 3)).out, expression
    long = show(core, fixture, "g_wide_long")
    assert long["total"] == 1000 and re.fullmatch('"€{85}"\\.\\.\\.', long["value"]), long["value"]


def check_bits(core: Path, fixture: Stopped) -> None:
    for expression, bits in fixture.said("bits"):
        report = show(core, fixture, expression, "--limit", "1000")
        told = "".join({"true": "1", "false": "0"}[piece["value"]] for piece in report["pieces"])
        assert told == bits and report["total"] == len(bits), f"{expression}: {told}, is {bits}"
        page = show(core, fixture, expression, "--first", "3", "--limit", "2")["pieces"]
        assert [piece["name"] for piece in page] == ["[3]", "[4]"] and [piece["value"] for piece in page] == \
            ["true" if bit == "1" else "false" for bit in bits[3:5]], page


def check_gdb(core: Path, fixture: Stopped) -> None:
    """What gdb shows the same way without a pretty-printer."""
    names = ("g_color", "g_no_color", "g_negative", "g_most", "g_quarter", "g_plain_complex", "g_true", "g_number", "g_no_rights",
             "g_long_doubles._M_impl._M_start[0]")
    said = gdb_says(core, fixture.program, *(f"output values::{name}" for name in names))
    for name, value in zip(names, said):
        told = show(core, fixture, name.replace("._M_impl._M_start", ""))["value"]
        assert told == value.rpartition("::")[2], f"{name}: {told}, gdb {value}"


def has_libcxx() -> bool:
    if shutil.which(LIBCXX.compiler) is None:
        return False
    return subprocess.run([LIBCXX.compiler, "-x", "c++", "-stdlib=libc++", "-fsyntax-only", "-"], input="#include <tuple>\n",
                          text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def run(cases: Cases) -> None:
    chosen = [variant for variant in VARIANTS if variant.name in CHOSEN and variant.here]
    if has_libcxx():
        VARIANTS.append(LIBCXX)  # where a program's name comes from
        chosen.append(LIBCXX)
    with Workspace() as folder, Builder(folder) as builder:
        unpack_debug_info(folder / "debug")
        programs = [(variant, builder.program(variant, "values")) for variant in chosen]
        for variant, program in programs:
            with Stopped(str(program.result()), (), SMALL_CORE, recorder=False) as fixture:
                core = fixture.gcore()
                for what, check in (("values", check_values), ("reals", check_reals), ("texts", check_texts), ("bits", check_bits)):
                    cases.run(f"{variant.name}: {what}", check, core, fixture)
                if variant.name.startswith("gcc"):
                    cases.run(f"{variant.name}: gdb", check_gdb, core, fixture)


cases = Cases(__doc__)
if not cases.options.list:
    only_here()
    run(cases)
cases.finish()
