#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""--coredumpctl: the newest core that is meant, among files as systemd-coredump(8) names and marks them."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path
from typing import Optional

from harness import Cases, Skipped, Stopped, heapcore, report_of, succeed

BOOT = "0123456789abcdef0123456789abcdef"
SECOND = 1000000


class Kept:
    """A folder of them, all with the same content, as what is said of them is not what is tested."""

    def __init__(self, folder: Path, content: bytes) -> None:
        self.folder, self.content = folder, content
        folder.mkdir()

    def add(self, comm: str, pid: int, time: int, executable: Optional[str], suffix: str = ".zst") -> Path:
        path = self.folder / f"core.{comm}.1000.{BOOT}.{pid}.{time * SECOND}{suffix}"
        path.write_bytes(self.content)
        if executable:
            try:
                os.setxattr(path, "user.coredump.exe", executable.encode())
            except OSError as error:
                if error.errno in (errno.ENOTSUP, errno.EPERM):
                    raise Skipped("the file system keeps no attributes") from None
                raise
        return path


def taken(kept: Kept, match: str, cwd: Optional[Path] = None) -> str:
    """The name of the file that was read."""
    result = heapcore("arenas", "--json", "--no-encodings", "--coredumpctl", match, "--coredump-dir", kept.folder, cwd=cwd)
    assert result.status == 0 and result.err.startswith("heapcore: reading "), result
    return Path(result.err.split("reading ", 1)[1].split(": process", 1)[0]).name


def check_matches(kept: Kept) -> None:
    old = kept.add("server", 100, 1700000000, "/usr/sbin/server")
    new = kept.add("server", 200, 1700000100, "/opt/other/server", ".lz4")  # by its content all the same
    dotted = kept.add("my\\x2eapp\\x20x", 300, 1700000050, "/srv/my.app x", "")
    long = kept.add("a-name-that-is-", 400, 1700000060, "/srv/a-name-that-is-longer (deleted)")
    script = kept.add("report.py".replace(".", "\\x2e"), 500, 1700000070, "/usr/bin/python3.11", ".xz")
    copied = kept.add("copied", 600, 1700000080, None)
    kept.add("server", 700, 1700009999, "/usr/sbin/server").rename(kept.folder / ".#core.server.partly")
    (kept.folder / f"core.server.1000.{BOOT}.800.{1800000000 * SECOND}").symlink_to(new)
    (kept.folder / f"core.server.1000.{BOOT}.900.{1800000000 * SECOND}.zst").mkdir()
    for name in ("core", "core.1234", "core.server.x.y.z.zst", "core.....", "core.a.b.c.d.e.f", "\\x"):
        (kept.folder / name).write_bytes(b"x")
    for match, path in (("server", new), ("100", old), ("200", new), ("/usr/sbin/server", old), ("/opt/other/../other/server", new),
                        ("my.app x", dotted), ("a-name-that-is-longer", long), ("/srv/a-name-that-is-longer", long),
                        ("report.py", script), ("python3.11", script), ("copied", copied), ("/anywhere/copied", copied)):
        assert taken(kept, match) == path.name, (match, taken(kept, match), path.name)
    assert taken(kept, "./my.app x", cwd=Path("/srv")) == dotted.name


def check_none(kept: Kept) -> None:
    for match in ("nobody", "12345", "/usr/sbin/serve", "", "%s%n", "\x1b[31m"):
        result = heapcore("analyze", "--coredumpctl", match, "--coredump-dir", kept.folder)
        assert result.status == 2 and "coredumpctl list" in result.err and "\x1b" not in result.err, result
    result = heapcore("analyze", "--coredumpctl", "x", "--coredump-dir", kept.folder / "nowhere")
    assert result.status == 2 and "nowhere" in result.err, result
    for wrong in (("--coredumpctl", "server", "--pid", "1"), ("--coredumpctl", "server", "a", "b", "c")):
        assert heapcore("analyze", *wrong, "--coredump-dir", kept.folder).status == 64


def check_commands(kept: Kept, core: Path, program: Path) -> None:
    options = ("--coredumpctl", "server", "--coredump-dir", kept.folder)
    whole = report_of(succeed("analyze", core, program, "--json"))
    for arguments in ((), (program,)):  # without it the executable is the one that the core names
        report = report_of(succeed("analyze", *options, *arguments, "--json", "--quiet"))
        assert report["memory"] == whole["memory"] and report["status"] == "complete"
    assert succeed("analyze", *options, "--quiet").err == ""
    report = report_of(succeed("diff", core, *options, "--json"))
    assert report["growth"] == 0, report["growth"]
    succeed("snapshot", *options, "-o", core.parent / "kept.snap")


cases = Cases(__doc__)
with Stopped("churn", ("3000",)) as fixture:
    core = fixture.gcore()
    if shutil.which("zstd"):
        content = subprocess.run(["zstd", "-q", "-c", str(core)], stdout=subprocess.PIPE, check=True).stdout
    else:
        content = core.read_bytes()
    kept = Kept(fixture.folder / "coredump", content)
    cases.run("which is meant", check_matches, kept)
    cases.run("none is meant", check_none, kept)
    cases.run("commands", check_commands, kept, core, fixture.program)
cases.finish()
