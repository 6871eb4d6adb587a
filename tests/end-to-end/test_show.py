#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""heapcore show: variables and parts of them have the values that the program says, and gdb; what is asked wrongly gets an answer, too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from harness import Cases, Stopped, few, gdb_says, heapcore, report_of, succeed
from variants import SMALL_CORE


def show(core: Path, fixture: Stopped, expression: str, *options: str) -> dict[str, Any]:
    return report_of(succeed("show", core, fixture.program, expression, "--json", *options, statuses=(0, 3)))


def value_of(core: Path, fixture: Stopped, expression: str, *options: str) -> str:
    return show(core, fixture, expression, *options)["value"]


def text(core: Path, fixture: Stopped, expression: str, *options: str) -> str:
    return succeed("show", core, fixture.program, expression, *options, statuses=(0, 3)).out


def refused(core: Path, fixture: Stopped, expression: str, *options: str) -> str:
    done = heapcore("show", core, fixture.program, expression, *options)
    assert done.status == 2 and not done.out, f"an answer to {expression!r}: {done}"
    return done.err


# ---- what the program says ------------------------------------------------------------------------------------------


def check_numbers(core: Path, fixture: Stopped) -> None:
    wrong = [f"{expression}: {told}, is {value}" for expression, value in fixture.said("number")
             if (told := value_of(core, fixture, expression)) != value]
    assert not wrong, few(wrong)


def bytes_of(shown: str) -> bytes:
    """What was escaped for a terminal: \\n, \\xNN and characters as they are."""
    assert re.fullmatch(r'"[^\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]*"', shown), f"not safe to show: {shown!r}"
    simple = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "0": "\0"}

    def byte(match: re.Match[bytes]) -> bytes:
        digits, code, one = match.groups()
        if digits:
            return bytes([int(digits, 16)])
        return chr(int(code, 16)).encode() if code else simple.get(one.decode(), one.decode()).encode()

    return re.sub(rb"\\(?:x([0-9a-f]{2})|u\{([0-9a-f]+)\}|(.))", byte, shown[1:-1].encode())


def check_texts(core: Path, fixture: Stopped) -> None:
    wrong = []
    for expression, digits in fixture.said("text"):
        told = value_of(core, fixture, expression)
        if bytes_of(told) != bytes.fromhex(digits):
            wrong.append(f"{expression}: {told!r}, is {bytes.fromhex(digits)!r}")
        lines = text(core, fixture, expression)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", lines), f"{expression}: not safe for a terminal: {lines!r}"
    assert not wrong, few(wrong)


def check_counts(core: Path, fixture: Stopped) -> None:
    for expression, count in fixture.said("count"):
        report = show(core, fixture, expression)
        assert report["total"] == int(count), f"{expression}: {report['total']} pieces, has {count}"
        assert len(report["pieces"]) == min(int(count), 20), f"{expression}: {len(report['pieces'])} shown"
        assert report["grade"] == ("exact" if report["is_container"] else None), report["grade"]


def check_places(core: Path, fixture: Stopped) -> None:
    for expression, address in fixture.said("place"):
        report = show(core, fixture, expression)
        assert int(report["address"], 16) == int(address, 16), f"{expression}: {report['address']}, is {address}"


def check_pages(core: Path, fixture: Stopped) -> None:
    """--first and --limit: each page is a part of the whole, in the container's order."""
    for first, limit in (0, 1), (0, 100), (37, 5), (98, 20), (100, 20), (5000, 3):
        report = show(core, fixture, "g_numbers", "--first", str(first), "--limit", str(limit))
        expected = [(f"[{i}]", str(i * i)) for i in range(first, min(first + limit, 100))]
        assert [(piece["name"], piece["value"]) for piece in report["pieces"]] == expected, f"{first}, {limit}: {report['pieces']}"
        assert report["first"] == first and report["total"] == 100, report
    pieces = show(core, fixture, "g_matrix", "--first", "18", "--limit", "9")["pieces"]
    assert [piece["value"] for piece in pieces] == ["118", "119"], pieces
    pieces = show(core, fixture, "g_queue", "--first", "980", "--limit", "50")["pieces"]
    assert [piece["value"] for piece in pieces] == [str(i * 11) for i in range(990, 1000)], pieces
    pieces = show(core, fixture, "g_names", "--first", "28", "--limit", "50")["pieces"]
    assert [piece["value"] for piece in pieces] == [f'{{first = {i * 3}, second = "name number {i}"}}' for i in (28, 29)], pieces
    told = text(core, fixture, "g_numbers", "--limit", "3")
    assert "100 elements, exact" in told and "97 more: --first 3 goes on" in told, told
    assert "more" not in text(core, fixture, "g_numbers", "--first", "97", "--limit", "3"), "the last page"


def check_members(core: Path, fixture: Stopped) -> None:
    """A class of virtual functions is what its object says, its base's members are its own."""
    report = show(core, fixture, "*g_sessions[1]")
    assert report["type"] == "app::better_session", report["type"]
    names = [piece["name"] for piece in report["pieces"]]
    assert names == ["(base)", "quality"], names
    pieces = {piece["name"]: piece for piece in show(core, fixture, "*g_sessions[2]")["pieces"]}
    for name, value in (("id", "1002"), ("now", "open"), ("is_new", "true"), ("weight", "2.5")):
        assert pieces[name]["value"] == value, f"{name}: {pieces[name]}"


def check_bit_fields(core: Path, fixture: Stopped) -> None:
    """As a member of a list, within a value, and asked for by name: signed ones, too."""
    expected = {"low": "5", "high": "17", "below": "-2", "how": "open"}
    pieces = {piece["name"]: piece["value"] for piece in show(core, fixture, "*g_sessions[2]")["pieces"]}
    assert {name: pieces[name] for name in expected} == expected, pieces
    for name, value in expected.items():
        assert value_of(core, fixture, f"g_sessions[2]->{name}") == value, f"{name}: is {value}"
    assert "low = 5, high = 17, below = -2" in value_of(core, fixture, "g_bits"), value_of(core, fixture, "g_bits")


def check_addresses(core: Path, fixture: Stopped) -> None:
    """An address with a type, or with the type that its block has."""
    address = show(core, fixture, "*g_sessions[2]")["address"]
    for expression in f"(app::session *){address}", f"(app::session*) {address}", address:
        assert value_of(core, fixture, f"{expression}.id") == "1002", expression
    assert value_of(core, fixture, f"(app::inner *){show(core, fixture, 'g_sessions[2]->part')['address']}.numbers[5]") == "10"
    assert value_of(core, fixture, f"(int *){show(core, fixture, 'g_numbers[9]')['address']}") == "81"


def check_locals(core: Path, fixture: Stopped) -> None:
    """Each thread's, and each frame's: the innermost if none is named."""
    ids = {number: thread for number, thread in fixture.said("thread")}
    assert len(ids) == 3, ids
    for number, name, frames, value in fixture.said("local"):
        thread = ids[number]
        assert value_of(core, fixture, name, "--thread", thread) == value, f"the innermost of thread {thread}"
        assert value_of(core, fixture, "t_mine", "--thread", thread) == str(int(number) * 10), f"thread-local of {thread}"
        found = []
        for frame in range(12):
            done = heapcore("show", core, fixture.program, name, "--thread", thread, "--frame", str(frame), "--json")
            if done.status in (0, 3):
                found.append(int(report_of(done)["value"]))
        assert found == [int(value) - depth for depth in range(int(frames))], f"thread {thread}, frame by frame: {found}"


# ---- what gdb says --------------------------------------------------------------------------------------------------

GDB = ("app::g_byte", "app::g_negative", "app::g_first->id", "app::g_first->next->part.numbers[5]", "app::g_first->weight",
       "app::g_matrix[2][3]", "app::s_counter", "app::g_first->part.label[3]", "(int) app::g_first->now", "app::g_first->high",
       "*app::g_numbers._M_impl._M_start@4", "app::g_first->is_new", "app::g_first->next->next")


def plain(shown: str) -> str:
    """Without gdb's types of pointers, its characters, and its brackets around names."""
    return re.sub(r"^\(.*\) (0x[0-9a-f]+)$", r"\1", re.sub(r" '.*'$", "", shown))


def check_gdb(core: Path, fixture: Stopped) -> None:
    as_shown = {"app::g_matrix[2][3]": "g_matrix[13]", "(int) app::g_first->now": None, "*app::g_numbers._M_impl._M_start@4": None}
    said = dict(zip(GDB, gdb_says(core, fixture.program, *(f"output {name}" for name in GDB))))
    for name, value in said.items():
        expression = as_shown.get(name, name)
        if expression:
            told = value_of(core, fixture, expression)
            assert plain(told) == plain(value), f"{name}: {told}, gdb {value}"
    assert said["(int) app::g_first->now"] == "7"
    pieces = show(core, fixture, "g_numbers", "--limit", "4")["pieces"]
    assert "{" + ", ".join(piece["value"] for piece in pieces) + "}" == said["*app::g_numbers._M_impl._M_start@4"], said


# ---- what cannot be answered ----------------------------------------------------------------------------------------


def check_errors(core: Path, fixture: Stopped) -> None:
    nowhere = "0x10"
    for expression, what in (
            ("no_such_variable", "no_such_variable"), ("g_first->nothing_like_that", "nothing_like_that"), ("g_byte[0]", "container"),
            ("g_byte.member", "member"), ("*g_byte", "pointer"), ("g_nothing->id", "NULL"), ("g_numbers[100]", "100"),
            ("g_numbers[x]", "number"), ("g_numbers[3", "]"), ("", "missing"), ("g_none->label", "empty"), ("g_first->", "missing"),
            (nowhere, "type"), ("(no_such_type *)0x1000", "no_such_type"), ("(int)0x1000", "TYPE *"), ("(int *", ")"),
            ("g_first id", "expected"), ("g_queue[990]", "990"), ("*" * 300 + "g_first", "*"), ("g_matrix[20]", "20"),
            ("g_numbers[18446744073709551615]", "100")):
        error = refused(core, fixture, expression)
        assert what in error, f"{expression!r}: {error!r} does not name {what!r}"
    assert "mine" in refused(core, fixture, "mine", "--thread", "1"), "a thread that there is not"
    assert "mine" in refused(core, fixture, "mine", "--frame", "4000"), "a frame that there is not"
    for options in ("--limit", "0"), ("--limit", "-3"), ("--first", "-1"), ("--limit", "x"):
        done = heapcore("show", core, fixture.program, "g_numbers", *options)
        assert done.status == 64 or done.status not in (0, 3), f"{options}: {done}"


def check_unreadable(core: Path, fixture: Stopped) -> None:
    """Where nothing is mapped there is no value, and that is said."""
    told = value_of(core, fixture, "(long *)0x10")
    assert "not readable" in told, told
    told = show(core, fixture, "(app::session *)0x10")
    assert all(piece["value"] == "<not readable>" or "<" in piece["value"] or "not" in piece["value"]
               for piece in told["pieces"] if piece["name"] in ("id", "next", "weight", "now")), told


def run(core: Path, fixture: Stopped) -> None:
    cases.run("numbers", check_numbers, core, fixture)
    cases.run("texts", check_texts, core, fixture)
    cases.run("counts", check_counts, core, fixture)
    cases.run("places", check_places, core, fixture)
    cases.run("pages", check_pages, core, fixture)
    cases.run("members", check_members, core, fixture)
    cases.run("bit fields", check_bit_fields, core, fixture)
    cases.run("addresses", check_addresses, core, fixture)
    cases.run("locals", check_locals, core, fixture)
    cases.run("gdb", check_gdb, core, fixture)
    cases.run("errors", check_errors, core, fixture)
    cases.run("unreadable", check_unreadable, core, fixture)


cases = Cases(__doc__)
if not cases.options.list:
    with Stopped("shown", (), SMALL_CORE, recorder=False) as shown:
        run(shown.gcore(), shown)
cases.finish()
