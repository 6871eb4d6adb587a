#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whose lost blocks are: named only where words at one place in most of them lead there."""

from __future__ import annotations

from harness import Cases, Stopped, succeed


def check_places(kind: str) -> None:
    with Stopped("blame", recorder=False) as fixture:
        core = fixture.core(kind)
        lines = succeed("leaks", core, fixture.program).out.splitlines()
        for size, blocks, owner in fixture.said("lost"):
            texts = (f"{blocks} x {size} B", f"{blocks} x {int(size) / 1024:.1f} KiB")
            rows = [line for line in lines if any(text in line for text in texts)]
            assert len(rows) == 1, (size, lines)
            assert ("libc" in rows[0]) == (owner == "libc"), (size, owner, rows)


def main() -> None:
    cases = Cases(__doc__)
    cases.run("gcore", check_places, "gcore")
    cases.run("kernel", check_places, "kernel")
    cases.finish()


if __name__ == "__main__":
    main()
