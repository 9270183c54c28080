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
    """Field and our value; one that begins with "~ " is a regular expression. A field that ends in "*" stands for all that begin so."""
    reason: str
    seen: set[str] = field(default_factory=set)
    """The patterns that matched a step."""

    def matches(self, step: str) -> bool:
        found = [pattern for pattern in self.steps if fnmatchcase(step, escaped(pattern))]
        self.seen.update(found)
        return bool(found)

    def allows(self, name: str, got: str) -> bool:
        return any(
            bool(re.fullmatch(ours[2:], got, re.DOTALL)) if ours.startswith("~ ") else ours == got
            for field_name, ours in self.ours.items()
            if covers(field_name, name)
        )


@dataclass
class Rule:
    """In whatever step: where a field, with everything that matches replaced, is what we say, that is as it should be."""

    field: str
    recorded: str
    ours: str
    reason: str
    used: bool = False

    def allows(self, name: str, expected: str, got: str) -> bool:
        if name != self.field or re.sub(self.recorded, self.ours, expected) != got:
            return False
        self.used = True
        return True


class Differences:
    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            content = tomllib.load(file)
        self.entries = [
            Difference(answer.pop("steps"), answer, entry["reason"]) for entry in content.get("difference", []) for answer in entry["answers"]
        ]
        self.rules = [Rule(rule["field"], rule["recorded"], rule["ours"], rule["reason"]) for rule in content.get("everywhere", [])]
        for entry in [*self.entries, *self.rules]:
            if not entry.reason.strip() or not entry.ours:
                raise ValueError(f"{path.name}: an entry without fields or reason: {entry}")

    def judge(self, step: str, found: list[tuple[str, str, str]]) -> tuple[list[str], int]:
        """What is wrong with a step that differs so, in words; and how many of its differences are intended."""
        entries = [entry for entry in self.entries if entry.matches(step)]
        wrong = [
            f"{name}: expected {shown(expected)}, got {shown(got)}"
            for name, expected, got in found
            if not any(entry.allows(name, got) for entry in entries) and not any(rule.allows(name, expected, got) for rule in self.rules)
        ]
        intended = len(found) - len(wrong)
        for entry in entries:
            for name in entry.ours:
                if not any(covers(name, differing) for differing, _, _ in found):
                    wrong.append(f"{name}: differences.toml says that it differs, and it does not")
        return wrong, intended

    def unused(self) -> list[str]:
        steps = [f"differences.toml: no step is called {pattern}" for entry in self.entries for pattern in entry.steps if pattern not in entry.seen]
        return steps + [f"differences.toml: never needed: {rule.field}, {rule.recorded}" for rule in self.rules if not rule.used]


def covers(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def escaped(pattern: str) -> str:
    """Only "*" is a wildcard: names of steps contain "?" and "["."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


def shown(value: str) -> str:
    return value if "\n" not in value else "\n        " + value.replace("\n", "\n        ")
