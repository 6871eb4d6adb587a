#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Completion in a real bash and a real zsh, at a terminal: commands, options and what these take, cores, processes, variables. The words
are compared with the help, and each that is offered is given to heapcore, which must know it."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import time
from pathlib import Path

from harness import BUILD, Cases, HEAPCORE, Skipped, SOURCE, Stopped, Workspace, heapcore, succeed

SCRIPTS = SOURCE / "data" / "completion"

# Ctrl-T prints what the line has become. Ctrl-Y puts all that is possible into it; in zsh it prints these.
BASH = r"""
PS1='> '; PS2=; unset PROMPT_COMMAND HISTFILE
source {scripts}/heapcore.bash
bind 'set bind-tty-special-chars off'; bind '"\C-u": unix-line-discard'
bind -x '"\C-t": printf "\n<<%s>>\n" "$READLINE_LINE"'
bind '"\C-y": insert-completions'
bind 'set bell-style none'; bind 'set enable-bracketed-paste off'
cd {folder}
echo rea''dy
"""
ZSH = r"""
PS1='> '; PS2=; unset HISTFILE; unsetopt zle_bracketed_paste prompt_sp 2>/dev/null; unset zle_bracketed_paste
cp {scripts}/heapcore.zsh {folder}/_heapcore; fpath=({folder} $fpath)
autoload -Uz compinit; compinit -u -D
tell() {{ zle -I; print -r -- "<<$BUFFER>>" }}
bindkey -e; zle -N tell; bindkey '^T' tell
compadd() {{
	local -a found
	if [[ ${{@[1,(i)(-|--)]}} != *-(O|A|D)\ * ]]; then
		builtin compadd -O found "$@"
		offered+=("${{(@)found}}")
	fi
	builtin compadd "$@"
}}
everything() {{ offered=(); zle list-choices; zle -I; print -r -- "<<${{(j: :)offered}}>>" }}
zle -N everything; bindkey '^Y' everything
zstyle ':completion:*' completer _complete
setopt no_beep no_list_ambiguous; unsetopt auto_menu
cd {folder}
echo rea''dy
"""


class Shell:
    """One at a terminal of its own. It has its own folder, for what is completed there."""

    def __init__(self, words: list[str], start: str, folder: Path) -> None:
        if not shutil.which(words[0]):
            raise Skipped(f"there is no {words[0]} here")
        self.folder, self.text = folder, ""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            # The program itself, where there is one: libtool's script in front of it takes longer than what is asked of it.
            built = BUILD / ".libs" if (BUILD / ".libs" / "heapcore").exists() else Path(HEAPCORE).parent
            os.environ.update(PATH=f"{built}:{os.environ['PATH']}", LD_LIBRARY_PATH=str(built), TERM="dumb", HOME=str(folder), COLUMNS="4000", INPUTRC="/dev/null")
            os.execvp(words[0], words)
        self.is_zsh = words[0] == "zsh"
        script = folder / "start"
        script.write_text(start.format(scripts=SCRIPTS, folder=folder))
        self.send(f"stty -echo kill undef cols 4000 rows 1000; . {script}; rm {script}\n")
        self.wait(r"(?m)^ready\r?$")

    def __enter__(self) -> "Shell":
        return self

    def __exit__(self, *error: object) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.close(self.terminal)
        os.waitpid(self.pid, 0)

    def send(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def wait(self, pattern: str) -> re.Match[str]:
        end = time.monotonic() + 60
        while True:
            found = re.search(pattern, self.text)
            if found:
                self.text = self.text[found.end():]
                return found
            left = end - time.monotonic()
            ready = select.select([self.terminal], [], [], max(left, 0))[0]
            assert ready, f"{pattern!r} does not come:\n{self.text}"
            self.text += os.read(self.terminal, 65536).decode(errors="replace")

    def press(self, line: str, keys: str) -> str:
        """What is printed at the end of KEYS, behind LINE."""
        self.send(f"\x15{line}{keys}")
        return self.wait(r"<<([^\x00]*?)>>\r?\n").group(1)

    def complete(self, line: str) -> str:
        """What LINE becomes."""
        return self.press(line, "\t\x14")

    def offers(self, line: str) -> set[str]:
        """All words that its last word may become."""
        if self.is_zsh:
            offered = self.press(line, "\x19")
        else:
            became, kept = self.press(line, "\x19\x14"), line[:max(line.rfind(" "), line.rfind("=")) + 1]
            assert became.startswith(kept), f"{line!r} became {became!r}"
            offered = became[len(kept):]
        return {word.rstrip("/") for word in offered.split()}


def bash(folder: Path) -> Shell:
    return Shell(["bash", "--norc", "--noprofile", "-i"], BASH, folder)


def zsh(folder: Path) -> Shell:
    return Shell(["zsh", "-f", "-i"], ZSH, folder)


def commands() -> list[str]:
    return [line.split()[0] for line in succeed("--help").out.split("Commands:\n")[1].split("\n\n")[0].splitlines()]


def options(command: str) -> dict[str, bool]:
    """The options of COMMAND's help, and whether each takes something."""
    found = re.findall(r"^  (?:-\w, )?(--[a-z][a-z0-9-]*)(=\S+)?", succeed(command, "--help").out, re.MULTILINE)
    return {name: bool(argument) for name, argument in found}


def check_commands(shell: Shell) -> None:
    assert shell.offers("heapcore ") - {"--help", "--version"} == set(commands())
    assert shell.complete("heapcore dup") == "heapcore duplicates "
    assert shell.offers("heapcore c") == {one for one in commands() if one.startswith("c")}
    assert shell.offers("heapcore help ") == set(commands())
    assert shell.complete("heapcore --ver").rstrip() == "heapcore --version"


def check_options(shell: Shell) -> None:
    for command in ("analyze", "capture", "show", "help"):
        told = {name.rstrip("=") for name in shell.offers(f"heapcore {command} --")}
        assert told == set(options(command)), f"{command}: {told ^ set(options(command))}"
    assert shell.complete("heapcore leaks --addr") == "heapcore leaks --addresses "
    assert shell.complete("heapcore leaks --group") == "heapcore leaks --group-by="
    assert shell.complete("heapcore leaks core --addr") == "heapcore leaks core --addresses "


def check_words(shell: Shell) -> None:
    """What takes one of a few words: each is offered, behind "=" and behind a space."""
    for command, option, words in (("leaks", "--group-by", {"shape", "size", "type", "module"}), ("owners", "--by", {"root", "thread", "module"}),
                                   ("analyze", "--color", {"auto", "always", "never"}), ("containers", "--sort", {"bytes", "elements"}),
                                   ("types", "--sort", {"address", "size"})):
        assert shell.offers(f"heapcore {command} {option}=") == words
        assert shell.offers(f"heapcore {command} {option} ") == words
        one = sorted(words)[0]
        assert shell.complete(f"heapcore {command} {option}={one[:3]}").rstrip() == f"heapcore {command} {option}={one}"
    assert "in-use" in shell.offers("heapcore chunks --state=")


def check_files(shell: Shell) -> None:
    for name in ("core.1234", "before.core", "monday.snap", "program", "notes.txt"):
        (shell.folder / name).touch()
    (shell.folder / "capture.d").mkdir(exist_ok=True)
    cores = {"core.1234", "before.core", "monday.snap", "capture.d"}
    assert shell.offers("heapcore analyze ") == cores, shell.offers("heapcore analyze ")
    assert shell.complete("heapcore analyze co") == "heapcore analyze core.1234 "
    assert shell.complete("heapcore analyze prog") == "heapcore analyze program ", "where no core is called so, all files"
    assert shell.offers("heapcore diff core.1234 ") == cores
    assert {"program", "notes.txt"} <= shell.offers("heapcore analyze core.1234 ")
    assert {"program", "core.1234"} <= shell.offers("heapcore leaks --suppressions=")
    assert shell.offers("heapcore capture 1 -o ") == {"capture.d"}
    assert shell.complete("heapcore analyze core.1234 --sysroot=cap") == "heapcore analyze core.1234 --sysroot=capture.d/"
    name = shell.folder / "a core"
    name.mkdir(exist_ok=True)
    assert shell.complete("heapcore analyze a") == "heapcore analyze a\\ core/"


def check_processes(shell: Shell) -> None:
    mine = str(os.getpid())
    for line in ("heapcore capture ", "heapcore watch --every=5s ", "heapcore analyze --pid=", "heapcore analyze --pid "):
        assert mine in shell.offers(line + mine[:-1]), line


def check_variables(shell: Shell, core: Path, program: Path) -> None:
    for line in (f"heapcore show {core} g_", f"heapcore show {core} {program} g_", f"heapcore containers {core} --variable=g_",
                 f"heapcore containers {core} --variable g_", f"heapcore owners {core} {program} g_"):
        offered = shell.offers(line)
        assert "g_registry" in offered and all(name.startswith("g_") for name in offered), f"{line}: {offered}"
    assert shell.complete(f"heapcore show {core} g_regis").rstrip() == f"heapcore show {core} g_registry"


def check_hostile(shell: Shell) -> None:
    """Names of files are never run."""
    (shell.folder / "core.$(touch seen)").touch()
    (shell.folder / "core.`touch seen`").touch()
    for line in ("heapcore analyze co", "heapcore analyze core.$", "heapcore analyze core.1 co", "heapcore analyze --sysroot=co", "heapcore show 'core.$(touch seen)' "):
        shell.complete(line)
        shell.offers(line)
    assert not (shell.folder / "seen").exists()


def check_known() -> None:
    """heapcore takes each word that is offered for an option, and lists the options of its help, with their letters, and no others."""
    for command in commands():
        listed = [line.split("\t") for line in succeed(command, "--list-options").out.splitlines()]
        assert all(len(fields) == 5 and all(fields) for fields in listed), listed
        help_text = succeed(command, "--help").out
        told = re.findall(r"^  (?:-(\w), )?(--[a-z][a-z0-9-]*)(?:=(\S+))?", help_text, re.MULTILINE)
        assert [(letter.replace("-", ""), name, argument.replace("-", "")) for name, letter, argument, _, _ in listed] == told
        for name, _, _, values, _ in listed:
            if not values.startswith("=") or (name == "--color" and command != "analyze"):
                continue  # --color is the same in all
            given = ["no-such-core"] + {"show": ["x"], "block": ["0x1"], "path": ["0x1"]}.get(command, [])
            given += ["--instances=x"] if (command, name) == ("types", "--sort") else []
            for word in values[1:].split():
                result = heapcore(command, *given, f"{name}={word}")
                assert f'"{word}"' not in result.err, f"{command} {name}={word}: {result}"
            result = heapcore(command, *given, f"{name}=no-such-word")
            assert result.status == 64 and '"no-such-word"' in result.err, f"{command} {name}: {result}"
    states = re.search(r"States: (.*?)\.", succeed("chunks", "--help").out, re.DOTALL).group(1)
    listed_states = re.search(r"^--state\t.*?\t=(.*?)\t", succeed("chunks", "--list-options").out, re.MULTILINE).group(1).split()
    assert [one for one in re.findall(r"[a-z-]+", states) if one not in ("and", "listed", "only", "if", "asked", "for")] == listed_states


def check_installed() -> None:
    """A name of its own for each shell, and nothing hidden is told to people."""
    for command in ("", *commands()):
        text = succeed(*([command] if command else []), "--help").out
        assert "--list-" not in text, text
    names = {line.split("\t")[0] for line in succeed("--list-commands").out.splitlines()}
    assert names == set(commands())


cases = Cases(__doc__)
cases.run("lists", check_known)
cases.run("hidden", check_installed)
if not cases.options.list:
    for start in (bash, zsh):
        for check in (check_commands, check_options, check_words, check_files, check_processes, check_hostile):
            def run_one(start=start, check=check) -> None:
                with Workspace() as folder, start(Path(folder)) as shell:
                    check(shell)
            cases.run(f"{start.__name__}: {check.__name__[6:]}", run_one)
    with Stopped("stories/labels", recorder=False) as fixture:
        dumped = fixture.gcore()
        for start in (bash, zsh):
            def run_variables(start=start) -> None:
                with Workspace() as folder, start(Path(folder)) as shell:
                    check_variables(shell, dumped, fixture.program)
            cases.run(f"{start.__name__}: variables", run_variables)
cases.finish()
