"""For the scenarios of command-line clients: runs one with a home of its own, notes what it calls, runs cases. See run.py for what is printed."""

import json
import os
import re
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import Failed, expect
from reduct import ReductError


class Commands:
    """Calls one program. Its commands are the words that its help lists below "Commands:", and below those again."""

    def __init__(self, program: str, home: Path) -> None:
        self.program = program
        self.environment = os.environ | {"HOME": str(home), "NO_COLOR": "1", "COLUMNS": "200"}
        self.published = self.listed([])
        self.called: set[str] = set()

    def listed(self, words: list[str]) -> set[str]:
        told = self.run([*words, "--help"]).stdout
        below = re.search(r"^Commands:\n((?:  .*\n)+)", told, re.MULTILINE)
        if not below:
            return {" ".join(words)}
        # A command stands two columns in; what is said about it may go on below, further in.
        names = [line.split()[0] for line in below[1].splitlines() if re.match(r"  \S", line)]
        return set().union(*(self.listed([*words, name]) for name in names if name != "help"))

    def run(self, words: list[str], answer: str = "") -> subprocess.CompletedProcess:
        return subprocess.run([self.program, *words], env=self.environment, input=answer, capture_output=True, text=True, timeout=60)

    def note(self, words: tuple[str, ...]) -> None:
        plain = [word for word in words if word != "-j"]
        self.called.add(next((name for n in (2, 1) if (name := " ".join(plain[:n])) in self.published), " ".join(plain[:2])))

    def __call__(self, *words: str, answer: str = "") -> str:
        self.note(words)
        done = self.run(list(words), answer)
        expect(done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def json(self, *words: str) -> Any:
        return json.loads(self("-j", *words))

    def refused(self, *words: str) -> str:
        """What a command says that must not work."""
        self.note(words)
        done = self.run(list(words))
        expect(done.returncode != 0, f"{' '.join(words)} was done: {done.stdout}")
        return done.stdout + done.stderr


def run_cases(cases: list[tuple[str, Callable[[], None]]], commands: Commands) -> None:
    later = set(os.environ["PANNIER_LATER"].split(","))
    skipped: set[str] = set()
    for name, case in cases:
        group = name.partition(":")[0]
        if group in later:
            if group not in skipped:
                print(f"SKIPPED {group}: {group} are not served yet")
            skipped.add(group)
            continue
        try:
            case()
        except Exception as error:
            print(f"FAILED {name}: {error}".replace("\n", " "))
            if not isinstance(error, (Failed, ReductError)):
                print(traceback.format_exc(limit=-4))
        else:
            print(f"ok {name}")
    for call in sorted(commands.called):
        print(f"called {call}")
    for call in sorted(commands.published):
        print(f"public {call}")
