#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""export --fleet into a real PostgreSQL: docs/fleet.md's schema, its COPY line and its questions.

A fleet is made up of which every figure is known: hosts that run two programs, one of which grows from its second build on. Its rows have the
columns that export writes. Beside it rows that heapcore wrote of a real process are loaded. `make check-fleet` does it with 10,000 snapshots;
make check with some hundred.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
import re
import shutil
import subprocess
from collections import Counter
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Iterator

from harness import SOURCE, Cases, Skipped, Stopped, Workspace, need_captures, succeed

SNAPSHOTS = int(os.environ.get("FLEET_SNAPSHOTS", "400"))
HOSTS, BUILDS = 5, 2
BEGIN = datetime(2026, 11, 1, tzinfo=timezone.utc)
PER_HOUR = 1 << 20  # by which g_registry->sessions_ grows in each process of worker's second build
LOST = 64 * 100
STEADY = 50 << 20
OWNERS = 12  # that stay as they are


def blocks_of_docs() -> list[str]:
    return re.findall(r"```sql\n(.*?)```", (SOURCE / "docs/fleet.md").read_text(), re.S)


def copy_of_docs() -> str:
    return re.search(r"^(\\copy .*)$", (SOURCE / "docs/fleet.md").read_text(), re.M)[1]


# ---- the database ---------------------------------------------------------------------------------------------------


def tool(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")) or [Path(shutil.which(name) or "")]
    if not found[-1].is_file():
        raise Skipped(f"PostgreSQL's {name} is not installed (Debian: apt-get install postgresql)")
    return str(found[-1])


class Database:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ask(self, query: str) -> list[dict[str, str]]:
        """The answer to QUERY, which may also be a command of psql's; every value as text, None: null."""
        options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "--csv", "-P", "null=NULL", "-h", self.folder, "-U", "postgres", "-d", "postgres"]
        done = subprocess.run(["psql", *map(str, options)], input=query, capture_output=True, text=True, cwd=self.folder, check=False,
                              env={**os.environ, "PGTZ": "UTC"})
        assert done.returncode == 0, f"{query}\n{done.stderr}"
        return [{key: None if value == "NULL" else value for key, value in row.items()} for row in csv.DictReader(done.stdout.splitlines())]


@contextmanager
def database() -> Iterator[Database]:
    """A server of its own, that nobody else can reach. PostgreSQL refuses to run as root."""
    initdb, postgres, control = tool("initdb"), tool("postgres"), tool("pg_ctl")
    user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    with Workspace() as folder:
        data = folder / "data"
        data.mkdir()
        if user:
            folder.chmod(0o755)
            shutil.chown(folder, "postgres", "postgres")
            shutil.chown(data, "postgres", "postgres")
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": folder, **user}
        subprocess.run([initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"], check=True, **quiet)
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        subprocess.run([control, "-D", data, "-w", "-t", "60", "-l", folder / "log", "-p", postgres, "-o", options, "start"], check=True, **quiet)
        try:
            yield Database(folder)
        finally:
            subprocess.run([control, "-D", data, "-m", "immediate", "-w", "stop"], check=True, **quiet)


# ---- the fleet ------------------------------------------------------------------------------------------------------


def row(**values: Any) -> dict[str, Any]:
    return values


def snapshot(host: str, program: str, build: int, pid: int, hour: int, scale: int) -> Iterator[dict[str, Any]]:
    """The rows of one: HOUR hours after it all began."""
    who = {"host": host, "program": program, "build_id": f"{program}-{build}", "pid": pid, "execution": f"sha256:{pid}",
           "taken": (BEGIN + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ"), "labels": json.dumps({"region": "eu" if pid % 2 else "us"})}
    grown = PER_HOUR * hour if program == "worker" and build else 0
    local = PER_HOUR // 2 * hour if program == "router" and host == "host00" else 0
    size = scale * STEADY + grown + local
    yield row(**who, kind="memory", name="in-use", is_memory="true", bytes=size, blocks=1000, resident=size)
    yield row(**who, kind="memory", name="lost", parent="in-use", is_memory="true", bytes=LOST, blocks=100, resident=LOST)
    yield row(**who, kind="memory", name="files", is_memory="true", bytes=5 << 20, resident=1 << 20)
    yield row(**who, kind="memory", name="reserved", is_memory="false", bytes=1 << 30, resident=0)
    yield row(**who, kind="owner", name="g_registry", bytes=grown, own_bytes=0, blocks=10, outside=0)
    yield row(**who, kind="container", name="g_registry->sessions_", parent="g_registry", type="std::vector<Session>", bytes=grown + 4096,
              own_bytes=grown + 4096, blocks=10, resident=grown, outside=0, elements=100 + hour, capacity=4096)
    yield row(**who, kind="owner", name="g_local", bytes=4096 + local, own_bytes=4096 + local, blocks=1, outside=0)
    for number in range(OWNERS):
        yield row(**who, kind="owner", name=f'g_steady_{number} "x", \\', bytes=4096, own_bytes=4096, blocks=1, outside=0)
    yield row(**who, kind="lost", name="size 64 0:libpackets.so", module="libpackets.so", bytes=LOST, own_bytes=LOST, blocks=100)


def fleet() -> tuple[list[tuple[str, str, int, int, int]], int]:
    """Processes (host, program, build, pid, scale) and how many hours each is looked at."""
    processes = [(f"host{host:02}", program, build, 1000 + 10 * host + 2 * build + (program == "router"),
                  4 if program == "router" and host == HOSTS - 1 and build == BUILDS - 1 else 1)
                 for host, program, build in itertools.product(range(HOSTS), ("worker", "router"), range(BUILDS))]
    return processes, SNAPSHOTS // len(processes)


def write_fleet(columns: list[str], path: Path) -> int:
    processes, hours = fleet()
    count = 0
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for host, program, build, pid, scale in processes:
            for hour in range(hours):
                writer.writerows(snapshot(host, program, build, pid, build * hours + hour, scale))
                count += 1
    return count


# ---- what is asked --------------------------------------------------------------------------------------------------


def check_loads(server: Database, core: Path, program: Path) -> None:
    """What heapcore writes goes in by the line of the documentation, and comes out as it is."""
    rows = server.folder / "rows.csv"
    succeed("export", core, program, "--format", "csv", "--fleet", "--host", "a'b", "--label", 'x="', "-o", rows, statuses=(0, 3))
    assert "heapcore_rows" in blocks_of_docs()[0]
    server.ask(blocks_of_docs()[0])
    server.ask(copy_of_docs())
    objects = [json.loads(line) for line in
               succeed("export", core, program, "--format", "ndjson", "--fleet", "--host", "a'b", "--label", 'x="', statuses=(0, 3)).out.splitlines()]
    stored = server.ask("SELECT * FROM heapcore_rows")
    assert list(stored[0]) == list(objects[0]), "the schema's columns are not those of the file"
    keys = ("host", "kind", "name", "parent", "type", "module", "bytes", "own_bytes", "blocks", "resident", "outside", "elements", "capacity")
    said = Counter(tuple(None if one[key] is None else str(one[key]) for key in keys) for one in objects)
    told = Counter(tuple(one[key] for key in keys) for one in stored)
    assert said == told, (list((said - told).items())[:3], list((told - said).items())[:3])
    assert server.ask("SELECT DISTINCT labels->>'x' AS x FROM heapcore_rows") == [{"x": '"'}]
    own = server.ask("SELECT SUM(own_bytes) AS own FROM heapcore_rows WHERE kind <> 'memory'")[0]["own"]
    assert int(own) == sum(one["own_bytes"] or 0 for one in objects)


def check_questions(server: Database, columns: list[str]) -> None:
    server.ask("TRUNCATE heapcore_rows")
    count = write_fleet(columns, server.folder / "rows.csv")
    assert count == SNAPSHOTS
    server.ask(copy_of_docs())
    server.ask("ANALYZE heapcore_rows")
    processes, hours = fleet()
    growth, build, owners, outliers, lost, containers = [server.ask(query) for query in blocks_of_docs()[1:]]
    span = (hours - 1) * PER_HOUR
    growing = {(host, str(pid)): span for host, program, number, pid, _ in processes if program == "worker" and number}
    growing |= {(host, str(pid)): span // 2 for host, program, _, pid, _ in processes if program == "router" and host == "host00"}
    assert {(one["host"], one["pid"]): int(one["growth"]) for one in growth if int(one["growth"])} == growing
    assert growth == sorted(growth, key=lambda one: -int(one["growth"]))
    slopes = {(one["program"], one["build_id"]): int(one["bytes_per_hour"]) for one in build}
    assert slopes == {("worker", "worker-0"): 0, ("worker", "worker-1"): PER_HOUR, ("router", "router-0"): 0, ("router", "router-1"): 0}, slopes
    assert [one["build_id"] for one in build if one["program"] == "worker"] == ["worker-0", "worker-1"]
    # worker's first build has that owner, too, and there it stands still: it does not grow in all processes, and of the second build it does.
    assert owners == [], owners
    server.ask("DELETE FROM heapcore_rows WHERE build_id = 'worker-0'")
    owners = server.ask(blocks_of_docs()[3])
    assert owners == [{"program": "worker", "name": "g_registry->sessions_", "hosts": str(HOSTS), "growth": str(HOSTS * span), "least": str(span)}], owners
    found = {(one["host"], one["program"]) for one in outliers if one["program"] == "router"}
    assert (f"host{HOSTS - 1:02}", "router") in found, outliers
    sums = {(one["program"], one["module"]): (int(one["hosts"]), int(one["bytes"])) for one in lost}
    assert sums == {(program, "libpackets.so"): (HOSTS, HOSTS * BUILDS * LOST) for program in ("worker", "router")}, sums
    last = BUILDS * hours - 1
    assert int(containers[0]["elements"]) == HOSTS * (100 + last), containers[0]
    assert containers[0]["hour"].startswith((BEGIN + timedelta(hours=last)).strftime("%Y-%m-%d %H"))


cases = Cases(__doc__)
if not cases.options.list:
    need_captures()

    def check_all() -> None:
        with database() as server, Stopped("stories/mixture", recorder=False) as story:
            captured = story.capture()
            cases.run("loading", check_loads, server, captured, story.program)
            heading = (server.folder / "rows.csv").read_text().splitlines()[0].split(",")
            cases.run(f"questions, {SNAPSHOTS} snapshots", check_questions, server, heading)

    cases.run("a server", check_all)
cases.finish()
