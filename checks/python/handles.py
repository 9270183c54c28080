"""Many clients at once against a server with few file handles: no request may stall or fail, no byte may be lost or end up elsewhere.

The clients speak HTTP themselves, because a good client library would hide what is tried here: uploads that trickle, uploads that break off, and the
same record sent again on another connection at once.
"""

import argparse
import asyncio
import json
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from hashlib import blake2b

from harness import REFERENCE, TOKEN, Failed, Server, Tally, expect, scratch, verify
from reduct import Client

WRITERS = 64
READERS = 16
STALL = 5.0  # seconds
POOL = random.Random(0).randbytes(4_000_000)

Key = tuple[str, int]  # entry and timestamp


def digest_of(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


class Connection:
    """One connection that is kept open, and opened again when it is gone."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def head(self, method: str, path: str, length: int = 0, headers: dict[str, str] | None = None) -> None:
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        lines = [f"{method} /api/v1{path} HTTP/1.1", "host: localhost", f"authorization: Bearer {TOKEN}"]
        if method in ("POST", "PATCH"):
            lines.append(f"content-length: {length}")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())

    async def body(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        data = await self.reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            self.abort()
        return int(status.split()[1]), headers, data

    async def call(self, method: str, path: str, data: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        await self.head(method, path, len(data))
        await self.body(data)
        return await self.answer()

    def abort(self) -> None:
        """Breaks the connection off, whatever is on its way."""
        if self.writer is not None:
            self.writer.transport.abort()
            self.writer = None


class Load:
    """Writers and readers on some entries of a bucket."""

    def __init__(self, server: Server, bucket: str, entries: list[str], seed: int) -> None:
        self.server = server
        self.bucket = bucket
        self.entries = entries
        self.seed = seed
        self.stored: dict[Key, bytes] = {}  # what was acknowledged, with its digest
        self.keys: list[Key] = []
        self.undecided: set[Key] = set()  # what was refused or not answered
        self.problems: list[str] = []
        self.counts: Counter = Counter()
        self.slowest = 0.0
        self.files_most = 0
        self.deadline = 0.0

    def path(self, key: Key) -> str:
        return f"/b/{self.bucket}/{key[0]}?ts={key[1]}"

    def note(self, kind: str, key: Key, status: int, headers: dict[str, str], began: float) -> None:
        took = time.monotonic() - began
        self.slowest = max(self.slowest, took)
        self.counts[kind] += 1
        if took > STALL:
            self.problems.append(f"{kind} {key}: no answer for {took:.1f} s")
        expect(status == 200, f"{kind} {key}: {status} {headers.get('x-reduct-error')}")

    async def repeat(self, step: Callable[[Connection, random.Random], Awaitable[None]], name: str) -> None:
        """Does one thing again and again on a connection; a failure is noted and does not end it."""
        chance = random.Random(f"{self.seed}/{name}")
        connection = Connection(self.server.port)
        while time.monotonic() < self.deadline and len(self.problems) < 1_000:
            try:
                async with asyncio.timeout(60):
                    await step(connection, chance)
            except (Failed, OSError, EOFError) as error:
                self.problems.append(f"{name}: {error!r}")
                connection.abort()
                await asyncio.sleep(0.1)
        connection.abort()

    def writer(self, number: int) -> Callable[[Connection, random.Random], Awaitable[None]]:
        count = 0

        async def write(connection: Connection, chance: random.Random) -> None:
            nonlocal count
            count += 1
            key = chance.choice(self.entries), 1_700_000_000_000_000 + count * WRITERS + number
            (size,) = chance.choices([1_000, 10_000, 100_000, 1_000_000], [75, 20, 4.5, 0.5])
            at = chance.randrange(len(POOL) - size)
            name = f"{key[0]} {key[1]} ".encode()
            data = name + POOL[at : at + size - len(name)]
            kind = chance.choices(["write", "slow write", "broken write", "write sent again"], [94, 1, 2, 3])[0]
            if kind in ("broken write", "write sent again"):
                await connection.head("POST", self.path(key), len(data))
                await connection.body(data[: chance.randrange(len(data))])
                if chance.random() < 0.5:
                    await asyncio.sleep(chance.uniform(0, 0.05))
                connection.abort()
                if kind == "broken write":
                    self.counts[kind] += 1
                    return
            self.undecided.add(key)
            await connection.head("POST", self.path(key), len(data))
            if kind == "slow write":
                for part in range(0, len(data), len(data) // 10 + 1):
                    await connection.body(data[part : part + len(data) // 10 + 1])
                    await asyncio.sleep(0.15)
            else:
                await connection.body(data)
            began = time.monotonic()
            status, headers, _ = await connection.answer()
            self.note(kind, key, status, headers, began)
            self.stored[key] = digest_of(data)
            self.keys.append(key)
            self.undecided.discard(key)

        return write

    async def read(self, connection: Connection, chance: random.Random) -> None:
        if not self.keys:
            await asyncio.sleep(0.01)
            return
        key = chance.choice(self.keys)
        if chance.random() < 0.1:
            return await self.query(connection, key)
        began = time.monotonic()
        status, headers, data = await connection.call("GET", self.path(key))
        self.note("read", key, status, headers, began)
        expect(digest_of(data) == self.stored[key], f"read {key}: other bytes")

    async def query(self, connection: Connection, key: Key) -> None:
        """Reads what lies behind a record by a query; each acknowledged one must be there."""
        entry, start = key
        stop = start + 5_000
        known = {k for k in self.keys[-20_000:] if k[0] == entry and start <= k[1] < stop} | {key}
        path = f"/b/{self.bucket}/{entry}/q"
        began = time.monotonic()
        asked = f'{{"query_type":"QUERY","start":{start},"stop":{stop}}}'.encode()
        status, headers, data = await connection.call("POST", path, asked)
        self.note("query", key, status, headers, began)
        query_id = json.loads(data)["id"]
        while True:
            began = time.monotonic()
            status, headers, data = await connection.call("GET", f"/b/{self.bucket}/{entry}/batch?q={query_id}")
            if status == 204:
                break
            self.note("batch read", key, status, headers, began)
            at = 0
            for name, value in headers.items():
                if name.startswith("x-reduct-time-"):
                    found = entry, int(name.removeprefix("x-reduct-time-"))
                    size = int(value.partition(",")[0])
                    # A record may be answered before its writer has read its acknowledgement.
                    if found in self.stored:
                        expect(digest_of(data[at : at + size]) == self.stored[found], f"batch read {found}: other bytes")
                    known.discard(found)
                    at += size
            expect(at == len(data), f"batch read {key}: {len(data)} bytes, {at} announced")
            if headers.get("x-reduct-last") == "true":
                break
        expect(not known, f"query {entry} {start}..{stop}: {len(known)} records are missing")

    async def watch(self) -> None:
        while time.monotonic() < self.deadline:
            self.files_most = max(self.files_most, len(os.listdir(f"/proc/{self.server.process.pid}/fd")))
            await asyncio.sleep(0.1)

    async def run(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            for number in range(WRITERS):
                group.create_task(self.repeat(self.writer(number), f"writer {number}"))
            for number in range(READERS):
                group.create_task(self.repeat(self.read, f"reader {number}"))
            if os.path.isdir("/proc"):
                group.create_task(self.watch())
        print(f"    {', '.join(f'{count:,} × {kind}' for kind, count in sorted(self.counts.items()))}")
        print(f"    slowest answer {self.slowest:.2f} s; at most {self.files_most} files open")
        for problem in self.problems[:5]:
            print(f"    {problem}")
        expect(not self.problems, f"{len(self.problems)} problems")

    async def compare(self) -> None:
        """Reads everything once more: what was acknowledged, and nothing of what broke off."""
        found: dict[Key, bytes] = {}
        async with Client(self.server.url, api_token=TOKEN) as client:
            bucket = await client.get_bucket(self.bucket)
            for entry in await bucket.get_entry_list():
                async for record in bucket.query(entry.name):
                    found[entry.name, record.timestamp] = digest_of(await record.read_all())
        missing = self.stored.keys() - found.keys()
        foreign = found.keys() - self.stored.keys() - self.undecided
        changed = [key for key in self.stored.keys() & found.keys() if self.stored[key] != found[key]]
        expect(
            not missing and not foreign and not changed,
            f"of {len(self.stored)} records {len(missing)} are missing {sorted(missing)[:2]}, {len(changed)} changed "
            f"{sorted(changed)[:2]}; {len(foreign)} are foreign {sorted(foreign)[:2]}",
        )


async def run(server: Server, seconds: float, seed: int, tally: Tally) -> None:
    print(f"    start: {server.start():.2f} s")
    loads = [
        (Load(server, "one", ["camera"], seed), "one entry"),
        (Load(server, "many", [f"sensor-{i:03}" for i in range(1000)], seed), "1000 entries"),
    ]
    for load, name in loads:
        with tally.check(f"{WRITERS} writers and {READERS} readers on {name}: no stall, no error"):
            async with Client(server.url, api_token=TOKEN) as client:
                await client.create_bucket(load.bucket)
            await load.run(seconds)
        with tally.check(f"everything acknowledged on {name} is there, and nothing else"):
            await load.compare()
    with tally.check("the same after a restart"):
        server.interrupt()
        print(f"    start: {server.start():.2f} s")
        for load, _ in loads:
            await load.compare()
    server.interrupt()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10, help="how long each of the two loads lasts")
    parser.add_argument("--files", type=int, default=256, help="how many files the server may have open")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tally = Tally()
    with scratch() as folder, Server(folder / "data", max_files=options.files) as server:
        asyncio.run(run(server, options.seconds, options.seed, tally))
        if not REFERENCE:
            with tally.check("pannier verify finds nothing wrong"):
                verify(server.data)
    tally.finish()


if __name__ == "__main__":
    main()
