#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long does a process stand still while its memory is taken: by `heapcore capture`, with --stop, and by gcore?

    tests/pause.py [--gib 0.1,1,4] [--program memcached,mixed,huge] [--times 7] [--realtime]

By hand, not part of `make check`. memcached, filled with so much, is asked for a key by a client every 0.1 ms; "mixed" is a program with blocks
of many sizes (compiled here) that writes to one of them every 0.1 ms and looks at the clock itself; "huge" is the same in huge pages where
they fit. Told is the longest gap of each, in ms, the least, the median and the longest of so many times: without anything (what the machine does by
itself), and with each of the ways; "fork" is a fork() by the program itself, the least that a copy of it can take. --realtime has all of it
run before other programs of the machine, and the program before what reads it (chrt). HEAPCORE: the program.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

HEAPCORE = os.environ.get("HEAPCORE", "heapcore")
VALUE = 1000
QUIET_SECONDS = 2.0

MIXED = r"""
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static volatile sig_atomic_t asked;
static void ask(int number) { asked = number; }
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e3 + t.tv_nsec / 1e6; }
int main(int count, char **words)
{
	size_t wanted = strtoull(words[count - 1], NULL, 10), have = 0, blocks = 0;
	char **all = malloc((wanted / 64 + 1) * sizeof *all);
	while (have < wanted) {
		size_t size = 24 + (size_t)(rand() % 64) * (size_t)(rand() % 64) / 4;
		if (blocks % 1000 == 0)
			size = 200000;
		all[blocks] = malloc(size);
		memset(all[blocks++], 1 + rand() % 255, size);
		have += size + 8;
	}
	pid_t child = 0;
	sigset_t none;
	sigemptyset(&none);
	signal(SIGUSR1, ask);
	signal(SIGUSR2, ask);
	puts("ready");
	fflush(stdout);
	for (double last = now(), longest = 0;;) {
		struct timespec pause = { 0, 100000 };
		nanosleep(&pause, NULL);
		all[(size_t)rand() % blocks][0]++;
		double time = now();
		longest = time - last > longest ? time - last : longest;
		last = time;
		if (asked == SIGUSR2) {
			asked = 0;
			child = fork();
			if (!child)
				for (;;)
					sigsuspend(&none);
		}
		if (asked) {
			asked = 0;
			printf("%f\n", longest);
			fflush(stdout);
			if (child > 0) {
				kill(child, SIGKILL);
				waitpid(child, NULL, 0);
				child = 0;
			}
			longest = 0;
			last = now();
		}
	}
}
"""

CLIENT = r"""
import socket, sys, time, select
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
last, longest, clock, select_now = time.monotonic(), 0.0, time.monotonic, 0
print("ready", flush=True)
while True:
    s.sendall(b"get k1\r\n")
    got = b""
    while not got.endswith(b"END\r\n"):
        got += s.recv(65536)
    now = clock()
    longest = max(longest, now - last)
    last = now
    select_now += 1
    if select_now % 64 == 0 and select.select([sys.stdin], [], [], 0)[0]:
        sys.stdin.readline()
        print(longest * 1000, flush=True)
        longest, last = 0.0, clock()
    time.sleep(0.0001)
"""


class Memcached:
    def __init__(self, size: int, first: list[str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.server = subprocess.Popen([*first, "memcached", "-u", "root", "-l", "127.0.0.1", "-p", str(port), "-m",
                                        str((size >> 20) * 2 + 64), "-t", "2"])
        self.pid = self.server.pid
        time.sleep(0.5)
        with socket.create_connection(("127.0.0.1", port)) as connection:
            value = b"v" * VALUE
            for i in range(size // (VALUE + 64)):
                connection.sendall(b"set k%d 0 0 %d noreply\r\n%s\r\n" % (i, VALUE, value))
            connection.sendall(b"get k1\r\n")
            connection.recv(65536)
        self.client = subprocess.Popen([*first, "python3", "-c", CLIENT, str(port)], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
        self.client.stdout.readline()

    def longest(self) -> float:
        self.client.stdin.write("\n")
        self.client.stdin.flush()
        return float(self.client.stdout.readline())

    def end(self) -> None:
        self.client.kill()
        self.server.kill()
        self.client.wait()
        self.server.wait()


class Mixed:
    environment: dict[str, str] = {}

    def __init__(self, size: int, first: list[str]) -> None:
        self.folder = tempfile.TemporaryDirectory()
        source = Path(self.folder.name) / "mixed.c"
        source.write_text(MIXED)
        subprocess.run(["cc", "-O2", "-o", source.with_suffix(""), source], check=True)
        self.process = subprocess.Popen([*first, str(source.with_suffix("")), str(size)], stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **self.environment})
        self.pid = self.process.pid
        self.process.stdout.readline()

    def longest(self) -> float:
        os.kill(self.pid, 10)
        return float(self.process.stdout.readline())

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


class Huge(Mixed):
    environment = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


def measure(program: object, way: str, first: list[str]) -> tuple[float, float]:
    """The longest gap in ms, and seconds that it took."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    commands = {"capture": [HEAPCORE, "capture", str(program.pid), "-q", "-o", str(folder / "c")],
                "--stop": [HEAPCORE, "capture", str(program.pid), "-q", "--stop", "-o", str(folder / "c")],
                "--pid": [HEAPCORE, "arenas", "--pid", str(program.pid), "-q"],
                "gcore": ["gcore", "-o", str(folder / "core"), str(program.pid)]}
    program.longest()
    begin = time.monotonic()
    if way == "nothing":
        time.sleep(QUIET_SECONDS)
    elif way == "fork":
        os.kill(program.pid, signal.SIGUSR2)
        time.sleep(1)
    else:
        subprocess.run([*first, *commands[way]], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    took = time.monotonic() - begin
    time.sleep(0.05)
    longest = program.longest()
    shutil.rmtree(folder)
    return longest, took


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gib", default="0.1,1,4")
    parser.add_argument("--program", default="memcached,mixed")
    parser.add_argument("--ways", default="nothing,fork,capture,--pid,--stop,gcore")
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--realtime", action="store_true")
    options = parser.parse_args()
    first, before = (["chrt", "-f", "10"], ["chrt", "-f", "20"]) if options.realtime else ([], [])
    print("| program | GiB | way | least, ms | median, ms | longest, ms | it took, s |\n|---|---|---|---|---|---|---|")
    for name in options.program.split(","):
        for gib in options.gib.split(","):
            program = {"memcached": Memcached, "mixed": Mixed, "huge": Huge}[name](int(float(gib) * 2**30), before)
            for way in options.ways.split(","):
                if way == "fork" and name == "memcached":
                    continue
                gaps = [measure(program, way, first) for _ in range(options.times)]
                print(f"| {name} | {gib} | {way} | {min(gap for gap, _ in gaps):.1f} | "
                      f"{statistics.median(gap for gap, _ in gaps):.1f} | "
                      f"{max(gap for gap, _ in gaps):.1f} | {statistics.median(took for _, took in gaps):.2f} |", flush=True)
            program.end()


if __name__ == "__main__":
    main()
