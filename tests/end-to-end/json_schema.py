# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether what `--json` writes is what docs/heapcore.schema.json says.

    problems_of_output(words, text)    of what a command wrote: the harness asks this of every run with --json
    problems_of(document), is_right(document)
                                       of one report, or one line of chunks

A validator in Python takes some 20 microseconds for each key, and tests ask for millions of blocks. So lists of objects
(and the lines of chunks) are thinned out before: of things that look alike -- the same keys, types and words -- only the
first few are validated, and some at random, always the same ones.
"""

from __future__ import annotations

import functools
import json
import os
import random
import re
from pathlib import Path
from typing import Any, Callable, Iterable

SOURCE = Path(os.environ.get("HEAPCORE_SRCDIR") or Path(__file__).resolve().parents[2])
FILE = SOURCE / "docs" / "heapcore.schema.json"
ALIKE = 3  # of things that look alike
AT_RANDOM = 50  # of each list
LEAST_THINNED = 100
# A word that may be a kind or a state, and so be in a list of those: "in use", "left-out". All other text looks alike.
WORD = re.compile(r"[A-Za-z][a-z]*([ -][a-z]+)*")
ADDRESS = re.compile(r"0x[0-9a-f]+")
FIRST_OF_LINE = re.compile(r'\{"address":"0x[0-9a-f]{1,16}"')
ONE_DIGIT = str.maketrans("123456789", "000000000")


@functools.lru_cache(maxsize=None)
def schema() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8"))


@functools.lru_cache(maxsize=None)
def validator() -> Any:
    try:
        import jsonschema
    except ImportError:
        raise AssertionError("the tests need Python's jsonschema (Debian: apt-get install python3-jsonschema)") from None
    return jsonschema.Draft202012Validator(schema())


def look_of(value: Any) -> Any:
    """What things that look alike have in common; can be hashed."""
    if isinstance(value, dict):
        return tuple((key, look_of(item)) for key, item in sorted(value.items()))
    if isinstance(value, list):
        return frozenset(map(look_of, value))
    if isinstance(value, str):
        return value if len(value) < 30 and WORD.fullmatch(value) else "0x" if ADDRESS.fullmatch(value) else '"'
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return type(value), value < 0
    return value if value is None else type(value)


def look_of_line(line: str) -> tuple[str, str]:
    """The same of a line of chunks, from its text alone: there may be a million."""
    first, _, rest = line.partition(",")
    return "0x" if FIRST_OF_LINE.fullmatch(first) else first, rest.translate(ONE_DIGIT)


def few_of_each(values: list[Any], look: Callable[[Any], Any]) -> list[Any]:
    """Enough of VALUES, which are of one kind, to tell whether all are right; in their order."""
    if len(values) < LEAST_THINNED:
        return values
    seen: dict[Any, int] = {}
    chosen = set(random.Random(len(values)).sample(range(len(values)), AT_RANDOM))
    for index, value in enumerate(values):
        alike = look(value)
        count = seen.get(alike, 0)
        if count < ALIKE:
            seen[alike] = count + 1
            chosen.add(index)
    return [values[index] for index in sorted(chosen)]


def with_thinned_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: with_thinned_lists(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_thinned_lists(item) for item in few_of_each(value, look_of)]
    return value


def describe(error: Any) -> str:
    """One mistake: where it is, and what. Of alternatives that all fail the one that got furthest."""
    while error.context:
        error = max(error.context, key=lambda deeper: (len(deeper.absolute_path), deeper.validator != "type"))
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    return f"{where.lstrip('.') or '(the whole)'}: {error.message[:300]}"


def problems_of(document: Any) -> list[str]:
    """What is wrong with a report or a line of chunks; an empty list if nothing is."""
    return [describe(error) for error in validator().iter_errors(with_thinned_lists(document))]


def is_right(document: Any) -> bool:
    """The same without saying why: faster."""
    return validator().is_valid(with_thinned_lists(document))


def problems_of_output(words: Iterable[str], text: str) -> list[str]:
    """The same of all that a command wrote, whose command line was WORDS."""
    if "chunks" not in words:
        try:
            return problems_of(json.loads(text))
        except ValueError as error:
            return [f"no JSON: {error}"]
    problems = []
    for line in few_of_each(text.splitlines(), look_of_line):
        try:
            problems += [f"{problem} in {line}" for problem in problems_of(json.loads(line))]
        except ValueError as error:
            problems.append(f"no JSON: {error} in {line}")
    return problems
