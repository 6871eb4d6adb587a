#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every fixture in every circumstance: what heapcore says is in use, against what the process itself recorded.

Each block that the recorder saw allocated and not freed must be in use, at that address, with that usable size;
nothing else may be in use but blocks labelled as libc's or the runtime's. No tolerance.
"""

from __future__ import annotations

from harness import Cases, LiveBlock, chunks, compare, few, libc_version
from elfcore import Core
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


cases = Cases(__doc__)
for one in SCENARIOS:
    for core_kind in one.kinds:
        cases.run(f"{one.name}, {core_kind}", check, one, core_kind)
cases.finish()
