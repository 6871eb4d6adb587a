#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two cores of the demo service: what `diff` says grew is what the service says it leaked and cached in between."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from elfcore import Core
from harness import (Cases, GCORE_INSIDE, PATIENCE, ROOT, Skipped, Stopped, Workspace, analyze, chunks, fixture_path, heapcore, report_of,
                     succeed)

SERVICE = fixture_path("demo/demo-service")


@dataclass(frozen=True)
class Figures:
    """The service's own totals, in usable bytes."""
    leaked_blocks: int
    leaked_bytes: int
    cached_blocks: int
    cached_bytes: int

    def __sub__(self, earlier: "Figures") -> "Figures":
        return Figures(*(getattr(self, name) - getattr(earlier, name) for name in vars(self)))


def figures(line: str) -> Figures:
    found = re.search(r"leaked (\d+) blocks, (\d+) bytes; cache \d+ entries, (\d+) blocks, (\d+) bytes", line)
    assert found, f"the service says {line!r}"
    return Figures(*map(int, found.groups()))


class Service:
    """The demo service, with a core before and after it has grown."""

    process: Optional["subprocess.Popen[str]"] = None

    def start(self) -> None:
        self.workspace = Workspace()
        self.process = subprocess.Popen([str(SERVICE)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.before = figures(self._line("ready"))
        self.core_before = self._gcore("before")
        self.capture_before = self._capture("capture-before")
        self.process.send_signal(signal.SIGUSR1)
        self.after = figures(self._line("grown"))
        self.core_after = self._gcore("after")
        self.capture_after = self._capture("capture-after")

    def _line(self, word: str) -> str:
        line = self.process.stdout.readline()
        assert line.startswith(f"{word} {self.process.pid}:"), f"the service says {line!r}"
        return line

    def _gcore(self, name: str) -> Path:
        prefix = self.workspace.path / name
        subprocess.run(["gcore", "-o", str(prefix), str(self.process.pid)], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE, check=True)
        return Path(f"{prefix}.{self.process.pid}")

    def _capture(self, name: str) -> Optional[Path]:
        folder = self.workspace.path / name
        if GCORE_INSIDE or ROOT != Path("/"):
            return None  # captures are of this root
        succeed("capture", "-q", str(self.process.pid), "-o", folder)
        return folder

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.workspace.remove()


def lost(report: dict[str, Any]) -> tuple[int, int]:
    parts = [report["references"][name] for name in ("directly_lost", "indirectly_lost")]
    return sum(part["blocks"] for part in parts), sum(part["bytes"] for part in parts)


def check_each(service: Service) -> None:
    """Each core by itself: what is lost is what was leaked until then."""
    for core, truth in ((service.core_before, service.before), (service.core_after, service.after)):
        told = lost(analyze(core, SERVICE))
        assert told == (truth.leaked_blocks, truth.leaked_bytes), f"leaked: {truth}; reported lost: {told}"


def check_content(service: Service) -> None:
    """The lost blocks are the leaked replies: their content begins as the service writes it."""
    core = Core(service.core_after)
    reported = chunks(service.core_after, SERVICE, "--lost")
    assert len(reported) == service.after.leaked_blocks
    for chunk in reported:
        offset = core.offset_of(chunk.address)
        assert core.bytes[offset:offset + 13] == b"ORDER/1.0 id=", f"not a reply: {chunk}"


def check_growth(service: Service) -> None:
    report = report_of(succeed("diff", service.core_before, service.core_after, SERVICE, "--json"))
    growth = service.after - service.before
    assert report["sameness"] == "same-process", report["sameness_text"]
    memory = report["memory"]
    rows = {row["id"]: row for row in memory["rows"] + memory["parts"]}
    lost_growth = sum(row["growth"] for row in memory["parts"] if row["id"].startswith("lost"))
    assert lost_growth == growth.leaked_bytes, f"leaked {growth.leaked_bytes} more, reported {lost_growth}"
    held = rows["in-use"]["growth"] - lost_growth
    # The cache, and nothing else that is held, grows. History, sessions and queue stay; single blocks of theirs may
    # have been cut from chunks of another size.
    assert abs(held - growth.cached_bytes) <= 4096, f"the cache grew by {growth.cached_bytes}, reported {held}"
    assert rows["in-use"]["count_b"] - rows["in-use"]["count_a"] == growth.leaked_blocks + growth.cached_blocks


def check_sums(service: Service) -> None:
    report = report_of(succeed("diff", service.core_before, service.core_after, SERVICE, "--json"))
    memory = report["memory"]
    for row in memory["rows"] + memory["parts"]:
        assert row["growth"] == row["bytes_b"] - row["bytes_a"], row
    for side in ("a", "b"):
        assert sum(row[f"bytes_{side}"] for row in memory["rows"]) == memory[f"total_{side}"]
    assert sum(row["growth"] for row in memory["rows"]) == memory["growth"] == memory["total_b"] - memory["total_a"]
    for side, core in (("a", service.core_before), ("b", service.core_after)):
        alone = {row["id"]: row["bytes"] for row in analyze(core, SERVICE)["memory"]["rows"]}
        assert {row["id"]: row[f"bytes_{side}"] for row in memory["rows"] if row["id"] in alone} == alone


def check_attribution(service: Service) -> None:
    """The leak and the cache have a row each, with the blocks and bytes that the service says, and no byte is left over."""
    report = report_of(succeed("diff", service.core_before, service.core_after, SERVICE, "--json"))
    growth = service.after - service.before
    rows = report["attribution"]
    assert sum(row["bytes"] for row in rows) == report["growth"]
    for row in rows:
        assert row["bytes"] == row["after"] - row["before"] and row["steps"] == [row["before"], row["after"]], row
    for side, name in (("a", "before"), ("b", "after")):
        memory = sum(row[f"bytes_{side}"] for row in report["memory"]["rows"] if row["memory"])
        assert sum(row[name] for row in rows) == memory
    rest = [row for row in rows if row["kind"] == "rest"]
    assert len(rest) == 1 and rest[0] is rows[-1] and rest[0]["bytes"] == rest[0]["after"] == 0, rest
    leak = [row for row in rows if row["kind"] == "lost"]
    assert sum(row["bytes"] for row in leak) == growth.leaked_bytes
    assert sum(row["blocks_after"] - row["blocks_before"] for row in leak) == growth.leaked_blocks
    cache = [row for row in rows if row["name"].startswith("cache.")]
    assert sum(row["bytes"] for row in cache) == growth.cached_bytes, cache
    assert sum(row["blocks_after"] for row in cache) == service.after.cached_blocks, cache
    shown = sum(row["share"] for row in rows)
    assert abs(shown - 1) < 1e-6, f"shares make {shown}"


def check_sentences(service: Service) -> None:
    """Two causes, most bytes first, and the text has both."""
    report = report_of(succeed("diff", service.core_before, service.core_after, SERVICE, "--json"))
    growth = service.after - service.before
    told = {one["kind"]: one for one in report["sentences"]}
    assert len(told) == len(report["sentences"]) == 2 and told["leak"]["bytes"] == growth.leaked_bytes, report["sentences"]
    cache, = (one for one in report["sentences"] if one["kind"] != "leak")
    assert cache["name"].startswith("cache.") and cache["bytes"] == growth.cached_bytes, cache
    amounts = [one["bytes"] for one in report["sentences"]]
    assert amounts == sorted(amounts, reverse=True)
    assert all(one["text"] in report["verdict"] and one["command"].startswith("heapcore ") for one in report["sentences"])
    assert "ORDER/1.0" in told["leak"]["text"], told["leak"]


def check_captures(service: Service) -> None:
    """What was lost is told with its resident bytes: all of it, as each reply was written."""
    if service.capture_before is None:
        raise Skipped("a capture is of this root")
    report = report_of(succeed("diff", service.capture_before, service.capture_after, SERVICE, "--json"))
    leaked = (service.after - service.before).leaked_bytes
    told = [(one["bytes"], one["resident"]) for one in report["sentences"] if one["kind"] == "leak"]
    assert told == [(leaked, leaked)], f"leaked {leaked}, told (bytes, resident) {told}"


def check_sizes(service: Service) -> None:
    """By size: the four sizes of replies are what leaked."""
    report = report_of(succeed("diff", service.core_before, service.core_after, SERVICE, "--json"))
    leaked = sum((size["lost_b"] - size["lost_a"]) * size["size"] for size in report["sizes"])
    assert leaked == (service.after - service.before).leaked_bytes
    assert all(size["size"] >= 300 for size in report["sizes"] if size["lost_b"] > size["lost_a"])


def check_text(service: Service) -> None:
    """For people: the leak and the cache stand in the text."""
    text = succeed("diff", service.core_before, service.core_after, SERVICE).out
    assert "ORDER/1.0" in text and "cache." in text and "a leak" in text, text
    assert "\x1b" not in text


def check_no_content(service: Service) -> None:
    """What the blocks contain is in no report then; the figures are the same."""
    arguments = ("diff", service.core_before, service.core_after, SERVICE)
    with_it, without = (report_of(succeed(*arguments, "--json", *more)) for more in ((), ("--no-content",)))
    assert "ORDER/" in json.dumps(with_it) and "ORDER/" not in json.dumps(without)
    assert "ORDER/" not in succeed(*arguments, "--no-content", "-v").out
    assert without["memory"] == with_it["memory"] and without["growth"] == with_it["growth"]


def check_no_types(service: Service) -> None:
    """Without debug info the leak is told all the same, and that nobody looked for containers."""
    report = report_of(succeed("diff", service.core_before, service.core_after, "--no-types", "--json"))
    growth = service.after - service.before
    assert "not looked at" in report["verdict"], report["verdict"]
    assert {one["kind"]: one["bytes"] for one in report["sentences"]}["leak"] == growth.leaked_bytes
    held = sum(row["bytes"] for row in report["attribution"] if row["kind"] == "held")
    assert abs(held - growth.cached_bytes) <= 4096, (held, growth)


def check_fail_on(service: Service) -> None:
    """Conditions are about growth."""
    growth = service.after - service.before
    for condition, status in ((f"leaked>{growth.leaked_blocks}", 0), (f"leaked>={growth.leaked_blocks}", 1),
                              (f"lost-bytes=={growth.leaked_bytes}", 1), ("container:no->such.elements>0", 64),
                              ("data-bytes<0", 0)):
        result = heapcore("diff", service.core_before, service.core_after, SERVICE, "--fail-on", condition)
        assert result.status == status, f"{condition}: {result}"


def check_same_core(service: Service) -> None:
    report = report_of(succeed("diff", service.core_before, service.core_before, "--json"))
    assert report["memory"]["growth"] == report["growth"] == 0 and not report["sentences"]
    assert report["verdict"] == "Memory did not grow." and not any(row["bytes"] for row in report["attribution"])
    assert all(row["growth"] == 0 for row in report["memory"]["rows"] + report["memory"]["parts"])


def check_other_program(service: Service) -> None:
    """Two different programs: said, and no pretence that one grew into the other."""
    with Stopped("retained") as fixture:
        result = heapcore("diff", service.core_before, fixture.gcore(), "--json")
        assert result.status in (0, 2), result
        if result.status == 0:
            assert report_of(result)["sameness"] == "other-program", result


CHECKS = {
    "each core": check_each,
    "content of what is lost": check_content,
    "growth": check_growth,
    "sums": check_sums,
    "attribution": check_attribution,
    "sentences": check_sentences,
    "captures": check_captures,
    "sizes": check_sizes,
    "text": check_text,
    "no content": check_no_content,
    "no types": check_no_types,
    "--fail-on": check_fail_on,
    "a core with itself": check_same_core,
    "two programs": check_other_program,
}

cases = Cases(__doc__)
shared = Service()
if not cases.options.list:
    shared.start()
try:
    for name, function in CHECKS.items():
        cases.run(name, function, shared)
finally:
    shared.stop()
cases.finish()
