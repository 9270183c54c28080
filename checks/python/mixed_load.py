"""Everything at once in a full ring with many entries, for a long time: nothing fails, nothing grows."""

import argparse
import asyncio
import json
import os
import random
import re
import statistics
import subprocess
import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable
from pathlib import Path

from handles import Connection
from harness import Failed, Server, Tally, expect, scratch, verify

BUCKET = "ring"
ENTRIES = [f"line-{i // 10:02}/sensor-{i:03}" for i in range(1000)]
QUOTA = 600_000_000
GROWTH_MAX = 48.0  # MB of resident memory between the second and the last quarter of the time
DIRECT_GROWTH_MAX = 24.0  # MB of memory outside the heap
FILES_GROWTH_MAX = 64
FILES_MAX = 1024  # few enough that the files which the server keeps open are as many as they will be soon
STALL = 60.0  # seconds: a device may be busy for long, a request that hangs is another thing
POOL = random.Random(0).randbytes(3_000_000)

Headers = dict[str, str]
Step = Callable[[Connection, random.Random], Awaitable[None]]


class Load:
    def __init__(self, server: Server, seed: int) -> None:
        self.server = server
        self.seed = seed
        self.clock = 1_700_000_000_000_000
        self.keys: deque[tuple[str, int, int]] = deque(maxlen=20_000)  # entry, time, size
        self.took: dict[str, list[float]] = defaultdict(list)
        self.gone: Counter = Counter()
        self.problems: list[str] = []
        self.deadline = 0.0
        self.samples: list[tuple[float, float, int]] = []  # time, MB, files

    def next_time(self, count: int = 1) -> int:
        self.clock += 10 * count
        return self.clock

    def body(self, size: int, chance: random.Random) -> bytes:
        at = chance.randrange(len(POOL) - size)
        return POOL[at : at + size]

    async def call(
        self, connection: Connection, kind: str, method: str, path: str, data: bytes = b"", headers: Headers | None = None, allowed: tuple[int, ...] = (200,)
    ) -> tuple[int, Headers, bytes]:
        """A request with headers of its own; what is not allowed is a problem."""
        began = time.monotonic()
        await connection.head(method, path, len(data), headers)
        if data:
            await connection.body(data)
        status, answered, body = await connection.answer()
        took = time.monotonic() - began
        self.took[kind].append(took)
        if status == 404:
            self.gone[kind] += 1
        if status not in allowed:
            self.problems.append(f"{kind} {path}: {status} {answered.get('x-reduct-error')}")
        return status, answered, body

    # ------------------------------------------------------------ steps

    def write(self, size: int) -> Step:
        async def step(connection: Connection, chance: random.Random) -> None:
            entry, at = chance.choice(ENTRIES), self.next_time()
            labels = {"x-reduct-label-n": str(chance.randrange(100)), "x-reduct-label-kind": chance.choice(["a", "b", "c"])}
            data = self.body(size, chance)
            await self.call(connection, f"write {size}", "POST", f"/b/{BUCKET}/{entry}?ts={at}", data, labels)
            self.keys.append((entry, at, size))

        return step

    async def write_batch(self, connection: Connection, chance: random.Random) -> None:
        entry, first = chance.choice(ENTRIES), self.next_time(100) - 990
        headers = {f"x-reduct-time-{first + 10 * i}": f"1000,,n={i},kind=batch" for i in range(40)}
        _, answered, _ = await self.call(
            connection, "batch of 40", "POST", f"/b/{BUCKET}/{entry}/batch", self.body(40_000, chance), headers
        )
        self.refuse_errors("batch of 40", answered)
        self.keys.append((entry, first, 1_000))

    async def write_many(self, connection: Connection, chance: random.Random) -> None:
        entries, first = chance.sample(ENTRIES, 10), self.next_time(10) - 90
        headers = {"x-reduct-entries": ",".join(e.replace("/", "%2F") for e in entries), "x-reduct-start-ts": str(first)}
        headers |= {f"x-reduct-{i}-{i}": "2000,a/b,n=1,kind=many" for i in range(10)}
        _, answered, _ = await self.call(connection, "batch of entries", "POST", f"/io/{BUCKET}/write", self.body(20_000, chance), headers)
        self.refuse_errors("batch of entries", answered)

    def refuse_errors(self, kind: str, answered: Headers, allowed: str = "") -> None:
        for name, value in answered.items():
            if name.startswith("x-reduct-error") and value[:3] != allowed:
                self.problems.append(f"{kind}: {name}: {value}")

    async def read(self, connection: Connection, chance: random.Random) -> None:
        entry, at, size = chance.choice(self.keys)
        status, _, body = await self.call(connection, "read", "GET", f"/b/{BUCKET}/{entry}?ts={at}", allowed=(200, 404))
        if status == 200 and len(body) != size:
            self.problems.append(f"read {entry} {at}: {len(body)} bytes of {size}")

    async def label(self, connection: Connection, chance: random.Random) -> None:
        entry, at, _ = chance.choice(self.keys)
        new = {"x-reduct-label-marked": str(chance.randrange(10))}
        await self.call(connection, "change of labels", "PATCH", f"/b/{BUCKET}/{entry}?ts={at}", headers=new, allowed=(200, 404))

    async def remove(self, connection: Connection, chance: random.Random) -> None:
        entry, at, _ = chance.choice(self.keys)
        await self.call(connection, "removal", "DELETE", f"/b/{BUCKET}/{entry}?ts={at}", allowed=(200, 404))

    async def query(self, connection: Connection, chance: random.Random) -> None:
        entry, at, _ = chance.choice(self.keys)
        asked = {"query_type": "QUERY", "start": at - 200_000, "when": {"&n": {"$gt": chance.randrange(100)}, "$limit": 200}}
        await self.drain(connection, "query", f"/b/{BUCKET}/{entry}", asked)

    async def query_many(self, connection: Connection, chance: random.Random) -> None:
        asked = {
            "query_type": "QUERY",
            "entries": [f"line-{chance.randrange(100):02}/*"],
            "start": self.clock - 2_000_000,
            "when": {"&kind": {"$eq": chance.choice(["a", "many", "batch"])}, "$limit": 100},
        }
        await self.drain(connection, "query of entries", f"/io/{BUCKET}", asked)

    async def drain(self, connection: Connection, kind: str, path: str, asked: dict) -> None:
        status, _, body = await self.call(connection, kind, "POST", f"{path}/q", json.dumps(asked).encode(), allowed=(200, 404, 422))
        if status == 422 and b"Start time must be before stop time" not in body:
            self.problems.append(f"{kind}: {body!r}")
        if status != 200:
            return
        number = json.loads(body)["id"]
        while True:
            if path.startswith("/io"):
                status, answered, _ = await self.call(
                    connection, f"{kind}, batch", "GET", f"{path}/read", headers={"x-reduct-query-id": str(number)}, allowed=(200, 204)
                )
            else:
                status, answered, _ = await self.call(connection, f"{kind}, batch", "GET", f"{path}/batch?q={number}", allowed=(200, 204, 404))
            if status != 200 or answered.get("x-reduct-last") == "true":
                return

    def follow(self) -> Step:
        number = 0

        async def step(connection: Connection, chance: random.Random) -> None:
            nonlocal number
            if number == 0:
                asked = {"query_type": "QUERY", "continuous": True, "start": self.clock, "ttl": 30, "when": {"&n": {"$lt": 50}}}
                _, _, body = await self.call(connection, "continuous query", "POST", f"/io/{BUCKET}/q", json.dumps(asked).encode())
                number = json.loads(body)["id"]
            await self.call(
                connection, "continuous query, batch", "GET", f"/io/{BUCKET}/read", headers={"x-reduct-query-id": str(number)}, allowed=(200, 204)
            )

        return step

    # ------------------------------------------------------------ all of it

    async def repeat(self, name: str, step: Step, pause: float) -> None:
        chance = random.Random(f"{self.seed}/{name}")
        connection = Connection(self.server.port)
        while time.monotonic() < self.deadline and len(self.problems) < 200:
            try:
                async with asyncio.timeout(STALL):
                    await step(connection, chance)
            except (Failed, OSError, EOFError, TimeoutError) as error:
                self.problems.append(f"{name}: {error!r}")
                connection.abort()
            await asyncio.sleep(chance.uniform(0, 2 * pause))
        connection.abort()

    async def fill(self) -> None:
        """Writes into every entry until the ring has begun to evict."""
        connection = Connection(self.server.port)
        chance = random.Random(self.seed)
        settings = {"quota_type": "FIFO", "quota_size": QUOTA, "max_block_size": 1_000_000, "max_block_records": 256}
        await self.call(connection, "setup", "POST", f"/b/{BUCKET}", json.dumps(settings).encode())
        for entry in ENTRIES:
            at = self.next_time()
            await self.call(connection, "filling", "POST", f"/b/{BUCKET}/{entry}?ts={at}", self.body(1_000, chance))
            self.keys.append((entry, at, 1_000))
        for _ in range(QUOTA // 2_000_000 + 20):
            await self.call(connection, "filling", "POST", f"/b/{BUCKET}/{chance.choice(ENTRIES)}?ts={self.next_time()}", self.body(2_000_000, chance))
        _, _, body = await self.call(connection, "setup", "GET", f"/b/{BUCKET}")
        size = json.loads(body)["info"]["size"]
        expect(size > QUOTA * 0.7, f"the ring holds {size:,} bytes of {QUOTA:,}: not full")
        connection.abort()
        self.took.clear()

    async def watch(self) -> None:
        while time.monotonic() < self.deadline:
            self.samples.append((time.monotonic(), resident(self.server), len(os.listdir(f"/proc/{self.server.process.pid}/fd"))))
            await asyncio.sleep(2)

    async def run(self, seconds: float) -> None:
        await self.fill()
        self.deadline = time.monotonic() + seconds
        steps: list[tuple[str, Step, float]] = [
            *((f"small {i}", self.write(1_000), 0.01) for i in range(4)),
            *((f"picture {i}", self.write(100_000), 0.05) for i in range(2)),
            ("scan", self.write(2_000_000), 0.3),
            ("batch", self.write_batch, 0.1),
            ("many", self.write_many, 0.1),
            *((f"reader {i}", self.read, 0.01) for i in range(3)),
            ("labels", self.label, 0.03),
            ("removals", self.remove, 0.05),
            ("query", self.query, 0.1),
            ("query of entries", self.query_many, 0.2),
            *((f"continuous {i}", self.follow(), 0.1) for i in range(2)),
        ]
        async with asyncio.TaskGroup() as group:
            group.create_task(self.watch())
            for name, step, pause in steps:
                group.create_task(self.repeat(name, step, pause))

    def report(self) -> None:
        for kind, took in sorted(self.took.items()):
            took.sort()
            at = [took[min(len(took) - 1, int(len(took) * q))] * 1_000 for q in (0.5, 0.99, 0.999)]
            gone = f", {self.gone[kind]} × 404" if self.gone[kind] else ""
            print(f"    {kind}: {len(took):,}; ms at 50 %, 99 %, 99.9 %: {at[0]:.1f}, {at[1]:.1f}, {at[2]:.1f}{gone}")
        for problem in self.problems[:10]:
            print(f"    {problem}")


def resident(server: Server) -> float:
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1_000
    raise Failed("no VmRSS")


def direct(server: Server) -> float | None:
    """Memory outside the heap that buffers take, in MB, by the JVM's own book-keeping."""
    tool = Path(os.environ.get("JAVA_HOME", "/none")) / "bin" / "jcmd"
    if not tool.exists():
        return None
    done = subprocess.run([tool, str(server.process.pid), "VM.native_memory", "summary", "scale=KB"], capture_output=True, text=True, timeout=60)
    found = re.search(r"Other \(reserved=\d+KB, committed=(\d+)KB\)", done.stdout)
    return int(found[1]) / 1_000 if found else None


def growth(values: list[float]) -> float:
    """From the second quarter to the last one."""
    quarter = len(values) // 4
    return statistics.median(values[-quarter:]) - statistics.median(values[quarter : 2 * quarter])


async def check(server: Server, minutes: float, seed: int, tally: Tally) -> None:
    load = Load(server, seed)
    with tally.check(f"{minutes:g} minutes of everything in a full ring with {len(ENTRIES)} entries: no request fails"):
        early: list[float | None] = []

        async def look() -> None:
            await asyncio.sleep(minutes * 60 / 2)
            early.append(await asyncio.to_thread(direct, server))

        looking = asyncio.ensure_future(look())
        await load.run(minutes * 60)
        await looking
        load.report()
        expect(not load.problems, f"{len(load.problems)} problems")
    with tally.check("memory and open files do not grow"):
        memory = growth([sample[1] for sample in load.samples])
        files = growth([float(sample[2]) for sample in load.samples])
        late = direct(server)
        print(f"    resident {load.samples[0][1]:.0f} to {load.samples[-1][1]:.0f} MB, growth {memory:+.1f} MB; files {files:+.0f}; outside {early[0]} to {late} MB")
        expect(memory <= GROWTH_MAX, f"resident memory grew by {memory:.1f} MB")
        expect(files <= FILES_GROWTH_MAX, f"open files grew by {files:.0f}")
        if early[0] is not None and late is not None:
            expect(late - early[0] <= DIRECT_GROWTH_MAX, f"memory outside the heap grew from {early[0]} to {late} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tally = Tally()
    os.environ["PANNIER_JAVA_OPTS"] = (os.environ.get("PANNIER_JAVA_OPTS", "") + " -XX:NativeMemoryTracking=summary").strip()
    with scratch() as folder, Server(folder / "data", max_files=FILES_MAX) as server:
        server.start()
        asyncio.run(check(server, options.minutes, options.seed, tally))
        server.interrupt()
        with tally.check("pannier verify finds nothing wrong"):
            verify(server.data)
    tally.finish()


if __name__ == "__main__":
    main()
