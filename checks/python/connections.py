"""Many connections, half of which send one byte a second: the rest must not notice.

Of the slow ones most trickle the head of a request, some a small body, a few a large one that the server writes as it comes. All of them must be ended
by the server's own limits, which are set to a few seconds here.
"""

import argparse
import asyncio
import os
import random
import urllib.request
from collections import Counter
from pathlib import Path

from harness import TOKEN, Failed, Server, Tally, expect, scratch

LIMIT = 8  # seconds: for a head, and over which the rate of a body is judged
LARGE = 16  # slow uploads that hold a thread each; the server has 32
RESIDENT_MAX = 300  # MB, whatever the number of connections
FILES_SPARE = 200
BODY = random.Random(1).randbytes(1_000)


def resident(server: Server) -> float:
    """Memory of the process in MB."""
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1_000
    raise Failed("no VmRSS")


def files(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


class Clients:
    def __init__(self, server: Server, number: int) -> None:
        self.server = server
        self.number = number
        self.counts: Counter = Counter()
        self.problems: list[str] = []
        self.finished = asyncio.Event()

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.server.port)

    def head(self, method: str, path: str, *more: str) -> bytes:
        return "\r\n".join([f"{method} /api/v1/{path} HTTP/1.1", "host: x", f"authorization: Bearer {TOKEN}", *more, "", ""]).encode()

    async def answer(self, reader: asyncio.StreamReader) -> tuple[int, str, bytes]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lengths = [line for line in head.split("\r\n") if line.startswith("content-length:")]
        body = await reader.readexactly(int(lengths[0].split(":")[1])) if lengths else b""
        return int(head.split()[1]), head, body

    async def slow(self, kind: str, number: int) -> None:
        """Sends a byte a second until the server has had enough."""
        reader, writer = await self.open()
        if kind == "head":
            rest = self.head("GET", "info", "x-filler: " + "x" * 10_000)
        elif kind == "small body":
            writer.write(self.head("POST", f"b/load/slow?ts={number}", f"content-length: {len(BODY)}"))
            rest = BODY
        else:
            writer.write(self.head("POST", f"b/load/slow-{number}?ts={number}", "content-length: 4000000"))
            rest = BODY * 4_000
        ended = asyncio.ensure_future(self.answer(reader))
        try:
            for byte in rest:
                if writer.is_closing():
                    break
                writer.write(bytes([byte]))
                done, _ = await asyncio.wait([ended], timeout=1)
                if done:
                    break
            status, head, _ = await asyncio.wait_for(ended, 30)
            expected = 408 if kind == "head" else 400
            if status != expected:
                self.problems.append(f"slow {kind}: {head}")
            else:
                self.counts[f"slow {kind} ended"] += 1
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            self.problems.append(f"slow {kind}: {error!r}")
        finally:
            writer.close()

    async def quick(self, number: int) -> None:
        """Writes and reads until the slow ones are gone."""
        chance = random.Random(number)
        reader, writer = await self.open()
        written = 0
        try:
            while not self.finished.is_set():
                written += 1
                time = number * 1_000_000 + written
                writer.write(self.head("POST", f"b/load/quick-{number % 50}?ts={time}", f"content-length: {len(BODY)}") + BODY)
                status, head, _ = await self.answer(reader)
                if status != 200:
                    self.problems.append(f"write: {head}")
                writer.write(self.head("GET", f"b/load/quick-{number % 50}?ts={time}"))
                status, head, body = await self.answer(reader)
                if status != 200 or body != BODY:
                    self.problems.append(f"read: {head}")
                self.counts["quick requests"] += 2
                await asyncio.sleep(chance.uniform(0.5, 1.5))
        except (OSError, asyncio.IncompleteReadError) as error:
            self.problems.append(f"quick: {error!r}")
        finally:
            writer.close()

    async def run(self) -> tuple[float, int]:
        """All of them at once. Answers the most memory and files seen."""
        most = [0.0, 0]

        async def watch() -> None:
            while not self.finished.is_set():
                most[0] = max(most[0], resident(self.server))
                most[1] = max(most[1], files(self.server))
                await asyncio.sleep(0.5)

        slow = self.number // 2
        kinds = ["large body"] * LARGE + ["small body"] * (slow // 3)
        kinds += ["head"] * (slow - len(kinds))
        async with asyncio.TaskGroup() as group:
            group.create_task(watch())
            for number in range(self.number - slow):
                group.create_task(self.quick(number))
            slow_ones = [group.create_task(self.slow(kind, number)) for number, kind in enumerate(kinds)]
            await asyncio.wait(slow_ones)
            self.finished.set()
        return most[0], most[1]


async def check(server: Server, number: int, tally: Tally) -> None:
    clients = Clients(server, number)
    before = files(server)
    with tally.check(f"{number} connections, half of them slow: the others do not notice, the slow ones are ended"):
        memory, most = await clients.run()
        print("    " + ", ".join(f"{count:,} × {kind}" for kind, count in sorted(clients.counts.items())))
        print(f"    at most {memory:.0f} MB resident, {most} files open")
        for problem in clients.problems[:5]:
            print(f"    {problem!r}")
        expect(not clients.problems, f"{len(clients.problems)} problems")
        ended = sum(count for kind, count in clients.counts.items() if kind.endswith("ended"))
        expect(ended == number // 2, f"{ended} slow ones were ended by the server, of {number // 2}")
    with tally.check("memory and files are bounded"):
        expect(memory <= RESIDENT_MAX, f"{memory:.0f} MB resident, {RESIDENT_MAX} allowed")
        expect(most <= before + number + FILES_SPARE, f"{most} files open, {before} before")
    with tally.check("nothing of them is left"):
        for _ in range(100):
            if files(server) <= before + FILES_SPARE:
                break
            await asyncio.sleep(0.1)
        expect(files(server) <= before + FILES_SPARE, f"{files(server)} files open, {before} before")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=2000)
    options = parser.parse_args()
    tally = Tally()
    settings = {"PANNIER_HEAD_TIMEOUT": str(LIMIT), "RS_IO_OPERATION_TIMEOUT": str(LIMIT)}
    with scratch() as folder, Server(folder / "data", settings=settings) as server:
        server.start()
        request = urllib.request.Request(f"{server.url}/api/v1/b/load", data=b"", method="POST", headers={"authorization": f"Bearer {TOKEN}"})
        urllib.request.urlopen(request, timeout=20).close()
        asyncio.run(check(server, options.connections, tally))
        with tally.check("the server stops when it is asked to"):
            server.interrupt()
            expect("Exception" not in server.output(), server.output())
    tally.finish()


if __name__ == "__main__":
    main()
