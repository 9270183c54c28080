"""differences.toml: where our answers differ from the recorded ones on purpose, and why."""

import re
import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path


@dataclass
class Difference:
    """For every step that a pattern matches, every field named here differs, and ours is what is said here."""

    steps: list[str]
    ours: dict[str, str]
    """Field and our value; one that begins with "~ " is a regular expression."""
    reason: str
    seen: set[str] = field(default_factory=set)
    """The patterns that matched a step."""

    def matches(self, step: str) -> bool:
        found = [pattern for pattern in self.steps if fnmatchcase(step, escaped(pattern))]
        self.seen.update(found)
        return bool(found)

    def allows(self, name: str, got: str) -> bool:
        ours = self.ours.get(name)
        if ours is None:
            return False
        return bool(re.fullmatch(ours[2:], got, re.DOTALL)) if ours.startswith("~ ") else ours == got


class Differences:
    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            entries = tomllib.load(file).get("difference", [])
        self.entries = [Difference(entry["steps"], entry["ours"], entry["reason"]) for entry in entries]
        for entry in self.entries:
            if not entry.reason.strip() or not entry.steps or not entry.ours:
                raise ValueError(f"{path.name}: an entry without steps, fields or reason: {entry}")

    def judge(self, step: str, found: list[tuple[str, str, str]]) -> tuple[list[str], int]:
        """What is wrong with a step that differs so, in words; and how many of its differences are intended."""
        entries = [entry for entry in self.entries if entry.matches(step)]
        wrong = [
            f"{name}: expected {shown(expected)}, got {shown(got)}"
            for name, expected, got in found
            if not any(entry.allows(name, got) for entry in entries)
        ]
        differing = {name for name, _, _ in found}
        for entry in entries:
            wrong += [f"{name}: differences.toml says that it differs, and it does not" for name in entry.ours if name not in differing]
        return wrong, len(found) - len(wrong)

    def unused(self) -> list[str]:
        return [f"differences.toml: no step is called {pattern}" for entry in self.entries for pattern in entry.steps if pattern not in entry.seen]


def escaped(pattern: str) -> str:
    """Only "*" is a wildcard: names of steps contain "?" and "["."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


def shown(value: str) -> str:
    return value if "\n" not in value else "\n        " + value.replace("\n", "\n        ")
