#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitely, indirectly, possibly lost, still reachable: what valgrind says of the same program at the same stop.

A fixture runs twice: as it is, for a core, and under valgrind, which is asked through vgdb. Its manifest names every
block, so that the two can be compared one by one, and then in sum. Where they differ, the words that point to the block
are shown, in both. What has to differ is listed below, each with the reason, and must differ.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional

from harness import Cases, Chunk, Stopped, analyze, chunks, few, report_of, succeed
from memcheck import QUIET, VERDICTS, Amount, UnderValgrind, amount_of, leak_check, pointers_to
from scenarios import OPENED, PRELOADED, SCENARIOS, Scenario

REACHES = {"directly lost": "definite", "indirectly lost": "indirect", "possibly lost": "possible",
           "reachable": "reachable"}
TOTALS = {"definite": "definitely_lost", "indirect": "indirectly_lost", "possible": "possibly_lost",
          "reachable": "still_reachable"}  # of leaks
REFERENCES = {"definite": "directly_lost", "indirect": "indirectly_lost", "possible": "possibly_lost"}  # of analyze
PAGE, WORD, ALIGNMENT = 4096, 8, 16


# ---- what has to differ ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """A block that the two judge in different ways, and which word makes it so."""
    valgrind: str
    heapcore: str
    reason: str


LEAK_CLASSES = {
    "read-only-mapping.0": Difference(
        "definite", "reachable", "the word is in a mapping that is read-only now: valgrind searches writable ones"),
    "tables-of-texts.0": Difference(
        "possible", "reachable", "the words lead to tables of pointers to constants, code as far as gdb's cores tell"),
    "ring-entered-late.0": Difference(
        "definite", "indirect", "the word is in a lost block behind the ring, and leads to the ring's middle: valgrind "
        "has made the ring's first block a head before it comes there, and lets it be one"),
}

ON_DTV = "the word is in the library's thread-local storage, a block that only a possibly lost dtv leads to"
ROOTS = {
    "read-only-mapping.0": LEAK_CLASSES["read-only-mapping.0"],
    "opened-library-storage-of-thread.0": Difference("possible", "reachable", ON_DTV),
}
# That fixture's manifest knows only one verdict on what is not lost; valgrind's is another one on these.
ROOTS_VERDICTS = {name: difference.valgrind for name, difference in ROOTS.items()} | {"interior-pointer.0": "possible"}


@dataclass(frozen=True)
class Runtime:
    """Blocks that are not the program's: by whom they were allocated, and what each of the two makes of them."""
    function: str              # in the stack where valgrind saw it allocated
    verdicts: tuple[str, ...]  # valgrind's
    labels: tuple[str, ...]    # how heapcore's begin; "": it has none. It takes all of them for reachable.
    reason: str


RUNTIME = [
    Runtime(r"allocate_dtv_entry", ("reachable", "possible"), ("libc: thread-local storage",), ON_DTV),
    Runtime(r"allocate_dtv|_dl_resize_dtv", ("possible",), ("libc: dtv",),
            "the thread's control block points behind the first entry of its dtv; heapcore knows the dtv"),
    Runtime(r"_dlfo_mappings_segment_allocate", ("reachable", "possible"), ("ld.so: table of loaded objects",),
            "ld.so's data points to where the table begins: at a cache line, which may be where the block begins"),
    Runtime(r"libstdc\+\+", ("reachable",), ("libstdc++: emergency pool",), "libstdc++'s data points to it"),
    Runtime(r"_dl_|dlopen|__add_to_environ|pthread_setspecific|__new_exitfn", ("reachable",), ("", "ld.so: "),
            "libc's data points to it"),
]
ONLY_IN_CORES = ("libc: tcache",)  # of malloc's own, which valgrind's malloc does without


# ---- what the two say -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Named:
    """A line of the manifest."""
    verdict: str
    address: int
    requested: int
    usable: int


@dataclass(frozen=True)
class Judged:
    verdict: str
    size: int


@dataclass(frozen=True)
class Sides:
    """Everything that is compared."""
    manifest: dict[str, Named]      # of the run without valgrind
    ours: dict[str, Judged]         # heapcore's, of the manifest's blocks
    theirs: dict[str, Judged]       # valgrind's
    our_totals: dict[str, Amount]   # by verdict, of all blocks
    their_totals: dict[str, Amount]
    our_runtime: list[Chunk]        # in use, but not in the manifest
    their_runtime: list[Any]
    heuristics: dict[str, Amount]
    our_words: dict[str, list[str]]  # what points to the blocks that the two judge differently
    their_words: dict[str, list[str]]


def read_manifest(process: Stopped) -> dict[str, Named]:
    named: dict[str, Named] = {}
    for name, verdict, address, requested, usable in process.said("block"):
        assert name not in named, f"two blocks are called {name}"
        named[name] = Named(verdict, int(address, 16), int(requested), int(usable))
    return named


def read_roots_manifest(process: Stopped) -> dict[str, Named]:
    """
    Of the fixture "roots", whose classes have no numbers: in the order in which they were made. It does not tell what
    was asked for; under valgrind that is what is usable.
    """
    seen: Counter[str] = Counter()
    named: dict[str, Named] = {}
    for kind, verdict, address, usable in process.said("block"):
        name = f"{kind}.{seen[kind]}"
        verdict = ROOTS_VERDICTS.get(name, {"direct": "definite"}.get(verdict, verdict))
        named[name] = Named(verdict, int(address, 16), int(usable), int(usable))
        seen[kind] += 1
    return named


def place_name(manifest: dict[str, Named], place: Optional[int]) -> str:
    """Of a word: "list.0+16" if it is in a block of the manifest."""
    if place is None:
        return "a register"
    for name, block in manifest.items():
        if block.address <= place < block.address + block.usable:
            return f"{name}+{place - block.address}"
    return "a root"


def pointers_in_core(core: Path, program: Path, address: int) -> list[tuple[Optional[int], int]]:
    report = report_of(succeed("block", core, program, f"{address:#x}", "--json"))
    return [(int(word["from"], 16) if word["from"] else None, int(word["to"], 16) - address)
            for word in report["references"]["list"]]


def word_lines(manifest: dict[str, Named], pointers: list[tuple[Optional[int], int]]) -> list[str]:
    return sorted(f"{place_name(manifest, place)} -> +{offset}" for place, offset in pointers)


@functools.lru_cache(maxsize=None)
def both_sides(program: str, arguments: tuple[str, ...], preload: tuple[Path, ...]) -> Sides:
    read = read_manifest if program == "leak-classes" else read_roots_manifest
    with Stopped(program, arguments, QUIET, preload, recorder=False) as plain, \
            UnderValgrind(program, arguments, preload=preload) as watched:
        core, binary = plain.gcore(), plain.program
        manifest, their_manifest = read(plain), read(watched)
        assert list(manifest) == list(their_manifest), "the fixture does not do the same thing under valgrind"
        manifest = {name: replace(block, requested=their_manifest[name].requested) for name, block in manifest.items()}

        told = report_of(succeed("leaks", core, binary, "--json", "--addresses"))
        judged = {int(block["address"], 16): Judged(REACHES[block["reach"]], block["size"]) for block in told["blocks"]}
        in_use = {chunk.address: chunk for chunk in chunks(core, binary, "--state", "in use")}
        ours = {name: judged.get(block.address) or (Judged("reachable", in_use[block.address].size)
                                                    if block.address in in_use else Judged("not in use", 0))
                for name, block in manifest.items()}
        addresses = {block.address for block in manifest.values()}
        check = leak_check(watched)
        theirs = {name: Judged(check.blocks[block.address].verdict, check.blocks[block.address].size)
                  if block.address in check.blocks else Judged("not there", 0)
                  for name, block in their_manifest.items()}
        known = {block.address for block in their_manifest.values()}
        differing = [name for name in manifest if ours[name].verdict != theirs[name].verdict]
        return Sides(
            manifest, ours, theirs, our_totals(core, binary, told), check.summary,
            [chunk for chunk in in_use.values() if chunk.address not in addresses],
            [block for address, block in check.blocks.items() if address not in known], check.heuristics,
            {name: word_lines(manifest, pointers_in_core(core, binary, manifest[name].address)) for name in differing},
            {name: word_lines(their_manifest, pointers_to(watched, their_manifest[name].address,
                                                          their_manifest[name].usable)) for name in differing})


def our_totals(core: Path, program: Path, told: dict[str, Any]) -> dict[str, Amount]:
    """Of `leaks`; its list of blocks, and `analyze` (where reachable includes possibly lost), say the same."""
    totals = {verdict: Amount(**told["totals"][key]) for verdict, key in TOTALS.items()}
    references = analyze(core, program)["references"]
    for verdict, key in REFERENCES.items():
        listed = amount_of([block["size"] for block in told["blocks"] if REACHES[block["reach"]] == verdict])
        summed = Amount(**references[key])
        assert listed == totals[verdict] == summed, \
            f"{verdict}: leaks lists {listed}, totals {totals[verdict]}; analyze {summed}"
    reachable, possible = Amount(**references["reachable"]), totals["possible"]
    still = Amount(reachable.blocks - possible.blocks, reachable.bytes - possible.bytes)
    assert still == totals["reachable"], f"still reachable: leaks says {totals['reachable']}, analyze {still}"
    return totals


# ---- the comparison -------------------------------------------------------------------------------------------------


def size_in_core(requested: int) -> tuple[int, ...]:
    """The usable sizes that malloc may give for so much: in an arena, or in a mapping of its own."""
    chunk = max((requested + WORD + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT, 2 * ALIGNMENT)
    return chunk - WORD, (chunk + WORD + PAGE - 1) // PAGE * PAGE - 2 * WORD


def explain(sides: Sides, name: str) -> str:
    """Which word made it so."""
    ours, theirs = Counter(sides.our_words.get(name, [])), Counter(sides.their_words.get(name, []))
    parts = [(f"only in the core: {word}") for word in (ours - theirs).elements()]
    parts += [(f"only under valgrind: {word}") for word in (theirs - ours).elements()]
    parts += [(f"in both: {word}") for word in (ours & theirs).elements()]
    return "".join(f"\n        {part}" for part in parts) or "\n        no word points to it"


def compare_blocks(sides: Sides, differences: dict[str, Difference]) -> list[str]:
    """valgrind's verdict on each block is the manifest's; heapcore's is, too, but for the differences with a name."""
    problems = []
    for name, block in sides.manifest.items():
        ours, theirs, allowed = sides.ours[name], sides.theirs[name], differences.get(name)
        if theirs.verdict != block.verdict:
            problems.append(f"{name}: the fixture says {block.verdict}, valgrind {theirs.verdict}"
                            f"{explain(sides, name)}")
        if theirs.size != block.requested:
            problems.append(f"{name}: {block.requested} bytes were asked for, valgrind says {theirs.size}")
        if ours.size != block.usable or ours.size not in size_in_core(theirs.size):
            problems.append(f"{name}: {theirs.size} bytes for valgrind, {ours.size} for heapcore")
        if allowed is None and ours.verdict != theirs.verdict:
            problems.append(f"{name}: valgrind says {theirs.verdict}, heapcore {ours.verdict}{explain(sides, name)}")
        if allowed is not None and (theirs.verdict, ours.verdict) != (allowed.valgrind, allowed.heapcore):
            problems.append(f"{name}: valgrind should say {allowed.valgrind} and heapcore {allowed.heapcore}, for "
                            f"{allowed.reason}; they say {theirs.verdict}, {ours.verdict}{explain(sides, name)}")
    problems += [f"{name}: there is no such block any more" for name in differences if name not in sides.manifest]
    return problems


def is_labelled(chunk: Chunk, labels: tuple[str, ...]) -> bool:
    return any(chunk.label.startswith(label) if chunk.label and label else not chunk.label and not label
               for label in labels)


def compare_runtime(sides: Sides, rules: list[Runtime]) -> list[str]:
    """What is not in the manifest: each block has a known origin, and as many are here as there."""
    problems, counts, left = [], Counter(), list(sides.our_runtime)
    for block in sides.their_runtime:
        rule = next((rule for rule in rules if any(re.search(rule.function, frame) for frame in block.stack)), None)
        if rule is None or block.verdict not in rule.verdicts:
            problems.append(f"valgrind, {block.size} bytes {block.verdict}, not in the manifest: "
                            f"{' < '.join(block.stack)}")
        else:
            counts[rule] += 1
    for rule in rules:
        known = [chunk for chunk in left if is_labelled(chunk, rule.labels)]
        left = [chunk for chunk in left if chunk not in known]
        if len(known) != counts[rule]:
            problems.append(f"{rule.function} ({rule.reason}): {counts[rule]} under valgrind, {len(known)} in the core:"
                            f"{few(known)}")
    problems += [f"in the core, not in the manifest: {chunk}" for chunk in left
                 if not (chunk.label or "").startswith(ONLY_IN_CORES)]
    return problems


def compare_totals(sides: Sides, differences: dict[str, Difference]) -> list[str]:
    """
    heapcore's four totals are valgrind's, when the named differences, the runtime's blocks, and malloc's rounding up
    are taken out.
    """
    problems = []
    for verdict in VERDICTS:
        ours, theirs = sides.our_totals[verdict], sides.their_totals[verdict]
        blocks, size = ours.blocks - theirs.blocks, ours.bytes - theirs.bytes
        for name, difference in differences.items():
            change = (difference.heapcore == verdict) - (difference.valgrind == verdict)
            blocks -= change
            size -= change * sides.manifest[name].requested
        if verdict == "reachable":  # labelled blocks are reachable for heapcore, whatever points to them
            blocks -= len(sides.our_runtime)
            size -= sum(chunk.size for chunk in sides.our_runtime)
        of_runtime = amount_of([block.size for block in sides.their_runtime if block.verdict == verdict])
        blocks += of_runtime.blocks
        size += of_runtime.bytes
        size -= sum(block.usable - block.requested for name, block in sides.manifest.items()
                    if sides.ours[name].verdict == verdict)
        if (blocks, size) != (0, 0):
            problems.append(f"{verdict}: valgrind {theirs}, heapcore {ours}: of that {blocks} blocks, {size} bytes "
                            f"without a reason")
    return problems


def compare(sides: Sides, differences: dict[str, Difference]) -> list[str]:
    return compare_blocks(sides, differences) + compare_runtime(sides, RUNTIME) + compare_totals(sides, differences)


# ---- the cases ------------------------------------------------------------------------------------------------------

CLASSES = {  # that the fixture must have, so that none gets lost on the way
    "definite": ["single", "list", "ring", "tree", "ring-above-a-ring", "head-of-ring", "head-of-shared",
                 "points-to-itself", "behind-the-end", "unaligned-pointer", "lost-big", "below-stack-pointer",
                 "stack-of-ended-thread", "in-tcache-block", "in-fastbin-block", "in-free-block", "in-top",
                 "in-unmapped-block", "head-in-thread-arena"],
    "indirect": ["list", "ring", "tree", "ring-on-a-ring", "ring-below-a-head", "shared-child", "shared-by-rings",
                 "lost-interior", "lost-big-interior", "child-of-big", "child-in-thread-arena"],
    "possible": ["interior", "interior-child", "interior-grandchild", "interior-ring", "interior-big",
                 "interior-from-known", "not-a-cookie", "not-a-length", "zero-is-no-length", "not-a-string",
                 "not-two-tables", "member-of-derived", "second-base-without-first"],
    "reachable": ["chain", "data", "bss", "thread-storage", "thread-storage-of-thread", "register", "blocked-stack",
                  "anonymous-mapping", "shared-mapping", "memory-file", "private-file-mapping", "big", "in-big",
                  "array-cookie", "array-cookie-big", "second-base", "old-string", "old-string-big", "length-prefix",
                  "length-prefix-big", "interior-and-start", "interior-child-also-known", "kept-in-thread-arena"],
}
HEURISTICS = {"newarray": ["array-cookie", "array-cookie-big"], "multipleinheritance": ["second-base"],
              "stdstring": ["old-string", "old-string-big"], "length64": ["length-prefix", "length-prefix-big"]}


def leak_classes() -> Sides:
    return both_sides("leak-classes", (), ())


def complain(problems: list[str]) -> None:
    assert not problems, f"{len(problems)} differences:{few(problems)}"


def check_blocks() -> None:
    complain(compare_blocks(leak_classes(), LEAK_CLASSES))


def check_runtime() -> None:
    complain(compare_runtime(leak_classes(), RUNTIME))


def check_totals() -> None:
    complain(compare_totals(leak_classes(), LEAK_CLASSES))


def check_classes() -> None:
    there = {(block.verdict, name.split(".")[0]) for name, block in leak_classes().manifest.items()}
    missing = [f"{verdict}: {name}" for verdict, names in CLASSES.items() for name in names
               if (verdict, name) not in there]
    assert not missing, f"the fixture has no block of these classes any more:{few(missing)}"


def check_heuristics() -> None:
    """The blocks that are to be kept by a heuristic are kept by that one, and by no other pointer."""
    sides = leak_classes()
    expected = {heuristic: amount_of([block.requested for name, block in sides.manifest.items()
                                      if name.split(".")[0] in names]) for heuristic, names in HEURISTICS.items()}
    assert sides.heuristics == expected, f"valgrind used {sides.heuristics}, expected {expected}"


def check_roots() -> None:
    """The fixture that knows where pointers may be: with libraries, and a thread that a signal interrupted."""
    complain(compare(both_sides("roots", (OPENED, "signal"), PRELOADED), ROOTS))


def check_unnamed(scenario: Scenario) -> None:
    """A fixture that names no blocks: what is not reachable has the same verdicts and sizes, but for the runtime's."""
    with Stopped(scenario.program, scenario.arguments, QUIET, scenario.preload, recorder=False) as plain, \
            UnderValgrind(scenario.program, scenario.arguments, scenario.preload) as watched:
        told = report_of(succeed("leaks", plain.gcore(), plain.program, "--json", "--addresses"))["blocks"]
        check = leak_check(watched)
    ours = Counter((REACHES[block["reach"]], block["size"]) for block in told)
    problems = []
    for block in check.blocks.values():
        rule = next((rule for rule in RUNTIME if any(re.search(rule.function, frame) for frame in block.stack)), None)
        if block.verdict == "reachable" or rule and block.verdict in rule.verdicts:
            continue
        same = next(((block.verdict, size) for size in size_in_core(block.size) if ours[block.verdict, size]), None)
        if same is None:
            problems.append(f"only valgrind: {block.verdict}, {block.size} bytes: {' < '.join(block.stack)}")
        else:
            ours[same] -= 1
    problems += [f"only heapcore: {verdict}, {size} bytes" for verdict, size in ours.elements()]
    complain(problems)


# ---- does the comparison see anything? ------------------------------------------------------------------------------


def with_verdict(sides: Sides, name: str, verdict: str) -> Sides:
    return replace(sides, manifest={**sides.manifest, name: replace(sides.manifest[name], verdict=verdict)})


def check_wrong_manifest() -> None:
    """A manifest that is wrong about one block, whatever block and verdict, is found out."""
    sides = leak_classes()
    for name, block in sides.manifest.items():
        for verdict in VERDICTS:
            problems = compare_blocks(with_verdict(sides, name, verdict), LEAK_CLASSES)
            told = any(problem.startswith(f"{name}: the fixture says {verdict}") for problem in problems)
            assert told == (verdict != block.verdict), f"{name} as {verdict}:{few(problems)}"


def check_missing_block() -> None:
    """A block that the manifest does not name is a stranger to both, and the sums do not come out."""
    sides = leak_classes()
    for name in ("single.0", "interior.0", "chain.3", "list.2"):
        stranger, block = sides.manifest[name], sides.theirs[name]
        partial = replace(
            sides, manifest={other: block for other, block in sides.manifest.items() if other != name},
            our_runtime=sides.our_runtime + [Chunk(stranger.address, stranger.usable, "in use", 0, None)],
            their_runtime=sides.their_runtime + [LostSomewhere(block.verdict, block.size)])
        problems = compare_runtime(partial, RUNTIME)
        assert len(problems) == 2, f"{name}:{few(problems)}"


@dataclass(frozen=True)
class LostSomewhere:
    verdict: str
    size: int
    stack: tuple[str, ...] = ("malloc", "main")


def check_wrong_heapcore() -> None:
    """One block that heapcore would judge differently: found in the block, and in the sum."""
    sides = leak_classes()
    for name, wrong in (("interior.0", "reachable"), ("single.1", "reachable"), ("list.1", "definite"),
                        ("register.0", "definite"), ("read-only-mapping.0", "definite")):
        ours = sides.ours[name]
        totals = dict(sides.our_totals)
        for verdict, sign in ((ours.verdict, -1), (wrong, 1)):
            amount = totals[verdict]
            totals[verdict] = Amount(amount.blocks + sign, amount.bytes + sign * ours.size)
        broken = replace(sides, ours={**sides.ours, name: replace(ours, verdict=wrong)}, our_totals=totals)
        blocks, sums = compare_blocks(broken, LEAK_CLASSES), compare_totals(broken, LEAK_CLASSES)
        assert [problem for problem in blocks if problem.startswith(f"{name}:")], f"{name} as {wrong} was not seen"
        assert len(sums) == 2, f"{name} as {wrong}: the sums:{few(sums)}"


def check_words() -> None:
    """The word that makes a difference is told: it is in the core, and valgrind does not see it."""
    sides = leak_classes()
    assert explain(sides, "read-only-mapping.0") == "\n        only in the core: a root -> +0", \
        explain(sides, "read-only-mapping.0")
    assert "in both: tables-of-texts" not in explain(sides, "tables-of-texts.0")
    assert "in both: a root -> +64" in explain(sides, "tables-of-texts.0"), explain(sides, "tables-of-texts.0")
    problems = compare_blocks(sides, {})
    assert sorted(problem.split(":")[0] for problem in problems) == sorted(LEAK_CLASSES), few(problems)
    assert all("\n        " in problem for problem in problems), few(problems)


def check_stale_difference() -> None:
    """A difference that is allowed, and is not there, is one to remove."""
    allowed = {**LEAK_CLASSES, "single.0": Difference("definite", "reachable", "no reason")}
    assert len(compare_blocks(leak_classes(), allowed)) == 1
    assert compare_totals(leak_classes(), allowed)


cases = Cases(__doc__)
cases.run("leak classes: every class is there", check_classes)
cases.run("leak classes: each block", check_blocks)
cases.run("leak classes: the runtime's blocks", check_runtime)
cases.run("leak classes: totals", check_totals)
cases.run("leak classes: heuristics", check_heuristics)
cases.run("roots", check_roots)
for one in SCENARIOS:
    if not one.tunables and (one.program in ("cxx", "libc-blocks") or one.name == "threads small"):
        cases.run(f"{one.name}: what is not reachable", check_unnamed, one)
cases.run("a wrong manifest fails", check_wrong_manifest)
cases.run("an incomplete manifest fails", check_missing_block)
cases.run("a wrong verdict of heapcore fails", check_wrong_heapcore)
cases.run("the word that makes a difference is told", check_words)
cases.run("a difference that is not there fails", check_stale_difference)
cases.finish()
