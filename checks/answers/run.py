"""Sends the requests of the files of this folder to a server and compares its answers with the recorded ones. README.md tells the rest."""

import argparse
import contextlib
import json
import os
import re
import sys
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))

import answer  # noqa: E402
import scenario as scenarios  # noqa: E402
from differences import Differences, escaped  # noqa: E402
from harness import TOKEN, Server, Tally, scratch  # noqa: E402
from scenario import File, Scenario, Step, filled  # noqa: E402
from wire import Answer, Exchange, NoAnswer, Request, local  # noqa: E402

POLL_SECONDS_MAX = 20.0
PROGRAM = os.environ.get("REDUCTSTORE")


@dataclass
class Target:
    port: int
    token: str


class Run:
    """The steps of one scenario against one server."""

    def __init__(self, file: File, scenario: Scenario, target: Target) -> None:
        self.file = file
        self.scenario = scenario
        self.target = target
        self.variables: dict[str, str] = {"PORT": str(target.port)}
        self.held: dict[str, Exchange] = {}
        self.trouble = ""

    def answers(self) -> Iterator[tuple[Step, answer.Seen | None]]:
        """Each step with what the server said; None for a request that is still being sent."""
        try:
            for step in self.scenario.steps:
                yield step, self.take(step)
        finally:
            for exchange in self.held.values():
                exchange.close()

    def take(self, step: Step) -> answer.Seen | None:
        try:
            got = self.send(step)
        except (NoAnswer, OSError) as error:
            self.trouble = str(error)
            return answer.Seen("no answer")
        if got is None:
            return None
        for name, source in step.captures:
            self.variables[name] = captured(got, source)
        return answer.observe(got, step.request.method, self.file.normalisers)

    def send(self, step: Step) -> Answer | None:
        request = self.request(step)
        name = request.path.rsplit("/", 1)[-1]
        if request.method in ("FINISH", "ABORT") and name not in self.held:
            raise NoAnswer(f"nothing is being sent as {name}")
        if request.method == "FINISH":
            exchange = self.held.pop(name)
            exchange.body, exchange.cut_short = request.body, False
            return exchange.finish()
        if request.method == "ABORT":
            self.held.pop(name).close()
            return None
        if step.hold:
            self.held[step.hold] = Exchange(self.target.port, request, self.target.token)
            self.held[step.hold].send(request.body)
            if step.drip:
                self.held[step.hold].drip()
            return None
        got = Exchange(self.target.port, request, self.target.token).finish()
        began = time.monotonic()
        while step.until and not reached(got, step.until) and time.monotonic() - began < POLL_SECONDS_MAX:
            time.sleep(0.02)
            got = Exchange(self.target.port, request, self.target.token).finish()
        return got

    def request(self, step: Step) -> Request:
        given = step.request
        fill = self.variables
        body = given.body
        if b"$" in body:
            body = filled(body.decode(), fill).encode()
        return Request(given.method, local(filled(given.path, fill)), [(name, filled(value, fill)) for name, value in given.headers], body)


def captured(got: Answer, source: str) -> str:
    kind, _, path = source.partition(" ")
    if kind == "header":
        return got.header(path) or ""
    try:
        value = json.loads(got.body)
        for key in path.split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
        return str(value)
    except (ValueError, KeyError, IndexError, TypeError):
        return "not-captured"


def reached(got: Answer, condition: str) -> bool:
    """"status=404", or "body~" and a regular expression that is found in the body."""
    if condition.startswith("status="):
        return str(got.status) == condition[7:]
    if condition.startswith("body~"):
        return re.search(condition[5:], got.body.decode(errors="replace")) is not None
    raise scenarios.BadFile(f"until: {condition}")


@contextlib.contextmanager
def servers(folder: Path, program: str | None) -> Iterator:
    """Gives the server for an environment; it runs until one with another environment is asked for, or until it ends by itself."""
    running: list[Server] = []

    def serve(environment: dict[str, str], fresh: bool) -> Target:
        if not fresh and running[0].process.poll() is None:
            return Target(running[0].port, TOKEN)
        stop()
        serve.count += 1
        settings = {name: value for name, value in environment.items() if value != "-"}
        server = Server(folder / f"data-{serve.count}", token=None if environment.get("RS_API_TOKEN") == "-" else TOKEN, settings=settings, program=program)
        running.append(server)
        server.start(120)
        return Target(server.port, TOKEN)

    def stop() -> None:
        while running:
            running.pop().kill()

    serve.count = 0
    try:
        yield serve
    finally:
        stop()


def plan(files: list[File], reference: bool) -> list[tuple[dict[str, str], list[tuple[File, Scenario]]]]:
    """The scenarios by the server they need: those of one environment share one, except those that want it for themselves."""
    found = [(file, scenario) for file in files for scenario in file.scenarios]

    def key(item: tuple[File, Scenario]) -> str:
        _, scenario = item
        own = f"{scenario.file}/{scenario.title}" if alone(scenario, reference) else ""
        return json.dumps([bool(scenario.environment or own), scenario.environment, own])

    return [(list(group)[0][1].environment, list(group)) for group in ([*items] for _, items in groupby(sorted(found, key=key), key=key))]


def alone(scenario: Scenario, reference: bool) -> bool:
    return scenario.alone == "yes" or (scenario.alone == "reference" and reference)


def main() -> None:
    options = arguments()
    tally = Tally()
    allowed = Differences(HERE / "differences.toml")
    reference = options.record or options.reference
    if reference and not PROGRAM and not options.server:
        sys.exit("REDUCTSTORE must name the program of the reference server")
    files = []
    for path in sorted(HERE.glob("*.txt")):
        file = scenarios.read(path)
        if options.only:
            pattern = escaped(options.only)
            file.scenarios = [s for s in file.scenarios if any(fnmatchcase(name, pattern) for name in (s.file, f"{s.file}/{s.title}"))]
        if file.later and not reference:
            tally.skip(f"{file.name}: {file.later}")
        elif file.scenarios:
            files.append(file)
    results: dict[str, list[int]] = {file.name: [0, 0, 0] for file in files}
    recorded = changed = 0
    with scratch() as folder, servers(folder, PROGRAM if reference else None) as serve:
        for environment, group in plan(files, reference):
            if options.server and (environment or alone(group[0][1], reference)):
                tally.skip(f"{len(group)} scenarios need a server of their own {' '.join(environment)}")
                continue
            for number, (file, scenario) in enumerate(group):
                if options.server:
                    target = Target(urllib.parse.urlsplit(options.server).port, options.token)
                else:
                    target = serve(environment, number == 0)
                for step, seen in Run(file, scenario, target).answers():
                    if seen is None:
                        continue
                    if options.record:
                        lines = seen.lines()
                        recorded += 1
                        changed += lines != step.golden
                        step.golden = lines
                        continue
                    expected = answer.parse(step.golden)
                    if expected is None:
                        wrong, intended = ["no answer is recorded for this step"], 0
                    else:
                        found = answer.differences(expected, seen)
                        wrong, intended = (
                            ([f"{n}: recorded {e}, now {g}" for n, e, g in found], 0) if reference else allowed.judge(scenario.id_of(step), found)
                        )
                    results[file.name][1 if wrong else 0] += 1
                    results[file.name][2] += bool(intended and not wrong)
                    if wrong:
                        tally.failed += 1
                        print(f"FAILED {scenario.id_of(step)}\n    {step.request.method} {step.request.path}")
                        print("".join(f"    {line}\n" for line in wrong), end="")
                    else:
                        tally.passed += 1
    if options.record:
        for file in files:
            file.write()
        print(f"{recorded} answers recorded, {changed} of them new or changed")
        return
    for name, (good, bad, intended) in results.items():
        if good + bad:
            print(f"{name}: {good} of {good + bad} answers as recorded" + (f", {intended} of them with intended differences" if intended else ""))
    if not reference and not options.only and not options.server:
        for text in allowed.unused():
            tally.failed += 1
            print(f"FAILED {text}")
    tally.finish()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", metavar="PATTERN", help='only files or scenarios of this name, e.g. records or "records/*label*"')
    parser.add_argument("--record", action="store_true", help="ask the reference server (REDUCTSTORE names its program) and write its answers down")
    parser.add_argument("--reference", action="store_true", help="ask the reference server and compare with what was written down")
    parser.add_argument("--server", metavar="URL", help="ask a server that runs already; only what needs no other environment")
    parser.add_argument("--token", default=TOKEN, help="its token with full access")
    return parser.parse_args()


if __name__ == "__main__":
    main()
