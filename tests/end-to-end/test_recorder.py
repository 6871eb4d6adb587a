#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every fixture in every circumstance: what heapcore says is in use, against what the process itself recorded.

Each block that the recorder saw allocated and not freed must be in use, at that address, with that usable size;
nothing else may be in use but blocks labelled as libc's or the runtime's. No tolerance.
"""

from __future__ import annotations

import json
from pathlib import Path

from elfcore import Core
from harness import (CORE_ONLY, Cases, LiveBlock, Stopped, chunk_of, chunks, compare, few, heapcore,
                     libc_version)
from scenarios import SCENARIOS, Scenario


def check_truth(core: Core, live: dict[int, LiveBlock]) -> None:
    """The recorder's file and the core tell of one moment: each live block's header gives its usable size.

    A failure here is the fixture's or the recorder's, not heapcore's.
    """
    wrong = []
    mapped_header = 16 if libc_version() < (2, 43) else 8  # IS_MMAPPED: both words of the header are lost, to 2.42
    for address, block in live.items():
        size = core.word(address - 8)
        header = mapped_header if size & 2 else 8
        if (size & ~7) - header != block.usable:
            wrong.append(f"{address:#x}: recorded {block.usable}, in the core's header {size:#x}")
    assert not wrong, f"recorder and core disagree (not heapcore's fault):{few(wrong)}"


def check(scenario: Scenario, kind: str) -> None:
    with scenario.start() as fixture:
        live = fixture.live_blocks()
        core = fixture.core(kind)
        check_truth(Core(core), live)
        problems = compare(live, chunks(core, fixture.program))
        assert not problems, f"{len(problems)} of {len(live)} live blocks and others are wrong:{few(problems)}"


def check_without_headers(named: bool) -> None:
    """No first page of any file is in the core (what gdb wrote up to 8): blocks are the same, the program is used with a warning."""
    with Stopped("threads", ("small",)) as fixture:
        Path(f"/proc/{fixture.pid}/coredump_filter").write_text("0x23")
        live = fixture.live_blocks()
        core = fixture.gcore()
        program = [fixture.program] if named else []
        result = heapcore("chunks", core, *program, "--json", "--limit", "0")
        assert result.status == (3 if named else 0), result
        problems = compare(live, [chunk_of(json.loads(line)) for line in result.out.splitlines()])
        assert not problems, f"{len(problems)} of {len(live)} live blocks and others are wrong:{few(problems)}"
        out = heapcore("analyze", core, *program).out
        assert ("nothing in the core confirms it: threads" in out) == named, out



cases = Cases(__doc__)
for one in SCENARIOS:
    for core_kind in one.kinds:
        cases.run(f"{one.name}, {core_kind}", check, one, core_kind)
for is_named in (False,) if CORE_ONLY else (False, True):
    cases.run(f"no ELF headers, program {'given' if is_named else 'not given'}", check_without_headers, is_named)
cases.finish()
