"""The files of this folder: scenarios, their steps, and the answer each step is to get. README.md tells the format."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from wire import Request

METHOD = re.compile(r"> ([A-Z]+) (\S+)$")


class BadFile(Exception):
    """A line that this format does not know."""


@dataclass
class Step:
    name: str
    request: Request
    golden: list[str] = field(default_factory=list)
    """The recorded answer, line by line, without the "< "."""
    captures: list[tuple[str, str]] = field(default_factory=list)
    until: str | None = None
    hold: str | None = None
    """The name under which the request goes on: it is sent and not finished."""
    drip: bool = False
    """Whether it goes on by itself, byte by byte."""
    golden_at: int = 0
    """The line of the file where the recorded answer begins or would begin."""
    golden_lines: int = 0


@dataclass
class Scenario:
    file: str
    title: str
    environment: dict[str, str]
    alone: str = ""
    """"yes": wants a server for itself; "reference": only because the reference ends in it."""
    steps: list[Step] = field(default_factory=list)

    def id_of(self, step: Step) -> str:
        return f"{self.file}/{self.title}/{step.name}"


@dataclass
class File:
    path: Path
    lines: list[str]
    scenarios: list[Scenario] = field(default_factory=list)
    later: str | None = None
    normalisers: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.stem

    def write(self) -> None:
        """The file with the answers that its steps have now; everything else stays as it is."""
        steps = sorted((step for scenario in self.scenarios for step in scenario.steps), key=lambda step: step.golden_at, reverse=True)
        for step in steps:
            self.lines[step.golden_at : step.golden_at + step.golden_lines] = [f"< {line}".rstrip() if line[:1] != "|" else f"<{line}" for line in step.golden]
        self.path.write_text("\n".join(self.lines) + "\n")


def read(path: Path) -> File:
    file = File(path, path.read_text().rstrip("\n").split("\n"))
    environment: dict[str, str] = {}
    scenario: Scenario | None = None
    step: Step | None = None
    title: str | None = None
    names: set[str] = set()
    previous = ""
    for number, line in enumerate(file.lines):
        key, _, value = line.partition(": ")
        if line == "" or line.startswith("#"):
            pass
        elif line.startswith("=== "):
            scenario, step, title, names = Scenario(path.stem, line[4:], dict(environment)), None, None, set()
            file.scenarios.append(scenario)
        elif line.startswith("--- "):
            title = line[4:]
        elif scenario is None and key == "later":
            file.later = value
        elif scenario is None and key == "normalise":
            file.normalisers += value.split()
        elif step is None and key == "environment":
            target = environment if scenario is None else scenario.environment
            name, _, content = value.partition("=")
            target[name] = content
        elif step is None and scenario and line in ("alone: yes", "alone: reference"):
            scenario.alone = value
        elif scenario and (match := METHOD.match(line)) and not previous.startswith(">"):
            name = title or f"{match[1]} {match[2]}"
            unique, count = name, 2
            while unique in names:
                unique, count = f"{name} ({count})", count + 1
            names.add(unique)
            step = Step(unique, Request(match[1], match[2] if match[2].startswith(("/", "$", "*")) else f"/api/v1/{match[2]}"))
            title = None
            scenario.steps.append(step)
        elif step is None:
            raise BadFile(f"{path.name}:{number + 1}: {line}")
        elif line.startswith((">|", ">x ", ">* ")):
            add_body(step.request, line, previous)
        elif line.startswith("> "):
            name, _, content = line[2:].partition(":")
            step.request.headers.append((name, content.strip()))
        elif key == "capture":
            name, _, source = value.partition(" ")
            step.captures.append((name, source))
        elif key == "until":
            step.until = value
        elif key in ("hold", "drip"):
            step.hold, step.drip = value, key == "drip"
        elif line.startswith("<"):
            step.golden.append(line[1:] if line[1:2] == "|" else line[2:])
            step.golden_lines += 1
        else:
            raise BadFile(f"{path.name}:{number + 1}: {line}")
        if step and not line.startswith("<") and not (line == "" or line.startswith(("#", "---", "==="))) and not step.golden:
            step.golden_at = number + 1
        previous = line
    return file


def add_body(request: Request, line: str, previous: str) -> None:
    """">|text" is a line of text; ">x 00ff" are bytes; ">* 100 ab" repeats a text. Lines of text that follow each other are joined by a line break."""
    if line.startswith(">|"):
        request.body += (b"\n" if previous.startswith(">|") else b"") + line[2:].encode()
    elif line.startswith(">x "):
        request.body += bytes.fromhex(line[3:])
    else:
        count, _, text = line[3:].partition(" ")
        request.body += text.encode() * int(count)


VARIABLE = re.compile(r"\$([A-Z][A-Z0-9_]*)")


def filled(text: str, variables: dict[str, str]) -> str:
    """A text with the variables that were captured; "$" before anything else stays."""
    return VARIABLE.sub(lambda match: variables.get(match[1], match[0]), text)
