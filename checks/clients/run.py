"""Runs the scenario of one client against a server and compares the calls it made with calls.txt.

    run.py CLIENT COMMAND ...

The server is ours, started for this; with REFERENCE in the environment it is that program of another server; with PANNIER_URL and PANNIER_TOKEN
it is one that runs already. The scenario finds PANNIER_URL and PANNIER_TOKEN in its environment and prints, a line each:

    ok NAME | FAILED NAME: TEXT | SKIPPED NAME: TEXT     a case
    called CALL                                          a call of the client that the scenario made (at the end, each once)
    public CALL                                          one that the client publishes, where the scenario can find that out

PANNIER_LATER lists the groups (first parts of paths) that the server does not serve yet. PANNIER_REFERENCE says that the server is the other one.
"""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from harness import REFERENCE, Server, Tally, expect, scratch  # noqa: E402
from wire import Wire  # noqa: E402

SECONDS_MAX = 600  # for all cases of a scenario


@dataclass(frozen=True)
class Endpoint:
    name: str
    later: bool
    calls: dict[str, set[str]]

    @property
    def group(self) -> str:
        return self.name.split("/")[1] if "/" in self.name else ""


def read_table(path: Path) -> list[Endpoint]:
    endpoints: list[Endpoint] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if line.startswith(" "):
            expect(bool(endpoints) and len(words) > 1, f"{path.name}:{number}: no endpoint above, or no call")
            endpoints[-1].calls.setdefault(words[0], set()).update(words[1:])
        else:
            expect(len(words) == 2 or words[2:] == ["later"], f"{path.name}:{number}: neither METHOD PATH nor METHOD PATH later")
            endpoints.append(Endpoint(" ".join(words[:2]), len(words) == 3, {}))
    return endpoints


@contextlib.contextmanager
def address() -> Iterator[dict[str, str]]:
    """Where the server is, as the environment of a scenario."""
    if "PANNIER_URL" in os.environ:
        yield {"PANNIER_URL": os.environ["PANNIER_URL"], "PANNIER_TOKEN": os.environ["PANNIER_TOKEN"]}
        return
    with scratch() as folder, Server(folder / "data") as server:
        server.start()
        yield {"PANNIER_URL": server.url, "PANNIER_TOKEN": server.token}
        server.interrupt()


def compare(
    tally: Tally, endpoints: list[Endpoint], client: str, groups_skipped: set[str], called: set[str], public: set[str], asked: set[str]
) -> None:
    if not any(client in endpoint.calls for endpoint in endpoints):
        # A command line: what it publishes is the list. Its words are those of the paths, or their beginnings.
        awaited = {call for call in public if not any(group.startswith(call.split()[0]) for group in groups_skipped)}
        with tally.check(f"{client}: each of its {len(awaited)} commands is called, and no other"):
            expect(called == awaited, f"not called: {sorted(awaited - called)}, not awaited: {sorted(called - awaited)}")
        return
    listed = {call for endpoint in endpoints for call in endpoint.calls.get(client, ())}
    awaited = {call for endpoint in endpoints if endpoint.group not in groups_skipped for call in endpoint.calls.get(client, ())}
    with tally.check(f"calls.txt: {client} makes each of its {len(awaited)} calls"):
        expect(awaited <= called, "not called: " + ", ".join(sorted(awaited - called)))
    with tally.check("calls.txt: and no other"):
        expect(called <= listed, "called, yet not listed: " + ", ".join(sorted(called - listed)))
    reached = {
        endpoint.name
        for endpoint in endpoints
        if client in endpoint.calls and "/" in endpoint.name and endpoint.group not in groups_skipped
    }
    with tally.check(f"calls.txt: they ask the {len(reached)} endpoints it says, and no other"):
        expect(asked == reached, f"not asked: {sorted(reached - asked)}, not listed: {sorted(asked - reached)}")
    with tally.check(f"calls.txt: they are the {len(public)} that the client publishes"):
        expect(public == listed, f"not listed: {sorted(public - listed)}, not published: {sorted(listed - public)}")


def main() -> None:
    client, *command = sys.argv[1:]
    tally = Tally()
    endpoints = read_table(Path(__file__).with_name("calls.txt"))
    # A server that merely runs somewhere is taken at its word: everything is tried.
    ours = not REFERENCE and "PANNIER_URL" not in os.environ
    later = {endpoint.group for endpoint in endpoints if endpoint.later} if ours else set()
    called: set[str] = set()
    public: set[str] = set()
    with address() as environment, Wire(environment["PANNIER_URL"]) as wire:
        environment |= {"PANNIER_URL": wire.url, "PANNIER_LATER": ",".join(sorted(later)), "PANNIER_REFERENCE": "yes" if REFERENCE else ""}
        scenario = subprocess.Popen(command, env=os.environ | environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        overdue = threading.Timer(SECONDS_MAX, scenario.kill)
        overdue.start()
        for line in scenario.stdout:
            kind, _, rest = line.rstrip("\n").partition(" ")
            if kind == "called":
                called.add(rest)
                continue
            if kind == "public":
                public.add(rest)
                continue
            tally.passed += kind == "ok"
            tally.failed += kind == "FAILED"
            tally.skipped += kind == "SKIPPED"
            print(line, end="")
        status = scenario.wait()
        overdue.cancel()
    with tally.check("the scenario came to its end"):
        expect(status == 0 and bool(called), f"it ended with {status}, {len(called)} calls made")
    compare(tally, endpoints, client, later, called, public, wire.asked)
    tally.finish()


if __name__ == "__main__":
    main()
