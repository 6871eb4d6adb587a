# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of checks of the source tree share: small trees in a temporary folder, and the count of cases."""

import pathlib
import subprocess
import sys
import tempfile


def run_check(check, files):
    """Writes FILES (name: text) and runs CHECK on them: (exit status, lines that tell a violation, its last line)."""
    with tempfile.TemporaryDirectory(prefix="heapcore-check-") as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        result = subprocess.run([sys.executable, check, folder], capture_output=True, text=True, check=False)
    lines = result.stdout.splitlines()
    told = [line for line in lines if ": " in line and ":" in line.partition(": ")[0]]
    return result.returncode, told, lines[-1] if lines else result.stderr


class Cases:
    """Counts cases, and says what came of those that failed."""

    def __init__(self):
        self.passed = self.failed = 0

    def case(self, what, good, detail):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {what}: {detail}")

    def clean(self, what, outcome):
        """OUTCOME is run_check()'s of a tree that keeps every rule."""
        status, told, last = outcome
        self.case(what, status == 0 and not told and last.endswith(" 0 failed"), outcome)

    def broken(self, what, outcome, rule, place):
        """OUTCOME is run_check()'s of a tree that breaks RULE in the file PLACE, and no other."""
        status, told, last = outcome
        good = status == 1 and len(told) == 1 and told[0].startswith(place + ":") and f": {rule}: " in told[0]
        self.case(what, good and last.endswith(" 1 failed"), outcome)

    def end(self):
        """Prints the line that counts the cases; returns the exit status."""
        print(f"heapcore-tests: {self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0
